"""A take is what was said and nothing else, and is kept with consent alone."""

import json
import math
import multiprocessing
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as scipy_signal
from scipy import stats

from mlkit import datasets
from mlkit.widgets import Recorder, _pace, _takes, _voice

RATE = 16_000


def voice(seconds=0.5, *, level=0.1, rate_hz=RATE, seed=0):
    """A buzz with overtones, as steady as a sung vowel."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = sum(np.sin(2 * np.pi * 140 * k * times + seed * k) / k for k in range(1, 9))
    return level * wave / np.sqrt(np.mean(wave**2))


def room(seconds, *, level=1e-4, rate_hz=RATE, seed=0):
    return np.random.default_rng(seed).normal(scale=level, size=round(seconds * rate_hz))


def said(before=0.6, seconds=0.5, after=0.4, *, level=0.1, noise=1e-4, rate_hz=RATE):
    clip = room(before + seconds + after, level=noise, rate_hz=rate_hz)
    first = round(before * rate_hz)
    wave = voice(seconds, level=level, rate_hz=rate_hz)
    clip[first : first + len(wave)] += wave
    return clip


@pytest.fixture
def recorder(tmp_path):
    made = Recorder(["yes", "no", "a/b"], folder=tmp_path / "voice", takes=2, shuffle=False)
    made.consent()
    return made


# --- the sound


@pytest.mark.parametrize("noise", [0, 1e-5, 1e-4, 1e-3])
@pytest.mark.parametrize("level", [0.02, 0.2])
def test_silence_is_cut_off_up_to_the_margin(noise, level):
    clip = said(0.6, 0.5, 0.4, level=level, noise=noise)
    first, last, _ = _voice.bounds(clip, RATE)
    assert first / RATE == pytest.approx(0.6 - _voice.MARGIN_S, abs=0.011)
    assert last / RATE == pytest.approx(1.1 + _voice.MARGIN_S, abs=0.011)


def test_a_take_without_silence_is_kept_whole():
    first, last, _ = _voice.bounds(voice(0.5), RATE)
    assert (first, last) == (0, 8000)


def test_a_soft_end_stays():
    """The end of a word fades 24 dB below its middle: louder than the room, so it is the voice."""
    clip = said(0.5, 0.3, 0.6)
    clip[round(0.8 * RATE) : round(1.0 * RATE)] += voice(0.2, level=0.1 * 10 ** (-24 / 20))
    _, last, _ = _voice.bounds(clip, RATE)
    assert last / RATE >= 1.0


def test_the_click_of_a_key_is_no_part_of_the_take():
    clip = said(0.6, 0.5, 0.6)
    for at in (0.1, 1.6):
        clip[round(at * RATE) : round(at * RATE) + 160] += 0.3
    first, last, _ = _voice.bounds(clip, RATE)
    assert first / RATE > 0.5
    assert last / RATE < 1.2


def test_a_burst_close_to_the_voice_is_part_of_it():
    """The t of "eight" comes a tenth of a second after the vowel."""
    clip = said(0.6, 0.3, 0.6)
    burst = round(1.02 * RATE)
    clip[burst : burst + 320] += room(0.02, level=0.05)
    _, last, _ = _voice.bounds(clip, RATE)
    assert last / RATE >= 1.04


@given(st.floats(0.005, 0.25), st.floats(-0.1, 0.1))
@settings(max_examples=30, deadline=None)
def test_every_take_has_one_loudness(level, offset):
    made = _voice.prepare(said(level=level, noise=level / 1000) + offset, RATE, to_hz=RATE)
    wave = made.samples / 32767
    assert 10 * np.log10(np.mean(wave**2)) == pytest.approx(-20, abs=0.05)
    assert abs(wave.mean()) < 0.01
    assert np.abs(wave).max() <= 10 ** (-1 / 20) + 1e-4


def test_a_peak_limits_the_loudness():
    clip = said(level=0.01)
    clip[round(0.8 * RATE)] = 0.9  # one sample far above the rest
    made = _voice.prepare(clip, RATE, to_hz=RATE)
    assert np.abs(made.samples).max() / 32767 == pytest.approx(10 ** (-1 / 20), abs=1e-3)
    assert made.gain_db == pytest.approx(-1 - made.peak_dbfs)


@pytest.mark.parametrize("rate_hz", [8000, 22_050, 44_100, 48_000])
def test_resampling_is_that_of_scipy_and_librosa(rate_hz):
    clip = said(rate_hz=rate_hz, noise=0)
    ours = _voice.resample(clip, rate_hz, RATE)
    fraction = math.gcd(rate_hz, RATE)
    theirs = [
        scipy_signal.resample_poly(clip, RATE // fraction, rate_hz // fraction),
        librosa.resample(clip, orig_sr=rate_hz, target_sr=RATE),
    ]
    for other in theirs:
        n = min(len(ours), len(other))
        inside = slice(round(0.65 * RATE), round(1.05 * RATE))  # without the hard edges
        residue = np.sum((ours[:n] - other[:n])[inside] ** 2) / np.sum(ours[inside] ** 2)
        assert residue < 1e-4  # 40 dB below the sound


def test_channels_are_averaged_and_integers_are_scaled():
    clip = said()
    both = np.stack([clip, 0.5 * clip], axis=1)
    mixed = _voice.mono(both)
    assert np.allclose(mixed, 0.75 * clip)
    whole = _voice.mono(np.round(clip * 32768).astype(np.int16))
    assert np.allclose(whole, clip, atol=1 / 32768)
    eight = _voice.mono(np.round(clip * 128 + 128).astype(np.uint8))
    assert np.allclose(eight, clip, atol=1 / 128)


def test_clipping_is_counted_and_told():
    clip = np.clip(said(level=0.8), -1, 1)
    made = _voice.prepare(clip, RATE, to_hz=RATE)
    at_limit = np.abs(clip) >= 1
    assert 0.5 * at_limit.sum() <= made.clipped <= 1.2 * at_limit.sum()
    assert any("too loud: it is clipped" in remark for remark in made.remarks)
    assert _voice.prepare(said(level=0.2), RATE, to_hz=RATE).clipped == 0
    assert _voice.clipped(np.array([1.0, 1.0, 0, 1, 1, 1, -1, 0.2])) == 4


def test_a_quiet_take_and_a_noisy_room_are_told():
    assert (
        "very quiet" in _voice.prepare(said(level=0.004, noise=1e-6), RATE, to_hz=RATE).remarks[0]
    )
    assert "noisy room" in _voice.prepare(said(noise=0.03), RATE, to_hz=RATE).remarks[-1]
    assert _voice.prepare(said(), RATE, to_hz=RATE).remarks == ()


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros(0), "the take is empty"),
        (np.zeros(8000), "no sound was heard"),
        (room(0.5, level=1e-4), "no sound was heard"),
        (np.array([0.1, np.nan, 0.2]), "no numbers"),
        (np.full(8000, np.inf), "no numbers"),
        (said(seconds=0.05), "only 0.0[4-7] s of sound were heard"),
        (np.full(100, 0.5) * (-1) ** np.arange(100), "only 0.01 s of sound"),
        (np.array(["a", "b"]), "an array of numbers"),
        (np.zeros((2, 3, 4)), "an array of numbers"),
        (said() * 32768, "floats lie within -1 and 1"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_words(recorder, samples, words):
    with pytest.raises(_voice.TakeError, match=words):
        recorder.add("yes", samples, rate_hz=RATE)
    assert recorder.takes().empty


def test_a_constant_is_silence():
    with pytest.raises(_voice.TakeError, match="no sound was heard"):
        _voice.prepare(np.full(8000, 0.5), RATE, to_hz=RATE)


@pytest.mark.parametrize("rate_hz", [0, -1, 44_100.5, "16000", None, True, float("nan"), 10**7])
def test_a_rate_is_a_whole_number_of_hz(recorder, rate_hz):
    with pytest.raises(ValueError, match="give a whole number of Hz"):
        recorder.add("yes", said(), rate_hz=rate_hz)


# --- what is kept


def test_file_and_row_say_the_same(recorder):
    row = recorder.add("yes", said(rate_hz=44_100), rate_hz=44_100)
    about = soundfile.info(row["path"])
    assert (about.samplerate, about.channels, about.subtype) == (RATE, 1, "PCM_16")
    assert about.duration == row["duration_s"]
    table = recorder.takes()
    assert list(table.columns) == list(datasets.load_example_voice().columns)
    assert table.loc[0, ["item", "label", "speaker", "take"]].to_list() == [
        "yes_me_1",
        "yes",
        "me",
        1,
    ]
    assert table.loc[0, "consent"].startswith("given 20")
    assert abs(pd.Timestamp.now(tz="UTC") - pd.Timestamp(table.loc[0, "at"])) < pd.Timedelta("60s")
    written = pd.read_csv(recorder.folder / "recordings.csv")
    pd.testing.assert_frame_equal(
        written.assign(path=[str(recorder.folder / name) for name in written["path"]]), table
    )
    assert (recorder.folder / written.loc[0, "path"]).exists()


def test_takes_fill_the_numbers_and_a_number_replaces(recorder):
    for _ in range(2):
        recorder.add("yes", said(), rate_hz=RATE)
    again = recorder.add("yes", said(seconds=0.8), rate_hz=RATE, take=1)
    table = recorder.takes()
    assert sorted(table["item"]) == ["yes_me_1", "yes_me_2"]
    assert table.set_index("item").loc["yes_me_1", "duration_s"] == again["duration_s"] > 0.8
    assert recorder.undo() == "yes_me_1"
    assert recorder.takes().set_index("item").loc["yes_me_1", "duration_s"] < 0.7
    assert not Path(again["path"]).exists()
    assert [recorder.undo(), recorder.undo(), recorder.undo()] == ["yes_me_2", "yes_me_1", None]
    assert recorder.takes().empty
    assert not list(recorder.folder.glob("*.wav"))
    assert recorder.add("yes", said(), rate_hz=RATE)["take"] == 1


def test_a_second_recorder_goes_on_where_the_first_was(recorder):
    recorder.add("yes", said(), rate_hz=RATE)
    again = Recorder(["yes", "no", "a/b"], folder=recorder.folder, takes=2, shuffle=False)
    pd.testing.assert_frame_equal(again.takes(), recorder.takes())
    again.add("no", said(), rate_hz=RATE)
    assert recorder.takes()["label"].to_list() == ["yes", "no"]
    assert "2 of 6 takes of 'me'" in repr(recorder)


def test_any_label_and_alias_make_a_safe_file_name(tmp_path):
    labels = ["a/b", "..", "a b", "a_b", "七", "ß" * 60, "con", "-x", "x.wav", "A", "a"]
    recorder = Recorder(labels, folder=tmp_path, speaker="Ænne/☃ \\ :*?", takes=1)
    recorder.consent()
    for label in labels:
        recorder.add(label, said(), rate_hz=RATE)
    table = recorder.takes()
    assert sorted(table["label"]) == sorted(labels)
    assert table["item"].is_unique
    for path in table["path"]:
        assert Path(path).parent == tmp_path
        assert re.fullmatch(r"[A-Za-z0-9-]+_[A-Za-z0-9-]+_1-[0-9a-f]{8}\.wav", Path(path).name)
    assert len({Path(path).name.lower() for path in table["path"]}) == len(labels)


def test_a_take_sent_twice_is_kept_once(recorder):
    sent = []
    recorder.send = lambda content, buffers=None: sent.append(content)
    take = browser_take(recorder)
    recorder._answer(*take)
    recorder._answer(*take)
    assert len(recorder.takes()) == 1
    assert [message["saved"] for message in sent if "saved" in message] == [take[0]["id"]] * 2


def browser_take(recorder, **more):
    """What the browser sends after a take."""
    consent = recorder._takes.state().consents.get(recorder.speaker)
    about = {"op": "take", "id": _takes.new_id(), "at": _takes.now(), "label": "yes", "take": 1}
    about |= {"replaces": None, "rate_hz": RATE, "consent": consent and consent["id"]} | more
    return about, [memoryview(said().astype("<f4").tobytes())]


def test_two_tabs_that_fill_one_slot_lose_no_take(recorder):
    other = Recorder(["yes", "no", "a/b"], folder=recorder.folder, takes=2)
    recorder._answer(*browser_take(recorder))
    other._answer(*browser_take(other))  # it has not seen the first yet
    assert recorder.takes()["take"].to_list() == [1, 2]
    first = recorder._kept()[0]["id"]
    other._answer(*browser_take(other, replaces=first))
    assert recorder.takes()["take"].to_list() == [2, 1]


def _record(folder, speaker, n):
    recorder = Recorder(["yes"], folder=folder, speaker=speaker, takes=1)
    recorder.consent()
    for _ in range(n):
        recorder.add("yes", said(), rate_hz=RATE)


def test_several_processes_on_one_folder_lose_no_row(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    jobs = [spawn.Process(target=_record, args=(tmp_path, who, 6)) for who in ("a", "a", "b")]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(120)
        assert job.exitcode == 0
    table = pd.read_csv(tmp_path / "recordings.csv")
    counts = table.groupby("speaker")["take"].agg(sorted).to_dict()
    assert counts == {"a": list(range(1, 13)), "b": list(range(1, 7))}
    assert {path.name for path in tmp_path.glob("*.wav")} == set(table["path"])


def test_a_killed_process_leaves_whole_takes_alone(tmp_path):
    code = f"""
        import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_recorder import Recorder, said, RATE
        recorder = Recorder(["yes"], folder={str(tmp_path)!r}, takes=1)
        recorder.consent()
        while True:
            print(recorder.add("yes", said(), rate_hz=RATE)["item"], flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(8):
            process.stdout.readline()
        time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        told = 8 + len(process.stdout.read().split("\n")) - 1
    table = Recorder(["yes"], folder=tmp_path, takes=1).takes()
    assert told <= len(table) <= told + 1
    assert len(pd.read_csv(tmp_path / "recordings.csv")) == len(table)
    for path in table["path"]:
        assert soundfile.info(path).frames > 0


def test_a_torn_line_is_told_and_nothing_else_is_lost(recorder):
    recorder.add("yes", said(), rate_hz=RATE)
    with (recorder.folder / "takes.jsonl").open("a") as log:
        log.write('{"op": "take", "id": "x"')
    recorder.add("no", said(), rate_hz=RATE)
    again = Recorder(["yes", "no"], folder=recorder.folder)
    assert again.takes()["label"].to_list() == ["yes", "no"]
    assert again._takes.state().unread == 1


def test_a_lost_table_is_made_again(recorder):
    recorder.add("yes", said(), rate_hz=RATE)
    before = (recorder.folder / "recordings.csv").read_bytes()
    (recorder.folder / "recordings.csv").unlink()
    Recorder(["yes"], folder=recorder.folder)
    assert (recorder.folder / "recordings.csv").read_bytes() == before


# --- consent


def test_nothing_is_kept_without_consent(tmp_path):
    recorder = Recorder(["yes"], folder=tmp_path / "voice", takes=1)
    sent = []
    recorder.send = lambda content, buffers=None: sent.append(content)
    with pytest.raises(ValueError, match=r"'me' has not agreed to be recorded.*consent_text"):
        recorder.add("yes", said(), rate_hz=RATE)
    recorder._answer(*browser_take(recorder))
    assert sent[-1]["op"] == "refused"
    assert not (tmp_path / "voice").exists()


def test_consent_names_folder_alias_and_purpose_and_is_kept(tmp_path):
    recorder = Recorder(["yes"], folder=tmp_path, speaker="Kim", purpose="teach a toaster")
    for words in (str(tmp_path), "“Kim”", "used to teach a toaster", "sent nowhere else"):
        assert words in recorder.consent_text
    recorder.consent()
    recorder.consent()
    lines = (tmp_path / "takes.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == [recorder.consent_text]


def test_a_withdrawal_leaves_no_file_no_row_and_no_name(tmp_path):
    for who in ("Kim Ø.", "Lee"):
        recorder = Recorder(["yes", "no"], folder=tmp_path, speaker=who)
        recorder.consent()
        for label in ("yes", "no", "no"):
            recorder.add(label, said(), rate_hz=RATE)
        recorder.add("no", said(), rate_hz=RATE, take=1)
    (tmp_path / f"no_{_takes.slug('Kim Ø.')}_7-00000000.wav").touch()  # a write cut short
    kim = Recorder(["yes", "no"], folder=tmp_path, speaker="Kim Ø.")
    assert kim.withdraw() == "The consent is withdrawn: 3 takes are deleted, files and rows."
    assert kim.takes().empty
    table = pd.read_csv(tmp_path / "recordings.csv")
    assert table["speaker"].to_list() == ["Lee"] * 3
    assert len(list(tmp_path.glob("*.wav"))) == 4
    for path in tmp_path.iterdir():
        assert "Kim" not in path.name
        assert b"Kim" not in path.read_bytes()
    with pytest.raises(ValueError, match="has not agreed"):
        kim.add("yes", said(), rate_hz=RATE)
    assert len(Recorder(["yes"], folder=tmp_path, speaker="Lee").takes()) == 3


def test_a_withdrawal_cut_short_is_finished_at_the_next_start(recorder):
    recorder.add("yes", said(), rate_hz=RATE)
    with (recorder.folder / "takes.jsonl").open("a") as log:
        log.write('{"op": "withdraw", "speaker": "me", "takes": 1}\n')
    again = Recorder(["yes"], folder=recorder.folder)
    assert again.takes().empty
    assert not list(recorder.folder.glob("*.wav"))
    assert pd.read_csv(recorder.folder / "recordings.csv").empty


def test_a_take_of_before_the_withdrawal_does_not_come_back(recorder):
    sent = []
    recorder.send = lambda content, buffers=None: sent.append(content)
    late = browser_take(recorder)
    recorder.withdraw()
    recorder.consent()
    recorder._answer(*late)
    assert (sent[-1]["op"], sent[-1]["id"]) == ("refused", late[0]["id"])
    assert "withdrawn" in sent[-1]["text"]
    assert recorder.takes().empty


def test_an_error_in_the_kernel_is_told_in_the_widget(recorder, monkeypatch):
    sent = []
    recorder.send = lambda content, buffers=None: sent.append(content)
    monkeypatch.setattr(_takes._files, "write_atomic", full_disk)
    recorder._try(*browser_take(recorder))
    assert (sent[-1]["op"], sent[-1]["text"]) == ("error", "[Errno 28] No space left on device")
    recorder._try({"op": "dance"}, [])
    assert "'dance'" in sent[-1]["text"]
    assert recorder.takes().empty


def full_disk(*_args, **_more):
    raise OSError(28, "No space left on device")


# --- prompts


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"prompts": []}, "there is nothing to read"),
        ({"prompts": "seven"}, r"give a list of prompts, such as \['seven'\]"),
        ({"prompts": [1, 2]}, "Make them text"),
        ({"prompts": ["a", "a"]}, "'a' stands there twice"),
        ({"prompts": ["a\nb"]}, "one line of text"),
        ({"prompts": {"a": ""}}, "one line of text"),
        ({"takes": 0}, r"takes=0.*from 1 to 1000"),
        ({"takes": 1.5}, "give a whole number"),
        ({"speaker": " "}, "a speaker is one line of text"),
        ({"rate_hz": 1}, "from 4,000 to 384,000"),
        ({"longest_s": 100}, "give 1 to 30 seconds"),
        ({"purpose": ""}, "a purpose is one line"),
    ],
)
def test_bad_input_is_answered_in_words(tmp_path, more, words):
    with pytest.raises(ValueError, match=words):
        Recorder(**{"prompts": ["a"], "folder": tmp_path} | more)


