"""Runs that wait for the next call: on data of the same shapes their steps need not be captured anew."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, Protocol, TypeVar

from bpnet.training.step import Batch, DeviceData, arrays_of

MOST_RUNS = 4
LARGEST = 1 << 23
"""Numbers of a data set; a larger one does not stay on the device after the call, whose cost is nothing against it."""


class Run(Protocol):
    """What can be run again on other data of the same shapes."""

    data: DeviceData


AnyRun = TypeVar("AnyRun", bound=Run)


class KeptRuns:
    """The last few runs of a compiled model. One that is at work is not here: a callback's own call makes another."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, Run] = {}

    @contextmanager
    def run(
        self, kind: Hashable, batch: Batch, make: Callable[[], AnyRun], on_any: Callable[[bool], bool] = bool
    ) -> Iterator[AnyRun]:
        """A run of that kind on x, y and weights of the device; `make` makes it where none of these shapes waits.

        `on_any` tells of a flag whether it is set on any of the processes that train together: where one has to make
        its run, all make theirs, because a step that is captured anew may ask for more sums than one that waited.
        """
        shapes = tuple(tuple(array.shape) for array in arrays_of(batch))
        run: Any = self._waiting.pop((kind, shapes), None)
        if on_any(run is None):
            run = make()
        else:
            run.data.take_in(batch)
        yield run
        if sum(prod(shape) for shape in (*shapes, run.data.order.shape)) <= LARGEST:
            self._waiting[kind, shapes] = run
            if len(self._waiting) > MOST_RUNS:
                del self._waiting[next(iter(self._waiting))]
