import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from statsmodels.stats.proportion import proportion_confint

from mlkit import baselines, slices
from mlkit._tables import LABEL_IS_WRONG, TableError


def dev(labels, **more):
    return pd.DataFrame(
        {"item": [f"i{k}" for k in range(len(labels))], "label": list(labels)} | more
    )


def test_majority_class_is_scikit_learns_dummy():
    rng = np.random.default_rng(0)
    train, test = (dev(rng.choice(list("abc"), 200, p=[0.2, 0.5, 0.3])) for _ in range(2))
    dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros((200, 1)), train["label"])
    row = baselines.majority_class(test, train=train[["label"]]).iloc[0]
    assert row["accuracy"] == dummy.score(np.zeros((200, 1)), test["label"])
    right = (test["label"] == "b").sum()
    limits = proportion_confint(right, 200, method="wilson")
    assert (row["low"], row["high"]) == pytest.approx(limits)
    assert (row["n"], row["source"]) == (200, "always 'b', the commonest label in train")


def test_without_train_the_majority_class_peeks_and_says_so():
    table = baselines.majority_class(dev("aab"))
    assert "of these very items, so it peeks" in table["source"][0]
    assert list(table["accuracy"]) == pytest.approx([2 / 3])
    tied = baselines.majority_class(dev("bbaa"))
    assert tied["source"][0].startswith("always 'a'")
    notes = baselines.majority_class(dev("aab"), train=dev("bb")).attrs["notes"]
    assert notes == ["2 items stand in train too."]


def test_slices_of_every_kind():
    table = dev("aabb", loud=[0.9, 0.1, 0.8, 0.2])
    members = slices.memberships(table, conditions={"loud": "loud > 0.5", "never": "loud > 5"})
    old = table[["item"]].assign(prediction=list("abba"))
    for made, expected in [
        (baselines.majority_class(table, members=members), [0.5, 0.5]),
        (baselines.rule(table, lambda df: df["loud"].map({0.9: "a"}).fillna("b"), members=members),
         [0.75, 1.0]),
        (baselines.previous(table, old, members=members), [0.5, 1.0]),
    ]:  # fmt: skip
        assert list(made["slice"]) == ["all", "loud", "never"]
        assert made["accuracy"][:2].tolist() == expected
        assert made["n"].tolist() == [4, 2, 0]
        assert np.isnan(made["accuracy"][2])
        assert made["why"][2] == "no item with a label"


def test_items_drawn_less_often_weigh_more():
    table = dev("aab")
    members = pd.DataFrame(
        {"item": ["i0", "i1", "i2"], "far": [True, pd.NA, True], "sampling_rate": [0.1, 1, 0.5]}
    )
    far = baselines.rule(table, lambda _: "a", members=members).iloc[1]
    assert far["accuracy"] == pytest.approx(10 / 12)
    assert far["n"] == 2
    assert far["high"] - far["low"] > 0.6


def test_a_wrong_label_is_set_aside_as_in_the_report():
    members = pd.DataFrame({"item": ["i0", "i1", "i2"], LABEL_IS_WRONG: [True, False, pd.NA]})
    made = baselines.rule(dev("bab"), lambda _: "a", members=members)
    assert (made["n"].tolist(), made["accuracy"].tolist()) == ([2], [0.5])
    assert "1 item with a wrong label: set aside." in made.attrs["notes"]


def test_a_rule_is_a_function_or_an_expression_and_never_sees_the_label():
    table = dev([True, False, True], loud=[3, 1, 0], prediction=True, gold=True)
    made = baselines.rule(table, "loud > 2", name="loud")
    assert (made["baseline"][0], made["accuracy"][0]) == ("loud", pytest.approx(2 / 3))
    assert made["source"][0] == "the rule loud > 2"
    seen = []
    baselines.rule(table, lambda df: seen.append(list(df)) or df["loud"] > 2)
    assert seen == [["item", "loud"]]
    with pytest.raises(TableError, match=r"cannot be computed.*Columns it may use: item, loud"):
        baselines.rule(table, "label == True")
    shuffled = baselines.rule(table, lambda df: (df["loud"] > 2).sample(frac=1, random_state=1))
    assert shuffled["accuracy"][0] == pytest.approx(2 / 3)


