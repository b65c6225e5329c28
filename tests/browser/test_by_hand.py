"""Everything the Tagger does, by the mouse and by the keys."""

import re

import pytest

from browser.screen import READY, TaggerOnScreen
from mlkit.tags import FLAGGED, LABEL_IS_WRONG, Journal

pytestmark = pytest.mark.usefixtures("one_kernel")

LOAD = 'import pandas as pd\npredictions = pd.read_csv("predictions.csv", dtype=str)'


@pytest.fixture
def more():
    """More arguments for the Tagger; a test sets them by its parameter of this name."""
    return ""


@pytest.fixture
def tagger(open_notebook, folder, predictions, more):
    predictions.to_csv(folder / "predictions.csv", index=False)
    notebook = open_notebook(
        LOAD,
        "from mlkit.widgets import Tagger\n"
        f"tagger = Tagger(predictions, show='path', tags=['blur', 'dark'], {more})\ntagger",
    )
    notebook.run_all()
    return TaggerOnScreen(notebook)


@pytest.fixture
def journal(folder):
    return Journal(folder / "journal.db")


def events(journal) -> list[tuple[str, str, str]]:
    return list(journal.events()[["item", "kind", "value"]].itertuples(index=False, name=None))


def click_on(tagger: TaggerOnScreen, action: str) -> str:
    """Click a button that leads to another item; gives the item it was for."""
    before = tagger.item
    tagger.button(action).click()
    tagger.notebook.wait(lambda: tagger.item != before, f"the item after {before}")
    return before


def test_with_the_mouse_alone(tagger, journal):
    tagger.tag_button("blur").click()
    tagger.tag_button("dark").click()
    tagger.tag_button("blur").click()
    assert tagger.on() == ["dark"]
    first = click_on(tagger, "next")
    tagger.button("flag").click()
    tagger.button("wrong").click()
    second = click_on(tagger, "next")
    assert tagger.done == 2
    tagger.wait_saved()
    table = journal.tags().query("value")
    assert set(table[["item", "tag"]].itertuples(index=False, name=None)) == {
        (first, "dark"),
        (second, FLAGGED),
        (second, LABEL_IS_WRONG),
    }
    assert set(journal.seen_items(annotator="me")) == {first, second}
    tagger.button("undo").click()
    tagger.notebook.wait(lambda: tagger.done == 1, "the last look to be undone")
    assert tagger.item == second


def test_several_tags_toggle_by_key(tagger, journal):
    item = tagger.item
    tagger.focus()
    tagger.press("Digit1", "Digit2")
    assert tagger.on() == ["blur", "dark"]
    assert "dark" in tagger.announces
    tagger.press("Digit1")
    assert tagger.on() == ["dark"]
    tagger.press("f", "w")
    tagger.wait_saved()
    assert events(journal) == [
        (item, "tag", "blur"),
        (item, "tag", "dark"),
        (item, "untag", "blur"),
        (item, "tag", FLAGGED),
        (item, "tag", LABEL_IS_WRONG),
    ]


def test_shift_and_digit_tags_and_goes_on(tagger, journal):
    tagger.focus()
    item = tagger.press_and_go_on("Shift+Digit2")
    tagger.wait_saved()
    assert events(journal) == [(item, "tag", "dark"), (item, "seen", "")]
    assert tagger.done == 1


def test_a_key_that_repeats_tags_once(tagger, journal):
    tagger.focus()
    tagger.page.keyboard.down("Digit1")
    tagger.page.keyboard.down("Digit1")  # the second is an auto-repeat
    tagger.page.keyboard.down("Digit1")
    tagger.page.keyboard.up("Digit1")
    tagger.wait_saved()
    assert [kind for _, kind, _ in events(journal)] == ["tag"]


def test_arrows_browse_and_record_nothing(tagger, journal):
    tagger.focus()
    first = tagger.press_and_go_on("ArrowRight")
    second = tagger.press_and_go_on("ArrowRight")
    tagger.press_and_go_on("ArrowLeft")
    assert tagger.item == second
    tagger.press_and_go_on("ArrowLeft")
    assert tagger.item == first
    assert tagger.done == 0
    done = tagger.press_and_go_on("Digit1", "Enter")
    tagger.press_and_go_on("ArrowLeft")
    assert (tagger.item, tagger.on()) == (done, ["blur"])
    tagger.press_and_go_on("u")
    assert tagger.item == second, "u goes to the next unseen"
    tagger.wait_saved()
    assert events(journal) == [(done, "tag", "blur"), (done, "seen", "")]