def test_an_unknown_label_names_those_there_are(recorder):
    with pytest.raises(ValueError, match=r"no prompt 'maybe' here; the labels are 'yes', 'no'"):
        recorder.add("maybe", said(), rate_hz=RATE)
    with pytest.raises(ValueError, match="numbered 1, 2, 3"):
        recorder.add("yes", said(), rate_hz=RATE, take=-1)
    with pytest.raises(ValueError, match="give a time such as"):
        recorder.add("yes", said(), rate_hz=RATE, at="noon")


def test_rounds_are_mixed_and_stay_the_same(tmp_path):
    digits = {
        str(n): word
        for n, word in enumerate(["zero", "one", "two", "three", "four", "five", "six"])
    }
    made = [Recorder(p, folder=tmp_path, takes=3)._slots for p in (digits, list(digits)[::-1])]
    assert made[0] == made[1]
    rounds = [[label for label, number in made[0] if number == take] for take in (1, 2, 3)]
    assert all(sorted(one) == sorted(digits) for one in rounds)
    assert len({tuple(one) for one in rounds}) == 3
    plain = Recorder(digits, folder=tmp_path, takes=2, shuffle=False)._slots
    assert plain == [(label, take) for take in (1, 2) for label in digits]


# --- the clock


def clock(gaps, kept=None):
    at = pd.Timestamp("2026-11-21T10:00Z") + pd.to_timedelta(np.cumsum([0, *gaps]), unit="s")
    kept = [True] * len(at) if kept is None else kept
    return pd.DataFrame(
        {"item": [f"i{n}" for n in range(len(at))], "at": at.astype(str), "kept": kept}
    )


