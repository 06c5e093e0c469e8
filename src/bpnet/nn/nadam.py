"""Adam with Nesterov's momentum: Dozat 2016, as PyTorch's NAdam has it.

The momentum of update t grows towards β₁ with ψ = `momentum_decay`, and its products replace the powers β₁ᵗ:

    μₜ = β₁ (1 - ½ · 0.96^(t ψ)),  Pₜ = μ₁ μ₂ … μₜ
    m ← β₁ m + (1-β₁) g,  v ← β₂ v + (1-β₂) g²,  v̂ = v / (1-β₂ᵗ)
    θ ← θ - η [ (1-μₜ) g / (1-Pₜ) + μₜ₊₁ m / (1-Pₜ₊₁) ] / (√v̂ + ε)

Pₜ has no closed form: it is a scalar on the device that goes from update to update.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bpnet.backend import Array
from bpnet.nn.checks import require_number
from bpnet.nn.optimizers import OPTIMIZERS, TINY_SQUARE, Adam, flush
from bpnet.nn.schedules import Schedule


class Nadam(Adam):
    """θ ← θ - η [(1-μₜ) g / (1-Pₜ) + μₜ₊₁ m / (1-Pₜ₊₁)] / (√v̂ + ε);  the symbols are the file's.

    Dozat 2016, "Incorporating Nesterov Momentum into Adam"; as in PyTorch. In Keras η is 0.001 and ε 1e-7 by default,
    and ψ always 1.
    """

    first_carried = (1.0,)

    def __init__(
        self, learning_rate: float | Schedule = 0.002, *, momentum_decay: float = 0.004, **settings: Any
    ) -> None:
        super().__init__(learning_rate, **settings)
        require_number("momentum_decay", momentum_decay, least=0)
        self.momentum_decay = momentum_decay

    def carry(self, t: Array, *carried: Array) -> tuple[Array, ...]:
        """Pₜ = Pₜ₋₁ μₜ."""
        return (carried[0] * self._momentum(t),)

    def scalars(self, rate: Array, t: Array, *carried: Array) -> tuple[Array, ...]:
        """η (1-μₜ) / (1-Pₜ),  η μₜ₊₁ / (1-Pₜ₊₁)  and  1 / (1-β₂ᵗ)."""
        product, later = carried[0], self._momentum(t + 1.0)
        of_g = rate * (1.0 - self._momentum(t)) / (1.0 - product)
        return of_g, rate * later / (1.0 - product * later), 1.0 / (1.0 - self.beta_2**t)

    def formula(self, xp: Any) -> Callable[..., tuple[Array, ...]]:
        """The update with all corrections folded into three scalars."""
        b1, b2, epsilon = self.beta_1, self.beta_2, self.epsilon

        def update(
            theta: Array, g: Array, m: Array, v: Array, of_g: Array, of_m: Array, correction: Array
        ) -> tuple[Array, ...]:
            m = flush(xp, b1 * m + (1.0 - b1) * g)
            v = flush(xp, b2 * v + (1.0 - b2) * g * g, TINY_SQUARE)
            return theta - (of_g * g + of_m * m) / (xp.sqrt(correction * v) + epsilon), m, v

        return update

    def _momentum(self, t: Array) -> Array:
        """μₜ."""
        return self.beta_1 * (1.0 - 0.5 * 0.96 ** (t * self.momentum_decay))


OPTIMIZERS["nadam"] = Nadam
