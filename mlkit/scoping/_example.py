"""The example project: made up, and called an example wherever it shows."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from mlkit import _files
from mlkit.scoping import _cells, _targets
from mlkit.scoping._card import Card, card
from mlkit.scoping._chain import chain
from mlkit.scoping._needs import needs
from mlkit.scoping._rank import rank
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
    total, ethics`` or ``card`` do.

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
    filled = {name: _cells.filled(table) for name, table in tables.items()}
    filled = {name: table for name, table in filled.items() if len(table)}
    made = {part: make(filled[name]) for part, (name, make) in _PARTS.items() if name in filled}
    given = filled.get("targets", pd.DataFrame(columns=_targets.COLUMNS))
    return card(
        given, **_words(filled.get("project")), **made, ethics=filled.get("ethics"), example=example
    )


_FUNCTION = "scoping.card_from"
_PARTS: dict[str, tuple[str, Callable[[pd.DataFrame], Any]]] = {
    "ideas": ("scores", rank),
    "chain": ("links", chain),
    "needs": ("needs", needs),
    "milestones": ("milestones", total),
    "budget": ("budget", total),
}


def _words(project: pd.DataFrame | None) -> dict[str, Any]:
    """Name, problem and solution; what is missing is empty, which ``card`` tells."""
    about = dict.fromkeys(_WORDS, "")
    if project is None:
        return about
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
    return about


def example_card() -> Card:
    """The card of the example project, for whoever has none of their own yet.

    >>> example_card()
    Project card: Bay numbers by voice, an example project (made up). 4 targets; 2 of 6 questions about right and wrong are open.
    """  # noqa: E501  the sentence is one line
    return card_from(example_tables(), example=True)
