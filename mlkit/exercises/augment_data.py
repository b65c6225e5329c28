"""Exercises of ``08_augment_data``."""

import math
from typing import Any

from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Function, Number, Subset

# Realistic, people right, model right.
CANDIDATES = {
    "A": (0.95, 0.98, 0.96),
    "B": (0.80, 0.35, 0.15),
    "C": (0.90, 0.95, 0.60),
    "D": (0.10, 0.90, 0.40),
}


def _behind(letter: str) -> float:
    _, people, model = CANDIDATES[letter]
    return people - model


def noise_factor(clip_power: float, noise_power: float, snr_db: float) -> float:
    """What noise is multiplied by, so that beside the clip it has this SNR."""
    return math.sqrt(clip_power / (noise_power * 10 ** (snr_db / 10)))


def _no_root(clip_power: float, noise_power: float, snr_db: float) -> float:
    return clip_power / (noise_power * 10 ** (snr_db / 10))


def _no_clip(_clip_power: float, noise_power: float, snr_db: float) -> float:
    return math.sqrt(1 / (noise_power * 10 ** (snr_db / 10)))


def _louder(clip_power: float, noise_power: float, snr_db: float) -> float:
    return math.sqrt(clip_power / noise_power * 10 ** (snr_db / 10))


def _told(told: Any) -> tuple[str, float]:
    """Better, nothing to be told from luck, or worse, by the interval of the difference."""
    if told.low > 0:
        return "A", told.difference
    return ("C" if told.high < 0 else "B"), told.difference


def _mended(told: Any) -> float:
    """The share mended alone; where nothing was broken, it is the difference, and no mistake."""
    table = told.table
    share = float(table["mended"].sum() / table["n"].sum())
    return share if abs(share - told.difference) > 0.01 else told.difference + 0.3


def _other(letter: str) -> str:
    return "B" if letter == "A" else "A"


def _more(worth: Any) -> tuple[str, float]:
    lead = float(worth["10 recorded"] - worth["100 copies"])
    return ("A" if lead >= 0 else "B"), abs(lead)


def _over_nothing(worth: Any) -> tuple[str, float]:
    letter, lead = _more(worth)
    name = {"A": "10 recorded", "B": "100 copies"}[letter]
    return letter, _apart(float(worth[name] - worth["nothing"]), lead)


def _flip(flips: Any) -> tuple[str, float]:
    fall = flips.loc["as they are"] - flips.loc["turned"]
    return ("A" if fall["small"] >= fall["large"] else "B"), float(fall.max())


def _mirrored(flips: Any) -> tuple[str, float]:
    letter, fall = _flip(flips)
    size = {"A": "small", "B": "large"}[letter]
    other = float(flips.loc["as they are", size] - flips.loc["mirrored", size])
    return letter, _apart(other, fall)


def _apart(value: float, right: float) -> float:
    """A figure of a mistake; where it happens to be the right one, another."""
    return value if abs(value - right) > 0.02 else right + 0.3


def _column(orders: Any) -> float:
    return float(orders["one more column"] - orders["as it is"])


def _worst(curve: Any) -> float:
    return float(curve["examples"][curve["error"].idxmax()])


