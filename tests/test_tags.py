"""The journal: what each sequence of events means, and what goes out and comes in."""

import csv
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlkit._tables import tags as tags_table
from mlkit.tags import (
    BROKEN,
    FLAGGED,
    LABEL_IS_WRONG,
    RESERVED_TAGS,
    Journal,
    JournalError,
    Look,
    _fold,
)
from mlkit.tags import _events as events_module


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal.db")


def answers(table):
    """{(item, tag): value} without the reserved tags."""
    table = table[~table["tag"].isin(RESERVED_TAGS)]
    return {(row.item, row.tag): row.value for row in table.itertuples()}


# --- what the events mean ---------------------------------------------------------------------


def test_a_tag_given_is_true_one_on_offer_and_not_given_is_false(journal):
    journal.tag("7", "noise", vocabulary=["noise", "echo"])
    journal.seen("7", vocabulary=["noise", "echo"])
    assert answers(journal.tags()) == {("7", "noise"): True, ("7", "echo"): False}


def test_the_tags_table_is_one(journal):
    journal.tag("7", "noise", sampling_rate=0.25)
    journal.seen("7", vocabulary=["noise", "echo"], sampling_rate=0.25)
    table = journal.tags()
    assert list(table.columns) == ["item", "tag", "value", "annotator", "at", "sampling_rate"]
    assert table["value"].dtype == bool
    assert table["at"].dt.tz is not None
    assert (table["sampling_rate"] == 0.25).all()
    pd.testing.assert_frame_equal(tags_table(table, function="test"), table)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["tag x"], {"x": True}),  # given before the look is done: kept
        (["tag x", "untag x"], {}),  # taken off before the look is done: nobody was asked yet
        (["tag x", "untag x", "seen xy"], {"x": False, "y": False}),
        (["tag x", "untag x", "tag x", "seen x"], {"x": True}),
        (["seen x", "tag x"], {"x": True}),  # a tag given later counts
        (["seen x", "tag x", "untag x"], {"x": False}),
        (["seen x", "tag z"], {"x": False, "z": True}),  # not on offer, given all the same
        (["seen x", "tag z", "untag z"], {"x": False}),  # never asked for z
        (["seen x", "seen xy"], {"x": False, "y": False}),
        (["seen xy", "seen y"], {"x": False, "y": False}),  # asked once is asked
        (["seen xy", "unseen", "seen y"], {"y": False}),
        (["tag x", "seen x", "unseen"], {"x": True}),
    ],
)
def test_each_order_of_looking_and_tagging(journal, steps, expected):
    for step in steps:
        kind, _, rest = step.partition(" ")
        event = {"kind": kind, "item": "7"}
        journal.write([event | ({"vocabulary": list(rest)} if kind == "seen" else {"value": rest})])
    assert answers(journal.tags()) == {("7", tag): value for tag, value in expected.items()}


def test_a_tag_added_later_was_never_asked_of_what_was_seen_before(journal):
    for number in range(5):
        journal.seen(str(number), vocabulary=["noise"])
    journal.tag("5", "glare", vocabulary=["noise", "glare"])
    journal.seen("5", vocabulary=["noise", "glare"])
    journal.tag("2", "glare", vocabulary=["noise", "glare"])
    assert journal.unchecked("glare") == ["0", "1", "3", "4"]
    assert journal.unchecked("noise") == []
    assert journal.unchecked("a tag nobody knows") == ["0", "1", "2", "3", "4", "5"]
    table = journal.tags()
    assert sorted(table.loc[table["tag"] == "glare", "item"]) == ["2", "5"]
    assert journal.vocabulary() == ["noise", "glare"]


def test_reserved_tags_are_always_on_offer_and_no_part_of_the_vocabulary(journal):
    journal.tag("7", LABEL_IS_WRONG)
    journal.seen("7", vocabulary=["noise"])
    table = journal.tags().set_index("tag")["value"]
    assert table.to_dict() == {
        "noise": False,
        LABEL_IS_WRONG: True,
        FLAGGED: False,
        BROKEN: False,
    }
    assert journal.vocabulary() == ["noise"]
    assert journal.unchecked(FLAGGED) == []


def test_people_answer_for_themselves(journal):
    journal.tag("7", "noise", annotator="ada")
    journal.seen("7", vocabulary=["noise"], annotator="ada")
    journal.seen("7", vocabulary=["noise", "echo"], annotator="bo")
    table = journal.tags().set_index(["annotator", "tag"])["value"]
    assert table["ada", "noise"]
    assert not table["bo", "noise"]
    assert ("ada", "echo") not in table.index
    assert journal.unchecked("echo") == []  # one of them was asked
    assert journal.unchecked("echo", annotator="ada") == ["7"]
    assert journal.vocabulary(annotator="ada") == ["noise"]
    assert set(journal.tags(annotator="bo")["annotator"]) == {"bo"}


