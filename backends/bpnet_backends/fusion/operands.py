"""Arrays as a loop over rows sees them: an element a row and column, wherever it lies in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from bpnet_backends.on_numpy.recording import is_alone, root

TYPES = {np.dtype(name): name for name in ("float32", "float64", "int64", "bool")}


@dataclass(frozen=True)
class Operand:
    """Element (n, k) lies at `address` + `itemsize` · (n · `across` + k · `along`); n < rows, k < width."""

    address: int
    dtype: str
    rows: int
    width: int
    across: int
    along: int
    array: np.ndarray = field(compare=False, repr=False)

    @cached_property
    def owner(self) -> int | None:
        """The identity of the array whose memory this is; None where it is not NumPy's own."""
        owner = root(self.array)
        return id(owner) if is_alone(owner) else None

    @property
    def is_scalar(self) -> bool:
        """Is it one element for all rows and columns?"""
        return self.across == 0 and self.along == 0

    @property
    def is_whole(self) -> bool:
        """Does it fill its memory row by row?"""
        return (self.along == 1 or self.width == 1) and self.across == self.width

    @cached_property
    def span(self) -> tuple[int, int]:
        """The addresses of its first byte and of the byte after its last."""
        size = np.dtype(self.dtype).itemsize
        down, right = self.across * (self.rows - 1), self.along * (self.width - 1)
        low, high = min(down, 0) + min(right, 0), max(down, 0) + max(right, 0)
        return self.address + low * size, self.address + (high + 1) * size


def domain(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and width of an array: the first axis, and all others together."""
    rows = shape[0] if shape else 1
    width = 1
    for size in shape[1:]:
        width *= size
    return rows, width


def operand(array: np.ndarray, shape: tuple[int, ...]) -> Operand | None:
    """`array`, broadcast to `shape`; None where its elements do not follow one another as an Operand's must."""
    if array.dtype not in TYPES or 0 in shape:
        return None
    view = array if array.shape == shape else np.broadcast_to(array, shape)
    size = array.dtype.itemsize
    if any(stride % size for stride in view.strides):
        return None
    strides = [0 if length == 1 else stride // size for stride, length in zip(view.strides, shape, strict=True)]
    rows, width = domain(shape)
    inner = [(stride, length) for stride, length in zip(strides[1:], shape[1:], strict=True) if length > 1]
    for (stride, _), (next_stride, next_length) in pairwise(inner):
        if stride != next_stride * next_length:
            return None
    along = inner[-1][0] if inner else 0
    across = strides[0] if rows > 1 else width if along == 1 else 0
    return Operand(view.ctypes.data, TYPES[array.dtype], rows, width, across, along, array)


def overlap(a: Operand, b: Operand) -> bool:
    """May they share a byte?"""
    if a.owner != b.owner and a.owner is not None and b.owner is not None:
        return False
    (a_low, a_high), (b_low, b_high) = a.span, b.span
    return a_low < b_high and b_low < a_high


def same_place(a: Operand, b: Operand) -> bool:
    """Is element (n, k) of both the same memory? A value a row may be spread over the columns."""
    if a == b:
        return True
    spread = a.width == 1 and a.along == b.along == 0
    return spread and (a.address, a.dtype, a.rows, a.across) == (b.address, b.dtype, b.rows, b.across)


ORDINARY = (0.0, 1.0, -1.0, 0.5, 2.0)
"""Numbers that the compiler should know, because it can make use of them."""


def literal(x: Any, dtype: str) -> str:
    """A number of Python as text of that type; ⟨0.9:float32⟩ where it is to become an argument of the kernel."""
    if dtype == "bool":
        return str(bool(x))
    if dtype == "int64":
        return f"np.int64({int(x)})"
    return f"np.{dtype}({float(x)!r})" if float(x) in ORDINARY else f"⟨{float(x)!r}:{dtype}⟩"
