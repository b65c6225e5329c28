from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from mlkit import labels
from mlkit._tables import TableError
from mlkit.labels import _coded, _people

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def given_(**labelled):
    """Item -> its labels, one a person."""
    rows = [(i, f"p{k}", one) for i, all_of in labelled.items() for k, one in enumerate(all_of)]
    return pd.DataFrame(rows, columns=["item", "annotator", "label"])


def crowd(n, rng, people=4, right=0.8, classes="abc", prefix="i"):
    """People who are right with one probability, and else take any class."""
    truth = np.repeat(rng.integers(len(classes), size=n), people)
    other = rng.integers(len(classes), size=n * people)
    label = np.where(rng.random(n * people) < right, truth, other)
    return pd.DataFrame(
        {
            "item": np.repeat([f"{prefix}{k}" for k in range(n)], people),
            "annotator": np.tile([f"p{k}" for k in range(people)], n),
            "label": np.array(list(classes))[label],
        }
    )


# Relabel -----------------------------------------------------------------------------------


def test_a_mapping_changes_what_it_names():
    table = given_(a=["shirt", "longsleeve", None], b=["hat", "shirt"])
    table.index = range(10, 15)
    found = labels.relabel(table, {"longsleeve": "shirt"})
    assert found["label"].tolist()[:2] == ["shirt", "shirt"]
    assert found["label"].isna().tolist() == [False, False, True, False, False]
    assert found["label"].tolist()[3:] == ["hat", "shirt"]
    assert list(found.index) == list(table.index)
    assert table["label"].tolist()[1] == "longsleeve"  # the caller's stays


def test_a_swap_is_one_step():
    assert labels.relabel(given_(a="xy"), {"x": "y", "y": "x"})["label"].tolist() == ["y", "x"]


def test_a_function_sees_the_whole_row():
    table = given_(a="xy", b="xx").assign(sure=[True, False, True, True])
    found = labels.relabel(table, lambda row: row["label"] if row["sure"] else "can't tell")
    assert found["label"].tolist() == ["x", "can't tell", "x", "x"]
    none = labels.relabel(table, lambda row: row["label"] if row["sure"] else None)
    assert none["label"].isna().sum() == 1
    assert labels.relabel(table.iloc[:0], lambda row: "x")["label"].tolist() == []


def test_numbers_stay_numbers():
    table = given_(a=[1, 2], b=[3, 3])
    found = labels.relabel(table, {3: 2})
    assert pd.api.types.is_integer_dtype(found["label"])
    assert found["label"].tolist() == [1, 2, 2, 2]


def test_order_stays_where_neighbours_are_joined():
    table = given_(a="GP", b="RX")
    table["label"] = pd.Categorical(table["label"], list("GPRX"), ordered=True)
    near = labels.relabel(table, {"P": "G"})["label"]
    assert near.cat.ordered
    assert list(near.cat.categories) == ["G", "R", "X"]
    assert near.tolist() == ["G", "G", "R", "X"]
    far = labels.relabel(table, {"X": "G"})["label"]
    assert not far.cat.ordered
    gone = labels.relabel(table, {"X": None})["label"]
    assert gone.isna().tolist() == [False, False, False, True]
    assert gone.cat.ordered


def test_what_cannot_be_mapped_is_told():
    table = given_(a=["shirt", "hat"])
    with pytest.raises(TableError, match=r"no label 'longsleve' to map; the labels are 'hat', 's"):
        labels.relabel(table, {"longsleve": "shirt"})
    with pytest.raises(TypeError, match=r"dict, or a function of a row; it was given a list"):
        labels.relabel(table, ["shirt"])
    with pytest.raises(TableError, match='"rater": "annotator"'):
        labels.relabel(table.rename(columns={"annotator": "rater"}), {})
    pd.testing.assert_frame_equal(labels.relabel(table, {}), table)


# Compare -----------------------------------------------------------------------------------


