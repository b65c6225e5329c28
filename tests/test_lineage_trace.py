"""What came from what: forwards, backwards, drawn, compared and verified."""

import hashlib
import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlkit import augment, lineage
from mlkit.lineage import LineageError, diff, downstream, record, trace, verify

FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def sha(text):
    return hashlib.sha256(str(text).encode()).hexdigest()


def thing(name, content=None, *, kind="file", memory=False):
    found = {
        "name": Path(name).name,
        "kind": kind,
        "sha256": sha(name if content is None else content),
    }
    return found if memory else {**found, "path": name}


def line(number, inputs, outputs, *, step=None, status="done", at=True):
    return {
        "run": sha(f"run {number}")[:16], "step": step or f"step {number}", "status": status,
        "why": "" if status == "done" else "it broke",
        "at": f"2026-01-01T{number // 60 % 24:02}:{number % 60:02}:00+00:00" if at else None,
        "duration_s": 1.0 if at else None, "person": "ana", "inputs": inputs, "outputs": outputs,
        "parameters": {}, "code": {}, "environment": {},
    }  # fmt: skip


def put(log, rows):
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return log


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def spam(tmp_path):
    """Messages marked by a list of addresses, a model of them, and what it says."""
    log, work = tmp_path / "work" / "log.jsonl", tmp_path / "work"
    raw = write(tmp_path / "data" / "messages.csv", "messages")
    addresses = write(tmp_path / "data" / "blacklist.txt", "addresses")
    clean, labels = work / "clean.csv", work / "labels.csv"
    record("clean", inputs=raw, outputs=write(clean, "clean"), log=log, person="ana")
    record("mark", inputs=[clean, addresses], outputs=write(labels, "labels"), log=log)
    record("train", inputs=[clean, labels], outputs=write(work / "model", "m"), log=log)
    record("count", inputs=clean, outputs=write(work / "counts.csv", "counts"), log=log)
    record("report", inputs=work / "model", outputs=write(work / "report.html", "r"), log=log)
    return tmp_path


# --- back and forth ---------------------------------------------------------------------------


def test_a_file_is_traced_to_its_sources(spam):
    found = trace(spam / "work" / "report.html", log=spam / "work" / "log.jsonl")
    assert repr(found) == (
        "report.html came from 2 sources (../data/blacklist.txt, ../data/messages.csv) through "
        "4 runs."
    )
    table = found.table.set_index("artifact")
    assert table["role"].to_dict() == {
        "report.html": "asked", "model": "between", "clean.csv": "between",
        "labels.csv": "between", "../data/blacklist.txt": "source",
        "../data/messages.csv": "source",
    }  # fmt: skip
    assert table["depth"].to_dict() == {
        "report.html": 0, "model": 1, "clean.csv": 2, "labels.csv": 2,
        "../data/blacklist.txt": 3, "../data/messages.csv": 3,
    }  # fmt: skip
    assert table.loc["labels.csv", ["step", "status", "made_from"]].tolist() == [
        "mark", "done", "clean.csv, ../data/blacklist.txt",
    ]  # fmt: skip
    assert table.loc["clean.csv", "person"] == "ana"
    assert found.table["at"].dt.tz is not None
    assert found.runs["step"].tolist() == ["clean", "mark", "train", "report"]
    assert (found.n, found.steps, found.direction) == (5, 4, "back")


def test_what_came_from_a_wrong_source_is_found_also_after_it_was_mended(spam):
    log = spam / "work" / "log.jsonl"
    for _ in range(2):
        found = downstream(spam / "data" / "blacklist.txt", log=log)
        assert set(found.table["artifact"]) == {
            "../data/blacklist.txt", "labels.csv", "model", "report.html",
        }  # fmt: skip
        assert found.table.set_index("artifact").loc["report.html", "role"] == "end"
        write(spam / "data" / "blacklist.txt", "mended")
    assert repr(found) == (
        "3 artifacts came from ../data/blacklist.txt through 3 runs, in the end report.html."
    )
    (spam / "data" / "blacklist.txt").unlink()
    assert len(downstream(spam / "data" / "blacklist.txt", log=log).table) == 4
    record("mark", inputs=write(spam / "data" / "blacklist.txt", "mended"),
           outputs=write(spam / "work" / "labels.csv", "right"), log=log)  # fmt: skip
    fresh = downstream(sha("mended")[:12], log=log)  # this version alone
    assert fresh.table["artifact"].tolist() == ["../data/blacklist.txt", "labels.csv"]


