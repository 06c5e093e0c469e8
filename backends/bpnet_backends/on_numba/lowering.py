"""From the record of a step to its replay: tables of compiled kernels, and NumPy's calls where there is no kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpnet_backends.fusion.items import Item, items
from bpnet_backends.fusion.products import Product
from bpnet_backends.fusion.rows import RowKernel
from bpnet_backends.on_numba.dividing import alone
from bpnet_backends.on_numba.many_steps import ManySteps, many_steps
from bpnet_backends.on_numba.models import Stacked, StackedKernels
from bpnet_backends.on_numba.pieces import Piece, cost
from bpnet_backends.on_numba.regions import Region, regions
from bpnet_backends.on_numba.samples import Sampled
from bpnet_backends.on_numba.stacks import Run, runs
from bpnet_backends.on_numba.tables import Tables
from bpnet_backends.on_numba.team import Kernel, bound
from bpnet_backends.on_numpy.arena import recycled
from bpnet_backends.on_numpy.program import shortened
from bpnet_backends.on_numpy.recording import Call, Record
from bpnet_backends.on_numpy.replay import bind, part
from bpnet_backends.parts import Part


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
    repeat: ManySteps | None = None
    """So many steps in one call, where there is a way that takes less."""

    def __call__(self) -> None:
        """One step."""
        for call in self.calls:
            call()

    def parts(self) -> list[Part]:
        """A part a kernel, and a part a call of NumPy's."""
        return [piece.part() if isinstance(piece, Piece) else piece for piece in self.pieces]


class Lowering(Tables):
    """A record on its way to a replay."""

    def __init__(self, record: Record) -> None:
        found: list[Item] = []
        self._calls = shortened(record)
        self._parts = runs(record, self._calls)
        for run in self._parts:
            found += [Item(Stacked(run))] if isinstance(run, Run) else items(run, alone)
        super().__init__(record, found)
        self._pieces: list[Piece | Part] = []
        self._beside: list[tuple[Kernel, int]] = []
        """The kernels that are not of stacked models, each with the number of its chunks."""
        self._regions = regions(found)
        self._place = recycled(record, [self.uses(region.items) for region in self._regions])

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
        many = (
            many_steps(self._record, self._calls, self._parts, self._beside, self.address) if len(calls) == 1 else None
        )
        return Replay(calls, self._pieces, self.alive, many)

    def address(self, array: np.ndarray) -> int:
        """Where the array lies, or the memory that stands for it."""
        return super().address(self._place(array))

    def _add(self, region: Region, segment: Segment) -> None:
        chunks = region.chunks
        kernels, folds = [], []
        for item in region.items:
            work = item.work
            if isinstance(work, Stacked):
                stacked = StackedKernels(work, self.address)
                kernel = stacked.all()
                self._pieces += stacked.pieces(chunks)
                self.alive += stacked.alive
            else:
                assert isinstance(work, RowKernel | Product | Sampled)
                kernel, partials = self.made(work, chunks)
                self._pieces.append(Piece(cost(self.described(work)), kernel, chunks, partials))
                folds += partials
                self._beside.append((kernel, chunks))
            kernels.append(kernel)
        segment.add(kernels, chunks)
        if folds:
            segment.add(folds, 1)
