"""A call of `fit`, once its arguments are checked: where the data lie, and what brings them to the steps.

On the device x holds all samples, and an epoch has an order of them. On the host it is another matter: there x of the
device holds one batch, which is brought before each step, and the order is 0, 1, …, batch_size - 1, over and over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bpnet.data.random import epoch_order, in_turn
from bpnet.data.samples import Samples
from bpnet.nn.lbfgs import BoundLBFGS
from bpnet.training.callbacks import Callback
from bpnet.training.feed import feed
from bpnet.training.fit import Training
from bpnet.training.history import History
from bpnet.training.out_of_memory import OutOfMemoryError, because, explained, free_memory, is_out_of_memory, let_go
from bpnet.training.step import Batch

if TYPE_CHECKING:
    from bpnet.models import Model

SHARE = 0.8
"""Of the memory that is free, for the data: the steps need some too."""

SMALL = 1 << 24
"""Bytes of data for which it is not asked what is free: that takes as long as a few steps."""


@dataclass(frozen=True)
class Run:
    """What a call of `fit` asks for, but for the data."""

    model: Model
    epochs: int
    length: int
    """Samples of an epoch."""
    batch_size: int
    micro_batch: int | str | None
    callbacks: list[Callback]
    measured: int
    """The batch size for validation."""

    def on_arrays(self, data: Samples, held_out: Samples | None, shuffle: bool, data_on: str | None) -> History:
        """Train on `data`, which are on the host or the device, or wherever there is room (None)."""
        model, first = self.model, self.model.epochs_seen
        if data_on == "host" and isinstance(model.bind()[1], BoundLBFGS):
            raise ValueError(
                "data_on: 'host' was given, but LBFGS needs all samples on the device at once. Mend: another optimizer"
            )

        def rows(epoch: int) -> Any:
            return epoch_order(model.seed, first + epoch, len(data), self.length, shuffle=shuffle)

        with explained("fit", model.backend):
            put = self._put([data] if held_out is None else [data, held_out], data_on)
            if put is None:
                return self._from_host(data, held_out, self._gathered(data, rows))
            model.stop_training = False
            training = model.training(put[0], self.length, self.batch_size, self.micro_batch)
            with training as run, self._measurement(held_out, put[-1]) as measure:

                def order(epoch: int) -> Any:
                    model.epochs_seen = first + epoch + 1
                    return model.backend.asarray(rows(epoch), "int64")

                return run.run(self.epochs, order=order, validate=_named(measure), callbacks=self.callbacks)

    def on_batches(self, data: Samples, held_out: Samples | None, batches: Iterator[Samples]) -> History:
        """Train on `batches`, all epochs' one after another; `data` has their shapes, and all samples of a pass."""
        with explained("fit", self.model.backend):
            return self._from_host(data, held_out, batches)

    def _from_host(self, data: Samples, held_out: Samples | None, batches: Iterator[Samples]) -> History:
        model, first = self.model, self.model.epochs_seen
        size = min(self.batch_size, self.length)
        buffers = model.put(data.part(in_turn(size, len(data))))  # the batches replace what they hold
        order = model.backend.asarray(in_turn(self.length, size), "int64")
        model.stop_training = False

        def begin(epoch: int) -> Any:
            model.epochs_seen = first + epoch + 1
            return order

        training = model.training(buffers, self.length, self.batch_size, self.micro_batch, len(data))
        with training as run, self._measurement(held_out) as measure:
            assert isinstance(run, Training)  # LBFGS was refused before
            count = self.epochs * -(-self.length // self.batch_size)
            host = ((batch.x, batch.y, batch.weight) for batch in batches)
            with feed(model.backend, run.data, lambda batch: model.put(Samples(*batch)), host, count) as bring:
                return run.run(
                    self.epochs, order=begin, validate=_named(measure), callbacks=self.callbacks, bring=bring
                )

    def _gathered(self, data: Samples, rows: Callable[[int], Any]) -> Iterator[Samples]:
        """The batches of all epochs, gathered from the host's arrays."""
        for epoch in range(self.epochs):
            order = rows(epoch)
            for start in range(0, self.length, self.batch_size):
                yield data.part(order[start : start + self.batch_size])

    def _measurement(self, held_out: Samples | None, put: Batch | None = None) -> Any:
        if held_out is None:
            return nullcontext(None)
        return self.model.measurement(held_out, self.measured, put, "validation_batch_size")

    def _put(self, parts: list[Samples], data_on: str | None) -> list[Batch] | None:
        """The data on the device, or None where they are to stay on the host."""
        model = self.model
        must = data_on == "device" or isinstance(model.bind()[1], BoundLBFGS)
        needed = sum(part.numbers for part in parts) * (8 if model.dtype == "float64" else 4)
        free = free_memory(model.backend) if needed > SMALL else None
        if data_on == "host" or (not must and free is not None and needed > SHARE * free):
            return None
        try:
            return [model.put(part) for part in parts]
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            let_go(error)
            model.forget_runs()
            if not must:
                return None
            mend = "data_on='host'" if data_on == "device" else "an optimizer that learns from batches"
            raise OutOfMemoryError(
                f"data_on: the data need {needed:,} bytes on the device, and the memory is not enough "
                f"{because(error, free)}, whatever the batch size. Mend: {mend}",
                free=free,
            ) from error


def _named(measure: Callable[[], dict[str, float]] | None) -> Callable[[], dict[str, float]] | None:
    """The figures as those of held-out data, if there are any."""
    if measure is None:
        return None
    return lambda: {f"val_{name}": value for name, value in measure().items()}
