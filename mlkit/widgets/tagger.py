"""Tag errors with the keyboard: a surface over the journal, and its typed twin."""

import hashlib
import os
import threading
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets

from mlkit import _tables
from mlkit._tables import RESERVED_TAGS
from mlkit.tags import Journal, JournalError
from mlkit.widgets import _comm, _feed, _media, _queue

_HERE = Path(__file__).parent
_MODULES = ("tagger_rules.js", "tagger_media.js", "tagger.js")
_UNDOABLE = 100
_INVERSE = {"seen": "unseen", "unseen": "seen", "tag": "untag", "untag": "tag", "note": "note"}


class Tagger(anywidget.AnyWidget):
    """What is wrong with each error? Digits give tags; every one goes to the journal at once.

    Parameters
    ----------
    predictions
        A table ``item, label, prediction``, one row an item.
    show
        A column (images, sounds, text), a function of the row, or None for the row itself.
    tags
        On offer from the start; more can be made on the fly.
    only
        A mask or a pandas expression: what the queue is drawn from.
    correct
        How many (int) or which share (float) of the correct items to mix in at random;
        the prediction is then hidden for every item.
    repeats
        Share of items silently shown a second time, for self-agreement.
    journal, annotator
        Where to write (path, URL or Journal), and as whom.
    rng
        Decides the order; the same number gives the same queue again.

    Examples
    --------
    >>> import pandas as pd
    >>> said = pd.DataFrame({"item": ["a", "b"], "label": ["6", "8"], "prediction": ["8", "8"]})
    >>> folder = getfixture("tmp_path")
    >>> tagger = Tagger(said, show=None, tags=["noise"], journal=folder / "journal.db")
    >>> tagger.add("a", "noise")
    >>> tagger.done("a")
    """

    # A module loaded from a blob cannot import its neighbour, so the two travel as one.
    _esm = "\n".join((_HERE / name).read_text("utf-8") for name in _MODULES)
    _css = _HERE / "tagger.css"
    pending_key = traitlets.Unicode().tag(sync=True)

    def __init__(  # noqa: D107 - told above
        self,
        predictions: pd.DataFrame,
        *,
        show: str | Callable[[pd.Series], Any] | None,
        tags: Iterable[str] = (),
        only: Any = None,
        correct: int | float = 0,
        repeats: float = 0.0,
        journal: str | os.PathLike[str] | Journal = "journal.db",
        annotator: str = "me",
        rng: int | np.random.Generator | None = 0,
    ) -> None:
        if not isinstance(annotator, str) or not annotator.strip():
            raise ValueError(f"Tagger(annotator={annotator!r}): say as text who is tagging.")
        self._table = _tables.predictions(predictions, function="Tagger")
        self._offered = _queue.vocabulary(tags)
        draw = np.random.default_rng(rng)
        self._whole = _queue.build(
            self._table, only=only, correct=correct, repeats=repeats, rng=draw
        )
        self._hidden = bool(correct)
        self._visible = _queue.without_prediction(self._table) if correct else self._table
        self._how = _media.renderer(self._visible, show)
        shown_first = self._visible["item"].isin(self._whole["item"].head(5))
        _media.require_one(self._visible[shown_first], self._how, show)
        self._rows = dict(zip(self._table["item"], range(len(self._table)), strict=True))
        said = zip(self._table["label"], self._table["prediction"], strict=True)
        self._said = dict(zip(self._table["item"], said, strict=True))
        first = self._whole[self._whole["repeat"] == 0]
        self._rates = dict(zip(first["item"], first["sampling_rate"], strict=True))
        self.journal = journal if isinstance(journal, Journal) else Journal(journal)
        self.annotator = annotator
        self._lock = threading.RLock()
        self._feed = _feed.Feed(self._deliver)
        self._fresh = True
        self._goto: int | None = None
        self._generation = 0
        self._only: Any = None
        self._drawn_from = only
        self._choose(self._whole)
        self._load()
        key = hashlib.sha256(f"{self.journal.where}\n{annotator}".encode()).hexdigest()[:16]
        super().__init__(pending_key=f"mlkit-tagger:{key}:")
        _comm.hear_while_busy(self)
        _comm.hear_quietly(self)
        self.on_msg(self._on_message)

    # What a person types

    @property
    def queue(self) -> pd.DataFrame:
        """What is to be tagged, in order: ``item, repeat, sampling_rate``."""
        return self._queue.copy()

    @property
    def only(self) -> Any:
        """Narrows the queue to a mask over the rows or a pandas expression; None: all of it."""
        return self._only

    @only.setter
    def only(self, only: Any) -> None:
        keep = set(self._table["item"][_queue.inside(self._table, only)])
        with self._lock:
            self._only = only
            self._choose(self._whole[self._whole["item"].isin(keep)].reset_index(drop=True))
            self._send_state(start=True)

    @property
    def vocabulary(self) -> list[str]:
        """The tags on offer."""
        return list(self._progress.vocabulary)

    def add(self, item: str, tag: str) -> None:
        """Give an item a tag."""
        self._say(item, "tag", _queue.require_tag(tag, self.vocabulary))

    def remove(self, item: str, tag: str) -> None:
        """Take a tag off an item."""
        self._say(item, "untag", _queue.require_tag(tag, self.vocabulary))

    def new_tag(self, tag: str) -> None:
        """Offer one more tag from now on; ``unchecked`` has what was seen before it."""
        with self._lock:
            self._offered = _queue.vocabulary([*self._offered, tag])
            self._progress.learn(self._offered)
            self._send_state()

    def note(self, item: str, text: str) -> None:
        """Write a note on an item; an empty one takes it away."""
        self._say(item, "note", text)

    def done(self, item: str) -> None:
        """The item was looked at, and has the tags it has of those on offer."""
        self._say(item, "seen")

    def undo(self) -> dict[str, Any] | None:
        """Take back the latest event on these items; returns that event, None if there is none."""
        with self._lock:
            self._load()
            if not self._progress.history:
                return None
            last = self._progress.history[-1]
            value = last["value"] if last["kind"] in ("tag", "untag") else ""
            event = self._event(last["item"], _INVERSE[last["kind"]], value, last["repeat"])
            self._write([{**event, "undoes": last["id"]}])
        return last

    def show_item(self, item: str) -> Any:
        """Bring an item to the screen; what it shows is returned, for where there is no widget."""
        _queue.require_item(item, self._rates)
        with self._lock:
            self._send_goto(self._places.get((item, 0)))
        return _media.displayable(self._shown(item), item)

    def tags(self) -> pd.DataFrame:
        """This annotator's tags of these items, from the journal: ``item, tag, value, ...``."""
        table = self.journal.tags(annotator=self.annotator)
        return table[table["item"].isin(self._rates)].reset_index(drop=True)

    def unchecked(self, tag: str) -> list[str]:
        """Items done while this tag was not on offer."""
        tag = _queue.require_tag(tag, self.vocabulary)
        return [item for item in self._progress.unchecked(tag) if item in self._rates]

    def queue_unchecked(self, tag: str) -> int:
        """Open the items again that were done without this tag on offer; returns how many."""
        with self._lock:
            again = self.unchecked(tag)
            self._reopened.update((item, 0) for item in again)
            self._send_state(start=True)
        return len(again)

    def refresh(self) -> None:
        """Read the journal again: what other notebooks wrote since."""
        with self._lock:
            self._load()
            self._send_state()

    def __repr__(self) -> str:
        """One line that also serves where no widget can be shown."""
        return (
            f"Tagger: {self._done():,} of {len(self._queue):,} items done. To tag, run this cell "
            'in JupyterLab, or use tagger.add(item, "tag") and tagger.done(item).'
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/plain"] = repr(self)
        return bundle

    # State

    def _choose(self, queue: pd.DataFrame) -> None:
        self._queue = queue
        self._slots = list(zip(queue["item"], queue["repeat"].astype(int), strict=True))
        self._places = {slot: place for place, slot in enumerate(self._slots)}
        self._reopened: set[_queue.Slot] = set()
        self._generation += 1

    def _load(self) -> None:
        """The state as the journal has it."""
        progress = _queue.Progress(self._rates, self._offered)
        events = self.journal.events(annotator=self.annotator).to_dict("records")
        for event in _queue.renamed(_queue.slim(event) for event in events):
            progress.apply(event)
        self._progress = progress

    def _why_empty(self) -> str:
        only = self._drawn_from if self._only is None else self._only
        return _queue.why_empty(self._table, only)

    def _done(self) -> int:
        return sum(self._status(slot) & 1 for slot in self._slots)

    def _status(self, slot: _queue.Slot) -> int:
        said = self._progress.of(slot)
        seen = said.seen and slot not in self._reopened
        return seen + 2 * bool(said.tags) + 4 * any(tag in RESERVED_TAGS for tag in said.tags)

    # Writing

    def _say(self, item: str, kind: str, value: str = "") -> None:
        _queue.require_item(item, self._rates)
        with self._lock:
            self._write([self._event(item, kind, value)])

    def _event(self, item: str, kind: str, value: str, repeat: int = 0) -> dict[str, Any]:
        return {
            "id": uuid.uuid4().hex,
            "at": datetime.now(UTC).isoformat(),
            "item": item,
            "kind": kind,
            "value": value,
            "repeat": repeat,
            "vocabulary": self.vocabulary,
            "undoes": None,
        }

    def _write(self, events: list[dict[str, Any]]) -> None:
        """To the journal first; only what is durable is told and shown as saved."""
        with self._lock:
            mine = {"annotator": self.annotator}
            rows = [{**e, **mine, "sampling_rate": self._rates.get(e["item"], 1.0)} for e in events]
            ids = self.journal.write(rows)
            fresh = [event for event in map(_queue.slim, rows) if self._progress.apply(event)]
            slots = {(event["item"], event["repeat"]) for event in fresh}
            if any(event["kind"] == "seen" for event in fresh):
                self._reopened -= slots
            places = {self._places[slot]: self._status(slot) for slot in slots & set(self._places)}
            self.send(
                {
                    "op": "saved",
                    "ids": ids,
                    "events": fresh,
                    "queue": self._generation,
                    "status": [[place, status] for place, status in places.items()],
                    **self._words(),
                }
            )

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

    def _words(self) -> dict[str, Any]:
        counts = self._progress.unchecked_counts()
        return {"tags": self._progress.vocabulary, "unchecked": counts}

    def _send_state(self, *, start: bool = False) -> None:
        status = bytes(self._status(slot) for slot in self._slots)
        self.send(
            {
                "op": "state",
                "queue": self._generation,
                "total": len(self._slots),
                "hidden": self._hidden,
                "nothing": "" if self._slots else self._why_empty(),
                "start": start,
                "history": [
                    {**event, "pos": self._places.get((event["item"], event["repeat"]), -1)}
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
            self._write(content["events"])
        elif op == "want":
            self._want(content["queue"], content["items"])
        elif op == "check":
            self.queue_unchecked(content["tag"])
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

    def _want(self, generation: int, places: list[int]) -> None:
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

    def _send_item(self, place: int, slot: _queue.Slot, media: _media.Media) -> None:
        label, prediction = self._said[slot[0]]
        self.send(
            {
                "op": "item",
                "queue": self._generation,
                "pos": place,
                "item": slot[0],
                "repeat": slot[1],
                "label": str(label),
                "prediction": None if self._hidden else str(prediction),
                "events": self._progress.of(slot).events,
                "media": media.head,
            },
            buffers=media.buffers,
        )
