"""The layers for images as PyTorch has them, with the channels last and the padding of Keras."""

from __future__ import annotations

import torch
from torch.nn import functional

Pair = tuple[int, int]


def conv2d(
    x: torch.Tensor,
    w: torch.Tensor,
    b: torch.Tensor | None = None,
    strides: Pair = (1, 1),
    padding: str = "valid",
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> torch.Tensor:
    """x (N, H, W, C), w (K, L, C / groups, F)."""
    spans = tuple((k - 1) * d + 1 for k, d in zip(w.shape[:2], dilation, strict=True))
    x = _padded(x, spans, strides, padding, 0.0)
    w = w.permute(3, 2, 0, 1).contiguous()  # of one filter PyTorch cannot give a view its gradient
    y = functional.conv2d(x, w, b, strides, 0, dilation, groups)
    return y.permute(0, 2, 3, 1)


def conv1d(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor, stride: int, padding: str) -> torch.Tensor:
    """x (N, L, C), w (K, C, F)."""
    return conv2d(x[:, None], w[None], b, (1, stride), padding)[:, 0]


def depthwise(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor, padding: str, strides: Pair = (1, 1)) -> torch.Tensor:
    """x (N, H, W, C), w (K, L, C, M)."""
    k, length, channels, many = w.shape
    return conv2d(x, w.reshape(k, length, 1, channels * many), b, strides, padding, groups=channels)


def max_pool(x: torch.Tensor, size: Pair, strides: Pair, padding: str = "valid") -> torch.Tensor:
    """x (N, H, W, C)."""
    return functional.max_pool2d(_padded(x, size, strides, padding, -torch.inf), size, strides).permute(0, 2, 3, 1)


def average_pool(x: torch.Tensor, size: Pair, strides: Pair, padding: str = "valid") -> torch.Tensor:
    """x (N, H, W, C); the padding does not count."""
    sums = functional.avg_pool2d(_padded(x, size, strides, padding, 0.0), size, strides)
    share = functional.avg_pool2d(_padded(torch.ones_like(x), size, strides, padding, 0.0), size, strides)
    return (sums / share).permute(0, 2, 3, 1)


def _padded(x: torch.Tensor, span: tuple[int, ...], strides: Pair, padding: str, value: float) -> torch.Tensor:
    """(N, C, H, W) with the padding of "same": ⌈n / s⌉ places, the odd element behind."""
    x = x.permute(0, 3, 1, 2)
    if padding == "valid":
        return x
    sides = []
    for n, k, s in reversed(list(zip(x.shape[2:], span, strides, strict=True))):
        missing = max((-(-n // s) - 1) * s + k - n, 0)
        sides += [missing // 2, missing - missing // 2]
    return functional.pad(x, sides, value=value)
