"""MPI knows no time-out: a thread beside the program watches how long it waits, and asks the other ranks.

Their threads answer, also where the program itself hangs: one that is in no operation says so, one
that does not answer has died or was stopped. The lowest of the ranks that wait tells it, and ends all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

ANSWER = 2.0
"""Seconds that the others have for their answer."""

QUESTION, WAITS, ELSEWHERE = "?", "waits", "elsewhere"


class Talk(Protocol):
    """Short messages between the threads that watch."""

    rank: int
    size: int

    def send(self, rank: int, text: str) -> None:
        """On its way when this returns; nobody waits for it."""

    def received(self) -> list[tuple[int, str]]:
        """What has come since, with who sent it."""


class Watch:
    """The operation that the program is in, and the thread that watches it.

    `end(message)` ends all ranks; None: another rank tells why.
    """

    def __init__(self, talk: Talk, seconds: float, end: Callable[[str | None], Any]) -> None:
        self._talk, self._seconds, self._end = talk, seconds, end
        self._doing: tuple[str, float] | None = None
        self._said: dict[int, str] = {}
        self._over = threading.Event()
        self._tick = min(0.5, seconds / 4)
        self._thread = threading.Thread(target=self._run, name="bpnet-watch", daemon=True)
        self._thread.start()

    def begin(self, operation: str) -> None:
        """The program waits for the other ranks from now on."""
        self._doing = operation, time.monotonic()

    def done(self) -> None:
        """It goes on."""
        self._doing = None

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._tick):
            asked, doing = self._listen(), self._doing
            if doing is not None and (asked or time.monotonic() - doing[1] > self._seconds):
                self._ask(doing)

    def _listen(self) -> bool:
        """Take what has come, and answer; was there a question?"""
        asked = False
        for rank, text in self._talk.received():
            self._said[rank] = WAITS if text == QUESTION else text
            if text == QUESTION:
                asked = True
                self._talk.send(rank, ELSEWHERE if self._doing is None else WAITS)
        return asked

    def _ask(self, doing: tuple[str, float]) -> None:
        others = [rank for rank in range(self._talk.size) if rank != self._talk.rank]
        self._said.clear()
        for rank in others:
            self._talk.send(rank, QUESTION)
        until = time.monotonic() + ANSWER
        while time.monotonic() < until and len(self._said) < len(others):
            self._listen()
            time.sleep(self._tick / 10)
        if self._doing is not doing:  # they came in the end
            return
        if any(rank < self._talk.rank and text == WAITS for rank, text in self._said.items()):
            time.sleep(2 * ANSWER)
            self._end(None)
            return
        silent = [f"rank {rank} does not answer" for rank in others if rank not in self._said]
        away = [f"rank {rank} has not come to it" for rank in others if self._said.get(rank) == ELSEWHERE]
        where = ", ".join([*silent, *away]) or "they are in an operation, but in another one"
        self._end(
            f"{doing[0]}: rank {self._talk.rank} of {self._talk.size} has waited for the other ranks for "
            f"{time.monotonic() - doing[1]:.0f} s (BPNET_TIMEOUT={self._seconds:g}): {where}. Mend: see why it hangs, "
            "or give it more time with BPNET_TIMEOUT=SECONDS"
        )
