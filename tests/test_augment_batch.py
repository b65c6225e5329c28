"""Many files made harder: the same bytes whatever happens on the way, and nothing lost."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import soundfile
from joblib import parallel_config

from mlkit._tables import TableError
from mlkit.augment import audio, batch, draw, image

RATE = 8000
PIPELINE = [
    (audio.change_gain, {"gain_db": (-12, 0)}, 0.5),
    (audio.add_noise, {"snr_db": (5, 30), "noise": ["white", "pink"]}, 1.0),
]


def sounds(folder, count, *, splits=("train",)):
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(count):
        path = folder / f"clip{number:04}.wav"
        soundfile.write(path, rng.uniform(-0.3, 0.3, 400), RATE, subtype="PCM_16")
        rows.append(
            {
                "item": f"clip{number:04}",
                "path": str(path),
                "label": str(number % 3),
                "speaker": "nicolas" if number % 4 == 0 else "theo",
                "split": splits[number % len(splits)],
            }
        )
    return pd.DataFrame(rows)


def contents(folder):
    files = [p for p in Path(folder).iterdir() if p.suffix in (".wav", ".png", ".jpg", ".flac")]
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def write(items, folder, **more):
    return batch.write(items, folder, **{"pipeline": PIPELINE, "progress": False, **more})


# ---- the same bytes


def test_order_and_company_change_nothing(tmp_path):
    clips = sounds(tmp_path / "in", 12)
    write(clips, tmp_path / "one", copies=2)
    write(clips.sample(frac=1, random_state=3), tmp_path / "two", copies=2)
    write(clips.iloc[[7]], tmp_path / "three", copies=2)
    one = contents(tmp_path / "one")
    assert len(one) == 24
    assert contents(tmp_path / "two") == one
    assert contents(tmp_path / "three").items() <= one.items()


@pytest.mark.parametrize(
    ("backend", "workers"), [("loky", 2), ("loky", 4), ("threading", 2), ("threading", 4)]
)
def test_workers_change_nothing(tmp_path, backend, workers):
    clips = sounds(tmp_path / "in", 40)
    pipeline = [*PIPELINE, (audio.change_speed, {"factor": (0.8, 1.2)}, 0.7)]
    write(clips, tmp_path / "alone", pipeline=pipeline)
    with parallel_config(backend=backend, n_jobs=workers):
        write(clips, tmp_path / "together", pipeline=pipeline)
    assert contents(tmp_path / "together") == contents(tmp_path / "alone")
    pd.testing.assert_frame_equal(
        batch.manifest(tmp_path / "together"), batch.manifest(tmp_path / "alone")
    )


def test_a_dask_cluster_changes_nothing(tmp_path):
    distributed = pytest.importorskip("distributed", reason="the kit's environment has dask")
    clips = sounds(tmp_path / "in", 30)
    write(clips, tmp_path / "alone")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
        ) as cluster,
        distributed.Client(cluster),
        parallel_config(backend="dask"),
    ):
        write(clips, tmp_path / "cluster")
    assert contents(tmp_path / "cluster") == contents(tmp_path / "alone")


def test_foreign_callables_in_threads_keep_their_seeds(tmp_path):
    def jitter(samples, rate):
        return np.clip(samples + 0.01 * np.random.normal(size=len(samples)), -1, 1)  # noqa: NPY002 - what others do

    clips = sounds(tmp_path / "in", 30)
    pipeline = [(jitter, {}, 1.0)]
    write(clips, tmp_path / "alone", pipeline=pipeline)
    with parallel_config(backend="threading", n_jobs=4):
        write(clips, tmp_path / "threads", pipeline=pipeline)
    assert contents(tmp_path / "threads") == contents(tmp_path / "alone")


def test_another_seed_gives_other_bytes(tmp_path):
    clips = sounds(tmp_path / "in", 3)
    write(clips, tmp_path / "a", seed=1)
    write(clips, tmp_path / "b", seed=2)
    a, b = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert a.keys() == b.keys()
    assert not set(a.values()) & set(b.values())


# ---- what is written


def test_each_copy_has_its_row_and_a_line_that_says_how(tmp_path):
    clips = sounds(tmp_path / "in", 3)
    made = write(clips, tmp_path / "out", copies=2)
    assert made["item"].tolist()[:2] == ["clip0000#1", "clip0000#2"]
    assert made.columns.tolist() == [
        *("item", "source", "copy", "path", "label", "speaker", "split")
    ]
    assert made["label"].tolist() == ["0", "0", "1", "1", "2", "2"]
    lines = batch.manifest(tmp_path / "out")
    assert lines["output"].is_unique
    for row in lines.to_dict("records"):
        out = tmp_path / "out" / row["output"]
        assert row["output_sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
        source = Path(row["source"]).read_bytes()
        assert row["source_sha256"] == hashlib.sha256(source).hexdigest()
        assert row["steps"] == draw(PIPELINE, rng=row["seed"])
        assert row["rate_hz"] == RATE
        assert {"mlkit", "numpy", "librosa", "soxr"} <= row["versions"].keys()


def test_a_file_holds_what_its_line_says(tmp_path):
    clips = sounds(tmp_path / "in", 5)
    write(clips, tmp_path / "out", pipeline=[(audio.add_noise, {"snr_db": (0, 20)}, 1.0)])
    for row in batch.manifest(tmp_path / "out").to_dict("records"):
        before, _ = soundfile.read(row["source"])
        after, _ = soundfile.read(tmp_path / "out" / row["output"])
        measured = 10 * np.log10(np.mean(before**2) / np.mean((after - before) ** 2))
        if not row["notes"]:  # turned down as a whole, the difference is no longer the noise
            assert measured == pytest.approx(row["steps"][0]["parameters"]["snr_db"], abs=0.1)


def test_any_file_can_be_made_again(tmp_path):
    clips = sounds(tmp_path / "in", 4)
    write(clips, tmp_path / "out", copies=2)
    for row in batch.manifest(tmp_path / "out").to_dict("records"):
        assert batch.remake(row) == (tmp_path / "out" / row["output"]).read_bytes()


def test_a_source_that_changed_or_another_function_is_told(tmp_path):
    clips = sounds(tmp_path / "in", 1)
    write(clips, tmp_path / "out")
    row = batch.manifest(tmp_path / "out").iloc[0]
    other = {**row, "steps": [{**row["steps"][-1], "seed": 5}]}
    with pytest.raises(batch.BatchError, match="comes out otherwise than it was: a function of"):
        batch.remake(other)
    with pytest.raises(batch.BatchError, match=r"librosa 0\.0 then, .* now"):
        batch.remake({**other, "versions": {"librosa": "0.0"}})
    soundfile.write(clips["path"][0], np.zeros(10), RATE)
    with pytest.raises(
        batch.BatchError, match=r"is not the file that clip0000-1\.wav was made from"
    ):
        batch.remake(row)


def test_a_table_or_half_a_row_cannot_be_made_again(tmp_path):
    write(sounds(tmp_path / "in", 2), tmp_path / "out")
    lines = batch.manifest(tmp_path / "out")
    with pytest.raises(batch.BatchError, match=r"takes one row of .*\.iloc\[0\]; .* a DataFrame"):
        batch.remake(lines)
    with pytest.raises(batch.BatchError, match="was given a str"):
        batch.remake("clip0000-1.wav")
    with pytest.raises(batch.BatchError, match="this one has no source_sha256, versions"):
        batch.remake(lines.drop(columns=["source_sha256", "versions"]).iloc[0])


def test_names_that_no_file_may_have_get_one_and_stay_apart(tmp_path):
    clips = sounds(tmp_path / "in", 4)
    clips["item"] = ["a/b", "a:b", "A_B", "Ärger " + "x" * 200]
    made = write(clips, tmp_path / "out")
    names = [Path(path).name for path in made["path"]]
    assert len({name.lower() for name in names}) == 4
    assert all(len(name) < 120 and name.isascii() for name in names)


def test_pictures_go_the_same_way(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"photo{n}.png" for n in range(3)]
    for path in paths:
        cv2.imwrite(str(path), rng.integers(0, 255, (40, 50, 3), np.uint8))
    table = pd.DataFrame({"item": ["p0", "p1", "p2"], "path": [str(p) for p in paths]})
    pipeline = [(image.change, {"situation": ["lighting", "mirror"], "strength": 0.5}, 1.0)]
    made = write(table, tmp_path / "out", pipeline=pipeline, copies=3)
    assert len(made) == 9
    row = batch.manifest(tmp_path / "out").iloc[0]
    assert batch.remake(row) == (tmp_path / "out" / row["output"]).read_bytes()
    assert row["rate_hz"] is None
    with parallel_config(backend="loky", n_jobs=2):
        write(table, tmp_path / "two", pipeline=pipeline, copies=3)
    assert contents(tmp_path / "two") == contents(tmp_path / "out")
    mirrored = [(image.pipeline("mirror"), {}, 1.0)]
    write(table, tmp_path / "mirror", pipeline=mirrored)
    out = cv2.imread(str(tmp_path / "mirror/p0-1.png"))
    np.testing.assert_array_equal(out, cv2.imread(str(paths[0]))[:, ::-1])


def test_a_folder_is_read_with_its_sub_folders_as_labels(tmp_path):
    for label in ("yes", "no"):
        sounds(tmp_path / "in" / label, 2)
    (tmp_path / "in/notes.txt").write_text("not a sound")
    made = write(tmp_path / "in", tmp_path / "out")
    assert sorted(made["source"]) == ["no/clip0000", "no/clip0001", "yes/clip0000", "yes/clip0001"]
    assert (made["label"] == made["source"].str.split("/").str[0]).all()


# ---- how many, and of which split


def test_balance_brings_every_class_to_the_largest():
    table = pd.DataFrame({"item": map(str, range(11)), "label": list("aaaaaabbbbc")})
    counts = batch.balanced(table)
    after = (counts + 1).groupby(table["label"]).sum()
    assert after.to_dict() == {"a": 6, "b": 6, "c": 6}
    assert counts[table["label"] == "b"].tolist() == [1, 1, 0, 0]
    with pytest.raises(batch.BatchError, match="there is no such column; found: item, label"):
        batch.balanced(table, by="accent")


def test_balance_counts_what_is_copied_and_no_more(tmp_path):
    clips = sounds(tmp_path / "in", 30, splits=("train", "train", "dev", "test", "dev"))
    clips.loc[[0, 5], "label"] = None
    clips.index = clips.index[::-1] + 100
    clips.index = clips.index.where(clips.index != 101, 100)  # one name for two rows
    counts = batch.balanced(clips)
    assert counts.index.equals(clips.index)
    assert (counts[(clips["split"] != "train").to_numpy()] == 0).all()
    assert (counts[clips["label"].isna().to_numpy()] == 0).all()
    made = write(clips, tmp_path / "out", copies=counts)
    both = batch.join(clips, made)
    assert both[both["split"] == "train"]["label"].value_counts().tolist() == [4] * 3
    assert batch.balanced(clips, splits=("dev", "test")).sum() != counts.sum()
    with pytest.raises(batch.BatchError, match=r"balanced\(\): no item is in the split late"):
        batch.balanced(clips, splits=["late"])
    train = clips[clips["split"] == "train"]
    words = "it has 12 rows and the table 30, .* copies=batch.balanced.items. leaves the splits"
    with pytest.raises(batch.BatchError, match=words):
        write(clips, tmp_path / "out2", copies=batch.balanced(train))


def test_three_more_of_each_nicolas(tmp_path):
    clips = sounds(tmp_path / "in", 8)
    made = write(clips, tmp_path / "out", copies={"speaker == 'nicolas'": 3, "label == '1'": 1})
    counts = made.groupby("source").size()
    for row in clips.to_dict("records"):
        expected = 3 if row["speaker"] == "nicolas" else 1 if row["label"] == "1" else 0
        assert counts.get(row["item"], 0) == expected


def test_only_train_is_copied_and_a_leak_is_refused(tmp_path):
    clips = sounds(tmp_path / "in", 9, splits=("train", "dev", "test"))
    made = write(clips, tmp_path / "out", copies=batch.balanced(clips, by="speaker") + 1)
    assert set(made["split"]) == {"train"}
    both = batch.join(clips, made)
    assert len(both) == len(clips) + len(made)
    resplit = clips.assign(split=clips["split"].replace({"train": "test", "test": "train"}))
    with pytest.raises(batch.BatchError, match=r"copies would stand in another split than the so"):
        batch.join(resplit, made)
    with pytest.raises(batch.BatchError, match=r"the table has no item 'clip0000'"):
        batch.join(clips.assign(item="x" + clips["item"]), made)
    with pytest.raises(batch.BatchError, match=r"the copies have a split and the items none"):
        batch.join(clips.drop(columns="split"), made)
    with pytest.raises(batch.BatchError, match=r"no item is in the split training; the table has"):
        write(clips, tmp_path / "out2", splits=["training"])


# ---- going on, and what goes wrong


def test_a_second_run_makes_nothing_again(tmp_path):
    clips = sounds(tmp_path / "in", 6)
    first = write(clips, tmp_path / "out")
    times = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out").glob("*.wav")}
    second = write(clips, tmp_path / "out")
    pd.testing.assert_frame_equal(first, second)
    assert times == {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out").glob("*.wav")}
    more = write(clips, tmp_path / "out", copies=2)
    assert len(more) == 12
    for name, when in times.items():
        assert (tmp_path / "out" / name).stat().st_mtime_ns == when


def test_what_was_damaged_or_has_a_new_source_is_made_again(tmp_path):
    clips = sounds(tmp_path / "in", 4)
    write(clips, tmp_path / "out")
    good = contents(tmp_path / "out")
    (tmp_path / "out/clip0001-1.wav").write_bytes(b"half a fi")
    (tmp_path / "out/clip0002-1.wav").unlink()
    write(clips, tmp_path / "out")
    assert contents(tmp_path / "out") == good
    soundfile.write(clips["path"][3], np.full(400, 0.25), RATE)
    write(clips, tmp_path / "out")
    now = contents(tmp_path / "out")
    assert [name for name in good if good[name] != now[name]] == ["clip0003-1.wav"]


def test_another_batch_in_the_same_folder_is_refused(tmp_path):
    clips = sounds(tmp_path / "in", 2)
    write(clips, tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(batch.BatchError, match="was made with another pipeline or seed"):
        write(clips, tmp_path / "out", seed=5)
    assert contents(tmp_path / "out") == before


def test_two_runs_into_one_folder_at_once_are_refused(tmp_path):
    clips = sounds(tmp_path / "in", 1)
    program = (
        "import sys, time; from pathlib import Path; from mlkit._files import alone\n"
        "with alone(Path(sys.argv[1]), busy=ValueError()): print('in', flush=True); time.sleep(60)"
    )
    (tmp_path / "out").mkdir()
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "out/.lock")], stdout=subprocess.PIPE
    )
    try:
        assert other.stdout.readline() == b"in\n"
        with pytest.raises(batch.BatchError, match="another program is writing a batch to"):
            write(clips, tmp_path / "out")
    finally:
        other.kill()
        other.wait()
    assert len(write(clips, tmp_path / "out")) == 1


def test_bad_files_are_listed_and_the_rest_is_made(tmp_path):
    clips = sounds(tmp_path / "in", 4)
    bad = {
        "text": b"these are no samples",
        "empty file": b"",
        "no samples": None,
        "broken": None,
        "gone": None,
    }
    rows = []
    for name, data in bad.items():
        path = tmp_path / f"in/{name}.wav"
        if data is not None:
            path.write_bytes(data)
        elif name == "no samples":
            soundfile.write(path, np.zeros(0), RATE)
        elif name == "broken":
            soundfile.write(path, np.full(50, np.nan), RATE, subtype="FLOAT")
        rows.append({"item": name, "path": str(path), "label": "0", "split": "train"})
    table = pd.concat([clips, pd.DataFrame(rows)], ignore_index=True)
    with pytest.warns(batch.BatchWarning, match="5 of 9 copies could not be made") as told:
        made = write(table, tmp_path / "out")
    assert made["source"].tolist() == clips["item"].tolist()
    failed = pd.read_csv(tmp_path / "out/failed.csv").set_index("item")["reason"]
    assert "cannot be read as sound" in failed["text"]
    assert "cannot be read as sound" in failed["empty file"]
    assert failed["no samples"] == "it holds no sound"
    assert "50 of 50 samples that are no numbers" in failed["broken"]
    assert failed["gone"] == "No such file or directory"
    assert "failed.csv; a later run tries them again" in str(told[0].message)
    write(clips, tmp_path / "out")
    assert not (tmp_path / "out/failed.csv").exists()


def test_one_sample_silence_stereo_eight_bits_and_a_high_rate(tmp_path):
    rng = np.random.default_rng(1)
    stereo = np.stack([rng.uniform(-0.3, 0.3, 500), np.zeros(500)], axis=1)
    kinds = {
        "one": (np.array([0.2]), RATE, "PCM_16"),
        "silent": (np.zeros(300), RATE, "PCM_16"),
        "stereo": (stereo, RATE, "PCM_16"),
        "eight": (rng.uniform(-0.5, 0.5, 300), RATE, "PCM_U8"),
        "high": (rng.uniform(-0.5, 0.5, 3000), 96_000, "PCM_24"),
    }
    rows = []
    for name, (wave, rate, subtype) in kinds.items():
        soundfile.write(tmp_path / f"{name}.wav", wave, rate, subtype=subtype)
        rows.append({"item": name, "path": str(tmp_path / f"{name}.wav")})
    write(pd.DataFrame(rows), tmp_path / "out")
    lines = batch.manifest(tmp_path / "out").set_index("item")
    for name, (wave, rate, _) in kinds.items():
        out, out_rate = soundfile.read(tmp_path / "out" / lines["output"][name])
        assert out_rate == rate
        assert out.shape == wave.shape
    assert "the clip is silent" in lines["notes"]["silent"][0]
    assert "the clip is silent" in lines["notes"]["stereo"][0]  # one of its channels


def test_a_picture_too_large_is_refused_before_it_is_opened_whole(tmp_path):
    import struct
    import zlib

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    (tmp_path / "huge.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    (tmp_path / "text.jpg").write_text("not a picture")
    table = pd.DataFrame(
        {
            "item": ["huge", "text"],
            "path": [str(tmp_path / "huge.png"), str(tmp_path / "text.jpg")],
        }
    )
    with pytest.warns(batch.BatchWarning, match="20,000 x 20,000 pixels, and 64 million are"):
        made = write(table, tmp_path / "out", pipeline=[(image.pipeline("mirror"), {}, 1.0)])
    assert made.empty
    failed = pd.read_csv(tmp_path / "out/failed.csv").set_index("item")["reason"]
    assert failed["text"] == "it cannot be read as a picture"


def test_a_target_that_cannot_be_written_is_told_at_once(tmp_path):
    clips = sounds(tmp_path / "in", 1)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"batch\.write\(\) cannot write to .*file"):
        write(clips, tmp_path / "file")
    with pytest.raises(OSError, match=r"cannot write to .*\(File name too long\)"):
        write(clips, tmp_path / "new" / "newer" / ("x" * 300))
    assert not (tmp_path / "new").exists(), "folders were left"


def test_a_file_whose_name_is_no_text_is_told(tmp_path):
    if os.name == "nt" or sys.platform == "darwin":
        pytest.skip("names are text here")
    sounds(tmp_path / "in", 1)
    (tmp_path / "in" / os.fsdecode(b"caf\xe9.wav")).write_bytes(b"")
    with pytest.raises(batch.BatchError, match=r"caf\\udce9\.wav is no text .* Rename the file"):
        write(tmp_path / "in", tmp_path / "out")


def test_a_full_disk_stops_the_batch_and_keeps_what_is_there(tmp_path, monkeypatch):
    from mlkit.augment import _run

    clips = sounds(tmp_path / "in", 6)
    real, count = _run.write_atomic, iter(range(100))

    def fills_up(path, data, **more):
        if Path(path).suffix == ".wav" and next(count) >= 3:
            raise OSError(28, "No space left on device")
        real(path, data, **more)

    monkeypatch.setattr(_run, "write_atomic", fills_up)
    with pytest.raises(OSError, match=r"cannot go on: .* \(No space left on device\)\. What is wr"):
        write(clips, tmp_path / "out")
    monkeypatch.undo()
    assert len(batch.manifest(tmp_path / "out")) == 3
    assert len(write(clips, tmp_path / "out")) == 6


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"copies": -1}, "copies are whole numbers from 0 up; got -1"),
        ({"copies": 1.5}, r"copies are whole numbers from 0 up; got 1\.5"),
        (
            {"copies": pd.Series([1, 2, 3])},
            "must have the index of the table; it has 3 rows and the table 2, 2 of them in both",
        ),
        (
            {"pipeline": [(audio.add_noise, {"snr_db": 5}, 1.5)]},
            "probability of .* between 0 and 1",
        ),
        ({"suffix": ".mp4"}, r"writes \.flac, \.jpg, \.png, \.wav; got suffix='\.mp4'"),
        (
            {"pipeline": [(audio.add_noise, {"snr_db": 5, "noise": np.ones(9)}, 1.0)]},
            "what the pipeline draws cannot be written down .* as paths of files",
        ),
    ],
)
def test_a_wrong_wish_is_named_before_anything_is_written(tmp_path, more, words):
    clips = sounds(tmp_path / "in", 2)
    with pytest.raises(ValueError, match=words):
        write(clips, tmp_path / "some" / "out", **more)
    assert not (tmp_path / "some").exists(), "a folder was left"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ((audio.change_speed, {"factor": (-1, 2)}), r"needs factor from 0\.1 to 10; .* given -1\."),
        ((audio.change_speed, {"factor": [1.1, 0]}), r"needs factor from 0\.1 to 10; .* given 0\."),
        ((audio.stretch_time, {"factor": (1, 11.0)}), r"needs factor from 0\.1 to 10; .* given 11"),
        ((audio.shift_pitch, {"semitones": 30}), "needs semitones from -24 to 24; .* given 30"),
        ((audio.limit_band, {"rate_hz": 0}), r"needs rate_hz from 1 to 1e\+06; .* given 0\."),
        ((audio.limit_band, {"low_hz": (0, 4000)}), "lets low_hz be 4000 and high_hz 3400"),
        ((audio.add_reverb, {"rt60_s": (-0.5, 1)}), "needs rt60_s from 0 to 30"),
        ((audio.clip_peaks, {"over_db": "much"}), "needs over_db as a number; .* given 'much'"),
        ((audio.add_noise, {"snr_db": -np.inf}), "needs snr_db above minus infinity"),
        (
            (audio.add_noise, {"noise": "white"}),
            "needs snr_db, and step 1 of the pipeline does not",
        ),
        (
            (audio.add_noise, {"snr_db": 5, "noise": ["white", "grey"]}),
            "there is no file grey; for",
        ),
        ((audio.add_speech, {"snr_db": 5, "speech": ["a.wav"]}), "needs speech as a list of recor"),
        ((audio.add_speech, {"snr_db": 5, "speech": [["a.wav"]]}), r"there is no file a\.wav"),
        (
            (audio.add_speech, {"snr_db": 5, "speech": [[np.ones(9)]], "talkers": (1, 2)}),
            "needs talkers as a whole number; step 1 of the pipeline gives it as a range",
        ),
        ((image.change, {"situation": ["lighting", "night"]}), "there is no situation 'night'"),
        (
            (image.change, {"situation": "focus", "strength": (0, 2)}),
            "strength lies between 0 and 1",
        ),
    ],
)
def test_a_range_that_no_function_takes_is_refused_before_any_file(tmp_path, step, words):
    clips = sounds(tmp_path / "in", 2)
    pipeline = [(audio.change_gain, {"gain_db": (-6, 0)}, 1.0), (*step, 0.5)]
    with pytest.raises((ValueError, FileNotFoundError), match=words) as told:
        write(clips, tmp_path / "out", pipeline=pipeline)
    assert "step 1 of the pipeline" in str(told.value)
    assert not (tmp_path / "out").exists()


def test_a_table_without_paths_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(TableError, match=r"needs the columns item, path; missing: path"):
        write(pd.DataFrame({"item": ["a"]}), tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(batch.BatchError, match="there is no sound and no picture below"):
        write(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(batch.BatchError, match=r"manifest\(\): there is no folder"):
        batch.manifest(tmp_path / "nowhere")


@pytest.mark.parametrize("inside", ["in", "in/copies"])
def test_copies_are_not_written_among_their_sources(tmp_path, inside):
    sounds(tmp_path / "in", 2)
    with pytest.raises(batch.BatchError, match="it lies in the folder that is copied"):
        write(tmp_path / "in", tmp_path / inside)
    assert len(list((tmp_path / "in").rglob("*"))) == 2


def test_pieces_grow_smaller_and_lose_nothing():
    from mlkit.augment import _run

    todo = [{"output": str(n)} for n in range(500)]
    assert [len(part) for part in _run._parts(todo, 1)] == [1] * 500
    for workers in (2, 3, 8):
        parts = list(_run._parts(todo, workers))
        sizes = [len(part) for part in parts]
        assert [task for part in parts for task in part] == todo
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[0] <= 500 / (4 * workers)
        assert sizes[-2 * workers :] == [1] * 2 * workers


# What takes the time is to start Python and import pandas: so one process has done both, and
# each run is a fork of it.
RUNS = """
import os, sys
import pandas as pd
from joblib import parallel_config
from mlkit.augment import audio, batch
pipeline = [(audio.change_gain, {'gain_db': (-12, 0)}, 0.5),
            (audio.add_noise, {'snr_db': (5, 30), 'noise': ['white', 'pink']}, 1.0)]
