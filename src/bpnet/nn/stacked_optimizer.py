"""An optimizer on a stack of K models, each with its own learning rate and weight decay: columns (K, 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bpnet.backend import Array
from bpnet.nn.op import zeros
from bpnet.nn.optimizers import BoundElementwise, ElementwiseOptimizer, clip_norm
from bpnet.nn.stacked import StackedNetwork


class StackedOptimizer(BoundElementwise):
    """The optimizer's formula on theta, gradients and moments (K, P); the scalars of an update are columns (K, 1).

    `decays` says whether any weight decay may differ from 0.
    """

    def __init__(self, optimizer: ElementwiseOptimizer, network: StackedNetwork, *, decays: bool) -> None:
        stands_for: Any = network  # it has what is asked of a network here: vectors, their layout and their type
        super().__init__(optimizer, stands_for)
        backend, column = self.backend, (network.models, 1)
        self._models = network.models
        self.t = zeros(backend, column, "float64")
        self.carried = [backend.xp.full_like(self.t, value) for value in optimizer.first_carried]
        self.base_rate = backend.xp.full_like(self.t, optimizer.schedule.learning_rate)
        self.weight_decay: Array = backend.xp.full_like(self.t, optimizer.weight_decay)
        self.decays = decays or bool(optimizer.weight_decay)

    def set_rates(self, values: Sequence[float]) -> None:
        """A learning rate for each model; a schedule's factor stays."""
        self.base_rate[...] = self._column(values)

    def set_weight_decay(self, values: Sequence[float]) -> None:
        """A weight decay for each model."""
        self.weight_decay[...] = self._column(values)

    def _column(self, values: Sequence[float]) -> Array:
        return self.backend.asarray([[float(value)] for value in values], "float64")

    def _clipped(self) -> Array:
        """Each model's gradient is clipped by its own norm."""
        g, optimizer = self.grad, self.optimizer
        if optimizer.clipvalue is not None:
            g = self.backend.xp.clip(g, -optimizer.clipvalue, optimizer.clipvalue)
        if optimizer.global_clipnorm is not None:
            bound = optimizer.global_clipnorm
            g = self.backend.xp.stack([clip_norm(self.backend, g[k, ...], bound) for k in range(self._models)])
        return g
