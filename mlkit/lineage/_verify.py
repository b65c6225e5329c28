"""Does what was recorded still lie there?"""

from pathlib import Path
from typing import Any

import pandas as pd

from mlkit.lineage import _content, _log
from mlkit.lineage._graph import Graph, Run, Seen
from mlkit.lineage._log import Log
from mlkit.lineage._values import LineageError

_COLUMNS = ["artifact", "kind", "state", "step", "run", "at", "role", "sha256", "found", "path",
            "why"]  # fmt: skip


def verify(log: Log) -> pd.DataFrame:
    """Do the recorded hashes still hold?

    ``log`` is what :func:`runs` takes; ``verify(trace(file, log=log).runs)`` looks at what stands
    behind one file alone.

    Returns
    -------
    DataFrame
        One row for each content recorded in a place: ``artifact, kind, state, step, run, at``
        (the last run that read or made it), ``role`` ("input", "output"), ``sha256``, ``found``
        (the hash of what lies there now), ``path, why``. ``state`` is

        - "fine": it lies there unchanged;
        - "changed": something else lies there, and no run recorded how;
        - "replaced": a later run made something else in its place;
        - "missing": nothing lies there; "unreadable": it cannot be read;
        - "not trusted": it lies there, and a run that failed made it;
        - "in memory": it never lay on a disk, so there is nothing to look at.

    Examples
    --------
    >>> from mlkit import lineage
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "a.txt").write_text("one")
    >>> line = lineage.record("look", inputs=folder / "a.txt", log=folder / "log.jsonl")
    >>> _ = (folder / "a.txt").write_text("two")
    >>> verify(folder / "log.jsonl")[["artifact", "state"]].values.tolist()
    [['a.txt', 'changed']]
    """
    graph = Graph(_log.read(log, function="lineage.verify"))
    last: dict[tuple[str, str], tuple[int, Run, Seen, str]] = {}
    made: dict[str, int] = {}  # where a run that was done made something last
    for number, run in enumerate(graph.runs):
        for role, things in (("input", run.inputs), ("output", run.outputs)):
            for seen in things:
                last[seen.place, seen.sha256] = (number, run, seen, role)
                if role == "output":
                    made[seen.place] = number
    now: dict[str, tuple[str, str]] = {}
    rows = [_row(*entry, made, now) for entry in last.values()]
    table = _log.framed(rows, _COLUMNS)
    return table.assign(at=pd.to_datetime(table["at"], utc=True, format="ISO8601"))


def _row(
    number: int,
    run: Run,
    seen: Seen,
    role: str,
    made: dict[str, int],
    now: dict[str, tuple[str, str]],
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "artifact": seen.shown, "kind": seen.kind, "role": role, "sha256": seen.sha256,
        "found": "", "path": seen.path or "", "why": "",
        **{name: run.row[name] for name in ("step", "run", "at")},
    }  # fmt: skip
    if seen.path is None:
        return row | {"state": "in memory"}
    if seen.path not in now:
        now[seen.path] = _look(Path(seen.path))
    row["found"], problem = now[seen.path]
    if problem:
        return row | {"state": problem.split(":")[0], "why": problem.partition(": ")[2]}
    if row["found"] == seen.sha256:
        distrust = role == "output" and not run.trusted
        return row | (
            {"state": "not trusted", "why": run.row["why"]} if distrust else {"state": "fine"}
        )
    later = made.get(seen.place, -1) > number
    return row | {"state": "replaced" if later else "changed"}


def _look(path: Path) -> tuple[str, str]:
    """The hash of what lies there, or what is the matter."""
    try:
        if not path.exists():
            return "", "missing"
        return _content.on_disk(path, function="lineage.verify").sha256, ""
    except (OSError, LineageError) as error:
        return "", f"unreadable: {error}"
