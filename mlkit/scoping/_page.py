"""How the card is read: one page of Markdown."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit.scoping._cells import figure

if TYPE_CHECKING:
    from mlkit.scoping._card import Card

_PARTS = {
    "ideas": "no other idea was weighed against this one",
    "chain": "what a better model is worth",
    "needs": "what data it takes",
    "milestones": "how long it takes",
    "budget": "what it costs",
}
_HEADS = {"ideas": "Rank", "chain": "Worth", "milestones": "Time", "budget": "Money"}


def sentence(card: "Card") -> str:
    """The card in one line."""
    left = int(card.ethics["open"].sum())
    kind = ", an example project (made up)" if card.example else ""
    text = f"Project card: {card.name}{kind}. {_tables._count(len(card.targets), 'target')}"
    return f"{text}; {left} of {len(card.ethics)} questions about right and wrong are open."


def still_open(card: "Card") -> list[str]:
    """What nobody has answered or filled in yet."""
    left = [what for part, what in _PARTS.items() if getattr(card, part) is None]
    bare = card.targets["metric"][card.targets["anchor"].isna()]
    left += [f"can {metric} be reached? It has no anchor" for metric in bare]
    return left + list(card.ethics["prompt"][card.ethics["open"]])


def markdown(card: "Card") -> str:
    """The whole page."""
    return "\n".join(_lines(card)).strip() + "\n"


def _lines(card: "Card") -> Iterator[str]:
    yield f"# {md(card.name)}"
    if card.example:
        yield "\n> **An example**, made up to show what a card looks like: no such project exists."
    yield f"\n**The problem.** {md(card.problem)}"
    yield f"\n**What would be built.** {md(card.solution)}"
    yield "\n## Good enough"
    yield from _targets(card.targets)
    if card.ideas is not None or card.chain is not None:
        yield "\n## Worth doing"
        yield from _says(card, "ideas", "chain")
    if card.needs is not None:
        yield "\n## Data"
        yield from _needs(card.needs)
    if card.milestones is not None or card.budget is not None:
        yield "\n## Time and money"
        yield from _says(card, "milestones", "budget")
        parts = [part for part in (card.milestones, card.budget) if part is not None]
        yield from _ranges(pd.concat(parts, ignore_index=True))
    yield "\n## Right and wrong"
    yield from _prompts(card.ethics)
    rest = still_open(card)[: -int(card.ethics["open"].sum()) or None]
    if rest:
        yield "\n## Still open"
        yield ""
        yield from (f"- {md(what[0].upper() + what[1:])}." for what in rest)
    yield f"\n---\n\n*Written {card.written[:10]}. Later steps read the JSON file beside it.*"


def _says(card: "Card", *parts: str) -> Iterator[str]:
    for part in parts:
        if part in card.says:
            yield f"\n**{_HEADS[part]}.** {md(card.says[part])}"


def _targets(targets: pd.DataFrame) -> Iterator[str]:
    yield from _head(["", "target", "anchor", "where it comes from"], "lrrl")
    for row in targets.to_dict("records"):
        sign = "≥" if row["at_least"] else "≤"
        reached = "open" if np.isnan(row["anchor"]) else amount(row["anchor"], row["unit"])
        target = f"**{sign} {amount(row['target'], row['unit'])}**"
        yield _row([md(row["metric"]), target, md(reached), md(row["source"] or "nothing yet")])


def _needs(needs: pd.DataFrame) -> Iterator[str]:
    yield from _head(
        ["who needs what", "input → label", "slice", "to check it", "to collect"], "lllrr"
    )
    before = None
    for row in needs.to_dict("records"):
        need = row["need"], f"{row['input']} → {row['label']}"
        first = ["", ""] if need == before else [md(part) for part in need]
        yield _row([*first, md(row["slice"]), f"{row['items']:,}", f"{row['to_collect']:,}"])
        before = need


def _ranges(table: pd.DataFrame) -> Iterator[str]:
    yield from _head(["", "at least", "likely", "at most", ""], "lrrrl")
    for row in table.to_dict("records"):
        ends = [figure(row[end]) for end in ("low", "likely", "high")]
        yield _row([md(row["part"]), *ends, md(row["unit"])])


def _prompts(ethics: pd.DataFrame) -> Iterator[str]:
    yield ""
    for row in ethics.to_dict("records"):
        if row["open"]:
            yield f"- ○ {md(row['prompt'])} **Open.**"
        else:
            yield f"- ✔ {md(row['prompt'])} *{md(row['answer'])}*"


def amount(value: float, unit: str) -> str:
    """A figure with its unit; a share as a percentage."""
    return f"{100 * value:.4g} %" if unit == "share" else f"{value:,.6g} {unit}"


def _head(names: Iterable[str], sides: str) -> Iterator[str]:
    yield ""
    yield _row(list(names))
    yield "|" + "|".join({"l": ":--", "r": "--:"}[side] for side in sides) + "|"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def md(text: object) -> str:
    """Text that Markdown and HTML leave as it is, on one line."""
    escaped = re.sub(r"([\\`*_{}\[\]<>|#~$])", r"\\\1", " ".join(str(text).split()))
    return escaped.replace("&", "&amp;").replace("\\<", "&lt;").replace("\\>", "&gt;")
