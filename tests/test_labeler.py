"""The Labeler's kernel side: blind on the wire, repeats, versions of the guide, the typed twin."""

import hashlib
import json
import time
import uuid

import numpy as np
import pandas as pd
import pytest

from mlkit import labels as labels_topic
from mlkit._tables import TableError
from mlkit.tags import BROKEN, FLAGGED, Journal, JournalError
from mlkit.widgets import Labeler, Tagger

SECRET = "zebra"
OTHER = "giraffe"


def table(n: int = 20, **columns) -> pd.DataFrame:
    """Items whose answer is a word that nothing else holds."""
    answers = [SECRET if number % 3 else OTHER for number in range(n)]
    made = {
        "item": [f"{answer}/{number}" for number, answer in enumerate(answers)],
        "label": answers,
        "prediction": answers[::-1],
        "gold": answers,
        "score": 0.123456,
        "copy": [answer.upper() for answer in answers],
        "text": [f"text {number}" for number in range(n)],
        "age": range(n),
    }
    return pd.DataFrame(made | columns)


class Wire:
    """Stands where the browser stands, and keeps every byte that was sent there."""

    def __init__(self, labeler: Labeler) -> None:
        self.labeler, self.heard = labeler, []
        labeler.send = lambda content, buffers=None: self.heard.append((content, buffers or []))

    def say(self, **message) -> list[dict]:
        before = len(self.heard)
        self.labeler._handle_custom_msg(message, [])
        return [content for content, _ in self.heard[before:]]

    def last(self, op: str) -> tuple[dict, list[bytes]]:
        return [(c, b) for c, b in self.heard if c["op"] == op][-1]

    def hello(self) -> tuple[dict, bytes]:
        self.say(op="hello")
        content, (status,) = self.last("state")
        return content, status

    def items(self) -> list[dict]:
        """Every item of the queue, as it is sent."""
        state, status = self.hello()
        places = list(range(len(status)))
        deadline = time.monotonic() + 20
        found: dict[int, dict] = {}
        while set(found) != set(places):
            missing = [place for place in places if place not in found][:20]
            self.say(op="want", queue=state["queue"], items=missing)
            time.sleep(0.02)
            found = {c["pos"]: c for c, _ in self.heard if c["op"] == "item"}
            assert time.monotonic() < deadline, f"{list(found)} of {places}"
        return [found[place] for place in places]

    def sent(self) -> bytes:
        """All that left the kernel: messages, buffers and the widget's own state."""
        parts = [json.dumps(content).encode() for content, _ in self.heard]
        parts += [bytes(buffer) for _, buffers in self.heard for buffer in buffers]
        state = {k: v for k, v in self.labeler.get_state().items() if k not in ("_esm", "_css")}
        return b"\n".join([*parts, json.dumps(state, default=str).encode()])


def event(item: str, value: str, kind: str = "label", **more) -> dict:
    made = {"id": uuid.uuid4().hex, "at": "2026-01-01T10:00:00.000Z", "item": item, "kind": kind}
    rest = {"value": value, "repeat": 0, "vocabulary": [], "undoes": None, "guide": None}
    return made | rest | more


@pytest.fixture
def make(tmp_path):
    def make_it(items: pd.DataFrame | None = None, **arguments) -> Wire:
        given = {"show": None, "labels": ["a", "b", "c"], "journal": tmp_path / "journal.db"}
        return Wire(Labeler(table() if items is None else items, **given | arguments))

    return make_it


# Blind


@pytest.mark.parametrize(
    "show",
    ["text", None, lambda row: f"{[*row.index]} {row['age']}"],
    ids=["text", "row", "f"],
)
def test_no_byte_on_the_wire_tells_the_answer(make, show):
    wire = make(show=show, repeats=0.3)
    items = wire.items()
    wire.say(op="write", events=[event(items[0]["item"], "b", duration_s=1.5)])
    wire.say(op="hello")
    sent = wire.sent().lower()
    assert b"text" in sent or b"age" in sent
    for word in (SECRET, OTHER, "0.123456", "prediction", "gold", "score", "copy"):
        assert word.encode() not in sent, word


def test_a_function_gets_the_row_without_what_tells(make):
    seen = []
    make(show=lambda row: seen.append(sorted(row.index)) or "shown")
    assert seen[0] == ["age", "item", "text"]
    with pytest.raises(ValueError, match=r"a Labeler hides what tells the label too"):
        make(show=lambda row: row["label"])


def test_what_tells_right_from_wrong_is_hidden_too(make):
    made = table(12, sampling_rate=[1.0, 0.5] * 6)
    made["missed"] = made["label"] != made["prediction"]
    made["right"] = (~made["missed"]).astype(int)
    made["code"] = made["label"].astype("category")
    cells = [name for name, _ in make(made).items()[0]["media"]["cells"]]
    assert cells == ["text", "age"]


