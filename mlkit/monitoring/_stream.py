"""Right and wrong in the order in which labels arrive: window tests, detectors, and redraws."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd

from mlkit import _stats
from mlkit.monitoring import _users

WINDOW, ADWIN, PAGE_HINKLEY = "window test", "ADWIN", "Page-Hinkley"
FEWEST = 2  # users, for a variance


@dataclass(frozen=True)
class Stream:
    """Labelled answers in order of arrival; the first ``known`` of them are the reference.

    ``made`` and ``came`` are nanoseconds, ``ends`` the end of each window, ``group`` the window of
    each row (-1: the reference), ``user`` a number for each person.
    """

    made: np.ndarray
    came: np.ndarray
    user: np.ndarray
    until: int
    ends: np.ndarray

    @cached_property
    def known(self) -> int:
        return int(np.searchsorted(self.came, self.until, side="right"))

    @cached_property
    def parts(self) -> list[tuple[slice, np.ndarray, np.ndarray]]:
        """Of each window: its rows, its users, and which of them each row is from."""
        cuts = [self.known, *np.searchsorted(self.came, self.ends, side="right")]
        found = []
        for first, last in pairwise(cuts):
            rows = slice(first, last)
            found.append((rows, *np.unique(self.user[rows], return_inverse=True)))
        return found


def stream(table: pd.DataFrame, until: pd.Timestamp, window: pd.Timedelta) -> Stream:
    """From rows sorted by ``label_at``; the last window ends with the last label."""
    came = table["label_at"].to_numpy("datetime64[ns]").astype(np.int64)
    made = table["timestamp"].to_numpy("datetime64[ns]").astype(np.int64)
    first, last = until.as_unit("ns").value, int(came[-1])
    length = window.as_unit("ns").value
    ends = np.minimum(first + length * np.arange(1, -(-(last - first) // length) + 1), last)
    return Stream(made, came, _users.codes(table), first, ends)


def windows(given: Stream, right: np.ndarray, *, confidence: float = 0.95) -> pd.DataFrame:
    """Each window against the reference: is the share right lower by more than chance?

    The difference of two ratios with its variance summed over users (linearised; Kish 1965);
    one who is in both has one term. One more user a side who is right half of the time, for the
    variance alone (after Agresti and Caffo 2000); Student's t by the users of the window.
    """
    from scipy.stats import t

    before = right[: given.known]
    n0, share0 = len(before), float(before.mean())
    size = int(given.user.max()) + 1
    sums = [np.bincount(given.user[: given.known], what, size) for what in (before, None)]
    m0 = int((sums[1] > 0).sum())
    terms0 = (m0 / max(m0 - 1, 1)) ** 0.5 * (sums[0] - share0 * sums[1]) / n0
    spread0 = float(terms0 @ terms0) + ((0.5 - share0) / m0) ** 2
    rows = []
    for place, people, who in given.parts:
        n, m = place.stop - place.start, len(people)
        row = {"n": n, "users": m, "accuracy": np.nan, "difference": np.nan, "se": np.nan}
        row["spread"] = np.nan
        if n:
            row["accuracy"] = share = float(right[place].mean())
            row["difference"] = share - share0
        if min(m, m0) >= FEWEST:
            good, count = np.bincount(who, right[place], m), np.bincount(who, minlength=m)
            terms = (m / (m - 1)) ** 0.5 * (good - share * count) / n
            row["spread"] = own = float(terms @ terms)
            own += ((0.5 - share) / m) ** 2
            row["se"] = (own + spread0 - 2 * float(terms @ terms0[people])) ** 0.5
        rows.append(row)
    table = pd.DataFrame(rows)
    table["p"] = t.cdf(table["difference"] / table["se"], np.maximum(table["users"] - 1, 1))
    plain = table["accuracy"] * (1 - table["accuracy"]) / (table["n"] - 1).where(table["n"] > 1)
    # As many labels of one user each as would tell as much (Korn and Graubard 1998).
    enough = (table["n"] * plain / table["spread"]).where(plain > 0, table["users"])
    size_now = np.fmin(enough.fillna(table["users"]).to_numpy(float), table["n"].to_numpy(float))
    good_now = table["accuracy"].fillna(0).to_numpy(float) * size_now
    table["low"], table["high"] = _stats.wilson(good_now, size_now, confidence=confidence)
    return table


def rises(
    given: Stream, wrong: np.ndarray, *, adwin: float, page_hinkley: float, first: bool = False
) -> dict[str, np.ndarray]:
    """At which rows the two detectors say that errors have become more, after the reference.

    ``first``: the first of them alone, which is all that a redraw is asked for.
    """
    found = {
        ADWIN: _adwin(wrong, given.known, adwin, first),
        PAGE_HINKLEY: _page_hinkley(wrong, given.known, page_hinkley, first),
    }
    return {name: np.array(rows, int) for name, rows in found.items()}


def _adwin(wrong: np.ndarray, known: int, delta: float, first: bool) -> list[int]:
    from river import drift

    window = drift.ADWIN(delta=delta)
    found: list[int] = []
    start, before = 0, np.r_[0.0, np.cumsum(wrong)]
    for k, one in enumerate(wrong.tolist()):
        window.update(one)
        if window.drift_detected:
            # It tells of a change either way: what it held was the rows from `start` on.
            level = (before[k] - before[start]) / max(k - start, 1)
            start = k + 1 - int(window.width)
            if window.estimation > level and k >= known:
                found.append(k)
                if first:
                    break
    return found


def _page_hinkley(wrong: np.ndarray, known: int, threshold: float, first: bool) -> list[int]:
    """As river's ``PageHinkley(mode="up")`` with its other settings, many rows at a time."""
    found: list[int] = []
    start = 0
    while start < len(wrong):
        row = _crossing(wrong[start:], threshold)
        if row is None:
            break
        if start + row >= known:
            found.append(start + row)
            if first:
                break
        start += row + 1  # it begins anew
    return found


