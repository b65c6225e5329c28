"""Exercises of ``04_organize_data``."""

from math import comb
from typing import Any

from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Number, Order, Subset

# Learning: examples and share wrong, twice; then the share wrong that is wanted.
FIRST, SECOND, WANTED = (100, 0.20), (400, 0.10), 0.05
# Gathering: days until the first comes, a day, money each, share usable; then days and money.
SETUP, A_DAY, EACH, USABLE = 3, 300, 0.25, 0.8
DAYS, MONEY = 10, 400
SCRATCHED, PHONES, TESTED = 5, 100, 20


def _none_tested() -> float:
    return comb(PHONES - SCRATCHED, TESTED) / comb(PHONES, TESTED)


def _lost(caught: Any) -> float:
    """How much less spam is caught through the second cleaning."""
    return float(caught.loc["training", "spam caught"] - caught.loc["serving", "spam caught"])


def _still_caught(caught: Any) -> float:
    value = float(caught.loc["serving", "spam caught"])
    # Should it happen to be the loss itself, it would be right.
    return value if abs(value - _lost(caught)) > 0.002 else value + 1


def _of_ham(caught: Any) -> float:
    column = caught["good ones stopped"]
    value = float(column["training"] - column["serving"])
    return value if abs(abs(value) - _lost(caught)) > 0.002 else value + 1


