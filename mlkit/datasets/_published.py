"""Worked examples from the literature, as published, to compute by hand and compare with."""

import pandas as pd

from mlkit._files import bundled
from mlkit.datasets._bundled import read_table


def load_krippendorff_2011() -> pd.DataFrame:
    """Four coders, twelve units, five values, seven missing: the example for alpha.

    Which alpha does a paper print for one small table? Nominal 0.743, ordinal 0.815, interval
    0.849, ratio 0.797. Unit 12 has one label, and no pair.

    Returns
    -------
    DataFrame
        An annotations table of the 41 labels given: ``item, annotator`` (A to D), ``label``
        (a number, 1 to 5).

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, University of Pennsylvania.

    Examples
    --------
    >>> load_krippendorff_2011().groupby("annotator").size().to_dict()
    {'A': 9, 'B': 11, 'C': 10, 'D': 11}
    """
    table = read_table(bundled("krippendorff_2011.csv"))
    return table.assign(item=_named("unit", table["item"]), label=table["label"].astype(int))


def load_fleiss_1971() -> pd.DataFrame:
    """Thirty patients, six diagnoses each out of five: the example for Fleiss' kappa, 0.430.

    The paper gives the counts alone, and other psychiatrists saw other patients: *rater 1* to
    *rater 6* are numbers in the order of the diagnoses, not people. What is said of a single
    rater, or of a pair of them, means nothing here.

    Returns
    -------
    DataFrame
        An annotations table of 180 labels: ``item, annotator, label`` (text).

    References
    ----------
    Fleiss (1971), Measuring nominal scale agreement among many raters, Psychological
    Bulletin 76(5), 378-382.

    Examples
    --------
    >>> diagnoses = load_fleiss_1971()
    >>> diagnoses["label"].value_counts(normalize=True).round(3).to_dict()["neurosis"]
    0.306
    """
    table = read_table(bundled("fleiss_1971.csv")).melt("item", var_name="label", value_name="n")
    table = table.loc[table.index.repeat(table["n"].astype(int))]
    table["item"] = _named("patient", table["item"])
    table = table.sort_values("item", kind="stable", ignore_index=True)
    table["annotator"] = _named("rater", table.groupby("item").cumcount() + 1, width=1)
    return table[["item", "annotator", "label"]]


def load_dawid_skene_1979() -> pd.DataFrame:
    """Forty-five patients, five clinicians, four classes: the example for a consensus.

    How fit for an anaesthetic, from 1 (fit) to 4? Clinician 1 answered three times
    (``repeat`` 0, 1, 2). The paper estimates that 40, 42, 11 and 7 % of patients are of the
    four classes, from all seven answers.

    Returns
    -------
    DataFrame
        An annotations table of 315 labels: ``item, annotator, repeat, label`` (a number).

    References
    ----------
    Dawid and Skene (1979), Maximum likelihood estimation of observer error-rates using the EM
    algorithm, Applied Statistics 28(1), 20-28.

    Examples
    --------
    >>> load_dawid_skene_1979().query("repeat == 0")["label"].value_counts().to_dict()
    {1: 94, 2: 84, 3: 34, 4: 13}
    """
    table = read_table(bundled("dawid_skene_1979.csv"))
    return table.assign(
        item=_named("patient", table["item"]),
        annotator=_named("clinician", table["annotator"], width=1),
        repeat=table["repeat"].astype(int),
        label=table["label"].astype(int),
    )


def load_human_vs_network() -> pd.DataFrame:
    """People and three networks naming one of 16 classes in a picture, as the signal weakens.

    At which noise do people overtake the networks? Five people gave 160 answers each, and
    each network 1,120, under every condition. Nobody was trained on noise or low contrast.

    Returns
    -------
    DataFrame
        One row a condition and judge, the clearest pictures first: ``experiment`` (contrast,
        noise), ``condition`` (the contrast left, 1 all of it; or how far the noise reached up
        and down, where grey goes from 0 to 1), ``who`` (human, googlenet, resnet152, vgg19),
        ``accuracy`` (share of trials), ``trials``.

    References
    ----------
    Geirhos, Medina Temme, Rauber, Schütt, Bethge and Wichmann (2018), Generalisation in humans
    and deep neural networks, NeurIPS 31. Data CC BY 4.0.

    Examples
    --------
    >>> clear = load_human_vs_network().query("experiment == 'noise' and condition == 0")
    >>> dict(zip(clear["who"], clear["accuracy"].round(2)))
    {'human': 0.8, 'googlenet': 0.9, 'resnet152': 0.89, 'vgg19': 0.91}
    """
    table = read_table(bundled("human_vs_network.csv"))
    trials = table["trials"].astype(int)
    condition = table["condition"].map(_condition)
    signal = condition.where(table["experiment"] == "contrast", -condition)
    is_network = table["who"] != "human"
    order = table.assign(signal=-signal, is_network=is_network).sort_values(
        ["experiment", "signal", "is_network", "who"]
    )
    table = table.assign(
        condition=condition, accuracy=table["correct"].astype(int) / trials, trials=trials
    )
    table = table.loc[order.index, ["experiment", "condition", "who", "accuracy", "trials"]]
    return table.reset_index(drop=True)


def _condition(name: str) -> float:
    """``c05`` is a contrast of 5 %, ``0.10`` a noise."""
    return int(name[1:]) / 100 if name.startswith("c") else float(name)


def _named(noun: str, numbers: pd.Series, *, width: int = 2) -> pd.Series:
    """Names that sort as their numbers do."""
    return noun + " " + numbers.astype(str).str.zfill(width)
