"""With nothing changed each test rings as rarely as it says, at any size; changed, as scipy does.

Rates are held to exact binomial bounds, at one in 10,000 for each. The sizes of a million are in
benchmarks/drift_null.py.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mlkit.monitoring import _columns, _stream, drift, profile
from mlkit.monitoring import _two_samples as two

SIZES = [(50, 50), (50, 500), (500, 50), (50, 5000), (5000, 50), (500, 500), (5000, 5000),
         (50_000, 500)]  # fmt: skip
RARE = 1e-4
SHARES = np.array([0.5, 0.3, 0.15, 0.04, 0.01])


def holds(hits, alpha, *, least=0.3):
    """No more often than alpha, and not so seldom that it could not ring at all."""
    hits = np.asarray(hits, bool)
    count, n = int(hits.sum()), len(hits)
    most = stats.binom(n, alpha).ppf(1 - RARE)
    fewest = stats.binom(n, least * alpha).ppf(RARE)
    assert fewest <= count <= most, f"{count} of {n} at {alpha}"


def binned(ordered_a, ordered_b):
    before = _columns.of_sorted(ordered_a, 0, None)
    return before, _columns.of_sorted(ordered_b, 0, before.edges)


class TestNothingChanged:
    @pytest.mark.parametrize(("n", "m"), SIZES)
    def test_each_test_alone(self, n, m):
        rng = np.random.default_rng(n + m)
        runs = 500 if n + m < 9000 else 150
        found = {name: [] for name in ("exact", "binned", "chi", "tenths", "names")}
        for _ in range(runs):
            a, b = np.sort(rng.normal(size=n)), np.sort(rng.normal(size=m))
            found["exact"].append(two.ks_p(two.ks(a, b), n, m))
            before, after = binned(a, b)
            found["binned"].append(two.ks_p(two.ks_binned(before.counts, after.counts), n, m))
            tenths = two.deciles(before.counts, after.counts)
            found["tenths"].append(two.psi(*tenths) > two.psi_noise(10, n, m))
            counts = two.pooled(
                np.stack([rng.multinomial(n, SHARES), rng.multinomial(m, SHARES)]).astype(float)
            )
            _, p, left = two.homogeneity(counts)
            found["chi"].append(p)
            found["names"].append(two.psi(*counts) > two.psi_noise(left, n, m))
        for name in ("exact", "binned", "chi"):
            for alpha in (0.05, 0.01):
                holds(np.array(found[name]) <= alpha, alpha)
        holds(found["tenths"], 0.05)
        holds(found["names"], 0.05)

    @pytest.mark.parametrize(("n", "m"), [(50, 50), (50, 500), (500, 50), (5000, 500)])
    @pytest.mark.parametrize("profiled", [False, True])
    def test_drift_as_a_whole(self, n, m, profiled):
        rng = np.random.default_rng(n * m + profiled)

        def made(size):
            return pd.DataFrame(
                {
                    "a": rng.normal(size=size),
                    "b": rng.lognormal(size=size).round(1),
                    "c": rng.poisson(2, size).astype(float),
                    "d": rng.choice(list("abcde"), size, p=SHARES),
                }
            ).mask(rng.random((size, 4)) < 0.05)

        named = []
        for _ in range(80):
            before, after = made(n), made(m)
            if profiled:
                before = profile(before)
                after = profile(after, like=before)
            named.append(bool(drift(before, after, least=0).drifted))
        holds(named, 0.05, least=0.0)

    @pytest.mark.parametrize(("n0", "n"), [(50, 50), (500, 50), (5000, 500), (500, 5000)])
    def test_the_window_test_of_concept(self, n0, n):
        rng = np.random.default_rng(n0 + n)
        came = np.arange(n0 + n) + 1
        given = _stream.Stream(came, came, came - 1, n0, np.array([n0 + n]))
        low = [
            _stream.windows(given, (rng.random(n0 + n) < 0.85).astype(float))["p"].iloc[0]
            for _ in range(250)
        ]
        holds(np.array(low) < 0.05, 0.05, least=0.2)
        holds(np.array(low) < 0.01, 0.01, least=0.0)

    def test_adwin_and_page_hinkley_at_their_defaults(self):
        """River's own settings name no rate; on 2,500 requests they rarely ring, and say less."""
        rng = np.random.default_rng(0)
        came = np.arange(2500)
        given = _stream.Stream(came, came, came, 500, np.array([2499]))
        rose = [
            _stream.rises(given, rng.random(2500) < 0.1, adwin=0.002, page_hinkley=50.0)
            for _ in range(60)
        ]
        for name in (_stream.ADWIN, _stream.PAGE_HINKLEY):
            assert sum(len(one[name]) > 0 for one in rose) <= 6


