from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from mlkit import labels
from mlkit._tables import TableError
from mlkit.labels import _annotators, _pairwise

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def long(wide, **columns):
    rows = [
        (f"item {item:03}", f"annotator {who}", label)
        for who, given in enumerate(wide)
        for item, label in enumerate(given)
        if label is not None
    ]
    return pd.DataFrame(rows, columns=["item", "annotator", "label"]).assign(**columns)


def people(n, right, *, seed=0, classes=3):
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=n)
    guess = rng.integers(classes, size=(len(right), n))
    return np.where(rng.random((len(right), n)) < np.array(right)[:, None], truth, guess)


# Pairs.


@pytest.mark.parametrize(
    ("name", "pairs", "mean"),
    [
        ("adult-content-ratings.csv.gz", 3353, 0.25831373007578157),
        ("textual-entailment-ratings.csv", 1254, 0.3158650256890449),
    ],
)
def test_pairs_of_real_annotators_are_those_of_scikit_learn(name, pairs, mean):
    if not (SHARED / name).exists():
        pytest.skip(f"../shared/data/{name} is not here")
    table = pd.read_csv(SHARED / name).astype({"item": str, "label": str})
    found = labels.pairwise(table, fewest=20)
    assert len(found) == pairs
    assert found["cohen"].mean() == pytest.approx(mean, abs=1e-9)
    last = table.drop_duplicates(["item", "annotator"], keep="last")
    row = found.iloc[7]
    one, two = (
        last[last["annotator"] == row[f"annotator_{i}"]].set_index("item")["label"] for i in (1, 2)
    )
    both = one.index.intersection(two.index)
    assert row["n"] == len(both)
    assert row["percent"] == pytest.approx((one[both] == two[both]).mean(), abs=1e-12)


cells = st.sampled_from([None, "a", "b", "c"])
wides = st.lists(st.lists(cells, min_size=7, max_size=7), min_size=3, max_size=3)


@settings(deadline=None, max_examples=40)
@given(wides)
def test_pairs_one_by_one(wide):
    found = labels.pairwise(long(wide), fewest=0).set_index(["annotator_1", "annotator_2"])
    with_labels = [i for i, given in enumerate(wide) if any(given)]
    assert len(found) == len(with_labels) * (len(with_labels) - 1) // 2
    for i, j in combinations(with_labels, 2):
        row = found.loc[(f"annotator {i}", f"annotator {j}")]
        both = [(a, b) for a, b in zip(wide[i], wide[j], strict=True) if a and b]
        assert row["n"] == len(both)
        if not both:
            assert (row["why"], np.isnan(row["cohen"])) == (_pairwise.NONE_SHARED, True)
        elif len({label for pair in both for label in pair}) == 1:
            assert (row["why"], np.isnan(row["cohen"])) == (_pairwise.ONE_CLASS, True)
            assert row["percent"] == 1
        else:
            expected = cohen_kappa_score(*zip(*both, strict=True))
            assert row["cohen"] == pytest.approx(expected, abs=1e-9)
            assert row["why"] == ""


def test_pairs_of_many_classes_go_another_way(monkeypatch):
    table = long(people(60, [0.5, 0.6, 0.7, 0.8], classes=6).tolist())
    one = labels.pairwise(table)
    monkeypatch.setattr(_pairwise, "_MOST_DENSE", 1)
    pd.testing.assert_frame_equal(one, labels.pairwise(table))
    names = [f"{i:06}" for i in range(50_000)]
    many = labels.pairwise(long([names, [*names[:25_000], *names[:25_000]]]))
    assert many.loc[0, "percent"] == 0.5
    assert many.loc[0, "cohen"] == pytest.approx(0.5, abs=1e-4)


def test_pairs_with_few_items_in_common_are_counted():
    table = long([["a", "b", "a"], ["a", "b", "b"], ["a", None, None]])
    found = labels.pairwise(table, fewest=2)
    assert found["n"].tolist() == [3]
    note = "Pairs with fewer than 2 items in common, not in the table: 2."
    assert found.attrs["notes"] == [note]


@pytest.mark.parametrize(
    "table",
    [
        long([["a", "b"]]),
        long([["a", None], [None, "b"]]),
        long([["a", "b"]] * 2).assign(label=None),
        long([["a", "b"]] * 2).iloc[:0],
    ],
)
def test_nobody_beside_anybody(table):
    assert labels.pairwise(table).empty
    rows = labels.annotators(table)
    assert rows.columns.tolist() == _annotators.COLUMNS
    assert rows["agreement"].isna().all()
    assert rows["lean"].isna().all()
    assert rows["remark"].str.startswith("too few to tell: 0 items").all()


# Profiles.


@settings(deadline=None, max_examples=20)
@given(wides)
def test_agreement_with_the_others_by_hand(wide):
    rows = labels.annotators(long(wide)).set_index("annotator")
    for who, given_labels in enumerate(wide):
        shares, more = [], []
        for item, label in enumerate(given_labels):
            others = [w[item] for i, w in enumerate(wide) if i != who and w[item]]
            if label and others:
                shares.append(np.mean([label == other for other in others]))
                more.append([(label == c) - np.mean([o == c for o in others]) for c in "abc"])
        if not any(given_labels):
            assert f"annotator {who}" not in rows.index
            continue
        row = rows.loc[f"annotator {who}"]
        assert row["n"] == sum(label is not None for label in given_labels)
        if not shares:
            assert np.isnan(row["agreement"])
            continue
        assert row["agreement"] == pytest.approx(np.mean(shares), abs=1e-9)
        assert row["agreement_low"] <= row["agreement"] <= row["agreement_high"]
        assert row["lean"] == pytest.approx(np.mean(more, axis=0).max(), abs=1e-9)
        if row["lean"] > 1e-9:
            most = np.mean(more, axis=0)["abc".index(row["leans_to"])]
            assert most == pytest.approx(row["lean"], abs=1e-9)
        else:
            assert row["leans_to"] is None


