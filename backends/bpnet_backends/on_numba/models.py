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

WORDS, FIRST, DISTANCES, IN_AREA, KERNELS, NUMBER, COPIES, COPIED, TIMES = range(OWN, OWN + 9)
"""What the table of `each_model` holds after that of its scratch memory: how many words the tables of the kernels have
together; these words for the first model; what is added to each from model to model; 1 for those that count from the
thread's scratch memory, else 0; the kernels, each with the place of its table among the words, and their number; what
a model begins with in scratch memory, (source, place, words of 8 bytes), and how many of these; the steps to make."""


def each_model(arguments: int, start: int, stop: int, chunk: int) -> None:
    """All steps of one model, then of the next."""
    a = int64_at(arguments)
    taken = begin(arguments)
    area = a[AREAS] + a[AREA] * taken
    own, words = int64_at(area), a[WORDS]
    first, distances, in_area, kernels = int64_at(a[FIRST]), int64_at(a[DISTANCES]), int64_at(a[IN_AREA]), a[KERNELS]
    table, copies = int64_at(kernels), int64_at(a[COPIES])
    for i in range(words):
        own[i] = first[i] + start * distances[i] + in_area[i] * area
    for _model in range(start, stop):
        for c in range(a[COPIED]):
            source, target = int64_at(copies[3 * c]), int64_at(area + copies[3 * c + 1])
            for i in range(copies[3 * c + 2]):
                target[i] = source[i]
        for _step in range(a[TIMES]):
            for k in range(a[NUMBER]):
                call_kernel(table[3 * k], area + 8 * table[3 * k + 1], 0, table[3 * k + 2], 0)
        for i in range(words):
            own[i] = own[i] + distances[i]
    end(arguments, taken)


def again(arguments: int, start: int, stop: int, chunk: int) -> None:
    """Kernels one after another, so many times; the table holds that number, and the kernels with theirs."""
    a = int64_at(arguments)
    kernels = int64_at(a[1])
    for _time in range(a[0]):
        for k in range(a[2]):
            call_kernel(kernels[3 * k], kernels[3 * k + 1], 0, kernels[3 * k + 2], 0)


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

    def __init__(
        self, run: Run, found: Sequence[Item], address_of: Callable[[np.ndarray], int], private: Sequence[np.ndarray]
    ) -> None:
        record = Record(made=run.own)
        super().__init__(record, found)
        self._run = run
        self._elsewhere = address_of
        self._offsets, size = offsets_in_block(record, [self.uses([item]) for item in found], ALIGNMENT)
        self._private: dict[int, int] = {}
        for array in private:
            self._private[id(array)] = size
            size += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
        self.size = size
        self.copies = [(address_of(array), self._private[id(array)], array.nbytes // 8) for array in private]
        self.words: list[int] = []
        self.distances: list[int] = []
        self.in_area: list[int] = []

    def address(self, array: np.ndarray) -> int:
        """Where the first model's lies: outside, or so far from the beginning of the scratch memory."""
        owner = root(array)
        if id(owner) in self._offsets:
            first = self._run.own[id(owner)]
            return _Place(self._offsets[id(owner)] + array.ctypes.data - first.ctypes.data, in_area=1)
        if id(owner) in self._private:
            return _Place(self._private[id(owner)] + array.ctypes.data - owner.ctypes.data, in_area=1)
        return _Place(self._elsewhere(array), self._run.distances.get(id(owner), 0))

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


class StackedKernels:
    """The kernels of a run, ready to be put together; `alive` is what has to be held.

    `address_of` tells where memory of others lies. `private` is memory of others that each model begins with a copy of.
    """

    def __init__(
        self, work: Stacked, address_of: Callable[[np.ndarray], int], private: Sequence[np.ndarray] = ()
    ) -> None:
        self._rows = work.rows
        tables = _ModelTables(work.run, work.items, address_of, private)
        self._kernels, self._costs = [], []
        for item in work.items:
            assert isinstance(item.work, RowKernel | Product | Sampled)
            self._kernels.append(tables.made(item.work, 1)[0])
            self._costs.append(_of_all(cost(tables.described(item.work)), work.rows))
        before = -(-8 * len(tables.words) // ALIGNMENT) * ALIGNMENT
        self._scratch = Scratch(before + tables.size, available())
        in_area = np.array(tables.in_area, np.int64)
        words = np.array(tables.words, np.int64) + before * in_area
        self._words = [words, np.array(tables.distances, np.int64), in_area]
        copies = [(source, before + place, number) for source, place, number in tables.copies]
        self._copies = np.array(copies, np.int64).reshape(-1, 3)
        self.alive = [*tables.alive, *self._scratch.memory, *self._words, self._copies]
        self.tables: list[np.ndarray] = []
        """Of the kernels that were made; element TIMES may be set."""

    def all(self) -> Kernel:
        """The kernel whose rows are models."""
        return self._made(self._kernels)

    def pieces(self, chunks: int) -> list[Piece]:
        """What it is made of, each as a piece that goes through all models."""
        pairs = zip(self._costs, self._kernels, strict=True)
        return [Piece(what, self._made([kernel]), chunks, []) for what, kernel in pairs]

    def _made(self, kernels: Sequence[Kernel]) -> Kernel:
        listed, words = np.array(kernels, np.int64), self._words[0].size
        numbers = [words, *(array.ctypes.data for array in (*self._words, listed)), len(kernels)]
        copied = [self._copies.ctypes.data, len(self._copies)]
        self.tables.append(np.array([*self._scratch.numbers, *numbers, *copied, 1], np.int64))
        self.alive += [listed, self.tables[-1]]
        return address_of_function(each_model), self.tables[-1].ctypes.data, self._rows


def _of_all(one: Cost, models: int) -> Cost:
    return replace(one, shape=(models, *one.shape), bytes=models * one.bytes, flop=models * one.flop)
