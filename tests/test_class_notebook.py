"""Notebook 12 with a class of thirty: what it says is of the class, and no password shows."""

import json
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from mlkit import labels
from mlkit.tags import Classroom, JournalError
from postgres import postgres

NOTEBOOK = Path(__file__).parents[1] / "notebooks/12_class_agreement.ipynb"
LEADS = ["setup", "room", "phones", "give-out", "give-out-second"]


def cells() -> dict[str, str]:
    found = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in found}


@pytest.fixture
def room(monkeypatch, tmp_path):
    """Three rounds given out by the cells of whoever leads, and thirty who labelled them."""
    with postgres() as server:
        monkeypatch.setenv("MLKIT_CLASS", server.url)
        monkeypatch.chdir(tmp_path)
        source = "\n".join(cells()[name] for name in LEADS)
        for switch in ("give_out_now = False", 'i_lead = not os.environ.get("MLKIT_CLASS")'):
            assert source.count(switch) == 1
            source = source.replace(switch, f"{switch.split()[0]} = True")
        assert source.count("hardly a trace of use.") == 1
        leads: dict = {}
        exec(source, leads)
        there = Classroom(server.url)
        assert there.round("v1-again").guide == there.round("v1").guide
        yield label_all(Classroom(server.url), leads["phones"])


def label_all(room: Classroom, phones) -> Classroom:
    """Each person has a border of their own by the old guide, and the guide's by the new one."""
    mm = phones.set_index("item")["scratch_mm"]
    own = np.random.default_rng(0).lognormal(np.log(3), 0.6, 30)
    journal = room.journal("not used")
    for person in range(30):
        for name in ("v1", ["v1-again", "v2"][person % 2]):
            round_ = room.round(name)
            line = 3 if name == "v2" else own[person]
            codes = (mm[round_.items["item"]] >= line).astype(int) + (
                mm[round_.items["item"]] >= 3 * line
            )
            same = {"kind": "label", "guide": name, "annotator": f"teal wren {100 + person}"}
            journal.write(
                {**same, "item": item, "value": round_.labels[code]} for item, code in codes.items()
            )
    return room


def test_it_speaks_of_the_class_and_shows_no_password(room, tmp_path):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=240, kernel_name="python3", resources=folder).execute()
    said = {
        cell.id: "".join(
            output.get("text", "") or output.get("data", {}).get("text/plain", "")
            for output in cell.outputs
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    }
    assert "s3cret" not in nbformat.writes(notebook)
    assert "labels arrive as they are given; rounds: v1, v1-again, v2" in said["room"]
    assert said["by-hand"].startswith("Your class.")
    assert "stand in" not in said["by-hand"]
    assert f"{60 * 30} labels by 30 people" in said["hand-in"]
    table = room.annotations()
    before, after = (table[table["guide"] == guide] for guide in ("v1-again", "v2"))
    change = labels.compare(before, after, rng=0)
    assert (change.pairing, change.people) == ("paired", "others")
    assert change.low > 0
    assert repr(change) in said["second-board"]
    assert "Labeler: 0 of 30 items labelled under" in said["labeler-second"]


def test_a_learner_who_runs_all_gives_nothing_out_in_the_leaders_place(monkeypatch, tmp_path):
    monkeypatch.setenv("MLKIT_CLASS", str(tmp_path / "class"))
    monkeypatch.chdir(tmp_path)
    source = "\n".join(cells()[name] for name in LEADS[:4])
    with pytest.raises(JournalError, match=r"No round has been given out .* run this cell again"):
        exec(source, {})
    assert Classroom(tmp_path / "class").rounds == []


def test_a_guide_changed_after_it_was_given_out_is_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MLKIT_CLASS", str(tmp_path / "class"))
    monkeypatch.chdir(tmp_path)
    source = "\n".join(cells()[name] for name in LEADS)
    source = source.replace('i_lead = not os.environ.get("MLKIT_CLASS")', "i_lead = True")
    exec(source, {})
    assert "Another guide" not in capsys.readouterr().out
    changed = source.replace("hardly a trace", "no trace")
    exec(changed.replace("give_out_now = False", "give_out_now = True"), {})
    assert "Another guide was given out as v1 before" in capsys.readouterr().out
    room = Classroom(tmp_path / "class")
    assert room.round("v1-again").guide == room.round("v1").guide
    assert "hardly a trace" in room.round("v1").guide
