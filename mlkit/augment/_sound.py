"""What the functions on sound share: checks, noise, rooms, and staying within full scale."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from numbers import Real
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Sound = str | PathLike[str] | ArrayLike
Rng = int | np.random.Generator | None

# Power falls with frequency to this power: pink is 1/f.
COLOURS = {"white": 0, "pink": 1, "brown": 2, "blue": -1, "violet": -2}
_WINDOW_S = 0.064  # of the phase vocoder: several periods of a deep voice
_TRIES = 20


class AudioWarning(UserWarning):
    """Something was done otherwise than asked, or not at all; the message says what."""


# Where a batch listens: warnings.catch_warnings is one for all threads, this is one for each.
_LISTENER: ContextVar[list[str] | None] = ContextVar("listener", default=None)


@contextmanager
def overheard() -> Iterator[list[str]]:
    """Collect what is said meanwhile in a list instead of as warnings, in this thread alone.

    Examples
    --------
    >>> from mlkit.augment import audio
    >>> with overheard() as words:
    ...     _ = audio.shift_time(np.append(0.5, np.zeros(79)), rate_hz=8000, shift_s=-0.001)
    >>> words
    ["shift_time: 100% of the sound's energy was moved out of the clip."]
    """
    words: list[str] = []
    before = _LISTENER.set(words)
    try:
        yield words
    finally:
        _LISTENER.reset(before)


def say(words: str, *, up: int = 1) -> None:
    """Warn at the line that called the public function, ``up`` calls above the one that says it."""
    listener = _LISTENER.get()
    if listener is None:
        warnings.warn(words, AudioWarning, stacklevel=2 + up)
    else:
        listener.append(words)


def checked(samples: ArrayLike, function: str) -> np.ndarray:
    """The samples as an array, or one sentence that says what is wrong with them."""
    clip = np.asarray(samples)
    if clip.ndim != 1:
        raise ValueError(
            f"{function}() needs one channel, samples of shape (n,); it was given {clip.shape}. "
            "Take one channel, or their mean: samples.mean(axis=1) as soundfile reads them."
        )
    if clip.dtype.kind != "f":
        raise ValueError(
            f"{function}() needs samples as floats from -1 to 1; it was given {clip.dtype}. "
            "soundfile.read gives them so; 16-bit numbers become so by samples / 32768."
        )
    if not clip.size:
        raise ValueError(f"{function}() was given a clip without a single sample.")
    broken = int((~np.isfinite(clip)).sum())
    if broken:
        raise ValueError(
            f"{function}() was given {broken:,} of {clip.size:,} samples that are no numbers "
            "(NaN or infinite): the recording is broken."
        )
    return clip


def fitted(wave: np.ndarray, clip: np.ndarray, function: str, *, up: int = 2) -> np.ndarray:
    """In the clip's dtype, turned down as a whole where it goes beyond full scale."""
    peak = _peak(wave)
    if peak > 1 and peak > (most := max(1.0, _peak(clip))):
        wave = wave * (most / peak)
        turned = f"turned down by {20 * np.log10(peak / most):.1f} dB as a whole"
        say(f"{function}: {turned}, or its peaks would have been cut off.", up=up)
    return wave.astype(clip.dtype, copy=False)


def _peak(wave: np.ndarray) -> float:
    """The largest amplitude, without an array of all of them."""
    return max(float(wave.max()), -float(wave.min()))


def has_ratio(clip: np.ndarray, snr_db: float, function: str) -> bool:
    """Whether there is anything to add: not to silence, and none at an infinite ratio."""
    ratio(function, snr_db)
    if not clip.any():
        say(f"{function}: the clip is silent, so nothing has a ratio to it; none was added.", up=2)
    return bool(clip.any()) and not np.isposinf(snr_db)


def mixed(clip: np.ndarray, other: np.ndarray, snr_db: float, function: str) -> np.ndarray:
    """The clip with the other sound at this signal-to-noise ratio."""
    wave = clip.astype(np.float64, copy=False)
    power = np.mean(other**2)
    if not power:
        raise ValueError(f"{function}(): the recordings drawn cancel each other out.")
    strength = np.sqrt(np.mean(wave**2) / power / 10 ** (snr_db / 10))
    return fitted(wave + strength * other, clip, function, up=3)


def ratio(function: str, snr_db: Any) -> None:
    number(function, "snr_db", snr_db)
    if np.isneginf(snr_db):
        raise ValueError(f"{function}() needs snr_db above minus infinity: some of the clip stays.")


def several(speech: Any) -> None:
    if isinstance(speech, str | PathLike) or not len(speech):
        raise ValueError("add_speech() needs speech as a list of recordings, with one at least.")


