"""One training step: gather a batch on the device, forward, backward, update. It waits for nothing.

Everything a step reads or writes exists before its first call, so that a backend can replay it: the data, the order of
the samples, the place in that order, the learning rate, the totals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bpnet.backend import Array, Backend
from bpnet.nn.op import zeros
from bpnet.nn.optimizers import BoundOptimizer
from bpnet.training.objective import Objective
from bpnet.training.totals import Totals


@dataclass
class DeviceData:
    """A data set on the device, with the order in which an epoch visits it."""

    x: Array
    y: Array
    weight: Array | None
    order: Array
    """The numbers of the samples in the order of an epoch, int64; as long as the epoch has samples."""
    cursor: Array
    """How many of them the epoch has used, int64, 0-d."""
    rows: int
    """How many samples a pass over the data has; x holds them all, or as many of them as a batch has."""

    @classmethod
    def put(
        cls, backend: Backend, x: Array, y: Array, weight: Array | None, epoch_samples: int, rows: int | None = None
    ) -> DeviceData:
        """Take arrays of the device; the order is all zeros until an epoch sets it. `rows` defaults to those of x."""
        order = zeros(backend, (epoch_samples,), "int64")
        return cls(x, y, weight, order, zeros(backend, (), "int64"), x.shape[0] if rows is None else rows)

    def take_in(self, x: Array, y: Array, weight: Array | None) -> None:
        """Other data of the same shapes, or of fewer samples, which then replace the first ones."""
        samples = x.shape[0]
        self.x[:samples, ...], self.y[:samples, ...] = x, y
        if self.weight is not None:
            self.weight[:samples] = weight

    def begin_epoch(self, order: Array) -> None:
        """Set the order and go back to its beginning."""
        self.order[...] = order
        self.cursor[...] = 0


def batch_sizes(samples: int, batch_size: int) -> list[int]:
    """The sizes of the batches that `samples` samples fall into: the last one may be smaller."""
    full, rest = divmod(samples, batch_size)
    return [batch_size] * full + ([rest] if rest else [])


def next_batch(backend: Backend, data: DeviceData, batch_size: int) -> Callable[[], tuple[Array, Array, Array | None]]:
    """What takes the next `batch_size` samples of the epoch: their x, y and weights."""
    xp = backend.xp
    offsets = backend.asarray(range(batch_size), "int64")

    def take() -> tuple[Array, Array, Array | None]:
        rows = xp.take(data.order, data.cursor + offsets, axis=0)
        data.cursor[...] = data.cursor + batch_size
        x = xp.take(data.x, rows, axis=0)
        y = xp.take(data.y, rows, axis=0)
        return x, y, None if data.weight is None else xp.take(data.weight, rows, axis=0)

    return take


def training_step(
    objective: Objective, optimizer: BoundOptimizer, data: DeviceData, totals: Totals, batch_size: int
) -> Callable[[], None]:
    """The step for batches of `batch_size`: takes the next batch of the epoch, learns from it, and counts it.

    An epoch whose samples are no multiple of the batch size ends with another step, made for the smaller last batch.
    """
    take = next_batch(objective.network.backend, data, batch_size)
    # What the batch's loss counts in the epoch's: a mean as often as it has samples, a sum once.
    # The penalty counts as often, but once in a pass over the data.
    is_mean = objective.loss.reduction == "mean"
    share, of_penalty = (batch_size, batch_size) if is_mean else (1, batch_size / data.rows)

    def step() -> None:
        x, y, weight = take()
        loss, penalty, z = objective.value_and_gradient(x, y, weight)
        optimizer.step()
        totals.add([(loss, share), (penalty, of_penalty)], weight, objective.metric_sums(y, z, weight))

    return step
