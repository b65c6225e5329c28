"""The prioritisation table of error analysis: what to work on next, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlkit import _files, _stats
from mlkit._tables import LABEL_IS_WRONG, TableError
from mlkit.slices import _estimates, _export, _inputs, _remarks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "slices.report"


@dataclass(frozen=True)
class Report:
    """The prioritisation table, best first, with what it rests on.

    ``accuracy`` with ``low, high, n`` is over all items whose label is not known to be wrong;
    ``accuracies`` gives it both ways. ``reasons`` says why a cell is empty, ``overlap`` how many
    errors two slices share, ``stays_first`` in what share of draws from the intervals the first
    slice stays first. ``items`` says which item is an error, ``members`` which is in which slice.
    """

    table: pd.DataFrame
    accuracy: float
    low: float
    high: float
    n: int
    stays_first: float
    notes: tuple[str, ...]
    accuracies: pd.DataFrame = field(repr=False)
    reasons: pd.DataFrame = field(repr=False)
    overlap: pd.DataFrame = field(repr=False)
    items: pd.DataFrame = field(repr=False)
    members: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        return _export.sentence(self)

    def _repr_html_(self) -> str:
        return _export.html(self)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Bars of what each slice can bring, with intervals, in percentage points of accuracy."""
        return _export.plot(self, ax)

    def to_csv(self, path: str | Path) -> Path:
        """Write the table, all figures as fractions."""
        return _write(path, self.table.to_csv(index=False))

    def to_markdown(self, path: str | Path) -> Path:
        """Write sentence, table and notes as Markdown."""
        return _write(path, _export.markdown(self))

    def to_html(self, path: str | Path) -> Path:
        """Write sentence, picture, table and notes as one page that needs nothing else."""
        return _write(path, _export.page(self))


def report(
    predictions: pd.DataFrame,
    memberships: pd.DataFrame,
    *,
    hlp: pd.DataFrame | None = None,
    ease: Mapping[str, float] | None = None,
    importance: Mapping[str, float] | None = None,
    rng: int | np.random.Generator | None = 0,
) -> Report:
    """What should be worked on next?

    Shares are fractions, each with ``_low`` and ``_high`` (95 %). ``possible_gain`` is
    (HLP - accuracy) x share of data; ``at_most`` is the slice's errors over all items, and
    ranks the slices without HLP. Items asked about a slice are taken as a random part of the
    errors, or of the correct items; ``sampling_rate`` weighs them where it differs. Without a
    label an item is left out, without a prediction it is an error. Both are counted in ``notes``.

    Parameters
    ----------
    predictions : ``item, label, prediction``.
    memberships : from ``slices.memberships``. Items with the tag *label is wrong* are set aside.
    hlp : ``slice, hlp`` and ``n``, the labels it rests on (without: taken as exact).
    ease, importance : slice -> a number above 0 that multiplies what ranks it.

    Examples
    --------
    >>> df = pd.DataFrame({"item": list("abcd"), "label": [1, 1, 0, 0], "prediction": [1, 0, 0, 0]})
    >>> m = pd.DataFrame({"item": list("abcd"), "noise": [True, True, False, False]})
    >>> r = report(df, m, hlp=pd.DataFrame({"slice": ["noise"], "hlp": [0.9], "n": [50]}))
    >>> r.table[["slice", "n", "errors", "accuracy", "possible_gain"]].round(2)
       slice  n  errors  accuracy  possible_gain
    0  noise  2       1       0.5            0.2
    """
    rng = np.random.default_rng(rng)
    items, notes = _inputs.judged(predictions, function=_FUNCTION)
    member, rate = _inputs.joined(items, memberships, notes, function=_FUNCTION)
    names = [name for name in member.columns if name != LABEL_IS_WRONG]
    if not names:
        raise TableError(
            f"{_FUNCTION}() was given memberships without a slice. "
            "Tag some errors first, or make slices with columns= or conditions=."
        )
    wrong = _inputs.wrong_labels(member)
    people, people_n = _inputs.hlp_of(hlp, names, notes, function=_FUNCTION)
    error = items["error"].to_numpy()
    codes = _inputs.codes_of(member[names])
    sides = [_estimates.stratum(codes[rows], wrong[rows], rate[rows]) for rows in (error, ~error)]
    sizes = int(error.sum()), int((~error).sum())
    draws = _estimates.draw(sides[0], sides[1], people, people_n, rng)
    table = _estimates.table(names, sides[0], sides[1], people, people_n, draws)
    weights = _inputs.weights_of(ease, importance, names, function=_FUNCTION)
    table, stays = _ranked(table, draws, weights, rng)
    accuracies = _accuracies(sides, sizes)
    kept = wrong != 1
    items, member = items[kept].reset_index(drop=True), member[kept].reset_index(drop=True)
    notes += _remarks.remarks(table, names, sides, sizes, wrong, error)
    overlap = _overlap(member[items["error"]], table)
    headline = accuracies.iloc[-1]
    return Report(
        table=table,
        accuracy=float(headline["accuracy"]),
        low=float(headline["low"]),
        high=float(headline["high"]),
        n=int(headline["n"]),
        stays_first=stays,
        notes=tuple(notes),
        accuracies=accuracies,
        reasons=_remarks.reasons(table, sizes),
        overlap=overlap,
        items=items,
        members=pd.concat([items["item"], member[names]], axis=1),
    )


