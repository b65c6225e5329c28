"""How good is the model now, when no label has come in? From scores, calibrated before."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlkit import _show, _stats, _tables
from mlkit._tables import TableError
from mlkit.monitoring import _measured, _users

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "monitoring.estimate"
ASSUMPTION = (
    "The link between score and being right is as in the reference: it cannot see concept drift."
)
_FEW = 50
_HEAPED = 0.5  # of the current items in one outer tenth of the reference
_GROUP = 10  # items at least
_NEAR = 1e-6  # scores of exactly 0 and 1 have no log odds


@dataclass(frozen=True)
class Estimate:
    """The accuracy to be expected, with ``low, high``, of the ``n`` items without labels.

    ``.table`` has a row for each tenth of the reference's scores; ``assumption`` says on what
    the number stands.
    """

    table: pd.DataFrame
    accuracy: float
    low: float
    high: float
    n: int
    reference_accuracy: float
    reference_n: int
    assumption: str = ASSUMPTION
    notes: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        return (
            f"Expected accuracy {_show.percent(self.accuracy)} ({_show.percent(self.low)} to "
            f"{_show.percent(self.high)}) over {_tables._count(self.n, 'item')} without labels; "
            f"{_show.percent(self.reference_accuracy)} over the {self.reference_n:,} of the "
            f"reference. {self.assumption}"
        )

    def _repr_html_(self) -> str:
        rows = [
            {
                "score": f"{row['score_from']:.3g} to {row['score_to']:.3g}",
                "reference_n": f"{row['reference_n']:,}",
                "right": f"{_show.percent(row['right'])}\n{_show.percent(row['right_low'])} to "
                f"{_show.percent(row['right_high'])}",
                "expected": _show.percent(row["expected"]),
                "current_n": f"{row['current_n']:,}",
            }
            for row in self.table.to_dict("records")
        ]
        columns = {
            "score": "score",
            "reference_n": "reference",
            "right": "right in the reference",
            "expected": "expected now",
            "current_n": "current",
        }
        table = _show.table_html(rows, columns=columns, text=["score"])
        return _show.result_html(repr(self), table, notes=self.notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Share right by score in the reference, and where the scores lie before and now."""
        ax = _show.axes(ax)
        table = self.table
        place = np.arange(len(table))
        for name, color, step in (("reference", "sky", -0.2), ("current", "orange", 0.2)):
            counts = table[f"{name}_n"]
            share = 100 * counts / max(counts.sum(), 1)
            label = f"share of the {name}'s items"
            ax.bar(place + step, share, 0.4, color=_show.PALETTE[color], label=label)
        known = table["right"].notna().to_numpy()
        right, low, high = (
            100 * table.loc[known, name] for name in ("right", "right_low", "right_high")
        )
        reach = [right - low, high - right]
        ax.errorbar(
            place[known], right, yerr=reach, fmt="o", color="black", capsize=4, label="right before"
        )
        ends = zip(table["score_from"], table["score_to"], strict=True)
        names = [f"{a:.2g} to {b:.2g}" for a, b in ends]
        ax.set_xticks(place, names, rotation=40, ha="right", rotation_mode="anchor")
        ax.set_xlabel("score")
        ax.set_ylabel("%")
        ax.set_ylim(0, 105)
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        return _show.describe(ax, repr(self))


