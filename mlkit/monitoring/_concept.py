"""Has what is right changed? Accuracy on labels that arrive late, as one would have seen it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit._tables import TableError
from mlkit.monitoring import _measured, _stream

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "monitoring.concept"


@dataclass(frozen=True)
class Concept:
    """Accuracy ``now`` (the last window with labels) with ``low, high, n``, and who noticed when.

    ``.table`` has a row for each window, ``.detectors`` one for each way of looking,
    ``.simulated`` what each does on such traffic when nothing, or something, changes.
    """

    table: pd.DataFrame
    detectors: pd.DataFrame
    simulated: pd.DataFrame = field(repr=False)
    accuracy: float
    low: float
    high: float
    n: int
    reference_accuracy: float
    reference_n: int
    notes: tuple[str, ...] = field(default=(), repr=False)

    @property
    def noticed(self) -> pd.Timestamp:
        """When the window test first raised an alarm; NaT: never."""
        return self.detectors["noticed"].iloc[0]

    def __repr__(self) -> str:
        tested = int(self.table["p"].notna().sum())
        what = (
            f"no fall was noticed in {_tables._count(tested, 'window')}"
            if pd.isna(self.noticed)
            else f"a fall was noticed by {_moment(self.noticed)}"
        )
        return (
            f"Accuracy {_show.percent(self.accuracy)} ({_show.percent(self.low)} to "
            f"{_show.percent(self.high)}) over the last {_tables._count(self.n, 'label')}, "
            f"{_show.percent(self.reference_accuracy)} over the {self.reference_n:,} of the "
            f"reference: {what}."
        )

    def _repr_html_(self) -> str:
        rows = [
            {
                "time": _moment(row["time"]),
                "accuracy": f"{_show.percent(row['accuracy'])}\n{_show.percent(row['low'])} to "
                f"{_show.percent(row['high'])}",
                "n": f"{row['n']:,}",
                "difference": _show.points(row["difference"]),
                "p": _chance(row["p"]),
                "alarm": "▲ alarm" if row["alarm"] else str(row["why"]),
            }
            for row in self.table.tail(20).to_dict("records")
        ]
        columns = {
            "time": "window until",
            "accuracy": "accuracy",
            "n": "labels",
            "difference": "change (points)",
            "p": "p (as much by chance alone)",
            "alarm": "",
        }
        tables = _show.table_html(rows, columns=columns, text=["time", "alarm"])
        tables += _by_detector(self.detectors, self.simulated)
        more = len(self.table) - 20
        early = [f"{more} windows before these in .table."] if more > 0 else []
        return _show.result_html(repr(self), tables, notes=(*early, *self.notes))

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Accuracy over time with its interval, the reference, and the alarms."""
        ax = _show.axes(ax)
        table = self.table[self.table["accuracy"].notna()]
        time = table["time"].to_numpy("datetime64[ns]")
        accuracy, low, high = (100 * table[name] for name in ("accuracy", "low", "high"))
        blue, red = _show.PALETTE["blue"], _show.PALETTE["vermilion"]
        ax.fill_between(time, low, high, **_show.pale(blue))
        ax.plot(time, accuracy, "-o", color=blue, markersize=4, label="accuracy of a window")
        ax.axhline(100 * self.reference_accuracy, color="black", linestyle="--", label="reference")
        ringing = table["alarm"].to_numpy(bool)
        ax.plot(time[ringing], accuracy[ringing], "v", color=red, markersize=10, label="alarm")
        for (_, row), style in zip(self.detectors.iloc[1:].iterrows(), (":", "-."), strict=True):
            if pd.notna(row["noticed"]):
                when = row["noticed"].to_datetime64()
                ax.axvline(when, color=red, linestyle=style, label=str(row["detector"]))
        ax.set_ylabel("right (%)")
        ax.set_xlabel("labels known by")
        ax.tick_params(axis="x", rotation=30)
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        return _show.describe(ax, repr(self))


