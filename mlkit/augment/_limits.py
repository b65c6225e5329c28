"""What the kit's own functions take, so that a pipeline none can follow is refused at once."""

import inspect
import math
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from mlkit.augment import _sound, image

_RATE = (1.0, 1e6)
_VOCODER = (100.0, 1e6)  # a rate below has no window of several periods
LIMITS: dict[str, dict[str, tuple[float, float]]] = {
    "add_noise": {"rate_hz": _RATE},
    "add_reverb": {"rate_hz": _RATE, "rt60_s": (0, 30), "direct_db": (-200, 200)},
    "add_speech": {"rate_hz": _RATE, "talkers": (1, math.inf)},
    "change_gain": {"gain_db": (-200, 200)},
    "change_speed": {"factor": (0.1, 10)},
    "clip_peaks": {"over_db": (0, 200)},
    "limit_band": {"rate_hz": _RATE, "low_hz": (0, math.inf), "high_hz": (0, math.inf)},
    "normalise_loudness": {"level_db": (-200, 0)},
    "shift_pitch": {"rate_hz": _VOCODER, "semitones": (-24, 24)},
    "shift_time": {"rate_hz": _RATE, "shift_s": (-math.inf, math.inf)},
    "stretch_time": {"rate_hz": _VOCODER, "factor": (0.1, 10)},
}
_GIVEN = ("rate_hz", "rng")  # what is handed over with each item


def within(function: str, **values: Any) -> None:
    """Raise in words where a number lies outside of what the function takes."""
    for name, value in values.items():
        _sound.between(function, name, value, *LIMITS[function][name])


def refuse(function: Any, ranges: Mapping[str, Any], where: str) -> None:
    """Raise in words where a range of the pipeline holds what the function cannot take."""
    module, name = getattr(function, "__module__", ""), getattr(function, "__name__", "")
    if module not in ("mlkit.augment.audio", "mlkit.augment.image"):
        return  # what others' functions take, only they know
    for parameter, given in ranges.items():
        for value in _ends(given):
            try:
                _allow(name, parameter, value)
            except (ValueError, FileNotFoundError) as error:
                raise type(error)(f"{error} {where} gives {parameter} as {given!r}.") from None
    known = inspect.signature(function).parameters.values()
    needed = [p.name for p in known if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    missing = [each for each in needed if each not in (*ranges, *_GIVEN)]
    if missing:
        raise ValueError(f"{name}() needs {', '.join(missing)}, and {where} does not give it.")
    _together(name, ranges, where)


def _ends(given: Any) -> list[Any]:
    """The values between which everything lies that may be drawn."""
    return list(given) if isinstance(given, tuple | list) else [given]


def _allow(function: str, parameter: str, value: Any) -> None:
    if parameter in LIMITS.get(function, {}) and value is not None:
        within(function, **{parameter: value})
    elif parameter == "snr_db":
        _sound.ratio(function, value)
    elif parameter == "situation":
        image.known(value)
    elif parameter == "strength":
        image.strong(value)
    elif parameter == "speech":
        _sound.several(value)
        for one in value:
            _there(function, one)
    elif parameter in ("noise", "impulse") and value is not None:
        _there(function, value)


def _there(function: str, sound: Any) -> None:
    if isinstance(sound, str | PathLike) and sound not in _sound.COLOURS:
        _sound.require_file(Path(sound), function)


def _together(function: str, ranges: Mapping[str, Any], where: str) -> None:
    """What two parameters must be to each other, and what is no number between two others."""
    if function == "limit_band":
        low, high = (_ends(ranges.get(name, default)) for name, default in _TELEPHONE.items())
        if max(low) >= min(high):
            raise ValueError(
                f"limit_band() needs low_hz below high_hz; {where} lets low_hz be {max(low):g} "
                f"and high_hz {min(high):g}."
            )
    if isinstance(ranges.get("talkers"), tuple):
        raise ValueError(  # noqa: TRY004 - a range is fine elsewhere: what it holds is not
            f"add_speech() needs talkers as a whole number; {where} gives it as a range, which "
            "holds others: give the numbers to choose from as a list, such as [1, 2, 3]."
        )


_TELEPHONE = {"low_hz": 300.0, "high_hz": 3400.0}
