"""How a report is read: as a sentence, a table, a picture, Markdown or a page."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from mlkit import _show, _tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlkit.slices._report import Report

_HEADINGS = {
    "slice": "Slice",
    "n": "Items",
    "errors": "Errors",
    "share_of_errors": "Share of errors",
    "accuracy": "Accuracy",
    "hlp": "HLP",
    "gap": "Gap to HLP (points)",
    "share_of_data": "Share of data",
    "possible_gain": "Possible gain (points)",
    "at_most": "At most (points)",
    "priority": "Priority",
}
_POINTS = ("gap", "possible_gain", "at_most", "gain_to_rest")
_MARKS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_MOST_BARS = 20
_EMPTY = "—"


def sentence(report: "Report") -> str:
    """The headline: accuracy, what to work on first, and how sure that is."""
    start = (
        f"Accuracy {_show.percent(report.accuracy)} "
        f"({between(report.low, report.high)} %, n = {report.n:,})"
    )
    if len(report.accuracies) > 1:
        raw = report.accuracies["accuracy"].iloc[0]
        start += f" with wrong labels set aside, {_show.percent(raw)} with all labels as they are"
    return f"{start}. {_first(report)}"


def _first(report: "Report") -> str:
    if not report.items["error"].any():
        return "There is no error to work on."
    first = report.table.iloc[0]
    by = "at_most" if pd.isna(first["possible_gain"]) else "possible_gain"
    name, many = first["slice"], report.table[by].notna().sum() > 1
    sure = f" It stays first in {100 * report.stays_first:.0f} % of draws from the intervals" + (
        ", ease and importance moved by up to a half" if "priority" in report.table else ""
    )
    if pd.notna(first["possible_gain"]):
        if first["possible_gain"] <= 0:
            if (report.table["possible_gain_high"] > 0).any():
                return "No slice lies below human level here, but the intervals leave it open."
            return "No slice lies below human level."
        text = (
            f"First: {name}; at human level it would bring {points(first['possible_gain'])} "
            f"points of accuracy ({interval(first, 'possible_gain')})."
        )
    elif pd.notna(first["at_most"]):
        text = (
            f"First: {name}; without its errors accuracy would rise by at most "
            f"{points(first['at_most'])} points ({interval(first, 'at_most')})."
        )
    else:
        return "Nothing is known of any slice yet."
    return text + (f"{sure}." if many else "")


def rows(report: "Report") -> tuple[list[dict[str, str]], dict[tuple[int, str], str], list[str]]:
    """Cells as text, the reason of each empty one by (row, column), and the footnotes."""
    reasons = report.reasons.set_index(["slice", "column"])["reason"].to_dict()
    footnotes = list(dict.fromkeys(part for r in reasons.values() for part in r.split("; ")))
    marks = {part: str(i + 1).translate(_MARKS) for i, part in enumerate(footnotes)}
    cells: list[dict[str, str]] = []
    why: dict[tuple[int, str], str] = {}
    for number, (_, row) in enumerate(report.table.iterrows()):
        texts = {}
        for column in headings(report):
            reason = reasons.get((row["slice"], column))
            if reason is None:
                texts[column] = _cell(report, row, column)
            else:
                texts[column] = _EMPTY + " ".join(marks[part] for part in reason.split("; "))
                why[number, column] = reason
        cells.append(texts)
    return cells, why, [f"{mark} Empty: {part}." for part, mark in marks.items()]


def headings(report: "Report") -> dict[str, str]:
    """The columns that are shown; HLP and what follows from it only where any is known."""
    return {c: text for c, text in _HEADINGS.items() if c in report.table.columns}


def html(report: "Report") -> str:
    """Sentence, table and notes."""
    cells, why, marks = rows(report)
    table = _show.table_html(cells, columns=headings(report), text=["slice"], why=why)
    return _show.result_html(sentence(report), table, notes=[*marks, *notes(report)])


def notes(report: "Report") -> list[str]:
    """What to keep in mind, with the pair of slices that share the most errors."""
    shared = report.overlap[report.overlap["errors_in_both"] > 0]
    return list(report.notes) + [
        f"{row['slice']} and {row['other']} share "
        f"{_tables._count(row['errors_in_both'], 'error')}: without either's errors accuracy "
        f"rises by at most {points(row['at_most_both_fixed'])} points, not by the sum of the two."
        for row in shared.nlargest(3, "errors_in_both").to_dict("records")
    ]


def markdown(report: "Report") -> str:
    """The same for a README or an issue; what is special in Markdown or HTML is escaped."""
    cells, _, marks = rows(report)
    columns = headings(report)
    lines = [md(sentence(report)), "", md_row(columns.values())]
    lines.append("|" + "|".join([":--", *["--:"] * (len(columns) - 1)]) + "|")
    lines += [md_row(_in_line(row[c]) for c in columns) for row in cells]
    return "\n".join([*lines, "", *(f"- {md(note)}" for note in [*marks, *notes(report)]), ""])


def page(report: "Report") -> str:
    """A whole HTML page with the picture inside."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_size(report), layout="constrained")
    plot(report, figure.add_subplot())
    return whole_page("What to fix next", f"{html(report)}{_show.figure_html(figure)}")


