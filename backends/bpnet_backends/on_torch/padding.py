"""What PyTorch's windows need: its order of axes, and padding that may differ on two sides."""

from __future__ import annotations

from typing import Any

import torch

Pair = tuple[int, int]


def images(x: Any) -> Any:
    """(N, H, W, C) as PyTorch's (N, C, H, W): a view."""
    return x.permute(0, 3, 1, 2)


def places(z: Any) -> Any:
    """PyTorch's (N, C, H, W) as (N, H, W, C), whose elements follow one another."""
    return z.permute(0, 2, 3, 1).contiguous()


def padded(x: Any, at: Any, value: float = 0.0) -> tuple[Any, Pair]:
    """x (N, H, W, C) and the padding that is left to PyTorch: all of it, where both sides get the same zeros."""
    if not at.is_padded or (at.before == at.behind and value == 0.0):
        return x, at.before
    (top, left), (bottom, right) = at.before, at.behind
    return torch.nn.functional.pad(x, (0, 0, left, right, top, bottom), value=value), (0, 0)


def cropped(dx: Any, at: Any) -> Any:
    """The image within, where `padded` had enlarged it."""
    if dx.shape[1:3] == at.image:
        return dx
    (top, left), (height, width) = at.before, at.image
    return dx[:, top : top + height, left : left + width, :]
