"""From the record of a step to its replay: tables of compiled kernels, and NumPy's calls where there is no kernel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpnet_backends.fusion.items import Item, items
from bpnet_backends.fusion.kept import Readers
from bpnet_backends.fusion.operands import Operand, same_place
from bpnet_backends.fusion.operations import Operation
from bpnet_backends.fusion.products import INNER, Product
from bpnet_backends.fusion.rows import RowKernel, stages
from bpnet_backends.on_numba import products, sums
from bpnet_backends.on_numba.compiling import address_of
from bpnet_backends.on_numba.dividing import alone
from bpnet_backends.on_numba.pieces import Piece, cost
from bpnet_backends.on_numba.regions import Region, regions
from bpnet_backends.on_numba.samples import Sampled, Scratch
from bpnet_backends.on_numba.source import Source
from bpnet_backends.on_numba.team import Kernel, available, bound
from bpnet_backends.on_numpy.arena import recycled
from bpnet_backends.on_numpy.program import roots, shortened
from bpnet_backends.on_numpy.recording import Call, Record, root
from bpnet_backends.on_numpy.replay import bind, part
from bpnet_backends.parts import Part

Place = Callable[[np.ndarray], np.ndarray]


def compiled(record: Record) -> Replay:
    """The step, replayed by compiled kernels."""
    return Lowering(record).replay()


@dataclass
class Segment:
    """Kernels that are replayed by one call."""

    kernels: list[Kernel] = field(default_factory=list)
    regions: list[tuple[int, int, int]] = field(default_factory=list)

    def add(self, kernels: Sequence[Kernel], chunks: int) -> None:
        """Append a region; regions of one chunk that follow one another are one."""
        first = len(self.kernels)
        self.kernels += kernels
        if chunks == 1 and self.regions and self.regions[-1][2] == 1:
            first, *_ = self.regions.pop()
        self.regions.append((first, len(self.kernels), chunks))

    def bound(self) -> Callable[[], Any]:
        """The call."""
        return bound(self.kernels, self.regions)


@dataclass
class Replay:
    """The calls of a step in their order, of what pieces they are made, and all memory whose addresses they know."""

    calls: list[Callable[[], Any]]
    pieces: list[Piece | Part]
    memory: list[np.ndarray]

    def __call__(self) -> None:
        """One step."""
        for call in self.calls:
            call()

    def parts(self) -> list[Part]:
        """A part a kernel, and a part a call of NumPy's."""
        return [piece.part() if isinstance(piece, Piece) else piece for piece in self.pieces]


@dataclass
class Uses:
    """The memory that a part of the replay needs at the same time."""

    reads: list[np.ndarray]
    outputs: list[np.ndarray]


