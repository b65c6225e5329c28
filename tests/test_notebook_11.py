"""Notebook 11 on four messy data sets that no lesson uses: all accounted for, and to its end."""

import re
import shutil
from html import escape

import nbformat
import numpy as np
import pandas as pd
import pytest

import messy
from mlkit.exercises import exercises
from test_notebooks import check_outputs, load, run, said

NAME = "11_your_own_data"
KEEP = """
own.skipped.to_csv("told.csv", index=False)
table.assign(split=table["split"]).to_csv("parted.csv", index=False)
brought.table.to_csv("change.csv", index=False)
"""
TAG = """
for _name in tagger.queue["item"].head(30):
    tagger.add(_name, tagger.vocabulary[0])
    tagger.done(_name)
"""
LABEL = """
for _name in labeler.queue["item"]:
    labeler.label(_name, labeler.labels[0])
"""


def on(path, *, after=(), label=None):
    """The notebook as somebody leaves it who typed a path at its top."""
    notebook = load(NAME)
    path, cells = path if path == "" else str(path), []
    for cell in notebook.cells:
        if cell.id == "data":
            first, rest = cell.source.split("\n", 1)
            assert first.startswith("DATA = ...")
            cell.source = f"DATA = {path!r}\n{rest}"
            if label:
                cell.source = cell.source.replace("LABEL = None", f"LABEL = {label!r}")
        cells.append(cell)
        cells += [nbformat.v4.new_code_cell(text) for name, text in after if name == cell.id]
    notebook.cells = [*cells, nbformat.v4.new_code_cell(KEEP)]
    return notebook


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


@pytest.mark.parametrize("kind", list(messy.KINDS))
class TestMessy:
    def test_it_comes_to_its_end_and_accounts_for_all(self, kind, folder, monkeypatch):
        mess = messy.KINDS[kind](folder.parent / "Meine Daten")
        done = run(on(mess.path), folder, folder.parent / "data", monkeypatch)
        check_outputs(done)
        text = said(done)
        # What it is, and that it is not a stand-in.
        assert f"You work with your own data: {mess.path}" in text
        assert "stand-in" not in text
        what = {"row": "rows of a table"}.get(mess.kind, f"{mess.kind}s")
        assert f"This is the kind: {what}" in text
        # What was left out and why, exactly.
        told = pd.read_csv(folder / "told.csv", keep_default_na=False).set_index("where")["why"]
        assert set(told.index) == set(mess.skipped)
        for where, why in mess.skipped.items():
            assert told[where].startswith(why)
        (kept,) = (folder / "work/own").glob("*/skipped.csv")
        assert kept.parent.name.startswith(mess.path.name)
        pd.testing.assert_frame_equal(pd.read_csv(kept), pd.read_csv(folder / "told.csv"))
        self.check_few(mess, folder, text)
        # Nothing of one group on both sides, and a page at the end.
        assert "0 of them on both sides" in text
        page = (kept.parent / "report.html").read_text("utf-8")
        for heading in ("Remarks", "How it was split", "First model on dev", "Labels"):
            assert f">{heading}</h2>" in page
        assert "shown to be better than always the commonest class" in page
        assert "0 of them on both sides" in page
        assert "labels of train were changed" in page
        for item, remark in mess.remarks.items():
            assert escape(remark) in page, item
        # Labels that nobody gave are shown and not chosen.
        if "EXAMPLE labels" in text:
            assert "cannot be chosen" in text
            assert re.search(r"Chosen on \d+ items of dev: (?!.*labels)", text)
            assert "of the model as an example, by nobody" in page
        assert "likely wrong" not in text
        assert f"{mess.kept:,} of {mess.kept + len(mess.skipped):,} can be used" in page
        assert re.search(r"Chosen on \d+ items of dev: ", text)
        assert text.count("not answered yet") == len(exercises("11"))

    def check_few(self, mess, folder, text):
        """Of the class with two items it is said where nothing can be told."""
        parted = pd.read_csv(folder / "parted.csv", dtype=str)
        of_it = parted.loc[parted["label"] == mess.few, "split"].value_counts()
        assert of_it.sum() == 2
        for part in ("train", "dev", "test"):
            assert f"Too few of '{mess.few}' in {part} ({of_it.get(part, 0)})" in text
        change = pd.read_csv(folder / "change.csv").set_index("slice")
        assert (f"class = {mess.few}" in change.index) == (of_it.get("test", 0) > 0)

    def test_what_a_person_says_takes_the_place_of_the_examples(self, kind, folder, monkeypatch):
        mess = messy.KINDS[kind](folder.parent / "Meine Daten", seed=1)
        mine = on(mess.path, after=[("tagger", TAG), ("labeler", LABEL)])
        done = run(mine, folder, folder.parent / "data", monkeypatch)
        check_outputs(done)
        assert "EXAMPLE" not in said(done)
        assert "(example)" not in said(done)
        assert "labels in train are others now" in said(done)


