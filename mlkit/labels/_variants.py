"""Spellings of one word, and which way of writing alike wins most agreement on texts."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from mlkit import _stats
from mlkit.labels import _normalise, _text

_EDGES = re.compile(r"^[^\w]+|[^\w]+$")
_FEWEST = 2  # items in which two spellings stand for each other
_FEWEST_UNLIKE = 3  # and where they look nothing alike, as "2" and "two"
_ALIKE = 0.5  # normalised edit distance of two spellings
_LEAST = 0.001  # distance that one more normalisation has to win to be worth its name


def variants(annotations: pd.DataFrame) -> pd.DataFrame:
    """Which words do people spell in several ways?

    Texts of one item are aligned word by word (Levenshtein 1966), capitals and marks at a word's
    edge aside. Two forms are variants where people use them for each other: they meet at least
    half as often as if each person chose between them at random, n12 >= sqrt(n11 * n22), with
    n the pairs of people who wrote both at one place. Different words that are misheard at times
    ("and", "an") meet far more rarely than that. Two forms count from 2 items on, forms that
    look nothing alike ("2", "two") from 3. "air tight" and "airtight" are found too.

    Returns
    -------
    One row a group, the most frequent disagreement first: ``form`` (the one used most),
    ``variants`` (list of the others), ``n`` (pairs of people who differ in them), ``items``. It
    is a proposal: look through it, drop rows, then give it to ``text_agreement(normalise=)``.

    Examples
    --------
    >>> said = pd.DataFrame({"item": list("aabb"), "annotator": [1, 2, 1, 2],
    ...     "label": ["um yes", "umm, yes", "well um", "well umm"]})
    >>> variants(said)
      form variants  n  items
    0   um    [umm]  2      2
    """
    texts = _text.read(annotations, function="labels.variants")
    return _variants(texts.item, texts.text)


def normalisations(
    annotations: pd.DataFrame,
    *,
    choices: Mapping[str, _normalise.Normalise] | Sequence[str] | None = None,
    unit: str = "words",
    rng: int | np.random.Generator | None = None,
) -> pd.DataFrame:
    """Which way of writing alike wins most agreement?

    Each normalisation alone, and the best combination: that which gains most is added until none
    gains 0.1 points. Order and combination are chosen on half of the items, ``gain`` and its
    interval come from the other half. No chance is taken off: what throws words away gains too.

    Parameters
    ----------
    annotations : ``item, annotator, label``, the label a text.
    choices : names of the kit's own (accents, numbers, fillers, apostrophes, punctuation, lower
        case, blanks; for English; all if None), or name -> function, names or ``variants`` table.
    unit : distance in "words" or in "characters".

    Returns
    -------
    ``normalisation`` (a combination is joined by " + "), ``gain_choosing, before, after, gain,
    gain_low, gain_high`` (distance), ``identical`` (share of pairs, after), ``changed`` (share of
    texts), ``cost`` (share of distinct words lost), ``n`` (items of the second half).

    Examples
    --------
    >>> said = pd.DataFrame({"item": list("aabb"), "annotator": [1, 2] * 2,
    ...     "label": ["Um, yes", "yes"] * 2})
    >>> float(normalisations(said, choices=["fillers"], rng=0)["gain"][0])
    0.5
    """
    function = "labels.normalisations"
    _text.known_unit(unit, function)
    named = {
        name: _remembering(change, name, function)
        for name, change in _named(choices, function).items()
    }
    rng = np.random.default_rng(rng)
    texts = _text.read(annotations, function=function)
    choosing, telling = _halves(texts, unit, rng)
    tried: dict[tuple[str, ...], Callable[[str], str]] = {
        (name,): change for name, change in named.items()
    }
    best = _combination(choosing, named)
    tried |= (
        {tuple(best): _normalise.in_turn([named[name] for name in best])} if len(best) > 1 else {}
    )
    rows = [_row(names, change, texts, choosing, telling, rng) for names, change in tried.items()]
    table = pd.DataFrame(rows)
    # Of equals the simpler one first.
    size = table["normalisation"].str.count(r" \+ ")
    order = np.lexsort((size, -table["gain_choosing"].round(12)))
    table = table.iloc[order].reset_index(drop=True)
    shared = choosing.n + telling.n
    table.attrs["notes"] = [*texts.notes, *_text.few(shared, len(texts.items) - shared)]
    return table


class _Half:
    """The texts of half of the items, and how far apart they are as written."""

    def __init__(self, text: list[str], item: np.ndarray, unit: str) -> None:
        self.text, self.unit = text, unit
        codes = np.unique(item, return_inverse=True)[1]
        self.n = int(codes.max(initial=-1)) + 1
        self.pairs = _text.Pairs.of(codes, self.n)
        self.before = self.distance(text)

    def distance(self, text: list[str]) -> np.ndarray:
        """Sum over the pairs of each item."""
        found = self.pairs.distances(text, self.unit)
        return np.bincount(self.pairs.item, found, minlength=self.n)

    def gain(self, change: Callable[[str], str]) -> float:
        won = self.before.sum() - self.distance([change(one) for one in self.text]).sum()
        return float(won / self.pairs.number.sum()) if self.n else float("nan")


def _halves(texts: _text.Texts, unit: str, rng: np.random.Generator) -> tuple[_Half, _Half]:
    """Half of the items to choose on and half to tell on, of those with two texts or more."""
    size = np.bincount(texts.item, minlength=len(texts.items))
    shared = np.flatnonzero(size > 1)
    first = rng.permutation(shared)[: len(shared) // 2]
    halves = []
    for items in (first, np.setdiff1d(shared, first)):
        rows = np.flatnonzero(np.isin(texts.item, items))
        halves.append(_Half([texts.text[row] for row in rows], texts.item[rows], unit))
    return halves[0], halves[1]


def _row(
    names: tuple[str, ...],
    change: Callable[[str], str],
    texts: _text.Texts,
    choosing: _Half,
    telling: _Half,
    rng: np.random.Generator,
) -> dict[str, object]:
    """What one normalisation wins on the half that did not choose it."""
    number, pairs = telling.pairs.number, telling.pairs
    after = [change(one) for one in telling.text]
    distance = telling.distance(after)
    won = telling.before - distance
    low = high = before = left = identical = float("nan")
    if telling.n:
        before, left = (float(part.sum() / number.sum()) for part in (telling.before, distance))
        ends = _stats.bootstrap(lambda t: t @ won / (t @ number), telling.n, rng=rng)
        low, high = map(float, ends)
        identical = float(np.mean(pairs.same(after)))
    changed = [change(one) for one in texts.text]
    return {
        "normalisation": " + ".join(names),
        "gain_choosing": choosing.gain(change),
        "before": before,
        "after": left,
        "gain": before - left,
        "gain_low": low,
        "gain_high": high,
        "identical": identical,
        "changed": np.mean([a != b for a, b in zip(texts.text, changed, strict=True)]),
        "cost": _cost(texts.text, changed),
        "n": telling.n,
    }


def _combination(half: _Half, named: Mapping[str, Callable[[str], str]]) -> list[str]:
    """Names that gain most together on the choosing half, added one by one; in their order."""
    chosen: list[str] = []
    best = 0.0
    while half.n and len(chosen) < len(named):
        tries = {
            name: half.gain(_normalise.in_turn([named[n] for n in named if n in (*chosen, name)]))
            for name in named
            if name not in chosen
        }
        name = max(tries, key=lambda one: tries[one])
        if tries[name] - best < _LEAST:
            break
        best = tries[name]
        chosen.append(name)
    return [name for name in named if name in chosen]


def _remembering(change: Callable[[str], str], name: str, function: str) -> Callable[[str], str]:
    """The same normalisation, made once a text."""
    done: dict[str, str] = {}

    def changed(text: str) -> str:
        if text not in done:
            done[text] = _text.applied(change, [text], name, function)[0]
        return done[text]

    return changed


def _named(
    choices: Mapping[str, _normalise.Normalise] | Sequence[str] | None, function: str
) -> dict[str, Callable[[str], str]]:
    if choices is None:
        return dict(_normalise.NORMALISATIONS)
    if isinstance(choices, Mapping):
        found = {n: _normalise.resolve(c, function=function)[1] for n, c in choices.items()}
    else:
        names = [choices] if isinstance(choices, str) else choices
        found = dict(_normalise.resolve(name, function=function) for name in names)
    if not found:
        raise ValueError(f"{function}() was given no normalisation to choose from.")
    return found


def _cost(before: Iterable[str], after: Iterable[str]) -> float:
    """Share of the distinct words that can no longer be told apart."""
    many, left = ({word for text in texts for word in text.split()} for texts in (before, after))
    return max(0.0, 1 - len(left) / len(many)) if many else 0.0


def _variants(item: np.ndarray, text: list[str]) -> pd.DataFrame:
    words = [_words(one) for one in text]
    uses = Counter(form for one in words for form in _forms(one))
    same: Counter[str] = Counter()
    meet: Counter[tuple[str, str]] = Counter()
    where: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    pairs = _text.Pairs.of(item, int(item.max(initial=-1)) + 1)
    for i, j, at in zip(pairs.first, pairs.second, pairs.item, strict=True):
        for left, right in _aligned(words[i], words[j]):
            if left == right:
                same.update(_forms(left))
                continue
            for both in _exchanged(left, right):
                meet[both] += 1
                where[both].add(int(at))
    kept = [both for both in sorted(meet) if _one_word(both, meet, same, len(where[both]))]
    return _groups(kept, meet, where, uses)


def _words(text: str) -> list[str]:
    stripped = (_EDGES.sub("", word) for word in text.lower().split())
    return [word for word in stripped if word]


def _forms(words: list[str]) -> Iterator[str]:
    """Each word, and each two in a row: "air tight" is a form too."""
    yield from words
    yield from map(" ".join, pairwise(words))


def _aligned(first: list[str], second: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Stretches that are equal, and those between them that are not."""
    from rapidfuzz.distance import Levenshtein

    if first == second:
        yield first, second
        return
    left: list[str] = []
    right: list[str] = []
    for step in Levenshtein.opcodes(first, second):
        a, b = first[step.src_start : step.src_end], second[step.dest_start : step.dest_end]
        if step.tag != "equal":
            left, right = left + a, right + b
            continue
        if left or right:
            yield left, right
        left, right = [], []
        yield a, b
    if left or right:
        yield left, right


