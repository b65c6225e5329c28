import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from mlkit import slices
from mlkit._tables import LABEL_IS_WRONG, TableError
from mlkit.slices import _compare


def answers(right):
    right = np.asarray(right, bool)
    items = [f"i{k}" for k in range(len(right))]
    return pd.DataFrame({"item": items, "label": 1, "prediction": right.astype(int)})


def world(seed, n=2000, gain=0.0):
    """Two models on the same items; the second is better by ``gain`` in the slice *far*."""
    rng = np.random.default_rng(seed)
    far = rng.random(n) < 0.3
    hard = rng.random(n)
    before = hard + rng.normal(0, 0.1, n) < np.where(far, 0.7, 0.9)
    after = hard + rng.normal(0, 0.1, n) < np.where(far, 0.7 + gain, 0.9)
    member = pd.DataFrame({"item": [f"i{k}" for k in range(n)], "far": far, "near": ~far})
    return before, after, member


def test_a_published_example_of_newcombes_interval_and_mcnemar():
    """Airway hyper-responsiveness of 21 children (Bentur 2009), in Fagerland, Lydersen, Laake 2014.

    One before and after, one only after, seven only before, twelve at no time.
    """
    before, after = np.repeat([1, 0, 1, 0], [1, 1, 7, 12]), np.repeat([1, 1, 0, 0], [1, 1, 7, 12])
    member = pd.DataFrame({"item": answers(before)["item"], "all": True})
    found = slices.compare(answers(before), answers(after), member)
    assert found.difference == pytest.approx(-0.286, abs=0.0005)
    assert (found.low, found.high) == pytest.approx((-0.507, -0.026), abs=0.0005)
    assert found.p == pytest.approx(mcnemar([[1, 7], [1, 12]], exact=True).pvalue)
    row = found.table.iloc[0]
    assert (row["mended"], row["broken"], row["n"]) == (1, 7, 21)
    assert row["difference_low"] == found.low


def test_a_gain_is_found_in_its_slice_and_not_elsewhere():
    before, after, member = world(0, gain=0.15)
    found = slices.compare(answers(before), answers(after), member)
    table = found.table.set_index("slice")
    far = member["far"].to_numpy()
    assert table.loc["far", "before"] == before[far].mean()
    assert table.loc["far", "after"] == after[far].mean()
    assert table.loc["far", "q"] < 0.001
    assert table.loc["near", "q"] > 0.05
    assert "Better beyond chance: far." in repr(found)
    assert repr(found) in found._repr_html_()
    assert found.plot().figure.get_label().startswith("Change of accuracy in each slice.")


