"""Where a class meets: a folder that all can reach, or one database."""

import hashlib
import os
import uuid
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from mlkit.tags import _exchange, _fold, _rounds
from mlkit.tags._events import JournalError
from mlkit.tags._gather import Folder
from mlkit.tags._journal import Journal
from mlkit.tags._rounds import Round

_TABLES = sa.MetaData()
_ROUNDS = sa.Table(
    "mlkit_rounds",
    _TABLES,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)


class Classroom:
    """Rounds of labelling that one person gives out, and the labels that come back.

    Parameters
    ----------
    where
        A folder that all can reach (made if it is not there), in which each person's labels
        arrive with :meth:`hand_in`; or the address of a database, such as
        ``postgresql://user:password@host/database``, in which they arrive as they are given.

    Examples
    --------
    >>> import pandas as pd
    >>> room = Classroom(getfixture("tmp_path") / "class")
    >>> items = pd.DataFrame({"item": ["a", "b"], "text": ["6 mm", "1 mm"]})
    >>> room.give_out("v1", items=items, labels=["worn", "fine"], guide="From 3 mm on: worn.")
    Round v1: 2 items, to be called worn, fine. Guide: From 3 mm on: worn.
    >>> mine = room.journal(getfixture("tmp_path") / "mine.db")
    >>> _ = mine.label("a", "worn", annotator="amber otter 274", guide="v1")
    >>> room.hand_in(mine)
    >>> room.annotations()[["item", "annotator", "label", "guide"]]
      item        annotator label guide
    0    a  amber otter 274  worn    v1
    """

    def __init__(self, where: str | os.PathLike[str]) -> None:
        self._journal: Journal | None = None
        self._folder = Folder(Path())
        if isinstance(where, str) and "://" in where:
            self._journal = Journal(where)
            return
        self._folder = Folder(Path(where).expanduser())
        try:
            self._folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(
                f"The folder {self._folder.path} cannot be made ({error.strerror}). Choose one in "
                "which everybody of the class may write."
            ) from error

    @property
    def live(self) -> bool:
        """Whether labels arrive by themselves, because there is a database."""
        return self._journal is not None

    @property
    def where(self) -> str:
        """The folder, or the address without its password."""
        return self._journal.where if self._journal else str(self._folder.path)

    @property
    def rounds(self) -> list[str]:
        """Names of the rounds given out so far, the latest last."""
        return [name for name, _ in self._given_out()]

    def give_out(
        self, name: str, *, items: pd.DataFrame, labels: Iterable[str], guide: str
    ) -> Round:
        """Give everybody a round: items, classes, a guide; whole or not at all.

        ``items`` has ``item`` and what is shown: text, numbers, and pictures or sounds as the
        bytes of a file. To give out the same again changes nothing; another content needs another
        name, because labels may have been given by the old one: ``JournalError``.
        """
        made = _rounds.make(name, items=items, labels=labels, guide=guide)
        text = _rounds.dump(made)
        there = self._text(name)
        if there is None:
            self._write(made, text)
            there = self._text(name) or text
        given = _rounds.load(there, where=self.where)
        if not _rounds.same(given, made):
            raise JournalError(
                f"Round {name} was given out before with other items, labels or another guide, "
                "and labels may have been given by it. Nothing was changed: give the new one "
                "another name."
            )
        return given

    def round(self, name: str | None = None) -> Round:
        """The round of this name, by default the latest."""
        known = self.rounds
        if not known:
            raise JournalError(
                f"No round has been given out in {self.where} yet. Whoever leads the class calls "
                "room.give_out(...); then run this cell again."
            )
        wanted = known[-1] if name is None else name
        text = self._text(wanted) if wanted in known else None
        if text is None:
            raise JournalError(
                f"There is no round {wanted!r} in {self.where}; there are: {', '.join(known)}."
            )
        return _rounds.load(text, where=self.where)

    def journal(self, own: str | os.PathLike[str]) -> Journal:
        """Where one person's labels go: the database, or this file of one's own."""
        return self._journal or Journal(own)

    def hand_in(self, journal: Journal) -> None:
        """Put a copy of one's journal into the folder, in place of the last; live, nothing to do.

        The file is whole or not there, and its name tells nothing of the person.
        """
        if self.live:
            return
        whose = f"{uuid.getnode()}\n{journal.where}"
        name = f"labels-{hashlib.sha256(whose.encode()).hexdigest()[:12]}.csv"
        journal.to_csv(self._folder.path / name)

    def annotations(self) -> pd.DataFrame:
        """All labels so far, as :meth:`Journal.annotations` gives them.

        A file that cannot be read is left out and told in ``attrs["notes"]``; the others count.
        """
        if self._journal:
            table, notes = self._journal.annotations(), []
        else:
            events = self._folder.events()
            wanted = (events["kind"] == "label") | events["undoes"].notna()
            table, notes = _fold.last_texts(events[wanted], "label"), self._folder.notes
        table.attrs["notes"] = list(notes)
        return table

    def __repr__(self) -> str:
        """Where, and which rounds there are."""
        how = "labels arrive as they are given" if self.live else "labels arrive when handed in"
        rounds = ", ".join(self.rounds) or "none yet"
        return f"Classroom in {self.where}: {how}; rounds: {rounds}."

    def _given_out(self) -> list[tuple[str, str]]:
        """Name and time of each round, in the order in which they were given out."""
        if self._journal is None:
            texts = [(path, self._read(path)) for path in self._folder.path.glob("round-*.json")]
            found = [_rounds.load(text, where=str(path)) for path, text in texts if text]
            return sorted(((one.name, one.at) for one in found), key=lambda each: each[::-1])
        store = self._journal._store
        with store.reading() as connection:
            if not sa.inspect(connection).has_table(_ROUNDS.name):
                return []
            query = sa.select(_ROUNDS.c.name, _ROUNDS.c.at).order_by(_ROUNDS.c.at, _ROUNDS.c.name)
            return [(name, at) for name, at in connection.execute(query)]

    def _text(self, name: str) -> str | None:
        if self._journal is None:
            return self._read(self._file(name))
        with self._journal._store.reading() as connection:
            if not sa.inspect(connection).has_table(_ROUNDS.name):
                return None
            query = sa.select(_ROUNDS.c.content).where(_ROUNDS.c.name == name)
            return connection.scalar(query)

    def _write(self, made: Round, text: str) -> None:
        if self._journal is None:
            _exchange.write_whole(self._file(made.name), text)
            return
        # Whoever writes is alone with it: of two who give out one name the first comes to stand.
        with self._journal._store.writing() as connection:
            _TABLES.create_all(connection)
            query = sa.select(_ROUNDS.c.name).where(_ROUNDS.c.name == made.name)
            if connection.scalar(query) is None:
                row = {"name": made.name, "at": made.at, "content": text}
                connection.execute(_ROUNDS.insert().values(row))

    def _file(self, name: str) -> Path:
        return self._folder.path / f"round-{name}.json"

    def _read(self, path: Path) -> str | None:
        try:
            return path.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise JournalError(
                f"{path} could not be read ({error}). Nothing was changed."
            ) from error
