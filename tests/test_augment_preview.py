"""The preview's kernel side and its typed twin, driven by the messages its front end sends."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from html import unescape

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from statsmodels.stats.proportion import proportion_confint

from mlkit import augment
from mlkit._tables import TableError
from mlkit.augment import audio, image
from mlkit.tags import Journal, JournalError
from mlkit.widgets import AugmentPreview
from mlkit.widgets._course import Course, Drawing
from mlkit.widgets._plan import Plan
from test_tags_faults import database, postgres  # noqa: F401 - a server of our own, as fixtures

GUIDE, REALISTIC, CANT_TELL = "augment preview", "augment preview: realistic?", "can't tell"
NOISY = [(audio.add_noise, {"snr_db": (-5, 20), "noise": ["white", "pink"]}, 1.0)]
RATE = 8000


def clips(n: int = 6) -> pd.DataFrame:
    times = np.arange(RATE // 4) / RATE
    sounds = [0.3 * np.sin(2 * np.pi * (200 + 50 * place) * times) for place in range(n)]
    labels = [("low", "high")[place % 2] for place in range(n)]
    return pd.DataFrame(
        {
            "item": [f"tone-{place}-{labels[place]}" for place in range(n)],
            "label": labels,
            "sound": sounds,
        }
    )


def photos(n: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 255, (40, 60, 3), np.uint8) for _ in range(n)]
    labels = [("cat", "dog")[place % 2] for place in range(n)]
    return pd.DataFrame({"item": [f"photo-{p}" for p in range(n)], "label": labels, "look": arrays})


class Wire:
    """Stands where the browser stands."""

    def __init__(self, preview: AugmentPreview) -> None:
        self.preview, self.heard = preview, []
        preview.send = self.take

    def take(self, content, buffers=None) -> None:
        json.dumps(content)  # it travels as JSON
        self.heard.append((content, buffers or []))

    def say(self, **message) -> None:
        self.preview._handle_custom_msg(json.loads(json.dumps(message)), [])

    def all(self, op: str) -> list[tuple[dict, list[bytes]]]:
        return [(content, buffers) for content, buffers in list(self.heard) if content["op"] == op]

    def wait(self, op: str, met=lambda content: True) -> tuple[dict, list[bytes]]:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = [(content, buffers) for content, buffers in self.all(op) if met(content)]
            if found:
                return found[-1]
            time.sleep(0.005)
        raise AssertionError(f"no such {op}; heard {[content['op'] for content, _ in self.heard]}")

    def drawn(self) -> tuple[dict, list[bytes]]:
        """What is painted once all wishes are fulfilled."""
        wish = self.preview._wish
        return self.wait("drawn", lambda content: content["wish"] == wish)

    def hello(self) -> tuple[dict, list[bytes]]:
        self.say(op="hello")
        return self.drawn()

    def answer(self, key: str, value: str, guide: str = GUIDE, **more) -> str:
        event = {
            "id": uuid.uuid4().hex,
            "at": "2026-01-01T10:00:00.000Z",
            "item": key,
            "kind": "label",
            "value": value,
            "guide": guide,
            "repeat": 0,
        }
        self.say(op="write", events=[{**event, "vocabulary": [], "undoes": None, **more}])
        return event["id"]


@pytest.fixture
def make(tmp_path):
    def make_it(items: pd.DataFrame | None = None, **arguments) -> AugmentPreview:
        if items is None:
            given = {"show": "sound", "rate_hz": RATE, "pipeline": NOISY}
            where = {"journal": tmp_path / "j.db"}
            return AugmentPreview(clips(), **where | given | arguments)
        return AugmentPreview(items, journal=tmp_path / "j.db", **arguments)

    return make_it


@pytest.fixture
def pictures(make):
    def make_it(**arguments) -> AugmentPreview:
        given = {
            "show": "look",
            "pipeline": [(image.change, {"situation": "lighting", "strength": (0.2, 1.0)}, 1.0)],
            "copies": 3,
        }
        return make(photos(), **given | arguments)

    return make_it


# What is drawn and set


def test_the_result_is_what_apply_gives_for_the_steps(make):
    preview = make()
    original = preview.original.copy()
    for _ in range(3):
        steps = preview.steps
        np.testing.assert_array_equal(
            preview.result, augment.apply(original, steps, pipeline=NOISY, rate_hz=RATE)
        )
        preview.draw_again()
        assert preview.steps != steps
    np.testing.assert_array_equal(preview.original, original)


def test_a_set_value_is_the_measured_one_and_leaves_the_rest_as_drawn(make):
    preview = make()
    before = preview.steps[0]
    preview.set(snr_db=7.0)
    after = preview.steps[0]
    assert after["parameters"] == {**before["parameters"], "snr_db": 7.0}
    assert after["seed"] == before["seed"]
    clip, noise = preview.original, preview.result - preview.original
    assert 10 * np.log10(np.mean(clip**2) / np.mean(noise**2)) == pytest.approx(7, abs=1e-6)
    preview.set(noise="pink")
    assert preview.steps[0]["parameters"] == {"snr_db": 7.0, "noise": "pink"}


def test_draw_again_and_next_let_go_of_what_was_set(make):
    for go_on in (AugmentPreview.draw_again, AugmentPreview.next):
        preview = make()
        preview.set(snr_db=7.0)
        go_on(preview)
        assert preview.steps[0]["parameters"]["snr_db"] != 7.0


def test_a_step_can_be_left_out_and_a_value_brings_it_back(make):
    pipeline = [*NOISY, (audio.change_speed, {"factor": (0.8, 1.25)}, 0.0)]
    preview = make(pipeline=pipeline)
    assert [step["place"] for step in preview.steps] == [0]
    preview.set(factor=1.25)
    assert [step["place"] for step in preview.steps] == [0, 1]
    assert len(preview.result) == round(len(preview.original) / 1.25)
    preview.set(add_noise=False, change_speed=False)
    assert preview.steps == []
    np.testing.assert_array_equal(preview.result, preview.original)


def test_the_same_number_draws_the_same_and_another_does_not(make, tmp_path):
    first, second = make(rng=3), make(rng=3)
    assert (first.item, first.steps) == (second.item, second.steps)
    assert make(rng=4).steps != first.steps


def test_names_of_parameters_are_told_apart(make):
    twice = [
        *NOISY,
        (audio.add_noise, {"snr_db": (25, 30)}, 1.0),
        (audio.change_gain, {"gain_db": (-6.0, 0.0)}, 1.0),
    ]
    preview = make(pipeline=twice)
    table = preview.table()
    assert list(table["name"]) == ["add_noise_1_snr_db", "noise", "add_noise_2_snr_db", "gain_db"]
    assert list(table["step"]) == ["add_noise_1", "add_noise_1", "add_noise_2", "change_gain"]
    preview.set(add_noise_2_snr_db=26, gain_db=-3)
    assert preview.steps[1]["parameters"]["snr_db"] == 26
    assert preview.table().set_index("name")["value"]["gain_db"] == -3


def test_what_cannot_be_set_is_refused_in_words(make):
    preview = make()
    with pytest.raises(ValueError, match=r"'loudness'; there are 'add_noise', 'snr_db', 'noise'"):
        preview.set(loudness=3)
    with pytest.raises(ValueError, match=r"snr_db lies between -5 and 20.*given 40"):
        preview.set(snr_db=40)
    with pytest.raises(ValueError, match="noise is one of white, pink; it was given brown"):
        preview.set(noise="brown")
    with pytest.raises(ValueError, match="add_noise is a step: True does it"):
        preview.set(add_noise=3)


# Answers


def test_an_answer_is_a_label_event_and_tells_the_truth(make, tmp_path):
    preview = make(predict=lambda samples, rate_hz: ("low", 0.75))
    source, steps = preview.item, preview.steps
    said = preview.answer("high")
    label = clips().set_index("item")["label"][source]
    assert said == {"answer": "high", "label": label, "prediction": "low", "score": 0.75}
    row = preview.answers().iloc[0]
    assert row["source"] == source
    assert row["item"].startswith(f"{source}~")
    assert len(row["item"]) == len(source) + 9
    assert json.loads(row["steps"]) == steps
    assert row[["label", "answer"]].tolist() == [label, "high"]
    assert row[["prediction", "score"]].tolist() == ["low", 0.75]
    assert row["blind"]
    event = Journal(tmp_path / "j.db").annotations().iloc[0]
    assert (event["item"], event["label"], event["guide"]) == (row["item"], "high", GUIDE)


def test_the_steps_written_down_make_the_same_sound_again(make):
    preview = make()
    result = preview.result
    preview.answer(CANT_TELL)
    steps = json.loads(preview.answers()["steps"].iloc[0])
    sound = dict(zip(clips()["item"], clips()["sound"], strict=True))[preview.item]
    np.testing.assert_array_equal(augment.apply(sound, steps, rate_hz=RATE), result)


def test_a_second_answer_to_one_item_is_not_blind(make):
    preview = make()
    preview.answer("low")
    preview.draw_again()
    preview.answer("low")
    assert preview.answers()["blind"].tolist() == [True, False]
    evidence = preview.evidence().table.iloc[0]
    assert (evidence["n"], evidence["people_n"]) == (2, 1)


def test_next_goes_to_an_item_without_an_answer_and_a_new_cell_goes_on_there(make):
    preview = make()
    seen = []
    for _ in range(4):
        seen.append(preview.item)
        preview.answer("low")
        preview.next()
    assert len(set(seen)) == 4
    again = make()
    assert again.item not in seen
    assert len(again.answers()) == 4
    assert repr(again).startswith("AugmentPreview: 4 of 6 items answered, you 2 of 4 right")
    for _ in range(2):
        again.answer("low")
        again.next()
    assert again.item in seen  # all have one: round again, with new drawings
    assert len(set(again.answers()["item"])) == 6
    steps = json.loads(again.answers().set_index("source")["steps"][again.item])
    assert again.steps != steps


def test_realistic_is_kept_beside_the_answer_in_any_order(make):
    preview = make()
    preview.realistic(False)
    row = preview.answers().iloc[0]
    assert not row["realistic"]
    assert pd.isna(row["label"]), "the label may be seen only after the answer"
    preview.answer("low")
    preview.next()
    preview.answer("low")
    preview.realistic(True)
    assert preview.answers()["realistic"].tolist() == [False, True]
    assert preview.answers()["blind"].tolist() == [True, True]


def test_undo_takes_back_the_latest_answer_also_in_a_new_cell(make):
    preview = make()
    preview.answer("low")
    preview.realistic(True)
    again = make()
    assert again.undo() == "yes"
    assert again.undo() == "low"
    assert again.undo() is None
    assert again.answers().empty
    known = preview.item
    preview = make()
    assert preview.item != known, "it begins with one that can still be answered blind"
    for _ in range(5):
        preview.answer("low")
        preview.next()
    assert preview.item == known
    preview.answer("low")  # the label of this one was shown before
    assert preview.answers()["blind"].tolist() == [True] * 5 + [False]


def test_the_first_blind_answer_counts_whatever_follows(make):
    preview = make(predict=lambda samples, rate_hz: ("low", 0.5))
    wire = Wire(preview)
    drawn = wire.hello()[0]
    before = [("high", True)]

    def counted(one) -> list[tuple[str, bool]]:
        table = one.answers()
        assert one.evidence().table.loc[0, "people_n"] == table["blind"].sum()
        assert repr(one).count("not blind") == (~table["blind"]).any()
        return list(zip(table["answer"], table["blind"], strict=True))

    wire.answer(drawn["key"], "high", duration_s=1.5)
    at = preview.answers()["at"]
    key = wire.wait("truth")[0]["key"]
    for later in (drawn["key"], key):  # a fast finger, and one that saw the label
        wire.answer(later, "low", duration_s=9.0)
        assert counted(preview) == counted(make()) == before
        assert wire.all("truth")[-1][0]["answer"] == "high"
        assert wire.all("truth")[-1][0]["blind"]
    assert preview.answer("low")["answer"] == "high"
    assert preview.answers()["at"].tolist() == at.tolist()
    assert preview.answers()["duration_s"].tolist() == [1.5]
    for _ in range(3):
        assert preview.undo() == "low"
        assert counted(preview) == counted(make()) == before
    assert preview.undo() == "high"
    assert preview.answers().empty
    preview.answer("high")
    assert counted(preview) == [("high", False)], "the label was shown"


def test_answers_of_an_older_journal_are_read_as_they_were(make, tmp_path):
    preview = make()
    drawing = preview._course.drawing()
    judged = preview._course.judged(drawing, blind=True)
    about = {"source": judged.source, "steps": judged.steps, "blind": True, "label": "low"}
    note = {"item": judged.item, "kind": "note", "value": json.dumps(about | {"prediction": None})}
    said = {"item": judged.item, "kind": "label", "value": "low", "guide": GUIDE}
    Journal(tmp_path / "j.db").write([note, said])
    row = make().answers().iloc[0]
    assert (row["answer"], row["blind"], row["source"]) == ("low", True, judged.source)


def test_what_others_wrote_stays_theirs(make, tmp_path):
    make().answer("low")
    Journal(tmp_path / "j.db").label("tone-0-low", "low")
    other = make(annotator="else")
    assert other.answers().empty
    assert make().answers()["answer"].tolist() == ["low"]


def test_evidence_counts_as_one_does_by_hand(make):
    preview = make(predict=lambda samples, rate_hz: ("low", 0.5))
    for number in range(6):
        preview.set(snr_db=[-5, 0, 3, 10, 15, 20][number])
        preview.answer(CANT_TELL if number < 2 else preview.labels[1])  # "low"
        preview.realistic(number != 0)
        preview.next()
    answers = preview.answers()
    right = answers["answer"] == answers["label"]
    snr = answers["steps"].map(lambda steps: json.loads(steps)[0]["parameters"]["snr_db"])
    table = preview.evidence(bins=2).table
    assert table.loc[0, "people_right"] == right.mean()
    assert table.loc[0, "model_right"] == (answers["label"] == "low").mean()
    assert table.loc[0, "realistic"] == 5 / 6
    low, high = proportion_confint(right.sum(), 6, method="wilson")
    ends = table.loc[0, ["people_right_low", "people_right_high"]].tolist()
    assert ends == pytest.approx([low, high])
    bins = table[table["parameter"] == "snr_db"]
    assert bins["range"].tolist() == ["-5 to 7.5", "7.5 to 20"]
    assert bins["n"].tolist() == [3, 3]
    assert bins["people_right"].tolist() == [right[snr < 7.5].mean(), right[snr > 7.5].mean()]
    kinds = table[table["parameter"] == "noise"]
    assert kinds["range"].tolist() == ["white", "pink"]
    assert kinds["n"].sum() == 6
    assert table.loc[0, "cant_tell"] == 2
    assert bins["cant_tell"].tolist() == [2, 0]
    assert table.loc[0, "people_n"] == 6, "who cannot tell was asked too"


def test_who_cannot_tell_is_among_the_answers_and_not_right(make):
    preview = make()
    truth = clips().set_index("item")["label"]
    for said in ("right", "wrong", CANT_TELL):
        label = truth[preview.item]
        preview.answer(
            {"right": label, "wrong": "low" if label == "high" else "high"}.get(said, said)
        )
        preview.next()
    row = preview.evidence().table.iloc[0]
    assert (row["people_n"], row["people_right"], row["cant_tell"]) == (3, 1 / 3, 1)
    assert "you 1 of 3 right, 1 of them can't tell;" in repr(preview)
    html = unescape(preview.evidence()._repr_html_())
    assert "right answers of all blind answers, “can't tell” among them" in html


def test_evidence_reads_short_and_keeps_every_figure(make):
    preview = make(predict=lambda samples, rate_hz: ("low", 0.5))
    for place in range(4):
        preview.answer(CANT_TELL if place == 3 else "low")
        preview.next()
    evidence = preview.evidence(bins=2)
    html = evidence._repr_html_()
    assert html.count("</th>") == 7
    assert html.count("<tr>") == 1 + len(evidence.table)
    right = int(evidence.table["people_right"][0] * 4)
    low, high = proportion_confint(right, 4, method="wilson")
    cell = f"{right} of 4 ({25 * right} %, {100 * low:.0f} to {100 * high:.0f} %)"
    assert f">{cell}</td>" in html
    assert "nobody judged this here" in html
    assert (
        f"People were right in {cell} blind answers, 1 of them “can't tell”; the model in"
        in repr(evidence)
    )
    ax = evidence.plot("noise")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["white", "pink"]
    assert "people right" in ax.figure.get_label()
    shares = evidence.table.query("parameter == 'noise'")["people_right"]
    np.testing.assert_array_equal(ax.containers[0].lines[0].get_ydata().astype(float), shares)
    with pytest.raises(
        ValueError, match="nothing was set by this name; there are 'snr_db', 'noise'"
    ):
        evidence.plot("loudness")
    with pytest.raises(ValueError, match=r"evidence\(bins=0\): give a whole number from 1 up"):
        preview.evidence(bins=0)


def test_no_answers_make_an_empty_table_and_empty_shares(make):
    preview = make()
    assert preview.answers().empty
    assert repr(preview.evidence()) == "Nobody answered yet: there is no evidence."
    assert preview.evidence().plot().figure.get_label().startswith("Shares by snr_db")
    table = preview.evidence().table
    assert (table["n"] == 0).all()
    assert table[["people_right", "model_right", "realistic"]].isna().all(axis=None)


# Models


def test_a_model_gets_samples_and_rate_the_way_it_takes_them(make):
    def by_name(samples, *, rate_hz):
        return "low", rate_hz

    def by_place(wave, rate):
        return "low", rate

    def alone(samples):
        return "low", len(samples)

    for predict, score in ((by_name, RATE), (by_place, RATE), (alone, 2000)):
        preview = make(predict=predict)
        assert preview.answer("low")["score"] == score


def test_what_predict_raises_or_gives_wrongly_is_told_and_ends_nothing(make):
    def broken(samples):
        raise RuntimeError("no weights")

    for predict, words in ((broken, "RuntimeError: no weights"), (lambda x: {}, "gives back")):
        preview = make(predict=predict)
        wire = Wire(preview)
        key = wire.hello()[0]["key"]
        wire.answer(key, "low")
        told = wire.wait("truth", lambda content: content["trouble"])[0]
        assert words in told["trouble"]
        assert told["label"] in ("low", "high")
    assert preview.answers()["prediction"].isna().all()


def test_a_slow_model_keeps_nothing_waiting_and_the_latest_wish_wins(make):
    go_on, asked = threading.Event(), []

    def slow(samples):
        asked.append(len(asked))
        go_on.wait(20)
        return "low", 0.5

    preview = make(predict=slow)
    wire = Wire(preview)
    wire.hello()
    while not asked:
        time.sleep(0.005)
    for snr in np.linspace(-5, 20, 30):
        wire.say(op="set", values={"snr_db": snr})
    drawn = wire.drawn()[0]
    assert drawn["now"]["snr_db"] == 20
    wire.answer(drawn["key"], "low")
    saved = wire.all("saved")
    assert saved, "an answer waited for the model"
    assert wire.wait("truth")[0]["thinking"]
    assert len(asked) == 1
    go_on.set()
    truth = wire.wait("truth", lambda content: not content["thinking"])[0]
    assert (truth["prediction"], truth["score"]) == ("low", 0.5)
    assert len(asked) == 2, "the drawings in between were asked about"
    deadline = time.monotonic() + 20
    while preview.answers()["prediction"].isna().all() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert preview.answers()["prediction"].tolist() == ["low"]


DIES = """
import os, signal, sys
import numpy as np, pandas as pd
from mlkit.augment import audio
from mlkit.widgets import AugmentPreview
def predict(samples):
    print("asked", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
table = pd.DataFrame({"item": ["a", "b"], "label": ["x", "y"], "sound": [np.ones(800) / 9] * 2})
preview = AugmentPreview(table, show="sound", rate_hz=8000, journal=sys.argv[1], predict=predict,
                         pipeline=[(audio.change_gain, {"gain_db": (-9, 0)}, 1.0)])
print(preview.item, flush=True)
preview.answer("x")
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_an_answer_outlives_a_kernel_that_dies_in_a_prediction(tmp_path):
    where = tmp_path / "j.db"
    done = subprocess.run(
        [sys.executable, "-c", DIES, str(where)], capture_output=True, text=True, check=False
    )
    item, asked = done.stdout.split()
    assert (done.returncode, asked) == (-signal.SIGKILL, "asked"), done.stderr
    table = pd.DataFrame({"item": ["a", "b"], "label": ["x", "y"], "sound": [np.ones(800) / 9] * 2})
    pipeline = [(audio.change_gain, {"gain_db": (-9, 0)}, 1.0)]
    again = AugmentPreview(table, show="sound", rate_hz=8000, journal=where, pipeline=pipeline)
    row = again.answers().iloc[0]
    assert (row["source"], row["answer"], row["blind"]) == (item, "x", True)
    assert pd.isna(row["prediction"])
    evidence = again.evidence().table.iloc[0]
    assert (evidence["people_n"], evidence["model_n"]) == (1, 0)


# Loudness


def lit(wire, op) -> tuple[int, float]:
    """Rows of pixels that the waveform reaches, and how bright the spectrogram is."""
    picture = np.asarray(Image.open(io.BytesIO(wire.all(op)[-1][1][1])), float)
    wave = picture[:64].sum(axis=2)
    return int((wave > wave.min()).any(axis=1).sum()), float(picture[64:].mean())


def test_what_is_louder_looks_louder(make):
    gain = [(audio.change_gain, {"gain_db": (-12.0, 6.0)}, 1.0)]
    preview = make(pipeline=gain)
    wire = Wire(preview)
    wire.hello()
    wire.answer(wire.drawn()[0]["key"], "low")
    wire.wait("original")
    time.sleep(0.3)
    full = 62  # of 64 rows
    for gain_db, after, before in (
        (-12, full / 4, full),
        (-6, full / 2, full),
        (0, full, full),
        (6, full, full / 2),
    ):
        originals = len(wire.all("original"))
        wire.say(op="set", values={"gain_db": gain_db})
        wire.drawn()
        drawn, deadline = preview._course.drawing(), time.monotonic() + 20
        while preview._scale != preview._studio.scale(drawn) and time.monotonic() < deadline:
            time.sleep(0.01)  # the original follows where the scale is another
        time.sleep(0.3)
        result, shine = lit(wire, "drawn")
        original, own = lit(wire, "original")
        assert result == pytest.approx(after, abs=2), gain_db
        assert original == pytest.approx(before, abs=2), gain_db
        assert np.sign(shine - own) == np.sign(gain_db)
        assert len(wire.all("original")) <= originals + 1
    assert len(wire.all("original")) <= 5


def test_a_silent_original_and_a_broken_pipeline_have_a_scale(make):
    table = clips(2)
    table["sound"] = [np.zeros(800), np.zeros(800)]

    def hum(samples):
        return samples + 0.5

    for pipeline in ([(hum, {}, 1.0)], [(audio.change_gain, {"gain_db": 3}, 1.0)]):
        preview = make(table, show="sound", rate_hz=RATE, pipeline=pipeline)
        wire = Wire(preview)
        drawn = wire.hello()[0]
        assert not drawn["trouble"]
        wire.answer(drawn["key"], "low")
        wire.wait("original")
        preview.undo()


# Two tabs, and a class's server


def test_two_kernels_on_one_journal_know_of_each_other(make):
    one, two = make(), make()
    assert one.item == two.item
    first, second = Wire(one), Wire(two)
    key = first.hello()[0]["key"]
    other = second.hello()[0]["key"]
    first.answer(key, "low")
    assert first.wait("truth")[0]["label"]
    second.answer(other, "high")  # the label was seen in the first tab
    row = two.answers().iloc[0]
    assert (len(two.answers()), row["answer"], row["blind"]) == (1, "low", True)
    note = json.loads(Journal(two.journal.where).notes()["note"].iloc[0])
    assert not note["blind"], "the second answer was not blind"
    first.say(op="next")
    key = first.drawn()[0]["key"]
    second.say(op="next")
    second.drawn()
    first.answer(key, "low")
    item = one.item
    second.say(op="next")
    assert two.item != item, "it was answered in the other tab"
    second.say(op="hello")
    assert second.all("state")[-1][0]["done"] == 2
    assert one.answers()["blind"].tolist() == [True, True]
    assert two.undo() == "low"
    assert two.undo() == "high"
    assert one.answers()["answer"].tolist() == ["low"], "the one before stands again"


def test_a_class_shares_a_journal_on_a_server(make, database):  # noqa: F811 - the fixture
    ana, ben = (make(journal=database, annotator=name) for name in ("ana", "ben"))
    wire = Wire(ana)
    drawn = wire.hello()[0]
    wire.answer(drawn["key"], "low", duration_s=1.5)
    wire.answer(drawn["key"], "yes", REALISTIC)
    ben.answer("high")
    ben.realistic(False)
    for mine, other, answer in ((ana, ben, "low"), (ben, ana, "high")):
        row = mine.answers().iloc[0]
        assert (row["answer"], row["blind"], row["realistic"]) == (answer, True, answer == "low")
        assert row["item"] == other.answers()["item"].iloc[0]
        again = make(journal=database, annotator=mine.annotator)
        assert again.item != row["source"]
        assert json.loads(row["steps"]) == json.loads(again.answers()["steps"].iloc[0])
    assert ana.undo() == "yes"
    assert ben.answers()["realistic"].tolist() == [False]


# The wire


def test_nothing_that_tells_travels_before_the_answer(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"xyzzy{place}-plugh" for place in range(5)]
    paths = []
    for name in names:
        paths.append(str(tmp_path / f"{name}.png"))
        Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8)).save(paths[-1])
    (tmp_path / f"{names[2]}.png").write_bytes(b"no picture")
    (tmp_path / f"{names[3]}.png").unlink()
    table = pd.DataFrame({"item": names, "label": "plover", "path": paths})
    preview = AugmentPreview(
        pd.concat([table, pd.DataFrame({"item": ["z"], "label": ["other"], "path": [paths[0]]})]),
        show="path",
        journal=tmp_path / "j.db",
        copies=2,
        predict=lambda picture: ("frotz", 0.123456),
        pipeline=[(image.change, {"situation": ["lighting"], "strength": (0.5, 1.0)}, 1.0)],
    )
    wire = Wire(preview)
    wire.hello()
    for _ in range(6):
        wire.say(op="again")
        wire.say(op="set", values={"strength": 0.7})
        wire.say(op="choose", copy=1)
        wire.drawn()
        time.sleep(0.2)  # for the model's answer, which must not travel
        wire.say(op="next")
    told = [content for content, _ in wire.heard if content["op"] != "state"]
    everything = json.dumps(told)
    for word in ("xyzzy", "plugh", "frotz", "0.123456", "plover"):
        assert word not in everything, f"{word} travelled before the answer"
    assert not any(b"xyzzy" in bytes(b) or b"plugh" in bytes(b) for _, bs in wire.heard for b in bs)
    assert {content["op"] for content in told} == {"drawn"}
    states = [content for content, _ in wire.heard if content["op"] == "state"]
    assert all(content["labels"] == ["other", "plover"] for content in states)


