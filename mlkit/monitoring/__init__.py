"""Noticing when the world moves: profiles that add up, and what differs between two of them."""

from mlkit.monitoring._concept import Concept, concept
from mlkit.monitoring._drift import Drift, drift
from mlkit.monitoring._estimate import Estimate, estimate
from mlkit.monitoring._profile import Profile, profile

__all__ = ["Concept", "Drift", "Estimate", "Profile", "concept", "drift", "estimate", "profile"]
