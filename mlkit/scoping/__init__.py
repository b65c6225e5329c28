"""From a problem that people have to a project one can start: worth, targets, data, cost, card.

``card`` puts the decisions on one page; ``write_card`` and ``read_card`` hand them on, so that
later notebooks hold latency and accuracy against what was decided here.
"""

from mlkit.scoping._card import Card, card
from mlkit.scoping._ethics import PROMPTS, ethics
from mlkit.scoping._example import example_card
from mlkit.scoping._file import read_card, write_card
from mlkit.scoping._targets import targets

__all__ = [
    "PROMPTS",
    "Card",
    "card",
    "ethics",
    "example_card",
    "read_card",
    "targets",
    "write_card",
]
