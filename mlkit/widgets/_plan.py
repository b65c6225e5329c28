"""A pipeline as a person can set it: steps to do or to leave, values within ranges, choices."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from os import PathLike, fspath
from typing import Any

import numpy as np
import pandas as pd

from mlkit import augment

_LONGEST = 400
Values = dict[str, bool | int | float]
Pipeline = Sequence[tuple[Callable[..., Any], Mapping[str, Any], float]]


@dataclass(frozen=True)
class Control:
    """One thing to set: a step (on or off), a value within a range, or one of some choices."""

    key: str
    place: int
    parameter: str | None = None
    low: float = 0.0
    high: float = 0.0
    choices: tuple[Any, ...] = ()

    def checked(self, value: Any) -> bool | int | float:
        """As it is kept: True or False, the place of a choice, or a number within the range."""
        if self.parameter is None:
            if isinstance(value, bool | np.bool_):
                return bool(value)
            raise ValueError(f"{self.key} is a step: True does it, False leaves it; not {value!r}.")
        if self.choices:
            return self.place_of(value)
        number = isinstance(value, Real) and not isinstance(value, bool)
        if number and self.low <= float(value) <= self.high:
            return float(value)
        raise ValueError(
            f"{self.key} lies between {self.low:g} and {self.high:g}, as the pipeline says; it "
            f"was given {value!r}."
        )

    def stored(self) -> list[Any]:
        """The choices as they stand in steps that were written down."""
        return [_storable(plain(choice)) for choice in self.choices]

    def place_of(self, value: Any) -> int:
        for place, choice in enumerate(self.choices):
            if choice is value or (np.ndim(choice) == 0 and plain(choice) == plain(value)):
                return place
        raise ValueError(
            f"{self.key} is one of {', '.join(map(words, self.choices))}; it was given "
            f"{words(value)}."
        )


class Plan:
    """Draws what is to be done, with what a person set in place of what was drawn."""

    def __init__(self, pipeline: Pipeline, *, function: str, kind: str = "") -> None:
        self.pipeline = list(pipeline)
        if not self.pipeline:
            raise ValueError(
                f"{function}(pipeline=[]) has nothing to do: give a list of (function, ranges, "
                'probability), such as [(audio.add_noise, {"snr_db": (5, 30)}, 1.0)].'
            )
        augment.check(self.pipeline)
        # With the same seed a step draws the same numbers, whether it is sure to be done or not.
        self._sure = [(function, ranges, 1.0) for function, ranges, _ in self.pipeline]
        self.functions = [step["function"] for step in augment.draw(self._sure, rng=0)]
        _suit(self.functions, kind, function=function)
        self.names = _distinct([_name(step[0]) for step in self.pipeline])
        found = sorted(self._controls(), key=lambda control: control.place)
        self.controls = {control.key: control for control in found}

    def _controls(self) -> Iterable[Control]:
        found = []
        for place, (_, ranges, _) in enumerate(self.pipeline):
            found += [(place, name) for name, given in ranges.items() if _varies(given)]
        names = [name for _, name in found]
        keys = _distinct([n if names.count(n) == 1 else f"{self.names[p]}_{n}" for p, n in found])
        for place, name in enumerate(self.names):
            yield Control(name, place)
        for key, (place, name) in zip(keys, found, strict=True):
            given = self.pipeline[place][1][name]
            key = f"{key}_value" if key in self.names else key
            if isinstance(given, list):
                yield Control(key, place, name, choices=tuple(given))
            else:
                yield Control(key, place, name, float(given[0]), float(given[1]))

    def fixed(self, place: int) -> dict[str, str]:
        """What a step is given besides, in words."""
        ranges = self.pipeline[place][1]
        return {n: words(_only(given)) for n, given in ranges.items() if not _varies(given)}

    def steps(self, seed: int, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What :func:`augment.apply` does for this seed."""
        full = augment.draw(self._sure, rng=seed)
        done = {step["place"] for step in augment.draw(self.pipeline, rng=seed)}
        for key, value in values.items():
            control = self.controls[key]
            if control.parameter is None:
                (done.add if value else done.discard)(control.place)
            else:
                chosen = plain(control.choices[int(value)]) if control.choices else float(value)
                full[control.place]["parameters"][control.parameter] = chosen
        return [step for step in full if step["place"] in done]

    def now(self, seed: int, values: Mapping[str, Any]) -> Values:
        """The value of every control for this seed, those of steps left out too."""
        full = augment.draw(self._sure, rng=seed)
        done = {step["place"] for step in self.steps(seed, values)}
        found: Values = {}
        for key, control in self.controls.items():
            if control.parameter is None:
                found[key] = control.place in done
            else:
                drawn = full[control.place]["parameters"][control.parameter]
                found[key] = control.place_of(drawn) if control.choices else float(drawn)
        return {**found, **{key: value for key, value in values.items() if key in found}}

    def table(self, seed: int, values: Mapping[str, Any]) -> pd.DataFrame:
        """What can be set, one row a parameter, and a step without any."""
        now, rows = self.now(seed, values), []
        bare = set(range(len(self.names))) - {
            c.place for c in self.controls.values() if c.parameter
        }
        for key, control in self.controls.items():
            if control.parameter is None and control.place not in bare:
                continue
            ranged = control.parameter is not None and not control.choices
            choice = control.choices[int(now[key])] if control.choices else None
            step = self.names[control.place]
            rows.append(
                {
                    "name": key,
                    "step": step,
                    "parameter": control.parameter,
                    "value": choice if control.choices else now[key],
                    "low": control.low if ranged else np.nan,
                    "high": control.high if ranged else np.nan,
                    "choices": list(control.choices) or None,
                    "done": bool(now[step]),
                }
            )
        return pd.DataFrame(rows)

    def described(self) -> list[dict[str, Any]]:
        """For the browser: the steps, and what can be set of each."""
        parameters: list[list[dict[str, Any]]] = [[] for _ in self.names]
        for key, control in self.controls.items():
            if control.parameter is not None:
                ends = {"low": control.low, "high": control.high}
                kind = {"choices": list(map(words, control.choices))} if control.choices else ends
                parameters[control.place].append({"key": key, "name": control.parameter, **kind})
        return [
            {"key": name, "fixed": self.fixed(place), "parameters": parameters[place]}
            for place, name in enumerate(self.names)
        ]

    def heard(self, given: Mapping[str, Any]) -> Values:
        """What came from the browser, where a choice is named by its place."""
        return self.checked(
            {
                key: self.controls[key].choices[int(value)]
                if key in self.controls and self.controls[key].choices
                else value
                for key, value in given.items()
            }
        )

    def checked(self, given: Mapping[str, Any]) -> Values:
        """What a person typed, as it is kept; to set a value is to do its step."""
        found: Values = {}
        for key, value in given.items():
            control = self.controls.get(key)
            if control is None:
                raise ValueError(
                    f"there is nothing to set by the name {key!r}; there are "
                    f"{', '.join(map(repr, self.controls))}."
                )
            if control.parameter is not None:
                found.setdefault(self.names[control.place], True)
            found[key] = control.checked(value)
        return found


