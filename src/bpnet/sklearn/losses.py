"""scikit-learn's losses as functions of the logits z: the loss of each sample, and its gradient.

K outputs, N samples; y and z (N, K), l (N,); μ = exp z. scikit-learn bounds
probabilities to [ε, 1 - ε], ε the rounding of the float type, before it takes their logarithm; its gradient is not
bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, log1p
from typing import Any

from bpnet.backend import Array, Backend
from bpnet.nn.losses import (
    BinaryCrossentropy,
    CrossEntropy,
    ElementwiseLoss,
    HalfSumOfSquares,
    Loss,
    PerSample,
    SparseCategoricalCrossentropy,
)

ROUNDING = {"float32": 2.0**-23, "float64": 2.0**-52}
"""The distance from 1 to the next number, NumPy's `finfo.eps`."""


@dataclass(frozen=True, kw_only=True)
class LogLoss(SparseCategoricalCrossentropy):
    """l = -log pₖ, p = softmax z, k the class;  dl/dz = p - y.  y (N,), the number of the class."""

    from_logits: bool = True
    dtype: str = "float64"

    def bind(self, be: Backend) -> PerSample:
        """The cross-entropy on logits, bounded."""
        per_sample, xp = super().bind(be), be.xp
        rounding = ROUNDING[self.dtype]
        least, most = -log1p(-rounding), -log(rounding)

        def bounded(y: Array, z: Array) -> tuple[Array, Array]:
            losses, dz = per_sample(y, z)
            return xp.minimum(xp.maximum(losses, least), most), dz

        return bounded


@dataclass(frozen=True, kw_only=True)
class BinaryLogLoss(BinaryCrossentropy):
    """l = -Σₖ [yₖ log pₖ + (1-yₖ) log(1-pₖ)], p = sigmoid z;  dl/dz = p - y."""

    over_outputs = "sum"
    from_logits: bool = True
    dtype: str = "float64"

    def formula(self, xp: Any) -> PerSample:
        """The cross-entropy of bounded probabilities.

        Where p comes near 1, 1 - p has few digits left, and so has scikit-learn's loss: on logits it would be another.
        """
        rounding = ROUNDING[self.dtype]

        def f(y: Array, z: Array) -> tuple[Array, Array]:
            p = xp.exp(xp.minimum(z, 0.0)) / (1.0 + xp.exp(-xp.abs(z)))
            q = xp.minimum(xp.maximum(p, rounding), 1.0 - rounding)
            return -(y * xp.log(q) + (1.0 - y) * xp.log(1.0 - q)), p - y

        return f


@dataclass(frozen=True, kw_only=True)
class HalfMeanSquaredError(HalfSumOfSquares):
    """l = (1/2K) Σₖ (z - y)²,  dl/dz = (z - y) / K.

    With several outputs scikit-learn 1.9 descends along z - y, K times the gradient of the loss that it states and
    reports; with one output the two are the same.
    """

    over_outputs = "mean"


@dataclass(frozen=True, kw_only=True)
class HalfPoissonDeviance(ElementwiseLoss):
    """l = Σₖ y log(y/μ) - y + μ, with y log y = 0 at y = 0;  dl/dz = μ - y."""

    over_outputs = "sum"

    def formula(self, xp: Any) -> PerSample:
        """y (log y - z) - y + μ and μ - y."""

        def f(y: Array, z: Array) -> tuple[Array, Array]:
            mean = xp.exp(z)
            own = y * xp.log(xp.where(y > 0, y, xp.ones_like(y)))
            return own - y * z - y + mean, mean - y

        return f


def on_logits(loss: Loss) -> Loss:
    """The loss as it is trained on: a cross-entropy takes logits, any other loss what the network gives."""
    return loss.on_logits() if isinstance(loss, CrossEntropy) else loss


def leaves_out_activation(loss: Loss) -> bool:
    """Does it take, as it is trained on, the outputs before their last activation?"""
    return isinstance(loss, CrossEntropy | HalfPoissonDeviance)
