"""Label items with the keyboard, blind."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit.tags import BROKEN, FLAGGED, Journal
from mlkit.widgets import _media, _queue, _surface
from mlkit.widgets._progress import Slot

_FILES = {".txt", ".md", ".rst"}


class Labeler(_surface.Surface):
    """Which class is it? A digit labels the item and goes on; nothing shown tells the answer.

    The columns label, prediction, gold and score, their copies and the items' names are
    neither shown nor sent to the browser.

    Parameters
    ----------
    items
        A table with ``item``, one row an item.
    show
        A column (images, sounds, text), a function of the row, or None for the row itself.
    labels
        The classes in the order of their keys: 1 to 9, then 0; more by their first letters.
    journal, annotator
        Where to write (path, URL or Journal), and as whom.
    repeats
        Share of items, up to 1.0, silently shown a second time, at least 15 items later (in a
        short queue half of it), as repeat 1.
    guide, version
        A text, or the path of a text file, shown beside the items, and the name recorded with
        each label (by default from the text). Under another version all items are open again.
    time_limit_s
        Seconds until an item is covered; it can still be answered.
    only
        A mask or a pandas expression: what the queue is drawn from.
    rng
        Decides the order; the same number gives the same queue again.

    Examples
    --------
    >>> import pandas as pd
    >>> items = pd.DataFrame({"item": ["a", "b"], "text": ["6 mm", "1 mm"]})
    >>> folder = getfixture("tmp_path")
    >>> classes = ["scratched", "fine"]
    >>> labeler = Labeler(items, show="text", labels=classes, journal=folder / "journal.db")
    >>> labeler.label("a", "scratched")
    >>> labeler.annotations()[["item", "annotator", "label", "repeat"]]
      item annotator      label  repeat
    0    a        me  scratched       0
    """

    _esm = _surface.script("labeler")
    _css = _surface.style("labeler")
    _undoable = frozenset({"label", "note", "tag", "untag"})

    def __init__(  # noqa: D107 - told above
        self,
        items: pd.DataFrame,
        *,
        show: str | Callable[[pd.Series], Any] | None,
        labels: Iterable[str],
        journal: str | os.PathLike[str] | Journal = "journal.db",
        annotator: str = "me",
        repeats: float = 0.0,
        guide: str | os.PathLike[str] | None = None,
        version: str | None = None,
        time_limit_s: float | None = None,
        only: Any = None,
        rng: int | np.random.Generator | None = 0,
    ) -> None:
        table = _tables.items(items, function="Labeler")
        self._labels = _queue.classes(labels)
        self._guide = _guide(guide)
        self._version = _version(self._guide, version)
        self._limit_s = _limit(time_limit_s)
        queue = _queue.shuffled(table, only=only, repeats=repeats, rng=np.random.default_rng(rng))
        self._shows = show if isinstance(show, str) else None
        # The browser knows a look by a name that tells neither the item nor that it comes again.
        slots = [(item, repeat) for item in table["item"] for repeat in (0, 1)]
        self._keys = {slot: _digest(f"{slot[1]}\n{slot[0]}") for slot in slots}
        self._by_key = {key: slot for slot, key in self._keys.items()}
        self._begin(
            _visible(table, show),
            show=show,
            queue=queue,
            journal=journal,
            annotator=annotator,
            offered=[],
            pending=_digest("\n".join(sorted(table["item"]))),
        )

    # What a person types

    @property
    def labels(self) -> list[str]:
        """The classes in the order of their keys."""
        return list(self._labels)

    @property
    def guide(self) -> str | None:
        """The text of the guide."""
        return self._guide

    @property
    def version(self) -> str | None:
        """The version of the guide, recorded with each label."""
        return self._version

    def label(self, item: str, label: str, *, repeat: int = 0) -> None:
        """Label an item; of several labels the last holds."""
        self._say(item, "label", _queue.require_class(label, self._labels), self._repeat(repeat))

    def flag(self, item: str) -> None:
        """Flag an item, to come back to it."""
        self._say(item, "tag", FLAGGED)

    def broken(self, item: str) -> None:
        """Say that an item's file is broken: it needs no label."""
        self._say(item, "tag", BROKEN)

    def annotations(self) -> pd.DataFrame:
        """This annotator's labels of these items, under all versions of the guide.

        Returns
        -------
        DataFrame
            ``item, annotator, label, repeat, at, sampling_rate, guide, duration_s``, one row an
            item, repeat and guide: ``a[a["guide"] == labeler.version]`` is the present one.
        """
        table = self.journal.annotations(annotator=self.annotator)
        return table[table["item"].isin(self._rates)].reset_index(drop=True)

    def __repr__(self) -> str:
        """One line that also serves where no widget can be shown."""
        under = f" under guide {self._version}" if self._version else ""
        return (
            f"Labeler: {self._done():,} of {len(self._queue):,} items labelled{under}. To label, "
            "run this cell in JupyterLab, or use labeler.show_item(item) and "
            f'labeler.label(item, "{self._labels[0]}").'
        )

    # What the surface asks of it

    def _repeat(self, repeat: int) -> int:
        if repeat in (0, 1) and not isinstance(repeat, bool):
            return int(repeat)
        raise ValueError(
            f"labeler.label(repeat={repeat!r}): 0 is the first look at an item, 1 the second."
        )

    def _why_empty(self) -> str:
        return "Nothing to label: the filter (only=) keeps no item."

    def _stamp(self) -> dict[str, Any]:
        return {"vocabulary": [], "guide": self._version}

    def _counts(self, event: Mapping[Any, Any]) -> bool:
        """What was said with this widget, under this version of the guide."""
        guide = event.get("guide")
        if (guide if isinstance(guide, str) else None) != self._version:
            return False
        if event["kind"] in ("tag", "untag"):
            return event["value"] in (FLAGGED, BROKEN)
        return event["kind"] in ("label", "note")

    def _bits(self, slot: Slot) -> int:
        look = self._progress.of(slot)
        return bool(look.label or BROKEN in look.tags) + 4 * bool(look.tags)

    def _about(self, item: str) -> dict[str, Any]:  # noqa: ARG002 - nothing of it may be known
        return {}

    def _words(self) -> dict[str, Any]:
        limit = self._limit_s
        return {
            "labels": self._labels,
            "version": self._version,
            "time_limit_s": limit,
            "guide": self._guide,
        }

    def _title(self, item: str) -> str:  # noqa: ARG002 - names often tell the class
        return "the item to label"

    def _out(self, event: dict[str, Any]) -> dict[str, Any]:
        return {**event, "item": self._keys[event["item"], event["repeat"]], "repeat": 0}

    def _in(self, event: dict[str, Any]) -> dict[str, Any]:
        if event["item"] not in self._by_key:
            raise ValueError("the browser holds a label of an item that is not in this table")
        item, repeat = self._by_key[event["item"]]
        return {"guide": None, **event, "item": item, "repeat": repeat}

    def _shown(self, item: str) -> _media.Media:
        media = super()._shown(item)
        # An item's name or path often tells its class.
        if "cells" in media.head:
            media.head["cells"] = [cell for cell in media.head["cells"] if cell[0] != "item"]
        if media.head["kind"] == "broken" and self._shows:
            given = str(self._visible[self._shows].iloc[self._rows[item]])
            media.head["reason"] = media.head["reason"].replace(given, "of this item")
        return media


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _visible(table: pd.DataFrame, show: Any) -> pd.DataFrame:
    """What may be shown; ``item`` stays for the functions, which may look things up by it."""
    visible = _queue.without_answer(table)
    if isinstance(show, str) and show in table.columns and show not in visible.columns:
        raise ValueError(
            f"Labeler(show={show!r}): this column tells the answer, and a Labeler shows nothing "
            "that does. Show another column, or give show=None or a function of the row."
        )
    if show is None and len(visible.columns) == 1:
        raise ValueError(
            "Labeler(show=None) has nothing to show: besides item and what tells the answer, "
            "the table has no column."
        )
    return visible


