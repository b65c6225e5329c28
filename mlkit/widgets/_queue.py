"""What is to be looked at, in which order, and what of it may be seen."""

import difflib
import unicodedata
from collections.abc import Collection, Iterable
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from mlkit._tables import RESERVED_TAGS

# A repeat comes at least so many items after the first look, or one still remembers it.
_REPEAT_GAP = 15
# What tells the answer, or that the model missed it.
_TELLING = ("label", "gold", "prediction", "score", "sampling_rate")


def errors(table: pd.DataFrame) -> np.ndarray:
    """Rows with a label and another prediction; without a label nothing is wrong."""
    labelled = table["label"].notna().to_numpy()
    differs = table["label"].astype(object).to_numpy() != table["prediction"].astype(object)
    return labelled & (differs.to_numpy() | table["prediction"].isna().to_numpy())


def inside(table: pd.DataFrame, only: Any, *, function: str) -> np.ndarray:
    """``only`` as a Boolean array over the rows: None, a mask, or a pandas expression."""
    if only is None:
        return np.ones(len(table), bool)
    if isinstance(only, str):
        try:
            found = table.query(only, engine="python").index
        except Exception as error:
            raise ValueError(
                f"{function}(only={only!r}): pandas cannot evaluate this ({error}). "
                "Columns here: " + ", ".join(str(name) for name in table.columns)
            ) from error
        return table.index.isin(found)
    mask = pd.Series(np.asarray(only) if not isinstance(only, pd.Series) else only.to_numpy())
    rows = "predictions" if function == "Tagger" else "items"
    if len(mask) != len(table) or not mask.dropna().isin([True, False]).all():
        raise ValueError(
            f"{function}(only=...) takes a Boolean mask with one value a row of the "
            f"{rows} ({len(table):,}), or a pandas expression; it was given {len(mask):,} values "
            f"of {mask.dtype}."
        )
    return mask.astype("boolean").fillna(False).to_numpy(dtype=bool)


def why_empty(table: pd.DataFrame, only: Any) -> str:
    """What to say where there is nothing to tag."""
    within = inside(table, only, function="Tagger")
    if not within.any():
        return "Nothing to tag: the filter (only=) keeps no item."
    if table["label"][within].isna().all():
        return "Nothing to tag: no item has a label, so nothing can be told an error."
    return (
        "Nothing to tag: every prediction here equals its label. "
        "Tagger(..., correct=50) shows correct items too."
    )


