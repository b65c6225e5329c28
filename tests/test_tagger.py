"""The Tagger's kernel side, driven by the messages its front end sends."""

import io
import threading
import time
import uuid

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

from mlkit._tables import TableError
from mlkit.tags import BROKEN, LABEL_IS_WRONG, Journal, JournalError
from mlkit.widgets import Tagger


def table(n: int = 20, errors: int = 12, **columns) -> pd.DataFrame:
    made = {
        "item": [f"item {number}" for number in range(n)],
        "label": ["cat"] * n,
        "prediction": ["dog"] * errors + ["cat"] * (n - errors),
    }
    return pd.DataFrame(made | columns)


class Wire:
    """Stands where the browser stands."""

    def __init__(self, tagger: Tagger) -> None:
        self.tagger, self.heard = tagger, []
        tagger.send = lambda content, buffers=None: self.heard.append((content, buffers or []))

    def say(self, **message) -> list[dict]:
        """Send a message; gives what came back at once."""
        before = len(self.heard)
        self.tagger._handle_custom_msg(message, [])
        return [content for content, _ in self.heard[before:]]

    def last(self, op: str) -> tuple[dict, list[bytes]]:
        return [(c, b) for c, b in self.heard if c["op"] == op][-1]

    def hello(self) -> tuple[dict, bytes]:
        self.say(op="hello")
        content, (status,) = self.last("state")
        return content, status

    def items(self, *places: int) -> dict[int, tuple[dict, list[bytes]]]:
        """Ask for items and wait for them: they are rendered on another thread."""
        queue = self.hello()[0]["queue"]
        self.say(op="want", queue=queue, items=list(places))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            sent = [(c, b) for c, b in self.heard if c["op"] == "item" and c["queue"] == queue]
            found = {content["pos"]: (content, buffers) for content, buffers in sent}
            if set(places) <= set(found):
                return found
            time.sleep(0.005)
        raise AssertionError(f"asked for {places}, got {list(found)}")


def event(item: str, kind: str, value: str = "", **more) -> dict:
    made = {"id": uuid.uuid4().hex, "at": "2026-01-01T10:00:00.000Z", "item": item, "kind": kind}
    rest = {"value": value, "repeat": 0, "vocabulary": ["blur", "dark"], "undoes": None}
    return made | rest | more


@pytest.fixture
def make(tmp_path):
    def make_it(predictions: pd.DataFrame | None = None, **arguments) -> Wire:
        given = {"show": None, "tags": ["blur", "dark"], "journal": tmp_path / "journal.db"}
        return Wire(Tagger(table() if predictions is None else predictions, **given | arguments))

    return make_it


# The queue


def test_the_queue_is_every_error_once_in_an_order_of_its_own(make):
    tagger = make(table(200, 120)).tagger
    assert len(tagger.queue) == 120
    assert set(tagger.queue["item"]) == set(table(200, 120).query("label != prediction")["item"])
    assert (tagger.queue["sampling_rate"] == 1).all()
    assert list(tagger.queue["item"]) != list(table(200, 120)["item"][:120])
    assert tagger.queue.equals(make(table(200, 120)).tagger.queue), "the same seed, the same order"
    assert not tagger.queue.equals(make(table(200, 120), rng=1).tagger.queue)


@pytest.mark.parametrize(("correct", "drawn"), [(20, 20), (0.25, 20), (1000, 80), (1.0, 80)])
def test_correct_items_are_drawn_with_their_rate(make, correct, drawn):
    queue = make(table(200, 120), correct=correct).tagger.queue
    known = table(200, 120).set_index("item")
    right = (known["label"] == known["prediction"]).reindex(queue["item"]).to_numpy()
    assert right.sum() == drawn
    assert set(queue["sampling_rate"][right]) == {drawn / 80}
    assert set(queue["sampling_rate"][~right]) == {1.0}
    assert queue["item"].is_unique
    half = len(queue) // 2
    assert 0 < right[:half].sum() < drawn, "mixed, not at one end"


