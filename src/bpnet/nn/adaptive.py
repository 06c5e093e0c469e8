"""More optimizers whose steps adapt to each parameter's gradients; and Lion, whose steps all have one size.

The notation is that of `optimizers`: η the learning rate, g the gradient, all functions elementwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bpnet.backend import Array
from bpnet.nn.checks import require_number
from bpnet.nn.optimizers import OPTIMIZERS, TINY_SQUARE, Adam, ElementwiseOptimizer, flush, require_share
from bpnet.nn.schedules import Schedule


class AdamW(Adam):
    """`Adam` with decoupled weight decay λ, θ ← θ - ηλθ for weights, by default 0.01 as in PyTorch.

    Loshchilov and Hutter 2019. `settings` are those of `Adam`.
    """

    def __init__(self, learning_rate: float | Schedule = 0.001, *, weight_decay: float = 0.01, **settings: Any) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **settings)


class Adagrad(ElementwiseOptimizer):
    """v ← v + g²,  θ ← θ - η g / (√v + ε).  Duchi et al. 2011; as in PyTorch.

    v begins as `initial_accumulator_value`. `settings`: `weight_decay`, `clipvalue`, `global_clipnorm`, as in `SGD`.
    """

    moments = ("v",)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        *,
        initial_accumulator_value: float = 0.0,
        epsilon: float = 1e-10,
        **settings: Any,
    ) -> None:
        super().__init__(learning_rate, **settings)
        require_number("initial_accumulator_value", initial_accumulator_value, least=0)
        require_number("epsilon", epsilon, above=0)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    @property
    def first_moments(self) -> tuple[float, ...]:
        """What v begins as."""
        return (self.initial_accumulator_value,)

    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """The update."""
        epsilon = self.epsilon

        def update(theta: Array, g: Array, v: Array, rate: Array) -> tuple[Array, ...]:
            v = v + g * g
            return theta - rate * g / (xp.sqrt(v) + epsilon), v

        return update


class Adadelta(ElementwiseOptimizer):
    """v ← ρ v + (1-ρ) g²,  Δ = g √(u + ε) / √(v + ε),  u ← ρ u + (1-ρ) Δ²,  θ ← θ - η Δ.

    Zeiler 2012; as in PyTorch. `settings`: `weight_decay`, `clipvalue`, `global_clipnorm`, as in `SGD`.
    """

    moments = ("v", "u")

    def __init__(
        self, learning_rate: float | Schedule = 1.0, *, rho: float = 0.9, epsilon: float = 1e-6, **settings: Any
    ) -> None:
        super().__init__(learning_rate, **settings)
        require_share(rho=rho)
        require_number("epsilon", epsilon, above=0)
        self.rho = rho
        self.epsilon = epsilon

    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """The update."""
        rho, epsilon = self.rho, self.epsilon

        def update(theta: Array, g: Array, v: Array, u: Array, rate: Array) -> tuple[Array, ...]:
            v = flush(xp, rho * v + (1.0 - rho) * g * g, TINY_SQUARE)
            delta = g * xp.sqrt(u + epsilon) / xp.sqrt(v + epsilon)
            u = flush(xp, rho * u + (1.0 - rho) * delta * delta, TINY_SQUARE)
            return theta - rate * delta, v, u

        return update


class RMSprop(ElementwiseOptimizer):
    """v ← ρ v + (1-ρ) g²,  θ ← θ - η g / (√v + ε).  Tieleman and Hinton 2012; in PyTorch η is 0.01, ρ 0.99.

    With `momentum` μ the steps add up, b ← μ b + g / (√v + ε), θ ← θ - η b; `centered` takes v - ḡ² for v, ḡ the
    running mean of g. `settings`: `weight_decay`, `clipvalue`, `global_clipnorm`, as in `SGD`.
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        *,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-8,
        centered: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(learning_rate, **settings)
        require_share(rho=rho, momentum=momentum)
        require_number("epsilon", epsilon, above=0)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self.moments = ("v", *(("mean",) if centered else ()), *(("steps",) if momentum else ()))

    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """The update with the moments that the settings ask for."""
        rho, mu, epsilon = self.rho, self.momentum, self.epsilon

        def update(theta: Array, g: Array, v: Array, *more: Array) -> tuple[Array, ...]:
            *moments, rate = more
            v = flush(xp, rho * v + (1.0 - rho) * g * g, TINY_SQUARE)
            new = [v]
            variance = v
            if self.centered:
                mean = flush(xp, rho * moments[0] + (1.0 - rho) * g)
                variance = v - mean * mean
                new.append(mean)
            step = g / (xp.sqrt(variance) + epsilon)
            if mu:
                step = flush(xp, mu * moments[-1] + step)
                new.append(step)
            return theta - rate * step, *new

        return update


class Lion(ElementwiseOptimizer):
    """θ ← θ - η sign(β₁ m + (1-β₁) g),  m ← β₂ m + (1-β₂) g.  Chen et al. 2023.

    The form is Keras', whose η is 0.001. `settings`: `weight_decay`, `clipvalue`, `global_clipnorm`, as in `SGD`.
    """

    moments = ("m",)

    def __init__(
        self, learning_rate: float | Schedule = 0.0001, *, beta_1: float = 0.9, beta_2: float = 0.99, **settings: Any
    ) -> None:
        super().__init__(learning_rate, **settings)
        require_share(beta_1=beta_1, beta_2=beta_2)
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """The update."""
        b1, b2 = self.beta_1, self.beta_2

        def update(theta: Array, g: Array, m: Array, rate: Array) -> tuple[Array, ...]:
            return theta - rate * xp.sign(b1 * m + (1.0 - b1) * g), flush(xp, b2 * m + (1.0 - b2) * g)

        return update


OPTIMIZERS |= {"adamw": AdamW, "adagrad": Adagrad, "adadelta": Adadelta, "rmsprop": RMSprop, "lion": Lion}
