"""Where a recipe's run leaves checkpoints, and which of them another one goes on from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bpnet.callbacks.checkpoint import ModelCheckpoint
from bpnet.callbacks.paths import require_folder
from bpnet.formats.container import CheckpointError
from bpnet.recipes.recipe import NOTHING, Options
from bpnet.resume import AnotherRunError, newest_first


def checkpoint_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--resume, --overwrite and --checkpoint-every."""
    decorators = [
        click.option("--resume", is_flag=True, help="Go on from the newest checkpoint in DIR/checkpoints."),
        click.option("--overwrite", is_flag=True, help="Begin anew, even if DIR holds a run that was not finished."),
        click.option(
            "--checkpoint-every",
            metavar="N",
            type=click.IntRange(min=1),
            help="Epochs; default: as often as takes a twentieth of the time.",
        ),
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


CHECKPOINTS = "checkpoints"
"""The folder's name."""
GOES_ON = "the same command with --resume goes on from here"


def checkpoints_in(out: Path, module: Any, resume: bool, every: int | None, *, overwrite: bool) -> Path | None:
    """As `folder_for_checkpoints`; None where the recipe trains nothing."""
    if not hasattr(module, "problem"):
        if overwrite:
            raise ValueError(f"--overwrite: it was given, but {NOTHING}. Mend: leave it out")
        Options(resume=resume or None, checkpoint_every=every).refuse(resume=NOTHING, checkpoint_every=NOTHING)
        return None
    return folder_for_checkpoints(out, resume, every)


OPTION = {"dtype": "--dtype", "seed": "--seed", "batch_size": "--batch-size"}
"""What `fit` calls otherwise than the command."""


@contextmanager
def in_words_of_the_command(found: object) -> Iterator[None]:
    """AnotherRunError says that `found`, a path, is no checkpoint of this run, and what the command may do about it."""
    try:
        yield
    except AnotherRunError as error:
        name, was, values = error.told.partition(" was ")
        told = f"{OPTION.get(name, name)}{was}{values}"
        raise CheckpointError(
            f"--resume: the checkpoint {found} is of another run: {told}. Mend: give the same as before, leave "
            "--resume out to begin anew (with --overwrite where the run was not finished), or name another folder by "
            "--out"
        ) from error


def folder_for_checkpoints(out: Path, resume: bool, every: int | None) -> Path | None:
    """The folder; None where nothing can be written and nobody has asked for it."""
    folder = out / CHECKPOINTS
    try:
        require_folder("--out", folder)
    except ValueError as error:
        if resume or every is not None:
            raise
        click.echo(f"no checkpoints: {error}", err=True)
        return None
    if resume:
        newest = next(newest_first(folder), None)
        click.echo(f"begins anew: no checkpoint in {folder}" if newest is None else f"goes on from {newest}")
    return folder


def checkpointing(folder: Path, every: int | None) -> ModelCheckpoint:
    """As often as takes a twentieth of the time, or every so many epochs; with the best one."""
    return ModelCheckpoint(folder, every=every or 1, share=0.05 if every is None else None)