def _crossing(values: np.ndarray, threshold: float) -> int | None:
    """The first row at which the sum of what lies above the mean has risen by the threshold."""
    from scipy.signal import lfilter

    delta, keeps, fewest = 0.005, 1 - 0.0001, 30
    size = 1024
    while True:
        part = values[:size]  # mostly it is soon, or never
        over = part - part.cumsum() / np.arange(1, len(part) + 1) - delta
        sums = lfilter([1.0], [1.0, -keeps], over)
        beyond = sums - np.minimum.accumulate(sums) > threshold
        beyond[: fewest - 1] = False
        if beyond.any():
            return int(beyond.argmax())
        if size >= len(values):
            return None
        size *= 8


def alarms(
    given: Stream, right: np.ndarray, *, alpha: float, adwin: float, page_hinkley: float,
    first: bool = False,
) -> dict[str, np.ndarray]:  # fmt: skip
    """When each way of looking would have raised an alarm, in nanoseconds."""
    table = windows(given, right)
    found = rises(given, 1 - right, adwin=adwin, page_hinkley=page_hinkley, first=first)
    came = {name: given.came[rows] for name, rows in found.items()}
    return {WINDOW: given.ends[(table["p"] < alpha).to_numpy()], **came}


def spread(right: np.ndarray, user: np.ndarray) -> tuple[float, float]:
    """The mean, and how alike the answers to one user are (0 to 1): the part of the variance
    that lies between users, by the analysis of variance (Fisher 1925).
    """
    _, who, count = np.unique(user, return_inverse=True, return_counts=True)
    n, m = len(right), len(count)
    mean = float(right.mean())
    if n == m or m < FEWEST:
        return mean, 0.0
    own = np.bincount(who, right) / count
    between = float((count * (own - mean) ** 2).sum()) / (m - 1)
    within = float(((right - own[who]) ** 2).sum()) / (n - m)
    each = (n - float((count**2).sum()) / n) / (m - 1)
    total = between + (each - 1) * within
    return mean, float(np.clip((between - within) / total, 0, 0.99)) if total > 0 else 0.0


def redrawn(
    given: Stream, mean: float, alike: float, fall: np.ndarray | float, rng: np.random.Generator
) -> np.ndarray:
    """The same requests of the same users at the same times, right or wrong drawn anew.

    Each user has a chance to be answered rightly (beta distribution); ``fall`` is taken off it.
    """
    size = int(given.user.max()) + 1
    if alike > 0 and 0 < mean < 1:
        strength = (1 - alike) / alike
        chance = rng.beta(mean * strength, (1 - mean) * strength, size)[given.user]
    else:
        chance = np.full(len(given.came), mean)
    return (rng.random(len(given.came)) < chance - fall).astype(float)


CHANGES = ("none", "sudden", "gradual")


def simulated(
    given: Stream, right: np.ndarray, *, fall: float, times: int, rng: np.random.Generator,
    alpha: float, adwin: float, page_hinkley: float,
) -> pd.DataFrame:  # fmt: skip
    """How often, and after how long, each way of looking alarms on traffic redrawn like this.

    *none*: nothing changes. *sudden*: accuracy falls by ``fall`` with the first request after
    the reference. *gradual*: it falls by as much in a line until the last request.
    """
    mean, alike = spread(right[: given.known], given.user[: given.known])
    after = given.made > given.until
    ramp = np.clip((given.made - given.until) / max(given.made.max() - given.until, 1), 0, 1)
    shapes = dict(zip(CHANGES, (0.0 * ramp, fall * after, fall * ramp), strict=True))
    rows = []
    for change, shape in shapes.items():
        firsts: dict[str, list[float]] = {WINDOW: [], ADWIN: [], PAGE_HINKLEY: []}
        for _ in range(times):
            made = redrawn(given, mean, alike, shape, rng)
            found = alarms(
                given, made, alpha=alpha, adwin=adwin, page_hinkley=page_hinkley, first=True
            )
            for name, when in found.items():
                firsts[name].append(when[0] - given.until if len(when) else np.inf)
        for name, waits in firsts.items():
            seen = int(np.isfinite(waits).sum())
            low, high = (float(side) for side in _stats.wilson(seen, times))
            # Those never noticed waited longest; where they are half, the median is unknown.
            wait = float(np.sort(waits)[(times - 1) // 2])
            delay = pd.Timedelta(int(wait), "ns") if np.isfinite(wait) else pd.NaT
            rows.append((change, name, seen / times, low, high, delay, times))
    columns = ["change", "detector", "alarmed", "low", "high", "delay", "n"]
    return pd.DataFrame(rows, columns=columns)
