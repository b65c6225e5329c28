"""What of a trace is drawn: boxes in columns, few enough to be read, and what leads to what."""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlkit import _tables

if TYPE_CHECKING:
    from mlkit.lineage._graph import Graph, Key, Seen

_MOST_BOXES = 30  # beyond it, boxes of a kind become one
_MOST_IN_A_COLUMN = 8
_MOST_COLUMNS = 36


@dataclass(frozen=True)
class Box:
    """Something drawn: an artifact or a run, or many of them."""

    column: int
    step: bool
    role: str
    failed: bool
    name: str
    below: str = ""
    count: int = 1


@dataclass(frozen=True)
class Drawing:
    """Boxes by number, and which leads to which."""

    boxes: dict[int, Box]
    arrows: list[tuple[int, int]]


def drawing(
    graph: "Graph",
    role: "dict[Key, str]",
    layer: dict[Any, int],
    edges: dict[Any, list[Any]],
    direction: str,
) -> Drawing:
    """What is to be drawn, few enough to be read."""
    last = max(layer.values(), default=0)
    back = direction == "back"
    ids = {node: number for number, node in enumerate(layer)}
    boxes = {}
    for node, number in ids.items():
        column = last - layer[node] if back else layer[node]
        if isinstance(node, int):
            row = graph.runs[node].row
            failed = row["status"] != "done"
            below = "failed" if failed else row["run"][:8]
            boxes[number] = Box(column, True, "run", failed, row["step"], below)
        else:
            seen = graph.seen(node)
            boxes[number] = Box(column, False, role[node], False, _file(seen), seen.sha256[:8])
    arrows = [(ids[node], ids[other]) for node, others in edges.items() for other in others]
    arrows = [(b, a) for a, b in arrows] if back else arrows
    return _columns_from_0(_summarised(Drawing(boxes, arrows)))


def _file(seen: "Seen") -> str:
    return f"{seen.name}/" if seen.kind == "folder" else seen.name


def _summarised(whole: Drawing) -> Drawing:
    """Far columns become one box, then boxes of a kind one, then what is still too many."""
    asked = [box.column for box in whole.boxes.values() if box.role == "asked"]
    if max(box.column for box in whole.boxes.values()) >= _MOST_COLUMNS:
        whole = _far(whole, set(asked))
    heights = Counter(box.column for box in whole.boxes.values())
    if len(whole.boxes) > _MOST_BOXES or max(heights.values()) > _MOST_IN_A_COLUMN:
        whole = _of_a_kind(whole)
    heights = Counter(box.column for box in whole.boxes.values())
    if max(heights.values()) > _MOST_IN_A_COLUMN:
        whole = _rest(whole)
    return whole


def _far(whole: Drawing, asked: set[int]) -> Drawing:
    """All that lies more columns away from what was asked than can be drawn, in one box."""
    columns = {box.column for box in whole.boxes.values()}
    left = max(asked) == max(columns)  # a trace: what is far lies on the left
    near = sorted(columns, reverse=left)[: _MOST_COLUMNS - 1]
    far = {number: box for number, box in whole.boxes.items() if box.column not in near}
    runs = sum(box.step for box in far.values())
    words = f"{_tables._count(runs, 'run')} {'before' if left else 'after'}"
    column = min(near) - 1 if left else max(near) + 1
    one = Box(column, True, "many", any(b.failed for b in far.values()), words, count=len(far))
    return _merged(whole, {-1: (one, list(far))})


def _of_a_kind(whole: Drawing) -> Drawing:
    """Boxes of one column that come from and go to boxes of the same names become one."""
    before, after = defaultdict(set), defaultdict(set)
    for a, b in whole.arrows:
        before[b].add(_kind(whole.boxes[a]))
        after[a].add(_kind(whole.boxes[b]))
    groups = defaultdict(list)
    for number, box in whole.boxes.items():
        around = (frozenset(before[number]), frozenset(after[number]))
        groups[box.column, box.role, box.failed, _kind(box), around].append(number)
    merged = {}
    for index, members in enumerate(groups.values()):
        if len(members) > 1:
            merged[-1 - index] = (_several([whole.boxes[n] for n in members]), members)
    return _merged(whole, merged)


def _kind(box: Box) -> str:
    """Steps are told apart by name, artifacts only by what surrounds them."""
    return f"step {box.name}" if box.step else "artifact"


def _several(boxes: list[Box]) -> Box:
    count = sum(box.count for box in boxes)
    names = sorted({box.name for box in boxes})
    if boxes[0].step:
        return replace(boxes[0], name=boxes[0].name, below=f"{count:,} runs", count=count)
    what = names[0] if len(names) == 1 else f"{names[0]} …"
    kind = "versions" if len(names) == 1 else "artifacts"
    return replace(boxes[0], name=what, below=f"{count:,} {kind}", count=count)


def _rest(whole: Drawing) -> Drawing:
    """Of a column that is still too high: the boxes that stand for most, and one for the rest."""
    columns = defaultdict(list)
    for number, box in whole.boxes.items():
        columns[box.column].append(number)
    merged = {}
    for column, members in columns.items():
        if len(members) <= _MOST_IN_A_COLUMN:
            continue
        ranked = sorted(
            members, key=lambda n: (whole.boxes[n].role != "asked", -whole.boxes[n].count)
        )
        rest = ranked[_MOST_IN_A_COLUMN - 1 :]
        boxes = [whole.boxes[number] for number in rest]
        count, failed = sum(box.count for box in boxes), any(box.failed for box in boxes)
        runs = all(box.step for box in boxes)
        below = "other runs" if runs else "others"
        box = Box(column, runs, "many", failed, f"{count:,}", below, count)
        merged[-1_000_000 - column] = (box, rest)
    return _merged(whole, merged)


def _merged(whole: Drawing, groups: dict[int, tuple[Box, list[int]]]) -> Drawing:
    of = {number: number for number in whole.boxes}
    of |= {member: new for new, (_, members) in groups.items() for member in members}
    boxes = {number: box for number, box in whole.boxes.items() if of[number] == number}
    boxes |= {new: box for new, (box, _) in groups.items()}
    arrows = dict.fromkeys((of[a], of[b]) for a, b in whole.arrows if of[a] != of[b])
    return Drawing(boxes, list(arrows))


def _columns_from_0(whole: Drawing) -> Drawing:
    used = sorted({box.column for box in whole.boxes.values()})
    at = {column: number for number, column in enumerate(used)}
    boxes = {n: replace(box, column=at[box.column]) for n, box in whole.boxes.items()}
    return Drawing(boxes, whole.arrows)
