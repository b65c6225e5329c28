"""A step is recorded by what it read and made: by content, whole, whatever happens meanwhile."""

import datetime
import decimal
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlkit import _files, lineage
from mlkit.lineage import LineageError, LineageWarning, content_hash, runs, step

FEW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "work" / "lineage.jsonl"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def lines(log):
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def fill(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


# --- hashes -----------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c/a", "c/b", "d/e/f", "ä ö", "line\nbreak"])
FOLDERS = st.dictionaries(NAMES, st.binary(max_size=3), max_size=5)


@FEW
@given(data=st.binary(max_size=2000), other=st.binary(max_size=2000))
def test_a_files_hash_changes_if_and_only_if_its_bytes_do(tmp_path, data, other):
    (tmp_path / "one").write_bytes(data)
    (tmp_path / "two").write_bytes(other)
    one, two = content_hash(tmp_path / "one"), content_hash(str(tmp_path / "two"))
    assert one == hashlib.sha256(data).hexdigest()
    assert (one == two) == (data == other)


@FEW
@given(one=FOLDERS, two=FOLDERS)
def test_a_folders_hash_changes_if_and_only_if_its_names_or_bytes_do(tmp_path, one, two):
    first = content_hash(fill(tmp_path / "here", one))
    second = content_hash(fill(tmp_path / "quite" / "elsewhere", two))
    assert (first == second) == (one == two)


def test_a_folders_hash_is_the_one_documented(tmp_path):
    fill(tmp_path / "x", {"b": b"2", "a/z": b"1"})
    (tmp_path / "x" / "empty").mkdir()
    digest = hashlib.sha256(b"mlkit folder 1\n")
    for name, data in ((b"a/z", b"1"), (b"b", b"2")):
        digest.update(name + b"\0" + hashlib.sha256(data).hexdigest().encode() + b"\n")
    assert content_hash(tmp_path / "x") == digest.hexdigest()


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_links_are_followed_and_a_circle_of_links_is_told(tmp_path):
    fill(tmp_path / "real", {"a": b"1", "sub/b": b"2"})
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a").symlink_to(tmp_path / "real" / "a")
    (tmp_path / "links" / "sub").symlink_to(tmp_path / "real" / "sub")
    assert content_hash(tmp_path / "links") == content_hash(tmp_path / "real")
    (tmp_path / "real" / "sub" / "round").symlink_to(tmp_path / "real")
    with pytest.raises(LineageError, match=r"the link .*round leads to a folder that holds it"):
        content_hash(tmp_path / "real")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_cannot_be_read_is_told(tmp_path):
    fill(tmp_path / "x", {})
    os.mkfifo(tmp_path / "x" / "pipe")
    with pytest.raises(LineageError, match=r"pipe is no file that can be read"):
        content_hash(tmp_path / "x")
    with pytest.raises(LineageError, match=r"neither a file nor a folder"):
        content_hash(tmp_path / "x" / "pipe")
    with pytest.raises(LineageError, match=r"is not there\.$"):
        content_hash(tmp_path / "nothing")
    with pytest.raises(LineageError, match=r"is not there. Download it first"):
        content_hash("https://example.com/a.csv")
    with pytest.raises(LineageError, match=r"content of an object. Save it to a file"):
        content_hash(object())


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, -0.0, 1.0, 0.5]),
    st.text("ab1", max_size=2), st.sampled_from([datetime.date(2026, 1, 1), b"1"]),
)  # fmt: skip
COLUMNS = st.lists(CELLS, min_size=2, max_size=2)


def spelled(column):
    """What a column holds, told apart as the hash promises to."""
    return [(type(v).__name__, repr(v)) if v is not None else None for v in column]


