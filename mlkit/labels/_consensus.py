"""One class an item from several people's labels: the majority's, and Dawid and Skene's."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _stats, _tables
from mlkit.labels import _coded, _dawid_skene

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "labels.consensus"
_UNEVEN = (
    "Dawid-Skene can do worse than the majority where people gave few labels or classes are many: "
    "compare both on items whose class is known. Its confidence takes people's errors as "
    "independent, and is too high where they share a mistake."
)


@dataclass(frozen=True)
class Consensus:
    """One class an item, twice: the most votes, and Dawid-Skene; and where the two differ.

    ``share`` with ``low, high, n`` is the share of items where Dawid-Skene's class is one with
    most votes. ``annotators`` has each person's matrix of errors, ``prior`` the share of each
    class, ``against_gold`` the accuracy of both where the annotations have a column gold.
    """

    table: pd.DataFrame
    share: float
    low: float
    high: float
    n: int
    ties: int
    iterations: int
    converged: bool
    notes: tuple[str, ...]
    prior: pd.DataFrame = field(repr=False)
    against_gold: pd.DataFrame = field(repr=False)
    _people: np.ndarray = field(repr=False)
    _fit: _dawid_skene.Fit | None = field(repr=False)

    @cached_property
    def annotators(self) -> pd.DataFrame:
        """``annotator, label`` (true class), ``answer, share, n`` (labels this rests on)."""
        columns = ["annotator", "label", "answer", "share", "n"]
        if self._fit is None:
            return pd.DataFrame(columns=columns).astype({"share": float, "n": float})
        person, true, answer = np.indices(self._fit.errors.shape).reshape(3, -1)
        names = self.prior["label"].array
        cells = (self._people[person], names[true], names[answer], self._fit.errors.ravel())
        seen = self._fit.seen[person, true]
        return pd.DataFrame(dict(zip(columns, (*cells, seen), strict=True)))

    @property
    def path(self) -> list[float]:
        """What the algorithm climbs, an item, after each iteration; it never falls."""
        return self._fit.path if self._fit else []

    def __repr__(self) -> str:
        if not self.n:
            return "No item has a label: there is nothing to agree on."
        ties = f"{_tables._count(self.ties, 'tie')} among {_tables._count(self.n, 'item')}"
        if self._fit is None:
            return f"Majority: {ties}. Dawid-Skene is left empty."
        return (
            f"Dawid-Skene gives a class with most votes for {_show.percent(self.share)} of "
            f"{_tables._count(self.n, 'item')} ({_show.percent(self.low)} to "
            f"{_show.percent(self.high)}), and another for {int(self.table['differ'].sum()):,}. "
            + (
                f"{_tables._count(self.ties, 'tie')}: no majority there."
                if self.ties
                else "No ties."
            )
        )

    def _repr_html_(self) -> str:
        columns = {
            "item": "Item",
            "n": "Labels",
            "majority": "Majority",
            "majority_share": "Its share",
            "dawid_skene": "Dawid-Skene",
            "confidence": "Confidence",
        }
        shown = self.table[self.table["differ"] | self.table["tie"]]
        shown = shown.sort_values(["differ", "confidence"], ascending=False).head(10)
        rows = [
            {name: _cell(name, row[name], row["tie"]) for name in columns}
            for row in shown.to_dict("records")
        ]
        text = ["item", "majority", "dawid_skene"]
        table = _show.table_html(rows, columns=columns, text=text) if rows else ""
        return _show.result_html(repr(self), table, notes=self.notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Items by their majority's share of the votes, and where Dawid-Skene differs."""
        return _plot(self, _show.axes(ax, size=(7.0, 3.6)))


