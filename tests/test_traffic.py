"""Simulated traffic: what moves, what stays, and that it is what the topics take."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, chi2_contingency, ks_2samp

from mlkit import deployment, monitoring
from mlkit.datasets import make_traffic

FEATURES = ["length_mm", "marks", "brightness", "camera"]
KINDS = ["none", "data", "concept", "both"]
AS_LOG = {"prediction_old": "prediction", "score_old": "score"}


def day_of(table):
    start = pd.Timestamp("2026-01-05", tz="UTC")
    return (table["timestamp"] - start) / pd.Timedelta("1D")


@pytest.fixture(scope="module")
def traffic():
    return {kind: make_traffic(kind=kind, size=1, rng=3) for kind in KINDS}


def test_the_columns_are_those_of_a_log(traffic):
    made = traffic["data"]
    assert list(made) == [
        *("timestamp", "item", "user", *FEATURES, "label", "label_at"),
        *("prediction_old", "score_old", "prediction_new", "score_new"),
    ]
    assert len(made) == 72_000
    assert made["item"].is_unique
    assert made["timestamp"].is_monotonic_increasing
    assert set(made["label"]) == {"scratched", "fine"}
    assert made.drop(columns="label_at").notna().all(axis=None)
    assert (day_of(made).astype(int).value_counts() == 400).all()
    assert made[["score_old", "score_new"]].min().min() >= 0.5
    assert made["brightness"].between(0, 1).all()


def test_the_same_seed_makes_the_same_table():
    wish = {"days": 20, "kind": "both", "onset_day": 8, "label_delay_days": 2, "labelled": 0.5}
    pd.testing.assert_frame_equal(make_traffic(**wish, rng=5), make_traffic(**wish, rng=5))
    generator = np.random.default_rng(5)
    pd.testing.assert_frame_equal(make_traffic(**wish, rng=5), make_traffic(**wish, rng=generator))
    other = make_traffic(**wish, rng=6)
    assert not other["length_mm"].equals(make_traffic(**wish, rng=5)["length_mm"])


def test_the_photographs_do_not_depend_on_labels_and_waits():
    plain = make_traffic(days=20, rng=1)
    late = make_traffic(days=20, label_delay_days=9, labelled=0.1, new_trained_on=50, rng=1)
    unlike = ["label_at", "prediction_new", "score_new"]
    pd.testing.assert_frame_equal(plain.drop(columns=unlike), late.drop(columns=unlike))


# What moves and what stays, measured.


@pytest.mark.parametrize("kind", ["none", "concept"])
def test_p_x_stays(traffic, kind):
    """The photographs are those of a world that stays, and before and after are alike."""
    pd.testing.assert_frame_equal(traffic[kind][FEATURES], traffic["none"][FEATURES])
    made = traffic[kind]
    # One request a user: requests of one user are alike, which the tests do not know.
    late = day_of(made) >= 60
    sides = [made[side].drop_duplicates("user") for side in (~late, late)]
    for name in ("length_mm", "marks", "brightness"):
        assert ks_2samp(sides[0][name], sides[1][name]).pvalue > 0.001
    counts = pd.crosstab(
        pd.concat(sides)["camera"], np.repeat([0, 1], [len(sides[0]), len(sides[1])])
    )
    assert chi2_contingency(counts).pvalue > 0.001


@pytest.mark.parametrize("kind", ["data", "both"])
def test_p_x_moves(traffic, kind):
    made = traffic[kind]
    found = monitoring.drift(made[day_of(made) < 60][FEATURES], made[day_of(made) >= 60][FEATURES])
    assert set(found.drifted) == {"length_mm", "brightness", "camera"}


def within_cells(made):
    """Cochran, Mantel and Haenszel by hand: does the label depend on the time, given the photo?

    Cells so narrow that moving about inside one cannot make a difference that matters.
    """
    cell = [
        (made["length_mm"] / 0.25).astype(int),
        (made["brightness"] / 0.02).astype(int),
        made["marks"],
    ]
    table = pd.DataFrame({"late": day_of(made) >= 60, "y": made["label"] == "scratched"})
    grouped = table.groupby(cell)
    n, late, y = grouped.size(), grouped["late"].sum(), grouped["y"].sum()
    both = (table["late"] & table["y"]).groupby(cell).sum()
    use = n > 1
    expected = (late * y / n)[use]
    variance = (late * (n - late) * y * (n - y) / (n**2 * (n - 1)))[use]
    off = (both[use] - expected).sum()
    return off**2 / variance.sum(), int(variance.gt(0).sum())


@pytest.mark.parametrize("kind", ["none", "data"])
def test_p_y_given_x_stays(kind):
    # Of a change half as large: photographs of both times share cells.
    made = make_traffic(days=120, requests=2500, kind=kind, size=0.4, rng=8)
    statistic, cells = within_cells(made)
    assert cells > 500
    assert chi2.sf(statistic, 1) > 0.001


def test_labels_follow_the_law_that_holds_whatever_the_photograph():
    """An outside model of P(y|x), learned before, is calibrated after the inputs moved."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    made = make_traffic(days=100, requests=1000, kind="data", size=0.5, onset_day=0, rng=4)
    still = make_traffic(days=100, requests=1000, kind="none", rng=9)
    inputs = ["length_mm", "marks", "brightness"]
    # It sees both kinds of photograph, but the labels of one world alone in each half.
    y = pd.concat([made, still])["label"] == "scratched"
    x = pd.concat([made, still])[inputs]
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(x, y)
    for table in (made, still):
        shared = table[table["brightness"].between(0.5, 0.6)]
        chance = model.predict_proba(shared[inputs])[:, 1]
        off = (shared["label"] == "scratched").mean() - chance.mean()
        assert abs(off) < 0.01, "the same photograph means something else"


