"""Likely label errors.

Equal to cleanlab 2.9.0 (`filter_by="prune_by_noise_rate"`, ranked by self-confidence) on the
reference sets. Elsewhere the two can differ, on purpose:

| where | here | cleanlab |
|---|---|---|
| two classes are reached, neither the likeliest | the likelier of them (eq. 1) | the likeliest |
| equal remainders when counts are rounded | the later class | by an unstable sort |
| equal self-confidence | by the suggestion's, then the order | by an unstable sort |
| a class nobody gave | never counted, can be suggested | the same |
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkit import labels
from mlkit._tables import TableError
from mlkit.labels import _issues

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"../shared/data has no {name}")
    return path


def reference(name):
    given = np.load(shared(f"{name}-labels.npy"))
    chances = np.load(shared(f"{name}-probabilities.npy"))
    known = json.loads(shared("reference.json").read_text(encoding="utf-8"))["label_errors"]
    return numbered(given), chances, known[{"newsgroups": "20news"}.get(name, name)]


def numbered(given):
    return pd.DataFrame({"item": [str(row) for row in range(len(given))], "label": given})


def rows_of(found):
    return found["item"].astype(int).tolist()


def noisy(rng, *, n=600, k=4, wrong=0.1, sure=2.0):
    """Labels, some of them wrong, and probabilities of a model that is often right."""
    truth = rng.integers(0, k, n)
    given = np.where(rng.random(n) < wrong, rng.integers(0, k, n), truth)
    given[:k] = np.arange(k)
    chances = rng.random((n, k)) ** 3
    chances[np.arange(n), truth] += sure * rng.random(n)
    return given, chances / chances.sum(axis=1, keepdims=True), truth


def by_hand(given, chances):
    """Confident learning written out row by row, for the tests alone."""
    n, k = chances.shape
    reach = [chances[given == j, j].mean() if (given == j).any() else 2 for j in range(k)]
    joint = np.zeros((k, k))
    for row in range(n):
        reached = [j for j in range(k) if chances[row, j] >= reach[j] - 1e-6]
        if reached:
            joint[given[row], max(reached, key=lambda j: chances[row, j])] += 1
    flagged = set()
    for label in range(k):
        size = int((given == label).sum())
        if not size:
            continue
        joint[label, label] = max(joint[label, label], 1)
        exact = joint[label] / joint[label].sum() * size
        whole = [int(value + 1e-9) for value in exact]
        by_rest = sorted(range(k), key=lambda j: (round(exact[j] - whole[j], 9), j), reverse=True)
        for j in by_rest[: size - sum(whole)]:
            whole[j] += 1
        if whole[label] == 0:
            whole[whole.index(max(whole))] -= 1
        for j in set(range(k)) - {label}:
            members = np.flatnonzero(given == label)
            order = sorted(members, key=lambda row: chances[row, label] - chances[row, j])
            flagged |= set(order[: whole[j]])
    return {int(row) for row in flagged if chances[row].max() > chances[row, given[row]] + 1e-8}


# Against the other tool and the definition.


def test_mnist_as_the_other_tool_one_by_one():
    table, chances, known = reference("mnist")
    found = labels.issues(table, chances)
    assert len(found) == known["cleanlab_prune_by_noise_rate"] == 15
    assert rows_of(found)[:10] == known["first10"]
    confirmed = set(known["confirmed_error_ids"])
    assert sum(row in confirmed for row in rows_of(found)) == known["cleanlab_flagged_confirmed"]


def test_newsgroups_as_the_other_tool():
    """The same 95; their order is not told apart where the self-confidence is exactly 0."""
    table, chances, known = reference("newsgroups")
    found = labels.issues(table, chances)
    assert len(found) == known["cleanlab_prune_by_noise_rate"] == 95
    flagged = set(rows_of(found))
    assert set(known["first10"]) <= flagged
    assert found.set_index("item").loc[[str(i) for i in known["first10"]], "score"].max() == 0
    confirmed = flagged & set(known["confirmed_error_ids"])
    assert len(confirmed) == known["cleanlab_flagged_confirmed"] == 55


@pytest.mark.parametrize("seed", range(12))
def test_it_is_confident_learning_written_out_by_hand(seed):
    rng = np.random.default_rng(seed)
    k, n = int(rng.integers(2, 7)), int(rng.integers(30, 400))
    given, chances, _ = noisy(rng, n=n, k=k, wrong=0.2, sure=rng.uniform(0.2, 2))
    found = labels.issues(numbered(given), chances)
    assert set(rows_of(found)) == by_hand(given, chances)


def test_most_of_the_planted_errors_are_found():
    given, chances, truth = noisy(np.random.default_rng(0), n=5000, sure=4)
    found = labels.issues(numbered(given), chances)
    rows = np.array(rows_of(found))
    assert (given[rows] != truth[rows]).mean() > 0.6
    assert np.isin(np.flatnonzero(given != truth), rows).mean() > 0.6
    first = rows[:50]
    assert (given[first] != truth[first]).mean() > 0.95


# Laws.

seeds = st.integers(0, 100_000)


@given(seeds, st.integers(2, 5), st.integers(5, 200))
@settings(deadline=None)
def test_what_is_listed_is_ranked_and_doubtful(seed, k, n):
    given_, chances, _ = noisy(np.random.default_rng(seed), n=max(n, k), k=k)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = labels.issues(numbered(given_), chances)
    rows = rows_of(found)
    assert len(set(rows)) == len(rows)
    assert found["rank"].tolist() == list(range(1, len(rows) + 1))
    assert found["score"].is_monotonic_increasing
    np.testing.assert_array_equal(found["score"], chances[rows, given_[rows]])
    np.testing.assert_array_equal(found["suggested"], chances[rows].argmax(axis=1))
    np.testing.assert_array_equal(found["suggested_score"], chances[rows].max(axis=1))
    assert (found["suggested_score"] > found["score"]).all()
    kept = np.delete(given_, rows)
    assert set(kept) == set(given_), "each class keeps a label"


@given(seeds, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_rows_and_the_names_of_classes_do_not_matter(seed, random):
    given_, chances, _ = noisy(np.random.default_rng(seed), n=150)
    order = random.sample(range(150), 150)
    one = labels.issues(numbered(given_), chances)
    two = labels.issues(numbered(given_).iloc[order], chances[order])
    assert one["item"].tolist() == two["item"].tolist()
    names = np.array(["pear", "plum", "quince", "sloe"])
    three = labels.issues(numbered(names[given_]), chances)
    assert one["item"].tolist() == three["item"].tolist()
    assert three["suggested"].tolist() == names[one["suggested"]].tolist()


def test_parts_of_the_table_change_nothing(monkeypatch):
    given, chances, _ = noisy(np.random.default_rng(1))
    whole = labels.issues(numbered(given), chances)
    monkeypatch.setattr(_issues, "_CHUNK", 28)
    pd.testing.assert_frame_equal(whole, labels.issues(numbered(given), chances))


def test_single_precision_finds_the_same():
    given, chances, _ = noisy(np.random.default_rng(2))
    double = labels.issues(numbered(given), chances)
    single = labels.issues(numbered(given), chances.astype(np.float32))
    assert double["item"].tolist() == single["item"].tolist()


def test_the_caller_keeps_table_and_probabilities():
    given, chances, _ = noisy(np.random.default_rng(3))
    table = numbered(given).set_axis(range(9, 609))
    before = table.copy(), chances.copy()
    labels.issues(table, chances)
    pd.testing.assert_frame_equal(table, before[0])
    np.testing.assert_array_equal(chances, before[1])


# What a table may look like.


def test_what_to_expect_is_said_plainly():
    given, chances, _ = noisy(np.random.default_rng(0))
    found = labels.issues(numbered(given), chances)
    remark = found.attrs["remark"]
    assert remark.startswith(f"{len(found)} of 600 labels may be wrong.")
    assert "7 of the 15" in remark
    assert "55 of 63" in remark
    assert "49 of 240" in remark
    assert "Review them, never delete them unseen." in remark


def test_rows_without_a_label_are_left_out_and_counted():
    given, chances, _ = noisy(np.random.default_rng(4))
    table = numbered(given).astype({"label": object})
    more = pd.concat(
        [table, pd.DataFrame({"item": ["x", "y"], "label": [None, np.nan]})], ignore_index=True
    )
    found = labels.issues(more, np.vstack([chances, [[0.25] * 4] * 2]))
    assert found["item"].tolist() == labels.issues(table, chances)["item"].tolist()
    assert found.attrs["remark"].endswith("2 rows without a label are left out.")


@pytest.mark.parametrize("n", [0, 1, 3])
def test_no_label_at_all(n):
    if n == 0:
        with pytest.raises(TableError, match="no rows"):
            labels.issues(pd.DataFrame({"item": [], "label": []}), np.empty((0, 2)))
        return
    table = pd.DataFrame({"item": [str(k) for k in range(n)], "label": [None] * n})
    found = labels.issues(table, [[0.5, 0.5]] * n, classes=["a", "b"])
    assert found.empty
    assert list(found.columns) == [
        "item", "label", "suggested", "score", "suggested_score", "rank",
    ]  # fmt: skip


def test_one_item_and_one_class_that_occurs():
    one = labels.issues(numbered([0]), [[0.1, 0.9]], classes=[0, 1])
    assert one.empty
    found = labels.issues(numbered([1, 1, 1]), [[0.9, 0.1]] * 3, classes=[0, 1])
    assert found.empty, "nothing is known of a class that nobody gave"


def test_a_hundred_thousand_classes():
    n = 40
    chances = np.zeros((n, 100_000), np.float32)
    chances[np.arange(n), np.arange(n) // 2] = 1
    given = np.arange(n) // 2
    given[5] = 7
    found = labels.issues(numbered(given), chances, classes=range(100_000))
    assert found[["item", "label", "suggested"]].to_numpy().tolist() == [["5", 7, 2]]


def test_equal_probabilities_flag_nothing():
    found = labels.issues(numbered([0, 1, 2] * 20), np.full((60, 3), 1 / 3))
    assert found.empty


def test_a_categorical_keeps_its_order_and_its_empty_classes():
    given, chances, _ = noisy(np.random.default_rng(5), k=3)
    names = pd.CategoricalDtype(["small", "large", "none"])
    table = numbered(given)
    table["label"] = pd.Categorical.from_codes(given, dtype=names)
    found = labels.issues(table, chances)
    plain = labels.issues(numbered(given), chances)
    assert found["item"].tolist() == plain["item"].tolist()
    assert found["suggested"].tolist() == [names.categories[k] for k in plain["suggested"]]
    without = table[table["label"] != "none"]
    rest = chances[(given != 2)]
    assert set(labels.issues(without, rest)["label"]) <= {"small", "large"}


def test_a_data_frame_names_the_classes_and_may_name_the_items():
    given, chances, _ = noisy(np.random.default_rng(6))
    names = ["d", "c", "b", "a"]
    table = numbered(np.array(names)[given])
    expected = labels.issues(table, chances, classes=names)
    frame = pd.DataFrame(chances, columns=names)
    pd.testing.assert_frame_equal(labels.issues(table, frame), expected)
    shuffled = frame.set_axis(table["item"]).sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(labels.issues(table, shuffled), expected)
    with pytest.raises(TableError, match="cannot tell which row"):
        labels.issues(table, frame.sample(frac=1, random_state=0))
    with pytest.raises(TypeError, match="leave out classes="):
        labels.issues(table, frame, classes=names)


# Bad input.

GOOD = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])


@pytest.mark.parametrize(
    ("probabilities", "words"),
    [
        (GOOD * [[1], [2], [1]], r"add up to 1; 1 of 3 are off, by up to 1\. .*softmax"),
        (np.where(GOOD == 0.2, np.nan, GOOD), "1 of 3 rows have missing values.*folds"),
        ([[1.2, -0.2], [0, 1], [0, 1]], r"between 0 and 1 and found -0\.2: .*softmax"),
        (GOOD[:2], r"for each of the 3 items.*shape \(2, 2\)"),
        (GOOD[:, 0], r"shape \(3,\)"),
        (GOOD[:, :1], r"two or more classes.*shape \(3, 1\)"),
        ([["a", "b"]] * 3, "probabilities as numbers"),
        (np.column_stack([GOOD / 2, GOOD / 2]), "4 columns of probabilities, and 2 classes"),
    ],
)
def test_bad_probabilities_are_refused(probabilities, words):
    with pytest.raises(TableError, match=words):
        labels.issues(numbered(["a", "b", "a"]), probabilities)


def test_wrong_classes_are_refused():
    table = numbered(["a", "b", "a"])
    with pytest.raises(TableError, match="no column of probabilities for the labels 'b'"):
        labels.issues(table, GOOD, classes=["a", "c"])
    with pytest.raises(TableError, match="no column of probabilities for the labels 1, 2"):
        labels.issues(numbered([1, 2, 1]), GOOD, classes=["1", "2"])
    with pytest.raises(TableError, match="columns of one class"):
        labels.issues(table, GOOD, classes=["a", "a"])
    with pytest.raises(TableError, match=r"labels of mixed kinds.*classes="):
        labels.issues(numbered(["a", 1, "a"]), GOOD)
    with pytest.raises(TableError, match="more than once"):
        labels.issues(table.assign(item="x"), GOOD)


def test_probabilities_of_a_model_that_saw_the_items_are_told():
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier

    x, y = load_digits(return_X_y=True)
    model = RandomForestClassifier(20, random_state=0).fit(x, y)
    with pytest.warns(UserWarning, match=r"trained on the same items.*cross_val_predict") as told:
        found = labels.issues(numbered(y), model.predict_proba(x), classes=model.classes_)
    assert len(found) <= 3
    assert told[0].filename == __file__


def test_out_of_fold_probabilities_find_labels_that_were_changed():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    x, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    changed = rng.choice(len(y), 40, replace=False)
    given = y.copy()
    given[changed] = (y[changed] + rng.integers(1, 10, 40)) % 10
    model = KNeighborsClassifier(20)
    chances = cross_val_predict(model, x, given, cv=3, method="predict_proba")
    found = labels.issues(numbered(given), chances)
    assert np.isin(changed, rows_of(found)).mean() > 0.8
    assert np.isin(rows_of(found), changed).mean() > 0.5  # by chance: 40 of 1,797
