"""What an answer may look like, and what to say about one that is not right.

Each kind has ``unanswered(answer)`` and ``judge(answer, right, wrong)``. The latter gives None
for a right answer and otherwise the hint for this mistake; an empty hint leaves it to the
exercise's own. ``wrong`` lists whole answers that people give, each with its hint.
"""

import io
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from numbers import Real
from typing import Any

Wrong = Sequence[tuple[Any, str]]

# None: right. Text: the hint.
Judgement = str | None


def left_open(answer: Any) -> bool:
    """Whether the answer, or a part of it, still is ``...``."""
    if isinstance(answer, list | tuple | set | frozenset):
        return not answer or any(left_open(part) for part in answer)
    if isinstance(answer, dict):
        return not answer or any(left_open(part) for part in answer.values())
    return answer is Ellipsis or answer is None or (isinstance(answer, str) and not answer.strip())


def number_of(answer: Any) -> float | None:
    """The answer as a float; None where it is no single number."""
    if isinstance(answer, bool):
        return None
    if isinstance(answer, Real):
        return float(answer)
    item = getattr(answer, "item", None)  # numpy's and pandas' single values
    if item is None or getattr(answer, "size", 1) != 1:
        return None
    value = item()
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else None


def letters_of(answer: Any) -> list[str] | None:
    """The answer as upper-case letters: "C, A", "ca" and ["C", "A"] are the same."""
    if isinstance(answer, str):
        text = answer
    elif isinstance(answer, Iterable):
        parts = list(answer)
        if not all(isinstance(part, str) and len(part.strip()) == 1 for part in parts):
            return None
        text = "".join(parts)
    else:
        return None
    return [letter.upper() for letter in re.sub(r"[\s,;.>→-]", "", text)]


@dataclass(frozen=True)
class Number:
    """A number within a tolerance. A share given in percent is told apart, and a wrong sign."""

    tolerance: float = 0.0005
    share: bool = True

    def unanswered(self, answer: Any) -> bool:
        """Still ``...``."""
        return left_open(answer)

    def judge(self, answer: Any, right: float, wrong: Wrong) -> Judgement:
        """The wrong numbers of the exercise first, then those anyone gives."""
        value = number_of(answer)
        if isinstance(answer, str) and re.fullmatch(r"\s*[-+]?[\d.,]+\s*%?\s*", answer):
            return "This is text, for the quotation marks around it: give the number without them."
        if value is None or math.isnan(value):
            return f"A single number is asked for, and this is {shown(answer)}."
        if self.same(value, right):
            return None
        for other, words in wrong:
            if number_of(other) is not None and self.same(value, float(other)):
                return words
        if self.share and self.same(value / 100, right):
            return "That is in percent. The kit counts in shares: 0.25, not 25."
        if self.share and self.same(value * 100, right):
            return "That was divided by 100 once too often: it is a share already."
        if right and self.same(-value, right):
            return "The size is right, the sign is not: which is taken from which?"
        if any(round(right, digits) == value != 0 for digits in (1, 2, 3)):
            return "Nearly, but this looks rounded. Let the code give one digit more."
        return ""

    def same(self, value: float, other: float) -> bool:
        """Equal for the purpose; a hair is allowed for rounding at the border."""
        return abs(value - other) <= self.tolerance * (1 + 1e-9)