def test_a_hand_computed_gain():
    # Before: 8 labels (2 a, 2 b, 2 c, 2 d over 4 items), 2 items agree.
    before = given_(w="ab", x="ab", y="cc", z="dd")
    found = labels.compare(before, labels.relabel(before, {"b": "a"}), rng=0)
    # D = 4 of n = 8; E = 64 - 4 x 4 = 48: 1 - 7 x 4 / 48.
    assert found.table["alpha"][0] == pytest.approx(1 - 28 / 48)
    assert found.gain == pytest.approx(28 / 48)
    assert found.table["alpha"][1] == 1
    assert found.table["percent"].tolist() == [0.5, 1]
    assert found.table["labels"].tolist() == [8, 8]
    assert found.table["version"].tolist() == ["before", "after"]
    assert (found.n, found.pairing) == (4, "paired")


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_is_that_of_agreement_at_every_level(level):
    rng = np.random.default_rng(0)
    before = crowd(80, rng).assign(label=lambda d: d["label"].map({"a": 1, "b": 2, "c": 7}))
    after = labels.relabel(before, {7: 3})
    found = labels.compare(before, after, level=level, rng=0)
    for row, table in zip(found.table.to_dict("records"), (before, after), strict=True):
        alone = labels.agreement(table, level=level, rng=0)
        assert row["alpha"] == pytest.approx(alone.alpha, abs=1e-12)
        assert row["alpha_low"] == pytest.approx(alone.low, abs=0.02)
        assert row["alpha_high"] == pytest.approx(alone.high, abs=0.02)


def test_it_says_how_items_were_paired():
    rng = np.random.default_rng(0)
    a, b = crowd(60, rng), crowd(60, rng, prefix="x")
    assert labels.compare(a, a.iloc[::-1], rng=0).pairing == "paired"
    apart = labels.compare(a, b, rng=0)
    assert apart.pairing == "independent"
    assert "60 items before and 60 others after, taken as two independent samples" in repr(apart)
    some = labels.compare(a, pd.concat([a.iloc[:40], b]), rng=0)
    assert some.pairing == "partly paired"
    assert "60 items before and 70 after, 10 of them the same and paired" in repr(some)
    assert some.n == 120


def test_pairing_takes_the_difficulty_of_the_items_off():
    """The same items, one in three hard for everybody: paired limits are much closer."""
    rng = np.random.default_rng(0)
    easy, hard = crowd(200, rng, right=0.95), crowd(100, rng, right=0.2, prefix="h")
    before = pd.concat([easy, hard], ignore_index=True)
    change = before["label"].where(rng.random(len(before)) > 0.02, "a")
    after = before.assign(label=change)
    paired = labels.compare(before, after, rng=0)
    apart = labels.compare(before, after.assign(item="x" + after["item"]), rng=0)
    assert paired.gain == pytest.approx(apart.gain)
    assert paired.high - paired.low < (apart.high - apart.low) / 2


def alpha_without_end(right, classes=3):
    """Alpha of items without end, in closed form, for ``crowd``."""
    same = right + (1 - right) / classes
    agree = same**2 + (classes - 1) * ((1 - right) / classes) ** 2
    return 1 - (1 - agree) / (1 - 1 / classes)


@pytest.mark.parametrize("items", [50, 200])
@pytest.mark.parametrize("same", [True, False])
def test_intervals_hold_the_true_gain_as_often_as_they_say(items, same):
    """500 tables gave 95 % at 50 items; 20 items 93-95 %, 10 items 85 %: so the note."""
    rng = np.random.default_rng(items)
    truth = alpha_without_end(0.9) - alpha_without_end(0.7)
    hits = []
    for _ in range(100):
        # Two answers to one item depend on each other through its class.
        both = crowd(items, rng, people=8, right=1.0)
        answers = []
        for right, people in ((0.7, range(4)), (0.9, range(4, 8))):
            rows = both[both["annotator"].isin([f"p{k}" for k in people])]
            guess = rng.choice(list("abc"), len(rows))
            label = rows["label"].where(rng.random(len(rows)) < right, guess)
            answers.append(rows.assign(label=label))
        if not same:
            answers[1] = crowd(items, rng, right=0.9, prefix="x")
        found = labels.compare(*answers, rng=rng)
        hits.append(found.low <= truth <= found.high)
    assert 0.88 <= np.mean(hits) <= 0.99


# Other people ------------------------------------------------------------------------------


def people_with_borders(rng, people, items=30, shift=1.0):
    """Grades of scratches by people whose borders differ; every second one has another guide."""
    own = np.sort(rng.lognormal(np.log([2.5, 9]), 0.6, (people, 2)))
    own[1::2] = own[1::2] ** shift * np.array([3, 10]) ** (1 - shift)
    seen = rng.lognormal(np.log(5), 1, items) * rng.lognormal(0, 0.3, (people, items))
    grade = (seen[:, :, None] >= own[:, None]).sum(axis=2)
    who, item = np.indices(grade.shape).reshape(2, -1)
    table = pd.DataFrame({"item": item.astype(str), "annotator": who, "label": grade.ravel()})
    return table[who % 2 == 0], table[who % 2 == 1]


