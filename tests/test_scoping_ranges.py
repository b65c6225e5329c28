"""Ranges: totals and chains against closed forms, data needs against brute force."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlkit import _stats, scoping
from mlkit.scoping import _needs, _ranges

WEEKS = pd.DataFrame(
    {
        "part": ["collect", "label", "train"],
        "low": [2.0, 1, 3],
        "likely": [3.0, 2, 3],
        "high": [8.0, 6, 4],
        "unit": "weeks",
    }
)
LINKS = pd.DataFrame(
    {
        "metric": ["accuracy", "wrong bays", "cost"],
        "level": ["machine learning", "software", "business"],
        "unit": ["points", "a day", "EUR a day"],
        "low": [2.0, -9, 8],
        "likely": [3.0, -5, 10],
        "high": [4.0, -4, 12],
    }
)
ENDS = ["low", "likely", "high"]


def independent(row, shape):
    """scipy's distribution of one row."""
    low, likely, high = row[ENDS].astype(float)
    split = (likely - low) / (high - low)
    if shape == "pert":
        return stats.beta(1 + 4 * split, 5 - 4 * split, loc=low, scale=high - low)
    return stats.triang(split, loc=low, scale=high - low)


class TestRanges:
    @pytest.mark.parametrize("shape", ["triangular", "pert"])
    def test_moments_and_quantiles_are_those_of_scipy(self, shape):
        mean, variance = _ranges.moments(LINKS, shape=shape)
        at = np.array([[0.0, 0.0, 0.0], [0.3] * 3, [0.5] * 3, [0.97] * 3, [1.0] * 3])
        found = _ranges.quantiles(LINKS, at, shape=shape)
        for place, row in LINKS.iterrows():
            known = independent(row, shape)
            assert mean[place] == pytest.approx(known.mean())
            assert variance[place] == pytest.approx(known.var())
            assert found[:, place] == pytest.approx(known.ppf(at[:, place]))

    def test_a_fixed_value_and_one_likely_at_its_end(self):
        table = pd.DataFrame({"low": [5.0, 1, 1], "likely": [5.0, 1, 3], "high": [5.0, 3, 3]})
        at = np.linspace(0, 1, 11)[:, None] * np.ones(3)
        for shape in _ranges.SHAPES:
            found = _ranges.quantiles(table, at, shape=shape)
            assert (found[:, 0] == 5).all()
            assert np.isfinite(found).all()
            assert found[[0, -1], 1:].tolist() == [[1, 1], [3, 3]]