class Lowering:
    """A record on its way to a replay."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._alive: list[np.ndarray] = []
        self._pieces: list[Piece | Part] = []
        self._regions = regions(items(shortened(record), alone))
        self._readers = Readers(self._items())
        self._sources: dict[RowKernel, Source] = {}
        for item in self._items():
            if isinstance(item.work, RowKernel):
                self._sources[item.work] = Source(item.work.operations, self._kept(item.work))
        scratch = [item.work.kernel.scratch for item in self._items() if isinstance(item.work, Sampled)]
        self._scratch = Scratch(max(scratch, default=0), available())
        self._alive += self._scratch.memory
        self._place = recycled(record, [self._uses(region) for region in self._regions])

    def replay(self) -> Replay:
        """The replay; it holds all memory that it uses."""
        calls: list[Callable[[], Any]] = []
        segment = Segment()
        for region in self._regions:
            work = region.items[0].work
            if isinstance(work, Call):
                if segment.kernels:
                    calls.append(segment.bound())
                segment = Segment()
                calls.append(bind(work, self._place))
                self._pieces.append(part(work, calls[-1]))
            else:
                self._add(region, segment)
        if segment.kernels:
            calls.append(segment.bound())
        return Replay(calls, self._pieces, self._alive)

    # ---- what is stored

    def _items(self) -> list[Item]:
        return [item for region in self._regions for item in region.items]

    def _kept(self, kernel: RowKernel) -> Collection[Operation]:
        """The operations whose results outlive the kernel, or the loop that they are computed in."""
        stage_of = {op: number for number, stage in enumerate(stages(kernel.operations)) for op in stage.operations}
        kept = set()
        for op in kernel.operations:
            later = (
                op.output.width > 1
                and stage_of[other] != stage_of[op]
                and any(same_place(op.output, x) for x in other.inputs)
                for other in kernel.operations
            )
            if self._readers.needed_elsewhere(op, kernel, self._record) or any(later):
                kept.add(op)
        return kept

    def _uses(self, region: Region) -> Uses:
        uses = Uses([], [])
        for item in region.items:
            if isinstance(item.work, RowKernel):
                for _, x in self._sources[item.work].slots:
                    if isinstance(x, Operand | Operation):
                        uses.reads.append(x.array if isinstance(x, Operand) else x.output.array)
                written = [op.output.array for op in item.work.operations]
                touched = roots(uses.reads)
                uses.outputs += [array for array in written if id(root(array)) in touched]
            else:
                uses.reads += [access.array for access in item.reads()]
                uses.outputs += [access.array for access in item.writes()]
        return uses

    # ---- tables

    def _add(self, region: Region, segment: Segment) -> None:
        chunks = region.chunks
        kernels, folds = [], []
        for item in region.items:
            work = item.work
            if isinstance(work, RowKernel):
                kernel, partials = self._row_kernel(work, chunks)
            elif isinstance(work, Sampled):
                kernel, partials = self._sampled(work, chunks)
            else:
                assert isinstance(work, Product)
                kernel, partials = self._product(work, chunks)
            whose = self._sources[work] if isinstance(work, RowKernel) else work
            self._pieces.append(Piece(cost(whose), kernel, chunks, partials))
            folds += partials
            kernels.append(kernel)
        segment.add(kernels, chunks)
        if folds:
            segment.add(folds, 1)

    def _row_kernel(self, kernel: RowKernel, chunks: int) -> tuple[Kernel, list[Kernel]]:
        source = self._sources[kernel]
        table, folds = [], []
        for _, x in source.slots:
            if isinstance(x, float):
                table.append(int(np.float64(x).view(np.int64)))
            elif isinstance(x, int):
                table.append(x)
            elif isinstance(x, Operand):
                table.append(self._address(x.array))
            else:
                address, fold = self._partial(x.output.array, x.joined, chunks)
                table.append(address)
                folds += fold
        return (address_of(source.text), self._table(table), kernel.rows), folds

    def _product(self, product: Product, chunks: int) -> tuple[Kernel, list[Kernel]]:
        folds: list[Kernel] = []
        if product.divided == INNER:
            out, folds = self._partial(product.out, "add", chunks)
        else:
            out = self._address(product.out)
        table = products.arguments(product, self._address(product.a), self._address(product.b), out)
        return (products.kernel(product.out.dtype.name), self._table(table), product.rows), folds

    def _sampled(self, work: Sampled, chunks: int) -> tuple[Kernel, list[Kernel]]:
        self._alive += work.kernel.memory
        table, folds = [*self._scratch.numbers, *work.kernel.numbers], []
        for number, (array, by_rows) in enumerate(work.arrays):
            if by_rows or number < len(work.inputs):
                table.append(self._address(array))
            else:
                address, fold = self._partial(array, "add", chunks)
                table.append(address)
                folds += fold
        return (work.kernel.address, self._table(table), work.rows), folds

    def _partial(self, out: np.ndarray, joined: str, chunks: int) -> tuple[int, list[Kernel]]:
        """Where the results of chunks go, and what joins them; a single chunk writes to `out`."""
        address = self._address(out)
        if chunks == 1:
            return address, []
        partial = np.empty((chunks, out.size), out.dtype)
        self._alive.append(partial)
        table = self._table([partial.ctypes.data, address, chunks, out.size, sums.JOINED[joined]])
        return partial.ctypes.data, [(sums.kernel(out.dtype.name), table, out.size)]

    def _address(self, array: np.ndarray) -> int:
        """Where the array lies, which is from now on held there."""
        placed = self._place(array)
        self._alive.append(placed)
        return placed.ctypes.data

    def _table(self, numbers: Sequence[int]) -> int:
        table = np.array([int(number) for number in numbers], np.int64)
        self._alive.append(table)
        return table.ctypes.data
