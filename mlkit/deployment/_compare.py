"""New against old, by user, for one look or for as many as one likes."""

import math
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit.deployment import _tally

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What is counted, out of what.
METRICS = {
    "accuracy": ("right", "labelled"),
    "failed": ("failed", "requests"),
    "slow": ("slow", "requests"),
}
FEWEST = 2  # users a version, for a variance
ROUGH = 50  # fewer users a version: the interval rests on too little to hold its promise
EXPECTED = 0.02  # what a rule tolerates and a comparison looks for, where nobody says


@dataclass(frozen=True)
class Comparison:
    """New minus old, as a share; ``low`` and ``high`` hold for the looks that were asked for."""

    table: pd.DataFrame
    metric: str
    difference: float
    low: float
    high: float
    n: int  # users
    looks: str
    why: str = field(default="")  # why there is no interval, or only a rough one

    def __repr__(self) -> str:
        if math.isnan(self.low):
            return f"{self.metric}: no comparison. {self.why}"
        times = "at any number of looks" if self.looks == "any" else "for this one look"
        return (
            f"{self.metric}: new - old is {100 * self.difference:+.1f} points "
            f"({100 * self.low:+.1f} to {100 * self.high:+.1f}, {times}), over "
            f"{_tables._count(self.n, 'user')}." + (f" {self.why}" if self.why else "")
        )

    def _repr_html_(self) -> str:
        rows = [
            {
                "version": row["version"],
                "users": f"{row['users']:,}",
                "out_of": f"{row.iloc[2]:,}",
                "share": _show.percent(row[self.metric]),
            }
            for _, row in self.table.iterrows()
        ]
        columns = {"version": "version", "users": "users", "out_of": self.table.columns[2]}
        table = _show.table_html(rows, columns={**columns, "share": self.metric}, text=["version"])
        return _show.result_html(repr(self), table)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """The difference with its interval, beside no difference."""
        ax = _show.axes(ax)
        ax.axvline(0, color=_show.PALETTE["black"], linewidth=1)
        if not math.isnan(self.low):
            reach = [[100 * (self.difference - self.low)], [100 * (self.high - self.difference)]]
            ax.errorbar([100 * self.difference], [0], xerr=reach, fmt="o", capsize=6)
        ax.set_yticks([])
        ax.set_xlabel(f"{self.metric}, new - old (points)")
        return _show.describe(ax, repr(self))


