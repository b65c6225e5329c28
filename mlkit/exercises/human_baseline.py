"""Exercises of ``03_human_baseline``."""

from functools import partial
from typing import Any

from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Number, Order, Subset

# Two kinds of items: share of all, how often people agree, how often the model does with them.
FORM, WORDS = (0.50, 0.58, 0.70), (0.50, 0.95, 0.87)


def _widest(by_level: Any) -> tuple[str, float]:
    """Letter of the level with the widest gap, and the gap."""
    gap = {
        letter: float(hlp - accuracy)
        for letter, hlp, accuracy in zip("ABCD", by_level["hlp"], by_level["accuracy"], strict=True)
        if hlp == hlp  # NaN where nobody labelled
    }
    letter = max(gap, key=lambda one: gap[one])
    return letter, gap[letter]


def _other_level(by_level: Any, place: int) -> tuple[str, float]:
    """One of the three other levels."""
    letter, gap = _widest(by_level)
    return "ABCD".replace(letter, "")[place], gap


def _at_widest(by_level: Any, column: str) -> tuple[str, float]:
    letter, gap = _widest(by_level)
    value = float(list(by_level[column])["ABCD".index(letter)])
    # With ten clips a level it may happen to be the gap itself, and would be right then.
    return letter, value if abs(value - gap) > 0.002 else value + 1


def _gap(kind: tuple[float, float, float]) -> float:
    return kind[1] - kind[2]


def _gap_overall() -> float:
    return sum(kind[0] * _gap(kind) for kind in (FORM, WORDS))


def _gain(raised: Any, column: str) -> float:
    """What the common rule brought over each inspector's own."""
    return float(raised.loc["common rule", column] - raised.loc["own rules", column])


def _share_right(curves: Any, who: str, condition: float) -> float:
    row = curves[(curves["who"] == who) & (curves["condition"].astype(float) == condition)]
    return float(row["accuracy"].iloc[0])


def _gap_at(curves: Any, condition: float, who: str = "googlenet") -> float:
    return _share_right(curves, "human", condition) - _share_right(curves, who, condition)


