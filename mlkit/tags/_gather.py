"""The events of other journals and files, and of all files in a folder."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from mlkit.tags import _events, _exchange
from mlkit.tags._events import JournalError
from mlkit.tags._store import ORDER, Store

_ENDINGS = {".csv", ".db"}


def rows_of(store: Store) -> list[dict[str, Any]]:
    """Every event of a store in the order of writing."""
    with store.reading() as connection:
        query = store.select(connection, *_events.FIELDS, "tick").order_by(*ORDER)
        rows = connection.execute(query).mappings()
        return [dict(row) for row in rows]


def read(where: str | os.PathLike[str], *, timeout_s: float) -> tuple[str, list[dict[str, Any]]]:
    """Name and events of a journal at a path or an address, or of a CSV file of events."""
    if isinstance(where, str) and "://" in where:
        store = Store(where, timeout_s=timeout_s, make=False)
    else:
        path = Path(where).expanduser()
        if not path.is_file():
            raise JournalError(f"There is no file {path}. Nothing was merged.")
        if path.suffix.lower() == ".csv":
            return str(path), _exchange.read_csv(path)
        store = Store(path, timeout_s=timeout_s, make=False)
    try:
        return store.name, rows_of(store)
    finally:
        store.close()


class Folder:
    """The events of all journals and CSV files in a folder; one that did not change is kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._files: dict[Path, tuple[tuple[int, int], list[dict[str, Any]] | str]] = {}

    def events(self) -> pd.DataFrame:
        """Each event once, in the order of writing; what cannot be read is told in ``notes``."""
        self._files = {path: self._file(path) for path in self._there()}
        found = [rows for _, rows in self._files.values()]
        self.notes = [text for text in found if isinstance(text, str)]
        return _table(row for rows in found if not isinstance(rows, str) for row in rows)

    def _there(self) -> list[Path]:
        hidden = (path for path in self.path.iterdir() if not path.name.startswith("."))
        return sorted(path for path in hidden if path.suffix.lower() in _ENDINGS)

    def _file(self, path: Path) -> tuple[tuple[int, int], list[dict[str, Any]] | str]:
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            known = self._files.get(path)
            # A database that is being written to may keep its news in the file beside it.
            if known is not None and known[0] == stamp and path.suffix.lower() == ".csv":
                return known
            return stamp, read(path, timeout_s=2.0)[1]
        except (JournalError, OSError) as error:
            return (0, 0), f"{path.name} was left out: {error}"


def _table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Events as the fold takes them: a person may hand in the same ones in several files."""
    once = {row["id"]: row for row in rows}
    ordered = sorted(once.values(), key=lambda row: (row.get("tick", 0), row["id"]))
    columns = {name: [row[name] for row in ordered] for name in _events.FIELDS}
    return pd.DataFrame({name: pd.Series(c, dtype=object) for name, c in columns.items()})
