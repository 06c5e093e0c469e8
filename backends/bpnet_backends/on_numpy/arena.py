"""Memory for a step's intermediate results, used again as soon as a result is no longer needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from bpnet_backends.on_numpy.recording import Record, root

ALIGNMENT = 64
"""Bytes: a line of the cache, and a vector register."""


class Uses(Protocol):
    """A part of a replay."""

    @property
    def reads(self) -> Sequence[np.ndarray]:
        """The arrays that it needs."""

    @property
    def outputs(self) -> Sequence[np.ndarray]:
        """The arrays that it writes."""


def recycled(record: Record, calls: Sequence[Uses]) -> Callable[[np.ndarray], np.ndarray]:
    """Where each array lies from now on, in a replay that makes `calls`.

    Arrays that the step makes anew get a place in one block, which those that are not needed at the same time share.
    The others stay where they are.
    """
    offsets, size = offsets_in_block(record, calls, ALIGNMENT)
    block = np.empty(size + ALIGNMENT, np.uint8)
    skip = -block.ctypes.data % ALIGNMENT

    def place(array: np.ndarray) -> np.ndarray:
        memory = id(root(array))
        if memory not in offsets:
            return array
        offset = skip + offsets[memory] + array.ctypes.data - record.made[memory].ctypes.data
        return np.ndarray(array.shape, array.dtype, block, offset, array.strides)

    return place


def offsets_in_block(record: Record, calls: Sequence[Uses], alignment: int) -> tuple[dict[int, int], int]:
    """Where in one block each array lies that the step makes anew, by its identity; and the size of the block."""
    written = {id(root(array)) for call in calls for array in call.outputs if record.is_own(array)}
    life: dict[int, tuple[int, int]] = {}
    for i, call in enumerate(calls):
        for array in (*call.reads, *call.outputs):
            if id(root(array)) in written:
                first, _ = life.get(id(root(array)), (i, i))
                life[id(root(array))] = first, i
    return _offsets({memory: record.made[memory].nbytes for memory in life}, life, alignment)


def _offsets(sizes: dict[int, int], life: dict[int, tuple[int, int]], alignment: int) -> tuple[dict[int, int], int]:
    """An offset for each, the largest first, each as low as those that live at the same time allow; and the total."""
    placed: list[tuple[int, int, int]] = []
    offsets: dict[int, int] = {}
    for memory in sorted(sizes, key=lambda memory: -sizes[memory]):
        size = -(-max(sizes[memory], 1) // alignment) * alignment
        first, last = life[memory]
        offset = 0
        for start, stop, other in sorted(placed):
            together = life[other][0] <= last and first <= life[other][1]
            if together and start < offset + size and offset < stop:
                offset = stop
        placed.append((offset, offset + size, memory))
        offsets[memory] = offset
    return offsets, max((stop for _, stop, _ in placed), default=0)
