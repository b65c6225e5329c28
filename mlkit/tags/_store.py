"""Where the events lie: one append-only table in SQLite or any database SQLAlchemy speaks to."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mlkit.tags._events import JournalError

VERSION = "1"
_TABLES = sa.MetaData()
EVENTS = sa.Table(
    "mlkit_events",
    _TABLES,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("tick", sa.BigInteger, nullable=False, index=True),
    sa.Column("annotator", sa.String(200), nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("vocabulary", sa.Text, nullable=False),
    sa.Column("repeat", sa.Integer, nullable=False),
    sa.Column("sampling_rate", sa.Float, nullable=False),
    sa.Column("undoes", sa.String(200)),
    sa.Column("guide", sa.Text),
)
ABOUT = sa.Table(
    "mlkit_journal",
    _TABLES,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(200), nullable=False),
)


class Store:
    """The table of events behind one address, safe to use from any thread and after a fork."""

    def __init__(self, where: str | os.PathLike[str] | sa.URL, timeout_s: float) -> None:
        self.url = _url(where)
        self.timeout_s = timeout_s
        self._open()
        with self.writing() as connection:
            _TABLES.create_all(connection)
            known = connection.scalar(sa.select(ABOUT.c.value).where(ABOUT.c.name == "version"))
            if known is None:
                connection.execute(ABOUT.insert().values(name="version", value=VERSION))

    def _open(self) -> None:
        self._pid = os.getpid()
        self._engine = sa.create_engine(self.url)
        if self.url.get_backend_name() == "sqlite":
            sa.event.listen(self._engine, "connect", self._prepare)
            sa.event.listen(self._engine, "begin", _begin)

    def _prepare(self, connection: Any, _: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={int(self.timeout_s * 1000)}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that no other writer can step into."""
        if self._pid != os.getpid():
            self._engine.dispose(close=False)
            self._open()
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise JournalError(f"{error}") from error

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A view of what is there now."""
        if self._pid != os.getpid():
            self._engine.dispose(close=False)
            self._open()
        try:
            with self._engine.connect().execution_options(mlkit_reads=True) as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise JournalError(f"{error}") from error

    def append(self, connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> int:
        """Add the rows whose id is not there yet, in their order; how many were new."""
        rows = list({row["id"]: row for row in reversed(rows)}.values())[::-1]
        there: set[str] = set()
        for start in range(0, len(rows), 500):
            ids = [row["id"] for row in rows[start : start + 500]]
            there.update(connection.scalars(sa.select(EVENTS.c.id).where(EVENTS.c.id.in_(ids))))
        new = [row for row in rows if row["id"] not in there]
        last = connection.scalar(sa.select(sa.func.max(EVENTS.c.tick))) or 0
        tick = max(last + 1, time.time_ns() // 1000)
        if new:
            connection.execute(
                EVENTS.insert(), [{"tick": tick + n, **row} for n, row in enumerate(new)]
            )
        return len(new)

    def name(self) -> str:
        """The address as it may be shown: never with a password."""
        if self.url.get_backend_name() == "sqlite":
            return str(self.url.database)
        return self.url.set(query={}).render_as_string(hide_password=True)


def _begin(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get("mlkit_reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _url(where: str | os.PathLike[str] | sa.URL) -> sa.URL:
    if isinstance(where, sa.URL):
        url = where
    elif isinstance(where, str) and "://" in where:
        url = sa.make_url(where)
    else:
        return sa.URL.create("sqlite", database=str(Path(where).expanduser().absolute()))
    # psycopg is the driver that is tested here, whatever the default of the day is.
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
