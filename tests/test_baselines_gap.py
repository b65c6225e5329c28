import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from mlkit import _stats, baselines, slices
from mlkit._tables import LABEL_IS_WRONG, TableError
from mlkit.baselines import _intervals

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def dev(labels, predictions, **more):
    items = [f"i{k}" for k in range(len(labels))]
    return pd.DataFrame(
        {"item": items, "label": list(labels), "prediction": list(predictions)} | more
    )


def by_words(words, **more):
    rows = [(f"i{k}", f"p{j}", x) for k, word in enumerate(words) for j, x in enumerate(word)]
    return pd.DataFrame(rows, columns=["item", "annotator", "label"]).assign(**more)


def against_others(words, answers):
    """People and a model against the same rests of the items' labels, counted one by one."""
    people = model = labels = Fraction(0)
    for word, answer in zip(words, answers, strict=True):
        for k, own in enumerate(word):
            others = word[:k] + word[k + 1 :]
            if not others:
                continue
            most = max(others.count(x) for x in others)
            modes = {x for x in others if others.count(x) == most}
            people += Fraction(own in modes, len(modes))
            model += Fraction(answer in modes, len(modes))
            labels += 1
    return (people / labels, model / labels) if labels else None


some_words = st.lists(st.text("xyz", min_size=1, max_size=6), min_size=1, max_size=6)


@given(some_words, st.data())
@settings(deadline=None)
def test_the_model_is_held_against_what_people_are_held_against(words, data):
    answers = data.draw(st.lists(st.sampled_from("xyzw"), min_size=len(words), max_size=len(words)))
    result = baselines.gap(dev(answers, answers), baselines.human(by_words(words)))
    expected, row = against_others(words, answers), result.table.iloc[0]
    if expected is None:
        assert np.isnan(row["gap"])
        return
    people, model = map(float, expected)
    assert row["baseline_accuracy"] == pytest.approx(people, abs=1e-12)
    assert row["model"] == pytest.approx(model, abs=1e-12)
    assert result.gap == pytest.approx(people - model, abs=1e-12)
    assert result.low <= result.gap + 1e-12
    assert result.gap <= result.high + 1e-12


def test_a_person_in_the_models_place_has_no_gap():
    """A copy of the first of nine people is held against more alike rests than a stranger."""
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((3_000, 10)) < 0.8, "x", rng.choice(list("yz"), (3_000, 10)))
    model, people = labels[:, 0], ["".join(row) for row in labels[:, 1:]]
    result = baselines.gap(dev(model, model), baselines.human(by_words(people)))
    assert result.low < 0 < result.high
    assert abs(result.gap) < 0.02
    assert "The interval of the gap holds 0: 3,000 items do not tell who is ahead." in repr(result)


def test_a_single_item_is_told_in_the_singular():
    one = pd.DataFrame({"item": ["a"], "label": ["x"], "prediction": ["x"]})
    result = baselines.gap(one, baselines.majority_class(one, train=one))
    assert "1 item does not tell who is ahead." in repr(result)


def test_with_gold_both_are_held_against_gold():
    table = by_words(["xx", "xy", "yy"]).assign(gold=["x", "x", "y", "y", "x", "x"])
    predictions = dev("xxx", "xyy")
    result = baselines.gap(predictions, baselines.human(table))
    row = result.table.iloc[0]
    assert (row["reference"], row["baseline_accuracy"]) == ("gold", 0.5)
    assert row["model"] == pytest.approx(2 / 3)
    assert "1 item whose gold is not the label: beside people gold counts." in result.notes


def test_where_gold_is_the_label_one_word_says_so_and_nothing_is_to_be_told():
    people = baselines.human(by_words(["xx", "xy", "yy"]).assign(gold=list("xxxxyy")))
    same = dev("xxyx", "xyyx")
    rule = baselines.majority_class(same)
    result = baselines.gap(same, [people, rule])
    assert set(result.table["reference"]) == {"label"}
    assert not any("another accuracy" in note for note in result.notes)
    # Another gold on one shared item, or a label nobody knows: two references again.
    for label in (["x", "y", "y", "x"], ["x", None, "y", "x"]):
        other = baselines.gap(same.assign(label=label), [people, rule])
        assert list(other.table["reference"]) == ["gold", "label"]
        assert any("held against gold, beside the other" in note for note in other.notes)


