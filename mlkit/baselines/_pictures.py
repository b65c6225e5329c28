"""How baselines are read: as a table and as a picture."""

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlkit.baselines._gap import Gap
    from mlkit.baselines._human import Human

_EMPTY = "—"
_MOST_ROWS = 40
_MARKS = ["o", "s", "^", "D", "v", "P"]
_COLOURS = ["blue", "orange", "green", "purple", "sky", "vermilion"]


def limits(low: float, high: float) -> str:
    """Two shares as an interval in percent."""
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def between(low: float, high: float) -> str:
    """Two differences as an interval in percentage points."""
    return f"{_show.points(low)} to {_show.points(high)}"


def towards(low: float, high: float, side: str) -> str:
    """An interval in points of how far the model lies on this side, and on the other below 0."""
    other = "above" if side == "below" else "below"
    if low >= 0:
        return f"{100 * low:.1f} and {100 * high:.1f} points {side}"
    return f"{-100 * low:.1f} points {other} and {100 * high:.1f} points {side}"


def reference(name: str) -> str:
    return "the column label" if name == "label" else name


def _share(row: dict[Any, Any], value: str, low: str, high: str) -> str:
    if pd.isna(row[value]):
        return _EMPTY
    known = pd.notna(row[low])
    return _show.percent(row[value]) + (f"\n{limits(row[low], row[high])}" if known else "")


def human_html(human: "Human") -> str:
    columns = {
        "slice": "Slice",
        "hlp": "HLP",
        "constant": "Commonest label alone",
        "n": "Items",
        "labels": "Labels",
        "labels_per_item": "Labels an item",
        "reference": "Held against",
    }
    rows: list[dict[str, str]] = []
    why: dict[tuple[int, str], str] = {}
    for number, row in enumerate(human.table.to_dict("records")):
        cells = {c: str(row[c]) for c in ("slice", "reference")}
        cells |= {c: f"{row[c]:,}" for c in ("n", "labels")}
        cells["hlp"] = _share(row, "hlp", "hlp_low", "hlp_high")
        cells["constant"] = _show.percent(row["constant"]) or _EMPTY
        known = pd.notna(row["labels_per_item"])
        cells["labels_per_item"] = f"{row['labels_per_item']:.3g}" if known else _EMPTY
        rows.append(cells)
        if row["why"]:
            why |= {(number, c): row["why"] for c in ("hlp", "constant", "labels_per_item")}
    table = _show.table_html(rows, columns=columns, text=["slice", "reference"], why=why)
    empty = human.table[human.table["why"] != ""]
    reasons = [f"{row['slice']}: {row['why']}." for row in empty.to_dict("records")]
    return _show.result_html(repr(human), table, notes=[*human.notes, *reasons])


def gap_html(gap: "Gap") -> str:
    columns = {
        "slice": "Slice",
        "baseline": "Baseline",
        "n": "Items",
        "baseline_accuracy": "Its accuracy",
        "model": "The model's",
        "gap": "Gap (points)",
        "reference": "Held against",
        "warning": "Careful",
    }
    rows = []
    for row in gap.table.to_dict("records"):
        cells = {c: str(row[c]) for c in ("slice", "baseline", "reference", "warning")}
        cells["n"] = f"{row['n']:,}"
        cells["baseline_accuracy"] = _share(
            row, "baseline_accuracy", "baseline_low", "baseline_high"
        )
        cells["model"] = _share(row, "model", "model_low", "model_high")
        cells["gap"] = _show.points(row["gap"]) or _EMPTY
        if pd.notna(row["gap_low"]):
            cells["gap"] += f"\n{between(row['gap_low'], row['gap_high'])}"
        rows.append(cells)
    table = _show.table_html(
        rows, columns=columns, text=["slice", "baseline", "reference", "warning"]
    )
    return _show.result_html(repr(gap), table, notes=gap.notes)


