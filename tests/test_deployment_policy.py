"""Who gets which version, what is compared, and what the policy does next."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from mlkit import deployment
from mlkit._tables import TableError
from mlkit.deployment import Policy, Rule, _compare


def a_tally(rng, users=60, *, requests=8, old=0.8, new=0.8, spread=0.1, share=0.5):
    """Users who differ: each has an own chance of a right answer."""
    version = np.where(rng.random(users) < share, "new", "old")
    middle = np.where(version == "new", new, old)
    chance = np.clip(middle + spread * rng.standard_normal(users), 0, 1)
    n = 1 + rng.poisson(requests - 1, users)
    return pd.DataFrame(
        {
            "user": [f"u{i}" for i in range(users)],
            "version": version,
            "requests": n,
            "labelled": n,
            "right": rng.binomial(n, chance),
            "failed": 0,
            "slow": 0,
        }
    )


def by_request(tally):
    return pd.DataFrame(
        [
            {"user": row.user, "new": row.version == "new", "right": number < row.right}
            for row in tally.itertuples()
            for number in range(row.labelled)
        ]
    )


class TestTally:
    def test_parts_of_a_log_add_up_to_the_whole(self):
        rng = np.random.default_rng(0)
        n = 300
        log = pd.DataFrame(
            {
                "timestamp": pd.date_range("2026-01-01", periods=n, freq="min"),
                "item": [f"i{i}" for i in range(n)],
                "user": rng.choice(list("abcdef"), n),
                "version": rng.choice(["old", "new"], n),
                "prediction": rng.choice(["x", "y", None], n),
                "label": rng.choice(["x", "y", None], n),
                "latency_ms": rng.exponential(30, n),
            }
        )
        whole = deployment.tally(log, slow_ms=50)
        parts = [deployment.tally(part, slow_ms=50) for part in (log[200:], log[:90], log[90:200])]
        pd.testing.assert_frame_equal(deployment.add(parts), whole)
        of_a = log[(log.user == "a") & (log.version == "new")]
        row = whole[(whole.user == "a") & (whole.version == "new")].iloc[0]
        assert row["requests"] == len(of_a)
        assert row["labelled"] == of_a.label.notna().sum()
        assert row["right"] == ((of_a.label == of_a.prediction) & of_a.label.notna()).sum()
        assert row["failed"] == of_a.prediction.isna().sum()
        assert row["slow"] == (of_a.latency_ms > 50).sum()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"user": None}, "needs a user in each row, and 1 row have none"),
            ({"version": "v2"}, 'knows the versions "old" and "new", and found \'v2\''),
        ],
    )
    def test_what_a_row_must_have(self, change, words):
        log = pd.DataFrame(
            {"timestamp": ["2026-01-01"], "item": ["a"], "prediction": ["x"], "user": ["u"]}
        ).assign(**{"version": "old", **change})
        with pytest.raises(TableError, match=words):
            deployment.tally(log)

    def test_a_log_of_several_eras_is_counted_with_a_warning(self):
        log = pd.DataFrame(
            {
                "timestamp": ["2026-01-01"] * 3,
                "item": list("abc"),
                "user": ["u", "u", "v"],
                "version": ["old", "new", "new"],
                "prediction": ["x", "y", "x"],
                "era": [0, 0, 1],
            }
        )
        with pytest.warns(UserWarning, match=r'2 eras.*log\[log\["era"\] == 1\]') as told:
            whole = deployment.tally(log)
        assert told[0].filename == __file__
        assert whole["requests"].sum() == 3
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            deployment.tally(log[log["era"] == 0])
            deployment.tally(log.drop(columns="era"))
            deployment.tally(log.assign(era=[0, None, 0]))

    def test_without_users_no_comparison(self):
        log = pd.DataFrame({"timestamp": ["2026-01-01"], "item": ["a"], "prediction": ["x"]})
        with pytest.raises(TableError, match="needs the column user: versions are compared by"):
            deployment.tally(log)
        with pytest.raises(TableError, match="needs the column latency_ms to count slow"):
            deployment.tally(log.assign(user="u", version="old"), slow_ms=3)


class TestCompare:
    def test_the_difference_and_its_error_are_those_of_a_regression_with_clusters(self):
        """statsmodels: least squares on requests, errors clustered by user, no correction."""
        tally = a_tally(np.random.default_rng(1), 80, old=0.8, new=0.6)
        requests = by_request(tally)
        fit = sm.OLS(
            requests["right"].astype(float), sm.add_constant(requests["new"].astype(float))
        ).fit(
            cov_type="cluster",
            cov_kwds={"groups": pd.factorize(requests["user"])[0], "use_correction": False},
        )
        old, old_n, new, new_n = _compare.sides(tally, "accuracy")
        difference, error, users = _compare.of_counts(old, old_n, new, new_n)
        assert users == 80
        assert difference == pytest.approx(fit.params["new"], abs=1e-12)
        # Ours corrects each version by m / (m - 1) and adds one user to the variance.
        m = {"old": (old_n > 0).sum(), "new": (new_n > 0).sum()}
        rates = {"old": old.sum() / old_n.sum(), "new": new.sum() / new_n.sum()}
        only = {
            name: sm.OLS(part["right"].astype(float), np.ones(len(part)))
            .fit(
                cov_type="cluster",
                cov_kwds={"groups": pd.factorize(part["user"])[0], "use_correction": False},
            )
            .bse.iloc[0]
            for name, part in (("old", requests[~requests.new]), ("new", requests[requests.new]))
        }
        expected = sum(
            only[name] ** 2 * m[name] / (m[name] - 1) + ((0.5 - rates[name]) / m[name]) ** 2
            for name in m
        )
        assert error == pytest.approx(math.sqrt(expected), rel=1e-12)

    def test_on_both_sides_a_users_own_way_cancels(self):
        """In shadow mode the same requests are answered twice: the pairing counts."""
        rng = np.random.default_rng(2)
        tally = a_tally(rng, 100, spread=0.3)
        both = pd.concat([tally.assign(version="old"), tally.assign(version="new")])
        shadow = deployment.compare(both, looks="once")
        apart = deployment.compare(
            pd.concat(
                [tally.assign(version="old"), tally.assign(version="new", user=tally.user + "x")]
            ),
            looks="once",
        )
        assert shadow.difference == apart.difference == 0
        assert shadow.high < 0.35 * apart.high

    def test_one_look_covers_as_often_as_it_says(self):
        rng = np.random.default_rng(3)
        truth = -0.05
        hits = 0
        for _ in range(600):
            tally = a_tally(rng, 120, old=0.75, new=0.70, spread=0.1)
            found = deployment.compare(tally, looks="once")
            hits += found.low <= truth <= found.high
        assert 0.92 <= hits / 600 <= 0.975

    def test_a_hundred_looks_are_too_many_for_one_look_and_none_for_any(self):
        """400 rollouts without a difference, looked at a hundred times while requests come in."""
        rng = np.random.default_rng(4)
        false = {"once": 0, "any": 0}
        runs, users, looks = 400, 200, 100
        for _ in range(runs):
            new = rng.random(users) < 0.5
            chance = np.clip(0.8 + 0.15 * rng.standard_normal(users), 0, 1)
            often = rng.dirichlet(np.full(users, 0.5))  # few people ask a lot
            counts, total = np.zeros(users), np.zeros(users)
            seen = dict.fromkeys(false, False)
            for _ in range(looks):
                n = rng.multinomial(40, often)
                total += n
                counts += rng.binomial(n, chance)
                sides = [counts * ~new, total * ~new, counts * new, total * new]
                if min((sides[1] > 0).sum(), (sides[3] > 0).sum()) < 30:
                    continue
                difference, error, _ = _compare.of_counts(*sides)
                for name in seen:
                    half = _compare.half_width(error, looks=name, expected=0.05, confidence=0.95)
                    seen[name] |= abs(difference) > half
            for name in false:
                false[name] += seen[name]
        assert false["any"] / runs <= 0.05
        assert false["once"] / runs > 0.15

    def test_by_request_would_be_too_sure(self):
        rng = np.random.default_rng(5)
        tally = a_tally(rng, 60, requests=40, spread=0.25)
        apart = deployment.compare(tally, looks="once")
        one_each = by_request(tally).assign(labelled=1)
        one_each["user"] = [f"r{i}" for i in range(len(one_each))]
        one_each["version"] = np.where(one_each.pop("new"), "new", "old")
        naive = deployment.compare(
            one_each.assign(requests=1, failed=0, slow=0, right=one_each["right"].astype(int)),
            looks="once",
        )
        assert naive.difference == pytest.approx(apart.difference)
        assert naive.high - naive.low < 0.6 * (apart.high - apart.low)

    def test_nothing_wrong_so_far_is_no_certainty(self):
        tally = a_tally(np.random.default_rng(6), 40, old=1, new=1, spread=0)
        found = deployment.compare(tally, metric="failed", looks="once")
        assert found.difference == 0
        assert 0.02 < found.high < 0.15

    def test_it_says_what_a_policy_with_one_rule_says(self):
        tally = a_tally(np.random.default_rng(11), 400, new=0.9)
        row = Policy("shadow", rules=(Rule(),)).step(tally, share=0).table.iloc[0]
        found = deployment.compare(tally)
        assert (found.low, found.high) == (row["low"], row["high"])
        rule = Rule(tolerable=0.1)
        row = Policy("shadow", rules=(rule,)).step(tally, share=0).table.iloc[0]
        assert deployment.compare(tally, expected=rule.tolerable).low == row["low"] != found.low

    def test_one_user_has_no_interval_and_a_reason(self):
        tally = a_tally(np.random.default_rng(7), 5, share=0)
        found = deployment.compare(tally)
        assert math.isnan(found.low)
        assert math.isnan(found.difference)
        assert "It takes 2 users a version with something labelled; so far there are 5 on old" in (
            repr(found)
        )

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"metric": "f1"}, "metric is one of accuracy, failed, slow; got 'f1'"),
            ({"looks": "twice"}, 'looks is "once" or "any"'),
            ({"expected": 0}, "expected is the size of a difference, above 0"),
            ({"confidence": 95}, "confidence lies between 0 and 1"),
        ],
    )
    def test_arguments(self, arguments, words):
        with pytest.raises(ValueError, match=words):
            deployment.compare(a_tally(np.random.default_rng(0), 5), **arguments)

    def test_it_shows_itself(self):
        found = deployment.compare(a_tally(np.random.default_rng(8), 90, new=0.5))
        assert "at any number of looks" in repr(found)
        assert "<table" in found._repr_html_()
        assert "Too few" in repr(found)  # 90 users, by lot on two sides
        assert "Too few" not in repr(deployment.compare(a_tally(np.random.default_rng(8), 300)))

    @pytest.mark.parametrize("looks", ["once", "any"])
    def test_four_users_are_said_to_be_too_few(self, looks):
        four = a_tally(np.random.default_rng(1), 4).assign(version=["old", "new"] * 2)
        found = deployment.compare(four, looks=looks)
        assert "Too few to rely on: only 2 users on one version" in repr(found)
        assert -1 <= found.low <= found.difference <= found.high <= 1
        assert found.plot().get_xlabel() == "accuracy, new - old (points)"


class TestWho:
    def test_places_are_uniform(self):
        places = Policy().places([f"user {i}" for i in range(20_000)])
        assert 0 <= places.min() < places.max() < 1
        assert kstest(places, "uniform").pvalue > 0.001

    @settings(max_examples=50, deadline=None)
    @given(
        st.lists(st.text(max_size=12), min_size=1, max_size=30),
        st.floats(0, 1),
        st.floats(0, 1),
        st.text(max_size=80),
    )
    def test_one_by_one_as_all_at_once_and_more_only_adds(self, users, one, two, salt):
        policy = Policy(salt=salt)
        small, large = sorted([one, two])
        versions = policy.versions(users, share=small)
        assert versions.tolist() == [policy.version(user, share=small) for user in users]
        more = policy.versions(users, share=large)
        assert all(more[versions == "new"] == "new")
        assert set(policy.versions(users, share=0)) == {"old"}
        assert set(policy.versions(users, share=1)) == {"new"}

    def test_another_salt_is_another_draw(self):
        users = [f"u{i}" for i in range(2000)]
        one, two = (Policy(salt=s).versions(users, share=0.5) == "new" for s in "ab")
        assert abs((one & two).mean() - 0.25) < 0.04

    def test_a_user_stays_across_machines(self):
        """Written down: another number here would move every user of a running rollout."""
        assert Policy(salt="1").places(["ada"])[0] == pytest.approx(PLACE_OF_ADA, abs=1e-15)


class TestNext:
    def tally(self, *, new, users=400, failed=0, rng=0):
        made = a_tally(np.random.default_rng(rng), users, old=0.8, new=new, spread=0.05)
        is_new = made["version"] == "new"
        return made.assign(failed=np.where(is_new, np.minimum(failed, made["requests"]), 0))

    def test_too_few_users_hold(self):
        found = Policy(users=50).step(self.tally(new=0.1, users=40), share=0.05)
        assert (found.action, found.share) == ("hold", 0.05)
        assert "users of new so far, of 50" in found.why

    def test_worse_goes_back(self):
        found = Policy().step(self.tally(new=0.6), share=0.2)
        assert (found.action, found.share) == ("roll back", 0.0)
        assert found.why.startswith("new is worse: accuracy -")

    def test_failures_alone_go_back(self):
        found = Policy().step(self.tally(new=0.8, failed=1), share=0.2)
        assert found.action == "roll back"
        assert "failed +" in found.why

    def test_not_worse_gets_more_and_at_last_all(self):
        policy = Policy(ramp=(0.05, 0.5, 1.0), rules=(Rule(tolerable=0.1),))
        tally = self.tally(new=0.85, users=2000)
        steps = [policy.step(tally, share=share) for share in (0.05, 0.5, 1.0)]
        assert [(s.action, s.share) for s in steps] == [
            ("ramp", 0.5),
            ("promote", 1.0),
            ("hold", 1.0),
        ]

    def test_unsure_holds(self):
        found = Policy(rules=(Rule(tolerable=0.01),)).step(self.tally(new=0.8), share=0.05)
        assert found.action == "hold"
        assert found.why.startswith("not sure yet: accuracy")

    def test_an_ab_test_waits_for_better_not_for_not_worse(self):
        policy = Policy("ab", ramp=(0.5,), rules=(Rule(tolerable=0.1),))
        assert policy.step(self.tally(new=0.8, users=2000), share=0.5).action == "hold"
        found = policy.step(self.tally(new=0.9, users=2000), share=0.5)
        assert (found.action, found.share) == ("promote", 1.0)

    def test_shadow_serves_old_until_promoted(self):
        policy = Policy("shadow", rules=(Rule(tolerable=0.05),))
        assert policy.first_share == 0
        made = self.tally(new=0.8, users=500)
        both = pd.concat([made.assign(version="old"), made.assign(version="new")])
        assert policy.step(both, share=0.0).action == "promote"

    def test_a_policy_keeps_its_level(self):
        """300 rollouts of a new version that is just as good: few go back."""
        rng = np.random.default_rng(9)
        policy = Policy(ramp=(1.0,), rules=(Rule(tolerable=0.05),), users=30)
        back = 0
        for rollout in range(300):
            new, chance = rng.random(150) < 0.5, np.clip(rng.normal(0.8, 0.2, 150), 0, 1)
            n, right, gone = np.zeros(150, int), np.zeros(150, int), False
            for look in range(21):
                more = 1 + rng.poisson(look > 0, 150)
                n, right = n + more, right + rng.binomial(more, chance)
                sides = [count * side for side in (~new, new) for count in (right, n)]
                found = policy.decide({"accuracy": sides}, share=0.5)
                gone |= look > 0 and found.action == "roll back"
            back += gone
            if rollout < 3:  # what is counted here is what a tally leads to
                made = a_tally(rng, 150).assign(requests=n, labelled=n, right=right)
                made["version"] = np.where(new, "new", "old")
                assert policy.step(made, share=0.5) == found
        # At most 2.5 % are to go back: of 300 more than 15 with a chance of 0.004. Users taken for
        # requests would send 44 back.
        assert back <= 15

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: Policy("blue"), "mode is one of shadow, canary, blue_green, ab; got 'blue'"),
            (lambda: Policy(ramp=(0.5, 0.2)), "ramp is a rising row of shares"),
            (lambda: Policy(ramp=()), "ramp is a rising row of shares"),
            (lambda: Policy(ramp=(0.5, 2)), "ramp is a rising row of shares"),
            (lambda: Policy("ab", ramp=(1.0,)), "an A/B test needs users on both sides"),
            (lambda: Policy(rules=()), "rules names each watched metric once, and at least one"),
            (lambda: Policy(rules=(Rule(), Rule())), "rules names each watched metric once"),
            (lambda: Policy(users=1), "users is at least 2; got 1"),
            (lambda: Policy(confidence=1), "confidence lies between 0 and 1"),
            (lambda: Rule("f1"), "metric is one of accuracy, failed, slow; got 'f1'"),
            (lambda: Rule(worse_by=-1), "worse_by is a share from 0 to below 1"),
            (lambda: Rule(worse_by=0.1, tolerable=0.05), "tolerable is a share above 0, at least"),
            (lambda: Policy.from_json('{"mode": "ab", "color": 1}'), "has no field 'color'"),
        ],
    )
    def test_a_wrong_policy_is_refused_at_once(self, make, words):
        with pytest.raises(ValueError, match=words):
            make()


PLACE_OF_ADA = 0.2785191836936548
