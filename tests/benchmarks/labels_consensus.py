"""Dawid-Skene beside crowd-kit, likely label errors beside cleanlab, near-duplicates alone.

Dawid-Skene: 20 iterations on the same long table of text, five labels an item from 100 people,
five classes; both without a stop. Ours makes the whole result (the majority, ties, and where the
two differ), theirs is `fit` alone. Label errors: 10 classes, a tenth of the labels wrong; theirs
takes numbered labels, ours a table of named items that it checks first.

What is told beside the times: the share of items whose class is right and the shares of the
classes; and how many labels are flagged, with the sum of their row numbers.
"""

import argparse

import numpy as np
import pandas as pd
import peers

ANNOTATORS, CLASSES = 100, 5


def answers(n: int) -> tuple[pd.DataFrame, np.ndarray]:
    """`n` labels, `item, annotator, label` as text, and the true class of each item."""
    rng = np.random.default_rng(0)
    items = n // 5
    truth = rng.choice(CLASSES, items, p=[0.4, 0.25, 0.15, 0.12, 0.08])
    skill = rng.uniform(0.3, 0.9, ANNOTATORS)
    item = np.repeat(np.arange(items), 5)
    # Five different people: every twentieth, from a place drawn for each item.
    start = np.repeat(rng.integers(0, ANNOTATORS, items), 5)
    annotator = (start + 20 * np.tile(np.arange(5), items)) % ANNOTATORS
    knows = rng.random(n) < skill[annotator]
    label = np.where(knows, truth[item], rng.integers(0, CLASSES, n))
    table = {"item": named("i", item), "annotator": named("a", annotator)}
    return pd.DataFrame(table | {"label": named("c", label)}), truth


def named(letter: str, codes: np.ndarray) -> np.ndarray:
    names = np.array([f"{letter}{code:07d}" for code in range(codes.max() + 1)], object)
    return names[codes]


def predicted(n: int, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Given labels, a tenth of them wrong, and probabilities of a model that is often right."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, k, n)
    given = np.where(rng.random(n) < 0.1, rng.integers(0, k, n), truth)
    chances = rng.random((n, k)) ** 3
    chances[np.arange(n), truth] += 2 * rng.random(n)
    chances /= chances.sum(axis=1, keepdims=True)
    return given, chances


CONSENSUS = """
import numpy as np
import scipy.sparse
from mlkit import labels
from labels_consensus import answers
table, truth = answers({n})
names = np.array(["c%07d" % code for code in range(5)], object)[truth]
"""
CONSENSUS_TOLD = (
    "(round(float((np.asarray(result.table.dawid_skene) == names).mean()), 5), "
    "result.prior.share.round(4).tolist(), result.iterations)"
)
CROWD_KIT = """
import numpy as np
from crowdkit.aggregation import DawidSkene
from labels_consensus import answers
table, truth = answers({n})
table = table.rename(columns={{"item": "task", "annotator": "worker"}})
names = np.array(["c%07d" % code for code in range(5)], object)[truth]
"""
CROWD_KIT_TOLD = (
    "(round(float((result.labels_.sort_index().to_numpy() == names).mean()), 5), "
    "result.priors_.sort_index().round(4).tolist(), len(result.loss_history_))"
)
ISSUES = """
import pandas as pd
from mlkit import labels
from labels_consensus import predicted
given, chances = predicted({n})
table = pd.DataFrame({{"item": ["i%d" % row for row in range({n})], "label": given}})
"""
CLEANLAB = """
from cleanlab.filter import find_label_issues
from labels_consensus import predicted
given, chances = predicted({n})
"""


NEAR_DUPLICATES = """
import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors
from mlkit import labels
rng = np.random.default_rng(0)
features = rng.normal(size=(20_000, 300))
features[:100] = features[100:200]
table = pd.DataFrame({"item": ["i%d" % k for k in range(20_000)], "label": 0})
"""


def dawid_skene(n: int, *, both: bool) -> list[peers.Contestant]:
    ours = "labels.consensus(table, tolerance=0, max_iterations=20)"
    theirs = "DawidSkene(n_iter=20, tol=-1e9).fit(table)"
    found = [
        peers.Contestant("mlkit", CONSENSUS.format(n=n), ours, tell=CONSENSUS_TOLD),
        peers.Contestant(
            "crowd-kit", CROWD_KIT.format(n=n), theirs, peers.PEERS["crowd-kit"], CROWD_KIT_TOLD
        ),
    ]
    return found if both else found[:1]


def label_errors(n: int, *, both: bool) -> list[peers.Contestant]:
    theirs = (
        'find_label_issues(given, chances, return_indices_ranked_by="self_confidence", n_jobs=1)'
    )
    told = "(len(result), int(result['item'].str[1:].astype(int).sum()))"
    found = [
        peers.Contestant("mlkit", ISSUES.format(n=n), "labels.issues(table, chances)", tell=told),
        peers.Contestant(
            "cleanlab",
            CLEANLAB.format(n=n),
            theirs,
            peers.PEERS["cleanlab"],
            "(len(result), int(result.sum()))",
        ),
    ]
    return found if both else found[:1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=float, nargs="+", default=[1e5, 1e6])
    parser.add_argument("--alone", type=float, nargs="*", default=[1e7], help="sizes for ours only")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    titles = {"Dawid-Skene, 20 iterations": dawid_skene, "Label errors, 10 classes": label_errors}
    for title, contestants in titles.items():
        for size, both in [(n, True) for n in options.sizes] + [(n, False) for n in options.alone]:
            table = peers.race(contestants(int(size), both=both), turns=options.turns)
            peers.show(f"{title}, {int(size):,} labels", table)
    call, told = "labels.near_duplicates(table, features)", "(result.distance == 0).sum()"
    alone = [peers.Contestant("mlkit", NEAR_DUPLICATES, call, tell=told)]
    peers.show("Near-duplicates, 20,000 x 300", peers.race(alone, turns=options.turns))


if __name__ == "__main__":
    main()
