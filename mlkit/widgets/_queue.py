"""What is to be looked at, in which order, and what has been said of it so far."""

import difflib
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from mlkit._tables import RESERVED_TAGS

# A repeat comes at least so many items after the first look, or one still remembers it.
_REPEAT_GAP = 15

Slot = tuple[str, int]  # item, repeat


def errors(table: pd.DataFrame) -> np.ndarray:
    """Rows with a label and another prediction; without a label nothing is wrong."""
    labelled = table["label"].notna().to_numpy()
    differs = table["label"].astype(object).to_numpy() != table["prediction"].astype(object)
    return labelled & (differs.to_numpy() | table["prediction"].isna().to_numpy())


def inside(table: pd.DataFrame, only: Any) -> np.ndarray:
    """``only`` as a Boolean array over the rows: None, a mask, or a pandas expression."""
    if only is None:
        return np.ones(len(table), bool)
    if isinstance(only, str):
        try:
            found = table.query(only, engine="python").index
        except Exception as error:
            raise ValueError(
                f"Tagger(only={only!r}): pandas cannot evaluate this ({error}). "
                "Columns here: " + ", ".join(str(name) for name in table.columns)
            ) from error
        return table.index.isin(found)
    mask = pd.Series(np.asarray(only) if not isinstance(only, pd.Series) else only.to_numpy())
    if len(mask) != len(table) or not mask.dropna().isin([True, False]).all():
        raise ValueError(
            "Tagger(only=...) takes a Boolean mask with one value a row of the predictions "
            f"({len(table):,}), or a pandas expression; it was given {len(mask):,} values "
            f"of {mask.dtype}."
        )
    return mask.astype("boolean").fillna(False).to_numpy(dtype=bool)


def why_empty(table: pd.DataFrame, only: Any) -> str:
    """What to say where there is nothing to tag."""
    within = inside(table, only)
    if not within.any():
        return "Nothing to tag: the filter (only=) keeps no item."
    if table["label"][within].isna().all():
        return "Nothing to tag: no item has a label, so nothing can be told an error."
    return (
        "Nothing to tag: every prediction here equals its label. "
        "Tagger(..., correct=50) shows correct items too."
    )


