"""Exercises of ``06_error_analysis``."""

from typing import Any

from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Function, Number, Order

# The course's example: accuracy, HLP and share of the data of four kinds of speech.
SPEECH = {
    "clean speech": (0.94, 0.95, 0.60),
    "car noise": (0.89, 0.93, 0.04),
    "people noise": (0.87, 0.89, 0.30),
    "low bandwidth": (0.70, 0.70, 0.06),
}


def _errors(name: str) -> float:
    """Errors of one kind over all items."""
    accuracy, _, share = SPEECH[name]
    return (1 - accuracy) * share


def _part_of_errors(name: str) -> float:
    return _errors(name) / sum(map(_errors, SPEECH))


def accuracy_on_tag(
    errors: float, correct: float, share_of_errors: float, share_of_correct: float
) -> float:
    """Items with the tag that are right, over all items with the tag."""
    right = correct * share_of_correct
    return right / (right + errors * share_of_errors)


def _unweighted(_e: float, _c: float, share_of_errors: float, share_of_correct: float) -> float:
    return share_of_correct / (share_of_correct + share_of_errors)


def _errors_only(_e: float, _c: float, share_of_errors: float, _share: float) -> float:
    return 1 - share_of_errors


def _of_everything(errors: float, correct: float, _share: float, share_of_correct: float) -> float:
    return correct * share_of_correct / (errors + correct)


def _what_it_brought(fresh: Any) -> tuple[str, float]:
    """Better, nothing to be told from luck, or worse, by the interval of the difference."""
    if fresh.low > 0:
        return "A", fresh.difference
    return ("C" if fresh.high < 0 else "B"), fresh.difference


def _other_than(fresh: Any) -> str:
    return "A" if _what_it_brought(fresh)[0] != "A" else "B"


