"""Recordings of one's own voice, as ``widgets.Recorder`` leaves them."""

import os
from pathlib import Path

import pandas as pd

from mlkit.datasets._bundled import read_table

_NUMBERS = {"rate_hz": int, "duration_s": float, "take": int}
_COLUMNS = ["item", "label", "speaker", "path", "rate_hz", "duration_s", "consent", "at", "take"]


def read_voice(folder: str | os.PathLike[str] = "work/voice") -> pd.DataFrame:
    """The takes of ``widgets.Recorder``, of everybody who recorded into the folder.

    Returns
    -------
    DataFrame
        The columns of ``recordings.csv``: ``item, label, speaker, path`` (made absolute),
        ``rate_hz, duration_s, consent, at`` (UTC, text), ``take``. Labels stay text, "0" too.
        Where everybody withdrew, a table without rows.

    Raises
    ------
    FileNotFoundError
        Where nothing was recorded yet, or a file of the table is gone.
    ValueError
        Where the table is none of the Recorder's.

    Examples
    --------
    >>> from mlkit._files import bundled
    >>> voice = read_voice(bundled("example_voice"))
    >>> len(voice), voice.loc[0, "label"]
    (50, '0')
    """
    folder = Path(folder).expanduser().resolve()
    if not (folder / "recordings.csv").exists():
        raise FileNotFoundError(
            f"nothing was recorded in {folder} yet: there is no recordings.csv. Record with "
            "widgets.Recorder, or take datasets.load_example_voice(), an example speaker."
        )
    table = read_table(folder / "recordings.csv")
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        raise ValueError(
            f"{folder / 'recordings.csv'} is none of widgets.Recorder's: the columns "
            f"{', '.join(missing)} are missing."
        )
    paths = [folder / name for name in table["path"]]
    gone = [path.name for path in paths if not path.exists()]
    if gone:
        raise FileNotFoundError(
            f"{len(gone):,} of {len(paths):,} recordings are not in {folder}, such as {gone[0]}. "
            "Bring them back, or open widgets.Recorder on this folder: it leaves them out."
        )
    return table.assign(path=[str(path) for path in paths]).astype(_NUMBERS)