def test_after_the_answer_truth_original_and_copies_come(pictures):
    preview = pictures(predict=lambda picture: ("cat", 0.9))
    wire = Wire(preview)
    drawn, (png,) = wire.hello()
    assert not drawn["why"]
    assert not wire.all("original")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), preview.result)
    wire.answer(drawn["key"], "cat", duration_s=2.5)
    truth = wire.wait("truth", lambda content: not content["thinking"])[0]
    assert (truth["answer"], truth["prediction"]) == ("cat", "cat")
    assert truth["item"] == preview.item
    _, (first,) = wire.wait("original")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(first))), preview.original)
    _, copies = wire.wait("copies")
    assert len({bytes(copy) for copy in copies}) == 3
    row = preview.answers().iloc[0]
    assert (row["duration_s"], row["blind"]) == (2.5, True)
    wire.say(op="set", values={"strength": 1.0})  # from here on the model is live
    live = wire.drawn()[0]
    assert live["why"] == "label"
    wire.wait("truth", lambda c: c["wish"] == live["wish"] and not c["thinking"])
    before = len(wire.heard)
    wire.say(op="next")
    wire.drawn()
    time.sleep(0.2)
    assert not [c for c, _ in wire.heard[before:] if c["op"] in ("truth", "original", "copies")]


