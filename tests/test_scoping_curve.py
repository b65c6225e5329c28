"""A learning curve continued: does the interval hold the truth, simulated and on real curves?"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkit import datasets, features, scoping
from mlkit._tables import TableError

SHARED = Path(__file__).parents[2] / "shared/data"
SIZES = [50, 100, 200, 400, 800]


def made(error, *, sizes=SIZES, repeats=5, noise=0.01, rng=0):
    """Scores of a known curve, with noise of one SD around it."""
    rng = np.random.default_rng(rng)
    rows = [
        (n, repeat, 1 - error(n) + rng.normal(0, noise)) for repeat in range(repeats) for n in sizes
    ]
    return pd.DataFrame(rows, columns=["n", "repeat", "score"]).assign(
        score=lambda table: table["score"].clip(upper=1)
    )


def law(a, b, c):
    return lambda n: a + b * n**-c


def test_without_noise_it_is_the_power_law():
    # The closed form: 1 - 0.05 - 3 / 3200.
    found = scoping.extrapolate(made(law(0.05, 3, 1.0), noise=0), to=3200)
    assert found.score == pytest.approx(0.95 - 3 / 3200, abs=0.003)
    assert found.high - found.low < 0.003
    assert not found.guess


def test_nine_in_ten_intervals_or_more_hold_the_truth_of_simulated_curves():
    held, widths = [], []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        truth = law(rng.uniform(0, 0.15), rng.uniform(1, 4), rng.uniform(0.3, 0.9))
        found = scoping.extrapolate(made(truth, rng=rng), to=2400)
        held.append(found.low <= 1 - truth(2400) <= found.high)
        widths.append(found.high - found.low)
    assert np.mean(held) >= 0.90
    # Nor does it hold everything by saying nothing.
    assert np.median(widths) < 0.12


def real_curves(kind):
    """Curves of real data of which the largest size is 2.8 times what the fit may see."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    if kind == "digits":
        digits = datasets.load_digits()
        x, y = np.stack(digits["image"]).reshape(len(digits), -1), digits["label"].to_numpy()
    elif kind == "spoken digits":
        clips = datasets.fetch_spoken_digits(download=False)
        x, y = features.mfcc(clips["path"], progress=False), clips["label"].to_numpy()
    else:
        photos = datasets.fetch_clothing(download=False).iloc[::2]
        x = features.hog_colour(photos["path"], size=32, progress=False)
        y = photos["label"].to_numpy()
    x = StandardScaler().fit_transform(x)
    order = np.random.default_rng(0).permutation(len(y))
    test, pool = order[:500], order[500:]
    sizes = [40, 60, 90, 130, 200, 560]
    models = (RandomForestClassifier(20, random_state=0), KNeighborsClassifier(3), GaussianNB())
    for model in models:
        rows = []
        for repeat in range(8):
            own = np.random.default_rng(repeat).permutation(pool)
            for n in sizes:
                score = model.fit(x[own[:n]], y[own[:n]]).score(x[test], y[test])
                rows.append((n, repeat, score))
        yield pd.DataFrame(rows, columns=["n", "repeat", "score"])


@pytest.mark.parametrize("kind", ["digits", "spoken digits", "photographs"])
def test_the_sizes_kept_back_of_real_curves_lie_in_the_interval(kind, tmp_path, monkeypatch):
    archives = {
        "spoken digits": "free-spoken-digit-dataset.zip",
        "photographs": "clothing-dataset-small.zip",
    }
    if kind in archives:
        if not (SHARED / archives[kind]).exists():
            pytest.skip(f"../shared/data has no {archives[kind]}")
        (tmp_path / archives[kind]).symlink_to(SHARED / archives[kind])
    monkeypatch.setenv("MLKIT_DATA", str(tmp_path))
    held, misses, stays = [], [], []
    for curve in real_curves(kind):
        seen = curve[(curve["n"] <= 200) & (curve["repeat"] < 4)]
        kept = curve["score"][(curve["n"] == 560) & (curve["repeat"] >= 4)]
        found = scoping.extrapolate(seen, to=560)
        held.append(found.low - 0.005 <= kept.mean() <= found.high + 0.005)
        misses.append(abs(found.score - kept.mean()))
        stays.append(abs(seen["score"][seen["n"] == 200].mean() - kept.mean()))
    assert sum(held) >= 2, held
    # Saying that it stays where the largest size was would have been worse.
    assert np.mean(misses) < np.mean(stays)


def test_it_widens_with_distance():
    curve = made(law(0.05, 3, 0.7))
    table = scoping.extrapolate(curve, to=[800, 1600, 3200, 12800, 100_000]).table
    width = (table["high"] - table["low"]).tolist()
    assert all(near < far for near, far in pairwise(width))
    assert table["guess"].tolist() == [False, False, False, True, True]
    assert "16 times as many examples as were ever measured" in table["why"].iloc[3]


def test_a_guess_says_why():
    few = scoping.extrapolate(made(law(0.05, 3, 0.7), sizes=[100, 200, 400]), to=800)
    assert few.guess
    assert few.why == "only 3 sizes were measured, and any curve goes through so few"
    assert "A guess: only 3 sizes" in repr(few)
    flat = scoping.extrapolate(made(lambda _: 0.2), to=1600)
    assert flat.why == "the score does not rise with the examples by more than luck"
    assert flat.low < 0.8 < flat.high
    falling = scoping.extrapolate(made(lambda n: 0.1 + n / 8000), to=1600)
    assert "does not rise" in falling.why


