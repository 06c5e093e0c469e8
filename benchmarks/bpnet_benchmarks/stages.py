"""What is timed on a GPU, the most wanted first: what each process times, as `sweep` carries it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bpnet_benchmarks.workloads import KNOWN

Cells = tuple[tuple[str, int], ...]
"""Workloads and batch sizes."""

SMALL = ("64-128-10", 32)
MIDDLE = ("784-256-128-10", 256)
LARGE = ("4096x4", 2_048)
IMAGES = (("cnn", 32), ("cnn", 100), ("cnn", 256))
HEADLINE: Cells = (SMALL, MIDDLE, LARGE, *IMAGES)

BATCHES = (32, 256, 2_048, 16_384, 65_536)
MOST_FLOP = 1e12
"""Of a step: three of them are made again in float64 on the CPU, which longer ones would take minutes for."""


@dataclass(frozen=True)
class Stage:
    """What one process times: contenders of one library and precision, each at its cells."""

    parts: tuple[tuple[str, Cells], ...]
    seconds: float
    """For each cell."""

    def cells(self) -> Iterator[tuple[str, str, int]]:
        """Contender, workload and batch size, in order."""
        for contender, cells in self.parts:
            for workload, batch in cells:
                yield contender, workload, batch


REST: Cells = tuple(
    (name, batch)
    for batch in BATCHES
    for name in ("64-128-10", "784-256-128-10", "784-1024-1024-10", "4096x4")
    if (name, batch) not in HEADLINE and KNOWN[name].flop(batch) <= MOST_FLOP
)
"""Every batch size of every net of dense layers; the large ones last."""

STAGES = (
    Stage((("bpnet-cupy", HEADLINE), ("bpnet-cupy-many", (SMALL, MIDDLE))), 0.4),
    Stage((("bpnet-torch-cuda", HEADLINE), ("bpnet-torch-cuda-many", (SMALL, MIDDLE))), 0.4),
    Stage((("torch-graph", HEADLINE), ("torch-graph-many", (SMALL, MIDDLE)), ("torch-cuda", (SMALL, LARGE))), 0.4),
    Stage((("jax-scan-cuda", HEADLINE),), 0.4),
    Stage((("bpnet-cupy-tf32", (MIDDLE, LARGE)), ("bpnet-cupy-many-tf32", (MIDDLE,))), 0.4),
    Stage((("bpnet-torch-cuda-tf32", (MIDDLE, LARGE)), ("bpnet-torch-cuda-many-tf32", (MIDDLE,))), 0.4),
    Stage((("torch-graph-tf32", (MIDDLE, LARGE)), ("torch-cuda-tf32", (LARGE,))), 0.4),
    Stage((("torch-compiled-cuda", (SMALL,)),), 0.4),
    *(Stage(((name, REST),), 0.2) for name in ("bpnet-cupy", "bpnet-torch-cuda", "torch-graph", "jax-scan-cuda")),
)
