"""Layers that move elements and change none: what goes forward by a rule comes back by its inverse."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array
from bpnet.nn.graph import Shape
from bpnet.nn.layer import Layer
from bpnet.nn.shapes import one_image, one_input
from bpnet.nn.window import Pair, pair


class Reshape(Layer):
    """y = x in another shape, rows first;  dx = dy in that of x.  One size may be -1: what is left."""

    def __init__(self, target_shape: Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name)
        target = tuple(target_shape) if isinstance(target_shape, Sequence) else ()
        sizes = all(isinstance(size, int) and (size >= 1 or size == -1) for size in target)
        if not target or not sizes or target.count(-1) > 1:
            raise ValueError(
                f"target_shape: {target_shape!r} was given, expected whole numbers from 1, one of which may be -1, "
                "without the batch axis: (28, 28, 1)"
            )
        self.target_shape = target

    def output_shape(self, *inputs: Shape) -> Shape:
        """The target, -1 replaced."""
        size = prod(one_input(self.name, inputs))
        rest = prod(n for n in self.target_shape if n != -1)
        shape = tuple(size // rest if n == -1 else n for n in self.target_shape)
        if prod(shape) != size:
            raise ValueError(
                f"layer {self.name!r}: samples of shape {inputs[0]} came, {size} elements, which do not fit "
                f"{self.target_shape}"
            )
        return shape

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """x in the new shape; backward needs the old one."""
        shape = self.output_shape(tuple(x[0].shape[1:]))
        return self.xp.reshape(x[0], (x[0].shape[0], *shape)), x[0].shape

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dy in the old shape."""
        return (self.xp.reshape(dy, saved),) if need_dx else None


class Flatten(Reshape):
    """y = x as one row a sample.  x (N, …) → y (N, features)."""

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__((-1,), name=name)


class Permute(Layer):
    """y = x with its axes in the order `dims`, counted from 1 without the batch axis;  dx = dy put back.

    A model for images with channels first begins with Permute((2, 3, 1)).
    """

    def __init__(self, dims: Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name)
        self.dims = tuple(dims) if isinstance(dims, Sequence) else ()
        if not self.dims or sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"dims: {dims!r} was given, expected the numbers from 1 in some order: (2, 3, 1)")
        self._there = (0, *self.dims)
        self._back = tuple(self._there.index(axis) for axis in range(len(self._there)))

    def output_shape(self, *inputs: Shape) -> Shape:
        """The sizes in the new order."""
        shape = one_input(self.name, inputs)
        if len(shape) != len(self.dims):
            raise ValueError(f"layer {self.name!r}: samples of shape {shape} came, expected {len(self.dims)} axes")
        return tuple(shape[axis - 1] for axis in self.dims)

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The axes in the new order."""
        return self.xp.permute_dims(x[0], self._there), None

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """The axes in the old order."""
        return (self.xp.permute_dims(dy, self._back),) if need_dx else None


class ZeroPadding2D(Layer):
    """y = x with zeros around each image;  dx = dy inside.  x (N, H, W, C) → y (N, H + 2p, W + 2q, C).

    `padding` is a number for all sides, two for (rows, columns), or ((top, bottom), (left, right)).
    """

    def __init__(self, padding: int | Sequence[Any] = 1, *, name: str | None = None) -> None:
        super().__init__(name)
        sides = (padding, padding) if isinstance(padding, int) else padding
        if not isinstance(sides, Sequence) or len(sides) != 2:
            raise ValueError(f"padding: {padding!r} was given, expected a number, two, or two pairs: ((1, 0), (2, 2))")
        self.padding: tuple[Pair, Pair] = (pair("padding", sides[0], 0), pair("padding", sides[1], 0))

    def output_shape(self, *inputs: Shape) -> Shape:
        """(H, W, C) → (top + H + bottom, left + W + right, C)."""
        height, width, channels = one_image(self.name, inputs)
        return height + sum(self.padding[0]), width + sum(self.padding[1]), channels

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The images in the middle; backward needs their place."""
        batch, height, width, _ = x[0].shape
        (top, _), (left, _) = self.padding
        inside = slice(top, top + height), slice(left, left + width)
        shape = (batch, *self.output_shape(tuple(x[0].shape[1:])))
        y = self.xp.zeros(shape, dtype=x[0].dtype, device=x[0].device)
        y[:, inside[0], inside[1], :] = x[0]
        return y, inside

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """What lies where the image was."""
        rows, columns = saved
        return (dy[:, rows, columns, :],) if need_dx else None


class UpSampling2D(Layer):
    """y = each pixel as a block of `size`;  dx = Σ dy over the block.  x (N, H, W, C) → y (N, H·a, W·b, C)."""

    def __init__(self, size: int | Sequence[int] = 2, *, name: str | None = None) -> None:
        super().__init__(name)
        self.size = pair("size", size)

    def output_shape(self, *inputs: Shape) -> Shape:
        """(H, W, C) → (H·a, W·b, C)."""
        height, width, channels = one_image(self.name, inputs)
        return height * self.size[0], width * self.size[1], channels

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """Each pixel many times; backward needs the shape."""
        batch, height, width, channels = x[0].shape
        apart = self.xp.reshape(x[0], (batch, height, 1, width, 1, channels))
        blocks = self.xp.broadcast_to(apart, (batch, height, self.size[0], width, self.size[1], channels))
        return self.xp.reshape(blocks, (batch, *self.output_shape((height, width, channels)))), x[0].shape

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """The sum over each block."""
        if not need_dx:
            return None
        batch, height, width, channels = saved
        blocks = self.xp.reshape(dy, (batch, height, self.size[0], width, self.size[1], channels))
        return (self.xp.sum(blocks, axis=(2, 4)),)
