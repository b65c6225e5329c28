"""How far apart two labels are at each level of measurement (Krippendorff 2011).

nominal: 0 or 1; interval: the squared difference of the values; ordinal: the same of the ranks
(their middles where labels tie), so both have a closed form in sums of values and of squares;
ratio: ((a - b) / (a + b))**2, which has none: its chance part takes every pair of values.
"""

from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import TableError
from mlkit.labels._patterns import Patterns

LEVELS = ("nominal", "ordinal", "interval", "ratio")
MOST_RATIO_VALUES = 20_000  # 400 million pairs of values, about 3 s
_BLOCK = 1 << 22


def values_of(labels: list[Any], column: pd.Series, level: str, *, function: str) -> np.ndarray:
    """The numbers that stand for the classes at this level, in their order."""
    if level not in LEVELS:
        raise TableError(f"{function}() knows the levels {', '.join(LEVELS)}; found {level!r}.")
    if level == "nominal":
        return np.arange(len(labels), dtype=float)
    ordered = isinstance(column.dtype, pd.CategoricalDtype) and bool(column.dtype.ordered)
    if level == "ordinal" and ordered:
        return np.arange(len(labels), dtype=float)
    if not all(isinstance(label, int | float) for label in labels):
        mend = (
            "Give it their order: df.assign(label=pd.Categorical(df.label, [...], ordered=True))."
            if level == "ordinal"
            else 'Make them numbers: df.assign(label=pd.to_numeric(df["label"])).'
        )
        what = "ordered classes" if level == "ordinal" else "numbers"
        raise TableError(
            f'{function}() needs {what} for level="{level}" and found '
            f"{_tables._some(labels)}. {mend}"
        )
    values = np.array(labels, float)
    if not np.isfinite(values).all():
        raise TableError(f'{function}() needs finite numbers for level="{level}".')
    if level == "ordinal" and (np.diff(values) < 0).any():
        raise TableError(
            f"{function}() found numbers in a Categorical whose categories are not in rising "
            "order. Sort them: df.label.cat.reorder_categories(sorted(df.label.cat.categories))."
        )
    if level == "ratio" and (values < 0).any():
        raise TableError(f'{function}() needs numbers of 0 or more for level="ratio".')
    return values


def ranks(n: np.ndarray) -> np.ndarray:
    """Middle rank of each class, from how often each occurs (last axis)."""
    return np.cumsum(n, axis=-1) - n / 2


def within(p: Patterns, level: str, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances inside an item: over all ordered pairs (a pattern), to all labels (an entry)."""
    if level == "nominal":
        to_all = p.m[p.entry] - p.k
    elif level == "ratio":
        to_all = _ratio_within(p, v)
    else:
        v = (v - v.mean())[p.label] if len(v) else v
        s1, s2 = p.per_pattern(p.k * v), p.per_pattern(p.k * v * v)
        to_all = p.m[p.entry] * v * v - 2 * v * s1[p.entry] + s2[p.entry]
        one = np.bincount(p.entry, minlength=len(p.m)) == 1
        to_all[one[p.entry]] = 0  # rounding would leave 1e-17 where all agree
    return p.per_pattern(p.k * to_all), to_all


def _ratio_within(p: Patterns, v: np.ndarray) -> np.ndarray:
    to_all = np.zeros(len(p.k))
    size = np.bincount(p.entry, minlength=len(p.m)).max(initial=0)
    for shift in range(1, size):
        rows = np.flatnonzero(p.entry[shift:] == p.entry[:-shift])
        a, b = v[p.label[rows]], v[p.label[rows + shift]]
        far = ((a - b) / (a + b)) ** 2  # two classes, neither negative: never both 0
        to_all[rows] += p.k[rows + shift] * far
        to_all[rows + shift] += p.k[rows] * far
    return to_all


def chance(n: np.ndarray, level: str, v: np.ndarray) -> np.ndarray:
    """Distances over all ordered pairs of labels, whatever their item; 0 where one class is used.

    ``n`` says how often each class occurs (last axis; axes before it are replicates).
    """
    total = n.sum(axis=-1)
    if level == "nominal":
        return total**2 - (n * n).sum(axis=-1)
    if level == "ratio":
        return (n * _ratio_to_all(n, v)).sum(axis=-1)
    s1, s2 = _moments(n, v)
    spread = 2 * (total * s2 - s1**2)
    return np.where((n > 0).sum(axis=-1) > 1, spread, 0.0)


def _moments(n: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    v = v - v.mean(axis=-1, keepdims=True) if v.shape[-1] else v
    return (n * v).sum(axis=-1), (n * v * v).sum(axis=-1)


def _ratio_to_all(n: np.ndarray, v: np.ndarray) -> np.ndarray:
    """For each value, its distance to all labels; a block of values at a time."""
    out = np.zeros(n.shape)
    step = max(1, _BLOCK // max(len(v), 1))
    for start in range(0, len(v), step):
        part = v[start : start + step, None]
        total = part + v
        far = np.divide(part - v, total, out=np.zeros_like(total), where=total > 0) ** 2
        out[..., start : start + step] = n @ far.T
    return out


def slopes(
    p: Patterns, n: np.ndarray, level: str, v: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How chance, and what lies inside items, change with one label more of each class.

    The second is 0 but for ordinal, where a label more moves all ranks; ``weight`` is what an
    item's distances are multiplied by, times the items of its pattern.
    """
    total, none = n.sum(), np.zeros(len(n))
    if level == "nominal":
        return 2 * (total - n), none
    if level == "ratio":
        return 2 * _ratio_to_all(n, v), none
    v = v - v.mean() if len(v) else v
    s1, s2 = (n * v).sum(), (n * v * v).sum()
    direct = 2 * (total * v * v + s2 - 2 * s1 * v)
    if level == "interval":
        return direct, none
    by_rank = 4 * n * (total * v - s1)
    item = p.per_pattern(p.k * v[p.label])
    inside = 4 * p.k * (p.m[p.entry] * v[p.label] - item[p.entry]) * weight[p.entry]
    return direct + _through_ranks(by_rank), _through_ranks(p.per_label(inside))


def _through_ranks(slope: np.ndarray) -> np.ndarray:
    """A label more of a class lifts its own rank by a half and all higher ones by 1."""
    above = np.cumsum(slope[::-1])[::-1] - slope
    return above + slope / 2
