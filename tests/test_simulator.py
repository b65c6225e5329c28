"""The Simulator without a browser: what it plays, what it counts, and what it sends."""

import json
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkit import monitoring
from mlkit._stats import wilson
from mlkit.deployment import Policy
from mlkit.widgets import Simulator, _outcome, _play, _world
from mlkit.widgets._settings import CHOICES, RANGES, Settings
from mlkit.widgets.simulator import told

SEEDS = range(12)
KEEPS = {"labels_week": 400, "canary": 0.5, "accuracy_below": 0.86}


def outcome(seed=0, **settings):
    return _outcome.outcome(Settings().changed(settings), seed)


def play(seed=0, **settings):
    return _play.Play(Settings().changed(settings), seed)


# What a learner is to find.


def test_the_start_loses_users_and_a_reachable_setting_keeps_them_whatever_the_luck():
    start = [outcome(seed) for seed in SEEDS]
    kept = [outcome(seed, **KEEPS) for seed in SEEDS]
    assert all(one.lost for one in start)
    assert not any(one.lost for one in kept)
    assert min(one.users_lost for one in start) > 2 * max(one.users_lost for one in kept)
    for name, value in KEEPS.items():  # with sliders alone
        low, high, step = RANGES[name]
        assert low <= value <= high
        assert (value - low) / step == pytest.approx(round((value - low) / step))


def test_late_labels_are_noticed_late_and_asked_ones_at_once():
    delays = [
        np.median([outcome(seed, label_delay_days=days).detection_days for seed in range(8)])
        for days in (0, 15, 40)
    ]
    assert delays == sorted(delays)
    assert delays[2] >= delays[0] + 14
    assert outcome(**KEEPS).detection_days <= 14


def test_drift_of_the_inputs_shows_before_any_label_comes():
    moved = outcome(kind="data", label_delay_days=60)
    first = moved.alarms.iloc[0]
    assert first[["week", "what", "true"]].tolist() == [9, "inputs", True]
    assert moved.detection_days == 7


def test_concept_drift_never_shows_in_the_inputs():
    low = [outcome(seed, kind="concept", inputs_above=0.01).alarms for seed in range(6)]
    named = pd.concat([alarms[alarms["what"] == "inputs"] for alarms in low])
    assert len(named) > 0, "so low a threshold rings by chance"
    assert not named["true"].any()
    assert outcome(kind="concept").weeks["inputs"].max() < 0.05


def test_where_nothing_changes_every_alarm_is_false_and_nobody_is_lost():
    for seed in range(5):
        quiet = outcome(seed, kind="none", accuracy_below=0.92, labels_week=60)
        assert not quiet.alarms["true"].any()
        assert quiet.false_alarms_per_week == pytest.approx(len(quiet.alarms) / 26)
        assert quiet.detection_days is None
        assert quiet.alarm_week is None
        assert "Nothing changed" in repr(quiet)
        assert not quiet.lost


def test_no_true_alarm_rings_before_the_change():
    for seed in range(5):
        early = outcome(seed, kind="both", accuracy_below=0.92, inputs_above=0.01, labels_week=100)
        assert (early.alarms.loc[early.alarms["true"], "week"] >= 9).all()
        assert early.detection_days > 0


def test_a_faulty_version_is_rolled_back_and_a_canary_keeps_its_harm_small():
    wish = {"kind": "none", "retrain": "every 4 weeks", "first_version": "faulty"}
    for seed in range(4):
        shadow, some, all_at_once = (
            outcome(seed, **wish, labels_week=200, canary=canary) for canary in (0, 0.05, 1)
        )
        for one in (shadow, some, all_at_once):
            assert "roll back" in set(one.events["action"])
        assert shadow.extra_errors < 100
        assert some.extra_errors < all_at_once.extra_errors / 4
    assert outcome(**wish, labels_week=0, canary=1).lost


def test_a_calendar_retrains_by_the_calendar():
    asked = outcome(kind="none", retrain="every 13 weeks", labels_retrain=200)
    retrained = asked.events[asked.events["action"] == "retraining"]
    assert retrained["week"].tolist() == [13, 26]
    assert asked.labels_paid == 400
    never = outcome(retrain="never")
    assert never.events.empty
    assert never.labels_paid == 0


