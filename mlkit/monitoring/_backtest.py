"""What would this alarm have done to you? Replayed on your traffic, as often as one likes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _stats, _tables
from mlkit._tables import TableError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "monitoring.backtest"
_WEEK, _DAY = pd.Timedelta("7D"), pd.Timedelta("1D")
_NEAR = 3  # days from which another day of the change is drawn
Alarm = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Backtest:
    """False alarms ``per_week`` with ``low, high`` over ``n`` quiet periods, and the ``delay``.

    ``delay`` is the median of the replays with ``delay_low, delay_high``; ``missed`` the share of
    them without an alarm in time. ``.table`` has a row for each replay, ``.alarms`` what the
    alarm said of the log itself.
    """

    table: pd.DataFrame
    alarms: pd.DataFrame = field(repr=False)
    per_week: float
    low: float
    high: float
    n: int
    false_alarms: int
    delay: pd.Timedelta
    delay_low: pd.Timedelta
    delay_high: pd.Timedelta
    missed: float
    missed_low: float
    missed_high: float
    replays: int
    within: pd.Timedelta
    onset: pd.Timestamp
    notes: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        if self.n:
            said = (
                f"{self.per_week:.2g} false alarms a week ({self.low:.2g} to {self.high:.2g}, "
                f"over {_tables._count(self.n, 'quiet period')})"
            )
        else:
            said = "False alarms unknown, for want of a quiet period after the reference"
        if self.replays:
            share = f"missed in {_show.percent(self.missed, digits=0)} of {self.replays:,} replays"
            reach = f" ({_days(self.delay_low)} to {_days(self.delay_high)})"
            return f"{said}; the change is noticed after {_days(self.delay)}{reach}, {share}."
        if pd.isna(self.delay):
            return f"{said}; the change was not noticed within {_days(self.within)}."
        return f"{said}; the change was noticed after {_days(self.delay)}."

    def _repr_html_(self) -> str:
        rows = [
            {
                "onset": f"{row['onset']:%Y-%m-%d %H:%M}",
                "noticed": "" if pd.isna(row["noticed"]) else f"{row['noticed']:%Y-%m-%d %H:%M}",
                "delay": "missed" if pd.isna(row["delay"]) else _days(row["delay"]),
                "by": str(row["by"]),
            }
            for row in self.table.head(20).to_dict("records")
        ]
        columns = {"onset": "changed at", "noticed": "noticed", "delay": "after", "by": "first by"}
        table = _show.table_html(rows, columns=columns, text=["by"])
        more = len(self.table) - 20
        notes = (*self.notes, f"{more} replays more in .table.") if more > 0 else self.notes
        return _show.result_html(repr(self), table, notes=notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Every alarm on the log itself, a row for each thing watched; false ones are hollow."""
        from matplotlib.dates import ConciseDateFormatter

        named = _named(self.alarms)
        order = list(dict.fromkeys(named))[::-1]
        ax = _show.axes(ax, size=(7.0, 1.5 + 0.3 * len(order)))
        red = _show.PALETTE["vermilion"]
        known = pd.notna(self.onset)
        where = np.array([order.index(name) for name in named])
        rang = self.alarms["alarm"].to_numpy(bool)
        after = (self.alarms["time"] > self.onset).to_numpy(bool) if known else ~rang & rang
        time = _naive(self.alarms["time"])
        for inside, label, fill in ((after, "alarm", red), (~after, "false alarm", "none")):
            shown = rang & inside
            ax.plot(
                time[shown], where[shown], "v", color=red, markerfacecolor=fill, label=label
            )  # fmt: skip
        if known:
            onset = _naive(pd.Series([self.onset]))[0]
            ax.axvline(onset, color="black", linestyle="--", label="the change")
        if "quiet" in self.alarms and self.alarms["quiet"].any():
            quiet = time[self.alarms["quiet"].to_numpy(bool)]
            look = _show.pale(_show.PALETTE["sky"])
            ax.axvspan(quiet.min(), quiet.max(), **look, label="reference")
        ax.set_xlim(time.min(), time.max())
        ax.set_yticks(range(len(order)), order)
        ax.set_ylim(-0.5, len(order) - 0.5)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        return _show.describe(ax, repr(self))


