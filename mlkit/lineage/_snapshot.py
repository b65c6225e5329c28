"""Versions of a data set: each content stored once, under its hash."""

import hashlib
import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _files, _tables
from mlkit.lineage import _about, _content, _values
from mlkit.lineage._values import LineageError

_PIECE = 1 << 20
_ROWS = "table.jsonl"
Store = str | os.PathLike[str]


def snapshot(data: Any, *, store: Store, note: str = "", person: str | None = None) -> str:
    """Keep a data set as it is now; hands back the version's id, which is its content's hash.

    Parameters
    ----------
    data : a folder, a file, or a table.
    store : a folder, made where missing, for any number of data sets and versions. A content that
        several files or versions share is kept once.
    note : what this version is; kept with the time and the person (see :func:`snapshots`).

    The id is :func:`content_hash` of the data: the same data have the same id on any machine, and
    a run that read the folder names its version by the same hash. A second snapshot of the same
    content changes nothing. A table is kept as lines of JSON, one a row; its index is not kept.

    Examples
    --------
    >>> from mlkit import lineage
    >>> folder = getfixture("tmp_path")
    >>> (folder / "data").mkdir()
    >>> _ = (folder / "data" / "a.txt").write_text("one")
    >>> first = lineage.snapshot(folder / "data", store=folder / "store")
    >>> _ = (folder / "data" / "b.txt").write_text("two")
    >>> second = lineage.snapshot(folder / "data", store=folder / "store")
    >>> lineage.changed(first, second, store=folder / "store")[["name", "change"]].values.tolist()
    [['b.txt', 'added']]
    """
    place = Path(store).expanduser()
    try:
        for folder in ("objects", "snapshots"):
            (place / folder).mkdir(parents=True, exist_ok=True)
        kind, digest, files = _taken(data, place)
        target = place / "snapshots" / f"{digest}.json"
        if not target.exists():
            _files.write_atomic(target, _manifest(kind, digest, files, note, person))
    except OSError as error:
        raise LineageError(
            f"lineage.snapshot() cannot write to {place} or read the data: "
            f"{error.filename or place}: "
            f"{error.strerror or error}. Nothing that was kept before is touched."
        ) from error
    return digest


def _manifest(
    kind: str, digest: str, files: dict[str, dict[str, Any]], note: str, person: str | None
) -> str:
    about = {
        "snapshot": digest, "kind": kind, "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "person": _about.person() if person is None else person, "note": note,
    }  # fmt: skip
    lines = [f"{json.dumps(name)}: {json.dumps(each)}" for name, each in files.items()]
    head = json.dumps(about, ensure_ascii=False)[:-1]
    return f'{head}, "files": {{\n' + ",\n".join(lines) + "\n}}\n"


def _taken(data: Any, store: Path) -> tuple[str, str, dict[str, dict[str, Any]]]:
    """Copy what is new into the store; the hashes are of the very bytes that were copied."""
    if isinstance(data, pd.DataFrame):
        return _table_taken(data, store)
    if not isinstance(data, str | os.PathLike):
        raise LineageError(
            f"lineage.snapshot() needs a folder, a file or a table; it was given "
            f"{_tables._kind(data)}."
        )
    path = Path(data).expanduser()
    if path.is_file():
        one = _keep(path, store)
        return "file", one["sha256"], {path.name: one}
    if not path.is_dir():
        raise LineageError(f"lineage.snapshot(): there is no folder and no file {path}.")
    if store.resolve().is_relative_to(path.resolve()):
        raise LineageError(
            f"lineage.snapshot(): the store {store} lies inside {path} and would keep itself. "
            "Choose one beside it."
        )
    files = {
        name: _keep(file, store)
        for name, file in _content.listed(path, function="lineage.snapshot")
    }
    digest = _content.folder_hash((name, each["sha256"]) for name, each in files.items())
    return "folder", digest, files


def _table_taken(table: pd.DataFrame, store: Path) -> tuple[str, str, dict[str, dict[str, Any]]]:
    twice = table.columns[table.columns.duplicated()].unique()
    if len(twice) or not all(isinstance(name, str) for name in table.columns):
        raise LineageError(
            "lineage.snapshot() needs a table whose columns have names of their own, as text; "
            f"found {_tables._some(twice if len(twice) else table.columns)}."
        )
    plain = table.reset_index(drop=True)
    digest = _values.table_hash(plain, "snapshot")
    data = _lines(plain).encode("utf-8", "surrogatepass")
    sha256 = hashlib.sha256(data).hexdigest()
    target = _object(store, sha256)
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        _files.write_atomic(target, data)
    kinds = {name: _values.kind_of(plain[name]) for name in plain.columns}
    return "table", digest, {_ROWS: {"sha256": sha256, "bytes": len(data), "columns": kinds}}


def _lines(table: pd.DataFrame) -> str:
    columns = {str(name): [_written(v) for v in table[name].tolist()] for name in table.columns}
    rows = zip(*columns.values(), strict=True) if columns else iter(())
    return "".join(
        json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n" for row in rows
    )


