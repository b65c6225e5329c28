"""Where the events lie: one append-only table in SQLite or any database SQLAlchemy speaks to."""

import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from mlkit.tags import _address
from mlkit.tags._events import FIELDS, JournalError
from mlkit.tags._fold import gone
from mlkit.tags._trouble import explained

VERSION = 1
_TABLES = sa.MetaData()
EVENTS = sa.Table(
    "mlkit_events",
    _TABLES,
    sa.Column("id", sa.String(200), primary_key=True),
    # The order of writing, whatever the clocks say: see append().
    sa.Column("tick", sa.BigInteger, nullable=False, index=True),
    sa.Column("annotator", sa.String(200), nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("vocabulary", sa.Text, nullable=False),
    sa.Column("repeat", sa.Integer, nullable=False),
    sa.Column("sampling_rate", sa.Double, nullable=False),
    sa.Column("undoes", sa.String(200)),
    sa.Column("guide", sa.Text),
    # Journals made before it existed get it with the next write: see writing().
    sa.Column("duration_s", sa.Double),
)
_ABOUT = sa.Table(
    "mlkit_journal",
    _TABLES,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(200), nullable=False),
)
ORDER = (EVENTS.c.tick, EVENTS.c.id)
_LATER = EVENTS.c.duration_s
_VERSION_ROW = sa.select(_ABOUT.c.value).where(_ABOUT.c.name == "version")
# WAL needs memory shared by all who write, which a network file system does not give.
_NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "afs",
    "ceph",
    "gluster",
    "lustre",
    "gpfs",
    "fuse",
    "vboxsf",
)
# What a forked child inherits is never closed there: the file's locks are the parent's.
_INHERITED: list[sa.Engine] = []


