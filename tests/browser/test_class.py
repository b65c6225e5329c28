"""A class in JupyterLab: a database that goes away costs nobody a label, and the board keeps up."""

import os
import signal

import pandas as pd
import pytest

from browser.screen import LabelerOnScreen
from browser.test_looks import THEMES, no_violation
from mlkit.tags import Classroom, Journal
from postgres import postgres

READY = ".mlkit-labeler[data-item]"
LEARNER = """
import os
from mlkit.tags import Classroom
from mlkit.widgets import AgreementBoard, Labeler
room = Classroom(open("address.txt").read())
now, journal = room.round(), room.journal("not_used.db")
how = {"show": "text", "journal": journal, "annotator": "amber otter 274"}
labeler = Labeler(now.items, labels=now.labels, guide=now.guide, version=now.name, **how)
labeler
"""
BOARD = """
from mlkit.tags import Classroom
from mlkit.widgets import AgreementBoard
room = Classroom(open("address.txt").read())
AgreementBoard(room, items=room.round().items, show="text", guide="v1", every_s=0.5)
"""
# A class that labels by itself: one label more for each time that it is looked at.
GROWING = """
import threading
import numpy as np, pandas as pd
from mlkit.widgets import AgreementBoard
names = [f"secret-{number:02d}" for number in range(12)]
people = [f"Maria Person {number}" for number in range(9)]
table = pd.DataFrame({"item": np.repeat(names, 9), "annotator": people * 12})
table["label"] = np.random.default_rng(0).choice(["like new", "good", "<b>worn</b>"], len(table))
rng = np.random.default_rng(1)
pictures = rng.integers(0, 255, (12, 90, 60, 3), np.uint8)
items = pd.DataFrame({"item": names, "picture": list(pictures)})
looked = 0
def read():
    global looked
    looked += 1
    return table.head(12 * looked)
before = {thread.name for thread in threading.enumerate()}
board = AgreementBoard(read, items=items, show="picture", every_s=0.5, title="Phones")
board
"""
# JupyterLab itself has one thread for the messages of all widgets.
COUNT = """
now = {thread.name for thread in threading.enumerate() if "subshell" not in thread.name}
print(looked, sorted(now - before))
"""
BOARD_READY = ".mlkit-board[data-labels]:not([data-labels=''])"


@pytest.fixture(scope="module")
def server():
    with postgres() as started:
        yield started


@pytest.fixture
def room(server, folder):
    """A round of forty texts in the database, and its address where the notebooks find it."""
    room = Classroom(server.url)
    if not room.rounds:
        items = pd.DataFrame({"item": [f"phone {number}" for number in range(40)]})
        items["text"] = [f"a scratch of {number / 4:.1f} mm" for number in range(40)]
        classes = ["like new", "good", "worn"]
        room.give_out("v1", items=items, labels=classes, guide="From 3 mm on it is good.")
    (folder / "address.txt").write_text(server.url)
    return room


def texts(page, selector: str) -> str:
    return page.locator(selector).first.inner_text()


def test_a_database_that_goes_away_costs_nobody_a_label(open_notebook, room, server):
    learner = open_notebook(LEARNER, name="learner")
    learner.run_all(READY)
    labeler = LabelerOnScreen(learner)
    labeler.wait_shown()
    labeler.focus()
    for digit in (1, 2, 3, 1, 2):
        labeler.press_and_go_on(f"Digit{digit}")
    labeler.wait_saved()
    board = open_notebook(BOARD, name="board")
    board.run_all(BOARD_READY)
    shown = board.page.locator(".mlkit-board")
    assert shown.get_attribute("data-labels") == "5"

    process = server.process.pid
    server.stop(signal.SIGQUIT)  # at once, by its id, as in a power cut
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    away = "The database is away. What you see is of"
    board.wait(lambda: away in texts(board.page, ".mlkit-state"), "the board's word")
    assert "127.0.0.1" not in shown.inner_text(), "no host on the projector"
    assert "s3cret" not in shown.inner_text()
    learner.page.bring_to_front()
    labeler.focus()
    for digit in (3, 1, 2, 3):
        labeler.press_and_go_on(f"Digit{digit}")
    told = "4 not yet saved: the database is away. They wait in this browser. Go on."
    learner.wait(lambda: told in labeler.says, "four that wait to be shown as waiting")
    assert "cannot be reached" not in labeler.says, "the driver's words are folded"
    labeler.root.locator(".mlkit-save summary").click()
    learner.wait(lambda: "cannot be reached" in labeler.says, "the reason, unfolded")
    labeler.focus()
    assert labeler.pending == 4
    assert "s3cret" not in labeler.root.inner_text()
    assert labeler.done == 9

    server.start()
    learner.wait(lambda: labeler.pending == 0, "the four to arrive by themselves")
    labeler.press_and_go_on("Digit1")
    labeler.wait_saved()
    board.page.bring_to_front()
    board.wait(lambda: shown.get_attribute("data-labels") == "10", "the board to have all ten")
    assert "is away" not in texts(board.page, ".mlkit-state")
    events = Journal(server.url).events()
    given = [room.round().labels[digit - 1] for digit in (1, 2, 3, 1, 2, 3, 1, 2, 3, 1)]
    assert events["value"].tolist() == given
    assert events["id"].is_unique
    assert events["item"].is_unique