def estimate(
    current: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    calibration: str = "isotonic",
    replicates: int = 500,
    confidence: float = 0.95,
    rng: int | np.random.Generator | None = None,
) -> Estimate:
    """How accurate is the model on items that nobody has labelled yet?

    On the reference one learns how often a prediction of each score is right; the mean of that
    over the current scores is to be expected. It follows harder items as far as the scores show
    them, and is blind to a change of what is right.

    Parameters
    ----------
    current : ``item, prediction, score`` (+ ``user``); the score belongs to the prediction.
    reference : ``item, label, prediction, score`` (+ ``user``), not what the model learned from.
    calibration : *isotonic* (rising; after Zadrozny and Elkan 2002) or *logistic* (a line in the
        log odds; Platt 1999), steadier with few labels and wrong where the link is no such line.

    ``low, high``: percentiles of a bootstrap of both tables (of users, where there is ``user``),
    calibrated anew each time. A reference all right or all wrong has its own share, with
    Wilson's interval. Rows without a score, or label, are left out and counted in ``notes``.

    Examples
    --------
    >>> score = np.random.default_rng(0).uniform(0.5, 1, 2000)
    >>> label = np.where(np.random.default_rng(1).random(2000) < score, "a", "b")
    >>> made = pd.DataFrame({"item": [f"i{k}" for k in range(2000)], "label": label,
    ...     "prediction": "a", "score": score})
    >>> round(estimate(made[made["score"] < 0.7].drop(columns="label"), made, rng=0).accuracy, 1)
    0.6
    """
    if calibration not in _FITS:
        raise ValueError(f"calibration is one of {', '.join(_FITS)}; got {calibration!r}.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies between 0 and 1, for example 0.95; got {confidence!r}.")
    if replicates < 1:
        raise ValueError(f"replicates is how often to draw anew, from 1 on; got {replicates!r}.")
    now, notes = _usable(current, "current", ["item", "prediction", "score"])
    before, more = _usable(reference, "reference", ["item", "label", "prediction", "score"])
    notes += more
    right = _measured.right(before).astype(float)
    scores = before["score"].to_numpy(float), now["score"].to_numpy(float)
    fit = _FITS[calibration]
    expected = fit(scores[0], right, np.ones(len(right)), scores[1])
    if right.min() == right.max():
        low, high = (float(side) for side in _stats.wilson(right.sum(), len(right)))
        kind = "right" if right[0] else "wrong"
        notes.append(f"Every item of the reference was {kind}: its scores could tell nothing.")
    else:
        low, high = _interval(fit, before, now, right, replicates, confidence, rng)
    notes += _warnings(*scores)
    return Estimate(
        _by_score(*scores, right, expected, confidence),
        float(expected.mean()),
        low,
        high,
        len(now),
        float(right.mean()),
        len(before),
        notes=tuple(notes),
    )


