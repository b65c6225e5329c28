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
        hint="For each finding: what would you change first? In which stage is that changed?",
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
                "Number 3: the service works, and still it is of no use. Where is its use decided?",
            ),
        ],
    ),
    Exercise(
        id="00.two_cycles",
        kind=Subset(
            "ABCDEF",
            too_many="{letter} is done on fixed data, before anyone uses the model.",
        ),
        hint="Which of them need live traffic?",
        why="The modelling cycle works on fixed data: train, look at errors, change. The "
        "deployment cycle works on live traffic: watch, set alarms, roll back, and start again.",
        right=lambda: "BDF",
        wrong=[
            (
                lambda: "BCDF",
                "C is done on dev, which is fixed data: it is a step of the modelling cycle.",
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
        hint="Compute two accuracies, one for each value of the column `heard`, and subtract.",
        why="A test set with the same speakers as the training set would not have shown this gap.",
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
        hint="Divide the errors of the slice by the number of all items on dev, right or wrong.",
        why="Repairing a slice cannot win more than the errors in it, divided by all items. A "
        "slice may hold a large part of the errors and still win little, if errors are few.",
        right=lambda report: _first(report, "at_most"),
        wrong=[
            (
                lambda report: _first(report, "share_of_errors"),
                "That is its share of the errors. Accuracy is a share of all items.",
            ),
            (
                lambda report: _first(report, "errors"),
                "That is a number of errors. By how much would the accuracy rise, as a share?",
            ),
        ],
    ),
]
