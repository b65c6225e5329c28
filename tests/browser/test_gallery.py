"""The README's pictures: taken from the notebooks as they run, never by hand.

``MLKIT_PICTURES=1 python -m pytest tests/browser/test_gallery.py`` takes them anew.
"""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from browser.screen import Notebook, TaggerOnScreen
from browser.test_notebook_04 import OFFLINE

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "notebooks/images"
MOST_KB = 250  # a README that loads at once


def tag_a_few(notebook: Notebook) -> None:
    tagger = TaggerOnScreen(notebook)
    tagger.wait_shown()
    tagger.focus()
    for keys in (["Digit1"], ["Digit2"], [], ["Digit1", "Digit2"], ["Digit3"]):
        tagger.press_and_go_on(*keys, "Enter")
    tagger.press("Digit2")
    tagger.wait_saved()
    tagger.wait_shown()


def play_half_a_year(notebook: Notebook) -> None:
    root = notebook.page.locator(".mlkit-simulator").last
    root.get_by_text("they will be lost").click()
    root.locator(".mlkit-when select").select_option("9")
    root.get_by_role("button", name="Run the half year").click()
    notebook.wait(lambda: root.locator("svg").count(), "the picture")


def until_most_have_labelled(notebook: Notebook) -> None:
    board = notebook.page.locator(".mlkit-board").last
    labels = re.compile(r"([5-9]\d\d) of 900 labels")
    notebook.wait(lambda: labels.search(board.inner_text()), "five hundred labels", 90)


def nothing(notebook: Notebook) -> None:
    """The picture is of the cell as it comes."""


@dataclass(frozen=True)
class Picture:
    name: str
    notebook: str
    cell: str
    act: Callable[[Notebook], None] = nothing
    tallest: int = 900  # of a longer output the upper part
    frame: int = 0  # what a widget draws outside its box: where the keys are heard


GALLERY = [
    Picture("tagger", "06_error_analysis", "tagger", tag_a_few, frame=6),
    Picture("what_to_fix", "06_error_analysis", "report", tallest=560),
    Picture("people_differ", "02_define_data", "lines"),
    Picture("preview", "08_augment_data", "preview", frame=6),
    Picture("simulator", "10_monitor_model", "simulator", play_half_a_year, tallest=1500),
    Picture("class", "12_class_agreement", "rehearsal", until_most_have_labelled),
]


def places(name: str) -> list[str]:
    cells = json.loads((ROOT / f"notebooks/{name}.ipynb").read_text("utf-8"))["cells"]
    return [cell["id"] for cell in cells]


def opened_whole(picture: Picture, folder: Path, open_notebook) -> Notebook:
    """The notebook on the bundled data, run as far as the cell."""
    (folder / "data").mkdir()
    source = ROOT / f"notebooks/{picture.notebook}.ipynb"
    cells = json.loads(source.read_text("utf-8"))
    last = places(picture.notebook).index(picture.cell)
    cells["cells"] = cells["cells"][: last + 1]
    setup = cells["cells"][places(picture.notebook).index("setup")]
    setup["source"] = OFFLINE + "".join(setup["source"])
    (folder / source.name).write_text(json.dumps(cells), encoding="utf-8")
    for beside in source.parent.glob("*.md"):
        shutil.copy(beside, folder)
    notebook = open_notebook(name=picture.notebook)
    notebook.start_all()
    notebook.wait(lambda: notebook.state()["run"] == "done" or notebook.errors(), "the end", 240)
    assert notebook.errors() == []
    return notebook


@pytest.mark.skipif(
    os.environ.get("MLKIT_PICTURES") != "1", reason="takes the README's pictures: MLKIT_PICTURES=1"
)
@pytest.mark.parametrize("picture", GALLERY, ids=lambda picture: picture.name)
def test_take(picture, open_notebook, folder):
    notebook = opened_whole(picture, folder, open_notebook)
    notebook.page.set_viewport_size({"width": 1200, "height": 2400})
    place = places(picture.notebook).index(picture.cell)
    show = """n => {
      const content = window.jupyterapp.shell.currentWidget.content;
      content.activeCellIndex = 0;
      return content.scrollToItem(n, "start");
    }"""
    notebook.page.evaluate(show, place)
    cell = notebook.page.locator(f".jp-Cell[data-windowed-list-index='{place}']").last
    shown = cell.locator(".jp-OutputArea-output").last
    notebook.wait(lambda: shown.count() and shown.bounding_box(), "the output")
    picture.act(notebook)
    notebook.page.mouse.move(0, 0)
    notebook.page.wait_for_timeout(500)  # the last of what is drawn
    box = shown.bounding_box()
    clip = {"x": box["x"] - picture.frame, "y": box["y"] - picture.frame}
    clip["width"] = box["width"] + 2 * picture.frame
    clip["height"] = min(box["height"], picture.tallest) + 2 * picture.frame
    IMAGES.mkdir(exist_ok=True)
    notebook.page.screenshot(path=IMAGES / f"{picture.name}.png", clip=clip)
    notebook.page.set_viewport_size({"width": 1300, "height": 900})


def test_the_readme_shows_each_with_words_for_those_who_do_not_see_it():
    found = re.findall(
        r"!\[([^\]]*)\]\(notebooks/images/(\w+)\.png\)", (ROOT / "README.md").read_text("utf-8")
    )
    assert {name for _, name in found} == {picture.name for picture in GALLERY}
    assert all(len(words) > 40 for words, _ in found)


@pytest.mark.parametrize("picture", GALLERY, ids=lambda picture: picture.name)
def test_each_is_there_and_small(picture):
    path = IMAGES / f"{picture.name}.png"
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert 5_000 < path.stat().st_size < 1000 * MOST_KB
    assert picture.cell in places(picture.notebook)
