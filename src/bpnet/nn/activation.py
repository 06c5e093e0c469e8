"""An activation as a layer of its own: y = f(z), dz = dy ⊙ f'(z), for inputs of any shape."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array, Backend
from bpnet.nn.activations import ActivationFunction
from bpnet.nn.activations import activation as activation_named
from bpnet.nn.graph import Shape
from bpnet.nn.layer import Layer


class Activation(Layer):
    """y = f(z);  dz = dy ⊙ f'(z).  z (N, ...) → y (N, ...)."""

    def __init__(self, activation: str | ActivationFunction, *, name: str | None = None) -> None:
        super().__init__(name)
        self.activation: ActivationFunction = activation_named(activation)

    def bind(self, backend: Backend) -> None:
        """Make the activation's formulas for `backend`."""
        super().bind(backend)
        self._f = self.activation.bind(backend)

    def output_shape(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        if len(inputs) != 1:
            raise ValueError(f"layer {self.name!r}: {len(inputs)} inputs came, expected one")
        return inputs[0]

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """y = f(z); backward needs y or z."""
        y, kept = self._f.forward(x[0])
        return y, kept

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dz = dy ⊙ f'(z)."""
        return (self._f.backward(saved, dy),) if need_dx else None
