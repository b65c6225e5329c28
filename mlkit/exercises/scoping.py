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
            too_many="{letter} speaks of something to build, buy or own. Who has which trouble "
            "if nothing of the kind is ever built?",
            too_few="So far all of these belong. Who else in the list has a trouble?",
        ),
        hint="Read each one to a sorter, a driver or a caller who knows nothing about machine "
        "learning. Would they say: yes, that is my trouble?",
        why="Three say what troubles somebody, and leave open what to do about it. The others "
        "start from something to build or to use. Ask of each what it would be good for: then you "
        "find other solutions too, some without any model.",
        right=lambda: "ACD",
        wrong=[
            (
                lambda: "ACDF",
                "F: that is how well a tool works. What goes wrong for whom because of it? Parcels "
                "that go astray would be the problem.",
            ),
            (
                lambda: "ABCD",
                "B asks for a solution, a chatbot. What do people want to know at night?",
            ),
            (
                lambda: "ACDE",
                "E: the pictures are a means. Which trouble would labels on them end, and whose?",
            ),
            (
                lambda: "AC",
                "One is missing: somebody pays for something that is not used.",
            ),
        ],
    ),
    Exercise(
        id="01.rank",
        kind=Decision("AB", Number(tolerance=SUM_SHOWN), figure_is="how often another comes first"),
        hint="The column `First in` has the share of drawn teams in which each idea comes first. "
        "What is left for all the others together?",
        why="A score alone looks like a decision. But with another team of such people another "
        "idea may come first. If that happens often, a week for the second idea is well spent.",
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
        why="Find out first what the spread comes from: there a week of asking brings most. This "
        "is often not the range that is easiest to narrow, and not the model.",
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
        hint="First compute how many items of the slice make the interval narrow enough. Of all "
        "clips that are drawn, only a part is in the slice: how many have to be drawn?",
        why="The rarest slice decides how many clips are needed. It is cheaper to look for such "
        "clips on purpose: record these people, and note beside each clip which share of its kind "
        "was drawn (the sampling rate).",
        right=lambda: round(_textbook(EXPECTED, MARGIN) / RARE),
        wrong=[
            (
                lambda: _textbook(EXPECTED, MARGIN),
                "So many are needed in the slice. Of all clips that are drawn, only a part is in "
                "it.",
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
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="how much more it asks for"),
        hint="More accuracy is better, and less latency is better. On which side of its anchor "
        "does each target lie?",
        why="It asks a model to be right more often than people are. That may be possible, but "
        "nobody has shown it: before it is promised, a better anchor is needed, or a clearer guide "
        "that lifts the people too. C is not beyond anything: nothing is known, which is worse.",
        right=lambda: ("A", 0.012),
        wrong=[
            (
                lambda: ("B", 0.012),
                "Less latency is better. A target of at most 200 ms asks for less than the 80 ms "
                "that somebody has reached.",
            ),
            (
                lambda: ("C", 0.012),
                "C has no anchor, so nobody can say whether it asks for more. Which target has an "
                "anchor and goes further?",
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
        why="The likely time is the most likely one for each part, but not for the whole: each "
        "part can get much longer and only a little shorter, and so the sum of the likely values "
        "is seldom enough.",
        right=_late,
        wrong=[
            (
                lambda weeks: (_not(_late(weeks)[0], "AB"), _late(weeks)[1]),
                "Look at the dashed line in the picture: on which side of it do most draws lie?",
            ),
            (
                lambda weeks: (_late(weeks)[0], weeks.enough(0.8)),
                "So many are enough in 80 of 100 draws. For 90 it takes more.",
            ),
            (
                lambda weeks: (_late(weeks)[0], weeks.total),
                "That is the mean: in about half of the draws it takes longer.",
            ),
            (
                lambda weeks: (_late(weeks)[0], weeks.likely),
                "That is the promise that was made. Which number of weeks is safer?",
            ),
        ],
    ),
]
