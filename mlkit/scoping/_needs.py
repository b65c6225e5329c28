"""From what a user needs to what data it takes: input, label, slices, how much of each."""

import numpy as np
import pandas as pd

from mlkit import _stats
from mlkit.scoping import _cells

_FUNCTION = "scoping.needs"
_TEXTS = ["need", "input", "label", "slice"]
_NUMBERS = ["share", "accuracy", "margin"]


def needs(table: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """How many items does it take to know whether each slice of the users is served?

    Parameters
    ----------
    table : one row a need and slice: ``need`` (what the user wants), ``input`` (what the model
        gets), ``label`` (what it is to say), ``slice`` (a part of the users or conditions that
        must be served), ``share`` (of the data, above 0), ``accuracy`` (expected there, 0 to 1) and
        ``margin`` (half the width of the interval one can live with, for example 0.05).
    confidence : of that interval, and of having enough.

    Returns
    -------
    The rows with ``items``: the fewest labelled items of the slice whose Wilson interval (1927) is
    that narrow; and ``to_collect``: how many to draw at random so that, with this confidence,
    as many of them fall into the slice (negative binomial). For checking alone; how much to
    train on is what a learning curve tells.

    Raises ``ValueError`` for an empty table, a slice twice in one need, a figure out of its range.

    Examples
    --------
    >>> row = {"need": "hands free", "input": "1 s of sound", "label": "digit", "slice": "a cold"}
    >>> row |= {"share": 0.1, "accuracy": 0.9, "margin": 0.05}
    >>> needs(pd.DataFrame([row]))[["items", "to_collect"]].values.tolist()
    [[141, 1601]]
    """
    found = _cells.table(table, [*_TEXTS, *_NUMBERS], function=_FUNCTION, about="who needs what")
    for column in _TEXTS:
        found[column] = _cells.text(found, column, function=_FUNCTION)
    for column in _NUMBERS:
        found[column] = _cells.numbers(found, column, function=_FUNCTION, name="slice")
    _cells.once(found["need"] + ": " + found["slice"], function=_FUNCTION, what="slice of a need")
    for row in found.to_dict("records"):
        for column, low, high in (("share", 0, 1), ("accuracy", -1, 1), ("margin", 0, 0.5)):
            if not low < row[column] <= high or row["accuracy"] < 0:
                column = "accuracy" if row["accuracy"] < 0 else column
                limits = "from 0 to 1" if column == "accuracy" else f"above 0 and at most {high:g}"
                raise ValueError(
                    f"{_FUNCTION}(): {column} of {row['slice']!r} lies {limits}, and is "
                    f"{row[column]:g}."
                )
    pairs = zip(found["accuracy"], found["margin"], strict=True)
    items = [_items(accuracy, margin, confidence) for accuracy, margin in pairs]
    collect = [_to_collect(n, p, confidence) for n, p in zip(items, found["share"], strict=True)]
    return found[[*_TEXTS, *_NUMBERS]].assign(items=items, to_collect=collect)


def _items(accuracy: float, margin: float, confidence: float) -> int:
    """The fewest items; half the width falls as they grow."""
    low, high = 0, 1
    while _half(accuracy, high, confidence) > margin:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if _half(accuracy, middle, confidence) > margin else (low, middle)
        )
    return high


def _half(accuracy: float, n: int, confidence: float) -> float:
    low, high = _stats.wilson(accuracy * n, n, confidence=confidence)
    return float(high - low) / 2


def _to_collect(items: int, share: float, confidence: float) -> int:
    from scipy.stats import nbinom

    return items if share == 1 else items + int(np.ceil(nbinom.ppf(confidence, items, share)))
