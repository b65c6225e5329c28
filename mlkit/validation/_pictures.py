"""How schemas and reports are read: as tables and as pictures."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlkit import _show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlkit.validation._report import Report
    from mlkit.validation._schema import Schema

_MOST = 40


def _plain(text: str) -> str:
    """A name without what matplotlib would read as mathematics."""
    return str(text).replace("$", r"\$")


def schema_html(schema: "Schema") -> str:
    columns = {
        "column": "Column", "rule": "Rule", "value": "Value", "status": "Status",
        "false_alarms": "False alarms", "why": "Why",
    }  # fmt: skip
    order = {"question": 0, "proposed": 1, "declared": 2, "rejected": 3}
    table = schema.table
    table = table.iloc[table["status"].map(order).argsort(kind="stable")]
    rows = [
        {**{name: str(row[name]) for name in columns}, "column": row["column"] or "(table)"}
        | {"false_alarms": _show.percent(row["false_alarms"])}
        for row in table.to_dict("records")
    ]
    text = ["column", "rule", "value", "status", "why"]
    notes = []
    if schema.questions:
        notes.append(
            "A question is not checked before somebody answers it in validation.declare()."
        )
    return _show.result_html(
        repr(schema), _show.table_html(rows, columns=columns, text=text), notes=notes
    )


def schema_plot(schema: "Schema", ax: "Axes | None") -> "Axes":
    table = schema.table
    known = table[table["false_alarms"].notna() & table["status"].isin(["question", "proposed"])]
    known = known.sort_values("false_alarms", kind="stable").tail(_MOST)
    ax = _show.axes(ax, size=(7, 1.4 + 0.3 * len(known)))
    places = np.arange(len(known))
    ax.barh(places, 100 * known["false_alarms"], color=_show.PALETTE["orange"], label="one rule")
    ax.set_yticks(places, [_plain(f"{r.column}: {r.rule}") for r in known.itertuples()])
    ax.axvline(
        100 * schema.false_alarms, color=_show.PALETTE["vermilion"], linestyle="--",
        label="any of the open questions",
    )  # fmt: skip
    ax.set_xlim(0, 102)
    ax.set_xlabel("clean tables that would break it, in percent, if taken as the data stand")
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return _show.describe(ax, "False alarms of rules taken as the data stand. " + repr(schema))


def report_html(report: "Report") -> str:
    columns = {
        "kind": "Kind", "column": "Column", "fault": "Fault", "rows": "Rows", "found": "Found",
        "examples": "Examples", "do": "What to do",
    }  # fmt: skip
    rows = []
    for row in report.table.to_dict("records"):
        cells = {str(name): str(value) for name, value in row.items()}
        cells["column"] = cells["column"] or "(table)"
        cells["rows"] = ""
        if pd.notna(row["rows"]):
            cells["rows"] = f"{row['rows']:,}\n{_show.percent(row['share'])}"
        rows.append(cells)
    text = [name for name in columns if name != "rows"]
    table = _show.table_html(rows, columns=columns, text=text) if rows else ""
    return _show.result_html(repr(report), table, notes=report.notes)


def report_plot(report: "Report", ax: "Axes | None") -> "Axes":
    broken = report.table[report.table["kind"] == "declared"].groupby("column")["share"].max()
    broken = broken[broken > 0]
    tests = report.tests[report.tests["check"] != "missing share"].drop_duplicates("column")
    tests = tests.set_index("column")
    names = list(dict.fromkeys([*broken.index, *tests.index]))[:_MOST][::-1]
    ax = _show.axes(ax, size=(7.5, 1.4 + 0.34 * max(len(names), 1)))
    places = {name: place for place, name in enumerate(names)}
    shown = [name for name in broken.index if name in places]
    ax.barh(
        [places[name] for name in shown], 100 * broken[shown], height=0.6,
        **_show.pale(_show.PALETTE["vermilion"], 0.4), label="rows that break a declared rule",
    )  # fmt: skip
    for differs, mark, label in (
        (True, "D", "differs from the reference"),
        (False, "o", "does not"),
    ):
        rows = tests[(tests["differs"] == differs) & tests.index.isin(names)]
        at = [places[name] for name in rows.index]
        colour = _show.PALETTE["blue" if differs else "black"]
        ax.hlines(at, 100 * rows["low"], 100 * rows["high"], color=colour, linewidth=1.5)
        if len(rows):
            ax.plot(100 * rows["difference"], at, mark, color=colour, label=label)
    ax.set_yticks(range(len(names)), [_plain(name) for name in names])
    ax.set_ylim(-0.6, max(len(names), 1) - 0.4)
    ax.set_xlim(0, 100)
    ax.set_xlabel("percent of rows; for the marks the largest difference of shares, 95 % interval")
    if names:
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize="small")
    return _show.describe(ax, "Broken rules and differences per column. " + repr(report))
