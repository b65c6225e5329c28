"""Noticing when the world moves: profiles that add up, and what differs between two of them."""

from mlkit.monitoring._alarms import alarms, failures
from mlkit.monitoring._anomalies import Anomalies, anomalies
from mlkit.monitoring._backtest import Backtest, backtest
from mlkit.monitoring._concept import Concept, concept
from mlkit.monitoring._drift import Drift, drift
from mlkit.monitoring._estimate import Estimate, estimate
from mlkit.monitoring._log import checked_log
from mlkit.monitoring._profile import Profile, profile
from mlkit.monitoring._skew import Skew, skew

__all__ = [
    "Anomalies",
    "Backtest",
    "Concept",
    "Drift",
    "Estimate",
    "Profile",
    "Skew",
    "alarms",
    "anomalies",
    "backtest",
    "checked_log",
    "concept",
    "drift",
    "estimate",
    "failures",
    "profile",
    "skew",
]
