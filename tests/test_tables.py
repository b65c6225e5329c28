import numpy as np
import pandas as pd
import pytest

from mlkit import _tables
from mlkit._tables import TableError

GOOD = pd.DataFrame({"item": ["a", "b"], "label": ["x", "y"], "prediction": ["x", "x"]})


def words(call, table):
    with pytest.raises(TableError) as caught:
        call(table, function="slices.report")
    return str(caught.value)


def test_other_names_get_the_rename_that_mends_them():
    text = words(_tables.predictions, pd.DataFrame({"id": ["a"], "y_true": [1], "yhat": [1]}))
    assert text == (
        "slices.report() needs the columns item, label, prediction; missing: item, label, "
        "prediction. Found: id, y_true, yhat. Rename yours: df.rename(columns="
        '{"id": "item", "y_true": "label", "yhat": "prediction"}).'
    )


def test_the_rename_in_the_error_runs():
    table = GOOD.rename(columns={"item": "image_id", "label": "target"})
    text = words(_tables.predictions, table)
    mended = eval(text.split("Rename yours: ")[1].rstrip("."), {"df": table})
    assert list(_tables.predictions(mended, function="f").columns) == list(GOOD.columns)


def test_a_name_that_cannot_be_guessed_is_left_to_the_person():
    table = GOOD.rename(columns={"prediction": "zzz"})
    assert '{"your prediction column": "prediction"}' in words(_tables.predictions, table)


def test_one_column_is_never_offered_for_two():
    text = words(_tables.predictions, pd.DataFrame({"item": ["a"], "y": [1]}))
    assert '{"y": "label", "your prediction column": "prediction"}' in text


def test_good_tables_pass_and_the_callers_is_left_alone():
    table = GOOD.set_index(pd.Index([7, 9]))
    got = _tables.predictions(table, function="f")
    got["label"] = "changed"
    assert list(got.index) == [0, 1]
    assert list(table["label"]) == ["x", "y"]
    assert list(table.index) == [7, 9]


@pytest.mark.parametrize("table", [None, [1], {"item": ["a"]}, GOOD["item"]])
def test_not_a_dataframe(table):
    assert "needs a pandas DataFrame with the columns item" in words(_tables.predictions, table)


def test_items_that_are_not_text():
    for values, kind in [([1, 2], "an int"), ([1.0, 2.0], "a float"), ([("a",), "b"], "a tuple")]:
        text = words(_tables.items, GOOD.assign(item=values))
        assert f"needs items as text, and found {kind}" in text
        assert 'df.assign(item=df["item"].astype(str))' in text


def test_items_without_a_name():
    text = words(_tables.items, GOOD.assign(item=["a", None]))
    assert "1 row has none" in text
    assert 'df.dropna(subset="item")' in text


def test_items_twice():
    table = pd.concat([GOOD, GOOD, GOOD])
    assert "2 items stand in the table more than once: 'a', 'b'" in words(_tables.items, table)


def test_no_rows():
    assert "a table with no rows" in words(_tables.predictions, GOOD.head(0))


def test_columns_of_one_name():
    table = pd.concat([GOOD, GOOD[["label"]]], axis=1)
    assert "twice here: 'label'" in words(_tables.predictions, table)


def test_text_against_numbers_would_make_each_row_an_error():
    table = GOOD.assign(label=[1, 2], prediction=["1", "2"])
    text = words(_tables.predictions, table)
    assert "prediction holds text where label holds integer values" in text
    mended = eval(text.split("Make both text: ")[1].rstrip("."), {"df": table})
    assert (mended["label"] == mended["prediction"]).all()


@pytest.mark.parametrize(
    ("label", "prediction"),
    [
        (pd.Categorical(["x", "y"]), ["x", "x"]),
        (pd.Categorical([1, 2]), [1, 1]),
        ([None, "y"], ["x", "x"]),
        ([None, None], [1, 2]),
        ([1, 2], [1.0, 2.0]),
        ([True, False], [True, True]),
    ],
)
def test_what_may_stand_as_label_and_prediction(label, prediction):
    table = GOOD.assign(label=label, prediction=prediction)
    assert len(_tables.predictions(table, function="f")) == 2


