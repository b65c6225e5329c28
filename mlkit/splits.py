"""Train, dev and test: made once, before the first look, so that what they say can be believed.

A speaker or a patient stands on one side alone (``group``), every class and slice has its share
on each side (``by``), and what comes later is judged later (``split_by_time``).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import TableError

__all__ = ["crossing", "draws", "shares", "split", "split_by_time"]

SHARES = {"train": 0.6, "dev": 0.2, "test": 0.2}
_PASSES = 20
_FEW = 300  # units among which every exchange of two is tried
_CROSSED = 0.25  # how much a combination of columns counts beside one column

Rng = int | np.random.Generator | None


def split(
    table: pd.DataFrame,
    *,
    shares: Mapping[str, float] | None = None,
    by: str | Sequence[str] = (),
    group: str | None = None,
    rng: Rng = 0,
) -> pd.Series:
    """Give each item its split.

    Parameters
    ----------
    table
        One row an ``item``.
    shares
        Name and share of each split, summing to 1; train 0.6, dev 0.2, test 0.2.
    by
        Columns whose every value is to have its share of each split: classes, slices. A missing
        value counts as a value.
    group
        A column whose rows stay together: a speaker is heard in training or in the test, not in
        both. A row without one is a group of its own. Fewer groups (or items) than splits raise
        TableError.

    Returns
    -------
    Series
        ``split``, with the table's index: ``df.assign(split=split(df, by="label"))``. Without
        groups every value of ``by`` is within one item of its share; with groups as near as
        greedy choice, moves and exchanges bring it (:func:`shares` tells). No split is empty.

    Examples
    --------
    >>> table = pd.DataFrame({"item": list("abcdefghij"), "label": list("xxxxxyyyyy")})
    >>> pd.crosstab(table["label"], split(table, by="label")).loc["x"].to_dict()
    {'dev': 1, 'test': 1, 'train': 3}
    """
    items, by, parts = _checked(table, by, shares, "splits.split")
    if group is not None:
        _column(items, group, "splits.split")
    units = np.arange(len(items)) if group is None else _units(items[group])
    _enough(units, parts, group)
    rng = np.random.default_rng(rng)
    columns, values = _coded(items, by), np.array(list(parts.values()))
    if group is None:
        places = _single(columns, len(items), values, rng)
    else:
        places = _grouped(units, columns, values, rng)
    places = _filled(units, places, values, rng)
    return pd.Series(np.array(list(parts), object)[places], index=table.index, name="split")


def split_by_time(
    table: pd.DataFrame, *, time: str = "timestamp", shares: Mapping[str, float] | None = None
) -> pd.Series:
    """Let the first part train and the last part test: a model is judged on days to come.

    Rows of one moment stay together. ``shares`` as in :func:`split`, in the order of time.

    >>> days = pd.date_range("2026-01-01", periods=5)
    >>> table = pd.DataFrame({"item": list("abcde"), "timestamp": days})
    >>> split_by_time(table).tolist()
    ['train', 'train', 'train', 'dev', 'test']
    """
    items, _, parts = _checked(table, (), shares, "splits.split_by_time")
    _column(items, time, "splits.split_by_time")
    when = pd.to_datetime(items[time], utc=True)
    if when.isna().any():
        raise TableError(
            "splits.split_by_time() needs a time in each row, and "
            f"{_tables._count(int(when.isna().sum()), 'row')} have none."
        )
    # The middle of a moment's rows decides, so that a moment is never divided.
    place = (when.rank(method="average") - 0.5) / len(when)
    ends = np.cumsum(list(parts.values()))[:-1]
    names = np.array(list(parts), object)[np.searchsorted(ends, place, side="right")]
    return pd.Series(names, index=table.index, name="split")


def shares(table: pd.DataFrame, *, by: str | Sequence[str], split: str = "split") -> pd.DataFrame:
    """What part of each class and slice every split has.

    Returns
    -------
    DataFrame
        ``column, value, n`` and for each split ``<split>`` (items) and ``<split>_share``; the
        first row is everything.

    Examples
    --------
    >>> table = pd.DataFrame({"item": list("abcd"), "label": list("xxyy")})
    >>> shares(table.assign(split=["train", "test"] * 2), by="label")["test_share"].tolist()
    [0.5, 0.5, 0.5]
    """
    items, by, _ = _checked(table, by, None, "splits.shares")
    _column(items, split, "splits.shares")
    names = [name for name in SHARES if name in set(items[split])]
    names += [name for name in pd.unique(items[split]) if name not in names]
    parts = [("all", pd.Series("", index=items.index)), *((name, items[name]) for name in by)]
    rows = []
    for column, values in parts:
        counts = pd.crosstab(values.astype(object).where(values.notna(), "missing"), items[split])
        for value, row in counts.reindex(columns=names, fill_value=0).iterrows():
            n = int(row.sum())
            told = {"column": column, "value": value, "n": n}
            told |= {name: int(row[name]) for name in names}
            rows.append(told | {f"{name}_share": row[name] / n for name in names})
    return pd.DataFrame(rows)


def crossing(table: pd.DataFrame, *, group: str, split: str = "split") -> pd.DataFrame:
    """Name the groups that stand in more than one split: ``group, splits, n``; none is right.

    >>> table = pd.DataFrame({"item": list("abc"), "speaker": list("ttg")})
    >>> crossing(table.assign(split=["train", "test", "dev"]), group="speaker")["group"].tolist()
    ['t']
    """
    items = _tables.items(table, function="splits.crossing")
    for name in (group, split):
        _column(items, name, "splits.crossing")
    found = items.dropna(subset=[group]).groupby(group, observed=True)[split]
    kinds = found.nunique()
    wrong = kinds.index[kinds > 1]
    rows = [(name, ", ".join(sorted(set(found.get_group(name)))), len(found.get_group(name)))
            for name in wrong]  # fmt: skip
    return pd.DataFrame(rows, columns=["group", "splits", "n"])


def draws(
    table: pd.DataFrame,
    *,
    of: Any,
    by: str = "label",
    shares: Mapping[str, float] | None = None,
    times: int = 1000,
    rng: Rng = 0,
) -> pd.DataFrame:
    """How many items of a class a plain random split puts on each side, drawn many times.

    On few data luck decides how many there are: thirty of a hundred may be two or ten of twenty.
    Exact draws from the multivariate hypergeometric distribution, which is what shuffling does.

    Returns
    -------
    DataFrame
        One row a draw, one column a split: how many items with ``by`` equal to ``of`` it has.

    Examples
    --------
    >>> table = pd.DataFrame({"item": map(str, range(100)), "label": [1] * 30 + [0] * 70})
    >>> drawn = draws(table, of=1)
    >>> float(drawn["test"].mean().round(1)), bool((drawn.sum(axis=1) == 30).all())
    (6.0, True)
    """
    items, _, parts = _checked(table, by, shares, "splits.draws")
    positive = int((items[by] == of).sum())
    if not positive:
        raise TableError(f"splits.draws(): no item has {by} equal to {of!r}.")
    sizes = _sizes(len(items), np.array(list(parts.values())))
    drawn = np.random.default_rng(rng).multivariate_hypergeometric(sizes, positive, size=times)
    return pd.DataFrame(drawn, columns=list(parts))


def _checked(
    table: pd.DataFrame,
    by: str | Sequence[str],
    shares: Mapping[str, float] | None,
    function: str,
) -> tuple[pd.DataFrame, list[str], dict[str, float]]:
    items = _tables.items(table, function=function)
    by = [by] if isinstance(by, str) else list(by)
    for name in by:
        _column(items, name, function)
    parts = dict(SHARES if shares is None else shares)
    values = np.array(list(parts.values()), float)
    if len(values) < 2 or not (values > 0).all() or abs(values.sum() - 1) > 1e-9:
        raise ValueError(
            f"{function}() needs shares above 0 that sum to 1, such as {SHARES}; got {parts}."
        )
    return items, by, parts


def _column(items: pd.DataFrame, name: str, function: str) -> None:
    if name not in items.columns:
        raise TableError(
            f"{function}() needs the column {name!r}; found: {', '.join(map(str, items.columns))}."
        )


def _coded(items: pd.DataFrame, by: list[str]) -> list[np.ndarray]:
    """A number for each row's value in every column, and for the combination of all."""
    codes = [pd.factorize(items[name], use_na_sentinel=False)[0] for name in by]
    if not codes:
        return []
    together = np.zeros(len(items), np.int64)
    for code in codes:
        together = pd.factorize(together * (code.max() + 1) + code)[0]
    return [*codes, together] if len(codes) > 1 else codes


