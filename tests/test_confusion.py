"""The confusion matrix: what it counts, and the filter its cells stand for."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from mlkit._tables import TableError
from mlkit.widgets import Confusion, Tagger
from mlkit.widgets.confusion import literal

ODD = ["plain", "it's", 'say "hi"', "both ' and \"", "back`tick", "a\\b", "line\nbreak", "@x", "é"]


def predictions(labels, predicted, **columns) -> pd.DataFrame:
    items = [f"item {number}" for number in range(len(labels))]
    return pd.DataFrame({"item": items, "label": labels, "prediction": predicted} | columns)


@pytest.fixture
def some():
    rng = np.random.default_rng(0)
    return predictions(rng.choice(list("abc"), 200), rng.choice(list("abcd"), 200))


def test_the_counts_are_those_of_scikit_learn(some):
    confusion = Confusion(some)
    assert confusion.names == ["a", "b", "c", "d"]
    expected = confusion_matrix(some["label"], some["prediction"], labels=confusion.names)
    assert confusion.counts == expected.tolist()


@pytest.mark.parametrize("label", ODD)
@pytest.mark.parametrize("prediction", ODD)
def test_the_expression_pasted_into_pandas_gives_the_mask(label, prediction):
    both = [(a, b) for a in ODD for b in ODD]
    table = predictions([a for a, _ in both], [b for _, b in both])
    table["a column `with` quotes'"] = 1
    confusion = Confusion(table)
    confusion.choose(label=label, prediction=prediction)
    chosen = table.query(confusion.expression)
    assert chosen[["label", "prediction"]].to_numpy().tolist() == [[label, prediction]]
    assert table[confusion.mask].equals(chosen)


@pytest.mark.parametrize(
    "values", [[1, 2, 10], [1.5, 2.0, -3.0], [True, False, True], np.array([3, 8, 11], np.int8)]
)
def test_numbers_and_truth_values_are_no_text(values):
    table = predictions(list(values), list(values)[::-1])
    confusion = Confusion(table)
    confusion.choose(label=values[0], prediction=values[-1])
    assert table.query(confusion.expression).equals(table[confusion.mask])
    assert confusion.mask.any()


def test_the_wording_of_the_expression(some):
    confusion = Confusion(some)
    assert confusion.expression == ""
    assert confusion.mask.all()
    confusion.choose(label="a", prediction="b")
    assert confusion.expression == 'label == "a" and prediction == "b"'
    confusion.choose(label="a")
    assert confusion.expression == 'label == "a"'
    confusion.choose(prediction="d")
    assert confusion.expression == 'prediction == "d"'
    confusion.choose()
    assert confusion.expression == ""
    assert literal(np.str_("x")) == '"x"'
    with pytest.raises(ValueError, match="there is no class 'z' here; the first classes are 'a'"):
        confusion.choose(label="z")


def test_the_mask_has_the_index_of_the_table_given(some):
    table = some.set_axis(np.arange(len(some)) * 7 + 3)
    confusion = Confusion(table)
    confusion.choose(label="a", prediction="b")
    assert confusion.mask.index.equals(table.index)
    assert set(table[confusion.mask]["label"]) == {"a"}


def test_classes_are_sorted_as_people_count():
    table = predictions(["class 10", "class 2", "Class 1"], ["class 2", "class 10", "class 2"])
    assert Confusion(table).names == ["Class 1", "class 2", "class 10"]


def test_missing_labels_are_left_out_and_told():
    table = predictions(["a", None, "b"], ["b", "b", None])
    confusion = Confusion(table)
    assert sum(map(sum, confusion.counts)) == 1
    assert confusion.remark == "2 rows without a label or a prediction left out."
    confusion.choose(label="a", prediction="b")
    assert confusion.mask.tolist() == [True, False, False]
    with pytest.raises(TableError, match="at least one row with both"):
        Confusion(predictions([None], [None]))
    with pytest.raises(TableError, match=r"Confusion\(\) needs the columns"):
        Confusion(table.drop(columns="label"))


def test_of_very_many_classes_those_with_the_most_errors_are_shown():
    labels = [f"c{number}" for number in range(300)]
    wrong = [f"c{(number + 1) % 300}" if number < 30 else f"c{number}" for number in range(300)]
    confusion = Confusion(predictions(labels, wrong))
    assert len(confusion.names) <= 60
    assert {f"c{number}" for number in range(30)} <= set(confusion.names)
    assert "300 classes with the most errors" in confusion.remark


def test_a_click_narrows_the_tagger_and_a_second_one_lets_go(some, tmp_path):
    tagger = Tagger(some, show=None, tags=["x"], journal=tmp_path / "journal.db")
    confusion = Confusion(some, tagger=tagger)
    whole = tagger.queue
    # As the front end does it: the chosen cell is set, by the message of a widget.
    confusion.set_state({"chosen": [0, 1]})
    narrowed = some[(some["label"] == "a") & (some["prediction"] == "b")]
    assert set(tagger.queue["item"]) == set(narrowed["item"])
    confusion.set_state({"chosen": [0, 0]})
    assert len(tagger.queue) == 0, "correct items were not queued"
    confusion.set_state({"chosen": [-1, -1]})
    assert tagger.queue.equals(whole)


def test_without_a_front_end_there_is_a_line_on_what_to_do(some):
    confusion = Confusion(some)
    confusion.choose(label="a")
    text = confusion._repr_mimebundle_()[0]["text/plain"]
    assert text.startswith('Confusion: 4 classes, label == "a". To choose, run this cell in')
