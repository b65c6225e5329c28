"""How often does ``scoping.extrapolate`` hold the truth on real learning curves?

Six data sets, six models, twelve draws of the training set each. Curves are cut off at 1/1.4 to
1/8 of their largest size; of 4, 6 or 8 sizes and five of the draws the score at the largest is
extrapolated, and held against the mean of the other draws there. ``MLKIT_DATA`` names a folder
with the published archives; without them the sets that need them are left out. About 20 minutes.
"""

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets as bundled
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from mlkit import datasets, features, scoping

DRAWS, SEEN = 12, 5
RATIOS, SIZES = (1.4, 2, 2.8, 4, 8), (4, 6, 8)


def sets() -> Iterator[tuple[str, object, np.ndarray]]:
    for name, load in (("digits", bundled.load_digits), ("cancer", bundled.load_breast_cancer)):
        yield name, *load(return_X_y=True)
    clips = datasets.load_spoken_digits()
    yield "stand-in", features.mfcc(clips["path"], progress=False), clips["label"].to_numpy()
    try:
        clips = datasets.fetch_spoken_digits(download=False)
        yield "spoken", features.mfcc(clips["path"], progress=False), clips["label"].to_numpy()
        texts = datasets.fetch_messages(download=False)
        counts = CountVectorizer(min_df=3).fit_transform(texts["text"])
        yield "messages", counts, texts["label"].to_numpy()
        photos = datasets.fetch_clothing(download=False)
        shapes = features.hog_colour(photos["path"], progress=False)
        small = PCA(100, random_state=0).fit_transform(shapes)
        yield "photographs", small, photos["label"].to_numpy()
    except datasets.DownloadError as reason:
        print(f"left out: {reason}")


def models(name: str) -> dict[str, object]:
    text = name == "messages"

    def scaled(model: object) -> object:
        return model if text else make_pipeline(StandardScaler(), model)

    return {
        "logistic": scaled(LogisticRegression(max_iter=300)),
        "forest": RandomForestClassifier(40),
        "svm": scaled(SVC()),
        "neighbours": KNeighborsClassifier(3),
        "tree": DecisionTreeClassifier(),
        "bayes": MultinomialNB() if text else GaussianNB(),
    }


def measured() -> pd.DataFrame:
    """Scores of every data set and model at sizes that grow by the root of two."""
    rows = []
    for name, x, y in sets():
        order = np.random.default_rng(99).permutation(len(y))
        few = min(1000, len(y) // 3)
        test, pool = order[:few], order[few:]
        for kind, model in models(name).items():
            for repeat in range(DRAWS):
                own, n = np.random.default_rng(repeat).permutation(pool), 25
                while n <= len(pool):
                    if len(set(y[own[:n]])) > 1:
                        score = model.fit(x[own[:n]], y[own[:n]]).score(x[test], y[test])
                        rows.append((name, kind, repeat, n, score))
                    n = round(n * 2**0.5)
        print(f"measured: {name}", flush=True)
    return pd.DataFrame(rows, columns=["data", "model", "repeat", "n", "score"])


def held(curves: pd.DataFrame) -> Iterator[tuple[str, str, float, int, bool, bool, float]]:
    for (name, kind), curve in curves.groupby(["data", "model"], sort=False):
        wide = curve.pivot_table(index="repeat", columns="n", values="score").dropna(axis=1)
        sizes = wide.columns.to_numpy()
        for ratio in RATIOS:
            end = np.searchsorted(sizes, sizes[-1] / ratio * 1.03, side="right")
            for many in (many for many in SIZES if many <= end):
                for first in (0, SEEN):
                    rows = wide.index[first : first + SEEN]
                    seen = wide.loc[rows, sizes[end - many : end]]
                    table = seen.melt(ignore_index=False, value_name="score").reset_index()
                    found = scoping.extrapolate(table, to=int(sizes[-1]))
                    truth = wide.drop(index=rows)[sizes[-1]].mean()
                    inside = found.low <= truth <= found.high
                    width = found.high - found.low
                    yield name, kind, ratio, many, "rise" not in found.why, inside, width


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=Path, help="where the scores are kept, or were")
    kept = parser.parse_args().curves
    warnings.filterwarnings("ignore", category=UserWarning)  # scikit-learn on classes of one item
    curves = pd.read_csv(kept) if kept and kept.exists() else measured()
    if kept:
        curves.to_csv(kept, index=False)
    columns = ["data", "model", "ratio", "sizes", "rising", "held", "width"]
    table = pd.DataFrame(held(curves), columns=columns)
    share, width = table["held"].mean(), table["width"].median()
    print(f"held {share:.3f} of {len(table)}, median width {width:.3f}")
    for name in ("data", "model", "ratio", "sizes", "rising"):
        print(table.groupby(name)["held"].agg(["mean", "size"]).round(3).T.to_string())


if __name__ == "__main__":
    main()