def _ranked(
    table: pd.DataFrame,
    draws: _estimates.Draws,
    weights: pd.DataFrame | None,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, float]:
    """Best first: by possible gain where it is known, then by ``at_most``."""
    known = table["possible_gain"].notna().to_numpy()
    by = np.where(known, table["possible_gain"], table["at_most"])
    if weights is not None:
        by = _weighed(by, weights.prod(axis=1).to_numpy())
        table = table.assign(**weights, priority=by)
    # Rounded, as 0.01 x 0.6 and 0.02 x 0.3 are one gain; of equals the one with more errors.
    order = np.lexsort(
        (-table["at_most"].fillna(-1), -np.round(np.nan_to_num(by, nan=-1), 12), ~known)
    )
    drawn = draws.possible_gain if known.any() else draws.at_most
    # Where nothing is known of a slice, what is drawn for it says nothing either.
    rivals = known if known.any() else table["at_most"].notna().to_numpy()
    stays = _stays_first(drawn, order[0], rivals, weights, rng)
    return table.iloc[order].reset_index(drop=True), stays


def _weighed(gain: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A weight lifts a gain; it does not make a loss worse."""
    return np.where(gain > 0, gain * weight, gain)


def _stays_first(
    drawn: np.ndarray,
    first: int,
    rivals: np.ndarray,
    weights: pd.DataFrame | None,
    rng: np.random.Generator,
) -> float:
    """In what share of draws the first is first; ease and importance move by up to a half too."""
    drawn = np.where(rivals & np.isfinite(drawn), drawn, -np.inf)
    if weights is not None:
        given = weights.prod(axis=1).to_numpy()
        spread = np.log(1.5)
        for _ in weights.columns:
            given = given * np.exp(rng.uniform(-spread, spread, drawn.shape))
        drawn = _weighed(drawn, given)
    return float((drawn.argmax(axis=1) == first).mean())


def _accuracies(sides: list[_estimates.Stratum], sizes: tuple[int, int]) -> pd.DataFrame:
    rows = [("all labels as they are", sizes[1], sum(sizes))]
    right = sum(side.size for side in sides)
    if right < sum(sizes):
        rows.append(("wrong labels set aside", sides[1].size, right))
    table = pd.DataFrame(rows, columns=["labels", "correct", "n"])
    low, high = _stats.wilson(table["correct"], table["n"])
    share = table["correct"] / table["n"]
    return pd.DataFrame(
        {"labels": table["labels"], "accuracy": share, "low": low, "high": high, "n": table["n"]}
    )


def _overlap(errors: pd.DataFrame, table: pd.DataFrame, most: int = 5) -> pd.DataFrame:
    """Errors that two of the first slices share, and what fixing both gains at most."""
    at_most = dict(zip(table["slice"], table["at_most"], strict=True))
    rows = []
    for a, b in combinations(table["slice"][:most], 2):
        asked = errors[errors[a].notna() & errors[b].notna()]
        either = int((asked[a] | asked[b]).sum())
        if not either or np.isnan(at_most[a] + at_most[b]):
            continue
        both = int((asked[a] & asked[b]).sum())
        share = both / (int(asked[a].sum()) + int(asked[b].sum()))
        union = (at_most[a] + at_most[b]) * (1 - share)
        rows.append((a, b, both, either, union))
    columns = ["slice", "other", "errors_in_both", "errors_in_either", "at_most_both_fixed"]
    return pd.DataFrame(rows, columns=columns).astype(
        {"errors_in_both": int, "errors_in_either": int, "at_most_both_fixed": float}
    )


def _write(path: str | Path, text: str) -> Path:
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r}: make it, then write.")
    _files.write_atomic(path, text)
    return Path(path)
