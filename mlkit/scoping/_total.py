"""Milestones and budgets: parts that nobody knows exactly, added up."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit.scoping import _cells, _ranges
from mlkit.scoping._cells import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "scoping.total"
_COLUMNS = ["part", "unit", *_ranges.ENDS]


@dataclass(frozen=True)
class Total:
    """What all parts come to, as a range.

    ``total`` is the mean of the sum (closed form), ``low`` to ``high`` holds 95 of 100 draws, ``n``
    is the number of parts. ``likely`` is what adding up the likely values gives. ``table`` has, for
    each part, its mean, its standard deviation and its share of the variance of the sum.
    """

    table: pd.DataFrame
    total: float
    low: float
    high: float
    n: int
    unit: str
    likely: float
    notes: tuple[str, ...]
    draws: np.ndarray = field(repr=False, compare=False)

    def chance(self, limit: float) -> float:
        """In what share of draws the sum stays within this limit."""
        return float((self.draws <= limit).mean())

    def enough(self, chance: float) -> float:
        """How much is enough with this chance, 0 to 1."""
        if not 0 <= chance <= 1:
            raise ValueError(f"a chance lies between 0 and 1, for example 0.8; got {chance!r}.")
        return float(np.quantile(self.draws, chance))

    def __repr__(self) -> str:
        mean, ends = figure(self.total), f"{figure(self.low)} to {figure(self.high)}"
        if self.low == self.high:
            return f"{_tables._count(self.n, 'part')}: {mean} {self.unit}, without any spread."
        return (
            f"{_tables._count(self.n, 'part')}: {mean} {self.unit} on average, {ends} in 95 of 100 "
            f"draws. The likely values add up to {figure(self.likely)} {self.unit}, which is "
            f"enough in {_show.percent(self.chance(self.likely), digits=0)} of the draws; for 80 % "
            f"it takes {figure(self.enough(0.8))} {self.unit}."
        )

    def _repr_html_(self) -> str:
        columns = {"part": "Part", "low": "At least", "likely": "Likely", "high": "At most"}
        columns |= {"mean": "Mean", "share_of_spread": "Share of the spread"}
        rows = [
            {"part": row["part"]}
            | {name: figure(row[name]) for name in ("low", "likely", "high", "mean")}
            | {"share_of_spread": _show.percent(row["share_of_spread"], digits=0)}
            for row in self.table.to_dict("records")
        ]
        table = _show.table_html(rows, columns=columns, text=["part"])
        return _show.result_html(repr(self), table, notes=self.notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """How often each sum was drawn, with the sum of the likely values and the mean."""
        ax = _show.axes(ax)
        ax.hist(self.draws, bins=60, color=_show.PALETTE["sky"], weights=self._weights())
        lines = [("likely values added", self.likely, "vermilion", "--")]
        lines += [
            ("mean", self.total, "blue", "-"),
            ("enough in 80 %", self.enough(0.8), "black", ":"),
        ]
        for name, at, colour, style in lines:
            label = f"{name}: {figure(at)}"
            ax.axvline(at, color=_show.PALETTE[colour], linestyle=style, linewidth=2, label=label)
        ax.set(xlabel=self.unit, ylabel="% of draws")
        ax.legend(frameon=False)
        return _show.describe(ax, f"Distribution of the sum. {self!r}")

    def _weights(self) -> np.ndarray:
        return np.full(len(self.draws), 100 / len(self.draws))


def total(
    ranges: pd.DataFrame,
    *,
    shape: str = "triangular",
    together: float = 0.0,
    rng: int | np.random.Generator | None = 0,
) -> Total:
    """How long will it take, or what will it cost, when no part is known exactly?

    Most parts can go wrong by more than they can go well, so their means lie above their likely
    values, and a plan of likely values is too small.

    Parameters
    ----------
    ranges : ``part, low, likely, high, unit``: one unit for all parts, nothing below 0.
    shape : ``"triangular"``, or ``"pert"`` (more weight on the likely value).
    together : 0, each part for itself; 1, when one is late all are. The mean stays, the range
        widens.

    A ``Total``; ``.table`` adds ``mean, sd, share_of_spread`` (missing without spread). Ends and
    chances come from 20,000 draws: repeated with another ``rng`` they move in the third figure.
    Raises ``ValueError`` for an empty table, a part named twice, several units, a negative
    value, ends in the wrong order.

    Examples
    --------
    >>> rows = [("collect", 2, 3, 8), ("label", 1, 2, 6), ("train", 1, 1, 1)]
    >>> ranges = pd.DataFrame(rows, columns=["part", "low", "likely", "high"])
    >>> t = total(ranges.assign(unit="weeks"))
    >>> t.likely, round(t.total, 2), round(t.chance(t.likely), 1)
    (6.0, 8.33, 0.1)
    """
    found = _cells.table(ranges, _COLUMNS, function=_FUNCTION, about="the parts")
    found = found.assign(
        part=_cells.text(found, "part", function=_FUNCTION),
        unit=_cells.text(found, "unit", function=_FUNCTION),
    )
    _cells.once(found["part"], function=_FUNCTION, what="part")
    units = found["unit"].unique()
    if len(units) > 1:
        raise ValueError(
            f"{_FUNCTION}() cannot add {_tables._some(units)}: one unit a table; make two tables."
        )
    if isinstance(together, bool) or not 0 <= together <= 1:
        raise ValueError(f"{_FUNCTION}(): together lies between 0 and 1; got {together!r}.")
    found = _ranges.checked(found, function=_FUNCTION, name="part", shape=shape, negative=False)
    mean, variance = _ranges.moments(found, shape=shape)
    share = variance / variance.sum() if variance.sum() else np.full(len(found), np.nan)
    table = found[["part", *_ranges.ENDS, "unit"]]
    table = table.assign(mean=mean, sd=np.sqrt(np.maximum(variance, 0)), share_of_spread=share)
    rng = np.random.default_rng(rng)
    draws = _ranges.draw(found, shape=shape, together=together, rng=rng).sum(axis=1)
    low, high = _ranges.between(draws)
    return Total(
        table=table,
        total=float(mean.sum()),
        low=low,
        high=high,
        n=len(table),
        unit=str(units[0]),
        likely=float(found["likely"].sum()),
        notes=tuple(_remarks(table, together)),
        draws=draws,
    )


def _remarks(table: pd.DataFrame, together: float) -> list[str]:
    notes = []
    if not together and len(table) > 1:
        notes.append(
            "Each part goes well or badly for itself here. What delays one often delays the next: "
            "together=0.5 shows how much wider the range is then."
        )
    fixed = table["part"][table["low"] == table["high"]]
    if len(fixed) > 1 and len(fixed) == len(table):
        notes.append("Every part is given as a point. Is nothing in it open?")
    return notes
