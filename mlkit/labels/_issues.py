"""Likely label errors: where a model that never saw an item is confident of another class."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mlkit import _tables
from mlkit._tables import TableError

_FUNCTION = "labels.issues"
_CHUNK = 1 << 18  # cells of the probabilities looked at at a time
_OUT_OF_FOLD = (
    'cross_val_predict(model, x, y, cv=5, method="predict_proba") of scikit-learn gives '
    "probabilities from models that did not see the item"
)
_PRECISION = (
    "These are items to look at, not errors: people confirmed 7 of the 15 found among the MNIST "
    "test digits, 55 of 63 among newsgroup messages, 49 of 240 on another clean public set. "
    "Review them, never delete them unseen."
)


def issues(
    table: pd.DataFrame,
    probabilities: ArrayLike | pd.DataFrame,
    *,
    classes: Sequence[Any] | None = None,
) -> pd.DataFrame:
    """Which labels are likely wrong, and worth a second look?

    Confident learning (Northcutt, Jiang and Chuang 2021): an item counts for class j where its
    probability reaches the mean one of the items labelled j. That estimates how many labels k
    should be j; so many are taken, those first where j exceeds k by most. Kept are those whose
    likeliest class is another than their label. ``attrs["remark"]`` says what to expect of them.

    Parameters
    ----------
    table : ``item, label``; rows without a label are left out, and counted in the remark.
    probabilities : one row an item in the same order, one column a class, each row adding up to
        1, from a model that did not see the item. A DataFrame names the classes in its columns.
    classes : the class of each column; without, the labels in order, as in scikit-learn.

    Returns
    -------
    ``item, label, suggested, score`` (probability of the label), ``suggested_score, rank``.

    Examples
    --------
    >>> df = pd.DataFrame({"item": list("abcdef"), "label": ["cat"] * 3 + ["dog"] * 3})
    >>> p = [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.1, 0.9], [0.2, 0.8]]
    >>> issues(df, p)[["item", "label", "suggested", "score"]]
      item label suggested  score
    0    c   cat       dog    0.1
    """
    table = _tables.predictions(table, function=_FUNCTION, columns=("item", "label"))
    chances, names = _inputs(table, probabilities, classes)
    given = names.get_indexer(pd.Index(table["label"])).astype(np.int32)
    given[table["label"].isna().to_numpy()] = -1
    size, reach = _reach(chances, given)
    joint, other = _confident(chances, given, reach)
    _warn_in_sample(len(other), int(size.sum()))
    found = _flagged(chances, given, other, _expected(joint, size[size > 0]))
    own, best = chances[found, given[found]], chances[found].argmax(axis=1)
    likeliest = chances[found, best]
    order = np.lexsort((found, -likeliest, own))
    found, best = found[order], best[order]
    result = pd.DataFrame(
        {
            "item": table["item"].array[found],
            "label": table["label"].array[found],
            "suggested": names.take(best).array,
            "score": own[order],
            "suggested_score": likeliest[order],
            "rank": np.arange(1, len(found) + 1),
        }
    )
    result.attrs["remark"] = _remark(len(found), given)
    return result


def _remark(found: int, given: np.ndarray) -> str:
    missing = int((given < 0).sum())
    labelled = given.size - missing
    text = f"{found:,} of {labelled:,} labels may be wrong. {_PRECISION}"
    return text + (f" {missing:,} rows without a label are left out." if missing else "")


def _inputs(
    table: pd.DataFrame, probabilities: Any, classes: Sequence[Any] | None
) -> tuple[np.ndarray, pd.Index]:
    """Probabilities as an array with a row for each row of the table, and the columns' classes."""
    if isinstance(probabilities, pd.DataFrame):
        if classes is not None:
            raise TypeError(
                f"{_FUNCTION}() takes the classes from the columns of a DataFrame: leave out "
                "classes=, or give probabilities.to_numpy()."
            )
        classes = list(probabilities.columns)
        probabilities = _aligned(table, probabilities)
    try:
        chances = np.asarray(probabilities)
        chances = chances if chances.dtype.kind == "f" else chances.astype(float)
    except (TypeError, ValueError) as error:
        raise TableError(f"{_FUNCTION}() needs probabilities as numbers ({error}).") from error
    if chances.ndim != 2 or len(chances) != len(table) or chances.shape[1] < 2:
        raise TableError(
            f"{_FUNCTION}() needs a row of probabilities for each of the {len(table):,} items and "
            f"a column for each of two or more classes; it was given the shape {chances.shape}."
        )
    return chances, _classes(table["label"], classes, chances.shape[1])


