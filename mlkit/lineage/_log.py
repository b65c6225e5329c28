"""The log: one readable line of JSON for each run, only ever added to, by several at once."""

import contextlib
import datetime
import gc
import hashlib
import json
import os
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pandas as pd

from mlkit import _files, _tables
from mlkit.lineage._values import LineageError

Log = str | os.PathLike[str] | pd.DataFrame | Sequence[str | os.PathLike[str] | pd.DataFrame]

FIELDS = (
    "run", "step", "status", "why", "at", "duration_s", "person", "inputs", "outputs",
    "parameters", "code", "environment",
)  # fmt: skip
_MANIFEST = "manifest.jsonl"
_WAIT_S = 30.0


class LineageWarning(UserWarning):
    """Something was left out or looks odd, and the rest stands; the message says what."""


class _BusyError(Exception):
    """Another process is writing its line just now."""


@contextlib.contextmanager
def calm() -> Iterator[None]:
    """No search for circles of dead objects while a million are made: it would double the time."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()


def runs(log: Log) -> pd.DataFrame:
    """What was done, one row a run, in the order in which the runs ended.

    ``log`` is the file that :func:`step` writes; the folder of an augmentation batch, whose
    manifest then reads as one run for each copy; a list of these; or a table that came from here.
    A line that cannot be read, such as one cut short by a kill, is told (LineageWarning) and
    skipped.

    Returns
    -------
    DataFrame
        ``run`` (an id), ``step`` (its name), ``status`` ("done", "failed"), ``why`` it failed,
        ``at`` (its beginning, UTC), ``duration_s``, ``person``, ``inputs`` and ``outputs`` (lists
        of ``name, kind, sha256, path, bytes``), ``parameters``, ``code``, ``environment`` (dicts),
        and ``log`` (the file it stands in; paths are relative to its folder).

    Examples
    --------
    >>> from mlkit import lineage
    >>> log = getfixture("tmp_path") / "log.jsonl"
    >>> _ = lineage.record("count", log=log, inputs=[b"a b c"], parameters={"n": 3})
    >>> runs(log)[["step", "status", "parameters"]].values.tolist()
    [['count', 'done', {'n': 3}]]
    """
    return table(read(log, function="lineage.runs"))


def framed(rows: list[dict[str, Any]], columns: Iterable[str]) -> pd.DataFrame:
    """Rows as a table, names of files that are no text (bytes of another time) among them."""
    try:
        return pd.DataFrame(rows, columns=list(columns))
    except UnicodeEncodeError:  # pandas' own kind of text, where pyarrow keeps it, holds no such
        return pd.DataFrame(rows, columns=list(columns), dtype=object)


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Records as a table."""
    made = framed(rows, [*FIELDS, "log"])
    return made.assign(at=pd.to_datetime(made["at"], utc=True, format="ISO8601"))


@calm()
def read(log: Log, *, function: str) -> list[dict[str, Any]]:
    """The records of one log or several as dicts, in the order of their ends."""
    if isinstance(log, pd.DataFrame):
        return _of_table(log, function)
    if isinstance(log, str | os.PathLike):
        return _of_file(Path(log).expanduser(), function)
    several = [read(one, function=function) for one in log]
    if len(several) == 1:
        return several[0]
    # Within a log the order of the lines counts, whatever its clock did meanwhile.
    timed = [
        pair
        for rows in several
        for pair in zip(accumulate(map(_end, rows), max), rows, strict=True)
    ]
    return [row for _, row in sorted(timed, key=lambda pair: pair[0])]


def _end(row: dict[str, Any]) -> float:
    if row["at"] is None:
        return 0.0
    return datetime.datetime.fromisoformat(row["at"]).timestamp() + (row["duration_s"] or 0.0)


def _of_table(table: pd.DataFrame, function: str) -> list[dict[str, Any]]:
    table = _tables._need(table, [*FIELDS, "log"], function)
    plain = {"at": [None if pd.isna(when) else when.isoformat() for when in table["at"]]}
    for name in ("duration_s", "person"):
        plain[name] = [None if pd.isna(value) else value for value in table[name]]
    columns = {name: pd.Series(values, table.index, object) for name, values in plain.items()}
    return table.assign(**columns).to_dict("records")  # type: ignore[return-value]  # the names of the columns are text


def _of_file(path: Path, function: str) -> list[dict[str, Any]]:
    path = path / _MANIFEST if path.is_dir() else path
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise LineageError(
            f"{function}(): there is no log at {path}. lineage.step(..., log=...) writes one."
        ) from error
    except OSError as error:
        raise LineageError(f"{function}() cannot read {path}: {error.strerror}.") from error
    rows: list[dict[str, Any]] = []
    broken: list[int] = []
    where = str(path.parent.resolve() / path.name)
    # Only "\n" ends a line: a text within may hold other line ends.
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        row = _parsed(line, where)
        if row is None:
            broken.append(number)
        else:
            rows.append(row)
    if broken:
        _tell(path, broken, len(rows))
    return rows


