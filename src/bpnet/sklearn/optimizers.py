"""scikit-learn's two optimizers, and what decides their learning rate between epochs.

Adam here has the form at the end of section 2 of Kingma and Ba 2015, whose ε is not corrected for the beginning;
bpnet's own Adam is their algorithm 1:

    θ ← θ - η √(1-β₂ᵗ)/(1-β₁ᵗ) · m / (√v + ε).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpnet.backend import Array
from bpnet.nn.network import Network
from bpnet.nn.optimizers import SGD, TINY_SQUARE, Adam, BoundOptimizer, Optimizer, flush

SMALLEST_RATE = 1e-6
"""An adaptive learning rate that has come so far is lowered no more."""


class EarlyAdam(Adam):
    """m ← β₁ m + (1-β₁) g,  v ← β₂ v + (1-β₂) g²,  θ ← θ - η √(1-β₂ᵗ)/(1-β₁ᵗ) · m / (√v + ε)."""

    def scalars(self, rate: Array, t: Array, *carried: Array) -> tuple[Array, ...]:
        """η √(1-β₂ᵗ)/(1-β₁ᵗ)."""
        return (rate * (1.0 - self.beta_2**t) ** 0.5 / (1.0 - self.beta_1**t),)

    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """The update with the correction folded into the rate."""
        b1, b2, epsilon = self.beta_1, self.beta_2, self.epsilon

        def update(theta: Array, g: Array, m: Array, v: Array, rate: Array) -> tuple[Array, ...]:
            m = flush(xp, b1 * m + (1.0 - b1) * g)
            v = flush(xp, b2 * v + (1.0 - b2) * g * g, TINY_SQUARE)
            return theta - rate * m / (xp.sqrt(v) + epsilon), m, v

        return update


class Momentum(SGD):
    """bpnet's SGD, whose momentum may be 1, as scikit-learn allows."""

    def __init__(self, learning_rate: float, momentum: float, nesterov: bool) -> None:
        super().__init__(learning_rate, nesterov=nesterov)
        self.momentum = float(momentum)
        self.moments = ("velocity",) if momentum else ()


class Optimization:
    """An optimizer at work across calls of `partial_fit`: its learning rate, and its moments on the device.

    It pickles without the device, moments included. `schedule` is constant, invscaling or adaptive.
    """

    def __init__(self, optimizer: Optimizer, learning_rate: float | None, schedule: str, power_t: float) -> None:
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        """None: the optimizer's own."""
        self._first_rate = learning_rate
        self._schedule = schedule
        self._power_t = power_t
        self._bound: BoundOptimizer | None = None
        self._network: Network | None = None
        self._moments: list[np.ndarray] | None = None

    def bind(self, network: Network) -> BoundOptimizer:
        """The optimizer on the network's vectors, with the moments that it has."""
        if self._bound is None or self._network is not network:
            moments = self.moments()
            bound = self.optimizer.bind(network)
            if moments is not None:
                for vector, kept in zip(bound.vectors(), moments, strict=True):
                    vector[...] = bound.backend.asarray(kept, str(kept.dtype))
            self._bound, self._network = bound, network
        if self.learning_rate is not None:
            self._bound.set_rate(self.learning_rate)
        return self._bound

    def moments(self) -> list[np.ndarray] | None:
        """What the optimizer keeps, on the host; None before it was bound."""
        if self._bound is None:
            return self._moments
        return [np.asarray(self._bound.backend.to_numpy(vector)) for vector in self._bound.vectors()]

    def epoch_ends(self, samples: int) -> None:
        """invscaling: η = η₀ / (t + 1)^power_t, t the number of samples seen."""
        if self._schedule == "invscaling" and self._first_rate is not None:
            self._set(self._first_rate / (samples + 1) ** self._power_t)

    def lower(self) -> bool:
        """adaptive: a fifth of the rate; False where it is too small already, or not adaptive."""
        if self._schedule != "adaptive" or self.learning_rate is None or self.learning_rate <= SMALLEST_RATE:
            return False
        self._set(self.learning_rate / 5.0)
        return True

    @property
    def is_adaptive(self) -> bool:
        """Is the rate lowered when nothing improves?"""
        return self._schedule == "adaptive"

    def rate(self) -> float:
        """The learning rate of the next update."""
        return self._read("rate")

    def initial_rate(self) -> float:
        """What the optimizer's schedule multiplies by its factor. ValueError: the epochs set the rate (invscaling)."""
        if self._schedule == "invscaling":
            raise ValueError(
                "learning_rate: 'invscaling' sets it anew after each epoch, so that nobody else can. "
                "Mend: learning_rate='constant'"
            )
        return self._read("initial_rate")

    def set_rate(self, rate: float) -> None:
        """Another rate from now on. ValueError: the epochs set it."""
        self.initial_rate()
        self._set(rate)

    def _read(self, which: str) -> float:
        assert self._bound is not None, "it is asked for in training"
        return float(self._bound.backend.to_numpy(getattr(self._bound, which)()))

    def _set(self, rate: float) -> None:
        self.learning_rate = rate
        if self._bound is not None:
            self._bound.set_rate(rate)

    def __getstate__(self) -> dict[str, Any]:
        """Everything, the moments on the host."""
        return {**self.__dict__, "_bound": None, "_network": None, "_moments": self.moments()}
