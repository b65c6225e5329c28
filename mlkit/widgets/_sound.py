"""A sound for the browser: bytes it can play, and a picture of waveform and spectrogram."""

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# What browsers play as it is; the rest is sent as WAV.
_PLAYED = {".wav": "wav", ".mp3": "mpeg", ".flac": "flac", ".ogg": "ogg", ".oga": "ogg"}
_ONLY_BROWSER = {".m4a": "mp4", ".aac": "aac", ".webm": "webm", ".opus": "ogg"}
SUFFIXES = {*_PLAYED, *_ONLY_BROWSER, ".aif", ".aiff", ".au", ".caf"}

_LONGEST_S = 120
_LARGEST_FILE = 5_000_000
_WIDTH, _WAVE, _FREQUENCIES = 640, 64, 160
_RANGE_DB = 70

# From dark to light in even steps of lightness, so that grey eyes and printers see the same.
_RAMP = np.array(
    [(16, 20, 38), (30, 58, 104), (0, 114, 160), (20, 158, 150), (150, 200, 90), (250, 240, 150)]
)


@dataclass(frozen=True)
class Scale:
    """How loud a waveform as high as its room is, and the brightest of a spectrogram."""

    peak: float
    top_db: float

    def holding(self, samples: Any) -> "Scale":
        """Raised in steps of 3 dB until these samples fit: two sounds on it can be compared."""
        peak = float(np.abs(_floats(np.asarray(samples))).max())
        if not self.peak:
            return scale_of(samples, 1)
        steps = max(0, math.ceil(2 * math.log2(peak / self.peak) - 1e-9)) if peak else 0
        return Scale(self.peak * 2 ** (steps / 2), self.top_db + 3.0103 * steps)


def scale_of(samples: Any, rate: float) -> Scale:
    """The scale on which a sound fills its room."""
    wave = _floats(np.asarray(samples)).mean(axis=1)
    return Scale(float(np.abs(wave).max()), float(_level(wave, round(rate)).max()))


def sound(
    value: Any, rate: Any = None, scale: Scale | None = None
) -> tuple[dict[str, Any], list[bytes]]:
    """Head and buffers of a path, of bytes, of (samples, rate in Hz), or of samples and a rate.

    Samples are drawn on a ``scale`` where one is given; everything else fills its room.
    """
    if isinstance(value, str | Path):
        path = Path(value).expanduser()
        return _encoded(path.read_bytes(), path.suffix.lower())
    if isinstance(value, bytes):
        return _encoded(value, {b"fLaC": ".flac", b"OggS": ".ogg"}.get(value[:4], ".wav"))
    samples, rate_hz = value if isinstance(value, tuple) else (value, rate)
    if np.ndim(samples) == 0 and np.ndim(rate_hz) == 1:  # as scipy.io.wavfile.read gives them
        samples, rate_hz = rate_hz, samples
    rate_hz = float(rate_hz) if rate_hz is not None else float("nan")
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise ValueError("a sound needs its rate in Hz: a pair (samples, rate) or a rate_hz column")
    return _decoded(_floats(np.asarray(samples)), round(rate_hz), scale=scale)


def _encoded(data: bytes, suffix: str) -> tuple[dict[str, Any], list[bytes]]:
    import soundfile

    if not data:
        raise ValueError("the file is empty")
    if suffix in _ONLY_BROWSER:
        return {"kind": "audio", "type": f"audio/{_ONLY_BROWSER[suffix]}"}, [data]
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        rate, length = file.samplerate, file.frames
        samples = file.read(min(length, _LONGEST_S * rate), dtype="float32", always_2d=True)
    if not len(samples):
        raise ValueError("the file holds no sound")
    if suffix in _PLAYED and len(data) <= _LARGEST_FILE:
        head = _head(samples, rate, f"audio/{_PLAYED[suffix]}")
        return head, [data, _drawing(samples.mean(axis=1), rate)]
    return _decoded(samples, rate, length / rate)


