import re

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from mlkit import slices
from mlkit._tables import LABEL_IS_WRONG, TableError
from mlkit.slices import _estimates

# slice, accuracy, HLP, share of data: the speech example of the course
COURSE = [
    ("clean speech", 0.94, 0.95, 0.60),
    ("car noise", 0.89, 0.93, 0.04),
    ("people noise", 0.87, 0.89, 0.30),
    ("low bandwidth", 0.70, 0.70, 0.06),
]


def speech(n=10_000):
    """Items with exactly the counts of the course's table."""
    kind, label = [], []
    for name, accuracy, _, share in COURSE:
        rows = round(n * share)
        right = round(rows * accuracy)
        kind += [name] * rows
        label += ["1"] * right + ["0"] * (rows - right)
    items = [f"clip {i}" for i in range(len(kind))]
    predictions = pd.DataFrame({"item": items, "label": label, "prediction": "1", "kind": kind})
    hlp = pd.DataFrame(COURSE, columns=["slice", "accuracy", "hlp", "share"]).assign(n=400)
    return predictions, hlp[["slice", "hlp", "n"]]


def by_kind(predictions):
    return slices.memberships(
        predictions, conditions={name: f"kind == '{name}'" for name, *_ in COURSE}
    )


def counts(errors, correct, in_errors, in_correct):
    """Predictions with one slice, and how many errors and correct items lie in it."""
    n = errors + correct
    predictions = pd.DataFrame(
        {
            "item": [f"i{k}" for k in range(n)],
            "label": "a",
            "prediction": ["b"] * errors + ["a"] * correct,
        }
    )
    inside = [k < in_errors or errors <= k < errors + in_correct for k in range(n)]
    return predictions, pd.DataFrame({"item": predictions["item"], "far": inside})


@pytest.fixture(scope="module")
def course():
    predictions, hlp = speech()
    return slices.report(predictions, by_kind(predictions), hlp=hlp)


def test_the_four_rows_of_the_course(course):
    table = course.table.set_index("slice")
    for name, accuracy, hlp, share in COURSE:
        assert table.loc[name, "accuracy"] == pytest.approx(accuracy)
        assert table.loc[name, "share_of_data"] == pytest.approx(share)
        assert table.loc[name, "gap"] == pytest.approx(hlp - accuracy)
    gains = 100 * table["possible_gain"]
    assert gains["clean speech"] == pytest.approx(0.6)
    assert gains["car noise"] == pytest.approx(0.16)
    assert gains["people noise"] == pytest.approx(0.6)
    assert gains["low bandwidth"] == pytest.approx(0, abs=1e-9)


def test_low_bandwidth_is_last_though_it_has_many_of_the_errors(course):
    assert course.table["slice"].iloc[-1] == "low bandwidth"
    shares = course.table.set_index("slice")["share_of_errors"]
    assert shares["low bandwidth"] > 3 * shares["car noise"]
    assert shares.sum() == pytest.approx(1)


def test_what_is_counted_outright_has_wilson_intervals(course):
    row = course.table.set_index("slice").loc["car noise"]
    for column, successes, n in [
        ("accuracy", 356, 400),
        ("share_of_data", 400, 10_000),
        ("at_most", 44, 10_000),
        ("share_of_errors", 44, 974),
        ("hlp", 372, 400),
    ]:
        theirs = proportion_confint(successes, n, method="wilson")
        assert (row[f"{column}_low"], row[f"{column}_high"]) == pytest.approx(theirs)


def test_the_headline_is_the_accuracy_over_all_items(course):
    assert course.accuracy == pytest.approx(0.9026)
    assert (course.low, course.high) == pytest.approx(
        proportion_confint(9026, 10_000, method="wilson")
    )
    assert course.n == 10_000
    assert repr(course) == (
        "Accuracy 90.3 % (89.7 to 90.8 %, n = 10,000). First: people noise; at human level it "
        f"would bring 0.60 points of accuracy ({gain_limits(course)}). It stays first in "
        f"{100 * course.stays_first:.0f} % of draws from the intervals."
    )
    assert repr(course) in course._repr_html_()


def gain_limits(report):
    first = report.table.iloc[0]
    return f"{100 * first.possible_gain_low:.2f} to {100 * first.possible_gain_high:.2f}"


