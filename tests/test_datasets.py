"""Data comes whole and verified or not at all, and the stand-in carries the same lesson."""

import functools
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from mlkit import _tables, datasets
from mlkit._files import bundled
from mlkit.datasets import _archives

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SPOKEN_ZIP = SHARED / "free-spoken-digit-dataset.zip"
CLOTHING_ZIP = SHARED / "clothing-dataset-small.zip"
SPOKEN_COLUMNS = ["item", "label", "speaker", "accent", "path", "duration_s", "split"]
real_speech = pytest.mark.skipif(not SPOKEN_ZIP.exists(), reason="needs the real recordings")
real_photographs = pytest.mark.skipif(
    not CLOTHING_ZIP.exists(), reason="needs the real photographs"
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MLKIT_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def offline(monkeypatch):
    """An address of this machine where nobody listens, in place of the published one."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        published_at(monkeypatch, f"http://127.0.0.1:{closed.getsockname()[1]}/x.zip")
        yield


def published_at(monkeypatch, url):
    for name in ("_SPOKEN", "_CLOTHING"):
        archive = getattr(_archives, name)
        monkeypatch.setattr(_archives, name, type(archive)(**{**vars(archive), "url": url}))


# --- bundled


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    table = datasets.load_digits()
    source = load_digits()
    assert list(table.columns) == ["item", "label", "image", "split"]
    assert _tables.items(table, function="test")["item"].str.startswith("digit-").all()
    assert table["label"].astype(int).to_list() == source.target.tolist()
    assert all((a == b).all() for a, b in zip(table["image"], source.images, strict=True))


def spoken(table, extension, rate_hz):
    assert list(table.columns) == SPOKEN_COLUMNS
    _tables.items(table, function="test")
    parts = table["item"].str.extract(r"^(\d)_(.+)_(\d+)$")
    assert (parts[0] == table["label"]).all()
    assert (parts[1] == table["speaker"]).all()
    assert table["label"].nunique() == 10
    index = parts[2].astype(int)
    assert (table["split"] == "test").equals(index <= 4)
    assert (table["split"] == "dev").equals(index.between(5, 14))
    counts = table.groupby(["speaker", "label", "split"]).size()
    assert len(counts) == table["speaker"].nunique() * 10 * 3
    # Each voice says each digit as often in each split, and has one accent.
    assert counts.groupby("split").min().equals(counts.groupby("split").max())
    assert len(table.drop_duplicates(["speaker", "accent"])) == table["speaker"].nunique()
    for row in table.iloc[:: len(table) // 20].itertuples():
        about = soundfile.info(row.path)
        assert (about.samplerate, about.channels) == (rate_hz, 1)
        assert row.path.endswith(f"{row.item}.{extension}")
        assert row.duration_s == pytest.approx(about.duration)


def test_the_stand_in_has_the_columns_of_the_real_one():
    table = datasets.load_spoken_digits()
    spoken(table, "flac", 8000)
    assert table["speaker"].nunique() == 6
    assert table["speaker"].str.startswith("synthetic-").all()
    assert table["path"].map(os.path.exists).all()
    assert sum(path.stat().st_size for path in bundled("spoken_digits").iterdir()) <= 4_000_000


def test_the_stand_in_carries_the_lesson(cache):
    """Trained on two voices, a model knows them, and at least two others 20 points worse."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    from mlkit import features

    clips = datasets.load_spoken_digits()
    rows = features.mfcc(clips["path"], progress=False)
    own = clips["accent"] == "USA"
    train = own & (clips["split"] == "train")
    for model in (LogisticRegression(max_iter=2000), SVC(C=10)):
        model = make_pipeline(StandardScaler(), model).fit(rows[train], clips["label"][train])
        right = model.predict(rows) == clips["label"]
        for split in ("dev", "test"):
            accuracy = right[clips["split"] == split].groupby(clips["speaker"]).mean()
            known = accuracy[clips["speaker"][own].unique()]
            assert known.min() >= 0.9
            assert (accuracy.drop(known.index) <= known.min() - 0.2).sum() >= 2


def test_example_tags_are_a_tags_table_of_the_stand_in():
    tags = _tables.tags(datasets.load_example_tags(), function="test")
    assert set(tags["item"]) == set(datasets.load_spoken_digits()["item"])
    assert set(tags["annotator"]) == {"example"}
    assert not tags.duplicated(["item", "tag"]).any()
    assert tags.groupby("item")["value"].sum().max() == 1


def test_the_example_tags_can_be_measured():
    """A quiet clip is quiet: what the tags say is in the sound."""
    clips = datasets.load_spoken_digits().set_index("item")
    level = clips["path"].map(lambda path: (soundfile.read(path)[0] ** 2).mean())
    tags = datasets.load_example_tags().query("value").set_index("item")["tag"]
    what = tags.reindex(clips.index).fillna("clean")
    assert level[what == "quiet"].max() < level[what != "quiet"].min()
    length = clips["duration_s"].groupby(what).median()
    assert length["clipped start"] < 0.8 * length["clean"]
    assert length["echo"] > 1.2 * length["clean"]


def test_the_example_voice_is_as_the_recorder_keeps_it():
    voice = datasets.load_example_voice()
    columns = "item label speaker path rate_hz duration_s consent at take"
    assert list(voice.columns) == columns.split()
    assert voice.groupby("label")["take"].agg(sorted).to_list() == [[1, 2, 3, 4, 5]] * 10
    assert set(voice["speaker"]) == {"synthetic-example"}
    assert not set(voice["speaker"]) & set(datasets.load_spoken_digits()["speaker"])
    assert pd.to_datetime(voice["at"], utc=True).is_monotonic_increasing
    for row in voice.itertuples():
        assert row.item == f"{row.label}_{row.speaker}_{row.take}"
        samples, rate_hz = soundfile.read(row.path)
        assert (rate_hz, samples.ndim) == (row.rate_hz, 1) == (16000, 1)
        assert len(samples) / rate_hz == pytest.approx(row.duration_s)
        assert 10 * np.log10((samples**2).mean()) == pytest.approx(-20, abs=0.3)
    assert sum(path.stat().st_size for path in bundled("example_voice").iterdir()) <= 400_000


def test_ten_takes_of_the_example_voice_are_worth_having(cache):
    """A model of two other voices knows less than two thirds of it, and with one take most."""
    from sklearn.ensemble import RandomForestClassifier

    from mlkit import features

    clips, voice = datasets.load_spoken_digits(), datasets.load_example_voice()
    clips = clips[(clips["accent"] == "USA") & (clips["split"] == "train")]
    ten, rest = voice[voice["take"] == 1], voice[voice["take"] > 1]
    right = []
    for train in (clips, pd.concat([clips, ten])):
        model = RandomForestClassifier(random_state=0)
        model.fit(features.mfcc(train["path"], progress=False), train["label"])
        right.append(model.score(features.mfcc(rest["path"], progress=False), rest["label"]))
    assert right[0] <= 0.65
    assert right[1] >= right[0] + 0.2


# --- real


@real_speech
def test_a_local_copy_of_the_recordings_is_enough(cache, offline):
    (cache / SPOKEN_ZIP.name).symlink_to(SPOKEN_ZIP)
    table = datasets.fetch_spoken_digits(progress=False)
    spoken(table, "wav", 8000)
    assert len(table) == 3000
    accents = table.groupby("speaker")["accent"].first().to_dict()
    assert accents == _archives._ACCENTS
    assert table["split"].value_counts().to_dict() == {"train": 2100, "dev": 600, "test": 300}
    assert sorted(path.name for path in cache.iterdir()) == [
        "free-spoken-digit-dataset",
        "free-spoken-digit-dataset.zip",
    ]
    (cache / SPOKEN_ZIP.name).unlink()
    pd.testing.assert_frame_equal(datasets.fetch_spoken_digits(progress=False), table)


@real_photographs
def test_a_local_copy_of_the_photographs_is_enough(cache, offline):
    (cache / _archives._CLOTHING.published).symlink_to(CLOTHING_ZIP)
    table = _tables.items(datasets.fetch_clothing(progress=False), function="test")
    assert list(table.columns) == ["item", "label", "path", "width", "height", "split"]
    assert table["split"].value_counts().to_dict() == {"train": 3068, "test": 372, "dev": 341}
    assert table["label"].nunique() == 10
    from PIL import Image

    for row in table.iloc[::200].itertuples():
        with Image.open(row.path) as opened:
            assert opened.size == (row.width, row.height)
    start = time.perf_counter()
    datasets.fetch_clothing(progress=False)
    assert time.perf_counter() - start < 5


@real_speech
@pytest.mark.parametrize("damage", ["cut", "gone", "no list"])
def test_damaged_files_are_unpacked_again(cache, offline, damage):
    (cache / SPOKEN_ZIP.name).symlink_to(SPOKEN_ZIP)
    table = datasets.fetch_spoken_digits(progress=False)
    victim = Path(table["path"][7])
    whole = victim.read_bytes()
    if damage == "cut":
        victim.write_bytes(whole[:100])
    elif damage == "gone":
        victim.unlink()
    else:
        (victim.parent / "files.csv").write_text("file,by")
    datasets.fetch_spoken_digits(progress=False)
    assert victim.read_bytes() == whole
    assert len(list(cache.iterdir())) == 2


@real_speech
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_a_killed_unpacking_is_not_taken_for_whole(cache, offline):
    (cache / SPOKEN_ZIP.name).symlink_to(SPOKEN_ZIP)
    code = "from mlkit import datasets; datasets.fetch_spoken_digits(progress=False)"
    killed = subprocess.Popen([sys.executable, "-c", code])
    until = time.monotonic() + 60
    while not list(cache.glob(".*/*_9.wav")) and time.monotonic() < until:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (cache / "free-spoken-digit-dataset").exists()
    assert len(datasets.fetch_spoken_digits(progress=False)) == 3000


def web(folder):
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    return server


@real_speech
def test_the_recordings_are_downloaded_verified_and_unpacked(cache, monkeypatch, capfd):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = web(SHARED)
    try:
        published_at(monkeypatch, f"http://127.0.0.1:{server.server_port}/{SPOKEN_ZIP.name}")
        table = datasets.fetch_spoken_digits()
    finally:
        server.shutdown()
        server.server_close()
    assert len(table) == 3000
    assert "100%" in capfd.readouterr().err
    assert [path.name for path in cache.iterdir()] == ["free-spoken-digit-dataset"]


def test_offline_names_the_stand_in(cache, offline):
    with pytest.raises(
        datasets.DownloadError, match=r"no connection.*datasets\.load_spoken_digits\(\) is bundled"
    ):
        datasets.fetch_spoken_digits(progress=False)
    words = r"make_phone_inspections\(\) renders pictures to label.*load_digits\(\) is bundled"
    with pytest.raises(datasets.DownloadError, match=words):
        datasets.fetch_clothing(progress=False)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("fetch", [datasets.fetch_spoken_digits, datasets.fetch_clothing])
def test_nothing_is_downloaded_unasked(cache, monkeypatch, fetch):
    monkeypatch.setattr(_archives, "download", lambda *_, **__: pytest.fail("it went online"))
    with pytest.raises(datasets.DownloadError, match="not on this machine yet, and download=False"):
        fetch(download=False)
    assert list(cache.iterdir()) == []


@real_speech
def test_what_is_there_is_used_without_a_download(cache, monkeypatch):
    monkeypatch.setattr(_archives, "download", lambda *_, **__: pytest.fail("it went online"))
    (cache / SPOKEN_ZIP.name).symlink_to(SPOKEN_ZIP)
    assert len(datasets.fetch_spoken_digits(download=False, progress=False)) == 3000
    (cache / SPOKEN_ZIP.name).unlink()
    assert len(datasets.fetch_spoken_digits(download=False)) == 3000


def test_a_sign_in_page_is_not_an_archive(cache, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path_factory.mktemp("web")
    (folder / "page.zip").write_text("<html>Please sign in</html>")
    server = web(folder)
    try:
        published_at(monkeypatch, f"http://127.0.0.1:{server.server_port}/page.zip")
        with pytest.raises(datasets.DownloadError, match=r"not the archive.*thrown away"):
            datasets.fetch_spoken_digits(progress=False)
    finally:
        server.shutdown()
        server.server_close()
    assert list(cache.iterdir()) == []


def remade(source, target, change):
    """The archive with its members changed: (name, bytes) pairs in and out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name, data in change((info.filename, old.read(info)) for info in old.infolist()):
            new.writestr(name, data)


def flip(members):
    for name, data in members:
        yield name, (data[:-1] + bytes([data[-1] ^ 1]) if name.endswith("7_theo_7.wav") else data)


def drop(members):
    return ((name, data) for name, data in members if not name.endswith("7_theo_7.wav"))


@real_speech
@pytest.mark.parametrize(
    ("change", "words"),
    [(flip, "not the ones published"), (drop, "3,000 files .* were expected, and it has 2,999")],
)
def test_another_content_is_refused(cache, offline, change, words):
    local = cache / SPOKEN_ZIP.name
    remade(SPOKEN_ZIP, local, change)
    with pytest.raises(
        datasets.DownloadError, match=rf"{re.escape(str(local))} is not .*{words}.*Delete it"
    ):
        datasets.fetch_spoken_digits(progress=False)
    assert [path.name for path in cache.iterdir()] == [local.name]


@real_speech
def test_other_bytes_of_the_zip_with_the_same_contents_are_fine(cache, offline):
    remade(SPOKEN_ZIP, cache / SPOKEN_ZIP.name, lambda members: reversed(list(members)))
    assert len(datasets.fetch_spoken_digits(progress=False)) == 3000


@real_speech
def test_no_member_leads_out_of_the_folder(cache, offline):
    def more(members):
        yield from members
        for name in ("../out.wav", "top/recordings/../../../out.wav", "/tmp/out.wav"):
            yield name, b"bad"

    (cache / "data").mkdir()
    remade(SPOKEN_ZIP, cache / SPOKEN_ZIP.name, more)
    assert len(datasets.fetch_spoken_digits(progress=False)) == 3000
    assert not list(cache.parent.rglob("out.wav"))


@real_speech
def test_half_an_archive_is_refused(cache, offline):
    local = cache / SPOKEN_ZIP.name
    local.write_bytes(SPOKEN_ZIP.read_bytes()[:5_000_000])
    with pytest.raises(datasets.DownloadError, match=r"not the archive.*Delete it and run again"):
        datasets.fetch_spoken_digits(progress=False)
    assert local.exists()