@dataclass(frozen=True)
class Order:
    """Letters in an order: ``"CADB"``. With ``repeats``, one letter may stand in two places."""

    options: str
    repeats: bool = False

    def unanswered(self, answer: Any) -> bool:
        """Still ``...``."""
        return left_open(answer)

    def judge(self, answer: Any, right: str, wrong: Wrong) -> Judgement:
        """Says how far the order holds, never how it goes on."""
        letters = letters_of(answer)
        form = f"{len(right)} letters, for example "
        if letters is None:
            return f"{form}{example(self.options, len(right))!r}: this is {shown(answer)}."
        unknown = [letter for letter in letters if letter not in self.options]
        if unknown:
            return f"There is no {unknown[0]} here: the letters are {', '.join(self.options)}."
        if not self.repeats and len(set(letters)) < len(letters):
            twice = next(letter for letter in letters if letters.count(letter) > 1)
            return f"{twice} stands in it more than once, and each comes once."
        if len(letters) != len(right):
            return f"{form}{example(self.options, len(right))!r}: these are {len(letters)}."
        if letters == list(right):
            return None
        hits = [words for other, words in wrong if letters == letters_of(other)]
        return hits[0] if hits else self._how_far(letters, right)

    def _how_far(self, letters: list[str], right: str) -> str:
        fits = [a == b for a, b in zip(letters, right, strict=True)]
        first = fits.index(False)
        if first == 0 or self.repeats:
            return f"{sum(fits)} of {len(right)} are right; look again at number {first + 1}."
        return f"Up to {letters[first - 1]} it is right; think again about what comes after it."


@dataclass(frozen=True)
class Subset:
    """Some of the options, in any order: ``"ACE"``. Each one too many has a hint of its own."""

    options: str
    too_many: str = "{letter} does not belong."
    too_few: str = "So far all of these belong, and something is still missing."

    def unanswered(self, answer: Any) -> bool:
        """Still ``...``."""
        return left_open(answer)

    def judge(self, answer: Any, right: str, wrong: Wrong) -> Judgement:
        """A letter too many is told before one too few."""
        letters = letters_of(answer)
        if letters is None:
            return f"Letters, for example {self.options[:2]!r}: this is {shown(answer)}."
        chosen = set(letters)
        unknown = sorted(chosen - set(self.options))
        if unknown:
            return f"There is no {unknown[0]} here: the letters are {', '.join(self.options)}."
        if chosen == set(right):
            return None
        for other, words in wrong:
            if chosen == set(letters_of(other) or []):
                return words
        extra = sorted(chosen - set(right))
        return self.too_many.format(letter=extra[0]) if extra else self.too_few


@dataclass(frozen=True)
class Decision:
    """One option and the figure that decides it: ``("B", 0.18)``."""

    options: str
    figure: Number
    figure_is: str = "the figure"

    def unanswered(self, answer: Any) -> bool:
        """Still ``...``, or half of it."""
        return left_open(answer)

    def judge(self, answer: Any, right: tuple[str, float], wrong: Wrong) -> Judgement:
        """The option first, then its figure."""
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            return (
                f'A letter and a number are asked for, like ("{self.options[0]}", 0.5): '
                f"this is {shown(answer)}."
            )
        letter, figure = answer
        letters = letters_of(letter)
        if letters is None or len(letters) != 1 or letters[0] not in self.options:
            return f"The letter is one of {', '.join(self.options)}: this is {shown(letter)}."
        if letters[0] != right[0]:
            hits = [words for (other, _), words in wrong if other == letters[0]]
            compare = f"For each option, look at {self.figure_is}: that decides."
            return hits[0] if hits else f"It is not {letters[0]}. {compare}"
        numbers = [(number, words) for (other, number), words in wrong if other == right[0]]
        said = self.figure.judge(figure, right[1], numbers)
        if said is None:
            return None
        return f"The choice is right. Now {self.figure_is}{f': {said}' if said else '.'}"


