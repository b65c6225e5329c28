"""What a table breaks, and in what it differs: declared and statistical, kept apart."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _stats
from mlkit._tables import _count, _some
from mlkit.validation import _faults, _kinds, _pictures, _rules, _run, _shifts, _tests
from mlkit.validation._faults import Fault
from mlkit.validation._schema import Schema

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "validation.validate"
_COLUMNS = ["kind", "check", "column", "fault", "rows", "share", "examples", "found", "do"]


@dataclass(frozen=True)
class Report:
    """Findings of one table.

    ``table``: ``kind`` (declared, statistical), ``check, column, fault, rows`` (that break it),
    ``share`` of rows, ``examples, found, do``. ``share`` with ``low, high, n`` is over rows that
    break at least one declared rule. ``tests`` has every statistical comparison, found or not;
    ``rows`` one line for each broken rule of each row.
    """

    table: pd.DataFrame
    share: float
    low: float
    high: float
    n: int
    notes: tuple[str, ...]
    tests: pd.DataFrame = field(repr=False)
    rows: pd.DataFrame = field(repr=False)
    alpha: float = 0.05

    @property
    def ok(self) -> bool:
        """Whether no declared rule is broken; differences from a reference are no rule."""
        return not (self.table["kind"] == "declared").any()

    def __repr__(self) -> str:
        kinds = self.table["kind"].value_counts()
        declared, other = int(kinds.get("declared", 0)), int(kinds.get("statistical", 0))
        text = f"{_count(self.n, 'row')}: "
        if not declared:
            text += "no declared rule is broken"
        else:
            text += f"{_count(declared, 'fault')} against declared rules"
            if self.share > 0:
                text += f", in {_show.percent(self.share)} of rows"
        if len(self.tests):
            found = f"{_count(other, 'difference')}" if other else "no difference"
            text += (
                f"; {found} from the reference in {_count(len(self.tests), 'comparison')} (where "
                f"nothing changed at most {100 * self.alpha:g} % of tables show any)"
            )
        return f"{text}."

    def _repr_html_(self) -> str:
        return _pictures.report_html(self)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Per column the share of rows that break a rule, and how far it is from the reference."""
        return _pictures.report_plot(self, ax)


def validate(
    table: pd.DataFrame,
    schema: Schema,
    *,
    reference: pd.DataFrame | None = None,
    alpha: float = 0.05,
    now: Any = None,
) -> Report:
    """Does a table keep its declared rules, and does it look like the reference?

    Declared rules are right or wrong and are run by pandera. Differences from the reference are
    estimates: both tables are taken as samples with independent rows (Kolmogorov-Smirnov,
    chi-square, Fisher), and the false discovery rate is held at ``alpha`` (Benjamini and Hochberg
    1995), so where nothing changed at most that share of tables shows anything. Columns declared
    ``unique`` are not compared: keys are new in each table.

    Parameters
    ----------
    table : any; an empty one, or one with strange columns, is told in the report.
    schema : from ``declare`` or ``read_schema``.
    reference : rows that are believed to be right.
    now : the time that "now" means in a range; by default the present.

    Raises
    ------
    ValueError
        Nothing is declared yet, or the reference is empty.

    Examples
    --------
    >>> from mlkit.validation import declare, propose
    >>> draft = propose(pd.DataFrame({"age": list(range(20, 60)) * 5}))
    >>> schema = declare(draft, {"age": {"range": (0, 120)}})
    >>> validate(pd.DataFrame({"age": [31, 44, 280]}), schema).table[["column", "fault", "rows"]]
      column         fault  rows
    0    age  out of range     1
    """
    _checked(table, schema, reference, alpha)
    clock = _clock(now)
    faults = list(_of_names(table))
    work = _usable(table)
    rules = schema.declared
    broken = _run.broken(work, rules, clock)
    faults += _declared(work, schema, broken, clock)
    notes = list(_notes(schema))
    tests = _no_tests()
    others: list[Fault] = []
    if reference is not None:
        tests, others = _statistical(work, schema, _usable(reference), alpha)
        notes += _on_tests(tests, work, reference)
        if others:
            exchanged = {o.column for o in others if o.fault == "swapped columns"}
            notes += _on_exchange(exchanged)
    n = len(work)
    any_broken = np.zeros(n, bool)
    for fault in faults:
        any_broken[fault.rows] = True
    low, high = _stats.wilson(int(any_broken.sum()), n)
    lines = [_line("declared", f, work) for f in faults]
    lines += [_line("statistical", f, work) for f in others]
    return Report(
        table=pd.DataFrame(lines, columns=_COLUMNS).astype({"rows": "Int64", "share": float}),
        share=float(any_broken.mean()) if n else float("nan"),
        low=float(low),
        high=float(high),
        n=n,
        notes=tuple(notes),
        tests=tests,
        rows=_rows(faults, work, table),
        alpha=alpha,
    )


