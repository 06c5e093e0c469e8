"""One training step: gather a batch on the device, forward, backward, update. It waits for nothing.

Everything a step reads or writes exists before its first call, so that a backend can replay it: the data, the order of
the samples, the place in that order, the learning rate, the totals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bpnet.backend import Array, Backend
from bpnet.nn.op import zeros
from bpnet.nn.optimizers import BoundOptimizer
from bpnet.training.objective import Found, Objective
from bpnet.training.totals import Totals

Batch: TypeAlias = tuple[tuple[Array, ...], tuple[Array, ...], Array | None]
"""x and y, an array for each input and for each output, and the samples' weights, if they have any."""


@dataclass
class DeviceData:
    """A data set on the device, with the order in which an epoch visits it."""

    x: tuple[Array, ...]
    y: tuple[Array, ...]
    weight: Array | None
    order: Array
    """The numbers of the samples in the order of an epoch, int64; where batches are brought, those of one batch."""
    cursor: Array
    """How many of them are used, int64, 0-d."""
    rows: int
    """How many samples a pass over the data has; x holds them all, or as many of them as a batch has."""
    samples: int
    """How many samples an epoch has."""
    is_brought: bool = False
    """Does x hold one batch, which `take_in` replaces before each step?"""

    @classmethod
    def put(cls, backend: Backend, batch: Batch, epoch_samples: int, rows: int | None = None) -> DeviceData:
        """Take arrays of the device; the order is all zeros until an epoch sets it. `rows` defaults to those of x."""
        order, rows = zeros(backend, (epoch_samples,), "int64"), int(batch[0][0].shape[0]) if rows is None else rows
        return cls(*batch, order, zeros(backend, (), "int64"), rows, epoch_samples)

    @classmethod
    def brought(cls, backend: Backend, batch: Batch, epoch_samples: int, rows: int) -> DeviceData:
        """Take arrays of the device that hold a batch, and will hold one after another; the order is as they lie."""
        order = backend.asarray(range(int(batch[0][0].shape[0])), "int64")
        return cls(*batch, order, zeros(backend, (), "int64"), rows, epoch_samples, is_brought=True)

    def first(self, rows: int) -> Batch:
        """The first samples that x holds, at most `rows` of them."""
        rows = min(rows, self.x[0].shape[0])
        x, y = (tuple(array[:rows, ...] for array in arrays) for arrays in (self.x, self.y))
        return x, y, None if self.weight is None else self.weight[:rows]

    def take_in(self, batch: Batch) -> None:
        """Other data of the same shapes, or of fewer samples, which then replace the first ones; they come next."""
        x, y, weight = batch
        samples = x[0].shape[0]
        for own, new in zip(self.x + self.y, x + y, strict=True):
            own[:samples, ...] = new
        if self.weight is not None:
            self.weight[:samples] = weight
        self.cursor[...] = 0

    def begin_epoch(self, order: Array, used: int = 0) -> None:
        """Set the order, and go to its beginning or to where so many samples are used; brought batches need neither."""
        if not self.is_brought:
            self.order[...] = order
            self.cursor[...] = used


def arrays_of(batch: Batch) -> tuple[Array, ...]:
    """All arrays of a batch in one row."""
    x, y, weight = batch
    return (*x, *y) if weight is None else (*x, *y, weight)


def batch_sizes(samples: int, batch_size: int) -> list[int]:
    """The sizes of the batches that `samples` samples fall into: the last one may be smaller."""
    full, rest = divmod(samples, batch_size)
    return [batch_size] * full + ([rest] if rest else [])


def next_batch(backend: Backend, data: DeviceData, batch_size: int, share: slice | None = None) -> Callable[[], Batch]:
    """What takes the next `batch_size` samples of the epoch, or a `share` of them: their x, y and weights."""
    xp = backend.xp
    own = share or slice(0, batch_size)
    first = 0 if data.is_brought else own.start  # a share is brought alone
    offsets = backend.asarray(range(first, first + own.stop - own.start), "int64")

    def take() -> Batch:
        rows = xp.take(data.order, data.cursor + offsets, axis=0)
        data.cursor[...] = data.cursor + batch_size
        x = tuple(xp.take(array, rows, axis=0) for array in data.x)
        y = tuple(xp.take(array, rows, axis=0) for array in data.y)
        return x, y, None if data.weight is None else xp.take(data.weight, rows, axis=0)

    return take


def training_step(
    objective: Objective,
    optimizer: BoundOptimizer,
    data: DeviceData,
    totals: Totals,
    batch_size: int,
    learn: Callable[..., tuple[Array, Array | float, Found]] | None = None,
) -> Callable[[], None]:
    """The step for batches of `batch_size`: takes the next batch of the epoch, learns from it, and counts it.

    An epoch whose samples are no multiple of the batch size ends with another step, made for the smaller last batch.
    `learn` is `objective.value_and_gradient` unless another way to its results is given.
    """
    learn = learn or objective.value_and_gradient
    take = next_batch(objective.network.backend, data, batch_size)
    share, of_penalty = counting(batch_size, data.rows, is_mean=objective.is_mean)

    def step() -> None:
        x, y, weight = take()
        learned = learn(x, y, weight)
        optimizer.step()
        count(totals, objective, y, weight, learned, share, of_penalty)

    return step


def counting(batch_size: int, rows: int, *, is_mean: bool) -> tuple[float, float]:
    """What a batch's loss and its penalty count in the epoch's; `rows` are those of a pass over the data.

    A mean counts as often as it has samples, a sum once. The penalty counts as often, but once in a pass over the data.
    """
    return (batch_size, batch_size) if is_mean else (1, batch_size / rows)


def count(
    totals: Totals,
    objective: Objective,
    y: Sequence[Array],
    weight: Array | None,
    learned: tuple[Array, Array | float, Found],
    share: float,
    of_penalty: float,
) -> None:
    """Add to the totals what was learned from a batch: its losses so many times, its penalty, and its metrics."""
    loss, penalty, found = learned
    losses: list[list[tuple[Array | float, float]]] = [[(loss, share), (penalty, of_penalty)]]
    losses += [[(part, share)] for part in found.losses]
    totals.add(losses, weight, objective.metric_sums(y, found.outputs, weight))