def test_with_errors_alone_the_cells_that_cannot_be_known_stay_empty():
    predictions, _ = speech(2000)
    member = by_kind(predictions)
    right = predictions["label"] == predictions["prediction"]
    member.loc[right, [name for name, *_ in COURSE]] = pd.NA
    result = slices.report(predictions, member)
    empty = ["n", "accuracy", "hlp", "gap", "share_of_data", "possible_gain"]
    assert result.table[[*empty, "accuracy_low", "possible_gain_high"]].isna().all(axis=None)
    assert result.table[["errors", "share_of_errors", "at_most"]].notna().all(axis=None)
    # Ranked by at_most until HLP is known.
    assert list(result.table["slice"])[:2] == ["people noise", "clean speech"]
    assert list(result.table["errors"]) == [78, 72, 36, 9]
    why = result.reasons.set_index(["slice", "column"])["reason"]
    assert "no correct item was asked" in why["car noise", "accuracy"]
    assert "no human-level performance" in why["car noise", "possible_gain"]
    assert set(result.reasons["column"]) == set(empty)
    page = result._repr_html_()
    assert page.count("no correct item was asked about this slice: tag a random sample") > 4
    assert "—¹" in page.replace("²", "¹")
    assert "without its errors accuracy would rise by at most 3.90 points" in repr(result)


def test_a_part_tagged_in_random_order_stands_for_the_whole():
    predictions, member = counts(150, 1350, 60, 270)
    asked = [k for k in range(60) if k < 24] + list(range(60, 96))  # 24 of 60 errors
    asked += list(range(150, 180)) + list(range(420, 540))  # 30 of 150 correct
    part = member.astype({"far": "boolean"})
    part.loc[~part.index.isin(asked), "far"] = pd.NA
    one, whole = (slices.report(predictions, m).table.iloc[0] for m in (part, member))
    for column in ("share_of_errors", "accuracy", "share_of_data", "at_most"):
        assert one[column] == pytest.approx(whole[column])
        width = [row[f"{column}_high"] - row[f"{column}_low"] for row in (one, whole)]
        assert width[0] > width[1]
    assert (one["errors_asked"], one["correct_asked"]) == (60, 150)
    assert (one["n"], one["errors"]) == (330, 60)
    assert any("60 of 150 errors were asked" in n for n in slices.report(predictions, part).notes)
    assert "≈\N{NO-BREAK SPACE}330" in slices.report(predictions, part)._repr_html_()


def test_few_sampled_correct_items_are_told():
    predictions, member = counts(50, 950, 10, 20)
    part = member.astype({"far": "boolean"})
    part.loc[part.index >= 50 + 100, "far"] = pd.NA
    assert not any("Fewer than 5" in note for note in slices.report(predictions, part).notes)
    part.loc[53:70, "far"] = False
    notes = slices.report(predictions, part).notes
    assert any("Fewer than 5 of the correct items that were asked lie in 'far'" in n for n in notes)


def test_items_drawn_less_often_weigh_more():
    predictions, member = counts(0, 40, 0, 0)
    member["far"] = pd.array([True] * 5 + [False] * 10 + [pd.NA] * 25, dtype="boolean")
    member["sampling_rate"] = [0.1] * 5 + [0.5] * 10 + [1.0] * 25
    row = slices.report(predictions, member).table.iloc[0]
    assert row["share_of_data"] == pytest.approx(50 / (50 + 20))
    # All asked: the rates say nothing any more.
    member["far"] = member["far"].fillna(False)
    assert slices.report(predictions, member).table.iloc[0]["share_of_data"] == pytest.approx(
        5 / 40
    )


SETUPS = {
    "everything known": (3000, 0.05, None, None, 200),
    "errors and 150 correct": (4000, 0.04, None, 150, 300),
    "part of the errors, 100 correct": (5000, 0.04, 60, 100, 100),
}


