"""Sounds and pictures of one's own as a table: copies told, near copies kept together."""

import re
from pathlib import Path, PurePath

import numpy as np
import pandas as pd

from mlkit._tables import TableError, _count
from mlkit.datasets import _own_classes, _own_numbers, _own_table
from mlkit.datasets._own_folder import Item, from_list
from mlkit.datasets._own_result import NOUN, Own, chained, groups, made, renamed, told_of
from mlkit.datasets._own_table import Raw

# What systems add to the name of a copy.
_COPY = re.compile(
    r"\(\d+\)$|\b(copy|copie|copia|kopie|kopia|duplicate|kopi)\b|^(kopie|copie|copia) ",
    re.IGNORECASE,
)


def listed(
    raw: Raw, place: Path, column: str, names: dict[str, str | None], *, progress: bool
) -> Own:
    """The files that a table lists, with its other columns beside them."""
    table = raw.table
    who = _own_table.pick(table, _own_table.WHO, names["who"], "who")
    label = _own_table.the_label(table, names["label"], [column, who])
    table = renamed(table, label, who, column)
    items, skipped, notes = from_list(table, place, column, who, progress=progress)
    whose = f", and {who!r} says whose it is" if who else ""
    lists = f"The table lists files in {column!r}; the label is {label!r}{whose}."
    told = [*raw.notes, lists, *notes]
    own = of_files(items, [*raw.skipped, *skipped], told)
    rest = [c for c in table.columns if c not in (column, "label", who)]
    if not rest:
        return own
    extra, more = _own_numbers.typed(table[rest], rest, comma=raw.comma)
    lines = {item.name: item.line for item in items}
    beside = extra.loc[own.table["item"].map(lines)].reset_index(drop=True)
    beside = beside[[c for c in rest if c not in own.table.columns]]
    return Own(**{**vars(own), "table": pd.concat([own.table, beside], axis=1),
                  "notes": (*own.notes, *more)})  # fmt: skip


def of_files(items: list[Item], skipped: list[tuple[str, str, str]], notes: list[str]) -> Own:
    items, skipped = _one_kind(items, skipped)
    labels, spelt = _own_classes.one_spelling(pd.Series([item.label for item in items]))
    kept, again = _without_copies(items, labels)
    skipped += again
    items, labels = [items[at] for at in kept], labels.iloc[kept].reset_index(drop=True)
    pairs = _alike(items, labels)
    who = [item.who for item in items]
    kind = items[0].thing.kind
    table = pd.DataFrame({"item": [item.name for item in items], "label": labels})
    table["path"] = [str(item.path) for item in items]
    if any(who):
        table["who"] = pd.Series(who, dtype=object)
    table["group"] = groups(table, pairs, "who" if any(who) else None)
    table = pd.concat([table, pd.DataFrame([item.thing.facts for item in items])], axis=1)
    table["remark"] = ["; ".join(item.thing.remarks) for item in items]
    chains = chained(table, pairs, "who" if any(who) else None)
    notes = [*notes, *spelt, *chains, *_own_classes.uncompared(len(items)), *_mixture(table, kind)]
    return made(kind, table, skipped, ("path",), "who" if any(who) else None, notes)


def _one_kind(
    items: list[Item], skipped: list[tuple[str, str, str]]
) -> tuple[list[Item], list[tuple[str, str, str]]]:
    """The kind that most files have; the others are another data set."""
    kinds = pd.Series([item.thing.kind for item in items], dtype=object)
    if kinds.empty:
        why = "; ".join(f"{where}: {why}" for where, why, _ in skipped[:3])
        raise TableError(
            "read_own() found no sound and no picture with a label that can be used"
            + (f" ({_count(len(skipped), 'file')} left out, such as {why})." if skipped else ".")
            + " It needs a sub-folder for each class, or a CSV that lists files and labels."
        )
    most = kinds.mode()[0]
    other = [
        (item.name, f"a {item.thing.kind} among {NOUN[most]}s", "Put it in a folder of its own.")
        for item in items if item.thing.kind != most
    ]  # fmt: skip
    return [item for item in items if item.thing.kind == most], [*skipped, *other]


def _without_copies(
    items: list[Item], labels: pd.Series
) -> tuple[list[int], list[tuple[str, str, str]]]:
    """One of each content and class; the rest is told. Copies in two classes both stay."""
    first: dict[tuple[str, str], int] = {}
    for at in sorted(range(len(items)), key=lambda at: _like_a_copy(items[at].name)):
        first.setdefault((items[at].thing.content, labels.iloc[at]), at)
    seen: dict[str, int] = {}
    kept, skipped = [], []
    for at, (item, label) in enumerate(zip(items, labels, strict=True)):
        content = item.thing.content
        if first[content, label] != at:
            name = items[first[content, label]].name
            skipped.append(
                (item.name, f"the same content as {name}", "Nothing to do: one is kept.")
            )
            continue
        if content in seen:
            other = seen[content]
            item.thing.remarks.append(f"the same content as {items[other].name}, another class")
            items[other].thing.remarks.append(f"the same content as {item.name}, another class")
        seen.setdefault(content, at)
        kept.append(at)
    return kept, skipped


def _like_a_copy(name: str) -> tuple[bool, int, str]:
    """Last what is called a copy; then short names first, as a copy's has something added."""
    return bool(_COPY.search(PurePath(name).stem)), len(name), name


def _alike(items: list[Item], labels: pd.Series) -> list[tuple[int, int]]:
    """Pairs that must not be parted: the same content in two classes, or nearly the same."""
    prints = np.array([item.thing.print_ for item in items])
    sound = items[0].thing.kind == "sound"
    seen: dict[str, int] = {}
    pairs = []
    for at, item in enumerate(items):
        if seen.setdefault(item.thing.content, at) != at:
            pairs.append((seen[item.thing.content], at))
    exact, led = set(pairs), dict[int, list[str]]()
    for one, other in _own_classes.near(prints, sound=sound):
        a, b = items[one], items[other]
        lengths = [i.thing.facts.get("duration_s", 1.0) for i in (a, b)]
        if (one, other) not in exact and max(lengths) <= 1.02 * min(lengths):
            pairs.append((one, other))
            also = "" if labels[one] == labels[other] else ", another class"
            b.thing.remarks.append(f"nearly the same as {a.name}{also}")
            led.setdefault(one, []).append(b.name + also)
    for one, names in led.items():
        items[one].thing.remarks += told_of("nearly the same as", names)
    return pairs


def _mixture(table: pd.DataFrame, kind: str) -> list[str]:
    """What differs between the files, and whether it gives the class away."""
    told = {"sound": {"rate_hz": "rate in Hz", "channels": "channels", "format": "format"},
            "picture": {"mode": "mode"}}[kind]  # fmt: skip
    notes = []
    for column, name in told.items():
        counts = table[column].value_counts()
        if len(counts) < 2:
            continue
        each = ", ".join(f"{value} ({n})" for value, n in counts.items())
        notes.append(f"Several kinds of {name}: {each}. The features bring them to one.")
        for value, n in counts.items():
            own = table.loc[table[column] == value, "label"]
            if len(set(own)) == 1 and n >= 5 and n == (table["label"] == own.iloc[0]).sum():
                notes.append(
                    f"All of the class {own.iloc[0]!r}, and no other, have {name} {value}: a "
                    "model may learn the device and not the class."
                )
    return notes
