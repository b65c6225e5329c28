"""Rendered phones: the scratch that is told is the one in the picture, and rules decide."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.inter_rater import fleiss_kappa

from mlkit import _tables, datasets
from mlkit.datasets import _phone_pictures

PIXELS_PER_MM = 3  # as the docstring says


@pytest.fixture(scope="module")
def seen():
    return datasets.make_phone_inspections()


def phones(table):
    return table.drop_duplicates("item").reset_index(drop=True)


def same_phones(one, other):
    one, other = phones(one), phones(other)
    same = ["item", "scratch_mm", "split"]
    pictures = zip(one["image"], other["image"], strict=True)
    return one[same].equals(other[same]) and all(np.array_equal(a, b) for a, b in pictures)


def alpha(table):
    """Krippendorff's alpha from Fleiss' kappa of another library: nominal, no label missing."""
    counts = pd.crosstab(table["item"], table["label"]).to_numpy()
    kappa = fleiss_kappa(counts)
    return kappa + (1 - kappa) / counts.sum()


# --- the table


def test_it_is_an_annotations_table_that_says_it_is_simulated(seen):
    table = _tables.annotations(seen, function="test")
    assert list(seen.columns) == [
        *["item", "annotator", "label", "scratch_mm", "threshold_mm", "image"],
        *["x1", "y1", "x2", "y2", "split"],
    ]
    assert len(table) == 120 * 6
    assert not table.duplicated(["item", "annotator"]).any()
    assert table["annotator"].str.endswith("(simulated)").all()
    assert set(table["label"]) == {"scratched", "fine"}
    assert datasets.make_phone_inspections.__doc__.startswith("Simulated")
    assert phones(seen)["split"].value_counts().to_dict() == {"train": 72, "dev": 24, "test": 24}


def test_each_phone_is_one_picture_shared_by_its_rows(seen):
    assert seen.groupby("item")["image"].agg(lambda images: len(set(map(id, images)))).eq(1).all()
    for image in phones(seen)["image"]:
        assert (image.shape, image.dtype) == ((480, 360, 3), np.uint8)
        with pytest.raises(ValueError, match="read-only"):
            image[0, 0] = 0


def test_the_same_seed_gives_the_same_table_and_another_another():
    table = datasets.make_phone_inspections(items=9, rng=3)
    again = datasets.make_phone_inspections(items=9, rng=np.random.default_rng(3))
    pd.testing.assert_frame_equal(table, again)
    assert not same_phones(table, datasets.make_phone_inspections(items=9, rng=4))
    unseeded = [datasets.make_phone_inspections(items=3, rng=None) for _ in range(2)]
    assert not same_phones(*unseeded)


def test_the_phones_stay_whatever_the_rule_and_however_many_inspect(seen):
    first = seen[seen["item"].isin(phones(seen)["item"][:15])]
    assert same_phones(first, datasets.make_phone_inspections(15, 2))
    assert same_phones(first, datasets.make_phone_inspections(15, thresholds_mm=[2] * 6))
    assert same_phones(first, datasets.make_phone_inspections(15, noise_mm=2))


def test_more_phones_or_inspectors_change_no_answer_given_before(seen):
    fewer = datasets.make_phone_inspections(items=15, inspectors=2)
    both = fewer.merge(seen, on=["item", "annotator"], suffixes=("", "_of_all"))
    assert len(both) == len(fewer)
    for column in ["label", "threshold_mm", "x1", "y1", "x2", "y2", "split"]:
        pd.testing.assert_series_equal(both[column], both[f"{column}_of_all"], check_names=False)


def test_numpys_own_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the state that must not change
    datasets.make_phone_inspections(items=2)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002 - the same


# --- the pictures


def drawn(seed):
    """A phone, and how much each pixel differs from the same phone without its scratches."""
    scratched, new = (
        _phone_pictures.photograph(np.random.default_rng(seed), scratched=each)
        for each in (True, False)
    )
    change = np.abs(scratched.image.astype(int) - new.image).max(axis=2)
    return scratched, change


def length_mm(change, box):
    """The length of the curve through the changed pixels inside the box."""
    x1, y1, x2, y2 = np.round(box).astype(int)
    part = change[y1 - 3 : y2 + 4, x1 - 3 : x2 + 4]
    rows, columns = np.nonzero(part >= part.max() / 4)
    points, weights = np.column_stack([columns, rows]), part[rows, columns]
    centred = points - np.average(points, axis=0, weights=weights)
    along, aside = np.linalg.svd(centred, full_matrices=False)[2] @ centred.T
    degree = 4 if len(points) > 12 else 0
    curve = np.polynomial.Polynomial.fit(along, aside, degree, w=weights)
    steps = np.linspace(along.min(), along.max(), 200)
    return np.hypot(np.diff(steps), np.diff(curve(steps))).sum() / PIXELS_PER_MM


def test_the_scratch_in_the_picture_is_as_long_as_told():
    told, measured = [], []
    for seed in range(60):
        phone, change = drawn(seed)
        if phone.scratch_mm:
            told.append(phone.scratch_mm)
            measured.append(length_mm(change, phone.box))
        else:
            assert not change.any()
    error = np.subtract(measured, told)
    assert len(told) > 40
    assert np.all(np.abs(error) <= 0.5 + 0.03 * np.array(told))
    assert abs(np.mean(error)) < 0.2


def test_every_scratch_can_be_seen_and_none_is_elsewhere():
    """Hairlines stand out from the noise (a standard deviation of up to 4 grey levels)."""
    for seed in range(60):
        phone, change = drawn(seed)
        if not phone.scratch_mm:
            continue
        x1, y1, x2, y2 = phone.box
        rows, columns = np.nonzero(change[: round(y2) + 4, : round(x2) + 4] > 8)
        inside = (rows >= y1 - 3) & (columns >= x1 - 3)
        assert change[rows, columns][inside].max() >= 16
        rows, columns = rows[inside], columns[inside]
        assert np.abs(np.subtract([x1, y1], [columns.min(), rows.min()])).max() <= 3
        assert np.abs(np.subtract([x2, y2], [columns.max(), rows.max()])).max() <= 3


def test_scratches_lie_whole_on_the_back_apart_from_camera_and_each_other():
    numbers = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        phone = _phone_pictures._phone(rng)
        scratches = _phone_pictures._scratches(rng, phone)
        numbers.append(len(scratches))
        lengths = [scratch.length_mm for scratch in scratches]
        assert lengths == sorted(lengths, reverse=True)
        for i, scratch in enumerate(scratches):
            assert _phone_pictures._is_free(scratch.points, phone, scratches[:i])
            steps = np.diff(scratch.points, axis=0)
            assert np.hypot(*steps.T).sum() == pytest.approx(scratch.length_mm)
    assert set(numbers) == {0, 1, 2, 3}


def test_phones_differ_and_scratches_are_of_every_length(seen):
    some = phones(seen)
    lengths = some["scratch_mm"]
    assert 0.03 < (lengths == 0).mean() < 0.25
    assert lengths[lengths > 0].min() < 1.5
    assert lengths.max() > 25
    # Most of the phones lie between the strictest and the most lenient inspector.
    assert lengths.between(1.5, 8).mean() > 0.4
    middles = np.stack([image[200:280, 140:220].mean(axis=(0, 1)) for image in some["image"]])
    assert (middles.std(axis=0) > 30).all()


# --- the inspectors


def test_without_noise_the_label_follows_the_threshold_exactly():
    rules = [0.5, 2, 2, 7.5, 100]
    table = datasets.make_phone_inspections(60, 5, thresholds_mm=rules, noise_mm=0)
    assert table.groupby("annotator")["threshold_mm"].first().to_list() == rules
    expected = (table["scratch_mm"] > 0) & (table["scratch_mm"] >= table["threshold_mm"])
    assert (table["label"] == "scratched").equals(expected)
    assert expected.any()
    assert not expected[table["threshold_mm"] == 100].any()


def test_noise_errs_only_near_the_threshold(seen):
    away = (seen["scratch_mm"] - seen["threshold_mm"]).abs()
    wrong = (seen["label"] == "scratched") != (seen["scratch_mm"] >= seen["threshold_mm"])
    assert wrong.any()
    assert away[wrong].max() < 4 * 0.3
    # What the normal distribution expects, by simulation free of the function.
    from scipy.stats import norm

    expected = norm.cdf(-away / 0.3)
    expected[seen["scratch_mm"] == 0] = 0
    spread = np.sqrt((expected * (1 - expected)).sum())
    assert abs(wrong.sum() - expected.sum()) < 3 * spread


def test_a_phone_without_a_scratch_is_never_called_scratched():
    table = datasets.make_phone_inspections(60, thresholds_mm=[0.1] * 6, noise_mm=5)
    assert set(table["label"][table["scratch_mm"] == 0]) == {"fine"}


def test_the_box_goes_round_the_longest_scratch_where_there_is_a_label(seen):
    boxes = seen[["x1", "y1", "x2", "y2"]]
    is_scratched = seen["label"] == "scratched"
    assert boxes.notna().all(axis=1).equals(is_scratched)
    assert boxes.notna().any(axis=1).equals(is_scratched)
    boxes = boxes[is_scratched]
    assert (boxes >= 0).all(axis=None)
    assert (boxes[["x1", "x2"]] <= 360).all(axis=None)
    assert (boxes[["y1", "y2"]] <= 480).all(axis=None)
    diagonal = np.hypot(boxes["x2"] - boxes["x1"], boxes["y2"] - boxes["y1"])
    assert (diagonal >= PIXELS_PER_MM * seen["scratch_mm"][is_scratched] * 0.8).all()


def test_some_inspectors_box_tightly_and_some_loosely(seen):
    boxed = seen.dropna(subset="x1")
    shared = boxed[boxed.groupby("item")["x1"].transform("size") == 6]
    area = (shared["x2"] - shared["x1"]) * (shared["y2"] - shared["y1"])
    area = area.groupby(shared["annotator"]).median()
    assert area.max() > 1.5 * area.min()


def test_it_carries_the_lesson(seen):
    """People who each draw the line elsewhere agree far less than under one rule."""
    each_their_own = alpha(seen)
    assert 0.2 < each_their_own < 0.65
    for rule in (2, 3, 5):
        common = alpha(datasets.make_phone_inspections(thresholds_mm=[rule] * 6))
        assert common > 0.85
        assert common > each_their_own + 0.25


# --- what it refuses


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"items": 0}, r"make_phone_inspections\(\) needs items as a whole number.*got 0"),
        ({"items": 2.5}, "items as a whole number"),
        ({"items": True}, "items as a whole number"),
        ({"inspectors": -1}, "inspectors as a whole number from 1 up; got -1"),
        ({"inspectors": "six"}, "inspectors as a whole number"),
        ({"thresholds_mm": 2}, r"for a common rule give thresholds_mm=\[2\] \* 6"),
        ({"thresholds_mm": "2"}, "one threshold an inspector"),
        ({"thresholds_mm": [1, 2]}, "got 2 for 6: say inspectors=2"),
        ({"thresholds_mm": [1, 2, 3, 4, 5, 0]}, "lengths above 0, and found 0"),
        ({"thresholds_mm": [1, 2, 3, 4, 5, np.nan]}, "lengths above 0, and found nan"),
        ({"thresholds_mm": [1, 2, 3, 4, 5, "6"]}, "lengths above 0, and found '6'"),
        ({"noise_mm": -0.1}, "noise_mm as a length from 0 up.*got -0.1"),
        ({"noise_mm": None}, "noise_mm as a length.*got None"),
        ({"noise_mm": np.inf}, "noise_mm as a length.*got inf"),
    ],
)
def test_what_makes_no_sense_is_refused_by_words(arguments, words):
    with pytest.raises(ValueError, match=words):
        datasets.make_phone_inspections(**arguments)


def test_thresholds_may_be_a_column_or_an_array():
    rules = pd.Series([2.0, 4.0])
    of_column = datasets.make_phone_inspections(3, 2, thresholds_mm=rules)
    of_array = datasets.make_phone_inspections(3, 2, thresholds_mm=rules.to_numpy())
    pd.testing.assert_frame_equal(of_column, of_array)
