"""Which run made what another one read: the links between the lines of a log.

An input leads to the last run before it that made the same content, in the same place if there
is one. A folder that no run made as a whole leads to the runs that made files in it, and a file
out of a folder to the run that made the folder; these links are by place, not by content.
"""

import math
import os
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mlkit.lineage import _content, _log
from mlkit.lineage._content import Artifact
from mlkit.lineage._values import LineageError

SOURCE = -1  # of no run
_SLOTS = 1 << 24  # more outputs than any run has
Key = tuple[int, int, str, str]  # run, number of its output; or SOURCE, 0, place, hash


class Seen(NamedTuple):
    """An input or output as a log has it."""

    name: str
    kind: str
    sha256: str
    path: str | None
    shown: str
    bytes: int | None

    @property
    def place(self) -> str:
        return self.path or f"in memory: {self.name}"


class Run(NamedTuple):
    """A line of a log; ``order`` is NaN where it does not say when it was."""

    row: dict[str, Any]
    inputs: list[Seen]
    outputs: list[Seen]
    order: float

    @property
    def trusted(self) -> bool:
        return bool(self.row["status"] == "done")


class _Made:
    """Which output was the last under a key, such as a hash, before a place in time."""

    def __init__(self) -> None:
        # Plain numbers, run and slot in one: a million of them cost little.
        self._timed: dict[str, list[int]] = defaultdict(list)
        self._untimed: dict[str, int] = {}

    def add(self, key: str, run: int, slot: int, *, timed: bool) -> None:
        code = run * _SLOTS + slot
        if timed:
            self._timed[key].append(code)
        else:
            self._untimed[key] = code

    def last(self, key: str, before: float, not_run: int) -> Key | None:
        """Before the run of this number (NaN: whenever), and not by the run itself."""
        codes = self._timed.get(key, ())
        limit = math.inf if math.isnan(before) else before * _SLOTS
        at = bisect_left(codes, limit)
        while at and codes[at - 1] // _SLOTS == not_run:
            at -= 1
        code = codes[at - 1] if at else self._untimed.get(key)
        if code is None or code // _SLOTS == not_run:
            return None
        return (*divmod(code, _SLOTS), "", "")


class Graph:
    """The runs of a log and what leads from one to the other."""

    @_log.calm()
    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        paths: dict[tuple[str, str], str] = {}
        self.runs = [_run(row, number, paths) for number, row in enumerate(rows)]
        # Of runs that were done (True) and that failed: what they made.
        self._contents, self._both = (
            {True: _Made(), False: _Made()},
            {True: _Made(), False: _Made()},
        )
        self._placed, self._folders_made = _Made(), set[str]()
        self._tree: dict[str, list[str]] = {}
        self._read: dict[int, list[Key]] = {}
        self._kinds: dict[tuple[Key, ...], int] = {(): 0}
        # Of sources: what they are, and what they hold or lie in that a run made.
        self.about: dict[Key, Seen] = {}
        self.places: dict[Key, tuple[Key, ...]] = {}
        for number, run in enumerate(self.runs):
            for slot, seen in enumerate(run.outputs):
                self._add(number, slot, seen)

    def _add(self, number: int, slot: int, seen: Seen) -> None:
        run = self.runs[number]
        trusted, timed = run.trusted, not math.isnan(run.order)
        self._contents[trusted].add(seen.sha256, number, slot, timed=timed)
        self._both[trusted].add(f"{seen.sha256} {seen.place}", number, slot, timed=timed)
        if trusted and seen.path is not None:
            self._placed.add(seen.path, number, slot, timed=timed)
            if seen.kind == "folder":
                self._folders_made.add(seen.path)

    def producer(
        self, place: str | None, sha256: str, *, before: float = math.inf, not_run: int = SOURCE
    ) -> Key | None:
        """The output that has this content: in this place rather than another, of a run that
        did not fail rather than of one that did.
        """
        for trusted in (True, False):
            found = self._both[trusted].last(f"{sha256} {place}", before, not_run)
            found = found or self._contents[trusted].last(sha256, before, not_run)
            if found is not None:
                return found
        return None

    def seen(self, key: Key) -> Seen:
        return self.about[key] if key[0] == SOURCE else self.runs[key[0]].outputs[key[1]]

    def reads(self, number: int) -> list[Key]:
        """The artifacts that a run read, one for each of its inputs."""
        if number not in self._read:
            run = self.runs[number]
            self._read[number] = [self.node(seen, run.order, number) for seen in run.inputs]
        return self._read[number]

    def node(self, seen: Seen, before: float = math.inf, number: int = SOURCE) -> Key:
        """The artifact that something is when a run reads it: an output, or a source."""
        found = self.producer(seen.place, seen.sha256, before=before, not_run=number)
        if found is not None:
            return found
        around = tuple(self.around(seen, before, number))
        which = self._kinds.setdefault(around, len(self._kinds)) if around else 0
        key: Key = (SOURCE, which, seen.place, seen.sha256)
        self.about.setdefault(key, seen)
        if around:
            self.places[key] = around
        return key

    def before(self, key: Key) -> Iterator[Key]:
        """The artifacts from which an artifact came, one step back."""
        if key[0] != SOURCE:
            yield from self.reads(key[0])
        yield from self.places.get(key, ())

    def around(self, seen: Seen, before: float, number: int = SOURCE) -> Iterator[Key]:
        """What runs made inside a folder, or the folder that a file lies in."""
        if seen.path is None:
            return
        if seen.kind == "folder":
            for path in _inside(self._folders(), seen.path):
                found = self._placed.last(path, before, number)
                if found is not None:
                    yield found
            return
        above = Path(seen.path).parents if self._folders_made else ()
        for folder in map(str, above):
            found = self._placed.last(folder, before, number)
            if found is not None and self.seen(found).kind == "folder":
                yield found
                return

    def _folders(self) -> dict[str, list[str]]:
        """What lies directly in each folder, of all that was ever made."""
        if not self._tree:
            tree: dict[str, set[str]] = defaultdict(set)
            for path in {seen.path for run in self.runs for seen in run.outputs if seen.path}:
                below = path
                while (folder := os.path.dirname(below)) != below:  # noqa: PTH120 - 10^5 of them
                    known = below in tree[folder]
                    tree[folder].add(below)
                    if known:
                        break
                    below = folder
            self._tree = {folder: sorted(entries) for folder, entries in tree.items()}
        return self._tree


