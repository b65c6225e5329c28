"""How a chain of metrics is read: as a table and as boxes with arrows."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from mlkit import _show
from mlkit.scoping._cells import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlkit.scoping._chain import Chain

_COLOURS = {"machine learning": "sky", "software": "orange", "business": "green"}
_EMPTY = "—"


def signed(value: float) -> str:
    """A change with its sign.

    >>> signed(3.21), signed(-40)
    ('+3.21', '-40')
    """
    return f"+{figure(value)}" if value > 0 else figure(value)


def html(chain: "Chain") -> str:
    columns = {
        "metric": "Metric",
        "level": "Level",
        "unit": "Unit",
        "rate": "For one unit above it",
        "change": "Change",
        "narrower": "Less variance if known",
    }
    rows = []
    for number, row in enumerate(chain.table.to_dict("records")):
        cells = {name: str(row[name]) for name in ("metric", "level", "unit")}
        cells["rate"] = "(the start)" if number == 0 else _range(row)
        cells["change"] = (
            f"{signed(row['change'])}\n{signed(row['change_low'])} to {signed(row['change_high'])}"
        )
        cells["narrower"] = _show.percent(row["narrower"], digits=0) or _EMPTY
        rows.append(cells)
    table = _show.table_html(rows, columns=columns, text=["metric", "level", "unit"])
    return _show.result_html(repr(chain), table, notes=chain.notes)


def _range(row: dict[Any, Any]) -> str:
    if row["low"] == row["high"]:
        return f"{figure(row['likely'])}"
    return f"{figure(row['low'])} to {figure(row['high'])}"


def plot(chain: "Chain", ax: "Axes | None") -> "Axes":
    """Boxes from left to right; below the start and each arrow how much of the spread it makes."""
    rows = chain.table.to_dict("records")
    ax = _show.axes(ax, size=(2.6 * len(rows), 2.7))
    ax.set(xlim=(-0.52, len(rows) - 0.48), ylim=(-0.62, 1.0))
    ax.axis("off")
    for place, row in enumerate(rows):
        _box(ax, place, row)
        if place:
            _arrow(ax, place - 0.5, _range(row))
        _bar(ax, place, row["narrower"])
    steps = [f"{row['metric']} {signed(row['change'])} {row['unit']}" for row in rows]
    return _show.describe(ax, f"Chain of metrics: {'; '.join(steps)}. {chain!r}")


def _box(ax: "Axes", place: int, row: dict[Any, Any]) -> None:
    from matplotlib.patches import FancyBboxPatch

    colour = _show.PALETTE[_COLOURS[row["level"]]]
    style = "round,pad=0.02,rounding_size=0.05"
    low = (place - 0.33, 0.02)
    ax.add_patch(
        FancyBboxPatch(low, 0.66, 0.9, boxstyle=style, fc=colour + "33", ec=colour, lw=1.5)
    )
    change = f"{signed(row['change_low'])} to {signed(row['change_high'])}"
    centred: dict[str, Any] = {"ha": "center", "va": "center"}
    ax.text(place, 0.8, row["level"], size=8, color="#555555", **centred)
    ax.text(place, 0.61, _folded(row["metric"]), size=10, weight="bold", **centred)
    ax.text(place, 0.34, signed(row["change"]), size=12, **centred)
    ax.text(place, 0.16, _folded(f"{change} {row['unit']}", 26), size=7.5, **centred)


def _arrow(ax: "Axes", place: float, rate: str) -> None:
    head = {"arrowstyle": "-|>", "color": "black"}
    ax.annotate("", (place + 0.14, 0.47), (place - 0.14, 0.47), arrowprops=head)
    ax.text(place, 0.57, f"times\n{rate}", ha="center", va="bottom", size=7.5)


def _bar(ax: "Axes", place: int, share: float) -> None:
    if pd.isna(share):
        return
    middle, what = (place - 0.5, "this rate") if place else (0.0, "the start")
    ax.barh(-0.16, 0.4, left=middle - 0.2, height=0.1, **_show.pale(_show.PALETTE["black"], 0.07))
    colour = _show.PALETTE["vermilion"]
    ax.barh(-0.16, 0.4 * share, left=middle - 0.2, height=0.1, color=colour)
    text = f"{what} known:\n{_show.percent(share, digits=0)} less variance"
    ax.text(middle, -0.4, text, ha="center", va="center", size=7.5)


def _folded(text: str, most: int = 18) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, most))