EXERCISES = [
    Exercise(
        id="08.noise",
        kind=Function(
            tries=[
                (
                    (1, 1, 0),
                    "At 0 dB noise and clip have the same power, and these two have it already.",
                ),
                ((4, 1, 0), "Four times the power is twice the samples."),
                ((1, 1, 20), "20 dB are a hundred times the power, and ten times the samples."),
                ((0.02, 0.5, 7), "Set the power of the noise, times the square, against the SNR."),
            ]
        ),
        hint="Which power shall the noise have? Power goes with the square of the samples.",
        why="The power of the clip, divided by 10 to the power of a tenth of the SNR, is what the "
        "noise may have; the root of what it lacks is the factor.",
        right=lambda: noise_factor,
        wrong=[
            (lambda: _no_root, "That is a factor for the power. The samples go with its root."),
            (
                lambda: _no_clip,
                "A loud clip bears more noise at the same SNR: where is the power of the clip?",
            ),
            (lambda: _louder, "More SNR means less noise: this one grows louder with it."),
        ],
    ),
    Exercise(
        id="08.choose",
        kind=Decision("ABCD", Number(tolerance=0.0051), figure_is="how far the model is behind"),
        hint="Three yes: realistic, people can still tell, and the model cannot.",
        why="It happens in the world, people hear through it and the model does not: there is "
        "something to learn that can be learnt.",
        right=lambda: ("C", _behind("C")),
        wrong=[
            (
                lambda: ("A", _behind("A")),
                "The model does as well as people there: it would learn nothing.",
            ),
            (
                lambda: ("B", _behind("B")),
                "People cannot tell either: such copies have labels that nobody would give.",
            ),
            (
                lambda: ("D", _behind("D")),
                "The widest gap of all, on something that never comes in.",
            ),
            (
                lambda: ("C", 1 - CANDIDATES["C"][2]),
                "Those are the errors of the model. People err there too: how far is it behind?",
            ),
        ],
    ),
    Exercise(
        id="08.keeps",
        kind=Subset("ABCDEF", too_many="After {letter} a person would no longer give this label."),
        hint="Look at the result alone. Would you still give it this label?",
        why="Whether a label holds depends on the task, never on the function: a mirrored skirt "
        "is a skirt, and a mirrored 2 is no digit at all.",
        right=lambda: "ACF",
        wrong=[
            (lambda: "ABCF", "What does a 6 turned by half a circle look like?"),
            (lambda: "ACDF", "A skirt may be worn the other way round. May a 2 be written so?"),
            (lambda: "ACEF", "At E the noise has a hundred times the power: would you hear it?"),
            (lambda: "AF", "Pictures too: which of these pictures is still what it was?"),
        ],
    ),
    Exercise(
        id="08.told",
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="the difference in accuracy"),
        hint="The first line of the result: does the interval of the difference hold 0?",
        why="Every fresh item counts, those that got worse too, so this is what a user of the new "
        "model would notice on average. The rows say who is not average.",
        right=_told,
        wrong=[
            (
                lambda told: (_other(_told(told)[0]), told.difference),
                "On which side of 0 is the interval of the difference, or is 0 in it?",
            ),
            (
                lambda told: (_told(told)[0], _mended(told)),
                "That is the share that was mended. What about those that were broken?",
            ),
        ],
    ),
    Exercise(
        id="08.flip",
        kind=Decision("AB", Number(tolerance=0.0051), figure_is="by how much it falls"),
        hint="Row by row: the first, less the one with the turned copies.",
        why="Where a 6 and a 9 lie on the same spot, straight borders must give up one of them, "
        "and a good deal else. The large model finds room for both, so it is spared: labels "
        "that cannot be told are still a poor thing to teach.",
        right=_flip,
        wrong=[
            (
                lambda flips: (_other(_flip(flips)[0]), _flip(flips)[1]),
                "Its accuracy hardly moves. Compare the columns from the first row to the last.",
            ),
            (_mirrored, "That is what mirrored copies cost. And turned ones?"),
        ],
    ),
    Exercise(
        id="08.peak",
        kind=Decision(
            "ABC", Number(tolerance=10.5, share=False), figure_is="the number of examples"
        ),
        hint="Where is the peak on the left, and how many weights are there for each class?",
        why="With fewer examples there are many solutions, and least squares takes the smallest; "
        "with more of them it averages. In between the only one that fits all must bend to every "
        "accident, and a price on large weights is enough to stop it.",
        right=lambda curve: ("B", _worst(curve)),
        wrong=[
            (
                lambda curve: ("A", _worst(curve)),
                "They are drawn by lot, eight times over, and with more of them it gets better.",
            ),
            (
                lambda curve: ("C", _worst(curve)),
                "Then it would not come down again with still more examples.",
            ),
            (
                lambda curve: ("B", float(curve["examples"][curve["error"].idxmin()])),
                "That is where it is best. Where is it worst?",
            ),
            (
                lambda curve: ("B", float(curve["error"].max())),
                "That is the error at the peak. At how many examples does it stand?",
            ),
        ],
    ),
    Exercise(
        id="08.worth",
        kind=Decision("AB", Number(tolerance=0.0051), figure_is="how much more it brings"),
        hint="Print worth: one figure less the other.",
        why="Now put a price on both: an hour of that person, and an hour of yours. Copies teach "
        "what you thought of; recordings also bring what nobody thought of.",
        right=_more,
        wrong=[
            (
                lambda worth: (_other(_more(worth)[0]), _more(worth)[1]),
                "Read both off the picture: the line at ten recordings, and the dashed one.",
            ),
            (
                _over_nothing,
                "That is what it brings over nothing. How much more than the other one is it?",
            ),
        ],
    ),
    Exercise(
        id="08.rows",
        kind=Decision("AB", Number(tolerance=0.0051), figure_is="what it brings"),
        hint="Each figure, less that of the table as it is.",
        why="Jittered rows repeat what is known. The column says what nobody could have guessed "
        "from the other two.",
        right=lambda orders: ("B", _column(orders)),
        wrong=[
            (
                lambda orders: ("A", float(orders["ten times the rows"] - orders["as it is"])),
                "The jittered rows know no more than the rows did.",
            ),
            (
                lambda orders: ("B", float(orders["one more column"])),
                "That is how often it is right. How many points more than before?",
            ),
        ],
    ),
]
