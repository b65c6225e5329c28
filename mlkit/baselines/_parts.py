"""The parts of a table that a figure is given for: all of it, and each slice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import LABEL_IS_WRONG, TableError

ALL = "all"


@dataclass(frozen=True)
class Part:
    """Which rows belong to it, and what each stands for."""

    name: str
    rows: np.ndarray
    weight: np.ndarray


def whole(n: int, weight: np.ndarray | None = None) -> Part:
    return Part(ALL, np.ones(n, bool), np.ones(n) if weight is None else weight)


def by_column(
    table: pd.DataFrame, by: str | Sequence[str], weight: np.ndarray, *, function: str
) -> list[Part]:
    """One part for each value, named as ``slices.memberships(columns=)`` names them."""
    parts = []
    for name in [by] if isinstance(by, str) else by:
        if name not in table.columns:
            raise TableError(
                f"{function}() found no column {name!r} to slice by. "
                f"Columns: {', '.join(map(str, table.columns))}."
            )
        column = table[name]
        values = in_order(column.dropna().unique())
        found = [(f"{name} = {value}", (column == value)) for value in values]
        if column.isna().any():
            found.append((f"{name} is missing", column.isna()))
        parts += [Part(n, np.asarray(rows.fillna(False), bool), weight) for n, rows in found]
    return parts


def in_order(values: Iterable[Any]) -> list[Any]:
    values = list(values)
    try:
        return sorted(values)
    except TypeError:  # text and numbers in one column
        return sorted(values, key=str)


def by_members(
    items: pd.Series,
    members: pd.DataFrame,
    weight: np.ndarray,
    notes: list[str],
    *,
    function: str,
) -> list[Part]:
    """One part for each slice; an item never asked about it is no part of it."""
    table = _tables.memberships(members, function=function)
    notes += [note for note in members.attrs.get("notes", []) if note not in notes]
    known = _tables.among(items, table["item"])
    if len(items) and not known.any():
        raise TableError(
            f"{function}() found none of its items in the memberships "
            f"({_tables._some(items)} against {_tables._some(table['item'])}): "
            "make both from the same table."
        )
    if not known.all():
        n = items[~known].nunique()
        notes.append(f"{_tables._count(n, 'item')} not in the memberships: in no slice.")
    names = [n for n in table.columns if n not in ("item", "sampling_rate", LABEL_IS_WRONG)]
    if ALL in names:
        raise TableError(f"{function}() calls all items {ALL!r}: give that slice another name.")
    # Asked of every item, a slice is no sample, whatever else the rates are for.
    full = {name: bool(table[name].notna().all()) for name in names}
    table = table.set_index("item").reindex(items).reset_index(drop=True)
    rate = table["sampling_rate"].fillna(1.0).to_numpy(float)
    return [
        Part(
            str(name),
            table[name].fillna(False).to_numpy(bool),
            weight if full[name] else together(weight, 1 / rate),
        )
        for name in names
    ]


def together(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Weights of two draws, one after the other; the same twice is one draw."""
    return one if np.allclose(one, two) else one * two


def once(names: Sequence[str], *, function: str) -> None:
    """Two slices of one name could not be told apart."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError(f"{function}() was given two slices of one name: {_tables._some(twice)}.")


def known_wrong(items: pd.Series, members: pd.DataFrame | None) -> np.ndarray:
    """Items that somebody tagged *label is wrong*: set aside, as in ``slices.report``."""
    if members is None or LABEL_IS_WRONG not in members.columns:
        return np.zeros(len(items), bool)
    wrong = members["item"][members[LABEL_IS_WRONG].fillna(False).astype(bool)]
    return _tables.among(items, wrong)
