"""Other classes, or another guide: what that does to agreement."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit._tables import TableError
from mlkit.labels import _coded, _coefficients, _intervals, _levels, _patterns, _people
from mlkit.labels._patterns import Patterns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "labels.compare"
_COARSE = (
    "Intervals hold 92-97 % of the time from 50 items a version on; here there are {n}, "
    "and it may be less."
)


def relabel(
    annotations: pd.DataFrame, mapping: Mapping[Any, Any] | Callable[[pd.Series], Any]
) -> pd.DataFrame:
    """The same annotations in other classes: merged, renamed, or with one for uncertainty.

    Parameters
    ----------
    annotations : ``item, annotator, label``; rows and index stay as they are.
    mapping : old class -> new class; a class that is not named stays. Or a function that takes a
        row and gives its new label, which can look at other columns; None: no label. Missing
        labels stay missing under a mapping. Ordered classes stay ordered where the mapping
        joins neighbours.

    Examples
    --------
    >>> given = pd.DataFrame({"item": list("ab"), "annotator": 1, "label": ["shirt", "longsleeve"],
    ...     "sure": [True, False]})
    >>> list(relabel(given, {"longsleeve": "shirt"})["label"])
    ['shirt', 'shirt']
    >>> list(relabel(given, lambda row: row["label"] if row["sure"] else "can't tell")["label"])
    ['shirt', "can't tell"]
    """
    function = "labels.relabel"
    _tables.annotations(annotations, function=function)
    label = annotations["label"]
    if isinstance(mapping, Mapping):
        _known(label, mapping, function)
        return annotations.assign(label=_mapped(label, mapping))
    if not callable(mapping):
        raise TypeError(
            f"{function}() needs old class -> new class as a dict, or a function of a row; it was "
            f"given {_tables._kind(mapping)}."
        )
    new = [mapping(row) for _, row in annotations.iterrows()]
    return annotations.assign(label=pd.Series(new, index=annotations.index, dtype=_dtype(new)))


def _known(label: pd.Series, mapping: Mapping[Any, Any], function: str) -> None:
    categorical = isinstance(label.dtype, pd.CategoricalDtype)
    known = set(label.cat.categories if categorical else label.dropna().unique())
    unknown = [old for old in mapping if old not in known]
    if unknown:
        raise TableError(
            f"{function}() found no label {_tables._some(unknown)} to map; the labels are "
            f"{_tables._some(sorted(known, key=str), most=10)}. A class that stays as it is need "
            "not be named."
        )


def _mapped(label: pd.Series, mapping: Mapping[Any, Any]) -> pd.Series:
    if not isinstance(label.dtype, pd.CategoricalDtype):
        new = [mapping.get(old, old) if known else None
               for old, known in zip(label, label.notna(), strict=True)]  # fmt: skip
        return pd.Series(new, index=label.index, dtype=_dtype(new))
    renamed = [mapping.get(old, old) for old in label.cat.categories]
    names = list(dict.fromkeys(name for name in renamed if not pd.isna(name)))
    runs = [name for at, name in enumerate(renamed) if at == 0 or name != renamed[at - 1]]
    ordered = bool(label.dtype.ordered) and len(runs) == len(set(runs))
    place = np.array([names.index(name) if name in names else -1 for name in renamed], int)
    codes = np.where(label.cat.codes < 0, -1, place[label.cat.codes])
    kind = pd.CategoricalDtype(names, ordered=ordered)
    return pd.Series(pd.Categorical.from_codes(codes, dtype=kind), index=label.index)


def _dtype(values: list[Any]) -> Any:
    """Let pandas find the type, but keep text and numbers side by side apart as they are."""
    return None if any(value is not None for value in values) else object


_BY = {
    "same": "",
    "others": "; labelled by other people, so the interval is for other people too",
    "partly the same": "; labelled in part by other people, so the interval is for such too",
}


@dataclass(frozen=True)
class Comparison:
    """Alpha before and after: ``gain`` with ``low, high`` and ``n`` (items of both).

    ``pairing`` says how: "paired" (the same items), "independent" (no item in both), or
    "partly paired". ``people`` are the "same" in both, "others", or "partly the same"; the limits
    then are for other people too, and not for other items alone.
    """

    table: pd.DataFrame
    gain: float
    low: float
    high: float
    n: int
    pairing: str
    people: str
    notes: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        before, after = self.table.to_dict("records")
        if np.isnan(self.gain):
            row, version = (before, "before") if np.isnan(before["alpha"]) else (after, "after")
            return f"What was gained cannot be told: {version}, {row['why']}."
        limits = "" if np.isnan(self.low) else f" ({self.low:+.3f} to {self.high:+.3f})"
        how = {
            "paired": f"the same {_tables._count(self.n, 'item')} before and after, paired",
            "independent": f"{before['n']:,} items before and {after['n']:,} others after, taken "
            "as two independent samples",
            "partly paired": f"{before['n']:,} items before and {after['n']:,} after, "
            f"{before['n'] + after['n'] - self.n:,} of them the same and paired",
        }[self.pairing]
        return (
            f"Alpha changed by {self.gain:+.3f}{limits}, from {before['alpha']:.3f} to "
            f"{after['alpha']:.3f}: {how}{_BY[self.people]}. Percent agreement went from "
            f"{_show.percent(before['percent'])} to {_show.percent(after['percent'])}; it rises "
            "by itself where classes become fewer."
        )

    def _repr_html_(self) -> str:
        columns = {
            "version": "Version",
            "n": "Items",
            "labels": "Labels",
            "alpha": "Alpha",
            "percent": "Agreement",
        }
        rows = self.table.to_dict("records")
        why = {(i, "alpha"): row["why"] for i, row in enumerate(rows) if row["why"]}
        table = _show.table_html(map(_cells, rows), columns=columns, text=["version"], why=why)
        return _show.result_html(repr(self), table, notes=self.notes)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Alpha of each version with its interval."""
        rows = self.table[self.table["alpha"].notna()].iloc[::-1]
        ax = _show.axes(ax, size=(7.0, 2.0))
        y, blue = np.arange(len(rows)), _show.PALETTE["blue"]
        ax.hlines(y, rows["alpha_low"], rows["alpha_high"], color=blue, linewidth=2)
        ax.plot(rows["alpha"], y, "o", color=blue)
        ax.set_yticks(y, list(rows["version"]))
        ax.set_ylim(-0.6, max(len(rows), 1) - 0.4)
        ax.set_xlabel("alpha, with 95 % intervals (0: as by chance, 1: all agree)")
        return _show.describe(ax, "Alpha before and after. " + repr(self))


