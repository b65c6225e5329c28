"""How many users a canary takes: against simulation, the exact sum and the closed form."""

import math

import numpy as np
import pytest
from scipy.stats import binom, norm

from mlkit.deployment import _compare, power


def simulated(users, *, loss, share, accuracy, requests, spread, runs, rng, looks="once"):
    """How often `compare` sees the loss, users with Beta-distributed accuracies."""
    seen = 0
    for _ in range(runs):
        new = rng.random(users) < share
        middle = np.where(new, accuracy - loss, accuracy)
        n = np.full(users, requests) if np.isscalar(requests) else rng.choice(requests, users)
        if spread:
            # A Beta distribution of this mean and standard deviation.
            size = middle * (1 - middle) / spread**2 - 1
            middle = rng.beta(middle * size, (1 - middle) * size)
        right = rng.binomial(n, middle)
        steps = [users] if looks == "once" else np.linspace(0, users, 101)[1:].astype(int)
        for end in steps:
            part = np.arange(users) < end
            sides = [
                right * (~new & part),
                n * (~new & part),
                right * (new & part),
                n * (new & part),
            ]
            difference, error, _ = _compare.of_counts(*sides)
            half = _compare.half_width(error, looks=looks, expected=loss, confidence=0.95)
            if difference + half < 0:
                seen += 1
                break
    return seen / runs


@pytest.mark.parametrize(
    "setting",
    [
        {"loss": 0.05, "share": 0.1, "accuracy": 0.9, "requests": 20, "spread": 0.1},
        {"loss": 0.10, "share": 0.5, "accuracy": 0.8, "requests": 3, "spread": 0.2},
        {"loss": 0.10, "share": 0.3, "accuracy": 0.8, "requests": [1, 1, 2, 40], "spread": 0.15},
        {"loss": 0.05, "share": 0.2, "accuracy": 0.9, "requests": 1, "spread": 0.0},
    ],
)
def test_the_chance_is_the_one_that_simulation_finds(setting):
    told = power(**setting)
    found = simulated(told.users, **setting, runs=1500, rng=np.random.default_rng(0))
    # 1,500 runs leave 1.96 * sqrt(.8 * .2 / 1500) = 2 points; the normal law a few more.
    assert found == pytest.approx(0.8, abs=0.045)


def test_looking_as_often_as_one_likes_costs_users_and_is_told():
    setting = {"loss": 0.08, "share": 0.5, "accuracy": 0.85, "requests": 4, "spread": 0.1}
    once, often = power(**setting), power(**setting, looks="any")
    assert 1.2 < often.users / once.users < 2.5
    found = simulated(often.users, **setting, runs=400, rng=np.random.default_rng(1), looks="any")
    assert found == pytest.approx(0.8, abs=0.06)
    low, high = often.interval
    assert low < 0.8 < high + 0.02


def test_independent_requests_are_summed_exactly():
    """Every outcome of 20 on old and 20 on new, one by one, in plain Python."""
    told = power(loss=0.4, share=0.5, accuracy=0.9, power=0.5)
    users = told.users
    m = round(users * 0.5)
    n = users - m
    total = 0.0
    for a in range(m + 1):
        for b in range(n + 1):
            p, q = a / m, b / n
            variance = p * (1 - p) / (m - 1) + ((0.5 - p) / m) ** 2
            variance += q * (1 - q) / (n - 1) + ((0.5 - q) / n) ** 2
            if p - q + norm.ppf(0.975) * math.sqrt(variance) < 0:
                total += binom.pmf(a, m, 0.5) * binom.pmf(b, n, 0.9)
    row = told.table.iloc[(told.table["users"] - users).abs().argmin()]
    assert told.interval[0] == pytest.approx(total, abs=1e-8)
    assert row["power"] <= 1


def test_the_sum_agrees_with_compare_itself():
    users, share = 200, 0.3
    rng = np.random.default_rng(2)
    from mlkit.deployment._power import _exact

    setting = {"loss": 0.15, "share": share, "accuracy": 0.85, "requests": 1, "spread": 0}
    new = rng.random((4000, users))
    seen = 0
    for draw in new:
        is_new = np.arange(users) < users * share
        right = draw < np.where(is_new, 0.70, 0.85)
        one = np.ones(users)
        difference, error, _ = _compare.of_counts(
            right * ~is_new, one * ~is_new, right * is_new, one * is_new
        )
        seen += difference + 1.959964 * error < 0
    assert seen / 4000 == pytest.approx(_exact(users, share, 0.85, 0.70, 0.95), abs=0.02), setting


def test_more_requests_of_the_same_users_help_little():
    few = power(loss=0.03, share=0.1, requests=10, spread=0.15)
    many = power(loss=0.03, share=0.1, requests=100, spread=0.15)
    assert many.requests > 4 * few.requests
    assert many.users > 0.6 * few.users


def test_an_even_split_needs_fewest():
    needed = [power(loss=0.03, share=s, requests=5, spread=0.1).users for s in (0.01, 0.1, 0.5)]
    assert needed == sorted(needed, reverse=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"loss": 0}, "loss is a share above 0 and below accuracy"),
        ({"loss": 0.95}, "loss is a share above 0 and below accuracy"),
        ({"share": 5}, "share lies between 0 and 1; got 5"),
        ({"requests": [3, 0]}, "requests is at least 1 for each user"),
        ({"spread": 0.4}, "spread lies between 0 and 0.300"),
        ({"looks": "twice"}, 'looks is "once" or "any"'),
        ({"power": 80}, "power lies between 0 and 1; got 80"),
        ({"loss": 1e-6}, "more than ten billion users"),
    ],
)
def test_arguments(change, words):
    with pytest.raises(ValueError, match=words):
        power(**{"loss": 0.05, "share": 0.1, **change})


def test_it_shows_itself():
    told = power(loss=0.05, share=0.1, requests=20, spread=0.1)
    assert repr(told).startswith(f"{told.users:,} users (")
    assert "<table" in told._repr_html_()
    assert told.plot().get_ylabel() == "chance to see it (%)"
    assert told.table["power"].is_monotonic_increasing
