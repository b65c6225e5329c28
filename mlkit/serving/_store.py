"""The log and the rollout as tables, in SQLite or any database SQLAlchemy speaks to."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

LONGEST = 200  # letters of an item or a user: what every database can index
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TABLES = sa.MetaData()
LOG = sa.Table(
    "mlkit_log",
    _TABLES,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("timestamp", sa.String(40), nullable=False),  # UTC, ISO 8601
    sa.Column("item", sa.String(LONGEST), nullable=False, index=True),
    sa.Column("user", sa.String(LONGEST), nullable=False),
    sa.Column("routed", sa.String(3), nullable=False),  # the version the policy chose
    sa.Column("version", sa.String(3), nullable=False),  # the version this answer is of
    sa.Column("served", sa.Boolean, nullable=False),  # whether the user got it
    sa.Column("prediction", sa.Text),  # JSON; none: this version failed
    sa.Column("score", sa.Double),
    sa.Column("latency_ms", sa.Double, nullable=False),
    sa.Column("failure", sa.Text),
    sa.Column("label", sa.Text),  # JSON
    sa.Column("label_at", sa.String(40)),
    sa.Column("era", sa.Integer, nullable=False, index=True),
    sa.Column("features", sa.Text, nullable=False),  # JSON
)
# A row for each decision. Counts of one share alone are comparable: an era is one share in force.
ROLLOUT = sa.Table(
    "mlkit_rollout",
    _TABLES,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("timestamp", sa.String(40), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("share", sa.Double, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("era", sa.Integer, nullable=False),
    sa.Column("candidate", sa.String(LONGEST), nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
)


class Store:
    """Both tables behind one address."""

    def __init__(self, where: str | os.PathLike[str], *, make: bool = True) -> None:
        self.url = _url(where)
        self.engine = sa.create_engine(self.url, pool_pre_ping=True)
        if self.url.get_backend_name() == "sqlite":
            path = Path(str(self.url.database))
            if not make and not path.exists():
                raise FileNotFoundError(f"there is no log at {where}.")
            path.parent.mkdir(parents=True, exist_ok=True)
            sa.event.listen(self.engine, "connect", _durable)
        if make:
            _TABLES.create_all(self.engine)

    def close(self) -> None:
        """Let go of the file or the server; the next use opens it again."""
        self.engine.dispose()

    def write(self, parts: Sequence[Mapping[str, Any]]) -> list[Any]:
        """All parts in one transaction, on disk when it returns; what each of them came to.

        A part is ``{"rows": ...}`` of the log, ``{"label": (item, label)}`` (how many rows got
        it, or the reason why not) or ``{"change": row}`` of the rollout.
        """
        rows = [row for part in parts for row in part.get("rows", ())]
        with self.engine.begin() as connection:
            if rows:
                connection.execute(LOG.insert(), rows)
            results: list[Any] = []
            for part in parts:
                if "label" in part:
                    results.append(_label(connection, *part["label"]))
                    continue
                if "change" in part:
                    connection.execute(ROLLOUT.insert(), part["change"])
                results.append(None)
        return results

    def standing(self) -> dict[str, Any] | None:
        """The last decision; None before the first."""
        with self.engine.connect() as connection:
            row = connection.execute(sa.select(ROLLOUT).order_by(ROLLOUT.c.id.desc()).limit(1))
            found = row.mappings().first()
        return dict(found) if found else None

    def changes(self, *, last: int | None = None) -> pd.DataFrame:
        """The decisions, oldest first."""
        query = sa.select(ROLLOUT).order_by(ROLLOUT.c.id.desc()).limit(last)
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        names = [column.name for column in ROLLOUT.columns if column.name != "id"]
        table = pd.DataFrame([dict(row) for row in reversed(rows)], columns=["id", *names])
        return table[names].assign(timestamp=pd.to_datetime(table["timestamp"], utc=True))

    def tally(self, era: int, *, mode: str, slow_ms: float | None) -> pd.DataFrame | None:
        """``deployment.tally`` of this era, counted by the database; None without a row.

        Old's answers where new failed are not counted: those users are new's. *blue_green*
        has nothing but what old did before.
        """
        asked = LOG.c.version == LOG.c.routed
        if mode == "shadow":
            asked = sa.or_(asked, LOG.c.routed == "old")
        when = LOG.c.era == era
        if mode == "blue_green":
            when = sa.or_(when, LOG.c.version == "old")
        counts = {
            "requests": sa.true(),
            "labelled": LOG.c.label.is_not(None),
            "right": LOG.c.prediction == LOG.c.label,
            "failed": LOG.c.prediction.is_(None),
            "slow": sa.false() if slow_ms is None else LOG.c.latency_ms > slow_ms,
        }
        sums = [sa.func.sum(sa.case((what, 1), else_=0)) for what in counts.values()]
        by = (LOG.c.user, LOG.c.version)
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(*by, *sums).where(asked, when).group_by(*by)).all()
        table = pd.DataFrame(rows, columns=["user", "version", *counts])
        return table.astype(dict.fromkeys(counts, int)) if rows else None

    def log(self) -> pd.DataFrame:
        """The log as the kit's other functions read it; each feature is a column."""
        query = sa.select(LOG).order_by(LOG.c.id)
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        names = [c.name for c in LOG.columns if c.name not in ("id", "features")]
        table = _decoded(pd.DataFrame([dict(row) for row in rows], columns=[*names, "features"]))
        for name in ("timestamp", "label_at"):
            table[name] = pd.to_datetime(table[name], utc=True)
        features = pd.DataFrame([json.loads(text) for text in table["features"]])
        features = features.rename(columns={name: f"feature_{name}" for name in names})
        table = table[names].astype({"served": bool, "score": float, "latency_ms": float})
        return pd.concat([table, features], axis="columns")