def whole_page(title: str, body: str) -> str:
    """An HTML page that needs nothing else; the title is escaped, the body is HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>"
        "<style>body{font-family:system-ui,sans-serif;max-width:75em;margin:2em auto;padding:0 1em}"
        "table{border-collapse:collapse}td,th{padding:.4em .7em;border-bottom:1px solid #ccc;"
        f"vertical-align:top}}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>\n"
    )


def plot(report: "Report", ax: "Axes | None") -> "Axes":
    """A wide pale bar for what the errors allow, a narrow one with its interval for the gain."""
    ax = _show.axes(ax, size=_size(report))
    table = report.table.iloc[:_MOST_BARS].iloc[::-1].reset_index(drop=True)
    gain = table["possible_gain"].notna()
    ax.barh(
        table.index, 100 * table["at_most"].fillna(0), height=0.74, color="#C9DDEA", zorder=1,
        edgecolor=_show.PALETTE["blue"], linewidth=0.8,
        label="at most (no errors left)",
    )  # fmt: skip
    if gain.any():
        ax.barh(
            table.index[gain], 100 * table["possible_gain"][gain], height=0.4, zorder=2,
            color=_show.PALETTE["blue"], label="possible gain (at human level)",
        )  # fmt: skip
    for y, (_, row) in enumerate(table.iterrows()):
        _whisker(ax, y, row, "possible_gain" if gain[y] else "at_most")
    ax.axvline(0, color="black", linewidth=0.8, zorder=3)
    ax.set_yticks(table.index, [_short(name) for name in table["slice"]])
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("percentage points of accuracy, with 95 % intervals")
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return _show.describe(ax, _alt(table.iloc[::-1]))


def _whisker(ax: "Axes", y: int, row: pd.Series, column: str) -> None:
    if pd.isna(row[column]):
        return
    low, high = 100 * row[f"{column}_low"], 100 * row[f"{column}_high"]
    ax.plot([low, high], [y, y], color="black", linewidth=1.4, zorder=4, solid_capstyle="butt")
    rest = f" (at most {points(row['at_most'])})" if column == "possible_gain" else ""
    ax.annotate(
        points(row[column]) + rest, (max(high, 100 * row["at_most"], 0), y), xytext=(6, 0),
        textcoords="offset points", va="center", zorder=5,
    )  # fmt: skip


def _alt(table: pd.DataFrame) -> str:
    parts = []
    for _, row in table.iterrows():
        column = "possible_gain" if pd.notna(row["possible_gain"]) else "at_most"
        if pd.notna(row[column]):
            parts.append(
                f"{row['slice']} {'' if column == 'possible_gain' else 'at most '}"
                f"{points(row[column])} ({interval(row, column)})"
            )
    return "Bars of the points of accuracy each slice can bring: " + "; ".join(parts) + "."


def _size(report: "Report") -> tuple[float, float]:
    return 7.5, 1.5 + 0.45 * min(len(report.table), _MOST_BARS)


def _short(name: str, most: int = 40) -> str:
    # A $ would be read as mathematics.
    name = name if len(name) <= most else name[: most - 1] + "…"
    return name.replace("$", r"\$")


def _cell(report: "Report", row: pd.Series, column: str) -> str:
    if column == "slice":
        return _one_line(str(row["slice"]))
    if column in ("n", "errors"):
        about = "" if _counted(report, row, column) else "≈\N{NO-BREAK SPACE}"
        return f"{about}{row[column]:,}" if pd.notna(row[column]) else _EMPTY
    if column == "priority":
        return f"{100 * row[column]:.2f}" if pd.notna(row[column]) else _EMPTY
    shown = points(row[column]) if column in _POINTS else _show.percent(row[column])
    limits = interval(row, column)
    # Kept on one line: an interval broken in two is hard to read down a column.
    return f"{shown}\n{limits}".replace(" ", "\N{NO-BREAK SPACE}") if limits else shown


def _counted(report: "Report", row: pd.Series, column: str) -> bool:
    errors = int(report.items["error"].sum())
    full = row["errors_asked"] == errors
    return bool(full and (column == "errors" or row["correct_asked"] == len(report.items) - errors))


def interval(row: Mapping[str, Any] | pd.Series, column: str) -> str:
    """The limits of a figure as text; empty where there are none."""
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    if pd.isna(low):
        return ""
    return f"{points(low)} to {points(high)}" if column in _POINTS else between(low, high)


def between(low: float, high: float) -> str:
    """Limits of a share, in percent."""
    return f"{100 * low:.1f} to {100 * high:.1f}"


def points(value: float) -> str:
    """A difference of shares in percentage points; small ones with a digit more."""
    digits = 2 if abs(value) < 0.0995 else 1
    text = f"{100 * value:.{digits}f}"
    return text if float(text) else text.lstrip("-")


def _in_line(cell: str) -> str:
    estimate, *limits = cell.split("\n")
    text = estimate + "".join(f" ({text})" for text in limits)
    return text.replace("\N{NO-BREAK SPACE}", " ")


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def md(text: str) -> str:
    """Text with all that is special in Markdown or HTML escaped."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", escape(_one_line(text), quote=False))


def md_row(cells: Iterable[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(md(cell) for cell in cells) + " |"