def test_repeats_come_later_and_are_told_by_no_message(make):
    wire = make(table(400, 300), repeats=0.05)
    queue = wire.tagger.queue
    again = queue[queue["repeat"] == 1]
    assert len(again) == 15
    assert len(queue) == 315
    for place, item in again["item"].items():
        first = queue.index[(queue["item"] == item) & (queue["repeat"] == 0)][0]
        assert place - first >= 15
    place = int(again.index[0])
    item = again["item"].iloc[0]
    wire.say(op="write", events=[event(item, "tag", "blur"), event(item, "seen")])
    content, _ = wire.items(place)[place]
    assert content["item"] == item
    assert content["events"] == [], "the second look is not told of the first"
    wire.say(op="write", events=[event(item, "seen", repeat=1)])
    both = wire.tagger.journal.repeats().query("tag == 'blur'")
    assert both[["item", "first", "second"]].to_numpy().tolist() == [[item, True, False]]
    assert wire.hello()[1][place] & 1


@pytest.mark.parametrize(
    "only",
    [
        "group == 'a'",
        lambda t: t["group"] == "a",
        lambda t: (t["group"] == "a").to_numpy(),
        lambda t: (t["group"] == "a").astype("boolean").mask(t["group"] != "a"),
    ],
)
def test_only_is_an_expression_or_a_mask(make, only):
    predictions = table(20, 12, group=["a", "b"] * 10)
    chosen = only if isinstance(only, str) else only(predictions)
    tagger = make(predictions, only=chosen).tagger
    assert set(tagger.queue["item"]) == {f"item {n}" for n in range(0, 12, 2)}


def test_only_set_later_narrows_and_none_gives_all_back(make):
    wire = make(table(20, 12, group=["a", "b"] * 10))
    whole = wire.tagger.queue
    wire.tagger.only = "group == 'a'"
    assert len(wire.tagger.queue) == 6
    state, status = wire.last("state")[0], wire.last("state")[1][0]
    assert (state["total"], state["start"], len(status)) == (6, True, 6)
    wire.tagger.only = "group == 'nothing'"
    assert wire.last("state")[0]["total"] == 0
    wire.tagger.only = None
    assert wire.tagger.queue.equals(whole)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"only": "grop == 1"}, "pandas cannot evaluate this"),
        ({"only": [True, False]}, "one value a row of the predictions \\(20\\)"),
        ({"only": ["a"] * 20}, "Boolean mask"),
        ({"correct": 1.5}, "how many correct items"),
        ({"correct": True}, "how many correct items"),
        ({"correct": -1}, "how many correct items"),
        ({"repeats": 0.9}, "share of items to show a second time"),
        ({"tags": "blur"}, "give a list of tags"),
        ({"tags": ["x" * 10_000]}, "at most 200 characters"),
        ({"tags": ["a\nb"]}, "one line of text"),
        ({"show": "path"}, "there is no such column. Found: item, label, prediction"),
        ({"annotator": ""}, "annotator"),
    ],
)
def test_wrong_arguments_are_told_in_words(make, arguments, words):
    with pytest.raises((ValueError, JournalError), match=words):
        make(**arguments)


def test_a_wrong_table_is_told_in_words(make):
    with pytest.raises(TableError, match="Tagger\\(\\) needs items as text"):
        make(table().assign(item=range(20)))
    with pytest.raises(TableError, match="Tagger\\(\\) needs one row an item"):
        make(pd.concat([table(), table()]))
    with pytest.raises(TableError, match="Tagger\\(\\) was given a table with no rows"):
        make(table().head(0))


# The wire


def test_a_tag_is_durable_before_it_is_acknowledged(make, tmp_path):
    wire = make()
    item = wire.tagger.queue["item"].iloc[0]
    given = event(item, "tag", "blur")
    (saved,) = wire.say(op="write", events=[given])
    assert saved["op"] == "saved"
    assert saved["ids"] == [given["id"]]
    kept = Journal(tmp_path / "journal.db").events()
    assert list(kept["id"]) == saved["ids"]
    assert list(kept["annotator"]) == ["me"]


def test_the_same_events_again_change_nothing(make):
    wire = make()
    item = wire.tagger.queue["item"].iloc[0]
    on, off = event(item, "tag", "blur"), event(item, "untag", "blur")
    wire.say(op="write", events=[on, off])
    (saved,) = wire.say(op="write", events=[on])
    assert (saved["ids"], saved["events"]) == ([on["id"]], [])
    assert len(wire.tagger.journal.events()) == 2
    assert not wire.tagger.tags()["value"].any()


