"""The host's random numbers: one independent stream for each purpose, the same on every machine and backend."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """The stream of (seed, purpose): Philox keyed by NumPy's SeedSequence. Words and numbers name the purpose."""
    key = tuple(crc32(part.encode()) if isinstance(part, str) else part for part in purpose)
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))


def epoch_order(seed: int, epoch: int, rows: int, length: int, *, shuffle: bool) -> np.ndarray:
    """The rows of an epoch of `length` samples: passes over all rows, each in a new random order if `shuffle`.

    Without `shuffle` the rows keep their order, and an epoch goes on where the one before ended.
    """
    if not shuffle:
        return np.arange(epoch * length, (epoch + 1) * length) % rows
    passes = -(-length // rows)
    draw = generator(seed, "shuffle", epoch)
    return np.concatenate([draw.permutation(rows) for _ in range(passes)])[:length]


def in_turn(length: int, rows: int) -> np.ndarray:
    """0, 1, …, rows - 1, over and over: the places of `length` samples in buffers of `rows`."""
    return np.arange(length) % rows
