"""Every merge of two classes: the agreement it wins, and what can no longer be told."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit.labels import _coded, _patterns
from mlkit.labels._coincidences import Coincidences
from mlkit.labels._patterns import Patterns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ALL_PAIRS = 20_000  # merges: above this only pairs of classes that met on an item
_WITH_INTERVAL = 5_000  # merges, the first of them
_SHOWN = 10
_WHY_ALPHA = (
    "Ranked by alpha: percent agreement rises with any merge, also of classes nobody mixes up, "
    "as fewer classes are easier to hit by chance; alpha takes that chance off."
)


@dataclass(frozen=True)
class Merges:
    """Merges of two classes, ranked on half of the items and told on the other half.

    ``gain`` with ``low, high`` is what the first merge adds to alpha on the ``n`` items that did
    not choose it. ``table`` has all merges, ``notes`` what to know about them.
    """

    table: pd.DataFrame
    gain: float
    low: float
    high: float
    n: int
    notes: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        if np.isnan(self.gain):
            why = self.table["why"].iloc[0] if len(self.table) else "there are no two classes"
            return f"What a merge of classes wins cannot be told: {why}."
        first = self.table.iloc[0]
        names = f"{first['label_1']} and {first['label_2']}"
        if not (first["gain_choosing"] > 0 and self.low > 0):
            return (
                f"Merging {names}, the best merge on one half of the items, does not surely win "
                f"agreement on the other: alpha changes by {self.gain:+.3f}"
                f"{_between(self.low, self.high)} on its {_tables._count(self.n, 'item')}."
            )
        return (
            f"Merging {names} changes alpha by {self.gain:+.3f}{_between(self.low, self.high)}, "
            f"from {first['alpha_before']:.3f} to {first['alpha_after']:.3f}, on "
            f"{_tables._count(self.n, 'item')} that did not choose it. The smaller of the two, "
            f"{_show.percent(first['cost'])} of all labels, can then no longer be told apart."
        )

    def _repr_html_(self) -> str:
        columns = {
            "merge": "Merge",
            "gain": "Alpha won",
            "alpha_after": "Alpha after",
            "gain_choosing": "Won on the choosing half",
            "cost": "No longer told (of all labels)",
        }
        shown = self.table.head(2 * _SHOWN).to_dict("records")
        why = {(i, "gain"): row["why"] for i, row in enumerate(shown) if row["why"]}
        table = _show.table_html(map(_cells, shown), columns=columns, text=["merge"], why=why)
        left = len(self.table) - len(shown)
        notes = [f"{left:,} more merges stand in .table."] if left else []
        return _show.result_html(repr(self), table, notes=[*notes, *self.notes])

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """What each of the first merges adds to alpha on the other half, with intervals."""
        rows = self.table[self.table["gain"].notna()].head(_SHOWN).iloc[::-1]
        ax = _show.axes(ax, size=(7.5, 1.3 + 0.4 * max(len(rows), 1)))
        y, blue = np.arange(len(rows)), _show.PALETTE["blue"]
        ax.axvline(0, color="black", linewidth=0.8)
        ax.hlines(y, rows["gain_low"], rows["gain_high"], color=blue, linewidth=2)
        ax.plot(rows["gain"], y, "o", color=blue, label="on the other half, with 95 % interval")
        ax.plot(
            rows["gain_choosing"], y, "D", color=_show.PALETTE["orange"], markersize=5,
            fillstyle="none", label="on the half that chose",
        )  # fmt: skip
        ax.set_yticks(y, [_name(row).replace("$", r"\$") for row in rows.to_dict("records")])
        ax.set_ylim(-0.6, max(len(rows), 1) - 0.4)
        ax.set_xlabel("what the merge adds to alpha")
        if len(rows):
            ax.legend(frameon=False, loc="lower right")
        return _show.describe(ax, "Alpha won by each merge of two classes. " + repr(self))


def merges(annotations: pd.DataFrame, *, rng: int | np.random.Generator | None = None) -> Merges:
    """Which two classes should become one?

    Half of the items, drawn at random, ranks the merges; the other half tells what each adds to
    nominal alpha (Krippendorff 2011), with an interval over items: the best of many merges looks
    better than it is where it was chosen. It is alpha and not percent agreement, which rises with
    any merge. With D the coincidences off the diagonal, N of n labels and nc a class's, alpha is
    1 - (n - 1) D / (n^2 - sum nc^2); a merge of a and b takes 2 o_ab from D and 2 na nb from the
    divisor, so no label is coded anew. To see one on all items:
    ``compare(a, relabel(a, {"P": "G"}))``.

    Returns
    -------
    ``.table``: ``label_1, label_2, gain_choosing, alpha_before, alpha_after, gain, gain_low,
    gain_high, cost`` (share of all labels in the smaller class), ``why`` (of an empty cell),
    ranked by ``gain_choosing``. Above 20,000 merges only classes that met on an item are listed:
    no other merge raises alpha. The first 5,000 have intervals.

    Examples
    --------
    >>> given = pd.DataFrame({"item": [f"i{k // 2}" for k in range(240)],
    ...     "annotator": [1, 2] * 120, "label": list("aabbabbacccc") * 20})
    >>> merges(given, rng=0).table[["label_1", "label_2", "alpha_after", "cost"]].head(1).round(2)
      label_1 label_2  alpha_after  cost
    0       a       b          1.0  0.33
    """
    coded = _coded.code(annotations, function="labels.merges")
    rng = np.random.default_rng(rng)
    p = _patterns.find(coded.item, coded.label, len(coded.items), len(coded.labels))
    choosing, telling = _halves(p, rng)
    found = Coincidences.of(p)
    a, b = _listed(found, len(coded.labels))
    ranked = found.gains(choosing, a, b)[0]
    order = np.lexsort((b, a, -np.nan_to_num(ranked, nan=-np.inf)))
    a, b, ranked = a[order], b[order], ranked[order]
    gain, before = found.gains(telling, a, b)
    low, high = found.limits(telling, a[:_WITH_INTERVAL], b[:_WITH_INTERVAL], rng)
    n = np.bincount(coded.label, minlength=len(coded.labels))
    table = pd.DataFrame(
        {
            "label_1": pd.Series([coded.labels[i] for i in a], dtype=None if len(a) else object),
            "label_2": pd.Series([coded.labels[i] for i in b], dtype=None if len(a) else object),
            "gain_choosing": ranked,
            "alpha_before": np.full(len(a), before),
            "alpha_after": before + gain,
            "gain": gain,
            "gain_low": np.concatenate([low, np.full(len(a) - len(low), np.nan)]),
            "gain_high": np.concatenate([high, np.full(len(a) - len(low), np.nan)]),
            "cost": np.minimum(n[a], n[b]) / max(n.sum(), 1),
        }
    )
    table["why"] = _why(table, before, np.isnan(found.gains(p.times, a, b)[0]))
    first = table.iloc[0] if len(table) else dict.fromkeys(table.columns, float("nan"))
    items = int(telling @ (p.m > 1))
    return Merges(
        table=table,
        gain=float(first["gain"]),
        low=float(first["gain_low"]),
        high=float(first["gain_high"]),
        n=items,
        notes=(*coded.notes, *_notes(p, items, len(coded.labels), len(table))),
    )


def _halves(p: Patterns, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Items of each pattern in the half that chooses and in the half that tells.

    Items of one pattern are alike, so drawing how many of each go left draws the items.
    """
    times = np.rint(p.times * (p.m > 1)).astype(np.int64)
    first = rng.multivariate_hypergeometric(times, int(times.sum()) // 2, method="marginals")
    return first.astype(float), (times - first).astype(float)


def _listed(found: Coincidences, n_labels: int) -> tuple[np.ndarray, np.ndarray]:
    """The two classes of each merge."""
    if n_labels * (n_labels - 1) // 2 <= _ALL_PAIRS:
        a, b = np.triu_indices(n_labels, 1)
        return a, b
    return found.keys // n_labels, found.keys % n_labels


def _why(table: pd.DataFrame, before: float, only: np.ndarray) -> pd.Series:
    """Why a gain or its interval is empty."""
    why = np.full(len(table), "", dtype=object)
    why[table["gain_low"].isna()] = "the items drawn anew show no spread"
    why[_WITH_INTERVAL:] = f"intervals are given for the first {_WITH_INTERVAL:,} merges"
    why[table["gain"].isna()] = "one class would be left in the half that tells"
    why[only] = "one class would be left"
    if np.isnan(before):
        why[:] = "in the half that tells nobody used a second class, or no item has two labels"
    return pd.Series(why, index=table.index, dtype="str")


def _notes(p: Patterns, items: int, n_labels: int, listed: int) -> list[str]:
    notes = [_WHY_ALPHA]
    alone = int(p.times @ (p.m == 1))
    if alone:
        notes.append(f"{_tables._count(alone, 'item')} with one label left out.")
    if 0 < items < 50:
        notes.append(
            f"With {_tables._count(items, 'item')} in the half that tells, intervals are coarse."
        )
    possible = n_labels * (n_labels - 1) // 2
    if listed < possible:
        notes.append(
            f"{possible - listed:,} merges of classes that never met on an item are not listed: "
            "none of them raises alpha."
        )
    return notes


def _name(row: dict[Any, Any]) -> str:
    return f"{row['label_1']} + {row['label_2']}"


def _between(low: float, high: float) -> str:
    return "" if np.isnan(low) else f" ({low:+.3f} to {high:+.3f})"


def _cells(row: dict[Any, Any]) -> dict[str, str]:
    known = not np.isnan(row["gain"])
    between = _between(row["gain_low"], row["gain_high"]).strip(" ()")
    return {
        "merge": _name(row),
        "gain": f"{row['gain']:+.3f}" + (f"\n{between}" if between else "") if known else "—",
        "alpha_after": f"{row['alpha_after']:.3f}" if known else "—",
        "gain_choosing": "—" if np.isnan(row["gain_choosing"]) else f"{row['gain_choosing']:+.3f}",
        "cost": _show.percent(row["cost"]),
    }
