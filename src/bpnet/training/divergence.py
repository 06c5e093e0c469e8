"""What happens when training diverges: the first sign of it ends the run, and the last good weights come back.

A batch's loss is computed before its update, so the losses of an epoch say nothing of the weights that its last update
leaves. These are looked at too: they must be finite, and at the end of a run so must be their loss on one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from bpnet.backend import Array
from bpnet.nn.optimizers import BoundOptimizer
from bpnet.training.history import History, TrainingDivergedError
from bpnet.training.objective import Objective
from bpnet.training.step import DeviceData
from bpnet.training.totals import Totals


class Guard:
    """Keeps what the weights, the moments and the step count were at the start of the last two epochs.

    The loss at the end of a run is looked at on the first `rows` samples.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: BoundOptimizer,
        data: DeviceData,
        totals: Totals,
        rows: int,
        on_any: Callable[[bool], bool] = bool,
    ) -> None:
        """`on_any` tells of a flag whether it is set on any of the processes that train together."""
        self.backend = objective.network.backend
        self._objective = objective
        self._optimizer = optimizer
        self._data = data
        self._totals = totals
        self._rows = rows
        self._on_any = on_any
        self._vectors = [objective.network.theta, objective.network.state, *optimizer.vectors()]
        self._kept: list[list[Array]] = []

    def begin_epoch(self) -> None:
        """Take copies, and forget those from before the last epoch."""
        copies = [self.backend.xp.asarray(vector, copy=True) for vector in self._vectors]
        self._kept = [*self._kept[-1:], copies]

    def __enter__(self) -> Guard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let the copies go at the end of a run, however it ends."""
        self._kept = []

    def check_epoch(self, epoch: int, batches: int, history: History) -> None:
        """TrainingDivergedError if a loss of the epoch's batches, or a weight after them, is not finite."""
        bad = self._totals.first_bad_batch()
        if bad <= batches or self._on_any(not self._weights_are_finite()):
            self._go_back(epoch, min(bad, batches), history)

    def check_end(self, epoch: int, batch: int, history: History) -> None:
        """TrainingDivergedError if the loss of the first rows, at the last weights, is not finite."""
        value, _ = self._objective.value(*self._data.first(self._rows))
        if self._on_any(not bool(self.backend.to_numpy(self.backend.xp.isfinite(value)))):
            self._go_back(epoch, batch, history)

    def _weights_are_finite(self) -> bool:
        xp = self.backend.xp
        return bool(self.backend.to_numpy(xp.all(xp.isfinite(self._vectors[0]))))

    def _go_back(self, epoch: int, batch: int, history: History) -> None:
        """Restore the weights from the epoch's start, or from the one before if they gave that loss at once; raise."""
        rate = float(self.backend.to_numpy(self._optimizer.rate()))
        at_once = self._totals.first_bad_batch() == 1
        kept = 0 if at_once else len(self._kept) - 1
        for vector, copy in zip(self._vectors, self._kept[kept], strict=True):
            vector[...] = copy
        never_good = at_once and len(self._kept) == 1
        kept_epoch = None if never_good else epoch + 1 - (len(self._kept) - 1 - kept)
        raise TrainingDivergedError(epoch + 1, batch, rate, kept_epoch, history)
