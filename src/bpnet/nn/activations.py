"""Activations: two elementwise functions each, f(z) and its derivative, and softmax, which is not elementwise.

The derivative is a function of the output y wherever it can be had from it, so that z need not be kept; gelu and silu
need z. A formula is a factory that binds the namespace: `sigmoid(xp)` returns f and df.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import pi, sqrt
from typing import Any, Protocol

from bpnet.backend import Array, Backend
from bpnet.constructor import Written
from bpnet.names import look_up
from bpnet.nn.op import op

Elementwise = Callable[[Array], Array]

BEYOND = 20.0
"""A z at which gelu has reached its asymptotes, in float64 too."""


class BoundActivation(Protocol):
    """An activation on a backend."""

    def forward(self, z: Array) -> tuple[Array, Array]:
        """y = f(z), and the one array that backward needs."""

    def backward(self, kept: Array, dy: Array) -> Array:
        """dz."""


class ActivationFunction(Protocol):
    """What a layer's output goes through: one of `ACTIVATIONS`, or an object like them."""

    @property
    def name(self) -> str:
        """What it is called."""

    def bind(self, backend: Backend) -> BoundActivation:
        """The activation with its formulas made for `backend`."""


@dataclass(frozen=True, repr=False)
class ElementwiseActivation(Written):
    """y = f(z), dz = dy ⊙ df(y), or dy ⊙ df(z) where `derivative_of` is "z". Any shape."""

    name: str
    formula: Callable[[Any], tuple[Elementwise, Elementwise]]
    derivative_of: str = "y"

    def __post_init__(self) -> None:
        look_up("derivative_of", self.derivative_of, {"y": 0, "z": 0})

    def bind(self, backend: Backend) -> BoundActivation:
        """The two formulas, each one pass."""
        f, df = self.formula(backend.xp)
        return _BoundElementwise(backend.fuse(f), backend.fuse(df), self.derivative_of == "z")


@dataclass(frozen=True)
class _BoundElementwise:
    f: Elementwise
    df: Elementwise
    keeps_z: bool

    def forward(self, z: Array) -> tuple[Array, Array]:
        y = self.f(z)
        return y, z if self.keeps_z else y

    def backward(self, kept: Array, dy: Array) -> Array:
        return dy * self.df(kept)


@dataclass(frozen=True, repr=False)
class Linear(Written):
    """y = z, dz = dy."""

    name: str = "linear"

    def bind(self, backend: Backend) -> BoundActivation:
        """Nothing to prepare."""
        return self

    def forward(self, z: Array) -> tuple[Array, Array]:
        """z itself."""
        return z, None

    def backward(self, kept: Array, dy: Array) -> Array:
        """dy itself."""
        return dy


@op
def softmax(be: Backend, z: Array) -> Array:
    """yₖ = exp(zₖ - max z) / Σⱼ exp(zⱼ - max z), over the last axis."""
    e = be.xp.exp(z - be.xp.max(z, axis=-1, keepdims=True))
    return e / be.xp.sum(e, axis=-1, keepdims=True)


@op
def softmax_grad(be: Backend, y: Array, dy: Array) -> Array:
    """dz = y ⊙ (dy - Σₖ dyₖ yₖ), over the last axis."""
    return y * (dy - be.xp.sum(dy * y, axis=-1, keepdims=True))


@dataclass(frozen=True, repr=False)
class Softmax(Written):
    """y = softmax(z) over the last axis, dz = y ⊙ (dy - Σₖ dyₖ yₖ)."""

    name: str = "softmax"

    def bind(self, backend: Backend) -> BoundActivation:
        """The two formulas on `backend`."""
        return _BoundSoftmax(backend)


@dataclass(frozen=True)
class _BoundSoftmax:
    backend: Backend

    def forward(self, z: Array) -> tuple[Array, Array]:
        y = softmax(self.backend, z)
        return y, y

    def backward(self, kept: Array, dy: Array) -> Array:
        return softmax_grad(self.backend, kept, dy)


def sigmoid(xp: Any) -> tuple[Elementwise, Elementwise]:
    """f = 1 / (1 + exp(-z)) = exp(min(z, 0)) / (1 + exp(-|z|)), where no exponential can overflow; f' = y (1 - y)."""

    def f(z: Array) -> Array:
        return xp.exp(xp.minimum(z, 0.0)) / (1.0 + xp.exp(-xp.abs(z)))

    def df(y: Array) -> Array:
        return y * (1.0 - y)

    return f, df


def tanh(xp: Any) -> tuple[Elementwise, Elementwise]:
    """f = tanh z and f' = 1 - y²."""

    def f(z: Array) -> Array:
        return xp.tanh(z)

    def df(y: Array) -> Array:
        return 1.0 - y * y

    return f, df


def relu(xp: Any) -> tuple[Elementwise, Elementwise]:
    """f = max(z, 0) and f' = sign y, which is 1 where z > 0 and 0 elsewhere."""

    def f(z: Array) -> Array:
        return xp.maximum(z, 0.0)

    def df(y: Array) -> Array:
        return xp.sign(y)

    return f, df


def leaky_relu(xp: Any, negative_slope: float) -> tuple[Elementwise, Elementwise]:
    """f = z where z > 0, a z elsewhere; f' = 1 or a. With a > 0, y has the sign of z."""

    def f(z: Array) -> Array:
        return xp.where(z > 0, z, negative_slope * z)

    def df(y: Array) -> Array:
        return xp.where(y > 0, xp.ones_like(y), negative_slope)

    return f, df


