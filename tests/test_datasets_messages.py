"""Messages: the real ones come verified or not at all, the generated ones carry the lessons."""

import functools
import re
import socket
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlkit import _tables, datasets
from mlkit.datasets import _messages

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
REAL = SHARED / "SMSSpamCollection"
real_messages = pytest.mark.skipif(not REAL.exists(), reason="needs the real messages")
COLUMNS = ["item", "label", "text", "split"]


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
        monkeypatch.setattr(_messages, "_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/x")
        yield


@pytest.fixture
def serve(monkeypatch):
    """Publish a file at an address of this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(path):
        handler = functools.partial(SimpleHTTPRequestHandler, directory=str(path.parent))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        servers.append(server)
        url = f"http://127.0.0.1:{server.server_port}/{path.name}"
        monkeypatch.setattr(_messages, "_URL", url)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def letters(text):
    return "".join(letter for letter in text.lower() if letter.isalpha())


def is_a_table_of_messages(table):
    assert list(table.columns) == COLUMNS
    _tables.items(table, function="test")
    assert set(table["label"]) == {"ham", "spam"}
    assert set(table["split"]) == {"train", "dev", "test"}
    assert table["text"].map(type).eq(str).all()
    # What is the same but for digits, case and punctuation is in one split.
    assert table.groupby(table["text"].map(letters))["split"].nunique().eq(1).all()


# --- real


@real_messages
@pytest.mark.parametrize("name", ["SMSSpamCollection", "sms.tsv", "sms-spam-collection.tsv"])
def test_a_local_copy_of_the_messages_is_enough(cache, offline, name):
    (cache / name).symlink_to(REAL)
    table = datasets.fetch_messages(progress=False)
    is_a_table_of_messages(table)
    lines = [line.split("\t") for line in REAL.read_text("utf-8").splitlines()]
    assert table[["label", "text"]].to_numpy().tolist() == lines
    assert table["label"].value_counts().to_dict() == {"ham": 4827, "spam": 747}
    assert table["text"].duplicated().sum() == 403
    assert table["item"].iloc[[0, -1]].to_list() == ["message-0001", "message-5574"]
    assert [path.name for path in cache.iterdir()] == [name]


@real_messages
def test_every_split_has_its_share_of_spam(cache, offline):
    (cache / REAL.name).symlink_to(REAL)
    table = datasets.fetch_messages(progress=False)
    shares = table["split"].value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({"train": 0.6, "dev": 0.2, "test": 0.2}, abs=0.015)
    spam = (table["label"] == "spam").groupby(table["split"]).mean()
    assert spam.between(0.12, 0.15).all()


@real_messages
def test_the_messages_are_downloaded_once_and_verified(cache, serve, monkeypatch, capfd):
    serve(REAL)
    table = datasets.fetch_messages()
    assert len(table) == 5574
    assert "100%" in capfd.readouterr().err
    assert [path.name for path in cache.iterdir()] == ["sms-spam-collection.tsv"]
    monkeypatch.setattr(_messages, "download", lambda *_, **__: pytest.fail("it went online"))
    pd.testing.assert_frame_equal(datasets.fetch_messages(download=False), table)


@real_messages
def test_a_damaged_copy_is_replaced(cache, serve):
    (cache / "sms-spam-collection.tsv").write_bytes(REAL.read_bytes()[:-100])
    serve(REAL)
    assert len(datasets.fetch_messages(progress=False)) == 5574


@real_messages
def test_a_copy_of_somebodys_own_that_is_another_file_stays(cache, serve):
    (cache / "sms.tsv").write_text("ham\tmine")
    serve(REAL)
    assert len(datasets.fetch_messages(progress=False)) == 5574
    assert (cache / "sms.tsv").read_text() == "ham\tmine"


def test_offline_names_the_stand_in(cache, offline):
    words = r"no connection.*datasets\.make_messages\(\) makes some up.*counts too, as "
    with pytest.raises(datasets.DownloadError, match=words):
        datasets.fetch_messages(progress=False)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("there", ["nothing", "half"])
def test_nothing_is_downloaded_unasked(cache, monkeypatch, there):
    monkeypatch.setattr(_messages, "download", lambda *_, **__: pytest.fail("it went online"))
    if there == "half":
        (cache / "sms-spam-collection.tsv").write_text("ham\thalf a")
    words = (
        r"not on this machine yet, or not whole, and download=False.*datasets\.make_messages\(\)"
    )
    with pytest.raises(datasets.DownloadError, match=words):
        datasets.fetch_messages(download=False)


def test_a_sign_in_page_is_no_collection_of_messages(cache, serve, tmp_path_factory):
    page = tmp_path_factory.mktemp("web") / "page"
    page.write_text("<html>Please sign in</html>")
    serve(page)
    words = r"not the file expected.*thrown away.*datasets\.make_messages\(\)"
    with pytest.raises(datasets.DownloadError, match=words):
        datasets.fetch_messages(progress=False)
    assert [path.name for path in cache.iterdir() if not path.name.endswith(".json")] == []


# --- generated


@pytest.fixture(scope="module")
def made():
    return datasets.make_messages()


def test_the_stand_in_has_the_columns_of_the_real_one_and_says_what_it_is(made):
    is_a_table_of_messages(made)
    assert len(made) == 600
    assert made["item"].str.startswith("generated-").all()
    assert datasets.make_messages.__doc__.startswith("Generated")
    assert 0.10 < (made["label"] == "spam").mean() < 0.18
    shares = made["split"].value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({"train": 0.6, "dev": 0.2, "test": 0.2}, abs=0.06)


def test_nothing_in_it_is_anybodys(made):
    """Numbers that are kept for films, addresses that are kept for examples (RFC 2606)."""
    texts = made["text"].str.lower()
    links = texts.str.extractall(r"(\w[\w-]*(?:\.\w+)+)")[0]
    assert links.str.endswith(".example").all()
    digits = made["text"].str.extractall(r"(\d{5} \d{6})")[0]
    assert (digits.str.startswith("07700 900") | digits.str.fullmatch("7{5} 7{6}")).all()
    assert len(links) > 20
    assert len(digits) > 20


def test_the_same_seed_gives_the_same_messages_and_fewer_are_the_first(made):
    pd.testing.assert_frame_equal(datasets.make_messages(rng=np.random.default_rng(0)), made)
    pd.testing.assert_frame_equal(datasets.make_messages(items=50), made.head(50))
    assert not datasets.make_messages(rng=1)["text"].equals(made["text"])
    assert not datasets.make_messages(rng=None)["text"].equals(made["text"])


def test_every_template_is_filled():
    text = " ".join(datasets.make_messages(items=3000, rng=2)["text"])
    assert not re.search(r"[{}]", text)
    for template in _messages._HAM + _messages._SPAM + _messages._EITHER:
        start = max(re.split(r"\{\w+\}", template), key=len).strip()
        assert start in text


def test_some_nearly_repeat_others_now_and_then_under_the_other_label():
    table = datasets.make_messages(items=3000)
    alike = table.groupby(table["text"].map(letters))
    assert (alike["text"].agg(set).map(len) > 1).sum() > 50
    assert (alike["label"].agg(set).map(len) > 1).sum() > 10


def test_it_carries_the_lesson():
    """A model learns the plain ones; what fits both labels stays a coin's toss."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    table = datasets.make_messages(items=3000)
    train = table["split"] == "train"
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=30))
    model.fit(table["text"][train], table["label"][train])
    rest = table[~train]
    right = model.predict(rest["text"]) == rest["label"]
    parts = [max(re.split(r"\{\w+\}", template), key=len) for template in _messages._EITHER]
    fits_both = rest["text"].str.contains("|".join(map(re.escape, parts)), case=False)
    assert 0.05 < fits_both.mean() < 0.12
    assert right[~fits_both].mean() > 0.98
    assert 0.3 < right[fits_both].mean() < 0.7


@pytest.mark.parametrize("items", [0, -3, 1.5, "many", None, True])
def test_a_number_that_is_none_is_refused(items):
    with pytest.raises(ValueError, match=r"make_messages\(\) needs items as a whole number.*got"):
        datasets.make_messages(items)
