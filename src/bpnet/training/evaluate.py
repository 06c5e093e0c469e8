"""The loss and the metrics of a network on data that it does not learn from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from bpnet.training.communicator import Communicator
from bpnet.training.objective import Objective
from bpnet.training.out_of_memory import is_out_of_memory, too_many_samples
from bpnet.training.ranks import add_up
from bpnet.training.repeating import groups, repeat
from bpnet.training.step import Batch, DeviceData, batch_sizes, next_batch
from bpnet.training.totals import Totals

HostArray: TypeAlias = Any


class Measurement:
    """The loss, penalty included, and the metrics on one data set, as often as they are asked for.

    A "mean" loss is the mean over all samples, a "sum" loss the sum over them, however they fall into batches.
    """

    def __init__(
        self,
        objective: Objective,
        batch: Batch,
        order: HostArray,
        batch_size: int,
        name: str = "batch_size",
        together: tuple[Communicator, int] | None = None,
    ) -> None:
        """`batch` holds all samples, or as many of them as a batch has; `order`, of the host, has a place for each.

        `name` is what the batch size is called in errors. `together`: processes of which each measures a part of so
        many samples; all get the figures of the whole.
        """
        self._network = network = objective.network
        self._objective = objective
        self._together = together
        self._samples = len(order) if together is None else together[1]
        self._order = network.backend.asarray(order, "int64")
        self._name = name
        self.data = DeviceData.put(network.backend, batch, len(order))
        self._totals = Totals(network.backend, objective.metrics, objective.loss_names)
        self._sizes = batch_sizes(len(order), batch_size)
        self._steps = {size: network.backend.capture(self._step(size)) for size in set(self._sizes)}

    def __call__(self, bring: Callable[[], None] | None = None) -> dict[str, float]:
        """The figures for the present weights; batch by batch, read once at the end.

        `bring` is called before each batch, where the data are not all on the device.
        """
        self._totals.clear()
        self.data.begin_epoch(self._order)
        for size, times in groups(self._sizes, together=bring is None):
            if bring is not None:
                bring()
            try:
                repeat(self._steps[size], times)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                raise too_many_samples(error, self._network.backend, self._name, size, self._try) from error
        if self._together is not None:
            add_up(self._together[0], self._totals)
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

    def _try(self, size: int) -> None:
        """The figures of the first samples, kept by no one."""
        x, y, weight = self.data.first(size)
        _, found = self._objective.value(x, y, weight)
        self._objective.metric_sums(y, found.outputs, weight)
        self._network.backend.synchronize()


def as_keras_has_it(logs: dict[str, float], return_dict: bool) -> dict[str, float] | list[float] | float:
    """The figures as `evaluate` of Keras returns them: a dictionary, or the loss alone, or a list of all."""
    if return_dict:
        return logs
    return logs["loss"] if len(logs) == 1 else list(logs.values())
