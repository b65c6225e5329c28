"""When should somebody be called? Metrics of a log by period, each with where it rings and why."""

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import TableError
from mlkit.monitoring import _metrics
from mlkit.monitoring._metrics import Watched
from mlkit.monitoring._profile import Profile

_FUNCTION = "monitoring.alarms"
_COLUMNS = [
    *("time", "kind", "metric", "column", "value", "low", "high", "n", "lower", "upper"),
    *("alarm", "threshold_from", "failure", "why", "quiet"),
]
QUIET, TARGET, YOURS = "quiet stretch", "target", "yours"
# The name of a metric in the targets of the project, where it is another.
_TARGETS = {"slow": "latency_ms", "peak_per_s": "throughput_per_s"}
_TEXT = ["failure", "kind", "metric", "column", "worse"]
_WORSE = ("lower", "higher", "either")
_FAILURES = [
    ("requests stop coming, or far more come than usual", "software", "requests", "", "either"),
    ("more come at once than it was built for", "software", "peak_per_s", "", "higher"),
    ("the model or the server does not answer", "software", "failed", "", "higher"),
    ("users wait: too much load, or a slower model", "software", "slow", "", "higher"),
    ("what comes in is different: users, devices, a sensor", "input", "drift", "*", "higher"),
    ("it gives other answers than it did", "output", "drift", "prediction", "higher"),
    ("it has become more sure, or less", "output", "score", "", "either"),
    ("it is often unsure", "output", "low_confidence", "", "higher"),
    ("it is less often right: what is right has changed, or the items are harder",
     "output", "accuracy", "", "lower"),
]  # fmt: skip


def failures(edited: pd.DataFrame | None = None) -> pd.DataFrame:
    """What could go wrong, and which metric would show it: a list to edit and hand to ``alarms``.

    Brainstorm what could go wrong in your own project; then take rows out, add some, or put in
    a ``threshold``. ``edited`` is such a list again: it comes back without its empty rows, or a
    TableError says what in it ``alarms`` would not understand.

    Returns
    -------
    DataFrame with ``failure`` (in words)``, kind`` (*software*, *input*, *output*)``, metric``
    (*requests*, *peak_per_s*: the busiest second, *failed*: no prediction, *slow*: share above
    a latency, *drift*, *score*: its mean, *low_confidence*, *accuracy*)``, column`` (of *drift*;
    "*": each feature that has no row of its own)``, worse`` (*lower*, *higher*, *either*)`` ,
    threshold`` (NaN: from the targets, else from the quiet stretch; of *slow*: in ms).

    Examples
    --------
    >>> mine = failures()
    >>> mine.loc[mine["metric"] == "low_confidence", "threshold"] = 0.2
    >>> mine["metric"].nunique()
    8
    """
    if edited is not None:
        return _known(edited, "monitoring.failures")
    return pd.DataFrame(_FAILURES, columns=_TEXT).assign(threshold=np.nan)


def alarms(
    log: pd.DataFrame,
    *,
    reference_until: str | pd.Timestamp,
    reference: Profile | None = None,
    targets: pd.DataFrame | None = None,
    failures: pd.DataFrame | None = None,
    every: str | pd.Timedelta = "1D",
    per_week: float = 0.25,
    least: float = 0.02,
) -> pd.DataFrame:
    """When would somebody have been called, and for what? Every metric, period by period.

    A threshold is a target, or lies so far out that on quiet traffic all alarms together ring
    at most ``per_week`` times a week: scaled with ``n``, wider where quiet periods differ much.

    Parameters
    ----------
    log : ``timestamp, item, prediction`` (+ ``score, label, label_at, latency_ms``, features).
    reference_until : the log is quiet until then, for two periods or (better) ten and more.
    reference : what columns are compared with, where it is not the quiet stretch.
    targets, failures : ``metric, target`` as in a project card; ``failures()``, edited.
    least : a PSI (*drift*) below which nothing rings.

    A row a period and metric there are columns for: ``time`` (end)``, kind, metric, column, value,
    low, high`` (95 %; none for counts, PSI)``, n, lower, upper`` (rings beyond)``, alarm,
    threshold_from, failure, why, quiet``. *accuracy* is over labels that came in the period.

    Examples
    --------
    >>> made = pd.DataFrame({"timestamp": pd.date_range("2026-01-01", periods=4000, freq="h"),
    ...     "item": "i", "prediction": "a", "loud": np.sin(np.arange(4000) ** 2)})
    >>> made.loc[3000:, "loud"] += 2
    >>> found = alarms(made, reference_until="2026-03-01", every="7D").query("alarm")
    >>> found["column"].unique().tolist()
    ['loud']
    """
    watched = _metrics.watched(log, reference_until, every)
    modes = _checked(failures, targets)
    if not per_week > 0:
        raise ValueError(f"per_week is how many false alarms a week you bear; got {per_week!r}.")
    plans = _plans(watched, modes, reference)
    tested = sum(plan["metric"] != "peak_per_s" for plan in plans)
    alpha = min(per_week * (watched.length / pd.Timedelta("7D")) / max(tested, 1), 0.5)
    parts = [_measure(watched, plan, alpha, least) for plan in plans]
    table = pd.concat([part.assign(order=k) for k, part in enumerate(parts)])
    table = table.sort_values(["time", "order"], kind="stable", ignore_index=True)
    return table[_COLUMNS]