def test_numbers_and_the_same_numbers_as_text_are_copies(make):
    made = pd.DataFrame({"item": list("abcd"), "label": [3, 8, 3, 8], "x": [1, 2, 3, 4]})
    made["digit"] = made["label"].astype(str)
    made["float"] = made["label"].astype(float)
    assert [name for name, _ in make(made).items()[0]["media"]["cells"]] == ["x"]


def test_showing_the_answer_is_refused(make):
    for column in ("label", "copy", "score"):
        with pytest.raises(ValueError, match="this column tells the answer"):
            make(show=column)
    with pytest.raises(ValueError, match="has nothing to show"):
        make(table()[["item", "label"]])


def test_a_broken_file_is_told_without_its_path(make, tmp_path):
    made = table(2, path=[str(tmp_path / SECRET / f"{k}.png") for k in range(2)])
    wire = make(made, show="path")
    media = wire.items()[0]["media"]
    assert media["kind"] == "broken"
    assert "There is no file of this item" in media["reason"]
    assert SECRET.encode() not in wire.sent()


# Repeats


def test_repeats_come_fifteen_items_later_and_nothing_tells_them(make):
    wire = make(table(40), repeats=0.25)
    queue = wire.labeler.queue
    again = queue[queue["repeat"] == 1]
    assert (len(again), len(queue)) == (10, 50)
    for place, item in again["item"].items():
        first = queue.index[(queue["item"] == item) & (queue["repeat"] == 0)][0]
        assert place - first >= 15
    sent = wire.items()
    assert {message["repeat"] for message in sent} == {0}
    assert len({message["item"] for message in sent}) == 50, "each look has a name of its own"
    place = int(again.index[0])
    item = again["item"].iloc[0]
    first = queue.index[(queue["item"] == item) & (queue["repeat"] == 0)][0]
    assert sent[first]["media"] == sent[place]["media"]
    assert set(sent[first]) == set(sent[place])
    wire.say(op="write", events=[event(sent[first]["item"], "a")])
    wire.say(op="write", events=[event(sent[place]["item"], "b")])
    labels = wire.labeler.annotations().set_index("repeat")["label"]
    assert labels.to_dict() == {0: "a", 1: "b"}
    status = wire.hello()[1]
    assert (status[first], status[place], sum(status)) == (1, 1, 2)