EXERCISES = [
    Exercise(
        id="06.loop",
        kind=Order("ABCDEF"),
        hint="Each step needs what the one before it found.",
        why="And then from the top: the change moves the errors, so last month's ranking is not "
        "this month's.",
        right=lambda: "BAFDEC",
        wrong=[
            (
                lambda: "BEAFDC",
                "A change made before anyone has looked at the errors is a guess.",
            ),
            (
                lambda: "BADFEC",
                "A choice needs the counts: without them the loudest error wins, not the largest.",
            ),
            (
                lambda: "CBAFDE",
                "To compare two models there must be two. When is the second one there?",
            ),
        ],
    ),
    Exercise(
        id="06.gain",
        kind=Number(tolerance=0.00011),
        hint="What would be won on this slice alone, and how large a part of the data is it?",
        why="The gap says how much of the slice can be won, the share how much of the data feels "
        "it: a possible gain is their product.",
        right=lambda: 0.006,
        wrong=[
            (
                lambda: 0.02,
                "That is the gap, won on people noise alone. How much of all the data is that?",
            ),
            (
                lambda: 0.039,
                "That is every error of the slice over all items. People make most of them too: "
                "up to human level is less far.",
            ),
        ],
    ),
    Exercise(
        id="06.last",
        kind=Decision("ABCD", Number(tolerance=0.0021), figure_is="its share of all errors"),
        hint="Where is nothing to be won? Then: its errors, over the errors of all four kinds.",
        why="Almost a fifth of the errors, and people fare no better on them: the words are not "
        "in the sound. Counting errors alone would have put it in third place.",
        right=lambda: ("D", _part_of_errors("low bandwidth")),
        wrong=[
            (
                lambda: ("C", _part_of_errors("people noise")),
                "People noise has the most errors, and a gap to people in a large part of the "
                "data: worth a good many days.",
            ),
            (
                lambda: ("B", _part_of_errors("car noise")),
                "Car noise is rare, but its gap is the widest: something can be won there.",
            ),
            (
                lambda: ("D", 0.30),
                "0.3 of its own items are errors. What part of all errors is that?",
            ),
            (
                lambda: ("D", _errors("low bandwidth")),
                "Those are its errors over all items. Divide by all errors instead.",
            ),
            (lambda: ("D", 0.06), "That is its share of the data, not of the errors."),
        ],
    ),
    Exercise(
        id="06.accuracy_on_tag",
        kind=Function(
            tries=[
                (
                    (100, 400, 0.3, 0.3),
                    "A tag as common among the correct items as among the errors says nothing: "
                    "accuracy on it must be accuracy on everything, here 0.8.",
                ),
                (
                    (100, 400, 0.3, 0.0),
                    "No correct item has the tag, so nothing with the tag is right.",
                ),
                (
                    (100, 400, 0.3, 0.1),
                    "How many errors have the tag, how many correct items have it, and what part "
                    "of these are right?",
                ),
                ((10, 990, 0.5, 0.01), "How many items have the tag, and how many are right?"),
            ]
        ),
        hint="Turn both shares into numbers of items first.",
        why="The two shares come from two piles of different size, so each is weighed with its "
        "pile. Without the second one there is no answer: that is why the cell stays empty.",
        right=lambda: accuracy_on_tag,
        wrong=[
            (
                lambda: _unweighted,
                "The shares come from piles of different size: 30 % of 100 errors and 30 % of 400 "
                "correct items are not as many.",
            ),
            (
                lambda: _errors_only,
                "That leaves out the correct items, and they decide it.",
            ),
            (
                lambda: _of_everything,
                "Divide by the items that have the tag, not by all items.",
            ),
        ],
    ),
    Exercise(
        id="06.rank",
        kind=Order("ABCD"),
        hint="Room to improve times how often it occurs, for each of the four.",
        why="Neither the widest gap nor the most errors comes first. Ease and importance come on "
        "top: they are yours to judge, so say them openly and see whether first place survives.",
        right=lambda: "BDAC",
        wrong=[
            (
                lambda: "ADBC",
                "That is the order of the gaps: room to improve, but not how often it occurs.",
            ),
            (
                lambda: "BCDA",
                "That is the order of how often it occurs: where is no room to improve?",
            ),
            (
                lambda: "CBDA",
                "That is the order of the errors. Of some of them people make as many.",
            ),
            (
                lambda: "CADB",
                "That is the order of the accuracies, worst first. Compared with whom?",
            ),
        ],
    ),
    Exercise(
        id="06.confirm",
        kind=Decision(
            "ABC",
            Number(tolerance=0.1, share=False),
            figure_is="how many were carried over and did not stand",
        ),
        hint="Compare how many candidates there are with how many are in the table.",
        why="Whoever picks the worst picks bad luck along with bad slices. The other half has no "
        "reason to be unlucky in the same places, so what stands there stands.",
        right=lambda found: ("B", len(found.candidates) - len(found.table)),
        wrong=[
            (
                lambda found: ("A", len(found.candidates) - len(found.table)),
                "Fewer items make every figure less sure, but push none of them to the worse side.",
            ),
            (
                lambda found: ("C", len(found.candidates) - len(found.table)),
                "The halves are drawn by lot, so every speaker is in both.",
            ),
            (
                lambda found: ("B", found.searched),
                "That is how many were looked at. Far fewer were carried over to the other half.",
            ),
        ],
    ),
    Exercise(
        id="06.repaired",
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="the difference in accuracy"),
        hint="Does the interval of the difference hold 0? The result says it in its first line.",
        why="The share of repaired errors counts only one side. On fresh items, right and wrong "
        "counted alike, this is what is left of it.",
        right=_what_it_brought,
        wrong=[
            (
                lambda fresh: (_other_than(fresh), fresh.difference),
                "Look at the interval of the difference on fresh items: on which side of 0 is it?",
            ),
            (
                lambda fresh: (_what_it_brought(fresh)[0], fresh.p),
                "That is p: how often luck alone makes so large a difference. How large is it?",
            ),
        ],
    ),
]
