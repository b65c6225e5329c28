"""Slices nobody thought of: chosen on one half of the items, confirmed on the other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _stats, _tables
from mlkit._tables import TableError
from mlkit.slices import _export, _inputs, _search

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "slices.find"
# Each candidate carried over makes the bar for all of them higher (0.05 / 20 for the first).
# Twenty leave room for a true slice that luck ranked low in the choosing half.
_CARRIED = 20
_FALSE_DISCOVERIES = 0.05
_LEAST_ROWS = 10
_DRAWS = 4000
_NOT_SEARCHED = ("item", "label", "prediction", "score", "path", "sampling_rate")


@dataclass(frozen=True)
class Found:
    """Slices with more errors than elsewhere, most to gain first.

    ``table`` holds the confirmed ones, ``candidates`` all that were carried over to the
    confirming half, ``searched`` how many were looked at. ``accuracy`` with ``low, high, n`` is
    that of the confirming half, on which every figure rests.
    """

    table: pd.DataFrame
    accuracy: float
    low: float
    high: float
    n: int
    searched: int
    notes: tuple[str, ...]
    candidates: pd.DataFrame = field(repr=False)
    masks: pd.DataFrame = field(repr=False)

    def mask(self, name: str) -> np.ndarray:
        """Which rows of the predictions lie in the slice, for ``Tagger(..., only=)``."""
        if name not in self.masks.columns or name == "item":
            known = [c for c in self.masks.columns if c != "item"]
            raise KeyError(f"there is no slice {name!r}; found: {_tables._some(known, 10)}.")
        return self.masks[name].to_numpy(bool)

    def __repr__(self) -> str:
        start = (
            f"{_tables._count(self.searched, 'slice')} searched, "
            f"{len(self.candidates)} carried over, {len(self.table)} confirmed"
        )
        if self.table.empty:
            return f"{start}: nothing stands out beyond chance."
        first = self.table.iloc[0]
        return (
            f"{start}. Most to gain: {first['slice']}, accuracy "
            f"{_show.percent(first['accuracy'])} against "
            f"{_show.percent(first['accuracy_elsewhere'])} elsewhere."
        )

    def _repr_html_(self) -> str:
        columns = {
            "slice": "Slice",
            "n": "Items",
            "errors": "Errors",
            "accuracy": "Accuracy",
            "accuracy_elsewhere": "Elsewhere",
            "share_of_data": "Share of data",
            "gain_to_rest": "Gain if as good as the rest (points)",
            "q": "q",
            "expression": "pandas expression",
        }
        rows = [_cells(row) for row in self.table.to_dict("records")]
        table = _show.table_html(rows, columns=columns, text=["slice", "expression"])
        return _show.result_html(repr(self), table if rows else "", notes=self.notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Accuracy in each confirmed slice with its interval, beside accuracy elsewhere."""
        table = self.table.iloc[:20].iloc[::-1]
        ax = _show.axes(ax, size=(7.5, 1.5 + 0.4 * len(table)))
        y = np.arange(len(table))
        for column, colour, label in [
            ("accuracy_elsewhere", _show.PALETTE["black"], "everywhere else"),
            ("accuracy", _show.PALETTE["vermilion"], "in the slice"),
        ]:
            marker = "|" if column == "accuracy_elsewhere" else "o"
            ax.plot(100 * table[column], y, marker, color=colour, label=label, markersize=9)
        low, high = 100 * table["accuracy_low"], 100 * table["accuracy_high"]
        ax.hlines(y, low, high, color=_show.PALETTE["vermilion"], linewidth=2)
        ax.set_yticks(y, [name.replace("$", r"\$") for name in table["slice"]])
        ax.set_ylim(-0.6, max(len(table) - 0.4, 0.6))
        ax.set_xlabel("accuracy in percent, with 95 % intervals, on the confirming half")
        ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        return _show.describe(ax, "Accuracy in each slice found, beside elsewhere. " + repr(self))


