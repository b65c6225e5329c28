"""Another name for a person, for the screen: stable, and telling nothing."""

import hashlib
import os
import secrets
import unicodedata
from pathlib import Path

from mlkit import _files
from mlkit.tags._events import JournalError

_BYTES = 32
_FIRST = (
    "amber azure brave bright bronze calm clever copper coral crimson curious dawn eager early "
    "emerald fair fast fine gentle glad golden grand green happy honest indigo ivory jade jolly "
    "keen kind late light lilac lively lucky maple mellow merry mild misty navy neat nimble noble "
    "olive opal orange patient pearl polite proud purple quick quiet rapid red rosy ruby silver "
    "smart snowy steady sunny swift teal tidy tender violet warm white wise young"
)
_SECOND = (
    "badger bear beaver bee bison camel cat cheetah cod crab crane crow deer dolphin donkey dove "
    "duck eagle eel elk falcon finch fox frog gecko goat goose gull hare hawk heron horse ibis "
    "jackal jaguar jay kiwi koala lark lemur lion llama lynx magpie mole moose moth mouse newt "
    "okapi otter owl panda parrot pony puffin quail rabbit raven robin salmon seal shark sheep "
    "sparrow squid stork swan tapir tiger toad trout turtle viper whale wolf wombat wren zebra"
)


def alias(name: str = "", *, key: str | os.PathLike[str]) -> str:
    """Give a person a name for the screen, always the same, which tells nothing of the own one.

    It is drawn by a keyed hash (BLAKE2; Aumasson and others 2013) of the name. The key lies in a
    file that is made by chance when it is not there: who has no key cannot find out by trying
    names. With another key everybody gets another alias. The name may be left out where each
    person has a key of their own. There are five million aliases, so that two of thirty people
    get the same one in a class of ten thousand.

    Raises
    ------
    JournalError
        Where the file holds no key, or cannot be made.

    Examples
    --------
    >>> key = getfixture("tmp_path") / "alias.key"
    >>> once, again = alias("Maria Lopez", key=key), alias("Maria Lopez", key=key)
    >>> once == again, alias("Jon Kim", key=key) == once
    (True, False)
    """
    if not isinstance(name, str):
        raise TypeError(f"alias() takes a name as text; this is a {type(name).__name__}.")
    text = unicodedata.normalize("NFC", name).strip().casefold()
    digest = hashlib.blake2b(text.encode(), key=_key(Path(key).expanduser()), digest_size=16)
    number = int.from_bytes(digest.digest(), "big")
    first, second = _FIRST.split(), _SECOND.split()
    number, digits = divmod(number, 900)
    number, place = divmod(number, len(second))
    return f"{first[number % len(first)]} {second[place]} {100 + digits}"


def _key(path: Path) -> bytes:
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _files.write_atomic(path, secrets.token_bytes(_BYTES))
        found = path.read_bytes()
    except OSError as error:
        raise JournalError(
            f"The key of the aliases cannot be kept in {path} ({error.strerror}). Choose a file in "
            "a folder of your own."
        ) from error
    if len(found) != _BYTES:
        raise JournalError(
            f"{path} is no key of aliases ({len(found)} bytes, not {_BYTES}). Name another file; "
            "with a new key everybody gets a new alias."
        )
    return found
