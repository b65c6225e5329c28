"""Dawid-Skene on plain arrays: each item's class and each annotator's errors, from labels alone.

Items are taken in blocks: nothing of the size items x classes or items x annotators is kept, only
the labels as a sparse matrix, the annotators' matrices, and one class an item.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

# Annotators x classes x classes; beyond it there is far more to estimate than labels to tell it.
MOST_CELLS = 20_000_000
_BLOCK = 1 << 16  # cells of items x classes worked on at a time: they stay in the cache


@dataclass(frozen=True)
class Fit:
    """What the algorithm ended with."""

    best: np.ndarray  # class of each item; of equally likely ones the first
    confidence: np.ndarray  # its probability
    even: int  # items with two or more equally likely classes
    prior: np.ndarray  # share of each class
    errors: np.ndarray  # annotators x true class x answer; each row adds up to 1
    seen: np.ndarray  # annotators x true class: expected number of labels
    path: list[float]  # what is climbed, an item, at each iteration
    converged: bool

    @property
    def iterations(self) -> int:
        return len(self.path)


def fit(
    item: np.ndarray,
    annotator: np.ndarray,
    label: np.ndarray,
    shape: tuple[int, int, int],
    *,
    smoothing: float,
    tolerance: float,
    max_iterations: int,
) -> Fit:
    """EM from the shares of votes; ``shape`` is (items, annotators, classes).

    What is climbed is the log-likelihood plus ``smoothing`` x the sum of the logarithms of all
    cells of the matrices (a Dirichlet prior on their rows), divided by the number of items.
    """
    n, annotators, k = shape
    votes = _votes(item, annotator, label, shape)
    counts, prior = _begin(votes, annotators, k)
    path: list[float] = []
    converged = False
    while not converged and len(path) < max_iterations:
        logs = _log_errors(counts, k, smoothing)
        counts, prior, climbed = _iterate(votes, logs, prior)
        prior /= n
        path.append((climbed + smoothing * float(logs.sum())) / n)
        converged = len(path) > 1 and path[-1] - path[-2] < tolerance
    logs = _log_errors(counts, k, smoothing)
    best, confidence, even = _decide(votes, logs, prior)
    cells = (annotators, k, k)
    return Fit(
        best=best,
        confidence=confidence,
        even=even,
        prior=prior,
        errors=np.exp(logs).reshape(cells).transpose(0, 2, 1),
        seen=counts.reshape(cells).sum(axis=1),
        path=path,
        converged=converged,
    )


def _votes(
    item: np.ndarray, annotator: np.ndarray, label: np.ndarray, shape: tuple[int, int, int]
) -> list[Any]:
    """Blocks of items: sparse matrices, a row an item, a column an annotator's answer."""
    from scipy import sparse

    n, annotators, k = shape
    answer = annotator.astype(np.int32) * np.int32(k) + label.astype(np.int32)
    ones = np.ones(len(item), np.float32)
    votes = sparse.csr_matrix((ones, (item, answer)), shape=(n, annotators * k))
    step = max(1, _BLOCK // k)
    return [votes[start : start + step].astype(float) for start in range(0, n, step)]


def _begin(votes: list[Any], annotators: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The annotators' counts and the classes' shares, were each item its shares of votes."""
    counts, sums, n = np.zeros((annotators * k, k)), np.zeros(k), 0
    one_vote = np.tile(np.eye(k), (annotators, 1))
    for block in votes:
        share = block @ one_vote
        share /= share.sum(axis=1, keepdims=True)
        counts += block.T @ share
        sums += share.sum(axis=0)
        n += len(share)
    return counts, sums / n


def _log_errors(counts: np.ndarray, k: int, smoothing: float) -> np.ndarray:
    """Logarithm of each annotator's chance of an answer (row) given the true class (column)."""
    cells = counts.reshape(-1, k, k) + smoothing
    cells /= cells.sum(axis=1, keepdims=True)
    return np.log(cells, out=cells).reshape(counts.shape)


def _posterior(block: Any, logs: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, float]:
    """Each item's probability of each class, and the log-likelihood of these items."""
    chance = block @ logs
    chance += np.log(np.maximum(prior, 1e-300))
    most = _most(chance)
    chance -= most[:, None]
    np.exp(chance, out=chance)
    total = chance @ np.ones(prior.size)
    chance /= total[:, None]
    return chance, float(most.sum() + np.log(total).sum())


def _most(chance: np.ndarray) -> np.ndarray:
    """The largest of each row; along few columns numpy is several times faster by column."""
    if chance.shape[1] > 32:
        return chance.max(axis=1)
    return reduce(np.maximum, chance.T[1:], chance[:, 0].copy())


def _iterate(
    votes: list[Any], logs: np.ndarray, prior: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Both steps at once: each block's probabilities are summed up and forgotten."""
    counts, sums, likelihood = np.zeros_like(logs), np.zeros_like(prior), 0.0
    for block in votes:
        chance, part = _posterior(block, logs, prior)
        counts += block.T @ chance
        sums += np.ones(len(chance)) @ chance
        likelihood += part
    return counts, sums, likelihood


def _decide(
    votes: list[Any], logs: np.ndarray, prior: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    best, confidence, even = [], [], 0
    for block in votes:
        chance, _ = _posterior(block, logs, prior)
        most = _most(chance)
        # Rounding must not choose between classes that are equally likely.
        equal = chance >= most[:, None] - 1e-9
        best.append(equal.argmax(axis=1).astype(np.int32))
        confidence.append(most)
        even += int((equal.sum(axis=1) > 1).sum())
    return np.concatenate(best), np.concatenate(confidence), even
