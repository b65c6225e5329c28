"""The rules one can declare: how each is written, read, and held against one value."""

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from mlkit._tables import _some
from mlkit.validation import _kinds

NOW = "now"
# Rules of a value, of a column as a whole, and of the table (whose column is "").
VALUE_RULES = ("type", "range", "categories", "pattern", "zone", "trimmed", "readable")
COLUMN_RULES = ("required", "missing", "unique", "before")
TABLE_RULES = ("extra", "rows", "duplicates", "unique")
_FLAGS = ("required", "missing", "unique", "trimmed", "readable", "extra", "duplicates")
# For these rules the value that asks for nothing.
SILENT: dict[str, Any] = {
    "required": False, "missing": True, "unique": False, "trimmed": False, "readable": False,
    "extra": True, "duplicates": True,
}  # fmt: skip


class Broken(NamedTuple):
    """One declared rule that one row breaks."""

    column: str
    check: str
    value: Any  # what was found
    found: str  # one sentence


class Rule(NamedTuple):
    """One rule of a schema, and what a person has said of it so far."""

    column: str  # "" for a rule of the table
    rule: str
    value: Any
    status: str  # proposed, question, declared, rejected
    why: str
    false_alarms: float = math.nan


def text(value: Any) -> str:
    """A rule's value as a person reads and edits it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def parsed(value: Any) -> Any:
    """The value of an edited cell: JSON where it is some, else the text itself."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def read(column: str, rule: str, value: Any, *, function: str) -> Any:
    """The value in its one form, or one sentence that says what is wrong with it."""
    of_table = column == ""
    known = TABLE_RULES if of_table else (*VALUE_RULES, *COLUMN_RULES)
    where = "the table" if of_table else f"the column {column!r}"
    if rule not in known:
        raise ValueError(
            f"{function}() knows no rule {rule!r} for {where}; the rules are {', '.join(known)}."
        )
    if of_table and rule == "unique":
        if isinstance(value, list | tuple) and value and all(isinstance(v, str) for v in value):
            return list(value)
        raise ValueError(
            f"{function}() needs the columns that are unique together, for example "
            f'["user", "day"]; got {value!r}.'
        )
    reader = _flag if rule in _FLAGS else _READERS[rule]
    try:
        return reader(value)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{function}() cannot read {value!r} as the rule {rule!r} of {where}: {error}."
        ) from None