def _written(value: Any) -> Any:
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, list | dict | tuple | np.ndarray):
        return _about.writable("of a row", value)
    if pd.isna(value):
        return None
    if isinstance(value, float):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _keep(file: Path, store: Path) -> dict[str, Any]:
    """Copy one file into the store, hashing what is written; a content known already is not."""
    known = _object(store, _files.content_hash(file))
    if known.exists() and known.stat().st_size == file.stat().st_size:
        return {"sha256": known.name, "bytes": known.stat().st_size}
    part = store / "objects" / f".{uuid.uuid4().hex}.tmp"
    digest, size = hashlib.sha256(), 0
    try:
        with file.open("rb") as source, part.open("xb") as copy:
            while piece := source.read(_PIECE):
                digest.update(piece)
                size += copy.write(piece)
            copy.flush()
            os.fsync(copy.fileno())
        target = _object(store, digest.hexdigest())
        target.parent.mkdir(exist_ok=True)
        part.chmod(0o444)  # nobody edits a version by mistake
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return {"sha256": digest.hexdigest(), "bytes": size}


def _object(store: Path, sha256: str) -> Path:
    return store / "objects" / sha256[:2] / sha256


def snapshots(store: Store) -> pd.DataFrame:
    """The versions in a store: ``snapshot, kind, at, person, note, files, bytes``, oldest first.

    Examples
    --------
    >>> store = getfixture("tmp_path")
    >>> _ = snapshot(pd.DataFrame({"item": ["a"], "label": ["cat"]}), store=store, note="first")
    >>> snapshots(store)[["kind", "note"]].to_numpy().tolist()
    [['table', 'first']]
    """
    folder = Path(store).expanduser() / "snapshots"
    rows = []
    for path in folder.glob("*.json"):
        about = _about_snapshot(path)
        sizes = [each["bytes"] for each in about.pop("files").values()]
        rows.append({**about, "files": len(sizes), "bytes": sum(sizes)})
    columns = ["snapshot", "kind", "at", "person", "note", "files", "bytes"]
    table = pd.DataFrame(rows, columns=columns)
    table["at"] = pd.to_datetime(table["at"], utc=True, format="ISO8601")
    return table.sort_values(["at", "snapshot"], ignore_index=True)


def _about_snapshot(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise LineageError(f"{path} cannot be read as a snapshot ({error}).") from error


def manifest(version: str, store: Path, function: str) -> dict[str, Any]:
    """What a snapshot holds, by its id or the beginning of it."""
    folder = store / "snapshots"
    named = isinstance(version, str) and _content.looks_like_a_hash(version)
    found = sorted(folder.glob(f"{version}*.json")) if named else []
    if len(found) != 1:
        what = "several snapshots begin" if found else "no snapshot begins"
        raise LineageError(
            f"{function}(): {what} with {version!r} in {store}. lineage.snapshots(store) lists "
            "them."
        )
    return _about_snapshot(found[0])


def restore(version: str, folder: Store, *, store: Store) -> Path:
    """Bring a version back into a folder, which has to be new, empty, or half restored.

    Each file is checked against its hash on the way. A table comes back as ``table.jsonl``, for
    ``pd.read_json(path, lines=True)``. Raises LineageError before anything is overwritten.

    Examples
    --------
    >>> from mlkit import lineage
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "a.txt").write_text("one")
    >>> first = lineage.snapshot(folder / "a.txt", store=folder / "store")
    >>> (restore(first, folder / "back", store=folder / "store") / "a.txt").read_text()
    'one'
    """
    kept, target = Path(store).expanduser(), Path(folder).expanduser()
    files = manifest(version, kept, "lineage.restore")["files"]
    _refuse_names(files)
    there = dict(_content.listed(target, function="lineage.restore")) if target.is_dir() else {}
    for name, path in there.items():
        if name not in files or _files.content_hash(path) != files[name]["sha256"]:
            raise LineageError(
                f"lineage.restore(): {target} holds {name}, which is not part of this version. "
                "Choose a new or empty folder."
            )
    for name, each in files.items():
        if name not in there:
            _bring(name, each["sha256"], target, kept)
    target.mkdir(parents=True, exist_ok=True)
    return target


def _refuse_names(files: dict[str, Any]) -> None:
    """A store may come from somebody else: nothing is written outside of the folder."""
    for name in files:
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts or (":" in parts[0] and os.name == "nt"):
            raise LineageError(
                f"lineage.restore(): the snapshot names {name!r}, outside of the folder."
            )


def _bring(name: str, sha256: str, target: Path, store: Path) -> None:
    try:
        data = _object(store, sha256).read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise LineageError(
                f"lineage.restore(): the store's copy of {name} is damaged; the file is left "
                "out, and what was restored before it stands."
            )
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _files.write_atomic(path, data, sync=False)  # its hash stands guard
    except OSError as error:
        raise LineageError(
            f"lineage.restore(): {name} cannot be brought back: {error.filename}: {error.strerror}."
        ) from error
