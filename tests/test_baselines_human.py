import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from mlkit import baselines, slices
from mlkit._tables import TableError
from mlkit.baselines import _intervals

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(name):
    if not (SHARED / name).is_file():
        pytest.skip(f"../shared/data has no {name}")
    return SHARED / name


def reference(name):
    return json.loads(shared("reference.json").read_text(encoding="utf-8"))[name]


@pytest.fixture(scope="module")
def adult():
    return pd.read_csv(shared("adult-content-ratings.csv.gz"), dtype=str)


def annotated(rows, names=("item", "annotator", "label")):
    return pd.DataFrame(rows, columns=list(names))


def by_words(words, **more):
    """One item a word, one label a letter."""
    rows = [(f"i{k}", f"p{j}", x) for k, word in enumerate(words) for j, x in enumerate(word)]
    return annotated(rows).assign(**more)


def left_out(rows):
    """Leave-one-out accuracy counted label by label, exactly: an independent implementation."""
    right = labels = Fraction(0)
    for item in {row[0] for row in rows}:
        given = [row for row in rows if row[0] == item]
        for row in given:
            others = [other[2] for other in given if other is not row]
            if not others:
                continue
            most = max(others.count(x) for x in others)
            modes = {x for x in others if others.count(x) == most}
            right += Fraction(row[2] in modes, len(modes))
            labels += 1
    return right / labels if labels else None


def world(rng, n, m, accuracy, classes=2, hard=0.0):
    """Labels of people who are right this often, and at random on the hard items."""
    truth = rng.integers(classes, size=n)
    p = np.where(rng.random(n) < hard, 0.5, accuracy)
    right = rng.random((n, m)) < p[:, None]
    other = (truth[:, None] + rng.integers(1, classes, size=(n, m))) % classes
    labels = np.where(right, truth[:, None], other)
    return labels, truth


def long(labels, **more):
    n, m = labels.shape
    items = np.repeat([f"i{k}" for k in range(n)], m)
    annotators = np.tile([f"p{j}" for j in range(m)], n)
    return pd.DataFrame({"item": items, "annotator": annotators, "label": labels.ravel(), **more})


rows_of_labels = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.sampled_from("xyz")),
    min_size=1,
    max_size=24,
    unique_by=lambda row: row[:2],
)


@given(rows_of_labels)
@settings(deadline=None)
def test_each_label_is_held_against_the_others_on_its_item(rows):
    result, expected = baselines.human(annotated(rows)), left_out(rows)
    if expected is None:
        assert np.isnan(result.hlp)
    else:
        assert result.hlp == pytest.approx(float(expected), abs=1e-12)
        assert 0 <= result.low <= result.hlp <= result.high <= 1


@given(rows_of_labels, st.permutations(range(24)))
@settings(deadline=None)
def test_neither_order_nor_names_matter(rows, order):
    table = annotated(rows)
    other = table.iloc[[k for k in order if k < len(table)]].replace(
        {"label": {"x": "z", "y": "x", "z": "y"}, "item": {"a": "q", "d": "a"}}
    )
    other["annotator"] = 10 - other["annotator"]
    columns = ["hlp", "hlp_low", "hlp_high", "n", "labels"]
    one, two = (baselines.human(t).table[columns] for t in (table, other))
    pd.testing.assert_frame_equal(one, two)


def test_a_tie_among_k_counts_one_kth():
    # x against {x, y}: 1/2; y against {x, x}: 0.
    result = baselines.human(by_words(["xxy"]))
    assert result.hlp == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert baselines.human(by_words(["xyz", "xy"])).hlp == 0


def test_adult_content_is_what_another_tool_found(adult):
    expected = reference("adult-content-ratings")["loo_hlp_vs_others_majority"]
    result = baselines.human(adult.drop(columns="gold"))
    assert result.hlp == pytest.approx(expected["value"], abs=1e-9)
    assert (result.low, result.high) == pytest.approx(expected["ci95"], abs=1e-3)
    assert result.n == expected["items"]
    assert result.table["labels"][0] == expected["labels"]
    # 89,799 rows are left of 92,721 once the last of each person on an item is kept;
    # 411 items with one label fall out of those.
    assert any(note.startswith("2,922 rows of one person on an item") for note in result.notes)
    assert any(note.startswith("411 items labelled by one person alone") for note in result.notes)
    assert len(adult) - 2_922 - 411 == expected["labels"]