def _inside(tree: dict[str, list[str]], folder: str) -> Iterator[str]:
    todo = list(reversed(tree.get(folder, ())))
    while todo:
        path = todo.pop()
        yield path
        todo += reversed(tree.get(path, ()))


def _run(row: dict[str, Any], number: int, paths: dict[tuple[str, str], str]) -> Run:
    folder = os.path.dirname(row["log"])  # noqa: PTH120 - once for each of 10^5 lines
    inputs = [_seen(each, folder, paths) for each in row["inputs"]]
    outputs = [_seen(each, folder, paths) for each in row["outputs"]]
    return Run(row, inputs, outputs, math.nan if row["at"] is None else float(number))


def _seen(each: dict[str, Any], folder: str, paths: dict[tuple[str, str], str]) -> Seen:
    written, path = each.get("path"), None
    if written is not None:
        path = paths.get((folder, written))
        if path is None:
            path = paths[folder, written] = _log.absolute(written, folder)
    name = each.get("name") or "unnamed"
    return Seen(
        name, each.get("kind", "file"), each["sha256"], path, written or name, each.get("bytes")
    )


def refuse_cycle(name: str, log: Path, inputs: list[Artifact], outputs: list[Artifact]) -> None:
    """Refuse an output that is, content and place, one of the things the inputs came from.

    The same content elsewhere is a copy, other content in the same place a new version, and a
    table in memory has no place: none of these is its own source.
    """
    made = {
        (str(artifact.path), artifact.sha256): artifact for artifact in outputs if artifact.path
    }
    for artifact in inputs:
        if artifact.path and (str(artifact.path), artifact.sha256) in made:
            raise LineageError(
                f"step({name!r}): {artifact.path} comes out as it went in, so it would be its own "
                "source. Leave it out of the outputs, or write the result to another file."
            )
    # Most logs never saw the content that was just made: then there is nothing to follow.
    data = log.read_bytes() if made and inputs else b""
    if not any(artifact.sha256.encode() in data for artifact in made.values()):
        return
    graph = Graph(_log.read(log, function="lineage.step"))
    todo = [graph.node(_as_seen(artifact)) for artifact in inputs]
    done = set(todo)
    while todo:
        seen = graph.seen(todo[-1])
        if (seen.place, seen.sha256) in made:
            raise LineageError(
                f"step({name!r}): {seen.path} comes out as it was when the inputs of this step "
                "were made from it, so it would be its own source. Write the result to another "
                "file."
            )
        new = [key for key in graph.before(todo.pop()) if key not in done]
        done.update(new)
        todo += new


def _as_seen(artifact: Artifact) -> Seen:
    path = str(artifact.path) if artifact.path else None
    return Seen(artifact.name, artifact.kind, artifact.sha256, path, artifact.name, artifact.bytes)


def identify(thing: Any, graph: Graph, *, function: str) -> tuple[str | None, list[str], Seen]:
    """The place and the contents that are asked for: those on the disk, then those recorded."""
    if isinstance(thing, str) and _content.looks_like_a_hash(thing) and not Path(thing).exists():
        return None, *_by_hash(thing, graph, function)
    if not isinstance(thing, str | os.PathLike) or isinstance(thing, Artifact):
        found = _content.examine(thing, function=function)
        named = Seen(found.kind, found.kind, found.sha256, None, found.kind, None)
        named = _as_seen(thing) if isinstance(thing, Artifact) else named
        return named.path, [named.sha256], named
    path = _content.located(thing)
    now = _content.on_disk(path, function=function) if path.exists() else None
    recorded = [seen for seen in everything(graph) if seen.path == str(path)]
    if now is None and not recorded:
        raise LineageError(f"{function}(): {thing} is not there, and the log does not know it.")
    contents = [now.sha256] if now else []
    contents += [seen.sha256 for seen in reversed(recorded)]
    kind = now.kind if now else recorded[-1].kind
    shown = recorded[-1].shown if recorded else str(thing)
    about = Seen(path.name, kind, contents[0], str(path), shown, now.bytes if now else None)
    return str(path), list(dict.fromkeys(contents)), about


def _by_hash(text: str, graph: Graph, function: str) -> tuple[list[str], Seen]:
    found = {seen.sha256: seen for seen in everything(graph) if seen.sha256.startswith(text)}
    if len(found) != 1:
        what = "several contents begin" if found else "no content in the log begins"
        raise LineageError(f"{function}(): {what} with {text}; and there is no such file.")
    return list(found), next(iter(found.values()))


def holds(seen: Seen, place: str | None) -> bool:
    """Whether it is a folder in which this place lies."""
    inside = seen.kind == "folder" and seen.path is not None and place is not None
    return inside and str(place).startswith(f"{seen.path}{os.sep}")


def everything(graph: Graph) -> Iterator[Seen]:
    for run in graph.runs:
        yield from run.inputs
        yield from run.outputs