def _moment(time: pd.Timestamp) -> str:
    """Midnight is told by its date alone."""
    return f"{time:%Y-%m-%d}" if time == time.normalize() else f"{time:%Y-%m-%d %H:%M}"


def _days(wait: pd.Timedelta) -> str:
    days = wait / pd.Timedelta("1D")
    return f"{days:.1f} days" if days < 10 else f"{days:.0f} days"


def _chance(p: float) -> str:
    if pd.isna(p):
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _by_detector(detectors: pd.DataFrame, simulated: pd.DataFrame) -> str:
    """A row for each way of looking: here, and on simulated logs of each change."""
    columns = {"detector": "detector", "noticed": "first alarm here"}
    rows = {
        row["detector"]: {
            "detector": str(row["detector"]),
            "noticed": "none" if pd.isna(row["noticed"]) else _moment(row["noticed"]),
        }
        for row in detectors.to_dict("records")
    }
    headings = {
        "none": "simulated: nothing changed",
        "sudden": "simulated: a sudden fall",
        "gradual": "simulated: as large a fall, gradual to the end",
    }
    for row in simulated.to_dict("records"):
        columns[row["change"]] = headings[row["change"]]
        often = f"alarm in {_show.percent(row['alarmed'], digits=0)}"
        after = f"\nafter {_days(row['delay'])}" if _told(row) else ""
        rows[row["detector"]][row["change"]] = often + after
    return _show.table_html(rows.values(), columns=columns, text=["detector"])


def concept(
    log: pd.DataFrame,
    *,
    reference_until: str | pd.Timestamp,
    window: str | pd.Timedelta = "7D",
    alpha: float = 0.01,
    adwin: float = 0.002,
    page_hinkley: float = 50.0,
    fall: float = 0.1,
    simulations: int = 50,
    rng: int | np.random.Generator | None = None,
) -> Concept:
    """Has accuracy fallen since the reference period, and when would one have noticed?

    Labels are replayed in the order in which they came: a window holds those of ``(start, end]``.
    It is tested against the reference by user; ADWIN (Bifet and Gavalda 2007, river's) and
    Page-Hinkley (Page 1954, as river's) read right and wrong one by one, as if independent.

    Parameters
    ----------
    log : ``timestamp, item, prediction, label`` (+ ``label_at``, else labels came at once; +
        ``user``, else each request is one of its own). Rows without a label are left out.
    reference_until : labels that came until then are the reference.
    alpha : at most this share of windows alarms by chance: more windows, more false alarms.
    adwin, page_hinkley : river's ``delta`` and ``threshold``.
    fall, simulations : ``.simulated`` redraws the log so often with nothing changed, a sudden
        and a gradual fall of that size: ``change, detector, alarmed, low, high, delay, n``.

    ``.table``: ``time, accuracy, low, high, n, users, difference, p, alarm, why``.

    Examples
    --------
    >>> right = np.r_[np.tile([1, 1, 1, 1, 0], 200), np.tile([1, 0], 250)]
    >>> made = pd.DataFrame({"timestamp": pd.date_range("2026-01-01", periods=1500, freq="h"),
    ...     "item": "i", "prediction": "a", "label": np.where(right, "a", "b")})
    >>> concept(made, reference_until="2026-02-01", simulations=0).noticed
    Timestamp('2026-02-15 00:00:00+0000', tz='UTC')
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, for example 0.01; got {alpha!r}.")
    if simulations < 0:
        raise ValueError(f"simulations is how often to redraw the log; got {simulations!r}.")
    length = pd.Timedelta(window)
    if not length > pd.Timedelta(0):
        raise ValueError(f'window is a length of time, for example "7D"; got {window!r}.')
    table, notes = _labelled(log)
    until = pd.Timestamp(reference_until)
    until = until.tz_localize("UTC") if until.tzinfo is None else until.tz_convert("UTC")
    _both_sides(table["label_at"], until)
    given = _stream.stream(table, until, length)
    right = _measured.right(table).astype(float)
    shown = _table(given, right, alpha)
    settings: dict[str, Any] = {"alpha": alpha, "adwin": adwin, "page_hinkley": page_hinkley}
    found = _stream.alarms(given, right, **settings)
    detectors = pd.DataFrame(
        [(name, _time(at[0]) if len(at) else pd.NaT, len(at)) for name, at in found.items()],
        columns=["detector", "noticed", "alarms"],
    )
    detectors["noticed"] = pd.to_datetime(detectors["noticed"], utc=True)
    rng = np.random.default_rng(rng)
    simulated = _stream.simulated(
        given, right, fall=fall, times=simulations, rng=rng, **settings
    ) if simulations else pd.DataFrame()  # fmt: skip
    last = shown[shown["n"] > 0].iloc[-1]
    return Concept(
        shown,
        detectors,
        simulated,
        float(last["accuracy"]),
        float(last["low"]),
        float(last["high"]),
        int(last["n"]),
        float(right[: given.known].mean()),
        given.known,
        (*notes, *_said(simulated, fall)),
    )


def _time(nanoseconds: int) -> pd.Timestamp:
    return pd.Timestamp(int(nanoseconds), unit="ns", tz="UTC")


def _labelled(log: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Rows with a label in the order of its arrival, and what is to be said of them."""
    table = _tables.log(log, function=_FUNCTION)
    if "label" not in table.columns:
        raise TableError(
            f"{_FUNCTION}() needs the column label in the log. Without labels "
            "monitoring.estimate() tells what to expect from the scores."
        )
    _tables._same_kind(table, _FUNCTION)
    if "label_at" not in table.columns:
        table["label_at"] = table["timestamp"]
    table["label_at"] = pd.to_datetime(table["label_at"], utc=True)
    whole = table[["label", "label_at"]].notna().all(axis=1)
    if not whole.any():
        raise TableError(f"{_FUNCTION}() found no row with a label and the time it came.")
    kept = table[whole]
    # No label comes before its question.
    kept = kept.assign(label_at=kept[["timestamp", "label_at"]].max(axis=1))
    wait = pd.Timedelta((kept["label_at"] - kept["timestamp"]).median())
    notes = []
    if not whole.all():
        notes.append(f"Left out: {_tables._count(int((~whole).sum()), 'row')} without a label.")
    if wait > pd.Timedelta(0):
        notes.append(f"Half of the labels came within {_days(wait)}; nothing shows sooner.")
    if "user" not in table.columns:
        notes.append("Without the column user each request is taken for one of its own.")
    return kept.sort_values(["label_at", "timestamp"], kind="stable"), notes