def _aligned(table: pd.DataFrame, probabilities: pd.DataFrame) -> np.ndarray:
    """By position, or by item where the rows are named by item; never by chance."""
    rows = probabilities.index
    if rows.is_unique and len(rows) == len(table) and _tables.among(table["item"], rows).all():
        probabilities = probabilities.loc[table["item"]]
    elif len(rows) == len(table) and not rows.equals(pd.RangeIndex(len(rows))):
        raise TableError(
            f"{_FUNCTION}() cannot tell which row of probabilities belongs to which item: their "
            "index is neither 0, 1, 2, ... nor the items. Where the order is the table's, "
            "give probabilities.reset_index(drop=True)."
        )
    return probabilities.to_numpy()


def _classes(labels: pd.Series, classes: Sequence[Any] | None, columns: int) -> pd.Index:
    if isinstance(labels.dtype, pd.CategoricalDtype) and classes is None:
        classes = list(labels.cat.categories)
    found = pd.Index(labels.dropna().unique())
    if classes is None:
        try:
            classes = sorted(found)
        except TypeError as error:
            raise TableError(
                f"{_FUNCTION}() cannot order labels of mixed kinds ({error}); make them text: "
                'df.assign(label=df["label"].astype(str)), or name the columns with classes=.'
            ) from error
    if len(classes) != columns:
        raise TableError(
            f"{_FUNCTION}() was given {columns} columns of probabilities, and {len(classes)} "
            "classes. Name the class of each column, for example classes=model.classes_."
        )
    names = pd.Index(list(classes))
    if not names.is_unique:
        raise TableError(f"{_FUNCTION}() cannot tell columns of one class apart: {list(names)}.")
    unknown = found[~found.isin(names)]
    if len(unknown):
        raise TableError(
            f"{_FUNCTION}() has no column of probabilities for the labels "
            f"{', '.join(map(repr, unknown[:3]))}; the classes are "
            f"{', '.join(map(repr, names[:5]))}. Text and numbers are never the same label."
        )
    return names


