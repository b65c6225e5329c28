"""Which items people differ on, and which classes are taken for which."""

from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit.labels import _coded, _pairs

# What belongs to one label rather than to the item.
_OF_A_LABEL = {"item", "annotator", "label", "repeat", "guide", "at", "duration_s"}
_EXAMPLES = 5


def disagreements(annotations: pd.DataFrame) -> pd.DataFrame:
    """Which items do people differ on most?

    Returns
    -------
    One row an item with two labels or more, most contested first: ``item, n`` (labels),
    ``disagreement`` (share of its pairs of labels that differ), ``entropy`` (of its votes, in
    bits; Shannon 1948), ``votes`` ("shirt 3, longsleeve 2"), and every column that is the same
    in all rows of each item (source, gold, picture). Items with one label are left out;
    ``attrs["notes"]`` counts them, and repeats, missing and earlier labels.

    Examples
    --------
    >>> given = pd.DataFrame({"item": list("aaabbb"), "annotator": [1, 2, 3] * 2,
    ...     "label": ["shirt", "shirt", "shirt", "shirt", "longsleeve", "shirt"]})
    >>> disagreements(given).round(2)
      item  n  disagreement  entropy                  votes
    0    b  3          0.67     0.92  shirt 2, longsleeve 1
    1    a  3          0.00     0.00                shirt 3
    """
    coded = _coded.code(annotations, function="labels.disagreements")
    votes = _Votes(coded)
    share = votes.k / votes.m[votes.item]
    with np.errstate(invalid="ignore", divide="ignore"):
        agreed = votes.per_item(votes.k * (votes.k - 1)) / (votes.m * (votes.m - 1))
    table = pd.DataFrame(
        {
            "item": coded.items,
            "n": votes.m.astype(int),
            "disagreement": 1 - agreed,
            "entropy": votes.per_item(-share * np.log2(share)) + 0.0,
            "votes": votes.texts(coded.labels),
        }
    )
    table = table.join(_of_items(coded)).loc[votes.m > 1]
    table = table.sort_values("item", kind="stable")
    order = np.lexsort((-table["n"], -table["entropy"].round(12), -table["disagreement"].round(12)))
    table = table.iloc[order].reset_index(drop=True)
    table.attrs["notes"] = votes.notes
    return table


def confusions(annotations: pd.DataFrame) -> pd.DataFrame:
    """Which classes are taken for which?

    Returns
    -------
    One row a pair of classes that met on an item, most frequent first: ``label_1, label_2,
    pairs`` (pairs of labels of one item that are these two), ``share`` (of all pairs that
    differ), ``expected`` (pairs if all labels were shuffled over the items: with n labels and T
    pairs, T x 2 n1 n2 / (n (n - 1))), ``lift`` (pairs / expected) and ``items`` (up to 5, those
    most evenly split between the two first, then those of most labels).

    People agree more often than chance, so most lifts lie below 1: compare them with each other.
    Above 1, the two are taken for each other more often than if nobody had looked. Empty where
    nobody differs. Items with one label are left out; ``attrs["notes"]`` counts what is.

    Examples
    --------
    >>> given = pd.DataFrame({"item": list("aabbcc"), "annotator": [1, 2] * 3,
    ...     "label": ["shirt", "longsleeve", "shirt", "shirt", "hat", "hat"]})
    >>> confusions(given).round(2)
          label_1 label_2  pairs  share  expected  lift items
    0  longsleeve   shirt      1    1.0       0.6  1.67   [a]
    """
    coded = _coded.code(annotations, function="labels.confusions")
    votes = _Votes(coded)
    first, second, item = _pairs.inside(votes.item, len(coded.items))
    n_labels = max(len(coded.labels), 1)
    both = votes.label[first] * n_labels + votes.label[second]
    number = votes.k[first] * votes.k[second]
    found, group = np.unique(both, return_inverse=True)
    pairs = np.bincount(group, number, len(found))
    a, b = found // n_labels, found % n_labels
    used = np.bincount(votes.label, votes.k * (votes.m[votes.item] > 1), n_labels)
    n, possible = used.sum(), (votes.m * (votes.m - 1) / 2).sum()
    expected = possible * 2 * used[a] * used[b] / (n * (n - 1)) if n else pairs
    table = pd.DataFrame(
        {
            "label_1": _named(coded.labels, a),
            "label_2": _named(coded.labels, b),
            "pairs": pairs.astype(int),
            "share": pairs / pairs.sum() if len(pairs) else pairs,
            "expected": expected,
            "lift": pairs / expected,
            "items": _examples(group, number, votes.m[item], coded.items[item], len(found)),
        }
    )
    table = table.sort_values("pairs", ascending=False, kind="stable").reset_index(drop=True)
    table.attrs["notes"] = votes.notes
    return table


class _Votes:
    """How often each item got each class: one entry a cell that is not 0."""

    def __init__(self, coded: _coded.Coded) -> None:
        entries = _coded.entries(coded.item, coded.label, max(len(coded.labels), 1))
        self.item, self.label, k = entries
        self.k = k.astype(float)
        self.n_items = len(coded.items)
        self.m = self.per_item(self.k)
        alone = int((self.m == 1).sum())
        left = [f"{_tables._count(alone, 'item')} with one label left out."] if alone else []
        self.notes = [*coded.notes, *left]

    def per_item(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.item, values, self.n_items)

    def texts(self, labels: list[Any]) -> list[str]:
        """Votes of each item, the class with most first."""
        order = np.lexsort((self.label, -self.k, self.item))
        parts: list[list[str]] = [[] for _ in range(self.n_items)]
        for at in order:
            parts[self.item[at]].append(f"{labels[self.label[at]]} {int(self.k[at])}")
        return [", ".join(part) for part in parts]


def _named(labels: list[Any], codes: np.ndarray) -> pd.Series:
    return pd.Series([labels[code] for code in codes], dtype=None if len(codes) else object)


def _examples(
    group: np.ndarray, number: np.ndarray, m: np.ndarray, items: np.ndarray, n: int
) -> list[list[Any]]:
    """The first few items of each group: most evenly split, then of most labels, then by name."""
    name = np.unique(items.astype(str), return_inverse=True)[1] if len(items) else group
    order = np.lexsort((name, -m, -(number / m**2).round(12), group))
    start = np.searchsorted(group[order], np.arange(n))
    end = np.searchsorted(group[order], np.arange(n), side="right")
    return [
        items[order[s : min(s + _EXAMPLES, e)]].tolist() for s, e in zip(start, end, strict=True)
    ]


def _of_items(coded: _coded.Coded) -> pd.DataFrame:
    """Columns that hold one value an item, one row an item."""
    first = np.zeros(len(coded.items), np.int64)
    rows = np.arange(len(coded.item))[::-1]
    first[coded.item[rows]] = rows  # written backwards, so that the first row stays
    kept = {}
    for name in coded.table.columns:
        if name in _OF_A_LABEL:
            continue
        column = coded.table[name]
        codes = _same(column)
        if (codes == codes[first][coded.item]).all():
            kept[name] = column.iloc[first].reset_index(drop=True)
    return pd.DataFrame(kept, index=range(len(first)))


def _same(column: pd.Series) -> np.ndarray:
    """A number for each distinct value; pictures and lists are one where they are one object."""
    try:
        return np.asarray(pd.factorize(column)[0])
    except TypeError:
        return np.asarray(pd.factorize(np.array([id(value) for value in column]))[0])