# What is played is what the package decides and measures.


def test_users_get_the_version_that_the_policy_of_the_server_says():
    names = np.array([f"user-{k + 1:04d}" for k in range(_world.USERS)])
    policy = _play.rollout_policy(0.2, salt="3")
    assert policy == Policy("canary", ramp=(0.2, 1.0), rules=_play.RULES, salt="3")
    new = _play._places("3") < 0.2
    assert (np.where(new, "new", "old") == policy.versions(names, share=0.2)).all()
    assert [policy.version(name, share=0.2) for name in names[:50]] == np.where(
        new, "new", "old"
    ).tolist()[:50]
    assert _play.rollout_policy(0).mode == "shadow"
    assert _play.rollout_policy(1).mode == "blue_green"


def test_shadow_changes_no_answer_until_the_version_is_promoted():
    shadow = play(kind="none", retrain="every 4 weeks", canary=0, labels_week=100)
    promoted = next(one["day"] for one in shadow.events if one["action"] == "promote")
    until = (promoted + 1) * _world.A_DAY
    assert (shadow.right[:until] == shadow.first.right[:until]).all()
    assert (shadow.trial == 0).all()
    assert (shadow.newer[: promoted + 1] == 0).all()
    assert (shadow.newer[promoted + 1 :] == 1).all()


def test_a_canary_serves_its_share_of_users():
    some = play(kind="none", retrain="every 13 weeks", canary=0.3)
    on = np.flatnonzero(some.trial > 0)
    assert set(some.trial[on]) == {0.3}
    one = some.rollout or some.models[1]
    assert one is not None
    new = _play._places(str(2))[some.world.luck.user] < 0.3
    rows = np.isin(some.world.day, on[:20])
    expected = np.where(new, some.models[1].right, some.first.right)
    assert (some.right[rows] == expected[rows]).all()


def test_with_fewer_users_than_it_wants_the_policy_holds():
    """Why a rollout need not be looked at before."""
    policy, rng = _play.rollout_policy(0.5), np.random.default_rng(0)
    for users in (0, 1, policy.users - 1):
        n = np.r_[np.ones(users), np.zeros(500 - users)]
        old = np.ones(500)
        counts = (rng.binomial(1, 0.9, 500), old, np.zeros(500), n)
        assert policy.decide({"accuracy": counts}, share=0.5).action == "hold"


def test_drift_is_the_index_of_the_monitoring_package():
    rng = np.random.default_rng(0)
    tenths = [f"{k}" for k in range(10)]
    before, after = rng.choice(tenths, 3000), rng.choice(tenths, 2800, p=np.arange(1, 11) / 55)
    tables = [pd.DataFrame({"tenth": side}) for side in (before, after)]
    counts = [side["tenth"].value_counts().sort_index().to_numpy() for side in tables]
    expected = monitoring.drift(*tables).table["psi"].iloc[0]
    assert _world.psi(counts[0], counts[1]) == pytest.approx(expected, rel=1e-12)


def test_drift_by_chance_is_as_large_as_the_monitoring_package_says():
    """Of a quiet half year, about one index in twenty exceeds what chance exceeds so often."""
    from scipy.stats import chi2

    world = _world.world("none", 9, 0, 0.0, 0.0, 0)
    weekly = world.counts.reshape(_world.WEEKS, 7, 2, 10).sum(axis=1)
    chance = (1 / 3000 + 1 / 2800) * chi2.ppf(0.95, 9)
    # By light and by length; requests of one user are alike, so chance reaches further.
    assert np.median(_world.psi(world.learned, weekly)) < chance
    assert _world.psi(world.learned, weekly).max() < 4 * chance


def test_a_version_learns_as_a_logistic_regression_does():
    from sklearn.linear_model import LogisticRegression

    world = _world.world("concept", 9, 0, 0.6, 0.0, 1)
    x, y = world.x[:4000], world.label[:4000]
    ours = _world.says(_world.fit(x, y), world.x)
    reference = LogisticRegression(C=np.inf, max_iter=5000).fit(x[:, 1:], y)
    assert (ours == reference.predict(world.x[:, 1:])).mean() > 0.997
    assert np.isfinite(_world.fit(x[:20], x[:20, 1] > 5)).all(), "two kinds that can be parted"


