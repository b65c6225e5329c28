"""What the kit teaches: the 27 objectives, each with its notebook, section and exercise."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from mlkit._files import bundled
from mlkit.exercises import exercises

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
NAMES = {
    "00_start_here",
    "01_scoping",
    "02_define_data",
    "03_human_baseline",
    "04_organize_data",
    "05_train_model",
    "06_error_analysis",
    "07_audit_performance",
    "08_augment_data",
    "09_deploy_model",
    "10_monitor_model",
    "11_your_own_data",
    "12_class_agreement",
}


def objectives() -> list[dict[str, str]]:
    with bundled("objectives.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def built(name: str) -> Path | None:
    path = NOTEBOOKS / f"{name}.ipynb"
    return path if path.exists() else None


def test_there_are_five_thirteen_and_nine():
    rows = objectives()
    assert list(rows[0]) == ["id", "week", "objective", "notebook", "exercise"]
    assert Counter(row["week"] for row in rows) == {"1": 5, "2": 13, "3": 9}
    assert len({row["id"] for row in rows}) == len({row["objective"] for row in rows}) == 27


@pytest.mark.parametrize("row", objectives(), ids=lambda row: row["id"])
def test_each_has_a_notebook_and_where_that_is_built_a_section_and_an_exercise(row):
    assert row["id"].startswith(f"w{row['week']}-")
    assert row["notebook"] in NAMES
    path = built(row["notebook"])
    if path is None:
        return
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    # The section that an objective belongs to carries its id in the metadata of its first cell.
    tagged = [c for c in cells if row["id"] in c["metadata"].get("objectives", [])]
    assert len(tagged) == 1, f"{row['notebook']} needs one section for {row['id']}"
    assert "".join(tagged[0]["source"]).startswith("## ")
    assert row["exercise"] in {one.id for one in exercises(row["notebook"][:2])}
    asked = "".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    assert f'check("{row["exercise"]}"' in asked


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_notebook_names_the_objectives_it_covers(name):
    path = built(name)
    if path is None:
        return
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    for row in objectives():
        if row["notebook"] == name:
            assert row["objective"] in first
