"""What a step of N processes costs, in the α-β model: a message of n bytes takes α + n·β seconds.

Sources: R. Thakur, R. Rabenseifner, W. Gropp, Optimization of collective communication operations in MPICH, Int. J.
High Perform. Comput. Appl. 19 (2005), for the model and the ring; P. Sanders, J. Speck, J. L. Träff, Two-tree
algorithms for full bandwidth broadcast, reduction and scan, Parallel Computing 35 (2009), for the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, log2

import numpy as np


@dataclass(frozen=True)
class Link:
    """Between two processes."""

    alpha: float
    """Seconds until the first byte of a message has arrived."""
    beta: float
    """Seconds a byte."""
    start: float = 0.0
    """Seconds that a call takes however many processes there are."""


AllReduce = Callable[[Link, int, float], float]
"""Seconds of a reduction of so many bytes over N processes."""


def ring(link: Link, ranks: int, size: float) -> float:
    """start + 2 (N-1) α + 2 (N-1)/N · bytes · β; 0 for one process."""
    if ranks == 1:
        return 0.0
    return link.start + 2 * (ranks - 1) * link.alpha + 2 * (ranks - 1) / ranks * size * link.beta


def tree(link: Link, ranks: int, size: float) -> float:
    """start + 2 ⌈log2 N⌉ α + 2 bytes · β: up and down two binary trees, each with half of the vector, in many parts."""
    if ranks == 1:
        return 0.0
    return link.start + 2 * ceil(log2(ranks)) * link.alpha + 2 * size * link.beta


def two_levels(inside: Link, between: Link, each: int) -> AllReduce:
    """Machines of `each` processes: halfway a ring inside each machine, `each` reductions side by side between the
    machines, of 1/`each` of the vector over a link of their own, the faster of ring and tree, and the rest of the ring.
    """

    def seconds(link: Link, ranks: int, size: float) -> float:
        local = min(ranks, each)
        machines = ceil(ranks / each)
        outside = min(way(between, machines, size / local) for way in (ring, tree))
        return ring(link, local, size) + outside

    return lambda _, ranks, size: seconds(inside, ranks, size)


def exposed(backward: float, parts: Iterable[tuple[float, float]]) -> float:
    """Seconds of reductions that the rest of backward does not hide.

    `parts`: for each slice of the gradient, in the order in which they are finished, the share of backward that is
    done by then (1 for the last one), and the seconds of its reduction. One is reduced after the other:
    end = max(end of the one before, share · backward) + seconds.
    """
    end = 0.0
    for share, seconds in parts:
        end = max(end, share * backward) + seconds
    return max(0.0, end - backward)


@dataclass(frozen=True)
class Work:
    """What one process computes in a step: seconds = fixed + per_sample · samples, and the optimizer's `update`."""

    fixed: float
    per_sample: float
    update: float
    size: float
    """Bytes of the gradient: 4 a parameter in float32, 8 in float64."""

    def compute(self, samples: float) -> float:
        """Forward and backward of so many samples."""
        return self.fixed + self.per_sample * samples


def step(work: Work, link: Link, ranks: int, batch: int, how: AllReduce = ring, cores: int | None = None) -> float:
    """Seconds of a step on a batch that N processes share: compute(⌈b/N⌉) + reduction + update, without overlap.

    `cores`: so many processes compute at a time; what the others wait is added.
    """
    turns = 1.0 if cores is None else max(1.0, ranks / cores)
    return turns * (work.compute(ceil(batch / ranks)) + work.update) + how(link, ranks, work.size)


def overlapped(work: Work, link: Link, ranks: int, batch: int, slices: int, how: AllReduce = ring) -> float:
    """The same where the gradient is reduced in equal slices beside backward, which is two thirds of computing."""
    compute = work.compute(ceil(batch / ranks))
    seconds = how(link, ranks, work.size / slices)
    parts = [((place + 1) / slices, seconds) for place in range(slices)]
    return compute + work.update + exposed(2 / 3 * compute, parts)


def efficiency(work: Work, link: Link, ranks: int, batch: int, how: AllReduce = ring) -> float:
    """T(1) / (N · T(N)) on the same batch: 1 where N processes take an Nth of the time."""
    return step(work, link, 1, batch) / (ranks * step(work, link, ranks, batch, how))


def most_ranks(work: Work, link: Link, batch: int, how: AllReduce = ring, at_least: float = 0.5) -> int:
    """The largest power of two, up to the batch, whose efficiency is at least so high."""
    ranks = 1
    while 2 * ranks <= batch and efficiency(work, link, 2 * ranks, batch, how) >= at_least:
        ranks *= 2
    return ranks


def fitted(ranks: int, sizes: Sequence[float], seconds: Sequence[float]) -> Link:
    """α and β of a ring from measured reductions, by least squares of the relative errors; neither is below 0."""
    from scipy.optimize import nnls

    measured = np.asarray(seconds, float)
    terms = np.array([[2 * (ranks - 1), 2 * (ranks - 1) / ranks * size] for size in sizes])
    scale = terms.max(axis=0)  # else bytes and messages are eight orders of magnitude apart
    found, _ = nnls(terms / scale / measured[:, None], np.ones(len(measured)))
    return Link(float(found[0] / scale[0]), float(found[1] / scale[1]))
