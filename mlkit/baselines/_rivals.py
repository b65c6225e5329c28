"""One baseline beside the model: on which items, by which reference, with which interval."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _stats, _tables
from mlkit.baselines import _human, _intervals, _labels, _others, _parts, _reference

PEOPLE = "people"
LABEL = "label"
Figure = tuple[float, float, float]  # value, low, high
_NOTHING: Figure = (np.nan, np.nan, np.nan)
_FUNCTION = "baselines.gap"


def _row(
    part: str,
    name: str,
    n: int,
    model: Figure,
    baseline: Figure,
    gap: Figure,
    reference: str,
    interval: str,
    *,
    constant: float = np.nan,
    why: str = "",
) -> dict[str, Any]:
    figures = zip(("model", "baseline", "gap"), (model, baseline, gap), strict=True)
    row: dict[str, Any] = {"slice": part, "baseline": name, "n": n}
    for what, (value, low, high) in figures:
        column = "baseline_accuracy" if what == "baseline" else what
        row |= {column: value, f"{what}_low": low, f"{what}_high": high}
    row |= {"reference": reference, "interval": interval}
    return row | {"constant": constant, "why": why}


@dataclass(frozen=True)
class People:
    """Each label's people and the model against the same rest of the item's labels, or gold."""

    labels: _labels.Labels
    place: np.ndarray  # the row of each label's item in the predictions; -1: not there
    model: np.ndarray  # how right the prediction is, one a label
    reference: str
    apart: str  # why no item is in both tables, if none is
    name: str = PEOPLE

    def row(self, part: _parts.Part, rng: np.random.Generator) -> dict[str, Any]:
        rows = np.flatnonzero((self.place >= 0) & part.rows[self.place])
        if not len(rows):
            why = self.apart or "no item with a prediction and labels that can be judged"
            nothing = (_NOTHING, _NOTHING, _NOTHING)
            return _row(part.name, self.name, 0, *nothing, self.reference, "", why=why)
        weight = _parts.together(self.labels.weight, part.weight[self.place])
        sums = self.labels.by_item(rows, weight, self.model)
        return _row(
            part.name,
            self.name,
            len(sums.count),
            _intervals.share(sums.answer, sums.count, sums.weight, rng),
            _intervals.share(sums.right, sums.count, sums.weight, rng),
            _intervals.difference(sums.right, sums.answer, sums.count, sums.weight, rng),
            self.reference,
            "bootstrap",
            constant=self.labels.constant(rows, weight),
        )


def people(table: pd.DataFrame, wrong: np.ndarray, human: _human.Human, notes: list[str]) -> People:
    given = human.labels.drop(columns="right", errors="ignore")
    labels = _labels.judged(given, function=_FUNCTION)
    _tables._same_kind(
        pd.DataFrame({"label": labels.table["label"], "prediction": table["prediction"]}),
        _FUNCTION,
    )
    place = pd.Index(table["item"]).get_indexer(pd.Index(labels.table["item"]))
    if labels.gold is not None:  # a label known to be wrong would be gold here
        place = np.where((place >= 0) & wrong[place], -1, place)
    judged, there = len(np.unique(labels.item)), len(np.unique(place[place >= 0]))
    apart = "" if there else _no_item(table, human)
    if there < max(judged, len(table)) and not apart:
        notes.append(
            f"People: {there:,} of the {len(table):,} items of the predictions have labels that "
            f"can be judged ({judged:,} labelled in all); the rest is left out beside people."
        )
    answer = _reference.code(table["prediction"], labels.classes)[place]
    reference, other = labels.reference, 0
    if labels.gold is not None:
        other, unknown = _other_gold(table, labels, place)
        # One word for one thing: nothing to tell apart where gold is the label on all of them.
        reference = reference if other or unknown or apart else LABEL
    if other:
        count = _tables._count(other, "item")
        notes.append(f"{count} whose gold is not the label: beside people gold counts.")
    # A habit stands in the rows of the gap, with the figures that hold there.
    habits = set(_human._on_style(human.table))
    notes += [note for note in human.notes if note not in habits]
    model = labels.score(np.where(place >= 0, answer, -1), np.arange(len(place)))
    return People(labels, place, model, reference, apart)


def _no_item(table: pd.DataFrame, human: _human.Human) -> str:
    """Items of two tables that were named in two ways; nothing where one of them is empty."""
    here, there = table["item"], human.labels["item"]
    if not len(here) or not len(there) or here.isin(there).any():
        return ""
    return (
        f"no item occurs in both tables: {here.iloc[0]!r} in the predictions, {there.iloc[0]!r} "
        "among the labels"
    )


def _other_gold(table: pd.DataFrame, labels: _labels.Labels, place: np.ndarray) -> tuple[int, int]:
    """Items in both tables whose gold is not the label, and those whose label is not known."""
    mine = _reference.code(table["label"], labels.classes)[place]
    missing = table["label"].isna().to_numpy()[place]
    unlike = (place >= 0) & ~missing & (mine != labels.gold)
    unknown = (place >= 0) & missing
    names = labels.table["item"]
    return names[unlike].nunique(), names[unknown].nunique()


@dataclass(frozen=True)
class Answered:
    """A baseline whose answers are known: the same items for both, so the interval is paired."""

    name: str
    shared: np.ndarray
    model: np.ndarray
    baseline: np.ndarray
    reference: str = LABEL

    def row(self, part: _parts.Part, rng: np.random.Generator) -> dict[str, Any]:
        inside = np.flatnonzero(part.rows & self.shared)
        if not len(inside):
            why = "no item with a label that both answered"
            nothing = (_NOTHING, _NOTHING, _NOTHING)
            return _row(part.name, self.name, 0, *nothing, self.reference, "", why=why)
        model, baseline = self.model[inside], self.baseline[inside]
        weight = part.weight[inside]
        shares = _others.share(model, weight), _others.share(baseline, weight)
        if np.ptp(weight) == 0:
            both = _stats.paired(model, baseline)
            gap, interval = (both.difference, both.low, both.high), "paired"
        else:
            one = np.ones(len(inside))
            gap = _intervals.difference(baseline * one, model * one, one, weight, rng)
            interval = "bootstrap"
        return _row(part.name, self.name, len(inside), *shares, gap, self.reference, interval)


@dataclass(frozen=True)
class Figures:
    """A baseline of which only the figures are known."""

    name: str
    figures: pd.DataFrame
    known: np.ndarray
    model: np.ndarray
    reference: str = LABEL

    def row(self, part: _parts.Part, _rng: np.random.Generator) -> dict[str, Any]:
        inside = part.rows & self.known
        model = _others.share(self.model[inside], part.weight[inside])
        found = self.figures[self.figures["slice"] == part.name]
        baseline: Figure = _NOTHING
        if len(found):
            first = found.iloc[0]
            baseline = (float(first["accuracy"]), float(first["low"]), float(first["high"]))
        gap: Figure = _intervals.apart_by(*baseline, *model)
        why = ""
        if not inside.any():
            why = "no item with a label"
        elif np.isnan(baseline[0]):
            why = f"{self.name} gives no figure for this slice"
        elif np.isnan(baseline[1]):
            why = "no interval: how many items the baseline rests on is not known"
        n = int(inside.sum())
        interval = "" if np.isnan(gap[1]) else "independent"
        return _row(
            part.name, self.name, n, model, baseline, gap, self.reference, interval, why=why
        )


Rival = People | Answered | Figures


def rival(
    table: pd.DataFrame, wrong: np.ndarray, given: "_human.Human | pd.DataFrame", notes: list[str]
) -> Rival:
    """The baseline, brought into the order of the predictions."""
    if isinstance(given, _human.Human):
        return people(table, wrong, given, notes)
    name = str(given["baseline"].iloc[0])
    notes += [note for note in given.attrs.get("notes", []) if note not in notes]
    known = table["label"].notna().to_numpy() & ~wrong
    model = _others.correct(table["label"], table["prediction"])
    answers = given.attrs.get("answers", {})
    shared = known & table["item"].isin(answers.keys()).to_numpy()
    if answers and not table["item"].isin(answers.keys()).any() and len(table):
        notes.append(
            f"{name}: no item occurs in both tables: {table['item'].iloc[0]!r} in the predictions, "
            f"{next(iter(answers))!r} there. Only its figure is compared."
        )
    if not shared.any():
        return Figures(name, given, known, model)
    if not shared[known].all() and not any(note.startswith(f"{name}: ") for note in notes):
        notes.append(
            f"{name}: {_tables._count(int((known & ~shared).sum()), 'item')} without its answer: "
            "left out beside it."
        )
    answer = pd.Series([answers.get(item) for item in table["item"]], dtype=object)
    return Answered(name, shared, model, _others.correct(table["label"], answer))
