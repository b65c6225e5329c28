"""What a person sees and does: a notebook in the browser and the widgets in it."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page
from playwright.sync_api import TimeoutError as TooLong

from browser.chromium import VIEWPORT
from browser.lab import Lab

PATIENCE_S = 45  # for a slow machine; nothing waits longer than what it waits for
READY = ".mlkit-tagger[data-item]:not([data-item=''])"  # the first item has come
ANSI = re.compile(r"\x1b\[[0-9;]*m")

# Asks the application: no guess at the layout, the same in JupyterLab and Notebook 7.
STATE = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  const model = panel?.content?.model;
  if (!model) return null;
  const kernel = panel.sessionContext?.session?.kernel;
  return {
    status: kernel?.status ?? "none",
    connection: kernel?.connectionStatus ?? "none",
    mode: panel.content.mode,
    active: panel.content.activeCellIndex,
    run: window.__run ?? null,
  };
}"""
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells"
# Asked again and again while cells run: not the whole notebook with its pictures.
FAILED = """() => {
  const failed = [];
  for (const cell of window.jupyterapp.shell.currentWidget.content.model.cells)
    for (let n = 0; n < (cell.outputs?.length ?? 0); n += 1)
      if (cell.outputs.get(n).type === "error") failed.push(cell.outputs.get(n).toJSON().traceback);
  return failed;
}"""
RUN = """(command) => {
  window.__run = "running";
  window.jupyterapp.commands.execute(command).then(
    () => { window.__run = "done"; },
    (error) => { window.__run = `not run: ${error}`; },
  );
}"""