def consensus(
    annotations: pd.DataFrame,
    *,
    smoothing: float = 0.01,
    tolerance: float = 1e-5,
    max_iterations: int = 100,
    repeats: bool = False,
) -> Consensus:
    """Which class does each item get, when people differ?

    The majority counts heads; a tie has none. Dawid and Skene (1979) learn from the labels alone
    how each person errs and weigh answers by that: EM, until the log-likelihood an item rises by
    less than ``tolerance``. It can lose to the majority (a column ``gold`` tells), and stays empty
    where no item has labels of two people.

    Parameters
    ----------
    annotations : ``item, annotator, label`` (+ ``gold, repeat``). What is left out is in ``notes``.
    smoothing : labels each cell of a person's matrix holds before the first, above 0.
    repeats : count repeated answers too, as Dawid and Skene did; without, repeat 0 alone.

    Returns
    -------
    Consensus; its table: ``item, n, majority, majority_share, tie, tied, dawid_skene, confidence``,
    and ``differ`` where Dawid-Skene's class has not most votes. No majority where tied.

    Examples
    --------
    >>> rows = [("x", "ann", 1), ("x", "bo", 1), ("x", "cy", 2), ("y", "ann", 2), ("y", "bo", 1)]
    >>> df = pd.DataFrame(rows, columns=["item", "annotator", "label"])
    >>> consensus(df).table[["item", "n", "majority", "majority_share", "tie"]].round(2)
      item  n  majority  majority_share    tie
    0    x  3         1            0.67  False
    1    y  2      <NA>            0.50   True
    """
    _check(smoothing, tolerance, max_iterations)
    coded = _code(annotations, repeats)
    notes = [*coded.notes, *_unlabelled(annotations, coded)]
    names = _names(coded)
    votes = _votes(coded)
    fit = None
    shape = (len(coded.items), len(coded.annotators), len(names))
    hopeless = _hopeless(coded, shape)
    if hopeless:
        notes.append(hopeless)
    elif len(coded.items):
        fit = _dawid_skene.fit(
            coded.item, coded.annotator, coded.label, shape,
            smoothing=smoothing, tolerance=tolerance, max_iterations=max_iterations,
        )  # fmt: skip
        notes += _remarks(fit, coded, smoothing, tolerance)
    table = _table(coded, votes, fit, names)
    gold, about_gold = _against_gold(coded, votes, fit)
    n = len(table) if fit else 0
    same = n - int(table["differ"].sum())
    low, high = _stats.wilson(same, n)
    return Consensus(
        table=table,
        share=same / n if n else np.nan,
        low=float(low),
        high=float(high),
        n=len(table),
        ties=int(table["tie"].sum()),
        iterations=fit.iterations if fit else 0,
        converged=fit.converged if fit else False,
        notes=(*notes, *about_gold),
        prior=pd.DataFrame({"label": names, "share": fit.prior if fit else np.nan}),
        against_gold=gold,
        _people=coded.annotators,
        _fit=fit,
    )


def _check(smoothing: float, tolerance: float, max_iterations: int) -> None:
    if not 0 < smoothing < np.inf:
        raise ValueError(
            f"smoothing is above 0 (1e-9 is practically none); got {smoothing!r}. At 0 an answer "
            "that a person never gave before would rule a class out for good."
        )
    if not tolerance >= 0:
        raise ValueError(f"tolerance is 0 or more, for example 1e-5; got {tolerance!r}.")
    if max_iterations < 1:
        raise ValueError(f"max_iterations is 1 or more; got {max_iterations!r}.")


def _code(annotations: pd.DataFrame, repeats: bool) -> _coded.Coded:
    if not repeats:
        return _coded.code(annotations, function=_FUNCTION)
    table = _tables.annotations(annotations, function=_FUNCTION)
    # While rows are told apart, a person's second answer counts as somebody else's first.
    again = table["annotator"].astype(str) + "\x1f" + table["repeat"].fillna(0).astype(str)
    answers = table.assign(annotator=again, person=table["annotator"], repeat=0)
    coded = _coded.code(answers, function=_FUNCTION)
    person, people = _coded._sorted(*_coded._codes(coded.table["person"]))
    return replace(coded, annotator=person, annotators=people)


def _unlabelled(annotations: pd.DataFrame, coded: _coded.Coded) -> list[str]:
    if len(annotations) == len(coded.table):
        return []
    n = annotations["item"].nunique() - len(coded.items)
    return [f"{_tables._count(n, 'item')} without any label that counts left out."] if n else []


def _names(coded: _coded.Coded) -> Any:
    """The classes as an array that can hold a missing one without changing their kind."""
    kind = coded.table["label"].dtype
    if isinstance(kind, pd.CategoricalDtype):
        return pd.Categorical(coded.labels, categories=coded.labels, ordered=kind.ordered)
    return pd.array(coded.labels, dtype=kind if isinstance(kind, pd.StringDtype) else None)


