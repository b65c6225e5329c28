"""How sure a coefficient is: intervals over items, the annotators taken as they are.

Two ways that agree where both can be had. The bootstrap draws how many items have each pattern,
which costs the same for a million items as for a thousand. Where patterns are too many for that
(above ``MOST_PATTERNS``, so at least as many items), and for what alpha is without one annotator,
the interval comes from what each item adds (Efron 1982, the infinitesimal jackknife).
"""

from collections.abc import Iterator

import numpy as np

from mlkit.labels import _coefficients, _levels
from mlkit.labels._coefficients import NAMES, Parts, Sums
from mlkit.labels._patterns import Patterns

REPLICATES = 1000
MOST_PATTERNS = 5_000
MOST_RATIO_VALUES = 500  # bootstrapped; each replicate takes all pairs of values
CONFIDENCE = 0.95
_BLOCK = 1 << 21

Limits = tuple[float, float]
UNKNOWN: Limits = (float("nan"), float("nan"))


def both(
    p: Patterns, level: str, v: np.ndarray, classes: int, rng: np.random.Generator
) -> tuple[dict[str, float], dict[str, Limits]]:
    """Each coefficient, and its limits; NaN where resampling shows no spread at all."""
    values = _coefficients.of_patterns(p, level, v, classes)
    items = float(p.times @ (p.m >= 2))
    if items < 2:
        return values, dict.fromkeys(NAMES, UNKNOWN)
    few = len(v) <= MOST_RATIO_VALUES if level == "ratio" else True
    if len(p.m) <= MOST_PATTERNS and few:
        drawn = bootstrap(p, level, v, classes, rng)
        limits = {name: of_draws(drawn[name], items) for name in NAMES}
    else:
        _, _, each = adds(p, level, v, classes)
        limits = {
            name: of_error(
                values[name], error(each[name], p.times, items), items, least=LEAST[name]
            )
            for name in NAMES
        }
    return values, limits


def bootstrap(
    p: Patterns, level: str, v: np.ndarray, classes: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Coefficients of tables drawn anew (Efron 1979); items with one label among themselves."""
    from scipy.sparse import csr_matrix

    size = (len(p.m), p.n_labels)
    two = (p.m >= 2)[p.entry]
    table = csr_matrix((p.k * two, (p.entry, p.label)), size).T.tocsr()
    shares = csr_matrix((p.k / p.m[p.entry], (p.entry, p.label)), size).T.tocsr()
    each = _coefficients.parts(p, level, v)
    found: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}
    for times in draws(p.times, p.m >= 2, rng, width=len(p.m) + p.n_labels):
        n = (table @ times.T).T
        if level == "ordinal":
            v = _levels.ranks(n)
            each = each._replace(within=each.items)
        total = _coefficients.sums(each, times, _levels.chance(n, level, v), (shares @ times.T).T)
        if level == "ordinal":
            total = total._replace(within=_by_rank(p, times, v))
        for name, value in _coefficients.coefficients(total, classes).items():
            found[name].append(value)
    return {name: np.concatenate(values) for name, values in found.items()}


def _by_rank(p: Patterns, times: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Distances inside items where each replicate has ranks of its own."""
    total = np.zeros(len(times))
    for row in range(len(times)):
        inside, _ = _levels.within(p, "ordinal", ranks[row])
        total[row] = times[row] @ np.divide(
            inside, p.m - 1, out=np.zeros_like(inside), where=p.m > 1
        )
    return total


def draws(
    times: np.ndarray, apart: np.ndarray, rng: np.random.Generator, *, width: int
) -> Iterator[np.ndarray]:
    """Blocks of replicates: how many items of each kind are drawn, the two groups apart."""
    step = max(1, _BLOCK // max(width, 1))
    for start in range(0, REPLICATES, step):
        rows = min(step, REPLICATES - start)
        drawn = np.zeros((rows, len(times)))
        for group in (np.flatnonzero(apart), np.flatnonzero(~apart)):
            n = times[group].sum()
            if n:
                drawn[:, group] = rng.multinomial(int(n), times[group] / n, size=rows)
        yield drawn


def of_draws(drawn: np.ndarray, n: float) -> Limits:
    """Percentiles, set as wide as Student's t and n - 1 ask for (Hesterberg 2015)."""
    from scipy.special import ndtr

    known = drawn[np.isfinite(drawn)]
    # Drawn alike every time, as where all labels agree: no spread is seen, which is not none.
    if not len(known) or np.ptp(known) <= 1e-12:
        return UNKNOWN
    tail = float(ndtr(-student(n) * np.sqrt(n / (n - 1))))
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def of_error(value: float, error: float, n: float, *, least: float = -1.0) -> Limits:
    """As wide as Student's t asks for; ``least`` is what the coefficient cannot fall below."""
    if not np.isfinite(error) or error <= 1e-12:
        return UNKNOWN
    half = student(n) * error
    return float(max(value - half, min(value, least))), float(min(value + half, 1.0))


# A share of pairs is never below none; a coefficient that takes chance off may be.
LEAST = {name: 0.0 if name == "percent" else -1.0 for name in NAMES}


def student(n: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + CONFIDENCE) / 2))


