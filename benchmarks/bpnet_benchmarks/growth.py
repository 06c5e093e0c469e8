"""How the time of a step grows: a + b·N with the batch size N, and a + b·W with the hidden width W of 64-W-10."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bpnet_benchmarks.record import Cell, Record
from bpnet_benchmarks.workloads import WIDTH_BATCH, WIDTHS, of_width

K = TypeVar("K")

LEAST_POINTS = 3
"""Two points fit any line."""


@dataclass(frozen=True)
class Growth:
    """time = a + b·size."""

    a: float
    """Seconds that a step costs however small it is: the overhead."""
    b: float
    """Seconds that a sample (or a hidden unit) adds."""
    worst: float
    """The largest |fit - time| / time of the points."""


def line(sizes: Sequence[float], times: Sequence[float]) -> Growth:
    """The a, b >= 0 that minimize Σ ((a + b·size - time) / time)²: relative errors, so that small steps count too."""
    from scipy.optimize import nnls

    size, time = np.asarray(sizes, float), np.asarray(times, float)
    scale = size.max()
    (a, slope), _ = nnls(np.stack([1 / time, size / scale / time], axis=1), np.ones(len(time)))
    b = slope / scale
    return Growth(float(a), float(b), float(np.max(np.abs(a + b * size - time) / time)))


def with_batch(record: Record) -> dict[tuple[str, str], Growth]:
    """By (workload, contender), where at least 3 batch sizes were timed."""
    points: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for cell in _steps(record):
        points.setdefault((cell.workload, cell.contender), []).append((cell.batch, cell.median))
    return _lines(points)


def with_width(record: Record) -> dict[str, Growth]:
    """By contender, from the sweep over 64-W-10 at batch 32, where at least 3 widths were timed."""
    widths = {of_width(width).name: width for width in WIDTHS}
    points: dict[str, list[tuple[float, float]]] = {}
    for cell in _steps(record):
        if cell.workload in widths and cell.batch == WIDTH_BATCH:
            points.setdefault(cell.contender, []).append((widths[cell.workload], cell.median))
    return _lines(points)


def _steps(record: Record) -> Iterable[Cell]:
    return (cell for cell in record.cells if cell.mode == "step" and cell.counts)


def _lines(points: dict[K, list[tuple[float, float]]]) -> dict[K, Growth]:
    return {key: line(*zip(*found, strict=True)) for key, found in points.items() if len(found) >= LEAST_POINTS}
