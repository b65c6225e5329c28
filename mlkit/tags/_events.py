"""One event: its fields, what each may hold, and the sentence for each thing it may not."""

import json
import unicodedata
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from numbers import Integral, Real
from typing import Any


class JournalError(RuntimeError):
    """A journal cannot do what was asked; the message says what is kept and what to do."""


FIELDS = (
    "id",
    "annotator",
    "at",
    "item",
    "kind",
    "value",
    "vocabulary",
    "repeat",
    "sampling_rate",
    "undoes",
    "guide",
    "duration_s",
)
KINDS = ("seen", "unseen", "tag", "untag", "label", "note", "rename")
# What the event that takes another one back is called.
INVERSE = {"seen": "unseen", "unseen": "seen", "tag": "untag", "untag": "tag"}

LONGEST_TAG = 200
LONGEST_NAME = 200
LONGEST_ITEM = 4_000
LONGEST_TEXT = 10_000


def checked(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with every field filled in and checked, ready for the table."""
    if not isinstance(event, Mapping):
        raise JournalError(
            f"An event is a dict such as {{'item': '7', 'kind': 'tag', 'value': 'blur'}}; "
            f"this is a {type(event).__name__}. Nothing was written."
        )
    unknown = [str(name) for name in event if name not in FIELDS]
    if unknown:
        raise JournalError(
            f"An event has no field {', '.join(map(repr, unknown))}; the fields are "
            f"{', '.join(FIELDS)}. Nothing was written."
        )
    kind = event.get("kind")
    if kind not in KINDS:
        raise JournalError(
            f"An event's kind is one of {', '.join(KINDS)}; this one is {_shown(kind)}. "
            "Nothing was written."
        )
    undoes, guide = event.get("undoes"), event.get("guide")
    row = {
        "id": _text(event.get("id") or uuid.uuid4().hex, "id", LONGEST_NAME),
        "annotator": _line(event.get("annotator", "me"), "annotator", LONGEST_NAME),
        "at": _time(event.get("at")),
        "item": _item(event.get("item"), kind),
        "kind": kind,
        "value": _value(event.get("value") or "", kind, undone=undoes is not None),
        "vocabulary": _vocabulary(event.get("vocabulary") or ()),
        "repeat": _repeat(event.get("repeat", 0)),
        "sampling_rate": _rate(event.get("sampling_rate", 1.0)),
        "undoes": None if undoes is None else _text(undoes, "undoes", LONGEST_NAME),
        "guide": None if guide is None else _text(guide, "guide", LONGEST_NAME),
        "duration_s": _duration(event.get("duration_s")),
    }
    if kind == "rename" and json.loads(row["vocabulary"])[1:] != [row["value"]]:
        raise JournalError(
            "A rename names the old tag and the new one, which differ, in its vocabulary, and the "
            "new one again in its value: journal.rename_tag(old, new). Nothing was written."
        )
    return row


def tag_name(tag: Any) -> str:
    """The one spelling of a tag: no blanks around it, and one form of each accented letter."""
    return unicodedata.normalize("NFC", _line(tag, "tag", LONGEST_TAG).strip())


def now() -> str:
    """The time of this moment, as it is kept."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _value(value: Any, kind: str, *, undone: bool) -> str:
    if kind in ("tag", "untag", "rename"):
        return tag_name(value)
    if kind in ("seen", "unseen"):
        if value:
            raise JournalError(
                f"An event of kind {kind} has no value; this one has {_shown(value)}. "
                "Nothing was written."
            )
        return ""
    if kind == "note" or undone:
        return _text(value, kind, LONGEST_TEXT, empty=True)
    return _text(value, kind, LONGEST_TEXT)


def _item(item: Any, kind: str) -> str:
    if kind == "rename":
        return ""
    return _text(item, "item", LONGEST_ITEM)


def _vocabulary(tags: Iterable[Any]) -> str:
    if isinstance(tags, str):
        raise JournalError(
            f"A vocabulary is a list of tags; this is the text {_shown(tags)}. "
            f"Write [{_shown(tags)}]. Nothing was written."
        )
    return json.dumps(list(dict.fromkeys(map(tag_name, tags))), ensure_ascii=False)


def _time(at: Any) -> str:
    if at is None:
        return now()
    try:
        when = at if isinstance(at, datetime) else datetime.fromisoformat(at)
        if when.tzinfo is not None:
            return when.astimezone(UTC).isoformat(timespec="microseconds")
    except (TypeError, ValueError, OverflowError):
        pass
    raise JournalError(
        "An event's time is ISO text with its time zone, such as 2026-11-21T09:30:00Z; "
        f"this one is {_shown(at)}. Nothing was written."
    )


def _repeat(repeat: Any) -> int:
    whole = isinstance(repeat, Integral) and not isinstance(repeat, bool)
    if not whole or not 0 <= repeat < 1_000_000:
        raise JournalError(
            "An event's repeat is a whole number: 0 for the first look, 1 for the second; "
            f"this one is {_shown(repeat)}. Nothing was written."
        )
    return int(repeat)


def _rate(rate: Any) -> float:
    if isinstance(rate, Real) and not isinstance(rate, bool) and 0 < float(rate) <= 1:
        return float(rate)
    raise JournalError(
        "An event's sampling_rate is above 0 and at most 1 (the share of such items that was "
        f"drawn); this one is {_shown(rate)}. Nothing was written."
    )


def _duration(seconds: Any) -> float | None:
    if seconds is None:
        return None
    number = isinstance(seconds, Real) and not isinstance(seconds, bool)
    if number and 0 <= float(seconds) < float("inf"):
        return float(seconds)
    raise JournalError(
        "An event's duration_s is a number of seconds, 0 or more, or None where nobody measured; "
        f"this one is {_shown(seconds)}. Nothing was written."
    )


def _line(value: Any, what: str, longest: int) -> str:
    text = _text(value, what, longest)
    if not text.isprintable():
        bad = next(letter for letter in text if not letter.isprintable())
        raise JournalError(
            f"The {what} {_shown(text)} holds a line break or another character that cannot be "
            f"seen ({bad!r}). Write it as one line of plain text. Nothing was written."
        )
    return text


def _text(value: Any, what: str, longest: int, *, empty: bool = False) -> str:
    article = "an" if what[0] in "aeiou" else "a"
    if not isinstance(value, str):
        raise JournalError(
            f"{article.capitalize()} {what} is text; this one is {_shown(value)} "
            f"({type(value).__name__}). Write str(...) around it. Nothing was written."
        )
    if not empty and not value.strip():
        raise JournalError(f"{article.capitalize()} {what} cannot be empty. Nothing was written.")
    if len(value) > longest:
        raise JournalError(
            f"{article.capitalize()} {what} has at most {longest:,} characters; this one has "
            f"{len(value):,} and begins {value[:30]!r}. Shorten it. Nothing was written."
        )
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise JournalError(
            f"The {what} {_shown(value)} holds a character that no database keeps (NUL or half "
            "of a pair). Take it out. Nothing was written."
        )
    return str(value)  # numpy's texts are a kind of their own, which not every driver knows


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
