"""End training when a figure does not improve any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bpnet.backend import Array
from bpnet.callbacks.monitored import Monitored, watched
from bpnet.data.arrays import flag, whole_number
from bpnet.nn.checks import require_number
from bpnet.training.history import TrainingDivergedError


class EarlyStopping(Monitored):
    """Ends training after `patience` epochs in a row that were not better than the best; the meaning is Keras 3's.

    Epochs before `start_from_epoch`, counted from 0, are not looked at. With a `baseline`, only epochs that are better
    than it too begin the count anew. `restore_best_weights`: when training ends, for whatever reason, the model gets
    the weights and running statistics of the best epoch back; they are kept on the device. The first epoch looked at
    never ends training.

    Afterwards `best` and `best_epoch` say what the best was, and `stopped_epoch`, from 0, where it ended, 0 if it did
    not end here.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = whole_number("patience", patience, least=0)
        self.start_from_epoch = whole_number("start_from_epoch", start_from_epoch, least=0)
        if baseline is not None:
            require_number("baseline", baseline)
        self.baseline = baseline
        self.restore_best_weights = flag("restore_best_weights", restore_best_weights)
        self.wait = 0
        self.best_epoch = 0
        self.stopped_epoch = 0
        self._kept: list[Array] = []
        self._last: list[Array] = []
        """What training came to, where it ended with other weights: a resumed run with more epochs goes on from it."""

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """Begin to count."""
        super().on_train_begin(epochs, samples)
        self.wait = self.best_epoch = self.stopped_epoch = 0
        self._kept, self._last = [], []

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Compare, keep the weights if they are the best, and count."""
        if epoch < self.start_from_epoch:
            return
        value = watched(self, logs)
        improved = self.better(value, self.best)
        if improved or (self.restore_best_weights and not self._kept):
            self.best_epoch = epoch
            self._keep()
        self.wait += 1
        if improved:
            self.best = value
            if self.baseline is None or self.better(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_diverged(self, error: TrainingDivergedError) -> bool:
        """The error shall not say that the model has other weights than it gets."""
        if self._kept:
            error.add_note(
                f"EarlyStopping: the model gets the weights from the end of epoch {self.best_epoch + 1} instead, "
                f"whose {self.monitor} is the best."
            )
        return False

    def on_train_end(self) -> None:
        """The best weights, if they are wanted."""
        if self._kept:
            self._last = self._copies()
            self._put(self._kept)
            if self.course is not None:
                self.course.history.kept = self.best_epoch

    def state(self) -> dict[str, Any]:
        """The counts and the best weights; after training, the last ones too."""
        counts = {"wait": self.wait, "best_epoch": self.best_epoch, "stopped_epoch": self.stopped_epoch}
        weights = {"kept": self._kept, "last": self._last}
        on_host = {name: [self.model.backend.to_numpy(each) for each in found] for name, found in weights.items()}
        return {**self.watching(), **counts, **on_host}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on counting, from the last weights; a run that had been ended stays so."""
        self.restore_best(state)
        self.wait, self.best_epoch, self.stopped_epoch = (
            int(state[name]) for name in ("wait", "best_epoch", "stopped_epoch")
        )
        if self.stopped_epoch:
            self.model.stop_training = True
        if self.restore_best_weights and state["kept"]:
            self._kept = self._taken(state["kept"])
        if state["last"]:
            self._put(self._taken(state["last"]))

    def _keep(self) -> None:
        """Copy the weights, on the device; the first time into new arrays."""
        if not self.restore_best_weights:
            return
        if not self._kept:
            self._kept = self._copies()
        for kept, vector in zip(self._kept, self._vectors(), strict=True):
            kept[...] = vector

    def _put(self, weights: Sequence[Array]) -> None:
        """Let them be the model's."""
        for vector, other in zip(self._vectors(), weights, strict=True):
            vector[...] = other

    def _taken(self, stored: Sequence[Any]) -> list[Array]:
        """On the device. ValueError: they are of another model."""
        shapes = [tuple(vector.shape) for vector in self._vectors()]
        if (found := [tuple(each.shape) for each in stored]) != shapes:
            raise ValueError(f"weights of the shapes {found}, expected {shapes}")
        return [self.model.backend.asarray(each, self.model.dtype) for each in stored]

    def _copies(self) -> list[Array]:
        return [self.model.backend.xp.asarray(vector, copy=True) for vector in self._vectors()]

    def _vectors(self) -> list[Array]:
        return [self.model.network.theta, self.model.network.state]
