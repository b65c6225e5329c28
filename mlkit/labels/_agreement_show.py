"""How agreement is read: as a sentence, a table and a picture, with what to keep in mind."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit.labels._patterns import Patterns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlkit.labels._agreement import Agreement

_HEADINGS = {
    "part": "Part",
    "name": "Name",
    "n": "Items",
    "labels": "Labels",
    "percent": "Percent",
    "cohen": "Cohen",
    "fleiss": "Fleiss",
    "ac1": "AC1",
    "alpha": "Alpha",
    "conditional": "Another says so too",
    "gain": "Alpha gains",
}
_TITLES = {"percent": "percent", "cohen": "Cohen", "fleiss": "Fleiss", "ac1": "AC1"}
_MOST_ROWS = 10
_MOST_SHOWN = 5
_EMPTY = "—"
_PREVAILS = 0.8
# Share of 95 % intervals for alpha that held the truth, from tests/test_labels_agreement.py.
_TOO_NARROW = (
    "With {n} items the intervals are too narrow. In simulations, 95 % intervals for alpha held "
    "the truth in 88 to 95 % at 10 items, 93 to 96 % at 20 and at 30; where one class makes up a "
    "tenth of the labels, in 27 %, 60 % and 76 %."
)


def remarks(p: Patterns, labels: list[Any], level: str) -> list[str]:
    found = []
    n, single = int(p.times @ (p.m >= 2)), int(p.times @ (p.m == 1))
    if single:
        found.append(
            f"{_tables._count(single, 'item')} with one label: in no pair, so without weight in "
            "percent, Cohen and alpha."
        )
    if p.m.size and n and np.ptp(p.m) > 0:
        found.append(
            f"Items have {int(p.m.min())} to {int(p.m.max())} labels: percent and alpha weigh "
            "those with many labels more, Fleiss and AC1 weigh all alike."
        )
    if 0 < n < 50:
        found.append(_TOO_NARROW.format(n=n))
    often = np.bincount(p.label, p.k * p.times[p.entry], p.n_labels)
    share = often.max(initial=0) / max(often.sum(), 1)
    if share >= _PREVAILS and p.n_labels > 1:
        found.append(
            f"{_show.percent(share)} of the labels are {labels[int(often.argmax())]}: where one "
            "class prevails, chance agrees often, and kappa and alpha are low even if few labels "
            "differ. AC1 takes less off."
        )
    if level != "nominal" and n:
        found.append(f"Only alpha takes the {level} level into account.")
    if n:
        found.append(
            "The intervals are over items: they say nothing about other annotators than these."
        )
    return found


def sentence(result: "Agreement") -> str:
    """The number, and what it does and does not tell."""
    row = result.table.iloc[0]
    if not result.n:
        return "Agreement is undefined: no item has two labels."
    people = _tables._count(result.annotators, "annotator")
    same = (
        f"two labels of one item agree in {_show.percent(row['percent'])} of pairs, "
        f"where chance would reach {_show.percent(result.chance)}"
    )
    tells = "This says how alike people label, not whether they are right."
    if np.isnan(result.alpha):
        if row["percent"] == 1:
            return f"All {row['labels']:,} labels of {people} are of one class: alpha is undefined."
        return f"Alpha is undefined ({row['why']}); {same}. {tells}"
    level = "" if result.level == "nominal" else f" ({result.level})"
    limits = "" if np.isnan(result.low) else f" ({result.low:.2f} to {result.high:.2f})"
    return (
        f"Alpha{level} {result.alpha:.2f}{limits} over {_tables._count(result.n, 'item')} and "
        f"{people}: {same}. {tells}"
    )


def html(result: "Agreement") -> str:
    table = result.table
    without = table["part"] == "without"
    shown = pd.concat([table[~without], table[without].head(_MOST_ROWS)])
    headings = {c: text for c, text in _HEADINGS.items() if c in ("part", "name") or
                shown[c].notna().any() or c in ("n", "alpha")}  # fmt: skip
    rows: list[dict[str, str]] = []
    why: dict[tuple[int, str], str] = {}
    for number, (_, row) in enumerate(shown.iterrows()):
        rows.append({name: _cell(row, name) for name in headings})
        empty = [name for name in headings if name in _HEADINGS and rows[-1][name] == _EMPTY]
        why |= {(number, name): row["why"] for name in empty if row["why"]}
    notes = list(result.notes)
    more = int(without.sum()) - _MOST_ROWS
    if more > 0:
        notes.append(f"{_tables._count(more, 'annotator')} more in .table.")
    html_table = _show.table_html(rows, columns=headings, text=["part", "name"], why=why)
    return _show.result_html(sentence(result), html_table, notes=notes)


def _cell(row: pd.Series, name: str) -> str:
    value = row[name]
    if name in ("part", "name"):
        return str(value)
    if pd.isna(value):
        return "" if name in ("conditional", "gain") else _EMPTY
    if name in ("n", "labels"):
        return f"{value:,}"
    form = _share if name in ("percent", "conditional") else _number
    if name == "gain":
        form = _signed
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return form(value) if pd.isna(low) else f"{form(value)}\n{form(low)} to {form(high)}"


def _share(value: float) -> str:
    return f"{100 * value:.1f}\N{NO-BREAK SPACE}%"


def _number(value: float) -> str:
    return f"{value:.2f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def plot(result: "Agreement", ax: "Axes | None") -> "Axes":
    bars = _bars(result)
    ax = _show.axes(ax, size=(7.5, 1.4 + 0.32 * len(bars)))
    y = np.arange(len(bars))[::-1]
    if not np.isnan(result.alpha):
        ax.axvline(result.alpha, color=_show.PALETTE["sky"], linewidth=1, zorder=0)
    for at, bar in zip(y, bars, strict=True):
        if bar["value"] is None:
            ax.text(
                0.01, at, bar["text"], transform=ax.get_yaxis_transform(),
                va="center", fontweight="bold", backgroundcolor="white",
            )  # fmt: skip
            continue
        colour = _show.PALETTE[bar["colour"]]
        ax.hlines(at, bar["low"], bar["high"], color=colour, linewidth=2)
        ax.plot(bar["value"], at, bar["mark"], color=colour, label=bar["text"])
        if bar["aside"]:
            ax.annotate(
                bar["aside"], (np.nanmax([bar["value"], bar["high"]]), at), xytext=(6, 0),
                textcoords="offset points", va="center", fontsize=8,
            )  # fmt: skip
    ax.set_yticks(y, ["" if bar["value"] is None else bar["text"] for bar in bars])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.7, len(bars) - 0.3)
    limits = [bar[end] for bar in bars if bar["value"] is not None for end in ("value", "low")]
    ax.set_xlim(min(0.0, np.nanmin([*limits, 0.0])) - 0.02, 1.02)
    ax.set_xlabel("agreement and its 95 % interval (alpha and kappa 0: as by chance)")
    return _show.describe(ax, f"Agreement by coefficient, class and annotator. {sentence(result)}")


def _bars(result: "Agreement") -> list[dict[str, Any]]:
    table = result.table
    first = table.iloc[0]
    alpha = "alpha" if result.level == "nominal" else f"alpha, {result.level}"
    titles = {"alpha": alpha, **_TITLES}
    bars = [_head("All labels")]
    bars += [
        _bar(first, name, text, "blue" if name == "alpha" else "black")
        for name, text in titles.items()
        if not np.isnan(first[name])
    ]
    for part in table["part"].unique():
        rows = table[(table["part"] == part) & table["alpha"].notna()]
        if part == "overall" or rows.empty:
            continue
        if part == "without":
            bars += _without(rows)
            continue
        title = "Alpha of each class against the rest" if part == "class" else f"Alpha by {part}"
        if len(rows) > 3 * _MOST_SHOWN:
            rows = rows.nsmallest(3 * _MOST_SHOWN, "alpha")
            title += f", the {len(rows)} lowest"
        colour = "green" if part == "class" else "purple"
        bars += [_head(title), *(_bar(r, "alpha", r["name"], colour) for _, r in rows.iterrows())]
    return bars


def _without(rows: pd.DataFrame) -> list[dict[str, Any]]:
    higher = rows[rows["gain_low"] > 0]
    if higher.empty:
        return [_head("Without no annotator alpha would be clearly higher")]
    shown = higher.head(_MOST_SHOWN)
    title = "Alpha without the annotator"
    if len(higher) > len(shown):
        title += f": the {len(shown)} largest of {len(higher):,} clear gains"
    return [
        _head(title),
        *(
            _bar(row, "alpha", row["name"], "vermilion", f"{row['gain']:+.3f}")
            for _, row in shown.iterrows()
        ),
    ]


def _head(text: str) -> dict[str, Any]:
    return {"text": text, "value": None}


def _bar(row: pd.Series, name: str, text: Any, colour: str, aside: str = "") -> dict[str, Any]:
    text = str(text)
    text = (text if len(text) <= 30 else text[:29] + "…").replace("$", r"\$")
    return {
        "text": text,
        "value": float(row[name]),
        "low": float(row[f"{name}_low"]),
        "high": float(row[f"{name}_high"]),
        "colour": colour,
        "mark": "o" if name == "alpha" else "D",
        "aside": aside,
    }
