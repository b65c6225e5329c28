"""The five tables everything starts from, and the one clear error when a table is not one.

Each check takes the caller's DataFrame and the name of the public function it was
given to, and returns a table that is safe to work on. The caller's object is never changed.
"""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

LABEL_IS_WRONG = "label is wrong"
FLAGGED = "flagged"
BROKEN = "broken file"
RESERVED_TAGS = (LABEL_IS_WRONG, FLAGGED, BROKEN)

# What other tools and people call our columns, so that the error can name the rename.
_OTHER_NAMES = {
    "item": ("id", "item_id", "image_id", "example", "example_id", "sample", "uid", "key", "file"),
    "label": ("y", "y_true", "true", "truth", "target", "actual", "class", "gold", "expected"),
    "prediction": ("y_pred", "yhat", "y_hat", "pred", "preds", "predicted", "output"),
    "annotator": ("rater", "worker", "worker_id", "user", "coder", "labeler", "labeller", "judge"),
    "tag": ("tags", "error_type", "category"),
    "value": ("has", "present", "has_tag", "given"),
    "timestamp": ("time", "ts", "date", "datetime", "at"),
}


class TableError(ValueError):
    """A table lacks what a function needs; the message says what, and how to mend it."""


def predictions(
    table: pd.DataFrame,
    *,
    function: str,
    columns: Sequence[str] = ("item", "label", "prediction"),
) -> pd.DataFrame:
    """One row an item: ``item, label, prediction`` and any metadata."""
    table = items(_need(table, columns, function), function=function)
    if {"label", "prediction"} <= set(table.columns):
        _same_kind(table, function)
    return table


def items(table: pd.DataFrame, *, function: str) -> pd.DataFrame:
    """One row an item, whatever else it holds."""
    table = _need(table, ["item"], function)
    if table.empty:
        raise TableError(
            f"{function}() was given a table with no rows, the one with the columns "
            f"{', '.join(map(str, table.columns))}."
        )
    _text_items(table, function)
    twice = table["item"][table["item"].duplicated()].unique()
    if len(twice):
        raise TableError(
            f"{function}() needs one row an item, and {_count(len(twice), 'item')} "
            f"stand{'s' if len(twice) == 1 else ''} in the table more than once: {_some(twice)}. "
            'Keep one row of each, for example df.drop_duplicates("item", keep="last").'
        )
    return table.reset_index(drop=True)


def annotations(table: pd.DataFrame, *, function: str) -> pd.DataFrame:
    """One row a label that a person gave: ``item, annotator, label``; ``repeat`` 0 if absent."""
    _wide(table, function)
    table = _need(table, ["item", "annotator", "label"], function)
    _text_items(table, function)
    if table["annotator"].isna().any():
        raise TableError(
            f"{function}() needs to know who gave each label, and found "
            f"{_count(int(table['annotator'].isna().sum()), 'row')} "
            "without an annotator. Drop them or give them a name."
        )
    table.index = pd.RangeIndex(len(table))
    if "repeat" not in table.columns:
        table["repeat"] = np.zeros(len(table), np.int8)  # narrow: there may be ten million
    return table


def _wide(table: Any, function: str) -> None:
    """One column a person is how many keep their labels; a rename would not mend that."""
    if not isinstance(table, pd.DataFrame) or "item" not in table.columns:
        return
    if len(table.columns) > 2 and not {"annotator", "label"} & set(table.columns):
        known = {name for names in _OTHER_NAMES.values() for name in names}
        if known.isdisjoint(str(name).lower() for name in table.columns):
            raise TableError(
                f"{function}() needs one row a label, with the columns item, annotator, label; "
                f"missing: annotator, label. Found: {', '.join(map(str, table.columns))}. If each "
                'column is a person: df.melt("item", var_name="annotator", value_name="label").'
            )


