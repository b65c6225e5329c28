"""How much to leave to the machine: each degree with its errors and its cost."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _stats, _tables
from mlkit._tables import TableError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "deployment.automation"
HUMAN, SHADOW, ASSIST = "people only", "shadow", "assistance"
PARTIAL, FULL = "partial automation", "full automation"


@dataclass(frozen=True)
class Automation:
    """The cheapest degree of automation, among all: ``.table`` has a row for each.

    ``cost`` (with ``low, high``) is that of one item at ``degree``, errors included.
    """

    table: pd.DataFrame
    degree: str
    threshold: float
    cost: float
    low: float
    high: float
    n: int
    notes: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        at = f" above a score of {self.threshold:.3g}" if self.degree == PARTIAL else ""
        return (
            f"Cheapest here: {self.degree}{at}, {self.cost:.3g} an item ({self.low:.3g} to "
            f"{self.high:.3g}), chosen and told on the same {_tables._count(self.n, 'item')}."
        )

    def _repr_html_(self) -> str:
        best = int(self.table["cost"].argmin())
        shown = self.table.iloc[sorted({best, *_spread(len(self.table))})]
        rows = [
            {
                "degree": str(row["degree"]),
                "threshold": "" if pd.isna(row["threshold"]) else f"{row['threshold']:.3f}",
                "by_model": _show.percent(row["by_model"], digits=0),
                "accuracy": _with_reach(row, "accuracy", _show.percent),
                "cost": _with_reach(row, "cost", lambda value: f"{value:.3g}"),
            }
            for row in shown.to_dict("records")
        ]
        columns = {
            "degree": "degree",
            "threshold": "score from",
            "by_model": "answered by the model",
            "accuracy": "accuracy",
            "cost": "cost an item",
        }
        table = _show.table_html(rows, columns=columns, text=["degree"])
        return _show.result_html(repr(self), table, notes=self.notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Cost of an item over the share that the model answers, with the other degrees."""
        ax = _show.axes(ax)
        part = self.table[self.table["degree"].isin([PARTIAL, FULL])].sort_values("by_model")
        share = 100 * part["by_model"]
        ax.plot(share, part["cost"], color=_show.PALETTE["blue"], label="partial to full")
        ax.fill_between(
            share, part["cost_low"], part["cost_high"], **_show.pale(_show.PALETTE["blue"])
        )
        for name, marker in ((HUMAN, "s"), (ASSIST, "^")):
            row = self.table[self.table["degree"] == name]
            ax.plot(0, row["cost"], marker, color=_show.PALETTE["vermilion"], label=name)
        ax.set_xlabel("answered by the model alone (%)")
        ax.set_ylabel("cost an item, errors included")
        ax.set_ylim(bottom=0)
        ax.legend(frameon=False)
        return _show.describe(ax, repr(self))


def automation(
    predictions: pd.DataFrame,
    *,
    human: float | str,
    human_cost: float,
    error_cost: float,
    model_cost: float = 0.0,
    assisted: float | None = None,
    replicates: int = 500,
    rng: int | np.random.Generator | None = 0,
) -> Automation:
    """How much should be left to the model, and what does each degree cost?

    *people only*; *shadow* (the model runs, people answer); *assistance* (people answer with
    the model's answer in view); *partial automation* (the model answers above a score, people
    get the rest); *full automation*. Cost of an item = people's and model's work on it + the
    chance of an error times ``error_cost``.

    Parameters
    ----------
    predictions : ``item, label, prediction, score``, of items the model was not trained on.
    human : people's accuracy as a share, or the name of a column with people's answers; a
        number supposes that they are as good on the items that the model finds hard.
    human_cost, model_cost, error_cost : in one unit of money or time.
    assisted : people's accuracy with the model's answer in view; None: as without.

    ``.table``: ``degree, threshold, by_model`` (share), ``accuracy, cost`` with limits over
    items drawn anew. A missing prediction goes to people; in full automation it is an error.

    Examples
    --------
    >>> dev = pd.DataFrame({"item": list("abcd"), "label": "x",
    ...     "prediction": ["x", "x", "x", "y"], "score": [0.9, 0.8, 0.7, 0.4]})
    >>> automation(dev, human=0.95, human_cost=1, error_cost=10).degree
    'partial automation'
    """
    table = _tables.predictions(
        predictions, function=_FUNCTION, columns=("item", "label", "prediction", "score")
    )
    notes: list[str] = []
    _check_costs(human_cost, model_cost, error_cost)
    by_people = _people(table, human, notes)
    helped = by_people if assisted is None else np.full(len(table), _share(assisted, "assisted"))
    if assisted is None:
        notes.append("Assistance: people are taken to be as good as without the model's answer.")
    right = (
        table["prediction"].notna() & (table["prediction"].astype(object) == table["label"])
    ).to_numpy(float)
    score = table["score"].to_numpy(float, na_value=np.nan)
    score = np.where(table["prediction"].isna() | np.isnan(score), -np.inf, score)
    plans = _plans(score)
    model = np.stack([mask for *_, mask in plans])  # degrees x items: the model answers
    people = np.where(
        np.array([degree == ASSIST for degree, *_ in plans])[:, None], helped, by_people
    )
    work = np.where(model, 0.0, human_cost)
    work += np.array([0.0 if degree == HUMAN else model_cost for degree, *_ in plans])[:, None]
    good = np.where(model, right, people)
    each = work + error_cost * (1 - good)
    result = pd.DataFrame(
        {
            "degree": [degree for degree, *_ in plans],
            "threshold": [threshold for _, threshold, _ in plans],
            "by_model": model.mean(axis=1),
        }
    ).assign(**_means(good, each, replicates, rng))
    best = result.iloc[int(result["cost"].argmin())]
    return Automation(
        result,
        best["degree"],
        best["threshold"],
        float(best["cost"]),
        float(best["cost_low"]),
        float(best["cost_high"]),
        len(table),
        tuple(notes),
    )


