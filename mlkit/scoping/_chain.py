"""From a machine-learning metric over a software metric to a business metric."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlkit import _show
from mlkit.scoping import _cells, _chain_picture, _ranges
from mlkit.scoping._chain_picture import signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "scoping.chain"
LEVELS = ("machine learning", "software", "business")
_COLUMNS = ["metric", "level", "unit", *_ranges.ENDS]


@dataclass(frozen=True)
class Chain:
    """What a better model is worth, through exchange rates that are ranges.

    ``value`` is the mean change of the last metric (closed form), ``low`` to ``high`` holds 95 of
    100 draws, ``n`` is the number of steps. ``likely`` is what the likely values give.
    ``below_zero`` is the share of draws in which the last metric moves the other way.
    """

    table: pd.DataFrame
    value: float
    low: float
    high: float
    n: int
    unit: str
    likely: float
    below_zero: float
    notes: tuple[str, ...]
    draws: np.ndarray = field(repr=False, compare=False)

    def __repr__(self) -> str:
        first, last = self.table.iloc[0], self.table.iloc[-1]
        start, end, low, high = map(signed, (first["change"], self.value, self.low, self.high))
        text = (
            f"On average, {first['metric']} {start} {first['unit']} brings {last['metric']} {end} "
            f"{self.unit} ({low} to {high} in 95 of 100 draws)."
        )
        if not self.table["narrower"].notna().any():
            return text
        place = int(self.table["narrower"].to_numpy(float).argmax())
        rows = self.table["metric"]
        what = f"from {rows[place - 1]} to {rows[place]}" if place else f"of {rows[0]} itself"
        return f"{text} Most of the spread comes from the step {what}: find that out first."

    def _repr_html_(self) -> str:
        return _chain_picture.html(self)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """The metrics as boxes, the exchange rates on the arrows between them."""
        return _chain_picture.plot(self, ax)


def chain(
    links: pd.DataFrame,
    *,
    shape: str = "triangular",
    rng: int | np.random.Generator | None = 0,
) -> Chain:
    """What is a better model worth to those who pay for it?

    Parameters
    ----------
    links : ``metric, level, unit, low, likely, high``. The first row is the change of the
        machine-learning metric; in each further row the three numbers say by how much this metric
        changes for one unit of the metric above it: the exchange rate. They may be negative.
        ``level`` goes from machine learning over software (may be left out) to business.
    shape : ``"triangular"`` or ``"pert"``.

    A ``Chain``; ``.table`` adds ``change`` (mean), ``change_low, change_high`` (95 of 100 of 20,000
    draws) and ``narrower``: the share of the final variance that would go if this range were
    known to be its mean (missing where nothing varies). Ranges are taken as independent: the mean
    and second moment of a product are then the products of theirs (Goodman 1960).
    Raises ``ValueError`` for fewer than two rows, levels out of order, a metric named twice,
    ends in the wrong order.

    Examples
    --------
    >>> rows = [("accuracy", "machine learning", "points", 2, 3, 4)]
    >>> rows += [("wrong bays", "software", "a day", -9, -5, -4)]
    >>> rows += [("cost", "business", "EUR a day", 8, 10, 12)]
    >>> c = chain(pd.DataFrame(rows, columns=["metric", "level", "unit", "low", "likely", "high"]))
    >>> round(c.value), c.likely
    (-180, -150.0)
    """
    found = _cells.table(links, _COLUMNS, function=_FUNCTION, about="the metrics, one a row")
    for column in ("metric", "level", "unit"):
        found[column] = _cells.text(found, column, function=_FUNCTION)
    found["level"] = found["level"].str.lower()
    _cells.once(found["metric"], function=_FUNCTION, what="metric")
    _in_order(found["level"])
    found = _ranges.checked(found, function=_FUNCTION, name="metric", shape=shape, negative=True)
    mean, variance = _ranges.moments(found, shape=shape)
    draws = _ranges.draw(found, shape=shape, rng=np.random.default_rng(rng)).cumprod(axis=1)
    ends = np.quantile(draws, [0.025, 0.975], axis=0)
    table = found[_COLUMNS].assign(
        change=mean.cumprod(),
        change_low=ends[0],
        change_high=ends[1],
        narrower=_narrower(mean, variance),
    )
    value = float(mean.prod())
    return Chain(
        table=table,
        value=value,
        low=float(ends[0, -1]),
        high=float(ends[1, -1]),
        n=len(table),
        unit=str(table["unit"].iloc[-1]),
        likely=float(np.prod(found["likely"].to_numpy(float))),
        below_zero=float((draws[:, -1] * np.sign(value) < 0).mean()),
        notes=tuple(_remarks(table, draws[:, -1], value)),
        draws=draws[:, -1],
    )


def _in_order(levels: pd.Series) -> None:
    places = [LEVELS.index(level) if level in LEVELS else -1 for level in levels]
    if -1 in places:
        raise ValueError(
            f"{_FUNCTION}(): a level is one of {', '.join(LEVELS)}, not "
            f"{levels.iloc[places.index(-1)]!r}."
        )
    if places != sorted(places) or places[0] != 0 or places[-1] != len(LEVELS) - 1:
        raise ValueError(
            f"{_FUNCTION}() goes from a machine-learning metric to a business metric, and the "
            f"levels here are {', '.join(levels)}: put the rows in order, and add what is missing."
        )


def _narrower(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """What part of the variance of the product goes with each factor's own."""
    second = variance + mean**2
    whole = second.prod() - mean.prod() ** 2
    if whole <= 0:
        return np.full(len(mean), np.nan)
    without = [
        np.delete(second, k).prod() * mean[k] ** 2 - mean.prod() ** 2 for k in range(len(mean))
    ]
    return 1 - np.array(without) / whole


def _remarks(table: pd.DataFrame, last: np.ndarray, value: float) -> list[str]:
    notes = []
    across = table["metric"][(table["low"] < 0) & (table["high"] > 0)]
    if len(across):
        other = float((last * np.sign(value) < 0).mean())
        notes.append(
            f"{across.iloc[0]}: the range holds 0, so it is not known which way this works; in "
            f"{_show.percent(other, digits=0)} of the draws the chain ends with the other sign."
        )
    if table["narrower"].sum() > 1.005:
        notes.append(
            "The shares of the variance add up to more than 100 %: in a product one range makes "
            "the others count for more, and with any one known that part goes too."
        )
    if "software" not in set(table["level"]):
        notes.append(
            "No software metric lies between: what changes for the user before money does?"
        )
    return notes