def test_the_estimate_is_the_prediction_interval_of_the_textbook():
    gaps = [4.0, 5, 6, 5, 4.5, 7]
    made = _pace.pace(clock(gaps), m=100, pause_s=60)
    mean, s, n = np.mean(gaps), np.std(gaps, ddof=1), len(gaps)
    half = stats.t.ppf(0.975, n - 1) * s * np.sqrt(1 / n + 1 / 100)
    assert made.total_s == pytest.approx(100 * mean)
    assert (made.low, made.high) == pytest.approx((100 * (mean - half), 100 * (mean + half)))
    assert made.n == 6


def test_breaks_are_left_out_and_told():
    made = _pace.pace(clock([4, 5, 600, 6, 5, 90, 4]), m=10, pause_s=60)
    assert made.table["cost_s"].dropna().to_list() == [4, 5, 6, 5, 4]
    assert made.table["sitting"].to_list() == [1, 1, 1, 2, 2, 2, 3, 3]
    assert made.notes[0] == "2 breaks of more than 60 s, 12 min in all, are left out."


def test_the_time_of_a_retake_is_part_of_its_example():
    made = _pace.pace(clock([4, 5, 6, 7], kept=[True, False, True, True, True]), m=10, pause_s=60)
    assert made.table["cost_s"].dropna().to_list() == [9, 6, 7]
    assert made.total_s == pytest.approx(10 * 22 / 3)
    assert "1 take that does not count any more" in made.notes[0]


