"""``mlkit.doctor()``: each thing that may be missing is found, and told with its cure."""

import sqlite3
import sys
from importlib import metadata

import pytest

import mlkit
from mlkit import _doctor, datasets


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLKIT_DATA", str(tmp_path / "no-data"))
    for name in ("VSCODE_PID", "VSCODE_CWD"):
        monkeypatch.delenv(name, raising=False)


def row(check):
    table = mlkit.doctor().table
    found = table[table["check"] == check]
    assert len(found) == 1, table["check"].tolist()
    return found.iloc[0]


def test_here_all_is_well():
    said = mlkit.doctor()
    assert said.healthy, repr(said)
    assert repr(said).startswith("All is well: nothing has to be mended.")
    assert set(said.table["state"]) <= {"fine", "can wait"}
    # What is not fine says what to do, and only that.
    assert ((said.table["what_to_do"] == "") == (said.table["state"] == "fine")).all()


def test_it_leaves_nothing_behind(tmp_path):
    mlkit.doctor()
    assert list(tmp_path.iterdir()) == []


def test_real_data_that_are_not_there_can_wait():
    found = row("real voices")
    assert found["state"] == "can wait"
    assert found["what_to_do"] == "with a network, once: `datasets.fetch_spoken_digits()`"
    assert callable(datasets.fetch_spoken_digits)
    assert "3 can wait" in repr(mlkit.doctor())


def test_a_package_that_is_missing_or_too_old_is_named(monkeypatch):
    real = metadata.version

    def version(name):
        if name == "rapidfuzz":
            raise metadata.PackageNotFoundError(name)
        return "0.0.1" if name == "pandas" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(metadata, "requires", lambda name: ["pandas>=2.3", "rapidfuzz>=3", "numpy"])
    found = row("packages")
    assert found["state"] == "mend this"
    assert found["found"] == "pandas is 0.0.1, needed is >=2.3; rapidfuzz is missing"
    assert "python3 run.py lab" in found["what_to_do"]


def test_a_requirement_for_another_system_is_not_asked_for(monkeypatch):
    asked = ["pandas", 'nosuch; sys_platform == "no-such"', 'nosuch; extra == "more"']
    monkeypatch.setattr(metadata, "requires", lambda name: asked)
    assert row("packages")["state"] == "fine"


def test_a_copy_that_is_only_found_and_not_installed_is_told(monkeypatch):
    def requires(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert row("packages")["found"] == "mlkit is not installed, only found"


@pytest.mark.parametrize("version", [(3, 10, 1), (3, 15, 0)])
def test_a_python_that_is_too_old_or_too_new(monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", version)
    found = row("Python")
    assert found["state"] == "mend this"
    assert found["found"] == ".".join(map(str, version))
    assert found["what_to_do"].startswith("use 3.11 to 3.14; ")


def test_what_a_notebook_needs_besides_can_wait(monkeypatch):
    monkeypatch.setattr(_doctor, "KIT", [("nosuchmodule", "nosuch", "the server (09)")])
    found = row("for the notebooks")
    assert found["state"] == "can wait"
    assert found["found"] == "no nosuch: the server (09) will not run"
    assert found["what_to_do"].startswith("`pip install nosuch`")


def test_widgets_without_the_browsers_part(monkeypatch, tmp_path):
    import jupyter_core.paths

    monkeypatch.setattr(jupyter_core.paths, "jupyter_path", lambda *parts: [str(tmp_path)])
    said = mlkit.doctor()
    assert not said.healthy
    assert repr(said).startswith("One thing needs mending.\n- widgets: the browser's part of")
    assert "anywidget and ipywidgets is missing" in repr(said)


def test_another_copy_of_the_kit_is_imported(tmp_path):
    (tmp_path / "mlkit").mkdir()
    (tmp_path / "mlkit" / "_doctor.py").touch()
    (tmp_path / "run.py").touch()
    found = row("mlkit")
    assert found["state"] == "mend this"
    assert found["found"].startswith("another copy is imported: ")
    assert "Change Kernel" in found["what_to_do"]


def test_a_folder_that_cannot_keep_a_tag(monkeypatch):
    def connect(path):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(_doctor.sqlite3, "connect", connect)
    found = row("a place to write")
    assert found["state"] == "mend this"
    assert "cannot keep a tag (database is locked)" in found["found"]


def test_a_full_disk(monkeypatch):
    usage = _doctor.shutil.disk_usage(".")._replace(free=5_000_000)
    monkeypatch.setattr(_doctor.shutil, "disk_usage", lambda place: usage)
    assert row("a place to write")["found"] == "5 MB left on the disk"


def test_a_library_that_does_not_load(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    found = row("sound")
    assert found["state"] == "mend this"
    assert found["found"].startswith("the library does not load (import of soundfile halted")


def test_colab_and_vs_code_are_told_what_they_need(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", object())
    assert "enable_custom_widget_manager()" in row("Colab")["what_to_do"]
    monkeypatch.delitem(sys.modules, "google.colab")
    monkeypatch.setenv("VSCODE_PID", "1")
    assert "allow its download" in row("VS Code")["what_to_do"]


def test_what_to_mend_stands_first_and_is_escaped(monkeypatch):
    monkeypatch.setattr(_doctor, "KIT", [("nosuchmodule", "<b>", "x")])
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    html = mlkit.doctor()._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert html.index("△ mend this") < html.index("○ can wait") < html.index("✔ fine")
