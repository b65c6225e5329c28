"""Texts that several people wrote for the same items: how far apart they are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _stats, _tables
from mlkit._tables import TableError
from mlkit.labels import _coded, _normalise, _pairs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MEASURES = {
    "words": "Distance in words",
    "characters": "Distance in characters",
    "identical": "Pairs that are identical",
}
_AS_WRITTEN, _AFTER, _GAIN = "as written", "normalised", "gain"


@dataclass(frozen=True)
class TextAgreement:
    """How far apart texts of one item are: ``distance`` with ``low, high, n`` (items).

    ``measures`` gives the distance in words and in characters and the share of identical pairs,
    each with its interval, as written, normalised, and what the normalisation gains; ``table``
    has one row an item, those whose texts lie farthest apart first.
    """

    table: pd.DataFrame
    distance: float
    low: float
    high: float
    n: int
    identical: float
    unit: str
    normalised: str
    measures: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        if np.isnan(self.distance):
            return "No agreement on texts can be told: no item has texts of two people."
        pairs = int(self.table["pairs"].sum())
        text = (
            f"Two people's texts of one item differ in {_show.percent(self.distance)} "
            f"({_show.percent(self.low)} to {_show.percent(self.high)}) of their {self.unit}, and "
            f"{_show.percent(self.identical)} of the pairs are identical, over "
            f"{_tables._count(self.n, 'item')} and {_tables._count(pairs, 'pair')} of texts."
        )
        if not self.normalised:
            return text
        before = self._value(_AS_WRITTEN, self.unit)
        return text + (
            f" That is after the normalisation {self.normalised!r}; "
            f"as written they differ in {_show.percent(before)}."
        )

    def _value(self, version: str, measure: str) -> float:
        rows = (self.measures["version"] == version) & (self.measures["measure"] == measure)
        return float(self.measures.loc[rows, "value"].iloc[0])

    def _repr_html_(self) -> str:
        columns = {"what": "Measure", "version": "Version", "value": "Value (95 %)"}
        rows = [_cells(row) for row in self.measures.to_dict("records")]
        table = _show.table_html(rows, columns=columns, text=["what", "version"])
        return _show.result_html(repr(self), table, notes=self.notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Each measure as written and, beside it, normalised, with intervals."""
        ax = _show.axes(ax, size=(7.0, 2.6))
        versions = [v for v in (_AS_WRITTEN, _AFTER) if v in set(self.measures["version"])]
        colours = [_show.PALETTE["orange"], _show.PALETTE["blue"]][-len(versions) :]
        y = np.arange(len(_MEASURES))[::-1]
        for number, (version, colour) in enumerate(zip(versions, colours, strict=True)):
            rows = self.measures[self.measures["version"] == version]
            at = y + (0.12 - 0.24 * number if len(versions) == 2 else 0)
            ax.hlines(at, 100 * rows["low"], 100 * rows["high"], color=colour, linewidth=2)
            mark = "o" if version == _AFTER else "s"
            ax.plot(100 * rows["value"], at, mark, color=colour, label=version)
        ax.set_yticks(y, list(_MEASURES.values()))
        ax.set_ylim(-0.6, len(_MEASURES) - 0.4)
        ax.set_xlim(left=0)
        ax.set_xlabel("pairs of texts of one item, per cent, with 95 % intervals")
        if len(versions) == 2:
            ax.legend(frameon=False)
        return _show.describe(ax, "Distance between texts of one item. " + repr(self))


