"""The Recorder as its person finds it, with Chromium's microphone playing a real recording."""

import functools
import io
import json
import os
import signal
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from playwright.sync_api import BrowserContext
from scipy import fft, optimize
from scipy import signal as scipy_signal

from browser import samples
from browser.chromium import FLAGS, find
from browser.lab import Lab
from browser.screen import Notebook
from browser.test_keys_stay import KEYS, PAIRS, facts
from browser.test_looks import THEMES, no_violation
from mlkit import datasets

ROOT = ".mlkit-recorder"
SPOKEN_ZIP = Path(__file__).parents[3] / "shared/data/free-spoken-digit-dataset.zip"
CELL = """
from mlkit.widgets import Recorder
recorder = Recorder({"7": "seven", "3": "three"}, folder="voice", speaker="Kim", takes=2)
recorder
"""
RATE = 48_000
FAKE = "--use-fake-device-for-media-stream"
ALLOW = "--use-fake-ui-for-media-stream"


class OnScreen:
    """The Recorder in a notebook."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook, self.page = notebook, notebook.page
        self.root = notebook.page.locator(ROOT).last

    def data(self, name: str) -> str:
        return self.root.get_attribute(f"data-{name}")

    def text(self, part: str) -> str:
        return self.root.locator(f".mlkit-{part}").inner_text()

    def button(self, action: str):
        return self.root.locator(f"[data-action='{action}']").first

    def press(self, *keys: str) -> None:
        self.root.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def wait(self, name: str, value: str) -> None:
        self.notebook.wait(lambda: self.data(name) == value, f"{name} to be {value!r}")

    def agree(self) -> None:
        self.wait("consent", "false")
        self.root.locator("input[type=checkbox]").check()
        self.button("agree").click()
        self.wait("consent", "true")

    def turn_on(self) -> None:
        self.press("m")
        self.wait("state", "ready")

    def take(self) -> None:
        """Press r, and let the Recorder end the take by itself."""
        self.press("r")
        self.wait("state", "recording")
        self.notebook.wait(lambda: self.data("state") != "recording", "the take to end by itself")


def real_recording() -> tuple[np.ndarray, int]:
    """Somebody saying seven; a synthetic voice where the real recordings are not there."""
    if not SPOKEN_ZIP.exists():
        return soundfile.read(datasets.load_example_voice().query("label == '7'")["path"].iloc[0])
    with zipfile.ZipFile(SPOKEN_ZIP) as archive:
        names = [name for name in archive.namelist() if name.endswith("/7_jackson_3.wav")]
        return soundfile.read(io.BytesIO(archive.read(names[0])))


def at_the_microphone(path: Path, *, before_s: float, after_s: float, times: int = 1) -> np.ndarray:
    """Write what the microphone is to hear: the recording, as often, in a quiet room."""
    clip, rate_hz = real_recording()
    clip = scipy_signal.resample_poly(clip, RATE, rate_hz)
    clip *= 0.5 / np.abs(clip).max()
    rest = [np.zeros(round(s * RATE)) for s in (before_s, after_s)]
    whole = np.concatenate([rest[0], clip, rest[1]] * times)
    whole += np.random.default_rng(0).normal(scale=3e-5, size=len(whole))
    soundfile.write(path, whole, RATE, subtype="PCM_16")
    return clip


@contextmanager
def browser(context: BrowserContext, *flags: str) -> Iterator[BrowserContext]:
    """Another Chromium beside that of the other tests, whose microphone is another."""
    launch = context.browser.browser_type.launch
    chromium = launch(executable_path=find(), headless=True, args=[*FLAGS, *flags])
    try:
        opened = chromium.new_context(viewport={"width": 1300, "height": 1000})
        opened.add_init_script(
            "const ask = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);"
            "if (ask) navigator.mediaDevices.getUserMedia = async (how) => {"
            "  window.__asked = how; window.__stream = await ask(how); return window.__stream; };"
        )
        yield opened
    finally:
        chromium.close()


@pytest.fixture(scope="module")
def browsers(context) -> Iterator[Callable[..., BrowserContext]]:
    """One Chromium for all tests whose microphone is the same."""
    with ExitStack() as stack:
        yield functools.cache(lambda *flags: stack.enter_context(browser(context, *flags)))


@pytest.fixture
def recorder(browsers, lab, folder) -> Iterator[Callable[..., OnScreen]]:
    """Open a Recorder in a browser with these flags; a path is what its microphone plays."""
    opened = []

    def open_it(*flags: str, sound: Path | None = None, cell: str = CELL, **more) -> OnScreen:
        if sound is not None:
            flags = (FAKE, ALLOW, f"--use-file-for-fake-audio-capture={sound}%noloop", *flags)
        path = samples.write_notebook(more.get("at", folder) / "work.ipynb", cell)
        notebook = Notebook(browsers(*flags), more.get("lab", lab), path, "lab")
        opened.append(notebook)
        notebook.run_all(f"{ROOT}[data-total]")
        return OnScreen(notebook)

    yield open_it
    for notebook in opened:
        if notebook.lab is lab:
            lab.end(notebook.path)
        assert not [error for error in notebook.uncaught if "blob:" in error], notebook.uncaught
        notebook.page.close()


def table(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "voice/recordings.csv", dtype={"label": str})


def snr_db(reference: np.ndarray, saved: np.ndarray) -> float:
    """How far the rest lies below, once delay (also of part of a sample) and level are equal."""
    size = 2 * fft.next_fast_len(max(len(reference), len(saved)))
    spectra = [fft.rfft(x, size) for x in (reference, saved)]
    turn = 2j * np.pi * fft.rfftfreq(size)
    shift = int(np.argmax(fft.irfft(spectra[0] * np.conj(spectra[1]), size)))

    def rest(delay: float) -> float:
        moved = fft.irfft(spectra[1] * np.exp(-turn * delay), size)
        there = fft.irfft(spectra[0], size)
        gain = there @ moved / (moved @ moved)
        return float(np.sum((there - gain * moved) ** 2) / np.sum(there**2))

    best = optimize.minimize_scalar(
        rest, bounds=(shift - 1, shift + 1), method="bounded", options={"xatol": 1e-5}
    )
    return -10 * np.log10(best.fun)


def test_the_file_is_what_the_microphone_heard(recorder, folder, tmp_path):
    clip = at_the_microphone(tmp_path / "said.wav", before_s=8, after_s=20)
    view = recorder(sound=tmp_path / "said.wav")
    view.agree()
    view.turn_on()
    asked = view.page.evaluate("() => window.__asked.audio")
    assert [asked[name] for name in ("echoCancellation", "noiseSuppression")] == [False, False]
    assert asked["autoGainControl"] is False
    prompt, pos = view.text("prompt"), view.data("pos")
    view.take()
    view.wait("kept", "1")
    assert view.data("pos") != pos, "the next prompt comes by itself"
    row = table(folder).iloc[0]
    assert prompt == {"7": "seven", "3": "three"}[row["label"]]
    saved, rate_hz = soundfile.read(folder / "voice" / row["path"])
    assert (rate_hz, row["rate_hz"]) == (16_000, 16_000)
    assert soundfile.info(folder / "voice" / row["path"]).subtype == "PCM_16"
    assert 10 * np.log10(np.mean(saved**2)) == pytest.approx(-20, abs=0.1)
    reference = scipy_signal.resample_poly(clip, 1, 3)
    assert len(reference) / 16_000 - 0.15 < row["duration_s"] < len(reference) / 16_000 + 0.1
    # Trimming takes of the recording what lies 40 dB below its loudest moment.
    assert snr_db(reference, saved) > 50
    line = json.loads((folder / "voice/takes.jsonl").read_text().splitlines()[-1])
    assert line["granted"]["autoGainControl"] is False
    assert line["how"] == "audio worklet"
    assert "deviceId" not in line["granted"]


@pytest.fixture(scope="module")
def said_often(tmp_path_factory) -> Path:
    """The recording again and again, three seconds apart, for two minutes."""
    path = tmp_path_factory.mktemp("microphone") / "often.wav"
    at_the_microphone(path, before_s=1, after_s=2, times=35)
    return path


def test_a_session_by_keys_alone(recorder, folder, said_often):
    view = recorder(sound=said_often)
    view.agree()
    view.turn_on()
    for kept in range(1, 4):
        view.take()
        view.wait("kept", str(kept))
    assert sorted(table(folder).groupby("label").size()) == [1, 2]
    first = table(folder).set_index("item")

    view.press("t")  # the take made last, once more
    view.wait("state", "recording")
    view.wait("state", "ready")
    view.notebook.wait(lambda: len(list((folder / "voice").glob("*.wav"))) == 4, "the retake")
    view.wait("pending", "0")
    again = table(folder).set_index("item")
    changed = [item for item in first.index if again["path"][item] != first["path"][item]]
    assert changed == [first.index[-1]]
    assert view.data("kept") == "3"

    view.press("z")
    view.notebook.wait(lambda: "counts again" in view.text("live"), "the undo")
    pd.testing.assert_frame_equal(table(folder).set_index("item"), first)

    sound = view.root.locator("audio")
    view.notebook.wait(lambda: sound.count() == 1, "the take to be heard")
    view.press("Space")
    view.notebook.wait(lambda: sound.evaluate("node => node.currentTime") > 0, "the take to play")

    view.press("a", "ArrowRight", "ArrowRight", "ArrowRight", "r")
    view.wait("state", "recording")
    view.press("Escape")
    view.wait("state", "ready")
    assert "thrown away" in view.text("live")
    view.press("r")
    view.page.wait_for_timeout(3500)
    assert view.data("state") == "recording", "by key, a take ends by key alone"
    view.press("r")
    view.wait("kept", "4")
    assert "All takes are kept" in view.text("prompt")
    assert view.data("state") == "off", "the microphone is off when all is done"
    assert view.page.evaluate("() => window.__stream.getTracks()[0].readyState") == "ended"
    # With the last two takes it knows enough for an estimate.
    assert "1,000 take" in view.text("pace")


def test_a_killed_kernel_loses_no_finished_take(recorder, folder, lab, said_often, needs_proc):
    view = recorder(sound=said_often)
    view.agree()
    view.turn_on()
    view.take()
    view.wait("kept", "1")
    kernel = lab.kernel(view.notebook.path)
    os.kill(kernel, signal.SIGSTOP)
    view.take()  # the kernel does not answer: it waits in the browser
    view.wait("pending", "1")
    view.notebook.wait(lambda: "re-run the cell" in view.text("save"), "a word on what to do")
    assert view.text("save").startswith("1 not yet saved")
    assert len(table(folder)) == 1
    os.kill(kernel, signal.SIGKILL)
    view.notebook.wait_new_kernel(kernel)
    view.notebook.wait_idle()
    view.notebook.goto()  # the page too
    view.notebook.wait_idle()
    view.notebook.run_all(f"{ROOT}[data-total='4']")
    view = OnScreen(view.notebook)
    view.wait("kept", "2")
    view.wait("pending", "0")
    assert view.text("save") == "saved"
    assert view.data("consent") == "true"
    rows = table(folder)
    assert rows["take"].to_list() == [1, 1]
    assert set(rows["label"]) == {"7", "3"}
    for name in rows["path"]:
        assert soundfile.info(folder / "voice" / name).duration > 0.3


def test_a_kernel_killed_after_the_last_take_has_them_all(
    recorder, folder, lab, said_often, needs_proc
):
    view = recorder(sound=said_often)
    view.agree()
    view.turn_on()
    for kept in range(1, 3):
        view.take()
        view.wait("kept", str(kept))
    kernel = lab.kernel(view.notebook.path)
    os.kill(kernel, signal.SIGKILL)
    before = table(folder)
    view.notebook.wait_new_kernel(kernel)
    view.notebook.wait_idle()
    view.notebook.run_all(f"{ROOT}[data-total='4']")
    view = OnScreen(view.notebook)
    view.wait("kept", "2")
    assert view.data("pos") == "2"
    pd.testing.assert_frame_equal(table(folder), before)


def test_a_take_made_while_a_cell_runs_is_kept_at_once(recorder, folder, said_often):
    view = recorder(sound=said_often)
    view.agree()
    view.turn_on()
    code = "import time, pathlib\nwhile not pathlib.Path('enough').exists(): time.sleep(0.05)"
    view.page.evaluate(
        "code => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({ code }); }",
        code,
    )
    view.notebook.wait(lambda: view.notebook.state()["status"] == "busy", "the code to run")
    view.take()
    view.wait("kept", "1")
    assert len(table(folder)) == 1
    (folder / "enough").touch()


@pytest.mark.parametrize(
    ("level", "words"),
    [(1e-3, "Not kept: no sound was heard."), (0, "The microphone gives no sound at all.")],
)
def test_a_take_of_nothing_is_refused_in_words(recorder, folder, tmp_path, level, words):
    noise = np.random.default_rng(0).normal(scale=level, size=60 * RATE)
    soundfile.write(tmp_path / "nothing.wav", noise, RATE, subtype="PCM_16")
    view = recorder(sound=tmp_path / "nothing.wav")
    view.agree()
    view.turn_on()
    pos = view.data("pos")
    view.press("r")
    view.page.wait_for_timeout(700)
    view.press("r")
    view.notebook.wait(lambda: words in view.text("trouble"), "what is wrong")
    assert (view.data("kept"), view.data("pending"), view.data("pos")) == ("0", "0", pos)
    assert not list((folder / "voice").glob("*.wav"))


def test_refused_consent_records_nothing(recorder, folder, said_often):
    view = recorder(sound=said_often)
    view.wait("consent", "false")
    assert not view.button("agree").is_enabled()
    view.press("r", "m", "Enter", "t")
    view.button("refuse").click()
    assert "nothing is recorded" in view.text("refused")
    assert view.page.evaluate("() => window.__asked") is None, "the microphone was asked for"
    assert not (folder / "voice").exists()


def test_withdrawn_consent_deletes_files_and_rows(recorder, folder, said_often):
    view = recorder(sound=said_often)
    view.agree()
    view.turn_on()
    view.take()
    view.wait("kept", "1")
    view.button("withdraw").click()
    view.button("keep").click()
    view.wait("kept", "1")
    view.button("withdraw").click()
    view.button("delete").click()
    view.wait("consent", "false")
    view.notebook.wait(lambda: "1 take is deleted" in view.text("refused"), "a word of it")
    assert table(folder).empty
    assert not list((folder / "voice").glob("*.wav"))
    assert view.page.evaluate("() => window.__stream.getTracks()[0].readyState") == "ended"


def trouble(view: OnScreen) -> str:
    view.press("m")
    view.notebook.wait(lambda: view.text("trouble"), "what is wrong")
    assert view.data("state") == "off"
    assert "datasets.load_example_voice() is an example speaker" in view.text("trouble")
    return view.text("trouble")


def test_a_refused_permission_is_told(recorder):
    view = recorder(FAKE, "--deny-permission-prompts")
    view.agree()
    assert "The microphone was not allowed." in trouble(view)


def test_a_missing_microphone_is_told(recorder):
    view = recorder(ALLOW)
    view.agree()
    assert "No microphone was found." in trouble(view)


def test_a_microphone_unplugged_in_the_middle_is_told(recorder, folder, said_often):
    view = recorder(sound=said_often)
    view.agree()
    view.turn_on()
    view.take()
    view.wait("kept", "1")
    view.press("a", "r")
    view.wait("state", "recording")
    view.page.evaluate("() => window.__stream.getTracks()[0].dispatchEvent(new Event('ended'))")
    view.wait("state", "off")
    assert "unplugged or turned off" in view.text("trouble")
    assert (view.data("kept"), view.data("pending")) == ("1", "0")
    view.turn_on()
    assert not view.root.locator(".mlkit-trouble").is_visible()


class Elsewhere(Lab):
    """Reached by a name, as a server in another room is: browsers call that insecure."""

    def address(self, notebook: Path, *, application: str = "lab") -> str:
        return super().address(notebook, application=application).replace("127.0.0.1", "lab.test")


def test_an_insecure_page_is_told(recorder, tmp_path):
    (tmp_path / "home/config").mkdir(parents=True)
    allowed = {"ServerApp": {"allow_remote_access": True}}
    (tmp_path / "home/config/jupyter_server_config.json").write_text(json.dumps(allowed))
    with Elsewhere(tmp_path / "home", tmp_path / "home/notebooks") as lab:
        shown = tmp_path / "home/notebooks"
        view = recorder("--host-resolver-rules=MAP lab.test 127.0.0.1", FAKE, lab=lab, at=shown)
        view.agree()
        said = trouble(view)
        assert f"over http from lab.test:{lab.port}" in said
        assert "ssh -L" in said
        lab.end(view.notebook.path)


def test_where_worklets_are_forbidden_it_records_all_the_same(recorder, folder, said_often):
    view = recorder(sound=said_often)
    view.page.evaluate("() => { AudioWorklet.prototype.addModule = async () => { throw 1; }; }")
    view.agree()
    view.turn_on()
    view.take()
    view.wait("kept", "1")
    line = json.loads((folder / "voice/takes.jsonl").read_text().splitlines()[-1])
    assert line["how"] == "script processor"


def test_no_key_reaches_the_notebook(recorder):
    view = recorder()
    view.agree()
    view.root.focus()
    before = facts(view.notebook)
    for keys in [*((key,) for key in KEYS), *PAIRS]:
        view.press(*keys)
        assert facts(view.notebook) == before, f"{keys} was heard outside the Recorder"
        view.press("Escape")


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_no_violation(recorder, said_often, theme):
    view = recorder(sound=said_often)
    view.notebook.change_theme(THEMES[theme])
    view.wait("consent", "false")
    no_violation(view.page, ROOT)
    view.agree()
    no_violation(view.page, ROOT)
    view.turn_on()
    view.take()
    view.wait("kept", "1")
    view.notebook.wait(lambda: view.root.locator("audio").count() == 1, "the take")
    no_violation(view.page, ROOT)
    view.press("a", "r")
    view.wait("state", "recording")
    no_violation(view.page, ROOT)
    view.press("Escape", "?")
    no_violation(view.page, ROOT)
    view.press("Escape")
    view.button("withdraw").click()
    no_violation(view.page, ROOT)
    view.notebook.change_theme(THEMES["light"])


@pytest.mark.parametrize(("width", "least", "most"), [(700, 250, 400), (1600, 900, 1300)])
def test_nothing_is_cut_off_narrow_or_wide(recorder, said_often, width, least, most):
    cell = CELL.replace('"three"', '"three hundred and thirty-three incomprehensibilities, twice"')
    view = recorder(sound=said_often, cell=cell)
    view.agree()
    view.turn_on()
    view.take()
    view.wait("kept", "1")
    view.page.set_viewport_size({"width": width, "height": 1000})
    view.notebook.wait(
        lambda: view.root.evaluate("root => root.scrollWidth <= root.clientWidth + 1"),
        "the Recorder to fit into its cell",
    )
    no_violation(view.page, ROOT)
    room = view.root.bounding_box()
    assert least < room["width"] < most
    for button in view.root.locator("button:visible").all():
        box = button.bounding_box()
        assert room["x"] - 1 <= box["x"]
        assert box["x"] + box["width"] <= room["x"] + room["width"] + 1
        assert min(box["width"], box["height"]) >= 24, "too small for a finger"