def test_the_interval_is_told_in_the_direction_of_the_gap():
    table = dev("x" * 40, "y" * 20 + "x" * 20)
    right = {"better": 37, "worse": 3, "alike": 21}
    told = {}
    for name, n in right.items():
        old = table[["item"]].assign(prediction=["x"] * n + ["y"] * (40 - n))
        told[name] = repr(baselines.gap(table, baselines.previous(table, old)))
    some = r"[\d.]+"
    assert re.search(rf"points below .*; between {some} and {some} points below\.", told["better"])
    assert re.search(rf"points above .*; between {some} and {some} points above\.", told["worse"])
    both = rf"2\.5 points below .*; between {some} points above and {some} points below\."
    assert re.search(both, told["alike"])
    assert not any("-" in sentence for sentence in told.values())


def test_a_habit_is_told_once_in_the_sentence_and_once_in_the_table():
    rng = np.random.default_rng(0)
    words = ["".join(row) for row in np.where(rng.random((300, 2)) < 0.7, "m", "n")]
    result = baselines.gap(dev("m" * 300, "m" * 300), baselines.human(by_words(words)))
    assert "by a habit alone" in repr(result)
    assert "by a habit alone" in result.table["warning"][0]
    assert not any("habit" in note for note in result.notes)


def test_two_at_random_and_the_model_that_always_writes_the_common_form():
    """70/30: people agree on 58 %, the model 'beats' them at 70 % by a habit alone."""
    path = SHARED / "reference.json"
    if not path.is_file():
        pytest.skip("../shared/data has no reference.json")
    expected = json.loads(path.read_text(encoding="utf-8"))["published"]["paradox_70_30"]
    rng = np.random.default_rng(0)
    words = ["".join(row) for row in np.where(rng.random((20_000, 2)) < 0.7, "m", "n")]
    result = baselines.gap(dev("m" * 20_000, "m" * 20_000), baselines.human(by_words(words)))
    row = result.table.iloc[0]
    assert row["baseline_accuracy"] == pytest.approx(expected["expected_agreement"], abs=0.01)
    assert row["model"] == pytest.approx(expected["expected_model_always_majority"], abs=0.01)
    assert result.high < -0.1
    assert row["constant"] == row["model"]
    assert "Whoever always gives the commonest label is right in 7" in row["warning"]
    assert "a model can beat people by a habit alone, and that is no success" in repr(result)


def test_ahead_of_people_as_judged_by_people_is_told():
    rng = np.random.default_rng(0)
    truth = rng.choice(list("xyz"), 600)
    said = np.where(rng.random((600, 5)) < 0.7, truth[:, None], rng.choice(list("xyz"), (600, 5)))
    words = ["".join(row) for row in said]
    people = baselines.human(by_words(words))
    result = baselines.gap(dev(truth, truth), people)
    assert result.high < 0
    assert "Ahead of people, as judged by people" in result.table["warning"][0]
    assert "points above people" in repr(result)
    gold = baselines.human(by_words(words).assign(gold=np.repeat(truth, 5)))
    assert baselines.gap(dev(truth, truth), gold).table["warning"][0] == ""


def test_a_rule_and_an_older_system_are_paired_with_the_model():
    rng = np.random.default_rng(1)
    label = rng.choice(list("ab"), 300)
    table = dev(label, np.where(rng.random(300) < 0.9, label, "a"), loud=rng.random(300))
    old = table[["item"]].assign(prediction=np.where(rng.random(300) < 0.7, label, "b"))
    made = [baselines.rule(table, lambda _: "a"), baselines.previous(table, old[:250])]
    result = baselines.gap(table, made).table.set_index("baseline")
    assert list(result["interval"]) == ["paired"] * 2
    right = (table["prediction"] == label).to_numpy()
    for name, other, n in [
        ("rule", label == "a", 300),
        ("previous", old["prediction"] == label, 250),
    ]:
        both = _stats.paired(right[:n], np.asarray(other)[:n])
        row = result.loc[name]
        assert row["n"] == n
        assert (row["gap"], row["gap_low"], row["gap_high"]) == pytest.approx(
            (both.difference, both.low, both.high)
        )
        assert (row["model"], row["baseline_accuracy"]) == pytest.approx((both.before, both.after))


def test_a_published_figure_gives_an_independent_interval():
    table = dev("a" * 80, "a" * 60 + "b" * 20)
    made = baselines.published(0.9, 200, source="Doe 2020")
    row = baselines.gap(table, made).table.iloc[0]
    low, high = confint_proportions_2indep(180, 200, 60, 80, compare="diff", method="newcomb")
    assert (row["gap_low"], row["gap_high"]) == pytest.approx((low, high))
    assert (row["interval"], row["reference"], row["n"]) == ("independent", "label", 80)
    without = baselines.gap(table, baselines.published(0.9, source="Doe 2020"))
    assert without.gap == pytest.approx(0.15)
    assert np.isnan(without.low)
    assert "how many items the baseline rests on is not known" in repr(without)


