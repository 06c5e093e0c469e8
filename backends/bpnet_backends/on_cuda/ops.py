"""The ops of which the backends on a GPU have kernels of their own, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpnet_backends.on_cuda import convolution, pooling

KERNELS: Mapping[str, Callable[..., Any]] = {
    op.__name__: op
    for op in (
        convolution.conv2d,
        convolution.conv2d_grads,
        convolution.conv2d_input_grad,
        convolution.depthwise_conv2d,
        convolution.depthwise_conv2d_grads,
        convolution.depthwise_conv2d_input_grad,
        pooling.max_pool,
        pooling.max_pool_grad,
        pooling.average_pool,
        pooling.average_pool_grad,
    )
}
