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
        hint="By how much were the examples multiplied to halve the error once?",
        why="Four times the examples halved the error, so the next half costs four times as many "
        "again. By this law each step costs more than all before it together; and it takes for "
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
                "Twice as many would do if two of them halved the error. How many times as many "
                "did it take from 20 to 10 in a hundred?",
            ),
        ],
    ),
    Exercise(
        id="04.look",
        kind=Decision("AB", Number(tolerance=0.1, share=False), figure_is="the day"),
        hint="Gathering alone tells you nothing about errors. After how many days has somebody "
        "looked at some?",
        why="On day 4 you see that one voice fails, and the next two days are spent on such "
        "voices. The other plan has twice as many examples by then and finds out on the last day "
        "that they are more of the same.",
        right=lambda: ("B", 4),
        wrong=[
            (
                lambda: ("A", 14),
                "With that plan the first errors are seen when no day is left to do anything "
                "about them.",
            ),
            (
                lambda: ("B", 2),
                "On day 2 the examples are there, and nobody has trained on them or looked.",
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
        hint="What ends it first, the days or the money? Then: how many of those can be used?",
        why="The money ends it before the days do, and a fifth of what is paid for cannot be used. "
        "With half the money one would stop earlier, and look earlier.",
        right=lambda: MONEY / EACH * USABLE,
        wrong=[
            (
                lambda: (DAYS - SETUP) * A_DAY * USABLE,
                "The days allow so many. Can you pay for them?",
            ),
            (
                lambda: DAYS * A_DAY * USABLE,
                "The first three days bring nothing, and then there is the money.",
            ),
            (
                lambda: MONEY / EACH,
                "So many can be paid for. How many of them can be used?",
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
        "none is scratched? In how many ways, of all ways to draw twenty?",
        why="All twenty come from the 95 others: comb(95, 20) of the comb(100, 20) ways. In "
        "about a third of the draws the test says nothing at all about scratches, and nobody "
        "would notice. With classes this rare give each split its share: splits.split(by=...).",
        right=_none_tested,
        wrong=[
            (
                lambda: 0.8**SCRATCHED,
                "That puts each back before the next is drawn. The places in the test get fewer "
                "with each phone: count ways, with comb.",
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
        hint="What must not be on both sides has to be put together before the sides are made, "
        "and what learns from data may only learn from one side.",
        why="Copies first, or one stands in train and its twin in dev. Then the split, and only "
        "then anything that learns: the vocabulary counts as learning.",
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
        hint="The two rows of caught: what changes from training to serving, and in which column "
        "does somebody lose by it?",
        why="A plus sign left out, no error, no warning, and every test of each side alone passes. "
        "Only the comparison of both outputs on the same messages shows it: so keep that "
        "comparison, and better still have one function.",
        right=lambda caught: ("A", _lost(caught)),
        wrong=[
            (
                lambda caught: ("B", _lost(caught)),
                "Are more of the good ones stopped in the second row? Look at the other column.",
            ),
            (
                lambda caught: ("C", 0 * _lost(caught)),
                "The outputs differ, and a number was the surest sign of spam. What does the model "
                "see in its place?",
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
            too_many="{letter}: for showing that the idea works this is good enough, and it may "
            "even stay so. What would hurt a user, or leave you unable to do it again?",
            too_few="So far all of these belong. What else would you be unable to repeat, undo or "
            "notice?",
        ),
        hint="For each: if it stays so, could you give the same answer again next year, and would "
        "you notice when it breaks?",
        why="A proof of concept may be slow, plain and small: it has to say whether the idea "
        "works. What serves users has to be repeated, checked on the way in, and traced; what was "
        "cut short on that is what has to change.",
        right=lambda: "ACEG",
        wrong=[
            (
                lambda: "ABCDEFG",
                "Not everything: a simple model that is good enough is no fault, and whoever "
                "rebuilds all of it never ships.",
            ),
            (
                lambda: "AC",
                "Repeating it is one half. And when the input, the server or a source goes wrong?",
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
        why="Three things, and the report among them: a figure that somebody has in a slide by "
        "now. The cleaned texts and the words are as good as before, which is half of the use of "
        "knowing: what need not be done again.",
        right=lambda: "CDE",
        wrong=[
            (
                lambda: "ABCDE",
                "Everything in the pipeline? The cleaned texts and the words were made from the "
                "messages alone.",
            ),
            (lambda: "C", "The labels, yes. And what was made from the labels?"),
            (
                lambda: "CD",
                "The model is wrong, so what it was said to reach is too.",
            ),
            (
                lambda: "CDEF",
                "Gold was labelled by hand and read nothing of the blacklist: with it the damage "
                "can be measured.",
            ),
        ],
    ),
]
