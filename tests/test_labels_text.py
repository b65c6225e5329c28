import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkit import labels
from mlkit._tables import TableError
from mlkit.labels import _normalise

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def said(**texts):
    """Item -> what each person wrote; None: nothing given."""
    rows = [(item, f"p{k}", text) for item, given in texts.items() for k, text in enumerate(given)]
    return pd.DataFrame(rows, columns=["item", "annotator", "label"])


def as_the_reference_did(text):
    return " ".join(re.sub(r"[^a-z0-9' ]", " ", text.lower()).split())


@pytest.fixture(scope="module")
def speech():
    if not (SHARED / "speech-transcripts.csv.gz").exists():
        pytest.skip("../shared/data has no speech-transcripts.csv.gz")
    return pd.read_csv(SHARED / "speech-transcripts.csv.gz", dtype=str)


# Agreement ---------------------------------------------------------------------------------


def test_values_of_another_computation_on_real_transcripts(speech):
    """rapidfuzz on every pair of transcripts of a clip."""
    reference = json.loads((SHARED / "reference.json").read_text(encoding="utf-8"))
    want = reference["speech-transcripts"]["dev_clean"]
    found = labels.text_agreement(speech, normalise=as_the_reference_did, rng=0)
    value = found.measures.set_index(["version", "measure"])["value"]
    assert found.table["pairs"].sum() == want["pairs"]
    assert found.n == want["items"]
    assert value["normalised", "words"] == pytest.approx(
        want["mean_pairwise_norm_word_edit_distance_normalised_text"], abs=1e-9
    )
    assert value["normalised", "characters"] == pytest.approx(
        want["mean_pairwise_norm_char_edit_distance_normalised_text"], abs=1e-9
    )
    assert value["as written", "characters"] == pytest.approx(
        want["mean_pairwise_norm_char_edit_distance_raw_text"], abs=1e-9
    )
    assert found.identical == pytest.approx(want["identical_after_normalisation_share"], abs=1e-9)
    assert value["as written", "identical"] == pytest.approx(want["identical_raw_share"], abs=1e-9)
    assert found.distance == value["normalised", "words"]
    assert found.low < found.distance < found.high


def test_a_hand_computed_example():
    # Words: 1 of 3 exchanged, and 1 of 2 left out; characters: kitten - sitting is 3 of 7.
    table = said(a=["one two three", "one two four"], b=["kitten", "sitting"])
    found = labels.text_agreement(table, rng=0)
    rows = found.table.set_index("item")
    assert rows.loc["a", "words"] == pytest.approx(1 / 3)
    assert rows.loc["b", "words"] == 1
    assert rows.loc["b", "characters"] == pytest.approx(3 / 7)
    assert found.distance == pytest.approx(2 / 3)
    assert list(found.table["item"]) == ["b", "a"]
    by_sign = labels.text_agreement(table, unit="characters", rng=0)
    assert by_sign.distance == pytest.approx((3 / 7 + 5 / 13) / 2)  # three - four: 5 signs


def test_every_pair_weighs_the_same():
    table = said(a=["x"] * 4, b=["x", "y"])
    assert labels.text_agreement(table, rng=0).distance == pytest.approx(1 / 7)


def test_texts_without_words_are_texts():
    table = said(a=["", ""], b=["", "well"])
    found = labels.text_agreement(table, rng=0)
    assert found.table.set_index("item")["words"].to_dict() == {"a": 0, "b": 1}
    assert found.identical == 0.5


def test_missing_repeated_and_earlier_texts_are_counted():
    table = said(a=["x", "y", None], b=["x"])
    table = pd.concat([table, said(a=["y"])], ignore_index=True).assign(repeat=0)
    table = pd.concat([table, said(b=["z"]).assign(repeat=1)])
    found = labels.text_agreement(table, rng=0)
    assert found.distance == 0  # p0 wrote x first and then y
    assert found.n == 1
    text = " ".join(found.notes)
    assert "1 row without a label left out" in text
    assert "1 earlier label of the same person" in text
    assert "1 repeated label left out" in text
    assert "1 item with the text of one person: left out." in text


def test_what_is_no_text_is_told():
    with pytest.raises(
        TableError, match=r"needs texts in the column label, and found an? .*astype"
    ):
        labels.text_agreement(said(a=[1, 2]))
    with pytest.raises(ValueError, match=r'in "words" or "characters"; got .letters'):
        labels.text_agreement(said(a=["x", "y"]), unit="letters")
    with pytest.raises(ValueError, match="knows no normalisation 'upper'; it knows accents"):
        labels.text_agreement(said(a=["x", "y"]), normalise="upper")
    with pytest.raises(TypeError, match="gives a text for a text"):
        labels.text_agreement(said(a=["x", "y"]), normalise=len)


def test_without_two_texts_there_is_no_distance_and_it_says_so():
    for table in (said(a=["x"], b=["y"]), said(a=[None, None]), said()):
        found = labels.text_agreement(table, rng=0)
        assert np.isnan([found.distance, found.low, found.high]).all()
        assert "no item has texts of two people" in repr(found)
        assert "—" in found._repr_html_()


