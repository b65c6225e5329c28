"""How alike two records are, field by field, and what each likeness is worth."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from mlkit import _stats
from mlkit._tables import TableError
from mlkit.records import _fields

_FUNCTION = "records.compare"
MISSING = -1
# Per kind what the levels mean, from 0 up; -1 is "one of the two is missing".
LEVELS = {
    "given": ("different", "swapped", "short form", "near", "same"),
    "family": ("different", "swapped", "near", "same"),
    "date": ("different", "near", "same"),
    "email": ("different", "near", "same"),
    "phone": ("different", "near", "same"),
    "text": ("different", "near", "same"),
    "exact": ("different", "same"),
}


def compare(
    records: pd.DataFrame, pairs: pd.DataFrame, *, fields: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """How alike are the two records of each pair, field by field?

    Upper and lower case, accents and spaces do not count. Names are near from a Jaro-Winkler
    similarity of 0.9 (Winkler 1990), texts from 0.8 of equal letters, dates and telephone numbers
    with one other or exchanged figure; a given name that begins like the other is its short form.

    Parameters
    ----------
    records : one row a ``record``.
    pairs : ``left, right``, as in ``pairs(records).table``.
    fields : as in ``pairs``.

    Returns
    -------
    DataFrame
        ``left, right`` and one column a field, in words: same, near, short form, swapped,
        different; missing where one of the two has no value.

    Examples
    --------
    >>> df = pd.DataFrame({"record": ["a", "b"], "family_name": ["Weiß", "WEISS"]})
    >>> compare(df, pd.DataFrame({"left": ["a"], "right": ["b"]}))
      left right family_name
    0    a     b        same
    """
    table = _fields.checked(records, function=_FUNCTION)
    kinds = _fields.kinds(records, fields, function=_FUNCTION)
    left, right = rows_of(table, pairs, function=_FUNCTION)
    found = levels(_fields.normalised(table, kinds), kinds, left, right)
    names = table["record"].to_numpy()
    words = {
        name: pd.array(np.asarray([*LEVELS[kind], None], object)[found[:, column]], dtype="str")
        for column, (name, kind) in enumerate(kinds.items())
    }
    return pd.DataFrame({"left": names[left], "right": names[right], **words})


def rows_of(
    table: pd.DataFrame, pairs: pd.DataFrame, *, function: str
) -> tuple[np.ndarray, np.ndarray]:
    """The rows of both records of each pair; pairs with a record that is not there are dropped."""
    if not isinstance(pairs, pd.DataFrame) or not {"left", "right"} <= set(pairs.columns):
        raise TableError(
            f"{function}() needs pairs as a table with the columns left, right, as in "
            "records.pairs(table).table."
        )
    place = pd.Series(np.arange(len(table)), index=table["record"])
    rows = [place.reindex(pairs[side]).to_numpy(float) for side in ("left", "right")]
    known = ~np.isnan(rows[0]) & ~np.isnan(rows[1]) & (rows[0] != rows[1])
    return rows[0][known].astype(int), rows[1][known].astype(int)


def levels(
    texts: pd.DataFrame, kinds: Mapping[str, str], left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Level of each field (columns) in each pair (rows), int8; -1 where one is missing."""
    found = np.full((len(left), len(kinds)), MISSING, np.int8)
    both = {}
    for column, (name, kind) in enumerate(kinds.items()):
        values = texts[name].to_numpy(object)
        a, b = values[left], values[right]
        both[kind] = (column, values)
        known = np.flatnonzero((a != "") & (b != ""))
        found[known, column] = _distinct(_LEVEL[kind], a[known], b[known])
    if "given" in both and "family" in both:
        _swapped(found, both["given"], both["family"], left, right)
    return found


