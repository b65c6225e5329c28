"""What is to be done is drawn before it is done, so that it can be written down and done again."""

import importlib
import inspect
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from numbers import Real
from os import PathLike, fspath
from typing import Any

import numpy as np

from mlkit.augment import _limits

Pipeline = Sequence[tuple[Callable[..., Any], Mapping[str, Any], float]]
Step = dict[str, Any]

_SEEDS = 2**32
_GLOBAL_STATE = threading.Lock()


def draw(pipeline: Pipeline, *, rng: int | np.random.Generator | None = None) -> list[Step]:
    """Decide what a pipeline does this time; :func:`apply` then does it.

    Parameters
    ----------
    pipeline
        A list of (function, ranges, probability). The function is one of ``augment.audio`` or
        ``augment.image``, or any callable that fits in the same place. In ``ranges`` a pair
        (low, high) is drawn from evenly, a list is chosen from, and everything else is taken as
        it is; a list that is to be taken as it is stands in a list of its own.

    Returns
    -------
    list of dict
        One a step that is to be done: ``function`` (its name), ``place`` (in the pipeline),
        ``parameters`` and ``seed``; plain numbers and texts, where the ranges hold no more.
        Each step draws from a seed of its own: to change one leaves the others as they were.

    Examples
    --------
    >>> from mlkit.augment import audio, apply
    >>> pipeline = [(audio.change_gain, {"gain_db": (-6, 0)}, 1.0)]
    >>> steps = draw(pipeline, rng=0)
    >>> steps[0]["function"], -6 <= steps[0]["parameters"]["gain_db"] <= 0
    ('mlkit.augment.audio:change_gain', True)
    >>> apply(np.array([0.5]), steps, rate_hz=8000).shape
    (1,)
    """
    rng = np.random.default_rng(rng)
    steps = []
    for place, entry in enumerate(pipeline):
        function, ranges, probability = _entry(entry, place)
        own = np.random.default_rng(int(rng.integers(_SEEDS)))
        if own.random() < probability:
            parameters = {
                name: _value(given, own, f"{name} of {name_of(function)}")
                for name, given in ranges.items()
            }
            seed = int(own.integers(_SEEDS))
            step = {"function": name_of(function), "place": place, "parameters": parameters}
            steps.append({**step, "seed": seed})
    return steps


def apply(
    thing: Any, steps: Sequence[Step], *, pipeline: Pipeline | None = None, **given: Any
) -> Any:
    """Do what was drawn, to samples or to an image.

    Parameters
    ----------
    thing
        Samples of shape (n,) (then give ``rate_hz``), or an image of shape (height, width, 3).
    steps
        From :func:`draw`, or read back from where they were written down.
    pipeline
        Where the functions are taken from; without it they are imported by their names, which
        those of a notebook or with settings of their own cannot be.
    given
        What each function gets that asks for it by name: ``rate_hz``.

    Examples
    --------
    >>> from mlkit.augment import audio
    >>> steps = draw([(audio.add_noise, {"snr_db": 20}, 1)], rng=0)
    >>> apply(np.sin(np.arange(800) / 9), steps, rate_hz=8000).shape
    (800,)
    """
    for step in steps:
        function = _found(step, pipeline)
        thing = _called(function, thing, step, given)
    return thing


def check(pipeline: Pipeline) -> None:
    """Raise in words where it is none, or where a range holds what its function cannot take.

    Examples
    --------
    >>> from mlkit.augment import audio
    >>> check([(audio.add_noise, {"snr_db": (5, 30)}, 0.5)])
    """
    for place, entry in enumerate(pipeline):
        function, ranges, _ = _entry(entry, place)
        for name, given in ranges.items():
            _value(given, np.random.default_rng(0), f"{name} of {name_of(function)}")
        _limits.refuse(function, ranges, f"step {place} of the pipeline")


def name_of(function: Callable[..., Any]) -> str:
    """``module:name`` of a function, or of the class of an object that can be called."""
    owner = function if hasattr(function, "__qualname__") else type(function)
    return f"{owner.__module__}:{owner.__qualname__}"


