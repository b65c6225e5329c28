"""The card on disk: a small JSON file that later notebooks read, and the page beside it."""

import difflib
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from mlkit import _files
from mlkit.scoping import _ethics, _targets
from mlkit.scoping._card import Card

KIND, VERSION = "mlkit project card", 1
_TEXTS = ("name", "problem", "solution", "written")
_TABLES = ("ideas", "chain", "needs", "milestones", "budget")
_FIELDS = ["kind", "version", *_TEXTS, "example", "targets", "ethics", *_TABLES, "says"]


def write_card(card: Card, path: str | os.PathLike[str]) -> Path:
    """Write the card as JSON, and as Markdown beside it under the same name.

    Each file is whole or not there. Gives the path of the JSON file. Raises ``ValueError`` where
    the name does not end in .json, ``FileNotFoundError`` where there is no such folder.

    >>> import tempfile
    >>> from mlkit.scoping import example_card
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_card(example_card(), folder / "project.json").name
    'project.json'
    >>> sorted(path.name for path in folder.iterdir())
    ['project.json', 'project.md']
    """
    path = Path(path)
    if path.suffix != ".json":
        raise ValueError(f"scoping.write_card() writes a .json file, not {path.name!r}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r}: make it, then write.")
    # The page first: whoever finds a new JSON file finds its page too.
    _files.write_atomic(path.with_suffix(".md"), card.to_markdown())
    _files.write_atomic(path, json.dumps(_as_json(card), indent=1, ensure_ascii=False) + "\n")
    return path


def read_card(path: str | os.PathLike[str]) -> Card:
    """The card as ``write_card`` wrote it.

    Raises ``FileNotFoundError`` where there is none (with what to take instead), ``ValueError``
    for a file that is no card, comes from a newer mlkit, or whose fields or cells were changed
    into something that cannot be used; it names the field.

    Examples
    --------
    >>> from mlkit import scoping
    >>> path = getfixture("tmp_path") / "project.json"
    >>> _ = scoping.write_card(scoping.example_card(), path)
    >>> read_card(path).targets["metric"].head(2).to_list()
    ['accuracy', 'latency_ms']
    """
    path = Path(path)
    try:
        data = json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"there is no project card {path.name!r} in {str(path.parent)!r}: write one in "
            "notebook 01 (or with scoping.write_card), or take scoping.example_card()."
        ) from None
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be read as JSON ({error}): write it anew.") from error
    try:
        return _from_json(data)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path.name}: {error}") from error


def _as_json(card: Card) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": KIND, "version": VERSION}
    data |= {what: getattr(card, what) for what in _TEXTS}
    data["example"] = card.example
    for what in ("targets", "ethics", *_TABLES):
        table = getattr(card, what)
        data[what] = None if table is None else json.loads(table.to_json(orient="records"))
    return data | {"says": dict(card.says)}


def _from_json(data: Any) -> Card:
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise ValueError(f'this is no project card: it has no "kind": "{KIND}".')
    if data.get("version") != VERSION:
        raise ValueError(
            f"the card is of version {data.get('version')!r}, and this mlkit reads {VERSION}: "
            "take the mlkit that wrote it, or write the card anew."
        )
    missing = [what for what in _FIELDS if what not in data]
    if missing:
        raise ValueError(f"the card lacks {', '.join(missing)}: write it anew in notebook 01.")
    for what in data:
        if what not in _FIELDS:
            near = difflib.get_close_matches(what, _FIELDS, n=1)
            raise ValueError(
                f"the card has a field {what!r} that no card has"
                + (f"; {near[0]!r} is meant?" if near else ".")
            )
    for what in _TEXTS:
        if not isinstance(data[what], str):
            raise TypeError(f"{what} is text, not {data[what]!r}.")
    if not isinstance(data["example"], bool) or not isinstance(data["says"], dict):
        raise TypeError("example is true or false, and says holds a sentence for each part.")
    tables = {what: _table(data[what], what) for what in ("targets", "ethics", *_TABLES)}
    if tables["targets"] is None or tables["ethics"] is None:
        raise ValueError("a card has targets and questions about right and wrong.")
    tables["targets"] = _targets.checked(tables["targets"], function="scoping.read_card")
    tables["ethics"] = _ethics.ethics(tables["ethics"])
    texts = {what: data[what] for what in _TEXTS}
    return Card(**texts, **tables, example=data["example"], says=data["says"])  # type: ignore[arg-type]  # targets and ethics are there


def _table(rows: Any, what: str) -> pd.DataFrame | None:
    if rows is None:
        return None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TypeError(f"{what} is a list of rows, not {rows!r:.60}.")
    return pd.DataFrame(rows)
