"""Rules drafted from reference data, each with the reason, and questions where data cannot tell."""

import re
import time
from collections.abc import Iterator
from itertools import permutations

import numpy as np
import pandas as pd

from mlkit import _show
from mlkit._tables import _count, _some
from mlkit.validation import _kinds, _rules, _run
from mlkit.validation._rules import Rule
from mlkit.validation._schema import Schema

_FUNCTION = "validation.propose"
FEW = 50  # different values up to which a list of categories is worth proposing
_CODES = 10  # different whole numbers up to which they may be codes rather than amounts
_RARE = 0.05  # false alarms above which a list of categories is a question
_PAIRED = (
    ("start", "end"), ("begin", "end"), ("min", "max"), ("low", "high"), ("lower", "upper"),
    ("from", "to"), ("first", "last"), ("open", "close"), ("opened", "closed"), ("birth", "death"),
    ("created", "updated"), ("ordered", "delivered"), ("sent", "received"), ("before", "after"),
)  # fmt: skip


def propose(reference: pd.DataFrame, *, rows: int | None = None) -> Schema:
    """What could one declare of tables like this one?

    Kinds, absent columns, categories seen often enough and the like are *proposed*; what the data
    cannot tell is a *question* to a person: the smallest and largest value seen are no limits. A
    next table breaks them with probability 1 - n(n-1)/((n+m)(n+m-1)) (n rows seen, m to come: both
    extremes of all n+m must lie among the n; Wilks 1942), about 3 in 4 for tables of one size, so
    with 20 columns nearly always. For categories it is 1-(1-s/n)^m with s values seen once (Good
    1953). ``why`` says what the data showed.

    Parameters
    ----------
    reference : a table that is believed to be right.
    rows : rows of the tables to come; by default as many as here.

    Returns
    -------
    Schema
        a draft; nothing in it holds before ``declare``.

    Raises ValueError for a table without rows, two columns of one name, a name that is no text.

    Examples
    --------
    >>> draft = propose(pd.DataFrame({"age": list(range(20, 60)) * 5}))
    >>> draft.table[["column", "rule", "value", "status"]].head(4)
      column      rule     value    status
    0    age  required      true  proposed
    1    age      type   integer  proposed
    2    age   missing     false  proposed
    3    age     range  [20, 59]  question
    """
    n = _checked(reference)
    reference = _kinds.dense(reference)
    to_come = n if rows is None else rows
    if isinstance(to_come, bool) or not isinstance(to_come, int | np.integer) or to_come < 1:
        raise ValueError(f"{_FUNCTION}() needs rows as a whole number from 1 up; got {rows!r}.")
    rules = [
        rule for name in reference.columns for rule in _of_column(reference[name], int(to_come))
    ]
    rules += _orders(reference)
    rules += _of_table(reference)
    about = {"reference_rows": n, "rows_to_come": int(to_come)}
    return Schema(tuple(rules), about)


def _checked(reference: pd.DataFrame) -> int:
    if not isinstance(reference, pd.DataFrame):
        raise TypeError(
            f"{_FUNCTION}() needs a pandas DataFrame to look at; got {type(reference).__name__}."
        )
    if reference.empty:
        raise ValueError(
            f"{_FUNCTION}() needs rows to look at; the table has {len(reference)} rows and "
            f"{_count(len(reference.columns), 'column')}."
        )
    other = [name for name in reference.columns if not isinstance(name, str) or not name]
    if other:
        raise ValueError(
            f"{_FUNCTION}() needs text as column names and found {_some(other)}: "
            "df.rename(columns=str)."
        )
    twice = reference.columns[reference.columns.duplicated()].unique()
    if len(twice):
        raise ValueError(f"{_FUNCTION}() cannot tell columns of one name apart: {_some(twice)}.")
    return len(reference)


def _of_column(values: pd.Series, to_come: int) -> Iterator[Rule]:
    name, n = str(values.name), len(values)
    known = values.dropna()
    yield Rule(name, "required", True, "proposed", "the column is there")
    kind = _kinds.infer(values)
    if kind is None:
        if known.empty:
            why = "no row has a value, so nothing is known of it"
        else:
            kinds = known.map(lambda value: type(value).__name__).value_counts()
            why = f"it holds {_some(kinds.index)} side by side: which is right?"
        yield Rule(name, "type", "text", "question", why)
        return
    yield Rule(name, "type", kind, "proposed", f"all {_count(len(known), 'value')} are")
    yield _missing(name, n, n - len(known))
    if kind == "boolean":
        return
    if kind == "time":
        yield from _of_times(name, known)
    elif kind == "text":
        yield from _of_texts(name, known, to_come)
    else:
        yield from _of_numbers(name, known, kind, to_come)


