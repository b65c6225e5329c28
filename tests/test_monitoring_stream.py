"""A window's test and interval against formulas written out, where users are simple."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from mlkit.monitoring import _periods, _stream

DAY = 86_400 * 10**9


def stream(user, known, *ends):
    came = np.arange(len(user)) + 1
    return _stream.Stream(came, came, np.asarray(user), known, np.array(ends or [len(user)]))


def test_the_error_where_each_request_is_a_user():
    """p (1 - p) / (n - 1) a side, and one more user a side who is right half of the time."""
    right = np.r_[np.ones(40), np.zeros(10), np.ones(12), np.zeros(8)]
    row = _stream.windows(stream(np.arange(70), 50), right).iloc[0]
    variance = 0.6 * 0.4 / 19 + (0.1 / 20) ** 2 + 0.8 * 0.2 / 49 + (0.3 / 50) ** 2
    assert row["difference"] == pytest.approx(-0.2)
    assert row["se"] == pytest.approx(variance**0.5)
    assert row["p"] == pytest.approx(stats.t.cdf(-0.2 / variance**0.5, 19))
    assert (row["n"], row["users"], row["accuracy"]) == (20, 20, 0.6)


def test_two_users_are_judged_with_one_degree_of_freedom():
    """Both right in half of 10 answers but for one: each term is what it lies off the mean."""
    right = np.r_[np.tile([1.0, 0.0], 20), np.repeat([1, 0], [6, 4]), np.repeat([1, 0], [4, 6])]
    user = np.r_[np.arange(40), np.repeat([40, 41], 10)]
    row = _stream.windows(stream(user, 40), right).iloc[0]
    variance = 2 * (1 / 20) ** 2 * 2 + 0.25 / 39
    assert row["se"] == pytest.approx(variance**0.5)
    assert row["p"] == pytest.approx(stats.t.cdf(0, 1))
    less = np.r_[np.ones(40), right[40:]]
    row = _stream.windows(stream(user, 40), less).iloc[0]
    variance = 2 * (1 / 20) ** 2 * 2 + (0.5 / 40) ** 2
    assert row["p"] == pytest.approx(stats.t.cdf(-0.5 / variance**0.5, 1))
    alone = _stream.windows(stream(np.r_[np.arange(40), np.full(20, 40)], 40), less).iloc[0]
    assert np.isnan([alone["se"], alone["p"]]).all()


def test_someone_in_both_periods_counts_once():
    """The same people, each as right now as before: what is luck of theirs cancels."""
    right = np.r_[np.ones(30), np.zeros(20)]
    both = stream(np.tile(np.arange(50), 2), 50)
    row = _stream.windows(both, np.r_[right, right]).iloc[0]
    others = _stream.windows(stream(np.arange(100), 50), np.r_[right, right]).iloc[0]
    assert row["se"] == pytest.approx(2**0.5 * 0.1 / 50)  # the two who are right half of the time
    assert others["se"] == pytest.approx((2 * 0.6 * 0.4 / 49 + 2 * (0.1 / 50) ** 2) ** 0.5)


def test_users_who_are_always_right_or_wrong_count_as_one_answer_each():
    """m users of 5 labels alike tell as much as n (m - 1) / (n - 1) labels."""
    before = np.tile([1.0, 0.0], 20)
    right = np.r_[before, np.repeat(np.arange(20) < 14, 5)]
    user = np.r_[np.arange(40), 40 + np.repeat(np.arange(20), 5)]
    row = _stream.windows(stream(user, 40), right).iloc[0]
    size = 100 * 19 / 99
    limits = proportion_confint(0.7 * size, size, method="wilson")
    assert (row["low"], row["high"]) == pytest.approx(limits)
    row = _stream.windows(stream(user, 40), right, confidence=0.8).iloc[0]
    limits = proportion_confint(0.7 * size, size, alpha=0.2, method="wilson")
    assert (row["low"], row["high"]) == pytest.approx(limits)
    # All right: nothing is seen of how alike they are, and each counts once.
    row = _stream.windows(stream(user, 40), np.r_[before, np.ones(100)]).iloc[0]
    assert row["low"] == pytest.approx(proportion_confint(20, 20, method="wilson")[0])


@pytest.mark.parametrize(("last", "ends"), [(20, [17, 20]), (24, [17, 24]), (25, [17, 24, 25])])
def test_windows_follow_the_reference_and_end_with_the_last_label(last, ends):
    start = pd.Timestamp("2026-01-01", tz="UTC")
    at = start + pd.to_timedelta([3, 10, 10, 12, last], unit="D")
    table = pd.DataFrame({"label_at": at, "timestamp": start, "user": list("abcab")})
    found = _stream.stream(table, start + pd.Timedelta("10D"), pd.Timedelta("7D"))
    assert found.known == 3
    assert ((found.ends - start.as_unit("ns").value) / DAY).tolist() == ends
    assert sum(rows.stop - rows.start for rows, *_ in found.parts) == 2


def test_few_quiet_periods_widen_a_threshold_by_students_t():
    squares = np.array([1.0, 3.0, np.nan, 2.0])
    wider = (stats.t.isf(0.025, 2) / stats.norm.isf(0.025)) ** 2
    assert _periods.excess(squares, 0.05) == pytest.approx(2 * wider)
    wide = stats.f.isf(0.05, 9, 18) * 9 / stats.chi2.isf(0.05, 9)
    assert _periods.excess(squares, 0.05, freedom=9) == pytest.approx(2 * wide)
    assert _periods.excess(squares / 100, 0.05) == 1  # never narrower than chance
    assert _periods.excess(squares[:1], 0.05) == _periods.excess(squares, 0) == 1
    # Two periods are enough to tell.
    two = (stats.t.isf(0.025, 1) / stats.norm.isf(0.025)) ** 2
    assert _periods.excess(squares[:2], 0.05) == pytest.approx(2 * two)
    assert _periods.sides("lower", 0.1) == (0.1, 0)
    assert _periods.sides("higher", 0.1) == (0, 0.1)
    assert _periods.sides("either", 0.1) == (0.05, 0.05)
