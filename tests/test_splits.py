"""Splits: nobody on two sides, every class its share, and the harm of a plain random split."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom
from sklearn.model_selection import StratifiedGroupKFold

from mlkit import splits
from mlkit._tables import TableError

NAMES = ["train", "dev", "test"]
SHARES = np.array([0.6, 0.2, 0.2])


def table_of(columns):
    frame = pd.DataFrame(columns)
    return frame.assign(item=[f"i{n}" for n in range(len(frame))])


def counted(values, split):
    return pd.crosstab(values, split).reindex(columns=NAMES, fill_value=0)


def off(values, split):
    """The most items by which a value of a column is over or under its share."""
    code, names = pd.factorize(pd.Series(values))
    place = split.map({name: n for n, name in enumerate(NAMES)}).to_numpy()
    counts = np.bincount(code * 3 + place, minlength=3 * len(names)).reshape(-1, 3)
    return np.abs(counts - np.outer(counts.sum(axis=1), SHARES)).max()


def best_possible(columns):
    """The smallest such number any split of a tiny table reaches, by trying every one."""
    n = len(next(iter(columns.values())))
    places = np.array(list(itertools.product(range(3), repeat=n)))
    here = places[:, :, None] == np.arange(3)  # every split, item, part
    worst = np.zeros(len(places))
    for values in [*columns.values(), np.zeros(n, int)]:
        for value in np.unique(values):
            inside = np.asarray(values) == value
            lack = here[:, inside].sum(axis=1) - inside.sum() * SHARES
            worst = np.maximum(worst, np.abs(lack).max(axis=1))
    return worst.min()


# ---- without groups


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 3).flatmap(
        lambda k: st.lists(st.tuples(*[st.integers(0, 6)] * k), min_size=4, max_size=250)
    ),
    st.integers(0, 1000),
)
def test_every_value_of_every_column_has_its_share(rows, seed):
    table = table_of({f"c{n}": list(values) for n, values in enumerate(zip(*rows, strict=True))})
    by = [name for name in table.columns if name != "item"]
    split = splits.split(table, by=by, rng=seed)
    # With one column below one item; crossed columns may leave a little more.
    limit = 1 if len(by) == 1 else 2
    assert off(np.zeros(len(table), int), split) < limit
    assert max(off(table[name], split) for name in by) < limit


@pytest.mark.parametrize("seed", range(6))
def test_within_one_item_of_the_best_possible(seed):
    rng = np.random.default_rng(seed)
    columns = {"label": rng.integers(0, 2, 9), "accent": rng.integers(0, 3, 9)}
    table = table_of(columns)
    split = splits.split(table, by=["label", "accent"], rng=seed)
    reached = max(off(table["label"], split), off(table["accent"], split))
    assert reached <= best_possible(columns) + 1


def test_the_same_seed_gives_the_same_split_and_another_does_not():
    table = table_of({"label": ["a", "b"] * 50})
    first = splits.split(table, by="label", rng=3)
    pd.testing.assert_series_equal(first, splits.split(table, by="label", rng=3))
    assert not first.equals(splits.split(table, by="label", rng=4))
    assert first.name == "split"


def test_who_goes_where_is_luck_and_not_the_order_of_the_rows():
    table = table_of({"label": ["a"] * 200})
    where = np.mean([splits.split(table, by="label", rng=n).eq("test") for n in range(300)], axis=0)
    # 300 draws of a share of 0.2: four standard deviations on either side.
    assert np.abs(where - 0.2).max() < 4.5 * np.sqrt(0.2 * 0.8 / 300)


def test_the_index_of_the_table_is_kept_and_the_table_is_not_changed():
    table = table_of({"label": ["a", "b"] * 10}).set_index(np.arange(100, 120))
    before = table.copy()
    split = splits.split(table, by="label")
    assert split.index.equals(table.index)
    pd.testing.assert_frame_equal(table, before)


def test_a_missing_value_is_a_value_of_its_own():
    table = table_of({"accent": ["USA"] * 20 + [None] * 10})
    split = splits.split(table, by="accent")
    assert counted(table["accent"].fillna("none"), split).loc["none"].tolist() == [6, 2, 2]


def test_other_names_and_shares():
    table = table_of({"label": ["a", "b"] * 50})
    split = splits.split(table, by="label", shares={"fit": 0.9, "hold": 0.1})
    assert split.value_counts().to_dict() == {"fit": 90, "hold": 10}


# ---- with groups


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=3, max_size=150))
def test_no_group_crosses(rows):
    speakers, labels = zip(*rows, strict=True)
    table = table_of({"speaker": speakers, "label": labels})
    if len(set(speakers)) < 3:
        with pytest.raises(TableError, match="cannot fill 3 splits"):
            splits.split(table, by="label", group="speaker")
        return
    split = splits.split(table, by="label", group="speaker")
    assert set(split) == set(NAMES), "a split stayed empty"
    sides = split.groupby(table["speaker"]).agg(set)
    assert (sides.map(len) == 1).all()
    assert splits.crossing(table.assign(split=split), group="speaker").empty


@pytest.mark.parametrize("sizes", [(1, 1, 1), (6, 6, 7), (4, 3, 1, 4), (100, 1, 1), (3, 300, 2)])
def test_no_split_is_empty_where_there_are_groups_enough(sizes):
    table = table_of({"speaker": np.repeat(np.arange(len(sizes)), sizes)})
    for seed in range(20):
        assert set(splits.split(table, group="speaker", rng=seed)) == set(NAMES)
    assert set(splits.split(table_of({"label": list("aab")}), by="label")) == set(NAMES)


def test_too_few_groups_or_items_are_told():
    two = table_of({"speaker": ["theo"] * 5 + ["george"] * 5})
    words = r"cannot fill 3 splits \(train, dev, test\) from 2 'speaker' groups: one would stay"
    with pytest.raises(TableError, match=words):
        splits.split(two, group="speaker")
    halves = splits.split(two, group="speaker", shares={"train": 0.5, "test": 0.5})
    assert halves.value_counts().to_dict() == {"train": 5, "test": 5}
    with pytest.raises(TableError, match=r"from 1 'speaker' group: .* split by other groups"):
        splits.split(two.head(5), group="speaker")
    with pytest.raises(TableError, match=r"from 1 item: one would stay empty. Collect more"):
        splits.split(two.head(1))


def test_a_row_without_a_group_is_one_of_its_own():
    table = table_of({"speaker": [None] * 100, "label": ["a"] * 100})
    split = splits.split(table, by="label", group="speaker")
    assert split.value_counts().to_dict() == {"train": 60, "dev": 20, "test": 20}


@pytest.mark.parametrize("seed", range(25))
def test_classes_are_at_least_as_close_as_scikit_learn_brings_them(seed):
    rng = np.random.default_rng(seed)
    n, groups = int(rng.integers(100, 2500)), int(rng.integers(15, 150))
    speaker = rng.integers(0, groups, n)
    leaning = rng.integers(0, 5, groups)[speaker]
    label = np.where(rng.random(n) < 0.5, leaning, rng.integers(0, 5, n))
    table = table_of({"speaker": speaker, "label": label})
    theirs = np.full(n, "train", object)
    folds = [test for _, test in StratifiedGroupKFold(5).split(table, label, speaker)]
    theirs[folds[0]], theirs[folds[1]] = "dev", "test"

    def furthest(split):
        counts = counted(pd.Series(label), split)
        return float((counts.div(counts.sum(axis=1), axis=0) - SHARES).abs().max(axis=None))

    ours = splits.split(table, by="label", group="speaker", rng=seed)
    assert furthest(ours) <= furthest(pd.Series(theirs)) + 1e-12


def test_groups_that_cross_are_named():
    table = table_of({"speaker": ["theo", "theo", "george", None, None]})
    found = splits.crossing(
        table.assign(split=["train", "test", "dev", "train", "test"]), group="speaker"
    )
    assert found.to_dict("records") == [{"group": "theo", "splits": "test, train", "n": 2}]


# ---- by time


@given(st.lists(st.integers(0, 40), min_size=1, max_size=80))
def test_nothing_is_trained_on_that_comes_after_what_is_tested(days):
    when = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(days, unit="D")
    table = table_of({"timestamp": when})
    split = splits.split_by_time(table)
    place = split.map({name: n for n, name in enumerate(NAMES)})
    order = place.groupby(table["timestamp"]).agg(["min", "max"])
    assert (order["min"] == order["max"]).all()
    assert order["min"].is_monotonic_increasing


def test_the_shares_hold_in_time_where_no_moment_is_shared():
    table = table_of({"timestamp": pd.date_range("2026-01-01", periods=100, tz="UTC")[::-1]})
    assert splits.split_by_time(table).value_counts().to_dict() == {
        "train": 60,
        "dev": 20,
        "test": 20,
    }


# ---- what a random split does


def test_draws_follow_the_hypergeometric_distribution():
    table = table_of({"label": [1] * 30 + [0] * 70})
    drawn = splits.draws(table, of=1, times=20_000, rng=0)
    assert (drawn.sum(axis=1) == 30).all()
    for name, size in (("train", 60), ("dev", 20), ("test", 20)):
        exact = hypergeom(100, 30, size)
        assert drawn[name].mean() == pytest.approx(exact.mean(), abs=0.05)
        assert drawn[name].std() == pytest.approx(exact.std(), rel=0.03)
        assert (drawn[name] <= 3).mean() == pytest.approx(exact.cdf(3), abs=0.01)


def test_shuffling_by_hand_gives_the_same_distribution():
    table = table_of({"label": [1] * 10 + [0] * 30})
    rng = np.random.default_rng(1)
    by_hand = [rng.permutation(table["label"])[:8].sum() for _ in range(5000)]
    drawn = splits.draws(table, of=1, times=5000, rng=2)["test"]
    assert np.mean(by_hand) == pytest.approx(drawn.mean(), abs=0.06)
    assert np.mean(np.array(by_hand) == 0) == pytest.approx((drawn == 0).mean(), abs=0.02)


def test_shares_tell_what_each_part_has():
    table = table_of({"label": list("aaab")}).assign(split=["train", "train", "test", "train"])
    told = splits.shares(table, by="label")
    assert told["value"].tolist() == ["", "a", "b"]
    assert told["n"].tolist() == [4, 3, 1]
    assert told["train"].tolist() == [3, 2, 1]
    assert told["test_share"].round(3).tolist() == [0.25, 0.333, 0.0]


# ---- wrong wishes


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: splits.split(t, by="accent"), r"split\(\) needs the column 'accent'; found:"),
        (lambda t: splits.split(t, group="speaker"), "needs the column 'speaker'"),
        (lambda t: splits.split(t, shares={"a": 0.5, "b": 0.6}), "needs shares above 0 that sum"),
        (lambda t: splits.split(t, shares={"a": 1.0}), "needs shares above 0 that sum to 1"),
        (
            lambda t: splits.split(t.drop(columns="item")),
            r"splits\.split\(\) needs the column item; missing: item",
        ),
        (lambda t: splits.split_by_time(t), "needs the column 'timestamp'"),
        (
            lambda t: splits.split_by_time(t.assign(timestamp=[None, "2026-01-01"])),
            "needs a time in each row, and 1 row have none",
        ),
        (lambda t: splits.draws(t, of="z"), "no item has label equal to 'z'"),
        (lambda t: splits.shares(t, by="label"), "needs the column 'split'"),
    ],
)
def test_a_wrong_wish_is_named(call, words):
    with pytest.raises((TableError, ValueError), match=words):
        call(table_of({"label": ["a", "b"]}))
