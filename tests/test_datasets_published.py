"""The published examples hold the published figures: compared with the papers and other tools."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.inter_rater import fleiss_kappa

from mlkit import _tables, datasets

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
reference = pytest.mark.skipif(
    not (SHARED / "reference.json").exists(), reason="needs the figures of other tools"
)


def figures(*keys):
    found = json.loads((SHARED / "reference.json").read_text("utf-8"))
    for key in keys:
        found = found[key]
    return found


@pytest.mark.parametrize(
    ("load", "rows", "items", "annotators"),
    [
        (datasets.load_krippendorff_2011, 41, 12, 4),
        (datasets.load_fleiss_1971, 180, 30, 6),
        (datasets.load_dawid_skene_1979, 315, 45, 5),
    ],
)
def test_each_is_an_annotations_table(load, rows, items, annotators):
    table = load()
    checked = _tables.annotations(table, function="test")
    assert (len(table), table["item"].nunique(), table["annotator"].nunique()) == (
        rows,
        items,
        annotators,
    )
    assert table["label"].notna().all()
    assert not checked.duplicated(["item", "annotator", "repeat"]).any()
    # Sorted by name, the items are in the order of the paper.
    assert sorted(table["item"].unique()) == table["item"].unique().tolist()


# --- Krippendorff 2011


def alpha(table, distance):
    """Krippendorff's alpha from its definition: all pairs within units, all pairs at all."""
    groups = [group.to_numpy(float) for _, group in table.groupby("item")["label"]]
    groups = [values for values in groups if len(values) > 1]
    pooled = np.concatenate(groups)
    within = sum(distance(v[:, None], v).sum() / (len(v) - 1) for v in groups) / len(pooled)
    at_all = distance(pooled[:, None], pooled).sum() / (len(pooled) * (len(pooled) - 1))
    return 1 - within / at_all


@pytest.mark.parametrize(
    ("distance", "published"),
    [
        (lambda a, b: (a != b).astype(float), 0.743),
        (lambda a, b: (a - b) ** 2, 0.849),
        (lambda a, b: ((a - b) / (a + b)) ** 2, 0.797),
    ],
    ids=["nominal", "interval", "ratio"],
)
def test_krippendorffs_example_gives_the_alphas_he_prints(distance, published):
    assert alpha(datasets.load_krippendorff_2011(), distance) == pytest.approx(published, abs=5e-4)


@reference
def test_krippendorffs_labels_are_those_of_other_tools():
    table = datasets.load_krippendorff_2011()
    wide = table.pivot_table("label", "annotator", "item")
    published = np.array(figures("published", "krippendorff_2011_4coders", "data"), dtype=float)
    np.testing.assert_array_equal(wide.to_numpy(float), published)


# --- Fleiss 1971


def fleiss_counts():
    table = datasets.load_fleiss_1971()
    return pd.crosstab(table["item"], table["label"])


def test_fleiss_diagnoses_give_his_figures():
    counts = fleiss_counts()
    assert (counts.sum(axis=1) == 6).all()
    shares = (counts.sum() / 180).round(3).to_dict()
    assert shares == {
        "depression": 0.144,
        "neurosis": 0.306,
        "other": 0.239,
        "personality disorder": 0.144,
        "schizophrenia": 0.167,
    }
    agreeing = (counts * (counts - 1)).to_numpy().sum() / (30 * 6 * 5)
    assert agreeing == pytest.approx(0.5556, abs=5e-5)
    assert fleiss_kappa(counts.to_numpy()) == pytest.approx(0.430, abs=5e-4)


@reference
def test_fleiss_kappa_is_that_of_other_tools():
    other = figures("published", "fleiss_diagnoses", "statsmodels")
    assert fleiss_kappa(fleiss_counts().to_numpy()) == pytest.approx(other, abs=1e-12)


def test_the_raters_of_fleiss_are_said_to_be_numbers_not_people():
    assert "not people" in datasets.load_fleiss_1971.__doc__
    table = datasets.load_fleiss_1971()
    assert sorted(table["annotator"].unique()) == [f"rater {n}" for n in range(1, 7)]


# --- Dawid and Skene 1979


def test_the_first_clinician_answered_three_times_and_the_others_once():
    table = datasets.load_dawid_skene_1979()
    answers = table.groupby(["annotator", "repeat"]).size()
    assert answers.to_dict() == {
        **{("clinician 1", repeat): 45 for repeat in range(3)},
        **{(f"clinician {n}", 0): 45 for n in range(2, 6)},
    }
    assert set(table["label"]) == {1, 2, 3, 4}


@reference
def test_the_clinicians_majority_is_that_of_other_tools():
    """The most frequent of all seven answers, the lower class where two are as frequent."""
    table = datasets.load_dawid_skene_1979()
    majority = table.groupby("item")["label"].agg(lambda labels: labels.mode()[0])
    assert majority.to_list() == figures("published", "dawid_skene_1979", "majority")
    raw = pd.read_csv(SHARED / "dawid_skene_1979.csv")
    assert table["label"].to_list() == raw["label"].to_list()


# --- Geirhos et al. 2018


def accuracies():
    table = datasets.load_human_vs_network()
    assert list(table.columns) == ["experiment", "condition", "who", "accuracy", "trials"]
    return table


def test_every_judge_saw_every_condition_and_the_signal_weakens_downwards():
    table = accuracies()
    assert len(table) == 2 * 8 * 4
    for _, judged in table.groupby("experiment"):
        assert judged["who"].to_list() == ["human", "googlenet", "resnet152", "vgg19"] * 8
    assert (table["trials"] == np.where(table["who"] == "human", 800, 1120)).all()
    conditions = table.groupby("experiment", sort=False)["condition"].unique()
    assert conditions["noise"].tolist() == [0, 0.03, 0.05, 0.1, 0.2, 0.35, 0.6, 0.9]
    assert conditions["contrast"].tolist() == [1, 0.5, 0.3, 0.15, 0.1, 0.05, 0.03, 0.01]
    right = table["accuracy"] * table["trials"]
    np.testing.assert_allclose(right, right.round(), atol=1e-9)


def test_the_gap_changes_sign_between_no_noise_and_noise_of_a_tenth():
    noise = accuracies().query("experiment == 'noise'")
    wide = noise.pivot_table("accuracy", "condition", "who")
    ahead = wide.drop(columns="human").sub(wide["human"], axis=0)
    assert (ahead.loc[0.0] > 0).all()
    assert (ahead.loc[0.1] < 0).all()
    # At the end nobody is better than a guess among sixteen.
    assert (wide.loc[0.9] - 1 / 16).abs().max() < 0.01


@reference
def test_the_accuracies_are_those_counted_elsewhere():
    table = accuracies().set_index(["experiment", "condition", "who"])
    compared = 0
    for name, conditions in figures("human-vs-network", "data").items():
        experiment = name.removesuffix("-experiment")
        for condition, values in conditions.items():
            number = float(condition.lstrip("c"))
            number = number / 100 if condition.startswith("c") else number
            for who in ("human", "googlenet", "resnet152", "vgg19"):
                ours = table.loc[(experiment, number, who), "accuracy"]
                assert ours == pytest.approx(values[who], abs=1e-12)
                compared += 1
    assert compared == len(table)
