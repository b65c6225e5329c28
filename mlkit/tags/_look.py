"""What one person said of one item at one look, worked out again with each event that comes.

The meaning is that of ``_fold``, which works on whole journals at once; a test holds that the
two agree on any sequence of events.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlkit.tags._fold import gone

_TEXTS = ("note", "label")


@dataclass
class Look:
    """One person's events about one item, one look, and what holds after them.

    Events are dicts with ``id, kind, value, vocabulary, undoes``, added in the order of
    writing; the person's renames of tags belong to every look.

    Examples
    --------
    >>> look = Look()
    >>> look.add({"id": "1", "kind": "label", "value": "shirt", "vocabulary": [], "undoes": None})
    >>> look.label
    'shirt'
    >>> look.add({"id": "2", "kind": "label", "value": "", "vocabulary": [], "undoes": "1"})
    >>> look.label
    ''
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    seen: bool = False
    note: str = ""
    label: str = ""

    def add(self, event: dict[str, Any]) -> None:
        """Take an event in; one that was taken back counts as never written."""
        self.events.append(event)
        self.tags, self.asked, self.seen, self.note, self.label = [], set(), False, "", ""
        for standing in self._standing():
            self._take(standing["kind"], standing["value"], standing["vocabulary"])

    def told(self) -> list[dict[str, Any]]:
        """The events under the tags' present names, for whoever folds them knowing no renames.

        A rename is told as what came of it: its look has the new tag or has it not.
        """
        if not any(event["kind"] == "rename" for event in self.events):
            return self.events
        out: list[dict[str, Any]] = []
        before = Look()
        stands = {id(event) for event in self._standing()}
        for event in self.events:
            before.add(event)
            if event["kind"] != "rename":
                out.append(event)
            elif id(event) in stands:
                old, new = event["vocabulary"]
                had = any(old in (e["value"], *e["vocabulary"]) for e in out)
                out = [_renamed(e, old, new) for e in out]
                kind = "tag" if new in before.tags else "untag"
                out += [{**event, "kind": kind, "vocabulary": []}] if had else []
        return out

    def _standing(self) -> Iterable[dict[str, Any]]:
        place = {event["id"]: number for number, event in enumerate(self.events)}
        undone = [
            (event["id"], event["undoes"])
            for event in reversed(self.events)
            if event["undoes"] and place.get(event["undoes"], -1) < place[event["id"]]
        ]
        taken = gone(undone) if undone else ()
        return [e for e in self.events if not e["undoes"] and e["id"] not in taken]

    def _take(self, kind: str, value: str, vocabulary: Iterable[str]) -> None:
        if kind == "seen":
            self.seen = True
            self.asked.update(vocabulary)
        elif kind == "unseen":
            self.seen = False
            self.asked.clear()
        elif kind in _TEXTS:
            setattr(self, kind, value)
        elif kind in ("tag", "untag"):
            self.tags = [tag for tag in self.tags if tag != value]
            self.tags += [value] if kind == "tag" else []
        elif kind == "rename":
            old, new = vocabulary
            self.tags = list(dict.fromkeys(new if tag == old else tag for tag in self.tags))
            self.asked = {new if tag == old else tag for tag in self.asked}


def _renamed(event: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    words = [new if tag == old else tag for tag in event["vocabulary"]]
    named = event["kind"] in ("tag", "untag") and event["value"] == old
    value = new if named else event["value"]
    return {**event, "value": value, "vocabulary": list(dict.fromkeys(words))}
