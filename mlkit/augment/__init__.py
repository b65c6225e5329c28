"""More training data from what there is: sound and images changed, their labels kept.

``draw`` decides what a pipeline does, ``apply`` does it.
"""

from mlkit.augment import audio, batch, image
from mlkit.augment._pipeline import apply, draw

__all__ = ["apply", "audio", "batch", "draw", "image"]
