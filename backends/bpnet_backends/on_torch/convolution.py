"""Convolution by PyTorch's own kernels, forward and backward, without autograd.

Images (N, H, W, C) are what PyTorch calls channels_last: it takes a view of them, and none is copied.
"""

from __future__ import annotations

from typing import Any

import torch

from bpnet_backends.on_torch.padding import Pair, cropped, images, padded, places


def conv2d(be: Any, x: Any, w: Any, b: Any, at: Any, groups: int) -> Any:
    """z = x ∗ w + b."""
    x, padding = padded(x, at)
    return places(torch.conv2d(images(x), _filters(w), b, at.strides, padding, at.dilation, groups))


def conv2d_grads(be: Any, x: Any, dz: Any, dw: Any, db: Any, at: Any, groups: int) -> None:
    """dw and db, written into the network's gradient."""
    x, padding = padded(x, at)
    like = torch.empty_like(_filters(dw), memory_format=torch.contiguous_format)  # in other orders PyTorch may refuse
    _, weights, biases = _backward(dz, images(x), like, at, padding, groups, (False, True, db is not None))
    dw[...] = weights.permute(2, 3, 1, 0)
    if db is not None:
        db[...] = biases


def conv2d_input_grad(be: Any, dz: Any, w: Any, at: Any, groups: int) -> Any:
    """dx; of x only the shape is needed."""
    nothing = dz.new_empty(1).expand(dz.shape[0], *at.image, w.shape[2] * groups)
    x, padding = padded(nothing, at)
    dx, _, _ = _backward(dz, images(x), _filters(w), at, padding, groups, (True, False, False))
    return cropped(places(dx), at)


def depthwise_conv2d(be: Any, x: Any, w: Any, b: Any, at: Any) -> Any:
    """z: a group a channel."""
    return conv2d(be, x, _in_groups(w), b, at, x.shape[-1])


def depthwise_conv2d_grads(be: Any, x: Any, dz: Any, dw: Any, db: Any, at: Any) -> None:
    """dw and db: a group a channel."""
    conv2d_grads(be, x, dz, _in_groups(dw), db, at, x.shape[-1])


def depthwise_conv2d_input_grad(be: Any, dz: Any, w: Any, at: Any) -> Any:
    """dx: a group a channel."""
    return conv2d_input_grad(be, dz, _in_groups(w), at, w.shape[2])


def _backward(
    dz: Any, x: Any, w: Any, at: Any, padding: Pair, groups: int, wanted: tuple[bool, bool, bool]
) -> tuple[Any, Any, Any]:
    """dx, dw and db as PyTorch has them, those that are wanted."""
    made: tuple[Any, Any, Any] = torch.ops.aten.convolution_backward(
        images(dz), x, w, [w.shape[0]], at.strides, padding, at.dilation, False, (0, 0), groups, wanted
    )
    return made


def _filters(w: Any) -> Any:
    """(K, L, C, F) as PyTorch's (F, C, K, L): a view."""
    return w.permute(3, 2, 0, 1)


def _in_groups(w: Any) -> Any:
    """(K, L, C, M) as (K, L, 1, C·M): a view."""
    return w.view(*w.shape[:2], 1, -1)
