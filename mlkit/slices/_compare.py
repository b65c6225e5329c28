"""What a fix brought: the same items before and after, slice by slice."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _stats, _tables
from mlkit._tables import LABEL_IS_WRONG, TableError
from mlkit.slices import _estimates, _export, _inputs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "slices.compare"
_ALL_WRONG = (
    "Every item here was wrong before. Of items picked because they were errors some come right "
    "by chance alone (regression to the mean), so this difference says nothing about the fix: "
    "compare on items that were picked in no such way, right and wrong."
)
_ONLY_ERRORS = (
    "only items that were wrong before were asked about this slice, and some of those come right "
    "by chance alone: tag a random sample of the correct items too"
)


@dataclass(frozen=True)
class Comparison:
    """Accuracy before and after on the same items, over all and in each slice.

    ``difference`` is after - before over all items, with ``low, high, n`` and McNemar's ``p``.
    ``reasons`` says why a cell of the table is empty.
    """

    table: pd.DataFrame
    difference: float
    low: float
    high: float
    n: int
    p: float
    notes: tuple[str, ...]
    reasons: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        better = self.table[(self.table["q"] <= 0.05) & (self.table["difference"] > 0)]
        worse = self.table[(self.table["q"] <= 0.05) & (self.table["difference"] < 0)]
        text = (
            f"Accuracy changed by {_signed(self.difference)} points "
            f"({_signed(self.low)} to {_signed(self.high)}) on the same {self.n:,} items, "
            f"p = {self.p:.2g}."
        )
        for what, rows in (("Better", better), ("Worse", worse)):
            if len(rows):
                text += f" {what} beyond chance: {', '.join(rows['slice'])}."
        if better.empty and worse.empty and len(self.table):
            text += " No slice changed beyond chance."
        warned = _ALL_WRONG in self.notes
        return f"Careful: {_ALL_WRONG} {text}" if warned else text

    def _repr_html_(self) -> str:
        columns = {
            "slice": "Slice",
            "n": "Items",
            "before": "Before",
            "after": "After",
            "difference": "Difference (points)",
            "mended": "Mended",
            "broken": "Broken",
            "p": "p",
            "q": "q",
        }
        reasons = self.reasons.set_index("slice")["reason"].to_dict()
        rows: list[dict[str, str]] = []
        why: dict[tuple[int, str], str] = {}
        for number, row in enumerate(self.table.to_dict("records")):
            rows.append(_cells(row))
            why |= {
                (number, c): reasons[row["slice"]]
                for c in ("before", "after", "difference", "p", "q")
                if pd.isna(row[c])
            }
        table = _show.table_html(rows, columns=columns, text=["slice"], why=why)
        notes = [f"{name}: {reason}." for name, reason in reasons.items()]
        return _show.result_html(repr(self), table, notes=[*self.notes, *self._alone(), *notes])

    def _alone(self) -> list[str]:
        """Why a slice whose own interval leaves 0 out may still be no finding."""
        tried = int(self.table["p"].notna().sum())
        doubtful = self.table[(self.table["p"] <= 0.05) & (self.table["q"] > 0.05)]
        if doubtful.empty:
            return []
        return [
            f"Looked at alone, {', '.join(doubtful['slice'])} changed (p), but {tried} slices were "
            "looked at, and by luck alone some of so many would. q allows for that; the intervals "
            "and p do not. Worth another look on fresh items."
        ]

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Difference in each slice and over all, with intervals, in percentage points."""
        overall = {"slice": "all items", "difference": self.difference}
        overall |= {"difference_low": self.low, "difference_high": self.high}
        rows = pd.concat([pd.DataFrame([overall]), self.table], ignore_index=True)
        rows = rows[rows["difference"].notna()].iloc[::-1]
        ax = _show.axes(ax, size=(7.5, 1.2 + 0.4 * len(rows)))
        y = np.arange(len(rows))
        ax.axvline(0, color="black", linewidth=0.8)
        ax.hlines(
            y, 100 * rows["difference_low"], 100 * rows["difference_high"],
            color=_show.PALETTE["blue"], linewidth=2,
        )  # fmt: skip
        ax.plot(100 * rows["difference"], y, "o", color=_show.PALETTE["blue"])
        ax.set_yticks(y, [name.replace("$", r"\$") for name in rows["slice"]])
        ax.set_ylim(-0.6, len(rows) - 0.4)
        ax.set_xlabel("accuracy after minus before, in percentage points, with 95 % intervals")
        return _show.describe(ax, "Change of accuracy in each slice. " + repr(self))


