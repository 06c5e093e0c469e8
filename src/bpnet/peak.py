"""What a machine does at best, from two measurements: matrix products and copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from bpnet.backend import Backend

SIDES = {"cpu": (512, 1_024, 2_048), "gpu": (4_096, 8_192)}
"""Of the squares that are multiplied."""

COPIES = tuple(4**power * 2**16 for power in range(7))
"""Bytes that a copy reads and writes together: 64 KiB to 256 MiB."""


@dataclass(frozen=True)
class Peak:
    """The roofline of a device."""

    flops: float
    """Floating-point operations a second of the fastest product of large squares."""
    copies: list[tuple[int, float]]
    """Bytes read and written by a copy, and bytes a second; small ones stay in the caches."""

    def bandwidth(self, size: float) -> float:
        """Bytes a second of the fastest copy of at least `size` bytes, or of the largest."""
        return max([rate for moved, rate in self.copies if moved >= size] or [self.copies[-1][1]])

    def least_seconds(self, flop: float, moved: float) -> float:
        """max(FLOP / peak, bytes / bandwidth) of work that reads or writes each of its bytes once."""
        return max(flop / self.flops, moved / self.bandwidth(moved))


def measure(
    backend: Backend,
    sides: Sequence[int],
    copies: Sequence[int] = COPIES,
    *,
    seconds: float,
    threads: int = 1,
    dtype: str = "float32",
) -> Peak:
    """Measure on `backend`, `seconds` for each product and copy; NumPy copies on one thread and on `threads`."""
    flops = max(2 * side**3 / _best(_product(backend, side, dtype), backend, seconds) for side in sides)
    best = [min(_best(copy, backend, seconds) for copy in _copies(backend, size, threads)) for size in copies]
    return Peak(flops, [(size, size / each) for size, each in zip(copies, best, strict=True)])


def _best(call: Callable[[], object], backend: Backend, seconds: float) -> float:
    """Seconds of the fastest call, each waited for; short calls are timed ten at a time."""
    call()
    backend.synchronize()
    best, end, calls = float("inf"), perf_counter() + seconds, 1
    while perf_counter() < end:
        start = perf_counter()
        for _ in range(calls):
            call()
        backend.synchronize()
        best = min(best, (perf_counter() - start) / calls)
        calls = 10 if best < seconds / 100 else 1
    return best


def _product(backend: Backend, side: int, dtype: str) -> Callable[[], object]:
    """c = a b of `side` × `side`."""
    a, b = (backend.asarray(np.random.default_rng(i).random((side, side)), dtype) for i in range(2))
    if backend.name == "numpy":
        c = np.empty_like(a)
        return lambda: np.matmul(a, b, out=c)
    return lambda: a @ b


def _copies(backend: Backend, size: int, threads: int) -> Iterator[Callable[[], object]]:
    """Copies that read `size` / 2 bytes and write as many; of NumPy's, on one thread and on all."""
    source, target = (backend.asarray(np.ones(size // 8), "float32") for _ in range(2))

    def copy() -> None:
        target[...] = source

    yield copy
    if backend.name == "numpy" and threads > 1:
        parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
        with ThreadPoolExecutor(threads) as pool:
            yield lambda: list(pool.map(_copy_part, parts))


def _copy_part(part: tuple[Any, Any]) -> None:
    np.copyto(*part)
