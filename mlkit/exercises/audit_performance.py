"""Exercises of ``07_audit_performance``."""

from typing import Any

from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Function, Number, Order, Subset

# Two search engines: errors among 950 ordinary and 50 navigational queries; and the weight.
ENGINES, ORDINARY, NAVIGATIONAL, WEIGHT = {"A": (38, 10), "B": (57, 1)}, 950, 50, 20
# Items and recall of three classes.
CLASSES = {"common": (9_500, 0.98), "seldom": (450, 0.80), "rare": (50, 0.60)}
FEW = 12


def _f1(found: int, missed: int, alarms: int) -> float:
    return 2 * found / (2 * found + missed + alarms)


def _weighted(engine: str) -> float:
    ordinary, navigational = ENGINES[engine]
    return (ordinary + WEIGHT * navigational) / (ORDINARY + WEIGHT * NAVIGATIONAL)


def threshold(c_fp: float, c_fn: float) -> float:
    """Flagging costs (1 - s) c_fp on average, letting pass s c_fn (Elkan, 2001)."""
    return c_fp / (c_fp + c_fn)


def _turned_round(c_fp: float, c_fn: float) -> float:
    return c_fn / (c_fp + c_fn)


def _ratio(c_fp: float, c_fn: float) -> float:
    return c_fp / c_fn


def _half(_c_fp: float, _c_fn: float) -> float:
    return 0.5


def _what_it_saved(saved: Any) -> tuple[str, float]:
    """Cheaper, nothing to be told from luck, or dearer, by the interval of what was saved."""
    if saved["low"] > 0:
        return "A", float(saved["saved"])
    return ("C" if saved["high"] < 0 else "B"), float(saved["saved"])


def _not_saved(saved: Any) -> str:
    return "B" if _what_it_saved(saved)[0] != "B" else "A"


def _width(groups: Any, unit: str) -> float:
    row = groups.loc["all"]
    return float(row[f"by_{unit}_high"] - row[f"by_{unit}_low"])


def _false_alarms(have_it: float, recall: float = 0.75, precision: float = 0.75) -> float:
    """Of those who do not have it, the part that is flagged."""
    flagged_rightly = have_it * recall
    return flagged_rightly * (1 - precision) / precision / (1 - have_it)


