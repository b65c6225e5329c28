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

# One and the same for a letter too many and too few: the letters are not to be tried one by one.
_EACH = (
    "Not yet. Take the six one at a time: would a person who meets the result alone, and knows "
    "nothing of the change, give this label?"
)


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
    return _apart(float(table["mended"].sum() / table["n"].sum()), told.difference)


def _weakest(told: Any) -> float:
    """The row that was lowest before: the speaker whom all this set out to help."""
    row = told.table.loc[told.table["before"].idxmin()]
    return _apart(float(row["difference"]), told.difference, _mended(told))


def _largest(told: Any) -> float:
    """The row that gained most."""
    change = float(told.table["difference"].max())
    return _apart(change, told.difference, _mended(told), _weakest(told))


def _other(letter: str) -> str:
    return "B" if letter == "A" else "A"


def _others(letter: str) -> str:
    return "ABC".replace(letter, "")


def _more(worth: Any) -> tuple[str, float]:
    lead = float(worth["10 recorded"] - worth["100 copies"])
    return ("A" if lead >= 0 else "B"), abs(lead)


def _over_nothing(worth: Any) -> tuple[str, float]:
    letter, lead = _more(worth)
    name = {"A": "10 recorded", "B": "100 copies"}[letter]
    return letter, _apart(float(worth[name] - worth["nothing"]), lead)


def _reached(worth: Any) -> tuple[str, float]:
    letter, lead = _more(worth)
    reached = float(worth[{"A": "10 recorded", "B": "100 copies"}[letter]])
    return letter, _apart(reached, lead, _over_nothing(worth)[1])


def _flip(flips: Any) -> tuple[str, float]:
    fall = (flips.loc["as they are"] - flips.loc["turned"])[["small", "large"]]
    return ("A" if fall["small"] >= fall["large"] else "B"), float(fall.max())


def _size(flips: Any) -> str:
    return {"A": "small", "B": "large"}[_flip(flips)[0]]


def _mirrored(flips: Any) -> tuple[str, float]:
    letter, fall = _flip(flips)
    lost = flips.loc["as they are"] - flips.loc["mirrored"]
    return letter, _apart(float(lost[_size(flips)]), fall)


def _alike(flips: Any) -> tuple[str, float]:
    letter, fall = _flip(flips)
    lost = flips.loc["as they are"] - flips.loc["turned"]
    return letter, _apart(float(lost[f"{_size(flips)}, 6 and 9"]), fall, _mirrored(flips)[1])


def _turned(flips: Any) -> tuple[str, float]:
    letter, fall = _flip(flips)
    taken = fall, _mirrored(flips)[1], _alike(flips)[1]
    return letter, _apart(float(flips.loc["turned", _size(flips)]), *taken)


def _apart(value: float, *taken: float) -> float:
    """A figure of a mistake; where it happens to be the right one, or another's, a third."""
    while any(abs(value - other) <= 0.0052 for other in taken):  # as near as an answer may be
        value += 0.3
    return value


def _worst(curve: Any) -> float:
    return float(curve["examples"][curve["error"].idxmax()])