def test_adult_content_against_gold(adult):
    expected = reference("adult-content-ratings")
    result = baselines.human(adult)
    assert result.hlp == pytest.approx(expected["mean_label_accuracy_vs_gold"], abs=1e-9)
    assert (result.n, result.reference) == (expected["gold_items"], "gold")
    # People share mistakes: among one another they look 8 points better on the same items.
    assert any("the same people on the same items reach 76.5 %, against gold 68.1 %" in note
               for note in result.notes)  # fmt: skip


def test_entailment_is_what_another_tool_found():
    table = pd.read_csv(shared("textual-entailment-ratings.csv"), dtype=str)
    expected = reference("textual-entailment-ratings")
    result = baselines.human(table.drop(columns="gold"))
    loo = expected["loo_hlp_vs_others_majority"]
    assert result.hlp == pytest.approx(loo["value"], abs=1e-9)
    assert (result.low, result.high) == pytest.approx(loo["ci95"], abs=2e-3)
    assert baselines.human(table).hlp == pytest.approx(
        expected["mean_label_accuracy_vs_gold"], abs=1e-9
    )


def test_few_labels_an_item_bias_it_low_and_the_note_says_so():
    """Two classes, people right with p: against two others it is p² + (1 - p)²."""
    rng = np.random.default_rng(0)
    p = 0.823
    labels, truth = world(rng, 20_000, 3, p)
    result = baselines.human(long(labels))
    assert result.hlp == pytest.approx(p**2 + (1 - p) ** 2, abs=0.006)
    assert result.high < p - 0.1
    against_gold = baselines.human(long(labels, gold=np.repeat(truth, 3)))
    assert against_gold.low < p < against_gold.high
    many = baselines.human(long(world(rng, 2_000, 51, 0.952)[0]))
    assert many.hlp == pytest.approx(0.952, abs=0.003)
    told = " ".join(result.notes)
    assert "3 labels an item: each is held against the 2 others. So few are often wrong" in told
    assert "0.715 where the truth was 0.823" in told
    assert "0.715" not in " ".join(many.notes)
    uneven = " ".join(baselines.human(by_words(["xx", "xyx"])).notes)
    assert "2.5 labels an item (2 to 3): each is held against the 1.5 others on average." in uneven
    assert "3 labels an item." in repr(result)


def test_shared_mistakes_raise_it():
    """On a third of the items all fall for the same trap."""
    rng = np.random.default_rng(1)
    labels, truth = world(rng, 3_000, 9, 0.9)
    trap = np.arange(3_000) % 3 == 0
    labels[trap] = 1 - labels[trap]
    table = long(labels, gold=np.repeat(truth, 9))
    gold, others = baselines.human(table), baselines.human(table.drop(columns="gold"))
    assert others.hlp > 0.85 > 0.7 > gold.hlp


def test_two_labels_an_item_are_agreement():
    notes = " ".join(baselines.human(by_words(["xx", "xy", "yy", "xxx"])).notes)
    assert "3 items with two labels: there it is how often two people agree" in notes


def test_repeats_duplicates_and_missing_labels_are_left_out_and_counted():
    rows = [("a", "p", "x", 0), ("a", "q", "x", 0), ("a", "r", "y", 0)]
    more = [("a", "p", "y", 1), ("a", "q", "y", 1), ("b", "p", None, 0), ("a", "r", "x", 0)]
    names = ("item", "annotator", "label", "repeat")
    plain = annotated([*rows[:2], more[-1]], names)
    result = baselines.human(annotated(rows + more, names))
    pd.testing.assert_frame_equal(result.table, baselines.human(plain).table)
    assert result.hlp == 1
    told = " ".join(result.notes)
    assert "2 labels given again by the same person (repeat above 0): left out." in told
    assert "1 row without a label: left out." in told
    assert "1 row of one person on an item they had labelled: the last one counts." in told


