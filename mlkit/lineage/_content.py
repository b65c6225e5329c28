"""What a thing is by its content: one SHA-256, whatever its name and wherever it lies."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mlkit import _files, _tables
from mlkit.lineage import _values
from mlkit.lineage._values import LineageError

_HEX = 64  # digits of a SHA-256


@dataclass(frozen=True)
class Artifact:
    """Something a step read or made: its name, its content's hash, and where it lay.

    ``kind`` is file, folder, table, array or values; ``path`` is None for what lay in memory.
    """

    name: str
    kind: str
    sha256: str
    path: Path | None = None
    bytes: int | None = None

    def __repr__(self) -> str:
        return f"{self.name} ({self.kind}, SHA-256 {self.sha256[:12]}…)"


class Content(NamedTuple):
    """What was found: kind, hash, and size in bytes where it lies on a disk."""

    kind: str
    sha256: str
    bytes: int | None = None


def content_hash(thing: Any) -> str:
    """The hash by which lineage knows a thing: another content, another hash, and only then.

    Parameters
    ----------
    thing
        *A path* of a file: the SHA-256 of its bytes, as ``sha256sum`` tells it. Of a folder: that
        of its files' names below it, in the order of their bytes, each with its hash; empty
        folders count for nothing. *A table* (DataFrame, Series): names, index and values, column
        by column; integers as 8 bytes, floats as 8-byte floats, times in UTC, texts as UTF-8, so
        that int32 and int64, category and text make no difference, but 1, 1.0 and "1" do. A
        missing value is missing, however it is written. *An array*: type, shape and bytes, as
        little-endian. *bytes, lists, dicts, numbers*: their values. ``attrs`` do not count.

    Raises
    ------
    LineageError
        Where there is nothing at the path, or an object's content is not defined: save it to a
        file, and give its path.

    Examples
    --------
    >>> table = pd.DataFrame({"item": ["a", "b"], "label": [1, 0]})
    >>> content_hash(table) == content_hash(table.astype({"label": "int8"}))
    True
    >>> content_hash(table) == content_hash(table.astype({"label": float}))
    False
    """
    return examine(thing, function="lineage.content_hash").sha256


def examine(thing: Any, *, function: str) -> Content:
    """Kind, hash and size of anything that lineage knows."""
    if isinstance(thing, Artifact):
        return _still(thing, function)
    if isinstance(thing, str | os.PathLike):
        return on_disk(Path(os.fspath(thing)).expanduser(), function=function)
    if isinstance(thing, pd.Series):
        thing = thing.to_frame()
    if isinstance(thing, pd.DataFrame):
        return Content("table", _values.table_hash(thing, function))
    if isinstance(thing, np.ndarray):
        return Content("array", _values.array_hash(thing, function))
    if isinstance(thing, bytes | Mapping | list | tuple | int | float | np.generic):
        return Content("values", _values.values_hash(thing, function))
    raise LineageError(
        f"{function}() cannot tell the content of {_tables._kind(thing)}. Save it to a file (a "
        "model with joblib.dump, for example) and give the file's path."
    )


def on_disk(path: Path, *, function: str) -> Content:
    try:
        if path.is_dir():
            files = [(name, *_hashed(file)) for name, file in listed(path, function=function)]
            digest = folder_hash((name, sha256) for name, sha256, _ in files)
            return Content("folder", digest, sum(size for _, _, size in files))
        if path.is_file():
            return Content("file", *_hashed(path))
    except OSError as error:
        raise LineageError(
            f"{function}() cannot read {error.filename or path}: {error.strerror or error}."
        ) from error
    what = "is neither a file nor a folder" if path.exists() else "is not there"
    address = " Download it first: an address has no content that could be held to."
    raise LineageError(f"{function}(): {path} {what}." + (address if ":/" in str(path) else ""))


def _hashed(file: Path) -> tuple[str, int]:
    return _files.content_hash(file), file.stat().st_size


def folder_hash(files: Iterable[tuple[str, str]]) -> str:
    """The hash of a folder from the names and hashes of its files."""
    digest = hashlib.sha256(b"mlkit folder 1\n")
    for name, sha256 in sorted((name_bytes(name), sha256) for name, sha256 in files):
        digest.update(name + b"\0" + sha256.encode() + b"\n")
    return digest.hexdigest()


def name_bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape" if os.name != "nt" else "surrogatepass")


def listed(folder: Path, *, function: str) -> list[tuple[str, Path]]:
    """Every file below a folder with its name, ``/`` between the parts, in order of the names.

    Links are followed: what counts is what a reader would read.
    """
    found: list[tuple[str, Path]] = []
    todo: list[tuple[Path, str, frozenset[str]]] = [(folder, "", frozenset())]
    while todo:
        here, before, above = todo.pop()
        real = os.path.realpath(here)
        if real in above:
            raise LineageError(f"{function}(): the link {here} leads to a folder that holds it.")
        for entry in os.scandir(here):
            path = Path(entry.path)
            if entry.is_dir():
                todo.append((path, f"{before}{entry.name}/", above | {real}))
            elif entry.is_file():
                found.append((before + entry.name, path))
            else:
                raise LineageError(
                    f"{function}(): {path} is no file that can be read (a link to nothing, a "
                    "pipe, a device). Remove it from the folder."
                )
    return sorted(found, key=lambda pair: name_bytes(pair[0]))


def signature(path: Path) -> Any:
    """What changes when somebody writes to a file or folder, told without reading it."""
    try:
        if path.is_dir():
            files = listed(path, function="lineage.step")
            return [(name, _times(file)) for name, file in files]
        return _times(path)
    except (OSError, LineageError):
        return None


def _times(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_size, about.st_mtime_ns


def stamp(path: Path) -> int:
    """When something was last written at a place, or put there, in ns of its disk's clock."""
    places = (
        [path, *(file for _, file in listed(path, function="lineage.step"))]
        if path.is_dir()
        else [path]
    )
    # The time of a change cannot be set back, as that of the content is when a file is copied.
    return max(max(about.st_mtime_ns, about.st_ctime_ns) for about in map(os.stat, places))


def _still(artifact: Artifact, function: str) -> Content:
    """In memory, an artifact is as recorded; on the disk it has to be the same still."""
    if artifact.path is None:
        return Content(artifact.kind, artifact.sha256, artifact.bytes)
    found = on_disk(artifact.path, function=function)
    if found.sha256 != artifact.sha256:
        raise LineageError(
            f"{function}(): {artifact.path} is no longer what was recorded (its SHA-256 begins "
            f"with {found.sha256[:12]}, not {artifact.sha256[:12]}). Make it again, or give its "
            "path to take it as it is now."
        )
    return found


def located(path: str | os.PathLike[str]) -> Path:
    """A path from the root on; a link keeps its own name, so that its place is where it lies."""
    given = Path(path).expanduser()
    if given.name in ("", ".."):
        return given.resolve()
    return given.parent.resolve() / given.name


def looks_like_a_hash(text: str) -> bool:
    return 8 <= len(text) <= _HEX and set(text) <= set("0123456789abcdef")
