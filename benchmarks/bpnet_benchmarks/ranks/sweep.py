"""`python -m bpnet_benchmarks.ranks.sweep`, on each rank: the seconds of all_reduce by the bytes of the vector."""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from bpnet.distributed import communicator
from bpnet.training.communicator import Communicator

SIZES = (8, 256, 4_096, 40_000, 400_000, 2_000_000, 7_500_000)
"""Bytes: 64-128-10 has 38,440 of them in float32, 784-1024-1024-10 has 7,462,952."""

BETWEEN = 1e-3
"""Seconds of computing before each all_reduce."""


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
    """The mean of one all_reduce, of as many as fit in `budget` seconds, from 20 to 500: a run waits for every one.

    Before each the process computes for a millisecond, as a step does: threads that wait for a message have gone to
    sleep meanwhile, and the caches hold other things.
    """
    vector = np.zeros(size // 4, np.float32)
    for _ in range(2):
        ranks.all_reduce(vector)
    begun = time.perf_counter()
    for _ in range(5):
        ranks.all_reduce(vector)
    count = np.array([min(500.0, max(20.0, budget / ((time.perf_counter() - begun) / 5 + BETWEEN)))])
    ranks.broadcast(count)
    times = []
    for _ in range(int(count[0])):
        _compute(BETWEEN)
        begun = time.perf_counter()
        ranks.all_reduce(vector)
        times.append(time.perf_counter() - begun)
    return sum(times) / len(times)


def _compute(seconds: float) -> None:
    matrix = np.zeros((64, 64), np.float32)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        matrix @ matrix


if __name__ == "__main__":
    main()
