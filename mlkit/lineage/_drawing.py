"""What of a trace is drawn: boxes in columns, few enough to be read, and what leads to what."""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlkit import _tables

if TYPE_CHECKING:
    from mlkit.lineage._graph import Graph, Key, Seen

_MOST_BOXES = 30
# How many columns, and how many boxes in one: what is tried until there are few enough.
_SIZES = [(36, 8), (24, 8), (18, 8), (12, 8), (12, 5), (6, 5)]


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
    """As it is where it can be read; else boxes of a kind in one, and what is far in one."""
    for columns, high in _SIZES:
        few = _far(whole, columns)
        heights = Counter(box.column for box in few.boxes.values())
        if len(few.boxes) > _MOST_BOXES or max(heights.values()) > high:
            few = _rest(_of_a_kind(few), high)
        if len(few.boxes) <= _MOST_BOXES:
            break
    return few


def _far(whole: Drawing, most: int) -> Drawing:
    """All that lies more columns away from what was asked than may be drawn, in one box."""
    columns = sorted({box.column for box in whole.boxes.values()})
    if len(columns) <= most:
        return whole
    asked = max(box.column for box in whole.boxes.values() if box.role == "asked")
    left = asked == columns[-1]  # a trace: what is far lies on the left
    near = columns[1 - most :] if left else columns[: most - 1]
    far = {n: box for n, box in whole.boxes.items() if not near[0] <= box.column <= near[-1]}
    runs = _tables._count(sum(box.step for box in far.values()), "run")
    below = "before" if left else "after"
    column = near[0] - 1 if left else near[-1] + 1
    failed = any(box.failed for box in far.values())
    one = Box(column, True, "many", failed, runs, below, len(far))
    return _merged(whole, [(one, list(far))])


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
    several = [members for members in groups.values() if len(members) > 1]
    return _merged(whole, [(_several([whole.boxes[n] for n in many]), many) for many in several])


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


def _rest(whole: Drawing, most: int) -> Drawing:
    """Of a column that is still too high: the boxes that stand for most, and one for the rest."""
    columns = defaultdict(list)
    for number, box in whole.boxes.items():
        columns[box.column].append(number)
    merged = []
    for column, members in columns.items():
        if len(members) <= most:
            continue
        boxes = whole.boxes
        members.sort(key=lambda number: (boxes[number].role != "asked", -boxes[number].count))
        rest = [boxes[number] for number in members[most - 1 :]]
        count, failed = sum(box.count for box in rest), any(box.failed for box in rest)
        runs = all(box.step for box in rest)
        below = f"other {'runs' if runs else 'artifacts'}"
        box = Box(column, runs, "many", failed, f"{count:,}", below, count)
        merged.append((box, members[most - 1 :]))
    return _merged(whole, merged)


def _merged(whole: Drawing, groups: list[tuple[Box, list[int]]]) -> Drawing:
    of = {number: number for number in whole.boxes}
    boxes = dict(whole.boxes)
    new = min(0, *boxes)
    for box, members in groups:
        new -= 1
        boxes[new] = box
        for member in members:
            of[member] = new
            del boxes[member]
    arrows = dict.fromkeys((of[a], of[b]) for a, b in whole.arrows if of[a] != of[b])
    return Drawing(boxes, list(arrows))


def _columns_from_0(whole: Drawing) -> Drawing:
    used = sorted({box.column for box in whole.boxes.values()})
    at = {column: number for number, column in enumerate(used)}
    boxes = {n: replace(box, column=at[box.column]) for n, box in whole.boxes.items()}
    return Drawing(boxes, whole.arrows)
