"""A CSV of somebody's own, read whatever wrote it: encoding, separator, decimal comma, odd rows."""

import csv
import io
import re
import statistics
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from mlkit._tables import TableError, _count
from mlkit.datasets._own_files import PICTURES, SOUNDS
from mlkit.datasets._own_numbers import is_amount

_MEDIA = SOUNDS | PICTURES
TABLES = {".csv", ".tsv", ".tab", ".txt"}
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_LOOKED_AT = 200
_MOST_LINES = 30  # of one row; more of them mean a quotation mark that was never closed

LABELS = ("label", "class", "category", "target", "y", "klasse", "kategorie", "clase", "classe")
TEXTS = ("text", "message", "comment", "review", "sentence", "body", "content", "kommentar")
WHO = (
    *("who", "speaker", "person", "user", "user_id", "patient", "subject", "author", "customer"),
    *("client", "group", "session", "device", "writer", "kunde", "kundin", "sprecher", "personne"),
    *("customer_id", "patient_id", "speaker_id", "person_id", "subject_id", "author_id"),
)
IDS = ("item", "id", "nr", "no", "number", "key", "uuid", "row", "index")


@dataclass
class Raw:
    """A table as it was written: all text, a name for each row, and what had to be left out."""

    table: pd.DataFrame  # text columns; its index is the number of the row in a spreadsheet
    skipped: list[tuple[str, str, str]]  # where, why, what to do
    notes: list[str] = field(default_factory=list)
    comma: bool = False  # numbers are written 1,5


def read(path: Path) -> Raw:
    """Every row of the file, or where it stands and why it cannot be used."""
    text, encoding = _decoded(path)
    text, separator, said = _said(text)
    separator = separator or _separator(text, path)
    parts = _rows(text, separator)
    if not parts:
        raise TableError(f"read_own(): {path} holds no row. Is it the right file?")
    rows = _numbered(_apart(parts, text, separator))
    at = _first(rows)
    names = rows[at].fields
    header, notes = _header(names)
    skipped = [(f"row {row.number}", "above the names of the columns", "Nothing to do.")
               for row in rows[:at]]  # fmt: skip
    kept: dict[int, list[str]] = {}
    for row in rows[at + 1 :]:
        problem = _problem(row, names)
        if problem:
            skipped.append((f"row {row.number}", *problem))
        else:
            kept[row.number] = row.fields
    if not kept:
        raise TableError(
            f"read_own(): {path} has a first line and no row below it that can be used. The first "
            "line is to name the columns."
        )
    table = pd.DataFrame.from_dict(kept, orient="index", columns=header).astype(object)
    _named(table, path)
    told = f"Read as {encoding}, columns separated by {_SEPARATORS[separator]}s."
    return Raw(table, skipped, [told, *said, *notes], separator != ",")


@dataclass
class _Row:
    """``number`` as a spreadsheet shows it; a row of several lines is one there."""

    number: int
    first: int
    last: int
    fields: list[str]


def _numbered(rows: list[tuple[int, int, list[str]]]) -> list[_Row]:
    done, found = 0, []
    for first, last, fields in rows:
        found.append(_Row(first - done, first, last, fields))
        done += last - first
    return found


def _said(text: str) -> tuple[str, str, list[str]]:
    """What a first line such as sep=; says, as spreadsheets write and hide it."""
    found = re.match(r'"?sep=(.)"?[^\S\n]*\r?\n', text, re.IGNORECASE)
    if not found or found[1] not in _SEPARATORS:
        return text, "", []
    note = f"The first line, sep={found[1]}, names the separator; rows are counted below it."
    return text[found.end() :], found[1], [note]


def _decoded(path: Path) -> tuple[str, str]:
    data = path.read_bytes()
    if not data.strip():
        raise TableError(f"read_own(): {path} is empty.")
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise TableError(f"read_own(): {path} is a spreadsheet: save it as CSV, and give that.")
    for mark, name in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(name, errors="replace"), name.removesuffix("-sig").upper()
    if b"\0" in data[:4096]:
        raise TableError(
            f"read_own(): {path} is no text (it holds zero bytes). Export it as CSV in UTF-8."
        )
    for name in ("utf-8", "cp1252"):  # cp1252 is Latin-1 with the signs that Windows adds
        try:
            return data.decode(name), {"cp1252": "Latin-1 (Windows)"}.get(name, "UTF-8")
        except UnicodeDecodeError:
            pass
    return data.decode("latin-1"), "Latin-1"


def _separator(text: str, path: Path) -> str:
    """The one with which the most rows have the same number of fields, of several the most."""
    start = "\n".join(text.splitlines()[: 4 * _LOOKED_AT])
    best, found = (0.0, 0), ""
    for separator in _SEPARATORS:
        sizes = [
            len(f) for _, _, f in _rows(start, separator)[:_LOOKED_AT] if any(map(str.strip, f))
        ]
        if not sizes:
            continue
        usual, often = Counter(sizes).most_common(1)[0]
        if usual > 1 and (often / len(sizes), usual) > best:
            best, found = (often / len(sizes), usual), separator
    if not found:
        raise TableError(
            f"read_own(): {path} has a single column, so a label is missing beside it. Give a CSV "
            "whose first line names two columns or more, separated by comma, semicolon or tab."
        )
    return found


def _rows(text: str, separator: str) -> list[tuple[int, int, list[str]]]:
    """First line, last line and fields of each row, blank lines between them left out."""
    csv.field_size_limit(1 << 30)
    # Other signs than a line feed may stand inside a field, where they end nothing.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows, done = [], 0
    for fields in reader:
        if fields:
            rows.append((done + 1, reader.line_num, [one.strip() for one in fields]))
        done = reader.line_num
    return rows