@pytest.mark.parametrize(
    "peek",
    [
        {"op": "original"},
        {"op": "again"},
        {"op": "choose", "copy": 1},
        {"op": "set", "values": {"strength": 0.3}},
    ],
)
def test_who_saw_more_than_one_drawing_is_not_blind(pictures, peek):
    preview = pictures()
    wire = Wire(preview)
    wire.hello()
    wire.say(**peek)
    if peek["op"] == "original":
        head = wire.wait("original")[0]
        key, why = head["key"], "original"
    else:
        head = wire.drawn()[0]
        key, why = head["key"], "drawing"
    assert head["why"] == why
    wire.answer(key, "dog")
    assert preview.answers()["blind"].tolist() == [False]


def test_an_answer_outlives_the_kernel_and_comes_once(make):
    preview = make()
    wire = Wire(preview)
    wire.hello()
    wire.say(op="set", values={"snr_db": 4.0})
    key = wire.drawn()[0]["key"]
    steps = preview.steps
    # The kernel dies here; the browser sends the answer to the next one, and once too often.
    again = make(rng=0)
    wire = Wire(again)
    wire.hello()
    written = wire.answer(key, "low")
    events = Journal(again.journal.where).events().set_index("id")
    wire.say(
        op="write",
        events=[
            {
                "id": written,
                "at": events.loc[written, "at"].isoformat(),
                "item": key,
                "kind": "label",
                "value": "low",
                "guide": GUIDE,
            }
        ],
    )
    assert written in wire.wait("saved")[0]["ids"]
    answers = again.answers()
    assert len(answers) == 1
    assert json.loads(answers["steps"].iloc[0]) == steps


