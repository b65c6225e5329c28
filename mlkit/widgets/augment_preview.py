"""Hear and see what a pipeline does, and say whether one can still tell."""

import os
import threading
from collections.abc import Callable
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets

from mlkit import _tables
from mlkit.tags import Journal, JournalError
from mlkit.widgets import _comm, _course, _evidence, _feed, _shares, _surface, _things
from mlkit.widgets._course import Course, Drawing, Judged
from mlkit.widgets._evidence import GUIDE, REALISTIC
from mlkit.widgets._plan import Pipeline, Plan
from mlkit.widgets._shares import CANT_TELL, Evidence
from mlkit.widgets._studio import Studio

_NAME = "AugmentPreview"


class AugmentPreview(anywidget.AnyWidget):
    """Is it realistic, can one still tell, does the model do poorly on it? Answers, not opinions.

    Parameters
    ----------
    items
        A table ``item, label`` and the column ``show``.
    show
        The column with the images (paths, arrays) or the sounds (paths, samples).
    pipeline
        A list of (function, ranges, probability) as for ``augment.draw``: each range becomes a
        slider, each list a choice.
    predict
        Gives (label, score) of an image, or of ``samples, rate_hz``; it may be slow.
    journal, annotator
        Where each answer is written at once (path, URL or Journal), and as whom.
    rate_hz
        Of samples; files know theirs. Channels are averaged.
    copies
        How many drawings of an image lie side by side.
    rng
        Decides the order and what is drawn.

    Examples
    --------
    >>> from mlkit import datasets
    >>> from mlkit.augment import audio
    >>> clips = datasets.load_spoken_digits().head(3)
    >>> noisy = [(audio.add_noise, {"snr_db": (-5, 20)}, 1.0)]
    >>> folder = getfixture("tmp_path")
    >>> preview = AugmentPreview(clips, show="path", pipeline=noisy, journal=folder / "j.db")
    >>> preview.set(snr_db=10)
    >>> said = preview.answer("can't tell")
    >>> preview.answers()["answer"].tolist()
    ["can't tell"]
    """

    _esm = _surface.script("augment_words", "augment_preview")
    _css = _surface.style("augment_preview")
    pending_key = traitlets.Unicode().tag(sync=True)

    def __init__(  # noqa: D107 - told above
        self,
        items: pd.DataFrame,
        *,
        show: str,
        pipeline: Pipeline,
        predict: Callable[..., Any] | None = None,
        journal: str | os.PathLike[str] | Journal = "journal.db",
        annotator: str = "me",
        rate_hz: float | None = None,
        copies: int = 6,
        rng: int | np.random.Generator | None = 0,
    ) -> None:
        table = _tables.predictions(items, function=_NAME, columns=("item", "label"))
        _things.require(annotator, copies, predict, function=_NAME)
        things = _things.Things(table, show, rate_hz, function=_NAME)
        self._plan = Plan(pipeline, function=_NAME, kind=things.kind)
        known = table.dropna(subset="label")
        self._truth = dict(zip(known["item"], known["label"].map(str), strict=True))
        self._labels = sorted(set(self._truth.values()), key=_evidence.by_number)
        self.journal = journal if isinstance(journal, Journal) else Journal(journal)
        self.annotator = annotator
        names = table["item"].tolist()
        self._said = _evidence.Said(self.journal, annotator, names, self._truth)
        copies = copies if things.kind == "image" else 1
        self._course = Course(names, self._plan, copies=copies, rng=np.random.default_rng(rng))
        self._course.start(self._said.answered(), self._said.revealed)
        self._studio = Studio(things, self._course, predict)
        self._lock = threading.RLock()
        self._painter, self._thinker = _feed.Feed(self._paint), _feed.Feed(self._think)
        self._owed: dict[Drawing, Judged] = {}
        self._wish, self._seen, self._copied = 0, False, list[Drawing]()
        self._scale: Any = None  # on which the original on the screen is drawn
        whose = "\n".join([self.journal.where, annotator, *sorted(names)])
        super().__init__(pending_key=f"mlkit-{_NAME.lower()}:{_course.digest(whose)}:")
        _comm.hear_while_busy(self)
        _comm.hear_quietly(self)
        self.on_msg(lambda _widget, content, _buffers: self._try(lambda: self._answer(content)))

    # What a person types

    @property
    def item(self) -> str:
        """The item that is on."""
        return self._course.item

    @property
    def labels(self) -> list[str]:
        """What may be answered, besides "can't tell"."""
        return list(self._labels)

    @property
    def steps(self) -> list[dict[str, Any]]:
        """What was drawn and set, as ``augment.apply`` takes it."""
        return self._course.steps(self._course.drawing())

    @property
    def original(self) -> Any:
        """The image or the samples as they were."""
        return self._studio.things.read(self._course.item)[0]

    @property
    def result(self) -> Any:
        """The image or the samples as the steps change them."""
        return self._studio.changed(self._course.drawing())

    def set(self, **parameters: Any) -> None:
        """Set parameters by name; a step's own name takes True or False: do it, or leave it."""
        with self._lock:
            self._course.values |= self._plan.checked(parameters)
            self._show()

    def draw_again(self) -> None:
        """Draw everything anew for the same item."""
        with self._lock:
            self._course.again()
            self._show()

    def next(self) -> None:
        """Go on to the next item without an answer."""
        with self._lock:
            self._said.load()  # another tab may have answered some
            self._course.next(self._said.answered(), self._said.revealed)
            self._show()

    def answer(self, label: str) -> dict[str, Any]:
        """Say what it is, or "can't tell"; the first blind answer counts, whatever follows."""
        if str(label) not in (*self._labels, CANT_TELL):
            raise ValueError(
                f"there is no label {str(label)[:60]!r} here; answer with "
                f"{', '.join(map(repr, self._labels))} or {CANT_TELL!r}."
            )
        drawing = self._course.drawing()
        self._studio.changed(drawing)  # raises where there is nothing to judge
        self._say(drawing, GUIDE, str(label))
        self._think(drawing)
        return {k: self._told(drawing)[k] for k in ("answer", "label", "prediction", "score")}

    def realistic(self, yes: bool) -> None:
        """Say whether this could have come from the world."""
        self._say(self._course.drawing(), REALISTIC, "yes" if yes else "no")

    def undo(self) -> str | None:
        """Take back the latest answer; returns it, None if there is none."""
        with self._lock:
            taken = self._said.undo()
            self._send_state()
            self.send({"op": "undone", "value": taken})
            self._tell()
        return taken

    def table(self) -> pd.DataFrame:
        """What can be set: ``name, step, parameter, value, low, high, choices, done``."""
        with self._lock:
            drawing = self._course.drawing()
            return self._plan.table(drawing.seed, dict(drawing.values))

    def answers(self) -> pd.DataFrame:
        """What this annotator said of drawings of these items, from the journal.

        Returns
        -------
        DataFrame
            ``item`` (source and hash of the steps), ``source``, ``steps`` (JSON), ``label``,
            ``answer`` (the first blind one), ``prediction``, ``score``, ``realistic``, ``blind``
            (no label, original or other drawing of it was shown), ``at``, ``duration_s``.
        """
        return self._said.answers()

    def evidence(self, *, bins: int = 3) -> Evidence:
        """The three questions over all answers, and by what was set, each range in some bins."""
        return _shares.evidence(self._plan, self.answers(), bins=bins)

    def __repr__(self) -> str:
        """One line that also serves where no widget can be shown."""
        about = self._words()
        return (
            f"{_NAME}: {about['done']:,} of {about['total']:,} items answered, "
            f"{about['sentence']}. To go on, run this cell in JupyterLab, or use preview.result, "
            f"preview.answer({(self._labels or [CANT_TELL])[0]!r}) and preview.next()."
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/plain"] = repr(self)
        return bundle

    # Writing

    def _judged(self, drawing: Drawing) -> Judged:
        """Blind: whoever answers can know the label from this drawing alone."""
        return self._course.judged(drawing, blind=not self._why(drawing))

    def _why(self, drawing: Drawing) -> str:
        """Why an answer is not blind; "" where it is."""
        return "label" if drawing.item in self._said.revealed else self._course.known(drawing)

    def _say(self, drawing: Drawing, guide: str, value: str) -> None:
        judged = self._judged(drawing)
        self._write([(_evidence.event(judged.item, guide, value), judged)])

    def _write(self, answers: list[tuple[dict[str, Any], Judged]]) -> None:
        """To the journal first; only what is durable is told and shown as saved."""
        with self._lock:
            self._said.write([(event, one, self._heard(one) or {}) for event, one in answers])
            self.send({"op": "saved", "ids": [event["id"] for event, _ in answers]} | self._words())
            for event, judged in answers:
                if event["guide"] == GUIDE:
                    self._reveal(judged)
            self._tell()

    def _heard(self, judged: Judged) -> dict[str, Any] | None:
        """What the model said of it; of what another pipeline made, nothing."""
        return self._studio.known(judged.drawing) if self._course.repeats(judged) else {}

    def _reveal(self, judged: Judged) -> None:
        if judged.source == self._course.item:
            self._course.reveal(told=True)
            self._show(original=True)
        if self._studio.model is not None and self._heard(judged) is None:
            self._owed[judged.drawing] = judged
            self._thinker.want([judged.drawing])

    # Changing, and asking the model: each on a thread of its own, the latest wish first

    def _think(self, drawing: Drawing) -> None:
        """Only what is still on, or was answered, is worth the model's time."""
        with self._lock:
            wanted = drawing in self._owed or drawing == self._course.drawing()
        guess = self._studio.guess(drawing) if wanted else None
        if guess is None:
            return
        with self._lock:
            judged = self._owed.pop(drawing, None)
            if judged is not None:
                self._try(lambda: self._said.add_guess(judged, guess))
                self.send({"op": "words", **self._words()})
            self._tell()

    def _paint(self, what: str) -> None:
        with self._lock:
            course, wish = self._course, self._wish
            drawing, turn = course.drawing(), course.turn
            copies = {"chosen": course.chosen, "copies": len(course.copies)}
        if what == "original":
            self._paint_original(drawing, turn)
            self._paint_copies(wish)
            return
        media, trouble, notes = self._studio.painted(drawing)
        with self._lock:
            if wish != self._wish:
                return  # the next one is already asked for
            head: dict[str, Any] = {"op": "drawn", "turn": turn, "wish": wish, **copies}
            head |= {"now": self._plan.now(drawing.seed, dict(drawing.values))}
            if media and self._seen:
                course.see(drawing)
            key = course.key(self._judged(drawing)) if media else None
            head |= {"key": key, "why": self._why(drawing)}
            head |= {"media": media and media.head, "trouble": trouble, "notes": notes}
            self.send(head, media.buffers if media else [])
            self._tell()
        if media and self._studio.model is not None:
            self._thinker.want([drawing])
        if media and course.compared and self._studio.scale(drawing) != self._scale:
            self._paint_original(drawing, turn)
        self._paint_copies(wish)

    def _paint_copies(self, wish: int) -> None:
        """Among copies there may be an easy one, so they wait for the answer as well."""
        with self._lock:
            drawings = [self._course.drawing(copy) for copy in self._course.copies]
            if not self._course.compared or len(drawings) < 2 or drawings == self._copied:
                return
        pictures = []
        for drawing in drawings:
            if wish != self._wish:
                return
            pictures.append(self._studio.small(drawing))
        with self._lock:
            if wish == self._wish:
                self._copied = drawings
                self.send({"op": "copies", "wish": wish}, pictures)

    def _paint_original(self, drawing: Drawing, turn: int) -> None:
        media, trouble = self._studio.original(drawing)
        with self._lock:
            if media is None:
                self.send({"op": "error", "text": trouble})
            elif turn == self._course.turn:
                self._scale = self._studio.scale(drawing)
                now = self._course.drawing()
                head = {"op": "original", "turn": turn, "wish": self._wish, "why": self._why(now)}
                head |= {"key": self._course.key(self._judged(now))}
                self.send(head | {"media": media.head}, media.buffers)

    # The wire. Before the answer neither label, prediction nor the item's name travels.

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message to the front end."""
        super().send(content, buffers)
        _comm.hear_while_busy(self)

    def _show(self, *, original: bool = False) -> None:
        self._wish += not original
        if self._seen:  # without a view there is nothing to paint for
            self._painter.want(["original" if original else "now"])

    def _told(self, drawing: Drawing) -> dict[str, Any]:
        judged = self._judged(drawing)
        guess, row = self._studio.known(drawing), self._said.rows.get(judged.item, {})
        said = {name: (guess or {}).get(name) for name in ("prediction", "score", "trouble")}
        model = self._studio.model is not None
        about = {"item": drawing.item, "label": self._truth.get(drawing.item), **said}
        about |= {name: row.get(name) for name in ("answer", "blind", "realistic")}
        about |= {"model": model, "thinking": model and guess is None}
        return {**about, "key": self._course.key(judged)}

    def _tell(self) -> None:
        """The truth, once it may be known."""
        with self._lock:
            if self._course.told:
                head = {"op": "truth", "turn": self._course.turn, "wish": self._wish}
                self.send(head | self._told(self._course.drawing()))

    def _words(self) -> dict[str, Any]:
        rows = list(self._said.rows.values())
        sentence = _shares.sentence(rows, model=self._studio.model is not None)
        total = len(self._course.items)
        return {"done": len(self._said.answered()), "total": total, "sentence": sentence}

    def _send_state(self) -> None:
        kind, turn = self._studio.things.kind, self._course.turn
        head = {"op": "state", "kind": kind, "labels": self._labels, "turn": turn}
        head |= {"copies": len(self._course.copies), "steps": self._plan.described()}
        self.send({**head, **self._words()})

    def _try(self, do: Callable[[], None]) -> None:
        """What goes wrong on a thread that nobody looks at is told in the widget."""
        try:
            do()
        except JournalError as error:
            self.send({"op": "error", "text": str(error)})
        except Exception as error:  # noqa: BLE001 - whatever it is, the widget says it
            self.send({"op": "error", "text": f"{type(error).__name__}: {error}"})

    def _answer(self, content: dict[str, Any]) -> None:
        op = content.get("op")
        if op == "write":
            events = [(_evidence.from_browser(event), event["item"]) for event in content["events"]]
            self._write([(event, self._course.from_key(key)) for event, key in events])
        elif op == "hello":
            with self._lock:
                self._seen, self._copied = True, []
                self._said.load()
                self._send_state()
                self._show()
                if self._course.compared:
                    self._show(original=True)
        elif op == "set":
            with self._lock:
                self._course.values |= self._plan.heard(content["values"])
                self._show()
        elif op == "choose":
            with self._lock:
                self._course.chosen = int(content["copy"]) % len(self._course.copies)
                self._show()
        elif op == "original":
            with self._lock:
                self._course.reveal()
                self._show(original=True)
        elif op in ("again", "next", "undo"):
            {"again": self.draw_again, "next": self.next, "undo": self.undo}[op]()
        else:
            raise ValueError(f"the widget sent {op!r}, which this version of the kit does not know")
