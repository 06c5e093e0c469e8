"""The measurements: nodes of a graph, launches, products and copies, as plain numbers.

A graph of n equal nodes takes a + b·n: b is what a node costs, a what a graph does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from bpnet_benchmarks.growth import line
from bpnet_benchmarks.micro.gpu import Gpu, Work
from bpnet_benchmarks.micro.on_cupy import CuPy
from bpnet_benchmarks.micro.on_torch import PyTorch
from bpnet_benchmarks.micro.timing import timed

COUNTS = (1, 2, 4, 8, 16, 32, 64)
"""Nodes of the graphs."""

SIDES = (4_096, 8_192)
"""Of the squares that are multiplied."""

SIZES = tuple(4**power * 2**16 for power in range(8))
"""Bytes that are copied: 64 KiB to 1 GiB."""

MOST_PAGEABLE = 2**28
"""Bytes: larger copies from pageable memory only take time."""


def cupy() -> dict[str, Any]:
    """Nodes and launches, by CuPy."""
    gpu = CuPy()
    return {"versions": gpu.versions, **nodes_and_launches(gpu)}


def torch() -> dict[str, Any]:
    """Nodes and launches, products and copies, by PyTorch."""
    gpu = PyTorch()
    return {"versions": gpu.versions, **nodes_and_launches(gpu), "products": products(gpu), "copies": copies(gpu)}


LIBRARIES: dict[str, Callable[[], dict[str, Any]]] = {"cupy": cupy, "torch": torch}
"""Each is called in a process of its own."""


def nodes_and_launches(gpu: Gpu) -> dict[str, Any]:
    """`nodes`: by kind the fits, and the times by the number of nodes; `launches`: one by one, without a graph."""
    nodes: dict[str, Any] = {}
    launches: dict[str, Any] = {}
    for name, make in gpu.nodes().items():
        try:
            work = make()
            launches[name] = asdict(timed(gpu, work))
            nodes[name] = fitted({count: asdict(timed(gpu, gpu.graph(_times(work, count)))) for count in COUNTS})
        except Exception as error:  # whatever a library raises for it: the other kinds are still of use
            nodes[name] = {"why_not": f"{type(error).__name__}: {error}"}
    return {"nodes": nodes, "launches": launches}


def fitted(times: dict[int, dict[str, float]]) -> dict[str, Any]:
    """Seconds of a node and of a graph, on the device and on the wall, from the times by the number of nodes."""
    counts = list(times)
    found: dict[str, Any] = {"times": {str(count): times[count] for count in counts}}
    for clock in ("device", "wall"):
        growth = line(counts, [times[count][clock] for count in counts])
        found[clock] = {"node": growth.b, "graph": growth.a, "off_by": growth.worst}
    return found


def products(gpu: PyTorch) -> list[dict[str, Any]]:
    """FLOP a second of squares, 2 side³ FLOP each."""
    return [
        {"precision": precision, "side": side, "flops": 2 * side**3 / timed(gpu, work).device}
        for side in SIDES
        for precision, work in gpu.products(side)
    ]


def copies(gpu: PyTorch) -> list[dict[str, Any]]:
    """Bytes copied a second; a copy on the device reads as many and writes as many."""
    return [
        {"copy": name, "bytes": size, "rate": size / timed(gpu, work).device}
        for size in SIZES
        for name, work in gpu.copies(size)
        if size <= MOST_PAGEABLE or "pageable" not in name
    ]


def _times(work: Work, count: int) -> Work:
    def all_of_them() -> None:
        for _ in range(count):
            work()

    return all_of_them
