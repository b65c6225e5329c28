"""Concept drift on late labels: seldom an alarm by chance, soon one after a fall, none early."""

import numpy as np
import pandas as pd
import pytest
from river import drift as river_drift
from scipy import stats

from mlkit import _stats
from mlkit._tables import TableError
from mlkit.monitoring import _stream, concept

START = pd.Timestamp("2026-01-01", tz="UTC")
CHANGE = START + pd.Timedelta("28D")


def log(rng=0, *, weeks=12, per_day=40, users=None, fall=0.0, delay="0h", shape="sudden"):
    """Right in 85 of 100 for four weeks, then less by ``fall``, at once or in a line."""
    rng = np.random.default_rng(rng)
    n = 7 * weeks * per_day
    when = START + pd.to_timedelta(np.sort(rng.uniform(0, 7 * weeks, n)), unit="D")
    days = (when - CHANGE) / pd.Timedelta("1D")
    ramp = (days > 0) if shape == "sudden" else np.clip(days / (7 * (weeks - 4)), 0, 1)
    right = rng.random(n) < 0.85 - fall * np.asarray(ramp, float)
    made = pd.DataFrame(
        {
            "timestamp": when,
            "item": [f"i{k}" for k in range(n)],
            "prediction": "a",
            "label": np.where(right, "a", "b"),
            "label_at": when + pd.Timedelta(delay),
        }
    )
    return made.assign(user=rng.integers(users, size=n)) if users else made


def seen(table, **more):
    return concept(table, reference_until=CHANGE, **{"simulations": 0, **more})


def counted(n0, n, *, users=None, rng=None):
    """A stream of n0 reference rows and one window of n."""
    came = np.arange(n0 + n) + 1
    user = came - 1 if users is None else np.random.default_rng(rng).integers(users, size=n0 + n)
    return _stream.Stream(came, came, user, n0, np.array([n0 + n]))


class TestWindowTest:
    def test_where_each_request_is_a_user_it_is_the_test_of_welch(self):
        given = counted(20_000, 8000)
        right = np.r_[np.tile([1, 1, 1, 1, 0], 4000), np.tile([1.0] * 39 + [0] * 11, 160)]
        row = _stream.windows(given, right).iloc[0]
        theirs = stats.ttest_ind(
            right[20_000:], right[:20_000], equal_var=False, alternative="less"
        )
        assert row["difference"] == pytest.approx(-0.02)
        assert row["p"] == pytest.approx(theirs.pvalue, rel=0.02)

    def test_its_interval_is_wilsons_where_each_request_is_a_user(self):
        right = np.r_[np.ones(50), np.ones(70), np.zeros(30)]
        row = _stream.windows(counted(50, 100), right).iloc[0]
        low, high = _stats.wilson(70, 100)
        assert (row["low"], row["high"]) == (pytest.approx(float(low)), pytest.approx(float(high)))

    def test_the_spread_of_the_difference_is_that_over_new_users(self):
        """Users in both periods: their share of luck cancels, as drawing users anew shows."""
        rng = np.random.default_rng(1)
        given = counted(3000, 1000, users=150, rng=1)
        right = _stream.redrawn(given, 0.8, 0.3, 0.0, rng)
        size = 150
        sums = [
            np.bincount(given.user[rows], what, size)
            for rows in (slice(0, 3000), slice(3000, None))
            for what in (right[rows], None)
        ]
        differences = []
        for _ in range(2000):
            times = np.bincount(rng.integers(size, size=size), minlength=size)
            good0, n0, good, n = (times @ one for one in sums)
            differences.append(good / n - good0 / n0)
        row = _stream.windows(given, right).iloc[0]
        assert row["se"] == pytest.approx(np.std(differences), rel=0.08)

    @pytest.mark.parametrize(("users", "alike"), [(None, 0.0), (60, 0.2)])
    def test_nothing_changed_alarms_no_oftener_than_said(self, users, alike):
        ps = []
        for k in range(300):
            given = counted(1000, 200, users=users, rng=k)
            right = _stream.redrawn(given, 0.8, alike, 0.0, np.random.default_rng(k))
            ps.append(_stream.windows(given, right)["p"].iloc[0])
        for alpha in (0.05, 0.2):
            most = stats.binom.ppf(0.999, 300, alpha)
            assert (np.array(ps) < alpha).sum() <= most
        assert np.mean(np.array(ps) < 0.2) > 0.1  # and it is no test that never alarms

    def test_requests_of_few_users_taken_one_by_one_would_alarm_far_too_often(self):
        alarms = []
        for k in range(150):
            given = counted(1000, 200, users=20, rng=k)
            right = _stream.redrawn(given, 0.8, 0.3, 0.0, np.random.default_rng(k))
            right[:1000] = np.random.default_rng(k).random(1000) < 0.8  # other users before
            alone = counted(1000, 200)
            alarms.append(_stream.windows(alone, right)["p"].iloc[0] < 0.05)
        assert np.mean(alarms) > 0.15

    def test_likeness_is_that_of_the_analysis_of_variance(self):
        rng = np.random.default_rng(0)
        right = (rng.random((30, 8)) < rng.beta(2, 2, (30, 1))).astype(float)
        mean, alike = _stream.spread(right.ravel(), np.repeat(np.arange(30), 8))
        f = stats.f_oneway(*right).statistic
        assert mean == right.mean()
        assert alike == pytest.approx((f - 1) / (f - 1 + 8))

    def test_redrawn_traffic_is_as_alike_as_asked(self):
        given = counted(40_000, 10, users=2000, rng=0)
        right = _stream.redrawn(given, 0.7, 0.25, 0.0, np.random.default_rng(0))
        mean, alike = _stream.spread(right, given.user)
        assert mean == pytest.approx(0.7, abs=0.02)
        assert alike == pytest.approx(0.25, abs=0.03)


