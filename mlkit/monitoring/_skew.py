"""Do training and serving see the same item alike? Two paths, item by item."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _stats, _tables
from mlkit._tables import TableError
from mlkit.monitoring._drift import drift

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "monitoring.skew"
SKEW, DRIFT, BOTH, ALIKE = "skew", "drift", "skew, perhaps drift", "alike"


@dataclass(frozen=True)
class Skew:
    """The share of items that differ in any column (``differs``, with ``low, high, n``).

    ``.table`` has a row for each column, the worst first; ``skewed`` names those that differ.
    """

    table: pd.DataFrame
    differs: float
    low: float
    high: float
    n: int
    skewed: tuple[str, ...]
    notes: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        which = f", in {', '.join(self.skewed)}" if self.skewed else ""
        drifted = self.table.loc[self.table["verdict"] == DRIFT, "column"]
        moved = f" Drifted without skew: {', '.join(drifted)}." if len(drifted) else ""
        return (
            f"{_show.percent(self.differs)} of the {_tables._count(self.n, 'item')} seen by both "
            f"differ between training and serving ({_show.percent(self.low)} to "
            f"{_show.percent(self.high)}){which}.{moved}"
        )

    def _repr_html_(self) -> str:
        rows = [
            {
                "column": str(row["column"]),
                "differs": f"{_show.percent(row['differs'])}\n{_show.percent(row['low'])} to "
                f"{_show.percent(row['high'])}",
                "verdict": str(row["verdict"]),
                "examples": str(row["examples"]),
                "said": str(row["said"]),
            }
            for row in self.table.head(20).to_dict("records")
        ]
        columns = {
            "column": "column",
            "differs": "items that differ",
            "verdict": "",
            "examples": "examples (training → serving)",
            "said": "how",
        }
        left = ["column", "verdict", "examples", "said"]
        more = len(self.table) - 20
        notes = (*self.notes, f"{more} columns more in .table.") if more > 0 else self.notes
        return _show.result_html(
            repr(self), _show.table_html(rows, columns=columns, text=left), notes=notes
        )

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """The share of items that differ, by column, with its interval."""
        shown = self.table.head(20).iloc[::-1]
        ax = _show.axes(ax, size=(7.0, 1.2 + 0.3 * len(shown)))
        place = np.arange(len(shown))
        share, low, high = (100 * shown[name] for name in ("differs", "low", "high"))
        colors = [
            _show.PALETTE["vermilion" if differs else "sky"] for differs in shown["differs"] > 0
        ]
        ax.barh(place, share, color=colors, height=0.6)
        reach = [(share - low).clip(lower=0), (high - share).clip(lower=0)]
        ax.errorbar(share, place, xerr=reach, fmt="none", ecolor="black", capsize=3)
        verdicts = zip(shown["column"], shown["verdict"], strict=True)
        ax.set_yticks(place, [f"{name} ({verdict})" for name, verdict in verdicts])
        ax.set_xlim(0, 100)
        ax.set_xlabel("items that differ between training and serving (%)")
        return _show.describe(ax, repr(self))


def skew(
    training: pd.DataFrame,
    serving: pd.DataFrame,
    *,
    tolerance: float = 1e-6,
    alpha: float = 0.05,
    kinds: Mapping[str, str] | None = None,
) -> Skew:
    """Does the serving path compute other features than the training path, for the same items?

    Items in both tables are compared value by value: there only the path can be the cause. The
    drift of all rows beside it tells the two apart: a column that drifted while the same items
    have the same values has met other items; one that differs is to be mended first, as until
    then nothing tells whether its items changed too.

    Parameters
    ----------
    training, serving : one row an ``item``, and its features by the same names.
    tolerance : numbers this close, relative to the larger, are the same. Two missing values
        are the same; one alone is a difference. A number and text are compared as text.
    alpha, kinds : as in ``drift``.

    ``.table``: ``column, n, differs`` (share, with ``low, high`` by Wilson)``, shift`` (median
    of serving - training where they differ)``, psi`` and ``drifted`` (all rows)``, verdict``
    (*skew*, *drift*, *skew, perhaps drift*, *alike*)``, examples, said``. ``item``, and columns
    of one table alone (told in ``notes``), are left out. No item in common is an error.

    Examples
    --------
    >>> one = pd.DataFrame({"item": ["a", "b"], "loud": [-20.0, -3.0], "hz": [8000, 8000]})
    >>> skew(one, one.assign(loud=[0.1, -3.0])).skewed
    ('loud',)
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance is a share of the larger number, from 0; got {tolerance!r}.")
    one, other = (_tables.items(side, function=_FUNCTION) for side in (training, serving))
    names = [name for name in one.columns if name in other.columns and name != "item"]
    if not names:
        raise TableError(
            f"{_FUNCTION}() needs columns that both tables have besides item, and found none."
        )
    both = one[["item"]].merge(other[["item"]], on="item")["item"]
    if both.empty:
        raise TableError(
            f"{_FUNCTION}() joins on item, and no item stands in both tables; training has "
            f"{_tables._some(one['item'])}, serving {_tables._some(other['item'])}. monitoring."
            "drift() compares tables of different items."
        )
    pairs = [side.set_index("item").loc[both] for side in (one, other)]
    moved = _moved(one, other, names, kinds, alpha)
    rows, anywhere = [], np.zeros(len(both), bool)
    for name in names:
        row, apart = _column(name, pairs[0][name], pairs[1][name], tolerance)
        anywhere |= apart
        row |= moved.get(name, {"psi": np.nan, "drifted": False})
        row["verdict"] = _verdict(row["differs"] > 0, bool(row["drifted"]))
        rows.append(row)
    table = pd.DataFrame(rows, columns=_COLUMNS)
    order = ["differs", "drifted", "psi"]
    table = table.sort_values(order, ascending=False, kind="stable").reset_index(drop=True)
    low, high = _stats.wilson(anywhere.sum(), len(both))
    return Skew(
        table,
        float(anywhere.mean()),
        float(low),
        float(high),
        len(both),
        tuple(table.loc[table["differs"] > 0, "column"]),
        tuple(_notes(one, other, len(both))),
    )


