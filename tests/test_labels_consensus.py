import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from mlkit import labels
from mlkit._tables import TableError
from mlkit.labels import _dawid_skene

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"../shared/data has no {name}")
    return path


def reference():
    return json.loads(shared("reference.json").read_text(encoding="utf-8"))


def annotations(rows):
    return pd.DataFrame(rows, columns=["item", "annotator", "label"])


def em(table, *, smoothing, steps):
    """Dawid and Skene (1979) as they write it: dense counts, one probability an item and class.

    Written for the tests alone; gives probabilities, shares of the classes, matrices, and what
    is climbed at each step.
    """
    codes = [pd.factorize(table[name], sort=True) for name in ("item", "annotator", "label")]
    (item, items), (annotator, people), (label, classes) = codes
    counts = np.zeros((len(items), len(people), len(classes)))
    np.add.at(counts, (item, annotator, label), 1)
    chance = counts.sum(axis=1) / counts.sum(axis=(1, 2))[:, None]
    climbed = []
    for _ in range(steps):
        prior = chance.mean(axis=0)
        matrix = np.einsum("ial,ic->acl", counts, chance) + smoothing
        matrix /= matrix.sum(axis=2, keepdims=True)
        joint = np.log(prior) + np.einsum("ial,acl->ic", counts, np.log(matrix))
        likelihood = np.logaddexp.reduce(joint, axis=1)
        climbed.append((likelihood.sum() + smoothing * np.log(matrix).sum()) / len(items))
        chance = np.exp(joint - likelihood[:, None])
    return pd.DataFrame(chance, index=items, columns=classes), matrix, climbed


def drawn(rng, *, items=60, people=6, classes=3, each=4):
    """Labels of people who err in their own ways; not all of them see each item."""
    truth = rng.integers(0, classes, items)
    errors = rng.dirichlet(np.ones(classes), (people, classes)) + 1.5 * np.eye(classes)
    errors /= errors.sum(axis=2, keepdims=True)
    rows = [
        (f"i{i:03d}", f"a{a}", f"c{rng.choice(classes, p=errors[a, truth[i]])}")
        for i in range(items)
        for a in rng.choice(people, min(each, people), replace=False)
    ]
    return annotations(rows)


tables = st.builds(
    lambda seed, items, people, classes, each: drawn(
        np.random.default_rng(seed), items=items, people=people, classes=classes, each=each
    ),
    st.integers(0, 10_000),
    st.integers(1, 30),
    st.integers(2, 6),
    st.integers(1, 4),
    st.integers(2, 6),
)


# Against other implementations and published figures.


@pytest.mark.parametrize("seed", range(5))
def test_dawid_skene_is_the_dense_textbook_form_step_by_step(seed):
    table = drawn(np.random.default_rng(seed))
    result = labels.consensus(table, smoothing=0.05, tolerance=0, max_iterations=7)
    chance, _, climbed = em(table, smoothing=0.05, steps=8)
    found = result.table.set_index("item").loc[chance.index]
    np.testing.assert_allclose(result.path, climbed[:7], rtol=1e-10)
    np.testing.assert_allclose(found["confidence"], chance.max(axis=1), atol=1e-9)
    assert found["dawid_skene"].tolist() == chance.idxmax(axis=1).tolist()
    _, matrix, _ = em(table, smoothing=0.05, steps=8)
    shares = result.annotators.set_index(["annotator", "label", "answer"])["share"]
    np.testing.assert_allclose(shares, matrix.ravel(), atol=1e-9)


def test_the_published_example_of_1979():
    """45 patients, 5 clinicians, the first of whom answered three times: all answers counted."""
    table = pd.read_csv(shared("dawid_skene_1979.csv"), dtype={"item": str, "annotator": str})
    theirs = reference()["published"]["dawid_skene_1979"]
    result = labels.consensus(
        table, smoothing=1e-9, tolerance=1e-9, max_iterations=1000, repeats=True
    )
    assert result.converged
    assert result.prior["share"].round(2).tolist() == [0.40, 0.42, 0.11, 0.07]  # published
    np.testing.assert_allclose(result.prior["share"], theirs["crowdkit_priors"], atol=1e-3)
    assert result.table["dawid_skene"].tolist() == theirs["crowdkit_labels"]
    differ = result.table["item"][result.table["differ"]].astype(int).tolist()
    # The other tool's majority breaks the tie of patient 12 by the lowest class.
    assert differ == [2, 36]
    assert result.table["item"][result.table["tie"]].tolist() == ["12"]
    assert set(result.table["tied"][11]) == {2, 3}
    assert theirs["disagree_ds_vs_majority"] == [2, 12, 36]
    told = result.table["majority"].fillna(2).astype(int).tolist()
    assert told == theirs["majority"]


