"""A profile of each annotator: what a fair talk about their labels starts from."""

from typing import Any

import numpy as np
import pandas as pd

from mlkit import _show, _stats, _tables
from mlkit.labels import _coded, _pairwise, _patterns, _without
from mlkit.labels._coded import Coded
from mlkit.labels._patterns import Patterns

_FUNCTION = "labels.annotators"
FEWEST = 10  # items with labels of others, to say anything
_TWINS = 20  # items in common, to find it odd that two never differ
_ODD = np.log(0.001)
_SURE = 3.0  # standard errors: there are many annotators and classes to find one leaning
COLUMNS = [
    *("annotator", "n", "agreement", "agreement_low", "agreement_high", "self_agreement"),
    *("repeats", "leans_to", "lean", "duration_s", "remark"),
]


def annotators(annotations: pd.DataFrame) -> pd.DataFrame:
    """How does each annotator label, beside the others on the same items?

    One row each: ``n`` labels; ``agreement``: share of the others' labels on the same items that
    are the same, items weighing alike (Wilson interval, on the wide side with several others);
    ``self_agreement`` of ``repeats`` labels with the first; ``leans_to``: the class they use most
    beyond what the others do on these items, by ``lean`` (difference of shares); ``duration_s``:
    median, if timed; ``remark``: constant answers, answers that never differ from another's,
    speed, a clear leaning, or too few items to tell. A remark is a reason to look and to ask:
    whoever alone follows the guide agrees least. NaN where nothing can be said.

    Examples
    --------
    >>> df = pd.DataFrame({"item": list("aabbcc"), "annotator": list("xyxyxy")})
    >>> table = annotators(df.assign(label=[1, 1, 2, 2, 1, 2]))
    >>> table[["annotator", "n", "agreement", "leans_to", "lean"]].round(2)
      annotator  n  agreement leans_to  lean
    0         x  3       0.67        1  0.33
    1         y  3       0.67        2  0.33
    """
    coded = _coded.code(annotations, function=_FUNCTION)
    size, classes = len(coded.annotators), len(coded.labels)
    p = _patterns.find(coded.item, coded.label, len(coded.items), classes)
    table = pd.DataFrame({"annotator": coded.annotators})
    table["n"] = np.bincount(coded.annotator, minlength=size)
    shared, same, mine, theirs = _beside(coded, p)
    with np.errstate(divide="ignore", invalid="ignore"):
        table["agreement"] = same / shared
        low, high = _stats.wilson(np.minimum(same, shared), shared)
    table["agreement_low"], table["agreement_high"] = low, high
    table = table.join(_with_self(annotations, coded))
    at, lean = _lean(mine, theirs, shared)
    named = np.array([*coded.labels, None], dtype=object)
    table["leans_to"] = pd.Series(named[at], dtype=object)
    table["lean"] = lean
    table["duration_s"] = _durations(coded)
    table["remark"] = pd.Series(_remarks(coded, table, shared, mine, theirs, at), dtype=str)
    table.attrs["notes"] = list(coded.notes)
    return table[COLUMNS]


def _beside(coded: Coded, p: Patterns) -> tuple[np.ndarray, np.ndarray, Any, Any]:
    """Per annotator: items with others' labels, how many agree, and (sparse) labels by class.

    The last two are the annotator's own, and the others' on the same items, an item as 1.
    """
    from scipy.sparse import csr_matrix

    size = len(coded.annotators)
    found = _without.given(coded, p)
    who = np.repeat(np.arange(size), [len(entry) for entry, _ in found])
    entry = np.concatenate([np.zeros(0, int), *(entry for entry, _ in found)])
    times = np.concatenate([np.zeros(0), *(times for _, times in found)])
    m = p.m[p.entry[entry]]
    who, entry, times, m = (each[m > 1] for each in (who, entry, times, m))
    shared = np.bincount(who, times, size)
    same = np.bincount(who, times * (p.k[entry] - 1) / (m - 1), size)
    wide = (size, p.n_labels)
    mine = csr_matrix((times, (who, p.label[entry])), wide)
    weight = csr_matrix((times / (m - 1), (who, p.entry[entry])), (size, len(p.m)))
    table = csr_matrix((p.k, (p.entry, p.label)), (len(p.m), p.n_labels))
    own = csr_matrix((times / (m - 1), (who, p.label[entry])), wide)
    return shared, same, mine, (weight @ table - own).tocsr()


