"""A run that diverges ends, and is not an error."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from tqdm import tqdm

from bpnet.training.callbacks import Callback
from bpnet.training.history import TrainingDivergedError


class TerminateOnNaN(Callback):
    """Where a loss or a weight is no longer finite, `fit` ends and returns the history of the epochs before.

    Without this callback it raises TrainingDivergedError. The model has the last weights from an epoch's start that
    gave a finite loss; the history's `diverged` is True, and its `message`, which is printed too, says where it
    happened and why, probably. Looked at once an epoch: nothing waits for the device in between.
    Estimators of `bpnet.sklearn` stop there, with the error that scikit-learn raises for weights that are not finite.
    """

    def on_diverged(self, error: TrainingDivergedError) -> bool:
        """Say so, and let the run end."""
        tqdm.write(f"training ended: {error}")
        return True

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """End a run that is not guarded, an estimator's."""
        if not isfinite(logs["loss"]):
            self.model.stop_training = True
