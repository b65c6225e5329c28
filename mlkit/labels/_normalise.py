"""Ways of writing that say the same: each by name, and joined in one fixed order."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping

import pandas as pd

Normalise = str | Iterable[str] | Callable[[str], str] | pd.DataFrame

_APOSTROPHES = re.compile("['\u2018\u2019\u02bc`\u00b4]")
_FILLERS = re.compile(
    r"(?<![\w'])(?:u+h*m+|u+h+|e+r+m*|e+h*m+|h+m+|m+h+m+|mm+)(?![\w'])[,.…]*", re.IGNORECASE
)
# All that is no letter, digit, blank or apostrophe, and apostrophes that stand at a word's edge.
_PUNCTUATION = re.compile(r"[^\w\s'\u2019]|_|(?<!\w)['\u2019]|['\u2019](?!\w)")
_WORDS = re.compile(r"([\w'\u2019]+)")
_SMALL = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen",
)
_TENS = re.findall(r"\w+", "twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_VALUES = (
    {word: n for n, word in enumerate(_SMALL)}
    | {word: 10 * n for n, word in enumerate(_TENS, start=2)}
    | _SCALES
)
_NUMBER = "(?:" + "|".join(sorted(_VALUES, key=len, reverse=True)) + ")"
_NUMBERS = re.compile(
    rf"\b{_NUMBER}(?:(?:\s+|-)(?:and\s+)?{_NUMBER})*\b|(?<=\d),(?=\d{{3}}(?!\d))", re.IGNORECASE
)


def _accents(text: str) -> str:
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


def _blanks(text: str) -> str:
    return " ".join(text.split())


def _apostrophes(text: str) -> str:
    return _APOSTROPHES.sub("", text)


def _fillers(text: str) -> str:
    return _blanks(_FILLERS.sub(" ", text)) if _FILLERS.search(text) else text


def _numbers(text: str) -> str:
    return _NUMBERS.sub(lambda found: _digits(found.group()), text)


def _punctuation(text: str) -> str:
    return _blanks(_PUNCTUATION.sub(" ", text))


# In the order they are applied: words are looked for before their marks and capitals are gone.
NORMALISATIONS: dict[str, Callable[[str], str]] = {
    "accents": _accents,
    "numbers": _numbers,
    "fillers": _fillers,
    "apostrophes": _apostrophes,
    "punctuation": _punctuation,
    "lower case": str.lower,
    "blanks": _blanks,
}


def _digits(words: str) -> str:
    """Number words as digits; "one two three" stays three numbers, "two hundred and five" is one.

    >>> _digits("one two three"), _digits("two hundred and five"), _digits("Forty-two")
    ('1 2 3', '205', '42')
    """
    if words == ",":  # between the thousands of 1,000
        return ""
    found: list[int] = []
    done, group, room = 0, -1, 0  # room: what may still be added to this group, below that
    for word in re.findall(_NUMBER, words, flags=re.IGNORECASE):
        value = _VALUES[word.lower()]
        if word.lower() in _SCALES:
            group = (max(group, 0) or 1) * value
            if value >= 1000:
                done, group = done + group, 0
            room = value
        elif 0 < value < room:
            group += value
            room = 10 if value >= 20 else 0
        else:
            if group >= 0:
                found.append(done + group)
            done, group, room = 0, value, 10 if value >= 20 else 0
    return " ".join(map(str, [*found, done + group]))


def resolve(
    normalise: Normalise, *, function: str, choices: Mapping[str, Normalise] | None = None
) -> tuple[str, Callable[[str], str]]:
    """A name for a normalisation, and the function from text to text that it is."""
    known = {**NORMALISATIONS, **(choices or {})}
    if isinstance(normalise, pd.DataFrame):
        return "variants", one_form(normalise, function=function)
    if callable(normalise):
        return getattr(normalise, "__name__", "own"), normalise
    names = normalise.split(" + ") if isinstance(normalise, str) else list(normalise)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(
            f"{function}() knows no normalisation {', '.join(map(repr, unknown)) or 'without name'}"
            f"; it knows {', '.join(known)}. Any function from text to text fits too."
        )
    names = [name for name in known if name in names]
    # A choice of the caller's that has a kit's name goes first; names inside it are the kit's.
    steps = [
        NORMALISATIONS[name]
        if known[name] is NORMALISATIONS.get(name)
        else resolve(known[name], function=function)[1]
        for name in names
    ]
    return " + ".join(names), in_turn(steps)


def one_form(variants: pd.DataFrame, *, function: str) -> Callable[[str], str]:
    """Write every variant of a table from ``labels.variants`` in its one form."""
    missing = {"form", "variants"} - set(variants.columns)
    if missing:
        raise ValueError(
            f"{function}() takes a table from labels.variants() as a normalisation, with the "
            f"columns form and variants; missing: {', '.join(sorted(missing))}."
        )
    forms = {
        variant: form
        for form, others in zip(variants["form"], variants["variants"], strict=True)
        for variant in others
    }
    return lambda text: _replaced(text, forms)


def _replaced(text: str, forms: Mapping[str, str]) -> str:
    """Words, and two words with a blank between, that are a variant, in its form."""
    parts = _WORDS.split(text)  # marks and blanks at even places, words at odd ones
    at = 1
    while at < len(parts):
        pair = "".join(parts[at : at + 3]).lower()
        if pair in forms:
            parts[at : at + 3] = [forms[pair]]
        elif parts[at].lower() in forms:
            parts[at] = forms[parts[at].lower()]
        at += 2
    return "".join(parts)


def in_turn(steps: list[Callable[[str], str]]) -> Callable[[str], str]:
    def apply(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    return apply
