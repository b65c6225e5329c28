"""More training data from what there is: sound and images changed, their labels kept.

``draw`` decides what a pipeline does, ``apply`` does it, ``check`` tells what it cannot do;
``read_sound`` and ``read_picture`` take a file's bytes as ``batch`` does, and ``overheard`` listens
to what the functions have to say.
"""

from mlkit.augment import audio, batch, image
from mlkit.augment._codec import read_picture, read_sound
from mlkit.augment._pipeline import apply, check, draw
from mlkit.augment._sound import overheard

__all__ = [
    "apply",
    "audio",
    "batch",
    "check",
    "draw",
    "image",
    "overheard",
    "read_picture",
    "read_sound",
]
