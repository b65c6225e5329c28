"""The journal: what people write, undo and read."""

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa

from mlkit import _show
from mlkit._tables import RESERVED_TAGS
from mlkit.tags import _events, _fold
from mlkit.tags._events import JournalError
from mlkit.tags._store import EVENTS, Store

_ORDER = (EVENTS.c.tick, EVENTS.c.id)


class Journal:
    """What was said about items, by whom and when: tags, looks, notes and labels.

    Nothing is ever overwritten: each method that says something appends an event, and each
    that reads works out what holds now. An event is on disk when the method returns.

    Parameters
    ----------
    where
        A path (an SQLite file, made if it is not there) or any SQLAlchemy URL, such as
        ``postgresql://user:password@host/database``, which a class can share.
    timeout_s
        How long to wait for another program that is writing.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> journal = Journal(f"{folder}/journal.db")
    >>> _ = journal.tag("7_jackson_32", "noise")
    >>> _ = journal.seen("7_jackson_32", vocabulary=["noise", "echo"])
    >>> table = journal.tags()
    >>> table[~table["tag"].isin(RESERVED_TAGS)][["item", "tag", "value"]]
               item    tag  value
    0  7_jackson_32  noise   True
    1  7_jackson_32   echo  False
    """

    def __init__(
        self, where: str | os.PathLike[str] | sa.URL = "journal.db", *, timeout_s: float = 10.0
    ) -> None:
        self._store = Store(where, timeout_s=timeout_s)

    @property
    def where(self) -> str:
        """The path or address, without its password."""
        return self._store.name

    def write(self, events: Iterable[Mapping[str, Any]]) -> list[str]:
        """Keep events, all or none of them; when this returns they are on disk.

        An event is a dict with the fields ``item`` and ``kind`` (``seen, unseen, tag, untag,
        label, note, rename``) and, where they differ from what stands here, ``value`` (""),
        ``annotator`` ("me"), ``vocabulary`` (the tags on offer, none), ``at`` (now),
        ``repeat`` (0), ``sampling_rate`` (1.0), ``undoes`` (the id of the event it takes back),
        ``guide`` and ``id``. Writing an id a second time is harmless.

        Returns
        -------
        list of str
            The ids, all of which are safe now.
        """
        if isinstance(events, Mapping):
            events = [events]
        rows = [_events.checked(event) for event in events]
        if rows:
            with self._store.writing() as connection:
                self._own(connection, rows)
                self._store.append(connection, rows)
        return [row["id"] for row in rows]

    def _own(self, connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
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

    def tag(self, item: str, tag: str, *, annotator: str = "me", **fields: Any) -> str:
        """Give an item a tag; other fields as in :meth:`write`. Returns the id of the event."""
        return self._say("tag", item, tag, annotator, fields)

    def untag(self, item: str, tag: str, *, annotator: str = "me", **fields: Any) -> str:
        """Take a tag off an item; returns the id of the event."""
        return self._say("untag", item, tag, annotator, fields)

    def seen(
        self, item: str, *, vocabulary: Iterable[str], annotator: str = "me", **fields: Any
    ) -> str:
        """Say that an item was looked at with these tags on offer; returns the event's id."""
        return self._say("seen", item, "", annotator, {"vocabulary": vocabulary, **fields})

    def note(self, item: str, text: str, *, annotator: str = "me", **fields: Any) -> str:
        """Put a note on an item (an empty one takes it away); returns the id of the event."""
        return self._say("note", item, text, annotator, fields)

    def label(self, item: str, label: str, *, annotator: str = "me", **fields: Any) -> str:
        """Label an item; returns the id of the event."""
        return self._say("label", item, label, annotator, fields)

    def rename_tag(self, old: str, new: str, *, annotator: str = "me") -> str:
        """Give a tag another name in all that this annotator wrote until now.

        If the other name is in use, the two become one: an item has it when it had either.
        It is one event, so one :meth:`undo` takes it back. Returns the id of the event.
        """
        old, new = _events.tag_name(old), _events.tag_name(new)
        if old in RESERVED_TAGS:
            raise JournalError(f"The tag {old!r} has a meaning of its own and keeps its name.")
        known = self.vocabulary(annotator=annotator)
        if old not in known:
            raise JournalError(
                f"{annotator} never used the tag {old!r}; the tags are: "
                f"{', '.join(known) or 'none yet'}. Nothing was renamed."
            )
        return self._say("rename", "", new, annotator, {"vocabulary": [old, new]})

    def _say(
        self, kind: str, item: str, value: str, annotator: str, fields: Mapping[str, Any]
    ) -> str:
        event = {"kind": kind, "item": item, "value": value, "annotator": annotator, **fields}
        return self.write([event])[0]

    def undo(self, *, annotator: str = "me") -> dict[str, Any] | None:
        """Take back the annotator's latest event that still stands, today's or last week's.

        Returns
        -------
        dict or None
            The event that takes it back (``undoes`` is the id of the other); None: nothing left.
        """
        with self._store.writing() as connection:
            last = self._last_standing(connection, annotator)
            if last is None:
                return None
            kind = last["kind"]
            row = {
                **last,
                "id": uuid.uuid4().hex,
                "at": _events.now(),
                "kind": _events.INVERSE.get(kind, kind),
                "value": "" if kind in ("note", "label") else last["value"],
                "undoes": last["id"],
            }
            self._store.append(connection, [row])
        return {**row, "vocabulary": json.loads(row["vocabulary"])}

    def _last_standing(self, connection: sa.Connection, annotator: str) -> dict[str, Any] | None:
        target = EVENTS.alias()
        undone = (
            sa.select(EVENTS.c.id, EVENTS.c.undoes)
            .join(target, target.c.id == EVENTS.c.undoes)
            .where(EVENTS.c.annotator == annotator, target.c.annotator == annotator)
            .where(sa.tuple_(target.c.tick, target.c.id) < sa.tuple_(*_ORDER))
            .order_by(EVENTS.c.tick.desc(), EVENTS.c.id.desc())
        )
        taken = _fold.gone((row[0], row[1]) for row in connection.execute(undone))
        own = (
            sa.select(*(EVENTS.c[name] for name in _events.FIELDS))
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

    def events(self, *, annotator: str | None = None) -> pd.DataFrame:
        """Every event in the order of writing, those taken back too, one column a field."""
        table = self._events(annotator)
        lists = {text: json.loads(text) for text in table["vocabulary"].unique()}
        return _fold.typed(table.drop(columns="vocabulary")).assign(
            vocabulary=table["vocabulary"].map(lambda text: list(lists[text])).astype(object)
        )[list(_events.FIELDS)]

    def _events(self, annotator: str | None, *kinds: str) -> pd.DataFrame:
        query = sa.select(*(EVENTS.c[name] for name in _events.FIELDS)).order_by(*_ORDER)
        if annotator is not None:
            query = query.where(EVENTS.c.annotator == annotator)
        if kinds:
            query = query.where(EVENTS.c.kind.in_(kinds) | EVENTS.c.undoes.is_not(None))
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        columns = zip(*rows, strict=True) if rows else [()] * len(_events.FIELDS)
        named = zip(_events.FIELDS, columns, strict=True)
        return pd.DataFrame({name: pd.Series(list(c), dtype=object) for name, c in named})

    def tags(self, *, annotator: str | None = None) -> pd.DataFrame:
        """Which item has which tag, who said so and when; the first look alone.

        Returns
        -------
        DataFrame
            ``item, tag, value, annotator, at, sampling_rate``: ``value`` is True where the tag
            was given, False where it was on offer and not given. No row: never asked. The
            reserved tags are always on offer.
        """
        table = _fold.tags(self._events(annotator))
        if table["repeat"].any():
            table = table[table["repeat"] == 0].reset_index(drop=True)
        return table.drop(columns="repeat")

    def repeats(self, *, annotator: str | None = None) -> pd.DataFrame:
        """What was said at first and again: ``item, tag, annotator, repeat, first, second``."""
        columns = ["item", "tag", "annotator", "repeat", "value"]
        table = _fold.tags(self._events(annotator))[columns].rename(columns={"value": "first"})
        first = table[table["repeat"] == 0].drop(columns="repeat")
        again = table[table["repeat"] > 0].rename(columns={"first": "second"})
        both = again.merge(first, on=["item", "tag", "annotator"])
        return both[["item", "tag", "annotator", "repeat", "first", "second"]]

    def notes(self, *, annotator: str | None = None) -> pd.DataFrame:
        """The last note on each item: ``item, annotator, note, at``."""
        table = _fold.last_texts(self._events(annotator, "note"), "note")
        return table[["item", "annotator", "note", "at"]]

    def annotations(self, *, annotator: str | None = None) -> pd.DataFrame:
        """The annotations table: the last label each annotator gave an item, each repeat.

        Returns
        -------
        DataFrame
            ``item, annotator, label, repeat, at, sampling_rate, guide``.
        """
        return _fold.last_texts(self._events(annotator, "label"), "label")

    def vocabulary(self, *, annotator: str | None = None) -> list[str]:
        """The tags on offer so far, in the order they first came up; without the reserved ones."""
        return _fold.vocabulary(self._events(annotator))

    def seen_items(self, *, annotator: str | None = None, repeat: int = 0) -> list[str]:
        """The items done, in the order they were first done."""
        looks = _fold.seen(self._events(annotator, "seen", "unseen"))
        return list(dict.fromkeys(looks.loc[looks["repeat"] == repeat, "item"]))

    def unchecked(self, tag: str, *, annotator: str | None = None) -> list[str]:
        """The items done while this tag was not on offer, in the order they were done."""
        tag = _events.tag_name(tag)
        events = self._events(annotator)
        asked, looks = _fold.asked(events, tag), _fold.seen(events)
        done = dict.fromkeys(looks.loc[looks["repeat"] == 0, "item"])
        return [item for item in done if item not in asked]

    def close(self) -> None:
        """Let go of the file or the server; the next use opens it again."""
        self._store.close()

    def _counts(self) -> pd.DataFrame:
        """How many events and items each annotator has, and since when."""
        query = (
            sa.select(
                EVENTS.c.annotator,
                sa.func.count(),
                sa.func.count(EVENTS.c.item.distinct()),
                sa.func.min(EVENTS.c.at),
                sa.func.max(EVENTS.c.at),
            )
            .group_by(EVENTS.c.annotator)
            .order_by(EVENTS.c.annotator)
        )
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return pd.DataFrame(rows, columns=["annotator", "events", "items", "first", "last"])

    def _sentence(self, counts: pd.DataFrame) -> str:
        if counts.empty:
            return f"Journal {self.where}: nothing written yet."
        people = len(counts)
        return (
            f"Journal {self.where}: {counts['events'].sum():,} events by "
            f"{people} annotator{'' if people == 1 else 's'}, since {counts['first'].min()[:10]}."
        )

    def __repr__(self) -> str:
        """How much is in it, by how many people, since when."""
        try:
            return self._sentence(self._counts())
        except JournalError as error:
            return f"Journal {self.where}: {error}"

    def _repr_html_(self) -> str:
        try:
            counts = self._counts()
        except JournalError as error:
            return _show.result_html(f"Journal {self.where}: {error}", "")
        headings = {
            "annotator": "annotator",
            "events": "events",
            "items": "items",
            "first": "first",
            "last": "last",
        }
        rows = [
            {
                "annotator": str(row.annotator),
                "events": f"{row.events:,}",
                "items": f"{row.items:,}",
                "first": str(row.first)[:16].replace("T", " "),
                "last": str(row.last)[:16].replace("T", " "),
            }
            for row in counts.itertuples()
        ]
        table = _show.table_html(rows, columns=headings, text=["annotator"]) if rows else ""
        return _show.result_html(self._sentence(counts), table)