def test_an_answer_kept_under_another_pipeline_still_arrives(make):
    wire = Wire(make())
    key = wire.hello()[0]["key"]
    other = make(
        pipeline=[(audio.change_gain, {"gain_db": (-6, 0)}, 1.0)], predict=lambda x: ("low", 1)
    )
    wire = Wire(other)
    wire.hello()
    wire.answer(key, "low")
    row = other.answers().iloc[0]
    assert json.loads(row["steps"])[0]["function"] == "mlkit.augment.audio:add_noise"
    assert pd.isna(row["prediction"]), "the model cannot be asked about it any more"
    assert other.evidence().table["n"].tolist()[0] == 1


def test_only_the_current_item_travels(make):
    preview = make()
    wire = Wire(preview)
    wire.hello()
    for _ in range(3):
        _, (sound, drawing) = wire.drawn()
        samples, rate = soundfile.read(io.BytesIO(sound))
        assert (len(samples), rate) == (len(preview.result), RATE)
        assert Image.open(io.BytesIO(drawing)).width > 100
        wire.say(op="next")
    assert len(wire.all("drawn")) <= 5
    assert {content["op"] for content, _ in wire.heard} == {"state", "drawn"}


def test_what_a_pipeline_raises_is_told_and_ends_nothing(make):
    def fails(samples, *, depth):
        raise KeyError("depth")

    preview = make(pipeline=[*NOISY, (fails, {"depth": (0.0, 1.0)}, 1.0)])
    wire = Wire(preview)
    drawn, buffers = wire.hello()
    assert "The pipeline failed: KeyError" in drawn["trouble"]
    assert (drawn["key"], drawn["media"], buffers) == (None, None, [])
    with pytest.raises(KeyError, match="depth"):
        preview.answer("low")
    wire.say(op="set", values={"fails": False})
    drawn, _ = wire.drawn()
    assert not drawn["trouble"]
    wire.answer(drawn["key"], "low")
    assert len(preview.answers()) == 1


