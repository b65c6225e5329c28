"""Agreement of 10^5 to 10^7 labels: time and memory beside krippendorff, scikit-learn, statsmodels.

krippendorff is given its count table ready made; ours starts from the DataFrame that people have,
checked for duplicates and all (`labels.agreement`, which gives five coefficients with intervals,
overall, by class and without each annotator), and, to compare like with like, from codes to alpha
alone. Run by hand: `python tests/benchmarks/labels_agreement.py` (`--largest 6` stops at 10^6).
"""

import argparse

import numpy as np
import pandas as pd
from peers import PEERS, Contestant, race, show

CLASSES, EACH, PEOPLE = 10, 5, 50


def codes(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Five labels an item by five of fifty people, each right in about 7 of 10."""
    rng = np.random.default_rng(0)
    items = n // EACH
    item = np.repeat(np.arange(items, dtype=np.int32), EACH)
    first = np.repeat(rng.integers(PEOPLE, size=items), EACH)
    place = (first + 7 * (np.arange(n) % EACH)) % PEOPLE
    # Everyone meets everyone: the people stand in another order every item, a thousand in turn.
    orders = np.random.default_rng(1).permuted(np.tile(np.arange(PEOPLE), (1000, 1)), axis=1)
    annotator = orders[item % 1000, place].astype(np.int32)
    truth = np.repeat(rng.integers(CLASSES, size=items), EACH)
    guess = rng.integers(CLASSES, size=n)
    label = np.where(rng.random(n) < 0.7, truth, guess).astype(np.int32)
    return item, annotator, label


def frame(n: int, *, text: bool = False) -> pd.DataFrame:
    """The annotations table, as Categoricals or as plain text."""
    item, annotator, label = codes(n)
    table = pd.DataFrame(
        {
            "item": pd.Categorical.from_codes(item, [f"i{i}" for i in range(n // EACH)]),
            "annotator": pd.Categorical.from_codes(annotator, [f"p{i}" for i in range(PEOPLE)]),
            "label": pd.Categorical.from_codes(label, [f"c{i}" for i in range(CLASSES)]),
        }
    )
    return table.astype(str) if text else table


def count_table(n: int) -> np.ndarray:
    """What krippendorff takes: a row an item, a column a class."""
    item, _, label = codes(n)
    cells = n // EACH * CLASSES
    return np.bincount(item.astype(np.int64) * CLASSES + label, minlength=cells).reshape(
        -1, CLASSES
    )


def wide(n: int) -> np.ndarray:
    """What a loop over pairs takes: a row an item, a column a person, -1 where there is none."""
    item, annotator, label = codes(n)
    table = np.full((n // EACH, PEOPLE), -1, np.int8)
    table[item, annotator] = label
    return np.asfortranarray(table)  # a person's column in one piece


def ratings(items: int) -> pd.DataFrame:
    """Three continuous ratings an item."""
    rng = np.random.default_rng(0)
    value = np.repeat(rng.normal(size=items), 3) + 0.5 * rng.normal(size=3 * items)
    names = [f"i{i}" for i in range(items)]
    return pd.DataFrame(
        {
            "item": pd.Categorical.from_codes(np.repeat(np.arange(items), 3), names),
            "annotator": pd.Categorical.from_codes(np.arange(3 * items) % 3, list("abc")),
            "label": value,
        }
    )


LOOP = """
from itertools import combinations
import numpy as np
import labels_agreement as b
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

def table(one, two):
    return np.bincount(one.astype(int) * b.CLASSES + two, minlength=b.CLASSES ** 2).reshape(
        b.CLASSES, -1)

def statsmodels(one, two):
    return cohens_kappa(table(one, two), return_results=False)

def from_codes(w, kappa):
    found = []
    for i, j in combinations(range(b.PEOPLE), 2):
        rows = (w[:, i] >= 0) & (w[:, j] >= 0)
        found.append(kappa(w[rows, i], w[rows, j]))
    return np.mean(found)

def from_frame(x, kappa):
    w = x.pivot(index="item", columns="annotator", values="label")
    found = []
    for one, two in combinations(w.columns, 2):
        both = w[[one, two]].dropna()
        found.append(kappa(both[one], both[two]))
    return np.mean(found)
"""


def alpha(power: int) -> None:
    n = 10**power
    data = f"import labels_agreement as b\nx = b.frame({n})"
    ours = "from mlkit import labels\n"
    core = (
        "from mlkit.labels import _coefficients, _coded, _intervals, _patterns\n"
        "import numpy as np, scipy.sparse, scipy.special\n"
        f"import labels_agreement as b\nitem, _, label = b.codes({n})\n"
        f"def find(): return _patterns.find(item, label, {n // EACH}, b.CLASSES)\n"
        "def boot(p): return _intervals.both(\n"
        "    p, 'nominal', np.arange(10.0), 10, np.random.default_rng(0))\n"
    )
    text = f"import labels_agreement as b\nx = b.frame({n}, text=True)"
    turns = 3 if power < 7 else 2
    show(
        f"alpha, nominal, 10^{power} labels, {EACH} an item, {CLASSES} classes",
        race(
            [
                Contestant(
                    "krippendorff on counts",
                    f"import krippendorff, labels_agreement as b\nx = b.count_table({n})",
                    "krippendorff.alpha(value_counts=x, level_of_measurement='nominal')",
                    PEERS["krippendorff"],
                ),
                Contestant(
                    "ours, codes to alpha", core, "_coefficients.of_patterns(find())['alpha']"
                ),
                Contestant("ours, + 1000 replicates", core, "boot(find())[0]['alpha']"),
                Contestant(
                    "labels.agreement, Categoricals",
                    ours + data,
                    "labels.agreement(x, rng=0).alpha",
                ),
                Contestant(
                    "labels.agreement, text", ours + text, "labels.agreement(x, rng=0).alpha"
                ),
            ],
            turns=turns,
        ),
    )


def pairs(n: int) -> None:
    data = f"import labels_agreement as b\nx = b.frame({n})"
    show(
        f"kappa of all pairs of {PEOPLE} annotators, {n:,} labels",
        race(
            [
                Contestant(
                    "labels.pairwise, Categoricals",
                    "from mlkit import labels\nimport scipy.sparse\n" + data,
                    "labels.pairwise(x)['cohen'].mean()",
                ),
                Contestant(
                    "statsmodels loop over codes made ready",
                    f"{LOOP}\nw = b.wide({n})",
                    "from_codes(w, statsmodels)",
                    PEERS["statsmodels"],
                ),
                Contestant(
                    "scikit-learn loop over codes made ready",
                    f"{LOOP}\nw = b.wide({n})",
                    "from_codes(w, cohen_kappa_score)",
                    PEERS["statsmodels"],
                ),
                Contestant(
                    "scikit-learn loop over the same DataFrame",
                    f"{LOOP}\n{data}",
                    "from_frame(x, cohen_kappa_score)",
                    PEERS["statsmodels"],
                ),
            ],
            turns=2,
        ),
    )


def interval(items: int, *, with_peer: bool) -> None:
    ours = f"from mlkit import labels\nimport labels_agreement as b\nx = b.ratings({items})"
    theirs = (
        "import krippendorff, numpy as np, labels_agreement as b\n"
        f"x = b.ratings({items})['label'].to_numpy().reshape(-1, 3).T"
    )
    contestants = [
        Contestant(
            "labels.agreement, interval", ours, "labels.agreement(x, level='interval', rng=0).alpha"
        )
    ]
    if with_peer:
        contestants.append(
            Contestant(
                "krippendorff", theirs,
                "krippendorff.alpha(x, level_of_measurement='interval')", PEERS["krippendorff"],
            )
        )  # fmt: skip
    show(f"alpha, interval, 3 continuous ratings of {items:,} items", race(contestants, turns=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=7, help="power of ten of labels")
    largest = parser.parse_args().largest
    for power in range(5, largest + 1):
        alpha(power)
    pairs(1_000_000)
    interval(400, with_peer=True)
    for items in (10_000, 100_000):
        interval(items, with_peer=False)
