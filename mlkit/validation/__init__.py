"""A table against what was declared of it, and against the data it should look like.

``propose`` drafts rules from reference data and says why; ``declare`` is a person's word on them;
``validate`` tells which rules a table breaks and, kept apart, in what it differs from a reference;
``check_row`` does the first for one row, fast enough for a server.
"""

from mlkit.validation._propose import propose
from mlkit.validation._report import Report, validate
from mlkit.validation._rules import Broken
from mlkit.validation._schema import Schema, check_row, declare, read_schema, write_schema

__all__ = [
    "Broken",
    "Report",
    "Schema",
    "check_row",
    "declare",
    "propose",
    "read_schema",
    "validate",
    "write_schema",
]