def test_a_broken_file_is_told_without_its_name_and_the_next_item_comes(make, tmp_path):
    rng = np.random.default_rng(1)
    paths = [str(tmp_path / f"shirt{place}.wav") for place in range(3)]
    for path in paths:
        soundfile.write(path, rng.normal(0, 0.1, (800, 2)), RATE)
    (tmp_path / "shirt1.wav").write_text("no sound")
    table = pd.DataFrame({"item": list("abc"), "label": ["x", "y", "x"], "path": paths})
    preview = make(table, show="path", pipeline=NOISY)
    wire = Wire(preview)
    wire.hello()
    troubles = []
    for _ in range(3):
        troubles.append(wire.drawn()[0]["trouble"])
        if troubles[-1]:
            with pytest.raises(ValueError, match="cannot be read"):
                preview.answer("x")
        else:
            assert preview.result.ndim == 1, "channels are averaged"
        preview.next()
    assert len([t for t in troubles if t]) == 1
    assert not any("shirt" in trouble for trouble in troubles)


def test_what_the_functions_say_goes_to_the_widget(make, recwarn):
    loud = [(audio.change_gain, {"gain_db": (20.0, 30.0)}, 1.0)]
    wire = Wire(make(pipeline=loud))
    notes = wire.hello()[0]["notes"]
    assert "turned down" in " ".join(notes)
    assert not [w for w in recwarn if issubclass(w.category, audio.AudioWarning)]


