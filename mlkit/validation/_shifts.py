"""What a difference looks like: another unit, another sign, another zone, two columns exchanged."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from mlkit.validation import _kinds, _tests

# What stands between units people mix up.
FACTORS = {
    10: "ten", 100: "hundred, as cm for m or percent for shares", 1000: "thousand, as g for kg",
    10**6: "million", 10**9: "10^9, as ns for s", 60: "60, as minutes for hours",
    3600: "3,600, as seconds for hours", 24: "24, as hours for days", 7: "7, as days for weeks",
    12: "12, as months for years", 2.54: "2.54, as cm for inches", 2.2046: "2.2, as pounds for kg",
    1.609344: "1.61, as km for miles", 3.28084: "3.28, as feet for metres",
    3.6: "3.6, as km/h for m/s",
}  # fmt: skip
_NEAR = 1 / 3  # what is left of the difference once the change is taken back
_FITS = 1e-3  # smallest p of the two samples once it is


class Shift(NamedTuple):
    """What happened to a column, in words, and what to do."""

    fault: str
    found: str
    do: str


def named(name: str, new: pd.Series, old: pd.Series, found: _tests.Test) -> Shift:
    """The best name for a difference that is there."""
    new, old = new.dropna(), old.dropna()
    if found.check == "missing share":
        fewer = found.what
        return Shift("missing values", fewer, "find out which step or source lost the values")
    if new.nunique() == 1 < old.nunique() and found.check != "hour of day":
        return Shift(
            "constant column",
            f"every value is {_plain(new.iloc[0])}; the reference has {old.nunique():,} different",
            "look for a default that was filled in, or a sensor that stands still",
        )
    shift = None
    if found.check == "hour of day":
        shift = _zone(name, new, old, found)
    elif found.check == "distribution":
        a, b = _kinds.numbers_of(new), _kinds.numbers_of(old)
        shift = _sign(name, a, b, found) or _unit(name, a, b, found)
    if shift is not None:
        return shift
    if found.check == "shares of values":
        return Shift(
            "shares changed",
            found.what,
            "ask whether the sampling or the world changed; weigh or sample anew if it was the "
            "sampling",
        )
    fault = {"hour of day": "hours of day changed", "length of text": "texts changed"}
    return Shift(
        fault.get(found.check, "distribution changed"),
        found.what,
        "look at both distributions; ask what changed at the source between the two",
    )


def _plain(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _left(name: str, new: np.ndarray, old: np.ndarray, found: _tests.Test) -> bool:
    """Whether hardly any difference is left."""
    again = _tests._distribution(name, "distribution", new, old)
    return again.difference <= _NEAR * found.difference and again.p >= _FITS


def _sign(name: str, new: np.ndarray, old: np.ndarray, found: _tests.Test) -> Shift | None:
    if not _left(name, -new, old, found):
        return None
    return Shift(
        "sign flipped",
        f"with the other sign the values are like the reference's (median {np.median(new):.4g}, "
        f"there {np.median(old):.4g})",
        f'multiply by -1 once the source confirms it: df["{name}"] = -df["{name}"]',
    )


def factor(new: np.ndarray, old: np.ndarray) -> float:
    """How many times larger the middle value is."""
    middle, other = np.median(new), np.median(old)
    return float(middle / other) if middle * other > 0 else math.nan


def known_factor(times: float) -> tuple[float, str] | None:
    """The known unit ratio within a tenth of this one."""
    if not times > 0:
        return None
    near = [
        (abs(math.log(times / ratio)), ratio, words)
        for size, words in FACTORS.items()
        for ratio in (float(size), 1 / size)
    ]
    away, ratio, words = min(near)
    return (ratio, words) if away < 0.1 else None


def _unit(name: str, new: np.ndarray, old: np.ndarray, found: _tests.Test) -> Shift | None:
    for back, words in (
        ((new - 32) / 1.8, "degrees Fahrenheit for Celsius"),
        (new * 1.8 + 32, "degrees Celsius for Fahrenheit"),
    ):
        if _left(name, back, old, found):
            return _unit_change(name, f"as if {words}", np.median(new), np.median(old))
    times = factor(new, old)
    if math.isnan(times) or 2 / 3 < times < 1.5:
        return None
    known = known_factor(times)
    if known is not None and _left(name, new / known[0], old, found):
        by = "multiplied" if known[0] > 1 else "divided"
        return _unit_change(name, f"as if {by} by {known[1]}", np.median(new), np.median(old))
    if _left(name, new / times, old, found):
        return Shift(
            "scale changed",
            f"every value looks multiplied by about {times:.3g} (median {np.median(new):.4g}, in "
            f"the reference {np.median(old):.4g})",
            "ask the source whether the unit, the currency or the instrument changed",
        )
    return None


def _unit_change(name: str, how: str, middle: float, other: float) -> Shift:
    return Shift(
        "unit change",
        f"{how}: the median is {middle:.4g}, in the reference {other:.4g}, and with that taken "
        "back the two are alike",
        f"ask the source in which unit {name} comes, then convert it where the data enter",
    )


def _zone(name: str, new: pd.Series, old: pd.Series, found: _tests.Test) -> Shift | None:
    hours, other = _tests.hours_of(new, like=old), pd.Series(_tests.hours_of(old, like=old))
    best = None
    for half_hours in range(-28, 29):
        moved = pd.Series((hours - half_hours / 2) % _tests.HOURS)
        test = _tests._shares(name, "hour of day", moved, other)
        if test is not None and (best is None or test.p > best[0]):
            best = (test.p, half_hours / 2)
    if best is None or best[0] < _FITS or best[1] == 0 or best[0] < 10 * found.p:
        return None
    return Shift(
        "shifted time zone",
        f"the hours of the day lie {abs(best[1]):g} h {'later' if best[1] > 0 else 'earlier'} than "
        "in the reference, otherwise alike",
        f"ask in which zone {name} is written; keep times in UTC, with their zone",
    )


def swapped(
    names: Iterable[str], table: pd.DataFrame, reference: pd.DataFrame
) -> list[tuple[str, str, Shift]]:
    """Pairs of columns each of which looks like the other one did."""
    names, pairs = list(names), []
    taken: set[str] = set()
    for place, one in enumerate(names):
        for two in names[place + 1 :]:
            if {one, two} & taken or not _crossed(one, two, table, reference):
                continue
            taken |= {one, two}
            shift = Shift(
                "swapped columns",
                f"{one} looks like {two} in the reference, and {two} like {one}",
                f'exchange them: df.rename(columns={{"{one}": "{two}", "{two}": "{one}"}})',
            )
            pairs.append((one, two, shift))
    return pairs


def _crossed(one: str, two: str, table: pd.DataFrame, reference: pd.DataFrame) -> bool:
    new = {name: table[name].dropna() for name in (one, two)}
    old = {name: reference[name].dropna() for name in (one, two)}
    for a, b in ((one, two), (two, one)):
        if new[a].empty or old[b].empty:
            return False
        across = _tests.of_values(a, new[a], old[b])
        own = _tests.of_values(a, new[a], old[a])
        same_kind = _tests.kind_of(new[a], old[b]) is not None
        if not same_kind or (across is not None and across.p < _FITS):
            return False
        if across is None and not set(new[a].astype(object)) & set(old[b].astype(object)):
            return False
        if own is not None and across is not None and across.difference > _NEAR * own.difference:
            return False
    return True