class Store:
    """The table of events behind one address, safe to use from any thread and after a fork."""

    def __init__(
        self, where: str | os.PathLike[str] | sa.URL, *, timeout_s: float, make: bool = True
    ) -> None:
        self.url = _address.url_of(where)
        self.timeout_s = timeout_s
        self.path = Path(str(self.url.database)) if self.url.drivername == "sqlite" else None
        self.name = str(self.path or self.url.set(query={}).render_as_string(hide_password=True))
        self._file: tuple[int, int] | None = None
        self._complete = False  # known to have the column that came later
        self._open()
        try:
            self._settle(make)
        except JournalError:
            self._engine.dispose()
            raise
        self._file = self._identity()

    def _open(self) -> None:
        self._pid = os.getpid()
        with self._told("opened"):
            if self.path is None:
                self._engine = sa.create_engine(
                    self.url,
                    pool_pre_ping=True,
                    max_overflow=-1,
                    connect_args=_address.patience(self.url, self.timeout_s),
                )
                return
            with contextlib.suppress(OSError):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._engine = sa.create_engine(
                "sqlite://", creator=self._connect, poolclass=sa.QueuePool, max_overflow=-1
            )
            sa.event.listen(self._engine, "begin", _begin)

    def _connect(self) -> sqlite3.Connection:
        """One connection to the file, for any thread; a commit is on disk when it returns."""
        path = Path(str(self.path))
        address, read_only = path.as_uri(), _read_only(path)
        if read_only and not Path(f"{path}-wal").exists():
            address += "?immutable=1"
        elif read_only:
            address += "?mode=ro"
        connection = sqlite3.connect(
            address, uri=True, timeout=self.timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            if not read_only:
                _settings(connection, path, self.timeout_s)
        except BaseException:
            connection.close()
            raise
        return connection

    def _settle(self, make: bool) -> None:
        """Make the tables where there are none, and know the version."""
        if not self._settled():
            if not make:
                raise JournalError(f"{self.name} is not a journal of mlkit. Nothing was changed.")
            try:
                with self._told("opened"), self._engine.begin() as connection:
                    _TABLES.create_all(connection)
                    connection.execute(_ABOUT.insert().values(name="version", value=str(VERSION)))
            except JournalError:
                # Another program may have made the tables at this very moment.
                time.sleep(0.1)
                if not self._settled():
                    raise

    def _settled(self) -> bool:
        with self._told("opened"), self._engine.connect() as connection:
            connection.execution_options(mlkit_reads=True)
            if not sa.inspect(connection).has_table(_ABOUT.name):
                return False
            self._same_version(connection.scalar(_VERSION_ROW))
            return True

    def _same_version(self, found: str | None) -> None:
        if found == str(VERSION):
            return
        newer = found is not None and found.isdigit() and int(found) > VERSION
        raise JournalError(
            f"{self.name} was written by {'a newer' if newer else 'another'} version of mlkit "
            f"(its format is {found}, this one reads {VERSION}). Nothing was changed in it, and "
            "all it holds is kept. "
            + (
                "Update mlkit, or start a new journal under another name."
                if newer
                else "Open it with the mlkit that wrote it and use to_csv(), then merge() the CSV "
                "file into a new journal."
            )
        )

    def _identity(self) -> tuple[int, int] | None:
        if self.path is None:
            return None
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0)
        return (found.st_dev, found.st_ino)

    def _here(self) -> None:
        """Open again after a fork; notice a file that was moved, deleted or replaced."""
        if self._pid != os.getpid():
            _INHERITED.append(self._engine)
            self._open()
        if self._file is not None and self._identity() != self._file:
            raise JournalError(
                f"{self.name} was moved, deleted or replaced while it was open, so nothing was "
                "written or read. What was written before is in the file that was moved. Put it "
                "back, or make the Journal again (run its cell again) to go on with what is there "
                "now."
            )

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that no other writer can step into, durable once it is left."""
        self._here()
        complete = self._complete
        with self._told("written"), self._engine.begin() as connection:
            if self._engine.dialect.name == "postgresql":
                wait = sa.text(f"SET LOCAL lock_timeout = {int(self.timeout_s * 1000)}")
                connection.execute(wait)
            self._same_version(connection.scalar(_VERSION_ROW.with_for_update()))
            if not self._has_all(connection):
                # Nobody else can be at it: whoever writes holds the lock taken just now.
                kind = _LATER.type.compile(self._engine.dialect)
                add = f"ALTER TABLE {EVENTS.name} ADD COLUMN {_LATER.name} {kind}"
                connection.execute(sa.text(add))
            try:
                yield connection
            except BaseException:
                self._complete = complete  # the new column goes with all else
                raise

    def _has_all(self, connection: sa.Connection) -> bool:
        if not self._complete:
            found = sa.inspect(connection).get_columns(EVENTS.name)
            self._complete = any(column["name"] == _LATER.name for column in found)
        return self._complete

    def select(self, connection: sa.Connection, *names: str) -> sa.Select:
        """A query for these columns; one that an older journal lacks is empty in it."""
        lacks = _LATER.name in names and not self._has_all(connection)
        return sa.select(
            *(
                sa.null().label(name) if lacks and name == _LATER.name else EVENTS.c[name]
                for name in names
            )
        ).select_from(EVENTS)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A view of what is there now."""
        self._here()
        with self._told("read"), self._engine.connect() as connection:
            yield connection.execution_options(mlkit_reads=True)

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """Turn what the database says into a sentence on what is kept and what to do."""
        try:
            yield
        except (SQLAlchemyError, ImportError, OSError) as error:
            # Without the cause: a driver's own words may hold the address with its password.
            raise explained(error, doing=doing, name=self.name, url=self.url) from None

    def append(
        self, connection: sa.Connection, rows: Sequence[dict[str, Any]], *, keep_order: bool = False
    ) -> int:
        """Add the rows whose id is not there yet; how many were new.

        The order of writing is a hybrid logical clock (Kulkarni et al., 2014): microseconds
        since 1970, but always more than the last event's. So an event that was written after
        another was there comes after it even when a clock runs back, and events of several
        files have one order whichever is merged into which.
        """
        rows = self._new(connection, rows)
        if rows and not keep_order:
            last = connection.scalar(sa.select(sa.func.max(EVENTS.c.tick))) or 0
            tick = max(last + 1, time.time_ns() // 1000)
            rows = [{**row, "tick": tick + n} for n, row in enumerate(rows)]
        if rows:
            connection.execute(EVENTS.insert(), rows)
        return len(rows)

    def _new(self, connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> list[dict]:
        what = ("annotator", "item", "kind", "value")
        columns = [EVENTS.c.id, *(EVENTS.c[name] for name in what)]
        there: dict[str, tuple] = {}
        for start in range(0, len(rows), 500):
            ids = [row["id"] for row in rows[start : start + 500]]
            for known in connection.execute(sa.select(*columns).where(EVENTS.c.id.in_(ids))):
                there[known[0]] = tuple(known[1:])
        new = []
        for row in rows:
            content = tuple(row[name] for name in what)
            if row["id"] not in there:
                new.append(row)
                there[row["id"]] = content
            elif there[row["id"]] != content:
                raise JournalError(
                    f"Two different events have the id {row['id']!r}: {there[row['id']]} and "
                    f"{content}. Nothing of this write was kept. Give each event an id of its "
                    "own, or leave the id out."
                )
        return new

    def own(self, connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
        """Nobody takes back what somebody else wrote."""
        who = {row["id"]: row["annotator"] for row in rows}
        for row in rows:
            target = row["undoes"]
            if target is None:
                continue
            query = sa.select(EVENTS.c.annotator).where(EVENTS.c.id == target)
            whose = who.get(target) or connection.scalar(query)
            if whose not in (None, row["annotator"]):
                raise JournalError(
                    f"{row['annotator']} cannot take back what {whose} wrote. "
                    "Nothing of this write was kept."
                )

    def last_standing(self, connection: sa.Connection, annotator: str) -> dict[str, Any] | None:
        """The annotator's latest event that nothing took back."""
        target = EVENTS.alias()
        undone = (
            sa.select(EVENTS.c.id, EVENTS.c.undoes)
            .join(target, target.c.id == EVENTS.c.undoes)
            .where(EVENTS.c.annotator == annotator, target.c.annotator == annotator)
            .where(sa.tuple_(target.c.tick, target.c.id) < sa.tuple_(*ORDER))
            .order_by(EVENTS.c.tick.desc(), EVENTS.c.id.desc())
        )
        taken = gone((row[0], row[1]) for row in connection.execute(undone))
        own = (
            self.select(connection, *FIELDS)
            .where(EVENTS.c.annotator == annotator, EVENTS.c.undoes.is_(None))
            .order_by(EVENTS.c.tick.desc(), EVENTS.c.id.desc())
        )
        # Page by page: the last event that stands is nearly always among the first.
        start, page = 0, 100
        while rows := connection.execute(own.limit(page).offset(start)).mappings().all():
            for row in rows:
                if row["id"] not in taken:
                    return dict(row)
            start, page = start + page, 10 * page
        return None

    def close(self) -> None:
        """Let go of the file or the server; the next use opens it again."""
        self._engine.dispose()


def _settings(connection: sqlite3.Connection, path: Path, timeout_s: float) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal" and not _on_network(path):
        mode = _to_wal(connection, time.monotonic() + timeout_s)
    # Without WAL the folder has to be flushed too, or a power cut brings the old state back.
    connection.execute(f"PRAGMA synchronous={'FULL' if mode == 'wal' else 'EXTRA'}")
    connection.execute("PRAGMA fullfsync=1")  # macOS: through the disk's own cache


def _to_wal(connection: sqlite3.Connection, deadline: float) -> str:
    """The change of mode does not wait for others by itself."""
    while True:
        try:
            return connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _on_network(path: Path) -> bool:
    if str(path).startswith("\\\\"):
        return True
    if sys.platform != "linux":
        return False
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return False
    best, kind = 0, ""
    parents = {str(parent) for parent in path.parents}
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")
        if point in parents and len(point) >= best:
            best, kind = len(point), after.split()[0]
    return kind.startswith(_NETWORK)


def _read_only(path: Path) -> bool:
    return path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def _begin(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get("mlkit_reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
