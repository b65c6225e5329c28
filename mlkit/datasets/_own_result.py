"""What was read of one's own data, what was not, and the groups that must not be parted."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from mlkit import _show
from mlkit._tables import TableError, _count, _some
from mlkit.datasets import _own_classes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOUN = {"sound": "recording", "picture": "picture", "text": "text", "row": "row"}
_RESERVED = ("item", "group", "remark", "split", "path", "letters", "words", "empty")
_CHAINS = 5  # told one by one
_SKIPPED = ["where", "why", "do"]


# What is this file's alone in a reason, and what stands in its place where reasons are counted.
_OWN_PART = [
    (r"^the same content as .*", "the same content as another"),
    (r"^the same as row .*", "the same as another row"),
    (r"^there is no file .*", "there is no such file"),
    (r"^lists .*", "lists a file again"),
    (r"^(one row of) [\d,]+ lines", r"\1 many lines"),
    (r"^[\d,]+ fields?, (more|fewer) .*", r"\1 fields than columns"),
    (r"^named \S+, but (.*)", r"named otherwise: \1"),
    (r"^(cut short|empty|too short|too small|too large|far too large|holds no sound)\b.*", r"\1"),
    (r" \((?!or ).*\)$", ""),
]


@dataclass(frozen=True)
class Own:
    """What was read: ``table``, one row an item, and ``skipped``, one row for all the rest.

    ``kind`` is sound, picture, text or row; ``inputs`` names the columns a model learns from;
    ``who`` the column that says whose an item is, or None; ``n`` of ``found`` things can be used.
    """

    kind: str
    table: pd.DataFrame
    skipped: pd.DataFrame
    inputs: tuple[str, ...]
    who: str | None
    n: int
    found: int
    notes: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        classes = self.table["label"].nunique()
        out = len(self.skipped)
        left = "none of them was left out" if not out else f"{out:,} left out, each with its reason"
        return (
            f"These are {NOUN[self.kind]}s: {self.n:,} of {self.found:,} can be used, in "
            f"{classes} class{'' if classes == 1 else 'es'}; {left}."
        )

    def _repr_html_(self) -> str:
        columns = {"why": "Left out because", "n": "How many", "such": "Such as"}
        short = self.skipped["why"].map(_short)
        rows = [
            {"why": str(why), "n": f"{len(own):,}", "such": own["where"].iloc[0]}
            for why, own in self.skipped.groupby(short, sort=False)
        ]
        table = _show.table_html(rows, columns=columns, text=["why", "such"]) if rows else ""
        return _show.result_html(repr(self), table, notes=self.notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """How many items each class has, and how much was left out."""
        counts = self.table["label"].value_counts()
        shown, rest = counts.head(20), counts.iloc[20:]
        if len(rest):
            shown = pd.concat([shown, pd.Series({f"{len(rest)} other classes": rest.sum()})])
        bars = pd.concat([pd.Series({"left out": len(self.skipped)}), shown[::-1]])
        ax = _show.axes(ax, size=(7.0, 0.9 + 0.3 * len(bars)))
        blue, grey = _show.PALETTE["blue"], "#808080"
        drawn = ax.barh(range(len(bars)), bars, color=[grey, *[blue] * len(shown)])
        drawn.patches[0].set_hatch("//")
        ax.bar_label(drawn, [f"{n:,}" for n in bars], padding=3)
        ax.set_yticks(range(len(bars)), [str(name).replace("$", r"\$") for name in bars.index])
        ax.set_xlim(0, 1.12 * max(bars.max(), 1))
        ax.set_xlabel(f"{NOUN[self.kind]}s")
        told = ", ".join(f"{name} {n}" for name, n in bars.items())
        return _show.describe(ax, f"How many of each class: {told}.")


def _short(why: str) -> str:
    """The reason without what is said of this file alone."""
    for own, instead in _OWN_PART:
        why = re.sub(own, instead, why)
    return why


def renamed(
    table: pd.DataFrame, label: str, who: str | None, text: str | None, called: str | None = None
) -> pd.DataFrame:
    """The label and the text under our names; columns of the file that have those are renamed."""
    new = {label: "label"} | ({text: called} if text and called else {})
    taken = {*_RESERVED, *new.values()}
    kept = {who, text if called is None else None}
    new |= {c: f"{c} (in the file)" for c in table.columns
            if c in taken and c not in new and c not in kept}  # fmt: skip
    return table.rename(columns=new)


def groups(table: pd.DataFrame, pairs: Iterable[tuple[int, int]], who: str | None) -> list[str]:
    """A name for all that hangs together: by whose it is, and by what is nearly the same."""
    both = list(pairs)
    if who is not None:
        for rows in table.groupby(who).indices.values():
            both += [(int(rows[0]), int(row)) for row in rows[1:]]
    named = table["item"] if who is None else table[who].replace("", None).fillna(table["item"])
    heads = _own_classes.joined(len(table), both)
    return [str(named.iloc[head]) for head in heads]


def chained(table: pd.DataFrame, pairs: Iterable[tuple[int, int]], who: str | None) -> list[str]:
    """Of people who count as one because of what is alike, who they are and through what."""
    if who is None:
        return []
    whose = table[who].replace("", None).to_numpy()
    across = [(a, b) for a, b in pairs if None not in (whose[a], whose[b]) and whose[a] != whose[b]]
    through: dict[str, list[tuple[int, int]]] = {}
    for a, b in across:
        through.setdefault(table["group"].iloc[a], []).append((a, b))
    notes = []
    for links in list(through.values())[:_CHAINS]:
        people = sorted({str(whose[at]) for link in links for at in link})
        a, b = (table["item"].iloc[at] for at in links[0])
        more = f", and so on ({len(links)} such pairs)" if len(links) > 1 else ""
        notes.append(
            f"{_some(people, 6)} count as one in a split: {a} and {b} are the same, or nearly"
            f"{more}. If they are not copies, look at their remarks."
        )
    left = len(through) - _CHAINS
    return [*notes, f"So do {left} further sets of people."] if left > 0 else notes


def told_of(what: str, names: list[str]) -> list[str]:
    """A remark for each of the first few, and how many there are besides."""
    more = [f"and {len(names) - 3:,} more"] if len(names) > 3 else []
    return [*(f"{what} {name}" for name in names[:3]), *more]


def made(
    kind: str,
    table: pd.DataFrame,
    skipped: list[tuple[str, str, str]],
    inputs: tuple[str, ...],
    who: str | None,
    notes: Iterable[Any],
) -> Own:
    if table["label"].nunique() < 2:
        raise TableError(
            f"read_own() found one class alone, {table['label'].iloc[0]!r}, in "
            f"{_count(len(table), 'item')}: there is nothing to tell apart. Is each class a "
            "sub-folder of the folder that you gave, or a value in the column of labels?"
        )
    told = pd.DataFrame(skipped, columns=_SKIPPED)
    said = (*notes, *_own_classes.small(table["label"]))
    return Own(kind, table, told, inputs, who, len(table), len(table) + len(told), said)
