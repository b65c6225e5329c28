"""What a metric of one period is, and from where it rings, by the textbook's formula."""

import numpy as np
import pytest
from scipy import stats

from mlkit.monitoring import _periods


def test_a_share_rings_above_where_scipys_binomial_test_says():
    n, k = np.full(32, 50), np.r_[np.full(20, 5), np.arange(4, 16)]
    line = _periods.share(k, n, np.arange(32) < 20, worse="higher", alpha=0.01, limit=0.1)
    for one, ringing in zip(k, line.alarm, strict=True):
        assert ringing == (stats.binomtest(int(one), 50, 0.1, alternative="greater").pvalue <= 0.01)
    assert line.alarm.sum() == 5  # from 11 of 50 on
    assert np.isnan(line.lower).all()
    limits = stats.binomtest(15, 50).proportion_ci(method="wilson")
    assert (line.low[-1], line.high[-1]) == pytest.approx((limits.low, limits.high))


@pytest.mark.parametrize(("worse", "sign"), [("lower", 1), ("higher", -1)])
def test_without_a_limit_a_share_is_judged_as_one_of_two_samples(worse, sign):
    """As many requests as tell as much beside a quiet stretch that is itself a sample."""
    k, n = np.r_[np.full(4, 20), 10], np.r_[np.full(4, 100), 60]
    quiet = np.arange(5) < 4  # all alike: nothing is widened
    line = _periods.share(k, n, quiet, worse=worse, alpha=0.02)
    p = 80.5 / 401
    edge = line.lower if sign > 0 else line.upper
    for at in (0, 4):
        size = n[at] / (1 + n[at] / 400)
        came = edge[at] * size - (0 if sign > 0 else 1)
        # The binomial tail of a size that is no whole number, as an incomplete beta function.
        below = stats.beta.cdf(1 - p, size - came, came + 1)
        assert below == pytest.approx(0.02 if sign > 0 else 0.98)
    assert np.isnan(line.upper if sign > 0 else line.lower).all()


def test_quiet_shares_that_differ_more_than_chance_widen_it():
    """One quiet period of a single request counts as the others do."""
    k, n = np.array([60, 40, 1, 59, 41, 50]), np.array([100, 100, 1, 100, 100, 100])
    quiet = np.arange(6) < 5
    line = _periods.share(k, n, quiet, worse="lower", alpha=0.01, limit=0.5)
    usual = 201 / 401
    squares = (k / n - usual)[quiet] ** 2 / (usual * (1 - usual) * (1 / n[quiet] - 1 / 401))
    wider = squares.mean() * (stats.t.isf(0.01, 4) / stats.norm.isf(0.01)) ** 2
    assert wider > 2
    size = 100 / wider
    came = line.lower[5] * size
    assert stats.beta.cdf(0.5, size - came, came + 1) == pytest.approx(0.01)


def test_a_share_that_may_only_be_none_or_all_rings_at_the_first_other():
    quiet, n = np.array([True, True, False, False, False]), np.array([50, 50, 50, 50, 0])
    none = _periods.share(np.array([0, 0, 0, 1, 0]), n, quiet, worse="higher", alpha=0.01, limit=0)
    assert none.alarm.tolist() == [False, False, False, True, False]
    k = np.array([50, 50, 50, 49, 0])
    every = _periods.share(k, n, quiet, worse="lower", alpha=0.01, limit=1)
    assert every.alarm.tolist() == [False, False, False, True, False]
    assert np.isnan([every.value[4], every.lower[4]]).all()
    # Of 3 that are right half of the time none is no surprise at 1 %: it never rings.
    few = _periods.share(np.zeros(3), np.full(3, 3), np.ones(3, bool), worse="lower", alpha=0.01,
                         limit=0.5)  # fmt: skip
    assert np.isnan(few.lower).all()


