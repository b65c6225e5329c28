"""The journal: what people write, undo and read."""

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa

from mlkit.tags import _events, _fold
from mlkit.tags._events import JournalError, checked
from mlkit.tags._store import EVENTS, Store


class Journal:
    """What was said about items: tags, looks, notes, labels, undone or not.

    Parameters
    ----------
    where
        A path (an SQLite file, made if it is not there) or any SQLAlchemy URL.
    timeout_s
        How long to wait for another program that is writing.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = tempfile.TemporaryDirectory()
    >>> journal = Journal(pathlib.Path(folder.name) / "journal.db")
    >>> _ = journal.tag("7_jackson_32", "noise")
    >>> _ = journal.seen("7_jackson_32", vocabulary=["noise", "echo"])
    >>> table = journal.tags()
    >>> table[table["tag"].isin(["noise", "echo"])][["item", "tag", "value"]]
               item    tag  value
    0  7_jackson_32  noise   True
    1  7_jackson_32   echo  False
    """

    def __init__(
        self, where: str | os.PathLike[str] | sa.URL = "journal.db", *, timeout_s: float = 10.0
    ) -> None:
        self._store = Store(where, timeout_s=timeout_s)

    def write(self, events: Iterable[Mapping[str, Any]]) -> list[str]:
        """Keep events, all or none; when this returns they are on disk. Returns their ids."""
        rows = [checked(event) for event in events]
        if rows:
            with self._store.writing() as connection:
                self._store.append(connection, rows)
        return [row["id"] for row in rows]

    def _add(self, kind: str, item: str, value: str = "", **rest: Any) -> str:
        return self.write([{"kind": kind, "item": item, "value": value, **rest}])[0]

    def tag(
        self,
        item: str,
        tag: str,
        *,
        annotator: str = "me",
        vocabulary: Iterable[str] = (),
        sampling_rate: float = 1.0,
        repeat: int = 0,
    ) -> str:
        """Give an item a tag; returns the id of the event."""
        return self._add(
            "tag",
            item,
            tag,
            annotator=annotator,
            vocabulary=vocabulary,
            sampling_rate=sampling_rate,
            repeat=repeat,
        )

    def untag(
        self,
        item: str,
        tag: str,
        *,
        annotator: str = "me",
        vocabulary: Iterable[str] = (),
        sampling_rate: float = 1.0,
        repeat: int = 0,
    ) -> str:
        """Take a tag off an item; returns the id of the event."""
        return self._add(
            "untag",
            item,
            tag,
            annotator=annotator,
            vocabulary=vocabulary,
            sampling_rate=sampling_rate,
            repeat=repeat,
        )

    def seen(
        self,
        item: str,
        *,
        vocabulary: Iterable[str],
        annotator: str = "me",
        sampling_rate: float = 1.0,
        repeat: int = 0,
    ) -> str:
        """Say that an item was looked at with these tags on offer; returns the id of the event."""
        return self._add(
            "seen",
            item,
            annotator=annotator,
            vocabulary=vocabulary,
            sampling_rate=sampling_rate,
            repeat=repeat,
        )

    def note(self, item: str, text: str, *, annotator: str = "me", repeat: int = 0) -> str:
        """Write a note on an item (an empty one takes it away); returns the id of the event."""
        return self._add("note", item, text, annotator=annotator, repeat=repeat)

    def label(
        self,
        item: str,
        label: str,
        *,
        annotator: str = "me",
        repeat: int = 0,
        guide: str | None = None,
        sampling_rate: float = 1.0,
    ) -> str:
        """Label an item; returns the id of the event."""
        return self._add(
            "label",
            item,
            label,
            annotator=annotator,
            repeat=repeat,
            guide=guide,
            sampling_rate=sampling_rate,
        )

    def undo(self, *, annotator: str = "me") -> dict[str, Any] | None:
        """Take back the annotator's latest event that stands; returns the event that does so."""
        with self._store.writing() as connection:
            events = self._read(connection, annotator)
            standing = _fold.standing(events)
            if standing.empty:
                return None
            last = standing.iloc[-1]
            kind = str(last["kind"])
            event = {
                **{name: last[name] for name in ("annotator", "item")},
                "id": uuid.uuid4().hex,
                "kind": _events.INVERSE.get(kind, kind),
                "value": last["value"] if kind in ("tag", "untag", "rename") else "",
                "vocabulary": json.loads(last["vocabulary"]),
                "repeat": int(last["repeat"]),
                "sampling_rate": float(last["sampling_rate"]),
                "undoes": last["id"],
            }
            row = checked(event)
            self._store.append(connection, [row])
        return {**row, "vocabulary": json.loads(row["vocabulary"])}

    def rename_tag(self, old: str, new: str, *, annotator: str = "me") -> str:
        """Give a tag another name in all that this annotator wrote so far; can be undone."""
        old, new = _events.tag_name(old), _events.tag_name(new)
        return self._add("rename", "", new, annotator=annotator, vocabulary=[old, new])

    def events(self) -> pd.DataFrame:
        """Every event in the order of writing, undone ones too."""
        table = self._events(None)
        return table.assign(
            at=_fold.times(table["at"]), vocabulary=table["vocabulary"].map(json.loads)
        )

    def _events(self, annotator: str | None) -> pd.DataFrame:
        with self._store.reading() as connection:
            return self._read(connection, annotator)

    def _read(self, connection: sa.Connection, annotator: str | None) -> pd.DataFrame:
        columns = [EVENTS.c[name] for name in _events.FIELDS]
        query = sa.select(*columns).order_by(EVENTS.c.tick, EVENTS.c.id)
        if annotator is not None:
            query = query.where(EVENTS.c.annotator == annotator)
        rows = connection.execute(query).all()
        return pd.DataFrame(rows, columns=list(_events.FIELDS), dtype=object)

    def tags(self, *, annotator: str | None = None) -> pd.DataFrame:
        """The tags table: ``item, tag, value, annotator, at, sampling_rate``."""
        table = _fold.tags(self._events(annotator))
        return table[table["repeat"] == 0].drop(columns="repeat").reset_index(drop=True)

    def repeats(self, *, annotator: str | None = None) -> pd.DataFrame:
        """What was said at first and again: ``item, tag, annotator, repeat, first, second``."""
        columns = ["item", "tag", "annotator", "repeat", "value"]
        table = _fold.tags(self._events(annotator))[columns].rename(columns={"value": "first"})
        first = table[table["repeat"] == 0].drop(columns="repeat")
        again = table[table["repeat"] > 0].rename(columns={"first": "second"})
        both = again.merge(first, on=["item", "tag", "annotator"])
        return both[["item", "tag", "annotator", "repeat", "first", "second"]]

    def notes(self, *, annotator: str | None = None) -> pd.DataFrame:
        """The last note on each item."""
        return _fold.last_texts(self._events(annotator), "note")

    def annotations(self, *, annotator: str | None = None) -> pd.DataFrame:
        """The annotations table: the last label each annotator gave each item."""
        return _fold.last_texts(self._events(annotator), "label")

    def vocabulary(self, *, annotator: str | None = None) -> list[str]:
        """The tags on offer so far, in the order they first came up; without the reserved ones."""
        return _fold.vocabulary(self._events(annotator))

    def seen_items(self, *, annotator: str | None = None, repeat: int = 0) -> list[str]:
        """The items done, in the order they were first done."""
        looks = _fold.seen(self._events(annotator))
        return list(dict.fromkeys(looks.loc[looks["repeat"] == repeat, "item"]))

    def unchecked(self, tag: str, *, annotator: str | None = None) -> list[str]:
        """The items done while this tag was not on offer, in the order they were done."""
        tag = _events.tag_name(tag)
        table = self.tags(annotator=annotator)
        asked = set(table.loc[table["tag"] == tag, "item"])
        return [item for item in self.seen_items(annotator=annotator) if item not in asked]


__all__ = ["Journal", "JournalError"]