def test_a_journal_that_fails_is_told_and_the_answer_is_not_acknowledged(make, monkeypatch):
    preview = make()
    wire = Wire(preview)
    key = wire.hello()[0]["key"]

    def fails(events):
        raise JournalError("the disk is full")

    monkeypatch.setattr(preview.journal, "write", fails)
    wire.answer(key, "low")
    assert wire.wait("error")[0]["text"] == "the disk is full"
    assert not wire.all("saved")
    assert not wire.all("truth")


@pytest.mark.parametrize(
    "message",
    [
        {"op": "dance"},
        {"op": "set", "values": {"snr_db": 99}},
        {"op": "choose", "copy": "x"},
        {"op": "write", "events": [{"item": "nobody~{}", "kind": "label", "guide": GUIDE}]},
        {"op": "write", "events": [{"item": "nobody~{}", "kind": "tag", "guide": GUIDE}]},
    ],
)
def test_nonsense_from_the_browser_is_told_and_ends_nothing(make, message):
    wire = Wire(make())
    drawn = wire.hello()[0]
    wire.say(**message)
    assert wire.all("error")
    wire.answer(drawn["key"], "low")
    assert wire.all("saved")


# Arguments


def test_wrong_arguments_are_refused_in_words(make):
    with pytest.raises(ValueError, match=r"needs factor from 0\.1 to 10; it was given -1\. step 0"):
        make(pipeline=[(audio.change_speed, {"factor": (-1, 2)}, 1.0)])
    with pytest.raises(TableError, match=r"AugmentPreview.*missing: label"):
        make(clips().drop(columns="label"), show="sound", pipeline=NOISY, rate_hz=RATE)
    with pytest.raises(ValueError, match=r"show='wave'\): there is no such column"):
        make(show="wave")
    with pytest.raises(ValueError, match=r"neither images.*nor sounds"):
        make(show="sound", rate_hz=None)
    with pytest.raises(ValueError, match="has nothing to do"):
        make(pipeline=[])
    with pytest.raises(ValueError, match=r"a pipeline is a list of \(function, ranges"):
        make(pipeline=[audio.add_noise])
    with pytest.raises(ValueError, match="whole number from 1 to 24"):
        make(copies=0)
    with pytest.raises(ValueError, match=r"predict=.*is a function"):
        make(predict="model")
    with pytest.raises(ValueError, match="say as text who it is"):
        make(annotator="")
    with pytest.raises(ValueError, match="there is no label 'lo' here"):
        make().answer("lo")


