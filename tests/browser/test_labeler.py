"""Labelling in the browser: nothing lost, blind, in time, and readable for everyone."""

import os
import signal

import numpy as np
import pandas as pd
import pytest

from browser.screen import LabelerOnScreen
from browser.test_looks import THEMES, no_violation
from mlkit import baselines
from mlkit.tags import BROKEN, FLAGGED, Journal

pytestmark = pytest.mark.usefixtures("one_kernel")

READY = ".mlkit-labeler[data-item]"
LOAD = 'import pandas as pd\nitems = pd.read_csv("items.csv", dtype=str)'
CLASSES = ["shirt", "hat", "shoes"]
LABELER = """
from mlkit.widgets import Labeler
labeler = Labeler(items, show="path", labels=["shirt", "hat", "shoes"], {more})
labeler
"""


@pytest.fixture
def items(folder, predictions):
    """Forty pictures whose names and columns hold the answer."""
    table = predictions.head(40).copy()
    table["item"] = table["label"] + "/" + table["item"]
    table.to_csv(folder / "items.csv", index=False)
    return table


@pytest.fixture
def start(open_notebook, items):
    def start_it(more: str = "", *, name: str = "work", **how) -> LabelerOnScreen:
        notebook = open_notebook(LOAD, LABELER.format(more=more), name=name, **how)
        notebook.run_all(READY)
        labeler = LabelerOnScreen(notebook)
        labeler.wait_shown()
        labeler.focus()
        return labeler

    return start_it


@pytest.fixture
def journal(folder):
    return Journal(folder / "journal.db")


def give(labeler: LabelerOnScreen, digits: list[int], given: dict[str, str]) -> None:
    """Label what comes with these keys; no look comes twice."""
    for digit in digits:
        look = labeler.press_and_go_on(f"Digit{digit}")
        assert look not in given, f"{look} was shown twice"
        given[look] = CLASSES[digit - 1]


def in_order(journal: Journal, annotator: str = "me") -> list[tuple[str, float]]:
    events = journal.events(annotator=annotator)
    return list(events[["value", "duration_s"]].itertuples(index=False, name=None))


@pytest.mark.usefixtures("own_page")  # one that lies on disk
def test_forty_items_by_keyboard_with_a_reload_in_the_middle(start, lab, journal, items):
    labeler, given = start(), {}
    notebook = labeler.notebook
    notebook.reach_by_keyboard(".mlkit-labeler")
    digits = [1 + number * number % 3 for number in range(40)]
    give(labeler, digits[:20], given)
    following = labeler.item
    labeler.wait_saved()
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.load()
    notebook.run_all(READY)
    labeler = LabelerOnScreen(notebook)
    notebook.wait(lambda: labeler.done == 20, "the labels of before the reload")
    assert labeler.item == following
    labeler.wait_shown()
    labeler.focus()
    give(labeler, digits[20:39], given)
    last = labeler.item
    labeler.press(f"Digit{digits[39]}")
    notebook.wait(lambda: "All 40 items are labelled" in labeler.root.inner_text(), "the end")
    assert last not in given
    labeler.wait_saved()
    events = journal.events()
    assert events["value"].tolist() == [CLASSES[digit - 1] for digit in digits]
    assert events["item"].is_unique
    assert set(events["item"]) == set(items["item"])
    assert (events["kind"] == "label").all()
    assert events["duration_s"].between(0, 60).all()
    assert len(journal.annotations()) == 40


def test_labels_given_at_a_killed_kernel_are_kept(start, open_notebook, lab, journal, needs_proc):
    labeler, given = start(), {}
    notebook = labeler.notebook
    give(labeler, [1, 2, 3], given)
    labeler.wait_saved()
    kernel = lab.kernel(notebook.path)
    os.kill(kernel, signal.SIGSTOP)
    give(labeler, [1, 2, 3, 1], given)
    following = labeler.item
    assert labeler.pending == 4
    notebook.goto()  # the page is loaded again while the kernel hangs
    os.kill(kernel, signal.SIGKILL)
    notebook.load_on_new_kernel(kernel)
    notebook.run_all(READY)
    labeler = LabelerOnScreen(notebook)
    labeler.wait_saved()
    notebook.wait(lambda: labeler.done == 7, "the labels given while the kernel was frozen")
    notebook.wait(lambda: labeler.item == following, "the place where one was")
    events = journal.events()
    assert events["value"].tolist() == list(given.values())
    assert events["id"].is_unique