@settings(max_examples=150, deadline=None)
@given(one=COLUMNS, two=COLUMNS)
def test_a_tables_hash_changes_if_and_only_if_its_values_do(one, two):
    tables = [pd.DataFrame({"x": pd.Series(column, dtype=object)}) for column in (one, two)]
    same = content_hash(tables[0]) == content_hash(tables[1])
    if same != (spelled(one) == spelled(two)):
        # A column of missing values alone has no kind.
        assert all(value is None for value in one + two)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.rename(columns={"item": "id"}),
        lambda t: t[["label", "item", "score", "at"]],
        lambda t: t.iloc[::-1],
        lambda t: t.iloc[:2],
        lambda t: t.assign(score=t["score"] + 1e-12),
        lambda t: t.assign(label=t["label"].astype(float)),
        lambda t: t.assign(label=t["label"].astype(str)),
        lambda t: t.assign(at=t["at"] + pd.Timedelta(1, "ns")),
        lambda t: t.assign(at=t["at"].dt.tz_localize(None)),
        lambda t: t.assign(item=t["item"].where(t["item"] != "a")),
        lambda t: t.set_axis([5, 6, 7]),
        lambda t: t.rename_axis("n"),
        lambda t: t.rename(columns={"item": 1}),
    ],
)
def test_what_changes_a_table_changes_its_hash(change):
    assert content_hash(change(table())) != content_hash(table())


def table():
    at = pd.to_datetime(["2026-01-01T10:00:00.5", "2026-01-02", None], utc=True, format="ISO8601")
    columns = {"item": ["a", "b", "c"], "label": [1, 2, 3], "score": [0.25, None, 1.0], "at": at}
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    "store",
    [
        lambda t: t.copy(),
        lambda t: t.astype({"label": "int8"}),
        lambda t: t.astype({"label": "Int64", "score": "Float64"}),
        lambda t: t.astype({"label": object, "score": object}),
        lambda t: t.astype({"item": "category"}),
        lambda t: t.astype({"item": "string"}),
        lambda t: t.astype({"item": object}),
        lambda t: t.assign(at=t["at"].dt.tz_convert("Europe/Berlin")),
        lambda t: t.assign(at=t["at"].astype("datetime64[ns, UTC]")),
        lambda t: t.set_axis(pd.Index([0, 1, 2])),
        lambda t: pd.concat([t.iloc[:1], t.iloc[1:]]),
    ],
)
def test_how_a_table_is_stored_makes_no_difference(store):
    assert content_hash(store(table())) == content_hash(table())


def test_a_tables_hash_stays_the_same_between_versions():
    """Logs of years have to go on matching: these hashes may never change."""
    assert content_hash(table())[:16] == "f10dee9faee2b41c"
    assert content_hash(np.arange(3, dtype=">i2"))[:16] == "c4f4ae7c596422a5"
    assert content_hash([1, "1", None, {"b": 1.5}])[:16] == "2371c5709aa9fa32"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (np.zeros(2, "f4"), np.zeros(2, "f8")),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros(0), np.zeros((0, 2))),
        (np.array([1, 2]), np.array([2, 1])),
        (np.array(["a"], object), np.array([1], object)),
        ([1, 2], [[1], 2]),
        ([1], ["1"]),
        ([True], [1]),
        ({"a": 1}, {"a": 2}),
        ([decimal.Decimal(0) == 0], [0]),
        (b"1", ["1"]),
    ],
)
def test_arrays_and_values_are_told_apart(one, two):
    assert content_hash(one) != content_hash(two)


def test_arrays_are_the_same_however_they_lie_in_memory():
    array = np.arange(6.0).reshape(2, 3)
    assert content_hash(np.asfortranarray(array)) == content_hash(array)
    assert content_hash(array.astype(">f8")) == content_hash(array)
    assert content_hash(array[:, ::-1][:, ::-1]) == content_hash(array)
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    times = np.array(["2026-01-01", "NaT"], "M8[s]")
    assert content_hash(times) != content_hash(times.astype("M8[ns]"))
    with pytest.raises(LineageError, match=r"masked or structured array. Give it as a table"):
        content_hash(np.ma.masked_array([1, 2], [True, False]))
    with pytest.raises(LineageError, match="content of a Decimal among the values"):
        content_hash(pd.DataFrame({"x": [decimal.Decimal(1)]}))


def test_wide_integers_durations_and_indexes_have_a_hash():
    wide = pd.DataFrame({"x": [2**63, 1]}, dtype="uint64")
    assert content_hash(wide) != content_hash(wide + np.uint64(1))
    waits = pd.DataFrame({"x": pd.to_timedelta(["1s", "2min"])})
    assert content_hash(waits) != content_hash(waits * 2)
    nested = pd.DataFrame({"x": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]))
    assert content_hash(nested) != content_hash(nested.iloc[::-1])
    pictures = pd.DataFrame({"image": [np.zeros((2, 2), "u1"), np.ones((2, 2), "u1")]})
    assert content_hash(pictures) != content_hash(pictures.iloc[::-1].reset_index(drop=True))
    assert content_hash(pd.Series([1], name="x")) == content_hash(pd.DataFrame({"x": [1]}))