_COLUMNS = [
    *("column", "n", "differs", "low", "high", "shift", "psi", "drifted"),
    *("verdict", "examples", "said"),
]


def _verdict(differs: bool, drifted: bool) -> str:
    if differs:
        return BOTH if drifted else SKEW
    return DRIFT if drifted else ALIKE


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _column(
    name: str, before: pd.Series, after: pd.Series, tolerance: float
) -> tuple[dict[str, Any], np.ndarray]:
    """One column of the items in both tables, and which of them differ."""
    absent = before.isna().to_numpy(), after.isna().to_numpy()
    numbers = _is_number(before), _is_number(after)
    shift, said = np.nan, []
    if all(numbers):
        a, b = (side.to_numpy(float, na_value=np.nan) for side in (before, after))
        with np.errstate(invalid="ignore"):
            gap = np.abs(a - b)
            close = np.isfinite(gap) & (gap <= tolerance * np.maximum(np.abs(a), np.abs(b)))
        apart = ~(close | (a == b))
        known = apart & ~absent[0] & ~absent[1]
        if known.any():
            shift = float(np.median((b - a)[known]))
    else:
        texts = [side.astype(str).to_numpy(object) for side in (before, after)]
        apart = texts[0] != texts[1]
        if any(numbers):
            said.append(f"numbers in {'training' if numbers[0] else 'serving'} alone.")
    apart = np.where(absent[0] | absent[1], absent[0] != absent[1], apart)
    for what, these in (
        ("missing in serving alone", absent[1] & ~absent[0]),
        ("missing in training alone", absent[0] & ~absent[1]),
    ):
        if these.any():
            said.append(f"{_show.percent(these.mean())} {what}.")
    low, high = _stats.wilson(apart.sum(), len(apart))
    examples = [
        f"{item}: {_shown(before.iloc[k])} → {_shown(after.iloc[k])}"
        for k, item in zip(np.flatnonzero(apart)[:3], before.index[apart][:3], strict=True)
    ]
    row = {"column": name, "n": len(apart), "differs": float(apart.mean())}
    row |= {"low": float(low), "high": float(high), "shift": shift}
    return row | {"examples": "; ".join(examples), "said": " ".join(said)}, apart


def _shown(value: Any) -> str:
    if pd.isna(value):
        return "missing"
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)


def _moved(
    one: pd.DataFrame,
    other: pd.DataFrame,
    names: list[str],
    kinds: Mapping[str, str] | None,
    alpha: float,
) -> dict[str, dict[str, Any]]:
    """The drift of each column over all rows, where both tables hold the same kind of values."""
    alike = [name for name in names if _is_number(one[name]) == _is_number(other[name])]
    asked = {name: kind for name, kind in (kinds or {}).items() if name in alike}
    found = drift(one[alike], other[alike], alpha=alpha, kinds=asked)
    values = found.table[found.table["what"] == "values"].set_index("column")["psi"]
    return {
        str(name): {"psi": float(psi), "drifted": name in found.drifted}
        for name, psi in values.items()
    }


def _notes(one: pd.DataFrame, other: pd.DataFrame, both: int) -> list[str]:
    notes = [
        f"In both: {_tables._count(both, 'item')} of {len(one):,} in training and {len(other):,} "
        "in serving."
    ]
    for name, here, there in (("training", one, other), ("serving", other, one)):
        only = [column for column in here.columns if column not in there.columns]
        if only:
            notes.append(f"Only in {name}: {_tables._some(only)}.")
    return notes
