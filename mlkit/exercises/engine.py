"""``check``, ``hint``, ``reveal``, ``progress``: the four words a notebook uses."""

import difflib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from typing import Any

from mlkit import _show
from mlkit.exercises import record
from mlkit.exercises.kinds import Kind, left_open, shown, where_to_put

NOT_ANSWERED, NOT_QUITE, CORRECT = "not answered yet", "not quite", "correct"
# A shape and words beside the colour.
_LOOKS = {
    NOT_ANSWERED: ("○", _show.EDGES["open"]),
    NOT_QUITE: ("△", _show.EDGES["wrong"]),
    CORRECT: ("✔", _show.EDGES["right"]),
}
# The first two digits of an id are those of its notebook.
NOTEBOOKS = {
    "00": "start_here",
    "01": "scoping",
    "02": "define_data",
    "03": "human_baseline",
    "04": "organize_data",
    "05": "train_model",
    "06": "error_analysis",
    "07": "audit_performance",
    "08": "augment_data",
    "09": "deploy_model",
    "10": "monitor_model",
    "11": "your_own_data",
    "12": "class_agreement",
}


# What each exercise was last asked about, so that `reveal` needs the name alone.
_handed: dict[str, dict[str, Any]] = {}


class ExerciseError(ValueError):
    """There is no such exercise, or the cell does not hand over what it needs."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: how to judge an answer, the right one, and wrong ones with their hints.

    ``right`` is a function of what the notebook hands over (its argument names say what), so an
    answer may depend on data; the wrong ones are functions of the same.
    """

    id: str
    kind: Kind
    hint: str
    why: str  # said once the answer is right, and by reveal
    right: Callable[..., Any]
    wrong: Sequence[tuple[Callable[..., Any], str]]

    @property
    def given(self) -> list[str]:
        """Names of what the notebook hands over."""
        return list(inspect.signature(self.right).parameters)


@dataclass(frozen=True)
class Outcome:
    """What ``check`` says; it displays itself."""

    exercise: str
    state: str
    message: str
    more: str = ""  # where to find help

    @property
    def correct(self) -> bool:
        """Whether the answer was right."""
        return self.state == CORRECT

    def __repr__(self) -> str:
        """Shape, exercise, state, message."""
        said = f"{_LOOKS[self.state][0]} {self.exercise}: {self.state}."
        return " ".join(part for part in (said, self.message, self.more) if part)

    def _repr_html_(self) -> str:
        shape, colour = _LOOKS[self.state]
        head = f"{shape} {escape(self.exercise)}: {self.state}."
        return _box(colour, head, self.message, self.more)


@dataclass(frozen=True)
class Revealed:
    """The right answer and why; ``answer`` can be passed on to ``check``."""

    exercise: str
    answer: Any
    why: str

    def __repr__(self) -> str:
        """Answer and reason."""
        return f"{self.exercise}: {_answer_text(self.answer)}\n{self.why}"

    def _repr_html_(self) -> str:
        head = f"{escape(self.exercise)}: <code>{escape(_answer_text(self.answer))}</code>"
        return _box(_show.EDGES["told"], head, self.why)


def check(exercise: str, answer: Any, /, **given: Any) -> Outcome:
    """Is this answer right? An answer left at ``...`` is *not answered yet*, never an error.

    ``given`` is what an exercise about your own data needs, for example ``report=report``; the
    notebook's cell has it. Each try is counted in ``work/progress.json``, until it is right.

    Raises ``ExerciseError`` for an id that does not exist (naming near ones), or where what
    the exercise needs was not given.

    >>> check("06.gain", ...)
    ○ 06.gain: not answered yet. Put your answer where the three dots are.
    """
    one = _find(exercise)
    if set(given) == set(one.given):
        _handed[exercise] = given
    if one.kind.unanswered(answer):
        return Outcome(exercise, NOT_ANSWERED, where_to_put(one.kind, answer))
    _all_given(one, given, "my_answer")
    message = _judge(one, answer, given)
    state = CORRECT if message is None else NOT_QUITE
    note = record.remember(exercise, state)
    said = f"{one.why if message is None else message} {note}".strip()
    return Outcome(exercise, state, said, "" if message is None else _help(one, message))


