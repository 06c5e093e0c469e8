"""A workload's net in JAX: images (N, H, W, C), filters (K, K, C, F)."""

from __future__ import annotations

from typing import Any

from bpnet_benchmarks.layers import Conv, Dense, Pool
from bpnet_benchmarks.workload import Workload


def logits(jax: Any, workload: Workload, weights: Any, h: Any) -> Any:
    """The last layer's output without its softmax."""
    activations = {"relu": jax.nn.relu, "tanh": jax.numpy.tanh}
    rest = iter(weights)
    for layer in workload.layers:
        match layer:
            case Dense():
                h = h @ next(rest) + next(rest)
            case Conv():
                padding = [layer.padding] * 2
                axes = ("NHWC", "HWIO", "NHWC")
                h = jax.lax.conv_general_dilated(h, next(rest), (1, 1), padding, dimension_numbers=axes) + next(rest)
            case Pool():
                window = (1, layer.size, layer.size, 1)
                h = jax.lax.reduce_window(h, -jax.numpy.inf, jax.lax.max, window, window, "VALID")
            case _:
                h = h.reshape(len(h), -1)
        if layer.activation in activations:
            h = activations[layer.activation](h)
    return h
