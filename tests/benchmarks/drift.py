"""Drift of 10^6 + 10^6 rows x 50 columns beside scipy, evidently and frouros.

45 columns of numbers of many shapes (and ties), 5 of names in eight classes; a few of them moved.
All do Kolmogorov-Smirnov for numbers and chi-square for names. Ours, from profiles, makes both
profiles from the tables first; exact is from the tables, and both give effect sizes, missing
values and false discovery besides. scipy: `ks_2samp(method="asymp")` and `chi2_contingency` of
`value_counts`. evidently and frouros each run in an environment of their own.

What is told beside the times: how many columns have p < 0.001, and the p of four of them.
"""

import argparse

import numpy as np
import pandas as pd
import peers

# Not in peers.PEERS: only here. evidently does not import beside pandas 3.
EVIDENTLY = ("evidently==0.7.23", "pandas==2.3.3")
FROUROS = ("frouros==0.9.0", "pandas==2.3.3")
NUMBERS, NAMES = 45, 5


def table(n: int, *, moved: bool = False) -> pd.DataFrame:
    """x0 ... x44 and c0 ... c4; moved: x0 by a hundredth of its spread, x1 wider, c0 other."""
    rng = np.random.default_rng(1 if moved else 0)
    shapes = (
        lambda: rng.normal(size=n),
        lambda: rng.lognormal(size=n),
        lambda: rng.uniform(size=n),
        lambda: rng.exponential(size=n).round(2),
        lambda: rng.standard_t(3, size=n),
    )
    columns = {f"x{k}": shapes[k % len(shapes)]() for k in range(NUMBERS)}
    classes = np.array([f"class {k}" for k in range(8)], object)
    share = np.array([0.3, 0.2, 0.15, 0.12, 0.1, 0.07, 0.05, 0.01])
    other = share + np.array([-0.01, 0.01, 0, 0, 0, 0, 0, 0])
    for k in range(NAMES):
        p = other if moved and k == 0 else share
        columns[f"c{k}"] = classes[rng.choice(8, n, p=p)]
    if moved:
        columns["x0"] += 0.01
        columns["x1"] *= 1.01
    return pd.DataFrame(columns)


def told(p: dict[str, float]) -> str:
    some = {name: float(f"{p[name]:.3g}") for name in ("x0", "x1", "x2", "c0")}
    return f"{sum(one < 1e-3 for one in p.values())} moved, {some}"


DATA = """
from drift import table, told
before, after = table({n}), table({n}, moved=True)
"""
# scipy is imported with the first call: once on a few rows, so that no import is counted.
OURS = (
    """
from mlkit.monitoring import drift, profile
def told_of(found):
    values = found.table[found.table["what"] == "values"]
    return told(dict(zip(values["column"], values["p"])))
"""
    + DATA
    + """
drift(before[:100], after[:100])
"""
)
OURS_TOLD = "told_of(result)"
SCIPY = (
    """
import numpy as np
from scipy.stats import chi2_contingency, ks_2samp
def run(before, after):
    p = {{}}
    for name in before:
        one, other = before[name], after[name]
        if name[0] == "x":
            p[name] = ks_2samp(one.to_numpy(), other.to_numpy(), method="asymp").pvalue
        else:
            counts = one.value_counts(), other.value_counts()
            p[name] = chi2_contingency([counts[0], counts[1].reindex(counts[0].index)]).pvalue
    return p
"""
    + DATA
)
FROUROS_RUN = (
    """
from frouros.detectors.data_drift import ChiSquareTest, KSTest
def run(before, after):
    p = {{}}
    for name in before:
        detector = KSTest() if name[0] == "x" else ChiSquareTest()
        detector.fit(X=before[name].to_numpy())
        p[name] = detector.compare(X=after[name].to_numpy())[0].p_value
    return p
"""
    + DATA
)
EVIDENTLY_RUN = (
    """
import os
os.environ["DO_NOT_TRACK"] = "1"
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
def run(before, after):
    kinds = DataDefinition(
        numerical_columns=[name for name in before if name[0] == "x"],
        categorical_columns=[name for name in before if name[0] == "c"])
    both = [Dataset.from_pandas(one, data_definition=kinds) for one in (after, before)]
    found = Report([DataDriftPreset(num_method="ks", cat_method="chisquare")]).run(*both).dict()
    return {{one["config"]["column"]: one["value"] for one in found["metrics"]
             if "column" in one["config"]}}
"""
    + DATA
    + """
run(before[:100], after[:100])
"""
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=1e6)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--without", nargs="*", default=[], help="peers to leave out")
    given = parser.parse_args()
    n = int(given.rows)
    contestants = [
        peers.Contestant(
            "mlkit, from profiles",
            OURS.format(n=n),
            "(lambda one: drift(one, profile(after, like=one)))(profile(before))",
            tell=OURS_TOLD,
        ),
        peers.Contestant("mlkit, exact", OURS.format(n=n), "drift(before, after)", tell=OURS_TOLD),
        peers.Contestant("scipy", SCIPY.format(n=n), "run(before, after)", tell="told(result)"),
        peers.Contestant(
            "frouros", FROUROS_RUN.format(n=n), "run(before, after)", FROUROS, "told(result)"
        ),
        peers.Contestant(
            "evidently", EVIDENTLY_RUN.format(n=n), "run(before, after)", EVIDENTLY, "told(result)"
        ),
    ]
    contestants = [one for one in contestants if one.name not in given.without]
    found = peers.race(contestants, turns=given.turns)
    peers.show(f"Drift, {n:,} + {n:,} rows, {NUMBERS} + {NAMES} columns", found)
    theirs = found.set_index("contestant")["cpu"]
    if "scipy" in theirs:
        print((theirs["scipy"] / theirs).round(2).rename("times as fast as scipy").to_string())


if __name__ == "__main__":
    main()
