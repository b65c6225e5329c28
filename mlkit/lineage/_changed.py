"""What changed between two versions of a data set."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pandas as pd

from mlkit.lineage import _snapshot
from mlkit.lineage._snapshot import Store
from mlkit.lineage._values import LineageError, values_hash

_EMPTY = {"name": "", "change": "", "before": "", "after": "", "moved_from": ""}


def changed(before: str, after: str, *, store: Store) -> pd.DataFrame:
    """What was added, removed, changed or moved from one snapshot to another?

    Of a folder the names are files; of a table with a column ``item`` they are items, of another
    table its rows, each named by the beginning of its hash.

    Returns
    -------
    DataFrame
        One row a difference, none where the versions hold the same: ``name, change`` ("added",
        "removed", "changed": the same name, another content; "moved": the same content under
        another name), ``before, after`` (hashes), ``moved_from`` (the name it had). A copy beside
        the original is added; a file both renamed and edited is removed and added.

    Examples
    --------
    >>> store = getfixture("tmp_path")
    >>> labels = pd.DataFrame({"item": ["a", "b"], "label": ["cat", "cat"]})
    >>> old = _snapshot.snapshot(labels, store=store)
    >>> new = _snapshot.snapshot(labels.assign(label=["cat", "dog"]), store=store)
    >>> changed(old, new, store=store)[["name", "change"]].to_numpy().tolist()
    [['b', 'changed']]
    """
    kept = Path(store).expanduser()
    old, new = (_snapshot.manifest(each, kept, "lineage.changed") for each in (before, after))
    if (old["kind"] == "table") != (new["kind"] == "table"):
        raise LineageError("lineage.changed(): one snapshot is a table and the other is not.")
    table = old["kind"] == "table"
    a, b = ((_rows(one, kept) if table else _names_of(one)) for one in (old, new))
    lost = {name: sha for name, sha in a.items() if name not in b}
    come = {name: sha for name, sha in b.items() if name not in a}
    found = [
        {"name": name, "change": "changed", "before": sha, "after": b[name]}
        for name, sha in a.items()
        if name in b and b[name] != sha
    ]
    # As many as there are on both sides; what is left over was added or removed.
    homes = defaultdict(list)
    for name in sorted(lost, reverse=True):
        homes[lost[name]].append(name)
    for name, sha in sorted(come.items()):
        origin = homes[sha].pop() if homes[sha] else None
        if origin is None:
            found.append({"name": name, "change": "added", "after": sha})
            continue
        del lost[origin]
        moved = {"change": "moved", "before": sha, "after": sha, "moved_from": origin}
        found.append({"name": name, **moved})
    found += [{"name": name, "change": "removed", "before": sha} for name, sha in lost.items()]
    made = pd.DataFrame([{**_EMPTY, **row} for row in found], columns=list(_EMPTY))
    return made.sort_values("name", ignore_index=True)


def _names_of(about: dict[str, Any]) -> dict[str, str]:
    return {name: each["sha256"] for name, each in about["files"].items()}


def _rows(about: dict[str, Any], store: Path) -> dict[str, str]:
    """The rows of a table by item, where each item has one, else by themselves."""
    (kept,) = about["files"].values()
    try:
        data = _snapshot._object(store, kept["sha256"]).read_bytes()
    except OSError as error:
        raise LineageError(
            f"lineage.changed(): the rows of {about['snapshot'][:12]} are not in the store "
            f"({error.strerror})."
        ) from error
    rows = [json.loads(line) for line in data.split(b"\n") if line]
    kinds = kept["columns"]
    items = [row.get("item") for row in rows]
    if rows and None not in items and len(set(map(str, items))) == len(items):
        return {
            str(row["item"]): values_hash([{**row, "item": ""}, kinds], "changed") for row in rows
        }
    times: Counter[str] = Counter()
    named = {}
    for row in rows:
        sha = values_hash([row, kinds], "changed")
        times[sha] += 1
        again = f" ({times[sha]})" if times[sha] > 1 else ""
        named[f"row {sha[:12]}{again}"] = sha
    return named