def test_labels_wait_through_a_reload_and_a_dead_kernel(
    open_notebook, lab, room, server, needs_proc
):
    journal = Journal(server.url)
    before = len(journal.events())
    learner = open_notebook(LEARNER.replace("amber otter 274", "teal wren 118"), name="learner")
    learner.run_all(READY)
    labeler = LabelerOnScreen(learner)
    labeler.wait_shown()
    labeler.focus()
    labeler.press_and_go_on("Digit1")
    labeler.wait_saved()
    server.stop(signal.SIGQUIT)
    for digit in (2, 3, 2):
        labeler.press_and_go_on(f"Digit{digit}")
    assert labeler.pending == 3
    kernel = lab.kernel(learner.path)
    learner.goto()  # the page is closed and opened again, and the kernel dies
    os.kill(kernel, signal.SIGKILL)
    server.start()
    learner.load_on_new_kernel(kernel)
    learner.run_all(READY)
    labeler = LabelerOnScreen(learner)
    learner.wait(lambda: labeler.done == 4, "the labels of before")
    labeler.wait_saved()
    mine = journal.events(annotator="teal wren 118")
    assert mine["value"].tolist() == ["like new", "good", "worn", "good"]
    assert len(journal.events()) == before + 4


@pytest.fixture
def growing(open_notebook):
    notebook = open_notebook(GROWING, COUNT)
    notebook.start_cell(0)
    notebook.wait_done()
    notebook.wait_for(BOARD_READY)
    return notebook


def count(notebook) -> int:
    return int(notebook.page.locator(".mlkit-board").get_attribute("data-labels"))


def test_it_asks_for_news_until_it_is_stopped_and_leaves_no_thread(growing):
    growing.wait(lambda: count(growing) >= 60, "labels that come by themselves")
    growing.page.locator("[data-action=stop]").click()
    assert "Stopped" in texts(growing.page, ".mlkit-state")
    growing.page.wait_for_timeout(700)  # an answer under way may still come
    stood = count(growing)
    growing.run_cell(1)
    looked = growing.printed()
    growing.page.wait_for_timeout(2000)
    assert count(growing) == stood
    growing.run_cell(1)
    assert growing.printed() == looked, "nobody reads while it is stopped"
    assert looked.split(maxsplit=1)[1].strip() == "[]", "no thread more than before"
    growing.page.locator("[data-action=stop]").click()
    growing.wait(lambda: count(growing) > stood, "news again")
    growing.wait(lambda: count(growing) == 108, "all labels")


def test_it_names_nobody_and_shows_what_is_contested_only_when_asked(growing):
    growing.wait(lambda: count(growing) == 108, "all labels")
    board = growing.page.locator(".mlkit-board")
    assert "9 people · 108 of 108 labels" in board.inner_text()
    assert board.locator(".mlkit-contested figure").count() == 0
    growing.page.locator("[data-action=reveal]").click()
    growing.wait(lambda: board.locator(".mlkit-contested img").count() == 6, "six pictures")
    text = board.inner_text()
    assert "Maria" not in text + board.inner_html()
    assert "secret-" not in board.inner_html()
    assert "<b>worn</b>" in text, "a class is written, not taken for markup"
    first = board.locator(".mlkit-contested figure").first
    width = first.bounding_box()["width"]
    first.locator("button").click()
    assert first.bounding_box()["width"] > 1.8 * width, "a picture grows by a click"
    growing.page.keyboard.press("Enter")  # the button has the focus still
    assert first.bounding_box()["width"] == pytest.approx(width, abs=2)
    growing.page.locator("[data-action=reveal]").click()
    assert not board.locator(".mlkit-contested").is_visible()


def test_axe_finds_no_violation_and_nothing_is_cut_off(growing):
    page, board = growing.page, growing.page.locator(".mlkit-board")
    growing.wait(lambda: count(growing) == 108, "all labels")
    page.locator("[data-action=reveal]").click()
    growing.wait(lambda: board.locator(".mlkit-contested img").count() == 6, "six pictures")
    fits = "root => root.scrollWidth <= root.clientWidth + 1"
    try:
        for theme in THEMES.values():
            growing.change_theme(theme)
            for width in (700, 1600):
                page.set_viewport_size({"width": width, "height": 900})
                growing.wait(lambda: board.evaluate(fits), "the board to fit into its cell")
                no_violation(page, ".mlkit-board")
                for button in board.locator("button:visible").all():
                    box = button.bounding_box()
                    assert min(box["width"], box["height"]) >= 24, "too small for a finger"
    finally:
        page.set_viewport_size({"width": 1300, "height": 900})
        growing.change_theme(THEMES["light"])


def test_it_fills_the_big_screen_in_large_type(growing):
    page, board = growing.page, growing.page.locator(".mlkit-board")
    small = float(board.locator("h2").evaluate("n => parseFloat(getComputedStyle(n).fontSize)"))
    page.set_viewport_size({"width": 1920, "height": 1080})
    try:
        page.locator("[data-action=full]").click()
        growing.wait(lambda: board.bounding_box()["width"] == 1920, "the full screen")
        size = board.locator("h2").evaluate("n => parseFloat(getComputedStyle(n).fontSize)")
        assert size >= max(36, 1.3 * small)
        growing.wait(lambda: count(growing) == 108, "all labels")
        page.locator("[data-action=reveal]").click()
        picture = board.locator(".mlkit-contested img").first
        growing.wait(lambda: board.locator(".mlkit-contested img").count() == 6, "six pictures")
        picture.click()
        assert picture.bounding_box()["height"] > 850, "nearly as high as the screen"
        picture.click()
        assert picture.bounding_box()["height"] < 400
        page.locator("[data-action=full]").click()
        growing.wait(lambda: board.bounding_box()["width"] < 1900, "the cell again")
    finally:
        page.set_viewport_size({"width": 1300, "height": 900})