def backtest(
    log: pd.DataFrame,
    alarm: Alarm,
    *,
    onset: str | pd.Timestamp | None = None,
    change: Alarm | None = None,
    replays: int = 20,
    within: str | pd.Timedelta = "28D",
    confidence: float = 0.95,
    rng: int | np.random.Generator | None = None,
) -> Backtest:
    """How often does this alarm ring falsely on my traffic, and how soon when something changes?

    False alarms are counted in the log as it is; each period in which anything rings is one,
    with an exact binomial interval over periods (Clopper and Pearson 1934). The delay, from the
    change to the end of the first period that rings, is over replays, with their percentiles.

    Parameters
    ----------
    log : as ``alarm`` takes it; labels are seen once they have come (``label_at``).
    alarm : a function of a log, to a table with ``time, alarm`` (+ ``metric, column, quiet``), as
        ``lambda log: alarms(log, reference_until=..., ...)`` or that of ``concept(...).table``.
    onset : when the world moved in this log. A replay gives each day since another one's
        requests, of at most 3 days off (a local block bootstrap; Paparoditis and Politis 2002).
    change : else, a function from rows to changed rows. A replay puts it into the log, which is
        then quiet all along, from a day on that is drawn.
    replays : 0 for the log itself alone, which has one delay and no interval.
    within : without an alarm for so long a change is missed; its delay counts as longest.

    Examples
    --------
    >>> days = pd.DataFrame({"timestamp": pd.date_range("2026-01-01", periods=200, freq="D"),
    ...     "item": [f"i{k}" for k in range(200)], "prediction": "a", "heat": 20.0})
    >>> hot = lambda log: pd.DataFrame({"time": log["timestamp"], "alarm": log["heat"] > 25})
    >>> backtest(days, hot, change=lambda rows: rows.assign(heat=30.0), rng=0).missed
    0.0
    """
    if (onset is None) == (change is None):
        raise ValueError("give either onset, when the log changed, or change, what to put into it.")
    if replays < 0 or (not replays and onset is None):
        raise ValueError(f"replays is how often to replay; a change needs one; got {replays!r}.")
    longest = pd.Timedelta(within)
    if not longest > pd.Timedelta(0):
        raise ValueError(f'within is a length of time, for example "28D"; got {within!r}.')
    log = _tables.log(log, function=_FUNCTION)
    rng = np.random.default_rng(rng)
    seen = _checked(alarm(log.copy()))
    moment = _onset(log, onset)
    rows = [] if onset is None else [_noticed(seen, moment, longest)]
    for _ in range(replays):
        if change is None:
            made, at = _redrawn(log, moment, rng), moment
        else:
            at = _drawn_onset(seen, log, longest, rng)
            made = _changed(log, at, change)
        rows.append(_noticed(_checked(alarm(made)), at, longest))
    table = pd.DataFrame(rows, columns=["onset", "noticed", "by"])
    table["noticed"] = pd.to_datetime(table["noticed"], utc=True)
    table.insert(2, "delay", table["noticed"] - table["onset"])
    table["replay"] = np.arange(len(rows)) + (onset is None)  # 0: the log itself
    false = _false_alarms(seen, moment, confidence)
    return _told(table, seen, false, moment, replays, longest, confidence)


def _onset(log: pd.DataFrame, onset: str | pd.Timestamp | None) -> Any:
    if onset is None:
        return pd.NaT
    moment = pd.Timestamp(onset)
    moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    first, last = log["timestamp"].min(), log["timestamp"].max()
    if not first < moment <= last:
        raise ValueError(
            f"onset lies within the log, from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}; "
            f"got {moment:%Y-%m-%d %H:%M}."
        )
    return moment


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    missing = {"time", "alarm"} - set(getattr(table, "columns", ()))
    if missing or table.empty:
        what = f"one without {', '.join(sorted(missing))}" if missing else "one without a row"
        raise TableError(
            f"{_FUNCTION}() needs an alarm that gives a table with time and alarm; it gave {what}."
        )
    return table.assign(
        time=pd.to_datetime(table["time"], utc=True),
        alarm=table["alarm"].fillna(False).astype(bool),
    ).reset_index(drop=True)


def _named(table: pd.DataFrame) -> list[str]:
    """What rang, in words: "drift of loud_db"."""
    if "metric" not in table:
        return ["alarm"] * len(table)
    column = table["column"] if "column" in table else pd.Series("", table.index)
    return [
        f"{metric} of {name}" if name else str(metric)
        for metric, name in zip(table["metric"], column, strict=True)
    ]


def _noticed(table: pd.DataFrame, onset: pd.Timestamp, longest: pd.Timedelta) -> tuple:
    """The end of the first period that rang after the onset, and by what."""
    late = table["time"] - onset
    inside = table["alarm"] & (late > pd.Timedelta(0)) & (late <= longest)
    if not inside.any():
        return onset, pd.NaT, ""
    first = table.loc[inside, "time"].min()
    at_once = table[inside & (table["time"] == first)]
    return onset, first, ", ".join(_named(at_once))


