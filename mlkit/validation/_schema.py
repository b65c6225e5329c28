"""Rules proposed, asked, declared: the schema, its file, and one row held against it."""

import datetime
import difflib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mlkit import _files, _show
from mlkit._tables import _count, _some
from mlkit.validation import _pictures, _rules
from mlkit.validation._kinds import is_missing
from mlkit.validation._rules import Broken, Rule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STATUS = ("proposed", "question", "declared", "rejected")
_FORMAT = "mlkit schema"
_COLUMNS = ["column", "rule", "value", "status", "why", "false_alarms"]


@dataclass(frozen=True)
class Schema:
    """Rules for a table, and what a person has said of each.

    ``table``: ``column`` ("" for the table itself), ``rule, value`` (as text one can edit),
    ``status`` (proposed, question, declared, rejected), ``why``, ``false_alarms`` (how often a
    clean table would break it; missing where nothing is known). Only declared rules are checked.
    """

    rules: tuple[Rule, ...] = field(repr=False)
    about: Mapping[str, Any] = field(repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """One row a rule, open or declared, with how often it would be a false alarm."""
        rows = [rule._replace(value=_rules.text(rule.value)) for rule in self.rules]
        return pd.DataFrame(rows, columns=_COLUMNS).astype({"false_alarms": float})

    @property
    def declared(self) -> tuple[Rule, ...]:
        """What holds: the rules somebody has answered for."""
        return self.having("declared")

    @property
    def questions(self) -> tuple[Rule, ...]:
        """What was seen, and nobody has answered for yet."""
        return self.having("question")

    def having(self, status: str) -> tuple[Rule, ...]:
        """The rules of one status: proposed, question, declared or rejected."""
        return tuple(rule for rule in self.rules if rule.status == status)

    @property
    def false_alarms(self) -> float:
        """How often a clean table breaks at least one open question, taken as it stands."""
        kept = 1.0
        for rule in self.questions:
            kept *= 1 - (0 if pd.isna(rule.false_alarms) else rule.false_alarms)
        return 1 - kept

    @cached_property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(rule.column for rule in self.rules if rule.column))

    def __repr__(self) -> str:
        columns = _count(len(self.columns), "column")
        told = f"{_count(len(self.declared), 'rule')} declared for {columns}"
        if not self.declared:
            told = f"A draft for {columns}: {_count(len(self.having('proposed')), 'rule')} proposed"
        open_ = len(self.questions)
        if not open_:
            return f"{told}, no question open."
        text = f"{told}, {_count(open_, 'question')} open"
        if self.false_alarms > 0:
            text += (
                ". With the answers that these data suggest, about "
                f"{_show.percent(self.false_alarms)} of good tables with "
                f"{_count(self.about.get('rows_to_come', 0), 'row')} would be refused by mistake"
            )
        return f"{text}."

    def _repr_html_(self) -> str:
        return _pictures.schema_html(self)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """How often a clean table would break each rule if it were taken as the data stand."""
        return _pictures.schema_plot(self, ax)

    def pandera(self) -> Any:
        """The declared rules as a ``pandera.pandas.DataFrameSchema``, for pipelines that use it."""
        from mlkit.validation import _run

        return _run.built(self.declared, time.time)

    @cached_property
    def _by_value(self) -> dict[str, list[tuple[Rule, Callable[[Any], bool]]]]:
        tests: dict[str, list[tuple[Rule, Callable[[Any], bool]]]] = {}
        for rule in self.declared:
            if rule.rule in _rules.VALUE_RULES and not _rules.silent(rule.rule, rule.value):
                test = _rules.test_of(rule.rule, rule.value, time.time)
                tests.setdefault(rule.column, []).append((rule, test))
        return tests

    @cached_property
    def _flags(self) -> dict[str, frozenset[str]]:
        """Columns by the flag that is declared and asks for something."""
        return {
            name: frozenset(
                r.column for r in self.declared
                if r.rule == name and not _rules.silent(name, r.value)
            )
            for name in ("required", "missing", "extra")
        }  # fmt: skip

    @cached_property
    def _orders(self) -> list[Rule]:
        return [rule for rule in self.declared if rule.rule == "before"]


