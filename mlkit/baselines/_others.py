"""Baselines that are no people: the commonest class, a rule, an older system, a paper."""

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _stats, _tables
from mlkit._tables import TableError
from mlkit.baselines import _intervals, _parts, _reference

COLUMNS = ["baseline", "slice", "accuracy", "low", "high", "n", "source", "why"]


class Answers(dict[str, Any]):
    """What a baseline says of each item, carried in ``attrs`` of its table.

    pandas copies ``attrs`` whole at every step; this is never changed, so it need not be.
    """

    def __deepcopy__(self, memo: object) -> "Answers":
        return self


def majority_class(
    predictions: pd.DataFrame,
    *,
    train: pd.DataFrame | None = None,
    members: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """How often is always the commonest label right?

    The label is the commonest of ``train`` (column ``label``), of equally common ones the first
    in order. Without ``train`` it is that of these very items, which peeks, and ``source`` says
    so. All columns as in ``rule``.

    Examples
    --------
    >>> dev = pd.DataFrame({"item": list("abcd"), "label": ["ham", "ham", "spam", "ham"]})
    >>> majority_class(dev)[["baseline", "slice", "accuracy", "n"]]
             baseline slice  accuracy  n
    0  majority class   all      0.75  4
    """
    function = "baselines.majority_class"
    table = _tables.predictions(predictions, function=function, columns=("item", "label"))
    known = table if train is None else _tables._need(train, ["label"], function)
    if not known["label"].notna().any():
        which = "the table" if train is None else "train"
        raise TableError(f"{function}() found no label in {which}: none is the commonest.")
    classes = _reference.classes_of(known["label"])
    own = _reference.code(known["label"].dropna(), classes)
    one = classes[_reference.commonest(own, np.ones(len(own)))]
    one = one.item() if isinstance(one, np.generic) else one
    where = "in train" if train is not None else "of these very items, so it peeks: give train="
    source = f"always {one!r}, the commonest label {where}"
    notes = []
    if train is not None and "item" in train.columns:
        both = int(_tables.among(table["item"], train["item"]).sum())
        if both:
            notes.append(f"{_tables._count(both, 'item')} stand in train too.")
    answer = pd.Series([one] * len(table), dtype=object)
    return _judged("majority class", source, table, answer, members, notes, function)


def rule(
    predictions: pd.DataFrame,
    rule: str | Callable[[pd.DataFrame], Any],
    *,
    name: str = "rule",
    members: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """How often is a rule right that somebody could write down in a minute?

    Parameters
    ----------
    predictions : ``item, label`` and what the rule looks at.
    rule : a function of the table, or a pandas expression, that gives one answer an item (or
        one for all). It never sees ``label``, ``gold`` or ``prediction``.
    members : memberships, as from ``slices.memberships``; one row for each slice.

    Returns
    -------
    ``baseline, slice, accuracy, low, high`` (Wilson 1927), ``n`` (items), ``source, why`` (the
    reason of a missing figure). The answers go along in ``.attrs``, so that ``gap`` can pair
    them with the model's. No answer is a wrong one; an item without a label is left out.

    Examples
    --------
    >>> dev = pd.DataFrame({"item": list("abc"), "label": [1, 1, 0], "loud": [0.9, 0.4, 0.1]})
    >>> rule(dev, lambda df: (df["loud"] > 0.5).astype(int))["accuracy"].round(3).tolist()
    [0.667]
    """
    function = "baselines.rule"
    table = _tables.predictions(predictions, function=function, columns=("item", "label"))
    seen = table.drop(columns=["label", "gold", "prediction", "score"], errors="ignore")
    answer = _answer(rule, seen, function)
    _fits(table["label"], answer, function)
    source = rule if isinstance(rule, str) else getattr(rule, "__name__", "a function")
    source = "a rule" if source == "<lambda>" else f"the rule {source}"
    return _judged(name, source, table, answer, members, [], function)


def previous(
    predictions: pd.DataFrame,
    earlier: pd.DataFrame,
    *,
    name: str = "previous",
    members: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """How often was an older system right on the same items?

    Parameters
    ----------
    predictions : ``item, label``: the labels count.
    earlier : ``item, prediction`` of the older system. Items that it never answered are left
        out and counted in ``.attrs["notes"]``; a missing prediction is an error.
    members : memberships; one row for each slice. All columns as in ``rule``.

    Examples
    --------
    >>> dev = pd.DataFrame({"item": list("abc"), "label": [1, 1, 0]})
    >>> old = pd.DataFrame({"item": list("ab"), "prediction": [1, 0]})
    >>> previous(dev, old)[["baseline", "accuracy", "n"]]
       baseline  accuracy  n
    0  previous       0.5  2
    """
    function = "baselines.previous"
    table = _tables.predictions(predictions, function=function, columns=("item", "label"))
    old = _tables.predictions(earlier, function=function, columns=("item", "prediction"))
    found = _tables.among(table["item"], old["item"])
    if not found.any():
        raise TableError(
            f"{function}() found none of the items in the earlier predictions "
            f"({_tables._some(table['item'])} against {_tables._some(old['item'])}): "
            "name them the same way in both."
        )
    notes = []
    for n, what in (
        (int((~found).sum()), "never answered by it: left out"),
        (
            int((~_tables.among(old["item"], table["item"])).sum()),
            "only in the earlier predictions",
        ),
    ):
        if n:
            notes.append(f"{name}: {_tables._count(n, 'item')} {what}.")
    table = table[found].reset_index(drop=True)
    answer = old.set_index("item")["prediction"].reindex(table["item"]).reset_index(drop=True)
    both = pd.DataFrame({"label": table["label"], "prediction": answer})
    _tables._same_kind(both, function)
    return _judged(name, "earlier predictions", table, answer, members, notes, function)


def published(
    accuracy: float | Mapping[str, float],
    n: int | Mapping[str, int] | None = None,
    *,
    source: str,
    name: str = "published",
) -> pd.DataFrame:
    """What does a paper or an open-source model report?

    Parameters
    ----------
    accuracy : a fraction, or slice -> fraction (``"all"``: over all items).
    n : how many items it rests on, the same way; without it there is no interval.
    source : where it stands; it is shown beside the figure. Columns as in ``rule``.

    Examples
    --------
    >>> published(0.94, 500, source="Doe 2020")[["accuracy", "low", "high", "n"]].round(3)
       accuracy    low   high    n
    0      0.94  0.916  0.958  500
    """
    function = "baselines.published"
    if not isinstance(source, str) or not source.strip():
        raise TableError(f"{function}() needs to know where the figure stands: source='...'.")
    figures = accuracy if isinstance(accuracy, Mapping) else {_parts.ALL: accuracy}
    rows: list[tuple[Any, ...]] = []
    for part, value in figures.items():
        size = n.get(part) if isinstance(n, Mapping) else n
        if not isinstance(value, Real) or not 0 <= value <= 1:
            raise TableError(
                f"{function}() needs accuracy as a fraction between 0 and 1 (0.93, not 93 or "
                f"'93%'); found {value!r}."
            )
        if size is not None and not (isinstance(size, Real) and size > 0):
            raise TableError(f"{function}() needs n, a number of items above 0; found {size!r}.")
        low, high = (np.nan, np.nan) if size is None else _stats.wilson(value * size, size)
        why = "" if size is not None else "no interval: how many items it rests on is not known"
        limits = float(low), float(high)
        rows.append((name, part, float(value), *limits, size or 0, source, why))
    return pd.DataFrame(rows, columns=COLUMNS)


def _answer(rule: Any, table: pd.DataFrame, function: str) -> pd.Series:
    answer: Any
    if isinstance(rule, str):
        try:
            answer = table.eval(rule)
        except Exception as error:
            raise TableError(
                f"{function}(): the rule {rule!r} cannot be computed: {error}. "
                f"Columns it may use: {', '.join(map(str, table.columns))}."
            ) from error
    else:
        answer = rule(table.copy())
    if np.ndim(answer) == 0:
        answer = [answer] * len(table)
    if np.ndim(answer) != 1 or len(answer) != len(table):
        raise TableError(
            f"{function}() needs one answer for each of the {len(table):,} items from the rule; "
            f"it gave {np.shape(answer)}."
        )
    if isinstance(answer, pd.Series) and set(answer.index) == set(table.index):
        answer = answer.reindex(table.index)
    return pd.Series(answer).reset_index(drop=True)


def _fits(label: pd.Series, answer: pd.Series, function: str) -> None:
    """A rule whose answers are never a label is a slip, not a bad rule."""
    known, said = set(label.dropna()), set(answer.dropna())
    if said and known and not known & said:
        first, second = (sorted(known, key=str) * 2)[:2]
        mend = f'lambda df: np.where(df.eval("..."), {second!r}, {first!r})'
        raise TableError(
            f"{function}() compares the rule's answers ({_tables._some(sorted(said, key=str))}) "
            f"with the labels ({_tables._some(sorted(known, key=str))}), and they have nothing in "
            f"common. Let the rule give labels, for example {mend}."
        )


def _judged(
    name: str,
    source: str,
    table: pd.DataFrame,
    answer: pd.Series,
    members: pd.DataFrame | None,
    notes: list[str],
    function: str,
) -> pd.DataFrame:
    """One row a slice: how often the answers are the labels."""
    notes = list(notes)
    known = table["label"].notna().to_numpy()
    if not known.all():
        n = int((~known).sum())
        notes.append(f"{_tables._count(n, 'item')} without a label: left out.")
    right = correct(table["label"], answer)
    items = table["item"]
    parts = [_parts.whole(len(table))]
    if members is not None:
        parts += _parts.by_members(items, members, np.ones(len(items)), notes, function=function)
    wrong = _parts.known_wrong(items, members)
    if wrong.any():
        notes.append(f"{_tables._count(int(wrong.sum()), 'item')} with a wrong label: set aside.")
    rows = []
    for part in parts:
        inside = part.rows & known & ~wrong
        value, low, high = share(right[inside], part.weight[inside])
        why = "" if inside.any() else "no item with a label"
        rows.append((name, part.name, value, low, high, int(inside.sum()), source, why))
    result = pd.DataFrame(rows, columns=COLUMNS)
    result.attrs["notes"] = notes
    result.attrs["answers"] = Answers(zip(items, answer, strict=True))
    return result


def correct(label: pd.Series, answer: pd.Series) -> np.ndarray:
    """Whether each answer is the label; no answer is a wrong one."""
    said = answer.astype(object).reset_index(drop=True)
    same = label.astype(object).reset_index(drop=True) == said.where(said.notna(), None)
    return same.fillna(False).to_numpy(bool)


def share(right: np.ndarray, weight: np.ndarray) -> tuple[float, float, float]:
    """Weighted share right with Wilson's interval; NaN of nothing."""
    if not len(right):
        return np.nan, np.nan, np.nan
    value = float(np.average(right, weights=weight))
    return value, *_intervals.wilson(value, weight)
