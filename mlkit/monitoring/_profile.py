"""A table in counts that add up over hours, machines and partitions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import TableError
from mlkit.monitoring import _columns, _measured
from mlkit.monitoring._columns import Classes, Column, Numbers

_FUNCTION = "monitoring.profile"
KINDS = ("number", "class", "text", "image", "audio", "skip")
_VERSION = 1


@dataclass(frozen=True)
class Profile:
    """What each column of a table looks like. ``a + b`` is the profile of both tables.

    ``n`` counts rows, ``columns`` maps names to what was counted, ``kinds`` says how each was
    read. ``to_json`` and ``from_json`` keep it in a small file.
    """

    n: int
    columns: Mapping[str, Column]
    kinds: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: "Profile") -> "Profile":
        """Counts added up; both must have the same columns and bins (made with ``like=``)."""
        if not isinstance(other, Profile):
            return NotImplemented
        lacking = _columns.unlike([*self.columns, *other.columns], [*self.columns]) or (
            _columns.unlike([*self.columns], [*other.columns])
        )
        if lacking:
            raise TableError(f"profiles of other columns cannot be added; only one has {lacking}.")
        parts = [(name, one, other.columns[name]) for name, one in self.columns.items()]
        return Profile(self.n + other.n, _columns.joined(parts), self.kinds)

    def __repr__(self) -> str:
        numbers = sum(isinstance(one, Numbers) for one in self.columns.values())
        names = len(self.columns) - numbers
        return (
            f"{self.n:,} rows: {_tables._count(numbers, 'column')} of numbers, {names:,} of names."
        )

    def to_json(self) -> str:
        """The profile as text that ``from_json`` reads."""
        columns = {name: column.to_dict() for name, column in self.columns.items()}
        return json.dumps(
            {"version": _VERSION, "n": self.n, "kinds": dict(self.kinds), "columns": columns}
        )

    @classmethod
    def from_json(cls, text: str) -> "Profile":
        """The profile that ``to_json`` wrote."""
        given = json.loads(text)
        if given.get("version") != _VERSION:
            raise ValueError(
                f"this profile was written in version {given.get('version')!r} of the form, and "
                f"this is {_VERSION}: make it anew from the data."
            )
        columns = {name: _columns.of_dict(one) for name, one in given["columns"].items()}
        return cls(given["n"], columns, given["kinds"])


def profile(
    table: pd.DataFrame,
    *,
    like: Profile | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Profile:
    """What does this table look like, in counts that can be kept, added up and compared?

    Numbers are counted in up to 1,000 bins that hold about equally many each (each value its
    own bin where there are fewer), other columns by name. A profile made ``like`` another has
    its columns and bins, so that the two can be compared or added.

    Parameters
    ----------
    table : any; rows are not looked at one by one, so items need no names.
    like : the profile of the reference. A column it has and the table lacks is an error; one
        that only the table has is left out.
    kinds : for columns that are not what they seem: *number*, *class*, *text* (its length in
        characters is watched), *image* (a path: mean brightness, 0 to 1), *audio* (a path:
        loudness in dB below full scale), *skip*. ``item`` and times are skipped unasked.

    A number written as text is a name; missing values are counted beside the rest.

    Examples
    --------
    >>> monday = pd.DataFrame({"loudness_db": [-20.0, -22.5, None], "device": ["a", "b", "a"]})
    >>> one = profile(monday)
    >>> one
    3 rows: 1 column of numbers, 1 of names.
    >>> (one + profile(monday, like=one)).columns["device"].counts
    {'a': 4, 'b': 2}
    """
    asked = kinds_of(table, kinds, like=None if like is None else like.kinds)
    columns: dict[str, Column] = {}
    for name, kind in asked.items():
        before = None
        if like is not None:
            _same_kind(name, kind, like)
            before = like.columns[name]
        edges = before.edges if isinstance(before, Numbers) else None
        values = _measured.measured(table[name], kind)
        if kind == "class":
            columns[name] = _columns.classes(values, name)
        else:
            columns[name] = _columns.numbers(values.to_numpy(float, na_value=np.nan), edges)
    return Profile(len(table), columns, asked)


def kinds_of(
    table: pd.DataFrame,
    kinds: Mapping[str, str] | None,
    *,
    like: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The kind of each column that is counted: as asked, as in ``like``, or as it looks."""
    _checked(table)
    given = dict(kinds or {})
    for name, kind in given.items():
        if kind not in KINDS:
            raise ValueError(f"a kind is one of {', '.join(KINDS)}; got {kind!r} for {name!r}.")
        if name not in table:
            raise TableError(
                f"{_FUNCTION}() was told the kind of {name!r}, and there is no such column. "
                f"Found: {', '.join(map(str, table.columns))}."
            )
    if like is None:
        found = {str(name): given.get(str(name)) or _kind(table[name], str(name)) for name in table}
        return {name: kind for name, kind in found.items() if kind != "skip"}
    missing = [name for name in like if name not in table]
    if missing:
        raise TableError(
            f"{_FUNCTION}() needs the columns of the profile it is to be like; missing: "
            f"{_tables._some(missing)}. Found: {', '.join(map(str, table.columns)) or 'none'}."
        )
    return {**like, **{name: kind for name, kind in given.items() if name in like}}


def _checked(table: pd.DataFrame) -> None:
    if not isinstance(table, pd.DataFrame):
        raise TableError(
            f"{_FUNCTION}() needs a pandas DataFrame; it was given {_tables._kind(table)}."
        )
    twice = table.columns[table.columns.duplicated()].unique()
    if len(twice):
        raise TableError(
            f"{_FUNCTION}() cannot tell columns of one name apart; twice here: "
            f"{_tables._some(twice)}."
        )


def _kind(values: pd.Series, name: str) -> str:
    if name in ("item", "timestamp") or pd.api.types.is_datetime64_any_dtype(values):
        return "skip"
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        return "class"
    return "number"


def _same_kind(name: str, kind: str, like: Profile) -> None:
    was = "class" if isinstance(like.columns[name], Classes) else "number"
    now = "class" if kind == "class" else "number"
    if was != now:
        raise TableError(
            f"{_FUNCTION}() was asked to read {name!r} as {kind}, and the profile it is to be "
            f"like counted it as {like.kinds[name]}."
        )
