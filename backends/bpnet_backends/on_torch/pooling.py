"""Pooling by PyTorch's own kernels, forward and backward, without autograd."""

from __future__ import annotations

from typing import Any

import torch

from bpnet_backends.on_torch.padding import cropped, images, padded, places

NOTHING = -float("inf")
"""What padding counts as."""


def max_pool(be: Any, x: Any, at: Any) -> Any:
    """y = the largest under the window."""
    x, padding = padded(x, at, NOTHING)
    return places(torch.max_pool2d(images(x), at.size, at.strides, padding))


def max_pool_grad(be: Any, x: Any, y: Any, dy: Any, at: Any) -> Any:
    """dx = dy at the first of the largest, which PyTorch looks for anew."""
    x, padding = padded(x, at, NOTHING)
    window = at.size, at.strides, padding, (1, 1), False
    _, chosen = torch.ops.aten.max_pool2d_with_indices(images(x), *window)
    dx = torch.ops.aten.max_pool2d_with_indices_backward(images(dy), images(x), *window, chosen)
    return cropped(places(dx), at)
