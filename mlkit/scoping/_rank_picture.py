"""How a ranking of ideas is read: as a sentence, a table and a picture."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit.scoping._cells import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlkit.scoping._rank import Ranking

_EMPTY = "—"
_COLOURS = ["blue", "vermilion", "green", "purple", "orange", "black"]
_MARKS = ["o", "s", "^", "D", "v", "P"]


def sentence(ranking: "Ranking") -> str:
    """The first idea, and how sure the team is."""
    ideas, team = len(ranking.table), _tables._count(ranking.n, "annotator")
    if np.isnan(ranking.score):
        return f"No idea can be ranked: {ranking.table['why'].iloc[0]}."
    text = (
        f"First of {_tables._count(ideas, 'idea')}: {ranking.best}, {figure(ranking.score)} of 25"
    )
    if np.isnan(ranking.first):
        return f"{text}, by {team}; how sure that is is not known: {ranking.table['why'].iloc[0]}."
    if not np.isnan(ranking.low):
        text += f" ({figure(ranking.low)} to {figure(ranking.high)})"
    text += f", by {team}."
    if ideas == 1:
        return f"{text} There is nothing to compare it with."
    return f"{text} It comes first in {_show.percent(ranking.first, digits=0)} of drawn teams."


def html(ranking: "Ranking") -> str:
    columns = {
        "idea": "Idea",
        "feasibility": "Feasibility (1 to 5)",
        "value": "Value (1 to 5)",
        "score": "Score (1 to 25)",
        "first": "First in",
        "n": "Annotators",
    }
    rows: list[dict[str, str]] = []
    why: dict[tuple[int, str], str] = {}
    for number, row in enumerate(ranking.table.to_dict("records")):
        cells = {"idea": str(row["idea"]), "n": f"{row['n']}"}
        for name, digits in (("feasibility", 2), ("value", 2), ("score", 1)):
            mean, low, high = (f"{row[name + end]:.{digits}f}" for end in ("", "_low", "_high"))
            cells[name] = _EMPTY if pd.isna(row[name]) else mean
            if pd.notna(row[f"{name}_low"]):
                cells[name] += f"\n{low} to {high}"
        cells["first"] = _show.percent(row["first"], digits=0) or _EMPTY
        if row["why"]:
            why |= {(number, name): str(row["why"]) for name in ("score", "first")}
        rows.append(cells)
    table = _show.table_html(rows, columns=columns, text=["idea"], why=why)
    told = ranking.table[ranking.table["why"] != ""].to_dict("records")
    reasons = [f"{row['idea']}: {row['why']}." for row in told]
    return _show.result_html(sentence(ranking), table, notes=[*ranking.notes, *reasons])


def plot(ranking: "Ranking", ax: "Axes | None") -> "Axes":
    """Points with crosses over lines of equal score."""
    ax = _show.axes(ax, size=(7.2, 4.4))
    side = np.linspace(1, 5, 200)
    grid = np.outer(side, side)
    lines = ax.contour(side, side, grid, levels=[2, 4, 6, 9, 12, 16, 20], colors="#8C8C8C")
    lines.set_linewidth(0.7)
    ax.clabel(lines, fontsize=7, fmt="%g", colors="#666666")
    seen = []
    known = ranking.table[ranking.table["score"].notna()].to_dict("records")
    for place, row in enumerate(known):
        _point(ax, row, _COLOURS[place % 6], _MARKS[place // 6 % 6 if place > 5 else place % 6])
        seen.append(f"{row['idea']} {figure(row['score'])}")
    ax.set(xlim=(0.9, 5.1), ylim=(0.9, 5.1), xlabel="feasibility", ylabel="value")
    ax.set_title("lines: the same feasibility x value", size=9, color="#666666", loc="left")
    outside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    ax.legend(frameon=False, fontsize=9, **outside)
    return _show.describe(ax, f"Ideas by feasibility and value: {'; '.join(seen)}. {ranking!r}")


def _point(ax: "Axes", row: dict[Any, Any], colour: str, mark: str) -> None:
    shown = _show.PALETTE[colour]
    if pd.notna(row["score_low"]):
        ends = [row["feasibility_low"], row["feasibility_high"]]
        ax.plot(ends, [row["value"]] * 2, color=shown, linewidth=2)
        ends = [row["value_low"], row["value_high"]]
        ax.plot([row["feasibility"]] * 2, ends, color=shown, linewidth=2)
    first = _show.percent(row["first"], digits=0)
    label = f"{row['idea']}\n{figure(row['score'])}" + (f", first in {first}" if first else "")
    ax.plot(row["feasibility"], row["value"], mark, color=shown, markersize=9, label=label)
