"""The same items through two paths: what the path did is told apart from what the world did."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkit import _stats
from mlkit._tables import TableError
from mlkit.monitoring import skew


def table(rng=0, n=600, *, first=0, loud=0.0):
    rng = np.random.default_rng(rng)
    return pd.DataFrame(
        {
            "item": [f"i{first + k}" for k in range(n)],
            "loud_db": rng.normal(-20 + loud, 4, n),
            "rate_hz": rng.choice([8000, 16000], n),
            "device": rng.choice(["a", "b"], n),
            "age": np.where(rng.random(n) < 0.2, np.nan, rng.integers(18, 80, n)),
        }
    )


def row(found, name):
    return found.table.set_index("column").loc[name]


class TestToldApart:
    def test_the_same_values_are_alike(self):
        found = skew(table(), table())
        assert (found.differs, found.skewed, found.n) == (0, (), 600)
        assert set(found.table["verdict"]) == {"alike"}
        assert found.high == pytest.approx(float(_stats.wilson(0, 600)[1]))

    def test_a_path_that_fills_missing_values_is_skew(self):
        one = table()
        found = skew(one, one.assign(age=one["age"].fillna(0)))
        assert found.skewed == ("age",)
        told = row(found, "age")
        assert told["differs"] == one["age"].isna().mean() == found.differs
        assert told["verdict"] == "skew, perhaps drift"
        assert "missing in training alone" in told["said"]
        assert "missing → 0" in told["examples"]

    def test_a_small_skew_that_no_drift_shows(self):
        one = table()
        found = skew(one, one.assign(loud_db=one["loud_db"] + 0.1))
        told = row(found, "loud_db")
        assert told["verdict"] == "skew"
        assert (told["differs"], told["drifted"]) == (1, False)
        assert told["shift"] == pytest.approx(0.1)

    def test_other_items_alone_are_drift_and_no_skew(self):
        one, new = table(), table(1, first=600, loud=6)
        found = skew(one, pd.concat([one[:100], new]))
        assert found.skewed == ()
        assert row(found, "loud_db")["verdict"] == "drift"
        assert row(found, "device")["verdict"] == "alike"
        assert found.n == 100
        assert "Drifted without skew: loud_db." in repr(found)

    def test_the_order_of_rows_is_nothing(self):
        one = table()
        assert skew(one, one.sample(frac=1, random_state=0)).differs == 0


class TestValues:
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.floats(allow_infinity=True, width=32),
                st.floats(allow_infinity=True, width=32),
            ),
            min_size=1,
            max_size=30,
        )
    )
    def test_numbers_differ_as_by_hand(self, pairs):
        names = [f"i{k}" for k in range(len(pairs))]
        one, other = (
            pd.DataFrame({"item": names, "x": np.array(side)}) for side in zip(*pairs, strict=True)
        )
        found = skew(one, other, tolerance=1e-9)
        by_hand = [not (a == b or (a != a and b != b)) for a, b in pairs]
        assert row(found, "x")["differs"] == np.mean(by_hand)
        assert row(skew(other, one, tolerance=1e-9), "x")["differs"] == np.mean(by_hand)

    def test_rounding_is_no_difference_unless_asked(self):
        one = table()
        narrow = one.assign(loud_db=one["loud_db"].astype("float32"))
        assert skew(one, narrow).differs == 0
        assert skew(one, narrow, tolerance=0).differs > 0.9

    def test_numbers_written_as_text_are_told(self):
        one = table()
        found = skew(one, one.assign(rate_hz=one["rate_hz"].astype(str) + ".0"))
        told = row(found, "rate_hz")
        assert told["differs"] == 1
        assert "numbers in training alone." in told["said"]
        assert np.isnan(told["psi"])

    def test_differences_in_several_columns_are_counted_once_an_item(self):
        one, other = table(), table()
        other.loc[:59, "device"] = "c"
        other.loc[30:89, "rate_hz"] = 44100
        found = skew(one, other)
        assert found.differs == 90 / 600
        assert row(found, "device")["examples"].startswith("i0: ")


class TestEdges:
    def test_columns_of_one_table_alone_are_told(self):
        found = skew(table().assign(label="a"), table())
        assert any("Only in training: 'label'" in note for note in found.notes)

    def test_no_item_in_common(self):
        with pytest.raises(TableError, match=r"no item stands in both tables.*'i0'.*'i600'"):
            skew(table(), table(first=600))

    def test_no_column_in_common(self):
        with pytest.raises(TableError, match="needs columns that both tables have"):
            skew(table()[["item", "age"]], table()[["item", "device"]])

    def test_an_item_twice(self):
        with pytest.raises(TableError, match="more than once"):
            skew(table(), pd.concat([table(), table()[:1]]))

    def test_one_item(self):
        found = skew(table(n=1), table(1, n=1))
        assert found.n == 1
        assert 0 <= found.low <= found.differs <= found.high <= 1

    def test_what_is_asked_is_checked(self):
        with pytest.raises(ValueError, match="tolerance is a share"):
            skew(table(), table(), tolerance=-1)

    def test_the_tables_are_left_alone(self):
        one, other = table(), table(1)
        kept = one.copy(), other.copy()
        skew(one, other)
        pd.testing.assert_frame_equal(one, kept[0])
        pd.testing.assert_frame_equal(other, kept[1])

    def test_it_shows_itself(self):
        one = table().assign(device="<b>")
        found = skew(one, table())
        html = found._repr_html_()
        assert "&lt;b&gt;" in html
        assert "<b>" not in html
        ax = found.plot()
        assert ax.get_figure().get_label() == repr(found)
