"""Learning rates that are set between epochs.

Both callbacks read and set the model's initial learning rate. Where the optimizer follows a schedule,
η(t) = η₀ · factor(t), that is η₀: what is set scales all that is left of the schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpnet.callbacks.monitored import Monitored, watched
from bpnet.data.arrays import whole_number
from bpnet.nn.checks import require_number
from bpnet.training.callbacks import Callback


class LearningRateScheduler(Callback):
    """Before each epoch, η ← schedule(epoch, η); epochs count from 0.

    With a schedule in the optimizer, η is its initial rate. ValueError: what `schedule` returns is no number above 0,
    or the optimizer has no learning rate.
    """

    def __init__(self, schedule: Callable[[int, float], float]) -> None:
        if not callable(schedule):
            raise ValueError(f"schedule: {schedule!r} was given, expected a function schedule(epoch, rate) → rate")
        self.schedule = schedule
        self._epoch = -1

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """ValueError where there is no learning rate."""
        require_rate(self)
        self._epoch = -1

    def on_epoch_begin(self, epoch: int) -> None:
        """Set the rate of the epoch; once, also where the epoch was interrupted and goes on."""
        if epoch == self._epoch:
            return
        self._epoch = epoch
        rate = self.schedule(epoch, self.model.initial_learning_rate)
        require_number(f"schedule({epoch}, …): the learning rate", rate, above=0)
        self.model.learning_rate = float(rate)

    def state(self) -> dict[str, Any]:
        """The epoch whose rate is set; the rate itself is the model's."""
        return {"epoch": self._epoch}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Do not set that epoch's again."""
        self._epoch = int(state["epoch"])


class ReduceLROnPlateau(Monitored):
    """η ← max(factor · η, min_lr) after `patience` epochs in a row that were not better than the best, as in Keras 3.

    Counting begins anew then, and as long as the `cooldown` lasts, whose first epoch is the next one, an epoch begins
    at 0 again. As in Keras, the last epoch of a cooldown counts: 1 is as 0.
    With a schedule in the optimizer, η is its initial rate: all that is left of the schedule is scaled by `factor`,
    and `min_lr` is a bound of the initial rate, not of what the schedule makes of it.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        require_number("factor", factor, above=0, below=1)
        require_number("min_lr", min_lr, least=0)
        self.factor = factor
        self.patience = whole_number("patience", patience, least=0)
        self.cooldown = whole_number("cooldown", cooldown, least=0)
        self.min_lr = min_lr
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """Begin to count. ValueError where there is no learning rate."""
        super().on_train_begin(epochs, samples)
        require_rate(self)
        self.wait = 0
        self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Compare, count, and lower the rate."""
        value = watched(self, logs)
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.better(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.cooldown_counter:
            self.wait += 1
            if self.wait >= self.patience:
                self._lower()

    def state(self) -> dict[str, Any]:
        """The counts; the rate itself is the model's."""
        return {**self.watching(), "wait": self.wait, "cooldown_counter": self.cooldown_counter}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on counting."""
        self.restore_best(state)
        self.wait, self.cooldown_counter = int(state["wait"]), int(state["cooldown_counter"])

    def _lower(self) -> None:
        rate = self.model.initial_learning_rate
        if rate > self.min_lr:
            self.model.learning_rate = max(rate * self.factor, self.min_lr)
            self.cooldown_counter = self.cooldown
            self.wait = 0


def has_rate(model: Any) -> bool:
    """Has its optimizer a learning rate? L-BFGS has none."""
    try:
        model.learning_rate  # noqa: B018 - it is asked for whether there is one
    except ValueError:
        return False
    return True


def require_rate(callback: Callback) -> None:
    """ValueError where the optimizer has no learning rate that a callback could set."""
    try:
        callback.model.initial_learning_rate  # noqa: B018 - it is asked for whether there is one
    except ValueError as error:
        raise ValueError(f"{type(callback).__name__}: {error}") from None
