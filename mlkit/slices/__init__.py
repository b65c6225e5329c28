"""What to fix next: which slices there are, how much each can bring, and what a fix brought.

``memberships`` says which item belongs to which slice, ``report`` ranks the slices, ``plan``
turns one into a card, ``find`` looks for slices nobody thought of, ``compare`` measures a fix.
"""

from mlkit.slices._compare import Comparison, compare
from mlkit.slices._find import Found, find
from mlkit.slices._memberships import memberships
from mlkit.slices._plan import Plan, plan
from mlkit.slices._report import Report, report

__all__ = [
    "Comparison",
    "Found",
    "Plan",
    "Report",
    "compare",
    "find",
    "memberships",
    "plan",
    "report",
]
