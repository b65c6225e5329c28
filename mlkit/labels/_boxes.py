"""Boxes that several people drew on the same items: how well they agree."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _stats, _tables
from mlkit._tables import TableError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CORNERS = ["x1", "y1", "x2", "y2"]
_MEASURES = {
    "f1": "F1: boxes that have a partner",
    "mean_iou": "IoU of the matched boxes",
    "padded_iou": "IoU, 0 for a box without partner",
    "same_count": "pairs with the same number of boxes",
    "same_label": "matched boxes of one class",
}


@dataclass(frozen=True)
class BoxAgreement:
    """How well people agree on boxes: ``f1`` with ``low, high, n`` (items two or more people saw).

    ``measures`` gives every measure with its interval, ``table`` one row an item, the items
    people draw most differently first.
    """

    table: pd.DataFrame
    f1: float
    low: float
    high: float
    n: int
    iou: float
    measures: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        if np.isnan(self.f1):
            return "No agreement on boxes can be told: no item was seen by two people."
        pairs = int(self.table["pairs"].sum())
        text = (
            f"Boxes of two people agree with F1 {self.f1:.3f} ({self.low:.3f} to {self.high:.3f}) "
            f"at IoU {self.iou:g}, over {_tables._count(self.n, 'item')} and "
            f"{_tables._count(pairs, 'pair')} of people."
        )
        overlap = float(self.measures["value"].iloc[1])
        if not np.isnan(overlap):
            text += f" Boxes that have a partner overlap it with an IoU of {overlap:.2f}."
        return text + " Agreement is not accuracy: all may miss the same object."

    def _repr_html_(self) -> str:
        columns = {"what": "Measure", "value": "Value (95 %)", "n": "Items"}
        table = _show.table_html(map(_cells, self._rows()), columns=columns, text=["what"])
        return _show.result_html(repr(self), table, notes=self.notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Every measure with its interval, from 0 (no agreement) to 1."""
        rows = [row for row in self._rows() if not np.isnan(row["value"])][::-1]
        ax = _show.axes(ax, size=(7.0, 1.2 + 0.4 * len(rows)))
        y, blue = np.arange(len(rows)), _show.PALETTE["blue"]
        ax.hlines(y, [r["low"] for r in rows], [r["high"] for r in rows], color=blue, linewidth=2)
        ax.plot([r["value"] for r in rows], y, "o", color=blue)
        ax.set_yticks(y, [_MEASURES[r["measure"]] for r in rows])
        ax.set_xlim(0, 1)
        ax.set_ylim(-0.6, len(rows) - 0.4)
        ax.set_xlabel("agreement of two people on one item, with 95 % intervals")
        return _show.describe(ax, "Agreement on boxes by measure. " + repr(self))

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {str(k): v for k, v in row.items()}
            for row in self.measures.to_dict("records")
            if row["n"] or row["why"]
        ]