def text_agreement(
    annotations: pd.DataFrame,
    *,
    normalise: _normalise.Normalise | None = None,
    unit: str = "words",
    rng: int | np.random.Generator | None = None,
) -> TextAgreement:
    """How far apart do people write the same thing, and how much of that is only writing?

    The distance of two texts is the fewest insertions, deletions and exchanges that turn one
    into the other (Levenshtein 1966) over the length of the longer, in words and in characters:
    0 identical, 1 nothing in common. Every pair of texts of an item weighs the same; intervals
    are drawn over items. Two empty texts are identical; a missing one is left out and counted.
    No chance is taken off, so a normalisation that throws away more always looks better.

    Parameters
    ----------
    annotations : ``item, annotator, label``, the label a text.
    normalise : a name or names out of those of ``normalisations``, any function from text to
        text, or a table from ``variants``; None leaves the texts as written.
    unit : "words" or "characters", for the headline and the order of ``table``.

    Examples
    --------
    >>> said = pd.DataFrame({"item": "clip", "annotator": ["ann", "bob"],
    ...     "label": ["Um, two trains.", "two trains"]})
    >>> round(text_agreement(said, rng=0).distance, 3)
    0.667
    >>> text_agreement(said, normalise=["fillers", "punctuation", "lower case"], rng=0).identical
    1.0
    """
    function = "labels.text_agreement"
    known_unit(unit, function)
    texts = read(annotations, function=function)
    pairs = Pairs.of(texts.item, len(texts.items))
    found = {_AS_WRITTEN: pairs.sums(texts.text)}
    name = ""
    if normalise is not None:
        name, change = _normalise.resolve(normalise, function=function)
        found[_AFTER] = pairs.sums(applied(change, texts.text, name, function))
    shared = pairs.number > 0
    measures = _measures({v: sums[shared] for v, sums in found.items()}, pairs.number[shared], rng)
    last = measures[measures["version"] == (_AFTER if name else _AS_WRITTEN)]
    last = last.set_index("measure")
    table = _per_item(texts, pairs, [*found.values()][-1], shared, unit)
    return TextAgreement(
        table=table,
        distance=float(last["value"][unit]),
        low=float(last["low"][unit]),
        high=float(last["high"][unit]),
        n=int(shared.sum()),
        identical=float(last["value"]["identical"]),
        unit=unit,
        normalised=name,
        measures=measures,
        notes=(*texts.notes, *few(int(shared.sum()), int((~shared).sum()))),
    )


@dataclass(frozen=True)
class Texts:
    """The texts used, sorted by item."""

    item: np.ndarray  # codes
    text: list[str]
    items: np.ndarray
    notes: tuple[str, ...]


def read(annotations: pd.DataFrame, *, function: str) -> Texts:
    """Repeat 0, one text a person and item (the last), missing ones left out; all counted."""
    coded = _coded.code(annotations, function=function, classes=False)
    other = [label for label in coded.labels if not isinstance(label, str)]
    if other:
        raise TableError(
            f"{function}() needs texts in the column label, and found "
            f"{_tables._kind(other[0])} ({other[0]!r}). "
            'Make them text: df.assign(label=df["label"].astype(str)); '
            "for classes there is labels.agreement()."
        )
    item, items = pd.factorize(coded.items[coded.item], sort=True)
    order = np.argsort(item, kind="stable")
    text = [coded.labels[label] for label in coded.label[order]]
    return Texts(item[order], text, np.asarray(items, dtype=object), tuple(coded.notes))


@dataclass(frozen=True)
class Pairs:
    """Every pair of texts of one item: two row numbers, and whose item it is."""

    first: np.ndarray
    second: np.ndarray
    item: np.ndarray
    number: np.ndarray  # pairs of each item

    @classmethod
    def of(cls, item: np.ndarray, n_items: int) -> "Pairs":
        """All pairs of rows of one item; rows are sorted by item."""
        first, second, whose = _pairs.inside(item, n_items)
        return cls(first, second, whose, number=np.bincount(whose, minlength=n_items))

    def sums(self, text: list[str]) -> np.ndarray:
        """Per item the sums of its pairs, in the order of the measures."""
        columns = [
            self.distances(text, "words"),
            self.distances(text, "characters"),
            self.same(text),
        ]
        whole = [np.bincount(self.item, c, minlength=len(self.number)) for c in columns]
        return np.stack(whole, axis=1)

    def same(self, text: list[str]) -> np.ndarray:
        """Whether the two texts of each pair are identical."""
        pairs = zip(self.first, self.second, strict=True)
        return np.fromiter((text[i] == text[j] for i, j in pairs), bool, len(self.first))

    def distances(self, text: list[str], unit: str) -> np.ndarray:
        """Normalised edit distance of each pair."""
        from rapidfuzz import process
        from rapidfuzz.distance import Levenshtein

        parts = _as_signs(text) if unit == "words" else text
        return process.cpdist(
            [parts[i] for i in self.first],
            [parts[j] for j in self.second],
            scorer=Levenshtein.normalized_distance,
            dtype=np.float64,
        )


