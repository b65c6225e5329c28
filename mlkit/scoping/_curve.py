"""How much data: a learning curve continued, with an interval that says how little one knows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit._tables import TableError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "scoping.extrapolate"
FEW_SIZES, FAR = 4, 4.0  # below and beyond these it is a guess
_DRAWS = 1000
_ASYMPTOTES = np.linspace(0, 0.98, 25)  # parts of the smallest error seen
_EXPONENTS = np.geomspace(0.03, 4, 40)
_SHIFTS = np.array([0, 0.1, 0.3, 1.0])  # in largest sizes: few examples may teach little at first
_BEND = 0.15  # how much the exponent beyond the data may differ from that within (its SD)
_SHRINK = 4  # scores' worth of weight that the spread of all sizes has in the spread of one
_TAIL = 0.025
_FARTHEST = 25.0  # natural logarithm of the ratio beyond which nobody gathers examples


class _Fits(NamedTuple):
    """Plausible curves, one a draw; sizes are told as ratios to the largest one measured.

    error = asymptote + factor * ((ratio + shift) / (1 + shift)) ** -exponent
    """

    asymptote: np.ndarray
    factor: np.ndarray
    exponent: np.ndarray
    shift: np.ndarray
    bend: np.ndarray  # added to the exponent beyond the largest size

    def error(self, ratio: float | np.ndarray) -> np.ndarray:
        """Of each curve at this ratio; at worst it goes flat beyond the data."""
        above = self.factor * ((ratio + self.shift) / (1 + self.shift)) ** -self.exponent
        bent = np.minimum(above * np.maximum(ratio, 1.0) ** -self.bend, self.factor)
        return self.asymptote + np.where(np.asarray(ratio) > 1, bent, above)

    def ratio(self, error: float) -> np.ndarray:
        """The ratio that brings each curve down to this error, by bisection; else infinite."""
        low, high = np.full((2, len(self.factor)), [[-_FARTHEST], [_FARTHEST]])
        for _ in range(60):
            middle = (low + high) / 2
            there = self.error(np.exp(middle)) <= error
            low, high = np.where(there, low, middle), np.where(there, middle, high)
        return np.where(high < _FARTHEST, np.exp(high), np.inf)


@dataclass(frozen=True)
class Extrapolation:
    """Where a learning curve leads.

    ``score`` with ``low, high`` is that of the last row of ``table``, at ``n`` examples; ``guess``
    says whether that is more than the curve can carry, and ``why``. ``curve`` has the mean score
    of each size that was measured.
    """

    table: pd.DataFrame
    score: float
    low: float
    high: float
    n: int
    guess: bool
    why: str
    curve: pd.DataFrame
    best: float
    fits: _Fits = field(repr=False, compare=False)

    def __repr__(self) -> str:
        sizes = self.curve["n"]
        times = self.curve["repeats"].min()
        text = (
            f"With {self.n:,} examples the score would be about {self.score:.3f} (95 % interval "
            f"{self.low:.3f} to {self.high:.3f}), as {len(sizes)} sizes from {sizes.min():,} to "
            f"{sizes.max():,} go on, each measured {times:,} times or more."
        )
        return f"{text} A guess: {self.why}." if self.guess else text

    def _repr_html_(self) -> str:
        rows = [
            {
                "n": f"{row['n']:,}",
                "ratio": f"{row['ratio']:.2g} x",
                "score": f"{row['score']:.3f}\n{row['low']:.3f} to {row['high']:.3f}",
                "why": row["why"],
            }
            for row in self.table.to_dict("records")
        ]
        heads = {"n": "Examples", "ratio": "Of the most measured", "score": "Score", "why": "Guess"}
        return _show.result_html(repr(self), _show.table_html(rows, columns=heads, text={"why"}))

    def needed(self, scores: float | Sequence[float]) -> pd.DataFrame:
        """How many examples for a score of x?

        Returns
        -------
        DataFrame
            ``score, n, n_low, n_high`` (infinite: not with this model, however many; never below
            the smallest size measured), ``never`` (share of the plausible curves that do not get
            there) and ``why`` (where it is a guess, or out of reach).

        Examples
        --------
        >>> curve = pd.DataFrame({"n": [50, 100, 200, 400] * 2})
        >>> curve["score"] = 0.9 - 2 / curve["n"] + np.repeat([0.001, -0.001], 4)
        >>> extrapolate(curve, to=800).needed([0.88, 0.95])["n"].round(-1).tolist()
        [100.0, inf]
        """
        scores = [scores] if np.isscalar(scores) else list(scores)  # type: ignore[arg-type, list-item]  # a scalar is one of them
        return pd.DataFrame([self._needed(_number(score, "a score")) for score in scores])

    def _needed(self, score: float) -> dict[str, Any]:
        sizes = self.curve["n"]
        found = np.maximum(self.fits.ratio(self.best - score) * sizes.max(), sizes.min())
        # Between a number and infinity there is no middle: take one that was drawn.
        low, n, high = np.quantile(found, [_TAIL, 0.5, 1 - _TAIL], method="nearest")
        row = dict(zip(("n_low", "n", "n_high"), np.ceil([low, n, high]), strict=True))
        row = {"score": score, "n": row["n"], "n_low": row["n_low"], "n_high": row["n_high"]}
        row["never"] = float(np.isinf(found).mean())
        return row | {"why": self._why_needed(score, low, n, sizes)}

    def _why_needed(self, score: float, low: float, n: float, sizes: pd.Series) -> str:
        if score > self.best:
            return f"no score is above {self.best:g}"
        if np.isinf(low):
            return "not with this model: nearly all curves stay below"
        if np.isinf(n):
            return "probably not: most curves stay below"
        if n <= sizes.min():
            return "reached already with the fewest examples measured"
        return "; ".join(_reasons(self.curve, n / sizes.max()))

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """The scores measured, and the way on with its interval; beyond the dotted line, a guess.

        The axis of examples is logarithmic.
        """
        return _draw(self, ax)


def extrapolate(
    curve: pd.DataFrame,
    *,
    to: int | Sequence[int],
    best: float = 1.0,
    rng: int | np.random.Generator | None = 0,
) -> Extrapolation:
    """What would the score be with more examples of the same kind?

    error = a + b (n + d)^-c, all of them 0 or more (Figueroa et al. 2012; Hestness et al. 2017; d
    for their small-data region), fitted by weighted least squares to 1000 bootstrap draws of the
    scores; a and d are drawn by their likelihood, and beyond the data c may change (SD 0.15). So
    the interval, 95 % for the *mean* score over training sets, widens with distance.

    Parameters
    ----------
    curve : ``n, score``, two scores or more for each of at least three sizes; with a column
        ``repeat`` the draws keep together what was trained and tested together.
    to : how many examples; one number or several.
    best : the score without any error: 1 for shares, 0 for negative losses.

    ``.table``: ``n, ratio`` (to the largest size), ``score, low, high, guess, why``. It is a guess
    below 4 sizes, beyond 4 times the data, or where the score does not clearly rise. ``.needed``
    turns the question round. Rows without a score are left out.
    Of 912 pieces of real curves (six data sets, six models, five repeats; the largest size 1.4 to
    8 times what was seen) the interval held 97 %; d was added after four of the sets, and of the
    other two, messages and photographs, it held 92 % and all. It knows nothing of data of another
    kind, of another model, or of labels that get worse.

    Examples
    --------
    >>> sizes = [50, 100, 200, 400, 800] * 3
    >>> noise = np.random.default_rng(0).normal(0, 0.004, 15)
    >>> curve = pd.DataFrame({"n": sizes, "score": 0.95 - 3 / np.array(sizes) + noise})
    >>> found = extrapolate(curve, to=1600)
    >>> bool(found.low < 0.948 < found.high), found.guess
    (True, False)
    """
    scores, sizes = _checked(curve, best)
    wanted = sorted({_whole(each) for each in ([to] if np.isscalar(to) else list(to))})  # type: ignore[arg-type]  # a scalar is one of them
    if not wanted:
        raise ValueError(f"{_FUNCTION}() needs at least one number of examples in to.")
    fits, rising = _fitted(scores, sizes, best, np.random.default_rng(rng))
    sizes["rising"] = rising
    table = pd.DataFrame([_row(n, fits, sizes, best) for n in wanted])
    last = table.iloc[-1]
    return Extrapolation(
        table=table,
        score=float(last["score"]),
        low=float(last["low"]),
        high=float(last["high"]),
        n=int(last["n"]),
        guess=bool(last["guess"]),
        why=str(last["why"]),
        curve=sizes.drop(columns="variance"),
        best=best,
        fits=fits,
    )


def _row(n: int, fits: _Fits, sizes: pd.DataFrame, best: float) -> dict[str, Any]:
    ratio = n / sizes["n"].max()
    low, score, high = np.quantile(best - fits.error(ratio), [_TAIL, 0.5, 1 - _TAIL])
    why = "; ".join(_reasons(sizes, ratio))
    row: dict[str, Any] = {"n": n, "ratio": ratio, "score": score, "low": low, "high": high}
    return row | {"guess": bool(why), "why": why}


def _reasons(sizes: pd.DataFrame, ratio: float) -> list[str]:
    """Why an answer at this multiple of the largest size is a guess."""
    why = []
    if len(sizes) < FEW_SIZES:
        why.append(f"only {len(sizes)} sizes were measured, and any curve goes through so few")
    if ratio > FAR * (1 + 1e-9):
        why.append(f"{ratio:.2g} times as many examples as were ever measured")
    if not sizes["rising"].iloc[0]:
        why.append("the score does not rise with the examples by more than luck")
    return why


def _checked(curve: pd.DataFrame, best: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The scores, and one row a size: ``n, score, repeats, variance`` (of the mean)."""
    table = _tables._need(curve, ["n", "score"], _FUNCTION).dropna(subset=["n", "score"])
    for name in ("n", "score"):
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise TableError(f"{_FUNCTION}() needs numbers in the column {name}.")
    if not (np.isfinite(table["score"]) & np.isfinite(table["n"])).all() or (table["n"] < 1).any():
        raise TableError(f"{_FUNCTION}() needs finite scores, and sizes n of one example or more.")
    if (table["score"] > best).any():
        raise TableError(
            f"{_FUNCTION}() was told that {best:g} is the best score, and found "
            f"{table['score'].max():g}. Give best=, or shares in place of percentages."
        )
    by_size = table.groupby("n")["score"]
    kinds = {"score": by_size.mean(), "repeats": by_size.size(), "spread": by_size.var()}
    sizes = pd.DataFrame(kinds)
    if len(sizes) < 3:
        raise TableError(
            f"{_FUNCTION}() needs scores at three sizes or more, and found "
            f"{_tables._count(len(sizes), 'size')}. Train on a half, a quarter and an eighth too."
        )
    alone = sizes.index[sizes["repeats"] < 2]
    if len(alone):
        raise TableError(
            f"{_FUNCTION}() needs two scores or more for each size, so that luck can be told from "
            f"learning; only one for n = {_tables._some(alone.tolist())}. Draw another training "
            "set of that size."
        )
    return table, sizes.assign(variance=_variance(sizes)).drop(columns="spread").reset_index()


