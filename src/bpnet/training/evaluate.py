"""The loss and the metrics of a network on data that it does not learn from."""

from __future__ import annotations

from collections.abc import Callable

from bpnet.training.objective import Objective
from bpnet.training.repeating import groups, repeat
from bpnet.training.step import Batch, DeviceData, batch_sizes, next_batch
from bpnet.training.totals import Totals


class Measurement:
    """The loss, penalty included, and the metrics on one data set, as often as they are asked for.

    A "mean" loss is the mean over all samples, a "sum" loss the sum over them, however they fall into batches.
    """

    def __init__(self, objective: Objective, batch: Batch, batch_size: int = 1024) -> None:
        self._network = network = objective.network
        self._objective = objective
        self._samples = int(batch[0][0].shape[0])
        self._order = network.backend.asarray(range(self._samples), "int64")
        self.data = DeviceData.put(network.backend, batch, self._samples)
        self._totals = Totals(network.backend, objective.metrics, objective.loss_names)
        self._sizes = batch_sizes(self._samples, batch_size)
        self._steps = {size: network.backend.capture(self._step(size)) for size in set(self._sizes)}

    def __call__(self) -> dict[str, float]:
        """The figures for the present weights; batch by batch, read once at the end."""
        self._totals.clear()
        self.data.begin_epoch(self._order)
        for size, times in groups(self._sizes, together=True):
            repeat(self._steps[size], times)
        divisor = self._samples if self._objective.is_mean else 1
        logs = self._totals.read(divisor, self._samples, self.data.weight is not None)
        if self._network.penalties:
            logs["loss"] += float(self._network.backend.to_numpy(self._network.penalty()))
        return logs

    def _step(self, batch_size: int) -> Callable[[], None]:
        objective, share = self._objective, batch_size if self._objective.is_mean else 1
        take = next_batch(self._network.backend, self.data, batch_size)

        def step() -> None:
            x, y, weight = take()
            value, found = objective.value(x, y, weight)
            losses = [[(each, share)] for each in (value, *found.losses)]
            self._totals.add(losses, weight, objective.metric_sums(y, found.outputs, weight))

        return step
