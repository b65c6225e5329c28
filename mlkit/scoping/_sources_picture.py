"""How ranked sources are read: as a sentence, a table and a picture."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Why the middle is 0 though there may be some: the source gives all at once, or nothing.
_NOTHING = {
    "deadline": ": in most draws it starts too late",
    "budget": ": in most draws it costs too much",
}


@dataclass(frozen=True)
class Sources:
    """Sources of examples, ranked by what they give within a deadline and a budget.

    ``n_usable`` with ``low, high`` is what the ``first`` of them gives ("" and NaN where none can
    be ranked), ``n`` the number of sources.
    """

    table: pd.DataFrame
    first: str
    n_usable: float
    low: float
    high: float
    n: int
    deadline_days: float
    budget: float

    def __repr__(self) -> str:
        out = int(self.table["rank"].isna().sum())
        left = f" {_tables._count(out, 'source')} of {self.n} not ranked: see why." if out else ""
        within = f"Within {self.deadline_days:,g} working days and {self.budget:,g} in money"
        if not self.first:
            return f"{within} none of {_tables._count(self.n, 'source')} can be ranked: see why."
        text = (
            f"{within}, {self.first!r} gives the most usable examples: {_whole(self.n_usable)} "
            f"({_whole(self.low)} to {_whole(self.high)})."
        )
        return f"{text}{self._how_sure()}{left}"

    def _how_sure(self) -> str:
        """How far the order can be relied on; nothing where the first is first in any case."""
        ranked = self.table.dropna(subset=["rank"])
        last = int(ranked["rank_high"].iloc[0])
        if last == 1:
            return ""
        if (ranked["rank_low"] == 1).all() and (ranked["rank_high"] == len(ranked)).all():
            return (
                f" But the ranges overlap so far that each of the {len(ranked)} ranked may be "
                "first or last: this order says nothing yet. Narrow the widest ranges."
            )
        return f" But the ranges overlap: its rank may be anywhere from 1 to {last}."

    def _repr_html_(self) -> str:
        columns = {"source": "Source", "rank": "Rank", "n_usable": "Usable", "cost": "Money"}
        columns |= {"days": "Days", "limit": "Ended by"}
        if "days_wanted" in self.table:
            columns |= {"days_wanted": "Days until wanted", "cost_wanted": "Money until wanted"}
        columns |= {"why": "Why not"}
        rows = [_cells(row) for row in self.table.to_dict("records")]
        table = _show.table_html(rows, columns=columns, text={"source", "limit", "why"})
        return _show.result_html(repr(self), table)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Usable examples of each source with its interval; crosses are not ranked."""
        ax = _show.axes(ax, size=(7.0, 0.8 + 0.45 * self.n))
        for place, row in enumerate(self.table.to_dict("records")):
            ranked = pd.notna(row["rank"])
            colour = _show.PALETTE["blue"] if ranked else "0.45"
            ends = [row["n_usable_low"], row["n_usable_high"]]
            ax.plot(ends, [place] * 2, color=colour, lw=2)
            ax.plot(row["n_usable"], place, "o" if ranked else "x", color=colour, ms=9)
        ax.set_yticks(range(self.n), self.table["source"].tolist())
        ax.invert_yaxis()
        ax.set_xlabel("usable examples (crosses: not ranked)")
        return _show.describe(ax, repr(self))


def _cells(row: dict[Any, Any]) -> dict[str, str]:
    cells = {name: str(row[name]) for name in ("source", "limit", "why")}
    if row["n_usable"] == 0 and row["n_usable_high"] > 0:  # all at once, or not at all
        cells["limit"] += _NOTHING.get(row["limit"], "")
    for name in ("n_usable", "days_wanted", "cost_wanted"):
        if name in row:
            middle, low, high = (_whole(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
            cells[name] = middle if low == high else f"{middle}\n{low} to {high}"
    cells |= {"cost": _whole(row["cost"]), "days": f"{row['days']:,.3g}"}
    if pd.notna(row["rank"]):
        cells["rank"] = f"{row['rank']}\n{row['rank_low']} to {row['rank_high']}"
    return cells


def _whole(value: float) -> str:
    return "∞" if np.isinf(value) else f"{value:,.0f}"
