"""A trace drawn: sources on the left, results on the right; long ways wrap as text does."""

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlkit import _show
from mlkit.lineage._drawing import Box, Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS_IN_A_ROW = 9
_WIDE, _HIGH = 0.98, 0.46  # of a box, in inches; so are the next
_PITCH_X, _PITCH_Y, _LANE, _BETWEEN_ROWS = 1.16, 0.62, 0.2, 0.42
_POINTS = 8.0
_ROOM = 72 * _WIDE - 6  # for text in a box, in points

# A box, or the lane of an arrow through a column that it only passes: (arrow, column).
_Slot = int | tuple[int, int]


class _Layout:
    """The middle of each box and lane in inches, and how wide and high all is."""

    def __init__(self, whole: Drawing) -> None:
        column = {number: box.column for number, box in whole.boxes.items()}
        self.columns: dict[int, list[_Slot]] = defaultdict(list)
        for number, at in column.items():
            self.columns[at].append(number)
        self.ways: list[list[_Slot]] = []
        for arrow, (a, b) in enumerate(whole.arrows):
            lanes: list[_Slot] = [(arrow, at) for at in range(column[a] + 1, column[b])]
            for at, lane in zip(range(column[a] + 1, column[b]), lanes, strict=True):
                self.columns[at].append(lane)
            self.ways.append([a, *lanes, b])
        self._order(whole)
        self.last = max(self.columns)
        self._place()

    def _order(self, whole: Drawing) -> None:
        """Each column in an order in which arrows cross little: by the mean of the neighbours."""
        near = defaultdict(list)
        for way in self.ways:
            for a, b in pairwise(way):
                near[a].append(b)
                near[b].append(a)
        for slots in self.columns.values():
            slots.sort(key=lambda slot: whole.boxes[slot].name if isinstance(slot, int) else "")
        place: dict[_Slot, float] = {}
        for slots in self.columns.values():
            place |= {slot: (at + 0.5) / len(slots) for at, slot in enumerate(slots)}
        for turn in range(6):
            for at in sorted(self.columns, reverse=turn % 2 == 0):
                slots = self.columns[at]
                means = {
                    slot: sum(place[other] for other in near[slot]) / len(near[slot])
                    if near[slot]
                    else place[slot]
                    for slot in slots
                }
                slots.sort(key=means.__getitem__)
                place |= {slot: (n + 0.5) / len(slots) for n, slot in enumerate(slots)}

    def _place(self) -> None:
        self.places: dict[_Slot, tuple[float, float]] = {}
        self.gaps: dict[int, float] = {}  # above each row
        top = 0.0
        for row in range(self.last // _COLUMNS_IN_A_ROW + 1):
            own = [c for c in self.columns if c // _COLUMNS_IN_A_ROW == row]
            high = max(sum(map(_height, self.columns[c])) for c in own)
            for at in own:
                y = top - (high - sum(map(_height, self.columns[at]))) / 2
                for slot in self.columns[at]:
                    x = (at % _COLUMNS_IN_A_ROW + 0.5) * _PITCH_X
                    self.places[slot] = (x, y - _height(slot) / 2)
                    y -= _height(slot)
            self.gaps[row] = top
            top -= high + _BETWEEN_ROWS
        self.wide = min(self.last + 1, _COLUMNS_IN_A_ROW) * _PITCH_X
        self.high = -top - _BETWEEN_ROWS

    def wraps(self, way: list[_Slot], boxes: dict[int, Box]) -> list[int]:
        """The columns after which a way goes on in the next row."""
        first, last = (boxes[slot].column for slot in (way[0], way[-1]) if isinstance(slot, int))
        return [c for c in range(first, last) if c % _COLUMNS_IN_A_ROW == _COLUMNS_IN_A_ROW - 1]


def _height(slot: _Slot) -> float:
    return _PITCH_Y if isinstance(slot, int) else _LANE


def draw(whole: Drawing, sentence: str, ax: "Axes | None") -> "Axes":
    """The drawing on axes, with a text for those who do not see it."""
    layout = _Layout(whole)
    ax = _show.axes(ax, size=(layout.wide, layout.high))
    for side in ("left", "bottom", "top", "right"):
        ax.spines[side].set_visible(False)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_xlim(0, layout.wide)
    ax.set_ylim(-layout.high, 0)
    _arrows(ax, layout, whole)
    for number, box in whole.boxes.items():
        _box(ax, box, *layout.places[number])
    return _show.describe(ax, f"{sentence} {_read_out(whole)}")


def _box(ax: "Axes", box: Box, x: float, y: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    palette = _show.PALETTE
    edges = {"asked": "blue", "source": "green", "end": "orange"}
    colour = "vermilion" if box.failed else edges.get(box.role, "black")
    ax.add_patch(
        FancyBboxPatch(
            (x - _WIDE / 2, y - _HIGH / 2), _WIDE, _HIGH, zorder=3,
            # Steps are round, artifacts square; what was asked about has a thick edge.
            boxstyle=f"round,pad=0,rounding_size={0.22 if box.step else 0.02}",
            facecolor="#eaf4fb" if box.step else "white", edgecolor=palette[colour],
            linewidth=2.5 if box.role == "asked" else 1.2,
            linestyle="--" if box.failed else "-", label="step" if box.step else "artifact",
        )
    )  # fmt: skip
    bold = "bold" if box.step else "normal"
    up = 0.09 if box.below else 0.0
    text: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 4}
    text["parse_math"] = False  # a file's name may hold dollars
    ax.text(x, y + up, _short(box.name, bold), fontsize=_POINTS, fontweight=bold, **text)
    ax.text(x, y - 0.1, box.below, fontsize=_POINTS, color="0.3", **text)


def _short(name: str, weight: str) -> str:
    """The two ends of a name that is too long for a box: what it is and its suffix.

    >>> _short("a_very_long_name_of_a_file.csv", "normal")
    'a_very_…ile.csv'
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(weight=weight, size=_POINTS)
    name = " ".join(name.split())[:200]
    short, left = name, len(name)
    while text_to_path.get_text_width_height_descent(short, font, ismath=False)[0] > _ROOM:
        left -= 1
        short = f"{name[: (left + 1) // 2]}…{name[len(name) - left // 2 :]}"
    return short


def _arrows(ax: "Axes", layout: _Layout, whole: Drawing) -> None:
    """Arrows run level through the columns they pass, in lanes of their own, behind no box."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    wrapping: dict[int, list[int]] = defaultdict(list)
    for arrow, way in enumerate(layout.ways):
        for column in layout.wraps(way, whole.boxes):
            wrapping[column].append(arrow)
    for arrow, way in enumerate(layout.ways):
        first = whole.boxes[whole.arrows[arrow][0]].column
        corners: list[tuple[float, float]] = []
        for step, slot in enumerate(way):
            x, y = layout.places[slot]
            if step:
                column = first + step
                if column % _COLUMNS_IN_A_ROW == 0:
                    corners += _wrap(layout, corners[-1][1], column, wrapping[column - 1], arrow, y)
                corners.append((x - _WIDE / 2, y))
            if step < len(way) - 1:
                corners.append((x + _WIDE / 2, y))
        ax.add_patch(
            FancyArrowPatch(
                path=Path(corners), arrowstyle="-|>", mutation_scale=8, color="0.5", linewidth=1,
                zorder=2, joinstyle="round",
            )
        )  # fmt: skip


def _wrap(
    layout: _Layout, y: float, column: int, wrapping: list[int], arrow: int, to: float
) -> list[tuple[float, float]]:
    """Round the end of a row, back along the gap below it, and to the next row's beginning."""
    share = (wrapping.index(arrow) + 1) / (len(wrapping) + 1)
    margin = (_PITCH_X - _WIDE) / 2
    gap = layout.gaps[column // _COLUMNS_IN_A_ROW] + _BETWEEN_ROWS * (1 - share)
    right, left = layout.wide - margin * (1 - share), margin * (1 - share) * 0.6
    return [(right, y), (right, gap), (left, gap), (left, to)]


def _read_out(whole: Drawing) -> str:
    """The drawing in words: what leads to what, from left to right."""

    def name(number: int) -> str:
        box = whole.boxes[number]
        return f"{box.name} ({box.below})" if box.count > 1 and box.below else box.name

    after = defaultdict(list)
    for a, b in whole.arrows:
        after[a].append(b)
    order = sorted(after, key=lambda number: whole.boxes[number].column)
    ways = [f"{name(a)} to {', '.join(name(b) for b in after[a])}" for a in order]
    return f"From left to right: {'; '.join(ways)}." if ways else ""