def _as_signs(text: list[str]) -> list[Any]:
    """Each distinct word as one sign, so that texts compare word by word at full speed."""
    words = [one.split() for one in text]
    signs = {word: number for number, word in enumerate(dict.fromkeys(chain(*words)))}
    if len(signs) > 0x110000:  # more words than there are signs: compare numbers
        return [[signs[word] for word in one] for one in words]
    return ["".join(chr(signs[word]) for word in one) for one in words]


def applied(change: Callable[[str], str], text: list[str], name: str, function: str) -> list[str]:
    """Every distinct text normalised once."""
    done = {one: change(one) for one in dict.fromkeys(text)}
    odd = [after for after in done.values() if not isinstance(after, str)]
    if odd:
        raise TypeError(
            f"{function}() needs a normalisation that gives a text for a text, and {name!r} gave "
            f"{_tables._kind(odd[0])}."
        )
    return [done[one] for one in text]


def known_unit(unit: str, function: str) -> None:
    if unit not in ("words", "characters"):
        raise ValueError(f'{function}() measures in "words" or "characters"; got {unit!r}.')


def few(shared: int, alone: int) -> list[str]:
    """Notes about items that one person alone wrote for, and about too few items."""
    notes = []
    if alone:
        notes.append(f"{_tables._count(alone, 'item')} with the text of one person: left out.")
    if 0 < shared < 50:
        notes.append(
            f"With {_tables._count(shared, 'item')} the intervals are too narrow: over 10 items "
            "one of 95 % covers about 81 %."
        )
    return notes


def _measures(
    found: dict[str, np.ndarray], number: np.ndarray, rng: int | np.random.Generator | None
) -> pd.DataFrame:
    """Each measure of each version over all pairs, with intervals from items drawn anew."""
    sums = np.concatenate(list(found.values()), axis=1)
    if len(found) == 2:
        before, after = found.values()
        # A gain is less distance, or more identical pairs.
        sums = np.concatenate([sums, (before - after) * [1, 1, -1]], axis=1)
    versions = [*found, *([_GAIN] if len(found) == 2 else [])]
    value = low = high = np.full(sums.shape[1], np.nan)
    if len(number):
        value = sums.sum(axis=0) / number.sum()
        low, high = _stats.bootstrap(
            lambda times: times @ sums / (times @ number), len(number), rng=rng
        )
    return pd.DataFrame(
        {
            "version": np.repeat(versions, len(_MEASURES)),
            "measure": list(_MEASURES) * len(versions),
            "value": value,
            "low": low,
            "high": high,
        }
    )


def _per_item(
    texts: Texts, pairs: Pairs, sums: np.ndarray, shared: np.ndarray, unit: str
) -> pd.DataFrame:
    size = np.bincount(texts.item, minlength=len(texts.items))
    table = pd.DataFrame(sums[shared] / pairs.number[shared, None], columns=list(_MEASURES))
    table.insert(0, "item", texts.items[shared])
    table.insert(1, "n", size[shared])
    table.insert(2, "pairs", pairs.number[shared])
    return table.sort_values(unit, ascending=False, kind="stable").reset_index(drop=True)


def _cells(row: dict[Any, Any]) -> dict[str, str]:
    gain = row["version"] == _GAIN
    show = _show.points if gain else _show.percent
    value = f"{show(row['value'])}\n{show(row['low'])} to {show(row['high'])}"
    return {
        "what": _MEASURES[row["measure"]],
        "version": row["version"] + (" (points)" if gain else ""),
        "value": "—" if np.isnan(row["value"]) else value,
    }
