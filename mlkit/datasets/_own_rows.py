"""Texts and rows of one's own as a table: what is missing told, rows that are alike found."""

import pandas as pd

from mlkit._tables import TableError
from mlkit.datasets import _own_classes, _own_numbers, _own_table
from mlkit.datasets._own_result import Own, chained, groups, made, renamed, told_of
from mlkit.datasets._own_table import Raw

_MOST_CLASSES = 200


def of_rows(raw: Raw, names: dict[str, str | None]) -> Own:
    table = raw.table
    who = _own_table.pick(table, _own_table.WHO, names["who"], "who")
    label = _own_table.the_label(table, names["label"], [who])
    text = _own_table.the_text(table, names["text"], [label, who])
    key = _own_table.pick(table, _own_table.IDS, None, "id")
    told = [f"The label is {label!r}" + (f", the text {text!r}" if text else "") +
            (f", and {who!r} says whose it is" if who else "") + "."]  # fmt: skip
    table, skipped = _filled(table, {label: "label", text: "text"}, key, raw.skipped)
    table = renamed(table, label, who, text, "text" if text else None)
    key = next((name for name in table.columns if name in (key, f"{key} (in the file)")), None)
    labels, spelt = _own_classes.one_spelling(table["label"])
    _classes(labels, label)
    rest = [c for c in table.columns if c not in ("label", "text", who, key)]
    table, turned = _own_numbers.typed(table.assign(label=labels), rest, comma=raw.comma)
    aside: list[str] = []
    inputs = ["text"]
    if not text:
        inputs, aside = _own_numbers.inputs(table, rest)
        if not inputs:
            raise TableError(
                "read_own() found no column to learn from beside the label. " + " ".join(aside)
            )
    alike, remarks, same = _same_rows(table, inputs)
    table.insert(0, "item", [f"row {line}" for line in table.index])
    table = table.reset_index(drop=True)
    table["group"] = groups(table, alike, who)
    if text:
        table["letters"] = table["text"].str.len()
        table["words"] = table["text"].map(lambda text: len(text.split()))
    else:
        table["empty"] = table[inputs].isna().sum(axis=1)
    table["remark"] = remarks
    notes = [*raw.notes, *told, *turned, *spelt, *aside, *same, *chained(table, alike, who)]
    return made("text" if text else "row", table, skipped, tuple(inputs), who, notes)


def _filled(
    table: pd.DataFrame,
    needed: dict[str | None, str],
    key: str | None,
    skipped: list[tuple[str, str, str]],
) -> tuple[pd.DataFrame, list[tuple[str, str, str]]]:
    """Rows with what is needed, each once; the others are told."""
    skipped = list(skipped)
    for column, what in needed.items():
        if column is not None:
            gone = table[column] == ""
            skipped += [(f"row {line}", f"no {what}", "Write it, or drop the row.")
                        for line in table.index[gone]]  # fmt: skip
            table = table[~gone]
    # Two customers may be alike in all that is known of them; two rows of one number are one.
    if key is not None and table[key].nunique() > len(table) / 2:
        again = table.duplicated()
        firsts = table[~again].reset_index(names="_line").set_index(list(table.columns))["_line"]
        for line, row in zip(table.index[again], table[again].itertuples(index=False), strict=True):
            first = firsts.loc[tuple(row)]
            skipped.append(
                (f"row {line}", f"the same as row {first}", "Nothing to do: one is kept.")
            )
        table = table[~again]
    skipped.sort(key=lambda one: int(one[0].split()[1]))
    return table, skipped


def _same_rows(
    table: pd.DataFrame, inputs: list[str]
) -> tuple[list[tuple[int, int]], list[str], list[str]]:
    """Rows that are alike in what a model sees, with a remark on each, and a note."""
    text = inputs == ["text"]
    keys = table["text"].pipe(_own_classes.same_words) if text else _keys(table[inputs])
    pairs = _own_classes.twins(keys.reset_index(drop=True))
    remarks = [""] * len(table)
    if pairs is None:
        return [], remarks, [
            "Many rows are alike in all columns: with so few different values that is no sign of "
            "copies, and they are not kept together."
        ]  # fmt: skip
    labels = table["label"].to_numpy()
    what, led = f"the same {'words' if text else 'values'} as", dict[int, list[str]]()
    for one, other in pairs:
        also = "" if labels[one] == labels[other] else ", another class"
        remarks[other] = f"{what} row {table.index[one]}{also}"
        led.setdefault(one, []).append(f"row {table.index[other]}{also}")
    for one, names in led.items():
        remarks[one] = "; ".join(told_of(what, names))
    return pairs, remarks, []


def _keys(table: pd.DataFrame) -> pd.Series:
    return pd.Series(list(map(str, table.itertuples(index=False, name=None))), index=table.index)


def _classes(labels: pd.Series, column: str) -> None:
    many = labels.nunique()
    if many > _MOST_CLASSES or (many > 20 and many > len(labels) / 2):
        raise TableError(
            f"read_own(): the column {column!r} has {many:,} different values in {len(labels):,} "
            "rows, and is taken for the label. Name another with label= (in notebook 11: LABEL); "
            "an amount becomes classes by pd.cut."
        )
