"""Where something came from, and what came from it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from mlkit import _show, _tables
from mlkit.lineage import _drawing, _graph, _log, _picture
from mlkit.lineage._graph import SOURCE, Graph, Key, Seen
from mlkit.lineage._log import Log
from mlkit.lineage._values import LineageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Node = Key | int  # an artifact, or the number of a run
_MOST_ROWS = 40


@dataclass(frozen=True)
class Trace:
    """What something came from (``direction`` "back"), or what came from it ("forward").

    ``table`` has one row an artifact, ``runs`` the lines of the log that it rests on (itself a
    log, to hand on with the file), ``n`` how many artifacts there are besides what was asked
    about, and ``steps`` how many runs lead to them.
    """

    table: pd.DataFrame
    runs: pd.DataFrame = field(repr=False)
    asked: str
    direction: str
    n: int
    steps: int
    drawing: Callable[[], _drawing.Drawing] = field(repr=False, compare=False)

    def __repr__(self) -> str:
        runs = _tables._count(self.steps, "run")
        failed = int((self.table["status"] == "failed").sum())
        warning = f" {_tables._count(failed, 'artifact')} of a failed run among them."
        more = warning if failed else ""
        if self.direction == "back":
            sources = self.table["artifact"][self.table["role"] == "source"]
            if not self.steps:
                lies = f" lies in {_log.names(sources)} and" if len(sources) else ""
                return f"{self.asked}{lies} is a source: no run in the log made it."
            from_ = f"{_tables._count(len(sources), 'source')} ({_log.names(sources)})"
            from_ = from_ if len(sources) else "no source that is recorded"
            return f"{self.asked} came from {from_} through {runs}.{more}"
        if not self.n:
            return f"Nothing in the log came from {self.asked}."
        ends = self.table["artifact"][self.table["role"] == "end"]
        return (
            f"{_tables._count(self.n, 'artifact')} came from {self.asked} through {runs}, "
            f"in the end {_log.names(ends)}.{more}"
        )

    def _repr_html_(self) -> str:
        columns = {
            "artifact": "What", "role": "", "depth": "Runs away", "step": "Made by the step",
            "made_from": "from", "at": "At (UTC)", "person": "By", "status": "", "sha256": "Hash",
        }  # fmt: skip
        rows = []
        for row in self.table.head(_MOST_ROWS).to_dict("records"):
            cells = {name: "" if pd.isna(row[name]) else str(row[name]) for name in columns}
            cells["at"] = "" if pd.isna(row["at"]) else f"{row['at']:%Y-%m-%d %H:%M}"
            rows.append({**cells, "sha256": row["sha256"][:8]})
        more = len(self.table) - len(rows)
        notes = [f"{more:,} more rows are in .table."] if more else []
        table = _show.table_html(rows, columns=columns, text=set(columns) - {"depth"})
        return _show.result_html(repr(self), table, notes=notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """The way from the sources (left) to the results (right); many of a kind in one box."""
        return _picture.draw(self.drawing(), repr(self), ax)


def trace(thing: Any, *, log: Log) -> Trace:
    """Where did this come from: which runs, what they read, back to what no run made?

    Parameters
    ----------
    thing : a path (the content that lies there counts; where there is nothing, the last one
        recorded there), a table, an array, an artifact, or the beginning of a hash.
    log : what :func:`runs` takes: the log's file, a batch's folder, a list of these, a table.

    ``.table``: ``artifact, kind, role`` ("asked", "between", "source"), ``depth`` (runs between
    it and what was asked), ``sha256, path``, and of the run that made it ``step, run, at, person,
    status, made_from``. An input is linked by its hash with the last run before that made it; a
    folder nobody made as a whole with the runs that made files in it, and a file that is not
    recorded itself with the folder that is, by place. Only where no other run made the content
    does a failed one count, and ``status`` says so.

    Raises LineageError where the log does not know the content, and where a log put together by
    hand leads round in a circle.

    Examples
    --------
    >>> from mlkit import lineage
    >>> log = getfixture("tmp_path") / "log.jsonl"
    >>> _ = lineage.record("clean", inputs={"raw": b"B a"}, outputs={"clean": b"b a"}, log=log)
    >>> _ = lineage.record("count", inputs={"clean": b"b a"}, outputs={"counts": [1, 1]}, log=log)
    >>> lineage.trace([1, 1], log=log)
    counts came from 1 source (raw) through 2 runs.
    """
    graph = Graph(_log.read(log, function="lineage.trace"))
    place, contents, about = _graph.identify(thing, graph, function="lineage.trace")
    start = _start(graph, place, contents, about)
    about = about if place else graph.seen(start)

    def back(node: Node) -> Iterable[Node]:
        if isinstance(node, int):
            return graph.reads(node)
        return [node[0]] if node[0] != SOURCE else graph.places.get(node, ())

    return _result(graph, [start], back, about, "back")


def downstream(thing: Any, *, log: Log) -> Trace:
    """A source turns out wrong: what came from it, and has to be made again?

    Every content recorded at the path counts as wrong, and what lies there now, wherever the
    same content was read; of a folder, all files below it too, and of a file the folders that
    were recorded as a whole. So it finds what came from the wrong version although the file is
    mended by now.

    ``.table`` is that of :func:`trace`, with the roles "asked", "between" and "end" (nothing was
    made from it yet). ``thing`` and ``log`` are as there; an artifact or a hash means this version
    alone.

    Examples
    --------
    >>> from mlkit import lineage
    >>> log = getfixture("tmp_path") / "log.jsonl"
    >>> _ = lineage.record("train", inputs={"list": b"spam"}, outputs={"model": b"m"}, log=log)
    >>> _ = lineage.record("test", inputs={"model": b"m"}, outputs={"report": b"r"}, log=log)
    >>> found = lineage.downstream(b"spam", log=log)
    >>> found
    2 artifacts came from list through 2 runs, in the end report.
    >>> found.table["artifact"].tolist()
    ['list', 'model', 'report']
    """
    graph = Graph(_log.read(log, function="lineage.downstream"))
    place, contents, about = _graph.identify(thing, graph, function="lineage.downstream")
    after = _after(graph)
    below = f"{place}/" if place and about.kind == "folder" else None
    wrong = set(contents)
    start = [
        key
        for key in _artifacts(graph)
        if (seen := graph.seen(key)).sha256 in wrong
        or (below and seen.path and seen.path.startswith(below))
        or _graph.holds(seen, place)
    ]
    if not start:
        raise LineageError(f"lineage.downstream(): {_unknown(about, graph, place)}")
    about = about if place else graph.seen(start[0])
    return _result(graph, start, lambda node: after.get(node, ()), about, "forward")


def _start(graph: Graph, place: str | None, contents: list[str], about: Seen) -> Key:
    """The artifact that a thing is: an output, else something read, else lying in a folder."""
    sha256 = contents[0]
    found = graph.producer(place, sha256)
    if found is not None:
        return found
    read = [seen for run in graph.runs for seen in run.inputs if seen.sha256 == sha256]
    here = [seen for seen in read if seen.path == place]
    key = graph.node((here or read or [about])[-1])
    if read or key in graph.places:
        return key
    folders = [seen for seen in _graph.everything(graph) if _graph.holds(seen, place)]
    if folders:
        nearest = max(folders, key=lambda seen: len(seen.path or ""))
        graph.places[key] = (graph.node(nearest),)
        return key
    raise LineageError(f"lineage.trace(): {_unknown(about, graph, place)}")


def _unknown(about: Seen, graph: Graph, place: str | None) -> str:
    known = [seen for seen in _graph.everything(graph) if place and seen.path == place]
    if known:
        return (
            f"{about.shown} has changed since it was recorded: the log knows it with another "
            f"content. Make it again, or ask about the recorded one by its hash: "
            f"{known[-1].sha256[:12]!r}."
        )
    return (
        f"the log does not know {about.shown}: no run read or made this content (its SHA-256 "
        f"begins with {about.sha256[:12]}). Is it in another log? Several go in as a list."
    )


def _artifacts(graph: Graph) -> Iterator[Key]:
    for number, run in enumerate(graph.runs):
        yield from ((number, slot, "", "") for slot in range(len(run.outputs)))
        yield from (key for key in graph.reads(number) if key[0] == SOURCE)


def _after(graph: Graph) -> dict[Node, list[Node]]:
    """What comes after each artifact and run."""
    after: dict[Node, list[Node]] = defaultdict(list)
    for number, run in enumerate(graph.runs):
        after[number] = [(number, slot, "", "") for slot in range(len(run.outputs))]
        for key in dict.fromkeys(graph.reads(number)):
            after[key].append(number)
    for key, around in graph.places.items():
        for other in around:
            after[other].append(key)
    return after


@_log.calm()
def _result(
    graph: Graph,
    start: list[Key],
    onward: Callable[[Node], Iterable[Node]],
    about: Seen,
    direction: str,
) -> Trace:
    depth, edges = _walk(start, onward)
    layer = _layers(depth, edges, graph)
    role = {key: _role(key, set(start), edges, direction) for key in depth if _is_artifact(key)}
    numbers = sorted(node for node in depth if isinstance(node, int))
    rows = [_row(graph, key, depth[key], role[key]) for key in role]
    rows.sort(key=lambda row: (row["depth"], row["artifact"]))
    table = _log.framed(rows, _COLUMNS)
    table["at"] = pd.to_datetime(table["at"], utc=True, format="ISO8601")
    return Trace(
        table=table,
        runs=_log.table([graph.runs[number].row for number in numbers]),
        asked=about.shown,
        direction=direction,
        n=len(rows) - len(set(start) & set(depth)),
        steps=len(numbers),
        drawing=partial(_drawing.drawing, graph, role, layer, edges, direction),
    )


def _is_artifact(node: Node) -> bool:
    return not isinstance(node, int)


def _walk(
    start: list[Key], onward: Callable[[Node], Iterable[Node]]
) -> tuple[dict[Any, int], dict[Any, list[Any]]]:
    """All that is reached, how many runs away it is at least, and what follows on what."""
    depth: dict[Any, int] = dict.fromkeys(start, 0)
    edges: dict[Any, list[Any]] = {}
    wave: list[Any] = list(depth)
    while wave:
        todo, wave = wave, []
        while todo:
            node = todo.pop()
            if node in edges:
                continue
            edges[node] = list(dict.fromkeys(onward(node)))
            for other in edges[node]:
                if other not in depth:
                    run = isinstance(other, int)  # only a run is a step further away
                    depth[other] = depth[node] + run
                    (wave if run else todo).append(other)
    return depth, edges


def _layers(depth: dict[Any, int], edges: dict[Any, list[Any]], graph: Graph) -> dict[Any, int]:
    """The longest way to each node; a circle has none."""
    open_ways = dict.fromkeys(depth, 0)
    for others in edges.values():
        for other in others:
            open_ways[other] += 1
    layer = {node: 0 for node, ways in open_ways.items() if not ways}
    todo = list(layer)
    while todo:
        node = todo.pop()
        for other in edges[node]:
            layer[other] = max(layer.get(other, 0), layer[node] + 1)
            open_ways[other] -= 1
            if not open_ways[other]:
                todo.append(other)
    stuck = [node for node, ways in open_ways.items() if ways]
    if stuck:
        steps = _log.names(graph.runs[n].row["step"] for n in stuck if isinstance(n, int))
        raise LineageError(
            f"the log leads round in a circle through the steps {steps}: something would be its "
            "own source. Logs of different times or places were put together, or one was edited; "
            "read them one by one."
        )
    return layer


def _role(key: Key, start: set[Key], edges: dict[Any, list[Any]], direction: str) -> str:
    if key in start:
        return "asked"
    if direction == "back":
        return "source" if key[0] == SOURCE and not edges[key] else "between"
    return "between" if edges[key] else "end"


_COLUMNS = (
    "artifact", "kind", "role", "depth", "sha256", "path", "step", "run", "at", "person", "status",
    "made_from",
)  # fmt: skip


def _row(graph: Graph, key: Key, depth: int, role: str) -> dict[str, Any]:
    seen = graph.seen(key)
    row: dict[str, Any] = {
        "artifact": seen.shown, "kind": seen.kind, "role": role, "depth": depth,
        "sha256": seen.sha256, "path": seen.path or "", "step": "", "run": "", "at": None,
        "person": "", "status": "", "made_from": "",
    }  # fmt: skip
    if key[0] != SOURCE:
        run = graph.runs[key[0]]
        row |= {name: run.row[name] for name in ("step", "run", "at", "status")}
        row["person"] = run.row.get("person") or ""
        row["made_from"] = _log.names(one.shown for one in run.inputs)
    elif key in graph.places:
        row["made_from"] = _log.names(graph.seen(one).shown for one in graph.places[key])
    return row
