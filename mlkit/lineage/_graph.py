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


class Graph:
    """The runs of a log and what leads from one to the other."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self.runs = [_run(row, number) for number, row in enumerate(rows)]
        # Places in time, in order, and the runs and outputs that stand there.
        self._made: dict[Any, tuple[list[float], list[tuple[int, int]]]] = {}
        self._untimed: dict[Any, tuple[int, int]] = {}
        self._tree: dict[str, list[str]] | None = None
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
        for key in (
            (run.trusted, seen.place, seen.sha256), (run.trusted, seen.sha256),
            (run.trusted, "at", seen.place),
        ):  # fmt: skip
            if math.isnan(run.order):
                self._untimed[key] = (number, slot)
                continue
            orders, made = self._made.setdefault(key, ([], []))
            orders.append(run.order)
            made.append((number, slot))

    def _last(self, key: Any, before: float, not_run: int) -> tuple[int, int] | None:
        """The last output under a key before a place in time (NaN: whenever)."""
        orders, made = self._made.get(key, ([], []))
        at = len(orders) if math.isnan(before) else bisect_left(orders, before)
        while at and made[at - 1][0] == not_run:
            at -= 1
        found = made[at - 1] if at else self._untimed.get(key)
        return None if found is None or found[0] == not_run else found

    def producer(
        self, place: str | None, sha256: str, *, before: float = math.inf, not_run: int = SOURCE
    ) -> Key | None:
        """The output that has this content: in this place rather than another, of a run that
        did not fail rather than of one that did.
        """
        for trusted in (True, False):
            for key in ((trusted, place, sha256), (trusted, sha256)):
                found = self._last(key, before, not_run)
                if found is not None:
                    return (*found, "", "")
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
        tree = self._folders()
        if seen.kind == "folder":
            for path in _inside(tree, seen.path):
                found = self._last((True, "at", path), before, number)
                if found is not None:
                    yield (*found, "", "")
            return
        for folder in Path(seen.path).parents:
            found = self._last((True, "at", str(folder)), before, number)
            if found is not None and self.runs[found[0]].outputs[found[1]].kind == "folder":
                yield (*found, "", "")
                return

    def _folders(self) -> dict[str, list[str]]:
        """What lies directly in each folder, of all that was ever made."""
        if self._tree is None:
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
    todo = list(tree.get(folder, ()))
    while todo:
        path = todo.pop()
        yield path
        todo += tree.get(path, ())


def _run(row: dict[str, Any], number: int) -> Run:
    folder = os.path.dirname(row["log"])  # noqa: PTH120 - once for each of 10^5 lines
    order = math.nan if row["at"] is None else float(number)
    return Run(
        row, [_seen(each, folder) for each in row["inputs"]],
        [_seen(each, folder) for each in row["outputs"]], order,
    )  # fmt: skip


def _seen(each: dict[str, Any], folder: str) -> Seen:
    written = each.get("path")
    path = None if written is None else _log.absolute(written, folder)
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
    graph = Graph(_log.read(log, function="step"))
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


def everything(graph: Graph) -> Iterator[Seen]:
    for run in graph.runs:
        yield from run.inputs
        yield from run.outputs
