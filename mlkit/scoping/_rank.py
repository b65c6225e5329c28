"""Which idea first? Feasibility times value, with the spread that the team's disagreement gives."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit.scoping import _cells, _rank_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "scoping.rank"
CRITERIA = {
    "people": "Can people do it, given the same input?",
    "benchmark": "Has somebody outside done it, or something like it?",
    "features": "Does the input hold what predicts the answer?",
    "progress": "How fast has it got better so far, here or elsewhere?",
    "value": "If it worked: how much would it be worth to those who have the problem?",
}
FEASIBILITY = [name for name in CRITERIA if name != "value"]
LOWEST, HIGHEST = 1, 5
DRAWS = 5000
# How many of 100 ranges hold what a very large team would say, by the number of annotators
# (simulated: four ideas, noise of 0.8 a score, leniency of 0.5 an annotator; 600 teams each).
COVERAGE = {2: 49, 3: 73, 4: 81, 5: 87, 6: 88, 7: 89}


@dataclass(frozen=True)
class Ranking:
    """The ideas, best first, and how sure the team is of that.

    ``score`` with ``low, high`` is that of the first idea, ``first`` the share of drawn teams in
    which it comes first, ``n`` the number of annotators. What is not known is NaN, with the reason
    in the table's ``why``.
    """

    table: pd.DataFrame
    best: str
    score: float
    low: float
    high: float
    first: float
    n: int
    notes: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        return _rank_picture.sentence(self)

    def _repr_html_(self) -> str:
        return _rank_picture.html(self)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Each idea by its feasibility and its value, with the spread of both."""
        return _rank_picture.plot(self, ax)


def rank(scores: pd.DataFrame, *, rng: int | np.random.Generator | None = 0) -> Ranking:
    """Which idea is worth starting with, and does the team agree?

    Score = feasibility x value, 1 to 25: feasibility is the mean of the criteria ``people,
    benchmark, features, progress``, each the mean over the annotators. The team is then drawn
    anew from itself 5,000 times, one annotator fewer with replacement, which gives the mean its
    unbiased variance (Rao and Wu 1988): 95 of 100 drawn teams lie from ``low`` to ``high``.

    Parameters
    ----------
    scores : one row an idea and annotator: ``idea, annotator``, the four criteria and ``value``,
        each 1 to 5 or empty (does not apply, cannot tell). Of duplicate rows the last counts.

    ``.table``: ``idea, feasibility, value, score``, these with ``_low`` and ``_high``, ``first``
    (share of drawn teams in which it comes first, ties shared), ``n`` (annotators), ``why``. With
    one annotator there is no spread to be had: missing. Raises ``ValueError`` for an empty table, a
    missing column, a score off the scale.

    Examples
    --------
    >>> df = pd.DataFrame({"idea": list("aabb"), "annotator": [1, 2, 1, 2], "value": [5, 4, 2, 2]})
    >>> df[FEASIBILITY] = [[4] * 4, [3] * 4, [4] * 4, [4] * 4]
    >>> rank(df).table[["idea", "feasibility", "value", "score", "first"]].values.tolist()
    [['a', 3.5, 4.5, 15.75, 1.0], ['b', 4.0, 2.0, 8.0, 0.0]]
    """
    found, notes = _checked(scores)
    ideas, people = found["idea"].unique(), found["annotator"].unique()
    cube = np.full((len(people), len(ideas), len(CRITERIA)), np.nan)
    who = pd.Index(people).get_indexer(found["annotator"])
    cube[who, pd.Index(ideas).get_indexer(found["idea"])] = found[list(CRITERIA)]
    drawn = _teams(len(people), np.random.default_rng(rng))
    figures = _figures(cube, np.ones((1, len(people))))
    table = pd.DataFrame({"idea": ideas})
    spread = _figures(cube, drawn) if len(people) > 1 else figures * np.nan
    for place, name in enumerate(("feasibility", "value", "score")):
        ends = _ends(spread[:, :, place])
        table[name] = figures[0, :, place]
        table[f"{name}_low"], table[f"{name}_high"] = ends
    said = (~np.isnan(cube)).any(axis=2)
    table["first"] = _first(spread[:, :, 2], figures[0, :, 2])
    table["n"] = said.sum(axis=0)
    alone = table["n"] < 2
    measured = [f"{name}{end}" for name in ("feasibility", "value", "score") for end in _ENDS]
    table.loc[alone, measured] = np.nan
    table["why"] = [_why(row, len(people)) for row in table.to_dict("records")]
    table = table.sort_values("score", ascending=False, kind="stable", ignore_index=True)
    best = table.iloc[0]
    return Ranking(
        table=table,
        best=str(best["idea"]),
        score=float(best["score"]),
        low=float(best["score_low"]),
        high=float(best["score_high"]),
        first=float(best["first"]),
        n=len(people),
        notes=(*notes, *_remarks(table, cube, ideas, len(people))),
    )


