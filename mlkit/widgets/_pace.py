"""The clock of a recording session, and how long more examples would take."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ENOUGH = 3  # costs from which an interval is worth anything


@dataclass(frozen=True)
class Pace:
    """How long ``m`` examples take at the pace of those made, in seconds.

    ``total_s`` with ``low, high`` (95 %), from the time that each of ``n`` examples cost; ``why``
    says why it is not known. ``table`` has a row an example: ``item, at, cost_s`` (NaN for the
    first after a break: nobody knows when it began) and ``sitting``.
    """

    table: pd.DataFrame
    total_s: float
    low: float
    high: float
    n: int
    m: int
    why: str
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        if self.why:
            return f"How long {self.m:,} examples take is not known yet: {self.why}."
        low, high = span(self.low), span(self.high)
        return (
            f"At the pace of {self.n:,} examples made, {self.m:,} take {span(self.total_s)} "
            f"({low} to {high}), breaks not counted."
        )

    def _repr_html_(self) -> str:
        rows = [
            {"item": str(r["item"]), "cost_s": _cost(r["cost_s"]), "sitting": str(r["sitting"])}
            for r in self.table.tail(10).to_dict("records")
        ]
        columns = {"item": "Example", "cost_s": "Time it cost", "sitting": "Sitting"}
        why = {
            (number, "cost_s"): "the first of a sitting: nobody knows when it began"
            for number, row in enumerate(rows)
            if row["cost_s"] == "—"
        }
        table = _show.table_html(rows, columns=columns, text=["item"], why=why)
        more = [f"The last 10 of {len(self.table):,} examples."] if len(self.table) > 10 else []
        return _show.result_html(repr(self), table, notes=[*more, *self.notes])

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Examples against working time: those made, and the wedge in which ``m`` will lie."""
        ax = _show.axes(ax)
        unit, word = (3600.0, "hours") if self.total_s >= 7200 else (60.0, "minutes")
        cost = self.table["cost_s"].dropna().to_numpy()
        if not self.why:
            for edge, style in ((self.total_s, "-"), (self.low, "--"), (self.high, "--")):
                ax.plot([0, edge / unit], [0, self.m], style, color=_show.PALETTE["blue"], lw=1)
            ends = [0, self.low / unit, self.high / unit]
            ax.fill(ends, [0, self.m, self.m], **_show.pale(_show.PALETTE["blue"], 0.15))
        made = np.arange(1, len(cost) + 1)
        ax.plot(np.cumsum(cost) / unit, made, "o", ms=3, color=_show.PALETTE["vermilion"])
        known = (
            f"{span(self.total_s)} ({span(self.low)} to {span(self.high)})" if not self.why else ""
        )
        ax.set(xlabel=f"working time ({word}, breaks left out)", ylabel="examples")
        ax.set_title(f"{self.m:,} examples take {known or 'a time not known yet'}", fontsize=10)
        return _show.describe(ax, f"{self!r} Points show the {len(cost):,} examples made.")


def pace(events: pd.DataFrame, *, m: Any, pause_s: Any) -> Pace:
    """From ``item, at, kept``, a row a take in any order, to the time that ``m`` examples take.

    Time spent on takes that were replaced or taken back is part of what the next one cost.
    """
    m, pause_s = _count(m), _seconds(pause_s)
    events = events.assign(at=pd.to_datetime(events["at"], utc=True, format="ISO8601"))
    events = events.sort_values("at", kind="stable", ignore_index=True)
    gap = events["at"].diff().dt.total_seconds().to_numpy()
    breaks = gap > pause_s
    sitting = np.cumsum(breaks) + 1
    gap = np.where(breaks, np.nan, gap)
    rows, lost_s = [], 0.0
    for number, event in enumerate(events.to_dict("records")):
        if not event["kept"]:
            lost_s += 0.0 if math.isnan(gap[number]) else gap[number]
            continue
        cost_s = gap[number] + lost_s
        lost_s = lost_s if math.isnan(cost_s) else 0.0
        rows.append((event["item"], event["at"], cost_s, int(sitting[number])))
    table = pd.DataFrame(rows, columns=["item", "at", "cost_s", "sitting"])
    table = table.astype({"cost_s": float, "sitting": int})
    whole_s = events["at"].diff().dt.total_seconds().to_numpy()[breaks]
    notes = _notes(whole_s, pause_s, int((~events["kept"].astype(bool)).sum()))
    cost = table["cost_s"].dropna().to_numpy()
    if len(cost) < _ENOUGH:
        why = (
            f"it needs {_ENOUGH} examples made one after the other, and there "
            f"{'is' if len(cost) == 1 else 'are'} {len(cost)}"
        )
        return Pace(table, math.nan, math.nan, math.nan, len(cost), m, why, notes)
    total, low, high = interval(cost, m)
    return Pace(table, total, low, high, len(cost), m, "", notes)


def interval(cost: np.ndarray, m: int) -> tuple[float, float, float]:
    """The sum of ``m`` further costs like these, with the 95 % prediction interval.

    m x mean -/+ t(n - 1) x s x m x sqrt(1/n + 1/m), not below 0 (Hahn and Meeker, 1991).
    """
    from scipy import stats

    n, mean, s = len(cost), float(np.mean(cost)), float(np.std(cost, ddof=1))
    half = float(stats.t.ppf(0.975, n - 1)) * s * m * math.sqrt(1 / n + 1 / m)
    return m * mean, max(0.0, m * mean - half), m * mean + half


def span(seconds: float) -> str:
    """A time as people say it.

    >>> span(42), span(192), span(4321), span(200_000)
    ('42 s', '3 min 12 s', '1 h 12 min', '56 h')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{round(whole / 60)} min"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 600 else f"{round(minutes / 60)} h"


def _cost(seconds: float) -> str:
    return "—" if math.isnan(seconds) else f"{seconds:.1f} s"


def _notes(breaks: np.ndarray, pause_s: float, lost: int) -> tuple[str, ...]:
    notes = []
    if len(breaks):
        one = len(breaks) == 1
        notes.append(
            f"{'1 break' if one else f'{len(breaks):,} breaks'} of more than {pause_s:g} s, "
            f"{span(breaks.sum())} in all, {'is' if one else 'are'} left out."
        )
    if lost:
        takes = "1 take that does" if lost == 1 else f"{lost:,} takes that do"
        notes.append(f"The time of {takes} not count any more is in it.")
    notes.append(
        "One person, one sitting's mood: tiredness, other people and the time to find them "
        "are not in it."
    )
    return tuple(notes)


def _count(m: Any) -> int:
    whole = isinstance(m, int | np.integer) and not isinstance(m, bool)
    if not whole or m < 1:
        raise ValueError(f"Recorder.pace(m={m!r}): give a whole number of examples, 1 or more.")
    return int(m)


def _seconds(pause_s: Any) -> float:
    number = isinstance(pause_s, int | float | np.number) and not isinstance(pause_s, bool)
    if not number or not 0 < float(pause_s) < math.inf:
        raise ValueError(f"Recorder.pace(pause_s={pause_s!r}): give a number of seconds above 0.")
    return float(pause_s)
