"""How much is left to the machine: by hand, by law, and by the words where it cannot be told."""

import numpy as np
import pandas as pd
import pytest

from mlkit._tables import TableError
from mlkit.deployment import automation

COSTS = {"human_cost": 1.0, "error_cost": 10.0}


def dev(n=400, rng=0, people=0.9):
    rng = np.random.default_rng(rng)
    score = rng.random(n)
    label = rng.choice(["x", "y"], n)
    other = np.where(label == "x", "y", "x")
    return pd.DataFrame(
        {
            "item": [f"i{k}" for k in range(n)],
            "label": label,
            "prediction": np.where(rng.random(n) < 0.5 + score / 2, label, other),
            "score": score,
            "by_hand": np.where(rng.random(n) < people, label, other),
        }
    )


def test_by_hand_on_four_items():
    made = pd.DataFrame(
        {
            "item": list("abcd"),
            "label": "x",
            "prediction": ["x", "x", "y", "y"],
            "score": [0.9, 0.8, 0.7, 0.4],
        }
    )
    table = automation(made, human=0.95, human_cost=1, error_cost=10, model_cost=0.1).table
    by = table.set_index("degree")
    assert by.loc["people only", "cost"] == pytest.approx(1 + 10 * 0.05)
    assert by.loc["shadow", "cost"] == pytest.approx(1.1 + 10 * 0.05)
    assert by.loc["full automation", "cost"] == pytest.approx(0.1 + 10 * 0.5)
    at = table[table["threshold"] == 0.8].iloc[0]
    assert at["by_model"] == 0.5
    assert at["accuracy"] == pytest.approx((2 + 2 * 0.95) / 4)
    assert at["cost"] == pytest.approx(0.1 + (2 * 1 + 2 * 10 * 0.05) / 4)
    assert automation(made, human=0.95, **COSTS).threshold == 0.8


def test_the_ends_of_the_scale_are_people_and_the_model():
    made = dev()
    table = automation(made, human="by_hand", **COSTS).table.set_index("degree")
    right = (made["prediction"] == made["label"]).mean()
    assert table.loc["full automation", "accuracy"] == pytest.approx(right)
    people = (made["by_hand"] == made["label"]).mean()
    for degree in ("people only", "shadow", "assistance"):
        assert table.loc[degree, "accuracy"] == pytest.approx(people)
    partial = table.loc["partial automation"]
    assert partial["by_model"].is_monotonic_increasing
    assert partial["by_model"].iloc[-1] < 1 == table.loc["full automation", "by_model"]
    assert (table["cost_low"] <= table["cost"]).all()
    assert (table["cost"] <= table["cost_high"]).all()


def test_the_interval_of_people_alone_is_that_of_a_mean():
    made = dev()
    row = automation(made, human="by_hand", **COSTS, replicates=2000).table.iloc[0]
    right = (made["by_hand"] == made["label"]).astype(float)
    half = 1.96 * right.std() / np.sqrt(len(right))
    assert row["accuracy_low"] == pytest.approx(right.mean() - half, abs=0.006)
    assert row["accuracy_high"] == pytest.approx(right.mean() + half, abs=0.006)


def test_dear_errors_call_for_people_and_free_ones_for_none():
    unlucky = dev()  # its surest answer is wrong; otherwise a few lucky ones would look cheap
    unlucky.loc[unlucky["score"].idxmax(), "prediction"] = "z"
    assert automation(unlucky, human=1.0, human_cost=1, error_cost=1000).degree in (
        "people only",
        "shadow",
        "assistance",
    )
    # No partial automation "above" the lowest score: that leaves nothing to people.
    free = automation(dev(), human=0.99, human_cost=1, error_cost=0)
    assert free.degree == "full automation"
    assert np.isnan(free.threshold)


def test_assistance_may_help_and_is_an_assumption_otherwise():
    helped = automation(dev(), human=0.9, assisted=0.97, **COSTS)
    row = helped.table.set_index("degree").loc["assistance"]
    assert row["accuracy"] == pytest.approx(0.97)
    said = " ".join(automation(dev(), human=0.9, **COSTS).notes)
    assert "taken to be as good as without" in said
    assert "right 90.0 % of the time on each item, also on those" in said


def test_where_the_model_said_nothing_people_answer():
    made = dev()
    made.loc[:99, "prediction"] = None
    table = automation(made, human=1.0, **COSTS).table
    partial = table[table["degree"] == "partial automation"]
    assert partial["by_model"].max() == pytest.approx(0.75)
    full = table.iloc[-1]
    assert full["by_model"] == 1
    right = (made["prediction"] == made["label"]).mean()
    assert full["accuracy"] == pytest.approx(right)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"human": 90}, "human is an accuracy from 0 to 1; got 90"),
        ({"assisted": -0.1}, "assisted is an accuracy from 0 to 1"),
        ({"human_cost": -1}, "human_cost is a cost of an item, 0 or more; got -1"),
        ({"error_cost": float("nan")}, "error_cost is a cost of an item"),
        ({"human": "people"}, "in the column 'people', and there is none"),
    ],
)
def test_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        automation(dev(), **{"human": 0.9, **COSTS, **arguments})


def test_people_who_did_not_answer_all():
    with pytest.raises(TableError, match="and 1 row of 'by_hand' have none"):
        automation(
            dev().assign(by_hand=lambda t: t["by_hand"].mask(t.index == 3)),
            human="by_hand",
            **COSTS,
        )


def test_it_shows_itself():
    told = automation(dev(), human="by_hand", **COSTS)
    assert "chosen and told on the same 400 items" in repr(told)
    assert 13 <= told._repr_html_().count("<tr>") <= 14
    taken = automation(dev(), human=0.95, **COSTS)._repr_html_()
    assert taken.count("assumed") == 6  # three degrees rest on a number that was put in
    assert "assumed" not in told._repr_html_()
    assert told.plot().get_xlabel() == "answered by the model alone (%)"
