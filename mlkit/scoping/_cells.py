"""Reading tables that people typed: each cell is text, a number or yes / no, or told by its row."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables

_YES, _NO = {"true", "yes", "1"}, {"false", "no", "0"}


def table(given: Any, columns: Sequence[str], *, function: str, about: str) -> pd.DataFrame:
    """A copy with these columns, whatever else it holds, and at least one row."""
    found = _tables._need(given, columns, function)
    found = filled(found).reset_index(drop=True)
    if found.empty:
        raise ValueError(f"{function}() was given a table without a row: write down {about}.")
    return found


def filled(found: pd.DataFrame) -> pd.DataFrame:
    """Without the rows that are empty all over, which is what an editor leaves at the end."""
    spaces = found.map(lambda value: isinstance(value, str) and not value.strip())
    return found[~(found.isna() | spaces.astype(bool)).all(axis=1)]


def text(found: pd.DataFrame, column: str, *, function: str, empty: bool = False) -> pd.Series:
    """The column as text without spaces around it; a gap is an error, or with ``empty`` ``""``."""
    words = [("" if pd.isna(value) else str(value).strip()) for value in found[column]]
    if not empty and "" in words:
        raise ValueError(
            f"{function}() needs {column} in each row, and row {words.index('') + 1} has none."
        )
    return pd.Series(words, index=found.index, dtype=object)


def numbers(
    found: pd.DataFrame, column: str, *, function: str, name: str, empty: bool = False
) -> pd.Series:
    """The column as numbers; an error names the row by what its column ``name`` says."""
    values = []
    for place, value in enumerate(found[column]):
        where = f"{found[name].iloc[place]!r}"
        values.append(_number(value, f"{function}(): {column} of {where}", empty=empty))
    return pd.Series(values, index=found.index, dtype=float)


def _number(value: Any, what: str, *, empty: bool) -> float:
    if pd.api.types.is_scalar(value) and (pd.isna(value) or str(value).strip() == ""):
        if empty:
            return float("nan")
        raise ValueError(f"{what} is empty: write a number.")
    try:
        number = float("nan") if isinstance(value, bool | np.bool_) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise ValueError(f"{what} is no number: {value!r}.")
    return number


def yes_no(found: pd.DataFrame, column: str, *, function: str, name: str) -> pd.Series:
    """The column as Booleans; a CSV file gives them as text."""
    values = []
    for place, value in enumerate(found[column]):
        word = str(value).strip().lower().removesuffix(".0")
        if word not in _YES | _NO:
            raise ValueError(
                f"{function}(): {column} of {found[name].iloc[place]!r} is True or False, "
                f"not {value!r}."
            )
        values.append(word in _YES)
    return pd.Series(values, index=found.index, dtype=bool)


def once(values: Iterable[Any], *, function: str, what: str) -> None:
    """An error where a name stands twice."""
    values = pd.Series(list(values), dtype=object)
    twice = values[values.duplicated()].unique()
    if len(twice):
        raise ValueError(
            f"{function}() needs each {what} once, and {_tables._some(twice)} "
            f"stand{'s' if len(twice) == 1 else ''} there twice: keep one row of each."
        )


def figure(value: float, *, digits: int = 3) -> str:
    """A number as one says it: three figures, thousands apart, no exponent.

    >>> [figure(v) for v in (0.01234, 12.34, 56789.0, -0.5, 0.0)]
    ['0.0123', '12.3', '56,800', '-0.5', '0']
    """
    if pd.isna(value):
        return "unknown"
    if value == 0:
        return "0"
    places = digits - 1 - int(np.floor(np.log10(abs(value))))
    rounded = round(float(value), places)
    shown = f"{rounded:,.{max(places, 0)}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