def build(
    table: pd.DataFrame,
    *,
    only: Any,
    correct: int | float,
    repeats: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The queue: ``item, repeat, sampling_rate`` in random order, so that any start is a sample."""
    counted = isinstance(correct, Real) and not isinstance(correct, bool)
    if not counted or correct < 0 or (isinstance(correct, float) and correct > 1):
        raise ValueError(
            f"Tagger(correct={correct!r}): give how many correct items to mix in (an int), "
            "or which share of them (a float from 0 to 1)."
        )
    within = inside(table, only, function="Tagger")
    wrong = errors(table)
    right = within & ~wrong & table["label"].notna().to_numpy()
    wanted = round(correct * right.sum()) if isinstance(correct, float) else correct
    drawn = rng.permutation(np.flatnonzero(right))[:wanted]
    rows = rng.permutation(np.concatenate([np.flatnonzero(within & wrong), drawn]))
    rate = len(drawn) / right.sum() if right.any() else 1.0
    queue = pd.DataFrame(
        {
            "item": table["item"].to_numpy()[rows],
            "repeat": 0,
            "sampling_rate": np.where(wrong[rows], 1.0, rate),
        }
    )
    return with_repeats(queue, repeats, rng, function="Tagger")


def shuffled(
    table: pd.DataFrame, *, only: Any, repeats: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Every item of the table (or of ``only``) in random order, some of them a second time."""
    rates = np.ones(len(table))
    if "sampling_rate" in table.columns:
        rates = pd.to_numeric(table["sampling_rate"], errors="coerce").to_numpy(float)
    if not ((rates > 0) & (rates <= 1)).all():
        raise ValueError(
            "Labeler() needs a sampling_rate above 0 and at most 1 (the share of such items that "
            "was drawn) in each row, or no such column."
        )
    rows = rng.permutation(np.flatnonzero(inside(table, only, function="Labeler")))
    columns = {"item": table["item"].to_numpy()[rows], "repeat": 0, "sampling_rate": rates[rows]}
    return with_repeats(pd.DataFrame(columns), repeats, rng, function="Labeler", most=1.0)


def with_repeats(
    queue: pd.DataFrame,
    repeats: float,
    rng: np.random.Generator,
    *,
    function: str,
    most: float = 0.5,
) -> pd.DataFrame:
    """The queue with a share of its items a second time, later, as repeat 1."""
    number = isinstance(repeats, Real) and not isinstance(repeats, bool)
    if not number or not 0 <= repeats <= most:
        raise ValueError(
            f"{function}(repeats={repeats!r}): give the share of items to show a second time, "
            f"0 to {most:g}."
        )
    count = round(repeats * len(queue))
    if not count:
        return queue
    gap = min(_REPEAT_GAP, len(queue) // 2)
    if repeats > 0.5:
        return _second_round(queue, np.sort(rng.permutation(len(queue))[:count]), gap, rng)
    early = rng.choice(max(len(queue) - gap, 1), min(count, len(queue) - gap), replace=False)
    again = queue.iloc[early].assign(repeat=1)
    places = np.concatenate([np.arange(len(queue)), rng.uniform(early + gap, len(queue))])
    both = pd.concat([queue, again], ignore_index=True)
    return both.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)


def _second_round(
    queue: pd.DataFrame, again: np.ndarray, gap: int, rng: np.random.Generator
) -> pd.DataFrame:
    """These places once more after all others, as much out of order as the gap allows."""
    for reach in (len(queue) / 2, len(queue) / 4, len(queue) / 8, 0):
        order = again[np.argsort(again + rng.uniform(0, reach, len(again)), kind="stable")]
        # In the old order (reach 0) each comes as many items later as there are repeats, or more.
        if (len(queue) - order + np.arange(len(order))).min() >= gap:
            break
    return pd.concat([queue, queue.iloc[order].assign(repeat=1)], ignore_index=True)


def vocabulary(tags: Iterable[str]) -> list[str]:
    """The tags on offer, each once."""
    clean = names(tags, "tag", function="Tagger")
    return [tag for tag in dict.fromkeys(clean) if tag not in RESERVED_TAGS]


def classes(labels: Iterable[str]) -> list[str]:
    """The classes in the order of their keys."""
    clean = names(labels, "label", function="Labeler")
    twice = [label for label in dict.fromkeys(clean) if clean.count(label) > 1]
    if twice:
        raise ValueError(f"Labeler(labels=...) names {twice[0]!r} more than once.")
    if len(clean) < 2:
        raise ValueError(
            f"Labeler(labels={clean!r}): give at least two classes to choose from, in the order "
            "of their keys."
        )
    return clean


def names(words: Iterable[str], what: str, *, function: str) -> list[str]:
    """Each word in its one spelling; raises where one is no single line of text."""
    if isinstance(words, str):
        meant = words.replace(",", " ").split() or [words]
        raise ValueError(  # noqa: TRY004 - a wrong value to the person who typed it
            f"{function}({what}s={words!r}): give a list of {what}s, such as {meant!r}."
        )
    clean = []
    for word in words:
        text = isinstance(word, str)
        if not text or not word.strip() or not word.isprintable() or len(word) > 200:
            mend = "" if text else f" Make them text: [str({what}) for {what} in {what}s]."
            raise ValueError(
                f"a {what} is one line of text with at most 200 characters; this one is "
                f"{str(word)[:60]!r} ({type(word).__name__}, {len(str(word)):,} characters).{mend}"
            )
        clean.append(unicodedata.normalize("NFC", word.strip()))
    return clean


def require_class(label: str, labels: Collection[str]) -> str:
    """The label, if it is one of the classes."""
    if label in labels:
        return label
    raise ValueError(
        f"there is no class {str(label)[:60]!r} here.{_meant(label, labels)} "
        f"The classes: {', '.join(map(repr, labels))}."
    )


def without_prediction(table: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that give the prediction away."""
    return _without(table, ["prediction", "score"], ["prediction"])


def without_answer(table: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that give the label away: what is left may be seen while labelling."""
    return _without(table, list(_TELLING), ["label", "gold", "prediction"])


def _without(table: pd.DataFrame, names: list[str], answers: list[str]) -> pd.DataFrame:
    """Without these columns, their copies, and those that tell right from wrong."""
    told = [_plain(table[name]) for name in answers if name in table.columns]
    if {"label", "prediction"} <= set(table.columns):
        wrong = pd.Series(errors(table))
        told += [_plain(wrong), _plain(~wrong)]
    telling = list(names)
    for name in table.columns.difference(["item", "label", *names]):
        if table[name].map(pd.api.types.is_scalar).all():  # not pictures and sounds
            same = _plain(table[name])
            telling += [name] if any(same.equals(answer) for answer in told) else []
    return table.drop(columns=telling, errors="ignore")


def _plain(values: pd.Series) -> pd.Series:
    """As texts, so that 7 and "7" are one, and True and 1."""
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        values = values.astype("Float64")
    return values.map(_word).astype(object).reset_index(drop=True)


def _word(value: Any) -> str:
    text = "" if pd.isna(value) else str(value).strip().casefold()
    return text.removesuffix(".0")


def require_item(item: str, queued: Collection[str], *, function: str) -> None:
    """Raise unless the item is one to be looked at here."""
    if item not in queued:
        name = function.lower()
        raise ValueError(
            f"the item {item!r} is not in this {name}'s queue of {len(queued):,} items."
            f"{_meant(item, queued)} {name}.queue lists them."
        )


def require_tag(tag: str, vocabulary: Collection[str]) -> str:
    """The tag, if it is on offer."""
    if tag in RESERVED_TAGS or tag in vocabulary:
        return tag
    short = str(tag)[:60]
    raise ValueError(
        f"the tag {short!r} is not on offer.{_meant(tag, vocabulary)} "
        f"tagger.new_tag({short!r}) offers it; "
        f"on offer: {', '.join(map(repr, vocabulary)) or 'none yet'}."
    )


def _meant(given: object, known: Collection[str]) -> str:
    near = difflib.get_close_matches(str(given), list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
