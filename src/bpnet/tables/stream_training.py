"""From a file that is larger than the memory to a trained network: one pass to look at it, then a pass an epoch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpnet.backend import load
from bpnet.models import Model
from bpnet.tables.error import TableError
from bpnet.tables.flow import TableFlow
from bpnet.tables.frames import as_frame, column_of, named
from bpnet.tables.preprocessing import Preprocessing
from bpnet.tables.settings import Settings, row_weights
from bpnet.tables.sources import Source, source_of
from bpnet.tables.statistics import HeldOutRows, survey_file
from bpnet.tables.stream_preprocessing import preprocessing_of
from bpnet.tables.training import Part, compiled, early_stopping, part_of, with_better_target
from bpnet.training.callbacks import Callback
from bpnet.training.out_of_memory import free_memory

if TYPE_CHECKING:
    from bpnet.tables.frames import Frame

SHARE = 0.2
"""Of the free memory: a table that would take more is read in parts, since what is made of it takes as much again."""


SMALL = 1 << 24
"""Bytes of a file for which it is not asked."""


def is_too_large(data: Any) -> bool:
    """Is it a file that can be read in parts, and had better be?"""
    if (
        not isinstance(data, str | Path)
        or not str(data).lower().endswith((".parquet", ".npy"))
        or not Path(data).is_file()
    ):
        return False
    if Path(data).stat().st_size < SMALL:
        return False
    free = free_memory(load("numpy"))
    return free is not None and source_of(data).size > SHARE * free


def parts(data: Any, text: Collection[str] = ()) -> Iterator[Frame]:
    """The table as a frame; a file that is too large as one after another."""
    if not is_too_large(data):
        yield as_frame(data, text)
        return
    source = source_of(data)
    for block in range(len(source.blocks)):
        yield from map(as_frame, source.chunks(block))


def trained(
    data: Any,
    target: str | int,
    task: str | None,
    validation: Any,
    settings: Settings,
    where: dict[str, Any],
    callbacks: Sequence[Callback],
    verbose: int | str,
    resume: str | PathLike[str] | None = None,
) -> tuple[Model, Preprocessing]:
    """The network after training, and its preprocessing."""
    if not isinstance(data, str | Path):
        raise TableError(f"stream: {type(data).__name__} came, expected the path of a .parquet or .npy file")
    source = source_of(data)
    name = _name(source, target)
    share = float(validation) if isinstance(validation, int | float) else 0.0
    if not 0 <= share < 1:
        raise TableError(f"validation: {validation!r} was given, expected a share from 0 below 1, or a frame")
    split = HeldOutRows(source, share, where["seed"])
    found = survey_file(source, name, split, bool(verbose))
    if not found.rows or (share and not len(found.held_out)):
        raise TableError(
            f"validation: {share:g} of {source.rows} rows left {found.rows} to learn from and {len(found.held_out)} to "
            "hold out, expected some of both. Mend: more rows, another share, or stream=False"
        )
    preprocessing = preprocessing_of(found, name, task)
    held_out = None
    given = isinstance(validation, int | float)  # a share
    data_out = (found.held_out if share else None) if given else validation
    if data_out is not None and len(other := as_frame(data_out, preprocessing.texts)):
        held_out = part_of(preprocessing, other, column_of(other, named(other, name)))
    sample = as_frame(found.sample)
    part = part_of(preprocessing, sample, column_of(sample, name))
    if preprocessing.target.task == "regression" and preprocessing.summary.quantiles[0] > 0:  # of all rows
        preprocessing = with_better_target(preprocessing, part, held_out, settings, where)
    if verbose:
        for note in preprocessing.notes:
            print(f"note: {note}", flush=True)
    model = _fitted(source, split, found.rows, preprocessing, held_out, settings, where, callbacks, verbose, resume)
    return model, preprocessing


def _fitted(
    source: Source,
    split: HeldOutRows,
    rows: int,
    preprocessing: Preprocessing,
    held_out: Part | None,
    settings: Settings,
    where: dict[str, Any],
    callbacks: Sequence[Callback],
    verbose: int | str,
    resume: str | PathLike[str] | None,
) -> Model:
    goal, weights = preprocessing.target, None
    if settings.class_weight is not None and goal.task != "regression":
        weights = row_weights(settings.class_weight, preprocessing.summary.counts, goal.classes)
    validation: tuple[Any, ...] | None = None
    if held_out is not None:
        y = goal.scaled(held_out.values) if goal.task == "regression" else held_out.values
        validation = (held_out.x, y) if weights is None else (held_out.x, y, weights[held_out.values])
    model = compiled(preprocessing, settings, where)
    flow = TableFlow(source, split, rows, preprocessing, settings.size_for(rows), model.dtype, weights)
    stopping = early_stopping(settings, rows) if held_out is not None else []
    listeners = [*callbacks, *stopping]
    epochs = settings.epochs_for(rows)
    model.fit(flow, epochs=epochs, verbose=verbose, callbacks=listeners, validation_data=validation, resume=resume)
    return model


def _name(source: Source, target: str | int) -> str:
    """The target's name, found among the columns of the file."""
    return named(as_frame({name: np.zeros(0) for name in source.names}), target)
