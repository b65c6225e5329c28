"""What to keep in mind with a report, and why a cell is empty."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit.slices._estimates import FEWEST, Stratum

_NO_ERROR = "no error was asked about this slice: tag errors with it on offer"
_NO_CORRECT = (
    "no correct item was asked about this slice: tag a random sample of the correct items too, "
    "for example Tagger(..., correct=150)"
)
_FEW_ASKED = (
    "only {asked} of the {what} were asked about this slice, and fewer than "
    f"{FEWEST} do not stand for the rest: "
    "tag more with it on offer (items already seen: tagger.queue_unchecked(...))"
)
_NO_HLP = "no human-level performance is known for this slice: give it as hlp="
_NO_ITEM = "no item is in this slice"
_FEW = 5
_ESTIMATES = (
    "n",
    "share_of_errors",
    "accuracy",
    "hlp",
    "gap",
    "share_of_data",
    "possible_gain",
    "at_most",
)
_NO_ERRORS_AT_ALL = "there is no error in the predictions"


def remarks(
    table: pd.DataFrame,
    names: list[str],
    sides: list[Stratum],
    sizes: tuple[int, int],
    wrong: np.ndarray,
    error: np.ndarray,
) -> list[str]:
    return [
        *_on_wrong_labels(wrong, error),
        *_on_parts(sides, sizes),
        *_on_few(names, sides[1]),
        *_on_hlp(table),
    ]


def _on_wrong_labels(wrong: np.ndarray, error: np.ndarray) -> Iterator[str]:
    if not (wrong == 1).any():
        return
    n = int((wrong == 1).sum())
    unchecked = int((wrong < 0).sum())
    rest = f"; {_tables._count(unchecked, 'item')} not checked for it count as they are"
    yield f"{_tables._count(n, 'item')} with a wrong label: set aside{rest if unchecked else ''}."
    if not (wrong[~error] >= 0).any() and (~error).any():
        yield (
            "Only errors were checked for wrong labels, so accuracy with those set aside is too "
            "high: some of the correct items have a wrong label too."
        )


def _on_parts(sides: list[Stratum], sizes: tuple[int, int]) -> Iterator[str]:
    for side, size, what in zip(sides, sizes, ("errors", "correct items"), strict=True):
        partly = (side.asked >= FEWEST) & ~side.full  # fewer do not stand for the rest
        if partly.any():
            low, high = side.asked[partly].min(), side.asked[partly].max()
            asked = f"{low:,}" if low == high else f"{low:,} to {high:,}"
            yield (
                f"{asked} of {size:,} {what} were asked about a slice: "
                "they stand for the others, as a random draw does. Picked otherwise "
                "(Tagger(only=...)), they do not."
            )


def _on_few(names: list[str], correct: Stratum) -> Iterator[str]:
    """A handful of sampled correct items says little of accuracy; none at all makes it 0."""
    found = np.nan_to_num(correct.share) * correct.asked
    few = (correct.asked > 0) & ~correct.full & (found < _FEW)
    if few.any():
        yield (
            f"Fewer than {_FEW} of the correct items that were asked lie in "
            f"{_tables._some([name for name, is_few in zip(names, few, strict=True) if is_few])}: "
            "read the interval of its accuracy, not the figure, or tag more correct items."
        )


def _on_hlp(table: pd.DataFrame) -> Iterator[str]:
    if (table["hlp"].notna() & table["hlp_low"].isna()).any():
        yield (
            "HLP without n is taken as exact, so intervals of gap and possible gain are too narrow."
        )
    known = table["possible_gain"].notna()
    if known.any() and not known.all():
        n = int((~known).sum())
        yield (
            f"{_tables._count(n, 'slice')} whose possible gain is not known "
            f"stand{'s' if n == 1 else ''} below the others, ranked by at most; "
            "measured, one of them may come first."
        )


def reasons(table: pd.DataFrame, sizes: tuple[int, int]) -> pd.DataFrame:
    """Why a cell is empty, and what would fill it."""
    rows = [
        (row["slice"], column, _reason(row, column, sizes))
        for row in table.to_dict("records")
        for column in _ESTIMATES
        if pd.isna(row[column])
    ]
    return pd.DataFrame(rows, columns=["slice", "column", "reason"])


def _reason(row: dict[Any, Any], column: str, sizes: tuple[int, int]) -> str:
    if column == "share_of_errors" and not sizes[0]:
        return _NO_ERRORS_AT_ALL
    why = []
    if column in ("hlp", "gap", "possible_gain") and pd.isna(row["hlp"]):
        why.append(_NO_HLP)
    if column != "hlp":
        why += _not_asked(row, column, sizes)
    return "; ".join(why) or _NO_ITEM


def _not_asked(row: dict[Any, Any], column: str, sizes: tuple[int, int]) -> Iterator[str]:
    errors, correct = int(row["errors_asked"]), int(row["correct_asked"])
    if pd.isna(row["share_of_errors"]) and sizes[0]:
        yield _FEW_ASKED.format(asked=errors, what="errors") if errors else _NO_ERROR
    elif sizes[1] and not correct:
        yield _NO_CORRECT
    elif pd.isna(row["share_of_data"]) and column not in ("share_of_errors", "at_most"):
        yield _FEW_ASKED.format(asked=correct, what="correct items")
