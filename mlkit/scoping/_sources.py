"""Where examples could come from: an inventory, ranked by what it yields in time and for money."""

import re
from typing import Any

import numpy as np
import pandas as pd

from mlkit.scoping import _cells
from mlkit.scoping._sources_picture import Sources

_FUNCTION = "scoping.sources"
KINDS = ("owned", "crowdsourced", "paid labels", "purchased", "generated")
_HOURS = {"hour": 1.0, "day": 8.0, "week": 40.0}  # of work
_COST_PER = ("example", "hour", "once")
_QUESTIONS = ("privacy", "security", "regulation")
_OPEN = {"", "?", "open", "unknown", "unclear", "not known", "tbd", "todo"}
_NONE = {"none", "no", "no licence", "no license"}
_COLUMNS = [
    "source", "kind", "amount", "setup_days", "rate", "rate_per", "usable", "cost", "cost_per",
    "licence", *_QUESTIONS,
]  # fmt: skip
_EXAMPLE = """
the archive of calls|owned|20,000|5-15|||0.3-0.6|0||own|open: did callers agree?|on our server|data protection law
colleagues read aloud|crowdsourced|1,500|1-2|60-120|hour|0.8-0.95|0||signed form|consent, alias|on our server|data protection law
readers found online|paid labels||3-8|200-400|day|0.85-0.95|0.10-0.25|example|contract|consent, by contract|contract|data protection law
a bought corpus|purchased|10,000|5-20|||0.5-0.9|300-600|once|licence for a year|settled by the seller|download|none
synthetic voices|generated||1-3|500-2,000|day|0.02-0.2|0||MIT|nobody's voice|on our server|none
clips from the web|purchased|50,000|2-4|||0.2-0.6|0|||open|on our server|open: database rights?
"""  # noqa: E501 - made up, to be edited: a line a source
_NUMBER = r"(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)"
_RANGE = re.compile(rf"{_NUMBER}(?:\s*(?:-|–|to)\s*{_NUMBER})?")  # noqa: RUF001 - people type it
_DRAWS = 4000
_TAIL = 0.025


def sources(
    inventory: pd.DataFrame,
    *,
    deadline_days: float,
    budget: float,
    wanted: int | None = None,
    rng: int | np.random.Generator | None = 0,
) -> Sources:
    """Which source gives the most usable examples within a deadline and a budget?

    Parameters
    ----------
    inventory : one row a source: ``source, kind`` (owned, crowdsourced, paid labels, purchased,
        generated), ``amount`` (the most there are; empty: no end), ``setup_days`` before the first
        comes, ``rate`` an hour, day or week (``rate_per``; empty: all at once), ``usable`` (share),
        ``cost`` an example, an hour or once (``cost_per``), ``licence, privacy, security,
        regulation``. Figures are numbers or ranges as text: "0.02-0.05". A working day has 8
        hours, a week 5 days.
    deadline_days, budget : working days and money that there are; either may be infinite.
    wanted : how many usable examples one wants; adds when and for how much each has them.

    ``.table``, best first: ``source, kind, rank, rank_low, rank_high, n_usable`` (with its ends)
    ``cost, days, per_money`` (usable examples for one unit of money), ``per_day, limit`` (what
    ends it: amount, deadline or budget), ``why``; with ``wanted`` also ``days_wanted,
    cost_wanted`` (with their ends), infinite where it never has so many. Medians and 95 % of 4000
    draws, each figure anywhere in its range. No rank without a licence or with an open question
    of privacy, security or regulation; ``why`` says so.

    Examples
    --------
    >>> row = {"source": "archive", "kind": "owned", "amount": 500, "setup_days": 2, "rate": 40}
    >>> row |= {"rate_per": "day", "usable": "0.5-0.7", "cost": 0, "cost_per": "example"}
    >>> row |= {"licence": "own", "privacy": "consent", "security": "ours", "regulation": "none"}
    >>> found = sources(pd.DataFrame([row]), deadline_days=7, budget=100)
    >>> found.first, round(found.n_usable, -1), found.table["limit"].tolist()
    ('archive', 120.0, ['deadline'])
    """
    found = _cells.table(
        inventory, _COLUMNS, function=_FUNCTION, about="where data could come from"
    )
    _positive(deadline_days, "deadline_days")
    _positive(budget, "budget")
    if wanted is not None:
        _positive(wanted, "wanted")
    names = _cells.text(found, "source", function=_FUNCTION)
    _cells.once(names, function=_FUNCTION, what="source")
    kinds = _one_of(found, names, "kind", KINDS)
    ranges = {
        name: _ranges(found, names, name, empty)
        for name, empty in (
            ("amount", np.inf), ("setup_days", 0.0), ("rate", np.inf), ("usable", None),
            ("cost", None),
        )
    }  # fmt: skip
    _shares(ranges["usable"], names)
    rate_per = _one_of(found, names, "rate_per", tuple(_HOURS), where=ranges["rate"][0] < np.inf)
    cost_per = _one_of(found, names, "cost_per", _COST_PER, where=ranges["cost"][1] > 0)
    drawn = _drawn(ranges, rate_per, cost_per, np.random.default_rng(rng))
    table = _yield(drawn, float(deadline_days), float(budget))
    if wanted is not None:
        table |= _until(drawn, float(wanted))
    why = [_why_not(row) for row in found.to_dict("records")]
    ranked = _ranked(names, kinds, table, why)
    top = ranked.iloc[0]
    none = pd.isna(top["rank"])
    return Sources(
        table=ranked,
        first="" if none else str(top["source"]),
        n_usable=np.nan if none else float(top["n_usable"]),
        low=np.nan if none else float(top["n_usable_low"]),
        high=np.nan if none else float(top["n_usable_high"]),
        n=len(ranked),
        deadline_days=float(deadline_days),
        budget=float(budget),
    )