def build(
    table: pd.DataFrame,
    *,
    only: Any,
    correct: int | float,
    repeats: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The queue: ``item, repeat, sampling_rate`` in random order, so that any start is a sample."""
    counted = isinstance(correct, Real) and not isinstance(correct, bool)
    if not counted or correct < 0 or (isinstance(correct, float) and correct > 1):
        raise ValueError(
            f"Tagger(correct={correct!r}): give how many correct items to mix in (an int), "
            "or which share of them (a float from 0 to 1)."
        )
    if not 0 <= repeats <= 0.5:
        raise ValueError(
            f"Tagger(repeats={repeats!r}): give the share of items to show a second time, 0 to 0.5."
        )
    within = inside(table, only)
    wrong = errors(table)
    right = within & ~wrong & table["label"].notna().to_numpy()
    wanted = round(correct * right.sum()) if isinstance(correct, float) else correct
    drawn = rng.permutation(np.flatnonzero(right))[:wanted]
    rows = rng.permutation(np.concatenate([np.flatnonzero(within & wrong), drawn]))
    rate = len(drawn) / right.sum() if right.any() else 1.0
    queue = pd.DataFrame(
        {
            "item": table["item"].to_numpy()[rows],
            "repeat": 0,
            "sampling_rate": np.where(wrong[rows], 1.0, rate),
        }
    )
    return _with_repeats(queue, round(repeats * len(queue)), rng)


def _with_repeats(queue: pd.DataFrame, count: int, rng: np.random.Generator) -> pd.DataFrame:
    if not count:
        return queue
    gap = min(_REPEAT_GAP, len(queue) // 2)
    early = rng.choice(max(len(queue) - gap, 1), min(count, len(queue) - gap), replace=False)
    again = queue.iloc[early].assign(repeat=1)
    places = np.concatenate([np.arange(len(queue)), rng.uniform(early + gap, len(queue))])
    both = pd.concat([queue, again], ignore_index=True)
    return both.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)


@dataclass
class Said:
    """What one annotator has said of one slot: its events, and what holds now."""

    events: list[dict[str, Any]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    seen: bool = False
    note: str = ""

    def add(self, event: dict[str, Any]) -> None:
        """Work everything out again: an event taken back counts as never written."""
        self.events.append(event)
        self.tags, self.asked, self.seen, self.note = [], set(), False, ""
        gone = {e["undoes"] for e in self.events if e["undoes"]}
        for event in self.events:
            if event["id"] not in gone and not event["undoes"]:
                self._take(event["kind"], event["value"], event["vocabulary"])

    def _take(self, kind: str, value: str, vocabulary: Iterable[str]) -> None:
        if kind == "seen":
            self.seen = True
            self.asked.update(vocabulary)
        elif kind == "unseen":
            self.seen = False
            self.asked.clear()
        elif kind == "note":
            self.note = value
        elif kind in ("tag", "untag"):
            self.tags = [tag for tag in self.tags if tag != value]
            self.tags += [value] if kind == "tag" else []


class Progress:
    """The state of one annotator's slots: a fold over the journal's events, kept up to date."""

    def __init__(self, items: Iterable[str], vocabulary: Iterable[str]):
        self.vocabulary = list(vocabulary)
        self.history: list[dict[str, Any]] = []
        self._items = set(items)
        self._said: dict[Slot, Said] = {}
        self._known: set[str] = set()
        self._asked: Counter[str] = Counter()
        self._looked_at = 0

    def of(self, slot: Slot) -> Said:
        return self._said.get(slot) or Said()

    def apply(self, event: dict[str, Any]) -> bool:
        """Take an event in, once; False where it was known or is about an item not here."""
        if event["id"] in self._known or event["item"] not in self._items:
            return False
        self._known.add(event["id"])
        self.learn([*event["vocabulary"], *([event["value"]] if event["kind"] == "tag" else [])])
        slot = (event["item"], event["repeat"])
        said = self._said.setdefault(slot, Said())
        self._count(said, slot, -1)
        said.add(event)
        self._count(said, slot, 1)
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
            for (item, repeat), said in self._said.items()
            if repeat == 0 and said.seen and tag not in said.asked and tag not in said.tags
        ]

    def unchecked_counts(self) -> dict[str, int]:
        left = {tag: self._looked_at - self._asked[tag] for tag in self.vocabulary}
        return {tag: n for tag, n in left.items() if n}

    def _count(self, said: Said, slot: Slot, step: int) -> None:
        if said.seen and slot[1] == 0:
            self._looked_at += step
            for tag in said.asked.union(said.tags):
                self._asked[tag] += step

    def _remember(self, event: dict[str, Any]) -> None:
        """What undo can take back, the latest last."""
        if event["undoes"]:
            self.history = [e for e in self.history if e["id"] != event["undoes"]]
        elif event["kind"] != "label":
            self.history.append(event)


def renamed(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events with tags under their present names, as ``Journal.rename_tag`` left them."""
    events = list(events)
    undone = {event["undoes"] for event in events if event["undoes"]}
    names: dict[str, str] = {}
    out = []
    for event in reversed(events):  # a name holds for what was written before it
        if event["kind"] != "rename":
            words = [names.get(tag, tag) for tag in event["vocabulary"]]
            value = event["value"]
            if event["kind"] in ("tag", "untag"):
                value = names.get(value, value)
            out.append({**event, "value": value, "vocabulary": list(dict.fromkeys(words))})
        elif event["id"] not in undone and not event["undoes"]:
            old, new = event["vocabulary"]
            names[old] = names.get(new, new)
    return out[::-1]


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


def vocabulary(tags: Iterable[str]) -> list[str]:
    if isinstance(tags, str):
        raise ValueError(  # noqa: TRY004 - a wrong value to the person who typed it
            f"Tagger(tags={tags!r}): give a list of tags, such as [{tags!r}]."
        )
    clean = []
    for tag in tags:
        if not isinstance(tag, str) or not tag.strip() or not tag.isprintable() or len(tag) > 200:
            raise ValueError(
                f"a tag is one line of text with at most 200 characters; this one is "
                f"{str(tag)[:60]!r} ({type(tag).__name__}, {len(str(tag)):,} characters)."
            )
        clean.append(unicodedata.normalize("NFC", tag.strip()))
    return [tag for tag in dict.fromkeys(clean) if tag not in RESERVED_TAGS]


def without_prediction(table: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that give the prediction away."""
    wrong = pd.Series(errors(table))
    telling = ["prediction", "score"]
    for name in table.columns.difference(["item", "label", "prediction", "score"]):
        values = table[name]
        if values.map(np.ndim).gt(0).any():
            continue
        same = values.equals(table["prediction"])
        agrees = values.eq(wrong)
        if same or (values.isin([True, False]).all() and (agrees.all() or not agrees.any())):
            telling.append(name)
    return table.drop(columns=telling, errors="ignore")


def require_item(item: str, queued: Collection[str]) -> None:
    """Raise unless the item is one to be tagged here."""
    if item not in queued:
        raise ValueError(
            f"the item {item!r} is not in this tagger's queue of {len(queued):,} items."
            f"{_meant(item, queued)} tagger.queue lists them."
        )


def require_tag(tag: str, vocabulary: Collection[str]) -> str:
    """The tag, if it is on offer."""
    if tag in RESERVED_TAGS or tag in vocabulary:
        return tag
    short = str(tag)[:60]
    raise ValueError(
        f"the tag {short!r} is not on offer.{_meant(tag, vocabulary)} "
        f"tagger.new_tag({short!r}) offers it; "
        f"on offer: {', '.join(map(repr, vocabulary)) or 'none yet'}."
    )


def _meant(given: object, known: Collection[str]) -> str:
    near = difflib.get_close_matches(str(given), list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
