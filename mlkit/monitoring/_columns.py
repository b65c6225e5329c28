"""One column in counts that add up: numbers in bins, classes by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlkit._tables import TableError, _some

BINS = 1000
MOST_VALUES = 50  # up to so many different numbers each has a bin of its own
MOST_CLASSES = 10_000


@dataclass(frozen=True)
class Numbers:
    """A column of numbers: how many lie from each edge to the next.

    ``edges`` (rising, shape (b,)) make b + 1 bins, each from its lower edge on and below its
    upper one. ``sums`` adds up the values of a bin; infinite ones count and are not added.
    """

    edges: np.ndarray
    counts: np.ndarray
    sums: np.ndarray
    smallest: float
    largest: float
    missing: int

    @property
    def n(self) -> int:
        """Values, without the missing ones."""
        return int(self.counts.sum())

    @property
    def places(self) -> np.ndarray:
        """Mean of each bin's values, inside the bin; infinite ones are taken to its end."""
        low, high = np.r_[self.smallest, self.edges], np.r_[self.edges, self.largest]
        low[0], high[-1] = np.fmin(low[0], high[0]), np.fmax(low[-1], high[-1])
        mean = np.divide(self.sums, self.counts, out=low.copy(), where=self.counts > 0)
        return np.clip(mean, low, high)

    def __add__(self, other: "Numbers") -> "Numbers":
        if not np.array_equal(self.edges, other.edges):
            raise TableError("their bins differ: make the second with like= the first.")
        return Numbers(
            self.edges,
            self.counts + other.counts,
            self.sums + other.sums,
            float(np.fmin(self.smallest, other.smallest)),
            float(np.fmax(self.largest, other.largest)),
            self.missing + other.missing,
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "number",
            "edges": self.edges.tolist(),
            "counts": self.counts.tolist(),
            "sums": self.sums.tolist(),
            "smallest": None if np.isnan(self.smallest) else self.smallest,
            "largest": None if np.isnan(self.largest) else self.largest,
            "missing": self.missing,
        }


@dataclass(frozen=True)
class Classes:
    """A column of names: how often each."""

    counts: dict[str, int]
    missing: int

    @property
    def n(self) -> int:
        """Values, without the missing ones."""
        return sum(self.counts.values())

    def __add__(self, other: "Classes") -> "Classes":
        counts = dict(self.counts)
        for name, count in other.counts.items():
            counts[name] = counts.get(name, 0) + count
        return Classes(dict(sorted(counts.items())), self.missing + other.missing)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "class", "counts": self.counts, "missing": self.missing}


Column = Numbers | Classes


def of_dict(given: dict[str, Any]) -> Column:
    """The column that ``to_dict`` wrote."""
    if given["kind"] == "class":
        return Classes({str(k): int(v) for k, v in given["counts"].items()}, int(given["missing"]))
    smallest, largest = (
        np.nan if given[name] is None else float(given[name]) for name in ("smallest", "largest")
    )
    return Numbers(
        np.asarray(given["edges"], float),
        np.asarray(given["counts"], np.int64),
        np.asarray(given["sums"], float),
        smallest,
        largest,
        int(given["missing"]),
    )


def finite_sorted(values: np.ndarray) -> tuple[np.ndarray, int]:
    """The values in order, infinite ones at the ends, and how many were missing."""
    values = np.array(values, float)  # a copy, sorted in place
    values.sort()  # NaN last
    n = int(np.searchsorted(values, np.nan))
    return values[:n], len(values) - n


def numbers(values: np.ndarray, edges: np.ndarray | None) -> Numbers:
    """Sorting and looking up the edges is several times quicker than looking up each value."""
    ordered, missing = finite_sorted(values)
    return of_sorted(ordered, missing, edges)


def of_sorted(ordered: np.ndarray, missing: int, edges: np.ndarray | None) -> Numbers:
    """The column from its values in order."""
    first = int(np.searchsorted(ordered, -np.inf, side="right"))
    last = int(np.searchsorted(ordered, np.inf, side="left"))
    inside = ordered[first:last]  # the finite ones
    if edges is None:
        edges = quantile_edges(inside)
    bounds = np.r_[0, np.searchsorted(ordered, edges, side="left"), len(ordered)]
    # From the first finite value on; an empty bin adds up to 0, where reduceat gives a value.
    at = np.clip(bounds, first, last) - first
    sums = np.zeros(len(edges) + 1)
    filled = np.diff(at) > 0
    if filled.any():
        sums[filled] = np.add.reduceat(inside, at[:-1][filled])
    return Numbers(
        edges,
        np.diff(bounds),
        sums,
        float(inside[0]) if len(inside) else np.nan,
        float(inside[-1]) if len(inside) else np.nan,
        missing,
    )


def quantile_edges(inside: np.ndarray) -> np.ndarray:
    """Edges so that bins hold about equally many; each value its own where there are few.

    From evenly spaced rows of the sorted column, and always values that occur.
    """
    if not len(inside):
        return np.zeros(0)
    places = (np.arange(BINS) * len(inside)) // BINS
    edges = np.unique(np.r_[inside[places], inside[-1]])
    if len(edges) <= MOST_VALUES:  # a rare value may lie between the rows that were looked at
        values = np.unique(inside)
        return values if len(values) <= MOST_VALUES else edges
    return edges


def classes(values: pd.Series, name: str) -> Classes:
    """Counted by name; True and "True" are the same name."""
    found = values.value_counts(dropna=True, sort=False)
    found = found[found > 0]  # a categorical column counts what it does not hold
    if len(found) > MOST_CLASSES:
        raise TableError(
            f"monitoring.profile() found {len(found):,} different values in {name!r}, more than "
            f"{MOST_CLASSES:,}: an identifier, or free text? Leave it out, or say "
            f'kinds={{"{name}": "text"}} to watch its length.'
        )
    names = [str(value) for value in found.index]
    counts: dict[str, int] = {}
    for one, count in zip(names, found.tolist(), strict=True):
        counts[one] = counts.get(one, 0) + int(count)
    return Classes(dict(sorted(counts.items())), int(values.isna().sum()))


def joined(parts: Sequence[tuple[str, Column, Column]]) -> dict[str, Column]:
    """The sum of each pair; what cannot be added is named."""
    done: dict[str, Column] = {}
    for name, one, other in parts:
        if type(one) is not type(other):
            raise TableError(
                f"the column {name!r} holds numbers in one profile and names in the other."
            )
        try:
            done[name] = one + other  # type: ignore[operator]  # both of one kind, see above
        except TableError as error:
            raise TableError(f"the column {name!r} cannot be added: {error}") from error
    return done


def unlike(one: Sequence[str], other: Sequence[str]) -> str:
    """What the one has and the other has not, in words; empty where they are the same."""
    only = [name for name in one if name not in other]
    return f"{_some(only)}" if only else ""