def _known(failures: pd.DataFrame, function: str = _FUNCTION) -> pd.DataFrame:
    """The failures without empty rows; a value that nobody knows is told with its row."""
    missing = [name for name in _TEXT if name not in failures]
    if missing:
        raise TableError(
            f"{function}() needs failures as monitoring.failures() gives them; missing: "
            f"{', '.join(missing)}."
        )
    table = failures.copy()
    if "threshold" not in table:
        table["threshold"] = np.nan
    table[_TEXT] = table[_TEXT].astype(object).where(table[_TEXT].notna(), "").astype(str)
    table["row"] = np.arange(1, len(table) + 1)
    bare = (table[_TEXT].apply(lambda text: text.str.strip()) == "").all(axis=1)
    bare &= table["threshold"].isna() | (table["threshold"].astype(str).str.strip() == "")
    table = table[~bare].reset_index(drop=True)
    table["worse"] = table["worse"].replace("", "either")
    for name, allowed in (("metric", sorted({row[2] for row in _FAILURES})), ("worse", _WORSE)):
        other = table[~table[name].isin(allowed)]
        if len(other):
            raise TableError(
                f"{function}() knows {name} as {', '.join(allowed)}; failures has "
                f"{_tables._some(other[name].unique())} in row {other['row'].iloc[0]}."
            )
    typed = pd.to_numeric(table["threshold"].replace("", np.nan), errors="coerce")
    other = table[typed.isna() & table["threshold"].replace("", np.nan).notna()]
    if len(other):
        raise TableError(
            f"{function}() needs a threshold as a number, or nothing; failures has "
            f"{other['threshold'].iloc[0]!r} in row {other['row'].iloc[0]}."
        )
    return table.drop(columns="row").assign(threshold=typed.astype(float))


def _checked(failures: pd.DataFrame | None, targets: pd.DataFrame | None) -> pd.DataFrame:
    """The failures, each with the target of its metric."""
    given = _known(pd.DataFrame(_FAILURES, columns=_TEXT) if failures is None else failures)
    given = given.assign(source=np.where(given["threshold"].notna(), YOURS, ""))
    if targets is not None:
        missing = [name for name in ("metric", "target") if name not in targets]
        if missing:
            raise TableError(f"{_FUNCTION}() needs targets with {', '.join(missing)}.")
        aims = dict(zip(targets["metric"], targets["target"].astype(float), strict=True))
        aim = given["metric"].map(lambda name: aims.get(_TARGETS.get(name, name), np.nan))
        mine = given["threshold"].isna() & aim.notna()
        given.loc[mine, "threshold"] = aim[mine]
        given.loc[mine, "source"] = TARGET
    return given


def _plans(watched: Watched, modes: pd.DataFrame, reference: Profile | None) -> list[dict]:
    """A row for each metric that the log has the columns for, drift for each column."""
    has = set(watched.table.columns)
    needs = {"slow": "latency_ms", "score": "score", "low_confidence": "score", "accuracy": "label"}
    named = set(modes.loc[modes["metric"] == "drift", "column"])
    plans = []
    for mode in modes.to_dict("records"):
        metric = mode["metric"]
        if metric == "drift":
            names = _metrics.features(watched.table, reference) if mode["column"] == "*" else []
            names = [one for one in names if one not in named] or [mode["column"]]
            plans += [
                {**mode, "column": one, "before": reference.columns.get(one) if reference else None,
                 "as": (reference.kinds if reference else {}).get(one)}
                for one in names if one in has
            ]  # fmt: skip
        elif needs.get(metric, "item") in has and not (
            metric == "peak_per_s" and not mode["source"]
        ):
            plans.append({**mode, "column": ""})
    if not plans:
        raise TableError(f"{_FUNCTION}() has nothing to watch: no failure's columns are there.")
    return plans


def _measure(watched: Watched, plan: dict, alpha: float, least: float) -> pd.DataFrame:
    """The rows of one metric."""
    limit = plan["threshold"] if plan["source"] else None
    line, why = _metrics.METRICS[plan["metric"]](watched, plan, alpha, limit, least)
    nothing = np.full(len(line.value), np.nan)
    ringing = line.alarm
    said = np.full(len(line.value), "", object)
    never = np.isnan(line.lower) & np.isnan(line.upper)
    said[never] = "too little to tell from chance"
    said[line.n == 0] = "no label came" if plan["metric"] == "accuracy" else "no value"
    for k in np.flatnonzero(ringing):
        said[k] = why(int(k))
    return pd.DataFrame(
        {
            "time": watched.ends,
            **{name: plan[name] for name in ("kind", "metric", "column")},
            "value": line.value,
            "low": line.low if len(line.low) else nothing,
            "high": line.high if len(line.high) else nothing,
            "n": line.n.astype(int),
            "lower": line.lower,
            "upper": line.upper,
            "alarm": ringing,
            "threshold_from": plan["source"] or QUIET,
            "failure": plan["failure"],
            "why": said,
            "quiet": watched.quiet,
        }
    )
