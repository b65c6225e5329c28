"""How results look: one palette, escaped tables, and plots that can be read out.

matplotlib is imported inside the functions: importing a topic should not import it.
"""

import base64
import io
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The hues of Okabe and Ito (2008), made darker where a line of them was too faint on white: each
# has a contrast of 3 : 1 or more against it (WCAG 2.2, 1.4.11), and any two are at least 10 apart
# (CIEDE2000) for people with any kind of colour vision. tests/test_colours.py holds both.
PALETTE = {
    "blue": "#0072B2",
    "orange": "#D57D00",
    "green": "#0B523D",
    "vermilion": "#AB4A08",
    "purple": "#5A0857",
    "sky": "#1295F5",
    "black": "#000000",
}
# Borders on the page itself, which may be white or dark: 3 : 1 against either.
EDGES = {"open": "#1295F5", "wrong": "#D57D00", "right": "#009E73", "told": "#CC79A7"}


def axes(ax: "Axes | None" = None, *, size: tuple[float, float] = (7.0, 3.5)) -> "Axes":
    """The axes given, or new ones in the kit's plain style.

    The new ones are not pyplot's: in JupyterLab a thread that answers a widget shows and closes
    whatever pyplot has open, also what another thread has only half drawn.
    """
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=size, layout="constrained").add_subplot()
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax


def pale(colour: str, share: float = 0.2) -> dict[str, Any]:
    """How an area behind other things looks: a tint, within an edge that can be seen."""
    return {"facecolor": (colour, share), "edgecolor": colour, "linewidth": 0.8}


def describe(ax: "Axes", alt: str) -> "Axes":
    """Give the figure of these axes a text for people who do not see it.

    The text is the figure's matplotlib label; Jupyter shows the axes that end a cell, or their
    figure, as an image with this alternative text.

    >>> from matplotlib.figure import Figure
    >>> ax = describe(Figure().add_subplot(), "An empty plot.")
    >>> ax.figure.get_label()
    'An empty plot.'
    """
    if not hasattr(ax, "get_figure"):
        raise TypeError(f"describe() needs the axes of a plot; it was given {type(ax).__name__}.")
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("these axes belong to no figure.")
    figure.set_label(alt)
    _show_alt_text()
    return ax


def figure_html(figure: "Figure") -> str | None:
    """The figure as an image with its label as alternative text; None where it has no label."""
    alt = figure.get_label()
    if not alt:
        return None
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=2 * figure.dpi, bbox_inches="tight")
    width = int.from_bytes(png.getvalue()[16:20], "big") // 2  # a PNG states its width there
    data = base64.b64encode(png.getvalue()).decode()
    return (
        f'<img alt="{escape(str(alt))}" style="width: {width}px; max-width: 100%" '
        f'src="data:image/png;base64,{data}">'
    )


def axes_html(ax: "Axes") -> str | None:
    """The figure of these axes; None where pyplot has it, and will show it itself."""
    figure = ax.get_figure(root=True)
    if figure is None or figure.canvas.manager is not None:
        return None
    return figure_html(figure)


def _show_alt_text() -> None:
    """Jupyter has no field for it in an image output, so a described figure is shown as HTML."""
    from IPython.core.getipython import get_ipython
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    shell = get_ipython()
    if shell is not None and shell.display_formatter is not None:
        html = shell.display_formatter.formatters["text/html"]
        html.for_type(Figure, figure_html)
        html.for_type(Axes, axes_html)


def percent(share: Any, *, digits: int = 1) -> str:
    """A share as a percentage; empty where there is none.

    >>> percent(0.0625), percent(float("nan"))
    ('6.2 %', '')
    """
    return "" if pd.isna(share) else f"{100 * share:.{digits}f} %"


def points(share: Any, *, digits: int = 1) -> str:
    """A difference of shares in percentage points, with its sign; empty where there is none.

    >>> points(-0.031)
    '-3.1'
    """
    return "" if pd.isna(share) else f"{100 * share:+.{digits}f}"


def table_html(
    rows: Iterable[Mapping[str, str]],
    *,
    columns: Mapping[str, str],
    text: Iterable[str] = (),
    why: Mapping[tuple[int, str], str] | None = None,
) -> str:
    """Rows of text as an HTML table, everything escaped.

    ``columns`` maps names to headings, ``text`` names the columns set flush left, and ``why``
    gives the reason of a cell by (row number, column), shown where the pointer rests on it.
    """
    text, why = set(text), why or {}
    head = "".join(_cell("th", heading, name in text) for name, heading in columns.items())
    body = [
        "<tr>"
        + "".join(
            _cell("td", row.get(name, ""), name in text, why.get((number, name)))
            for name in columns
        )
        + "</tr>"
        for number, row in enumerate(rows)
    ]
    return (
        '<div style="overflow-x: auto"><table class="mlkit-table"><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


_SMALL = "opacity: 0.75; white-space: nowrap"  # an interval is read in one piece


def _cell(kind: str, value: str, left: bool, reason: str | None = None) -> str:
    side = "left" if left else "right"
    title = f' title="{escape(reason)}"' if reason else ""
    first, *rest = str(value).split("\n")
    # A second line is small: the interval below its estimate.
    small = "".join(f'<br><span style="{_SMALL}">{escape(line)}</span>' for line in rest)
    return f'<{kind} style="text-align: {side}"{title}>{escape(first)}{small}</{kind}>'


def result_html(sentence: str, table: str, *, notes: Iterable[str] = ()) -> str:
    """One plain sentence, an HTML table, and notes below it; sentence and notes are escaped."""
    below = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<p>{escape(sentence)}</p>{table}" + (f"<ul>{below}</ul>" if below else "")