class TestDetectors:
    def test_they_are_rivers(self):
        table = log(1, fall=0.4)
        found = seen(table)
        wrong = (table["label"] != table["prediction"]).astype(float)
        first = {}
        for name, one in (
            ("ADWIN", river_drift.ADWIN(delta=0.002)),
            ("Page-Hinkley", river_drift.PageHinkley(threshold=50, mode="up")),
        ):
            for when, x in zip(table["timestamp"], wrong, strict=True):
                one.update(x)
                if one.drift_detected and when > CHANGE:
                    first.setdefault(name, when)
        named = found.detectors.set_index("detector")["noticed"]
        assert named["ADWIN"] == first["ADWIN"]
        assert named["Page-Hinkley"] == first["Page-Hinkley"]

    @pytest.mark.parametrize("threshold", [1.0, 10.0, 50.0])
    def test_page_hinkley_rings_at_each_row_that_rivers_rings_at(self, threshold):
        rng = np.random.default_rng(int(threshold))
        wrong = (rng.random(6000) < np.repeat([0.1, 0.4, 0.2, 0.7], 1500)).astype(float)
        one = river_drift.PageHinkley(threshold=threshold, mode="up")
        theirs = []
        for k, x in enumerate(wrong):
            one.update(x)
            if one.drift_detected:
                theirs.append(k)
        assert len(theirs) > 1
        assert _stream._page_hinkley(wrong, 0, threshold, False) == theirs
        after = [k for k in theirs if k >= 1500]
        assert _stream._page_hinkley(wrong, 1500, threshold, True) == after[:1]

    def test_a_rise_of_accuracy_is_no_alarm(self):
        found = seen(log(1, fall=-0.14))
        assert found.accuracy > 0.95
        assert found.detectors["noticed"].isna().all()