def test_a_copy_of_a_wrong_source_is_wrong_and_so_is_what_lies_in_a_wrong_folder(spam):
    log = spam / "work" / "log.jsonl"
    copy = write(spam / "elsewhere" / "list.txt", "addresses")
    record("also", inputs=copy, outputs=write(spam / "work" / "also.csv", "also"), log=log)
    assert "also.csv" in set(downstream(spam / "data" / "blacklist.txt", log=log).table["artifact"])
    assert {"clean.csv", "counts.csv", "labels.csv"} <= set(
        downstream(spam / "data", log=log).table["artifact"]
    )


def test_nothing_came_of_it(spam):
    log = spam / "work" / "log.jsonl"
    found = downstream(spam / "work" / "report.html", log=log)
    assert (repr(found), found.n) == ("Nothing in the log came from report.html.", 0)
    source = trace(spam / "data" / "messages.csv", log=log)
    assert repr(source) == "../data/messages.csv is a source: no run in the log made it."
    assert (source.steps, len(source.table)) == (0, 1)


def test_what_the_log_does_not_know_is_said(spam):
    log = spam / "work" / "log.jsonl"
    write(spam / "work" / "model", "by hand")
    with pytest.raises(
        LineageError, match=r"model has changed since .* by its hash: '62c66a7a5dd7'"
    ):
        trace(spam / "work" / "model", log=log)
    assert trace("62c66a7a5dd7", log=log).steps == 3
    with pytest.raises(LineageError, match=r"trace\(\): .*nowhere is not there, and the log does"):
        trace(spam / "nowhere", log=log)
    stranger = write(spam / "stranger", "?")
    for function in (trace, downstream):
        with pytest.raises(
            LineageError, match=r"does not know .*stranger: no run .* another log\?"
        ):
            function(stranger, log=log)
    with pytest.raises(LineageError, match="no content in the log begins with 0123456789"):
        trace("0123456789", log=log)


def test_a_file_that_is_gone_is_traced_by_what_was_recorded_there(spam):
    (spam / "work" / "report.html").unlink()
    assert trace(spam / "work" / "report.html", log=spam / "work" / "log.jsonl").steps == 4


def test_only_a_run_before_can_have_made_it(tmp_path):
    x = thing("x", "same")
    rows = [line(0, [x], [thing("y")]), line(1, [thing("y")], [x]), line(2, [x], [thing("z")])]
    log = put(tmp_path / "log.jsonl", rows)
    assert trace(sha("y"), log=log).table["artifact"].tolist() == ["y", "x"]
    assert trace(sha("z"), log=log).steps == 3


def test_of_several_that_made_it_the_one_in_its_place_and_the_last_counts(tmp_path):
    rows = [
        line(0, [thing("a")], [thing("one", "same")]),
        line(1, [thing("b")], [thing("two", "same")]),
        line(2, [thing("c")], [thing("two", "same")]),
        line(3, [thing("one", "same")], [thing("x")]),
        line(4, [thing("three", "same")], [thing("y")]),
        line(5, [thing("d")], [thing("two", "same")]),
    ]
    log = put(tmp_path / "log.jsonl", rows)
    assert trace(sha("x"), log=log).table["artifact"].tolist() == ["x", "one", "a"]
    assert trace(sha("y"), log=log).table["artifact"].tolist() == ["y", "two", "c"]


def test_a_failed_run_counts_only_where_nothing_else_made_it_and_is_named(tmp_path):
    rows = [
        line(0, [thing("a")], [thing("x")]),
        line(1, [thing("b")], [thing("x")], status="failed"),
        line(2, [thing("c")], [thing("y")], status="failed"),
    ]
    log = put(tmp_path / "log.jsonl", rows)
    assert trace(sha("x"), log=log).table["artifact"].tolist() == ["x", "a"]
    found = trace(sha("y"), log=log)
    assert found.table["status"].tolist() == ["failed", ""]
    assert repr(found).endswith("1 artifact of a failed run among them.")


