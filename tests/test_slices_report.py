import pandas as pd
import pytest

from mlkit import slices

# slice, accuracy, HLP, share of data: the speech example of the course
COURSE = [
    ("clean speech", 0.94, 0.95, 0.60),
    ("car noise", 0.89, 0.93, 0.04),
    ("people noise", 0.87, 0.89, 0.30),
    ("low bandwidth", 0.70, 0.70, 0.06),
]


def speech(n=10_000):
    """Items with exactly the counts of the course's table."""
    kind, label = [], []
    for name, accuracy, _, share in COURSE:
        rows = round(n * share)
        right = round(rows * accuracy)
        kind += [name] * rows
        label += ["1"] * right + ["0"] * (rows - right)
    items = [f"clip {i}" for i in range(len(kind))]
    predictions = pd.DataFrame({"item": items, "label": label, "prediction": "1", "kind": kind})
    hlp = pd.DataFrame(COURSE, columns=["slice", "accuracy", "hlp", "share"]).assign(n=400)
    return predictions, hlp[["slice", "hlp", "n"]]


def by_kind(predictions):
    return slices.memberships(
        predictions, conditions={name: f"kind == '{name}'" for name, *_ in COURSE}
    )


@pytest.fixture(scope="module")
def course():
    predictions, hlp = speech()
    return slices.report(predictions, by_kind(predictions), hlp=hlp)


def test_the_four_rows_of_the_course(course):
    table = course.table.set_index("slice")
    for name, accuracy, hlp, share in COURSE:
        assert table.loc[name, "accuracy"] == pytest.approx(accuracy)
        assert table.loc[name, "share_of_data"] == pytest.approx(share)
        assert table.loc[name, "gap"] == pytest.approx(hlp - accuracy)
    gains = 100 * table["possible_gain"]
    assert gains["clean speech"] == pytest.approx(0.6)
    assert gains["car noise"] == pytest.approx(0.16)
    assert gains["people noise"] == pytest.approx(0.6)
    assert gains["low bandwidth"] == pytest.approx(0, abs=1e-9)


def test_low_bandwidth_is_last_though_it_has_many_of_the_errors(course):
    assert course.table["slice"].iloc[-1] == "low bandwidth"
    shares = course.table.set_index("slice")["share_of_errors"]
    assert shares["low bandwidth"] > 3 * shares["car noise"]
    assert shares.sum() == pytest.approx(1)
