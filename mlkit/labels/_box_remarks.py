"""Which boxes to look at again: missing, spurious and loose ones, judged by the others' boxes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit.labels import _boxes

# From this overlap on a box is taken for another drawing of the same object. On 200 images with
# gold boxes, who overlapped the others' box by more had drawn at that object in 93 % of cases.
_NEAR = 0.1
_COLUMNS = ["item", "annotator", "box", "remark", "iou", "drew", "others", *_boxes.CORNERS]


def box_remarks(boxes: pd.DataFrame, *, iou: float = 0.5) -> pd.DataFrame:
    """Which boxes should somebody look at again, and where is one missing?

    Boxes of an item with an IoU of ``iou`` or more are taken for one object, the closest first,
    one box a person. Each person is then judged by the others who looked at the item:

    - *missing*: more than half of the others drew the object, this person nothing near it;
    - *loose*: more than half drew it, and this person's box has an IoU of 0.1 or more, but less
      than ``iou``, with the middle of theirs (the median of each corner);
    - *spurious*: none of the others drew this box; or it has no area, or was drawn twice.

    A box that few others drew gets no remark: people overlook objects far more often than they
    invent them. Who is judged by one other person alone may be the one who is right.

    Returns
    -------
    ``item, annotator, box`` (row label of the input, NA if missing), ``remark, iou`` (with the
    others' box), ``drew`` of ``others``, the place ``x1, y1, x2, y2`` and a ``reason``. Table as
    for ``box_agreement``; ``attrs["notes"]`` counts what one person alone saw.

    Examples
    --------
    >>> boxes = pd.DataFrame({"item": "a", "annotator": ["ann", "bob", "cy", "cy"],
    ...     "x1": [0, 1, 0, 50], "y1": 0, "x2": [10, 10, 10, 60], "y2": 10})
    >>> box_remarks(boxes)["reason"][0]
    'none of 2 others drew this box.'
    """
    function = "labels.box_remarks"
    _boxes.threshold(iou, function)
    drawn = _boxes.read(boxes, function=function)
    rows = [row for views in drawn.by_item() for row in _on_item(views, iou)]
    rows += _twice(drawn)
    people = np.bincount(drawn.looked[:, 0], minlength=len(drawn.items))
    table = pd.DataFrame(rows, columns=["at", *_COLUMNS[1:], "reason"])
    table["annotator"] = drawn.annotators[table["annotator"].to_numpy(int)]
    table["box"] = _labels(table["box"], drawn.row)
    return _finished(table, drawn, people)


def _on_item(views: list[_boxes.View], iou: float) -> Iterator[tuple[Any, ...]]:
    """The remarks on one item, person by person."""
    if len(views) < 2:
        return
    item = _Item(views, iou)
    for person in range(len(views)):
        yield from _on_person(item, person)


class _Item:
    """The boxes of one item, and the objects they make up."""

    def __init__(self, views: list[_boxes.View], iou: float) -> None:
        self.iou = iou
        self.views = views
        self.others = len(views) - 1
        self.corners = np.concatenate([view.corners for view in views])
        self.rows = np.concatenate([view.rows for view in views])
        self.person = np.repeat(np.arange(len(views)), [len(view.rows) for view in views])
        self.overlaps = _boxes.overlaps(self.corners, self.corners)
        self.objects = _objects(self.overlaps, self.person, iou)

    def middle(self, boxes: list[int]) -> np.ndarray:
        return np.median(self.corners[boxes], axis=0)

    def with_middle(self, boxes: list[int], others: list[int]) -> np.ndarray:
        return _boxes.overlaps(self.corners[boxes], self.middle(others)[None])[:, 0]

    def remark(
        self, kind: str, person: int, box: int | None, iou: float, others: list[int], reason: str
    ) -> tuple[Any, ...]:
        if self.others == 1:
            reason += "; with one other person either may be right"
        place = self.middle(others) if box is None else self.corners[box]
        row = -1 if box is None else int(self.rows[box])
        first = int(self.views[person].item)
        who = self.views[person].annotator
        return (first, who, row, kind, iou, len(others), self.others, *place, reason + ".")


def _objects(overlaps: np.ndarray, person: np.ndarray, iou: float) -> list[dict[int, int]]:
    """Boxes joined to objects, the closest pair first, never two boxes of one person."""
    first, second = np.triu_indices(len(person), 1)
    near = (person[first] != person[second]) & (overlaps[first, second] >= iou)
    first, second = first[near], second[near]
    order = np.argsort(-overlaps[first, second], kind="stable")
    objects = [{int(who): box} for box, who in enumerate(person)]
    of = list(range(len(person)))
    for a, b in zip(first[order], second[order], strict=True):
        one, other = of[a], of[b]
        if one == other or objects[one].keys() & objects[other].keys():
            continue
        for box in objects[other].values():
            of[box] = one
        objects[one] |= objects[other]
        objects[other] = {}
    return [found for found in objects if found]


def _on_person(item: _Item, person: int) -> Iterator[tuple[Any, ...]]:
    """Objects most others drew against what this person drew."""
    unseen: list[list[int]] = []  # objects most others drew and this person did not
    free: list[int] = []  # boxes of this person that are not at such an object
    alone = set()  # and those that nobody else drew
    for members in item.objects:
        others = [box for who, box in members.items() if who != person]
        own = members.get(person)
        wanted = 2 * len(others) > item.others
        if own is None:
            unseen += [others] if wanted else []
        elif wanted:
            near = float(item.with_middle([own], others)[0])
            if near < item.iou:
                yield _loose(item, person, own, near, others)
        else:
            free.append(own)
            alone |= set() if others else {own}
    for own, others, near in _drawn_loosely(item, free, unseen):
        unseen.remove(others)
        alone.discard(own)
        yield _loose(item, person, own, near, others)
    for others in unseen:
        mine = np.flatnonzero(item.person == person).tolist()
        near = float(item.with_middle(mine, others).max()) if mine else 0.0
        reason = f"{len(others)} of {_others(item.others)} drew a box here, this person none"
        yield item.remark("missing", person, None, near, others, reason)
    for own in sorted(alone):
        near = float(item.overlaps[own, item.person != person].max(initial=0))
        reason = f"none of {_others(item.others)} drew this box"
        if (item.corners[own, 2:] == item.corners[own, :2]).any():
            reason = "this box has no area"
        yield item.remark("spurious", person, own, near, [], reason)


def _drawn_loosely(
    item: _Item, free: list[int], unseen: list[list[int]]
) -> list[tuple[int, list[int], float]]:
    """Boxes left over that lie near an object the person seems to have missed."""
    from scipy.optimize import linear_sum_assignment

    if not free or not unseen:
        return []
    near = np.stack([item.with_middle(free, others) for others in unseen], axis=1)
    pairs = zip(
        *linear_sum_assignment(np.where(near >= _NEAR, near, 0), maximize=True), strict=True
    )
    return [(free[i], unseen[j], float(near[i, j])) for i, j in pairs if near[i, j] >= _NEAR]


def _loose(item: _Item, person: int, own: int, near: float, others: list[int]) -> tuple[Any, ...]:
    reason = (
        f"{len(others)} of {_others(item.others)} drew this object, and the box overlaps the "
        f"middle of theirs by {near:.2f}"
    )
    return item.remark("loose", person, own, near, others, reason)


def _twice(drawn: _boxes.Boxes) -> list[tuple[Any, ...]]:
    people = np.bincount(drawn.looked[:, 0], minlength=len(drawn.items))
    return [
        (
            drawn.item[row], drawn.annotator[row], row, "spurious", 1.0, 0,
            people[drawn.item[row]] - 1, *drawn.corners[row],
            "this person drew the same box twice.",
        )
        for row in np.flatnonzero(drawn.again)
    ]  # fmt: skip


def _others(n: int) -> str:
    return _tables._count(n, "other")


def _labels(rows: pd.Series, names: np.ndarray) -> pd.Series:
    """The caller's row labels, NA for a box that is not there."""
    known = rows >= 0
    kind = "Int64" if np.issubdtype(names.dtype, np.integer) else object
    labels = pd.Series(pd.NA, index=rows.index, dtype=kind)
    labels[known] = names[rows[known].to_numpy(int)]
    return labels


def _finished(table: pd.DataFrame, drawn: _boxes.Boxes, people: np.ndarray) -> pd.DataFrame:
    """Named, in order of items and kinds, with the notes."""
    kinds = pd.Series(range(3), index=["missing", "spurious", "loose"])
    rank = table["remark"].map(kinds)
    order = np.lexsort((table["y1"], table["x1"], rank, table["at"]))
    table = table.assign(item=drawn.items[table["at"].to_numpy(int)]).iloc[order]
    table = table[[*_COLUMNS, "reason"]].reset_index(drop=True)
    alone = int((people == 1).sum())
    left = [f"{_tables._count(alone, 'item')} seen by one person alone: nothing to compare with."]
    table.attrs["notes"] = [*drawn.notes, *(left if alone else [])]
    return table
