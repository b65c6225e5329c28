"""Precision and recall of merges, where the truth is known."""

from typing import Any

import numpy as np
import pandas as pd

from mlkit import _stats, _tables
from mlkit._tables import TableError
from mlkit.records import _clusters
from mlkit.records._link import Links
from mlkit.records._pairs import Pairs

_FUNCTION = "records.evaluate"


def evaluate(
    links: Links | pd.DataFrame,
    truth: pd.DataFrame,
    *,
    pairs: Pairs | pd.DataFrame | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many merges are right, and how many of those to be made are made?

    Counted in pairs: each two records under one ``user`` are a pair merged, each two of one
    ``person`` a pair to be merged. Records that were kept out for lack of consent do not count.
    Pairs of one person stand and fall together, so the intervals are Wilson's (1927) for the
    number of independent pairs worth as much: Kish's (1965) design effect, with everybody tied
    by truth or by merge as one cluster.

    Parameters
    ----------
    links : from ``link``, or a table ``record, user``.
    truth : ``record, person``.
    pairs : from ``pairs``: how many of the true pairs were compared at all.

    Returns
    -------
    DataFrame
        ``measure`` (precision, recall, and with ``pairs`` compared), ``value, low, high``,
        ``right`` of ``n`` pairs, ``clusters`` they lie in, ``why`` where there is no value.

    Examples
    --------
    >>> links = pd.DataFrame({"record": list("abcd"), "user": [1, 1, 2, 3]})
    >>> truth = pd.DataFrame({"record": list("abcd"), "person": ["x", "x", "x", "y"]})
    >>> evaluate(links, truth)[["measure", "value", "right", "n"]].round(2)
         measure  value  right  n
    0  precision   1.00      1  1
    1     recall   0.33      1  3
    """
    merged = links.table if isinstance(links, Links) else links
    table = _joined(merged, truth)
    user, person = (pd.factorize(table[name])[0] for name in ("user", "person"))
    cluster = _tied(user, person)
    same = _pairs_by(cluster, user * (person.max(initial=0) + 1) + person)
    of_user, of_person = _pairs_by(cluster, user), _pairs_by(cluster, person)
    rows = [
        _row("precision", same, of_user, confidence, "nothing was merged"),
        _row("recall", same, of_person, confidence, "no person has two records here"),
    ]
    if pairs is not None:
        compared = _compared(pairs, table, person, cluster)
        rows.append(
            _row("compared", compared, of_person, confidence, "no person has two records here")
        )
    return pd.DataFrame(rows)


def _joined(merged: Any, truth: Any) -> pd.DataFrame:
    merged = _tables._need(merged, ["record", "user"], _FUNCTION)
    truth = _tables._need(truth, ["record", "person"], _FUNCTION)
    for table, name in ((merged, "links"), (truth, "truth")):
        twice = table["record"][table["record"].duplicated()]
        if len(twice):
            raise TableError(
                f"{_FUNCTION}() needs each record once, and {name} has some more often: "
                f"{_tables._some(twice.unique())}."
            )
    table = merged[["record", "user"]].merge(truth[["record", "person"]], on="record", how="left")
    unknown = table["record"][table["person"].isna()]
    if len(unknown):
        raise TableError(
            f"{_FUNCTION}() needs the person of each linked record, and truth does not have "
            f"{_tables._some(unknown)}."
        )
    if table["user"].isna().any():
        raise TableError(f"{_FUNCTION}() needs a user for each record; some have none.")
    return table


def _tied(user: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Records tied by truth or by merge, directly or through others: one cluster."""
    rows = np.arange(len(user))
    return _clusters.components(
        len(user), np.concatenate([rows, rows]), np.concatenate([_first(user), _first(person)])
    )


def _first(codes: np.ndarray) -> np.ndarray:
    """For each row the first one with its code."""
    _, first, where = np.unique(codes, return_index=True, return_inverse=True)
    return first[where]


def _pairs_by(cluster: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Pairs within each group, summed by cluster; a group lies within one cluster."""
    _, first, size = np.unique(group, return_index=True, return_counts=True)
    pairs = size * (size - 1) / 2
    return np.bincount(cluster[first], weights=pairs, minlength=int(cluster.max(initial=-1)) + 1)


def _compared(
    pairs: Pairs | pd.DataFrame, table: pd.DataFrame, person: np.ndarray, cluster: np.ndarray
) -> np.ndarray:
    listed = pairs.table if isinstance(pairs, Pairs) else pairs
    listed = _tables._need(listed, ["left", "right"], _FUNCTION).drop_duplicates(["left", "right"])
    place = pd.Series(np.arange(len(table)), index=table["record"])
    a, b = (place.reindex(listed[side]).to_numpy(float) for side in ("left", "right"))
    there = ~np.isnan(a) & ~np.isnan(b)
    a, b = a[there].astype(int), b[there].astype(int)
    same = person[a] == person[b]
    return np.bincount(cluster[a[same]], minlength=int(cluster.max(initial=-1)) + 1).astype(float)


def _row(
    measure: str, right: np.ndarray, of_all: np.ndarray, confidence: float, why: str
) -> dict[str, Any]:
    hits, n = right.sum(), of_all.sum()
    clusters = int((of_all > 0).sum())
    row = {"measure": measure, "value": np.nan, "low": np.nan, "high": np.nan}
    if n:
        worth = _worth(right, of_all)
        share = hits / n
        low, high = _stats.wilson(share * worth, worth, confidence=confidence)
        row |= {"value": share, "low": float(low), "high": float(high)}
    return row | {
        "right": int(hits), "n": int(n), "clusters": clusters, "why": "" if n else why,
    }  # fmt: skip


def _worth(right: np.ndarray, of_all: np.ndarray) -> float:
    """Independent pairs with the same variance of the share; all right or none: one a cluster."""
    hits, n = right.sum(), of_all.sum()
    clusters = int((of_all > 0).sum())
    share = hits / n
    rest = right - share * of_all
    spread = clusters / max(clusters - 1, 1) * (rest @ rest) / n**2
    if spread <= 0 or clusters < 2:
        return float(clusters)
    return float(min(share * (1 - share) / spread, n))
