"""The simulated world of the Simulator: requests, users who differ, and what is right when.

Photographs of phones sent in for trade-in, as ``datasets.make_traffic`` tells it, in its two
measures that matter: how long the longest mark is, and how bright the photograph. All of luck is
drawn once for a seed, so that moving a slider changes what it says and nothing else.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

DAYS, A_DAY, USERS = 182, 400, 2000
WEEKS = DAYS // 7
NEVER = 10_000  # a day that does not come
HLP = 0.95  # a person who judges the same photograph
BINS = 10
KINDS = ("none", "data", "concept", "both")
_LIMIT_MM = 6.0
_OTHER = 4
_COMES = 0.03  # of the labels come by themselves, when the parcel does
_LEARNED = 3000  # requests that the first version, and the best possible ones, learned from


@dataclass(frozen=True)
class Luck:
    """Everything that is drawn, of shape (requests,) unless said."""

    user: np.ndarray
    length: np.ndarray  # mm, in a photograph as they were
    light: np.ndarray
    label: np.ndarray  # uniform, as is the next
    comes: np.ndarray
    queue: np.ndarray  # the order in which people are asked, shape (days, requests a day)
    wait: np.ndarray  # of a label, mean 1
    order: np.ndarray  # requests by user, then by time
    other: np.ndarray  # what else is measured, shape (requests, 4)
    trained: np.ndarray  # to learn from: length, light, uniform of label, and those four


@dataclass(frozen=True)
class World:
    """Requests in order of time, with what only a simulation knows."""

    luck: Luck
    day: np.ndarray
    x: np.ndarray  # 1, length, light, and what else is measured and does not matter
    chance: np.ndarray  # of being scratched
    label: np.ndarray
    free: np.ndarray  # the day on which the label comes by itself
    inputs: np.ndarray  # how far the inputs have moved by that day, shape (days,)
    meaning: np.ndarray  # how far what is right has moved
    counts: np.ndarray  # shape (days, 2, bins): requests by length, by light
    learned: np.ndarray  # shape (2, bins): those that the first version learned from
    first: np.ndarray  # weights of the first version
    stages: list[tuple[np.ndarray, np.ndarray]]  # photographs and chances of each way it is
    stage: np.ndarray  # which of them each day has
    best_right: np.ndarray  # whether a model of each day's own world is right
    best: np.ndarray  # its accuracy a day, without luck


@lru_cache(maxsize=4)
def luck(seed: int) -> Luck:
    """The draws of a seed; each purpose has a stream of its own."""
    people, photos, labels, learned = np.random.default_rng(seed).spawn(4)
    often = people.gamma(0.8, size=USERS) + 0.05
    worn, light = people.normal(0, 0.7, USERS), people.normal(0, 0.05, USERS)
    n = DAYS * A_DAY
    user = np.searchsorted(np.cumsum(often / often.sum()), photos.random(n)).clip(max=USERS - 1)
    who = np.searchsorted(np.cumsum(often / often.sum()), learned.random(_LEARNED))
    who = who.clip(max=USERS - 1)
    label, comes, asked = labels.random((3, n))
    return Luck(
        user,
        photos.gamma(4.0, 1.3, n) * np.exp(worn)[user],
        0.7 + light[user] + photos.normal(0, 0.06, n),
        label,
        comes,
        np.argsort(asked.reshape(DAYS, A_DAY), axis=1),
        labels.gamma(4.0, 0.25, n),
        np.argsort(user, kind="stable"),
        photos.normal(size=(n, _OTHER)),
        np.stack(
            [
                learned.gamma(4.0, 1.3, _LEARNED) * np.exp(worn)[who],
                0.7 + light[who] + learned.normal(0, 0.06, _LEARNED),
                learned.random(_LEARNED),
                *learned.normal(size=(_OTHER, _LEARNED)),
            ]
        ),
    )


@lru_cache(maxsize=4)
def world(
    kind: str, onset_week: int, over_weeks: int, size: float, delay: float, seed: int
) -> World:
    """The world of these settings; ``onset_week`` counts from 1, ``delay`` is in days."""
    drawn = luck(seed)
    day = np.repeat(np.arange(DAYS), A_DAY)
    since = np.arange(DAYS) - 7 * (onset_week - 1)
    progress = np.clip((since + 1) / (7 * over_weeks), 0, 1) if over_weeks else since >= 0
    inputs, meaning = (size * progress * (kind in (what, "both")) for what in ("data", "concept"))
    x = photographs(drawn.length, drawn.light, drawn.other, inputs[day])
    chance = chance_scratched(x, meaning[day])
    label = drawn.label < chance
    free = np.where(drawn.comes < _COMES, day + np.ceil(delay * drawn.wait).astype(int), NEVER)
    stages, stage = _stages(drawn, inputs, meaning)
    best_right, best = _best(drawn, day, x, label, inputs, meaning, stages, stage)
    return World(
        drawn, day, x, chance, label, free, inputs, meaning, *_counts(drawn, day, x),
        _of_world(drawn, 0, 0), stages, stage, best_right, best,
    )  # fmt: skip


def _stages(
    drawn: Luck, inputs: np.ndarray, meaning: np.ndarray
) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """The ways that the world is in the half year (photographs and their chances), and which of
    them each day has; a slow change in sixteen steps.
    """
    furthest = max(inputs.max(), meaning.max()) or 1.0
    far = np.round(16 * np.maximum(inputs, meaning) / furthest) / 16 * furthest
    steps, stage = np.unique(far, return_inverse=True)
    length, light, _, *other = drawn.trained
    found = []
    for step in steps:
        moved = (step if side.max() > 0 else 0.0 for side in (inputs, meaning))
        x = photographs(length, light, np.stack(other, axis=1), next(moved))
        found.append((x, chance_scratched(x, next(moved))))
    return found, stage


def accuracy(
    weights: np.ndarray, stages: list[tuple[np.ndarray, np.ndarray]], stage: np.ndarray
) -> np.ndarray:
    """The share right that a model has in the world of each day, without luck."""
    shares = [np.where(says(weights, x), chance, 1 - chance).mean() for x, chance in stages]
    return np.array(shares)[stage]


def photographs(
    length: np.ndarray, light: np.ndarray, other: np.ndarray, moved: np.ndarray | float
) -> np.ndarray:
    """What is measured: darker, and more marks of middling length, the further it moved."""
    long = np.maximum(length + 0.5 * moved * (0.7 * _LIMIT_MM - length), 0)
    dark = np.clip(light - 0.25 * moved, 0.02, 1)
    return np.column_stack([np.ones(len(long)), long, dark, other])


def chance_scratched(x: np.ndarray, moved: np.ndarray | float) -> np.ndarray:
    """Given the photograph; a mark looks shorter in the dark, and the guide may get stricter."""
    dim = 1 / (1 + np.exp((x[:, 2] - 0.5) / 0.05))
    limit = _LIMIT_MM * (1 - 0.6 * dim) * (1 - 2 / 3 * moved)
    return 1 / (1 + np.exp(-(x[:, 1] - limit) / 0.7))


def fit(x: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Weights of a logistic regression (Newton's method), held back a little where data is few."""
    shift, scale = x.mean(axis=0), x.std(axis=0)
    shift[0], scale[0] = 0.0, 1.0
    scale[scale == 0] = 1.0
    z, y = (x - shift) / scale, label.astype(float)
    weights = np.zeros(z.shape[1])
    hold = np.diag([1e-6] + [0.01] * (z.shape[1] - 1))
    for _ in range(12):
        p = 1 / (1 + np.exp(-np.clip(z @ weights, -30, 30)))
        slope = z.T @ (y - p) - hold @ weights
        step = np.linalg.solve((z * (p * (1 - p) + 1e-9)[:, None]).T @ z + hold, slope)
        weights = weights + np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-6:
            break
    weights = weights / scale
    weights[0] -= float(weights[1:] @ shift[1:])
    return weights