@pytest.mark.parametrize("kind", ["none", "data", "concept", "both"])
def test_the_accuracy_that_is_drawn_is_the_share_that_turns_out_right(kind):
    seen, told_ = [], []
    for seed in range(6):
        world = _world.world(kind, 9, 6, 0.7, 10.0, seed)
        right = _world.says(world.first, world.x) == world.label
        by_day = right.reshape(_world.DAYS, _world.A_DAY).mean(axis=1)
        seen.append([by_day[:56].mean(), by_day[112:].mean()])
        drawn = _world.accuracy(world.first, world.stages, world.stage)
        told_.append([drawn[:56].mean(), drawn[112:].mean()])
    assert np.allclose(np.mean(seen, axis=0), np.mean(told_, axis=0), atol=0.01)


def test_the_world_is_that_of_the_traffic_that_one_can_make():
    from mlkit.datasets import _traffic

    rng = np.random.default_rng(0)
    seen = {"length_mm": rng.gamma(4, 1.3, 500), "brightness": rng.uniform(0.2, 1, 500)}
    x = np.column_stack([np.ones(500), seen["length_mm"], seen["brightness"]])
    for moved in (0.0, 0.4, 1.0):
        theirs = _traffic._chance(seen | {"marks": np.ones(500)}, moved)
        assert np.allclose(_world.chance_scratched(x, moved), theirs)


def test_kinds_of_change_move_what_they_say():
    still, data, concept = (
        _world.world(kind, 9, 0, 0.6, 0.0, 0) for kind in ("none", "data", "concept")
    )
    onset = 8 * 7 * _world.A_DAY
    assert (concept.x == still.x).all(), "concept drift leaves the photographs alone"
    assert (data.x[:onset] == still.x[:onset]).all()
    assert (data.x[onset:, 2] < still.x[onset:, 2]).all(), "darker"
    # What a photograph means: the same chance for the same photograph, or another.
    assert (data.chance == _world.chance_scratched(data.x, 0.0)).all()
    assert (concept.chance[:onset] == still.chance[:onset]).all()
    assert (concept.chance[onset:] >= still.chance[onset:]).all()


def test_users_who_leave_are_counted_as_by_hand():
    rng = np.random.default_rng(3)
    user, right = rng.integers(0, 40, 3000), rng.random(3000) < 0.6
    left = 0
    for one in range(40):
        row = 0
        for ok in right[user == one]:
            row = 0 if ok else row + 1
            if row == _outcome.PATIENCE:
                left += 1
                break

    class Luck:
        order = np.argsort(user, kind="stable")

    Luck.user = user
    assert 0 < left < 40
    assert _outcome._left(right, Luck) == left


def test_the_table_adds_up():
    found = outcome(**KEEPS)
    assert len(found.table) == 182
    assert len(found.weeks) == 26
    assert found.table["labels_paid"].sum() == found.weeks["labels_paid"].sum()
    assert found.labels_paid == found.table["labels_paid"].sum()
    retrained = (found.events["action"] == "retraining").sum()
    assert retrained >= 1
    assert found.labels_paid == 400 * 26 + 300 * retrained
    served = found.table["accuracy_served"]
    ends = found.table[["accuracy_old", "accuracy_new"]]
    assert (served <= ends.max(axis=1) + 1e-9).all()
    assert (served >= ends.min(axis=1) - 1e-9).all()
    assert found.table["accuracy_new"].first_valid_index() >= 62


@pytest.mark.parametrize("a_week", [0, 20, 100, 400])
@pytest.mark.parametrize("canary", [0, 0.01, 0.5, 1])
def test_exactly_as_many_labels_are_asked_as_the_sliders_say(a_week, canary):
    """With a version on trial too, which shares them, and whose users may be fewer than these."""
    found = outcome(
        1, labels_week=a_week, canary=canary, labels_retrain=150, retrain="every 4 weeks"
    )
    trained = found.weeks["week"].isin(
        found.events.loc[found.events["action"] == "retraining", "week"]
    )
    assert trained.any()
    assert (found.weeks["labels_paid"] == a_week + 150 * trained).all()


