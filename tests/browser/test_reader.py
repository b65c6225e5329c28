"""What a screen reader is told of each widget, and each widget's work done by keyboard alone.

All the widgets stand in one notebook with one kernel, as they may in anybody's: what one of them
does or wears may not reach another.
"""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from browser import samples
from browser.lab import Lab
from browser.screen import Notebook
from browser.test_keys_stay import facts
from browser.test_recorder import ALLOW, FAKE, at_the_microphone, browser
from colours import MARK, contrast

TAGGER, LABELER, CONFUSION, PREVIEW, RECORDER, SIMULATOR, BOARD = (
    f".mlkit-{name}"
    for name in (
        "tagger", "labeler", "confusion", "augmentpreview", "recorder", "simulator", "board",
    )
)  # fmt: skip
CELLS = {
    TAGGER: """
import numpy as np, pandas as pd
from mlkit.augment import audio
from mlkit.widgets import *
items = pd.read_csv("items.csv", dtype=str)
Tagger(items, show="text", tags=["noise", "accent"], journal="tags.db")""",
    LABELER: """
Labeler(items[["item", "text"]], show="text", labels=["cat", "dog"], journal="labels.db",
        guide="A cat meows.", version="v1")""",
    CONFUSION: "Confusion(items)",
    PREVIEW: """
time = np.arange(4000) / 8000
sounds = pd.DataFrame({"item": ["one", "two"], "label": ["low", "high"]})
sounds["sound"] = [np.sin(2 * np.pi * hz * time) for hz in (200, 900)]
AugmentPreview(sounds, show="sound", rate_hz=8000, journal="heard.db",
               predict=lambda samples, rate_hz: ("high", 0.75),
               pipeline=[(audio.add_noise, {"snr_db": (0, 20), "noise": ["white", "pink"]}, 1)])""",
    RECORDER: 'Recorder({"7": "seven", "3": "three"}, folder="voice", speaker="Kim", takes=1)',
    SIMULATOR: "Simulator()",
    BOARD: """
names = [f"phone {n}" for n in range(24)]
votes = pd.DataFrame({"item": np.repeat(names, 4), "annotator": list("pqrs") * 24})
votes["label"] = np.where(np.arange(96) % 5 < 2, "good", "worn")
AgreementBoard(lambda: votes, items=pd.DataFrame({"item": names, "text": names}), show="text",
               every_s=0.5, title="Phones")""",
}
# What is there, in this order; more may stand between. `/.../` is a pattern.
TREES = {
    TAGGER: """
- application /Tagger. Press \\? for its keys/:
  - text: 0 of 3
  - progressbar "items done"
  - status
  - button "Keys"
  - text: label
  - strong: /cat|dog/
  - text: predicted
  - strong: /cat|dog/
  - group "move":
    - button "Back"
    - button "Forward"
    - button "Next not done"
  - group "tags":
    - button "noise"
    - button "accent"
  - group "more":
    - button "New tag"
    - button "Note"
  - group "about the item":
    - button "Label is wrong"
    - button "Flag"
    - button "Broken file"
  - group "finish":
    - button "Done, next"
    - button "Undo"
  - text: /item 1 of 3. label (cat|dog), predicted (cat|dog), [bcd]. (woof|purr|hiss)/""",
    LABELER: """
- application /Labeler. Press \\? for its keys/:
  - text: 0 of 4
  - progressbar "items done"
  - button "Keys"
  - group "move":
    - button "Back"
    - button "Forward"
    - button "Skip"
    - button "Undo"
  - group "classes":
    - button "cat"
    - button "dog"
  - group "about the item":
    - button "Note"
    - button "Flag"
    - button "Broken file"
  - group: /Guide version v1/
  - text: /item 1 of 4. (meow|woof|purr|hiss)/""",
    CONFUSION: """
- group "Confusion matrix":
  - table /Rows. label. Columns. prediction.*the arrow keys move/:
    - rowgroup:
      - row:
        - columnheader "all predicted cat":
          - button "all predicted cat"
        - columnheader "all predicted dog"
    - rowgroup:
      - row:
        - rowheader "all labelled cat":
          - button "all labelled cat"
        - cell:
          - button /label cat, predicted cat. 1 item/
  - paragraph: "Nothing chosen: all items." """,
    PREVIEW: """
- application /AugmentPreview. Press \\? for its keys/:
  - text: 0 of 2
  - progressbar "items done"
  - text: /Blind. label, prediction and original come after your answer/
  - region "original":
    - heading "Original" [level=3]
    - button /Covered until you answer/
  - region "result":
    - heading "Result" [level=3]
    - figure:
      - img /the result. waveform above, spectrogram below/
  - group "move":
    - button "Play result"
    - button "Original"
    - button "Draw again"
    - button "Next item"
  - group "what is it?":
    - button "high"
    - button "low"
  - group "realistic":
    - button "Yes"
    - button "No"
  - group "what was drawn":
    - group "add_noise":
      - checkbox "add_noise" [checked]
      - slider "snr_db"
      - combobox "noise"
  - group "finish":
    - button "Take back" """,
    RECORDER: """
- application /Recorder. Press \\? for its keys/:
  - text: 0 of 2
  - progressbar "takes kept"
  - button "Keys"
  - region "consent":
    - heading "Before the first take" [level=3]
    - paragraph: /I agree that recordings of my voice are kept/
    - checkbox "I agree"
    - group "consent":
      - button "Begin" [disabled]
      - button "I do not agree" """,
    SIMULATOR: """
- group /Simulator. half a year in front of users/:
  - paragraph: /Simulated/
  - group:
    - group "The world":
      - combobox "What changes"
      - slider "From week"
  - group:
    - group "Your policy":
      - combobox "Train a new version"
      - slider /Alarm. inputs drift above/
  - form "Your prediction":
    - heading "Predict before you look" [level=3]
    - group /Will users be lost/:
      - radio "they will be lost"
      - radio "they will be kept"
    - combobox "First true alarm"
    - button "Run the half year"
  - status: Predict, then run.""",
    BOARD: """
- region "Agreement board":
  - heading "Phones" [level=2]
  - text: /4 people/
  - group "the board":
    - button "Stop"
  - img "4 of 4 people are through"
  - img /alpha -?0.\\d+, interval/
  - heading "Taken for one another" [level=3]
  - text: /good . worn/
  - heading "Most contested" [level=3]
  - button "Show the items"
  - status""",
}
# Where the focus is, in words, and how it shows: an outline of it or of what holds it.
FOCUS = """selector => {
  const at = document.activeElement, root = at.closest(selector);
  if (!root) return null;
  const label = at.labels?.[0]?.textContent;
  const name = at.getAttribute("aria-label") ?? label ?? at.textContent;
  const rings = [];
  for (let node = at; node && root.contains(node); node = node.parentElement) {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(node);
    if (outlineStyle !== "none") rings.push([parseFloat(outlineWidth), outlineColor]);
  }
  const page = getComputedStyle(document.querySelector(".jp-Notebook")).backgroundColor;
  return { name: name.trim(), root: at === root, rings, page };
}"""
# What a screen reader reads out: the value of a slider as it is said.
SPOKEN = "node => node.getAttribute('aria-valuetext')"


