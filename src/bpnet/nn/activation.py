"""Activations as layers of their own: y = f(z), dz = dy ⊙ f'(z), for inputs of any shape."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array
from bpnet.nn.activations import ActivationFunction, Elu, LeakyRelu
from bpnet.nn.activations import activation as activation_named
from bpnet.nn.graph import Shape
from bpnet.nn.initializers import Initializer, initializer
from bpnet.nn.layer import Layer
from bpnet.nn.parameters import Parameter
from bpnet.nn.shapes import one_input, whole


class Activation(Layer):
    """y = f(z);  dz = dy ⊙ f'(z).  z (N, ...) → y (N, ...)."""

    def __init__(self, activation: str | ActivationFunction, *, name: str | None = None) -> None:
        super().__init__(name)
        self.activation: ActivationFunction = activation_named(activation)

    def output_shape(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        return one_input(self.name, inputs)

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """y = f(z); backward needs y or z."""
        y, kept = self._f.forward(x[0])
        return y, kept

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dz = dy ⊙ f'(z)."""
        return (self._f.backward(saved, dy),) if need_dx else None


class ReLU(Activation):
    """y = max(z, 0);  dz = dy where z > 0, 0 elsewhere."""

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__("relu", name=name)


class LeakyReLU(Activation):
    """y = z where z > 0, a z elsewhere;  dz = dy or a dy.  a = `negative_slope`, fixed."""

    def __init__(self, negative_slope: float = 0.3, *, name: str | None = None) -> None:
        super().__init__(LeakyRelu(negative_slope), name=name)
        self.negative_slope = negative_slope


class ELU(Activation):
    """y = z where z > 0, α (exp z - 1) elsewhere;  dz = dy or (y + α) dy."""

    def __init__(self, alpha: float = 1.0, *, name: str | None = None) -> None:
        super().__init__(Elu(alpha), name=name)
        self.alpha = alpha


class Softmax(Activation):
    """y = softmax(z) over the last axis;  dz = y ⊙ (dy - Σₖ dyₖ yₖ)."""

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__("softmax", name=name)


class PReLU(Layer):
    """y = z where z > 0, a z elsewhere;  dz = dy or a dy, da = Σ dy z over samples where z <= 0 (He et al. 2015).

    A slope a for each element of a sample; along the `shared_axes`, counted from 1 without the batch axis, one for all.
    """

    def __init__(
        self,
        alpha_initializer: str | Initializer = "zeros",
        *,
        shared_axes: Sequence[int] = (),
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.alpha_initializer = initializer(alpha_initializer)
        self.shared_axes = tuple(whole("shared_axes", axis) for axis in shared_axes)

    def output_shape(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        shape = one_input(self.name, inputs)
        if any(axis > len(shape) for axis in self.shared_axes):
            raise ValueError(f"layer {self.name!r}: shared_axes {self.shared_axes}, but samples of shape {shape} came")
        return shape

    def parameters(self, *inputs: Shape) -> Sequence[Parameter]:
        """The slopes a."""
        shape = tuple(1 if axis + 1 in self.shared_axes else size for axis, size in enumerate(inputs[0]))
        return (Parameter("alpha", shape, self.alpha_initializer),)

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """z or a z; backward needs z."""
        return self.xp.where(x[0] > 0, x[0], p.alpha * x[0]), x[0]

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """da into g; dz."""
        xp = self.xp
        shared = tuple(axis for axis in range(dy.ndim) if axis == 0 or axis in self.shared_axes)
        below = xp.where(saved > 0, 0.0, dy * saved)
        g.alpha[...] = xp.reshape(xp.sum(below, axis=shared, keepdims=True), g.alpha.shape)
        return (xp.where(saved > 0, dy, p.alpha * dy),) if need_dx else None