def adds(
    p: Patterns, level: str, v: np.ndarray, classes: int
) -> tuple[dict[str, float], float, dict[str, np.ndarray]]:
    """The coefficients, the items with two labels or more, and what each pattern's items add."""
    n, shares = _coefficients.used(p)
    v = _levels.ranks(n) if level == "ordinal" else v
    each = _coefficients.parts(p, level, v)
    total = _coefficients.sums(each, p.times, _levels.chance(n, level, v), shares)
    by_share, by_class = gradients(p, p.times, n, shares, total, level, v)
    found = influence(
        each,
        total,
        classes,
        same=p.per_pattern(p.k * by_share[p.label]) / np.maximum(p.m, 1),
        chance=p.per_pattern(p.k * by_class[p.label]) * each.items,
    )
    values = _coefficients.coefficients(total, classes)
    return {name: float(value) for name, value in values.items()}, float(total.items), found


def error(add: np.ndarray, times: np.ndarray, n: float) -> float:
    """Standard error of a sum over items."""
    if n < 2 or not np.isfinite(add).all():
        return float("nan")
    variance = times @ add**2 - (times @ add) ** 2 / n
    return float(np.sqrt(max(variance, 0) * n / (n - 1)))


def gradients(
    p: Patterns,
    times: np.ndarray,
    n: np.ndarray,
    shares: np.ndarray,
    total: Sums,
    level: str,
    v: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean share of each class, and how alpha changes with one label more of each class."""
    if not total.chance > 0:
        return shares / max(float(total.labelled), 1), np.zeros(len(n))
    weight = np.divide(times, p.m - 1, out=np.zeros_like(p.m), where=p.m > 1)
    chance, inside = _levels.slopes(p, n, level, v, weight)
    scale = (total.labels - 1) / total.chance
    return shares / total.labelled, scale * (total.within / total.chance * chance - inside)


def influence(
    each: Parts, total: Sums, classes: int, *, same: np.ndarray, chance: np.ndarray
) -> dict[str, np.ndarray]:
    """What each item adds to each coefficient, to first order.

    ``same`` and ``chance``: the item's labels times the two gradients.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        values = _coefficients.coefficients(total, classes)
        mean = total.share / total.items
        share = (each.share - mean * each.items) / total.items
        alike = 2 * (same - total.same * each.labelled) / total.labelled
        other = 1 - (1 - total.same) / (classes - 1) if classes > 1 else np.nan
        left = 1 - total.same
        return {
            "percent": (each.agreed - values["percent"] * each.pairs) / total.pairs,
            "fleiss": share / left - (1 - mean) * alike / left**2,
            "ac1": share / other + (1 - mean) * alike / (classes - 1) / other**2
            if classes > 1
            else share * np.nan,
            "alpha": chance
            - ((total.labels - 1) * each.within + total.within * each.labels) / total.chance,
        }
