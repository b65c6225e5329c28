"""Which item belongs to which slice: from tags, metadata columns and conditions."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import BROKEN, FLAGGED, TableError

Condition = str | Callable[[pd.DataFrame], Any] | Sequence[bool] | np.ndarray | pd.Series

MOST_VALUES = 30  # more rows than this in a table, and nobody reads it
_FUNCTION = "slices.memberships"
_RESERVED = ("item", "sampling_rate")
# Numbers with no more distinct values than this are kinds (a class, a rating), not amounts.
_FEW_NUMBERS = 10


def memberships(
    predictions: pd.DataFrame,
    *,
    tags: pd.DataFrame | None = None,
    columns: str | Sequence[str] = (),
    conditions: Mapping[str, Condition] | None = None,
) -> pd.DataFrame:
    """Which item belongs to which slice?

    One row an item, one nullable Boolean column a slice (missing: never asked) and
    ``sampling_rate``. What deserves a remark stands in ``.attrs["notes"]`` and in the report.

    Parameters
    ----------
    predictions : one row an item.
    tags : ``item, tag, value`` (+ ``annotator``, ``sampling_rate``). Of several people the
        majority of those asked counts; an even split is left missing, and counted. The tag
        *flagged* is a bookmark and makes no slice.
    columns : metadata columns. Each value is a slice (``speaker = nicolas``), a missing value
        too; numbers with more than ten values are cut into quarters. At most 30 values.
    conditions : slice name -> pandas expression, Boolean mask, or function of the table.

    Examples
    --------
    >>> df = pd.DataFrame({"item": ["a", "b"], "label": ["1", "2"], "prediction": ["1", "1"],
    ...                    "speaker": ["ann", "bo"], "snr_db": [3.0, 20.0]})
    >>> memberships(df, columns=["speaker"], conditions={"loud": "snr_db > 10"}).iloc[:, :4]
      item  speaker = ann  speaker = bo   loud
    0    a           True         False  False
    1    b          False          True   True
    """
    table = _tables.items(predictions, function=_FUNCTION)
    if tags is None and not len(columns) and not conditions:
        raise TableError(
            f"{_FUNCTION}() has nothing to make slices from: give tags=, columns= or conditions=."
        )
    notes: list[str] = []
    slices: dict[str, pd.Series] = {}
    rate = pd.Series(1.0, index=table.index)
    if tags is not None:
        made, rate = _from_tags(table["item"], tags, notes)
        _add(slices, made)
    for name in [columns] if isinstance(columns, str) else columns:
        _add(slices, _from_column(table, name))
    for name, condition in (conditions or {}).items():
        _add(slices, {name: _from_condition(predictions, name, condition)})
    result = pd.DataFrame({"item": table["item"], **slices, "sampling_rate": rate})
    result.attrs["notes"] = notes
    return result


def _add(slices: dict[str, pd.Series], made: Mapping[str, pd.Series]) -> None:
    for name, column in made.items():
        if name in slices and slices[name].equals(column):
            continue  # the same slice in two ways, as from a column and from slices.find
        if name in slices or name in _RESERVED:
            why = (
                "is made twice, in two ways"
                if name in slices
                else "is the name of a column the table needs"
            )
            raise TableError(f"{_FUNCTION}(): the slice {name!r} {why}. Give one another name.")
        slices[name] = column


def _from_tags(
    items: pd.Series, tags: pd.DataFrame, notes: list[str]
) -> tuple[dict[str, pd.Series], pd.Series]:
    tags = _tables.tags(tags, function=_FUNCTION)
    tags = tags[tags["tag"] != FLAGGED].assign(tag=lambda t: t["tag"].astype(str))
    unknown = sorted(set(tags["item"]) - set(items))
    if unknown:
        notes.append(
            f"{_tables._count(len(unknown), 'tagged item')} not in the predictions "
            f"({_tables._some(unknown)}): left out."
        )
    tags = _one_vote_each(tags, notes)
    share = tags.groupby(["item", "tag"], sort=False)["value"].mean()
    ties = int((share == 0.5).sum())
    if ties:
        notes.append(
            f"{_tables._count(ties, 'time')} as many people gave a tag as did not: "
            "counted as not known."
        )
    verdict = (share > 0.5).astype("boolean").mask(share == 0.5)
    made = {
        tag: verdict.xs(tag, level="tag").reindex(items).reset_index(drop=True)
        for tag in tags["tag"].unique()
        # On offer for every item, but a slice only once a file was broken.
        if tag != BROKEN or tags["value"][tags["tag"] == tag].any()
    }
    # Drawn for two queues, an item was at least as likely to be drawn as for the likelier one.
    rates = tags.groupby("item")["sampling_rate"].max().reindex(items).fillna(1.0)
    return made, rates.reset_index(drop=True).astype(float)


def _one_vote_each(tags: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    if "annotator" not in tags.columns:
        tags = tags.assign(annotator="")
    kept = tags.drop_duplicates(["item", "tag", "annotator"], keep="last")
    if len(kept) < len(tags):
        notes.append(
            f"{_tables._count(len(tags) - len(kept), 'answer')} given twice by one person: "
            "the last one counts."
        )
    return kept


def _from_column(table: pd.DataFrame, name: str) -> dict[str, pd.Series]:
    if name not in table.columns:
        raise TableError(
            f"{_FUNCTION}() found no column {name!r}. "
            f"Columns: {', '.join(str(c) for c in table.columns)}."
        )
    column = table[name]
    values = column.dropna().unique()
    if is_amount(column):
        slices = {n: column.between(*edges, inclusive="right") for n, edges in quarters(column)}
    elif len(values) > MOST_VALUES:
        raise TableError(
            f"{_FUNCTION}(): the column {name!r} has {len(values):,} different values, and more "
            f"than {MOST_VALUES} slices cannot be read. Group them first, or give the ones that "
            f'matter as conditions={{"...": "{name} == \'...\'"}}.'
        )
    else:
        slices = {f"{name} = {value}": column == value for value in _in_order(values)}
    if column.isna().any():
        slices[f"{name} is missing"] = column.isna()
    return {n: s.fillna(False).astype("boolean") for n, s in slices.items()}


def is_amount(column: pd.Series) -> bool:
    """A number that is measured rather than named."""
    number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return bool(number and column.nunique() > _FEW_NUMBERS)


def quarters(column: pd.Series) -> list[tuple[str, tuple[float, float]]]:
    """Up to four bins of about as many items each, named by their limits."""
    values = column.dropna().astype(float)
    cuts = sorted({float(f"{cut:.4g}") for cut in np.quantile(values, [0.25, 0.5, 0.75])})
    cuts = [cut for cut in cuts if values.min() <= cut < values.max()]
    edges = [-np.inf, *cuts, np.inf]
    return [
        (_bin_name(str(column.name), low, high), (low, high))
        for low, high in itertools.pairwise(edges)
    ]


def _bin_name(name: str, low: float, high: float) -> str:
    if np.isinf(low) and np.isinf(high):
        return f"{name} is known"
    if np.isinf(low):
        return f"{name} <= {high:g}"
    return f"{name} > {low:g}" if np.isinf(high) else f"{low:g} < {name} <= {high:g}"


def _in_order(values: Any) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:  # text and numbers in one column
        return sorted(values, key=str)


def _from_condition(predictions: pd.DataFrame, name: str, condition: Condition) -> pd.Series:
    mask: Any
    if isinstance(condition, str):
        try:
            mask = predictions.eval(condition)
        except Exception as error:
            raise TableError(
                f"{_FUNCTION}(): the condition {name!r} ({condition}) cannot be computed: {error}. "
                f"Columns: {', '.join(str(c) for c in predictions.columns)}."
            ) from error
    else:
        mask = condition(predictions.copy()) if callable(condition) else condition
    if isinstance(mask, pd.Series) and len(mask) == len(predictions):
        # A mask from the same table in another order finds its rows again by the index.
        same = mask.index.is_unique and set(mask.index) == set(predictions.index)
        mask = mask.reindex(predictions.index) if same else mask
    return _boolean(mask, name, len(predictions))


def _boolean(mask: Any, name: str, n: int) -> pd.Series:
    if np.ndim(mask) != 1 or len(mask) != n:
        found = f"{len(mask):,} values" if np.ndim(mask) == 1 else repr(mask)[:60]
        raise TableError(
            f"{_FUNCTION}(): the condition {name!r} must give one True or False for each of the "
            f"{n:,} items; it gave {found}."
        )
    values = pd.Series(mask).reset_index(drop=True)
    other = values[~values.isin([True, False]) & values.notna()]
    if len(other):
        raise TableError(
            f"{_FUNCTION}(): the condition {name!r} must give True or False; it gave "
            f"{_tables._some(other.unique().tolist())}."
        )
    return values.astype("boolean")