def test_a_new_tagger_stands_on_the_first_item_not_done(make):
    first = make()
    for item in first.tagger.queue["item"][:3]:
        first.say(op="write", events=[event(item, "seen")])
    second = make()
    state, status = second.hello()
    assert list(status[:4]) == [1, 1, 1, 0]
    assert not state["start"], "the front end itself knows whether it has just begun"
    assert [e["kind"] for e in state["history"]] == ["seen"] * 3
    assert state["history"][-1]["pos"] == 2
    # Another person on the same journal begins at the beginning.
    assert set(make(annotator="other").hello()[1]) == {0}


def test_another_kernels_events_come_with_a_refresh(make):
    one, two = make(), make()
    item = two.tagger.queue["item"].iloc[0]
    two.say(op="write", events=[event(item, "tag", "blur"), event(item, "seen")])
    assert one.hello()[1][0] == 0
    (state,) = one.say(op="refresh")
    assert state["op"] == "state"
    assert not state["start"], "the person stays where she is"
    assert one.last("state")[1][0][0] == 3
    assert one.items(0)[0][0]["events"][0]["value"] == "blur"


def test_correct_items_hide_the_prediction_everywhere(make):
    predictions = table(40, 20, score=0.5, guess="dog", fine=[False] * 20 + [True] * 20)
    predictions["guess"] = predictions["prediction"]
    wire = make(predictions, correct=10)
    content, _ = wire.items(0)[0]
    assert content["prediction"] is None
    assert [name for name, _ in content["media"]["cells"]] == ["item", "label"]
    assert "sampling_rate" not in str([c for c, _ in wire.heard])
    with pytest.raises(ValueError, match=r"with correct=\.\.\., prediction and score are hidden"):
        make(predictions, correct=10, show=lambda row: row["prediction"])
    assert make(predictions).items(0)[0][0]["prediction"] == "dog"


def test_ten_thousand_items_start_with_little(make):
    predictions = table(10_000, 10_000, picture=[np.zeros((64, 64, 3), np.uint8)] * 10_000)
    before = time.perf_counter()
    wire = make(predictions, show="picture")
    _, status = wire.hello()
    assert time.perf_counter() - before < 5
    assert len(status) == 10_000
    assert len(str(wire.tagger.get_state())) < 100_000
    assert sum(len(str(content)) for content, _ in wire.heard) < 5_000


def test_a_slow_picture_keeps_no_tag_waiting(make):
    held, started = threading.Event(), threading.Event()

    def slow(row):
        started.set()
        held.wait(20)
        return "shown"

    wire = make(show=slow)
    queue = wire.hello()[0]["queue"]
    wire.say(op="want", queue=queue, items=[0, 1])
    assert started.wait(20)
    (saved,) = wire.say(op="write", events=[event(wire.tagger.queue["item"].iloc[0], "seen")])
    assert saved["op"] == "saved"
    held.set()
    assert wire.items(0, 1)[0][0]["media"]["text"] == "shown"