def test_two_people_on_one_journal(start, journal, items):
    """Two notebooks, two kernels, in turns; then the figure a notebook shows, by hand."""
    views = [start("annotator='ada'"), start("annotator='bo', rng=1", name="other")]
    ours: list[dict[str, str]] = [{}, {}]
    for number in range(40):
        for person, view in enumerate(views):
            view.page.bring_to_front()
            view.focus()
            digit = 1 + (number % 3 if person == 0 else number % 2)
            before = view.item
            ours[person][before] = CLASSES[digit - 1]
            view.press(f"Digit{digit}")
            view.notebook.wait(lambda v=view, n=number: v.done == n + 1, "the label")
    for view in views:
        view.wait_saved()
    a = journal.annotations()
    assert len(a) == 80
    spread = a.groupby("annotator")
    table = pd.DataFrame({who: rows.set_index("item")["label"] for who, rows in spread})
    assert set(table.index) == set(items["item"])
    assert table.notna().all(axis=None)
    for person, name in enumerate(["ada", "bo"]):
        assert sorted(table[name]) == sorted(ours[person].values())
    # By hand: with two people each one's reference is the other's label.
    by_hand = np.mean(
        [row.ada == row.bo for row in table.itertuples()]
        + [row.bo == row.ada for row in table.itertuples()]
    )
    human = baselines.human(a)
    assert human.hlp == pytest.approx(by_hand, abs=1e-12)
    assert human.n == 40
    gold = items.set_index("item")["label"]
    right = a["label"].to_numpy() == gold[a["item"]].to_numpy()
    with_gold = baselines.human(a.assign(gold=gold[a["item"]].to_numpy()))
    assert with_gold.hlp == pytest.approx(right.mean(), abs=1e-12)


def test_undo_back_skip_note_and_flag(start, journal):
    labeler = start()
    first = labeler.press_and_go_on("Digit2")
    assert labeler.announces == "hat, 1 of 40"
    labeler.press("z")
    labeler.notebook.wait(lambda: labeler.item == first, "the item whose label was taken back")
    assert (labeler.done, labeler.given()) == (0, [])
    labeler.press_and_go_on("Digit1")
    second = labeler.press_and_go_on("s")
    third = labeler.press_and_go_on("Enter")
    labeler.press_and_go_on("ArrowLeft", "ArrowLeft", "ArrowLeft")
    labeler.notebook.wait(lambda: labeler.item == first, "the first item")
    assert labeler.given() == ["shirt"], "its label is shown"
    labeler.press("Digit3")  # another key replaces it; on to the next one open
    labeler.notebook.wait(lambda: labeler.item == second, "the next one open")
    labeler.press("f", "n")
    labeler.page.keyboard.type("123 only the back is seen")
    labeler.press("Enter")
    labeler.press_and_go_on("Digit1")
    assert labeler.item == third
    labeler.press_and_go_on("x")
    labeler.wait_saved()
    assert labeler.done == 3
    assert journal.annotations()["label"].tolist() == ["shoes", "shirt"]
    assert journal.notes()["note"].tolist() == ["123 only the back is seen"]
    tags = journal.tags().query("value")["tag"].tolist()
    assert tags == [FLAGGED, BROKEN]


def test_what_was_skipped_comes_at_the_end(start, open_notebook, folder):
    labeler = start("only='index < 4'")
    looks = [labeler.press_and_go_on("s"), *(labeler.press_and_go_on("Digit1") for _ in range(2))]
    labeler.wait_saved()
    notebook = labeler.notebook
    notebook.run_cell(1)  # as after a restart: the place is after the last label
    labeler = LabelerOnScreen(notebook)
    notebook.wait(lambda: labeler.item not in (None, *looks), "the fourth")
    labeler.focus()
    labeler.press("Digit1")
    notebook.wait(lambda: labeler.item == looks[0], "the one skipped")
    labeler.press("s")
    assert labeler.announces == "It is the last one open."
    labeler.press("Digit1")
    notebook.wait(lambda: "All 4 items are labelled" in labeler.root.inner_text(), "the end")


