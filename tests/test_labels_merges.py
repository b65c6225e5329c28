import json
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
from mlkit.labels import _coded, _patterns
from mlkit.labels._coincidences import Coincidences

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

# What people answer (column) where the truth is a class (row): a and b are mixed up.
ANSWERS = np.array([[0.70, 0.25, 0.05], [0.30, 0.60, 0.10], [0.10, 0.10, 0.80]])
PRIOR = np.array([0.5, 0.3, 0.2])


def crowd(n, rng, people=4, answers=ANSWERS, prior=PRIOR):
    classes = np.array([chr(ord("a") + k) for k in range(len(prior))])
    truth = rng.choice(len(prior), p=prior, size=n)
    drawn = rng.random((n, people))
    label = (drawn[:, :, None] > answers.cumsum(axis=1)[truth][:, None, :]).sum(axis=2)
    return pd.DataFrame(
        {
            "item": np.repeat([f"i{k}" for k in range(n)], people),
            "annotator": np.tile([f"p{k}" for k in range(people)], n),
            "label": classes[label.ravel()],
        }
    )


def alpha_of_all_items(answers, prior=PRIOR):
    """Closed form: items without end, people who answer independently of each other."""
    used = prior @ answers
    return 1 - (1 - prior @ (answers**2).sum(axis=1)) / (1 - (used**2).sum())


def coincidences(table):
    coded = _coded.code(table, function="test")
    p = _patterns.find(coded.item, coded.label, len(coded.items), len(coded.labels))
    return coded, p, Coincidences.of(p)


def gains_on_all_items(table):
    coded, p, found = coincidences(table)
    a, b = np.triu_indices(len(coded.labels), 1)
    gain, before = found.gains(p.times, a, b)
    names = [frozenset((coded.labels[i], coded.labels[j])) for i, j in zip(a, b, strict=True)]
    return dict(zip(names, gain, strict=True)), before


@pytest.fixture(scope="module")
def ratings():
    if not (SHARED / "adult-content-ratings.csv.gz").exists():
        pytest.skip("../shared/data has no adult-content-ratings.csv.gz")
    return pd.read_csv(SHARED / "adult-content-ratings.csv.gz", dtype=str)


# The gain ----------------------------------------------------------------------------------


def test_gains_of_another_computation_on_real_ratings(ratings):
    """krippendorff's alpha after each merge of all items, and the share of coincidences."""
    want = json.loads((SHARED / "reference.json").read_text(encoding="utf-8"))
    want = want["class_merges_adult"]
    gain, before = gains_on_all_items(ratings)
    assert before == pytest.approx(want["alpha"], abs=1e-12)
    coded, p, found = coincidences(ratings)
    n = (p.times * (p.m > 1)) @ p.m
    for first, second, alpha_gain, share in want[
        "best_merges_class_a_class_b_alpha_gain_share_of_all_pairs"
    ]:
        assert gain[frozenset((first, second))] == pytest.approx(alpha_gain, abs=5e-5)
        key = coded.labels.index(first) * 4 + coded.labels.index(second)
        met = found.sums(found.add, p.times * (p.m > 1), np.array([key]))[0]
        assert 2 * met / n == pytest.approx(share, abs=5e-5)


def test_gains_are_those_of_relabelling_on_real_ratings(ratings):
    gain, _ = gains_on_all_items(ratings)
    for first, second in combinations("GPRX", 2):
        merged = labels.relabel(ratings, {second: first})
        by_hand = labels.compare(ratings, merged, rng=0)
        assert by_hand.gain == pytest.approx(gain[frozenset((first, second))], abs=1e-12)


def test_the_best_merge_of_real_ratings(ratings):
    found = labels.merges(ratings, rng=0)
    first = found.table.iloc[0]
    assert {first["label_1"], first["label_2"]} == {"G", "P"}
    assert found.low < 0.0952 < found.high
    assert len(found.table) == 6
    assert found.n == 5315
    assert first["cost"] == pytest.approx((ratings.groupby(
        ["item", "annotator"])["label"].last() == "P").mean())  # fmt: skip
    assert any("2,922 earlier labels" in note for note in found.notes)
    assert any("percent agreement rises with any merge" in note for note in found.notes)
    assert "Merging G and P changes alpha by +0.0" in repr(found)


tables = st.lists(
    st.tuples(st.sampled_from("uvwxyz"), st.sampled_from("pqrs"), st.sampled_from("abcd")),
    min_size=2,
    max_size=20,
    unique_by=lambda row: row[:2],
).map(lambda rows: pd.DataFrame(rows, columns=["item", "annotator", "label"]))


