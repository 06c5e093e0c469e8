"""Steps of a stack: K models, each of which learns from a batch of its own of one data set on the device."""

from __future__ import annotations

from collections.abc import Callable

from bpnet.backend import Array, Backend
from bpnet.nn.op import zeros
from bpnet.nn.stacked_optimizer import StackedOptimizer
from bpnet.training.repeating import groups, repeat
from bpnet.training.stacked_objective import StackedObjective
from bpnet.training.stacked_totals import StackedTotals
from bpnet.training.step import batch_sizes, counting


class StackedData:
    """A data set on the device, and for each of K models an order in which it visits some of the samples."""

    def __init__(self, backend: Backend, x: Array, y: Array, weight: Array | None, models: int, samples: int) -> None:
        """x (M, …), y (M, …) and the weights (M,); each model visits `samples` of the M in an epoch."""
        self.backend = backend
        self.x, self.y, self.weight = x, y, weight
        self.order = zeros(backend, (models, samples), "int64")
        self.cursor = zeros(backend, (), "int64")
        self.samples = samples

    def begin_epoch(self, order: Array) -> None:
        """Set the orders (K, samples), or one for all models, and go to their beginning."""
        self.order[...] = order
        self.cursor[...] = 0

    def at(self, rows: Array) -> tuple[Array, Array, Array | None]:
        """These samples of each model, rows (K, N): x (K, N, …), y (K·N, …), their weights (K, N)."""
        xp = self.backend.xp
        flat = xp.reshape(rows, (-1,))
        x = xp.reshape(xp.take(self.x, flat, axis=0), (*rows.shape, *self.x.shape[1:]))
        y = xp.take(self.y, flat, axis=0)
        if self.weight is None:
            return x, y, None
        return x, y, xp.reshape(xp.take(self.weight, flat, axis=0), rows.shape)

    def taker(self, batch_size: int) -> Callable[[], tuple[Array, Array, Array | None]]:
        """What takes each model's next samples, as `at` does."""
        xp = self.backend.xp
        offsets = self.backend.asarray(range(batch_size), "int64")

        def take() -> tuple[Array, Array, Array | None]:
            rows = xp.take(self.order, self.cursor + offsets, axis=1)
            self.cursor[...] = self.cursor + batch_size
            return self.at(rows)

        return take


class StackedTraining:
    """Epochs of a stack: a captured step for full batches, and one for a smaller last batch."""

    def __init__(
        self, objective: StackedObjective, optimizer: StackedOptimizer, data: StackedData, batch_size: int
    ) -> None:
        self.objective, self.optimizer, self.data = objective, optimizer, data
        self.totals = StackedTotals(objective)
        self._sizes = batch_sizes(data.samples, batch_size)
        self._steps = {size: objective.backend.capture(self._step(size)) for size in set(self._sizes)}

    @property
    def batches(self) -> int:
        """Of an epoch."""
        return len(self._sizes)

    def epoch(self, order: Array) -> list[dict[str, float]]:
        """Learn from the samples in these orders (K, samples); the figures of each model. Waits at its end."""
        self.totals.clear()
        self.data.begin_epoch(order)
        for size, times in groups(self._sizes, together=True):
            repeat(self._steps[size], times)
        divisor = float(self.data.samples) if self.objective.is_mean else 1.0
        return self.totals.read(divisor, self.data.samples, self.data.weight is not None)

    def _step(self, size: int) -> Callable[[], None]:
        objective, take = self.objective, self.data.taker(size)
        share, of_penalty = counting(size, self.data.samples, is_mean=objective.is_mean)

        def step() -> None:
            x, y, weight = take()
            loss, penalty, z = objective.value_and_gradient(x, y, weight)
            self.optimizer.step()
            self.totals.add(objective, y, z, weight, loss, share, penalty, of_penalty)

        return step


class StackedMeasurement:
    """The figures of each of K models on one data set that all share."""

    def __init__(self, objective: StackedObjective, x: Array, y: Array, weight: Array | None, batch_size: int) -> None:
        """x (M, …), y (M, …) and the weights (M,) on the device."""
        self._objective, self._samples = objective, int(x.shape[0])
        self._data = StackedData(objective.backend, x, y, weight, objective.network.models, self._samples)
        self._order = objective.backend.asarray(range(self._samples), "int64")
        self._totals = StackedTotals(objective)
        self._sizes = batch_sizes(self._samples, batch_size)
        self._steps = {size: objective.backend.capture(self._step(size)) for size in set(self._sizes)}

    def __call__(self) -> list[dict[str, float]]:
        """Of each model, the penalty included; read once at the end."""
        objective = self._objective
        self._totals.clear()
        self._data.begin_epoch(self._order)
        for size, times in groups(self._sizes, together=True):
            repeat(self._steps[size], times)
        divisor = float(self._samples) if objective.is_mean else 1.0
        logs = self._totals.read(divisor, self._samples, self._data.weight is not None)
        if (penalty := objective.penalty()) is not None:
            for figures, value in zip(logs, objective.backend.to_numpy(penalty), strict=True):
                figures["loss"] += float(value)
        return logs

    def _step(self, size: int) -> Callable[[], None]:
        objective, take = self._objective, self._data.taker(size)

        def step() -> None:
            x, y, weight = take()
            loss, z = objective.value(x, y, weight)
            self._totals.add(objective, y, z, weight, loss, size if objective.is_mean else 1)

        return step
