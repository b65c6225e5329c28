"""The journal when things go wrong: kills, locks, full disks, damage, other versions, no server."""

import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from mlkit.tags import Journal, JournalError
from mlkit.tags import _store as store_module

SEED = {"id": "kept", "kind": "tag", "item": "7", "value": "x"}
ANOTHER = {"id": "new", "kind": "tag", "item": "8", "value": "x"}


# --- a PostgreSQL of our own ------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres():
    """The URL of a server that lives as long as the tests, on a socket in a folder of its own."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or (folders and str(folders[-1]))
    if not found:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is missing: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    bin_, root = Path(found).parent, Path(tempfile.mkdtemp(prefix="mlkit-pg-"))
    # PostgreSQL refuses to run as root.
    user = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(root, "nobody")
    data = root / "data"
    start = [bin_ / "initdb", "-D", data, "-U", "mlkit", "--auth=trust", "-E", "UTF8", "-N"]
    subprocess.run(start, check=True, capture_output=True, **user)
    # What is tested here is the journal, not PostgreSQL's own care for the disk.
    options = ["-k", root, "-c", "listen_addresses=", "-c", "shared_buffers=16MB", "-F"]
    with (root / "log").open("wb") as log:
        server = subprocess.Popen([bin_ / "postgres", "-D", data, *options], stderr=log, **user)
    try:
        url = f"postgresql://mlkit@/postgres?host={root}"
        _answers(url, server)
        yield url
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing in it is kept
        server.wait(30)
        shutil.rmtree(root, ignore_errors=True)


def _answers(url, server):
    import psycopg

    for _ in range(200):
        assert server.poll() is None, "the throw-away PostgreSQL did not start"
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url):
            return
        time.sleep(0.05)
    raise TimeoutError(url)


@pytest.fixture
def database(postgres):
    """The URL of an empty database."""
    import psycopg

    name = f"j{os.getpid()}_{time.time_ns()}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "journal.db")
    return request.getfixturevalue("database")


# --- killed, forked, many at once -------------------------------------------------------------

WRITER = """
import os, sys
from mlkit.tags import Journal
where, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
journal = Journal(where)
for n in range(count):
    events = [{"id": f"{name}-{n}-{m}", "kind": "tag", "item": str(n), "value": "x",
               "annotator": name, "vocabulary": ["x", "y"]} for m in range(1 + n % 3)]
    for id_ in journal.write(events):
        os.write(1, (id_ + "\\n").encode())
