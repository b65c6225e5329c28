"""How a journal shows itself: how much is in it, by whom, since when."""

import pandas as pd
import sqlalchemy as sa

from mlkit import _show
from mlkit.tags._events import JournalError
from mlkit.tags._store import EVENTS, Store

_COLUMNS = ["annotator", "items", "tags", "events", "first", "last"]


def sentence(store: Store) -> str:
    """One sentence, also where the journal cannot be read."""
    try:
        return _sentence(store, _counts(store))
    except JournalError as error:
        return f"Journal {store.name}: {error}"


def html(store: Store) -> str:
    """The sentence, and a row for each annotator."""
    try:
        counts = _counts(store)
    except JournalError as error:
        return _show.result_html(f"Journal {store.name}: {error}", "")
    rows = [
        {
            "annotator": row["annotator"],
            "items": f"{row['items']:,}",
            "tags": f"{row['tags']:,}",
            "events": f"{row['events']:,}",
            "first": row["first"][:16].replace("T", " "),
            "last": row["last"][:16].replace("T", " "),
        }
        for row in counts.to_dict("records")
    ]
    headings = {name: name for name in _COLUMNS} | {"items": "items seen or labelled"}
    table = _show.table_html(rows, columns=headings, text=["annotator"]) if rows else ""
    return _show.result_html(_sentence(store, counts), table)


def _counts(store: Store) -> pd.DataFrame:
    seen = sa.case((EVENTS.c.kind.in_(["seen", "label"]), EVENTS.c.item))
    given = sa.case((EVENTS.c.kind == "tag", EVENTS.c.value))
    query = (
        sa.select(
            EVENTS.c.annotator,
            sa.func.count(seen.distinct()),
            sa.func.count(given.distinct()),
            sa.func.count(),
            sa.func.min(EVENTS.c.at),
            sa.func.max(EVENTS.c.at),
        )
        .group_by(EVENTS.c.annotator)
        .order_by(EVENTS.c.annotator)
    )
    with store.reading() as connection:
        return pd.DataFrame(connection.execute(query).all(), columns=_COLUMNS)


def _sentence(store: Store, counts: pd.DataFrame) -> str:
    if counts.empty:
        return f"Journal {store.name}: nothing written yet."
    events, people = int(counts["events"].sum()), len(counts)
    return (
        f"Journal {store.name}: {events:,} event{'' if events == 1 else 's'} by "
        f"{people} annotator{'' if people == 1 else 's'}, since {counts['first'].min()[:10]}."
    )
