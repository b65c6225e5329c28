"""A log as the rest of this package takes it, or what is to be mended in it."""

import pandas as pd

from mlkit import _tables
from mlkit._tables import TableError


def checked_log(log: pd.DataFrame) -> pd.DataFrame:
    """Can this table be watched? Its times read, or one sentence on what to mend.

    Parameters
    ----------
    log : ``timestamp, item, prediction`` (+ ``label, label_at``, and whatever else you keep).

    Returns
    -------
    DataFrame: a copy, ``timestamp`` and ``label_at`` as times in UTC; rows and columns stay.

    Raises
    ------
    TableError (a ValueError): no row, a column that is missing, items that are no text, times
    that cannot be read, or that could be read in two ways (*03/04/2026*).

    Examples
    --------
    >>> raw = pd.DataFrame({"timestamp": ["2026-01-05 03:02"], "item": "i", "prediction": "a"})
    >>> checked_log(raw)["timestamp"].dt.hour.tolist()
    [3]
    """
    return times_of(log, function="monitoring.checked_log")


def times_of(log: pd.DataFrame, *, function: str) -> pd.DataFrame:
    """The log, checked for the function that was called."""
    for name in ("timestamp", "label_at"):
        if isinstance(log, pd.DataFrame) and list(log.columns).count(name) == 1:
            _one_reading(log[name], name, function)
    table = _tables.log(_iso(log, "timestamp"), function=function)
    if table.empty:
        raise TableError(f"{function}() was given a log without a row.")
    if "label_at" in table:
        try:
            table["label_at"] = pd.to_datetime(_iso(table, "label_at")["label_at"], utc=True)
        except (ValueError, TypeError) as error:
            raise TableError(
                f"{function}() cannot read the column label_at as times ({error})."
            ) from error
    return table


def _iso(log: pd.DataFrame, name: str) -> pd.DataFrame:
    """Text such as *2026-01-05 03:02* and *2026-01-05T03:02:36.5Z* in one column is read too."""
    if not isinstance(log, pd.DataFrame) or name not in log or not _is_text(log[name]):
        return log
    try:
        return log.assign(**{name: pd.to_datetime(log[name], utc=True, format="ISO8601")})
    except (ValueError, TypeError):
        return log  # told by whoever reads it next


def _is_text(values: pd.Series) -> bool:
    kinds = (pd.api.types.is_numeric_dtype, pd.api.types.is_datetime64_any_dtype)
    return not any(kind(values) for kind in kinds)


def _one_reading(times: pd.Series, name: str, function: str) -> None:
    """Text that does not begin with the year is a day in one country and a month in another."""
    if not _is_text(times):
        return
    text = times.dropna().astype(str).str.strip()
    other = text[text.str.match(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")]
    if len(other):
        raise TableError(
            f"{function}() cannot tell day from month in the column {name} ({other.iloc[0]!r}). "
            f'Say which comes first: df.assign({name}=pd.to_datetime(df["{name}"], '
            "dayfirst=True)), or dayfirst=False."
        )