"""


def _writer(where, name, count):
    command = [sys.executable, "-c", WRITER, where, name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def killed_at_random(where, seed, count):
    """Two processes write at once, one is killed; returns what each was told is safe."""
    Journal(where).close()
    one, two = _writer(where, "one", count), _writer(where, "two", count)
    acknowledged = [b""]
    reader = threading.Thread(target=lambda: acknowledged.append(two.stdout.read()))
    reader.start()
    first = one.stdout.readline()
    # Somewhere between the first acknowledgement and the last.
    stop = random.Random(seed).randrange(1, count)
    told = [first, *(one.stdout.readline() for _ in range(stop))]
    os.kill(one.pid, signal.SIGKILL)
    told.append(one.stdout.read())
    one.wait()
    reader.join()
    assert two.wait() == 0, two.stderr.read()
    ids = [b"".join(told).decode().split("\n")[:-1], acknowledged[-1].decode().split()]
    assert one.returncode == -signal.SIGKILL
    for process in (one, two):
        process.stdout.close()
        process.stderr.close()
    return ids


def check_killed(where, seed, count):
    killed, lived = killed_at_random(where, seed, count)
    journal = Journal(where)
    there = Counter(journal.events()["id"])
    assert set(there.values()) <= {1}
    assert set(killed) | set(lived) <= set(there)
    assert len(lived) == sum(1 + n % 3 for n in range(count))
    # A batch is there whole or not at all, also the one under way when the kill came.
    extra = Counter(int(id_.split("-")[1]) for id_ in there if id_.startswith("one"))
    assert all(size == 1 + n % 3 for n, size in extra.items())
    assert journal.undo(annotator="one") is not None
    journal.close()
    return len(killed), len(there)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_was_acknowledged_is_there_once_though_one_writer_was_killed(where, seed):
    killed, there = check_killed(where, seed, count=60)
    assert 0 < killed <= there


def test_threads_share_one_journal(where):
    journal = Journal(where)

    def write(n):
        journal.tag(str(n), "x", annotator=f"a{n % 7}")
        return journal.seen_items()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(120)))
    assert sorted(map(int, journal.events()["item"])) == list(range(120))
    assert journal.events()["id"].is_unique
    # Two at once never take back the same event.
    with ThreadPoolExecutor(8) as pool:
        undone = list(pool.map(lambda _: journal.undo(annotator="a1")["undoes"], range(10)))
    assert len(set(undone)) == 10
    journal.close()


def _in_a_child(journal, results):
    journal.tag("child", "x")
    results.put(sorted(journal.events()["item"]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_and_its_parent_go_on_writing(where):
    journal = Journal(where)
    journal.tag("before", "x")
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    children = [context.Process(target=_in_a_child, args=(journal, results)) for _ in range(3)]
    for child in children:
        child.start()
    for n in range(20):
        journal.tag(f"parent {n}", "x")
    for child in children:
        child.join(30)
        assert child.exitcode == 0
        assert "before" in results.get(timeout=10)
    assert Counter(journal.events()["item"])["child"] == 3
    assert len(journal.events()) == 24
    journal.close()


def test_many_open_a_new_journal_at_the_same_moment(where):
    with ThreadPoolExecutor(8) as pool:
        journals = list(pool.map(lambda _: Journal(where), range(8)))
    for n, journal in enumerate(journals):
        journal.tag(str(n), "x")
    assert len(journals[0].events()) == 8
    for journal in journals:
        journal.close()


def test_a_journal_on_a_server_does_what_one_in_a_file_does(database, tmp_path):
    server, file = Journal(database), Journal(tmp_path / "journal.db")
    for journal in (server, file):
        journal.tag("7", "naïve 日本 <b>", vocabulary=["x", "naïve 日本 <b>"], sampling_rate=0.1)
        journal.seen("7", vocabulary=["x", "naïve 日本 <b>"], sampling_rate=0.1)
        journal.note("7", "two\nlines")
        journal.rename_tag("x", "y")
        journal.tag("8", "y")
        journal.undo()
    for name in ("tags", "notes", "repeats", "annotations"):
        mine, other = getattr(server, name)(), getattr(file, name)()
        assert mine.drop(columns="at", errors="ignore").equals(
            other.drop(columns="at", errors="ignore")
        )
    assert server.vocabulary() == file.vocabulary() == ["y", "naïve 日本 <b>"]
    assert file.merge(server)["new"].tolist() == [6]
    assert server.merge(file.where)["new"].tolist() == [6]
    assert file.merge(database)["new"].tolist() == [0]
    assert file.events().equals(server.events())
    server.close()


# --- journals from before duration_s ----------------------------------------------------------


@pytest.fixture
def older(where):
    """A journal as it was made before events had a duration, with one label in it."""
    journal = Journal(where)
    with journal._store.writing() as connection:
        connection.execute(sa.text("ALTER TABLE mlkit_events DROP COLUMN duration_s"))
        connection.execute(
            sa.text(
                "INSERT INTO mlkit_events VALUES ('old', 1, 'ada', "
                "'2026-01-01T00:00:00.000000+00:00', '7', 'label', 'cat', '[]', 0, 1.0, NULL, 'v1')"
            )
        )
    journal.close()
    return where


def columns(where):
    journal = Journal(where)
    with journal._store.reading() as connection:
        found = {column["name"] for column in sa.inspect(connection).get_columns("mlkit_events")}
    journal.close()
    return found


def test_an_older_journal_is_read_as_it_is_and_completed_with_the_first_write(older, tmp_path):
    journal, other = Journal(older), Journal(older)
    assert journal.annotations()["duration_s"].isna().tolist() == [True]
    assert Journal(tmp_path / "class.db").merge(journal)["new"].tolist() == [1]
    assert "duration_s" not in columns(older), "reading and merging from it leave it as it is"
    journal.label("8", "dog", annotator="ada", duration_s=1.5)
    assert "duration_s" in columns(older)
    for each in (journal, other):  # the other was open all the time
        assert each.annotations()["duration_s"].fillna(0).tolist() == [0, 1.5]
    assert other.undo(annotator="ada")["duration_s"] is None
    assert other.undo(annotator="ada")["undoes"] == "old"
    for each in (journal, other):
        each.close()


def test_many_complete_an_older_journal_at_the_same_moment(older):
    def write(n):
        journal = Journal(older)
        journal.label(str(n), "dog", duration_s=float(n))
        journal.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    journal = Journal(older)
    table = journal.annotations(annotator="me")
    assert sorted(table["duration_s"]) == [float(n) for n in range(8)]
    journal.close()


def test_a_write_that_fails_leaves_an_older_journal_older(older):
    journal = Journal(older)
    event = {"id": "new", "kind": "label", "item": "9", "value": "dog"}
    with pytest.raises(JournalError, match="Two different events"):
        journal.write([event, event | {"item": "10"}])
    assert "duration_s" not in columns(older)
    assert len(journal.annotations()) == 1
    journal.label("8", "dog", duration_s=1.5)
    assert journal.annotations(annotator="me")["duration_s"].tolist() == [1.5]
    journal.close()


# --- files in trouble -------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    """A journal file with one event in it, closed."""
    journal = Journal(tmp_path / "journal.db")
    journal.write([SEED])
    journal.close()
    return tmp_path / "journal.db"


def test_a_file_is_durable_by_its_settings(path):
    with Journal(path)._store.reading() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2}


def test_on_a_network_disk_it_does_without_wal(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "_on_network", lambda _: True)
    journal = Journal(tmp_path / "journal.db")
    with journal._store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 3
    other = Journal(tmp_path / "journal.db")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: (journal, other)[n % 2].tag(str(n), "x"), range(40)))
    assert len(other.events()) == 40


def test_a_network_disk_is_known_by_its_mount(tmp_path, monkeypatch):
    assert not store_module._on_network(tmp_path / "journal.db")
    line = f"36 35 98:0 / {tmp_path} rw,noatime master:1 - nfs4 server:/export rw\n"
    root = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
    monkeypatch.setattr(store_module.sys, "platform", "linux")
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: root + line)
    assert store_module._on_network(tmp_path / "journal.db")
    assert not store_module._on_network(tmp_path.parent / "journal.db")
    assert store_module._on_network(Path("\\\\server\\share\\journal.db"))


def test_locked_by_another_program_says_so_and_keeps_all(path):
    journal = Journal(path, timeout_s=0.2)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    with pytest.raises(
        JournalError, match=r"is in use.*Nothing of this write was kept.*harmless.*Try again"
    ):
        journal.write([ANOTHER])
    assert time.monotonic() - started < 5
    assert journal.events()["id"].tolist() == ["kept"]  # reading goes on
    other.execute("ROLLBACK")
    other.close()
    assert journal.write([ANOTHER]) == ["new"]


def test_a_server_that_is_locked_says_so(database):
    import psycopg

    journal = Journal(database, timeout_s=0.2)
    with psycopg.connect(database) as other:
        other.execute("SELECT * FROM mlkit_journal FOR UPDATE")
        with pytest.raises(JournalError, match=r"is in use.*Nothing of this write was kept"):
            journal.write([SEED])
    assert journal.write([SEED]) == ["kept"]
    journal.close()


def _visit(path, write, results):
    """What another user sees: root may read and write anywhere."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setuid(65534)
    try:
        journal = Journal(path)
        results.put(journal.events()["id"].tolist())
        results.put(len(journal.write([ANOTHER])) if write else None)
    except JournalError as error:
        results.put(str(error))


