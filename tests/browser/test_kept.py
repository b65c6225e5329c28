"""No tag is lost: not with the kernel killed, not with it frozen, not with the page reloaded."""

import os
import signal
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from browser.screen import READY, TaggerOnScreen
from mlkit.tags import Journal

LOAD = 'import pandas as pd\npredictions = pd.read_csv("predictions.csv", dtype=str)'
TAGGER = """
from mlkit.widgets import Tagger
tagger = Tagger(predictions, show="path", tags=["blur", "dark", "cropped"], journal="journal.db")
tagger
"""
TAGS = ["blur", "dark", "cropped"]


@pytest.fixture
def notebook(open_notebook, folder, predictions, needs_proc):
    predictions.to_csv(folder / "predictions.csv", index=False)
    notebook = open_notebook(LOAD, TAGGER)
    notebook.run_all()
    return notebook


def tag_items(tagger: TaggerOnScreen, n: int, given: dict[str, list[str]]) -> None:
    """Tag `n` items with keys; the first of every five gets two tags, the second none."""
    for number in range(n):
        which = {0: [0, 1], 1: []}.get(number % 5, [number % 3])
        item = tagger.press_and_go_on(*[f"Digit{place + 1}" for place in which], "Enter")
        assert item not in given, f"{item} was shown twice"
        given[item] = [TAGS[place] for place in which]


def kept(folder: Path) -> tuple[dict[str, list[str]], pd.DataFrame]:
    """Item -> tags from the journal, and its events."""
    journal = Journal(folder / "journal.db")
    table, events = journal.tags(), journal.events()
    has = table[table["value"].astype(bool)]
    by_item = has.groupby("item")["tag"].apply(list).to_dict()
    return {item: sorted(by_item.get(item, []), key=TAGS.index) for item in set(table["item"])}, (
        events
    )


def once_each(events: pd.DataFrame, given: dict[str, list[str]]) -> None:
    """Every key left one event: none lost, none twice."""
    # The value of a look is none of this test's business.
    plain = events.assign(value=events["value"].where(events["kind"] == "tag", ""))
    written = Counter(plain[["item", "kind", "value"]].itertuples(index=False, name=None))
    expected = Counter((item, "seen", "") for item in given)
    expected += Counter((item, "tag", tag) for item, tags in given.items() for tag in tags)
    assert written == expected
    assert events["id"].is_unique


def test_sixty_errors_by_keyboard_alone_outlive_the_kernel(notebook, open_notebook, lab, folder):
    tagger, given = TaggerOnScreen(notebook), {}
    notebook.reach_by_keyboard(".mlkit-tagger")
    kernel = lab.kernel(notebook.path)
    tag_items(tagger, 60, given)
    os.kill(kernel, signal.SIGKILL)  # straight after the last key
    following = tagger.item
    notebook.page.close()

    notebook.wait_new_kernel(kernel)
    again = open_notebook()
    again.run_all()
    tagger = TaggerOnScreen(again)
    tagger.wait_saved()
    has, events = kept(folder)
    assert has == given
    once_each(events, given)
    assert (tagger.item, tagger.done) == (following, 60)
    assert following not in given

    last = list(given)[-1]
    tagger.focus()
    tagger.press("z")
    again.wait(lambda: tagger.done == 59, "the last item to be undone")
    again.wait(lambda: tagger.item == last, "the last item to be shown again")
    tagger.press("z")
    again.wait(lambda: tagger.on() != given[last], "the last tag to be undone")
    tagger.wait_saved()
    _, events = kept(folder)
    undone = events.set_index("id").loc[events["undoes"].dropna()]
    assert list(undone["kind"]) == ["seen", "tag"]
    assert list(undone["item"]) == [last, last]


@pytest.mark.parametrize("reload", [False, True], ids=["", "reloaded"])
def test_five_tags_typed_at_a_frozen_kernel_are_kept(notebook, lab, folder, reload):
    tagger, given = TaggerOnScreen(notebook), {}
    tagger.focus()
    tag_items(tagger, 5, given)
    tagger.wait_saved()
    assert tagger.says == "saved"
    kernel = lab.kernel(notebook.path)
    os.kill(kernel, signal.SIGSTOP)
    tag_items(tagger, 5, given)
    following = tagger.item
    assert tagger.says.startswith(f"{tagger.pending} not yet saved")
    assert tagger.pending >= 5
    if reload:
        notebook.goto()
    os.kill(kernel, signal.SIGKILL)
    if not reload:
        notebook.wait(lambda: "re-run the cell" in tagger.says, "a word on what to do")
        assert f"{tagger.pending} not yet saved" in tagger.says
    if reload:
        notebook.load_on_new_kernel(kernel)
    else:
        notebook.wait_new_kernel(kernel)
        notebook.wait_idle()

    notebook.run_all()
    tagger = TaggerOnScreen(notebook)
    tagger.wait_saved()
    notebook.wait(lambda: tagger.done == 10, "the items tagged while the kernel was frozen")
    has, events = kept(folder)
    assert has == given
    once_each(events, given)
    assert tagger.item == following
    assert tagger.says == "saved"


def test_tags_typed_while_a_cell_runs_are_saved_at_once(open_notebook, folder, predictions):
    predictions.to_csv(folder / "predictions.csv", index=False)
    busy = "import time, pathlib\nwhile not pathlib.Path('enough').exists():\n    time.sleep(0.05)"
    notebook = open_notebook(LOAD, TAGGER, busy)
    notebook.run_cell(0)
    notebook.run_cell(1)
    notebook.wait_for(READY)
    tagger = TaggerOnScreen(notebook)
    tagger.focus()
    tagger.press_and_go_on("Digit1", "Enter")
    tagger.wait_saved()
    notebook.start_cell(2)
    notebook.wait(lambda: notebook.state()["status"] == "busy", "the cell to run")
    tagger.focus()
    tagger.press_and_go_on("Digit1", "Enter")
    tagger.wait_saved()
    assert notebook.state()["run"] == "running"
    (folder / "enough").touch()
    notebook.wait_done()


def test_two_tabs_on_one_journal_lose_nothing(notebook, open_notebook, folder):
    other = open_notebook(LOAD, TAGGER, name="other")
    other.run_all()
    given: dict[str, list[str]] = {}
    views = [TaggerOnScreen(notebook), TaggerOnScreen(other)]
    both: Counter = Counter()
    for number in range(20):
        view = views[number % 2]
        view.page.bring_to_front()
        view.focus()
        item = view.press_and_go_on(f"Digit{number % 2 + 1}", "Enter")
        given.setdefault(item, []).append(TAGS[number % 2])
        both[item] += 1
    for view in views:
        view.wait_saved()
    has, events = kept(folder)
    assert has == {item: sorted(tags, key=TAGS.index) for item, tags in given.items()}
    assert events["id"].is_unique
    assert len(events) == 2 * both.total()
