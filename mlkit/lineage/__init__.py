"""Where data and models come from: who made what from what, with which code, and is it still so?

``step`` records a run in a log of readable lines; ``trace`` leads from a file back to its sources,
``downstream`` from a source to all that came from it, ``diff`` tells two runs apart, ``verify``
looks whether the recorded contents still lie there. ``snapshot`` keeps versions of a data set.
"""

from mlkit.lineage._changed import changed
from mlkit.lineage._content import Artifact, content_hash
from mlkit.lineage._diff import diff
from mlkit.lineage._log import LineageWarning, runs
from mlkit.lineage._snapshot import restore, snapshot, snapshots
from mlkit.lineage._step import Step, record, step
from mlkit.lineage._trace import Trace, downstream, trace
from mlkit.lineage._values import LineageError
from mlkit.lineage._verify import verify

__all__ = [
    "Artifact",
    "LineageError",
    "LineageWarning",
    "Step",
    "Trace",
    "changed",
    "content_hash",
    "diff",
    "downstream",
    "record",
    "restore",
    "runs",
    "snapshot",
    "snapshots",
    "step",
    "trace",
    "verify",
]
