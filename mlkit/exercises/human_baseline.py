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
        why="At this level the model has most room to improve up to people. With so few clips for "
        "each level chance moves the gap too: look at the intervals.",
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
                "At another level people are further ahead of the model: compute hlp minus "
                "accuracy for each.",
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
        hint="For each question: what must be compared with what, on which items, and how soon? "
        "The table says what each way is good for.",
        why="Each of the four answers another question. People show where the model can improve, "
        "published results show what has been reached, a quick model shows whether there is "
        "anything to learn, and the older system shows whether users would be better off.",
        right=lambda: "OQHPQ",
        wrong=[
            (
                lambda: "OQHPH",
                "Number 5: people are good at what they see, hear and read. They are not good at "
                "two hundred columns of numbers, and what they reach there says little.",
            ),
            (
                lambda: "HQHPQ",
                "Number 1: the users have a system already. Compare the new version with that one.",
            ),
            (
                lambda: "OQPPQ",
                "Number 3: a published figure comes from other items. Who can listen to these "
                "clips?",
            ),
            (
                lambda: "OHHPQ",
                "Number 2: people hear the clip, not the features. What shows whether the features "
                "hold anything to learn?",
            ),
        ],
    ),
    Exercise(
        id="03.loo",
        kind=Number(tolerance=0.0011),
        hint="There are sixteen labels. Cover up each in turn: what do most of the other three "
        "say?",
        why="On the last clip, each label is compared with one equal label and two others, so none "
        "of the four counts as right. On the second clip the three equal labels count.",
        right=lambda: 11 / 16,
        wrong=[
            (
                lambda: 13 / 16,
                "That compares each label with all four, itself among them: it votes for itself. "
                "Cover it up first.",
            ),
            (
                lambda: 17 / 24,
                "That is the share of pairs of labels that agree. Here each label is compared with "
                "the majority of the other three, not with each of them.",
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
        hint="Think of a person who is always right: would this person get 100 %? Then think of "
        "two people who make the same mistake: does anything show it?",
        why="With few labels or a wrong reference, right answers are counted as wrong. Shared "
        "mistakes and removed items hide wrong answers. So the truth may lie above the measured "
        "figure or below it.",
        right=lambda: "LLHH",
        wrong=[
            (
                lambda: "HLHH",
                "Number 1: whenever the other label is wrong, a right label is counted as wrong.",
            ),
            (
                lambda: "LHHH",
                "Number 2: on a tenth of the clips, a right answer does not match the gold.",
            ),
            (
                lambda: "LLLH",
                "Number 3: all make the same mistake, and so nobody's mistake is counted.",
            ),
            (
                lambda: "LLHL",
                "Number 4: are the clips that are left easier or harder?",
            ),
        ],
    ),
    Exercise(
        id="03.beats",
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="the gap that is left there"),
        hint="The lead is an average of two kinds of items. Which kind would a user notice?",
        why="The model is ahead only where nobody can be right or wrong. On the words, people are "
        "ahead, and the average over both hides this.",
        right=lambda: ("B", _gap(WORDS)),
        wrong=[
            (
                lambda: ("A", _gap_overall()),
                "The model is ahead on average. On which clips is it behind, and would users "
                "notice?",
            ),
            (
                lambda: ("C", _gap(WORDS)),
                "Nobody listened badly: which form is written cannot be heard. What would other "
                "listeners change?",
            ),
            (lambda: ("B", _gap_overall()), "That is the gap over all clips."),
            (
                lambda: ("B", _gap(FORM)),
                "That is the gap on the clips where only the form differs. And on the others?",
            ),
        ],
    ),
    Exercise(
        id="03.raise",
        kind=Decision("AB", Number(tolerance=0.0011), figure_is="what the model won"),
        hint="The two rows have the same phones and the same model. How far is the model below its "
        "ceiling in the first row? Where is it in the second row?",
        why="On the labels as they are, no model can be above the ceiling. One rule for all raised "
        "the ceiling, and the model rose with it: the same phones, the same model, other labels.",
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
                "That is the model's figure after the meeting. How much higher is it than before?",
            ),
        ],
    ),
    Exercise(
        id="03.bar",
        kind=Subset(
            "ABCDE",
            too_many="{letter}: there the reference is made of people's answers, so it cannot show "
            "that a model is better than people.",
            too_few="So far all of these belong. For which others is the answer known without "
            "asking people like those who are measured?",
        ),
        hint="Where does the right answer come from: from people like those who are measured, or "
        "from somewhere else?",
        why="Where the world gives the answer, people are one way of finding it, and a model may "
        "truly be better. Where people's answers are the reference, a model above people only "
        "shows that people do not agree.",
        right=lambda: "ACE",
        wrong=[
            (
                lambda: "BD",
                "In these two the reference is made of people's answers. Asked for are the others.",
            ),
            (
                lambda: "AC",
                "One is missing: what a speaker was asked to say is known without listening.",
            ),
            (
                lambda: "A",
                "The biopsy comes from the world. Some answers come from the world only later.",
            ),
        ],
    ),
    Exercise(
        id="03.cross",
        kind=Decision("ABCD", Number(tolerance=0.0011), figure_is="the gap at noise 0.10"),
        hint="People's share minus GoogLeNet's, level by level: where does it change its sign?",
        why="The network is ahead on clean pictures and behind on noisy ones. A single figure, "
        "measured on clean pictures, would not have shown this.",
        right=lambda curves: ("C", _gap_at(curves, 0.10)),
        wrong=[
            (
                lambda curves: ("B", _gap_at(curves, 0.10)),
                "The two others cross there. GoogLeNet is still a little ahead at 0.05.",
            ),
            (
                lambda curves: ("A", _gap_at(curves, 0.10)),
                "GoogLeNet is ahead at both of these levels. Look at more noise.",
            ),
            (
                lambda curves: ("D", _gap_at(curves, 0.10)),
                "At 0.10 people are ahead already. Who is ahead one step before?",
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