_ENDS = ("_low", "_high")


def _checked(scores: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    columns = ["idea", "annotator", *CRITERIA]
    found = _cells.table(scores, columns, function=_FUNCTION, about="one idea and what it scores")
    for column in ("idea", "annotator"):
        found[column] = _cells.text(found, column, function=_FUNCTION)
    for column in CRITERIA:
        found[column] = _cells.numbers(found, column, function=_FUNCTION, name="idea", empty=True)
        off = found[~found[column].between(LOWEST, HIGHEST) & found[column].notna()]
        if len(off):
            row = off.iloc[0]
            raise ValueError(
                f"{_FUNCTION}(): {column} of {row['idea']!r} by {row['annotator']!r} is "
                f"{row[column]:g}, and the scale runs from {LOWEST} to {HIGHEST}."
            )
    kept = found.drop_duplicates(["idea", "annotator"], keep="last")
    left = len(found) - len(kept)
    return kept, [
        f"{_tables._count(left, 'row')} repeated an idea and an annotator: the last one counts."
    ] * bool(left)


def _teams(n: int, rng: np.random.Generator) -> np.ndarray:
    """How often each annotator is in each drawn team, shape (draws, n)."""
    return rng.multinomial(max(n - 1, 1), np.full(n, 1 / n), size=DRAWS).astype(float)


def _figures(cube: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Feasibility, value and score of each idea in each team, shape (teams, ideas, 3)."""
    given = ~np.isnan(cube)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.tensordot(times, np.nan_to_num(cube), 1) / np.tensordot(times, given * 1.0, 1)
        asked = given.any(axis=0)[:, :-1]  # criteria that anybody scored: the others do not apply
        parts = np.where(asked, means[:, :, :-1], 0.0).sum(axis=2) / asked.sum(axis=1)
    value = means[:, :, -1]
    return np.stack([parts, value, parts * value], axis=2)


def _ends(values: np.ndarray) -> np.ndarray:
    """Ends of 95 of 100 drawn teams; those who had nothing to say about an idea are left out."""
    ends = np.full((2, values.shape[1]), np.nan)
    some = ~np.isnan(values).all(axis=0)
    ends[:, some] = np.nanquantile(values[:, some], [0.025, 0.975], axis=0)
    return ends


def _first(values: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """In what share of the teams that judged all ideas each comes first; ties are shared."""
    known = ~np.isnan(scores)
    whole = values[~np.isnan(values[:, known]).any(axis=1)][:, known]
    first = np.full(len(scores), np.nan)
    if whole.size:
        top = whole >= whole.max(axis=1, keepdims=True) - 1e-9
        first[known] = (top / top.sum(axis=1, keepdims=True)).mean(axis=0)
    return first


def _why(row: dict, annotators: int) -> str:
    if np.isnan(row["value"]):
        return "nobody scored its value"
    if np.isnan(row["feasibility"]):
        return "nobody scored its feasibility"
    if annotators == 1:
        return "one annotator: whether others agree is not known"
    if row["n"] == 1:
        return "one annotator scored it: whether others agree is not known"
    return "" if row["first"] == row["first"] else "no drawn team has a score for every idea"


def _remarks(table: pd.DataFrame, cube: np.ndarray, ideas: np.ndarray, n: int) -> list[str]:
    notes = []
    if n in COVERAGE:
        notes.append(
            f"{n} annotators are few. The range should hold what a very large team would say in 95 "
            f"of 100 cases; with {n} it does so in about {COVERAGE[n]} (simulated)."
        )
    width = (table["score_high"] - table["score_low"]).dropna()
    if n > 1 and len(width) and (width == 0).all():
        notes.append("All gave the same scores. Did they score before they talked?")
    left = (~(~np.isnan(cube)).any(axis=0)[:, :-1]).any(axis=1)
    if left.any():
        notes.append(
            f"Of {_tables._some(ideas[left])} not all four questions were scored: the feasibility "
            "is the mean of the others."
        )
    return notes
