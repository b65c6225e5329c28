"""A rollout played through: what is served, what is seen when, and what it cost."""

import numpy as np
import pandas as pd
import pytest

from mlkit import deployment
from mlkit._tables import TableError
from mlkit.deployment import Policy, Rule, simulate


def traffic(rng=0, *, n=6000, users=300, old=0.8, new=0.8, days=10, delay_h=0.0, failing=0.0):
    rng = np.random.default_rng(rng)
    when = pd.Timestamp("2026-03-02", tz="UTC") + pd.to_timedelta(
        np.sort(rng.random(n)) * days, unit="D"
    )
    label = rng.choice(["x", "y"], n)
    other = np.where(label == "x", "y", "x")
    made = pd.DataFrame(
        {
            "timestamp": when,
            "item": [f"i{k}" for k in range(n)],
            "user": [f"u{k}" for k in rng.integers(0, users, n)],
            "label": label,
            "prediction_old": np.where(rng.random(n) < old, label, other),
            "prediction_new": np.where(rng.random(n) < new, label, other),
            "label_at": when + pd.to_timedelta(delay_h, unit="h"),
        }
    )
    made.loc[rng.random(n) < failing, "prediction_new"] = None
    return made


def right_share(log):
    return (log["prediction"] == log["label"]).mean()


def test_all_on_one_side_is_that_version_exactly():
    made = traffic(old=0.7, new=0.9)
    whole = simulate(made, Policy("blue_green", rules=(Rule(tolerable=0.5),)))
    served = whole.log[whole.log["served"]]
    assert served["prediction"].tolist() == made["prediction_new"].tolist()
    assert whole.table["accuracy_served"].tolist() == whole.table["accuracy_new"].tolist()
    # A rule that nothing meets: nobody leaves the shadow.
    none = simulate(made, Policy("shadow", users=10**6))
    served = none.log[none.log["served"]]
    assert served["prediction"].tolist() == made["prediction_old"].tolist()
    assert none.extra_errors == 0


@pytest.mark.parametrize("ramp", [(0.01, 1.0), (0.3, 1.0), (0.9, 1.0)])
def test_shadow_changes_no_answer_whatever_the_share(ramp):
    made = traffic(new=0.2)
    run = simulate(made, Policy("shadow", ramp=ramp))
    assert run.log[run.log["served"]]["prediction"].tolist() == made["prediction_old"].tolist()
    unseen = run.log[~run.log["served"]]
    assert unseen["prediction"].tolist() == made["prediction_new"].tolist()
    assert run.events["action"].tolist() == ["start", "roll back"]


def test_the_users_are_those_the_policy_names():
    made, policy = traffic(), Policy(ramp=(0.3, 1.0), users=10**6)
    log = simulate(made, policy).log
    assert log["version"].tolist() == policy.versions(made["user"], share=0.3).tolist()
    share = (log.drop_duplicates("user")["version"] == "new").mean()
    assert share == pytest.approx(0.3, abs=0.08)


def test_it_decides_what_the_policy_decides_on_the_log_so_far():
    """Each look again, from the log alone, by `tally` and `Policy.step`."""
    made = traffic(old=0.8, new=0.82, delay_h=20, failing=0.003)
    rules = (Rule(tolerable=0.2), Rule("failed", tolerable=0.1))
    policy = Policy(ramp=(0.2, 0.6, 1.0), rules=rules, users=20)
    run = simulate(made, policy, every="6h")
    begun = made["timestamp"].iloc[0]
    shares = []
    for look in run.table.itertuples():
        seen = run.log[(run.log["timestamp"] < look.timestamp) & (run.log["timestamp"] >= begun)]
        labels = seen["label"].where(seen["label_at"] <= look.timestamp)
        decision = policy.step(deployment.tally(seen.assign(label=labels)), share=look.share)
        assert (decision.action, decision.why) == (look.action, look.why)
        if decision.share != look.share:
            begun = look.timestamp
        shares.append(decision.share)
    assert 1.0 in shares
    assert run.events["action"].tolist()[-1] == "promote"


def test_a_bad_version_goes_back_and_its_cost_is_told():
    made = traffic(new=0.5)
    run = simulate(made, Policy(ramp=(0.3, 1.0)))
    assert run.events["action"].tolist() == ["start", "roll back"]
    log = run.log[run.log["served"]]
    by_hand = (made["prediction_old"] == made["label"]).sum() - (
        log["prediction"].to_numpy() == made["label"].to_numpy()
    ).sum()
    assert run.extra_errors == by_hand > 0
    assert run.low < by_hand < run.high
    after = log[log["timestamp"] >= run.events["timestamp"].iloc[1]]
    assert set(after["version"]) == {"old"}