def compare(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    level: str = "nominal",
    rng: int | np.random.Generator | None = None,
) -> Comparison:
    """Do people agree better after a change of the classes, or of the guide?

    Alpha (Krippendorff 2011) of both, on items with two labels or more. The interval of the
    difference: where the same people labelled both times, *what if they got other items?*, from
    items drawn anew (Efron 1979), those of both versions together, so that difficulty cancels.
    People of one version alone are left out in turn, so that it is *other items and other people*:
    t * sqrt(V items + V people - V labels); Tukey 1958, Cameron, Gelbach and Miller 2011, degrees
    of freedom by Satterthwaite 1946. NaN for fewer than three such people in a version.
    Two guides: ``compare(a[a["guide"] == "v1"], a[a["guide"] == "v2"])``.

    Returns
    -------
    ``.gain, .low, .high, .n, .pairing, .people`` and ``.table``: ``version, n`` (items), ``labels,
    percent, alpha, alpha_low, alpha_high`` (for other items alone), ``why`` (of an empty cell).

    Examples
    --------
    >>> old = pd.DataFrame({"item": list("aabbccdd"), "annotator": [1, 2] * 4,
    ...     "label": ["p", "g", "p", "p", "x", "x", "g", "g"]})
    >>> result = compare(old, relabel(old, {"p": "g"}), rng=0)
    >>> round(result.gain, 3), result.n, result.pairing
    (0.333, 4, 'paired')
    """
    rng = np.random.default_rng(rng)
    versions = [_Version.of(table, level) for table in (before, after)]
    kinds, times, stratum, items, pairing = _joint(*versions)
    drawn = [
        [_people.alphas(v.p, _spread(part, kinds[:, at], len(v.p.m)), v.level, v.v)
         for at, v in enumerate(versions)]
        for part in _draws(times, stratum, rng, width=sum(len(v.p.m) for v in versions))
    ]  # fmt: skip
    alphas = np.concatenate([np.stack(part) for part in drawn], axis=1)
    sizes = [version.n for version in versions]
    limits = [_limits(alphas[at], n) for at, n in enumerate(sizes)]
    table = pd.DataFrame(
        [
            version.row(name, low, high)
            for name, version, (low, high) in zip(
                ("before", "after"), versions, limits, strict=True
            )
        ]
    )
    gain = float(table["alpha"].iloc[1] - table["alpha"].iloc[0])
    others = _others(*versions)
    people = _PEOPLE[bool(others[0].size or others[1].size), _all_others(versions, others)]
    if people == "same":
        low, high = _limits(alphas[1] - alphas[0], min(sizes))
    else:
        low, high = _limits_of_people(gain, alphas[1] - alphas[0], versions, others, rng)
    notes = tuple(_notes(versions, others, low))
    return Comparison(table, gain, low, high, items, pairing, people, notes)