@pytest.fixture(scope="module")
def notebook(context, lab: Lab) -> Iterator[Notebook]:
    """All widgets in one notebook, in a browser whose microphone hears a voice."""
    folder = lab.root / "test-reader"
    folder.mkdir()
    rows = [("a", "cat", "cat", "meow"), ("b", "dog", "cat", "woof"), ("c", "cat", "dog", "purr"),
            ("d", "dog", "cat", "hiss")]  # fmt: skip
    table = pd.DataFrame(rows, columns=["item", "label", "prediction", "text"])
    table.to_csv(folder / "items.csv", index=False)
    path = samples.write_notebook(folder / "work.ipynb", *(text.strip() for text in CELLS.values()))
    sound = lab.home / "said.wav"
    at_the_microphone(sound, before_s=0.3, after_s=0.3, times=4)
    flags = (FAKE, ALLOW, f"--use-file-for-fake-audio-capture={sound}")
    with browser(context, *flags) as opened:
        notebook = Notebook(opened, lab, path, "lab")
        notebook.run_all(None)
        yield notebook
        uncaught = [error for error in notebook.uncaught if "blob:" in error or "mlkit" in error]
        lab.end(path)
        assert not uncaught, uncaught


def enter(notebook: Notebook, selector: str) -> None:
    """Into the widget's cell as the arrow keys would go, then Tab into the widget."""
    script = """n => { const { content } = window.jupyterapp.shell.currentWidget;
      content.activeCellIndex = n; content.mode = "command"; content.activeCell.node.focus(); }"""
    notebook.page.evaluate(script, list(CELLS).index(selector))
    notebook.wait_for(selector)
    for _ in range(20):
        notebook.page.keyboard.press("Tab")
        if notebook.page.evaluate(FOCUS, selector):
            return
    raise AssertionError(f"no Tab reaches {selector}")


