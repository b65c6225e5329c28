"""Rows unlike the reference are found, and seldom are rows like it among them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mlkit._tables import TableError
from mlkit.monitoring import anomalies


def table(rng=0, n=400, *, strange=0, first=0):
    rng = np.random.default_rng(rng)
    loud = rng.normal(-20, 4, n)
    loud[:strange] = 20
    made = pd.DataFrame(
        {
            "item": [f"i{first + k}" for k in range(n)],
            "loud_db": loud,
            "device": rng.choice(["a", "b"], n, p=[0.8, 0.2]),
            "age": np.where(rng.random(n) < 0.2, np.nan, rng.integers(18, 80, n)),
        }
    )
    made.iloc[:strange, 2] = "new"
    return made


class TestSimulated:
    def test_rows_like_the_reference_have_flat_p(self):
        found = [anomalies(table(k, 1), table(k + 1000, 200), trees=20, rng=k) for k in range(80)]
        p = np.array([one.table["p"].iloc[0] for one in found])
        for level in (0.1, 0.3):
            assert (p <= level).sum() <= stats.binom.ppf(0.999, 80, level)
        assert stats.kstest(p, "uniform").pvalue > 0.001

    def test_false_discoveries_are_held(self):
        shares, caught = [], []
        for k in range(25):
            found = anomalies(
                table(k, 100, strange=10), table(k + 1000), alpha=0.2, trees=50, rng=k
            )
            named = found.table.loc[found.table["anomaly"], "item"]
            strange = named.isin([f"i{j}" for j in range(10)])
            shares.append((~strange).sum() / max(len(named), 1))
            caught.append(strange.sum() / 10)
        # Held on average: the mean of 25 may lie a little above.
        assert np.mean(shares) <= 0.2 * 0.9 + 2.6 * np.std(shares) / 25**0.5
        assert np.mean(caught) > 0.7

    def test_with_nothing_strange_seldom_anything_is_called_so(self):
        any_named = [
            anomalies(table(k, 50), table(k + 1000, 300), trees=20, rng=k).share > 0
            for k in range(60)
        ]
        assert sum(any_named) <= stats.binom.ppf(0.999, 60, 0.1)


class TestTable:
    def test_p_is_the_share_of_the_half_kept_apart(self):
        found = anomalies(table(1, 50), table(0, 401), trees=20, rng=0)
        steps = found.table["p"] * 201
        np.testing.assert_allclose(steps, steps.round())
        assert found.table["score"].is_monotonic_decreasing
        assert found.table["p"].is_monotonic_increasing

    def test_the_rarest_column_is_named(self):
        now = table(1, 60)
        now.loc[:9, "device"] = "new"
        now.loc[10:19, "loud_db"] = 500
        told = anomalies(now, table(0), trees=50, rng=0).table.set_index("item")["unusual"]
        assert set(told[[f"i{k}" for k in range(10)]]) == {"device"}
        assert set(told[[f"i{k}" for k in range(10, 20)]]) == {"loud_db"}

    def test_the_same_seed_gives_the_same_and_the_tables_stay(self):
        now, before = table(1, 50), table(0)
        kept = now.copy()
        one, other = (anomalies(now, before, trees=20, rng=3).table for _ in range(2))
        pd.testing.assert_frame_equal(one, other)
        pd.testing.assert_frame_equal(now, kept)

    def test_it_shows_itself(self):
        found = anomalies(table(1, 50, strange=20), table(0), trees=20, rng=0)
        assert "▲ anomaly" in found._repr_html_()
        assert found.plot().get_figure().get_label() == repr(found)
        assert "of 50 rows unlike the reference" in repr(found)


class TestEdges:
    def test_too_small_a_reference_for_few_anomalies_is_told(self):
        found = anomalies(table(1, 100), table(0, 40), trees=20, rng=0)
        # 20 rows kept: p is 1 / 21 at least, and 1 / 21 * 100 / 0.1 is 47.6.
        assert any("no fewer than 48 anomalies" in note for note in found.notes)

    def test_infinite_and_missing_values(self):
        now = table(1, 30)
        now.loc[0, "loud_db"] = np.inf
        now.loc[1:, "loud_db"] = np.nan
        assert anomalies(now, table(0), trees=20, rng=0).table["p"].notna().all()

    def test_what_is_wrong_is_named(self):
        with pytest.raises(TableError, match="needs a reference of 20 rows or more; it has 5"):
            anomalies(table(), table(n=5))
        with pytest.raises(TableError, match="found no column 'x' in both tables"):
            anomalies(table(), table(), columns=["x"])
        with pytest.raises(TableError, match="needs a feature that both tables have"):
            anomalies(table()[["item"]], table())
        with pytest.raises(TableError, match="found numbers in 'age' of one table"):
            anomalies(table().assign(age="old"), table())
        with pytest.raises(ValueError, match="alpha lies between 0 and 1"):
            anomalies(table(), table(), alpha=0)