def test_while_a_canary_is_on_its_users_get_half_of_the_labels():
    some = play(kind="none", retrain="every 13 weeks", canary=0.3, labels_week=280)
    on = np.flatnonzero(some.trial > 0)[:20]
    w, new = some.world, _play._places(str(2))[some.world.luck.user] < 0.3
    asked = (some.arrival == w.day + 1) & (w.free > w.day + 1) & np.isin(w.day, on)
    by_itself = 0.03 * 40 * len(on)  # of those asked, at most about so many
    assert abs(asked[new].sum() - 20 * len(on)) <= by_itself
    assert abs(asked[~new].sum() - 20 * len(on)) <= by_itself


def test_the_same_seed_plays_the_same_and_another_does_not():
    one, two, other = outcome(4), outcome(4), outcome(5)
    for name in ("table", "weeks", "alarms", "events"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    assert repr(one) == repr(two)
    assert repr(one) != repr(other)


def test_a_slider_changes_nothing_of_luck_that_it_does_not_name():
    slow, quick = (_world.world("concept", 9, 0, 0.6, float(d), 0) for d in (30, 5))
    assert (slow.label == quick.label).all()
    assert (slow.x == quick.x).all()
    assert (slow.free >= quick.free).all()


@settings(max_examples=25, deadline=None)
@given(
    st.fixed_dictionaries(
        {name: st.sampled_from(choices) for name, choices in CHOICES.items()}
        | {
            name: st.integers(0, round((high - low) / step)).map(
                lambda n, low=low, step=step: low + n * step
            )
            for name, (low, high, step) in RANGES.items()
        }
    ),
    st.integers(0, 3),
)
def test_what_holds_wherever_the_sliders_stand(wish, seed):
    found = outcome(seed, **wish)
    table = found.table
    ends = table[["accuracy_old", "accuracy_new", "accuracy_best"]]
    assert table["share_new"].between(0, 1).all()
    assert (table["share_trial"] <= table["share_new"] + 1e-12).all()
    assert (table["accuracy_best"] >= ends.max(axis=1) - 0.03).all(), "nothing is much better"
    assert found.users_lost >= -found.users_lost_best
    assert found.labels_paid == table["labels_paid"].sum()
    promoted = found.events.loc[found.events["action"] == "promote", "day"]
    if promoted.empty:
        assert (table["share_new"] == table["share_trial"]).all()
        quiet = table["share_trial"] == 0
        assert (table["accuracy_served"] == table["accuracy_old"])[quiet].all()
    if found.settings.onset_day is None:
        assert not found.alarms["true"].any()
    else:
        assert (found.alarms.loc[found.alarms["true"], "day"] >= found.settings.onset_day).all()
    json.dumps(told(found), allow_nan=False)


@pytest.mark.parametrize("retrain", CHOICES["retrain"])
@pytest.mark.parametrize("kind", CHOICES["kind"])
def test_the_ends_of_all_sliders_can_be_played(kind, retrain):
    for end in (0, 1):
        edges = {name: limits[end] for name, limits in RANGES.items()}
        found = outcome(kind=kind, retrain=retrain, **edges)
        json.dumps(told(found), allow_nan=False)
        assert found.table.drop(columns="accuracy_new").notna().all(axis=None)


def test_one_answer_takes_well_under_a_tenth_of_a_second():
    outcome()  # the world is made once
    for wish in ({}, KEEPS, {"kind": "none", "accuracy_below": 0.92, "canary": 0}):
        took = []
        for _ in range(5):
            start = time.process_time()
            outcome(**wish)
            took.append(time.process_time() - start)
        assert min(took) < 0.1
    start = time.process_time()
    outcome(size=0.35)  # another world
    assert time.process_time() - start < 0.3


# What a person types.


def test_the_typed_twin():
    simulator = Simulator()
    assert simulator.result.lost
    words = simulator.predict(lost=True, alarm_week=9)
    assert words == (
        "First run. You said users would be lost: right. You said the first true alarm in week 9, "
        f"wrong: it was week {simulator.result.alarm_week}."
    )
    found = simulator.run(labels_week=400, canary=0.5)
    assert found is simulator.result
    assert simulator.settings.labels_week == 400
    simulator.run(accuracy_below=0.86)
    assert simulator.settings.labels_week == 400, "the others stay"
    assert not simulator.result.lost
    words = simulator.predict(lost=False, alarm_week=None)
    assert words.endswith(
        f"You said no true alarm, wrong: one rang in week {simulator.result.alarm_week}."
    )
    before = simulator.result
    assert simulator.again().seed == 1
    assert repr(simulator.result) != repr(before)


@pytest.mark.parametrize(
    ("off", "how"), [(-2, "wrong"), (-1, "within a week"), (0, ""), (1, "within a week")]
)
def test_a_week_off_is_near_and_the_true_week_is_told(off, how):
    simulator = Simulator(seed=2)
    true = simulator.result.alarm_week
    said = simulator.predict(lost=True, alarm_week=true + off)
    end = f", {how}: it was week {true}." if off else ": right."
    assert said.endswith(f"You said the first true alarm in week {true + off}{end}")


def test_where_no_true_alarm_rings_a_week_is_wrong_and_none_is_right():
    simulator = Simulator(kind="none")
    assert simulator.predict(lost=False, alarm_week=4).endswith("in week 4, wrong: none rang.")
    assert simulator.predict(lost=False, alarm_week=None).endswith("You said no true alarm: right.")


def test_the_verdict_in_words():
    lost, kept = outcome(), outcome(**KEEPS)
    left = lost.users_lost + lost.users_lost_best
    assert repr(lost).startswith(
        f"This policy lost users: {left} of 2,000 left, {lost.users_lost} more than under the best "
        "possible policy."
    )
    assert f"An alarm noticed the change after {lost.detection_days} days." in repr(lost)
    assert f"{lost.extra_errors:,} more wrong answers than from the best possible" in repr(lost)
    assert repr(kept).startswith("This policy kept its users")
    trained = kept.labels_paid - 26 * 400
    assert trained >= 300
    assert f"{kept.labels_paid:,} labels paid for, {trained} of them to train." in repr(kept)
    assert "0 labels paid for." in repr(outcome(retrain="never"))
    assert "false alarms a week, over all 26." in repr(kept)
    blind = outcome(inputs_above=1, accuracy_below=0.7, label_delay_days=60, size=0.2)
    assert "No alarm noticed the change." in repr(blind)
    page = kept._repr_html_()
    assert "promote" in page
    assert "Simulated" in page


def test_twenty_draws_of_luck():
    simulator = Simulator(seed=3)
    table = simulator.spread(6)
    assert table["seed"].tolist() == [3, 4, 5, 6, 7, 8]
    assert table["users_lost"].iloc[0] == simulator.result.users_lost
    assert table["lost"].all()
    low, _ = wilson(6, 6)
    words = _outcome.spread(table)
    assert words.startswith(f"Users were lost in 6 of 6 draws of luck ({100 * low:.0f} to ")
    counts = table["users_lost"]
    assert words.endswith(
        f"such half years). In the middle draw {counts.median():,.0f} more than under the best "
        f"policy left; from {counts.min()} to {counts.max()}."
    )
    some = pd.DataFrame({"users_lost": [-5, -3, 4], "lost": [False] * 3})
    assert (
        "In the middle draw 3 fewer than under the best policy left; from 5 fewer to 4 more."
        in (_outcome.spread(some))
    )
    never = Simulator(inputs_above=1, accuracy_below=0.7, label_delay_days=60, size=0.2).spread(2)
    assert never["detection_days"].isna().all()


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"kind": "weather"}, "kind is one of none, data, concept, both; got 'weather'"),
        ({"retrain": "daily"}, "retrain is one of never, every 4 weeks"),
        ({"size": 1.5}, "size lies from 0 to 1; got 1.5"),
        ({"canary": -0.1}, "canary lies from 0 to 1"),
        ({"labels_week": "many"}, "labels_week lies from 0 to 400; got 'many'"),
        ({"onset_week": float("nan")}, "onset_week lies from 2 to 20"),
        ({"delay": 3}, "there is no setting 'delay' here; there are kind, onset_week"),
    ],
)
def test_settings_that_cannot_be_are_said(wish, words):
    with pytest.raises(ValueError, match=words):
        Simulator(**wish)
    with pytest.raises(ValueError, match=words):
        Simulator().run(**wish)


