"""Each kind of item is shown as what it is, and nothing in it is taken for HTML."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from browser.screen import TaggerOnScreen
from mlkit.tags import BROKEN, Journal

pytestmark = pytest.mark.usefixtures("one_kernel")

INJECTION = "<img src=x onerror='window.injected = true'><b>bold</b>"
LONG = "x" * 10_000


def wrong(n: int, **columns) -> pd.DataFrame:
    """Predictions, all wrong."""
    items = [f"item {number}" for number in range(n)]
    return pd.DataFrame({"item": items, "label": "cat", "prediction": "dog"} | columns)


@pytest.fixture
def show(open_notebook, folder):
    """Open a Tagger over a table; gives its view."""

    def show_it(table: pd.DataFrame, arguments: str, before: str = "") -> TaggerOnScreen:
        table.to_pickle(folder / "table.pickle")
        notebook = open_notebook(
            "import pandas as pd\nfrom mlkit.widgets import Tagger\n"
            f"predictions = pd.read_pickle('table.pickle')\n{before}\n"
            f"tagger = Tagger(predictions, journal='journal.db', {arguments})\ntagger"
        )
        notebook.run_all()
        tagger = TaggerOnScreen(notebook)
        tagger.wait_shown()
        tagger.focus()
        return tagger

    return show_it


def tone(folder, name: str, *, seconds: float = 1.0, rate: int = 8000):
    import soundfile

    times = np.arange(int(seconds * rate)) / rate
    path = folder / name
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 440 * times), rate)
    return str(path)


def painted(tagger: TaggerOnScreen) -> bool:
    script = "image => image.complete && image.naturalWidth > 0"
    return tagger.root.locator("img.mlkit-image").evaluate(script)


def test_pictures_from_paths_and_from_arrays(show, folder):
    arrays = [np.full((30, 40, 3), shade, np.uint8) for shade in (0, 128, 255)]
    tagger = show(wrong(3, picture=arrays), "show='picture', tags=['dark']")
    tagger.notebook.wait(lambda: painted(tagger), "a picture from an array")
    size = tagger.root.locator("img.mlkit-image").evaluate(
        "image => [image.naturalWidth, image.naturalHeight]"
    )
    assert size == [40, 30]


def test_a_recording_is_seen_and_played_with_space(show, folder):
    paths = [tone(folder, f"{number}.wav") for number in range(3)]
    tagger = show(wrong(3, sound=paths), "show='sound', tags=['noise']")
    audio = "() => { const a = document.querySelector('.mlkit-tagger audio'); return a && {\
 paused: a.paused, at: a.currentTime, long: a.duration }; }"
    page, wait = tagger.page, tagger.notebook.wait
    assert page.evaluate(audio)["paused"]
    tagger.press("Space")
    wait(lambda: page.evaluate(audio)["at"] > 0, "the recording to play")
    assert page.evaluate(audio)["long"] == pytest.approx(1, abs=0.05)
    tagger.press("Space")
    wait(lambda: page.evaluate(audio)["paused"], "the recording to pause")
    drawn = tagger.root.locator(".mlkit-media img, .mlkit-media canvas").first
    assert drawn.bounding_box()["width"] > 100
    tagger.press_and_go_on("Digit1", "Enter")
    tagger.wait_shown()
    assert page.evaluate(audio)["paused"]
    tagger.wait_saved()


def test_text_is_text(show):
    texts = [f"first line {number}\n{INJECTION}" for number in range(2)]
    tagger = show(wrong(2, message=texts), "show='message', tags=['short']")
    shown = tagger.root.locator("pre.mlkit-text")
    assert shown.text_content() in texts
    assert tagger.root.locator(".mlkit-media img, .mlkit-media b").count() == 0


def test_a_row_is_a_small_table(show):
    table = wrong(2, age=[30, 41], remark=[INJECTION, None])
    tagger = show(table, "show=None, tags=['old']")
    rows = tagger.root.locator("table.mlkit-row")
    seen = rows.inner_text()
    assert "age" in seen
    assert "remark" in seen
    assert rows.locator("img, b").count() == 0


def test_a_function_shows_anything_displayable_and_runs_no_script(show):
    before = """
