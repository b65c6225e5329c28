"""Files in, files out: sounds and pictures as arrays, and as bytes that are always the same."""

import contextlib
import io
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

SOUNDS = {".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff"}
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
WRITTEN = {".wav", ".flac", ".png", ".jpg"}
MOST_PIXELS = 64_000_000


def kind_of(path: str) -> str | None:
    suffix = Path(path).suffix.lower()
    return "sound" if suffix in SOUNDS else "picture" if suffix in PICTURES else None


def read_sound(data: bytes) -> tuple[np.ndarray, int]:
    """Give a sound file's samples, shape (n, channels) from -1 to 1, and their rate in Hz.

    ValueError says why where the bytes are none.

    Examples
    --------
    >>> samples, rate_hz = read_sound(encoded(np.zeros(800), ".wav", 8000))
    >>> samples.shape, rate_hz
    ((800, 1), 8000)
    """
    import soundfile

    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
    except soundfile.LibsndfileError as error:
        words = str(error).partition(": ")[2] or str(error)
        raise ValueError(f"it cannot be read as sound ({words})") from error
    if not len(samples):
        raise ValueError("it holds no sound")
    return samples, rate


def read_picture(data: bytes) -> np.ndarray:
    """Give the picture of an image file's bytes, (height, width, 3) as uint8, camera side up.

    ValueError says why where the bytes are none, or are too many pixels.

    Examples
    --------
    >>> read_picture(encoded(np.zeros((4, 6, 3), "uint8"), ".png")).shape
    (4, 6, 3)
    """
    import cv2
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # what is too large is refused below, in words
    try:
        with Image.open(io.BytesIO(data)) as head:
            width, height = head.size
    except UnidentifiedImageError as error:
        raise ValueError("it cannot be read as a picture") from error
    if width * height > MOST_PIXELS:
        raise ValueError(
            f"it has {width:,} x {height:,} pixels, and {MOST_PIXELS // 10**6} million are the "
            "most; bring it to the size the model sees first"
        )
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("it is a picture that OpenCV cannot read")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def encoded(thing: np.ndarray, suffix: str, rate_hz: int | None = None) -> bytes:
    """The bytes of a file of this kind: WAV and FLAC with 16 bits, PNG, JPEG of quality 95."""
    if suffix in SOUNDS:
        import soundfile

        out = io.BytesIO()
        soundfile.write(out, thing, rate_hz, format=suffix[1:].upper(), subtype="PCM_16")
        return out.getvalue()
    import cv2

    quality = [cv2.IMWRITE_JPEG_QUALITY, 95] if suffix == ".jpg" else []
    thing = np.ascontiguousarray(thing)
    known = thing.dtype == np.uint8 and thing.ndim == 3 and thing.shape[2] == 3
    # Ten times as quick as turning the channels round by a negative step.
    turned = cv2.cvtColor(thing, cv2.COLOR_RGB2BGR) if known else thing[..., ::-1].copy()
    done, data = cv2.imencode(suffix, turned, quality)
    if not done:
        raise ValueError(f"OpenCV cannot write it as {suffix}")
    return data.tobytes()


@cache  # reading packages' metadata takes longer than changing a short clip
def versions(kind: str) -> dict[str, str]:
    """Of what decides about the bytes; one dict for all, to be copied and not changed."""
    from importlib.metadata import version

    import mlkit

    names = {
        "sound": ("numpy", "scipy", "librosa", "soxr", "soundfile"),
        "picture": ("numpy", "albumentations", "opencv-python-headless"),
    }[kind]
    return {"mlkit": mlkit.__version__, **{name: version(name) for name in names}}


def require_folder(folder: str | os.PathLike[str], function: str) -> Path:
    """The folder, made if it is not there, and shown to be one that can be written to."""
    path = Path(folder).expanduser()
    missing = [each for each in (path, *path.parents) if not each.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        for made in missing:  # what was made on the way, the innermost first
            with contextlib.suppress(OSError):
                made.rmdir()
        raise type(error)(
            error.errno,
            f"{function}() cannot write to {path} ({error.strerror}); choose another folder, or "
            "make this one writable",
        ) from error
    return path


def listed(folder: Path) -> list[dict[str, Any]]:
    """The sounds and pictures below a folder: item, path, and the sub-folder as label."""
    rows = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and kind_of(str(p))):
        inner = path.relative_to(folder)
        label = inner.parts[0] if len(inner.parts) > 1 else None
        rows.append({"item": inner.with_suffix("").as_posix(), "path": str(path), "label": label})
    return rows
