"""Layers that join several inputs: the gates of the chain rule.

An add gate hands its gradient to every input, a multiply gate hands each input the gradient times the other inputs,
a max gate routes it to the largest input.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array
from bpnet.nn.graph import Shape
from bpnet.nn.layer import Layer
from bpnet.nn.shapes import own_axis


class Merge(Layer):
    """A function of two or more inputs of one shape."""

    def output_shape(self, *inputs: Shape) -> Shape:
        """The inputs' common shape."""
        if len(inputs) < 2 or len(set(inputs)) != 1:
            raise ValueError(f"layer {self.name!r}: inputs of shapes {inputs} came, expected two or more of one shape")
        return inputs[0]


class Add(Merge):
    """y = Σᵢ xᵢ;  dxᵢ = dy."""

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The sum; backward needs only how many there were."""
        y = x[0]
        for other in x[1:]:
            y = y + other
        return y, len(x)

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """The same gradient for every input."""
        count: int = saved
        return (dy,) * count


class Subtract(Merge):
    """y = x₁ - x₂;  dx₁ = dy, dx₂ = -dy."""

    def output_shape(self, *inputs: Shape) -> Shape:
        """The common shape of two inputs."""
        if len(inputs) != 2:
            raise ValueError(f"layer {self.name!r}: {len(inputs)} inputs came, expected two")
        return super().output_shape(*inputs)

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The difference."""
        return x[0] - x[1], None

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dy and -dy."""
        return dy, -dy


class Average(Add):
    """y = Σᵢ xᵢ / K of K inputs;  dxᵢ = dy / K."""

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The mean; backward needs only how many there were."""
        total, count = super().forward(p, *x, train=train)
        return total / count, count

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """An equal share for every input."""
        return super().backward(p, saved, dy / saved, g, need_dx=need_dx)


class Multiply(Merge):
    """y = Πᵢ xᵢ;  dxᵢ = dy ⊙ Πⱼ≠ᵢ xⱼ."""

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The product; backward needs the inputs."""
        return _product(x), x

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """For each input dy times all the others; not y / xᵢ, which is undefined at 0."""
        return tuple(dy * _product(saved[:i] + saved[i + 1 :]) for i in range(len(saved)))


class Maximum(Merge):
    """y = maxᵢ xᵢ;  dxᵢ = dy where xᵢ is the first of the largest, 0 elsewhere."""

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """The largest; backward needs the inputs and the output."""
        y = x[0]
        for other in x[1:]:
            y = self.xp.maximum(y, other)
        return y, (x, y)

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """Each element of dy goes to one input: the first that equals the output."""
        x, y = saved
        gradients = []
        left = dy
        for xi in x:
            here = xi == y
            gradients.append(self.xp.where(here, left, 0.0))
            left = self.xp.where(here, 0.0, left)
        return tuple(gradients)


class Concatenate(Layer):
    """y = the inputs side by side along `axis`;  dxᵢ = its part of dy. The other sizes must agree.

    `axis` counts as Keras does: 0 is the batch axis, which is not allowed, and -1 the last.
    """

    def __init__(self, axis: int = -1, *, name: str | None = None) -> None:
        super().__init__(name)
        self.axis = own_axis(axis)

    def output_shape(self, *inputs: Shape) -> Shape:
        """The sum of the sizes along the axis."""
        ranks = {len(shape) for shape in inputs}
        rank = max(ranks, default=0)
        axis = self.axis - 1 if self.axis > 0 else self.axis + rank
        if len(inputs) < 2 or len(ranks) != 1 or not 0 <= axis < rank:
            raise ValueError(
                f"layer {self.name!r}: inputs of shapes {inputs} came, expected two or more with an axis {self.axis}"
            )
        others = {shape[:axis] + shape[axis + 1 :] for shape in inputs}
        if len(others) != 1:
            raise ValueError(f"layer {self.name!r}: inputs of shapes {inputs} differ in more than axis {self.axis}")
        first = inputs[0]
        return (*first[:axis], sum(shape[axis] for shape in inputs), *first[axis + 1 :])

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """Side by side; backward needs the sizes."""
        return self.xp.concat(x, axis=self.axis), [part.shape[self.axis] for part in x]

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dy cut apart."""
        parts = []
        stop = 0
        for size in saved:
            start, stop = stop, stop + size
            cut = [slice(None)] * dy.ndim
            cut[self.axis] = slice(start, stop)
            parts.append(dy[tuple(cut)])
        return tuple(parts)


def _product(factors: tuple[Array, ...]) -> Array:
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    return product
