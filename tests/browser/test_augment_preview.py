"""The preview as its person finds it: played, moved, answered, and read by everyone."""

import base64
import io
import json
import os
import signal

import numpy as np
import pandas as pd
import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from browser.screen import Notebook
from browser.test_keys_stay import KEYS, PAIRS, facts
from browser.test_looks import THEMES
from mlkit.tags import Journal

pytestmark = pytest.mark.usefixtures("one_kernel")

ROOT = ".mlkit-augmentpreview"
LOAD = "import pandas as pd\nitems = pd.read_pickle('items.pickle')"
SOUNDS = """
import pathlib, time
from mlkit.augment import audio
from mlkit.widgets import AugmentPreview
def predict(samples, rate_hz):
    while pathlib.Path("wait").exists():
        time.sleep(0.05)
    return "high", 0.75
pipeline = [(audio.add_noise, {"snr_db": (-5, 20), "noise": ["white", "pink"]}, 1.0),
            (audio.change_speed, {"factor": (0.8, 1.25)}, 0.0)]
preview = AugmentPreview(items, show="sound", rate_hz=8000, pipeline=pipeline, predict=predict,
                         journal="journal.db")
preview
"""
PICTURES = """
from mlkit.augment import image
from mlkit.widgets import AugmentPreview
situations = ["lighting", "viewpoint", "occlusion"]
pipeline = [(image.change, {"situation": situations, "strength": (0.2, 1.0)}, 1.0)]
AugmentPreview(items, show="path", pipeline=pipeline, predict=lambda picture: ("shirt", 0.81),
               copies=4, journal="journal.db")
"""


