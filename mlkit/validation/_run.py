"""The declared rules as pandera's checks, and which rows of a table break which."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlkit.validation import _kinds, _rules
from mlkit.validation._rules import Rule


def built(rules: Sequence[Rule], clock: _kinds.Clock, *, cases: int | None = None) -> Any:
    """A ``DataFrameSchema``; ``cases`` limits the failures pandera copies out for each check."""
    import pandera.pandas as pa

    by_column: dict[str, list[Rule]] = {}
    for rule in rules:
        by_column.setdefault(rule.column, []).append(rule)
    of_table = by_column.pop("", [])
    flags = {
        (r.column, r.rule): not _rules.silent(r.rule, r.value)
        for r in rules
        if r.rule in _rules.SILENT
    }
    columns = {
        name: pa.Column(
            None,
            checks=[c for r in ones if (c := _column_check(r, clock, cases)) is not None],
            nullable=True,  # the rule "missing" is a check of its own, which names it so
            required=flags.get((name, "required"), False),
        )
        for name, ones in by_column.items()
    }
    orders = [r for ones in by_column.values() for r in ones if r.rule == "before"]
    return pa.DataFrameSchema(
        columns,
        checks=[_table_check(r, cases) for r in [*orders, *of_table] if r.rule != "extra"],
        strict=flags.get(("", "extra"), False),
    )


def _column_check(rule: Rule, clock: _kinds.Clock, cases: int | None) -> Any:
    import pandera.pandas as pa

    name, value = rule.rule, rule.value
    if _rules.silent(name, value) or name in ("required", "before"):
        return None

    def test(values: pd.Series) -> pd.Series:
        if name == "missing":
            kept = values.notna().to_numpy()
        elif name == "unique":
            kept = ~duplicated(values)
        else:
            kept = _rules.mask(values, name, value, clock)
        return pd.Series(kept, index=values.index, dtype=bool)

    return pa.Check(test, name=name, error=name, ignore_na=name != "missing", n_failure_cases=cases)


def _table_check(rule: Rule, cases: int | None) -> Any:
    import pandera.pandas as pa

    name, value = rule.rule, rule.value

    def test(table: pd.DataFrame) -> Any:
        if name == "rows":
            low, high = value
            return not (low is not None and len(table) < low) and not (
                high is not None and len(table) > high
            )
        kept = np.full(len(table), True)
        if name == "before" and {rule.column, value} <= set(table.columns):
            kept = _rules.in_order(table[rule.column], table[value])
        elif name == "duplicates" and not value:
            kept = ~duplicated(table)
        elif name == "unique" and set(value) <= set(table.columns):
            kept = ~duplicated(table[value])
        return pd.Series(kept, index=table.index, dtype=bool)

    label = f"{name} {rule.column}".strip()
    return pa.Check(test, name=label, error=label, ignore_na=False, n_failure_cases=cases)


def duplicated(table: pd.DataFrame | pd.Series) -> np.ndarray:
    try:
        return table.duplicated().to_numpy()
    except TypeError:  # lists and the like, which cannot be hashed
        return table.astype(str).duplicated().to_numpy()


def broken(
    table: pd.DataFrame, rules: Sequence[Rule], clock: _kinds.Clock
) -> dict[tuple[str, str], np.ndarray]:
    """(column, rule) -> rows that break it, by position; no rows for a rule of a whole table.

    ``table`` has an index from 0 up and each column once.
    """
    import pandera.pandas as pa

    if not rules:
        return {}
    try:
        # One failure a check: pandera would copy out every cell of every failing row, and the
        # masks it leaves behind say all.
        built(rules, clock, cases=1).validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return dict(_found(error) for error in errors.schema_errors)
    return {}


def _found(error: Any) -> tuple[tuple[str, str], np.ndarray]:
    none = np.zeros(0, int)
    reason = error.reason_code.name
    if reason == "COLUMN_NOT_IN_DATAFRAME":
        return (str(error.failure_cases), "required"), none
    if reason == "COLUMN_NOT_IN_SCHEMA":
        return (str(error.failure_cases), "extra"), none
    rule, _, of_order = str(error.check.name).partition(" ")
    column = error.schema.name if of_order == "" else of_order
    output = error.check_output
    if output is None or isinstance(output, bool | np.bool_):
        if reason == "CHECK_ERROR":
            raise error
        return (column or "", rule), none
    return (column or "", rule), output.index[~output.to_numpy(bool)].to_numpy(int)