def test_tables_put_together_keep_their_figures():
    table = dev("aabb", "aaab")
    made = [baselines.majority_class(table), baselines.published(0.9, 50, source="Doe")]
    together = baselines.gap(table, pd.concat(made, ignore_index=True)).table
    apart = baselines.gap(table, made).table
    assert list(together["baseline"]) == list(apart["baseline"])
    pd.testing.assert_series_equal(together["gap"], apart["gap"])
    assert list(together["interval"]) == ["independent", "independent"]


def test_people_come_first_and_each_row_says_its_reference():
    table = dev("xxyy", "xxxy", far=[True, True, False, False])
    members = slices.memberships(table, conditions={"far": "far", "never": "far & ~far"})
    people = baselines.human(by_words(["xx", "xx", "yy", "xy"]))
    result = baselines.gap(table, [baselines.majority_class(table), people], members=members)
    assert list(result.table["slice"]) == ["all"] * 2 + ["far"] * 2 + ["never"] * 2
    assert list(result.table["baseline"]) == ["people", "majority class"] * 3
    assert list(result.table["reference"]) == ["the others' consensus", "label"] * 3
    assert result.baseline == "people"
    assert any("it may have another accuracy there" in note for note in result.notes)
    empty = result.table.iloc[4:]
    assert empty["gap"].isna().all()
    assert list(empty["warning"]) == [
        "No item with a prediction and labels that can be judged.",
        "No item with a label that both answered.",
    ]


def test_people_on_a_part_of_the_items_are_compared_there():
    table = dev("xxyy" * 25, "xxxy" * 25)
    people = baselines.human(by_words(["xx", "xy", "yy", "yy"] * 10))
    result = baselines.gap(table, [people, baselines.majority_class(table)])
    assert list(result.table["n"]) == [40, 100]
    assert any(note.startswith("People: 40 of the 100 items") for note in result.notes)
    nobody = baselines.gap(table.assign(item=table["item"] + "!"), people)
    assert np.isnan(nobody.gap)
    assert repr(nobody) == (
        "The gap to people is not known: no item occurs in both tables: 'i0!' in the predictions, "
        "'i0' among the labels."
    )
    assert not any(note.startswith("People: ") for note in nobody.notes)


def test_a_rule_on_items_of_other_names_is_told():
    table = dev("xxyy", "xxxy")
    rule = baselines.majority_class(table.assign(item=["1", "2", "3", "4"]))
    result = baselines.gap(table, rule)
    assert result.table["interval"][0] == "independent"
    assert result.notes == (
        "majority class: no item occurs in both tables: 'i0' in the predictions, '1' there. Only "
        "its figure is compared.",
    )


def test_people_can_be_compared_where_there_is_no_label():
    table = dev([None] * 3, "xyx")
    result = baselines.gap(table, baselines.human(by_words(["xx", "yy", "xy"])))
    assert result.n == 3
    assert "3 items without a label: only held against people." in result.notes


def test_a_missing_prediction_is_an_error():
    table = dev("xxx", ["x", None, "x"])
    result = baselines.gap(
        table, [baselines.human(by_words(["xx"] * 3)), baselines.rule(table, lambda _: "x")]
    )
    assert result.table["model"].tolist() == pytest.approx([2 / 3] * 2)
    assert "1 item without a prediction: counted as errors." in result.notes


def test_wrong_labels_are_set_aside_and_weights_used():
    table = dev("aabb", "abbb")
    members = pd.DataFrame(
        {"item": table["item"], "far": [True, True, pd.NA, True],
         LABEL_IS_WRONG: [False, False, False, True], "sampling_rate": [0.1, 0.5, 1, 1]}
    )  # fmt: skip
    result = baselines.gap(table, baselines.rule(table, lambda _: "b"), members=members)
    assert result.n == 3
    far = result.table.iloc[1]
    assert (far["n"], far["model"], far["baseline_accuracy"]) == (2, pytest.approx(10 / 12), 0)
    assert far["interval"] == "bootstrap"
    assert "1 item with a wrong label: set aside." in result.notes
    people = baselines.gap(
        table, baselines.human(by_words(["aa", "ab", "bb", "bb"])), members=members
    )
    assert people.table["model"][1] == pytest.approx((10 * 2 + 2 * 1 + 2) / (20 + 4 + 2))


