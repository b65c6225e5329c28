"""The three questions, answered from the journal: realistic, still clear, hard for the model?"""

import itertools
import json
import re
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _stats
from mlkit.tags import Journal
from mlkit.widgets._course import Judged
from mlkit.widgets._plan import Plan, words

GUIDE = "augment preview"
REALISTIC = "augment preview: realistic?"
CANT_TELL = "can't tell"
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
        self.load()

    def load(self) -> None:
        table = self.answers().astype(object)
        rows = table.where(table.notna(), None).to_dict("records")
        self.rows: dict[str, dict[Any, Any]] = {row["item"]: row for row in rows}
        events = self._journal.events(annotator=self._annotator)
        asked = events.loc[events["guide"] == GUIDE, "item"]
        self.revealed = {name.rpartition("~")[0] for name in asked}  # taken back or not

    def answers(self) -> pd.DataFrame:
        return answers(self._journal, annotator=self._annotator, sources=self._sources)

    def answered(self) -> dict[str, int]:
        """How many drawings of each item have an answer."""
        return dict(Counter(r["source"] for r in list(self.rows.values()) if r["answer"]))

    def write(self, answers: Iterable[tuple[Mapping[str, Any], Judged, Mapping[str, Any]]]) -> None:
        """Keep answers, what each is about and what the model says of it, all or none."""
        answers = list(answers)
        events: list[Mapping[str, Any]] = []
        for event, judged, guess in answers:
            # Whether it was blind is settled by the answer, not by what is said of it later.
            if event["guide"] == GUIDE or not self.rows.get(judged.item, {}).get("answer"):
                events.append(self._note(judged, guess))
            events.append({**event, "item": judged.item})
        self._journal.write([{**event, "annotator": self._annotator} for event in events])
        for event, judged, guess in answers:
            self._take(event, judged, guess)

    def add_guess(self, judged: Judged, guess: Mapping[str, Any]) -> None:
        """What a slow model says after the answer."""
        self._journal.write([{**self._note(judged, guess), "annotator": self._annotator}])
        if judged.item in self.rows:
            self.rows[judged.item]["prediction"] = guess["prediction"]

    def undo(self) -> str | None:
        """Take back the latest answer on these items that still stands."""
        events = self._journal.events(annotator=self._annotator)
        undone = set(events["undoes"].dropna())
        mine = events[events["guide"].isin([GUIDE, REALISTIC]) & events["undoes"].isna()]
        mine = mine[mine["item"].isin(set(self.rows)) & ~mine["id"].isin(undone)]
        if mine.empty:
            return None
        last = mine.iloc[-1]
        back = event(last["item"], last["guide"], "") | {"undoes": last["id"]}
        self._journal.write([{**back, "annotator": self._annotator}])
        self.load()
        return str(last["value"])

    def _note(self, judged: Judged, guess: Mapping[str, Any]) -> dict[str, Any]:
        about = {"source": judged.source, "steps": judged.steps, "blind": judged.blind}
        about |= {"label": self._truth.get(judged.source)}
        about |= {name: guess.get(name) for name in ("prediction", "score")}
        return {**event(judged.item, None, json.dumps(about)), "kind": "note"}

    def _take(self, event: Mapping[str, Any], judged: Judged, guess: Mapping[str, Any]) -> None:
        empty = dict.fromkeys(("answer", "realistic", "label", "prediction", "blind"))
        row = self.rows.setdefault(judged.item, {"source": judged.source, **empty})
        if event["guide"] == REALISTIC:
            row["realistic"] = event["value"] == "yes"
        else:
            label = self._truth.get(judged.source)
            row |= {"answer": event["value"], "label": label, "blind": judged.blind}
            row["prediction"] = guess.get("prediction")


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


def answers(journal: Journal, *, annotator: str, sources: Collection[str]) -> pd.DataFrame:
    """One row a drawing that was judged; what was not asked, or not answered, is missing."""
    said = journal.annotations(annotator=annotator)
    said = said[said["guide"].isin([GUIDE, REALISTIC])]
    notes = journal.notes(annotator=annotator)
    about = dict(zip(notes["item"], map(_about, notes["note"]), strict=True))
    rows: dict[str, dict[str, Any]] = {}
    for one in said.to_dict("records"):
        note = about.get(one["item"], {})
        if note.get("source") not in sources:
            continue
        row = rows.setdefault(one["item"], {"item": one["item"], **_hidden(note)})
        row["at"] = one["at"]
        if one["guide"] == REALISTIC:
            row["realistic"] = one["label"] == "yes"
        else:
            row |= {"answer": one["label"], "duration_s": one["duration_s"], **note}
    table = pd.DataFrame(rows.values(), columns=list(_COLUMNS))
    texts = dict.fromkeys(("item", "source", "steps", "label", "answer", "prediction"), "string")
    numbers = {"score": "float64", "duration_s": "float64"}
    table = table.astype({**texts, **numbers, "realistic": "boolean", "blind": "boolean"})
    return table.assign(at=pd.to_datetime(table["at"], utc=True))