def _usable(table: pd.DataFrame, which: str, columns: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """The rows that can be used, and what was left out."""
    table = _tables.predictions(table, function=_FUNCTION, columns=columns)
    try:
        numbers = pd.to_numeric(table["score"])
        table["score"] = numbers.to_numpy(float, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise TableError(
            f"{_FUNCTION}() needs numbers in the column score of the {which} table: {error}."
        ) from error
    needed = [name for name in columns if name in ("label", "score", "prediction")]
    whole = table[needed].notna().all(axis=1) & np.isfinite(table["score"])
    if not whole.any():
        raise TableError(
            f"{_FUNCTION}() found no row of the {which} table with all of {', '.join(needed)}."
        )
    left = int((~whole).sum())
    said = (
        f"Left out: {_tables._count(left, 'row')} of the {which} table, without a value in one of "
        f"{', '.join(needed)}."
    )
    return table[whole], [said] if left else []


def _warnings(before: np.ndarray, now: np.ndarray) -> list[str]:
    notes = []
    outside = float(((now < before.min()) | (now > before.max())).mean())
    if outside:
        notes.append(
            f"{_show.percent(outside)} of the current scores lie outside those of the reference: "
            "for them the expectation is a guess."
        )
    edges = _edges(before, 10)
    tenths = np.searchsorted(edges, now, side="right")
    for side, tenth in (("lowest", 0), ("highest", len(edges))):
        share = float((tenths == tenth).mean()) if len(edges) else 0.0
        if share > _HEAPED:
            notes.append(
                f"{_show.percent(share)} of the current scores lie in the {side} tenth of the "
                "reference's: the expectation rests on its few items there. Label some more."
            )
    if min(len(before), len(now)) < _FEW:
        notes.append(f"With fewer than {_FEW} items on a side the interval is too narrow.")
    return notes


def _interval(
    fit: "Callable[..., np.ndarray]",
    before: pd.DataFrame,
    now: pd.DataFrame,
    right: np.ndarray,
    replicates: int,
    confidence: float,
    rng: int | np.random.Generator | None,
) -> tuple[float, float]:
    rng = np.random.default_rng(rng)
    codes = _users.codes(before), _users.codes(now)
    scores = before["score"].to_numpy(float), now["score"].to_numpy(float)
    drawn = []
    for _ in range(replicates):
        times = [_users.drawn(side, rng) for side in codes]
        made = fit(scores[0], right, times[0], scores[1])
        drawn.append(float(times[1] @ made / times[1].sum()))
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def isotonic(score: np.ndarray, right: np.ndarray, times: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The share right at scores ``at``, rising; ``times`` is how often each row counts.

    Over groups of neighbours, between their middles a line: steps over single items would end
    in a first one of nearly always 0 and a last one of nearly always 1, which is what a shift
    towards the ends would then be told by.
    """
    from scipy.optimize import isotonic_regression

    inner = _edges(score, len(score) // max(_GROUP, round(len(score) ** 0.5)))
    group = np.searchsorted(inner, score, side="right")
    sums = np.stack([np.bincount(group, times * what) for what in (1.0, score, right)])
    weight, middle, share = sums[:, sums[0] > 0]
    middle, share = middle / weight, share / weight
    return np.interp(at, middle, isotonic_regression(share, weights=weight).x)


def _edges(score: np.ndarray, groups: int) -> np.ndarray:
    """Scores that cut the items into about so many groups of one size."""
    parts = np.arange(1, max(groups, 1)) / max(groups, 1)
    edges = np.unique(np.quantile(score, parts, method="higher"))
    return edges[edges > score.min()]


def logistic(score: np.ndarray, right: np.ndarray, times: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The same by a line in the log odds; targets drawn in a little, as by Platt (1999)."""
    from scipy.special import expit, logit

    def place(values: np.ndarray) -> np.ndarray:
        return logit(np.clip(values, _NEAR, 1 - _NEAR)) if inside else values

    inside = min(score.min(), at.min()) >= 0 and max(score.max(), at.max()) <= 1
    middle, spread = place(score).mean(), place(score).std() or 1.0
    x = np.column_stack([np.ones(len(score)), (place(score) - middle) / spread])
    good, bad = float(times @ right), float(times @ (1 - right))
    target = np.where(right > 0, (good + 1) / (good + 2), 1 / (bad + 2))
    line = np.array([logit((good + 1) / (good + bad + 2)), 0.0])
    ridge = np.diag([0.0, 1e-9])  # scores all alike have no slope
    for _ in range(50):
        p = expit(x @ line)
        slope = x.T @ (times * (target - p)) - ridge @ line
        bend = (x.T * (times * p * (1 - p))) @ x + ridge
        step = np.linalg.solve(bend, slope)
        line = line + step
        if np.abs(step).max() < 1e-8:
            break
    return expit(line[0] + line[1] * (place(at) - middle) / spread)


_FITS: dict[str, "Callable[..., np.ndarray]"] = {"isotonic": isotonic, "logistic": logistic}


def _by_score(
    before: np.ndarray, now: np.ndarray, right: np.ndarray, expected: np.ndarray, confidence: float
) -> pd.DataFrame:
    """A row for each tenth of the reference's scores; the outer ones take what lies beyond."""
    inner = _edges(before, 10)
    groups = [np.searchsorted(inner, side, side="right") for side in (before, now)]
    size = len(inner) + 1
    n, good, current_n, sums = (
        np.bincount(group, weights, size)
        for group, weights in (
            (groups[0], None),
            (groups[0], right),
            (groups[1], None),
            (groups[1], expected),
        )
    )
    low, high = _stats.wilson(good, n, confidence=confidence)
    everything = np.r_[before, now]
    with np.errstate(invalid="ignore"):
        table = pd.DataFrame(
            {
                "score_from": np.r_[everything.min(), inner],
                "score_to": np.r_[inner, everything.max()],
                "reference_n": n,
                "right": good / n,
                "right_low": low,
                "right_high": high,
                "expected": sums / current_n,
                "current_n": current_n,
            }
        )
    return table[(table["reference_n"] > 0) | (table["current_n"] > 0)].reset_index(drop=True)