def test_the_interval_beside_people_holds_the_truth():
    """Items drawn from a known world: 92 to 97.5 % at 60 and 200 items."""
    rng = np.random.default_rng(2)
    n, m = 40_000, 5
    truth = rng.integers(3, size=n)
    hard = rng.random(n) < 0.3

    def answers(p, shape):
        right = rng.random(shape) < np.where(hard, 0.5, p).reshape(-1, *[1] * (len(shape) - 1))
        full = np.broadcast_to(truth.reshape(-1, *[1] * (len(shape) - 1)), shape)
        return np.where(right, full, rng.integers(3, size=shape))

    words = ["".join(row) for row in answers(0.85, (n, m)).astype(str)]
    model = answers(0.8, (n,)).astype(str)
    both = baselines.gap(dev(model, model), baselines.human(by_words(words)))
    scores = [against_others([w], [x]) for w, x in zip(words[:8_000], model, strict=False)]
    people, machine = np.array([[float(x) * m for x in pair] for pair in scores]).T
    assert both.gap == pytest.approx((people - machine).mean() / m, abs=0.01)
    for size in (60, 200):
        hits = 0
        for _ in range(400):
            rows = rng.integers(8_000, size=size)
            one = np.ones(size)
            _, low, high = _intervals.difference(people[rows], machine[rows], one * m, one, rng)
            hits += low <= (people - machine).mean() / m <= high
        assert 0.92 <= hits / 400 <= 0.975, (size, hits)


def test_bad_baselines_are_told():
    table = dev("ab", "ab")
    rule = baselines.rule(table, lambda _: "a")
    with pytest.raises(TableError, match=r"no baseline: human\(\.\.\.\), rule\(\.\.\.\)"):
        baselines.gap(table, [])
    with pytest.raises(TableError, match="two baselines of one name: 'rule'"):
        baselines.gap(table, [rule, rule])
    people = baselines.human(by_words(["aa", "ab"]))
    with pytest.raises(TableError, match=r"people go in as human\(\.\.\.\) itself"):
        baselines.gap(table, people.table)
    for figure in (0.95, [0.95]):
        with pytest.raises(
            TableError, match=r"pass baselines\.published\(0\.95, n, source='\.\.\.'"
        ):
            baselines.gap(table, figure)
    with pytest.raises(TableError, match=r"labels as they are: pass baselines\.human\(table\)"):
        baselines.gap(table, by_words(["aa", "ab"]))
    with pytest.raises(TableError, match="it was given a str"):
        baselines.gap(table, "0.95")
    with pytest.raises(TableError, match="nothing would ever match"):
        baselines.gap(dev([1, 2], [1, 2]), people)
    with pytest.raises(TableError, match="a baseline without a row"):
        baselines.gap(table, rule.iloc[:0])


def test_html_is_escaped_and_the_plot_can_be_read_out():
    table = dev("aabb", "aabb")
    made = baselines.rule(table, lambda _: "a", name="<i>$x")
    result = baselines.gap(table, made)
    page = result._repr_html_()
    assert "<i>$x" not in page
    assert "&lt;i&gt;$x" in page
    ax = result.plot()
    assert [t.get_text() for t in ax.get_yticklabels()] == [r"<i>\$x"]
    assert ax.figure.get_label().startswith("The model beside each baseline in each slice. The mod")
    nothing = baselines.gap(table.assign(label=None), baselines.published(0.5, 9, source="Doe"))
    assert "is not known: no item with a label." in repr(nothing)
    nothing.plot()


def test_the_same_seed_gives_the_same_interval():
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("xy"), 4)) for _ in range(60)]
    people, table = baselines.human(by_words(words)), dev("x" * 60, "x" * 60)
    one, two, other = (baselines.gap(table, people, rng=seed) for seed in (1, 1, 2))
    assert (one.low, one.high) == (two.low, two.high) != (other.low, other.high)


def test_in_a_slice_that_is_a_class_the_habit_says_nothing():
    """All of its items have the label, so whoever always gives it is right there."""
    rng = np.random.default_rng(0)
    truth = rng.choice(list("xy"), 400)
    said = np.where(rng.random((400, 5)) < 0.8, truth[:, None], rng.choice(list("xy"), (400, 5)))
    people = baselines.human(by_words(["".join(row) for row in said]))
    table = dev(truth, truth, half=rng.random(400) < 0.5)
    members = slices.memberships(table, columns=["label", "half"])
    result = baselines.gap(table, people, members=members).table.set_index("slice")
    assert result["constant"].isna().to_dict() == {
        "all": False, "label = x": True, "label = y": True, "half = False": False,
        "half = True": False,
    }  # fmt: skip
    assert not result["warning"].str.contains("by a habit").any()
