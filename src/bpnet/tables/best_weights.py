"""Ends training when the validation loss gets no better, with the weights of its best epoch."""

from __future__ import annotations

from collections.abc import Mapping

from bpnet.training.callbacks import Callback


class BestWeights(Callback):
    """Stops after `patience` epochs without a lower `val_loss`, and in any case leaves the best epoch's weights.

    Epochs before `start_from_epoch` are not looked at.
    """

    def __init__(self, patience: int, start_from_epoch: int = 0) -> None:
        self.patience = patience
        self.start_from_epoch = start_from_epoch

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """Begin anew."""
        self.best, self.waited, self.weights = float("inf"), 0, None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Keep the weights of a better epoch."""
        if epoch < self.start_from_epoch:
            return
        if logs["val_loss"] < self.best:
            self.best, self.waited, self.weights = logs["val_loss"], 0, self.model.get_weights()
        else:
            self.waited += 1
            self.model.stop_training = self.model.stop_training or self.waited >= self.patience

    def on_train_end(self) -> None:
        """The best weights."""
        if self.weights is not None:
            self.model.set_weights(self.weights)