def latest(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The last row of each (item, annotator, repeat), and how many rows that left out."""
    kept = table.drop_duplicates(["item", "annotator", "repeat"], keep="last")
    return kept.reset_index(drop=True), len(table) - len(kept)


def tags(table: pd.DataFrame, *, function: str) -> pd.DataFrame:
    """One row a tag on offer for an item: ``item, tag, value``; no rows: nothing seen yet."""
    table = _need(table, ["item", "tag", "value"], function)
    _text_items(table, function)
    known = table["value"].isin([True, False])
    if not known.all():
        raise TableError(
            f"{function}() needs True or False in the column value, "
            f"and found {_some(table['value'][~known].unique())}. "
            "An item that was never asked about a tag has no row for it."
        )
    missing = {"sampling_rate": 1.0} if "sampling_rate" not in table.columns else {}
    table = table.assign(value=table["value"].astype(bool), **missing)
    _rates(table, function)
    return table.reset_index(drop=True)


def memberships(table: pd.DataFrame, *, function: str) -> pd.DataFrame:
    """One row an item, one nullable Boolean column a slice (NA: never asked), ``sampling_rate``."""
    table = items(table, function=function)
    if "sampling_rate" not in table.columns:
        table = table.assign(sampling_rate=1.0)
    _rates(table, function)
    slices = [name for name in table.columns if name not in ("item", "sampling_rate")]
    for name in slices:
        known = table[name].isin([True, False]) | table[name].isna()
        if not known.all():
            raise TableError(
                f"{function}() needs True, False or a missing value in each slice, and the slice "
                f"{name!r} holds {_some(table[name][~known].unique())}. "
                "slices.memberships() makes this table from tags, columns and conditions."
            )
    return table.astype(dict.fromkeys(slices, "boolean"))


def log(table: pd.DataFrame, *, function: str) -> pd.DataFrame:
    """One row a request: ``timestamp, item, prediction``; ``label`` may come late or never."""
    table = _need(table, ["timestamp", "item", "prediction"], function)
    _text_items(table, function)
    try:
        when = pd.to_datetime(table["timestamp"], utc=True)
    except (ValueError, TypeError) as error:
        raise TableError(
            f"{function}() cannot read the column timestamp as times ({error}). "
            'Give it as df.assign(timestamp=pd.to_datetime(df["timestamp"], format=...)).'
        ) from error
    if when.isna().any():
        raise TableError(
            f"{function}() needs a time in each row, and "
            f"{_count(int(when.isna().sum()), 'row')} have none."
        )
    return table.assign(timestamp=when).reset_index(drop=True)


def _need(table: Any, columns: Iterable[str], function: str) -> pd.DataFrame:
    columns = list(columns)
    noun = "column" if len(columns) == 1 else "columns"
    if not isinstance(table, pd.DataFrame):
        raise TableError(
            f"{function}() needs a pandas DataFrame with the {noun} {', '.join(columns)}; "
            f"it was given {_kind(table)}."
        )
    twice = table.columns[table.columns.duplicated()].unique()
    if len(twice):
        raise TableError(
            f"{function}() cannot tell columns of one name apart; twice here: {_some(twice)}."
        )
    missing = [name for name in columns if name not in table.columns]
    if missing:
        found = [str(name) for name in table.columns]
        raise TableError(
            f"{function}() needs the {noun} {', '.join(columns)}; missing: {', '.join(missing)}. "
            f"Found: {', '.join(found) or 'no column at all'}. "
            f"Rename yours: df.rename(columns={_rename(missing, columns, found)})."
        )
    return table.copy()


def _rename(missing: list[str], needed: list[str], found: list[str]) -> str:
    free = [name for name in found if name not in needed]
    pairs = []
    for name in missing:
        known = [f for f in free if f.lower() in (name, *_OTHER_NAMES.get(name, ()))]
        near = known or difflib.get_close_matches(name, free, n=1, cutoff=0.6)
        if near:
            free.remove(near[0])
        pairs.append(f'"{near[0] if near else f"your {name} column"}": "{name}"')
    return "{" + ", ".join(pairs) + "}"


def _text_items(table: pd.DataFrame, function: str) -> None:
    column = table["item"]
    missing = int(column.isna().sum())
    if missing:
        raise TableError(
            f"{function}() needs a name for each item, and {_count(missing, 'row')} "
            f"ha{'s' if missing == 1 else 've'} none: give them one, or drop them with "
            'df.dropna(subset="item").'
        )
    if isinstance(column.dtype, pd.CategoricalDtype):  # each name once, not each row
        column = column.cat.categories.to_series()
    # A text dtype holds text alone; only a column of Python objects has to be looked through.
    if isinstance(column.dtype, pd.StringDtype):
        return
    other = [value for value in column if not isinstance(value, str)]
    if other:
        raise TableError(
            f"{function}() needs items as text, and found {_kind(other[0])} ({other[0]!r}). "
            'Make them text: df.assign(item=df["item"].astype(str)).'
        )


def _same_kind(table: pd.DataFrame, function: str) -> None:
    """Text against numbers never match, and every row would be counted as an error."""
    kinds = {}
    for name in ("label", "prediction"):
        values = table[name].dropna()
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(values.cat.categories.dtype)
        kinds[name] = pd.api.types.infer_dtype(values, skipna=True)
    text = {name for name, kind in kinds.items() if kind == "string"}
    empty = "empty" in kinds.values()
    if len(text) == 1 and not empty:
        (one,) = text
        (other,) = set(kinds) - text
        raise TableError(
            f"{function}() compares label with prediction, and {one} holds text where {other} "
            f"holds {kinds[other]} values: nothing would ever match. Make both text: "
            f"df.assign({other}=df[{other!r}].astype(str))."
        )


def _rates(table: pd.DataFrame, function: str) -> None:
    rates = pd.to_numeric(table["sampling_rate"], errors="coerce")
    wrong = ~((rates > 0) & (rates <= 1))
    if wrong.any():
        raise TableError(
            f"{function}() needs a sampling_rate above 0 and at most 1 (the share of such items "
            f"that was drawn), and found {_some(table['sampling_rate'][wrong].unique())}."
        )


def among(values: "pd.Series | pd.Index", known: "pd.Series | pd.Index") -> np.ndarray:
    """Which values are among the known ones: ``isin``, which for texts is 10 times slower."""
    if isinstance(values.dtype, pd.StringDtype):
        values, known = values.astype(object), known.astype(object)
    return np.asarray(values.isin(known), bool)


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _some(values: Iterable[Any], most: int = 3) -> str:
    values = list(values)
    shown = ", ".join(repr(value) for value in values[:most])
    return shown + (f" and {len(values) - most:,} more" if len(values) > most else "")
