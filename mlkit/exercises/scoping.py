"""Exercises of ``01_scoping``."""

from typing import Any

from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Number, Subset

SURE = 0.95  # from here on the exercise calls a ranking firm
KEPT = 0.90  # so often a promise should be kept
# Whole percents are on the screen, and an answer may be the sum of two of them.
AS_SHOWN, SUM_SHOWN = 0.006, 0.011
RARE, EXPECTED, MARGIN = 0.02, 0.90, 0.05  # share of the slice, accuracy there, half the width


def _firm(ranking: Any) -> tuple[str, float]:
    """Whether the first idea is firm, and how often another one comes first."""
    return "A" if ranking.first >= SURE else "B", round(1 - float(ranking.first), 2)


def _not(letter: str, options: str, place: int = 0) -> str:
    return options.replace(letter, "")[place]


def _least_known(saving: Any) -> tuple[str, float]:
    """Letter of the range that the spread mostly comes from, and its part of the variance."""
    part = list(saving.table["narrower"])
    place = part.index(max(part))
    return "ABC"[place], round(float(part[place]), 2)


def _late(weeks: Any) -> tuple[str, float]:
    """Whether the sum of the likely values will do, and what is enough in most draws."""
    return "B" if weeks.chance(weeks.likely) < 0.5 else "A", round(weeks.enough(KEPT), 1)


def _textbook(accuracy: float, margin: float) -> float:
    """Items for an interval of that half width."""
    return 1.96**2 * accuracy * (1 - accuracy) / margin**2


EXERCISES = [
    Exercise(
        id="01.problem",
        kind=Subset(
            "ABCDEF",
            too_many="{letter} speaks of something one could build, buy or own. Who has which "
            "trouble, if nothing of the kind is ever built?",
            too_few="So far all of these belong. Who else has a trouble that stands there?",
        ),
        hint="Read each out to a sorter, a driver or a caller who knows nothing about machine "
        "learning. Would they say: yes, that is what I have?",
        why="Three say what somebody puts up with, and leave open what to do about it. The others "
        "start from something to build or to use; ask of each what it would be good for, and "
        "other ways come to light, some without any model.",
        right=lambda: "ACD",
        wrong=[
            (
                lambda: "ACDF",
                "F: that is how well a tool works. What goes wrong for whom because of it? Parcels "
                "that go astray would be the problem.",
            ),
            (
                lambda: "ABCD",
                "B: what is missing there is a solution. What do people want to know at night?",
            ),
            (
                lambda: "ACDE",
                "E: the pictures are a means. Which trouble would labels on them end, and whose?",
            ),
            (
                lambda: "AC",
                "Think of who pays for the empty half of the lorry.",
            ),
        ],
    ),
    Exercise(
        id="01.rank",
        kind=Decision("AB", Number(tolerance=SUM_SHOWN), figure_is="how often another comes first"),
        hint="The column `first` has the share of drawn teams in which each idea comes first. What "
        "is left for all others together?",
        why="A score alone looks like a decision. How often another idea would have won with "
        "another team of the same people says whether it is one, or whether a week of looking "
        "into the second idea too is well spent.",
        right=_firm,
        wrong=[
            (
                lambda ranking: (_not(_firm(ranking)[0], "AB"), _firm(ranking)[1]),
                "Hold the share of teams in which the first idea comes first against 95 in 100.",
            ),
            (
                lambda ranking: (_firm(ranking)[0], 1 - _firm(ranking)[1]),
                "That is how often it does come first. And how often another one?",
            ),
        ],
    ),
    Exercise(
        id="01.chain",
        kind=Decision("ABC", Number(tolerance=AS_SHOWN), figure_is="how much variance that takes"),
        hint="The last column of the table says how much of the variance would go if that one "
        "range were known.",
        why="Not the range that is easiest to narrow, nor the model, which one likes to work on: "
        "where the spread comes from, there a week of asking brings most.",
        right=_least_known,
        wrong=[
            (
                lambda saving: (_not(_least_known(saving)[0], "ABC"), _least_known(saving)[1]),
                "Another one takes more of the variance with it. The bars in the picture show it.",
            ),
            (
                lambda saving: (_not(_least_known(saving)[0], "ABC", 1), _least_known(saving)[1]),
                "Compare the three bars: one is longer.",
            ),
            (
                lambda saving: (_least_known(saving)[0], 1 - _least_known(saving)[1]),
                "That is how much variance would be left. How much goes?",
            ),
        ],
    ),
    Exercise(
        id="01.needs",
        kind=Number(tolerance=200, share=False),
        hint="First the items of the slice that make the interval narrow enough. Only some of "
        "what one draws falls into it: how many have to be drawn?",
        why="The rarest slice sets the size of the whole. So look for it where it is: ask for "
        "these voices by name, and keep the share that was drawn of each (the sampling rate) "
        "beside them.",
        right=lambda: round(_textbook(EXPECTED, MARGIN) / RARE),
        wrong=[
            (
                lambda: _textbook(EXPECTED, MARGIN),
                "So many have to lie in the slice. Of all that is drawn, only a part does.",
            ),
            (
                lambda: _textbook(EXPECTED, MARGIN / 2) / RARE,
                "That takes 5 points as the whole width. It is half of it: 5 up and 5 down.",
            ),
            (
                lambda: _textbook(0.5, MARGIN) / RARE,
                "That is for an accuracy of a half. Here nine in ten are expected to be right, "
                "which takes fewer.",
            ),
        ],
    ),
    Exercise(
        id="01.targets",
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="how far beyond"),
        hint="Of accuracy more is better, of latency less. On which side of its anchor does each "
        "target lie?",
        why="It asks a model to be right more often than people are. That may be possible, but "
        "nobody has shown it: before it is promised, a better anchor is needed, or a clearer guide "
        "that lifts the people too. C is not beyond anything: nothing is known, which is worse.",
        right=lambda: ("A", 0.012),
        wrong=[
            (
                lambda: ("B", 0.012),
                "Of latency less is better: 200 ms allow more than the 80 ms that somebody has "
                "reached.",
            ),
            (
                lambda: ("C", 0.012),
                "C has no anchor, so nobody can say whether it is beyond one. Which has an anchor, "
                "and passes it?",
            ),
            (
                lambda: ("A", 0.97),
                "That is the target itself. How far is it from what people reach?",
            ),
        ],
    ),
    Exercise(
        id="01.plan",
        kind=Decision(
            "AB", Number(tolerance=0.16, share=False), figure_is="how many weeks to promise"
        ),
        hint="`weeks.likely` is the sum of the likely values, `weeks.chance(19)` the share of "
        "draws that stay within 19 weeks, and `weeks.enough(0.5)` the weeks that half of the draws "
        "stay within.",
        why="Each part is most likely to take its likely time, and yet the whole is not: where "
        "parts can go wrong by more than they can go well, the sum of the likely values is a "
        "promise for a lucky day.",
        right=_late,
        wrong=[
            (
                lambda weeks: (_not(_late(weeks)[0], "AB"), _late(weeks)[1]),
                "Look at the dashed line in the picture: on which side of it do most draws lie?",
            ),
            (
                lambda weeks: (_late(weeks)[0], weeks.enough(0.8)),
                "So many are enough in 80 draws of 100. For 90 it takes more.",
            ),
            (
                lambda weeks: (_late(weeks)[0], weeks.total),
                "That is the mean: in nearly every second draw it takes longer.",
            ),
            (
                lambda weeks: (_late(weeks)[0], weeks.likely),
                "That is the promise which is in doubt. What would be a safer one?",
            ),
        ],
    ),
]
