"""What each merge of two classes does to nominal alpha, in closed form, with its interval.

With D the coincidences of different classes, n labels, nc of a class and E = n^2 - sum nc^2,
alpha is 1 - (n - 1) D / E (Krippendorff 2011). A merge of a and b takes 2 o_ab from D and
2 na nb from E, so no label is coded anew.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlkit.labels import _intervals, _pairs
from mlkit.labels._patterns import Patterns


@dataclass(frozen=True)
class Coincidences:
    """What an item of each pattern adds to the coincidences of two classes."""

    p: Patterns
    within: np.ndarray  # of each pattern, all pairs of different classes
    pattern: np.ndarray  # of each meeting of two classes
    key: np.ndarray  # label_1 * n_labels + label_2 of each meeting
    k: np.ndarray  # counts of the two in one item, shape (2, meetings)
    add: np.ndarray  # coincidences of the two in one item
    keys: np.ndarray  # distinct ones, sorted

    @classmethod
    def of(cls, p: Patterns) -> "Coincidences":
        first, second, pattern = _pairs.inside(p.entry, len(p.m))
        key = p.label[first].astype(np.int64) * p.n_labels + p.label[second]
        k = np.stack([p.k[first], p.k[second]])
        add = k[0] * k[1] / (p.m[pattern] - 1)
        within = 2 * np.bincount(pattern, add, len(p.m))
        return cls(p, within, pattern, key, k, add, np.unique(key))

    def sums(self, values: np.ndarray, times: np.ndarray, merge: np.ndarray) -> np.ndarray:
        """Sum of a value of each meeting over the items, for each merge."""
        at = np.searchsorted(self.keys, self.key)
        found = np.bincount(at, values * times[self.pattern], len(self.keys))
        return _at(found, self.keys, merge)

    def merge(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a.astype(np.int64) * self.p.n_labels + b

    def gains(self, times: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, float]:
        """Alpha after each merge less alpha before, and the latter."""
        p = self.p
        two = times * (p.m > 1)
        n = p.per_label(p.k * two[p.entry])
        o = self.sums(self.add, two, self.merge(a, b))
        gain, before = _gain(n[None], np.array([two @ self.within]), o[None], n[a] * n[b])
        return gain[0], float(before[0])

    def limits(
        self, times: np.ndarray, a: np.ndarray, b: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where each gain may lie, items drawn anew; NaN where that shows no spread."""
        if times.sum() < 2 or not len(a):
            return np.full(len(a), np.nan), np.full(len(a), np.nan)
        kept = np.flatnonzero(times)
        if len(kept) > _intervals.MOST_PATTERNS:
            return self._by_error(times, a, b)
        return self._by_draws(times, kept, a, b, rng)

    def _by_draws(
        self,
        times: np.ndarray,
        kept: np.ndarray,
        a: np.ndarray,
        b: np.ndarray,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Percentiles of a bootstrap (Efron 1979), as wide as Student's t asks for."""
        from scipy.sparse import csr_matrix
        from scipy.special import ndtr

        p, items = self.p, float(times.sum())
        table = csr_matrix((p.k, (p.entry, p.label)), (len(p.m), p.n_labels))[kept].T.tocsr()
        meeting = self._columns(a, b)[kept].T.tocsr()
        drawn = []
        wide = max(len(kept), len(a), p.n_labels)
        for part in _intervals.draws(times[kept], np.ones(len(kept), bool), rng, width=wide):
            n = (table @ part.T).T
            met = (meeting @ part.T).T
            drawn.append(_gain(n, part @ self.within[kept], met, n[:, a] * n[:, b])[0])
        gains = np.concatenate(drawn)
        flat = np.isnan(gains).all(axis=0) | ~(np.ptp(np.nan_to_num(gains), axis=0) > 1e-12)
        gains[:, flat] = 0
        tail = float(ndtr(-_intervals.student(items) * np.sqrt(items / (items - 1))))
        low, high = np.nanquantile(gains, [tail, 1 - tail], axis=0)
        return np.where(flat, np.nan, low), np.where(flat, np.nan, high)

    def _by_error(
        self, times: np.ndarray, a: np.ndarray, b: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gain +- Student's t times its standard error (Efron 1982, infinitesimal jackknife).

        An item adds A m + B w + C s + F o_ab + G k_a + H k_b to a gain, to first order, with m
        its labels, w its pairs that differ, s the sum of nc k_c: six sums of squares and their
        products over the items give the variance of every merge at once.
        """
        p, times = self.p, times * (self.p.m > 1)
        n = p.per_label(p.k * times[p.entry])
        item = np.stack([p.m, self.within, p.per_pattern(p.k * n[p.label])])
        merge = self.merge(a, b)
        met = self.sums(self.add, times, merge)
        factor = _factors(n, float(times @ self.within), met, a, b)
        sums = np.empty((6, len(a)))
        sums[:3] = (item @ times)[:, None]
        sums[3:] = met, n[a], n[b]
        square = np.empty((6, 6, len(a)))
        square[:3, :3] = ((item * times) @ item.T)[:, :, None]
        for row, values in enumerate(item):
            by_label = p.per_label(p.k * (values * times)[p.entry])
            o = self.sums(self.add * values[self.pattern], times, merge)
            square[row, 3:] = square[3:, row] = o, by_label[a], by_label[b]
        k2 = p.per_label(p.k**2 * times[p.entry])
        o2, o_a, o_b, a_b = (
            self.sums(values, times, merge)
            for values in (self.add**2, self.add * self.k[0], self.add * self.k[1], self.k.prod(0))
        )
        square[3:, 3:] = [[o2, o_a, o_b], [o_a, k2[a], a_b], [o_b, a_b, k2[b]]]
        variance = np.einsum("im,ijm,jm->m", factor, square, factor)
        items = float(times.sum())
        variance -= (factor * sums).sum(axis=0) ** 2 / items
        error = np.sqrt(np.maximum(variance, 0) * items / (items - 1))
        half = np.where(error > 1e-12, _intervals.student(items) * error, np.nan)
        gain = self.gains(times, a, b)[0]
        return gain - half, gain + half

    def _columns(self, a: np.ndarray, b: np.ndarray) -> Any:
        """Sparse table of patterns by merges: coincidences of the two classes in one item."""
        from scipy.sparse import csr_matrix

        wanted = self.merge(a, b)
        order = np.argsort(wanted)
        at = np.searchsorted(wanted[order], self.key)
        at[at == len(wanted)] = 0
        rows = np.flatnonzero(wanted[order][at] == self.key) if len(wanted) else np.zeros(0, int)
        cells = (self.pattern[rows], order[at[rows]])
        return csr_matrix((self.add[rows], cells), (len(self.p.m), len(wanted)))


def _factors(
    n: np.ndarray, within: float, met: np.ndarray, a: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """How the gain of each merge changes with each of the six sums, shape (6, merges)."""
    total = n.sum()
    chance = total**2 - (n * n).sum()
    left, chance_left = within - 2 * met, chance - 2 * n[a] * n[b]
    chance_left = np.where(chance_left > 0, chance_left, np.nan)
    g, g_left = (total - 1) / chance, (total - 1) / chance_left
    h, h_left = g * within / chance, g_left * left / chance_left
    return np.stack(
        [
            within / chance - left / chance_left + 2 * total * (h_left - h),
            g - g_left,
            -2 * (h_left - h),
            2 * g_left,
            -2 * h_left * n[b],
            -2 * h_left * n[a],
        ]
    )


def _gain(
    n: np.ndarray, within: np.ndarray, met: np.ndarray, both: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Closed form; a row is a replicate, a column a merge. NaN where one class would be left."""
    total = n.sum(axis=1)
    chance = total**2 - (n * n).sum(axis=1)
    before = _alpha(total, within, chance)
    # Whole numbers, so 0 is 0: no class is left but the merged one.
    after = _alpha(total[:, None], within[:, None] - 2 * met, chance[:, None] - 2 * both)
    return after - before[:, None], before


def _alpha(total: np.ndarray, within: np.ndarray, chance: np.ndarray) -> np.ndarray:
    known = np.where(chance > 0, chance, np.nan)
    return 1 - (total - 1) * within / known


def _at(values: np.ndarray, keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Values of the wanted keys, 0 of those that are not there."""
    if not len(keys):
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0.0)
