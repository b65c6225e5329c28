"""Data that ships with mlkit or with scikit-learn."""

from pathlib import Path

import pandas as pd

from mlkit._files import bundled
from mlkit.datasets._arguments import split

_SPOKEN_COLUMNS = ["item", "label", "speaker", "accent", "path", "duration_s", "split"]


def load_digits() -> pd.DataFrame:
    """Handwritten digits, 8 by 8 pixels, from the wheel of scikit-learn.

    Which digits does a small model confuse? 1,797 images, part of UCI dataset 80.

    Returns
    -------
    DataFrame
        ``item, label`` (both text), ``image`` (8 x 8 array, 0 to 16), ``split``: three in five
        items train, one dev, one test, by position.

    Examples
    --------
    >>> load_digits()["split"].value_counts().to_dict()
    {'train': 1079, 'dev': 359, 'test': 359}
    """
    from sklearn import datasets

    images = datasets.load_digits()
    number = pd.RangeIndex(len(images.target)).to_series()
    return pd.DataFrame(
        {
            "item": [f"digit-{n:04d}" for n in number],
            "label": images.target.astype(str),
            "image": list(images.images),
            "split": number.map(split),
        }
    )


def load_spoken_digits() -> pd.DataFrame:
    """Synthetic spoken digits, bundled: the stand-in for ``fetch_spoken_digits``.

    A model trained on the two American voices knows them, and does it know the other four?
    1,200 clips made with espeak-ng, some of them noisy, quiet, echoing or with the start cut
    off (``load_example_tags``). No person speaks here: the accents are caricatures.

    Returns
    -------
    DataFrame
        ``item, label, speaker, accent, path`` (FLAC, 8 kHz), ``duration_s, split``: clips 0-4 of
        each digit and speaker are test, 5-14 dev, the rest train, as in the real recordings.

    Examples
    --------
    >>> clips = load_spoken_digits()
    >>> clips.loc[0, ["item", "label", "speaker", "accent", "split"]].to_list()
    ['0_synthetic-french-1_0', '0', 'synthetic-french-1', 'FRA', 'test']
    """
    folder = bundled("spoken_digits")
    table = read_table(bundled("spoken_digits.csv"))
    table["path"] = [str(folder / f"{item}.flac") for item in table["item"]]
    return spoken(table)


def load_example_tags() -> pd.DataFrame:
    """Example tags for ``load_spoken_digits``: what was done to each clip when it was made.

    What would a listener have tagged? Nobody listened: the annotator is called *example*.

    Returns
    -------
    DataFrame
        A tags table, one row a clip and tag: ``item, tag`` (noise, quiet, clipped start, echo),
        ``value`` (True: has it), ``annotator``.

    Examples
    --------
    >>> tags = load_example_tags()
    >>> tags.groupby("tag")["value"].mean().round(2).to_dict()
    {'clipped start': 0.1, 'echo': 0.05, 'noise': 0.15, 'quiet': 0.1}
    """
    made = read_table(bundled("spoken_digits.csv"))
    names = ["noise", "quiet", "clipped start", "echo"]
    made = made[["item", "condition"]].merge(pd.DataFrame({"tag": names}), how="cross")
    return pd.DataFrame(
        {
            "item": made["item"],
            "tag": made["tag"],
            "value": made["condition"] == made["tag"],
            "annotator": "example",
        }
    )


def load_example_voice() -> pd.DataFrame:
    """A synthetic speaker, bundled: the stand-in for recordings of your own voice.

    How does a model do on somebody new? One voice that ``load_spoken_digits`` does not have, made
    with espeak-ng: ten digits, five takes each, as ``widgets.Recorder`` would have kept them. No
    person speaks here, and the times of the takes are simulated (a break before the third round).

    Returns
    -------
    DataFrame
        The columns of ``recordings.csv``: ``item, label, speaker, path`` (FLAC, absolute),
        ``rate_hz`` (16,000), ``duration_s, consent, at`` (UTC, text), ``take`` (from 1).

    Examples
    --------
    >>> voice = load_example_voice()
    >>> voice.loc[0, ["item", "label", "consent"]].to_list()
    ['0_synthetic-example_1', '0', 'not needed: a synthetic voice']
    """
    folder = bundled("example_voice")
    table = read_table(folder / "recordings.csv")
    table["path"] = [str(folder / name) for name in table["path"]]
    return table.astype({"rate_hz": int, "duration_s": float, "take": int})


def read_table(path: Path) -> pd.DataFrame:
    """A CSV of our own, all text: "nan" is a name like any other."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def spoken(table: pd.DataFrame) -> pd.DataFrame:
    """The columns every table of spoken digits has, digit by digit, voice by voice."""
    index = table["item"].str.rpartition("_")[2].astype(int)
    part = pd.cut(index, [-1, 4, 14, 10**6], labels=["test", "dev", "train"]).astype(str)
    table = table.assign(split=part, index=index, duration_s=table["duration_s"].astype(float))
    table = table.sort_values(["label", "speaker", "index"], ignore_index=True)
    return table[_SPOKEN_COLUMNS]