@settings(max_examples=60, deadline=None)
@given(tables)
def test_the_closed_form_is_recoding(table):
    gain, before = gains_on_all_items(table)
    for pair, value in gain.items():
        first, second = sorted(pair)
        _, after = gains_on_all_items(labels.relabel(table, {second: first}))
        assert before + value == pytest.approx(after, abs=1e-12, nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(tables, st.integers(0, 99))
def test_neither_the_order_of_rows_nor_names_of_items_and_people_matter(table, seed):
    mixed = table.sample(frac=1, random_state=seed)
    mixed = mixed.assign(
        item=mixed["item"].map(dict(zip("uvwxyz", "zyxwvu", strict=True))),
        annotator=mixed["annotator"].map(dict(zip("pqrs", "srqp", strict=True))),
    )
    one, two = labels.merges(table, rng=7), labels.merges(mixed, rng=7)
    pd.testing.assert_frame_equal(one.table, two.table)
    assert (one.table["gain_low"].fillna(-9) <= one.table["gain_high"].fillna(9)).all()


def test_percent_agreement_rises_with_any_merge_and_alpha_does_not():
    """Why merges are ranked by alpha: c is never mixed up with a, and yet percent rises."""
    rng = np.random.default_rng(0)
    answers = np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.0, 0.02, 0.98]])
    table = crowd(2000, rng, answers=answers)
    gain, _ = gains_on_all_items(table)
    for first, second in combinations("abc", 2):
        change = labels.compare(table, labels.relabel(table, {second: first}), rng=0).table
        assert change["percent"].diff().iloc[1] >= 0
    assert gain[frozenset("ab")] > 0
    assert gain[frozenset("ac")] < 0
    assert gain[frozenset("bc")] < 0


def test_two_people_with_two_classes_left_agree_as_cohen_says():
    """With two people of equal habits, alpha of many items is Cohen's kappa, merged or not."""
    rng = np.random.default_rng(2)
    table = crowd(40_000, rng, people=2)
    wide = table.pivot_table(index="item", columns="annotator", values="label", aggfunc="first")
    merged = wide.replace({"b": "a"})
    kappas = [cohen_kappa_score(part["p0"], part["p1"]) for part in (wide, merged)]
    gain, before = gains_on_all_items(table)
    assert before == pytest.approx(kappas[0], abs=2e-4)
    assert before + gain[frozenset("ab")] == pytest.approx(kappas[1], abs=2e-4)


# Choosing and telling ----------------------------------------------------------------------


def test_the_two_halves_make_up_all_items():
    rng = np.random.default_rng(0)
    table = crowd(301, rng)
    found = labels.merges(table, rng=3)
    assert found.n == 151
    assert (found.table["gain_choosing"].diff().dropna() <= 0).all()
    assert found.gain == found.table["gain"][0]
    assert (found.low, found.high) == tuple(found.table.loc[0, ["gain_low", "gain_high"]])
    np.testing.assert_allclose(
        found.table["alpha_after"], found.table["alpha_before"] + found.table["gain"]
    )


def test_the_gain_told_is_not_flattered_by_the_choice():
    """Ten classes alike: each merge gains the same, and the best on one half is only luck."""
    answers = np.full((10, 10), 0.04) + np.eye(10) * 0.6
    rng = np.random.default_rng(1)
    chosen, told, truth = [], [], []
    merged = np.delete(answers, 1, axis=1)
    merged[:, 0] += answers[:, 1]
    prior = np.full(10, 0.1)
    gain = alpha_of_all_items(merged, prior) - alpha_of_all_items(answers, prior)
    for _ in range(60):
        found = labels.merges(crowd(120, rng, answers=answers, prior=prior), rng=rng)
        chosen.append(found.table["gain_choosing"][0])
        told.append(found.gain)
        truth.append(gain)
    error = np.std(told) / np.sqrt(60)
    assert abs(np.mean(told) - gain) < 4 * error
    assert np.mean(chosen) > gain + 10 * error


def test_intervals_hold_the_gain_of_all_items_as_often_as_they_say():
    """100 items, 50 of which tell; 500 tables gave 96 %. With 10 that tell it was 87 %."""
    merged = np.stack([ANSWERS[:, 0] + ANSWERS[:, 1], ANSWERS[:, 2]], axis=1)
    gain = alpha_of_all_items(merged) - alpha_of_all_items(ANSWERS)
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(120):
        table = labels.merges(crowd(100, rng), rng=rng).table.set_index(["label_1", "label_2"])
        low, high = table.loc[("a", "b"), ["gain_low", "gain_high"]]
        hits.append(low <= gain <= high)
    assert 0.89 <= np.mean(hits) <= 0.99


