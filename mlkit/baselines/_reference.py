"""What each label is held against: gold, or the consensus of the other people on the item.

With one label left out, the consensus is the commonest of the others' labels; of several that
are as common, an answer that is one of k of them counts 1/k. Everything follows from how often
each class was given to an item, so labels are gathered by (item, class) first.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

GOLD = "gold"
CONSENSUS = "the others' consensus"


@dataclass(frozen=True)
class Votes:
    """The labels of one table, and for each what the others on its item say."""

    item: np.ndarray  # one number a label, as all below
    own: np.ndarray  # the class it gives
    top: np.ndarray  # how many of the others give their commonest class; 0: nobody else
    ties: np.ndarray  # how many classes are as common as that
    lead: np.ndarray  # how many of all give the item's one commonest class; 0: there are several
    pairs: np.ndarray  # item * classes + class, each once, in order
    counts: np.ndarray  # how many labels each pair has
    classes: int

    def score(self, answer: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """How right each answer is in these rows, against what the others on that item say.

        ``answer`` is a class or -1 for one that nobody gave. The label left out is never part
        of the consensus, whoever is scored against it.
        """
        others = self.given(answer, rows) - (answer == self.own[rows])
        right = (others == self.top[rows]) & (self.top[rows] > 0)
        return np.where(right, 1 / np.maximum(self.ties[rows], 1), 0.0)

    def given(self, answer: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """How many people on the items of these rows gave each answer."""
        wanted = self.item[rows] * self.classes + answer
        place = np.minimum(np.searchsorted(self.pairs, wanted), len(self.pairs) - 1)
        return np.where((self.pairs[place] == wanted) & (answer >= 0), self.counts[place], 0)


def votes(item: np.ndarray, own: np.ndarray) -> Votes:
    """Gather labels, given as numbers from 0 of their items and classes."""
    classes = int(own.max(initial=0)) + 1
    pairs, row, counts = np.unique(
        item.astype(np.int64) * classes + own, return_inverse=True, return_counts=True
    )
    of, n = pairs // classes, int(item.max(initial=-1)) + 1
    most = np.zeros(n, np.int64)
    np.maximum.at(most, of, counts)
    first = np.bincount(of, counts == most[of], n).astype(np.int64)  # classes as common as that
    second = np.bincount(of, counts == most[of] - 1, n).astype(np.int64)
    leads = counts == most[of]
    alone = leads & (first[of] == 1)
    # Without one of its labels, a class that led alone is level with those one behind it.
    top = most[of] - alone
    ties = np.where(alone, 1 + second[of], first[of] - leads)
    return Votes(
        item, own, top[row], ties[row], np.where(first == 1, most, 0)[item], pairs, counts, classes
    )


def code(values: pd.Series, classes: pd.Index) -> np.ndarray:
    """The number of each value among the classes; -1 for a value that is none or missing."""
    return classes.get_indexer(pd.Index(values.astype(object)))


def classes_of(*columns: pd.Series) -> pd.Index:
    """All values that occur, in order where they have one."""
    values = pd.Index(pd.concat([column.astype(object) for column in columns]).dropna().unique())
    try:
        return values.sort_values()
    except TypeError:  # no order among them
        return values


def commonest(own: np.ndarray, weight: np.ndarray) -> int:
    """The class given most often; of equals the first."""
    return int(np.bincount(own, weight).round(9).argmax())