def _tell(path: Path, broken: list[int], kept: int) -> None:
    numbers = ", ".join(map(str, broken[:3])) + (" and others" if len(broken) > 3 else "")
    one = len(broken) == 1
    warnings.warn(
        f"{path.name}: {'line' if one else f'{len(broken):,} lines,'} {numbers} "
        f"{'is' if one else 'are'} no whole record (a program was killed while writing, or the "
        f"file was edited) and left out; the other {_tables._count(kept, 'record')} stand.",
        LineageWarning,
        stacklevel=6,
    )


def _parsed(line: bytes, where: str) -> dict[str, Any] | None:
    """A line as a record, or None where it is not one."""
    try:
        found = json.loads(line)
        if not isinstance(found, dict):
            return None
        if "output_sha256" in found:
            return _of_batch(found, where)
        row: dict[str, Any] = found
        for name in FIELDS:
            row.setdefault(name)
        whole = all(len(each["sha256"]) for each in [*row["inputs"], *row["outputs"]])
        if row["at"] is not None:
            datetime.datetime.fromisoformat(row["at"])
    except (ValueError, KeyError, TypeError):
        return None
    if not (whole and row["run"] and row["step"] and row["status"]):
        return None
    row["log"] = where
    return row


def _of_batch(line: dict[str, Any], where: str) -> dict[str, Any]:
    """A line of an augmentation batch's manifest; it says neither when nor who."""
    name, sha256 = line["output"], line["output_sha256"]
    source = Path(line["source"]).expanduser().absolute()
    about = ("item", "copy", "seed", "steps", "rate_hz", "notes")
    return {
        "run": hashlib.sha256(f"{name}\n{sha256}".encode()).hexdigest()[:16],
        "step": "augment",
        "status": "done",
        "why": "",
        "at": None,
        "duration_s": None,
        "person": None,
        "inputs": [
            {"name": source.name, "kind": "file", "sha256": line["source_sha256"],
             "path": str(source)}
        ],
        "outputs": [{"name": name, "kind": "file", "sha256": sha256, "path": name}],
        "parameters": {key: line[key] for key in about if key in line},
        "code": {},
        "environment": dict(line.get("versions") or {}),
        "log": where,
    }  # fmt: skip


def prepare(log: str | os.PathLike[str]) -> Path:
    """The file to write to, its folder made; said before a step begins, not after hours of it."""
    path = Path(log).expanduser()
    try:
        if path.is_dir():
            raise LineageError(
                f"lineage.step(): {path} is a folder; name a file in it: "
                f"log={str(path / 'lineage.jsonl')!r}."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error
    return path.parent.resolve() / path.name


def _unwritable(path: Path, error: OSError) -> LineageError:
    return LineageError(
        f"lineage.step() cannot write the log {path}: {error.strerror or error}. Give log= a "
        "file in a folder that you may write to."
    )


def append(path: Path, record: dict[str, Any]) -> None:
    """Add one line, whole, after what others wrote; a line cut short before it stays alone."""
    line = _line(record)
    until = time.monotonic() + _WAIT_S
    while True:
        try:
            with _files.alone(path, busy=_BusyError()) as file:
                torn = b"" if _ends_well(path) else b"\n"
                file.write(torn + line)
                file.flush()
                os.fsync(file.fileno())
        except _BusyError:
            if time.monotonic() > until:
                raise LineageError(
                    f"lineage.step() waited {_WAIT_S:.0f} s for {path}, which another program "
                    "holds. The run is not recorded: end that program and run the step again."
                ) from None
            time.sleep(0.005)
        except OSError as error:
            raise _unwritable(path, error) from error
        else:
            return


def _line(record: dict[str, Any]) -> bytes:
    try:
        return (json.dumps(record, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:  # a file's name that is no text
        return (json.dumps(record) + "\n").encode()


def _ends_well(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def portable(path: Path, folder: Path) -> str:
    """A path as it is written down: from the log's folder, else from one's home, else whole.

    Log and data moved together, or to another machine, keep their lines; a user's name does not
    get into them with the path.
    """
    home = Path.home()
    try:
        shared = Path(os.path.commonpath([path, folder]))
    except ValueError:  # another drive
        return path.as_posix()
    if shared != home and shared not in home.parents:
        return Path(os.path.relpath(path, folder)).as_posix()
    return f"~/{path.relative_to(home).as_posix()}" if home in path.parents else path.as_posix()


def absolute(written: str, folder: str) -> str:
    """Where a written path leads from a log in this folder."""
    if written.startswith("~/"):
        return str(Path.home()) + written[1:]
    return os.path.normpath(os.path.join(folder, written))  # noqa: PTH118 - a million of them


def names(values: Iterable[Any]) -> str:
    """A few names for a sentence or a cell.

    >>> names(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    values = list(dict.fromkeys(str(value) for value in values))
    more = f" and {len(values) - 3:,} more" if len(values) > 3 else ""
    return ", ".join(values[:3]) + more
