"""Exercises of ``12_class_agreement``."""

from functools import partial
from typing import Any

from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Number, Order

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
            (_its_lift, "This is the lift, which compares with chance. Take the column share."),
        ],
    ),
    Exercise(
        id="12.gain",
        kind=Order("01234", repeats=True),
        hint="Take the rows one at a time, and go through the list for each: what of it is "
        "different between the two sides that the row compares?",
        why="In D the guide is all that differs: the same phones, new to everybody, as much "
        "practice on both sides, and a lot that says who gets which guide. Its gain is not the "
        "largest, and it is the one that will hold on phones that nobody has talked about.",
        right=lambda: "3220",
        wrong=[
            (
                lambda: "2220",
                "In A the phones were talked about, and people have practice by then. And how "
                "were these ten phones chosen?",
            ),
            (
                lambda: "3120",
                "In B the phones were talked about before they were labelled again. And is it the "
                "first time that people grade phones?",
            ),
            (
                lambda: "3210",
                "In C nobody had seen the phones, so they are others. And who has more practice: "
                "the people before, or the same people after?",
            ),
            (
                lambda: "3221",
                "In D people have practice too. Does that differ between the two halves?",
            ),
        ],
    ),
]
