"""Notebook 07 in JupyterLab, and its audit page as the person it is handed to sees it."""

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib.figure import Figure

from browser.samples import write_notebook
from mlkit import pages, slices

NOTEBOOK = Path(__file__).parents[2] / "notebooks/07_audit_performance.ipynb"
# The messages' part: what comes before is what they need.
WANTED = [
    "setup",
    "worries-table",
    "measured",
    "behind-the-sliders",
    "data",
    "filter",
    "by-hand",
    "by-name",
]
WANTED += ["cost", "cost-picture", "told-on-test", "weighted-error", "words-that-decide"]
OFFLINE = """
import os
os.environ["MLKIT_DATA"] = "nothing"
os.environ["https_proxy"] = os.environ["http_proxy"] = "http://127.0.0.1:9"
"""
HOSTILE = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
LOOKS = [(1200, "light"), (1200, "dark"), (390, "light"), (390, "dark")]


def write_page(path):
    """A page with every kind of part, and a class that would like to be a program."""
    rng = np.random.default_rng(0)
    label = rng.choice(["ham", HOSTILE], 200)
    prediction = np.where(rng.random(200) < 0.8, label, "ham")
    told = pd.DataFrame({"item": [f"i{n}" for n in range(200)], "label": label})
    told["prediction"] = prediction
    members = slices.memberships(told, columns="label")
    report = slices.report(told, members)
    change = slices.compare(told, told.assign(prediction=label), members)
    ax = Figure(figsize=(7, 3)).add_subplot()
    ax.plot([0, 1], [2, 1])
    pages.describe(ax, f"Cost falls with the threshold. {HOSTILE}")
    cloud = Figure(figsize=(7, 3)).add_subplot()
    cloud.plot(rng.random(30_000), rng.random(30_000), ".")
    pages.describe(cloud, "A cloud of points.")
    wide = pd.DataFrame({f"a long heading {n}": [0.5, np.nan] for n in range(14)}, ["ham", HOSTILE])
    parts = [
        ("In short", "Plain text.", wide),
        ("Slices", report, change),
        ("Pictures", ax, cloud),
        (HOSTILE, [HOSTILE, "another"], ("Deeper", HOSTILE, ("Deepest", "x"))),
    ]
    return pages.write(path, title=f"Audit {HOSTILE}", parts=parts, date="2026-11-21")


