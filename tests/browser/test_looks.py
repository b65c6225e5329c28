"""Readable for everyone: axe-core, both themes, narrow and wide."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from browser.screen import TaggerOnScreen

pytestmark = pytest.mark.usefixtures("one_kernel")

LOAD = 'import pandas as pd\npredictions = pd.read_csv("predictions.csv", dtype=str)'
TAGGER = """
from mlkit.widgets import Tagger
Tagger(predictions, show="path", tags=["blur", "dark"], journal="journal.db")
"""
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def no_violation(page, selector: str) -> None:
    found = Axe().run(page, context=selector)
    assert found.response["passes"], f"axe-core looked at nothing in {selector}"
    assert found.violations_count == 0, found.generate_report()


@pytest.fixture
def tagger(open_notebook, folder, predictions):
    predictions.to_csv(folder / "predictions.csv", index=False)
    notebook = open_notebook(LOAD, TAGGER)
    notebook.run_all()
    view = TaggerOnScreen(notebook)
    view.wait_shown()
    yield view
    notebook.change_theme(THEMES["light"])


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_no_violation(tagger, theme):
    tagger.notebook.change_theme(THEMES[theme])
    no_violation(tagger.page, ".mlkit-tagger")
    tagger.focus()
    tagger.press_and_go_on("Digit1", "Enter")
    tagger.press("Digit1", "f", "w")
    tagger.wait_saved()
    no_violation(tagger.page, ".mlkit-tagger")
    for key in ("n", "t", "?"):
        tagger.focus()
        tagger.press(key)
        no_violation(tagger.page, ".mlkit-tagger")
        tagger.press("Escape")


@pytest.mark.parametrize(("width", "least", "most"), [(700, 250, 400), (1600, 900, 1300)])
def test_nothing_is_cut_off_narrow_or_wide(tagger, width, least, most):
    tagger.page.set_viewport_size({"width": width, "height": 900})
    try:
        tagger.notebook.wait(
            lambda: tagger.root.evaluate("root => root.scrollWidth <= root.clientWidth + 1"),
            "the Tagger to fit into its cell",
        )
        room = tagger.root.bounding_box()
        assert least < room["width"] < most, "JupyterLab itself leaves another room"
        for button in tagger.root.locator("button:visible").all():
            box = button.bounding_box()
            assert box["x"] >= room["x"] - 1
            assert box["x"] + box["width"] <= room["x"] + room["width"] + 1
            assert min(box["width"], box["height"]) >= 24, "too small for a finger"
    finally:
        tagger.page.set_viewport_size({"width": 1300, "height": 900})


def test_the_focus_can_be_seen(tagger):
    look = (
        "root => { const s = getComputedStyle(root); return [s.outline, s.boxShadow, s.border]; }"
    )
    tagger.page.locator(".jp-Notebook").click(position={"x": 5, "y": 5})
    before = tagger.root.evaluate(look)
    tagger.focus()
    assert tagger.root.evaluate(look) != before