def test_before_and_after_stand_side_by_side():
    table = said(a=["Um, yes!", "yes"], b=["No", "no"])
    found = labels.text_agreement(table, normalise="fillers + punctuation + lower case", rng=0)
    assert found.distance == 0
    assert "as written they differ in 100.0 %" in repr(found)
    assert "fillers + punctuation + lower case" in repr(found)
    gain = found.measures.query("version == 'gain'").set_index("measure")["value"]
    assert gain["words"] == 1
    assert gain["identical"] == 1
    assert "Distance between texts" in found.plot().get_figure().get_label()


def test_texts_are_escaped():
    table = said(a=["<b>", "x"])
    page = labels.text_agreement(table, normalise=lambda text: text, rng=0)._repr_html_()
    assert "<lambda>" not in page


texts = st.text(alphabet="ab ,'Ä", max_size=8)
tables = st.lists(
    st.tuples(st.sampled_from("xyz"), st.sampled_from("pqr"), texts),
    min_size=1,
    max_size=9,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=60, deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_names_change_anything(rows, random):
    columns = ["item", "annotator", "label"]
    first = pd.DataFrame(rows, columns=columns)
    other = pd.DataFrame(random.sample(rows, len(rows)), columns=columns)
    other["annotator"] = other["annotator"].map({"p": "z", "q": "k", "r": "a"})
    one, two = labels.text_agreement(first, rng=0), labels.text_agreement(other, rng=0)
    pd.testing.assert_frame_equal(one.table, two.table)
    assert one.distance == pytest.approx(two.distance, nan_ok=True)
    assert (one.low, one.high) == pytest.approx((two.low, two.high), nan_ok=True)
    values = one.measures["value"].dropna()
    assert values.between(0, 1).all()


# Normalisations ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("numbers", "two hundred and five", "205"),
        ("numbers", "one thousand two hundred thirty-four men", "1234 men"),
        ("numbers", "one two three", "1 2 3"),
        ("numbers", "Twenty one, twenty ten", "21, 20 10"),
        ("numbers", "1,000,000 or 1,5", "1000000 or 1,5"),
        ("numbers", "someone weighs a tone", "someone weighs a tone"),
        ("numbers", "five thousand and one", "5001"),
        ("fillers", "Um, I uhm think er so, hmm.", "I think so,"),
        ("fillers", "umbrella her term", "umbrella her term"),
        ("accents", "déjà vu, naïve", "deja vu, naive"),
        ("apostrophes", "don't don\u2019t", "dont dont"),
        ("punctuation", "'so' don't well-known... (c) dogs' a_b", "so don't well known c dogs a b"),
        ("lower case", "ABC", "abc"),
        ("blanks", " a  b\n", "a b"),
        ("fillers + punctuation + lower case", "Um, Well...", "well"),
    ],
)  # fmt: skip
def test_each_normalisation(name, before, after):
    assert _normalise.resolve(name, function="test")[1](before) == after


@given(st.text(max_size=30))
def test_a_normalisation_done_twice_does_nothing_new(text):
    for name in ("accents", "apostrophes", "punctuation", "lower case", "blanks", "fillers"):
        change = _normalise.NORMALISATIONS[name]
        once = change(text)
        if name != "lower case":  # "İ" lowers to two signs
            assert change(once) == once


def test_the_normalisation_that_wins_most_comes_first():
    rng = np.random.default_rng(1)
    marks = ["", ",", "."]
    texts = {
        f"c{k}": [f"{word}{rng.choice(marks)} yes{rng.choice(marks)}" for word in ("Oh", "oh")]
        for k in range(200)
    }
    found = labels.normalisations(said(**texts), rng=0)
    assert found["normalisation"][0] == "punctuation + lower case"
    best = found.iloc[0]
    assert best["after"] == 0
    assert best["gain_low"] <= best["gain"] <= best["gain_high"]
    assert best["n"] == 100
    single = found.set_index("normalisation")
    assert single.loc["blanks", "gain"] == 0
    assert single.loc["blanks", "cost"] == 0
    assert single.loc["lower case", "cost"] > 0
    assert (found["gain_choosing"].diff().dropna() <= 1e-12).all()
    named = labels.text_agreement(said(**texts), normalise=best["normalisation"], rng=0)
    assert named.distance == 0


def test_own_choices_by_name():
    table = said(**{f"c{k}": ["gray", "grey"] for k in range(8)})
    spelling = labels.variants(table)
    found = labels.normalisations(
        table, choices={"case": "lower case", "spelling": spelling}, rng=0
    )
    assert list(found["normalisation"]) == ["spelling", "case"]
    assert found["gain"].tolist() == [1, 0]
    only = labels.normalisations(table, choices=["lower case"], rng=0)
    assert list(only["normalisation"]) == ["lower case"]
    assert "too narrow" in " ".join(found.attrs["notes"])
    with pytest.raises(ValueError, match="no normalisation to choose from"):
        labels.normalisations(table, choices={})


