"""One round of labelling as a text that travels: the items, the classes and the guide."""

import base64
import binascii
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import pandas as pd

from mlkit import _tables
from mlkit.tags import _events
from mlkit.tags._events import JournalError

_FORMAT = 1
_NAME = re.compile(r"\w[\w.-]{0,39}")
_TELLING = ("label", "gold", "prediction", "score")
_LARGEST = 50_000_000
_MOST_LABELS = 60


@dataclass(frozen=True, eq=False)
class Round:
    """What everybody labels, in which classes, by which guide.

    ``name`` is the version of the guide that is recorded with each label, ``items`` a table with
    ``item`` and what is shown, ``at`` when it was given out (UTC).
    """

    name: str
    guide: str
    labels: tuple[str, ...]
    items: pd.DataFrame
    at: str

    def __repr__(self) -> str:
        """Name, number of items, classes, and how the guide begins."""
        guide = " ".join(self.guide.split())
        return (
            f"Round {self.name}: {_tables._count(len(self.items), 'item')}, "
            f"to be called {', '.join(self.labels)}. Guide: "
            f"{guide if len(guide) <= 100 else guide[:99] + '…'}"
        )


def make(name: Any, *, items: pd.DataFrame, labels: Iterable[str], guide: Any) -> Round:
    """A round whose every part was checked."""
    function = "room.give_out"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"{function}({name!r}): a round's name has up to 40 letters, digits, dots, hyphens and "
            'underscores, and no blank: "v1".'
        )
    table = _tables.items(items, function=function)
    telling = [column for column in _TELLING if column in table.columns]
    if telling:
        raise ValueError(
            f"{function}(): the column {telling[0]} tells the answer, and everybody who labels can "
            f"read a round. Leave it out: items.drop(columns={telling!r})."
        )
    classes = [labels] if isinstance(labels, str) else list(labels)
    told = [label for label in classes if isinstance(label, str) and label.strip()]
    if len(told) < len(classes) or len(set(classes)) < len(classes):
        raise ValueError(f"{function}(): labels are texts that differ; got {classes!r}.")
    if not 2 <= len(classes) <= _MOST_LABELS:
        raise ValueError(
            f"{function}(): a round has 2 to {_MOST_LABELS} labels to choose from; got "
            f"{len(classes)}."
        )
    if not isinstance(guide, str) or not guide.strip():
        raise ValueError(f"{function}(): the guide is a text that says how to label; it is empty.")
    return Round(name, guide.strip(), tuple(classes), table, _events.now())


def same(one: Round, other: Round) -> bool:
    """Whether two rounds say the same, whenever they were given out."""
    return _content(one) == _content(other)


def dump(one: Round) -> str:
    """The round as JSON; pictures and sounds given as bytes travel in it."""
    text = json.dumps({"mlkit_round": _FORMAT, "at": one.at, **_content(one)}, ensure_ascii=False)
    if len(text) > _LARGEST:
        raise ValueError(
            f"room.give_out(): this round would take {len(text) / 1e6:.0f} MB; at most "
            f"{_LARGEST / 1e6:.0f} MB travel. Take fewer items, or smaller pictures."
        )
    return text


def load(text: str, *, where: str) -> Round:
    """The round that a text holds."""
    try:
        found = json.loads(text)
        if found["mlkit_round"] != _FORMAT:
            raise JournalError(
                f"{where} was written by another version of mlkit (its format is "
                f"{found['mlkit_round']}, this one reads {_FORMAT}). Update mlkit."
            )
        cells = [[_opened(cell) for cell in row] for row in found["rows"]]
        items = pd.DataFrame(cells, columns=found["columns"])
        return Round(found["name"], found["guide"], tuple(found["labels"]), items, found["at"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise JournalError(
            f"{where} is not a round that room.give_out() wrote ({type(error).__name__}). Nothing "
            "was changed; ask for it again."
        ) from error


def _content(one: Round) -> dict[str, Any]:
    columns = [str(name) for name in one.items.columns]
    rows = [
        [_closed(cell, column) for cell, column in zip(row, columns, strict=True)]
        for row in one.items.itertuples(index=False, name=None)
    ]
    return {
        "name": one.name,
        "guide": one.guide,
        "labels": list(one.labels),
        "columns": columns,
        "rows": rows,
    }


def _closed(cell: Any, column: str) -> Any:
    """A cell as JSON has it."""
    if isinstance(cell, bytes):
        return {"base64": base64.b64encode(cell).decode()}
    if isinstance(cell, str):
        return str(cell)
    if cell is None or cell is pd.NA or cell is pd.NaT or _is_nan(cell):
        return None
    if isinstance(cell, bool) or type(cell).__name__ == "bool_":
        return bool(cell)
    if isinstance(cell, Integral):
        return int(cell)
    if isinstance(cell, Real):
        return float(cell)
    raise ValueError(
        f"room.give_out(): the column {column} holds a {type(cell).__name__}, which cannot travel. "
        "Texts and numbers can, and pictures and sounds as the bytes of a file: "
        'items["path"].map(lambda path: Path(path).read_bytes()).'
    )


def _is_nan(cell: Any) -> bool:
    return isinstance(cell, Real) and math.isnan(float(cell))


def _opened(cell: Any) -> Any:
    return base64.b64decode(cell["base64"]) if isinstance(cell, dict) else cell
