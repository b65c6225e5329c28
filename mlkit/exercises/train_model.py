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
        kind=Subset("ABCDE", too_many="With {letter} the model still learns its ten by heart."),
        hint="Ask of each: could the model still learn these ten examples by heart, even if they "
        "are wrong?",
        why="The check asks one thing: does learning work from beginning to end? What is learnt "
        "may still be wrong. Shuffled labels and a leak need other checks: look at the data, and "
        "at what is on both sides of the split.",
        right=lambda: "BCE",
        wrong=[
            (
                lambda: "ABCE",
                "Ten shuffled labels are ten labels: they can be learnt by heart like any others.",
            ),
            (
                lambda: "BCDE",
                "The model learns ten recordings of the test as well as any others. What this "
                "spoils is the test.",
            ),
            (lambda: "BE", "Ten times the same sound, with ten labels: can anybody learn that?"),
            (
                lambda: "BC",
                "With E the model gets worse with each step. Would you see this on ten examples?",
            ),
            (
                lambda: "CE",
                "With B the model learns from scaled features. Which features is it asked about?",
            ),
        ],
    ),
    Exercise(
        id="05.business",
        kind=Number(tolerance=0.0005),
        hint="Of the misheard numbers, which part leads to a parcel in the wrong bay?",
        why="The business metric sets the target, together with the way of working around the "
        "model: if more misheard numbers were noticed, less accuracy would be enough.",
        right=lambda: 1 - KEYPAD / UNNOTICED,
        wrong=[
            (
                lambda: 1 - KEYPAD,
                "That leaves out that nine of ten misheard numbers are noticed in time.",
            ),
            (
                lambda: KEYPAD / UNNOTICED,
                "That is the share that it may mishear. Which share must it hear right?",
            ),
            (
                lambda: 1 - KEYPAD * UNNOTICED,
                "Only a tenth of the misheard numbers is not noticed. So more numbers may be "
                "misheard than parcels go wrong, not fewer.",
            ),
        ],
    ),
    Exercise(
        id="05.hurdles",
        kind=Order("TDB", repeats=True),
        hint="Read each row from the left: which figure is first much worse than the one before "
        "it?",
        why="Each hurdle needs other work: a larger model or better features for the first, more "
        "or other data for the second, another metric or another plan for the third.",
        right=lambda: "DTBD",
        wrong=[
            (
                lambda: "DDBD",
                "The second errs nearly as often on what it has learnt from as on the test.",
            ),
            (
                lambda: "DTDD",
                "The third does well on data kept aside. Read the last column.",
            ),
            (
                lambda: "TTBD",
                "The first does well on its training set. Which figure is much worse?",
            ),
            (
                lambda: "DTBB",
                "The fourth is far worse on the test than on training: it fails before it gets to "
                "users.",
            ),
        ],
    ),
    Exercise(
        id="05.step",
        kind=Decision("ABC", Number(tolerance=0.0051), figure_is="what stays wrong on new voices"),
        hint="Take `ladder.diff()`: each figure minus the one before it. Then subtract the largest "
        "step from the share that is wrong on new voices.",
        why="Work on the largest step first. What is left says how much this work can bring at "
        "most: the share of errors cannot get lower by this step alone.",
        right=_closed,
        wrong=[
            (
                lambda ladder: _other_step(ladder, 0),
                "Another step adds more errors: take each figure minus the one before it.",
            ),
            (
                lambda ladder: (
                    _largest(ladder)[0],
                    _apart(_largest(ladder)[1], _left(ladder)),
                ),
                "That is the size of the step. Which share is still wrong when the step is gone?",
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
        kind=Decision(
            "ABC", Number(tolerance=0.0011), figure_is="how far above the figure of the search is"
        ),
        hint="Which of the two figures comes from recordings that were not used to choose the "
        "winner? Take the figure of the search minus that one.",
        why="The figure of the search is the best of many, and luck is part of it. In a single "
        "search it may even be below the fresh one; on average over many searches it is above.",
        right=lambda searched: ("B", _above(searched)),
        wrong=[
            (
                lambda searched: ("A", _above(searched)),
                "The winner was chosen on those recordings, so its figure there is too good on "
                "average.",
            ),
            (
                lambda searched: ("C", _above(searched)),
                "The mean still contains a figure that is too good on average.",
            ),
            (
                lambda searched: (
                    "B",
                    _apart(float(searched["on fresh recordings"]), _above(searched)),
                ),
                "That is the figure to report. How far above it is the figure of the search?",
            ),
        ],
    ),
    Exercise(
        id="05.calls",
        kind=Number(tolerance=0.0051),
        hint="How likely is it that all of them are quick?",
        why="What is rare for one call is common for a person who makes many calls. So look at "
        "p95 or p99 and not at the mean, and ask how many calls a person makes.",
        right=lambda: 1 - 0.95**CALLS_A_MINUTE,
        wrong=[
            (lambda: 0.05, "That is for one call. What is it for at least one of twenty?"),
            (
                lambda: 0.95**CALLS_A_MINUTE,
                "That is the share of minutes in which no answer is slow.",
            ),
            (
                lambda: 0.05 * CALLS_A_MINUTE,
                "Probabilities of the same minute cannot simply be added: two slow answers are "
                "still one minute.",
            ),
        ],
    ),
    Exercise(
        id="05.wait",
        kind=Subset(
            "ABCDEF", too_many="In {letter} the decision depends on the limit: it cannot wait."
        ),
        hint="Would the decision change if the limit were twice as large?",
        why="While the question is whether it works at all, limits only slow you down. When a "
        "model is chosen for use, or where a limit rules out a whole kind of model, they belong "
        "in the choice.",
        right=lambda: "ACD",
        wrong=[
            (
                lambda: "AC",
                "One is missing: in one of the others the model has much more time than it needs.",
            ),
            (
                lambda: "ABCD",
                "B: a fixed memory rules out whole kinds of models from the first day.",
            ),
            (lambda: "ACDE", "E: if both are equally accurate, what else can decide between them?"),
            (
                lambda: "ACDF",
                "F: there an answer that is too late is as bad as a wrong one.",
            ),
        ],
    ),
    Exercise(
        id="05.differ",
        kind=Decision("ABCD", Number(tolerance=0.0011), figure_is="the difference in accuracy_new"),
        hint="Look at the two rows column by column: which of code, parameters and data differs?",
        why="Without the hash of the data both runs would look the same, and somebody would have "
        "called the difference luck. What has changed in the data can be found with "
        "lineage.changed, if snapshots were kept.",
        right=lambda two: (_differs(two), _between(two)),
        wrong=[
            (lambda two: ("A", _between(two)), "The version of the code is the same in both."),
            (lambda two: ("B", _between(two)), "Every parameter is the same in both."),
            (
                lambda two: ("D", _between(two)),
                "It is not luck: if either run is repeated, it gives the same figure again. "
                "Compare the columns.",
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
        hint="How many runs, how many people, and must you get from a figure back to a file?",
        why="Any of the three is far better than none. Begin with a line of text for each run: it "
        "costs nothing, and the same columns can later go into one of the others.",
        right=lambda: "TMSM",
        wrong=[
            (
                lambda: "MMSM",
                "Four runs of one afternoon need no server: four lines can be read as they are.",
            ),
            (
                lambda: "TSSM",
                "Number 2: can three people write into one sheet at the same time, slice by slice?",
            ),
            (
                lambda: "TMSS",
                "Number 4: a sheet can name a model, but it does not hold the model itself.",
            ),
            (lambda: "TMTM", "Number 3: can you sort thirty lines of text by ten columns?"),
        ],
    ),
]
