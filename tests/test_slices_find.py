from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency, fisher_exact

from mlkit import slices
from mlkit._tables import TableError
from mlkit.slices import _find, _search


def predictions_of(values, wrong):
    items = [f"i{k}" for k in range(len(values))]
    return values.assign(item=items, label="a", prediction=np.where(wrong, "b", "a"))


def planted(seed, rows=10_000, columns=20):
    """4 % of the rows have 40 % errors, the others 10 %."""
    rng = np.random.default_rng(seed)
    values = pd.DataFrame({f"f{k}": rng.integers(0, 5, rows) for k in range(columns)})
    values["f0"] = np.where(rng.random(rows) < 0.04, 4, values["f0"] % 4)
    inside = (values["f0"] == 4).to_numpy()
    wrong = rng.random(rows) < np.where(inside, 0.4, 0.1)
    return predictions_of(values, wrong), list(values.columns), inside


def test_the_p_is_fishers():
    e, n = np.array([0, 1, 5, 9, 20, 0]), np.array([10, 10, 12, 9, 60, 0])
    ours = _find.fisher(e, n, errors=30, rows=200)
    for e_one, n_one, p in zip(e, n, ours, strict=True):
        table = [[e_one, n_one - e_one], [30 - e_one, 200 - n_one - (30 - e_one)]]
        assert p == pytest.approx(fisher_exact(table, alternative="greater").pvalue)


def test_the_score_is_the_signed_root_of_scipys_g():
    for e, n, errors, rows in (
        (30, 50, 60, 400),
        (2, 50, 60, 400),
        (50, 50, 60, 400),
        (3, 7, 3, 9),
    ):
        table = [[e, n - e], [errors - e, rows - n - (errors - e)]]
        g = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
        score = _search._score(np.array([e]), np.array([n]), errors, rows)
        assert score == pytest.approx([np.sign(e / n - errors / rows) * g**0.5])
    # As frequent inside as outside: nothing stands out.
    assert _search._score(np.array([5]), np.array([50]), 40, 400) == pytest.approx([0], abs=1e-6)


@pytest.mark.parametrize(
    ("support", "n", "rows"),
    [
        (0.01, 5000, 25),  # a share of all, in one half
        (0.01, 5001, 26),
        (50, 10**6, 25),  # a count
        (51, 10**6, 26),
        (20, 10**6, 10),
        (1, 10**6, 10),  # at least ten
        (0.5, 10, 10),
    ],
)
def test_the_rows_that_a_slice_needs(support, n, rows):
    assert _find._least(support, n) == rows


def test_halves_share_errors_and_correct_items():
    error, judgeable = np.arange(40) < 7, np.arange(40) < 30
    chosen = _find._half(error, judgeable, np.random.default_rng(0))
    assert chosen[:7].sum() == 4
    assert chosen[7:30].sum() == 12
    assert not chosen[30:].any()
    assert (chosen != _find._half(error, judgeable, np.random.default_rng(1))).any()


@pytest.mark.parametrize(
    ("rows", "score", "kept"),
    [
        (9, 4.6, [(2,), (3,)]),  # nearly the same rows, nearly as good, and simpler
        (9, 4.5, [(2,), (3,)]),
        (9, 4.4, [(0, 1), (3,)]),
        (8, 4.6, [(0, 1), (2,), (3,)]),  # 8 of 10 rows in common are two slices
    ],
)
def test_of_two_slices_of_nearly_the_same_rows_one_is_kept(rows, score, kept):
    row = np.arange(30)
    holds = np.stack([row < 10, row < 10, row < rows, row >= 20], axis=1)
    pairs = [(0, 1), (2,), (3,)]
    assert _search._apart(pairs, np.array([5.0, score, 3.0]), holds) == kept
    # Of two as simple the first stays.
    assert _search._apart([(0,), (1,)], np.array([5.0, 5.0]), holds) == [(0,)]


def test_counts_of_all_pairs_are_those_of_counting(monkeypatch):
    monkeypatch.setattr(_search, "_BLOCK", 64)
    holds = np.random.default_rng(0).random((300, 7)) < 0.3
    counts = _search._counts(holds)
    for i, j in combinations(range(7), 2):
        assert counts[i, j] == counts[j, i] == (holds[:, i] & holds[:, j]).sum()
    assert list(np.diag(counts)) == list(holds.sum(axis=0))