@pytest.mark.parametrize("setup", SETUPS)
def test_intervals_hold_the_truth_in_about_95_percent(setup):
    """Data drawn from a known world, tagged in whole or in part, slices from 40 % to 1 %."""
    n, error_rate, tag_errors, tag_correct, hlp_n = SETUPS[setup]
    in_errors, in_correct = np.array([0.4, 0.2, 0.1, 0.05]), np.array([0.3, 0.05, 0.1, 0.02])
    wrong, right = error_rate * in_errors, (1 - error_rate) * in_correct
    accuracy = right / (wrong + right)
    hlp = np.minimum(accuracy + 0.03, 0.99)
    truth = {
        "share_of_errors": in_errors,
        "accuracy": accuracy,
        "gap": hlp - accuracy,
        "share_of_data": wrong + right,
        "possible_gain": (hlp - accuracy) * (wrong + right),
        "at_most": wrong,
    }
    rng = np.random.default_rng(0)
    inside = dict.fromkeys(truth, 0)
    for turn in range(250):
        error = rng.random(n) < error_rate
        member = (rng.random((n, 4)) < np.where(error[:, None], in_errors, in_correct)).astype(int)
        for rows, some in ((error, tag_errors), (~error, tag_correct)):
            if some is not None:
                member[rng.permutation(np.flatnonzero(rows))[some:]] = -1
        hlp_found = rng.binomial(hlp_n, hlp) / hlp_n
        found = estimates(member, error, hlp_found, hlp_n, rng=turn)
        if turn < 3:  # what is judged here is what the report shows
            shown = reported(member, error, hlp_found, hlp_n, rng=turn)
            pd.testing.assert_frame_equal(shown[found.columns], found)
        for column, value in truth.items():
            low, high = found[f"{column}_low"].to_numpy(), found[f"{column}_high"].to_numpy()
            inside[column] += int(((low <= value) & (value <= high)).sum())
    for column, held in inside.items():
        assert 0.92 <= held / 1000 <= 0.975, column


def estimates(member, error, hlp, hlp_n, *, rng):
    """The figures of a report and their limits, without its checks, order and notes."""
    n, none = np.full(len(hlp), float(hlp_n)), np.zeros(len(error), np.int8)
    sides = [
        _estimates.stratum(member[rows], none[rows], np.ones(rows.sum()))
        for rows in (error, ~error)
    ]
    draws = _estimates.draw(*sides, hlp, n, np.random.default_rng(rng))
    return _estimates.table(list("abcd"), *sides, hlp, n, draws).set_index("slice")


def reported(member, error, hlp, hlp_n, *, rng):
    """The same through the report, from what its users give it."""
    items = pd.DataFrame({"item": [f"i{k}" for k in range(len(error))]})
    known = pd.DataFrame(member, columns=list("abcd")).replace(-1, pd.NA).astype("boolean")
    people = pd.DataFrame({"slice": list("abcd"), "hlp": hlp, "n": hlp_n})
    predictions = items.assign(label=0, prediction=error.astype(int))
    made = slices.report(predictions, pd.concat([items, known], axis=1), hlp=people, rng=rng)
    return made.table.set_index("slice").loc[list("abcd")]


def test_intervals_hold_the_truth_with_unequal_sampling_rates():
    """Correct items of two kinds, one drawn five times as often and five times as often inside."""
    rng, inside, n = np.random.default_rng(0), 0, 4000
    in_correct = 0.3 * 0.15 + 0.7 * 0.03
    truth = 0.06 * 0.3 + 0.94 * in_correct
    for _ in range(400):
        error, often = rng.random(n) < 0.06, rng.random(n) < 0.3
        rate = np.where(error, 1, np.where(often, 0.15, 0.03))
        share = np.where(error, 0.3, np.where(often, 0.15, 0.03))
        member = np.where(rng.random(n) < rate, rng.random(n) < share, -1).astype(np.int8)
        looked = np.zeros(n, np.int8)
        sides = [
            _estimates.stratum(member[rows, None], looked[rows], rate[rows])
            for rows in (error, ~error)
        ]
        unknown = np.full(1, np.nan)
        draws = _estimates.draw(sides[0], sides[1], unknown, unknown, rng)
        row = _estimates.table(["a"], sides[0], sides[1], unknown, unknown, draws).iloc[0]
        inside += row["share_of_data_low"] <= truth <= row["share_of_data_high"]
    assert 0.90 <= inside / 400 <= 0.98


def test_wrong_labels_are_set_aside_and_accuracy_is_given_both_ways():
    predictions, member = counts(20, 80, 10, 10)
    member[LABEL_IS_WRONG] = [k in (0, 1, 12, 13, 50) for k in range(100)]
    result = slices.report(predictions, member)
    assert list(result.accuracies["accuracy"]) == pytest.approx([0.80, 79 / 95])
    assert list(result.accuracies["n"]) == [100, 95]
    assert result.accuracy == pytest.approx(79 / 95)
    assert "83.2 % " in repr(result)
    assert "80.0 % with all labels as they are" in repr(result)
    row = result.table.iloc[0]
    assert (row["n"], row["errors"]) == (18, 8)
    assert list(result.table["slice"]) == ["far"]
    assert result.notes == ("5 items with a wrong label: set aside.",)


