"""Each metric of a log by period: what was measured, where it rings, and what to say of it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit._tables import TableError
from mlkit.monitoring import _columns, _log, _measured, _periods, _profile, _two_samples
from mlkit.monitoring._columns import Classes, Column, Numbers
from mlkit.monitoring._periods import Line
from mlkit.monitoring._profile import Profile

_FUNCTION = "monitoring.alarms"
_NOT_FEATURES = (
    *("item", "timestamp", "user", "version", "label", "label_at"),
    *("prediction", "score", "latency_ms"),
)
# Of other versions of the model, too.
_NOR_THESE = ("label_", "prediction_", "score_", "latency_")
_SLOWEST = 0.05  # latency is judged by its 95th percentile
_LEAST_SURE = 0.1
_EXPECTED = 5  # values of a quiet period in a bin


@dataclass(frozen=True)
class Watched:
    """The log in order, and the period of each row and of each label."""

    table: pd.DataFrame
    ends: pd.DatetimeIndex
    length: pd.Timedelta
    quiet: np.ndarray  # periods
    period: np.ndarray  # rows

    def sums(self, what: np.ndarray | None = None, period: np.ndarray | None = None) -> np.ndarray:
        """Added up by period; rows of period -1 are left out."""
        period = self.period if period is None else period
        inside = period >= 0
        weights = None if what is None else what[inside]
        return np.bincount(period[inside], weights, len(self.ends))


def watched(
    log: pd.DataFrame, reference_until: str | pd.Timestamp, every: str | pd.Timedelta
) -> Watched:
    length = pd.Timedelta(every)
    if not length > pd.Timedelta(0):
        raise ValueError(f'every is a length of time, for example "1D"; got {every!r}.')
    table = _log.times_of(log, function=_FUNCTION)
    until = pd.Timestamp(reference_until)
    until = until.tz_localize("UTC") if until.tzinfo is None else until.tz_convert("UTC")
    first, last = table["timestamp"].min(), table["timestamp"].max()
    # Periods are counted back and forth from the end of the quiet stretch.
    start = until - length * -((first - until) // length)
    many = int((last - start) // length) + 1
    if many > 100_000:
        raise ValueError(f"every {every} makes {many:,} periods of this log: look less often.")
    ends = start + length * pd.RangeIndex(1, many + 1)
    quiet = np.asarray(ends <= until)
    if quiet.sum() < 2 or quiet.all():
        raise TableError(
            f"{_FUNCTION}() needs two periods or more before reference_until "
            f"({until:%Y-%m-%d %H:%M}) and one after; the log runs from {first:%Y-%m-%d %H:%M} to "
            f"{last:%Y-%m-%d %H:%M}."
        )
    period = ((table["timestamp"] - start) // length).to_numpy(np.int64)
    return Watched(table, ends, length, quiet, period)


def features(table: pd.DataFrame, reference: Profile | None) -> list[str]:
    """The columns whose drift is watched: neither times nor names nor what a model gave."""
    names = reference.columns if reference is not None else map(str, table.columns)
    return [
        one for one in names
        if one in table and one not in _NOT_FEATURES and not one.startswith(_NOR_THESE)
        and _profile._kind(table[one], one) != "skip"
    ]  # fmt: skip


Told = tuple[Line, Callable[[int], str]]


def _beyond(line: Line, k: int, form: Callable[[float], str]) -> str:
    value, lower, upper = line.value[k], line.lower[k], line.upper[k]
    side, edge = ("below", lower) if value < lower else ("above", upper)
    return f"{form(value)}, {side} {form(edge)}"


def _requests(watched: Watched, plan: dict, alpha: float, limit: float | None, _: float) -> Told:
    y = watched.sums()
    whole = watched.length.value
    starts = (watched.ends - watched.length).as_unit("ns").asi8
    first, last = (
        one.as_unit("ns").value
        for one in (watched.table["timestamp"].min(), watched.table["timestamp"].max())
    )
    part = np.ones(len(y))
    part[0] -= (first - starts[0]) / whole
    part[-1] = max((last - starts[-1]) / whole, 1e-9)
    line = _periods.count(y, part, watched.quiet, worse=plan["worse"], alpha=alpha)
    if limit is not None:
        line = _fixed(line, plan["worse"], limit)
    return line, lambda k: _beyond(line, k, "{:,.0f} requests".format)


def _fixed(line: Line, worse: str, limit: float) -> Line:
    nothing, edge = np.full(len(line.value), np.nan), np.full(len(line.value), float(limit))
    lower, upper = (edge, nothing) if worse == "lower" else (nothing, edge)
    return Line(line.value, line.n, lower, upper, line.low, line.high)


def _peak(watched: Watched, plan: dict, _: float, limit: float | None, __: float) -> Told:
    second = watched.table["timestamp"].dt.floor("s")
    busy = pd.Series(watched.period).groupby([watched.period, second.to_numpy()]).size()
    most = busy.groupby(level=0).max().reindex(range(len(watched.ends)), fill_value=0)
    y = most.to_numpy(float)
    nothing = np.full(len(y), np.nan)
    line = _fixed(Line(y, watched.sums(), nothing, nothing), plan["worse"], limit or np.inf)
    return line, lambda k: f"{_beyond(line, k, '{:,.0f}'.format)} in one second"


def _share(
    watched: Watched, plan: dict, alpha: float, limit: float | None, hits: np.ndarray,
    known: np.ndarray, period: np.ndarray | None = None,
) -> Line:  # fmt: skip
    n = watched.sums(known.astype(float), period)
    k = watched.sums((hits & known).astype(float), period)
    return _periods.share(k, n, watched.quiet, worse=plan["worse"], alpha=alpha, limit=limit)


def _failed(watched: Watched, plan: dict, alpha: float, limit: float | None, _: float) -> Told:
    hits = watched.table["prediction"].isna().to_numpy()
    line = _share(watched, plan, alpha, limit, hits, np.ones(len(hits), bool))
    return line, lambda k: f"{_beyond(line, k, _show.percent)} without an answer"


def _slow(watched: Watched, plan: dict, alpha: float, limit: float | None, _: float) -> Told:
    took = watched.table["latency_ms"].to_numpy(float, na_value=np.nan)
    usual = took[watched.quiet[watched.period] & np.isfinite(took)]
    if limit is None and not len(usual):
        limit = np.inf
    edge = float(np.quantile(usual, 1 - _SLOWEST)) if limit is None else limit
    share = None if limit is None else _SLOWEST
    line = _share(watched, plan, alpha, share, took > edge, ~np.isnan(took))

    def why(k: int) -> str:
        here = took[(watched.period == k) & ~np.isnan(took)]
        return (
            f"{_beyond(line, k, _show.percent)} slower than {edge:,.3g} ms; 95 % within "
            f"{np.quantile(here, 1 - _SLOWEST):,.3g} ms"
        )

    return line, why


def _score(watched: Watched, plan: dict, alpha: float, limit: float | None, _: float) -> Told:
    score = watched.table["score"].to_numpy(float, na_value=np.nan)
    known = np.isfinite(score)
    score = np.where(known, score, 0.0)
    n, sums, squares = (
        watched.sums(what) for what in (known.astype(float), score, score**2 * known)
    )
    line = _periods.mean(
        sums, squares, n, watched.quiet, worse=plan["worse"], alpha=alpha, limit=limit
    )
    return line, lambda k: f"mean {_beyond(line, k, '{:.3g}'.format)}"


def _unsure(watched: Watched, plan: dict, alpha: float, limit: float | None, _: float) -> Told:
    score = watched.table["score"].to_numpy(float, na_value=np.nan)
    known = np.isfinite(score)
    usual = score[watched.quiet[watched.period] & known]
    edge = float(np.quantile(usual, _LEAST_SURE)) if len(usual) else np.nan
    line = _share(watched, plan, alpha, limit, score < edge, known)
    return line, lambda k: f"{_beyond(line, k, _show.percent)} of scores under {edge:.3g}"


def _accuracy(watched: Watched, plan: dict, alpha: float, limit: float | None, _: float) -> Told:
    table = watched.table
    _tables._same_kind(table, _FUNCTION)
    right = _measured.right(table)
    came = table["timestamp"]
    if "label_at" in table:
        late = pd.to_datetime(table["label_at"], utc=True)
        came = late.where(late.isna() | (late > came), came)  # no label before its question
    known = table["label"].notna().to_numpy() & came.notna().to_numpy()
    start = watched.ends[0] - watched.length
    period = ((came - start) // watched.length).fillna(-1).to_numpy(np.int64)
    known &= period < len(watched.ends)  # the others have not come by the end of the log
    period = np.where(known, period, -1)
    line = _share(watched, plan, alpha, limit, right, known, period)
    return line, lambda k: f"{_beyond(line, k, _show.percent)} of {int(line.n[k]):,} labels right"


def _drift(watched: Watched, plan: dict, alpha: float, limit: float | None, least: float) -> Told:
    name = plan["column"]
    values = watched.table[name]
    kind = plan["as"] or _profile._kind(values, name)
    values = _measured.measured(values, "class" if kind == "skip" else kind)
    before = plan["before"] or _column(values[watched.quiet[watched.period]], kind, name)
    usual = float(np.median(watched.sums()[watched.quiet]))
    bins, names, reference = _bins(values, before, usual)
    flat = np.bincount(watched.period * len(names) + bins, minlength=len(watched.ends) * len(names))
    counts = flat.reshape(len(watched.ends), len(names))
    line = _periods.moved(
        counts, reference if plan["before"] else None, watched.quiet, alpha=alpha, least=least,
        limit=limit,
    )  # fmt: skip
    shares = reference / max(reference.sum(), 1)

    def why(k: int) -> str:
        now = counts[k] / counts[k].sum()
        most = int(np.abs(now - shares).argmax())
        return (
            f"PSI {_beyond(line, k, '{:.3f}'.format)}; {names[most]}: "
            f"{_show.percent(shares[most])} before, {_show.percent(now[most])} now"
        )

    return line, why


def _column(values: pd.Series, kind: str, name: str) -> Column:
    if kind in ("class", "skip"):
        return _columns.classes(values, name)
    return _columns.numbers(values.to_numpy(float, na_value=np.nan), None)


def _bins(
    values: pd.Series, before: Column, usual: float
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """The bin of each row, the names of the bins, and how many of the reference are in each.

    Few enough that a quiet period is expected to have five values in each; rare names are one
    bin with new ones, missing values are one.
    """
    most = int(np.clip(usual / _EXPECTED, 2, 10))
    if isinstance(before, Numbers):
        return _number_bins(values, before, most)
    return _name_bins(values, before, usual)


def _number_bins(
    values: pd.Series, before: Numbers, most: int
) -> tuple[np.ndarray, list[str], np.ndarray]:
    numbers = values.to_numpy(float, na_value=np.nan)
    # Fine bins in groups that hold equally many of the reference; empty groups are left out.
    group = np.unique(_two_samples.tenths(before.counts, most), return_inverse=True)[1]
    size = int(group.max()) + 1 if len(group) else 1
    fine = np.searchsorted(before.edges, numbers, side="right")
    bins = np.where(np.isnan(numbers), size, group[np.minimum(fine, len(group) - 1)])
    cuts = before.edges[np.flatnonzero(np.diff(group))]
    ends = ["", *(f"{cut:.3g}" for cut in cuts), ""]
    names = [
        f"{low} to {high}" if low and high else f"under {high}" if high else f"from {low}"
        for low, high in pairwise(ends)
    ]
    counts = np.bincount(group, before.counts, size)
    return bins, [*names, "missing"], np.r_[counts, before.missing]


def _name_bins(
    values: pd.Series, before: Classes, usual: float
) -> tuple[np.ndarray, list[str], np.ndarray]:
    common = [
        name for name, count in before.counts.items()
        if count * usual >= _EXPECTED * max(before.n, 1)
    ]  # fmt: skip
    try:
        codes, found = pd.factorize(values)
    except TypeError:  # lists and the like, counted by what they look like
        codes, found = pd.factorize(values.map(str, na_action="ignore"))
    place = {name: k for k, name in enumerate(common)}
    other = len(common)
    to = np.array([*(place.get(str(name), other) for name in found), other + 1])
    rare = before.n - sum(before.counts[name] for name in common)
    counts = np.array([*(before.counts[name] for name in common), rare, before.missing], float)
    return to[codes], [*common, "rare or new", "missing"], counts


METRICS: dict[str, Callable[..., Told]] = {
    "requests": _requests,
    "peak_per_s": _peak,
    "failed": _failed,
    "slow": _slow,
    "drift": _drift,
    "score": _score,
    "low_confidence": _unsure,
    "accuracy": _accuracy,
}
