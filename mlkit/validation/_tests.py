"""Two samples held against one another, column by column, both taken as samples."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mlkit import _show, _stats
from mlkit._tables import _count
from mlkit.validation import _kinds

FEW = 20  # different values (of both tables) up to which shares of values are compared
_EXPECTED = 5.0  # smallest count to expect in a cell (Cochran 1954); rarer values are put together
_SURE = 0.95
HOURS = 24


class Test(NamedTuple):
    """One comparison; ``difference`` is the largest difference of shares, from 0 to 1."""

    column: str
    check: str
    test: str
    n_reference: int
    n: int
    difference: float
    low: float
    high: float
    p: float
    what: str


def run(table: pd.DataFrame, reference: pd.DataFrame, *, skip: set[str]) -> Iterator[Test]:
    """All comparisons of columns that both have and that are of one kind in both."""
    for name in reference.columns:
        if name not in table.columns:
            continue
        new, old = table[name], reference[name]
        if new.isna().any() or old.isna().any():
            yield _missing(name, new, old)
        if name in skip:
            continue
        test = of_values(name, new.dropna(), old.dropna())
        if test is not None:
            yield test


def kind_of(new: pd.Series, old: pd.Series) -> str | None:
    """The kind of both, a column of whole numbers being one of numbers too."""
    kinds = {_kinds.infer(new), _kinds.infer(old)}
    if kinds <= {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else None


def of_values(name: str, new: pd.Series, old: pd.Series, kind: str | None = None) -> Test | None:
    """The values that are there; None where nothing can be compared."""
    if new.empty or old.empty:
        return None
    kind = kind or kind_of(new, old)
    if kind is None:
        return None
    if kind == "time":
        hours = [pd.Series(hours_of(values, like=old)) for values in (new, old)]
        return _shares(name, "hour of day", *hours)
    if kind == "number":
        a, b = _kinds.numbers_of(new), _kinds.numbers_of(old)
        a, b = a[~np.isnan(a)], b[~np.isnan(b)]
        if len(np.unique(np.concatenate([a, b]))) > FEW:
            return _distribution(name, "distribution", a, b)
        return _shares(name, "shares of values", pd.Series(a), pd.Series(b))
    different = len(set(new.astype(object)) | set(old.astype(object)))
    if kind == "text" and different > FEW * 5:
        if different >= 0.9 * (len(new) + len(old)):
            return None  # names and keys are new in every table
        a, b = (values.str.len().to_numpy(float) for values in (new, old))
        return _distribution(name, "length of text", a, b)
    return _shares(name, "shares of values", new, old)


def hours_of(values: pd.Series, *, like: pd.Series) -> np.ndarray:
    """Hour of the day, with fractions, as written; in the zone of ``like`` where both have one."""
    zones = [getattr(series.dtype, "tz", None) for series in (values, like)]
    if all(zones):
        values = values.dt.tz_convert(zones[1])
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return (values.dt.hour + values.dt.minute / 60).to_numpy(float)
    times = [_kinds.when(value) for value in values]
    return np.asarray([t.hour + t.minute / 60 if t else math.nan for t in times])


def _missing(name: str, new: pd.Series, old: pd.Series) -> Test:
    from scipy.stats import fisher_exact

    gone = [int(values.isna().sum()) for values in (new, old)]
    sizes = [len(new), len(old)]
    rows = [[g, size - g] for g, size in zip(gone, sizes, strict=True)]
    shares = [g / size if size else math.nan for g, size in zip(gone, sizes, strict=True)]
    low, high = newcombe(gone[0], sizes[0], gone[1], sizes[1], 1)
    words = f"missing in {_show.percent(shares[0])}, in the reference {_show.percent(shares[1])}"
    p = float(fisher_exact(rows).pvalue) if all(sizes) else math.nan
    return Test(
        name, "missing share", "Fisher's exact", sizes[1], sizes[0],
        abs(shares[0] - shares[1]), *_unsigned(low, high), p, words,
    )  # fmt: skip


def _distribution(name: str, check: str, new: np.ndarray, old: np.ndarray) -> Test:
    """Kolmogorov and Smirnov; with ties it says too little rather than too much."""
    from scipy.stats import ks_2samp

    found = ks_2samp(new, old)
    difference = float(found.statistic)
    # Both curves within their bands at once (Massart 1990).
    half = sum(math.sqrt(math.log(4 / (1 - _SURE)) / (2 * len(x))) for x in (new, old))
    at = float(found.statistic_location)
    below = [float((x <= at).mean()) for x in (new, old)]
    words = (
        f"{_show.percent(below[0], digits=0)} are at most {at:.4g}, in the reference "
        f"{_show.percent(below[1], digits=0)} (median {np.median(new):.4g}, there "
        f"{np.median(old):.4g})"
    )
    return Test(
        name, check, "Kolmogorov-Smirnov", len(old), len(new), difference,
        max(0.0, difference - half), min(1.0, difference + half), float(found.pvalue), words,
    )  # fmt: skip


def _shares(name: str, check: str, new: pd.Series, old: pd.Series) -> Test | None:
    """Chi-square (Pearson 1900) of values by table; two values: Fisher's exact test."""
    from scipy.stats import chi2_contingency, fisher_exact

    if check == "hour of day":
        new, old = (np.floor(values.dropna()) % HOURS for values in (new, old))
    counts, labels = together(new, old)
    if counts.shape[1] < 2:
        return None
    sizes = counts.sum(axis=1)
    shares = counts / sizes[:, None]
    most = int(np.abs(shares[0] - shares[1]).argmax())
    low, high = newcombe(counts[0, most], sizes[0], counts[1, most], sizes[1], counts.shape[1])
    exact = counts.shape[1] == 2
    p = fisher_exact(counts).pvalue if exact else chi2_contingency(counts, correction=False).pvalue
    label = _hour(labels[most]) if check == "hour of day" else repr(labels[most])
    words = (
        f"{_show.percent(shares[0, most])} are {label}, in the reference "
        f"{_show.percent(shares[1, most])}"
    )
    return Test(
        name, check, "Fisher's exact" if exact else "chi-square", int(sizes[1]), int(sizes[0]),
        float(abs(shares[0, most] - shares[1, most])), *_unsigned(low, high), float(p), words,
    )  # fmt: skip


