"""From a file that is larger than the memory to a trained network: one pass to look at it, then a pass an epoch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpnet.backend import load
from bpnet.models import Model
from bpnet.tables.earlier import Earlier, InCheckpoints
from bpnet.tables.error import TableError
from bpnet.tables.flow import TableFlow
from bpnet.tables.frames import as_frame, column_of, named
from bpnet.tables.preprocessing import Preprocessing
from bpnet.tables.settings import Settings, row_weights
from bpnet.tables.sources import Source, source_of
from bpnet.tables.statistics import HeldOutRows, survey_file
from bpnet.tables.stream_preprocessing import preprocessing_of, training_counts
from bpnet.tables.training import Part, compiled, early_stopping, part_of, with_better_target
from bpnet.training.callbacks import Callback
from bpnet.training.communicator import Communicator
from bpnet.training.out_of_memory import free_memory

if TYPE_CHECKING:
    from bpnet.tables.frames import Frame

SHARE = 0.2
"""Of the free memory: a table that would take more is read in parts, since what is made of it takes as much again."""


SMALL = 1 << 24
"""Bytes of a file for which it is not asked."""


def is_too_large(data: Any, share: float = SHARE) -> bool:
    """Is it a file that can be read in parts, and had better be? With a `share` of 0, each that is not small."""
    if (
        not isinstance(data, str | Path)
        or not str(data).lower().endswith((".parquet", ".npy"))
        or not Path(data).is_file()
    ):
        return False
    if Path(data).stat().st_size < SMALL:
        return False
    if not share:
        return True
    free = free_memory(load("numpy"))
    return free is not None and source_of(data).size > share * free


def parts(data: Any, text: Collection[str] = (), share: float = SHARE) -> Iterator[Frame]:
    """The table as a frame, its columns `text` as written; a file that `is_too_large` as one after another."""
    if not is_too_large(data, share):
        yield as_frame(data, text)
        return
    source = source_of(data)
    for block in range(len(source.blocks)):
        yield from map(as_frame, source.chunks(block))


@dataclass(frozen=True)
class Looked:
    """A file after the first pass over it."""

    source: Source
    split: HeldOutRows
    rows: int
    """For training."""
    preprocessing: Preprocessing
    sample: Frame
    """Of these rows, about 100,000."""
    held_out: Frame | None
    """None where nothing was to be held out."""
    counts: list[int]
    """The rows for training of each class."""


def look(data: Any, target: str | int, task: str | None, share: float, seed: int, show: bool) -> Looked:
    """Go once over the file; `share` of its rows are held out. With `show` a bar says how far it is."""
    if not isinstance(data, str | Path):
        raise TableError(f"stream: {type(data).__name__} came, expected the path of a .parquet or .npy file")
    source = source_of(data)
    name = _name(source, target)
    if not 0 <= share < 1:
        raise TableError(f"validation: {share!r} was given, expected a share from 0 below 1, or a frame")
    split = HeldOutRows(source, share, seed)
    found = survey_file(source, name, split, show)
    if not found.rows or (share and not len(found.held_out)):
        raise TableError(
            f"validation: {share:g} of {source.rows} rows left {found.rows} to learn from and {len(found.held_out)} to "
            "hold out, expected some of both. Mend: more rows, another share, or stream=False"
        )
    preprocessing, held_out = preprocessing_of(found, name, task), as_frame(found.held_out) if share else None
    counts = training_counts(found, preprocessing.target)
    return Looked(source, split, found.rows, preprocessing, as_frame(found.sample), held_out, counts)


def trained(
    looked: Looked,
    validation: Any,
    settings: Settings,
    where: dict[str, Any],
    callbacks: Sequence[Callback],
    verbose: int | str,
    earlier: Earlier,
    distributed: str | Communicator | None = None,
) -> tuple[Model, Preprocessing]:
    """The network after training, and its preprocessing; `validation` may be a frame besides what is held out."""
    preprocessing, held_out = looked.preprocessing, None
    name = preprocessing.target.name
    other = looked.held_out if validation is None else as_frame(validation, preprocessing.texts)
    if other is not None and len(other):
        held_out = part_of(preprocessing, other, column_of(other, named(other, name)))
    part = part_of(preprocessing, looked.sample, column_of(looked.sample, name))
    if preprocessing.target.task == "regression" and preprocessing.summary.quantiles[0] > 0:  # of all rows
        preprocessing = with_better_target(preprocessing, part, held_out, settings, where, earlier.preprocessing)
    earlier.require_preprocessing(preprocessing)
    if verbose:
        for note in preprocessing.notes:
            print(f"note: {note}", flush=True)
    listeners = [*callbacks, InCheckpoints({"table": preprocessing.facts()})]
    how = settings, where, listeners, verbose, earlier.path, distributed
    return _fitted(looked, preprocessing, held_out, *how), preprocessing


def _fitted(
    looked: Looked,
    preprocessing: Preprocessing,
    held_out: Part | None,
    settings: Settings,
    where: dict[str, Any],
    callbacks: Sequence[Callback],
    verbose: int | str,
    resume: str | PathLike[str] | None,
    distributed: str | Communicator | None,
) -> Model:
    goal, weights, rows = preprocessing.target, None, looked.rows
    if settings.class_weight is not None and goal.task != "regression":
        weights = row_weights(settings.class_weight, looked.counts, goal.classes)
    validation: tuple[Any, ...] | None = None
    if held_out is not None:
        y = goal.scaled(held_out.values) if goal.task == "regression" else held_out.values
        validation = (held_out.x, y) if weights is None else (held_out.x, y, weights[held_out.values])
    model = compiled(preprocessing, settings, where)
    flow = TableFlow(looked.source, looked.split, rows, preprocessing, settings.size_for(rows), model.dtype, weights)
    stopping = early_stopping(settings, rows) if held_out is not None else []
    listeners = [*callbacks, *stopping]
    model.fit(
        flow,
        epochs=settings.epochs_for(rows),
        verbose=verbose,
        callbacks=listeners,
        validation_data=validation,
        resume=resume,
        distributed=distributed,
    )
    return model


def _name(source: Source, target: str | int) -> str:
    """The target's name, found among the columns of the file."""
    return named(as_frame({name: np.zeros(0) for name in source.names}), target)