def says(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Whether a model calls each photograph scratched."""
    # Not x @ weights: the many threads behind it wait for each other on a busy machine.
    return np.einsum("ij,j->i", x, weights) > 0


def _of_world(drawn: Luck, inputs: float, meaning: float) -> np.ndarray:
    """A model that learned from many requests of a world that has moved so far."""
    length, light, luck_of_label, *other = drawn.trained
    x = photographs(length, light, np.stack(other, axis=1), inputs)
    return fit(x, luck_of_label < chance_scratched(x, meaning))


def _best(
    drawn: Luck, day: np.ndarray, x: np.ndarray, label: np.ndarray, inputs: np.ndarray,
    meaning: np.ndarray, stages: list[tuple[np.ndarray, np.ndarray]], stage: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Had there been a model of each day's own world (to a quarter of the way): right or wrong."""
    furthest = max(inputs.max(), meaning.max()) or 1.0
    levels = np.round(4 * np.maximum(inputs, meaning) / furthest).astype(int)
    right, share = np.zeros(len(day), bool), np.zeros(DAYS)
    for level in np.unique(levels):
        of = levels == level
        rows = of[day]
        weights = _of_world(drawn, float(inputs[of].mean()), float(meaning[of].mean()))
        right[rows] = says(weights, x[rows]) == label[rows]
        share[of] = accuracy(weights, stages, stage)[of]
    return right, share


def _counts(drawn: Luck, day: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Requests a day in tenths of what the first version learned from, by either measure."""
    learned = photographs(drawn.trained[0], drawn.trained[1], drawn.trained[3:].T, 0.0)
    found, before = [], []
    for column in (1, 2):
        edges = np.quantile(learned[:, column], np.arange(1, BINS) / BINS)
        place = day * BINS + np.searchsorted(edges, x[:, column], side="right")
        found.append(np.bincount(place, minlength=DAYS * BINS).reshape(DAYS, BINS))
        place = np.searchsorted(edges, learned[:, column], side="right")
        before.append(np.bincount(place, minlength=BINS))
    return np.stack(found, axis=1), np.stack(before)


def psi(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Population stability index over the last axis, as ``monitoring.drift`` has it."""
    p, q = before + 0.5, after + 0.5
    p, q = p / p.sum(axis=-1, keepdims=True), q / q.sum(axis=-1, keepdims=True)
    return ((q - p) * np.log(q / p)).sum(axis=-1)