def as_a_visitor(path, *, write=True):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    visit = context.Process(target=_visit, args=(path, write, results))
    visit.start()
    out = [results.get(timeout=20)]
    with contextlib.suppress(Exception):
        out.append(results.get(timeout=0.5 if isinstance(out[0], str) else 20))
    visit.join(20)
    return out


@pytest.fixture
def public():
    """A folder that another user can get to, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="mlkit-public-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX permissions")


@posix
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("mode", [0o444, 0o644])
def test_a_read_only_journal_can_be_read_and_says_it_cannot_be_written(public, mode):
    path = public / "journal.db"
    journal = Journal(path)
    journal.write([SEED])
    journal.close()
    path.chmod(mode)
    public.chmod(0o555)
    read, said = as_a_visitor(path)
    assert read == ["kept"]
    assert "cannot be written to: the file, its folder or its disk is read-only" in said
    assert "Nothing of this write was kept; all that was written before is safe" in said
    assert "merge(" in said


@posix
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_folder_one_may_not_write_in_says_so(public):
    public.chmod(0o555)
    (said,) = as_a_visitor(public / "journal.db")
    assert "cannot be opened: its folder does not exist, or you may not read and write" in said


def test_a_missing_folder_is_made_and_a_file_in_its_place_told(tmp_path):
    Journal(tmp_path / "work" / "tags" / "journal.db").close()
    assert (tmp_path / "work" / "tags" / "journal.db").is_file()
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be opened: its folder does not exist"):
        Journal(tmp_path / "file" / "journal.db")
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(tmp_path)


def test_a_full_journal_file_keeps_what_it_has(path):
    """SQLite's own limit on pages answers as a full disk does (SQLITE_FULL)."""
    journal = Journal(path)

    @sa.event.listens_for(journal._store._engine, "checkout")
    def limit(connection, *_):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    many = [{"kind": "note", "item": str(n), "value": "x" * 5000} for n in range(50)]
    with pytest.raises(JournalError, match=r"disk with .* is full.*Nothing of this write.*room"):
        journal.write(many)
    assert journal.events()["id"].tolist() == ["kept"]
    sa.event.remove(journal._store._engine, "checkout", limit)
    journal.close()
    assert len(Journal(path).write(many)) == 50


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_loses_nothing_that_was_acknowledged(tiny_disk):
    journal = Journal(tiny_disk / "journal.db")
    safe = []

    def fill():
        for n in range(2000):
            safe.extend(journal.write([{"kind": "note", "item": str(n), "value": "x" * 2000}]))

    with pytest.raises(JournalError, match=r"(full|failed).*Nothing of this write was kept"):
        fill()
    assert len(safe) > 20
    assert journal.events()["id"].tolist() == safe
    journal.close()
    later = Journal(tiny_disk / "journal.db")
    assert later.events()["id"].tolist() == safe
    later.close()


