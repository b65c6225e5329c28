"""Every slice of one or two conditions, counted exactly with matrix products."""

import keyword
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import TableError
from mlkit.slices import _memberships

_BLOCK = 16_384  # rows at a time: bounds the memory, and float32 counts them exactly
# One-sided 0.6 %: of some hundred second conditions less than one gets past it by chance.
_STANDS_OUT = 2.5
_SAME = 0.8  # Jaccard overlap above which two slices are one
_ALMOST = 0.9  # a simpler slice is kept where its score is at least this part of the other's


@dataclass(frozen=True)
class Condition:
    """One condition on one column: its name, pandas comparisons, and the rows that meet it."""

    name: str
    comparisons: tuple[str, ...]
    holds: np.ndarray


def conditions(
    table: pd.DataFrame, columns: Sequence[str], choosing: np.ndarray, least: int
) -> list[Condition]:
    """Each value, or quarter of the choosing half, that enough rows of that half have."""
    found = [c for name in columns for c in _of_column(table[name], choosing)]
    return [c for c in found if c.holds[choosing].sum() >= least]


def _of_column(column: pd.Series, choosing: np.ndarray) -> Iterator[Condition]:
    name = str(column.name)
    shown = name if name.isidentifier() and not keyword.iskeyword(name) else f"`{name}`"
    if _memberships.is_amount(column):
        values = column.to_numpy(float, na_value=np.nan)
        for text, (low, high) in _memberships.quarters(column[choosing]):
            limits = [
                f"{shown} {sign} {limit!r}"
                for sign, limit in ((">", low), ("<=", high))
                if np.isfinite(limit)
            ]
            if limits:
                yield Condition(text, tuple(limits), (values > low) & (values <= high))
        return
    codes, kinds = _kinds(column)
    for code, value in enumerate(kinds):
        yield Condition(f"{name} = {value}", (f"{shown} == {value!r}",), codes == code)


def _kinds(column: pd.Series) -> tuple[np.ndarray, list[Any]]:
    try:
        codes, found = pd.factorize(column)
        values = found.tolist()
    except TypeError:  # lists and dicts have no equal
        values = [column.iloc[0]]
        codes = np.zeros(0, int)
    other = [value for value in values if not isinstance(value, bool | int | float | str)]
    if other:
        raise TableError(
            f"slices.find() searches text, numbers and True or False, and the column "
            f"{str(column.name)!r} holds {_tables._kind(other[0])} ({other[0]!r}): leave it out, "
            "or turn it into one of these."
        )
    return codes, values


def best(
    holds: np.ndarray, error: np.ndarray, least: int, most: int
) -> tuple[list[tuple[int, ...]], int]:
    """The slices that stand out most among these rows, near-duplicates dropped.

    ``holds`` (rows, conditions). Gives the conditions of each slice, and how many were searched.
    """
    n, e = _counts(holds), _counts(holds[error])
    one, other = np.triu_indices(holds.shape[1])
    enough = n[one, other] >= least
    one, other = one[enough], other[enough]
    score = _score(e[one, other], n[one, other], error.sum(), len(error))
    keep = (score > 0) & ((one == other) | _adds(n, e, one, other))
    one, other, score = one[keep], other[keep], score[keep]
    # Of equal scores the slice with fewer conditions comes first.
    order = np.lexsort((one != other, -score))[: 10 * most]
    pairs: list[tuple[int, ...]] = [
        (int(i),) if i == j else (int(i), int(j))
        for i, j in zip(one[order], other[order], strict=True)
    ]
    return _apart(pairs, score[order], holds)[:most], int(enough.sum())


def rows_of(pair: tuple[int, ...], holds: np.ndarray) -> np.ndarray:
    """Which rows meet all conditions of a slice."""
    return np.asarray(holds[:, list(pair)].all(axis=1))


def _counts(holds: np.ndarray) -> np.ndarray:
    """How many rows meet both of each two conditions."""
    total = np.zeros((holds.shape[1],) * 2)
    for start in range(0, len(holds), _BLOCK):
        block = holds[start : start + _BLOCK].astype(np.float32)
        total += block.T @ block
    return total


def _adds(n: np.ndarray, e: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether two conditions together stand out from each of them alone."""
    both_n, both_e = n[one, other], e[one, other]
    scores = [_score(both_e, both_n, e[alone, alone], n[alone, alone]) for alone in (one, other)]
    return np.asarray(np.minimum(*scores) >= _STANDS_OUT)


def _score(e: np.ndarray, n: np.ndarray, errors: Any, rows: Any) -> np.ndarray:
    """Signed root of the likelihood ratio: are errors more frequent inside than outside?"""
    outside_e, outside_n = errors - e, rows - n
    ratio = (
        _log_likelihood(e, n)
        + _log_likelihood(outside_e, outside_n)
        - _log_likelihood(np.asarray(errors, float), np.asarray(rows, float))
    )
    sign = np.sign(e * outside_n - outside_e * n)
    return np.asarray(sign * np.sqrt(2 * np.maximum(ratio, 0)))


def _log_likelihood(e: np.ndarray, n: np.ndarray) -> np.ndarray:
    from scipy.special import xlogy

    rows = np.maximum(n, 1)
    return np.asarray(xlogy(e, e / rows) + xlogy(n - e, (n - e) / rows))


def _apart(
    pairs: list[tuple[int, ...]], score: np.ndarray, holds: np.ndarray
) -> list[tuple[int, ...]]:
    """Best first, without slices of nearly the same rows; the simpler one where it is as good."""
    if not pairs:
        return []
    members = np.stack([rows_of(pair, holds) for pair in pairs]).astype(np.float32)
    size, shared = members.sum(axis=1), members @ members.T
    same = shared / (size[:, None] + size - shared) > _SAME
    kept: list[int] = []
    for new in range(len(pairs)):
        twin = next((k for k in kept if same[new, k]), None)
        if twin is None:
            kept.append(new)
        elif len(pairs[new]) < len(pairs[twin]) and score[new] >= _ALMOST * score[twin]:
            kept[kept.index(twin)] = new
    return [pairs[k] for k in kept]


def expression(parts: Sequence[Condition]) -> str:
    """The slice as a pandas expression, for ``df.query`` and for Python alike."""
    comparisons = [text for part in parts for text in part.comparisons]
    if len(comparisons) == 1:
        return comparisons[0]
    return " & ".join(f"({text})" for text in comparisons)
