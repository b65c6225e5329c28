"""Key to next item painted, and key to tag durable: the Tagger beside two others.

All contestants show the same pictures in the same JupyterLab and the same browser, in turns of
a few tags each, so that what else the machine does falls on all of them alike:

- tagger: one key (Shift+1: this tag, and go on);
- plain: an ipywidgets image and buttons that writes each tag to SQLite before it goes on;
- pigeon-jupyter: the tool of that name, which keeps its tags in memory alone.

Painted: from the time stamp of the key or click until the frame with the next picture, decoded,
is handed over. Durable: until the transaction is committed with `synchronous=FULL`, by the
kernel's clock. Acknowledged: until the browser knows, and its count of unsaved tags is 0 again.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser import samples
from browser.chromium import chromium, find
from browser.lab import Lab
from browser.screen import Notebook

TURN = 10  # tags before the next contestant has its turn
PAUSE_MS = 60  # between two tags: faster than a person

CLOCK = r"""
window.__marks = [];
const begin = (event) => window.__marks.push({
  start: event.timeStamp, wall: performance.timeOrigin + event.timeStamp,
  painted: null, acknowledged: null,
});
window.addEventListener("keydown", (event) => {
  if (event.code === "Digit1" && !event.repeat) begin(event);
}, true);
window.addEventListener("click", (event) => {
  if (event.target.closest?.("button.jupyter-button")) begin(event);
}, true);
const painted = async (image) => {
  const mark = window.__marks.at(-1);
  if (!mark || mark.painted !== null || !image.src) return;
  try { await image.decode(); } catch { return; }
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { mark.painted ??= performance.now() - mark.start; };
    channel.port2.postMessage(0);
  });
};
const look = (records) => {
  for (const {type, target, attributeName, oldValue, addedNodes} of records) {
    if (type === "attributes" && target.tagName === "IMG") painted(target);
    // A later redraw writes the same "0" again: that is no news.
    if (attributeName === "data-pending" && target.dataset.pending === "0" && oldValue !== "0") {
      const mark = window.__marks.at(-1);
      if (mark) mark.acknowledged = performance.now() - mark.start;
    }
    for (const node of addedNodes) {
      if (node.tagName === "IMG") painted(node);
      else node.querySelectorAll?.("img").forEach(painted);
    }
  }
};
const watch = () => new MutationObserver(look).observe(document.documentElement, {
  subtree: true, childList: true, attributes: true, attributeOldValue: true,
  attributeFilter: ["src", "data-pending"],
});
if (document.documentElement) watch();
else document.addEventListener("DOMContentLoaded", watch);
"""

COMMON = """
import time
import pandas as pd
predictions = pd.read_csv("predictions.csv", dtype=str)
commits = open("{name}.commits", "w", buffering=1)
"""

TAGGER = """
from mlkit import tags
from mlkit.widgets import Tagger

write = tags.Journal.write
def timed(journal, events):
    safe = write(journal, events)
    commits.write(f"{time.time()}\\n")
    return safe
tags.Journal.write = timed

tagger = Tagger(predictions, show="path", tags=["blur", "dark"], journal="tagger.db")
tagger
"""

PLAIN = """
import sqlite3
from pathlib import Path
import ipywidgets as widgets

database = sqlite3.connect("plain.db", check_same_thread=False)
database.execute("pragma journal_mode=wal")
database.execute("pragma synchronous=full")
database.execute("create table tags (item text, tag text)")
database.commit()
place, paths = 0, list(predictions["path"])
image = widgets.Image(value=Path(paths[0]).read_bytes())
counter = widgets.Label()

def tag(button):
    global place
    with database:
        row = (predictions["item"][place], button.description)
        database.execute("insert into tags values (?, ?)", row)
    commits.write(f"{time.time()}\\n")
    place += 1
    image.value = Path(paths[place]).read_bytes()
    counter.value = f"{place} of {len(paths)}"

buttons = [widgets.Button(description=name) for name in ("blur", "dark")]
for button in buttons:
    button.on_click(tag)
widgets.VBox([counter, image, widgets.HBox(buttons)])
"""

PIGEON = """
import sys
sys.path.insert(0, {place!r})
from IPython.display import Image, display
from pigeon import annotate

kept = annotate(list(predictions["path"]), options=["blur", "dark"], include_skip=False,
                display_fn=lambda path: display(Image(filename=path)))
