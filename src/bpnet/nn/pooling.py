"""Pooling: what lies under a window becomes one number, a channel at a time.

Maximum:  y = max over taps of x;  dy goes to the first of the taps (row by row) that has that value.
Average:  y = Σ over taps of x / n, n the taps inside the image;  dx gets dy / n from each window that it lies under.
Global:   the window is the image.
Shapes:   x (N, H, W, C) → y (N, H', W', C), or (N, C) where it is global.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array, Backend
from bpnet.nn.graph import Shape
from bpnet.nn.layer import Layer
from bpnet.nn.op import op
from bpnet.nn.shapes import one_image, places
from bpnet.nn.window import Window, padded, padding_named, pair, scattered, window


@op
def max_pool(be: Backend, x: Array, at: Window) -> Array:
    """y = max over taps; padding counts as -∞."""
    x = padded(be, x, at, -inf)
    y: Any = None
    for _, (rows, columns) in at.taps():
        under = x[:, rows, columns, :]
        y = under if y is None else be.xp.maximum(y, under)
    return y


@op
def max_pool_grad(be: Backend, x: Array, y: Array, dy: Array, at: Window) -> Array:
    """dx = dy at the first tap where x equals y, 0 elsewhere; added over the windows."""
    x = padded(be, x, at, -inf)
    left = dy
    parts = {}
    for tap, (rows, columns) in at.taps():
        here = be.xp.equal(x[:, rows, columns, :], y)
        parts[tap] = be.xp.where(here, left, 0.0)
        left = be.xp.where(here, 0.0, left)
    return scattered(be, parts.__getitem__, dy, at)


@op
def average_pool(be: Backend, x: Array, at: Window) -> Array:
    """y = Σ over taps / the number of taps inside the image."""
    x = padded(be, x, at)
    y: Any = 0.0
    for _, (rows, columns) in at.taps():
        y = y + x[:, rows, columns, :]
    return y * _shares(be, x, at)


@op
def average_pool_grad(be: Backend, dy: Array, at: Window) -> Array:
    """dx: dy / n from each window that an element lies under."""
    part = dy * _shares(be, dy, at)
    return scattered(be, lambda _: part, part, at)


def _shares(be: Backend, like: Array, at: Window) -> Array:
    """1 / n for each place, (H', W', 1) in the type of `like`."""
    inside = [
        [sum(0 <= place * s + tap * d - p < n for tap in range(k)) for place in range(count)]
        for n, k, s, d, p, count in zip(at.image, at.size, at.strides, at.dilation, at.before, at.places, strict=True)
    ]
    shares = [[[1.0 / (down * across)] for across in inside[1]] for down in inside[0]]
    return be.xp.astype(be.asarray(shares, "float64"), like.dtype)


class _Pooling2D(Layer):
    """A window of `pool_size`, moved by `strides`, by default its own size."""

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.pool_size = pair("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else pair("strides", strides)
        self.padding = padding_named(padding)

    def as_given(self, name: str, default: Any) -> Any:
        """As `Layer` has it; strides that are the window's size may be left out."""
        same = name == "strides" and self.strides == self.pool_size
        return default if same else super().as_given(name, default)

    def output_shape(self, *inputs: Shape) -> Shape:
        """(H, W, C) → (H', W', C)."""
        height, width, channels = one_image(self.name, inputs)
        return (*places(self.name, self._window(height, width)), channels)

    def _window(self, height: int, width: int) -> Window:
        return window((height, width), self.pool_size, self.strides, (1, 1), self.padding)


class MaxPooling2D(_Pooling2D):
    """y = max over the window;  dy goes to the first element that has that value.  x (N, H, W, C) → (N, H', W', C)."""

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The largest; backward needs x and y."""
        y = max_pool(self.backend, x[0], self._window(*x[0].shape[1:3]))
        return y, (x[0], y)

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dy to the first of the largest."""
        x, y = saved
        return (max_pool_grad(self.backend, x, y, dy, self._window(*x.shape[1:3])),) if need_dx else None


class AveragePooling2D(_Pooling2D):
    """y = the mean over the window inside the image;  each of its elements gets dy / n."""

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The mean; backward needs the size of the image."""
        at = self._window(*x[0].shape[1:3])
        return average_pool(self.backend, x[0], at), at

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dy / n to each."""
        return (average_pool_grad(self.backend, dy, saved),) if need_dx else None


class GlobalAveragePooling2D(Layer):
    """y = the mean over the image;  dx = dy / (H·W).  x (N, H, W, C) → y (N, C)."""

    def output_shape(self, *inputs: Shape) -> Shape:
        """(H, W, C) → (C,)."""
        return (one_image(self.name, inputs)[2],)

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The mean; backward needs the shape."""
        _, height, width, _ = x[0].shape
        return self.xp.sum(x[0], axis=(1, 2)) / (height * width), x[0].shape

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dy / (H·W) everywhere."""
        batch, height, width, channels = saved
        share = self.xp.reshape(dy / (height * width), (batch, 1, 1, channels))
        return (self.xp.broadcast_to(share, saved),) if need_dx else None


class GlobalMaxPooling2D(Layer):
    """y = the largest of the image;  dy goes to the first element that has that value.  x (N, H, W, C) → y (N, C)."""

    def output_shape(self, *inputs: Shape) -> Shape:
        """(H, W, C) → (C,)."""
        return (one_image(self.name, inputs)[2],)

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The largest; backward needs x and y."""
        y = self.xp.max(x[0], axis=(1, 2))
        return y, (x[0], y)

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dy to the first of the largest, counted row by row."""
        if not need_dx:
            return None
        x, y = saved
        xp = self.xp
        batch, height, width, channels = x.shape
        pixels = xp.reshape(x, (batch, height * width, channels))
        number = xp.reshape(self.backend.asarray(range(height * width), "int64"), (1, -1, 1))
        largest = xp.equal(pixels, xp.expand_dims(y, axis=1))
        first = xp.min(xp.where(largest, number, height * width), axis=1, keepdims=True)
        dx = xp.where(xp.equal(number, first), xp.expand_dims(dy, axis=1), 0.0)
        return (xp.reshape(dx, x.shape),)