def declare(
    draft: Schema | pd.DataFrame,
    answers: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    by: str | None = None,
) -> Schema:
    """Make a draft one's own: what was proposed holds, what was asked is answered.

    Parameters
    ----------
    draft : from ``propose``, or its ``table`` after editing (``column, rule, value, status``).
    answers : column -> rule -> value, for example ``{"age": {"range": (0, 120)}, "id": {"unique":
        True}}``; the column "" is the table itself. ``"yes"`` takes a value as it was proposed,
        ``"no"`` turns the rule down. A rule the draft does not have is added.
    by : who declares it; kept in the file.

    Returns
    -------
    Schema
        Proposed rules are now declared; a question without an answer stays open, is not checked,
        and every report says so. Rules: ``type, range, categories, pattern, zone, trimmed,
        readable, required, missing, unique, before`` and for the table ``extra, rows, duplicates,
        unique``.

    Examples
    --------
    >>> from mlkit.validation import propose
    >>> draft = propose(pd.DataFrame({"age": list(range(20, 60)) * 5}))
    >>> declare(draft, {"age": {"range": (0, 120)}, "": {"rows": "no"}})
    6 rules declared for 1 column, no question open.
    """
    schema = _from_table(draft) if isinstance(draft, pd.DataFrame) else draft
    if not isinstance(schema, Schema):
        raise TypeError(
            "validation.declare() needs a draft from validation.propose(), or its table after "
            f"editing; got {type(draft).__name__}."
        )
    rules = {(r.column, r.rule): r for r in schema.rules}
    for key, rule in rules.items():
        if rule.status == "proposed":
            rules[key] = rule._replace(status="declared")
    for column, wanted in (answers or {}).items():
        if not isinstance(wanted, Mapping):
            raise TypeError(
                "validation.declare() needs answers as column -> rule -> value, for example "
                f'{{{column!r}: {{"range": (0, 120)}}}}; got {wanted!r}.'
            )
        _known_column(column, wanted, schema)
        for name, value in wanted.items():
            rules[column, name] = _answer(rules.get((column, name)), column, name, value)
    about = {**schema.about, "declared_at": _now()} | ({"declared_by": by} if by else {})
    return Schema(tuple(rules.values()), about)


def _answer(before: Rule | None, column: str, name: str, value: Any) -> Rule:
    if isinstance(value, str) and value in ("yes", "no"):
        if before is None:
            raise ValueError(
                f"validation.declare() was told {value!r} to the rule {name!r} of {column!r}, "
                "which the draft does not have; give its value."
            )
        return before._replace(status="declared" if value == "yes" else "rejected")
    value = _rules.read(column, name, value, function="validation.declare")
    if before is None:
        return Rule(column, name, value, "declared", "declared without a proposal")
    return before._replace(value=value, status="declared")


