"""The right and wrong answers of notebook 10, from what its cells have computed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mlkit.exercises.kinds import Number, Tried, Wrong, number_of

LEVEL = 0.1  # the index from which textbooks call a column drifted
LOOKS, MANY = 4000, 10_000_000  # samples to draw; rows from which nobody asks
CHI_SQUARE_9 = 16.919  # of ten tenths: exceeded once in twenty
# Calls from two places: share of the calls before and now, accuracy before and now.
HALL, YARD = (0.8, 0.4, 0.95, 0.90), (0.2, 0.6, 0.75, 0.70)
FALL = sum(before * was - now * is_ for before, now, was, is_ in (HALL, YARD))
# What the alarms cost: hours for one that rings for nothing, hours a day unnoticed, changes a year.
FALSE_H, UNNOTICED_H, CHANGES, WEEKS = 3, 12, 2, 52
DEARER = (
    "It hardly rings for nothing, and is silent for weeks. What do those cost?",
    "It costs little to have, and much to wait for. What does another save?",
    "It seldom rings for nothing. What do its days of silence cost?",
    "The soonest of all. What do its false alarms cost in 52 weeks?",
)
HALVES = {
    "silent": "These are the days of silence. The false alarms take hours too.",
    "rang": "These are the false alarms. The days of silence cost too.",
    "one": "There are two changes a year, and each is unnoticed for so many days.",
}
# The simulator's exercise: days until noticed, share of draws that lose users, labels, alarms.
NOTICED_DAYS, LOSE, LABELS, CALM, CANARY = 14, 0.1, 9000, 0.1, 0.5
# A week's log: misheard ones said again, rightly heard ones said again, all said again.
NOTICED, SLIPS, AGAIN = 0.9, 0.02, 0.06


def apart(value: float, right: float) -> float:
    """A figure of a mistake; where it happens to be the right one, another."""
    return value if abs(value - right) > 0.003 else right + 0.3


def from_inputs() -> float:
    """What the changed shares alone take from accuracy."""
    return sum((before - now) * accuracy for before, now, accuracy, _ in (HALL, YARD))


def harmless(weeks: Any) -> tuple[str, float]:
    """The week in which inputs drifted and accuracy did not surely fall."""
    row = weeks[(weeks["inputs drifted"] != "") & (weeks["high"] >= weeks["reference"])].iloc[0]
    return str(row.name)[0], float(row["accuracy"] - row["reference"])


def unseen(weeks: Any) -> tuple[str, float]:
    """Of the weeks that surely fell, the one with its estimate nearest to the reference."""
    fell = weeks[(weeks["high"] < weeks["reference"])]
    row = fell.loc[(fell["estimated"] - fell["reference"]).abs().idxmin()]
    return str(row.name)[0], float(row["estimated"] - row["accuracy"])


def said(words: dict[str, str]) -> list[tuple[Callable[[], str], str]]:
    """Wrong answers in letters, each with its hint."""
    return [(partial(str, letters), hint) for letters, hint in words.items()]


def elsewhere(
    right: Callable[..., tuple[str, float]], words: dict[str, str]
) -> list[tuple[Callable[..., tuple[str, float]], str]]:
    """The right figure under each other letter, with its hint."""

    def under(letter: str, **given: Any) -> tuple[str, float]:
        return letter, right(**given)[1]

    return [(partial(under, letter), hint) for letter, hint in words.items()]


def a_year(prices: Any) -> Any:
    """Hours a year of each choice."""
    rang = prices["false_alarms_per_week"]
    return WEEKS * FALSE_H * rang + CHANGES * UNNOTICED_H * prices["delay_days"]


def cheapest(prices: Any) -> tuple[str, float]:
    hours = a_year(prices)
    return str(hours.idxmin()), float(hours.min())


def other_price(prices: Any, place: int) -> tuple[str, float]:
    """A letter that is not the cheapest, in their order, with its hours."""
    hours = a_year(prices).drop(cheapest(prices)[0])
    return str(hours.index[place]), float(hours.iloc[place])


def half_price(prices: Any, part: str) -> tuple[str, float]:
    """The cheapest, with one half of its costs alone."""
    letter, whole = cheapest(prices)
    silent = CHANGES * UNNOTICED_H * float(prices.loc[letter, "delay_days"])
    half = {"silent": silent, "rang": whole - silent, "one": whole - silent / 2}[part]
    return letter, half if abs(half - whole) > 2 else whole + 100


def mended(reading: Any) -> tuple[str, float]:
    return "B", float(reading["as in training"] - reading["as served"])


def best(anew: Any) -> tuple[str, float]:
    today = anew["today"]
    return str(today.idxmax())[0], float(today.max() - today.iloc[0])


def trying(**settings: Any) -> Callable[..., Tried]:
    """These settings, with what the notebook tries them by."""
    return lambda tried: Tried(settings, tried)


def by_chance(n: int) -> float:
    """How often the index of two samples of one distribution is above LEVEL: as the notebook."""
    draw = np.random.default_rng(0)
    p, q = ((draw.multinomial(n, np.full(10, 0.1), LOOKS) + 0.5) / (n + 5) for _ in range(2))
    return float((((q - p) * np.log(q / p)).sum(axis=1) > LEVEL).mean())


@dataclass(frozen=True)
class Rows(Number):
    """A number of rows; what is not right is told with how often it rings there."""

    def judge(self, answer: Any, right: float, wrong: Wrong) -> str | None:
        """The rate at the answered number first, then the words for it."""
        said, value = super().judge(answer, right, wrong), number_of(answer)
        if said is None or value is None or not 1 <= value <= MANY:
            return said
        rate = by_chance(round(value))
        how = f"rings by chance in {rate:.0%} of the looks" if rate else "never rings"
        return f"With {value:,.0f} rows it {how}. {said}".strip()
