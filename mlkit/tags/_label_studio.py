"""Label Studio's JSON, out and in.

The format is the documented one of annotated tasks: choices, text areas and numbers, each with
``from_name`` and ``to_name``, one annotation a look.
"""

import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pandas as pd

from mlkit._tables import RESERVED_TAGS
from mlkit.tags._events import JournalError

_OBJECTS = {
    "Image": (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"),
    "Audio": (".wav", ".mp3", ".flac", ".ogg", ".m4a"),
}


def tasks(
    looks: Iterable[Mapping[str, Any]], data: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Tasks with annotations in Label Studio's JSON format, one annotation a look."""
    out: dict[str, dict[str, Any]] = {}
    for number, look in enumerate(looks, start=1):
        item = look["item"]
        task = out.setdefault(
            item,
            {"id": len(out) + 1, "data": {"item": item, **data.get(item, {})}, "annotations": []},
        )
        who = look["annotator"]
        task["annotations"].append(
            {
                "id": number,
                # Label Studio refuses a file that names a user whom it does not know.
                **({"completed_by": {"email": who}} if "@" in who else {}),
                "created_at": look["at"],
                "updated_at": look["at"],
                "was_cancelled": False,
                "ground_truth": False,
                **({"lead_time": look["lead_time"]} if look.get("lead_time") is not None else {}),
                "result": list(_results(look)),
            }
        )
    return list(out.values())


def _results(look: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield _result("tags", "choices", look["tags"])
    if look["on_offer"]:
        yield _result("on_offer", "textarea", look["on_offer"], key="text")
    yield _result("annotator", "textarea", [look["annotator"]], key="text")
    if look.get("note"):
        yield _result("note", "textarea", [look["note"]], key="text")
    if look.get("label"):
        yield _result("label", "choices", [look["label"]])
    if look["repeat"]:
        yield _result("repeat", "number", look["repeat"])
    if look["sampling_rate"] != 1:
        yield _result("sampling_rate", "number", look["sampling_rate"])


def _result(name: str, kind: str, value: Any, *, key: str | None = None) -> dict[str, Any]:
    return {
        "id": uuid.uuid4().hex[:10],
        "from_name": name,
        "to_name": "item",
        "type": kind,
        "origin": "manual",
        "value": {key or kind: value},
    }


def interface(tags: Iterable[str], labels: Iterable[str], example: Mapping[str, Any]) -> str:
    """The labelling interface that fits the tasks, to paste into Label Studio's settings."""
    shown, value = _object(example)
    lines = [
        "<View>",
        f'  <{shown} name="item" value="${value}"/>',
        '  <Choices name="tags" toName="item" choice="multiple">',
        *(f"    <Choice value={quoteattr(tag)}/>" for tag in tags),
        "  </Choices>",
    ]
    if labels := list(labels):
        lines += [
            '  <Choices name="label" toName="item" choice="single">',
            *(f"    <Choice value={quoteattr(label)}/>" for label in labels),
            "  </Choices>",
        ]
    for name in ("note", "on_offer", "annotator"):
        lines.append(f'  <TextArea name="{name}" toName="item"/>')
    for name in ("repeat", "sampling_rate"):
        lines.append(f'  <Number name="{name}" toName="item"/>')
    return "\n".join([*lines, "</View>"])


def _object(data: Mapping[str, Any]) -> tuple[str, str]:
    """The kind of object and the field that shows it, by the ending of what the fields hold."""
    fields = sorted(data.items(), key=lambda field: field[0] == "item")
    for kind, endings in _OBJECTS.items():
        for name, value in fields:
            if str(value).lower().endswith(endings):
                return kind, name
    return "Text", "item"


def read(
    path: str | os.PathLike[str], *, item: str, tags: str, label: str, vocabulary: list[str] | None
) -> list[dict[str, Any]]:
    """One look an annotation of a Label Studio JSON export."""
    found = _tasks(Path(path))
    names = {
        str(result.get("from_name"))
        for task in found
        for annotation in _annotations(task)
        for result in annotation.get("result") or ()
        if result.get("type") == "choices"
    }
    if names and not names & {tags, label}:
        raise JournalError(
            f"{path} has no choices named {tags!r} or {label!r}; it has "
            f"{', '.join(sorted(names))}. Say which are the tags: "
            f"from_label_studio(path, tags={sorted(names)[0]!r}). Nothing was taken in."
        )
    looks: list[dict[str, Any]] = []
    for task in found:
        data = task.get("data") or {}
        if item not in data:
            raise JournalError(
                f"The tasks of {path} have no data named {item!r} to tell the items apart; they "
                f"have {', '.join(map(repr, data)) or 'none'}. Say which: "
                "from_label_studio(path, item=...). Nothing was taken in."
            )
        looks += [
            _look(str(data[item]), annotation, tags, label, vocabulary)
            for annotation in _annotations(task)
        ]
    return looks


def _tasks(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise JournalError(f"{path} could not be read ({error}). Nothing was taken in.") from error
    if not isinstance(found, list) or not all(isinstance(task, dict) for task in found):
        raise JournalError(
            f"{path} is not a JSON export of Label Studio (a list of tasks). Export it there as "
            "JSON, not as JSON-MIN. Nothing was taken in."
        )
    return found


def _annotations(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The annotations that count: a cancelled one was skipped by its annotator."""
    return [one for one in task.get("annotations") or () if not one.get("was_cancelled")]


def _look(
    item: str, annotation: Mapping[str, Any], tags: str, label: str, vocabulary: list[str] | None
) -> dict[str, Any]:
    given: dict[str, list[Any]] = {}
    for result in annotation.get("result") or ():
        name = {tags: "tags", label: "label"}.get(result.get("from_name"), result.get("from_name"))
        value = (result.get("value") or {}).get(_KEYS.get(result.get("type"), ""))
        given.setdefault(str(name), []).extend(value if isinstance(value, list) else [value])
    who = annotation.get("completed_by")
    user = who.get("email") if isinstance(who, dict) else who and f"user {who}"
    on_offer = given.get("on_offer") if vocabulary is None else vocabulary
    return {
        "item": item,
        "annotator": str((given.get("annotator") or [user or "label studio"])[0]),
        "at": annotation.get("created_at"),
        "tags": given.get("tags", []),
        "on_offer": on_offer,
        "note": "\n".join(map(str, given.get("note", []))),
        "label": (given.get("label") or [""])[0],
        "lead_time": annotation.get("lead_time"),
        "repeat": int((given.get("repeat") or [0])[0]),
        "sampling_rate": float((given.get("sampling_rate") or [1.0])[0]),
    }


_KEYS = {"choices": "choices", "textarea": "text", "number": "number"}


def said(table: pd.DataFrame, notes: pd.DataFrame, labels: pd.DataFrame) -> list[dict[str, Any]]:
    """One dict a look from what holds now: the tags given and on offer, the note, the label."""
    looks: dict[tuple, dict[str, Any]] = {}

    def look(row: Mapping[Any, Any]) -> dict[str, Any]:
        key = (row["item"], row["annotator"], row["repeat"])
        new = dict(zip(("item", "annotator", "repeat"), key, strict=True))
        empty = {"at": "", "tags": [], "on_offer": [], "sampling_rate": 1.0}
        one = looks.setdefault(key, {**new, **empty})
        one["at"] = max(one["at"], row["at"].isoformat())
        return one

    for row in table.to_dict("records"):
        one = look(row)
        one["sampling_rate"] = row["sampling_rate"]
        one["tags"] += [row["tag"]] if row["value"] else []
        one["on_offer"] += [row["tag"]] if row["offered"] else []
    for row in labels.to_dict("records"):
        took = None if pd.isna(row["duration_s"]) else row["duration_s"]
        look(row).update(label=row["label"], sampling_rate=row["sampling_rate"], lead_time=took)
    for row in notes.to_dict("records"):
        look(row).update(note=row["note"])
    return list(looks.values())


def differences(look: Mapping[str, Any], now: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The events that bring a look from what holds now to what another tool says."""
    now = now or {"tags": [], "on_offer": []}
    common = {name: look[name] for name in ("item", "annotator", "at", "repeat", "sampling_rate")}
    listed = look["on_offer"] or []
    offer = [tag for tag in listed if tag not in RESERVED_TAGS]  # those always are
    events = [
        {**common, "kind": "tag", "value": tag, "vocabulary": offer}
        for tag in look["tags"]
        if tag not in now["tags"]
    ]
    events += [
        {**common, "kind": "untag", "value": tag, "vocabulary": offer}
        for tag in now["tags"]
        if tag in listed and tag not in look["tags"]
    ]
    news = not now["on_offer"] or not set(offer) <= set(now["on_offer"])
    if look["on_offer"] is not None and news:
        events.append({**common, "kind": "seen", "vocabulary": offer})
    for kind in ("note", "label"):
        if look[kind] and look[kind] != now.get(kind, ""):
            took = {"duration_s": look.get("lead_time")} if kind == "label" else {}
            events.append({**common, "kind": kind, "value": look[kind], **took})
    return events