class TestTotal:
    @pytest.mark.parametrize("shape", ["triangular", "pert"])
    def test_draws_have_the_mean_and_variance_of_the_closed_form(self, shape):
        found = scoping.total(WEEKS, shape=shape)
        known = [independent(row, shape) for _, row in WEEKS.iterrows()]
        mean, variance = sum(k.mean() for k in known), sum(k.var() for k in known)
        assert found.total == pytest.approx(mean)
        error = np.sqrt(variance / len(found.draws))
        assert found.draws.mean() == pytest.approx(mean, abs=4 * error)
        assert found.draws.var() == pytest.approx(variance, rel=0.05)
        assert found.table["share_of_spread"].sum() == pytest.approx(1)
        assert found.table["sd"][0] == pytest.approx(known[0].std())

    def test_ends_and_chances_are_those_of_the_convolution(self):
        """The exact distribution of a sum of two, by numbers on a fine grid."""
        two = WEEKS.head(2)
        step = 0.001
        grid = np.arange(0, 16, step)
        one, other = (independent(row, "triangular").pdf(grid) for _, row in two.iterrows())
        both = np.convolve(one, other)[: len(grid)] * step
        below = np.cumsum(both) * step
        found = scoping.total(two)
        assert found.chance(5) == pytest.approx(np.interp(5, grid, below), abs=0.01)
        assert found.low == pytest.approx(np.interp(0.025, below, grid), abs=0.05)
        assert found.high == pytest.approx(np.interp(0.975, below, grid), abs=0.06)
        assert found.enough(0.8) == pytest.approx(np.interp(0.8, below, grid), abs=0.05)

    def test_likely_values_added_are_too_little_where_parts_can_only_get_worse(self):
        found = scoping.total(WEEKS)
        assert found.likely == 8
        assert found.total > found.likely
        assert found.chance(found.likely) < 0.1
        mirrored = WEEKS.assign(low=[1, 1, 2], likely=[7, 5, 3], high=[8, 6, 3])
        assert scoping.total(mirrored).total < scoping.total(mirrored).likely

    def test_what_goes_wrong_together_widens_the_range_and_leaves_the_mean(self):
        alone, half, all_ = (scoping.total(WEEKS, together=r) for r in (0, 0.5, 1))
        assert alone.total == half.total == all_.total
        assert alone.high - alone.low < half.high - half.low < all_.high - all_.low
        # All at once: the quantile of the sum is the sum of the quantiles.
        known = [independent(row, "triangular") for _, row in WEEKS.iterrows()]
        assert all_.high == pytest.approx(sum(k.ppf(0.975) for k in known), rel=0.01)
        assert all_.low == pytest.approx(sum(k.ppf(0.025) for k in known), rel=0.02)
        error = 4 * half.draws.std() / np.sqrt(len(half.draws))
        assert half.draws.mean() == pytest.approx(half.total, abs=error)

    def test_points_have_no_spread_and_are_asked_about(self):
        fixed = WEEKS.assign(low=2, likely=2, high=2)
        found = scoping.total(fixed)
        assert (found.low, found.total, found.high) == (6, 6, 6)
        assert found.table["share_of_spread"].isna().all()
        assert repr(found) == "3 parts: 6 weeks, without any spread."
        assert any("given as a point" in note for note in found.notes)
        assert found.plot()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"low": [-1, 1, 3]}, "low of 'collect' is -1, and time or money that is spent"),
            ({"low": [4, 1, 3]}, "needs low <= likely <= high, and 'collect' has 4, 3, 8"),
            ({"high": [2.5, 6, 4]}, "'collect' has 2, 3, 2.5: put the three in order"),
            ({"high": [np.inf, 6, 4]}, "high of 'collect' is no number: inf"),
            ({"likely": [None, 2, 3]}, "likely of 'collect' is empty: write a number"),
            ({"likely": ["soon", 2, 3]}, "likely of 'collect' is no number: 'soon'"),
            ({"unit": ["weeks", "days", "weeks"]}, "cannot add 'weeks', 'days': one unit a table"),
            ({"unit": ""}, "needs unit in each row"),
            ({"part": "collect"}, "needs each part once, and 'collect' stands there twice"),
        ],
    )
    def test_what_cannot_be_added_is_told(self, change, words):
        with pytest.raises(ValueError, match=re.escape(words)):
            scoping.total(WEEKS.assign(**change))

    def test_other_bad_input_is_told(self):
        with pytest.raises(ValueError, match="without a row: write down the parts"):
            scoping.total(WEEKS.head(0))
        with pytest.raises(ValueError, match="together lies between 0 and 1; got 2"):
            scoping.total(WEEKS, together=2)
        with pytest.raises(ValueError, match="shape is 'triangular' or 'pert', not 'normal'"):
            scoping.total(WEEKS, shape="normal")
        with pytest.raises(ValueError, match="a chance lies between 0 and 1"):
            scoping.total(WEEKS).enough(80)

    def test_names_are_escaped_and_the_picture_is_described(self):
        found = scoping.total(WEEKS.assign(part=["<b>", "b", "c"]))
        assert "<b>" not in found._repr_html_()
        assert repr(found) in found.plot().get_figure().get_label()

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.lists(st.floats(0, 1e6), min_size=3, max_size=3), min_size=1, max_size=5))
    def test_laws(self, rows):
        rows = [sorted(row) for row in rows]
        table = pd.DataFrame(rows, columns=ENDS).assign(unit="EUR")
        table["part"] = [f"part {n}" for n in range(len(rows))]
        found = scoping.total(table)
        slack = 1e-6 * (1 + table["high"].sum())
        assert table["low"].sum() - slack <= found.low <= found.high + slack
        assert found.high <= table["high"].sum() + slack
        assert found.low - slack <= found.draws.mean() <= found.high + slack or found.n == 1


