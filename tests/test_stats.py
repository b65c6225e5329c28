import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import proportion_confint

from mlkit import _stats


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_is_what_statsmodels_gives(confidence):
    successes, n = np.array([0, 1, 5, 50, 99, 100]), np.array([10, 10, 10, 100, 100, 100])
    ours = _stats.wilson(successes, n, confidence=confidence)
    theirs = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_wilson_of_nothing_is_nan():
    low, high = _stats.wilson([0, 1], [0, 2])
    assert np.isnan([low[0], high[0]]).all()
    assert not np.isnan([low[1], high[1]]).any()


@given(st.integers(1, 500), st.data())
def test_wilson_holds_the_share_and_stays_inside(n, data):
    k = data.draw(st.integers(0, n))
    low, high = _stats.wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1


@pytest.mark.parametrize(("successes", "n"), [(5, 4), (-1, 4)])
def test_wilson_refuses_impossible_counts(successes, n):
    with pytest.raises(ValueError, match="between 0 and n"):
        _stats.wilson(successes, n)


def test_confidence_in_percent_is_told():
    with pytest.raises(ValueError, match=r"between 0 and 1, for example 0\.95; got 95"):
        _stats.wilson(1, 2, confidence=95)


def pairs(both, broken, mended, neither):
    """Answers before and after with these four counts."""
    before = np.repeat([1, 1, 0, 0], [both, broken, mended, neither])
    after = np.repeat([1, 0, 1, 0], [both, broken, mended, neither])
    return before, after


def test_mcnemar_is_what_statsmodels_gives():
    for both, broken, mended, neither in [(40, 3, 9, 8), (10, 0, 5, 1), (7, 4, 4, 2), (9, 0, 0, 1)]:
        ours = _stats.paired(*pairs(both, broken, mended, neither))
        theirs = statsmodels_mcnemar([[both, broken], [mended, neither]], exact=True)
        assert ours.p == pytest.approx(theirs.pvalue)
        assert (ours.broken, ours.mended) == (broken, mended)


def test_mcnemar_p_is_the_binomial_of_the_changed():
    assert _stats.mcnemar(9, 1) == pytest.approx(binomtest(9, 10).pvalue)
    assert _stats.mcnemar(0, 0) == 1.0


@pytest.mark.parametrize(
    ("both", "broken", "mended", "neither"),
    [(60, 5, 20, 15), (5, 2, 6, 12), (180, 4, 9, 7), (0, 0, 30, 0)],
)
def test_paired_interval_turns_round_when_before_and_after_are_swapped(
    both, broken, mended, neither
):
    one = _stats.paired(*pairs(both, broken, mended, neither))
    two = _stats.paired(*pairs(both, mended, broken, neither))
    assert (one.low, one.high) == pytest.approx((-two.high, -two.low))
    assert one.low <= one.difference <= one.high


def test_paired_interval_covers():
    """Drawn from a known table, 95 % intervals hold the true difference in 93 to 97.5 %."""
    rng = np.random.default_rng(0)
    truth = np.array([0.60, 0.05, 0.12, 0.23])  # both, broken, mended, neither
    draws = rng.multinomial(150, truth, size=2000)
    inside = 0
    for row in draws:
        low, high = _stats._newcombe(*(int(row[i]) for i in (0, 2, 1, 3)), 0.95)
        inside += low <= truth[2] - truth[1] <= high
    assert 0.93 <= inside / len(draws) <= 0.975


@pytest.mark.parametrize(
    "counts", [(59, 6, 16, 80), (30, 2, 3, 25), (3, 2, 1, 4), (5, 20, 30, 5), (20, 0, 5, 0)]
)
def test_paired_interval_is_built_from_two_of_wilson_and_the_correlation(counts):
    """Method 10 the other way round: the association as numpy's correlation, then corrected."""
    before, after = pairs(*counts)
    ours, n = _stats.paired(before, after), before.size
    assert (ours.n, ours.before, ours.after) == (n, before.mean(), after.mean())
    ends = {}
    for name, values in (("before", before), ("after", after)):
        ends[name] = proportion_confint(values.sum(), n, method="wilson")
    spread = before.std() * after.std()
    phi = np.corrcoef(before, after)[0, 1] if spread else 0.0
    if phi > 0:  # n/2 off the product of the counts, in units of a correlation
        phi = max(phi - 1 / (2 * n * spread), 0)
    a, b = after.mean() - ends["after"][0], ends["before"][1] - before.mean()
    c, d = before.mean() - ends["before"][0], ends["after"][1] - after.mean()
    assert ours.low == pytest.approx(ours.difference - np.sqrt(a * a - 2 * phi * a * b + b * b))
    assert ours.high == pytest.approx(ours.difference + np.sqrt(c * c - 2 * phi * c * d + d * d))


@pytest.mark.parametrize(("confidence", "z"), [(0.95, 1.959964), (0.9, 1.644854), (0.5, 0.67449)])
def test_z_score_is_the_tables(confidence, z):
    assert _stats.z_score(confidence) == pytest.approx(z, abs=1e-6)


@pytest.mark.parametrize("confidence", [0, 1, -0.1, 1.5])
def test_z_score_has_no_ends(confidence):
    with pytest.raises(ValueError, match="confidence lies between 0 and 1"):
        _stats.z_score(confidence)


def test_bootstrap_of_several_figures_gives_an_interval_of_each():
    x = np.column_stack([np.arange(50.0), 1000 + np.arange(50.0)])
    low, high = _stats.bootstrap(lambda t: t @ x / t.sum(), 50, rng=0)
    assert low.shape == high.shape == (2,)
    np.testing.assert_allclose([low[1] - low[0], high[1] - high[0]], 1000)
    with pytest.raises(ValueError, match=r"stratum of each of the 50 items; got \(3,\)"):
        _stats.bootstrap(lambda t: t[0], 50, strata=[1, 2, 3])


def test_paired_of_nothing_and_of_different_items():
    nothing = _stats.paired([], [])
    assert (nothing.n, nothing.mended, nothing.broken) == (0, 0, 0)
    assert np.isnan([nothing.before, nothing.after, nothing.difference, nothing.p]).all()
    assert np.isnan([nothing.low, nothing.high]).all()
    with pytest.raises(ValueError, match="same items: 2 against 3"):
        _stats.paired([1, 0], [1, 0, 1])


def test_bootstrap_of_a_mean_agrees_with_its_standard_error():
    x = np.random.default_rng(1).normal(size=400)
    low, high = _stats.bootstrap(lambda t: t @ x / t.sum(), 400, replicates=3000, rng=2)
    half = 1.959964 * x.std() / 20
    assert low == pytest.approx(x.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(x.mean() + half, abs=0.1 * half)


def test_bootstrap_draws_each_stratum_at_its_own_size():
    strata = np.array(["a"] * 3 + ["b"] * 7)
    low, high = _stats.bootstrap(lambda t: t[:3].sum(), 10, strata=strata, rng=0, replicates=50)
    assert low == high == 3


def test_bootstrap_is_seeded_and_leaves_the_global_state():
    np.random.seed(5)  # noqa: NPY002 - the global state is what must not move
    first = np.random.random()  # noqa: NPY002 - as above
    np.random.seed(5)  # noqa: NPY002 - as above
    x = np.arange(20.0) ** 2
    one = _stats.bootstrap(lambda t: t @ x / 20, 20, rng=3)
    assert np.random.random() == first  # noqa: NPY002 - as above
    assert one == _stats.bootstrap(lambda t: t @ x / 20, 20, rng=3)
    assert one != _stats.bootstrap(lambda t: t @ x / 20, 20, rng=4)
