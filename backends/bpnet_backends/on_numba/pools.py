"""The ops of pooling: for each geometry the kernels of `pooling`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from bpnet_backends.on_numba import pooling, samples, words
from bpnet_backends.on_numba.compiling import address_of_function
from bpnet_backends.on_numba.samples import SampleKernel, contiguous, empty

RATE = 1.0
"""Nanoseconds a tap, about."""

NAMES = {
    "maximum": "max pool",
    "maximum_gradient": "max pool gradient",
    "average": "average pool",
    "average_gradient": "average pool gradient",
}
"""For people."""


def max_pool(be: Any, x: Any, at: Any) -> Any:
    """y = the largest under the window."""
    y = empty((x.shape[0], *at.places, x.shape[-1]), x.dtype)
    samples.call(_kernel(pooling.maximum, 2, at, x.shape[-1], x.dtype.name), [contiguous(x, x.dtype)], [y], made=True)
    return y


def max_pool_grad(be: Any, x: Any, y: Any, dy: Any, at: Any) -> Any:
    """dx = dy at the first of the largest."""
    dx = empty(x.shape, x.dtype)
    kernel = _kernel(pooling.maximum_gradient, 4, at, x.shape[-1], x.dtype.name)
    samples.call(kernel, [contiguous(array, x.dtype) for array in (x, y, dy)], [dx], made=True)
    return dx


def average_pool(be: Any, x: Any, at: Any) -> Any:
    """y = the mean under the window."""
    y = empty((x.shape[0], *at.places, x.shape[-1]), x.dtype)
    samples.call(_kernel(pooling.average, 2, at, x.shape[-1], x.dtype.name), [contiguous(x, x.dtype)], [y], made=True)
    return y


def average_pool_grad(be: Any, dy: Any, at: Any) -> Any:
    """dx: dy / n from each window."""
    dx = empty((dy.shape[0], *at.image, dy.shape[-1]), dy.dtype)
    kernel = _kernel(pooling.average_gradient, 2, at, dy.shape[-1], dy.dtype.name)
    samples.call(kernel, [contiguous(dy, dy.dtype)], [dx], made=True)
    return dx


@cache
def _kernel(function: Callable[..., Any], arrays: int, at: Any, channels: int, dtype: str) -> SampleKernel:
    (height, width), (down, across), size = at.image, at.places, at.size
    constants = {
        "HEIGHT": height,
        "WIDTH": width,
        "CHANNELS": channels,
        "DOWN": down,
        "ACROSS": across,
        "SIZE_DOWN": size[0],
        "SIZE_ACROSS": size[1],
        "MOVED_DOWN": at.strides[0],
        "MOVED_ACROSS": at.strides[1],
        "TOP": at.before[0],
        "LEFT": at.before[1],
        **words.of_type(dtype),
    }
    address = address_of_function(function, **constants)
    taps = down * across * size[0] * size[1] * channels
    name = NAMES[function.__name__]
    return SampleKernel(address, (), (True,) * arrays, 0, RATE * taps, name, taps)