@pytest.mark.parametrize("share", [0.5, 0.55, 0.75, 1.0])
@pytest.mark.parametrize("n", [1, 7, 40, 200])
def test_any_share_of_items_comes_again_late_enough(make, n, share):
    for seed in range(2):
        queue = make(table(n), repeats=share, rng=seed).labeler.queue
        assert len(queue) == n + round(share * n)
        places = queue.reset_index().pivot_table(index="item", columns="repeat", values="index")
        if 1 in places:
            assert (places[1] - places[0]).min() >= min(15, n // 2)
    if n == 200 and share == 1:
        assert list(queue["item"][:200]) != list(queue["item"][200:]), "another order"


def test_the_same_seed_gives_the_same_queue(make):
    assert make(repeats=0.5).labeler.queue.equals(make(repeats=0.5).labeler.queue)
    assert not make(rng=0).labeler.queue.equals(make(rng=1).labeler.queue)


# The wire


def test_a_label_is_durable_before_it_is_acknowledged(make, tmp_path):
    wire = make()
    key = wire.items()[3]["item"]
    given = event(key, "b", duration_s=2.25)
    (saved,) = wire.say(op="write", events=[given])
    assert (saved["op"], saved["ids"], saved["status"]) == ("saved", [given["id"]], [[3, 1]])
    (kept,) = Journal(tmp_path / "journal.db").events().to_dict("records")
    assert kept["item"] == wire.labeler.queue["item"].iloc[3]
    assert (kept["value"], kept["duration_s"], kept["annotator"]) == ("b", 2.25, "me")
    (saved,) = wire.say(op="write", events=[given])
    assert (saved["ids"], saved["events"]) == ([given["id"]], []), "a second time is harmless"


def test_the_last_label_holds_and_undo_gives_back_the_one_before(make):
    wire = make()
    item = wire.labeler.queue["item"].iloc[0]
    wire.labeler.label(item, "a")
    wire.labeler.label(item, "b")
    assert wire.labeler.annotations()["label"].tolist() == ["b"]
    assert wire.labeler.undo()["value"] == "b"
    assert wire.labeler.annotations()["label"].tolist() == ["a"]
    assert wire.labeler.undo()["value"] == "a"
    assert wire.labeler.annotations().empty
    assert not any(wire.hello()[1])
    assert wire.labeler.undo() is None


def test_a_new_labeler_goes_on_where_the_old_one_was(make):
    wire = make(repeats=0.2)
    keys = [message["item"] for message in wire.items()]
    wire.say(op="write", events=[event(key, "a") for key in keys[:5]])
    again = make(repeats=0.2)
    state, status = again.hello()
    assert list(status[:6]) == [1, 1, 1, 1, 1, 0]
    assert [entry["pos"] for entry in state["history"]] == [0, 1, 2, 3, 4]
    assert again.labeler.undo()["item"] == again.labeler.queue["item"].iloc[4]


def test_what_goes_wrong_is_told_to_the_widget(make):
    wire = make()
    (told,) = wire.say(op="write", events=[event("nobody's", "a")])
    assert (told["op"], "not in this table" in told["text"]) == ("error", True)
    (told,) = wire.say(op="write", events=[event(wire.items()[0]["item"], "a", duration_s=-1)])
    assert "duration_s is a number of seconds" in told["text"]
    assert wire.labeler.journal.events().empty


def test_what_was_said_of_an_item_with_the_tagger_is_no_part_of_labelling(make, tmp_path):
    tagger = Tagger(table(), show=None, tags=["blur"], journal=tmp_path / "journal.db")
    item = tagger.queue["item"].iloc[0]
    tagger.add(item, "blur")
    tagger.done(item)
    wire = make()
    assert not any(wire.hello()[1])
    assert wire.labeler.undo() is None
    wire.labeler.label(item, "a")
    tagger.refresh()
    assert tagger.undo()["kind"] == "seen"
    assert wire.labeler.annotations()["label"].tolist() == ["a"]


def test_a_flag_and_a_broken_file(make):
    wire = make()
    one, two = wire.labeler.queue["item"][:2]
    wire.labeler.flag(one)
    wire.labeler.broken(two)
    assert list(wire.hello()[1][:2]) == [4, 5], "flagged: open still; broken: needs no label"
    given = wire.labeler.journal.tags().query("value")
    assert set(given[["item", "tag"]].itertuples(index=False, name=None)) == {
        (one, FLAGGED),
        (two, BROKEN),
    }


# The guide


def test_another_version_of_the_guide_opens_all_items_again(make, tmp_path):
    first = make(guide="A shirt has buttons.", version="v1")
    items = list(first.labeler.queue["item"])
    for item in items:
        first.labeler.label(item, "a")
    first.labeler.note(items[0], "hard")
    assert set(first.hello()[1]) == {1}
    second = make(guide="A shirt has buttons and a collar.", version="v2")
    state, status = second.hello()
    assert (set(status), state["version"], state["history"]) == ({0}, "v2", [])
    assert second.items()[0]["events"] == [], "what was said before is not shown"
    assert second.labeler.undo() is None, "the first round cannot be taken back from the second"
    for item in items[:5]:
        second.labeler.label(item, "b")
    a = second.labeler.annotations()
    assert a["guide"].value_counts().to_dict() == {"v1": 20, "v2": 5}
    assert set(a[a["guide"] == "v1"]["label"]) == {"a"}
    assert set(a[a["guide"] == "v2"]["label"]) == {"b"}
    assert set(make(guide="A shirt has buttons.", version="v1").hello()[1]) == {1}
    assert len(Journal(tmp_path / "journal.db").annotations()) == 25


def test_the_guide_is_a_text_or_a_file_and_has_a_version_of_its_own(make, tmp_path):
    text = "Can't tell? Say so."
    path = tmp_path / "guide.md"
    path.write_text(text + "\n", "utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    from_text, from_file = make(guide=text), make(guide=path)
    assert from_text.labeler.version == from_file.labeler.version == digest
    assert make(guide=str(path)).labeler.guide == text
    assert from_text.hello()[0]["guide"] == text
    assert make().labeler.version is None
    assert make(version="on paper").labeler.version == "on paper"


def test_a_label_typed_before_the_guide_changed_keeps_its_version(make):
    """A kernel died before the browser could send it; the cell was run with another guide."""
    wire = make(guide="new", version="v2")
    key = wire.items()[0]["item"]
    (saved,) = wire.say(op="write", events=[event(key, "a", guide="v1")])
    assert (len(saved["ids"]), saved["events"]) == (1, [])
    assert not any(wire.hello()[1])
    assert wire.labeler.annotations()["guide"].tolist() == ["v1"]


# Several people


def test_two_peoples_journals_become_one_annotations_table(tmp_path):
    class_journal = Journal(tmp_path / "class.db")
    items = table(6)[["item", "text"]]
    said = {"ada": "aabbab", "bo": "aabaab"}
    for who, letters in said.items():
        labeler = Labeler(
            items, show="text", labels=["a", "b"], journal=tmp_path / f"{who}.db", annotator=who
        )
        for item, letter in zip(items["item"], letters, strict=True):
            labeler.label(item, letter)
    class_journal.merge(tmp_path / "ada.db", tmp_path / "bo.db")
    a = class_journal.annotations()
    assert a.groupby("annotator")["label"].agg("".join).to_dict() == said
    pair = labels_topic.pairwise(a).iloc[0]
    assert pair["percent"] == pytest.approx(5 / 6)
    # By hand: 5 of 6 alike; by chance 3/6 x 4/6 + 3/6 x 2/6 = 1/2.
    assert pair["cohen"] == pytest.approx((5 / 6 - 1 / 2) / (1 / 2))


# The typed twin


def test_everything_can_be_typed(make):
    wire = make()
    labeler = wire.labeler
    one, two = labeler.queue["item"][:2]
    labeler.label(one, "b")
    labeler.label(one, "c", repeat=1)
    labeler.label(two, "a")
    labeler.note(two, "dark")
    a = labeler.annotations()
    assert list(a.columns) == [
        *("item", "annotator", "label", "repeat", "at", "sampling_rate", "guide", "duration_s")
    ]
    assert a[["item", "label", "repeat"]].to_numpy().tolist() == [
        [one, "b", 0],
        [one, "c", 1],
        [two, "a", 0],
    ]
    assert a["duration_s"].isna().all()
    assert labeler.labels == ["a", "b", "c"]
    assert "Labeler: 2 of 20 items labelled. To label, run this cell in JupyterLab, or" in repr(
        labeler
    )
    assert 'labeler.label(item, "a")' in labeler._repr_mimebundle_()[0]["text/plain"]
    shown = labeler.show_item(one)._repr_html_()
    assert "text" in shown
    assert one not in shown
    other = make().labeler
    other.label(one, "a")
    labeler.refresh()
    assert labeler.annotations()["label"].tolist()[-1] == "a"


def test_rates_of_the_table_are_kept_with_each_label(make):
    wire = make(table(4, sampling_rate=[1.0, 0.25, 0.25, 1.0]))
    for item in table(4)["item"]:
        wire.labeler.label(item, "a")
    assert wire.labeler.annotations()["sampling_rate"].tolist() == [1.0, 0.25, 0.25, 1.0]


def test_only_keeps_some_items(make):
    assert len(make(only="age < 5").labeler.queue) == 5
    empty = make(only=np.zeros(20, bool))
    assert "the filter (only=) keeps no item" in empty.hello()[0]["nothing"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"labels": "ab"}, "give a list of labels"),
        ({"labels": ["a"]}, "at least two classes"),
        ({"labels": []}, "at least two classes"),
        ({"labels": ["a", "b", "a"]}, "names 'a' more than once"),
        ({"labels": [1, 2]}, r"one line of text .* Make them text: \[str\(label\) for label in"),
        ({"labels": ["a", "b\nc"]}, "one line of text"),
        ({"show": "path"}, r"Labeler\(show='path'\): there is no such column"),
        ({"repeats": 1.1}, r"Labeler\(repeats=1.1\): give the share of items"),
        ({"repeats": "x"}, r"Labeler\(repeats='x'\)"),
        ({"only": "grop == 1"}, r"Labeler\(only='grop == 1'\): pandas cannot evaluate"),
        ({"only": [True]}, r"one value a row of the items \(20\)"),
        ({"annotator": " "}, "say as text who it is"),
        ({"time_limit_s": 0}, "a number of seconds above 0"),
        ({"time_limit_s": "5"}, "a number of seconds above 0"),
        ({"guide": "  "}, "it is empty here"),
        ({"guide": 3}, "is a text, or the path of a text file"),
        ({"guide": "nowhere/guide.md"}, "the file cannot be read as text"),
        ({"guide": "x", "version": ""}, "a version is one line of text"),
    ],
)
def test_wrong_arguments_are_told_in_words(make, arguments, words):
    with pytest.raises((ValueError, JournalError), match=words):
        make(**arguments)


def test_wrong_words_of_the_typed_twin(make):
    labeler = make().labeler
    item = labeler.queue["item"].iloc[0]
    with pytest.raises(ValueError, match=r"there is no class 'aa' here.*: 'a', 'b', 'c'"):
        labeler.label(item, "aa")
    with pytest.raises(ValueError, match=r"not in this labeler's queue.*labeler.queue lists them"):
        labeler.label("nobody", "a")
    with pytest.raises(ValueError, match="0 is the first look at an item"):
        labeler.label(item, "a", repeat=2)


def test_a_wrong_table_is_told_in_words(make):
    with pytest.raises(TableError, match=r"Labeler\(\) needs one row an item"):
        make(pd.concat([table(), table()]))
    with pytest.raises(TableError, match=r"Labeler\(\) needs the column item;"):
        make(table().drop(columns="item"))
    with pytest.raises(ValueError, match="needs a sampling_rate above 0"):
        make(table(4, sampling_rate=[1, 0, 1, 1]))
