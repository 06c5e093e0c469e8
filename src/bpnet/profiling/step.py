"""One training step of a compiled model, as `fit` makes it, and a way back to where it began."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from bpnet.backend import Array
from bpnet.data import samples
from bpnet.data.random import epoch_order
from bpnet.models import Model
from bpnet.nn.lbfgs import LBFGS
from bpnet.training.objective import Objective
from bpnet.training.step import DeviceData, next_batch, training_step
from bpnet.training.totals import Totals

MOST_STEPS = 2000
"""Of one turn: between two times that the cursor goes back to 0."""

LONGEST_ORDER = 1 << 22
"""Samples; the order of a turn is no longer than that, or than one batch."""


class OneStep:
    """The step for batches of `batch_size` of x and y; they are taken anew where there are fewer samples than that.

    It has an optimizer and totals of its own. What else it changes, the model's weights, running statistics and random
    streams, is put back at the end of the block. ValueError: the model is not trained by steps.
    """

    def __init__(self, model: Model, x: Any, y: Any, batch_size: int) -> None:
        found = samples.checked(model.expected(x), x, y, None)
        if isinstance(model.optimizer, LBFGS):
            raise ValueError("optimizer: LBFGS makes no training steps that could be profiled. Mend: another optimizer")
        self.backend = model.backend
        self.network = network = model.network
        self.batch_size = batch_size
        self.most = max(1, min(MOST_STEPS, LONGEST_ORDER // batch_size))
        """How often the step, or a part of it, may be done in one turn."""
        self.objective = Objective(network, model.terms)
        self.optimizer = model.optimizer.bind(network)
        self.optimizer_name = type(model.optimizer).__name__
        self.totals = Totals(self.backend, self.objective.metrics, self.objective.loss_names)
        self.data = DeviceData.put(self.backend, model.put(found), batch_size * self.most)
        self.take = next_batch(self.backend, self.data, batch_size)
        rows = epoch_order(model.seed, 0, len(found), batch_size * self.most, shuffle=True)
        self.data.begin_epoch(self.backend.asarray(rows, "int64"))
        step = training_step(self.objective, self.optimizer, self.data, self.totals, batch_size)
        self.captured = self.backend.capture(step)
        changed = [network.theta, network.state, network.keys, *self.optimizer.vectors()]
        self._before = [self._copied(vector) for vector in changed]
        self._gradient = self._copied(network.grad)

    def rewind(self) -> None:
        """Begin a turn, with the next batch the first: all that outlives a step is as it was before the first one."""
        for vector, contents in self._before:
            vector[...] = contents
        self.totals.clear()
        self.data.cursor[...] = 0

    def put_back(self) -> None:
        """The same, and the gradient too, which within a step goes from part to part."""
        self.rewind()
        vector, contents = self._gradient
        vector[...] = contents

    def _copied(self, vector: Array) -> tuple[Array, Array]:
        return vector, self.backend.xp.asarray(vector, copy=True)

    def __enter__(self) -> OneStep:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.put_back()
        self.backend.synchronize()
