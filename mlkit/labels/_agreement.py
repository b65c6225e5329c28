"""How alike people label the same items: overall, by class, without each annotator, by group."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import TableError
from mlkit.labels import (
    _agreement_show,
    _coded,
    _coefficients,
    _cohen,
    _intervals,
    _levels,
    _patterns,
    _without,
)
from mlkit.labels._coded import Coded
from mlkit.labels._patterns import Patterns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "labels.agreement"
_ESTIMATES = ("percent", "cohen", "fleiss", "ac1", "alpha", "conditional", "gain")
COLUMNS = [
    *("part", "name", "n", "labels"),
    *(name + end for name in _ESTIMATES for end in ("", "_low", "_high")),
    "why",
]
MOST_CLASSES = 100
_MOST_GROUPS = 1000
_NO_PAIR = "no item has two labels"
_ONE_CLASS = "fleiss and alpha: all labels are of one class, and chance alone would agree as well"
_RATIO = (
    f"alpha: more than {_levels.MOST_RATIO_VALUES:,} values at the ratio level, whose pairs are "
    "too many: round them"
)
_NO_SPREAD = "limits: the items are all alike, so drawing them anew shows no spread"


@dataclass(frozen=True)
class Agreement:
    """Agreement between annotators; ``alpha`` with ``low, high, n`` is Krippendorff's, overall.

    ``table`` has one row for all labels, each class, the labels without each annotator, and each
    group; ``notes`` say what was left out and what to keep in mind.
    """

    table: pd.DataFrame
    alpha: float
    low: float
    high: float
    n: int
    level: str
    annotators: int
    chance: float  # share of pairs that would agree by chance
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return _agreement_show.sentence(self)

    def _repr_html_(self) -> str:
        return _agreement_show.html(self)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Coefficients, classes, groups, and the annotators without whom alpha is higher."""
        return _agreement_show.plot(self, ax)


def agreement(
    annotations: pd.DataFrame,
    *,
    level: str = "nominal",
    by: str | None = None,
    rng: int | np.random.Generator | None = None,
) -> Agreement:
    """How alike do people label the same items, beyond chance?

    ``percent``: pairs of labels that agree, pairs of all items pooled. ``cohen`` (1960; two
    annotators alone), ``fleiss`` (1971), ``ac1`` (Gwet 2008) and ``alpha`` (Krippendorff 2011) take
    chance off. ``level`` ("nominal", "ordinal", "interval", "ratio") is alpha's alone. Limits are
    of 95 %, over items, annotators as they are; without an annotator they are to first order.

    Rows by ``part``: "overall"; "class" (against all others; ``n`` items and ``labels`` that have
    it; ``conditional``: another says so too, given one does); "without" an annotator (``gain`` of
    alpha); the column ``by``. ``why`` says what is NaN: one class, no item with two labels.

    Parameters
    ----------
    annotations : ``item, annotator, label``. Repeats, rows without a label and all but the last
        label of an annotator for an item are left out and counted in ``notes``.

    Examples
    --------
    >>> df = pd.DataFrame({"item": list("aabbcc"), "annotator": list("xyxyxy")})
    >>> df["label"] = ["cat", "cat", "dog", "dog", "cat", "dog"]
    >>> result = agreement(df, rng=0)
    >>> result.table.loc[:2, ["part", "name", "percent", "cohen", "alpha"]].round(3)
          part name  percent  cohen  alpha
    0  overall  all    0.667    0.4  0.444
    1    class  cat    0.667    0.4  0.444
    2    class  dog    0.667    0.4  0.444
    """
    rng = np.random.default_rng(rng)
    coded = _coded.code(annotations, function=_FUNCTION)
    column = coded.table["label"]
    values = _levels.values_of(coded.labels, column, level, function=_FUNCTION)
    p = _patterns.find(coded.item, coded.label, len(coded.items), len(coded.labels))
    groups = _groups(coded, by)
    notes = [*coded.notes, *_agreement_show.remarks(p, coded.labels, level)]
    overall = {"part": "overall", "name": "all"} | _row(coded, p, level, values, rng)
    table = [overall]
    if level in ("interval", "ratio") and p.n_labels > MOST_CLASSES:
        notes.append(f"No row for each of the {p.n_labels:,} values, which are no classes.")
    else:
        table += _classes(coded, p, rng, notes)
    table += _without_rows(coded, p, level, values)
    if groups is not None:
        table += _by(coded, groups, level, values, rng, notes)
    n, _ = _coefficients.used(p)
    total = n.sum()
    return Agreement(
        table=_frame(table),
        alpha=overall["alpha"],
        low=overall["alpha_low"],
        high=overall["alpha_high"],
        n=overall["n"],
        level=level,
        annotators=len(coded.annotators),
        chance=float((n * (n - 1)).sum() / (total * (total - 1))) if total > 1 else float("nan"),
        notes=tuple(notes),
    )


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["why"] = table["why"].fillna("")
    kinds = dict.fromkeys(COLUMNS[4:-1], float) | dict.fromkeys(("n", "labels"), "Int64")
    return table.astype(kinds)


