"""How far a class agrees, on the big screen, while people label."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import anywidget
import numpy as np
import pandas as pd

from mlkit import _show, _tables, labels
from mlkit.labels import Comparison
from mlkit.tags import Classroom, Journal, JournalError
from mlkit.widgets import _comm, _media, _surface

Source = Classroom | Journal | Callable[[], pd.DataFrame]
_EARLY = 5  # items with two labels or more, below which alpha jumps about


class AgreementBoard(anywidget.AnyWidget):
    """Do people mean the same? Alpha, confused pairs and contested items, read again and again.

    The page in the browser asks for news every few seconds, as long as it is seen and not
    stopped; no thread and no timer lives in the kernel. Nobody's name stands on it. The contested
    items are hidden until they are asked for, because whoever still labels would see the votes.

    Parameters
    ----------
    source
        A Classroom or Journal, or a function that gives an annotations table.
    items, show
        What to show of the contested items: a table with ``item``, and a column of it (pictures,
        sounds, text), a function of the row, or None for the row.
    guide, before
        Count labels under this version of the guide alone; compare with those under an earlier.
    title
        What stands above, by default the guide's version.
    every_s
        How often to ask, in seconds.
    most
        How many pairs and items to show.
    classes
        The classes in their order, by default those of the Classroom's round, else by name.

    Attributes
    ----------
    agreement, confused, contested, change
        What was read last, as ``labels.agreement``, ``confusions``, ``disagreements`` and
        ``compare`` give it; the first and the last are None where there is nothing to tell.
    people, labels
        How many have labelled, and how many labels there are.

    Examples
    --------
    >>> given = pd.DataFrame({"item": list("aabb"), "annotator": [1, 2] * 2,
    ...     "label": ["worn", "good", "worn", "worn"]})
    >>> board = AgreementBoard(lambda: given, title="Phones")
    >>> board.people, board.labels, board.confused["share"].tolist()
    (2, 4, [1.0])
    """

    _esm = _surface.script("agreement_board")
    _css = _surface.style("agreement_board")

    def __init__(  # noqa: D107 - told above
        self,
        source: Source,
        *,
        items: pd.DataFrame | None = None,
        show: str | Callable[[pd.Series], Any] | None = None,
        guide: str | None = None,
        before: str | None = None,
        title: str | None = None,
        every_s: float = 3.0,
        most: int = 6,
        classes: Iterable[str] | None = None,
    ) -> None:
        self._read = _reader(source)
        self._room = source if isinstance(source, Classroom) else None
        self._order = None if classes is None else [str(name) for name in classes]
        if not isinstance(every_s, int | float) or not 0.5 <= every_s <= 3600:
            raise ValueError(f"AgreementBoard(every_s={every_s!r}): give seconds from 0.5 to 3600.")
        table = None if items is None else _tables.items(items, function="AgreementBoard")
        self._items = table
        self._how = (
            None if table is None else _media.renderer(table, show, function="AgreementBoard")
        )
        self._guide, self._before, self._most = guide, before, int(most)
        self._title = title or (f"Round {guide}" if guide else "Agreement")
        self._every_s = float(every_s)
        self._lock = threading.RLock()
        self._table: pd.DataFrame | None = None
        self._by_key: dict[str, str] = {}
        self._asked = 0.0
        self.refresh()
        anywidget.AnyWidget.__init__(self)
        _comm.hear_while_busy(self)
        _comm.hear_quietly(self)
        self.on_msg(self._on_message)

    def refresh(self) -> None:
        """Read what people have said by now."""
        with self._lock:
            began = time.perf_counter()
            table = self._read()
            if self._table is None or not table.equals(self._table):
                self._work_out(table)
                self._table = table
            self._notes = [str(note) for note in table.attrs.get("notes", [])]
            self._took_s = time.perf_counter() - began
            self._at = datetime.now()  # the room looks at its own clock
            self._asked = time.monotonic()
        if getattr(self, "comm", None) is not None:
            self._send_state()

    def __repr__(self) -> str:
        """One sentence that also serves where no widget can be shown."""
        if self.agreement is None:
            said = "Nobody has labelled yet." if not self.labels else "No item has two labels yet."
        else:
            said = repr(self.change or self.agreement)
        people, given = _tables._count(self.people, "person"), _tables._count(self.labels, "label")
        people = people.replace("persons", "people")
        return f"{self._title}, {people}, {given}. {said}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/plain"] = repr(self)
        return bundle

    def _work_out(self, table: pd.DataFrame) -> None:
        table = table.assign(label=self._in_order(table["label"]))
        now = _of(table, self._guide)
        self.labels, self.people = len(now), int(now["annotator"].nunique())
        self.agreement = _agreement(now)
        self.confused = labels.confusions(now)
        self.contested = labels.disagreements(now).query("disagreement > 0")
        self.change: Comparison | None = None
        self._halves = {self._guide or "now": (now, self.agreement)}
        if self._before is not None:
            earlier = _of(table, self._before)
            self._halves = {self._before: (earlier, _agreement(earlier)), **self._halves}
            if self.agreement is not None and len(earlier):
                self.change = labels.compare(earlier, now, rng=0)
        used = set(now["label"].dropna())
        self._classes = [name for name in table["label"].cat.categories if name in used]
        self._votes = pd.crosstab(now["item"], now["label"]) if len(now) else None

    def _in_order(self, given: pd.Series) -> pd.Series:
        """Labels as classes in their order, so that each keeps its place and colour."""
        if self._order is None and self._room is not None and self._guide in self._room.rounds:
            self._order = list(self._room.round(self._guide).labels)
        used = sorted(given.dropna().unique(), key=str)
        known = [name for name in self._order or [] if name in used]
        rest = [name for name in used if name not in known]
        return given.astype(pd.CategoricalDtype([*known, *rest]))

    # The wire

    def _on_message(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        try:
            if content.get("op") == "want":
                for key in content["items"]:
                    self._send_item(key)
            elif time.monotonic() - self._asked < self._every_s / 2:
                self._send_state()  # two views of one board ask, and one reading serves both
            else:
                self.refresh()
        except JournalError as error:
            self.send({"op": "error", "text": str(error)})
        except Exception as error:  # noqa: BLE001 - raised on a thread nobody looks at: tell the widget
            self.send({"op": "error", "text": f"{type(error).__name__}: {error}"})

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message to the front end."""
        super().send(content, buffers)
        _comm.hear_while_busy(self)

    def _send_state(self) -> None:
        with self._lock:
            state = self._state()
        self.send(state)

    def _state(self) -> dict[str, Any]:
        contested = [self._contested(row) for row in self._first(self.contested)]
        pairs = [
            {"one": str(row["label_1"]), "other": str(row["label_2"]), "share": row["share"]}
            for row in self._first(self.confused)
        ]
        expected = 0 if self._items is None else len(self._items)
        return {
            "op": "state",
            "title": self._title,
            "at": f"{self._at:%H:%M:%S}",
            "took_s": round(self._took_s, 3),
            "every_s": self._every_s,
            "people": self.people,
            "labels": self.labels,
            "items": expected,
            "halves": [_half(name, table) for name, (table, _) in self._halves.items()],
            "versions": self._versions(),
            "said": self._said(),
            "pairs": pairs,
            "contested": contested,
            "classes": [str(name) for name in self._classes],
            "shown": self._how is not None,
            "notes": [*self._notes, *self._few()],
        }

    def _first(self, table: pd.DataFrame) -> list[dict[Any, Any]]:
        return table.head(self._most).to_dict("records")

    def _versions(self) -> list[dict[str, Any]]:
        """One row a version: name, alpha, its interval, or why there is none."""
        rows: list[dict[str, Any]] = []
        for name, (_, found) in self._halves.items():
            n = 0 if found is None else found.n
            if found is None or n < _EARLY:
                why = f"too early: {_tables._count(n, 'item')} with two labels"
                rows.append({"name": name, "alpha": None, "low": None, "high": None, "why": why})
                continue
            limits = {"low": _number(found.low), "high": _number(found.high)}
            rows.append({"name": name, "alpha": _number(found.alpha), **limits, "why": ""})
        return rows

    def _few(self) -> list[str]:
        """Of which half too few people have labelled to tell how far they agree."""
        if self._before is None:
            return []
        people = {name: table["annotator"].nunique() for name, (table, _) in self._halves.items()}
        return [
            f"{name}: {n} of the two people that agreement needs at the least, and of the three "
            "that an interval needs."
            for name, n in people.items()
            if n < 2
        ]

    def _said(self) -> str:
        if self.agreement is None:
            return repr(self).split(". ", 1)[1]
        if self.change is not None:
            return _gain(self.change, str(self._before), self._guide or "now")
        row = self.agreement.table.iloc[0]
        return (
            f"Two people say the same of an item in {_show.percent(row['percent'], digits=0)} of "
            "pairs. By chance alone, with the same shares of labels, it would be "
            f"{_show.percent(self.agreement.chance, digits=0)}."
        )

    def _contested(self, row: dict[Any, Any]) -> dict[str, Any]:
        item = row["item"]
        key = hashlib.sha256(item.encode()).hexdigest()[:16]
        self._by_key[key] = item
        votes = {} if self._votes is None else self._votes.loc[item]
        return {"key": key, "votes": [int(votes[name]) for name in self._classes]}

    def _send_item(self, key: str) -> None:
        item = self._by_key.get(key)
        if item is None or self._items is None or self._how is None:
            return
        rows = self._items[self._items["item"] == item]
        if rows.empty:
            media = _media.Media({"kind": "broken", "reason": "It is not in the table of items."})
        else:
            media = _media.render(rows.iloc[0], self._how)
        if "cells" in media.head:  # names often tell the class
            media.head["cells"] = [cell for cell in media.head["cells"] if cell[0] != "item"]
        self.send({"op": "item", "key": key, "media": media.head}, buffers=media.buffers)