def test_repeats_stand_beside_the_first_look_and_not_in_the_table(journal):
    journal.tag("7", "noise")
    journal.seen("7", vocabulary=["noise", "echo"])
    journal.tag("7", "echo", repeat=1)
    journal.seen("7", vocabulary=["noise", "echo"], repeat=1)
    journal.seen("8", vocabulary=["noise"], repeat=1)  # no first look to compare with
    assert answers(journal.tags()) == {("7", "noise"): True, ("7", "echo"): False}
    both = journal.repeats()
    assert list(both.columns) == ["item", "tag", "annotator", "repeat", "first", "second"]
    both = both[~both["tag"].isin(RESERVED_TAGS)]
    assert both[["tag", "first", "second"]].to_numpy().tolist() == [
        ["noise", True, False],
        ["echo", False, True],
    ]
    assert journal.seen_items() == ["7"]
    assert journal.seen_items(repeat=1) == ["7", "8"]


def test_the_order_is_the_order_of_writing_whatever_the_clock_says(journal):
    journal.write([{"kind": "tag", "item": "7", "value": "x", "at": "2031-01-01T00:00:00Z"}])
    journal.write([{"kind": "untag", "item": "7", "value": "x", "at": "2001-01-01T00:00:00Z"}])
    journal.seen("7", vocabulary=["x"], at="1999-01-01T01:00:00+01:00")
    table = journal.tags()
    assert answers(table) == {("7", "x"): False}
    assert str(table["at"].iloc[0]) == "1999-01-01 00:00:00+00:00"


def test_the_order_holds_when_this_computers_clock_runs_back(journal, monkeypatch):
    journal.tag("7", "x")
    monkeypatch.setattr("mlkit.tags._store.time.time_ns", lambda: 10**18)
    journal.untag("7", "x")
    journal.tag("7", "y")
    assert journal.events()["value"].tolist() == ["x", "x", "y"]
    assert answers(journal.tags()) == {("7", "y"): True}


def test_notes_and_labels_hold_the_last_word(journal):
    journal.note("7", "first")
    journal.note("7", "second\nline")
    journal.note("8", "gone")
    journal.note("8", "")
    journal.label("7", "yes", annotator="ada", guide="v1")
    journal.label("7", "no", annotator="ada", guide="v2")
    journal.label("7", "yes", annotator="ada", repeat=1)
    assert journal.notes()[["item", "note"]].to_numpy().tolist() == [["7", "second\nline"]]
    journal.label("7", "no", annotator="ada", repeat=1, duration_s=2.5)
    labels = journal.annotations()
    assert labels[["item", "annotator", "label", "repeat"]].to_numpy().tolist() == [
        ["7", "ada", "yes", 0],
        ["7", "ada", "no", 0],
        ["7", "ada", "no", 1],
    ]
    assert labels["guide"].iloc[:2].tolist() == ["v1", "v2"], "a guide's labels are its own"
    assert labels["duration_s"].isna().tolist() == [True, True, False]
    assert labels["duration_s"].iloc[2] == 2.5


def test_items_come_in_the_order_they_were_first_done(journal):
    for item in ("c", "a", "b", "a"):
        journal.seen(item, vocabulary=[])
    assert journal.seen_items() == ["c", "a", "b"]
    journal.undo()
    journal.undo()
    assert journal.seen_items() == ["c", "a"]


def test_an_empty_journal_answers_everything(journal):
    assert journal.tags().empty
    assert journal.repeats().empty
    assert journal.notes().empty
    assert journal.annotations().empty
    assert journal.vocabulary() == journal.seen_items() == journal.unchecked("x") == []
    assert journal.undo() is None
    assert journal.write([]) == []
    assert "nothing written yet" in repr(journal)


# --- undo and rename --------------------------------------------------------------------------


def test_undo_works_after_a_restart_and_says_what_it_did(tmp_path):
    first = Journal(tmp_path / "journal.db")
    first.seen("7", vocabulary=["noise"])
    kept = first.tag("7", "noise")
    first.close()
    later = Journal(tmp_path / "journal.db")
    undone = later.undo()
    assert (undone["kind"], undone["value"], undone["undoes"]) == ("untag", "noise", kept)
    assert answers(later.tags()) == {("7", "noise"): False}
    assert later.undo()["kind"] == "unseen"
    assert later.tags().empty
    assert later.undo() is None
    assert len(later.events()) == 4  # nothing was ever taken out


