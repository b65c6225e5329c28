"""The confusion matrix whose cells are filters: one click says which items, as pandas would."""

import re
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets

from mlkit import _tables
from mlkit.widgets import _comm
from mlkit.widgets.tagger import Tagger

_MOST_CLASSES = 60


class Confusion(anywidget.AnyWidget):
    """Which classes are taken for which? A click on a cell chooses its items.

    Parameters
    ----------
    predictions
        A table ``item, label, prediction``, one row an item. Rows without a label or a
        prediction are left out and counted.
    tagger
        A Tagger over the same items: its queue is narrowed to the chosen cell.

    Examples
    --------
    >>> import pandas as pd
    >>> said = pd.DataFrame({"item": ["a", "b"], "label": ["3", "8"], "prediction": ["8", "8"]})
    >>> confusion = Confusion(said)
    >>> confusion.choose(label="3", prediction="8")
    >>> print(confusion.expression)
    label == "3" and prediction == "8"
    >>> said[confusion.mask]["item"].tolist()
    ['a']
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    counts: traitlets.List[list[int]] = traitlets.List().tag(sync=True)
    chosen = traitlets.List(traitlets.Int(), default_value=[-1, -1]).tag(sync=True)
    expression = traitlets.Unicode().tag(sync=True)
    remark = traitlets.Unicode().tag(sync=True)

    def __init__(  # noqa: D107 - told above
        self, predictions: pd.DataFrame, *, tagger: Tagger | None = None
    ) -> None:
        table = _tables.predictions(predictions, function="Confusion")
        self._table = table
        self._index = predictions.index
        self._tagger = tagger
        known = table[table["label"].notna() & table["prediction"].notna()]
        if known.empty:
            raise _tables.TableError(
                "Confusion() needs at least one row with both a label and a prediction."
            )
        self._classes, remark = _classes(known)
        if len(known) < len(table):
            remark += f" {len(table) - len(known):,} rows without a label or a prediction left out."
        super().__init__(
            names=[str(name) for name in self._classes],
            counts=_counts(known, self._classes),
            remark=remark.strip(),
        )
        _comm.hear_while_busy(self)
        _comm.hear_quietly(self)
        self.observe(self._follow, "chosen")

    @property
    def mask(self) -> pd.Series:
        """The chosen rows, over the rows of the table given; all of them while none is chosen."""
        label, prediction = self._chosen()
        chosen = np.ones(len(self._table), bool)
        for name, value in (("label", label), ("prediction", prediction)):
            if value is not None:
                chosen &= (self._table[name] == value).fillna(False).to_numpy(dtype=bool)
        return pd.Series(chosen, index=self._index, name="chosen")

    def choose(self, *, label: Any = None, prediction: Any = None) -> None:
        """Choose a cell, a row (a label alone), a column (a prediction alone), or nothing."""
        self.chosen = [self._place(label), self._place(prediction)]

    def __repr__(self) -> str:
        """One line that also serves where no widget can be shown."""
        said = self.expression or "nothing chosen"
        return (
            f"Confusion: {len(self.names):,} classes, {said}. To choose, run this cell in "
            "JupyterLab, or use confusion.choose(label=..., prediction=...)."
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/plain"] = repr(self)
        return bundle

    def send_state(self, key: Any = None) -> None:
        """Send a change to the front end."""
        super().send_state(key)
        _comm.hear_while_busy(self)

    def _place(self, value: Any) -> int:
        if value is None:
            return -1
        if value in self._classes:
            return self._classes.index(value)
        shown = ", ".join(map(repr, self._classes[:8]))
        raise ValueError(f"there is no class {value!r} here; the first classes are {shown}.")

    def _chosen(self) -> list[Any]:
        return [self._classes[place] if place >= 0 else None for place in self.chosen]

    def _follow(self, _: Any) -> None:
        label, prediction = self._chosen()
        parts = [("label", label), ("prediction", prediction)]
        self.expression = " and ".join(
            f"{name} == {literal(value)}" for name, value in parts if value is not None
        )
        if self._tagger is not None:
            self._tagger.only = self.mask.to_numpy() if self.expression else None


def literal(value: Any) -> str:
    """A value as it stands in a pandas expression.

    >>> print(literal("it's"), literal('a "b"'), literal(3))
    "it's" 'a "b"' 3
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        text = repr(value)
        if text.startswith("'") and '"' not in text:
            text = f'"{text[1:-1]}"'
        # pandas takes a backtick for the start of a column's name, even inside quotes.
        return text.replace("`", r"\x60")
    return repr(value)


def _classes(known: pd.DataFrame) -> tuple[list[Any], str]:
    """In order; of very many classes those with the most errors."""
    both = pd.concat([known["label"].astype(object), known["prediction"].astype(object)])
    found = list(both.unique())
    found.sort(key=_by_number)
    if len(found) <= _MOST_CLASSES:
        return found, ""
    wrong = known[known["label"].astype(object) != known["prediction"].astype(object)]
    errors = pd.concat([wrong["label"], wrong["prediction"]]).astype(object).value_counts()
    shown = set(errors.index[:_MOST_CLASSES])
    kept = [name for name in found if name in shown] or found[:_MOST_CLASSES]
    return kept, f"The {len(kept)} of {len(found):,} classes with the most errors are shown."


def _by_number(name: Any) -> list[Any]:
    """Class 2 comes before class 10."""
    parts = re.split(r"(\d+)", str(name))
    return [int(part) if place % 2 else part.lower() for place, part in enumerate(parts)]


def _counts(known: pd.DataFrame, classes: list[Any]) -> list[list[int]]:
    place = {name: number for number, name in enumerate(classes)}
    rows = known["label"].astype(object).map(place)
    columns = known["prediction"].astype(object).map(place)
    counts = np.zeros((len(classes), len(classes)), int)
    both = rows.notna() & columns.notna()
    np.add.at(counts, (rows[both].astype(int), columns[both].astype(int)), 1)
    return counts.tolist()
