"""Addresses of journals: what a path or URL means, and how long to wait for a server."""

import os
from pathlib import Path

import sqlalchemy as sa

from mlkit.tags._events import JournalError


def url_of(where: str | os.PathLike[str] | sa.URL) -> sa.URL:
    """The address of a path or of a URL, as SQLAlchemy knows it."""
    if not isinstance(where, sa.URL) and not (isinstance(where, str) and "://" in where):
        path = Path(where).expanduser().absolute()
        return sa.URL.create("sqlite", database=str(path))
    try:
        url = sa.make_url(where)
    except (sa.exc.ArgumentError, ValueError):
        raise JournalError(
            "This address of a journal cannot be read. Write a path such as 'journal.db', or "
            "postgresql://user:password@host/database with the special letters of the password "
            "as %-codes (urllib.parse.quote)."
        ) from None
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise JournalError(
                "A journal in memory would be lost with the kernel. Give it a file: "
                'Journal("journal.db").'
            )
        return url_of(Path(url.database))
    # psycopg is the driver that is tested here, whatever SQLAlchemy's default is.
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def patience(url: sa.URL, timeout_s: float) -> dict[str, int]:
    """A server that went away without a word is given up, not waited for until the system does."""
    if url.drivername != "postgresql+psycopg":
        return {}
    seconds = max(2, round(timeout_s))  # libpq takes no less
    known = {
        "connect_timeout": seconds,
        "tcp_user_timeout": 1000 * seconds,
        "keepalives_idle": seconds,
        "keepalives_interval": seconds,
        "keepalives_count": 2,
    }
    return {name: value for name, value in known.items() if name not in url.query}
