"""Other people, not only other items: how far alpha moves when people are left out in turn.

Of two groups of people who label the same items, one may agree better by the luck of who is in it.
Items drawn anew say nothing of that. A person cannot be drawn twice either, since two copies of
one agree, so each is left out in turn: the jackknife (Tukey 1958; Efron and Stein 1981).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlkit.labels import _coefficients, _intervals, _levels, _patterns
from mlkit.labels._patterns import Patterns

MOST_GROUPS = 50  # above it, whole groups of people are left out in turn (Kott 2001)
_BLOCK = 1 << 19


class Labelled(NamedTuple):
    """Labels of one version, one row each: numbers of item, class and person, and the scale."""

    item: np.ndarray
    label: np.ndarray
    person: np.ndarray
    n_items: int
    n_labels: int
    level: str
    v: np.ndarray


class Spread(NamedTuple):
    """Variance of alpha between people, what of it single labels bring, degrees of freedom."""

    people: float
    labels: float
    df: float


def alphas(p: Patterns, times: np.ndarray, level: str, v: np.ndarray) -> np.ndarray:
    """Alpha of each replicate, a row of ``times``: how many items have each pattern."""
    from scipy.sparse import csr_matrix

    two = (p.m > 1)[p.entry]
    table = csr_matrix((p.k * two, (p.entry, p.label)), (len(p.m), p.n_labels))
    n = (table.T.tocsr() @ times.T).T
    v = _levels.ranks(n) if level == "ordinal" else v
    if level == "ordinal":
        within = _intervals._by_rank(p, times, v)
    else:
        within = times @ _coefficients.parts(p, level, v).within
    chance = _levels.chance(n, level, v)
    labels = n.sum(axis=1)
    return 1 - (labels - 1) * within / np.where(chance > 0, chance, np.nan)


def spread(given: Labelled, drawn: np.ndarray, rng: np.random.Generator) -> Spread:
    """The spread that the people numbered in ``drawn`` bring; NaN where one cannot be left out."""
    rows = np.flatnonzero(np.isin(given.person, drawn))
    groups = _dealt(len(drawn), rng)
    place = np.full(int(given.person.max(initial=0)) + 1, -1)
    place[drawn] = groups
    people = np.full(len(given.person), -1)
    people[rows] = place[given.person[rows]]
    single = np.full(len(given.person), -1)
    single[rows] = _dealt(len(rows), rng)
    # Agreement is of pairs, and with one of n people go 2 / n of the pairs: of luck that is in the
    # pairs the jackknife sees (n - 1) / (n - 2) times too much (Efron and Stein 1981).
    n = int(given.person.max(initial=0)) + 1
    between = _jackknife(given, people) * max(n - 2, 0) / max(n - 1, 1)
    return Spread(between, _jackknife(given, single), float(groups.max()))


def limits(gain: float, items: float, n: int, people: Sequence[Spread]) -> tuple[float, float]:
    """Limits of a gain, from its variance between items and that between people.

    The two are added, and what single labels bring is taken off once, since it is in both
    (Cameron, Gelbach and Miller 2011). Degrees of freedom by Satterthwaite (1946), as if people
    differed as much in both versions: of few people a variance is too unsure to say otherwise.
    """
    from scipy.special import stdtrit

    between = sum(one.people for one in people)
    total = max(items + between - sum(one.labels for one in people), items, between)
    if not np.isfinite(gain + total) or total <= 1e-24:
        return _intervals.UNKNOWN
    share = np.array([1 / (one.df + 1) for one in people])
    df = share.sum() ** 2 / (share**2 / [one.df for one in people]).sum()
    df = total**2 / (items**2 / (n - 1) + between**2 / df)
    half = float(stdtrit(df, (1 + _intervals.CONFIDENCE) / 2)) * total**0.5
    return gain - half, gain + half


def _dealt(n: int, rng: np.random.Generator) -> np.ndarray:
    """A group for each of n, by chance, as many groups as there may be."""
    return rng.permutation(n) % MOST_GROUPS if n > MOST_GROUPS else np.arange(n)


def _jackknife(given: Labelled, group: np.ndarray) -> float:
    """Variance of alpha from each group of rows left out in turn (-1: always there)."""
    n = int(group.max(initial=-1)) + 1
    if n < 2:
        return 0.0
    step = max(1, _BLOCK // max(len(group), 1))
    found = np.concatenate(
        [_without(given, group, np.arange(at, min(at + step, n))) for at in range(0, n, step)]
    )
    return float((n - 1) * np.var(found))


def _without(given: Labelled, group: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Alpha without each of these groups: tables one below the other, their patterns found once."""
    which, row = np.nonzero(left_out[:, None] != group)
    item = which * given.n_items + given.item[row]
    size = len(left_out) * given.n_items
    p = _patterns.find(item, given.label[row], size, given.n_labels)
    of = p.of.reshape(len(left_out), given.n_items)
    key = np.arange(len(left_out))[:, None] * len(p.m) + of
    times = np.bincount(key[of >= 0], minlength=len(left_out) * len(p.m))
    return alphas(p, times.reshape(len(left_out), -1).astype(float), given.level, given.v)
