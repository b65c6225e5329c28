"""What chance does to a metric of one period, and where it therefore rings.

Each function takes an array with a value for each period and ``quiet``, which periods belong to
the stretch that is known to be quiet. Days differ by more than draws of independent requests do:
the spread between quiet periods says how much more, and widens the threshold by it.
"""

from dataclasses import dataclass, field

import numpy as np

from mlkit import _stats
from mlkit.monitoring import _two_samples


@dataclass(frozen=True)
class Line:
    """A metric over the periods, and below and above what it rings; NaN: never on that side."""

    value: np.ndarray
    n: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    low: np.ndarray = field(default_factory=lambda: np.zeros(0))
    high: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def alarm(self) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return (self.value < self.lower) | (self.value > self.upper)


def sides(worse: str, alpha: float) -> tuple[float, float]:
    """What each side may ring by chance: below, above."""
    return {"lower": (alpha, 0.0), "higher": (0.0, alpha)}.get(worse, (alpha / 2, alpha / 2))


def excess(squares: np.ndarray, alpha: float, *, freedom: int = 1) -> float:
    """How much wider than independent draws, from squares that would be 1 on average for them.

    At least 1. Known from few periods only, so that the tail is that of F and not of chi-square:
    for ``freedom`` 1, of Student's t and not of the normal distribution.
    """
    from scipy.stats import chi2, f

    squares = squares[np.isfinite(squares)]
    if len(squares) < 2 or not alpha > 0:
        return 1.0
    known = f.isf(alpha, freedom, (len(squares) - 1) * freedom) * freedom
    return max(1.0, float(squares.mean() * known / chi2.isf(alpha, freedom)))


def share(
    k: np.ndarray, n: np.ndarray, quiet: np.ndarray, *, worse: str, alpha: float,
    limit: float | None = None,
) -> Line:  # fmt: skip
    """A share: ``k`` of ``n``. Exact binomial tails, of as many requests as tell as much."""
    from scipy.special import bdtrik

    k0, n0 = k[quiet].sum(dtype=float), n[quiet].sum(dtype=float)
    usual = (k0 + 0.5) / (n0 + 1) if n0 else np.nan  # nothing to compare with: never rings
    with np.errstate(divide="ignore", invalid="ignore"):
        value = k / n
        spread = (k0 / n0) * (1 - k0 / n0) * (1 / n - 1 / n0)
        squares = ((value - k0 / n0) ** 2 / spread)[quiet & (n > 0)]
    down, up = sides(worse, alpha)
    wider = excess(squares, 2 * max(down, up))
    p = usual if limit is None else limit
    size = n / wider / (1 + n / n0 if limit is None and n0 else 1.0)
    lower, upper = np.full(len(n), np.nan), np.full(len(n), np.nan)
    some = n > 0
    if down and 0 < p < 1:
        can = some & ((1 - p) ** size < down)  # even none at all is else no surprise
        lower[can] = np.nextafter(bdtrik(down, size[can], p) / size[can], 2)
    elif down and p == 1:
        lower[some] = 1.0
    if up and 0 < p < 1:
        can = some & (p**size < up)
        # Rings from a count on that is one more than what stays below.
        upper[can] = np.nextafter((bdtrik(1 - up, size[can], p) + 1) / size[can], -1)
    elif up and p == 0:
        upper[some] = 0.0
    low, high = _stats.wilson(k, n)
    return Line(value, n, lower, upper, low, high)


def count(y: np.ndarray, part: np.ndarray, quiet: np.ndarray, *, worse: str, alpha: float) -> Line:
    """How many came. Poisson, widened.

    ``part`` is the share of the period from the first row of the log, or to the last: what is
    missing there may only lie beyond the log, so that it takes less to be enough.
    """
    from scipy.special import pdtrik

    whole = quiet & (part > 0.99)
    known = whole if whole.sum() > 1 else quiet
    many = int(known.sum())
    mean = float(y[known].sum() / part[known].sum())
    squares = (y[known] - mean * part[known]) ** 2 / max(mean, 1e-300)
    down, up = sides(worse, alpha)
    wider = excess(squares * many / max(many - 1, 1), 2 * max(down, up)) * (1 + 1 / many)
    lower, upper = np.full(len(y), np.nan), np.full(len(y), np.nan)
    if down:
        fewer = mean * part / wider
        can = np.exp(-fewer) < down
        lower[can] = wider * pdtrik(down, fewer[can])
    if up:
        upper[:] = wider * (pdtrik(1 - up, max(mean / wider, 1e-12)) + 1)
    return Line(y.astype(float), y, lower, upper)


def mean(
    sums: np.ndarray, squares: np.ndarray, n: np.ndarray, quiet: np.ndarray, *, worse: str,
    alpha: float, limit: float | None = None,
) -> Line:  # fmt: skip
    """A mean, from sums of values and of their squares; normal tails."""
    from scipy.stats import norm, t

    n0 = n[quiet].sum(dtype=float)
    usual = sums[quiet].sum() / n0 if n0 else np.nan
    variance = max(squares[quiet].sum() / n0 - usual**2, 0.0) * n0 / max(n0 - 1, 1) if n0 else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        value = sums / n
        apart = ((value - usual) ** 2 / (variance * (1 / n - 1 / n0)))[quiet & (n > 0)]
        own = np.maximum(squares / n - value**2, 0.0) / (n - 1)
        half = t.isf(0.025, np.maximum(n - 1, 1)) * np.sqrt(own)
        down, up = sides(worse, alpha)
        wider = excess(apart, 2 * max(down, up))
        middle = usual if limit is None else limit
        se = np.sqrt(wider * variance * (1 / n + (1 / n0 if limit is None else 0.0)))
    few = n < 2
    value, half = np.where(n > 0, value, np.nan), np.where(few, np.nan, half)
    lower = middle - norm.isf(down) * se if down else np.full(len(n), np.nan)
    upper = middle + norm.isf(up) * se if up else np.full(len(n), np.nan)
    return Line(value, n, lower, upper, value - half, value + half)


def moved(
    counts: np.ndarray, reference: np.ndarray | None, quiet: np.ndarray, *, alpha: float,
    least: float, limit: float | None = None,
) -> Line:  # fmt: skip
    """The stability index of each period's row of ``counts`` (shape (periods, bins)).

    Against the quiet periods together, a quiet one against the others; or against ``reference``.
    """
    from scipy.stats import chi2

    n = counts.sum(axis=1)
    ever = counts.sum(axis=0) > 0 if reference is None else counts.sum(axis=0) + reference > 0
    counts = counts[:, ever]  # a bin that stays empty on both sides tells nothing
    if reference is None:
        total = counts[quiet].sum(axis=0)
        before = total - np.where(quiet[:, None], counts, 0)
    else:
        before = np.broadcast_to(reference[ever], counts.shape)
    value = np.where(n > 0, _two_samples.psi(before, counts), np.nan)
    m, bins = before.sum(axis=1), counts.shape[1]
    with np.errstate(divide="ignore"):
        scale = np.where((n > 0) & (m > 0), 1 / n + 1 / m, np.nan)
    if limit is not None:
        upper = np.full(len(n), float(limit))
    elif bins < 2:
        upper = np.full(len(n), np.nan)
    else:
        squares = (value / scale)[quiet] / (bins - 1)
        wider = excess(squares, alpha, freedom=bins - 1)
        upper = np.fmax(scale * wider * chi2.isf(alpha, bins - 1), least)
    return Line(value, n, np.full(len(n), np.nan), np.where(n > 0, upper, np.nan))
