"""The ops of which this backend has kernels of its own, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpnet_backends.on_numba import convolving, pools

KERNELS: Mapping[str, Callable[..., Any]] = {
    op.__name__: op
    for op in (
        convolving.conv2d,
        convolving.conv2d_grads,
        convolving.conv2d_input_grad,
        convolving.depthwise_conv2d,
        convolving.depthwise_conv2d_grads,
        convolving.depthwise_conv2d_input_grad,
        pools.max_pool,
        pools.max_pool_grad,
        pools.average_pool,
        pools.average_pool_grad,
    )
}