"""


@dataclass
class Contestant:
    name: str
    cell: str
    widget: str  # on screen once the first picture is there
    button: str | None = None  # None: the key
    commits: bool = True
    marks: list[dict] = field(default_factory=list)

    def open(self, context, lab: Lab, folder: Path) -> None:
        path = folder / f"{self.name}.ipynb"
        samples.write_notebook(path, COMMON.format(name=self.name), self.cell)
        self.notebook = Notebook(context, lab, path, "lab")
        self.notebook.run_all(self.widget)
        self.page = self.notebook.page
        if self.button is None:
            self.page.locator(".mlkit-tagger").focus()

    def tag(self, number: int) -> None:
        if self.button is None:
            self.page.keyboard.press("Shift+Digit1")
        else:
            self.page.locator(self.button).first.click()
        done = """([n, acknowledged]) => {
          const mark = window.__marks[n];
          const pending = document.querySelector(".mlkit-tagger")?.dataset.pending ?? "0";
          return mark && mark.painted !== null && pending === "0"
            && (!acknowledged || mark.acknowledged !== null);
        }"""
        arg = [number, self.button is None]
        self.page.wait_for_function(done, arg=arg, polling=20, timeout=15000)
        self.page.wait_for_timeout(PAUSE_MS)

    def turn(self, begin: int) -> None:
        self.page.bring_to_front()
        for number in range(begin, begin + TURN):
            self.tag(number)

    def results(self, folder: Path) -> dict[str, np.ndarray]:
        marks = self.page.evaluate("() => window.__marks")
        found = {"painted": np.array([mark["painted"] for mark in marks])}
        if self.button is None:
            found["acknowledged"] = np.array([mark["acknowledged"] for mark in marks])
        if self.commits:
            stamps = np.loadtxt(folder / f"{self.name}.commits") * 1000
            starts = np.array([mark["wall"] for mark in marks])
            # The last commit before the next key: a tag and "seen" may be two.
            last = np.searchsorted(stamps, np.append(starts[1:], np.inf)) - 1
            found["durable"] = stamps[last] - starts
        return found


def pigeon(place: Path) -> Contestant | None:
    """pigeon-jupyter in a folder of its own, put on the path of its kernel alone."""
    uv = shutil.which("uv")
    tool = [uv, "pip", "install", "-q", "--python", sys.executable] if uv else None
    tool = tool or [sys.executable, "-m", "pip", "install", "-q"]
    command = [*tool, "--no-deps", "--target", str(place), "pigeon-jupyter==0.1.0"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"pigeon-jupyter is left out, it could not be installed:\n{done.stderr}")
        return None
    button = "button.jupyter-button:has-text('blur')"
    cell = PIGEON.format(place=str(place))
    return Contestant("pigeon", cell, ".jp-OutputArea img", button, commits=False)


def write_items(folder: Path, items: int) -> str:
    """`items` errors in predictions.csv; says what the pictures are."""
    pictures, labels, kind = samples.pictures(min(items, 3781))
    (folder / "pictures").mkdir(parents=True)
    paths = []
    for number, picture in enumerate(pictures):
        path = folder / "pictures" / f"{number:05d}.{kind}"
        path.write_bytes(picture)
        paths.append(str(path))
    which = np.arange(items) % len(pictures)
    table = pd.DataFrame({"item": [f"item {n:05d}" for n in range(items)]})
    table["label"] = [labels[place] for place in which]
    table["prediction"] = "something else"
    table["path"] = [paths[place] for place in which]
    table.to_csv(folder / "predictions.csv", index=False)
    size = np.mean([len(picture) for picture in pictures]) / 1024
    return f"{items} items, {len(pictures)} pictures ({kind}, {size:.0f} kB on average)"


def table(results: dict[str, dict[str, np.ndarray]]) -> pd.DataFrame:
    rows = []
    for name, measures in results.items():
        for measure, times in measures.items():
            median, p95 = np.percentile(times, [50, 95])
            rows.append((measure, name, len(times), median, p95, times.max()))
    columns = ["ms from key to", "contestant", "tags", "median", "p95", "max"]
    return pd.DataFrame(rows, columns=columns).sort_values(columns[:2], ignore_index=True)


def goals(results: dict[str, dict[str, np.ndarray]]) -> list[str]:
    ours, plain = results["tagger"], results["plain"]
    ratio = np.median(ours["painted"]) / np.median(plain["painted"])
    p95 = np.percentile(ours["painted"], 95)
    slow = np.median(ours["acknowledged"])
    figures = [
        ("painted, median against plain", ratio, 0.75, "{:.2f}x"),
        ("painted, p95", p95, 50, "{:.0f} ms"),
        ("acknowledged (so durable), median", slow, 60, "{:.0f} ms"),
    ]
    if "pigeon" in results:
        against = np.median(ours["painted"]) / np.median(results["pigeon"]["painted"])
        figures.append(("painted, median against pigeon-jupyter", against, np.nan, "{:.2f}x"))
    lines = []
    for what, value, goal, form in figures:
        verdict = "" if np.isnan(goal) else f", goal <= {form.format(goal)}"
        verdict += "" if np.isnan(goal) else (": met" if value <= goal else ": MISSED")
        lines.append(f"{what}: {form.format(value)}{verdict}")
    return lines


def measure(folder: Path, tags: int, items: int) -> dict[str, dict[str, np.ndarray]]:
    path = find()
    if path is None:
        raise SystemExit("no Chromium found: apt install chromium")
    work = folder / "notebooks"
    print(write_items(work, items))
    button = "button.jupyter-button:has-text('blur')"
    contestants = [
        Contestant("tagger", TAGGER, ".mlkit-tagger[data-item]:not([data-item='']) img"),
        Contestant("plain", PLAIN, ".jp-OutputArea img", button),
    ]
    other = pigeon(folder / "pigeon")
    contestants += [other] if other else []
    with Lab(folder, work) as lab, chromium(path, folder) as context:
        context.add_init_script(CLOCK)
        for contestant in contestants:
            contestant.open(context, lab, work)
        for begin in range(0, tags, TURN):
            for shift in range(len(contestants)):
                contestants[(begin // TURN + shift) % len(contestants)].turn(begin)
        return {each.name: each.results(work) for each in contestants}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tags", type=int, default=200, help="tags for each contestant")
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--json", type=Path, help="write every single time here")
    chosen = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tagger-latency-") as folder:
        results = measure(Path(folder), chosen.tags, chosen.items)
    print(table(results).to_string(index=False, float_format="{:.1f}".format))
    print(*goals(results), sep="\n")
    print(f"{time.monotonic() - begin:.0f} s on {os.cpu_count()} cores")
    if chosen.json:
        lists = {n: {m: t.tolist() for m, t in found.items()} for n, found in results.items()}
        chosen.json.write_text(json.dumps(lists))


if __name__ == "__main__":
    main()
