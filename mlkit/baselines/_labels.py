"""The labels that a human baseline rests on, each with how right it is."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import TableError
from mlkit.baselines import _reference


@dataclass(frozen=True)
class Labels:
    """One row a label that can be judged, and numbers for its item and class."""

    table: pd.DataFrame  # the rows, as given, + right
    reference: str
    item: np.ndarray
    own: np.ndarray
    gold: np.ndarray | None
    votes: _reference.Votes
    classes: pd.Index
    weight: np.ndarray  # how many items each row's item stands for
    notes: list[str] = field(default_factory=list)

    def score(self, answer: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """How right each answer is against what its row is held against."""
        if self.gold is None:
            return self.votes.score(answer, rows)
        return (answer == self.gold[rows]).astype(float)

    def by_item(self, rows: np.ndarray, weight: np.ndarray, answer: np.ndarray) -> "Sums":
        """Sums over the labels of each item among these rows."""
        _, of = np.unique(self.item[rows], return_inverse=True)
        count = np.bincount(of).astype(float)
        return Sums(
            count=count,
            right=np.bincount(of, self.table["right"].to_numpy()[rows]),
            answer=np.bincount(of, answer[rows]),
            weight=np.bincount(of, weight[rows]) / count,
        )

    def constant(self, rows: np.ndarray, weight: np.ndarray) -> float:
        """How often whoever always gives the commonest label of these rows is right.

        NaN where they are the rows of one class: there it is right by the choice of rows.
        """
        one = np.full(len(rows), _reference.commonest(self.own[rows], weight[rows]))
        if self.gold is None:
            alone = self.votes.given(one, rows) == self.votes.lead[rows]
        else:
            alone = self.gold[rows] == self.gold[rows[0]]
        if alone.all():
            return float("nan")
        return float(np.average(self.score(one, rows), weights=weight[rows]))


@dataclass(frozen=True)
class Sums:
    """One number an item: its labels, how many are right, how right an answer is instead."""

    count: np.ndarray
    right: np.ndarray
    answer: np.ndarray
    weight: np.ndarray


def judged(annotations: pd.DataFrame, *, function: str) -> Labels:
    """Each label of repeat 0 against gold where there is any, else against the others."""
    notes: list[str] = []
    table = _tables.annotations(annotations, function=function)
    by_gold = "gold" in table.columns and bool(table["gold"].notna().any())
    notes += _not_read(table)
    # A Categorical would bring along items that nobody labelled.
    table = _used(table.astype({"item": object}), notes, function)
    table, gold = _gold(table, notes, function) if by_gold else _shared(table, notes)
    classes = _reference.classes_of(table["label"], gold)
    item = pd.factorize(table["item"])[0]
    own = _reference.code(table["label"], classes)
    made = Labels(
        table=table,
        reference=_reference.GOLD if by_gold else _reference.CONSENSUS,
        item=item,
        own=own,
        gold=_reference.code(gold, classes) if by_gold else None,
        votes=_reference.votes(item, own),
        classes=classes,
        weight=_weight(table, function),
        notes=notes,
    )
    table["right"] = made.score(own, np.arange(len(own)))
    return made


def _not_read(table: pd.DataFrame) -> Iterator[str]:
    """Columns that somebody may well have meant as gold."""
    if "gold" in table.columns:
        return
    for name in table.columns:
        if str(name).strip().casefold() == "gold":
            yield f"A column {name!r} is not read; rename it to 'gold' to hold people against it."


def _used(table: pd.DataFrame, notes: list[str], function: str) -> pd.DataFrame:
    again = table["repeat"].fillna(0) != 0
    missing = ~again & table["label"].isna()
    kept, twice = _tables.latest(table[~again & ~missing])
    for n, noun, what in (
        (int(again.sum()), "label", "given again by the same person (repeat above 0): left out"),
        (int(missing.sum()), "row", "without a label: left out"),
        (twice, "row", "of one person on an item they had labelled: the last one counts"),
    ):
        if n:
            notes.append(f"{_tables._count(n, noun)} {what}.")
    _one_kind(kept["label"], "label", function)
    return kept


def _one_kind(values: pd.Series, name: str, function: str) -> None:
    """Text beside numbers: 1 and "1" would be two classes."""
    kind = pd.api.types.infer_dtype(values.astype(object), skipna=True)
    if kind.startswith("mixed") and kind != "mixed-integer-float":
        raise TableError(
            f"{function}() found text and numbers in the column {name} ({kind}), which never "
            f'match. Make all of them text: df.assign({name}=df["{name}"].astype(str)).'
        )


def _alike(label: pd.Series, gold: pd.Series, function: str) -> None:
    kinds = [pd.api.types.infer_dtype(column.astype(object)) for column in (label, gold)]
    if len(label) and (kinds[0] == "string") != (kinds[1] == "string"):
        raise TableError(
            f"{function}() compares label with gold, and label holds {kinds[0]} values where gold "
            f"holds {kinds[1]} ones: nothing would ever match. Make both text, for example "
            'df.astype({"label": str, "gold": str}), missing gold kept missing.'
        )


def _gold(table: pd.DataFrame, notes: list[str], function: str) -> tuple[pd.DataFrame, pd.Series]:
    """The labels of items with gold, and the gold of each; one gold an item."""
    _one_kind(table["gold"].dropna(), "gold", function)
    _alike(table["label"], table["gold"].dropna(), function)
    by_item = table["gold"].astype(object).groupby(table["item"])
    several = by_item.nunique()
    if (several > 1).any():
        items = several.index[several > 1]
        raise TableError(
            f"{function}() needs one gold label an item, and {_tables._count(len(items), 'item')} "
            f"ha{'s' if len(items) == 1 else 've'} several: {_tables._some(items)}."
        )
    gold = by_item.transform("first")
    known = gold.notna()
    if not known.all():
        notes.append(
            f"Gold is known for {_tables._count(table['item'][known].nunique(), 'item')}: the "
            f"{_tables._count(int((~known).sum()), 'label')} of "
            f"{_tables._count(table['item'][~known].nunique(), 'other item')} are left out. "
            'Against one another instead: human(df.drop(columns="gold")).'
        )
    notes += _never_answered(set(gold[known]), set(table["label"]))
    return table[known].reset_index(drop=True), gold[known].reset_index(drop=True)


def _never_answered(gold: set[Any], given: set[Any]) -> Iterator[str]:
    """Gold that no label equals, and what it may be a slip of the pen for."""
    unused = sorted(gold - given, key=str)
    if not unused:
        return
    text = f"Gold holds {_tables._some(unused)}, which nobody answered."
    plain = {str(label).strip().casefold(): label for label in sorted(given - gold, key=str)}
    meant = []
    for one in unused if all(isinstance(label, str) for label in [*gold, *given]) else []:
        near = difflib.get_close_matches(one.strip().casefold(), plain, n=1, cutoff=0.8)
        meant += [f"{plain[near[0]]!r} for {one!r}"] if near else []
    if meant:
        text += f" Did you mean {', '.join(meant[:3])}? Such labels count as wrong now."
    yield text


def _shared(table: pd.DataFrame, notes: list[str]) -> tuple[pd.DataFrame, pd.Series]:
    """The labels of items that two or more people labelled; no gold."""
    shared = table.groupby("item")["item"].transform("size") > 1
    if not shared.all():
        n = int((~shared).sum())
        notes.append(
            f"{_tables._count(n, 'item')} labelled by one person alone: left out, as there is "
            "nobody to hold them against."
        )
    kept = table[shared].reset_index(drop=True)
    return kept, pd.Series([], dtype=object)


def _weight(table: pd.DataFrame, function: str) -> np.ndarray:
    if "sampling_rate" not in table.columns:
        return np.ones(len(table))
    table = table.assign(sampling_rate=table["sampling_rate"].fillna(1.0))
    _tables._rates(table, function)
    rate = pd.to_numeric(table["sampling_rate"]).astype(float)
    # One rate an item, or its labels would be worth unlike much.
    return (1 / rate.groupby(table["item"]).transform("max")).to_numpy()