def tab_to(notebook: Notebook, selector: str, name: str, key: str = "Tab") -> None:
    """On to the control of this name; each stop on the way can be seen."""
    for _ in range(60):
        at = notebook.page.evaluate(FOCUS, selector)
        assert at, f"{key} left {selector} before {name!r}"
        look_at(at)
        if at["name"].startswith(name):
            return
        notebook.page.keyboard.press(key)
    raise AssertionError(f"no {name!r} in {selector}")


def rgb(text: str) -> np.ndarray:
    """`rgb(0, 114, 178)` or `color(srgb 0 0.4 0.7)`, as a browser writes them."""
    numbers = np.array([float(n) for n in re.findall(r"[\d.]+", text.replace("srgb", ""))][:3])
    return numbers if text.startswith("color") else numbers / 255


def look_at(at: dict) -> None:
    seen = [contrast(rgb(colour), rgb(at["page"])) for width, colour in at["rings"] if width >= 1]
    assert seen, f"the focus on {at['name']!r} cannot be seen"
    assert max(seen) >= MARK, f"the focus on {at['name']!r} has a contrast of {max(seen):.2f}"


def spoken(root) -> str:
    """What live regions have said, the latest text of each."""
    return " | ".join(root.locator("[aria-live], [role=status], [role=alert]").all_text_contents())


def said(notebook: Notebook, selector: str, text: str) -> None:
    root = notebook.page.locator(selector)
    notebook.wait(lambda: text in spoken(root), f"{text!r} to be said, not {spoken(root)!r}")


def press(notebook: Notebook, *keys: str) -> None:
    for key in keys:
        notebook.page.keyboard.press(key)


@pytest.mark.parametrize("selector", TREES, ids=lambda text: text.removeprefix(".mlkit-"))
def test_a_screen_reader_is_told_what_is_there(notebook, selector):
    notebook.wait_for(selector)
    expect(notebook.page.locator(selector)).to_match_aria_snapshot(
        TREES[selector].strip("\n"), timeout=15_000
    )


@pytest.mark.parametrize("selector", CELLS, ids=lambda text: text.removeprefix(".mlkit-"))
def test_every_control_has_a_name_and_a_stop_that_is_seen_and_none_is_a_trap(notebook, selector):
    before = facts(notebook)["cells"]
    enter(notebook, selector)
    names, page = [], notebook.page
    while at := page.evaluate(FOCUS, selector):
        look_at(at)
        assert at["name"], f"a stop without a name after {names}"
        names.append(at["name"])
        assert len(names) < 60, f"Tab never leaves {selector}"
        press(notebook, "Tab")
    assert len(names) == len(set(names)), "two controls of one name"
    enter(notebook, selector)
    for key in ("d", "d", "Escape", "d", "d"):
        press(notebook, key)
        assert page.evaluate(FOCUS, selector), f"{key} sent the focus away"
    assert facts(notebook)["cells"] == before, "a key was heard by the notebook"


