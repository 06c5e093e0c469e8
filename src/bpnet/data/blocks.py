"""Large arrays are looked at a block of rows at a time: a memory-mapped one may be larger than the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

BLOCK = 1 << 20
"""Numbers looked at at once."""


def blocks(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The rows of `array` in views of some BLOCK numbers, each with the number of its first row."""
    rows = max(1, BLOCK * len(array) // max(1, array.size))
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows]


def first(array: np.ndarray, wrong: Callable[[np.ndarray], np.ndarray]) -> tuple[int, ...] | None:
    """The first place for which `wrong`, an elementwise test, is true; None if there is none."""
    for start, block in blocks(array):
        found = wrong(block)
        if found.any():
            row, *rest = (int(i) for i in np.argwhere(found)[0])
            return (start + row, *rest)
    return None


def count(array: np.ndarray, wrong: Callable[[np.ndarray], np.ndarray]) -> int:
    """For how many elements `wrong` is true."""
    return sum(int(wrong(block).sum()) for _, block in blocks(array))


def most(array: np.ndarray, of: Callable[[np.ndarray], np.ndarray] = np.asarray) -> float:
    """The largest of `of` of the elements."""
    return max(float(of(block).max()) for _, block in blocks(array))