def _distinct(
    level: Callable[[np.ndarray, np.ndarray], np.ndarray], a: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """The same two values are compared once, however often they meet."""
    codes, values = pd.factorize(np.concatenate([a, b]))
    values = np.asarray(values, object)
    joined = codes[: len(a)].astype(np.int64) * max(len(values), 1) + codes[len(a) :]
    ones, where = np.unique(joined, return_inverse=True)
    return level(values[ones // max(len(values), 1)], values[ones % max(len(values), 1)])[where]


def _swapped(
    found: np.ndarray,
    given: tuple[int, np.ndarray],
    family: tuple[int, np.ndarray],
    left: np.ndarray,
    right: np.ndarray,
) -> None:
    """Given name in the field of the family name and the other way round, in place."""
    (g, given_names), (f, family_names) = given, family
    other = np.flatnonzero((found[:, g] == 0) & (found[:, f] == 0))
    if not len(other):
        return
    a, b = left[other], right[other]
    crossed = (_alike(given_names[a], family_names[b]) >= 0.9) & (
        _alike(family_names[a], given_names[b]) >= 0.9
    )
    for column in (g, f):
        found[other[crossed], column] = 1


def _alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    from rapidfuzz.distance import JaroWinkler
    from rapidfuzz.process import cpdist

    if not len(a):
        return np.zeros(0)
    return cpdist(list(a), list(b), scorer=JaroWinkler.normalized_similarity)


def _family(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.select([a == b, _alike(a, b) >= 0.9], [3, 2], 0)


def _given(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    begins = [x.startswith(y[:3]) or y.startswith(x[:3]) for x, y in zip(a, b, strict=True)]
    return np.select([a == b, _alike(a, b) >= 0.9, np.asarray(begins, bool)], [4, 3, 2], 0)


def _figures(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Dates and numbers: one figure other, lost or added, or two neighbours exchanged."""
    near = _slips(a, b) <= 1
    turned = [
        x[:5] == y[:5] and x[5:7] == y[8:10] and x[8:10] == y[5:7]
        for x, y in zip(a, b, strict=True)
    ]
    return np.select([a == b, near | np.asarray(turned, bool)], [2, 1], 0)


def _slips(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cpdist

    return cpdist(list(a), list(b), scorer=OSA.distance) if len(a) else np.zeros(0)


def _email(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    names = [np.asarray([x.partition("@")[0] for x in side], object) for side in (a, b)]
    return np.select([a == b, (names[0] == names[1]) | (_slips(a, b) <= 1)], [2, 1], 0)


def _words(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cpdist

    if not len(a):
        return np.zeros(0)
    near = cpdist(list(a), list(b), scorer=Indel.normalized_similarity) >= 0.8
    return np.select([a == b, near], [2, 1], 0)


_LEVEL: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "given": _given,
    "family": _family,
    "date": _figures,
    "phone": _figures,
    "email": _email,
    "text": _words,
    "exact": lambda a, b: (a == b).astype(int),
}


# Strangers are compared because they share a key, and do so in ways of their own: who lives
# together shares family name and address, namesakes share names. Each way is a class (Larsen and
# Rubin 2001) with what it may share; in all else strangers agree as often as any two records.
STRANGERS: dict[str, tuple[str, ...]] = {
    "household": ("family", "phone", "text", "exact"),
    "namesakes": ("given", "family", "text", "exact"),
    "same day": ("given", "family", "date", "text", "exact"),
    "same number": ("phone", "email"),
}


class Model:
    """How often each level is seen in each class of pairs: one person first, then strangers.

    Fellegi and Sunter's (1969) m is ``levels[0]``, their u the others together. Fields are taken
    as independent within a class; a missing field says nothing. ``shares`` sum to 1. ``held``
    names the (class, column) that are known and not to be learned.
    """

    def __init__(
        self,
        levels: list[list[np.ndarray]],
        shares: np.ndarray,
        held: frozenset[tuple[int, int]] = frozenset(),
    ) -> None:
        self.levels, self.shares, self.held = levels, shares, held
        self.steps = 0

    def log_likelihood(self, found: np.ndarray) -> np.ndarray:
        """log2 of how likely each pattern is, one column a class."""
        total = np.zeros((len(found), len(self.levels)))
        for one, columns in enumerate(self.levels):
            for column, share in enumerate(columns):
                total[:, one] += np.append(np.log2(share), 0.0)[found[:, column]]  # last: missing
        return total

    def classes(self, found: np.ndarray) -> np.ndarray:
        """Probability of each class."""
        bits = self.log_likelihood(found) + np.log2(self.shares)
        parts = np.exp2(bits - bits.max(axis=1, keepdims=True))
        return parts / parts.sum(axis=1, keepdims=True)

    def weight(self, found: np.ndarray) -> np.ndarray:
        """Bits for (above 0) or against one person, before the share of matches is counted in."""
        bits = self.log_likelihood(found)
        others = self.shares[1:] / self.shares[1:].sum()
        return bits[:, 0] - np.logaddexp2.reduce(bits[:, 1:] + np.log2(others), axis=1)

    @property
    def prior(self) -> float:
        """Bits for one person before anything is compared."""
        return float(np.log2(self.shares[0]) - np.log2(self.shares[1:].sum()))

    def probability(self, found: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp2(-np.clip(self.weight(found) + self.prior, -1000, 1000)))


def begin(kinds: Mapping[str, str], by_chance: list[np.ndarray]) -> Model:
    """Where to start: one person agrees in most, strangers as random pairs do but for their way."""
    agreeing = [np.append(np.full(len(u) - 1, 0.2 / (len(u) - 1)), 0.8) for u in by_chance]
    strangers = [
        [
            same if kind in shared else u
            for kind, same, u in zip(kinds.values(), agreeing, by_chance, strict=True)
        ]
        for shared in STRANGERS.values()
    ]
    held = frozenset(
        (one, column)
        for one, shared in enumerate(STRANGERS.values(), 1)
        for column, kind in enumerate(kinds.values())
        if kind not in shared
    )
    others = len(STRANGERS)
    return Model([agreeing, *strangers], np.asarray([0.4, *[0.6 / others] * others]), held)


def fit(
    found: np.ndarray, start: Model, *, known: np.ndarray | None = None, most: int = 500
) -> Model:
    """Expectation maximisation (Dempster, Laird and Rubin 1977) over distinct patterns.

    ``known`` is 1, 0 or NaN per pair: the truth where a person looked. What ``start`` says counts
    as much as two pairs of each class, so that a level never seen is rare and not impossible.
    """
    sizes = [len(column) for column in start.levels[0]]
    patterns, counts, fixed = _patterns(found, sizes, known)
    model = start
    for step in range(1, most + 1):
        part = model.classes(patterns)
        part[fixed == 1] = np.eye(1, part.shape[1])
        strangers = part[fixed == 0] * (np.arange(part.shape[1]) > 0)
        part[fixed == 0] = strangers / strangers.sum(axis=1, keepdims=True)
        part *= counts[:, None]
        shares = part.sum(axis=0) + 1e-3
        levels = [
            [
                known_share if (one, column) in start.held else learned
                for column, (known_share, learned) in enumerate(
                    zip(before, _shares(patterns, part[:, one], before), strict=True)
                )
            ]
            for one, before in enumerate(start.levels)
        ]
        fresh = Model(levels, shares / shares.sum(), start.held)
        moved = _moved(model, fresh)
        model = fresh
        model.steps = step
        if moved < 1e-6:
            break
    return model


def _moved(before: Model, after: Model) -> float:
    pairs = zip(before.levels, after.levels, strict=True)
    steps = [np.abs(x - y).max() for a, b in pairs for x, y in zip(a, b, strict=True)]
    return float(max(np.abs(before.shares - after.shares).max(), *steps))


def _patterns(
    found: np.ndarray, sizes: list[int], known: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    code = np.zeros(len(found), np.int64)
    for column, size in enumerate(sizes):
        code = code * (size + 1) + found[:, column] + 1
    state = np.zeros(len(found), np.int64)
    if known is not None:
        state = np.where(np.isnan(known), 0, 1 + np.nan_to_num(known)).astype(np.int64)
    _, first, counts = np.unique(code * 3 + state, return_index=True, return_counts=True)
    fixed = np.asarray([np.nan, 0.0, 1.0])[state[first]]
    return found[first], counts.astype(float), fixed


def _shares(patterns: np.ndarray, weight: np.ndarray, start: list[np.ndarray]) -> list[np.ndarray]:
    """Share of each level among the pairs that have the field."""
    shares = []
    for column, before in enumerate(start):
        size = len(before)
        sums = np.bincount(patterns[:, column] + 1, weights=weight, minlength=size + 1)[1:]
        smooth = sums + 2 * np.clip(before, 1e-4, None)
        shares.append(smooth / smooth.sum())
    return shares


def random_pairs(
    texts: pd.DataFrame, kinds: Mapping[str, str], n: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """How often any two records agree: share of each level of each field."""
    start = [np.full(len(LEVELS[kind]), 1 / len(LEVELS[kind])) for kind in kinds.values()]
    if len(texts) < 2:
        return start
    left = rng.integers(0, len(texts), n)
    right = (left + rng.integers(1, len(texts), n)) % len(texts)
    return _shares(levels(texts, kinds, left, right), np.ones(n), start)


def table(model: Model, found: np.ndarray, kinds: Mapping[str, str]) -> pd.DataFrame:
    """``field, level, m, m_low, m_high, u, u_low, u_high, weight``."""
    part = model.classes(found)
    rows = []
    for column, (name, kind) in enumerate(kinds.items()):
        known = found[:, column] >= 0
        pairs = part[known].sum(axis=0)
        others = pairs[1:] / max(pairs[1:].sum(), 1e-9)
        for level in reversed(range(len(LEVELS[kind]))):
            m = model.levels[0][column][level]
            u = float(others @ [columns[column][level] for columns in model.levels[1:]])
            n = np.asarray([pairs[0], pairs[1:].sum()])
            low, high = _stats.wilson(np.minimum([m, u] * n, n), n)
            rows.append(
                {"field": name, "level": LEVELS[kind][level]}
                | {"m": m, "m_low": low[0], "m_high": high[0]}
                | {"u": u, "u_low": low[1], "u_high": high[1]}
                | {"weight": float(np.log2(m) - np.log2(u)) if u > 0 else np.nan}
            )
    return pd.DataFrame(rows)
