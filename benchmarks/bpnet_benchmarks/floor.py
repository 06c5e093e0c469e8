"""The physical floor of a step on this machine, from two measurements: products and copies.

`python -m bpnet_benchmarks.floor cpu` (or gpu) measures, and prints JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np

from bpnet.backend import Backend, make
from bpnet_benchmarks.processes import run_json
from bpnet_benchmarks.workload import Workload

SIDES = {"cpu": (512, 1_024, 2_048), "gpu": (4_096, 8_192)}
"""Of the squares that are multiplied."""

COPIES = tuple(4**power * 2**16 for power in range(7))
"""Bytes that a copy reads and writes together: 64 KiB to 256 MiB."""

GPU_BACKENDS = ("torch:cuda", "cupy")
"""What a GPU is measured with: the first that runs."""

SECONDS = 0.2
"""For each measurement."""

LIMIT = 120.0


@dataclass(frozen=True)
class Floor:
    """What the device does at best."""

    flops: float
    """Floating-point operations a second of the fastest float32 product of large squares."""
    copies: list[tuple[int, float]]
    """Bytes read and written by a copy, and bytes a second; small ones stay in the caches."""

    def seconds(self, workload: Workload, batch: int) -> float:
        """max(FLOP / peak, bytes / bandwidth) of a step.

        The bandwidth is that of the fastest copy of at least a quarter of the step's bytes: a step touches its arrays
        several times each, so that they fill a fraction of what it moves.
        """
        moved = workload.bytes(batch)
        large = [rate for size, rate in self.copies if size >= moved / 4] or [self.copies[-1][1]]
        return max(workload.flop(batch) / self.flops, moved / max(large))


def measured(device: str, threads: int) -> Floor:
    """The floor of `cpu` or `gpu`, measured in a process of its own. ChildFailedError: it could not be."""
    command = [sys.executable, "-m", "bpnet_benchmarks.floor", device]
    return from_json(run_json(command, threads, LIMIT))


def from_json(fields: Mapping[str, Any]) -> Floor:
    """The floor that was written as JSON."""
    return Floor(fields["flops"], [(size, rate) for size, rate in fields["copies"]])


def measure(device: str) -> Floor:
    """Measure in this process, with the threads that its environment allows."""
    backend = _backend(device)
    flops = max(2 * side**3 / _best(_product(backend, side), backend) for side in SIDES[device])
    copies = [(size, size / min(_best(copy, backend) for copy in _copies(backend, size))) for size in COPIES]
    return Floor(flops, copies)


def _backend(device: str) -> Backend:
    if device == "cpu":
        return make("numpy")
    reasons = []
    for spec in GPU_BACKENDS:
        try:
            return make(spec)
        except (ImportError, RuntimeError) as error:
            reasons.append(f"{spec}: {error}")
    raise RuntimeError("; ".join(reasons))


def _best(call: Callable[[], object], backend: Backend) -> float:
    """Seconds of the fastest call, each waited for; short calls are timed ten at a time."""
    call()
    backend.synchronize()
    best, end, calls = float("inf"), perf_counter() + SECONDS, 1
    while perf_counter() < end:
        start = perf_counter()
        for _ in range(calls):
            call()
        backend.synchronize()
        best = min(best, (perf_counter() - start) / calls)
        calls = 10 if best < SECONDS / 100 else 1
    return best


def _product(backend: Backend, side: int) -> Callable[[], object]:
    """c = a b of `side` × `side`."""
    a, b = (backend.asarray(np.random.default_rng(i).random((side, side)), "float32") for i in range(2))
    if backend.name == "numpy":
        c = np.empty_like(a)
        return lambda: np.matmul(a, b, out=c)
    return lambda: a @ b


def _copies(backend: Backend, size: int) -> Iterator[Callable[[], object]]:
    """Copies that read `size` / 2 bytes and write as many; of NumPy's, on one thread and on all."""
    source, target = (backend.asarray(np.ones(size // 8), "float32") for _ in range(2))

    def copy() -> None:
        target[...] = source

    yield copy
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    if backend.name == "numpy" and threads > 1:
        parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
        with ThreadPoolExecutor(threads) as pool:
            yield lambda: list(pool.map(_copy_part, parts))


def _copy_part(part: tuple[Any, Any]) -> None:
    np.copyto(*part)


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1]))))
