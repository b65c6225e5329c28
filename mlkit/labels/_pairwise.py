"""Agreement of every two annotators, from one product of a sparse table with itself."""

import numpy as np
import pandas as pd

from mlkit.labels import _coded
from mlkit.labels._coded import Coded

_FUNCTION = "labels.pairwise"
_MOST_DENSE = 4_000  # annotators times classes, squared: 64 MB of whole numbers
_ITEMS = 100_000  # at a time
NONE_SHARED = "no item in common"
ONE_CLASS = "both gave one and the same class to all"


def pairwise(annotations: pd.DataFrame, *, fewest: int = 1) -> pd.DataFrame:
    """How alike does each pair of annotators label?

    One row a pair with ``fewest`` items or more in common (0: all pairs): ``annotator_1,
    annotator_2, n`` (items both labelled), ``percent`` (same label), ``cohen`` (1960; NaN where
    both gave one class alone), ``why`` a value is NaN. ``attrs["notes"]`` tells of rows left out
    and of pairs with fewer items. With few items in common kappa says little.

    Examples
    --------
    >>> df = pd.DataFrame({"item": list("aabbcc"), "annotator": list("xyxyxy")})
    >>> pairwise(df.assign(label=[1, 1, 2, 2, 1, 2])).drop(columns="why").round(2)
      annotator_1 annotator_2  n  percent  cohen
    0           x           y  3     0.67    0.4
    """
    coded = _coded.code(annotations, function=_FUNCTION)
    one, two, n, same, chance = _pairs(coded)
    size = len(coded.annotators)
    unmet = size * (size - 1) // 2 - len(n)
    kept = n >= fewest
    fewer = int((~kept).sum()) + (unmet if fewest > 0 else 0)
    if fewest <= 0 and unmet:
        one, two, n, same, chance = _all(one, two, n, same, chance, size)
        kept = np.ones(len(n), bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        percent, expected = same / n, chance / n**2
        left = np.where(1 - expected > 1e-12, 1 - expected, np.nan)
        cohen = (percent - expected) / left
    why = np.where(n == 0, NONE_SHARED, np.where(np.isnan(cohen), ONE_CLASS, ""))
    table = pd.DataFrame(
        {
            "annotator_1": coded.annotators[one],
            "annotator_2": coded.annotators[two],
            "n": n.astype(int),
            "percent": percent,
            "cohen": cohen,
            "why": why.astype(object),
        }
    )[kept].reset_index(drop=True)
    notes = [*coded.notes]
    if fewer:
        notes.append(
            f"Pairs with fewer than {fewest} items in common, not in the table: {fewer:,}."
        )
    table.attrs["notes"] = notes
    return table


def _all(one: np.ndarray, two: np.ndarray, *figures: np.ndarray | int) -> tuple[np.ndarray, ...]:
    """Pairs that share no item too, with zeros."""
    *found, size = figures
    first, second = np.triu_indices(int(size), 1)
    at = np.searchsorted(first * int(size) + second, one * int(size) + two)
    wide = []
    for figure in found:
        full = np.zeros(len(first))
        full[at] = figure
        wide.append(full)
    return first, second, *wide


def _pairs(coded: Coded) -> tuple[np.ndarray, ...]:
    """Of each pair with an item in common: both numbers, items, same labels, and by chance x n."""
    classes, people = max(len(coded.labels), 1), max(len(coded.annotators), 1)
    row, column, times = _product(coded, people, classes)
    upper = row // classes < column // classes
    row, column, times = row[upper], column[upper], times[upper]
    key = (row // classes) * people + column // classes
    pairs, at = np.unique(key, return_inverse=True)
    n = np.bincount(at, times, len(pairs))
    same = np.bincount(at, times * (row % classes == column % classes), len(pairs))
    # How often each of the two gave each class, over the items of the pair; sparse, as classes
    # may be very many.
    mine, first = np.unique(at * classes + row % classes, return_inverse=True)
    theirs, second = np.unique(at * classes + column % classes, return_inverse=True)
    _, i, j = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
    both = np.bincount(first, times)[i] * np.bincount(second, times)[j] if len(i) else np.zeros(0)
    chance = np.bincount(mine[i] // classes, both, len(pairs))
    return pairs // people, pairs % people, n, same, chance


def _product(coded: Coded, people: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many items got (annotator, class) and (annotator, class): cells that are not 0."""
    from scipy.sparse import coo_matrix, csr_matrix

    wide = people * classes
    column = coded.annotator.astype(np.int64) * classes + coded.label
    given = csr_matrix(
        (np.ones(len(column), np.float32), (coded.item, column)), (len(coded.items), wide)
    )
    if wide > _MOST_DENSE:
        found = (given.T @ given).tocoo()
        return found.row.astype(np.int64), found.col.astype(np.int64), found.data.astype(float)
    total = np.zeros((wide, wide))
    for start in range(0, len(coded.items), _ITEMS):
        part = given[start : start + _ITEMS]
        total += (part.T @ part).toarray()
    found = coo_matrix(total)
    return found.row.astype(np.int64), found.col.astype(np.int64), found.data
