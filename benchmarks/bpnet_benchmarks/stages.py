"""What is timed on a GPU, the most wanted first: stages of contenders and cells, as `sweep` carries them out."""

from __future__ import annotations

from dataclasses import dataclass

SMALL = ("64-128-10", 32)
MIDDLE = ("784-256-128-10", 256)
LARGE = ("4096x4", 2_048)
IMAGES = (("cnn", 32), ("cnn", 100), ("cnn", 256))

BATCHES = (32, 256, 2_048, 16_384, 65_536)
MOST_NUMBERS = 2**26
"""In a data set: a cell whose rows have more would spend its time on making them."""


@dataclass(frozen=True)
class Stage:
    """Contenders, each of which is timed at these cells, all in one process."""

    contenders: tuple[str, ...]
    cells: tuple[tuple[str, int], ...]
    """Workload and batch size."""
    seconds: float
    """For each cell."""


STAGES = (
    Stage(
        ("bpnet-cupy", "bpnet-torch-cuda", "torch-graph", "torch-cuda", "jax-scan-cuda"),
        (SMALL, MIDDLE, LARGE, *IMAGES),
        0.4,
    ),
    Stage(("bpnet-cupy-many", "bpnet-torch-cuda-many", "torch-graph-many"), (SMALL, MIDDLE), 0.4),
    Stage(("torch-compiled-cuda",), (SMALL,), 0.4),
    Stage(("bpnet-cupy-tf32", "bpnet-torch-cuda-tf32", "torch-graph-tf32", "torch-cuda-tf32"), (MIDDLE, LARGE), 0.4),
    Stage(("bpnet-cupy-many-tf32", "bpnet-torch-cuda-many-tf32"), (MIDDLE,), 0.4),
    Stage(
        ("bpnet-cupy", "bpnet-torch-cuda", "torch-graph", "jax-scan-cuda"),
        tuple(
            (name, batch)
            for name in ("64-128-10", "784-256-128-10", "784-1024-1024-10", "4096x4")
            for batch in BATCHES
            if (name, batch) not in (SMALL, MIDDLE, LARGE)
            and batch * int(name.split("-")[0].split("x")[0]) <= MOST_NUMBERS
        ),
        0.2,
    ),
)