@pytest.mark.parametrize(("gaps", "n"), [([], 0), ([5], 1), ([5, 100, 5], 2)])
def test_too_few_examples_give_no_number_but_a_reason(gaps, n):
    made = _pace.pace(clock(gaps), m=10, pause_s=60)
    assert math.isnan(made.total_s)
    assert math.isnan(made.low)
    assert made.n == n
    assert f"there {'is' if n == 1 else 'are'} {n}" in repr(made)
    assert made.plot().get_title() == "10 examples take a time not known yet"


def test_the_interval_holds_the_time_in_nineteen_of_twenty_sessions():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        cost = rng.lognormal(1.4, 0.35, size=29)
        _, low, high = _pace.interval(cost, 200)
        held += low <= rng.lognormal(1.4, 0.35, size=200).sum() <= high
    assert 0.92 <= held / 2000 <= 0.965


def test_a_recorder_tells_its_own_pace_and_that_of_the_example(recorder):
    for n, label in enumerate(["yes", "no", "a/b", "yes"]):
        at = f"2026-11-21T10:00:{10 * n:02d}Z"
        recorder.add(label, said(), rate_hz=RATE, at=at)
    assert recorder.pace(6).total_s == pytest.approx(60)
    recorder.undo()
    assert recorder.pace(6).why == "it needs 3 examples made one after the other, and there are 2"
    example = recorder.pace(takes=datasets.load_example_voice())
    assert (example.n, example.m) == (48, 1000)
    assert example.low < example.total_s < example.high
    assert "1 break of more than 60 s, 7 min" in example.notes[0]
    html = example._repr_html_()
    assert "1,000 take" in html
    assert "Points show the 48 examples" in example.plot().figure.get_label()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"m": 0}, "1 or more"),
        ({"m": 2.5}, "give a whole number of examples"),
        ({"pause_s": 0}, "a number of seconds above 0"),
        ({"takes": pd.DataFrame({"item": ["a"]})}, "needs the columns item and at; at is missing"),
    ],
)
def test_a_bad_question_of_pace_is_answered(recorder, more, words):
    with pytest.raises(ValueError, match=words):
        recorder.pace(**more)


