"""Short messages, spam or not: real ones downloaded once, and generated ones to stand in."""

import csv
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mlkit._files import DownloadError, cache_folder, content_hash, download
from mlkit.datasets._arguments import count, split

# The same bytes as in UCI dataset 228, at an address that serves the file alone.
_URL = (
    "https://raw.githubusercontent.com/justmarkham/pycon-2016-tutorial/"
    "5339710562cc46c4a32a369d63f1e8751a18a54e/data/sms.tsv"
)
_SHA256 = "7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d"
_FILE = "sms-spam-collection.tsv"
_PUBLISHED = ("SMSSpamCollection", "sms.tsv")  # what UCI and this address call it

_HAM = [
    "{hi} {name}, are you {coming} {day}? {smile}",
    "{hi}! running {n} mins late, {sorry}",
    "can you pick up {thing} and {other} on the way home?",
    "{sorry} missed your call, was {doing}. ring you {day}?",
    "{name} says the {event} starts at {n}, not {other_n}",
    "lol {name} {did} {day}, {doing} now {smile}",
    "ok, {thing} and {other} it is {smile}",
    "did you find the {thing}? left it near the {other} i think",
    "the {event} was great, again {day}? {name} says yes {smile}",
    "no {thing} left. shall we get {other} instead?",
    "{hi} mum, landed safely, {doing} now. call you {day}",
    "i think {name} is {doing}. will ask about the {event}",
    "what time does the {event} finish {day}? need the {thing} back by {n}",
    "haha you won!! {name} owes you the {thing} {smile}",
]
_SPAM = [
    "CONGRATULATIONS! You have WON a {prize}! Call {phone} NOW to claim. {small_print}",
    "{brand}: FREE {prize} for the first {n} callers. Text {word} to {short}. {small_print}",
    "URGENT! Your mobile number was drawn for {money}. Claim code {code}, call {phone}",
    "Want {money} a week from home? Reply {word} or visit {link}",
    "Hi it's {name}, lonely {day}... chat live on {phone}. {small_print}",
    "FINAL NOTICE: {money} refund waiting. Confirm your card at {link} within {n} hours",
    "{brand} loans: up to {money}, no checks! {link} To stop text STOP to {short}",
    "U have a secret admirer! Find out who: {phone}. {small_print}",
]
# Welcome to one person and a nuisance to another: either label is an honest answer.
_EITHER = [
    "{brand}: your {thing} order is on its way. Follow it at {link}",
    "{brand} reminder: your membership ends {day}. Renew at {link}",
    "{brand}: {n} % off for members {day} only, show this message",
    "Your appointment is {day} at {n}. Reply {word} to confirm or call {phone}",
    "{brand}: we noticed a new sign-in. Not you? Visit {link}",
    "{name} invited you to {event} {day}! See who is going: {link}",
]
_WORDS = {
    "hi": ["hi", "hey", "hello", "Hiya", "yo"],
    "name": ["Blip", "Zuzu", "Orlo", "Pim", "Tamsy", "Quill", "Nanda", "Wex"],
    "coming": ["coming", "free", "still on", "driving", "up for it", "cooking"],
    "day": ["tonight", "tomorrow", "on friday", "this weekend", "after work", "on monday"],
    "sorry": ["sorry", "sry", "so sorry", "my fault"],
    "thing": ["milk", "charger", "umbrella", "blue folder", "bread", "key", "lamp", "ticket"],
    "other": ["bananas", "sofa", "coffee", "red box", "cake", "bike", "plants", "rice"],
    "doing": ["asleep", "in a meeting", "on the bus", "cooking", "at the gym", "in the garden"],
    "event": ["quiz", "match", "choir", "party", "film", "class", "picnic", "parade"],
    "did": ["dropped the cake", "sang on the bus", "lost the key", "fed the wrong cat"],
    "smile": [":)", "xx", "haha", "", "!!"],
    "prize": ["Zorbo phone", "holiday for two", "year of ringtones", "Plonkit console", "voucher"],
    "brand": ["ZORBO", "Plonkit Mobile", "Fizzlemart", "Gymnambo", "Loanaloo"],
    "money": ["$500", "1000 pounds", "EUR 2,000", "$90", "5000 cash"],
    "word": ["YES", "WIN", "JOIN", "GO"],
    "link": ["zorbo.example/win", "plonkit.example", "fizzle.example/a1", "offers.example"],
    "small_print": ["18+ only", "T&Cs apply", "150p/msg", "Std rates apply", "Ends soon"],
}

_CHANGES: list[Callable[[str], str]] = [
    str,
    str.lower,
    str.upper,
    lambda text: f"{text} !",
    lambda text: re.sub(r"\d", "7", text),
]


class _Message(NamedTuple):
    kind: str  # ham, spam, or either
    label: str
    text: str


