"""What differs between two runs."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mlkit.lineage import _log
from mlkit.lineage._log import Log
from mlkit.lineage._step import Step
from mlkit.lineage._values import LineageError

_COLUMNS = ["part", "name", "change", "before", "after"]


def diff(before: Any, after: Any, *, log: Log) -> pd.DataFrame:
    """What changed from one run to another: parameters, code, environment, inputs, outputs?

    Parameters
    ----------
    before, after : runs: the beginning of a run's id, a step that was just recorded, or a row of
        :func:`runs`.
    log : as in :func:`runs`.

    Returns
    -------
    DataFrame
        One row a difference, none for runs alike: ``part`` ("run", "parameters", "code",
        "environment", "inputs", "outputs"), ``name``, ``change`` ("added", "removed", "changed",
        or "moved": the same content in another place), ``before, after`` (of inputs and outputs
        the first 12 digits of the hash). Time, duration and person are no differences. Where both
        runs had uncommitted changes, the row ``dirty`` is "unknown": they may have been others.

    Examples
    --------
    >>> log = getfixture("tmp_path") / "log.jsonl"
    >>> from mlkit.lineage import record
    >>> one = record("train", parameters={"c": 1.0}, inputs={"features": b"1"}, log=log)
    >>> two = record("train", parameters={"c": 2.0}, inputs={"features": b"2"}, log=log)
    >>> found = diff(one["run"], two["run"], log=log).query("part != 'code'")
    >>> found[["part", "name", "change"]].values.tolist()
    [['parameters', 'c', 'changed'], ['inputs', 'features', 'changed']]
    """
    rows = _log.read(log, function="lineage.diff")
    old, new = _run(before, rows), _run(after, rows)
    found = []
    for part in ("run", "parameters", "code", "environment"):
        found += _plain(part, _flat(old, part), _flat(new, part))
    for part in ("inputs", "outputs"):
        found += _things(part, old[part], new[part])
    return pd.DataFrame(found, columns=_COLUMNS).astype({"before": object, "after": object})


def _run(wanted: Any, rows: list[dict[str, Any]]) -> dict[str, Any]:
    if isinstance(wanted, Step):
        wanted = wanted.record.get("run", "")
    elif isinstance(wanted, Mapping | pd.Series):
        wanted = wanted["run"]
    if not isinstance(wanted, str):
        raise LineageError(f"lineage.diff() needs runs by their ids, as text; got {wanted!r}.")
    found = {row["run"]: row for row in rows if row["run"].startswith(wanted)} if wanted else {}
    if len(found) == 1:
        return next(iter(found.values()))
    named = [row["run"] for row in rows if row["step"] == wanted]
    if named:
        raise LineageError(
            f"lineage.diff() needs the ids of runs, and {wanted!r} is a step with "
            f"{len(named):,} of them; the last are {_log.names(named[-3:])}."
        )
    what = "several runs begin" if found else "no run in the log begins"
    raise LineageError(f"lineage.diff(): {what} with {wanted!r}. lineage.runs(log) lists them.")


def _flat(row: dict[str, Any], part: str) -> dict[str, Any]:
    if part == "run":
        return {name: row[name] for name in ("step", "status", "why")}
    flat: dict[str, Any] = {}
    todo = list((row[part] or {}).items())
    while todo:
        name, value = todo.pop(0)
        if isinstance(value, dict):
            todo = [(f"{name}.{key}", each) for key, each in value.items()] + todo
        else:
            flat[name] = value
    return flat


def _plain(part: str, old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name in dict.fromkeys([*old, *new]):
        change = "added" if name not in old else "removed" if name not in new else "changed"
        a, b = old.get(name), new.get(name)
        if name == "dirty" and a is True and b is True:
            change = "unknown"
        if change != "changed" or _differ(a, b):
            found.append(dict(zip(_COLUMNS, (part, name, change, a, b), strict=True)))
    return found


def _differ(a: Any, b: Any) -> bool:
    return type(a) is not type(b) or a != b


def _things(
    part: str, old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Inputs or outputs held against each other: by place, then by content."""
    a, b = _by_place(old), _by_place(new)
    found: list[tuple[str, str, str, str | None, str | None]] = []
    lost = {place: sha for place, sha in a.items() if place not in b}
    come = {place: sha for place, sha in b.items() if place not in a}
    for place, sha in list(lost.items()):
        other = next((p for p, s in come.items() if s == sha), None)
        if other is not None:
            found.append((part, place[0], "moved", place[0], other[0]))
            del lost[place], come[other]
    found += [
        (part, place[0], "changed", sha[:12], b[place][:12])
        for place, sha in a.items()
        if place in b and sha != b[place]
    ]
    found += [(part, place[0], "removed", sha[:12], None) for place, sha in lost.items()]
    found += [(part, place[0], "added", None, sha[:12]) for place, sha in come.items()]
    return [dict(zip(_COLUMNS, row, strict=True)) for row in found]


def _by_place(things: list[dict[str, Any]]) -> dict[tuple[str, int], str]:
    """Hashes by place; the second table of one name is another one than the first."""
    seen: dict[str, int] = {}
    places = {}
    for thing in things:
        place = thing.get("path") or thing["name"]
        seen[place] = seen.get(place, -1) + 1
        places[place, seen[place]] = thing["sha256"]
    return places
