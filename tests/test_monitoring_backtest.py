"""An alarm replayed: false ones counted, delays from the change on, late labels seen late."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mlkit._tables import TableError
from mlkit.monitoring import _backtest, alarms, backtest, concept

START = pd.Timestamp("2026-01-05", tz="UTC")
ONSET = START + pd.Timedelta("60D")
DAY = pd.Timedelta("1D")


def log(rng=0, *, days=120, per_day=50, fall=0.0, wait="0D", over=0):
    rng = np.random.default_rng(rng)
    n = days * per_day
    when = START + pd.to_timedelta(np.sort(rng.uniform(0, days, n)), unit="D")
    since = np.asarray((when - ONSET) / DAY)
    ramp = (since >= 0) if not over else np.clip(since / over, 0, 1)
    right = rng.random(n) < 0.9 - fall * ramp
    return pd.DataFrame(
        {
            "timestamp": when,
            "item": [f"i{k}" for k in range(n)],
            "prediction": "a",
            "label": np.where(right, "a", "b"),
            "label_at": when + pd.Timedelta(wait),
            "x": rng.normal(size=n),
        }
    )


def by_day(ring):
    """An alarm that looks at each day's rows: ``ring`` of the day's number and its rows."""

    def alarm(table):
        day = (table["timestamp"] - START) // DAY
        found = [(START + DAY * (k + 1), ring(k, rows)) for k, rows in table.groupby(day)]
        return pd.DataFrame(found, columns=["time", "alarm"])

    return alarm


def usual(table):
    return alarms(table, reference_until=START + 30 * DAY)


class TestFalseAlarms:
    def test_the_interval_is_scipys_exact_one(self):
        alarm = by_day(lambda k, _: k in (3, 40, 41) or k > 70)
        found = backtest(log(), alarm, onset=ONSET, replays=0)
        theirs = stats.binomtest(3, 60).proportion_ci(method="exact")
        assert (found.n, found.false_alarms) == (60, 3)
        assert found.per_week == pytest.approx(7 * 3 / 60)
        assert (found.low, found.high) == (
            pytest.approx(7 * theirs.low), pytest.approx(7 * theirs.high)
        )  # fmt: skip

    def test_none_and_all(self):
        none = backtest(log(), by_day(lambda *_: False), onset=ONSET, replays=0)
        assert (none.per_week, none.low) == (0, 0)
        assert none.high == pytest.approx(7 * (1 - 0.025 ** (1 / 60)))
        every = backtest(log(), by_day(lambda *_: True), onset=ONSET, replays=0)
        assert (every.per_week, every.high) == (7, 7)

    def test_several_in_a_period_are_one_and_the_reference_is_none(self):
        def alarm(table):
            one = by_day(lambda k, _: k in (5, 50))(table).assign(metric="heat", column="")
            two = one.assign(metric="rain", alarm=one["alarm"])
            whole = pd.concat([one, two])
            return whole.assign(quiet=whole["time"] <= START + 30 * DAY)

        found = backtest(log(), alarm, onset=ONSET, replays=0)
        assert (found.false_alarms, found.n) == (1, 30)

    def test_without_a_quiet_period_they_are_unknown(self):
        def alarm(table):
            return by_day(lambda *_: False)(table).assign(quiet=lambda t: t["time"] <= ONSET)

        found = backtest(log(), alarm, onset=ONSET, replays=0)
        assert found.n == 0
        assert np.isnan(found.per_week)
        assert "False alarms unknown, for want of a quiet period" in repr(found)

    def test_the_interval_covers_the_truth(self):
        """Quiet logs, a threshold rule with a known rate: in about 95 of 100 at least."""
        rng = np.random.default_rng(0)
        held = 0
        for _ in range(200):
            rings = rng.random(120) < 0.05
            table = pd.DataFrame({"time": START + DAY * np.arange(1, 121), "alarm": rings})
            _, low, high, *_ = _backtest._false_alarms(table, pd.NaT, 0.95)
            held += low <= 7 * 0.05 <= high
        assert held >= stats.binom(200, 0.95).ppf(0.001)


class TestDelay:
    def test_from_the_change_to_the_end_of_the_first_period_that_rings(self):
        found = backtest(log(), by_day(lambda k, _: k == 63), onset=ONSET, replays=0)
        assert found.delay == 4 * DAY
        assert found.table["noticed"].iloc[0] == ONSET + 4 * DAY
        assert "the change was noticed after 4 days." in repr(found)

    def test_missed_beyond_the_time_given(self):
        alarm = by_day(lambda k, _: k == 70)
        found = backtest(log(), alarm, onset=ONSET, replays=0, within="7D")
        assert pd.isna(found.delay)
        assert found.missed == 1
        assert "was not noticed within 7 days" in repr(found)

    def test_labels_are_not_seen_before_they_come(self):
        made = log(fall=0.6, wait="9D")
        found = backtest(made, usual, onset=ONSET, replays=5, rng=0)
        assert found.table["delay"].min() > 9 * DAY
        assert found.delay <= 13 * DAY
        assert set(found.table["by"]) == {"accuracy"}
        soon = backtest(log(fall=0.6), usual, onset=ONSET, replays=5, rng=0)
        assert soon.delay == DAY

    def test_a_gradual_change_is_noticed_later(self):
        sudden, gradual = (
            backtest(log(fall=0.5, over=over), usual, onset=ONSET, replays=10, rng=0)
            for over in (0, 50)
        )
        assert gradual.delay > sudden.delay
        assert gradual.delay_low <= gradual.delay <= gradual.delay_high

    def test_replays_spread_as_new_logs_do(self):
        """The delays of replays of one log against those of logs drawn anew from the same."""
        anew = [
            backtest(log(k, fall=0.16), usual, onset=ONSET, replays=0).delay / DAY
            for k in range(15)
        ]
        inside = []
        for k in range(5):
            found = backtest(log(k, fall=0.16), usual, onset=ONSET, replays=15, rng=k)
            low, high = (one / DAY if pd.notna(one) else np.inf
                         for one in (found.delay_low, found.delay_high))  # fmt: skip
            inside += [low <= one <= high for one in anew]
        assert np.mean(inside) > 0.7

    def test_a_change_put_into_quiet_traffic_at_drawn_times(self):
        found = backtest(
            log(), usual, change=lambda rows: rows.assign(x=rows["x"] + 2), replays=10, rng=0
        )
        assert found.replays == len(found.table) == 10
        assert found.missed == 0
        assert found.table["onset"].is_unique
        assert (found.table["onset"] > START + 30 * DAY).all()
        assert (found.table["by"] == "drift of x").all()
        # Noticed at the end of the day that it came in, or of the next.
        assert found.table["delay"].max() <= 2 * DAY
        assert found.n == 90  # all of the log after the reference is quiet

    def test_no_change_is_missed(self):
        def strict(table):
            return alarms(table, reference_until=START + 30 * DAY, per_week=0.001)

        found = backtest(log(), strict, change=lambda rows: rows, replays=5, within="14D", rng=0)
        assert found.missed == 1
        assert found.missed_low < 1 == found.missed_high
        assert "longer than" in repr(found)

    def test_any_alarm_with_time_and_alarm(self):
        def alarm(table):
            until = START + 30 * DAY
            return concept(table, reference_until=until, simulations=0, window="1D").table

        found = backtest(log(fall=0.5), alarm, onset=ONSET, replays=2, rng=0)
        assert found.delay <= 3 * DAY


class TestRedrawn:
    def test_days_before_stay_and_days_after_come_from_near(self):
        made = log(fall=0.5, wait="2D")
        again = _backtest._redrawn(made, ONSET, np.random.default_rng(0))
        early = made["timestamp"] < ONSET
        pd.testing.assert_frame_equal(
            again[again["timestamp"] < ONSET], made[early], check_like=False
        )
        late = again[again["timestamp"] >= ONSET]
        source = late["item"].map(made.set_index("item")["timestamp"])
        moved = ((late["timestamp"] - source) / DAY).to_numpy(float)
        assert np.abs(moved).max() <= 3
        assert np.allclose(moved, moved.round())
        assert (source >= ONSET).all()
        assert len(np.unique(moved)) > 3
        wait = (late["label_at"] - late["timestamp"]) / DAY
        assert np.allclose(wait, 2)

    def test_a_log_of_one_day_after_stays(self):
        made = log(days=60)
        again = _backtest._redrawn(made, ONSET - DAY / 2, np.random.default_rng(0))
        assert again is made


def test_the_same_seed_gives_the_same_and_the_log_stays():
    made = log(fall=0.2)
    before = made.copy()
    one, two = (backtest(made, usual, onset=ONSET, replays=3, rng=7) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, two.table)
    pd.testing.assert_frame_equal(made, before)


def test_it_shows_itself():
    found = backtest(log(fall=0.5), usual, onset=ONSET, replays=3, rng=0)
    html = found._repr_html_()
    assert "<table" in html
    assert "quiet; the interval takes periods for independent" in html
    assert "not other changes" in html
    ax = found.plot()
    assert "accuracy" in [one.get_text() for one in ax.get_yticklabels()]
    assert {one.get_label() for one in ax.lines} >= {"alarm", "false alarm", "the change"}
    put = backtest(log(), usual, change=lambda rows: rows.assign(x=9.0), replays=2, rng=0)
    assert "the change" not in {one.get_label() for one in put.plot().lines}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "give either onset, when the log changed, or change"),
        ({"onset": ONSET, "change": lambda rows: rows}, "give either onset"),
        ({"onset": "2027-01-01"}, "onset lies within the log, from 2026-01-05"),
        ({"onset": ONSET, "replays": -1}, "replays is how often to replay"),
        ({"change": lambda rows: rows, "replays": 0}, "a change needs one"),
        ({"onset": ONSET, "within": "0D"}, "within is a length of time"),
        ({"change": lambda rows: rows, "within": "200D"}, "make within shorter"),
    ],
)
def test_what_cannot_be_replayed_is_told(more, words):
    with pytest.raises(ValueError, match=words):
        backtest(log(), usual, **more)


def test_an_alarm_that_gives_no_table_of_alarms():
    with pytest.raises(TableError, match="it gave one without alarm, time"):
        backtest(log(), lambda table: table, onset=ONSET)
    with pytest.raises(TableError, match="it gave one without a row"):
        backtest(log(), lambda table: usual(table)[:0], onset=ONSET)
