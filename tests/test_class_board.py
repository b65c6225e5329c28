"""The board of a class, without a browser: what it reads, what it sends, what it never tells."""

import json
import time

import numpy as np
import pandas as pd
import pytest

from mlkit import labels
from mlkit.tags import Classroom, JournalError
from mlkit.widgets import AgreementBoard


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    rows = [(f"secret {i}", f"Maria {p}") for i in range(12) for p in range(6)]
    made = pd.DataFrame(rows, columns=["item", "annotator"])
    made["label"] = rng.choice(["good", "worn", "like new"], len(made), p=[0.6, 0.3, 0.1])
    return made.assign(guide="v1")


def answers(board, *messages):
    """What the board sends on these messages of the browser."""
    sent = []
    board.send = lambda content, buffers=None: sent.append((content, buffers))
    for message in messages:
        board._on_message(board, message, [])
    return sent


def test_it_shows_what_the_helpers_say(table):
    board = AgreementBoard(lambda: table, guide="v1")
    agreed = labels.agreement(table, rng=0)
    assert board.agreement.alpha == agreed.alpha
    assert (board.people, board.labels) == (6, 72)
    ((state, _),) = answers(board, {"op": "refresh"})
    (version,) = state["versions"]
    assert version == {
        "name": "v1",
        "alpha": pytest.approx(agreed.alpha),
        "low": pytest.approx(agreed.low),
        "high": pytest.approx(agreed.high),
        "why": "",
    }
    pairs = labels.confusions(table)
    assert [pair["share"] for pair in state["pairs"]] == pairs["share"].tolist()
    contested = labels.disagreements(table).head(6)
    for shown, (_, row) in zip(state["contested"], contested.iterrows(), strict=True):
        votes = dict(zip(state["classes"], shown["votes"], strict=True))
        text = dict(part.rsplit(" ", 1) for part in row["votes"].split(", "))
        assert {name: n for name, n in votes.items() if n} == {k: int(v) for k, v in text.items()}
    (half,) = state["halves"]
    assert half == {"name": "v1", "people": 6, "labels": 72, "each": [12] * 6}
    assert str(json.loads(json.dumps(state, allow_nan=False)))  # JSON without NaN


def test_nobodys_name_and_no_items_name_is_sent(table):
    items = table[["item"]].drop_duplicates().assign(text="a text", where="here")
    board = AgreementBoard(lambda: table, items=items, show=None, title="Phones")
    ((state, _),) = answers(board, {"op": "refresh"})
    keys = [shown["key"] for shown in state["contested"]]
    sent = answers(board, {"op": "want", "items": keys}, {"op": "want", "items": ["unknown"]})
    assert len(sent) == len(keys) == 6
    text = json.dumps([state, [content for content, _ in sent]])
    assert "Maria" not in text
    assert "secret" not in text
    assert "a text" in text


def test_two_versions_side_by_side(table):
    same = table.groupby("item")["label"].transform("first")
    both = pd.concat([table, table.assign(label=same, guide="v2")])
    board = AgreementBoard(lambda: both, guide="v2", before="v1")
    change = labels.compare(table, table.assign(label=same), rng=0)
    assert board.change.gain == change.gain
    ((state, _),) = answers(board, {"op": "refresh"})
    assert [version["name"] for version in state["versions"]] == ["v1", "v2"]
    assert state["versions"][1]["alpha"] == 1
    low, high = f"{change.low:+.2f}", f"{change.high:+.2f}"
    assert change.low > 0
    assert state["said"].endswith(
        f"to 1.00: {change.gain:+.2f} ({low} to {high}). More than the luck of items."
    )
    assert [half["each"] for half in state["halves"]] == [[12] * 6] * 2
    assert state["notes"] == []
    assert state["contested"] == state["pairs"] == []


def test_where_the_interval_holds_0_nobody_can_tell_yet(table):
    other = table.assign(guide="v2", annotator="x" + table["annotator"])
    board = AgreementBoard(lambda: pd.concat([table, other]), guide="v2", before="v1")
    ((state, _),) = answers(board, {"op": "refresh"})
    assert board.change.people == "others"
    assert ": 0.00 (-" in state["said"]
    assert state["said"].endswith("We cannot tell yet: luck alone may do as much.")
    assert "-0.00" not in state["said"]


@pytest.mark.parametrize("people", [0, 1, 2])
def test_a_half_with_too_few_people_is_told_and_the_other_still_shown(table, people):
    few = table[table["annotator"] < f"Maria {people}"].assign(guide="v2")
    board = AgreementBoard(lambda: pd.concat([table, few]), guide="v2", before="v1")
    ((state, _),) = answers(board, {"op": "refresh"})
    assert [half["people"] for half in state["halves"]] == [6, people]
    old, new = state["versions"]
    assert old["alpha"] == pytest.approx(labels.agreement(table, rng=0).alpha)
    assert (new["alpha"] is None) == (people < 2)
    assert [note[:5] for note in state["notes"]] == [f"v2: {people}"] * (people < 2)


