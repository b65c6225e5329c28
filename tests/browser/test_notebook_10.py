"""Notebook 10 in the browser: it runs whole, the grid keeps a failure, the sliders answer."""

import json
from pathlib import Path

import pandas as pd
import pytest

from browser.screen import Notebook
from browser.test_notebook_04 import OFFLINE, show

NAME = "10_monitor_model"
SOURCE = Path(__file__).parents[2] / f"notebooks/{NAME}.ipynb"
RUN_S = 400  # the first sound features compile, and a cluster starts
SIMULATOR = ".mlkit-simulator"
# What a person could write in the grid: the same edit in Python is kept in the same file.
MY_FAILURE = "grid.set_cell_value('failure', 0, 'the line to the depot is cut')"


def place_of(name: str) -> int:
    cells = json.loads(SOURCE.read_text("utf-8"))["cells"]
    return [cell["id"] for cell in cells].index(name)


def cell(opened: Notebook, name: str):
    show(opened, place_of(name))
    return opened.page.locator(".jp-Cell").nth(place_of(name))


@pytest.fixture
def whole(open_notebook, folder) -> Notebook:
    """The notebook run to its end, cut off from the network, with two cells more to run."""
    (folder / "data").mkdir()
    notebook = json.loads(SOURCE.read_text("utf-8"))
    notebook["cells"][place_of("setup")]["source"] = (
        OFFLINE + "\n" + notebook["cells"][place_of("setup")]["source"]
    )
    for name, source in (("again", ""), ("edit", "")):
        more = {"cell_type": "code", "id": name, "metadata": {}, "source": source}
        notebook["cells"].append(more | {"execution_count": None, "outputs": []})
    notebook["cells"][-2]["source"] = notebook["cells"][place_of("cluster")]["source"]
    notebook["cells"][-1]["source"] = MY_FAILURE
    for link in ("01_scoping", NAME):
        (folder / f"{link}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    opened = open_notebook(name=NAME)
    opened.start_all()
    done = lambda: opened.state()["run"] == "done" or opened.errors()  # noqa: E731  said once
    opened.wait(done, "the end", RUN_S)
    assert not opened.errors()
    return opened


@pytest.mark.timeout(700)
def test_it_runs_whole_the_grid_keeps_a_failure_and_the_sliders_answer(whole, folder):
    # The cluster was closed, and started once more by the cell that came after.
    assert whole.printed().count("As on one machine: True") == 2
    kept = folder / "work/failures.csv"
    whole.wait(kept.exists, "the failures to be kept")
    assert pd.read_csv(kept)["failure"][0] == "the line to the depot is cut"
    a_slider_changes_the_picture(whole, "rings-picture", "60 rows")
    a_slider_changes_the_picture(whole, "late-picture", "Accuracy")
    a_slider_changes_the_picture(whole, "feedback-picture", "is said again")
    the_simulator_answers(whole)
    whole.page.screenshot(path=folder / "simulator.png")


def a_slider_changes_the_picture(whole: Notebook, name: str, words: str) -> None:
    here = cell(whole, name)
    said = lambda: here.locator("img").first.get_attribute("alt")  # noqa: E731  read anew each time
    whole.wait(lambda: here.locator("img").count(), f"the picture of {name}")
    first = said()
    assert words in first
    if here.locator(".noUi-handle").count():
        handle = here.locator(".noUi-handle").first
        handle.focus()
        handle.press("PageUp")
    else:
        here.locator("select").first.select_option("400" if "400" in here.inner_text() else "500")
    whole.wait(lambda: said() != first, f"another picture of {name}")


def the_simulator_answers(whole: Notebook) -> None:
    here = cell(whole, "simulator")
    whole.wait(lambda: here.locator(SIMULATOR).count(), "the simulator")
    text = here.locator(SIMULATOR).inner_text()
    assert "labels" in text
    assert not whole.errors()
