"""Exercises of ``05_train_model``."""

from typing import Any

from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Number, Order, Subset

KEYPAD = 1 / 250  # parcels that go to the wrong bay today, in the example project of notebook 01
UNNOTICED = 1 / 10  # misheard numbers that nobody notices when they are said back
CALLS_A_MINUTE = 20
STEPS = {
    "A": ("people", "train"),
    "B": ("train", "known voices"),
    "C": ("known voices", "new voices"),
}


def _steps(ladder: Any) -> dict[str, float]:
    """How many errors each step of the ladder adds."""
    return {letter: float(ladder[to] - ladder[of]) for letter, (of, to) in STEPS.items()}


def _largest(ladder: Any) -> tuple[str, float]:
    steps = _steps(ladder)
    letter = max(steps, key=steps.__getitem__)
    return letter, steps[letter]


def _other_step(ladder: Any, place: int) -> tuple[str, float]:
    """One of the two other letters, in their order."""
    letter = _largest(ladder)[0]
    return [one for one in STEPS if one != letter][place], _left(ladder)


def _left(ladder: Any) -> float:
    """What stays wrong on new voices once the longest step is closed."""
    return float(ladder["new voices"]) - _largest(ladder)[1]


def _closed(ladder: Any) -> tuple[str, float]:
    return _largest(ladder)[0], _left(ladder)


def _above(searched: Any) -> float:
    return float(searched["best of the search"] - searched["on fresh recordings"])


def _differs(two: Any) -> str:
    """What is not the same in the two runs."""
    names = {"code": "A", "parameters": "B", "data": "C"}
    return next((names[name] for name in names if two[name].nunique() > 1), "D")


def _between(two: Any, metric: str = "accuracy_new") -> float:
    first, second = two[metric]
    return abs(float(first - second))


def _apart(value: float, right: float) -> float:
    """A figure of a mistake; where it happens to be the right one, another."""
    return value if abs(value - right) > 0.02 else right + 0.3


