"""Pairs weighed, a threshold with its consequences, and one pseudonymous id a person."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlkit import _show, _tables
from mlkit._tables import TableError
from mlkit.records import _clusters, _fields, _pictures, _weights
from mlkit.records._pairs import Pairs
from mlkit.records._pairs import pairs as pairs_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FUNCTION = "records.link"
_RANDOM = 50_000  # random pairs that show how often strangers agree
THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
Rng = int | np.random.Generator | None


@dataclass(frozen=True)
class Links:
    """Who is one person: ``table`` has ``record, user, records`` (how many that user has).

    ``persons`` counts the users; ``low`` and ``high`` are what thresholds of 0.5 and 0.999 would
    give, ``n`` the records. ``pairs`` holds each pair compared, with its levels in words,
    ``weight`` (bits), ``probability`` and ``match``; ``weights`` what each level is worth;
    ``thresholds`` what another threshold would do.
    """

    table: pd.DataFrame
    persons: int
    low: int
    high: int
    n: int
    threshold: float
    notes: tuple[str, ...]
    pairs: pd.DataFrame = field(repr=False)
    weights: pd.DataFrame = field(repr=False)
    thresholds: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        return (
            f"{_tables._count(self.n, 'record')}, {_tables._count(self.persons, 'person')}: pairs "
            f"with a probability of {self.threshold:g} or more are merged (other thresholds: "
            f"{self.low:,} to {self.high:,})."
        )

    def _repr_html_(self) -> str:
        return _pictures.links_html(self)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Pairs by weight, merged and not."""
        return _pictures.links_plot(self, ax)


def link(
    records: pd.DataFrame,
    *,
    pairs: pd.DataFrame | Pairs | None = None,
    fields: Mapping[str, str] | None = None,
    labelled: pd.DataFrame | None = None,
    threshold: float = 0.9,
    key: bytes | str | None = None,
    rng: Rng = 0,
) -> Links:
    """Which records are one person?

    A level of likeness is worth log2(m / u) bits: m is how often pairs of one person show it, u
    pairs of two (Fellegi and Sunter 1969). Both are learned from the pairs themselves by
    expectation maximisation, taking fields as independent within one person and within two; where
    they are not (a household shares name, address and telephone) probabilities are too sure, so
    check some by hand. Groups of three and more hold only if all their pairs together speak for it.

    Parameters
    ----------
    records : one row a ``record``; only rows with ``consent`` True are used where it exists.
    pairs : what to compare; by default ``records.pairs``.
    fields : as in ``records.pairs``.
    labelled : ``left, right, match`` (Boolean), pairs a person looked at, drawn at random.
    threshold : probability from which two records are merged.
    key : secret that makes the ids (HMAC-SHA256); the same key gives the same ids. Without one it
        is drawn anew and thrown away, and nobody can make the ids again.

    Examples
    --------
    >>> from mlkit.datasets import make_user_records
    >>> links = link(make_user_records(500), key="keep me elsewhere")
    >>> list(links.table)
    ['record', 'user', 'records']
    """
    threshold = _share(threshold)
    table = _fields.checked(records, function=_FUNCTION)
    if table.empty:
        raise TableError(
            f"{_FUNCTION}() was left without a record: the table has {len(records)}, none of "
            "them with consent True."
            if len(records)
            else f"{_FUNCTION}() was given a table with no rows."
        )
    kinds = _fields.kinds(records, fields, function=_FUNCTION)
    told = [_fields.consent_note(records, len(table))]
    if pairs is None:
        pairs = pairs_of(records, fields=fields)
    if isinstance(pairs, Pairs):
        told += pairs.notes[1:]
        pairs = pairs.table
    texts = _fields.normalised(table, kinds)
    left, right = _weights.rows_of(table, pairs, function=_FUNCTION)
    found = _weights.levels(texts, kinds, left, right)
    known = _known(labelled, table, left, right)
    model = _learned(texts, kinds, found, known, np.random.default_rng(rng))
    probability = model.probability(found)
    score = _scorer(texts, kinds, model)
    users = _Users(len(table), left, right, probability, model.weight(found) + model.prior, score)
    group, cut, large = users.at(threshold)
    consequences = _consequences(users)
    told += _on_groups(cut, large)
    told += _on_model(model, found, known, key)
    ids = _pseudonyms(table["record"], group, key)
    size = np.bincount(group)[group] if len(group) else group
    return Links(
        table=pd.DataFrame({"record": table["record"], "user": ids, "records": size}),
        persons=len(np.unique(group)),
        low=int(consequences["persons"].min()),
        high=int(consequences["persons"].max()),
        n=len(table),
        threshold=threshold,
        notes=tuple(told),
        pairs=_scored(table, kinds, found, left, right, model, threshold),
        weights=_weights.table(model, found, kinds),
        thresholds=consequences,
    )


def _share(threshold: float) -> float:
    number = isinstance(threshold, int | float | np.number) and not isinstance(threshold, bool)
    if not (number and 0 < threshold <= 1):
        raise ValueError(
            f"{_FUNCTION}() needs threshold as a probability above 0, for example 0.9; got "
            f"{threshold!r}."
        )
    return float(threshold)


