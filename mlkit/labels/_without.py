"""What agreement becomes without each annotator, from the counts of all: nothing is counted anew.

A label taken out changes its item in a way that depends only on the pattern and the class. So an
annotator is a list of (pattern, class, how often), and the table without them is the patterns of
all, some with fewer items, and a few new ones.
"""

from typing import Any

import numpy as np

from mlkit.labels import _coded, _intervals
from mlkit.labels._coded import Coded
from mlkit.labels._coefficients import NAMES
from mlkit.labels._patterns import Patterns

BUDGET = 100_000_000  # entries gone through, all annotators together: about 10 s
TOO_MANY = (
    "too many annotators and patterns of labels to go through: only those with the most labels "
    "have values"
)


def rows(
    coded: Coded, p: Patterns, level: str, v: np.ndarray, classes: int
) -> list[dict[str, Any]]:
    """One row an annotator: the coefficients without their labels, and what alpha gains.

    Limits come from what each item adds, and those of the gain from the difference of what it
    adds with and without them: the two alphas rest on the same items.
    """
    size = len(coded.annotators)
    cost = len(p.k) + len(p.m) + (p.n_labels**2 if level == "ratio" else 0)
    chosen = np.zeros(size, bool)
    lists = given(coded, p)
    labels = np.array([times.sum() for _, times in lists])
    chosen[np.argsort(-labels, kind="stable")[: max(1, BUDGET // max(cost, 1))]] = True
    whole, _, before = _intervals.adds(p, level, v, classes)
    table = []
    for who, (entry, times) in enumerate(lists):
        row: dict[str, Any] = {"name": coded.annotators[who], "n": np.nan, "labels": np.nan}
        if not chosen[who]:
            table.append(row | {"why": TOO_MANY})
            continue
        less = taken_out(p, entry, times)
        values, items, after = _intervals.adds(less, level, v, classes)
        row |= {"n": int(items), "labels": int(less.times @ less.m)} | values
        for name in NAMES:
            error = _intervals.error(after[name], less.times, items)
            row[f"{name}_low"], row[f"{name}_high"] = _intervals.of_error(
                values[name], error, items, least=_intervals.LEAST[name]
            )
        change = after["alpha"] - np.r_[before["alpha"], before["alpha"][p.entry[entry]]]
        row["gain"] = values["alpha"] - whole["alpha"]
        half = _intervals.student(max(items, 2)) * _intervals.error(change, less.times, items)
        row["gain_low"], row["gain_high"] = row["gain"] - half, row["gain"] + half
        table.append(row)
    return table


def taken_out(p: Patterns, entry: np.ndarray, times: np.ndarray) -> Patterns:
    """The patterns with ``times`` labels of each of these entries gone, at most one an item."""
    at = p.entry[entry]
    first, size = p.start(), np.bincount(p.entry, minlength=len(p.m))[at]
    new = np.repeat(np.arange(len(entry)), size)
    copied = np.arange(len(new)) - np.repeat(np.cumsum(size) - size, size) + first[at][new]
    k = p.k[copied] - (copied == entry[new])
    left = k > 0
    return Patterns(
        entry=np.r_[p.entry, len(p.m) + new[left]],
        label=np.r_[p.label, p.label[copied[left]]],
        k=np.r_[p.k, k[left]],
        m=np.r_[p.m, p.m[at] - 1],
        times=np.r_[p.times - np.bincount(at, times, len(p.m)), times],
        n_labels=p.n_labels,
        of=p.of[:0],  # items are not followed any more
    )


def given(coded: Coded, p: Patterns) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each annotator the entries (pattern and class) of their labels, and how often."""
    size, many = len(coded.annotators), len(p.k)
    if size * many <= max(len(coded.item), 1 << 20):
        times = np.zeros(size * many, np.int64)
        for start in range(0, len(coded.item), _coded.CHUNK):
            part = slice(start, start + _coded.CHUNK)
            key = coded.annotator[part].astype(np.int64) * many + _entry(coded, p, part)
            times += np.bincount(key, minlength=size * many)
        table = times.reshape(size, many)
        found = [np.flatnonzero(row) for row in table]
        return [(e, row[e].astype(float)) for e, row in zip(found, table, strict=True)]
    order = np.argsort(coded.annotator, kind="stable")
    entry = _entry(coded, p, slice(None))[order]
    ends = np.cumsum(np.bincount(coded.annotator, minlength=size))[:-1]
    return [(e, np.ones(len(e))) for e in np.split(entry, ends)]


def _entry(coded: Coded, p: Patterns, rows: slice) -> np.ndarray:
    """The entry of each of these labels."""
    pattern = p.of[coded.item[rows]].astype(np.int64)
    if len(p.m) * p.n_labels <= 1 << 22:
        place = np.zeros((len(p.m), p.n_labels), np.int32)
        place[p.entry, p.label] = np.arange(len(p.k))
        return place[pattern, coded.label[rows]]
    key = p.entry.astype(np.int64) * p.n_labels + p.label
    return np.searchsorted(key, pattern * p.n_labels + coded.label[rows])