def test_a_slice_that_changed_alone_and_not_among_many_is_told():
    """p = 0.039 (1 mended, 8 broken), and nine slices beside it in which nothing changed."""
    before = np.r_[np.zeros(1), np.ones(99)].astype(bool)
    after = np.r_[np.ones(1), np.zeros(8), np.ones(91)].astype(bool)
    member = pd.DataFrame({"item": answers(before)["item"], "hurt": np.arange(100) < 10})
    rest = {f"s{k}": np.arange(100) // 10 == k for k in range(1, 10)}
    found = slices.compare(answers(before), answers(after), member.assign(**rest))
    assert "No slice changed beyond chance." in repr(found)
    page = found._repr_html_()
    assert "Looked at alone, hurt changed (p), but 10 slices were looked at" in page
    alone = slices.compare(answers(before), answers(after), member)
    assert "Worse beyond chance: hurt." in repr(alone)
    assert "Looked at alone" not in alone._repr_html_()


def test_without_a_change_few_slices_seem_changed():
    seen = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        before, after, member = world(seed, n=600)
        for k in range(10):
            member[f"s{k}"] = rng.random(600) < 0.2
        seen += bool(
            (slices.compare(answers(before), answers(after), member).table["q"] <= 0.05).any()
        )
    assert seen <= 8


def test_items_picked_because_they_were_errors_are_warned_of():
    before, after, member = world(1)
    wrong = ~before
    found = slices.compare(answers(before)[wrong], answers(after)[wrong], member[wrong])
    assert found.difference > 0.1  # though nothing was mended
    assert repr(found).startswith("Careful: Every item here was wrong before.")
    assert "regression to the mean" in found._repr_html_()


def test_tags_on_errors_alone_leave_the_cells_empty_with_the_reason():
    before, after, member = world(2)
    member = member.astype({"far": "boolean"})
    member.loc[before, "far"] = pd.NA
    found = slices.compare(answers(before), answers(after), member)
    row = found.table.set_index("slice").loc["far"]
    assert row[["before", "after", "difference", "p", "q"]].isna().all()
    assert row["mended"] > 0
    why = found.reasons.set_index("slice")["reason"]
    assert "only items that were wrong before were asked about this slice" in why["far"]
    assert why["far"] in found._repr_html_()
    assert "near" not in why


def test_a_part_of_the_items_weighed_is_right_on_average_and_its_interval_covers():
    """All errors and 150 correct items asked: no regression to the mean, 95 % intervals."""
    before, after, member = world(12345, n=1_000_000, gain=0.1)
    truth = after[member["far"]].mean() - before[member["far"]].mean()
    inside, differences = 0, []
    for seed in range(300):
        before, after, member = world(seed, n=3000, gain=0.1)
        rng = np.random.default_rng(seed)
        asked = rng.permutation(np.flatnonzero(before))[150:]
        rate = np.where(before, 150 / before.sum(), 1.0)
        far = member["far"].to_numpy().astype(np.int8)
        far[asked] = -1
        row = weighted(far, before, after, rate)
        if seed < 3:  # what is judged here is what the comparison shows
            member = member.astype({"far": "boolean"})
            member.loc[asked, "far"] = pd.NA
            member = member.assign(sampling_rate=rate)
            shown = slices.compare(answers(before), answers(after), member)
            shown = shown.table.set_index("slice").loc["far"]
            assert shown[row.index].to_dict() == pytest.approx(row.to_dict(), nan_ok=True)
        differences.append(row["difference"])
        inside += row["difference_low"] <= truth <= row["difference_high"]
        assert np.isnan(row["p"])
    assert np.mean(differences) == pytest.approx(truth, abs=0.004)
    assert 0.92 <= inside / 300 <= 0.98


def weighted(far, before, after, rate):
    """The row of a slice that was asked about in part, without the checks of the tables."""
    codes = far[:, None]
    table = _compare._paired(["far"], codes, before, after)
    _compare._weighted(table, codes, before, after, rate, np.random.default_rng(0))
    return table.iloc[0].drop(["slice", "q", "reason"])


def test_changed_labels_are_told_and_those_of_after_hold():
    before = pd.DataFrame({"item": list("abcd"), "label": [1, 1, 0, 0], "prediction": 1})
    after = before.assign(label=[1, 1, 1, 0])
    member = pd.DataFrame({"item": list("abcd"), "all": True})
    found = slices.compare(before, after, member)
    assert found.difference == 0
    assert found.table.loc[0, "before"] == 0.75
    assert found.notes == (
        "1 label changed between before and after: those of after hold for both.",
    )


def test_missing_labels_and_predictions():
    before = pd.DataFrame(
        {"item": list("abcd"), "label": [1, 1, 1, None], "prediction": [1, None, 1, 1]}
    )
    member = pd.DataFrame({"item": list("abcd"), "all": True})
    found = slices.compare(before, before.assign(prediction=1), member)
    assert (found.n, found.table.loc[0, "mended"]) == (3, 1)
    assert "1 item without a label: left out." in found.notes


def test_wrong_labels_are_set_aside():
    before, after, member = world(3, n=100)
    member[LABEL_IS_WRONG] = np.arange(100) < 10
    found = slices.compare(answers(before), answers(after), member)
    assert found.n == 90
    assert "10 items with a wrong label: set aside." in found.notes
    assert list(found.table["slice"]) == ["far", "near"]


def test_rows_in_another_order():
    before, after, member = world(4, n=300, gain=0.2)
    one = slices.compare(answers(before), answers(after), member)
    shuffled = answers(after).sample(frac=1, random_state=0)
    two = slices.compare(answers(before), shuffled, member.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(one.table, two.table)


def test_slices_of_no_and_one_item_and_never_asked():
    before, after, member = world(5, n=20)
    member = member[["item"]].assign(none=False, one=np.arange(20) == 3, never=pd.NA)
    found = slices.compare(answers(before), answers(after), member)
    table = found.table.set_index("slice")
    assert list(table["n"]) == [0, 1, 0]
    assert table.loc[["none", "never"], ["before", "difference", "p"]].isna().all(axis=None)
    assert table.loc["one", "p"] == 1
    assert "no item is known to be in this slice" in found._repr_html_()
    assert found.plot()


def test_bad_input_is_told():
    before, after, member = world(6, n=10)
    with pytest.raises(TableError, match="same items before and after; only before: 'i0', 'i1'"):
        slices.compare(answers(before), answers(after).iloc[2:], member)
    with pytest.raises(TableError, match="only after: 'i9'"):
        slices.compare(answers(before).iloc[:9], answers(after), member)
    with pytest.raises(TableError, match="memberships without a slice: make some"):
        slices.compare(answers(before), answers(after), member[["item"]])
    with pytest.raises(TableError, match="every label is said to be wrong"):
        slices.compare(answers(before), answers(after), member.assign(**{LABEL_IS_WRONG: True}))


def test_names_with_markup_are_text():
    before, after, member = world(7, n=50)
    found = slices.compare(
        answers(before), answers(after), member.rename(columns={"far": "<b>$x$</b>"})
    )
    assert "<b>" not in found._repr_html_()
    found.plot().figure.canvas.draw()
