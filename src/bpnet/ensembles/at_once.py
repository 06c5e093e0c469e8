"""How many models are on the device as one stack."""

from __future__ import annotations

import os

from bpnet.backend import Backend
from bpnet.ensembles.numbers import Numbers
from bpnet.training.out_of_memory import free_memory

CACHE = 5 << 18
"""Bytes of weights, gradients and moments that a core of a CPU has in a stack: each step uses all of them again, and
they should stay in its cache of the second level, of 1 or 2 MiB. Of 64-128-10, with 154 kB a model, 8 and 16 a core
were fastest; 1 took 2.6 times as long, 64 1.5 times."""

ON_A_GPU = 1024
"""Models of a stack on a GPU, at most; they take a quarter of its memory, for their batches need some too."""

IN_TURN = 64
"""The same of models of which a layer or metric is asked for in turn: each has launches of its own, and the time to
plan a step of so many grows with the square of their number."""


def fitting(backend: Backend, numbers: Numbers, *, in_turn: bool) -> int:
    """As many as the caches of a CPU hold, or the memory of a GPU; is some of the work done model by model?"""
    vectors = 2 + sum(vector.size == numbers.theta.size for vector in numbers.optimizer)
    of_one = max(1, vectors * int(numbers.theta[0].nbytes))
    if backend.device == "CPU":
        return _cores() * max(1, CACHE // of_one)
    free, most = free_memory(backend), IN_TURN if in_turn else ON_A_GPU
    return most if free is None else max(1, min(most, free // (4 * of_one)))


def evenly(models: int, at_once: int) -> int:
    """The size of a stack where these models fall into as few stacks as can be, of about the same size."""
    stacks = -(-models // at_once)
    return -(-models // stacks)


def stack_of(place: int, models: int, at_once: int) -> range:
    """The models of the stack in which the one at `place` is trained, where all have the same number of rows."""
    start, stop = 0, evenly(models, at_once)
    while place >= stop:
        start, stop = stop, stop + evenly(models - stop, at_once)
    return range(start, stop)


def _cores() -> int:
    """How many this process may use."""
    given = os.environ.get("BPNET_THREADS", "")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(given) if given.isdecimal() and int(given) else usable