@pytest.mark.parametrize("key", ["z", "Control+z", "Backspace"])
def test_undo_by_key(tagger, journal, key):
    tagger.focus()
    item = tagger.press_and_go_on("Digit1", "Enter")
    tagger.press(key)
    tagger.notebook.wait(lambda: tagger.item == item, "the item that was undone")
    assert tagger.done == 0
    assert tagger.on() == ["blur"]
    tagger.press(key)
    assert tagger.on() == []
    tagger.wait_saved()
    assert [kind for _, kind, _ in events(journal)] == ["tag", "seen", "unseen", "untag"]
    tagger.press(key)  # nothing is left to undo: said, and harmless
    tagger.wait_saved()
    assert len(events(journal)) == 4


def test_a_note_is_written_with_the_keys(tagger, journal):
    item = tagger.item
    tagger.focus()
    tagger.press("n")
    tagger.page.keyboard.type("12 blurred, dd x")
    tagger.press("Enter")
    tagger.wait_saved()
    assert events(journal) == [(item, "note", "12 blurred, dd x")]
    assert "12 blurred, dd x" in tagger.root.inner_text() or "12 blurred, dd x" in [
        field.input_value() for field in tagger.root.locator("input, textarea").all()
    ]


def test_escape_leaves_a_field_and_keeps_what_was_there(tagger, journal):
    tagger.focus()
    tagger.press("t")
    tagger.page.keyboard.type("glare")
    tagger.press("Escape", "Digit1")
    tagger.wait_saved()
    assert tagger.on() == ["blur"]
    assert [value for _, _, value in events(journal)] == ["blur"]


def test_a_new_tag_on_the_fly_and_those_not_yet_checked_for_it(tagger, journal):
    tagger.focus()
    before = [tagger.press_and_go_on("Digit1", "Enter") for _ in range(5)]
    item = tagger.item
    tagger.press("t")
    tagger.page.keyboard.type("glare")
    tagger.press("Enter")
    assert tagger.on() == ["glare"]
    tagger.press_and_go_on("Enter")
    tagger.wait_saved()
    assert sorted(journal.unchecked("glare")) == sorted(before)
    tagger.notebook.wait(
        lambda: "5 items not yet checked for glare" in tagger.root.inner_text(),
        "a line on the items not yet checked",
    )
    tagger.root.locator("[data-check='glare']").click()
    tagger.notebook.wait(lambda: tagger.item in before, "an item not yet checked")
    tagger.focus()
    for _ in range(5):
        assert tagger.item in before
        shown = tagger.item
        tagger.press("Enter")
        tagger.notebook.wait(lambda s=shown: tagger.item != s, "the next of the queue")
    tagger.wait_saved()
    assert journal.unchecked("glare") == []
    glare = journal.tags().query("tag == 'glare'").set_index("item")["value"].astype(bool)
    assert glare[item]
    assert not glare[before].any()


def test_help_opens_and_escape_closes_it(tagger):
    tagger.focus()
    help_ = tagger.root.locator(".mlkit-help")
    for key in ("?", "h"):
        tagger.press(key)
        help_.wait_for(state="visible", timeout=5000)
        for word in ("undo", "note", "flag", "new tag"):
            assert word in help_.inner_text().lower()
        tagger.press("Escape")
        help_.wait_for(state="hidden", timeout=5000)
    tagger.button("help").click()
    help_.wait_for(state="visible", timeout=5000)
    item = tagger.item
    tagger.press("Escape")
    help_.wait_for(state="hidden", timeout=5000)
    assert tagger.item == item
    # The focus is back where the keys are heard.
    tagger.press("Digit1")
    assert tagger.on() == ["blur"]


def test_the_prediction_is_shown_for_errors(tagger, predictions):
    row = predictions.set_index("item").loc[tagger.item]
    shown = tagger.root.inner_text()
    assert row["label"] in shown
    assert row["prediction"] in shown


