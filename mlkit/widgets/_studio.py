"""Where items are changed and the model is asked: once for each drawing, on any thread."""

import threading
from collections.abc import Callable
from typing import Any

from mlkit import augment
from mlkit.widgets import _media, _sound, _things
from mlkit.widgets._course import Course, Drawing

_REMEMBERED = 200


class Studio:
    """Does what was drawn, and remembers what the model said of it."""

    def __init__(
        self, things: _things.Things, course: Course, model: Callable[..., Any] | None
    ) -> None:
        self.things, self.model = things, model
        self._course = course
        self._asking, self._lock = threading.Lock(), threading.Lock()
        self._result: tuple[Drawing, Any] | None = None
        self._guesses: dict[Drawing, dict[str, Any]] = {}
        self._alone: tuple[str, _sound.Scale] | None = None  # of the last item's original

    def changed(self, drawing: Drawing) -> Any:
        """The item as the steps change it; the last one is remembered."""
        known = self._result
        if known is None or known[0] != drawing:
            thing, rate = self.things.read(drawing.item)
            more = {} if rate is None else {"rate_hz": rate}
            steps, pipeline = self._course.steps(drawing), self._course.plan.pipeline
            known = (drawing, augment.apply(thing, steps, pipeline=pipeline, **more))
            if drawing == self._course.drawing():
                self._result = known
        return known[1]

    def scale(self, drawing: Drawing) -> _sound.Scale | None:
        """What original and result are drawn on, so that the louder one looks louder."""
        thing, rate = self.things.read(drawing.item)
        if rate is None:
            return None
        known = self._alone
        if known is None or known[0] != drawing.item:
            self._alone = known = (drawing.item, _sound.scale_of(thing, rate))
        try:
            return known[1].holding(self.changed(drawing))
        except Exception:  # noqa: BLE001 - a function of the user's; what it raises is told elsewhere
            return known[1]

    def original(self, drawing: Drawing) -> tuple[_media.Media | None, str]:
        """What an item looks or sounds like beside a drawing, or why there is nothing."""
        try:
            return self.things.media(*self.things.read(drawing.item), self.scale(drawing)), ""
        except Exception as error:  # noqa: BLE001 - a file of the user's: it may be any
            return None, _said(error)

    def painted(self, drawing: Drawing) -> tuple[_media.Media | None, str, list[str]]:
        """What a drawing looks or sounds like, or why there is nothing, and what was said."""
        with augment.overheard() as notes:
            try:
                _, rate = self.things.read(drawing.item)
            except ValueError as error:
                return None, str(error), []
            try:
                result, scale = self.changed(drawing), self.scale(drawing)
                return self.things.media(result, rate, scale), "", notes
            except Exception as error:  # noqa: BLE001 - a function of the user's: it may be any
                return None, f"The pipeline failed: {_said(error)}", []

    def small(self, drawing: Drawing) -> bytes:
        """A picture for the row of copies; nothing where it cannot be made."""
        with augment.overheard():
            try:
                return self.things.small(self.changed(drawing))
            except Exception:  # noqa: BLE001 - why is told once the person chooses this copy
                return b""

    def known(self, drawing: Drawing) -> dict[str, Any] | None:
        """``prediction, score`` (and ``trouble``); None where the model was not asked yet."""
        return self._guesses.get(drawing)

    def guess(self, drawing: Drawing) -> dict[str, Any] | None:
        """Ask the model once about each drawing; what it raises is told, and ends nothing."""
        if self.model is None:
            return None
        with self._asking:
            if drawing not in self._guesses:
                said = self._ask(self.model, drawing)
                with self._lock:
                    self._guesses[drawing] = said
                    while len(self._guesses) > _REMEMBERED:
                        del self._guesses[next(iter(self._guesses))]
            return self._guesses.get(drawing)

    def _ask(self, model: Callable[..., Any], drawing: Drawing) -> dict[str, Any]:
        try:
            with augment.overheard():
                thing = self.changed(drawing)
            rate = self.things.read(drawing.item)[1]
            prediction, score = _things.asked(model, thing, rate)
        except Exception as error:  # noqa: BLE001 - a model of the user's: it may be any
            return {"prediction": None, "score": None, "trouble": f"predict failed: {_said(error)}"}
        return {"prediction": prediction, "score": score}


def _said(error: Exception) -> str:
    text = str(error).strip()[:400]
    return text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}"
