"""Alarms ring for what they say, from the threshold they say, and seldom by chance."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mlkit._tables import TableError
from mlkit.monitoring import _metrics, _periods, alarms, checked_log, drift, failures, profile

START = pd.Timestamp("2026-01-05", tz="UTC")
UNTIL = START + pd.Timedelta("28D")
CHANGE = START + pd.Timedelta("56D")
TARGETS = pd.DataFrame(
    {
        "metric": ["accuracy", "latency_ms", "throughput_per_s", "model_mb"],
        "target": [0.85, 100.0, 3.0, 5.0],
        "unit": ["share", "ms", "per s", "MB"],
        "at_least": [True, False, True, False],
    }
)


def log(rng=0, *, days=84, per_day=200, **late):
    """Quiet for eight weeks; ``late`` gives columns of the rows since: a function of how many."""
    rng = np.random.default_rng(rng)
    n = days * per_day
    when = START + pd.to_timedelta(np.sort(rng.uniform(0, days, n)), unit="D")
    label = rng.choice(["a", "b"], n, p=[0.7, 0.3])
    made = pd.DataFrame(
        {
            "timestamp": when,
            "item": [f"i{k}" for k in range(n)],
            "prediction": np.where(rng.random(n) < 0.9, label, np.where(label == "a", "b", "a")),
            "label": label,
            "score": rng.beta(8, 2, n),
            "latency_ms": rng.lognormal(3, 0.5, n),
            "loud_db": rng.normal(-20, 4, n),
            "device": rng.choice(["x", "y", "z"], n, p=[0.6, 0.3, 0.1]),
        }
    )
    rows = (when >= CHANGE).nonzero()[0]
    for name, values in late.items():
        made.loc[rows, name] = values(made.loc[rows, name])
    return made


def seen(table, **more):
    return alarms(table, **{"reference_until": UNTIL, **more})


def rang(found):
    late = found[found["alarm"] & (found["time"] > CHANGE)]
    return set((late["metric"] + " " + late["column"]).str.strip())


class TestWhatRings:
    @pytest.mark.parametrize(
        ("late", "what"),
        [
            ({"loud_db": lambda v: v + 3}, {"drift loud_db"}),
            ({"loud_db": lambda v: v.where(np.arange(len(v)) % 5 > 0)}, {"drift loud_db"}),
            ({"device": lambda v: v.where(np.arange(len(v)) % 5 > 0, "new")}, {"drift device"}),
            ({"latency_ms": lambda v: 2 * v}, {"slow"}),
            ({"score": lambda v: v - 0.1}, {"score", "low_confidence"}),
            ({"label": lambda v: v.where(np.arange(len(v)) % 4 > 0, "c")}, {"accuracy"}),
            ({"prediction": lambda _: "b"}, {"drift prediction", "accuracy"}),
            (
                {"prediction": lambda v: v.where(np.arange(len(v)) % 10 > 0)},
                {"failed", "drift prediction", "accuracy"},
            ),
        ],
    )
    def test_the_metric_of_the_failure_rings_and_no_other(self, late, what):
        found = seen(log(**late), per_week=0.02)
        assert rang(found) == what
        before = found[~found["quiet"] & (found["time"] <= CHANGE)]
        assert before["alarm"].sum() == 0
        assert not found.loc[~found["alarm"] & (found["n"] > 0), "why"].any()

    def test_requests_that_stop_and_that_double(self):
        made = log()
        day = (made["timestamp"] - START) // pd.Timedelta("1D")
        found = seen(pd.concat([made[day != 70], made[day == 75].assign(item="again")]))
        rows = found[(found["metric"] == "requests") & found["alarm"]]
        assert rows["time"].tolist() == [
            START + pd.Timedelta(days=71), START + pd.Timedelta(days=76)
        ]  # fmt: skip
        assert rows["value"].tolist()[0] == 0
        empty = found[(found["time"] == rows["time"].iloc[0]) & (found["metric"] == "accuracy")]
        assert empty["why"].tolist() == ["no label came"]
        assert np.isnan(empty["value"].iloc[0])

    def test_the_words_say_what_was_measured(self):
        found = seen(log(device=lambda v: v.where(np.arange(len(v)) % 5 > 0, "new")))
        row = found[found["alarm"] & (found["column"] == "device")].iloc[-1]
        assert row["why"].startswith(f"PSI {row['value']:.3f}, above {row['upper']:.3f}; ")
        assert "rare or new: 0.0 % before, " in row["why"]
        assert row["failure"] == "what comes in is different: users, devices, a sensor"
        assert (row["kind"], row["threshold_from"]) == ("input", "quiet stretch")


class TestThresholds:
    def test_targets_stand_where_the_card_has_them(self):
        found = seen(log(), targets=TARGETS)
        source = found.groupby("metric")["threshold_from"].first()
        assert source["accuracy"] == source["slow"] == source["peak_per_s"] == "target"
        assert source["drift"] == source["failed"] == "quiet stretch"
        assert "model_mb" not in source
        # Right in 90 of 100 with a target of 85: no day is below it by more than chance.
        assert not found.loc[found["metric"] == "accuracy", "alarm"].any()
        assert (found.loc[found["metric"] == "accuracy", "lower"].dropna() < 0.85).all()

    def test_a_target_missed_from_the_start_rings_from_the_start(self):
        found = seen(log(), targets=TARGETS.assign(target=[0.99, 100, 3, 5]))
        rows = found[found["metric"] == "accuracy"]
        assert rows["alarm"].mean() > 0.9
        assert rows.loc[rows["quiet"], "alarm"].mean() > 0.9

    def test_latency_is_judged_by_the_share_beyond_the_target(self):
        made = log(latency_ms=lambda v: 4 * v)
        found = seen(made, targets=TARGETS)
        row = found[(found["metric"] == "slow") & found["alarm"]].iloc[-1]
        day = made[(made["timestamp"] >= row["time"] - pd.Timedelta("1D"))]["latency_ms"]
        assert row["value"] == pytest.approx((day > 100).mean())
        assert f"95 % within {day.quantile(0.95):,.3g} ms" in row["why"]
        assert row["upper"] > 0.05

    def test_the_busiest_second_against_what_it_was_built_for(self):
        made = log()
        burst = made.iloc[[16_000] * 5].assign(item=[f"b{k}" for k in range(5)])
        rows = seen(pd.concat([made, burst]), targets=TARGETS).query("metric == 'peak_per_s'")
        assert rows.loc[rows["alarm"], "value"].tolist() == [6]
        assert rows.loc[rows["alarm"], "why"].tolist() == ["6, above 3 in one second"]

    def test_a_threshold_of_ones_own_goes_first(self):
        mine = failures()
        mine.loc[mine["metric"] == "accuracy", "threshold"] = 0.5
        mine.loc[mine["column"] == "*", "threshold"] = 10.0
        found = seen(log(loud_db=lambda v: v + 3), targets=TARGETS, failures=mine)
        assert (found.loc[found["metric"] == "accuracy", "threshold_from"] == "yours").all()
        assert not found["alarm"].any()

    def test_failures_taken_out_and_put_in(self):
        mine = failures().query("metric == 'accuracy'")
        one = {"failure": "a new headset", "kind": "input", "metric": "drift", "column": "loud_db",
               "worse": "higher"}  # fmt: skip
        found = seen(log(), failures=pd.concat([mine, pd.DataFrame([one])]))
        pairs = found[["metric", "column"]].drop_duplicates().to_numpy().tolist()
        assert pairs == [["accuracy", ""], ["drift", "loud_db"]]

    def test_thresholds_widen_with_fewer_requests(self):
        few, many = (seen(log(per_day=n)) for n in (50, 500))
        for metric, column in (("drift", "loud_db"), ("low_confidence", "")):
            edges = [
                one.loc[(one["metric"] == metric) & (one["column"] == column), "upper"].median()
                for one in (few, many)
            ]
            assert edges[0] > edges[1]

    def test_fewer_false_alarms_asked_for_are_wider_thresholds(self):
        loose, strict = (seen(log(), per_week=each) for each in (5, 0.01))
        same = ["metric", "column"]
        for side, sign in (("upper", 1), ("lower", -1)):
            gap = strict.groupby(same)[side].median() - loose.groupby(same)[side].median()
            assert (sign * gap.dropna() >= 0).all()


class TestMeasured:
    def test_labels_count_when_they_have_come(self):
        made = log(label=lambda v: v.where(np.arange(len(v)) % 4 > 0, "c"))
        late = made.assign(label_at=made["timestamp"] + pd.Timedelta("10D"))
        at_once, waited = (
            one[(one["metric"] == "accuracy") & one["alarm"]]["time"].min()
            for one in (seen(made), seen(late))
        )
        assert waited - at_once >= pd.Timedelta("10D")
        rows = seen(late).query("metric == 'accuracy'").set_index("time")
        assert rows["n"].iloc[:9].sum() == 0
        day = late["label_at"].dt.floor("D") == START + pd.Timedelta("40D")
        right = (late["label"] == late["prediction"])[day]
        row = rows.loc[START + pd.Timedelta("41D")]
        assert (row["value"], row["n"]) == (pytest.approx(right.mean()), day.sum())

    def test_a_label_that_never_comes_is_not_seen(self):
        made = log()
        never = made.assign(label_at=made["timestamp"].where(made["timestamp"] < CHANGE))
        rows = seen(never).query("metric == 'accuracy' and time > @CHANGE")
        assert rows["n"].sum() == 0

    def test_the_index_is_that_of_drift(self):
        """Against a profile from elsewhere, over the same tenths."""
        made = log(1)
        before = profile(log(2)[["loud_db", "device"]])
        found = seen(made, reference=before, every="7D")
        week = made[
            (made["timestamp"] >= CHANGE) & (made["timestamp"] < CHANGE + pd.Timedelta("7D"))
        ]
        theirs = drift(before, profile(week, like=before)).table.set_index("column")["psi"]
        rows = found[found["time"] == CHANGE + pd.Timedelta("7D")].set_index("column")["value"]
        assert rows["loud_db"] == pytest.approx(theirs["loud_db"], rel=0.02)
        assert rows["device"] == pytest.approx(theirs["device"], rel=0.02)

    def test_a_share_rings_where_scipys_binomial_test_says(self):
        """With a limit and requests that differ no more than chance, it is the exact test."""
        n, k = np.full(41, 50), np.r_[np.full(20, 45), np.arange(30, 51)]
        quiet = np.arange(41) < 20
        line = _periods.share(k, n, quiet, worse="lower", alpha=0.01, limit=0.9)
        for one, ringing in zip(k, line.alarm, strict=True):
            p = stats.binomtest(int(one), 50, 0.9, alternative="less").pvalue
            assert ringing == (p <= 0.01)
        low = stats.binomtest(30, 50).proportion_ci(method="wilson")
        assert (line.low[20], line.high[20]) == (pytest.approx(low.low), pytest.approx(low.high))

    def test_a_count_rings_where_the_poisson_tail_says(self):
        y = np.r_[np.tile([98.0, 102.0], 200), np.arange(60, 150)]
        quiet = np.arange(len(y)) < 400
        line = _periods.count(y, np.ones(len(y)), quiet, worse="either", alpha=0.01)
        inflated = 1 + 1 / 400
        for one, ringing in list(zip(y, line.alarm, strict=True))[400:]:
            tail = min(stats.poisson(100 / inflated).cdf(one / inflated),
                       stats.poisson(100 / inflated).sf(np.ceil(one / inflated) - 1))  # fmt: skip
            if not 0.004 < tail < 0.006:  # counts are scaled, so that the tail lies between two
                assert ringing == (tail <= 0.005)

    def test_a_log_that_starts_and_ends_within_a_day_has_not_lost_requests(self):
        made = log(per_day=400)
        inside = (made["timestamp"] >= START + pd.Timedelta("8h")) & (
            made["timestamp"] < START + pd.Timedelta("80D16h")
        )
        assert not seen(made[inside]).query("metric == 'requests'")["alarm"].any()

    def test_nothing_of_the_callers_changes(self):
        made = log(days=60)
        before = made.copy()
        seen(made)
        pd.testing.assert_frame_equal(made, before)

    def test_rows_in_any_order(self):
        made = log()
        pd.testing.assert_frame_equal(seen(made), seen(made.sample(frac=1, random_state=0)))


class TestFalseAlarms:
    def test_days_that_differ_widen_the_thresholds(self):
        """Each day has an accuracy of its own: a threshold from its n alone would ring often."""
        rng = np.random.default_rng(0)
        days, n = 400, 400
        share = np.clip(rng.beta(90, 10, days), 0, 1)
        k = rng.binomial(n, share)
        quiet = np.arange(days) < 30
        wide = _periods.share(k, np.full(days, n), quiet, worse="lower", alpha=0.01)
        plain = stats.binom(n, k[quiet].sum() / (30 * n)).ppf(0.01) / n
        assert (k / n < plain)[~quiet].mean() > 0.08
        assert wide.alarm[~quiet].mean() < 0.03

    def test_together_they_ring_no_more_often_than_was_asked(self):
        """40 quiet logs of eight weeks after four of reference, two false alarms a week allowed."""
        weeks, count = 8, 0
        for k in range(40):
            made = log(k, per_day=60, days=84)
            found = seen(made, per_week=2, least=0)
            count += int(found.loc[~found["quiet"], "alarm"].sum())
        # At most 2 a week, with the Monte-Carlo error of a Poisson count.
        assert count <= stats.poisson(2 * 40 * weeks).ppf(0.999)
        assert count >= 0.2 * 2 * 40 * weeks  # and it is no test that never rings


class TestInput:
    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: seen(log().drop(columns="item")), "missing: item"),
            (lambda: seen(log()[:0]), "was given a log without a row"),
            (lambda: seen(log(), reference_until=START), "needs two periods or more before"),
            (lambda: seen(log(), reference_until="2027-01-01"), "and one after; the log runs from"),
            (lambda: seen(log(), failures=failures()[["metric"]]), "missing: failure, kind"),
            (lambda: seen(log(), failures=failures().assign(metric="heat")), "knows metric as"),
            (lambda: failures(failures().assign(metric="heat")), "'heat' in row 1"),
            (lambda: failures(failures().assign(worse="up")), "knows worse as lower, higher"),
            (lambda: failures(failures().assign(threshold="much")), "'much' in row 1"),
            (lambda: seen(log(), targets=TARGETS[["metric"]]), "needs targets with target"),
            (
                lambda: seen(log(), failures=failures().query("metric == 'peak_per_s'")),
                "has nothing to watch",
            ),
        ],
    )
    def test_what_cannot_be_watched_is_told(self, make, words):
        with pytest.raises(TableError, match=words):
            make()

    def test_rows_that_are_still_empty_are_left_out(self):
        mine = failures()
        more = pd.concat([mine, pd.DataFrame([{}, {"failure": " ", "metric": ""}, {}])])
        pd.testing.assert_frame_equal(failures(more), mine)
        assert failures(mine.assign(worse=""))["worse"].eq("either").all()
        made = log(days=21)
        pd.testing.assert_frame_equal(
            seen(made, reference_until="2026-01-19", failures=more),
            seen(made, reference_until="2026-01-19"),
        )

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"timestamp": "13/01/2026 10:00"}, "cannot tell day from month in the column timest"),
            ({"label_at": "03.04.26"}, "cannot tell day from month in the column label_at"),
            ({"label_at": "soon"}, "cannot read the column label_at as times"),
            ({"timestamp": "soon"}, "cannot read the column timestamp as times"),
            ({"item": 7}, "needs items as text"),
        ],
    )
    def test_a_log_of_ones_own_that_cannot_be_read_is_told(self, change, words):
        for read in (checked_log, seen):
            with pytest.raises(TableError, match=words):
                read(log(days=21).assign(**change))

    def test_a_log_of_ones_own_is_read(self):
        made = pd.DataFrame({"timestamp": ["2026-01-05", "2026-01-05T03:02:36.5Z"]})
        made = made.assign(item="i", prediction="a", label_at=[None, "2026-01-06 04:00"], more=1)
        read = checked_log(made)
        assert read["timestamp"].dt.hour.tolist() == [0, 3]
        assert read["label_at"].isna().tolist() == [True, False]
        assert list(read) == list(made)
        assert made["timestamp"].iloc[0] == "2026-01-05"
        with pytest.raises(TableError, match="missing: timestamp"):
            checked_log(made.drop(columns="timestamp"))
        with pytest.raises(TableError, match="without a row"):
            checked_log(made[:0])

    def test_values_out_of_range(self):
        with pytest.raises(ValueError, match="every is a length of time"):
            seen(log(), every="0D")
        with pytest.raises(ValueError, match="per_week is how many false alarms"):
            seen(log(), per_week=0)
        with pytest.raises(ValueError, match="periods of this log: look less often"):
            seen(log(), every="1s")

    def test_only_what_the_log_has_is_watched(self):
        bare = log()[["timestamp", "item", "prediction"]]
        assert set(seen(bare)["metric"]) == {"requests", "failed", "drift"}

    def test_what_another_version_gave_is_no_feature(self):
        other = log().assign(prediction_new="a", score_new=1.0, latency_new_ms=1.0, version="old")
        assert not {"score_new", "version"} & set(seen(other)["column"])

    def test_a_handful_of_requests_cannot_ring_and_says_so(self):
        rows = seen(log(per_day=3)).query("metric == 'accuracy' and n > 0")
        small = rows[rows["n"] <= 2]
        assert set(small["why"]) == {"too little to tell from chance"}
        assert small["lower"].isna().all()

    def test_a_column_without_a_value_and_one_of_a_single_value(self):
        made = log(days=60).assign(empty=np.nan, same=1.0)
        rows = seen(made).query("column in ['empty', 'same']")
        assert not rows["alarm"].any()
        back = seen(made.assign(empty=made["loud_db"].where(made["timestamp"] >= CHANGE)))
        assert rang(back) == {"drift empty"}

    @pytest.mark.parametrize("targets", [None, TARGETS])
    def test_columns_that_hold_nothing(self, targets):
        bare = log().assign(latency_ms=pd.NA, score=np.nan, label=pd.NA)
        rows = seen(bare, targets=targets).query("metric in ['slow', 'score', 'accuracy']")
        assert set(rows["metric"]) == {"slow", "score", "accuracy"}
        assert not rows["alarm"].any()
        assert rows["value"].isna().all()

    def test_labels_that_only_came_after_the_quiet_stretch(self):
        made = log()
        late = made.assign(label=made["label"].where(made["timestamp"] >= CHANGE))
        rows = seen(late).query("metric == 'accuracy' and n > 0")
        assert set(rows["why"]) == {"too little to tell from chance"}
        aimed = seen(late, targets=TARGETS.assign(target=[0.99, 100, 3, 5]))
        assert aimed.query("metric == 'accuracy' and n > 0")["alarm"].mean() > 0.9

    def test_categories_that_differ_are_compared_by_name(self):
        made = log()
        other = made.assign(
            label=pd.Categorical(made["label"], ["z", "b", "a"]),
            prediction=made["prediction"].astype("category"),
        )
        columns = ["metric", "column", "value", "alarm"]
        pd.testing.assert_frame_equal(seen(made)[columns], seen(other)[columns])

    def test_few_quiet_periods_make_wide_thresholds(self):
        short = seen(log(), reference_until=START + pd.Timedelta("3D"))
        long = seen(log())
        edges = [one.query("metric == 'low_confidence'")["upper"].median() for one in (short, long)]
        assert edges[0] > edges[1] or np.isnan(edges[0])


def test_it_is_quick():
    """180 days of 400 requests: well under a second, of which the checks of the log are half."""
    import time

    made = log(days=180, per_day=400)
    seen(made)
    start = time.process_time()
    seen(made)
    assert time.process_time() - start < 1.0


def test_bins_are_few_enough_for_a_small_day():
    values = pd.Series(np.arange(1000.0))
    before = profile(values.to_frame("x")).columns["x"]
    for usual, most in ((12, 2), (25, 5), (1000, 10)):
        _, names, counts = _metrics._bins(values, before, usual)
        assert len(names) == most + 1  # and one for missing values
        assert counts.sum() == 1000