def test_a_mean_rings_beyond_what_a_mean_of_so_many_does_and_has_students_interval():
    values = np.tile([1.0, 2, 3, 4, 5, 6, 7, 9], 5).reshape(5, 8)
    values[4] += 2
    sums, squares, n = values.sum(axis=1), (values**2).sum(axis=1), np.full(5, 8)
    quiet = np.arange(5) < 4
    usual, variance = values[quiet].mean(), values[quiet].var(ddof=1)
    for worse, down, up in (("either", 0.005, 0.005), ("lower", 0.01, 0), ("higher", 0, 0.01)):
        line = _periods.mean(sums, squares, n, quiet, worse=worse, alpha=0.01)
        se = (variance * (1 / 8 + 1 / 32)) ** 0.5  # quiet periods are alike: nothing is widened
        lower = usual - stats.norm.isf(down) * se if down else np.nan
        upper = usual + stats.norm.isf(up) * se if up else np.nan
        assert line.lower == pytest.approx(np.full(5, lower), nan_ok=True)
        assert line.upper == pytest.approx(np.full(5, upper), nan_ok=True)
    aim = _periods.mean(sums, squares, n, quiet, worse="lower", alpha=0.01, limit=6.0)
    assert aim.lower[0] == pytest.approx(6 - stats.norm.isf(0.01) * (variance / 8) ** 0.5)
    interval = stats.ttest_1samp(values[4], 0).confidence_interval()
    assert (line.low[4], line.high[4]) == pytest.approx((interval.low, interval.high))
    assert line.value.tolist() == values.mean(axis=1).tolist()


def test_a_mean_of_one_value_has_no_interval_and_of_none_no_value():
    n = np.array([2, 2, 1, 0])
    line = _periods.mean(
        np.array([3.0, 4, 2, 0]), np.array([5.0, 10, 4, 0]), n, n == 2, worse="either", alpha=0.01
    )
    assert line.value == pytest.approx([1.5, 2, 2, np.nan], nan_ok=True)
    assert np.isnan(line.low).tolist() == [False, False, True, True]
    interval = stats.ttest_1samp([1.0, 2.0], 0).confidence_interval()
    assert (line.low[0], line.high[0]) == pytest.approx((interval.low, interval.high))


def test_quiet_means_that_differ_more_than_chance_widen_it():
    means, n = np.array([1.0, 3, 1, 3]), np.full(4, 100)
    line = _periods.mean(100 * means, 100 * (means**2 + 1), n, n > 0, worse="lower", alpha=0.01)
    variance = 100 * (means**2 + 1).sum() / 400 - 4
    variance *= 400 / 399
    apart = 1 / (variance * (1 / 100 - 1 / 400))
    wider = apart * (stats.t.isf(0.01, 3) / stats.norm.isf(0.01)) ** 2
    se = (wider * variance * (1 / 100 + 1 / 400)) ** 0.5
    assert line.lower == pytest.approx(2 - stats.norm.isf(0.01) * se)


def test_an_index_rings_beyond_chi_square_or_the_least_that_counts():
    rng = np.random.default_rng(0)
    counts = rng.multinomial(300, [0.2, 0.3, 0.5, 0], size=6)
    counts[5] = [150, 100, 50, 0]
    quiet = np.arange(6) < 5
    line = _periods.moved(counts, None, quiet, alpha=0.01, least=0.02)
    kept = counts[:, :3]  # nobody was ever in the fourth

    def index(one, other):
        p, q = ((x + 0.5) / (x + 0.5).sum() for x in (one, other))
        return ((q - p) * np.log(q / p)).sum()

    total = kept[quiet].sum(axis=0)
    expected = [index(total - kept[k] * quiet[k], kept[k]) for k in range(6)]
    assert line.value == pytest.approx(expected)
    scale = np.where(quiet, 1 / 300 + 1 / 1200, 1 / 300 + 1 / 1500)
    squares = (np.array(expected) / scale)[quiet] / 2
    wide = max(1, squares.mean() * stats.f.isf(0.01, 2, 8) * 2 / stats.chi2.isf(0.01, 2))
    assert line.upper == pytest.approx(np.maximum(scale * wide * stats.chi2.isf(0.01, 2), 0.02))
    assert line.alarm.tolist() == [False] * 5 + [True]
    high = _periods.moved(counts, None, quiet, alpha=0.01, least=9.0)
    assert (high.upper == 9).all()
    own = _periods.moved(counts, None, quiet, alpha=0.01, least=0.02, limit=0.5)
    assert (own.upper == 0.5).all()
    other = np.array([1000, 1000, 1000, 0])
    fixed = _periods.moved(counts, other, quiet, alpha=0.01, least=0.02)
    assert fixed.value == pytest.approx([index(other[:3], row) for row in kept])
    one = _periods.moved(counts[:, :1], None, quiet, alpha=0.01, least=0.02)
    assert np.isnan(one.upper).all()
