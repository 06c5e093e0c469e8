"""A replay's kernels as parts, each with what joins its chunks; what a part costs is told by what it was made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from bpnet_backends.fusion.products import Product
from bpnet_backends.on_numba.samples import Sampled
from bpnet_backends.on_numba.source import Source
from bpnet_backends.on_numba.team import Kernel, bound
from bpnet_backends.on_numpy.costs import touched
from bpnet_backends.parts import Part, merged


@dataclass(frozen=True)
class Cost:
    """The fields of a part that say what it is. It holds none of the record's memory."""

    op: str
    shape: tuple[int, ...]
    bytes: int
    flop: int

    def part(self, run: Callable[[], Any]) -> Part:
        """The part that `run` does."""
        return Part(self.op, self.shape, self.bytes, self.flop, run)


def cost(work: Source | Product | Sampled) -> Cost:
    """What the kernel of `work` costs."""
    if isinstance(work, Source):
        operations = work.operations
        shape = operations[0].rows, max(op.width for op in operations)
        return Cost(merged([op.name for op in operations]), shape, work.moved, sum(op.flop for op in operations))
    if isinstance(work, Product):
        m, n, k = work.sizes
        return Cost(f"matmul K={k}", (m, n), touched((work.a, work.b)) + touched([work.out]), 2 * prod(work.sizes))
    moved = touched(work.inputs) + touched(work.outputs)
    return Cost(work.kernel.name, work.outputs[0].shape, moved, work.kernel.flop * work.rows)


@dataclass(frozen=True)
class Piece:
    """A kernel of a region, and the kernels that join what its chunks have summed up."""

    cost: Cost
    kernel: Kernel
    chunks: int
    folds: list[Kernel]

    def part(self) -> Part:
        """The piece, ready to be run alone, on as many threads and with the same bits as in the step."""
        regions = [(0, 1, self.chunks)] + [(1, 1 + len(self.folds), 1)] * bool(self.folds)
        return self.cost.part(bound([self.kernel, *self.folds], regions))
