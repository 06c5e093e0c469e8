"""Convolution on the GPU by kernels of our own, for few channels.

Up to `MOST_CHANNELS` input times output channels of a group the matrices of a general convolution are so thin that
most of a matrix product's tiles would be empty, and the image, which is read K·L times as patches, is what takes time.
With more of them the library's algorithm is faster, and the kernels here are not used.
"""

from __future__ import annotations

from typing import Any

from bpnet_backends.on_cuda import gathering, summing
from bpnet_backends.on_cuda.custom import empty, launched
from bpnet_backends.on_cuda.memory_order import contiguous, dtype_of, reshaped

MOST_CHANNELS = 1023
"""Input times output channels of a group: fewer than 32 times 32, the smallest tile of common matrix products."""


def conv2d(be: Any, x: Any, w: Any, b: Any, at: Any, groups: int) -> Any:
    """z = x ∗ w + b."""
    dtype = dtype_of(x, w) if b is None else dtype_of(x, w, b)
    into, out = w.shape[2], w.shape[3] // groups
    if dtype is None or into * out > MOST_CHANNELS:
        return NotImplemented
    kernel = gathering.kernel(gathering.forward(at, x.shape[0], into, out, groups, dtype, b is not None))
    if kernel is None:
        return NotImplemented
    z = empty((x.shape[0], *at.places, w.shape[3]), dtype)
    inputs = (x, w) if b is None else (x, w, b)
    launched(kernel, [contiguous(be, array) for array in inputs], [z])
    return z


def conv2d_grads(be: Any, x: Any, dz: Any, dw: Any, db: Any, at: Any, groups: int) -> Any:
    """dw = Pᵀ dz and db = Σ dz, written into the network's gradient."""
    outputs = [dw] if db is None else [dw, db]
    dtype = dtype_of(x, dz, *outputs)
    into, out = dw.shape[2], dw.shape[3] // groups
    if dtype is None or into * out > MOST_CHANNELS:
        return NotImplemented
    kernels = summing.kernels(summing.Summing(dtype, at, x.shape[0], groups, into, out, db is not None))
    if kernels is None:
        return NotImplemented
    summed, joined = kernels
    part = empty((summed.grid[0], dw.size + (0 if db is None else db.size)), dtype)
    launched(summed, [contiguous(be, x), contiguous(be, dz)], [part])
    made = [contiguous(be, array) for array in outputs]
    launched(joined, [part], made)
    for array, own in zip(outputs, made, strict=True):
        if own is not array:
            array[...] = own
    return None


def conv2d_input_grad(be: Any, dz: Any, w: Any, at: Any, groups: int) -> Any:
    """dx: of each place the taps that reached it, times w."""
    dtype = dtype_of(dz, w)
    out, into = w.shape[2], w.shape[3] // groups
    if dtype is None or into * out > MOST_CHANNELS:
        return NotImplemented
    kernel = gathering.kernel(gathering.backward(at, dz.shape[0], into, out, groups, dtype))
    if kernel is None:
        return NotImplemented
    dx = empty((dz.shape[0], *at.image, groups * out), dtype)
    launched(kernel, [contiguous(be, dz), contiguous(be, w)], [dx])
    return dx


def depthwise_conv2d(be: Any, x: Any, w: Any, b: Any, at: Any) -> Any:
    """z: a group a channel."""
    return conv2d(be, x, _in_groups(be, w), b, at, x.shape[-1])


def depthwise_conv2d_grads(be: Any, x: Any, dz: Any, dw: Any, db: Any, at: Any) -> Any:
    """dw and db: a group a channel."""
    kept = contiguous(be, dw)
    if conv2d_grads(be, x, dz, _in_groups(be, kept), db, at, x.shape[-1]) is NotImplemented:
        return NotImplemented
    if kept is not dw:
        dw[...] = kept
    return None


def depthwise_conv2d_input_grad(be: Any, dz: Any, w: Any, at: Any) -> Any:
    """dx: a group a channel."""
    return conv2d_input_grad(be, dz, _in_groups(be, w), at, w.shape[2])


def _in_groups(be: Any, w: Any) -> Any:
    """(K, L, C, M) as (K, L, 1, C·M): a view of contiguous weights."""
    return reshaped(be, w, (*w.shape[:2], 1, w.shape[2] * w.shape[3]))