class TestChain:
    @pytest.mark.parametrize("shape", ["triangular", "pert"])
    def test_draws_have_the_mean_and_variance_of_a_product(self, shape):
        found = scoping.chain(LINKS, shape=shape)
        known = [independent(row, shape) for _, row in LINKS.iterrows()]
        mean = np.prod([k.mean() for k in known])
        variance = np.prod([k.var() + k.mean() ** 2 for k in known]) - mean**2
        assert found.value == pytest.approx(mean)
        error = np.sqrt(variance / len(found.draws))
        assert found.draws.mean() == pytest.approx(mean, abs=4 * error)
        assert found.draws.var() == pytest.approx(variance, rel=0.05)
        changes = np.cumprod([k.mean() for k in known])
        assert found.table["change"].tolist() == pytest.approx(changes)

    def test_what_knowing_a_rate_would_save_is_what_fixing_it_saves(self):
        found = scoping.chain(LINKS)
        for place in range(3):
            sure = LINKS.copy()
            sure.loc[place, ENDS] = independent(LINKS.loc[place], "triangular").mean()
            less = 1 - scoping.chain(sure).draws.var() / found.draws.var()
            assert found.table["narrower"][place] == pytest.approx(less, abs=0.03)
        widest = LINKS["metric"][found.table["narrower"].idxmax()]
        assert f"to {widest}: find that out first" in repr(found)

    def test_shares_that_add_up_to_more_than_the_whole_are_explained(self):
        found = scoping.chain(LINKS)
        assert found.table["narrower"].sum() > 1.005
        assert any("more than 100 %" in note for note in found.notes)
        fixed = LINKS.assign(low=[3, -5, 8], high=[3, -5, 12])
        assert not any("more than 100 %" in note for note in scoping.chain(fixed).notes)

    def test_a_chain_of_points_is_plain_multiplication(self):
        found = scoping.chain(LINKS.assign(low=LINKS["likely"], high=LINKS["likely"]))
        assert found.value == found.low == found.high == found.likely == 3 * -5 * 10
        assert found.table["narrower"].isna().all()
        assert "find that out" not in repr(found)
        assert found.plot()

    def test_a_rate_that_may_go_either_way_is_told(self):
        found = scoping.chain(LINKS.assign(high=[4, 5, 12]))
        below = independent(LINKS.assign(high=[4, 5, 12]).loc[1], "triangular").sf(0)
        assert found.below_zero == pytest.approx(below, abs=0.015)
        assert any("wrong bays: the range holds 0" in note for note in found.notes)
        assert scoping.chain(LINKS).below_zero == 0

    def test_without_a_software_metric_it_asks_for_one(self):
        assert any("No software metric" in note for note in scoping.chain(LINKS.drop(1)).notes)

    @pytest.mark.parametrize(
        ("table", "words"),
        [
            (LINKS.head(0), "without a row"),
            (LINKS.head(2), "goes from a machine-learning metric to a business metric"),
            (LINKS.iloc[::-1], "levels here are business, software, machine learning"),
            (
                LINKS.assign(level="people"),
                "a level is one of machine learning, software, business",
            ),
            (LINKS.assign(metric="cost"), "each metric once"),
            (
                LINKS.assign(unit=["points", "", "EUR"]),
                "needs unit in each row, and row 2 has none",
            ),
            (LINKS.assign(low=[2, -3, 8]), "'wrong bays' has -3, -5, -4"),
            (LINKS.drop(columns="likely"), "missing: likely"),
        ],
    )
    def test_what_is_no_chain_is_told(self, table, words):
        with pytest.raises(ValueError, match=re.escape(words)):
            scoping.chain(table)

    def test_names_are_escaped_and_the_picture_is_described(self):
        found = scoping.chain(LINKS.replace("cost", "<b>"))
        assert "<b>" not in found._repr_html_()
        assert "wrong bays -18" in scoping.chain(LINKS).plot().get_figure().get_label()


NEED = {"need": "a", "input": "b", "label": "c", "slice": "d"}


class TestNeeds:
    def needs(self, **cells):
        row = NEED | {"share": 0.1, "accuracy": 0.9, "margin": 0.05} | cells
        return scoping.needs(pd.DataFrame([row]))

    @pytest.mark.parametrize("accuracy", [0.0, 0.1, 0.5, 0.87, 1.0])
    @pytest.mark.parametrize("margin", [0.02, 0.05, 0.3, 0.5])
    def test_no_fewer_items_would_do(self, accuracy, margin):
        items = self.needs(accuracy=accuracy, margin=margin)["items"][0]
        n = np.arange(1, items + 200)
        low, high = _stats.wilson(accuracy * n, n)
        narrow = (high - low) / 2 <= margin
        assert not narrow[: items - 1].any()
        assert narrow[items - 1 :].all()

    def test_it_is_near_the_textbook_formula(self):
        items = self.needs(accuracy=0.9, margin=0.02)["items"][0]
        assert items == pytest.approx(1.96**2 * 0.9 * 0.1 / 0.02**2, rel=0.02)

    @pytest.mark.parametrize("share", [0.03, 0.4, 0.9])
    def test_so_many_drawn_hold_enough_and_one_fewer_does_not(self, share):
        row = self.needs(share=share).iloc[0]
        items, collect = row["items"], row["to_collect"]
        assert stats.binom.sf(items - 1, collect, share) >= 0.95
        assert stats.binom.sf(items - 1, collect - 1, share) < 0.95

    def test_a_slice_that_is_everything_needs_no_more(self):
        row = self.needs(share=1).iloc[0]
        assert row["items"] == row["to_collect"]

    @pytest.mark.parametrize(
        ("cells", "words"),
        [
            ({"share": 0}, "share of 'd' lies above 0 and at most 1, and is 0"),
            ({"share": 6}, "share of 'd' lies above 0 and at most 1, and is 6"),
            ({"margin": 0}, "margin of 'd' lies above 0 and at most 0.5, and is 0"),
            ({"accuracy": 95}, "accuracy of 'd' lies from 0 to 1, and is 95"),
            ({"accuracy": -0.1}, "accuracy of 'd' lies from 0 to 1, and is -0.1"),
            ({"label": ""}, "needs label in each row"),
            ({"margin": None}, "margin of 'd' is empty"),
        ],
    )
    def test_what_is_no_need_is_told(self, cells, words):
        with pytest.raises(ValueError, match=re.escape(words)):
            self.needs(**cells)

    def test_a_slice_twice_in_one_need_and_an_empty_table_are_told(self):
        one = self.needs()
        with pytest.raises(ValueError, match="each slice of a need once"):
            scoping.needs(pd.concat([one, one]))
        with pytest.raises(ValueError, match="write down who needs what"):
            scoping.needs(one.head(0))

    def test_half_the_width_falls_as_items_grow(self):
        for accuracy in np.linspace(0, 1, 21):
            halves = [_needs._half(accuracy, n, 0.95) for n in range(1, 400)]
            assert (np.diff(halves) <= 1e-12).all()
