"""Letting a new version in: who gets it, when it gets more, and when it has to go.

``Policy`` says which user gets which version and, from counts by user, what happens next. The
simulation and the server use the same one.
"""

from mlkit.deployment._automation import Automation, automation
from mlkit.deployment._compare import Comparison, compare
from mlkit.deployment._policy import Decision, Policy, Rule
from mlkit.deployment._power import Power, power
from mlkit.deployment._simulate import Simulation, simulate
from mlkit.deployment._tally import add, tally

__all__ = [
    "Automation",
    "Comparison",
    "Decision",
    "Policy",
    "Power",
    "Rule",
    "Simulation",
    "add",
    "automation",
    "compare",
    "power",
    "simulate",
    "tally",
]