_PEOPLE = {(False, False): "same", (True, False): "partly the same", (True, True): "others"}


@dataclass(frozen=True)
class _Version:
    """One table of annotations as patterns of votes, and the values of its classes."""

    p: Patterns
    coded: _coded.Coded
    level: str
    v: np.ndarray

    @classmethod
    def of(cls, annotations: pd.DataFrame, level: str) -> "_Version":
        coded = _coded.code(annotations, function=_FUNCTION)
        v = _levels.values_of(coded.labels, coded.table["label"], level, function=_FUNCTION)
        p = _patterns.find(coded.item, coded.label, len(coded.items), len(coded.labels))
        return cls(p, coded, level, v)

    @property
    def n(self) -> int:
        return int(self.p.times @ (self.p.m > 1))

    def shared(self) -> pd.Series:
        """Pattern of each item with two labels or more."""
        of = pd.Series(self.p.of, index=pd.Index(self.coded.items, dtype=object))
        return of[self.p.m[self.p.of] > 1] if len(of) else of

    def row(self, name: str, low: float, high: float) -> dict[str, Any]:
        found = _coefficients.of_patterns(self.p, self.level, self.v)
        why = "" if not np.isnan(low) else "the items drawn anew show no spread"
        if np.isnan(found["alpha"]):
            why = "no item has two labels" if not self.n else "only one class was used"
        return {
            "version": name,
            "n": self.n,
            "labels": int(self.p.times @ (self.p.m * (self.p.m > 1))),
            "percent": found["percent"],
            "alpha": found["alpha"],
            "alpha_low": low,
            "alpha_high": high,
            "why": why,
        }


def _joint(
    before: _Version, after: _Version
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, str]:
    """Kinds of items (pattern before, pattern after; -1: not in it), and how many of each.

    The stratum says in which versions a kind lies: items of a stratum are drawn among themselves.
    """
    one, other = before.shared(), after.shared()
    both = pd.concat([one, other], axis=1, keys=["before", "after"]).fillna(-1).astype(int)
    kinds, times = np.unique(both.to_numpy().reshape(-1, 2), axis=0, return_counts=True)
    stratum = (kinds >= 0) @ np.array([1, 2])
    in_both = int((both >= 0).all(axis=1).sum())
    pairing = "partly paired"
    if in_both == len(both):
        pairing = "paired"
    elif not in_both:
        pairing = "independent"
    return kinds, times.astype(float), stratum, len(both), pairing


