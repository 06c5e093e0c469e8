"""A call timed by the device's own events and by the clock on the wall, in the same repeats."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from time import perf_counter

from bpnet_benchmarks.micro.gpu import Gpu, Work

REPEATS = 7
"""Of each measurement, of which the median counts."""

CHUNK_SECONDS = 0.01
"""A repeat has as many calls as take about this long."""

MOST_CALLS = 4_096
"""In a repeat: the queue of a GPU is not longer than some thousands, and a full one would be timed instead."""


@dataclass(frozen=True)
class Times:
    """Seconds a call, medians."""

    device: float
    """Between two events on the stream: with gaps, where the host launches more slowly than the device works."""
    wall: float
    """From the first call until the device has finished."""
    launch: float
    """From the first call until the last one returned: what the host takes."""


def timed(gpu: Gpu, call: Work) -> Times:
    """The median of several repeats, each of many calls, waited for at its end."""
    for _ in range(3):
        call()
    gpu.synchronize()
    calls = 1
    while calls < MOST_CALLS and _repeat(gpu, call, calls)[1] * calls < CHUNK_SECONDS:
        calls *= 2
    device, wall, launch = zip(*(_repeat(gpu, call, calls) for _ in range(REPEATS)), strict=True)
    return Times(median(device), median(wall), median(launch))


def _repeat(gpu: Gpu, call: Work, calls: int) -> tuple[float, float, float]:
    gpu.synchronize()
    start, first = perf_counter(), gpu.event()
    for _ in range(calls):
        call()
    last, launched = gpu.event(), perf_counter()
    gpu.synchronize()
    end = perf_counter()
    return gpu.seconds_between(first, last) / calls, (end - start) / calls, (launched - start) / calls
