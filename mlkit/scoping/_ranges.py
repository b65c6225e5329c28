"""Three numbers for what nobody knows: at least, likely, at most; their mean, spread and draws."""

from typing import Any

import numpy as np
import pandas as pd

from mlkit.scoping import _cells

ENDS = ["low", "likely", "high"]
SHAPES = ("triangular", "pert")
DRAWS = 20_000


def checked(
    found: pd.DataFrame, *, function: str, name: str, shape: str, negative: bool
) -> pd.DataFrame:
    """The three columns as numbers with low <= likely <= high."""
    if shape not in SHAPES:
        raise ValueError(f"{function}(): shape is 'triangular' or 'pert', not {shape!r}.")
    how: dict[str, Any] = {"function": function, "name": name}
    found = found.assign(**{end: _cells.numbers(found, end, **how) for end in ENDS})
    for row in found.to_dict("records"):
        low, likely, high = (row[end] for end in ENDS)
        if low < 0 and not negative:
            raise ValueError(
                f"{function}(): low of {row[name]!r} is {low:g}, and time or money that is "
                "spent cannot be below 0."
            )
        if not low <= likely <= high:
            raise ValueError(
                f"{function}() needs low <= likely <= high, and {row[name]!r} has "
                f"{low:g}, {likely:g}, {high:g}: put the three in order."
            )
    return found


def moments(found: pd.DataFrame, *, shape: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each row, in closed form.

    PERT is the beta distribution with mean (low + 4 likely + high) / 6 (Malcolm, Roseboom, Clark
    and Fazar 1959; the variance is that of the beta itself, not their (high - low)^2 / 36).
    """
    low, likely, high = (found[end].to_numpy(float) for end in ENDS)
    if shape == "pert":
        mean = (low + 4 * likely + high) / 6
        return mean, (mean - low) * (high - mean) / 7
    spread = low**2 + likely**2 + high**2 - low * likely - low * high - likely * high
    return (low + likely + high) / 3, spread / 18


def quantiles(found: pd.DataFrame, at: np.ndarray, *, shape: str) -> np.ndarray:
    """The values below which each row stays with chance ``at``, shape (draws, rows)."""
    low, likely, high = (found[end].to_numpy(float) for end in ENDS)
    width = np.where(high > low, high - low, 1.0)  # of a fixed value nothing is left below
    split = (likely - low) / width
    if shape == "pert":
        from scipy.special import betaincinv

        part = betaincinv(1 + 4 * split, 1 + 4 * (1 - split), at)
    else:
        rising = np.sqrt(at * split)
        falling = 1 - np.sqrt((1 - at) * (1 - split))
        part = np.where(at < split, rising, falling)
    return np.where(high > low, low + part * width, low)


def draw(
    found: pd.DataFrame,
    *,
    shape: str,
    together: float = 0.0,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> np.ndarray:
    """Draws of each row, shape (draws, rows).

    ``together`` is the correlation of the normal scores (a one-factor Gaussian copula): 0, each
    row for itself; 1, all rows high or low at once.
    """
    if not together:
        return quantiles(found, rng.random((draws, len(found))), shape=shape)
    from scipy.special import ndtr

    common = rng.standard_normal((draws, 1))
    own = rng.standard_normal((draws, len(found)))
    scores = np.sqrt(together) * common + np.sqrt(1 - together) * own
    return quantiles(found, ndtr(scores), shape=shape)


def between(values: np.ndarray) -> tuple[float, float]:
    """The range of 95 of 100 draws."""
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