def test_only_labels_known_to_be_wrong_are_set_aside():
    predictions, member = counts(100, 900, 40, 100)
    member[LABEL_IS_WRONG] = pd.array([True] * 10 + [False] * 40 + [pd.NA] * 950, dtype="boolean")
    result = slices.report(predictions, member)
    assert result.accuracy == pytest.approx(900 / 990)
    assert result.n == 990
    assert (result.table.loc[0, "n"], result.table.loc[0, "errors"]) == (130, 30)
    assert (
        "10 items with a wrong label: set aside; 950 items not checked for it count as they are."
    ) in result.notes
    assert "Only errors were checked for wrong labels" in " ".join(result.notes)


def test_a_tag_made_for_one_item_says_nothing_of_the_rest():
    """It came to mind at that item, so of the items asked all have it: no share of all errors."""
    predictions, member = counts(100, 900, 40, 100)
    member["hum"] = pd.array([True] + [pd.NA] * 999, dtype="boolean")
    result = slices.report(predictions, member)
    row = result.table.set_index("slice").loc["hum"]
    assert row[["n", "share_of_errors", "accuracy", "at_most"]].isna().all()
    assert row["errors_asked"] == 1
    assert result.table["slice"].iloc[0] == "far"
    assert "only 1 of the errors were asked about this slice" in result._repr_html_()


@pytest.mark.parametrize(("asked", "known"), [(9, False), (10, True)])
def test_ten_errors_asked_stand_for_the_rest(asked, known):
    predictions, member = counts(100, 900, 40, 100)
    tags = [k % 2 == 0 if k < asked else pd.NA for k in range(1000)]
    member["hum"] = pd.array(tags, dtype="boolean")
    row = slices.report(predictions, member).table.set_index("slice").loc["hum"]
    assert pd.notna(row["share_of_errors"]) == known


def test_all_of_few_errors_need_no_ten():
    predictions, member = counts(3, 97, 2, 10)
    row = slices.report(predictions, member).table.iloc[0]
    assert row["share_of_errors"] == pytest.approx(2 / 3)


def test_without_errors_there_is_no_first():
    predictions, member = counts(0, 50, 0, 10)
    said = repr(slices.report(predictions, member))
    assert said.endswith("There is no error to work on.")


def test_partly_checked_without_a_wrong_label_is_one_accuracy():
    predictions, member = counts(10, 90, 4, 10)
    member[LABEL_IS_WRONG] = pd.array([False] * 5 + [pd.NA] * 95, dtype="boolean")
    result = slices.report(predictions, member)
    assert len(result.accuracies) == 1
    assert result.accuracy == pytest.approx(0.9)


def test_fixing_two_overlapping_slices_gains_at_most_their_union():
    predictions, member = counts(40, 60, 30, 0)
    member["loud"] = [20 <= k < 40 for k in range(100)]
    result = slices.report(predictions, member)
    row = result.overlap.iloc[0]
    assert (row["errors_in_both"], row["errors_in_either"]) == (10, 40)
    assert row["at_most_both_fixed"] == pytest.approx(0.40)
    assert "share 10 errors" in result._repr_html_()
    assert "at most 40.0 points, not by the sum of the two" in result._repr_html_()


def test_hlp_without_n_is_taken_as_exact_and_said_so(course):
    predictions, hlp = speech()
    exact = slices.report(predictions, by_kind(predictions), hlp=hlp.drop(columns="n"))
    assert exact.table["hlp_low"].isna().all()
    assert any("HLP without n is taken as exact" in note for note in exact.notes)
    for one, other in zip(exact.table.itertuples(), course.table.itertuples(), strict=True):
        assert one.gap_high - one.gap_low < other.gap_high - other.gap_low


def test_slices_without_hlp_stand_below_the_others():
    predictions, hlp = speech()
    result = slices.report(predictions, by_kind(predictions), hlp=hlp.iloc[:2])
    assert list(result.table["slice"]) == [
        "clean speech", "car noise", "people noise", "low bandwidth",
    ]  # fmt: skip
    assert any(
        "2 slices whose possible gain is not known stand below" in note for note in result.notes
    )


