"""The journal: what people write, undo and read."""

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa

from mlkit import _tables
from mlkit._tables import RESERVED_TAGS
from mlkit.tags import _events, _exchange, _fold, _gather, _label_studio, _summary
from mlkit.tags._events import JournalError
from mlkit.tags._store import EVENTS, ORDER, Store


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
        ``guide`` (its version), ``duration_s`` (how long it took) and ``id``. Writing an id a
        second time is harmless.

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
                self._store.own(connection, rows)
                self._store.append(connection, rows)
        return [row["id"] for row in rows]

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
            last = self._store.last_standing(connection, annotator)
            if last is None:
                return None
            kind = last["kind"]
            row = {
                **last,
                "id": uuid.uuid4().hex,
                "at": _events.now(),
                "kind": _events.INVERSE.get(kind, kind),
                "value": "" if kind in ("note", "label") else last["value"],
                "duration_s": None,
                "undoes": last["id"],
            }
            self._store.append(connection, [row])
        return {**row, "vocabulary": json.loads(row["vocabulary"])}

    def events(self, *, annotator: str | None = None) -> pd.DataFrame:
        """Every event in the order of writing, those taken back too, one column a field."""
        table = self._events(annotator)
        lists = {text: json.loads(text) for text in table["vocabulary"].unique()}
        return _fold.typed(table.drop(columns="vocabulary")).assign(
            vocabulary=table["vocabulary"].map(lambda text: list(lists[text])).astype(object)
        )[list(_events.FIELDS)]

    def _events(self, annotator: str | None, *kinds: str) -> pd.DataFrame:
        with self._store.reading() as connection:
            query = self._store.select(connection, *_events.FIELDS).order_by(*ORDER)
            if annotator is not None:
                query = query.where(EVENTS.c.annotator == annotator)
            if kinds:
                query = query.where(EVENTS.c.kind.in_(kinds) | EVENTS.c.undoes.is_not(None))
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
        return table.drop(columns=["repeat", "offered"])

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
        """The annotations table: the last label for each item, annotator, repeat and guide.

        Labels given under another version of the guide have rows of their own, in the order of
        writing, so before and after are ``a[a["guide"] == "v1"]`` and ``a[a["guide"] == "v2"]``.

        Returns
        -------
        DataFrame
            ``item, annotator, label, repeat, at, sampling_rate, guide, duration_s``.
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

    def merge(self, *others: "Journal | str | os.PathLike[str]") -> pd.DataFrame:
        """Take in the events of other journals or of CSV files made by :meth:`to_csv`.

        All of them or, when one cannot be read, none. Merging again, or in another order,
        changes nothing. The other journals stay as they are.

        Returns
        -------
        DataFrame
            ``journal, events, new``: how many events each holds and how many were new here.
        """
        parts = [self._part(other) for other in others]
        counts = []
        with self._store.writing() as connection:
            for name, rows in parts:
                placed = [row for row in rows if "tick" in row]
                late = [row for row in rows if "tick" not in row]
                new = self._store.append(connection, placed, keep_order=True)
                counts.append((name, len(rows), new + self._store.append(connection, late)))
        return pd.DataFrame(counts, columns=["journal", "events", "new"])

    def _part(self, other: "Journal | str | os.PathLike[str]") -> tuple[str, list[dict[str, Any]]]:
        if isinstance(other, Journal):
            return other.where, _gather.rows_of(other._store)
        if not isinstance(other, str | os.PathLike):
            own = " Give its journal: merge(it.journal)." if hasattr(other, "journal") else ""
            raise JournalError(
                f"merge() takes journals, paths and URLs; one is a {type(other).__name__}.{own} "
                "Nothing was merged."
            )
        return _gather.read(other, timeout_s=self._store.timeout_s)

    def to_csv(self, path: str | os.PathLike[str], *, what: str = "events") -> None:
        """Write a CSV file: ``"events"`` (all there is, :meth:`merge` reads it) or ``"tags"``.

        The file is whole or not there. A text that a spreadsheet would take for a formula
        gets an apostrophe in front; :meth:`merge` takes it off again.
        """
        if what == "events":
            rows = _gather.rows_of(self._store)
            names = [*_events.FIELDS, "tick"]
            header = [*_events.FIELDS, "order"]
            _exchange.write_csv(path, ([row[name] for name in names] for row in rows), header)
        elif what == "tags":
            table = self.tags()
            table["at"] = table["at"].map(lambda at: at.isoformat())
            _exchange.write_csv(path, table.itertuples(index=False), list(table.columns))
        else:
            raise JournalError(f'to_csv() writes what="events" or what="tags", not {what!r}.')

    def to_label_studio(
        self, path: str | os.PathLike[str], *, data: pd.DataFrame | None = None
    ) -> str:
        """Write what holds now as Label Studio JSON: tags, notes, labels, who, when.

        ``data`` is a table with ``item``; its other columns go into the tasks (an image or
        audio path is shown). The tags on offer, the annotator's name, the repeat and the
        sampling rate go along as results of those names, the last label's time as the lead
        time. Label Studio has no place for the history: events taken back, the time of each tag,
        guides and renames stay here.

        Returns
        -------
        str
            The labelling interface to paste into Label Studio's settings.
        """
        looks = _label_studio.said(*self._now())
        extra: dict[str, Any] = {}
        if data is not None:
            data = _tables.items(data, function="to_label_studio")
            text = data.drop(columns="item").astype(object).where(data.notna(), None)
            extra = dict(zip(data["item"], text.to_dict("records"), strict=True))
        tasks = _label_studio.tasks(looks, extra)
        text_of_all = json.dumps(tasks, ensure_ascii=False, indent=1, default=str)
        _exchange.write_whole(path, text_of_all)
        labels = dict.fromkeys(look["label"] for look in looks if look.get("label"))
        example = tasks[0]["data"] if tasks else {}
        return _label_studio.interface([*self.vocabulary(), *RESERVED_TAGS], labels, example)

    def from_label_studio(
        self,
        path: str | os.PathLike[str],
        *,
        item: str = "item",
        tags: str = "tags",
        label: str = "label",
        vocabulary: Iterable[str] | None = None,
    ) -> int:
        """Take in the choices, notes and labels of a Label Studio JSON export.

        Only what differs from what holds here is written, so a second time changes nothing.
        ``item`` names the task data that tells items apart, ``tags`` and ``label`` name the
        choices. ``vocabulary`` lists the tags on offer there; without it (and where the file
        does not say) a tag not chosen is one nobody was asked for. Returns the number of new
        events.
        """
        offer = None if vocabulary is None else list(vocabulary)
        looks = _label_studio.read(path, item=item, tags=tags, label=label, vocabulary=offer)
        key = ("item", "annotator", "repeat")
        now = {tuple(one[name] for name in key): one for one in _label_studio.said(*self._now())}
        events = []
        for look in looks:
            events += _label_studio.differences(look, now.get(tuple(look[name] for name in key)))
        return len(self.write(events))

    def _now(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        events = self._events(None)
        notes, labels = (_fold.last_texts(events, kind) for kind in ("note", "label"))
        return _fold.tags(events), notes, labels

    def close(self) -> None:
        """Let go of the file or the server; the next use opens it again."""
        self._store.close()

    def __repr__(self) -> str:
        """How much is in it, by how many people, since when."""
        return _summary.sentence(self._store)

    def _repr_html_(self) -> str:
        return _summary.html(self._store)
