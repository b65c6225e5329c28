"""False alarms of `monitoring.drift` at sizes up to a million, equal and 1:10, 1:100.

Nothing changes, and each p of each column is counted: 12 columns of numbers (exact and from
profiles) and 6 of names a comparison. A rate is told with its exact binomial interval (Clopper and
Pearson) at 95 %; `within` says that the level lies in it or above it. Beside them how often the
whole comparison named a column (`least=0`), which is to be at most 5 %. The window test of
`monitoring.concept` is counted at the same sizes, each request a user of its own.
"""

import argparse

import numpy as np
import pandas as pd
from scipy import stats

from mlkit.monitoring import _stream, drift, profile

SHARES = np.array([0.5, 0.3, 0.15, 0.04, 0.01])
LEVELS = (0.05, 0.01)


def table(rng: np.random.Generator, n: int) -> pd.DataFrame:
    numbers = {f"x{k}": (rng.normal(size=n), rng.lognormal(size=n))[k % 2] for k in range(12)}
    names = {f"c{k}": np.array(list("abcde"), object)[rng.choice(5, n, p=SHARES)] for k in range(6)}
    return pd.DataFrame(numbers | names)


def rates(n: int, m: int, runs: int, rng: np.random.Generator) -> list[dict]:
    found: dict[str, list[float]] = {}
    named: dict[str, int] = {"exact": 0, "profiles": 0}
    over: list[bool] = []
    for _ in range(runs):
        before, after = table(rng, n), table(rng, m)
        one = profile(before)
        both = {
            "exact": drift(before, after, least=0),
            "profiles": drift(one, profile(after, like=one), least=0),
        }
        for way, result in both.items():
            named[way] += bool(result.drifted)
            numbers = result.table["test"] == "Kolmogorov-Smirnov"
            found.setdefault(f"KS, {way}", []).extend(result.table.loc[numbers, "p"])
        names = both["exact"].table[~numbers.to_numpy()]
        found.setdefault("chi-square", []).extend(names["p"])
        over += (both["exact"].table["psi"] > both["exact"].table["psi_noise"]).tolist()
    rows = [
        told(n, m, what, level, int((np.array(p) <= level).sum()), len(p))
        for what, p in found.items()
        for level in LEVELS
    ]
    rows.append(told(n, m, "PSI above chance", 0.05, sum(over), len(over)))
    rows += [told(n, m, f"any named, {way}", 0.05, k, runs) for way, k in named.items()]
    return rows


def window_rates(n: int, m: int, runs: int, rng: np.random.Generator) -> list[dict]:
    came = np.arange(n + m) + 1
    given = _stream.Stream(came, came, came - 1, n, np.array([n + m]))
    p = np.array(
        [
            _stream.windows(given, (rng.random(n + m) < 0.85).astype(float))["p"].iloc[0]
            for _ in range(runs)
        ]
    )
    return [
        told(n, m, "window test of concept", level, int((p < level).sum()), runs)
        for level in LEVELS
    ]


def told(n: int, m: int, what: str, level: float, count: int, of: int) -> dict:
    held = stats.binomtest(count, of).proportion_ci(method="exact")
    return {
        "n": n, "m": m, "what": what, "level": level, "rate": count / of, "low": held.low,
        "high": held.high, "of": of, "within": held.low <= level,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=float, default=1e6)
    parser.add_argument("--rows", type=float, default=2e7, help="rows to spend on each size")
    parser.add_argument("--concept", action="store_true", help="the window test alone")
    parser.add_argument("--json", help="write the rates to this file")
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    rows: list[dict] = []
    for n in (50, 500, 5000, 50_000, 1_000_000):
        for m in (n, n // 10, n // 100):
            if m < 50 or n > given.most:
                continue
            runs = int(np.clip(given.rows / (n + m), 4, 200))
            done = [] if given.concept else rates(n, m, runs, rng)
            done += window_rates(n, m, int(np.clip(3 * given.rows / (n + m), 20, 500)), rng)
            rows += done
            print(pd.DataFrame(done).to_string(index=False, float_format="{:.4f}".format))
            print(flush=True)
    table = pd.DataFrame(rows)
    # Where everything is right, one in 40 lies above by chance.
    print(f"{int((~table['within']).sum())} of {len(table)} rates lie above their level.")
    if given.json:
        table.to_json(given.json, orient="records", indent=1)


if __name__ == "__main__":
    main()
