"""Names of classes that were spelt in several ways, and items that must not be parted."""

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

# Of 3,781 photographs of clothing three pairs lie above this: one picture in two classes, and two
# pairs of shirts on the same cloth; none of 300 stored again as a small JPEG lies below 0.996.
# Of 1,000 recorded digits no two lie above 0.97, and none of 150 at another rate below 0.99.
_NEAR, _NEAR_SOUND = 0.99, 0.985
_MOST_COMPARED = 20_000
_BLOCK = 1000
_FEW = 5
_TWINS = 0.2  # above this share of rows alike, being alike is no sign of a copy


def plain(name: str) -> str:
    """What stays of a name whatever the case, the blanks and the form of its accents."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\s_\-]+", " ", text).strip()


def one_spelling(labels: pd.Series) -> tuple[pd.Series, list[str]]:
    """Each class under the spelling it has most often, and what was made of what.

    Names that differ otherwise stay apart; where they look alike a note asks.
    """
    kinds = labels.map(plain)
    forms = labels.groupby(kinds).agg(lambda own: _usual(own))
    notes = []
    for kind, form in forms.items():
        counts = labels[kinds == kind].value_counts()
        if len(counts) > 1:
            told = ", ".join(f"{name!r} ({n})" for name, n in counts.items())
            notes.append(f"One class in several spellings: {told}. Taken as {form!r}.")
    for one, other in _alike(list(forms)):
        notes.append(
            f"Are {one!r} and {other!r} one class? They are kept apart; rename a folder or the "
            "values if they are."
        )
    return kinds.map(forms), notes


def _usual(own: pd.Series) -> str:
    counts = Counter(own)
    best = min(counts, key=lambda name: (-counts[name], name != name.strip(), name))
    return unicodedata.normalize("NFC", best).strip()


def _alike(names: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Pairs that a slip of the fingers, or a plural, would make of each other."""
    worded = [name for name in sorted(names) if len(name) >= 3 and not re.search(r"\d", name)]
    if len(worded) > 200:
        return
    for at, one in enumerate(worded):
        for other in worded[at + 1 :]:
            a, b = plain(one), plain(other)
            if abs(len(a) - len(b)) <= 1 and difflib.SequenceMatcher(None, a, b).ratio() >= 0.85:
                yield one, other


def small(labels: pd.Series) -> list[str]:
    """What is said of classes with so few items that hardly anything can be learnt or told."""
    counts = labels.value_counts()
    few = counts[counts < _FEW].sort_values()
    return [
        f"The class {name!r} has {n} item{'' if n == 1 else 's'}: too few to learn from, and too "
        "few to judge by. Gather more, or leave it out."
        for name, n in few.items()
    ]


def uncompared(n: int) -> list[str]:
    """What is said of so many files that they are not compared with each other."""
    if n <= _MOST_COMPARED:
        return []
    return [
        f"Files that are nearly the same were not looked for: there are {n:,}, and at most "
        f"{_MOST_COMPARED:,} are compared. Copies with the very same content were found; a copy "
        "that was changed a little may stand on the other side of a split."
    ]


def near(prints: np.ndarray, *, sound: bool) -> list[tuple[int, int]]:
    """Pairs of different files that hold nearly the same, each with the first of its kind."""
    if not 1 < len(prints) <= _MOST_COMPARED:
        return []
    least, pairs, led = _NEAR_SOUND if sound else _NEAR, [], np.zeros(len(prints), bool)
    for start in range(0, len(prints), _BLOCK):
        alike = prints[start : start + _BLOCK] @ prints.T > least
        for row, own in enumerate(alike, start=start):
            others = np.flatnonzero(own[:row])
            # With the first of its kind alone: a chain of small steps would join all.
            first = others[~led[others]]
            if len(first):
                led[row] = True
                pairs.append((int(first[0]), row))
    return pairs


def same_words(texts: pd.Series) -> pd.Series:
    """Letters and figures alone: what stays of a text that was typed again."""
    return texts.map(
        lambda text: re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()
    )


def twins(keys: pd.Series) -> list[tuple[int, int]] | None:
    """Pairs of rows with one key; None where so many have one that it means nothing."""
    many = keys.duplicated(keep=False) & (keys != "")
    if many.mean() > _TWINS:
        return None
    first: dict[str, int] = {}
    found = []
    for place, key in enumerate(keys):
        if key == "":
            continue
        if key in first:
            found.append((first[key], place))
        else:
            first[key] = place
    return found


def joined(n: int, pairs: Iterable[tuple[int, int]]) -> np.ndarray:
    """Of each item the first of all those that hang together with it."""
    head = np.arange(n)

    def top(one: int) -> int:
        while head[one] != one:
            head[one] = head[head[one]]
            one = int(head[one])
        return one

    for one, other in pairs:
        a, b = sorted((top(one), top(other)))
        head[b] = a
    return np.array([top(one) for one in range(n)], int)
