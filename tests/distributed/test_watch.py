"""A rank that waits too long asks the others where they are, and one of them tells."""

import threading
import time

import pytest

from bpnet.distributed import watch
from bpnet.distributed.watch import Watch


class Post:
    """`Talk` between threads."""

    def __init__(self, boxes, rank):
        self.boxes, self.rank, self.size = boxes, rank, len(boxes)

    def send(self, rank, text):
        self.boxes[rank].append((self.rank, text))

    def received(self):
        box = self.boxes[self.rank]
        return [box.pop(0) for _ in range(len(box))]


@pytest.fixture
def ranks(monkeypatch):
    monkeypatch.setattr(watch, "ANSWER", 0.4)
    boxes = [[], [], []]
    made, told, over = [], [], threading.Event()

    def make(rank, seconds=0.1):
        def end(message):
            told.append((rank, message))
            over.set()

        made.append(Watch(Post(boxes, rank), seconds, end))
        return made[-1]

    yield make, told, over
    for each in made:
        each.close()


def test_the_lowest_that_waits_names_who_has_not_come_and_who_does_not_answer(ranks):
    make, told, over = ranks
    waits, busy = make(0), make(1)  # rank 2 does not answer
    waits.begin("all_reduce")
    assert over.wait(5)
    ((rank, message),) = told
    assert rank == 0
    assert "all_reduce: rank 0 of 3 has waited" in message
    assert "rank 2 does not answer, rank 1 has not come to it" in message
    busy.done()


def test_of_two_that_wait_the_lower_tells(ranks):
    make, told, _ = ranks
    first, second = make(0, 0.8), make(1, 0.1)
    make(2)
    for each in (first, second):
        each.begin("barrier")
    deadline = time.monotonic() + 5
    while len(told) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    messages = dict(told)
    assert "rank 2 has not come to it" in messages[0]
    assert messages[1] is None


def test_nothing_is_told_where_they_come_in_time(ranks):
    make, told, _ = ranks
    one = make(0)
    for _ in range(4):
        one.begin("all_reduce")
        time.sleep(0.05)
        one.done()
    time.sleep(0.15)
    assert told == []


def test_nothing_is_told_where_they_come_while_it_asks(ranks):
    make, told, _ = ranks
    one = make(0)
    one.begin("all_reduce")
    time.sleep(0.2)  # it asks by now, and waits 0.4 s for answers
    one.done()
    time.sleep(0.5)
    assert told == []
