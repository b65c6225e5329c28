"""Single parts of a page as HTML: text, lists, tables, pictures."""

import base64
import io
import re
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from mlkit import _show

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_ROWS = 1000
_MOST_SVG = 300_000  # bytes; a cloud of points is smaller as pixels


def escaped(text: str) -> str:
    """Escaped, and without characters that no page may hold."""
    clean = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[\ud800-\udfff]", "\ufffd", text)
    return escape(clean)


def paragraphs(text: str) -> str:
    pieces = [piece.strip() for piece in re.split(r"\n\s*\n", text) if piece.strip()]
    return "".join(f"<p>{escaped(piece).replace(chr(10), '<br>')}</p>" for piece in pieces)


def bullets(lines: list[Any], where: str) -> str:
    wrong = [line for line in lines if not isinstance(line, str)]
    if wrong or not lines:
        found = kind(wrong[0]) if wrong else "nothing"
        raise TypeError(
            f"pages.write(): {where} is a list, and that is one line of text each; it holds "
            f'{found}. For parts under a heading write ("heading", part, ...).'
        )
    return "<ul>" + "".join(f"<li>{escaped(line)}</li>" for line in lines) + "</ul>"


def figure_of(part: Any) -> "Figure | None":
    """The whole figure of Axes or of a figure; None for anything else."""
    if not any(base.__module__.startswith("matplotlib.") for base in type(part).__mro__):
        return None  # and matplotlib need not be imported to know it
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    if isinstance(part, Axes | FigureBase):
        return part.get_figure(root=True)
    return None


def picture(figure: "Figure", where: str) -> str:
    alt = str(figure.get_label()).strip()
    if not alt:
        raise ValueError(
            f"pages.write(): the picture in {where} has no text for people who do not see it. "
            'Give it one: pages.describe(ax, "what the picture shows").'
        )
    import matplotlib as mpl

    drawn = io.BytesIO()
    # A salt of its own makes the names inside the file the same each time.
    with mpl.rc_context({"svg.hashsalt": "mlkit", "svg.fonttype": "path"}):
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(drawn, format="svg", bbox_inches="tight", metadata=nothing)
    if drawn.tell() > _MOST_SVG:
        return f"<figure>{_show.figure_html(figure)}</figure>"
    data = base64.b64encode(drawn.getvalue()).decode()
    return f'<figure><img alt="{escaped(alt)}" src="data:image/svg+xml;base64,{data}"></figure>'


def table_of(table: pd.DataFrame, where: str) -> str:
    if len(table) > _MOST_ROWS:
        raise ValueError(
            f"pages.write(): the table in {where} has {len(table):,} rows, and nobody reads more "
            f"than {_MOST_ROWS:,}. Give its head, or a summary."
        )
    names = [name for name in table.index.names if name is not None]
    has_index = bool(names) or not isinstance(table.index, pd.RangeIndex)
    columns = [_heading(column, table.columns) for column in table.columns]
    sides = ["number" if _is_number(table.iloc[:, n]) else "text" for n in range(len(columns))]
    head = "".join(
        f'<th scope="col" class="{side}">{escaped(name)}</th>'
        for name, side in zip(columns, sides, strict=True)
    )
    if has_index:
        # A heading without a word would be read out as one.
        over = escaped(" / ".join(map(str, names)))
        head = (f'<th scope="col">{over}</th>' if over else "<td></td>") + head
    cells = [_cells(table.iloc[:, n]) for n in range(len(columns))]
    rows = []
    for place, label in enumerate(table.index):
        row = f'<th scope="row">{escaped(_name(label))}</th>' if has_index else ""
        row += "".join(
            f'<td class="{side}">{escaped(column[place])}</td>'
            for column, side in zip(cells, sides, strict=True)
        )
        rows.append(f"<tr>{row}</tr>")
    if not rows:
        rows = [f'<tr><td colspan="{max(1, len(columns) + has_index)}">(no rows)</td></tr>']
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _is_number(column: pd.Series) -> bool:
    is_number = pd.api.types.is_numeric_dtype(column.dtype)
    return is_number and not pd.api.types.is_bool_dtype(column.dtype)


def _cells(column: pd.Series) -> list[str]:
    """Floats of a column with as many places, at most three unless all are small; missing is —."""
    if _is_number(column) and pd.api.types.is_float_dtype(column.dtype):
        known = [abs(float(value)) for value in column if pd.notna(value)]
        small = bool(known) and 0 < max(known) < 0.01
        digits = 6 if small else 3
        while digits and all(round(x, digits) == round(x, digits - 1) for x in known):
            digits -= 1
        return ["—" if pd.isna(value) else f"{value:.{digits}f}" for value in column]
    return [_name(value) for value in column]


def _heading(column: Any, columns: pd.Index) -> str:
    """A column's name for somebody who never saw the code; the ends of an interval are named."""
    if not isinstance(column, str):
        return _name(column)
    if column == "n":
        return "how many"
    for end, other, word in (("low", "high", "from"), ("high", "low", "to")):
        if column == end and other in columns:
            return word
        stem = column.removesuffix(f"_{end}")
        if stem != column and f"{stem}_{other}" in columns:
            return f"{stem.replace('_', ' ')}, {word}"
    return column.replace("_", " ")


def _name(value: Any) -> str:
    """One value in words."""
    if isinstance(value, tuple):
        return " / ".join(map(str, value))
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "—"
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    return str(value)


def kind(thing: Any) -> str:
    return f"a {type(thing).__name__}" if thing is not None else "None"


def short(thing: Any) -> str:
    text = repr(thing)
    return text if len(text) <= 60 else f"{text[:60]}…"
