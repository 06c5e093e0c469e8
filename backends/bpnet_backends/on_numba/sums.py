"""The results of a region's chunks, joined: element by element, in the order of the chunks."""

from __future__ import annotations

from typing import Any

from bpnet_backends.on_numba.compiling import address_of_function
from bpnet_backends.on_numba.words import int64_at, of_type

ADD, MAXIMUM, MINIMUM = range(3)
JOINED = {"add": ADD, "maximum": MAXIMUM, "minimum": MINIMUM}
REAL_at: Any = None
"""float32_at or float64_at."""


def join(arguments: int, start: int, stop: int, chunk: int) -> None:
    """Of a table (parts, out, number of chunks, size, how to join): out = part 0 ∘ part 1 ∘ …"""
    a = int64_at(arguments)
    parts, out, chunks, size, joined = REAL_at(a[0]), REAL_at(a[1]), a[2], a[3], a[4]
    for i in range(start, stop):
        out[i] = parts[i]
    for part in range(1, chunks):
        row = part * size
        if joined == ADD:
            for i in range(start, stop):
                out[i] = out[i] + parts[row + i]
        else:
            for i in range(start, stop):
                x, y = out[i], parts[row + i]
                first = x >= y if joined == MAXIMUM else x <= y
                out[i] = x if first or x != x else y


def kernel(dtype: str) -> int:
    """The address of the compiled function."""
    return address_of_function(join, **of_type(dtype))
