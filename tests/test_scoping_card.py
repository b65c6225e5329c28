"""The project card: what it takes, what it refuses, how it is written, read and checked."""

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from mlkit import scoping

TARGETS = pd.DataFrame(
    {
        "metric": ["accuracy", "latency_ms"],
        "target": [0.9, 100.0],
        "unit": ["share", "ms"],
        "at_least": [True, False],
        "anchor": [0.95, np.nan],
        "source": ["HLP on 40 clips", None],
    }
)
WORDS = {"name": "A", "problem": "B happens.", "solution": "C."}


def changed(**cells):
    return TARGETS.assign(**cells)


@pytest.fixture
def path(tmp_path):
    return scoping.write_card(scoping.card(TARGETS, **WORDS), tmp_path / "project.json")


class TestCheck:
    card = scoping.card(TARGETS, **WORDS)

    def test_each_target_has_a_row_and_what_was_not_measured_is_missing(self):
        done = self.card.check({"accuracy": 0.8})
        assert list(done.columns) == ["metric", "target", "measured", "met", "why"]
        assert done["metric"].tolist() == ["accuracy", "latency_ms"]
        assert done["met"].dtype == "boolean"
        assert done["met"][0] == False  # noqa: E712  a nullable Boolean
        assert done["met"][1] is pd.NA
        assert done["why"].tolist() == ["0.8 is not at least 0.9", "not measured"]

    @pytest.mark.parametrize(
        ("metric", "value", "met"),
        [
            *(("accuracy", 0.9, True), ("accuracy", 0.8999, False), ("accuracy", 1, True)),
            *(("latency_ms", 100, True), ("latency_ms", np.float32(100.5), False)),
        ],
    )
    def test_the_border_belongs_to_the_target(self, metric, value, met):
        row = self.card.check({metric: value}).set_index("metric").loc[metric]
        assert row["met"] == met

    @pytest.mark.parametrize(
        ("given", "met"),
        [((0.92, 0.91, 0.93), True), ((0.85, 0.8, 0.89), False), ((0.92, 0.88, 0.95), pd.NA)],
    )
    def test_an_interval_across_the_target_leaves_it_open(self, given, met):
        row = self.card.check({"accuracy": given}).iloc[0]
        assert row["met"] is met or row["met"] == met
        if met is pd.NA:
            assert row["why"] == "0.88 to 0.95 leaves open whether it is at least 0.9"

    @pytest.mark.parametrize("value", [None, np.nan, pd.NA, (0.9, None, None), (np.nan,) * 3])
    def test_missing_is_not_measured(self, value):
        row = self.card.check({"accuracy": value}).iloc[0]
        assert row["met"] is pd.NA
        assert row["why"] == "not measured"

    def test_without_ends_the_value_alone_decides(self):
        assert self.card.check({"accuracy": (0.95, np.nan, np.nan)})["met"][0]

    def test_what_has_no_target_is_told_and_no_error(self):
        row = self.card.check({"model_mb": 3}).iloc[-1]
        assert row["metric"] == "model_mb"
        assert np.isnan(row["target"])
        assert row["met"] is pd.NA
        assert row["why"].endswith("which has accuracy, latency_ms")

    @pytest.mark.parametrize("value", ["0.9", True, [1, 2], {"a": 1}, np.array([0.9, 0.8])])
    def test_what_is_no_number_is_refused(self, value):
        with pytest.raises(TypeError, match=r"accuracy is a number, or \(value, low, high\)"):
            self.card.check({"accuracy": value})

    def test_a_value_outside_its_interval_is_refused(self):
        with pytest.raises(
            ValueError, match=r"0\.5, which does not lie in its interval, 0\.8 to 0\.9"
        ):
            self.card.check({"accuracy": (0.5, 0.8, 0.9)})

    def test_a_table_is_no_mapping(self):
        with pytest.raises(TypeError, match="by its name"):
            self.card.check([0.9])