def _flag(value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise ValueError("it is True or False")


def _type(value: Any) -> str:
    if value in _kinds.KINDS:
        return str(value)
    raise ValueError(f"it is one of {', '.join(_kinds.KINDS)}")


def _range(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("it is a lower and an upper end, such as [0, 120]; None leaves one open")
    low, high = (_end(end) for end in value)
    if None not in (low, high) and NOW not in (low, high) and bound(low) > bound(high):
        raise ValueError("the lower end lies above the upper one")
    return [low, high]


def _end(end: Any) -> Any:
    if end is None or end == NOW or (isinstance(end, str) and _kinds.when(end)):
        return end
    if _kinds.is_number(end) and math.isfinite(end):
        return end.item() if isinstance(end, np.generic) else end
    if _kinds.when(end) is not None:
        return pd.Timestamp(end).isoformat()
    raise ValueError('an end is a number, a time such as "2026-01-31", "now", or None')


def bound(end: Any, clock: _kinds.Clock = time.time) -> float:
    if end is None:
        return math.nan
    if end == NOW:
        return clock()
    return _kinds.seconds(end) if isinstance(end, str) else float(end)


def _rows(value: Any) -> list[Any]:
    low, high = _range(value)
    if any(end is not None and not (isinstance(end, int) and end >= 0) for end in (low, high)):
        raise ValueError("the ends are numbers of rows, such as [100, null]")
    return [low, high]


def _categories(value: Any) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, list | tuple | set | np.ndarray):
        raise TypeError("it is a list of values")
    listed = [v.item() if isinstance(v, np.generic) else v for v in value]
    if not listed or not all(isinstance(v, str | bool | int | float) for v in listed):
        raise ValueError("it is a list of texts or numbers that is not empty")
    return listed


def _pattern(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("it is a regular expression")
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"it is no regular expression ({error})") from error
    return value


def _zone(value: Any) -> str:
    if value in ("none", "any"):
        return str(value)
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError('it is "none", "any" or a name such as "UTC", "Europe/Paris"') from None
    return str(value)


def _before(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("it is the name of the column that never lies before this one")


_READERS: dict[str, Callable[[Any], Any]] = {
    "type": _type, "range": _range, "rows": _rows, "categories": _categories,
    "pattern": _pattern, "zone": _zone, "before": _before,
}  # fmt: skip


def test_of(rule: str, value: Any, clock: _kinds.Clock) -> Callable[[Any], bool]:
    """Whether a value that is not missing keeps a rule of values."""
    if rule == "type":
        return _kinds.IS[value]
    if rule == "range":
        return _within(value, clock)
    if rule == "categories":
        known = frozenset(value)
        return lambda v: _hashable(v) and v in known
    if rule == "pattern":
        full = re.compile(value).fullmatch
        return lambda v: not isinstance(v, str) or full(v) is not None
    if rule == "zone":
        return _in_zone(value)
    if rule == "trimmed":
        return lambda v: not isinstance(v, str) or v == v.strip()
    return lambda v: not isinstance(v, str) or readable(v)


def _hashable(value: Any) -> bool:
    return isinstance(value, str | bool | int | float | np.generic)


def _within(value: list[Any], clock: _kinds.Clock) -> Callable[[Any], bool]:
    low, high = value
    times = any(isinstance(end, str) for end in value)
    moving = NOW in value
    ends = (bound(low, clock), bound(high, clock))

    def test(v: Any) -> bool:
        x = _kinds.seconds(v) if times else _kinds.number(v)
        lo, hi = (bound(low, clock), bound(high, clock)) if moving else ends
        return not (x < lo or x > hi)  # what is no number breaks the type, not the range

    return test


def _in_zone(value: str) -> Callable[[Any], bool]:
    zone = None if value in ("none", "any") else ZoneInfo(value)

    def test(v: Any) -> bool:
        moment = _kinds.when(v)
        if moment is None:
            return True
        offset = moment.utcoffset()
        if value == "none":
            return offset is None
        if zone is None or offset is None:
            return offset is not None
        return offset == moment.astimezone(zone).utcoffset()

    return test


# Letters of UTF-8 read as Latin-1 or Windows-1252, and the mark of what could not be read at all.
_DAMAGED = re.compile(
    "[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u0178\u2013-\u203a\u20ac\u2122\u02c6\u02dc\u0192]"
)


def readable(value: str) -> bool:
    """No replacement mark, and nothing that turns into other letters when decoded once more."""
    if "\ufffd" in value:
        return False
    return not _DAMAGED.search(value) or repaired(value) is None


def repaired(value: str) -> str | None:
    """The text with its encoding put right; None where nothing was wrong."""
    for encoding in ("cp1252", "latin-1"):
        try:
            once = value.encode(encoding).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        if once != value:
            return once
    return None


def mask(values: pd.Series, rule: str, value: Any, clock: _kinds.Clock) -> np.ndarray:
    """Which values of a column (none missing) keep the rule."""
    if rule == "type":
        return _kinds.of_kind(values, value)
    if rule == "range":
        times = any(isinstance(end, str) for end in value)
        x = _kinds.seconds_of(values) if times else _kinds.numbers_of(values)
        low, high = (bound(end, clock) for end in value)
        with np.errstate(invalid="ignore"):
            return ~((x < low) | (x > high))
    return _kinds.each(values, test_of(rule, value, clock)).astype(bool)


def in_order(first: pd.Series, second: pd.Series) -> np.ndarray:
    """Where the first is not above the second; where either is missing nothing is out of order."""
    pairs = [(f(first), f(second)) for f in (_kinds.numbers_of, _kinds.seconds_of)]
    with np.errstate(invalid="ignore"):
        return ~np.any([a > b for a, b in pairs], axis=0)


def in_order_pair(first: Any, second: Any) -> bool:
    """``in_order`` for one row."""
    if _kinds.is_number(first) and _kinds.is_number(second):
        return not first > second
    return not _kinds.seconds(first) > _kinds.seconds(second)


def sentence(column: str, rule: str, value: Any, found: Any) -> str:
    """What was found where what was declared."""
    name = column or "the table"
    if rule == "required":
        return f"{name} is not there."
    if rule == "missing":
        return f"{name} has no value, and is declared to have one always."
    if rule == "extra":
        return f"{found} is no declared column."
    if rule == "before":
        return f"{name} is {found[0]!r}, after {value}, which is {found[1]!r}."
    return f"{name} is {found!r}; declared: {words(rule, value)}."


def words(rule: str, value: Any) -> str:
    """A rule in plain words."""
    if rule in ("range", "rows"):
        low, high = value
        if low is None:
            return "anything" if high is None else f"at most {high}"
        return f"at least {low}" if high is None else f"{low} to {high}"
    if rule == "categories":
        return f"one of {_some(value, 8)}"
    plain: Mapping[str, str] = {
        "type": f"{value}",
        "pattern": f"text like {value}",
        "zone": {"none": "a time without zone", "any": "a time with its zone"}.get(
            str(value), f"a time in {value}"
        ),
        "trimmed": "no space at either end",
        "readable": "readable text",
        "unique": "each value once" if value is True else f"unique together: {value}",
        "before": f"not after {value}",
        "missing": "may be missing" if value else "never missing",
        "required": "always there" if value else "may be absent",
        "extra": "other columns may come" if value else "no other columns",
        "duplicates": "rows may repeat" if value else "no row twice",
    }
    return plain[rule]


def silent(rule: str, value: Any) -> bool:
    """Whether the rule asks for nothing."""
    return SILENT.get(rule, ...) == value