def test_nothing_on_the_screen_tells_the_answer_nor_a_repeat(start, items, journal):
    labeler = start("repeats=0.5")
    assert labeler.root.get_attribute("data-total") == "60"
    shape = """root => [...root.querySelectorAll("*")].map(n => `${n.tagName} ${n.className}`
      + ` ${n.getAttribute("aria-pressed")}`).join()"""
    answers = set(items["item"]) | {f"predicted {word}" for word in items["prediction"]}
    shapes = set()
    for number in range(60):
        labeler.wait_shown()
        text = labeler.root.inner_text() + labeler.root.locator(".mlkit-media").inner_html()
        assert not [word for word in answers if word in text]
        assert "predict" not in text
        if number > 30:  # the strip stands still in the middle
            shapes.add(labeler.root.locator(".mlkit-body").evaluate(shape))
        labeler.press("Digit1")
        labeler.notebook.wait(lambda n=number: labeler.done == n + 1, "the label")
    assert len(shapes) == 1
    labeler.wait_saved()
    a = journal.annotations()
    assert a["repeat"].value_counts().to_dict() == {0: 40, 1: 20}


def test_time_is_up(start, journal):
    labeler = start("time_limit_s=0.6")
    wait = labeler.notebook.wait
    covered = labeler.root.locator(".mlkit-cover")
    assert labeler.root.locator("[role=timer]").bounding_box()["width"] > 100
    wait(covered.count, "the item to be covered")
    assert labeler.root.locator(".mlkit-media img").count() == 0
    first = labeler.press_and_go_on("Digit1")  # one can still answer
    wait(covered.count, "the next item to be covered")
    labeler.press_and_go_on("ArrowLeft")
    assert labeler.item == first
    assert covered.count() == 1, "going back gives no more time"
    labeler.wait_saved()
    ((label, seconds),) = in_order(journal)
    assert label == "shirt"
    assert seconds >= 0.6


