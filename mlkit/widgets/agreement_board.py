"""How far a class agrees, on the big screen, while people label."""

import hashlib
import threading
import time
from collections.abc import Callable
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
    ) -> None:
        self._read = _reader(source)
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
        now = _of(table, self._guide)
        self.labels, self.people = len(now), int(now["annotator"].nunique())
        self.each = now.groupby("annotator")["item"].nunique().sort_values(ascending=False)
        found = labels.agreement(now, rng=0) if len(now) else None
        self.agreement = found if found is not None and found.n else None
        self.confused = labels.confusions(now)
        self.contested = labels.disagreements(now).query("disagreement > 0")
        self.change: Comparison | None = None
        if self._before is not None and self.agreement is not None:
            earlier = _of(table, self._before)
            if len(earlier):
                self.change = labels.compare(earlier, now, rng=0)
        self._classes = sorted(now["label"].dropna().unique(), key=str)  # each keeps its colour
        self._votes = pd.crosstab(now["item"], now["label"]) if len(now) else None

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
            "each": [int(n) for n in self.each],
            "versions": self._versions(),
            "said": self._said(),
            "pairs": pairs,
            "contested": contested,
            "classes": [str(name) for name in self._classes],
            "shown": self._how is not None,
            "notes": self._notes,
        }

    def _first(self, table: pd.DataFrame) -> list[dict[Any, Any]]:
        return table.head(self._most).to_dict("records")

    def _versions(self) -> list[dict[str, Any]]:
        """One row a version: name, alpha, its interval."""
        if self.agreement is None:
            return []
        now = self.agreement
        rows = [(self._guide or "now", now.alpha, now.low, now.high)]
        if self.change is not None:
            first = self.change.table.iloc[0]
            limits = first["alpha"], first["alpha_low"], first["alpha_high"]
            rows.insert(0, (str(self._before), *limits))
        return [
            {"name": name, "alpha": _number(alpha), "low": _number(low), "high": _number(high)}
            for name, alpha, low, high in rows
        ]

    def _said(self) -> str:
        if self.agreement is None:
            return repr(self).split(". ", 1)[1]
        if self.change is not None:
            return repr(self.change)
        row = self.agreement.table.iloc[0]
        chance = self.agreement.chance
        return (
            f"Two people say the same of an item in {_show.percent(row['percent'], digits=0)} of "
            f"pairs; if all labels lay in one hat, in {_show.percent(chance, digits=0)}."
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


def _number(value: Any) -> float | None:
    """JSON knows no NaN."""
    return None if value is None or np.isnan(value) else float(value)
