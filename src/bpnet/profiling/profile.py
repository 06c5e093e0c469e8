"""The parts of a training step, each timed alone.

A part that takes microseconds cannot be timed by waiting for it: it is done so many times between two waits that
they last about a millisecond. Then its arrays are in the caches, and what starting it costs does not overlap with other
work; so the sum of the parts is not the time of a step, which is measured too, many steps in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from bpnet.models import Model
from bpnet.peak import Peak
from bpnet.profiling.layers import by_layer
from bpnet.profiling.parts import Part, told
from bpnet.profiling.step import OneStep

AIM = 1e-3
"""Seconds that a measurement of a part should last."""

AIM_OF_STEP = 20e-3
"""The same of whole steps: enough of them that the first ones, with cold caches, count for little."""


@dataclass(frozen=True)
class Line:
    """A part, and the median of its times."""

    op: str
    shape: tuple[int, ...]
    seconds: float
    bytes: int
    flop: int


@dataclass(frozen=True)
class Profile:
    """A step and its parts."""

    lines: list[Line]
    of_layers: bool
    """True where the backend does not tell its parts: the lines are then layers, forward and backward."""
    step_seconds: float
    """Median of a whole step, as training makes it."""
    batch_size: int
    peak: Peak

    @property
    def seconds(self) -> float:
        """The sum of the parts."""
        return sum(line.seconds for line in self.lines)

    def share_of_step(self, line: Line) -> float:
        """The part's share of the sum."""
        return line.seconds / self.seconds

    def share_of_peak(self, line: Line) -> float:
        """max(FLOP / peak, bytes / bandwidth) over the time that it takes."""
        return self.peak.least_seconds(line.flop, line.bytes) / line.seconds


def profile(model: Model, x: Any, y: Any, batch_size: int, peak: Peak, repeats: int = 10) -> Profile:
    """Time one training step of a compiled model on x and y, and each of its parts, `repeats` times each.

    The model is left as it was.
    """
    # The same update a thousand times in a row may end anywhere.
    with np.errstate(all="ignore"), OneStep(model, x, y, batch_size) as step:
        step.captured()
        parts: Sequence[Part] = told(step.captured)
        of_layers = not parts
        if of_layers:
            parts = by_layer(step)
        runs = [*(part.run for part in parts), step.captured]
        step.put_back()
        aims = [AIM] * len(parts) + [AIM_OF_STEP]
        counts = [_enough(run, aim, step) for run, aim in zip(runs, aims, strict=True)]
        times: list[list[float]] = [[] for _ in runs]
        for _ in range(repeats):
            for run, number, own in zip(runs, counts, times, strict=True):
                own.append(_timed(run, number, step))
    *medians, whole = map(median, times)
    lines = [
        Line(part.op, tuple(part.shape), seconds, part.bytes, part.flop)
        for part, seconds in zip(parts, medians, strict=True)
    ]
    return Profile(lines, of_layers, whole, batch_size, peak)


def _enough(run: Callable[[], object], aim: float, step: OneStep) -> int:
    """How many times `run` has to be done to last for `aim` seconds; the second guess is told by more than one."""
    number = 1
    for _ in range(2):
        number = max(1, min(step.most, int(aim / max(_timed(run, number, step), 1e-9))))
    return number


def _timed(run: Callable[[], object], number: int, step: OneStep) -> float:
    """Seconds of one `run`, from `number` of them in a turn."""
    step.rewind()
    step.backend.synchronize()
    start = perf_counter()
    for _ in range(number):
        run()
    step.backend.synchronize()
    return (perf_counter() - start) / number
