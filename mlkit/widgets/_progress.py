"""What one annotator has said so far of the items here, kept up to date event by event."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mlkit._tables import RESERVED_TAGS
from mlkit.tags import Look

Slot = tuple[str, int]  # item, repeat


class Progress:
    """The state of one annotator's slots, and what undo can take back.

    Parameters
    ----------
    items
        Events about other items are left out.
    vocabulary
        The tags on offer; events add to it.
    undoable
        The kinds of events that undo takes back.
    """

    def __init__(self, items: Iterable[str], vocabulary: Iterable[str], undoable: Collection[str]):
        self.vocabulary = list(vocabulary)
        self.history: list[dict[str, Any]] = []
        self._offered = set(self.vocabulary)
        self._undoable = undoable
        self._items = set(items)
        self._looks: dict[Slot, Look] = {}
        self._known: dict[str, dict[str, Any]] = {}
        self._asked: Counter[str] = Counter()
        self._looked_at = 0

    def of(self, slot: Slot) -> Look:
        return self._looks.get(slot) or Look()

    def apply(self, event: dict[str, Any]) -> bool:
        """Take an event in, once; False where it was known or is about an item not here."""
        renames = event["kind"] == "rename"
        if event["id"] in self._known or not (renames or event["item"] in self._items):
            return False
        self._known[event["id"]] = event
        if renames:
            self._rename(event)
            return True
        own = [event["value"]] if event["kind"] == "tag" else []
        self.learn([*event["vocabulary"], *own] if not event["undoes"] else [])
        slot = (event["item"], event["repeat"])
        self._add(slot, self._looks.setdefault(slot, Look()), event)
        self._remember(event)
        return True

    def learn(self, tags: Iterable[str]) -> None:
        """Offer these tags from now on."""
        for tag in tags:
            if tag not in self.vocabulary and tag not in RESERVED_TAGS:
                self.vocabulary.append(tag)

    def unchecked(self, tag: str) -> list[str]:
        """Items seen while this tag was not on offer, and not given it since."""
        return [
            item
            for (item, repeat), look in self._looks.items()
            if repeat == 0 and look.seen and tag not in look.asked and tag not in look.tags
        ]

    def unchecked_counts(self) -> dict[str, int]:
        left = {tag: self._looked_at - self._asked[tag] for tag in self.vocabulary}
        return {tag: n for tag, n in left.items() if n}

    def _add(self, slot: Slot, look: Look, event: dict[str, Any]) -> None:
        self._count(look, slot, -1)
        look.add(event)
        self._count(look, slot, 1)

    def _count(self, look: Look, slot: Slot, step: int) -> None:
        if look.seen and slot[1] == 0:
            self._looked_at += step
            for tag in look.asked.union(look.tags):
                self._asked[tag] += step

    def _rename(self, event: dict[str, Any]) -> None:
        """In all that was said before; a tag that the cell offers by its old name stays."""
        for slot, look in self._looks.items():
            self._add(slot, look, event)
        old, new = event["vocabulary"]
        if old in self._offered:
            self.learn([new])
        else:
            words = (new if tag == old else tag for tag in self.vocabulary)
            self.vocabulary = list(dict.fromkeys(words))

    def _remember(self, event: dict[str, Any]) -> None:
        """What undo can take back, the latest last."""
        if event["undoes"]:
            self.history = [e for e in self.history if e["id"] != event["undoes"]]
            taken = self._known.get(event["undoes"])
            if taken is not None and taken["undoes"]:  # an undo taken back: the other holds again
                again = self._known.get(taken["undoes"])
                self.history += [again] if again else []
        elif event["kind"] in self._undoable:
            self.history.append(event)


def present(events: Iterable[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    """The events, slim, without renames that were taken back."""
    slimmed = [slim(event) for event in events]
    undone = {event["undoes"] for event in slimmed if event["kind"] == "rename"}
    return [
        event
        for event in slimmed
        if event["kind"] != "rename" or not (event["undoes"] or event["id"] in undone)
    ]


def slim(event: Mapping[Any, Any]) -> dict[str, Any]:
    """The fields that decide what holds, as JSON can carry them."""
    undoes = event.get("undoes")
    return {
        "id": event["id"],
        "item": event["item"],
        "kind": event["kind"],
        "value": event["value"],
        "repeat": int(event.get("repeat") or 0),
        "vocabulary": list(event.get("vocabulary") or ()),
        "undoes": undoes if isinstance(undoes, str) else None,
    }
