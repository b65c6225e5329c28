"""One sound or picture of somebody's own: what it is by its content, and why it cannot be used.

A file's name is only a claim: what it holds is told from its first bytes, and it is read to its
end once, because a file that opens may still be cut short.
"""

import hashlib
import io
import struct
import warnings
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import numpy as np

SOUNDS = {".wav", ".flac", ".ogg", ".oga", ".mp3", ".aif", ".aiff"}
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
_SAME = {".jpeg": ".jpg", ".tiff": ".tif", ".aiff": ".aif", ".oga": ".ogg"}
_DOCUMENTS = {".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".epub"}
_SYSTEM = {"thumbs.db", "desktop.ini", "icon\r"}
_MOST_PIXELS = 64_000_000
_LEAST_SIDE = 8
_LEAST_MS = 30  # one window of the features
_SLOTS, _BANDS, _TOP_HZ, _FLOOR_DB = 24, 16, 3000.0, 40.0
_MEASURED, _THUMB = 64, 8
_EVERYWHERE = {(kind, mode) for kind in ("JPEG", "PNG", "BMP") for mode in ("L", "RGB", "RGBA")}

# What files begin with: the suffix they should have, and what it is called.
_BEGINNINGS = [
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"BM", ".bmp"),
    (b"II*\0", ".tif"),
    (b"MM\0*", ".tif"),
    (b"fLaC", ".flac"),
    (b"OggS", ".ogg"),
    (b"ID3", ".mp3"),
    (b"\xff\xfb", ".mp3"),
    (b"\xff\xf3", ".mp3"),
    (b"\xff\xf2", ".mp3"),
]
_CONTAINERS = {b"WAVE": ".wav", b"WEBP": ".webp", b"AIFF": ".aif", b"AIFC": ".aif"}
_FOREIGN = [
    (b"GIF8", "a GIF picture: save it as PNG"),
    (b"PK\x03\x04", "a zip archive: unpack it; nothing in it is read"),
    (b"%PDF", "a PDF: export its pages as PNG"),
    (b"\x1f\x8b", "a gzip archive: unpack it"),
    (b"Rar!", "a RAR archive: unpack it"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM film: export its sound as WAV"),
]


class UnusableError(ValueError):
    """Why one file or row is left out, and what would mend it."""

    def __init__(self, why: str, do: str) -> None:
        super().__init__(why)
        self.why, self.do = why, do


@dataclass
class Thing:
    """What is known of a file that can be used."""

    kind: str  # "sound" or "picture"
    facts: dict[str, Any]
    content: str  # equal for the same sound or picture, whatever file it lies in
    print_: np.ndarray  # near to that of a copy that was changed a little
    remarks: list[str] = field(default_factory=list)


def hidden(path: PurePath) -> str | None:
    """Why a file is none of the person's own; None where it is."""
    name = path.name.lower()
    if name in _SYSTEM:
        return "a file that the system put there"
    if "__MACOSX" in path.parts or name.startswith("._"):
        return "a companion file that a Mac put there"
    if any(part.startswith(".") for part in path.parts):
        return "a hidden file"
    return None


def suffix_by_content(head: bytes) -> str | None:
    """The suffix that these first bytes ask for; None where they are no sound or picture."""
    if head[:4] in (b"RIFF", b"RF64", b"FORM"):
        return _CONTAINERS.get(head[8:12])
    for start, suffix in _BEGINNINGS:
        if head.startswith(start):
            return suffix
    return None


def look(path: Path) -> Thing:
    """Read one file whole, or raise UnusableError with the reason."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnusableError(f"cannot be opened ({error.strerror})", "Make it readable.") from error
    if not data:
        raise UnusableError("empty: 0 bytes", "Copy it again from where it came.")
    right, named = suffix_by_content(data[:16]), path.suffix.lower()
    kind = _kind(right)
    if right is None or kind is None:
        raise _foreign(data, named)
    if _kind(named) != kind:
        called = f"named {named}" if named else "named without a suffix"
        raise UnusableError(
            f"a {kind} ({right[1:].upper()}) {called}", f"Rename it so that it ends in {right}."
        )
    thing = _sound(data) if kind == "sound" else _picture(data)
    if _SAME.get(named, named) != right:
        thing.remarks.insert(0, f"named {named}, holds {right[1:].upper()}")
    return thing


def _kind(suffix: str | None) -> str | None:
    return "sound" if suffix in SOUNDS else "picture" if suffix in PICTURES else None


def _foreign(data: bytes, named: str) -> UnusableError:
    """What else it may be."""
    claimed = f"named {named}, but " if _kind(named) else ""
    if data[4:8] == b"ftyp":
        if data[8:12] in (b"heic", b"heix", b"mif1", b"avif"):
            return UnusableError(f"{claimed}a HEIC or AVIF picture", "Export it as JPEG.")
        return UnusableError(f"{claimed}an MP4 or M4A file", "Convert its sound to WAV.")
    if data.startswith(b"PK\x03\x04") and named in _DOCUMENTS:
        return UnusableError(f"a document ({named})", "Export what is in it, or move it elsewhere.")
    if b"<svg" in data[:1000].lower():
        return UnusableError(f"{claimed}a drawing (SVG)", "Export it as PNG.")
    for start, what in _FOREIGN:
        if data.startswith(start):
            what, _, do = what.partition(": ")
            return UnusableError(claimed + what, f"{do[:1].upper()}{do[1:]}.")
    if data.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return UnusableError(
            f"{claimed}a web page", "Download the file itself; a page was saved in its place."
        )
    if not data.strip(b"\0"):
        return UnusableError("nothing but zeros", "Copy it again from where it came.")
    if _kind(named):
        return UnusableError(
            f"{claimed}its content is no {_kind(named)}", "Replace it by one that opens."
        )
    return UnusableError(
        "neither a sound nor a picture that can be read",
        "Move it elsewhere, or convert it (sound: WAV, FLAC, OGG, MP3; picture: PNG, JPEG).",
    )


# Sounds


def _sound(data: bytes) -> Thing:
    import soundfile

    cut = _promised(data)
    if cut:
        raise UnusableError(cut, "Copy it again from where it came.")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate, frames, subtype = file.samplerate, file.frames, file.subtype
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        words = str(error).partition(": ")[2] or str(error)
        raise UnusableError(
            f"cut short or broken: {words.strip().rstrip('.')}",
            "Copy it again from where it came, or convert it to WAV.",
        ) from error
    if len(samples) < frames:
        raise UnusableError(
            f"cut short: {len(samples):,} of {frames:,} samples are there",
            "Copy it again from where it came.",
        )
    if not len(samples):
        raise UnusableError("holds no sound: 0 samples", "Record it again.")
    if 1000 * len(samples) < _LEAST_MS * rate:
        raise UnusableError(
            f"too short: {1000 * len(samples) / rate:.2g} ms",
            f"Record it again; {_LEAST_MS} ms are the least.",
        )
    if not np.isfinite(samples).all():
        raise UnusableError("holds samples that are no numbers", "Export it again as 16-bit WAV.")
    mono = samples.mean(axis=1)
    facts = {
        "duration_s": len(samples) / rate,
        "rate_hz": int(rate),
        "channels": samples.shape[1],
        "format": subtype,
        "level_db": float(20 * np.log10(np.sqrt(np.mean(mono**2)) + 1e-5)),
    }
    same = hashlib.sha256(f"{rate} {samples.shape}".encode() + samples.tobytes()).hexdigest()
    return Thing("sound", facts, same, _sound_print(mono, rate), _sound_remarks(samples, mono))


def _sound_remarks(samples: np.ndarray, mono: np.ndarray) -> list[str]:
    peak = float(np.abs(samples).max())
    if not peak:
        return ["silent throughout"]
    remarks = [f"louder than full scale (peak {peak:.1f})"] if peak > 1.05 else []
    if samples.shape[1] > 1 and np.abs(mono).max() < 0.01 * peak:
        remarks.append("its channels cancel out when they are averaged")
    return remarks


def _promised(data: bytes) -> str:
    """Of a WAV, in words, that its samples should go on beyond the end of the file.

    libsndfile reads what is there and says nothing. A program that records into a pipe leaves
    0 or all ones for a length that it does not know.
    """
    if data[:4] != b"RIFF":
        return ""
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        if name == b"data":
            there = len(data) - at - 8
            if there < size < 0xFFFFFF00 and size != 0x7FFFFFFF:
                return f"cut short: {there:,} of {size:,} bytes of sound are there"
            return ""
        at += 8 + size + size % 2
    return "cut short: it ends before its sound begins"


def _sound_print(mono: np.ndarray, rate: int) -> np.ndarray:
    """Level by time and pitch, whatever the volume, the rate and the format."""
    # At a very low rate a short sound has few samples: silence is put after it.
    mono = np.pad(mono, (0, max(0, 8 * _SLOTS - len(mono))))
    pieces = np.array_split(mono, _SLOTS)
    edges = np.linspace(0, _TOP_HZ, _BANDS + 1)
    rows = []
    for piece in pieces:
        power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)))) ** 2
        pitch = np.fft.rfftfreq(len(piece), 1 / rate)
        sums, _ = np.histogram(pitch, bins=edges, weights=power)
        rows.append(sums / len(piece) / rate)
    level = 10 * np.log10(np.array(rows) + 1e-20)
    return _unit(np.maximum(level, level.max() - _FLOOR_DB).ravel())


# Pictures


def _picture(data: bytes) -> Thing:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a large one, which is told below
            picture = Image.open(io.BytesIO(data))
            width, height = picture.size
            _sized(width, height)
            picture.load()
    except UnidentifiedImageError as error:
        raise UnusableError(
            "cannot be read as a picture", "Copy it again from where it came."
        ) from error
    except Image.DecompressionBombError as error:
        raise UnusableError("far too large a picture", "Scale it down first.") from error
    except UnusableError:
        raise
    except Exception as error:  # a decoder may raise anything; it is told
        words = str(error) or type(error).__name__
        cut = "truncated" in words or isinstance(error, OSError | SyntaxError | EOFError)
        raise UnusableError(
            f"{'cut short' if cut else 'broken'} ({words})", "Copy it again from where it came."
        ) from error
    remarks = _picture_remarks(picture)
    if (picture.format, picture.mode) not in _EVERYWHERE:
        _readable(data)
    upright = ImageOps.exif_transpose(picture)
    colour = _eight_bits(upright)
    # What is measured needs no more pixels than this, and large photographs have many.
    small = Image.fromarray(colour).resize((_MEASURED, _MEASURED), Image.Resampling.BOX)
    grey = np.asarray(small, float).mean(axis=2) / 255
    facts = {
        "width": upright.width,
        "height": upright.height,
        "mode": picture.mode,
        "brightness": float(grey.mean()),
        "contrast": float(grey.std()),
    }
    if not np.ptp(colour.reshape(-1, 3), axis=0).any():
        called = {0: "black", 765: "white"}.get(int(colour[0, 0].sum(dtype=int)), "one colour")
        remarks.append(f"{called} throughout")
    same = hashlib.sha256(f"{colour.shape}".encode() + colour.tobytes()).hexdigest()
    thumb = np.asarray(small.resize((_THUMB, _THUMB), Image.Resampling.BOX), float)
    return Thing("picture", facts, same, _unit(thumb.ravel()), remarks)


def _sized(width: int, height: int) -> None:
    if min(width, height) < _LEAST_SIDE:
        raise UnusableError(
            f"too small: {width} x {height} pixels",
            f"Take a larger one: {_LEAST_SIDE} pixels a side are the least.",
        )
    if width * height > _MOST_PIXELS:
        raise UnusableError(
            f"too large: {width:,} x {height:,} pixels",
            f"Scale it down; {_MOST_PIXELS // 10**6} million pixels are the most.",
        )


def _readable(data: bytes) -> None:
    """The features are made with OpenCV, which reads a little less than Pillow."""
    import cv2

    if cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is None:
        raise UnusableError("a picture that OpenCV cannot read", "Save it again as PNG or JPEG.")


def _picture_remarks(picture: Any) -> list[str]:
    remarks = []
    if picture.getexif().get(0x0112, 1) != 1:  # Orientation
        remarks.append("turned as its camera says")
    if picture.mode.startswith(("I", "F")):
        remarks.append("more than 8 bits: brought to 8")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        remarks.append("transparency left out")
    if picture.mode == "CMYK":
        remarks.append("colours for print (CMYK): brought to RGB")
    many = getattr(picture, "n_frames", 1)
    if many > 1:
        remarks.append(f"{many} pictures in one file: the first is used")
    return remarks


def _eight_bits(picture: Any) -> np.ndarray:
    if picture.mode.startswith(("I", "F")):
        grey = np.asarray(picture, float)
        low, high = float(grey.min()), float(grey.max())
        # 16 bits as 256 steps; anything else over the range it has.
        by = 256.0 if 255 < high < 65536 and low >= 0 else max(high - min(low, 0.0), 1e-9) / 255
        grey = np.clip((grey - min(low, 0.0)) / by, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    return np.asarray(picture.convert("RGB"))


def _unit(values: np.ndarray) -> np.ndarray:
    """Mean 0 and length 1; all zeros where nothing stands out, and then it is near to nothing."""
    values = values - values.mean()
    length = float(np.linalg.norm(values))
    flat = length < 1e-6 * max(1.0, np.sqrt(len(values)))
    return np.zeros(len(values), np.float32) if flat else (values / length).astype(np.float32)