def test_a_few_items_are_too_early(table):
    early = table[table["item"].isin(["secret 0", "secret 1", "secret 2"])]
    board = AgreementBoard(lambda: early)
    ((state, _),) = answers(board, {"op": "refresh"})
    assert state["versions"][0]["alpha"] is None
    assert state["versions"][0]["why"] == "too early: 3 items with two labels"


def test_classes_come_in_their_order(table, tmp_path):
    grades = ["like new", "good", "worn"]
    board = AgreementBoard(lambda: table, classes=[*grades, "never given"])
    ((state, _),) = answers(board, {"op": "refresh"})
    assert state["classes"] == grades
    assert all(grades.index(p["one"]) < grades.index(p["other"]) for p in state["pairs"])
    room = Classroom(tmp_path / "class")
    items = table[["item"]].drop_duplicates().assign(text="a text")
    room.give_out("v1", items=items, labels=grades, guide="As you like.")
    journal = room.journal(tmp_path / "mine.db")
    for who, label in enumerate(["worn", "good", "like new"]):
        journal.label("secret 0", label, annotator=str(who), guide="v1")
    room.hand_in(journal)
    assert AgreementBoard(room, guide="v1")._classes == grades


def test_only_first_looks_under_its_guide_count(table):
    more = pd.concat([table.assign(repeat=0), table.head(3).assign(repeat=1)])
    more = pd.concat([more, table.head(5).assign(guide="v2", repeat=0)])
    assert AgreementBoard(lambda: more, guide="v1").labels == 72
    assert AgreementBoard(lambda: more, guide="v2").labels == 5
    assert AgreementBoard(lambda: more, guide="v3").labels == 0


@pytest.mark.parametrize("rows", [0, 1, 6, 7])
def test_few_labels_are_told_in_words(table, rows):
    board = AgreementBoard(lambda: table.head(rows), guide="v1")
    ((state, _),) = answers(board, {"op": "refresh"})
    assert json.dumps(state, allow_nan=False)
    if rows == 0:
        assert "Nobody has labelled yet." in repr(board)
    if rows == 1:
        assert "1 person, 1 label. No item has two labels yet." in repr(board)


def test_one_class_alone_has_no_alpha_and_says_so(table):
    board = AgreementBoard(lambda: table.assign(label="good"))
    ((state, _),) = answers(board, {"op": "refresh"})
    assert state["versions"][0]["alpha"] is None
    assert json.dumps(state, allow_nan=False)


def test_trouble_is_told_and_what_stood_stays(table):
    trouble = []

    def read():
        if trouble:
            raise trouble[0]
        return table

    board = AgreementBoard(read, guide="v1", every_s=0.5)
    time.sleep(0.3)
    trouble.append(JournalError("The class is gone."))
    assert answers(board, {"op": "refresh"}) == [
        ({"op": "error", "text": "The class is gone."}, None)
    ]
    trouble[:] = [RuntimeError("boom")]
    ((said, _),) = answers(board, {"op": "refresh"})
    assert said["text"] == "RuntimeError: boom"
    trouble.clear()
    assert board.labels == 72
    ((state, _),) = answers(board, {"op": "refresh"})
    assert state["labels"] == 72


def test_two_views_ask_and_one_reading_serves_both(table):
    read = []
    board = AgreementBoard(lambda: read.append(1) or table, every_s=60)
    sent = answers(board, {"op": "refresh"}, {"op": "refresh"})
    assert len(read) == 1
    assert [content["op"] for content, _ in sent] == ["state", "state"]


def test_it_reads_a_classroom_and_tells_its_notes(tmp_path):
    room = Classroom(tmp_path / "class")
    (tmp_path / "class/x.csv").write_text("no,events\n")
    board = AgreementBoard(room)
    ((state, _),) = answers(board, {"op": "refresh"})
    (note,) = state["notes"]
    assert note.startswith("x.csv was left out")


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"source": 3}, TypeError, "lambda: table"),
        ({"every_s": 0}, ValueError, "0.5 to 3600"),
        ({"every_s": "3"}, ValueError, "0.5 to 3600"),
        ({"source": lambda: pd.DataFrame({"item": ["a"]})}, ValueError, "annotator"),
        ({"items": pd.DataFrame({"item": ["a"]}), "show": "picture"}, ValueError, "no such column"),
    ],
)
def test_what_it_cannot_work_with_is_told(table, how, error, words):
    call = {"source": lambda: table} | how
    with pytest.raises(error, match=words):
        AgreementBoard(call.pop("source"), **call)
