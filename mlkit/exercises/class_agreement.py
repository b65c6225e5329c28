"""Exercises of ``12_class_agreement``."""

from functools import partial
from typing import Any

from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Number

_BORDERS = {"A": ("good", "like new"), "B": ("good", "worn"), "C": ("like new", "worn")}


def _shares(confused: Any, column: str = "share") -> dict[str, float]:
    """Letter of a border -> its figure; 0 where nobody took the two for one another."""
    rows = zip(confused["label_1"], confused["label_2"], confused[column], strict=True)
    known = {tuple(sorted((one, other))): float(value) for one, other, value in rows}
    return {letter: known.get(pair, 0.0) for letter, pair in _BORDERS.items()}


def _worst(confused: Any) -> tuple[str, float]:
    """The border that most pairs of labels cross, and their share."""
    shares = _shares(confused)
    letter = max(shares, key=lambda one: shares[one])
    return letter, shares[letter]


def _another(confused: Any, at: int) -> tuple[str, float]:
    letter, share = _worst(confused)
    return "ABC".replace(letter, "")[at], share


def _its_lift(confused: Any) -> tuple[str, float]:
    letter, share = _worst(confused)
    lift = _shares(confused, "lift")[letter]
    return letter, lift if abs(lift - share) > 0.002 else lift + 1


def _gain(changes: Any, way: str) -> float:
    return float(changes.loc[way, "gain"])


def _other_gain(changes: Any) -> tuple[str, float]:
    gain, right = _gain(changes, "B"), _gain(changes, "D")
    return "D", gain if abs(gain - right) > 0.002 else gain + 1


EXERCISES = [
    Exercise(
        id="12.border",
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="share of the pairs that differ"),
        hint="Look at the row of `confused` with most pairs: which two classes meet there, and "
        "what is its share?",
        why="Most pairs that differ lie there: a sentence on this border can bring more than one "
        "on the others. Two classes that nobody takes for one another need none.",
        right=_worst,
        wrong=[
            (partial(_another, at=0), "Another border has more pairs that differ: look at share."),
            (
                partial(_another, at=1),
                "More pairs differ on another border: compare the three shares.",
            ),
            (_its_lift, "this is the lift, which compares with chance. Take the column share."),
        ],
    ),
    Exercise(
        id="12.gain",
        kind=Decision("ABCD", Number(tolerance=0.0011), figure_is="the gain in that row"),
        hint="What else changed in each row besides the guide: how the items were chosen, whether "
        "people had seen them, whether they are as hard, who labelled?",
        why="Here the guide is all that differs: the same items, new to all, and a lot that says "
        "who gets which guide. It is not the largest figure, and with an interval it is the one "
        "that can be handed on.",
        right=lambda changes: ("D", _gain(changes, "D")),
        wrong=[
            (
                lambda changes: ("A", _gain(changes, "A")),
                "These were chosen because people differed on them, and they were talked about: "
                "they would come nearer by that alone.",
            ),
            (
                lambda changes: ("B", _gain(changes, "B")),
                "Everybody had seen these items and talked about them before the guide was "
                "written: memory counts as guide here.",
            ),
            (
                lambda changes: ("C", _gain(changes, "C")),
                "Nobody had seen these, which is good. But are they as hard as the first ones, and "
                "has nobody had practice? Both count as guide here.",
            ),
            (_other_gain, "this is the gain of another row."),
        ],
    ),
]