EXERCISES = [
    Exercise(
        id="03.gap",
        kind=Decision("ABCD", Number(tolerance=0.0011), figure_is="the gap there"),
        hint="hlp - accuracy in each row: in which row is it largest?",
        # Nothing about the single levels: with so few clips each learner's table is another.
        why="There the room up to people is widest in your table. Such room needs two things: a "
        "model that goes wrong, and people who do so less. With few clips a level, luck moves it "
        "too: look at the intervals.",
        right=_widest,
        wrong=[
            (
                partial(_other_level, place=0),
                "Take accuracy from hlp, row by row, and look for the largest difference.",
            ),
            (
                partial(_other_level, place=1),
                "Another row has a larger difference of hlp and accuracy. Which?",
            ),
            (
                partial(_other_level, place=2),
                "At another level people are further ahead of the model: hlp minus accuracy says.",
            ),
            (
                lambda by_level: _at_widest(by_level, "hlp"),
                "That is how often people are right there. How much more often than the model?",
            ),
            (
                lambda by_level: _at_widest(by_level, "accuracy"),
                "That is how often the model is right there. How much more often are people?",
            ),
        ],
    ),
    Exercise(
        id="03.ways",
        kind=Order("HPQO", repeats=True),
        hint="What would you do differently on Monday, had you this figure? Which of the four "
        "gives it by then?",
        why="None of the four is the right one: each answers another question. People say where "
        "room is left, others' results what has been reached, a quick model what is there at all, "
        "the older system whether anyone would be better off.",
        right=lambda: "OQHPQ",
        wrong=[
            (
                lambda: "OQHPH",
                "Number 5: people are good at what one sees, hears and reads. At two hundred "
                "columns of numbers they are not, and what they reach says little.",
            ),
            (
                lambda: "HQHPQ",
                "Number 1: the users have something already. What would they lose, and where?",
            ),
            (
                lambda: "OQPPQ",
                "Number 3: a published figure comes from other items. Who can listen to these?",
            ),
            (
                lambda: "OHHPQ",
                "Number 2: people are right on clips that no model on these features could tell "
                "apart. What says whether the features hold anything?",
            ),
        ],
    ),
    Exercise(
        id="03.loo",
        kind=Number(tolerance=0.0011),
        hint="Sixteen labels. For each, cover it up and ask what most of the other three say.",
        why="On the last clip each label meets one like it and two unlike it, so none of the four "
        "counts as right: people who are split do not even agree with their own majority.",
        right=lambda: 11 / 16,
        wrong=[
            (
                lambda: 13 / 16,
                "That compares each label with all four, itself among them: it votes for itself. "
                "Cover it up first.",
            ),
            (
                lambda: 17 / 24,
                "That is the share of pairs of labels that agree. Here each label meets the "
                "majority of the other three, not each of them alone.",
            ),
            (
                lambda: 11 / 12,
                "The last clip is left out there. It has four labels like the others: what do "
                "the other three say each time?",
            ),
        ],
    ),
    Exercise(
        id="03.bias",
        kind=Order("LH", repeats=True),
        hint="Take a person who is always right. Would this measure say so? Then take two who "
        "make the same mistake.",
        why="Too few labels and a faulty reference count right answers as wrong; shared mistakes "
        "and skipped items hide wrong ones. The figure bounds nothing on either side.",
        right=lambda: "LLHH",
        wrong=[
            (
                lambda: "HLHH",
                "Number 1: with one other label, whenever that one is wrong, you are counted as "
                "wrong.",
            ),
            (
                lambda: "LHHH",
                "Number 2: on a tenth of the clips a person who is right does not match.",
            ),
            (
                lambda: "LLLH",
                "Number 3: all make the same mistake, and each finds it confirmed by the others.",
            ),
            (
                lambda: "LLHL",
                "Number 4: which clips are left, the easy or the hard ones?",
            ),
        ],
    ),
    Exercise(
        id="03.beats",
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="the gap that is left there"),
        hint="The lead is an average of two kinds of items. Which kind would a user notice?",
        why="The lead was made where nobody can be right or wrong. Where there is something to be "
        "right about, people are ahead, and an average over both hides it.",
        right=lambda: ("B", _gap(WORDS)),
        wrong=[
            (
                lambda: ("A", _gap_overall()),
                "It is ahead on average. What would a user lose who has been served by people?",
            ),
            (
                lambda: ("C", _gap(WORDS)),
                "Nobody listened badly: on the form there is nothing to hear. What would other "
                "listeners change?",
            ),
            (lambda: ("B", _gap_overall()), "That is the gap over everything: the lead."),
            (
                lambda: ("B", _gap(FORM)),
                "That is the gap on the form, where the lead comes from. And on the words?",
            ),
        ],
    ),
    Exercise(
        id="03.raise",
        kind=Decision("AB", Number(tolerance=0.0011), figure_is="what the model won"),
        hint="Two rows, the same phones, the same model. How far can it rise in the first row, "
        "and where is it in the second?",
        why="On the labels as they are, nothing lies above the ceiling. Agreeing on one rule moved "
        "the ceiling itself, and the model rose with it: the same phones, the same model, other "
        "labels.",
        right=lambda raised: ("B", _gain(raised, "model")),
        wrong=[
            (
                lambda raised: ("A", _gain(raised, "model")),
                "While each has a rule of their own, the ceiling is all that a model can reach. "
                "How far below it is the model?",
            ),
            (
                lambda raised: ("B", _gain(raised, "hlp")),
                "That is what people won. The model has a column of its own.",
            ),
            (
                lambda raised: ("B", float(raised.loc["common rule", "model"])),
                "That is where the model stands now. Where did it come from?",
            ),
        ],
    ),
    Exercise(
        id="03.bar",
        kind=Subset(
            "ABCDE",
            too_many="{letter}: there the reference is made of people's own answers, so what lies "
            "above them cannot be seen.",
            too_few="So far all of these belong. Of what else can one find out later how it was?",
        ),
        hint="Where does the right answer come from: from people like those who are measured, or "
        "from somewhere else?",
        why="Where the world gives the answer, people are one way of finding it, and a model may "
        "be truly better. Where people are the answer, scoring above them means that the "
        "reference is loose.",
        right=lambda: "ACE",
        wrong=[
            (
                lambda: "BD",
                "Those two are the others: the reference is made of people's answers.",
            ),
            (
                lambda: "AC",
                "Nobody had to listen to know what a speaker was asked to say.",
            ),
            (
                lambda: "A",
                "The biopsy comes from outside. So does what time brings to light.",
            ),
        ],
    ),
    Exercise(
        id="03.cross",
        kind=Decision("ABCD", Number(tolerance=0.0011), figure_is="the gap at noise 0.10"),
        hint="People's share minus GoogLeNet's, level by level: where does it change its sign?",
        why="Ahead on clean pictures, behind on noisy ones: no single figure for human level "
        "would have told. Whoever measures on clean items alone ships the wrong comparison.",
        right=lambda curves: ("C", _gap_at(curves, 0.10)),
        wrong=[
            (
                lambda curves: ("B", _gap_at(curves, 0.10)),
                "The two others cross there. GoogLeNet is still a little ahead at 0.05.",
            ),
            (
                lambda curves: ("A", _gap_at(curves, 0.10)),
                "There GoogLeNet is ahead at both. Go on to where people are.",
            ),
            (
                lambda curves: ("D", _gap_at(curves, 0.10)),
                "At 0.10 people are ahead already. And one step before?",
            ),
            (
                lambda curves: ("C", _gap_at(curves, 0.05)),
                "That is the gap at 0.05, still below zero. One step further?",
            ),
            (
                lambda curves: ("C", _gap_at(curves, 0.10, "vgg19")),
                "That is the gap to VGG-19, the one that suffers most.",
            ),
        ],
    ),
]