# --- what is recorded -------------------------------------------------------------------------


def test_a_block_is_recorded_in_one_readable_line(log, tmp_path):
    raw = write(tmp_path / "data" / "raw.csv", "b,a")
    with step("sort", inputs=raw, parameters={"by": "name"}, log=log, person="ana") as sort:
        made = sort.output(log.parent / "sorted.csv")
        made.write_text("a,b")
        time.sleep(0.01)
    (line,) = lines(log)
    assert log.read_bytes().endswith(b"}\n")
    assert list(line) == [
        "run", "step", "status", "why", "at", "duration_s", "person", "inputs", "outputs",
        "parameters", "code", "environment",
    ]  # fmt: skip
    assert line == sort.record
    assert (line["step"], line["status"], line["why"], line["person"]) == (
        "sort",
        "done",
        "",
        "ana",
    )
    sha = hashlib.sha256
    assert line["inputs"] == [
        {"name": "raw.csv", "kind": "file", "path": "../data/raw.csv",
         "sha256": sha(b"b,a").hexdigest(), "bytes": 3}
    ]  # fmt: skip
    assert line["outputs"][0]["path"] == "sorted.csv"
    assert line["outputs"][0]["sha256"] == sha(b"a,b").hexdigest()
    assert line["parameters"] == {"by": "name"}
    assert line["duration_s"] >= 0.01
    at = datetime.datetime.fromisoformat(line["at"])
    assert abs(datetime.datetime.now(datetime.UTC) - at) < datetime.timedelta(minutes=5)
    assert line["environment"]["python"] == sys.version.split()[0]
    assert line["environment"]["numpy"] == np.__version__
    assert repr(sort).startswith("sort: 1 input, 1 output, ")


def test_steps_hand_on_artifacts_tables_and_names(log, tmp_path):
    with step("load", log=log) as load:
        load.output(pd.DataFrame({"x": [1]}), name="items")
    with step("fit", inputs=load.outputs, log=log) as fit:
        fit.output(np.zeros(2), name="weights")
        fit.input(b"prior", name="prior")
    assert [i["name"] for i in lines(log)[1]["inputs"]] == ["items", "prior"]
    assert lines(log)[1]["inputs"][0]["sha256"] == lines(log)[0]["outputs"][0]["sha256"]
    assert repr(fit.outputs[0]).startswith("weights (array, SHA-256 ")
    assert "path" not in lines(log)[0]["outputs"][0]


def test_an_artifact_that_changed_since_is_refused(log, tmp_path):
    with step("write", log=log) as first:
        made = first.output(tmp_path / "x")
        made.write_text("one")
    made.write_text("two")
    with pytest.raises(LineageError, match=r"x is no longer what was recorded"):
        lineage.record("read", inputs=first.outputs, log=log)
    assert len(lines(log)) == 1


def test_a_folder_is_one_input(log, tmp_path):
    fill(tmp_path / "clips", {"a": b"1", "b/c": b"22"})
    line = lineage.record("features", inputs={"clips": tmp_path / "clips"}, log=log)
    assert line["inputs"][0] == {
        "name": "clips", "kind": "folder", "path": "../clips", "bytes": 3,
        "sha256": content_hash(tmp_path / "clips"),
    }  # fmt: skip


def test_a_folder_that_holds_the_log_is_refused(log):
    with pytest.raises(LineageError, match=r"lineage.jsonl lies inside of .*work, so that each"):
        lineage.record("look", inputs=log.parent.parent / "work", log=log)


