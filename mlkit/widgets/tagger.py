"""Tag errors with the keyboard."""

import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import RESERVED_TAGS
from mlkit.tags import Journal
from mlkit.widgets import _queue, _surface
from mlkit.widgets._progress import Slot


class Tagger(_surface.Surface):
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

    _esm = _surface.script("tagger")
    _css = _surface.style("tagger")
    _undoable = frozenset({"seen", "unseen", "tag", "untag", "note"})

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
        self._table = _tables.predictions(predictions, function="Tagger")
        offered = _queue.vocabulary(tags)
        self._whole = _queue.build(
            self._table, only=only, correct=correct, repeats=repeats, rng=np.random.default_rng(rng)
        )
        self._hidden = bool(correct)
        said = zip(self._table["label"], self._table["prediction"], strict=True)
        self._said = dict(zip(self._table["item"], said, strict=True))
        self._only: Any = None
        self._drawn_from = only
        self._begin(
            _queue.without_prediction(self._table) if correct else self._table,
            show=show,
            queue=self._whole,
            journal=journal,
            annotator=annotator,
            offered=offered,
        )

    # What a person types

    @property
    def only(self) -> Any:
        """Narrows the queue to a mask over the rows or a pandas expression; None: all of it."""
        return self._only

    @only.setter
    def only(self, only: Any) -> None:
        keep = set(self._table["item"][_queue.inside(self._table, only, function="Tagger")])
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

    def done(self, item: str) -> None:
        """The item was looked at, and has the tags it has of those on offer."""
        self._say(item, "seen")

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

    def __repr__(self) -> str:
        """One line that also serves where no widget can be shown."""
        return (
            f"Tagger: {self._done():,} of {len(self._queue):,} items done. To tag, run this cell "
            'in JupyterLab, or use tagger.add(item, "tag") and tagger.done(item).'
        )

    # What the surface asks of it

    def _choose(self, queue: pd.DataFrame) -> None:
        super()._choose(queue)
        self._reopened: set[Slot] = set()

    def _why_empty(self) -> str:
        only = self._drawn_from if self._only is None else self._only
        return _queue.why_empty(self._table, only)

    def _stamp(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary}

    def _bits(self, slot: Slot) -> int:
        look = self._progress.of(slot)
        seen = look.seen and slot not in self._reopened
        return seen + 2 * bool(look.tags) + 4 * any(tag in RESERVED_TAGS for tag in look.tags)

    def _words(self) -> dict[str, Any]:
        counts = self._progress.unchecked_counts()
        return {"tags": self._progress.vocabulary, "unchecked": counts}

    def _about(self, item: str) -> dict[str, Any]:
        label, prediction = self._said[item]
        return {"label": str(label), "prediction": None if self._hidden else str(prediction)}

    def _written(self, events: list[dict[str, Any]], slots: set[Slot]) -> None:
        if any(event["kind"] == "seen" for event in events):
            self._reopened -= slots

    def _answer(self, content: dict[str, Any]) -> None:
        if content.get("op") == "check":
            self.queue_unchecked(content["tag"])
        else:
            super()._answer(content)