def test_what_goes_wrong_is_told_to_the_widget_and_kept_by_it(make, monkeypatch):
    wire = make()

    def full(events):
        raise JournalError("The disk is full. Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr(wire.tagger.journal, "write", full)
        (told,) = wire.say(op="write", events=[event("item 0", "seen")])
    assert told == {"op": "error", "text": "The disk is full. Free some space."}
    assert not any(wire.hello()[1]), "what is not durable does not count"
    (told,) = wire.say(op="dance")
    assert "does not know" in told["text"]
    (told,) = wire.say(op="write", events=[{"id": "a"}])
    assert told["op"] == "error"


def test_events_about_items_elsewhere_are_kept_too(make):
    wire = make()
    (saved,) = wire.say(op="write", events=[event("from another queue", "tag", "blur")])
    assert len(saved["ids"]) == 1
    assert saved["status"] == []
    assert wire.tagger.tags().empty
    assert list(wire.tagger.journal.tags()["item"]) == ["from another queue"]


def test_messages_from_other_threads_are_fine(make):
    wire = make(table(60, 60))
    threads = [
        threading.Thread(target=wire.say, kwargs={"op": "write", "events": [event(item, "seen")]})
        for item in wire.tagger.queue["item"]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(wire.hello()[1]) == {1}
    assert len(wire.tagger.journal.seen_items(annotator="me")) == 60


# The typed twin


def test_everything_can_be_typed(make):
    wire = make()
    tagger = wire.tagger
    one, two, three = tagger.queue["item"][:3]
    tagger.add(one, "blur")
    tagger.add(one, LABEL_IS_WRONG)
    tagger.remove(one, "blur")
    tagger.add(one, "dark")
    tagger.note(one, "by the window")
    tagger.done(one)
    tagger.done(two)
    tags = tagger.tags()
    given = tags[tags["value"]].sort_values("tag")
    assert given[["item", "tag"]].to_numpy().tolist() == [[one, "dark"], [one, LABEL_IS_WRONG]]
    assert set(tags.query("item == @two and not value")["tag"]) >= {"blur", "dark"}
    assert tagger.journal.notes()["note"].tolist() == ["by the window"]
    assert set(tagger.journal.events()["sampling_rate"]) == {1.0}
    taken = tagger.undo()
    assert (taken["item"], taken["kind"]) == (two, "seen")
    assert tagger.journal.seen_items(annotator="me") == [one]
    assert list(wire.hello()[1][:3]) == [7, 0, 0]
    assert "1 of 12 items done" in repr(tagger)
    with pytest.raises(ValueError, match=f"{three}x.* Did you mean"):
        tagger.add(f"{three}x", "blur")
    with pytest.raises(ValueError, match=r"the tag 'blurr' is not on offer. Did you mean 'blur'\?"):
        tagger.add(one, "blurr")
    with pytest.raises(ValueError, match="not in this tagger's queue"):
        tagger.add("item 19", "blur")  # predicted right, and no correct items were asked for


def test_undo_goes_back_step_by_step_and_after_a_restart(make):
    tagger = make().tagger
    item = tagger.queue["item"].iloc[0]
    tagger.add(item, "blur")
    tagger.note(item, "first")
    tagger.note(item, "second")
    again = make().tagger
    assert again.undo()["value"] == "second"
    assert again.journal.notes()["note"].tolist() == ["first"]
    assert again.undo()["value"] == "first"
    assert again.journal.notes().empty
    assert again.undo()["value"] == "blur"
    assert again.undo() is None
    assert not again.tags()["value"].any()


def test_a_new_tag_asks_for_those_seen_before_it(make):
    wire = make()
    tagger = wire.tagger
    seen = list(tagger.queue["item"][:4])
    for item in seen:
        tagger.done(item)
    tagger.new_tag("glare")
    assert wire.last("state")[0]["unchecked"] == {"glare": 4}
    assert sorted(tagger.unchecked("glare")) == sorted(seen)
    assert sorted(tagger.journal.unchecked("glare")) == sorted(seen)
    (state,) = wire.say(op="check", tag="glare")
    assert state["start"]
    assert set(wire.last("state")[1][0]) == {0}, "they are open again"
    fifth = tagger.queue["item"].iloc[4]
    words = ["blur", "dark", "glare"]
    (saved,) = wire.say(
        op="write",
        events=[event(seen[0], "seen", vocabulary=words), event(fifth, "tag", "glare")],
    )
    assert saved["unchecked"] == {"glare": 3}
    assert [0, 1] in saved["status"]
    assert tagger.queue_unchecked("glare") == 3


def test_a_tag_made_in_the_browser_is_on_offer_everywhere_and_after_a_restart(make):
    wire = make()
    item = wire.tagger.queue["item"].iloc[0]
    given = event(item, "tag", "glare", vocabulary=["blur", "dark", "glare"])
    (saved,) = wire.say(op="write", events=[given])
    assert saved["tags"] == ["blur", "dark", "glare"]
    assert make().tagger.vocabulary == ["blur", "dark", "glare"]
    assert make(annotator="other").tagger.vocabulary == ["blur", "dark"]
    wire.tagger.journal.rename_tag("glare", "reflection")
    assert make().tagger.vocabulary == ["blur", "dark", "reflection"]
    assert make().items(0)[0][0]["events"][0]["value"] == "reflection"


def test_without_a_front_end_there_is_a_line_on_what_to_do(make):
    tagger = make().tagger
    words = "run this cell in JupyterLab, or use tagger.add"
    assert words in tagger._repr_mimebundle_()[0]["text/plain"]
    picture = tagger.show_item(tagger.queue["item"].iloc[0])
    assert "cat" in picture._repr_html_()


def test_an_item_asked_for_before_there_is_a_view_is_shown_when_there_is_one(make):
    wire = make()
    wire.tagger.show_item(wire.tagger.queue["item"].iloc[3])
    said = wire.say(op="hello")
    assert [(m["op"], m.get("pos")) for m in said[-2:]] == [("state", None), ("goto", 3)]
    assert [m["op"] for m in wire.say(op="hello")] == ["state"], "a reload stays where one was"


# What is shown


def media(make, values, **more) -> tuple[dict, list[bytes]]:
    predictions = table(len(values), len(values)).assign(what=pd.Series(list(values), dtype=object))
    wire = make(predictions, **{"show": "what", **more})
    place = wire.tagger.queue.index[wire.tagger.queue["item"] == "item 0"][0]
    content, buffers = wire.items(int(place))[place]
    return content["media"], buffers


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("array", "shown"),
    [
        (np.array([[0, 128], [255, 7]], np.uint8), [[0, 128], [255, 7]]),
        (np.array([[0.0, 1.0], [0.5, np.nan]]), [[0, 255], [128, 0]]),
        (np.array([[0.0, 16.0], [8.0, 4.0]]), [[0, 255], [128, 64]]),
        (np.array([[False, True]]), [[0, 255]]),
        (np.array([[0, 200]], np.int64), [[0, 200]]),
        (np.zeros((2, 3, 1), np.uint8), np.zeros((2, 3))),
        (np.full((3, 5, 6), 9, np.uint8), np.full((5, 6, 3), 9)),
        (np.full((5, 6, 4), 9, np.uint8), np.full((5, 6, 4), 9)),
    ],
)
def test_arrays_are_pictures(make, array, shown):
    head, (data,) = media(make, [array])
    assert head["kind"] == "image"
    assert pixels(data).tolist() == np.asarray(shown).tolist()
    assert (head["width"], head["height"]) == pixels(data).shape[1::-1]


def test_picture_files_travel_as_they_are_unless_huge(make, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (2000, 3000, 3), dtype=np.uint8)
    small, huge, tiff = tmp_path / "a.jpg", tmp_path / "b.png", tmp_path / "c.tif"
    Image.fromarray(noise[:50, :60]).save(small)
    Image.fromarray(noise).save(huge)
    Image.fromarray(noise[:50, :60]).save(tiff)
    head, (data,) = media(make, [str(small)])
    assert (head["type"], data) == ("image/jpeg", small.read_bytes())
    head, (data,) = media(make, [huge])
    assert max(head["width"], head["height"]) == 1600
    head, (data,) = media(make, [tiff])
    assert (head["type"], pixels(data).tolist()) == ("image/png", noise[:50, :60].tolist())


def test_missing_and_broken_files_say_why(make, tmp_path):
    bad, cut, empty = tmp_path / "bad.png", tmp_path / "cut.jpg", tmp_path / "empty.wav"
    bad.write_bytes(b"no picture")
    whole = io.BytesIO()
    Image.effect_noise((200, 200), 50).save(whole, "JPEG")
    cut.write_bytes(whole.getvalue()[:2000])
    empty.touch()
    for path, words in [
        (tmp_path / "none.png", "There is no file"),
        (bad, "cannot identify image file"),
        (cut, "truncated"),
        (empty, "the file is empty"),
    ]:
        head, buffers = media(make, [str(path)])
        assert (head["kind"], buffers) == ("broken", [])
        assert words in head["reason"]
        assert path.name in head["reason"]
    values = [None, np.zeros((4, 4))]
    head, _ = media(make, values)
    assert "the value is missing" in head["reason"]
    wire = make(tags=["blur"])
    wire.tagger.add(wire.tagger.queue["item"].iloc[0], BROKEN)
    assert wire.hello()[1][0] == 6


RATE_HZ = 8000
TONE = np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)