def compare(
    tally: pd.DataFrame,
    *,
    metric: str = "accuracy",
    looks: str = "any",
    expected: float = EXPECTED,
    confidence: float = 0.95,
) -> Comparison:
    """Is the new version better or worse than the old one, as far as one can know by now?

    The difference of two ratios (right / labelled, failed / requests, slow / requests), its
    variance summed over users (linearised; Kish 1965, Survey Sampling), who may be on both
    sides. ``looks="once"`` gives the usual interval, which is right for one look planned ahead;
    ``"any"`` one that is right at all looks together, however often one peeks: a normal mixture
    (Robbins 1970) with the variance estimated (Waudby-Smith et al. 2024, Annals of Statistics).

    Parameters
    ----------
    tally : from ``tally``.
    metric : *accuracy*, *failed* or *slow*.
    expected : the size of a difference that would matter. The interval for any number of looks
        is narrowest where one can just see it; a policy puts its rule's ``tolerable`` here. A
        larger one is narrower where few users differ a lot. It holds for each size, but for
        one chosen before the log was seen.

    Fewer than two users a version: no interval, and the reason. Both rest on many users: with
    fewer than about 50 a version they are rough, and the sentence says so.

    Examples
    --------
    >>> made = pd.DataFrame({"user": [f"u{i}" for i in range(400)],
    ...     "version": ["old", "new"] * 200, "requests": 5, "labelled": 5,
    ...     "right": [4, 3, 5, 3] * 100, "failed": 0, "slow": 0})
    >>> round(compare(made).difference, 3)
    -0.3
    """
    _tally.check(tally, function="deployment.compare")
    if metric not in METRICS:
        raise ValueError(f"metric is one of {', '.join(METRICS)}; got {metric!r}.")
    if looks not in ("once", "any"):
        raise ValueError(f'looks is "once" or "any"; got {looks!r}.')
    if not expected > 0:
        raise ValueError(f"expected is the size of a difference, above 0; got {expected!r}.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies between 0 and 1, for example 0.95; got {confidence!r}.")
    out_of = METRICS[metric][1]
    both = sides(tally, metric)
    difference, error, users = of_counts(*both)
    table = pd.DataFrame(
        [
            {
                "version": version,
                "users": int((n > 0).sum()),
                out_of: int(n.sum()),
                metric: c.sum() / n.sum() if n.sum() else np.nan,
            }
            for version, c, n in zip(_tally.VERSIONS, both[::2], both[1::2], strict=True)
        ]
    )
    why = ""
    if math.isnan(error):
        why = (
            f"It takes {FEWEST} users a version with something {out_of}; so far there are "
            + " and ".join(f"{row.users} on {row.version}" for row in table.itertuples())
            + "."
        )
    elif (few := int(table["users"].min())) < ROUGH:
        why = (
            f"Too few to rely on: only {_tables._count(few, 'user')} on one version, and the "
            f"interval takes about {ROUGH}."
        )
    half = half_width(error, looks=looks, expected=expected, confidence=confidence)
    # A difference of two shares lies within these, whatever the interval says.
    low, high = np.clip([difference - half, difference + half], -1, 1).tolist()
    return Comparison(table, metric, difference, low, high, users, looks, why)


def sides(
    tally: pd.DataFrame, metric: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Count and total of old, then of new, each of shape (users,)."""
    count, out_of = METRICS[metric]
    people, codes = np.unique(tally["user"].to_numpy(str), return_inverse=True)
    new = (tally["version"] == "new").to_numpy()
    made = [
        np.bincount(codes[side], tally[name].to_numpy(float)[side], len(people))
        for side in (~new, new)
        for name in (count, out_of)
    ]
    return made[0], made[1], made[2], made[3]


def of_counts(
    old: np.ndarray, old_n: np.ndarray, new: np.ndarray, new_n: np.ndarray
) -> tuple[float, float, int]:
    """new - old, its standard error and the users behind it, from counts of shape (users,)."""
    totals = old_n.sum(), new_n.sum()
    behind = int((old_n > 0).sum()), int((new_n > 0).sum())
    users = int(((old_n > 0) | (new_n > 0)).sum())
    if not all(totals):
        return math.nan, math.nan, users
    shares = old.sum() / totals[0], new.sum() / totals[1]
    if min(behind) < FEWEST:
        return float(shares[1] - shares[0]), math.nan, users
    # A user's weight in either share; one who is on both sides has one term, so that what is
    # alike in both answers cancels.
    few = [math.sqrt(m / (m - 1)) for m in behind]
    term = few[1] * (new - shares[1] * new_n) / totals[1]
    term -= few[0] * (old - shares[0] * old_n) / totals[0]
    # One more user a version who is right half of the time, for the variance alone: otherwise
    # all right, or no failure so far, would be a certainty (after Agresti and Caffo 2000).
    more = sum(((0.5 - share) / m) ** 2 for share, m in zip(shares, behind, strict=True))
    return float(shares[1] - shares[0]), math.sqrt(float((term**2).sum()) + more), users


def half_width(error: float, *, looks: str, expected: float, confidence: float) -> float:
    """Half the interval of an estimate with this standard error."""
    if math.isnan(error):
        return math.nan
    if looks == "once":
        return NormalDist().inv_cdf((1 + confidence) / 2) * error
    # The mixture's spread is the difference one looks for; information grows as 1 / error**2.
    ratio = (expected / error) ** 2
    return error * math.sqrt(
        (1 + 1 / ratio) * (2 * math.log(1 / (1 - confidence)) + math.log1p(ratio))
    )
