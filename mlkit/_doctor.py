"""What ``mlkit.doctor()`` looks at: programs, data, widgets, and a place to write."""

import importlib.util
import io
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mlkit import _show

if TYPE_CHECKING:
    from packaging.requirements import Requirement

FINE, CAN_WAIT, MEND = "fine", "can wait", "mend this"
MARKS = {FINE: "✔", CAN_WAIT: "○", MEND: "△"}
COLUMNS = ["check", "state", "found", "what_to_do"]
OLDEST, NEWEST = (3, 11), (3, 14)
LEAST_FREE_MB = 200  # a lesson writes little: journals, a few augmented clips
SET_UP = "run `python3 run.py lab` in the kit's folder: it sets everything up"
# What the notebooks need besides the package: module, how to install it, what for.
KIT = [
    ("jupyterlab", "jupyterlab", "all notebooks"),
    ("ipydatagrid", "ipydatagrid", "tables one edits in place (01, 04)"),
    ("mlflow", "mlflow", "experiments kept (05)"),
    ("fastapi", "fastapi", "the server (09)"),
    ("uvicorn", "uvicorn", "the server (09)"),
    ("prometheus_client", "prometheus-client", "the server (09)"),
    ("distributed", '"dask[distributed]"', "a cluster (08, 10)"),
    ("psycopg", '"psycopg[binary]"', "a class on one PostgreSQL (12)"),
]
EXTENSIONS = {"anywidget": "anywidget", "@jupyter-widgets/jupyterlab-manager": "ipywidgets"}
REAL_DATA = {
    "fetch_spoken_digits": "real voices",
    "fetch_clothing": "real photographs",
    "fetch_messages": "real messages",
}


@dataclass(frozen=True)
class Diagnosis:
    """What was looked at, what was found, and what to do about it: a row each in ``.table``."""

    table: pd.DataFrame

    @property
    def healthy(self) -> bool:
        """Whether nothing has to be mended; what can wait may still be missing."""
        return not (self.table["state"] == MEND).any()

    def __repr__(self) -> str:
        """The sentence, then a line for each thing to mend."""
        wrong = self.table[self.table["state"] == MEND]
        if wrong.empty:
            later = int((self.table["state"] == CAN_WAIT).sum())
            more = f" {later} can wait: see the table." if later else ""
            return f"All is well: nothing has to be mended.{more}"
        lines = [f"- {row.check}: {row.found}; {row.what_to_do}." for row in wrong.itertuples()]
        count = "One thing needs" if len(wrong) == 1 else f"{len(wrong)} things need"
        return "\n".join([f"{count} mending.", *lines])

    def _repr_html_(self) -> str:
        order = {MEND: 0, CAN_WAIT: 1, FINE: 2}
        told = self.table.sort_values("state", key=lambda state: state.map(order), kind="stable")
        columns = {name: name.replace("_", " ") for name in COLUMNS}
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in told.itertuples(index=False)]
        for row in rows:
            row["state"] = f"{MARKS[row['state']]} {row['state']}"
        html = _show.table_html(rows, columns=columns, text=list(columns))
        return _show.result_html(repr(self).split("\n")[0], html)


@dataclass(frozen=True)
class _Finding:
    check: str
    state: str
    found: str
    what_to_do: str = ""


def examine(folder: Path) -> Diagnosis:
    """Everything that a lesson in this folder needs, looked at without importing what is slow."""
    looks: list[Callable[[], Iterator[_Finding]]] = [
        _python,
        lambda: _copy(folder),
        _packages,
        _kit,
        _widgets,
        _front_end,
        _sound_and_pictures,
        lambda: _place(folder),
        _data,
    ]
    findings = [finding for look in looks for finding in look()]
    return Diagnosis(pd.DataFrame(findings))


def _python() -> Iterator[_Finding]:
    version = sys.version_info[:2]
    found = ".".join(map(str, sys.version_info[:3]))
    if OLDEST <= version <= NEWEST:
        yield _Finding("Python", FINE, found)
    else:
        cure = f"use 3.{OLDEST[1]} to 3.{NEWEST[1]}; {SET_UP}"
        yield _Finding("Python", MEND, found, cure)


def _copy(folder: Path) -> Iterator[_Finding]:
    """A kernel of another environment brings another copy of the package, or an old one."""
    import mlkit

    used = Path(mlkit.__file__).resolve().parent
    for above in [folder.resolve(), *folder.resolve().parents]:
        beside = above / "mlkit"
        if (beside / "_doctor.py").exists() and (above / "run.py").exists():
            if beside != used:
                cure = "choose the kernel of this kit's .venv (menu Kernel, Change Kernel)"
                yield _Finding("mlkit", MEND, f"another copy is imported: {used}", cure)
                return
            break
    yield _Finding("mlkit", FINE, f"{mlkit.__version__}, {used}")


