"""CSV files of events, and files written whole or not at all."""

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlkit import _files
from mlkit.tags import _events
from mlkit.tags._events import FIELDS, JournalError

# A spreadsheet takes a cell that begins so for a formula; one more apostrophe keeps it a text.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "'")


def write_csv(
    path: str | os.PathLike[str], rows: Iterable[Iterable[Any]], header: list[str]
) -> None:
    """Write rows as CSV, whole or not at all; no text in it can act as a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_safe(value) for value in row] for row in rows)
    write_whole(path, text.getvalue())


def write_whole(path: str | os.PathLike[str], text: str) -> None:
    """Write a file that is whole or not there; say so when it cannot be."""
    try:
        _files.write_atomic(Path(path), text)
    except OSError as error:
        raise JournalError(
            f"{path} could not be written ({error.strerror}). The journal is as it was; choose "
            "another place and try again."
        ) from error


def read_csv(path: Path) -> list[dict[str, Any]]:
    """The events of a CSV file made by ``Journal.to_csv``, checked."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in ("id", "item", "kind") if name not in _header(reader)]
            if missing:
                raise JournalError(
                    f"{path} is not a CSV file of events: it has no column {', '.join(missing)}. "
                    "Make one with journal.to_csv(path). Nothing was merged."
                )
            return [_event(row, path, number) for number, row in enumerate(reader, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise JournalError(f"{path} could not be read ({error}). Nothing was merged.") from error


def _header(reader: csv.DictReader) -> list[str]:
    return list(reader.fieldnames or ())


def _event(row: Mapping[str, str | None], path: Path, number: int) -> dict[str, Any]:
    fields = {name: _plain(value) for name, value in row.items() if value}
    try:
        event: dict[str, Any] = {name: fields[name] for name in FIELDS if name in fields}
        event["vocabulary"] = json.loads(fields.get("vocabulary", "[]"))
        event["repeat"] = int(fields.get("repeat", "0"))
        event["sampling_rate"] = float(fields.get("sampling_rate", "1"))
        event["duration_s"] = float(fields["duration_s"]) if "duration_s" in fields else None
        order = {"tick": int(fields["order"])} if "order" in fields else {}
        return {**_events.checked(event), **order}
    except (ValueError, JournalError) as error:
        raise JournalError(
            f"Line {number} of {path} cannot be read: {error} Nothing was merged."
        ) from error


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_RISKY) else value


def _plain(text: str) -> str:
    return text[1:] if text.startswith("'") else text