def test_the_first_clinicians_errors_of_1979():
    table = pd.read_csv(shared("dawid_skene_1979.csv"), dtype={"item": str, "annotator": str})
    result = labels.consensus(table, smoothing=1e-9, tolerance=1e-9, repeats=True)
    first = result.annotators[result.annotators["annotator"] == "1"]
    theirs = np.array(reference()["published"]["dawid_skene_1979"]["crowdkit_error_annotator1"])
    # Theirs lists the answers as they first occur: 1, 3, 2, 4.
    ours = first["share"].to_numpy().reshape(4, 4).T[[0, 2, 1, 3]]
    np.testing.assert_allclose(ours, theirs, atol=0.01)


def test_without_repeats_one_person_has_one_vote():
    table = pd.read_csv(shared("dawid_skene_1979.csv"), dtype={"item": str, "annotator": str})
    result = labels.consensus(table)
    assert (result.table["n"] == 5).all()
    assert "90 repeated labels left out" in result.notes[0]
    assert (labels.consensus(table, repeats=True).table["n"] == 7).all()


def test_textual_entailment_as_the_other_tool():
    table = pd.read_csv(shared("textual-entailment-ratings.csv"), dtype=str)
    theirs = reference()["textual-entailment-ratings"]
    result = labels.consensus(table)
    gold = result.against_gold.set_index("method")
    assert gold.loc["majority", "accuracy"] == pytest.approx(theirs["majority_acc_ties_shared"])
    assert gold.loc["Dawid-Skene", "accuracy"] == pytest.approx(theirs["crowdkit_DawidSkene_acc"])
    assert result.ties == theirs["tied_items"] == 65
    expected = proportion_confint(742, 800, method="wilson")
    assert tuple(gold.loc["Dawid-Skene", ["low", "high"]]) == pytest.approx(expected)


def test_adult_content_where_dawid_skene_loses_to_the_majority():
    """crowd-kit's figure, 0.766, is that of two steps: it stops there, its loss having fallen.

    The likelihood goes on rising, and at its top Dawid-Skene is worse than the majority.
    """
    table = pd.read_csv(shared("adult-content-ratings.csv.gz"), dtype=str)
    theirs = reference()["adult-content-ratings"]
    early = labels.consensus(table, smoothing=1e-10, max_iterations=1)
    gold = early.against_gold.set_index("method")["accuracy"]
    assert gold["Dawid-Skene"] == pytest.approx(theirs["crowdkit_DawidSkene_acc"])
    assert gold["majority"] == pytest.approx(theirs["majority_acc_ties_shared"])
    result = labels.consensus(table)
    gold = result.against_gold.set_index("method")["accuracy"]
    assert result.converged
    assert gold["Dawid-Skene"] < gold["majority"]
    assert (result.n, result.ties) == (theirs["items"], theirs["tied_items"])
    notes = " ".join(result.notes)
    assert "2,922 earlier labels of the same person" in notes
    assert "Dawid-Skene can do worse than the majority" in notes
    assert (
        "Right on 333 gold items: majority 75.8 % (70.9 % to 80.1 %), Dawid-Skene 73.9 %" in notes
    )


# Laws.


@given(tables, st.floats(1e-9, 1))
@settings(deadline=None)
def test_what_is_climbed_never_falls(table, smoothing):
    result = labels.consensus(table, smoothing=smoothing, tolerance=0, max_iterations=50)
    assert (np.diff(result.path) > -1e-9).all()