@pytest.mark.parametrize("people", [6, 12, 30])
def test_a_guide_that_does_nothing_is_not_taken_for_one_that_does(people):
    """By lot, half of the people each: 600 tables gave 2.8 to 5.2 %; items alone, 33-40 %."""
    rng, runs = np.random.default_rng(people), 100
    others, alone = 0, 0
    for _ in range(runs):
        before, after = people_with_borders(rng, people)
        found = labels.compare(before, after, rng=rng)
        assert (found.people, found.pairing) == ("others", "paired")
        others += not found.low <= 0 <= found.high
        taken_as_they_are = after.assign(annotator=after["annotator"] - 1)
        same = labels.compare(before, taken_as_they_are, rng=rng)
        assert same.people == "same"
        assert same.gain == found.gain
        alone += not same.low <= 0 <= same.high
    # So many or more would be seen once in a thousand times, were it 5 % (exact).
    assert others <= binom.isf(0.001, runs, 0.05)
    assert alone > binom.isf(0.001, runs, 0.05)


def test_a_guide_that_does_much_is_seen_with_thirty_people():
    rng = np.random.default_rng(0)
    seen = [labels.compare(*people_with_borders(rng, 30, shift=0.1), rng=rng) for _ in range(20)]
    assert np.mean([one.low > 0 for one in seen]) >= 0.8


def test_fewer_than_three_other_people_have_no_interval():
    table = crowd(30, np.random.default_rng(0), people=5)
    first = table["annotator"].isin(["p0", "p1"])
    found = labels.compare(table[first], table[~first], rng=0)
    assert np.isfinite(found.gain)
    assert np.isnan([found.low, found.high]).all()
    assert any("fewer than three in a version" in note for note in found.notes)


def test_people_in_both_stay_and_the_others_are_left_out():
    rng = np.random.default_rng(0)
    table = crowd(60, rng, people=8, right=0.7)
    again = table.assign(label=np.where(rng.random(len(table)) < 0.9, table["label"], "a"))
    some = labels.compare(table, again[again["annotator"] < "p5"], rng=0)
    assert some.people == "partly the same"
    assert some.low < some.gain < some.high
    assert "labelled in part by other people" in repr(some)
    same = labels.compare(table, again, rng=0)
    one_less = labels.compare(table, again[again["annotator"] != "p7"], rng=0)
    assert (same.people, one_less.people) == ("same", "same")
    assert np.isfinite([one_less.low, one_less.high]).all()
    apart = labels.compare(table, again.assign(annotator="x" + again["annotator"]), rng=0)
    assert "for other people too" in repr(apart)
    assert apart.gain == same.gain


def test_leaving_people_out_is_what_agreement_gives_without_them():
    before, _ = people_with_borders(np.random.default_rng(1), 8)
    coded = _coded.code(before, function="test")
    c = _people.Labelled(
        coded.item, coded.label, coded.annotator, len(coded.items), 3, "nominal", np.zeros(3)
    )
    found = _people._without(c, coded.annotator, np.arange(4))
    by_name = [
        labels.agreement(before[before["annotator"] != who], rng=0).alpha
        for who in coded.annotators
    ]
    assert found == pytest.approx(by_name, abs=1e-12)


def test_many_people_are_left_out_in_groups():
    rng = np.random.default_rng(0)
    table = crowd(400, rng, people=6)
    table["annotator"] = rng.permuted(np.arange(len(table)) % 300)
    table = table.drop_duplicates(["item", "annotator"])
    half = table["annotator"] % 2 == 0
    found = labels.compare(table[half], table[~half], rng=0)
    assert found.people == "others"
    assert found.low < 0 < found.high
    assert found.high - found.low < 0.25


def test_few_items_are_told():
    rng = np.random.default_rng(0)
    a = crowd(20, rng)
    found = labels.compare(a, labels.relabel(a, {"b": "a"}), rng=0)
    assert any("from 50 items a version on; here there are 20" in note for note in found.notes)


def test_nothing_changed_has_a_gain_of_zero_and_no_spread():
    a = crowd(60, np.random.default_rng(0))
    found = labels.compare(a, a, rng=0)
    assert found.gain == 0
    assert np.isnan([found.low, found.high]).all()
    assert any("show no spread" in note for note in found.notes)