def test_folders_and_their_files_are_linked_by_place(tmp_path):
    rows = [
        line(0, [thing("raw")], [thing("set/a")]),
        line(1, [thing("raw")], [thing("set/deep/b")]),
        line(2, [thing("other")], [thing("settings/c")]),
        line(3, [thing("set", "both", kind="folder")], [thing("model")]),
        line(4, [thing("later")], [thing("set/late")]),
        line(5, [thing("zip")], [thing("unpacked", kind="folder")]),
        line(6, [thing("unpacked/one")], [thing("seen")]),
    ]
    log = put(tmp_path / "log.jsonl", rows)
    found = trace(sha("model"), log=log)
    assert set(found.table["artifact"]) == {"model", "set", "set/a", "set/deep/b", "raw"}
    assert found.table.set_index("artifact").loc["set", "made_from"] == "set/a, set/deep/b"
    assert "model" in set(downstream(sha("raw"), log=log).table["artifact"])
    assert "model" not in set(downstream(sha("later"), log=log).table["artifact"])
    assert trace(sha("seen"), log=log).table["artifact"].tolist()[-1] == "zip"
    assert "seen" in set(downstream(sha("zip"), log=log).table["artifact"])


def test_a_file_is_found_by_its_folder_that_was_read_or_made_as_a_whole(tmp_path):
    log = tmp_path / "log.jsonl"
    for name in ("raw/deep/a", "raw/b", "raws/c", "made/d"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    record("make", inputs=tmp_path / "raw", outputs=tmp_path / "made", log=log)
    record("train", inputs=tmp_path / "made", outputs={"model": b"m"}, log=log)
    found = trace(tmp_path / "raw/deep/a", log=log)
    assert found.table[["artifact", "role"]].iloc[-1].tolist() == ["raw", "source"]
    assert repr(found).endswith(
        "raw/deep/a lies in raw and is a source: no run in the log made it."
    )
    after = downstream(tmp_path / "raw/deep/a", log=log)
    assert set(after.table["artifact"][after.table["role"] != "asked"]) == {"made", "model"}
    assert "came from 1 source (raw) through 1 run" in repr(trace(tmp_path / "made/d", log=log))
    assert downstream(tmp_path / "made/d", log=log).table["artifact"].tolist()[-1] == "model"
    for ask in (trace, downstream):
        with pytest.raises(LineageError, match="the log does not know"):
            ask(tmp_path / "raws/c", log=log)


# --- laws -------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 12), max_size=3),
        st.lists(st.integers(0, 12), min_size=1, max_size=2),
        st.booleans(),
    ),
    min_size=1,
    max_size=10,
)


def rows_of(steps):
    return [
        line(n, [thing(f"f{i}") for i in ins], [thing(f"f{o}") for o in outs],
             status="done" if done else "failed")
        for n, (ins, outs, done) in enumerate(steps)
    ]  # fmt: skip


def naive(steps, content):
    """Runs behind a content, by looking for the last maker before, one by one."""
    found, todo = set(), [(content, len(steps))]
    while todo:
        wanted, before = todo.pop()
        makers = [n for n in range(before) if wanted in steps[n][1]]
        makers = [n for n in makers if steps[n][2]] or makers
        if makers and makers[-1] not in found:
            found.add(makers[-1])
            todo += [(each, makers[-1]) for each in steps[makers[-1]][0]]
    return found


@FEW
@given(steps=STEPS)
def test_a_trace_is_that_of_looking_one_by_one_and_the_trace_of_a_trace_is_itself(tmp_path, steps):
    log = put(tmp_path / "log.jsonl", rows_of(steps))
    for content in {each for _, outs, _ in steps for each in outs}:
        found = trace(sha(f"f{content}"), log=log)
        runs = {sha(f"run {n}")[:16] for n in naive(steps, content)}
        assert set(found.runs["run"]) == runs
        again = trace(sha(f"f{content}"), log=found.runs)
        pd.testing.assert_frame_equal(again.table, found.table)
        assert repr(again) == repr(found)
        assert again.runs.equals(found.runs)


@FEW
@given(steps=STEPS)
def test_what_stands_in_a_trace_has_the_asked_one_downstream(tmp_path, steps):
    # Each content made once: then both directions tell the same.
    once = [(ins, [n + 20], done) for n, (ins, _, done) in enumerate(steps)]
    once = [
        ([i + 20 if i < n else i for i in ins], outs, d) for n, (ins, outs, d) in enumerate(once)
    ]
    log = put(tmp_path / "log.jsonl", rows_of(once))
    known = {each for ins, outs, _ in once for each in [*ins, *outs]}
    back = {a: set(trace(sha(f"f{a}"), log=log).table["sha256"]) for a in known}
    forth = {a: set(downstream(sha(f"f{a}"), log=log).table["sha256"]) for a in known}
    for a in known:
        for b in known:
            assert (sha(f"f{a}") in back[b]) == (sha(f"f{b}") in forth[a])
        for inside in back[a]:  # nothing further behind what stands in it
            other = next(b for b in known if sha(f"f{b}") == inside)
            assert back[other] <= back[a]


