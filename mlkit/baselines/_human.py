"""Human-level performance, measured: how often people are right on the same items."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit.baselines import _intervals, _labels, _parts, _pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "baselines.human"
FEW_LABELS = 5  # an item: below it the bias is like that of the simulation the note names
ENOUGH = 50  # items from which a bootstrap interval of 95 % holds the truth in 92 to 97 %


@dataclass(frozen=True)
class Human:
    """How well people do, over all and in each slice.

    ``hlp`` with ``low, high, n`` (items) is the first row of ``table``; ``reference`` says what
    people were held against. ``labels`` holds each label that was judged and how right it is.
    """

    table: pd.DataFrame
    hlp: float
    low: float
    high: float
    n: int
    reference: str
    notes: tuple[str, ...]
    labels: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        first = self.table.iloc[0]
        if np.isnan(self.hlp):
            return f"Human-level performance is not known: {first['why']}."
        text = (
            f"People are right in {_show.percent(self.hlp)} of their labels "
            f"({_pictures.limits(self.low, self.high)}), held against {self.reference}: "
            f"{_tables._count(int(first['labels']), 'label')} on {_tables._count(self.n, 'item')}, "
            f"{_several(first['labels_per_item'], 'label')} an item."
        )
        if _beaten(self.table)[0]:
            text += (
                " Careful: whoever always gives the commonest label is right in "
                f"{_show.percent(first['constant'])}, more often than people: a model can beat "
                "them by a habit alone."
            )
        return text

    def _repr_html_(self) -> str:
        return _pictures.human_html(self)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """HLP in each slice with its interval, and what the commonest label alone reaches."""
        return _pictures.human_plot(self, ax)


def human(
    annotations: pd.DataFrame,
    *,
    by: str | Sequence[str] | None = None,
    members: pd.DataFrame | None = None,
    rng: int | np.random.Generator | None = 0,
) -> Human:
    """How often are people right?

    Each label is held against ``gold`` if the table has any (on those items alone), else against
    the commonest label of the others on its item (one of k equally common ones counts 1/k).
    Repeats are left out, of duplicates the last counts, items weigh by 1/``sampling_rate``; all
    is told in ``notes``. A figure that does not exist is NaN, with the reason in ``why``.

    Parameters
    ----------
    annotations : ``item, annotator, label`` (+ ``gold, repeat, sampling_rate``, metadata).
    by : columns of it; a slice for each value (``by="annotator"``: each person).
    members : memberships, as from ``slices.memberships``; a slice for each column.

    ``.table``: ``slice, hlp, hlp_low, hlp_high, n`` (items), ``labels, labels_per_item,
    reference, constant`` (what the commonest label alone reaches; missing in slices of one
    class), ``why``. Intervals: bootstrap over items (Efron 1979), annotators fixed; where few
    items decide, Wilson's (1927).

    Examples
    --------
    >>> df = pd.DataFrame({"item": list("aaabbb"), "annotator": [1, 2, 3] * 2})
    >>> df["label"] = list("xxxxxy")
    >>> human(df).table[["slice", "hlp", "n", "labels_per_item"]].round(3)
      slice    hlp  n  labels_per_item
    0   all  0.667  2              3.0
    """
    rng = np.random.default_rng(rng)
    labels = _labels.judged(annotations, function=_FUNCTION)
    notes = labels.notes
    parts = [_parts.whole(len(labels.table), labels.weight)]
    if by is not None:
        parts += _parts.by_column(labels.table, by, labels.weight, function=_FUNCTION)
    if members is not None:
        items = labels.table["item"]
        parts += _parts.by_members(items, members, labels.weight, notes, function=_FUNCTION)
    _parts.once([part.name for part in parts], function=_FUNCTION)
    table = pd.DataFrame([_row(labels, part, rng) for part in parts])
    chosen = _made_of_labels(labels, [] if by is None else [by] if isinstance(by, str) else by)
    for name in chosen:
        ours = table["slice"].str.startswith((f"{name} = ", f"{name} is missing"))
        table.loc[ours, "constant"] = np.nan
    notes += _remarks(labels, table, chosen)
    first = table.iloc[0]
    return Human(
        table=table,
        hlp=float(first["hlp"]),
        low=float(first["hlp_low"]),
        high=float(first["hlp_high"]),
        n=int(first["n"]),
        reference=labels.reference,
        notes=tuple(notes),
        labels=labels.table,
    )


def _row(labels: _labels.Labels, part: _parts.Part, rng: np.random.Generator) -> dict[str, Any]:
    rows = np.flatnonzero(part.rows)
    row: dict[str, Any] = {"slice": part.name}
    nan = float("nan")
    if not len(rows):
        row |= dict.fromkeys(("hlp", "hlp_low", "hlp_high"), nan)
        row |= {"n": 0, "labels": 0, "labels_per_item": nan, "reference": labels.reference}
        return row | {"constant": nan, "why": _why(labels)}
    right = labels.table["right"].to_numpy()
    sums = labels.by_item(rows, part.weight, right)
    row["hlp"], row["hlp_low"], row["hlp_high"] = _intervals.share(
        sums.right, sums.count, sums.weight, rng
    )
    row |= {"n": len(sums.count), "labels": len(rows), "labels_per_item": sums.count.mean()}
    row |= {"reference": labels.reference, "constant": labels.constant(rows, part.weight)}
    return row | {"why": ""}


def _why(labels: _labels.Labels) -> str:
    if len(labels.table):
        return "no label that can be judged lies in this slice"
    if labels.gold is not None:
        return "no label of an item with gold"
    return "no item has labels of two people"


def _beaten(table: pd.DataFrame) -> pd.Series:
    """Where knowing nothing but the commonest label is right more often than people are."""
    return table["constant"] > table["hlp"] + 1e-9


def _made_of_labels(labels: _labels.Labels, by: Sequence[str]) -> list[str]:
    """Columns whose values are classes, other than the reference itself."""
    classes, apart = set(labels.classes), ("annotator", labels.reference)
    return [
        name for name in by if name not in apart and set(labels.table[name].dropna()) <= classes
    ]


def _remarks(labels: _labels.Labels, table: pd.DataFrame, chosen: list[str]) -> Iterator[str]:
    yield from _on_style(table)
    if not len(labels.table):
        return
    yield from _on_gold(labels) if labels.gold is not None else _on_consensus(labels)
    for name in chosen:
        yield (
            f"The slices by {name} are made of the labels themselves: an item is in one because "
            "people said so, and that selects. Read them as agreement, not as HLP of a class; "
            "with gold, by='gold' gives that."
        )
    few = table[(table["n"] > 0) & (table["n"] < ENOUGH)]
    if len(few):
        yield (
            f"{_tables._some(few['slice'])}: fewer than {ENOUGH} items, so the interval of 95 % is "
            "rough."
        )


def _on_style(table: pd.DataFrame) -> Iterator[str]:
    # The first row has it in the sentence.
    for row in table[_beaten(table)].to_dict("records"):
        if row["slice"] == _parts.ALL:
            continue
        yield (
            f"{row['slice']}: whoever always gives the commonest label is right in "
            f"{_show.percent(row['constant'])}, people in {_show.percent(row['hlp'])}. There a "
            "model can beat people by a habit alone: agree on a guide before comparing. "
            "(Not so where the slice is a class.)"
        )


def _on_gold(labels: _labels.Labels) -> Iterator[str]:
    size = np.bincount(labels.item)
    several = size[labels.item] > 1
    if several.any():
        others = labels.votes.score(labels.own[several], np.flatnonzero(several))
        weight, right = labels.weight[several], labels.table["right"].to_numpy()[several]
        agree, gold = (np.average(values, weights=weight) for values in (others, right))
        yield (
            f"Held against one another, the same people on the same items reach "
            f"{_show.percent(agree)}, against gold {_show.percent(gold)}. Agreement is not "
            "accuracy: mistakes that people share count as right among them."
        )
    yield "Gold is as good as whoever made it: its mistakes mostly make HLP too low."


def _several(mean: float, noun: str) -> str:
    return f"{mean:.3g} {noun}{'' if mean == 1 else 's'}"


def _on_consensus(labels: _labels.Labels) -> Iterator[str]:
    size = np.bincount(labels.item)
    mean, two = size.mean(), int((size == 2).sum())
    if two < len(size):
        spread = "" if size.min() == size.max() else f" ({size.min():,} to {size.max():,})"
        others = _several(mean - 1, "other") + (" on average" if spread else "")
        text = f"{_several(mean, 'label')} an item{spread}: each is held against the {others}."
        if mean < FEW_LABELS:
            text += (
                " So few are often wrong or tied, and HLP comes out too low: simulated, "
                "3 labels an item gave 0.715 where the truth was 0.823."
            )
        yield text
    if two:
        yield (
            f"{_tables._count(two, 'item')} with two labels: there it is how often two people "
            "agree, not how often they are right."
        )
    yield (
        "Mistakes that people share raise the figure, and nobody sees them here: add gold for "
        "some items, as the column gold, and see how far off it is."
    )
