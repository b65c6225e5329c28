"""Profiles add up; drift is measured as scipy measures it, and seldom named by chance."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlkit._tables import TableError
from mlkit.monitoring import Profile, drift, profile
from mlkit.monitoring import _two_samples as two


def table(rng, n=300, *, shift=0.0, classes=(0.5, 0.3, 0.2), missing=0.1):
    rng = np.random.default_rng(rng)
    loud = rng.normal(-20 + shift, 4, n)
    loud[rng.random(n) < missing] = np.nan
    return pd.DataFrame(
        {
            "item": [f"i{k}" for k in range(n)],
            "loud_db": loud,
            "heard": rng.poisson(3, n),
            "device": rng.choice(["a", "b", "c"], n, p=classes),
        }
    )


def same(one, other):
    assert one.n == other.n
    assert list(one.columns) == list(other.columns)
    for name, column in one.columns.items():
        beside = other.columns[name]
        assert column.missing == beside.missing
        if hasattr(column, "edges"):
            assert column.counts.tolist() == beside.counts.tolist()
            np.testing.assert_allclose(column.sums, beside.sums, rtol=1e-9, atol=1e-9)
        else:
            assert column.counts == beside.counts


class TestProfile:
    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_the_sum_of_parts_is_the_whole_in_any_order(self, data):
        values = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True, width=32))
        rows = data.draw(
            st.lists(st.tuples(values, st.sampled_from("abc")), min_size=1, max_size=40)
        )
        made = pd.DataFrame(rows, columns=["x", "c"]).astype({"x": float})
        cuts = sorted(data.draw(st.lists(st.integers(0, len(made)), max_size=3)))
        whole = profile(made, like=profile(made))
        parts = [
            profile(made.iloc[a:b], like=whole)
            for a, b in zip([0, *cuts], [*cuts, len(made)], strict=True)
        ]
        total = parts[-1]
        for part in parts[:-1]:
            total = total + part
        same(total, whole)

    def test_each_value_is_in_its_bin(self):
        made = pd.DataFrame({"x": [1.0, 1.0, 2.0, 5.0, np.nan, np.inf, -np.inf]})
        column = profile(made).columns["x"]
        assert column.edges.tolist() == [1.0, 2.0, 5.0]
        assert column.counts.tolist() == [1, 2, 1, 2]  # below 1; 1 to 2; 2 to 5; from 5 on
        assert column.sums.tolist() == [0.0, 2.0, 2.0, 5.0]
        assert (column.missing, column.smallest, column.largest) == (1, 1.0, 5.0)

    def test_many_values_share_about_a_thousand_bins(self):
        column = profile(pd.DataFrame({"x": np.random.default_rng(0).lognormal(size=50_000)}))
        counts = column.columns["x"].counts
        assert 990 <= len(counts) <= 1002
        assert counts.max() <= 60
        assert column.columns["x"].sums.sum() == pytest.approx(
            np.random.default_rng(0).lognormal(size=50_000).sum()
        )

    def test_a_file_and_back(self):
        one = profile(table(0))
        again = Profile.from_json(one.to_json())
        same(one, again)
        assert again.kinds == one.kinds
        same(profile(table(1), like=again), profile(table(1), like=one))
        with pytest.raises(ValueError, match="was written in version None of the form"):
            Profile.from_json('{"n": 1}')

    def test_a_sum_counts_the_next_rows_as_its_parts_do(self):
        codes = pd.DataFrame({"code": [0, 1, 2, 1]})
        one = profile(codes, kinds={"code": "class"})
        total = one + profile(codes, like=one)
        assert dict(total.kinds) == {"code": "class"}
        assert profile(codes, like=total).columns["code"].counts == {"0": 1, "1": 2, "2": 1}

    def test_items_and_times_are_no_columns_to_watch(self):
        made = table(0, 5).assign(timestamp="today", at=pd.Timestamp("2026-01-01"), known=True)
        assert dict(profile(made).kinds) == {
            "loud_db": "number", "heard": "number", "device": "class", "known": "class"
        }  # fmt: skip

    def test_length_brightness_and_loudness(self, tmp_path):
        import soundfile
        from PIL import Image

        Image.new("L", (4, 4), 51).save(tmp_path / "grey.png")
        soundfile.write(tmp_path / "half.wav", np.full(100, 0.5), 8000)
        made = pd.DataFrame(
            {
                "said": ["four", None],
                "picture": [str(tmp_path / "grey.png"), str(tmp_path / "absent.png")],
                "sound": [str(tmp_path / "half.wav"), str(tmp_path / "grey.png")],
            }
        )
        columns = profile(
            made, kinds={"said": "text", "picture": "image", "sound": "audio"}
        ).columns
        assert columns["said"].sums.sum() == 4
        assert columns["picture"].sums.sum() == pytest.approx(0.2)
        assert columns["sound"].sums.sum() == pytest.approx(20 * np.log10(0.5), abs=0.01)
        assert [one.missing for one in columns.values()] == [1, 1, 1]

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: profile([1]), "needs a pandas DataFrame; it was given a list"),
            (
                lambda: profile(table(0), kinds={"x": "text"}),
                "told the kind of 'x', and there is no",
            ),
            (
                lambda: profile(table(0).drop(columns="device"), like=profile(table(0))),
                "missing: 'device'",
            ),
            (
                lambda: profile(table(0).assign(loud_db="quiet"), like=profile(table(0))),
                "reads 'loud_db' as numbers, and cannot",
            ),
            (
                lambda: profile(table(0)) + profile(table(1)),
                "the column 'loud_db' cannot be added: their bins differ",
            ),
            (
                lambda: profile(pd.DataFrame({"id": [str(k) for k in range(10_001)]})),
                "10,001 different values in 'id', more than 10,000: an identifier",
            ),
        ],
    )
    def test_what_cannot_be_counted_is_told(self, make, words):
        with pytest.raises(TableError, match=words):
            make()

    def test_a_kind_that_is_none(self):
        with pytest.raises(ValueError, match="a kind is one of number, class, text"):
            profile(table(0), kinds={"device": "colour"})


class TestTwoSamples:
    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(st.integers(-4, 4), min_size=1, max_size=400),
        st.lists(st.integers(-4, 4), min_size=1, max_size=400),
        st.booleans(),
    )
    def test_the_distance_is_scipys_with_ties_and_without(self, one, other, spread):
        rng = np.random.default_rng(len(one))
        a, b = (np.sort(np.array(v) + spread * rng.random(len(v))) for v in (one, other))
        assert two.ks(a, b) == pytest.approx(
            stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-12
        )

    @pytest.mark.parametrize("sizes", [(50, 50), (50, 5000), (3000, 2000), (90_000, 40_000)])
    def test_p_is_scipys(self, sizes):
        rng = np.random.default_rng(0)
        for shift in (0, 0.5 / sizes[0] ** 0.5, 3 / sizes[0] ** 0.5):
            a, b = np.sort(rng.normal(size=sizes[0])), np.sort(rng.normal(shift, size=sizes[1]))
            theirs = stats.ks_2samp(a, b, method="asymp")
            assert two.ks_p(two.ks(a, b), *sizes) == pytest.approx(
                theirs.pvalue, rel=2e-3, abs=1e-12
            )

    def test_chi_square_is_scipys_where_nothing_is_rare(self):
        counts = np.array([[30, 50, 20], [40, 20, 60]])
        theirs = stats.chi2_contingency(counts, correction=False)
        statistic, p, left = two.chi_square(*counts)
        assert (statistic, p, left) == (
            pytest.approx(theirs.statistic),
            pytest.approx(theirs.pvalue),
            3,
        )

    def test_rare_classes_are_pooled_until_each_cell_expects_five(self):
        counts = np.array([[60, 30, 1, 1, 2], [70, 20, 3, 2, 0]])
        pooled = two.pooled(counts.astype(float))
        expected = np.outer(pooled.sum(1), pooled.sum(0)) / pooled.sum()
        assert expected.min() >= 4.9
        assert pooled.sum() == counts.sum()
        assert np.isnan(two.chi_square(np.array([5]), np.array([9]))[1])

    def test_psi_of_the_textbook(self):
        """Sum of (q - p) ln(q / p): 0.2 and 0.3 with the rest, by hand, without smoothing."""
        p, q = np.array([0.2, 0.8]), np.array([0.3, 0.7])
        by_hand = (0.1) * np.log(0.3 / 0.2) + (-0.1) * np.log(0.7 / 0.8)
        assert two.psi(p * 1e7, q * 1e7) == pytest.approx(by_hand, abs=1e-6)

    @pytest.mark.parametrize(
        ("counts", "left"),
        [
            # Expected in a cell is at least 5 from 5 x 189 / 94 = 10.05 labels of a class on.
            ([[60, 30, 1, 1, 2], [70, 20, 3, 2, 0]], [[34, 60], [25, 70]]),
            ([[5, 0, 45], [5, 0, 45]], [[5, 45], [5, 45]]),  # just enough
            ([[4, 6, 40], [5, 5, 40]], [[10, 40], [10, 40]]),
            ([[1, 1], [1, 1]], [[2], [2]]),
            ([[0, 0], [0, 0]], [[], []]),
        ],
    )
    def test_pooling_by_hand(self, counts, left):
        assert two.pooled(np.array(counts, float)).tolist() == left

    def test_indices_of_counts_by_hand(self):
        one, other = np.array([3, 1]), np.array([1, 3])
        # Half a count each: 0.7 and 0.3 against 0.3 and 0.7.
        assert two.psi(one, other) == pytest.approx(0.8 * np.log(7 / 3))
        # Both lie as far from 1/2 and 1/2: 0.75 log2 1.5 + 0.25 log2 0.5.
        apart = 0.75 * np.log2(1.5) + 0.25 * np.log2(0.5)
        assert two.jensen_shannon(one, other) == pytest.approx(apart**0.5)
        assert two.jensen_shannon(np.array([1, 0]), np.array([0, 1])) == pytest.approx(1)
        assert two.ks_binned(np.array([1, 1, 2]), np.array([2, 2, 0])) == 0.5
        for none in (two.jensen_shannon, two.ks_binned):
            assert np.isnan(none(np.zeros(2), one))
            assert np.isnan(none(one, np.zeros(2)))
        # 16.919 is the 95 % point of chi-square with 9 degrees of freedom.
        assert two.psi_noise(10, 2000, 500) == pytest.approx(16.919 * 0.0025, rel=1e-4)
        assert two.psi_noise(2, 100, 100) == pytest.approx(3.8415 * 0.02, rel=1e-4)
        for none in ((1, 5, 5), (9, 0, 5), (9, 5, 0)):
            assert np.isnan(two.psi_noise(*none))

    def test_groups_of_bins_by_hand(self):
        """A bin belongs where its middle lies: 1/8, 1/2 and 7/8 of the reference."""
        both = two.deciles(np.array([1, 2, 1]), np.array([5, 6, 7]), groups=2)
        assert both.tolist() == [[1, 3], [5, 13]]
        assert two.tenths(np.array([1, 0])).tolist() == [5, 9]
        assert two.deciles(np.zeros(2), np.array([1, 2])).tolist() == [[0, 0], [1, 2]]

    def test_the_area_between_two_distributions_by_hand(self):
        """Half of the values at 0 and half at 1, moved by one; then a tenth of them by 2."""
        places = np.array([0.0, 1.0, 2.0])
        half, moved = np.array([1, 1, 0]), np.array([0, 1, 1])
        assert two.wasserstein((places, places), half, moved) == pytest.approx(1)
        assert two.wasserstein((places, places), np.array([10, 0, 0]), np.array([9, 0, 1])) == (
            pytest.approx(0.2)
        )
        assert two.wasserstein((places, places + 3), half, half) == pytest.approx(3)
        nowhere = np.full(3, np.nan)
        assert np.isnan(two.wasserstein((places, places), np.zeros(3), moved))
        assert np.isnan(two.wasserstein((places, places), half, np.zeros(3)))
        assert np.isnan(two.wasserstein((nowhere, places), half, moved))

    @pytest.mark.parametrize("from_profiles", [False, True])
    def test_wasserstein_of_few_values_is_scipys(self, from_profiles):
        """No less than the means differ: from 0 and 1 in equal parts to 1 alone it is a half."""
        rng = np.random.default_rng(4)
        for a, b in (
            (np.repeat([0.0, 1.0], 50), np.ones(100)),
            (rng.poisson(2, 800), rng.poisson(3, 500)),
            (rng.integers(5, size=300), rng.integers(3, 9, size=300)),
            (np.ones(5), np.full(7, 2.0)),
        ):
            one, other = (pd.DataFrame({"x": x.astype(float)}) for x in (a, b))
            if from_profiles:
                one = profile(one)
                other = profile(other, like=one)
            found = drift(one, other).table.iloc[0]["wasserstein"]
            assert found >= abs(b.mean() - a.mean()) - 1e-12
            if b.max() <= a.max():
                assert found == pytest.approx(stats.wasserstein_distance(a, b), abs=1e-12)

    def test_infinite_values_lie_at_the_end_of_what_is_known(self):
        column = profile(pd.DataFrame({"x": [1.0, 2.0, 2.0, 4.0, np.inf, -np.inf]})).columns["x"]
        assert column.places.tolist() == [1.0, 1.0, 2.0, 4.0]
        only = profile(pd.DataFrame({"x": [np.inf]}))
        assert np.isnan(drift(only, only).table.iloc[0]["wasserstein"])

    def test_one_value_a_side(self):
        assert two.ks_p(0.75, 1, 1) == pytest.approx(0.5)  # one value lies as far out as that
        assert np.isnan(two.ks_p(np.nan, 1, 1))

    def test_the_index_by_chance_is_exceeded_once_in_twenty(self):
        rng = np.random.default_rng(1)
        edge = two.psi_noise(10, 2000, 500)
        p = np.full(10, 0.1)
        over = [
            two.psi(rng.multinomial(2000, p), rng.multinomial(500, p)) > edge for _ in range(2000)
        ]
        assert 0.03 < np.mean(over) < 0.07

    def test_wasserstein_is_scipys_within_a_bin(self):
        rng = np.random.default_rng(2)
        a, b = rng.normal(size=20_000), rng.normal(0.3, 1.2, 15_000)
        before = profile(pd.DataFrame({"x": a}))
        after = profile(pd.DataFrame({"x": b}), like=before)
        found = drift(before, after).table.iloc[0]["wasserstein"]
        assert found == pytest.approx(stats.wasserstein_distance(a, b), rel=0.01)


class TestDrift:
    @pytest.mark.parametrize("sizes", [(50, 1000), (2000, 300)])
    @pytest.mark.parametrize("from_profiles", [False, True])
    def test_without_drift_any_column_is_named_seldom(self, sizes, from_profiles):
        """20 columns a table: numbers, counts, classes, with missing values."""
        rng = np.random.default_rng(3)
        named = 0
        runs = 80

        def made(n):
            numbers = {f"x{k}": rng.normal(size=n) for k in range(8)}
            counts = {f"n{k}": rng.poisson(2, n).astype(float) for k in range(6)}
            names = {
                f"c{k}": rng.choice(list("abcd"), n, p=[0.6, 0.3, 0.08, 0.02]) for k in range(6)
            }
            whole = pd.DataFrame(numbers | counts | names)
            return whole.mask(rng.random(whole.shape) < 0.05)

        for _ in range(runs):
            before, after = made(sizes[0]), made(sizes[1])
            if from_profiles:
                before = profile(before)
                after = profile(after, like=before)
            named += bool(drift(before, after, least=0).drifted)
        # 5 % of 80 with its Monte-Carlo error: at most 9.
        assert named <= 9

    def test_a_shift_is_found_and_ranked(self):
        before, after = table(0, 2000), table(1, 2000, shift=2, classes=(0.4, 0.3, 0.3))
        found = drift(before, after)
        assert found.drifted[0] == "loud_db"
        assert "heard" not in found.drifted
        assert found.table["column"].iloc[0] == "loud_db"
        assert "3 columns drifted" in repr(found)

    def test_each_row_is_what_scipy_makes_of_the_two_columns(self):
        before, after = table(0, 800), table(1, 600, shift=1, classes=(0.4, 0.3, 0.3), missing=0.2)
        before["heard"] %= 4  # few numbers, none rare
        after["heard"] %= 4
        found = drift(before, after).table.set_index(["column", "what"])
        assert len(found) == 4
        one, other = before["loud_db"].dropna(), after["loud_db"].dropna()
        row = found.loc[("loud_db", "values")]
        theirs = stats.ks_2samp(one, other, method="asymp")
        assert row["statistic"] == pytest.approx(theirs.statistic)
        assert row["p"] == pytest.approx(theirs.pvalue, rel=2e-3)
        assert row["wasserstein"] == pytest.approx(stats.wasserstein_distance(one, other), rel=2e-3)
        assert row["said"] == f"mean {one.mean():.4g} before, {other.mean():.4g} now."
        # A tenth of the reference's values in each of ten groups.
        cuts = np.sort(one)[(len(one) * np.arange(1, 10) + 5) // 10]
        tenths = [np.bincount(np.searchsorted(cuts, x, side="right")) for x in (one, other)]
        assert row["psi"] == pytest.approx(two.psi(*tenths), rel=0.02)
        crossed = {
            "heard": pd.crosstab(np.r_[np.zeros(800), np.ones(600)],
                                 np.r_[before["heard"], after["heard"]]),
            "device": pd.crosstab(np.r_[np.zeros(800), np.ones(600)],
                                  np.r_[before["device"], after["device"]]),
        }  # fmt: skip
        gone = [[x["loud_db"].isna().sum(), x["loud_db"].notna().sum()] for x in (before, after)]
        for key, counts in {
            ("heard", "values"): crossed["heard"].to_numpy(),
            ("device", "values"): crossed["device"].to_numpy(),
            ("loud_db", "missing"): np.array(gone),
        }.items():
            row = found.loc[key]
            theirs = stats.chi2_contingency(counts, correction=False)
            assert row["statistic"] == pytest.approx(theirs.statistic)
            assert row["p"] == pytest.approx(theirs.pvalue)
            p, q = (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)
            assert row["psi"] == pytest.approx(((q - p) * np.log(q / p)).sum())
            assert row["js"] == pytest.approx(two.jensen_shannon(*counts))
            noise = stats.chi2.ppf(0.95, counts.shape[1] - 1) * (1 / 800 + 1 / 600)
            assert row["psi_noise"] == pytest.approx(noise)
        np.testing.assert_allclose(found["q"], stats.false_discovery_control(found["p"]))
        assert found["drifted"].equals((found["q"] <= 0.05) & (found["psi"] >= 0.02))
        share = [100 * x["loud_db"].isna().mean() for x in (before, after)]
        said = f"missing: {share[0]:.1f} % before, {share[1]:.1f} % now."
        assert found.loc[("loud_db", "missing"), "said"] == said

    def test_what_is_called_drifted_is_at_least_as_far_as_asked(self):
        before, after = table(0, 2000), table(1, 2000, shift=1)
        psi = drift(before, after).table.iloc[0]["psi"]
        assert drift(before, after, least=psi).drifted == ("loud_db",)
        assert drift(before, after, least=psi + 1e-9).drifted == ()

    @pytest.mark.parametrize("side", ["tables", "profile", "reference"])
    def test_columns_are_what_they_are_said_to_be(self, side):
        before, after = (
            pd.DataFrame({"code": np.random.default_rng(k).integers(40, size=900) + 100})
            for k in (0, 1)
        )
        one = before
        if side == "profile":
            one = profile(before, kinds={"code": "class"})
        if side == "reference":
            after = profile(after, like=profile(before, kinds={"code": "class"}))
            one = profile(before, kinds={"code": "class"})
        found = drift(one, after, kinds={"code": "class"} if side == "tables" else None)
        assert found.table["test"].tolist() == ["chi-square"]
        assert found.table["wasserstein"].isna().all()
        assert drift(before, before).table["test"].tolist() == ["Kolmogorov-Smirnov"]

    def test_missing_values_are_a_column_of_their_own(self):
        found = drift(table(0, 1000), table(1, 1000, missing=0.3)).table
        row = found[(found["column"] == "loud_db") & (found["what"] == "missing")].iloc[0]
        assert row["drifted"]
        assert row["said"].startswith("missing: ")

    def test_a_new_class_is_named(self):
        after = table(1, 500)
        after.loc[:99, "device"] = "z"
        found = drift(table(0, 500), after)
        assert found.drifted == ("device",)
        assert "New: 'z' (20.0 % of the rows)" in found.table.iloc[0]["said"]

    def test_profiles_say_nearly_what_tables_say(self):
        before, after = table(0, 5000), table(1, 4000, shift=0.4)
        exact = drift(before, after).table.set_index(["column", "what"])
        one = profile(before)
        binned = drift(one, profile(after, like=one)).table.set_index(["column", "what"])
        key = ("loud_db", "values")
        largest = one.columns["loud_db"].counts.max() / one.columns["loud_db"].n
        gap = exact.loc[key, "statistic"] - binned.loc[key, "statistic"]
        assert 0 <= gap <= largest + 1e-3
        assert exact.loc[key, "psi"] == binned.loc[key, "psi"]

    def test_a_column_without_values_is_told_and_not_tested(self):
        found = drift(table(0), table(1).assign(loud_db=np.nan))
        row = found.table[(found.table["column"] == "loud_db") & (found.table["what"] == "values")]
        assert row["p"].isna().all()
        assert row["said"].iloc[0] == "the current table has no value in this column."

    @pytest.mark.parametrize(("values", "test"), [(20, "chi-square"), (21, "Kolmogorov-Smirnov")])
    def test_twenty_numbers_are_compared_as_classes(self, values, test):
        before = pd.DataFrame({"x": np.tile(np.arange(float(values)), 30)})
        after = pd.DataFrame({"x": np.repeat(np.arange(float(values)), 20)})
        one = profile(before)
        for found in (drift(before, after), drift(one, profile(after, like=one))):
            assert found.table["test"].tolist() == [test]
            assert found.table["p"].tolist() == [pytest.approx(1)]

    @pytest.mark.parametrize("alpha", [0, 1])
    def test_a_rate_of_none_or_of_all_is_no_rate(self, alpha):
        with pytest.raises(ValueError, match=r"alpha lies between 0 and 1, for example 0\.05"):
            drift(table(0), table(1), alpha=alpha)

    def test_a_profile_needs_a_profile(self):
        with pytest.raises(TableError, match="needs a profile of the reference beside a profile"):
            drift(table(0), profile(table(1)))

    def test_neither_side_may_be_something_else(self):
        with pytest.raises(
            TableError, match=r"drift\(\) needs current as a pandas DataFrame or a p"
        ):
            drift(table(0), None)

    def test_it_shows_itself(self):
        found = drift(table(0, 2000), table(1, 2000, shift=2))
        assert "<table" in found._repr_html_()
        assert found.plot().get_xlabel() == "population stability index (PSI)"


def test_partitions_on_a_cluster_add_up_to_one_machine():
    """Eight partitions on three processes: the same counts, so the same drift."""
    from dask.distributed import Client, LocalCluster

    whole = table(0, 4000)
    first = profile(whole.iloc[:500])
    with (
        LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        parts = [whole.iloc[k : k + 500] for k in range(0, 4000, 500)]
        total, *others = client.gather(client.map(profile, parts, like=first))
    for other in others:
        total = total + other
    same(total, profile(whole, like=first))
    one = drift(first, total).table
    pd.testing.assert_frame_equal(one, drift(first, profile(whole, like=first)).table)