def test_what_cannot_be_predicted_is_said():
    simulator = Simulator()
    with pytest.raises(TypeError, match="lost is True or False"):
        simulator.predict(lost="yes", alarm_week=3)
    for week in (0, 27, 3.5, True):
        with pytest.raises(ValueError, match="a week from 1 to 26, or None"):
            simulator.predict(lost=True, alarm_week=week)
    with pytest.raises(ValueError, match="seed is a whole number from 0 up"):
        Simulator(seed=-1)
    with pytest.raises(ValueError, match="n is how many draws"):
        simulator.spread(0)


def test_without_a_front_end_it_is_a_sentence():
    bundle = Simulator()._repr_mimebundle_()
    text = bundle[0]["text/plain"]
    assert text.startswith("Simulator (all simulated). This policy lost users")
    assert "simulator.run(...)" in text


# The wire.


@pytest.fixture
def wired(monkeypatch):
    simulator, sent = Simulator(), []
    monkeypatch.setattr(simulator, "send", lambda content, buffers=None: sent.append(content))
    return simulator, sent, simulator._try


def ask(wired, **message):
    simulator, sent, attempt = wired
    attempt(lambda: simulator._answer(message))
    return sent[-1] if sent else None


def test_a_view_that_comes_hears_everything(wired):
    heard = ask(wired, op="hello")
    assert heard["op"] == "state"
    assert heard["said"] is None
    assert set(heard["fixed"]["ranges"]) | set(heard["fixed"]["choices"]) == set(heard["settings"])
    json.dumps(heard, allow_nan=False)


