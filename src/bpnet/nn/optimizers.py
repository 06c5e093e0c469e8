"""Optimizers, most of them one elementwise function of (theta, gradient, moments, device scalars) over one vector.

t is the number of the update, from 1; η the learning rate at that update; g the gradient. Clipping comes before the
update: `clipvalue` bounds every element of g, `global_clipnorm` scales g so that its norm is at most that.
`weight_decay` λ is decoupled (Loshchilov and Hutter 2019): θ ← θ - ηλθ for weights only, before the update.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from bpnet.backend import Array
from bpnet.constructor import Written
from bpnet.names import look_up
from bpnet.nn.checks import require_number
from bpnet.nn.clipping import clip_norm
from bpnet.nn.network import Network
from bpnet.nn.op import zeros
from bpnet.nn.schedules import InverseTimeDecay, Schedule, schedule

TINY = 1e-30
"""Moments smaller than this become 0: a decaying moment would end among the denormal numbers, which are slow."""

TINY_SQUARE = 1e-36
"""The same for the mean of squares, whose root stays far below any ε in use."""


class Optimizer(Written, ABC):
    """The settings of an optimizer; `bind` gives it a network's vectors."""

    @abstractmethod
    def bind(self, network: Network) -> BoundOptimizer:
        """The optimizer at work on the network's vectors."""


