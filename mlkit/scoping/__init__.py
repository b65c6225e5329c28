"""From a problem that people have to a project one can start: worth, targets, data, cost, card.

``rank`` ideas, follow a better model to what it is worth (``chain``), say which data it takes
(``needs``) and what is good enough (``targets``), add up what nobody knows exactly (``total``),
answer what is right or leave it open (``ethics``). ``card`` puts all of it on one page;
``write_card`` and ``read_card`` hand it on: later notebooks hold latency and accuracy against it.
"""

from mlkit.scoping._card import Card, card
from mlkit.scoping._chain import Chain, chain
from mlkit.scoping._curve import Extrapolation, extrapolate
from mlkit.scoping._ethics import PROMPTS, ethics
from mlkit.scoping._example import card_from, example_card, example_tables
from mlkit.scoping._file import read_card, write_card
from mlkit.scoping._needs import needs
from mlkit.scoping._rank import CRITERIA, Ranking, rank
from mlkit.scoping._sources import example_sources, sources
from mlkit.scoping._sources_picture import Sources
from mlkit.scoping._targets import targets
from mlkit.scoping._total import Total, total

__all__ = [
    "CRITERIA",
    "PROMPTS",
    "Card",
    "Chain",
    "Extrapolation",
    "Ranking",
    "Sources",
    "Total",
    "card",
    "card_from",
    "chain",
    "ethics",
    "example_card",
    "example_sources",
    "example_tables",
    "extrapolate",
    "needs",
    "rank",
    "read_card",
    "sources",
    "targets",
    "total",
    "write_card",
]