def fetch_messages(*, download: bool = True, progress: bool = True) -> pd.DataFrame:
    """Real text messages: the SMS Spam Collection, downloaded once (0.5 MB, CC BY 4.0).

    Is this spam? 5,574 messages, 13.4 % of them spam (Almeida et al. 2011, UCI dataset 228),
    as published, rough language included. Kept in ``MLKIT_DATA``, or the user's cache; with
    ``download=False`` only what is there already is used.

    Returns
    -------
    DataFrame
        ``item, label`` (ham, spam), ``text, split``: train, dev and test, about 3 to 1 to 1, by
        a hash of the letters. 403 messages repeat an earlier one to the character, and more but
        for digits, case and punctuation: all of a kind are in one split.

    Raises
    ------
    DownloadError
        Offline, or stopped half-way (run again, it goes on); ``make_messages`` stands in.

    Examples
    --------
    >>> messages = fetch_messages()  # doctest: +SKIP
    """
    path = _file(online=download, progress=progress)
    published = pd.read_csv(
        path,
        sep="\t",
        names=["label", "text"],
        dtype=str,
        # A message may begin with a quotation mark and never end with one, or be the word None.
        quoting=csv.QUOTE_NONE,
        keep_default_na=False,
    )
    return _table("message", published["label"].to_list(), published["text"].to_list())


def make_messages(items: int = 600, *, rng: int | np.random.Generator | None = 0) -> pd.DataFrame:
    """Generated messages, put together from templates: the stand-in for ``fetch_messages``.

    Where do two people honestly differ? About one message in twelve is such that either label
    fits (the label says which was meant), and one in twelve nearly repeats an earlier one,
    sometimes under the other label. Nobody wrote or received them; all names are invented.

    Returns
    -------
    DataFrame
        ``item`` (*generated-0001*), ``label`` (ham, spam; about one in seven), ``text, split``
        as in ``fetch_messages``.

    Examples
    --------
    >>> make_messages(items=1)["text"].to_list()
    ['did you find the charger? left it near the plants i think']
    """
    items = count(items, "items", function="make_messages")
    rng = np.random.default_rng(rng)
    made: list[_Message] = []
    for _ in range(items):
        again = made and rng.random() < 1 / 12
        made.append(_retyped(made, rng) if again else _new(rng))
    return _table("generated", [each.label for each in made], [each.text for each in made])


def _new(rng: np.random.Generator) -> _Message:
    kind = str(rng.choice(["ham", "spam", "either"], p=[0.815, 0.10, 0.085]))
    templates = {"ham": _HAM, "spam": _SPAM, "either": _EITHER}[kind]
    return _Message(kind, _meant(kind, rng), _fill(templates[rng.integers(len(templates))], rng))


def _retyped(made: list[_Message], rng: np.random.Generator) -> _Message:
    """An earlier message but for case, digits or punctuation."""
    kind, label, text = made[rng.integers(len(made))]
    change = _CHANGES[rng.integers(len(_CHANGES))]
    return _Message(kind, _meant(kind, rng) if kind == "either" else label, change(text))


def _meant(kind: str, rng: np.random.Generator) -> str:
    return str(rng.choice(["ham", "spam"])) if kind == "either" else kind


def _fill(template: str, rng: np.random.Generator) -> str:
    words = {name: options[rng.integers(len(options))] for name, options in _WORDS.items()}
    # Numbers nobody has: Ofcom keeps 07700 900000 to 900999 for films.
    words["phone"] = f"07700 900{rng.integers(1000):03d}"
    words["short"], words["code"] = f"{rng.integers(10**5):05d}", f"{rng.integers(10**4):04d}"
    words["n"], words["other_n"] = map(str, 2 + rng.permutation(11)[:2])
    return template.format(**words).strip()


def _table(noun: str, labels: list[str], texts: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item": [f"{noun}-{i:04d}" for i in range(1, len(texts) + 1)],
            "label": labels,
            "text": texts,
            "split": [_split(text) for text in texts],
        }
    )


def _split(text: str) -> str:
    """By what stays of a message when it is typed again: its letters, without their case."""
    letters = "".join(re.findall(r"[^\W\d_]", text.lower()))
    return split(int.from_bytes(hashlib.sha256(letters.encode()).digest()[:8]))


def _file(*, online: bool, progress: bool) -> Path:
    """The published file, verified: ours, or a copy that somebody put there."""
    fresh = cache_folder() / _FILE
    for path in (fresh, *(fresh.with_name(name) for name in _PUBLISHED)):
        if path.exists() and content_hash(path) == _SHA256:
            return path
    meanwhile = (
        "Meanwhile datasets.make_messages() makes some up. The file from elsewhere counts too, "
        f"as {fresh}."
    )
    if not online:
        raise DownloadError(
            "the SMS Spam Collection is not on this machine yet, or not whole, and "
            f"download=False downloads nothing. {meanwhile}"
        )
    try:
        return download(_URL, fresh, sha256=_SHA256, progress=progress)
    except DownloadError as error:
        raise DownloadError(f"{error} {meanwhile}") from error
