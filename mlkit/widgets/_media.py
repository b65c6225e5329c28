"""From an item's row to what travels to the browser: kind, words and bytes."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlkit.widgets import _sound

# Formats a browser shows as they are.
_BROWSER_IMAGES = {"JPEG": "jpeg", "PNG": "png", "GIF": "gif", "WEBP": "webp"}
_IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".ppm"}
_LONGEST_SIDE = 1600
_LARGEST_FILE = 3_000_000
_LONGEST_TEXT = 20_000
_LONGEST_CELL = 500
_LOOKED_AT = 20


@dataclass
class Media:
    """One item as the browser gets it: a small JSON head and binary buffers."""

    head: dict[str, Any]
    buffers: list[bytes] = field(default_factory=list)


def renderer(
    table: pd.DataFrame, show: str | Callable[[pd.Series], Any] | None, *, function: str
) -> Callable[[pd.Series], Media]:
    """The function that turns a row of this table into Media; an unsure kind is an error now."""
    if show is None:
        return _row
    if callable(show):
        return lambda row: _anything(show(row))
    if show not in table.columns:
        found = ", ".join(str(name) for name in table.columns)
        raise ValueError(
            f"{function}(show={show!r}): there is no such column. Found: {found}. "
            "Name one of them, or give show=None for the whole row or a function of the row."
        )
    kind = _column_kind(table, show, function)
    rate = "rate_hz" if "rate_hz" in table.columns else None
    return lambda row: _as(kind, row[show], row[rate] if rate else None)


def require_one(
    first: pd.DataFrame, how: Callable[[pd.Series], Media], show: object, *, function: str
) -> None:
    """Raise where none of the first items can be shown: no broken file, but a wrong ``show``."""
    reasons = []
    for _, row in first.iterrows():
        media = render(row, how)
        if media.head["kind"] != "broken":
            return
        reasons.append(media.head["reason"])
    if len(reasons) > 2:  # one or two files may well be broken
        shown, hint = "a function", ""
        if isinstance(show, str):
            shown, hint = repr(show), f" Paths that are not absolute count from {Path.cwd()}."
        raise ValueError(
            f"{function}(show={shown}): none of the first {len(reasons)} items can be shown. "
            f"{reasons[0]}{hint}"
        )


def render(row: pd.Series, how: Callable[[pd.Series], Media]) -> Media:
    """As ``how`` shows it, or why it cannot be shown: one broken item ends no session."""
    try:
        return how(row)
    except Exception as error:  # noqa: BLE001 - a file or a function of the user's: it may be any
        return Media({"kind": "broken", "reason": _reason(error)})


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"There is no file {error.filename or error}."
    if isinstance(error, KeyError):
        return (
            f"The function given as show= asks for {error}, which its row does not have "
            "(with correct=..., prediction and score are hidden; a Labeler hides what tells the "
            "label too)."
        )
    words = str(error).strip() or "no further words"
    return (
        words[:400] if isinstance(error, ValueError) else f"{type(error).__name__}: {words[:400]}"
    )


def _column_kind(table: pd.DataFrame, show: str, function: str) -> str:
    values = table[show].dropna()
    rated = "rate_hz" in table.columns
    kinds = {_kind(value, rated) for value in values.iloc[:_LOOKED_AT]}
    if len(kinds) == 1 and (kind := kinds.pop()) is not None:
        return kind
    example = _short(values.iloc[0], 60) if len(values) else "nothing but missing values"
    raise ValueError(
        f"{function}(show={show!r}): cannot tell what to show from this column ({example}). "
        "It may hold images (arrays of 2 or 3 dimensions, or paths), sounds (paths, pairs of "
        "samples and rate in Hz, or samples beside a column rate_hz) or text, one kind in all "
        "rows. Otherwise say how: show=lambda row: ..., or show=None for the whole row."
    )


def _kind(value: Any, rated: bool) -> str | None:
    if isinstance(value, str | Path):
        suffix = Path(value).suffix.lower() if len(str(value)) < 1000 else ""
        if suffix in _IMAGE_SUFFIXES:
            return "image"
        if suffix in _sound.SUFFIXES:
            return "audio"
        return "text" if isinstance(value, str) else None
    if isinstance(value, bytes):
        return "audio" if value[:4] in (b"RIFF", b"fLaC", b"OggS") else "image"
    if isinstance(value, tuple):
        pair = len(value) == 2 and {np.ndim(value[0]) > 0, np.ndim(value[1]) > 0}
        return "audio" if pair == {True, False} else None
    if isinstance(value, np.ndarray | list):
        dimensions = np.ndim(value)
        if dimensions == 1:
            return "audio" if rated else None
        return "image" if dimensions in (2, 3) else None
    return "image" if _is_pillow(value) else None


def _as(kind: str, value: Any, rate: Any = None) -> Media:
    if (isinstance(value, float) and np.isnan(value)) or value is None or value is pd.NA:
        raise ValueError("this row has nothing to show: the value is missing")
    if kind == "image":
        return _image(value)
    if kind == "audio":
        with _named(value):
            return Media(*_sound.sound(value, rate))
    return _text(value)


def _anything(value: Any) -> Media:
    """What a function gave back: a picture, a sound, words, or whatever Jupyter can display."""
    if value is None:
        raise ValueError("the function given as show= returned None; it must return what to show")
    kind = _kind(value, rated=False)
    if isinstance(value, str) and (kind == "text" or not Path(value).is_file()):
        return _text(value)
    if kind:
        return _as(kind, value)
    return _figure(value) if hasattr(value, "savefig") else _displayed(value)


def _displayed(value: Any) -> Media:
    from IPython.core.formatters import DisplayFormatter
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    formatter = (shell and shell.display_formatter) or DisplayFormatter()
    data, _ = formatter.format(value, include=["text/html", "image/png", "text/plain"])
    if "text/html" in data:
        return Media({"kind": "html", "html": data["text/html"]})
    if "image/png" in data:
        return _image(data["image/png"])
    return _text(data.get("text/plain", repr(value)))


def _figure(figure: Any) -> Media:
    png = io.BytesIO()
    figure.savefig(png, format="png", bbox_inches="tight")
    from matplotlib import pyplot as plt

    plt.close(figure if hasattr(figure, "canvas") else figure.figure)  # or every figure stays
    return _image(png.getvalue())


def _text(value: Any) -> Media:
    text = str(value)
    if len(text) > _LONGEST_TEXT:
        left = len(text) - _LONGEST_TEXT
        text = f"{text[:_LONGEST_TEXT]}\n… and {left:,} more characters"
    return Media({"kind": "text", "text": text})


def _row(row: pd.Series) -> Media:
    return Media(
        {"kind": "row", "cells": [[str(k), _short(v, _LONGEST_CELL)] for k, v in row.items()]}
    )


def _short(value: Any, most: int) -> str:
    if isinstance(value, np.ndarray):
        return f"array {value.shape} of {value.dtype}"
    text = str(value)
    return text if len(text) <= most else f"{text[:most]}…"


def _is_pillow(value: Any) -> bool:
    return type(value).__module__.startswith("PIL.")


@contextmanager
def _named(value: Any) -> Iterator[None]:
    """Decoders speak of bytes; the person needs the name of the file."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        if not isinstance(value, str | Path):
            raise
        words = re.sub(r"<_io.BytesIO object at \w+>:? *", "", str(error)).strip(" :")
        raise ValueError(f"{value} cannot be read ({words})") from error