class TestNoticed:
    def test_a_sudden_fall_is_noticed_sooner_than_a_gradual_one(self):
        first = {
            shape: seen(log(2, fall=0.2, shape=shape)).noticed for shape in ("sudden", "gradual")
        }
        assert first["sudden"] == CHANGE + pd.Timedelta("7D")
        assert first["sudden"] < first["gradual"]

    def test_late_labels_put_it_off_by_their_delay(self):
        for delay in (0, 14):
            table = log(2, fall=0.3, delay=f"{delay}D")
            until = CHANGE + pd.Timedelta(days=delay)
            found = concept(table, reference_until=until, simulations=0)
            assert found.noticed == CHANGE + pd.Timedelta(days=delay + 7)
        # By the date of the requests nothing could be seen for two weeks.
        early = seen(table, alpha=1e-4)
        assert early.noticed == CHANGE + pd.Timedelta("21D")

    def test_no_look_uses_a_label_of_later(self):
        table = log(3, fall=0.1, delay="5D")
        whole = seen(table)
        cut = CHANGE + pd.Timedelta("21D")
        part = seen(table[table["label_at"] <= cut])
        pd.testing.assert_frame_equal(part.table.iloc[:2], whole.table.iloc[:2])
        assert part.table["accuracy"].iloc[2] == whole.table["accuracy"].iloc[2]

    def test_simulated_logs_tell_false_alarms_and_delays(self):
        found = seen(log(4, weeks=8, per_day=30, users=80), fall=0.25, simulations=20, rng=0)
        told = found.simulated.set_index(["change", "detector"])
        assert told.loc[("none", "window test"), "alarmed"] <= 0.2
        assert told.loc[("sudden", "window test"), "alarmed"] == 1
        sudden, gradual = (
            told.loc[(change, "window test"), "delay"] for change in ("sudden", "gradual")
        )
        assert pd.Timedelta("7D") <= sudden < gradual <= pd.Timedelta("28D")
        assert (found.simulated["low"] <= found.simulated["alarmed"]).all()
        assert any("20 logs like this one" in note for note in found.notes)
        assert any("the falls of 25 points" in note for note in found.notes)
        html = found._repr_html_()
        assert "simulated: nothing changed" in html
        days = sudden / pd.Timedelta("1D")
        assert f">after {days:.{int(days < 10)}f} days<" in html


class TestTable:
    def test_every_label_after_the_reference_stands_in_one_window(self):
        table = log(5)
        found = seen(table)
        assert len(found.table) == 8
        assert found.table["n"].sum() + found.reference_n == len(table)
        row = found.table.iloc[0]
        rows = table[(table["label_at"] > CHANGE) & (table["label_at"] <= row["time"])]
        assert row["n"] == len(rows)
        assert row["accuracy"] == (rows["label"] == rows["prediction"]).mean()
        assert found.accuracy == found.table["accuracy"].iloc[-1]

    def test_it_shows_itself(self):
        found = seen(log(2, fall=0.2))
        assert "a fall was noticed by 2026-02-05" in repr(found)
        html = found._repr_html_()
        assert "▲ alarm" in html
        assert "&lt; 0.001" in html
        assert "e-0" not in html
        assert "00:00" not in html
        assert "simulated" not in html
        ax = found.plot()
        assert ax.get_figure().get_label() == repr(found)
        assert "no fall was noticed in 8 windows" in repr(seen(log(5)))


class TestEdges:
    def test_labels_that_never_came_are_counted_and_left_alone(self):
        table = log(5)
        table.loc[:9, "label"] = None
        kept = table.copy()
        found = seen(table)
        assert any("Left out: 10 rows without a label" in note for note in found.notes)
        pd.testing.assert_frame_equal(table, kept)

    def test_a_window_without_labels_says_so(self):
        table = log(5)
        gap = (table["label_at"] > CHANGE) & (table["label_at"] < CHANGE + pd.Timedelta("8D"))
        row = seen(table[~gap]).table.iloc[0]
        assert (row["n"], row["why"], row["alarm"]) == (0, "no label came", False)
        assert np.isnan(row["p"])
        assert np.isnan(row["low"])

    def test_one_user_cannot_be_told_from_chance(self):
        found = seen(log(5, users=1))
        assert set(found.table["why"]) == {"fewer than 2 users"}
        assert found.table["p"].isna().all()
        assert "0 windows" in repr(found)

    def test_without_label_at_labels_came_at_once(self):
        table = log(5)
        pd.testing.assert_frame_equal(seen(table.drop(columns="label_at")).table, seen(table).table)

    def test_what_is_missing_is_named(self):
        with pytest.raises(TableError, match=r"needs the column label in the log.*estimate"):
            seen(log().drop(columns="label"))
        with pytest.raises(TableError, match="needs labels from before and after"):
            concept(log(), reference_until="2030-01-01")
        with pytest.raises(TableError, match="found no row with a label"):
            seen(log().assign(label=None))
        with pytest.raises(ValueError, match="alpha lies between 0 and 1"):
            seen(log(), alpha=5)
        with pytest.raises(ValueError, match="window is a length of time"):
            seen(log(), window="0D")