def test_a_decorated_function_is_a_run_for_each_call(log, tmp_path):
    raw = write(tmp_path / "raw.txt", "abc")

    @step("shout", log=log, person="ana", parameters={"version": 2})
    def shout(text: Path, out: Path, *, mark="!", times=1):
        """Make it louder."""
        out.write_text(text.read_text() + mark * times)
        return out

    assert shout.__doc__ == "Make it louder."
    assert shout(raw, tmp_path / "loud.txt") == tmp_path / "loud.txt"
    shout(raw, tmp_path / "loud.txt", times=3)
    one, two = lines(log)
    assert one["parameters"] == {"version": 2, "mark": "!", "times": 1}
    assert two["parameters"]["times"] == 3
    for line in (one, two):  # the file lay there already the second time
        assert [i["path"] for i in line["inputs"]] == ["../raw.txt"]
        assert [o["path"] for o in line["outputs"]] == ["../loud.txt"]
    assert list(one["code"]["functions"]) == [shout.__wrapped__.__qualname__]
    assert one["run"] != two["run"]


def test_a_decorated_function_may_take_and_give_tables(log):
    @step("double", log=log)
    def double(items, by):
        return items * by, np.array([by])

    both = double(pd.DataFrame({"x": [1]}), 3)
    assert both[0]["x"].tolist() == [3]
    (line,) = lines(log)
    assert [(i["name"], i["kind"]) for i in line["inputs"]] == [("items", "table")]
    assert [o["kind"] for o in line["outputs"]] == ["table", "array"]
    assert line["parameters"] == {"by": 3}

    @step("count", log=log)
    def count(items):
        return len(items)

    with pytest.raises(LineageError, match=r"gave back an int. A recorded function gives back"):
        count(pd.DataFrame({"x": [1]}))
    assert lines(log)[-1]["status"] == "failed"


def test_parameters_are_plain_or_refused_by_name(log, tmp_path):
    given = {
        "n": np.int64(3), "c": np.float32(0.5), "no": None, "flag": np.True_, "list": (1, "a"),
        "array": np.arange(2), "set": {2, 1}, "day": datetime.date(2026, 1, 2),
        "nested": {"alpha": float("nan")}, "loss": len, "noise": tmp_path / "noise.wav",
    }  # fmt: skip
    line = lineage.record("fit", parameters=given, log=log)
    assert line["parameters"] == {
        "n": 3, "c": 0.5, "no": None, "flag": True, "list": [1, "a"], "array": [0, 1],
        "set": [1, 2], "day": "2026-01-02", "nested": {"alpha": "nan"}, "loss": "len",
        "noise": "../noise.wav",
    }  # fmt: skip
    with pytest.raises(LineageError, match=r"parameter 'nested.model' is an object.*get_params"):
        step("fit", parameters={"nested": {"model": object()}}, log=log)
    with pytest.raises(LineageError, match=r"needs a name for what is done, as text; got ''"):
        step("", log=log)


def test_nothing_of_the_environments_variables_gets_into_the_log(log, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "hush-7391")
    monkeypatch.setenv("DATABASE_PASSWORD", "sesame-1288")
    with pytest.raises(ZeroDivisionError), step("fail", log=log, code=write):
        1 / 0  # noqa: B018 - it is to fail
    lineage.record("fit", parameters={"n": 1}, log=log)
    text = log.read_text("utf-8")
    assert "hush-7391" not in text
    assert "sesame-1288" not in text
    assert "API_TOKEN" not in text


