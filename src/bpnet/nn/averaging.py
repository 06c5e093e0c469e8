"""The average of the weights over the updates, which often generalizes better than the last weights do.

With decay β, after update t: e ← β e + (1-β) θ from e = 0, and a = e / (1-βᵗ) is free of the beginning's bias (see
`averages`). The same without a division of vectors, and with a = θ exactly after one update:

    a ← a + (1-β) / (1-βᵗ) · (θ - a)

because (1-βᵗ) aₜ = β (1-βᵗ⁻¹) aₜ₋₁ + (1-β) θₜ and β (1-βᵗ⁻¹) = (1-βᵗ) - (1-β).
Polyak and Juditsky 1992; with this weighting and correction Kingma and Ba 2015, section 7.2.
"""

from __future__ import annotations

from bpnet.backend import Array
from bpnet.nn.checks import require_number
from bpnet.nn.network import Network
from bpnet.nn.op import zeros
from bpnet.nn.optimizers import BoundElementwise, ElementwiseOptimizer, Optimizer
from bpnet.nn.optimizers import optimizer as optimizer_named


class Averaged(Optimizer):
    """Updates of the optimizer given; the model's weights are their exponential average between epochs and afterwards.

    `compile(Averaged(Adam(), decay=0.999))`: around an optimizer, so that none needs settings for it. The steps of an
    epoch go on from the raw weights. At its end, for the validation and `on_epoch_end`, and after `fit` or
    `train_on_batch`, for `evaluate`, `predict` and `get_weights`, the model holds the average. A later `fit` goes on
    from the raw weights, with the average as it is; from other weights, where someone has set them in between, and the
    average begins anew.
    The losses and metrics of an epoch's batches are those of the raw weights. The average looks back over about
    1 / (1 - decay) updates. In Keras (`use_ema`) validation still sees the raw weights, and training may be made to go
    on from the average (`ema_overwrite_frequency`), which changes it; here neither is so.
    Running statistics of batch normalization are not averaged: they are those of the raw weights' activations, as in
    Keras. PyTorch can measure them anew for the average (`update_bn`); bpnet cannot yet.
    """

    def __init__(self, optimizer: str | Optimizer, decay: float = 0.999) -> None:
        inner = optimizer_named(optimizer)
        if not isinstance(inner, ElementwiseOptimizer):
            raise ValueError(f"optimizer: {type(inner).__name__} was given, expected one that steps: Averaged(Adam())")
        require_number("decay", decay, least=0, below=1)
        self.optimizer = inner
        self.decay = decay

    def bind(self, network: Network) -> BoundAveraged:
        """The optimizer and the average at work on the network's vectors."""
        return BoundAveraged(self, network)


class BoundAveraged(BoundElementwise):
    """The optimizer's own vectors, the average a, the raw weights while theta is a, and the number of updates in a."""

    def __init__(self, averaged: Averaged, network: Network) -> None:
        super().__init__(averaged.optimizer, network)
        backend = self.backend
        self.decay = averaged.decay
        self.average = backend.xp.zeros_like(self.theta)
        self.raw = backend.xp.zeros_like(self.theta)
        self.averaged = zeros(backend, (), "float64")
        self._mix = backend.fuse(_mix)

    def step(self) -> None:
        """One update of theta, then of the average."""
        super().step()
        self.averaged[...] = self.averaged + 1.0
        share = (1.0 - self.decay) / (1.0 - self.decay**self.averaged)
        self.average[...] = self._mix(self.average, self.theta, self.backend.xp.astype(share, self._dtype))

    def vectors(self) -> list[Array]:
        """The optimizer's, and the average's."""
        return [*super().vectors(), self.average, self.raw, self.averaged]

    def begin(self) -> None:
        """Theta becomes the raw weights, if it is the average; else the average begins anew from theta."""
        xp = self.backend.xp
        goes_on = xp.all(self.theta == self.average)
        self.theta[...] = xp.where(goes_on, self.raw, self.theta)
        self.average[...] = xp.where(goes_on, self.average, 0.0)
        self.averaged[...] = xp.where(goes_on, self.averaged, 0.0)

    def end(self) -> None:
        """Theta becomes the average, if there is one."""
        self.raw[...] = self.theta
        self.theta[...] = self.backend.xp.where(self.averaged > 0, self.average, self.theta)


def _mix(average: Array, theta: Array, share: Array) -> Array:
    return average + share * (theta - average)
