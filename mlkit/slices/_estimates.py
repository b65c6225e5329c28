"""What is known of each slice, from all of its items or from the part that was asked about.

Three shares carry everything: how many items are errors (theta), how many of the errors lie
in the slice (pi_e) and how many of the correct items do (pi_c). Each is estimated from its own
items, so they are independent, and every other figure is a function of them and of HLP:
the share of data is ``theta pi_e + (1 - theta) pi_c``, ``at_most`` is ``theta pi_e``. As the
numbers of errors and of correct items are known, tags on a random part of them are enough
(post-stratification: Holt and Smith 1979).

Intervals: a share that was counted outright gets Wilson's (1927); the rest get the middle 95 %
of draws from the three independent Beta distributions (Jeffreys; Brown, Cai and DasGupta 2001).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlkit import _stats

DRAWS = 4000
# A part smaller than this does not stand for the rest: a tag is often made for the very item
# at which it came to mind, and the first few looks say little but that.
FEWEST = 10


@dataclass(frozen=True)
class Stratum:
    """The errors, or the correct items: one number a slice for what was asked of them."""

    size: int  # without those whose label is known to be wrong
    asked: np.ndarray
    full: np.ndarray  # asked about all of them
    share: np.ndarray  # in the slice, of those asked, weighted; NaN where too few were asked
    evidence: np.ndarray  # how many equally weighted items tell as much

    def draw(self, rng: np.random.Generator, draws: int) -> np.ndarray:
        """Shares in the slice that the asked items are in keeping with: (draws, slices)."""
        inside, outside = self.share * self.evidence, (1 - self.share) * self.evidence
        return rng.beta(
            np.nan_to_num(inside) + 0.5, np.nan_to_num(outside) + 0.5, (draws, inside.size)
        )


def stratum(member: np.ndarray, wrong: np.ndarray, rate: np.ndarray) -> Stratum:
    """Sum up the rows of one stratum.

    ``member`` (rows, slices) and ``wrong`` (rows: the label is wrong) hold 1, 0, or -1 for
    never asked; ``rate`` is the share of such items that was drawn.
    """
    weight = 1 / rate
    counts = wrong != 1
    known = (member >= 0) & counts[:, None]
    asked, full = known.sum(axis=0), known.sum(axis=0) == counts.sum()
    weights = np.where(known, np.where(full, 1.0, weight[:, None]), 0.0)
    total = weights.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (weights * (member == 1)).sum(axis=0) / total
        # How many equally weighted items have this variance (linearised: Woodruff 1971); where
        # all say the same there is none to see, and the weights alone decide (Kish 1965).
        spread = (weights**2 * ((member == 1) - share) ** 2).sum(axis=0) / total**2
        kish = total**2 / (weights**2).sum(axis=0)
        evidence = np.where(spread > 0, share * (1 - share) / spread, kish)
    enough = full | (asked >= FEWEST)
    return Stratum(
        size=int(counts.sum()),
        asked=asked,
        full=full,
        share=np.where(enough, share, np.nan),
        evidence=np.where(enough, np.nan_to_num(evidence), 0.0),
    )


@dataclass(frozen=True)
class Draws:
    """Draws of every figure, one row a draw and one column a slice."""

    accuracy: np.ndarray
    share_of_data: np.ndarray
    at_most: np.ndarray
    gap: np.ndarray
    possible_gain: np.ndarray


def draw(
    errors: Stratum,
    correct: Stratum,
    hlp: np.ndarray,
    hlp_n: np.ndarray,
    rng: np.random.Generator,
) -> Draws:
    """Draw theta, pi_e, pi_c and HLP, each from what its own items say."""
    theta = rng.beta(errors.size + 0.5, correct.size + 0.5, DRAWS)
    in_errors, in_correct = errors.draw(rng, DRAWS), correct.draw(rng, DRAWS)
    people = _people(hlp, hlp_n, rng)
    wrong, right = theta[:, None] * in_errors, (1 - theta[:, None]) * in_correct
    accuracy = right / (wrong + right)
    return Draws(
        accuracy=accuracy,
        share_of_data=wrong + right,
        at_most=wrong,
        gap=people - accuracy,
        possible_gain=people * wrong - (1 - people) * right,
    )


def _people(hlp: np.ndarray, n: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """HLP's own uncertainty, where it is known how many labels it rests on."""
    known = np.isfinite(hlp) & (n > 0)
    a, b = np.where(known, hlp * n, 0) + 0.5, np.where(known, (1 - hlp) * n, 0) + 0.5
    return np.where(known, rng.beta(a, b, (DRAWS, hlp.size)), hlp)


