"""What a column of a record holds, and its values made comparable."""

import unicodedata
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit._tables import TableError

KINDS = ("given", "family", "date", "email", "phone", "text", "exact")
# Columns that say themselves what they hold.
KNOWN = {
    **dict.fromkeys(("given_name", "first_name", "forename"), "given"),
    **dict.fromkeys(("family_name", "last_name", "surname"), "family"),
    **dict.fromkeys(("birth_date", "date_of_birth", "dob"), "date"),
    **dict.fromkeys(("email", "mail", "e_mail"), "email"),
    **dict.fromkeys(("phone", "telephone", "mobile"), "phone"),
    **dict.fromkeys(("street", "address", "city", "town"), "text"),
    **dict.fromkeys(("postcode", "zip", "zip_code", "country"), "exact"),
}
# Letters that are no other letter with an accent: they fall into two, or onto a plain one.
_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)


def checked(records: pd.DataFrame, *, function: str) -> pd.DataFrame:
    """The records of those who consented, one row a ``record``, with the index from 0 up."""
    table = _tables._need(records, ["record"], function)
    if table["record"].isna().any():
        raise TableError(
            f"{function}() needs a name for each record, and "
            f"{_tables._count(int(table['record'].isna().sum()), 'row')} have none."
        )
    twice = table["record"][table["record"].duplicated()].unique()
    if len(twice):
        raise TableError(
            f"{function}() needs one row a record, and {_tables._some(twice)} stand in the table "
            "more than once. Number the rows anew, for example "
            'df.assign(record=[f"r{i}" for i in range(len(df))]).'
        )
    if "consent" in table.columns:
        said = table["consent"]
        if not (said.isin([True, False]) | said.isna()).all():
            wrong = said[~said.isin([True, False]) & said.notna()].unique()
            raise TableError(
                f"{function}() needs True, False or a missing value in consent (only True is "
                f"consent), and found {_tables._some(wrong)}."
            )
        table = table[said.eq(True).fillna(False).to_numpy(bool)]
    return table.reset_index(drop=True)


def consent_note(records: pd.DataFrame, kept: int) -> str:
    if "consent" not in records.columns:
        return (
            "There is no column consent: nothing here says that people agreed to being merged. "
            "Ask first; a merge reveals what no single record does."
        )
    out = len(records) - kept
    if not out:
        return "Each record comes with consent to being merged."
    return f"{_tables._count(out, 'record')} without consent kept out, neither compared nor merged."


def kinds(
    records: pd.DataFrame, fields: Mapping[str, str] | None, *, function: str
) -> dict[str, str]:
    """Column -> kind, as given or by the names that say it themselves."""
    if fields is None:
        found = {n: KNOWN[n] for n in records.columns if isinstance(n, str) and n in KNOWN}
        if not found:
            raise TableError(
                f"{function}() recognises no column of {_some_names(records)}. Say what they hold: "
                f'fields={{"your column": "family", ...}}; the kinds are {", ".join(KINDS)}.'
            )
        return found
    missing = [name for name in fields if name not in records.columns]
    if missing:
        raise TableError(
            f"{function}() was given fields that are no columns: {_tables._some(missing)}. "
            f"Found: {_some_names(records)}."
        )
    wrong = {name: kind for name, kind in fields.items() if kind not in KINDS}
    if wrong or not fields:
        raise ValueError(
            f"{function}() needs fields as column -> kind, where a kind is one of "
            f"{', '.join(KINDS)}; got {dict(wrong or fields)!r}."
        )
    for kind in ("given", "family"):
        if list(fields.values()).count(kind) > 1:
            raise ValueError(f"{function}() can take one column of the kind {kind!r}, not more.")
    return dict(fields)


def _some_names(records: pd.DataFrame) -> str:
    return ", ".join(map(str, records.columns)) or "no column at all"


def plain(text: str) -> str:
    """Lower case, without accents, single spaces; letters and figures alone.

    >>> plain("  Józef  O'NEILL-Weiß ")
    'jozef oneill weiss'
    """
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    kept = "".join(
        c if c.isalnum() else " " if c in " -_/.," else ""
        for c in folded
        if not unicodedata.combining(c)
    )
    return " ".join(kept.split())


def _date(text: str) -> str:
    return text.strip()[:10]


def _phone(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _email(text: str) -> str:
    return "".join(text.split()).casefold()


_CLEAN = {"date": _date, "phone": _phone, "email": _email, "exact": lambda text: text.strip()}


def normalised(records: pd.DataFrame, fields: Mapping[str, str]) -> pd.DataFrame:
    """Each field as comparable text; "" where there is nothing to compare."""
    return pd.DataFrame({name: _column(records[name], kind) for name, kind in fields.items()})


def _column(values: pd.Series, kind: str) -> np.ndarray:
    codes, distinct = pd.factorize(values, use_na_sentinel=True)
    clean = _CLEAN.get(kind, plain)
    texts = np.asarray([clean(_text(value)) for value in distinct] + [""], dtype=object)
    return texts[codes]  # a missing value has the code -1: the last, ""


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():  # a number column with a gap in it
        value = int(value)
    return value if isinstance(value, str) else str(value)
