"""Simulated traffic of a model in service: the world moves, and two trained models answer."""

from typing import Any

import numpy as np
import pandas as pd

from mlkit.datasets._arguments import count

_FUNCTION = "make_traffic"
_START = pd.Timestamp("2026-01-05", tz="UTC")  # a Monday
_KINDS = ("none", "data", "concept", "both")
_CAMERAS = np.array(["phone", "tablet", "booth"])
_LIGHT = np.array([0.68, 0.74, 0.82])  # mean brightness of a camera's photographs
_LIMIT_MM = 6.0  # from here on a phone is scratched more often than not
_TRAINED_ON = 3000
_FEWEST = 20  # examples to learn from


def make_traffic(
    *,
    days: int = 180,
    requests: int = 400,
    users: int = 2000,
    kind: str = "data",
    onset_day: int = 60,
    over_days: float = 0,
    size: float = 0.7,
    label_delay_days: float = 0,
    labelled: float = 1.0,
    new_trained_on: int = _TRAINED_ON,
    rng: int | np.random.Generator | None = 0,
) -> pd.DataFrame:
    """Simulated: photographs of phones sent in for trade-in, and two models that judge them.

    Is the phone scratched? The model says so from what was measured in the photograph; the label
    comes when the parcel is opened. No request was ever made; the models are trained (logistic
    regression): *old* on 3,000 requests of before, *new* on as many of after the change.

    Parameters
    ----------
    days, requests, users : as many requests a day; users come back, and differ in how often and
        in what they send.
    kind : what changes. *data*: photographs get darker, more come from tablets and show marks of
        middling length; what a given photograph means stays. *concept*: the guide calls shorter
        marks scratches; the photographs stay, to the digit. *both*, *none*.
    onset_day, over_days, size : from when on, over how long (0: at once), how much (0 to 1).
    label_delay_days, labelled : mean wait for a label, share that ever gets one.
    new_trained_on : examples that *new* learned from; with few it is worse.

    Returns
    -------
    DataFrame by time: ``timestamp, item, user, length_mm`` (longest mark)``, marks, brightness``
    (0 to 1)``, camera, label`` (the truth, also where it never comes)``, label_at`` (missing:
    never)``, prediction_old, score_old, prediction_new, score_new`` (of the prediction).

    Examples
    --------
    >>> made = make_traffic(days=90, kind="concept")
    >>> late = made["timestamp"] >= made["timestamp"].min() + pd.Timedelta("61D")
    >>> right = made["prediction_old"] == made["label"]
    >>> right.groupby(late).mean().round(2).tolist()  # as trained, and under the new guide
    [0.91, 0.71]
    """
    days, requests, users, new_trained_on = (
        count(value, name, function=_FUNCTION)
        for value, name in (
            (days, "days"), (requests, "requests"), (users, "users"),
            (new_trained_on, "new_trained_on"),
        )
    )  # fmt: skip
    if new_trained_on < _FEWEST:
        raise ValueError(
            f"{_FUNCTION}() needs new_trained_on of at least {_FEWEST}; got {new_trained_on!r}."
        )
    _check(kind, onset_day, over_days, size, label_delay_days, labelled)
    # A stream for each purpose: the photographs do not depend on what else is asked for.
    people_rng, photo_rng, label_rng, wait_rng, train_rng = np.random.default_rng(rng).spawn(5)
    people = _people(users, people_rng)
    day = _times(days, requests, photo_rng)
    moved = size * _progress(day, onset_day, over_days)
    dark, strict = (moved if kind in (what, "both") else 0 * moved for what in ("data", "concept"))
    seen, user = _photographs(people, dark, photo_rng)
    label = label_rng.random(len(day)) < _chance(seen, strict)
    end_dark, end_strict = (size * (kind in (what, "both")) for what in ("data", "concept"))
    models = {
        "old": _trained(people, _TRAINED_ON, 0.0, 0.0, train_rng),
        "new": _trained(people, new_trained_on, end_dark, end_strict, train_rng),
    }
    made = pd.DataFrame({"timestamp": _START + pd.to_timedelta(np.round(day * 86_400), unit="s")})
    width = len(str(max(len(made), users)))
    made["item"] = _numbered("request", np.arange(len(made)), width)
    made["user"] = _numbered("user", np.arange(users), len(str(users)))[user]
    made = made.assign(**(seen | {"camera": _CAMERAS[seen["camera"]]}))
    made["label"] = _words(label)
    made["label_at"] = _arrival(made["timestamp"], label_delay_days, labelled, wait_rng)
    for name, model in models.items():
        chance = model.predict_proba(_matrix(seen))[:, 1]
        made[f"prediction_{name}"] = _words(chance >= 0.5)
        made[f"score_{name}"] = np.maximum(chance, 1 - chance).round(4)
    return made