def test_the_gain_told_is_not_of_the_items_that_chose():
    """Own computation of the gain over the half that the choosing half leaves."""
    rng = np.random.default_rng(3)
    words = ["Yes", "yes", "yes,", "no"]
    table = said(**{f"c{k:03}": list(rng.choice(words, 2)) for k in range(120)})
    row = labels.normalisations(table, choices=["lower case"], rng=5).iloc[0]
    assert row["n"] == 60
    whole = labels.text_agreement(table, normalise="lower case", rng=0)
    gain = whole.measures.query("version == 'gain' and measure == 'words'")["value"].iloc[0]
    assert (row["gain"] + row["gain_choosing"]) / 2 == pytest.approx(gain)


def test_normalisations_without_two_texts_are_all_empty():
    found = labels.normalisations(said(a=["x"]), rng=0)
    assert found["gain"].isna().all()
    assert (found["n"] == 0).all()
    assert "1 item with the text of one person: left out." in found.attrs["notes"]


def test_case_marks_and_numbers_win_on_real_speech(speech):
    some = speech[speech["item"].isin(sorted(speech["item"].unique())[:600])]
    found = labels.normalisations(some, rng=0).set_index("normalisation")
    first = found.index[0]
    assert {"punctuation", "lower case"} <= set(first.split(" + "))
    assert 0.07 < found.loc[first, "gain_low"] < found.loc[first, "gain_high"] < 0.12
    assert (found["gain"] <= found.loc[first, "gain"]).all()


# Variants ----------------------------------------------------------------------------------


def test_um_and_umm_okay_and_ok_are_one_word():
    table = said(
        a=["um okay so", "umm, OK so", "um ok so"],
        b=["so um okay", "so umm okay", "so umm ok"],
    )
    found = labels.variants(table).set_index("form")
    assert found.loc["ok", "variants"] == ["okay"]
    assert found.loc["um", "variants"] == ["umm"]
    assert found.loc["ok", "items"] == 2
    assert found.loc["ok", "n"] == 4
    one = labels.text_agreement(
        table[table["item"] == "b"], normalise=labels.variants(table), rng=0
    )
    assert one.identical == 1


def test_a_word_that_is_misheard_at_times_is_no_variant():
    same = {f"s{k}": ["this and that", "this and that"] for k in range(10)}
    other = {f"t{k}": ["this an that", "this an that"] for k in range(10)}
    heard = {"m1": ["this and that", "this an that"], "m2": ["he and she", "he an she"]}
    assert labels.variants(said(**same, **other, **heard)).empty
    assert list(labels.variants(said(**heard))["form"]) == ["an"]


def test_one_item_is_not_enough_and_unlike_words_need_three():
    assert labels.variants(said(a=["gray", "grey"])).empty
    assert labels.variants(said(a=["2", "two"], b=["2", "two"])).empty
    assert len(labels.variants(said(a=["2", "two"], b=["2", "two"], c=["2", "two"]))) == 1


def test_one_word_or_two():
    table = said(a=["air tight vessel", "airtight vessel"], b=["an air tight", "an airtight"])
    found = labels.variants(table)
    assert found["form"].tolist() == ["air tight"]
    assert found["variants"].tolist() == [["airtight"]]
    assert found["n"].tolist() == [2]
    joined = labels.text_agreement(table, normalise=found, rng=0)
    assert joined.distance == 0


def test_a_chain_does_not_make_one_word_of_three():
    """thier stands for their, and once for the; the and their stay two words."""
    table = said(
        a=["their house", "thier house"],
        b=["their dog", "thier dog"],
        c=["the end", "thier end"],
        d=["the cat", "thier cat", "thier cat"],
        **{f"e{k}": ["the their", "the their"] for k in range(9)},
    )
    found = labels.variants(table)
    assert {"the", "their"} - set(found["variants"].sum()) == {"the", "their"}
    assert sum("thier" in forms for forms in found["variants"]) == 1


def test_variants_of_nothing():
    for table in (said(), said(a=["x"]), said(a=["same", "same"])):
        found = labels.variants(table)
        assert found.empty
        assert list(found.columns) == ["form", "variants", "n", "items"]
        assert labels.text_agreement(said(a=["x", "y"]), normalise=found, rng=0).distance == 1


def test_real_spellings_are_found_in_real_speech(speech):
    found = labels.variants(speech)
    pairs = {
        frozenset((form, one))
        for form, others in zip(found["form"], found["variants"], strict=True)
        for one in others
    }
    for wanted in ("mister mr", "two 2", "honor honour", "gray grey", "don't dont"):
        assert frozenset(wanted.split()) in pairs
    assert frozenset(["at least", "atleast"]) in pairs
    for two_words in ("and an", "his this", "the their", "men man"):
        assert frozenset(two_words.split()) not in pairs


@settings(max_examples=40, deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_variants_do_not_hang_on_order_or_names(rows, random):
    columns = ["item", "annotator", "label"]
    first = pd.DataFrame(rows, columns=columns)
    other = pd.DataFrame(random.sample(rows, len(rows)), columns=columns)
    other["item"] = other["item"].map({"x": "k", "y": "b", "z": "a"})
    pd.testing.assert_frame_equal(labels.variants(first), labels.variants(other))