def text_of(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


# The document takes the place of all that is open, as when the page had been loaded with it.
ENTER = """async (path) => {
  const { commands, shell } = window.jupyterapp;
  window.__run = null;
  const opened = await commands.execute("docmanager:open", { path, factory: "Notebook" });
  for (const other of [...shell.widgets("main")]) if (other !== opened) other.dispose();
}"""
OPEN_IN_IT = "() => window.jupyterapp.shell.currentWidget?.context?.path ?? null"
# Without the question whether to save; an empty JupyterLab shows its launcher.
LEAVE = """() => {
  for (const open of [...window.jupyterapp.shell.widgets("main")]) open.dispose();
  localStorage.clear();
  sessionStorage.clear();
}"""


FILL = """async ([cells, code]) => {
  const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
  const { sharedModel } = content.model;
  window.__run = null;
  const before = sharedModel.cells.length;
  sharedModel.transact(() => {
    sharedModel.insertCells(0, cells);
    sharedModel.deleteCellRange(cells.length, cells.length + before);
  });
  content.activeCellIndex = 0;
  content.mode = "command";
  const run = sessionContext.session.kernel.requestExecute({ code, store_history: false });
  const { status } = (await run.done).content;
  localStorage.clear();
  sessionStorage.clear();
  return status;
}"""
FORGET = """
import ipywidgets
ipywidgets.Widget.close_all()
get_ipython().run_line_magic("reset", "-f")
import os
os.chdir({folder!r})
del os
"""


class Notebook:
    """One notebook open in one browser tab: one of its own, or `page`, where JupyterLab is."""

    def __init__(
        self,
        context: BrowserContext,
        lab: Lab,
        path: Path,
        application: str,
        page: Page | None = None,
    ) -> None:
        self.lab, self.path, self.application = lab, path, application
        self.page: Page = page or context.new_page()
        self.page.set_default_timeout(15_000)
        self.console: list[str] = []
        self.uncaught: list[str] = []
        self._heard = {
            "console": lambda message: self.console.append(message.text),
            "pageerror": lambda error: self.uncaught.append(str(error.stack or error)),
        }
        for event, hear in self._heard.items():
            self.page.on(event, hear)
        if page is None:
            self.load()
        else:
            self._enter()

    def _enter(self) -> None:
        """Open the notebook where another one was open before."""
        self.page.bring_to_front()
        self.page.set_viewport_size(VIEWPORT)
        self.page.mouse.move(0, 0)
        inside = self.path.relative_to(self.lab.root).as_posix()
        self.page.evaluate(ENTER, inside)
        self.wait(
            lambda: self.page.evaluate(OPEN_IN_IT) == inside and self.state() is not None,
            "the notebook to open",
        )
        self.wait_idle()

    def fill(self, folder: Path, *cells: dict[str, Any]) -> None:
        """Put these cells in the place of all, as if nothing had run, and go to the folder."""
        self.dismiss_dialogs()
        self.page.bring_to_front()
        self.page.set_viewport_size(VIEWPORT)
        self.page.mouse.move(0, 0)
        self.wait_idle()
        assert self.page.evaluate(FILL, [cells, FORGET.format(folder=str(folder))]) == "ok"
        self.console.clear()
        self.uncaught.clear()

    def leave(self) -> Page | None:
        """Close the notebook; gives the page if another notebook may be opened there."""
        if self.page.is_closed():
            return None
        clean = not self.uncaught and self.application == "lab"
        if not clean or self.page.locator(".jp-Dialog").count():
            self.close()
            return None
        self.page.evaluate(LEAVE)
        for event, hear in self._heard.items():
            self.page.remove_listener(event, hear)
        return self.page

    def load(self) -> None:
        """Go to the notebook (again), and wait until its kernel answers.

        A page that met a kernel between two lives may wait for its first word for ever: it is
        loaded once more, as a person would.
        """
        self.goto()
        try:
            self.wait_idle(seconds=PATIENCE_S / 2)
        except AssertionError:
            self.goto()
            self.wait_idle()

    def goto(self) -> None:
        """Go to the notebook (again); the kernel may be dead or frozen."""
        self.page.goto(self.lab.address(self.path, application=self.application))
        self.wait(lambda: self.state() is not None, "the notebook to open")

    def close(self) -> None:
        self.page.evaluate("() => localStorage.clear()")
        self.page.close()

    def state(self) -> dict[str, Any] | None:
        return self.page.evaluate(STATE)

    def content(self) -> list[dict[str, Any]]:
        """The cells as they would be saved."""
        return self.page.evaluate(CELLS)

    def cells(self) -> list[tuple[str, str]]:
        """Type and source of each cell, in order."""
        return [(cell["cell_type"], text_of(cell["source"])) for cell in self.content()]

    def outputs(self) -> list[dict[str, Any]]:
        return [out for cell in self.content() for out in cell.get("outputs", [])]

    def errors(self) -> list[str]:
        """Tracebacks of the cells that failed."""
        return [ANSI.sub("", "\n".join(traceback)) for traceback in self.page.evaluate(FAILED)]

    def printed(self) -> str:
        return "".join(text_of(o["text"]) for o in self.outputs() if o["output_type"] == "stream")

    def wait(self, met: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> Any:
        """Wait until `met` gives something true; a failure says what was seen instead."""
        deadline = time.monotonic() + seconds
        while True:
            value = met()
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds:.0f} s for {what}\n{self.report()}")
            if self.page.is_closed():
                time.sleep(0.1)
            else:
                self.page.wait_for_timeout(25)  # lets the browser's events in; sleep would not

    def report(self) -> str:
        if self.page.is_closed():
            return "the page is closed"
        state = self.state() or {}
        lines = [f"kernel: {state.get('status')}, {state.get('connection')}, {state.get('run')}"]
        lines += self.errors() if state else []
        for widget in self.page.locator(".mlkit-surface, .mlkit-confusion, .jp-Dialog").all():
            lines.append(f"on screen: {widget.inner_text()[:600]!r}")
        lines += ["uncaught: " + line for line in self.uncaught[-3:]]
        lines += ["console: " + line[:300] for line in self.console[-8:]]
        return "\n".join(lines)

    def wait_idle(self, seconds: float = PATIENCE_S) -> None:
        def idle() -> bool:
            state = self.state()
            return (state["status"], state["connection"]) == ("idle", "connected")

        self.wait(idle, "an idle kernel", seconds)

    def start_all(self) -> None:
        self.dismiss_dialogs()
        self.page.evaluate(RUN, "notebook:run-all-cells")

    def wait_done(self) -> None:
        """Until all cells have run; a failed one shows its traceback."""

        def done() -> bool:
            run, errors = self.state()["run"], self.errors()
            assert not errors, "a cell failed:\n" + "\n".join(errors)
            return run == "done"

        self.wait(done, "the cells to run")

    def run_all(self, widget: str | None = READY) -> None:
        """Run every cell, then wait for the widget."""
        self.start_all()
        self.wait_done()
        if widget:
            self.wait_for(widget)

    def start_cell(self, place: int) -> None:
        script = "n => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = n; }"
        self.page.evaluate(script, place)
        self.page.evaluate(RUN, "notebook:run-cell")

    def run_cell(self, place: int) -> None:
        self.start_cell(place)
        self.wait_done()

    def reach_by_keyboard(self, selector: str) -> None:
        """Tab from the notebook until the focus is inside."""
        self.page.keyboard.press("Escape")
        for _ in range(60):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("s => !!document.activeElement.closest(s)", selector):
                return
        raise AssertionError(f"no Tab reaches {selector}\n{self.report()}")

    def wait_for(self, selector: str, seconds: float = PATIENCE_S) -> None:
        try:
            self.page.wait_for_selector(selector, timeout=seconds * 1000)
        except TooLong:
            raise AssertionError(f"no {selector} on screen\n{self.report()}") from None

    def dismiss_dialogs(self) -> None:
        """JupyterLab tells of a dead kernel in a dialog: read, and away."""
        while self.page.locator(".jp-Dialog").count():
            self.page.locator(".jp-Dialog .jp-mod-accept").first.click()
            self.page.wait_for_selector(".jp-Dialog", state="detached", timeout=5000)

    def wait_new_kernel(self, before: int) -> None:
        """The server starts a new kernel a few seconds after one died."""
        self.wait(
            lambda: self.lab.kernel(self.path) not in (None, before), "a new kernel after a kill"
        )

    def load_on_new_kernel(self, before: int) -> None:
        """The page was opened on a kernel that hung or died: open it on the next one.

        Left as it is, it may wait for that kernel's first word for ever.
        """
        self.wait_new_kernel(before)
        self.load()

    def change_theme(self, name: str) -> None:
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name
        )
        self.wait(
            lambda: self.page.evaluate("() => document.body.dataset.jpThemeName") == name, name
        )


