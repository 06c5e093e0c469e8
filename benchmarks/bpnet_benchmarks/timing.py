"""Repeated calls, timed in chunks."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

CHUNK_SECONDS = 0.025
"""A chunk has as many calls as take this long, at least, and less than twice as many: 25 to 50 ms."""

LEAST_CHUNKS = 5


def chunk_times(call: Callable[[], object], synchronize: Callable[[], object], seconds: float) -> list[float]:
    """Seconds per call of each chunk, for about `seconds` seconds; waits once a chunk.

    The first calls, which may compile, must have been made. What finds out how many calls make a chunk, and a fifth of
    `seconds` more, is the warm-up and is not returned.
    """
    calls = 1
    while min(_timed(call, synchronize, calls) for _ in range(2)) < CHUNK_SECONDS:
        calls *= 2
    warm = perf_counter() + seconds / 5
    while perf_counter() < warm:
        _timed(call, synchronize, calls)
    found: list[float] = []
    end = perf_counter() + seconds
    while perf_counter() < end or len(found) < LEAST_CHUNKS:
        found.append(_timed(call, synchronize, calls) / calls)
    return found


def _timed(call: Callable[[], object], synchronize: Callable[[], object], calls: int) -> float:
    start = perf_counter()
    for _ in range(calls):
        call()
    synchronize()
    return perf_counter() - start