def test_pure_noise_confirms_a_slice_in_at_most_8_percent():
    confirmed = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        values = pd.DataFrame({f"f{k}": rng.random(500) < 0.3 for k in range(40)})
        predictions = predictions_of(values, rng.random(500) < 0.15)
        confirmed += not slices.find(predictions, columns=list(values), rng=seed).table.empty
    assert confirmed <= 16


def test_a_planted_slice_is_found():
    for seed in range(5):
        predictions, columns, inside = planted(seed)
        found = slices.find(predictions, columns=columns, rng=seed)
        assert "f0 = 4" in list(found.table["slice"])
        np.testing.assert_array_equal(found.mask("f0 = 4"), inside)


def test_every_figure_is_from_the_confirming_half():
    predictions, columns, inside = planted(0)
    found = slices.find(predictions, columns=columns, rng=0)
    row = found.table.set_index("slice").loc["f0 = 4"]
    # The two halves share the errors and the correct items evenly, the slice only about so.
    assert found.n == 5000
    assert row["n"] != inside.sum()
    assert 150 < row["n"] < 250
    assert row["accuracy"] == pytest.approx(1 - row["errors"] / row["n"])
    errors = round((1 - found.accuracy) * found.n)
    elsewhere = 1 - (errors - row["errors"]) / (found.n - row["n"])
    assert row["accuracy_elsewhere"] == pytest.approx(elsewhere)
    gain = (elsewhere - row["accuracy"]) * row["n"] / found.n
    assert row["gain_to_rest"] == pytest.approx(gain)
    assert row["gain_to_rest_low"] < gain < row["gain_to_rest_high"]
    assert gain == pytest.approx(0.3 * 0.04, abs=0.004)
    table = [[row["errors"], row["n"] - row["errors"]],
             [errors - row["errors"], found.n - row["n"] - errors + row["errors"]]]  # fmt: skip
    assert row["p"] == pytest.approx(fisher_exact(table, alternative="greater").pvalue)


def test_two_conditions_are_found_where_each_alone_is_weaker():
    rng = np.random.default_rng(1)
    values = pd.DataFrame({f"f{k}": rng.integers(0, 5, 8000) for k in range(10)})
    inside = (values["f0"] == 0) & (values["f1"] == 0)
    predictions = predictions_of(values, rng.random(8000) < np.where(inside, 0.5, 0.1))
    found = slices.find(predictions, columns=list(values))
    assert "f0 = 0 and f1 = 0" in set(found.table["slice"])
    np.testing.assert_array_equal(found.mask("f0 = 0 and f1 = 0"), inside)


def test_near_duplicates_are_dropped_and_the_simpler_kept():
    rng = np.random.default_rng(2)
    a = rng.random(4000) < 0.1
    values = pd.DataFrame({"a": a, "copy of a": a ^ (rng.random(4000) < 0.002),
                           "mostly": rng.random(4000) < 0.97})  # fmt: skip
    predictions = predictions_of(values, rng.random(4000) < np.where(a, 0.5, 0.1))
    found = slices.find(predictions, columns=list(values))
    assert len(found.table) == 1
    assert found.table["slice"].iloc[0] in ("a = True", "copy of a = True")


def test_expressions_give_the_masks_back():
    rng = np.random.default_rng(3)
    n = 6000
    values = pd.DataFrame(
        {
            "speaker": rng.choice(["o'neil", 'say "x"', "li"], n),
            "snr db": rng.normal(10, 5, n),
            "class": rng.choice([1, 2, 3], n),
            "duration_s": np.where(rng.random(n) < 0.1, np.nan, rng.random(n)),
            "kind": pd.Categorical(rng.choice(["x", "y"], n)),
            "flag": pd.array(rng.choice([True, False, None], n), dtype="boolean"),
        }
    )
    bad = (values["snr db"] < 8) & (values["speaker"] == "o'neil")
    bad |= (values["duration_s"] > 0.8) | (values["class"] == 2)
    bad |= (values["kind"] == "x") & values["flag"].fillna(False).to_numpy(bool)
    predictions = predictions_of(
        values, rng.random(n) < np.where(bad | (values["class"] == 2), 0.5, 0.05)
    )
    found = slices.find(predictions, columns=list(values))
    assert len(found.candidates) > 7
    for row in found.candidates.itertuples():
        lines = predictions.eval(row.expression).fillna(False).to_numpy(bool)
        np.testing.assert_array_equal(lines, found.mask(row.slice), err_msg=row.expression)


