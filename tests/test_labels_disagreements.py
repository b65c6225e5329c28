import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from mlkit import labels
from mlkit._tables import TableError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def votes(**given):
    """Item -> its labels, one a person; "." none."""
    rows = [
        (item, f"p{k}", label) for item, all_of in given.items() for k, label in enumerate(all_of)
    ]
    table = pd.DataFrame(rows, columns=["item", "annotator", "label"])
    return table.assign(label=table["label"].where(table["label"] != "."))


def pairs_by_hand(table):
    found = {}
    for _, rows in table.dropna(subset="label").groupby("item"):
        for a, b in combinations(sorted(rows["label"]), 2):
            found[a, b] = found.get((a, b), 0) + 1
    return found


# Items -------------------------------------------------------------------------------------


def test_the_most_contested_item_comes_first():
    found = labels.disagreements(votes(all="sss", half="ssll", two="ssl", three="slh", one="s"))
    assert list(found["item"]) == ["three", "half", "two", "all"]
    assert found["disagreement"].tolist() == pytest.approx([1, 4 / 6, 2 / 3, 0])
    assert found["votes"].tolist() == ["h 1, l 1, s 1", "l 2, s 2", "s 2, l 1", "s 3"]
    assert found["n"].tolist() == [3, 4, 3, 3]
    assert found.attrs["notes"] == ["1 item with one label left out."]


def test_entropy_is_scipy_s():
    found = labels.disagreements(votes(a="sssll", b="shl", c="ss")).set_index("item")
    assert found.loc["a", "entropy"] == pytest.approx(entropy([3, 2], base=2))
    assert found.loc["b", "entropy"] == pytest.approx(math.log2(3))
    assert found.loc["c", "entropy"] == 0


def test_votes_come_in_the_order_of_the_classes_where_they_tie():
    table = votes(a="xg", b="gx")
    ordered = table.assign(label=pd.Categorical(table["label"], ["x", "g"], ordered=True))
    assert labels.disagreements(ordered)["votes"].tolist() == ["x 1, g 1"] * 2


def test_columns_of_the_item_come_along_and_those_of_a_label_do_not():
    table = votes(a="sl", b="ss").assign(
        source=["web", "web", "shop", "shop"],
        gold=[None, None, "s", "s"],
        light=[1.0, 2.0, 3.0, 3.0],  # not the same for both rows of a
        duration_s=[1, 2, 3, 4],
        guide="v1",
    )
    pictures = {"a": np.zeros((2, 2)), "b": np.ones((2, 2))}
    table["picture"] = [pictures[item] for item in table["item"]]
    table["box"] = [np.zeros(4) for _ in range(4)]  # one object a row: of a label
    found = labels.disagreements(table)
    assert list(found.columns[5:]) == ["source", "gold", "picture"]
    assert found["source"].tolist() == ["web", "shop"]
    assert found["picture"][0] is pictures["a"]


def test_what_is_left_out_is_counted():
    table = pd.concat([votes(a="sl.", b="s"), votes(a="l")], ignore_index=True).assign(repeat=0)
    table = pd.concat([table, votes(b="l").assign(repeat=1)])
    found = labels.disagreements(table)
    assert found["votes"].tolist() == ["l 2"]  # p0 said s first, then l
    text = " ".join(found.attrs["notes"])
    for words in (
        "1 repeated label left out",
        "1 row without a label left out",
        "1 earlier label of the same person",
        "1 item with one label left out",
    ):
        assert words in text


@pytest.mark.parametrize("function", [labels.disagreements, labels.confusions])
def test_degenerate_tables(function):
    for table in (votes(a="s"), votes(a=".."), votes(a="ss").iloc[:0], votes(a="s", b="l")):
        found = function(table)
        assert found.empty
        assert list(found.columns[:3]) == list(function(votes(a="sl")).columns[:3])
    assert function(votes(a="sl")).shape[0] == 1
    with pytest.raises(TableError, match="labels of several types"):
        function(votes(a="sl").assign(label=[1, "1"]))
    with pytest.raises(TableError, match='"rater": "annotator"'):
        function(votes(a="sl").rename(columns={"annotator": "rater"}))


def test_many_classes_are_fine():
    n = 100_000
    table = pd.DataFrame(
        {
            "item": np.repeat([f"i{k}" for k in range(n)], 2),
            "annotator": ["p", "q"] * n,
            "label": np.arange(2 * n) // 4 * 4 + np.arange(2 * n) % 2,
        }
    )
    assert len(labels.confusions(table)) == n // 2
    assert (labels.disagreements(table)["disagreement"] == 1).all()


# Classes -----------------------------------------------------------------------------------


