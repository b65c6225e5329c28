"""What the report and the comparison are given, checked and brought into one order."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import LABEL_IS_WRONG, TableError


def judged(predictions: pd.DataFrame, *, function: str) -> tuple[pd.DataFrame, list[str]]:
    """Each item with a label, and whether the prediction is an error; what was left out."""
    table = _tables.predictions(predictions, function=function)
    notes = []
    labelled = table["label"].notna()
    if not labelled.any():
        raise TableError(f"{function}() was given no item with a label: nothing can be judged.")
    if not labelled.all():
        n = int((~labelled).sum())
        notes.append(f"{_tables._count(n, 'item')} without a label: left out.")
    table = table[labelled].reset_index(drop=True)
    silent = table["prediction"].isna()
    if silent.any():
        n = int(silent.sum())
        notes.append(f"{_tables._count(n, 'item')} without a prediction: counted as errors.")
    same = table["label"].astype(object) == table["prediction"].astype(object).where(~silent, None)
    columns = [name for name in ("item", "label", "prediction", "score") if name in table.columns]
    return table[columns].assign(error=~same.astype(bool)), notes


def joined(
    items: pd.DataFrame, memberships: pd.DataFrame, notes: list[str], *, function: str
) -> tuple[pd.DataFrame, np.ndarray]:
    table = _tables.memberships(memberships, function=function)
    notes += memberships.attrs.get("notes", [])
    unknown = ~_tables.among(table["item"], items["item"])
    if unknown.all():
        raise TableError(
            f"{function}() found none of the items of the memberships in the predictions "
            f"({_tables._some(table['item'])} against {_tables._some(items['item'])}): "
            "make both from the same table."
        )
    table = table.set_index("item").reindex(items["item"]).reset_index(drop=True)
    rate = table.pop("sampling_rate").fillna(1.0).to_numpy(float)
    table.columns = table.columns.astype(str)
    return table, rate


def codes_of(member: pd.DataFrame) -> np.ndarray:
    return np.column_stack(
        [member[name].astype("Int8").fillna(-1).to_numpy(np.int8) for name in member.columns]
    )


def wrong_labels(member: pd.DataFrame) -> np.ndarray:
    """1: the label is wrong, 0: it is right, -1: nobody looked."""
    if LABEL_IS_WRONG not in member.columns:
        return np.zeros(len(member), np.int8)
    return codes_of(member[[LABEL_IS_WRONG]])[:, 0]


def hlp_of(
    hlp: pd.DataFrame | None, names: list[str], notes: list[str], *, function: str
) -> tuple[np.ndarray, np.ndarray]:
    if hlp is None:
        return np.full(len(names), np.nan), np.full(len(names), np.nan)
    table = _tables._need(hlp, ["slice", "hlp"], function)
    if table["slice"].duplicated().any():
        twice = table["slice"][table["slice"].duplicated()].unique()
        raise TableError(f"{function}() needs one HLP a slice; twice: {_tables._some(twice)}.")
    values = pd.to_numeric(table["hlp"], errors="coerce")
    if (~values.between(0, 1) & table["hlp"].notna()).any():
        bad = table["hlp"][~values.between(0, 1)].tolist()
        raise TableError(
            f"{function}() needs hlp as a fraction between 0 and 1 (0.93, not 93); "
            f"found {_tables._some(bad)}."
        )
    # "all" is the first row of what baselines.human gives: of everything, not of a slice.
    other = [name for name in table["slice"] if name not in names and name != "all"]
    if other:
        notes.append(f"HLP is given for {_tables._some(other)}, which is no slice here: not used.")
    table = table.assign(hlp=values).set_index("slice")
    n = pd.to_numeric(table["n"], errors="coerce") if "n" in table else values * np.nan
    n.index = table.index
    return (
        table["hlp"].reindex(names).to_numpy(float),
        n.reindex(names).to_numpy(float),
    )


def weights_of(
    ease: Mapping[str, float] | None,
    importance: Mapping[str, float] | None,
    names: list[str],
    *,
    function: str,
) -> pd.DataFrame | None:
    given = {"ease": ease, "importance": importance}
    columns = {}
    for what, weights in given.items():
        if weights is None:
            continue
        missing = [name for name in names if name not in weights]
        unknown = [name for name in weights if name not in names]
        bad = [name for name in names if name in weights and not weights[name] > 0]
        if missing or unknown or bad:
            raise TableError(
                f"{function}() needs one number above 0 in {what} for each slice"
                + (f"; missing: {_tables._some(missing)}" if missing else "")
                + (f"; no slice: {_tables._some(unknown)}" if unknown else "")
                + (f"; not above 0: {_tables._some(bad)}" if bad else "")
                + "."
            )
        columns[what] = [float(weights[name]) for name in names]
    return pd.DataFrame(columns) if columns else None
