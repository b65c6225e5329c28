"""The README's lines run as they stand, from an empty folder, as a person would run them."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def lines():
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    return block


@pytest.fixture
def ran(tmp_path):
    def run():
        command = [sys.executable, "-I", "-c", lines() + "print(report)"]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_there_are_twelve_lines():
    assert len([line for line in lines().splitlines() if line.strip()]) == 12


def test_the_twelve_lines_go_from_a_table_to_a_report(ran, tmp_path):
    said = ran()
    assert said.startswith("Accuracy 50.0 %")
    table = pd.read_csv(tmp_path / "what_to_fix.csv").set_index("slice")
    # Three errors and three correct items, all seen; one error is a typo.
    assert table.loc["typo", ["n", "errors"]].tolist() == [1, 1]
    assert table.loc["typo", "at_most"] == pytest.approx(1 / 6)
    assert table.loc["negation", "errors"] == 0
    assert "typo" in (tmp_path / "what_to_fix.html").read_text("utf-8")


def test_run_again_they_go_on_from_the_journal(ran, tmp_path):
    ran()
    first = pd.read_csv(tmp_path / "what_to_fix.csv")
    ran()
    pd.testing.assert_frame_equal(first, pd.read_csv(tmp_path / "what_to_fix.csv"))


def test_the_two_commands_stand_on_the_first_screen():
    screen = "\n".join(README.splitlines()[:32])
    assert "python3 run.py lab" in screen
    assert "python3 run.py test" in screen


def test_pictures_and_files_named_are_there():
    root = Path(__file__).parents[1]
    named = re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r'src="([^":]+)"', README)
    named += re.findall(r"`([\w/]+\.(?:md|py|csv|yml|lock))`", README)
    assert named
    assert [name for name in named if not (root / name).exists()] == []