def _reader(source: Any) -> Callable[[], pd.DataFrame]:
    read = source.annotations if isinstance(source, Classroom | Journal) else source
    if not callable(read):
        raise TypeError(
            "AgreementBoard() reads from a Classroom, a Journal or a function that gives an "
            f"annotations table; it was given a {type(source).__name__}. A table that stays as "
            "it is: AgreementBoard(lambda: table)."
        )
    return lambda: _tables.annotations(read(), function="AgreementBoard")


def _of(table: pd.DataFrame, guide: str | None) -> pd.DataFrame:
    """First looks under one version of the guide."""
    first = table[table["repeat"] == 0]
    if guide is None or "guide" not in first.columns:
        return first
    return first[first["guide"] == guide]


def _agreement(table: pd.DataFrame) -> labels.Agreement | None:
    found = labels.agreement(table, rng=0) if len(table) else None
    return found if found is not None and found.n else None


def _half(name: str, table: pd.DataFrame) -> dict[str, Any]:
    """How many people and labels under one guide, and how far each person is."""
    each = table.groupby("annotator")["item"].nunique().sort_values(ascending=False)
    return {
        "name": name,
        "people": len(each),
        "labels": len(table),
        "each": [int(n) for n in each],
    }


def _gain(change: Comparison, before: str, after: str) -> str:
    """The sentence to take home, short enough for the last row."""
    if np.isnan(change.gain):
        return repr(change)
    old, new = change.table["alpha"]
    said = f"From {before} to {after}, alpha went from {old:.2f} to {new:.2f}: "
    said += f"{_signed(change.gain)}"
    if np.isnan(change.low):
        return f"{said}. With so few people or items, we cannot tell yet."
    said += f" ({_signed(change.low)} to {_signed(change.high)})."
    if change.low <= 0 <= change.high:
        return f"{said} We cannot tell yet: luck alone may do as much."
    other = "items" if change.people == "same" else "items and people"
    return f"{said} More than the luck of {other}."


def _signed(value: float) -> str:
    """Two decimals, and no sign before a nought."""
    short = round(value, 2) + 0.0
    return f"{short:+.2f}" if short else "0.00"


def _number(value: Any) -> float | None:
    """JSON knows no NaN."""
    return None if value is None or np.isnan(value) else float(value)
