"""Which records are worth comparing: those that share a key, never all with all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit._tables import TableError
from mlkit.records import _fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

_FUNCTION = "records.pairs"
WINDOW = 10  # neighbours a record of an oversized block is compared with
Key = str | Sequence[str]


@dataclass(frozen=True)
class Pairs:
    """Pairs of records that share a key: ``n`` of the ``of_all`` there would be.

    ``table`` has ``left, right, keys`` (how many keys the two share); ``blocks`` one row a key.
    """

    table: pd.DataFrame
    n: int
    of_all: int
    records: int
    notes: tuple[str, ...]
    blocks: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        share = self.n / self.of_all if self.of_all else float("nan")
        return (
            f"{_tables._count(self.n, 'pair')} of {_tables._count(self.records, 'record')} to "
            f"compare, {_small(share)} of the {self.of_all:,} there are."
        )

    def _repr_html_(self) -> str:
        columns = {
            "key": "Key", "blocks": "Blocks", "largest": "Largest", "oversized": "Oversized",
            "without": "Records without it", "pairs": "Pairs", "only_here": "By no other key",
        }  # fmt: skip
        rows = [
            {
                str(name): f"{value:,}" if name != "key" else str(value)
                for name, value in row.items()
            }
            for row in self.blocks.to_dict("records")
        ]
        table = _show.table_html(rows, columns=columns, text=["key"])
        return _show.result_html(repr(self), table, notes=self.notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """How many pairs each key brings, and how many of them no other key does."""
        ax = _show.axes(ax, size=(7, 1.2 + 0.4 * len(self.blocks)))
        blocks = self.blocks.iloc[::-1]
        places = np.arange(len(blocks))
        ax.barh(places, blocks["pairs"], color=_show.PALETTE["sky"], label="all")
        ax.barh(
            places, blocks["only_here"], height=0.4, color=_show.PALETTE["blue"],
            label="by no other key",
        )  # fmt: skip
        ax.set_yticks(places, blocks["key"].str.replace("$", r"\$"))
        ax.set_xlabel("pairs")
        ax.legend(frameon=False)
        return _show.describe(ax, "Pairs that each key brings. " + repr(self))


def _small(share: float) -> str:
    if np.isnan(share):
        return "none"
    return f"{100 * share:.3g} %"


def pairs(
    records: pd.DataFrame,
    *,
    keys: Sequence[Key] | None = None,
    fields: "Mapping[str, str] | None" = None,
    most: int = 50,
) -> Pairs:
    """Which records are worth comparing?

    All pairs of 100,000 records are five billion. Two records are compared if they share one of
    several keys: a typing error in one key is caught by another. A block (the records of one key)
    of more than ``most`` is sorted by the other fields, and each record compared with the next
    10 only, so the number of pairs grows with the records, not with their square; which key had
    such blocks stands in ``blocks`` and ``notes``. An empty value is no key. Records without
    consent are left out.

    Parameters
    ----------
    records : one row a ``record``; ``consent`` is honoured where there is one.
    keys : columns, or groups of them: ``["email", ("birth_date", "family_name:3")]``; ``:3`` takes
        the first three letters. ``initials`` and ``names`` are made of given and family name
        whatever their order. By default those that suit the fields.
    fields : column -> what it holds: given, family, date, email, phone, text, exact. By default
        the columns whose names say it.

    Examples
    --------
    >>> df = pd.DataFrame({"record": list("abc"), "email": ["x@y.example", "X@y.example", None]})
    >>> pairs(df).table
      left right  keys
    0    a     b     1
    """
    if isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 2:
        raise ValueError(f"{_FUNCTION}() needs most as a whole number from 2 up; got {most!r}.")
    table = _fields.checked(records, function=_FUNCTION)
    kinds = _fields.kinds(records, fields, function=_FUNCTION)
    texts = _fields.normalised(table, kinds)
    chosen = _default(kinds) if keys is None else list(keys)
    if not chosen or isinstance(keys, str):
        raise ValueError(
            f'{_FUNCTION}() needs keys as a list, for example ["email", ("birth_date", "city")]; '
            f"got {keys!r}."
        )
    found, rows = [], []
    # Within an oversized block what looks alike should lie side by side.
    beside = _ranks(texts)
    for key in chosen:
        ones, row = _by_key(
            texts, kinds, (key,) if isinstance(key, str) else tuple(key), most, beside
        )
        found.append(ones)
        rows.append(row)
    codes, times, only = _joined(found)
    left, right = codes // max(len(table), 1), codes % max(len(table), 1)
    name = table["record"].to_numpy()
    blocks = pd.DataFrame(rows).assign(only_here=only)
    notes = [_fields.consent_note(records, len(table)), *_on_blocks(blocks, most)]
    return Pairs(
        table=pd.DataFrame({"left": name[left], "right": name[right], "keys": times}),
        n=len(codes),
        of_all=len(table) * (len(table) - 1) // 2,
        records=len(table),
        notes=tuple(notes),
        blocks=blocks,
    )


def _default(kinds: dict[str, str]) -> list[Key]:
    by = {kind: [n for n, k in kinds.items() if k == kind] for kind in _fields.KINDS}
    keys: list[Key] = [*by["email"], *by["phone"]]
    names = ["names"] if by["given"] and by["family"] else [f"{n}:4" for n in by["family"]]
    first = ["initials"] if by["given"] and by["family"] else [f"{n}:1" for n in by["family"]]
    keys += [(date, *first) for date in by["date"]]
    # A nickname may begin with another letter.
    keys += [(date, f"{name}:3") for date in by["date"] for name in by["family"] if by["given"]]
    keys += [(*names, city) for city in by["text"]] if names else []
    return keys or [(name,) for name in kinds]


def _by_key(
    texts: pd.DataFrame, kinds: dict[str, str], key: tuple[str, ...], most: int, beside: np.ndarray
) -> tuple[np.ndarray, dict[str, object]]:
    """Codes left * n + right of the pairs that share this key, left below right."""
    n = len(texts)
    parts = [_part(texts, kinds, part) for part in key]
    empty = np.zeros(n, bool)
    joined = np.zeros(n, np.int64)
    for part in parts:
        empty |= part == ""
        codes, _ = pd.factorize(part)
        joined, _ = pd.factorize(joined * (codes.max(initial=0) + 1) + codes)
    with_key = np.flatnonzero(~empty)
    size = np.bincount(joined[with_key], minlength=1)
    order = with_key[np.lexsort((beside[with_key], joined[with_key]))]
    block = joined[order]
    reach = np.where(size[block] > most, WINDOW, size[block] - 1) if len(order) else block
    ones = []
    for step in range(1, int(reach.max(initial=0)) + 1):
        here = np.flatnonzero((reach[:-step] >= step) & (block[:-step] == block[step:]))
        a, b = order[here], order[here + step]
        ones.append(np.minimum(a, b) * n + np.maximum(a, b))
    codes = np.concatenate(ones) if ones else np.zeros(0, np.int64)
    shared = size[size > 1]
    return codes, {
        "key": " + ".join(key),
        "blocks": len(shared),
        "largest": int(size.max(initial=0)),
        "oversized": int((shared > most).sum()),
        "without": int(empty.sum()),
        "pairs": len(codes),
    }


def _ranks(texts: pd.DataFrame) -> np.ndarray:
    """Alphabetical place of each record by all its fields."""
    return np.argsort(np.lexsort([pd.factorize(texts[n], sort=True)[0] for n in texts][::-1]))


def _part(texts: pd.DataFrame, kinds: dict[str, str], part: str) -> np.ndarray:
    if part in ("initials", "names") and part not in texts.columns:
        columns = [name for name, kind in kinds.items() if kind in ("given", "family")]
        if len(columns) != 2:
            raise TableError(
                f"{_FUNCTION}() makes the key {part!r} of a given and a family name; "
                f"the fields here are {', '.join(f'{n} ({k})' for n, k in kinds.items())}."
            )
        width = 1 if part == "initials" else 4
        one, two = (texts[name].str[:width].to_numpy(object) for name in columns)
        return np.asarray(
            [" ".join(sorted((a, b))) if a and b else "" for a, b in zip(one, two, strict=True)],
            dtype=object,
        )
    name, _, width_text = part.partition(":")
    if name not in texts.columns or (width_text and not width_text.isdigit()):
        raise TableError(
            f"{_FUNCTION}() cannot make a key of {part!r}; the fields are "
            f"{', '.join(texts.columns)}, also cut as in {texts.columns[0]}:3."
        )
    column = texts[name]
    return (column.str[: int(width_text)] if width_text else column).to_numpy(object)


def _joined(found: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Each pair once, how many keys bring it, and per key how many no other brings."""
    codes, where, times = np.unique(np.concatenate(found), return_inverse=True, return_counts=True)
    alone = times[where] == 1
    ends = np.cumsum([len(ones) for ones in found])
    only = [int(part.sum()) for part in np.split(alone, ends[:-1])]
    return codes, times, only


def _on_blocks(blocks: pd.DataFrame, most: int) -> list[str]:
    large = blocks[blocks["oversized"] > 0]
    return [
        f"{row['key']}: {_tables._count(row['oversized'], 'block')} of more than {most} records "
        f"(the largest {row['largest']:,}); there each record was compared with the next {WINDOW} "
        "in alphabetical order only, so some true pairs may be missed. A longer key makes smaller "
        "blocks."
        for row in large.to_dict("records")
    ]
