"""Data to learn on: bundled (``load_*``), generated (``make_*``) and downloaded (``fetch_*``).

Each comes as a table with one row an item, ``item`` (text), ``label``, where it lies, and a
``split``; or as an annotations table, one row a label that somebody gave. Train on *train*,
look at errors and choose on *dev*, and touch *test* last.
"""

from mlkit._files import DownloadError
from mlkit.datasets._archives import fetch_clothing, fetch_spoken_digits
from mlkit.datasets._bundled import (
    load_digits,
    load_example_tags,
    load_example_voice,
    load_spoken_digits,
)
from mlkit.datasets._messages import fetch_messages, make_messages
from mlkit.datasets._own import read_own
from mlkit.datasets._own_result import Own
from mlkit.datasets._phones import make_phone_inspections
from mlkit.datasets._published import (
    load_dawid_skene_1979,
    load_fleiss_1971,
    load_human_vs_network,
    load_krippendorff_2011,
)
from mlkit.datasets._traffic import make_traffic
from mlkit.datasets._user_records import make_user_records
from mlkit.datasets._voice import read_voice

__all__ = [
    "DownloadError",
    "Own",
    "fetch_clothing",
    "fetch_messages",
    "fetch_spoken_digits",
    "load_dawid_skene_1979",
    "load_digits",
    "load_example_tags",
    "load_example_voice",
    "load_fleiss_1971",
    "load_human_vs_network",
    "load_krippendorff_2011",
    "load_spoken_digits",
    "make_messages",
    "make_phone_inspections",
    "make_traffic",
    "make_user_records",
    "read_own",
    "read_voice",
]
