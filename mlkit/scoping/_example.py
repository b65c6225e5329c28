"""The example project: made up, and called an example wherever it shows."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from mlkit import _files
from mlkit.scoping import _cells
from mlkit.scoping._card import Card, card
from mlkit.scoping._chain import chain
from mlkit.scoping._ethics import ethics
from mlkit.scoping._needs import needs
from mlkit.scoping._rank import rank
from mlkit.scoping._targets import targets
from mlkit.scoping._total import total

TABLES = (
    *("project", "ideas", "scores", "links", "needs"),
    *("targets", "milestones", "budget", "ethics"),
)
_WORDS = ("name", "problem", "solution")


def example_tables() -> dict[str, pd.DataFrame]:
    """The tables of the example project, to look at and to write one's own over.

    A parcel depot that is made up, with made-up figures (those with an author and a year apart):
    ``project`` (``field, text``), ``ideas`` (``idea, problem, solution``), and those that ``rank``
    (``scores``), ``chain`` (``links``), ``needs``, ``targets``, ``total`` (``milestones``,
    ``budget``) and ``ethics`` take.

    >>> list(example_tables()["ideas"].columns)
    ['idea', 'problem', 'solution']
    """
    folder = _files.bundled("example_project")
    return {name: pd.read_csv(folder / f"{name}.csv") for name in TABLES}


def card_from(tables: Mapping[str, pd.DataFrame], *, example: bool = False) -> Card:
    """What do the tables that are filled in come to, on one page?

    Parameters
    ----------
    tables : named and made as those of ``example_tables``. ``project`` and ``targets`` are needed;
        of the others, what is missing or has no row stands on the card as open.
    example : the project is made up, and the card says so.

    Raises ``ValueError`` for a name that no table has, and where ``rank, chain, needs, targets,
    total, ethics`` or ``card`` would: one error that lists what is wrong, table by table.

    Examples
    --------
    >>> only = {name: example_tables()[name] for name in ("project", "targets")}
    >>> card_from(only, example=True).open[0]
    'no other idea was weighed against this one'
    """
    unknown = [name for name in tables if name not in TABLES]
    if unknown:
        raise ValueError(
            f"{_FUNCTION}() knows no table {unknown[0]!r}; the tables are {', '.join(TABLES)}."
        )
    filled = {name: _cells.filled(t.reset_index(drop=True)) for name, t in tables.items()}
    filled = {name: table for name, table in filled.items() if len(table)}
    gaps = {name: _gaps(name, table) for name, table in filled.items()}
    wrong = [gap for found in gaps.values() for gap in found]
    made: dict[str, Any] = {}
    for part, (name, make) in _PARTS.items():
        if name in filled and not gaps[name]:
            try:
                made[part] = make(filled[name])
            except ValueError as error:
                wrong.append(f"{name}: {error}")
    absent = [name for name in ("project", "targets") if name not in filled]
    wrong += [f"{name}: nothing is written in it yet" for name in absent]
    if wrong:
        lines = "".join(f"\n- {line}" for line in wrong)
        raise ValueError(f"{_FUNCTION}() cannot make the card yet:{lines}")
    del made["targets"]  # that was to see whether they can be read
    return card(
        filled["targets"], **made.pop("project"), **{"ethics": None} | made, example=example
    )


def _gaps(name: str, table: pd.DataFrame) -> list[str]:
    """The rows that are half filled, each with what it lacks."""
    gaps = []
    for place, row in table.iterrows():
        lacks = [c for c in _NEEDED[name] if c in row and str(row[c]).strip() in _EMPTY]
        if lacks:
            gaps.append(f"{name}: row {int(str(place)) + 1} lacks {', '.join(lacks)}")
    return gaps


def _words(project: pd.DataFrame) -> dict[str, str]:
    """Name, problem and solution, each in a few words."""
    about = dict.fromkeys(_WORDS, "")
    found = _cells.table(project, ["field", "text"], function=_FUNCTION, about=", ".join(_WORDS))
    said = zip(
        _cells.text(found, "field", function=_FUNCTION),
        _cells.text(found, "text", function=_FUNCTION, empty=True),
        strict=True,
    )
    for what, text in said:
        if what not in about:
            raise ValueError(f"{_FUNCTION}(): a project has {', '.join(_WORDS)}, no {what!r}.")
        about[what] = text
    empty = [what for what, text in about.items() if not text]
    if empty:
        raise ValueError(f"write a few words for {', '.join(empty)}.")
    return about


_FUNCTION = "scoping.card_from"
_PARTS: dict[str, tuple[str, Callable[[pd.DataFrame], Any]]] = {
    "ideas": ("scores", rank),
    "chain": ("links", chain),
    "needs": ("needs", needs),
    "milestones": ("milestones", total),
    "budget": ("budget", total),
    "ethics": ("ethics", ethics),
    "targets": ("targets", targets),
    "project": ("project", _words),
}
_RANGE = ["low", "likely", "high"]
_NEEDED = {
    "project": ["field"],
    "ideas": [],
    "scores": ["idea", "annotator"],
    "links": ["metric", "level", "unit", *_RANGE],
    "needs": ["need", "input", "label", "slice", "share", "accuracy", "margin"],
    "targets": ["metric", "target", "unit", "at_least"],
    "milestones": ["part", *_RANGE, "unit"],
    "budget": ["part", *_RANGE, "unit"],
    "ethics": ["prompt"],
}
_EMPTY = {"", "nan", "None", "<NA>", "NaT"}


def example_card() -> Card:
    """The card of the example project, for whoever has none of their own yet.

    >>> example_card()
    Project card: Bay numbers by voice, an example project (made up). 4 targets; 2 of 6 questions about right and wrong are open.
    """  # noqa: E501  the sentence is one line
    return card_from(example_tables(), example=True)