def _guide(guide: Any) -> str | None:
    """The text itself, or what stands in the file."""
    if guide is None:
        return None
    text = guide
    line = isinstance(guide, str) and len(guide) < 1000 and "\n" not in guide
    if isinstance(guide, os.PathLike) or (line and Path(guide).suffix.lower() in _FILES):
        try:
            text = Path(guide).expanduser().read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"Labeler(guide={str(guide)!r}): the file cannot be read as text ({error}). "
                f"Paths that are not absolute count from {Path.cwd()}."
            ) from error
    if not isinstance(text, str) or not text.strip():
        raise ValueError(
            f"Labeler(guide=...) is a text, or the path of a text file ({', '.join(_FILES)}); "
            "it is empty here, or none."
        )
    return text.strip()


def _version(guide: str | None, version: Any) -> str | None:
    if version is None:
        return hashlib.sha256(guide.encode()).hexdigest()[:8] if guide else None
    (name,) = _queue.names([version], "version", function="Labeler")
    return name


def _limit(seconds: Any) -> float | None:
    number = isinstance(seconds, Real) and not isinstance(seconds, bool)
    if seconds is None or (number and 0 < float(seconds) < float("inf")):
        return None if seconds is None else float(seconds)
    raise ValueError(
        f"Labeler(time_limit_s={seconds!r}): give a number of seconds above 0, or None for none."
    )