def _redrawn(log: pd.DataFrame, onset: pd.Timestamp, rng: np.random.Generator) -> pd.DataFrame:
    """Each whole day since the onset gets the requests of one near it, also since the onset."""
    day = ((log["timestamp"] - onset) // _DAY).to_numpy(np.int64)
    last = int(day.max())  # may be cut off: stays as it is
    if last < 1:
        return log
    to = np.arange(last)
    off = rng.integers(-_NEAR, _NEAR + 1, size=last)
    # Beyond an end one turns round, so that no day is drawn much more than another.
    source = np.abs(to + off)
    source = np.minimum(np.where(source >= last, 2 * (last - 1) - source, source), last - 1)
    source = np.maximum(source, 0)
    order = np.argsort(day, kind="stable")
    starts = np.searchsorted(day[order], np.arange(last + 1))
    picks = [order[starts[s] : starts[s + 1]] for s in source]
    rows = np.concatenate([np.flatnonzero((day < 0) | (day == last)), *picks])
    moved = np.zeros(len(rows), np.int64)
    moved[len(rows) - sum(map(len, picks)) :] = np.repeat(to - source, [len(one) for one in picks])
    made = log.iloc[rows].reset_index(drop=True)
    shift = pd.to_timedelta(moved, unit="D")
    made["timestamp"] = made["timestamp"] + shift
    if "label_at" in made:
        made["label_at"] = pd.to_datetime(made["label_at"], utc=True) + shift
    return made.sort_values("timestamp", kind="stable", ignore_index=True)


def _drawn_onset(
    seen: pd.DataFrame, log: pd.DataFrame, longest: pd.Timedelta, rng: np.random.Generator
) -> pd.Timestamp:
    """A time after the reference, with enough log behind it to see the change."""
    first = seen.loc[seen["quiet"], "time"].max() if "quiet" in seen else log["timestamp"].min()
    last = log["timestamp"].max() - longest
    if not last > first:
        raise ValueError(
            f"the log holds less than within ({_days(longest)}) after its reference: make "
            "within shorter."
        )
    return first + float(rng.random()) * (last - first)


def _changed(log: pd.DataFrame, onset: pd.Timestamp, change: Alarm) -> pd.DataFrame:
    late = (log["timestamp"] >= onset).to_numpy()
    return pd.concat([log[~late], change(log[late].copy())], ignore_index=True)


def _false_alarms(
    table: pd.DataFrame, onset: pd.Timestamp, confidence: float
) -> tuple[float, float, float, int, int]:
    """A week's, with its interval; of how many periods; how many there were."""
    from scipy.stats import beta

    usual = ~table["quiet"].astype(bool) if "quiet" in table else pd.Series(True, table.index)
    if pd.notna(onset):
        usual &= table["time"] <= onset
    rang = table["alarm"].groupby(table["time"]).any()
    times = rang.index.sort_values()
    gaps = np.diff(times)
    periods = _WEEK / pd.Timedelta(np.median(gaps)) if len(gaps) else np.nan
    here = rang[rang.index.isin(table.loc[usual, "time"])]
    n, k = len(here), int(here.sum())
    if not n:
        return np.nan, np.nan, np.nan, 0, 0
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(1 - tail, k + 1, n - k)) if k < n else 1.0
    return k / n * periods, low * periods, high * periods, n, k


def _told(
    table: pd.DataFrame, seen: pd.DataFrame, false: tuple[float, float, float, int, int],
    onset: pd.Timestamp, replays: int, longest: pd.Timedelta, confidence: float,
) -> Backtest:  # fmt: skip
    of = table[table["replay"] > 0] if replays else table
    waits = np.sort(of["delay"].to_numpy("timedelta64[ns]"))  # those never noticed last
    tail = (1 - confidence) / 2
    places = [int(np.floor(q * (len(waits) - 1) + 0.5)) for q in (0.5, tail, 1 - tail)]
    seen_at_all = int(of["delay"].notna().sum())
    delay, low, high = (_wait(waits[place] if place < seen_at_all else None) for place in places)
    none = int(of["delay"].isna().sum())
    missed = [float(side) for side in _stats.wilson(none, len(of), confidence=confidence)]
    if not replays:
        low = high = pd.NaT
        missed = [np.nan, np.nan]
    notes = [
        f"{_tables._count(false[4], 'period')} rang of {false[3]:,} that were quiet; the interval "
        "takes periods for independent.",
    ]
    if pd.notna(onset) and replays:
        notes.append("The replays show this one change on other days, not other changes.")
    return Backtest(
        table, seen, *false, delay, low, high, none / len(of), missed[0], missed[1], replays,
        longest, onset, tuple(notes),
    )  # fmt: skip


def _wait(found: np.timedelta64 | None) -> Any:
    return pd.NaT if found is None else pd.Timedelta(found)


def _days(wait: pd.Timedelta) -> str:
    if pd.isna(wait):
        return "longer than that"
    days = wait / _DAY
    return f"{days:.3g} days" if days != 1 else "1 day"


def _naive(times: pd.Series) -> np.ndarray:
    return times.to_numpy("datetime64[ns]")
