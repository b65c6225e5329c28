"""Half a year in front of users on one time axis: what moves, what rings, who gets what."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd

from mlkit.widgets import _comm, _feed, _surface
from mlkit.widgets._outcome import LOST, Outcome, outcome, spread
from mlkit.widgets._settings import CHOICES, RANGES, Settings
from mlkit.widgets._world import DAYS, HLP, USERS, WEEKS

_HERE = Path(__file__).parent
_DRAWS = 20  # of luck, for a spread
_NEAR = 1  # week: a prediction as near counts, and is told the true week


class Simulator(anywidget.AnyWidget):
    """Does this policy lose users when the world moves? Predict, run, then move the sliders.

    Everything is simulated: photographs of phones sent in for trade-in, 400 requests a day of
    2,000 users, 26 weeks; three labels in a hundred come by themselves. A user leaves after four
    wrong answers in a row. Labels asked each week come the next day, those asked to train after
    three. Versions are really trained, and routed and judged by
    ``deployment.Policy``; input drift is the index (PSI) of ``monitoring.drift`` over a week.

    Parameters
    ----------
    settings
        The world: ``kind`` (none, data, concept, both), ``onset_week``, ``over_weeks`` (0: at
        once), ``size``, ``label_delay_days``, ``first_version`` (sound, faulty). The policy:
        ``retrain`` (never, every 4 weeks, every 13 weeks, alarm), ``inputs_above`` and
        ``accuracy_below`` (an alarm rings), ``labels_week`` and ``labels_retrain`` (asked of
        people), ``canary`` (share of users who get a new version first; 0: shadow).
    seed
        The draw of luck.

    Examples
    --------
    >>> simulator = Simulator()
    >>> simulator.result.lost
    True
    >>> simulator.run(labels_week=400, canary=0.5, accuracy_below=0.86).lost
    False
    """

    _esm = "\n".join(
        (_HERE / f"simulator{part}.js").read_text("utf-8") for part in ("_plot", "_panels", "")
    )
    _css = _surface.style("simulator")

    def __init__(self, *, seed: int = 0, **settings: Any) -> None:  # noqa: D107 - told above
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(f"seed is a whole number from 0 up; got {seed!r}.")
        self.settings, self.seed = Settings().changed(settings), int(seed)
        self.result = outcome(self.settings, self.seed)
        self._lock = threading.RLock()
        self._said: dict[str, Any] | None = None
        self._wish = 0
        self._drawn: list[tuple[int, bool]] = []
        self._round = 0  # of draws; what was asked for in an earlier one is left out
        self._feed = _feed.Feed(self._draw)
        super().__init__()
        _comm.hear_while_busy(self)
        _comm.hear_quietly(self)
        self.on_msg(lambda _widget, content, _buffers: self._try(lambda: self._answer(content)))

    # What a person types

    def run(self, **settings: Any) -> Outcome:
        """Change some settings, and play the half year with them; the others stay.

        What comes back has ``lost`` (more than one user in forty), ``users_lost`` and
        ``extra_errors`` (both beyond the best possible policy), ``detection_days`` and
        ``alarm_week`` (of the first true alarm; None: none), ``false_alarms_per_week`` (over all
        26 weeks), ``labels_paid``, and the tables ``.table`` (a row a day), ``.weeks``,
        ``.alarms``, ``.events``.
        """
        with self._lock:
            self.settings = self.settings.changed(settings)
            self.result = outcome(self.settings, self.seed)
            self._wish += 1
            self._show()
        return self.result

    def again(self) -> Outcome:
        """The same settings under another draw of luck."""
        with self._lock:
            self.seed += 1
            self._round += 1
        return self.run()

    def predict(self, *, lost: bool, alarm_week: int | None) -> str:
        """Say, before you look, whether users will be lost and which week's report has the first
        true alarm (None: no report); returns how that compares: a week off is near, and is told.
        """
        if not isinstance(lost, bool | np.bool_):
            raise TypeError(f"lost is True or False: will users be lost? Got {lost!r}.")
        whole = isinstance(alarm_week, int | np.integer) and not isinstance(alarm_week, bool)
        if alarm_week is not None and not (whole and 1 <= alarm_week <= WEEKS):
            raise ValueError(
                f"alarm_week is a week from 1 to {WEEKS}, or None for no true alarm; got "
                f"{alarm_week!r}."
            )
        with self._lock:
            week = None if alarm_week is None else int(alarm_week)
            self._said = {"lost": bool(lost), "alarm_week": week}
            self._said |= judged(self._said, self.result)
            self._show()
            return str(self._said["words"])

    def spread(self, n: int = _DRAWS) -> pd.DataFrame:
        """The same settings under ``n`` draws of luck, from this one on.

        Returns
        -------
        DataFrame
            ``seed``, ``users_lost``, ``lost``, ``extra_errors``, ``false_alarms_per_week``,
            ``detection_days`` (NaN: never noticed), ``labels_paid``.
        """
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"n is how many draws of luck, from 1 up; got {n!r}.")
        names = ["users_lost", "lost", "extra_errors", "false_alarms_per_week"]
        names += ["detection_days", "labels_paid"]
        found = [outcome(self.settings, self.seed + k) for k in range(n)]
        rows = [[one.seed, *(getattr(one, name) for name in names)] for one in found]
        return pd.DataFrame(rows, columns=["seed", *names]).astype({"detection_days": float})

    def __repr__(self) -> str:
        """One line that also serves where no widget can be shown."""
        return (
            f"Simulator (all simulated). {self.result} To move it, run this cell in JupyterLab, "
            "or use simulator.predict(lost=..., alarm_week=...) and simulator.run(...)."
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/plain"] = repr(self)
        return bundle

    # The wire

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message to the front end."""
        super().send(content, buffers)
        _comm.hear_while_busy(self)

    def _show(self) -> None:
        self.send({"op": "result", "wish": self._wish, **self._state()})

    def _state(self) -> dict[str, Any]:
        return {
            "settings": self.settings.to_dict(),
            "seed": self.seed,
            "said": self._said,
            "result": told(self.result),
        }

    def _try(self, do: Callable[[], None]) -> None:
        """What goes wrong on a thread that nobody looks at is told in the widget."""
        try:
            do()
        except Exception as error:  # noqa: BLE001 - whatever it is, the widget says it
            self.send({"op": "error", "text": f"{type(error).__name__}: {error}"})

    def _answer(self, content: Mapping[str, Any]) -> None:
        op = content.get("op")
        if op == "hello":
            fixed = {"ranges": RANGES, "choices": CHOICES, "days": DAYS, "weeks": WEEKS}
            fixed |= {"people": HLP, "users": USERS, "threshold": LOST, "draws": _DRAWS}
            with self._lock:
                self.send({"op": "state", "fixed": fixed, "wish": self._wish, **self._state()})
        elif op == "set":
            with self._lock:
                self.settings = self.settings.changed(content["settings"])
                self._wish = int(content["wish"])
                self.result = outcome(self.settings, self.seed)
                self._show()
        elif op == "again":
            self.again()
        elif op == "predict":
            self.predict(lost=content["lost"], alarm_week=content["alarm_week"])
        elif op == "forget":
            with self._lock:
                self._said = None
                self._round += 1
                self._show()
        elif op == "spread":
            with self._lock:
                self._drawn, self._round = [], self._round + 1
                wanted = [(self.settings, self.seed + k, self._round) for k in range(_DRAWS)]
            self._feed.want(wanted)
        else:
            raise ValueError(f"the widget sent {op!r}, which this version of the kit does not know")

    def _draw(self, wanted: tuple[Settings, int, int]) -> None:
        """One draw of luck of a spread; those of settings that have gone are left out."""
        settings, seed, turn = wanted
        if settings != self.settings or turn != self._round:
            return
        one = outcome(settings, seed)
        with self._lock:
            if settings != self.settings or turn != self._round:
                return
            self._drawn.append((one.users_lost, one.lost))
            n, points = len(self._drawn), [count for count, _ in self._drawn]
            table = pd.DataFrame(self._drawn, columns=["users_lost", "lost"])
            words = spread(table) if n == _DRAWS else f"{n} of {_DRAWS} half years played …"
            self.send({"op": "spread", "points": points, "words": words})


