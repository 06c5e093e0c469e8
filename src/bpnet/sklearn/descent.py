"""Epochs of small steps: nothing is read from the device inside one, and one number at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bpnet.nn.clipping import clip_norm
from bpnet.nn.op import zeros
from bpnet.nn.optimizers import BoundOptimizer
from bpnet.sklearn.objective import WeightedObjective
from bpnet.sklearn.rows import Rows
from bpnet.training.callbacks import Callback
from bpnet.training.interrupt import InterruptAfterStep
from bpnet.training.step import batch_sizes


class Descent:
    """A captured step for full batches, and one for a smaller last batch."""

    def __init__(
        self,
        objective: WeightedObjective,
        optimizer: BoundOptimizer,
        rows: Rows,
        batch_size: int,
        max_grad_norm: float | None,
    ) -> None:
        self.objective = objective
        self.optimizer = optimizer
        self.rows = rows
        self.data = rows.data
        self.backend = objective.network.backend
        self._max_grad_norm = max_grad_norm
        self._sizes = batch_sizes(int(rows.data.order.shape[0]), batch_size)
        self._loss = zeros(self.backend, (), "float64")
        self._steps = {size: self.backend.capture(self._step(size)) for size in set(self._sizes)}

    def epoch(self, order: np.ndarray, callbacks: Sequence[Callback], interrupt: InterruptAfterStep) -> float | None:
        """Learn from all samples in this order: the mean of the batches' losses, each as often as it has samples.

        None where Ctrl-C came before the last batch.
        """
        self._loss[...] = 0.0
        self.rows.begin_epoch(order)
        self.optimizer.begin()
        try:
            for batch, size in enumerate(self._sizes):
                self.rows.bring(size)
                self._steps[size]()
                for callback in callbacks:
                    callback.on_batch_end(batch, size)
                if interrupt.requested:
                    return None
        finally:
            self.optimizer.end()
        return float(self.backend.to_numpy(self._loss)) / len(order)

    def _step(self, size: int) -> Callable[[], None]:
        take = self.rows.taker(size)
        network, xp = self.objective.network, self.backend.xp

        def step() -> None:
            value = self.objective.learn(*take())
            if self._max_grad_norm is not None:
                network.grad[...] = clip_norm(self.backend, network.grad, self._max_grad_norm)
            self.optimizer.step()
            self._loss[...] = self._loss + float(size) * xp.astype(value, xp.float64)

        return step