def _row(
    coded: Coded, p: Patterns, level: str, values: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    """All coefficients of a table; AC1 knows the classes of the whole one."""
    few = level != "ratio" or p.n_labels <= _levels.MOST_RATIO_VALUES
    found, limits = _intervals.both(p, level if few else "nominal", values, len(coded.labels), rng)
    if not few:
        found["alpha"], limits["alpha"] = np.nan, _intervals.UNKNOWN
    size = int(_coded.used(coded.annotator, len(coded.annotators)).sum())
    if size == 2:
        pairs = _cohen.cross(coded.item, coded.annotator, coded.label, len(coded.labels))
        found["cohen"], limits["cohen"] = _cohen.both(pairs, rng)
    row = _flat(found, limits) | {
        "n": int(p.times @ (p.m >= 2)),
        "labels": int(p.times @ p.m),
    }
    return row | {"why": _why(row, len(coded.labels), size, few)}


def _flat(values: dict[str, float], limits: dict[str, tuple[float, float]]) -> dict[str, float]:
    row = dict(values)
    for name, (low, high) in limits.items():
        row |= {f"{name}_low": low, f"{name}_high": high}
    return row


def _why(row: dict[str, Any], classes: int, size: int, few: bool = True) -> str:
    reasons = []
    if not row["n"]:
        reasons.append(_NO_PAIR)
    else:
        if not few:
            reasons.append(_RATIO)
        elif np.isnan(row["alpha"]):
            reasons.append(_ONE_CLASS)
        if classes == 1:
            reasons.append("ac1: there is one class, and so nothing to choose")
        if np.isnan(row["percent_low"]):
            reasons.append(
                "limits: one item alone says nothing about others" if row["n"] == 1 else _NO_SPREAD
            )
    if size != 2:
        reasons.append(f"cohen: for two annotators, here {size:,}: see pairwise()")
    elif row["n"] and np.isnan(row.get("cohen", np.nan)):
        reasons.append("cohen: both annotators used one and the same class alone")
    return "; ".join(reasons)


def _classes(
    coded: Coded, p: Patterns, rng: np.random.Generator, notes: list[str]
) -> Iterator[dict[str, Any]]:
    often = np.bincount(p.label, p.k * p.times[p.entry], p.n_labels)
    chosen = list(range(p.n_labels))
    if p.n_labels > MOST_CLASSES:
        chosen = sorted(np.argsort(-often, kind="stable")[:MOST_CLASSES].tolist())
        notes.append(
            f"The {MOST_CLASSES} most used of {p.n_labels:,} classes have a row of their own."
        )
    two = len(coded.annotators) == 2
    table = _cohen.cross(coded.item, coded.annotator, coded.label, p.n_labels) if two else None
    for label in chosen:
        one = p.one_against_rest(label)
        found, limits = _intervals.both(one, "nominal", np.arange(2.0), 2, rng)
        found["conditional"], limits["conditional"] = _conditional(one, rng)
        if table is not None:
            found["cohen"], limits["cohen"] = _cohen.both(
                _cohen.one_against_rest(table, label), rng
            )
        has = one.entry[one.label == 0]
        row = _flat(found, limits) | {"n": int(one.times[has] @ (one.m[has] > 1))}
        row["labels"] = int(often[label])
        reasons = _why(row | {"n": int(one.times @ (one.m >= 2))}, 2, len(coded.annotators))
        yield {"part": "class", "name": coded.labels[label], **row, "why": reasons}


def _conditional(p: Patterns, rng: np.random.Generator) -> tuple[float, tuple[float, float]]:
    """Chance that another label of the item is of the class, given that one is (Fleiss 1971)."""
    k = np.zeros(len(p.m))
    k[p.entry[p.label == 0]] = p.k[p.label == 0]
    other = k * (p.m >= 2)
    too = other * (k - 1) / np.maximum(p.m - 1, 1)
    n = float(p.times @ (p.m >= 2))
    if not p.times @ other:
        return np.nan, _intervals.UNKNOWN
    value = float(p.times @ too / (p.times @ other))
    if n < 2:
        return value, _intervals.UNKNOWN
    found = [
        (times @ too, times @ other)
        for times in _intervals.draws(p.times, p.m >= 2, rng, width=len(p.m))
    ]
    above, below = (np.concatenate(part) for part in zip(*found, strict=True))
    return value, _intervals.of_draws(above[below > 0] / below[below > 0], n)


def _without_rows(
    coded: Coded, p: Patterns, level: str, values: np.ndarray
) -> list[dict[str, Any]]:
    """Best first: without whom alpha is highest."""
    if level == "ratio" and p.n_labels > _levels.MOST_RATIO_VALUES:
        return []
    size = len(coded.annotators) - 1
    table = _without.rows(coded, p, level, values, len(coded.labels))
    for who, row in enumerate(table):
        if "percent" not in row:
            continue
        if size == 2:
            rest = coded.annotator != who
            pairs = _cohen.cross(
                coded.item[rest], coded.annotator[rest], coded.label[rest], p.n_labels
            )
            value = float(_cohen.kappa(pairs))
            row |= _flat({"cohen": value}, {"cohen": _cohen.limits_to_first_order(pairs)})
        row["why"] = _why(row, len(coded.labels), size)
    gain = [row.get("gain", np.nan) for row in table]
    order = np.argsort(-np.nan_to_num(gain, nan=-np.inf), kind="stable")
    return [{"part": "without", **table[at]} for at in order]


def _groups(coded: Coded, by: str | None) -> pd.Series | None:
    if by is None:
        return None
    if by not in coded.table.columns:
        found = ", ".join(map(str, coded.table.columns))
        raise TableError(f"{_FUNCTION}() was given by={by!r}, which is no column. Found: {found}.")
    if by in ("overall", "class", "without"):
        raise TableError(f"{_FUNCTION}() has a part of the name {by!r} already: rename the column.")
    groups = coded.table[by]
    if groups.nunique() > _MOST_GROUPS:
        raise TableError(
            f"{_FUNCTION}() was given by={by!r}, with {groups.nunique():,} different values: "
            f"more than {_MOST_GROUPS:,} groups are no table to read. Bin them with pd.cut."
        )
    return groups


def _by(
    coded: Coded,
    groups: pd.Series,
    level: str,
    values: np.ndarray,
    rng: np.random.Generator,
    notes: list[str],
) -> list[dict[str, Any]]:
    by, missing = groups.name, int(groups.isna().sum())
    if missing:
        notes.append(f"{_tables._count(missing, 'label')} without a value of {by}: in no group.")
    codes, names = _coded._sorted(*_coded._codes(groups.dropna()))
    known = np.flatnonzero(groups.notna())
    found = []
    for number, name in enumerate(names):
        rows = known[codes == number]
        item, items = pd.factorize(coded.item[rows])
        part = replace(coded, item=item, annotator=coded.annotator[rows], label=coded.label[rows])
        p = _patterns.find(part.item, part.label, len(items), len(coded.labels))
        found.append({"part": by, "name": name} | _row(part, p, level, values, rng))
    return found
