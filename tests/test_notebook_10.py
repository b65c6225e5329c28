"""Notebook 10: what its prose and its exercises say, held against what its cells compute."""

import json
import re
import shutil
import symtable
from functools import partial
from itertools import combinations
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mlkit import scoping
from mlkit.exercises import check, reveal
from mlkit.widgets import Simulator
from test_notebooks import ARCHIVES, SHARED, Client, load, run_offline, said

NAME = "10_monitor_model"
# Everything that is claimed, told by the notebook itself once it has run.
TELL = """
import json as _json
_skew = monitoring.skew(same[["item", *INPUTS]], wrong[["item", *INPUTS]])
_delays = {}
for _wait in (0, 7, 14, 28):
    _made = datasets.make_traffic(**HOW, label_delay_days=_wait).rename(columns=NAMES)
    _made = _made[_made["label_at"] < _made["timestamp"].max()]
    _seen = monitoring.concept(_made, reference_until=UNTIL, simulations=0)
    _delays[_wait] = (_seen.noticed - CHANGE) / pd.Timedelta("1D")
print("TOLD" + _json.dumps({
    "told": told.astype(str).values.tolist(),
    "accuracies": [float((one["label"] == one["prediction"]).mean()) for one in days],
    "rings": {f"{n} {shift} {columns}": {k: float(v) for k, v in rings(n, shift, columns).items()}
              for n, shift, columns in [(60, 0, 1), (100, 0, 1), (140, 0, 1), (200, 0, 1),
                                        (1000, 0, 1), (300, 0, 1), (380, 0, 1),
                                        (1_000_000, 0.02, 1), (1_000_000, 0.3, 1),
                                        (60, 0.3, 1), (200, 0, 40),
                                        (1000, 0, 40)]},
    "by_hand": [float(psi), float(monitoring.drift(first[FEATURES], then[FEATURES]).table
                                  .set_index("column").loc["brightness", "psi"])],
    "weeks": weeks.reset_index().to_dict("records"),
    "reading": reading.to_dict(),
    "skew": _skew.table.set_index("column")[["differs", "verdict"]].to_dict("index"),
    "delays": _delays,
    "prices": prices.reset_index().to_dict("records"),
    "anew": anew.to_dict("index"),
    "rows": {name: [int(taken.sum()), float((age[taken] < 90).mean())]
             for name, taken in learned_from.items()},
    "alike": all(np.array_equal(added[n].counts, c.counts) for n, c in whole.columns.items()),
    "parts": [one.n for one in (part, *rest)],
    "rang": rang[rang["alarm"]].shape[0],
}, default=float))
"""
OWN = ["own-data", "own-alarms"]
GRID = ["traffic", "failures", "grid"]
WEEKS = ["A before", "B quieter", "C fan", "D two fans", "E some new", "F most new", "G bays"]


def run(folder: Path, data: Path, *, until=None, more=()) -> nbformat.NotebookNode:
    """Run the notebook alone and offline, as a whole or until a cell, and some cells after."""
    notebook = load(NAME)
    names = [cell.id for cell in notebook.cells]
    notebook.cells = notebook.cells[: names.index(until) + 1 if until else None]
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in more]
    return run_offline(notebook, folder, data, timeout=300)


