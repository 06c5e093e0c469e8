"""A stack at work for an ensemble: some of its models on the device, trained through all epochs, then the next ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpnet.backend import Array
from bpnet.data.random import epoch_order
from bpnet.data.samples import Samples
from bpnet.ensembles.guard import StackGuard
from bpnet.ensembles.numbers import Numbers, device_arrays
from bpnet.ensembles.settings import Settings
from bpnet.models import Model
from bpnet.nn.optimizers import ElementwiseOptimizer
from bpnet.nn.stacked import StackedNetwork
from bpnet.nn.stacked_optimizer import StackedOptimizer
from bpnet.training.history import History
from bpnet.training.interrupt import InterruptAfterStep
from bpnet.training.stacked import StackedData, StackedMeasurement, StackedTraining
from bpnet.training.stacked_objective import StackedObjective

AT_THE_END = 1024
"""The most samples of which the loss at the end of a run is looked at; as `bpnet.training.fit` has it."""


class Stack:
    """K models on the device: their network, objective and optimizer."""

    def __init__(self, template: Model, models: int, settings: Settings) -> None:
        objective, _ = template.bind()
        optimizer = template.optimizer
        assert isinstance(optimizer, ElementwiseOptimizer)
        self.models = models
        self.backend = template.backend
        self.network = StackedNetwork(template.network, models)
        self.objective = StackedObjective(self.network, objective, own_l2=settings.l2 is not None)
        decays = settings.weight_decay is not None
        self.optimizer = StackedOptimizer(optimizer, self.network, decays=decays)
        self.settings = settings

    def take_up(self, numbers: Numbers, members: Sequence[int]) -> None:
        """Let these members of the ensemble be the models of the stack."""
        rows, given = list(members), self.settings
        for array, vector in zip(numbers.arrays(), device_arrays(self.network, self.optimizer), strict=True):
            vector[...] = self.backend.asarray(array[rows], str(array.dtype))
        if given.learning_rate is not None:
            self.optimizer.set_rates([given.learning_rate[k] for k in rows])
        if given.weight_decay is not None:
            self.optimizer.set_weight_decay([given.weight_decay[k] for k in rows])
        if given.l2 is not None:
            self.objective.set_l2([given.l2[k] for k in rows])
        if given.dropout is not None:
            self.network.set_dropout([given.dropout[k] for k in rows])

    def copies(self) -> list[np.ndarray]:
        """What the models have now, on the host, in the order of `Numbers.arrays`."""
        return [self.backend.to_numpy(vector) for vector in device_arrays(self.network, self.optimizer)]


class StackRun:
    """Epochs of a stack; x, y and weights of all samples are on the device, and each model has some of them."""

    def __init__(
        self,
        stack: Stack,
        data: tuple[Array, Array, Array | None],
        held_out: tuple[Array, Array, Array | None] | None,
        samples: int,
        batch_size: int,
        measured: int,
    ) -> None:
        self.stack = stack
        self._samples, self._batch_size = samples, batch_size
        on_device = StackedData(stack.backend, *data, stack.models, samples)
        self._training = StackedTraining(stack.objective, stack.optimizer, on_device, batch_size)
        self._measure = None if held_out is None else StackedMeasurement(stack.objective, *held_out, measured)

    def run(
        self,
        numbers: Numbers,
        members: Sequence[int],
        rows: Sequence[np.ndarray],
        first_epochs: Sequence[int],
        epochs: int,
        shuffle: bool,
        interrupt: InterruptAfterStep,
        histories: Sequence[History],
        bar: Any,
    ) -> list[int]:
        """Train these members of `numbers`, each on its `rows`, and tell their histories of it.

        Returns how many epochs each has begun; `first_epochs` are how many it had seen before. What overflows in a
        model that diverges is told in its history, not in warnings.
        """
        stack, begun = self.stack, [0] * len(members)
        stack.take_up(numbers, members)
        guard = StackGuard(stack, numbers, members, histories)
        with np.errstate(all="ignore"):
            for epoch in range(epochs):
                guard.begin_epoch()
                for k in guard.alive:
                    begun[k] = epoch + 1
                order = self._order(members, rows, [first + epoch for first in first_epochs], shuffle)
                logs = self._training.epoch(order)
                guard.check_epoch(epoch, self._training)
                held_out = self._measure() if self._measure is not None else [{}] * len(members)
                for k in guard.alive:
                    histories[k].add(epoch, logs[k] | {f"val_{name}": value for name, value in held_out[k].items()})
                bar.update(len(members))
                if interrupt.requested or not guard.alive:
                    break
            guard.check_end(epoch, self._training, self._first_rows(rows))
        guard.end()
        return begun

    def _order(self, members: Sequence[int], rows: Sequence[np.ndarray], epochs: Sequence[int], shuffle: bool) -> Array:
        """For each model its samples in the order of its own epoch."""
        seeds, length = [self.stack.settings.seeds[k] for k in members], self._samples
        orders = [
            own[epoch_order(seed, epoch, length, length, shuffle=shuffle)]
            for own, seed, epoch in zip(rows, seeds, epochs, strict=True)
        ]
        return self.stack.backend.asarray(np.stack(orders), "int64")

    def _first_rows(self, rows: Sequence[np.ndarray]) -> Array:
        """The samples on which the loss at the end of a run is looked at, as in a single run."""
        few = min(AT_THE_END, self._batch_size, self._samples)
        return self.stack.backend.asarray(np.stack([own[:few] for own in rows]), "int64")


def put(template: Model, data: Samples) -> tuple[Array, Array, Array | None]:
    """Samples of one input and one output on the device."""
    (x,), (y,), weight = template.put(data)
    return x, y, weight