def test_a_slider_is_answered_with_its_own_number(wired):
    settings = Settings().to_dict() | {"labels_week": 200.0, "canary": 0.30000000000000004}
    heard = ask(wired, op="set", settings=settings, wish=7)
    assert (heard["op"], heard["wish"]) == ("result", 7)
    assert heard["settings"]["canary"] == 0.3
    assert wired[0].settings.labels_week == 200
    assert heard["result"]["sentence"] == repr(wired[0].result)


def test_a_prediction_is_told_and_forgotten(wired):
    heard = ask(wired, op="predict", lost=False, alarm_week=None)
    assert heard["said"]["right"] == [False, False]
    assert ask(wired, op="again")["said"]["lost"] is False
    assert ask(wired, op="forget")["said"] is None


def test_what_goes_wrong_is_told_in_the_widget(wired):
    assert "does not know" in ask(wired, op="fly")["text"]
    heard = ask(wired, op="set", settings={"size": 9}, wish=3)
    assert heard["op"] == "error"
    assert "size lies from 0 to 1" in heard["text"]


def wait(met):
    end = time.monotonic() + 60
    while not met():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_draws_of_luck_come_one_by_one_and_stop_when_a_slider_moves(wired):
    simulator, sent, _ = wired
    ask(wired, op="spread")
    wait(lambda: sent and len(sent[-1]["points"]) == 20)
    assert [len(one["points"]) for one in sent] == list(range(1, 21))
    assert sent[-1]["points"] == simulator.spread(20)["users_lost"].tolist()
    assert [one["words"] for one in sent[:2]] == [f"{n} of 20 half years played …" for n in (1, 2)]
    assert sent[-1]["words"].startswith("Users were lost in 20 of 20 draws of luck")
    ask(wired, op="spread")
    wait(lambda: len(sent[-1].get("points", [])) == 1)
    ask(wired, op="set", settings=Settings().to_dict() | {"size": 0.1}, wish=1)
    wait(lambda: not simulator._feed._busy)
    assert [one["op"] for one in sent[-1:]] == ["result"], "no draw of settings that have gone"
    ask(wired, op="spread")
    ask(wired, op="again")
    wait(lambda: not simulator._feed._busy)
    assert [one["op"] for one in sent[-1:]] == ["result"], "nor of a draw of luck that has gone"