def _variance(sizes: pd.DataFrame) -> pd.Series:
    """Of each mean; a spread over few scores is drawn towards that of all sizes."""
    free = sizes["repeats"] - 1
    pooled = (sizes["spread"] * free).sum() / free.sum()
    spread = (sizes["spread"] * free + _SHRINK * pooled) / (free + _SHRINK)
    return (spread / sizes["repeats"]).clip(lower=1e-12)


def _fitted(
    scores: pd.DataFrame, sizes: pd.DataFrame, best: float, rng: np.random.Generator
) -> tuple[_Fits, bool]:
    """Curves that may have led to the scores, and whether the score rises at all."""
    error = best - sizes["score"].to_numpy()
    weight = 1 / sizes["variance"].to_numpy()
    drawn = np.maximum(error + _bootstrapped(scores, sizes, rng), 0)
    asymptotes = _ASYMPTOTES * error.min()
    shifted = (sizes["n"] / sizes["n"].max()).to_numpy() + _SHIFTS[:, None]
    powers = (shifted / (1 + _SHIFTS[:, None]))[:, None, :] ** -_EXPONENTS[:, None]
    misfit, factor, power = _best_powers(drawn, asymptotes, powers, weight)
    over, _, _ = _best_powers(error[None], asymptotes, powers, weight)
    # Where even the best curve misses the means by more than their noise, all count less.
    scale = max(1.0, over.min() / max(len(sizes) - 3, 1))
    profile = misfit.reshape(_DRAWS, -1)
    likely = np.exp(-(profile - profile.min(axis=1, keepdims=True)) / (2 * scale)).cumsum(axis=1)
    chosen = (likely > rng.random((_DRAWS, 1)) * likely[:, -1:]).argmax(axis=1)
    rows = np.arange(_DRAWS)
    level, shift = np.divmod(chosen, len(_SHIFTS))
    fits = _Fits(
        asymptote=asymptotes[level],
        factor=factor[rows, level, shift],
        exponent=_EXPONENTS[power[rows, level, shift]],
        shift=_SHIFTS[shift],
        bend=rng.normal(0, _BEND, _DRAWS),
    )
    return fits, _rises(drawn, sizes["n"].to_numpy(), weight)


