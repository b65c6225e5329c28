"""Everything around a machine-learning model, one thin module per question.

Deciding
    ``scoping``   what is worth building, for how much, and when it is good enough: rank, chain,
                  total, card
Error analysis
    ``tags``      the journal: which tag was given to which item, by whom, when, undoable; a class
    ``slices``    what to fix next: report, plan, find, compare
    ``widgets``   hands: tag errors with the keyboard in JupyterLab
Labels people agree on
    ``labels``    agreement, contested items, merges, consensus, likely errors, boxes, text
    ``baselines`` how well people do, and what else to compare with: human, rule, previous, gap
Data
    ``datasets``  bundled (``load_*``), generated (``make_*``), downloaded (``fetch_*``), one's own
                  (``read_own``)
    ``validation`` a table against a schema that was proposed, then declared: propose, validate
    ``records``   several records, one person: pairs, link, evaluate
    ``splits``    train, dev and test by group, by class and slice, by time
    ``features``  MFCC for audio, HOG and colour for images
    ``augment``   more of it: sound and images changed so that the label still holds
    ``lineage``   what came from what: record, trace, compare and verify runs; versions of data
In front of users
    ``deployment`` who gets the new version, when it gets more or has to go: Policy, compare
    ``serving``   two versions of a model behind the policy, on the wire: start
    ``monitoring`` whether the world moved: profile, drift, concept, estimate, skew, anomalies,
                  alarms, backtest
Learning and telling
    ``pages``     one page to hand to someone else: write, describe
    ``exercises`` check, hint, reveal, progress

Importing ``mlkit`` imports none of them: ``from mlkit import slices`` does. ``mlkit.doctor()``
says in words what is missing on this machine, and what mends it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlkit._doctor import Diagnosis

__version__ = "0.1.0"


def doctor() -> "Diagnosis":
    """Is everything here that the notebooks need? Looks, and changes nothing.

    Programs and their versions, the browser's part of the widgets, sound and pictures, a place
    where tags can be kept, the real data. ``.table`` has a row for each: ``check``, ``state``
    ("fine", "can wait", "mend this"), ``found``, ``what_to_do``; ``.healthy`` is whether nothing
    has to be mended. Nothing is downloaded.

    Examples
    --------
    >>> import mlkit
    >>> mlkit.doctor().table.columns.tolist()
    ['check', 'state', 'found', 'what_to_do']
    """
    from pathlib import Path

    from mlkit._doctor import examine

    return examine(Path())
