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
