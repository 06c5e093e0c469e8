"""Kernels that work sample by sample, as those of convolution and pooling do; a record holds each as one call.

A kernel's table holds four numbers on scratch memory, its own numbers, and the addresses of its inputs and outputs.
Scratch memory comes in areas, one a thread: a call takes one that is free and gives it back when it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpnet_backends.fusion.accesses import WHOLE, Access
from bpnet_backends.on_numba.words import atomic_add, int64_at
from bpnet_backends.on_numpy import recording
from bpnet_backends.on_numpy.array import Array, as_plain
from bpnet_backends.on_numpy.recording import Call

FLAGS, AREAS, NUMBER, AREA = range(4)
"""Where the areas' flags lie; where the areas; how many there are; the bytes of one."""

OWN = 4
"""The first number of the kernel itself."""

ALIGNMENT = 64


@dataclass(frozen=True, eq=False)
class SampleKernel:
    """A compiled kernel, and what a call of it does; the arrays come with the call."""

    address: int
    numbers: tuple[int, ...]
    by_rows: tuple[bool, ...]
    """Of each input and output: does sample n lie in its row n? The others are read as a whole or, if they are outputs,
    sums over the samples."""
    scratch: int
    """Bytes for one thread."""
    cost: float
    """Nanoseconds a sample on one thread, about."""
    name: str
    """For people: `conv2d`, `max pool`."""
    flop: int
    """Operations a sample on floating-point numbers."""
    together: int = 1
    """The samples that it takes at a time."""
    memory: tuple[np.ndarray, ...] = ()
    """Tables whose addresses stand among the numbers."""


def begin(arguments: int) -> int:
    """Take an area of scratch memory; its number."""
    a = int64_at(arguments)
    area = 0
    while atomic_add(a[FLAGS] + 8 * area, 1) != 0:
        atomic_add(a[FLAGS] + 8 * area, -1)
        area = (area + 1) % a[NUMBER]
    return area


def end(arguments: int, area: int) -> None:
    """Give it back."""
    atomic_add(int64_at(arguments)[FLAGS] + 8 * area, -1)


@dataclass(frozen=True, eq=False)
class Sampled:
    """A kernel with its arrays."""

    kernel: SampleKernel
    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]

    @property
    def rows(self) -> int:
        """The samples."""
        return len(self.inputs[0])

    @property
    def cost(self) -> float:
        """Nanoseconds on one thread, about."""
        return self.kernel.cost * self.rows

    @property
    def sums(self) -> int:
        """The numbers that each chunk sums up for itself."""
        return sum(array.size for array, by_rows in self.arrays[len(self.inputs) :] if not by_rows)

    @property
    def arrays(self) -> list[tuple[np.ndarray, bool]]:
        """Inputs, then outputs, each with whether row n is of sample n."""
        return list(zip((*self.inputs, *self.outputs), self.kernel.by_rows, strict=True))

    def accesses(self) -> tuple[list[Access], list[Access]]:
        """What it reads, and what it writes."""
        found = [Access(x, (x.ctypes.data, x.strides[0]) if by_rows else WHOLE) for x, by_rows in self.arrays]
        return found[: len(self.inputs)], found[len(self.inputs) :]


class Scratch:
    """Areas of scratch memory for the kernels of a step."""

    def __init__(self, size: int, number: int) -> None:
        size = -(-size // ALIGNMENT) * ALIGNMENT
        self._flags = np.zeros(number, np.int64)
        self._areas = np.empty(size * number + ALIGNMENT, np.uint8)
        first = self._areas.ctypes.data
        self.numbers = (self._flags.ctypes.data, first + -first % ALIGNMENT, number, size)

    @property
    def memory(self) -> tuple[np.ndarray, ...]:
        """What has to be held."""
        return self._flags, self._areas


def call(kernel: SampleKernel, inputs: Sequence[Any], outputs: Sequence[Any], *, made: bool) -> None:
    """Compute, and write it down where a step is recorded. `made` says that the outputs are new."""
    reads, writes = tuple(as_plain(x) for x in inputs), tuple(as_plain(x) for x in outputs)
    if not made:
        for target in writes:
            recording.will_write(target)
    one = Call("samples", kernel, reads, writes)
    _run(one)
    recording.note_samples(one, made=made)


def empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """An array for a kernel's output."""
    made: Array = np.empty(shape, dtype).view(Array)
    return made


def contiguous(x: Any, dtype: Any) -> Any:
    """`x`, or a copy whose elements are of `dtype` and follow one another."""
    return x if x.flags.c_contiguous and x.dtype == dtype else x.astype(dtype, order="C")


def _run(one: Call) -> None:
    from bpnet_backends.on_numba.lowering import compiled

    compiled(recording.Record([one]))()