@dataclass(frozen=True)
class _Votes:
    """Who came first: ``item, label`` list every class with most votes of its item, in order."""

    n: np.ndarray  # labels of each item
    most: np.ndarray  # votes of the first
    ways: np.ndarray  # how many classes share the first place
    item: np.ndarray
    label: np.ndarray

    @property
    def first(self) -> np.ndarray:
        return np.cumsum(self.ways) - self.ways


def _votes(coded: _coded.Coded) -> _Votes:
    n_items = len(coded.items)
    item, label, count = _coded.entries(coded.item, coded.label, len(coded.labels))
    starts = np.flatnonzero(np.diff(item, prepend=-1))
    most = np.maximum.reduceat(count, starts) if n_items else count
    top = count == most[item]
    item, label = item[top], label[top]
    n = np.bincount(coded.item, minlength=n_items)
    return _Votes(n, most, np.bincount(item, minlength=n_items), item, label)


def _table(
    coded: _coded.Coded, votes: _Votes, fit: _dawid_skene.Fit | None, names: Any
) -> pd.DataFrame:
    tie = votes.ways > 1
    majority = np.where(tie, -1, votes.label[votes.first])
    best = fit.best if fit else np.full(len(tie), -1)
    among = votes.item[votes.label == best[votes.item]]
    differ = np.bincount(among, minlength=len(tie)) == 0
    return pd.DataFrame(
        {
            "item": coded.items,
            "n": votes.n,
            "majority": names.take(majority, allow_fill=True),
            "majority_share": votes.most / votes.n,
            "tie": tie,
            "tied": _tied(votes, names),
            "dawid_skene": names.take(best, allow_fill=True),
            "confidence": fit.confidence if fit else np.nan,
            "differ": differ if fit else np.zeros(len(tie), bool),
        }
    )


def _tied(votes: _Votes, names: Any) -> np.ndarray:
    found = np.empty(len(votes.ways), object)
    found.fill(())
    rows = np.flatnonzero(votes.ways > 1)
    labels = names.take(votes.label[np.repeat(votes.ways > 1, votes.ways)]).tolist()
    ends = np.cumsum(votes.ways[rows])
    for row, start, end in zip(rows, ends - votes.ways[rows], ends, strict=True):
        found[row] = tuple(labels[start:end])
    return found


def _hopeless(coded: _coded.Coded, shape: tuple[int, int, int]) -> str:
    """Why the labels cannot tell how people err; empty where they can."""
    if shape[1] * shape[2] ** 2 > _dawid_skene.MOST_CELLS:
        return (
            f"Dawid-Skene is left empty: {shape[1]:,} annotators x {shape[2]:,} x {shape[2]:,} "
            "classes is far more to estimate than labels can tell. Merge classes first."
        )
    someone = np.empty(shape[0], coded.annotator.dtype)
    someone[coded.item] = coded.annotator
    if shape[0] and (someone[coded.item] == coded.annotator).all():
        return (
            "Dawid-Skene is left empty: no item has labels of two people, so that nothing tells "
            "who errs. The majority is what the only person said."
        )
    return ""


def _remarks(
    fit: _dawid_skene.Fit, coded: _coded.Coded, smoothing: float, tolerance: float
) -> list[str]:
    settings = f"smoothing {smoothing:g}, tolerance {tolerance:g}"
    steps = _tables._count(fit.iterations, "iteration")
    notes = [
        f"Dawid-Skene converged after {steps} ({settings})."
        if fit.converged
        else f"Dawid-Skene has not converged after {steps} ({settings}): raise max_iterations."
    ]
    usual = _tables._count(int(np.median(np.bincount(coded.annotator))), "label")
    k = len(coded.labels)
    notes.append(
        f"Half of the {len(coded.annotators):,} annotators gave {usual} or fewer, for a matrix of "
        f"{k} x {k} errors each. {_UNEVEN}"
    )
    given = np.unique(coded.item.astype(np.int64) * k + coded.label)
    alone = int((~np.isin(np.arange(len(fit.best)) * k + fit.best, given)).sum())
    if alone:
        notes.append(
            f"{_tables._count(alone, 'item')} where Dawid-Skene gives a class that nobody gave: it "
            "takes the people for worse than they may be. Look at these before you believe it."
        )
    if fit.even:
        notes.append(
            f"{_tables._count(fit.even, 'item')} where Dawid-Skene finds two or more classes "
            "equally likely: the first of them is given."
        )
    return notes


