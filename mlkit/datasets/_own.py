"""One's own data: a folder of sounds or pictures, or a CSV, and why each thing left out was."""

import os
from pathlib import Path

from mlkit.datasets import _own_table
from mlkit.datasets._own_folder import from_folder, listing_in
from mlkit.datasets._own_media import listed, of_files
from mlkit.datasets._own_result import Own
from mlkit.datasets._own_rows import of_rows


def read_own(
    path: str | os.PathLike[str],
    *,
    label: str | None = None,
    text: str | None = None,
    who: str | None = None,
    progress: bool = True,
) -> Own:
    """Read a folder or a table of one's own, and say of all that cannot be used why not.

    Parameters
    ----------
    path
        A folder of sounds or of pictures, its sub-folders the classes (folders in them: whose);
        or a CSV: a list of files, texts, or rows; or a folder with such a list.
    label, text, who
        Columns of the CSV: class, text, whose. Left out, they are found by their names.

    Returns
    -------
    Own
        ``table``: ``item, label, group`` (what must stand on one side of a split: of one person,
        or nearly the same), ``remark``, ``path`` or the columns, and what was measured.
        ``skipped``: ``where, why, do``. Files are told by their content, read to the end; of
        those with the same content and class one is kept. Nothing is changed on disk.
        FileNotFoundError: there is nothing; ValueError: no class, or no telling which column.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> lines = ["text;label", "how are you;ham", "win now;spam", ";ham"]
    >>> _ = (folder / "mine.csv").write_text("\\n".join(lines))
    >>> own = read_own(folder / "mine.csv")
    >>> own
    These are texts: 2 of 3 can be used, in 2 classes; 1 left out, each with its reason.
    >>> own.skipped.values.tolist()
    [['row 4', 'no text', 'Write it, or drop the row.']]
    """
    place = _there(path)
    if place.is_dir():
        table = listing_in(place)
        if table is None:
            return of_files(*from_folder(place, progress=progress))
        place = table
    raw = _own_table.read(place)
    names = {"label": label, "text": text, "who": who}
    files = _own_table.the_files(raw.table)
    if files:
        return listed(raw, place, files, names, progress=progress)
    return of_rows(raw, names)


def _there(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"read_own() takes the path of a folder or of a CSV as text; this is a "
            f"{type(path).__name__}."
        )
    if not str(path).strip():
        raise ValueError("read_own(): the path is empty. Give that of a folder or of a CSV.")
    place = Path(path).expanduser()
    if not place.exists():
        near = next(parent for parent in place.absolute().parents if parent.exists())
        raise FileNotFoundError(
            f"read_own(): there is no {place}. What is there of it: {near}. Paths that are not "
            f"absolute count from {Path.cwd()}."
        )
    if not place.is_dir() and (
        not place.is_file() or place.suffix.lower() not in _own_table.TABLES
    ):
        raise ValueError(
            f"read_own() takes a folder, or a table as CSV; {place.name} is neither. Give the "
            "folder it lies in; unpack an archive; save a spreadsheet as CSV."
        )
    return place