def test_limits_of_quarters_come_from_the_choosing_half_alone():
    values = pd.DataFrame({"x": np.r_[np.arange(50.0), np.arange(1000.0, 1050.0)]})
    choosing = np.arange(100) < 50
    made = _search.conditions(values, ["x"], choosing, least=1)
    assert [c.name for c in made] == [
        "x <= 12.25",
        "12.25 < x <= 24.5",
        "24.5 < x <= 36.75",
        "x > 36.75",
    ]


def test_features_may_come_as_a_table_in_another_order():
    predictions, columns, inside = planted(4)
    features = predictions[["item", *columns]].sample(frac=1, random_state=0)
    found = slices.find(predictions[["item", "label", "prediction"]], features=features)
    np.testing.assert_array_equal(found.mask("f0 = 4"), inside)


def test_the_same_seed_gives_the_same_slices():
    predictions, columns, _ = planted(5, rows=3000)
    one, two = (slices.find(predictions, columns=columns, rng=7) for _ in range(2))
    pd.testing.assert_frame_equal(one.candidates, two.candidates)


def test_missing_labels_lie_in_no_half_but_in_the_mask():
    predictions, columns, inside = planted(6)
    predictions.loc[predictions.index[:100], "label"] = None
    found = slices.find(predictions, columns=columns)
    assert found.n in (4949, 4950)
    assert "100 items without a label: left out." in found.notes
    np.testing.assert_array_equal(found.mask("f0 = 4"), inside)


@pytest.mark.parametrize("wrong", [False, True])
def test_no_errors_and_only_errors_confirm_nothing(wrong):
    values = pd.DataFrame({"f": np.arange(200) % 3})
    found = slices.find(predictions_of(values, np.full(200, wrong)), columns=["f"])
    assert found.table.empty
    assert "nothing stands out beyond chance" in repr(found)
    assert found._repr_html_()
    assert found.plot()


def test_one_item_and_values_too_rare_are_told():
    one = predictions_of(pd.DataFrame({"f": ["x"]}), [True])
    found = slices.find(one, columns=["f"])
    assert found.table.empty
    assert found.searched == 0
    assert any("No value of the columns has 10 items" in note for note in found.notes)


def test_bad_input_is_told():
    predictions, columns, _ = planted(0, rows=100, columns=2)
    with pytest.raises(TableError, match=r"needs to know where: give columns=\[...\], from f0, f1"):
        slices.find(predictions)
    with pytest.raises(TableError, match="found no column 'x'"):
        slices.find(predictions, columns=["x"])
    with pytest.raises(TableError, match="cannot search label and prediction together"):
        slices.find(predictions, columns=["label", "prediction"])
    with pytest.raises(TableError, match="found 'f0', 'f1' in predictions and in features"):
        slices.find(predictions, features=predictions[["item", *columns]])
    with pytest.raises(TableError, match=r"column 'l' holds a list \(\[1\]\): leave it out"):
        slices.find(predictions.assign(l=[[1]] * 100), columns=["l"])
    with pytest.raises(TableError, match="column 'day' holds a Timestamp"):
        slices.find(predictions.assign(day=pd.Timestamp("2026-01-01")), columns=["day"])
    with pytest.raises(ValueError, match="min_support is a share of the items"):
        slices.find(predictions, columns=columns, min_support=0)
    with pytest.raises(KeyError, match="there is no slice 'x'"):
        slices.find(predictions, columns=columns).mask("x")


def test_names_with_markup_are_text():
    rng = np.random.default_rng(8)
    values = pd.DataFrame({"f": rng.choice(["<b>x</b> $a$", "y"], 2000)})
    wrong = rng.random(2000) < np.where(values["f"] == "y", 0.05, 0.4)
    found = slices.find(predictions_of(values, wrong), columns=["f"])
    assert "<b>" not in found._repr_html_()
    found.plot().figure.canvas.draw()