def test_gold_counts_on_the_items_that_have_it():
    table = by_words(["xy", "yy", "xx"]).assign(gold=["x", None, "y", "y", None, None])
    result = baselines.human(table)
    assert (result.hlp, result.n, result.table["labels"][0]) == (0.75, 2, 4)
    told = " ".join(result.notes)
    assert "Gold is known for 2 items: the 2 labels of 1 other item are left out." in told
    with pytest.raises(TableError, match=r"one gold label an item, and 1 item has several: 'i0'"):
        baselines.human(table.assign(gold=["x", "y", None, None, None, None]))
    with pytest.raises(TableError, match="label holds string values where gold holds integer"):
        baselines.human(table.assign(gold=1))
    never = baselines.human(table.assign(gold="z"))
    assert never.hlp == 0
    assert "Gold holds 'z', which nobody answered." in never.notes


def test_gold_that_was_written_in_another_way_is_asked_about():
    table = by_words(["ab", "bb"]).replace({"label": {"a": "cat", "b": "dog"}})
    asked = baselines.human(table.assign(gold=["Cat", "Cat", "dog", "dog"]))
    assert (
        "Gold holds 'Cat', which nobody answered. Did you mean 'cat' for 'Cat'? Such labels count "
        "as wrong now."
    ) in asked.notes
    other = baselines.human(table.assign(gold=["bird", "bird", "dog", "dog"]))
    assert "Gold holds 'bird', which nobody answered." in other.notes
    numbers = baselines.human(by_words(["ab"]).assign(label=[1, 2], gold=3))
    assert "Gold holds 3, which nobody answered." in numbers.notes


@pytest.mark.parametrize("name", ["Gold", "GOLD", " gold"])
def test_a_column_that_is_nearly_gold_is_told(name):
    table = by_words(["xy", "xx"])
    result = baselines.human(table.assign(**{name: "x"}))
    assert result.reference == "the others' consensus"
    note = f"A column {name!r} is not read; rename it to 'gold' to hold people against it."
    assert note in result.notes
    both = baselines.human(table.assign(**{name: "x", "gold": "x"}))
    assert not any("is not read" in note for note in both.notes)


WORDS, PLACES = ["xx", "xy", "yyy", "xxy"], list("nnsn")


def placed():
    return by_words(WORDS).assign(place=[p for w, p in zip(WORDS, PLACES, strict=True) for _ in w])


def test_slices_by_a_column_and_by_memberships_have_the_same_names_and_figures():
    by = baselines.human(placed(), by="place").table
    assert list(by["slice"]) == ["all", "place = n", "place = s"]
    row = by.iloc[1]
    assert (row["hlp"], row["n"], row["labels"]) == (pytest.approx(3 / 7), 3, 7)
    assert row["labels_per_item"] == pytest.approx(7 / 3)
    items = pd.DataFrame({"item": ["i0", "i1", "i2", "i3"], "place": PLACES})
    members = slices.memberships(items, columns="place")
    same = baselines.human(by_words(WORDS), members=members).table
    pd.testing.assert_frame_equal(same, by)


def test_by_annotator_gives_each_person():
    table = baselines.human(by_words(["xxy", "yyx", "xxx"]), by="annotator").table
    assert table["hlp"].tolist() == pytest.approx([5 / 9, 2 / 3, 2 / 3, 1 / 3])


def test_an_item_drawn_less_often_weighs_more():
    plain = by_words(["xx", "xy"])
    rates = plain["item"].map({"i0": 0.5, "i1": 0.1})
    assert baselines.human(plain.assign(sampling_rate=rates)).hlp == pytest.approx(2 / 12)
    table = by_words(["xx", "xy", "yy"])
    members = pd.DataFrame(
        {"item": ["i0", "i1", "i2", "i3"], "far": [True, True, False, pd.NA]}
    ).assign(sampling_rate=[0.5, 0.1, 1.0, 1.0])
    far = baselines.human(table, members=members).table.iloc[1]
    assert (far["hlp"], far["n"]) == (pytest.approx(2 / 12), 2)
    # The same rate in both tables is one draw; asked of all, the slice is no sample at all.
    both = table.assign(sampling_rate=table["item"].map({"i0": 0.5, "i1": 0.1, "i2": 1.0}))
    assert baselines.human(both, members=members).table["hlp"][1] == pytest.approx(2 / 12)
    asked = baselines.human(table, members=members.assign(far=[True, True, False, False]))
    assert asked.table["hlp"][1] == 0.5


