"""Two samples, both taken as samples: how far apart, and could that be chance?"""

import numpy as np

_STRETCH = 64  # values between two points that are always looked at
_MANY = 10_000
_FEWEST = 5.0  # expected in a cell, below which classes are pooled (Cochran 1954)


def ks(before: np.ndarray, after: np.ndarray) -> float:
    """Largest distance of two distribution functions, from sorted values (Smirnov 1939).

    Both functions rise, so that between two points they are no further apart than the upper
    end of the one from the lower end of the other: only stretches that could hold the largest
    distance are looked at value by value.
    """
    if not len(before) or not len(after):
        return np.nan
    points = np.append(before[::_STRETCH], before[-1])
    at = [np.searchsorted(side, points, side="right") / len(side) for side in (before, after)]
    distance = float(np.abs(at[0] - at[1]).max())
    apart = np.maximum(at[0][1:] - at[1][:-1], at[1][1:] - at[0][:-1])
    # Beyond the last value of `before` the distance only falls; before the first it rises.
    first = float(np.searchsorted(after, before[0], side="left")) / len(after)
    for k in np.flatnonzero(apart > distance):
        near = (points[k], points[k + 1])
        values = np.unique(np.concatenate([_between(before, near), _between(after, near)]))
        gaps = [np.searchsorted(side, values, side="right") / len(side) for side in (before, after)]
        distance = max(distance, float(np.abs(gaps[0] - gaps[1]).max(initial=0)))
    return max(distance, first)


def _between(ordered: np.ndarray, near: tuple[float, float]) -> np.ndarray:
    low, high = np.searchsorted(ordered, near, side="left")
    return ordered[low:high]


def ks_binned(before: np.ndarray, after: np.ndarray) -> float:
    """The same at the edges of bins: at most the share of a bin too small."""
    if not before.sum() or not after.sum():
        return np.nan
    return float(np.abs(before.cumsum() / before.sum() - after.cumsum() / after.sum()).max())


def ks_p(distance: float, n: int, m: int) -> float:
    """The chance of such a distance between samples of n and m values of one distribution.

    As one sample of n m / (n + m) values would have it; of many, by the limit of Kolmogorov
    (1933) with the correction of Vrbik (2018), whose error is of the order of 1 in that number.
    """
    from scipy.stats import kstwo, kstwobign

    if np.isnan(distance):
        return np.nan
    size = n * m / (n + m)
    if size > _MANY:
        return float(kstwobign.sf(distance * size**0.5 + 1 / (6 * size**0.5)))
    return float(np.clip(kstwo.sf(distance, max(round(size), 1)), 0, 1))


def chi_square(before: np.ndarray, after: np.ndarray) -> tuple[float, float, int]:
    """Homogeneity of two rows of counts (Pearson 1900): statistic, p, classes that were left.

    The rarest classes are pooled until each cell expects 5. One class alone: NaN.
    """
    return homogeneity(pooled(np.stack([before, after]).astype(float)))


def homogeneity(table: np.ndarray) -> tuple[float, float, int]:
    """The same of classes that are pooled already."""
    from scipy.stats import chi2

    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return np.nan, np.nan, table.shape[1]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, float(chi2.sf(statistic, table.shape[1] - 1)), table.shape[1]


def pooled(table: np.ndarray) -> np.ndarray:
    """Shape (2, classes): the rarest ones added up until all expect enough."""
    table = table[:, table.sum(axis=0) > 0]
    total = table.sum()
    if not total:
        return table
    order = np.argsort(table.sum(axis=0), kind="stable")
    table = table[:, order]
    needed = _FEWEST * total / max(table.sum(axis=1).min(), 1e-300)
    sizes = table.sum(axis=0)
    few = int((sizes < needed).sum())
    if few == 0:
        return table
    # What is pooled may itself be too small: then it takes the next one in as well.
    while few < len(sizes) and sizes[:few].sum() < needed:
        few += 1
    return np.c_[table[:, :few].sum(axis=1), table[:, few:]]


def psi(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Population stability index of rows of counts (last axis); half a count is added to each.

    Sum of (q - p) ln(q / p), the symmetrised divergence of Kullback and Leibler (1951).
    """
    p, q = (np.asarray(row, float) + 0.5 for row in (before, after))
    p, q = p / p.sum(axis=-1, keepdims=True), q / q.sum(axis=-1, keepdims=True)
    return ((q - p) * np.log(q / p)).sum(axis=-1)


def psi_noise(bins: int, n: int, m: int, *, confidence: float = 0.95) -> float:
    """What the index reaches by chance alone in one of twenty, without any drift.

    Roughly (1 / n + 1 / m) times a chi-square of bins - 1 (Yurdakul 2018).
    """
    from scipy.stats import chi2

    if bins < 2 or not n or not m:
        return np.nan
    return float((1 / n + 1 / m) * chi2.ppf(confidence, bins - 1))


def jensen_shannon(before: np.ndarray, after: np.ndarray) -> float:
    """Distance of two rows of counts, from 0 to 1 (Lin 1991; square root, base 2)."""
    from scipy.spatial.distance import jensenshannon

    if not np.sum(before) or not np.sum(after):
        return np.nan
    return float(jensenshannon(before, after, base=2))


def deciles(before: np.ndarray, after: np.ndarray, *, groups: int = 10) -> np.ndarray:
    """Fine bins added up to about ten that hold equally many of ``before``: shape (2, groups)."""
    if not before.sum():
        return np.stack([before, after])
    group = tenths(before, groups)
    return np.stack([np.bincount(group, row, groups) for row in (before, after)])


def tenths(before: np.ndarray, groups: int = 10) -> np.ndarray:
    """The group of each fine bin: where its middle lies in the reference."""
    middle = (before.cumsum() - before / 2) / max(before.sum(), 1)
    return np.minimum((middle * groups).astype(int), groups - 1)


def wasserstein(
    places: tuple[np.ndarray, np.ndarray], before: np.ndarray, after: np.ndarray
) -> float:
    """Area between two distribution functions, all values of a bin at their mean, in the unit.

    ``places`` are these means, of ``before`` and of ``after``. Exact where a bin holds one value,
    and wherever the one function lies above the other all over a bin.
    """
    from scipy.stats import wasserstein_distance

    if not before.sum() or not after.sum() or not np.isfinite(places).all():
        return np.nan
    return float(wasserstein_distance(*places, before, after))