# --- what later notebooks read


def test_what_was_recorded_is_read_back(recorder):
    recorder.add("yes", said(), rate_hz=RATE)
    recorder.add("no", said(), rate_hz=RATE)
    pd.testing.assert_frame_equal(datasets.read_voice(recorder.folder), recorder.takes())
    recorder.withdraw()
    assert list(datasets.read_voice(recorder.folder).columns) == list(recorder.takes().columns)
    assert datasets.read_voice(recorder.folder).empty


def test_a_label_that_is_a_digit_or_nothing_stays_text(tmp_path):
    recorder = Recorder(["0", "nan", "007"], folder=tmp_path, takes=1)
    recorder.consent()
    for label in ("0", "nan", "007"):
        recorder.add(label, said(), rate_hz=RATE)
    assert datasets.read_voice(tmp_path)["label"].to_list() == ["0", "nan", "007"]


def test_what_cannot_be_read_is_told(recorder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing was recorded.*load_example_voice"):
        datasets.read_voice(tmp_path / "nowhere")
    row = recorder.add("yes", said(), rate_hz=RATE)
    Path(row["path"]).unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 1 recordings are not in .*yes_me_1-"):
        datasets.read_voice(recorder.folder)
    assert Recorder(["yes"], folder=recorder.folder).takes().empty
    assert datasets.read_voice(recorder.folder).empty
    (tmp_path / "recordings.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"the columns item, label, .* are missing"):
        datasets.read_voice(tmp_path)
