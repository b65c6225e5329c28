"""How linked records are read: as a table and as a picture."""

from typing import TYPE_CHECKING

import numpy as np

from mlkit import _show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mlkit.records._link import Links


def links_html(links: "Links") -> str:
    columns = {
        "threshold": "Threshold", "matches": "Pairs merged", "expected_wrong": "Expected wrong",
        "expected_precision": "Expected precision", "expected_recall": "Expected recall",
        "persons": "Persons", "largest": "Largest",
    }  # fmt: skip
    rows = [
        {
            "threshold": f"{row['threshold']:g}",
            "matches": f"{row['matches']:,}",
            "expected_wrong": f"{row['expected_wrong']:,.1f}",
            "expected_precision": _show.percent(row["expected_precision"]),
            "expected_recall": _show.percent(row["expected_recall"]),
            "persons": f"{row['persons']:,}",
            "largest": f"{row['largest']:,}",
        }
        for row in links.thresholds.to_dict("records")
    ]
    notes = [
        *links.notes,
        "Expected: by the model's own probabilities; recall among compared pairs.",
    ]
    return _show.result_html(repr(links), _show.table_html(rows, columns=columns), notes=notes)


def links_plot(links: "Links", ax: "Axes | None") -> "Axes":
    ax = _show.axes(ax)
    weight, match = links.pairs["weight"].to_numpy(), links.pairs["match"].to_numpy()
    if len(weight):
        edges = np.histogram_bin_edges(weight, bins=40)
        ax.hist(
            [weight[match], weight[~match]], bins=list(edges), stacked=True,
            color=[_show.PALETTE["blue"], _show.PALETTE["orange"]],
            label=["merged", "not merged"],
        )  # fmt: skip
        ax.set_yscale("log")
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    ax.set_xlabel(
        "weight of the pair, in bits: for one person to the right, against it to the left"
    )
    ax.set_ylabel("pairs (log scale)")
    return _show.describe(ax, "Pairs of records by weight. " + repr(links))