def source(name: str) -> str:
    return next(cell.source for cell in load(NAME).cells if cell.id == name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def data(features_kept) -> Path:
    return features_kept


@pytest.fixture(scope="module")
def done(folder, data) -> nbformat.NotebookNode:
    again = [source(name) for name in (*OWN, "eighths", "cluster")]
    return run(folder, data, more=[TELL, *again])


@pytest.fixture(scope="module")
def told(done) -> dict:
    line = next(line for line in said(done).splitlines() if line.startswith("TOLD"))
    return json.loads(line.removeprefix("TOLD"))


@pytest.fixture(scope="module")
def weeks(told) -> pd.DataFrame:
    return pd.DataFrame(told["weeks"]).set_index("index")


@pytest.fixture(scope="module")
def prices(told) -> pd.DataFrame:
    return pd.DataFrame(told["prices"]).set_index("index")


def seen(told: dict) -> list[set[str]]:
    """Of each failure, the figures that moved: far beyond what differs by chance."""
    first, moved = told["told"][0], []
    for row, accuracy in zip(told["told"][1:], told["accuracies"][1:], strict=True):
        number = lambda cells, k: float(cells[k].split()[0].rstrip("%"))  # noqa: E731  said once
        here = {
            "A": number(row, 0) < 0.8 * number(first, 0),
            "B": number(row, 1) > 2 * number(first, 1),
            "C": number(row, 2) > number(first, 2) + 10,
            "D": row[3] != first[3],
            "E": row[4] != first[4],
            "F": accuracy < told["accuracies"][0] - 0.1,
        }
        moved.append({name for name, does in here.items() if does})
    return moved


def bound(source: str) -> set[str]:
    """The names that a cell gives: variables, loops, functions, imports."""
    table = symtable.symtable(source, "cell", "exec")
    given = (name for name in table.get_symbols() if name.is_assigned() or name.is_imported())
    return {name.get_name() for name in given}


def test_no_name_is_given_by_two_cells():
    """Else a cell that is run again, or a slider moved at the end, works with another thing."""
    cells = [cell for cell in load(NAME).cells if cell.cell_type == "code"]
    given: dict[str, list[str]] = {}
    for cell in cells:
        for name in bound(cell.source):
            given.setdefault(name, []).append(cell.id)
    given.pop("my_answer")
    assert {name: where for name, where in given.items() if len(where) > 1} == {}
    assert bound("a = 1\nfor b in c:\n    import d\ndef f(x): y = 2") == {"a", "b", "d", "f"}


def test_the_calls_made_again_are_the_same(folder, done):
    """Whatever draws chance is made in the cell that uses it."""
    cells = [source(name) for name in ("setup", "data", "hear", "calls", "calls")]
    cells[3] += "\nonce = calls[INPUTS].copy()"
    cells.append("print('alike', once.equals(calls[INPUTS]))")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    resources = {"metadata": {"path": str(folder)}}
    Client(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    assert "alike True" in said(notebook)


class TestWhatToWatch:
    def test_nothing_drifts_where_nothing_was_changed(self, told):
        assert told["told"][0][3:5] == ["", ""]

    def test_the_fewest_figures_that_notice_each_failure_as_soon_as_can_be(self, told):
        """By trial of all subsets: no smaller one does, and only one of its size."""
        failures = seen(told)
        soon = [moved - {"F"} or moved for moved in failures]  # labels come later
        every = [set(some) for size in range(7) for some in combinations("ABCDEF", size)]
        good = [some for some in every if all(some & moved for moved in soon)]
        fewest = min(map(len, good))
        assert ["".join(sorted(some)) for some in good if len(some) == fewest] == [
            reveal("10.watch").answer
        ]

    def test_a_changed_meaning_is_in_nothing_but_labels(self, told):
        assert seen(told)[3] == {"F"}


class TestWhenToRing:
    def test_by_hand_and_by_name_are_the_same_but_for_the_last_digits(self, told):
        by_hand, by_name = told["by_hand"]
        assert by_hand == pytest.approx(by_name, abs=0.01)
        assert by_hand > 0.1

    def test_a_fixed_index_rings_for_nothing_at_small_n(self, told):
        rang = told["rings"]["60 0 1"]
        assert rang["PSI above 0.1"] > 0.9
        assert rang["p below 0.05"] == pytest.approx(0.05, abs=0.02)
        assert rang["as drift does"] <= 0.07

    def test_the_number_of_rows_asked_for_is_where_one_in_twenty_rings(self, told):
        right = reveal("10.psi").answer
        assert right == pytest.approx(2 * stats.chi2.ppf(0.95, 9) / 0.1, abs=0.1)
        assert 300 < right < 380
        assert told["rings"]["300 0 1"]["PSI above 0.1"] > 0.05
        assert told["rings"]["380 0 1"]["PSI above 0.1"] < 0.05

    @pytest.mark.parametrize("n", [60, 100, 140, 200, 1000])
    def test_the_words_give_the_rate_at_the_number_that_was_answered(self, told, n):
        said = check("10.psi", n).message
        assert f"With {n:,} rows" in said
        rate = told["rings"][f"{n} 0 1"]["PSI above 0.1"]
        told_rate = re.search(r"in (\d+)% of the looks", said)
        assert ("it never rings" in said) == (rate == 0)
        assert rate == 0 or int(told_rate[1]) / 100 == pytest.approx(rate, abs=0.04)

    def test_a_p_value_rings_for_what_nobody_would_notice_at_large_n(self, told):
        rang = told["rings"]["1000000 0.02 1"]
        assert rang["p below 0.05"] > 0.99
        assert rang["as drift does"] == 0

    def test_a_fixed_index_goes_blind_at_large_n(self, told):
        small, large = told["rings"]["60 0.3 1"], told["rings"]["1000000 0.3 1"]
        assert large["PSI above 0.1"] == 0 < small["PSI above 0.1"]
        assert large["as drift does"] == 1

    def test_forty_columns_ring_nearly_each_day_unless_they_are_counted_together(self, told):
        for n in (200, 1000):
            rang = told["rings"][f"{n} 0 40"]
            sure = 4 * np.sqrt(0.87 * 0.13 / 100)  # a hundred simulated days
            assert rang["p below 0.05"] == pytest.approx(1 - 0.95**40, abs=sure)
            assert rang["as drift does"] <= 0.15


def said_of(weeks: pd.DataFrame) -> None:
    """What the prose and the hints say of the seven weeks."""
    assert list(weeks.index) == WEEKS
    drifted, sure = weeks["inputs drifted"] != "", weeks["high"] < weeks["reference"]
    assert list(drifted[["A before", "B quieter", "G bays"]]) == [False, True, False]
    assert weeks.loc["B quieter", "inputs drifted"] == "loud_db"
    assert drifted[["C fan", "D two fans"]].all()
    assert list(sure) == [False, False, True, True, True, True, True]
    assert reveal("10.harm", weeks=weeks).answer[0] == "B"
    assert reveal("10.blind", weeks=weeks).answer[0] == "G"
    lower = weeks["estimated"] < weeks["reference"] - 0.02
    assert lower[["C fan", "D two fans", "E some new", "F most new"]].all()
    assert weeks.loc["G bays", "estimated"] > weeks.loc["G bays", "reference"] - 0.02
    assert weeks.loc["G bays", "estimated"] > weeks.loc["G bays", "high"] - 0.02


class TestWeeks:
    def test_drift_without_harm_and_harm_without_drift(self, weeks):
        said_of(weeks)

    def test_the_same_on_real_recordings(self, tmp_path):
        if not (SHARED / ARCHIVES[0]).exists():
            pytest.skip(f"../shared/data has no {ARCHIVES[0]}")
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / ARCHIVES[0]).symlink_to(SHARED / ARCHIVES[0])
        tell = 'print("TOLD" + weeks.reset_index().to_json(orient="records"))'
        done = run(tmp_path, tmp_path / "data", until="estimate", more=[tell])
        assert "real recordings" in said(done)
        line = next(line for line in said(done).splitlines() if line.startswith("TOLD"))
        said_of(pd.DataFrame(json.loads(line.removeprefix("TOLD"))).set_index("index"))


def test_a_fall_has_two_parts_and_the_first_needs_no_labels():
    """By hand: old accuracies under new shares."""
    before, now = 0.8 * 0.95 + 0.2 * 0.75, 0.4 * 0.90 + 0.6 * 0.70
    shares_alone = 0.4 * 0.95 + 0.6 * 0.75
    assert reveal("10.part").answer == pytest.approx(before - shares_alone)
    assert check("10.part", before - now).message.startswith("That is the whole fall")
    assert check("10.part", now - before).message.startswith("That is the whole change")


def test_the_later_the_labels_the_later_the_alarm(told):
    delays = [told["delays"][wait] for wait in ("0", "7", "14", "28")]
    assert delays == sorted(delays)
    assert delays[0] > 0
    assert delays[-1] >= delays[0] + 14


def test_skew_is_in_the_reading_alone(told):
    assert told["skew"]["loud_db"]["differs"] == 0
    assert all(told["skew"][name]["differs"] == 1 for name in ("duration_s", "high_hz"))
    assert told["reading"]["as in training"] - told["reading"]["as served"] > 0.5
    assert reveal("10.skew", reading=told["reading"]).answer[0] == "B"


def test_what_the_log_says_leads_back_to_what_was_misheard():
    draw, wrong = np.random.default_rng(0), reveal("10.feedback").answer
    misheard = draw.random(1_000_000) < wrong
    again = draw.random(1_000_000) < np.where(misheard, 0.9, 0.02)
    assert again.mean() == pytest.approx(0.06, abs=0.001)


class TestPrices:
    def test_one_choice_is_clearly_the_cheapest_and_it_is_neither_end(self, prices):
        hours = 52 * 3 * prices["false_alarms_per_week"] + 2 * 12 * prices["delay_days"]
        letter, least = reveal("10.price", prices=prices).answer
        assert (hours.idxmin(), hours.min()) == (letter, pytest.approx(least))
        assert letter not in "AE"
        assert hours.drop(letter).min() > 1.2 * least

    def test_who_bears_more_false_alarms_hears_sooner(self, prices):
        assert prices["false_alarms_per_week"].is_monotonic_increasing
        assert prices["delay_days"].is_monotonic_decreasing
        assert prices["delay_days"].iloc[0] >= 14  # "silent for weeks"

    def test_the_intervals_hold_what_was_asked_for(self, prices):
        asked = [0.02, 0.1, 0.5, 2, 7]
        held = (prices["low"] <= asked) | (prices["false_alarms_per_week"] <= asked)
        assert held.all()


def test_old_rows_teach_what_is_wrong_now_and_the_old_test_set_would_keep_them(told):
    anew = pd.DataFrame(told["anew"]).T
    assert reveal("10.anew", anew=anew).answer[0] == "D"
    assert anew["old test set"].idxmax() == "A nothing new"
    assert told["rows"]["B all so far"][1] == pytest.approx(0.9, abs=0.01)
    assert told["rows"]["C the last 30 days"][1] == pytest.approx(2 / 3, abs=0.01)
    assert told["rows"]["D since the change"][1] == 0


class TestPolicy:
    """On draws that are not those of the exercise."""

    @staticmethod
    def tried(settings: dict, seed: int = 3000) -> dict:
        kinds = ("concept", "none")
        moved, calm = (Simulator(seed=seed, kind=kind, **settings).spread(10) for kind in kinds)
        return {
            "canary": settings.get("canary", 0),
            "noticed_days": moved["detection_days"].fillna(np.inf).median(),
            "lose_users": moved["lost"].mean(),
            "labels": moved["labels_paid"].mean(),
            "false_a_week": calm["false_alarms_per_week"].mean(),
        }

    def test_as_it_stands_users_are_lost(self):
        assert self.tried({})["lose_users"] == 1

    @pytest.mark.parametrize("seed", [3000, 7000])
    def test_the_settings_that_are_shown_hold_elsewhere_too(self, seed):
        tried = partial(self.tried, seed=seed)
        answer = reveal("10.policy", tried=tried).answer
        assert check("10.policy", answer, tried=tried).correct

    def test_who_hands_out_to_all_at_once_is_told(self):
        answer = {"labels_week": 280, "accuracy_below": 0.86, "canary": 0.8}
        said = check("10.policy", answer, tried=self.tried)
        assert not said.correct
        assert "more than half of the users" in said.message


class TestLarge:
    def test_parts_in_two_processes_count_as_one_machine_does(self, told):
        assert told["alike"]
        assert len(told["parts"]) == 8
        assert max(told["parts"]) - min(told["parts"]) <= 1

    def test_the_cluster_is_closed_and_can_be_started_again(self, done):
        assert said(done).count("As on one machine: True") == 2


class TestOwnFiles:
    @pytest.mark.usefixtures("done")
    def test_a_failure_and_a_threshold_of_ones_own_make_the_alarms(self, folder, data):
        """In the folder that a whole run has left."""
        work = folder / "work"
        card = scoping.example_card()
        targets = card.targets.assign(target=card.targets["target"].where(
            card.targets["metric"] != "accuracy", 0.999))  # fmt: skip
        mine = scoping.card(targets, name="A line of ours", problem="Words.", solution="A model.")
        scoping.write_card(mine, work / "project.json")
        failures = pd.DataFrame(
            {
                "failure": ["the line is cut", "it is wrong too often"],
                "kind": ["software", "output"],
                "metric": ["requests", "accuracy"],
                "column": ["", ""],
                "worse": ["lower", "lower"],
                "threshold": [5000.0, np.nan],
            }
        )
        failures.to_csv(work / "failures.csv", index=False)
        shutil.rmtree(work / "weeks")
        cells = [source(name) for name in ("setup", *GRID, "card", "alarms", *OWN)]
        start = 'START = log["timestamp"].min().floor("D")'
        tell = 'print(rang[rang["time"] > today][["metric", "alarm", "threshold_from"]].to_csv())'
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(one) for one in [*cells[:4], start, *cells[4:], tell]]
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLKIT_DATA", str(data))
            resources = {"metadata": {"path": str(folder)}}
            Client(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
        text = said(notebook)
        assert "Targets of your project card: A line of ours." in text
        assert "requests,True,yours" in text
        assert "accuracy,True,target" in text

    def test_the_log_of_a_server_is_read_as_users_met_it(self, tmp_path, data):
        """Made in the form that the server's log has: shadow rows, failures, late labels."""
        (tmp_path / "work").mkdir()
        n, draw = 400, np.random.default_rng(0)
        label = draw.integers(10, size=n)
        log = pd.DataFrame(
            {
                "timestamp": pd.date_range("2026-03-01", periods=n, freq="50ms", tz="UTC"),
                "item": [f"clip {k}" for k in range(n)],
                "user": [f"headset {k % 9}" for k in range(n)],
                "routed": "old",
                "version": np.where(np.arange(n) % 2, "new", "old"),
                "served": np.arange(n) % 2 == 0,
                "prediction": np.where(draw.random(n) < 0.9, label, 0),
                "score": draw.random(n),
                "latency_ms": draw.gamma(4, 2, n),
                "failure": None,
                "label": label,
                "era": 0,
                "loud_db": draw.normal(size=n),
            }
        )
        log["label_at"] = log["timestamp"] + pd.Timedelta("1s")
        log.loc[log.index % 5 == 0, ["label", "label_at"]] = None
        log.to_csv(tmp_path / "work/serving_log.csv", index=False)
        cells = [
            source(name) for name in ("setup", *GRID, "card", "alarms", *OWN, "eighths", "cluster")
        ]
        tell = "print('rows', len(mine), set(yours['metric']), sorted(set(yours['column'])))"
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(one) for one in [*cells, tell]]
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLKIT_DATA", str(data))
            resources = {"metadata": {"path": str(tmp_path)}}
            Client(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
        text = said(notebook)
        assert "Your log of notebook 09." in text
        assert "rows 200" in text
        assert "'accuracy'" in text
        assert "loud_db" in text
        assert "era" not in text.split("rows 200")[1]
        assert "As on one machine: True" in text
