"""Pictures made harder: what moves, moves with its mask and its boxes; what should stay, stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_sample_image

from mlkit.augment import apply, draw, image

PHOTO = load_sample_image("flower.jpg")[100:300, 200:480].copy()
NAMES = image.situations()["situation"].tolist()
MOVES = ["viewpoint", "mirror", "upside_down"]
STILL = ["lighting", "focus", "sensor_noise", "occlusion", "compression", "weather"]


def difference(one, other):
    return np.abs(one.astype(float) - other).mean()


def test_every_situation_says_when_its_label_holds_and_when_it_breaks():
    table = image.situations()
    assert table["situation"].is_unique
    assert sorted(NAMES) == sorted(MOVES + STILL)
    assert table[["does", "label_holds", "label_breaks"]].map(len).gt(10).all(axis=None)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_keeps_its_shape_and_dtype_and_the_input_stays(name):
    for picture in (PHOTO, PHOTO[..., 0].copy()):
        before = picture.copy()
        out = image.change(picture, situation=name, strength=0.8, rng=3)
        np.testing.assert_array_equal(picture, before)
        assert (out.shape, out.dtype) == (picture.shape, np.uint8)
        assert difference(out, picture) > 0.1
        assert not np.shares_memory(out, picture)


@pytest.mark.parametrize("name", NAMES)
def test_no_strength_is_the_identity(name):
    out = image.change(PHOTO, situation=name, strength=0, rng=1)
    np.testing.assert_array_equal(out, PHOTO)
    assert not np.shares_memory(out, PHOTO)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(name):
    first = image.change(PHOTO, situation=name, strength=0.7, rng=11)
    np.random.seed(5)  # noqa: NPY002 - the global state must not matter
    np.testing.assert_array_equal(image.change(PHOTO, situation=name, strength=0.7, rng=11), first)
    others = [image.change(PHOTO, situation=name, strength=0.7, rng=n) for n in range(5)]
    same = all(np.array_equal(one, first) for one in others)
    assert same == (name in ("mirror", "upside_down"))


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("mirror", "upside_down")])
def test_more_strength_changes_more(name):
    def change(strength):
        made = [image.change(PHOTO, situation=name, strength=strength, rng=n) for n in range(25)]
        return np.mean([difference(one, PHOTO) for one in made])

    assert change(0.2) < change(0.6) < change(1.0)


def test_mirroring_and_turning_are_exact():
    mirrored = image.change(PHOTO, situation="mirror", rng=0)
    np.testing.assert_array_equal(mirrored, PHOTO[:, ::-1])
    turned = image.change(PHOTO, situation="upside_down", rng=0)
    np.testing.assert_array_equal(turned, PHOTO[::-1, ::-1])


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(MOVES),
    strength=st.floats(0.05, 1),
    seed=st.integers(0, 2**31),
    x=st.integers(20, 120),
    y=st.integers(20, 80),
    side=st.integers(15, 60),
)
def test_masks_and_boxes_move_with_the_pixels(name, strength, seed, x, y, side):
    picture = np.zeros((200, 260, 3), np.uint8)
    picture[y : y + side, x : x + side] = 255
    mask = (picture[..., 0] > 0).astype(np.uint8)
    pipeline = image.pipeline(name, strength=strength)
    pipeline.set_random_seed(seed)
    box = np.array([[x, y, x + side, y + side]], float)
    out = pipeline(image=picture, mask=mask, bboxes=box)
    seen = out["image"][..., 0] > 127
    # Edges are smoothed in the picture and not in the mask: all but the border must agree.
    assert (seen != (out["mask"] > 0)).sum() <= 8 * side
    if not len(out["bboxes"]):
        assert seen.sum() <= 4 * side
        return
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows):
        return
    x1, y1, x2, y2 = out["bboxes"][0][:4]
    slack = 4  # pixels: a box is carried by its corners, and its frame holds what it held
    assert x1 <= columns[0] + slack
    assert y1 <= rows[0] + slack
    assert x2 >= columns[-1] + 1 - slack
    assert y2 >= rows[-1] + 1 - slack


@pytest.mark.parametrize("name", [name for name in STILL if name != "occlusion"])
def test_what_does_not_move_leaves_masks_and_boxes_alone(name):
    mask = np.zeros(PHOTO.shape[:2], np.uint8)
    mask[50:90, 60:120] = 1
    pipeline = image.pipeline(name, strength=0.5)
    pipeline.set_random_seed(2)
    out = pipeline(image=PHOTO, mask=mask, bboxes=np.array([[60.0, 50, 120, 90]]))
    np.testing.assert_allclose(out["bboxes"][0][:4], [60, 50, 120, 90])
    np.testing.assert_array_equal(out["mask"], mask)


def test_columns_after_the_corners_travel_along():
    boxes = np.array([[10.0, 10, 40, 40, 7], [60, 60, 90, 90, 8]])
    out = image.pipeline("mirror")(image=PHOTO, bboxes=boxes)
    assert out["bboxes"][:, 4].tolist() == [7, 8]
    np.testing.assert_allclose(out["bboxes"][0][:4], [240, 10, 270, 40])


def test_a_situation_and_any_callable_stand_in_one_pipeline():
    pipeline = [
        (image.change, {"situation": ["lighting", "focus"], "strength": (0.2, 0.6)}, 1.0),
        (lambda picture: 255 - picture, {}, 1.0),
        (image.pipeline("mirror"), {}, 1.0),
    ]
    steps = draw(pipeline, rng=1)
    assert steps[0]["function"] == "mlkit.augment.image:change"
    first = apply(PHOTO, steps, pipeline=pipeline)
    again = apply(PHOTO, steps, pipeline=pipeline)
    np.testing.assert_array_equal(first, again)
    by_hand = apply(PHOTO, steps[:1])
    np.testing.assert_array_equal(first, (255 - by_hand)[:, ::-1])


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (PHOTO / 255, r"uint8; it was given float64\. Floats from 0 to 1 become so by"),
        (np.zeros((20, 20, 4), np.uint8), "takes no transparency"),
        (np.zeros((20, 20, 2), np.uint8), r"it was given \(20, 20, 2\)"),
        (np.zeros(20, np.uint8), r"it was given \(20,\)"),
        (np.zeros((4, 20, 3), np.uint8), "8 by 8 pixels at least"),
    ],
)
def test_a_picture_that_is_none_is_refused(picture, words):
    with pytest.raises(ValueError, match=words):
        image.change(picture, situation="focus")


def test_a_wrong_name_or_strength_is_named():
    with pytest.raises(ValueError, match="there is no situation 'fog'; there are 'lighting'"):
        image.pipeline("fog")
    with pytest.raises(ValueError, match=r"strength lies between 0 and 1; it was given 1\.5"):
        image.pipeline("focus", strength=1.5)
