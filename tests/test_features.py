"""Rows are right, in order, computed once, and no broken file costs the others theirs."""

import math
import pickle
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mlkit import datasets, features
from mlkit.features import BrokenFilesError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SLOW = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MLKIT_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def clips():
    return datasets.load_spoken_digits()["path"].iloc[::100].to_list()


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for n in range(5):
        paths.append(tmp_path / f"{n}.png")
        small = Image.fromarray(rng.integers(0, 256, (6, 5, 3), dtype=np.uint8))
        small.resize((50, 60)).save(paths[-1])
    return paths


def mfcc(paths, **how):
    return features.mfcc(paths, progress=False, **how)


def hog(paths, **how):
    return features.hog_colour(paths, progress=False, **how)


# --- what the numbers are


def test_mfcc_is_the_cosine_transform_of_log_mel_bands(clips):
    """Against the textbook: windowed power spectra, 40 triangles, decibels, DCT-II."""
    import librosa
    import scipy.fft
    import scipy.signal

    samples, rate_hz = soundfile.read(clips[0], dtype="float32")
    padded = np.pad(samples, 128)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 256)[::80]
    window = scipy.signal.get_window("hann", 256)
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    bands = power @ librosa.filters.mel(sr=rate_hz, n_fft=256, n_mels=40).T
    level_db = 10 * np.log10(np.maximum(bands, 1e-10))
    level_db = np.maximum(level_db, level_db.max() - 80)
    expected = scipy.fft.dct(level_db, axis=1, norm="ortho")[:, :13]
    row = mfcc(clips[:1])[0]
    np.testing.assert_allclose(row[:13], expected.mean(axis=0), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(row[13:26], expected.std(axis=0), rtol=1e-3, atol=1e-3)
    # A slope fitted to nine frames, by its formula.
    steps = np.arange(-4, 5)
    around = np.pad(expected, ((4, 4), (0, 0)), mode="edge")
    slopes = np.stack([(around[n : n + 9].T @ steps) / (steps @ steps) for n in range(len(frames))])
    np.testing.assert_allclose(row[26:39], slopes.mean(axis=0), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(row[39:], slopes.std(axis=0), rtol=1e-3, atol=1e-3)


def slow_hog(image):
    """Dalal and Triggs (2005) pixel by pixel."""
    size = len(image)
    image = image.astype(float)
    cells = np.zeros((size // 8, size // 8, 9))
    for y in range(size):
        for x in range(size):
            best, across, down = -1.0, 0.0, 0.0
            for channel in range(3):
                plane = image[..., channel]
                a = plane[y, min(x + 1, size - 1)] - plane[y, max(x - 1, 0)]
                d = plane[min(y + 1, size - 1), x] - plane[max(y - 1, 0), x]
                if a * a + d * d > best:
                    best, across, down = a * a + d * d, a, d
            degrees = math.degrees(math.atan2(down, across)) % 180
            for b in range(9):
                away = abs(degrees - (20 * b + 10))
                share = max(0.0, 1 - min(away, 180 - away) / 20)
                cells[y // 8, x // 8, b] += share * math.sqrt(best)
    blocks = []
    for y in range(size // 8 - 1):
        for x in range(size // 8 - 1):
            block = np.concatenate(
                [cells[y, x], cells[y, x + 1], cells[y + 1, x], cells[y + 1, x + 1]]
            )
            block = np.minimum(block / math.sqrt(block @ block + 1), 0.2)
            blocks.append(block / (math.sqrt(block @ block) or 1))
    return np.concatenate(blocks)


@SLOW
@given(seed=st.integers(0, 2**32 - 1))
def test_hog_is_that_of_the_paper(seed):
    image = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    np.testing.assert_allclose(features._hog(image), slow_hog(image), atol=1e-9)


def test_hog_sees_which_way_an_edge_runs():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 28:] = 200  # across: 0 degrees, between the last and the first bin
    bins = features._hog(image).reshape(-1, 9).sum(axis=0)
    assert bins[[0, 8]].min() > 0
    assert bins[1:8].max() == 0
    bins = features._hog(image.transpose(1, 0, 2)).reshape(-1, 9).sum(axis=0)
    assert bins.argmax() == 4
    assert not features._hog(np.full((64, 64, 3), 77, np.uint8)).any()


def test_colours_are_shares_of_each_quarter(tmp_path):
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32, :32] = (255, 0, 0)  # red above left, the rest black
    Image.fromarray(picture).save(tmp_path / "red.png")
    colours = hog([tmp_path / "red.png"])[0, -96:].reshape(4, 3, 8)
    np.testing.assert_allclose((colours**2).sum(axis=2), 1, rtol=1e-6)
    assert colours[0].argmax(axis=1).tolist() == [0, 7, 7]
    assert colours[3].argmax(axis=1).tolist() == [0, 0, 0]


def test_a_tone_moves_with_its_rate_and_not_with_its_channels(tmp_path):
    time_s = np.arange(16000) / 16000
    tone = 0.3 * np.sin(2 * np.pi * 440 * time_s)
    soundfile.write(tmp_path / "one.wav", tone, 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "two.wav", np.stack([tone, tone], 1), 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "low.wav", tone[::2], 8000, subtype="FLOAT")
    one, two, low = mfcc([tmp_path / f"{name}.wav" for name in ("one", "two", "low")])
    np.testing.assert_array_equal(one, two)
    # The first coefficient is level; the shape of the spectrum stays after resampling.
    np.testing.assert_allclose(one[1:6], low[1:6], atol=12)
    higher = mfcc([tmp_path / "one.wav"], rate_hz=16000)[0]
    assert np.abs(higher - one).max() > 1


@pytest.mark.parametrize("length", [1, 80, 255, 256, 900])
def test_the_shortest_clips_have_a_row(tmp_path, length):
    soundfile.write(tmp_path / "x.wav", np.full(length, 0.1), 8000)
    row = mfcc([tmp_path / "x.wav"])
    assert row.shape == (1, 52)
    assert np.isfinite(row).all()


def test_silence_has_a_row(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.zeros(4000), 8000)
    assert np.isfinite(mfcc([tmp_path / "x.wav"])).all()


# --- laws


@SLOW
@given(order=st.lists(st.integers(0, 11), max_size=15))
def test_each_row_is_its_files_alone_and_in_order(clips, order):
    rows = mfcc(clips)
    np.testing.assert_array_equal(mfcc([clips[n] for n in order]), rows[order].reshape(-1, 52))


def test_paths_of_any_kind(pictures):
    rows = hog(pictures)
    np.testing.assert_array_equal(hog([str(path) for path in pictures]), rows)
    np.testing.assert_array_equal(hog(pd.Series(pictures, index=[3, 1, 4, 1, 5])), rows)
    np.testing.assert_array_equal(hog(path for path in pictures), rows)
    assert rows.shape == (5, 1860)
    assert rows.dtype == np.float32


def test_workers_give_the_same_rows(clips, pictures, monkeypatch, tmp_path):
    import joblib

    alone = mfcc(clips), hog(pictures)
    monkeypatch.setenv("MLKIT_DATA", str(tmp_path / "other"))
    with joblib.parallel_config(n_jobs=2):
        np.testing.assert_array_equal(mfcc(clips), alone[0])
    with joblib.parallel_config("threading", n_jobs=2):
        np.testing.assert_array_equal(hog(pictures), alone[1])


# --- the cache


def counted(monkeypatch, name):
    calls = []
    real = getattr(features, name)

    def count(path, **how):
        calls.append(path)
        return real(path, **how)

    monkeypatch.setattr(features, name, count)
    return calls


def test_each_content_is_computed_once(pictures, monkeypatch, tmp_path):
    calls = counted(monkeypatch, "_hog_colour")
    rows = hog(pictures)
    copy = tmp_path / "copy.png"
    copy.write_bytes(pictures[0].read_bytes())
    np.testing.assert_array_equal(hog([copy, *pictures]), rows[[0, 0, 1, 2, 3, 4]])
    assert len(calls) == 5
    hog(pictures, size=32)  # other parameters are other rows
    assert len(calls) == 10
    pictures[1].write_bytes(pictures[0].read_bytes())  # another content under an old name
    np.testing.assert_array_equal(hog(pictures), rows[[0, 0, 2, 3, 4]])
    assert len(calls) == 10


def test_a_second_call_imports_no_librosa(clips, cache):
    mfcc(clips)
    code = (
        "import sys; from mlkit import datasets, features;"
        "features.mfcc(datasets.load_spoken_digits()['path'].iloc[::100], progress=False);"
        "sys.exit('librosa' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "blob", [b"", b"1234", b"\0" * (4 + 4 * 1860 - 1), b"\1" * (4 + 4 * 1860), "text", None]
)
def test_a_corrupt_entry_is_computed_again(pictures, cache, blob, monkeypatch):
    rows = hog(pictures)
    opened = sqlite3.connect(cache / "features.db")
    opened.execute(
        "UPDATE rows SET row = ? WHERE content = (SELECT min(content) FROM rows)", [blob]
    )
    opened.commit()
    opened.close()
    calls = counted(monkeypatch, "_hog_colour")
    np.testing.assert_array_equal(hog(pictures), rows)
    np.testing.assert_array_equal(hog(pictures), rows)
    assert len(calls) == 1


@pytest.mark.parametrize("junk", [b"not a database, and long enough to be read as one " * 50, b"x"])
def test_a_corrupt_cache_is_made_anew(pictures, cache, junk, monkeypatch):
    rows = hog(pictures)
    (cache / "features.db").write_bytes(junk)
    np.testing.assert_array_equal(hog(pictures), rows)
    calls = counted(monkeypatch, "_hog_colour")
    np.testing.assert_array_equal(hog(pictures), rows)
    assert calls == []


def test_without_a_cache_there_is_a_warning_and_the_rows(pictures, cache):
    rows = hog(pictures)
    (cache / "features.db").unlink()
    (cache / "features.db").mkdir()
    with pytest.warns(UserWarning, match="features are not kept.*Set MLKIT_DATA"):
        np.testing.assert_array_equal(hog(pictures), rows)


def test_an_interrupt_keeps_what_is_computed(clips, monkeypatch):
    with monkeypatch.context() as patch:
        real = features._mfcc

        def stops(path, **how):
            if path == clips[5]:
                raise KeyboardInterrupt
            return real(path, **how)

        patch.setattr(features, "_mfcc", stops)
        with pytest.raises(KeyboardInterrupt):
            mfcc(clips)
    calls = counted(monkeypatch, "_mfcc")
    mfcc(clips)
    assert calls == clips[5:]


def test_processes_share_the_cache(clips, cache):
    code = (
        "from mlkit import datasets, features;"
        "x = features.mfcc(datasets.load_spoken_digits()['path'].iloc[::10], progress=False);"
        "print(x.sum())"
    )
    several = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    said = {process.communicate()[0] for process in several}
    assert [process.returncode for process in several] == [0, 0]
    assert len(said) == 1
    opened = sqlite3.connect(cache / "features.db")
    assert opened.execute("SELECT count(*) FROM rows").fetchone() == (120,)
    opened.close()


# --- broken files


def test_broken_files_are_named_together_and_cost_nothing(pictures, tmp_path, monkeypatch):
    text = tmp_path / "text.png"
    text.write_text("no picture")
    empty = tmp_path / "empty.png"
    empty.write_bytes(b"")
    mixed = [text, *pictures[:3], tmp_path / "missing.png", *pictures[3:], empty]
    with pytest.raises(BrokenFilesError) as caught:
        hog(mixed)
    said = str(caught.value)
    assert "features.hog_colour() cannot read 3 files of 8:" in said
    assert f"{text}: it is no picture" in said
    assert "missing.png: No such file" in said
    assert 'df[~df["path"].isin(error.paths)]' in said
    assert sorted(caught.value.paths) == sorted(map(str, (text, empty, tmp_path / "missing.png")))
    assert pickle.loads(pickle.dumps(caught.value)).paths == caught.value.paths
    calls = counted(monkeypatch, "_hog_colour")
    good = [path for path in mixed if str(path) not in caught.value.paths]
    assert hog(good).shape == (5, 1860)
    assert calls == []


@pytest.mark.parametrize(
    ("samples", "words"),
    [(np.zeros(0), "holds no sound"), (np.array([0.1, np.nan]), "no numbers")],
)
def test_sound_without_samples_is_broken(tmp_path, samples, words):
    soundfile.write(tmp_path / "x.wav", samples, 8000, subtype="FLOAT")
    with pytest.raises(BrokenFilesError, match=rf"cannot read 1 file of 1:\n.*x.wav: it .*{words}"):
        mfcc([tmp_path / "x.wav"])


def test_many_broken_files_are_counted(tmp_path):
    with pytest.raises(BrokenFilesError, match="and 15 more") as caught:
        mfcc([tmp_path / f"{n}.wav" for n in range(25)])
    assert len(caught.value.paths) == 25


# --- bad input


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: mfcc("a.wav"),
            TypeError,
            'mfcc() needs a list or a column of paths, as df["path"]',
        ),
        (
            lambda: mfcc(pd.DataFrame({"path": ["a.wav"]})),
            TypeError,
            'features.mfcc() needs a list or a column of paths, as df["path"]',
        ),
        (lambda: mfcc(["a.wav", None]), TypeError, "one is None (NoneType)"),
        (lambda: mfcc([], n_mfcc=41), ValueError, "n_mfcc as a whole number from 1 to 40"),
        (lambda: mfcc([], rate_hz=8000.5), ValueError, "rate_hz as a whole number"),
        (lambda: hog([], size=60), ValueError, "size as a multiple of 8; it was given 60"),
        (lambda: hog([], size=8), ValueError, "from 16 to 512; it was given 8"),
    ],
)
def test_bad_input_says_what_to_give(call, error, words):
    with pytest.raises(error, match=re.escape(words)):
        call()


# --- the figures of the real data


def right(clips_or_pictures, rows, train):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    table = clips_or_pictures
    model = make_pipeline(StandardScaler(), SVC(C=10)).fit(rows[train], table["label"][train])
    others = table[~train]
    return others.assign(right=model.predict(rows[~train]) == others["label"])


@pytest.mark.skipif(
    not (SHARED / "free-spoken-digit-dataset.zip").exists(), reason="needs the real recordings"
)
def test_two_speakers_are_known_and_the_others_are_not(cache):
    cache.mkdir()
    (cache / "free-spoken-digit-dataset.zip").symlink_to(SHARED / "free-spoken-digit-dataset.zip")
    clips = datasets.fetch_spoken_digits(progress=False)
    own = clips["speaker"].isin(["jackson", "theo"])
    table = right(clips, mfcc(clips["path"]), own & (clips["split"] == "train"))
    accuracy = table[table["split"] == "dev"].groupby("speaker")["right"].mean()
    assert accuracy[["jackson", "theo"]].min() >= 0.97
    assert accuracy.drop(["jackson", "theo"]).between(0.3, 0.7).all()


@pytest.mark.skipif(
    not (SHARED / "clothing-dataset-small.zip").exists(), reason="needs the real photographs"
)
def test_clothing_is_recognised_as_well_as_these_features_can(cache):
    cache.mkdir()
    (cache / "clothing-dataset-small.zip").symlink_to(SHARED / "clothing-dataset-small.zip")
    pictures = datasets.fetch_clothing(progress=False)
    table = right(pictures, hog(pictures["path"]), pictures["split"] == "train")
    test = table[table["split"] == "test"]
    assert test["right"].mean() == pytest.approx(0.73, abs=0.03)
    assert test.groupby("label")["right"].mean()[["skirt", "hat"]].max() <= 0.5