def _parts(chances: np.ndarray) -> list[slice]:
    step = max(1, _CHUNK // chances.shape[1])
    return [slice(k, k + step) for k in range(0, len(chances), step)]


def _reach(chances: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels of each class, and the mean probability of the class among them.

    The rows are checked on the way.
    """
    k = chances.shape[1]
    bad, furthest, ones = 0, 0.0, np.ones(k, chances.dtype)
    size, sums = np.zeros(k, int), np.zeros(k)
    for part in _parts(chances):
        rows = chances[part]
        if not rows.min() >= 0:  # NaN too
            raise TableError(_not_probabilities(chances))
        off = np.abs(rows @ ones - 1)
        bad, furthest = bad + int((off > 1e-3).sum()), max(furthest, float(off.max()))
        labelled = np.flatnonzero(given[part] >= 0)
        label = given[part][labelled]
        size += np.bincount(label, minlength=k)
        sums += np.bincount(label, weights=rows[labelled, label], minlength=k)
    if bad:
        raise TableError(
            f"{_FUNCTION}() needs rows of probabilities that add up to 1; {bad:,} of "
            f"{len(chances):,} are off, by up to {furthest:.3g}. Scores become probabilities by "
            "a softmax, shares by p / p.sum(axis=1, keepdims=True)."
        )
    # A class without labels is never reached; of equal probabilities rounding decides nothing.
    reach = np.where(size > 0, np.maximum(sums / np.maximum(size, 1), 1e-6) - 1e-6, 2)
    return size, reach.astype(chances.dtype)


def _not_probabilities(chances: np.ndarray) -> str:
    missing = int(np.isnan(chances).any(axis=1).sum())
    if missing:
        return (
            f"{_FUNCTION}() needs a probability in each cell, and {missing:,} of "
            f"{len(chances):,} rows have missing values. Was each item in one of the folds?"
        )
    return (
        f"{_FUNCTION}() needs probabilities between 0 and 1 and found "
        f"{float(chances.min()):.3g}: scores become probabilities by a softmax."
    )


def _confident(
    chances: np.ndarray, given: np.ndarray, reach: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Labels (rows) against the class each item counts for (columns), over the classes that
    occur; and which rows, by number, have another likeliest class than their label."""
    occurs = reach < 2
    k, place = int(occurs.sum()), np.cumsum(occurs) - 1
    joint, other = np.zeros(k * k, np.int64), [np.empty(0, int)]
    for part in _parts(chances):
        label = given[part]
        rows = chances[part]
        numbers = np.arange(len(rows))
        sure = np.where(rows >= reach, rows, -1)
        best = sure.argmax(axis=1)
        counts = (sure[numbers, best] >= 0) & (label >= 0)
        cell = place[label[counts]] * k + place[best[counts]]
        joint += np.bincount(cell, minlength=k * k)
        above = rows.max(axis=1) > rows[numbers, label] + 1e-8
        other.append(part.start + np.flatnonzero(above & (label >= 0)))
    return joint.reshape(k, k), np.concatenate(other)


def _flagged(
    chances: np.ndarray, given: np.ndarray, other: np.ndarray, wrong: np.ndarray
) -> np.ndarray:
    """The rows to look at: of each class and suggestion as many as are thought to be wrong."""
    occurs = np.unique(given[given >= 0])
    near_to = _by_class(other, given, occurs)
    flag = np.zeros(len(chances), bool)
    for label, near, counts in zip(occurs, near_to, wrong, strict=True):
        rows = chances[near]
        for place in np.flatnonzero(counts):
            column, most = occurs[place], int(counts[place])
            margin = rows[:, column] - rows[:, label]
            if most > int((margin > 1e-8).sum()):
                # Rows whose label is likeliest have no positive margin: they come into it only
                # now, to take the places of others.
                every = np.flatnonzero(given == label)
                margin = chances[every, column] - chances[every, label]
                flag[np.intersect1d(_first(every, margin, most), near)] = True
            else:
                flag[_first(near, margin, most)] = True
    return np.flatnonzero(flag)


def _by_class(rows: np.ndarray, given: np.ndarray, classes: np.ndarray) -> list[np.ndarray]:
    ordered = rows[np.argsort(given[rows], kind="stable")]
    return np.split(ordered, np.searchsorted(given[ordered], classes))[1:]


def _first(rows: np.ndarray, margin: np.ndarray, most: int) -> np.ndarray:
    """The rows with the largest margins; of equal ones those that stand first in the table."""
    if most >= len(rows):
        return rows
    last = np.partition(margin, len(margin) - most)[len(margin) - most]
    above = rows[margin > last]
    return np.concatenate([above, rows[margin == last][: most - len(above)]])


def _expected(joint: np.ndarray, size: np.ndarray) -> np.ndarray:
    """How many labels of each class (row) should be each other (column), whole numbers.

    The confident counts, each row stretched to the number of its labels. Rounded by largest
    remainder, which keeps that number; each class keeps at least one label that is right.
    """
    joint = joint.astype(float)
    diagonal = np.diag_indices_from(joint)
    joint[diagonal] = np.maximum(joint[diagonal], 1)
    exact = joint / joint.sum(axis=1, keepdims=True) * size[:, None]
    whole = np.floor(exact + 1e-9)
    rest = np.rint(size - whole.sum(axis=1)).astype(int)
    # Of equal remainders the later class is served first; turned round twice for that.
    order = np.argsort(np.round(whole - exact, 9)[:, ::-1], axis=1, kind="stable")
    place = np.argsort(order, axis=1)[:, ::-1]
    whole += place < rest[:, None]
    counts = whole.astype(int)
    for row in np.flatnonzero((counts[diagonal] == 0) & (size > 0)):
        counts[row, counts[row].argmax()] -= 1
    counts[diagonal] = 0
    return counts


def _warn_in_sample(other: int, labelled: int) -> None:
    if labelled >= 100 and other <= labelled // 500:
        warnings.warn(
            f"{_FUNCTION}(): the likeliest class is the label of {labelled - other:,} of "
            f"{labelled:,} items. That is how probabilities look of a model that was trained on "
            f"the same items, and these find nothing. {_OUT_OF_FOLD}.",
            stacklevel=3,
        )