class ElementwiseOptimizer(Optimizer):
    """One formula for every element of theta, its gradient and its moments, and a few scalars on the device."""

    moments: tuple[str, ...] = ()
    """The names of the vectors like theta that it keeps."""
    first_carried: tuple[float, ...] = ()
    """What the scalars begin as that go from update to update, float64 on the device; see `carry`."""

    def __init__(
        self,
        learning_rate: float | Schedule,
        *,
        weight_decay: float = 0.0,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.schedule = schedule(learning_rate)
        require_number("weight_decay", weight_decay, least=0)
        self.weight_decay = weight_decay
        for name, bound in (("clipvalue", clipvalue), ("global_clipnorm", global_clipnorm)):
            if bound is not None:
                require_number(name, bound, above=0)
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm

    @property
    def first_moments(self) -> tuple[float, ...]:
        """What each of them begins as."""
        return (0.0,) * len(self.moments)

    def carry(self, t: Array, *carried: Array) -> tuple[Array, ...]:
        """The carried scalars at update t, from those of the update before."""
        return carried

    def scalars(self, rate: Array, t: Array, *carried: Array) -> tuple[Array, ...]:
        """What the update needs of η and t, float64 scalars on the device: (η,) unless an optimizer says otherwise."""
        return (rate,)

    @abstractmethod
    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """update(theta, g, *moments, *scalars) → (theta, *moments), elementwise."""

    def bind(self, network: Network) -> BoundElementwise:
        """The optimizer at work on the network's vectors."""
        return BoundElementwise(self, network)


class SGD(ElementwiseOptimizer):
    """Gradient descent with momentum μ: v ← μ v - η g, θ ← θ + v; Nesterov's form: θ ← θ + μ v - η g with the new v.

    Sutskever et al. 2013. `decay` d divides the learning rate of update t by 1 + d·(t - 1).
    `weight_decay` λ: θ ← θ - ηλθ before the update, for weights, not for biases and scales. `clipvalue` bounds each
    element of g, `global_clipnorm` the norm of all of g.
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        decay: float = 0.0,
        weight_decay: float = 0.0,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        require_number("decay", decay, least=0)
        given = learning_rate
        if decay:
            if isinstance(learning_rate, Schedule):
                raise ValueError("decay: a schedule was given as learning_rate too; use one of the two")
            learning_rate = InverseTimeDecay(learning_rate, decay_rate=decay)
        super().__init__(learning_rate, weight_decay=weight_decay, clipvalue=clipvalue, global_clipnorm=global_clipnorm)
        require_share(momentum=momentum)
        self.learning_rate = given
        self.decay = decay
        self.momentum = momentum
        self.nesterov = nesterov
        self.moments = ("velocity",) if momentum else ()

    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """The plain, the momentum or the Nesterov update."""
        mu = self.momentum

        def descend(theta: Array, g: Array, rate: Array) -> tuple[Array, ...]:
            return (theta - rate * g,)

        def momentum(theta: Array, g: Array, v: Array, rate: Array) -> tuple[Array, ...]:
            v = flush(xp, mu * v - rate * g)
            return theta + v, v

        def nesterov(theta: Array, g: Array, v: Array, rate: Array) -> tuple[Array, ...]:
            v = flush(xp, mu * v - rate * g)
            return theta + mu * v - rate * g, v

        return descend if not mu else nesterov if self.nesterov else momentum


class Adam(ElementwiseOptimizer):
    """m ← β₁ m + (1-β₁) g,  v ← β₂ v + (1-β₂) g²,  θ ← θ - η m̂ / (√v̂ + ε),  m̂ = m / (1-β₁ᵗ),  v̂ = v / (1-β₂ᵗ).

    Kingma and Ba 2015, algorithm 1. `weight_decay`, `clipvalue` and `global_clipnorm` as in `SGD`.

    >>> from bpnet import CosineDecay, Dense, Sequential
    >>> model = Sequential([Dense(1, input_dim=4)])
    >>> model.compile(Adam(CosineDecay(0.01, decay_steps=1000), global_clipnorm=1.0), "mse")
    >>> round(model.learning_rate, 6)
    0.01
    """

    moments = ("m", "v")

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, clipvalue=clipvalue, global_clipnorm=global_clipnorm)
        require_share(beta_1=beta_1, beta_2=beta_2)
        require_number("epsilon", epsilon, above=0)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def scalars(self, rate: Array, t: Array, *carried: Array) -> tuple[Array, ...]:
        """η / (1-β₁ᵗ) and 1 / (1-β₂ᵗ): the bias corrections."""
        return rate / (1.0 - self.beta_1**t), 1.0 / (1.0 - self.beta_2**t)

    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """The update with the corrections folded into two scalars."""
        b1, b2, epsilon = self.beta_1, self.beta_2, self.epsilon

        def update(theta: Array, g: Array, m: Array, v: Array, rate: Array, correction: Array) -> tuple[Array, ...]:
            m = flush(xp, b1 * m + (1.0 - b1) * g)
            v = flush(xp, b2 * v + (1.0 - b2) * g * g, TINY_SQUARE)
            return theta - rate * m / (xp.sqrt(correction * v) + epsilon), m, v

        return update


def require_share(**numbers: object) -> None:
    """ValueError unless each is a number from 0, below 1: what a running mean keeps of itself."""
    for name, value in numbers.items():
        require_number(name, value, least=0, below=1)


def flush(xp: Any, moment: Array, tiny: float = TINY) -> Array:
    """0 in place of what is smaller than `tiny`."""
    return xp.where(xp.abs(moment) < tiny, 0.0, moment)


class BoundOptimizer(ABC):
    """An optimizer at work on a network's theta and gradient."""

    def __init__(self, network: Network) -> None:
        self.backend = network.backend
        self.theta = network.theta
        self.grad = network.grad

    @abstractmethod
    def rate(self) -> Array:
        """The learning rate of the next update, a float64 scalar on the device."""

    @abstractmethod
    def initial_rate(self) -> Array:
        """What a schedule multiplies by its factor, a float64 scalar on the device."""

    @abstractmethod
    def set_rate(self, value: float) -> None:
        """Another learning rate to begin with; a schedule's factor stays."""

    @abstractmethod
    def step(self) -> None:
        """One update of theta from the gradient."""

    def vectors(self) -> list[Array]:
        """All that an update changes besides theta."""
        return []

    def begin(self) -> None:  # noqa: B027 - most optimizers train what they show
        """Before some updates: theta becomes what they go on from. Not part of a captured step."""

    def end(self) -> None:  # noqa: B027
        """After some updates: theta becomes what is measured, predicted with and kept. Not part of a captured step."""


class BoundElementwise(BoundOptimizer):
    """A formula at work: its moments, the number of updates and the learning rate, all on the device."""

    norm_axis: int | None = None
    """Along which the gradients of a model lie; None where all are of one model."""

    def __init__(self, optimizer: ElementwiseOptimizer, network: Network) -> None:
        super().__init__(network)
        self.optimizer = optimizer
        backend, theta = self.backend, self.theta
        self.moments = [backend.xp.full_like(theta, value) for value in optimizer.first_moments]
        self.carried = [backend.asarray(value, "float64") for value in optimizer.first_carried]
        self.t = zeros(backend, (), "float64")
        self.base_rate = backend.asarray(optimizer.schedule.learning_rate, "float64")
        self.weight_decay: float | Array = optimizer.weight_decay
        self.decays = bool(optimizer.weight_decay)
        self._weights = theta[..., : network.layout.decaying]
        self._dtype = getattr(backend.xp, network.dtype)
        self._update = backend.fuse(optimizer.formula(backend.xp))

    def rate(self) -> Array:
        """The learning rate of the next update, a float64 scalar on the device."""
        return self.base_rate * self.optimizer.schedule.factor(self.backend.xp, self.t)

    def initial_rate(self) -> Array:
        """The schedule's learning rate, or what was set in its place."""
        return self.base_rate

    def set_rate(self, value: float) -> None:
        """In place of the schedule's learning rate."""
        self.base_rate[...] = value

    def step(self) -> None:
        """One update of theta and the moments from the gradient."""
        xp, optimizer = self.backend.xp, self.optimizer
        rate = self.rate()
        self.t[...] = self.t + 1.0
        if self.decays:
            share = xp.astype(self.weight_decay * rate, self._dtype)
            self._weights[...] = self._weights - share * self._weights
        for carried, value in zip(self.carried, optimizer.carry(self.t, *self.carried), strict=True):
            carried[...] = value
        scalars = [xp.astype(scalar, self._dtype) for scalar in optimizer.scalars(rate, self.t, *self.carried)]
        new = self._update(self.theta, self._clipped(), *self.moments, *scalars)
        for old, value in zip((self.theta, *self.moments), new, strict=True):
            old[...] = value

    def vectors(self) -> list[Array]:
        """All that an update changes besides theta: the moments, the carried scalars and t."""
        return [*self.moments, *self.carried, self.t]

    def _clipped(self) -> Array:
        g, optimizer = self.grad, self.optimizer
        if optimizer.clipvalue is not None:
            g = self.backend.xp.clip(g, -optimizer.clipvalue, optimizer.clipvalue)
        if optimizer.global_clipnorm is not None:
            g = clip_norm(self.backend, g, optimizer.global_clipnorm, self.norm_axis)
        return g


OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {"sgd": SGD, "adam": Adam}


def optimizer(which: str | Optimizer) -> Optimizer:
    """The optimizer of that name with its defaults, or the one given."""
    if isinstance(which, Optimizer):
        return which
    return look_up("optimizer", which, OPTIMIZERS)()