def test_weights_put_back_what_the_sampling_took():
    """Hard items labelled four times as often: the weighted figure is that of all items."""
    rng = np.random.default_rng(3)
    labels, _ = world(rng, 12_000, 5, 0.95, 3, hard=0.5)
    whole = baselines.human(long(labels)).hlp
    split = (labels == labels[:, :1]).all(axis=1)
    rate = np.where(split, 0.2, 0.8)
    drawn = rng.random(12_000) < rate
    table = long(labels)[np.repeat(drawn, 5)].assign(sampling_rate=np.repeat(rate[drawn], 5))
    result = baselines.human(table)
    assert result.low < whole < result.high
    assert baselines.human(table.drop(columns="sampling_rate")).hlp < whole - 0.05


def test_the_report_takes_the_table_as_it_is():
    items = pd.DataFrame(
        {"item": ["i0", "i1", "i2", "i3"], "label": "x", "prediction": list("xxyy")}
    )
    members = slices.memberships(items.assign(place=PLACES), columns="place")
    people = baselines.human(by_words(WORDS), members=members)
    table = slices.report(items, members, hlp=people.table).table.set_index("slice")
    expected = people.table.set_index("slice")["hlp"]
    assert table["hlp"].to_dict() == pytest.approx(expected.drop("all").to_dict())
    assert table.loc["place = n", "gap"] == pytest.approx(3 / 7 - 2 / 3)


def test_slicing_by_the_labels_themselves_is_told():
    table = by_words(["xxx", "xxy", "yyx", "yyy"])
    result = baselines.human(table.assign(majority=list("xxxxxxyyyyyy")), by="majority")
    assert any(
        "The slices by majority are made of the labels themselves" in n for n in result.notes
    )
    assert result.table["constant"].isna().tolist() == [False, True, True]
    gold = baselines.human(table.assign(gold=list("xxxxxxyyyyyy")), by=["gold", "annotator"])
    assert not any("made of the labels" in n for n in gold.notes)
    assert gold.table["hlp"][:3].tolist() == pytest.approx([10 / 12, 5 / 6, 5 / 6])


def test_two_labellers_at_random_lie_below_a_habit():
    """70/30 at random: they agree on 58 %, and always the 70 % form is right in 70 %."""
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((20_000, 2)) < 0.7, "colour", "color")
    result = baselines.human(long(labels))
    row = result.table.iloc[0]
    assert row["hlp"] == pytest.approx(0.58, abs=0.008)
    assert row["constant"] == pytest.approx(0.70, abs=0.008)
    assert "Careful: whoever always gives the commonest label is right in 7" in repr(result)
    assert "a model can beat them by a habit alone" in repr(result)
    assert not any("habit" in note for note in result.notes)


def test_the_habit_is_held_against_the_others_as_people_are():
    rows = [("a", 1, "x"), ("a", 2, "x"), ("a", 3, "y"), ("b", 1, "x"), ("b", 2, "y")]
    table = baselines.human(annotated(rows)).table
    # Always x: on a right against {x, y} half, twice, and against {x, x}; on b once of two.
    assert table["constant"][0] == pytest.approx((0.5 + 0.5 + 1 + 0 + 1) / 5)


def test_intervals_hold_the_truth_from_50_items_up():
    """Draws of items from a known world, annotators the same: 92 to 97 % at 50, 100 and 200."""
    rng = np.random.default_rng(4)
    for n, m, accuracy, classes, hard in [
        (50, 3, 0.82, 3, 0.2), (50, 8, 0.8, 4, 0.3), (100, 2, 0.8, 2, 0.0), (200, 5, 0.9, 4, 0.2),
    ]:  # fmt: skip
        pool, _ = world(rng, 40_000, m, accuracy, classes, hard)
        right = baselines.human(long(pool)).labels["right"].to_numpy().reshape(-1, m).sum(axis=1)
        truth, hits = right.mean() / m, 0
        for _ in range(500):
            drawn = rng.choice(right, n)
            _, low, high = _intervals.share(drawn, np.full(n, m * 1.0), np.ones(n), rng)
            hits += low <= truth <= high
        assert 0.92 <= hits / 500 <= 0.97, (n, m, hits)


