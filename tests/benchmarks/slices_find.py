"""All one- and two-condition slices of 50,000 rows x 30 columns: time and memory.

``slices.find`` beside ``sliceline`` at level 2, from the same seeded table: 30 columns of 5
values, 10 % errors, one planted slice with 40 %. Time is from the table in memory to the result.
sliceline gets the same least number of rows a slice needs and gives its best twenty; it tests
nothing.
"""

import argparse

import numpy as np
import pandas as pd
import peers


def table(rows: int, columns: int) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    values = pd.DataFrame({f"f{k}": rng.integers(0, 5, rows) for k in range(columns)})
    inside = (values["f0"] == 0) & (values["f1"] == 0)
    return values, rng.random(rows) < np.where(inside, 0.4, 0.1)


OURS = """
import scipy.special, scipy.stats
from mlkit import slices
from slices_find import table
values, wrong = table({rows}, {columns})
items = [f"i{{k}}" for k in range(len(values))]
predictions = values.assign(item=items, label=0, prediction=wrong.astype(int))
"""

# Its default for alpha, 0.6, finds no slice as small as the planted one.
THEIRS = """
from sliceline.slicefinder import Slicefinder
from slices_find import table
values, wrong = table({rows}, {columns})
finder = Slicefinder(alpha=0.95, k=20, max_l=2, min_sup={rows} // 100, verbose=False)
x, errors = values.to_numpy(), wrong.astype(float)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    size = {"rows": options.rows, "columns": options.columns}
    ours = "slices.find(predictions, columns=list(values.columns))"
    contestants = [
        peers.Contestant("mlkit", OURS.format(**size), ours),
        peers.Contestant(
            "sliceline",
            THEIRS.format(**size),
            "finder.fit(x, errors).top_slices_[:1]",
            peers.PEERS["sliceline"],
        ),
    ]
    title = "slices.find: {rows:,} rows x {columns} columns".format(**size)
    peers.show(title, peers.race(contestants, turns=options.turns))


if __name__ == "__main__":
    main()