def number(function: str, name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or np.isnan(float(value)):
        raise ValueError(f"{function}() needs {name} as a number; it was given {value!r}.")


def between(function: str, name: str, value: Any, low: float, high: float) -> None:
    number(function, name, value)
    if not low <= value <= high:
        raise ValueError(
            f"{function}() needs {name} from {low:g} to {high:g}; it was given {value!r}."
        )


def span(first: int, width: int, size: int, name: str) -> slice:
    if first < 0 or width < 0 or first + width > size:
        raise ValueError(
            f"mask_spectrogram(): the mask ({first}, {width}) in {name} lies outside 0 to {size}."
        )
    return slice(first, first + width)


def noise(
    kind: Sound, size: int, rate_hz: float | None, rng: np.random.Generator, *, function: str
) -> np.ndarray:
    """``size`` samples of a colour, or of a recording from a place that is drawn."""
    if isinstance(kind, str) and kind in COLOURS:
        return _coloured(COLOURS[kind], size, rng)
    whole = recording(kind, rate_hz, function)
    if not whole.any():
        raise ValueError(f"{function}(): the recording {_named(kind)} is silent.")
    for _ in range(_TRIES):
        if len(whole) > size:
            part = whole[(start := int(rng.integers(len(whole) - size + 1))) : start + size]
        else:
            part = np.resize(np.roll(whole, -int(rng.integers(len(whole)))), size)
        if part.any():
            return part
    loudest = int(np.abs(whole).argmax())  # silence nearly all through: take where it is not
    return np.resize(np.roll(whole, -loudest), size)


def recording(sound: Sound, rate_hz: float | None, function: str) -> np.ndarray:
    """Samples as they are, or a file's, one channel, at this rate."""
    if not isinstance(sound, str | PathLike):
        return checked(sound, function).astype(np.float64)
    if rate_hz is None:
        raise ValueError(
            f"{function}() reads a file, and needs rate_hz to bring it to the clip's rate; "
            f"for a colour, give one of {', '.join(map(repr, COLOURS))}; it was given {sound!r}."
        )
    return _read(fspath(sound), float(rate_hz), function)


def require_file(path: Path, function: str) -> None:
    if not path.is_file():
        raise FileNotFoundError(
            f"{function}(): there is no file {path}; for a colour, give one of "
            f"{', '.join(map(repr, COLOURS))}."
        )


@lru_cache(maxsize=16)  # one recording of noise serves thousands of clips
def _read(path: str, rate_hz: float, function: str) -> np.ndarray:
    import librosa
    import soundfile

    require_file(Path(path), function)
    try:
        samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{function}(): {path} cannot be read as sound ({error}).") from error
    wave = checked(samples.mean(axis=1), function)
    if rate != rate_hz:
        wave = librosa.resample(wave, orig_sr=rate, target_sr=rate_hz, res_type="soxr_hq")
    wave.flags.writeable = False  # it is handed out again
    return wave


def _named(sound: Sound) -> str:
    return repr(fspath(sound)) if isinstance(sound, str | PathLike) else "given as samples"


def _coloured(fall: float, size: int, rng: np.random.Generator) -> np.ndarray:
    wave = rng.standard_normal(size)
    if fall == 0 or size == 1:
        return wave
    spectrum = np.fft.rfft(wave)
    frequency = np.arange(len(spectrum), dtype=float)
    frequency[0] = 1  # a constant part is no noise, and is taken away below
    spectrum *= frequency ** (-fall / 2)
    spectrum[0] = 0
    return np.fft.irfft(spectrum, size)


def room(
    rate_hz: float, rt60_s: float, direct_db: float, size: int, rng: np.random.Generator
) -> np.ndarray:
    """An impulse response: the direct sound, then noise that falls by 60 dB in ``rt60_s``."""
    echo = rng.standard_normal(min(size, max(2, round(1.5 * rt60_s * rate_hz))))
    echo *= 10 ** (-3 * np.arange(len(echo)) / (rt60_s * rate_hz))
    echo[0] = 0
    energy = np.sum(echo**2)
    if energy:
        echo *= np.sqrt(10 ** (-direct_db / 10) / energy)
    echo[0] = 1
    return echo


def resampled(clip: np.ndarray, factor: float, *, size: int | None = None) -> np.ndarray:
    """As if played ``factor`` times as fast."""
    if factor == 1:
        return clip.copy()
    import librosa

    wave = librosa.resample(
        clip.astype(np.float64, copy=False),
        # Rates as large whole numbers say the ratio to within a millionth.
        orig_sr=round(1_000_000 * factor),
        target_sr=1_000_000,
        res_type="soxr_hq",
    )
    return librosa.util.fix_length(wave, size=size or max(1, round(len(clip) / factor)))


def stretched(clip: np.ndarray, factor: float, rate_hz: float) -> np.ndarray:
    """Spoken ``factor`` times as fast at the same pitch."""
    if factor == 1:
        return clip.copy()
    import librosa

    with warnings.catch_warnings():
        # A clip shorter than the window is padded with silence; librosa need not say so.
        warnings.filterwarnings("ignore", message="n_fft=.* is too large")
        window = 2 ** round(np.log2(_WINDOW_S * rate_hz))
        wave = librosa.effects.time_stretch(
            clip.astype(np.float64, copy=False), rate=factor, n_fft=window
        )
    return librosa.util.fix_length(wave, size=max(1, round(len(clip) / factor)))
