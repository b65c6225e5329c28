"""Notebook 09 in the browser: it runs whole, its sliders answer, the queue takes keys."""

import json
from pathlib import Path

import pytest

from browser.screen import LabelerOnScreen, Notebook
from browser.test_notebook_04 import OFFLINE, show

NAME = "09_deploy_model"
SOURCE = Path(__file__).parents[2] / f"notebooks/{NAME}.ipynb"
RUN_S = 300  # the first sound features compile
# What a person could do next: the server's cell again, and what the queue holds by now.
AGAIN = "print('queue:', len(labeler.annotations()), 'server:', server.running)"


def place_of(name: str) -> int:
    cells = json.loads(SOURCE.read_text("utf-8"))["cells"]
    return [cell["id"] for cell in cells].index(name)


@pytest.fixture
def whole(open_notebook, folder) -> Notebook:
    """The notebook run to its end, cut off from the network."""
    (folder / "data").mkdir()
    notebook = json.loads(SOURCE.read_text("utf-8"))
    setup = notebook["cells"][place_of("setup")]
    setup["source"] = [OFFLINE, *setup["source"]]
    more = {"cell_type": "code", "id": "again", "metadata": {}, "source": AGAIN}
    notebook["cells"].append(more | {"execution_count": None, "outputs": []})
    for link in ("05_train_model", "10_monitor_model"):
        (folder / f"{link}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    opened = open_notebook(name=NAME)
    opened.start_all()
    done = lambda: opened.state()["run"] == "done" or opened.errors()  # noqa: E731  said once
    opened.wait(done, "the end", RUN_S)
    assert not opened.errors()
    return opened


@pytest.mark.timeout(600)
def test_it_runs_whole_its_sliders_answer_and_the_queue_takes_keys(whole, folder):
    page = whole.page
    assert "queue: 0 server: False" in whole.printed()
    # A slider is moved by its keys, and what stands below it changes.
    show(whole, place_of("users-answer"))
    bars = page.locator(".widget-interact").filter(has_text="false alarms").first
    before = bars.inner_text()
    handle = bars.locator(".noUi-handle").first
    handle.focus()
    for _ in range(3):
        handle.press("PageUp")
    whole.wait(lambda: bars.inner_text() != before, "the bars to follow the slider")
    page.screenshot(path=folder / "bars.png")
    # The queue: one key labels the clip and goes on to the next.
    show(whole, place_of("labeler"))
    queue = LabelerOnScreen(whole)
    queue.focus()
    queue.press_and_go_on("3")
    queue.wait_saved()
    show(whole, place_of("own-data"))
    whole.run_cell(len(whole.cells()) - 1)
    assert "queue: 1 server: False" in whole.printed()

    # Another way in is another rollout.
    show(whole, place_of("simulate-slider"))
    played = page.locator(".widget-interact").filter(has_text="late_days").first
    before = played.locator("table").first.inner_text()
    played.locator("select").select_option("canary")
    other = lambda: played.locator("table").first.inner_text() != before  # noqa: E731  once
    whole.wait(other, "the rollout to be played")
    assert "roll back" in played.inner_text()
    assert "New served" in played.locator("img").first.get_attribute("alt")
    page.screenshot(path=folder / "rollout.png")
