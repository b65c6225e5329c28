"""A model against its baselines, each on the same items and by the same reference."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit._tables import TableError
from mlkit.baselines import _human, _parts, _pictures, _reference, _rivals
from mlkit.baselines._rivals import PEOPLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "baselines.gap"
Baseline = _human.Human | pd.DataFrame


@dataclass(frozen=True)
class Gap:
    """The model against each baseline, over all and in each slice.

    ``gap`` with ``low, high, n`` is against ``baseline`` over all items, in fractions; above 0
    the baseline is ahead. The first baseline given is the headline, people before all others.
    """

    table: pd.DataFrame
    baseline: str
    gap: float
    low: float
    high: float
    n: int
    notes: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        first = self.table.iloc[0]
        if np.isnan(self.gap):
            warning = first["warning"]
            return f"The gap to {self.baseline} is not known: {warning[:1].lower()}{warning[1:]}"
        side, sign = ("below", 1) if self.gap >= 0 else ("above", -1)
        text = (
            f"The model ({_show.percent(first['model'])}) lies "
            f"{100 * abs(self.gap):.1f} points {side} {self.baseline} "
            f"({_show.percent(first['baseline_accuracy'])}), held against "
            f"{_pictures.reference(first['reference'])}, on {_tables._count(self.n, 'item')}"
        )
        if pd.notna(self.low):
            # In the direction of the sentence: of a lead, how large it is.
            low, high = sorted([sign * self.low, sign * self.high])
            text += f"; between {_pictures.towards(low, high, side)}"
        return text + "." + (f" {first['warning']}" if first["warning"] else "")

    def _repr_html_(self) -> str:
        return _pictures.gap_html(self)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Each baseline beside the model in each slice, with intervals."""
        return _pictures.gap_plot(self, ax)


def gap(
    predictions: pd.DataFrame,
    baselines: Baseline | Sequence[Baseline],
    *,
    members: pd.DataFrame | None = None,
    rng: int | np.random.Generator | None = 0,
) -> Gap:
    """How far is the model from people and from the other baselines?

    ``gap`` is baseline - model, as in ``slices.report``: above 0 there is room. Beside people
    the model is held against just what each person was held against: gold, or the others'
    consensus with the same label left out. Beside the rest ``label`` counts; the column
    ``reference`` says which (*label* where gold equals it): the model may have two accuracies.
    A missing prediction is an error; an item that only one side answered is left out there.

    Parameters
    ----------
    predictions : the model's ``item, label, prediction``.
    baselines : one or more of ``human(...)``, ``rule(...)``, ``published(...)`` and so on.
    members : memberships; rows for each slice.

    ``.table``: ``slice, baseline, n, model, baseline_accuracy, gap`` with limits, ``reference``,
    ``interval`` (*paired*: same items, Newcombe 1998; *bootstrap*: items drawn for both at once;
    *independent*: Newcombe 1998), ``constant`` (as in ``human``), ``warning``.

    Examples
    --------
    >>> from mlkit.baselines import published
    >>> dev = pd.DataFrame({"item": ["a", "b"], "label": ["x", "x"], "prediction": ["x", "y"]})
    >>> round(gap(dev, published(0.9, 500, source="Doe 2020")).gap, 2)
    0.4
    """
    rng = np.random.default_rng(rng)
    table = _tables.predictions(predictions, function=_FUNCTION)
    notes: list[str] = []
    parts = [_parts.whole(len(table))]
    if members is not None:
        one = np.ones(len(table))
        parts += _parts.by_members(table["item"], members, one, notes, function=_FUNCTION)
    wrong = _parts.known_wrong(table["item"], members)
    rivals = [_rivals.rival(table, wrong, given, notes) for given in _several(baselines)]
    rivals.sort(key=lambda rival: rival.name != PEOPLE)
    _one_name_each([rival.name for rival in rivals])
    rows = [rival.row(part, rng) for part in parts for rival in rivals]
    for name in _classes(table, parts):
        for row in rows:
            row["constant"] = np.nan if row["slice"] == name else row["constant"]
    notes += _counted(table, wrong)
    result = pd.DataFrame(rows)
    result["warning"] = [" ".join(_warnings(row)) for row in result.to_dict("records")]
    result = result.drop(columns="why")
    if len(set(result["reference"])) > 1 and (result["baseline"] == PEOPLE).any():
        notes.append(
            f"Beside people the model is held against {rivals[0].reference}, beside the other "
            "baselines against label: it may have another accuracy there."
        )
    first = result.iloc[0]
    return Gap(
        table=result,
        baseline=str(first["baseline"]),
        gap=float(first["gap"]),
        low=float(first["gap_low"]),
        high=float(first["gap_high"]),
        n=int(first["n"]),
        notes=tuple(notes),
    )


