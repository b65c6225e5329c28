"""A rollout played through: the policy of the server, on requests whose answers are known."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit._tables import TableError
from mlkit.deployment import _tally
from mlkit.deployment._policy import HOLD, Decision, Policy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NEEDED = ["timestamp", "item", "user", "label", "prediction_old", "prediction_new"]
_FUNCTION = "deployment.simulate"


@dataclass(frozen=True)
class Simulation:
    """How a rollout went: what users got, and what the policy did when.

    ``extra_errors`` with ``low, high``: errors that users saw beyond those of old alone, out of
    ``n`` requests. ``.table`` has a row for each look, ``.events`` one for each change of
    share, ``.log`` one for each answer, as the server keeps it (``routed``: the version that
    the policy chose; ``served``: whether the user got this answer).
    """

    table: pd.DataFrame
    events: pd.DataFrame = field(repr=False)
    log: pd.DataFrame = field(repr=False)
    extra_errors: float
    low: float
    high: float
    n: int

    def __repr__(self) -> str:
        last = self.events.iloc[-1]
        served = (self.log["version"] == "new")[self.log["served"]].mean()
        kind = "more" if self.extra_errors >= 0 else "fewer"
        low, high = sorted([abs(self.low), abs(self.high)])
        if self.low < 0 < self.high:
            reach = f"{self.low:+,.0f} to {self.high:+,.0f}"
        else:
            reach = f"{low:,.0f} to {high:,.0f}"
        return (
            f"New served {_show.percent(served)} of {self.n:,} requests; users saw "
            f"{abs(self.extra_errors):,.0f} {kind} errors than with old alone ({reach} in such "
            f"traffic). Last: {last['action']}, {last['timestamp']:%d %b %H:%M}."
        )

    def _repr_html_(self) -> str:
        rows = [
            {
                "when": f"{event['timestamp']:%Y-%m-%d %H:%M}",
                "action": str(event["action"]),
                "share": _show.percent(event["share"], digits=0),
                "why": str(event["why"]),
            }
            for event in self.events.to_dict("records")
        ]
        columns = {"when": "when", "action": "action", "share": "share of new", "why": "why"}
        table = _show.table_html(rows, columns=columns, text=["when", "action", "why"])
        return _show.result_html(repr(self), table)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Accuracy of either version as it truly was, what was served, and the share of new."""
        from matplotlib.dates import ConciseDateFormatter

        ax = _show.axes(ax)
        when = self.table["timestamp"].dt.tz_localize(None)
        # What was served lies below, wide and light: it is old or new nearly everywhere.
        lines = {"served": ("orange", "-", 6), "old": ("blue", "--", 2), "new": ("black", "-", 1)}
        for name, (color, style, width) in lines.items():
            values = 100 * self.table[f"accuracy_{name}"]
            ax.plot(
                when, values, style, color=_show.PALETTE[color], linewidth=width, label=name
            )  # fmt: skip
        beside = ax.twinx()
        beside.fill_between(
            when, 100 * self.table["share"], step="pre", **_show.pale(_show.PALETTE["sky"], 0.15)
        )
        beside.set_ylim(0, 100)
        beside.set_ylabel("users on new (%, shaded)")
        later = self.events.iloc[1:]
        for moment, action in zip(
            later["timestamp"].dt.tz_localize(None), later["action"], strict=True
        ):
            ax.axvline(moment, color="gray", linewidth=0.8)
            ax.annotate(
                action, (moment, 1), (3, -3), xycoords=("data", "axes fraction"),
                textcoords="offset points", rotation=90, va="top", fontsize=8,
            )  # fmt: skip
        ax.set_ylabel("accuracy (%)")
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))
        return _show.describe(ax, repr(self))