class TestTargets:
    def test_room_is_measured_in_the_direction_of_the_target(self):
        table = changed(anchor=[0.95, 120.0], source="x")
        assert scoping.targets(table)["room"].tolist() == pytest.approx([0.05, -20])
        assert scoping.targets(table)["remark"].tolist() == [
            "within its anchor",
            "beyond its anchor: nobody has shown it yet",
        ]

    def test_without_an_anchor_it_is_a_wish(self):
        row = scoping.targets(TARGETS).iloc[1]
        assert np.isnan(row["room"])
        assert row["remark"].startswith("no anchor")

    @pytest.mark.parametrize(
        ("table", "words"),
        [
            (TARGETS.head(0), "without a row: write down what is good enough"),
            (TARGETS.drop(columns="unit"), "missing: unit"),
            (changed(unit=["share", ""]), "the target of 'latency_ms' has no unit"),
            (changed(unit=["share", None]), "the target of 'latency_ms' has no unit"),
            (changed(target=[90, 100]), "a share lies between 0 and 1: write 0.9"),
            (changed(target=[0.9, -1]), "target of 'latency_ms' is -1, and cannot be below 0"),
            (changed(target=[0.9, "fast"]), "target of 'latency_ms' is no number: 'fast'"),
            (changed(target=[0.9, None]), "target of 'latency_ms' is empty"),
            (changed(target=[np.inf, 1]), "target of 'accuracy' is no number: inf"),
            (changed(metric="accuracy"), "each metric once, and 'accuracy' stands there twice"),
            (changed(metric=["accuracy", " "]), "needs metric in each row, and row 2 has none"),
            (changed(at_least=["more", False]), "at_least of 'accuracy' is True or False"),
            (
                changed(source=None),
                "anchor of 'accuracy' has no source: who reached or measured it",
            ),
            ("accuracy", "needs a pandas DataFrame"),
        ],
    )
    def test_what_cannot_be_a_target_is_told(self, table, words):
        with pytest.raises(ValueError, match=re.escape(words)):
            scoping.targets(table)
        with pytest.raises(ValueError, match=re.escape(words)):
            scoping.card(table, **WORDS)

    def test_the_table_given_stays_as_it_is_and_empty_rows_fall_away(self):
        blank = pd.DataFrame([{}, {"metric": " ", "unit": ""}])
        table = pd.concat([TARGETS.astype(object), blank])
        before = table.copy()
        assert len(scoping.targets(table)) == 2
        pd.testing.assert_frame_equal(table, before)

    def test_a_csv_file_gives_the_same(self, tmp_path):
        TARGETS.to_csv(tmp_path / "t.csv", index=False)
        back = scoping.targets(pd.read_csv(tmp_path / "t.csv"))
        pd.testing.assert_frame_equal(back, scoping.targets(TARGETS), check_dtype=False)


class TestEthics:
    def test_what_is_left_out_is_open(self):
        mine = pd.DataFrame({"prompt": [scoping.PROMPTS[0], "Is it loud?"], "answer": ["All.", ""]})
        done = scoping.ethics(mine)
        assert len(done) == len(scoping.PROMPTS) + 1
        assert done.loc[~done["open"], "prompt"].tolist() == [scoping.PROMPTS[0]]
        card = scoping.card(TARGETS, **WORDS, ethics=mine)
        assert "Is it loud? **Open.**" in card.to_markdown()
        assert "Is it loud?" in card.open

    @pytest.mark.parametrize("answer", [None, "", "  ", "open", "Open.", "?", "not known"])
    def test_words_that_say_nothing_leave_it_open(self, answer):
        row = pd.DataFrame({"prompt": ["Why?"], "answer": [answer]})
        assert scoping.ethics(row)["open"][0]

    def test_a_prompt_twice_is_refused(self):
        with pytest.raises(ValueError, match="each prompt once"):
            scoping.ethics(pd.DataFrame({"prompt": ["Why?"] * 2, "answer": ["a", "b"]}))