def human_plot(human: "Human", ax: "Axes | None") -> "Axes":
    known = human.table[human.table["hlp"].notna()]
    rows = known.iloc[:_MOST_ROWS].iloc[::-1]
    ax = _show.axes(ax, size=(7.5, 1.6 + 0.36 * len(rows)))
    y = np.arange(len(rows))
    blue = _show.PALETTE["blue"]
    ax.hlines(y, 100 * rows["hlp_low"], 100 * rows["hlp_high"], color=blue, linewidth=2)
    ax.plot(100 * rows["hlp"], y, "o", color=blue, label="people (HLP)")
    ax.plot(
        100 * rows["constant"], y, "x", color=_show.PALETTE["vermilion"],
        label="always the commonest label",
    )  # fmt: skip
    names = [f"{_plain(r['slice'])}  ({r['n']:,})" for r in rows.to_dict("records")]
    ax.set_yticks(y, names)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    held = human.reference
    ax.set_xlabel(f"right, held against {held}, in percent, with 95 % intervals (items)")
    if len(rows):
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    return _show.describe(ax, "Human-level performance in each slice. " + repr(human))


def gap_plot(gap: "Gap", ax: "Axes | None") -> "Axes":
    """Rows by slice, then baseline: its mark and interval, and the model's on the same row."""
    table = gap.table[gap.table["baseline_accuracy"].notna()].iloc[:_MOST_ROWS]
    first = table["slice"] != table["slice"].shift()
    # One row of space above each slice, for its name.
    y = -(np.arange(len(table)) + first.cumsum().to_numpy(float))
    ax = _show.axes(ax, size=(7.5, 1.4 + 0.27 * -y.min(initial=-1)))
    names = list(dict.fromkeys(table["baseline"]))
    looks = dict(zip(names, zip(cycle(_COLOURS), cycle(_MARKS)), strict=False))
    for at, row in zip(y, table.to_dict("records"), strict=True):
        colour, mark = looks[row["baseline"]]
        _point(ax, row, at + 0.12, ("baseline_accuracy", "baseline"), _show.PALETTE[colour], mark)
        _point(ax, row, at - 0.16, ("model", "model"), _show.PALETTE["black"], "|")
        ax.plot(100 * row["constant"], at + 0.12, "x", color=_show.PALETTE["vermilion"])
    ax.set_yticks(y, [_plain(name) for name in table["baseline"]])
    ax.tick_params(axis="y", length=0)
    for at, name in zip(y[first], table["slice"][first], strict=True):
        ax.text(
            0.008, at + 0.8, _plain(name), transform=ax.get_yaxis_transform(), fontweight="bold",
            va="center",
        )  # fmt: skip
        ax.axhline(at + 1.25, color="0.85", linewidth=0.8, gid="decoration")
    if not len(table):
        return _show.describe(ax, repr(gap))
    ax.set_ylim(y.min() - 0.6, 0.3)
    ax.plot([], [], "o", color="0.5", label="baseline")
    ax.plot([], [], "|", color="black", markersize=10, markeredgewidth=2, label="the model")
    if table["constant"].notna().any():
        label = "always the commonest label, beside people"
        ax.plot([], [], "x", color=_show.PALETTE["vermilion"], label=label)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    ax.set_xlabel("right, in percent, with 95 % intervals")
    return _show.describe(ax, "The model beside each baseline in each slice. " + repr(gap))


def _point(
    ax: "Axes", row: dict[Any, Any], y: float, names: tuple[str, str], colour: str, mark: str
) -> None:
    value, limit = names
    if pd.isna(row[value]):
        return
    if pd.notna(row[f"{limit}_low"]):
        ax.hlines(y, 100 * row[f"{limit}_low"], 100 * row[f"{limit}_high"], color=colour, lw=1.6)
    line = mark == "|"
    ax.plot(
        100 * row[value], y, mark, color=colour, markersize=11 if line else 6,
        markeredgewidth=2.2 if line else 1,
    )  # fmt: skip


def _plain(name: object) -> str:
    return str(name).replace("$", r"\$")
