"""What an epoch of K models adds up, on the device, and reads once at its end; see `totals.py`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from bpnet.backend import Array
from bpnet.nn.op import zeros
from bpnet.training.stacked_objective import StackedObjective


class StackedTotals:
    """For each model: the sum of its losses, of its samples' weights, of each metric; the batches before a bad loss."""

    def __init__(self, objective: StackedObjective) -> None:
        self.backend, self._metrics = objective.backend, objective.metrics
        self._models = objective.network.models
        self.loss, self.weight, self.finite_batches = (self._zeros() for _ in range(3))
        self.sums = [[self._zeros() for _ in range(metric.size)] for _, metric in objective.metrics]

    def clear(self) -> None:
        """Begin an epoch."""
        for total in self._all():
            total[...] = 0.0

    def add(
        self,
        objective: StackedObjective,
        y: Array,
        z: Array,
        weight: Array | None,
        loss: Array,
        share: float,
        penalty: Array | None = None,
        of_penalty: float = 0.0,
    ) -> None:
        """Take a batch in: its losses so many times, its penalties, its metrics. Waits for nothing."""
        xp = self.backend.xp
        added = share * xp.astype(loss, xp.float64)
        if penalty is not None:
            added = added + of_penalty * xp.astype(penalty, xp.float64)
        self.loss[...] = self.loss + added
        self.finite_batches[...] = self.finite_batches + xp.astype(xp.isfinite(self.loss), xp.float64)
        if self.sums and weight is not None:
            self.weight[...] = self.weight + xp.sum(xp.astype(weight, xp.float64), axis=-1)
        found = objective.metric_sums(y, z, weight)
        for total, part in zip(chain.from_iterable(self.sums), chain.from_iterable(found), strict=True):
            total[...] = total + part

    def read(self, divisor: float, samples: int, weighted: bool) -> list[dict[str, float]]:
        """The figures of each model. Waits for the device."""
        losses, weights = self._host(self.loss), self._host(self.weight)
        sums = [[self._host(total) for total in totals] for totals in self.sums]
        logs: list[dict[str, float]] = []
        for k in range(self._models):
            weight = float(weights[k]) if weighted else float(samples)
            figures = {"loss": float(losses[k]) / divisor}
            for (name, metric), totals in zip(self._metrics, sums, strict=True):
                figures[name] = metric.result([float(total[k]) for total in totals], weight)
            logs.append(figures)
        return logs

    def first_bad_batches(self) -> list[int]:
        """For each model the number, from 1, of the first batch after which its summed loss was not finite."""
        return [int(batches) + 1 for batches in self._host(self.finite_batches)]

    def _all(self) -> Iterator[Array]:
        return chain([self.loss, self.weight, self.finite_batches], *self.sums)

    def _host(self, vector: Array) -> Any:
        return self.backend.to_numpy(vector)

    def _zeros(self) -> Array:
        return zeros(self.backend, (self._models,), "float64")