def find(
    predictions: pd.DataFrame,
    *,
    columns: Sequence[str] = (),
    features: pd.DataFrame | None = None,
    min_support: float = 0.01,
    rng: int | np.random.Generator | None = 0,
) -> Found:
    """Where does the model err more than elsewhere, that nobody thought of?

    All slices of one or two conditions are counted on a random half of the items; the twenty
    that stand out most (near-duplicates, and second conditions that add nothing, left out) are
    tested on the other half: Fisher's exact test, one-sided, with the false discovery rate held
    at 5 % (Benjamini and Hochberg 1995). Every figure comes from that confirming half.
    ``gain_to_rest`` is (accuracy elsewhere - accuracy) x share of data.

    Parameters
    ----------
    predictions : ``item, label, prediction`` and metadata. Items without a label are left out.
    columns : metadata columns to search. Amounts are cut into quarters of the choosing half.
    features : ``item`` and further columns to search, all of them.
    min_support : rows a slice needs, as a share of all or as a count; at least 10 in a half.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> df = pd.DataFrame({"item": [f"i{k}" for k in range(2000)], "label": "a",
    ...                    "speaker": rng.choice(["ann", "bo", "cy"], 2000)})
    >>> wrong = rng.random(2000) < np.where(df["speaker"] == "bo", 0.3, 0.1)
    >>> df["prediction"] = np.where(wrong, "b", "a")
    >>> find(df, columns=["speaker"]).table["expression"].tolist()
    ["speaker == 'bo'"]
    """
    rng = np.random.default_rng(rng)
    judged, notes = _inputs.judged(predictions, function=_FUNCTION)
    table, names = _searched(predictions, columns, features)
    judgeable = _tables.among(table["item"], judged["item"])
    error = np.zeros(len(table), bool)
    error[judgeable] = judged["error"]
    choosing = _half(error, judgeable, rng)
    confirming = judgeable & ~choosing
    least = _least(min_support, int(judgeable.sum()))
    found = _search.conditions(table, names, choosing, least)
    holds = np.column_stack([c.holds for c in found]) if found else np.zeros((len(table), 0), bool)
    pairs, searched = _search.best(holds[choosing], error[choosing], least, _CARRIED)
    masks = {
        " and ".join(found[i].name for i in pair): _search.rows_of(pair, holds) for pair in pairs
    }
    expressions = [_search.expression([found[i] for i in pair]) for pair in pairs]
    candidates = _tested(masks, expressions, error, confirming, rng)
    right, n = int((confirming & ~error).sum()), int(confirming.sum())
    low, high = _stats.wilson(right, n)
    confirmed = candidates[candidates["q"] <= _FALSE_DISCOVERIES].reset_index(drop=True)
    notes += _remarks(len(found), least, n)
    return Found(
        table=confirmed,
        accuracy=right / n if n else float("nan"),
        low=float(low),
        high=float(high),
        n=n,
        searched=searched,
        notes=tuple(notes),
        candidates=candidates,
        masks=pd.DataFrame({"item": table["item"], **masks}),
    )


def _searched(
    predictions: pd.DataFrame, columns: Sequence[str], features: pd.DataFrame | None
) -> tuple[pd.DataFrame, list[str]]:
    """The table with every column that is searched, in the order of the predictions."""
    table = _tables.predictions(predictions, function=_FUNCTION)
    names = [columns] if isinstance(columns, str) else list(columns)
    missing = [name for name in names if name not in table.columns]
    free = [str(c) for c in table.columns if c not in _NOT_SEARCHED]
    if missing or (not names and features is None):
        raise TableError(
            f"{_FUNCTION}() "
            + (f"found no column {_tables._some(missing)}" if missing else "needs to know where")
            + f": give columns=[...], from {', '.join(free) or 'none here'}, or features=."
        )
    if {"label", "prediction"} <= set(names):
        raise TableError(
            f"{_FUNCTION}() cannot search label and prediction together: "
            "where they differ is an error by definition. Give one of them."
        )
    if features is None:
        return table, names
    more = _tables.items(features, function=_FUNCTION).drop(
        columns="sampling_rate", errors="ignore"
    )
    both = [name for name in more.columns if name != "item" and name in table.columns]
    if both:
        raise TableError(
            f"{_FUNCTION}() found {_tables._some(both)} in predictions and in features: "
            "rename or drop one of them."
        )
    return table.merge(more, on="item", how="left"), names + list(more.columns.drop("item"))


