"""Exercises of ``02_define_data``."""

from typing import Any

import pandas as pd

from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Function, Number, Order, Subset


def alpha(agree: float, chance: float) -> float:
    """What was reached of the way from chance to perfect agreement."""
    return (agree - chance) / (1 - chance)


def _above_chance(agree: float, chance: float) -> float:
    return agree - chance


def _times_chance(agree: float, chance: float) -> float:
    return agree / chance


def _of_agreement(agree: float, chance: float) -> float:
    return (agree - chance) / agree if agree else -1.0


def _without(agreed: Any) -> pd.Series:
    """Alpha without each annotator in turn."""
    table = agreed.table
    return table.loc[table["part"] == "without", "alpha"]


def _merge(merges: Any) -> tuple[str, float]:
    """Whether the best merge stands on the half where it was not chosen."""
    return ("A" if merges.low > 0 else "B"), merges.gain


EXERCISES = [
    Exercise(
        id="02.settle",
        kind=Subset(
            "ABCDEF",
            too_many="{letter} can be changed at any time without a single new label.",
            too_few="All of these belong. Ask of the others: would two careful people, left "
            "alone with it, write down the same?",
        ),
        hint="Which of them would make two careful people write down different things?",
        why="What the guide leaves open, each annotator decides alone: differently, and without "
        "a note. How the model is built can wait.",
        right=lambda: "ACEF",
        wrong=[
            (
                lambda: "ABCEF",
                "B is about the model. It can be changed next month without a new label.",
            ),
            (
                lambda: "ACE",
                "Some clips are understood by nobody. If the guide says nothing about them, one "
                "person guesses, one leaves the label empty, one throws the clip away.",
            ),
            (
                lambda: "CEF",
                "Where an item ends belongs in the guide too: otherwise two people do not even "
                "label the same thing.",
            ),
        ],
    ),
    Exercise(
        id="02.alpha",
        kind=Function(
            tries=[
                ((1.0, 0.6), "Always the same answer: that has to give 1."),
                ((0.6, 0.6), "No better than chance: that has to give 0."),
                ((0.8, 0.6), "Half of the way from chance to always: that has to give 0.5."),
                ((0.2, 0.6), "Less than chance: that has to be below 0."),
            ]
        ),
        hint="How far above chance did they come, and how far above chance could they come?",
        why="Krippendorff's alpha, Cohen's kappa and Fleiss' kappa are all this formula. They "
        "differ in how they compute chance.",
        right=lambda: alpha,
        wrong=[
            (
                lambda: _above_chance,
                "That is how far above chance they came. Divide it by how far they could come.",
            ),
            (lambda: _times_chance, "Chance itself has to give 0, and perfect agreement 1."),
            (
                lambda: _of_agreement,
                "Divide by the whole way: it starts at chance and ends at 1.",
            ),
        ],
    ),
    Exercise(
        id="02.who",
        kind=Number(tolerance=0.0011),
        hint='Rows of the table whose part is "without": alpha of everyone but this one.',
        why="Somebody always differs most, and may be the one who is right. So talk to this "
        "person; it is no reason to send anyone away.",
        right=lambda agreed: float(_without(agreed).max()),
        wrong=[
            (lambda agreed: agreed.alpha, "That is alpha with all of them."),
            (
                lambda agreed: float(_without(agreed).max()) - agreed.alpha,
                "That is by how much alpha rises. To which value does it rise?",
            ),
            (
                lambda agreed: float(_without(agreed).min()),
                "That is alpha without the inspector who agrees most with the others.",
            ),
        ],
    ),
    Exercise(
        id="02.guide",
        kind=Decision("ABCD", Number(tolerance=0.0011), figure_is="the alpha it won"),
        hint="Which sentence would make six people with the same phone in hand say the same?",
        why="A rule that can be checked, with a number and an instrument, moves everyone to the "
        "same line. It is measured like any other change: same items, before and after.",
        right=lambda change: ("C", change.gain),
        wrong=[
            (
                lambda change: ("A", change.gain),
                "Everyone is careful already. Each has a line of their own in mind.",
            ),
            (
                lambda change: ("B", change.gain),
                "Then the labels are equal, but six people say no more than one would.",
            ),
            (
                lambda change: ("D", change.gain),
                "When does a scratch disturb? Each of the six would name another length.",
            ),
            (
                lambda change: ("C", float(change.table["alpha"].iloc[-1])),
                "That is alpha under the new guide. How much of it was won?",
            ),
        ],
    ),
    Exercise(
        id="02.merge",
        kind=Decision("AB", Number(tolerance=0.0011), figure_is="the gain on the other half"),
        hint="Look at the gain on the half where the merge was not chosen. Does its interval hold "
        "0?",
        why="On the items on which it was chosen, the best of many merges looks better than it is. "
        "And alpha does not know what the classes are for: if you need to tell the two apart, do "
        "not merge them, however large the gain.",
        right=_merge,
        wrong=[
            (
                lambda merges: ("B" if _merge(merges)[0] == "A" else "A", merges.gain),
                "Look at the interval of the gain: is all of it above 0?",
            ),
            (
                lambda merges: (_merge(merges)[0], float(merges.table["gain_choosing"].iloc[0])),
                "That is the gain on the half where the merge was chosen.",
            ),
            (
                lambda merges: (_merge(merges)[0], float(merges.table["alpha_after"].iloc[0])),
                "That is alpha after the merge. How much of it did the merge win?",
            ),
        ],
    ),
    Exercise(
        id="02.structured",
        kind=Subset(
            "ABCDEF",
            too_many="{letter} is something a person sees, hears or reads, not a row of fields.",
        ),
        hint="Which of them are rows of named fields, with one value in each field?",
        why="Structured data have fields. People cannot tell by looking what a row should say, "
        "so more labels and altered copies are hard to come by. What people see, hear or read "
        "they can label, and an altered copy of it is a new example.",
        right=lambda: "BDE",
        wrong=[
            (
                lambda: "BCDE",
                "C comes with fields (who, when), but the message itself is text that one reads.",
            ),
            (
                lambda: "BD",
                "A sensor's readings come in fields too, however many of them there are.",
            ),
            (
                lambda: "ACF",
                "These three are the unstructured ones: something one hears, reads or sees.",
            ),
        ],
    ),
    Exercise(
        id="02.noise",
        kind=Number(tolerance=5, share=False),  # one step of the slider
        hint="The error of a mean falls with the square root of how many went into it.",
        why="Three times the error needs nine times the examples. So with few examples it is worth "
        "looking at every label twice.",
        right=lambda: 90,
        wrong=[
            (
                lambda: 30,
                "Three times as many make the error smaller by the square root of three only.",
            ),
            (
                lambda: 10,
                "The mean of ten hasty readings is off three times as far.",
            ),
            (
                lambda: 80,
                "That is how many more than ten. How many in all?",
            ),
        ],
    ),
    Exercise(
        id="02.remedies",
        kind=Order("ABCD", repeats=True),
        hint="First: can a person label it by looking? Then: can somebody look at all of it?",
        why="Whether people can label it decides how to get more, and how many there are decides "
        "whether one works on each label or on the way labels are made.",
        right=lambda: "CADB",
        wrong=[
            (
                lambda: "ACDB",
                "Numbers 1 and 2: one of the two is so large that nobody can look at it all.",
            ),
            (
                lambda: "CABD",
                "Numbers 3 and 4: for which of them can you ask the few people who wrote the "
                "rows, and for which does a program write the rows?",
            ),
            (
                lambda: "CACB",
                "Number 3: nobody sees from a row for how much a house will be sold, and nobody "
                "ever sold an altered copy of a house.",
            ),
        ],
    ),
    Exercise(
        id="02.suspects",
        kind=Decision("ABC", Number(tolerance=0.0051), figure_is="which share of them was altered"),
        hint="The column altered says which labels were spoilt. What share of the rows is that?",
        why="The list saves looking at everything. But some labels on it are right, and those are "
        "hard examples, which a model needs most: deleting them makes the data easier, not "
        "better.",
        right=lambda suspects: ("C", float(suspects["altered"].mean())),
        wrong=[
            (
                lambda suspects: ("A", float(suspects["altered"].mean())),
                "Then hard examples whose label is right would be deleted together with the wrong "
                "labels.",
            ),
            (
                lambda suspects: ("B", float(suspects["altered"].mean())),
                "Then the model would write its own labels, and learn from them what it already "
                "believed.",
            ),
            (
                lambda suspects: ("C", float(suspects["altered"].sum())),
                "That is how many are altered. Which share of the rows is it?",
            ),
        ],
    ),
    Exercise(
        id="02.pay",
        kind=Number(tolerance=0.0004, share=False),
        hint="How many labels are made in one hour of work, if a fifth of it goes elsewhere?",
        why="A price for each label hides the wage for an hour. So measure how long the work "
        "takes, all of it, and set the price by that.",
        right=lambda: 15 / (3600 * 0.8 / 18),
        wrong=[
            (
                lambda: 15 / (3600 / 18),
                "That pays only for the time spent on labels. The guide has to be read, too.",
            ),
            (
                lambda: 15 / (3600 / 18) * 1.2,
                "A fifth of the whole hour goes elsewhere: what is left for labels?",
            ),
            (
                lambda: 3600 * 0.8 / 18,
                "That is how many labels are made in an hour. What must be paid for each of them?",
            ),
        ],
    ),
]