def _apart(
    rows: list[tuple[int, int, list[str]]], text: str, separator: str
) -> list[tuple[int, int, list[str]]]:
    """Rows that a stray quotation mark has run together: each line of theirs is whole by itself."""
    if all(first == last for first, last, _ in rows):
        return rows
    lines = list(io.StringIO(text, newline=""))
    usual = Counter(len(fields) for _, _, fields in rows if any(fields)).most_common(1)[0][0]
    parted = []
    for first, last, fields in rows:
        own = [line.split(separator) for line in lines[first - 1 : last]]
        # Between tabs hardly anybody writes texts of several lines; elsewhere it is usual.
        odd = separator == "\t" or len(fields) != usual or last - first > _MOST_LINES
        if first < last and odd and all(len(one) == usual for one in own):
            stripped = [[field.strip() for field in one] for one in own]
            parted += [(line, line, one) for line, one in enumerate(stripped, start=first)]
        else:
            parted.append((first, last, fields))
    return parted


def _named(table: pd.DataFrame, path: Path) -> None:
    """Refuse a first line that is data: it would be lost, and would name the columns wrongly."""
    again = [name for name in table.columns if (table[name] == name).sum() > 1]
    amounts = all(is_amount(name) for name in table.columns)
    if again or amounts:
        why = f"{again[0]!r} comes again below it" if again else "it holds numbers alone"
        raise TableError(
            f"read_own(): the first line of {path} looks like data ({why}), and not like names "
            "of columns. Write a line above it that names them, such as label and text."
        )


def _first(rows: list[_Row]) -> int:
    """Where the columns are named: the first row that has as many fields as most rows have.

    A title above it, with one field filled and the others left empty, is none.
    """
    usual = Counter(len(row.fields) for row in rows if any(row.fields)).most_common(1)[0][0]
    sized = [at for at, row in enumerate(rows) if len(row.fields) == usual]
    named = [at for at in sized[:5] if sum(map(bool, rows[at].fields)) > 1]
    return (named or sized)[0]


def _header(fields: list[str]) -> tuple[list[str], list[str]]:
    """A name for each column, each one once."""
    notes, names = [], []
    for place, name in enumerate(fields, start=1):
        plain = " ".join(name.split()) or f"column {place}"
        while plain in names:
            plain += " (again)"
        if plain != name:
            notes.append(f"Column {place} is called {plain!r}; in the file it is {name!r}.")
        names.append(plain)
    return names, notes


def _problem(row: _Row, header: list[str]) -> tuple[str, str] | None:
    fields, first, last = row.fields, row.first, row.last
    if not any(fields):
        return "empty: no field is filled", "Nothing to do."
    if fields == header:
        return "the first line again", "Nothing to do: two exports were joined."
    if last - first > _MOST_LINES:
        return (
            f"one row of {last - first + 1} lines",
            f'Look for a quotation mark (") that is opened in line {first} of the file and never '
            "closed.",
        )
    if len(fields) != len(header):
        more = "more" if len(fields) > len(header) else "fewer"
        return (
            f"{_count(len(fields), 'field')}, {more} than the {len(header)} columns",
            "Put a text that holds the separator in quotation marks, or fill in what is missing.",
        )
    return None


# What the columns are


def pick(table: pd.DataFrame, names: tuple[str, ...], given: str | None, what: str) -> str | None:
    """The column that was given, or the first whose name is one of these."""
    if given is not None:
        if given not in table.columns:
            raise TableError(
                f"read_own({what}={given!r}): there is no such column; found: "
                f"{', '.join(map(str, table.columns))}."
            )
        return given
    plain = {name: re.sub(r"[\W_]+", "_", str(name).lower()).strip("_") for name in table.columns}
    for wanted in names:
        for name, one in plain.items():
            if one == wanted:
                return name
    return None


def the_files(table: pd.DataFrame) -> str | None:
    """The column that names files: most of what it holds has the suffix of a sound or picture."""
    for name in table.columns:
        filled = table[name][table[name] != ""]
        if len(filled) and filled.map(lambda v: Path(v).suffix.lower() in _MEDIA).mean() > 0.5:
            return name
    return None


def the_label(table: pd.DataFrame, given: str | None, taken: list[str | None]) -> str:
    """The column of classes: by its name, or the only one whose values come again and again."""
    found = pick(table, LABELS, given, "label")
    if found:
        return found
    free = [name for name in table.columns if name not in taken]
    few = [
        n for n in free if 2 <= table[n].nunique() <= min(30, len(table) / 5) and _worded(table[n])
    ]
    if len(few) == 1:
        return few[0]
    name = repr((few or free or ["..."])[-1])
    maybe = f" It may be {' or '.join(map(repr, few[::-1]))}." if few else ""
    raise TableError(
        "read_own() cannot tell which column is the label; none is called label, class or the "
        f"like. Name it, such as label={name} (notebook 11: LABEL = {name}).{maybe} "
        f"Found: {', '.join(map(str, table.columns))}."
    )


def _worded(column: pd.Series) -> bool:
    return not column.map(lambda value: bool(re.fullmatch(r"[-+\d.,\s]*", value))).all()


def the_text(table: pd.DataFrame, given: str | None, taken: list[str | None]) -> str | None:
    """The column of texts: by its name, or the longest one of several words."""
    found = pick(table, TEXTS, given, "text")
    if found:
        return found
    free = [name for name in table.columns if name not in taken]
    words = {name: statistics.fmean(len(v.split()) for v in table[name]) for name in free}
    many = {n: w for n, w in words.items() if w >= 4 and table[n].nunique() > len(table) / 2}
    return max(many, key=lambda name: many[name]) if many else None
