"""Exercises of ``11_your_own_data``; they hold on any data."""

from typing import Any

from mlkit import _stats
from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Number, Subset

# One and the same for a letter too many and too few: the letters are not to be tried one by one.
_EACH = (
    "Not yet. Take them one at a time: if one of them is in train and the other in test, does the "
    "model answer from memory?"
)


def _lowest(right: int, n: int) -> float:
    return float(_stats.wilson(right, n)[0])


def _told(brought: Any) -> tuple[str, float]:
    """Better, nothing to be told from luck, or worse, by the interval of the difference."""
    if brought.low > 0:
        return "A", brought.difference
    return ("C" if brought.high < 0 else "B"), brought.difference


def _others(letter: str) -> str:
    return "ABC".replace(letter, "")


def _end(brought: Any) -> float:
    """The end of the interval that lies farther from the difference; never the difference."""
    ends = (brought.low, brought.high)
    far = max(ends, key=lambda end: abs(end - brought.difference))
    return float(far) if abs(far - brought.difference) > 0.01 else float(brought.difference) + 0.1


EXERCISES = [
    Exercise(
        id="11.together",
        kind=Subset("ABCDEF", too_many=_EACH, too_few=_EACH),
        hint="The model is to work for people and things it has not met. What of the test would "
        "it have met already?",
        why="What shares a person, or nearly all of its content, is no fresh item. Sharing the "
        "class or the device is not that: of these, train and test should both have some.",
        right=lambda: "ABDE",
        wrong=[
            (lambda: "ABCDE", "C shares the class alone: train and test need some of each class."),
            (lambda: "ABDEF", "F shares the device. Should the test have devices of its own only?"),
            (lambda: "BD", "Those are the copies. What else does a model learn by heart?"),
            (lambda: "AE", "Those are of one person. What of the same content twice?"),
        ],
    ),
    Exercise(
        id="11.one",
        kind=Number(tolerance=0.006),
        hint="binomtest(1, 1).proportion_ci(method=\"wilson\") of SciPy, as in notebook 06; the "
        "lower end.",
        why="One item that is right leaves room for a model that is right in one case of five. "
        "So of such a class nothing is told: gather more of it, or leave it out and say so.",
        right=lambda: _lowest(1, 1),
        wrong=[
            (lambda: 1.0, "That is the share that was right. What can it be in truth?"),
            (lambda: _lowest(2, 2), "That is for two items. Only one of them is in the test."),
            (lambda: 0.5, "A coin is not what is asked. How low may it be, with 95 % confidence?"),
            (lambda: 0.025, "An exact interval goes there; the one used for every share here is "
             "Wilson's."),
        ],
    ),
    Exercise(
        id="11.brought",
        kind=Decision("ABC", Number(tolerance=0.0051), figure_is="the difference in accuracy"),
        hint="Both stand in the first line of the result: the change in points (a hundredth of a "
        "share each), and in brackets its interval. An interval on both sides of 0 may be luck.",
        why="These items chose nothing and taught nothing, so this is what one may tell others. "
        "On few items the interval is wide, and no way of counting makes it narrower.",
        right=_told,
        wrong=[
            (
                lambda brought: (_others(_told(brought)[0])[0], brought.difference),
                "On which side of 0 is the interval of the difference, or is 0 in it?",
            ),
            (
                lambda brought: (_others(_told(brought)[0])[1], brought.difference),
                "Look at both ends of the interval in brackets: above 0, below 0, or one of each?",
            ),
            (
                lambda brought: (_told(brought)[0], _end(brought)),
                "That is an end of the interval, or no figure of this table. The difference "
                "stands before the brackets.",
            ),
        ],
    ),
]  # fmt: skip
