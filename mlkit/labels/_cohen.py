"""Cohen's kappa of two annotators with its interval, from the cells of their cross table."""

from typing import NamedTuple

import numpy as np

from mlkit.labels import _intervals
from mlkit.labels._intervals import Limits


class Cross(NamedTuple):
    """How many items the first called ``a`` and the second ``b``: the cells that are not 0."""

    a: np.ndarray
    b: np.ndarray
    times: np.ndarray
    n_labels: int


def cross(item: np.ndarray, annotator: np.ndarray, label: np.ndarray, n_labels: int) -> Cross:
    """The cross table of the two annotators that occur, over the items both labelled."""
    first = annotator == annotator.min(initial=np.iinfo(annotator.dtype).max)
    _, one, two = np.intersect1d(item[first], item[~first], assume_unique=True, return_indices=True)
    key = label[first][one].astype(np.int64) * n_labels + label[~first][two]
    cell, times = np.unique(key, return_counts=True)
    return Cross(cell // max(n_labels, 1), cell % max(n_labels, 1), times.astype(float), n_labels)


def one_against_rest(table: Cross, label: int) -> Cross:
    """Of four cells; some may be 0."""
    key = 2 * (table.a != label) + (table.b != label)
    times = np.bincount(key, table.times, 4)
    return Cross(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), times, 2)


def kappa(table: Cross, times: np.ndarray | None = None) -> np.ndarray:
    """``times`` (replicates, cells) in place of the table's own; NaN where chance is all."""
    from scipy.sparse import csr_matrix

    times = table.times if times is None else times
    cells = np.arange(len(table.a))
    shape = (table.n_labels, len(cells))
    rows, columns = (
        (csr_matrix((np.ones(len(cells)), (side, cells)), shape) @ times.T).T
        for side in (table.a, table.b)
    )
    n = times.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        same = (times @ (table.a == table.b)) / n
        chance = (rows * columns).sum(axis=-1) / n**2
        left = np.where(1 - chance > 1e-12, 1 - chance, np.nan)
        return (same - chance) / left


def both(table: Cross, rng: np.random.Generator) -> tuple[float, Limits]:
    """Kappa and its limits: bootstrapped, or to first order where there are very many cells."""
    value, n = float(kappa(table)), float(table.times.sum())
    if n < 2:
        return value, _intervals.UNKNOWN
    if len(table.a) > _intervals.MOST_PATTERNS:
        return value, limits_to_first_order(table)
    drawn = [
        kappa(table, times)
        for times in _intervals.draws(
            table.times, table.times >= 0, rng, width=len(table.a) + 2 * table.n_labels
        )
    ]
    return value, _intervals.of_draws(np.concatenate(drawn), n)


def limits_to_first_order(table: Cross) -> Limits:
    n = float(table.times.sum())
    if n < 2 or not np.isfinite(value := float(kappa(table))):
        return _intervals.UNKNOWN
    return _intervals.of_error(value, _error(table), n)


def _error(table: Cross) -> float:
    """Fleiss, Cohen and Everitt (1969)."""
    n = table.times.sum()
    row = np.bincount(table.a, table.times, table.n_labels) / n
    column = np.bincount(table.b, table.times, table.n_labels) / n
    same, chance = (table.times @ (table.a == table.b)) / n, row @ column
    add = ((table.a == table.b) - same) / (1 - chance)
    add -= (1 - same) * (column[table.a] + row[table.b] - 2 * chance) / (1 - chance) ** 2
    return _intervals.error(add / n, table.times, n)
