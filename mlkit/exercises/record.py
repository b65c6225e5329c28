"""What was solved: one readable JSON file beside the notebook, written whole or not at all."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from mlkit import _files, _show
from mlkit.exercises import lifecycle

# Beside the notebook: Jupyter starts a kernel in its notebook's folder.
PLACE = Path("work") / "progress.json"
FORMAT = 1
MARKS = {"correct": "✔", "not quite": "△", "open": "○"}
COLUMNS = ["exercise", "notebook", "state", "tries", "last_try"]


@dataclass(frozen=True)
class Progress:
    """How many exercises are solved, and where each stands."""

    correct: int
    n: int
    table: pd.DataFrame
    note: str = ""

    def __repr__(self) -> str:
        """The sentence."""
        sentence = f"{self.correct} of {self.n} exercises solved."
        return f"{sentence} {self.note}".strip()

    def _repr_html_(self) -> str:
        """The lifecycle with a bar for each notebook, then a mark for each exercise.

        Shape and word stand beside each colour.
        """
        rows = []
        for notebook, part in self.table.groupby("notebook", sort=True):
            marks = [
                f"{MARKS.get(state, MARKS['open'])} {name.split('.', 1)[-1]}"
                for name, state in zip(part["exercise"], part["state"], strict=True)
            ]
            solved = f"{(part['state'] == 'correct').sum()} of {len(part)}"
            rows.append({"notebook": str(notebook), "solved": solved, "each": "  ".join(marks)})
        columns = {
            "notebook": "notebook",
            "solved": "solved",
            "each": f"{MARKS['correct']} correct  {MARKS['not quite']} not quite  "
            f"{MARKS['open']} open",
        }
        html = _show.table_html(rows, columns=columns, text=("notebook", "each"))
        return _show.result_html(repr(self), lifecycle.strip_html(self.table) + html)


def progress(known: Iterable[tuple[str, str]], place: Path = PLACE) -> Progress:
    """Where each known exercise (id, notebook) stands."""
    entries, note = _read(place)
    rows = []
    for name, notebook in known:
        entry = entries.get(name, {})
        state = entry.get("state", "open")
        last = str(entry.get("last_try", ""))[:16].replace("T", " ")
        rows.append((name, notebook, state, int(entry.get("tries", 0)), last))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return Progress(int((table["state"] == "correct").sum()), len(table), table, note)


def remember(name: str, state: str, place: Path = PLACE) -> str:
    """Add a try; gives what there is to say about the file, "" if nothing.

    Solved stays solved: running the notebook again changes nothing.
    """
    entries, note = _read(place)
    entry = entries.get(name, {})
    if entry.get("state") == "correct":
        return note
    tries = int(entry.get("tries", 0)) + 1
    now = datetime.now(UTC).isoformat(timespec="seconds")
    entries[name] = {"state": state, "tries": tries, "last_try": now}
    content = json.dumps({"format": FORMAT, "exercises": entries}, indent=2, sort_keys=True)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _files.write_atomic(place, content + "\n")
    except OSError as error:
        return f"{note} Not kept: {place} cannot be written ({error.strerror}).".strip()
    return note


def _read(place: Path) -> tuple[dict[str, dict[str, Any]], str]:
    """The entries by exercise; a file that cannot be read as such is put aside, and said."""
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"{place} cannot be read ({error.strerror}); what it says is not counted."
    except UnicodeDecodeError:
        return {}, _put_aside(place)
    try:
        entries = json.loads(text)["exercises"]
        for entry in entries.values():
            int(entry.get("tries", 0))
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}, _put_aside(place)
    return entries, ""


def _put_aside(place: Path) -> str:
    number = 1
    while (aside := place.with_name(f"progress-damaged-{number}.json")).exists():
        number += 1
    try:
        place.rename(aside)
    except OSError as error:
        return f"{place} is damaged and cannot be moved aside ({error.strerror})."
    return f"{place} was damaged: it is kept as {aside.name}, and counting starts anew."