def test_late_labels_are_not_seen_before_they_come():
    made = traffic(new=0.5)
    early = simulate(made, Policy(ramp=(0.3, 1.0)))
    late = simulate(
        made.assign(label_at=made["timestamp"] + pd.Timedelta("4D")), Policy(ramp=(0.3, 1.0))
    )
    never = simulate(made.assign(label_at=pd.NaT), Policy(ramp=(0.3, 1.0)))
    waits = late.events["timestamp"].iloc[1] - early.events["timestamp"].iloc[1]
    assert pd.Timedelta("3D") < waits < pd.Timedelta("5D")
    assert late.extra_errors > 2 * early.extra_errors
    assert never.events["action"].tolist() == ["start"]
    assert "0 users of new so far" in never.table["why"].iloc[-1]


def test_who_meets_a_failing_version_gets_the_old_answer():
    made = traffic(new=1.0, failing=1.0)
    run = simulate(made, Policy("blue_green", rules=(Rule("failed"),), users=5))
    assert run.log["prediction"][run.log["served"]].notna().all()
    # All users are on new, so there is nothing to compare with, and users lose nothing.
    assert run.extra_errors == 0
    canary = simulate(made, Policy(ramp=(0.3, 1.0), rules=(Rule("failed"),)))
    assert canary.events["action"].tolist()[:2] == ["start", "roll back"]
    assert canary.events["why"].iloc[1].startswith("new is worse: failed +100.0")
    assert canary.log["prediction"][canary.log["served"]].notna().all()


def test_an_old_answer_that_stands_in_is_no_evidence_about_old():
    made = traffic(old=0.8, new=0.9, failing=0.1)
    policy = Policy(ramp=(0.3, 1.0), users=10**6)  # never decides
    run = simulate(made, policy)
    on_new = policy.versions(made["user"], share=0.3) == "new"
    counted = deployment.tally(run.log).groupby("version")[["requests", "failed"]].sum()
    assert counted.loc["old"].tolist() == [(~on_new).sum(), 0]
    failed = made["prediction_new"].isna()
    assert counted.loc["new"].tolist() == [on_new.sum(), (failed & on_new).sum()]
    # Without the column nobody can know: then it counts, as any answer of old.
    blind = deployment.tally(run.log.drop(columns="routed"))
    more = blind.groupby("version")["requests"].sum()["old"] - (~on_new).sum()
    assert more == (failed & on_new).sum() > 0


def test_routed_may_be_missing_in_some_rows():
    log = simulate(traffic(), Policy(ramp=(0.3, 1.0), users=10**6)).log
    some = log.assign(routed=log["routed"].astype("string").mask(log["version"] == "old"))
    pd.testing.assert_frame_equal(deployment.tally(some), deployment.tally(log))


def test_slow_answers_go_back():
    made = traffic().assign(latency_old_ms=20.0, latency_new_ms=400.0)
    policy = Policy(ramp=(0.3, 1.0), rules=(Rule("slow"),))
    run = simulate(made, policy, slow_ms=100)
    assert run.events["action"].tolist() == ["start", "roll back"]
    with pytest.raises(TableError, match="needs latency_old_ms and latency_new_ms"):
        simulate(traffic(), policy, slow_ms=100)


def test_order_of_the_rows_does_not_matter():
    made = traffic(new=0.75, delay_h=5)
    one = simulate(made, Policy())
    two = simulate(made.sample(frac=1, random_state=1), Policy())
    pd.testing.assert_frame_equal(one.table, two.table)
    pd.testing.assert_frame_equal(one.events, two.events)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="user"), "missing: user"),
        (lambda t: t.head(0), "was given no requests"),
        (lambda t: t.assign(prediction_old=None), "needs a prediction_old in each row"),
        (lambda t: t.assign(timestamp="2026-13-45"), "cannot read the column timestamp as times"),
    ],
)
def test_bad_tables(change, words):
    with pytest.raises(TableError, match=words):
        simulate(change(traffic(n=50)), Policy())


def test_bad_pace():
    with pytest.raises(ValueError, match="every is a time above 0"):
        simulate(traffic(n=50), Policy(), every="0h")
    with pytest.raises(ValueError, match="look less often"):
        simulate(traffic(n=50), Policy(), every="1s")


def test_it_shows_itself():
    run = simulate(traffic(new=0.5), Policy(ramp=(0.3, 1.0)))
    assert "more errors than with old alone" in repr(run)
    assert "roll back" in run._repr_html_()
    ax = run.plot()
    assert [line.get_label() for line in ax.lines][:3] == ["served", "old", "new"]


def test_no_tally_and_what_is_none_are_told():
    with pytest.raises(TableError, match="needs at least one tally, and was given none"):
        deployment.add([])
    with pytest.raises(TableError, match=r"as deployment\.tally\(\) makes it; missing: failed"):
        deployment.add(
            [pd.DataFrame(columns=["user", "version", "requests", "labelled", "right", "slow"])]
        )