def test_where_nearly_all_is_right_the_interval_is_wide_rather_than_narrow():
    """HLP 0.95: a plain bootstrap over 50 items holds the truth in 86 % of cases."""
    rng = np.random.default_rng(4)
    pool, _ = world(rng, 40_000, 5, 0.98, 4, 0.05)
    right = baselines.human(long(pool)).labels["right"].to_numpy().reshape(-1, 5).sum(axis=1)
    truth = right.mean() / 5
    drawn = [rng.choice(right, 50) for _ in range(400)]
    limits = [_intervals.share(x, np.full(50, 5.0), np.ones(50), rng)[1:] for x in drawn]
    assert np.mean([low <= truth <= high for low, high in limits]) > 0.97
    result = baselines.human(by_words(["xxx"] * 12))
    assert (result.low, result.high) == pytest.approx(proportion_confint(12, 12, method="wilson"))


def test_the_bootstrap_is_the_plain_one_over_items():
    rng = np.random.default_rng(7)
    words = ["".join(rng.choice(list("xyz"), size=rng.integers(2, 7))) for _ in range(80)]
    result = baselines.human(by_words(words))
    labels = result.labels.groupby("item")["right"].agg(["sum", "size"]).to_numpy()
    plain = []
    for _ in range(3000):
        some = labels[rng.integers(80, size=80)].sum(axis=0)
        plain.append(some[0] / some[1])
    assert (result.low, result.high) == pytest.approx(np.quantile(plain, [0.025, 0.975]), abs=0.012)


def test_few_items_are_told_and_a_seed_repeats_the_interval():
    table = by_words(["xxy", "xyz", "yyx"] * 10)
    one, two, other = (baselines.human(table, rng=seed) for seed in (1, 1, 2))
    assert one.table.equals(two.table)
    assert (one.low, one.high) != (other.low, other.high)
    assert any("'all': fewer than 50 items" in note for note in one.notes)
    generator = np.random.default_rng(1)
    assert baselines.human(table, rng=generator).low == one.low


EMPTY = {
    "no row": ([], "no item has labels of two people"),
    "one item, one person": ([("a", 1, "x")], "no item has labels of two people"),
    "one annotator": ([("a", 1, "x"), ("b", 1, "y")], "no item has labels of two people"),
    "no overlap": ([("a", 1, "x"), ("b", 2, "x")], "no item has labels of two people"),
    "all missing": ([("a", 1, None), ("a", 2, None)], "no item has labels of two people"),
}


@pytest.mark.parametrize("case", EMPTY)
def test_what_is_not_known_is_nan_with_a_reason(case):
    rows, why = EMPTY[case]
    result = baselines.human(annotated(rows).astype({"item": "str"}))
    assert np.isnan([result.hlp, result.low, result.high]).all()
    assert (result.n, result.table["why"][0]) == (0, why)
    assert repr(result) == f"Human-level performance is not known: {why}."
    assert why in result._repr_html_()
    result.plot()


def test_other_degenerate_tables():
    one_class = baselines.human(by_words(["xx", "xxx"]))
    assert (one_class.hlp, one_class.n) == (1, 2)
    assert one_class.low < 0.5
    assert np.isnan(one_class.table["constant"][0])
    one_item = baselines.human(by_words(["xxy"]))
    assert (one_item.n, one_item.hlp) == (1, pytest.approx(1 / 3))
    ties = baselines.human(by_words(["xy", "yx", "xy"]))
    assert (ties.hlp, ties.low) == (0, 0)
    alone = baselines.human(by_words(["x", "y"]).assign(gold=["x", "x"]))
    assert (alone.hlp, alone.n) == (0.5, 2)
    lost = baselines.human(by_words(["xx"]).assign(label=None, gold="x"))
    assert lost.table["why"][0] == "no label of an item with gold"


def test_a_slice_without_labels_has_a_reason():
    members = pd.DataFrame({"item": ["i0", "i1"], "far": [True, False], "near": [False, False]})
    result = baselines.human(by_words(["xx", "xy"]), members=members)
    row = result.table.iloc[2]
    assert np.isnan(row["hlp"])
    assert (row["n"], row["why"]) == (0, "no label that can be judged lies in this slice")
    assert "near: no label that can be judged lies in this slice." in result._repr_html_()