def _draws(
    times: np.ndarray, stratum: np.ndarray, rng: np.random.Generator, *, width: int
) -> Iterator[np.ndarray]:
    """Blocks of replicates, the items of each stratum drawn anew among themselves."""
    groups = [np.flatnonzero(stratum == one) for one in np.unique(stratum)]
    step = max(1, _intervals._BLOCK // max(width, len(times), 1))
    for start in range(0, _intervals.REPLICATES, step):
        rows = min(step, _intervals.REPLICATES - start)
        drawn = np.zeros((rows, len(times)))
        for group in groups:
            n = times[group].sum()
            drawn[:, group] = rng.multinomial(int(n), times[group] / n, size=rows)
        yield drawn


def _spread(drawn: np.ndarray, pattern: np.ndarray, n_patterns: int) -> np.ndarray:
    """Times of each pattern of one version, from those of the kinds."""
    from scipy.sparse import csr_matrix

    known = np.flatnonzero(pattern >= 0)
    cells = (pattern[known], known)
    return (csr_matrix((np.ones(len(known)), cells), (n_patterns, len(pattern))) @ drawn.T).T


def _others(before: _Version, after: _Version) -> list[np.ndarray]:
    """Numbers of the people of each version who are not in the other.

    One alone beside people of both says nothing of how people differ, and is taken as they are.
    """
    one, two = (pd.Index(v.coded.annotators, dtype=object) for v in (before, after))
    found = [np.flatnonzero(~one.isin(two)), np.flatnonzero(~two.isin(one))]
    return [
        alone if len(alone) > 1 or len(alone) == len(all_of) else alone[:0]
        for alone, all_of in zip(found, (one, two), strict=True)
    ]


def _all_others(versions: list[_Version], others: list[np.ndarray]) -> bool:
    """Whether nobody is in both."""
    whole = [len(v.coded.annotators) for v in versions]
    return all(n == len(alone) > 0 for n, alone in zip(whole, others, strict=True))


def _limits_of_people(
    gain: float,
    drawn: np.ndarray,
    versions: list[_Version],
    others: list[np.ndarray],
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Limits for other items and other people."""
    n, known = min(version.n for version in versions), drawn[np.isfinite(drawn)]
    if n < 2 or not len(known):
        return _intervals.UNKNOWN
    parts = []
    for version, alone in zip(versions, others, strict=True):
        c = version.coded
        given = _people.Labelled(
            c.item, c.label, c.annotator, len(c.items), len(c.labels), version.level, version.v
        )
        if len(alone):
            parts.append(_people.spread(given, alone, rng))
    if any(np.isnan(one.people) or one.df < 1 for one in parts):
        return _intervals.UNKNOWN
    return _people.limits(gain, float(np.var(known) * n / (n - 1)), n, parts)


def _limits(drawn: np.ndarray, n: int) -> tuple[float, float]:
    return _intervals.of_draws(drawn, float(n)) if n > 1 else _intervals.UNKNOWN


def _notes(versions: list[_Version], others: list[np.ndarray], low: float) -> list[str]:
    notes = [
        f"{name}: {note}"
        for name, version in zip(("Before", "After"), versions, strict=True)
        for note in version.coded.notes
    ]
    for name, version in zip(("Before", "After"), versions, strict=True):
        alone = int(version.p.times @ (version.p.m == 1))
        if alone:
            notes.append(f"{name}: {_tables._count(alone, 'item')} with one label left out.")
    few = min(version.n for version in versions)
    if few < 50:
        notes.append(_COARSE.format(n=few))
    few = min(len(version.coded.annotators) for version in versions)
    if np.isnan(low) and _all_others(versions, others) and few < 3:
        notes.append(
            "No interval: other people labelled before than after, and of fewer than three in "
            "a version nobody can tell how far people differ."
        )
    elif np.isnan(low):
        notes.append("No interval: the items drawn anew show no spread, or there is no alpha.")
    return notes


def _cells(row: dict[Any, Any]) -> dict[str, str]:
    limits = "" if np.isnan(row["alpha_low"]) else f"\n{row['alpha_low']:.3f} to "
    limits += f"{row['alpha_high']:.3f}" if limits else ""
    return {
        "version": row["version"],
        "n": f"{row['n']:,}",
        "labels": f"{row['labels']:,}",
        "alpha": "—" if np.isnan(row["alpha"]) else f"{row['alpha']:.3f}{limits}",
        "percent": _show.percent(row["percent"]) or "—",
    }
