"""What people said about items while looking at them: a journal of tags, notes and labels.

A journal is one append-only table of events in an SQLite file or any other database.
What holds now is worked out from the events, so nothing is ever overwritten, an undo is
one more event, and people, tabs and kernels can share one journal. A class meets in a
``Classroom``: items and a guide go out, labels come back.
"""

from mlkit._tables import BROKEN, FLAGGED, LABEL_IS_WRONG, RESERVED_TAGS
from mlkit.tags._alias import alias
from mlkit.tags._classroom import Classroom
from mlkit.tags._events import JournalError
from mlkit.tags._journal import Journal
from mlkit.tags._look import Look
from mlkit.tags._rounds import Round

__all__ = [
    "BROKEN",
    "FLAGGED",
    "LABEL_IS_WRONG",
    "RESERVED_TAGS",
    "Classroom",
    "Journal",
    "JournalError",
    "Look",
    "Round",
    "alias",
]