def compare(
    before: pd.DataFrame,
    after: pd.DataFrame,
    memberships: pd.DataFrame,
    *,
    rng: int | np.random.Generator | None = 0,
) -> Comparison:
    """What did the fix bring, in its slice and elsewhere?

    Accuracy on the same items before and after, right and wrong ones alike. Per slice: McNemar's
    exact test, its q over all slices (Benjamini and Hochberg 1995), and Newcombe's (1998) paired
    interval. Where only a part of the items was asked about a slice, errors and correct items
    before are weighted to their known numbers, the interval is from draws, and p stays empty.

    Parameters
    ----------
    before, after : ``item, label, prediction`` for the same items. The labels of ``after`` hold
        for both; how many differ is told. A missing prediction is an error.
    memberships : from ``slices.memberships``.

    Examples
    --------
    >>> before = pd.DataFrame({"item": list("abcd"), "label": 1, "prediction": [1, 1, 0, 0]})
    >>> after = before.assign(prediction=[1, 0, 1, 1])
    >>> noisy = pd.DataFrame({"item": list("abcd"), "noise": [False, True, True, True]})
    >>> compare(before, after, noisy).table[["slice", "n", "before", "after", "mended"]].round(2)
       slice  n  before  after  mended
    0  noise  3    0.33   0.67       2
    """
    rng = np.random.default_rng(rng)
    right_before, items, notes = _both(before, after)
    right_after = ~items["error"].to_numpy()
    member, rate = _inputs.joined(items, memberships, notes, function=_FUNCTION)
    wrong = _inputs.wrong_labels(member) == 1
    if wrong.any():
        n = int(wrong.sum())
        notes.append(f"{_tables._count(n, 'item')} with a wrong label: set aside.")
    member = member.drop(columns=LABEL_IS_WRONG, errors="ignore")
    if not len(member.columns):
        raise TableError(
            f"{_FUNCTION}() was given memberships without a slice: "
            "make some with slices.memberships()."
        )
    kept = ~wrong
    right_before, right_after, rate = right_before[kept], right_after[kept], rate[kept]
    if not len(right_before):
        raise TableError(f"{_FUNCTION}() has no item left: every label is said to be wrong.")
    if not right_before.any():
        notes.insert(0, _ALL_WRONG)
    codes = _inputs.codes_of(member[kept])
    table = _paired(list(member.columns), codes, right_before, right_after)
    _weighted(table, codes, right_before, right_after, rate, rng)
    overall = _stats.paired(right_before, right_after)
    empty = table[table["difference"].isna() | table["p"].isna()]
    return Comparison(
        table=table.drop(columns="reason"),
        difference=overall.difference,
        low=overall.low,
        high=overall.high,
        n=overall.n,
        p=overall.p,
        notes=tuple(notes),
        reasons=empty[["slice", "reason"]].reset_index(drop=True),
    )


def _both(before: pd.DataFrame, after: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame, list[str]]:
    """Whether each item was right before, and the items judged after, by the labels of after."""
    old = _tables.predictions(before, function=_FUNCTION).set_index("item")
    new = _tables.predictions(after, function=_FUNCTION)
    lost = old.index[~_tables.among(old.index, new["item"])].tolist()
    added = new["item"][~_tables.among(new["item"], old.index)].tolist()
    if lost or added:
        raise TableError(
            f"{_FUNCTION}() needs the same items before and after"
            + (f"; only before: {_tables._some(lost)}" if lost else "")
            + (f"; only after: {_tables._some(added)}" if added else "")
            + ". Keep those in both, for example after[after['item'].isin(before['item'])]."
        )
    items, notes = _inputs.judged(new, function=_FUNCTION)
    old = old.loc[items["item"]].reset_index()
    changed = old["label"].astype(object) != items["label"].astype(object)
    if changed.any():
        notes.append(
            f"{_tables._count(int(changed.sum()), 'label')} changed between before and after: "
            "those of after hold for both."
        )
    judged, _ = _inputs.judged(old.assign(label=items["label"]), function=_FUNCTION)
    return ~judged["error"].to_numpy(), items, notes


