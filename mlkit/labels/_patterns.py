"""Items that got the same labels, counted once: what makes agreement and its intervals quick.

Agreement does not ask who said what, only how often an item got each class. Five labels of ten
classes fall in 2,002 such patterns at most, however many items there are.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlkit.labels import _coded


@dataclass(frozen=True)
class Patterns:
    """Distinct rows of the count table, without their zeros, and how many items have each.

    An entry is a class with its count ``k`` in a pattern; entries come sorted by pattern and
    class. ``m`` is the number of labels of a pattern, ``of`` the pattern of each item (-1: no
    label at all).
    """

    entry: np.ndarray  # pattern of each entry
    label: np.ndarray  # class of each entry
    k: np.ndarray  # its count, as floats
    m: np.ndarray  # labels of each pattern, as floats
    times: np.ndarray  # items that have each pattern, as floats
    n_labels: int
    of: np.ndarray

    def per_pattern(self, values: np.ndarray) -> np.ndarray:
        """Sums of a value of each entry."""
        return np.bincount(self.entry, values, len(self.m))

    def per_label(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.label, values, self.n_labels)

    def start(self) -> np.ndarray:
        """First entry of each pattern."""
        return np.searchsorted(self.entry, np.arange(len(self.m)))

    def one_against_rest(self, label: int) -> "Patterns":
        """Two classes, this one (0) and all others (1)."""
        k = np.zeros(len(self.m))
        rows = self.label == label
        k[self.entry[rows]] = self.k[rows]
        # (k, m) as one number; the order of patterns stays that of the numbers.
        key, first, of = np.unique(
            self.m * (self.m.max(initial=0) + 1) + k, return_index=True, return_inverse=True
        )
        both = np.stack([k[first], self.m[first] - k[first]], axis=1)
        times = np.bincount(of, self.times, len(key))
        return from_counts(both, times)


def from_counts(table: np.ndarray, times: np.ndarray | None = None) -> Patterns:
    """Patterns of a count table as they stand; ``times`` says how many items have each row."""
    table = np.asarray(table)
    entry, label = np.nonzero(table)
    times = np.ones(len(table)) if times is None else np.asarray(times, float)
    k = table[entry, label].astype(float)
    m = table.sum(axis=1, dtype=float)
    return Patterns(entry, label, k, m, times, table.shape[1], np.arange(len(table)))


def find(item: np.ndarray, label: np.ndarray, n_items: int, n_labels: int) -> Patterns:
    """The patterns of labels given one row each, without a table of items times classes."""
    most = _most(item, n_items)
    if n_labels * np.log2(most + 1) <= 52:
        return _by_number(item, label, n_items, n_labels, most + 1)
    return _by_hash(item, label, n_items, n_labels)


def _most(item: np.ndarray, n_items: int) -> int:
    return int(_sums(item, None, n_items).max(initial=0))


def _sums(item: np.ndarray, weights: tuple[np.ndarray, np.ndarray] | None, n: int) -> np.ndarray:
    """Sum of weights[label] of each item, a chunk of rows at a time to save memory."""
    total = np.zeros(n, np.int64 if weights is None else np.float64)
    step = max(_coded.CHUNK, n // 2)
    for start in range(0, len(item), step):
        part = slice(start, start + step)
        values = None if weights is None else weights[0][weights[1][part]]
        total += np.bincount(item[part], values, n)
    return total


def _by_number(
    item: np.ndarray, label: np.ndarray, n_items: int, n_labels: int, base: int
) -> Patterns:
    """Each count is a digit of one whole number, below 2**53 and so exact in a float."""
    place = float(base) ** np.arange(n_labels)
    number = _sums(item, (place, label), n_items).astype(np.int64)
    of, found = _factorize(number)
    table = found[:, None] // place.astype(np.int64) % base
    return _with(from_counts(table, np.bincount(of[of >= 0], minlength=len(found))), of)


def _factorize(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted, so that the order of rows changes nothing; 0 (no label) becomes -1."""
    codes, found = pd.factorize(number)
    order = np.argsort(found, kind="stable")
    place = np.empty(len(found), np.int32)
    none = int((found == 0).sum())
    place[order] = np.arange(len(found), dtype=np.int32) - none
    return place[codes], found[order][none:]


def _with(patterns: Patterns, of: np.ndarray) -> Patterns:
    p = patterns
    return Patterns(p.entry, p.label, p.k, p.m, p.times, p.n_labels, of)


def _by_hash(item: np.ndarray, label: np.ndarray, n_items: int, n_labels: int) -> Patterns:
    """Many classes: a pattern is known by the sum of a random 64-bit number a class.

    Two patterns share a sum with a chance of 2**-64: for 10 million of them, once in a million
    tables.
    """
    who, which, k = _coded.entries(item, label, n_labels)
    first = np.flatnonzero(np.diff(who, prepend=-1))
    weight = np.random.default_rng(0).integers(1, 2**63, n_labels, dtype=np.uint64)
    number = np.zeros(n_items, np.uint64)
    if len(first):
        number[who[first]] = np.add.reduceat(weight[which] * k.astype(np.uint64), first)
    of, found = _factorize(number)
    # The entries of one item stand for all items of its pattern.
    sample = np.full(len(found), -1)
    sample[of[who[first]]] = np.arange(len(first))
    size = np.diff(first, append=len(who))[sample] if len(found) else np.zeros(0, int)
    entry = np.repeat(np.arange(len(found)), size)
    at = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    at += np.repeat(first[sample], size) if len(found) else 0
    m = np.bincount(entry, k[at], len(found))
    times = np.bincount(of[of >= 0], minlength=len(found)).astype(float)
    return Patterns(entry, which[at], k[at].astype(float), m, times, n_labels, of)
