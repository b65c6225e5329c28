"""What is drawn can be written down and done again, whoever wrote the function."""

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkit.augment import apply, audio, draw

RATE = 8000
CLIP = np.random.default_rng(0).uniform(-0.3, 0.3, 2000).astype(np.float32)
PIPELINE = [
    (audio.change_speed, {"factor": (0.9, 1.1)}, 0.5),
    (audio.add_noise, {"snr_db": (5, 30), "noise": ["white", "pink"]}, 1.0),
    (audio.limit_band, {"low_hz": 300}, 0.5),
]


def backwards(samples):
    return samples[::-1].copy()


def tuned(samples, rate, *, up=1.0):
    assert rate == RATE
    return samples * up


def scribble(samples, sample_rate):
    assert sample_rate == RATE
    return samples + np.random.normal(size=len(samples)) * random.random()  # noqa: NPY002 - the point


class Gain:
    """Shaped as audiomentations' transforms are; `tests/benchmarks/augment.py` runs real ones."""

    def __init__(self, p=0.5):
        self.p = p

    def __call__(self, samples, sample_rate):
        assert sample_rate == RATE
        return samples * random.uniform(0.1, 1) if random.random() < self.p else samples


@settings(deadline=None)  # the first resampling loads a library
@given(st.integers(0, 2**32))
def test_what_was_drawn_survives_being_written_down(seed):
    steps = draw(PIPELINE, rng=seed)
    read = json.loads(json.dumps(steps))
    assert read == steps
    np.testing.assert_array_equal(apply(CLIP, steps, rate_hz=RATE), apply(CLIP, read, rate_hz=RATE))


@given(st.integers(0, 2**32))
def test_draws_lie_in_their_ranges(seed):
    for step in draw(PIPELINE, rng=seed):
        parameters = step["parameters"]
        if step["place"] == 0:
            assert 0.9 <= parameters["factor"] <= 1.1
        elif step["place"] == 1:
            assert 5 <= parameters["snr_db"] <= 30
            assert parameters["noise"] in ("white", "pink")
        else:
            assert parameters == {"low_hz": 300}


def test_steps_happen_as_often_as_they_should_and_ranges_are_even():
    drawn = [draw(PIPELINE, rng=seed) for seed in range(2000)]
    places = [[step["place"] for step in steps] for steps in drawn]
    assert np.mean([0 in p for p in places]) == pytest.approx(0.5, abs=0.04)
    assert all(1 in p for p in places)
    snr = [s["parameters"]["snr_db"] for steps in drawn for s in steps if s["place"] == 1]
    assert np.mean(snr) == pytest.approx(17.5, abs=0.6)
    assert np.std(snr) == pytest.approx(25 / np.sqrt(12), abs=0.3)


def test_a_change_of_one_step_leaves_the_others_as_they_were():
    other = [PIPELINE[0], (audio.add_noise, {"snr_db": 3}, 1.0), PIPELINE[2]]
    for seed in range(50):
        mine = {s["place"]: s for s in draw(PIPELINE, rng=seed) if s["place"] != 1}
        theirs = {s["place"]: s for s in draw(other, rng=seed) if s["place"] != 1}
        assert mine == theirs


def test_a_list_to_be_taken_as_it_is_stands_in_a_list():
    speech = [CLIP, CLIP[::-1]]
    steps = draw([(audio.add_speech, {"snr_db": 5, "speech": [speech]}, 1.0)], rng=0)
    assert steps[0]["parameters"]["speech"] is speech


def test_any_callable_of_samples_and_rate_fits():
    pipeline = [(backwards, {}, 1.0), (tuned, {"up": (0.5, 0.5)}, 1.0)]
    steps = draw(pipeline, rng=0)
    out = apply(CLIP, steps, pipeline=pipeline, rate_hz=RATE)
    np.testing.assert_allclose(out, CLIP[::-1] / 2)


def test_other_peoples_global_draws_get_the_seed_and_ours_stay_as_they_were():
    pipeline = [(scribble, {}, 1.0)]
    steps = draw(pipeline, rng=4)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global state is what is looked at
    expected = (random.random(), np.random.random())  # noqa: NPY002 - as above
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - as above
    first = apply(CLIP, steps, pipeline=pipeline, rate_hz=RATE)
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002 - as above
    np.testing.assert_array_equal(first, apply(CLIP, steps, pipeline=pipeline, rate_hz=RATE))


def test_an_object_in_the_shape_of_audiomentations_fits_in_the_same_place():
    pipeline = [(Gain(p=1.0), {}, 1.0), (audio.change_gain, {"gain_db": -6}, 1.0)]
    steps = draw(pipeline, rng=2)
    assert steps[0]["function"].endswith(":Gain")
    first = apply(CLIP, steps, pipeline=pipeline, rate_hz=RATE)
    assert not np.array_equal(first, CLIP)
    np.testing.assert_array_equal(first, apply(CLIP, steps, pipeline=pipeline, rate_hz=RATE))
    other = apply(CLIP, draw(pipeline, rng=3), pipeline=pipeline, rate_hz=RATE)
    assert not np.array_equal(first, other)


def test_a_function_is_found_by_its_name_and_an_object_is_not():
    assert draw(PIPELINE, rng=0)[0]["function"].startswith("mlkit.augment.audio:")
    with pytest.raises(ValueError, match=r"Gain has settings of its own, which no name tells"):
        apply(CLIP, draw([(Gain(), {}, 1.0)], rng=0), rate_hz=RATE)
    with pytest.raises(ValueError, match=r"<lambda> cannot be imported .* give the pipeline"):
        apply(CLIP, draw([(lambda samples: samples, {}, 1.0)], rng=0), rate_hz=RATE)


@pytest.mark.parametrize(
    ("pipeline", "words"),
    [
        ([audio.add_noise], r"a pipeline is a list of \(function, ranges, probability\)"),
        ([(audio.add_noise, {}, 1.5)], r"probability of mlkit\.augment\.audio:add_noise, step 0"),
        ([(audio.add_noise, {"snr": (0, 9)}, 1.0)], r"has no parameter 'snr'; it has snr_db"),
        ([(audio.add_noise, {"snr_db": (9, 0)}, 1.0)], r"a range is a pair of numbers \(low, high"),
        ([(audio.add_noise, {"snr_db": (1, 2, 3)}, 1.0)], "To choose among values, give them as"),
        ([(audio.add_noise, {"noise": []}, 1.0)], "nothing to choose from for noise of"),
    ],
)
def test_a_wrong_pipeline_is_named(pipeline, words):
    with pytest.raises(ValueError, match=words):
        draw(pipeline, rng=0)


def test_steps_of_another_pipeline_are_refused():
    steps = draw(PIPELINE, rng=0)
    with pytest.raises(ValueError, match="it is another pipeline than the one that was drawn"):
        apply(CLIP, steps, pipeline=[(backwards, {}, 1.0)] * 3, rate_hz=RATE)