def _sizes(n: int, parts: np.ndarray) -> np.ndarray:
    """Whole numbers that sum to n, each within one of its share (largest remainders)."""
    sizes = np.floor(n * parts + 1e-9).astype(int)
    rest = n * parts - sizes
    sizes[np.argsort(-rest, kind="stable")[: n - sizes.sum()]] += 1
    return sizes


def _single(columns: list[np.ndarray], n: int, parts: np.ndarray, rng: np.random.Generator) -> Any:
    """Whole shares of every combination first; the few items left over go where they lack."""
    cells = columns[-1] if columns else np.zeros(n, int)
    size = np.bincount(cells)
    counts = np.floor(size[:, None] * parts + 1e-9).astype(int)
    rest = size - counts.sum(1)
    spare = np.repeat(np.arange(len(size)), rest)  # the combination of each item left over
    first = np.unique(cells, return_index=True)[1]
    values = [column[first] for column in columns] or [np.zeros(1, int)]
    features, totals = _numbered(values, size)
    lacking = totals * parts[:, None] - _summed(features, counts, len(totals))
    weights = _weights(columns, totals)
    units = [(features[cell], np.ones(features.shape[1])) for cell in spare]
    places = _assigned(units, lacking, weights, rng, rng.permutation(len(units)))
    np.add.at(counts, (spare, places), 1)
    rank = np.empty(n, int)
    order = np.lexsort((rng.random(n), cells))
    rank[order] = np.arange(n) - np.repeat(np.cumsum(size) - size, size)
    return (rank[:, None] >= counts.cumsum(1)[cells]).sum(1)


