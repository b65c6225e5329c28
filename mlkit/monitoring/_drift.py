"""Has the world moved? Each column of two tables or profiles, effect and chance side by side."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit._tables import TableError
from mlkit.monitoring import _columns, _measured, _profile, _two_samples
from mlkit.monitoring._columns import Classes, Column, Numbers
from mlkit.monitoring._profile import Profile, profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "monitoring.drift"
_FEW_VALUES = 20  # as many different numbers are compared as classes


@dataclass(frozen=True)
class Drift:
    """Which columns moved: ``drifted`` names them, worst first, out of ``n`` tests.

    ``.table`` has a row for each test, the worst first.
    """

    table: pd.DataFrame
    drifted: tuple[str, ...]
    n: int
    reference_n: int
    current_n: int
    alpha: float
    notes: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        if self.n == 0:
            return "Nothing could be compared."
        which = f": {', '.join(self.drifted)}" if self.drifted else ""
        tested = self.table.loc[self.table["p"].notna(), "column"].nunique()
        return (
            f"{len(self.drifted)} of {_tables._count(tested, 'column')} drifted{which} "
            f"({self.current_n:,} rows against {self.reference_n:,}; were nothing to have moved, "
            f"any would be named in at most {100 * self.alpha:g} % of such comparisons)."
        )

    def _repr_html_(self) -> str:
        rows = [
            {
                "column": str(row["column"]),
                "what": str(row["what"]),
                "drifted": "drifted" if row["drifted"] else "",
                "psi": f"{row['psi']:.3f}" if pd.notna(row["psi"]) else "",
                "psi_noise": f"{row['psi_noise']:.3f}" if pd.notna(row["psi_noise"]) else "",
                "q": _small(row["q"]),
                "said": str(row["said"]),
            }
            for row in self.table.head(20).to_dict("records")
        ]
        columns = {
            "column": "column",
            "what": "what",
            "drifted": "",
            "psi": "PSI",
            "psi_noise": "PSI by chance",
            "q": "q",
            "said": "how",
        }
        table = _show.table_html(rows, columns=columns, text=["column", "what", "drifted", "said"])
        more = len(self.table) - 20
        notes = (*self.notes, f"{more} rows more in .table.") if more > 0 else self.notes
        return _show.result_html(repr(self), table, notes=notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """The index of each column, worst first, beside what chance alone reaches."""
        shown = self.table[self.table["psi"].notna()].head(20).iloc[::-1]
        ax = _show.axes(ax, size=(7.0, 1.2 + 0.3 * len(shown)))
        colors = [
            _show.PALETTE["vermilion"] if drifted else _show.PALETTE["sky"]
            for drifted in shown["drifted"]
        ]
        place = np.arange(len(shown))
        ax.barh(place, shown["psi"], color=colors, height=0.6)
        ax.plot(shown["psi_noise"], place, "|", color="black", markersize=12, label="by chance")
        names = [
            f"{'▲ ' if drifted else ''}{name}{'' if what == 'values' else ' (missing)'}"
            for name, what, drifted in zip(
                shown["column"], shown["what"], shown["drifted"], strict=True
            )
        ]
        ax.set_yticks(place, names)
        ax.set_xlabel("population stability index (PSI)")
        ax.legend(frameon=False, loc="lower right")
        return _show.describe(ax, repr(self))


def drift(
    reference: pd.DataFrame | Profile,
    current: pd.DataFrame | Profile,
    *,
    alpha: float = 0.05,
    least: float = 0.02,
    kinds: dict[str, str] | None = None,
) -> Drift:
    """Which columns look different from before, by more than chance, and by how much?

    Both sides are samples. Numbers: Kolmogorov-Smirnov, exact from two tables, at the edges of
    bins from profiles (the distance is at most the largest bin too small); numbers of at most
    20 values, names, and the share of missing values: chi-square of homogeneity. Over all tests
    the false discovery rate is held at ``alpha`` (Benjamini and Hochberg 1995).

    Parameters
    ----------
    reference, current : tables, or profiles of which the second was made ``like=`` the first.
    least : a PSI below which a column is not called drifted, however sure the change is.
    kinds : as in ``profile``, for tables.

    ``.table``: ``column, what`` (*values* or *missing*)``, test, statistic, p, q, psi`` (over
    tenths of the reference, or names), ``psi_noise`` (what chance alone exceeds once in 20; at
    small n far above the 0.1 of the textbooks), ``js, wasserstein`` (in the column's unit),
    ``drifted, said``. Where nothing can be tested p is NaN and ``said`` has the reason.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> before = pd.DataFrame({"loud": rng.normal(size=500), "noise": rng.normal(size=500)})
    >>> drift(before, before.assign(loud=before["loud"] + 1)).drifted
    ('loud',)
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha lies between 0 and 1, for example 0.05; got {alpha!r}.")
    for name, one in (("reference", reference), ("current", current)):
        if not isinstance(one, Profile | pd.DataFrame):
            raise TableError(
                f"{_FUNCTION}() needs {name} as a pandas DataFrame or a profile; it was given "
                f"{_tables._kind(one)}."
            )
    sizes = [one.n if isinstance(one, Profile) else len(one) for one in (reference, current)]
    rows: list[dict[str, Any]] = []
    for name, before, after, distance in _pairs(reference, current, kinds):
        rows.append(_values(name, before, after, distance))
        rows.append(_missing(name, before, after))
    table = _judged(pd.DataFrame(rows, columns=_COLUMNS), alpha, least)
    named = tuple(dict.fromkeys(table.loc[table["drifted"], "column"]))
    tests = int(table["p"].notna().sum())
    return Drift(table, named, tests, sizes[0], sizes[1], alpha)


_Pair = tuple[str, Column, Column, float | None]


def _pairs(
    reference: pd.DataFrame | Profile,
    current: pd.DataFrame | Profile,
    kinds: dict[str, str] | None,
) -> Iterator[_Pair]:
    """Each column on both sides, and the exact distance of numbers where both are tables."""
    if isinstance(current, Profile) and not isinstance(reference, Profile):
        raise TableError(
            f"{_FUNCTION}() needs a profile of the reference beside a profile: the bins are the "
            "reference's. Make it first: one = profile(reference), then profile(current, like=one)."
        )
    if not isinstance(reference, Profile) and not isinstance(current, Profile):
        yield from _exact(reference, current, kinds)
        return
    before = reference if isinstance(reference, Profile) else profile(reference, kinds=kinds)
    after = current if isinstance(current, Profile) else profile(current, like=before)
    for name, column in before.columns.items():
        if name not in after.columns:
            raise TableError(f"{_FUNCTION}() found no column {name!r} in the second profile.")
        yield name, column, after.columns[name], None


def _exact(
    reference: pd.DataFrame, current: pd.DataFrame, kinds: dict[str, str] | None
) -> Iterator[_Pair]:
    """Column by column, each sorted once: for its bins, and for the exact distance."""
    asked = _profile.kinds_of(reference, kinds)
    _profile.kinds_of(current, None, like=asked)  # has all of them
    for name, kind in asked.items():
        both = [_measured.measured(table[name], kind) for table in (reference, current)]
        if kind == "class":
            yield name, _columns.classes(both[0], name), _columns.classes(both[1], name), None
            continue
        ordered = [_columns.finite_sorted(one.to_numpy(float, na_value=np.nan)) for one in both]
        before = _columns.of_sorted(*ordered[0], None)
        after = _columns.of_sorted(*ordered[1], before.edges)
        few = len(before.edges) <= _FEW_VALUES
        yield name, before, after, None if few else _two_samples.ks(ordered[0][0], ordered[1][0])


_COLUMNS = [
    *("column", "what", "test", "statistic", "p", "q", "psi", "psi_noise", "js", "wasserstein"),
    *("drifted", "said"),
]


def _judged(table: pd.DataFrame, alpha: float, least: float) -> pd.DataFrame:
    from scipy.stats import false_discovery_control

    # Where neither side has a missing value there was nothing to test.
    table = table[(table["what"] == "values") | table["p"].notna()]
    known = table["p"].notna().to_numpy()
    q = np.full(len(table), np.nan)
    if known.any():
        q[known] = false_discovery_control(table["p"].to_numpy(float)[known])
    table = table.assign(q=q, drifted=(q <= alpha) & (table["psi"] >= least).to_numpy())
    order = np.lexsort((-table["psi"].fillna(-1).to_numpy(float), ~table["drifted"].to_numpy()))
    return table.iloc[order].reset_index(drop=True)


def _values(name: str, before: Any, after: Any, distance: float | None) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(_COLUMNS, np.nan) | {"column": name, "what": "values"}
    if type(before) is not type(after):
        raise TableError(
            f"the column {name!r} holds numbers in one profile and names in the other."
        )
    if not before.n or not after.n:
        side = "reference" if not before.n else "current table"
        return row | {"test": "", "said": f"the {side} has no value in this column."}
    if isinstance(before, Classes):
        return row | _by_name(before, after)
    return row | _by_number(before, after, distance, name)


def _by_name(before: Classes, after: Classes) -> dict[str, Any]:
    names = sorted({*before.counts, *after.counts})
    counts = np.array([[side.counts.get(one, 0) for one in names] for side in (before, after)])
    shares = counts / counts.sum(axis=1, keepdims=True)
    most = int(np.abs(shares[1] - shares[0]).argmax())
    new = [one for one in names if one not in before.counts]
    said = (
        f"{names[most]}: {_show.percent(shares[0, most])} before, "
        f"{_show.percent(shares[1, most])} now."
    )
    if new:
        share = sum(after.counts[one] for one in new) / after.n
        said += f" New: {_tables._some(new)} ({_show.percent(share)} of the rows)."
    return _classes_row(counts, before.n, after.n) | {"said": said}


def _classes_row(counts: np.ndarray, n: int, m: int) -> dict[str, Any]:
    few = _two_samples.pooled(counts.astype(float))
    statistic, p, left = _two_samples.homogeneity(few)
    return {
        "test": "chi-square",
        "statistic": statistic,
        "p": p,
        "psi": float(_two_samples.psi(few[0], few[1])),
        "psi_noise": _two_samples.psi_noise(left, n, m),
        "js": _two_samples.jensen_shannon(counts[0], counts[1]),
    }


def _by_number(
    before: Numbers, after: Numbers, distance: float | None, name: str
) -> dict[str, Any]:
    if not np.array_equal(before.edges, after.edges):
        raise TableError(
            f"the bins of {name!r} differ: make the second profile with like= the first."
        )
    far = _two_samples.wasserstein((before.places, after.places), before.counts, after.counts)
    means = [np.divide(side.sums.sum(), side.n) for side in (before, after)]
    said = f"mean {means[0]:.4g} before, {means[1]:.4g} now."
    if len(before.edges) <= _FEW_VALUES:
        counts = np.stack([before.counts, after.counts])
        return _classes_row(counts, before.n, after.n) | {"wasserstein": far, "said": said}
    tenths = _two_samples.deciles(before.counts, after.counts)
    if distance is None:
        distance = _two_samples.ks_binned(before.counts, after.counts)
    return {
        "test": "Kolmogorov-Smirnov",
        "statistic": distance,
        "p": _two_samples.ks_p(distance, before.n, after.n),
        "psi": float(_two_samples.psi(tenths[0], tenths[1])),
        "psi_noise": _two_samples.psi_noise(tenths.shape[1], before.n, after.n),
        "js": _two_samples.jensen_shannon(tenths[0], tenths[1]),
        "wasserstein": far,
        "said": said,
    }


def _missing(name: str, before: Any, after: Any) -> dict[str, Any]:
    counts = np.array([[side.missing, side.n] for side in (before, after)])
    row: dict[str, Any] = dict.fromkeys(_COLUMNS, np.nan)
    row |= {"column": name, "what": "missing", "test": "chi-square"}
    totals = counts.sum(axis=1)
    if not counts[:, 0].any() or not totals.all():
        return row | {"said": ""}
    shares = counts[:, 0] / totals
    said = f"missing: {_show.percent(shares[0])} before, {_show.percent(shares[1])} now."
    return row | _classes_row(counts, *totals) | {"said": said}


def _small(q: float) -> str:
    if pd.isna(q):
        return ""
    return "< 0.001" if q < 0.001 else f"{q:.3f}"