def test_a_rule_that_can_never_be_right_is_a_slip():
    table = dev(["ham", "spam"], text=["hello", "free!"])
    with pytest.raises(TableError, match=r"nothing in common.*np\.where.*'spam', 'ham'"):
        baselines.rule(table, "text.str.contains('free')")
    with pytest.raises(TableError, match="one answer for each of the 2 items"):
        baselines.rule(table, lambda _: ["ham"])
    silent = baselines.rule(table, lambda _: ["ham", None])
    assert silent["accuracy"][0] == 0.5


def test_previous_is_matched_by_item_and_what_is_not_is_told():
    table = dev("aabb")
    old = pd.DataFrame({"item": ["i3", "i0", "i1", "gone"], "prediction": ["b", "a", None, "a"]})
    made = baselines.previous(table, old, name="2024")
    assert (made["accuracy"][0], made["n"][0]) == (pytest.approx(2 / 3), 3)
    assert made.attrs["notes"] == [
        "2024: 1 item never answered by it: left out.",
        "2024: 1 item only in the earlier predictions.",
    ]
    with pytest.raises(TableError, match="none of the items in the earlier predictions"):
        baselines.previous(table, old.assign(item=list("wxyz")))
    with pytest.raises(TableError, match="nothing would ever match"):
        baselines.previous(table, old.assign(prediction=1))


def test_published_figures():
    made = baselines.published({"all": 0.9, "noise": 0.8}, {"all": 100}, source="Doe 2020")
    limits = proportion_confint(90, 100, method="wilson")
    assert (made["low"][0], made["high"][0]) == pytest.approx(limits)
    assert np.isnan(made["low"][1])
    assert made["why"].tolist() == [
        "",
        "no interval: how many items it rests on is not known",
    ]
    assert made["source"].tolist() == ["Doe 2020"] * 2
    with pytest.raises(TableError, match=r"between 0 and 1 \(0\.93, not 93 or '93%'\); found 93"):
        baselines.published(93, 100, source="Doe 2020")
    with pytest.raises(TableError, match=r"accuracy as a fraction between 0 and 1 .*found '95%'"):
        baselines.published("95%", 100, source="Doe 2020")
    with pytest.raises(TableError, match="n, a number of items above 0; found '100'"):
        baselines.published(0.95, "100", source="Doe 2020")
    with pytest.raises(TableError, match="n, a number of items above 0; found 0"):
        baselines.published(0.9, 0, source="Doe 2020")
    with pytest.raises(TableError, match="where the figure stands"):
        baselines.published(0.9, 10, source=" ")


def test_items_without_a_label_are_left_out_and_counted():
    table = dev(["a", None, "b"])
    made = baselines.rule(table, lambda _: "a")
    assert (made["n"][0], made["accuracy"][0]) == (2, 0.5)
    assert made.attrs["notes"] == ["1 item without a label: left out."]
    nothing = baselines.rule(table.assign(label=None), lambda _: "a")
    assert np.isnan(nothing["accuracy"][0])
    assert nothing["why"][0] == "no item with a label"
    with pytest.raises(TableError, match="no label in the table"):
        baselines.majority_class(table.assign(label=None))


def test_the_tables_can_be_put_together_copied_and_written():
    table = dev("aab")
    one, two = baselines.majority_class(table), baselines.rule(table, lambda _: "b")
    both = pd.concat([one, two, baselines.published(0.9, 10, source="Doe")], ignore_index=True)
    assert list(both["baseline"]) == ["majority class", "rule", "published"]
    assert one.copy().attrs["answers"] is one.attrs["answers"]
    assert "majority class" in one.to_csv()