def simulate(
    requests: pd.DataFrame, policy: Policy, *, every: str = "1h", slow_ms: float | None = None
) -> Simulation:
    """What would this policy have done on this traffic, and what would users have got?

    The policy routes and decides with the code that the server uses. It sees a label when it
    arrives (``label_at``), the table and the headline tell what is known to us alone.

    Parameters
    ----------
    requests : ``timestamp, item, user, label, prediction_old, prediction_new``; if known
        ``label_at`` (missing: never; absent column: at once), ``latency_old_ms,
        latency_new_ms``. A missing prediction of new is a failure: old answers instead.
    every : how often the policy looks, as pandas says it.
    slow_ms : slower than this counts as slow.

    ``.table``: ``timestamp`` (end of the period), ``share``, ``requests``, ``accuracy_old``,
    ``accuracy_new``, ``accuracy_served`` (of that period; NaN without a request), ``action``,
    ``why``. The interval of ``extra_errors`` is over users (linearised).

    Examples
    --------
    >>> n = 200
    >>> made = pd.DataFrame({"timestamp": pd.date_range("2026-01-01", periods=n, freq="min"),
    ...     "item": [f"i{k}" for k in range(n)], "user": [f"u{k % 50}" for k in range(n)],
    ...     "label": "x", "prediction_old": "x", "prediction_new": "y"})
    >>> simulate(made, Policy(ramp=(0.5, 1.0), users=10)).events["action"].tolist()
    ['start', 'roll back']
    """
    table = _checked(requests, slow_ms)
    play = _Play(table, policy, slow_ms)
    first, last = table["timestamp"].iloc[0], table["timestamp"].iloc[-1]
    step = pd.Timedelta(every)
    if step <= pd.Timedelta(0):
        raise ValueError(f'every is a time above 0, like "1h"; got {every!r}.')
    # Looks at round times: 06:00, not 06:13.
    looks = pd.date_range(first.floor(step) + step, last.floor(step) + step, freq=step)
    if len(looks) > 100_000:
        raise ValueError(
            f"every {every} makes {len(looks):,} looks over this log: look less often."
        )
    rows = [play.until(when) for when in looks]
    return _told(table, play, pd.DataFrame(rows), first)


def _checked(requests: pd.DataFrame, slow_ms: float | None) -> pd.DataFrame:
    missing = [name for name in _NEEDED if name not in getattr(requests, "columns", ())]
    if missing:
        raise TableError(
            f"{_FUNCTION}() needs the columns {', '.join(_NEEDED)}; missing: "
            f"{', '.join(missing)}. Found: {', '.join(map(str, getattr(requests, 'columns', ())))}."
        )
    table = _tables.log(requests.assign(prediction=""), function=_FUNCTION)
    if table.empty:
        raise TableError(f"{_FUNCTION}() was given no requests.")
    _tally.in_each_row(table, ("user", "label", "prediction_old"), function=_FUNCTION)
    if slow_ms is not None and not {"latency_old_ms", "latency_new_ms"} <= set(table.columns):
        raise TableError(f"{_FUNCTION}() needs latency_old_ms and latency_new_ms for slow_ms.")
    if "label_at" not in table:
        table["label_at"] = table["timestamp"]
    table["label_at"] = pd.to_datetime(table["label_at"], utc=True)
    return table.drop(columns="prediction").sort_values(
        "timestamp", kind="stable", ignore_index=True
    )


