"""Notebook 04 in the browser: it runs whole, the recorder shows, an edit of the grid is kept."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from browser.screen import Notebook
from mlkit import scoping

NAME = "04_organize_data"
SOURCE = Path(__file__).parents[2] / f"notebooks/{NAME}.ipynb"
OFFLINE = """
import os
for _name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
    os.environ[_name] = "http://127.0.0.1:9"
os.environ["MLKIT_DATA"] = os.path.abspath("data")
"""
RUN_S = 300  # the first sound features compile


def place_of(name: str) -> int:
    cells = json.loads(SOURCE.read_text("utf-8"))["cells"]
    return [cell["id"] for cell in cells].index(name)


def offline(folder: Path) -> Path:
    """The notebook where the server sees it; its first code cell cuts the network."""
    (folder / "data").mkdir()
    notebook = json.loads(SOURCE.read_text("utf-8"))
    setup = notebook["cells"][place_of("setup")]
    setup["source"] = [OFFLINE, *setup["source"]]
    path = folder / f"{NAME}.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    shutil.copy(SOURCE.with_name("00_start_here.ipynb"), folder)
    return path


def show(notebook: Notebook, place: int) -> None:
    script = """n => {
      const content = window.jupyterapp.shell.currentWidget.content;
      content.activeCellIndex = n;
      return content.scrollToItem(n, "start");
    }"""
    notebook.page.evaluate(script, place)


def run_alone(notebook: Notebook, place: int) -> None:
    show(notebook, place)
    notebook.run_cell(place)


@pytest.fixture
def whole(open_notebook, folder) -> Notebook:
    offline(folder)
    notebook = open_notebook(name=NAME)
    notebook.start_all()
    notebook.wait(lambda: notebook.state()["run"] == "done" or notebook.errors(), "the end", RUN_S)
    return notebook


def test_it_runs_and_an_edit_in_the_grid_is_kept_and_counts(whole, folder):
    assert whole.errors() == []
    assert "stand-in" in whole.printed()
    show(whole, place_of("recorder"))
    whole.wait_for(".mlkit-recorder")
    assert "I agree" in whole.page.locator(".mlkit-recorder").last.inner_text()

    kept = folder / "work/inventory.csv"
    assert not kept.exists()
    before = result(whole, "ranked")
    assert "'colleagues read aloud' gives the most usable examples: 1,3" in before
    show(whole, place_of("grid"))
    edit(whole, row=1, text="7000")
    whole.wait(kept.exists, "the edit to be kept")
    table = pd.read_csv(kept, dtype=str, keep_default_na=False)
    column = table.columns.get_loc("amount")
    assert table.iloc[1, column] == "7000"
    assert len(table) == 6

    # The ranking is of what the grid holds, and a new kernel finds the edit again.
    run_alone(whole, place_of("ranked"))
    assert "'colleagues read aloud' gives the most usable examples: 5," in result(whole, "ranked")
    whole.lab.restart(whole.path)
    whole.wait_idle()
    for name in ("setup", "grid"):
        run_alone(whole, place_of(name))
    assert "Your inventory." in whole.printed()
    assert pd.read_csv(kept, dtype=str, keep_default_na=False).equals(table)


def result(notebook: Notebook, name: str) -> str:
    outputs = notebook.content()[place_of(name)]["outputs"]
    return "".join(str(output.get("data", {}).get("text/plain", "")) for output in outputs)


def edit(notebook: Notebook, *, row: int, text: str) -> None:
    """Bring the column amount into view, double-click into it, type, Enter: it is one canvas."""
    grid = notebook.page.locator(".lm-DataGrid-viewport canvas").last
    notebook.wait(lambda: grid.bounding_box() is not None, "the grid")
    box = grid.bounding_box()
    widths = column_widths()
    place = list(widths).index("amount")
    left = sum(list(widths.values())[:place])
    moved = min(600, max(0, sum(widths.values()) - box["width"]))  # as far as it goes
    y = box["y"] + 20 + 26 * (row + 0.5)  # the header, then rows of 26 pixels
    notebook.page.mouse.move(box["x"] + 50, y)
    notebook.page.mouse.wheel(moved, 0)
    notebook.page.wait_for_timeout(300)  # nothing tells that a canvas was drawn anew
    notebook.page.mouse.dblclick(box["x"] + left - moved + widths["amount"] / 2, y)
    editor = notebook.page.locator(".lm-DataGrid-cellEditorContainer input")
    notebook.wait(lambda: editor.count() and editor.input_value() == "1,500", "the cell's editor")
    editor.fill(text)
    editor.press("Enter")


def column_widths() -> dict[str, int]:
    """In the order and width that the notebook gives the grid's columns."""
    inventory = scoping.example_sources()
    first = ["source", "licence", "privacy", "security", "regulation"]
    names = [*first, *(name for name in inventory if name not in first)]
    return {name: 34 + 7 * max(map(len, [name, *inventory[name]])) for name in names}
