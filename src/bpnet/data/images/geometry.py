"""One random change of an image: where it comes from, and how it is made.

A point p = (x, y) of the new image, x the column and y the row, takes the value at c + R (t + S Z (p - c)), where c is
the centre and

    R = [cos θ, -sin θ; sin θ, cos θ],  t = (tx, ty),  S = [1, -sin σ; 0, cos σ],  Z = diag(zx, zy),

bilinear between pixels, as in Keras 3; θ > 0 turns the picture counter-clockwise, tx > 0 moves it to the left, ty > 0
up. The image goes on beyond its edges as `fill_mode` says. Then all values are shifted, and then it is flipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from bpnet.data.images.settings import FILL_MODES, Settings

DRAWS = 11
"""Uniform numbers of which one change is made, always in the same places: an option more moves no other."""


@dataclass(frozen=True)
class Transform:
    """The parameters, with Keras' names: degrees, pixels, factors, a value."""

    theta: float = 0.0
    tx: float = 0.0
    ty: float = 0.0
    shear: float = 0.0
    zx: float = 1.0
    zy: float = 1.0
    channel_shift_intensity: float = 0.0
    flip_horizontal: bool = False
    flip_vertical: bool = False

    @property
    def moves(self) -> bool:
        """Is there anything to interpolate?"""
        return (self.theta, self.tx, self.ty, self.shear, self.zx, self.zy) != (0, 0, 0, 0, 1, 1)

    def apply(self, x: np.ndarray, fill_mode: str, cval: float) -> np.ndarray:
        """The changed image, of the shape and type of x (height, width, channels)."""
        if self.moves:
            x = _resampled(x, *self._affine(x.shape), fill_mode, cval)
        if self.channel_shift_intensity:
            x = np.clip(x + x.dtype.type(self.channel_shift_intensity), x.min(), x.max())
        if self.flip_horizontal:
            x = x[:, ::-1]
        return x[::-1] if self.flip_vertical else x

    def _affine(self, shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """A and b: the new image at (row, column) p is the old one at A p + b."""
        theta, sigma = np.deg2rad(self.theta), np.deg2rad(self.shear)
        r = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
        a = r @ np.array([[1.0, -np.sin(sigma)], [0.0, np.cos(sigma)]]) @ np.diag([self.zx, self.zy])
        c = (np.array([shape[1], shape[0]]) - 1) / 2
        b = c + r @ np.array([self.tx, self.ty]) - a @ c
        return a[::-1, ::-1], b[::-1]


def drawn(settings: Settings, shape: Sequence[int], u: np.ndarray) -> Transform:
    """The change for an image of that shape that the uniform numbers u (11,) stand for."""
    low, high = settings.zoom_range  # type: ignore[misc]
    return Transform(
        theta=_both_sides(settings.rotation_range, u[0]),
        tx=_shift(settings.width_shift_range, shape[1], u[1], u[2]),
        ty=_shift(settings.height_shift_range, shape[0], u[3], u[4]),
        shear=_both_sides(settings.shear_range, u[5]),
        zx=low + (high - low) * float(u[6]),
        zy=low + (high - low) * float(u[7]),
        channel_shift_intensity=_both_sides(settings.channel_shift_range, u[8]),
        flip_horizontal=settings.horizontal_flip and bool(u[9] < 0.5),
        flip_vertical=settings.vertical_flip and bool(u[10] < 0.5),
    )


def _both_sides(most: float, u: float) -> float:
    return float(most * (2 * u - 1))


def _shift(choice: float | Sequence[float], size: int, u: float, sign: float) -> float:
    """Pixels: uniform, or one of the choices with either sign."""
    if isinstance(choice, Integral):
        choice = range(max(1, int(choice)))
    if isinstance(choice, Sequence | np.ndarray):
        shift = float(choice[int(u * len(choice))]) * (1.0 if sign < 0.5 else -1.0)
    else:
        shift = _both_sides(choice, u)
    return shift * size if np.abs(choice).max() < 1 else shift


def _resampled(x: np.ndarray, a: np.ndarray, b: np.ndarray, fill_mode: str, cval: float) -> np.ndarray:
    from scipy.ndimage import affine_transform

    mode: Any = FILL_MODES[fill_mode]
    y = np.empty_like(x, order="C")
    for channel in range(x.shape[2]):
        y[..., channel] = affine_transform(x[..., channel], a, offset=b, order=1, mode=mode, cval=cval)
    return y