def test_both_ways_to_an_interval_agree():
    """The bootstrap over patterns, and what each item adds where patterns are too many."""
    table = crowd(3000, np.random.default_rng(0))
    _, p, found = coincidences(table)
    a, b = np.triu_indices(3, 1)
    drawn = np.array(found.limits(p.times, a, b, np.random.default_rng(0)))
    added = np.array(found._by_error(p.times, a, b))
    width = drawn[1] - drawn[0]
    assert (np.abs(drawn - added) < 0.1 * width).all()


def test_many_patterns_take_the_quick_way():
    rng = np.random.default_rng(0)
    answers = np.full((100, 100), 0.003) + np.eye(100) * 0.7
    table = crowd_of_many(12_000, 100, rng, answers)
    found = labels.merges(table, rng=0)
    assert len(found.table) == 4950
    assert (found.table["gain_low"] < found.table["gain_high"]).all()
    assert found.n == 6000


def crowd_of_many(n, n_classes, rng, answers):
    truth = np.repeat(rng.integers(n_classes, size=n), 5)
    own = rng.random(5 * n) < 0.7
    label = np.where(own, truth, rng.integers(n_classes, size=5 * n))
    items = np.repeat([f"i{k}" for k in range(n)], 5)
    return pd.DataFrame({"item": items, "annotator": list("pqrst") * n, "label": label})


def test_of_very_many_classes_only_those_that_met_are_listed():
    rng = np.random.default_rng(0)
    table = crowd_of_many(400, 1000, rng, None)
    found = labels.merges(table, rng=0)
    both = labels.confusions(table)
    assert len(found.table) == len(both)
    assert any("not listed: none of them raises alpha" in note for note in found.notes)
    n = 100_000
    huge = pd.DataFrame(
        {
            "item": np.repeat([f"i{k}" for k in range(n // 2)], 2),
            "annotator": ["p", "q"] * (n // 2),
            "label": [f"c{k}" for k in range(n)],
        }
    )
    found = labels.merges(huge, rng=0)
    assert len(found.table) == n // 2
    assert (found.table["why"] != "").any()


# Tables without an answer ------------------------------------------------------------------


def given_(**labelled):
    rows = [(i, f"p{k}", one) for i, all_of in labelled.items() for k, one in enumerate(all_of)]
    return pd.DataFrame(rows, columns=["item", "annotator", "label"])


@pytest.mark.parametrize(
    ("table", "rows", "why"),
    [
        (given_(a="ss", b="ss"), 0, "there are no two classes"),
        (given_(a="s"), 0, "there are no two classes"),
        (given_(a="s", b="l"), 1, "no item has two labels"),
        (given_(a="sl", b="ll", c="ss", d="sl"), 1, "one class would be left"),
        (given_(a="sl"), 1, "one class would be left"),
        (given_(a="sl").iloc[:0], 0, "there are no two classes"),
    ],
)
def test_a_gain_that_cannot_be_told_says_why(table, rows, why):
    found = labels.merges(table, rng=0)
    assert np.isnan([found.gain, found.low, found.high]).all()
    assert len(found.table) == rows
    assert why in repr(found)
    assert "cannot be told" in found._repr_html_()
    assert found.plot() is not None
    if rows:
        assert why in found.table["why"][0]


def test_bad_tables_are_told():
    with pytest.raises(TableError, match="labels of several types"):
        labels.merges(given_(a="sl").assign(label=[1, "1"]))
    with pytest.raises(TableError, match='"rater": "annotator"'):
        labels.merges(given_(a="sl").rename(columns={"annotator": "rater"}))


def test_no_merge_that_wins_is_said_so():
    answers = np.array([[0.98, 0.01, 0.01], [0.01, 0.98, 0.01], [0.01, 0.01, 0.98]])
    table = crowd(600, np.random.default_rng(0), answers=answers, prior=np.full(3, 1 / 3))
    said = repr(labels.merges(table, rng=0))
    assert "the best merge on one half of the items, does not surely win agreement" in said


def test_few_items_are_told():
    found = labels.merges(crowd(40, np.random.default_rng(0)), rng=0)
    assert "With 20 items in the half that tells, intervals are coarse." in found.notes


def test_the_page_and_the_picture():
    table = crowd(400, np.random.default_rng(0))
    table["label"] = table["label"].map({"a": "<a>", "b": "b$", "c": "c"})
    found = labels.merges(table, rng=0)
    page = found._repr_html_()
    assert "&lt;a&gt;" in page
    assert "<a>" not in page
    ax = found.plot()
    assert len(ax.get_yticklabels()) == 3
    assert ax.get_yticklabels()[-1].get_text() == r"<a> + b\$"
    assert "Alpha won by each merge" in ax.get_figure().get_label()
    same = labels.merges(table, rng=0)
    pd.testing.assert_frame_equal(found.table, same.table)