def _known(
    labelled: pd.DataFrame | None, table: pd.DataFrame, left: np.ndarray, right: np.ndarray
) -> np.ndarray | None:
    """1, 0 or NaN for each pair compared."""
    if labelled is None:
        return None
    needed = {"left", "right", "match"}
    if not isinstance(labelled, pd.DataFrame) or not needed <= set(labelled.columns):
        raise TableError(f"{_FUNCTION}() needs labelled with the columns left, right, match.")
    if not labelled["match"].isin([True, False]).all():
        raise TableError(f"{_FUNCTION}() needs True or False in the column match of labelled.")
    place = pd.Series(np.arange(len(table)), index=table["record"])
    a, b = (place.reindex(labelled[side]).to_numpy(float) for side in ("left", "right"))
    there = ~np.isnan(a) & ~np.isnan(b)
    low, high = np.minimum(a, b)[there].astype(int), np.maximum(a, b)[there].astype(int)
    said = pd.Series(
        labelled["match"].to_numpy()[there].astype(float), index=low * len(table) + high
    )
    said = said[~said.index.duplicated(keep="last")]
    code = np.minimum(left, right) * len(table) + np.maximum(left, right)
    return said.reindex(code).to_numpy()


def _learned(
    texts: pd.DataFrame,
    kinds: Mapping[str, str],
    found: np.ndarray,
    known: np.ndarray | None,
    rng: np.random.Generator,
) -> _weights.Model:
    start = _weights.begin(kinds, _weights.random_pairs(texts, kinds, _RANDOM, rng))
    return _weights.fit(found, start, known=known) if len(found) else start


def _scorer(
    texts: pd.DataFrame, kinds: Mapping[str, str], model: _weights.Model
) -> _clusters.Score:
    def score(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return model.weight(_weights.levels(texts, kinds, left, right)) + model.prior

    return score


@dataclass(frozen=True)
class _Users:
    """What is merged, at any threshold."""

    n: int
    left: np.ndarray
    right: np.ndarray
    probability: np.ndarray
    bits: np.ndarray
    score: _clusters.Score

    def at(self, threshold: float) -> tuple[np.ndarray, int, int]:
        match = self.probability >= threshold
        return _clusters.guarded(
            self.n, self.left[match], self.right[match], self.bits[match], self.score
        )


def _consequences(users: _Users) -> pd.DataFrame:
    """What each threshold would merge, and what the model itself expects of it."""
    every = users.probability.sum()
    rows = []
    for threshold in THRESHOLDS:
        chosen = users.probability[users.probability >= threshold]
        group, *_ = users.at(threshold)
        rows.append(
            {
                "threshold": threshold,
                "matches": len(chosen),
                "expected_wrong": float((1 - chosen).sum()),
                "expected_precision": float(chosen.mean()) if len(chosen) else np.nan,
                "expected_recall": float(chosen.sum() / every) if every else np.nan,
                "persons": len(np.unique(group)),
                "largest": int(np.bincount(group).max(initial=0)),
            }
        )
    return pd.DataFrame(rows)


def _pseudonyms(record: pd.Series, group: np.ndarray, key: bytes | str | None) -> pd.Series:
    """One keyed hash a person, of the record that comes first by name."""
    if key is None:
        secret = secrets.token_bytes(32)
    elif isinstance(key, bytes | str) and key:
        secret = key.encode() if isinstance(key, str) else key
    else:
        raise ValueError(f"{_FUNCTION}() needs key as a text or bytes that are not empty.")
    first = record.astype(str).groupby(group).min()
    ids = {
        number: "u" + hmac.new(secret, name.encode(), hashlib.sha256).hexdigest()[:20]
        for number, name in first.items()
    }
    return pd.Series(group, index=record.index).map(ids).astype("str")


def _scored(
    table: pd.DataFrame,
    kinds: Mapping[str, str],
    found: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    model: _weights.Model,
    threshold: float,
) -> pd.DataFrame:
    names = table["record"].to_numpy()
    words = {
        name: pd.Categorical.from_codes(found[:, column], pd.Index(_weights.LEVELS[kind]))
        for column, (name, kind) in enumerate(kinds.items())
    }
    probability = model.probability(found)
    scored = pd.DataFrame(
        {
            "left": names[left],
            "right": names[right],
            **words,
            "weight": model.weight(found),
            "probability": probability,
            "match": probability >= threshold,
        }
    )
    return scored.sort_values("weight", ascending=False, kind="stable", ignore_index=True)


def _on_groups(cut: int, large: int) -> Iterator[str]:
    if cut:
        yield (
            f"{_tables._count(cut, 'chain')} cut: records that were tied through others, though "
            "most of their pairs speak against one person."
        )
    if large:
        yield (
            f"{_tables._count(large, 'group')} of more than {_clusters.LARGE} records lost the "
            "weakest ties until it fell apart; look for a value that many share, such as a "
            "made-up telephone number."
        )


def _on_model(
    model: _weights.Model, found: np.ndarray, known: np.ndarray | None, key: bytes | str | None
) -> Iterator[str]:
    looked = 0 if known is None else int((~np.isnan(known)).sum())
    if not len(found):
        yield "No two records share a key: there was nothing to compare."
    else:
        yield (
            f"The model takes {_show.percent(model.shares[0])} of the compared pairs for one "
            f"person ({_tables._count(model.steps, 'step')}"
            + (f", with {_tables._count(looked, 'pair')} that people looked at)." if looked else
               "). It learned without labels: its probabilities are estimates that nobody checked.")
        )  # fmt: skip
    if known is not None and looked == 0:
        yield "None of the labelled pairs is among the pairs compared, so they taught nothing."
    yield (
        "The key of the ids was drawn at random and is forgotten: a next run gives other ids."
        if key is None
        else "Ids come from a secret key: whoever has key and records can make them again."
    )
