"""The annotations table as numbers: which rows count, a code for each item, person and class."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import TableError

CHUNK = 1 << 20  # rows at a time, where a whole column of 8-byte numbers would cost memory


@dataclass(frozen=True)
class Coded:
    """The labels used, one row each.

    ``table`` holds their rows: repeat 0, with a label, the last of each (item, annotator).
    ``item, annotator, label`` number them from 0, as 32-bit integers: make them 64-bit before
    you multiply. ``items`` come in order of appearance (a Categorical: in its order), annotators
    and ``labels`` sorted (labels of a Categorical: in its order); all of them occur.
    """

    table: pd.DataFrame
    item: np.ndarray
    annotator: np.ndarray
    label: np.ndarray
    items: np.ndarray
    annotators: np.ndarray
    labels: list[Any]
    duplicates: int  # rows left out because the same person labelled the item again later
    missing: int  # rows without a label, left out
    notes: list[str]


def code(annotations: pd.DataFrame, *, function: str, classes: bool = True) -> Coded:
    """Check the table, leave out what does not count and say so, and number the rest.

    Of ``classes`` it is also said which seem to be one; of texts that is what is being studied.
    """
    table = _tables.annotations(annotations, function=function)
    notes: list[str] = []
    table = _keep(table, (table["repeat"].fillna(0) == 0).to_numpy(bool))
    repeats = len(annotations) - len(table)
    if repeats:
        notes.append(f"{_tables._count(repeats, 'repeated label')} left out (repeat above 0).")
    labelled = table["label"].notna().to_numpy(bool)
    missing = len(table) - int(labelled.sum())
    if missing:
        notes.append(f"{_tables._count(missing, 'row')} without a label left out.")
    table = _keep(table, labelled)
    item, items = _codes(table["item"])
    annotator, annotators = _codes(table["annotator"])
    annotator, annotators = _sorted(annotator, annotators)
    last = _last(item, annotator, len(annotators))
    duplicates = 0 if last is None else len(table) - int(last.sum())
    if last is not None:
        notes.append(
            f"{_tables._count(duplicates, 'earlier label')} of the same person for the same item "
            "left out: the last one counts."
        )
        table, item, annotator = _keep(table, last), item[last], annotator[last]
    label, labels = _labels(table["label"], function)
    notes += _alike(labels) if classes else []
    return Coded(
        table, item, annotator, label, items, annotators, labels, duplicates, missing, notes
    )


def counts(item: np.ndarray, label: np.ndarray, n_items: int, n_labels: int) -> np.ndarray:
    """How often each item (row) got each class (column), as narrow integers.

    The table has ``n_items * n_labels`` cells; for very many classes see ``entries``.

    >>> counts(np.array([0, 0, 1]), np.array([1, 1, 0]), 2, 2)
    array([[0, 2],
           [1, 0]], dtype=uint8)
    """
    cells = n_items * n_labels
    table = np.zeros(cells, np.int64)
    step = max(CHUNK, cells)
    for start in range(0, len(item), step):
        part = slice(start, start + step)
        key = item[part].astype(np.int64) * n_labels + label[part]
        table += np.bincount(key, minlength=cells)
    most = int(table.max(initial=0))
    return table.astype(np.min_scalar_type(most)).reshape(n_items, n_labels)


def entries(
    item: np.ndarray, label: np.ndarray, n_labels: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cells of the count table that are not 0: item, class, count; sorted by item and class.

    >>> entries(np.array([0, 1, 0]), np.array([1, 0, 1]), 2)
    (array([0, 1]), array([1, 0]), array([2, 1]))
    """
    key = item.astype(np.int64) * n_labels + label
    key.sort()
    first = np.flatnonzero(np.diff(key, prepend=-1))
    count = np.diff(first, append=len(key))
    key = key[first]
    return key // n_labels, key % n_labels, count


def _keep(table: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    return table if rows.all() else table[rows].reset_index(drop=True)


def _codes(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """A number for each value that occurs, and the values."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        values = np.asarray(column.cat.categories)
        codes = np.asarray(column.cat.codes)
        occur = used(codes, len(values))
        if not occur.all():
            codes, values = (np.cumsum(occur, dtype=np.int32) - 1)[codes], values[occur]
        return codes.astype(np.int32, copy=False), values
    codes, found = pd.factorize(column)
    return codes.astype(np.int32), np.asarray(found)


def _sorted(codes: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    try:
        order = np.argsort(values, kind="stable")
    except TypeError:  # names of several types have no order of their own
        order = np.argsort([str(value) for value in values], kind="stable")
    if (np.diff(order) == 1).all():
        return codes, values
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return place[codes], values[order]


def _labels(column: pd.Series, function: str) -> tuple[np.ndarray, list[Any]]:
    try:
        codes, values = _codes(column)
    except TypeError as error:
        raise TableError(
            f"{function}() needs a class as a text or a number in each cell of label ({error}). "
            'Make them text: df.assign(label=df["label"].astype(str)).'
        ) from error
    if pd.api.types.infer_dtype(values, skipna=False) in ("mixed", "mixed-integer"):
        raise TableError(
            f"{function}() found labels of several types, {_tables._some(values)}, and cannot "
            "tell whether 1 and '1' are one class. Make them text: "
            'df.assign(label=df["label"].astype(str)).'
        )
    if not isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = _sorted(codes, values)
    return codes, values.tolist()


def used(codes: np.ndarray, size: int) -> np.ndarray:
    """Which of the codes below ``size`` occur."""
    found = np.zeros(size, bool)
    for start in range(0, len(codes), CHUNK):
        found[codes[start : start + CHUNK]] = True
        if found.all():
            break
    return found


def _alike(labels: list[Any]) -> list[str]:
    """Classes that differ in case and blanks alone are most often one."""
    groups: dict[str, list[str]] = {}
    for label in labels:
        if isinstance(label, str):
            groups.setdefault(" ".join(label.casefold().split()), []).append(label)
    several = [spellings for spellings in groups.values() if len(spellings) > 1]
    return [
        f"{_tables._some(spellings)} are different classes here. If they are one: "
        'df.assign(label=df["label"].str.strip().str.lower()).'
        for spellings in several[:3]
    ]


def _last(item: np.ndarray, annotator: np.ndarray, n_annotators: int) -> np.ndarray | None:
    """Which rows are the last of their item and annotator; None where there is no other."""
    if not len(item) or _once(item, annotator, n_annotators):
        return None
    key = item.astype(np.int64) * n_annotators + annotator
    twice = pd.Series(key).duplicated(keep="last").to_numpy()
    return ~twice if twice.any() else None


def _once(item: np.ndarray, annotator: np.ndarray, n_annotators: int) -> bool:
    """Whether each pair is surely there once: marked in a table of all pairs if that is small."""
    cells = (int(item.max()) + 1) * n_annotators
    if cells > max(16 * len(item), CHUNK):
        key = item.astype(np.int64)
        key *= n_annotators
        key += annotator
        key.sort()  # several times faster than a hash table, where nothing is twice
        return not (key[1:] == key[:-1]).any()
    marked = np.zeros(cells, bool)
    for start in range(0, len(item), CHUNK):
        part = slice(start, start + CHUNK)
        marked[item[part].astype(np.int64) * n_annotators + annotator[part]] = True
    return np.count_nonzero(marked) == len(item)