def test_tags_need_yes_or_no():
    table = pd.DataFrame({"item": ["a", "a"], "tag": ["t", "u"], "value": [True, "maybe"]})
    assert "needs True or False in the column value, and found 'maybe'" in words(
        _tables.tags, table
    )


def test_tags_get_a_sampling_rate_of_one():
    table = pd.DataFrame({"item": ["a"], "tag": ["t"], "value": [1]})
    got = _tables.tags(table, function="f")
    assert got["value"].dtype == bool
    assert list(got["sampling_rate"]) == [1.0]
    assert _tables.tags(table.head(0), function="f").empty


@pytest.mark.parametrize("rate", [0, -0.1, 1.5, np.nan, "often"])
def test_a_sampling_rate_is_a_share(rate):
    table = GOOD[["item"]].assign(dark=[True, None], sampling_rate=[1.0, rate])
    assert "needs a sampling_rate above 0 and at most 1" in words(_tables.memberships, table)


def test_memberships_are_nullable_booleans():
    got = _tables.memberships(GOOD[["item"]].assign(dark=[True, None]), function="f")
    assert got["dark"].dtype == "boolean"
    assert got["dark"].isna().tolist() == [False, True]
    text = words(_tables.memberships, GOOD[["item"]].assign(dark=["yes", "no"]))
    assert "the slice 'dark' holds 'yes', 'no'" in text


def test_annotations_name_who_and_the_last_is_kept_and_counted():
    table = pd.DataFrame(
        {"item": ["a", "a", "a"], "annotator": ["p", "p", "q"], "label": ["x", "y", "x"]}
    )
    kept, left_out = _tables.latest(_tables.annotations(table, function="f"))
    assert left_out == 1
    assert list(zip(kept["annotator"], kept["label"], strict=True)) == [("p", "y"), ("q", "x")]
    text = words(_tables.annotations, table.assign(annotator=["p", None, None]))
    assert "who gave each label, and found 2 rows without an annotator" in text


def test_log_times():
    table = pd.DataFrame({"timestamp": ["2026-01-01"], "item": ["a"], "prediction": ["x"]})
    assert str(_tables.log(table, function="f")["timestamp"].dtype).endswith("UTC]")
    assert "cannot read the column timestamp" in words(
        _tables.log, table.assign(timestamp=["yesterday-ish"])
    )
    assert "needs a time in each row, and 1 row" in words(
        _tables.log, table.assign(timestamp=[None])
    )


def test_a_wide_table_of_labels_is_told_to_melt():
    wide = pd.DataFrame({"item": ["a", "b"], "ann": ["x", "y"], "ben": ["x", "x"]})
    with pytest.raises(TableError, match=r'df\.melt\("item", var_name="annotator"'):
        _tables.annotations(wide, function="agreement")
    with pytest.raises(TableError, match=r"rename\(columns="):  # columns of other names: as before
        _tables.annotations(
            pd.DataFrame({"item": ["a"], "rater": ["x"], "class": ["c"]}), function="agreement"
        )


@pytest.mark.parametrize("kind", ["str", "object", "category", "string"])
def test_among_is_isin_whatever_holds_the_texts(kind):
    values = pd.Series(["a", "b", None, "b", "ä"], dtype=object).astype(kind)
    for known in (["b", "ä"], ["c"], [], ["a", None]):
        found = _tables.among(values, pd.Series(known, dtype=object).astype(kind))
        assert found.dtype == bool
        expected = [value in known if pd.notna(value) else None in known for value in values]
        assert found.tolist() == expected


def test_among_takes_numbers_and_an_index():
    assert _tables.among(pd.Series([1, 2, 3]), pd.Series([2.0])).tolist() == [False, True, False]
    index = pd.Index(["a", "b"])
    assert _tables.among(index, pd.Series(["b"])).tolist() == [False, True]
    assert _tables.among(pd.Series(["b", "c"]), index).tolist() == [True, False]
    assert _tables.among(pd.Series(["1"]), pd.Series([1])).tolist() == [False]