def test_a_pipeline_for_the_other_kind_of_items_is_refused_at_once(make, pictures):
    slow = [(audio.change_speed, {"factor": (0.8, 1.25)}, 1.0)]
    with pytest.raises(ValueError, match="change_speed is for sound, and these items are pictures"):
        pictures(pipeline=slow)
    bright = [(image.change, {"situation": "lighting", "strength": 0.5}, 1.0)]
    with pytest.raises(ValueError, match="change is for pictures, and these items are sounds"):
        make(pipeline=bright)
    with pytest.raises(ValueError, match="is for pictures, and these items are sounds"):
        make(pipeline=[(image.pipeline("lighting", strength=0.5), {}, 1.0)])
    covered = [(audio.mask_spectrogram, {"bands": [[(0, 4)], [(4, 8)]]}, 1.0)]
    spectrograms = pd.DataFrame({"item": ["a"], "label": ["x"], "look": [np.ones((20, 30))]})
    preview = make(spectrograms, show="look", pipeline=covered, copies=1)
    assert preview.result.shape == (20, 30)
    mine = [(lambda thing: thing, {}, 1.0)]
    for made in (pictures(pipeline=mine), make(pipeline=mine)):
        np.testing.assert_array_equal(made.result, made.original)


def test_the_callers_table_and_arrays_stay_as_they_are(pictures):
    table = photos()
    before = [look.copy() for look in table["look"]]
    preview = pictures()
    preview.set(strength=1.0)
    assert preview.result.shape == (40, 60, 3)
    preview.answer(CANT_TELL)
    for look, old in zip(table["look"], before, strict=True):
        np.testing.assert_array_equal(look, old)
    assert list(table.columns) == ["item", "label", "look"]


