"""The folder of takes: sound files, a log that is only added to, and the table made of it."""

import contextlib
import hashlib
import io
import json
import os
import re
import threading
import time
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _files
from mlkit.widgets._voice import Voice

COLUMNS = ["item", "label", "speaker", "path", "rate_hz", "duration_s", "consent", "at", "take"]
_LOG, _TABLE, _LOCK = "takes.jsonl", "recordings.csv", ".lock"
_WAIT_S = 10.0
_LEFT_OVER = re.compile(r"\.[0-9a-f]{32}\.tmp")
_FIELDS = {
    "take": {"id", "at", "speaker", "label", "take", "file", "rate_hz", "duration_s"},
    "consent": {"id", "at", "speaker"},
    "undo": {"id", "undoes"},
    "withdraw": {"speaker"},
    "withdrawn": {"takes"},
}

Slot = tuple[str, str, int]  # speaker, label, take


class _BusyError(Exception):
    """Another notebook is writing its take just now."""


@dataclass
class State:
    """What the log adds up to: who consented, which take stands in each slot, and all takes."""

    consents: dict[str, dict[str, Any]] = field(default_factory=dict)
    slots: dict[Slot, list[dict[str, Any]]] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    undone: set[str] = field(default_factory=set)
    unread: int = 0

    def apply(self, event: dict[str, Any]) -> None:
        """Add one event."""
        op = event["op"]
        if op == "consent":
            self.consents[event["speaker"]] = event
        elif op == "take":
            self.slots.setdefault(slot_of(event), []).append(event)
            self.history.append(event)
        elif op == "undo":
            self.undone.add(event["undoes"])
            for stack in self.slots.values():
                stack[:] = [take for take in stack if take["id"] != event["undoes"]]
        elif op == "withdraw":
            who = event["speaker"]
            self.consents.pop(who, None)
            self.slots = {slot: stack for slot, stack in self.slots.items() if slot[0] != who}
            self.history = [take for take in self.history if take["speaker"] != who]

    def leave_out_all_but(self, there: set[str]) -> None:
        """A take whose file somebody moved away does not count, until it is back."""
        for stack in self.slots.values():
            stack[:] = [take for take in stack if take["file"] in there]

    def kept(self, speaker: str | None = None) -> list[dict[str, Any]]:
        """The take that counts in each slot, in the order in which they were made."""
        current = {stack[-1]["id"] for stack in self.slots.values() if stack}
        mine = (take for take in self.history if speaker in (None, take["speaker"]))
        return [take for take in mine if take["id"] in current]

    def last(self, speaker: str) -> dict[str, Any] | None:
        """The latest take of somebody that was not taken back."""
        mine = (take for take in reversed(self.history) if take["speaker"] == speaker)
        return next((take for take in mine if take["id"] not in self.undone), None)


