"""A stack at work for an ensemble: some of its models on the device, trained through all epochs, then the next ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpnet.backend import Array
from bpnet.data.random import epoch_order
from bpnet.data.samples import Samples
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
        self._settings = settings

    def take_up(self, numbers: Numbers, members: Sequence[int]) -> None:
        """Let these members of the ensemble be the models of the stack."""
        rows, given = list(members), self._settings
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
        self._samples = samples
        on_device = StackedData(stack.backend, *data, stack.models, samples)
        self._training = StackedTraining(stack.objective, stack.optimizer, on_device, batch_size)
        self._measure = None if held_out is None else StackedMeasurement(stack.objective, *held_out, measured)

    def run(
        self,
        numbers: Numbers,
        members: Sequence[int],
        rows: Sequence[np.ndarray],
        seeds: Sequence[int],
        epochs: range,
        shuffle: bool,
        interrupt: InterruptAfterStep,
        histories: Sequence[History],
        bar: Any,
    ) -> None:
        """Train these members of `numbers`, each on its `rows`, and tell their histories of it."""
        self.stack.take_up(numbers, members)
        good = _Good(self.stack, numbers, members)
        alive = set(range(len(members)))
        for epoch in epochs:
            good.begin_epoch()
            order = np.stack(
                [
                    of_model[epoch_order(seed, epoch, self._samples, self._samples, shuffle=shuffle)]
                    for of_model, seed in zip(rows, seeds, strict=True)
                ]
            )
            logs = self._training.epoch(self.stack.backend.asarray(order, "int64"))
            bad = self._training.totals.first_bad_batches()
            held_out = self._measure() if self._measure is not None else [{}] * len(members)
            finite = good.finite_weights()
            for k in sorted(alive):
                if bad[k] <= self._training.batches or not finite[k]:
                    at_once = bad[k] == 1
                    good.keep(k, at_once)
                    histories[k].diverged = True
                    histories[k].message = f"the loss or a weight became NaN or infinite in epoch {epoch + 1}"
                    alive.discard(k)
                    continue
                figures = logs[k] | {f"val_{name}": value for name, value in held_out[k].items()}
                histories[k].add(epoch - epochs.start, figures)
            bar.update(len(members))
            if interrupt.requested:
                break
            if not alive:
                break
        good.end(alive)


class _Good:
    """The numbers of a stack at the start of the last two epochs; a model that diverges goes back to them."""

    def __init__(self, stack: Stack, numbers: Numbers, members: Sequence[int]) -> None:
        self._stack, self._numbers, self._members = stack, numbers, list(members)
        self._kept: list[list[Array]] = []

    def begin_epoch(self) -> None:
        """Take copies, and forget those from before the last epoch."""
        xp = self._stack.backend.xp
        vectors = device_arrays(self._stack.network, self._stack.optimizer)
        self._kept = [*self._kept[-1:], [xp.asarray(vector, copy=True) for vector in vectors]]

    def finite_weights(self) -> np.ndarray:
        """For each model, whether all its weights are finite. Waits for the device."""
        xp = self._stack.backend.xp
        found = self._stack.backend.to_numpy(xp.all(xp.isfinite(self._stack.network.theta), axis=-1))
        return np.asarray(found)

    def keep(self, k: int, at_once: bool) -> None:
        """Model k ends as it was at the epoch's start, or at the one before if that gave a bad loss at once."""
        for array, copy in zip(self._numbers.arrays(), self._kept[0 if at_once else -1], strict=True):
            array[self._members[k]] = self._stack.backend.to_numpy(copy)[k]

    def end(self, alive: set[int]) -> None:
        """The others end as they are."""
        rows = sorted(alive)
        for array, now in zip(self._numbers.arrays(), self._stack.copies(), strict=True):
            array[[self._members[k] for k in rows]] = now[rows]


def put(template: Model, data: Samples) -> tuple[Array, Array, Array | None]:
    """Samples of one input and one output on the device."""
    (x,), (y,), weight = template.put(data)
    return x, y, weight
