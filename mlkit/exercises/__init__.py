"""Exercises that are checked on the spot: each notebook asks, ``check`` answers.

``check("06.gain", my_answer)`` says *not answered yet*, *not quite* with a hint for that very
mistake, or *correct*. What was solved is kept in ``work/progress.json`` beside the notebook, a
file one can read; nothing leaves the machine. ``describe(ax, text)`` gives a plot of a lesson its
text for people who do not see it.
"""

from mlkit._show import describe
from mlkit.exercises.engine import (
    Exercise,
    ExerciseError,
    Outcome,
    Revealed,
    check,
    exercises,
    hint,
    progress,
    reveal,
)
from mlkit.exercises.record import Progress

__all__ = [
    "Exercise",
    "ExerciseError",
    "Outcome",
    "Progress",
    "Revealed",
    "check",
    "describe",
    "exercises",
    "hint",
    "progress",
    "reveal",
]