def test_undo_gives_back_what_was_there_before(journal):
    journal.note("7", "first")
    journal.note("7", "second")
    journal.tag("7", "x")
    journal.tag("7", "x")
    journal.undo()
    assert answers(journal.tags()) == {("7", "x"): True}  # the first of the two still stands
    journal.undo()
    assert answers(journal.tags()) == {}
    journal.undo()
    assert journal.notes()["note"].tolist() == ["first"]


def test_people_take_back_only_what_they_wrote_themselves(journal):
    own = journal.tag("7", "x", annotator="ada")
    journal.tag("7", "x", annotator="bo")
    assert journal.undo(annotator="cy") is None
    assert journal.undo(annotator="ada")["undoes"] == own
    assert journal.undo(annotator="ada") is None
    other = journal.tag("8", "x", annotator="ada")
    with pytest.raises(JournalError, match="bo cannot take back what ada wrote"):
        journal.write(
            [
                {"kind": "tag", "item": "9", "value": "x", "annotator": "bo"},
                {"kind": "untag", "item": "8", "value": "x", "annotator": "bo", "undoes": other},
            ]
        )
    assert "9" not in set(journal.events()["item"])  # all or nothing


def test_two_tabs_of_one_person_undo_one_after_the_other(tmp_path):
    one, two = Journal(tmp_path / "journal.db"), Journal(tmp_path / "journal.db")
    one.tag("1", "x")
    two.tag("2", "x")
    assert one.undo()["item"] == "2"
    assert two.undo()["item"] == "1"
    assert one.undo() is None


def test_an_undo_can_itself_be_taken_back(journal):
    kept = journal.tag("7", "x")
    undo = journal.undo()["id"]
    journal.write([{"kind": "tag", "item": "7", "value": "x", "undoes": undo}])
    assert answers(journal.tags()) == {("7", "x"): True}
    assert journal.undo()["undoes"] == kept


def test_undo_finds_its_way_past_many_undone_events(journal):
    journal.tag("first", "x")
    journal.write({"kind": "tag", "item": str(n), "value": "x"} for n in range(120))
    for _ in range(120):
        journal.undo()
    assert journal.undo()["item"] == "first"


def test_a_mistyped_tag_gets_its_name_and_can_have_it_back(journal):
    journal.tag("1", "nois")
    journal.seen("1", vocabulary=["nois", "echo"])
    journal.seen("2", vocabulary=["nois", "echo"])
    before = journal.tags()
    journal.rename_tag("nois", "noise")
    assert journal.vocabulary() == ["noise", "echo"]
    assert answers(journal.tags()) == {
        ("1", "noise"): True,
        ("1", "echo"): False,
        ("2", "noise"): False,
        ("2", "echo"): False,
    }
    assert journal.unchecked("noise") == []
    journal.tag("3", "nois")  # typed wrongly again, later: a tag of its own
    assert journal.vocabulary() == ["noise", "echo", "nois"]
    journal.undo()
    assert journal.undo()["kind"] == "rename"
    pd.testing.assert_frame_equal(journal.tags(), before)


def test_a_name_that_comes_back_after_a_rename_is_another_tag(journal):
    journal.seen("1", vocabulary=["nois"])
    journal.rename_tag("nois", "noise")
    journal.seen("1", vocabulary=["nois"])
    assert answers(journal.tags()) == {("1", "noise"): False, ("1", "nois"): False}


def test_two_tags_become_one_and_keep_what_either_said(journal):
    journal.tag("1", "nois")
    journal.tag("2", "noise")
    journal.tag("3", "nois")
    journal.tag("3", "noise")
    journal.untag("3", "nois")
    journal.seen("4", vocabulary=["nois"])
    journal.tag("5", "nois", annotator="bo")
    journal.rename_tag("nois", "noise")
    table = journal.tags(annotator="me")
    assert answers(table) == {
        ("1", "noise"): True,
        ("2", "noise"): True,
        ("3", "noise"): True,
        ("4", "noise"): False,
    }
    assert journal.vocabulary(annotator="bo") == ["nois"]


def test_a_rename_that_makes_no_sense_is_refused(journal):
    journal.tag("1", "nois")
    with pytest.raises(JournalError, match="me never used the tag 'noise'; the tags are: nois"):
        journal.rename_tag("noise", "loud")
    with pytest.raises(JournalError, match="'flagged' has a meaning of its own"):
        journal.rename_tag(FLAGGED, "later")


# --- writing ----------------------------------------------------------------------------------


def test_writing_an_event_twice_is_harmless(journal):
    event = {"id": "e1", "kind": "tag", "item": "7", "value": "x"}
    assert journal.write([event]) == ["e1"]
    assert journal.write([event, event]) == ["e1", "e1"]
    assert len(journal.events()) == 1


