"""Which item is on, which drawings of it, and what of it the person already knows."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlkit.widgets._plan import Plan, Values, short_hash, written


@dataclass(frozen=True)
class Drawing:
    """One way to change an item: it can be done again from this alone."""

    item: str
    seed: int
    values: tuple[tuple[str, bool | int | float], ...] = ()


@dataclass(frozen=True)
class Judged:
    """What an answer is about, as the browser hands it back."""

    source: str
    steps: str
    blind: bool
    drawing: Drawing

    @property
    def item(self) -> str:
        """Its name in the journal."""
        return f"{self.source}~{short_hash(self.steps)}"


class Course:
    """Goes through the items in random order; what is drawn follows from item and seed alone."""

    def __init__(
        self, items: Sequence[str], plan: Plan, *, copies: int, rng: np.random.Generator
    ) -> None:
        self.plan = plan
        self.items = [items[place] for place in rng.permutation(len(items))]
        self._base = int(rng.integers(2**32))
        self._copies = copies
        self._digests = {item: digest(f"{self._base}\n{item}") for item in items}
        self._by_digest = {digest: item for item, digest in self._digests.items()}
        self._drawn: dict[str, int] = {}
        self.revealed: dict[str, str] = {}  # items of which the "label" or "original" was shown
        self._shown: dict[str, set[Drawing]] = {}
        self.turn = 0
        self.item = self.items[0]
        self._arrive()

    def _arrive(self) -> None:
        self.turn += 1
        self.chosen = 0
        self.values: Values = {}
        self.told = False  # the label is shown
        self.compared = False  # the original is shown

    def reveal(self, *, told: bool = False) -> None:
        """Show the original, and with ``told`` the label too, until the next item comes."""
        self.told, self.compared = self.told or told, True
        self.revealed[self.item] = "label" if self.told else "original"

    def see(self, drawing: Drawing) -> None:
        """This one was on the screen."""
        self._shown.setdefault(drawing.item, set()).add(drawing)

    def known(self, drawing: Drawing) -> str:
        """By what one may know the item besides this drawing; "" where one answers blind."""
        others = self._shown.get(drawing.item, set()) - {drawing}
        return self.revealed.get(drawing.item, "drawing" if others else "")

    def next(self, answered: Collection[str], told: Collection[str]) -> None:
        """The next item without an answer; when all have one, the next in order."""
        here = self.items.index(self.item)
        order = [*self.items[here + 1 :], *self.items[: here + 1]]
        self.item = _first(order, answered, {*told, *self.revealed})
        self._drawn[self.item] = self._drawn.get(self.item, -1) + 1
        self._arrive()

    def start(self, answers: dict[str, int], told: Collection[str]) -> None:
        """Where the journal says: at the first item without an answer, and with new drawings."""
        self._drawn = dict(answers)
        self.item = _first(self.items, answers, told)
        self._arrive()

    def again(self) -> None:
        """Draw everything anew; the item stays."""
        self._drawn[self.item] = self._drawn.get(self.item, 0) + 1
        self.values, self.chosen = {}, 0

    def drawing(self, copy: int | None = None) -> Drawing:
        copy = self.chosen if copy is None else copy
        seed = digest(f"{self._base}\n{self._drawn.get(self.item, 0)}\n{copy}\n{self.item}")
        return Drawing(self.item, int(seed[:8], 16), tuple(sorted(self.values.items())))

    @property
    def copies(self) -> range:
        return range(self._copies)

    def steps(self, drawing: Drawing) -> list[dict[str, Any]]:
        return self.plan.steps(drawing.seed, dict(drawing.values))

    def judged(self, drawing: Drawing, *, blind: bool) -> Judged:
        return Judged(drawing.item, written(self.steps(drawing)), blind, drawing)

    # The browser holds an answer until the journal has it, past the end of this kernel: what it
    # is about travels with it, and tells nothing of the item.

    def key(self, judged: Judged) -> str:
        drawing = judged.drawing
        about = {"seed": drawing.seed, "values": drawing.values}
        about |= {"steps": judged.steps, "blind": judged.blind}
        return f"{self._digests[drawing.item]}~{json.dumps(about)}"

    def from_key(self, key: str) -> Judged:
        digest, _, about = key.partition("~")
        item = self._by_digest.get(digest)
        if item is None:
            raise ValueError("the browser holds an answer about an item that is not in this table")
        found = json.loads(about)
        values = tuple((str(name), value) for name, value in found["values"])
        drawing = Drawing(item, int(found["seed"]), values)
        return Judged(item, str(found["steps"]), bool(found["blind"]), drawing)

    def repeats(self, judged: Judged) -> bool:
        """Whether the drawing still comes out as it was: the pipeline may have changed since."""
        known = self.plan.controls
        same = all(name in known for name, _ in judged.drawing.values)
        return same and written(self.steps(judged.drawing)) == judged.steps


def _first(order: Sequence[str], answered: Collection[str], known: Collection[str]) -> str:
    """The first that can be answered blind, else one without an answer, else any."""
    left = [item for item in order if item not in answered]
    return next((item for item in left if item not in known), (left or order)[0])


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