def test_very_many_classes():
    n = 100_000
    table = pd.DataFrame(
        {"item": np.repeat([f"i{k}" for k in range(n)], 2), "annotator": np.tile([1, 2], n)}
    ).assign(label=np.arange(2 * n) // 2 * 2 + np.arange(2 * n) % 20 // 19)
    result = baselines.human(table)
    assert result.hlp == pytest.approx(0.9)


def test_bad_tables_are_told():
    table = by_words(["xx", "xy"])
    with pytest.raises(TableError, match=r"baselines\.human\(\) needs the columns item, annotator"):
        baselines.human(table.rename(columns={"annotator": "worker"}))
    with pytest.raises(TableError, match=r"text and numbers in the column label .*astype\(str\)"):
        baselines.human(table.assign(label=["1", 1, "2", 2]))
    with pytest.raises(TableError, match="no column 'place' to slice by"):
        baselines.human(table, by="place")
    with pytest.raises(TableError, match="found none of its items in the memberships"):
        baselines.human(table, members=pd.DataFrame({"item": ["q"], "far": [True]}))
    with pytest.raises(TableError, match="calls all items 'all'"):
        baselines.human(table, members=pd.DataFrame({"item": ["i0"], "all": [True]}))
    both = table.assign(far=True)
    members = pd.DataFrame({"item": ["i0"], "far = True": [True]})
    with pytest.raises(TableError, match="two slices of one name: 'far = True'"):
        baselines.human(both, by="far", members=members)
    with pytest.raises(TableError, match="sampling_rate above 0 and at most 1"):
        baselines.human(table.assign(sampling_rate=2.0))


def test_the_callers_table_stays_as_it_is():
    table = by_words(["xxy", "xy"]).assign(gold=["x", "x", None, None, None])
    before = table.copy()
    baselines.human(table, by="annotator")
    pd.testing.assert_frame_equal(table, before)


def test_categorical_columns_with_unused_categories():
    plain = by_words(["xxy", "xy"])
    kept = plain.astype({"item": "category", "annotator": "category"})
    kept["label"] = pd.Categorical(plain["label"], ["z", "y", "x"])
    pd.testing.assert_frame_equal(baselines.human(kept).table, baselines.human(plain).table)


def test_html_is_escaped_and_the_plot_can_be_read_out():
    table = by_words(["xxy", "xyy"] * 4).assign(place="<b>$1")
    result = baselines.human(table, by="place")
    page = result._repr_html_()
    assert "<b>$1" not in page
    assert "&lt;b&gt;$1" in page
    ax = result.plot()
    assert ax.figure.get_label().startswith("Human-level performance in each slice. People are")
    assert [t.get_text() for t in ax.get_yticklabels()] == [r"place = <b>\$1  (8)", "all  (8)"]


def test_a_habit_in_a_slice_is_noted_and_one_over_all_is_in_the_sentence():
    rng = np.random.default_rng(0)
    habit = np.where(rng.random((300, 2)) < 0.7, "m", "n")
    table = by_words(["".join(row) for row in habit] + ["xx", "yy", "zz"] * 300)
    table["style"] = ["free"] * 600 + ["fixed"] * 1800
    result = baselines.human(table, by="style")
    assert "Careful" not in repr(result)
    (note,) = [note for note in result.notes if "habit" in note]
    assert note.startswith("style = free: whoever always gives the commonest label")
    assert note.endswith("(Not so where the slice is a class.)")


def test_slices_of_mixed_values_are_in_order_and_what_is_missing_is_one_of_them():
    table = by_words(["xxy", "yyx", "xxx", "yyy"])

    def by(places):
        place = dict(zip(table["item"].unique(), places, strict=True))
        return baselines.human(table.assign(place=table["item"].map(place)), by="place").table

    assert list(by(["street", 7, None, "attic"])["slice"]) == [
        *("all", "place = 7", "place = attic", "place = street", "place is missing")
    ]
    with pytest.raises(TableError, match="two slices of one name: 'place = 7'"):
        by(["street", 7, None, "7"])