def test_hlp_alone_makes_no_possible_gain():
    """With errors alone tagged, HLP fills its own cell and changes neither order nor notes."""
    predictions, hlp = speech(2000)
    member = by_kind(predictions)
    right = predictions["label"] == predictions["prediction"]
    member.loc[right, [name for name, *_ in COURSE]] = pd.NA
    result = slices.report(predictions, member, hlp=hlp.iloc[3:])
    assert list(result.table["slice"])[:2] == ["people noise", "clean speech"]
    assert result.notes == ()


def test_first_of_one_is_no_first_place():
    predictions, hlp = speech(2000)
    result = slices.report(predictions, by_kind(predictions), hlp=hlp.iloc[:1])
    assert "First: clean speech" in repr(result)
    assert "stays first" not in repr(result)


def test_a_negative_gap_is_kept():
    predictions, member = counts(1, 99, 1, 99)
    hlp = pd.DataFrame({"slice": ["far"], "hlp": [0.9], "n": [100]})
    result = slices.report(predictions, member, hlp=hlp)
    assert result.table.loc[0, "gap"] == pytest.approx(-0.09)
    assert result.table.loc[0, "possible_gain"] == pytest.approx(-0.09)
    assert "No slice lies below human level." in repr(result)
    few = slices.report(predictions, member, hlp=hlp.assign(n=10))
    assert "below human level here, but the intervals leave it open." in repr(few)


def test_ease_and_importance_move_the_order_and_first_place_is_put_to_the_test():
    predictions, hlp = speech(100_000)
    member = by_kind(predictions)
    names = [name for name, *_ in COURSE]
    hlp = hlp.assign(n=40_000)
    ease = dict.fromkeys(names, 1.0) | {"car noise": 100}
    result = slices.report(predictions, member, hlp=hlp, ease=ease)
    assert result.table["slice"].iloc[0] == "car noise"
    assert result.table.loc[0, "priority"] == pytest.approx(0.16)
    assert result.stays_first > 0.99
    even = slices.report(predictions, member, hlp=hlp, importance=dict.fromkeys(names, 2))
    assert even.stays_first < 0.7
    assert "ease and importance moved by up to a half" in repr(even)


def test_the_same_seed_gives_the_same_report(course):
    predictions, hlp = speech()
    again = slices.report(predictions, by_kind(predictions), hlp=hlp)
    pd.testing.assert_frame_equal(course.table, again.table)
    other = slices.report(predictions, by_kind(predictions), hlp=hlp, rng=1)
    assert not other.table["gap_low"].equals(again.table["gap_low"])


def test_missing_labels_are_left_out_and_missing_predictions_are_errors():
    predictions, member = counts(10, 90, 5, 5)
    predictions.loc[95:, "label"] = None
    predictions.loc[90:92, "prediction"] = None
    result = slices.report(predictions, member)
    assert result.n == 95
    assert result.accuracy == pytest.approx((85 - 3) / 95)
    assert result.notes[:2] == (
        "5 items without a label: left out.",
        "3 items without a prediction: counted as errors.",
    )


@pytest.mark.parametrize(
    ("errors", "correct", "in_errors", "in_correct"),
    [(0, 20, 0, 5), (20, 0, 5, 0), (10, 10, 0, 0), (10, 10, 1, 0), (10, 10, 0, 1), (1, 0, 1, 0)],
)
def test_no_errors_no_correct_and_slices_of_no_or_one_item(errors, correct, in_errors, in_correct):
    predictions, member = counts(errors, correct, in_errors, in_correct)
    hlp = pd.DataFrame({"slice": ["far"], "hlp": [0.9], "n": [10]})
    result = slices.report(predictions, member, hlp=hlp)
    row, n = result.table.iloc[0], in_errors + in_correct
    assert (row["n"], row["errors"]) == (n, in_errors)
    if n:
        assert row["accuracy"] == in_correct / n
    else:
        assert np.isnan(row["accuracy"])
        why = result.reasons.set_index("column")["reason"]
        assert why["accuracy"] == why["gap"] == "no item is in this slice"
    if not errors:
        why = result.reasons.set_index("column")["reason"]
        assert why["share_of_errors"] == "there is no error in the predictions"
    for name in ("accuracy", "share_of_data", "at_most", "possible_gain"):
        if not np.isnan(row[name]):
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
    assert result._repr_html_()
    assert result.plot()


