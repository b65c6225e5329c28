"""The files of a folder, or those that a table lists, each read or told why not."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mlkit._tables import TableError, _some
from mlkit.datasets import _own_table
from mlkit.datasets._own_files import (
    PICTURES,
    SOUNDS,
    Thing,
    UnusableError,
    hidden,
    look,
    suffix_by_content,
)
from mlkit.datasets._own_walk import walk

_MANY = 500  # files from which on they are read by several threads
_ARCHIVES = {".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz"}
_SPLITS = {"train", "training", "dev", "val", "valid", "validation", "test", "testing"}
Skipped = list[tuple[str, str, str]]


@dataclass
class Item:
    """A file that can be used, and what its place or its row says of it."""

    name: str
    path: Path
    label: str
    who: str | None
    thing: Thing
    line: int = 0  # in the table that lists it


@dataclass
class _Wanted:
    name: str
    path: Path
    label: str
    who: str | None = None
    line: int = 0


def listing_in(folder: Path) -> Path | None:
    """The one table of a folder that lists its files, or that is all there is."""
    tables = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in (".csv", ".tsv")
              and p.is_file() and not hidden(p.relative_to(folder))]  # fmt: skip
    media = any(p.suffix.lower() in SOUNDS | PICTURES for p in walk(folder)[0])
    listing = []
    for path in tables:
        try:
            table = _own_table.read(path).table
            files = _own_table.the_files(table)
            if files and media:
                _own_table.the_label(table, None, [files])
        except TableError:
            continue  # of files without a class: their folders may say it
        if files or not media:
            listing.append(path)
    if len(listing) > 1:
        raise TableError(
            f"read_own() found several tables in {folder}: {_some([p.name for p in listing])}. "
            "Give the one that is meant."
        )
    return listing[0] if listing else None


def from_folder(folder: Path, *, progress: bool) -> tuple[list[Item], Skipped, list[str]]:
    """Every file below a folder: its sub-folder is the label, a folder in that says whose."""
    folder, notes = _inside(folder)
    files, others = walk(folder)
    first = {p.relative_to(folder).parts[0] for p in files if p.parent != folder
             and not hidden(p.relative_to(folder))}  # fmt: skip
    divided = bool(first) and {name.lower() for name in first} <= _SPLITS
    if divided:
        notes.append(
            f"{_some(sorted(first))} are taken for splits and the folders in them for classes; "
            "a split is made anew."
        )
    wanted: list[_Wanted] = []
    skipped: Skipped = [
        (_shown(path.relative_to(folder)), error.why, error.do) for path, error in others
    ]
    for path in files:
        inner = path.relative_to(folder)
        try:
            wanted.append(_placed(path, inner, divided))
        except UnusableError as error:
            skipped.append((_shown(inner), error.why, error.do))
    if any(one.who for one in wanted):
        notes.append("The folders within a class are taken for whose the files are.")
    items, broken = _looked_at(wanted, progress)
    return items, [*skipped, *broken], [*notes, *_missing(folder, divided, items)]


def _missing(folder: Path, divided: bool, items: list[Item]) -> list[str]:
    """Of each folder of a class that nothing usable came from, that the class is missing."""
    tops = [p for p in folder.iterdir() if p.is_dir()] if divided else [folder]
    own = {p.name for top in tops for p in top.iterdir()
           if p.is_dir() and not hidden(p.relative_to(folder))}  # fmt: skip
    kinds = Counter(item.thing.kind for item in items).most_common(1)
    there = {item.label for item in items if item.thing.kind == kinds[0][0]}
    return [
        f"The folder {_shown(Path(name))!r} holds nothing that can be used: this class is missing."
        for name in sorted(own - there)
    ]


def _inside(folder: Path) -> tuple[Path, list[str]]:
    """Through folders that hold one folder alone, as archives leave them."""
    notes: list[str] = []
    while True:
        own = [p for p in folder.iterdir() if not hidden(p.relative_to(folder))]
        inner = [p for p in own if p.is_dir()]
        deeper = len(own) == len(inner) == 1 and any(p.is_dir() for p in inner[0].iterdir())
        if not deeper:
            return folder, notes
        folder = inner[0]
        notes = [f"All lies in the one folder {folder.name!r}; the classes are the folders in it."]


def _placed(path: Path, inner: Path, divided: bool) -> _Wanted:
    """What the place of a file says, or why it is none of the data."""
    system = hidden(inner)
    if system:
        raise UnusableError(system, "Nothing to do.")
    try:
        inner.as_posix().encode()
    except UnicodeEncodeError as error:
        raise UnusableError("its name is no text (not UTF-8)", "Rename it.") from error
    parts = inner.parts[1:] if divided else inner.parts
    if len(parts) < 2:
        if path.suffix.lower() in SOUNDS | PICTURES or _medium(path):
            raise UnusableError(
                "in no sub-folder, so it has no label", "Move it into the folder of its class."
            )
        if path.suffix.lower() in (".csv", ".tsv"):
            raise UnusableError(
                "a table that lists no files with a label",
                "To use it all the same, give its own path, and label=...",
            )
        archive = path.suffix.lower() in _ARCHIVES
        raise UnusableError(
            "an archive: nothing in it is read" if archive else "not in the folder of a class",
            "Unpack it, if it belongs to the data." if archive else "Nothing to do.",
        )
    name = unicodedata.normalize("NFC", inner.as_posix())
    return _Wanted(name, path, parts[0], parts[1] if len(parts) > 2 else None)


def _medium(path: Path) -> bool:
    """Whether a file without a suffix is a sound or a picture all the same."""
    if path.suffix:
        return False
    try:
        with path.open("rb") as file:
            return suffix_by_content(file.read(16)) is not None
    except OSError:
        return False


def from_list(
    table: pd.DataFrame, place: Path, column: str, who: str | None, *, progress: bool
) -> tuple[list[Item], Skipped, list[str]]:
    """The files that a table names, beside what it says of each."""
    folder, skipped = place.parent, []
    by_name = _by_name(folder)
    wanted: list[_Wanted] = []
    lines: dict[Path, tuple[int, str]] = {}
    again: dict[int, list[str]] = {}
    for line, row in zip(table.index, table.to_dict("records"), strict=True):
        listed, label = row[column], row["label"]
        path = _found(folder, listed, by_name)
        problem = _listed_wrongly(listed, label, path, lines)
        if path is None or problem:
            if problem and path in lines:
                first, other = lines[path]
                there = f", there as {label!r}" if label else ", there without a label"
                also = "" if other == label else there
                again.setdefault(first, []).append(f"listed again in row {line}{also}")
            skipped.append((f"row {line}", *(problem or ("", ""))))
            continue
        lines[path] = line, label
        wanted.append(_Wanted(_shown(Path(listed)), path, label, row[who] if who else None, line))
    items, broken = _looked_at(wanted, progress)
    for item in items:
        item.thing.remarks += again.get(item.line, [])
    folders = {path.parent for path in lines}
    others = sorted(p for f in folders for p in f.iterdir() if p.is_file())
    skipped += [
        (_shown(_below(path, folder)), "not in the list", f"Add it to {place.name}.")
        for path in others
        if path not in lines and path != place and path.suffix.lower() in SOUNDS | PICTURES
    ]
    return items, [*skipped, *broken], []


def _listed_wrongly(
    listed: str, label: str, path: Path | None, lines: dict[Path, tuple[int, str]]
) -> tuple[str, str] | None:
    if not listed:
        return "no name of a file", "Write it, or drop the row."
    if not label:
        return "no label", "Write it, or drop the row."
    if path is None:
        return f"there is no file {listed!r}", "Bring the file back, or drop the row."
    if path in lines:
        before, other = lines[path]
        also = "" if other == label else f", there as {other!r}, here as {label!r}"
        return f"lists {listed!r} again, as row {before} does{also}", "Keep the row that is right."
    return None


def _below(path: Path, folder: Path) -> Path:
    return Path(os.path.relpath(path, folder))


def _by_name(folder: Path) -> dict[str, Path | None]:
    """Files below a folder by their bare names; None where two have one."""
    found: dict[str, Path | None] = {}
    for path in walk(folder)[0]:
        if path.suffix.lower() in SOUNDS | PICTURES:
            name = _bare(path.name)
            found[name] = None if name in found else path
    return found


def _bare(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _found(folder: Path, listed: str, by_name: dict[str, Path | None]) -> Path | None:
    """Where a listed file lies, also where the list was made on Windows or elsewhere."""
    plain = listed.replace("\\", "/")
    # The same file under two names, such as a/../b.wav and b.wav, is one.
    path = Path(os.path.normpath(folder / Path(plain).expanduser()))
    if plain and path.is_file():
        return path
    return by_name.get(_bare(plain.rpartition("/")[2]))


def _shown(path: Path) -> str:
    text = path.as_posix()
    try:
        text.encode()
    except UnicodeEncodeError:
        return ascii(text)[1:-1]
    return unicodedata.normalize("NFC", text)


def _looked_at(wanted: list[_Wanted], progress: bool) -> tuple[list[Item], Skipped]:
    from tqdm.auto import tqdm

    items: list[Item] = []
    skipped: Skipped = []
    seen: set[str] = set()
    for one, thing in zip(
        wanted, tqdm(_things(wanted), total=len(wanted), desc="reading", disable=not progress),
        strict=True,
    ):  # fmt: skip
        if isinstance(thing, UnusableError):
            skipped.append((one.name, thing.why, thing.do))
            continue
        while one.name in seen:  # two names that differ in the form of their accents alone
            one.name += " (again)"
        seen.add(one.name)
        items.append(Item(one.name, one.path, one.label, one.who, thing, one.line))
    return items, skipped


def _things(wanted: list[_Wanted]) -> Iterator[Thing | UnusableError]:
    from joblib import Parallel, delayed, effective_n_jobs

    configured = effective_n_jobs(None) != 1
    workers = None if configured or len(wanted) < _MANY else -1
    prefer = None if configured else "threads"  # decoders let other threads go on
    jobs = (delayed(_thing)(one.path) for one in wanted)
    yield from Parallel(n_jobs=workers, prefer=prefer, return_as="generator")(jobs)


def _thing(path: Path) -> Thing | UnusableError:
    try:
        return look(path)
    except UnusableError as error:
        return error
