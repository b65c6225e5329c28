"""Hashes of what lies in memory: tables, arrays and plain values, written down in one way."""

import datetime
import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables


class LineageError(ValueError):
    """Something lineage cannot record or tell; the message says why and what to do."""


def table_hash(table: pd.DataFrame, function: str) -> str:
    """A table: its index, then its columns in order, each with name, kind, what is missing."""
    digest = hashlib.sha256(b"mlkit table 1\n")
    for level in range(table.index.nlevels):
        values = table.index.get_level_values(level)
        _column(digest, "index", table.index.names[level], pd.Series(values), function)
    for position, name in enumerate(table.columns):
        _column(digest, "column", name, table.iloc[:, position], function)
    return digest.hexdigest()


def array_hash(array: np.ndarray, function: str) -> str:
    digest = hashlib.sha256()
    _array(digest, array, function)
    return digest.hexdigest()


def values_hash(thing: Any, function: str) -> str:
    digest = hashlib.sha256(b"mlkit values 1\n")
    _value(digest, thing, function)
    return digest.hexdigest()


def kind_of(values: pd.Series) -> str:
    """How a column's values are written down: truth, integer, float, time, duration, text, other.

    A column of Python objects of one kind counts as that kind.
    """
    dtype: Any = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return kind_of(values.cat.categories.to_series())
    if pd.api.types.is_bool_dtype(dtype):
        return "truth"
    if pd.api.types.is_integer_dtype(dtype):
        return "integer"
    if pd.api.types.is_float_dtype(dtype):
        return "float"
    if isinstance(dtype, pd.DatetimeTZDtype):
        return "time in UTC"
    if dtype.kind in "Mm":
        return {"M": "time", "m": "duration"}[dtype.kind]
    if isinstance(dtype, pd.StringDtype):
        return "text"
    known = {"string": "text", "boolean": "truth", "integer": "integer", "floating": "float"}
    return known.get(pd.api.types.infer_dtype(values, skipna=True), "other")


def _column(digest: Any, role: str, name: Any, values: pd.Series, function: str) -> None:
    missing = values.isna().to_numpy(bool)
    kind = kind_of(values)
    kept = values[~missing]
    if isinstance(kept.dtype, pd.CategoricalDtype):
        kept = kept.astype(kept.cat.categories.dtype)
    if kind == "integer" and len(kept) and not _fits(kept):
        kind = "other"
    called = [role, type(name).__name__ == "str", str(name), kind, len(values), len(kept)]
    _sized(digest, json.dumps(called).encode())
    if len(kept) < len(values):
        _sized(digest, np.packbits(missing).tobytes())
    if kind == "other":
        for value in kept:
            _value(digest, value, function)
    elif kind == "text":
        _texts(digest, kept)
    else:
        digest.update(_numbers(kept, kind))


def _fits(values: pd.Series) -> bool:
    limits = np.iinfo(np.int64)
    return limits.min <= int(values.min()) and int(values.max()) <= limits.max


def _numbers(values: pd.Series, kind: str) -> bytes:
    if kind.startswith("time"):
        plain = values.dt.tz_convert("UTC").dt.tz_localize(None) if kind != "time" else values
        whole = plain.to_numpy().astype("M8[s]")
        return whole.view("i8").astype("<i8").tobytes() + _rest(plain.to_numpy() - whole)
    if kind == "duration":
        whole = values.to_numpy().astype("m8[s]")
        return whole.view("i8").astype("<i8").tobytes() + _rest(values.to_numpy() - whole)
    types = {"truth": (bool, "u1"), "integer": (np.int64, "<i8"), "float": (np.float64, "<f8")}
    made, written = types[kind]
    return values.to_numpy(made).astype(written).tobytes()


def _rest(below_a_second: np.ndarray) -> bytes:
    return below_a_second.astype("m8[ns]").view("i8").astype("<i8").tobytes()


def _texts(digest: Any, values: pd.Series) -> None:
    encoded = [text.encode("utf-8", "surrogatepass") for text in values]
    digest.update(np.array([len(text) for text in encoded], "<i8").tobytes())
    digest.update(b"".join(encoded))


def _array(digest: Any, array: np.ndarray, function: str) -> None:
    if isinstance(array, np.ma.MaskedArray) or array.dtype.kind == "V":
        raise LineageError(
            f"{function}() cannot tell the content of a masked or structured array. Give it as a "
            "table: pd.DataFrame(array)."
        )
    if array.dtype.kind == "O":
        _sized(digest, json.dumps(["objects", array.shape]).encode())
        for value in array.ravel():
            _value(digest, value, function)
        return
    plain = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    _sized(digest, json.dumps(["array", plain.dtype.str, array.shape]).encode())
    digest.update(plain.reshape(-1).view(np.uint8).data)


def _value(digest: Any, value: Any, function: str) -> None:
    """One value with a letter for its kind, so that 1, 1.0, "1" and True stay apart."""
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64 | np.timedelta64):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT:
        _sized(digest, b"n")
    elif isinstance(value, np.ndarray):
        _array(digest, value, function)
    elif isinstance(value, list | tuple):
        _sized(digest, b"l%d" % len(value))
        for part in value:
            _value(digest, part, function)
    elif isinstance(value, Mapping):
        _sized(digest, b"d%d" % len(value))
        for key in sorted(value, key=lambda key: (type(key).__name__, str(key))):
            _value(digest, key, function)
            _value(digest, value[key], function)
    elif isinstance(value, float):
        _sized(digest, b"f" + struct.pack("<d", value))
    else:
        _sized(digest, _plain(value, function))


def _plain(value: Any, function: str) -> bytes:
    if isinstance(value, bool):
        return b"b1" if value else b"b0"
    if isinstance(value, int):
        return b"i%d" % value
    if isinstance(value, str):
        return b"t" + value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes | bytearray):
        return b"y" + bytes(value)
    if isinstance(value, datetime.date | datetime.time):  # a datetime and a Timestamp are dates
        return b"w" + value.isoformat().encode()
    if isinstance(value, datetime.timedelta | np.datetime64 | np.timedelta64):
        return b"w" + str(value).encode()
    if isinstance(value, PurePath):
        return b"p" + value.as_posix().encode("utf-8", "surrogateescape")
    raise LineageError(
        f"{function}() cannot tell the content of {_tables._kind(value)} among the values. Leave "
        "it out, or write it as text or numbers."
    )


def _sized(digest: Any, data: bytes) -> None:
    """Length and bytes: what comes after can never be taken for a part of it."""
    digest.update(len(data).to_bytes(8, "little") + data)