def _checked(table: Any, schema: Any, reference: Any, alpha: float) -> None:
    for value, name in ((table, "a table"), (reference, "the reference")):
        if not isinstance(value, pd.DataFrame) and not (value is None and name != "a table"):
            raise TypeError(
                f"{_FUNCTION}() needs {name} as a pandas DataFrame; got {type(value).__name__}."
            )
    if not isinstance(schema, Schema):
        raise TypeError(
            f"{_FUNCTION}() needs a schema from validation.declare() or validation.read_schema(); "
            f"got {type(schema).__name__}."
        )
    if not schema.declared:
        raise ValueError(
            f"{_FUNCTION}() was given a draft in which nothing is declared: look through "
            "draft.table, then validation.declare(draft, {...})."
        )
    if reference is not None and reference.empty:
        raise ValueError(f"{_FUNCTION}() needs a reference with rows; this one has none.")
    if not (isinstance(alpha, float) and 0 < alpha < 1):
        raise ValueError(f"{_FUNCTION}() needs alpha between 0 and 1, such as 0.05; got {alpha!r}.")


def _clock(now: Any) -> _kinds.Clock:
    if now is None:
        present = time.time()
        return lambda: present
    moment = _kinds.seconds(now)
    if np.isnan(moment):
        raise ValueError(f'{_FUNCTION}() needs now as a time, such as "2026-01-31"; got {now!r}.')
    return lambda: moment


def _usable(table: pd.DataFrame) -> pd.DataFrame:
    """Columns with a name of their own, and the index from 0 up."""
    named = [isinstance(name, str) for name in table.columns]
    work = table.loc[:, np.asarray(named, bool) & ~table.columns.duplicated()]
    return _kinds.dense(work).reset_index(drop=True)


def _of_names(table: pd.DataFrame) -> Iterator[Fault]:
    none = np.zeros(0, int)
    twice = table.columns[table.columns.duplicated()].unique()
    for name in twice:
        yield Fault(
            "names", str(name), "duplicate column name", none,
            f"{int((table.columns == name).sum())} columns named {name!r}; the first was checked",
            "find out which is which and rename one",
        )  # fmt: skip
    other = [name for name in table.columns if not isinstance(name, str)]
    if other:
        yield Fault(
            "names", "", "column name not text", none,
            f"{_count(len(other), 'column')} named {_some(other)}, not checked",
            "was the header lost? df.rename(columns=str) makes them text",
        )  # fmt: skip


def _declared(
    work: pd.DataFrame,
    schema: Schema,
    broken: dict[tuple[str, str], np.ndarray],
    clock: _kinds.Clock,
) -> Iterator[Fault]:
    rules = {(rule.column, rule.rule): rule for rule in schema.declared}
    missing = [column for column, rule in broken if rule == "required"]
    extra = [column for column, rule in broken if rule == "extra"]

    def keeps(new: str, old: str) -> bool:
        return _keeps(work[new], old, schema, clock)

    yield from _faults.of_columns(missing, extra, work, keeps)
    exchanged = _exchanged(work, schema, broken, clock)
    for one, two in exchanged:
        rows = np.unique(np.concatenate([r for (c, _), r in broken.items() if c in (one, two)]))
        yield Fault(
            "type and range", f"{one}, {two}", "swapped columns", rows,
            f"the values of {one} keep what was declared of {two}, and those of {two} what was "
            f"declared of {one}",
            f'exchange them: df.rename(columns={{"{one}": "{two}", "{two}": "{one}"}})',
        )  # fmt: skip
    explained = {name for pair in exchanged for name in pair}
    for key, rows in broken.items():
        if key[1] in ("required", "extra") or key[0] in explained:
            continue
        yield from _faults.of_rule(rules[key], rows, work)
    if not len(work) and ("", "rows") not in broken:
        yield Fault(
            "rows", "", "empty table", np.zeros(0, int), "the table has no rows",
            "fetch it again; an empty table keeps every rule of values",
        )  # fmt: skip


def _keeps(values: pd.Series, column: str, schema: Schema, clock: _kinds.Clock) -> bool:
    known = values.dropna()
    tests = schema._by_value.get(column, [])
    return all(
        _rules.mask(known, rule.rule, rule.value, clock).mean() >= 0.9
        for rule, _ in tests
        if len(known)
    )


