"""Sources of examples, ranked: by hand, at the ends of the ranges, and what is not ranked."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkit import scoping

SETTLED = {"licence": "own", "privacy": "consent", "security": "ours", "regulation": "none"}


def row(source, **other):
    return {
        "source": source, "kind": "owned", "amount": "", "setup_days": 0, "rate": 100,
        "rate_per": "day", "usable": 1, "cost": 0, "cost_per": "example", **SETTLED, **other,
    }  # fmt: skip


def ranked(*rows, deadline_days=10, budget=1000, **other):
    table = pd.DataFrame(rows)
    return scoping.sources(table, deadline_days=deadline_days, budget=budget, **other).table


@pytest.mark.parametrize(
    ("cells", "n", "cost", "days", "limit"),
    [
        ({}, 1000, 0, 10, "deadline"),
        ({"setup_days": 4}, 600, 0, 10, "deadline"),
        ({"setup_days": 12}, 0, 0, 0, "deadline"),
        ({"amount": 250, "usable": 0.5}, 125, 0, 2.5, "amount"),
        ({"cost": 2}, 500, 1000, 5, "budget"),
        ({"cost": 100, "cost_per": "hour"}, 125, 1000, 1.25, "budget"),
        ({"cost": 300, "cost_per": "once"}, 1000, 300, 10, "deadline"),
        ({"cost": 3000, "cost_per": "once"}, 0, 0, 0, "budget"),
        ({"rate": 10, "rate_per": "hour"}, 800, 0, 10, "deadline"),
        ({"rate": 400, "rate_per": "week"}, 800, 0, 10, "deadline"),
        ({"rate": "", "rate_per": "", "amount": 77}, 77, 0, 0, "amount"),
        ({"amount": "1,250", "rate": 5000}, 1250, 0, 0.25, "amount"),
        ({"usable": 0}, 0, 0, 10, "deadline"),
    ],
)
def test_by_hand(cells, n, cost, days, limit):
    found = ranked(row("one", **cells)).iloc[0]
    assert (found["n_usable"], found["cost"], found["days"]) == pytest.approx((n, cost, days))
    assert found["limit"] == limit
    assert found["why"] == ("" if n else "nothing usable in time and for the money")
    assert pd.isna(found["rank"]) == (n == 0)


def test_what_one_wants_takes_so_long_and_so_much():
    found = ranked(
        row("paid", usable=0.5, cost=0.2, setup_days=3), row("small", amount=10), wanted=200
    ).set_index("source")
    assert found.loc["paid", "days_wanted"] == pytest.approx(3 + 400 / 100)
    assert found.loc["paid", "cost_wanted"] == pytest.approx(80)
    assert np.isinf(found.loc["small", ["days_wanted", "cost_wanted"]].astype(float)).all()


def test_most_usable_first_and_of_two_alike_the_cheaper():
    found = ranked(row("slow", rate=10), row("dear", cost=0.5), row("free"))
    assert found["source"].tolist() == ["free", "dear", "slow"]
    assert found["rank"].tolist() == [1, 2, 3]


def test_a_range_is_drawn_from_end_to_end():
    found = ranked(row("some", rate="50-150", usable="0.5 to 0.9"), deadline_days=1).iloc[0]
    # Mean of a product of two independent uniforms; it spreads over nearly all of it.
    assert found["n_usable"] == pytest.approx(100 * 0.7, rel=0.05)
    assert 25 <= found["n_usable_low"] < 35
    assert 115 < found["n_usable_high"] <= 135


def test_ranges_that_overlap_leave_the_rank_open():
    found = ranked(row("a", rate="50-150"), row("b", rate="60-130"), row("c", rate=1))
    assert found["rank_low"].tolist() == [1, 1, 3]
    assert found["rank_high"].tolist() == [2, 2, 3]
    sure = ranked(row("a", rate="100-110"), row("b", rate="60-90"))
    assert (sure["rank_low"] == sure["rank_high"]).all()


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"licence": ""}, "no licence"),
        ({"licence": None}, "no licence"),
        ({"licence": "none"}, "no licence"),
        ({"licence": "CC BY?"}, "no licence"),
        ({"privacy": "open: did they agree?"}, "privacy is an open question"),
        ({"privacy": np.nan}, "privacy is an open question"),
        ({"security": "unknown"}, "security is an open question"),
        ({"regulation": "?"}, "regulation is an open question"),
    ],
)
def test_what_is_not_settled_is_not_ranked_and_says_why(cells, why):
    found = ranked(row("rich", rate=10_000, **cells), row("poor", rate=1))
    assert found["source"].tolist() == ["poor", "rich"]
    assert found["rank"].isna().tolist() == [False, True]
    assert why in found["why"][1]
    assert found["n_usable"][1] == 100_000  # what it would give stays to be seen


def test_none_is_an_answer_to_the_questions_and_no_licence():
    answers = {"privacy": "none", "security": "none", "regulation": "no"}
    assert ranked(row("free", **answers))["why"].tolist() == [""]


def test_without_an_end_in_time_or_money():
    found = ranked(row("a"), row("b", amount=50), deadline_days=np.inf, budget=np.inf)
    assert found["n_usable"].tolist() == [np.inf, 50]
    assert found["limit"].tolist() == ["", "amount"]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"cost": -1}, "cost of 'one' is -1, and cannot be below 0"),
        ({"cost": "-2-5"}, "cannot be below 0"),
        ({"rate": "5-2"}, "the lower end comes first"),
        ({"cost_per": "mile"}, "cost_per example, hour, once; 'one' has 'mile'"),
        ({"rate_per": "fortnight"}, "rate_per hour, day, week; 'one' has 'fortnight'"),
        ({"rate_per": ""}, "'one' has 'nothing'"),
        ({"kind": "borrowed"}, "kind owned, crowdsourced, paid labels, purchased, generated"),
        ({"usable": 80}, "usable of 'one' is above 1; it is a share: 0.8, not 80"),
        ({"usable": ""}, "needs usable of 'one'"),
        ({"cost": "cheap"}, "cost of 'one' is 'cheap'; write a number, or a range"),
        ({"source": " "}, "needs source in each row, and row 1 has none"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(cells, words):
    with pytest.raises(ValueError, match=r"scoping\.sources") as told:
        ranked(row(**{"source": "one"} | cells))
    assert words in str(told.value)


def test_a_table_that_is_none():
    with pytest.raises(ValueError, match="missing: licence"):
        scoping.sources(pd.DataFrame([row("a")]).drop(columns="licence"), deadline_days=1, budget=1)
    with pytest.raises(ValueError, match="without a row"):
        scoping.sources(pd.DataFrame([row("a")]).head(0), deadline_days=1, budget=1)
    with pytest.raises(ValueError, match="each source once, and 'a' stands there twice"):
        ranked(row("a"), row("a"))
    with pytest.raises(ValueError, match="deadline_days above 0; got 0"):
        ranked(row("a"), deadline_days=0)
    with pytest.raises(ValueError, match="budget above 0; got 'much'"):
        ranked(row("a"), budget="much")


def test_the_callers_table_stays():
    table = pd.DataFrame([row("a", rate="5-9"), row("b")])
    before = table.copy()
    scoping.sources(table, deadline_days=3, budget=10)
    pd.testing.assert_frame_equal(table, before)


@given(
    rate=st.integers(1, 1000), usable=st.floats(0.01, 1), cost=st.floats(0, 5),
    deadline=st.integers(1, 60), budget=st.integers(1, 5000),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_never_over_the_budget_or_the_deadline(rate, usable, cost, deadline, budget):
    table = pd.DataFrame([row("a", rate=rate, usable=usable, cost=cost)])
    less = scoping.sources(table, deadline_days=deadline, budget=budget).table.iloc[0]
    more = scoping.sources(table, deadline_days=deadline + 5, budget=budget * 2).table.iloc[0]
    assert less["cost"] <= budget * (1 + 1e-9)
    assert less["days"] <= deadline * (1 + 1e-9)
    assert less["n_usable"] <= more["n_usable"] + 1e-9


def test_it_shows_itself():
    rows = [row("a", rate="50-150"), row("<b>", rate="60-130"), row("c", licence="")]
    found = scoping.sources(pd.DataFrame(rows), deadline_days=10, budget=100, wanted=500)
    assert (found.first, found.n) == (found.table["source"][0], 3)
    assert found.low < found.n_usable < found.high
    assert "each of the 2 ranked may be first or last: this order says nothing yet" in repr(found)
    assert repr(found).endswith("Narrow the widest ranges. 1 source of 3 not ranked: see why.")
    page = found._repr_html_()
    assert "<b>" not in page
    assert "no licence: nobody said that you may use it" in page
    ax = found.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == found.table["source"].tolist()
    none = scoping.sources(pd.DataFrame(rows[2:]), deadline_days=10, budget=100)
    assert "none of 1 source can be ranked" in repr(none)
    assert none.first == ""
    assert np.isnan(none.n_usable)


def test_the_example_can_be_ranked_and_says_what_is_open():
    found = scoping.sources(scoping.example_sources(), deadline_days=10, budget=500)
    assert found.table["rank"].notna().sum() == 4
    assert set(found.table["kind"]) == {
        "owned", "crowdsourced", "paid labels", "purchased", "generated"
    }  # fmt: skip


def test_an_order_that_is_partly_sure_says_how_far():
    rows = [row("a", rate="50-150"), row("b", rate="60-130"), row("slow", rate="1-2")]
    told = repr(scoping.sources(pd.DataFrame(rows), deadline_days=10, budget=np.inf))
    assert told.endswith("But the ranges overlap: its rank may be anywhere from 1 to 2.")
    alone = repr(scoping.sources(pd.DataFrame(rows[1:]), deadline_days=10, budget=np.inf))
    assert "overlap" not in alone


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"setup_days": "5-20"}, "deadline: in most draws it starts too late"),
        ({"cost": "60-400", "cost_per": "once"}, "budget: in most draws it costs too much"),
    ],
)
def test_all_at_once_or_nothing_is_explained(source, words):
    at_once = row("bought", amount=1000, rate="", rate_per="", **source)
    found = scoping.sources(pd.DataFrame([at_once]), deadline_days=10, budget=100)
    assert found.n_usable == 0 < found.high
    assert words in found._repr_html_()
