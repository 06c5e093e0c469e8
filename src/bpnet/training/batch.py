"""Updates from batches that the caller brings one at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from bpnet.backend import Array
from bpnet.nn.lbfgs import BoundLBFGS
from bpnet.nn.op import zeros
from bpnet.nn.optimizers import BoundOptimizer
from bpnet.training.inference import MOST_PLANS
from bpnet.training.objective import Objective
from bpnet.training.step import DeviceData, training_step
from bpnet.training.totals import Totals


class BatchTraining:
    """The step of `fit`, on batches of the caller's; captured once for each batch size in use."""

    def __init__(self, objective: Objective, optimizer: BoundOptimizer) -> None:
        if isinstance(optimizer, BoundLBFGS):
            raise ValueError(
                "train_on_batch: the model was compiled with LBFGS, which learns from all samples at once. "
                "Mend: model.fit(x, y), or another optimizer"
            )
        self._objective = objective
        self._optimizer = optimizer
        self._totals = Totals(objective.network.backend, objective.metrics)
        self._plan = lru_cache(MOST_PLANS)(self._new_plan)

    def __call__(self, x: Array, y: Array, weight: Array | None) -> dict[str, float]:
        """One update from arrays of the device; the loss and the metrics before it."""
        samples = x.shape[0]
        data, order, step = self._plan(x.shape, y.shape, weight is not None)
        data.take_in(x, y, weight)
        data.begin_epoch(order)
        self._totals.clear()
        self._optimizer.begin()
        step()
        self._optimizer.end()
        is_mean = self._objective.loss.reduction == "mean"
        return self._totals.read(samples if is_mean else 1, samples, weight is not None)

    def _new_plan(
        self, x: tuple[int, ...], y: tuple[int, ...], weighted: bool
    ) -> tuple[DeviceData, Array, Callable[[], None]]:
        backend, dtype = self._objective.network.backend, self._objective.network.dtype
        samples = x[0]
        labels = self._objective.loss.targets == "labels"
        data = DeviceData.put(
            backend,
            zeros(backend, x, dtype),
            zeros(backend, y, "int64" if labels else dtype),
            zeros(backend, (samples,), dtype) if weighted else None,
            samples,
        )
        step = training_step(self._objective, self._optimizer, data, self._totals, samples)
        return data, backend.asarray(range(samples), "int64"), backend.capture(step)