def _hour(label: Any) -> str:
    hour = isinstance(label, float)
    return f"from {int(label):02}:00 to {int(label) + 1:02}:00" if hour else str(label)


def together(new: pd.Series, old: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Counts of each value, table by value; values too rare to test are one, named so.

    What is put together depends on how often a value comes in both together, which says nothing
    of where it comes: the test keeps its rate.
    """
    codes, distinct = pd.factorize(np.concatenate([v.to_numpy(object) for v in (new, old)]))
    counts = np.stack(
        [
            np.bincount(part, minlength=len(distinct)).astype(float)
            for part in (codes[: len(new)], codes[len(new) :])
        ]
    )
    total = counts.sum(axis=0)
    smallest = min(len(new), len(old)) / max(len(new) + len(old), 1)
    enough = total * smallest >= _EXPECTED
    labels: list[Any] = list(np.asarray(distinct, object)[enough])
    kept = counts[:, enough]
    if not enough.all():
        rest = counts[:, ~enough].sum(axis=1, keepdims=True)
        if rest.sum() * smallest >= _EXPECTED:
            kept = np.hstack([kept, rest])
            labels.append(f"one of {_count(int((~enough).sum()), 'rare value')}")
        elif kept.shape[1]:
            least = int(kept.sum(axis=0).argmin())
            kept = kept.copy()
            kept[:, least] += rest[:, 0]
            labels[least] = f"{labels[least]} or rarer"
    return kept, labels


def newcombe(
    hits: float, n: float, other_hits: float, other_n: float, among: int
) -> tuple[float, float]:
    """Interval of a difference of two shares, the largest among several.

    Method 10 of Newcombe (1998), Statistics in Medicine 17, 873-890, Bonferroni's way.
    """
    if not (n and other_n):
        return math.nan, math.nan
    sure = 1 - (1 - _SURE) / among
    lows, highs = _stats.wilson([hits, other_hits], [n, other_n], confidence=sure)
    one, two = hits / n, other_hits / other_n
    down = math.hypot(one - lows[0], highs[1] - two)
    up = math.hypot(highs[0] - one, two - lows[1])
    return one - two - down, one - two + up


def _unsigned(low: float, high: float) -> tuple[float, float]:
    """The interval of the size of a difference."""
    if math.isnan(low) or low >= 0:
        return low, high
    return (-high, -low) if high <= 0 else (0.0, max(-low, high))
