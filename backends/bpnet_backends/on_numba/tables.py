"""The tables of arguments that the kernels of a step read: addresses, sizes and numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from bpnet_backends.fusion.items import Item
from bpnet_backends.fusion.kept import Readers
from bpnet_backends.fusion.operands import Operand, same_place
from bpnet_backends.fusion.operations import Operation
from bpnet_backends.fusion.products import INNER, Product
from bpnet_backends.fusion.rows import RowKernel, stages
from bpnet_backends.on_numba import products, sums
from bpnet_backends.on_numba.compiling import address_of
from bpnet_backends.on_numba.samples import Sampled, Scratch
from bpnet_backends.on_numba.source import Source
from bpnet_backends.on_numba.team import Kernel, available
from bpnet_backends.on_numpy.program import roots
from bpnet_backends.on_numpy.recording import Record, root


@dataclass
class Uses:
    """The memory that a part of the replay needs at the same time."""

    reads: list[np.ndarray]
    outputs: list[np.ndarray]


class Tables:
    """Makes the tables of the items of a step; `alive` is all memory whose addresses they know."""

    def __init__(self, record: Record, items: Sequence[Item]) -> None:
        self.alive: list[np.ndarray] = []
        self._record = record
        self._readers = Readers(items)
        self._sources: dict[RowKernel, Source] = {}
        for item in items:
            if isinstance(item.work, RowKernel):
                self._sources[item.work] = Source(item.work.operations, self._kept(item.work))
        scratch = [item.work.kernel.scratch for item in items if isinstance(item.work, Sampled)]
        self._scratch = Scratch(max(scratch, default=0), available())
        self.alive += self._scratch.memory

    # ---- what is stored

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

    def uses(self, items: Sequence[Item]) -> Uses:
        """The memory of these items, which run at the same time; not what stays in registers."""
        uses = Uses([], [])
        for item in items:
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

    def made(self, work: RowKernel | Product | Sampled, chunks: int) -> tuple[Kernel, list[Kernel]]:
        """The kernel of that work, and the kernels that join what its chunks have summed up."""
        if isinstance(work, RowKernel):
            return self._row_kernel(work, chunks)
        return self._sampled(work, chunks) if isinstance(work, Sampled) else self._product(work, chunks)

    def described(self, work: RowKernel | Product | Sampled) -> Source | Product | Sampled:
        """What tells the cost of that work."""
        return self._sources[work] if isinstance(work, RowKernel) else work

    def _row_kernel(self, kernel: RowKernel, chunks: int) -> tuple[Kernel, list[Kernel]]:
        source = self._sources[kernel]
        table, folds = [], []
        for _, x in source.slots:
            if isinstance(x, float):
                table.append(int(np.float64(x).view(np.int64)))
            elif isinstance(x, int):
                table.append(x)
            elif isinstance(x, Operand):
                table.append(self.address(x.array))
            else:
                address, fold = self._partial(x.output.array, x.joined, chunks)
                table.append(address)
                folds += fold
        return (address_of(source.text), self.table(table), kernel.rows), folds

    def _product(self, product: Product, chunks: int) -> tuple[Kernel, list[Kernel]]:
        folds: list[Kernel] = []
        if product.divided == INNER:
            out, folds = self._partial(product.out, "add", chunks)
        else:
            out = self.address(product.out)
        table = products.arguments(product, self.address(product.a), self.address(product.b), out)
        return (products.kernel(product.out.dtype.name), self.table(table), product.rows), folds

    def _sampled(self, work: Sampled, chunks: int) -> tuple[Kernel, list[Kernel]]:
        self.alive += work.kernel.memory
        table, folds = [*self._scratch.numbers, *work.kernel.numbers], []
        for number, (array, by_rows) in enumerate(work.arrays):
            if by_rows or number < len(work.inputs):
                table.append(self.address(array))
            else:
                address, fold = self._partial(array, "add", chunks)
                table.append(address)
                folds += fold
        return (work.kernel.address, self.table(table), work.rows), folds

    def _partial(self, out: np.ndarray, joined: str, chunks: int) -> tuple[int, list[Kernel]]:
        """Where the results of chunks go, and what joins them; a single chunk writes to `out`."""
        address = self.address(out)
        if chunks == 1:
            return address, []
        partial = np.empty((chunks, out.size), out.dtype)
        self.alive.append(partial)
        table = self.table([partial.ctypes.data, address, chunks, out.size, sums.JOINED[joined]])
        return partial.ctypes.data, [(sums.kernel(out.dtype.name), table, out.size)]

    def address(self, array: np.ndarray) -> int:
        """Where the array lies, which is from now on held there."""
        self.alive.append(array)
        return array.ctypes.data

    def table(self, numbers: Sequence[int]) -> int:
        """The address of a table of these numbers."""
        table = np.array([int(number) for number in numbers], np.int64)
        self.alive.append(table)
        return table.ctypes.data