@given(tables, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_rows_does_not_matter(table, random):
    order = random.sample(range(len(table)), len(table))
    one = labels.consensus(table, max_iterations=20).table
    two = labels.consensus(table.iloc[order], max_iterations=20).table
    two = two.set_index("item").loc[one["item"]].reset_index()
    exact = ["item", "n", "majority", "tie", "tied"]
    pd.testing.assert_frame_equal(one[exact], two[exact])
    np.testing.assert_allclose(one["confidence"], two["confidence"], atol=1e-6)


@given(tables)
@settings(deadline=None)
def test_names_do_not_matter(table):
    turned = table.assign(
        item="x" + table["item"],
        annotator=table["annotator"].map({f"a{k}": f"p{9 - k}" for k in range(7)}),
        label=table["label"].map({f"c{k}": 9 - k for k in range(5)}),
    )
    one, two = (labels.consensus(each, max_iterations=20) for each in (table, turned))
    assert one.path == pytest.approx(two.path)
    assert one.ties == two.ties
    back = {9 - k: f"c{k}" for k in range(5)}
    told = [back.get(value) for value in two.table["majority"].astype(object)]
    expected = [None if pd.isna(value) else value for value in one.table["majority"]]
    assert told == expected
    np.testing.assert_allclose(one.table["confidence"], two.table["confidence"], atol=1e-6)


@given(tables)
@settings(deadline=None)
def test_shares_and_counts_add_up(table):
    result = labels.consensus(table)
    assert result.table["n"].sum() == len(table)
    assert result.prior["share"].sum() == pytest.approx(1)
    per_answer = result.annotators.groupby(["annotator", "label"])
    np.testing.assert_allclose(per_answer["share"].sum(), 1)
    seen = per_answer["n"].first().groupby("annotator").sum()
    np.testing.assert_allclose(seen, table.groupby("annotator").size().loc[seen.index])
    assert result.table["confidence"].between(1 / 4 - 1e-9, 1 + 1e-9).all()
    assert 0 <= result.low <= result.share <= result.high <= 1
    assert (result.table["tie"] == (result.table["tied"].str.len() > 1)).all()
    assert result.table["majority"].isna().equals(result.table["tie"])


@given(tables)
@settings(deadline=None)
def test_the_majority_is_a_plain_count(table):
    result = labels.consensus(table, max_iterations=1).table.set_index("item")
    for item, votes in table.groupby("item")["label"]:
        count = votes.value_counts()
        first = sorted(count.index[count == count.max()])
        assert result.loc[item, "majority_share"] == pytest.approx(count.max() / len(votes))
        if len(first) == 1:
            assert result.loc[item, "majority"] == first[0]
        else:
            assert result.loc[item, "tied"] == tuple(first)


def test_the_caller_keeps_the_table_as_it_was():
    table = drawn(np.random.default_rng(0)).set_axis(range(5, 245))
    before = table.copy()
    labels.consensus(table, repeats=True)
    pd.testing.assert_frame_equal(table, before)


def test_it_finds_the_truth_where_one_person_is_contrary():
    """Three good people and two who mostly say the opposite: the majority cannot know."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    rows = []
    for a, right in enumerate([0.95, 0.95, 0.9, 0.2, 0.2]):
        said = np.where(rng.random(400) < right, truth, 1 - truth)
        rows += [(f"{i}", f"a{a}", int(x)) for i, x in enumerate(said)]
    result = labels.consensus(annotations(rows))
    found = result.table.set_index("item").loc[[f"{i}" for i in range(400)]]
    right = (found["dawid_skene"].to_numpy(int) == truth).mean()
    assert right > (found["majority"].to_numpy(int) == truth).mean() + 0.05
    matrix = result.annotators.set_index(["annotator", "label", "answer"])["share"]
    assert matrix["a3", 0, 0] == pytest.approx(0.2, abs=0.06)


# Degenerate tables, each with its documented answer.


def test_one_class():
    result = labels.consensus(annotations([("x", "a", "c"), ("x", "b", "c"), ("y", "a", "c")]))
    assert result.table["majority"].tolist() == result.table["dawid_skene"].tolist() == ["c", "c"]
    assert (result.share, result.ties) == (1, 0)
    np.testing.assert_allclose(result.table["confidence"], 1)


@pytest.mark.parametrize(
    "rows",
    [
        [("x", "a", 1)],
        [("x", "a", 1), ("y", "a", 2), ("z", "a", 1)],
        [("x", "a", 1), ("y", "b", 2), ("z", "c", 1)],
    ],
    ids=["one item", "one annotator", "no overlap"],
)
def test_where_no_item_has_two_people_nothing_tells_who_errs(rows):
    result = labels.consensus(annotations(rows))
    assert result.table["majority"].tolist() == [label for _, _, label in rows]
    assert result.table["dawid_skene"].isna().all()
    assert np.isnan([result.share, result.low, result.high]).all()
    assert "no item has labels of two people" in result.notes[-1]
    assert result.annotators.empty
    assert repr(result) in result._repr_html_()
    result.plot()


def test_a_persons_own_repeats_are_no_second_person():
    table = annotations([("x", "a", 1), ("x", "a", 2)]).assign(repeat=[0, 1])
    result = labels.consensus(table, repeats=True)
    assert result.table["tied"].tolist() == [(1, 2)]
    assert "no item has labels of two people" in result.notes[-1]


def test_all_ties():
    """Two people who never agree: the labels cannot tell who is right, and it is said."""
    rows = [(f"i{k}", a, label) for k in range(4) for a, label in (("a", "x"), ("b", "y"))]
    result = labels.consensus(annotations(rows))
    assert result.ties == 4
    assert result.table["majority"].isna().all()
    assert result.table["tied"].tolist() == [("x", "y")] * 4
    assert not result.table["differ"].any()
    np.testing.assert_allclose(result.table["confidence"], 0.5, atol=1e-6)
    assert any("4 items where Dawid-Skene finds two or more classes" in n for n in result.notes)


@pytest.mark.parametrize("rows", [[], [("x", "a", None), ("y", "b", np.nan)]])
def test_no_label_at_all(rows):
    result = labels.consensus(annotations(rows))
    assert result.table.empty
    assert (result.n, result.ties, result.iterations, result.converged) == (0, 0, 0, False)
    assert np.isnan([result.share, result.low, result.high]).all()
    assert repr(result) == "No item has a label: there is nothing to agree on."
    assert result.annotators.empty
    assert repr(result) in result._repr_html_()
    result.plot()


def test_items_without_a_label_are_counted():
    rows = [("x", "a", 1), ("x", "b", 1), ("y", "a", None), ("z", "b", None)]
    result = labels.consensus(annotations(rows))
    assert result.notes[:2] == (
        "2 rows without a label left out.",
        "2 items without any label that counts left out.",
    )


def test_a_hundred_thousand_classes():
    n = 100_000
    rows = {"item": [f"i{k // 2}" for k in range(n)], "annotator": ["a", "b"] * (n // 2)}
    result = labels.consensus(pd.DataFrame(rows | {"label": np.arange(n)}))
    assert result.ties == n // 2
    assert result.table["dawid_skene"].isna().all()
    assert np.isnan(result.share)
    assert "Dawid-Skene is left empty: 2 annotators x 100,000 x 100,000 classes" in result.notes[-1]
    assert repr(result) == "Majority: 50,000 ties among 50,000 items. Dawid-Skene is left empty."


def test_labels_of_mixed_types_are_refused():
    with pytest.raises(TableError, match=r"consensus\(\) found labels of several types.*astype"):
        labels.consensus(annotations([("x", "a", 1), ("x", "b", "1")]))


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pd.Categorical(["b", "a", "b"], categories=["b", "a"], ordered=True), "category"),
        (pd.array([1, 2, 1]), "Int64"),
        ([True, False, True], "boolean"),
        ([0.5, 1.5, 0.5], "Float64"),
    ],
)
def test_classes_keep_their_kind(column, kind):
    table = annotations([("x", "a", 0), ("x", "b", 0), ("y", "a", 0)]).assign(label=column)
    result = labels.consensus(table)
    assert result.table["majority"].dtype == result.table["dawid_skene"].dtype == kind
    assert result.table["tie"].tolist() == [True, False]
    if kind == "category":
        assert result.prior["label"].tolist() == ["b", "a"]


def test_gold_of_two_kinds_is_left_out_and_told():
    table = annotations([("x", "a", 1), ("x", "b", 1), ("y", "a", 2), ("z", "a", 1)])
    result = labels.consensus(table.assign(gold=[1, 2, 2, None]))
    assert result.against_gold["n"].tolist() == [1, 1]
    assert "1 item with more than one gold label: not compared." in result.notes
    other = labels.consensus(table.assign(gold=["1", "1", "2", "1"]))
    assert other.against_gold.empty
    assert other.notes[-1] == "No gold label is one of the classes: nothing is compared."


def test_too_few_iterations_are_told():
    result = labels.consensus(drawn(np.random.default_rng(1)), max_iterations=2)
    assert (result.iterations, result.converged) == (2, False)
    assert any("not converged after 2 iterations" in note for note in result.notes)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"smoothing": 0}, "smoothing is above 0"),
        ({"smoothing": np.nan}, "smoothing is above 0"),
        ({"tolerance": -1}, "tolerance is 0 or more"),
        ({"max_iterations": 0}, "max_iterations is 1 or more"),
    ],
)
def test_settings_that_make_no_sense(wrong, words):
    with pytest.raises(ValueError, match=words):
        labels.consensus(annotations([("x", "a", 1)]), **wrong)


def test_blocks_of_items_change_nothing(monkeypatch):
    table = drawn(np.random.default_rng(3), items=101)
    whole = labels.consensus(table)
    monkeypatch.setattr(_dawid_skene, "_BLOCK", 21)
    parts = labels.consensus(table)
    assert parts.path == pytest.approx(whole.path)
    np.testing.assert_allclose(parts.table["confidence"], whole.table["confidence"], atol=1e-9)


def test_many_classes_take_the_other_way_to_the_largest():
    table = drawn(np.random.default_rng(4), items=80, classes=40, people=3, each=3)
    result = labels.consensus(table, smoothing=0.05, tolerance=0, max_iterations=4)
    chance, _, climbed = em(table, smoothing=0.05, steps=5)
    np.testing.assert_allclose(result.path, climbed[:4], rtol=1e-10)
    found = result.table.set_index("item").loc[chance.index]
    np.testing.assert_allclose(found["confidence"], chance.max(axis=1), atol=1e-9)


# How it looks.


def test_the_sentence_the_table_and_the_picture():
    table = drawn(np.random.default_rng(0)).replace({"label": {"c0": "<b>"}})
    result = labels.consensus(table)
    sentence = repr(result)
    assert sentence.startswith("Dawid-Skene gives a class with most votes for ")
    assert f"another for {int(result.table['differ'].sum())}. {result.ties} ties" in sentence
    html = result._repr_html_()
    assert sentence in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    ax = result.plot()
    assert sentence in ax.figure.get_label()
    heights = sum(patch.get_height() for patch in ax.patches)
    assert heights == result.n


def test_the_picture_sorts_items_by_the_share_of_their_first_class():
    votes = ["ab", "aab", "aaabb", "aaaab", "aabcd", "aaa", "bbb", "aaaaaaaaab"]
    rows = [(f"i{k}", f"p{who}", one) for k, all_of in enumerate(votes) for who, one in
            enumerate(all_of)]  # fmt: skip
    result = labels.consensus(pd.DataFrame(rows, columns=["item", "annotator", "label"]))
    ax = result.plot()
    names = [text.get_text() for text in ax.get_xticklabels()]
    assert names == ["tie", "to 50 %", "to 60 %", "to 70 %", "to 80 %", "to 90 %", "all"]
    bars = [[bar.get_height() for bar in bars] for bars in ax.containers]
    assert np.sum(bars, axis=0).tolist() == [1, 1, 1, 1, 1, 1, 2]
    assert sum(bars[1]) == result.table["differ"].sum()


def test_the_share_of_items_alike_has_wilsons_interval():
    result = labels.consensus(drawn(np.random.default_rng(0)))
    other = int(result.table["differ"].sum())
    assert other > 0
    assert result.share == (result.n - other) / result.n
    expected = proportion_confint(result.n - other, result.n, method="wilson")
    assert (result.low, result.high) == pytest.approx(expected)


def test_a_class_that_nobody_gave_is_told():
    """Few labels and no smoothing of note: the model takes two people for habitual mistakers."""
    for seed in range(400):
        rng = np.random.default_rng(seed)
        df = pd.DataFrame({"item": np.repeat(list("abcdef"), 3), "annotator": list("xyz") * 6})
        df["label"] = rng.choice(["cat", "dog", "bird"], len(df))
        df = df[rng.random(len(df)) < 0.8]
        found = labels.consensus(df)
        given = df.groupby("item")["label"].agg(set)
        alone = sum(
            best not in given[item]
            for item, best in zip(found.table["item"], found.table["dawid_skene"], strict=True)
            if isinstance(best, str)
        )
        told = [note for note in found.notes if "a class that nobody gave" in note]
        assert len(told) == (alone > 0)
        if alone:
            assert told[0].startswith(f"{alone} item")
            return
    pytest.fail("no such table among 400: this test shows nothing")