def test_tags_by_keyboard(notebook):
    enter(notebook, TAGGER)
    press(notebook, "1")
    said(notebook, TAGGER, "tagged noise, 0 of 3")
    tag = notebook.page.locator(f"{TAGGER} [data-tag=noise]")
    assert tag.get_attribute("aria-pressed") == "true"
    assert tag.get_attribute("aria-keyshortcuts") == "1"
    tab_to(notebook, TAGGER, "Keys")
    press(notebook, "Enter")
    dialog = notebook.page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    assert notebook.page.evaluate(FOCUS, TAGGER)["name"] == "Close"
    press(notebook, "Escape")
    expect(dialog).to_be_hidden()
    assert notebook.page.evaluate(FOCUS, TAGGER)["name"].startswith("Keys"), "given back"
    tab_to(notebook, TAGGER, "Note")
    press(notebook, "Enter", *"dd", "Enter")
    said(notebook, TAGGER, "note kept")
    assert notebook.page.evaluate(FOCUS, TAGGER)["name"].startswith("Note"), "given back"
    tab_to(notebook, TAGGER, "Tagger", "Shift+Tab")
    press(notebook, "Enter")
    said(notebook, TAGGER, "done, 1 of 3")
    said(notebook, TAGGER, "item 2 of 3: label ")
    press(notebook, "Enter", "Enter")
    said(notebook, TAGGER, "All 3 items are done.")


def test_labels_by_keyboard(notebook):
    enter(notebook, LABELER)
    for number in range(1, 4):
        press(notebook, "1")
        said(notebook, LABELER, f"cat, {number} of 4")
        said(notebook, LABELER, f"item {number + 1} of 4: ")
    tab_to(notebook, LABELER, "2dog")
    press(notebook, "Space")
    said(notebook, LABELER, "All 4 items are labelled.")
    press(notebook, "d", "d")


def test_a_cell_of_the_confusion_matrix_by_keyboard(notebook):
    enter(notebook, CONFUSION)
    press(notebook, "ArrowRight")
    assert "predicted dog: 1 item" in notebook.page.evaluate(FOCUS, CONFUSION)["name"]
    press(notebook, "Enter")
    said(notebook, CONFUSION, 'label == "cat" and prediction == "dog"')
    chosen = notebook.page.locator(f"{CONFUSION} [aria-pressed=true]")
    assert chosen.get_attribute("aria-label") == "label cat, predicted dog: 1 item"
    press(notebook, "Enter")
    notebook.wait(lambda: not chosen.count(), "to let go")


def test_an_augmented_sound_by_keyboard(notebook):
    root = notebook.page.locator(PREVIEW)
    enter(notebook, PREVIEW)
    tab_to(notebook, PREVIEW, "snr_db")
    slider = root.locator("input[type=range]")
    before = slider.evaluate(SPOKEN)
    press(notebook, "ArrowLeft", "ArrowLeft")
    notebook.wait(lambda: slider.evaluate(SPOKEN) != before, "another value to be said")
    outputs = root.locator("output").evaluate_all("all => all.every(n => n.ariaHidden === 'true')")
    assert outputs, "the slider says its value itself; a second time is noise"
    tab_to(notebook, PREVIEW, "Not shown yet", "Shift+Tab")
    press(notebook, "Enter")
    expect(root.get_by_role("img", name="the original: waveform")).to_be_visible()
    assert notebook.page.evaluate(FOCUS, PREVIEW)["root"], "the button is gone, the keys are not"
    press(notebook, "2")
    said(notebook, PREVIEW, "you said low, the model high")
    press(notebook, "d", "d")


