"""Sound made harder on purpose: noise, rooms, telephones, other speeds and voices.

Each function takes samples (floats, shape (n,), full scale from -1 to 1) and returns new ones of
the same dtype; the caller's are never changed. What would go beyond full scale is turned down as
a whole, which keeps every ratio in it, and said in an :class:`AudioWarning`; so is whatever else
could not be done as asked.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from mlkit.augment import _sound
from mlkit.augment._limits import within
from mlkit.augment._sound import AudioWarning, Rng, Sound

__all__ = [
    "AudioWarning",
    "add_noise",
    "add_reverb",
    "add_speech",
    "change_gain",
    "change_speed",
    "clip_peaks",
    "draw_masks",
    "limit_band",
    "mask_spectrogram",
    "normalise_loudness",
    "shift_pitch",
    "shift_time",
    "stretch_time",
]


def add_noise(
    samples: ArrayLike,
    *,
    snr_db: float,
    noise: Sound = "white",
    rate_hz: float | None = None,
    rng: Rng = None,
) -> np.ndarray:
    """Add noise at an exact signal-to-noise ratio, both measured over the whole clip.

    Parameters
    ----------
    samples
        Shape (n,), -1 to 1.
    snr_db
        10 log10 of the power of the clip over that of the noise; infinity adds none.
    noise
        ``"white"``, ``"pink"``, ``"brown"``, ``"blue"``, ``"violet"``, or a recording: a path
        (brought to ``rate_hz``) or samples of the clip's rate. ``rng`` draws where in it to
        begin; a short one goes round.

    Examples
    --------
    >>> clip = np.sin(np.arange(8000) / 5)
    >>> noisy = add_noise(clip / 4, snr_db=10, rng=0)
    >>> added = noisy - clip / 4
    >>> round(float(10 * np.log10(np.mean((clip / 4) ** 2) / np.mean(added**2))), 2)
    10.0
    """
    clip = _sound.checked(samples, "add_noise")
    if not _sound.has_ratio(clip, snr_db, "add_noise"):
        return clip.copy()
    draw = np.random.default_rng(rng)
    other = _sound.noise(noise, len(clip), rate_hz, draw, function="add_noise")
    return _sound.mixed(clip, other, snr_db, "add_noise")


def add_speech(
    samples: ArrayLike,
    *,
    snr_db: float,
    speech: Sequence[Sound],
    talkers: int = 1,
    rate_hz: float | None = None,
    rng: Rng = None,
) -> np.ndarray:
    """Add other people talking: ``talkers`` recordings drawn from ``speech``, each as loud.

    ``snr_db`` is the power of the clip over that of all of them together; recordings are paths
    or samples, as in :func:`add_noise`.

    >>> clip, other = np.sin(np.arange(800) / 9), np.sin(np.arange(900) / 4)
    >>> add_speech(clip / 3, snr_db=6, speech=[other], rng=0).shape
    (800,)
    """
    _sound.several(speech)
    if not 1 <= talkers <= len(speech):
        raise ValueError(
            f"add_speech() was asked for {talkers} talkers and given {len(speech)} recordings; "
            f"talkers lies between 1 and {len(speech)}."
        )
    clip = _sound.checked(samples, "add_speech")
    if not _sound.has_ratio(clip, snr_db, "add_speech"):
        return clip.copy()
    rng = np.random.default_rng(rng)
    together = np.zeros(len(clip))
    for place in rng.choice(len(speech), size=talkers, replace=False):
        one = _sound.noise(speech[place], len(clip), rate_hz, rng, function="add_speech")
        together += one / np.sqrt(np.mean(one**2))
    return _sound.mixed(clip, together, snr_db, "add_speech")


def change_speed(samples: ArrayLike, *, factor: float) -> np.ndarray:
    """Play faster (above 1) or slower: the voice rises or falls with it, as on a tape.

    Gives round(n / factor) samples, resampled with soxr.

    >>> change_speed(np.zeros(1000), factor=1.25).shape
    (800,)
    """
    clip = _sound.checked(samples, "change_speed")
    within("change_speed", factor=factor)
    return _sound.fitted(_sound.resampled(clip, factor), clip, "change_speed")


def stretch_time(samples: ArrayLike, *, factor: float, rate_hz: float) -> np.ndarray:
    """Speak faster (above 1) or slower at the same pitch, by a phase vocoder.

    Gives round(n / factor) samples. Source: Flanagan and Golden (1966); librosa's.

    >>> stretch_time(np.sin(np.arange(4000) / 5), factor=2, rate_hz=8000).shape
    (2000,)
    """
    clip = _sound.checked(samples, "stretch_time")
    within("stretch_time", factor=factor, rate_hz=rate_hz)
    return _sound.fitted(_sound.stretched(clip, factor, rate_hz), clip, "stretch_time")


def shift_pitch(samples: ArrayLike, *, semitones: float, rate_hz: float) -> np.ndarray:
    """Raise (above 0) or lower the voice and keep its length; 12 semitones are an octave.

    >>> shift_pitch(np.sin(np.arange(4000) / 5), semitones=3, rate_hz=8000).shape
    (4000,)
    """
    clip = _sound.checked(samples, "shift_pitch")
    within("shift_pitch", semitones=semitones, rate_hz=rate_hz)
    factor = 2 ** (semitones / 12)
    wave = _sound.resampled(_sound.stretched(clip, 1 / factor, rate_hz), factor, size=len(clip))
    return _sound.fitted(wave, clip, "shift_pitch")


def change_gain(samples: ArrayLike, *, gain_db: float) -> np.ndarray:
    """Make louder (above 0) or softer; 20 dB are ten times the amplitude.

    >>> change_gain(np.array([0.1, -0.2]), gain_db=-20).round(3).tolist()
    [0.01, -0.02]
    """
    clip = _sound.checked(samples, "change_gain")
    within("change_gain", gain_db=gain_db)
    return _sound.fitted(clip.astype(np.float64) * 10 ** (gain_db / 20), clip, "change_gain")


def normalise_loudness(samples: ArrayLike, *, level_db: float = -20.0) -> np.ndarray:
    """Bring the root mean square to this level in dB below full scale; silence stays silent.

    >>> loud = normalise_loudness(np.sin(np.arange(8000)), level_db=-20)
    >>> round(float(20 * np.log10(np.sqrt(np.mean(loud**2)))), 6)
    -20.0
    """
    clip = _sound.checked(samples, "normalise_loudness")
    within("normalise_loudness", level_db=level_db)
    wave = clip.astype(np.float64)
    now = np.sqrt(np.mean(wave**2))
    if now == 0:
        _sound.say("normalise_loudness: the clip is silent and stays so.")
        return clip.copy()
    return _sound.fitted(wave * 10 ** (level_db / 20) / now, clip, "normalise_loudness")


def add_reverb(
    samples: ArrayLike,
    *,
    rate_hz: float,
    rt60_s: float = 0.5,
    direct_db: float = 6.0,
    impulse: Sound | None = None,
    rng: Rng = None,
) -> np.ndarray:
    """Put the clip into a room; its length stays, what rings on after it is cut off.

    Parameters
    ----------
    rt60_s
        Seconds in which the made-up room's echo falls by 60 dB; 0 is no room.
    direct_db
        Energy of the direct sound over that of the echo.
    impulse
        A measured impulse response (path or samples of ``rate_hz``) in place of a made-up one,
        which is white noise that dies away (Moorer, 1979); the two numbers above then say nothing.

    Examples
    --------
    >>> clap = np.eye(1, 4000)[0]
    >>> ringing = add_reverb(clap, rate_hz=8000, rt60_s=0.2, direct_db=0, rng=0)
    >>> bool(np.isclose(ringing[0] ** 2, (ringing[1:] ** 2).sum()))
    True
    """
    from scipy.signal import fftconvolve

    clip = _sound.checked(samples, "add_reverb")
    within("add_reverb", rt60_s=rt60_s, direct_db=direct_db, rate_hz=rate_hz)
    if impulse is not None:
        room = _sound.recording(impulse, rate_hz, "add_reverb")
        first = int(np.abs(room).argmax())  # the direct sound: what comes before it is delay
        room = room[first:] / room[first]
    elif rt60_s == 0:
        return clip.copy()
    else:
        room = _sound.room(rate_hz, rt60_s, direct_db, len(clip), np.random.default_rng(rng))
    wave = fftconvolve(clip.astype(np.float64), room)[: len(clip)]
    return _sound.fitted(wave, clip, "add_reverb")


def limit_band(
    samples: ArrayLike, *, rate_hz: float, low_hz: float = 300.0, high_hz: float = 3400.0
) -> np.ndarray:
    """Let only these frequencies through; 300 to 3,400 Hz is a telephone.

    A Butterworth filter of order 4, run both ways, so that nothing is delayed: -6 dB at either
    end. 0 and infinity leave an end open.

    >>> hum = np.sin(2 * np.pi * 50 * np.arange(8000) / 8000)
    >>> bool(np.abs(limit_band(hum, rate_hz=8000)[2000:6000]).max() < 1e-3)
    True
    """
    from scipy.signal import butter, sosfiltfilt

    clip = _sound.checked(samples, "limit_band")
    within("limit_band", rate_hz=rate_hz)
    if not 0 <= low_hz < high_hz or low_hz >= rate_hz / 2:
        raise ValueError(
            f"limit_band() needs 0 <= low_hz < high_hz, and low_hz below {rate_hz / 2:g} Hz, half "
            f"of rate_hz; it was given {low_hz!r} to {high_hz!r}."
        )
    ends = [(low_hz, "highpass")] if low_hz > 0 else []
    ends += [(high_hz, "lowpass")] if high_hz < rate_hz / 2 else []
    wave = clip.astype(np.float64)
    for end, kind in ends:
        filter_ = butter(4, end, kind, fs=rate_hz, output="sos")
        wave = sosfiltfilt(filter_, wave, padlen=min(len(wave) - 1, 3 * 5 * len(filter_)))
    return _sound.fitted(wave, clip, "limit_band")


def clip_peaks(samples: ArrayLike, *, over_db: float) -> np.ndarray:
    """Cut off what lies above a limit ``over_db`` below the clip's peak: an overdriven microphone.

    >>> clip_peaks(np.array([0.1, 0.5, -0.8]), over_db=20 * np.log10(2)).round(3).tolist()
    [0.1, 0.4, -0.4]
    """
    clip = _sound.checked(samples, "clip_peaks")
    within("clip_peaks", over_db=over_db)
    limit = np.abs(clip).max() / 10 ** (over_db / 20)
    return np.clip(clip, -limit, limit)


def shift_time(samples: ArrayLike, *, shift_s: float, rate_hz: float) -> np.ndarray:
    """Move the sound later (above 0) or earlier; the length stays, silence fills the gap.

    >>> shift_time(np.array([0.1, 0.2, 0.3]), shift_s=1, rate_hz=1).tolist()
    [0.0, 0.1, 0.2]
    """
    clip = _sound.checked(samples, "shift_time")
    within("shift_time", shift_s=shift_s, rate_hz=rate_hz)
    by = round(shift_s * rate_hz)
    moved = np.zeros_like(clip)
    if abs(by) < len(clip):
        moved[max(by, 0) : len(clip) + min(by, 0)] = clip[max(-by, 0) : len(clip) - max(by, 0)]
    before = np.sum(clip.astype(np.float64) ** 2)
    lost = 1 - np.sum(moved.astype(np.float64) ** 2) / before if before else 0.0
    if lost > 0.01:
        _sound.say(f"shift_time: {lost:.0%} of the sound's energy was moved out of the clip.")
    return moved


def draw_masks(
    shape: tuple[int, int],
    *,
    bands: int = 2,
    widest: int = 8,
    times: int = 2,
    longest: int = 20,
    rng: Rng = None,
) -> dict[str, list[tuple[int, int]]]:
    """What :func:`mask_spectrogram` is to cover, drawn as in SpecAugment (Park et al., 2019).

    ``shape`` is (frequencies, frames); each mask is a pair (first, how many), its width uniform
    from 0 to the most, its place uniform over where it fits.

    >>> sorted(draw_masks((40, 100), rng=0))
    ['bands', 'times']
    """
    rng = np.random.default_rng(rng)
    masks: dict[str, list[tuple[int, int]]] = {"bands": [], "times": []}
    wanted = {"bands": (bands, widest, shape[0]), "times": (times, longest, shape[1])}
    for name, (count, most, room) in wanted.items():
        for _ in range(count):
            width = int(rng.integers(0, min(most, room), endpoint=True))
            masks[name].append((int(rng.integers(0, room - width, endpoint=True)), width))
    return masks


def mask_spectrogram(
    spectrogram: ArrayLike,
    *,
    bands: Iterable[tuple[int, int]] = (),
    times: Iterable[tuple[int, int]] = (),
    fill: float | None = None,
) -> np.ndarray:
    """Cover bands of frequencies and stretches of time of a spectrogram (frequencies, frames).

    Covered cells get ``fill``, by default the mean. Source: Park et al. (2019).

    >>> mask_spectrogram([[1.0, 2.0], [3.0, 6.0]], bands=[(0, 1)]).tolist()
    [[3.0, 3.0], [3.0, 6.0]]
    """
    out = np.array(spectrogram)
    if out.ndim != 2 or not out.size or out.dtype.kind != "f":
        raise ValueError(
            "mask_spectrogram() needs floats of shape (frequencies, frames); it was given "
            f"{out.dtype} of shape {out.shape}."
        )
    value = out.mean() if fill is None else fill
    for first, width in bands:
        out[_sound.span(first, width, out.shape[0], "bands")] = value
    for first, width in times:
        out[:, _sound.span(first, width, out.shape[1], "times")] = value
    return out
