"""Everything around a machine-learning model, one thin module per question.

Error analysis
    ``tags``      the journal: which tag was given to which item, by whom, when, undoable
    ``slices``    what to fix next: report, plan, find, compare
    ``widgets``   hands: tag errors with the keyboard in JupyterLab
Labels people agree on
    ``labels``    agreement, contested items, merges, consensus, likely errors, boxes, text
    ``baselines`` how well people do, and what else to compare with: human, rule, previous, gap
Data
    ``datasets``  bundled (``load_*``), generated (``make_*``), downloaded (``fetch_*``)
    ``splits``    train, dev and test by group, by class and slice, by time
    ``features``  MFCC for audio, HOG and colour for images
    ``augment``   more of it: sound and images changed so that the label still holds
    ``lineage``   what came from what: record, trace, compare and verify runs; versions of data
Learning
    ``exercises`` check, hint, reveal, progress

Importing ``mlkit`` imports none of them: ``from mlkit import slices`` does.
"""

__version__ = "0.1.0"