EXERCISES = [
    Exercise(
        id="05.ten",
        kind=Subset("ABCDE", too_many="{letter} does not keep it from learning ten by heart."),
        hint="Ask of each: could ten examples, wrong as they may be, still be learnt by heart?",
        why="The check asks one thing: does learning work from end to end? What is learnt may "
        "still be nonsense. Shuffled labels and a leak need other checks: look at the data, and "
        "at who stands on both sides.",
        right=lambda: "BCE",
        wrong=[
            (
                lambda: "ABCE",
                "Ten shuffled labels are ten labels: they can be learnt by heart like any others.",
            ),
            (
                lambda: "BCDE",
                "With test recordings in it, it still learns its ten. What suffers is the test.",
            ),
            (lambda: "BE", "Ten times the same sound, with ten labels: can anybody learn that?"),
            (lambda: "BC", "Uphill it gets worse with each step. Would you see that on ten?"),
            (lambda: "CE", "What it learnt is scaled. What is it asked about?"),
        ],
    ),
    Exercise(
        id="05.business",
        kind=Number(tolerance=0.0005),
        hint="Of the misheard numbers, which part arrives as a parcel in the wrong bay?",
        why="The business metric sets the target, and the way of working around the model is in "
        "it: if more people noticed what was misheard, less accuracy would do.",
        right=lambda: 1 - KEYPAD / UNNOTICED,
        wrong=[
            (
                lambda: 1 - KEYPAD,
                "That leaves out that nine of ten misheard numbers are noticed in time.",
            ),
            (
                lambda: KEYPAD / UNNOTICED,
                "That is the share that it may mishear. How much must it hear right?",
            ),
            (
                lambda: 1 - KEYPAD * UNNOTICED,
                "Of what is misheard a tenth gets through. So more of it may be misheard, not "
                "less.",
            ),
        ],
    ),
    Exercise(
        id="05.hurdles",
        kind=Order("TDB", repeats=True),
        hint="Go from the left: at which hurdle does the figure first fall behind the one before?",
        why="Each hurdle asks for other work: a larger model or better features on the first, "
        "more or other data on the second, another metric or another plan on the third.",
        right=lambda: "DTBD",
        wrong=[
            (
                lambda: "DDBD",
                "The second errs as much on what it has seen: more data of the same will not help.",
            ),
            (
                lambda: "DTDD",
                "The third does well on what was kept aside. What does not follow from that?",
            ),
            (
                lambda: "TTBD",
                "The first has nearly learnt its examples by heart. Where does it fall behind?",
            ),
            (
                lambda: "DTBB",
                "The fourth is far worse on the test than on training. What users do comes later.",
            ),
        ],
    ),
    Exercise(
        id="05.step",
        kind=Decision("ABC", Number(tolerance=0.0051), figure_is="what stays wrong on new voices"),
        hint="Print ladder: each figure less the one before it. Then take the longest step out, "
        "and add up what is left.",
        why="Work goes where the step is, and the rest of the ladder says how much that work can "
        "bring at most: nobody gets below it, however well this one step is closed.",
        right=_closed,
        wrong=[
            (
                lambda ladder: _other_step(ladder, 0),
                "Another step adds more errors: take each figure less the one before it.",
            ),
            (
                lambda ladder: (
                    _largest(ladder)[0],
                    _apart(_largest(ladder)[1], _left(ladder)),
                ),
                "That is the step itself. What is still wrong when it is gone?",
            ),
            (
                lambda ladder: (
                    _largest(ladder)[0],
                    _apart(float(ladder["new voices"]), _left(ladder)),
                ),
                "That is what is wrong today, with the step still there.",
            ),
        ],
    ),
    Exercise(
        id="05.winner",
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="how far the search's own lies"),
        hint="Which of the two figures comes from recordings that chose nobody? The search's own, "
        "less that one.",
        why="The search's own figure is the best of many, luck included. On a given day it may "
        "even lie below the fresh one; on average over many searches it lies above.",
        right=lambda searched: ("B", _above(searched)),
        wrong=[
            (
                lambda searched: ("A", _above(searched)),
                "Those recordings chose the winner, so they flatter it.",
            ),
            (
                lambda searched: ("C", _above(searched)),
                "Half of a flattering figure still flatters.",
            ),
            (
                lambda searched: (
                    "B",
                    _apart(float(searched["on fresh recordings"]), _above(searched)),
                ),
                "That is the figure to tell. How far above it lies the search's own?",
            ),
        ],
    ),
    Exercise(
        id="05.calls",
        kind=Number(tolerance=0.0051),
        hint="How likely is it that all of them are quick?",
        why="What is rare for one call is common for one person: so one looks at p95 or p99 and "
        "not at the mean, and asks how many calls a person makes.",
        right=lambda: 1 - 0.95**CALLS_A_MINUTE,
        wrong=[
            (lambda: 0.05, "That is for one call. How is it for twenty of them?"),
            (lambda: 0.95**CALLS_A_MINUTE, "That is how often none of them is slow."),
            (
                lambda: 0.05 * CALLS_A_MINUTE,
                "Chances of the same minute cannot simply be added: two slow ones count once.",
            ),
        ],
    ),
    Exercise(
        id="05.wait",
        kind=Subset(
            "ABCDEF", too_many="In {letter} the answer depends on the limit: it cannot wait."
        ),
        hint="Would the answer to the question change if the limit were twice as wide?",
        why="While the question is whether it works at all, limits only slow you down. When a "
        "model is chosen for use, or where a limit rules out a whole kind of model, they belong "
        "in the choice.",
        right=lambda: "ACD",
        wrong=[
            (lambda: "AC", "A whole night for a few minutes of work: what would a limit change?"),
            (
                lambda: "ABCD",
                "A headset of a fixed size rules out whole kinds of models from the first day.",
            ),
            (lambda: "ACDE", "If both are as good, what else is there to choose by?"),
            (
                lambda: "ACDF",
                "Too late is as bad as wrong there, and no accuracy makes up for it.",
            ),
        ],
    ),
    Exercise(
        id="05.differ",
        kind=Decision("ABCD", Number(tolerance=0.0011), figure_is="the difference in accuracy_new"),
        hint="Look at the two rows column by column: which of code, parameters and data differs?",
        why="Without the hash of the data both runs would look the same, and somebody would have "
        "put it down to luck. What has changed in the data, lineage.changed tells of two "
        "snapshots.",
        right=lambda two: (_differs(two), _between(two)),
        wrong=[
            (lambda two: ("A", _between(two)), "The version of the code is the same in both."),
            (lambda two: ("B", _between(two)), "Every parameter is the same in both."),
            (
                lambda two: ("D", _between(two)),
                "The seed is a parameter and is the same; run again, each gives its own figure.",
            ),
            (
                lambda two: (
                    _differs(two),
                    _apart(_between(two, "accuracy_known"), _between(two)),
                ),
                "That is not the difference on new voices: look at accuracy_new.",
            ),
        ],
    ),
    Exercise(
        id="05.enough",
        kind=Order("TSM", repeats=True),
        hint="How many runs, how many people, and must a figure lead back to a file?",
        why="Any of the three is far better than none. Begin with the line of text: it costs "
        "nothing, and its columns are those of the others.",
        right=lambda: "TMSM",
        wrong=[
            (
                lambda: "MMSM",
                "Four runs of one afternoon need no server: a line each can be read as it is.",
            ),
            (
                lambda: "TSSM",
                "Several people at once, by slice, and which one is in use: can a sheet keep that?",
            ),
            (
                lambda: "TMSS",
                "A cell can name a model, but it does not hold it, nor who put it in use when.",
            ),
            (lambda: "TMTM", "Sorting thirty runs by ten columns: by eye?"),
        ],
    ),
]