def test_a_hand_computed_confusion():
    found = labels.confusions(votes(a="ssl", b="ll", c="sh"))
    assert found[["label_1", "label_2"]].to_numpy().tolist() == [["l", "s"], ["h", "s"]]
    assert found["pairs"].tolist() == [2, 1]
    assert found["share"].tolist() == pytest.approx([2 / 3, 1 / 3])
    # 7 labels: l 3, s 3, h 1; 5 pairs. Two labels drawn: l and s with 2 x 3 x 3 / (7 x 6).
    assert found["expected"].tolist() == pytest.approx([5 * 18 / 42, 5 * 6 / 42])
    assert found["lift"].tolist() == pytest.approx([2 * 42 / 90, 42 / 30])
    assert found["items"].tolist() == [["a"], ["c"]]


def test_expected_is_what_shuffling_gives():
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 6, 60)
    given_labels = rng.choice(list("aabbbc"), sizes.sum())
    names = [f"i{k}" for k in range(60)]
    table = pd.DataFrame(
        {
            "item": np.repeat(names, sizes),
            "annotator": np.concatenate([np.arange(n) for n in sizes]).astype(str),
            "label": given_labels,
        }
    )
    found = labels.confusions(table).set_index(["label_1", "label_2"])["expected"]
    drawn = []
    for _ in range(400):
        shuffled = table.assign(label=rng.permutation(given_labels))
        drawn.append(labels.confusions(shuffled).set_index(["label_1", "label_2"])["pairs"])
    table_of = pd.concat(drawn, axis=1).fillna(0)
    error = table_of.std(axis=1) / np.sqrt(400)
    assert ((table_of.mean(axis=1) - found).abs() < 4 * error).all()


def test_examples_are_the_most_evenly_split_items():
    found = labels.confusions(
        votes(a="sssl", b="sl", c="ssll", d="lllls", e="ssl", f="sll", g="ssl", h="ll")
    )
    assert found["items"][0] == ["c", "b", "e", "f", "g"]


def test_nobody_differs():
    found = labels.confusions(votes(a="ss", b="ll"))
    assert found.empty
    assert list(found.columns) == [
        "label_1", "label_2", "pairs", "share", "expected", "lift", "items",
    ]  # fmt: skip


tables = st.lists(
    st.tuples(st.sampled_from("wxyz"), st.sampled_from("pqrs"), st.sampled_from("abc")),
    min_size=1,
    max_size=16,
    unique_by=lambda row: row[:2],
).map(lambda rows: pd.DataFrame(rows, columns=["item", "annotator", "label"]))


@settings(max_examples=40, deadline=None)
@given(tables, st.integers(0, 1000))
def test_laws(table, seed):
    found, both = labels.disagreements(table), labels.confusions(table)
    assert found["disagreement"].between(0, 1).all()
    by_hand = {key: n for key, n in pairs_by_hand(table).items() if key[0] != key[1]}
    assert (
        dict(zip(zip(both["label_1"], both["label_2"], strict=True), both["pairs"], strict=True))
        == by_hand
    )
    if len(both):
        assert both["share"].sum() == pytest.approx(1)
    # Pairs that differ are the same seen from the items and from the classes.
    differ = found["disagreement"] * found["n"] * (found["n"] - 1) / 2
    assert differ.sum() == pytest.approx(both["pairs"].sum())

    mixed = table.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(labels.disagreements(mixed), found)
    pd.testing.assert_frame_equal(labels.confusions(mixed), both)

    renamed = table.assign(annotator=table["annotator"].map(dict(zip("pqrs", "srqp", strict=True))))
    pd.testing.assert_frame_equal(labels.disagreements(renamed), found)
    classes = dict(zip("abc", "zxy", strict=True))
    other = labels.confusions(table.assign(label=table["label"].map(classes)))
    names = [
        {classes[a], classes[b]} for a, b in zip(both["label_1"], both["label_2"], strict=True)
    ]
    pairs = {frozenset(pair): n for pair, n in zip(names, both["pairs"], strict=True)}
    theirs = zip(
        map(frozenset, other[["label_1", "label_2"]].to_numpy()), other["pairs"], strict=True
    )
    assert dict(theirs) == pairs


def test_real_ratings():
    path = SHARED / "adult-content-ratings.csv.gz"
    if not path.exists():
        pytest.skip("../shared/data has no adult-content-ratings.csv.gz")
    table = pd.read_csv(path, dtype=str)
    found, both = labels.disagreements(table), labels.confusions(table)
    assert "2,922 earlier labels of the same person" in found.attrs["notes"][0]
    assert len(found) == 10_629
    # Pooled over pairs, what differs is 1 - percent agreement.
    pairs = found["n"] * (found["n"] - 1) / 2
    differ = (found["disagreement"] * pairs).sum() / pairs.sum()
    assert differ == pytest.approx(1 - 0.7015848473134906, abs=1e-9)
    assert tuple(both.loc[0, ["label_1", "label_2"]]) == ("G", "P")
    assert len(both["items"][0]) == 5