def test_so_little_data_that_hardly_a_step_can_be_taken(folder, monkeypatch):
    """Four recordings of two people: every step that cannot be taken says so."""
    mess = messy.sounds(folder.parent / "all")
    for label, place, take in [("hum", "hall", 0), ("hum", "yard", 1), ("clap", "hall", 0),
                               ("clap", "yard", 1)]:  # fmt: skip
        target = folder.parent / "few" / label / place
        target.mkdir(parents=True)
        shutil.copy(mess.path / label / place / f"{label}_{take}.wav", target)
    done = run(on(folder.parent / "few"), folder, folder.parent / "data", monkeypatch)
    check_outputs(done)
    text = said(done)
    assert "cannot fill 3 splits" in text
    assert "the figures below flatter" in text
    assert "Too few to rank anything" in text


def test_a_path_that_is_not_there_says_what_is(folder, monkeypatch):
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError, match=r"read_own\(\): there is no .*nowhere"):
        run(on(folder.parent / "nowhere"), folder, folder.parent / "data", monkeypatch)


def test_an_empty_path_and_a_wrong_kind_stop_before_anything_is_read(folder, monkeypatch):
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError, match="the path is empty"):
        run(on(""), folder, folder.parent / "data", monkeypatch)


def test_the_column_of_classes_can_be_named(folder, monkeypatch):
    mess = messy.rows(folder.parent / "Daten")
    text = mess.path.read_text("utf-8-sig").replace("Klasse", "Urteil", 1)
    mess.path.write_text(text, "utf-8")
    done = run(on(mess.path, label="Urteil"), folder, folder.parent / "data", monkeypatch)
    check_outputs(done)
    assert "This is the kind: rows of a table" in said(done)


def test_a_model_that_has_learnt_nothing_names_no_doubts_and_no_plan(folder, monkeypatch):
    rng = np.random.default_rng(0)
    lines = ["size,colour,label"]
    lines += [f"{rng.normal():.4f},{rng.choice(list('rgb'))},{rng.choice(['x', 'y'])}"
              for _ in range(240)]  # fmt: skip
    (folder.parent / "luck.csv").write_text("\n".join(lines))
    done = run(on(folder.parent / "luck.csv"), folder, folder.parent / "data", monkeypatch)
    check_outputs(done)
    text = said(done)
    assert "not shown to be better than the commonest class: it is not asked" in text
    assert "No plan. The model is not shown" in text
    assert "EXAMPLE labels" not in text


def test_the_answer_can_be_shown_as_the_message_says():
    """What reveal() asks for, before anything was checked, is a name of the notebook."""
    from mlkit.exercises import ExerciseError, reveal

    with pytest.raises(ExerciseError, match=r'reveal\("11\.brought", brought=brought\)'):
        reveal("11.brought")
    cells = {cell.id: cell.source for cell in load(NAME).cells}
    assert "\nbrought = " in cells["told"]
    assert "brought=brought" in cells["brought-answer"]
