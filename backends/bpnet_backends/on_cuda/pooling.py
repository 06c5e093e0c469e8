"""Pooling on the GPU: one thread an element of what is made, so nothing is added atomically.

Gradients are gathered: each element looks at the windows that it lies under, in the order of the taps in which the
plain version scatters, so the sums are the same to the last bit.
"""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

from bpnet_backends.on_cuda import texts
from bpnet_backends.on_cuda.custom import Custom, empty, launched
from bpnet_backends.on_cuda.memory_order import contiguous, dtype_of

THREADS = 128
"""Of a block: few, so that small batches still fill the GPU."""


def max_pool(be: Any, x: Any, at: Any) -> Any:
    """y = the largest under the window."""
    return _made(be, "max_pool", (x,), (x.shape[0], *at.places, x.shape[3]), at)


def max_pool_grad(be: Any, x: Any, y: Any, dy: Any, at: Any) -> Any:
    """dx = dy at the first of the largest."""
    return _made(be, "max_pool_grad", (x, y, dy), x.shape, at)


def average_pool(be: Any, x: Any, at: Any) -> Any:
    """y = the mean of what lies inside the image."""
    return _made(be, "average_pool", (x,), (x.shape[0], *at.places, x.shape[3]), at)


def average_pool_grad(be: Any, dy: Any, at: Any) -> Any:
    """dx: dy / n from each window."""
    return _made(be, "average_pool_grad", (dy,), (dy.shape[0], *at.image, dy.shape[3]), at)


def _made(be: Any, kind: str, inputs: tuple[Any, ...], shape: tuple[int, ...], at: Any) -> Any:
    dtype = dtype_of(*inputs)
    if dtype is None:
        return NotImplemented
    made = empty(shape, dtype)
    launched(kernel(kind, dtype, at, shape), [contiguous(be, array) for array in inputs], [made])
    return made


@cache
def kernel(kind: str, dtype: str, at: Any, shape: tuple[int, ...]) -> Custom:
    """The kernel that makes an array of that shape."""
    constants = {"IMAGES": shape[0], "CHANNELS": shape[3], "THREADS": THREADS}
    for i, axis in enumerate(("DOWN", "ACROSS")):
        constants |= {
            ("HEIGHT", "WIDTH")[i]: at.image[i], axis: at.places[i], f"SIZE_{axis}": at.size[i],
            f"MOVE_{axis}": at.strides[i], f"APART_{axis}": at.dilation[i], ("TOP", "LEFT")[i]: at.before[i],
        }  # fmt: skip
    body = texts.file("pooling.cuh") + texts.file(f"{kind}.cuh")
    entry, text = texts.named(kind, dtype, constants, body)
    return Custom(entry, text, (-(-prod(shape) // THREADS), 1), (THREADS, 1))
