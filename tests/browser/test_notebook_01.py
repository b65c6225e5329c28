"""Notebook 01 in JupyterLab: tables edited by hand, kept on disk, and what follows from them."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from mlkit import scoping

HERE = Path(__file__).parents[2] / "notebooks"
NAME = "01_scoping"
ROW = 24  # height of a row and of the heading, in pixels


class Grid:
    """A grid of the notebook: a canvas, so a cell is found by where it is."""

    def __init__(self, notebook, place):
        self.notebook, self.page = notebook, notebook.page
        show = "n => window.jupyterapp.shell.currentWidget.content.scrollToItem(n, 'start')"
        self.page.evaluate(show, place)
        cell = f".jp-Notebook .jp-Cell[data-windowed-list-index='{place}'] .lm-DataGrid"
        self.root = self.page.locator(cell).first
        self.root.wait_for()
        # Cells above it may still grow and push it away.
        notebook.wait(self.settled, "the grid to be on screen and to stay where it is")

    def settled(self):
        self.root.scroll_into_view_if_needed()
        before = self.root.bounding_box()
        self.page.wait_for_timeout(300)
        return before == self.root.bounding_box()

    def at(self, x, row):
        box = self.root.bounding_box()
        return box["x"] + x, box["y"] + ROW * row + 20 + ROW / 2

    def type(self, x, row, text, *, end="Enter"):
        self.page.mouse.dblclick(*self.at(x, row))
        editor = self.page.locator(".lm-DataGrid input, .lm-DataGrid textarea").first
        editor.wait_for()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)
        self.page.keyboard.press(end)


def place_of(notebook, start):
    return next(n for n, (_, source) in enumerate(notebook.cells()) if source.startswith(start))


def run_all(notebook):
    """Every cell of a whole notebook takes its time where others work too."""
    notebook.start_all()
    notebook.wait(lambda: notebook.state()["run"] == "done", "all cells to run", 180)
    assert not notebook.errors()


@pytest.fixture
def opened(open_notebook, folder):
    shutil.copy(HERE / f"{NAME}.ipynb", folder)
    return open_notebook(name=NAME)


def kept(path, column):
    """What stands on disk in the first row, or None before the first edit."""
    return pd.read_csv(path)[column].iloc[0] if path.exists() else None


def test_an_edit_is_on_disk_at_once_survives_a_new_kernel_and_changes_what_follows(opened, folder):
    run_all(opened)
    path = folder / "work/scoping/example/milestones.csv"
    before = scoping.read_card(folder / "work/project.json")
    place = place_of(opened, "milestones = edit")
    grid = Grid(opened, place)
    assert not path.exists()
    likely_high = 30 + 6 * 29 + 2.5 * 84  # the third of the numbers, behind the name
    grid.type(likely_high, 0, "40")
    opened.wait(lambda: kept(path, "high") == 40, "the edit on disk")
    assert not list(path.parent.glob("*.part"))

    opened.lab.restart(opened.path)
    opened.wait_idle()
    run_all(opened)
    after = scoping.read_card(folder / "work/project.json")
    assert before.milestones["high"].iloc[0] == 4
    assert after.milestones["high"].iloc[0] == 40
    assert after.says["milestones"] != before.says["milestones"]
    assert after.example


def test_by_keyboard_within_the_grid_in_the_dark_theme_and_the_page_is_shown(opened, folder):
    run_all(opened)
    path = folder / "work/scoping/example/scores.csv"
    press = opened.page.keyboard.press
    opened.change_theme("JupyterLab Dark")
    try:
        grid = Grid(opened, place_of(opened, "scores = edit"))
        opened.wait(lambda: darkest(grid) < 80, "a dark ground in the grid")
        opened.page.mouse.click(*grid.at(40, 0))  # selects; the rest is typed
        for _ in range(6):
            press("ArrowRight")
        opened.page.keyboard.type("1")
        press("Escape")  # keeps nothing
        press("ArrowDown")
        opened.page.keyboard.type("2")
        press("Enter")
        opened.wait(path.exists, "the edit on disk")
        assert pd.read_csv(path)["value"].head(2).tolist() == [5, 2]
    finally:
        opened.change_theme("JupyterLab Light")
    show = "n => window.jupyterapp.shell.currentWidget.content.scrollToItem(n, 'start')"
    opened.page.evaluate(show, place_of(opened, "words = dict"))
    page = opened.page.locator(".jp-RenderedMarkdown h1", has_text="Bay numbers by voice")
    page.first.wait_for()


def test_a_table_of_ones_own_becomes_the_card(opened, folder):
    own = folder / "work/scoping/mine"
    own.mkdir(parents=True)
    tables = scoping.example_tables()
    tables["project"].assign(text=["Mine", "It hurts.", "Heal it."]).to_csv(
        own / "project.csv", index=False
    )
    tables["targets"].head(1).to_csv(own / "targets.csv", index=False)
    run_all(opened)
    card = scoping.read_card(folder / "work/project.json")
    assert (card.name, card.example) == ("Mine", False)
    assert card.targets["metric"].tolist() == ["accuracy"]
    assert "what it costs" in card.open
    # Run once more: the example, which comes earlier, does not write over it.
    opened.run_cell(place_of(opened, "words = dict"))
    assert scoping.read_card(folder / "work/project.json").name == "Mine"


def darkest(grid):
    """Brightness (0 to 255) of what most of the grid's first canvas is painted with."""
    script = """node => {
      const canvas = node.querySelector("canvas");
      const data = canvas.getContext("2d").getImageData(0, 0, 300, 120).data;
      const seen = [];
      for (let i = 0; i < data.length; i += 4) seen.push((data[i] + data[i+1] + data[i+2]) / 3);
      return seen.sort((a, b) => a - b)[seen.length >> 1];
    }"""
    return grid.root.evaluate(script)
