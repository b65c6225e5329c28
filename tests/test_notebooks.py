"""The notebooks run alone and answered, on the stand-in and on real data, and stay small."""

import ast
import json
import math
import os
import re
import shutil
import statistics
import time
from pathlib import Path
from queue import Empty

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from mlkit import _tables, slices
from mlkit.exercises import exercises

FOLDER = Path(__file__).parent.parent / "notebooks"
SHARED = Path(__file__).parents[2] / "shared/data"
ARCHIVES = ["free-spoken-digit-dataset.zip", "clothing-dataset-small.zip", "SMSSpamCollection"]
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
MOST_CELLS, MOST_LINES, MEDIAN_LINES, MOST_SECONDS = 56, 15, 5, 60
NOWHERE = "http://127.0.0.1:9"  # the discard port: a download fails at once

LABELERS = {"labeler": "labeler", "labeler-dev": "listen"}  # cell -> variable
TAGGERS = {"tagger": "tagger", "tagger-mixed": "mixed"}  # cell -> variable
TAG_BY_HAND = """
for number, name in enumerate(tagger.queue["item"].head(40)):
    if number % 3:
        tagger.add(name, "noise" if number % 2 else "quiet")
    tagger.done(name)
"""
LABEL_BY_HAND = """
for number, (name, repeat) in enumerate(labeler.queue[["item", "repeat"]].itertuples(index=False)):
    labeler.label(name, labeler.labels[number % 3 % 2], repeat=int(repeat))
"""
PREVIEWS = {"preview": "preview"}  # cell -> variable
# What a notebook says of the data it got, where that is not about the recordings.
WITHOUT_REAL_DATA = {"01_scoping": "example", "12_class_agreement": "example"}
WITH_REAL_DATA = {"07_audit_performance": "real messages"}
RECORDERS = {"recorder": "recorder"}  # cell -> variable
RECORD_BY_HAND = """
import soundfile as _soundfile
from mlkit import datasets as _datasets
recorder.consent()
for _label, _path in _datasets.load_example_voice()[["label", "path"]].to_numpy()[:20]:
    _samples, _rate = _soundfile.read(_path)
    recorder.add(_label, _samples, rate_hz=_rate)
"""
ANSWER_BY_HAND = """
for number in range(12):
    preview.set(snr_db=25.0)  # so little noise that nothing has to be turned down
    preview.answer(preview.labels[number % 3])
    preview.realistic(number % 2 == 0)
    preview.next()
"""
SHOW_LEVEL = """
_all = people.set_index("slice").loc["all"]
print(f"measured level {_all['hlp']:.6f} on {_all['n']} items")
"""
TELL_APART = """
from mlkit.exercises import exercises as _exercises
for _one in _exercises(_notebook):
    assert _one.wrong
    for _give, _words in _one.wrong:
        _outcome = check(_one.id, _give(**_handed[_one.id]), **_handed[_one.id])
        assert _outcome.state == "not quite", _outcome
        assert _words in _outcome.message, _outcome
"""


class Client(NotebookClient):
    """Looks for replies every half second.

    nbclient answers widgets on the channel it waits on, and on a busy machine that can hide a
    reply until the whole time-out is over (jupyter/nbclient#312).
    """

    async def async_start_new_kernel_client(self, **kwargs: object) -> object:
        client = await super().async_start_new_kernel_client(**kwargs)
        wait = client.shell_channel.get_msg

        async def get_msg(timeout: float | None = None) -> dict:
            deadline = math.inf if timeout is None else time.monotonic() + timeout
            while True:
                try:
                    return await wait(timeout=0.5)
                except Empty:
                    if time.monotonic() > deadline:
                        raise

        client.shell_channel.get_msg = get_msg
        return client


@pytest.fixture(scope="session")
def real(tmp_path_factory) -> Path:
    """A folder for MLKIT_DATA that holds the published archives."""
    absent = [name for name in ARCHIVES if not (SHARED / name).exists()]
    if absent:
        pytest.skip(f"../shared/data has no {', '.join(absent)}")
    folder = tmp_path_factory.mktemp("real")
    for name in ARCHIVES:
        (folder / name).symlink_to(SHARED / name)
    return folder


def load(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code(name: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in load(name).cells if cell.cell_type == "code"]


def asked(source: str) -> list[ast.Expr]:
    """The lines of a cell that check an answer."""
    return [
        line
        for line in ast.parse(source).body
        if isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Call)
        and ast.unparse(line.value.func) == "check"
    ]


