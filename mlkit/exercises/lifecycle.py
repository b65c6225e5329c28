"""Where one stands, drawn along the lifecycle: four stages, and in each its notebooks."""

from html import escape

import pandas as pd

from mlkit import _show

STAGES = {
    "Scoping": ["01"],
    "Data": ["02", "03", "04"],
    "Modelling": ["05", "06", "07", "08"],
    "Deployment": ["09", "10"],
}
_BOX = "flex: 1 1 9em; border: 1px solid; border-radius: 6px; padding: 0.4em 0.7em"
_LIST = "display: flex; flex-wrap: wrap; gap: 0.4em; align-items: stretch; list-style: none"


def strip_html(table: pd.DataFrame) -> str:
    """Four boxes from left to right, a bar and a link for each notebook, and where to go on.

    ``table`` has a row for each exercise: ``notebook``, ``state``, ``last_try``. What belongs to
    no stage (the start, one's own data, the class) stands in the table below, not in the picture.
    """
    solved = (table["state"] == "correct").groupby(table["notebook"]).agg(["sum", "size"])
    boxes: list[str] = []
    for stage, digits in STAGES.items():
        inside = solved[solved.index.str[:2].isin(digits)]
        if inside.empty:
            continue
        bars = "".join(_notebook(str(name), *map(int, inside.loc[name])) for name in inside.index)
        done, n = map(int, inside.sum())
        arrow = '<span aria-hidden="true">→ </span>' if boxes else ""
        title = f"{arrow}<strong>{stage}</strong> <span>{done} of {n}</span>"
        boxes.append(f'<li style="{_BOX}">{title}{bars}</li>')
    strip = f'<ol style="{_LIST}; margin: 0.6em 0; padding: 0">{"".join(boxes)}</ol>'
    return strip + _go_on(table, solved)


def _notebook(name: str, done: int, n: int) -> str:
    """A link and a bar; the figures say the same to those who do not see it."""
    bar = (
        '<span style="display: block; height: 6px; border: 1px solid; border-radius: 3px">'
        f'<span style="display: block; height: 100%; width: {100 * done / n:.0f}%; '
        f'background: {_show.EDGES["right"]}"></span></span>'
    )
    link = f'<a href="{escape(name)}.ipynb">{escape(name.replace("_", " "))}</a>'
    return f'<div style="margin-top: 0.4em">{link} <small>{done} of {n}</small>{bar}</div>'


def _go_on(table: pd.DataFrame, solved: pd.DataFrame) -> str:
    """The notebook tried last, or the next one that has something open."""
    open_ones = solved.index[solved["sum"] < solved["size"]]
    if open_ones.empty:
        return "<p>All solved. Now your own data.</p>"
    tried = table[table["last_try"] != ""].sort_values("last_try", kind="stable")["notebook"]
    later = open_ones[open_ones >= tried.iloc[-1]] if len(tried) else open_ones
    name = escape(str((later if len(later) else open_ones)[0]))
    words = name.replace("_", " ")
    return f'<p>Go on with <a href="{name}.ipynb">{words}</a>.</p>'
