"""From a table in memory to a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import numpy as np

from bpnet.callbacks.early_stopping import EarlyStopping
from bpnet.models import Model
from bpnet.tables import target as targets
from bpnet.tables.earlier import InCheckpoints
from bpnet.tables.measures import of_numbers
from bpnet.tables.network import LOSSES, METRICS, network_for
from bpnet.tables.preprocessing import Preprocessing
from bpnet.tables.settings import Settings, row_weights
from bpnet.training.callbacks import Callback
from bpnet.training.communicator import Communicator

SKEWED = 1.0
"""A regression target whose third standardized moment is above it may be better learned through its logarithm."""
WARM_UP = 500
"""Steps before an epoch may be the best: on few rows the validation loss of the first ones is a matter of luck."""
TRIAL_ROWS = 10_000
TRIAL_EPOCHS, TRIAL_PATIENCE = 50, 5


@dataclass(frozen=True)
class Part:
    """Rows as the network takes them in; `values` are those of a regression target in its own unit, else labels."""

    x: Any
    values: np.ndarray

    def take(self, rows: np.ndarray) -> Part:
        """Those rows."""
        x = {name: array[rows] for name, array in self.x.items()} if isinstance(self.x, dict) else self.x[rows]
        return Part(x, self.values[rows])

    def __len__(self) -> int:
        return len(self.values)


def part_of(preprocessing: Preprocessing, frame: Any, column: Any) -> Part:
    """All rows of a frame; `column` is its target's, of Arrow."""
    target = preprocessing.target
    values = target.numbers(column) if target.task == "regression" else target.labels(column)
    return Part(preprocessing.transform(frame), values)


def with_better_target(
    preprocessing: Preprocessing,
    train: Part,
    held_out: Part | None,
    settings: Settings,
    where: dict[str, Any],
    before: Preprocessing | None = None,
) -> Preprocessing:
    """With log: a positive, skewed target is learned through its logarithm if a short trial of both says so.

    A run that goes on does as it did `before`.
    """
    target = preprocessing.target
    if target.task != "regression" or held_out is None or train.values.min() <= 0 or held_out.values.min() <= 0:
        return preprocessing
    deviations = (train.values - target.mean) / target.std
    if float((deviations**3).mean()) <= SKEWED:
        return preprocessing
    if before is not None and not before.target.log:
        return preprocessing
    other = preprocessing.with_target(targets.fit(target, train.values, log=True))
    if before is not None:
        return replace(other, notes=before.notes)
    few = np.linspace(0, len(train) - 1, min(len(train), TRIAL_ROWS)).astype(np.int64)
    few_out = np.linspace(0, len(held_out) - 1, min(len(held_out), TRIAL_ROWS)).astype(np.int64)
    plain, through_log = (
        _trial(one, train.take(few), held_out.take(few_out), settings, where) for one in (preprocessing, other)
    )
    if through_log >= plain:
        return preprocessing
    found = f"RMSE {through_log:.4g} in a trial, {plain:.4g} without"
    note = f"target {target.name!r} is learned through its logarithm: {found}"
    return replace(other, notes=(*other.notes, note))


def _trial(
    preprocessing: Preprocessing, train: Part, held_out: Part, settings: Settings, where: dict[str, Any]
) -> float:
    """The RMSE in the target's unit after a short training."""
    target, model = preprocessing.target, compiled(preprocessing, settings, where)
    model.fit(
        train.x,
        target.scaled(train.values),
        settings.size_for(len(train)),
        TRIAL_EPOCHS,
        verbose=0,
        callbacks=[EarlyStopping(patience=TRIAL_PATIENCE, restore_best_weights=True)],
        validation_data=(held_out.x, target.scaled(held_out.values)),
    )
    return float(of_numbers(held_out.values, target.decode(model.predict(held_out.x)))["rmse"])


def compiled(preprocessing: Preprocessing, settings: Settings, where: dict[str, Any]) -> Model:
    """The network, ready to learn."""
    task = preprocessing.target.task
    layers = settings.hidden, settings.activation, settings.dropout, settings.batch_norm
    model = network_for(preprocessing, *layers, **where)
    model.compile(settings.optimizer, LOSSES[task], [METRICS[task]])
    if settings.learning_rate is not None:
        model.learning_rate = settings.learning_rate
    return model


def fitted(
    preprocessing: Preprocessing,
    train: Part,
    held_out: Part | None,
    settings: Settings,
    where: dict[str, Any],
    callbacks: Sequence[Callback],
    verbose: int | str,
    resume: str | PathLike[str] | None = None,
    distributed: str | Communicator | None = None,
) -> Model:
    """The network after training; with `held_out` rows it has the weights that were best on them."""
    target = preprocessing.target
    weights = None
    if settings.class_weight is not None and target.task != "regression":
        counts = np.bincount(train.values, minlength=len(target.classes))
        weights = row_weights(settings.class_weight, counts, target.classes)

    def data(part: Part) -> tuple[Any, ...]:
        y = target.scaled(part.values) if target.task == "regression" else part.values
        return (part.x, y) if weights is None else (part.x, y, weights[part.values])

    x, y, *weight = data(train)
    model = compiled(preprocessing, settings, where)
    stopping = early_stopping(settings, len(train)) if held_out is not None else []
    kept = InCheckpoints({"table": preprocessing.facts()})
    model.fit(
        x,
        y,
        settings.size_for(len(train)),
        settings.epochs_for(len(train)),
        verbose=verbose,
        callbacks=[*callbacks, *stopping, kept],
        validation_data=None if held_out is None else data(held_out),
        sample_weight=weight[0] if weight else None,
        resume=resume,
        distributed=distributed,
    )
    return model


def early_stopping(settings: Settings, rows: int) -> list[Callback]:
    """What ends the training on so many rows; nothing if that is not wanted."""
    patience = settings.patience_for(rows)
    if patience is None:
        return []
    first = WARM_UP * settings.size_for(rows) // rows
    return [EarlyStopping(patience=patience, restore_best_weights=True, start_from_epoch=first)]