clips = pd.read_csv(sys.argv[1], dtype=str)
def write(items, folder, copies=4):
    batch.write(items, folder, pipeline=pipeline, copies=copies, progress=False)
if len(sys.argv) > 2:
    write(clips, sys.argv[2])  # with the workers that joblib chooses
    sys.exit()
write(clips.head(1), sys.argv[1] + ".warm", 1)
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.setsid()
        with parallel_config(backend="threading", n_jobs=2):
            write(clips, line.strip())
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def outputs(folder):
    return sum(1 for each in os.scandir(folder) if each.name.endswith(".wav"))


def kill_at(folder, goal, pid, running):
    """End a run and its workers in the middle of whatever they do, once so many files are there."""
    while running() and not (folder.exists() and outputs(folder) >= goal):
        time.sleep(0.001)
    assert running(), "it was done before it could be killed"
    os.killpg(pid, signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forks, which Windows has not")
@pytest.mark.timeout(300)
def test_killed_twenty_times_while_writing_a_thousand_files(tmp_path):
    """Real processes, killed at random moments, end with the same files as an undisturbed one."""
    clips = sounds(tmp_path / "in", 250)
    clips.to_csv(tmp_path / "clips.csv", index=False)
    command = [sys.executable, "-c", RUNS, str(tmp_path / "clips.csv")]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    draw_, out = random.Random(0), tmp_path / "killed"
    goal, kills = 0, 0
    for _ in range(2):  # two with workers in processes of their own
        with subprocess.Popen([*command, str(out)], env=alone, start_new_session=True) as one:
            goal += draw_.randint(1, 25)
            kill_at(out, goal, one.pid, lambda one=one: one.poll() is None)
        kills += 1
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=alone, **pipes) as runs:

        def begin(folder):
            runs.stdin.write(f"{folder}\n")
            runs.stdin.flush()
            return int(runs.stdout.readline())

        while kills < 20:
            goal = outputs(out) + draw_.randint(1, 25)
            child = begin(out)
            kill_at(out, goal, child, lambda child=child: alive(child))
            assert int(runs.stdout.readline()) == signal.SIGKILL
            kills += 1
        assert 20 < outputs(out) < 1000
        for folder in (out, tmp_path / "calm"):
            begin(folder)
            assert int(runs.stdout.readline()) == 0
        runs.stdin.close()
    calm = contents(tmp_path / "calm")
    assert len(calm) == 1000
    assert contents(out) == calm
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert sorted(line["output"] for line in lines) == sorted(calm)
    assert [p.name for p in out.iterdir() if p.suffix == ".tmp"] == []


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
