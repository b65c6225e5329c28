"""What the Tagger and the Labeler share: a surface over the journal, and its typed twin."""

import hashlib
import os
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anywidget
import pandas as pd
import traitlets

from mlkit.tags import Journal, JournalError
from mlkit.widgets import _comm, _feed, _media, _queue
from mlkit.widgets._progress import Progress, Slot, present, slim

_HERE = Path(__file__).parent
_SHARED = ("keys", "events", "outbox", "media", "frame", "surface")
_UNDOABLE = 100
_INVERSE = {"seen": "unseen", "unseen": "seen", "tag": "untag", "untag": "tag"}


def script(*stems: str) -> str:
    """A module loaded from a blob cannot import its neighbours, so they travel as one."""
    return "\n".join((_HERE / f"{name}.js").read_text("utf-8") for name in (*_SHARED, *stems))


def style(stem: str) -> str:
    """The shared look, then the widget's own."""
    return "\n".join((_HERE / f"{name}.css").read_text("utf-8") for name in ("surface", stem))


class Surface(anywidget.AnyWidget):
    """Items one by one, and what is said of each written to the journal at once.

    A child says which kinds of events undo takes back, what an event carries besides
    (``_stamp``), which events count here (``_counts``), when an item is done (``_bits``), what
    travels with an item (``_about``) and with the state (``_words``).
    """

    pending_key = traitlets.Unicode().tag(sync=True)
    _undoable: frozenset[str]

    def _begin(
        self,
        visible: pd.DataFrame,
        *,
        show: str | Callable[[pd.Series], Any] | None,
        queue: pd.DataFrame,
        journal: str | os.PathLike[str] | Journal,
        annotator: str,
        offered: list[str],
        pending: str = "",
    ) -> None:
        """Set up all but the widget itself, then that; ``pending`` keeps unsaved events apart."""
        self._name = type(self).__name__
        if not isinstance(annotator, str) or not annotator.strip():
            raise ValueError(f"{self._name}(annotator={annotator!r}): say as text who it is.")
        self._visible = visible
        self._how = _media.renderer(visible, show, function=self._name)
        first = visible[visible["item"].isin(queue["item"].head(5))]
        _media.require_one(first, self._how, show, function=self._name)
        self._rows = dict(zip(visible["item"], range(len(visible)), strict=True))
        once = queue[queue["repeat"] == 0]
        self._rates = dict(zip(once["item"], once["sampling_rate"], strict=True))
        self._offered = offered
        self.journal = journal if isinstance(journal, Journal) else Journal(journal)
        self.annotator = annotator
        self._lock = threading.RLock()
        self._feed = _feed.Feed(self._deliver)
        self._fresh = True
        self._goto: int | None = None
        self._generation = 0
        self._choose(queue)
        self._load()
        whose = f"{self.journal.where}\n{annotator}{pending}"
        key = hashlib.sha256(whose.encode()).hexdigest()[:16]
        anywidget.AnyWidget.__init__(self, pending_key=f"mlkit-{self._name.lower()}:{key}:")
        _comm.hear_while_busy(self)
        _comm.hear_quietly(self)
        self.on_msg(self._on_message)

    # What a person types

    @property
    def queue(self) -> pd.DataFrame:
        """What is to be looked at, in order: ``item, repeat, sampling_rate``."""
        return self._queue.copy()

    def note(self, item: str, text: str) -> None:
        """Write a note on an item; an empty one takes it away."""
        self._say(item, "note", text)

    def undo(self) -> dict[str, Any] | None:
        """Take back the latest event on these items; returns that event, None if there is none."""
        with self._lock:
            self._load()
            if not self._progress.history:
                return None
            last = self._progress.history[-1]
            value = last["value"] if last["kind"] in ("tag", "untag") else ""
            kind = _INVERSE.get(last["kind"], last["kind"])
            event = self._event(last["item"], kind, value, last["repeat"])
            self._write([{**event, "undoes": last["id"]}])
        return last

    def show_item(self, item: str) -> Any:
        """Bring an item to the screen; what it shows is returned, for where there is no widget."""
        _queue.require_item(item, self._rates, function=self._name)
        with self._lock:
            self._send_goto(self._places.get((item, 0)))
        return _media.displayable(self._shown(item), self._title(item))

    def refresh(self) -> None:
        """Read the journal again: what other notebooks wrote since."""
        with self._lock:
            self._load()
            self._send_state()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/plain"] = repr(self)
        return bundle

    # What a child may say otherwise

    def _stamp(self) -> dict[str, Any]:
        """What every event carries besides."""
        return {"vocabulary": []}

    def _counts(self, event: Mapping[Any, Any]) -> bool:  # noqa: ARG002 - a child's may need it
        """Whether an event of the journal is part of the state here."""
        return True

    def _bits(self, slot: Slot) -> int:
        """One byte for the front end: 1 done, 2 has tags, 4 has a reserved tag."""
        raise NotImplementedError

    def _about(self, item: str) -> dict[str, Any]:
        """What travels with an item besides what it shows."""
        raise NotImplementedError

    def _words(self) -> dict[str, Any]:
        """What travels with the state and with every acknowledgement."""
        raise NotImplementedError

    def _why_empty(self) -> str:
        """What to say where the queue is empty."""
        raise NotImplementedError

    def _title(self, item: str) -> str:
        """What an item is called where it is shown."""
        return item

    def _out(self, event: dict[str, Any]) -> dict[str, Any]:
        """An event as it travels to the front end."""
        return event

    def _in(self, event: dict[str, Any]) -> dict[str, Any]:
        """An event that came from the front end, as the journal knows it."""
        return event

    # State

    def _choose(self, queue: pd.DataFrame) -> None:
        self._queue = queue
        self._slots = list(zip(queue["item"], queue["repeat"].astype(int), strict=True))
        self._places = {slot: place for place, slot in enumerate(self._slots)}
        self._generation += 1

    def _load(self) -> None:
        """The state as the journal has it."""
        progress = Progress(self._rates, self._offered, self._undoable)
        events = self.journal.events(annotator=self.annotator).to_dict("records")
        for event in present(filter(self._counts, events)):
            progress.apply(event)
        self._progress = progress

    def _done(self) -> int:
        return sum(self._bits(slot) & 1 for slot in self._slots)

    # Writing

    def _say(self, item: str, kind: str, value: str = "", repeat: int = 0) -> None:
        _queue.require_item(item, self._rates, function=self._name)
        with self._lock:
            self._write([self._event(item, kind, value, repeat)])

    def _event(self, item: str, kind: str, value: str, repeat: int = 0) -> dict[str, Any]:
        return {
            "id": uuid.uuid4().hex,
            "at": datetime.now(UTC).isoformat(),
            "item": item,
            "kind": kind,
            "value": value,
            "repeat": repeat,
            "undoes": None,
            **self._stamp(),
        }

    def _write(self, events: list[dict[str, Any]]) -> None:
        """To the journal first; only what is durable is told and shown as saved."""
        with self._lock:
            mine = {"annotator": self.annotator}
            rows = [{**e, **mine, "sampling_rate": self._rates.get(e["item"], 1.0)} for e in events]
            ids = self.journal.write(rows)
            here = [slim(row) for row in rows if self._counts(row)]
            fresh = [event for event in here if self._progress.apply(event)]
            slots = {(event["item"], event["repeat"]) for event in fresh}
            self._written(fresh, slots)
            places = {self._places[slot]: self._bits(slot) for slot in slots & set(self._places)}
            self.send(
                {
                    "op": "saved",
                    "ids": ids,
                    "events": [self._out(event) for event in fresh],
                    "queue": self._generation,
                    "status": [[place, status] for place, status in places.items()],
                    **self._words(),
                }
            )

    def _written(self, events: list[dict[str, Any]], slots: set[Slot]) -> None:
        """After events went to the journal."""

    # The wire

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message to the front end."""
        super().send(content, buffers)
        _comm.hear_while_busy(self)

    def _send_goto(self, place: int | None) -> None:
        # Before there is a view nobody listens: the first hello is answered with it.
        self._goto = place if self._fresh else None
        if place is not None:
            self.send({"op": "goto", "queue": self._generation, "pos": place})

    def _send_state(self, *, start: bool = False) -> None:
        status = bytes(self._bits(slot) for slot in self._slots)
        self.send(
            {
                "op": "state",
                "queue": self._generation,
                "total": len(self._slots),
                "nothing": "" if self._slots else self._why_empty(),
                "start": start,
                "history": [
                    {**self._out(event), "pos": self._places.get(_slot(event), -1)}
                    for event in self._progress.history[-_UNDOABLE:]
                ],
                **self._words(),
            },
            buffers=[status],
        )

    def _on_message(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        try:
            self._answer(content)
        except JournalError as error:
            self.send({"op": "error", "text": str(error)})
        except Exception as error:  # noqa: BLE001 - raised on a thread nobody looks at: tell the widget
            self.send({"op": "error", "text": f"{type(error).__name__}: {error}"})

    def _answer(self, content: dict[str, Any]) -> None:
        op = content.get("op")
        if op == "write":
            self._write([self._in(event) for event in content["events"]])
        elif op == "want":
            self._want(content["queue"], content["items"])
        elif op == "hello":
            with self._lock:
                if not self._fresh:
                    self._load()
                self._fresh = False
                self._send_state()
                self._send_goto(self._goto)
        elif op == "refresh":
            self.refresh()
        else:
            raise ValueError(f"the widget sent {op!r}, which this version of the kit does not know")

    def _want(self, generation: int, places: Iterable[int]) -> None:
        """Render on a thread of its own: a slow picture must not keep a tag waiting."""
        self._feed.want((generation, place) for place in places)

    def _deliver(self, wanted: tuple[int, int]) -> None:
        generation, place = wanted
        with self._lock:
            if generation != self._generation or not 0 <= place < len(self._slots):
                return
            slot = self._slots[place]
        media = self._shown(slot[0])
        with self._lock:
            if generation == self._generation:
                self._send_item(place, slot, media)

    def _shown(self, item: str) -> _media.Media:
        row: pd.Series = self._visible.iloc[self._rows[item]]  # type: ignore[assignment] # one row
        return _media.render(row, self._how)

    def _send_item(self, place: int, slot: Slot, media: _media.Media) -> None:
        events = [self._out(event) for event in self._progress.of(slot).told()]
        self.send(
            {
                "op": "item",
                "queue": self._generation,
                "pos": place,
                **self._out({"item": slot[0], "repeat": slot[1]}),
                **self._about(slot[0]),
                "events": events,
                "media": media.head,
            },
            buffers=media.buffers,
        )


def _slot(event: Mapping[str, Any]) -> Slot:
    return event["item"], event["repeat"]