@pytest.mark.parametrize("form", ["wav", "flac", "pair", "scipy", "int16", "stereo"])
def test_sounds_are_played_and_drawn(make, tmp_path, form):
    value = {
        "pair": (TONE, RATE_HZ),
        "scipy": (RATE_HZ, TONE),
        "int16": ((TONE * 32767).astype(np.int16), RATE_HZ),
        "stereo": (np.stack([TONE, TONE]), RATE_HZ),
    }.get(form)
    if value is None:
        value = tmp_path / f"tone.{form}"
        soundfile.write(value, TONE, RATE_HZ)
    head, (sound, picture) = media(make, [value])
    assert head["kind"] == "audio"
    assert head["duration_s"] == pytest.approx(1)
    heard, rate = soundfile.read(io.BytesIO(sound))
    assert rate == RATE_HZ
    assert heard.shape == ((8000, 2) if form == "stereo" else (8000,))
    assert np.abs(np.atleast_2d(heard.T) - TONE).max() < 1e-3
    drawn = pixels(picture)
    assert drawn.shape == (head["height"], head["width"], 3)
    # The tone of 1 kHz is the brightest line: a quarter of the way up to 4 kHz.
    lower = drawn[64:].astype(int).sum(axis=(1, 2))
    assert np.argmax(lower) / len(lower) == pytest.approx(0.75, abs=0.02)


