"""Normalization: x̂ = (x - μ) / √(σ² + ε), then y = γ x̂ + β.

μ and σ² are the mean and the (biased) variance over the m elements of a group: in batch normalization (Ioffe and
Szegedy 2015) all samples and places of a feature, in layer normalization (Ba et al. 2016) all features of a sample.

Backward, with h = dy ⊙ γ and sums over the group:
    dγ = Σ dy ⊙ x̂,  dβ = Σ dy,  dx = (h - Σh / m - x̂ Σ(h ⊙ x̂) / m) / √(σ² + ε),
because μ and σ² depend on x. In inference batch normalization takes running statistics, which do not:
    dx = h / √(σ² + ε).
Of a batch that lies in parts on several processes each sum is the sum of the parts' sums: μ = Σₚ Σ x / m, and with it
σ² = Σₚ Σ (x - μ)² / m, which loses no digits as Σ x² / m - μ² would; in backward Σₚ Σ h and Σₚ Σ h ⊙ x̂. dγ and dβ stay
the part's own, because the gradients of all parameters are added up over the processes anyway.
Shapes:  x, y (N, …, C); γ, β, μ, σ² (C,) in batch normalization, γ, β (C,) in layer normalization.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array
from bpnet.nn.checks import require_number
from bpnet.nn.graph import Shape
from bpnet.nn.initializers import Constant, Initializer, initializer
from bpnet.nn.layer import Layer
from bpnet.nn.parameters import Parameter
from bpnet.nn.shapes import one_input, own_axis
from bpnet.nn.whole_batch import WholeBatch


class _Normalization(Layer):
    """What the two share: γ and β of one axis, and the formulas, given the axes of a group."""

    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 1e-3,
        *,
        center: bool = True,
        scale: bool = True,
        beta_initializer: str | Initializer = "zeros",
        gamma_initializer: str | Initializer = "ones",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        require_number("epsilon", epsilon, above=0)
        self.axis = own_axis(axis)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializer(beta_initializer)
        self.gamma_initializer = initializer(gamma_initializer)

    def output_shape(self, *inputs: Shape) -> Shape:
        """The input's shape."""
        shape = one_input(self.name, inputs)
        if not -len(shape) <= self.axis <= len(shape):
            raise ValueError(f"layer {self.name!r}: samples of shape {shape} came, which have no axis {self.axis}")
        return shape

    def parameters(self, *inputs: Shape) -> Sequence[Parameter]:
        """γ and β, as far as `scale` and `center` ask for them."""
        shape = (self._size(inputs[0]),)
        gamma = [Parameter("gamma", shape, self.gamma_initializer)] if self.scale else []
        beta = [Parameter("beta", shape, self.beta_initializer)] if self.center else []
        return (*gamma, *beta)

    def _size(self, shape: Shape) -> int:
        return shape[self.axis - 1 if self.axis > 0 else self.axis]

    def _along(self, vector: Array, rank: int) -> Array:
        """A vector of the axis, ready to meet an array of that many axes."""
        axis = self.axis % rank
        return self.xp.reshape(vector, tuple(-1 if i == axis else 1 for i in range(rank)))

    def _scaled(self, p: SimpleNamespace, normal: Array) -> Array:
        y = normal
        if self.scale:
            y = y * self._along(p.gamma, normal.ndim)
        return y + self._along(p.beta, normal.ndim) if self.center else y

    def _statistics(self, x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
        """Mean and biased variance over `axes`, which stay as axes of length 1."""
        mean = self.xp.mean(x, axis=axes, keepdims=True)
        off = x - mean
        return mean, self.xp.mean(off * off, axis=axes, keepdims=True)

    def _parameter_gradients(self, normal: Array, dy: Array, g: SimpleNamespace) -> None:
        """dγ = Σ dy ⊙ x̂ and dβ = Σ dy over all axes but the parameters'."""
        axes = tuple(i for i in range(dy.ndim) if i != self.axis % dy.ndim)
        if self.scale:
            g.gamma[...] = self.xp.sum(dy * normal, axis=axes)
        if self.center:
            g.beta[...] = self.xp.sum(dy, axis=axes)

    def _input_gradient(self, p: SimpleNamespace, saved: Any, dy: Array) -> Array:
        """dx; the statistics depend on x where `axes` are known."""
        normal, inverse, axes = saved
        h = dy * self._along(p.gamma, dy.ndim) if self.scale else dy
        if axes is None:
            return h * inverse
        mean = self.xp.mean(h, axis=axes, keepdims=True)
        return (h - mean - normal * self.xp.mean(h * normal, axis=axes, keepdims=True)) * inverse

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dγ and dβ into g; dx."""
        self._parameter_gradients(saved[0], dy, g)
        return (self._input_gradient(p, saved, dy),) if need_dx else None


class BatchNormalization(_Normalization):
    """y = γ (x - μ) / √(σ² + ε) + β, μ and σ² over the batch in training, running statistics afterwards.

    The running statistics follow r ← momentum·r + (1 - momentum)·batch, as Keras has it (PyTorch's momentum is 1 minus
    that, its ε 1e-5). Keras takes the biased variance of the batch for them, PyTorch the unbiased one, m / (m - 1)
    times as large: `unbiased=True`. `axis` is that of the features; statistics are over all others.
    `settings`: `center` and `scale`, False for no β and no γ, `beta_initializer` (zeros), `gamma_initializer` (ones),
    `name`.

    Where several processes learn from a batch, its statistics are those of the whole. With `per_process` each takes
    those of its own samples, and sends nothing: another run than that of one process. The running statistics of a
    process then follow its own samples, and at the end of an epoch all go on from their mean over the processes.
    """

    mixes_samples = True
    whole: WholeBatch | None = None
    """The batch of which x is a part, while a process learns from its share of one; None where x is all of it."""

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        *,
        unbiased: bool = False,
        per_process: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(axis, epsilon, **settings)
        require_number("momentum", momentum, least=0, below=1)
        self.momentum = float(momentum)
        self.unbiased = unbiased
        self.per_process = per_process

    def state(self, *inputs: Shape) -> Sequence[Parameter]:
        """The running mean, from 0, and variance, from 1."""
        shape = (self._size(inputs[0]),)
        return Parameter("mean", shape, Constant(0.0)), Parameter("variance", shape, Constant(1.0))

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """y; in training the running statistics move too. Backward needs x̂ and 1 / √(σ² + ε)."""
        rank = x[0].ndim
        axes = tuple(i for i in range(rank) if i != self.axis % rank) if train else None
        if axes is None:
            mean, variance = self._along(p.mean, rank), self._along(p.variance, rank)
        else:
            mean, variance = self._statistics(x[0], axes)
            self._follow(p, mean, variance, self._elements(x[0], axes))
        inverse = 1 / self.xp.sqrt(variance + self.epsilon)
        normal = (x[0] - mean) * inverse
        return self._scaled(p, normal), (normal, inverse, axes)

    def _statistics(self, x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
        """Mean and biased variance, of the whole batch."""
        whole = self._shared_batch()
        if whole is None:
            return super()._statistics(x, axes)
        m = self._elements(x, axes)
        mean = whole.add_up(self.xp.sum(x, axis=axes, keepdims=True)) / m
        off = x - mean
        return mean, whole.add_up(self.xp.sum(off * off, axis=axes, keepdims=True)) / m

    def _input_gradient(self, p: SimpleNamespace, saved: Any, dy: Array) -> Array:
        """dx, with sums over the whole batch; both go to the other processes at once."""
        normal, inverse, axes = saved
        whole = self._shared_batch()
        if whole is None or axes is None:
            return super()._input_gradient(p, saved, dy)
        xp, m = self.xp, self._elements(dy, axes)
        h = dy * self._along(p.gamma, dy.ndim) if self.scale else dy
        sums = [xp.sum(part, axis=axes, keepdims=True) for part in (h, h * normal)]
        means = whole.add_up(xp.stack(sums)) / m
        return (h - means[0, ...] - normal * means[1, ...]) * inverse

    def _shared_batch(self) -> WholeBatch | None:
        return None if self.per_process else self.whole

    def _elements(self, x: Array, axes: tuple[int, ...]) -> int:
        """m: the elements of a feature in the batch, of which x may be a part."""
        whole, own = self._shared_batch(), prod(x.shape[axis] for axis in axes)
        return own if whole is None else int(own // x.shape[0] * whole.samples)

    def _follow(self, p: SimpleNamespace, mean: Array, variance: Array, m: int) -> None:
        factor = m / (m - 1) if self.unbiased and m > 1 else 1.0
        if self.whole is not None and self.whole.is_empty and self.per_process:
            return
        new = 1 - self.momentum
        p.mean[...] = self.momentum * p.mean + new * self.xp.reshape(mean, p.mean.shape)
        p.variance[...] = self.momentum * p.variance + new * factor * self.xp.reshape(variance, p.variance.shape)


class LayerNormalization(_Normalization):
    """y = γ (x - μ) / √(σ² + ε) + β, μ and σ² over one `axis` of each sample, in training and inference alike."""

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """y; backward needs x̂ and 1 / √(σ² + ε)."""
        axes = (self.axis % x[0].ndim,)
        mean, variance = self._statistics(x[0], axes)
        inverse = 1 / self.xp.sqrt(variance + self.epsilon)
        normal = (x[0] - mean) * inverse
        return self._scaled(p, normal), (normal, inverse, axes)
