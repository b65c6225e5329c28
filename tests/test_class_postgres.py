"""A class of thirty on one PostgreSQL: nothing lost, nothing doubled, also when it goes away."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter

import pandas as pd
import pytest

from mlkit.tags import Classroom, Journal, JournalError
from mlkit.widgets import AgreementBoard
from postgres import postgres

PEOPLE, ITEMS = 30, 200
CLASSES = ("like new", "good", "worn")
# One process is ten people, each with a connection of their own, who label all at once: mostly one
# label at a time, now and then some together, and now and then a message a second time, as the
# browser does when no answer came.
TEN_PEOPLE = """
import random, sys, threading
from mlkit.tags import Classroom
def person(number):
    draw, room = random.Random(number), Classroom(sys.argv[1])
    now, journal = room.round(), room.journal("not used")
    items = list(now.items["item"])
    draw.shuffle(items)
    while items:
        size = draw.choice([1, 1, 5, 10])
        few, items = items[:size], items[size:]
        events = [{"id": f"{number}-{item}", "kind": "label", "item": item, "guide": now.name,
                   "value": now.labels[(number + int(item)) % 3], "annotator": f"person {number}"}
                  for item in few]
        for _ in range(1 + (draw.random() < 0.2)):
            journal.write(events)
    journal.close()
people = [threading.Thread(target=person, args=[int(sys.argv[2]) + n]) for n in range(10)]
for one in people:
    one.start()
for one in people:
    one.join()
"""


@pytest.fixture(scope="module")
def server():
    with postgres() as started:
        yield started


@pytest.fixture
def address(server):
    """The address of an empty database."""
    import psycopg

    name = f"class_{time.time_ns()}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.url.replace("/postgres?", f"/{name}?")


@pytest.fixture
def room(address):
    room = Classroom(address)
    items = pd.DataFrame({"item": [str(number) for number in range(ITEMS)]})
    items["text"] = [f"a scratch of {number / 10:.1f} mm" for number in range(ITEMS)]
    room.give_out("v1", items=items, labels=CLASSES, guide="Say how it looks.")
    yield room
    room.journal("not used").close()


def start(address):
    commands = [[sys.executable, "-c", TEN_PEOPLE, address, str(first)] for first in (0, 10, 20)]
    return [subprocess.Popen(command, stderr=subprocess.PIPE) for command in commands]


def test_thirty_people_at_once_lose_nothing_and_double_nothing(room, address):
    board = AgreementBoard(room, items=room.round().items, show="text", guide="v1")
    people, took = start(address), []
    while any(process.poll() is None for process in people):
        began = time.perf_counter()
        board.refresh()
        took.append(time.perf_counter() - began)
        time.sleep(0.3)
    assert [process.wait() for process in people] == [0, 0, 0], people[0].stderr.read()
    for process in people:
        process.stderr.close()
    events = Journal(address).events()
    there = Counter(zip(events["annotator"], events["item"], strict=True))
    assert len(events) == len(there) == PEOPLE * ITEMS
    table = room.annotations()
    assert len(table) == PEOPLE * ITEMS
    number = table["annotator"].str.removeprefix("person ").astype(int)
    expected = [CLASSES[code] for code in (number + table["item"].astype(int)) % 3]
    assert table["label"].tolist() == expected
    fresh = AgreementBoard(room, items=room.round().items, show="text", guide="v1")
    last = fresh._took_s  # all 6,000 read and worked out anew
    board.refresh()
    worst = max(took, default=last)
    print(f"the board: {last:.3f} s for {len(table):,} labels; at worst {worst:.3f} s meanwhile")
    assert board.agreement.n == ITEMS
    assert board.agreement.annotators == PEOPLE
    assert last < 1, "the page is to stay quick"


def test_a_server_that_goes_away_is_told_and_found_again(room, address, server):
    journal, board = Journal(address, timeout_s=2), AgreementBoard(room, guide="v1")
    first = [{"id": "a", "kind": "label", "item": "1", "value": "good", "guide": "v1"}]
    journal.write(first)
    board.refresh()
    server.stop(signal.SIGQUIT)  # as a power cut
    second = [{"id": "b", "kind": "label", "item": "2", "value": "worn", "guide": "v1"}]
    with pytest.raises(JournalError, match="cannot be reached") as error:
        journal.write(second)
    assert "s3cret" not in str(error.value)
    with pytest.raises(JournalError, match="cannot be reached"):
        board.refresh()
    server.start()
    assert journal.write(second) == ["b"]
    board.refresh()
    assert room.annotations()["item"].tolist() == ["1", "2"]
    assert board.labels == 2


def test_a_stop_in_the_middle_of_thirty_who_try_again(room, address, server):
    """Each writes until it is acknowledged, as the browser does."""
    told: list[str] = []

    def person(number):
        journal = Journal(address, timeout_s=2)
        for item in range(30):
            event = {"id": f"{number}-{item}", "kind": "label", "item": str(item), "value": "good"}
            while True:
                try:
                    told.extend(journal.write([{**event, "annotator": str(number)}]))
                    break
                except JournalError:
                    time.sleep(0.2)
        journal.close()

    people = [threading.Thread(target=person, args=[number]) for number in range(PEOPLE)]
    for one in people:
        one.start()
    while len(told) < 200:
        time.sleep(0.01)
    server.stop(signal.SIGQUIT)
    before = len(told)
    time.sleep(0.5)
    assert len(told) <= before + PEOPLE, "nothing is acknowledged that nobody keeps"
    server.start()
    for one in people:
        one.join(60)
    assert len(told) == 900
    assert sorted(Journal(address).events()["id"]) == sorted(told)


def test_a_server_that_never_answers_is_given_up():
    """As where a computer was closed: somebody listens, and nothing ever comes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began, port = time.perf_counter(), silent.getsockname()[1]
        with pytest.raises(JournalError, match="cannot be reached") as error:
            Journal(f"postgresql://ada:s3cret@127.0.0.1:{port}/class", timeout_s=2)
        assert time.perf_counter() - began < 30
    assert "s3cret" not in str(error.value)


def test_of_two_who_give_out_one_name_the_first_stands(address):
    items = pd.DataFrame({"item": ["a", "b"]})
    stands: list[str] = []
    refused: list[str] = []

    def give(guide):
        try:
            Classroom(address).give_out("v1", items=items, labels=CLASSES, guide=guide)
            stands.append(guide)
        except JournalError as error:
            refused.append(str(error))

    guides = [f"guide {number}" for number in range(8)]
    people = [threading.Thread(target=give, args=[guide]) for guide in guides]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert stands == [Classroom(address).round().guide]
    assert len(refused) == 7
    assert all("given out before" in text for text in refused)


def test_the_password_is_never_shown(room):
    assert "s3cret" not in repr(room) + room.where + repr(AgreementBoard(room))
    assert room.live