@pytest.mark.usefixtures("own_page")  # which says of itself that it is hidden
def test_the_clock_stands_while_the_page_is_hidden(start, journal):
    labeler = start()
    hide = """hidden => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    labeler.page.wait_for_timeout(300)
    labeler.page.evaluate(hide, True)
    labeler.page.wait_for_timeout(3000)
    labeler.page.evaluate(hide, False)
    labeler.page.wait_for_timeout(300)
    labeler.press_and_go_on("Digit1")
    labeler.wait_saved()
    ((_, seconds),) = in_order(journal)
    assert 0.5 < seconds < 3


def test_no_key_reaches_the_notebook(start, items):
    labeler = start()
    notebook = labeler.notebook
    before = notebook.cells()
    for keys in (*"abcdfgilmnoprtuvwxyz", "Enter", "Escape", "ArrowDown", "0", "Shift+Digit1"):
        labeler.focus()
        labeler.press(keys, keys)
        assert notebook.cells() == before, f"{keys} was heard outside the Labeler"
        labeler.press("Escape", "Escape")
    assert notebook.state()["mode"] == "command"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [700, 1600])
def test_axe_finds_no_violation_and_nothing_is_cut_off(start, theme, width):
    guide = "A shirt has buttons down the front.\\n" * 12
    labeler = start(f"time_limit_s=30, guide='{guide}', version='v2'")
    notebook = labeler.notebook
    try:
        notebook.change_theme(THEMES[theme])
        notebook.page.set_viewport_size({"width": width, "height": 900})
        fits = "root => root.scrollWidth <= root.clientWidth + 1"
        notebook.wait(lambda: labeler.root.evaluate(fits), "the Labeler to fit into its cell")
        labeler.press_and_go_on("Digit1")
        labeler.press("ArrowLeft", "f")
        labeler.wait_saved()
        no_violation(notebook.page, ".mlkit-labeler")
        for key in ("n", "c", "?", "g"):
            labeler.focus()
            labeler.press(key)
            no_violation(notebook.page, ".mlkit-labeler")
            labeler.press("Escape")
        room = labeler.root.bounding_box()
        for button in labeler.root.locator("button:visible, summary:visible").all():
            box = button.bounding_box()
            assert box["x"] >= room["x"] - 1
            assert box["x"] + box["width"] <= room["x"] + room["width"] + 1
            assert min(box["width"], box["height"]) >= 24, "too small for a finger"
    finally:
        notebook.page.set_viewport_size({"width": 1300, "height": 900})
        notebook.change_theme(THEMES["light"])


def test_the_guide_stands_beside_the_items_and_its_version_with_each_label(start, journal):
    labeler = start("guide='A <b>shirt</b> has buttons.', version='v1'")
    guide = labeler.root.locator(".mlkit-guide")
    assert "A <b>shirt</b> has buttons." in guide.inner_text()
    assert "version v1" in guide.inner_text()
    labeler.press("g")
    assert guide.evaluate("g => g.open") is False
    labeler.press("g")
    assert guide.evaluate("g => g.open") is True
    labeler.press_and_go_on("Digit1")
    labeler.wait_saved()
    assert journal.annotations()["guide"].tolist() == ["v1"]
    try:
        labeler.page.set_viewport_size({"width": 700, "height": 900})
        labeler.notebook.run_all(READY)
        guide = LabelerOnScreen(labeler.notebook).root.locator(".mlkit-guide")
        assert guide.evaluate("g => g.open") is False, "there is no room beside the items"
    finally:
        labeler.page.set_viewport_size({"width": 1300, "height": 900})


SOUND = """
import numpy as np, pandas as pd
from mlkit.widgets import Labeler
tone = np.sin(np.arange(24000) / 5)
items = pd.DataFrame({"item": list("abc"), "sound": [(tone, 8000)] * 3})
labeler = Labeler(items, show="sound", labels=["clear", "noisy"], time_limit_s=1.5)
labeler
"""


@pytest.mark.usefixtures("own_page")  # in which play is told of
def test_space_plays_and_the_sound_stops_when_time_is_up(open_notebook):
    notebook = open_notebook(SOUND)
    notebook.run_all(READY)
    labeler = LabelerOnScreen(notebook)
    labeler.wait_shown()
    playing = "() => [...document.querySelectorAll('audio')].some(a => !a.paused)"
    labeler.page.evaluate("""() => { window.heard = [];
      const play = HTMLMediaElement.prototype.play;
      HTMLMediaElement.prototype.play = function () {
        window.heard.push(this);
        return play.call(this);
      };
    }""")
    labeler.focus()
    labeler.press("Space")
    notebook.wait(lambda: labeler.page.evaluate(playing), "the sound")
    notebook.wait(lambda: labeler.root.locator(".mlkit-cover").count(), "the end of the time")
    assert labeler.page.evaluate("() => window.heard.every(a => a.paused)")
    labeler.press("Space")
    assert labeler.page.evaluate("() => window.heard.length") == 1
    assert "Time is up" in labeler.announces
    labeler.press_and_go_on("Digit2")


MANY = """
import pandas as pd
from mlkit.widgets import Labeler
items = pd.DataFrame({"item": list("abcdef"), "text": [f"text {n}" for n in range(6)]})
names = [*(f"class {number}" for number in range(11)), "Zürich", "zoo"]
labeler = Labeler(items, show="text", labels=names)
labeler
"""


def test_a_class_beyond_nine_by_its_first_letters(open_notebook, journal):
    notebook = open_notebook(MANY)
    notebook.run_all(READY)
    labeler = LabelerOnScreen(notebook)
    labeler.wait_shown()
    labeler.focus()
    first = labeler.item
    labeler.press("c")
    labeler.page.keyboard.type("zu")
    assert labeler.root.locator(".mlkit-list button:visible").all_inner_texts() == ["Zürich"]
    labeler.press("Enter")
    notebook.wait(lambda: labeler.item not in (None, first), "the next item")
    labeler.press("/")
    labeler.page.keyboard.type("class 10")
    labeler.press("Enter")
    notebook.wait(lambda: labeler.done == 2, "the second label")
    labeler.press("c")
    labeler.page.keyboard.type("nothing")
    labeler.press("Enter")
    assert "There is no class “nothing”." in labeler.announces
    labeler.press("Escape")
    assert labeler.root.locator(".mlkit-list button:visible").count() == 13
    labeler.root.locator("[data-label='zoo']").click()
    notebook.wait(lambda: labeler.done == 3, "the third label")
    labeler.wait_saved()
    assert journal.events()["value"].tolist() == ["Zürich", "class 10", "zoo"]
