"""One take as it is kept: one channel, one rate, silence cut off, one loudness."""

from dataclasses import dataclass
from typing import Any

import numpy as np

SHORTEST_S = 0.1
MARGIN_S = 0.03  # kept on both sides: a soft "f" begins below any threshold
LEVEL_DBFS = -20.0
PEAK_DBFS = -1.0
_GAIN_DB = 40.0  # more would only lift the noise of the room
_SILENT_DBFS = -55.0
_QUIET_DBFS = -45.0
_FRAME_S = 0.01
_ABOVE_DB = 10.0
_RANGE_DB = (25.0, 40.0)  # below the loudest moment
_CLICK_S, _APART_S = 0.04, 0.2
_FULL = 0.99
_RATES_HZ = (4000, 384_000)


class TakeError(ValueError):
    """A take that cannot be kept; the message says why and what to do."""


@dataclass(frozen=True)
class Voice:
    """A take ready to be written: 16-bit samples, how it was before, and what there is to say."""

    samples: np.ndarray
    rate_hz: int
    level_dbfs: float
    peak_dbfs: float
    gain_db: float
    clipped: int
    remarks: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        """How long it is, with the margins."""
        return len(self.samples) / self.rate_hz


def prepare(samples: Any, rate_hz: Any, *, to_hz: int) -> Voice:
    """Average the channels, take off the offset, resample, trim and bring to one loudness."""
    rate_hz = rate(rate_hz, "rate_hz")
    raw = mono(samples)
    clip = resample(raw - raw.mean(), rate_hz, to_hz)
    first, last, above_db = bounds(clip, to_hz)
    clip = clip[first:last]
    level, peak = dbfs(np.sqrt(np.mean(clip**2))), dbfs(np.abs(clip).max())
    gain_db = min(LEVEL_DBFS - level, PEAK_DBFS - peak, _GAIN_DB)
    whole = np.round(clip * 10 ** (gain_db / 20) * 32767).astype(np.int16)
    cut = clipped(raw)
    remarks = _remarks(cut, level, above_db)
    return Voice(whole, to_hz, float(level), float(peak), float(gain_db), cut, remarks)


def rate(value: Any, name: str) -> int:
    """A rate in Hz that sound is recorded at."""
    low, high = _RATES_HZ
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not low <= float(value) <= high or float(value) != round(float(value)):
        raise TakeError(f"{name}={value!r}: give a whole number of Hz from {low:,} to {high:,}.")
    return int(value)


def mono(samples: Any) -> np.ndarray:
    """One channel within -1 and 1, of floats or integers, shaped (n,) or (n, channels)."""
    raw = np.asarray(samples)
    if raw.dtype.kind not in "iuf" or raw.ndim not in (1, 2):
        raise TakeError(
            f"a take is an array of numbers, (n,) or (n, channels); this one is {raw.dtype} "
            f"of shape {raw.shape}."
        )
    if raw.size == 0:
        raise TakeError("the take is empty: the microphone gave nothing. Record it again.")
    sound = raw.astype(np.float64)
    if raw.dtype == np.uint8:
        sound = (sound - 128) / 128
    elif raw.dtype.kind in "iu":
        sound = sound / (float(np.iinfo(raw.dtype).max) + 1)
    if not np.isfinite(sound).all():
        raise TakeError("the take holds samples that are no numbers (NaN or infinite).")
    sound = sound.mean(axis=1) if sound.ndim == 2 else sound
    if raw.dtype.kind == "f" and np.abs(sound).max() > 8:
        raise TakeError(
            f"the samples reach {np.abs(sound).max():,.0f}: floats lie within -1 and 1; "
            "give integers as integers, or divide by 32768."
        )
    return sound


def resample(clip: np.ndarray, rate_hz: int, to_hz: int) -> np.ndarray:
    """The same sound at another rate, with soxr's high quality: what librosa uses by default."""
    if rate_hz == to_hz:
        return clip
    import soxr

    return np.asarray(soxr.resample(clip, rate_hz, to_hz, quality="HQ"))


def bounds(clip: np.ndarray, rate_hz: int) -> tuple[int, int, float]:
    """First and last sample to keep, and how far the loudest moment is above the quietest tenth.

    A moment (10 ms) sounds when it is 10 dB above the quietest tenth; but the threshold stays 25
    to 40 dB below the loudest. A burst under 40 ms that stands 0.2 s apart is the click of a key.
    """
    size = round(_FRAME_S * rate_hz)
    count = -(-len(clip) // size)
    frames = np.pad(clip, (0, count * size - len(clip))).reshape(count, size)
    held = np.minimum(size, len(clip) - size * np.arange(count))
    level = dbfs(np.sqrt((frames**2).sum(axis=1) / held))
    loudest, floor = float(level.max()), float(np.percentile(level, 10))
    if loudest < _SILENT_DBFS:
        raise TakeError(
            "no sound was heard. Is the microphone muted, or another one chosen? "
            "Come nearer and record it again."
        )
    threshold = np.clip(floor + _ABOVE_DB, loudest - _RANGE_DB[1], loudest - _RANGE_DB[0])
    first, last = _without_clicks(level >= threshold)
    if (last - first) * _FRAME_S < SHORTEST_S - 1e-9:
        raise TakeError(
            f"only {(last - first) * _FRAME_S:.2f} s of sound were heard, a click perhaps. "
            "Press, speak, then stop."
        )
    margin = round(MARGIN_S * rate_hz)
    return max(0, first * size - margin), min(len(clip), last * size + margin), loudest - floor


def _without_clicks(sounds: np.ndarray) -> tuple[int, int]:
    """First frame and the one after the last, without short bursts far from everything else."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], sounds.astype(int), [0]])))
    runs = [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    far, short = _APART_S / _FRAME_S, _CLICK_S / _FRAME_S
    while len(runs) > 1 and runs[0][1] - runs[0][0] < short and runs[1][0] - runs[0][1] > far:
        runs.pop(0)
    while len(runs) > 1 and runs[-1][1] - runs[-1][0] < short and runs[-1][0] - runs[-2][1] > far:
        runs.pop()
    return runs[0][0], runs[-1][1]


def clipped(raw: np.ndarray) -> int:
    """How many samples lie at the limit of full scale, three or more in a row."""
    full = np.abs(raw) >= _FULL
    edges = np.flatnonzero(np.diff(np.concatenate([[0], full.astype(int), [0]])))
    lengths = np.diff(edges.reshape(-1, 2), axis=1)
    return int(lengths[lengths >= 3].sum())


def dbfs(amplitude: Any) -> Any:
    """Decibels below full scale."""
    return 20 * np.log10(np.maximum(amplitude, 1e-10))


def _remarks(cut: int, level_dbfs: float, above_db: float) -> tuple[str, ...]:
    said = []
    if cut:
        said.append("too loud: it is clipped. Move away or turn the microphone down.")
    if level_dbfs < _QUIET_DBFS:
        said.append("very quiet: come nearer to the microphone.")
    if above_db < 15:
        said.append("no quiet moment around the voice: a noisy room, or cut too close.")
    return tuple(said)


def warm() -> None:
    """Import what the first take needs, while the person still reads."""
    import soundfile  # noqa: F401 - for the effect
    import soxr  # noqa: F401 - for the effect
    from scipy import signal, stats  # noqa: F401 - for the effect