def run(
    notebook: nbformat.NotebookNode, folder: Path, data: Path, monkeypatch
) -> nbformat.NotebookNode:
    for path in FOLDER.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    monkeypatch.setenv("MLKIT_DATA", str(data))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NOWHERE)
    before = os.times()
    Client(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    # Work done by the kernel and what it started: waiting for other tests is not counted.
    after = os.times()
    worked = after.children_user + after.children_system
    worked -= before.children_user + before.children_system
    print(f"{worked:.1f} s of work")
    assert worked < MOST_SECONDS
    return notebook


def answered(name: str) -> nbformat.NotebookNode:
    """Every exercise answered right, items tagged and labelled, and wrong answers tried."""
    notebook = load(name)
    start = (
        f'from mlkit.exercises import reveal as _reveal\n_handed, _notebook = {{}}, "{name[:2]}"'
    )
    cells = [nbformat.v4.new_code_cell(start)]
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type != "code":
            continue
        lines = cell.source.splitlines()
        for line in reversed(asked(cell.source)):
            exercise, answer = map(ast.unparse, line.value.args)
            given = ", ".join(ast.unparse(keyword) for keyword in line.value.keywords)
            lines[line.lineno - 1 : line.lineno - 1] = [
                f"_handed[{exercise}] = dict({given})",
                f"{answer} = _reveal({exercise}, {given}).answer",
            ]
        cell.source = "\n".join(lines)
        if cell.id in TAGGERS:
            by_hand = TAG_BY_HAND.replace("tagger", TAGGERS[cell.id])
            cells.append(nbformat.v4.new_code_cell(by_hand))
        if cell.id in LABELERS:
            by_hand = LABEL_BY_HAND.replace("labeler", LABELERS[cell.id])
            cells.append(nbformat.v4.new_code_cell(by_hand))
        if cell.id in RECORDERS:
            by_hand = RECORD_BY_HAND.replace("recorder", RECORDERS[cell.id])
            cells.append(nbformat.v4.new_code_cell(by_hand))
        if cell.id in PREVIEWS:
            by_hand = ANSWER_BY_HAND.replace("preview", PREVIEWS[cell.id])
            cells.append(nbformat.v4.new_code_cell(by_hand))
    notebook.cells = [*cells, nbformat.v4.new_code_cell(TELL_APART)]
    return notebook


def said(notebook: nbformat.NotebookNode) -> str:
    """All that the cells say; a print may arrive in pieces, so these are joined as they come."""
    parts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            parts.append(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
            if output.output_type != "stream":
                parts.append("\n")
        parts.append("\n")
    return "".join(parts)


def said_in(notebook: nbformat.NotebookNode, name: str) -> str:
    """What one cell says."""
    return said(nbformat.v4.new_notebook(cells=[c for c in notebook.cells if c.id == name]))


def run_offline(
    notebook: nbformat.NotebookNode, folder: Path, data: Path, *, timeout: int = 240
) -> nbformat.NotebookNode:
    """Run it in this folder, which holds what it may find, without a network.

    For fixtures that live longer than one test, and without the limit on its work.
    """
    away = {"MLKIT_DATA": str(data)}
    away |= dict.fromkeys(["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"], NOWHERE)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in away.items():
            patch.setenv(name, value)
        resources = {"metadata": {"path": str(folder)}}
        Client(notebook, timeout=timeout, kernel_name="python3", resources=resources).execute()
    return notebook


def check_outputs(notebook: nbformat.NotebookNode) -> None:
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o for o in outputs if o.output_type == "error"]
    warned = [o.text for o in outputs if o.get("name") == "stderr" and "Warning" in o.text]
    assert not warned
    for output in outputs:
        if "image/png" in output.get("data", {}):
            assert re.search(r'<img alt="[^"]{20,}"', output.data["text/html"])


def check_answered(name: str, done: nbformat.NotebookNode, folder: Path) -> None:
    check_outputs(done)
    text = said(done)
    ids = [one.id for one in exercises(name[:2])]
    assert [i for i in ids if f"✔ {i}: correct." not in text] == []
    # Errors were tagged and items labelled: nothing stands in for that.
    assert "example)" not in text.lower()
    assert "EXAMPLE" not in text
    kept = json.loads((folder / "work/progress.json").read_text())["exercises"]
    assert {i for i, entry in kept.items() if entry["state"] == "correct"} == set(ids)


@pytest.mark.parametrize("name", NAMES)
class TestRuns:
    def test_alone_and_offline(self, name, tmp_path, monkeypatch):
        (tmp_path / "data").mkdir()
        (tmp_path / "notebooks").mkdir()
        done = run(load(name), tmp_path / "notebooks", tmp_path / "data", monkeypatch)
        check_outputs(done)
        text = said(done)
        assert WITHOUT_REAL_DATA.get(name, "stand-in") in text
        assert text.count("not answered yet") == len(exercises(name[:2]))
        assert not (tmp_path / "notebooks/work/progress.json").exists()

    def test_answered_offline(self, name, tmp_path, monkeypatch, features_kept):
        (tmp_path / "notebooks").mkdir()
        done = run(answered(name), tmp_path / "notebooks", features_kept, monkeypatch)
        check_answered(name, done, tmp_path / "notebooks")


# Those that download nothing run alike with and without.
@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITHOUT_REAL_DATA])
def test_answered_on_real_data(name, tmp_path, monkeypatch, real):
    done = run(answered(name), tmp_path, real, monkeypatch)
    check_answered(name, done, tmp_path)
    assert WITH_REAL_DATA.get(name, "real recordings") in said(done)
    assert ("You work with photographs." in said(done)) == (name == "06_error_analysis")


