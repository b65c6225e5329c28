"""The example project: made up, and called an example wherever it shows."""

from typing import Any

import pandas as pd

from mlkit import _files
from mlkit.scoping._card import Card, card
from mlkit.scoping._chain import chain
from mlkit.scoping._needs import needs
from mlkit.scoping._rank import rank
from mlkit.scoping._total import total

TABLES = ("ideas", "scores", "links", "needs", "targets", "milestones", "budget", "ethics")


def example_tables() -> dict[str, pd.DataFrame]:
    """The tables of the example project, to look at and to write one's own over.

    A parcel depot that is made up, with made-up figures (those with an author and a year apart):
    ``ideas, scores, links, needs, targets, milestones, budget, ethics``, as ``rank`` (scores),
    ``chain`` (links), ``needs``, ``targets``, ``total`` (milestones, budget), ``ethics`` take them.

    >>> list(example_tables()["ideas"].columns)
    ['idea', 'problem', 'solution']
    """
    folder = _files.bundled("example_project")
    return {name: pd.read_csv(folder / f"{name}.csv") for name in TABLES}


def example_card() -> Card:
    """The card of the example project, for whoever has none of their own yet.

    >>> example_card()
    Project card: Bay numbers by voice, an example project (made up). 4 targets; 2 of 6 questions about right and wrong are open.
    """  # noqa: E501  the sentence is one line
    tables = example_tables()
    words = pd.read_csv(_files.bundled("example_project") / "project.csv")
    said: dict[str, Any] = {str(what): str(text) for what, text in words.to_numpy()}
    return card(
        tables["targets"],
        **said,
        ideas=rank(tables["scores"]),
        chain=chain(tables["links"]),
        needs=needs(tables["needs"]),
        milestones=total(tables["milestones"]),
        budget=total(tables["budget"]),
        ethics=tables["ethics"],
        example=True,
    )
