"""The results of a region's chunks, joined: element by element, in the order of the chunks."""

from __future__ import annotations

from functools import cache
from typing import Any

from numba import cfunc

from bpnet_backends.on_numba.machine import KERNEL, float32_at, float64_at, int64_at


@cache
def kernel(dtype: str, joined: str) -> Any:
    """The compiled kernel that joins by `add`, `maximum` or `minimum`."""
    pointer = float32_at if dtype == "float32" else float64_at
    largest = joined == "maximum"
    add = joined == "add"

    def join(arguments: int, start: int, stop: int, chunk: int) -> None:
        a = int64_at(arguments)
        parts, out, chunks, size = pointer(a[0]), pointer(a[1]), a[2], a[3]
        for i in range(start, stop):
            out[i] = parts[i]
        for part in range(1, chunks):
            row = part * size
            for i in range(start, stop):
                x, y = out[i], parts[row + i]
                if add:
                    out[i] = x + y
                elif largest:
                    out[i] = x if x >= y or x != x else y
                else:
                    out[i] = x if x <= y or x != x else y

    return cfunc(KERNEL, error_model="numpy")(join)
