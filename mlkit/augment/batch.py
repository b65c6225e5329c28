"""Many files made harder: the same bytes whatever the order or the number of workers.

What is done to a copy follows from the name of its item and the seed alone. Each copy has a line
in ``manifest.jsonl`` that says how it was made; a batch that was stopped goes on where it was.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._files import alone, content_hash
from mlkit._tables import TableError
from mlkit.augment import _codec, _run
from mlkit.augment._pipeline import Pipeline, Step, check, draw
from mlkit.augment._run import BatchWarning

__all__ = ["BatchError", "BatchWarning", "balanced", "join", "manifest", "remake", "write"]

Copies = int | pd.Series | Mapping[str, int]


class BatchError(ValueError):
    """A batch that cannot be begun or joined; the message says why and what to do."""


def write(
    items: pd.DataFrame | str | PathLike[str],
    folder: str | PathLike[str],
    *,
    pipeline: Pipeline,
    copies: Copies = 1,
    seed: int = 0,
    splits: Sequence[str] = ("train",),
    suffix: str | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Make copies of sounds or pictures, each changed as the pipeline draws it.

    Parameters
    ----------
    items
        A table ``item, path`` (and what else is known of each), or a folder, whose sub-folders
        are labels. Where there is a ``split``, only ``splits`` are copied.
    copies
        How many of each item: a number, a column of numbers with the index of ``items`` (see
        :func:`balanced`), or numbers by condition, ``{"speaker == 'nicolas'": 3}``.
    suffix
        ``".wav"`` (the rule), ``".flac"``, ``".png"`` (the rule) or ``".jpg"``.

    Returns
    -------
    DataFrame
        One row a copy: the columns of its source, its own ``item`` and ``path``, and ``source``
        and ``copy``. What failed is warned of and listed in ``failed.csv``; a later run tries it
        again. Workers are joblib's: ``joblib.parallel_config`` says how many and where. What
        cannot be done at all, such as a range that a function does not take, raises ValueError
        before anything is written.

    Examples
    --------
    >>> from mlkit import datasets
    >>> from mlkit.augment import audio
    >>> clips = datasets.load_spoken_digits().query("split == 'train'").head(2)
    >>> quieter = [(audio.change_gain, {"gain_db": (-9, -3)}, 1.0)]
    >>> folder = getfixture("tmp_path")
    >>> made = write(clips, folder, pipeline=quieter, copies=2, progress=False)
    >>> len(made), (made["source"] == np.repeat(clips["item"], 2).to_numpy()).all()
    (4, np.True_)
    """
    # All that can be refused is refused before there is a folder.
    check(pipeline)
    table, counts = _planned(items, copies, splits)
    _apart(items, Path(folder).expanduser())
    tasks = list(_tasks(table, counts, pipeline, seed, suffix))
    target = _codec.require_folder(folder, "batch.write")
    busy = BatchError(f"another program is writing a batch to {target} just now; wait for it.")
    with alone(target / ".lock", busy=busy):
        for left in target.glob(".*.tmp"):  # half-written files of a run that was killed
            left.unlink()
        known = _known(target, tasks)
        todo = [task for task in tasks if task["output"] not in known]
        made, failed = _run.made(todo, target, pipeline, known, progress)
        _run.finish(target, made, failed, len(tasks))
    rows = [made[task["output"]] for task in tasks if task["output"] in made]
    return _copies(table, rows, target)


def manifest(folder: str | PathLike[str]) -> pd.DataFrame:
    """How each file of a batch was made, one row each.

    ``output, output_sha256, item, copy, source, source_sha256, seed, steps, rate_hz, notes,
    versions``: ``steps`` is what :func:`mlkit.augment.apply` was given; ``notes`` is what it said.
    """
    where = Path(folder).expanduser()
    if not where.is_dir():
        raise BatchError(f"batch.manifest(): there is no folder {where}.")
    lines = _run.lines(where)
    return pd.DataFrame(lines, columns=list(_FIELDS)).sort_values("output", ignore_index=True)


def remake(
    record: Mapping[str, Any], *, pipeline: Pipeline | None = None, source: str | None = None
) -> bytes:
    """Make a file of a batch again from its source, and check that it is the same.

    ``record`` is a row of :func:`manifest`; ``source`` says where its source lies now.
    ``pipeline`` is needed where a step is an object or a function of a notebook.
    """
    if isinstance(record, pd.DataFrame) or not isinstance(record, Mapping | pd.Series):
        raise BatchError(
            "batch.remake() makes one file, and takes one row of batch.manifest(folder), such as "
            f"its .iloc[0]; it was given {_tables._kind(record)}."
        )
    lacking = [name for name in _NEEDED if name not in record]
    if lacking:
        raise BatchError(
            f"batch.remake() takes a row of batch.manifest(folder); this one has no "
            f"{', '.join(lacking)}."
        )
    task = {**record, "source": source or record["source"]}
    found = content_hash(task["source"])
    if found != record["source_sha256"]:
        raise BatchError(
            f"{task['source']} is not the file that {record['output']} was made from: its content "
            "is another."
        )
    data = _run.copy(task, Path(task["source"]).read_bytes(), pipeline)[0]
    if hashlib.sha256(data).hexdigest() != record["output_sha256"]:
        now = _codec.versions(_codec.kind_of(record["output"]) or "sound")
        changed = [f"{k} {v} then, {now.get(k)} now" for k, v in record["versions"].items()]
        changed = [words for words in changed if words.split()[1] != words.split()[3]]
        raise BatchError(
            f"{record['output']} comes out otherwise than it was: "
            f"{'; '.join(changed) or 'a function of the pipeline has changed'}."
        )
    return data


