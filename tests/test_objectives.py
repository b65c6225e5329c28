"""What the kit teaches: the 27 objectives, each with its notebook, section and exercise."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from mlkit._files import bundled
from mlkit.exercises import exercises

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
NAMES = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}


def objectives() -> list[dict[str, str]]:
    with bundled("objectives.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cells_of(name: str) -> list[dict]:
    return json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def test_there_are_five_thirteen_and_nine():
    rows = objectives()
    assert list(rows[0]) == ["id", "week", "objective", "notebook", "exercise"]
    assert Counter(row["week"] for row in rows) == {"1": 5, "2": 13, "3": 9}
    assert len({row["id"] for row in rows}) == len({row["objective"] for row in rows}) == 27


@pytest.mark.parametrize("row", objectives(), ids=lambda row: row["id"])
def test_each_has_a_notebook_a_section_and_an_exercise(row):
    assert row["id"].startswith(f"w{row['week']}-")
    assert row["notebook"] in NAMES
    cells = cells_of(row["notebook"])
    # The section that an objective belongs to carries its id in the metadata of its first cell.
    tagged = [c for c in cells if row["id"] in c["metadata"].get("objectives", [])]
    assert len(tagged) == 1, f"{row['notebook']} needs one section for {row['id']}"
    assert "".join(tagged[0]["source"]).startswith("## ")
    assert row["exercise"] in {one.id for one in exercises(row["notebook"][:2])}
    asked = "".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    assert f'check("{row["exercise"]}"' in asked


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_notebook_names_the_objectives_it_covers(name):
    first = "".join(cells_of(name)[0]["source"])
    for row in objectives():
        if row["notebook"] == name:
            assert row["objective"] in first


def test_the_list_for_learners_is_the_same():
    """Week by week, each with the notebook it is in and the exercise that checks it."""
    readme = (NOTEBOOKS / "README.md").read_text(encoding="utf-8")
    for row in objectives():
        link = f"[{row['notebook'][:2]}]({row['notebook']}.ipynb)"
        assert f"| {row['week']} | {row['objective']} | {link} | `{row['exercise']}` |" in readme
    assert len(re.findall(r"^\| [123] \|", readme, re.MULTILINE)) == len(objectives())