class _Play:
    """Where the rollout stands: the share, and what was counted since it was last changed."""

    def __init__(self, table: pd.DataFrame, policy: Policy, slow_ms: float | None) -> None:
        self.policy, self.share = policy, policy.first_share
        self.shadow = policy.mode == "shadow"
        names, self.codes = np.unique(table["user"].to_numpy(str), return_inverse=True)
        self.people, self.place = len(names), policy.places(names)[self.codes]
        label = table["label"].to_numpy(object)
        failed = table["prediction_new"].isna().to_numpy()
        self.right = {
            "old": (table["prediction_old"].to_numpy(object) == label),
            "new": ~failed & (table["prediction_new"].to_numpy(object) == label),
        }
        never = np.zeros(len(table), bool)
        self.failed = {"old": never, "new": failed}
        self.slow = {
            name: never
            if slow_ms is None
            else table[f"latency_{name}_ms"].to_numpy(float) > slow_ms
            for name in ("old", "new")
        }
        self.when = table["timestamp"].to_numpy("datetime64[ns]")
        late = table["label_at"].to_numpy("datetime64[ns]")
        # A label cannot be known before its request.
        self.label_at = np.where(np.isnat(late), late, np.maximum(late, self.when))
        self.by_label = np.argsort(self.label_at, kind="stable")  # NaT last
        self.known = self.label_at[self.by_label]
        self.routed = np.zeros(len(table), bool)  # to new
        self.at = self.labels_at = self.begun = 0
        self.events: list[dict[str, object]] = []
        self._clear()

    def _clear(self) -> None:
        metrics = {rule.metric for rule in self.policy.rules} | {"accuracy"}
        self.counts = {
            (metric, version): [np.zeros(self.people), np.zeros(self.people)]
            for metric in metrics
            for version in ("old", "new")
        }

    def until(self, when: pd.Timestamp) -> dict[str, object]:
        """Serve what comes before this moment, then look."""
        moment = when.to_datetime64().astype("datetime64[ns]")
        end = int(np.searchsorted(self.when, moment, side="left"))
        rows = np.arange(self.at, end)
        self.routed[rows] = self.place[rows] < self.share
        self._count_requests(rows)
        labelled = int(np.searchsorted(self.known, moment, side="right"))
        labelled = min(labelled, int((~np.isnat(self.known)).sum()))
        self._count_labels(self.by_label[self.labels_at : labelled])
        self.at, self.labels_at = end, labelled
        decision = self._look()
        served = self._served(rows)
        told = {
            "timestamp": when,
            "share": self.share,
            "requests": len(rows),
            **{f"accuracy_{name}": _mean(self.right[name][rows]) for name in ("old", "new")},
            "accuracy_served": _mean(served),
            "action": decision.action,
            "why": decision.why,
        }
        if decision.share != self.share or (
            decision.action != HOLD and not self._is_last(decision)
        ):
            self.events.append({"timestamp": when, **_event(decision)})
        if decision.share != self.share:
            self.share, self.begun = decision.share, end
            self._clear()
        return told

    def _is_last(self, decision: Decision) -> bool:
        return bool(self.events) and self.events[-1]["action"] == decision.action

    def _served(self, rows: np.ndarray) -> np.ndarray:
        new = self.routed[rows] & ~self.failed["new"][rows]
        return np.where(new, self.right["new"][rows], self.right["old"][rows])

    def _sides(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        if self.shadow and self.share == 0:
            return {"old": rows, "new": rows}
        new = self.routed[rows]
        return {"old": rows[~new], "new": rows[new]}

    def _count_requests(self, rows: np.ndarray) -> None:
        for version, part in self._sides(rows).items():
            for metric, what in (("failed", self.failed), ("slow", self.slow)):
                self._add(metric, version, part, what[version])

    def _count_labels(self, rows: np.ndarray) -> None:
        for version, part in self._sides(rows[rows >= self.begun]).items():
            self._add("accuracy", version, part, self.right[version])

    def _add(self, metric: str, version: str, rows: np.ndarray, what: np.ndarray) -> None:
        if (metric, version) in self.counts and len(rows):
            count, total = self.counts[metric, version]
            count += np.bincount(self.codes[rows], what[rows], self.people)
            total += np.bincount(self.codes[rows], minlength=self.people)

    def _look(self) -> Decision:
        sides = {
            rule.metric: (*self.counts[rule.metric, "old"], *self.counts[rule.metric, "new"])
            for rule in self.policy.rules
        }
        return self.policy.decide(sides, share=self.share)


def _event(decision: Decision) -> dict[str, object]:
    return {"action": decision.action, "share": decision.share, "why": decision.why}


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def _told(table: pd.DataFrame, play: _Play, looks: pd.DataFrame, first: pd.Timestamp) -> Simulation:
    start = {"timestamp": first, "action": "start", "share": play.policy.first_share, "why": ""}
    rows = np.arange(len(table))
    served = play._served(rows)
    extra = play.right["old"].astype(float) - served
    by_user = np.bincount(play.codes, extra, play.people)
    half = 1.96 * float(np.sqrt(((by_user - by_user.mean()) ** 2).sum()))
    new = play.routed & ~play.failed["new"]
    base = table[["timestamp", "item", "user", "label", "label_at"]]
    log = base.assign(
        routed=np.where(play.routed, "new", "old"),
        version=np.where(new, "new", "old"),
        prediction=table["prediction_new"].where(new, table["prediction_old"]),
        served=True,
    )
    # Beside what was served: new's answers in shadow, and its failures where old stepped in.
    aside = play.routed & play.failed["new"]
    if play.shadow:
        aside |= ~play.routed
    if aside.any():
        unseen = base[aside].assign(
            routed=np.where(play.routed, "new", "old")[aside],
            version="new",
            prediction=table["prediction_new"][aside],
            served=False,
        )
        log = pd.concat([log, unseen]).sort_values("timestamp", kind="stable", ignore_index=True)
    return Simulation(
        looks,
        pd.DataFrame([start, *play.events]),
        log,
        float(extra.sum()),
        float(extra.sum()) - half,
        float(extra.sum()) + half,
        len(table),
    )
