"""Coefficients of agreement, from how often each item got each class.

percent: share of pairs of labels of one item that agree, pairs of all items pooled. Fleiss (1971)
and AC1 (Gwet 2008): agreement of each item averaged over items with two or more labels; how
often each class is used averaged over all items, so that items with unequal numbers of labels
count alike. Alpha: Krippendorff (2011). Cohen (1960): two annotators, from their cross table.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mlkit.labels import _levels, _patterns
from mlkit.labels._patterns import Patterns

NAMES = ("percent", "fleiss", "ac1", "alpha")


class Parts(NamedTuple):
    """What an item (of each pattern) adds to the sums that the coefficients are made of."""

    labelled: np.ndarray  # 1
    items: np.ndarray  # 1 with two labels or more, which all below need
    labels: np.ndarray
    pairs: np.ndarray  # ordered pairs of labels
    agreed: np.ndarray
    share: np.ndarray  # agreed / pairs
    within: np.ndarray  # distances inside, each label counting once


class Sums(NamedTuple):
    """The same over all items, and two of how often each class is used."""

    labelled: np.ndarray
    items: np.ndarray
    labels: np.ndarray
    pairs: np.ndarray
    agreed: np.ndarray
    share: np.ndarray
    within: np.ndarray
    chance: np.ndarray  # distances over all pairs of labels, whatever their item
    same: np.ndarray  # chance that two labels drawn by the classes' mean shares are of one class


def parts(p: Patterns, level: str = "nominal", v: np.ndarray | None = None) -> Parts:
    """``v``: value of each class (interval, ratio), or its rank (ordinal)."""
    inside, _ = _levels.within(p, level, np.zeros(0) if v is None else v)
    agreed = p.per_pattern(p.k * (p.k - 1))
    return parts_of(p.m, agreed, inside)


def parts_of(m: np.ndarray, agreed: np.ndarray, inside: np.ndarray) -> Parts:
    two = m >= 2
    pairs = m * (m - 1)
    return Parts(
        labelled=(m > 0).astype(float),
        items=two.astype(float),
        labels=m * two,
        pairs=pairs,
        agreed=agreed * two,
        share=np.divide(agreed, pairs, out=np.zeros_like(pairs), where=two),
        within=np.divide(inside, m - 1, out=np.zeros_like(pairs), where=two),
    )


def used(p: Patterns, times: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Labels of each class in items with two or more, and each class's mean share of an item."""
    times = p.times if times is None else times
    at = times[p.entry]
    return p.per_label(p.k * at * (p.m[p.entry] >= 2)), p.per_label(p.k / p.m[p.entry] * at)


def sums(each: Parts, times: np.ndarray, chance: np.ndarray, shares: np.ndarray) -> Sums:
    """``times`` (..., patterns), ``shares`` (..., classes): leading axes are replicates."""
    total = Parts(*[times @ part for part in each])
    labelled = np.asarray(total.labelled)
    mean = shares / np.where(labelled > 0, labelled, np.nan)[..., None]
    return Sums(**total._asdict(), chance=chance, same=(mean * mean).sum(axis=-1))


def coefficients(s: Sums, classes: int) -> dict[str, np.ndarray]:
    """NaN where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = s.share / s.items
        by_chance = (1 - s.same) / (classes - 1) if classes > 1 else s.same * np.nan
        return {
            "percent": s.agreed / s.pairs,
            "fleiss": _beyond(mean, s.same),
            "ac1": _beyond(mean, by_chance),
            "alpha": 1 - np.where(s.chance > 0, (s.labels - 1) * s.within / s.chance, np.nan),
        }


def _beyond(observed: np.ndarray, chance: np.ndarray) -> np.ndarray:
    left = 1 - np.asarray(chance)
    return (observed - chance) / np.where(left > 1e-12, left, np.nan)


def of_patterns(
    p: Patterns, level: str = "nominal", v: np.ndarray | None = None, classes: int | None = None
) -> dict[str, float]:
    """All four coefficients; ``classes``: how many there were to choose from (AC1)."""
    n, shares = used(p)
    if level == "ordinal":
        v = _levels.ranks(n)
    v = np.zeros(len(n)) if v is None else v
    chance = _levels.chance(n, level, v)
    found = sums(parts(p, level, v), p.times, chance, shares)
    values = coefficients(found, int((shares > 0).sum()) if classes is None else classes)
    return {name: float(value) for name, value in values.items()}


def percent(counts: ArrayLike, times: ArrayLike | None = None) -> float:
    """Share of pairs that agree, pairs of all items pooled; ``times``: items with each row.

    >>> percent([[3, 0], [2, 1]])
    0.6666666666666666
    """
    return of_patterns(_given(counts, times))["percent"]


def fleiss(counts: ArrayLike, times: ArrayLike | None = None) -> float:
    """Fleiss' (1971) kappa; with unequal labels an item as in Gwet's (2014) handbook.

    >>> round(fleiss([[3, 0], [2, 1], [0, 3]]), 4)
    0.55
    """
    return of_patterns(_given(counts, times))["fleiss"]


def ac1(counts: ArrayLike, times: ArrayLike | None = None, *, classes: int | None = None) -> float:
    """Gwet's (2008) AC1, whose chance is small where one class prevails.

    >>> round(ac1([[3, 0], [2, 1], [0, 3]]), 4)
    0.561
    """
    return of_patterns(_given(counts, times), classes=classes)["ac1"]


def alpha(
    counts: ArrayLike,
    times: ArrayLike | None = None,
    *,
    level: str = "nominal",
    values: ArrayLike | None = None,
) -> float:
    """Krippendorff's (2011) alpha; ``values``: those of the classes, 0, 1, 2... if not given.

    >>> round(alpha([[3, 0], [2, 1], [0, 3]]), 4)
    0.6
    """
    p = _given(counts, times)
    v = np.arange(p.n_labels) if values is None else values
    return of_patterns(p, level, np.asarray(v, float))["alpha"]


def _given(counts: ArrayLike, times: ArrayLike | None) -> Patterns:
    return _patterns.from_counts(np.asarray(counts), None if times is None else np.asarray(times))


def cohen(table: ArrayLike) -> np.ndarray:
    """Cohen's (1960) kappa of a cross table of two annotators; axes before the two are kept.

    >>> round(float(cohen([[20, 5], [10, 15]])), 4)
    0.4
    """
    table = np.asarray(table, float)
    n = table.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore"):
        same = np.trace(table, axis1=-2, axis2=-1) / n
        chance = (table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1) / n**2
        return _beyond(same, chance)
