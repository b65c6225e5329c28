"""What every generator checks of what it is given."""

from typing import Any

import numpy as np


def count(value: Any, name: str, *, function: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{function}() needs {name} as a whole number from 1 up; got {value!r}.")
    return int(value)


def split(number: int) -> str:
    """Three in five train, one dev, one test, by position or any other whole number."""
    return {3: "dev", 4: "test"}.get(number % 5, "train")
