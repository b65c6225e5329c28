"""What kind a value is of: read the same way in one row, in a column and in a column of text."""

import datetime
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

KINDS = ("integer", "number", "boolean", "text", "time")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_UTC = datetime.UTC
_REAL = (int, float, np.integer, np.floating)  # numpy's Booleans are none of them
Clock = Callable[[], float]


def is_missing(value: Any) -> bool:
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, float | np.floating):
        return bool(value != value)
    return isinstance(value, np.datetime64) and bool(np.isnat(value))


def is_number(value: Any) -> bool:
    return isinstance(value, _REAL) and not isinstance(value, bool)


def number(value: Any) -> float:
    """The value as a float; NaN for what is no number, infinite beyond what a float holds."""
    if not is_number(value):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def when(value: Any) -> datetime.datetime | None:
    """The time a value is: a datetime, a date, or text such as 2026-11-21T09:30:00+01:00."""
    if isinstance(value, str):
        if not _DATE.match(value):
            return None
        try:
            return datetime.datetime.fromisoformat(value)
        except ValueError:
            return None
    if value is pd.NaT:
        return None
    if isinstance(value, datetime.datetime):  # pandas' Timestamp is one
        return value
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    if isinstance(value, np.datetime64):
        return pd.Timestamp(value).to_pydatetime()
    return None


def seconds(value: Any) -> float:
    """Seconds since 1970 in UTC, a time without zone taken as UTC; NaN for what is no time."""
    time = when(value)
    if time is None:
        return math.nan
    try:
        return (time if time.tzinfo else time.replace(tzinfo=_UTC)).timestamp()
    except (OverflowError, ValueError, OSError):
        return math.nan


def _is_integer(value: Any) -> bool:
    if isinstance(value, int | np.integer):
        return not isinstance(value, bool)
    return isinstance(value, float | np.floating) and float(value).is_integer()


IS: dict[str, Callable[[Any], bool]] = {
    "integer": _is_integer,
    "number": is_number,
    "boolean": lambda value: isinstance(value, bool | np.bool_),
    "text": lambda value: isinstance(value, str),
    "time": lambda value: when(value) is not None,
}


def each(values: pd.Series, test: Callable[[Any], Any]) -> np.ndarray:
    """A test of each value; where a column has one dtype, each distinct value is tested once."""
    if pd.api.types.is_object_dtype(values.dtype):  # 1, 1.0 and True are equal and of three kinds
        return np.asarray([test(value) for value in values])
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    return np.asarray([test(value) for value in distinct])[codes] if len(codes) else codes


def is_real(dtype: Any) -> bool:
    types = pd.api.types
    return types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype)


def dense(table: pd.DataFrame) -> pd.DataFrame:
    """Sparse columns written out: what is checked here is each value."""
    sparse = [n for n in table.columns if isinstance(table[n].dtype, pd.SparseDtype)]
    return table.assign(**{n: np.asarray(table[n]) for n in sparse}) if sparse else table


def of_kind(values: pd.Series, kind: str) -> np.ndarray:
    """Which of the values (none missing) are of the kind."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_object_dtype(dtype):
        return each(values, IS[kind]).astype(bool)
    types = pd.api.types
    boolean, real = types.is_bool_dtype(dtype), is_real(dtype)
    time = types.is_datetime64_any_dtype(dtype)
    if kind == "integer" and real and not boolean:
        floats = values.to_numpy(float)
        return np.isfinite(floats) & (floats == np.floor(floats))
    if kind in ("text", "time") and isinstance(dtype, pd.StringDtype):
        return np.full(len(values), True) if kind == "text" else each(values, IS[kind]).astype(bool)
    is_kind = {"number": real and not boolean, "boolean": boolean, "time": time}
    return np.full(len(values), is_kind.get(kind, False))


def numbers_of(values: pd.Series) -> np.ndarray:
    """Floats; NaN for what is missing or no number."""
    if is_real(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return values.to_numpy(float, na_value=np.nan)
    return each(values, number).astype(float)


def seconds_of(values: pd.Series) -> np.ndarray:
    """``seconds`` of each value; NaN for what is missing or no time."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        if values.dt.tz is not None:
            values = values.dt.tz_convert("UTC").dt.tz_localize(None)
        moments = values.to_numpy("datetime64[us]")  # nanoseconds would not reach the year 1
        return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / 1e6)
    return each(values, seconds).astype(float)


def infer(values: pd.Series) -> str | None:
    """The narrowest kind that fits every value that is not missing; None where none does."""
    known = values.dropna()
    if known.empty:
        return None
    for kind in ("boolean", "integer", "number", "time", "text"):
        if of_kind(known, kind).all():
            return kind
    return None
