"""What happens to a model of a stack that diverges: it goes back to its last good weights; the others do not notice.

The same as `bpnet.training.divergence` does for a single model, whose run ends with TrainingDivergedError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bpnet.backend import Array
from bpnet.ensembles.numbers import KEYS, Numbers, device_arrays
from bpnet.training.history import History, TrainingDivergedError
from bpnet.training.stacked import StackedTraining

if TYPE_CHECKING:
    from bpnet.ensembles.stack import Stack


class StackGuard:
    """Keeps what the models were at the start of the last two epochs; `alive` are those that have not diverged."""

    def __init__(self, stack: Stack, numbers: Numbers, members: Sequence[int], histories: Sequence[History]) -> None:
        self._stack, self._numbers, self._members, self._histories = stack, numbers, list(members), histories
        self._kept: list[list[Array]] = []
        self.alive = list(range(len(members)))

    def begin_epoch(self) -> None:
        """Take copies, and forget those from before the last epoch."""
        xp = self._stack.backend.xp
        copies = [xp.asarray(vector, copy=True) for vector in self._vectors()]
        self._kept = [*self._kept[-1:], copies]

    def check_epoch(self, epoch: int, training: StackedTraining) -> None:
        """Models of which a loss, or a weight after the epoch, is not finite go back. Waits for the device."""
        xp, to_numpy = self._stack.backend.xp, self._stack.backend.to_numpy
        finite = to_numpy(xp.all(xp.isfinite(self._stack.network.theta), axis=-1))
        bad = training.totals.first_bad_batches()
        for k in list(self.alive):
            if bad[k] <= training.batches or not finite[k]:
                self._go_back(k, epoch, min(bad[k], training.batches), at_once=bad[k] == 1)

    def check_end(self, epoch: int, training: StackedTraining, rows: Array) -> None:
        """Models whose loss on these rows (K, N) is not finite at the last weights go back."""
        xp, to_numpy = self._stack.backend.xp, self._stack.backend.to_numpy
        losses, _ = self._stack.objective.value(*training.data.at(rows))
        finite = to_numpy(xp.isfinite(losses))
        bad = training.totals.first_bad_batches()
        for k in list(self.alive):
            if not finite[k]:
                self._go_back(k, epoch, training.batches, at_once=bad[k] == 1)

    def end(self) -> None:
        """The others end as they are."""
        own = [self._members[k] for k in self.alive]
        for array, vector in zip(self._numbers.arrays(), self._vectors(), strict=True):
            array[own] = self._stack.backend.to_numpy(vector)[self.alive]

    def _go_back(self, k: int, epoch: int, batch: int, at_once: bool) -> None:
        """Model k ends as it was at the epoch's start, or at the one before if that gave a bad loss at once.

        Its random streams stand where they are, as those of a single model do.
        """
        to_numpy, kept = self._stack.backend.to_numpy, 0 if at_once else len(self._kept) - 1
        places = zip(self._numbers.arrays(), self._kept[kept], self._vectors(), strict=True)
        rate = float(to_numpy(self._stack.optimizer.rate())[k, 0])
        for number, (array, good, now) in enumerate(places):
            array[self._members[k]] = to_numpy((now if number == KEYS else good)[k, ...])
        never_good = at_once and len(self._kept) == 1
        kept_epoch = None if never_good else epoch + 1 - (len(self._kept) - 1 - kept)
        history = self._histories[k]
        history.diverged = True
        history.message = str(TrainingDivergedError(epoch + 1, batch, rate, kept_epoch, history))
        self.alive.remove(k)

    def _vectors(self) -> list[Array]:
        return device_arrays(self._stack.network, self._stack.optimizer)