def _image(value: Any) -> Media:
    from PIL import Image

    if isinstance(value, str | Path):
        with _named(value):
            return _encoded(Path(value).expanduser().read_bytes())
    if isinstance(value, bytes):
        return _encoded(value)
    return _png(value if _is_pillow(value) else Image.fromarray(_pixels(np.asarray(value))))


def _encoded(data: bytes) -> Media:
    from PIL import Image

    picture = Image.open(io.BytesIO(data))
    picture.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
    picture.load()  # a file cut short fails here, and is told, not half shown
    if picture.format in _BROWSER_IMAGES and len(data) <= _LARGEST_FILE:
        return _picture(data, _BROWSER_IMAGES[picture.format], picture.size)
    return _png(picture)


def _png(picture: Any) -> Media:
    if picture.mode not in ("L", "RGB", "RGBA"):
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return _picture(out.getvalue(), "png", picture.size)


def _picture(data: bytes, kind: str, size: tuple[int, int]) -> Media:
    head = {"kind": "image", "type": f"image/{kind}", "width": size[0], "height": size[1]}
    return Media(head, [data])


def _pixels(array: np.ndarray) -> np.ndarray:
    """Any array of an image as 8 bits: 0-255 and 0-1 as they are, other ranges stretched."""
    if array.ndim == 3 and array.shape[2] not in (1, 3, 4) and array.shape[0] in (1, 3, 4):
        array = np.moveaxis(array, 0, 2)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    good = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not good or array.size == 0 or array.dtype.kind not in "buif":
        raise ValueError(f"an array of shape {array.shape} and {array.dtype} is no picture")
    if array.dtype == np.uint8:
        return array
    numbers = np.nan_to_num(array.astype(float))
    low, high = numbers.min(), numbers.max()
    if array.dtype.kind in "iu" and low >= 0 and 16 < high <= 255:
        return numbers.astype(np.uint8)
    if low < 0 or high > 1:
        numbers = (numbers - min(low, 0)) / ((high - min(low, 0)) or 1)
    return (numbers * 255).round().astype(np.uint8)


def displayable(media: Media, item: str) -> Any:
    """The same for a cell's output, where there is no widget."""
    from IPython.display import HTML, Audio, Image

    head = media.head
    if head["kind"] == "audio":
        return Audio(media.buffers[0])
    if head["kind"] == "image":
        return Image(media.buffers[0], alt=item)
    if head["kind"] == "html":
        return HTML(head["html"])
    cells = head.get("cells") or [[item, head.get("text", head.get("reason"))]]
    rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in cells)
    return HTML(f"<table>{rows}</table>")
