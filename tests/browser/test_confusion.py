"""A click on the confusion matrix chooses what the Tagger shows."""

import json

import pandas as pd
import pytest

from browser.screen import READY, TaggerOnScreen
from browser.test_looks import THEMES, no_violation

pytestmark = pytest.mark.usefixtures("one_kernel")

TABLE = """
import pandas as pd
predictions = pd.read_pickle("table.pickle")
"""
BOTH = """
from IPython.display import display
from mlkit.widgets import Confusion, Tagger
tagger = Tagger(predictions, show="text", tags=["noise"])
confusion = Confusion(predictions, tagger=tagger)
display(confusion, tagger)
"""
ASK = """
import json
print(json.dumps([confusion.expression, predictions.query(confusion.expression)["item"].tolist(),
                  predictions[confusion.mask]["item"].tolist()]))
"""


@pytest.fixture
def table(folder):
    labels = ["cat", "cat", "cat", "dog", "dog", 'it\'s a "cow"', "dog"] * 4
    said = ["dog", "dog", "cat", "cat", "dog", "dog", 'it\'s a "cow"'] * 4
    items = [f"item {number:02d}" for number in range(len(labels))]
    texts = [f"text of {item}" for item in items]
    made = pd.DataFrame({"item": items, "label": labels, "prediction": said, "text": texts})
    made.to_pickle(folder / "table.pickle")
    return made


@pytest.fixture
def notebook(open_notebook, table):
    notebook = open_notebook(TABLE, BOTH, ASK)
    notebook.run_cell(0)
    notebook.run_cell(1)
    notebook.wait_for(".mlkit-confusion button")
    notebook.wait_for(READY)
    return notebook


def cell(notebook, label: str, prediction: str):
    """The button of a cell, found by what a screen reader would say."""
    names = notebook.page.locator(".mlkit-confusion thead th[scope='col']").all_inner_texts()
    rows = notebook.page.locator(".mlkit-confusion tbody tr")
    row = [text.strip() for text in rows.locator("th").all_inner_texts()].index(label)
    return rows.nth(row).locator("td").nth([n.strip() for n in names].index(prediction))


def test_the_counts_are_those_of_the_table(notebook, table):
    expected = pd.crosstab(table["label"], table["prediction"])
    for label in expected.index:
        for prediction in expected.columns:
            text = cell(notebook, label, prediction).inner_text().strip()
            assert int(text or 0) == expected.loc[label, prediction]


@pytest.mark.parametrize(("label", "prediction"), [("cat", "dog"), ('it\'s a "cow"', "dog")])
def test_a_click_filters_the_tagger_and_shows_the_expression(notebook, table, label, prediction):
    chosen = table[(table["label"] == label) & (table["prediction"] == prediction)]["item"]
    cell(notebook, label, prediction).locator("button").click()
    tagger = TaggerOnScreen(notebook)
    wanted = str(len(chosen))
    notebook.wait(lambda: tagger.root.get_attribute("data-total") == wanted, "the filter")
    notebook.wait(lambda: tagger.item in set(chosen), "an item of the cell")
    tagger.focus()
    for place in range(len(chosen)):
        notebook.wait(lambda: tagger.item in set(chosen), "an item of the cell")
        tagger.press("Enter")
        notebook.wait(lambda done=place + 1: tagger.done == done, "the item to be done")
    notebook.wait(lambda: "items are done" in tagger.root.inner_text(), "a word at the end")
    tagger.wait_saved()
    shown = notebook.page.locator(".mlkit-expression").inner_text()
    notebook.run_cell(2)
    expression, by_query, by_mask = json.loads(notebook.printed())
    assert shown == expression
    assert by_query == by_mask == list(chosen)


def test_a_click_filters_while_a_cell_runs(open_notebook, table, folder):
    busy = "import pathlib, time\nwhile not pathlib.Path('enough').exists():\n    time.sleep(0.05)"
    notebook = open_notebook(TABLE, BOTH, "confusion.choose(label='dog')", busy)
    notebook.run_cell(0)
    notebook.run_cell(1)
    notebook.wait_for(READY)
    notebook.run_cell(2)  # the cell's own thread was the last to speak to the matrix
    notebook.start_cell(3)
    notebook.wait(lambda: notebook.state()["status"] == "busy", "the cell to run")
    tagger = TaggerOnScreen(notebook)
    cell(notebook, "cat", "dog").locator("button").click()
    notebook.wait(lambda: tagger.root.get_attribute("data-total") == "8", "the filter")
    assert notebook.state()["run"] == "running"
    (folder / "enough").touch()
    notebook.wait_done()


def test_a_second_click_lets_go(notebook, table):
    tagger = TaggerOnScreen(notebook)
    everything = tagger.root.get_attribute("data-total")
    button = cell(notebook, "cat", "dog").locator("button")
    button.click()
    notebook.wait(lambda: tagger.root.get_attribute("data-total") == "8", "the filter")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    notebook.wait(lambda: tagger.root.get_attribute("data-total") == everything, "all errors")
    assert button.get_attribute("aria-pressed") == "false"


def test_the_matrix_is_used_with_the_keys_and_the_notebook_never_hears(notebook):
    before = notebook.cells()
    notebook.page.locator(".mlkit-confusion button[tabindex='0']").focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("Enter")
    pressed = notebook.page.locator(".mlkit-confusion button[aria-pressed='true']")
    notebook.wait(lambda: pressed.count() == 1, "the cell to be chosen")
    for key in ("a", "b", "d", "d", "x", "m", "0", "0", "z", "Escape"):
        notebook.page.keyboard.press(key)
    assert notebook.cells() == before


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_no_violation(notebook, theme):
    try:
        notebook.change_theme(THEMES[theme])
        no_violation(notebook.page, ".mlkit-confusion")
        cell(notebook, "cat", "dog").locator("button").click()
        notebook.wait_for(".mlkit-confusion button[aria-pressed='true']")
        no_violation(notebook.page, ".mlkit-confusion")
    finally:
        notebook.change_theme(THEMES["light"])
