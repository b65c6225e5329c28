"""Exercises of ``00_start_here``."""

from typing import Any

import pandas as pd

from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Number, Order, Subset


def _accuracy(predictions: pd.DataFrame) -> float:
    return float((predictions["label"] == predictions["prediction"]).mean())


def _gap(predictions: pd.DataFrame) -> float:
    heard = predictions["heard"].astype(bool)
    return _accuracy(predictions[heard]) - _accuracy(predictions[~heard])


def _first(report: Any, column: str) -> float:
    return float(report.table[column].iloc[0])


EXERCISES = [
    Exercise(
        id="00.lifecycle",
        kind=Order("ABCDEFG"),
        hint="Ask of each step what it needs from another one; that other one comes first.",
        why="Each step hands something to the next: a goal, a meaning of the labels, the labels "
        "themselves, a model, a list of its weak points, a service, and what became of it.",
        right=lambda: "BEGDFAC",
        wrong=[
            (
                lambda: "EBGDFAC",
                "Before anyone knows what is to be decided with the prediction, nobody can say "
                "what a good label is.",
            ),
            (
                lambda: "BGEDFAC",
                "Labels gathered before their meaning is agreed on have to be gathered again.",
            ),
            (
                lambda: "BEGDAFC",
                "Users would find the weak points then. Who should find them first?",
            ),
        ],
    ),
    Exercise(
        id="00.loops",
        kind=Order("SDMP", repeats=True),
        hint="For each finding: what would you change on Monday morning? Where is that changed?",
        why="A finding sends you back to the stage where its cause can be changed, and that is "
        "seldom the stage where it was found.",
        right=lambda: "DPSM",
        wrong=[
            (
                lambda: "DPSD",
                "Number 4: more data does not help a model that fails on what it has seen.",
            ),
            (
                lambda: "MPSM",
                "Number 1: no setting of the model brings in a voice that it never heard.",
            ),
            (
                lambda: "DMSM",
                "Number 2: neither the model nor its input changed. What is too tight?",
            ),
            (
                lambda: "DPPM",
                "Number 3: served well, and still of no use. Where was its use to be decided?",
            ),
        ],
    ),
    Exercise(
        id="00.two_cycles",
        kind=Subset(
            "ABCDEF",
            too_many="{letter} is done with data that lie still, before anyone uses the model.",
        ),
        hint="Which of them need live traffic?",
        why="The modelling cycle turns on data that lie still: train, look at errors, change. The "
        "deployment cycle turns on live traffic: watch, set alarms, roll back, and start again.",
        right=lambda: "BDF",
        wrong=[
            (
                lambda: "BCDF",
                "C is done on dev, data that lie still: it is how the modelling cycle turns.",
            ),
            (
                lambda: "ACE",
                "These three are the modelling cycle. Asked for is the other one.",
            ),
            (
                lambda: "BD",
                "What do you do when the alarm is right and the new version is worse?",
            ),
        ],
    ),
    Exercise(
        id="00.gap",
        kind=Number(tolerance=0.0051),
        hint="Two accuracies, one taken from the other: the column heard says whose is whose.",
        why="A test set with the same speakers as the training set would never have shown it.",
        right=_gap,
        wrong=[
            (
                lambda predictions: _accuracy(predictions[~predictions["heard"].astype(bool)]),
                "That is the accuracy on the new speakers. How far below the others is it?",
            ),
            (
                lambda predictions: 1 - _accuracy(predictions),
                "That is the share of errors over everyone. Keep the two groups apart.",
            ),
        ],
    ),
    Exercise(
        id="00.at_most",
        kind=Number(tolerance=0.0011),
        hint="Errors of the slice, divided by all items: errors or not, with the tag or not.",
        why="More than its own errors no slice can give back, however large a part of the errors "
        "they are.",
        right=lambda report: _first(report, "at_most"),
        wrong=[
            (
                lambda report: _first(report, "share_of_errors"),
                "That is its part of the errors. Accuracy counts all items: divided by those?",
            ),
            (
                lambda report: _first(report, "errors"),
                "That is how many errors. By how much would the accuracy rise, as a share?",
            ),
        ],
    ),
]
