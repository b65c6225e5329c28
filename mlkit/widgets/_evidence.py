"""What was answered of each drawing, in the journal: realistic, still clear, and what it was."""

import json
import re
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from mlkit.tags import Journal
from mlkit.widgets._course import Judged

GUIDE = "augment preview"
REALISTIC = "augment preview: realistic?"
_COLUMNS = (
    "item",
    "source",
    "steps",
    "label",
    "answer",
    "prediction",
    "score",
    "realistic",
    "blind",
    "at",
    "duration_s",
)


class Said:
    """What one annotator said of drawings of these items; the journal is the truth."""

    def __init__(
        self, journal: Journal, annotator: str, sources: Collection[str], truth: Mapping[str, str]
    ) -> None:
        self._journal, self._annotator = journal, annotator
        self._sources, self._truth = set(sources), dict(truth)
        self._known, self._own = (
            set[str](),
            set[str](),
        )  # ids: of all events, and of those from here
        self.load()

    def load(self) -> None:
        """As the journal has it, with what another tab or kernel wrote since."""
        events = self._journal.events(annotator=self._annotator)
        ids = set(events["id"])
        if ids == self._known and ids:
            return
        self._known = ids
        table = answers(events, sources=self._sources).astype(object)
        rows = table.where(table.notna(), None).to_dict("records")
        self.rows: dict[str, dict[Any, Any]] = {row["item"]: row for row in rows}
        asked = events[events["guide"] == GUIDE]  # taken back or not
        self.revealed = {name.rpartition("~")[0] for name in asked["item"]}
        others = asked.loc[~asked["id"].isin(self._own), "item"]
        self._elsewhere = {name.rpartition("~")[0] for name in others}

    def answers(self) -> pd.DataFrame:
        events = self._journal.events(annotator=self._annotator)
        return answers(events, sources=self._sources)

    def answered(self) -> dict[str, int]:
        """How many drawings of each item have an answer."""
        return dict(Counter(r["source"] for r in list(self.rows.values()) if r["answer"]))

    def write(self, answers: Iterable[tuple[Mapping[str, Any], Judged, Mapping[str, Any]]]) -> None:
        """Keep answers, what each is about and what the model says of it, all or none."""
        self.load()
        answers = [
            # Who saw the label in another tab meanwhile is not blind in this one.
            (event, replace(judged, blind=judged.blind and judged.source not in self._elsewhere), g)
            for event, judged, g in answers
            if event["id"] not in self._known  # else it is sent a second time
        ]
        events: list[Mapping[str, Any]] = []
        for event, judged, guess in answers:
            # Whether it was blind is settled by the answer, not by what is said of it later.
            if event["guide"] == GUIDE or not self.rows.get(judged.item, {}).get("answer"):
                events.append(self._note(judged, guess, of=event["id"]))
            events.append({**event, "item": judged.item})
        self._keep(events)
        for event, judged, guess in answers:
            self._take(event, judged, guess)

    def add_guess(self, judged: Judged, guess: Mapping[str, Any]) -> None:
        """What a slow model says after the answer."""
        row = self.rows.get(judged.item, {})
        self._keep([self._note(replace(judged, blind=row.get("blind", judged.blind)), guess)])
        if row:
            row["prediction"] = guess["prediction"]

    def undo(self) -> str | None:
        """Take back the latest answer on these items that still stands."""
        events = self._journal.events(annotator=self._annotator)
        undone = set(events["undoes"].dropna())
        mine = events[events["guide"].isin([GUIDE, REALISTIC]) & events["undoes"].isna()]
        mine = mine[mine["item"].isin(set(self.rows)) & ~mine["id"].isin(undone)]
        if mine.empty:
            return None
        last = mine.iloc[-1]
        self._keep([event(last["item"], last["guide"], "") | {"undoes": last["id"]}])
        self._known = set()  # what holds now is to be read again
        self.load()
        return str(last["value"])

    def _keep(self, events: Iterable[Mapping[str, Any]]) -> None:
        mine = [{**event, "annotator": self._annotator} for event in events]
        written = set(self._journal.write(mine))
        self._own |= written
        self._known |= written

    def _note(
        self, judged: Judged, guess: Mapping[str, Any], *, of: str | None = None
    ) -> dict[str, Any]:
        about = {"source": judged.source, "steps": judged.steps, "blind": judged.blind}
        about |= {"of": of} if of else {}
        about |= {"label": self._truth.get(judged.source)}
        about |= {name: guess.get(name) for name in ("prediction", "score")}
        return {**event(judged.item, None, json.dumps(about)), "kind": "note"}

    def _take(self, event: Mapping[str, Any], judged: Judged, guess: Mapping[str, Any]) -> None:
        empty = dict.fromkeys(("answer", "realistic", "label", "prediction", "blind"))
        row = self.rows.setdefault(judged.item, {"source": judged.source, **empty})
        if event["guide"] == REALISTIC:
            row["realistic"] = event["value"] == "yes"
        else:
            self.revealed.add(judged.source)
            row["prediction"] = guess.get("prediction") or row["prediction"]
            if not row["blind"]:  # as in answers(): the first blind one counts
                label = self._truth.get(judged.source)
                row |= {"answer": event["value"], "label": label, "blind": judged.blind}