def _several(baselines: Baseline | Iterable[Baseline]) -> list[Baseline]:
    if isinstance(baselines, _human.Human | pd.DataFrame | str) or not np.iterable(baselines):
        baselines = [baselines]
    given = list(baselines)
    if not given:
        raise TableError(f"{_FUNCTION}() was given no baseline: human(...), rule(...) or another.")
    several: list[Baseline] = []
    for each in given:
        if isinstance(each, _human.Human):
            several.append(each)
            continue
        _is_one(each)
        table = _tables._need(each, ["baseline", "slice", "accuracy", "low", "high"], _FUNCTION)
        if table.empty:
            raise TableError(f"{_FUNCTION}() was given a baseline without a row.")
        names = table["baseline"].unique()
        # Tables put together lose the answers of each, and keep their figures.
        several += [table] if len(names) == 1 else [_only(table, name) for name in names]
    return several


def _is_one(given: Any) -> None:
    """Whatever else is at hand, a figure or people's labels, has a function to go through."""
    if isinstance(given, Real):
        raise TableError(
            f"{_FUNCTION}() was given the figure {given!r} alone: pass "
            f"baselines.published({given!r}, n, source='...') with the items it rests on and where "
            "it stands."
        )
    if not isinstance(given, pd.DataFrame):
        return
    if "hlp" in given.columns:
        raise TableError(
            f"{_FUNCTION}() was given a table of HLP; people go in as human(...) itself, "
            "which has their labels: the model is held against the same."
        )
    if "baseline" not in given.columns and {"item", "annotator", "label"} <= set(given.columns):
        raise TableError(
            f"{_FUNCTION}() was given people's labels as they are: pass baselines.human(table)."
        )


def _only(table: pd.DataFrame, name: str) -> pd.DataFrame:
    part = table[table["baseline"] == name].reset_index(drop=True)
    part.attrs = {}
    return part


def _one_name_each(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError(
            f"{_FUNCTION}() was given two baselines of one name: {_tables._some(twice)}. "
            "Give each its own name=."
        )


def _classes(table: pd.DataFrame, parts: list[_parts.Part]) -> list[str]:
    """Slices that are a class: always giving it is right there by the choice of items."""
    if table["label"].nunique() < 2:
        return []
    labels = [(part.name, set(table["label"][part.rows].dropna())) for part in parts]
    return [name for name, found in labels if len(found) == 1]


def _counted(table: pd.DataFrame, wrong: np.ndarray) -> Iterator[str]:
    for n, what in (
        (int(table["label"].isna().sum()), "without a label: only held against people"),
        (int(table["prediction"].isna().sum()), "without a prediction: counted as errors"),
        (int(wrong.sum()), "with a wrong label: set aside"),
    ):
        if n:
            yield f"{_tables._count(n, 'item')} {what}."


def _warnings(row: dict[Any, Any]) -> Iterator[str]:
    if row["why"]:
        yield f"{row['why'][0].upper()}{row['why'][1:]}."
    habit = row["constant"] > row["baseline_accuracy"] + 1e-9
    if habit:
        yield (
            f"Whoever always gives the commonest label is right in "
            f"{_show.percent(row['constant'])}, more than people are: here a model can beat "
            "people by a habit alone, and that is no success."
        )
    if row["gap_low"] <= 0 <= row["gap_high"]:
        yield (
            f"The interval of the gap holds 0: {_tables._count(row['n'], 'item')} "
            f"do{'es' if row['n'] == 1 else ''} not tell who is ahead."
        )
    elif row["gap_high"] < 0 and row["reference"] == _reference.CONSENSUS and not habit:
        yield (
            "Ahead of people, as judged by people: it may have learnt their habits rather than "
            "the task. Gold for some items would tell."
        )
