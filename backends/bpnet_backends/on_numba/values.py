"""What the values of a kernel are: their types, and LLVM's name for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

TYPES: dict[str, Any] = {
    "float32": ir.FloatType(),
    "float64": ir.DoubleType(),
    "int64": ir.IntType(64),
    "int32": ir.IntType(32),
    "uint8": ir.IntType(8),
    "bool": ir.IntType(1),
    **{f"float32x{n}": ir.VectorType(ir.FloatType(), n) for n in (4, 8, 16)},
    **{f"float64x{n}": ir.VectorType(ir.DoubleType(), n) for n in (2, 4, 8)},
}
"""A vector, float32x8, is several numbers on which an instruction works at once."""

UNSIGNED = ("bool", "uint8")


@dataclass(frozen=True)
class Value:
    """Something of a kernel: `of` is its type, `*float32` for the memory of an array; `number` has none yet."""

    of: str
    llvm: Any

    @property
    def is_float(self) -> bool:
        """Is it float32 or float64, or a vector of them?"""
        return self.of.startswith("float")

    @property
    def alignment(self) -> int | None:
        """Of its memory, in bytes, where that is not a multiple of its own size: a vector may begin at any number."""
        return {"float32x": 4, "float64x": 8}.get(self.of.lstrip("*")[:8])


class TranslationError(TypeError):
    """A kernel is not written in the part of Python that there is a translation for."""


def plain(x: Any) -> Any:
    """A number of NumPy or Python as a constant; anything else as it is."""
    if isinstance(x, np.generic):
        of = x.dtype.name
        return Value(of, TYPES[of](x.item()))
    if isinstance(x, int | float):
        return Value("number", x)
    return x
