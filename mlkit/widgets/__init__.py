"""Hands: widgets for JupyterLab and Notebook 7 that write to the journal.

``Tagger``      say with the keyboard what is wrong with each error
``Labeler``     say with the keyboard which class each item is, blind
``Confusion``   the confusion matrix, whose cells choose what the Tagger shows
"""

from mlkit.widgets.confusion import Confusion
from mlkit.widgets.labeler import Labeler
from mlkit.widgets.tagger import Tagger

__all__ = ["Confusion", "Labeler", "Tagger"]