def _missing(name: str, n: int, missing: int) -> Rule:
    if missing:
        share = f"{_count(missing, 'value')} of {n:,} are missing ({_show.percent(missing / n)})"
        return Rule(name, "missing", True, "proposed", share)
    # With none in n, a share of up to 1 - 0.05^(1/n) still shows none in 5 % of tables.
    most = _show.percent(1 - 0.05 ** (1 / n))
    why = f"none of {n:,} is missing (with 95 % confidence at most {most} ever are)"
    return Rule(name, "missing", False, "proposed", why)


def beyond(n: int, to_come: int) -> float:
    """Chance that the extremes of n values are passed by one of those to come, in any order."""
    total = n + to_come
    return 1 - n * (n - 1) / (total * (total - 1)) if total > 1 else 1.0


def _of_numbers(name: str, known: pd.Series, kind: str, to_come: int) -> Iterator[Rule]:
    values = pd.Series(_kinds.numbers_of(known))
    counts = known.value_counts()
    if kind == "integer" and len(counts) <= _CODES and len(known) >= 10 * len(counts):
        yield _listed(name, [int(v) for v in sorted(counts.index)], counts, to_come)
        return
    if kind == "integer" and len(known) >= 20 and known.is_unique:
        yield Rule(name, "unique", True, "question", f"all {len(known):,} differ: is it a key?")
    low, high = values.min(), values.max()
    ends = [int(low), int(high)] if kind == "integer" else [float(low), float(high)]
    if not np.isfinite(ends).all():
        yield Rule(name, "range", [None, None], "question", "it holds infinite values: may it?")
        return
    rate = beyond(len(known), to_come)
    ties = "at most " if (values == low).sum() > 1 or (values == high).sum() > 1 else ""
    why = (
        f"seen {ends[0]:g} to {ends[1]:g} in {_count(len(known), 'value')}; what can there be? "
        f"Taken as limits, {ties}{_show.percent(rate)} of clean tables would break them"
    )
    yield Rule(name, "range", ends, "question", why, rate)


def _listed(name: str, values: list[object], counts: pd.Series, to_come: int) -> Rule:
    once, n = int((counts == 1).sum()), int(counts.sum())
    rate = 1 - (1 - once / n) ** to_come
    seen = f"{_count(len(counts), 'value')} in {n:,}, {once} of them once"
    question = rate > _RARE
    why = f"{seen}; are these all?" if question else f"{seen}: another would be news"
    return Rule(name, "categories", values, "question" if question else "proposed", why, rate)


def _of_texts(name: str, known: pd.Series, to_come: int) -> Iterator[Rule]:
    counts = known.astype(object).value_counts()
    if len(counts) <= FEW and len(known) >= 2 * len(counts):
        yield _listed(name, sorted(counts.index), counts, to_come)
        return
    distinct = list(counts.index)
    if all(text == text.strip() for text in distinct):
        yield Rule(name, "trimmed", True, "proposed", "no value begins or ends with a space")
    if all(_rules.readable(text) for text in distinct):
        yield Rule(name, "readable", True, "proposed", "no value shows a broken encoding")
    if len(known) >= 20 and len(counts) == len(known):
        yield Rule(name, "unique", True, "question", f"all {len(known):,} differ: is it a key?")
    shapes = {_shape(text) for text in distinct}
    if len(shapes) == 1 and len(distinct) >= 20:
        shape = shapes.pop()
        if shape != "[A-Za-z]+":
            why = f"all {len(distinct):,} different values have this form: must they?"
            yield Rule(name, "pattern", shape, "question", why)


def _shape(text: str) -> str:
    """A regular expression of the runs of figures and letters."""
    runs = re.findall(r"[0-9]+|[A-Za-z]+|[^0-9A-Za-z]", text)
    return "".join(
        r"\d+" if run[0].isdigit() and run.isascii()
        else "[A-Za-z]+" if run.isascii() and run.isalpha()
        else re.escape(run)
        for run in runs
    )  # fmt: skip