def _against_gold(
    coded: _coded.Coded, votes: _Votes, fit: _dawid_skene.Fit | None
) -> tuple[pd.DataFrame, list[str]]:
    """Accuracy of both on the items with one gold label; k tied classes count 1 / k."""
    columns = ["method", "accuracy", "low", "high", "n"]
    empty = pd.DataFrame(columns=columns).astype(dict.fromkeys(columns[1:], float))
    if "gold" not in coded.table.columns:
        return empty, []
    known = coded.table["gold"].notna().to_numpy()
    found = pd.DataFrame({"item": coded.item[known], "gold": coded.table["gold"][known]})
    found = found.drop_duplicates()
    twice = found["item"].duplicated(keep=False)
    notes = []
    if twice.any():
        n = found["item"][twice].nunique()
        notes.append(f"{_tables._count(n, 'item')} with more than one gold label: not compared.")
    found = found[~twice]
    gold = pd.Index(coded.labels).get_indexer(pd.Index(found["gold"].astype(object)))
    if not (gold >= 0).any():
        return empty, [*notes, "No gold label is one of the classes: nothing is compared."]
    right = np.full(len(votes.n), -1)
    right[found["item"].to_numpy()] = gold
    hit = votes.item[votes.label == right[votes.item]]
    correct = {"majority": float((1 / votes.ways[hit]).sum())}
    if fit:
        correct["Dawid-Skene"] = float((fit.best[found["item"]] == gold).sum())
    n, points = len(found), list(correct.values())
    low, high = _stats.wilson(points, n)
    rows = zip(correct, np.array(points) / n, low, high, [n] * len(correct), strict=True)
    table = pd.DataFrame(rows, columns=columns)
    told = [
        f"{row.method} {_show.percent(row.accuracy)} ({_show.percent(row.low)} to "
        f"{_show.percent(row.high)})"
        for row in table.itertuples()
    ]
    return table, [*notes, f"Right on {n:,} gold items: {', '.join(told)}; a tie counts in part."]


def _cell(name: str, value: Any, tie: bool) -> str:
    if name == "majority" and tie:
        return "tie"
    if name in ("majority_share", "confidence"):
        return _show.percent(value)
    return "" if value is pd.NA else str(value)


def _plot(found: Consensus, ax: "Axes") -> "Axes":
    share, tie = found.table["majority_share"], found.table["tie"]
    names = ["tie", "to 50 %", "to 60 %", "to 70 %", "to 80 %", "to 90 %", "to 99 %", "all"]
    place = np.where(tie, 0, np.searchsorted([0, 0.5, 0.6, 0.7, 0.8, 0.9], share - 1e-9))
    place[share == 1] = len(names) - 1
    total = np.bincount(place, minlength=len(names))
    other = np.bincount(place, weights=found.table["differ"], minlength=len(names))
    shown = np.flatnonzero(total)
    x = np.arange(len(shown))
    ax.bar(x, (total - other)[shown], color=_show.PALETTE["sky"], label="one with most votes")
    ax.bar(
        x, other[shown], bottom=(total - other)[shown],
        color=_show.PALETTE["vermilion"], hatch="//", edgecolor="white", label="another",
    )  # fmt: skip
    for at, bin_ in zip(x, shown, strict=True):
        text = _show.percent(other[bin_] / total[bin_], digits=0)
        ax.annotate(text, (at, total[bin_]), (0, 2), textcoords="offset points", ha="center")
    ax.set_xticks(x, [names[bin_] for bin_ in shown])
    ax.set_xlabel("share of an item's votes for its first class; above, how many get another")
    ax.set_ylabel("items")
    ax.margins(y=0.08)
    ax.legend(title="Dawid-Skene gives", frameon=False)
    return _show.describe(ax, "Items by the share of votes of their first class. " + repr(found))