def test_long_and_wide_logs_are_followed_to_their_end(tmp_path):
    chain = [line(n, [thing(f"f{n}")], [thing(f"f{n + 1}")]) for n in range(5000)]
    found = trace(sha("f5000"), log=put(tmp_path / "chain.jsonl", chain))
    assert (found.steps, found.table["depth"].max()) == (5000, 5000)
    wide = [line(0, [thing("raw")], [thing(f"f{n}") for n in range(5000)])]
    wide.append(line(1, [thing(f"f{n}") for n in range(5000)], [thing("all")]))
    log = put(tmp_path / "wide.jsonl", wide)
    assert (trace(sha("all"), log=log).n, downstream(sha("raw"), log=log).n) == (5001, 5001)


def test_a_circle_in_logs_put_together_by_hand_is_refused(tmp_path):
    rows = [line(0, [thing("a")], [thing("b")], at=False, step="there"),
            line(1, [thing("b")], [thing("a")], at=False, step="back")]  # fmt: skip
    log = put(tmp_path / "log.jsonl", rows)
    for function in (trace, downstream):
        with pytest.raises(
            LineageError, match=r"circle through the steps (there, back|back, there)"
        ):
            function(sha("a"), log=log)


def test_several_logs_are_read_by_time_each_in_the_order_of_its_lines(tmp_path):
    one = [line(1, [thing("raw")], [thing("a")]), line(0, [thing("a")], [thing("b")])]
    two = [line(5, [thing("b")], [thing("c")]), line(9, [thing("c")], [thing("a")])]
    logs = [put(tmp_path / "one.jsonl", one), put(tmp_path / "two.jsonl", two)]
    for order in (logs, logs[::-1]):
        assert lineage.runs(order)["run"].tolist() == [row["run"] for row in [*one, *two]]
        assert trace(sha("c"), log=order).steps == 3
    assert lineage.runs([lineage.runs(logs[0]), logs[1]])["step"].tolist() == [
        "step 1", "step 0", "step 5", "step 9",
    ]  # fmt: skip


# --- an augmentation batch --------------------------------------------------------------------


def test_a_batchs_manifest_reads_as_runs(tmp_path):
    import soundfile

    from mlkit.augment import audio

    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("a", "b"):
        noise = np.random.default_rng(ord(name)).normal(0, 0.1, 2000)
        soundfile.write(clips / f"{name}.wav", noise, 8000)
    log = tmp_path / "work" / "log.jsonl"
    items = pd.DataFrame({"item": ["a", "b"], "path": [str(clips / f"{n}.wav") for n in "ab"]})
    record("record", parameters={"speaker": "me"}, outputs=list(items["path"]), log=log)
    quiet = [(audio.change_gain, {"gain_db": (-9, -3)}, 1.0)]
    folder = tmp_path / "work" / "batch"
    augment.batch.write(items, folder, pipeline=quiet, copies=2, progress=False)
    made = augment.batch.manifest(folder)
    rows = lineage.runs(folder)
    assert rows["step"].tolist() == ["augment"] * 4
    assert [o[0]["sha256"] for o in rows["outputs"]] == made["output_sha256"].tolist()
    assert [i[0]["sha256"] for i in rows["inputs"]] == made["source_sha256"].tolist()
    assert [p["steps"] for p in rows["parameters"]] == made["steps"].tolist()
    assert rows["environment"].tolist() == made["versions"].tolist()
    assert verify(folder)["state"].unique().tolist() == ["fine"]
    record("features", inputs=folder, outputs=write(tmp_path / "work" / "f.npy", "f"), log=log)
    found = trace(tmp_path / "work" / "f.npy", log=[log, folder])
    assert found.runs["step"].value_counts().to_dict() == {"augment": 4, "record": 1, "features": 1}
    copy = trace(folder / "a-1.wav", log=[log, folder])
    assert copy.table["artifact"].tolist() == ["a-1.wav", "../clips/a.wav"]
    again = trace(tmp_path / "work" / "f.npy", log=found.runs)
    pd.testing.assert_frame_equal(again.table, found.table)
    wrong = downstream(clips / "a.wav", log=[log, folder]).table
    assert set(wrong["artifact"]) == {"../clips/a.wav", "a-1.wav", "a-2.wav", "batch", "f.npy"}