class OnScreen:
    """The preview in a notebook, as its person finds it."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook, self.page = notebook, notebook.page
        self.root = notebook.page.locator(ROOT).last

    def data(self, name: str) -> str:
        return self.root.get_attribute(f"data-{name}")

    def text(self, part: str) -> str:
        return self.root.locator(f".mlkit-{part}").inner_text()

    def press(self, *keys: str) -> None:
        self.root.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def wait_for_next(self, do, name: str = "wish") -> None:
        before = self.data(name)
        do()
        self.notebook.wait(lambda: self.data(name) != before, "what was asked for")

    def wait_told(self) -> str:
        self.notebook.wait(
            lambda: self.data("told") == "true" and "at work" not in self.text("truth"), "the truth"
        )
        self.notebook.wait(lambda: self.data("pending") == "0", "the answer to be saved")
        return self.text("truth")

    def slider(self, name: str):
        return self.root.locator(f"input[type=range][data-key='{name}']")

    def value(self, name: str) -> float:
        return float(self.slider(name).locator("xpath=../output").inner_text())

    def bytes(self, pane: str, tag: str = "audio") -> bytes:
        """What the person hears or sees, as the browser has it."""
        script = """async (node) => {
          const data = new Uint8Array(await (await fetch(node.src)).arrayBuffer());
          return btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""));
        }"""
        found = self.root.locator(f".mlkit-{pane} {tag}").first
        return base64.b64decode(found.evaluate(script))

    def samples(self, pane: str) -> np.ndarray:
        return soundfile.read(io.BytesIO(self.bytes(pane)))[0]


def tones(n: int = 8) -> pd.DataFrame:
    times = np.arange(4000) / 8000
    sounds = [0.1 * np.sin(2 * np.pi * (200 + 100 * (p % 2)) * times) for p in range(n)]
    labels = ["low" if p % 2 == 0 else "high" for p in range(n)]
    return pd.DataFrame(
        {"item": [f"xyzzy {p}" for p in range(n)], "label": labels, "sound": sounds}
    )


@pytest.fixture
def sounds(open_notebook, folder):
    def open_it(table=None, cell: str = SOUNDS) -> OnScreen:
        (tones() if table is None else table).to_pickle(folder / "items.pickle")
        notebook = open_notebook(LOAD, cell)
        notebook.run_all(f"{ROOT}[data-wish]:not([data-wish='-1'])")
        return OnScreen(notebook)

    return open_it


@pytest.fixture
def photographs(open_notebook, folder, predictions):
    predictions.drop(columns="prediction").to_pickle(folder / "items.pickle")
    notebook = open_notebook(LOAD, PICTURES)
    notebook.run_all(f"{ROOT} .mlkit-after img")
    yield OnScreen(notebook)
    notebook.change_theme(THEMES["light"])


def answers(folder) -> pd.DataFrame:
    table = Journal(folder / "journal.db").annotations()
    return table[table["guide"] == "augment preview"]


def test_result_and_original_are_played_by_key(sounds):
    preview = sounds()
    at = "node => node.currentTime"
    preview.press("Space")
    result = preview.root.locator(".mlkit-after audio")
    preview.notebook.wait(lambda: result.evaluate(at) > 0, "the result to play")
    assert preview.root.locator(".mlkit-before audio").count() == 0, "the original is covered"
    preview.press("c")
    preview.wait_told()
    preview.press("o")
    original = preview.root.locator(".mlkit-before audio")
    preview.notebook.wait(lambda: original.evaluate(at) > 0, "the original to play")
    assert result.evaluate("node => node.paused"), "both play at once"
    for pane in ("before", "after"):
        drawn = preview.root.locator(f".mlkit-{pane} img")
        assert drawn.evaluate("image => image.complete && image.naturalWidth > 0")


def test_the_sound_has_the_ratio_that_the_slider_says(sounds):
    preview = sounds()
    preview.press("c")
    preview.wait_told()
    clip = preview.samples("before")
    slider = preview.slider("snr_db")
    for keys in (["ArrowRight"] * 3, ["PageUp"] * 2, ["Home"], ["End"]):
        slider.focus()
        preview.wait_for_next(lambda keys=keys: [preview.page.keyboard.press(key) for key in keys])
        preview.notebook.wait(lambda: not preview.text("said"), "the last move to be painted")
        asked = preview.value("snr_db")
        preview.notebook.wait(lambda a=asked: abs(snr(clip, preview) - a) < 0.1, f"{asked} dB")
    assert asked == 20
    checkbox = preview.root.locator("input[data-key='change_speed']")
    preview.wait_for_next(checkbox.check)
    factor = preview.value("factor")
    long = len(preview.samples("after"))
    assert long == pytest.approx(len(clip) / factor, abs=len(clip) * 0.005)


def snr(clip: np.ndarray, preview: OnScreen) -> float:
    noise = preview.samples("after") - clip
    return 10 * np.log10(np.mean(clip**2) / np.mean(noise**2))


def test_a_model_at_work_keeps_neither_sliders_nor_answers_waiting(sounds, folder):
    (folder / "wait").touch()
    preview = sounds()
    slider = preview.slider("snr_db")
    slider.focus()
    for _ in range(12):
        preview.page.keyboard.press("ArrowRight")
    # A drag sends an event for each pixel; what is painted last is where it stands.
    slider.evaluate("""node => { for (let value = -5; value <= 15; value += 0.5) {
      node.value = value; node.dispatchEvent(new Event("input", { bubbles: true })); } }""")
    preview.notebook.wait(lambda: preview.value("snr_db") == 15, "the slider")
    preview.page.wait_for_timeout(500)
    assert int(preview.data("wish")) < 20, "each pixel of a drag was a wish"
    preview.press("Digit1")
    preview.notebook.wait(lambda: preview.data("told") == "true", "the label")
    preview.notebook.wait(lambda: preview.data("pending") == "0", "the answer to be saved")
    assert "at work" in preview.text("truth")
    assert len(answers(folder)) == 1
    (folder / "wait").unlink()
    assert "model high 0.75" in preview.wait_told()


def test_blind_until_answered(sounds, folder):
    table = tones()
    preview = sounds(table)
    hidden = preview.root.evaluate("root => root.outerHTML")
    assert "xyzzy" not in hidden
    assert "0.75" not in hidden
    assert preview.text("truth").startswith("Blind:")
    preview.press("Digit2", "y")
    told = preview.wait_told()
    item = preview.root.locator(".mlkit-id").inner_text()
    label = table.set_index("item")["label"][item]
    assert f"label {label}" in told
    assert "you low" in told  # labels are sorted: high, low
    assert "model high 0.75" in told
    assert answers(folder)[["item", "label"]].iloc[0].tolist()[1] == "low"
    assert answers(folder)["item"].iloc[0].startswith(f"{item}~")
    preview.wait_for_next(lambda: preview.press("Enter"), "turn")
    assert preview.text("truth").startswith("Blind:")
    assert item not in preview.root.evaluate("root => root.outerHTML")
    preview.press("o")
    preview.notebook.wait(lambda: preview.text("truth").startswith("Not blind"), "a warning")


def test_with_the_mouse_alone(sounds, folder):
    preview = sounds()
    button = preview.root.locator
    button("button[data-label='high']").click()
    preview.wait_told()
    button("[data-action='yes']").click()
    button("[data-action='no']").click()
    preview.notebook.wait(lambda: "realistic 0 of 1" in preview.text("sentence"), "the sentence")
    preview.wait_for_next(button("[data-action='again']").click)
    preview.wait_for_next(lambda: button("select").select_option("pink"))
    preview.wait_for_next(button("[data-action='next']").click, "turn")
    assert preview.text("count") == "1 of 8"
    for taken in ("no", "yes", "high"):
        button("[data-action='undo']").click()
        preview.notebook.wait(
            lambda taken=taken: preview.text("live") == f"took back {taken}", "a word on it"
        )
    preview.notebook.wait(lambda: preview.text("count") == "0 of 8", "the answer taken back")
    assert answers(folder).empty


def test_the_original_and_the_copies_of_a_picture_come_with_the_answer(photographs):
    preview = photographs
    assert preview.root.locator(".mlkit-before img").count() == 0
    assert preview.root.locator(".mlkit-copy").all_inner_texts() == ["1", "2", "3", "4"]
    first = preview.bytes("after", "img")
    preview.press("Digit1")
    preview.wait_told()
    copies = preview.root.locator(".mlkit-copy img")
    preview.notebook.wait(lambda: copies.count() == 4, "the copies")
    preview.wait_for_next(lambda: preview.press("ArrowRight"))
    assert (
        preview.root.locator(".mlkit-copy[aria-pressed='true']").get_attribute("data-copy") == "1"
    )
    second = preview.bytes("after", "img")
    assert second != first
    for data in (first, second, preview.bytes("before", "img")):
        assert Image.open(io.BytesIO(data)).size[0] > 100
    preview.wait_for_next(copies.nth(0).click)
    assert preview.bytes("after", "img") == first


def test_who_cannot_tell_sees_no_cross(sounds):
    preview = sounds()
    preview.press("c")
    told = preview.wait_told()
    assert "you can't tell ?" in told
    assert "you 0 of 1 right, 1 of them can't tell" in preview.text("sentence")
    assert "model high 0.75 " in told


def test_what_is_said_of_blindness_agrees_after_all_are_answered(sounds):
    preview = sounds(tones(1))
    assert preview.text("truth").startswith("Blind:")
    assert preview.text("before").count("Covered until you answer") == 1
    preview.press("Digit1")
    preview.wait_told()
    preview.notebook.run_all(f"{ROOT}[data-wish]:not([data-wish='-1'])")  # the cell once more
    preview = OnScreen(preview.notebook)
    preview.notebook.wait(lambda: preview.text("truth").startswith("Not blind"), "the reason")
    assert "the label of this item was shown before" in preview.text("truth")
    assert "Covered until" not in preview.text("before")
    assert "The answer is not blind anyway" in preview.text("before")


def test_a_digit_right_after_enter_is_given_to_no_item(sounds, folder):
    preview = sounds()
    preview.press("Digit1")
    preview.wait_told()
    # In one task of the page, so that no answer of the kernel can come in between.
    script = """(root, codes) => { for (const [key, code] of codes) root.dispatchEvent(
      new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true })); }"""
    keys = [["Enter", "Enter"], ["2", "Digit2"], ["y", "KeyY"], ["Enter", "Enter"]]
    turn = int(preview.data("turn"))
    preview.wait_for_next(lambda: preview.root.evaluate(script, keys), "turn")
    preview.page.wait_for_timeout(300)
    assert int(preview.data("turn")) == turn + 1, "the second Enter left out an item"
    preview.notebook.wait(lambda: preview.text("truth").startswith("Blind:"), "the next item")
    assert len(Journal(folder / "journal.db").annotations()) == 1
    preview.press("Digit2")
    preview.wait_told()
    assert answers(folder)["label"].tolist() == ["high", "low"]


def test_a_second_digit_leaves_the_blind_answer_and_so_does_taking_it_back(sounds):
    preview = sounds()
    preview.press("Digit1")
    preview.wait_told()
    before = preview.text("sentence")
    preview.press("Digit2")
    assert "your blind answer high counts" in preview.text("live")
    for key, word in (("", "counts"), ("z", "took back low")):
        preview.press(*key)
        preview.notebook.wait(lambda word=word: word in preview.text("live"), word)
        assert "you high" in preview.wait_told()
        assert preview.text("sentence") == before


def test_it_says_that_the_keys_are_elsewhere_until_one_clicks(sounds):
    preview = sounds()
    word = preview.root.get_by_text("Click here to use the keys")
    preview.page.evaluate("() => document.activeElement.blur()")
    assert word.is_visible()
    word.click()
    assert word.is_hidden()
    preview.wait_for_next(lambda: preview.page.keyboard.press("Enter"), "turn")


def test_enter_goes_on_after_a_click_on_a_box(sounds):
    preview = sounds()
    box = preview.root.locator("input[data-key='change_speed']")
    focused = preview.root.evaluate_handle("root => root")
    for click in (box, box.locator("xpath=../span").first):
        preview.wait_for_next(click.click)
        preview.notebook.wait(
            lambda: focused.evaluate("root => root === document.activeElement"), "the frame"
        )
        preview.wait_for_next(lambda: preview.page.keyboard.press("Enter"), "turn")
    box.focus()
    preview.wait_for_next(lambda: preview.page.keyboard.press("Space"))
    assert box.evaluate("node => node === document.activeElement"), "by key one stays on it"
    preview.wait_for_next(lambda: preview.page.keyboard.press("Enter"), "turn")


@pytest.mark.parametrize("kind", ["sounds", "photographs"])
def test_no_button_moves_when_the_answer_comes(request, kind):
    preview = request.getfixturevalue(kind)
    preview = preview() if kind == "sounds" else preview
    names = [f"[data-action='{name}']" for name in ("next", "unsure", "yes", "undo")]
    parts = [*names, ".mlkit-after img", "legend >> nth=0"]

    def places() -> dict[str, list[float]]:
        frame = preview.root.bounding_box()
        boxes = {part: preview.root.locator(part).first.bounding_box() for part in parts}
        return {
            part: [box["x"] - frame["x"], box["y"] - frame["y"], box["width"]]
            for part, box in boxes.items()
        }

    try:
        for width in (1300, 1000, 760):
            preview.page.set_viewport_size({"width": width, "height": 900})
            preview.page.wait_for_timeout(300)
            before = places()
            preview.press("Digit1")
            preview.wait_told()
            preview.notebook.wait_for(f"{ROOT} .mlkit-before img")
            preview.page.wait_for_timeout(300)
            after = places()
            moved = {p: (before[p], after[p]) for p in parts}
            assert np.abs(np.subtract(list(before.values()), list(after.values()))).max() <= 2, (
                moved
            )
            preview.wait_for_next(lambda: preview.press("Enter"), "turn")
    finally:
        preview.page.set_viewport_size({"width": 1300, "height": 900})


def test_the_list_names_only_keys_that_do_something(sounds, photographs):
    for preview, arrows in ((photographs, True), (sounds(), False)):
        preview.press("?")
        keys = preview.root.locator(".mlkit-help kbd").all_inner_texts()
        assert ("←" in keys) == ("→" in keys) == arrows
        assert ("Space" in keys) != arrows
        assert "/" not in keys
        preview.press("Escape")


def test_the_eleventh_label_has_a_way_by_key(sounds, folder):
    names = [f"class {chr(97 + place)}" for place in range(14)]
    table = tones(14).assign(label=names)
    preview = sounds(table)
    assert "Ten of the 14 labels have a key" in preview.text("hint")
    preview.press("/")
    preview.page.keyboard.type("S L")
    assert "1 more" not in preview.text("live")
    shown = preview.root.locator(".mlkit-list button:visible")
    assert shown.all_inner_texts()[0].endswith("class l")
    assert shown.count() == 1
    preview.page.keyboard.press("Enter")
    assert "you class l" in preview.wait_told()
    assert answers(folder)["label"].tolist() == ["class l"]
    assert shown.count() == 14
    preview.press("/")
    preview.page.keyboard.type("zzz")
    preview.page.keyboard.press("Enter")
    assert "No label has “zzz”" in preview.text("live")
    preview.page.keyboard.press("Escape")
    assert shown.count() == 14
    assert len(answers(folder)) == 1
    no_violation(preview)


def test_narrow_the_question_stays_on_the_screen(sounds):
    table = tones(10).assign(label=[str(digit) for digit in range(10)])
    preview = sounds(table)
    try:
        for width in (1000, 760):
            preview.page.set_viewport_size({"width": width, "height": 900})
            preview.notebook.wait(
                lambda: preview.root.bounding_box()["width"] <= 620, "a narrow preview"
            )
            for told in (False, True):
                if told:
                    preview.press("Digit3")
                    preview.wait_told()
                    preview.notebook.wait_for(f"{ROOT} .mlkit-before img")
                top = preview.root.bounding_box()["y"]
                last = preview.root.locator("[data-action='unsure']").bounding_box()
                assert last["y"] + last["height"] - top < 560, "below the screen of a laptop"
                rolled = "node => node.scrollHeight - node.clientHeight"
                assert preview.root.locator(".mlkit-list").evaluate(rolled) <= 0
            preview.wait_for_next(lambda: preview.press("Enter"), "turn")
    finally:
        preview.page.set_viewport_size({"width": 1300, "height": 900})


def test_six_copies_stand_in_one_row_and_a_legend_on_one_line(open_notebook, folder, predictions):
    predictions.drop(columns="prediction").to_pickle(folder / "items.pickle")
    cell = PICTURES.replace("copies=4", "copies=6").replace(
        '"situation": situations', '"situation": "lighting"'
    )
    notebook = open_notebook(LOAD, cell)
    notebook.run_all(f"{ROOT} .mlkit-after img")
    preview = OnScreen(notebook)
    found = preview.root.locator(".mlkit-copy")
    notebook.wait(lambda: found.count() == 6, "the copies")
    try:
        for width in (1600, 1000):
            notebook.page.set_viewport_size({"width": width, "height": 900})
            copies = [node.bounding_box() for node in found.all()]
            assert len(copies) == 6
            assert len({round(box["y"]) for box in copies}) == 1
            legend = preview.root.locator("legend span")
            assert legend.all_inner_texts() == ["change", "situation lighting"]
            first, second = (node.bounding_box() for node in legend.all())
            assert abs(first["y"] - second["y"]) <= 1
            assert abs(first["height"] - second["height"]) <= 1
    finally:
        notebook.page.set_viewport_size({"width": 1300, "height": 900})


def test_two_tabs_on_one_journal_lose_nothing(sounds, open_notebook, folder):
    first = sounds()
    other = open_notebook(LOAD, SOUNDS, name="other")
    other.run_all(f"{ROOT}[data-wish]:not([data-wish='-1'])")
    second = OnScreen(other)
    first.press("Digit1")
    told = first.wait_told()
    second.press("Digit2")  # of the same drawing, whose label the person saw in the first tab
    second.wait_told()
    for preview in (first, second):
        preview.wait_for_next(lambda p=preview: p.press("Enter"), "turn")
    first.press("Digit1", "y")
    first.wait_told()
    second.press("Digit2")
    second.wait_told()
    second.wait_for_next(lambda: second.press("Enter"), "turn")
    assert second.text("count") == "2 of 8"
    assert second.text("truth").startswith("Blind:"), "an item that was answered in the first tab"
    notes = Journal(folder / "journal.db").notes()["note"].map(json.loads)
    assert [note["blind"] for note in notes] == [False, False]
    assert "model high 0.75" in told
    assert answers(folder)["label"].tolist() == ["low", "low"]


@pytest.mark.usefixtures("own_page")  # one that lies on disk
def test_one_notebook_in_two_tabs_is_one_preview(sounds, open_notebook):
    first = sounds()
    first.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    again = open_notebook()
    again.wait_for(f"{ROOT}[data-wish]:not([data-wish='-1'])")
    second = OnScreen(again)
    second.press("Digit1")
    told = second.wait_told()
    assert first.wait_told() == told
    first.wait_for_next(lambda: first.press("Enter"), "turn")
    again.wait(lambda: second.data("turn") == first.data("turn"), "the other tab to follow")
    assert second.text("count") == first.text("count") == "1 of 8"


def test_it_works_in_notebook_7(open_notebook, folder):
    tones().to_pickle(folder / "items.pickle")
    notebook = open_notebook(LOAD, SOUNDS, application="notebook")
    notebook.run_all(f"{ROOT}[data-wish]:not([data-wish='-1'])")
    preview = OnScreen(notebook)
    preview.press("Digit1", "y")
    assert "model high 0.75" in preview.wait_told()
    preview.wait_for_next(lambda: preview.press("r"))
    preview.wait_for_next(lambda: preview.press("Enter"), "turn")
    assert preview.text("truth").startswith("Blind:")
    assert answers(folder)["label"].tolist() == ["high"]


def test_an_answer_outlives_the_kernel(sounds, open_notebook, lab, folder, needs_proc):
    preview = sounds()
    kernel = lab.kernel(preview.notebook.path)
    preview.press("Digit1")
    preview.wait_told()
    preview.wait_for_next(lambda: preview.press("Enter"), "turn")
    os.kill(kernel, signal.SIGSTOP)
    preview.press("Digit2", "n")  # at a frozen kernel, which then dies
    assert preview.data("pending") == "2"
    assert preview.text("save").startswith("2 not yet saved")
    os.kill(kernel, signal.SIGKILL)
    preview.page.close()
    preview.notebook.wait_new_kernel(kernel)
    again = open_notebook()
    again.run_all(f"{ROOT}[data-wish]:not([data-wish='-1'])")
    preview = OnScreen(again)
    again.wait(lambda: preview.data("pending") == "0", "the answers to be saved")
    again.wait(lambda: preview.text("count") == "2 of 8", "both answers to count")
    table = answers(folder)
    assert table["label"].tolist() == ["high", "low"]
    assert table["item"].str.rpartition("~")[0].is_unique
    judged = Journal(folder / "journal.db").annotations().query("guide != 'augment preview'")
    assert judged["label"].tolist() == ["no"]
    assert judged["item"].tolist() == table["item"].tolist()[1:]


def test_a_reload_finds_what_was_there(sounds):
    preview = sounds()
    preview.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    preview.wait_for_next(lambda: preview.press("r"))
    preview.press("Digit1")
    told, value = preview.wait_told(), preview.value("snr_db")
    preview.notebook.load()
    preview.notebook.wait_for(f"{ROOT}[data-told='true']")
    again = OnScreen(preview.notebook)
    assert again.wait_told() == told
    assert again.value("snr_db") == value
    again.notebook.wait_for(f"{ROOT} .mlkit-before img")


def test_no_key_reaches_the_notebook(sounds):
    preview = sounds()
    preview.root.focus()
    before = facts(preview.notebook)
    for keys in [*((key,) for key in KEYS), *PAIRS]:
        preview.press(*keys)
        assert facts(preview.notebook) == before, f"{keys} was heard outside the preview"
        preview.page.keyboard.press("Escape")
    for field in ("input[type=range]", "input[type=checkbox]", "select"):
        for key in ("d", "d", "Digit0", "Digit0", "Enter", "Space", "ArrowDown", "x", "Escape"):
            preview.root.locator(field).first.focus()
            preview.page.keyboard.press(key)
            assert facts(preview.notebook) == before, f"{key} in {field} was heard outside"


def test_tab_leaves_the_preview(sounds):
    preview = sounds()
    inside = f"() => !!document.activeElement.closest('{ROOT}')"
    for key in ("Tab", "Shift+Tab"):
        preview.root.focus()
        pressed = 0
        while preview.page.evaluate(inside):
            preview.page.keyboard.press(key)
            pressed += 1
            assert pressed < 60, f"{key} stays inside"


def test_trouble_is_told_and_ends_nothing(sounds):
    cell = """
