"""Labels people agree on: how well they do, who and which classes differ, and what would help."""

from mlkit.labels._consensus import Consensus, consensus
from mlkit.labels._issues import issues
from mlkit.labels._near_duplicates import near_duplicates

__all__ = [
    "Consensus",
    "consensus",
    "issues",
    "near_duplicates",
]
