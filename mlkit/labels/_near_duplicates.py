"""Items that are alike in feature space, and those of them that carry different labels."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mlkit import _tables
from mlkit._tables import TableError

_FUNCTION = "labels.near_duplicates"
_NEIGHBOURS = 10


def near_duplicates(
    table: pd.DataFrame,
    features: ArrayLike | pd.DataFrame,
    *,
    closest: float = 0.01,
    metric: str = "euclidean",
) -> pd.DataFrame:
    """Which items are (nearly) the same, and do they carry the same label?

    Items with the very same features are pairs at distance 0: each with the first of its kind.
    Of the rest, the share ``closest`` whose nearest neighbour is nearest sets how near is near;
    each is paired with up to 10 neighbours within that distance. There is always a closest
    hundredth: whether its pairs are duplicates, looking at some tells.

    Parameters
    ----------
    table : ``item, label``.
    features : one row an item in the same order; numbers, dense or scipy sparse. Columns of
        different units want scaling first, as in ``StandardScaler`` of scikit-learn.
    metric : a name that ``NearestNeighbors`` of scikit-learn knows.

    Returns
    -------
    ``item_1, item_2, distance, label_1, label_2, differ``; different labels first, then nearest.

    Examples
    --------
    >>> df = pd.DataFrame({"item": list("abcd"), "label": ["shirt", "longsleeve", "hat", "hat"]})
    >>> near_duplicates(df, [[1.0, 2.0], [1.0, 2.0], [5.0, 0.0], [9.0, 9.0]])
      item_1 item_2  distance label_1     label_2  differ
    0      a      b  0.000000   shirt  longsleeve    True
    1      a      c  4.472136   shirt         hat    True
    """
    table = _tables.predictions(table, function=_FUNCTION, columns=("item", "label"))
    if not 0 < closest <= 1:
        raise ValueError(
            f"closest is a share above 0 and at most 1, for example 0.01; got {closest}."
        )
    rows = _rows(features, len(table))
    kind = _kinds(rows)
    first = np.unique(kind, return_index=True)[1]
    again = np.setdiff1d(np.arange(len(table)), first)
    same = np.column_stack([first[kind[again]], again])
    near, distance = _near(rows[first], closest, metric)
    pairs = np.vstack([same, np.sort(first[near], axis=1)])
    result = _pairs(table, pairs, np.concatenate([np.zeros(len(same)), distance]))
    order = np.lexsort((result["distance"], ~result["differ"].fillna(False).to_numpy(bool)))
    return result.iloc[order].reset_index(drop=True)


def _pairs(table: pd.DataFrame, pairs: np.ndarray, distance: np.ndarray) -> pd.DataFrame:
    one, two = (table.iloc[pairs[:, side]].reset_index(drop=True) for side in (0, 1))
    code = pd.factorize(table["label"])[0]
    left, right = code[pairs[:, 0]], code[pairs[:, 1]]
    differ = pd.Series(left != right, dtype="boolean").mask((left < 0) | (right < 0))
    return pd.DataFrame(
        {
            "item_1": one["item"],
            "item_2": two["item"],
            "distance": distance,
            "label_1": one["label"],
            "label_2": two["label"],
            "differ": differ,
        }
    )


def _rows(features: Any, n: int) -> Any:
    """Features as a float array, or a sparse matrix by rows."""
    from scipy import sparse

    try:
        rows = features.tocsr() if sparse.issparse(features) else np.asarray(features)
        rows = rows if rows.dtype.kind == "f" else rows.astype(float)
    except (TypeError, ValueError) as error:
        raise TableError(f"{_FUNCTION}() needs features as numbers ({error}).") from error
    if rows.ndim != 2 or rows.shape[0] != n:
        raise TableError(
            f"{_FUNCTION}() needs a row of features for each of the {n:,} items; it was given the "
            f"shape {rows.shape}. Images and clips become rows by x.reshape(len(x), -1)."
        )
    values = rows.data if sparse.issparse(rows) else rows
    if not np.isfinite(values).all():
        raise TableError(
            f"{_FUNCTION}() needs a finite number in each feature; fill missing ones first, for "
            "example with SimpleImputer of scikit-learn."
        )
    return rows


def _kinds(rows: Any) -> np.ndarray:
    """A number for each row; rows with the very same features share it.

    By the bytes of the row: a distance computed for many rows at once is not exactly 0 for two
    equal ones.
    """
    if isinstance(rows, np.ndarray):
        texts = (row.tobytes() for row in rows + 0.0)  # -0.0 becomes 0.0
    else:
        rows = rows.copy()
        rows.sum_duplicates()
        rows.eliminate_zeros()
        ends = zip(rows.indptr[:-1], rows.indptr[1:], strict=True)
        texts = (rows.indices[a:b].tobytes() + rows.data[a:b].tobytes() for a, b in ends)
    return pd.factorize(np.fromiter((hash(text) for text in texts), np.int64))[0]


def _near(rows: Any, closest: float, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of row numbers among different rows, and their distances."""
    n = rows.shape[0]
    if n < 2:
        return np.empty((0, 2), int), np.empty(0)
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=min(_NEIGHBOURS, n - 1), metric=metric).fit(rows)
    distance, neighbour = found.kneighbors()
    most = np.quantile(distance[:, 0], closest)
    row, rank = np.nonzero(distance <= most)
    pairs = np.sort(np.column_stack([row, neighbour[row, rank]]), axis=1)
    pairs, place = np.unique(pairs, axis=0, return_index=True)
    return pairs, distance[row, rank][place]