def example_sources() -> pd.DataFrame:
    """An inventory to start from, made up: where spoken digits could come from.

    All cells are text, as one edits them; :func:`sources` reads it.

    >>> example_sources()[["source", "rate", "rate_per"]].iloc[1].tolist()
    ['colleagues read aloud', '60-120', 'hour']
    """
    rows = [line.split("|") for line in _EXAMPLE.strip().splitlines()]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _positive(value: Any, name: str) -> None:
    number = value if isinstance(value, int | float | np.number) else np.nan
    if isinstance(value, bool) or not number > 0:
        raise ValueError(f"{_FUNCTION}() needs {name} above 0; got {value!r}.")


def _one_of(
    found: pd.DataFrame,
    names: pd.Series,
    column: str,
    known: tuple[str, ...],
    *,
    where: np.ndarray | None = None,
) -> list[str]:
    """The words of a column; only ``where`` one is needed may it be missing."""
    words = [
        word.lower().removeprefix("per ")
        for word in _cells.text(found, column, function=_FUNCTION, empty=True)
    ]
    for place, word in enumerate(words):
        if word in known or (not word and where is not None and not where[place]):
            continue
        raise ValueError(
            f"{_FUNCTION}() knows as {column} {', '.join(known)}; {names[place]!r} has "
            f"{word or 'nothing'!r}."
        )
    return words