def event(item: str, guide: str | None, value: str) -> dict[str, Any]:
    """An answer as the journal keeps it."""
    made = {"id": uuid.uuid4().hex, "at": datetime.now(UTC).isoformat(), "item": item}
    return {**made, "kind": "label", "value": value, "guide": guide}


def from_browser(event: Mapping[str, Any]) -> dict[str, Any]:
    """An answer that the widget sent, and nothing else."""
    if event.get("kind") != "label" or event.get("guide") not in (GUIDE, REALISTIC):
        raise ValueError("the widget sent what is no answer")
    names = ("id", "at", "item", "kind", "value", "guide", "duration_s")
    return {name: event[name] for name in names if name in event}


def answers(events: pd.DataFrame, *, sources: Collection[str]) -> pd.DataFrame:
    """One row a drawing that was judged; what was not asked, or not answered, is missing.

    The first blind answer that was not taken back counts, whatever is said after it: whoever
    answers a second time has read the label.
    """
    gone = set(events["undoes"].dropna())
    standing = events[events["undoes"].isna() & ~events["id"].isin(gone)]
    about, blind = _notes(standing[standing["kind"] == "note"])
    said = standing[standing["guide"].isin([GUIDE, REALISTIC]) & (standing["value"] != "")]
    rows: dict[str, dict[str, Any]] = {}
    for one in said.to_dict("records"):
        note = about.get(one["item"], {})
        if note.get("source") not in sources:
            continue
        row = rows.setdefault(one["item"], {"item": one["item"], **_hidden(note)})
        if one["guide"] == REALISTIC:
            row |= {"realistic": one["value"] == "yes", "at": one["at"]}
        elif not row.get("blind"):
            row |= {**note, "blind": blind.get(one["id"], note["blind"]), "answer": one["value"]}
            row |= {"duration_s": one["duration_s"], "at": one["at"]}
    table = pd.DataFrame(rows.values(), columns=list(_COLUMNS))
    texts = dict.fromkeys(("item", "source", "steps", "label", "answer", "prediction"), "string")
    numbers = {"score": "float64", "duration_s": "float64"}
    table = table.astype({**texts, **numbers, "realistic": "boolean", "blind": "boolean"})
    return table.assign(at=pd.to_datetime(table["at"], utc=True))


def _notes(notes: pd.DataFrame) -> tuple[dict[str, dict[str, Any]], dict[str, bool]]:
    """What each drawing is, with the last guess of the model; and which answers were blind."""
    about: dict[str, dict[str, Any]] = {}
    blind: dict[str, bool] = {}
    for item, text in zip(notes["item"], notes["value"], strict=True):
        found = _about(text)
        if "source" not in found:
            continue
        before = about.get(item, {})
        guess = found if found["prediction"] is not None else {**found, **before}
        found |= {name: guess.get(name) for name in ("prediction", "score")}
        if "of" in found:  # a note is of one answer; what a slow model says later is of none
            blind[found["of"]] = found["blind"]
        about[item] = found
    return about, blind


def _about(note: str) -> dict[str, Any]:
    try:
        found = json.loads(note)
    except ValueError:
        return {}  # a note that a person wrote
    return found if isinstance(found, dict) else {}


def _hidden(note: Mapping[str, Any]) -> dict[str, Any]:
    """What may be known of a drawing before it is answered."""
    return {name: note[name] for name in ("source", "steps")}


def by_number(name: str) -> list[Any]:
    """Class 2 comes before class 10."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if place % 2 else part.lower() for place, part in enumerate(parts)]