def test_a_new_guide_is_a_query():
    rng = np.random.default_rng(0)
    table = pd.concat(
        [
            crowd(80, rng, right=0.6).assign(guide="v1"),
            crowd(80, rng, right=0.95).assign(guide="v2"),
        ]
    )
    found = labels.compare(table[table["guide"] == "v1"], table[table["guide"] == "v2"], rng=0)
    assert found.low > 0.2
    assert found.pairing == "paired"
    assert "Alpha changed by +0." in repr(found)


def test_a_class_for_uncertainty_can_be_compared():
    rng = np.random.default_rng(0)
    table = crowd(100, rng).assign(sure=lambda d: rng.random(len(d)) < 0.8)
    after = labels.relabel(table, lambda row: row["label"] if row["sure"] else "can't tell")
    assert labels.compare(table, after, rng=0).gain < 0
    left = labels.relabel(table, lambda row: row["label"] if row["sure"] else None)
    found = labels.compare(table, left, rng=0)
    assert any(note.startswith("After: ") and "without a label" in note for note in found.notes)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (given_(a="ss", b="ss"), given_(a="sl", b="ll"), "before, only one class was used"),
        (given_(a="sl", b="ll"), given_(a="ss", b="ss"), "after, only one class was used"),
        (given_(a="s", b="l"), given_(a="sl"), "before, no item has two labels"),
        (given_(a="sl").iloc[:0], given_(a="sl"), "before, no item has two labels"),
        (given_(a="..").assign(label=None), given_(a="s"), "before, no item has two labels"),
    ],
)
def test_a_gain_that_cannot_be_told_says_why(before, after, words):
    found = labels.compare(before, after, rng=0)
    assert np.isnan([found.gain, found.low, found.high]).all()
    assert words in repr(found)
    assert "—" in found._repr_html_()
    assert found.plot() is not None


def test_bad_levels_and_mixed_labels_are_told():
    a = given_(a="sl")
    with pytest.raises(TableError, match=r"compare\(\) needs numbers for level"):
        labels.compare(a, a, level="interval")
    with pytest.raises(TableError, match="labels of several types"):
        labels.compare(a, a.assign(label=[1, "1"]))


def test_page_and_picture():
    a = crowd(60, np.random.default_rng(0))
    found = labels.compare(a, labels.relabel(a, {"b": "a"}), rng=0)
    assert "<table" in found._repr_html_()
    assert "Alpha before and after" in found.plot().get_figure().get_label()


tables = st.lists(
    st.tuples(st.sampled_from("uvwxyz"), st.sampled_from("pqrs"), st.sampled_from("abcd")),
    min_size=1,
    max_size=20,
    unique_by=lambda row: row[:2],
).map(lambda rows: pd.DataFrame(rows, columns=["item", "annotator", "label"]))


@settings(max_examples=40, deadline=None)
@given(tables, tables, st.integers(0, 99))
def test_laws(one, two, seed):
    found, back = labels.compare(one, two, rng=0), labels.compare(two, one, rng=0)
    assert found.gain == pytest.approx(-back.gain, nan_ok=True)
    assert found.pairing == back.pairing
    assert found.n == back.n
    mixed = one.sample(frac=1, random_state=seed)
    names = dict(zip("abcd", "dcba", strict=True))
    mixed = mixed.assign(
        label=mixed["label"].map(names),
        annotator=mixed["annotator"].map(dict(zip("pqrs", "srqp", strict=True))),
    )
    other = labels.compare(mixed, two, rng=0)
    assert other.gain == pytest.approx(found.gain, abs=1e-12, nan_ok=True)
    if not np.isnan(found.low):
        assert found.low <= found.high


def test_real_ratings():
    path = SHARED / "adult-content-ratings.csv.gz"
    if not path.exists():
        pytest.skip("../shared/data has no adult-content-ratings.csv.gz")
    table = pd.read_csv(path, dtype=str)
    found = labels.compare(table, labels.relabel(table, {"P": "G"}), rng=0)
    assert found.table["alpha"][0] == pytest.approx(0.31708795326909767, abs=1e-12)
    assert found.gain == pytest.approx(0.0952, abs=5e-5)
    assert found.low < found.gain < found.high
    assert found.n == 10_629
    assert any("Before: 2,922 earlier labels" in note for note in found.notes)