def table(
    names: list[str],
    errors: Stratum,
    correct: Stratum,
    hlp: np.ndarray,
    hlp_n: np.ndarray,
    draws: Draws,
) -> pd.DataFrame:
    """One row a slice with each figure and its interval, missing where nothing was asked."""
    total = errors.size + correct.size
    wrong, right = _part(errors), _part(correct)
    n, accuracy = wrong + right, _ratio(right, wrong + right)
    counted = errors.full & correct.full
    # Sums of estimated parts may exceed the whole by 1e-13.
    exact = [np.minimum(np.nan_to_num(part), total) for part in (n, wrong, right)]
    result = pd.DataFrame({"slice": names, "n": _whole(n), "errors": _whole(wrong)})
    share = _ratio(wrong, errors.size)
    _put(result, "share_of_errors", share, _stats.wilson(*_of(errors)))
    _put(
        result,
        "accuracy",
        accuracy,
        _either(counted, _stats.wilson(np.minimum(exact[2], exact[0]), exact[0]), draws.accuracy),
    )
    _put(result, "hlp", hlp, _stats.wilson(np.nan_to_num(hlp * hlp_n), np.nan_to_num(hlp_n)))
    _put(result, "gap", hlp - accuracy, _middle(draws.gap))
    _put(
        result,
        "share_of_data",
        _ratio(n, total),
        _either(counted, _stats.wilson(exact[0], total), draws.share_of_data),
    )
    gain = _ratio(hlp * wrong - (1 - hlp) * right, total)
    _put(result, "possible_gain", gain, _middle(draws.possible_gain))
    _put(
        result,
        "at_most",
        _ratio(wrong, total),
        _either(errors.full, _stats.wilson(exact[1], total), draws.at_most),
    )
    return result.assign(errors_asked=errors.asked, correct_asked=correct.asked)


def _part(side: Stratum) -> np.ndarray:
    """Items of the stratum in each slice; none of none needs no asking."""
    return side.size * side.share if side.size else np.zeros(side.share.size)


def _of(side: Stratum) -> tuple[np.ndarray, np.ndarray]:
    return np.nan_to_num(side.share * side.evidence), side.evidence


def _ratio(above: np.ndarray, below: np.ndarray | float) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(above / np.asarray(below, float))


def _whole(values: np.ndarray) -> pd.Series:
    return pd.Series(np.round(values)).astype("Int64")


def _middle(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return low, high


def _either(
    counted: np.ndarray, wilson: tuple[np.ndarray, np.ndarray], draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    low, high = _middle(draws)
    return np.where(counted, wilson[0], low), np.where(counted, wilson[1], high)


def _put(
    result: pd.DataFrame, name: str, value: np.ndarray, interval: tuple[np.ndarray, np.ndarray]
) -> None:
    """The figure with its limits; no limits without a figure, no figure outside its limits."""
    known = np.isfinite(value)
    value = np.where(np.abs(value) < 1e-12, 0.0, value)  # what rounding leaves of an exact 0
    result[name] = np.where(known, value, np.nan)
    result[f"{name}_low"] = np.where(known, np.minimum(interval[0], value), np.nan)
    result[f"{name}_high"] = np.where(known, np.maximum(interval[1], value), np.nan)
