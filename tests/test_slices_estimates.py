"""Shares of a stratum, and what they make of a comparison, by hand."""

import numpy as np
import pandas as pd
import pytest

from mlkit import slices
from mlkit.slices import _estimates, _report


def stratum(member, rate=1.0, wrong=None):
    member = np.asarray(member, np.int8)[:, None]
    none = np.zeros(len(member), np.int8) if wrong is None else np.asarray(wrong, np.int8)
    return _estimates.stratum(member, none, np.broadcast_to(rate, len(member)))


def test_weights_of_a_part_and_how_much_it_tells():
    """Four members that were drawn half as often as the eight others; one never asked."""
    rate = np.r_[np.full(4, 0.5), np.ones(9)]
    found = stratum([1] * 4 + [0] * 8 + [-1], rate)
    assert (found.size, found.asked.tolist(), found.full.tolist()) == (13, [12], [False])
    assert found.share == pytest.approx([8 / 16])
    # The variance is (4 x 2^2 + 8) x 0.25 / 16^2; so many equal items would have it.
    assert found.evidence == pytest.approx([0.25 / (24 * 0.25 / 256)])
    same = stratum([0] * 12 + [-1], rate)
    assert (same.share.tolist(), same.evidence.tolist()) == ([0], [pytest.approx(16**2 / 24)])


def test_all_asked_need_no_weights():
    found = stratum([1] * 4 + [0] * 8, np.r_[np.full(4, 0.5), np.ones(8)])
    assert (found.full.tolist(), found.share.tolist()) == ([True], [4 / 12])
    assert found.evidence == pytest.approx([12])
    # One whose label is wrong is neither counted nor asked about.
    found = stratum([1] * 4 + [0] * 8 + [-1], wrong=[0] * 12 + [1])
    assert (found.size, found.asked.tolist(), found.full.tolist()) == (12, [12], [True])


@pytest.mark.parametrize(("asked", "share"), [(10, 0.5), (9, np.nan)])
def test_ten_stand_for_the_rest_and_nine_do_not(asked, share):
    found = stratum([1] * 5 + [0] * (asked - 5) + [-1] * 3)
    assert found.share == pytest.approx([share], nan_ok=True)
    assert found.evidence == pytest.approx([10 if asked == 10 else 0])


def test_draws_lie_around_the_share_as_jeffreys_says():
    found = stratum([1] * 5 + [0] * 15)
    drawn = found.draw(np.random.default_rng(0), 20_000)[:, 0]
    mean = 5.5 / 21
    spread = (mean * (1 - mean) / 22) ** 0.5
    assert drawn.mean() == pytest.approx(mean, abs=4 * spread / 20_000**0.5)
    assert drawn.std() == pytest.approx(spread, rel=0.03)


def test_a_comparison_of_a_part_weighs_errors_and_correct_items():
    """40 errors, 20 asked: 10 inside, 5 mended. 120 right, 40 asked: 20 inside, 16 still right."""
    before = np.repeat([0, 1], [40, 120])
    after = before.copy()
    after[:5] = 1
    after[40:44] = 0
    inside = pd.array([pd.NA] * 160, dtype="boolean")
    inside[:20] = np.arange(20) < 10
    inside[40:80] = np.arange(40) < 20
    items = [f"i{k}" for k in range(160)]
    one, other = (
        pd.DataFrame({"item": items, "label": 1, "prediction": side}) for side in (before, after)
    )
    member = pd.DataFrame({"item": items, "part": inside})
    row = slices.compare(one, other, member, rng=0).table.iloc[0]
    # Half of either kind is inside: 0.125 wrong and 0.375 right of all.
    assert row["before"] == pytest.approx(0.375 / 0.5)
    assert row["after"] == pytest.approx((0.125 * 0.5 + 0.375 * 0.8) / 0.5)
    assert row["difference"] == pytest.approx(-0.025)
    assert (row["mended"], row["broken"]) == (5, 4)
    assert np.isnan(row["p"])
    for name in ("before", "after", "difference"):
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]
    # Of first order, from the shares that were asked and the two kinds' numbers.
    variances = np.array([0.25 * 0.75 / 160, 0.25 / 20, 0.25 / 40, 0.25 / 10, 0.16 / 20])

    def after_of(theta, e, c, mended, held):
        wrong, right = theta * e, (1 - theta) * c
        return (wrong * mended + right * held) / (wrong + right)

    at = np.array([0.25, 0.5, 0.5, 0.5, 0.8])
    slope = [(after_of(*(at + h)) - after_of(*(at - h))) / 2e-6 for h in 1e-6 * np.eye(5)]
    half = 1.96 * (np.array(slope) ** 2 @ variances) ** 0.5
    assert (row["after_high"] - row["after_low"]) / 2 == pytest.approx(half, rel=0.1)


def test_equal_gains_are_ranked_by_errors_and_a_weight_makes_no_loss_worse():
    """0.01 x 0.6 and 0.02 x 0.3 differ by rounding alone."""
    table = pd.DataFrame(
        {
            "slice": list("abcd"),
            "possible_gain": [0.01 * 0.6 + 1e-17, 0.02 * 0.3, np.nan, -0.1],
            "at_most": [0.01, 0.02, 0.5, 0.3],
        }
    )
    gains = np.tile([0.006, 0.007, np.nan, -0.1], (10, 1))
    gains[:3, 0] = 0.008
    draws = _estimates.Draws(*[gains] * 5)
    rng = np.random.default_rng(0)
    ranked, stays = _report._ranked(table, draws, None, rng)
    assert ranked["slice"].tolist() == ["b", "a", "d", "c"]  # without HLP below the others
    assert stays == 0.7
    weights = pd.DataFrame({"ease": [4.0, 1, 1, 9], "importance": [1.0, 2, 1, 9]})
    ranked, _ = _report._ranked(table, draws, weights, rng)
    assert ranked["slice"].tolist() == ["a", "b", "d", "c"]
    assert ranked["priority"].tolist()[:3] == pytest.approx([0.024, 0.012, -0.1])
