"""The epochs: for each, an order of the samples, a step a batch, and one reading of the totals at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bpnet.backend import Array
from bpnet.nn.optimizers import BoundOptimizer
from bpnet.training.callbacks import Callback
from bpnet.training.history import History, TrainingDivergedError
from bpnet.training.interrupt import InterruptAfterStep
from bpnet.training.objective import Objective
from bpnet.training.step import DeviceData, training_step
from bpnet.training.totals import Totals


class Training:
    """A run: an objective, an optimizer and the data, all on the device."""

    def __init__(
        self, model: Any, objective: Objective, optimizer: BoundOptimizer, data: DeviceData, batch_size: int
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.data = data
        self.network = objective.network
        self.backend = objective.network.backend
        self.totals = Totals(self.backend, objective.metrics)
        self.samples: int = data.order.shape[0]
        self.batch_size = min(batch_size, self.samples)
        self._objective = objective
        self._snapshots: list[list[Array]] = []
        self._steps = {size: self._capture(size) for size in set(self._batch_sizes())}

    def run(
        self,
        epochs: int,
        *,
        order: Callable[[int], Array],
        validate: Callable[[], Mapping[str, float]],
        callbacks: Sequence[Callback],
    ) -> History:
        """Train for `epochs` epochs; `order(epoch)` gives the samples of an epoch, `validate` its held-out figures."""
        history = History()
        for callback in callbacks:
            callback.model = self.model
            callback.on_train_begin(epochs, self.samples)
        try:
            with InterruptAfterStep() as interrupt:
                for epoch in range(epochs):
                    self._epoch(epoch, order(epoch), callbacks, interrupt, history)
                    if interrupt.requested:
                        break
                    logs = self.totals.read(self.samples, self.samples, self.data.weight is not None) | dict(validate())
                    history.add(epoch, logs)
                    for callback in callbacks:
                        callback.on_epoch_end(epoch, logs)
                    if interrupt.requested or self.model.stop_training:
                        break
            history.interrupted = interrupt.requested
        finally:
            for callback in callbacks:
                callback.on_train_end()
        return history

    def _epoch(
        self,
        epoch: int,
        order: Array,
        callbacks: Sequence[Callback],
        interrupt: InterruptAfterStep,
        history: History,
    ) -> None:
        """One pass; on a loss that is not finite, everything goes back to where the epoch began."""
        for callback in callbacks:
            callback.on_epoch_begin(epoch)
        self._snapshots = [*self._snapshots[-1:], self._snapshot()]
        self.totals.clear()
        self.data.begin_epoch(order)
        for batch, size in enumerate(self._batch_sizes()):
            self._steps[size]()
            for callback in callbacks:
                callback.on_batch_end(batch, size)
            if interrupt.requested:
                break
        else:
            bad = self.totals.first_bad_batch()
            if bad <= batch + 1:
                cause = self._likely_cause()
                # Weights whose very first loss was not finite are no good: then the epoch before is taken back too.
                self._restore(self._snapshots[0 if bad == 1 else -1])
                raise TrainingDivergedError(epoch + 1, bad, cause, history)

    def _batch_sizes(self) -> list[int]:
        """The sizes of an epoch's batches: the last one may be smaller."""
        full, rest = divmod(self.samples, self.batch_size)
        return [self.batch_size] * full + ([rest] if rest else [])

    def _capture(self, batch_size: int) -> Callable[[], None]:
        step = training_step(self._objective, self.optimizer, self.data, self.totals, batch_size)
        return self.backend.capture(step)

    def _snapshot(self) -> list[Array]:
        xp = self.backend.xp
        return [xp.asarray(vector, copy=True) for vector in self._vectors()]

    def _restore(self, snapshot: Sequence[Array]) -> None:
        for vector, kept in zip(self._vectors(), snapshot, strict=True):
            vector[...] = kept

    def _vectors(self) -> list[Array]:
        return [self.network.theta, self.network.state, *self.optimizer.vectors()]

    def _likely_cause(self) -> str:
        rate = float(self.backend.to_numpy(self.optimizer.rate()))
        return (
            f"steps that are too large. Mend: a learning rate below {rate:g}, global_clipnorm=1.0 in the optimizer, "
            "standardised inputs, or dtype='float64'."
        )