def tail(rng, m):
    return np.where(rng.random(m) < 0.1, rng.normal(4, 1, m), rng.normal(size=m))


CHANGES = {
    "mean": lambda rng, m: rng.normal(0.2, 1, m),
    "scale": lambda rng, m: rng.normal(0, 1.35, m),
    "tail": tail,
}


class TestAsScipyDoes:
    """On tables the same decisions; from profiles a little power is the price of small files."""

    @pytest.mark.parametrize("change", CHANGES)
    @pytest.mark.parametrize(("n", "m"), [(300, 300), (2000, 300)])
    def test_power_for_numbers(self, change, n, m):
        rng = np.random.default_rng(len(change) + n)
        ours, theirs, coarse = [], [], []
        for _ in range(80):
            a, b = np.sort(rng.normal(size=n)), np.sort(CHANGES[change](rng, m))
            ours.append(two.ks_p(two.ks(a, b), n, m) <= 0.05)
            theirs.append(stats.ks_2samp(a, b, method="asymp").pvalue <= 0.05)
            before, after = binned(a, b)
            coarse.append(two.ks_p(two.ks_binned(before.counts, after.counts), n, m) <= 0.05)
        assert ours == theirs
        assert 0.2 < np.mean(theirs) <= 1
        assert np.mean(coarse) >= np.mean(theirs) - 0.1

    def test_power_for_names(self):
        rng = np.random.default_rng(4)
        ours, theirs = [], []
        for _ in range(150):
            counts = np.stack([rng.multinomial(600, [0.5, 0.3, 0.2]),
                               rng.multinomial(300, [0.42, 0.36, 0.22])])  # fmt: skip
            ours.append(two.chi_square(*counts)[1] <= 0.05)
            theirs.append(stats.chi2_contingency(counts, correction=False).pvalue <= 0.05)
        assert ours == theirs
        assert 0.3 < np.mean(theirs) < 0.95

    @pytest.mark.parametrize("change", CHANGES)
    def test_the_error_of_bins_is_as_stated(self, change):
        """At most the share of the largest bin of either side too small, and never too large."""
        rng = np.random.default_rng(5)
        for n, m in ((40, 3000), (3000, 40), (20_000, 4000)):
            a = np.sort(rng.normal(size=n).round(2))
            b = np.sort(CHANGES[change](rng, m).round(2))
            before, after = binned(a, b)
            largest = max(one.counts.max() / one.n for one in (before, after))
            gap = stats.ks_2samp(a, b, method="asymp").statistic - two.ks_binned(
                before.counts, after.counts
            )
            assert -1e-12 <= gap <= largest

    def test_wasserstein_is_scipys_within_the_width_of_a_bin(self):
        rng = np.random.default_rng(6)
        for shift in (0.0, 0.1, 1.0):
            a, b = np.sort(rng.normal(size=8000)), np.sort(rng.normal(shift, 1, 3000))
            before, after = binned(a, b)
            ends = min(a[0], b[0]), max(a[-1], b[-1])
            places = before.places, after.places
            ours = two.wasserstein(places, before.counts, after.counts)
            # Within a bin of 1 in 1,000 either function rises by its share; widths add up to all.
            inner = np.diff(before.edges) @ (before.counts[1:-1] / before.n)
            inner += np.diff(before.edges) @ (after.counts[1:-1] / after.n)
            outer = (
                (before.edges[0] - ends[0] + ends[1] - before.edges[-1])
                * 2
                * (after.counts[[0, -1]].max() / after.n + before.counts[[0, -1]].max() / before.n)
            )
            assert abs(ours - stats.wasserstein_distance(a, b)) <= inner + outer
            assert ours == pytest.approx(stats.wasserstein_distance(a, b), rel=2e-3, abs=0.002)
