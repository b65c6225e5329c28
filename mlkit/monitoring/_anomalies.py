"""Which rows are unlike anything in the reference, and how many such would chance call so?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlkit import _show, _stats, _tables
from mlkit._tables import TableError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "monitoring.anomalies"
_NOT_FEATURES = ("item", "timestamp", "user", "label", "label_at", "prediction", "version")
_FEWEST = 20


@dataclass(frozen=True)
class Anomalies:
    """The share of rows called anomalies, with ``low, high, n``; ``.table`` has each row."""

    table: pd.DataFrame
    share: float
    low: float
    high: float
    n: int
    reference_n: int
    alpha: float
    notes: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        found = int(self.table["anomaly"].sum())
        return (
            f"{found:,} of {_tables._count(self.n, 'row')} unlike the reference "
            f"({_show.percent(self.low)} to {_show.percent(self.high)} of such traffic are called "
            f"so); of rows called so, at most {100 * self.alpha:g} % on average are like it."
        )

    def _repr_html_(self) -> str:
        rows = [
            {"item": str(row["item"]), "p": f"{row['p']:.3g}", "q": f"{row['q']:.3g}",
             "anomaly": "▲ anomaly" if row["anomaly"] else "", "unusual": str(row["unusual"])}
            for row in self.table.head(20).to_dict("records")
        ]  # fmt: skip
        columns = {"item": "item", "p": "p", "q": "q", "anomaly": "", "unusual": "least usual"}
        left = ["item", "anomaly", "unusual"]
        table = _show.table_html(rows, columns=columns, text=left)
        return _show.result_html(repr(self), table, notes=self.notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """The p-values of all rows: flat where the rows are like the reference."""
        ax = _show.axes(ax)
        ax.hist(self.table["p"], bins=20, range=(0, 1), color=_show.PALETTE["sky"])
        ax.axhline(self.n / 20, color="black", linestyle="--", label="all like the reference")
        ax.set_xlabel("p (share of the reference at least as strange)")
        ax.set_ylabel("rows")
        ax.legend(frameon=False)
        return _show.describe(ax, repr(self))


def anomalies(
    current: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    alpha: float = 0.1,
    trees: int = 200,
    rng: int | np.random.Generator | None = None,
) -> Anomalies:
    """Which rows are unlike the reference, with the share of false ones among them held?

    An isolation forest (Liu et al. 2008) learns from one half of the reference; p is the share
    of the other half at least as strange, ``(1 + count) / (1 + n)``, right for any forest as
    long as rows are drawn alike; Benjamini and Hochberg over them holds the false discovery
    rate at ``alpha`` (Bates et al. 2023, Annals of Statistics). Rows strange in one of several
    columns alone are often missed; a schema sees those.

    Parameters
    ----------
    current, reference : ``item`` and features. A name is read as how often the reference has
        it (0: a new one); a missing number as the median, and as strange if it had none.
    columns : the features; all that both have, without users, times, labels and predictions.

    ``.table``, the strangest first: ``item, score`` (higher is stranger)``, p, q, anomaly,
    unusual`` (the column whose value is rarest, as a hint). The reference needs 20 rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> made = pd.DataFrame({"item": [f"i{k}" for k in range(1000)], "x": rng.normal(size=1000)})
    >>> now = made[:50].assign(x=np.r_[np.full(5, 30.0), made["x"][5:50]])
    >>> found = anomalies(now, made[50:], rng=0)
    >>> sorted(found.table.loc[found.table["anomaly"], "item"])
    ['i0', 'i1', 'i2', 'i3', 'i4']
    """
    from scipy.stats import false_discovery_control
    from sklearn.ensemble import IsolationForest

    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, for example 0.1; got {alpha!r}.")
    now, before = (_tables.items(side, function=_FUNCTION) for side in (current, reference))
    if len(before) < _FEWEST:
        raise TableError(
            f"{_FUNCTION}() needs a reference of {_FEWEST} rows or more; it has {len(before)}."
        )
    used = _features(now, before, columns)
    rng = np.random.default_rng(rng)
    order = rng.permutation(len(before))
    learned, kept = before.iloc[order[::2]], before.iloc[order[1::2]]
    forest = IsolationForest(n_estimators=trees, random_state=int(rng.integers(2**31)))
    forest.fit(_numbers(learned, learned, used))
    score = -forest.score_samples(_numbers(now, learned, used))
    others = np.sort(-forest.score_samples(_numbers(kept, learned, used)))
    as_strange = len(others) - np.searchsorted(others, score, side="left")
    p = (1 + as_strange) / (1 + len(others))
    q = false_discovery_control(p)
    table = pd.DataFrame(
        {"item": now["item"], "score": score, "p": p, "q": q, "anomaly": q <= alpha}
    )
    table["unusual"] = _unusual(now, before, used)
    table = table.sort_values("score", ascending=False, kind="stable").reset_index(drop=True)
    count = int(table["anomaly"].sum())
    low, high = (float(side) for side in _stats.wilson(count, len(table)))
    least = 1 / (1 + len(others))
    needed = int(np.ceil(least * len(table) / alpha))
    notes = [f"Looked at: {', '.join(used)}."]
    if needed > 1:
        notes.append(
            f"With {len(others):,} rows to compare with, no fewer than {needed:,} anomalies "
            "together can be told from chance: a larger reference sees fewer."
        )
    return Anomalies(
        table, count / len(table), low, high, len(table), len(before), alpha, tuple(notes)
    )


def _features(now: pd.DataFrame, before: pd.DataFrame, columns: Sequence[str] | None) -> list[str]:
    if columns is None:
        used = [c for c in before.columns if c in now.columns and c not in _NOT_FEATURES]
    else:
        used = list(columns)
        for name in used:
            if name not in now.columns or name not in before.columns:
                raise TableError(f"{_FUNCTION}() found no column {name!r} in both tables.")
    if not used:
        raise TableError(f"{_FUNCTION}() needs a feature that both tables have, and found none.")
    for name in used:
        if _is_number(before[name]) != _is_number(now[name]):
            raise TableError(
                f"{_FUNCTION}() found numbers in {name!r} of one table and not of the other; "
                "make them alike, or leave it out with columns=."
            )
    return used


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _numbers(table: pd.DataFrame, learned: pd.DataFrame, used: list[str]) -> np.ndarray:
    """Names as their share of the reference, missing values as a share or the median."""
    parts = []
    for name in used:
        values, seen = table[name], learned[name]
        if _is_number(values):
            middle = float(seen.median()) if seen.notna().any() else 0.0
            numbers = values.to_numpy(float, na_value=np.nan)
            # The forest takes single floats.
            parts.append(np.clip(np.nan_to_num(numbers, nan=middle), -1e38, 1e38))
            if seen.notna().all():  # else a missing value is nothing strange
                parts.append(values.isna().to_numpy(float))
        else:
            counts = seen.astype(str).value_counts()
            parts.append(values.astype(str).map(counts).fillna(0).to_numpy(float))
    return np.column_stack(parts)


def _unusual(now: pd.DataFrame, before: pd.DataFrame, used: list[str]) -> np.ndarray:
    """The column in which a row's value is rarest in the reference."""
    shares = []
    for name in used:
        seen, values = before[name], now[name]
        if _is_number(values):
            ordered = np.sort(seen.dropna().to_numpy(float))
            numbers = values.to_numpy(float, na_value=np.nan)
            below = np.searchsorted(ordered, numbers, side="right")
            above = len(ordered) - np.searchsorted(ordered, numbers, side="left")
            share = 2 * np.minimum(below, above) / len(before)
        else:
            counts = seen.dropna().astype(str).value_counts()
            share = values.astype(str).map(counts).fillna(0).to_numpy(float) / len(before)
        shares.append(np.where(values.isna(), seen.isna().mean(), share))
    return np.array(used, object)[np.argmin(np.stack(shares), axis=0)]
