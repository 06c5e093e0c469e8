"""Arrays of any axes and strides as a kernel sees them: as few axes as there can be, and an index for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpnet_backends.on_cuda.translation import TYPES

Strides = tuple[int, ...]


def strides_of(x: np.ndarray, shape: tuple[int, ...]) -> Strides | None:
    """The strides of `x`, spread to `shape`, in elements; None where a kernel cannot work on it."""
    if x.dtype.name not in TYPES:
        return None
    size = x.dtype.itemsize
    view = np.broadcast_to(x, shape)
    if any(stride % size for stride in view.strides):
        return None
    return tuple(0 if n == 1 else stride // size for stride, n in zip(view.strides, shape, strict=True))


def collapsed(shape: Sequence[int], strides: Sequence[Strides]) -> tuple[tuple[int, ...], list[Strides]]:
    """The same elements in the same order on fewer axes: those that follow on in every array become one."""
    sizes: list[int] = []
    found: list[list[int]] = [[] for _ in strides]
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        here = [each[axis] for each in strides]
        if sizes and all(before[-1] == stride * size for before, stride in zip(found, here, strict=True)):
            sizes[-1] *= size
            for before, stride in zip(found, here, strict=True):
                before[-1] = stride
        else:
            sizes.append(size)
            for before, stride in zip(found, here, strict=True):
                before.append(stride)
    return tuple(sizes), [tuple(each) for each in found]


def ordered(shape: Sequence[int], strides: Sequence[Strides]) -> tuple[tuple[int, ...], list[Strides]]:
    """The axes so that the first array is gone through along its memory: threads that follow on write side by side."""
    order = sorted(range(len(shape)), key=lambda axis: -abs(strides[0][axis]))
    return tuple(shape[axis] for axis in order), [tuple(each[axis] for axis in order) for each in strides]


def indices(name: str, letter: str, shape: Sequence[int], of: str) -> list[str]:
    """Lines that take number `name` of an array's elements apart into an index for each axis."""
    lines = [f"{of} rest_{letter} = {name};"]
    for axis in reversed(range(len(shape))):
        if axis == 0:
            lines.append(f"const {of} {letter}0 = rest_{letter};")
        else:
            lines += [
                f"const {of} {letter}{axis} = rest_{letter} % {shape[axis]};",
                f"rest_{letter} /= {shape[axis]};",
            ]
    return lines


def place(letter: str, strides: Sequence[int]) -> str:
    """The distance of an element from the first, from its indices."""
    parts = [f"{letter}{axis} * ({stride}LL)" for axis, stride in enumerate(strides) if stride]
    return " + ".join(parts) or "0"


def reach(shape: Sequence[int]) -> str:
    """The type that counts so many elements."""
    size = 1
    for n in shape:
        size *= n
    return "uint32" if size < 1 << 31 else "uint64"
