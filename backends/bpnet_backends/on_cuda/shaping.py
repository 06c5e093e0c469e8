"""The standard's functions that move elements, on stand-ins: views where they can be, copies written down elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from bpnet_backends.on_cuda.notes import numpy_type, present


def copied(x: np.ndarray, dtype: Any = None) -> np.ndarray:
    """A new array in rows with the same elements, of another type where one is given."""
    out = present().made(x.shape, x.dtype if dtype is None else numpy_type(dtype))
    present().note("copy", np.copyto, (x,), (out,))
    return out


def in_rows(x: np.ndarray) -> np.ndarray:
    """`x`, or a copy whose elements follow one another."""
    return x if x.flags.c_contiguous else copied(x)


def astype(x: np.ndarray, dtype: Any, /, *, copy: bool = True, device: Any = None) -> np.ndarray:
    """As in the standard."""
    return copied(x, dtype) if copy or x.dtype != numpy_type(dtype) else x


def reshape(x: np.ndarray, /, shape: Any, *, copy: bool | None = None) -> np.ndarray:
    """A view where there can be one."""
    if copy:
        x = copied(x)
    try:
        return np.reshape(x, shape, copy=False)
    except ValueError:
        if copy is False or x.flags.c_contiguous:  # then it is the shape that does not fit
            raise
    return np.reshape(copied(x), shape, copy=False)


def concat(arrays: Sequence[np.ndarray], /, *, axis: int | None = 0) -> np.ndarray:
    """A new array, and a copy for each part."""
    if axis is None:
        arrays, axis = [reshape(x, (-1,)) for x in arrays], 0
    first = arrays[0]
    axis = normalize_axis_index(axis, first.ndim)
    rest = {(*x.shape[:axis], *x.shape[axis + 1 :]) for x in arrays}
    if len(rest) > 1:
        raise ValueError(f"concat: {[x.shape for x in arrays]} were given, expected shapes that differ in axis {axis}")
    shape = (*first.shape[:axis], sum(x.shape[axis] for x in arrays), *first.shape[axis + 1 :])
    out = present().made(shape, np.result_type(*(x.dtype for x in arrays)))
    start = 0
    for x in arrays:
        place = out[(slice(None),) * axis + (slice(start, start + x.shape[axis]),)]
        present().note("copy", np.copyto, (x,), (place,))
        start += x.shape[axis]
    return out


def stack(arrays: Sequence[np.ndarray], /, *, axis: int = 0) -> np.ndarray:
    """A new array with one axis more, and a copy for each part."""
    axis = normalize_axis_index(axis, arrays[0].ndim + 1)
    return concat([np.expand_dims(x, axis) for x in arrays], axis=axis)


def tile(x: np.ndarray, repetitions: tuple[int, ...], /) -> np.ndarray:
    """A new array, and one copy of `x` spread over new axes."""
    axes = max(x.ndim, len(repetitions))
    shape, times = (1,) * (axes - x.ndim) + x.shape, (1,) * (axes - len(repetitions)) + tuple(repetitions)
    wide = np.reshape(x, tuple(n for size in shape for n in (1, size)), copy=False)
    spread = np.broadcast_to(wide, tuple(n for both in zip(times, shape, strict=True) for n in both))
    return np.reshape(copied(spread), tuple(n * size for n, size in zip(times, shape, strict=True)), copy=False)


def repeat(x: np.ndarray, repeats: Any, /, *, axis: int | None = None) -> np.ndarray:
    """Each element, or part along `axis`, so many times."""
    if not isinstance(repeats, int):
        present().stop("repeat by an array of numbers")
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    axis = normalize_axis_index(axis, x.ndim)
    before, after = x.shape[: axis + 1], x.shape[axis + 1 :]
    spread = np.broadcast_to(np.expand_dims(x, axis + 1), (*before, repeats, *after))
    return np.reshape(copied(spread), (*before[:-1], before[-1] * repeats, *after), copy=False)


def take(x: np.ndarray, indices: np.ndarray, /, *, axis: int | None = None) -> np.ndarray:
    """Parts of `x` along an axis: rows of an array in rows, turned where it is another axis."""
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"take: an array of {x.ndim} axes was given, expected an axis with it")
        axis = 0
    axis = normalize_axis_index(axis, x.ndim)
    turned = in_rows(np.moveaxis(x, axis, 0))
    row = in_rows(reshape(indices, (-1,)))
    numbers = row if row.dtype == np.int64 else copied(row, np.int64)
    out = present().made((numbers.size, *turned.shape[1:]), x.dtype)
    present().note("take", np.take, (turned, numbers), (out,))
    found = np.reshape(out, (*indices.shape, *turned.shape[1:]), copy=False)
    return np.moveaxis(found, range(indices.ndim), range(axis, axis + indices.ndim))


def select(x: np.ndarray, key: Any) -> np.ndarray:
    """x[key]: a view, or rows where the key is an array of whole numbers."""
    parts = key if isinstance(key, tuple) else (key,)
    if any(isinstance(part, np.ndarray | bool | list) for part in parts):
        if not isinstance(key, np.ndarray) or key.dtype == np.bool_:
            present().stop("a selection by truth values or by several arrays")
        return take(x, key, axis=0)
    return x[(*parts, ...)] if Ellipsis not in parts else x[parts]


def assign(x: np.ndarray, key: Any, value: Any) -> None:
    """x[key] = value."""
    parts = key if isinstance(key, tuple) else (key,)
    if any(isinstance(part, np.ndarray | bool | list) for part in parts):
        present().stop("assignment to selected elements")
    if not isinstance(value, np.ndarray | bool | int | float):
        present().stop("assignment of something else than an array or a number")
    target = select(x, key)
    while isinstance(value, np.ndarray) and value.ndim > target.ndim and value.shape[0] == 1:
        value = value[0]
    if np.broadcast_shapes(np.shape(value), target.shape) != target.shape:
        raise ValueError(f"the shape {np.shape(value)} was given, expected {target.shape} or what can be spread to it")
    present().note("copy", np.copyto, (value,), (target,))


def roll(x: np.ndarray, /, shift: Any, *, axis: Any = None) -> np.ndarray:
    """The elements moved on, those at the end to the beginning."""
    if axis is None:
        return reshape(roll(reshape(x, (-1,)), shift, axis=0), x.shape)
    if not isinstance(shift, int) or not isinstance(axis, int):
        present().stop("roll along several axes")
    size = x.shape[axis]
    turned = np.moveaxis(x, axis, 0)
    at = size - shift % size if size else 0
    return np.moveaxis(concat([turned[at:], turned[:at]], axis=0), 0, axis)


def broadcast_arrays(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """As in the standard: views."""
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return tuple(np.broadcast_to(x, shape) for x in arrays)


def unstack(x: np.ndarray, /, *, axis: int = 0) -> tuple[np.ndarray, ...]:
    """As in the standard: views."""
    turned = np.moveaxis(x, axis, 0)
    return tuple(turned[i, ...] for i in range(prod(turned.shape[:1])))


RULES: dict[str, Callable[..., Any]] = {
    "astype": astype,
    "reshape": reshape,
    "concat": concat,
    "stack": stack,
    "tile": tile,
    "repeat": repeat,
    "take": take,
    "roll": roll,
    "unstack": unstack,
    "broadcast_arrays": broadcast_arrays,
    "broadcast_to": lambda x, /, shape: np.broadcast_to(x, shape),
    "expand_dims": lambda x, /, *, axis=0: np.expand_dims(x, axis),
    "squeeze": lambda x, /, axis: np.squeeze(x, axis),
    "permute_dims": lambda x, /, axes: np.transpose(x, axes),
    "matrix_transpose": lambda x, /: np.swapaxes(x, -1, -2),
    "moveaxis": lambda x, source, destination, /: np.moveaxis(x, source, destination),
    "flip": lambda x, /, *, axis=None: np.flip(x, axis) if x.ndim else copied(x),  # NumPy makes a number
}