def _suit(functions: Iterable[str], kind: str, *, function: str) -> None:
    """Refuse what is made for sound where the items are pictures, and the reverse."""
    homes = {"mlkit.augment.audio": "sound", "mlkit.augment.image": "pictures"}
    items = {"audio": "sounds", "image": "pictures"}.get(kind, "")
    for known in functions:
        home, _, name = known.partition(":")
        made = homes.get("mlkit.augment.image" if home.startswith("albumentations.") else home)
        # A spectrogram is an array of two dimensions, like a picture.
        if items and made and not items.startswith(made) and name != "mask_spectrogram":
            module = "audio" if kind == "audio" else "image"
            raise ValueError(
                f"{function}: {name} is for {made}, and these items are {items}; give a pipeline "
                f"of functions from augment.{module}, or the column with the {made.rstrip('s')}s."
            )


def written(steps: Iterable[Mapping[str, Any]]) -> str:
    """The steps as JSON; what is too long for a journal is named by its hash."""
    return json.dumps([{**s, "parameters": _short(s["parameters"])} for s in steps])


def short_hash(steps: str) -> str:
    return hashlib.sha256(steps.encode()).hexdigest()[:8]


def plain(value: Any) -> Any:
    """As ``augment.draw`` hands it on."""
    if isinstance(value, np.generic):
        return value.item()
    return fspath(value) if isinstance(value, PathLike) else value


def words(value: Any) -> str:
    """A value for a person to read."""
    value = plain(value)
    if isinstance(value, np.ndarray):
        return f"array {value.shape}"
    if isinstance(value, list | tuple) and len(str(value)) > 40:
        return f"{len(value):,} values"
    if isinstance(value, float):
        return f"{value:.3g}"
    text = str(value)
    return text if len(text) <= 60 else f"…{text[-59:]}"


def _short(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _storable(plain(value)) for name, value in parameters.items()}


def _storable(value: Any) -> Any:
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        text = value.tobytes().hex() if isinstance(value, np.ndarray) else repr(value)
    else:
        if len(text) <= _LONGEST:
            return value
    return f"{words(value)}, sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _varies(given: Any) -> bool:
    if isinstance(given, tuple):
        return given[0] < given[1]
    return isinstance(given, list) and len(given) > 1


def _only(given: Any) -> Any:
    return given[0] if isinstance(given, tuple | list) else given


def _name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return "step" if name == "<lambda>" else name


def _distinct(names: list[str]) -> list[str]:
    """Each name once: a second one gets its number."""
    return [
        name if names.count(name) == 1 else f"{name}_{names[: place + 1].count(name)}"
        for place, name in enumerate(names)
    ]
