"""The three questions in shares: a line for the widget, and a table with a picture."""

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _stats, _tables
from mlkit.widgets._plan import Plan, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CANT_TELL = "can't tell"
_ASKED = {  # column: who, as a heading, and its line in the picture
    "people_right": ("people", "People right", "blue", "o"),
    "model_right": ("model", "Model right", "vermilion", "s"),
    "realistic": ("realistic", "Realistic", "green", "^"),
}


_SHIFTS = (-0.1, 0.0, 0.1)  # that their intervals stand beside each other


@dataclass(frozen=True)
class Evidence:
    """What the answers say on the three questions, over everything and by what was set.

    ``table`` has ``parameter, range, low, high, n`` and three shares, each with how many it is of
    and its interval (Wilson, 1927): ``people_right``, ``model_right``, ``realistic``. An empty
    share is NaN. ``people_right`` is right answers of all blind answers, "can't tell" among them:
    ``people_n`` of them, of which ``cant_tell`` say that. A page shows the shares in short.
    """

    table: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        row = self.table.iloc[0].to_dict()
        if not row["n"]:
            return "Nobody answered yet: there is no evidence."
        unsure = f", {row['cant_tell']:,} of them “{CANT_TELL}”" if row["cant_tell"] else ""
        parts = [
            f"People were right in {_told(row, 'people_right')} blind answers{unsure}"
            if row["people_n"]
            else "No answer was blind",
            f"the model in {_told(row, 'model_right')}" if row["model_n"] else "no model was asked",
            f"{_told(row, 'realistic')} were judged realistic"
            if row["realistic_n"]
            else "nobody judged whether they are realistic",
        ]
        return f"{_tables._count(int(row['n']), 'drawing')} judged. {'; '.join(parts)}."

    def _repr_html_(self) -> str:
        columns = {"parameter": "What was set", "range": "From, to", "n": "Judged"}
        columns |= {"people_right": "People right", "cant_tell": "Can't tell"}
        columns |= {name: _ASKED[name][1] for name in ("model_right", "realistic")}
        rows, why = [], {}
        for number, row in enumerate(self.table.to_dict("records")):
            cells = {name: str(row[name]) for name in ("parameter", "range")}
            cells |= {name: f"{row[name]:,}" for name in ("n", "cant_tell")}
            for name in _ASKED:
                cells[name] = _told(row, name)
                why[number, name] = "" if cells[name] else _EMPTY[name]
            rows.append(cells)
        table = _show.table_html(rows, columns=columns, text=("parameter", "range"), why=why)
        notes = [
            "People right: right answers of all blind answers, “can't tell” among them. 95 % "
            "intervals (Wilson); every figure is in .table."
        ]
        return _show.result_html(repr(self), table, notes=notes)

    def plot(self, parameter: str | None = None, *, ax: "Axes | None" = None) -> "Axes":
        """Draw the shares over what was set of one parameter (the first, where none is named)."""
        known = list(dict.fromkeys(self.table["parameter"][1:]))
        parameter = parameter if parameter is not None else next(iter(known), "all")
        part = self.table[self.table["parameter"] == parameter]
        if part.empty:
            raise ValueError(
                f"plot({parameter!r}): nothing was set by this name; there are "
                f"{', '.join(map(repr, known)) or 'none'}."
            )
        ax = _show.axes(ax)
        place = np.arange(len(part))
        for shift, (name, (who, label, colour, marker)) in zip(
            _SHIFTS, _ASKED.items(), strict=True
        ):
            if part[f"{who}_n"].any():
                ends = abs(part[[f"{name}_low", f"{name}_high"]].sub(part[name], axis=0)).T
                ax.errorbar(
                    place + shift, part[name], yerr=ends, fmt=f"{marker}-", capsize=3,
                    label=label, color=_show.PALETTE[colour],
                )  # fmt: skip
        ax.set(ylim=(-0.02, 1.02), xlabel=parameter, ylabel="share (95 % interval)")
        ax.set_xticks(place, part["range"].where(part["range"] != "", "all"))
        if ax.has_data():
            ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
        said = "; ".join(
            f"{row['range'] or 'all'}: {_line(row)}" for row in part.to_dict("records")
        )
        return _show.describe(ax, f"Shares by {parameter}. {said}.")


_EMPTY = {
    "people_right": "no blind answer here",
    "model_right": "no model was asked here",
    "realistic": "nobody judged this here",
}