def _entry(entry: Any, place: int) -> tuple[Callable[..., Any], Mapping[str, Any], float]:
    shape = isinstance(entry, tuple | list) and len(entry) == 3
    if not shape or not callable(entry[0]) or not isinstance(entry[1], Mapping):
        raise ValueError(
            f"a pipeline is a list of (function, ranges, probability), such as "
            f'(audio.add_noise, {{"snr_db": (5, 30)}}, 0.5); step {place} is {entry!r}.'
        )
    function, ranges, probability = entry
    if not isinstance(probability, Real) or not 0 <= float(probability) <= 1:
        raise ValueError(
            f"the probability of {name_of(function)}, step {place}, lies between 0 and 1; "
            f"it is {probability!r}."
        )
    known = _parameters(function)
    anything = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values())
    unknown = [name for name in ranges if name not in known]
    if unknown and not anything:
        raise ValueError(
            f"{name_of(function)} has no parameter {', '.join(map(repr, unknown))}; it has "
            f"{', '.join(list(known)[1:]) or 'none to be set'}."
        )
    return function, ranges, float(probability)


def _value(given: Any, rng: np.random.Generator, what: str) -> Any:
    if isinstance(given, tuple):
        numbers = len(given) == 2 and all(isinstance(end, Real) for end in given)
        if not numbers or not given[0] <= given[1] or not np.isfinite(given).all():
            raise ValueError(
                f"a range is a pair of numbers (low, high); that for {what} is {given!r}. "
                "To choose among values, give them as a list."
            )
        return float(rng.uniform(*given))
    if isinstance(given, list):
        if not given:
            raise ValueError(f"there is nothing to choose from for {what}: the list is empty.")
        given = given[int(rng.integers(len(given)))]
    if isinstance(given, np.generic):
        return given.item()
    return fspath(given) if isinstance(given, PathLike) else given


def _found(step: Step, pipeline: Pipeline | None) -> Callable[..., Any]:
    name = step["function"]
    if pipeline is not None:
        place = step["place"]
        if not 0 <= place < len(pipeline) or name_of(pipeline[place][0]) != name:
            raise ValueError(
                f"step {place} of this pipeline is not {name}: it is another pipeline than "
                "the one that was drawn from."
            )
        return pipeline[place][0]
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"{name} cannot be imported ({error}): give the pipeline it came from, pipeline=..."
        ) from error
    if isinstance(found, type):
        raise ValueError(  # noqa: TRY004 - the type is right, its settings are what is missing
            f"{name} has settings of its own, which no name tells: give the pipeline it came "
            "from, pipeline=..."
        )
    return found


def _called(function: Callable[..., Any], thing: Any, step: Step, given: Mapping[str, Any]) -> Any:
    """Hand over what the function asks for, in the way it asks."""
    if hasattr(function, "set_random_seed"):  # albumentations keeps a generator of its own
        function.set_random_seed(step["seed"])
        return function(image=thing)["image"]
    known = _parameters(function)
    more = {name: value for name, value in given.items() if name in known}
    if "sample_rate" in known and "rate_hz" in given:  # audiomentations' word for it
        more["sample_rate"] = round(given["rate_hz"])
    if "rng" in known:
        rng = np.random.default_rng(step["seed"])
        return function(thing, **step["parameters"], **more, rng=rng)
    needed = [p for p in known.values() if p.default is p.empty and p.kind is not p.KEYWORD_ONLY]
    needed = [p for p in needed if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    open_ = [p.name for p in needed[1:] if p.name not in (*more, *step["parameters"])]
    # A plain callable of samples and rate: whatever its second argument is called.
    second = [given["rate_hz"]] if len(open_) == 1 and "rate_hz" in given else []
    if getattr(function, "__module__", "").startswith("mlkit.augment."):
        return function(thing, **step["parameters"], **more)  # ours never touch the global ones
    with _seeded(step["seed"]):
        return function(thing, *second, **step["parameters"], **more)


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """What a function takes, looked up once: it takes longer than changing a short clip."""
    try:
        return _known(function)
    except TypeError:  # an object that cannot be hashed
        return inspect.signature(function).parameters


@lru_cache(maxsize=32)
def _known(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """The global generators of Python and numpy at a seed, and afterwards as they were.

    Other people's augmentations draw from them; ours never do. One at a time: they are global.
    """
    with _GLOBAL_STATE:
        python, old = random.getstate(), np.random.get_state()  # noqa: NPY002 - to put it back
        try:
            random.setstate(random.Random(seed).getstate())  # noqa: S311 - no secret is made
            fresh = np.random.RandomState(seed).get_state()
            np.random.set_state(fresh)  # noqa: NPY002 - what other people's functions draw from
            yield
        finally:
            random.setstate(python)
            np.random.set_state(old)  # noqa: NPY002 - put back as it was