class TestFile:
    def test_what_is_read_is_what_was_written(self, tmp_path):
        card = scoping.example_card()
        path = scoping.write_card(card, tmp_path / "project.json")
        back = scoping.read_card(path)
        assert repr(back) == repr(card)
        assert back.to_markdown() == card.to_markdown()
        assert (tmp_path / "project.md").read_text("utf-8") == card.to_markdown()
        pd.testing.assert_frame_equal(back.targets, card.targets)
        assert not list(tmp_path.glob("*.tmp"))

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda d: d.pop("targets"), "lacks targets"),
            (lambda d: d.update(targts=[]), "a field 'targts' that no card has; 'targets' is"),
            (lambda d: d.update(version=2), "of version 2, and this mlkit reads 1"),
            (lambda d: d.update(kind="x"), "no project card"),
            (lambda d: d.update(name=3), "name is text, not 3"),
            (lambda d: d.update(example="no"), "example is true or false"),
            (lambda d: d.update(targets=3), "targets is a list of rows"),
            (lambda d: d.update(ethics=None), "a card has targets and questions"),
            (lambda d: d["targets"][0].update(unit=""), "the target of 'accuracy' has no unit"),
            (lambda d: d["targets"][0].pop("metric"), "needs metric in each row"),
        ],
    )
    def test_a_file_that_was_changed_says_which_field(self, path, change, words):
        data = json.loads(path.read_text("utf-8"))
        change(data)
        path.write_text(json.dumps(data), "utf-8")
        with pytest.raises(ValueError, match=re.escape(words)) as caught:
            scoping.read_card(path)
        assert str(caught.value).startswith("project.json: ")

    @pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1]", b"3"])
    def test_a_file_that_is_no_card_is_told(self, path, content):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"project\.json"):
            scoping.read_card(path)

    def test_without_a_file_it_says_what_to_take(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"notebook 01.*scoping\.example_card"):
            scoping.read_card(tmp_path / "project.json")

    def test_where_it_cannot_write_it_says_so(self, tmp_path):
        card = scoping.card(TARGETS, **WORDS)
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            scoping.write_card(card, tmp_path / "a" / "b.json")
        with pytest.raises(ValueError, match=r"writes a \.json file, not 'b\.md'"):
            scoping.write_card(card, tmp_path / "b.md")

    def test_a_program_killed_while_writing_leaves_a_whole_card(self, path):
        writer = (
            "import sys\nfrom mlkit import scoping\n"
            "card = scoping.read_card(sys.argv[1])\nprint('ready', flush=True)\n"
            "while True: scoping.write_card(card, sys.argv[1])"
        )
        command = [sys.executable, "-c", writer, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
            program.stdout.readline()
            for _ in range(50):
                assert scoping.read_card(path).name == "A"
            program.kill()
        assert scoping.read_card(path).name == "A"


class TestTables:
    tables = scoping.example_tables()

    def test_what_has_no_row_is_left_out_and_stands_as_open(self):
        blank = {name: table.iloc[:0].reindex(range(3)) for name, table in self.tables.items()}
        own = blank | {name: self.tables[name] for name in ("project", "targets", "links")}
        card = scoping.card_from(own)
        assert not card.example
        assert card.chain is not None
        assert [card.ideas, card.needs, card.milestones, card.budget] == [None] * 4
        assert len(card.open) == 4 + len(scoping.PROMPTS)

    def test_the_same_as_by_hand(self):
        card, tables = scoping.card_from(self.tables), self.tables
        assert card.says["milestones"] == repr(scoping.total(tables["milestones"]))
        pd.testing.assert_frame_equal(card.needs, scoping.needs(tables["needs"]))

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"target": TARGETS}, "knows no table 'target'; the tables are project, ideas"),
            ({"targets": TARGETS.head(0)}, "targets: nothing is written in it yet"),
            (
                {"project": pd.DataFrame({"field": ["name"], "text": ["a"]})},
                "project: write a few words for problem, solution",
            ),
            ({"project": pd.DataFrame({"field": ["x"], "text": ["a"]})}, "solution, no 'x'"),
            (
                {"project": pd.DataFrame(columns=["field", "text"])},
                "project: nothing is written in it",
            ),
        ],
    )
    def test_what_makes_no_card_is_told(self, change, words):
        with pytest.raises(ValueError, match=words):
            scoping.card_from(self.tables | change)

    def test_all_that_is_wrong_is_told_at_once_table_by_table(self):
        half = self.tables["links"].astype(object)
        half.loc[1, ["unit", "high"]] = ["", np.nan]
        wide = self.tables["needs"].assign(share=6)
        goals = pd.DataFrame([{}, {"metric": "accuracy"}]).reindex(
            columns=self.tables["targets"].columns
        )
        words = self.tables["project"].assign(text=["Mine", "", None])
        own = {"links": half, "needs": wide, "targets": goals, "project": words}
        with pytest.raises(ValueError, match="cannot make the card yet") as caught:
            scoping.card_from(self.tables | own)
        said = str(caught.value)
        assert "- links: row 2 lacks unit, high" in said
        assert "- targets: row 2 lacks target, unit, at_least" in said
        assert "- needs: scoping.needs(): share of 'quiet bay'" in said
        assert "- project: write a few words for problem, solution" in said
        assert said.count("\n- ") == 4


class TestPage:
    def test_the_example_says_that_it_is_one(self):
        card = scoping.example_card()
        assert card.example
        assert "an example project" in repr(card)
        assert "**An example**" in card.to_markdown()
        assert "**An example**" not in scoping.card(TARGETS, **WORDS).to_markdown()

    def test_what_is_missing_stands_under_still_open(self):
        card = scoping.card(TARGETS, **WORDS)
        assert "can latency_ms be reached? It has no anchor" in card.open
        assert "what it costs" in card.open
        assert "## Still open" in card.to_markdown()

    def test_what_people_type_stays_text(self):
        name = "a | b <script>alert(1)</script> *c* [d](e) &amp;\n# f"
        page = scoping.card(TARGETS, **(WORDS | {"name": name})).to_markdown()
        assert page.splitlines()[0] == (
            r"# a \| b &lt;script&gt;alert(1)&lt;/script&gt; \*c\* \[d\](e) &amp;amp; \# f"
        )

    @pytest.mark.parametrize("what", ["name", "problem", "solution"])
    def test_a_card_says_what_it_is_about(self, what):
        with pytest.raises(ValueError, match=f"needs the {what} in a few words"):
            scoping.card(TARGETS, **(WORDS | {what: " "}))

    def test_a_part_that_is_none_is_refused(self):
        with pytest.raises(TypeError, match=r"needs ideas as scoping\.rank\(\) gives it"):
            scoping.card(TARGETS, **WORDS, ideas=TARGETS)
        with pytest.raises(TypeError, match=r"scoping\.needs\(\) gives them, not list"):
            scoping.card(TARGETS, **WORDS, needs=[])
