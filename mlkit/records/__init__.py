"""Several records, one person: find the pairs worth comparing, weigh them, merge with care.

``pairs`` compares only records that share a key, so that work grows with the table and not with
its square; ``link`` weighs what agrees and what does not (Fellegi and Sunter 1969) and gives each
person one pseudonymous id; ``evaluate`` tells precision and recall where the truth is known. A
merge reveals what no single record does: people whose ``consent`` is not True are kept out.
"""

from mlkit.records._evaluate import evaluate
from mlkit.records._link import Links, link
from mlkit.records._pairs import Pairs, pairs
from mlkit.records._weights import compare

__all__ = ["Links", "Pairs", "compare", "evaluate", "link", "pairs"]