@pytest.mark.parametrize("kind", ["concept", "both"])
def test_p_y_given_x_moves(kind):
    made = make_traffic(days=120, requests=600, kind=kind, size=0.4, rng=8)
    statistic, _ = within_cells(made)
    assert chi2.sf(statistic, 1) < 1e-6
    middling = made[made["length_mm"].between(3.5, 5.5) & (made["brightness"] > 0.6)]
    share = (middling["label"] == "scratched").groupby(day_of(middling) >= 60).mean()
    assert share[True] > share[False] + 0.2


def accuracy(made, version):
    right = made[f"prediction_{version}"] == made["label"]
    return right.groupby(day_of(made) >= 60).mean()


@pytest.mark.parametrize("kind", ["data", "concept", "both"])
def test_old_falls_and_new_knows_the_world_after(traffic, kind):
    old, new = accuracy(traffic[kind], "old"), accuracy(traffic[kind], "new")
    assert old[False] > 0.9
    assert old[True] < old[False] - 0.1
    assert new[True] > old[True] + 0.05
    assert new[False] < old[False]


def test_where_nothing_changes_both_are_as_good(traffic):
    old, new = accuracy(traffic["none"], "old"), accuracy(traffic["none"], "new")
    assert np.allclose([*old, *new], old[False], atol=0.01)


def test_no_size_is_no_change():
    for kind in ("data", "concept"):
        made, still = (make_traffic(days=30, kind=k, size=0, rng=2) for k in (kind, "none"))
        pd.testing.assert_frame_equal(made, still)


def test_a_new_version_that_learned_from_little_is_worse():
    made = make_traffic(kind="none", new_trained_on=20, rng=0)
    old, new = ((made[f"prediction_{v}"] == made["label"]).mean() for v in ("old", "new"))
    assert new < old - 0.01


def test_sudden_and_gradual():
    by_day = {}
    for over in (0, 60):
        made = make_traffic(days=150, kind="data", size=1, over_days=over, rng=0)
        by_day[over] = made.groupby(day_of(made).astype(int))["brightness"].mean()
    before = by_day[0][:60].mean()
    assert np.ptp(by_day[0][60:]) < 0.03
    for over, middle in ((0, 0.25), (60, 0.125)):
        assert before - by_day[over][90] == pytest.approx(middle, abs=0.03)
        assert before - by_day[over][125:].mean() == pytest.approx(0.25, abs=0.03)
    assert np.corrcoef(np.arange(60), by_day[60][60:120])[0, 1] < -0.95


