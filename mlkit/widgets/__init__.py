"""Hands: widgets for JupyterLab and Notebook 7 that write to the journal.

``Tagger``      say with the keyboard what is wrong with each error
``Labeler``     say with the keyboard which class each item is, blind
``Confusion``   the confusion matrix, whose cells choose what the Tagger shows
``AugmentPreview``  hear and see a pipeline's changes, and say whether one can still tell
``AgreementBoard``  how far a class agrees, on the big screen, while it labels
``Recorder``    record one's own voice, prompt by prompt, and keep nothing without consent
``Simulator``   half a year in front of users: drift, alarms, canary and labels on one time axis
"""

from mlkit.widgets.agreement_board import AgreementBoard
from mlkit.widgets.augment_preview import AugmentPreview
from mlkit.widgets.confusion import Confusion
from mlkit.widgets.labeler import Labeler
from mlkit.widgets.recorder import Recorder
from mlkit.widgets.simulator import Simulator
from mlkit.widgets.tagger import Tagger

__all__ = [
    "AgreementBoard",
    "AugmentPreview",
    "Confusion",
    "Labeler",
    "Recorder",
    "Simulator",
    "Tagger",
]