EXERCISES = [
    Exercise(
        id="07.measures",
        kind=Order("ARPGW", repeats=True),
        hint="What is counted in each worry: which items are below the line of the fraction?",
        why="None of the four shows in an accuracy over everything. So the list of worries comes "
        "first, and each row brings its measure along.",
        right=lambda: "PRGW",
        wrong=[
            (
                lambda: "RRGW",
                "Number 1 looks into the spam folder: of what was flagged, how much is spam? "
                "Recall asks how much of the spam was flagged.",
            ),
            (
                lambda: "PAGW",
                "Number 2: with one part in a thousand, never finding it leaves an accuracy of "
                "0.999.",
            ),
            (
                lambda: "PPGW",
                "Number 2: a class that is never found has nothing flagged, so there is no "
                "precision to look at. Of those that are there, how many are found?",
            ),
            (
                lambda: "PRAW",
                "Number 3 compares some people with others: one number for all cannot do that.",
            ),
            (
                lambda: "PRGA",
                "Number 4: ten of a million move accuracy by a hundred-thousandth. They matter for "
                "what they cost.",
            ),
        ],
    ),
    Exercise(
        id="07.skew",
        kind=Decision("ABC", Number(tolerance=0.0051), figure_is="its F1"),
        hint="Add up what each program costs. Then 2 x found / (2 x found + missed + false "
        "alarms).",
        why="B has the lowest accuracy of the three and saves the most: where nearly all parts "
        "are fine, accuracy is all but the share of fine ones.",
        right=lambda: ("B", _f1(16, 4, 24)),
        wrong=[
            (
                lambda: ("A", 0.0),
                "A has never found a crack: twenty of them are sent out, at 5,000 each.",
            ),
            (
                lambda: ("C", _f1(6, 14, 0)),
                "C has the highest accuracy and no false alarm, and sends out fourteen cracks. "
                "What do those cost, beside some second looks?",
            ),
            (
                lambda: ("B", 0.972),
                "That is its accuracy, most of which is the parts that are fine.",
            ),
            (
                lambda: ("B", 16 / 20),
                "That is its recall: 16 of 20. F1 also asks for the precision.",
            ),
            (lambda: ("B", 16 / 40), "That is its precision: 16 of 40 flagged. And the recall?"),
            (
                lambda: ("B", (16 / 20 + 16 / 40) / 2),
                "That is the ordinary mean of precision and recall. F1 is the harmonic one.",
            ),
        ],
    ),
    Exercise(
        id="07.threshold",
        kind=Function(
            tries=[
                (
                    (1.0, 1.0),
                    "Where both errors cost the same, the likelier class should win: 0.5.",
                ),
                (
                    (9.0, 1.0),
                    "Flagging wrongly costs nine times as much here: one should be rather sure "
                    "before one does.",
                ),
                ((1.0, 9.0), "Here letting it pass is what costs: flag early."),
                ((18.0, 2.0), "Only the ratio of the two costs can matter: 18 to 2 is 9 to 1."),
                ((0.0, 1.0), "Where flagging costs nothing, flag everything."),
            ]
        ),
        hint="Flagging costs (1 - s) x c_fp on average, letting it pass s x c_fn. At which s are "
        "the two equal?",
        why="Flagging costs (1 - s) c_fp, letting pass s c_fn, and the two are equal at c_fp / "
        "(c_fp + c_fn). It holds for calibrated scores alone.",
        right=lambda: threshold,
        wrong=[
            (
                lambda: _turned_round,
                "That is turned round: it flags the more readily, the more a wrong flag costs.",
            ),
            (
                lambda: _ratio,
                "That is the ratio of the costs: the odds, not the chance. Odds of 9 to 1 are 0.9.",
            ),
            (lambda: _half, "0.5 whatever the costs: then nobody would have to ask for them."),
        ],
    ),
    Exercise(
        id="07.cost",
        kind=Decision("ABC", Number(tolerance=0.11, share=False), figure_is="what was saved"),
        hint="The table has it: what was saved, and between which ends. Is 0 between them?",
        why="Chosen on dev, measured on test: what is left of it there is what one may promise.",
        right=_what_it_saved,
        wrong=[
            (
                lambda saved: (_not_saved(saved), float(saved["saved"])),
                "Look at the ends of the interval: on which side of 0 do they lie?",
            ),
            (
                lambda saved: (_what_it_saved(saved)[0], float(saved["high"])),
                "That is the upper end: what it may have saved at the very best.",
            ),
            (
                lambda saved: (_what_it_saved(saved)[0], float(saved["low"])),
                "That is the lower end. What was saved on these messages?",
            ),
        ],
    ),
    Exercise(
        id="07.few",
        kind=Number(tolerance=0.0011),
        hint="If a share p is lost, 12 arrive with chance (1 - p) to the power of 12. Where is "
        "that 0.05?",
        why="Nothing lost of twelve, and still more than a fifth could be. As a rule of thumb it "
        "is 3 / n, once n is large: to promise one in a hundred, none of 300 may be lost.",
        right=lambda: 1 - 0.05 ** (1 / FEW),
        wrong=[
            (lambda: 0.0, "That is the share that was lost. Twelve could have been lucky."),
            (
                lambda: 3 / FEW,
                "That is the rule of thumb, 3 / n, which is good for large n. With 12 reckon it "
                "out.",
            ),
            (
                lambda: 0.05 ** (1 / FEW),
                "That is the share that arrives. And what is lost?",
            ),
            (lambda: 1 / FEW, "At that rate 12 arrive in a third of the cases, not in 5 of 100."),
            (
                lambda: 0.05 / FEW,
                "The chance that all arrive is not a sum over the messages: each of the twelve "
                "must arrive, so chances multiply.",
            ),
        ],
    ),
    Exercise(
        id="07.weighted",
        kind=Decision("AB", Number(tolerance=0.0011), figure_is="its weighted error"),
        hint="Weights of what is wrong, over all weights: 950 x 1 and 50 x 20 are below the line.",
        why="Fifty queries in a thousand turn the order round, from a weight of little more than "
        "two on. The average over all of them said the contrary.",
        right=lambda: ("B", _weighted("B")),
        wrong=[
            (
                lambda: ("A", _weighted("A")),
                "A errs less often, but ten times as often where it weighs 20. Reckon both.",
            ),
            (
                lambda: ("B", 0.058),
                "That is its error without weights. Each navigational query counts 20 now.",
            ),
            (
                lambda: ("B", (57 + 20) / 1000),
                "The weights are above the line alone: below it, too, 50 queries count 20 each.",
            ),
            (lambda: ("B", 1 / 50), "That is its error on navigational queries alone."),
        ],
    ),
    Exercise(
        id="07.hidden",
        kind=Number(tolerance=0.00011),
        hint="How many rare items were right, and how many items are there in all?",
        why="A class lost altogether, and accuracy moves by a third of a point: less than it "
        "moves by luck on a few thousand items. The macro average would fall by 20 points.",
        right=lambda: CLASSES["rare"][0] * CLASSES["rare"][1] / 10_000,
        wrong=[
            (lambda: 0.6, "That is how far its own recall falls. What does that do to all items?"),
            (
                lambda: 0.005,
                "That is the share of the whole class, and four in ten of it were wrong before.",
            ),
            (lambda: 0.2, "That is how far the macro average falls: a third of 0.6."),
        ],
    ),
    Exercise(
        id="07.people",
        kind=Decision("AB", Number(tolerance=0.0051), figure_is="its width"),
        hint="Draw clips again, and the people stay the same. What changes when people are drawn?",
        why="It is about the average over other such people, and as sure as so few people make it; "
        "with so few, even this interval is too narrow. A single person may lie far outside, as "
        "the dots do: a range for one next person would be far wider. So write the number of "
        "people beside every figure about them.",
        right=lambda groups: ("B", _width(groups, "person")),
        wrong=[
            (
                lambda groups: ("A", _width(groups, "clip")),
                "Drawing clips asks: what if the same people had said something else? It says "
                "nothing about other people.",
            ),
            (
                lambda groups: ("B", _width(groups, "clip")),
                "That is the width of the other one, which draws clips.",
            ),
            (
                lambda groups: ("B", _width(groups, "person") / 2),
                "That is half of it. From the lower end to the upper one?",
            ),
        ],
    ),
    Exercise(
        id="07.fair",
        kind=Number(tolerance=0.0051),
        hint="Of 1,000 people 360 have it. How many of them are found? If those are 0.75 of all "
        "that are flagged, how many others are flagged?",
        why="90 of the 640 in A, and in B 60 of 760: same recall, same precision, and in A those "
        "who do not have it are flagged nearly twice as often. The shares of who has it differ, "
        "so something has to.",
        right=lambda: _false_alarms(0.36),
        wrong=[
            (
                lambda: 0.25,
                "That is the part of the flagged who do not have it, 1 - precision. Asked is the "
                "part of those who do not have it that is flagged.",
            ),
            (lambda: _false_alarms(0.24), "That is group B. In A more people have it."),
            (
                lambda: 90 / 1000,
                "90 is right. But 360 of the 1,000 have it: of how many others are these 90?",
            ),
            (
                lambda: 0.25 * 0.64,
                "How many are flagged follows from recall and precision: 270 found are 0.75 of "
                "those flagged.",
            ),
        ],
    ),
    Exercise(
        id="07.say",
        kind=Subset(
            "ABCDE",
            too_many="{letter} says more than the picture shows.",
            too_few="So far all of these belong, and one more follows from what was done.",
        ),
        hint="Each picture shows what one model does when something is taken away from it. Which "
        "sentences say no more than that?",
        why="The pictures are about this model, on these data, when something is taken away: not "
        "about the world, nor another model, nor what a model knows.",
        right=lambda: "AD",
        wrong=[
            (
                lambda: "ABD",
                "B is about messages. The picture is about a model, and where the word merely goes "
                "along with spam, the model is moved too.",
            ),
            (
                lambda: "ACD",
                "C: where two columns say the same, either looks idle while the other one is "
                "there.",
            ),
            (
                lambda: "ADE",
                "E: the score falls where something is covered. A grey square is also something "
                "that the model has never seen.",
            ),
        ],
    ),
]