def _both_sides(label_at: pd.Series, until: pd.Timestamp) -> None:
    if not (label_at <= until).any() or not (label_at > until).any():
        times = [f"{time:%Y-%m-%d %H:%M}" for time in (until, label_at.min(), label_at.max())]
        raise TableError(
            f"{_FUNCTION}() needs labels from before and after reference_until ({times[0]}); they "
            f"came from {times[1]} to {times[2]}."
        )


def _table(given: _stream.Stream, right: np.ndarray, alpha: float) -> pd.DataFrame:
    table = _stream.windows(given, right)
    why = np.where(table["n"] == 0, "no label came", "fewer than 2 users")
    return pd.DataFrame(
        {
            "time": pd.to_datetime(given.ends, utc=True),
            **{name: table[name] for name in ("accuracy", "low", "high", "n", "users")},
            "difference": table["difference"],
            "p": table["p"],
            "alarm": table["p"] < alpha,
            "why": np.where(table["p"].notna(), "", why),
        }
    )


def _said(simulated: pd.DataFrame, fall: float) -> list[str]:
    """What the columns of the simulated logs mean."""
    if simulated.empty:
        return []
    return [
        f"Simulated: {int(simulated['n'].iloc[0])} logs like this one for each column, the falls "
        f"of {100 * fall:g} points. An alarm where nothing changed is false; the days are the "
        "median, from the change to the alarm."
    ]


def _told(row: dict) -> bool:
    return row["change"] != "none" and pd.notna(row["delay"])
