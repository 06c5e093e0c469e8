"""Matrix products, and what looks for an element, on stand-ins."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from bpnet_backends.on_cuda import creating
from bpnet_backends.on_cuda.computing import elementwise, reduction
from bpnet_backends.on_cuda.notes import present
from bpnet_backends.on_cuda.shaping import copied, in_rows, reshape, take


def matmul(a: np.ndarray, b: np.ndarray, /) -> np.ndarray:
    """a b, or a stack of such products; a vector is a matrix of one row or of one column."""
    if not a.ndim or not b.ndim:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape} were given, expected at least one axis each")
    left, right = a[None, :] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b
    if left.shape[-1] != right.shape[-2]:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape} were given, expected columns of one, rows of other")
    dtype = np.result_type(a.dtype, b.dtype)
    left, right = (x if x.dtype == dtype else copied(x, dtype) for x in (left, right))
    stacked = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    out = present().made((*stacked, left.shape[-2], right.shape[-1]), dtype)
    present().note("matmul", np.matmul, (left, right), (out,))
    found = out[..., 0, :] if a.ndim == 1 else out
    return found[..., 0] if b.ndim == 1 else found


def vecdot(x: np.ndarray, y: np.ndarray, /, *, axis: int = -1) -> np.ndarray:
    """Σ x y along an axis."""
    return reduction(np.add, elementwise(np.multiply, x, y), axis, False)


def position(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """`argmax` and `argmin`: the last axis is searched, of a matrix in rows."""

    def rule(x: np.ndarray, /, *, axis: int | None = None, keepdims: bool = False) -> np.ndarray:
        turned = reshape(x, (-1,)) if axis is None else np.moveaxis(x, normalize_axis_index(axis, x.ndim), -1)
        before, length = turned.shape[:-1], turned.shape[-1]
        if not length:
            raise ValueError(f"{function.__name__}: shape {x.shape} was given, expected elements to look at")
        rows = reshape(turned, (prod(before), length))
        out = present().made((prod(before),), np.int64)
        present().note("other", function, ((rows,), {"axis": -1}), (out,))
        found = np.reshape(out, before, copy=False)
        if not keepdims:
            return found
        return np.reshape(out, (1,) * x.ndim, copy=False) if axis is None else np.expand_dims(found, axis)

    return rule


def take_along_axis(x: np.ndarray, indices: np.ndarray, /, *, axis: int = -1) -> np.ndarray:
    """Element `indices` of each row along `axis`: of all elements in one row, number (row · length + index)."""
    axis = normalize_axis_index(axis, x.ndim)
    rows, wanted = in_rows(np.moveaxis(x, axis, -1)), np.moveaxis(indices, axis, -1)
    before, length = rows.shape[:-1], rows.shape[-1]
    if wanted.shape[:-1] != before:
        present().stop("take_along_axis with indices that are spread over other axes")
    starts = np.arange(prod(before)).reshape(*before, 1) * length
    numbers = elementwise(np.add, wanted, creating.uploaded(starts, np.dtype(np.int64)))
    found = take(np.reshape(rows, (-1,), copy=False), numbers, axis=0)
    return np.moveaxis(found, -1, axis)


RULES: dict[str, Callable[..., Any]] = {
    "matmul": matmul,
    "vecdot": vecdot,
    "argmax": position(np.argmax),
    "argmin": position(np.argmin),
    "take_along_axis": take_along_axis,
}