def test_a_file_that_is_no_journal_is_left_as_it_is(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be looked at " * 20)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"is not a journal: it is not an SQLite file"):
        Journal(path)
    assert path.read_bytes() == before
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE other (x)")
    journal = Journal(tmp_path / "journal.db")
    with pytest.raises(JournalError, match=r"other.db is not a journal of mlkit"):
        journal.merge(other)


def test_a_damaged_file_says_how_to_save_what_is_left(tmp_path):
    path = tmp_path / "journal.db"
    journal = Journal(path)
    journal.write({"kind": "note", "item": str(n), "value": "x" * 500} for n in range(200))
    journal.close()
    content = bytearray(path.read_bytes())
    content[4096 * 4 : 4096 * 20] = random.Random(0).randbytes(4096 * 16)
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"is damaged.*Do not write to it any more.*recover"):
        Journal(path).events()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(JournalError, match="is damaged"):
        Journal(path).events()


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("2", r"a newer version of mlkit \(its format is 2, this one reads 1\).*Update mlkit"),
        ("0", r"another version of mlkit.*use to_csv\(\), then merge\(\)"),
    ],
)
def test_a_journal_of_another_version_is_left_alone(path, version, words):
    held = Journal(path)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE mlkit_journal SET value = ?", [version])
    for use in (lambda: Journal(path), lambda: held.write([ANOTHER])):
        with pytest.raises(JournalError, match=words) as error:
            use()
        assert "all it holds is kept" in str(error.value)
    held.close()


def test_a_file_moved_away_under_an_open_journal_is_noticed(path):
    journal = Journal(path)
    path.rename(path.with_name("moved.db"))
    for use in (lambda: journal.write([ANOTHER]), journal.events, journal.undo):
        with pytest.raises(JournalError, match=r"moved, deleted or replaced.*run its cell again"):
            use()
    assert "moved, deleted or replaced" in repr(journal)
    Journal(path).write([ANOTHER])  # another file in its place
    with pytest.raises(JournalError, match="moved, deleted or replaced"):
        journal.write([ANOTHER])
    journal.close()
    assert Journal(path.with_name("moved.db")).events()["id"].tolist() == ["kept"]


def test_a_journal_in_memory_is_refused():
    for where in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(JournalError, match="would be lost with the kernel"):
            Journal(where)


def test_an_address_of_a_file_is_a_file(path):
    assert Journal(f"sqlite:///{path}").events()["id"].tolist() == ["kept"]


# --- servers in trouble -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql://ada:s3cret@127.0.0.1:1/class", "cannot be reached .*Check that the server"),
        ("postgresql://ada@127.0.0.1:1/class?password=s3cret", "cannot be reached"),
        ("mysql+pymysql://ada:s3cret@127.0.0.1:1/class", "pip install pymysql"),
        ("nosuch://ada:s3cret@127.0.0.1/class", "knows no database 'nosuch'"),
        ("postgresql://ada:s3cret@127.0.0.1:port/class", "address of a journal cannot be read"),
    ],
)
def test_no_server_or_driver_says_what_to_do_and_no_password(address, words):
    with pytest.raises(JournalError, match=words) as error:
        Journal(address, timeout_s=0.5)
    assert "s3cret" not in str(error.value)
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_a_password_is_never_shown(database):
    address = database.replace("mlkit@", "mlkit:s3cret@")
    journal = Journal(address)
    shown = repr(journal) + journal._repr_html_() + journal.where
    assert "s3cret" not in shown
    journal.close()


def test_a_connection_that_broke_is_made_again(database):
    import psycopg

    journal = Journal(database)
    journal.write([SEED])
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert journal.write([ANOTHER]) == ["new"]
    assert journal.events()["id"].tolist() == ["kept", "new"]
    journal.close()


if __name__ == "__main__":
    # The same with other figures: python tests/test_tags_faults.py WHERE SEED COUNT
    print(json.dumps(check_killed(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
