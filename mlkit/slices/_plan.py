"""One slice turned into a card: what to do, how many, how it will be recognised, when to stop."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _files, _show, _stats, _tables
from mlkit._tables import TableError
from mlkit.slices import _export
from mlkit.slices._report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "slices.plan"
ACTIONS = {
    "collect": "Collect more training examples of this kind.",
    "augment": "Make training examples of this kind from those you have.",
    "relabel": "Label this kind again, without a look at the old label or the prediction.",
    "label guide": "Change the label guide where people disagree on this kind.",
}
_STEEPEST = 0.35  # error falls with the amount of data to a power of 0.07 to 0.35
_TWICE_LABELLED = 50
_FIRST_ITEMS = 10


@dataclass(frozen=True)
class Plan:
    """The card of one slice. ``table`` has one row a step: ``step, number, reason``.

    ``target`` is the accuracy to reach, from ``accuracy`` with ``low`` and ``high``, and ``n``
    the fresh items of the slice that show it; both missing where accuracy is not known yet.
    ``items`` are the first to look at.
    """

    slice: str
    action: str
    table: pd.DataFrame
    accuracy: float
    low: float
    high: float
    target: float
    n: int | None
    power: float
    items: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        start = f"{self.slice}: {self.action}."
        if self.n is None:
            return f"{start} Its accuracy is not known yet, so there is no target."
        return (
            f"{start} From {_show.percent(self.accuracy)} to {_show.percent(self.target)}, to be "
            f"seen on {self.n:,} fresh items of this kind."
        )

    def _repr_html_(self) -> str:
        columns = {"step": "Step", "number": "Number", "reason": "Why"}
        rows = [{str(k): str(v) for k, v in row.items()} for row in self.table.to_dict("records")]
        table = _show.table_html(rows, columns=columns, text=["step", "reason"])
        return _show.result_html(repr(self), table, notes=[self._items_note()])

    def _items_note(self) -> str:
        return f"Look first at: {', '.join(self.items)}." if self.items else "No error to look at."

    def to_markdown(self, path: str | Path) -> Path:
        """Write the card as Markdown."""
        lines = [f"## {_export.md(self.slice)}", "", _export.md(repr(self)), ""]
        lines += [_export.md_row(["Step", "Number", "Why"]), "|:--|--:|:--|"]
        lines += [_export.md_row(map(str, row)) for row in self.table.itertuples(index=False)]
        text = "\n".join([*lines, "", f"- {_export.md(self._items_note())}", ""])
        _files.write_atomic(path, text)
        return Path(path)

    def to_html(self, path: str | Path) -> Path:
        """Write the card as one page that needs nothing else."""
        _files.write_atomic(path, _export.whole_page(f"Plan: {self.slice}", self._repr_html_()))
        return Path(path)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """The chance to see the hoped-for gain, by the number of fresh items."""
        ax = _show.axes(ax, size=(6.5, 3.2))
        if self.n is None:
            return _show.describe(ax, repr(self))
        many = np.linspace(1, 2 * self.n, 200)
        changed = share_changed(self.accuracy, self.target)[0]
        gain = self.target - self.accuracy
        chance = [100 * chance_to_see(gain, changed, n) for n in many]
        ax.plot(many, chance, color=_show.PALETTE["blue"], linewidth=2)
        ax.plot([self.n, self.n, 0], [0, 100 * self.power, 100 * self.power], ":", color="black")
        ax.annotate(f"{self.n:,} items", (self.n, 4), xytext=(6, 0), textcoords="offset points")
        ax.set(xlim=(0, None), ylim=(0, 100))
        ax.set_xlabel("fresh items of this kind, answered by both models")
        ax.set_ylabel("chance to see the gain, %")
        share = f"{100 * self.power:.0f} %"
        alt = f"Chance to see the gain by number of fresh items; {share} at {self.n:,}."
        return _show.describe(ax, alt)


def plan(
    report: Report,
    name: str,
    *,
    action: str | None = None,
    hoped: float | None = None,
    power: float = 0.8,
) -> Plan:
    """What exactly is to be done about this slice, and how will one know that it worked?

    Parameters
    ----------
    report : from ``slices.report``.
    name : the slice.
    action : *collect*, *augment*, *relabel* or *label guide*. Without: the label guide where
        people do no better than the model, otherwise collect.
    hoped : gain of accuracy within the slice, as a fraction. Without: half the gap to HLP, or
        half of the errors where HLP is not known.
    power : chance to see that gain, if it is there, on the fresh items: paired, two-sided 5 %,
        one right answer broken for two mended (Connor 1987).

    Examples
    --------
    >>> from mlkit import slices
    >>> df = pd.DataFrame({"item": [f"i{k}" for k in range(200)], "label": 1,
    ...                    "prediction": [0] * 40 + [1] * 160})
    >>> m = pd.DataFrame({"item": df["item"], "far": [k % 2 == 0 for k in range(200)]})
    >>> r = slices.report(df, m, hlp=pd.DataFrame({"slice": ["far"], "hlp": [0.96], "n": [100]}))
    >>> slices.plan(r, "far")
    far: collect. From 80.0 % to 88.0 %, to be seen on 292 fresh items of this kind.
    """
    row = _row(report, name)
    action = _chosen(row, action)
    if not 0 < power < 1:
        raise ValueError(
            f"{_FUNCTION}(): power lies between 0 and 1, for example 0.8; got {power}."
        )
    accuracy = float(row["accuracy"])
    gain, why = _hoped(row, hoped)
    target = accuracy + gain
    n = None if math.isnan(target) else _items_needed(accuracy, target, power)[0]
    steps = [_step_now(row), *_step_action(row, action, accuracy, target)]
    if n is None:
        steps.append(_step_sample())
    else:
        steps += _steps_target(row, target, why, power)
    steps.append(_step_stop(report, row))
    return Plan(
        slice=name,
        action=action,
        table=pd.DataFrame(steps, columns=["step", "number", "reason"]),
        accuracy=accuracy,
        low=float(row["accuracy_low"]),
        high=float(row["accuracy_high"]),
        target=target,
        n=n,
        power=power,
        items=_first_items(report, name),
    )


def items_needed(gain: float, changed: float, power: float = 0.8) -> int:
    """Items that both models answer, so that McNemar's test shows the gain (Connor 1987).

    ``changed`` is the share of items that one of the two models alone answers rightly.
    """
    z_test, z_power = _stats.z_score(0.95), NormalDist().inv_cdf(power)
    root = z_test * math.sqrt(changed) + z_power * math.sqrt(max(changed - gain**2, 0))
    return math.ceil((root / gain) ** 2)


def chance_to_see(gain: float, changed: float, n: float) -> float:
    """The power that ``n`` items give: the same formula, solved for it."""
    spread = math.sqrt(max(changed - gain**2, 1e-12))
    far = (gain * math.sqrt(n) - _stats.z_score(0.95) * math.sqrt(changed)) / spread
    return NormalDist().cdf(far)


def share_changed(before: float, after: float) -> tuple[float, float, float]:
    """What a plan counts on (one right answer broken for two mended), the least and the most."""
    gain = after - before
    # The most: what the two models answer has nothing in common.
    most = before * (1 - after) + after * (1 - before)
    return min(3 * gain, most), gain, most


def _row(report: Report, name: str) -> dict[Any, Any]:
    if not isinstance(report, Report):
        raise TableError(
            f"{_FUNCTION}() needs the report itself, as slices.report() gave it, not its table; "
            f"it was given {_tables._kind(report)}."
        )
    found = report.table[report.table["slice"] == name]
    if found.empty:
        raise TableError(
            f"{_FUNCTION}() found no slice {name!r} in the report. "
            f"Slices: {_tables._some(report.table['slice'], 10)}."
        )
    if found["errors"].iloc[0] == 0:
        raise TableError(f"{_FUNCTION}(): the slice {name!r} has no errors; plan another.")
    return found.iloc[0].to_dict()


def _chosen(row: dict[Any, Any], action: str | None) -> str:
    if action is None:
        return "label guide" if row["gap"] <= 0 else "collect"
    if action not in ACTIONS:
        raise ValueError(f"{_FUNCTION}(): action is one of {', '.join(ACTIONS)}; got {action!r}.")
    return action


def _hoped(row: dict[Any, Any], hoped: float | None) -> tuple[float, str]:
    errors = 1 - row["accuracy"]
    if hoped is not None:
        if not 0 < hoped <= 1 or hoped > errors + 1e-9:
            raise ValueError(
                f"{_FUNCTION}(): hoped is a gain of accuracy within the slice, as a fraction above "
                f"0 and no more than its share of errors ({errors:.3f}); got {hoped!r}."
            )
        return hoped, "the gain that was asked for"
    if row["gap"] > 0:
        return row["gap"] / 2, "half the gap to human level: the whole is rarely had in one round"
    return errors / 2, "half of the errors" + (
        ": people do no better than the model here, so better labels must come first"
        if row["gap"] <= 0
        else ": human level is not known here"
    )


def _step_now(row: dict[Any, Any]) -> tuple[str, str, str]:
    share = _with_limits(row, "at_most", " points")
    gain = _with_limits(row, "possible_gain", " points")
    if gain:
        return "What it can bring", gain, "gap to human level x share of data, over all items"
    return "What it can bring at most", share or "—", "its errors over all items; no HLP known"


def _with_limits(row: dict[Any, Any], column: str, unit: str) -> str:
    if pd.isna(row[column]):
        return ""
    return f"{_export.points(row[column])}{unit} ({_export.interval(row, column)})"


def _step_action(
    row: dict[Any, Any], action: str, accuracy: float, target: float
) -> list[tuple[str, str, str]]:
    if action == "relabel":
        number = f"{row['errors']:,} + {row['errors']:,}" if pd.notna(row["errors"]) else "—"
        why = (
            "all errors, and as many correct items mixed among them: where only errors are "
            "looked at again, labels drift towards the model"
        )
        return [(ACTIONS[action], number, why)]
    if action == "label guide":
        low, high = _stats.wilson(_TWICE_LABELLED / 2, _TWICE_LABELLED)
        half = float(high - low) / 2
        why = (
            "items of this kind, labelled by two people before and after the change: agreement is "
            f"then known to about {100 * half:.0f} points either way"
        )
        return [(ACTIONS[action], f"{_TWICE_LABELLED}", why)]
    return [(ACTIONS[action], *_more_data(action, accuracy, target))]


def _more_data(action: str, accuracy: float, target: float) -> tuple[str, str]:
    if math.isnan(target) or target >= 1:
        return "2 times as many", "a first doubling shows which way the error goes"
    times = ((1 - accuracy) / (1 - target)) ** (1 / _STEEPEST)
    why = (
        "as there are now, at least: error falls with the amount of data to a power of 0.07 to "
        "0.35 (Hestness et al. 2017), and this is for 0.35"
    )
    if action == "augment":
        why += "; they must sound or look real, keep their label clear, and be hard for the model"
    return f"{times:.1f} times as many", why


def _steps_target(
    row: dict[Any, Any], target: float, why: str, power: float
) -> list[tuple[str, str, str]]:
    n, least, most = _items_needed(row["accuracy"], target, power)
    steps = [
        ("Accuracy to reach in the slice", _show.percent(target), why),
        (
            "Fresh items to see it on",
            f"{n:,}",
            f"if the gain is there, a paired test shows it in {100 * power:.0f} % of cases "
            f"({least:,} if the new model breaks nothing, {most:,} if it answers as if unrelated; "
            "counted on: one right answer broken for two mended). Fresh: neither trained on nor "
            "used to choose this slice, right and wrong ones alike",
        ),
    ]
    share = row["share_of_data"]
    if share > 0:
        through = math.ceil(n / share)
        why = f"{_show.percent(share)} of the data are of this kind"
        steps.append(("Items to look through for them", f"{through:,}", why))
    return steps


def _items_needed(accuracy: float, target: float, power: float) -> tuple[int, int, int]:
    planned, least, most = (
        items_needed(target - accuracy, changed, power)
        for changed in share_changed(accuracy, target)
    )
    return planned, least, most


def _step_sample() -> tuple[str, str, str]:
    return (
        "First, tag a random sample of correct items",
        "150",
        "only errors were tagged, so neither accuracy nor share of data is known: "
        "Tagger(..., correct=150) mixes them in",
    )


def _step_stop(report: Report, row: dict[Any, Any]) -> tuple[str, str, str]:
    others = report.table[report.table["slice"] != row["slice"]]["possible_gain"].dropna()
    second = max(float(others.max()), 0.0) if len(others) else 0.0
    share = row["share_of_data"]
    level = row["hlp"] - second / share if share > 0 else float("nan")
    if level > row["accuracy"] + 1e-9:
        why = (
            "there another slice brings more" if second else "that is human level"
        ) + "; or after two rounds whose interval of the difference still holds 0"
        return "Stop at an accuracy of", _show.percent(level), why
    return "Stop after", "2 rounds", "whose interval of the difference (compare) still holds 0"


def _first_items(report: Report, name: str) -> tuple[str, ...]:
    """Errors of the slice, the surest ones first; without a score, drawn from all over it."""
    member = report.members[name].fillna(False).astype(bool)
    inside = report.items[report.items["error"] & member]
    if "score" in inside.columns:
        inside = inside.sort_values("score", ascending=False, kind="stable")
    else:
        # A table has an order, by label as a rule: its first rows would all be of one kind.
        inside = inside.sample(frac=1, random_state=np.random.default_rng(0))
    return tuple(inside["item"].head(_FIRST_ITEMS))
