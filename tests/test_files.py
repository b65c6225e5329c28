"""Files are whole or not there, whatever the disk and the network do."""

import errno
import functools
import hashlib
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlkit import _files
from mlkit._files import DownloadError, bundled, content_hash, download, write_atomic

BODY = bytes(range(256)) * 2000  # 512,000 bytes


class Handler(BaseHTTPRequestHandler):
    """Serves ``server.body`` as ``server`` says, and writes down what was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.asked.append(wanted)
        if server.status != 200:
            self.send_error(server.status)
            return
        body, start = server.body, 0
        same = self.headers.get("If-Range") in (server.etag, server.modified)
        if wanted and server.ranges and (same or server.careless):
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        for name, value in (("ETag", server.etag), ("Last-Modified", server.modified)):
            if value:
                self.send_header(name, value)
        if server.says_length:
            self.send_header("Content-Length", str(len(body) - start + server.wrong_by))
        self.send_header("Connection", "close")
        self.end_headers()
        stop = len(body) if server.dies_at is None else max(start, server.dies_at)
        self.wfile.write(body[start:stop])
        server.sent.set()
        if server.hangs:
            server.let_go.wait(30)
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    web.body, web.asked, web.etag, web.modified = BODY, [], '"one"', None
    web.ranges, web.careless, web.says_length, web.wrong_by = True, False, True, 0
    web.dies_at, web.status, web.hangs = None, 200, False
    web.sent, web.let_go = threading.Event(), threading.Event()
    web.url = f"http://127.0.0.1:{web.server_port}/file.zip"
    threading.Thread(target=web.serve_forever, args=[0.02], daemon=True).start()
    yield web
    web.let_go.set()
    web.shutdown()
    web.server_close()


fetch = functools.partial(download, progress=False)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# --- hashes and atomic writes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(data=st.binary(max_size=300_000))
def test_what_is_written_is_read_and_hashed(tmp_path, data):
    write_atomic(tmp_path / "x", data)
    assert (tmp_path / "x").read_bytes() == data
    assert content_hash(tmp_path / "x") == hashlib.sha256(data).hexdigest()
    assert names(tmp_path) == ["x"]


def test_text_is_written_as_it_is(tmp_path):
    write_atomic(tmp_path / "x", "größer\r\n\n")
    assert (tmp_path / "x").read_bytes() == "größer\r\n\n".encode()


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, fails):
    write_atomic(tmp_path / "x", b"old")

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    if fails == "fsync":
        monkeypatch.setattr(_files.os, "fsync", full)
    else:
        monkeypatch.setattr(_files.Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_permissions_stay_and_new_files_get_the_usual_ones(tmp_path):
    write_atomic(tmp_path / "x", b"old")
    (tmp_path / "plain").write_bytes(b"")
    usual = stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == usual
    (tmp_path / "x").chmod(0o640)
    (tmp_path / "link").symlink_to("x")
    write_atomic(tmp_path / "link", b"new")
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "x").read_bytes() == b"new"


def test_readers_never_see_half_a_file(tmp_path):
    texts = [letter * 400_000 for letter in "ab"]
    write_atomic(tmp_path / "x", texts[0])
    done = threading.Event()
    seen = set()

    def read():
        while not done.is_set():
            seen.add((tmp_path / "x").read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(40):
        write_atomic(tmp_path / "x", texts[n % 2])
    done.set()
    reader.join()
    assert seen <= set(texts)


def test_missing_bundled_data_says_what_to_do():
    with pytest.raises(FileNotFoundError, match=r"'nowhere.csv' is not where.*install mlkit again"):
        bundled("nowhere.csv")


# --- downloads


def test_a_download_arrives_whole_and_only_once(server, tmp_path):
    target = tmp_path / "new" / "file.zip"
    assert fetch(server.url, target) == target
    assert target.read_bytes() == BODY
    assert names(target.parent) == ["file.zip"]
    fetch(server.url, target)
    assert server.asked == [None]


@pytest.mark.parametrize("validator", ["etag", "modified"])
def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path, validator):
    if validator == "modified":
        server.etag, server.modified = None, "Wed, 21 Oct 2026 07:28:00 GMT"
    server.dies_at = 220_160
    with pytest.raises(DownloadError, match=r"connection broke.*Run again, and it goes on at 43 %"):
        fetch(server.url, tmp_path / "file.zip")
    assert not (tmp_path / "file.zip").exists()
    server.dies_at = None
    fetch(server.url, tmp_path / "file.zip")
    assert server.asked == [None, "bytes=220160-"]
    assert (tmp_path / "file.zip").read_bytes() == BODY
    assert names(tmp_path) == ["file.zip"]


def test_it_goes_on_as_often_as_it_breaks(server, tmp_path):
    for stop in (100_000, 200_000, 300_000):
        server.dies_at = stop
        with pytest.raises(DownloadError):
            fetch(server.url, tmp_path / "file.zip")
        assert (tmp_path / "file.zip.part").read_bytes() == BODY[:stop]
    server.dies_at = None
    fetch(server.url, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == BODY


def break_off(server, tmp_path):
    server.dies_at = 200_000
    with pytest.raises(DownloadError):
        fetch(server.url, tmp_path / "file.zip")
    server.dies_at = None


def test_a_server_without_ranges_starts_again(server, tmp_path):
    break_off(server, tmp_path)
    server.ranges = False
    fetch(server.url, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == BODY


@pytest.mark.parametrize("careless", [False, True], ids=["keeps to If-Range", "ignores If-Range"])
def test_a_file_that_changed_meanwhile_is_not_mixed(server, tmp_path, careless):
    break_off(server, tmp_path)
    server.body, server.etag, server.careless = BODY[::-1], '"two"', careless
    fetch(server.url, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == BODY[::-1]


def test_a_file_that_became_shorter_than_the_part_starts_again(server, tmp_path):
    break_off(server, tmp_path)
    server.body, server.careless = b"short", True
    fetch(server.url, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == b"short"


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_validator_nothing_is_glued_together(server, tmp_path, etag):
    server.etag, server.dies_at = etag, 200_000
    with pytest.raises(DownloadError, match="cannot go on in the middle"):
        fetch(server.url, tmp_path / "file.zip")
    server.dies_at = None
    fetch(server.url, tmp_path / "file.zip")
    assert server.asked == [None, None]
    assert (tmp_path / "file.zip").read_bytes() == BODY


def test_a_part_of_another_address_is_not_used(server, tmp_path):
    break_off(server, tmp_path)
    fetch(server.url + "?other", tmp_path / "file.zip")
    assert server.asked == [None, None]


def test_a_length_that_is_wrong_is_not_whole(server, tmp_path):
    server.wrong_by = 5
    with pytest.raises(DownloadError, match="goes on at 99 %"):
        fetch(server.url, tmp_path / "file.zip")
    assert not (tmp_path / "file.zip").exists()


def test_no_length_and_no_hash_is_refused(server, tmp_path):
    server.says_length = False
    with pytest.raises(DownloadError, match="does not say how long"):
        fetch(server.url, tmp_path / "file.zip")
    fetch(server.url, tmp_path / "file.zip", sha256=hashlib.sha256(BODY).hexdigest())
    assert (tmp_path / "file.zip").read_bytes() == BODY


def test_another_hash_is_thrown_away(server, tmp_path):
    with pytest.raises(DownloadError, match=r"not the file expected.*thrown away.*sign-in page"):
        fetch(server.url, tmp_path / "file.zip", sha256="0" * 64)
    assert not (tmp_path / "file.zip").exists()
    assert not (tmp_path / "file.zip.part").exists()


@pytest.mark.parametrize(("status", "words"), [(404, "no longer there"), (503, "answered 503")])
def test_what_the_server_refuses_is_said(server, tmp_path, status, words):
    server.status = status
    with pytest.raises(DownloadError, match=words):
        fetch(server.url, tmp_path / "file.zip")
    assert names(tmp_path) == []


def test_offline_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file.zip"
        with pytest.raises(DownloadError, match=r"no connection.*run again when there is"):
            fetch(url, tmp_path / "file.zip")
    assert names(tmp_path) == []


def test_a_full_disk_is_said_and_what_came_is_kept(server, tmp_path, monkeypatch):
    break_off(server, tmp_path)

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(_files, "_receive", lambda *args, **kwargs: full())
        with pytest.raises(DownloadError, match=r"disk is full.*MLKIT_DATA.*goes on at 39 %"):
            fetch(server.url, tmp_path / "file.zip")
    fetch(server.url, tmp_path / "file.zip")
    assert (tmp_path / "file.zip").read_bytes() == BODY


def test_an_interrupt_says_where_it_goes_on(server, tmp_path, monkeypatch):
    break_off(server, tmp_path)

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(_files, "_receive", stop)
    with pytest.raises(KeyboardInterrupt) as caught:
        fetch(server.url, tmp_path / "file.zip")
    assert caught.value.__notes__ == ["Run again, and it goes on at 39 % (0.2 MB are kept)."]


def test_an_address_of_another_kind_is_refused(tmp_path):
    with pytest.raises(DownloadError, match="no http or https address"):
        fetch("file:///etc/hosts", tmp_path / "hosts")


def test_a_file_in_place_of_the_folder_is_said(server, tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(DownloadError, match="cannot write"):
        fetch(server.url, tmp_path / "folder" / "file.zip")


FETCH = "import sys; from mlkit._files import download; download(*sys.argv[1:], progress=False)"


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_a_killed_download_goes_on(server, tmp_path):
    server.dies_at, server.hangs = 300_000, True
    target = tmp_path / "file.zip"
    part = tmp_path / "file.zip.part"
    killed = subprocess.Popen([sys.executable, "-c", FETCH, server.url, str(target)])
    try:
        until = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size) and time.monotonic() < until:
            time.sleep(0.02)
        assert part.stat().st_size
        with pytest.raises(DownloadError, match=r"another program is downloading file.zip"):
            fetch(server.url, target)
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    assert not target.exists()
    have = part.stat().st_size
    server.dies_at, server.hangs = None, False
    fetch(server.url, target)
    assert server.asked == [None, f"bytes={have}-"]
    assert target.read_bytes() == BODY


def test_whole_but_not_yet_named_needs_no_network(server, tmp_path):
    break_off(server, tmp_path)
    (tmp_path / "file.zip.part").write_bytes(BODY)  # killed after the last byte
    fetch(server.url, tmp_path / "file.zip")
    assert server.asked == [None]
    assert (tmp_path / "file.zip").read_bytes() == BODY


def test_progress_counts_the_bytes_there_already(server, tmp_path, capsys):
    break_off(server, tmp_path)
    download(server.url, tmp_path / "file.zip")
    assert "file.zip: " in capsys.readouterr().err


def test_it_does_not_wait_for_ever_and_checks_certificates(server, tmp_path, monkeypatch):
    seen = []
    real = urllib.request.urlopen
    monkeypatch.setattr(
        urllib.request, "urlopen", lambda *args, **kw: seen.append(kw) or real(*args, **kw)
    )
    fetch(server.url, tmp_path / "file.zip")
    assert seen[0]["timeout"] == 20
    assert seen[0]["context"].verify_mode