def judged(said: Mapping[str, Any], found: Outcome) -> dict[str, Any]:
    """How a prediction compares with what came."""
    lost = said["lost"] == found.lost
    mine, true = said["alarm_week"], found.alarm_week
    near = mine is not None and true is not None and abs(mine - true) <= _NEAR
    week = "no true alarm" if mine is None else f"the first true alarm in week {mine}"
    came = "none rang" if true is None else f"it was week {true}"
    if mine == true:
        how = ": right"
    elif near:
        how = f", within a week: {came}"
    else:
        how = f", wrong: {came if mine else f'one rang in week {true}'}"
    words = (
        f"First run. You said users would be {'lost' if said['lost'] else 'kept'}: "
        f"{'right' if lost else 'wrong'}. You said {week}{how}."
    )
    return {"right": [lost, near or mine == true], "words": words}


def told(found: Outcome) -> dict[str, Any]:
    """An outcome as it travels: rows as columns, NaN as null."""
    days = found.table.drop(columns=["day", "week", "accuracy_people"])
    return {
        "verdict": found.verdict,
        "lost": found.lost,
        "figures": [[figure, name] for figure, name, _ in found.figures()],
        "sentence": repr(found),
        "onset": found.settings.onset_day,
        "days": {name: _column(days[name]) for name in days},
        "weeks": {name: _column(found.weeks[name]) for name in ("inputs", "seen", "labels_paid")},
        "alarms": found.alarms[["day", "what", "true"]].to_dict("records"),
        "events": found.events[["day", "action", "why"]].to_dict("records"),
    }


def _column(values: pd.Series) -> list[float | None]:
    rounded = values.astype(float).round(4)
    return [None if np.isnan(value) else value for value in rounded.tolist()]