def _units(group: pd.Series) -> np.ndarray:
    """The number of each row's group; a row without one is a group of its own."""
    code, names = pd.factorize(group)
    alone = code < 0
    code[alone] = len(names) + np.arange(alone.sum())
    return code


def _enough(units: np.ndarray, parts: Mapping[str, float], group: str | None) -> None:
    """Refuse what leaves a split empty, however it is divided."""
    many = len(np.unique(units))
    if 0 < many < len(parts):
        what = _tables._count(many, "item" if group is None else f"{group!r} group")
        raise TableError(
            f"splits.split() cannot fill {len(parts)} splits ({', '.join(parts)}) from {what}: "
            "one would stay empty. Collect more, split by other groups, or give fewer shares=."
        )


def _filled(
    units: np.ndarray, places: np.ndarray, parts: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A split that came out empty gets the smallest of the units that others can spare."""
    size = np.bincount(units)
    where = pd.Series(places).groupby(units).first().to_numpy(copy=True)
    for part in range(len(parts)):
        if len(size) and not (held := np.bincount(where, minlength=len(parts)))[part]:
            over = np.bincount(where, size, len(parts)) - size.sum() * parts
            order = np.lexsort((rng.random(len(size)), -over[where], size))
            where[order[held[where[order]] > 1][0]] = part
    return where[units]


def _grouped(
    code: np.ndarray, columns: list[np.ndarray], parts: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The largest groups first, each to where it brings most; then moves and exchanges."""
    n, many = len(code), code.max() + 1
    features, totals = _numbered(columns or [np.zeros(n, int)], np.ones(n))
    long = pd.DataFrame({"unit": np.repeat(code, features.shape[1]), "feature": features.ravel()})
    told = long.value_counts().sort_index().reset_index()
    starts = np.searchsorted(told["unit"], np.arange(many + 1))
    which, often = told["feature"].to_numpy(), told["count"].to_numpy(float)
    units = [(which[a:b], often[a:b]) for a, b in pairwise(starts)]
    weights = _weights(columns, totals) / np.maximum(totals, 1)
    weight_of = np.array([(weights[f] * v**2).sum() for f, v in units])
    order = np.lexsort((rng.random(many), -weight_of))
    return _assigned(units, totals * parts[:, None], weights, rng, order)[code]


def _numbered(columns: list[np.ndarray], size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every value of every column as one number, the first for everything, and how many it has."""
    features = [np.zeros(len(size), int)]
    for column in columns:
        features.append(column + features[-1].max() + 1)
    table = np.stack(features, axis=1)
    many = np.repeat(size, table.shape[1])
    return table, np.bincount(table.ravel(), weights=many)


def _summed(features: np.ndarray, counts: np.ndarray, many: int) -> np.ndarray:
    """Of each split, how many items each feature has: shape (splits, features)."""
    flat = features.ravel()
    width = features.shape[1]
    return np.stack([np.bincount(flat, np.repeat(own, width), many) for own in counts.T])


def _weights(columns: list[np.ndarray], totals: np.ndarray) -> np.ndarray:
    weights = np.ones(len(totals))
    weights[0] = 1 + len(columns)  # the size of the splits goes before all else
    if len(columns) > 1:  # the last is the combination of the others
        weights[-(columns[-1].max() + 1) :] = _CROSSED
    return weights


Unit = tuple[np.ndarray, np.ndarray]  # which features it has, and how often


def _assigned(
    units: list[Unit],
    wanted: np.ndarray,
    weights: np.ndarray,
    rng: np.random.Generator,
    order: np.ndarray,
) -> np.ndarray:
    """A split for each unit, so that the sum of squared lacks is small: greedy, then exchanges."""
    off = -wanted.astype(float)  # of each split and feature: what it has over what it should
    places = np.zeros(len(units), int)
    for unit in order:
        which, often = units[unit]
        cost = off[:, which] @ (weights[which] * often)
        places[unit] = cost.argmin()
        off[places[unit], which] += often
    for _ in range(_PASSES):
        moved = _moves(units, places, off, weights, rng)
        if len(units) <= _FEW:
            moved += _exchanges(units, places, off, weights)
        if not moved:
            break
    return places


def _moves(
    units: list[Unit],
    places: np.ndarray,
    off: np.ndarray,
    weights: np.ndarray,
    rng: np.random.Generator,
) -> int:
    moved = 0
    for unit in rng.permutation(len(units)):
        which, often = units[unit]
        weight, here = weights[which] * often, places[unit]
        # The change of the sum of squares, if it went from here to each of the splits.
        change = 2 * (off[:, which] - off[here, which] + often) @ weight
        change[here] = 0
        there = int(change.argmin())
        if change[there] < -1e-9:
            off[here, which] -= often
            off[there, which] += often
            places[unit] = there
            moved += 1
    return moved


def _exchanges(units: list[Unit], places: np.ndarray, off: np.ndarray, weights: np.ndarray) -> int:
    """Two of different splits change places wherever that helps."""
    dense = np.zeros((len(units), len(weights)))
    for unit, (which, often) in enumerate(units):
        dense[unit, which] = often
    moved = 0
    for one in range(len(units)):
        here = places[one]
        others = np.flatnonzero(places != here)
        step = dense[others] - dense[one]  # what this split gains and the other loses
        change = (weights * step * (off[here] - off[places[others]] + step)).sum(1) * 2
        if not len(others) or change.min() >= -1e-9:
            continue
        other = others[int(change.argmin())]
        gain, there = dense[other] - dense[one], places[other]
        off[here] += gain
        off[there] -= gain
        places[one], places[other] = there, here
        moved += 1
    return moved
