"""``progress()`` drawn: each stage with its notebooks, and where to go on."""

import re

import pandas as pd

from mlkit.exercises import engine, exercises, lifecycle, progress


def table(*rows):
    return pd.DataFrame(rows, columns=["notebook", "state", "last_try"])


def test_every_notebook_with_exercises_has_a_stage_or_is_before_and_after_them():
    placed = [digits for stage in lifecycle.STAGES.values() for digits in stage]
    assert placed == sorted(placed), "from left to right as from 01 to 10"
    assert set(engine.NOTEBOOKS) - set(placed) <= {"00", "11", "12"}


def test_stage_and_notebook_count_what_is_solved():
    html = lifecycle.strip_html(
        table(
            ("02_define_data", "correct", "2026-01-01 10:00"),
            ("02_define_data", "not quite", "2026-01-01 10:01"),
            ("04_organize_data", "correct", "2026-01-01 10:02"),
            ("05_train_model", "open", ""),
        )
    )
    said = re.sub(r"<[^>]+>", " ", html).split()
    assert " ".join(said) == (
        "Data 2 of 3 02 define data 1 of 2 04 organize data 1 of 1 "
        "→ Modelling 0 of 1 05 train model 0 of 1 Go on with 05 train model ."
    )
    assert re.findall(r"width: (\d+)%", html) == ["50", "100", "0"]


def test_one_goes_on_where_one_was_not_at_the_first_gap():
    html = lifecycle.strip_html(
        table(
            ("00_start_here", "open", ""),
            ("02_define_data", "open", ""),
            ("02_define_data", "correct", "2026-01-02 10:00"),
            ("05_train_model", "not quite", "2026-01-01 10:00"),
        )
    )
    assert '<p>Go on with <a href="02_define_data.ipynb">' in html


def test_the_last_one_done_sends_back_to_what_is_open():
    rows = [("00_start_here", "open", ""), ("05_train_model", "correct", "2026-01-01 10:00")]
    assert '<p>Go on with <a href="00_start_here.ipynb">' in lifecycle.strip_html(table(*rows))


def test_all_solved():
    html = lifecycle.strip_html(table(("05_train_model", "correct", "2026-01-01 10:00")))
    assert "All solved." in html


def test_a_new_learner_sees_it_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    html = progress()._repr_html_()
    assert all(f"<strong>{stage}</strong>" in html for stage in ["Scoping", "Data", "Modelling"])
    assert f"0 of {len(exercises())} exercises solved." in html
    assert '<p>Go on with <a href="00_start_here.ipynb">' in html