from mlkit.widgets import AugmentPreview
def fails(samples, *, depth):
    if depth > 0.5:
        raise RuntimeError("<b>too deep</b>")
    return samples * depth
def predict(samples):
    raise OSError("no weights")
AugmentPreview(items, show="sound", rate_hz=8000, pipeline=[(fails, {"depth": (0, 1)}, 1.0)],
               predict=predict, journal="journal.db")
"""
    table = tones().assign(label=["<img src=x onerror='window.injected = 1'>", "plain"] * 4)
    preview = sounds(table, cell)
    preview.slider("depth").focus()
    preview.page.keyboard.press("End")
    preview.notebook.wait(lambda: "<b>too deep</b>" in preview.text("trouble"), "the reason")
    preview.press("Digit1")
    assert "nothing to answer" in preview.text("live")
    preview.slider("depth").focus()
    preview.page.keyboard.press("Home")
    preview.notebook.wait(lambda: not preview.root.locator(".mlkit-trouble").is_visible(), "sound")
    preview.press("Digit1")
    told = preview.wait_told()
    assert "predict failed: OSError: no weights" in told
    assert "<img src=x" in told
    assert preview.page.evaluate("() => window.injected") is None


def no_violation(preview: OnScreen) -> None:
    found = Axe().run(preview.page, context=ROOT)
    assert found.response["passes"], "axe-core looked at nothing"
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", ["sounds", "photographs"])
def test_axe_finds_no_violation_and_nothing_is_cut_off(request, kind, theme):
    preview = request.getfixturevalue(kind)
    preview = preview() if kind == "sounds" else preview
    preview.notebook.change_theme(THEMES[theme])
    try:
        for width in (1600, 700):
            preview.page.set_viewport_size({"width": width, "height": 900})
            no_violation(preview)
            preview.press("Digit1", "y")
            preview.wait_told()
            no_violation(preview)
            fits(preview)
            preview.wait_for_next(lambda: preview.press("Enter"), "turn")
        preview.press("?")
        no_violation(preview)
    finally:
        preview.page.set_viewport_size({"width": 1300, "height": 900})
        preview.notebook.change_theme(THEMES["light"])


def fits(preview: OnScreen) -> None:
    wide = preview.root.evaluate("root => root.scrollWidth - root.clientWidth")
    assert wide <= 1, "something stands out of its place"
    room = preview.root.bounding_box()
    for node in preview.root.locator(":is(button, input, select):visible").all():
        box = node.bounding_box()
        assert box["x"] >= room["x"] - 1
        assert box["x"] + box["width"] <= room["x"] + room["width"] + 1
        if node.get_attribute("type") != "checkbox":  # its label can be pressed as well
            assert min(box["width"], box["height"]) >= 24, "too small for a finger"


def test_short_answers_are_read_in_full_narrow_and_wide(sounds):
    table = tones(10).assign(label=[str(digit) for digit in range(10)])
    preview = sounds(table)
    preview.press("Digit7")
    assert "you 7" in preview.wait_told()
    names = preview.root.locator(".mlkit-list .mlkit-name")
    cut = "nodes => nodes.filter((n) => n.scrollWidth > n.clientWidth).length"
    try:
        for width in (1600, 700):
            preview.page.set_viewport_size({"width": width, "height": 900})
            preview.notebook.wait(lambda: names.evaluate_all(cut) == 0, "room for all answers")
    finally:
        preview.page.set_viewport_size({"width": 1300, "height": 900})
