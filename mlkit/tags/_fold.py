"""What holds now, worked out from the events: pure functions from tables to tables.

Events come in the order of writing. An event that was taken back counts as if it had never
been written. On each look (annotator, item, repeat) a tag has a row

- with True when the last of its ``tag`` and ``untag`` events is ``tag``,
- else with False when it was on offer in a ``seen`` event (the reserved tags always are),
- and no row otherwise: nobody was asked.

A ``rename`` gives a tag its other name in all that its annotator wrote before; where a look
had both, it keeps the tag when either was given.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlkit._tables import RESERVED_TAGS

_LOOK = ["annotator", "item", "repeat"]
_TEXT = pd.StringDtype(na_value=np.nan)  # what pandas 3 calls str, in pandas 2 as well


def gone(undone: Iterable[tuple[str, str]]) -> set[str]:
    """The ids taken back, from pairs (id of the undo, id it takes back), latest undo first."""
    out: set[str] = set()
    for undo, target in undone:
        if undo not in out:  # an undo that was itself taken back no longer counts
            out.add(target)
    return out


def standing(events: pd.DataFrame) -> pd.DataFrame:
    """The events that were not taken back, without those that took something back."""
    undo = events[events["undoes"].notna()]
    if undo.empty:
        return events.reset_index(drop=True)
    named = events["id"].isin(set(undo["undoes"]))
    place = pd.Series(np.flatnonzero(named), index=events.loc[named, "id"])
    target = undo["undoes"].map(place).fillna(len(events)).to_numpy(int)
    own = np.flatnonzero(events["undoes"].notna())
    whose = np.array([*events["annotator"], None], dtype=object)[target]
    # People take back what they themselves wrote before, nothing else.
    valid = undo[(target < own) & (whose == undo["annotator"].to_numpy())].iloc[::-1]
    taken = gone(zip(valid["id"], valid["undoes"], strict=True))
    return events[events["undoes"].isna() & ~events["id"].isin(taken)].reset_index(drop=True)


@dataclass(frozen=True)
class State:
    """The answers so far as numbers, one entry a look and tag, in the order they are shown."""

    events: pd.DataFrame
    tags: list[str]
    look: np.ndarray  # a number for each event's look, in order of item, annotator, repeat
    answer_look: np.ndarray
    answer_tag: np.ndarray
    value: np.ndarray
    given: np.ndarray  # place of the event that gave the tag or took it off, -1: none
    offered: np.ndarray  # place of the last look with the tag on offer, -1: none


def state(events: pd.DataFrame) -> State:
    """Work out every answer from the events."""
    events = standing(events)
    look = _looks(events)
    vocabularies = _lists(events)
    renames = _renames(events)
    used = events.loc[events["kind"].isin(["tag", "untag"]), "value"].unique()
    names = [*_vocabulary(events, vocabularies, renames), *RESERVED_TAGS, *used]
    names += [tag for tags in vocabularies.values() for tag in tags]
    names += [new for *_, new in renames]
    codes = {tag: code for code, tag in enumerate(dict.fromkeys(names))}
    renumbered = [(who, place, codes.get(old, -1), codes[new]) for who, place, old, new in renames]
    words = _given(events, look, codes, renumbered)
    offers = _offered(events, look, codes, vocabularies, renumbered)
    size = len(codes)
    keys = [table["look"].to_numpy() * size + table["tag"].to_numpy() for table in (words, offers)]
    every = np.unique(np.concatenate(keys))
    value, given, offered = np.zeros(len(every), bool), *np.full((2, len(every)), -1)
    at = np.searchsorted(every, keys[0])
    value[at], given[at] = words["value"], words["place"]
    offered[np.searchsorted(every, keys[1])] = offers["place"]
    keep = value | (offered >= 0)
    every, value, given, offered = every[keep], value[keep], given[keep], offered[keep]
    return State(events, list(codes), look, every // size, every % size, value, given, offered)


def tags(events: pd.DataFrame) -> pd.DataFrame:
    """One row a look and tag: who, when, given or not, and the look's sampling rate."""
    now = state(events)
    decided = np.where(now.value, now.given, now.offered)
    looked = np.where(now.offered >= 0, now.offered, now.given)
    columns = {
        "item": _text(now.events["item"], decided),
        "tag": _text(now.tags, now.answer_tag),
        "value": now.value,
        "annotator": _text(now.events["annotator"], decided),
        "at": times(now.events["at"]).array.take(decided),
        "sampling_rate": now.events["sampling_rate"].to_numpy(float)[looked],
        "repeat": now.events["repeat"].to_numpy(int)[decided],
        "offered": now.offered >= 0,
    }
    return pd.DataFrame(columns)