def _best_powers(
    error: np.ndarray, asymptotes: np.ndarray, powers: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted squares that the best exponent leaves, its factor and its number.

    One of each draw, asymptote and shift. What a power takes of the squares is the square of the
    projection on it, where the factor is not negative.
    """
    length = np.sqrt((weight * powers**2).sum(axis=2))  # of each shift and exponent
    directions = (powers / length[..., None]).reshape(-1, powers.shape[2])
    room = error[:, None, :] - asymptotes[None, :, None]
    along = (room * weight) @ directions.T
    along = np.maximum(along, 0, out=along).reshape(*room.shape[:2], *length.shape)
    power = along.argmax(axis=3)
    best = np.take_along_axis(along, power[..., None], axis=3)[..., 0]
    total = (weight * room**2).sum(axis=2)[..., None]
    return total - best**2, best / length[np.arange(len(length)), power], power


def _bootstrapped(
    scores: pd.DataFrame, sizes: pd.DataFrame, rng: np.random.Generator
) -> np.ndarray:
    """By how much the mean errors may be off: whole repeats drawn anew, or scores of each size."""
    from scipy.stats import t

    few = sizes["repeats"].to_numpy()
    # A bootstrap of few scores is too narrow; Student's t says by how much.
    wider = np.sqrt(few / (few - 1)) * t.ppf(1 - _TAIL, few - 1) / 1.96
    whole = None
    if "repeat" in scores.columns:
        whole = scores.pivot_table(index="repeat", columns="n", values="score")
    if whole is not None and len(whole) > 1 and not whole.isna().any(axis=None):
        off = (whole - whole.mean()).to_numpy()
        return -off[rng.integers(len(off), size=(_DRAWS, len(off)))].mean(axis=1) * wider
    columns = []
    for n, mean in zip(sizes["n"], sizes["score"], strict=True):
        off = scores["score"][scores["n"] == n].to_numpy() - mean
        columns.append(-off[rng.integers(len(off), size=(_DRAWS, len(off)))].mean(axis=1))
    return np.stack(columns, axis=1) * wider


def _rises(drawn: np.ndarray, n: np.ndarray, weight: np.ndarray) -> bool:
    """Whether the error falls along the logarithm of the sizes in nearly all draws."""
    step = np.log(n) - np.average(np.log(n), weights=weight)
    return bool(((drawn * weight * step).sum(axis=1) < -1e-15).mean() > 1 - _TAIL)


def _whole(n: Any) -> int:
    value = _number(n, "a number of examples")
    if value < 1 or value != int(value):
        raise ValueError(f"{_FUNCTION}() needs whole numbers of examples in to; got {n!r}.")
    return int(value)


def _number(value: Any, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f"{_FUNCTION}() needs {what}; got {value!r}.")
    return number


def _draw(found: Extrapolation, ax: "Axes | None") -> "Axes":
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    ax = _show.axes(ax)
    sizes = found.curve["n"]
    most = max(found.n, sizes.max())
    along = np.geomspace(sizes.min(), most, 60)
    bands = [
        np.quantile(found.best - found.fits.error(n / sizes.max()), [_TAIL, 0.5, 1 - _TAIL])
        for n in along
    ]
    low, middle, high = np.stack(bands, axis=1)
    ax.fill_between(along, low, high, **_show.pale(_show.PALETTE["sky"], 0.3))
    ax.plot(along, middle, color=_show.PALETTE["blue"], lw=2)
    ax.plot(sizes, found.curve["score"], "o", color=_show.PALETTE["black"])
    ax.axvline(sizes.max(), color="0.45", lw=1)
    if most > FAR * sizes.max():
        ax.axvline(FAR * sizes.max(), color=_show.PALETTE["vermilion"], ls=":", lw=2)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=[1, 2, 5]))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("examples (left of the line: measured)")
    ax.set_ylabel("score")
    return _show.describe(ax, repr(found))
