"""`python -m bpnet_benchmarks.ranks.sweep`, on each rank: the seconds of all_reduce by the bytes of the vector."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence

import numpy as np

from bpnet.distributed import communicator
from bpnet.training.communicator import Communicator

SIZES = (8, 256, 4_096, 40_000, 400_000, 2_000_000, 7_500_000)
"""Bytes: 64-128-10 has 38,440 of them in float32, 784-1024-1024-10 has 7,462,952."""


def main() -> None:
    """Rank 0 prints a line of JSON a size."""
    parser = argparse.ArgumentParser(prog="python -m bpnet_benchmarks.ranks.sweep")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each size")
    given = parser.parse_args()
    ranks = communicator()
    if ranks is None:
        raise SystemExit("sweep: expected at least two processes. Mend: torchrun --nproc-per-node=2 -m …, or mpiexec")
    for size in SIZES:
        found = seconds(ranks, size, given.seconds)
        if ranks.rank == 0:
            print(json.dumps({"engine": ranks.name, "ranks": ranks.size, "bytes": size, "seconds": found}), flush=True)
    ranks.barrier()
    ranks.close()


def seconds(ranks: Communicator, size: int, budget: float) -> float:
    """The lower quartile of one all_reduce, of as many as fit in `budget` seconds, from 5 to 500."""
    vector = np.zeros(size // 4, np.float32)
    for _ in range(2):
        ranks.all_reduce(vector)
    begun = time.perf_counter()
    ranks.all_reduce(vector)
    count = np.array([min(500.0, max(5.0, budget / (time.perf_counter() - begun)))])
    ranks.broadcast(count)
    times = []
    for _ in range(int(count[0])):
        begun = time.perf_counter()
        ranks.all_reduce(vector)
        times.append(time.perf_counter() - begun)
    return lower_quartile(times)


def lower_quartile(seconds: Sequence[float]) -> float:
    """What a quarter of the times are below: on a shared machine the others tell of other programs."""
    return sorted(seconds)[len(seconds) // 4]


if __name__ == "__main__":
    main()