def _packages() -> Iterator[_Finding]:
    """Those that the package itself needs, by the versions it asks for."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in metadata.requires("mlkit") or []]
    except metadata.PackageNotFoundError:
        yield _Finding("packages", MEND, "mlkit is not installed, only found", SET_UP)
        return
    wrong = [words for need in wanted if (words := _unmet(need))]
    if wrong:
        yield _Finding("packages", MEND, "; ".join(wrong), SET_UP)
    else:
        yield _Finding("packages", FINE, f"all {len(wanted)}, in the versions asked for")


def _unmet(need: "Requirement") -> str:
    if need.marker is not None and not need.marker.evaluate({"extra": ""}):
        return ""
    try:
        version = metadata.version(need.name)
    except metadata.PackageNotFoundError:
        return f"{need.name} is missing"
    if need.specifier.contains(version, prereleases=True):
        return ""
    return f"{need.name} is {version}, needed is {need.specifier}"


def _kit() -> Iterator[_Finding]:
    absent = [(how, use) for module, how, use in KIT if not _there(module)]
    if not absent:
        yield _Finding("for the notebooks", FINE, f"all {len(KIT)}")
    for how, use in absent:
        cure = f"`pip install {how}`, or {SET_UP}"
        yield _Finding("for the notebooks", CAN_WAIT, f"no {how}: {use} will not run", cure)


def _there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _widgets() -> Iterator[_Finding]:
    """The browser's half of the widgets: files that JupyterLab serves."""
    if not _there("jupyter_core"):
        yield _Finding("widgets", MEND, "Jupyter is not installed", SET_UP)
        return
    from jupyter_core.paths import jupyter_path

    places = [Path(place) for place in jupyter_path("labextensions")]
    absent = [
        package
        for name, package in EXTENSIONS.items()
        if not any((place / name / "package.json").exists() for place in places)
    ]
    if absent:
        found = f"the browser's part of {' and '.join(absent)} is missing"
        cure = f"`pip install --force-reinstall {' '.join(absent)}`, then reload the page"
        yield _Finding("widgets", MEND, found, cure)
    else:
        yield _Finding("widgets", FINE, "JupyterLab and Notebook 7 find them")


def _front_end() -> Iterator[_Finding]:
    """Two places that are not JupyterLab ask for something of their own."""
    if "google.colab" in sys.modules:
        cure = (
            "run `from google.colab import output; output.enable_custom_widget_manager()` in each"
            " session; files vanish with it, so set `journal` to a path on your Drive"
        )
        yield _Finding("Colab", CAN_WAIT, "widgets are off until you allow them", cure)
    elif os.environ.get("VSCODE_PID") or os.environ.get("VSCODE_CWD"):
        cure = (
            "if a widget stays empty, allow its download when VS Code asks, and run the cell anew"
        )
        yield _Finding("VS Code", CAN_WAIT, "not one of the places the kit is tested in", cure)


def _sound_and_pictures() -> Iterator[_Finding]:
    """Both rest on libraries that are not Python's: they may be there and not load."""
    for check, attempt in [("sound", _write_sound), ("pictures", _scale_picture)]:
        try:
            found = attempt()
        except (ImportError, OSError, RuntimeError) as error:
            found = f"the library does not load ({str(error).splitlines()[0]})"
            yield _Finding(check, MEND, found, SET_UP)
        else:
            yield _Finding(check, FINE, found)


def _write_sound() -> str:
    import numpy as np
    import soundfile

    held = io.BytesIO()
    soundfile.write(held, np.zeros(80, dtype="float32"), 8000, format="WAV", subtype="PCM_16")
    held.seek(0)
    samples, _ = soundfile.read(held)
    return f"WAV written and read ({len(samples)} samples), {soundfile.__libsndfile_version__}"


def _scale_picture() -> str:
    import cv2
    import numpy as np

    small = cv2.resize(np.zeros((8, 8, 3), dtype="uint8"), (4, 4))
    return f"scaled to {small.shape[0]} x {small.shape[1]}, OpenCV {cv2.__version__}"


def _place(folder: Path) -> Iterator[_Finding]:
    """Tags go to an SQLite file: written, locked and read back here, then removed."""
    work = folder / "work" if (folder / "work").is_dir() else folder
    try:
        with tempfile.TemporaryDirectory(dir=work) as held:
            opened = sqlite3.connect(Path(held) / "try.db")
            try:
                with opened:
                    opened.execute("create table tried (word text)")
                    opened.execute("insert into tried values ('kept')")
                kept = opened.execute("select count(*) from tried").fetchone()[0]
            finally:
                opened.close()
        free_mb = shutil.disk_usage(work).free / 1e6
    except (OSError, sqlite3.Error) as error:
        cure = "copy the kit to a folder of your own, on a disk of this machine"
        yield _Finding(
            "a place to write", MEND, f"{work.resolve()} cannot keep a tag ({error})", cure
        )
        return
    if free_mb < LEAST_FREE_MB:
        cure = f"free at least {LEAST_FREE_MB} MB"
        yield _Finding("a place to write", MEND, f"{free_mb:.0f} MB left on the disk", cure)
    else:
        yield _Finding("a place to write", FINE, f"{kept} row kept in {work.resolve()}")


def _data() -> Iterator[_Finding]:
    """The real data are downloaded once; until then bundled ones stand in."""
    from mlkit import datasets

    for name, what in REAL_DATA.items():
        try:
            rows = len(getattr(datasets, name)(download=False, progress=False))
        except (datasets.DownloadError, OSError):
            cure = f"with a network, once: `datasets.{name}()`"
            yield _Finding(what, CAN_WAIT, "not here: a bundled stand-in is used", cure)
        else:
            yield _Finding(what, FINE, f"{rows:,} items")