def _means(
    good: np.ndarray, each: np.ndarray, replicates: int, rng: int | np.random.Generator | None
) -> dict[str, np.ndarray]:
    """Accuracy and cost of each degree over the items, with limits; both of shape (degrees, n)."""
    n = good.shape[1]

    def drawn(times: np.ndarray) -> np.ndarray:
        return np.stack([good @ times, each @ times]) / n

    low, high = _stats.bootstrap(drawn, n, replicates=replicates, rng=rng)
    return {
        "accuracy": good.mean(axis=1),
        "accuracy_low": low[0],
        "accuracy_high": high[0],
        "cost": each.mean(axis=1),
        "cost_low": low[1],
        "cost_high": high[1],
    }


def _plans(score: np.ndarray) -> list[tuple[str, float, np.ndarray]]:
    """Each degree: its name, its threshold, and which items the model answers alone."""
    nobody = np.zeros(len(score), bool)
    plans = [(name, np.nan, nobody) for name in (HUMAN, SHADOW, ASSIST)]
    known = score[np.isfinite(score)]
    grid = np.quantile(known, np.linspace(0, 1, 41), method="higher") if len(known) else known
    partial = [(PARTIAL, float(t), score >= t) for t in np.unique(grid)[::-1]]
    # A threshold that leaves nothing to people is full automation, and is called that.
    plans += [plan for plan in partial if not plan[2].all()]
    return [*plans, (FULL, np.nan, ~nobody)]


def _people(table: pd.DataFrame, human: float | str, notes: list[str]) -> np.ndarray:
    if isinstance(human, str):
        if human not in table:
            raise TableError(
                f"{_FUNCTION}() looks for people's answers in the column {human!r}, and there is "
                f"none. Found: {', '.join(map(str, table.columns))}."
            )
        if table[human].isna().any():
            raise TableError(
                f"{_FUNCTION}() needs people's answer to each item, and "
                f"{_tables._count(int(table[human].isna().sum()), 'row')} of {human!r} have none."
            )
        return (table[human].astype(object) == table["label"]).to_numpy(float)
    notes.append(
        f"People are taken to be right {_show.percent(human)} of the time on each item, also on "
        "those that the model is unsure of; measured answers (human=column) would show."
    )
    return np.full(len(table), _share(human, "human"))


def _share(value: float, name: str) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is an accuracy from 0 to 1; got {value!r}.")
    return float(value)


def _check_costs(human_cost: float, model_cost: float, error_cost: float) -> None:
    costs = {"human_cost": human_cost, "model_cost": model_cost, "error_cost": error_cost}
    for name, value in costs.items():
        if not value >= 0:
            raise ValueError(f"{name} is a cost of an item, 0 or more; got {value!r}.")


def _with_reach(row: Mapping[Hashable, Any], name: str, told: Callable[[float], str]) -> str:
    """A figure and its limits; where the items do not move it, it was put in."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    reach = "assumed" if np.isclose(low, high) else f"{told(low)} to {told(high)}"
    return f"{told(row[name])}\n{reach}"


def _spread(rows: int, most: int = 12) -> list[int]:
    """Row numbers to show: the first three, the last, and some evenly between."""
    if rows <= most:
        return list(range(rows))
    between = np.linspace(3, rows - 1, most - 3).round().astype(int)
    return [0, 1, 2, *between.tolist()]
