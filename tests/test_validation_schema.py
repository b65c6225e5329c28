"""Drafts, a person's word on them, the file, single rows, strange tables, and pandera beside it."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlkit import validation
from mlkit.validation import _propose, _rules, _tests

NOW = "2026-06-01T00:00:00Z"


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    n = 200
    joined = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 300, n), "D")
    return pd.DataFrame(
        {
            "user": [f"u{number:04}" for number in range(n)],
            "age": rng.integers(18, 80, n),
            "height_m": rng.normal(1.7, 0.1, n),
            "plan": rng.choice(["free", "paid"], n),
            "active": rng.random(n) < 0.5,
            "joined": joined.as_unit("us"),
            "left": (joined + pd.to_timedelta(rng.integers(0, 200, n), "D")).as_unit("us"),
        }
    )


@pytest.fixture
def draft(people):
    return validation.propose(people)


@pytest.fixture
def schema(draft):
    answers = {
        "user": {"unique": "yes", "pattern": "yes"},
        "age": {"range": (0, 120)},
        "joined": {"before": "yes"},
        "": {"rows": (1, None)},
    }
    return validation.declare(draft, answers, by="the data team")


def status(schema, column, rule):
    table = schema.table.set_index(["column", "rule"])["status"]
    return table.get((column, rule))


# --- drafts -----------------------------------------------------------------------------------


def test_what_data_cannot_tell_is_a_question(draft):
    for column, rule in [("user", "unique"), ("user", "pattern"), ("age", "range"),
                         ("height_m", "range"), ("joined", "before"), ("", "rows")]:  # fmt: skip
        assert status(draft, column, rule) == "question"
    for column, rule in [("plan", "categories"), ("active", "type"), ("age", "missing"),
                         ("joined", "zone"), ("", "extra"), ("", "duplicates")]:  # fmt: skip
        assert status(draft, column, rule) == "proposed"
    assert (draft.table["why"].str.len() > 5).all()
    assert "questions open" in repr(draft)
    assert "question is not checked" in draft._repr_html_()


@pytest.mark.parametrize(("n", "to_come"), [(5, 5), (20, 100), (200, 50)])
def test_false_alarms_of_a_range_by_simulation(n, to_come):
    x = np.random.default_rng(n).random((4000, n + to_come))
    seen, new = x[:, :n], x[:, n:]
    broken = (new.min(1) < seen.min(1)) | (new.max(1) > seen.max(1))
    assert _propose.beyond(n, to_come) == pytest.approx(broken.mean(), abs=0.025)


def test_false_alarms_of_categories_by_simulation():
    rng = np.random.default_rng(1)
    share = 1 / np.arange(1, 61) ** 1.5
    share /= share.sum()
    told, alarms = [], []
    for _ in range(300):
        seen = pd.Series(rng.choice(60, 200, p=share)).map("v{}".format)
        rule = _propose._listed("x", [], seen.value_counts(), 20)
        told.append(rule.false_alarms)
        alarms.append(bool(set(rng.choice(60, 20, p=share)) - set(seen.str[1:].astype(int))))
    assert np.mean(told) == pytest.approx(np.mean(alarms), abs=0.1)


def test_rare_values_make_categories_a_question():
    values = ["a"] * 60 + ["b"] * 30 + ["c", "d", "e"]
    table = validation.propose(pd.DataFrame({"x": values})).table.set_index("rule")
    assert table.loc["categories", "status"] == "question"
    assert table.loc["categories", "false_alarms"] > 0.9


def test_order_is_asked_for_times_and_for_names_that_pair():
    rng = np.random.default_rng(0)
    low = rng.normal(size=100)
    table = pd.DataFrame({"min_t": low, "max_t": low + rng.random(100), "price": low + 50})
    rules = validation.propose(table).table
    assert rules.loc[rules["rule"] == "before", ["column", "value"]].to_numpy().tolist() == [
        ["min_t", "max_t"]
    ]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pd.DataFrame(), r"propose\(\) needs rows to look at"),
        (pd.DataFrame({"a": []}), "needs rows to look at"),
        (pd.DataFrame({0: [1]}), r"needs text as column names and found 0"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "cannot tell columns of one name apart: 'a'"),
    ],
)
def test_a_reference_one_cannot_learn_from_is_refused(table, words):
    with pytest.raises(ValueError, match=words):
        validation.propose(table)
    with pytest.raises(TypeError, match="needs a pandas DataFrame"):
        validation.propose([1, 2])


@pytest.mark.parametrize(
    "values",
    [[None] * 5, [1], ["x"], [1, "x", None], [[1], [2]], [float("inf"), 1.0], [True], ["", " "]],
)
def test_strange_columns_are_drafted_and_their_own_table_passes(values):
    table = pd.DataFrame({"x": pd.Series(values, dtype=object)})
    schema = validation.declare(validation.propose(table), {"": {"rows": "no"}})
    assert validation.validate(table, schema, now=NOW).ok


# --- declaring --------------------------------------------------------------------------------


def test_questions_stay_open_until_answered(draft, people):
    schema = validation.declare(draft, {"age": {"range": (0, 120)}})
    assert status(schema, "age", "range") == "declared"
    assert status(schema, "height_m", "range") == "question"
    assert status(schema, "plan", "categories") == "declared"
    tall = people.assign(height_m=170.0)
    report = validation.validate(tall, schema, now=NOW)
    assert report.ok
    assert "range of height_m" in report.notes[0]
    assert status(draft, "age", "range") == "question"  # the draft itself is not changed


def test_a_rule_can_be_turned_down_or_added(draft, people):
    schema = validation.declare(draft, {"plan": {"categories": "no", "pattern": "[a-z]+"}})
    table = people.assign(plan="gold")
    assert validation.validate(table, schema, now=NOW).ok
    table.loc[3, "plan"] = "GOLD"
    assert validation.validate(table, schema, now=NOW).table["fault"].tolist() == ["wrong form"]


def test_an_edited_table_is_a_declaration(draft, people):
    table = draft.table
    table.loc[table["rule"] == "categories", "value"] = '["free"]'
    table.loc[table["status"] == "question", "status"] = "rejected"
    schema = validation.declare(table)
    report = validation.validate(people, schema, now=NOW)
    assert report.table["fault"].tolist() == ["new category"]
    assert report.table["rows"].tolist() == [(people["plan"] == "paid").sum()]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (
            {"agee": {"range": (0, 1)}},
            r"'agee', which is no column of the draft; did you mean 'age'",
        ),
        (
            {"age": {"rnge": (0, 1)}},
            "knows no rule 'rnge' for the column 'age'; the rules are type",
        ),
        ({"age": {"range": (9, 1)}}, "the lower end lies above the upper one"),
        ({"age": {"range": 9}}, r"a lower and an upper end, such as \[0, 120\]"),
        ({"age": {"range": ("x", 1)}}, "an end is a number, a time"),
        ({"plan": {"categories": "free"}}, "it is a list of values"),
        ({"plan": {"categories": []}}, "that is not empty"),
        ({"plan": {"pattern": "["}}, "it is no regular expression"),
        ({"joined": {"zone": "Mars/Base"}}, 'or a name such as "UTC"'),
        ({"age": {"type": "float"}}, "it is one of integer, number"),
        ({"age": {"missing": "never"}}, "it is True or False"),
        ({"age": {"unique": "yes"}}, "which the draft does not have; give its value"),
        ({"": {"rows": (-1, None)}}, "the ends are numbers of rows"),
        ({"": {"unique": "user"}}, "the columns that are unique together"),
    ],
)
def test_an_answer_that_makes_no_sense_is_named(draft, answers, words):
    with pytest.raises(ValueError, match=words):
        validation.declare(draft, answers)


def test_declaring_something_else_is_refused(draft):
    with pytest.raises(TypeError, match=r"needs a draft from validation.propose\(\)"):
        validation.declare({"age": 1})
    with pytest.raises(TypeError, match="needs answers as column -> rule -> value"):
        validation.declare(draft, {"age": (0, 120)})
    with pytest.raises(ValueError, match="missing: status"):
        validation.declare(draft.table.drop(columns="status"))
    with pytest.raises(ValueError, match="needs a status of proposed"):
        validation.declare(draft.table.assign(status="maybe"))


# --- the file ---------------------------------------------------------------------------------


def test_a_schema_read_back_is_the_same(schema, people, tmp_path):
    path = validation.write_schema(schema, tmp_path / "schema.json")
    back = validation.read_schema(path)
    pd.testing.assert_frame_equal(
        back.table.sort_values(["column", "rule"], ignore_index=True),
        schema.table.sort_values(["column", "rule"], ignore_index=True),
    )
    assert back.about["declared_by"] == "the data team"
    bad = people.assign(age=-1)
    assert validation.validate(bad, back).table.equals(validation.validate(bad, schema).table)


def test_the_file_can_be_edited_by_hand(schema, people, tmp_path):
    path = validation.write_schema(schema, tmp_path / "schema.json")
    content = json.loads(path.read_text())
    content["columns"]["age"]["range"] = [0, 50]
    del content["columns"]["plan"]["categories"]
    path.write_text(json.dumps(content))
    back = validation.read_schema(path)
    report = validation.validate(people.assign(plan="gold"), back, now=NOW)
    assert report.table["rows"].tolist() == [(people["age"] > 50).sum()]
    assert status(back, "plan", "categories") == "rejected"


def test_a_write_that_fails_leaves_the_old_file(schema, tmp_path, monkeypatch):
    path = validation.write_schema(schema, tmp_path / "schema.json")
    before = path.read_bytes()

    def full(*args):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        validation.write_schema(validation.declare(schema, {"age": {"range": (1, 2)}}), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["schema.json"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "other", "version": 1, "table": {}, "columns": {}}']
)
def test_a_file_that_is_no_schema_is_named(tmp_path, text):
    path = tmp_path / "schema.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is not a schema"):
        validation.read_schema(path)
    with pytest.raises(FileNotFoundError, match="declare one and write it"):
        validation.read_schema(tmp_path / "none.json")
    with pytest.raises(FileNotFoundError, match="make it, then write"):
        validation.write_schema(None, tmp_path / "none" / "schema.json")


# --- single rows ------------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 200), st.floats(-10, 300), st.just(float("nan")),
    st.sampled_from(["free", "paid", " free", "u0001", "12", "Ã©", "2025-03-01",
                     "2025-03-01T10:00Z",
                     "2099-01-01T00:00:00+00:00", "2025-03-01T10:00:00+02:00", ""]),
    st.datetimes(pd.Timestamp("2020-01-01"), pd.Timestamp("2030-01-01")),
    st.datetimes(pd.Timestamp("2020-01-01"), pd.Timestamp("2030-01-01")).map(
        lambda moment: pd.Timestamp(moment, tz="UTC")),
)  # fmt: skip
ROWS = st.dictionaries(
    st.sampled_from(["user", "age", "height_m", "plan", "active", "joined", "left", "other"]),
    VALUES,
)
SCHEMA = None


@settings(max_examples=150, deadline=None)
@given(row=ROWS)
@example(row={})
@example(row={"joined": "2025-05-01T00:00Z", "left": "2025-04-01T00:00Z"})
@example(row={"joined": pd.Timestamp("2025-05-01", tz="UTC"), "left": "2025-04-01T00:00+02:00"})
def test_one_row_breaks_what_a_table_of_that_row_breaks(row):
    global SCHEMA
    if SCHEMA is None:
        rng = np.random.default_rng(0)
        joined = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(np.arange(99), "D")
        table = pd.DataFrame(
            {"user": [f"u{i:04}" for i in range(99)], "age": rng.integers(18, 80, 99),
             "height_m": rng.normal(1.7, 0.1, 99), "plan": rng.choice(["free", "paid"], 99),
             "active": rng.random(99) < 0.5, "joined": joined,
             "left": joined + pd.to_timedelta(rng.integers(0, 200, 99), "D")}
        )  # fmt: skip
        answers = {"user": {"pattern": r"u\d+"}, "age": {"range": (0, 120)},
                   "height_m": {"range": (0.5, 2.5)}, "joined": {"before": "left"}}  # fmt: skip
        SCHEMA = validation.declare(validation.propose(table), answers)
    broken = {(b.column, b.check) for b in validation.check_row(row, SCHEMA)}
    one = pd.DataFrame({name: pd.Series([value], dtype=object) for name, value in row.items()},
                       index=[0])  # fmt: skip
    from mlkit.validation import _run

    found = {
        (column, rule) if rule != "extra" else ("", "extra")
        for column, rule in _run.broken(one, SCHEMA.declared, lambda: 1.78e9)
    }
    assert broken == found


def test_a_row_of_json_is_told_in_sentences(schema):
    row = {"user": "u0001", "age": -3, "height_m": None, "plan": "gold", "active": True,
           "joined": "2025-02-01T10:00:00Z", "left": "2025-01-01T10:00:00Z", "pin": 1}  # fmt: skip
    told = [broken.found for broken in validation.check_row(row, schema)]
    assert told == [
        "age is -3; declared: 0 to 120.",
        "height_m has no value, and is declared to have one always.",
        "plan is 'gold'; declared: one of 'free', 'paid'.",
        "joined is '2025-02-01T10:00:00Z', after left, which is '2025-01-01T10:00:00Z'.",
        "pin is no declared column.",
    ]
    assert validation.check_row(
        {"user": "u0001"}, schema)[0].found == "age is not there."  # fmt: skip
    with pytest.raises(TypeError, match="needs one row as column -> value"):
        validation.check_row([1], schema)


# --- strange tables ---------------------------------------------------------------------------


def test_an_empty_table_is_told(schema, people):
    report = validation.validate(people.iloc[:0], schema, reference=people)
    assert "empty table" in report.table["fault"].tolist()
    assert math.isnan(report.share)
    assert report.n == 0
    report.plot()
    nothing = validation.validate(pd.DataFrame(), schema)
    assert (nothing.table["fault"] == "missing column").sum() == 7


def test_one_row_all_missing_and_one_class(schema, people):
    assert validation.validate(people.iloc[:1], schema, reference=people, now=NOW).ok
    gone = people.assign(**dict.fromkeys(people.columns))
    report = validation.validate(gone, schema, reference=people, now=NOW)
    assert set(report.table.query("kind == 'declared'")["fault"]) >= {"missing values"}
    assert report.share == 1
    one = people.assign(plan="free")
    found = validation.validate(one, schema, reference=people, now=NOW).table
    assert found[["kind", "fault"]].to_numpy().tolist() == [["statistical", "constant column"]]


def test_names_twice_and_names_that_are_no_text(schema, people):
    table = pd.concat([people, people[["age"]], pd.DataFrame({7: [1] * len(people)})], axis=1)
    faults = validation.validate(table, schema, now=NOW).table["fault"].tolist()
    assert faults == ["duplicate column name", "column name not text"]


def test_the_rows_are_the_callers(schema, people):
    table = people.set_index(pd.Index([f"row {i}" for i in range(len(people))]))
    table.loc["row 7", "age"] = 300
    report = validation.validate(table, schema, now=NOW)
    assert report.rows[["row", "column", "fault", "value"]].to_numpy().tolist() == [
        ["row 7", "age", "out of range", 300]
    ]
    assert report.share == pytest.approx(1 / 200)
    assert report.low < 1 / 200 < report.high


def test_what_cannot_be_validated_is_refused(draft, schema, people):
    with pytest.raises(ValueError, match="in which nothing is declared"):
        validation.validate(people, draft)
    with pytest.raises(ValueError, match="needs a reference with rows"):
        validation.validate(people, schema, reference=people.iloc[:0])
    with pytest.raises(TypeError, match="needs a table as a pandas DataFrame"):
        validation.validate([1], schema)
    with pytest.raises(TypeError, match=r"needs a schema from validation.declare\(\)"):
        validation.validate(people, {"age": 1})
    with pytest.raises(ValueError, match="needs alpha between 0 and 1"):
        validation.validate(people, schema, alpha=5.0)
    with pytest.raises(ValueError, match="needs now as a time"):
        validation.validate(people, schema, now="soon")


def test_text_in_reports_is_escaped(schema, people):
    table = people.assign(plan="<script>alert(1)</script>")
    html = validation.validate(table, schema, reference=people, now=NOW)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


N = 60
STRANGE = {
    "lists": [[i] for i in range(N)],
    "dictionaries": [{"a": 1}] * N,
    "categories": pd.Categorical(["x", "y", None] * 20),
    "whole numbers with gaps": pd.array([1, None, 3] * 20, dtype="Int64"),
    "Booleans with gaps": pd.array([True, None, False] * 20, dtype="boolean"),
    "durations": pd.to_timedelta(range(N), unit="h"),
    "complex": np.arange(N) * 1j,
    "bytes": [b"x"] * N,
    "the year 1": pd.Series([pd.Timestamp("0001-01-01")] * N, dtype="datetime64[s]"),
    "zones mixed": [pd.Timestamp("2025-01-01", tz="UTC"), pd.Timestamp("2025-01-01"), "x"] * 20,
    "infinite": [np.inf, -np.inf, 1.0] * 20,
    "equal and of three kinds": pd.Series([True, 1, 1.0] * 20, dtype=object),
    "no time at all": pd.Series([pd.NaT] * N),
    "nothing": [None] * N,
    "beyond floats": [10**400] * N,
    "numpy's own": [np.int64(1), np.float32(2), np.bool_(True)] * 20,
    "arrow": pd.array([1, 2, None] * 20, dtype="int64[pyarrow]"),
    "sparse": pd.arrays.SparseArray([0, 0, 1] * 20),
    "intervals": pd.interval_range(0, N),
}


@pytest.mark.parametrize("name", STRANGE)
def test_no_column_is_too_strange_to_be_told(schema, people, name):
    column = pd.Series(STRANGE[name])
    table = pd.DataFrame(dict.fromkeys(people.columns, column))
    report = validation.validate(table, schema, reference=people, now=NOW)
    assert not report.ok
    assert report._repr_html_()
    own = pd.DataFrame({"x": column, "number": range(N)})
    assert validation.validate(own, validation.declare(validation.propose(own)), now=NOW).ok


# --- beside other tools -----------------------------------------------------------------------


def test_pandera_finds_the_same_cells(schema, people):
    import pandera.pandas as pa

    table = people.astype({"age": object, "plan": object})
    table.loc[[1, 5], "age"] = [200, "x"]
    table.loc[9, "plan"] = "gold"
    table.loc[[11, 12], "user"] = "u0000"
    table.loc[20, "left"] = table.loc[20, "joined"] - pd.Timedelta("1D")
    with pytest.raises(pa.errors.SchemaErrors) as errors:
        schema.pandera().validate(table, lazy=True)
    cases = errors.value.failure_cases
    theirs = {
        (str(check).split()[0], int(row))
        for check, row in zip(cases["check"], cases["index"], strict=True)
    }
    ours = validation.validate(table, schema, now=NOW).rows
    assert theirs == set(zip(ours["check"], ours["row"], strict=True))
    assert theirs == {("range", 1), ("type", 5), ("categories", 9), ("unique", 11), ("unique", 12),
                      ("before", 20)}  # fmt: skip


def test_two_shares_newcombes_own_example():
    """Newcombe (1998), table II: 56/70 against 48/80, 0.0524 to 0.3339."""
    low, high = _tests.newcombe(56, 70, 48, 80, 1)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_read_from_csv_the_same_rules_hold(schema, people, tmp_path):
    """Times come back as text, and are times all the same."""
    path = tmp_path / "people.csv"
    people.to_csv(path, index=False)
    back = pd.read_csv(path)
    assert validation.validate(back, schema, now=NOW).ok
    assert validation.propose(back).table.set_index(["column", "rule"]).loc[
        ("joined", "type"), "value"] == "time"  # fmt: skip


@given(st.text(max_size=20))
def test_damaged_text_is_seen_and_put_right(text):
    if not all("\u00a0" < c < "\u2000" for c in text) or not text:
        return
    damaged = text.encode().decode("latin-1")
    assert not _rules.readable(damaged)
    assert _rules.repaired(damaged) == text


@pytest.mark.parametrize(
    "text", ["Łódź", "naïve café", "São Paulo", "Zürich", "10 £", "Ærø", "à â"]
)
def test_sound_text_is_not_called_damaged(text):
    assert _rules.readable(text)


def test_pictures_say_what_they_show(draft, schema, people):
    assert "False alarms" in draft.plot().figure.get_label()
    report = validation.validate(people.assign(age=300), schema, reference=people, now=NOW)
    assert "Broken rules" in report.plot().figure.get_label()