def test_asked_about_nothing_is_empty_everywhere_and_not_a_crash():
    predictions, member = counts(5, 5, 0, 0)
    member["far"] = pd.array([pd.NA] * 10, dtype="boolean")
    result = slices.report(predictions, member)
    assert result.table[["n", "errors", "share_of_errors", "at_most"]].isna().all(axis=None)
    assert "Nothing is known of any slice yet." in repr(result)
    assert result.plot()


def test_items_in_another_order_and_items_without_a_row():
    predictions, member = counts(10, 30, 5, 5)
    shuffled = member.sample(frac=1, random_state=0)
    one, two = (slices.report(predictions, m).table for m in (member, shuffled))
    pd.testing.assert_frame_equal(one, two)
    fewer = slices.report(predictions, member.iloc[:9]).table.iloc[0]
    assert (fewer["errors_asked"], fewer["correct_asked"]) == (9, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hlp": pd.DataFrame({"slice": ["far"], "hlp": [93]})}, "fraction between 0 and 1 .0.93"),
        ({"hlp": pd.DataFrame({"slice": ["far"] * 2, "hlp": [0.9] * 2})}, "one HLP a slice; twice"),
        ({"hlp": pd.DataFrame({"slice": ["far"]})}, "slices.report.. needs the columns slice, hlp"),
        ({"ease": {}}, "above 0 in ease for each slice; missing: 'far'"),
        ({"importance": {"far": 0}}, "importance for each slice; not above 0: 'far'"),
        ({"ease": {"far": 1, "fra": 1}}, "no slice: 'fra'"),
    ],
)
def test_bad_numbers_are_told(change, words):
    predictions, member = counts(2, 2, 1, 1)
    with pytest.raises(TableError, match=words):
        slices.report(predictions, member, **change)


def test_bad_tables_are_told():
    predictions, member = counts(2, 2, 1, 1)
    with pytest.raises(TableError, match="given a table with no rows"):
        slices.report(predictions.iloc[:0], member)
    with pytest.raises(TableError, match="stands in the table more than once: 'i0'"):
        slices.report(predictions.assign(item=["i0", "i0", "i2", "i3"]), member)
    with pytest.raises(TableError, match=r"memberships without a slice\. Tag some errors first"):
        slices.report(predictions, member[["item"]])
    with pytest.raises(TableError, match="found none of the items of the memberships"):
        slices.report(predictions, member.assign(item=list("abcd")))
    with pytest.raises(TableError, match="no item with a label"):
        slices.report(predictions.assign(label=None), member)
    hlp = pd.DataFrame({"slice": ["fra"], "hlp": [0.9]})
    assert "HLP is given for 'fra', which is no slice here: not used." in (
        slices.report(predictions, member, hlp=hlp).notes
    )


def test_names_with_markup_are_text_everywhere(tmp_path):
    predictions, member = counts(4, 6, 2, 2)
    name = "<script>alert(1)</script> | $x$ *b*\nnext"
    result = slices.report(predictions, member.rename(columns={"far": name}))
    page = result.to_html(tmp_path / "r.html").read_text("utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    lines = result.to_markdown(tmp_path / "r.md").read_text("utf-8").splitlines()
    row = next(line for line in lines if line.startswith("| &lt;script&gt;"))
    assert r"\| $x$ \*b\* next |" in row
    unescaped = [len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")]
    assert len(set(unescaped)) == 1
    result.plot().figure.canvas.draw()


def test_exports_hold_the_table(course, tmp_path):
    back = pd.read_csv(course.to_csv(tmp_path / "r.csv"))
    pd.testing.assert_frame_equal(back, course.table, check_dtype=False)
    text = course.to_markdown(tmp_path / "r.md").read_text("utf-8")
    assert "| people noise | 3,000 | 390 | 40.0 % (37.0 to 43.2) | 87.0 %" in text
    page = course.to_html(tmp_path / "r.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert 'alt="Bars of the points of accuracy each slice can bring: people noise 0.60' in page


def test_the_picture_shows_the_gains_in_order(course):
    ax = course.plot()
    assert [t.get_text() for t in ax.get_yticklabels()][-1] == "people noise"
    widths = [bar.get_width() for bar in ax.containers[1]]
    assert widths == pytest.approx(list(100 * course.table["possible_gain"][::-1]))
    assert ax.figure.get_label().startswith("Bars of the points")
