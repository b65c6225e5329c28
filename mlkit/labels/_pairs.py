"""All pairs of rows that belong together, without a loop over what they belong to."""

import numpy as np


def inside(group: np.ndarray, n_groups: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two row numbers, the first below the second, and the group, of every pair in a group.

    ``group`` is sorted. A group of n rows has n (n - 1) / 2 pairs.

    >>> first, second, group = inside(np.array([0, 0, 1, 2, 2]), 3)
    >>> first, second, group
    (array([0, 3]), array([1, 4]), array([0, 2]))
    """
    size = np.bincount(group, minlength=n_groups)
    start = np.cumsum(size) - size
    none = np.zeros(0, np.int64)
    first, second, whose = [none], [none], [none]
    for n in np.unique(size[size > 1]):
        members = np.flatnonzero(size == n)
        i, j = np.triu_indices(n, 1)
        first.append((start[members, None] + i).ravel())
        second.append((start[members, None] + j).ravel())
        whose.append(np.repeat(members, len(i)))
    return np.concatenate(first), np.concatenate(second), np.concatenate(whose)
