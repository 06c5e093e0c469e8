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


def _product(factors: tuple[Array, ...]) -> Array:
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    return product
