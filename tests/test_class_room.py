"""Where a class meets: rounds that go out, labels that come back, names that do not show."""

import json
import re
import time
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from mlkit.tags import Classroom, Journal, JournalError, alias
from mlkit.widgets import AgreementBoard

CLASSES = ["like new", "good", "worn"]


@pytest.fixture
def items():
    return pd.DataFrame({"item": ["a", "b", "c"], "text": ["6 mm", "1 mm", "Zürich “x”\n=1"]})


@pytest.fixture(params=["folder", "database"])
def where(request, tmp_path):
    """A folder, and a database that needs no server; tests of PostgreSQL are in their own file."""
    folder = tmp_path / "class"
    return str(folder) if request.param == "folder" else f"sqlite:///{tmp_path}/class.db"


@pytest.fixture
def room(where):
    return Classroom(where)


def test_a_round_goes_out_and_comes_as_it_went(where, room, items):
    table = items.assign(mm=[6, 1, np.nan], n=[1, 2, 3], ok=[True, False, None])
    table["picture"] = [b"\x89PNG\x00", b"\xff\xd8", b""]
    given = room.give_out("v1", items=table, labels=CLASSES, guide="  Look closely.\n")
    assert (given.name, given.guide, given.labels) == ("v1", "Look closely.", tuple(CLASSES))
    came = Classroom(where).round()
    assert came.guide == "Look closely."
    assert came.items["item"].tolist() == ["a", "b", "c"]
    assert came.items["text"].tolist() == items["text"].tolist()
    assert came.items["picture"].tolist() == table["picture"].tolist()
    assert came.items["mm"].tolist()[:2] == [6, 1]
    assert came.items["mm"].isna().tolist() == [False, False, True]
    assert came.items["n"].tolist() == [1, 2, 3]
    assert came.items["ok"].tolist() == [True, False, None]
    said = "Round v1: 3 items, to be called like new, good, worn. Guide: Look closely."
    assert repr(came) == said


def test_the_same_again_changes_nothing_and_another_content_is_refused(room, items):
    first = room.give_out("v1", items=items, labels=CLASSES, guide="One.")
    again = room.give_out("v1", items=items, labels=CLASSES, guide="One.")
    assert again.at == first.at
    changed = [
        {"items": items, "labels": CLASSES, "guide": "Two."},
        {"items": items.head(2), "labels": CLASSES, "guide": "One."},
        {"items": items, "labels": CLASSES[:2], "guide": "One."},
    ]
    for other in changed:
        with pytest.raises(JournalError, match=r"v1 was given out before.*another name"):
            room.give_out("v1", **other)
    assert room.round("v1").guide == "One."


def test_rounds_in_the_order_in_which_they_went_out(room, items):
    assert room.rounds == []
    with pytest.raises(JournalError, match=r"No round has been given out.*give_out"):
        room.round()
    for name in ("v2", "v1", "v10"):
        room.give_out(name, items=items, labels=CLASSES, guide=name)
    assert room.rounds == ["v2", "v1", "v10"]
    assert room.round().name == "v10"
    assert room.round("v1").guide == "v1"
    with pytest.raises(JournalError, match=r"no round 'v3'.*v2, v1, v10"):
        room.round("v3")
    with pytest.raises(JournalError, match="no round"):
        room.round("../v1")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "../v1"}, "letters, digits"),
        ({"name": ""}, "letters, digits"),
        ({"name": 1}, "letters, digits"),
        ({"guide": " "}, "says how to label"),
        ({"guide": None}, "says how to label"),
        ({"labels": ["one"]}, "2 to 60 labels"),
        ({"labels": "worn"}, "2 to 60 labels"),
        ({"labels": ["a", "a"]}, "texts that differ"),
        ({"labels": ["a", 1]}, "texts that differ"),
        ({"labels": [str(n) for n in range(61)]}, "2 to 60 labels"),
        ({"items": pd.DataFrame({"item": ["a"], "gold": ["x"]})}, "gold tells the answer"),
        ({"items": pd.DataFrame({"item": ["a"], "label": ["x"]})}, "label tells the answer"),
        ({"items": pd.DataFrame({"item": ["a", "a"]})}, "more than once"),
        ({"items": pd.DataFrame({"item": ["a"], "image": [np.zeros((2, 2))]})}, "read_bytes"),
    ],
)
def test_what_cannot_be_a_round_is_told(room, items, change, words):
    right = {"name": "v1", "items": items, "labels": CLASSES, "guide": "Look."}
    call = right | change
    with pytest.raises(ValueError, match=words):
        room.give_out(call.pop("name"), **call)
    assert room.rounds == []


def test_the_callers_table_is_never_changed(room, items):
    before = items.copy(deep=True)
    room.give_out("v1", items=items, labels=CLASSES, guide="Look.")
    pd.testing.assert_frame_equal(items, before)


def test_a_file_that_is_no_round_says_so(tmp_path):
    room = Classroom(tmp_path)
    (tmp_path / "round-v1.json").write_text('{"mlkit_round": 1, "rows": [')
    with pytest.raises(JournalError, match=r"round-v1.json is not a round"):
        room.round("v1")
    (tmp_path / "round-v1.json").write_text(json.dumps({"mlkit_round": 2}))
    with pytest.raises(JournalError, match=r"another version of mlkit.*Update"):
        room.round("v1")


def hand_in(room, tmp_path, who, count, guide="v1"):
    journal = room.journal(tmp_path / f"{who}.db")
    same = {"kind": "label", "annotator": who, "guide": guide}
    journal.write({**same, "item": f"item {n}", "value": CLASSES[n % 3]} for n in range(count))
    room.hand_in(journal)
    return journal