from IPython.display import HTML
def look(row):
    script = "<script>document.body.className = 'ran'; parent.injected = true</script>"
    return HTML(f"<em class='mine'>{row['item']}</em>{script}")
"""
    tagger = show(wrong(2), "show=look, tags=['odd']", before)
    inside = tagger.root.frame_locator("iframe.mlkit-html")
    assert inside.locator(".mine").inner_text() == tagger.item
    assert inside.locator("body").get_attribute("class") is None
    assert tagger.page.evaluate("() => window.injected") is None


def test_html_in_names_is_shown_as_text(show, folder):
    table = wrong(2, text=["a", "b"])
    table["label"], table["prediction"] = INJECTION, f"{INJECTION} too"
    table["item"] = [f"{INJECTION} {number}" for number in range(2)]
    tagger = show(table, f"show='text', tags=[{INJECTION!r}, 'plain']")
    button = tagger.tag_button(INJECTION)
    assert INJECTION in button.inner_text()
    button.click()
    tagger.wait_saved()
    assert tagger.on() == [INJECTION]
    assert INJECTION in tagger.announces
    assert tagger.root.locator("img, b").count() == 0
    assert tagger.page.evaluate("() => window.injected") is None
    tags = Journal(folder / "journal.db").events().query("kind == 'tag'")
    assert list(tags["value"]) == [INJECTION]


def test_a_tag_of_ten_thousand_characters_is_refused_in_words(show, folder):
    tagger = show(wrong(2, text=["a", "b"]), "show='text', tags=['plain']")
    tagger.button("new-tag").click()
    tagger.page.keyboard.insert_text(LONG)
    tagger.press("Enter")
    refusal = tagger.root.get_by_text("at most 200")
    tagger.notebook.wait(lambda: refusal.count() and refusal.first.is_visible(), "a refusal")
    assert refusal.first.bounding_box()["height"] > 5, "the refusal is heard but not seen"
    width = tagger.root.evaluate("root => root.scrollWidth - root.clientWidth")
    assert width <= 1, "the long tag pushes the Tagger out of its place"
    tagger.press("Escape")
    tagger.wait_saved()
    assert Journal(folder / "journal.db").events().empty
    tagger.focus()
    tagger.press_and_go_on("Digit1", "Enter")
    tagger.wait_saved()


def test_missing_and_broken_files_are_shown_so_and_can_be_tagged(show, folder):
    paths = []
    for number in range(6):
        path = folder / f"{number}.png"
        Image.new("RGB", (20, 20), (40 * number, 0, 0)).save(path)
        paths.append(str(path))
    (folder / "2.png").unlink()
    (folder / "4.png").write_bytes(b"this is no picture")
    tagger = show(wrong(6, path=paths), "show='path', tags=['blur']")
    broken = {}
    for place in range(6):
        tagger.wait_shown()
        tagger.notebook.wait(
            lambda: tagger.root.locator(".mlkit-broken").count() or painted(tagger), "a picture"
        )
        number = int(tagger.item.split()[-1])
        if tagger.root.locator(".mlkit-broken").count():
            broken[number] = tagger.root.locator(".mlkit-broken").inner_text()
            tagger.tag_button(BROKEN).click()
        tagger.press("Enter")
        tagger.notebook.wait(lambda done=place + 1: tagger.done == done, "the next item")
    assert set(broken) == {2, 4}
    assert "2.png" in broken[2]
    assert "4.png" in broken[4]
    tagger.wait_saved()
    table = Journal(folder / "journal.db").tags().query("value and tag == @BROKEN")
    assert set(table["item"]) == {"item 2", "item 4"}
