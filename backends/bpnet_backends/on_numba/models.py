"""Stacked models, one after another on each thread: all that a step does to a model while its memory is in the cache.

The kernels of one model are those of a single network's step. Their tables of arguments hold addresses; each thread has
tables of its own, in which it moves the addresses on from model to model, and scratch memory for what a model needs
only within the step. No thread waits for another one before all models are done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bpnet_backends.fusion.accesses import WHOLE, Access
from bpnet_backends.fusion.items import Item
from bpnet_backends.fusion.products import Product
from bpnet_backends.fusion.rows import RowKernel
from bpnet_backends.on_numba.compiling import address_of_function
from bpnet_backends.on_numba.pieces import Cost, Piece, cost
from bpnet_backends.on_numba.samples import AREA, AREAS, OWN, Sampled, Scratch, begin, end
from bpnet_backends.on_numba.stacks import Run
from bpnet_backends.on_numba.tables import Tables
from bpnet_backends.on_numba.team import Kernel, available
from bpnet_backends.on_numba.words import call_kernel, int64_at
from bpnet_backends.on_numpy.arena import ALIGNMENT, offsets_in_block
from bpnet_backends.on_numpy.recording import Record, root

WORDS, FIRST, DISTANCES, IN_AREA, KERNELS, NUMBER = range(OWN, OWN + 6)
"""What the table of `each_model` holds after that of its scratch memory: how many words the tables of the kernels have
together; these words for the first model; what is added to each from model to model; 1 for those that count from the
thread's scratch memory, else 0; the kernels, each with the place of its table among the words, and their number."""


def each_model(arguments: int, start: int, stop: int, chunk: int) -> None:
    """All kernels for one model, then for the next."""
    a = int64_at(arguments)
    taken = begin(arguments)
    area = a[AREAS] + a[AREA] * taken
    own, words = int64_at(area), a[WORDS]
    first, distances, in_area, kernels = int64_at(a[FIRST]), int64_at(a[DISTANCES]), int64_at(a[IN_AREA]), a[KERNELS]
    table = int64_at(kernels)
    for i in range(words):
        own[i] = first[i] + start * distances[i] + in_area[i] * area
    for _model in range(start, stop):
        for k in range(a[NUMBER]):
            call_kernel(table[3 * k], area + 8 * table[3 * k + 1], 0, table[3 * k + 2], 0)
        for i in range(words):
            own[i] = own[i] + distances[i]
    end(arguments, taken)


@dataclass(frozen=True, eq=False)
class Stacked:
    """A run as work whose rows are models."""

    run: Run

    @property
    def rows(self) -> int:
        """The models."""
        return self.run.models

    @cached_property
    def items(self) -> list[Item]:
        """What is done for one of them."""
        return self.run.items

    @cached_property
    def cost(self) -> float:
        """Nanoseconds on one thread, about."""
        return self.rows * sum(item.cost for item in self.items)

    def accesses(self) -> tuple[list[Access], list[Access]]:
        """What it reads, and what it writes, besides memory of its own."""
        pairs = list(zip(self.run.calls, self.run.single, strict=True))
        reads = [pair for whole, single in pairs for pair in zip(whole.reads, single.reads, strict=True)]
        writes = [(whole.outputs[0], single.outputs[0]) for whole, single in pairs]
        return self._of_others(reads), self._of_others(writes)

    def _of_others(self, pairs: list[tuple[np.ndarray, np.ndarray]]) -> list[Access]:
        found = []
        for whole, single in pairs:
            if id(root(whole)) not in self.run.own:
                distance = self.run.distances[id(root(whole))]
                found.append(Access(whole, (single.ctypes.data, distance) if distance else WHOLE))
        return found


class _ModelTables(Tables):
    """The tables of the kernels of one model, as words that are moved on from model to model."""

    def __init__(self, run: Run, found: Sequence[Item], address_of: Callable[[np.ndarray], int]) -> None:
        record = Record(made=run.own)
        super().__init__(record, found)
        self._run = run
        self._elsewhere = address_of
        self._offsets, self.size = offsets_in_block(record, [self.uses([item]) for item in found], ALIGNMENT)
        self.words: list[int] = []
        self.distances: list[int] = []
        self.in_area: list[int] = []

    def address(self, array: np.ndarray) -> int:
        """Where the first model's lies: outside, or so far from the beginning of the scratch memory."""
        memory = id(root(array))
        if memory in self._offsets:
            return _Place(self._offsets[memory] + array.ctypes.data - self._run.own[memory].ctypes.data, in_area=1)
        return _Place(self._elsewhere(array), self._run.distances[memory])

    def table(self, numbers: Sequence[int]) -> int:
        """The place of a table among the words."""
        place = len(self.words)
        self.words += [int(number) for number in numbers]
        self.distances += [number.distance if isinstance(number, _Place) else 0 for number in numbers]
        self.in_area += [number.in_area if isinstance(number, _Place) else 0 for number in numbers]
        return place


class _Place(int):
    """An address for the first model, and what it is for the others."""

    distance: int
    in_area: int

    def __new__(cls, address: int, distance: int = 0, in_area: int = 0) -> _Place:
        made = super().__new__(cls, address)
        made.distance, made.in_area = distance, in_area
        return made


def stacked_kernel(
    work: Stacked, address_of: Callable[[np.ndarray], int], alive: list[np.ndarray], chunks: int
) -> tuple[Kernel, list[Piece]]:
    """The kernel whose rows are models, and what it is made of, each as a piece that goes through all models.

    `address_of` tells where memory of others lies; what has to be held is added to `alive`.
    """
    tables = _ModelTables(work.run, work.items, address_of)
    kernels, costs = [], []
    for item in work.items:
        assert isinstance(item.work, RowKernel | Product | Sampled)
        kernel, _ = tables.made(item.work, 1)
        kernels.append(kernel)
        costs.append(_of_all(cost(tables.described(item.work)), work.rows))
    before = -(-8 * len(tables.words) // ALIGNMENT) * ALIGNMENT
    scratch = Scratch(before + tables.size, available())
    words = np.array(tables.words, np.int64) + before * np.array(tables.in_area, np.int64)
    held = [words, np.array(tables.distances, np.int64), np.array(tables.in_area, np.int64)]
    alive += [*tables.alive, *scratch.memory, *held]

    def made(kernels: Sequence[Kernel]) -> Kernel:
        listed = np.array(kernels, np.int64)
        numbers = [words.size, *(array.ctypes.data for array in (*held, listed)), len(kernels)]
        table = np.array([*scratch.numbers, *numbers], np.int64)
        alive.extend((listed, table))
        return address_of_function(each_model), table.ctypes.data, work.rows

    pieces = [Piece(what, made([kernel]), chunks, []) for what, kernel in zip(costs, kernels, strict=True)]
    return made(kernels), pieces


def _of_all(one: Cost, models: int) -> Cost:
    return replace(one, shape=(models, *one.shape), bytes=models * one.bytes, flop=models * one.flop)