def hint(exercise: str, /) -> None:
    """Show where to look, without the answer.

    >>> hint("06.gain")
    06.gain: What would be won on this slice alone, and how large a part of the data is it?
    """
    one = _find(exercise)
    # A hint is said, not a value to work with.
    print(f"{exercise}: {one.hint}")


def reveal(exercise: str, /, **given: Any) -> Revealed:
    """The right answer, and why; of your own data, from what ``check`` was last given.

    >>> reveal("06.gain").answer
    0.006
    """
    one = _find(exercise)
    given = given or _handed.get(exercise, {})
    _all_given(one, given, "")
    return Revealed(exercise, one.right(**given), one.why)


def exercises(notebook: str | None = None) -> list[Exercise]:
    """All exercises, or those of the notebook with these two digits.

    >>> exercises("06")[0].id
    '06.loop'
    """
    if notebook is not None and notebook not in NOTEBOOKS:
        raise ExerciseError(
            f"there are no exercises for a notebook {notebook!r}; there are for: "
            f"{', '.join(NOTEBOOKS)}."
        )
    wanted = NOTEBOOKS if notebook is None else [notebook]
    modules = [import_module(f"mlkit.exercises.{NOTEBOOKS[digits]}") for digits in wanted]
    return [one for module in modules for one in module.EXERCISES]


def progress() -> record.Progress:
    """How many exercises are solved, and where each stands, from ``work/progress.json``.

    >>> progress().n == len(exercises())
    True
    """
    known = [(one.id, f"{one.id[:2]}_{NOTEBOOKS[one.id[:2]]}") for one in exercises()]
    return record.progress(known)


def _find(name: str) -> Exercise:
    known = {one.id: one for one in exercises()}
    if isinstance(name, str) and name in known:
        return known[name]
    text = name.strip().lower() if isinstance(name, str) else str(name)
    near = difflib.get_close_matches(text, known, n=3, cutoff=0.5)
    same_notebook = [one for one in known if one.startswith(text[:2])]
    offer = near or same_notebook or list(known)
    raise ExerciseError(
        f"there is no exercise {name!r}. "
        + ("Did you mean " if near else "There are ")
        + ", ".join(offer)
        + ("?" if near else ".")
    )


def _all_given(one: Exercise, given: dict[str, Any], answer: str) -> None:
    missing = [name for name in one.given if name not in given or left_open(given[name])]
    too_many = [name for name in given if name not in one.given]
    if missing or too_many:
        first = [f'"{one.id}"', answer] if answer else [f'"{one.id}"']
        call = ", ".join([*first, *(f"{name}={name}" for name in one.given)])
        function = "check" if answer else "reveal"
        what = f"needs {', '.join(missing)}" if missing else f"knows no {', '.join(too_many)}"
        raise ExerciseError(f"{one.id} {what}: {function}({call}).")


def _judge(one: Exercise, answer: Any, given: dict[str, Any]) -> str | None:
    """None for a right answer, else the hint for this mistake."""
    right = one.right(**given)
    wrong = [(give(**given), words) for give, words in one.wrong]
    message = one.kind.judge(answer, right, wrong)
    return message if message is None else message or one.hint


def _help(one: Exercise, message: str) -> str:
    """Where to look next; who has read the hint already can have the answer."""
    if one.hint not in message:
        return f'hint("{one.id}") says where to look.'
    return f'reveal("{one.id}") shows the answer.'


def _answer_text(answer: Any) -> str:
    if callable(answer):
        return inspect.getsource(answer).strip()
    if isinstance(answer, float):  # numpy's too
        return f"{answer:.4g}"
    if isinstance(answer, tuple):
        return f"({', '.join(map(_answer_text, answer))})"
    return shown(answer).rsplit(" (", 1)[0]


def _box(colour: str, head: str, text: str, more: str = "") -> str:
    small = f'<div style="opacity: 0.7; font-size: 0.9em">{escape(more)}</div>' if more else ""
    return (
        f'<div style="border-left: 5px solid {colour}; padding: 0.3em 0.8em; margin: 0.3em 0">'
        f'<strong>{head}</strong><div style="max-width: 46em">{escape(text)}</div>{small}</div>'
    )