def balanced(
    items: pd.DataFrame, *, by: str = "label", splits: Sequence[str] = ("train",)
) -> pd.Series:
    """How many copies of each item bring every group of a column to the size of the largest.

    Counted is what :func:`write` copies: where there is a ``split``, the items of ``splits``
    alone; the others get 0, and so does an item without a value in ``by``. Copies go evenly to
    the items of a group, the first ones taking what is left over. Give it the table that
    ``write`` gets: the counts have its index.

    >>> table = pd.DataFrame({"item": list("abcde"), "label": list("xxxyy")})
    >>> balanced(table.assign(split=["train"] * 4 + ["test"])).tolist()
    [0, 0, 0, 2, 0]
    """
    if by not in items.columns:
        raise BatchError(
            f"balanced(by={by!r}): there is no such column; found: "
            f"{', '.join(map(str, items.columns))}."
        )
    counts = pd.Series(0, index=items.index)
    inside = _inside(items, splits, "balanced") & items[by].notna().to_numpy()
    groups = items[by][inside].groupby(items[by][inside], observed=True)
    if len(groups):
        size = groups.transform("size").astype(int)
        missing = size.max() - size
        own = missing // size + (groups.cumcount() < missing % size)
        counts[inside] = own.to_numpy()  # by place: an index may name two rows alike
    return counts


def join(items: pd.DataFrame, copies: pd.DataFrame) -> pd.DataFrame:
    """Put copies beside the items they came from, refusing any that changed its split.

    An augmented copy tells the model about its source: one of them in *train* and the other in
    *dev* or *test* makes the model look better than it is.
    """
    items = _tables.items(items, function="batch.join")
    strangers = copies["source"][~_tables.among(copies["source"], items["item"])].unique()
    if len(strangers):
        raise BatchError(
            f"batch.join(): the table has no item {_tables._some(strangers)}, which copies come "
            "from; whether they leak into another split, nobody could tell. Give the table that "
            "they were written from."
        )
    if "split" in copies.columns and "split" not in items.columns:
        raise BatchError(
            "batch.join(): the copies have a split and the items none; make the split first, and "
            "the copies from it."
        )
    if "split" in items.columns and len(copies):
        home = copies["source"].map(items.set_index("item")["split"])
        own = copies["split"] if "split" in copies.columns else home
        leaks = copies["source"][(home != own) & home.notna()]
        if len(leaks):
            raise BatchError(
                f"{len(leaks):,} {'copy' if len(leaks) == 1 else 'copies'} would stand in "
                f"another split than the source: {_tables._some(leaks.unique())}. Make the split "
                "first, and the copies from it."
            )
    return pd.concat([items, copies], ignore_index=True)


_NEEDED = ("output", "output_sha256", "source", "source_sha256", "steps", "versions")
_FIELDS = (
    "output",
    "output_sha256",
    "item",
    "copy",
    "source",
    "source_sha256",
    "seed",
    "steps",
    "rate_hz",
    "notes",
    "versions",
)


def _planned(
    items: pd.DataFrame | str | PathLike[str], copies: Copies, splits: Sequence[str]
) -> tuple[pd.DataFrame, np.ndarray]:
    """The table to copy from, and how many copies of each row."""
    if isinstance(items, str | PathLike):
        folder = Path(items).expanduser()
        found = _codec.listed(folder)
        broken = [row["path"] for row in found if not _is_text(row["path"])]
        if broken:
            raise BatchError(
                f"batch.write(): the name of {ascii(broken[0])[1:-1]} is no text (its bytes are "
                "not UTF-8), and no table can hold it. Rename the file."
            )
        items = pd.DataFrame(found, columns=["item", "path", "label"])
        if items.empty:
            raise BatchError(f"batch.write(): there is no sound and no picture below {folder}.")
        if items["label"].isna().all():
            items = items.drop(columns="label")
        twice = items["item"].duplicated(keep=False)  # one name, two suffixes
        items["item"] = items["item"].where(~twice, items["path"].map(lambda p: Path(p).name))
    table = _tables.items(items, function="batch.write")
    if "path" not in table.columns:
        raise TableError(
            "batch.write() needs the columns item, path; missing: path. Found: "
            f"{', '.join(map(str, table.columns))}."
        )
    # Counted before the splits are chosen: a column of counts has the index of the whole table.
    table["_copies"] = _counts(items, table, copies)
    table = table[_inside(table, splits, "batch.write")].reset_index(drop=True)
    return table.drop(columns="_copies"), table["_copies"].to_numpy(int)