def _ranges(
    found: pd.DataFrame, names: pd.Series, column: str, empty: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of each cell: a number, or a range as text."""
    ends = [
        _ends(value, f"{column} of {name!r}", empty)
        for value, name in zip(found[column], names, strict=True)
    ]
    low, high = np.array(ends, float).T
    return low, high


def _ends(value: Any, what: str, empty: float | None) -> tuple[float, float]:
    text = "" if pd.isna(value) else str(value).strip()
    if not text:
        if empty is None:
            raise ValueError(f"{_FUNCTION}() needs {what}: a number, or a range such as 2-5.")
        return empty, empty
    parts = _RANGE.fullmatch(text.replace(",", ""))
    if parts is None:
        raise ValueError(
            f"{_FUNCTION}(): {what} is {text!r}; write a number, or a range such as 2-5."
        )
    low = float(parts[1])
    high = low if parts[2] is None else float(parts[2])
    if low < 0 or high < 0:
        raise ValueError(f"{_FUNCTION}(): {what} is {text}, and cannot be below 0.")
    if low > high:
        raise ValueError(f"{_FUNCTION}(): {what} is {text}; the lower end comes first.")
    return low, high


def _shares(usable: tuple[np.ndarray, np.ndarray], names: pd.Series) -> None:
    if (usable[1] > 1).any():
        name = names[int(np.argmax(usable[1] > 1))]
        raise ValueError(
            f"{_FUNCTION}(): usable of {name!r} is above 1; it is a share: 0.8, not 80."
        )


def _drawn(
    ranges: dict[str, tuple[np.ndarray, np.ndarray]],
    rate_per: list[str],
    cost_per: list[str],
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Each figure anywhere in its range, shape (draws, sources); rates a day, costs by kind."""
    drawn = {}
    for name, (low, high) in ranges.items():
        width = np.subtract(high, low, where=low < high, out=np.zeros_like(low))
        drawn[name] = low + rng.random((_DRAWS, len(low))) * width
    drawn["rate"] *= [_HOURS["day"] / _HOURS.get(per, 8.0) for per in rate_per]
    cost = drawn.pop("cost")
    for kind in _COST_PER:
        drawn[f"cost_{kind}"] = cost * [per == kind for per in cost_per]
    # An hour of work costs by the examples made in it.
    with np.errstate(all="ignore"):
        an_hour = drawn["cost_hour"] * _HOURS["day"] / drawn["rate"]
    drawn["cost_each"] = drawn["cost_example"] + np.where(drawn["cost_hour"] > 0, an_hour, 0)
    return drawn


def _spent(drawn: dict[str, np.ndarray], raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Money and days that so many examples take."""
    some = raw > 0
    with np.errstate(all="ignore"):
        each = np.where(drawn["cost_each"] > 0, raw * drawn["cost_each"], 0.0)
        days = np.where(np.isfinite(drawn["rate"]), raw / drawn["rate"], 0.0)
    return np.where(some, each + drawn["cost_once"], 0.0), np.where(
        some, days + drawn["setup_days"], 0.0
    )


def _yield(drawn: dict[str, np.ndarray], deadline: float, budget: float) -> dict[str, Any]:
    """What each gives in time and for the money."""
    left = np.maximum(deadline - drawn["setup_days"], 0)
    with np.errstate(all="ignore"):
        in_time = np.where(left > 0, left * drawn["rate"], 0.0)
        rest = budget - drawn["cost_once"]
        paid = np.where(drawn["cost_each"] > 0, rest / drawn["cost_each"], np.inf)
    paid = np.where(rest < 0, 0.0, paid)
    ends = np.stack([drawn["amount"], in_time, paid])
    raw = ends.min(axis=0)
    usable = np.where(drawn["usable"] > 0, raw * drawn["usable"], 0.0)
    cost, days = _spent(drawn, raw)
    with np.errstate(all="ignore"):
        per_money, per_day = (np.where(usable > 0, usable / by, 0.0) for by in (cost, days))
    which = np.array(["amount", "deadline", "budget"])
    often = np.stack([(ends.argmin(axis=0) == place).mean(axis=0) for place in range(3)])
    told: dict[str, Any] = {"draws": usable, **_middle("n_usable", usable)}
    for name, values in (("cost", cost), ("days", days), ("per_money", per_money)):
        told[name] = _middle(name, values)[name]
    endless = np.isinf(raw).all(axis=0)
    limit = np.where(endless, "", which[often.argmax(axis=0)])
    return told | {"per_day": _middle("d", per_day)["d"], "limit": limit}


def _until(drawn: dict[str, np.ndarray], wanted: float) -> dict[str, Any]:
    """When and for how much each has as many usable examples as are wanted."""
    with np.errstate(divide="ignore"):
        raw = wanted / drawn["usable"]
    cost, days = _spent(drawn, raw)
    never = raw > drawn["amount"]
    days, cost = (np.where(never, np.inf, values) for values in (days, cost))
    return _middle("days_wanted", days) | _middle("cost_wanted", cost)


def _middle(name: str, values: np.ndarray) -> dict[str, Any]:
    """Median and ends of each column; "nearest", as there is nothing midway to infinity."""
    low, middle, high = np.quantile(values, [_TAIL, 0.5, 1 - _TAIL], axis=0, method="nearest")
    return {name: middle, f"{name}_low": low, f"{name}_high": high}


def _why_not(row: dict[Any, Any]) -> str:
    """What has to be settled first."""
    words = {
        name: "" if pd.isna(row[name]) else str(row[name]).strip().lower()
        for name in ("licence", *_QUESTIONS)
    }
    why = []
    if words["licence"] in _OPEN | _NONE or words["licence"].endswith("?"):
        why.append("no licence: nobody said that you may use it")
    for name in _QUESTIONS:
        word = words[name]
        if word in _OPEN or word.endswith("?") or word.startswith("open "):
            why.append(f"{name} is an open question")
    return "; ".join(why)


def _ranked(
    names: pd.Series, kinds: list[str], table: dict[str, Any], why: list[str]
) -> pd.DataFrame:
    """Those that may be used by their usable examples, the cheaper one first of two alike."""
    drawn = table.pop("draws")
    made = pd.DataFrame({"source": names, "kind": kinds, **table, "why": why})
    made.loc[(made["n_usable_high"] == 0) & (made["why"] == ""), "why"] = (
        "nothing usable in time and for the money"
    )
    fit = np.flatnonzero(made["why"] == "")
    order = made.iloc[fit].sort_values(
        ["n_usable", "cost", "days"], ascending=[False, True, True], kind="stable"
    )
    rank = pd.Series(pd.NA, made.index, "Int64")
    rank[order.index] = range(1, len(order) + 1)
    ahead = (drawn[:, fit, None] < drawn[:, None, fit]).sum(axis=2) + 1
    low, high = (rank.copy() for _ in range(2))
    if len(fit):
        ends = np.quantile(ahead, [_TAIL, 1 - _TAIL], axis=0, method="nearest")
        low.iloc[fit], high.iloc[fit] = ends.astype(int)
    made.insert(2, "rank", rank)
    made.insert(3, "rank_low", low)
    made.insert(4, "rank_high", high)
    return made.sort_values("rank", na_position="last", kind="stable", ignore_index=True)