@pytest.fixture
def audit(context, tmp_path):
    path = write_page(tmp_path / "audit.html")
    page = context.new_page()
    page.wanted, page.complaints = [], []
    page.on("request", lambda request: page.wanted.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.goto(path.as_uri())
    yield page
    page.close()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_no_violation_and_nothing_is_cut_off(audit, width, scheme):
    audit.set_viewport_size({"width": width, "height": 900})
    audit.emulate_media(color_scheme=scheme)
    found = Axe().run(audit)
    assert found.response["passes"], "axe-core looked at nothing"
    assert found.violations_count == 0, found.generate_report()
    assert audit.evaluate("document.documentElement.scrollWidth") <= width
    dark = audit.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")


def test_it_loads_nothing_and_runs_nothing(audit):
    assert [url for url in audit.wanted if not url.startswith("data:")] == [audit.url]
    assert audit.complaints == []
    assert audit.evaluate("window.hit") is None
    assert audit.locator("script, iframe, link").count() == 0
    # What is written is read: as text, in the heading, the lists and the tables.
    assert audit.title() == f"Audit {HOSTILE}"
    assert audit.get_by_text(HOSTILE, exact=True).count() >= 4
    for picture in audit.locator("img").all():
        assert picture.evaluate("img => img.complete && img.naturalWidth > 100")


def test_even_a_program_smuggled_in_does_not_run(context, tmp_path):
    path = write_page(tmp_path / "audit.html")
    text = path.read_text(encoding="utf-8")
    served = "<img src='http://127.0.0.1:9/x.png'>"
    path.write_text(text.replace("</main>", f"{HOSTILE}{served}</main>"), encoding="utf-8")
    page = context.new_page()
    failed, wanted = [], []
    page.on("console", lambda message: failed.append(message.text))
    page.on("response", lambda response: wanted.append(response.url))
    page.goto(path.as_uri())
    assert page.locator("script").count() == 1
    assert page.evaluate("window.hit") is None
    assert any("Content Security Policy" in message for message in failed)
    assert not [url for url in wanted if url.startswith("http")]
    page.close()


def test_a_wide_table_moves_by_keys(audit):
    audit.set_viewport_size({"width": 390, "height": 900})
    table = audit.locator(".wide").first
    assert table.evaluate("each => each.scrollWidth > each.clientWidth + 100")
    audit.keyboard.press("Tab")
    for _ in range(20):
        if table.evaluate("each => each === document.activeElement"):
            break
        audit.keyboard.press("Tab")
    audit.keyboard.press("ArrowRight")
    # Asked from outside, again and again: the page's own policy lets nothing wait inside it.
    deadline = time.monotonic() + 15
    while not table.evaluate("each => each.scrollLeft > 0"):
        assert time.monotonic() < deadline, "the key moves nothing"
        audit.wait_for_timeout(25)
    # The first column says whose row it is, wherever one looks.
    first = audit.locator(".wide tbody th").first
    assert first.bounding_box()["x"] >= table.bounding_box()["x"] - 1


def test_it_prints_whole(audit):
    audit.emulate_media(media="print", color_scheme="dark")
    shown = "each => getComputedStyle(each).overflowX"
    assert {each.evaluate(shown) for each in audit.locator(".wide").all()} == {"visible"}
    assert audit.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert audit.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


@pytest.fixture
def opened(open_notebook, folder):
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    source = {cell["id"]: "".join(cell["source"]) for cell in cells}
    write_notebook(folder / "messages.ipynb", OFFLINE, *[source[name] for name in WANTED])
    notebook = open_notebook(name="messages")
    notebook.start_all()
    # It trains a model six times: on a busy machine that takes longer than one waits for a key.
    notebook.wait(lambda: notebook.errors() or notebook.state()["run"] == "done", "the cells", 150)
    notebook.wait_done()
    return notebook


def cell(notebook, name):
    """The cell on screen: those far off are not drawn."""
    place = WANTED.index(name) + 1
    show = "n => window.jupyterapp.shell.currentWidget.content.scrollToItem(n, 'start')"
    notebook.page.evaluate(show, place)
    found = notebook.page.locator(f".jp-Cell[data-windowed-list-index='{place}']").first
    found.wait_for()
    return found


def test_its_slider_its_tick_and_its_box_change_what_is_shown(opened):
    assert "a stand-in for messages" in opened.printed()
    here = cell(opened, "cost-picture")
    said = lambda: here.locator("img").get_attribute("alt")  # noqa: E731 - read anew each time
    opened.wait(lambda: here.locator("img").count(), "the picture")
    first = said()
    assert "a lost ham counts 10" in first
    assert "shortcut 0.91" in first
    handle = here.locator(".noUi-handle").first
    handle.focus()
    handle.press("PageUp")
    opened.wait(lambda: said() != first, "another picture")
    second = said()
    here.locator("input[type=checkbox]").click()
    opened.wait(lambda: said() != second, "a picture of plain scores")
    a_message_of_ones_own_is_scored_word_by_word(opened)


def a_message_of_ones_own_is_scored_word_by_word(opened):
    here = cell(opened, "words-that-decide")
    words = lambda: here.locator("td.col0").all_inner_texts()  # noqa: E731 - read anew each time
    opened.wait(lambda: "FREE" in words(), "the words of the example")
    box = here.locator("input[type=text]")
    box.fill(f"hello {HOSTILE.replace(' ', '_')}")
    box.press("Enter")
    opened.wait(lambda: words()[:1] == ["hello"], "the words of one's own")
    assert words()[1].startswith("<script>")
    assert opened.page.evaluate("window.hit") is None
    box.fill("")
    box.press("Enter")
    opened.wait(lambda: "Type a message" in here.inner_text(), "words where there is no message")
    assert not opened.errors()
