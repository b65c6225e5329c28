"""The statistics that several topics share. False discovery is scipy's own function.

scipy is imported inside the functions: importing a topic should cost little more than pandas.
"""

from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Paired(NamedTuple):
    """What changed between two answers to the same items."""

    n: int
    before: float  # share right before
    after: float  # share right after
    mended: int  # wrong before, right after
    broken: int  # right before, wrong after
    difference: float  # after - before
    low: float
    high: float
    p: float  # exact McNemar, two-sided


def z_score(confidence: float) -> float:
    """How many standard deviations on either side hold this share of a normal distribution."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies between 0 and 1, for example 0.95; got {confidence!r}.")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(
    successes: ArrayLike, n: ArrayLike, *, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Score interval of a share (Wilson 1927); ``n`` 0 gives NaN, fractions of counts are fine.

    >>> low, high = wilson(8, 10)
    >>> round(float(low), 3), round(float(high), 3)
    (0.49, 0.943)
    """
    successes, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    if np.any((successes < 0) | (successes > n)):
        raise ValueError("successes lie between 0 and n.")
    z2 = z_score(confidence) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        share = successes / n
        middle = (share + z2 / (2 * n)) / (1 + z2 / n)
        half = np.sqrt(z2 * share * (1 - share) / n + (z2 / (2 * n)) ** 2) / (1 + z2 / n)
    low, high = middle - half, middle + half
    # Rounding may leave 1e-17 where the formula has an exact 0 or 1.
    low = np.where(successes == 0, 0.0, low)
    high = np.where(successes == n, 1.0, high)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def paired(before: ArrayLike, after: ArrayLike, *, confidence: float = 0.95) -> Paired:
    """Right or wrong on the same items, before and after.

    The test is McNemar's, exact (binomial over the items that changed). The interval of the
    difference is method 10 of Newcombe (1998), Statistics in Medicine 17: two Wilson intervals
    joined with the correlation between the two answers.

    >>> r = paired([1, 1, 0, 0, 1], [1, 1, 1, 1, 0])
    >>> r.mended, r.broken, round(r.difference, 2)
    (2, 1, 0.2)
    """
    right_before, right_after = np.asarray(before, bool), np.asarray(after, bool)
    if right_before.shape != right_after.shape:
        raise ValueError(
            f"before and after are answers to the same items: {right_before.size} against "
            f"{right_after.size}."
        )
    n = right_before.size
    if n == 0:
        nan = float("nan")
        return Paired(0, nan, nan, 0, 0, nan, nan, nan, nan)
    both = int((right_before & right_after).sum())
    mended = int((~right_before & right_after).sum())
    broken = int((right_before & ~right_after).sum())
    low, high = _newcombe(both, mended, broken, n - both - mended - broken, confidence)
    return Paired(
        n=n,
        before=(both + broken) / n,
        after=(both + mended) / n,
        mended=mended,
        broken=broken,
        difference=(mended - broken) / n,
        low=low,
        high=high,
        p=mcnemar(mended, broken),
    )


def mcnemar(mended: int, broken: int) -> float:
    """Two-sided exact p of as uneven a split of the changed items (McNemar 1947); 1 if none."""
    from scipy.stats import binomtest

    changed = mended + broken
    return float(binomtest(mended, changed).pvalue) if changed else 1.0


def _newcombe(
    both: int, mended: int, broken: int, neither: int, confidence: float
) -> tuple[float, float]:
    n = both + mended + broken + neither
    after, before = (both + mended) / n, (both + broken) / n
    (low_1, low_2), (high_1, high_2) = wilson(
        [both + mended, both + broken], n, confidence=confidence
    )
    margins = (both + mended) * (broken + neither) * (both + broken) * (mended + neither)
    product = float(both * neither - mended * broken)
    if product > 0:  # Newcombe's continuity correction, for a positive association alone
        product = max(product - n / 2, 0)
    phi = product / margins**0.5 if margins else 0.0
    down = (after - low_1, high_2 - before)
    up = (before - low_2, high_1 - after)
    widths = [max(x * x - 2 * phi * x * y + y * y, 0) ** 0.5 for x, y in (down, up)]
    return float(after - before - widths[0]), float(after - before + widths[1])


def bootstrap(
    statistic: Callable[[np.ndarray], ArrayLike],
    n: int,
    *,
    strata: ArrayLike | None = None,
    replicates: int = 1000,
    confidence: float = 0.95,
    rng: int | np.random.Generator | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of a statistic over items (Efron 1979), drawn anew within each stratum.

    ``statistic`` takes how often each of the ``n`` items was drawn, shape (n,), and gives a
    number or an array. With few items the interval is too narrow: over 10 items one of 95 %
    covers about 81 %.

    >>> x = np.arange(100.0)
    >>> low, high = bootstrap(lambda times: times @ x / times.sum(), 100, rng=0)
    >>> bool(low < 49.5 < high)
    True
    """
    rng = np.random.default_rng(rng)
    groups = np.zeros(n, int) if strata is None else np.asarray(strata)
    if groups.shape != (n,):
        raise ValueError(f"strata names the stratum of each of the {n} items; got {groups.shape}.")
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    drawn = []
    for _ in range(replicates):
        times = np.zeros(n)
        for rows in members:
            times[rows] = np.bincount(rng.integers(rows.size, size=rows.size), minlength=rows.size)
        drawn.append(np.asarray(statistic(times), float))
    tail = (1 - confidence) / 2
    # A replicate without a value (a slice that was not drawn at all) tells nothing.
    low, high = np.nanquantile(np.stack(drawn), [tail, 1 - tail], axis=0)
    return low, high
