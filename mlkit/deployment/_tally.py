"""What each user got from each version, in counts that add up."""

import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import TableError

VERSIONS = ("old", "new")
COUNTS = ["requests", "labelled", "right", "failed", "slow"]


def tally(log: pd.DataFrame, *, slow_ms: float | None = None) -> pd.DataFrame:
    """What did each user get from each version?

    Requests of one user resemble each other, so versions are compared by user, and this is all
    a comparison needs. Tallies of parts of a log (hours, machines) add up: ``add``.

    Parameters
    ----------
    log : ``timestamp, item, prediction, user, version`` (*old* or *new*), and if known
        ``label`` (missing: not here yet), ``latency_ms`` and ``routed``, the version that the
        policy chose. A missing prediction is a failure. In shadow mode each request has a row
        for either version. Where old answered for new, which had failed, its row is left out:
        these users are new's.
    slow_ms : a request that took longer counts as slow; needs ``latency_ms``.

    A log with more than one ``era`` is counted with a warning: "new" may be several models in
    it, and the days differ.

    Returns
    -------
    DataFrame with one row for each user and version: ``user, version, requests, labelled,
    right, failed, slow``. A failed request that has its label is labelled, and not right.

    Examples
    --------
    >>> log = pd.DataFrame({"timestamp": ["2026-01-01"] * 3, "item": list("abc"),
    ...     "user": ["u", "u", "v"], "version": ["old", "old", "new"],
    ...     "prediction": ["x", "y", "x"], "label": ["x", "x", None]})
    >>> tally(log)[["user", "version", "requests", "labelled", "right"]].values.tolist()
    [['u', 'old', 2, 2, 1], ['v', 'new', 1, 0, 0]]
    """
    log = _tables.log(log, function="deployment.tally")
    _has_users_and_versions(log)
    _one_era(log)
    if "routed" in log:
        log = log[(log["routed"].astype(str) != "new") | (log["version"].astype(str) != "old")]
    label = log["label"] if "label" in log else pd.Series(pd.NA, log.index)
    labelled, failed = label.notna(), log["prediction"].isna()
    right = labelled & ~failed & (log["prediction"].astype(object) == label.astype(object))
    counted = pd.DataFrame(
        {
            "user": log["user"].astype(str),
            "version": log["version"].astype(str),
            "requests": 1,
            "labelled": labelled.astype(int),
            "right": right.astype(int),
            "failed": failed.astype(int),
            "slow": _slow(log, slow_ms),
        }
    )
    return add([counted])


def add(tallies: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """One tally out of several, whatever their order: counts of one user and version are summed.

    Examples
    --------
    >>> one = pd.DataFrame({"user": ["u"], "version": ["old"], "requests": [2], "labelled": [1],
    ...                     "right": [1], "failed": [0], "slow": [0]})
    >>> int(add([one, one])["requests"].iloc[0])
    4
    """
    parts = list(tallies)
    if not parts:
        raise TableError("deployment.add() needs at least one tally, and was given none.")
    for part in parts:
        check(part, function="deployment.add")
    whole = pd.concat([part[["user", "version", *COUNTS]] for part in parts])
    return whole.groupby(["user", "version"], sort=True, as_index=False)[COUNTS].sum()


def check(table: pd.DataFrame, *, function: str) -> None:
    """A tally, or one clear error."""
    missing = {"user", "version", *COUNTS} - set(getattr(table, "columns", ()))
    if missing:
        raise TableError(
            f"{function}() needs a table as deployment.tally() makes it; "
            f"missing: {', '.join(sorted(missing))}."
        )
    _known_versions(table, function)


def _has_users_and_versions(log: pd.DataFrame) -> None:
    for name in ("user", "version"):
        if name not in log:
            raise TableError(
                f"deployment.tally() needs the column {name}: versions are compared by user. "
                f"Found: {', '.join(map(str, log.columns))}."
            )
    in_each_row(log, ("user", "version"), function="deployment.tally")
    _known_versions(log, "deployment.tally")


def _one_era(log: pd.DataFrame) -> None:
    eras = log["era"].dropna().unique() if "era" in log else ()
    if len(eras) > 1:
        warnings.warn(
            f"this log has {len(eras)} eras: in each another share was in force, and new may have "
            f'been another model. Compare within one: log[log["era"] == {max(eras)}].',
            stacklevel=3,
        )


def in_each_row(table: pd.DataFrame, names: Iterable[str], *, function: str) -> None:
    """No value of these columns is missing, or one clear error."""
    for name in names:
        if table[name].isna().any():
            raise TableError(
                f"{function}() needs a {name} in each row, and "
                f"{_tables._count(int(table[name].isna().sum()), 'row')} have none."
            )


def _known_versions(table: pd.DataFrame, function: str) -> None:
    other = sorted(set(table["version"].unique()) - set(VERSIONS), key=str)
    if other:
        raise TableError(
            f'{function}() knows the versions "old" and "new", and found {_tables._some(other)}: '
            'df.assign(version=df["version"].replace({"yours": "old"})).'
        )


def _slow(log: pd.DataFrame, slow_ms: float | None) -> np.ndarray:
    if slow_ms is None:
        return np.zeros(len(log), int)
    if "latency_ms" not in log:
        raise TableError("deployment.tally() needs the column latency_ms to count slow requests.")
    return (log["latency_ms"].to_numpy(float, na_value=np.nan) > slow_ms).astype(int)
