"""Columns of a CSV as numbers: decimal commas, signs between thousands, cells that are no number.

A point or a comma before three figures may be either. What the other cells say decides it, of the
column first and then of the table; where nothing does, a note asks.
"""

import re

import numpy as np
import pandas as pd

from mlkit._tables import _some

FEW = 20  # rows up to which each may have a value of its own by chance
_NOTHING = {"", "na", "n/a", "n.a.", "#n/a", "nan", "null", "none", "nil", "-", "--", "?", "k.a.",
            "#value!", "#wert!", "#ref!", "#div/0!", "unknown", "missing", "unbekannt",
            "keineangabe"}  # fmt: skip
_POINT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?%?")
_COMMA = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?([eE][-+]?\d+)?%?")
_ENGLISH = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?%?")
_BY_POINTS = re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+%?")
_BY_COMMAS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+%?")
_DATE = re.compile(r"(\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4})([ T].*)?")
_MOST_BAD = 0.05  # of the cells that are filled; above it a column is one of words


def is_amount(text: str) -> bool:
    return bool(_POINT.fullmatch(text))


def typed(
    table: pd.DataFrame, columns: list[str], *, comma: bool
) -> tuple[pd.DataFrame, list[str]]:
    """Columns of numbers as numbers, and notes on all that might have been read otherwise.

    ``comma``: a comma may be a decimal point, because it parts no columns.
    """
    plain = {name: _plain(table[name]) for name in columns}
    decimal = comma and any(_has_decimal_comma(cells) for cells in plain.values())
    table, notes = table.copy(), list[str]()
    told: dict[str, list[str]] = {}
    for name, cells in plain.items():
        values, how = _read(cells, comma=comma, decimal=decimal)
        what = _words(name, table[name], cells, values)
        if isinstance(what, str):
            notes += [what] if what else []
            table[name] = table[name].where(table[name] != "", None)
            continue
        notes += what
        if how:
            told.setdefault(how, []).append(name)
        table[name] = values
    return table, [*(_HOW[how].format(_some(names, 5)) for how, names in told.items()), *notes]


_HOW = {
    "decimal": "Commas taken as decimal points in {}.",
    "points": "Points taken as signs between thousands in {} (1.006 is 1006), as the table has "
    "decimal commas.",
    "commas": "Commas taken as signs between thousands in {} (1,006 is 1006).",
    "point?": "Is the point in {} a sign between thousands (1.006 is 1006)? It is taken as a "
    "decimal point; if it is none, write the numbers without it.",
    "comma?": "Is the comma in {} a sign between thousands (1,006 is 1006)? It is taken as a "
    "decimal point; if it is none, write the numbers without it.",
}


def _plain(column: pd.Series) -> pd.Series:
    return column.str.replace(r"[\s\u00a0\u202f']", "", regex=True)


def _filled(cells: pd.Series) -> pd.Series:
    return cells[~cells.str.lower().isin(_NOTHING)]


def _all(pattern: re.Pattern[str], cells: pd.Series) -> bool:
    return bool(len(cells)) and bool(cells.map(lambda cell: bool(pattern.fullmatch(cell))).all())


def _matching(pattern: re.Pattern[str], cells: pd.Series) -> pd.Series:
    return cells[cells.map(lambda cell: bool(pattern.fullmatch(cell)))]


def _has_decimal_comma(cells: pd.Series) -> bool:
    """Whether most of a column are numbers, and one has a comma that parts no thousands."""
    filled = _filled(cells)
    own = _matching(_COMMA, filled)
    commas = own[own.str.contains(",")]
    return len(own) > len(filled) / 2 and len(_matching(_ENGLISH, commas)) < len(commas)