# Labels that come late, or never.


def test_waits_have_the_mean_that_was_asked_for():
    made = make_traffic(label_delay_days=10, labelled=0.3, rng=0)
    wait = (made["label_at"] - made["timestamp"]) / pd.Timedelta("1D")
    assert wait.notna().mean() == pytest.approx(0.3, abs=0.01)
    assert wait.mean() == pytest.approx(10, abs=0.2)
    assert wait.std() == pytest.approx(5, abs=0.2)  # gamma, shape 4
    assert wait.min() >= 0


def test_labels_at_once_and_never():
    assert (make_traffic(days=5)["label_at"] == make_traffic(days=5)["timestamp"]).all()
    never = make_traffic(days=5, labelled=0)
    assert never["label_at"].isna().all()
    assert never["label_at"].dtype == never["timestamp"].dtype


# Users come back and differ.


def test_users_come_back_and_differ(traffic):
    made = traffic["none"]
    often = made["user"].value_counts()
    assert often.median() > 5
    assert often.max() > 8 * often.median()
    # More than chance makes of users who are all alike (a permutation of who sent what).
    right = made["prediction_old"] == made["label"]
    shuffled = made["user"].sample(frac=1, random_state=0).to_numpy()

    def between(values, user):
        share = values.groupby(user).agg(["mean", "size"])
        return (share["size"] * (share["mean"] - values.mean()) ** 2).sum()

    assert between(made["length_mm"], made["user"]) > 3 * between(made["length_mm"], shuffled)
    assert between(right.astype(float), made["user"]) > 1.2 * between(right, shuffled)


# What takes it.


def test_a_rollout_takes_it():
    made = make_traffic(days=40, onset_day=0, kind="concept", label_delay_days=1, rng=0)
    policy = deployment.Policy(ramp=(0.2, 1.0))
    played = deployment.simulate(made, policy, every="1D")
    assert played.n == len(made)
    assert "promote" in set(played.events["action"])
    assert played.extra_errors < 0, "new is better here"


def test_monitoring_takes_it():
    made = make_traffic(days=120, kind="concept", label_delay_days=3, rng=0).rename(columns=AS_LOG)
    assert monitoring.drift(made[:20_000][FEATURES], made[-20_000:][FEATURES]).drifted == ()
    found = monitoring.concept(made, reference_until="2026-02-20", simulations=0)
    assert found.noticed is not pd.NaT
    assert (found.noticed - pd.Timestamp("2026-03-06", tz="UTC")) < pd.Timedelta("14D")


def test_it_is_made_quickly():
    make_traffic(days=2)  # what is imported once
    took = []
    for _ in range(3):
        start = time.process_time()
        make_traffic(kind="both", label_delay_days=5)
        took.append(time.process_time() - start)
    assert min(took) < 1.5


@pytest.mark.parametrize("wish", [{"days": 1}, {"requests": 1}, {"users": 1}])
def test_small_ones(wish):
    made = make_traffic(**{"days": 3, "requests": 5, "users": 4, **wish})
    assert len(made) == wish.get("days", 3) * wish.get("requests", 5)
    assert made["prediction_old"].notna().all()


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"days": 0}, "days as a whole number"),
        ({"users": 2.5}, "users as a whole number"),
        ({"requests": True}, "requests as a whole number"),
        ({"kind": "covariate"}, "none, data, concept, both; got 'covariate'"),
        ({"size": 1.2}, "size as a share from 0 to 1; got 1.2"),
        ({"labelled": -0.1}, "labelled as a share"),
        ({"onset_day": -1}, "onset_day as days from 0 up"),
        ({"over_days": float("nan")}, "over_days as days"),
        ({"label_delay_days": "5"}, "label_delay_days as days"),
        ({"new_trained_on": 5}, "new_trained_on of at least 20; got 5"),
    ],
)
def test_what_cannot_be_made_is_said(wish, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        make_traffic(**wish)