def test_the_person_is_the_one_signed_in_or_an_alias(log, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ana.lopez")
    assert lineage.record("a", log=log)["person"] == "ana.lopez"
    assert lineage.record("a", log=log, person="reader 1")["person"] == "reader 1"

    def nobody():
        raise OSError("no user name")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert lineage.record("a", log=log)["person"] == "unknown"


def test_paths_in_ones_home_do_not_tell_the_name(tmp_path, monkeypatch):
    home, project = tmp_path / "home" / "ana.lopez", tmp_path / "home" / "ana.lopez" / "project"
    monkeypatch.setattr(Path, "home", lambda: home)
    cached, beside = write(home / ".cache" / "x", "1"), write(project / "data" / "y", "2")
    foreign = write(tmp_path / "z", "3")
    log = project / "work" / "log.jsonl"
    line = lineage.record("read", inputs=[cached, beside, foreign], log=log, person="reader 1")
    written = [each["path"] for each in line["inputs"]]
    assert written == ["~/.cache/x", "../data/y", foreign.as_posix()]
    assert lineage.verify(log)["state"].tolist() == ["fine"] * 3


# --- code and machine -------------------------------------------------------------------------


def git(folder, *words):
    names = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    done = subprocess.run(
        ["git", "-C", folder, *names, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_the_commit_and_whether_it_is_dirty(tmp_path, log):
    code = write(tmp_path / "code" / "train.py", "def train():\n    return 1\n")
    git(tmp_path / "code", "init", "-q")
    function = load(code)
    assert lineage.record("train", code=function, log=log)["code"]["commit"] is None
    git(tmp_path / "code", "add", ".")
    git(tmp_path / "code", "commit", "-qm", "x")
    clean = lineage.record("train", code=function, log=log)["code"]
    head = git(tmp_path / "code", "rev-parse", "HEAD")
    assert (clean["commit"], clean["dirty"]) == (head, False)
    write(tmp_path / "code" / "results.csv", "not tracked")
    assert lineage.record("train", code=function, log=log)["code"]["dirty"] is False
    code.write_text("def train():\n    return 2\n")
    dirty = lineage.record("train", code=load(code), log=log)["code"]
    assert (dirty["commit"], dirty["dirty"]) == (head, True)
    assert dirty["functions"]["train"] != clean["functions"]["train"]


def load(path):
    import linecache

    linecache.checkcache(str(path))
    names = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    return names["train"]


def test_without_git_the_commit_is_not_known(log, monkeypatch):
    def gone(*args, **kwargs):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", gone)
    line = lineage.record("a", log=log, code=[write, len])
    assert (line["code"]["commit"], line["code"]["dirty"]) == (None, None)
    assert line["code"]["functions"]["len"] is None  # written in C: there is no source


def test_a_functions_hash_is_of_its_source_without_its_decorator(log, tmp_path):
    plain = write(tmp_path / "a.py", "def train(x):\n    return x\n")
    other = "import functools\n\n\n@functools.cache\ndef train(x):\n    return x   \n"
    hashes = [
        lineage.record("t", code=load(path), log=log)["code"]["functions"]["train"]
        for path in (plain, write(tmp_path / "b.py", other))
    ]
    assert hashes[0] == hashes[1] == hashlib.sha256(b"def train(x):\n    return x").hexdigest()


def pipeline(root):
    raw = write(root / "data" / "raw.csv", "b,a")
    log = root / "work" / "lineage.jsonl"
    with step("sort", inputs=raw, parameters={"from": raw}, log=log, person="reader 1") as sort:
        sort.output(root / "work" / "sorted.csv").write_text("a,b")
    lineage.record("look", inputs=[root / "data", pd.DataFrame({"x": [1]})], log=log)
    return log


def test_two_machines_with_different_paths_write_the_same(tmp_path):
    one, two = pipeline(tmp_path / "ana"), pipeline(tmp_path / "a" / "longer way" / "ben")
    keep = ("inputs", "outputs", "parameters")
    first, second = ({k: line[k] for k in keep} for log in (one, two) for line in lines(log)[:1])
    assert first == second
    moved = tmp_path / "moved"
    (tmp_path / "ana").rename(moved)
    states = lineage.verify(moved / "work" / "lineage.jsonl").set_index("artifact")["state"]
    assert states["../data/raw.csv"] == states["sorted.csv"] == "fine"


# --- when something goes wrong ----------------------------------------------------------------


def test_a_step_that_fails_is_recorded_with_its_reason(log, tmp_path):
    divide = step("divide", inputs=b"1", log=log)

    def block():
        with divide:
            divide.output(write(tmp_path / "half", "0.5"))
            divide.output(tmp_path / "never")
            return 1 / 0

    with pytest.raises(ZeroDivisionError):
        block()
    (line,) = lines(log)
    assert (line["status"], line["why"]) == ("failed", "ZeroDivisionError: division by zero")
    assert [o["name"] for o in line["outputs"]] == ["half"]
    assert repr(divide).startswith("divide, failed (ZeroDivisionError: division by zero): 1 input")


def test_an_interrupt_is_recorded_too(log):
    with pytest.raises(KeyboardInterrupt), step("wait", log=log):
        raise KeyboardInterrupt
    assert lines(log)[0]["why"] == "interrupted"


def test_an_output_that_was_not_written_fails_the_step(log, tmp_path):
    with pytest.raises(LineageError, match=r"x.csv is not there. The step 'w' names it as an out"):
        lineage.record("w", outputs=tmp_path / "x.csv", log=log)
    assert lines(log)[0]["status"] == "failed"


def test_an_output_that_was_there_before_and_not_written_fails_the_step(log, tmp_path):
    old = write(tmp_path / "old.csv", "from an earlier day")
    folder = fill(tmp_path / "set", {"a": b"1"})
    for stale in (old, folder):
        words = rf"{stale.name} lay there before the step began, and the step did not write to it"
        with pytest.raises(LineageError, match=words), step("w", log=log) as late:
            late.output(stale)
        with pytest.raises(LineageError, match=words), step("w", outputs=stale, log=log):
            pass
    for line in lines(log):
        assert (line["status"], line["outputs"]) == ("failed", [])
        assert "write it, or name another" in line["why"]
    assert lineage.record("done before", outputs=[old, folder], log=log)["status"] == "done"


def test_an_output_counts_as_written_however_it_came_there(log, tmp_path):
    source = write(tmp_path / "source.csv", "x")
    os.utime(source, (1, 1))
    places = [tmp_path / name for name in ("again", "copied", "moved")]
    for place in places[:2]:
        write(place, "x")
    folder = fill(tmp_path / "set", {"a": b"1", "b": b"2"})
    with step("w", outputs=places[0], log=log) as done:
        write(places[0], "x")  # the same content
        shutil.copy2(source, places[1])  # with the time of its source
        source.rename(places[2])
        (folder / "b").unlink()
        for place in (*places[1:], folder):
            done.output(place)
    assert [each["name"] for each in lines(log)[0]["outputs"]] == [
        "again",
        "copied",
        "moved",
        "set",
    ]


def test_a_disk_with_a_late_clock_makes_no_step_fail(log, tmp_path, monkeypatch):
    late = 10 * 60 * 10**9
    stamp = lineage._content.stamp
    monkeypatch.setattr(lineage._content, "stamp", lambda path: stamp(path) - late)
    monkeypatch.setattr(lineage._step, "_behind", lambda path: late)
    with step("w", log=log) as done:
        write(done.output(tmp_path / "x"), "new")
    assert lines(log)[0]["status"] == "done"
    with pytest.raises(LineageError, match="lay there before"), step("w", log=log) as stale:
        stale.output(tmp_path / "x")


def test_an_input_that_is_not_there_stops_the_step_before_it_begins(log, tmp_path):
    with pytest.raises(LineageError, match=r"step\(\): .*x.csv is not there"):
        step("r", inputs=tmp_path / "x.csv", log=log).__enter__()
    assert runs(log).empty


def test_an_input_that_changes_meanwhile_fails_the_step(log, tmp_path):
    raw = write(tmp_path / "raw", "1")
    changed = pytest.raises(LineageError, match=r"its input .*(raw|many) changed while it ran")
    with changed, step("r", inputs=raw, log=log):
        raw.write_text("22")
    assert lines(log)[0]["status"] == "failed"
    folder = fill(tmp_path / "many", {"a": b"1"})
    with changed, step("r", inputs=folder, log=log):
        (folder / "b").write_text("new")
    with step("edit in place", inputs=[raw, folder], log=log) as edit:
        edit.output(raw).write_text("333")
        edit.output(folder / "b").write_text("4")
    assert lines(log)[-1]["status"] == "done"


def test_a_step_is_used_once(log):
    once = step("a", log=log)
    assert repr(once) == "The step 'a', not recorded yet."
    with once:
        pass
    with pytest.raises(LineageError, match="'a' has begun already; make a step for each"), once:
        pass


def test_what_comes_out_as_it_went_in_would_be_its_own_source(log, tmp_path):
    raw = write(tmp_path / "x", "same")
    with pytest.raises(LineageError, match=r"x comes out as it went in.*its own source"):
        lineage.record("clean", inputs=raw, outputs=raw, log=log)
    assert lines(log)[0]["status"] == "failed"
    copy = write(tmp_path / "copy", "same")
    assert lineage.record("copy", inputs=raw, outputs=copy, log=log)["status"] == "done"
    table = pd.DataFrame({"x": [1]})
    line = lineage.record("drop nothing", inputs=table, outputs=table, log=log)
    assert line["status"] == "done"  # in memory there is no place that it would take


def test_a_way_round_over_several_steps_is_refused(log, tmp_path):
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    write(one, "plain")
    lineage.record("pack", inputs=one, outputs=write(two, "packed"), log=log)
    lineage.record("sign", inputs=two, outputs=write(three, "signed"), log=log)
    one.unlink()
    with pytest.raises(LineageError, match=r"one comes out as it was when the inputs .* own sour"):
        lineage.record("unpack", inputs=three, outputs=write(one, "plain"), log=log)
    write(one, "plain, second edition")  # another content is another version
    lineage.record("unpack", inputs=three, outputs=one, log=log)
    lineage.record("unpack", inputs=three, outputs=write(tmp_path / "back", "plain"), log=log)
    assert [line["status"] for line in lines(log)] == ["done", "done", "failed", "done", "done"]
    assert len(lineage.trace(one, log=log).runs) == 3


def test_a_step_run_again_is_no_circle(log, tmp_path):
    for _ in range(3):
        raw, made = write(tmp_path / "raw", "1"), write(tmp_path / "made", "2")
        lineage.record("make", inputs=raw, outputs=made, log=log)
    trace = lineage.trace(tmp_path / "made", log=log)
    assert (trace.steps, trace.n) == (1, 1)
    assert trace.table["run"].iloc[0] == lines(log)[-1]["run"]


# --- the log ----------------------------------------------------------------------------------


def test_a_torn_last_line_is_told_and_skipped_and_the_next_one_whole(log):
    for n in range(3):
        lineage.record(f"step {n}", log=log, parameters={"text": "größer\u2028\nneu"})
    whole = log.read_bytes()
    for cut in (len(whole) - 2, len(whole) - 200, whole.index(b"\n", len(whole) // 2) + 1):
        log.write_bytes(whole[:cut])
        torn = whole[:cut].count(b"\n") < 3 and not whole[:cut].endswith(b"\n")
        if torn:
            with pytest.warns(LineageWarning, match=r"line 3 is no whole record .* 2 records st"):
                assert runs(log)["step"].tolist() == ["step 0", "step 1"]
        lineage.record("after", log=log)
        with pytest.warns(LineageWarning, match="line 3") if torn else nothing():
            assert runs(log)["step"].tolist() == ["step 0", "step 1", "after"]


def nothing():
    import contextlib

    return contextlib.nullcontext()


@FEW
@given(cut=st.integers(0, 10_000))
def test_wherever_it_is_cut_the_lines_before_stand(tmp_path, cut):
    log = tmp_path / "log.jsonl"
    if not log.exists():
        for n in range(4):
            lineage.record(f"step {n}", log=log, person="Zoë")
    whole = log.read_bytes()
    other = tmp_path / "cut.jsonl"
    other.write_bytes(whole[: cut % len(whole)])
    full = other.read_bytes().count(b"\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *args, **kwargs: None)
        found = runs(other)["step"].tolist()
    assert found[:full] == [f"step {n}" for n in range(full)]
    assert len(found) <= full + 1


def test_a_line_that_is_no_record_is_told_with_its_number_where_runs_was_called(log):
    lineage.record("one", log=log)
    with log.open("a") as file:
        file.write('{"step": "no hash"}\n[1, 2]\n"text"\nnot json\n\n')
    lineage.record("two", log=log)
    with pytest.warns(LineageWarning, match=r"4 lines, 2, 3, 4 and others are no whole") as told:
        assert runs(log)["step"].tolist() == ["one", "two"]
    assert told[0].filename == __file__


def test_no_log_is_told(tmp_path):
    with pytest.raises(LineageError, match=r"runs\(\): there is no log at .*lineage.step"):
        runs(tmp_path / "no.jsonl")
    with pytest.raises(LineageError, match=r"is a folder; name a file in it: log='.*lineage.jso"):
        lineage.record("a", log=tmp_path)


def test_names_that_are_no_text_do_no_harm(log, tmp_path):
    if os.name == "nt" or sys.platform == "darwin":
        pytest.skip("names are text here")
    raw = write(tmp_path / os.fsdecode(b"caf\xe9.txt"), "1")
    lineage.record("read", inputs=[raw, write(tmp_path / "data" / raw.name, "2").parent], log=log)
    assert lineage.verify(log)["state"].tolist() == ["fine", "fine"]
    assert lineage.trace(raw, log=log).table["path"].tolist() == [str(raw)]


WRITER = """
import sys
from mlkit import lineage
log, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
lineage._about.code = lambda functions: {"commit": None, "dirty": None, "functions": {}}
for n in range(count):
    text = name * (1 + 4000 * (n % 3))  # also lines beyond one page
    line = lineage.record(f"{name} {n}", parameters={"text": text}, log=log)
    print(line["run"], flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_two_processes_lose_nothing_though_one_is_killed(log):
    command = [sys.executable, "-c", WRITER, str(log)]
    one = subprocess.Popen([*command, "one", "5000"], stdout=subprocess.PIPE)
    two = subprocess.Popen([*command, "two", "120"], stdout=subprocess.PIPE)
    try:
        told = [one.stdout.readline() for _ in range(60)]
        one.send_signal(signal.SIGKILL)
        told += one.stdout.read().splitlines()
        lived = two.stdout.read().split()
        assert two.wait(60) == 0
    finally:
        for process in (one, two):
            process.kill()
            process.wait()
            process.stdout.close()
    with pytest.MonkeyPatch.context() as patch:
        warned = []
        patch.setattr("warnings.warn", lambda text, *args, **kwargs: warned.append(text))
        found = runs(log)
    assert len(warned) <= 1  # the line that the kill cut, if it did
    assert len(lived) == 120
    acknowledged = {word.strip().decode() for word in [*told, *lived] if len(word.strip()) == 16}
    assert acknowledged <= set(found["run"])
    assert found["run"].is_unique
    assert 0 <= len(found) - len(acknowledged) <= 1
    assert [n for n in found["step"] if n.startswith("two")] == [f"two {n}" for n in range(120)]


def test_one_waits_for_another_and_says_so_in_the_end(log, monkeypatch):
    lineage.record("first", log=log)
    monkeypatch.setattr("mlkit.lineage._log._WAIT_S", 0.05)
    waited = pytest.raises(LineageError, match=r"waited 0 s for .*, which another program holds")
    with _files.alone(log, busy=RuntimeError()), waited:
        lineage.record("second", log=log)
    lineage.record("third", log=log)
    assert runs(log)["step"].tolist() == ["first", "third"]


@pytest.fixture
def public():
    """A folder that another user can get to, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="mlkit-public-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


READ_ONLY = """
import os, sys
from mlkit import lineage
os.setuid(65534) if os.getuid() == 0 else None
try:
    with lineage.step("a", log=sys.argv[1]):
        print("the block ran")
except lineage.LineageError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_read_only_folder_is_told_in_words_before_the_work_begins(public):
    folder = public / "shared"
    folder.mkdir()
    folder.chmod(0o555)
    for name in ("log.jsonl", "new/log.jsonl"):
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(folder / name)],
            capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        assert done.stdout.startswith(
            f"lineage.step() cannot write the log {folder / name}: Permission"
        )
        assert done.stdout.strip().endswith("Give log= a file in a folder that you may write to.")


def test_a_full_disk_is_told_and_a_failing_step_keeps_its_own_error(log, monkeypatch):
    lineage.record("first", log=log)

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mlkit.lineage._log.os.fsync", full)
    with pytest.raises(LineageError, match=r"cannot write the log .*: No space left on device"):
        lineage.record("second", log=log)
    with pytest.raises(ZeroDivisionError) as caught, step("third", log=log):
        1 / 0  # noqa: B018 - it is to fail
    assert "No space left" in caught.value.__notes__[0]


def test_runs_is_a_table_and_a_log_of_its_own(log, tmp_path):
    table = runs(pipeline(tmp_path / "p"))
    assert table["at"].dt.tz is not None
    assert runs(table).equals(table)
    failed = table.assign(status="failed")
    assert runs(failed)["status"].unique().tolist() == ["failed"]
    with pytest.raises(ValueError, match=r"trace\(\) needs the columns run, step"):
        lineage.trace("x", log=pd.DataFrame({"run": []}))


def test_nothing_heavy_is_imported_with_it():
    program = "import sys; from mlkit import lineage; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False"