def _paired(
    names: list[str], codes: np.ndarray, before: np.ndarray, after: np.ndarray
) -> pd.DataFrame:
    """Each slice on its members, as if all items had been asked."""
    from scipy.stats import false_discovery_control

    rows = []
    for name, column in zip(names, codes.T, strict=True):
        inside = column == 1
        one = _stats.paired(before[inside], after[inside])
        row: dict[str, Any] = {"slice": name, "n": one.n}
        for what, values in (("before", before), ("after", after)):
            low, high = _stats.wilson(int(values[inside].sum()), one.n)
            row |= {
                what: getattr(one, what),
                f"{what}_low": float(low),
                f"{what}_high": float(high),
            }
        row |= {"mended": one.mended, "broken": one.broken, "difference": one.difference}
        row |= {"difference_low": one.low, "difference_high": one.high, "p": one.p}
        # A test on a part that was chosen by what came out is no test.
        if one.n and not (column >= 0).all():
            row["p"] = float("nan")
        rows.append(row | {"q": float("nan"), "reason": "no item is known to be in this slice"})
    table = pd.DataFrame(rows)
    tested = table["p"].notna()
    if tested.any():
        table.loc[tested, "q"] = false_discovery_control(table.loc[tested, "p"])
    return table


def _weighted(
    table: pd.DataFrame,
    codes: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    rate: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Where only a part was asked: weigh errors and correct items before to their numbers."""
    part = np.flatnonzero(~(codes >= 0).all(axis=0) & (codes == 1).any(axis=0))
    if not len(part):
        return
    codes = codes[:, part]
    asked = [(codes[rows] >= 0).any(axis=0) for rows in (~before, before)]
    parts = [_side(codes[rows], after[rows], rate[rows], rng) for rows in (~before, before)]
    theta = rng.beta((~before).sum() + 0.5, before.sum() + 0.5, (_estimates.DRAWS, 1))
    drawn = _difference(theta, parts[0][1], parts[0][3], parts[1][1], parts[1][3])
    found = _difference((~before).mean(), parts[0][0], parts[0][2], parts[1][0], parts[1][2])
    # Without any item of a stratum there is nothing to ask about it.
    known = (asked[0] | before.all()) & (asked[1] | ~before.any())
    for name, value, draws in zip(("before", "after", "difference"), found, drawn, strict=True):
        low, high = np.quantile(draws, [0.025, 0.975], axis=0)
        limits = {f"{name}_low": np.minimum(low, value), f"{name}_high": np.maximum(high, value)}
        for column, figure in ({name: value} | limits).items():
            table.loc[part, column] = np.where(known, figure, np.nan)
    why = "only a part of the items was asked about this slice, so the exact test does not hold"
    table.loc[part, "reason"] = np.where(known, why, _ONLY_ERRORS)


def _side(
    codes: np.ndarray, after: np.ndarray, rate: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Share of a stratum in each slice and share of those right after, each with draws."""
    none = np.zeros(len(codes), np.int8)
    member = _estimates.stratum(codes, none, rate)
    # Among the members: who is right after; all others were not asked that question.
    right = np.where(codes == 1, after[:, None].astype(np.int8), np.int8(-1))
    answer = _estimates.stratum(right, none, rate)
    inside, held = np.nan_to_num(member.share), np.nan_to_num(answer.share)
    return (
        inside,
        member.draw(rng, _estimates.DRAWS),
        held,
        answer.draw(rng, _estimates.DRAWS),
    )


def _difference(
    theta: Any, in_errors: np.ndarray, mended: np.ndarray, in_correct: np.ndarray, held: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    wrong, right = theta * in_errors, (1 - theta) * in_correct
    with np.errstate(invalid="ignore"):
        before = right / (wrong + right)
        after = (wrong * mended + right * held) / (wrong + right)
    return before, after, after - before


def _cells(row: dict[Any, Any]) -> dict[str, str]:
    cells = {"slice": row["slice"]} | {c: f"{row[c]:,}" for c in ("n", "mended", "broken")}
    for column in ("before", "after"):
        limits = _export.interval(row, column)
        cells[column] = f"{_show.percent(row[column])}\n{limits}" if limits else "—"
    if pd.isna(row["difference"]):
        cells["difference"] = "—"
    else:
        low, high = _signed(row["difference_low"]), _signed(row["difference_high"])
        cells["difference"] = f"{_signed(row['difference'])}\n{low} to {high}"
    return cells | {c: "—" if pd.isna(row[c]) else f"{row[c]:.2g}" for c in ("p", "q")}


def _signed(value: float) -> str:
    return _show.points(value)