def _check(
    kind: str, onset_day: float, over_days: float, size: float, delay_days: float, labelled: float
) -> None:
    if kind not in _KINDS:
        raise ValueError(f"{_FUNCTION}() needs kind as one of {', '.join(_KINDS)}; got {kind!r}.")
    for name, value in (
        ("onset_day", onset_day), ("over_days", over_days), ("label_delay_days", delay_days),
    ):  # fmt: skip
        if not (_is_number(value) and value >= 0):
            raise ValueError(f"{_FUNCTION}() needs {name} as days from 0 up; got {value!r}.")
    for name, value in (("size", size), ("labelled", labelled)):
        if not (_is_number(value) and 0 <= value <= 1):
            raise ValueError(f"{_FUNCTION}() needs {name} as a share from 0 to 1; got {value!r}.")


def _is_number(value: Any) -> bool:
    is_real = isinstance(value, int | float | np.integer | np.floating)
    return is_real and not isinstance(value, bool) and bool(np.isfinite(value))


def _people(users: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What each user's requests have in common."""
    eager = rng.gamma(0.8, size=users) + 0.05  # a few send many
    return {
        "often": eager / eager.sum(),
        "camera": rng.choice(3, users, p=[0.7, 0.2, 0.1]),
        "light": rng.normal(0, 0.05, users),
        "worn": rng.normal(0, 0.7, users),  # log of how long their marks are
    }


def _times(days: int, requests: int, rng: np.random.Generator) -> np.ndarray:
    """Days since the start, in order: as many each day, most of them in the evening."""
    hour = 24 * rng.beta(3.5, 2.2, (days, requests))
    return (np.arange(days)[:, None] + np.sort(hour, axis=1) / 24).ravel()


def _progress(day: np.ndarray, onset_day: float, over_days: float) -> np.ndarray:
    """How far the change has come, 0 to 1."""
    if not over_days:
        return (day >= onset_day).astype(float)
    return np.clip((day - onset_day) / over_days, 0, 1)


def _photographs(
    people: dict[str, np.ndarray], dark: np.ndarray, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What is measured in each photograph, and whose it is; ``dark`` (0 to 1) moves it."""
    n = len(dark)
    user = rng.choice(len(people["often"]), n, p=people["often"])
    camera = np.where(rng.random(n) < 0.5 * dark, 1, people["camera"][user])
    light = _LIGHT[camera] + people["light"][user] + rng.normal(0, 0.06, n) - 0.25 * dark
    length = rng.gamma(4.0, 1.3, n) * np.exp(people["worn"][user])
    # Marks of middling length are the hard ones, and there are more of them now.
    length = np.maximum(length + 0.5 * dark * (0.7 * _LIMIT_MM - length), 0)
    seen = {
        "length_mm": length.round(2),
        "marks": 1 + rng.poisson(0.8, n),
        "brightness": np.clip(light, 0.02, 1).round(3),
        "camera": camera,
    }
    return seen, user


def _chance(seen: dict[str, np.ndarray], strict: np.ndarray | float) -> np.ndarray:
    """The chance that a phone turns out scratched, given its photograph: all that decides it.

    A mark looks shorter in the dark, so that there a shorter one means as much. ``strict`` (0 to
    1) is how far the guide has moved: at 1 a mark of a third of the length is a scratch.
    """
    dim = 1 / (1 + np.exp((seen["brightness"] - 0.5) / 0.05))
    limit = _LIMIT_MM * (1 - 0.6 * dim) * (1 - 2 / 3 * np.asarray(strict))
    return 1 / (1 + np.exp(-(seen["length_mm"] + 0.4 * (seen["marks"] - 1) - limit) / 0.7))


def _matrix(seen: dict[str, np.ndarray]) -> np.ndarray:
    numbers = [seen[name] for name in ("length_mm", "marks", "brightness")]
    return np.column_stack([*numbers, seen["camera"] == 1, seen["camera"] == 2]).astype(float)


def _trained(
    people: dict[str, np.ndarray], n: int, dark: float, strict: float, rng: np.random.Generator
) -> Any:
    """A model that has learned from ``n`` other requests of the same users."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    seen, _ = _photographs(people, np.full(n, dark), rng)
    label = rng.random(n) < _chance(seen, strict)
    if label.all() or not label.any():  # so few that they are all of one kind
        label[0] = ~label[0]
    return make_pipeline(StandardScaler(), LogisticRegression(C=100)).fit(_matrix(seen), label)


def _arrival(
    timestamp: pd.Series, delay_days: float, labelled: float, rng: np.random.Generator
) -> pd.Series:
    """When each label comes; the waits are spread about their mean as parcels' are."""
    wait = (
        rng.gamma(4.0, delay_days / 4, len(timestamp)) if delay_days else np.zeros(len(timestamp))
    )
    came = timestamp + pd.to_timedelta(np.round(wait * 86_400), unit="s")
    return came.where(rng.random(len(timestamp)) < labelled)


def _words(scratched: np.ndarray) -> np.ndarray:
    return np.where(scratched, "scratched", "fine")


def _numbered(word: str, numbers: np.ndarray, width: int) -> np.ndarray:
    return np.array([f"{word}-{number + 1:0{width}d}" for number in numbers.tolist()], object)
