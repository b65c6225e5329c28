import numpy as np
import pandas as pd
import pytest

from mlkit import slices
from mlkit._tables import BROKEN, FLAGGED, TableError

CLIPS = pd.DataFrame(
    {
        "item": ["a", "b", "c", "d"],
        "label": ["1", "2", "1", "2"],
        "prediction": ["1", "1", "1", "2"],
        "speaker": ["ann", "bo", "ann", None],
        "snr_db": [3.0, 20.0, 9.0, 12.0],
    },
    index=[7, 5, 3, 1],
)


def tags(*rows, columns=("item", "tag", "value", "annotator")):
    return pd.DataFrame(rows, columns=list(columns))


def listed(column):
    return [None if pd.isna(v) else bool(v) for v in column]


def test_never_asked_is_missing_and_seen_without_the_tag_is_false():
    table = slices.memberships(
        CLIPS, tags=tags(("a", "noise", True, "me"), ("b", "noise", False, "me"))
    )
    assert listed(table["noise"]) == [True, False, None, None]
    assert table["noise"].dtype == "boolean"
    assert list(table["sampling_rate"]) == [1, 1, 1, 1]


def test_the_majority_of_those_asked_counts_and_an_even_split_is_not_known():
    rows = [("a", "noise", v, who) for v, who in zip([True, True, False], "xyz", strict=True)]
    rows += [("b", "noise", False, "x"), ("b", "noise", True, "y")]
    rows += [("c", "noise", True, "x"), ("c", "noise", False, "x")]
    table = slices.memberships(CLIPS, tags=tags(*rows))
    assert listed(table["noise"]) == [True, None, False, None]
    assert table.attrs["notes"] == [
        "1 answer given twice by one person: the last one counts.",
        "1 time as many people gave a tag as did not: counted as not known.",
    ]


def test_the_sampling_rate_of_an_item_is_the_likelier_draw():
    given = tags(("a", "noise", True, 0.1), ("a", "far", True, 0.5), ("b", "far", True, 0.2),
                 columns=("item", "tag", "value", "sampling_rate"))  # fmt: skip
    table = slices.memberships(CLIPS, tags=given)
    assert list(table["sampling_rate"]) == [0.5, 0.2, 1, 1]


def test_a_bookmark_makes_no_slice_and_unknown_items_are_told():
    table = slices.memberships(
        CLIPS, tags=tags(("a", FLAGGED, True, "me"), ("z", "noise", True, "me"))
    )
    assert list(table.columns) == ["item", "noise", "sampling_rate"]
    assert table.attrs["notes"] == ["1 tagged item not in the predictions ('z'): left out."]


def test_a_value_is_a_slice_and_so_is_a_missing_value():
    table = slices.memberships(CLIPS, columns="speaker")
    assert listed(table["speaker = ann"]) == [True, False, True, False]
    assert listed(table["speaker is missing"]) == [False, False, False, True]


def test_amounts_are_cut_into_quarters():
    table = pd.DataFrame({"item": [f"i{k}" for k in range(101)], "snr_db": np.arange(101.0)})
    table.loc[3, "snr_db"] = np.nan
    made = slices.memberships(table, columns=["snr_db"])
    names = ["snr_db <= 25.75", "25.75 < snr_db <= 50.5", "50.5 < snr_db <= 75.25",
             "snr_db > 75.25", "snr_db is missing"]  # fmt: skip
    assert list(made.columns[1:-1]) == names
    assert list(made[names].sum()) == [25, 25, 25, 25, 1]
    assert (made[names].sum(axis=1) == 1).all()


def test_few_numbers_are_kinds_and_one_value_is_one_slice():
    table = pd.DataFrame({"item": list("abcd"), "stars": [5, 1, 5, 3], "site": "here"})
    made = slices.memberships(table, columns=["stars", "site"])
    assert list(made.columns[1:-1]) == ["stars = 1", "stars = 3", "stars = 5", "site = here"]


def test_conditions_are_expressions_functions_and_masks():
    made = slices.memberships(
        CLIPS,
        conditions={
            "loud": "snr_db > 10",
            "quiet": lambda t: t["snr_db"] <= 10,
            "array": np.array([True, False, False, True]),
            "series": CLIPS["speaker"] == "bo",
            "other order": (CLIPS["speaker"] == "bo").sort_index(),
            "unknown": pd.Series([True, None, False, True], dtype="boolean"),
        },
    )
    assert listed(made["loud"]) == [False, True, False, True]
    assert listed(made["quiet"]) == [True, False, True, False]
    assert listed(made["array"]) == [True, False, False, True]
    assert listed(made["series"]) == listed(made["other order"]) == [False, True, False, False]
    assert listed(made["unknown"]) == [True, None, False, True]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "has nothing to make slices from: give tags=, columns= or conditions="),
        ({"columns": ["spaeker"]}, "found no column 'spaeker'. Columns: item, label"),
        ({"conditions": {"x": "snr > 10"}}, "the condition 'x' .snr > 10. cannot be computed"),
        ({"conditions": {"x": [True]}}, "for each of the 4 items; it gave 1 values"),
        ({"conditions": {"x": "snr_db + 1"}}, "must give True or False; it gave 4.0, 21.0"),
        ({"conditions": {"x": lambda t: True}}, "for each of the 4 items; it gave True"),
        ({"conditions": {"item": "snr_db > 1"}}, "'item' is the name of a column the table needs"),
        (
            {"columns": ["speaker"], "conditions": {"speaker = ann": "snr_db > 1"}},
            "the slice 'speaker = ann' is made twice, in two ways. Give one another name",
        ),
    ],
)
def test_bad_input_is_told(arguments, words):
    with pytest.raises(TableError, match=words):
        slices.memberships(CLIPS, **arguments)


def test_a_column_of_many_values_is_refused_with_a_way_out():
    table = pd.DataFrame({"item": [f"i{k}" for k in range(40)]})
    table["path"] = table["item"] + ".wav"
    with pytest.raises(TableError, match=r"'path' has 40 different values.*conditions="):
        slices.memberships(table, columns=["path"])


def test_nothing_seen_yet_gives_no_slice():
    empty = tags().astype({"item": str, "value": bool})
    assert list(slices.memberships(CLIPS, tags=empty).columns) == ["item", "sampling_rate"]


def test_the_callers_tables_stay_as_they_are():
    before = CLIPS.copy()
    slices.memberships(CLIPS, columns=["speaker"], conditions={"f": lambda t: t.pop("snr_db") > 1})
    pd.testing.assert_frame_equal(CLIPS, before)


def test_the_same_slice_given_twice_is_one():
    same = {"speaker = bo": CLIPS["speaker"] == "bo"}
    made = slices.memberships(CLIPS, columns=["speaker"], conditions=same)
    assert list(made.columns).count("speaker = bo") == 1


def test_broken_file_is_a_slice_once_a_file_was_broken():
    rows = [("a", BROKEN, False, "me"), ("a", "far", True, "me")]
    assert BROKEN not in slices.memberships(CLIPS, tags=tags(*rows))
    broken = tags(*rows, ("b", BROKEN, True, "me"))
    assert listed(slices.memberships(CLIPS, tags=broken)[BROKEN]) == [False, True, None, None]
