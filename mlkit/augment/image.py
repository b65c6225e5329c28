"""Pictures made harder on purpose: the usual situations by name, on albumentations.

albumentations 2.0.8 is the last release under a free licence of its kind and no longer
maintained; any callable of an image fits in the same place (see ``augment.draw``).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from albumentations import Compose

__all__ = ["change", "pipeline", "situations"]

_SEEDS = 2**32


@dataclass(frozen=True)
class _Situation:
    does: str
    label_holds: str
    label_breaks: str
    steps: Callable[[Any, float], list[Any]]  # of albumentations and the strength


def situations() -> pd.DataFrame:
    """What may happen to a picture, and when its label survives it.

    Returns
    -------
    DataFrame
        ``situation, does, label_holds`` (when the label stays right) and ``label_breaks`` (when
        it does not): to be answered for one's own classes before anything is generated.

    Examples
    --------
    >>> situations()["situation"].tolist()[:3]
    ['lighting', 'viewpoint', 'focus']
    """
    rows = [
        {"situation": name, **{k: getattr(one, k) for k in ("does", "label_holds", "label_breaks")}}
        for name, one in _SITUATIONS.items()
    ]
    return pd.DataFrame(rows)


def pipeline(situation: str, *, strength: float = 0.5) -> "Compose":
    """The albumentations pipeline of a situation, through which masks and boxes travel along.

    Parameters
    ----------
    situation
        A name from :func:`situations`.
    strength
        From 0, where nothing happens, to 1, where it is hard for people too. How much happens
        to one picture is drawn up to it. Focus and rain count in pixels: bring pictures to the
        size that the model sees first.

    Returns
    -------
    albumentations.Compose
        To be called with ``image=`` and, if you like, ``mask=`` and ``bboxes=`` (rows x1, y1,
        x2, y2 in pixels; columns after them travel along, a box that is partly covered or
        outside is cut to the rest, one that is wholly so is dropped). ``set_random_seed`` makes
        it repeatable.

    Examples
    --------
    >>> grey = np.full((60, 80, 3), 128, np.uint8)
    >>> moved = pipeline("viewpoint")(image=grey, bboxes=np.array([[10.0, 10, 30, 30]]))
    >>> moved["image"].shape
    (60, 80, 3)
    """
    found = known(situation)
    strong(strength)
    albumentations = _albumentations()
    steps = found.steps(albumentations, float(strength)) if strength else []
    boxes = albumentations.BboxParams(format="pascal_voc", clip=True, filter_invalid_bboxes=True)
    # Never done: without a step that could move boxes albumentations warns that none does.
    never = albumentations.HorizontalFlip(p=0)
    return albumentations.Compose([*steps, never], bbox_params=boxes)


def change(
    image: ArrayLike,
    *,
    situation: str,
    strength: float = 0.5,
    rng: int | np.random.Generator | None = None,
) -> np.ndarray:
    """Put one picture into a situation.

    Parameters
    ----------
    image
        Shape (height, width, 3) or (height, width), numbers from 0 to 255 as uint8.
    situation, strength
        As in :func:`pipeline`.

    Returns
    -------
    ndarray
        A new picture of the same shape and dtype; at strength 0 the same one.

    Examples
    --------
    >>> picture = np.full((60, 80, 3), 128, np.uint8)
    >>> change(picture, situation="compression", rng=0).shape
    (60, 80, 3)
    """
    picture = _checked(image)
    made = pipeline(situation, strength=strength)
    made.set_random_seed(int(np.random.default_rng(rng).integers(_SEEDS)))
    # Weather and colour know three channels alone; a grey picture goes through as three.
    colour = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    out = np.array(made(image=colour)["image"])
    return out if picture.ndim == 3 else out.mean(axis=2).round().astype(np.uint8)


def known(situation: Any) -> _Situation:
    """The situation of this name, or what there is."""
    found = _SITUATIONS.get(situation) if isinstance(situation, str) else None
    if found is None:
        raise ValueError(
            f"there is no situation {situation!r}; there are {', '.join(map(repr, _SITUATIONS))}."
        )
    return found


def strong(strength: Any) -> None:
    """Raise in words where it is no strength."""
    number = isinstance(strength, Real) and not isinstance(strength, bool)
    if not number or not 0 <= strength <= 1:
        raise ValueError(f"strength lies between 0 and 1; it was given {strength!r}.")


def _checked(image: ArrayLike) -> np.ndarray:
    picture = np.asarray(image)
    if picture.dtype != np.uint8:
        raise ValueError(
            f"change() needs a picture of numbers from 0 to 255 as uint8; it was given "
            f"{picture.dtype}. Floats from 0 to 1 become so by (255 * image).astype('uint8')."
        )
    if picture.ndim == 3 and picture.shape[2] == 4:
        raise ValueError(
            "change() takes no transparency; leave the fourth channel out: image[..., :3]."
        )
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] != 3):
        raise ValueError(
            "change() needs a picture of shape (height, width, 3) or (height, width); it was "
            f"given {picture.shape}."
        )
    if min(picture.shape[:2]) < 8:
        raise ValueError(
            f"change() needs a picture of 8 by 8 pixels at least; it was given {picture.shape}."
        )
    return picture


def _albumentations() -> Any:
    # It asks its maker's server for news at import unless it is told not to.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations

    return albumentations


def _lighting(a: Any, s: float) -> list[Any]:
    return [
        a.RandomBrightnessContrast((-0.45 * s, 0.35 * s), (-0.5 * s, 0.4 * s), p=1),
        a.RandomGamma((100 - 50 * s, 100 + 90 * s), p=1),
        a.HueSaturationValue((-8 * s, 8 * s), (-50 * s, 30 * s), (0, 0), p=1),
    ]


def _viewpoint(a: Any, s: float) -> list[Any]:
    edge = {"border_mode": 1}  # the picture's own edge goes on; black corners would be learned
    return [
        a.Affine(
            scale=(1 - 0.2 * s, 1 + 0.3 * s),
            rotate=(-25 * s, 25 * s),
            shear=(-10 * s, 10 * s),
            translate_percent=(-0.1 * s, 0.1 * s),
            p=1,
            **edge,
        ),
        a.Perspective((0.0, 0.12 * s), p=1, **edge),
    ]


def _focus(a: Any, s: float) -> list[Any]:
    most = 3 + 2 * round(6 * s)  # an odd number of pixels
    return [a.OneOf([a.MotionBlur((3, most), p=1), a.GaussianBlur((3, most), p=1)], p=1)]


def _sensor_noise(a: Any, s: float) -> list[Any]:
    return [
        a.OneOf(
            [
                a.GaussNoise((0.02 * s, 0.25 * s), p=1),
                a.ISONoise((0.01, 0.01 + 0.1 * s), (0.1 * s, 0.9 * s), p=1),
            ],
            p=1,
        )
    ]


def _occlusion(a: Any, s: float) -> list[Any]:
    sides = (0.05 + 0.1 * s, 0.1 + 0.35 * s)
    return [a.CoarseDropout((1, 1 + round(2 * s)), sides, sides, fill="random_uniform", p=1)]


def _compression(a: Any, s: float) -> list[Any]:
    import cv2

    worst, share = round(95 - 88 * s), 1 - 0.75 * s
    smooth = {"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR}
    return [
        a.Downscale((share, 0.5 + share / 2), interpolation_pair=smooth, p=0.5),
        a.ImageCompression("jpeg", (worst, worst + round(30 * s)), p=1),
    ]


def _weather(a: Any, s: float) -> list[Any]:
    fog = a.RandomFog(alpha_coef=0.1, fog_coef_range=(0.1 * s, 0.7 * s), p=1)
    rain = a.RandomRain(
        drop_length=5 + round(20 * s), blur_value=3, brightness_coefficient=1 - 0.3 * s, p=1
    )
    snow = a.RandomSnow(snow_point_range=(0.1 * s, 0.6 * s), method="texture", p=1)
    return [a.OneOf([fog, rain, snow], p=1)]


def _mirror(a: Any, _s: float) -> list[Any]:
    return [a.HorizontalFlip(p=1)]


def _upside_down(a: Any, _s: float) -> list[Any]:
    return [a.HorizontalFlip(p=1), a.VerticalFlip(p=1)]


_SITUATIONS = {
    "lighting": _Situation(
        "brighter or darker, flatter or harder, warmer or colder",
        "the class is a shape: a shirt is one by lamplight too",
        "the class is a colour or a brightness: ripe or unripe, day or night",
        _lighting,
    ),
    "viewpoint": _Situation(
        "turned a little, nearer or further, shifted, seen from the side",
        "the thing is known from any side",
        "what decides is at the edge, or the angle is the label; a leaning 1 becomes a 7",
        _viewpoint,
    ),
    "focus": _Situation(
        "out of focus, or shaken",
        "the class is known by its outline",
        "the class is a fine detail: a hairline scratch disappears",
        _focus,
    ),
    "sensor_noise": _Situation(
        "the grain of a small sensor in little light",
        "the thing is larger than the grain",
        "the defect looks for specks: grain is one",
        _sensor_noise,
    ),
    "occlusion": _Situation(
        "something stands before it",
        "what is left still decides",
        "the covered part decides: a scratch, a collar, a number plate",
        _occlusion,
    ),
    "compression": _Situation(
        "sent through a messenger: small, and saved as a poor JPEG",
        "the class is known by its outline",
        "the class is a texture or fine print",
        _compression,
    ),
    "weather": _Situation(
        "fog, rain or snow",
        "the camera is out of doors",
        "the camera is indoors, where this never happens, or the weather is the label",
        _weather,
    ),
    "mirror": _Situation(
        "left and right changed over",
        "both ways occur: a cat, a shirt",
        "writing, and sides that matter: a mirrored letter is none, a left hand becomes a right",
        _mirror,
    ),
    "upside_down": _Situation(
        "turned by half a circle",
        "there is no up: cells under a microscope, pictures from above",
        "there is one: a 6 becomes a 9",
        _upside_down,
    ),
}