class OnScreen:
    """What the Tagger and the Labeler have in common, as their person finds it."""

    selector: str

    def __init__(self, notebook: Notebook) -> None:
        self.notebook, self.page = notebook, notebook.page
        # A re-run cell may leave the old output for a moment: the last one is the new.
        self.root = notebook.page.locator(self.selector).last

    @property
    def item(self) -> str | None:
        return self.root.get_attribute("data-item")

    @property
    def done(self) -> int:
        return int(self.root.get_attribute("data-tagged"))

    @property
    def pending(self) -> int:
        return int(self.root.get_attribute("data-pending"))

    @property
    def says(self) -> str:
        """What the line about saving says."""
        return self.root.locator(".mlkit-save").inner_text()

    @property
    def announces(self) -> str:
        return self.root.locator(".mlkit-live").inner_text()

    def button(self, action: str) -> Locator:
        return self.root.locator(f"[data-action='{action}']").first

    def focus(self) -> None:
        self.root.focus()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def press_and_go_on(self, *keys: str) -> str:
        """Press keys of which the last goes on; gives the item they were for.

        Without an item on screen keys mean nothing: it waits for this one and the next.
        """
        before = self.notebook.wait(lambda: self.item, "an item")
        self.press(*keys)
        self.notebook.wait(lambda: self.item not in (None, "", before), f"what follows {before}")
        return before

    def wait_saved(self) -> None:
        self.notebook.wait(lambda: self.pending == 0, "all tags to be saved")

    def wait_shown(self) -> None:
        """Until the item on screen can be seen, heard or read."""
        shown = self.root.locator(".mlkit-media > :not(.mlkit-message)")
        self.notebook.wait(lambda: self.item and shown.count(), "the item to be shown")


class TaggerOnScreen(OnScreen):
    """The Tagger in a notebook."""

    selector = ".mlkit-tagger"

    def tag_button(self, tag: str) -> Locator:
        quoted = tag.replace("\\", "\\\\").replace('"', '\\"')
        return self.root.locator(f'button.mlkit-tag[data-tag="{quoted}"]')

    def on(self) -> list[str]:
        """The tags that the item on screen has."""
        pressed = self.root.locator("button.mlkit-tag[aria-pressed='true']")
        return [button.get_attribute("data-tag") for button in pressed.all()]


class LabelerOnScreen(OnScreen):
    """The Labeler in a notebook."""

    selector = ".mlkit-labeler"

    def given(self) -> list[str]:
        """The label that the item on screen has, if any."""
        pressed = self.root.locator("[data-label][aria-pressed='true']")
        return [button.get_attribute("data-label") for button in pressed.all()]
