"""What each of K models minimizes: Lₖ(θₖ) and its penalty, with the gradients of all in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

from bpnet.backend import Array
from bpnet.nn.metrics import MeanMetric, Metric
from bpnet.nn.op import zeros
from bpnet.nn.stacked import StackedNetwork
from bpnet.training.objective import Objective, times


class StackedObjective:
    """An objective of one output on a stack: x (K, N, …), y (K·N, …), weights (K, N) or None.

    The loss and the metrics know of no models, to them they are more samples; sums are then taken of each model's own.
    With `own_l2` each model has a coefficient λ₂ of its own for all weights, in place of the layers'.
    """

    def __init__(self, network: StackedNetwork, objective: Objective, *, own_l2: bool = False) -> None:
        self.network = network
        self.backend = network.backend
        self.is_mean = objective.is_mean
        self.metrics = objective.metrics
        (self._term,) = objective.at_work
        self._graph = network.stacked(objective.graph)
        self._l2 = zeros(self.backend, (network.models, 1), network.dtype)
        self._penalties: list[tuple[slice, float, Array | float]] = [
            (slice(each.start, each.stop), each.l1, each.l2) for each in network.one.penalties
        ]
        if own_l2:
            self._penalties = [(slice(*part), 0.0, self._l2) for part in regularized(network)]

    def set_l2(self, values: Sequence[float]) -> None:
        """λ₂ of each model."""
        self._l2[...] = self.backend.asarray([[float(value)] for value in values], self.network.dtype)

    @property
    def has_penalty(self) -> bool:
        """Is there any?"""
        return bool(self._penalties)

    def value_and_gradient(self, x: Array, y: Array, weight: Array | None) -> tuple[Array, Array | None, Array]:
        """Lₖ and the penalties, each (K,), the latter None where there are none; the outputs z. Gradients to `grad`."""
        network = self.network
        z, tape = network.forward(x, train=True, graph=self._graph)
        losses, dz = self._compare(y, z, weight)
        network.backward(tape, dz, graph=self._graph)
        for part, l1, l2 in self._penalties:
            w, dw = network.theta[:, part], network.grad[:, part]
            dw[...] = dw + l1 * self.backend.xp.sign(w) + 2.0 * l2 * w if l1 else dw + 2.0 * l2 * w
        return losses, self.penalty(), z

    def value(self, x: Array, y: Array, weight: Array | None) -> tuple[Array, Array]:
        """Lₖ (K,) without the penalty, and the outputs; nothing is written."""
        z, _ = self.network.forward(x, train=False, graph=self._graph)
        return self._compare(y, z, weight)[0], z

    def penalty(self) -> Array | None:
        """Σ_w λ₁ |w| + λ₂ w² of each model, (K,)."""
        xp, total = self.backend.xp, None
        for part, l1, l2 in self._penalties:
            w = self.network.theta[:, part]
            terms = l1 * xp.abs(w) + l2 * (w * w) if l1 else l2 * (w * w)
            value = xp.sum(terms, axis=-1)
            total = value if total is None else total + value
        return total

    def metric_sums(self, y: Array, z: Array, weight: Array | None) -> list[tuple[Array, ...]]:
        """For each of `metrics` its sums over the batch, each (K,)."""
        term, p = self._term, z
        if term.head is not None and not all(metric.takes_logits for metric in term.term.metrics):
            p, _ = term.head.forward(z)
        return [self._sums(metric, y, p, weight) for metric in term.term.metrics]

    def _compare(self, y: Array, z: Array, weight: Array | None) -> tuple[Array, Array]:
        """wₗ Lₖ (K,) and its gradient, like z; wₗ is the weight of the loss."""
        xp, models, samples = self.backend.xp, z.shape[0], z.shape[1]
        losses, dz = self._term.per_sample(y, self._flat(z))
        losses, dz = xp.reshape(losses, (models, samples)), xp.reshape(dz, z.shape)
        scale = 1.0 / samples if self.is_mean else 1.0
        if weight is None:
            value, dz = scale * xp.sum(losses, axis=-1), scale * dz
        else:
            along = xp.reshape(scale * weight, (models, samples) + (1,) * (z.ndim - 2))
            value, dz = scale * xp.sum(weight * losses, axis=-1), along * dz
        share = self._term.term.weight
        return times(self.backend, share, value), times(self.backend, share, dz)

    def _sums(self, metric: Metric, y: Array, p: Array, weight: Array | None) -> tuple[Array, ...]:
        xp, models, samples = self.backend.xp, p.shape[0], p.shape[1]
        if is_mean_of_samples(metric):
            values = xp.reshape(xp.astype(metric.values(xp, y, self._flat(p)), xp.float64), (models, samples))
            return (xp.sum(values if weight is None else xp.astype(weight, xp.float64) * values, axis=-1),)
        targets = xp.reshape(y, (models, samples, *y.shape[1:]))
        weights = [None if weight is None else weight[k, ...] for k in range(models)]
        found = [metric.sums(xp, targets[k, ...], p[k, ...], weights[k]) for k in range(models)]
        return tuple(xp.stack(list(parts)) for parts in zip(*found, strict=True))

    def _flat(self, z: Array) -> Array:
        """The samples of all models in one row."""
        xp: Any = self.backend.xp
        return xp.reshape(z, (z.shape[0] * z.shape[1], *z.shape[2:]))


def is_mean_of_samples(metric: Metric) -> TypeGuard[MeanMetric]:
    """Is it summed for all models at once? Any other is asked for one model after another."""
    return isinstance(metric, MeanMetric) and type(metric).sums is MeanMetric.sums


def regularized(network: StackedNetwork) -> Iterator[tuple[int, int]]:
    """The parts of theta that hold weights of layers that can have a `kernel_regularizer`; neighbours are joined."""
    begun: tuple[int, int] | None = None
    for place in network.layout.places:
        if not (place.parameter.decays and hasattr(network.one.graph.layers[place.layer], "kernel_regularizer")):
            continue
        if begun is not None and begun[1] == place.start:
            begun = begun[0], place.stop
            continue
        if begun is not None:
            yield begun
        begun = place.start, place.stop
    if begun is not None:
        yield begun