def test_items_without_a_label_can_be_judged_and_are_in_no_share(make):
    table = clips(2).assign(label=[None, "low"])
    preview = make(table, show="sound", rate_hz=RATE, pipeline=NOISY)
    for _ in range(2):
        preview.answer("low")
        preview.next()
    first = preview.evidence().table.iloc[0]
    assert (first["n"], first["people_n"], first["people_right"]) == (2, 1, 1.0)


def test_any_callable_and_objects_fit_in_the_pipeline(make):
    class Louder:
        def __call__(self, samples, rate):
            return samples * 2

    preview = make(
        pipeline=[
            (Louder(), {}, 1.0),
            (lambda samples, gain: samples * gain, {"gain": (0.1, 0.9)}, 1.0),
        ]
    )
    preview.set(gain=0.5)
    np.testing.assert_allclose(preview.result, preview.original)
    assert preview.table()["name"].tolist() == ["Louder", "gain"]
    preview.set(Louder=False)
    np.testing.assert_allclose(preview.result, preview.original / 2)


def test_long_parameters_are_kept_by_their_hash(make):
    long = np.random.default_rng(0).normal(0, 0.1, 4000)
    preview = make(pipeline=[(audio.add_noise, {"noise": long, "snr_db": (0, 10)}, 1.0)])
    preview.answer("low")
    (step,) = json.loads(preview.answers()["steps"].iloc[0])
    assert step["parameters"]["noise"].startswith("array (4000,), sha256 ")
    assert len(preview.answers()["steps"].iloc[0]) < 1000


@given(
    seed=st.integers(0, 2**32 - 1),
    chances=st.lists(st.floats(0, 1), min_size=1, max_size=4),
    low=st.floats(-5, 5),
)
def test_with_nothing_set_the_drawing_is_what_draw_draws(seed, chances, low):
    ranges = {"snr_db": (low, low + 10), "noise": ["white", "pink", "brown"]}
    pipeline = [(audio.add_noise, ranges, chance) for chance in chances]
    plan = Plan(pipeline, function="test")
    drawn = augment.draw(pipeline, rng=seed)
    assert plan.steps(seed, {}) == drawn
    now = plan.now(seed, {})
    assert plan.steps(seed, now) == drawn, "to set what was drawn changes something"
    assert sum(now[name] for name in plan.names) == len(drawn)
    course = Course(["a", "b"], plan, copies=2, rng=np.random.default_rng(0))
    judged = course.judged(Drawing("a", seed, tuple(sorted(now.items()))), blind=True)
    again = course.from_key(course.key(judged))
    assert again == judged
    assert course.repeats(again)