def test_one_id_for_two_events_is_refused_and_nothing_is_kept(journal):
    journal.write([{"id": "e1", "kind": "tag", "item": "7", "value": "x"}])
    with pytest.raises(JournalError, match=r"Two different events have the id 'e1'.*Nothing"):
        journal.write(
            [
                {"id": "e2", "kind": "tag", "item": "8", "value": "x"},
                {"id": "e1", "kind": "untag", "item": "7", "value": "x"},
            ]
        )
    assert journal.events()["id"].tolist() == ["e1"]


def test_every_field_comes_back_as_it_was_written(journal):
    event = {
        "id": "e1",
        "annotator": "Zoë",
        "at": "2026-11-21T08:00:00.250Z",
        "item": "a/b\nc.png",
        "kind": "seen",
        "value": "",
        "vocabulary": ["<b>bold</b>", "日本語", "=1+1"],
        "repeat": 2,
        "sampling_rate": 0.1,
        "undoes": None,
        "guide": "v2",
        "duration_s": 1.25,
    }
    journal.write([event])
    (back,) = journal.events().to_dict("records")
    assert back.pop("at").isoformat() == "2026-11-21T08:00:00.250000+00:00"
    assert pd.isna(back.pop("undoes"))
    assert back == {name: event[name] for name in back}


def test_numpys_numbers_and_texts_are_taken(journal):
    import numpy as np

    journal.tag(np.str_("7"), np.str_("x"), repeat=np.int64(0), sampling_rate=np.float32(0.5))
    row = journal.events().iloc[0]
    assert (row["item"], row["value"], row["sampling_rate"]) == ("7", "x", 0.5)


def test_a_tag_has_one_spelling(journal):
    journal.tag("7", " caf\u00e9 ")
    journal.untag("7", "cafe\u0301")
    assert journal.events()["value"].unique().tolist() == ["caf\u00e9"]
    assert answers(journal.tags()) == {}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"kind": "tag", "value": "x" * 10_000}, "at most 200 characters; this one has 10,000"),
        ({"kind": "tag", "value": ""}, "A tag cannot be empty"),
        ({"kind": "tag", "value": "  "}, "A tag cannot be empty"),
        ({"kind": "tag", "value": "a\nb"}, "line break"),
        ({"kind": "tag", "value": "a\x1bb"}, "cannot be seen"),
        ({"kind": "tag", "value": 3}, "A tag is text; this one is 3"),
        ({"kind": "note", "value": "a\0b"}, "no database keeps"),
        ({"kind": "note", "value": "a\ud800b"}, "no database keeps"),
        ({"kind": "note", "value": "x" * 10_001}, "at most 10,000 characters"),
        ({"kind": "label", "value": ""}, "A label cannot be empty"),
        ({"kind": "seen", "item": 7}, r"An item is text; this one is 7 \(int\)"),
        ({"kind": "seen", "item": None}, "An item is text"),
        ({"kind": "seen", "item": ""}, "An item cannot be empty"),
        ({"kind": "seen", "value": "x"}, "kind seen has no value"),
        ({"kind": "looked"}, "kind is one of seen, unseen, tag, .* this one is 'looked'"),
        ({}, "kind is one of"),
        ({"kind": "seen", "vocabulary": "noise"}, r"a list of tags; .* Write \['noise'\]"),
        ({"kind": "seen", "vocabulary": ["ok", ""]}, "A tag cannot be empty"),
        ({"kind": "seen", "at": "yesterday"}, "ISO text with its time zone"),
        ({"kind": "seen", "at": "2026-11-21T08:00:00"}, "ISO text with its time zone"),
        ({"kind": "seen", "repeat": -1}, "repeat is a whole number"),
        ({"kind": "seen", "repeat": True}, "repeat is a whole number"),
        ({"kind": "seen", "sampling_rate": 0}, "above 0 and at most 1"),
        ({"kind": "seen", "sampling_rate": float("nan")}, "above 0 and at most 1"),
        ({"kind": "seen", "duration_s": -1}, "duration_s is a number of seconds, 0 or more"),
        ({"kind": "seen", "duration_s": float("nan")}, "duration_s is a number of seconds"),
        ({"kind": "seen", "duration_s": "2 s"}, "duration_s is a number of seconds"),
        ({"kind": "seen", "annotator": ""}, "An annotator cannot be empty"),
        ({"kind": "seen", "tags": ["x"]}, "no field 'tags'; the fields are id, annotator"),
        ({"kind": "rename", "value": "x"}, "names the old tag and the new"),
        ("seen", "An event is a dict"),
    ],
)
def test_what_an_event_may_not_hold(journal, event, words):
    good = {"kind": "seen", "item": "8"}
    bad = {"item": "7", **event} if isinstance(event, dict) else event
    with pytest.raises(JournalError, match=words) as error:
        journal.write([good, bad])
    assert "Nothing was written" in str(error.value)
    assert journal.events().empty