def asked(events: pd.DataFrame, tag: str) -> set[str]:
    """The items that have an answer for this tag at the first look."""
    now = state(events)
    if tag not in now.tags:
        return set()
    place = np.where(now.value, now.given, now.offered)[now.answer_tag == now.tags.index(tag)]
    rows = now.events.iloc[place]
    return set(rows.loc[rows["repeat"] == 0, "item"])


def vocabulary(events: pd.DataFrame) -> list[str]:
    """The tags on offer or given so far, in the order they first came up."""
    events = standing(events)
    return _vocabulary(events, _lists(events), _renames(events))


def seen(events: pd.DataFrame) -> pd.DataFrame:
    """The looks that are done: the last of ``seen`` and ``unseen``, in order of first sight."""
    looks = standing(events)
    looks = looks.loc[looks["kind"].isin(["seen", "unseen"]), [*_LOOK, "kind"]]
    order = looks[looks["kind"] == "seen"].drop_duplicates(_LOOK)[_LOOK]
    last = looks.drop_duplicates(_LOOK, keep="last")
    if (last["kind"] == "seen").all():
        return order.reset_index(drop=True)
    return order.merge(last[last["kind"] == "seen"][_LOOK], on=_LOOK)


def last_texts(events: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The last note of each look, or label of each look and guide; an empty one takes it away."""
    told = standing(events)
    look = [*_LOOK, "guide"] if kind == "label" else _LOOK
    told = told[told["kind"] == kind].drop_duplicates(look, keep="last")
    told = told[told["value"] != ""].rename(columns={"value": kind})
    columns = ["item", "annotator", kind, "repeat", "at", "sampling_rate", "guide", "duration_s"]
    return typed(told[columns]).reset_index(drop=True)


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Texts as text, numbers as numbers, times as UTC times."""
    numbers = np.dtype("float64")
    kinds = {"repeat": np.dtype("int64"), "sampling_rate": numbers, "duration_s": numbers}
    table = table.astype({name: kinds.get(name, _TEXT) for name in table.columns})
    return table.assign(at=times(table["at"]))


def times(at: pd.Series) -> pd.Series:
    """ISO texts as UTC timestamps."""
    return pd.to_datetime(at, format="ISO8601", utc=True).astype("datetime64[us, UTC]")


def _looks(events: pd.DataFrame) -> np.ndarray:
    item = pd.factorize(events["item"])[0]
    annotator, names = pd.factorize(events["annotator"], sort=True)
    repeat, times_ = pd.factorize(events["repeat"], sort=True)
    whole = (item * max(len(names), 1) + annotator) * max(len(times_), 1) + repeat
    return np.unique(whole, return_inverse=True)[1]


def _lists(events: pd.DataFrame) -> dict[str, list[str]]:
    told = events.loc[events["kind"] != "rename", "vocabulary"].unique()
    return {text: json.loads(text) for text in told}


def _renames(events: pd.DataFrame) -> list[tuple[str, int, str, str]]:
    told = events[events["kind"] == "rename"]
    return [
        (who, place, *json.loads(names))
        for place, who, names in zip(told.index, told["annotator"], told["vocabulary"], strict=True)
    ]


def _epochs(events: pd.DataFrame, renames: list) -> np.ndarray:
    """How many renames came before each event: the same list of tags may mean others since."""
    return np.searchsorted([place for _, place, *_ in renames], events.index, side="right")


def _vocabulary(
    events: pd.DataFrame, vocabularies: dict[str, list[str]], renames: list
) -> list[str]:
    told = events[events["kind"] != "rename"]
    told = told.assign(epoch=_epochs(told, renames))
    told["own"] = told["value"].where(told["kind"] == "tag", "")
    told = told.drop_duplicates(["annotator", "epoch", "vocabulary", "own"])
    rows = [
        (who, place, tag)
        for place, who, offered, own in zip(
            told.index, told["annotator"], told["vocabulary"], told["own"], strict=True
        )
        for tag in [*vocabularies[offered], own]
    ]
    table = _renamed(pd.DataFrame(rows, columns=["annotator", "place", "tag"]), renames)
    return [tag for tag in dict.fromkeys(table["tag"]) if tag and tag not in RESERVED_TAGS]


def _renamed(table: pd.DataFrame, renames: list) -> pd.DataFrame:
    for annotator, place, old, new in renames:
        hit = (table["annotator"] == annotator) & (table["place"] < place) & (table["tag"] == old)
        table = table.assign(tag=table["tag"].mask(hit, new))
    return table


def _given(events: pd.DataFrame, look: np.ndarray, codes: dict, renames: list) -> pd.DataFrame:
    """The last word on each tag of a look: given or taken off."""
    told = events[events["kind"].isin(["tag", "untag"])]
    words = pd.DataFrame(
        {
            "look": look[told.index],
            "tag": told["value"].map(codes).to_numpy(int),
            "value": told["kind"].eq("tag").to_numpy(),
            "place": told.index,
            "annotator": told["annotator"].to_numpy(),
        }
    )
    for annotator, place, old, new in renames:
        hit = words["annotator"].eq(annotator) & words["place"].lt(place)
        hit &= words["tag"].isin([old, new])
        both = words[hit].drop_duplicates(["look", "tag"], keep="last").assign(tag=new)
        both = both.sort_values(["value", "place"]).drop_duplicates("look", keep="last")
        words = pd.concat([words[~hit], both]).sort_values("place", kind="stable")
    return words.drop_duplicates(["look", "tag"], keep="last")


def _offered(
    events: pd.DataFrame,
    look: np.ndarray,
    codes: dict,
    vocabularies: dict[str, list[str]],
    renames: list,
) -> pd.DataFrame:
    """The last look at which each tag was on offer."""
    away = events.index[events["kind"] == "unseen"]
    last_away = np.full(look.max(initial=-1) + 1, -1)
    last_away[look[away]] = away
    seen = events[events["kind"] == "seen"]
    seen = seen.assign(look=look[seen.index], place=seen.index, epoch=_epochs(seen, renames))
    seen = seen[seen["place"].to_numpy() > last_away[seen["look"].to_numpy()]]
    seen = seen.drop_duplicates(["look", "vocabulary", "epoch"], keep="last")
    code, texts = pd.factorize(seen["vocabulary"])
    lists = [[codes[tag] for tag in [*vocabularies[text], *RESERVED_TAGS]] for text in texts]
    long = np.array([len(tags) for tags in lists], dtype=int)[code]
    every = [np.array(tags, dtype=int) for tags in lists]
    offers = pd.DataFrame(
        {
            "look": np.repeat(seen["look"].to_numpy(int), long),
            "place": np.repeat(seen["place"].to_numpy(int), long),
            "tag": np.concatenate([every[one] for one in code]) if len(code) else long,
        }
    )
    if renames:
        offers["annotator"] = np.repeat(seen["annotator"].to_numpy(), long)
    return _renamed(offers, renames).drop_duplicates(["look", "tag"], keep="last")


def _text(values: Iterable[str], places: np.ndarray) -> pd.Series:
    return pd.Series(list(values), dtype=_TEXT).take(places).reset_index(drop=True)
