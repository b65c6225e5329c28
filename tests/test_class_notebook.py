"""Notebook 12 with a class of thirty: what it says is of the class, and no password shows."""

import json
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from mlkit import labels
from mlkit.tags import Classroom
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
        assert source.count("give_out_now = False") == 1
        leads: dict = {}
        exec(source.replace("give_out_now = False", "give_out_now = True"), leads)
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
    assert change.pairing == "paired"
    assert change.low > 0
    assert repr(change) in said["second-board"]
    assert "Labeler: 0 of 30 items labelled under" in said["labeler-second"]
