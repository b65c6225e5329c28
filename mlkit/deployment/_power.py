"""How many users it takes until a loss can be seen."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show
from mlkit.deployment import _compare

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOOKS, _PATHS = 100, 4000
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Power:
    """How many users, on old and new together, until the loss is seen with this chance."""

    table: pd.DataFrame
    users: int
    requests: int
    loss: float
    share: float
    power: float
    looks: str
    interval: tuple[float, float] = field(repr=False)  # of the power, where it was simulated

    def __repr__(self) -> str:
        times = "at one look" if self.looks == "once" else "looking as often as one likes"
        return (
            f"{self.users:,} users ({self.requests:,} requests) until a loss of "
            f"{100 * self.loss:g} points is seen with {100 * self.power:.0f} % chance, "
            f"{times}, while new serves {100 * self.share:g} % of them."
        )

    def _repr_html_(self) -> str:
        rows = [
            {"users": f"{row.users:,}", "requests": f"{row.requests:,}", "power": percent}
            for row, percent in zip(
                self.table.itertuples(), map(_show.percent, self.table["power"]), strict=True
            )
        ]
        columns = {"users": "users", "requests": "requests", "power": "chance to see it"}
        return _show.result_html(repr(self), _show.table_html(rows, columns=columns))

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """The chance to see the loss, over users."""
        ax = _show.axes(ax)
        ax.plot(self.table["users"], 100 * self.table["power"], color=_show.PALETTE["blue"])
        ax.plot([self.users], [100 * self.power], "o", color=_show.PALETTE["vermilion"])
        ax.set_xscale("log")
        ax.set_ylim(0, 100)
        ax.set_xlabel("users, old and new together")
        ax.set_ylabel("chance to see it (%)")
        return _show.describe(ax, repr(self))


def power(
    *,
    loss: float,
    share: float,
    accuracy: float = 0.9,
    requests: float | Sequence[float] = 1,
    spread: float = 0.0,
    power: float = 0.8,
    confidence: float = 0.95,
    looks: str = "once",
) -> Power:
    """How many users until a canary can see a loss?

    Seen: the interval that ``compare`` gives lies below 0. A user's requests resemble each
    other, so more requests of the same users help little.

    Parameters
    ----------
    loss : how much less accurate new is, as a share. ``share`` : of the users that new serves.
    accuracy : of old. ``requests`` : per user; a number, or those of your users.
    spread : standard deviation of the users' own accuracies. 0: requests are independent.
    looks : *once*, planned ahead; *any*: ``compare``'s interval for any number of looks,
        simulated with 100 looks, evenly spaced (4,000 paths, one fixed seed).

    ``.table``: ``users, requests, power``. With one independent request a user and at most
    5,000 users the power is exact (all outcomes of two binomials); otherwise normal, with the
    variance of a mean of clusters, p (1 - p) (1 + (k - 1) r) / requests, where r =
    spread^2 / (p (1 - p)) and k = E[requests^2] / E[requests] (Kish 1965).

    Examples
    --------
    >>> power(loss=0.05, share=0.1, accuracy=0.9, requests=20, spread=0.1).users
    548
    """
    often = np.atleast_1d(np.asarray(requests, float))
    inside = {"share": share, "accuracy": accuracy, "power": power, "confidence": confidence}
    for name, value in inside.items():
        if not 0 < value < 1:
            raise ValueError(f"{name} lies between 0 and 1; got {value!r}.")
    if not 0 < loss < accuracy:
        raise ValueError(
            f"loss is a share above 0 and below accuracy (0.03 is three points); got {loss!r}."
        )
    if looks not in ("once", "any"):
        raise ValueError(f'looks is "once" or "any"; got {looks!r}.')
    _check_users(accuracy, often, spread)
    new = accuracy - loss
    variance = _variance(new, often, spread) / share
    variance += _variance(accuracy, often, spread) / (1 - share)
    reach = _reach(loss, math.sqrt(variance), confidence, looks)
    exact = looks == "once" and spread == 0 and bool((often == 1).all())

    def chance(users: int) -> float:
        if exact and users <= 5000:
            return _exact(users, share, accuracy, new, confidence)
        return reach(users)

    users = _smallest(chance, power)
    grid = np.unique(np.geomspace(max(users / 30, 4), users * 3, 25).astype(int))
    table = pd.DataFrame({"users": grid, "requests": (grid * often.mean()).astype(int)})
    table["power"] = [chance(int(n)) for n in grid]
    found = chance(users)
    noise = 1.96 * math.sqrt(found * (1 - found) / _PATHS) if looks == "any" else 0.0
    return Power(
        table,
        users,
        round(users * float(often.mean())),
        loss,
        share,
        power,
        looks,
        (found - noise, found + noise),
    )


def _check_users(accuracy: float, often: np.ndarray, spread: float) -> None:
    if often.size == 0 or not (often >= 1).all():
        raise ValueError("requests is at least 1 for each user: those with none tell nothing.")
    most = math.sqrt(accuracy * (1 - accuracy))
    if not 0 <= spread <= most:
        raise ValueError(
            f"spread lies between 0 and {most:.3f}, where each user is always right or always "
            f"wrong; got {spread!r}."
        )


def _variance(rate: float, often: np.ndarray, spread: float) -> float:
    """Of one user's part in the version's share of right answers."""
    each = rate * (1 - rate)
    alike = min(spread**2 / each, 1)
    return each / often.mean() * (1 + ((often**2).mean() / often.mean() - 1) * alike)


def _reach(loss: float, spread: float, confidence: float, looks: str) -> Callable[[int], float]:
    """The chance to see the loss as a function of users."""
    if looks == "once":
        edge = _NORMAL.inv_cdf((1 + confidence) / 2)
        return lambda users: _NORMAL.cdf(loss * math.sqrt(users) / spread - edge)
    # A Brownian path with drift at _LOOKS evenly spaced looks, the same ones for every number
    # of users, so that the chance rises smoothly.
    steps = np.random.default_rng(0).standard_normal((_PATHS, _LOOKS))
    when = np.arange(1, _LOOKS + 1) / _LOOKS
    walk = steps.cumsum(axis=1) / math.sqrt(_LOOKS) / when  # an estimate's noise, in errors at 1

    def chance(users: int) -> float:
        error = spread / math.sqrt(users)
        half = np.array(
            [
                _compare.half_width(
                    error / math.sqrt(t), looks="any", expected=loss, confidence=confidence
                )
                for t in when
            ]
        )
        return float((walk * error + half < loss).any(axis=1).mean())

    return chance


def _exact(users: int, share: float, old: float, new: float, confidence: float) -> float:
    """The chance over all outcomes of two binomials; seen as ``compare`` sees it."""
    from scipy.stats import binom

    m = max(round(users * share), 2)
    n = max(users - m, 2)
    right_new, right_old = (_likely(binom, m, new), _likely(binom, n, old))
    share_new, share_old = right_new[:, None] / m, right_old[None, :] / n
    variance = share_new * (1 - share_new) / (m - 1) + ((0.5 - share_new) / m) ** 2
    variance = variance + share_old * (1 - share_old) / (n - 1) + ((0.5 - share_old) / n) ** 2
    edge = _NORMAL.inv_cdf((1 + confidence) / 2)
    seen = share_new - share_old + edge * np.sqrt(variance) < 0
    weight = binom.pmf(right_new, m, new)[:, None] * binom.pmf(right_old, n, old)[None, :]
    return float((weight * seen).sum())


def _likely(binom: Any, size: int, rate: float) -> np.ndarray:
    """The counts that ever come up: all but 2e-10 of the probability."""
    first, last = binom.ppf([1e-10, 1 - 1e-10], size, rate).astype(int)
    return np.arange(first, last + 1)


def _smallest(chance: Callable[[int], float], power: float) -> int:
    """The fewest users with at least this chance."""
    high = 8
    while chance(high) < power:
        high *= 2
        if high > 10**10:
            raise ValueError("it would take more than ten billion users: ask for a larger loss.")
    low = high // 2
    while high - low > max(1, low // 1000):
        middle = (low + high) // 2
        low, high = (low, middle) if chance(middle) >= power else (middle, high)
    return high