def test_two_takes_by_keyboard(notebook):
    page, root = notebook.page, notebook.page.locator(RECORDER)
    enter(notebook, RECORDER)
    tab_to(notebook, RECORDER, "I agree")
    described = page.evaluate("document.activeElement.getAttribute('aria-describedby')")
    assert "recordings of my voice are kept" in page.locator(f"#{described}").inner_text()
    press(notebook, "Space")
    tab_to(notebook, RECORDER, "Begin")
    press(notebook, "Enter")
    notebook.wait(lambda: root.get_attribute("data-consent") == "true", "the consent")
    notebook.wait(lambda: page.evaluate(FOCUS, RECORDER), "the focus to stay within")
    press(notebook, "m")
    first = root.locator(".mlkit-prompt").inner_text()
    other = {"seven": "three", "three": "seven"}[first]  # shuffled
    said(notebook, RECORDER, f"Press r and read the prompt. Read: {first}, take 1")
    for number, word in ((1, first), (2, other)):
        press(notebook, "r")
        said(notebook, RECORDER, f"recording {word}")
        page.wait_for_timeout(700)
        press(notebook, "r")
        kept = {1: f"1 of 2. Read: {other}, take 1", 2: "All takes are kept"}[number]
        said(notebook, RECORDER, kept)
    tab_to(notebook, RECORDER, "Withdraw consent")
    press(notebook, "Enter")
    assert page.evaluate(FOCUS, RECORDER)["name"] == "Keep them", "nothing is deleted by haste"
    press(notebook, "Escape")
    assert page.evaluate(FOCUS, RECORDER)["name"] == "Withdraw consent", "given back"


def test_half_a_year_by_keyboard(notebook):
    page, root = notebook.page, notebook.page.locator(SIMULATOR)
    enter(notebook, SIMULATOR)
    tab_to(notebook, SIMULATOR, "From week")
    press(notebook, "ArrowRight")
    notebook.wait(lambda: root.locator("[data-key=onset_week]").evaluate(SPOKEN) == "10", "week 10")
    tab_to(notebook, SIMULATOR, "they will be lost")
    press(notebook, "Space", "Tab", *"week 9")
    tab_to(notebook, SIMULATOR, "Run the half year")
    press(notebook, "Enter")
    notebook.wait(lambda: root.locator("svg[role=img]").count(), "the picture")
    at = page.evaluate(FOCUS, SIMULATOR)
    look_at(at)
    assert at["name"] in root.locator("svg").get_attribute("aria-label")
    tab_to(notebook, SIMULATOR, "Look at week")
    press(notebook, "ArrowRight", "ArrowRight")
    said(notebook, SIMULATOR, "Week 3. Right: users got")


def test_the_board_by_keyboard_and_it_does_not_talk_every_second(notebook):
    root = notebook.page.locator(BOARD)
    root.evaluate("""root => { window.__talk = [];
      for (const node of root.querySelectorAll("[aria-live], [role=status], [role=alert]"))
        new MutationObserver(() => window.__talk.push(node.textContent)).observe(node,
          { childList: true, characterData: true, subtree: true }); }""")
    first = root.locator(".mlkit-state").inner_text()
    notebook.wait(lambda: root.locator(".mlkit-state").inner_text() != first, "another look")
    assert notebook.page.evaluate("window.__talk") == []
    enter(notebook, BOARD)
    tab_to(notebook, BOARD, "Stop")
    press(notebook, "Enter")
    said(notebook, BOARD, "Stopped.")
    tab_to(notebook, BOARD, "Show the items")
    press(notebook, "Space")
    expect(root.locator("figure").first).to_be_visible()
    assert notebook.page.evaluate(FOCUS, BOARD)["name"] == "Hide the items"


def test_no_cell_was_lost_on_the_way(notebook):
    assert [source for _, source in notebook.cells()] == [text.strip() for text in CELLS.values()]