# --- drawn ------------------------------------------------------------------------------------


def chain(length):
    return [line(n, [thing(f"f{n}")], [thing(f"f{n + 1}")]) for n in range(length)]


def net(size, seed=0):
    rng = np.random.default_rng(seed)
    return [
        line(n, [thing(f"f{i}") for i in set(rng.integers(0, n + 1, 2).tolist())],
             [thing(f"f{n + 1}")], step=f"a step with a long name {n % 4}")
        for n in range(size)
    ]  # fmt: skip


def fan(width):
    rows = [line(n, [thing(f"raw{n}")], [thing(f"f{n}")], step="resample") for n in range(width)]
    return [*rows, line(width, [thing(f"f{n}") for n in range(width)], [thing("all")], step="fit")]


CASES = {
    "one": (chain(1), "f1"), "chain": (chain(14), "f14"), "long": (chain(400), "f400"),
    "net": (net(9), "f9"), "wide net": (net(60, 1), "f60"), "fan": (fan(3), "all"),
    "wide fan": (fan(3000), "all"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("back", [True, False], ids=["back", "forth"])
def test_a_drawing_is_readable(tmp_path, name, back):
    rows, asked = CASES[name]
    log = put(tmp_path / "log.jsonl", rows)
    start = "raw0" if "fan" in name else "f0"
    found = trace(sha(asked), log=log) if back else downstream(sha(start), log=log)
    drawing = found.drawing()
    ax = found.plot()
    figure = ax.get_figure()
    figure.draw_without_rendering()
    assert figure.get_size_inches()[0] <= 10.5
    boxes = [p for p in ax.patches if p.get_label() in ("step", "artifact")]
    assert len(boxes) == len(drawing.boxes) <= 30
    if len(found.table) + found.steps <= 20:
        assert len(boxes) == len(found.table) + found.steps
    extents = [box.get_window_extent() for box in boxes]
    for n, one in enumerate(extents):
        assert not any(one.overlaps(other) for other in extents[n + 1 :])
    for text in ax.texts:  # each word lies within one box
        inside = text.get_window_extent()
        assert any(
            box.x0 <= inside.x0
            and inside.x1 <= box.x1
            and box.y0 <= inside.y0
            and inside.y1 <= box.y1
            for box in extents
        ), text.get_text()
    assert figure.get_label().startswith(repr(found))
    assert " From left to right: " in figure.get_label()


@pytest.mark.parametrize("name", ["chain", "net", "wide net", "fan"])
def test_arrows_lead_to_the_right_and_behind_no_box(tmp_path, name):
    rows, asked = CASES[name]
    found = trace(sha(asked), log=put(tmp_path / "log.jsonl", rows))
    drawing = found.drawing()
    assert all(drawing.boxes[a].column < drawing.boxes[b].column for a, b in drawing.arrows)
    ax = found.plot()
    ax.get_figure().draw_without_rendering()
    arrows = [p for p in ax.patches if p.get_label() not in ("step", "artifact")]
    boxes = [
        p.get_window_extent().padded(-1)
        for p in ax.patches
        if p.get_label() in ("step", "artifact")
    ]
    assert len(arrows) == len(drawing.arrows)
    for arrow in arrows:
        way = ax.transData.transform(arrow._path_original.vertices)
        for (x1, y1), (x2, y2) in pairwise(way):
            for share in np.linspace(0.02, 0.98, 40):
                x, y = x1 + share * (x2 - x1), y1 + share * (y2 - y1)
                assert not any(box.contains(x, y) for box in boxes)


def test_thousands_are_told_in_a_box_and_what_is_far_in_one(tmp_path):
    found = trace(sha("all"), log=put(tmp_path / "fan.jsonl", fan(3000)))
    words = {(box.name, box.below) for box in found.drawing().boxes.values()}
    assert {("resample", "3,000 runs"), ("f0 …", "3,000 artifacts")} <= words
    assert ("raw0 …", "3,000 artifacts") in words
    found = trace(sha("f400"), log=put(tmp_path / "chain.jsonl", chain(400)))
    first = min(found.drawing().boxes.values(), key=lambda box: box.column)
    runs = [box for box in found.drawing().boxes.values() if box.step and box.role == "run"]
    assert (first.name, first.below) == (f"{400 - len(runs)} runs", "before")
    assert len(runs) >= 8
    after = downstream(sha("f0"), log=tmp_path / "chain.jsonl").drawing().boxes.values()
    assert max(after, key=lambda box: box.column).below == "after"


def test_shape_and_words_tell_what_colour_does(tmp_path):
    rows = [line(0, [thing("$raw$ <b>")], [thing("x")], status="failed")]
    found = trace(sha("x"), log=put(tmp_path / "log.jsonl", rows))
    ax = found.plot()
    assert {"$raw$ <b>", "step 0", "x", "failed"} <= {text.get_text() for text in ax.texts}
    looks = {p.get_label(): p for p in ax.patches}
    assert (
        looks["step"].get_boxstyle().rounding_size > looks["artifact"].get_boxstyle().rounding_size
    )
    assert looks["step"].get_linestyle() == "--"
    assert "&lt;b&gt;" in found._repr_html_()
    assert found._repr_html_().startswith(f"<p>{repr(found).replace('<b>', '&lt;b&gt;')}</p>")


def test_it_draws_on_axes_that_are_given(spam):
    from matplotlib.figure import Figure

    ax = Figure(figsize=(12, 3)).add_subplot()
    found = trace(spam / "work" / "model", log=spam / "work" / "log.jsonl")
    assert found.plot(ax=ax) is ax
    assert "labels.csv" in {text.get_text() for text in ax.texts}


def test_the_table_in_a_notebook_is_not_endless(tmp_path):
    html = trace(sha("all"), log=put(tmp_path / "log.jsonl", fan(50)))._repr_html_()
    assert html.count("<tr>") == 41
    assert "<li>61 more rows are in .table.</li>" in html


# --- diff -------------------------------------------------------------------------------------


def fit(log, **changes):
    parameters = {"c": 1.0, "kernel": {"name": "rbf"}, "old": 1}
    inputs = {"train": [1], "dev": [2]}
    known = {"parameters": parameters, "inputs": inputs, "outputs": {"model": [3]}}
    return record(changes.pop("step", "fit"), log=log, **{**known, **changes})


def found_by(log, one, two):
    table = diff(one, two, log=log).query("part != 'code'")
    return [tuple(row) for row in table[["part", "name", "change", "before", "after"]].to_numpy()]


def test_runs_alike_do_not_differ(tmp_path):
    log = tmp_path / "log.jsonl"
    one, two = fit(log), fit(log, person="ben")
    assert found_by(log, one, two) == []
    assert list(diff(one, two, log=log).columns) == ["part", "name", "change", "before", "after"]


def test_each_thing_that_changed_is_named(tmp_path):
    log = tmp_path / "log.jsonl"
    one = fit(log)
    parameters = {"c": 1, "kernel": {"name": "linear"}, "new": "x"}
    inputs = {"train": [1], "test": [2], "extra": [9]}
    two = fit(log, parameters=parameters, inputs=inputs, outputs={"model": [4]})
    short = [lineage.content_hash([n])[:12] for n in (3, 4, 9)]
    assert found_by(log, one, two) == [
        ("parameters", "c", "changed", 1.0, 1),
        ("parameters", "kernel.name", "changed", "rbf", "linear"),
        ("parameters", "old", "removed", 1, None),
        ("parameters", "new", "added", None, "x"),
        ("inputs", "dev", "moved", "dev", "test"),
        ("inputs", "extra", "added", None, short[2]),
        ("outputs", "model", "changed", short[0], short[1]),
    ]
    back = [row[2] for row in found_by(log, two, one)]
    assert sorted(back) == ["added", "changed", "changed", "changed", "moved", "removed", "removed"]


def test_code_and_environment_are_compared(tmp_path):
    a, b = line(0, [], []), line(1, [], [], step="other", status="failed")
    a |= {"code": {"commit": "a1", "dirty": True, "functions": {"fit": "1", "load": "2"}}}
    b |= {"code": {"commit": "a1", "dirty": True, "functions": {"fit": "9"}}}
    a |= {"environment": {"python": "3.11.7", "numpy": "2.4"}}
    b |= {"environment": {"python": "3.12.1", "numpy": "2.4"}}
    log = put(tmp_path / "log.jsonl", [a, b])
    table = diff(a["run"][:6], b["run"], log=log)
    assert table[["part", "name", "change"]].to_numpy().tolist() == [
        ["run", "step", "changed"], ["run", "status", "changed"], ["run", "why", "changed"],
        ["code", "dirty", "unknown"], ["code", "functions.fit", "changed"],
        ["code", "functions.load", "removed"], ["environment", "python", "changed"],
    ]  # fmt: skip
    rows = lineage.runs(log)
    assert diff(rows.iloc[0], rows.iloc[1], log=rows).equals(table)


def test_a_run_that_is_not_there_is_told(tmp_path):
    log = tmp_path / "log.jsonl"
    one, _ = fit(log), fit(log)
    with pytest.raises(
        LineageError, match=r"'fit' is a step with 2 of them; the last are \w{16}, "
    ):
        diff("fit", one, log=log)
    with pytest.raises(LineageError, match=r"no run in the log begins with 'zz'. lineage.runs"):
        diff(one, "zz", log=log)
    with pytest.raises(LineageError, match=r"needs runs by their ids, as text; got 3"):
        diff(one, 3, log=log)
    with pytest.raises(LineageError, match=r"no run in the log begins with ''"):
        diff(lineage.step("a", log=log), one, log=log)


# --- verify -----------------------------------------------------------------------------------


def states(log):
    return verify(log).set_index("artifact")["state"].to_dict()


def test_what_holds_still_and_what_does_not(spam):
    log, work = spam / "work" / "log.jsonl", spam / "work"
    assert set(states(log).values()) == {"fine"}
    write(work / "clean.csv", "by hand")
    (work / "model").unlink()
    (work / "labels.csv").unlink()
    (work / "labels.csv").mkdir()
    found = states(log)
    assert found["clean.csv"] == found["labels.csv"] == "changed"
    assert found["model"] == "missing"
    assert found["counts.csv"] == found["../data/messages.csv"] == "fine"
    row = verify(log).set_index("artifact").loc["clean.csv"]
    assert (row["sha256"], row["found"]) == (sha("clean"), sha("by hand"))
    assert row["step"] == "count"  # the last that relied on it
    behind = verify(trace(spam / "data" / "blacklist.txt", log=log).runs)
    assert behind.empty
    behind = verify(trace(work / "counts.csv", log=log).runs)
    assert behind["artifact"].tolist() == ["../data/messages.csv", "clean.csv", "counts.csv"]


def test_a_later_run_replaces_and_a_failed_one_is_not_trusted(tmp_path):
    log = tmp_path / "log.jsonl"
    for text in ("one", "two"):
        record("write", outputs=write(tmp_path / "x", text), log=log)
    assert verify(log)["state"].tolist() == ["replaced", "fine"]

    def block():
        with lineage.step("fail", log=log) as fails:
            fails.output(write(tmp_path / "y", "half"))
            return 1 / 0

    with pytest.raises(ZeroDivisionError):
        block()
    row = verify(log).set_index("artifact").loc["y"]
    assert (row["state"], row["why"]) == ("not trusted", "ZeroDivisionError: division by zero")
    record("keep", inputs={"table": pd.DataFrame({"a": [1]})}, log=log)
    assert verify(log)["state"].iloc[-1] == "in memory"


def test_an_input_that_was_swapped_between_two_runs_shows(tmp_path):
    log, raw = tmp_path / "log.jsonl", tmp_path / "raw"
    record("first", inputs=write(raw, "one"), log=log)
    record("second", inputs=write(raw, "two"), log=log)
    table = verify(log)
    assert table[["step", "state"]].to_numpy().tolist() == [
        ["first", "changed"],
        ["second", "fine"],
    ]


def test_a_folder_that_cannot_be_read_is_said(tmp_path):
    log, folder = tmp_path / "log.jsonl", tmp_path / "set"
    write(folder / "a", "1")
    record("read", inputs=folder, log=log)
    try:
        (folder / "gone").symlink_to(tmp_path / "nowhere")
    except OSError:
        pytest.skip("links need a right here")
    row = verify(log).iloc[0]
    assert row["state"] == "unreadable"
    assert "gone is no file that can be read" in row["why"]
    shutil.rmtree(folder)
    assert verify(log)["state"].tolist() == ["missing"]
