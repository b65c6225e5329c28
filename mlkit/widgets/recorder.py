"""Record one's own voice, prompt by prompt."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets

from mlkit.widgets import _comm, _feed, _pace, _queue, _sound, _takes, _voice
from mlkit.widgets._pace import Pace
from mlkit.widgets._takes import Takes
from mlkit.widgets._voice import TakeError

_NAME = "Recorder"
_HERE = Path(__file__).parent
_PARTS = ("keys", "events", "outbox", "media", "frame", "microphone", "takebox", "recorder")
_MOST_TAKES = 1000


class Recorder(anywidget.AnyWidget):
    """Data from your own voice: a prompt, a key, a take; nothing leaves the machine.

    A take is one channel at ``rate_hz``, cut to the sound and 30 ms around it (a moment sounds
    10 dB above the quietest tenth, held to 25 to 40 dB below the loudest), brought to -20 dB of
    full scale (RMS; peaks at most -1 dB, gain at most 40 dB). It counts as kept once file and row
    of ``recordings.csv`` are written; until then it waits in the browser.

    Parameters
    ----------
    prompts
        The labels, or label -> the text to be read.
    folder
        Where files and table lie; several notebooks and people may share it.
    speaker
        An alias; a real name is not needed.
    takes
        Of each prompt, round after round.
    rate_hz
        16,000 is what speech models take; ``features.mfcc`` brings it down to 8,000 itself.
    purpose
        What one agrees to, after "used to".
    longest_s
        Where a take ends by itself, 1 to 30.
    shuffle
        Mixes each round, the same way every time: counting up sounds like counting.

    Examples
    --------
    >>> import numpy as np
    >>> recorder = Recorder(["yes", "no"], folder=getfixture("tmp_path"), takes=1)
    >>> recorder.consent()
    >>> tone = 0.1 * np.sin(np.arange(8000) / 5)
    >>> recorder.add("yes", tone, rate_hz=16_000)["item"]
    'yes_me_1'
    >>> recorder.takes()[["label", "speaker", "rate_hz", "duration_s", "take"]].values.tolist()
    [['yes', 'me', 16000, 0.5, 1]]
    """

    _esm = "\n".join((_HERE / f"{name}.js").read_text("utf-8") for name in _PARTS)
    _css = "\n".join((_HERE / f"{name}.css").read_text("utf-8") for name in ("surface", "recorder"))
    pending_key = traitlets.Unicode().tag(sync=True)

    def __init__(  # noqa: D107 - told above
        self,
        prompts: Iterable[str] | Mapping[str, str],
        *,
        folder: str | os.PathLike[str] = "work/voice",
        speaker: str = "me",
        takes: int = 3,
        rate_hz: int = 16_000,
        purpose: str = "train and test the models of these notebooks",
        longest_s: float = 10,
        shuffle: bool = True,
    ) -> None:
        self._prompts = _prompts(prompts)
        (self.speaker,) = _queue.names([speaker], "speaker", function=_NAME)
        (self._purpose,) = _queue.names([purpose], "purpose", function=_NAME)
        self._rate_hz = _voice.rate(rate_hz, f"{_NAME}(rate_hz=...) of files: rate_hz")
        self._longest_s = _longest(longest_s)
        self._slots = _order(list(self._prompts), _takes_of(takes), shuffle=shuffle)
        self.folder = Path(folder).expanduser().resolve()
        self._takes = Takes(self.folder)
        self._lock = threading.RLock()
        self._drawer = _feed.Feed(self._send_sound)
        whose = hashlib.sha256(f"{self.folder}\n{self.speaker}".encode()).hexdigest()[:16]
        super().__init__(pending_key=whose)
        _comm.hear_while_busy(self)
        _comm.hear_quietly(self)
        self.on_msg(lambda _widget, content, buffers: self._try(content, buffers))

    # What a person types

    @property
    def consent_text(self) -> str:
        """What one agrees to before the first take."""
        return (
            f"I agree that recordings of my voice are kept in the folder {self.folder} of the "
            f"machine on which this notebook runs, under the alias “{self.speaker}”, and are used "
            f"to {self._purpose}. They are sent nowhere else. I can withdraw at any time: then "
            "they are deleted."
        )

    def consent(self) -> None:
        """Agree to ``consent_text``; without it nothing is recorded."""
        with self._lock:
            if self.speaker not in self._takes.state().consents:
                self._takes.consent(self.speaker, self.consent_text)
            self._send_state()

    def withdraw(self) -> str:
        """Take the consent back: this speaker's files and rows are deleted; says how many."""
        with self._lock:
            count = self._takes.withdraw(self.speaker)
            takes = "1 take is" if count == 1 else f"{count:,} takes are"
            said = f"The consent is withdrawn: {takes} deleted, files and rows."
            self._send_state(withdrawn=said)
        return said

    def add(
        self,
        label: str,
        samples: Any,
        *,
        rate_hz: int,
        take: int | None = None,
        at: str | None = None,
    ) -> dict[str, Any]:
        """Keep samples as a take, as if they had been spoken.

        ``take`` is the number that it replaces or fills (the first free one by default), ``at``
        when it was made (now). Returns its row; raises ``TakeError``, a ValueError, where nothing
        can be heard.
        """
        with self._lock:
            state = self._takes.state()
            number = take or _takes.free(state, self.speaker, str(label))
            stack = state.slots.get((self.speaker, str(label), number))
            about = {"id": _takes.new_id(), "at": _when(at), "label": label, "take": number}
            replaces = stack[-1]["id"] if stack else None
            kept = self._keep(about, samples, rate_hz, replaces=replaces)
            self._send_state()
        table = self.takes()
        row = table[table["item"] == _takes.item_of(kept)].iloc[0]
        return {str(name): value for name, value in row.items()}

    def undo(self) -> str | None:
        """Take the latest take back, and the one it replaced counts again; its item, or None."""
        with self._lock:
            last = self._takes.undo(self.speaker)
            self._send_state(undone=last["id"] if last else "")
        return _takes.item_of(last) if last else None

    def takes(self) -> pd.DataFrame:
        """This speaker's takes, one row each.

        Returns
        -------
        DataFrame
            ``item, label, speaker, path`` (absolute; ``recordings.csv``, which has all speakers,
            keeps the file's name), ``rate_hz, duration_s, consent, at`` (UTC), ``take``.
        """
        table = self._takes.table(self.speaker)
        return table.assign(path=[str(self.folder / name) for name in table["path"]])

    def pace(
        self, m: int = 1000, *, takes: pd.DataFrame | None = None, pause_s: float = 60
    ) -> Pace:
        """How long do ``m`` examples take, at the pace of those made?

        From the time between one take and the next; retakes count as time, breaks of more than
        ``pause_s`` do not. The interval holds the time of m further examples if they are like
        these (m x mean -/+ t x s x m x sqrt(1/n + 1/m); Hahn and Meeker, 1991); below three
        examples it is NaN. ``takes`` is another table with ``item, at``, such as
        ``datasets.load_example_voice()``.
        """
        if takes is None:
            return _pace.pace(self._clock(), m=m, pause_s=pause_s)
        missing = sorted({"item", "at"} - set(takes.columns))
        if missing:
            raise ValueError(
                f"Recorder.pace(takes=...) needs the columns item and at; {', '.join(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} missing."
            )
        return _pace.pace(takes[["item", "at"]].assign(kept=True), m=m, pause_s=pause_s)

    def refresh(self) -> None:
        """Read the folder again: what other notebooks wrote since."""
        with self._lock:
            self._send_state()

    def __repr__(self) -> str:
        """One line that also serves where no widget can be shown."""
        done = sum(slot is not None for slot in self._kept())
        first = next(iter(self._prompts))
        return (
            f"{_NAME}: {done:,} of {len(self._slots):,} takes of {self.speaker!r} in "
            f"{self.folder}. To go on, run this cell in JupyterLab, or use recorder.consent() and "
            f"recorder.add({first!r}, samples, rate_hz=...). Without a microphone, "
            "datasets.load_example_voice() is an example speaker."
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/plain"] = repr(self)
        return bundle

    # Keeping

    def _keep(
        self, about: dict[str, Any], samples: Any, rate_hz: Any, *, replaces: str | None
    ) -> dict[str, Any]:
        self._require_consent()
        if about["label"] not in self._prompts:
            raise TakeError(
                f"there is no prompt {str(about['label'])[:60]!r} here; the labels are "
                f"{', '.join(map(repr, list(self._prompts)[:12]))}."
            )
        number = about["take"]
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise TakeError(f"take={number!r}: takes are numbered 1, 2, 3.")
        voice = _voice.prepare(samples, rate_hz, to_hz=self._rate_hz)
        take = {**about, "speaker": self.speaker, "recorded_hz": int(rate_hz)}
        return self._takes.add(take, voice, replaces=replaces)

    def _require_consent(self, given: str | None = None) -> None:
        """Nothing is kept without consent, nor under one that was withdrawn since."""
        consent = self._takes.state().consents.get(self.speaker)
        if consent is None:
            raise TakeError(
                f"{self.speaker!r} has not agreed to be recorded: tick the box in the widget, or "
                "read recorder.consent_text and call recorder.consent()."
            )
        if given not in (None, consent["id"]):
            raise TakeError("the consent under which it was recorded is withdrawn.")

    def _kept(self) -> list[dict[str, Any] | None]:
        """The take that stands in each slot, None where there is none."""
        slots = self._takes.state().slots
        stacks = (slots.get((self.speaker, label, number)) for label, number in self._slots)
        return [stack[-1] if stack else None for stack in stacks]

    def _clock(self) -> pd.DataFrame:
        """Every take of this speaker, whether it still counts or not."""
        state = self._takes.state()
        current = {take["id"] for take in state.kept(self.speaker)}
        rows = [
            (_takes.item_of(take), take["at"], take["id"] in current)
            for take in state.history
            if take["speaker"] == self.speaker
        ]
        return pd.DataFrame(rows, columns=["item", "at", "kept"])

    # The wire

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message to the front end."""
        super().send(content, buffers)
        _comm.hear_while_busy(self)

    def _send_state(self, **more: Any) -> None:
        state = self._takes.state()
        place = {label: number for number, label in enumerate(self._prompts)}
        consent = state.consents.get(self.speaker)
        told = ("id", "duration_s", "remarks", "clipped")
        clock = _pace.pace(self._clock(), m=1000, pause_s=60)
        self.send(
            {
                "op": "state",
                "prompts": [{"label": k, "text": v} for k, v in self._prompts.items()],
                "slots": [[place[label], number] for label, number in self._slots],
                "kept": [take and {name: take.get(name) for name in told} for take in self._kept()],
                "consent": consent["id"] if consent else None,
                "consent_text": self.consent_text,
                "speaker": self.speaker,
                "longest_s": self._longest_s,
                "undoable": state.last(self.speaker) is not None,
                "pace_text": "" if clock.why else repr(clock),
                "unread": state.unread,
                **more,
            }
        )

    def _try(self, content: dict[str, Any], buffers: Any) -> None:
        """What goes wrong on a thread that nobody looks at is told in the widget."""
        try:
            self._answer(content, buffers)
        except Exception as error:  # noqa: BLE001 - whatever it is, the widget says it
            name = "" if isinstance(error, OSError | ValueError) else f"{type(error).__name__}: "
            self.send({"op": "error", "text": f"{name}{error}"})

    def _answer(self, content: dict[str, Any], buffers: Any) -> None:
        do: dict[str, Callable[[], Any]] = {
            "hello": self._greet,
            "consent": self.consent,
            "withdraw": self.withdraw,
            "undo": self.undo,
            "take": lambda: self._take(content, buffers[0]),
            "listen": lambda: self._drawer.want([content["id"]]),
        }
        op = content.get("op")
        if op not in do:
            raise ValueError(f"the widget sent {op!r}, which this version of the kit does not know")
        do[op]()

    def _take(self, content: dict[str, Any], data: Any) -> None:
        """Keep what was spoken, and only then say so; what cannot be kept is refused in words."""
        about = {name: content[name] for name in ("id", "at", "label", "take")}
        about |= {name: content.get(name) for name in ("device", "how", "granted")}
        with self._lock:
            try:
                self._require_consent(content["consent"])
                samples = _takes.buffer(data)
                self._keep(about, samples, content["rate_hz"], replaces=content.get("replaces"))
            except TakeError as error:
                self.send({"op": "refused", "id": about["id"], "text": str(error)})
                return
            self._send_state(saved=about["id"])

    def _greet(self) -> None:
        self.refresh()
        self._drawer.want([""])  # loads what the first take would wait for

    def _send_sound(self, name: str) -> None:
        """A take with its picture, drawn on a thread of its own: no take waits for it."""
        if not name:
            _voice.warm()
            return
        takes = self._takes.state().kept(self.speaker)
        found = next((take for take in takes if take["id"] == name), None)
        if found is None:
            return
        try:
            head, buffers = _sound.sound(self.folder / found["file"])
        except (OSError, ValueError) as error:
            self.send({"op": "error", "text": f"{found['file']} cannot be read ({error})."})
            return
        self.send({"op": "sound", "id": name, "media": head}, buffers)


def _prompts(prompts: Any) -> dict[str, str]:
    """Label -> what is to be read."""
    pairs = prompts if isinstance(prompts, Mapping) else None
    labels = _queue.names(prompts, "prompt", function=_NAME)
    texts = _queue.names(pairs.values(), "prompt", function=_NAME) if pairs else labels
    if not labels:
        raise ValueError(f"{_NAME}(prompts): there is nothing to read; give at least one prompt.")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ValueError(
            f"{_NAME}(prompts): {', '.join(map(repr, twice[:5]))} stands there twice; takes= "
            "says how often each is read."
        )
    return dict(zip(labels, texts, strict=True))


def _takes_of(takes: Any) -> int:
    whole = isinstance(takes, int | np.integer) and not isinstance(takes, bool)
    if not whole or not 1 <= takes <= _MOST_TAKES:
        raise ValueError(f"{_NAME}(takes={takes!r}): give a whole number from 1 to {_MOST_TAKES}.")
    return int(takes)


def _longest(longest_s: Any) -> float:
    number = isinstance(longest_s, int | float | np.number) and not isinstance(longest_s, bool)
    if not number or not 1 <= float(longest_s) <= 30:
        raise ValueError(f"{_NAME}(longest_s={longest_s!r}): give 1 to 30 seconds.")
    return float(longest_s)


def _order(labels: list[str], takes: int, *, shuffle: bool) -> list[tuple[str, int]]:
    """Label and number of each take, round after round."""
    slots = []
    for number in range(1, takes + 1):
        mixed = np.random.default_rng(number).permutation(len(labels)) if shuffle else None
        rounds = labels if mixed is None else [sorted(labels)[place] for place in mixed]
        slots += [(label, number) for label in rounds]
    return slots


def _when(at: Any) -> str:
    if at is None:
        return _takes.now()
    try:
        moment = pd.Timestamp(at)
        moment = moment.tz_localize("UTC") if moment.tz is None else moment.tz_convert("UTC")
        return str(moment.isoformat(timespec="milliseconds"))
    except (TypeError, ValueError) as error:
        raise ValueError(f"Recorder.add(at={at!r}): give a time such as {_takes.now()}.") from error