def _half(error: np.ndarray, judgeable: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random half of the errors and of the correct items."""
    chosen = np.zeros(len(error), bool)
    for rows in (np.flatnonzero(judgeable & error), np.flatnonzero(judgeable & ~error)):
        chosen[rng.permutation(rows)[: math.ceil(len(rows) / 2)]] = True
    return chosen


def _least(min_support: float, n: int) -> int:
    if not min_support > 0 or (min_support > 1 and min_support != int(min_support)):
        raise ValueError(
            f"{_FUNCTION}(): min_support is a share of the items (0.01) or a count (50); "
            f"got {min_support!r}."
        )
    rows = min_support if min_support >= 1 else min_support * n
    return max(math.ceil(rows / 2), _LEAST_ROWS)


def _tested(
    masks: dict[str, np.ndarray],
    expressions: list[str],
    error: np.ndarray,
    confirming: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Each candidate on the confirming half, most to gain first."""
    from scipy.stats import false_discovery_control

    inside = np.array(list(masks.values())).reshape(len(masks), len(error))[:, confirming]
    wrong = error[confirming]
    rows, errors, n = len(wrong), int(wrong.sum()), inside.sum(axis=1)
    e = inside[:, wrong].sum(axis=1)
    p = fisher(e, n, errors, rows)
    low, high = _stats.wilson(n - e, n)
    share_low, share_high = _stats.wilson(n, rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        accuracy, elsewhere = 1 - e / n, 1 - (errors - e) / (rows - n)
    share = n / max(rows, 1)
    gain_low, gain_high = _gain_limits(e, n, errors, rows, rng)
    table = pd.DataFrame(
        {
            "slice": list(masks),
            "n": n,
            "errors": e,
            "accuracy": accuracy,
            "accuracy_low": low,
            "accuracy_high": high,
            "accuracy_elsewhere": elsewhere,
            "share_of_data": share,
            "share_of_data_low": share_low,
            "share_of_data_high": share_high,
            "gain_to_rest": (elsewhere - accuracy) * share,
            "gain_to_rest_low": gain_low,
            "gain_to_rest_high": gain_high,
            "p": p,
            "q": false_discovery_control(p) if len(p) else p,
            "expression": expressions,
        }
    )
    return table.sort_values("gain_to_rest", ascending=False, ignore_index=True)


def fisher(e: np.ndarray, n: np.ndarray, errors: int, rows: int) -> np.ndarray:
    """One-sided p: as many errors or more among ``n`` of ``rows`` by chance (Fisher 1935)."""
    from scipy.stats import hypergeom

    return np.asarray(hypergeom.sf(e - 1, rows, errors, n), float).clip(0, 1)


def _gain_limits(
    e: np.ndarray, n: np.ndarray, errors: int, rows: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The middle 95 % of draws from what each of the three shares leaves possible (Jeffreys)."""
    size = (_DRAWS, len(n))
    share = rng.beta(n + 0.5, rows - n + 0.5, size)
    inside = rng.beta(e + 0.5, n - e + 0.5, size)
    outside = rng.beta(errors - e + 0.5, rows - n - (errors - e) + 0.5, size)
    low, high = np.quantile((inside - outside) * share, [0.025, 0.975], axis=0)
    return low, high


def _remarks(conditions: int, least: int, n: int) -> list[str]:
    notes = [f"All figures are from the {n:,} items of the half that chose nothing."]
    if not conditions:
        notes.append(
            f"No value of the columns has {least} items in the choosing half: "
            "lower min_support, or search columns with fewer values."
        )
    return notes


def _cells(row: dict[Any, Any]) -> dict[str, str]:
    cells = {"slice": row["slice"], "n": f"{row['n']:,}", "errors": f"{row['errors']:,}"}
    cells["accuracy_elsewhere"] = _show.percent(row["accuracy_elsewhere"])
    for column in ("accuracy", "share_of_data"):
        cells[column] = f"{_show.percent(row[column])}\n{_export.interval(row, column)}"
    gain = _export.points(row["gain_to_rest"])
    cells["gain_to_rest"] = f"{gain}\n{_export.interval(row, 'gain_to_rest')}"
    return cells | {"q": f"{row['q']:.2g}", "expression": row["expression"]}
