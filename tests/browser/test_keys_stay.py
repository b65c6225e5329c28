"""What is typed in the Tagger stays there: JupyterLab's own shortcuts never hear of it."""

import string

import pytest

from browser.screen import TaggerOnScreen
from mlkit.tags import Journal

pytestmark = pytest.mark.usefixtures("one_kernel")

LOAD = 'import pandas as pd\npredictions = pd.read_csv("predictions.csv", dtype=str)'
TAGGER = """
from mlkit.widgets import Tagger
Tagger(predictions, show="path", tags=["blur", "dark"], journal="journal.db")
"""
KEYS = [
    *string.ascii_lowercase,
    *(f"Shift+Key{letter}" for letter in string.ascii_uppercase),
    *(f"Digit{digit}" for digit in range(10)),
    *(f"Shift+Digit{digit}" for digit in range(10)),
    *("Enter", "Shift+Enter", "Control+Enter", "Alt+Enter", "Escape", "Backspace", "Delete"),
    *("ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Shift+ArrowDown", "PageDown", "Home"),
    *(*"[]{},.;-=/", "Space", "Control+KeyZ", "Control+KeyM", "Control+Shift+Minus"),
]
PAIRS = [("d", "d"), ("0", "0"), ("i", "i"), ("Escape", "x"), ("Escape", "a"), ("Escape", "b")]


@pytest.fixture(params=["lab", "notebook"])
def notebook(open_notebook, folder, predictions, request):
    predictions.to_csv(folder / "predictions.csv", index=False)
    cells = ("%% markdown\n# Before", LOAD, TAGGER, "after = 1", "%% markdown\nAfter")
    notebook = open_notebook(*cells, application=request.param)
    notebook.run_all()
    return notebook


def facts(notebook) -> dict:
    state, cells = notebook.state(), notebook.content()
    session = notebook.lab.session(notebook.path)
    return {
        "cells": [(cell["cell_type"], cell["source"]) for cell in cells],
        "counts": [cell.get("execution_count") for cell in cells],
        "mode": state["mode"],
        "active": state["active"],
        "kernel": (session["kernel"]["id"], notebook.lab.process(session)),
        "dialogs": notebook.page.locator(".jp-Dialog").count(),
    }


def test_no_key_reaches_the_notebook(notebook):
    tagger = TaggerOnScreen(notebook)
    tagger.focus()  # which makes its cell the active one
    before = facts(notebook)
    for keys in [*((key,) for key in KEYS), *PAIRS]:
        tagger.focus()
        tagger.press(*keys)
        assert facts(notebook) == before, f"{keys} was heard outside the Tagger"
        tagger.press("Escape", "Escape")
    for action in ("note", "new-tag"):
        tagger.focus()
        tagger.button(action).click()
        tagger.press(*string.ascii_lowercase, *string.digits, "Backspace", "d", "d", "ArrowLeft")
        assert facts(notebook) == before, f"typing in the field of {action} was heard outside"
        field = notebook.page.locator(":focus")
        assert field.input_value() == string.ascii_lowercase + string.digits[:-1] + "dd"
        tagger.press("Escape")


def test_tab_leaves_the_tagger(notebook):
    inside = "() => !!document.activeElement.closest('.mlkit-tagger')"
    tagger = TaggerOnScreen(notebook)
    for key in ("Tab", "Shift+Tab"):
        tagger.focus()
        assert notebook.page.evaluate(inside)
        pressed = 0
        while notebook.page.evaluate(inside):
            tagger.press(key)
            pressed += 1
            assert pressed < 60, f"{key} stays inside"


def test_a_key_held_with_control_is_the_browsers(notebook, folder):
    tagger = TaggerOnScreen(notebook)
    tagger.focus()
    item = tagger.item
    tagger.press("Control+KeyN", "Control+KeyF", "Control+Digit1", "Alt+Digit1", "Meta+KeyT")
    assert tagger.item == item
    assert tagger.on() == []
    events = Journal(folder / "journal.db").events()
    assert events.empty, "a shortcut of the browser was taken for a tag"