@dataclass(frozen=True)
class Function:
    """A function that passes properties: each is tried, the first that fails gives the hint."""

    tries: Sequence[tuple[tuple[float, ...], str]]  # arguments, and the hint where it differs
    tolerance: float = 1e-9

    def unanswered(self, answer: Any) -> bool:
        """Still ``...``, or a function that gives ``...``."""
        if not callable(answer):
            return left_open(answer)
        try:
            return left_open(answer(*self.tries[0][0]))
        except Exception:  # noqa: BLE001  someone else's code may raise anything; judge tells it
            return False

    def judge(self, answer: Any, right: Callable[..., float], wrong: Wrong) -> Judgement:
        """Whatever the function raises is told, never raised again."""
        if not callable(answer):
            return f"A function is asked for, and this is {shown(answer)}."
        values = []
        for arguments, _ in self.tries:
            call = _called(arguments)
            try:
                value = answer(*arguments)
            except Exception as error:  # noqa: BLE001  someone else's code may raise anything
                return f"{call} raised {type(error).__name__}: {error}."
            number = number_of(value)
            if number is None:
                return f"{call} gave {shown(value)}, and a number is asked for."
            values.append(number)
        for other, words in wrong:
            if self._first_difference(values, other) is None:
                return words
        first = self._first_difference(values, right)
        if first is None:
            return None
        arguments, words = self.tries[first]
        return (
            f"Called with ({', '.join(map(repr, arguments))}) it gave {values[first]:.4g}. {words}"
        )

    def _first_difference(self, values: list[float], other: Callable[..., float]) -> int | None:
        for place, (value, (arguments, _)) in enumerate(zip(values, self.tries, strict=True)):
            if not abs(value - other(*arguments)) <= self.tolerance:
                return place
        return None


class Tried(dict[str, Any]):
    """Settings by name, with the function that tries such settings out."""

    def __init__(self, settings: Mapping[str, Any], tried: Callable[[dict[str, Any]], Any]) -> None:
        """Keep both: what is right is what comes out well."""
        super().__init__(settings)
        self.tried = tried


@dataclass(frozen=True)
class Settings:
    """Settings by name that are tried out, any that reach what is asked: ``{"canary": 0.2}``.

    ``right`` is a ``Tried``. Each property is asked of what its function gives, in turn; the words
    of the first that fails are the hint.
    """

    names: Sequence[str]
    properties: Sequence[tuple[Callable[[Any], bool], str]]

    def unanswered(self, answer: Any) -> bool:
        """Still ``...``, or one of them is."""
        return left_open(answer)

    def judge(self, answer: Any, right: Tried, wrong: Wrong) -> Judgement:  # noqa: ARG002 - of all kinds; here the properties tell the wrong ones apart
        """A name or a value that cannot be is told before anything is tried."""
        known = ", ".join(self.names)
        if not isinstance(answer, Mapping):
            return f'Settings by name are asked for, like {{"{self.names[0]}": ...}}: {known}.'
        other = [str(name) for name in answer if name not in self.names]
        if other:
            return f"{other[0]} is not yours to set here; there are {known}."
        try:
            found = right.tried(dict(answer))
        except (ValueError, TypeError) as error:
            return str(error)
        return next((words for holds, words in self.properties if not holds(found)), None)


Kind = Number | Order | Subset | Decision | Function | Settings


def where_to_put(kind: Kind, answer: Any) -> str:
    """What to do about an answer that ``kind.unanswered`` found open."""
    if isinstance(kind, Function) and callable(answer):
        with redirect_stdout(io.StringIO()):  # it has printed once already
            value = answer(*kind.tries[0][0])
        if value is None:
            return "Your function returned nothing: end it with return."
    return "Put your answer where the three dots are."


def shown(answer: Any, most: int = 60) -> str:
    """A value as it may stand in a sentence: short, and never an exception."""
    try:
        text = " ".join(repr(answer).split())
    except Exception:  # noqa: BLE001  a broken repr of someone else's object
        text = "something that cannot be shown"
    name = type(answer).__name__
    return f"{text if len(text) <= most else text[:most] + '…'} ({name})"


def example(options: str, length: int) -> str:
    """Letters of the right form; which ones says nothing."""
    return (options[::-1] * length)[:length]


def _called(arguments: tuple[float, ...]) -> str:
    return f"Called with ({', '.join(map(repr, arguments))}) it"