class Takes:
    """Written by several notebooks at once: each adds its lines while it alone has the lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        self._state, self._seen = State(), (-1, -1)
        if self._log.exists():
            with self._alone():
                self._finish_withdrawals()
                self._write_table()

    @property
    def _log(self) -> Path:
        return self.folder / _LOG

    def state(self) -> State:
        """What the log says now; read again when somebody wrote to it."""
        with self._lock:
            try:
                about = self._log.stat()
                seen = (about.st_ino, about.st_size)
            except FileNotFoundError:
                seen = (0, 0)
            if seen != self._seen:
                self._state, self._seen = _fold(_read(self._log)), seen
                self._state.leave_out_all_but({path.name for path in self.folder.glob("*.wav")})
            return self._state

    def consent(self, speaker: str, text: str) -> dict[str, Any]:
        """Write down that somebody agreed, and to what."""
        with self._alone():
            event = {"op": "consent", "id": new_id(), "at": now(), "speaker": speaker, "text": text}
            self._add(event)
            return event

    def add(self, take: dict[str, Any], voice: Voice, *, replaces: str | None) -> dict[str, Any]:
        """Write the sound, then the line, then the table; a take that is there already stays.

        It stands in its slot only where the take that it is to replace still does: if another
        notebook was quicker, it gets the next free number.
        """
        with self._alone():
            state = self.state()
            known = [one for one in state.history if one["id"] == take["id"]]
            if known:
                return known[0]
            take = {"op": "take", **take}
            stack = state.slots.get(slot_of(take), [])
            if (stack[-1]["id"] if stack else None) != replaces:
                take["take"] = free(state, take["speaker"], take["label"])
            take["file"] = f"{item_of(take)}-{take['id'][:8]}.wav"
            take |= {"rate_hz": voice.rate_hz, "duration_s": voice.duration_s}
            take |= {"level_dbfs": round(voice.level_dbfs, 2), "gain_db": round(voice.gain_db, 2)}
            take |= {"clipped": voice.clipped, "remarks": list(voice.remarks)}
            _files.write_atomic(self.folder / take["file"], wav(voice))
            self._add(take)
            self._write_table()
            return take

    def undo(self, speaker: str) -> dict[str, Any] | None:
        """Take back somebody's latest take: its file goes, and the one before it counts again."""
        with self._alone():
            last = self.state().last(speaker)
            if last is None:
                return None
            self._add({"op": "undo", "id": new_id(), "at": now(), "undoes": last["id"]})
            self._write_table()
            (self.folder / last["file"]).unlink(missing_ok=True)
            return last

    def withdraw(self, speaker: str) -> int:
        """Delete every file and every line of somebody; returns how many takes counted."""
        with self._alone():
            count = len(self.state().kept(speaker))
            self._add({"op": "withdraw", "speaker": speaker, "takes": count})
            self._finish_withdrawals()
            self._write_table()
            return count

    def table(self, speaker: str | None = None) -> pd.DataFrame:
        """The table of ``recordings.csv``; ``path`` is the file's name."""
        state = self.state()
        rows = [
            {**take, "item": item_of(take), "path": take["file"], "consent": _given(state, take)}
            for take in state.kept(speaker)
        ]
        kinds = {"rate_hz": int, "duration_s": float, "take": int}
        return pd.DataFrame(rows, columns=COLUMNS).astype(kinds)

    # Writing

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + _WAIT_S
        with self._lock, contextlib.ExitStack() as held:
            while True:
                try:
                    held.enter_context(_files.alone(self.folder / _LOCK, busy=_BusyError()))
                    break
                except _BusyError:
                    if time.monotonic() > deadline:
                        raise TimeoutError(
                            f"another program has held {self.folder / _LOCK} for "
                            f"{_WAIT_S:.0f} s; end it, and this take is kept."
                        ) from None
                    time.sleep(0.02)
            yield

    def _add(self, event: dict[str, Any]) -> None:
        """One line more, on the disk when this returns."""
        line = json.dumps(event, ensure_ascii=False).encode() + b"\n"
        with self._log.open("ab+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # the last line was cut short by a kill
                    line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _write_table(self) -> None:
        text = self.table().to_csv(index=False, lineterminator="\n")
        target = self.folder / _TABLE
        if not target.exists() or target.read_bytes() != text.encode():
            _files.write_atomic(target, text)

    def _finish_withdrawals(self) -> None:
        """Delete what a withdrawal asks for, also where an earlier attempt was cut short."""
        events = _read(self._log)[0]
        asked = [event for event in events if event["op"] == "withdraw"]
        if not asked:
            return
        for event in asked:
            mine = re.compile(rf"[^_]+_{re.escape(slug(event['speaker']))}_\d+-[0-9a-f]{{8}}\.wav")
            for path in self.folder.iterdir():
                if mine.fullmatch(path.name) or _LEFT_OVER.fullmatch(path.name):
                    path.unlink(missing_ok=True)
        # A line that nobody can read may be about them too: only what is read stays.
        left: list[dict[str, Any]] = []
        for event in events:
            if event["op"] == "withdraw":
                who = event["speaker"]
                left = [one for one in left if one.get("speaker") != who]
                left.append({"op": "withdrawn", "at": now(), "takes": event.get("takes", 0)})
            else:
                left.append(event)
        known = {one["id"] for one in left if one["op"] == "take"}
        left = [one for one in left if one["op"] != "undo" or one["undoes"] in known]
        lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in left]
        _files.write_atomic(self._log, "".join(lines))


def _read(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The events of a log, and how many lines cannot be read."""
    events, unread = [], 0
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for line in filter(None, lines):
        try:
            event = json.loads(line)
            whole = _FIELDS[event["op"]] <= event.keys()
        except (ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if whole:
            events.append(event)
        unread += not whole
    return events, unread


def _fold(read: tuple[list[dict[str, Any]], int]) -> State:
    state = State(unread=read[1])
    for event in read[0]:
        state.apply(event)
    return state


def _given(state: State, take: dict[str, Any]) -> str:
    consent = state.consents.get(take["speaker"])
    return f"given {consent['at']}" if consent else ""


def slot_of(take: dict[str, Any]) -> Slot:
    """Whose, of what, and which."""
    return take["speaker"], take["label"], take["take"]


def item_of(take: dict[str, Any]) -> str:
    """The item's name: label, speaker and number, as in the Free Spoken Digit Dataset."""
    return f"{slug(take['label'])}_{slug(take['speaker'])}_{take['take']}"


def free(state: State, speaker: str, label: str) -> int:
    """The first number from 1 that somebody has no take of."""
    number = 1
    while state.slots.get((speaker, label, number)):
        number += 1
    return number


def slug(name: str) -> str:
    """A name that any file system takes; one that had to change ends in a piece of its hash.

    >>> slug("seven"), slug("a/b"), slug("sieben Straße"), slug("七")
    ('seven', 'a-b-c14cddc0', 'sieben-Strae-9e6f1623', 'x-1b054287')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:40]
    same = re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", name) and len(name) <= 40
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return name if same else f"{plain or 'x'}-{digest}"


def wav(voice: Voice) -> bytes:
    """The bytes of the file: PCM, 16 bits, one channel."""
    import soundfile

    out = io.BytesIO()
    soundfile.write(out, voice.samples, voice.rate_hz, format="WAV", subtype="PCM_16")
    return out.getvalue()


def new_id() -> str:
    """A name that nobody else gives."""
    return uuid.uuid4().hex


def now() -> str:
    """This moment, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def buffer(data: Any) -> np.ndarray:
    """Samples as the browser sends them: 32-bit floats, little-endian."""
    return np.frombuffer(bytes(data), dtype="<f4")
