"""Layers that are random in training and do nothing afterwards.

Dropout (Srivastava et al. 2014), inverted: each element is kept with probability q = 1 - rate and then divided by q, so
its expectation stays and inference needs no scaling. y = x ⊙ m / q, dx = dy ⊙ m / q.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array
from bpnet.nn.checks import require_number
from bpnet.nn.graph import Shape
from bpnet.nn.layer import Layer
from bpnet.nn.random import advance, kept, standard_normal
from bpnet.nn.shapes import one_input


class _Random(Layer):
    """A layer with a stream of random numbers of its own, whose key is `p.key`."""

    is_random = True

    def output_shape(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        return one_input(self.name, inputs)


class Dropout(_Random):
    """y = x ⊙ m / (1 - rate) in training, x otherwise;  dx = dy ⊙ m / (1 - rate).  P(m = 1) = 1 - rate."""

    def __init__(self, rate: float, *, name: str | None = None) -> None:
        super().__init__(name)
        require_number("rate", rate, least=0, below=1)
        self.rate = float(rate)

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """Some elements of x, enlarged; backward needs to know which."""
        if not train or self.rate == 0:
            return x[0], None
        mask = kept(self.backend, p.key, tuple(x[0].shape), 1 - self.rate)
        advance(p.key)
        return self.xp.where(mask, x[0] * (1 / (1 - self.rate)), 0.0), mask

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """The same elements of dy, enlarged."""
        if saved is None:
            return (dy,)
        return (self.xp.where(saved, dy * (1 / (1 - self.rate)), 0.0),) if need_dx else None


class GaussianNoise(_Random):
    """y = x + ε in training, ε ~ N(0, stddev²), x otherwise;  dx = dy."""

    def __init__(self, stddev: float, *, name: str | None = None) -> None:
        super().__init__(name)
        require_number("stddev", stddev, least=0)
        self.stddev = float(stddev)

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """x with noise."""
        if not train or self.stddev == 0:
            return x[0], None
        noise = standard_normal(self.backend, p.key, tuple(x[0].shape), x[0].dtype)
        advance(p.key)
        return x[0] + self.stddev * noise, None

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dy itself."""
        return (dy,)