def test_human_level_measured_in_one_notebook_is_used_in_another(
    tmp_path, monkeypatch, features_kept
):
    (tmp_path / "notebooks").mkdir()
    folder = tmp_path / "notebooks"
    for name in ("03_human_baseline", "06_error_analysis"):
        notebook = answered(name)
        notebook.cells.append(nbformat.v4.new_code_cell(SHOW_LEVEL if name[:2] == "06" else ""))
        done = run(notebook, folder, features_kept, monkeypatch)
    assert "example figure" not in said(done).lower()
    heard = pd.read_csv(folder / "work/hlp.csv", dtype={"label": str, "gold": str})
    assert len(heard) == 40
    weight = 1 / heard["sampling_rate"]
    level = ((heard["label"] == heard["gold"]) * weight).sum() / weight.sum()
    assert f"measured level {level:.6f} on 40 items" in said(done)


@pytest.mark.parametrize("name", NAMES)
class TestStandard:
    def test_outputs_are_stripped_and_the_kernel_is_known(self, name):
        notebook = load(name)
        assert notebook.metadata.kernelspec.name == "python3"
        assert all(not c.outputs and c.execution_count is None for c in code(name))

    def test_cells_have_names_that_stay(self, name):
        ids = [cell.id for cell in load(name).cells]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", i) for i in ids)

    def test_it_is_short(self, name):
        lines = [len(cell.source.splitlines()) for cell in code(name)]
        assert len(load(name).cells) <= MOST_CELLS
        assert max(lines) <= MOST_LINES
        assert statistics.median(lines) <= MEDIAN_LINES

    def test_no_path_of_a_machine(self, name):
        text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
        assert not re.search(r"/home/|/root|/Users/|/tmp/|/work/[a-z]+/|[A-Z]:\\\\", text)

    def test_nothing_private_is_used(self, name):
        for cell in code(name):
            assert not re.search(
                r"mlkit[\w.]* import _|mlkit\._|\b(slices|tagger|report)\._", cell.source
            )

    def test_each_exercise_is_asked_once_and_left_open(self, name):
        ids = [ast.literal_eval(line.value.args[0]) for c in code(name) for line in asked(c.source)]
        assert ids == [one.id for one in exercises(name[:2])]

    def test_each_picture_of_its_own_is_described(self, name):
        for cell in code(name):
            assert cell.source.count("Figure(") == cell.source.count("describe(")
            assert "pyplot" not in cell.source  # its one current figure is shared by all threads

    def test_links_lead_somewhere(self, name):
        for cell in load(name).cells:
            for link in re.findall(r"\]\((?!http)([^)#]+)", cell.source):
                assert (FOLDER / link).exists(), link


def glossary() -> set[str]:
    rows = re.findall(r"^\| (.+?) \|", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    return {word.strip("`*") for row in rows for word in row.split(", ")}


def test_the_glossary_has_every_column_of_the_tables():
    predictions = pd.DataFrame({"item": ["a"], "label": ["x"], "prediction": ["y"]})
    tags = pd.DataFrame({"item": ["a"], "tag": ["t"], "value": [True]})
    checked = _tables.tags(tags, function="test")
    report = slices.report(predictions, slices.memberships(predictions, tags=tags)).table
    columns = {*predictions.columns, *checked.columns, *report.columns}
    base = {re.sub(r"_(low|high)$", "", name) for name in columns}
    assert base - {"errors_asked", "correct_asked"} <= glossary()


def test_the_list_of_notebooks_is_whole():
    text = (FOLDER / "README.md").read_text("utf-8")
    assert set(re.findall(r"\]\((\w+)\.ipynb\)", text)) == set(NAMES)
