"""Versions of a data set: kept once, brought back as they were, and told apart."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlkit import lineage
from mlkit.lineage import LineageError, changed, content_hash, restore, snapshot, snapshots

FEW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FOLDERS = st.dictionaries(
    st.sampled_from(["a", "b", "c/a", "c/b", "d/e/f", "ä ö"]), st.binary(max_size=2), max_size=5
)


def fill(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def read(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def objects(store):
    return sorted(path.name for path in (store / "objects").rglob("*") if path.is_file())


# --- kept and brought back --------------------------------------------------------------------


@FEW
@given(versions=st.lists(FOLDERS, min_size=1, max_size=4))
def test_every_version_comes_back_as_it_was_and_each_content_is_kept_once(tmp_path, versions):
    store = tmp_path / "store"
    shutil.rmtree(store, ignore_errors=True)
    ids = []
    for files in versions:
        folder = fill(tmp_path / "data", files)
        ids.append(snapshot(folder, store=store))
        assert ids[-1] == content_hash(folder)
    for version, files in zip(ids, versions, strict=True):
        shutil.rmtree(tmp_path / "back", ignore_errors=True)
        assert read(restore(version, tmp_path / "back", store=store)) == files
        assert content_hash(tmp_path / "back") == version
    contents = {data for files in versions for data in files.values()}
    assert objects(store) == sorted(hashlib.sha256(data).hexdigest() for data in contents)
    assert len(snapshots(store)) == len(set(ids)) == len({str(sorted(f.items())) for f in versions})


@FEW
@given(one=FOLDERS, two=FOLDERS)
def test_what_changed_leads_from_one_version_to_the_other(tmp_path, one, two):
    store = tmp_path / "store"
    a = snapshot(fill(tmp_path / "data", one), store=store)
    b = snapshot(fill(tmp_path / "data", two), store=store)
    table = changed(a, b, store=store)
    made = dict(one)
    by = dict(list(table.groupby("change")))
    none = table.iloc[:0]
    moved = [made.pop(name) for name in by.get("moved", none)["moved_from"]]
    for name in by.get("removed", none)["name"]:
        del made[name]
    made |= dict(zip(by.get("moved", none)["name"], moved, strict=True))
    made |= {name: two[name] for name in by.get("added", none)["name"]}
    for name in by.get("changed", none)["name"]:
        assert made[name] != two[name]
        made[name] = two[name]
    assert made == two
    assert table["name"].is_unique
    # No content is both gone and new: that would have been a move.
    gone = {one[name] for name in by.get("removed", none)["name"]}
    assert not gone & {two[name] for name in by.get("added", none)["name"]}
    assert changed(a, a, store=store).empty


def test_added_removed_changed_moved(tmp_path):
    store = tmp_path / "store"
    old = {"same": b"1", "edited": b"2", "gone": b"3", "here/x": b"4", "kept": b"5"}
    new = {"same": b"1", "edited": b"2!", "new": b"6", "there/x": b"4", "kept": b"5", "copy": b"5"}
    a = snapshot(fill(tmp_path / "data", old), store=store)
    b = snapshot(fill(tmp_path / "data", new), store=store)
    table = changed(a[:10], b, store=store)
    assert list(table.columns) == ["name", "change", "before", "after", "moved_from"]
    sha = {data: hashlib.sha256(data).hexdigest() for data in [*old.values(), *new.values()]}
    assert table.to_numpy().tolist() == [
        ["copy", "added", "", sha[b"5"], ""],
        ["edited", "changed", sha[b"2"], sha[b"2!"], ""],
        ["gone", "removed", sha[b"3"], "", ""],
        ["new", "added", "", sha[b"6"], ""],
        ["there/x", "moved", sha[b"4"], sha[b"4"], "here/x"],
    ]


def test_a_version_has_a_note_a_person_and_a_time(tmp_path):
    store = tmp_path / "store"
    first = snapshot(
        fill(tmp_path / "data", {"a": b"12"}), store=store, note="as it came", person="ana"
    )
    again = snapshot(tmp_path / "data", store=store, note="again")
    assert again == first
    second = snapshot(fill(tmp_path / "data", {"a": b"12", "b": b"3"}), store=store)
    table = snapshots(store)
    assert table["snapshot"].tolist() == [first, second] or table["at"].is_monotonic_increasing
    row = table.set_index("snapshot").loc[first]
    assert row[["kind", "person", "note", "files", "bytes"]].tolist() == [
        "folder", "ana", "as it came", 1, 2,
    ]  # fmt: skip
    assert table["at"].dt.tz is not None


def test_a_run_that_read_the_folder_names_its_version(tmp_path):
    folder = fill(tmp_path / "data", {"a": b"1"})
    version = snapshot(folder, store=tmp_path / "store")
    line = lineage.record("train", inputs=folder, log=tmp_path / "log.jsonl")
    assert line["inputs"][0]["sha256"] == version


def test_a_manifest_is_small_and_can_be_read(tmp_path):
    files = {f"clip {n}.wav": bytes([n]) * 1000 for n in range(20)}
    version = snapshot(fill(tmp_path / "data", files), store=tmp_path / "store")
    text = (tmp_path / "store" / "snapshots" / f"{version}.json").read_text()
    assert len(text.splitlines()) == 22  # one line a file, for a person and for git
    assert set(json.loads(text)["files"]) == set(files)
    assert len(text) < 3000


def test_a_file_is_a_version_too(tmp_path):
    path = fill(tmp_path / "data", {"items.csv": b"a"}) / "items.csv"
    version = snapshot(path, store=tmp_path / "store")
    assert version == content_hash(path)
    assert read(restore(version, tmp_path / "back", store=tmp_path / "store")) == {
        "items.csv": b"a"
    }


# --- tables -----------------------------------------------------------------------------------


def items():
    return pd.DataFrame(
        {"item": ["a", "b", "c", "d"], "label": [1, 2, 2, None], "text": ["x", "", None, "NA"]}
    )


def test_a_tables_rows_are_told_apart_by_item(tmp_path):
    store = tmp_path / "store"
    old = snapshot(items(), store=store, note="v1")
    assert old == content_hash(items())
    new = items().iloc[[3, 0, 2]].assign(label=lambda t: t["label"].replace(2, 1))
    new = pd.concat([new, pd.DataFrame({"item": ["e"], "label": [7.0], "text": ["y"]})])
    new.loc[new["item"] == "a", "item"] = "renamed"
    after = snapshot(new, store=store)
    table = changed(old, after, store=store)
    assert table[["name", "change", "moved_from"]].to_numpy().tolist() == [
        ["b", "removed", ""], ["c", "changed", ""], ["e", "added", ""], ["renamed", "moved", "a"],
    ]  # fmt: skip


def test_a_table_in_another_order_is_another_version_of_the_same_items(tmp_path):
    store = tmp_path / "store"
    one, two = snapshot(items(), store=store), snapshot(items().iloc[::-1], store=store)
    assert one != two
    assert changed(one, two, store=store).empty


def test_empty_text_missing_and_kinds_are_kept_apart(tmp_path):
    store = tmp_path / "store"
    first = snapshot(items(), store=store)
    rows = [
        json.loads(line)
        for line in (restore(first, tmp_path / "back", store=store) / "table.jsonl")
        .read_text()
        .splitlines()
    ]
    assert [row["text"] for row in rows] == ["x", "", None, "NA"]
    assert [row["label"] for row in rows] == [1.0, 2.0, 2.0, None]
    text = snapshot(items().assign(label=["1.0", "2.0", "2.0", None]), store=store)
    assert changed(first, text, store=store)["change"].tolist() == ["changed"] * 4
    back = pd.read_json(tmp_path / "back" / "table.jsonl", lines=True, dtype=False)
    assert back["item"].tolist() == list("abcd")


def test_a_table_without_items_is_compared_by_rows(tmp_path):
    store = tmp_path / "store"
    one = snapshot(pd.DataFrame({"x": [1, 2, 2]}), store=store)
    two = snapshot(pd.DataFrame({"x": [2, 3, 2, 2]}), store=store)
    table = changed(one, two, store=store)
    assert sorted(table["change"]) == ["added", "added", "removed"]


def test_values_of_many_kinds_are_kept(tmp_path):
    table = pd.DataFrame({
        "at": pd.to_datetime(["2026-01-01T10:00"], utc=True), "n": pd.array([None], "Int64"),
        "ok": [True], "tags": [["a", "b"]], "wave": [np.array([0.5, 1.0])],
        "wait": [pd.Timedelta(1)],
    })  # fmt: skip
    version = snapshot(table, store=tmp_path / "store")
    text = (
        restore(version, tmp_path / "back", store=tmp_path / "store") / "table.jsonl"
    ).read_text()
    assert json.loads(text) == {
        "at": "2026-01-01T10:00:00+00:00", "n": None, "ok": True, "tags": ["a", "b"],
        "wave": [0.5, 1.0], "wait": "P0DT0H0M0.000000001S",
    }  # fmt: skip
    empty = snapshot(table.iloc[:0], store=tmp_path / "store")
    assert changed(empty, version, store=tmp_path / "store")["change"].tolist() == ["added"]


# --- when something goes wrong ----------------------------------------------------------------


def test_nothing_is_overwritten_and_half_restored_goes_on(tmp_path):
    store, back = tmp_path / "store", tmp_path / "back"
    files = {"a": b"1", "b/c": b"2"}
    version = snapshot(fill(tmp_path / "data", files), store=store)
    fill(back, {"a": b"mine"})
    with pytest.raises(LineageError, match=r"back holds a, which is not part of this version"):
        restore(version, back, store=store)
    assert read(back) == {"a": b"mine"}
    fill(back, {"notes.txt": b"mine"})
    with pytest.raises(LineageError, match=r"holds notes.txt.* Choose a new or empty folder"):
        restore(version, back, store=store)
    fill(back, {"a": b"1"})
    assert read(restore(version, back, store=store)) == files
    (back / "a").write_bytes(b"edited")  # what came back is a copy: the store keeps its own
    shutil.rmtree(back)
    assert read(restore(version, back, store=store)) == files


def test_a_damaged_or_missing_copy_is_told(tmp_path):
    store = tmp_path / "store"
    version = snapshot(fill(tmp_path / "data", {"a": b"1", "b": b"2"}), store=store)
    kept = (
        store / "objects" / hashlib.sha256(b"2").hexdigest()[:2] / hashlib.sha256(b"2").hexdigest()
    )
    kept.chmod(0o644)
    kept.write_bytes(b"?")
    with pytest.raises(LineageError, match=r"the store's copy of b is damaged"):
        restore(version, tmp_path / "back", store=store)
    kept.unlink()
    with pytest.raises(LineageError, match=r"b cannot be brought back: .*No such file"):
        restore(version, tmp_path / "back", store=store)
    assert snapshot(tmp_path / "data", store=store) == version  # the data are still there: mended
    assert read(restore(version, tmp_path / "back", store=store)) == {"a": b"1", "b": b"2"}


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil"])
def test_a_store_of_somebody_else_writes_nowhere_else(tmp_path, name):
    store = tmp_path / "deep" / "store"
    version = snapshot(fill(tmp_path / "data", {"a": b"1"}), store=store)
    path = store / "snapshots" / f"{version}.json"
    about = json.loads(path.read_text())
    about["files"] = {name: about["files"]["a"]}
    path.write_text(json.dumps(about))
    with pytest.raises(LineageError, match=r"names '.*evil', outside of the folder"):
        restore(version, tmp_path / "deep" / "back", store=store)
    assert not list(tmp_path.rglob("evil"))


def test_what_is_no_data_set_is_told(tmp_path):
    folder = fill(tmp_path / "data", {"a": b"1"})
    with pytest.raises(LineageError, match=r"store .* lies inside .*data and would keep itself"):
        snapshot(folder, store=folder / "store")
    shutil.rmtree(folder / "store")
    store = tmp_path / "store"
    with pytest.raises(LineageError, match=r"there is no folder and no file .*nothing"):
        snapshot(tmp_path / "nothing", store=store)
    with pytest.raises(LineageError, match=r"needs a folder, a file or a table; .* an int"):
        snapshot(3, store=store)
    with pytest.raises(LineageError, match=r"columns have names of their own, as text; found 0"):
        snapshot(pd.DataFrame([[1]]), store=store)
    with pytest.raises(LineageError, match=r"needs a table whose columns .* found 'x'"):
        snapshot(pd.DataFrame([[1, 2]], columns=["x", "x"]), store=store)
    with pytest.raises(LineageError, match=r"no snapshot begins with '0123456789' in .*store"):
        restore("0123456789", tmp_path / "back", store=store)
    one, two = snapshot(folder, store=store), snapshot(items(), store=store)
    with pytest.raises(LineageError, match="one snapshot is a table and the other is not"):
        changed(one, two, store=store)
    assert snapshots(tmp_path / "no store").empty


def test_a_store_that_cannot_be_written_to_is_told(tmp_path):
    (tmp_path / "store").write_text("a file")
    folder = fill(tmp_path / "data", {"a": b"1"})
    with pytest.raises(LineageError, match=r"cannot write to .*store .* Nothing that was kept"):
        snapshot(folder, store=tmp_path / "store")


def test_a_kill_in_the_middle_leaves_no_half_object(tmp_path, monkeypatch):
    store = tmp_path / "store"
    folder = fill(tmp_path / "data", {"a": b"1", "b": b"2"})
    real, calls = Path.replace, []

    def dies(path, target):
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        snapshot(folder, store=store)
    monkeypatch.undo()
    assert objects(store) == [hashlib.sha256(b"1").hexdigest()]
    assert snapshots(store).empty
    version = snapshot(folder, store=store)
    assert len(objects(store)) == 2
    if os.name != "nt":
        kept = store / "objects" / hashlib.sha256(b"1").hexdigest()[:2]
        assert next(kept.iterdir()).stat().st_mode & 0o222 == 0
    assert snapshots(store)["snapshot"].tolist() == [version]