def _exchanged(left: list[str], right: list[str]) -> Iterator[tuple[str, str]]:
    """Which form stands for which in a stretch where two texts differ."""
    if {len(left), len(right)} == {1, 2} and "".join(left) == "".join(right):
        pairs = [(" ".join(left), " ".join(right))]
    elif len(left) == len(right):
        pairs = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
    else:
        return
    for a, b in pairs:
        yield (a, b) if a < b else (b, a)


def _one_word(
    both: tuple[str, str], meet: Counter[tuple[str, str]], same: Counter[str], items: int
) -> bool:
    """Whether two forms stand for each other, rather than one being misheard at times."""
    from rapidfuzz.distance import Levenshtein

    if items < _FEWEST or meet[both] < (same[both[0]] * same[both[1]]) ** 0.5:
        return False
    return items >= _FEWEST_UNLIKE or Levenshtein.normalized_distance(*both) <= _ALIKE


def _groups(
    kept: list[tuple[str, str]],
    meet: Counter[tuple[str, str]],
    where: Mapping[tuple[str, str], set[int]],
    uses: Counter[str],
) -> pd.DataFrame:
    """Each form joins the more used one it is exchanged with most, if that has joined no other.

    A chain would make one word of "until", "till" and "still".
    """
    rank = {form: (-uses[form], form) for both in kept for form in both}
    partners: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for both in kept:
        partners[max(both, key=lambda form: rank[form])].append(both)
    group: dict[str, list[tuple[str, str]]] = {}
    joined: set[str] = set()
    for form in sorted(rank, key=lambda form: rank[form]):
        found = [both for both in partners[form] if not joined & ({*both} - {form})]
        if found:
            both = max(found, key=lambda both: meet[both])
            joined.add(form)
            group.setdefault(both[0] if both[1] == form else both[1], []).append(both)
    rows = []
    for form, found in group.items():
        others = [both[0] if both[1] == form else both[1] for both in found]
        items = set().union(*(where[both] for both in found))
        rows.append((form, others, sum(meet[both] for both in found), len(items)))
    rows.sort(key=lambda row: (-row[2], row[0]))
    return pd.DataFrame(rows, columns=["form", "variants", "n", "items"]).astype(
        {"n": int, "items": int}
    )
