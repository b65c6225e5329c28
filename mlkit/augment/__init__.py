"""More training data from what there is: sound and images changed, their labels kept."""

from mlkit.augment import audio

__all__ = ["audio"]
