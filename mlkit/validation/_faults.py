"""Broken rules in words: what the fault looks like, and what one does about it."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mlkit._tables import _count, _some
from mlkit.validation import _kinds, _rules, _shifts
from mlkit.validation._rules import Rule

_MOST = 0.9  # share of the failing values that an explanation must account for
_COMMA = re.compile(r"\s*[-+]?\d{1,3}(\.?\d{3})*,\d+\s*|\s*[-+]?\d+,\d+\s*")


class Fault(NamedTuple):
    """One line of the report."""

    check: str
    column: str
    fault: str
    rows: np.ndarray  # positions; empty for a fault of the whole table
    found: str
    do: str


def shown(values: pd.Series, most: int = 3) -> str:
    """Some different values as a person writes them."""
    distinct = different(values.iloc[:1000].dropna())
    parts = ", ".join(plain(value) for value in distinct[:most])
    more = len(distinct) - most
    return parts + (f" and {'over ' * (len(values) > 1000)}{more:,} more" if more > 0 else "")


def different(values: pd.Series) -> list[Any]:
    """Each value once, also where some cannot be hashed (lists), told apart by how they look."""
    try:
        return list(pd.unique(values.astype(object)))
    except TypeError:
        return list({repr(value): value for value in values}.values())


_NAMES = {
    "str": "text",
    "float": "numbers with a point",
    "int": "whole numbers",
    "bool": "Booleans",
}


def _kinds_in(values: pd.Series) -> str:
    """The kinds of the values, in words where there are some."""
    names = sorted({type(value).__name__ for value in values})
    return " and ".join(_NAMES.get(name, f"of the type {name}") for name in names)


def plain(value: Any) -> str:
    if isinstance(value, str):
        return repr(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def of_rule(rule: Rule, rows: np.ndarray, table: pd.DataFrame) -> Iterator[Fault]:
    """The faults behind one broken rule; several where rows fail for different reasons."""
    name, column = rule.rule, rule.column
    if name in _PLAIN:
        yield Fault(name, column, *_plain(rule, rows, table))
        return
    values = table[column].iloc[rows]
    parts = _PARTS[name](rule, values, table[column])
    for fault, chosen, found, do in parts:
        yield Fault(name, column, fault, rows[chosen], found, do)


def _plain(rule: Rule, rows: np.ndarray, table: pd.DataFrame) -> tuple[str, np.ndarray, str, str]:
    fault, do = _PLAIN[rule.rule]
    n, column = len(rows), rule.column
    what = {
        "missing": lambda: f"{_count(n, 'value')} of {len(table):,} missing",
        "unique": lambda: f"{_count(n, 'row')} with a value that came before: " + shown(
            (table[column] if column else table[rule.value[0]]).iloc[rows]
        ),
        "duplicates": lambda: f"{_count(n, 'row')} the same as an earlier one",
        "before": lambda: f"{_count(n, 'row')} where {column} lies after {rule.value}",
        "pattern": lambda: f"{_count(n, 'value')} of another form than {rule.value}",
        "trimmed": lambda: f"{_count(n, 'value')} with a space at one end",
        "readable": lambda: f"{_count(n, 'value')} with letters of a wrong encoding",
        "rows": lambda: (
            f"{_count(len(table), 'row')}; declared: {_rules.words('rows', rule.value)}"
        ),
    }[rule.rule]()  # fmt: skip
    if rule.rule == "rows" and not len(table):
        fault = "empty table"
    elif rule.rule == "rows" and rule.value[0] is not None and len(table) >= rule.value[0]:
        fault, do = "too many rows", "look for rows that came twice"
    elif rule.rule == "readable":
        mended = _rules.repaired(str(table[column].iloc[rows[0]]))
        what += f", for example {mended!r} once it is put right" if mended else ""
    return fault, rows, what, do


_PLAIN = {
    "missing": (
        "missing values",
        "find out which step lost them; declare it if they may be missing",
    ),
    "unique": ("duplicated key", "find out which row is right before dropping one"),
    "duplicates": ("duplicated rows", "drop them, df.drop_duplicates(), if one event is one row"),
    "before": ("wrong order", "look for columns exchanged, or times in different zones"),
    "pattern": ("wrong form", "look at the examples: another source, or a typing error?"),
    "trimmed": ("spaces at the ends", "df[column].str.strip() where the data enter"),
    "readable": ("broken encoding", "read the source again with its right encoding, often UTF-8"),
    "rows": ("truncated table", "fetch the table again; compare its length with the source's"),
}


Part = tuple[str, np.ndarray, str, str]


def _type(rule: Rule, values: pd.Series, whole: pd.Series) -> Iterator[Part]:
    n, known = len(values), int(whole.notna().sum())
    every = np.full(n, True)
    texts = values[[isinstance(value, str) for value in values]]
    if rule.value in ("integer", "number") and len(texts) >= _MOST * n:
        comma = texts.map(lambda text: _COMMA.fullmatch(text) is not None)
        if comma.any() and (comma | texts.map(_is_numeral)).mean() >= _MOST:
            yield (
                "decimal comma", every,
                f"{_count(n, 'value')} are text with a comma for the point, such as "
                f"{texts[comma].iloc[0]!r}",
                'read the file with pd.read_csv(..., decimal=",")',
            )  # fmt: skip
            return
        if texts.map(_is_numeral).mean() >= _MOST and n == known:
            yield (
                "numbers as text", every,
                f"all {_count(n, 'value')} are text that reads as numbers",
                f'pd.to_numeric(df["{rule.column}"]), once you know why they came as text',
            )  # fmt: skip
            return
    if n < known and whole.dtype == object:
        found = f"{_count(n, 'value')} of {known:,} are {_kinds_in(values)}; declared: {rule.value}"
        do = "look at the examples: are they marks for missing values, or rows moved sideways?"
        yield "mixed types", every, found, do
        return
    found = f"{_count(n, 'value')} of {known:,} are {_kinds_in(values)}; declared: {rule.value}"
    yield "wrong type", every, found, "read the column as what was declared, or declare anew"


def _is_numeral(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _range(rule: Rule, values: pd.Series, whole: pd.Series) -> Iterator[Part]:
    low, high = rule.value
    n = len(values)
    every = np.full(n, True)
    if any(isinstance(end, str) for end in rule.value):
        late = _kinds.seconds_of(values) > _rules.bound(high) if high != _rules.NOW else every
        fault = "future timestamps" if high == _rules.NOW and late.all() else "out of range"
        latest = max(values.astype(str))
        found = f"{_count(n, 'time')} not {_rules.words('range', rule.value)}, up to {latest}"
        yield fault, every, found, "check the clock and the zone of the source"
        return
    x = _kinds.numbers_of(values)
    found = (
        f"{_count(n, 'value')} not {_rules.words('range', rule.value)}, from {x.min():g} to "
        f"{x.max():g}"
    )
    do = "look at the examples; correct them at the source, or set them to missing"
    inside = _inside(low, high)
    if (x < 0).all() and inside(-x).mean() >= _MOST:
        turned = f"{found}; with the other sign they lie inside"
        yield "sign flipped", every, turned, "ask the source which sign it means"
        return
    if n >= 10 and n >= 0.2 * whole.notna().sum():
        fits = [size for size in sorted(_shifts.FACTORS) if inside(x / size).mean() >= _MOST]
        whole_ones = [f"{size:,}" for size in fits if size >= 7]
        if whole_ones:
            hint = f"{found}; divided by {' or '.join(whole_ones)} they lie inside"
            yield "unit change", every, hint, "ask the source for its unit, then convert"
            return
    yield "out of range", every, found, do


def _inside(low: float | None, high: float | None) -> Callable[[np.ndarray], np.ndarray]:
    floor, ceiling = (-np.inf if low is None else low), (np.inf if high is None else high)
    return lambda x: (x >= floor) & (x <= ceiling)


def _categories(rule: Rule, values: pd.Series, _: pd.Series) -> Iterator[Part]:
    known = {_folded(value): value for value in rule.value if isinstance(value, str)}
    items = list(values.astype(object))
    names = [_key(value) for value in items]
    distinct = list(dict(zip(names, items, strict=True)).values())
    kinds, means = {}, {}
    for value in distinct:
        kinds[_key(value)], means[_key(value)] = _category(value, known)
    found_kind = np.asarray([kinds[name] for name in names], dtype=object)
    for kind in _CATEGORY:
        chosen = found_kind == kind
        if chosen.any():
            ones = [value for value in distinct if kinds[_key(value)] == kind]
            n = _count(int(chosen.sum()), "row")
            yield kind, chosen, *_told(rule, kind, f"{n} with {_some(ones)}", ones, means)


def _key(value: Any) -> Any:
    return value if isinstance(value, str) else repr(value)


_CATEGORY = ("spelling variant", "broken encoding", "new category")


def _told(
    rule: Rule, kind: str, found: str, ones: list[Any], means: Mapping[Any, str | None]
) -> tuple[str, str]:
    """What was found, and what to do."""
    if kind == "new category":
        near = [f"{one!r} for {means[_key(one)]!r}?" for one in ones if means[_key(one)]][:2]
        found += f"; declared: {_some(rule.value, 6)}" + (f" ({', '.join(near)})" if near else "")
        return found, "declare it if it is right; otherwise correct it where the data enter"
    meant = _some(sorted({mean for one in ones if (mean := means[_key(one)])}))
    if kind == "spelling variant":
        found += f": {meant} but for case and spaces"
        return found, f'write df["{rule.column}"] in one way where the data enter'
    found += f": {meant} in a wrong encoding"
    return found, "read the source again with its right encoding, often UTF-8"


def _folded(value: str) -> str:
    return re.sub(r"[\s_-]+", " ", value).strip().casefold()


def _category(value: Any, known: Mapping[str, str]) -> tuple[str, str | None]:
    if not isinstance(value, str):
        return "new category", None
    if _folded(value) in known:
        return "spelling variant", known[_folded(value)]
    mended = _rules.repaired(value)
    if not _rules.readable(value):
        return "broken encoding", known.get(_folded(mended or ""), mended)
    near = difflib.get_close_matches(_folded(value), list(known), n=1, cutoff=0.75)
    return "new category", known[near[0]] if near else None


def _zone(rule: Rule, values: pd.Series, _: pd.Series) -> Iterator[Part]:
    every = np.full(len(values), True)
    naive = all((m := _kinds.when(v)) is not None and m.utcoffset() is None for v in values)
    fault = "time zone missing" if naive and rule.value != "none" else "another time zone"
    found = f"{_count(len(values), 'time')} not {_rules.words('zone', rule.value)}"
    yield fault, every, found, "give times their zone where they are read, and keep them in UTC"


_PARTS: dict[str, Callable[[Rule, pd.Series, pd.Series], Iterator[Part]]] = {
    "type": _type, "range": _range, "categories": _categories, "zone": _zone,
}  # fmt: skip


def of_columns(
    missing: Sequence[str],
    extra: Sequence[str],
    table: pd.DataFrame,
    keeps: Callable[[str, str], bool],
) -> Iterator[Fault]:
    """Columns that are not there and columns nobody knows, and which of them may be one.

    ``keeps(new, old)``: do the values under the new name keep what was declared of the old one?
    """
    none = np.zeros(0, int)
    free = list(extra)
    for old in missing:
        near = sorted(free, key=lambda new: -_alike(old, new))
        new = next((n for n in near if _alike(old, n) >= 0.6 and keeps(n, old)), None)
        if new is None:
            yield Fault(
                "required", old, "missing column", none,
                f"{old} is not there; found: {_some(list(table.columns), 6)}",
                "ask the source; do not fill it with a constant",
            )  # fmt: skip
            continue
        free.remove(new)
        yield Fault(
            "required", old, "renamed column", none,
            f"{old} is not there and {new} is new, with a like name and values that keep its rules",
            f'df.rename(columns={{"{new}": "{old}"}}), then validate again',
        )  # fmt: skip
    for new in free:
        yield Fault(
            "extra", new, "extra column", none, f"{new} is no declared column",
            "declare it, or drop it where the data enter: it may hold what should not be kept",
        )  # fmt: skip


def _alike(one: str, two: str) -> float:
    a, b = (re.sub(r"[^0-9a-z]+", "", name.casefold()) for name in (one, two))
    if not (a and b):
        return 0.0
    shorter, longer = sorted((a, b), key=len)
    begins = len(shorter) >= 3 and (longer.startswith(shorter) or longer.endswith(shorter))
    parts = {frozenset(re.findall(r"[a-z]+|\d+", name.casefold())) for name in (one, two)}
    same_words = len(parts) == 1
    return 1.0 if same_words else 0.9 if begins else difflib.SequenceMatcher(None, a, b).ratio()