def _exchanged(
    work: pd.DataFrame,
    schema: Schema,
    broken: dict[tuple[str, str], np.ndarray],
    clock: _kinds.Clock,
) -> list[tuple[str, str]]:
    """Pairs of columns that mostly break their own rules and keep the other's."""
    worst: dict[str, float] = {}
    for (column, rule), rows in broken.items():
        if rule in _rules.VALUE_RULES and column in work.columns:
            share = len(rows) / max(int(work[column].notna().sum()), 1)
            worst[column] = max(worst.get(column, 0.0), share)
    names = [name for name, share in worst.items() if share > 0.5]
    pairs: list[tuple[str, str]] = []
    for place, one in enumerate(names):
        for two in names[place + 1 :]:
            if any(one in pair or two in pair for pair in pairs):
                continue
            if _keeps(work[one], two, schema, clock) and _keeps(work[two], one, schema, clock):
                pairs.append((one, two))
    return pairs


def _statistical(
    work: pd.DataFrame,
    schema: Schema,
    reference: pd.DataFrame,
    alpha: float,
) -> tuple[pd.DataFrame, list[Fault]]:
    from scipy.stats import false_discovery_control

    skip = {r.column for r in schema.declared if r.rule == "unique" and r.value is True}
    found = [t for t in _tests.run(work, reference, skip=skip) if not np.isnan(t.p)]
    if not found:
        return _no_tests(), []
    q = false_discovery_control([test.p for test in found], method="bh")
    tests = pd.DataFrame(found).assign(q=q, differs=q <= alpha)
    chosen = [test for test, value in zip(found, q, strict=True) if value <= alpha]
    suspects = list(dict.fromkeys(t.column for t in chosen if t.check != "missing share"))
    none = np.zeros(0, int)
    faults = []
    pairs = _shifts.swapped(suspects, work, reference)
    for one, two, shift in pairs:
        faults.append(Fault("distribution", f"{one}, {two}", *_ordered(shift, none)))
    explained = {name for one, two, _ in pairs for name in (one, two)}
    for test in chosen:
        if test.column in explained and test.check != "missing share":
            continue
        shift = _shifts.named(test.column, work[test.column], reference[test.column], test)
        faults.append(Fault(test.check, test.column, *_ordered(shift, none)))
    return tests.drop(columns="what").assign(what=tests["what"]), faults


def _ordered(shift: _shifts.Shift, rows: np.ndarray) -> tuple[str, np.ndarray, str, str]:
    return shift.fault, rows, shift.found, shift.do


def _no_tests() -> pd.DataFrame:
    return pd.DataFrame(columns=[*_tests.Test._fields[:-1], "q", "differs", "what"])


def _line(kind: str, fault: Fault, work: pd.DataFrame) -> dict[str, Any]:
    examples = ""
    column = fault.column
    if len(fault.rows) and column in work.columns:
        examples = _faults.shown(work[column].iloc[fault.rows])
    whole = not len(fault.rows)
    return {
        "kind": kind,
        "check": fault.check,
        "column": column,
        "fault": fault.fault,
        "rows": pd.NA if whole else len(fault.rows),
        "share": np.nan if whole else len(fault.rows) / len(work),
        "examples": examples,
        "found": fault.found,
        "do": fault.do,
    }


def _rows(faults: list[Fault], work: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """``row`` (the caller's index), ``column, check, fault, value``."""
    columns = ["row", "column", "check", "fault", "value"]
    parts = []
    for fault in faults:
        if not len(fault.rows):
            continue
        known = fault.column in work.columns
        values = work[fault.column].iloc[fault.rows].astype(object).to_numpy() if known else None
        part = pd.DataFrame({"row": table.index[fault.rows]})
        part["column"], part["check"], part["fault"] = fault.column, fault.check, fault.fault
        part["value"] = pd.Series(values, index=part.index, dtype=object)
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _notes(schema: Schema) -> Iterator[str]:
    if schema.questions:
        asked = [f"{rule.rule} of {rule.column or 'the table'}" for rule in schema.questions]
        yield (
            f"{_count(len(asked), 'question')} of the schema open and not checked: "
            f"{_some(asked, 6)}. Answer with validation.declare()."
        )


def _on_tests(tests: pd.DataFrame, work: pd.DataFrame, reference: pd.DataFrame) -> Iterator[str]:
    compared = set(tests["column"])
    shared = [c for c in reference.columns if c in work.columns and c not in compared]
    if shared:
        yield (
            f"Not compared with the reference: {_some(shared, 6)} (keys, columns of another kind "
            "than there, or too few values)."
        )
    yield (
        "The comparisons take rows as independent: where several rows come from one person or "
        "machine they see differences too easily."
    )
    fewest = tests["n"].min() if len(tests) else 0
    if 0 < fewest < 30:
        yield f"With as few as {_count(int(fewest), 'row')} only large differences can be seen."


def _on_exchange(columns: set[str]) -> Iterator[str]:
    if columns:
        yield f"Of exchanged columns ({_some(sorted(columns))}) single differences are not listed."
