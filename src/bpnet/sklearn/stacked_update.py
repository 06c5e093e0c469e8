"""scikit-learn's two optimizers on a stack of models, each with its own rate and coefficients: columns (K, 1).

The formulas are `EarlyAdam`'s and `Momentum`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bpnet.backend import Array, Backend
from bpnet.nn.op import zeros
from bpnet.nn.optimizers import TINY_SQUARE, flush


class StackedUpdate:
    """Moments, numbers of updates and rates of K models."""

    COEFFICIENTS: Sequence[str] = ()
    """The estimators' parameters that it needs besides the rate."""
    MOMENTS = 1

    def __init__(self, backend: Backend, theta: Array, grad: Array, dtype: str) -> None:
        models = int(theta.shape[0])
        self.backend, self.theta, self.grad = backend, theta, grad
        self._dtype = getattr(backend.xp, dtype)
        self.moments = [backend.xp.zeros_like(theta) for _ in range(self.MOMENTS)]
        self.rate = zeros(backend, (models, 1), "float64")
        self.t = zeros(backend, (models, 1), "float64")
        self.coefficients = [zeros(backend, (models, 1), "float64") for _ in self.COEFFICIENTS]
        self._update = backend.fuse(self.formula(backend.xp))

    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """(θ, g, moments, scalars) → (θ, moments)."""
        raise NotImplementedError

    def scalars(self) -> tuple[Array, ...]:
        """What the formula needs besides vectors, (K, 1) in float64."""
        raise NotImplementedError

    def step(self) -> None:
        """One update of each model."""
        self.t[...] = self.t + 1.0
        scalars = [self.backend.xp.astype(scalar, self._dtype) for scalar in self.scalars()]
        new = self._update(self.theta, self.grad, *self.moments, *scalars)
        for old, value in zip((self.theta, *self.moments), new, strict=True):
            old[...] = value


class StackedAdam(StackedUpdate):
    """m ← β₁ m + (1-β₁) g,  v ← β₂ v + (1-β₂) g²,  θ ← θ - η √(1-β₂ᵗ)/(1-β₁ᵗ) · m / (√v + ε)."""

    COEFFICIENTS = ("beta_1", "beta_2", "epsilon")
    MOMENTS = 2

    def scalars(self) -> tuple[Array, ...]:
        """η √(1-β₂ᵗ)/(1-β₁ᵗ), β₁, 1-β₁, β₂, 1-β₂, ε."""
        b1, b2, epsilon = self.coefficients
        rate = self.rate * (1.0 - b2**self.t) ** 0.5 / (1.0 - b1**self.t)
        return rate, b1, 1.0 - b1, b2, 1.0 - b2, epsilon

    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """The update, its correction folded into the rate."""

        def update(
            theta: Array,
            g: Array,
            m: Array,
            v: Array,
            rate: Array,
            b1: Array,
            c1: Array,
            b2: Array,
            c2: Array,
            e: Array,
        ) -> tuple[Array, ...]:
            m = flush(xp, b1 * m + c1 * g)
            v = flush(xp, b2 * v + c2 * g * g, TINY_SQUARE)
            return theta - rate * m / (xp.sqrt(v) + e), m, v

        return update


class StackedMomentum(StackedUpdate):
    """v ← μ v - η g,  θ ← θ + v."""

    COEFFICIENTS: Sequence[str] = ("momentum",)

    def scalars(self) -> tuple[Array, ...]:
        """η and μ."""
        return self.rate, self.coefficients[0]

    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """The update."""

        def update(theta: Array, g: Array, v: Array, rate: Array, mu: Array) -> tuple[Array, ...]:
            v = flush(xp, mu * v - rate * g)
            return theta + v, v

        return update


class StackedNesterov(StackedMomentum):
    """v ← μ v - η g,  θ ← θ + μ v - η g."""

    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """The update."""

        def update(theta: Array, g: Array, v: Array, rate: Array, mu: Array) -> tuple[Array, ...]:
            v = flush(xp, mu * v - rate * g)
            return theta + mu * v - rate * g, v

        return update


def update_of(estimator: Any) -> type[StackedUpdate]:
    """The one that the estimator's `solver` stands for."""
    if estimator.solver == "adam":
        return StackedAdam
    return StackedNesterov if estimator.nesterovs_momentum else StackedMomentum