def test_samples_with_a_column_of_rates_and_odd_lengths(make):
    for samples in (TONE, TONE[:1], TONE[:7], np.zeros(3000), np.zeros(0)):
        head, _ = media_with_rate(make, samples)
        assert head["kind"] == ("audio" if len(samples) else "broken")


def media_with_rate(make, samples):
    predictions = table(1, 1).assign(what=pd.Series([samples], dtype=object), rate_hz=RATE_HZ)
    content, buffers = make(predictions, show="what").items(0)[0]
    return content["media"], buffers


def test_a_long_recording_is_cut_and_says_so(make):
    head, (sound, _) = media(make, [(np.zeros(300 * 1000, np.float32), 1000)])
    assert "the first of 5 minutes" in head["caption"]
    assert soundfile.info(io.BytesIO(sound)).duration == pytest.approx(120)


def test_text_rows_and_functions(make):
    assert media(make, ["<b>hi</b>"])[0] == {"kind": "text", "text": "<b>hi</b>"}
    assert media(make, ["x" * 30_000])[0]["text"].endswith("and 10,000 more characters")
    cells = dict(media(make, [np.zeros((2, 3))], show=None)[0]["cells"])
    assert cells["label"] == "cat"
    assert cells["what"] == "array (2, 3) of float64"
    shown = {
        "text": lambda row: f"{row['item']}",
        "html": lambda row: row.to_frame(),
        "image": lambda row: np.zeros((2, 2)),
        "audio": lambda row: (TONE, RATE_HZ),
        "broken": lambda row: None,
    }
    for kind, function in shown.items():
        assert media(make, ["x"], show=function)[0]["kind"] == kind
    assert "ZeroDivisionError" in media(make, ["x"], show=lambda row: 1 // 0)[0]["reason"]


def test_a_figure_is_a_picture_and_is_closed(make):
    from matplotlib import pyplot as plt

    def draw(row):
        figure, axes = plt.subplots()
        axes.plot([1, 2])
        return figure

    before = plt.get_fignums()
    assert media(make, ["x"], show=draw)[0]["kind"] == "image"
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    "values", [[1, 2], [np.zeros(64)], [np.zeros((2, 2)), "a text"], [None, None], [{"a": 1}]]
)
def test_an_unsure_kind_is_an_error_that_says_what_to_do(make, values):
    with pytest.raises(ValueError, match=r"cannot tell what to show .* show=lambda row"):
        media(make, values)


# What a person gets wrong at the start


def test_a_wrong_folder_is_no_row_of_broken_files(make):
    nowhere = table(6, 4).assign(path=[f"nowhere/{k}.png" for k in range(6)])
    with pytest.raises(ValueError, match=r"none of the first 4 items can be shown\. There is no"):
        make(nowhere, show="path")
    with pytest.raises(ValueError, match=r"Tagger\(show=a function\): none of the first 4 items"):
        make(table(6, 4), show=lambda row: row["nix"])


@pytest.mark.parametrize("correct", ["3", True, None])
def test_how_many_correct_items_is_a_number(make, correct):
    with pytest.raises(ValueError, match="give how many correct items to mix in"):
        make(table(6, 4), correct=correct)


def test_an_empty_queue_says_why(make):
    none_wrong = table(6, 0)
    assert "every prediction here equals its label" in make(none_wrong).hello()[0]["nothing"]
    unlabelled = table(6, 6).assign(label=pd.Series([None] * 6, dtype=object))
    assert "no item has a label" in make(unlabelled).hello()[0]["nothing"]
    nobody = make(table(6, 6), only=np.zeros(6, bool))
    assert "the filter (only=) keeps no item" in nobody.hello()[0]["nothing"]
    assert make(table(6, 6)).hello()[0]["nothing"] == ""
