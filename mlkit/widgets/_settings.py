"""What can be set in the Simulator: six things about the world, six about the policy."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from mlkit.widgets._world import KINDS, WEEKS

# Of each slider: lowest, highest, step.
RANGES: dict[str, tuple[float, float, float]] = {
    "onset_week": (2, 20, 1),
    "over_weeks": (0, 16, 1),
    "size": (0, 1, 0.05),
    "label_delay_days": (0, 60, 1),
    "inputs_above": (0.01, 1, 0.01),
    "accuracy_below": (0.7, 0.92, 0.01),
    "labels_week": (0, 400, 20),
    "labels_retrain": (0, 1000, 50),
    "canary": (0, 1, 0.01),
}
RETRAIN = ("never", "every 4 weeks", "every 13 weeks", "alarm")
VERSIONS = ("sound", "faulty")
CHOICES: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    "first_version": VERSIONS,
    "retrain": RETRAIN,
}


@dataclass(frozen=True)
class Settings:
    """The world, then the policy. What the learner finds at first loses users."""

    kind: str = "concept"
    onset_week: int = 9
    over_weeks: int = 0
    size: float = 0.6
    label_delay_days: int = 30
    first_version: str = "sound"
    retrain: str = "alarm"
    inputs_above: float = 0.2
    accuracy_below: float = 0.8
    labels_week: int = 0
    labels_retrain: int = 300
    canary: float = 0.05

    def __post_init__(self) -> None:
        """One clear sentence about the first value that cannot be."""
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} is one of {', '.join(choices)}; got {getattr(self, name)!r}."
                )
        for name, (low, high, step) in RANGES.items():
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not low <= value <= high:
                raise ValueError(f"{name} lies from {low:g} to {high:g}; got {value!r}.")
            # A slider may say 3.0, and adds up its steps with a rounding error.
            tidy = round(value) if step >= 1 else round(float(value), 4)
            object.__setattr__(self, name, tidy)

    @property
    def every_weeks(self) -> int:
        """The calendar's weeks between retrainings; 0: no calendar."""
        return int(self.retrain.split()[1]) if self.retrain.startswith("every") else 0

    @property
    def onset_day(self) -> int | None:
        """The first day on which the world has moved; None where it never does."""
        moves = self.kind != "none" and self.size > 0 and self.onset_week <= WEEKS
        return 7 * (self.onset_week - 1) if moves else None

    def changed(self, given: Mapping[str, Any]) -> "Settings":
        """These settings with some others; an unknown name is refused."""
        known = [one.name for one in fields(self)]
        for name in given:
            if name not in known:
                raise ValueError(
                    f"there is no setting {name!r} here; there are {', '.join(known)}."
                )
        return replace(self, **given)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
