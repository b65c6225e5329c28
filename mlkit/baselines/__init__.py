"""What to compare a model with: people, the commonest class, a rule, an older system, a paper.

``human`` measures how well people do, ``majority_class``, ``rule``, ``previous`` and
``published`` give the other baselines, ``gap`` holds a model against any of them.
"""

from mlkit.baselines._gap import Gap, gap
from mlkit.baselines._human import Human, human
from mlkit.baselines._others import majority_class, previous, published, rule

__all__ = ["Gap", "Human", "gap", "human", "majority_class", "previous", "published", "rule"]