def _of_times(name: str, known: pd.Series) -> Iterator[Rule]:
    zones = _zones(known)
    if len(zones) == 1:
        zone = zones.pop()
        said = {"none": "no time carries a zone"}.get(zone, f"every time is in {zone}")
        yield Rule(name, "zone", zone, "proposed", said)
    elif "none" not in zones:
        yield Rule(name, "zone", "any", "proposed", "every time carries its zone")
    else:
        yield Rule(name, "zone", "any", "question", "some times carry a zone and some do not")
    seconds = _kinds.seconds_of(known)
    first, last = (
        pd.Timestamp(end, unit="s", tz="UTC").isoformat(timespec="seconds").replace("+00:00", "Z")
        for end in (np.nanmin(seconds), np.nanmax(seconds))
    )
    if np.nanmax(seconds) <= time.time():
        why = f"seen {first} to {last}, all in the past when this was proposed"
        yield Rule(name, "range", [None, _rules.NOW], "proposed", why)
    else:
        why = f"seen {first} to {last}, some in the future: what can there be?"
        yield Rule(name, "range", [first, last], "question", why, beyond(len(known), len(known)))


def _zones(known: pd.Series) -> set[str]:
    if isinstance(known.dtype, pd.DatetimeTZDtype):
        name = str(known.dt.tz)
        try:
            return {_named(name)}
        except ValueError:
            return {"any", "other"}
    offsets = {moment.utcoffset() for v in known if (moment := _kinds.when(v)) is not None}
    if offsets == {None}:
        return {"none"}
    if None in offsets:
        return {"none", "any"}
    return {"UTC"} if all(not offset for offset in offsets) else {"any", "other"}


def _named(name: str) -> str:
    return str(_rules._zone("UTC" if name in ("UTC", "utc", "UTC+00:00") else name))


def _orders(reference: pd.DataFrame) -> Iterator[Rule]:
    """Pairs of columns where one never lies above the other, though by chance it would."""
    kinds = {name: _kinds.infer(reference[name]) for name in reference.columns}
    read = {
        name: _kinds.seconds_of(reference[name]) if kind == "time" else
        _kinds.numbers_of(reference[name])
        for name, kind in kinds.items() if kind in ("integer", "number", "time")
    }  # fmt: skip
    for one, two in permutations(read, 2):
        both_times = kinds[one] == kinds[two] == "time"
        if not both_times and ("time" in (kinds[one], kinds[two]) or not _named_as_pair(one, two)):
            continue
        a, b = read[one], read[two]
        known = ~(np.isnan(a) | np.isnan(b))
        a, b = a[known], b[known]
        if len(a) < 20 or not (a <= b).all() or (a == b).all():
            continue
        # Rows turned against one another: how often would it not hold if they had no tie?
        turned = np.mean([(a > np.roll(b, step)).mean() for step in (1, 7, 13)])
        if turned * len(a) >= 5:
            why = (
                f"holds in all {len(a):,} rows; with rows mixed at random it would not in "
                f"{_show.percent(turned)}: must it?"
            )
            yield Rule(one, "before", two, "question", why)


def _named_as_pair(one: str, two: str) -> bool:
    a, b = one.lower(), two.lower()
    return any(x in a and a.replace(x, y) == b for x, y in _PAIRED)


def _of_table(reference: pd.DataFrame) -> Iterator[Rule]:
    n = len(reference)
    yield Rule("", "extra", False, "proposed", f"{_count(len(reference.columns), 'column')} known")
    yield Rule(
        "", "rows", [max(1, n // 2), None], "question",
        f"{_count(n, 'row')} here; how many must there be? A table cut short shows in nothing else",
    )  # fmt: skip
    repeated = int(_run.duplicated(reference).sum())
    if repeated:
        yield Rule("", "duplicates", True, "proposed", f"{_count(repeated, 'row')} repeat another")
        return
    chance = _meetings(reference)
    if chance < 1e-3:
        why = "no row comes twice, and by chance none would"
        yield Rule("", "duplicates", False, "proposed", why)
    else:
        why = (
            "no row comes twice, but with so few different values rows may be equal by chance "
            f"(about {chance:.2g} pairs in a table of this size): may they?"
        )
        yield Rule("", "duplicates", False, "question", why, float(1 - np.exp(-chance)))


def _meetings(reference: pd.DataFrame) -> float:
    """Pairs of equal rows to expect if columns were independent."""
    n = len(reference)
    if n < 2:
        return float("inf")
    total = n * (n - 1) / 2
    for name in reference.columns:
        counts = reference[name].astype(str).value_counts()
        total *= float((counts * (counts - 1)).sum()) / (n * (n - 1))
    return total
