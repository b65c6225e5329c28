"""Phone inspections: rendered pictures, and simulated inspectors who draw the line elsewhere."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlkit.datasets._arguments import count, split
from mlkit.datasets._phone_pictures import (
    HEIGHT,
    PIXELS_PER_MM,
    WIDTH,
    Photograph,
    photograph,
)

_COLUMNS = ["item", "annotator", "label", "scratch_mm", "threshold_mm", "image"]
_COLUMNS += ["x1", "y1", "x2", "y2", "split"]


def make_phone_inspections(
    items: int = 120,
    inspectors: int = 6,
    *,
    thresholds_mm: Sequence[float] | None = None,
    noise_mm: float = 0.3,
    rng: int | np.random.Generator | None = 0,
) -> pd.DataFrame:
    """Simulated: rendered phone backs, and inspectors who each call a scratch what they like.

    How long is a scratch? A phone bears none to three; an inspector calls it scratched from
    ``thresholds_mm`` on (one each; by default spread over 1 to 16), with an error of
    ``noise_mm`` (standard deviation), and boxes the longest. The same ``rng`` gives the same phones
    whatever the rules and however many inspectors. Nobody inspected anything.

    Returns
    -------
    DataFrame
        An annotations table, one row an item and inspector: ``item, annotator, label``
        (scratched, fine), ``scratch_mm`` (the longest, 0: none), ``threshold_mm``, ``image``
        (480 x 360 x 3, 3 pixels a mm; one read-only array an item), ``x1, y1, x2, y2``
        (pixels; NaN where fine), ``split`` (three in five items train, one dev, one test).

    Examples
    --------
    >>> seen = make_phone_inspections(items=20, inspectors=3)
    >>> seen.groupby("threshold_mm")["label"].agg(lambda label: (label == "scratched").sum())
    threshold_mm
    2.0    14
    4.0     9
    8.0     4
    Name: label, dtype: int64
    """
    items = count(items, "items", function="make_phone_inspections")
    inspectors = count(inspectors, "inspectors", function="make_phone_inspections")
    thresholds = _thresholds(thresholds_mm, inspectors)
    if not (_is_number(noise_mm) and noise_mm >= 0):
        raise ValueError(
            "make_phone_inspections() needs noise_mm as a length from 0 up, for example 0.3; "
            f"got {noise_mm!r}."
        )
    phones_seed, people_seed = np.random.default_rng(rng).integers(2**62, size=2).tolist()
    photographs = [_photograph(phones_seed, i) for i in range(items)]
    phones = pd.DataFrame(
        {
            "item": [f"phone-{i + 1:03d}" for i in range(items)],
            "scratch_mm": [each.scratch_mm for each in photographs],
            "image": [each.image for each in photographs],
            "split": [split(i) for i in range(items)],
        }
    )
    true_boxes = np.array([each.box for each in photographs])
    answers = [
        _inspect(phones, true_boxes, number, threshold, noise_mm, people_seed)
        for number, threshold in enumerate(thresholds, start=1)
    ]
    table = pd.concat(answers).sort_index(kind="stable")
    return table.reset_index(drop=True)[_COLUMNS]


@functools.lru_cache(maxsize=128)  # 66 MB, so that another rule costs no second rendering
def _photograph(seed: int, number: int) -> Photograph:
    taken = photograph(np.random.default_rng([seed, number]))
    taken.image.setflags(write=False)  # many rows share it: a change would change them all
    return taken


def _inspect(
    phones: pd.DataFrame,
    true_boxes: np.ndarray,
    number: int,
    threshold_mm: float,
    noise_mm: float,
    seed: int,
) -> pd.DataFrame:
    """What one inspector says of every phone, the index kept."""
    # One row of draws a phone and a stream an inspector: more of either changes no other.
    draws = np.random.default_rng([seed, number]).standard_normal((len(phones), 5))
    length = phones["scratch_mm"].to_numpy()
    is_scratched = (length > 0) & (length + noise_mm * draws[:, 0] >= threshold_mm)
    margin = PIXELS_PER_MM * (0.3 + 3.2 * _spread(number, 3)) * np.exp(0.35 * draws[:, 1:])
    boxes = np.round(true_boxes + margin * [-1, -1, 1, 1])
    boxes = np.clip(boxes, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
    boxes[~is_scratched] = np.nan
    return phones.assign(
        annotator=f"inspector {number} (simulated)",
        label=np.where(is_scratched, "scratched", "fine"),
        threshold_mm=threshold_mm,
        **dict(zip(["x1", "y1", "x2", "y2"], boxes.T, strict=True)),
    )


def _thresholds(given: Sequence[float] | None, inspectors: int) -> list[float]:
    if given is None:
        # From 1 to 16 mm, evenly in doublings, to the half millimetre.
        return [round(2 * 16 ** _spread(number, 2)) / 2 for number in range(1, inspectors + 1)]
    if isinstance(given, str) or not hasattr(given, "__len__"):
        raise ValueError(
            "make_phone_inspections() needs one threshold an inspector; for a common rule give "
            f"thresholds_mm=[2] * {inspectors}. Got {given!r}."
        )
    if len(given) != inspectors:
        raise ValueError(
            f"make_phone_inspections() needs one threshold an inspector, and got {len(given)} "
            f"for {inspectors}: say inspectors={len(given)}, or for a common rule "
            f"thresholds_mm=[2] * {inspectors}."
        )
    wrong = [value for value in given if not (_is_number(value) and value > 0)]
    if wrong:
        raise ValueError(
            "make_phone_inspections() needs thresholds_mm as lengths above 0, and found "
            f"{wrong[0]!r}."
        )
    return [float(value) for value in given]


def _spread(number: int, base: int) -> float:
    """The van der Corput sequence (1935): each next number falls into the widest gap so far."""
    value, part = 0.0, 1.0
    while number:
        part /= base
        number, digit = divmod(number, base)
        value += digit * part
    return value


def _is_number(value: Any) -> bool:
    is_real = isinstance(value, int | float | np.integer | np.floating)
    return is_real and not isinstance(value, bool) and bool(np.isfinite(value))
