import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import pdist, squareform

from mlkit import labels
from mlkit._tables import TableError

COLUMNS = ["item_1", "item_2", "distance", "label_1", "label_2", "differ"]


def items(classes):
    return pd.DataFrame({"item": [f"i{k}" for k in range(len(classes))], "label": classes})


def pairs_of(found):
    return {frozenset(pair) for pair in zip(found["item_1"], found["item_2"], strict=True)}


def scattered(seed, n=200, columns=8):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, columns)), rng.integers(0, 3, n)


def test_planted_twins_come_first_those_with_different_labels_before_the_others():
    x, y = scattered(0)
    x[100:110] = x[:10] + 1e-3
    y[100:105], y[105:110] = y[:5] + 1, y[5:10]
    found = labels.near_duplicates(items(y), x, closest=0.1)
    twins = {frozenset((f"i{k}", f"i{k + 100}")) for k in range(10)}
    assert pairs_of(found[found["distance"] < 0.01]) == twins
    head = found[found["differ"]].head(5)
    assert pairs_of(head) == {frozenset((f"i{k}", f"i{k + 100}")) for k in range(5)}
    assert found["differ"].is_monotonic_decreasing
    for _, part in found.groupby("differ"):
        assert part["distance"].is_monotonic_increasing


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "cosine"])
def test_distances_are_those_of_scipy(metric):
    x, y = scattered(1)
    found = labels.near_duplicates(items(y), x, closest=0.2, metric=metric)
    every = squareform(pdist(x, metric))
    rows = found[["item_1", "item_2"]].apply(lambda column: column.str[1:].astype(int)).to_numpy()
    np.testing.assert_allclose(found["distance"], every[rows[:, 0], rows[:, 1]], atol=1e-7)
    nearest = np.sort(every + np.diag([np.inf] * len(every)), axis=1)[:, 0]
    most = np.quantile(nearest, 0.2)
    assert pairs_of(found) == {
        frozenset((f"i{a}", f"i{b}")) for a, b in np.argwhere(np.triu(every <= most, 1))
    }


def test_the_very_same_features_are_pairs_whatever_the_share():
    x, y = scattered(2)
    x[150:190] = x[0]
    x[0] = x[0] * 1.0
    found = labels.near_duplicates(items(y), x, closest=1e-6)
    same = found[found["distance"] == 0]
    assert pairs_of(same) == {frozenset(("i0", f"i{k}")) for k in range(150, 190)}
    assert len(found) == 41, "and the one nearest pair of the rest"


def test_minus_zero_is_zero():
    found = labels.near_duplicates(items([1, 2]), [[0.0, 1.0], [-0.0, 1.0]])
    assert found["distance"].tolist() == [0]


def test_sparse_features_give_the_same():
    x = sparse.random(80, 30, 0.2, random_state=0, format="csr")
    x = sparse.vstack([x, x[:3]]).tocoo()
    y = np.arange(83) % 2
    dense = labels.near_duplicates(items(y), x.toarray(), closest=0.1)
    found = labels.near_duplicates(items(y), x, closest=0.1)
    assert pairs_of(found) == pairs_of(dense)
    np.testing.assert_allclose(np.sort(found["distance"]), np.sort(dense["distance"]), atol=1e-7)


@given(st.integers(0, 10_000), st.integers(1, 40), st.floats(0.001, 1))
@settings(deadline=None, max_examples=40)
def test_each_pair_stands_once_and_says_whether_labels_differ(seed, n, closest):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 3, (n, 2)), rng.integers(0, 3, n)
    found = labels.near_duplicates(items(y), x, closest=closest)
    assert list(found.columns) == COLUMNS
    assert len(pairs_of(found)) == len(found)
    assert all(len(pair) == 2 for pair in pairs_of(found))
    assert (found["differ"] == (found["label_1"] != found["label_2"])).all()
    names = dict(zip([f"i{k}" for k in range(n)], y, strict=True))
    assert found["item_1"].map(names).tolist() == found["label_1"].tolist()
    assert found["item_2"].map(names).tolist() == found["label_2"].tolist()
    assert (found["distance"] == 0).sum() == n - len(np.unique(x, axis=0))


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=20)
def test_the_order_of_items_does_not_matter(seed, random):
    x, y = scattered(seed, n=50)
    order = random.sample(range(50), 50)
    one = labels.near_duplicates(items(y), x, closest=0.2)
    two = labels.near_duplicates(items(y).iloc[order], x[order], closest=0.2)
    assert pairs_of(one) == pairs_of(two)


def test_a_missing_label_neither_agrees_nor_differs():
    table = items(["shirt", None, "hat"])
    found = labels.near_duplicates(table, np.ones((3, 2)))
    assert found["differ"].tolist() == [True, pd.NA]
    assert found["label_2"].tolist()[0] == "hat"


@pytest.mark.parametrize("classes", [["a"] * 4, [1, "1", 2.5, None], [None] * 4])
def test_one_class_mixed_types_and_no_label(classes):
    found = labels.near_duplicates(items(classes), np.ones((4, 2)))
    expected = [False] * 3 if classes[0] == "a" else [True, True, pd.NA]
    expected = [pd.NA] * 3 if classes[0] is None else expected
    assert found["differ"].tolist() == expected


def test_one_item_has_no_pair():
    found = labels.near_duplicates(items(["a"]), [[1.0, 2.0]])
    assert found.empty
    assert list(found.columns) == COLUMNS


def test_many_classes():
    x = np.repeat(np.arange(1000.0), 2)[:, None] ** 2
    found = labels.near_duplicates(items(np.arange(2000)), x)
    assert found["differ"].all()
    assert (found["distance"] == 0).sum() == 1000


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ([[1.0], [np.nan]], "finite number.*SimpleImputer"),
        ([[1.0], [np.inf]], "finite number"),
        ([[1.0]], r"each of the 2 items.*shape \(1, 1\)"),
        (np.zeros((2, 4, 4)), r"shape \(2, 4, 4\).*reshape"),
        ([["a"], ["b"]], "features as numbers"),
    ],
)
def test_bad_features_are_refused(features, words):
    with pytest.raises(TableError, match=words):
        labels.near_duplicates(items(["a", "b"]), features)


@pytest.mark.parametrize("closest", [0, -0.1, 1.5, np.nan])
def test_a_share_is_a_share(closest):
    with pytest.raises(ValueError, match="closest is a share above 0 and at most 1"):
        labels.near_duplicates(items(["a", "b"]), [[1.0], [2.0]], closest=closest)


def test_the_caller_keeps_table_and_features():
    x, y = scattered(3, n=20)
    table, before = items(y), x.copy()
    labels.near_duplicates(table, x)
    pd.testing.assert_frame_equal(table, items(y))
    np.testing.assert_array_equal(x, before)