def box_agreement(
    boxes: pd.DataFrame,
    *,
    iou: float = 0.5,
    rng: int | np.random.Generator | None = None,
) -> BoxAgreement:
    """Do people draw the same boxes?

    On each item the boxes of two people are matched one to one so that the sum of their IoU
    (area shared / area covered) is largest (Kuhn 1955); a match counts from ``iou`` on. F1 is
    2 x matches / (boxes of both). Every pair of people on an item weighs the same; intervals are
    drawn over items. Two people who both drew nothing agree fully.

    Parameters
    ----------
    boxes : ``item, annotator, x1, y1, x2, y2`` in pixels, one row a box; a row whose four
        corners are NaN says: looked, and drew none. With ``label``, ``same_label`` tells how
        often matched boxes have one class; boxes are matched by place alone. A box drawn twice
        by one person is left out and counted; of repeats the first (0) is used.
    iou : from which overlap on two boxes are the same, above 0 and at most 1.

    Examples
    --------
    >>> boxes = pd.DataFrame({"item": "a", "annotator": ["ann", "bob", "bob"],
    ...     "x1": [0, 0, 50], "y1": 0, "x2": [10, 10, 60], "y2": [10, 8, 10]})
    >>> agreement = box_agreement(boxes, rng=0)
    >>> agreement.table[["item", "annotators", "pairs", "f1", "mean_iou"]].round(3)
      item  annotators  pairs     f1  mean_iou
    0    a           2      1  0.667       0.8
    """
    function = "labels.box_agreement"
    threshold(iou, function)
    drawn = read(boxes, function=function)
    sums = [_item_sums(views, iou) for views in drawn.by_item()]
    names = pd.Index(drawn.items, name="item")
    figures = pd.DataFrame(sums, index=names, columns=_SUMS)
    shared = figures[figures["pairs"] > 0]
    measures = _measures(shared, rng)
    table = _per_item(shared)
    notes = [*drawn.notes]
    alone = len(figures) - len(shared)
    if alone:
        notes.append(f"{_tables._count(alone, 'item')} seen by one person alone: left out.")
    if 0 < len(shared) < 50:
        notes.append(
            f"With {_tables._count(len(shared), 'item')} the intervals are too narrow: "
            "over 10 items one of 95 % covers about 81 %."
        )
    first = measures.iloc[0]
    return BoxAgreement(
        table=table,
        f1=float(first["value"]),
        low=float(first["low"]),
        high=float(first["high"]),
        n=len(shared),
        iou=float(iou),
        measures=measures,
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class Boxes:
    """A checked table of boxes, sorted by item and place, with who looked at which item."""

    item: np.ndarray
    annotator: np.ndarray
    corners: np.ndarray  # (n, 4)
    label: np.ndarray  # codes, -1 where there is none
    row: np.ndarray  # the caller's row labels
    again: np.ndarray  # True: the same box of the same person, drawn before
    items: np.ndarray
    annotators: np.ndarray
    looked: np.ndarray  # (m, 2) item and annotator, also of those who drew none
    notes: tuple[str, ...]

    def by_item(self) -> "Iterator[list[View]]":
        """The boxes of each person on each item; people in an order that no renaming changes."""
        kept = np.flatnonzero(~self.again)
        key = np.stack([self.item[kept], self.annotator[kept]], axis=1)
        # Rows are sorted by place, and a stable sort by person keeps that.
        order = np.lexsort((key[:, 1], key[:, 0]))
        kept, key = kept[order], key[order]
        step = len(self.annotators)
        starts = np.searchsorted(key @ [step, 1], self.looked @ [step, 1])
        ends = np.searchsorted(key @ [step, 1], self.looked @ [step, 1], side="right")
        people: list[list[View]] = [[] for _ in self.items]
        for (item, annotator), start, end in zip(self.looked, starts, ends, strict=True):
            rows = kept[start:end]
            people[item].append(View(item, annotator, rows, self.corners[rows], self.label[rows]))
        for views in people:
            yield sorted(views, key=lambda view: view.corners.tolist())


@dataclass(frozen=True)
class View:
    """What one person drew on one item."""

    item: int
    annotator: int
    rows: np.ndarray
    corners: np.ndarray
    label: np.ndarray


def read(boxes: pd.DataFrame, *, function: str) -> Boxes:
    """Check a table of boxes; what it leaves out is counted in the notes."""
    table = _tables._need(boxes, ["item", "annotator", *CORNERS], function)
    table["row label"] = boxes.index.to_numpy()
    if "label" not in table.columns:
        table["label"] = None
    table = _tables.annotations(table, function=function)
    notes = []
    again = table["repeat"].to_numpy() != 0
    if again.any():
        notes.append(f"{_tables._count(int(again.sum()), 'row')} of a repeat: left out.")
        table = table[~again].reset_index(drop=True)
    corners = _corners(table, function)
    none = np.isnan(corners).all(axis=1)
    _refuse(table, corners, none, function)
    item, items = pd.factorize(table["item"], sort=True)
    annotator, annotators = pd.factorize(table["annotator"])
    looked = np.unique(np.stack([item, annotator], axis=1), axis=0)
    label = pd.factorize(table["label"])[0]
    order = np.lexsort((*corners.T[::-1], item))  # stable: rows alike stay in the caller's order
    order = order[~none[order]]
    same = pd.DataFrame(corners[order]).assign(item=item[order], annotator=annotator[order])
    twice = same.duplicated(keep="last").to_numpy()
    flat = (corners[order, 2:] == corners[order, :2]).any(axis=1)
    notes += _counted(none, twice, flat)
    return Boxes(
        item=item[order],
        annotator=annotator[order],
        corners=corners[order],
        label=label[order],
        row=table["row label"].to_numpy()[order],
        again=twice,
        items=np.asarray(items, dtype=object),
        annotators=np.asarray(annotators, dtype=object),
        looked=looked,
        notes=tuple(notes),
    )


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """IoU of every box with every other, shape (n, m); a box without area overlaps nothing."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    area_1, area_2 = ((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (first, second))
    covered = area_1[:, None] + area_2[None, :] - shared
    return np.divide(shared, covered, out=np.zeros_like(shared), where=covered > 0)


def threshold(iou: float, function: str) -> None:
    if not 0 < iou <= 1:
        raise ValueError(
            f"{function}() takes two boxes for one from iou on, above 0 and at most 1, "
            f"for example 0.5; got {iou!r}."
        )


def _corners(table: pd.DataFrame, function: str) -> np.ndarray:
    try:
        return table[CORNERS].apply(pd.to_numeric).to_numpy(float, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise TableError(
            f"{function}() needs x1, y1, x2, y2 as numbers (pixels), and found others ({error}). "
            "Make them numbers with pd.to_numeric."
        ) from error


def _refuse(table: pd.DataFrame, corners: np.ndarray, none: np.ndarray, function: str) -> None:
    """No box is dropped in silence: what is none is told, with the rows and the mend."""
    rows = table["row label"]
    odd = ~none & ~np.isfinite(corners).all(axis=1)
    if odd.any():
        raise TableError(
            f"{function}() needs all four corners of a box, and found "
            f"{_tables._count(int(odd.sum()), 'row')} with only some: {_tables._some(rows[odd])}. "
            "Give all four, or NaN in all four for somebody who looked and drew none."
        )
    turned = np.asarray((corners[:, 2:] < corners[:, :2]).any(axis=1))
    if turned.any():
        raise TableError(
            f"{function}() needs x1 <= x2 and y1 <= y2, and found "
            f"{_tables._count(int(turned.sum()), 'row')} without: {_tables._some(rows[turned])}. "
            "If x2 and y2 are width and height, add x1 and y1 to them: "
            'df.assign(x2=df["x1"] + df["x2"], y2=df["y1"] + df["y2"]). If boxes were drawn from '
            'right to left, swap: df["x1"], df["x2"] = df[["x1", "x2"]].min(axis=1), '
            'df[["x1", "x2"]].max(axis=1).'
        )


def _counted(none: np.ndarray, twice: np.ndarray, flat: np.ndarray) -> list[str]:
    """What a reader has to know about the rows."""
    notes = []
    if none.any():
        notes.append(f"{_tables._count(int(none.sum()), 'row')} without corners: drew none.")
    if twice.any():
        n = int(twice.sum())
        notes.append(
            f"{_tables._count(n, 'row')} with a box the same person drew before: left out."
        )
    if flat.any():
        n = int(flat.sum())
        notes.append(f"{_tables._count(n, 'row')} with a box of no area: it matches nothing.")
    return notes


_SUMS = [
    "annotators", "boxes", "pairs", "f1", "mean_iou", "with_match", "padded_iou", "same_count",
    "labelled", "same_label",
]  # fmt: skip


def _item_sums(views: list[View], iou: float) -> tuple[float, ...]:
    """Sums over all pairs of people on one item, in the order of ``_SUMS``."""
    from scipy.optimize import linear_sum_assignment

    corners = np.concatenate([view.corners for view in views])
    label = np.concatenate([view.label for view in views])
    every = overlaps(corners, corners)
    ends = np.cumsum([len(view.rows) for view in views])
    spans = [slice(end - len(view.rows), end) for view, end in zip(views, ends, strict=True)]
    sums = np.zeros(len(_SUMS) - 2)
    for a, first in enumerate(spans):
        for second in spans[a + 1 :]:
            block = every[first, second]
            n, m = block.shape
            i, j = linear_sum_assignment(block, maximize=True)
            found = block[i, j]
            hit = found >= iou
            known = hit & (label[first][i] >= 0) & (label[second][j] >= 0)
            same = label[first][i[known]] == label[second][j[known]]
            sums += (
                1,
                2 * hit.sum() / (n + m) if n + m else 1,
                found[hit].mean() if hit.any() else 0,
                hit.any(),
                found.sum() / max(n, m) if n + m else 1,
                n == m,
                known.sum(),
                same.sum(),
            )
    return (len(views), len(corners), *sums)


_PARTS = {
    "f1": "pairs",
    "mean_iou": "with_match",
    "padded_iou": "pairs",
    "same_count": "pairs",
    "same_label": "labelled",
}
_WHY = {
    "pairs": "no item was seen by two people",
    "with_match": "no box has a partner",
    "labelled": "no matched boxes with a class",
}


def _measures(sums: pd.DataFrame, rng: int | np.random.Generator | None) -> pd.DataFrame:
    """Every measure over all pairs, with its interval from items drawn anew."""
    above = sums[list(_PARTS)].to_numpy(float)
    below = sums[list(_PARTS.values())].to_numpy(float)

    def shares(times: np.ndarray) -> np.ndarray:
        whole = times @ below
        return np.divide(times @ above, whole, out=np.full(len(whole), np.nan), where=whole > 0)

    value = shares(np.ones(len(sums)))
    low = high = np.full(len(_PARTS), np.nan)
    known = ~np.isnan(value)
    if known.any():
        low, high = low.copy(), high.copy()
        low[known], high[known] = _stats.bootstrap(
            lambda times: shares(times)[known], len(sums), rng=rng
        )
    return pd.DataFrame(
        {
            "measure": list(_PARTS),
            "value": value,
            "low": low,
            "high": high,
            "n": (below > 0).sum(axis=0),
            "why": [
                "" if ok else _WHY[_PARTS[name]] for ok, name in zip(known, _PARTS, strict=True)
            ],
        }
    )


def _per_item(sums: pd.DataFrame) -> pd.DataFrame:
    """Shares item by item, the most different drawings first."""
    counts = ["annotators", "boxes", "pairs"]
    table = sums[counts].astype(int)
    for name, below in _PARTS.items():
        table[name] = (sums[name] / sums[below].where(sums[below] > 0)).astype(float)
    return table.sort_values(["f1", "padded_iou"], kind="stable").reset_index()


def _cells(row: dict[str, Any]) -> dict[str, str]:
    value = row["why"] or f"{row['value']:.3f}\n{row['low']:.3f} to {row['high']:.3f}"
    return {"what": _MEASURES[row["measure"]], "value": value, "n": f"{row['n']:,}"}
