"""All one- and two-condition slices of 50,000 rows x 30 columns: time and memory.

``slices.find`` beside ``sliceline`` at level 2, each in a process of its own, in turns, from the
same seeded table: 30 columns of 5 values, 10 % errors, one planted slice with 40 %.
sliceline is no dependency of ours; a throw-away environment has both:

    uv run --no-project --isolated --with-editable . --with sliceline \
        python tests/benchmarks/slices_find.py

Time is from the table in memory to the result, without imports. Memory is the peak of the
process above what it held before the call. sliceline gets the same least number of rows a slice
needs and gives its best twenty; it tests nothing.
"""

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

TURNS = 3


def table(rows: int, columns: int) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    values = pd.DataFrame({f"f{k}": rng.integers(0, 5, rows) for k in range(columns)})
    inside = (values["f0"] == 0) & (values["f1"] == 0)
    return values, rng.random(rows) < np.where(inside, 0.4, 0.1)


def ours(values: pd.DataFrame, wrong: np.ndarray) -> tuple[float, float, str]:
    import scipy.special
    import scipy.stats  # noqa: F401 - as above

    from mlkit import slices

    items = [f"i{k}" for k in range(len(values))]
    predictions = values.assign(item=items, label=0, prediction=wrong.astype(int))
    return measured(lambda: slices.find(predictions, columns=list(values.columns)))


def theirs(values: pd.DataFrame, wrong: np.ndarray) -> tuple[float, float, str]:
    from sliceline.slicefinder import Slicefinder

    # Its default, 0.6, finds no slice as small as the planted one.
    finder = Slicefinder(alpha=0.95, k=20, max_l=2, min_sup=len(values) // 100, verbose=False)
    return measured(lambda: finder.fit(values.to_numpy(), wrong.astype(float)).top_slices_[:1])


def measured(call) -> tuple[float, float, str]:
    before, start = peak_mb(), time.perf_counter()
    result = call()
    return time.perf_counter() - start, peak_mb() - before, str(result).replace("\n", " ")


def peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform != "darwin" else peak / 1024**2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--run", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run = {"ours": ours, "theirs": theirs}[options.run]
        print(*run(*table(options.rows, options.columns)), sep="\t")
        return
    size = ["--rows", str(options.rows), "--columns", str(options.columns)]
    for turn in range(TURNS):
        for name in ("ours", "theirs"):
            done = subprocess.run(
                [sys.executable, __file__, "--run", name, *size], capture_output=True, text=True
            )
            if done.returncode:
                print(turn, name, "failed:", done.stderr.strip().splitlines()[-1])
                continue
            seconds, memory, what = done.stdout.strip().splitlines()[-1].split("\t")
            print(turn, name, f"{float(seconds):.2f} s", f"+{float(memory):.0f} MB", what)


if __name__ == "__main__":
    main()
