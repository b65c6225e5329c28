"""Targets: what counts as good enough, in which unit, and what says that it can be reached."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mlkit.scoping import _cells

_FUNCTION = "scoping.targets"
COLUMNS = ["metric", "target", "unit", "at_least", "anchor", "source"]


def targets(table: pd.DataFrame) -> pd.DataFrame:
    """What is good enough, and does anything say that it can be reached?

    An anchor is a level somebody has reached (people, a paper, the older system), or a limit
    that was measured (up to which wait an answer feels instant). A target beyond its anchor asks
    for what nobody has shown yet; one without an anchor is a wish.

    Parameters
    ----------
    table : ``metric, target, unit, at_least`` (True: the more the better; False: at most that
        much), ``anchor`` (a number in the same unit, may be empty), ``source`` (where that comes
        from). A unit ``share`` runs from 0 to 1; nothing else may be negative either.

    Returns
    -------
    The same rows with ``room`` (how much easier than the anchor the target is, in its unit; below 0
    it is harder; missing without an anchor) and ``remark``.

    Raises ``ValueError`` for an empty table, a metric given twice, a target that is no number
    or has no unit, a share beyond 1, an anchor without a source.

    Examples
    --------
    >>> row = {"metric": "accuracy", "target": 0.9, "unit": "share", "at_least": True}
    >>> t = targets(pd.DataFrame([row | {"anchor": 0.95, "source": "HLP on 40 clips"}]))
    >>> t[["metric", "room", "remark"]].round(3).values.tolist()
    [['accuracy', 0.05, 'within its anchor']]
    """
    found = checked(table)
    sign = np.where(found["at_least"], 1.0, -1.0)
    room = np.round(sign * (found["anchor"] - found["target"]), 12) + 0.0  # no -0
    return found.assign(room=room, remark=[_remark(value) for value in room])


def checked(table: pd.DataFrame, *, function: str = _FUNCTION) -> pd.DataFrame:
    """The targets with their columns alone, in their order and types."""
    found = _cells.table(table, COLUMNS, function=function, about="what is good enough")
    metric = _cells.text(found, "metric", function=function)
    _cells.once(metric, function=function, what="metric")
    found = found.assign(
        metric=metric, unit=_cells.text(found, "unit", function=function, empty=True)
    )
    bare = found["metric"][found["unit"] == ""]
    if len(bare):
        raise ValueError(
            f"{function}(): the target of {bare.iloc[0]!r} has no unit: share, ms, per s, MB?"
        )
    how: dict[str, Any] = {"function": function, "name": "metric"}
    found = found.assign(
        target=_cells.numbers(found, "target", **how),
        at_least=_cells.yes_no(found, "at_least", **how),
        anchor=_cells.numbers(found, "anchor", empty=True, **how),
        source=_cells.text(found, "source", function=function, empty=True),
    )
    for row in found.to_dict("records"):
        _possible(row, function)
    return found[COLUMNS]


def _possible(row: dict[Any, Any], function: str) -> None:
    for column in ("target", "anchor"):
        value, what = row[column], f"{function}(): the {column} of {row['metric']!r}"
        if value < 0:
            raise ValueError(f"{what} is {value:g}, and cannot be below 0.")
        if row["unit"] == "share" and value > 1:
            raise ValueError(
                f"{what} is {value:g}, and a share lies between 0 and 1: "
                f"{'write ' + format(value / 100, 'g') if value <= 100 else 'change it'}."
            )
    if pd.notna(row["anchor"]) and not row["source"]:
        raise ValueError(
            f"{function}(): the anchor of {row['metric']!r} has no source: "
            "who reached or measured it?"
        )


def _remark(room: float) -> str:
    if np.isnan(room):
        return "no anchor: nothing says that it can be reached"
    if room < 0:
        return "beyond its anchor: nobody has shown it yet"
    return "within its anchor"


def check(found: pd.DataFrame, measured: Mapping[str, Any]) -> pd.DataFrame:
    """The targets against what was measured, one row a target."""
    if not isinstance(measured, Mapping):
        raise TypeError(
            'card.check() needs what was measured by its name, for example {"accuracy": 0.8}; '
            f"it was given {type(measured).__name__}."
        )
    rows = [_judged(row, measured.get(row["metric"])) for row in found.to_dict("records")]
    known = ", ".join(found["metric"])
    for metric in measured:
        if metric not in set(found["metric"]):
            value = _interval(str(metric), measured[metric])[0]
            why = f"no target of this name on the card, which has {known}"
            rows.append((metric, np.nan, value, pd.NA, why))
    done = pd.DataFrame(rows, columns=["metric", "target", "measured", "met", "why"])
    return done.astype({"target": float, "measured": float, "met": "boolean"})


def _judged(row: dict[Any, Any], given: Any) -> tuple[Any, ...]:
    value, low, high = _interval(row["metric"], given)
    start = row["metric"], row["target"], value
    if np.isnan(value):
        return (*start, pd.NA, "not measured")
    passes = [
        bool(v >= row["target"] if row["at_least"] else v <= row["target"]) for v in (low, high)
    ]
    unit = "" if row["unit"] == "share" else f" {row['unit']}"
    limit = f"{'at least' if row['at_least'] else 'at most'} {row['target']:g}{unit}"
    if passes[0] != passes[1]:
        return (*start, pd.NA, f"{low:g} to {high:g}{unit} leaves open whether it is {limit}")
    met = bool(value >= row["target"] if row["at_least"] else value <= row["target"])
    return (*start, met, f"{value:g}{unit} is {'' if met else 'not '}{limit}")


def _interval(metric: str, given: Any) -> tuple[float, float, float]:
    """A number alone, or (value, low, high)."""
    parts = list(given) if isinstance(given, tuple | list) else [given] * 3
    if len(parts) != 3 or any(isinstance(part, bool | np.bool_ | str) for part in parts):
        raise TypeError(_asked(metric, given))
    if any(part is None or part is pd.NA for part in parts):
        return (np.nan,) * 3
    try:
        value, low, high = (float(part) for part in parts)
    except (TypeError, ValueError):
        raise TypeError(_asked(metric, given)) from None
    if not (low <= value <= high) and not np.isnan([value, low, high]).any():
        raise ValueError(
            f"card.check(): {metric} is {value:g}, which does not lie in its interval, "
            f"{low:g} to {high:g}; give (value, low, high)."
        )
    # Without ends it is judged by the value alone.
    return (value, low, high) if np.isfinite([low, high]).all() else (value, value, value)


def _asked(metric: str, given: Any) -> str:
    return (
        f"card.check(): {metric} is a number, or (value, low, high) with its interval; "
        f"it was given {given!r}."
    )
