"""Requests of one user are alike: what is drawn anew, and what varies, is users."""

import numpy as np
import pandas as pd


def codes(table: pd.DataFrame) -> np.ndarray:
    """A number for each row, the same for rows of one user; a row without one is by itself."""
    if "user" not in table.columns:
        return np.arange(len(table))
    found, names = pd.factorize(table["user"])
    alone = found < 0
    found[alone] = len(names) + np.arange(int(alone.sum()))
    return found


def drawn(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How often each row is drawn when users are drawn with replacement."""
    n = int(codes.max()) + 1
    return np.bincount(rng.integers(n, size=n), minlength=n)[codes].astype(float)