EXERCISES = [
    Exercise(
        id="08.noise",
        kind=Function(
            tries=[
                (
                    (1, 1, 0),
                    "At 0 dB noise and clip have the same power, and these two have it already: "
                    "the factor is 1.",
                ),
                ((4, 1, 0), "The noise needs four times its power: twice its samples."),
                (
                    (1, 1, 20),
                    "At 20 dB noise has a hundredth of the power: a tenth in samples.",
                ),
                (
                    (0.02, 0.5, 7),
                    "Multiply noise of power 0.5 by your factor: does it lie 7 dB below 0.02 then?",
                ),
            ]
        ),
        hint="First the power that the noise shall have: that of the clip, divided by "
        "10 ** (snr_db / 10). How many times its power is that, and how many times its samples?",
        why="The noise shall have the power of the clip divided by 10 ** (snr_db / 10). Divided by "
        "the power it has now, that is the factor for its power; the samples get the root of it.",
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
        hint="It must be realistic, people must still be able to tell, and the model must be "
        "behind them: people right less model right.",
        why="It happens in the world, people hear through it and the model does not: there is "
        "something to learn that can be learnt.",
        right=lambda: ("C", _behind("C")),
        wrong=[
            (
                lambda: ("A", _behind("A")),
                "The model does nearly as well as people there: little is left to learn.",
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
            (
                lambda: ("C", CANDIDATES["C"][2]),
                "That is how often the model is right. How much more often are people?",
            ),
            (
                lambda: ("C", CANDIDATES["C"][1]),
                "That is how often people are right. How much less often is the model?",
            ),
        ],
    ),
    Exercise(
        id="08.keeps",
        kind=Subset("ABCDEF", too_many=_EACH, too_few=_EACH),
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
        kind=Decision("ABC", Number(tolerance=0.0051), figure_is="the difference in accuracy"),
        hint="Both stand in the first line of the result: the change in points (a hundredth of a "
        "share each), and in brackets its interval. An interval on both sides of 0 may be luck.",
        why="Every fresh item counts, those that got worse too, so this is what a user of the new "
        "model would notice on average. The rows say who is not average.",
        right=_told,
        wrong=[
            (
                lambda told: (_others(_told(told)[0])[0], told.difference),
                "On which side of 0 is the interval of the difference, or is 0 in it?",
            ),
            (
                lambda told: (_others(_told(told)[0])[1], told.difference),
                "Look at both ends of the interval in brackets: above 0, below 0, or one of each?",
            ),
            (
                lambda told: (_told(told)[0], _mended(told)),
                "That is the share that was mended. What about those that were broken?",
            ),
            (
                lambda told: (_told(told)[0], _weakest(told)),
                "That is the row of the speaker who was weakest before, not all their recordings.",
            ),
            (
                lambda told: (_told(told)[0], _largest(told)),
                "That is the row that gained most. What of all four together?",
            ),
        ],
    ),
    Exercise(
        id="08.flip",
        kind=Decision("AB", Number(tolerance=0.0051), figure_is="by how much it falls"),
        hint="In the column of that model, all pictures: the share as they are, less the share in "
        "the row turned. It is a share, so one point is 0.01.",
        why="Most of the harm is not the 6 that looks like a 9: the other digits fall as well, and "
        "so they do with mirrored copies. Ten straight borders have twice the shapes to fit. That "
        "6 and 9 lose more than the others under turned copies, and under these alone, is what "
        "the unclear mapping may have added. The large model has room for it all. But even there, "
        "labels that a person cannot tell are a poor thing to teach.",
        right=_flip,
        wrong=[
            (
                lambda flips: (_other(_flip(flips)[0]), _flip(flips)[1]),
                "The other column falls further from the first row to the last.",
            ),
            (_mirrored, "That is what mirrored copies cost, which is nearly as much. Turned ones?"),
            (_alike, "That is what 6 and 9 lose. And all the pictures together?"),
            (
                _turned,
                "That is how often it is right with turned copies. How much less than without?",
            ),
        ],
    ),
    Exercise(
        id="08.peak",
        kind=Decision(
            "ABC", Number(tolerance=10.5, share=False), figure_is="the number of examples"
        ),
        hint="Print curve and look for the largest error. There are 300 features, so 300 weights "
        "for each class: how many examples does it take to pin them all down?",
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
        hint="From the column mean: the row of ten recordings, and the row of the hundred copies. "
        "The letter is that of the larger one, the figure the difference between the two.",
        why="Now put a price on both: an hour of that person, and an hour of yours. Copies teach "
        "what you thought of; recordings also bring what nobody thought of.",
        right=_more,
        wrong=[
            (
                lambda worth: (_other(_more(worth)[0]), _more(worth)[1]),
                "The other one reaches the larger share, on the average of the draws.",
            ),
            (
                _over_nothing,
                "That is what it brings over nothing. How much more than the other one is it?",
            ),
            (
                _reached,
                "That is how often it is right then. How much more than with the other one?",
            ),
        ],
    ),
]
