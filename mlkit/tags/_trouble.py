"""What a database says when it cannot, as a sentence on what is kept and what to do."""

import re
import sqlite3

import sqlalchemy as sa

from mlkit.tags._events import JournalError

_KEPT = {
    "written": (
        "Nothing of this write was kept; all that was written before is safe in {name}. "
        "Writing the same events again is harmless."
    ),
    "read": "Nothing was changed; what was written before is still in {name}.",
    "opened": "Nothing was changed.",
}
# SQLite's result code without its details, what happened, and what to do.
_SQLITE = {
    "BUSY": (
        "{name} is in use: another program has been writing to it for longer than the time to wait",
        "Try again; if it stays so, close the other notebook or program that holds it.",
    ),
    "READONLY": (
        "{name} cannot be written to: the file, its folder or its disk is read-only",
        "Allow writing to both the file and its folder, or use a journal elsewhere: "
        "Journal(...).merge({name!r}) takes all that is in it.",
    ),
    "CANTOPEN": (
        "{name} cannot be opened: its folder does not exist, or you may not read and write there",
        "Check the path, or choose a folder of your own.",
    ),
    "FULL": ("The disk with {name} is full", "Make room and try again."),
    "IOERR": (
        "The disk with {name} failed while it was in use (full, or taken away)",
        "Make room or put the disk back, and try again.",
    ),
    "NOTADB": (
        "{name} is not a journal: it is not an SQLite file, or its beginning is damaged",
        "Check the path. If it was a journal, put back a copy of it, or start a new one under "
        "another name.",
    ),
    "CORRUPT": (
        "{name} is damaged",
        "Do not write to it any more. Copy it (with the files {name}-wal and -shm if they are "
        "there), save what can be read with  sqlite3 {name} .recover | sqlite3 saved.db  and "
        "take that in with Journal(...).merge('saved.db').",
    ),
}
_SQLITE["LOCKED"] = _SQLITE["BUSY"]


def explained(error: Exception, *, doing: str, name: str, url: sa.URL) -> JournalError:
    """The same trouble in the journal's words, never with a password."""
    reason = _without_password(_reason(error), url)
    happened, remedy = _what(error, reason, name, url)
    kept = _KEPT[doing].format(name=name)
    if "damaged" in happened:
        kept = "Nothing of this write was kept." if doing == "written" else ""
    return JournalError(" ".join(part for part in (happened + ".", kept, remedy) if part))


def _what(error: Exception, reason: str, name: str, url: sa.URL) -> tuple[str, str]:
    if isinstance(error, sa.exc.NoSuchModuleError):
        return (
            f"SQLAlchemy knows no database {url.drivername!r}",
            "Check the beginning of the address (postgresql://, mysql+pymysql://, ...), or install "
            "the package for that database.",
        )
    if isinstance(error, ImportError):
        package = getattr(error, "name", None) or url.get_driver_name()
        return (
            f"The driver for {url.get_backend_name()} is not installed ({reason})",
            f"Install it: pip install {_PACKAGES.get(package, package)}.",
        )
    cause = getattr(error, "orig", None)
    if isinstance(cause, sqlite3.Error):
        code = str(getattr(cause, "sqlite_errorname", "")).removeprefix("SQLITE_").split("_")[0]
        if code in _SQLITE:
            return (
                _SQLITE[code][0].format(name=name) + f" ({reason})",
                _SQLITE[code][1].format(name=name),
            )
    if getattr(cause, "sqlstate", None) == "55P03":  # PostgreSQL: lock not available
        return _SQLITE["BUSY"][0].format(name=name), _SQLITE["BUSY"][1]
    if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) and url.host != "":
        return (
            f"{name} cannot be reached ({reason})",
            "Check that the server runs, and the host, port, user, password and database in the "
            "address; then try again.",
        )
    return f"{name} could not be used ({reason})", "If the words do not help, check the address."


_PACKAGES = {"psycopg": '"psycopg[binary]"', "MySQLdb": "mysqlclient"}


def _reason(error: Exception) -> str:
    """The driver's first line, without SQLAlchemy's statement and parameters."""
    text = str(getattr(error, "orig", None) or error).strip()
    return re.sub(r"\s+", " ", text.split("\n(Background")[0])[:300]


def _without_password(text: str, url: sa.URL) -> str:
    secrets = [url.password, *(v for v in url.query.values() if isinstance(v, str))]
    for secret in secrets:
        if secret:
            text = text.replace(str(secret), "***")
    return text