def test_a_curve_that_is_perfect_already():
    found = scoping.extrapolate(made(lambda _: 0.0, noise=0), to=1600)
    assert (found.low, found.score, found.high) == (1, 1, 1)
    assert found.guess
    assert found.needed(1.0)["n"].tolist() == [50]


def test_losses_count_down_to_nought():
    curve = made(law(0.05, 3, 1.0), noise=0.001)
    loss = curve.assign(score=curve["score"] - 1)
    found = scoping.extrapolate(loss, to=1600, best=0)
    same = scoping.extrapolate(curve, to=1600)
    assert found.score == pytest.approx(same.score - 1, abs=1e-9)


def test_how_many_for_a_score():
    a, b, c = 0.05, 3, 1.0
    found = scoping.extrapolate(made(law(a, b, c), noise=0.002), to=1600)
    table = found.needed([0.93, 0.9475, 0.97, 0.5, 1.2])
    exact = b / (1 - 0.93 - a)  # 150, within what was measured
    assert table["n"][0] == pytest.approx(exact, rel=0.1)
    assert table["n_low"][1] < b / (1 - 0.9475 - a) < table["n_high"][1]
    assert np.isinf(table["n_high"][1]) or table["n_high"][1] > 2000
    assert np.isinf(table.loc[2, ["n", "n_low", "n_high"]].astype(float)).all()
    assert table["never"][2] == 1
    assert table["why"][2] == "not with this model: nearly all curves stay below"
    assert table["why"][3] == "reached already with the fewest examples measured"
    assert table["why"][4] == "no score is above 1"


def test_needed_and_extrapolated_are_each_others_inverse():
    found = scoping.extrapolate(made(law(0.05, 3, 0.7)), to=1600)
    for ratio in (0.3, 1.0, 3.0):
        error = found.fits.error(ratio)
        one = int(np.argsort(error)[len(error) // 2])
        rises = found.fits.factor[one] > 0
        assert rises
        assert found.fits.ratio(float(error[one]))[one] == pytest.approx(ratio, rel=1e-3)


@given(seed=st.integers(0, 10**6), repeats=st.integers(2, 5), noise=st.floats(0, 0.05))
@settings(max_examples=12, deadline=None)
def test_more_examples_never_do_harm_and_the_ends_keep_their_order(seed, repeats, noise):
    curve = made(law(0.1, 2, 0.5), repeats=repeats, noise=noise, rng=seed)
    table = scoping.extrapolate(curve, to=[100, 800, 1600, 10_000]).table
    assert (table["low"] <= table["score"] + 1e-12).all()
    assert (table["score"] <= table["high"] + 1e-12).all()
    assert table["score"].is_monotonic_increasing
    assert (table["high"] <= 1).all()


def test_order_of_rows_and_the_callers_table_do_not_matter():
    curve = made(law(0.1, 2, 0.5))
    before = curve.copy()
    one = scoping.extrapolate(curve, to=1600)
    other = scoping.extrapolate(curve.sample(frac=1, random_state=1), to=1600)
    assert one.score == pytest.approx(other.score)
    pd.testing.assert_frame_equal(curve, before)


def test_repeats_that_are_torn_and_rows_without_a_score():
    curve = made(law(0.1, 2, 0.5))
    curve.loc[3, "score"] = np.nan
    found = scoping.extrapolate(curve, to=1600)
    assert found.curve["repeats"].tolist() == [5, 5, 5, 4, 5]


@pytest.mark.parametrize(
    ("curve", "to", "words"),
    [
        (pd.DataFrame({"size": [1], "score": [0.5]}), 10, "missing: n. Found: size, score."),
        (made(law(0, 1, 1))[["n", "score"]].head(0), 10, "found 0 sizes"),
        (made(law(0, 1, 1), sizes=[10, 20]), 10, "three sizes or more, and found 2 sizes"),
        (made(law(0, 1, 1), repeats=1), 10, "only one for n = 50, 100, 200 and 2 more"),
        (
            made(law(0, 1, 1)).eval("score = score * 100"),
            10,
            "told that 1 is the best score",
        ),
        (made(law(0, 1, 1)).assign(score="high"), 10, "numbers in the column score"),
        (made(law(0, 1, 1)).eval("n = n - 50"), 10, "sizes n of one example or more"),
        (made(law(0, 1, 1)), 0, "whole numbers of examples in to; got 0"),
        (made(law(0, 1, 1)), 10.5, "got 10.5"),
        (made(law(0, 1, 1)), [], "at least one number"),
        (made(law(0, 1, 1)), "many", "needs a number of examples; got 'many'"),
    ],
)
def test_what_is_missing_is_told(curve, to, words):
    with pytest.raises((TableError, ValueError), match=r"scoping\.extrapolate") as told:
        scoping.extrapolate(curve, to=to)
    assert words in str(told.value)


def test_it_shows_itself():
    found = scoping.extrapolate(made(law(0.05, 3, 0.7)), to=[1600, 100_000])
    page = found._repr_html_()
    assert "1,600" in page
    assert "125 times" in page or "1.2e+02" in page
    ax = found.plot()
    assert ax.get_xscale() == "log"
    assert "95 % interval" in ax.figure.get_label()
    low, high = ax.get_xlim()
    assert low < 50
    assert high > 100_000