def test_html_in_a_tag_is_text_and_shown_as_text(journal):
    journal.tag("<i>7</i>", "<script>alert(1)</script>", annotator="<b>me</b>")
    assert answers(journal.tags()) == {("<i>7</i>", "<script>alert(1)</script>"): True}
    assert "<b>me</b>" not in journal._repr_html_()
    assert "&lt;b&gt;me&lt;/b&gt;" in journal._repr_html_()


def test_a_journal_says_how_much_is_in_it(journal):
    journal.seen("7", vocabulary=[], annotator="ada", at="2026-11-20T08:00:00Z")
    journal.seen("7", vocabulary=[], annotator="bo", at="2026-11-21T08:00:00Z")
    assert repr(journal).endswith("2 events by 2 annotators, since 2026-11-20.")
    assert "2026-11-21 08:00" in journal._repr_html_()
    journal.label("8", "cat", annotator="cy")
    assert ">1<" in journal._repr_html_().split("cy")[1], "what is labelled was seen"


def test_importing_the_journal_imports_nothing_heavy():
    heavy = "librosa albumentations cv2 matplotlib anywidget IPython scipy sklearn"
    code = (
        "import sys; from mlkit import tags; "
        f"print([m for m in {heavy.split()!r} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# --- any sequence of events -------------------------------------------------------------------

TAGS = ("x", "y", "z", FLAGGED)


@st.composite
def sequences(draw, own_undo_only=False):
    """Events as a front end may send them: any order, undone, renamed, two people, two looks."""
    out = []
    for number in range(draw(st.integers(0, 14))):
        kind = draw(st.sampled_from(["seen", "seen", "tag", "tag", "untag", "unseen", "rename"]))
        who = draw(st.sampled_from(["ada", "bo"]))
        event = {
            "id": f"e{number}",
            "annotator": who,
            "kind": kind,
            "item": draw(st.sampled_from(["1", "2"])),
            "repeat": draw(st.sampled_from([0, 0, 0, 1])),
            "sampling_rate": draw(st.sampled_from([1.0, 0.5])),
            "vocabulary": draw(st.lists(st.sampled_from(TAGS), unique=True)),
            "undoes": None,
        }
        if kind in ("tag", "untag"):
            event["value"] = draw(st.sampled_from(TAGS))
        if kind == "rename":
            old, new = draw(st.tuples(st.sampled_from("xyz"), st.sampled_from("xyz")))
            event |= {"vocabulary": list(dict.fromkeys([old, new])), "value": new, "item": ""}
            if old == new:
                event |= {"kind": "note", "item": "1", "vocabulary": []}
        if draw(st.integers(0, 3)) == 0:
            targets = [e["id"] for e in out if e["annotator"] == who]
            if not own_undo_only:
                targets = [f"e{n}" for n in range(16)]
            if targets:
                event["undoes"] = draw(st.sampled_from(targets))
        out.append(event)
    return out


def table_of(events):
    rows = [events_module.checked(event) for event in events]
    return pd.DataFrame(rows, columns=list(events_module.FIELDS), dtype=object)


def alive(events):
    """Word for word: an event stands unless a standing later one of its author takes it back."""

    def stands(place):
        return not any(
            later["undoes"] == events[place]["id"]
            and later["annotator"] == events[place]["annotator"]
            and stands(place + 1 + n)
            for n, later in enumerate(events[place + 1 :])
        )

    return [e for n, e in enumerate(events) if stands(n) and e["undoes"] is None]


def replay(events):
    """The state, one event after the other, with nothing clever in it."""
    has, offered, names = defaultdict(dict), defaultdict(set), []
    for event in alive(events):
        look = (event["annotator"], event["item"], event["repeat"])
        if event["kind"] == "rename":
            old, new = event["vocabulary"]
            for other in {*has, *offered}:
                if other[0] == event["annotator"]:
                    if old in has[other]:
                        has[other][new] = has[other].pop(old) or has[other].get(new, False)
                    if old in offered[other]:
                        offered[other] = offered[other] - {old} | {new}
            names = [(w, new if (w, t) == (event["annotator"], old) else t) for w, t in names]
            continue
        if event["kind"] == "tag":
            has[look][event["value"]] = True
        if event["kind"] == "untag":
            has[look][event["value"]] = False
        if event["kind"] == "seen":
            offered[look] |= {*event["vocabulary"], *RESERVED_TAGS}
        if event["kind"] == "unseen":
            offered[look] = set()
        own = [event["value"]] if event["kind"] == "tag" else []
        for tag in [*event["vocabulary"], *own]:
            if (event["annotator"], tag) not in names:
                names.append((event["annotator"], tag))
    rows = {
        (*look, tag): has[look].get(tag, False)
        for look in {*has, *offered}
        for tag in {*has[look], *offered[look]}
        if has[look].get(tag) or tag in offered[look]
    }
    vocabulary = [tag for tag in dict.fromkeys(t for _, t in names) if tag not in RESERVED_TAGS]
    done = {look for look in offered if offered[look]}
    return rows, vocabulary, done


def folded(table):
    keys = zip(table["annotator"], table["item"], table["repeat"], table["tag"], strict=True)
    return dict(zip(keys, table["value"], strict=True))


@settings(max_examples=120, deadline=None)
@given(sequences())
def test_the_fold_of_any_events_equals_a_plain_replay(events):
    table = table_of(events)
    rows, vocabulary, done = replay(events)
    got = _fold.tags(table)
    assert folded(got) == rows
    assert len(got) == len(rows)
    assert _fold.vocabulary(table) == vocabulary
    seen = _fold.seen(table)
    assert set(zip(seen["annotator"], seen["item"], seen["repeat"], strict=True)) == done
    expected = {item for _, item, repeat, tag in rows if repeat == 0 and tag == "x"}
    assert _fold.asked(table, "x") == expected


def one_look_at_a_time(events):
    """The same, but what is taken back was said of the same look (or was a rename, by one)."""
    looks = {e["id"]: (e["annotator"], e["item"], e.get("repeat")) for e in events}
    kinds = {e["id"]: e["kind"] for e in events}
    for event in events:
        target = event["undoes"]
        renames = "rename" in (event["kind"], kinds.get(target))
        same = looks.get(target) == looks[event["id"]]
        if not (event["kind"] == kinds.get(target) if renames else same):
            event["undoes"] = None
            if event["kind"] == "rename":
                event |= {"kind": "note", "item": "1", "vocabulary": [], "value": "x"}
    return events


@settings(max_examples=80, deadline=None)
@given(sequences(own_undo_only=True).map(one_look_at_a_time))
def test_one_look_event_by_event_equals_the_fold_of_all(events):
    table = table_of(events)
    rows, _, done = replay(events)
    notes = _fold.last_texts(table, "note").set_index(["annotator", "item", "repeat"])["note"]
    for who in ("ada", "bo"):
        for item, repeat in (("1", 0), ("1", 1), ("2", 0), ("2", 1)):
            look, name = Look(), (who, item, repeat)
            for event in events:
                here = (event["item"], event["repeat"]) == (item, repeat)
                if event["annotator"] == who and (here or event["kind"] == "rename"):
                    look.add({"value": "", **event})
            given_tags = {
                tag for (*other, tag), value in rows.items() if value and (*other,) == name
            }
            assert set(look.tags) == given_tags
            assert len(look.tags) == len(given_tags)
            assert look.seen == (name in done)
            off = {t for (*other, t), value in rows.items() if not value and (*other,) == name}
            assert off == ({*look.asked, *RESERVED_TAGS} - given_tags if look.seen else set())
            assert look.note == notes.get(name, "")
            assert last_words(look.told()) == given_tags


def last_words(events):
    """The tags as the browser works them out, which knows no renames."""
    taken = _fold.gone((e["id"], e["undoes"]) for e in reversed(events) if e["undoes"])
    has = set()
    for event in events:
        if event["kind"] in ("tag", "untag") and not event["undoes"] and event["id"] not in taken:
            has = has | {event["value"]} if event["kind"] == "tag" else has - {event["value"]}
    return has


in_files = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def fresh(tmp_path):
    """Makes journals, each in a file of its own."""
    count = iter(range(10**6))
    return lambda: Journal(tmp_path / f"{next(count)}.db")


@in_files
@given(events=sequences(own_undo_only=True), cut=st.integers(0, 14))
def test_written_whole_twice_or_in_halves_the_journal_is_the_same(fresh, events, cut):
    whole, halves = fresh(), fresh()
    whole.write(events)
    halves.write(events[:cut])
    halves.write(events)
    halves.write(events[cut:])
    pd.testing.assert_frame_equal(
        whole.events().drop(columns="at"), halves.events().drop(columns="at")
    )
    assert folded_of(whole) == replay(events)[0]


def folded_of(journal):
    return folded(_fold.tags(journal._events(None)))


@in_files
@given(events=sequences(own_undo_only=True))
def test_undoing_everything_leaves_nothing(fresh, events):
    journal = fresh()
    journal.write(events)
    for who in ("ada", "bo"):
        steps = 0
        while journal.undo(annotator=who):
            steps += 1
            assert steps <= len(events)
    assert journal.tags().empty
    assert journal.vocabulary() == journal.seen_items() == []


@in_files
@given(
    events=sequences(own_undo_only=True),
    common=st.integers(0, 14),
    owner=st.lists(st.integers(0, 1), min_size=14, max_size=14),
)
def test_merging_is_the_same_in_any_order_and_any_number_of_times(fresh, events, common, owner):
    one, two = fresh(), fresh()
    one.write(events[:common])
    two.merge(one)
    # From here each file grows on its own, as on two computers.
    for event, side in zip(events[common:], owner[common:], strict=False):
        if event["undoes"] is None or side == 0:
            (one, two)[side].write([event])
    left, right = fresh(), fresh()
    left.merge(one, two)
    right.merge(two)
    right.merge(one, two, left)
    pd.testing.assert_frame_equal(left.events(), right.events())
    assert right.merge(left, one)["new"].tolist() == [0, 0]
    one.merge(two)
    pd.testing.assert_frame_equal(one.events(), left.events())
    assert folded_of(one) == replay(in_order(one))[0]


def in_order(journal):
    rows = journal.events().astype(object)
    return rows.where(rows.notna(), None).to_dict("records")


# --- out and in -------------------------------------------------------------------------------


@pytest.fixture
def full(journal):
    journal.tag("a.png", "blur", vocabulary=["blur", "<b>"], sampling_rate=0.1)
    journal.seen("a.png", vocabulary=["blur", "<b>"], sampling_rate=0.1)
    journal.tag("b.png", "=1+1", annotator="ada@example.org")
    journal.tag("b.png", "it's", annotator="ada@example.org")
    journal.tag("b.png", "'quoted", annotator="ada@example.org")
    journal.seen("b.png", vocabulary=["=1+1"], annotator="ada@example.org")
    journal.note("b.png", '-2 dB,\n"loud"')
    journal.label("c.png", "cat", annotator="bo", duration_s=3.5, guide="v1")
    journal.seen("a.png", vocabulary=["blur"], repeat=1)
    journal.tag("c.png", FLAGGED)
    journal.tag("c.png", "blur")
    journal.undo()
    return journal


def test_csv_of_events_goes_out_and_comes_back(full, tmp_path):
    full.to_csv(tmp_path / "events.csv")
    back = Journal(tmp_path / "back.db")
    counts = back.merge(tmp_path / "events.csv")
    assert counts[["events", "new"]].to_numpy().tolist() == [[12, 12]]
    pd.testing.assert_frame_equal(back.events(), full.events())
    pd.testing.assert_frame_equal(back.tags(), full.tags())


def test_no_cell_of_a_csv_file_acts_as_a_formula(full, tmp_path):
    for what in ("events", "tags"):
        full.to_csv(tmp_path / "out.csv", what=what)
        with (tmp_path / "out.csv").open(newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
        assert "'=1+1" in cells


def test_a_csv_file_that_is_none_of_ours_is_told(journal, tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("image,class\n1,cat\n")
    with pytest.raises(JournalError, match=r"no column id, item, kind.*Nothing was merged"):
        journal.merge(path)
    path.write_text("id,item,kind,value\n1,7,tag,x\n2,8,tag,\n")
    with pytest.raises(JournalError, match=r"Line 3 of .*A tag cannot be empty"):
        journal.merge(path)
    path.write_text("id,item,kind,vocabulary\n1,7,seen,noise\n")
    with pytest.raises(JournalError, match=r"Line 2 of .*cannot be read"):
        journal.merge(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(JournalError, match="could not be read"):
        journal.merge(path)
    with pytest.raises(JournalError, match="There is no file"):
        journal.merge(tmp_path / "nowhere.db")
    assert journal.events().empty


def test_merging_takes_class_mates_files_and_leaves_them_alone(tmp_path):
    mates = []
    for name in ("ada", "bo"):
        mate = Journal(tmp_path / f"{name}.db")
        mate.tag("1", "x", annotator=name)
        mate.seen("1", vocabulary=["x"], annotator=name)
        mate.close()
        mates.append(tmp_path / f"{name}.db")
    before = [path.read_bytes() for path in mates]
    own = Journal(tmp_path / "class.db")
    assert own.merge(*mates)["new"].tolist() == [2, 2]
    assert own.merge(*mates)["new"].tolist() == [0, 0]
    assert sorted(own.tags()["annotator"].unique()) == ["ada", "bo"]
    assert [path.read_bytes() for path in mates] == before
    assert own.undo(annotator="ada")["kind"] == "unseen"


def comparable(table):
    return table.drop(columns="at").sort_values(["annotator", "item", "tag"], ignore_index=True)


def test_label_studio_json_goes_out_and_comes_back(full, tmp_path):
    full.to_label_studio(tmp_path / "tasks.json")
    back = Journal(tmp_path / "back.db")
    assert back.from_label_studio(tmp_path / "tasks.json") > 0
    pd.testing.assert_frame_equal(comparable(back.tags()), comparable(full.tags()))
    for name in ("notes", "annotations"):
        columns = ["item", "annotator", name.removesuffix("s").replace("annotation", "label")]
        ours, theirs = getattr(full, name)(), getattr(back, name)()
        assert theirs[columns].to_numpy().tolist() == ours[columns].to_numpy().tolist()
    assert back.repeats()[["item", "tag", "repeat"]].equals(
        full.repeats()[["item", "tag", "repeat"]]
    )
    assert back.annotations()["duration_s"].tolist() == [3.5]
    assert sorted(back.vocabulary()) == sorted(full.vocabulary())
    assert back.from_label_studio(tmp_path / "tasks.json") == 0
    assert full.from_label_studio(tmp_path / "tasks.json") == 0


def test_label_studio_json_has_the_documented_form(full, tmp_path):
    data = pd.DataFrame({"item": ["a.png", "b.png"], "image": ["/data/a.png", "/data/b.png"]})
    config = full.to_label_studio(tmp_path / "tasks.json", data=data)
    tasks = {
        task["data"]["item"]: task for task in json.loads((tmp_path / "tasks.json").read_text())
    }
    assert tasks["a.png"]["data"]["image"] == "/data/a.png"
    (choices,) = [
        result
        for annotation in tasks["b.png"]["annotations"]
        for result in annotation["result"]
        if result["type"] == "choices" and result["value"]["choices"]
    ]
    assert (choices["from_name"], choices["to_name"]) == ("tags", "item")
    assert sorted(choices["value"]["choices"]) == ["'quoted", "=1+1", "it's"]
    by = {a.get("completed_by", {}).get("email") for a in tasks["b.png"]["annotations"]}
    assert by == {"ada@example.org", None}  # a name that is no address would be refused there
    assert '<Image name="item" value="$image"/>' in config
    assert '<Choice value="&lt;b&gt;"/>' in config


FROM_LABEL_STUDIO = [
    {
        "id": 5,
        "data": {"image": "/data/upload/7.png"},
        "annotations": [
            {
                "id": 11,
                "completed_by": 3,
                "was_cancelled": False,
                "created_at": "2026-03-09T22:16:08.728353Z",
                "result": [
                    {
                        "from_name": "problem",
                        "to_name": "img",
                        "type": "choices",
                        "value": {"choices": ["blur", "glare"]},
                    },
                    {
                        "from_name": "box",
                        "to_name": "img",
                        "type": "rectanglelabels",
                        "value": {"rectanglelabels": ["cat"], "x": 1, "y": 1},
                    },
                ],
            },
            {"id": 12, "completed_by": {"email": "a@b.org"}, "was_cancelled": True, "result": []},
        ],
    }
]


def test_a_project_made_in_label_studio_comes_in(journal, tmp_path):
    path = tmp_path / "export.json"
    path.write_text(json.dumps(FROM_LABEL_STUDIO))
    with pytest.raises(JournalError, match=r"it has problem.*tags='problem'"):
        journal.from_label_studio(path)
    with pytest.raises(JournalError, match=r"no data named 'item'.*they have 'image'"):
        journal.from_label_studio(path, tags="problem")
    assert journal.from_label_studio(path, tags="problem", item="image") == 2
    table = journal.tags()
    assert answers(table) == {("/data/upload/7.png", t): True for t in ("blur", "glare")}
    assert set(table["annotator"]) == {"user 3"}
    assert str(table["at"].iloc[0]) == "2026-03-09 22:16:08.728353+00:00"
    offer = ["blur", "glare", "crop"]
    assert journal.from_label_studio(path, tags="problem", item="image", vocabulary=offer) == 1
    assert answers(journal.tags())["/data/upload/7.png", "crop"] is False


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}', "[1, 2]", '"text"'])
def test_what_is_no_label_studio_export_is_told(journal, tmp_path, text):
    path = tmp_path / "export.json"
    path.write_text(text)
    with pytest.raises(JournalError, match="Nothing was taken in"):
        journal.from_label_studio(path)
    with pytest.raises(JournalError, match="could not be read"):
        journal.from_label_studio(Path(tmp_path / "nowhere.json"))


def test_an_export_that_cannot_be_written_leaves_the_journal_alone(full, tmp_path):
    with pytest.raises(JournalError, match=r"could not be written .*The journal is as it was"):
        full.to_csv(tmp_path / "nowhere" / "events.csv")
    with pytest.raises(JournalError, match='what="events" or what="tags"'):
        full.to_csv(tmp_path / "events.csv", what="labels")


def test_merging_something_else_is_told_in_words(journal):
    class Widget:
        journal = None

    with pytest.raises(JournalError, match=r"is a Widget\. Give its journal: merge\(it\.journal\)"):
        journal.merge(Widget())
