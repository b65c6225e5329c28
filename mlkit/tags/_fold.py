"""What holds now, worked out from the events: pure functions from tables to tables.

Events come in the order of writing. An undone event counts as if it had never been
written; everything below sees only the events that are left.
"""

import json
from collections.abc import Iterable

import numpy as np
import pandas as pd

from mlkit._tables import RESERVED_TAGS

_LOOK = ["annotator", "item", "repeat"]


def standing(events: pd.DataFrame) -> pd.DataFrame:
    """The events that were not taken back, without those that took something back."""
    undo = events[events["undoes"].notna()]
    if undo.empty:
        return events
    place = pd.Series(np.arange(len(events)), index=events["id"])
    who = pd.Series(events["annotator"].to_numpy(), index=events["id"])
    gone: set[str] = set()
    # Latest first: an undo that was itself taken back no longer counts.
    for own, target, annotator in zip(
        undo["id"].iloc[::-1], undo["undoes"].iloc[::-1], undo["annotator"].iloc[::-1], strict=True
    ):
        if own in gone or target not in place.index:
            continue
        if who[target] == annotator and place[target] < place[own]:
            gone.add(target)
    return events[events["undoes"].isna() & ~events["id"].isin(gone)]


def tags(events: pd.DataFrame) -> pd.DataFrame:
    """One row a look (annotator, item, repeat) and tag: given, or on offer and not given."""
    events = standing(events).reset_index(drop=True)
    events["place"] = np.arange(len(events))
    given, offered = _given(events), _offered(events)
    table = given.merge(offered, on=[*_LOOK, "tag"], how="outer")
    table["value"] = table["value"].eq(True)
    table = table[table["value"] | table["offered"].notna()]
    return _dressed(table, events)


def _given(events: pd.DataFrame) -> pd.DataFrame:
    """The last word on each tag of a look: given or taken off."""
    words = events.loc[events["kind"].isin(["tag", "untag"]), [*_LOOK, "value", "kind", "place"]]
    words = words.rename(columns={"value": "tag", "place": "given"})
    words["value"] = words.pop("kind").eq("tag")
    for annotator, place, old, new in _renames(events):
        hit = words["annotator"].eq(annotator) & words["given"].lt(place)
        hit &= words["tag"].isin([old, new])
        both = words[hit].drop_duplicates([*_LOOK, "tag"], keep="last").assign(tag=new)
        both = both.sort_values(["value", "given"]).drop_duplicates(_LOOK, keep="last")
        words = pd.concat([words[~hit], both]).sort_values("given", kind="stable")
    return words.drop_duplicates([*_LOOK, "tag"], keep="last")


def _offered(events: pd.DataFrame) -> pd.DataFrame:
    """The last look at which each tag was on offer."""
    seen = events.loc[events["kind"] == "seen", [*_LOOK, "vocabulary", "place"]]
    away = events[events["kind"] == "unseen"].groupby(_LOOK, sort=False)["place"].max()
    if len(away):
        last = seen.join(away.rename("away"), on=_LOOK)["away"].fillna(-1)
        seen = seen[seen["place"] > last]
    seen = seen.drop_duplicates([*_LOOK, "vocabulary"], keep="last")
    lists = {text: [*json.loads(text), *RESERVED_TAGS] for text in seen["vocabulary"].unique()}
    seen = seen.assign(tag=seen.pop("vocabulary").map(lists)).explode("tag")
    seen = _renamed(seen.rename(columns={"place": "offered"}), events, "offered")
    return seen.sort_values("offered", kind="stable").drop_duplicates([*_LOOK, "tag"], keep="last")


def _renames(events: pd.DataFrame) -> list[tuple[str, int, str, str]]:
    told = events[events["kind"] == "rename"]
    names = map(json.loads, told["vocabulary"])
    return [
        (who, place, old, new)
        for who, place, (old, new) in zip(told["annotator"], told["place"], names, strict=True)
    ]


def _renamed(table: pd.DataFrame, events: pd.DataFrame, when: str) -> pd.DataFrame:
    for annotator, place, old, new in _renames(events):
        hit = table["annotator"].eq(annotator) & table[when].lt(place)
        table = table.assign(tag=table["tag"].mask(hit & table["tag"].eq(old), new))
    return table


def _dressed(table: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """With the time and the sampling rate of the event that decided, in order of first sight."""
    decided = table["given"].where(table["value"], table["offered"]).astype(int)
    looked = table["offered"].fillna(decided).astype(int)
    first = events.drop_duplicates("item").set_index("item")["place"]
    known = {tag: place for place, tag in enumerate(vocabulary(events))}
    table = pd.DataFrame(
        {
            "item": table["item"],
            "tag": table["tag"],
            "value": table["value"].astype(bool),
            "annotator": table["annotator"],
            "at": events["at"].to_numpy()[decided],
            "sampling_rate": events["sampling_rate"].to_numpy(float)[looked],
            "repeat": table["repeat"].astype(int),
            "order": table["item"].map(first),
            "known": table["tag"].map(known).fillna(len(known)),
        }
    )
    table["at"] = times(table["at"])
    table = table.sort_values(["order", "annotator", "repeat", "known", "tag"], kind="stable")
    return table.drop(columns=["order", "known"]).reset_index(drop=True)


def vocabulary(events: pd.DataFrame) -> list[str]:
    """The tags on offer or given so far, in the order they first came up."""
    events = standing(events).reset_index(drop=True)
    events["place"] = np.arange(len(events))
    words = events[events["kind"] != "rename"].drop_duplicates(
        ["annotator", "vocabulary", "kind", "value"]
    )
    given = words["value"].where(words["kind"].eq("tag"), "")
    rows = [
        (who, place, tag)
        for who, place, offered, own in zip(
            words["annotator"], words["place"], words["vocabulary"], given, strict=True
        )
        for tag in [*json.loads(offered), own]
        if tag and tag not in RESERVED_TAGS
    ]
    table = pd.DataFrame(rows, columns=["annotator", "place", "tag"])
    return list(dict.fromkeys(_renamed(table, events, "place")["tag"]))


def seen(events: pd.DataFrame) -> pd.DataFrame:
    """The looks that are done: the last of ``seen`` and ``unseen``, in order of first sight."""
    looks = standing(events)
    looks = looks.loc[looks["kind"].isin(["seen", "unseen"]), [*_LOOK, "kind"]]
    order = looks[looks["kind"] == "seen"].drop_duplicates(_LOOK)[_LOOK]
    last = looks.drop_duplicates(_LOOK, keep="last")
    return order.merge(last[last["kind"] == "seen"][_LOOK], on=_LOOK)


def last_texts(events: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The last note or label of each look; an empty one takes it away."""
    told = standing(events)
    told = told[told["kind"] == kind].drop_duplicates(_LOOK, keep="last")
    told = told[told["value"] != ""].rename(columns={"value": kind})
    columns = ["item", "annotator", kind, "repeat", "at", "sampling_rate", "guide"]
    return told[columns].assign(at=times(told["at"])).reset_index(drop=True)


def times(at: Iterable[str]) -> pd.Series:
    """ISO texts as UTC timestamps."""
    return pd.to_datetime(pd.Series(at), format="ISO8601", utc=True)
