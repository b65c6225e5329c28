"""From pairs to people: connected components, and a guard against chains."""

from collections.abc import Callable
from itertools import combinations

import numpy as np

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]
LARGE = 200  # records of one component beyond which its weakest ties are cut first


def components(n: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The number of each record's component."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ties = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(n, n))
    return connected_components(ties, directed=False)[1]


def guarded(
    n: int, left: np.ndarray, right: np.ndarray, bits: np.ndarray, score: Score
) -> tuple[np.ndarray, int, int]:
    """Component of each record, how many chains were cut, how many components were too large.

    A is like B and B like C, and A nothing like C: in groups of three and more all pairs are
    scored, and two parts join, the surest tie first, only if the pairs across them on average
    speak for one person (above 0 bits).
    """
    left, right, bits, large = _without_giants(n, left, right, bits)
    group = components(n, left, right)
    size = np.bincount(group, minlength=1)
    order = np.argsort(group, kind="stable")
    starts = np.cumsum(size) - size
    chosen = np.flatnonzero(size >= 3)
    members = [order[starts[g] : starts[g] + size[g]] for g in chosen]
    if not members:
        return group, 0, large
    inner = [np.asarray(list(combinations(rows, 2))) for rows in members]
    every = np.concatenate(inner)
    weights = np.split(
        score(every[:, 0], every[:, 1]), np.cumsum([len(part) for part in inner])[:-1]
    )
    tied = _ties_by_group(group, left, right, bits, chosen)
    cut, fresh = 0, int(group.max()) + 1
    for rows, among, ties in zip(members, weights, tied, strict=True):
        parts = _merged(rows, among, ties)
        cut += len(set(parts)) > 1
        for part in sorted(set(parts))[1:]:
            group[rows[np.asarray(parts) == part]] = fresh
            fresh += 1
    return group, cut, large


def _without_giants(
    n: int, left: np.ndarray, right: np.ndarray, bits: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Components too large to look through lose their weakest ties until they fall apart."""
    large = 0
    while True:
        group = components(n, left, right)
        size = np.bincount(group, minlength=1)
        giant = size[group[left]] > LARGE if len(left) else np.zeros(0, bool)
        if not giant.any():
            return left, right, bits, large
        large = max(large, int((size > LARGE).sum()))
        bound = np.quantile(bits[giant], 0.1)
        keep = ~(giant & (bits <= bound))
        left, right, bits = left[keep], right[keep], bits[keep]


def _ties_by_group(
    group: np.ndarray, left: np.ndarray, right: np.ndarray, bits: np.ndarray, chosen: np.ndarray
) -> list[list[tuple[int, int]]]:
    """The ties inside each chosen component, the surest first."""
    order = np.lexsort((right, left, -bits, group[left]))
    inside = group[left][order]
    first, last = np.searchsorted(inside, chosen), np.searchsorted(inside, chosen, side="right")
    pairs = np.column_stack([left[order], right[order]])
    return [list(map(tuple, pairs[a:b])) for a, b in zip(first, last, strict=True)]


def _merged(rows: np.ndarray, among: np.ndarray, ties: list[tuple[int, int]]) -> list[int]:
    """The part each row ends up in."""
    k = len(rows)
    if (among > 0).all():
        return [0] * k
    place = {row: number for number, row in enumerate(rows)}
    weight = np.zeros((k, k))
    upper = np.triu_indices(k, 1)
    weight[upper] = among
    weight += weight.T
    part = np.arange(k)
    for a, b in ties:
        one, two = part[place[a]], part[place[b]]
        if one == two:
            continue
        across = weight[np.ix_(part == one, part == two)]
        if across.mean() > 0:
            part[part == two] = one
    return part.tolist()
