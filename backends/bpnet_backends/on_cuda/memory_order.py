"""What hand-written kernels ask of arrays: one of their types, and elements that follow one another."""

from __future__ import annotations

from typing import Any

from bpnet_backends.on_cuda.notes import listening, numpy_type, strides_of
from bpnet_backends.on_cuda.texts import REALS


def dtype_of(*arrays: Any) -> str | None:
    """Their common type; None where no kernel takes them: another type, or no elements."""
    names = {numpy_type(array.dtype).name for array in arrays}
    name = names.pop()
    return None if names or name not in REALS or any(0 in array.shape for array in arrays) else name


def is_contiguous(array: Any) -> bool:
    """Do the elements follow one another, the last axis fastest?"""
    own = array.stand_in if listening() else array.own
    apart = numpy_type(own.dtype).itemsize
    for length, stride in zip(reversed(array.shape), reversed(strides_of(own, apart)), strict=True):
        if length > 1 and stride != apart:
            return False
        apart *= length
    return True


def contiguous(be: Any, array: Any) -> Any:
    """The array itself where it is contiguous, else a copy."""
    if is_contiguous(array):
        return array
    made = be.xp.empty(array.shape, dtype=array.dtype, device=array.device)
    made[...] = array
    return made


def reshaped(be: Any, array: Any, shape: tuple[int, ...]) -> Any:
    """A view of a contiguous array; of another a copy."""
    return be.xp.reshape(contiguous(be, array), shape)