EXERCISES = [
    Exercise(
        id="04.law",
        kind=Number(tolerance=1, share=False),
        hint="How many times as many examples halved the error the first time?",
        why="Four times as many examples halved the error, so the next half takes four times as "
        "many again. By this law each step costs more than all steps before it. It also takes for "
        "granted that the error has no floor.",
        right=lambda: 1600,
        wrong=[
            (
                lambda: 600,
                "That is a straight line: 300 more examples for ten points, so 150 or 300 more "
                "for five. Errors do not fall along a line.",
            ),
            (
                lambda: 550,
                "That is a straight line through both points; the curve gets flatter.",
            ),
            (
                lambda: 700,
                "The same 300 examples again? The first halving took four times as many, not "
                "300 more.",
            ),
            (
                lambda: 800,
                "Twice as many would be enough if doubling halved the error. How many times as "
                "many did it take from 20 to 10 in a hundred?",
            ),
        ],
    ),
    Exercise(
        id="04.look",
        kind=Decision("AB", Number(tolerance=0.1, share=False), figure_is="the day"),
        hint="Gathering tells you nothing about errors. At the end of which day has somebody "
        "trained and looked at errors?",
        why="With plan B you see after four days, for example, that the model fails on one voice, "
        "and gather such voices next. With plan A you see this on the last day, when nothing can "
        "be changed.",
        right=lambda: ("B", 4),
        wrong=[
            (
                lambda: ("A", 14),
                "With that plan the first errors are seen when no day is left to do anything "
                "about them.",
            ),
            (
                lambda: ("B", 2),
                "On day 2 the examples are gathered. Training and looking take two more days.",
            ),
            (
                lambda: ("B", 14),
                "That is the end of two weeks. When are the first errors seen?",
            ),
        ],
    ),
    Exercise(
        id="04.plan",
        kind=Number(tolerance=1, share=False),
        hint="Which runs out first, the days or the money? Then: how many recordings can be used?",
        why="The money runs out before the days do, and a fifth of what is paid for cannot be "
        "used. So work out both limits before you plan.",
        right=lambda: MONEY / EACH * USABLE,
        wrong=[
            (
                lambda: (DAYS - SETUP) * A_DAY * USABLE,
                "The days allow so many. Can you pay for them?",
            ),
            (
                lambda: DAYS * A_DAY * USABLE,
                "The first three days bring nothing. And can you pay for so many?",
            ),
            (
                lambda: MONEY / EACH,
                "That is how many can be paid for. How many of them can be used?",
            ),
            (
                lambda: (DAYS - SETUP) * A_DAY,
                "That is what arrives in the days left: look at the money, and at what is usable.",
            ),
        ],
    ),
    Exercise(
        id="04.chance",
        kind=Number(tolerance=0.0011),
        hint="Count, as in the table above: from which phones must all twenty be drawn, so that "
        "none is scratched? Divide the number of these ways by the number of all ways.",
        why="All twenty come from the 95 others: comb(95, 20) of the comb(100, 20) ways. In "
        "about a third of the draws the test says nothing at all about scratches, and nobody "
        "would notice. With classes this rare give each split its share: splits.split(by=...).",
        right=_none_tested,
        wrong=[
            (
                lambda: 0.8**SCRATCHED,
                "That lets each scratched phone go to test by itself. But the test has exactly "
                "twenty places: count the ways, with comb.",
            ),
            (
                lambda: (1 - SCRATCHED / PHONES) ** TESTED,
                "That would be twenty draws from an endless pile with 5 in 100 scratched.",
            ),
            (
                lambda: 1 - _none_tested(),
                "That is the share of draws in which there is at least one.",
            ),
        ],
    ),
    Exercise(
        id="04.order",
        kind=Order("ABCDEF"),
        hint="Copies must not be on both sides, so when must they be removed? And which steps "
        "learn something from the messages?",
        why="Remove copies first, or one is in train and its twin in dev. Then split, and only "
        "then learn anything from the messages. Choosing the vocabulary is learning, too.",
        right=lambda: "EBACDF",
        wrong=[
            (
                lambda: "EBCADF",
                "There the vocabulary knows the words of dev before dev is set aside: anything "
                "that learns comes after the split.",
            ),
            (
                lambda: "EABCDF",
                "There two copies of one message may stand on both sides, and are thrown away "
                "too late.",
            ),
            (
                lambda: "EBADCF",
                "The model is trained on counts of words. Which words are counted?",
            ),
        ],
    ),
    Exercise(
        id="04.skew",
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="how much less spam is caught"),
        hint="Compare the two rows of `caught`: which column gets worse from training to serving?",
        why="One plus sign is missing. There is no error and no warning, and the tests of each "
        "side pass. Only a comparison of both outputs on the same messages shows it. Keep this "
        "comparison, or better, use one function on both sides.",
        right=lambda caught: ("A", _lost(caught)),
        wrong=[
            (
                lambda caught: ("B", _lost(caught)),
                "Are more of the good ones stopped in the second row? Look at the other column.",
            ),
            (
                lambda caught: ("C", 0 * _lost(caught)),
                "The outputs differ: look at the examples. What does the model now see in place of "
                "a number?",
            ),
            (
                lambda caught: ("A", _still_caught(caught)),
                "That is the share still caught. How much less is it than in training?",
            ),
            (
                lambda caught: ("A", _of_ham(caught)),
                "That is the change among the good messages.",
            ),
        ],
    ),
    Exercise(
        id="04.poc",
        kind=Subset(
            "ABCDEFG",
            too_many="{letter} is good enough to show that the idea works, and may even stay as it "
            "is. What would harm a user, or keep you from doing it again?",
            too_few="So far all of these belong. What else would you be unable to repeat, undo or "
            "notice?",
        ),
        hint="For each: if it stays so, could you give the same answer again next year, and would "
        "you notice when it breaks?",
        why="A proof of concept may be slow, plain and small: it only has to show whether the idea "
        "works. What serves users must be repeatable, its input must be checked, and its data must "
        "be traced to their source.",
        right=lambda: "ACEG",
        wrong=[
            (
                lambda: "ABCDEFG",
                "Not everything must change: a simple model that is good enough is no fault, and "
                "rebuilding everything takes too long.",
            ),
            (
                lambda: "AC",
                "Two are missing: what happens when the input is wrong, or a source of labels?",
            ),
            (
                lambda: "BDF",
                "Those three are matters of size and speed. Which ones make it impossible to "
                "repeat, to trust or to notice?",
            ),
        ],
    ),
    Exercise(
        id="04.downstream",
        kind=Subset(
            "ABCDEF",
            too_many="{letter} never read the blacklist, nor anything made from it: follow the "
            "arrows from the blacklist to the right only.",
            too_few="So far all of these belong. What was made from those, in turn?",
        ),
        hint="Start at the blacklist and follow the arrows to the right. What do they lead to?",
        why="Three files have to be made again. One is the report, whose figures somebody may "
        "already have used. The cleaned texts and the words stay as they are: the log also tells "
        "what need not be done again.",
        right=lambda: "CDE",
        wrong=[
            (
                lambda: "ABCDE",
                "Everything in the pipeline? The cleaned texts and the words were made from the "
                "messages alone.",
            ),
            (lambda: "C", "The labels are right. What was made from the labels?"),
            (
                lambda: "CD",
                "The model was made from wrong labels. What was made from the model?",
            ),
            (
                lambda: "CDEF",
                "Gold was labelled by hand, without the blacklist: so it can be used to measure "
                "the damage.",
            ),
        ],
    ),
]