def _lean(mine: Any, theirs: Any, shared: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The class (-1: none) each uses most beyond the others, and by what share."""
    more = (mine - theirs).tocsr()
    at, lean = np.full(len(shared), -1), np.full(len(shared), np.nan)
    for who in np.flatnonzero(shared):
        row = slice(more.indptr[who], more.indptr[who + 1])
        values = more.data[row]
        if len(values) and values.max() > 1e-9:
            at[who] = more.indices[row][values.argmax()]
            lean[who] = values.max() / shared[who]
        else:
            lean[who] = 0.0
    return at, lean


def _with_self(annotations: pd.DataFrame, coded: Coded) -> pd.DataFrame:
    """Of repeated labels: how many there are, and the share that is the first label again."""
    table, _ = _tables.latest(_tables.annotations(annotations, function=_FUNCTION))
    again = table[table["repeat"].fillna(0).ne(0) & table["label"].notna()]
    names = pd.Index(coded.annotators)
    if again.empty:
        return pd.DataFrame({"self_agreement": np.nan, "repeats": np.zeros(len(names), int)})
    first = coded.table[["item", "annotator", "label"]].rename(columns={"label": "first"})
    both = again.merge(first, on=["item", "annotator"])
    same = (both["label"] == both["first"]).groupby(both["annotator"], observed=True)
    rate, count = same.mean().reindex(names), same.size().reindex(names).fillna(0)
    return pd.DataFrame({"self_agreement": rate.to_numpy(float), "repeats": count.to_numpy(int)})


def _durations(coded: Coded) -> np.ndarray:
    if "duration_s" not in coded.table.columns:
        return np.full(len(coded.annotators), np.nan)
    seconds = pd.to_numeric(coded.table["duration_s"], errors="coerce")
    found = seconds.groupby(coded.annotator).median()
    return found.reindex(range(len(coded.annotators))).to_numpy(float)


def _remarks(
    coded: Coded,
    table: pd.DataFrame,
    shared: np.ndarray,
    mine: Any,
    theirs: Any,
    at: np.ndarray,
) -> list[str]:
    twins = _twins(coded, table)
    usual = np.nanmedian(table["duration_s"]) if table["duration_s"].notna().any() else np.nan
    remarks = []
    for who in range(len(table)):
        n, seconds = int(table["n"].iloc[who]), float(table["duration_s"].iloc[who])
        if shared[who] < FEWEST:
            remarks.append(
                f"too few to tell: {_tables._count(int(shared[who]), 'item')} with labels of others"
            )
            continue
        found = []
        if mine[who].nnz == 1 and len(coded.labels) > 1:
            label = int(mine[who].indices[0])
            expected = float(theirs[who, label]) / shared[who]
            if _unlikely(expected, shared[who]):
                found.append(
                    f"constant: always {coded.labels[label]}, where the others say so in "
                    f"{_show.percent(expected)}"
                )
        elif at[who] >= 0 and _clear(mine[who, at[who]], theirs[who, at[who]], shared[who]):
            lean = 100 * table["lean"].iloc[who]
            found.append(
                f"leans to {coded.labels[at[who]]}: {lean:.1f} points more than the others on the "
                "same items"
            )
        if twins[who]:
            found.append(twins[who])
        if n >= FEWEST and seconds < usual / 3:
            found.append(f"fast: {seconds:.1f} s an item, where {usual:.1f} s are usual")
        remarks.append("; ".join(found))
    return remarks


def _unlikely(share: float, n: float, tried: int = 1) -> bool:
    """That n answers all fall so by chance, if one such table in a thousand may say so."""
    return share < 1 and n * np.log(max(share, 1e-300)) < _ODD - np.log(tried)


def _clear(mine: float, theirs: float, n: float) -> bool:
    """Beyond chance even if the two shares were drawn independently, which is more than needed."""
    a, b = mine / n, theirs / n
    return a - b > _SURE * np.sqrt((a * (1 - a) + b * (1 - b)) / n)


def _twins(coded: Coded, table: pd.DataFrame) -> list[str]:
    """Two who never differ though they differ from the others: one may have copied."""
    one, two, n, same, _ = _pairwise._pairs(coded)
    agreed = table["agreement"].to_numpy()
    remarks = [""] * len(table)
    tried = max(int((n >= _TWINS).sum()), 1)
    for at in np.flatnonzero((n >= _TWINS) & (same == n)):
        for who, other in ((one[at], two[at]), (two[at], one[at])):
            if _unlikely(agreed[who], n[at], tried) and not remarks[who]:
                remarks[who] = (
                    f"suspiciously perfect: as {coded.annotators[other]} on all {int(n[at]):,} "
                    f"items in common, as the others in {_show.percent(agreed[who])}"
                )
    return remarks
