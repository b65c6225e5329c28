"""The project card: on one page what is built, for what, and what counts as good enough."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import pandas as pd

from mlkit.scoping import _ethics, _page, _targets

_FUNCTION = "scoping.card"


class Result(Protocol):
    """What a part of the card comes from: a table, and one sentence about it."""

    @property
    def table(self) -> pd.DataFrame:
        """One row a part."""


@dataclass(frozen=True)
class Card:
    """What is built, for what, and what counts as good enough.

    ``targets`` has ``metric, target, unit, at_least, anchor, source``; ``ethics`` has ``prompt,
    answer, open``. ``ideas, chain, needs, milestones, budget`` are tables, or None where nobody
    has filled them in; ``says`` holds the sentence of each part that has one. ``example``: the
    project is made up. ``written``: when (UTC).
    """

    name: str
    problem: str
    solution: str
    targets: pd.DataFrame
    ethics: pd.DataFrame
    ideas: pd.DataFrame | None = None
    chain: pd.DataFrame | None = None
    needs: pd.DataFrame | None = None
    milestones: pd.DataFrame | None = None
    budget: pd.DataFrame | None = None
    says: Mapping[str, str] = field(default_factory=dict)
    example: bool = False
    written: str = ""

    @property
    def open(self) -> list[str]:
        """What nobody has answered or filled in yet."""
        return _page.still_open(self)

    def check(self, measured: Mapping[str, Any]) -> pd.DataFrame:
        """Is what was measured good enough?

        ``measured`` maps metrics to a number, or to (value, low, high) with its interval.
        Gives ``metric, target, measured, met`` (nullable Boolean) and ``why``: a row for each
        target, then one for each measured metric that has none. ``met`` is missing where
        nothing was measured, where there is no target, and where the target lies inside
        the interval: there more items have to decide.

        >>> from mlkit.scoping import example_card
        >>> example_card().check({"accuracy": 0.8})[["metric", "target", "met"]].head(2)
               metric  target    met
        0    accuracy    0.93  False
        1  latency_ms  100.00   <NA>
        """
        return _targets.check(self.targets, measured)

    def to_markdown(self) -> str:
        """The card as one page of Markdown; what people typed is escaped."""
        return _page.markdown(self)

    def __repr__(self) -> str:
        return _page.sentence(self)

    def _repr_markdown_(self) -> str:
        return _page.markdown(self)


def card(
    targets: pd.DataFrame,
    *,
    name: str,
    problem: str,
    solution: str,
    ideas: Result | None = None,
    chain: Result | None = None,
    needs: pd.DataFrame | None = None,
    milestones: Result | None = None,
    budget: Result | None = None,
    ethics: pd.DataFrame | None = None,
    example: bool = False,
) -> Card:
    """What will be built, and when is it good enough?

    Parameters
    ----------
    targets : as ``scoping.targets`` takes them.
    name, problem, solution : a few words each; the problem is one that people have and would
        have without any model.
    ideas, chain : from ``scoping.rank`` and ``scoping.chain``.
    needs : from ``scoping.needs``.
    milestones, budget : from ``scoping.total``.
    ethics : ``prompt, answer``; what is not answered is printed as open.
    example : the project is made up, and the card says so.

    What is left out stands under *still open*. Raises ``ValueError`` for an empty name, problem
    or solution, and where ``targets`` or ``ethics`` do.

    Examples
    --------
    >>> row = {"metric": "accuracy", "target": 0.9, "unit": "share", "at_least": True}
    >>> c = card(
    ...     pd.DataFrame([row | {"anchor": 0.95, "source": "HLP on 40 clips"}]),
    ...     name="Bay numbers", problem="Parcels go to the wrong bay.", solution="Hear the number.",
    ... )
    >>> c.check({"accuracy": 0.92})["met"].tolist()
    [True]
    """
    words = {"name": name, "problem": problem, "solution": solution}
    for what, said in words.items():
        if not isinstance(said, str) or not said.strip():
            raise ValueError(f"{_FUNCTION}() needs the {what} in a few words; not {said!r}.")
    parts = {"ideas": ideas, "chain": chain, "milestones": milestones, "budget": budget}
    given = {what: part for what, part in parts.items() if part is not None}
    for what, part in given.items():
        if not isinstance(getattr(part, "table", None), pd.DataFrame):
            made = {"ideas": "rank", "chain": "chain"}.get(what, "total")
            raise TypeError(
                f"{_FUNCTION}() needs {what} as scoping.{made}() gives it, "
                f"not {type(part).__name__}."
            )
    if needs is not None and not isinstance(needs, pd.DataFrame):
        raise TypeError(
            f"{_FUNCTION}() needs the data needs as scoping.needs() gives them, "
            f"not {type(needs).__name__}."
        )
    parts_of: dict[str, Any] = {what: " ".join(text.split()) for what, text in words.items()}
    parts_of |= {what: part.table.copy() for what, part in given.items()}
    return Card(
        **parts_of,
        needs=None if needs is None else needs.copy(),
        targets=_targets.checked(targets, function=_FUNCTION),
        ethics=_ethics.ethics(ethics),
        says={what: repr(part) for what, part in given.items()},
        example=bool(example),
        written=datetime.now(UTC).isoformat(timespec="seconds"),
    )