def row(**fields: Any) -> dict[str, Any]:
    """A row of the log in which every column has its place."""
    return {"label": None, "label_at": None, **fields}


def now() -> str:
    """The time as both tables keep it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def as_json(value: Any) -> str:
    """ASCII alone, and no NaN: what every database takes and every client reads."""
    return json.dumps(value, allow_nan=False)


def _label(connection: sa.Connection, item: str, label: Any) -> int | str:
    """Rows of the item that have the label now, or why not; the last label counts."""
    query = sa.select(LOG.c.prediction).where(LOG.c.item == item)
    known = [text for (text,) in connection.execute(query)]
    given = [json.loads(text) for text in known if text is not None]
    if given and isinstance(given[0], str) != isinstance(label, str):
        # '3' is never equal to 3: each answer would count as wrong.
        return f"the prediction for this item was {given[0]!r}, so its label cannot be {label!r}."
    for text in set(known):
        # 1.0 and 1 are equal, so they get one spelling: the database counts what is right.
        right = text is not None and json.loads(text) == label
        values = {"label": text if right else as_json(label), "label_at": now()}
        same = LOG.c.prediction.is_(None) if text is None else LOG.c.prediction == text
        connection.execute(LOG.update().where(LOG.c.item == item, same).values(**values))
    return len(known)


@lru_cache(maxsize=10_000)
def _value(text: str) -> Any:
    return json.loads(text)


def _decoded(table: pd.DataFrame) -> pd.DataFrame:
    values = {
        name: pd.Series(
            [_value(text) if isinstance(text, str) else None for text in table[name]],
            index=table.index,
            dtype=object,
        )
        for name in ("prediction", "label")
    }
    return table.assign(**values)


def _durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # Writers do not wait for readers, and a commit is on disk when it returns.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "fullfsync=1", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _url(where: str | os.PathLike[str]) -> sa.URL:
    if not isinstance(where, str) or "://" not in where:
        return sa.URL.create("sqlite", database=str(Path(where).expanduser().absolute()))
    url = sa.make_url(where)
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValueError(
            'a log in memory is lost with the server. Give it a file: store="sqlite:///log.db".'
        )
    if url.get_backend_name() == "sqlite" and not url.query:
        return url.set(database=str(Path(str(url.database)).absolute()))
    # psycopg is the driver that is tested here, whatever SQLAlchemy's default is.
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