def _told(row: Mapping[Any, Any], name: str) -> str:
    """A share, how many it is of, and its interval."""
    n = row[f"{_ASKED[name][0]}_n"]
    if not n:
        return ""
    ends = f"{100 * row[f'{name}_low']:.0f} to {100 * row[f'{name}_high']:.0f} %"
    return f"{round(row[name] * n):,} of {n:,} ({100 * row[name]:.0f} %, {ends})"


def _line(row: Mapping[Any, Any]) -> str:
    told = [f"{_ASKED[name][1].lower()} {_told(row, name)}" for name in _ASKED if _told(row, name)]
    return ", ".join(told) or "no answer"


def evidence(plan: Plan, table: pd.DataFrame, *, bins: int) -> Evidence:
    """Shares with intervals (Wilson, 1927) over everything, and by what was set."""
    if not isinstance(bins, int) or isinstance(bins, bool) or bins < 1:
        raise ValueError(f"evidence(bins={bins!r}): give a whole number from 1 up.")
    rows = [_row("all", "", np.nan, np.nan, table)]
    drawn = [{step["place"]: step for step in json.loads(steps)} for steps in table["steps"]]
    for key, control in plan.controls.items():
        name = plan.functions[control.place]
        steps = [d.get(control.place) for d in drawn]
        steps = [s if s and s["function"] == name else None for s in steps]
        if control.parameter is None:
            done = np.array([step is not None for step in steps], bool)
            if not done.all():
                rows.append(_row(key, "not done", np.nan, np.nan, table[~done]))
            continue
        values = [s["parameters"].get(control.parameter) if s else None for s in steps]
        if control.choices:
            for text, choice in zip(map(words, control.choices), control.stored(), strict=True):
                inside = np.array([value == choice for value in values], bool)
                rows.append(_row(key, text, np.nan, np.nan, table[inside]))
            continue
        number = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").to_numpy(float)
        edges = np.linspace(control.low, control.high, bins + 1)
        for low, high in itertools.pairwise(edges):
            inside = (number >= low) & ((number <= high) if high == edges[-1] else (number < high))
            rows.append(_row(key, f"{low:.3g} to {high:.3g}", low, high, table[inside]))
    return Evidence(pd.DataFrame(rows))


def _row(parameter: str, text: str, low: float, high: float, part: pd.DataFrame) -> dict[str, Any]:
    known = part["label"].notna()
    blind = part[known & part["blind"].fillna(False) & part["answer"].notna()]
    guessed = part[known & part["prediction"].notna()]
    judged = part[part["realistic"].notna()]
    return {
        "parameter": parameter,
        "range": text,
        "low": low,
        "high": high,
        "n": len(part),
        **_share("people", "people_right", (blind["answer"] == blind["label"]).sum(), len(blind)),
        "cant_tell": int((blind["answer"] == CANT_TELL).sum()),
        **_share(
            "model", "model_right", (guessed["prediction"] == guessed["label"]).sum(), len(guessed)
        ),
        **_share("realistic", "realistic", judged["realistic"].sum(), len(judged)),
    }


def _share(what: str, name: str, hits: Any, n: int) -> dict[str, Any]:
    """How many were asked, and which share of them, with its interval."""
    low, high = _stats.wilson(int(hits), n)
    share = int(hits) / n if n else np.nan
    return {f"{what}_n": n, name: share, f"{name}_low": float(low), f"{name}_high": float(high)}


def sentence(rows: Iterable[Mapping[str, Any]], *, model: bool) -> str:
    """The line in the widget, from the records of the drawings judged so far."""
    rows = list(rows)
    blind = [r for r in rows if r["blind"] and r["answer"] and r["label"]]
    right = sum(r["answer"] == r["label"] for r in blind)
    unsure = sum(r["answer"] == CANT_TELL for r in blind)
    guessed = [r for r in rows if r["prediction"] and r["answer"] and r["label"]]
    hits = sum(r["prediction"] == r["label"] for r in guessed)
    judged = [r["realistic"] for r in rows if r["realistic"] is not None]
    known = sum(bool(r["answer"]) and not r["blind"] for r in rows)
    parts = [f"you {right} of {len(blind)} right" if blind else "no blind answer yet"]
    parts[0] += f", {unsure} of them can't tell" if unsure else ""
    parts[0] += f" ({known} more not blind)" if known else ""
    if model:
        parts.append(
            f"the model {hits} of {len(guessed)}" if guessed else "the model not asked yet"
        )
    parts.append(
        f"realistic {sum(judged)} of {len(judged)}" if judged else "realism not yet judged"
    )
    return "; ".join(parts)