def _known_column(column: str, wanted: Mapping[str, Any], schema: Schema) -> None:
    if column in schema.columns or column == "" or "type" in wanted:
        return
    near = difflib.get_close_matches(str(column), schema.columns, n=1)
    raise ValueError(
        f"validation.declare() was given answers for {column!r}, which is no column of the draft"
        + (f"; did you mean {near[0]!r}?" if near else f" ({_some(schema.columns, 8)}).")
        + ' A new column needs its "type".'
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _from_table(table: pd.DataFrame) -> Schema:
    missing = [name for name in ("column", "rule", "value", "status") if name not in table.columns]
    if missing:
        raise ValueError(
            "validation.declare() needs the columns column, rule, value, status; missing: "
            f"{', '.join(missing)}. Found: {', '.join(map(str, table.columns))}."
        )
    rules = []
    for row in table.to_dict("records"):
        column = "" if is_missing(row["column"]) else str(row["column"])
        name, status = str(row["rule"]), str(row["status"])
        if status not in STATUS:
            raise ValueError(
                f"validation.declare() needs a status of {', '.join(STATUS)} in each row; the rule "
                f"{name!r} of {column!r} has {status!r}."
            )
        value = _rules.read(
            column, name, _rules.parsed(row["value"]), function="validation.declare"
        )
        why, rate = row.get("why", ""), row.get("false_alarms", float("nan"))
        rules.append(Rule(column, name, value, status, str(why), float(rate)))
    return Schema(tuple(rules), {})


def check_row(row: Mapping[str, Any], schema: Schema) -> list[Broken]:
    """Which declared rules does one row break? For servers: microseconds, no table built.

    A row of JSON will do: None is a missing value, a time may be text. Rules of whole columns and
    tables (unique, rows, duplicates) cannot be seen in one row. ``validate`` of a table of this
    one row finds the same.

    Parameters
    ----------
    row : column -> value.
    schema : declared.

    Returns
    -------
    list
        ``column, check, value, found`` (a sentence) for each broken rule; empty where all is well.

    Examples
    --------
    >>> from mlkit.validation import declare, propose
    >>> draft = propose(pd.DataFrame({"age": list(range(20, 60)) * 5}))
    >>> schema = declare(draft, {"age": {"range": (0, 120)}})
    >>> [broken.found for broken in check_row({"age": -3}, schema)]
    ['age is -3; declared: 0 to 120.']
    """
    if not isinstance(row, Mapping):
        raise TypeError(
            "validation.check_row() needs one row as column -> value, for example "
            f"df.iloc[0].to_dict(); got {type(row).__name__}."
        )
    flags, tests = schema._flags, schema._by_value
    broken = []
    for column in schema.columns:
        if column not in row:
            if column in flags["required"]:
                broken.append(_broken(column, "required", True, None))
            continue
        value = row[column]
        if is_missing(value):
            if column in flags["missing"]:
                broken.append(_broken(column, "missing", False, None))
            continue
        broken += [
            _broken(column, rule.rule, rule.value, value)
            for rule, test in tests.get(column, ())
            if not test(value)
        ]
    for rule in schema._orders:
        pair = (row.get(rule.column), row.get(rule.value))
        if not _rules.in_order_pair(*pair):
            broken.append(_broken(rule.column, "before", rule.value, pair))
    if flags["extra"]:
        known = schema.columns
        broken += [_broken("", "extra", False, name) for name in row if name not in known]
    return broken


def _broken(column: str, rule: str, declared: Any, value: Any) -> Broken:
    return Broken(column, rule, value, _rules.sentence(column, rule, declared, value))


def write_schema(schema: Schema, path: str | Path) -> Path:
    """Write a schema as JSON that a person can read and edit; all of it or nothing.

    >>> import tempfile
    >>> from mlkit.validation import declare, propose
    >>> schema = declare(propose(pd.DataFrame({"age": [31, 44] * 20})))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_schema(write_schema(schema, folder + "/schema.json")).table.equals(schema.table)
    True
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r}: make it, then write.")
    columns: dict[str, dict[str, Any]] = {name: {} for name in schema.columns}
    of_table: dict[str, Any] = {}
    for rule in schema.declared:
        (columns[rule.column] if rule.column else of_table)[rule.rule] = rule.value
    history = [
        {**rule._asdict(), "false_alarms": None if pd.isna(rate) else rate}
        for rule in schema.rules
        for rate in [rule.false_alarms]
    ]
    content = {
        "format": _FORMAT,
        "version": 1,
        "about": dict(schema.about),
        "table": of_table,
        "columns": columns,
        "history": history,
    }
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    _files.write_atomic(path, text + "\n")
    return path


def read_schema(path: str | Path) -> Schema:
    """Read a schema; what stands under ``columns`` and ``table`` holds, edited by hand or not.

    Raises FileNotFoundError where there is none, ValueError where it cannot be read.

    Examples
    --------
    >>> from mlkit.validation import propose
    >>> path = getfixture("tmp_path") / "schema.json"
    >>> _ = write_schema(propose(pd.DataFrame({"age": range(30)})), path)
    >>> read_schema(path).table["column"].unique().tolist()
    ['age', '']
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no schema at {str(path)!r}: declare one and write it with "
            "validation.write_schema(), as notebook 04 does."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        sections = {"": dict(content["table"]), **content["columns"]}
        history = {(row["column"], row["rule"]): Rule(**row) for row in content.get("history", [])}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{str(path)!r} is not a schema of mlkit ({error!r}).") from error
    if content.get("format") != _FORMAT or content.get("version") != 1:
        raise ValueError(
            f"{str(path)!r} is not a schema this mlkit can read: format {content.get('format')!r}, "
            f"version {content.get('version')!r}."
        )
    rules: dict[tuple[str, str], Rule] = {}
    for key, rule in history.items():
        rate = float("nan") if rule.false_alarms is None else rule.false_alarms
        rule = rule._replace(false_alarms=rate)
        if rule.status == "declared" and key[1] not in sections.get(key[0], {}):
            rule = rule._replace(status="rejected")  # somebody took it out of the file
        rules[key] = rule
    for column, wanted in sections.items():
        for name, value in wanted.items():
            value = _rules.read(column, name, value, function="validation.read_schema")
            before = rules.get((column, name), Rule(column, name, value, "", "edited in the file"))
            rules[column, name] = before._replace(value=value, status="declared")
    return Schema(tuple(rules.values()), content["about"])