@pytest.mark.parametrize("more", ["correct=20"])
def test_the_prediction_is_hidden_when_correct_items_are_mixed_in(tagger, predictions, journal):
    known = predictions.set_index("item")
    assert tagger.root.get_attribute("data-total") == "100"
    tagger.focus()
    right = []
    told = tagger.root.locator(".mlkit-told-only")  # a moment after the item is on the screen
    for _ in range(20):
        row, item = known.loc[tagger.item], tagger.item
        tagger.notebook.wait(lambda item=item: item in told.text_content(), "the item to be told")
        right.append(row["label"] == row["prediction"])
        if not right[-1]:
            # As a word of its own: a shirt is not the t-shirt of the label.
            word = rf"(?<![\w-]){re.escape(row['prediction'])}(?![\w-])"
            assert not re.search(word, tagger.root.inner_text())
        assert "predict" not in tagger.root.inner_text().lower()
        tagger.press_and_go_on("Enter")
    assert 0 < sum(right) < 20, "correct items are mixed among the errors"
    tagger.wait_saved()
    rates = journal.events().set_index("item")["sampling_rate"]
    correct = known["label"] == known["prediction"]
    assert set(rates[correct.reindex(rates.index)]) == {20 / 40}
    assert set(rates[~correct.reindex(rates.index)]) == {1.0}


@pytest.mark.parametrize("at_once", [False, True])
def test_what_is_typed_in_python_shows_on_the_screen(open_notebook, folder, predictions, at_once):
    predictions.to_csv(folder / "predictions.csv", index=False)
    fourth = predictions.query("label != prediction")["item"].iloc[3]
    notebook = open_notebook(
        LOAD,
        "from mlkit.widgets import Tagger\n"
        "tagger = Tagger(predictions, show='path', tags=['blur'])\ntagger",
        f"item = {fourth!r}",
        "tagger.show_item(item)\ntagger.add(item, 'blur')",
    )
    if at_once:
        notebook.run_all()
    else:
        notebook.run_cell(0)
        notebook.run_cell(1)
        notebook.wait_for(READY)
        notebook.run_cell(2)
        notebook.run_cell(3)
    tagger = TaggerOnScreen(notebook)
    notebook.wait(lambda: tagger.item == fourth, "the item asked for")
    notebook.wait(lambda: tagger.on() == ["blur"], "the tag given in Python")


@pytest.mark.usefixtures("own_page")  # whose kernel keeps its hook
def test_a_message_is_not_the_end_of_a_cell(open_notebook, folder, predictions):
    """Else it would show, and close, what a running cell has only half drawn."""
    predictions.to_csv(folder / "predictions.csv", index=False)
    notebook = open_notebook(
        LOAD,
        "import threading\nfrom pathlib import Path\nthreads = []\n"
        "note = lambda: threads.append(threading.current_thread() is threading.main_thread())\n"
        "get_ipython().events.register('post_execute', note)",
        "from mlkit.widgets import Tagger\n"
        "tagger = Tagger(predictions, show='path', tags=['blur'])\ntagger",
        "Path('threads.txt').write_text(f'{len(threads)} {all(threads)}')",
    )
    for cell in range(3):
        notebook.run_cell(cell)
    tagger = TaggerOnScreen(notebook)
    notebook.wait_for(READY)
    tagger.focus()
    for _ in range(3):
        tagger.press_and_go_on("Shift+Digit1")
    tagger.wait_saved()
    notebook.run_cell(3)
    said = folder / "threads.txt"
    notebook.wait(said.exists, "what the hooks saw")
    assert said.read_text() == "2 True"


def test_two_views_of_one_tagger_agree(open_notebook, folder, predictions, journal):
    predictions.to_csv(folder / "predictions.csv", index=False)
    make = "from mlkit.widgets import Tagger\ntagger = Tagger(predictions, show='path',\
 tags=['blur'])\ntagger"
    notebook = open_notebook(LOAD, make, "tagger")
    notebook.run_all()
    both = notebook.page.locator(".mlkit-tagger")
    notebook.wait(lambda: both.count() == 2, "two views")
    tagger = TaggerOnScreen(notebook)
    tagger.focus()
    item = tagger.press_and_go_on("Digit1", "Enter")
    tagger.wait_saved()
    assert events(journal) == [(item, "tag", "blur"), (item, "seen", "")]
    notebook.wait(
        lambda: both.first.get_attribute("data-tagged") == "1", "the other view to follow"
    )
