"""Calls on arrays of many axes as calls on two: all axes but the last become one.

A kernel knows rows and columns. Usually the first axis of an array is the rows and all others are the columns; where
each channel of an image has a number of its own, as in normalization, the channels have to be the columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpnet_backends.on_numpy.recording import Call


def folded(call: Call) -> Call | None:
    """The same call on views of two axes; None where there are none, or no need."""
    if call.kind == "reduce":
        return _reduction(call)
    if call.kind not in ("elementwise", "where", "copy") or len(call.outputs) != 1:
        return None
    (out,) = call.outputs
    if out.ndim < 3:
        return None
    views = [_view(x, out.shape) for x in (*call.inputs, out)]
    if any(view is None for view in views):
        return None
    *inputs, target = views
    return Call(call.kind, call.function, tuple(inputs), (target,), call.options)


def _view(x: Any, shape: tuple[int, ...]) -> Any:
    """`x`, which takes part in an operation of that shape, as (rows, columns), (1, columns) or (rows, 1)."""
    if not isinstance(x, np.ndarray) or x.ndim < 2:
        return x
    x = x.reshape((1,) * (len(shape) - x.ndim) + x.shape)
    first = x.shape[:-1]
    return x.reshape(-1, x.shape[-1]) if x.flags.c_contiguous and first in (shape[:-1], (1,) * len(first)) else None


def _reduction(call: Call) -> Call | None:
    (x,), (out,) = call.inputs, call.outputs
    axis = call.options.get("axis", 0)
    if x.ndim < 3 or not x.flags.c_contiguous or not out.flags.c_contiguous or axis is None:
        return None
    axes = sorted(i % x.ndim for i in (axis if isinstance(axis, tuple) else (axis,)))
    rows = x.reshape(-1, x.shape[-1])
    if axes == [x.ndim - 1]:
        return Call("reduce", call.function, (rows,), (out.reshape(-1),), {"axis": 1})
    if axes == list(range(x.ndim - 1)):
        return Call("reduce", call.function, (rows,), (out.reshape(-1),), {"axis": 0})
    return None
