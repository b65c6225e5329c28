"""What a monitoring system reads at ``/metrics``; each server has a registry of its own."""

from collections import deque

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_REMEMBERED = 2_000


class Meters:
    """Counts and times of one server since it was started."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        answers = Counter(
            "mlkit_answers_total", "Answers of either version.", ["version", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        self.answers = {
            (version, outcome): answers.labels(version, outcome)
            for version in ("old", "new")
            for outcome in ("served", "shadow", "failed")
        }
        self.refused = Counter(
            "mlkit_refused_total", "Requests refused, by status.", ["status"],
            registry=self.registry,
        )  # fmt: skip
        self.labels = Counter("mlkit_labels_total", "Labels received.", registry=self.registry)
        self.looks = Counter(
            "mlkit_looks_total", "Looks of the policy.", ["outcome"], registry=self.registry
        )
        self.share = Gauge(
            "mlkit_share", "Share of users that the new version serves.", registry=self.registry
        )
        self.seconds = Histogram(
            "mlkit_request_seconds", "From the request read to its row safe.",
            buckets=_BUCKETS_S, registry=self.registry,
        )  # fmt: skip
        self._last_ms: deque[float] = deque(maxlen=_REMEMBERED)

    def took(self, seconds: float) -> None:
        """A request was answered."""
        self.seconds.observe(seconds)
        self._last_ms.append(1000 * seconds)

    def latency_ms(self) -> dict[str, float | None]:
        """Percentiles of the last answers; None before the first."""
        if not self._last_ms:
            return dict.fromkeys(("p50", "p95", "p99"))
        found = np.percentile(list(self._last_ms), (50, 95, 99))
        return dict(zip(("p50", "p95", "p99"), found.round(2).tolist(), strict=True))

    def text(self) -> bytes:
        """The exposition format of Prometheus."""
        return generate_latest(self.registry)
