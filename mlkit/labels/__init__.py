"""Labels people agree on: how well they do, who and which classes differ, and what would help."""

from mlkit.labels._agreement import Agreement, agreement
from mlkit.labels._annotators import annotators
from mlkit.labels._box_remarks import box_remarks
from mlkit.labels._boxes import BoxAgreement, box_agreement
from mlkit.labels._consensus import Consensus, consensus
from mlkit.labels._disagreements import confusions, disagreements
from mlkit.labels._issues import issues
from mlkit.labels._merges import Merges, merges
from mlkit.labels._near_duplicates import near_duplicates
from mlkit.labels._pairwise import pairwise
from mlkit.labels._relabel import Comparison, compare, relabel
from mlkit.labels._text import TextAgreement, text_agreement
from mlkit.labels._variants import normalisations, variants

__all__ = [
    "Agreement",
    "BoxAgreement",
    "Comparison",
    "Consensus",
    "Merges",
    "TextAgreement",
    "agreement",
    "annotators",
    "box_agreement",
    "box_remarks",
    "compare",
    "confusions",
    "consensus",
    "disagreements",
    "issues",
    "merges",
    "near_duplicates",
    "normalisations",
    "pairwise",
    "relabel",
    "text_agreement",
    "variants",
]
