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
from bpnet.training.step import Batch, DeviceData, training_step
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
        self._totals = Totals(objective.network.backend, objective.metrics, objective.loss_names)
        self._plan = lru_cache(MOST_PLANS)(self._new_plan)

    def __call__(self, batch: Batch) -> dict[str, float]:
        """One update from arrays of the device; the loss and the metrics before it."""
        x, y, weight = batch
        samples = int(x[0].shape[0])
        shapes = [tuple([array.shape for array in arrays]) for arrays in (x, y)]
        data, order, step = self._plan(*shapes, weight is not None)
        data.take_in(batch)
        data.begin_epoch(order)
        self._totals.clear()
        self._optimizer.begin()
        step()
        self._optimizer.end()
        return self._totals.read(samples if self._objective.is_mean else 1, samples, weight is not None)

    def _new_plan(
        self, x: tuple[tuple[int, ...], ...], y: tuple[tuple[int, ...], ...], weighted: bool
    ) -> tuple[DeviceData, Array, Callable[[], None]]:
        backend, dtype = self._objective.network.backend, self._objective.network.dtype
        samples = x[0][0]
        inputs = tuple(zeros(backend, shape, dtype) for shape in x)
        types = [term.target_type(dtype) for term in self._objective.terms]
        targets = tuple(zeros(backend, shape, of_y) for shape, of_y in zip(y, types, strict=True))
        weight = zeros(backend, (samples,), dtype) if weighted else None
        data = DeviceData.put(backend, (inputs, targets, weight), samples)
        step = training_step(self._objective, self._optimizer, data, self._totals, samples)
        return data, backend.asarray(range(samples), "int64"), backend.capture(step)