def test_agreement_holds_what_its_interval_promises():
    """Each of three agrees with the others in 0.7 of items (two thirds of them are right)."""
    truth = labels.annotators(long(people(20_000, [0.8, 0.7, 0.6]).tolist()))["agreement"]
    held = 0
    for seed in range(100):
        rows = labels.annotators(long(people(60, [0.8, 0.7, 0.6], seed=seed).tolist()))
        held += ((rows["agreement_low"] <= truth) & (truth <= rows["agreement_high"])).sum()
    assert held / 300 >= 0.94  # on the wide side, as is said


def test_repeats_are_compared_with_the_first_answer():
    table = pd.concat(
        [
            long([["a", "b", "a"], ["a", "b", "b"]], repeat=0),
            long([["a", "a", None]], repeat=1),
            long([["b", None, None]], repeat=2),
        ]
    )
    rows = labels.annotators(table).set_index("annotator")
    assert rows["repeats"].to_dict() == {"annotator 0": 3, "annotator 1": 0}
    assert rows.loc["annotator 0", "self_agreement"] == pytest.approx(1 / 3)
    assert np.isnan(rows.loc["annotator 1", "self_agreement"])
    assert rows["n"].tolist() == [3, 3]


def test_a_clinician_who_answered_three_times():
    if not (SHARED / "dawid_skene_1979.csv").exists():
        pytest.skip("../shared/data/dawid_skene_1979.csv is not here")
    table = pd.read_csv(SHARED / "dawid_skene_1979.csv")
    assert {"item", "annotator", "label"} <= set(table.columns)
    table = table.astype({"item": str, "label": str})
    if "repeat" not in table.columns:
        table["repeat"] = table.groupby(["item", "annotator"]).cumcount()
    rows = labels.annotators(table)
    assert rows["repeats"].tolist() == [90, 0, 0, 0, 0]
    assert 0.7 < rows.loc[0, "self_agreement"] < 1


def test_remarks_constant_leaning_fast_and_copied():
    wide = people(80, [0.85, 0.8, 0.8, 0.75, 0.8, 0.7], seed=3).astype(object)
    wide[1] = 2  # always the same
    wide[2] = np.where(wide[2] == 0, 1, wide[2])  # never says 0
    wide[5] = wide[4]  # a copy
    wide[3, 3:] = None  # three labels
    table = long(wide.tolist())
    table["duration_s"] = np.where(table["annotator"] == "annotator 0", 1.2, 6.0)
    rows = labels.annotators(table).set_index("annotator")
    remark = rows["remark"]
    assert remark["annotator 0"] == "fast: 1.2 s an item, where 6.0 s are usual"
    assert remark["annotator 1"].startswith("constant: always 2, where the others say so in ")
    assert remark["annotator 2"].startswith("leans to 1: ")
    assert remark["annotator 2"].endswith("points more than the others on the same items")
    assert remark["annotator 3"] == "too few to tell: 3 items with labels of others"
    for one, other in ((4, 5), (5, 4)):
        assert (
            f"suspiciously perfect: as annotator {other} on all 80 items in common"
            in (remark[f"annotator {one}"])
        )
    assert rows.loc["annotator 2", "leans_to"] == 1
    assert rows.loc["annotator 0", "duration_s"] == pytest.approx(1.2)


def test_one_class_and_full_agreement_are_no_reason_for_a_remark():
    for wide in ([["a"] * 30] * 3, [["a", "b"] * 15] * 3):
        rows = labels.annotators(long(wide))
        assert rows["agreement"].tolist() == [1, 1, 1]
        assert rows["remark"].tolist() == ["", "", ""]
        assert rows["leans_to"].tolist() == [None] * 3
        assert rows["lean"].tolist() == [0, 0, 0]


def test_honest_annotators_get_no_remark():
    """One false remark in a hundred tables of five people at most."""
    remarks = [
        labels.annotators(long(people(60, [0.8] * 5, seed=seed).tolist()))["remark"].ne("").sum()
        for seed in range(60)
    ]
    assert sum(remarks) <= 2


def test_order_and_names_change_nothing():
    table = long(people(40, [0.6, 0.7, 0.8]).tolist())
    shuffled = table.sample(frac=1, random_state=1)
    for measure in (labels.annotators, labels.pairwise):
        pd.testing.assert_frame_equal(measure(table), measure(shuffled))
    renamed = table.assign(item="x" + table["item"], annotator="x" + table["annotator"])
    one, two = labels.annotators(table), labels.annotators(renamed)
    pd.testing.assert_frame_equal(one.drop(columns="annotator"), two.drop(columns="annotator"))


def test_names_of_any_type_and_categories():
    table = long([["a", "b", "a"], ["a", "b", "b"]])
    numbers = table.assign(annotator=[1, 1, 1, "z", "z", "z"])
    assert labels.annotators(numbers)["annotator"].tolist() == [1, "z"]
    kinds = table.astype({"annotator": "category", "label": "category", "item": "category"})
    assert labels.pairwise(kinds)["percent"].tolist() == [pytest.approx(2 / 3)]


@pytest.mark.parametrize("measure", [labels.annotators, labels.pairwise])
def test_labels_of_several_types_are_told(measure):
    table = long([["a", "b"], ["a", "a"]]).assign(label=["a", 1, "b", 2])
    with pytest.raises(TableError, match=f"labels.{measure.__name__}.* labels of several types"):
        measure(table)
    with pytest.raises(TableError, match="needs the columns item, annotator, label"):
        measure(table[["item", "label"]])