def test_thirty_hand_in_and_nothing_is_lost_or_doubled(room, tmp_path):
    for number in range(30):
        hand_in(room, tmp_path, f"person {number}", 5 + number)
    table = room.annotations()
    assert len(table) == sum(range(5, 35))
    counts = Counter(table["annotator"])
    assert counts == {f"person {number}": 5 + number for number in range(30)}
    assert table.duplicated(["item", "annotator"]).sum() == 0
    assert table.attrs["notes"] == []


def test_thirty_files_of_two_hundred_labels_are_read_quickly(tmp_path):
    room = Classroom(tmp_path / "class")
    for number in range(30):
        journal = Journal(tmp_path / f"{number}.db")
        who = {"annotator": f"person {number}", "guide": "v1", "kind": "label"}
        journal.write(
            {"item": f"{i}", "value": CLASSES[(i + number) % 3], **who} for i in range(200)
        )
        room.hand_in(journal)
        journal.close()
    took = []
    for _ in range(2):
        began = time.perf_counter()
        board = AgreementBoard(room, guide="v1")
        took.append(time.perf_counter() - began)
    print(f"read and worked out: {took[0]:.3f} s at first, {took[1]:.3f} s when no file is new")
    assert board.labels == 6000
    assert took[1] < 1, "the page is to stay quick"


def test_who_hands_in_again_or_a_copy_is_counted_once(tmp_path):
    room = Classroom(tmp_path / "class")
    journal = hand_in(room, tmp_path, "amber otter 274", 3)
    journal.label("item 0", "worn", annotator="amber otter 274", guide="v1")
    journal.undo(annotator="amber otter 274")
    journal.label("item 1", "worn", annotator="amber otter 274", guide="v1")
    room.hand_in(journal)
    (file,) = (tmp_path / "class").glob("*.csv")
    (tmp_path / "class/copy (1).csv").write_bytes(file.read_bytes())
    table = room.annotations().set_index("item")["label"]
    assert table.to_dict() == {"item 0": "like new", "item 1": "worn", "item 2": "worn"}
    expected = journal.annotations().set_index("item")["label"]
    assert table.to_dict() == expected.to_dict()


def test_the_name_of_the_file_tells_nothing(tmp_path):
    room = Classroom(tmp_path / "class")
    hand_in(room, tmp_path, "Maria Lopez", 1)
    (file,) = (tmp_path / "class").glob("*.csv")
    assert re.fullmatch(r"labels-[0-9a-f]{12}\.csv", file.name)


def test_a_file_cut_short_is_left_out_and_told_and_the_others_count(tmp_path):
    room = Classroom(tmp_path / "class")
    for who in ("one", "two"):
        hand_in(room, tmp_path, who, 3)
    (tmp_path / "class/broken.csv").write_text("id,item\n1,a\n")
    (tmp_path / "class/notes.txt").write_text("not ours")
    (tmp_path / "class/broken.db").write_text("not a database")
    table = room.annotations()
    assert sorted(table["annotator"]) == ["one"] * 3 + ["two"] * 3
    first, second = sorted(table.attrs["notes"])
    assert first.startswith("broken.csv was left out")
    assert second.startswith("broken.db was left out")
    (tmp_path / "class/broken.csv").unlink()
    (tmp_path / "class/broken.db").unlink()
    assert room.annotations().attrs["notes"] == []


def test_a_journal_dropped_as_it_is_counts_too(tmp_path):
    room = Classroom(tmp_path / "class")
    dropped = Journal(tmp_path / "class/mine.db")
    dropped.label("a", "worn", annotator="me", guide="v1")
    assert room.annotations()["label"].tolist() == ["worn"]
    dropped.label("b", "good", annotator="me", guide="v1")
    assert room.annotations()["label"].tolist() == ["worn", "good"]
    dropped.close()


def test_an_empty_room_has_an_empty_table(room):
    table = room.annotations()
    assert table.empty
    assert {"item", "annotator", "label", "repeat", "guide"} <= set(table.columns)


def test_it_says_where_and_how(where, room):
    live = "sqlite" in where
    assert room.live == live
    assert ("as they are given" if live else "when handed in") in repr(room)
    assert "rounds: none yet" in repr(room)


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be made"):
        Classroom(tmp_path / "file/class")


# --- aliases ------------------------------------------------------------------------------------


def test_an_alias_is_stable_and_another_with_another_key(tmp_path):
    one, other = tmp_path / "one/alias.key", tmp_path / "other.key"
    first = alias("Maria López", key=one)
    assert re.fullmatch(r"[a-z]+ [a-z]+ [1-9]\d\d", first)
    assert alias("Maria López", key=one) == first
    assert alias("  maria lo\u0301pez ", key=one) == first, "the same name however it is written"
    assert alias("Maria López", key=other) != first
    assert alias(key=one) == alias("", key=one) != first
    assert len(one.read_bytes()) == 32


def test_a_thousand_names_hardly_ever_meet(tmp_path):
    """By chance 1000 x 999 / 2 pairs of 5.2 million aliases meet 0.1 times."""
    names = [alias(f"person {number}", key=tmp_path / "key") for number in range(1000)]
    assert len(set(names)) >= 998
    # Each part is drawn about evenly: of 73 words each is expected 13.7 times.
    assert max(Counter(name.split()[0] for name in names).values()) < 40


def test_a_file_that_is_no_key_is_told_and_kept(tmp_path):
    (tmp_path / "key").write_text("hello")
    with pytest.raises(JournalError, match=r"no key of aliases \(5 bytes, not 32\)"):
        alias("Maria", key=tmp_path / "key")
    assert (tmp_path / "key").read_text() == "hello"
    with pytest.raises(TypeError, match="name as text"):
        alias(7, key=tmp_path / "key")
    with pytest.raises(JournalError, match="cannot be kept"):
        alias("Maria", key=tmp_path / "key/inside")