def _read(cells: pd.Series, *, comma: bool, decimal: bool) -> tuple[pd.Series, str]:
    """Each cell as a number or NaN, and how points and commas were taken."""
    filled = _filled(cells)
    commas = filled[filled.str.contains(",")]
    points = filled[filled.str.contains(".", regex=False)]
    how = ""
    if comma and len(_matching(_COMMA, commas)):
        how = "decimal" if decimal else "comma?"
        # 1,037.50 in the same column: there the comma is none.
        if not decimal and len(_matching(_ENGLISH, commas[commas.str.contains(r"\.")])):
            how = "commas"
    elif len(_matching(_ENGLISH, commas)):
        how = "commas"
    if how in ("", "commas") and not len(commas):
        thousands = _all(_BY_POINTS, _matching(re.compile(r"[-+]?\d[\d.]*%?"), points))
        several = points.str.count(r"\.").max() > 1 if len(points) else False
        if thousands and (decimal or several):
            how = "points"
        elif thousands and (comma or len(points) < len(filled)):
            how = "point?"
    return cells.map(lambda cell: _number(cell, how)), how


def _number(cell: str, how: str) -> float:
    """One cell; NaN where it is no number in this way of writing."""
    cell = cell if cell.lower() not in _NOTHING else ""
    if how in ("decimal", "comma?", "points") and _COMMA.fullmatch(cell):
        cell = cell.replace(".", "").replace(",", ".")
    elif how == "commas" and _ENGLISH.fullmatch(cell):
        cell = cell.replace(",", "")
    return float(cell.rstrip("%")) if _POINT.fullmatch(cell) else np.nan


def _words(name: str, column: pd.Series, cells: pd.Series, values: pd.Series) -> list[str] | str:
    """Notes on a column of numbers; or one text, maybe empty, where it is kept as words."""
    filled = _filled(cells)
    if filled.empty:
        return ""
    bad = column[filled.index][values[filled.index].isna()]
    good = len(filled) - len(bad)
    zeros = filled[filled.str.fullmatch(r"0\d+")]
    same_length = len(set(filled.str.len())) == 1
    if _all(re.compile(r"\d+"), filled) and len(zeros) and (len(zeros) > 1 or same_length):
        return (
            f"{name!r} is kept as text: {zeros.iloc[0]!r} and the like begin with 0, so they are "
            "numbers of something and no amounts."
        )
    if len(bad) > max(1, _MOST_BAD * len(filled)) or good < 3 * len(bad):
        return (
            f"{name!r} is kept as text: {good:,} of {len(filled):,} cells are numbers, others, "
            f"such as {bad.iloc[0]!r}, are not."
            if good > len(filled) / 2
            else ""
        )
    if not len(bad):
        return []
    each = [f"row {row} {value!r}" for row, value in bad.head(5).items()]
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    verb = "is" if len(bad) == 1 else "are"
    return [
        f"{name!r}: {good:,} of {len(filled):,} are numbers; {', '.join(each)}{more} {verb} not. "
        "It is taken as a column of numbers, and these count as empty."
    ]


def inputs(table: pd.DataFrame, columns: list[str]) -> tuple[list[str], list[str]]:
    """Columns a model may learn from, and why the others were left aside."""
    used, notes = [], []
    for name in columns:
        why = _aside(table[name])
        if why:
            notes.append(f"The column {name!r} is not learnt from: {why}.")
        else:
            used.append(name)
    return used, notes


def _aside(values: pd.Series) -> str:
    known = values.dropna()
    if known.empty:
        return "it is empty"
    if len(set(known)) == 1:
        return "it holds one value"
    if pd.api.types.is_numeric_dtype(values):
        whole = known.is_unique and (known % 1 == 0).all() and len(known) > FEW
        return "it counts the rows" if whole and (np.diff(known) == 1).mean() > 0.8 else ""
    if len(_matching(_DATE, known)) > 0.8 * len(known):
        return "it holds dates; make columns of them, such as the month or the weekday"
    own = len(known) > FEW and known.nunique() > len(known) / 2
    return "nearly every row has its own" if own else ""