def _inside(table: pd.DataFrame, splits: Sequence[str], function: str) -> np.ndarray:
    """Which rows are copied: those of these splits, all where there is no split."""
    if "split" not in table.columns:
        return np.ones(len(table), bool)
    splits = [splits] if isinstance(splits, str) else list(splits)
    inside = table["split"].isin(splits).to_numpy(bool)
    if not inside.any():
        raise BatchError(
            f"{function}(): no item is in the split {', '.join(splits)}; the table has "
            f"{_tables._some(table['split'].unique())}."
        )
    return inside


def _apart(items: Any, target: Path) -> None:
    """Copies written among their sources would be copied in turn the next time."""
    if isinstance(items, str | PathLike):
        source = Path(items).expanduser().resolve()
        if target.resolve().is_relative_to(source):
            raise BatchError(
                f"batch.write() cannot write into {target}: it lies in the folder that is copied, "
                "and the next run would copy the copies. Choose a folder beside it."
            )


def _counts(items: pd.DataFrame, table: pd.DataFrame, copies: Copies) -> np.ndarray:
    if isinstance(copies, Mapping):
        counts = np.zeros(len(table), int)
        for condition, count in copies.items():
            inside = table.index.isin(table.query(condition, engine="python").index)
            counts = np.maximum(counts, np.where(inside, count, 0))
    elif isinstance(copies, pd.Series):
        if not copies.index.equals(items.index):
            known = int(copies.index.isin(items.index).sum())
            raise BatchError(
                "batch.write(copies=...): the column of counts must have the index of the table; "
                f"it has {len(copies):,} rows and the table {len(items):,}, {known:,} of them in "
                "both, or in another order. Count on the table that is written, whole: "
                "copies=batch.balanced(items) leaves the splits that are not copied at 0."
            )
        counts = copies.to_numpy()
    else:
        counts = np.full(len(table), copies)
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise BatchError(f"batch.write(): copies are whole numbers from 0 up; got {copies!r}.")
    return counts


def _tasks(
    table: pd.DataFrame, counts: np.ndarray, pipeline: Pipeline, seed: int, suffix: str | None
) -> Iterator[dict[str, Any]]:
    """What is to be made, in order; nothing of it depends on what else is."""
    if suffix is not None and suffix not in _codec.WRITTEN:
        raise BatchError(
            f"batch.write() writes {', '.join(sorted(_codec.WRITTEN))}; got suffix={suffix!r}."
        )
    for item, path, count in zip(table["item"], table["path"], counts, strict=True):
        kind = _codec.kind_of(str(path)) or "sound"
        end = suffix or {"sound": ".wav", "picture": ".png"}[kind]
        for copy in range(1, count + 1):
            own = _seed(item, copy, seed)
            yield {
                "output": f"{_safe(item)}-{copy}{end}",
                "item": item,
                "copy": copy,
                "source": str(path),
                "seed": own,
                "steps": _writable(draw(pipeline, rng=own)),
            }


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _seed(item: str, copy: int, seed: int) -> int:
    digest = hashlib.sha256(f"{seed}\n{copy}\n{item}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _safe(item: str) -> str:
    """A name for a file, on any system; where it is not the item's own, its hash makes it so."""
    if re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,79}", item):
        return item
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", item).strip("._")[-60:]
    return f"{plain}-{hashlib.sha256(item.encode()).hexdigest()[:8]}"


def _writable(steps: list[Step]) -> list[Step]:
    try:
        return json.loads(json.dumps(steps))
    except TypeError as error:
        raise BatchError(
            f"what the pipeline draws cannot be written down ({error}): give noise, speech and "
            "rooms as paths of files, and numbers and texts otherwise."
        ) from error


def _known(folder: Path, tasks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What an earlier run made and what still stands as it was made; another batch is refused."""
    records = {record["output"]: record for record in _run.lines(folder)}
    good = {}
    for task in tasks:
        record = records.get(task["output"])
        if record is None:
            continue
        if any(record[name] != task[name] for name in ("item", "copy", "seed", "steps")):
            raise BatchError(
                f"{folder} holds a batch that was made with another pipeline or seed "
                f"({task['output']} differs). Choose another folder, or empty this one."
            )
        if _run.holds(folder / task["output"], record["output_sha256"]) and _run.holds(
            Path(task["source"]), record["source_sha256"]
        ):
            good[task["output"]] = record
    # Copies of other items stay in the list as long as their files are there.
    asked = {task["output"] for task in tasks}
    others = {k: r for k, r in records.items() if k not in asked and (folder / k).is_file()}
    return good | others


def _copies(table: pd.DataFrame, records: list[dict[str, Any]], folder: Path) -> pd.DataFrame:
    columns = ["item", "source", "copy", "path"]
    copies = pd.DataFrame(
        {
            "item": [f"{record['item']}#{record['copy']}" for record in records],
            "source": [record["item"] for record in records],
            "copy": [record["copy"] for record in records],
            "path": [str(folder / record["output"]) for record in records],
        },
        columns=columns,
    )
    about = table.drop(columns="path").rename(columns={"item": "source"})
    return copies.merge(about, on="source", how="left")
