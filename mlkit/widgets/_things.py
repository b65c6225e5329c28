"""Pictures and sounds as arrays for a pipeline and a model, and as what travels to the browser."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlkit import augment
from mlkit.widgets import _media, _sound

_SMALL = 240  # pixels of the longest side in the row of copies
_PATHS = (str, Path)


class Things:
    """The items of a column, read one at a time.

    ``kind`` is ``"image"`` (arrays as they are given, files as uint8 of shape (height, width,
    3)) or ``"audio"`` (one channel: those of a file are averaged).
    """

    def __init__(
        self, table: pd.DataFrame, show: str, rate_hz: float | None, *, function: str
    ) -> None:
        if show not in table.columns:
            found = ", ".join(map(str, table.columns))
            raise ValueError(
                f"{function}(show={show!r}): there is no such column. Found: {found}. Name the "
                "one with the images or the sounds."
            )
        values = table[show].dropna()
        rated = rate_hz is not None or "rate_hz" in table.columns
        kinds = {_media._kind(value, rated) for value in values.iloc[:20]}
        if len(kinds) != 1 or not kinds <= {"image", "audio"}:
            raise ValueError(
                f"{function}(show={show!r}): this column holds neither images (arrays of 2 or 3 "
                "dimensions, or paths) nor sounds (paths, pairs of samples and rate, or samples "
                "with rate_hz=...), one kind in all rows."
            )
        self.kind: str = str(kinds.pop())
        self._values = dict(zip(table["item"], table[show], strict=True))
        rates = table["rate_hz"] if "rate_hz" in table.columns else [rate_hz] * len(table)
        self._rates = dict(zip(table["item"], rates, strict=True))
        self._last: tuple[str, Any, float | None] | None = None

    def read(self, item: str) -> tuple[Any, float | None]:
        """The thing and, for a sound, its rate; ValueError says why there is none."""
        last = self._last
        if last is None or last[0] != item:
            value = self._values[item]
            try:
                thing, rate = _read(value, self.kind, self._rates[item])
            except FileNotFoundError:
                raise ValueError("There is no file of this item.") from None
            except Exception as error:
                # A path often tells the class, and whoever judges is not to know it.
                said = str(error).replace(str(value), "it") if isinstance(value, _PATHS) else error
                raise ValueError(f"This item cannot be read ({said}).") from error
            self._last = last = (item, thing, rate)
        return last[1], last[2]

    def media(
        self, thing: Any, rate: float | None, scale: _sound.Scale | None = None
    ) -> _media.Media:
        if rate is None:
            return _media._as(self.kind, thing)
        media = _media.Media(*_sound.sound(thing, rate, scale))
        power = np.mean(np.square(np.asarray(thing, float)))
        media.head["caption"] += f", {10 * np.log10(power):.0f} dB" if power else ", silent"
        return media

    def small(self, picture: Any) -> bytes:
        """A picture for the row of copies, as PNG."""
        from PIL import Image

        made = Image.fromarray(_media._pixels(np.asarray(picture)))
        side = max(made.size)
        if side > _SMALL:
            made.thumbnail((_SMALL, _SMALL))
        elif side < _SMALL // 2:  # whole multiples keep the squares of a tiny picture square
            by = _SMALL // side
            made = made.resize((by * made.width, by * made.height), Image.Resampling.NEAREST)
        return _media._png(made).buffers[0]


def _read(value: Any, kind: str, rate: float | None) -> tuple[Any, float | None]:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        raise ValueError("there is nothing in its row")
    if isinstance(value, str | Path):
        value = Path(value).expanduser().read_bytes()
    if kind == "image":
        picture = augment.read_picture(value) if isinstance(value, bytes) else np.asarray(value)
        return picture, None
    if isinstance(value, bytes):
        samples, found = augment.read_sound(value)
        return samples.mean(axis=1), float(found)
    first, second = value if isinstance(value, tuple) else (value, rate)
    if np.ndim(first) == 0:  # as scipy.io.wavfile.read gives them
        first, second = second, first
    if second is None or not second > 0:
        raise ValueError("a sound needs its rate in Hz")
    samples = np.asarray(first)
    return (samples.mean(axis=1) if samples.ndim == 2 else samples), float(second)


def require(annotator: Any, copies: Any, predict: Any, *, function: str) -> None:
    """Raise in words where one of these cannot be used."""
    if not isinstance(annotator, str) or not annotator.strip():
        raise ValueError(f"{function}(annotator={annotator!r}): say as text who it is.")
    if not isinstance(copies, int) or isinstance(copies, bool) or not 1 <= copies <= 24:
        raise ValueError(f"{function}(copies={copies!r}): give a whole number from 1 to 24.")
    if predict is not None and not callable(predict):
        raise ValueError(
            f"{function}(predict=...) is a function that gives (label, score) of an image, or of "
            f"samples and rate_hz; it was given {type(predict).__name__}."
        )


def asked(predict: Callable[..., Any], thing: Any, rate: float | None) -> tuple[str, float | None]:
    """What a model says of a thing: label and score."""
    how = None if rate is None else takes_rate(predict)
    if how == "name":
        said = predict(thing, rate_hz=rate)
    else:
        said = predict(thing, rate) if how else predict(thing)
    if isinstance(said, tuple | list) and len(said) == 2:
        label, score = said
        number = None if score is None or pd.isna(score) else float(score)
        return str(label), number
    if isinstance(said, str | int | np.generic):
        return str(said), None
    raise ValueError(
        f"predict gives back (label, score); it gave {type(said).__name__} {str(said)[:80]}"
    )


def takes_rate(predict: Callable[..., Any]) -> str | None:
    """How a model takes the rate: by name, as its second argument, or not at all."""
    try:
        known = inspect.signature(predict).parameters
    except (TypeError, ValueError):
        return "second"  # written in C; samples and rate are what was promised
    if "rate_hz" in known or any(p.kind is p.VAR_KEYWORD for p in known.values()):
        return "name"
    places = [p for p in known.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in places if p.default is p.empty]
    several = any(p.kind is p.VAR_POSITIONAL for p in known.values())
    return "second" if len(needed) >= 2 or several else None