def _about(note: str) -> dict[str, Any]:
    try:
        found = json.loads(note)
    except ValueError:
        return {}  # a note that a person wrote
    return found if isinstance(found, dict) else {}


def _hidden(note: Mapping[str, Any]) -> dict[str, Any]:
    """What may be known of a drawing before it is answered."""
    return {name: note[name] for name in ("source", "steps")}


def evidence(plan: Plan, table: pd.DataFrame, *, bins: int) -> pd.DataFrame:
    """Shares with intervals (Wilson, 1927) over everything, and by what was set."""
    rows = [_row("all", "", np.nan, np.nan, table)]
    drawn = [{step["place"]: step for step in json.loads(steps)} for steps in table["steps"]]
    for key, control in plan.controls.items():
        name = plan.functions[control.place]
        steps = [d.get(control.place) for d in drawn]
        steps = [s if s and s["function"] == name else None for s in steps]
        if control.parameter is None:
            done = np.array([step is not None for step in steps], bool)
            if not done.all():
                rows.append(_row(key, "not done", np.nan, np.nan, table[~done]))
            continue
        values = [s["parameters"].get(control.parameter) if s else None for s in steps]
        if control.choices:
            for text, choice in zip(map(words, control.choices), control.stored(), strict=True):
                inside = np.array([value == choice for value in values], bool)
                rows.append(_row(key, text, np.nan, np.nan, table[inside]))
            continue
        number = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").to_numpy(float)
        edges = np.linspace(control.low, control.high, bins + 1)
        for low, high in itertools.pairwise(edges):
            inside = (number >= low) & ((number <= high) if high == edges[-1] else (number < high))
            rows.append(_row(key, f"{low:.3g} to {high:.3g}", low, high, table[inside]))
    return pd.DataFrame(rows)


def _row(parameter: str, text: str, low: float, high: float, part: pd.DataFrame) -> dict[str, Any]:
    known = part["label"].notna()
    blind = part[known & part["blind"].fillna(False) & part["answer"].notna()]
    guessed = part[known & part["prediction"].notna()]
    judged = part[part["realistic"].notna()]
    return {
        "parameter": parameter,
        "range": text,
        "low": low,
        "high": high,
        "n": len(part),
        **_share("people", "people_right", (blind["answer"] == blind["label"]).sum(), len(blind)),
        **_share(
            "model", "model_right", (guessed["prediction"] == guessed["label"]).sum(), len(guessed)
        ),
        **_share("realistic", "realistic", judged["realistic"].sum(), len(judged)),
    }


def _share(what: str, name: str, hits: Any, n: int) -> dict[str, Any]:
    """How many were asked, and which share of them, with its interval."""
    low, high = _stats.wilson(int(hits), n)
    share = int(hits) / n if n else np.nan
    return {f"{what}_n": n, name: share, f"{name}_low": float(low), f"{name}_high": float(high)}


def sentence(rows: Iterable[Mapping[str, Any]], *, model: bool) -> str:
    """The line in the widget, from the records of the drawings judged so far."""
    rows = list(rows)
    blind = [r for r in rows if r["blind"] and r["answer"] and r["label"]]
    right = sum(r["answer"] == r["label"] for r in blind)
    guessed = [r for r in rows if r["prediction"] and r["answer"] and r["label"]]
    hits = sum(r["prediction"] == r["label"] for r in guessed)
    judged = [r["realistic"] for r in rows if r["realistic"] is not None]
    known = sum(bool(r["answer"]) and not r["blind"] for r in rows)
    parts = [f"you {right} of {len(blind)} right" if blind else "no blind answer yet"]
    parts[0] += f" ({known} more not blind)" if known else ""
    if model:
        parts.append(
            f"the model {hits} of {len(guessed)}" if guessed else "the model not asked yet"
        )
    parts.append(
        f"realistic {sum(judged)} of {len(judged)}" if judged else "realism not yet judged"
    )
    return "; ".join(parts)


def by_number(name: str) -> list[Any]:
    """Class 2 comes before class 10."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if place % 2 else part.lower() for place, part in enumerate(parts)]