def _floats(samples: np.ndarray) -> np.ndarray:
    """(length, channels), within -1 and 1."""
    if samples.ndim not in (1, 2) or samples.size == 0 or samples.dtype.kind not in "iuf":
        raise ValueError(f"an array of shape {samples.shape} and {samples.dtype} is no sound")
    if samples.ndim == 1:
        samples = samples[:, None]
    elif samples.shape[0] < samples.shape[1]:
        samples = samples.T
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    if samples.dtype.kind in "iu":
        return samples.astype(np.float32) / (np.iinfo(samples.dtype).max + 1)
    clean = np.nan_to_num(samples).astype(np.float32)
    return clean / max(1.0, float(np.abs(clean).max()))


def _decoded(
    samples: np.ndarray, rate: int, whole_s: float | None = None, scale: Scale | None = None
) -> tuple[dict[str, Any], list[bytes]]:
    import soundfile

    whole_s = whole_s or len(samples) / rate
    samples = samples[: _LONGEST_S * rate]
    wav = io.BytesIO()
    soundfile.write(wav, samples, rate, format="WAV", subtype="PCM_16")
    head = _head(samples, rate, "audio/wav")
    if whole_s > _LONGEST_S:
        head["caption"] += f" (the first of {whole_s / 60:.0f} minutes)"
    return head, [wav.getvalue(), _drawing(samples.mean(axis=1), rate, scale)]


def _head(samples: np.ndarray, rate: int, kind: str) -> dict[str, Any]:
    duration_s = len(samples) / rate
    return {
        "kind": "audio",
        "type": kind,
        "duration_s": duration_s,
        "caption": f"{duration_s:.2f} s, 0 to {rate / 2000:g} kHz",
        "width": _WIDTH,
        "height": _WAVE + _FREQUENCIES,
    }


def _drawing(samples: np.ndarray, rate: int, scale: Scale | None = None) -> bytes:
    """Waveform above, spectrogram below, as one PNG."""
    from PIL import Image

    level = _level(samples, rate)
    scale = scale or Scale(float(np.abs(samples).max()), float(level.max()))
    picture = np.empty((_WAVE + _FREQUENCIES, _WIDTH, 3), np.uint8)
    picture[:_WAVE] = _waveform(samples, scale.peak)
    picture[_WAVE:] = _spectrogram(level, scale.top_db)
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _waveform(samples: np.ndarray, peak: float) -> np.ndarray:
    """Lowest and highest sample of each column of pixels."""
    edges = np.linspace(0, len(samples), _WIDTH + 1).astype(int)[:-1]
    edges = np.minimum(edges, len(samples) - 1)
    peak = max(peak, 1e-4)
    middle = (_WAVE - 1) / 2
    top = middle - np.maximum.reduceat(samples, edges) / peak * (middle - 2)
    bottom = middle - np.minimum.reduceat(samples, edges) / peak * (middle - 2)
    height = np.arange(_WAVE)[:, None]
    inside = (height >= np.floor(top)) & (height <= np.ceil(bottom))
    return np.where(inside[:, :, None], _RAMP[4], _RAMP[0]).astype(np.uint8)


def _level(samples: np.ndarray, rate: int) -> np.ndarray:
    """Power in dB of each frequency (up) and moment (right)."""
    from scipy.signal import ShortTimeFFT

    # 25 ms tell two harmonics of a voice apart and still follow its syllables.
    window = max(16, min(round(0.025 * rate), len(samples)))
    hop = max(1, len(samples) // _WIDTH, window // 8)
    transform = ShortTimeFFT(np.hanning(window + 2)[1:-1], hop, rate, mfft=max(512, window))
    power = np.abs(transform.stft(np.pad(samples, (0, window)))) ** 2
    times = max(1, -(-len(samples) // hop))
    return 10 * np.log10(power[:, :times] + 1e-12)


def _spectrogram(level: np.ndarray, top_db: float) -> np.ndarray:
    level = np.clip((level - top_db) / _RANGE_DB + 1, 0, 1)
    rows = np.linspace(level.shape[0] - 1, 0, _FREQUENCIES).round().astype(int)
    columns = np.linspace(0, level.shape[1] - 1, _WIDTH).round().astype(int)
    shown = level[np.ix_(rows, columns)] * (len(_RAMP) - 1)
    lower = np.minimum(shown.astype(int), len(_RAMP) - 2)
    part = (shown - lower)[:, :, None]
    return (_RAMP[lower] * (1 - part) + _RAMP[lower + 1] * part).astype(np.uint8)