def elu(xp: Any, alpha: float) -> tuple[Elementwise, Elementwise]:
    """f = z where z > 0, a (exp z - 1) elsewhere; f' = 1 or y + a. exp meets no positive z."""

    def f(z: Array) -> Array:
        return xp.where(z > 0, z, alpha * xp.expm1(xp.minimum(z, 0.0)))

    def df(y: Array) -> Array:
        return xp.where(y > 0, xp.ones_like(y), y + alpha)

    return f, df


def gelu(xp: Any) -> tuple[Elementwise, Elementwise]:
    """f = z (1 + tanh u) / 2 with u = √(2/π) (z + 0.044715 z³); f' = (1 + t) / 2 + z (1 - t²) u' / 2, t = tanh u.

    The form with tanh of Hendrycks and Gimpel 2016, within 5e-4 of the one with the normal distribution function.
    Beyond ±BEYOND, where t is ±1 to the last bit, u takes the value there: z³ cannot overflow.
    """
    c = sqrt(2 / pi)

    def bounded(z: Array) -> Array:
        return xp.minimum(xp.maximum(z, -BEYOND), BEYOND)

    def f(z: Array) -> Array:
        b = bounded(z)
        return 0.5 * z * (1.0 + xp.tanh(c * (b + 0.044715 * b * b * b)))

    def df(z: Array) -> Array:
        z = bounded(z)
        t = xp.tanh(c * (z + 0.044715 * z * z * z))
        return 0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * c * (1.0 + 3 * 0.044715 * z * z)

    return f, df


def silu(xp: Any) -> tuple[Elementwise, Elementwise]:
    """f = z s with s = sigmoid z; f' = s (1 + z (1 - s))."""
    s, _ = sigmoid(xp)

    def f(z: Array) -> Array:
        return z * s(z)

    def df(z: Array) -> Array:
        return s(z) * (1.0 + z * (1.0 - s(z)))

    return f, df


def softplus(xp: Any) -> tuple[Elementwise, Elementwise]:
    """f = log(1 + exp z) = max(z, 0) + log(1 + exp(-|z|)); f' = sigmoid z = 1 - exp(-y)."""

    def f(z: Array) -> Array:
        return xp.maximum(z, 0.0) + xp.log1p(xp.exp(-xp.abs(z)))

    def df(y: Array) -> Array:
        return -xp.expm1(-y)

    return f, df


def step(xp: Any) -> tuple[Elementwise, Elementwise]:
    """f = 1 where z >= 0, 0 elsewhere: the perceptron's threshold. It has no useful derivative."""

    def f(z: Array) -> Array:
        return xp.where(z >= 0, xp.ones_like(z), 0.0)

    def df(y: Array) -> Array:
        raise ValueError(
            "activation 'step' has no gradient to learn by: its derivative is 0 wherever it exists. "
            "Use it to predict, and train with 'sigmoid' or 'relu'"
        )

    return f, df


def LeakyRelu(negative_slope: float = 0.2) -> ElementwiseActivation:  # noqa: N802 - made like a class
    """Leaky relu with the slope a > 0 for negative z; Maas et al. 2013."""
    if not negative_slope > 0:
        raise ValueError(f"negative_slope: {negative_slope!r} was given, expected a number above 0 (for 0 use 'relu')")
    return ElementwiseActivation("leaky_relu", partial(leaky_relu, negative_slope=negative_slope))


def Elu(alpha: float = 1.0) -> ElementwiseActivation:  # noqa: N802 - made like a class
    """Exponential linear unit with the limit -a for negative z; Clevert et al. 2015."""
    if not alpha > 0:
        raise ValueError(f"alpha: {alpha!r} was given, expected a number above 0")
    return ElementwiseActivation("elu", partial(elu, alpha=alpha))


ACTIVATIONS: dict[str, ActivationFunction] = {
    "linear": Linear(),
    "sigmoid": ElementwiseActivation("sigmoid", sigmoid),
    "tanh": ElementwiseActivation("tanh", tanh),
    "relu": ElementwiseActivation("relu", relu),
    "leaky_relu": LeakyRelu(),
    "elu": Elu(),
    "gelu": ElementwiseActivation("gelu", gelu, derivative_of="z"),
    "silu": ElementwiseActivation("silu", silu, derivative_of="z"),
    "softplus": ElementwiseActivation("softplus", softplus),
    "softmax": Softmax(),
    "step": ElementwiseActivation("step", step),
}


def activation(which: str | ActivationFunction | None) -> ActivationFunction:
    """The activation of that name, or the one given; None is linear."""
    if which is None:
        return ACTIVATIONS["linear"]
    if isinstance(which, str | type):
        return look_up("activation", which, ACTIVATIONS)
    if hasattr(which, "output_shape"):  # a layer has the members of an activation too
        raise ValueError(
            f"activation: the layer {which!r} was given, expected a name or an activation. "
            "Mend: 'relu' or LeakyRelu(0.1); or let the layer follow this one"
        )
    if not hasattr(which, "bind") or not hasattr(which, "name"):
        raise ValueError(f"activation: {which!r} was given, expected a name or an ElementwiseActivation(name, formula)")
    return which
