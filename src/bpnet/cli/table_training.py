"""`bpnet train DATA`: from a file to a model, its figures on rows that it has not seen, and a report."""

from __future__ import annotations

import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from bpnet.callbacks.progress import ProgressBar
from bpnet.cli.checkpoints import (
    CHECKPOINTS,
    GOES_ON,
    checkpointing,
    folder_for_checkpoints,
    in_words_of_the_command,
)
from bpnet.cli.folders import require_drawing, writable_folder
from bpnet.cli.options import chosen_backend
from bpnet.cli.outcomes import details, gone_wrong, lines
from bpnet.cli.ranks import together
from bpnet.cli.table_data import InMemory, InParts, Sizes
from bpnet.cli.unfinished import is_resumed
from bpnet.formats.atomic import write_together
from bpnet.formats.container import CheckpointError, Content, read, to_bytes
from bpnet.nn.lbfgs import LBFGS
from bpnet.report import Outcome
from bpnet.summary import table
from bpnet.tables import Preprocessing, TableModel
from bpnet.tables.earlier import Earlier, InCheckpoints, learned
from bpnet.tables.settings import Settings
from bpnet.tables.stream_training import is_too_large
from bpnet.tables.training import early_stopping as stopping_for
from bpnet.training.callbacks import Callback

OPTIONS = "options"
"""The name of what the command was told, among the facts of a checkpoint."""
FILE = "file"
"""That of what was found in all rows of the file."""
FEW = 10
"""Rows below which figures are a matter of luck."""
TEST = 0.2
"""The share of the rows for the report, where nothing else is said and they are in memory."""


@dataclass(frozen=True)
class TableRun:
    """All that a report tells of."""

    path: Path
    columns: int
    model: TableModel
    seen: Preprocessing
    """Of the whole table: the summary of the data."""
    rows: Sizes
    outcomes: dict[str, Outcome]
    without: Outcome
    kept: int | None
    seconds: float
    seed: int
    command: str
    provenance: dict[str, Any]


class ShowsNetwork(Callback):
    """Prints the network before it learns."""

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """As `summary` does."""
        click.echo(table(self.model.network))


def train_on_table(
    path: Path,
    rank: int,
    *,
    target: str | None,
    task: str | None,
    hidden: tuple[int, ...],
    activation: str | None,
    optimizer: str,
    learning_rate: float | None,
    dropout: float,
    batch_norm: bool,
    validation: float,
    test: float | None,
    early_stopping: bool,
    class_weight: str | None,
    backend: str | None,
    dtype: str | None,
    precision: str | None,
    seed: int,
    epochs: int | None,
    batch_size: int | None,
    stream: bool | None,
    resume: bool,
    overwrite: bool,
    checkpoint_every: int | None,
    out: Path | None,
    plot: bool | None,
    quiet: bool,
) -> bool:
    """Train, print, write; True where the run was not cut short. Of several ranks the first alone writes files."""
    layers = hidden, activation, optimizer, learning_rate, dropout, batch_norm
    settings = Settings.checked(*layers, epochs, batch_size, early_stopping, class_weight)
    if isinstance(settings.optimizer, LBFGS):
        raise ValueError("--optimizer: 'lbfgs' was given, expected one that learns from batches. Mend: adam, sgd, …")
    require_drawing(plot)
    out = out or Path("runs") / path.name.split(".")[0]
    model_file = out / "model.safetensors"
    resume = is_resumed(out / CHECKPOINTS, rank, resume=resume, overwrite=overwrite, model=model_file)
    earlier = Earlier.of(out / CHECKPOINTS if resume else None)
    stream, test = _in_parts(path, stream, test, earlier)
    if validation + test >= 1:
        raise ValueError(f"--validation and --test: {validation:g} and {test:g} leave nothing to learn from")
    options = {
        "--stream": stream, "--target": target, "--task": task, "--hidden": hidden, "--activation": activation,
        "--optimizer": optimizer, "--lr": learning_rate, "--dropout": dropout, "--batch-norm": batch_norm,
        "--validation": validation, "--test": test, "--early-stopping": early_stopping, "--class-weight": class_weight,
        "--seed": seed, "--batch-size": batch_size,
    }  # fmt: skip
    with in_words_of_the_command(earlier.path):
        earlier.require(OPTIONS, options)
    shows = not quiet and sys.stderr.isatty()
    data: InMemory | InParts = (
        InParts.of(path, target, task, validation, seed, show=shows)
        if stream
        else InMemory.of(path, target, task, validation, test, seed)
    )
    if class_weight is not None and data.task == "regression":
        raise ValueError(
            f"--class-weight: it was given, but the target {data.name!r} is a number, which has no classes"
        )
    with in_words_of_the_command(earlier.path):
        earlier.require(FILE, learned(data.seen))
    on, float_type = chosen_backend(backend, dtype, precision)
    folder = writable_folder(out) if rank == 0 else out
    if rank == 0 and (note := _replaced(model_file, path)):
        click.echo(note)
    click.echo(data.seen.describe())
    click.echo(f"{data.sizes}; backend {on.name}, device {on.device}, {float_type}, seed {seed}{together()}")
    checkpoints = folder_for_checkpoints(out, resume, checkpoint_every)

    stopping: list[Any] = stopping_for(settings, data.sizes.training) if data.sizes.validation else []
    told = [
        ShowsNetwork(),
        *([ProgressBar()] if shows else []),
        InCheckpoints({OPTIONS: options, FILE: learned(data.seen)}),
    ]
    kept_on_disk = [] if checkpoints is None else [checkpointing(checkpoints, checkpoint_every)]
    start = time.perf_counter()
    in_its_words = in_words_of_the_command(earlier.path)
    with in_its_words, np.errstate(over="ignore", invalid="ignore"):  # what comes of it is said below
        model = TableModel.train(
            data.learned_from, data.name, task=data.task, hidden=hidden, activation=activation, optimizer=optimizer,
            learning_rate=learning_rate, dropout=dropout, batch_norm=batch_norm, epochs=epochs, batch_size=batch_size,
            validation=data.validation, early_stopping=False, class_weight=class_weight, seed=seed, backend=on,
            dtype=float_type, callbacks=[*told, *stopping, *kept_on_disk], verbose=0, stream=stream,
            resume=earlier.path, distributed="auto",
        )  # fmt: skip
    seconds = time.perf_counter() - start
    history = model.history
    assert history is not None
    if not history.epoch:
        click.echo("interrupted before the first epoch had ended: no model was written", err=True)
        if checkpoints is not None:
            click.echo(GOES_ON, err=True)
        return False
    if rank:
        return not history.interrupted
    for note in model.preprocessing.notes:
        if note not in data.seen.notes:
            click.echo(f"note: {note}")
    before = len(earlier.facts["history"]["epoch"]) if earlier.facts else 0
    kept = history.kept
    outcomes, without = data.outcomes(model)
    first, outcome = next(iter(outcomes.items()))
    if history.interrupted:
        click.echo("interrupted: what follows is of the weights at that point")
        if checkpoints is not None:
            click.echo(GOES_ON)
    now = len(history.epoch) - before
    ended = f"{len(history.epoch)} epochs{f', {now} of them now,' if before else ''} in {seconds:.1f} s"
    click.echo(f"{ended}, the weights of epoch {kept + 1} are kept" if kept is not None else ended)
    click.echo(lines({**outcomes, "no network": without}))
    click.echo(f"on the {first} rows:\n{details(outcome)}")
    if len(outcome) < FEW:
        click.echo(f"note: {len(outcome)} {first} row{'s' * (len(outcome) != 1)} cannot say how good the model is")
    if wrong := gone_wrong(outcome, without):
        click.echo(f"note: training went wrong: {wrong}. Mend: a lower --lr, or leave --lr out")

    command = shlex.join(["bpnet", *sys.argv[1:]])
    content = model.model.content(command=command)
    facts = content.facts | {"table": model.preprocessing.facts()}
    facts["provenance"]["data"] = str(path)
    run = TableRun(
        path, len(data.seen.summary.kinds) + 1, model, data.seen, data.sizes, outcomes, without, kept, seconds, seed,
        command, facts["provenance"],
    )  # fmt: skip
    from bpnet.cli.table_report import report_of
    from bpnet.report import html

    saved, page = model_file, folder / "report.html"
    try:
        report = html(report_of(run, saved), pictures=plot is not False).encode()
        write_together({saved: to_bytes(Content("table", content.arrays, facts)), page: report})
    except KeyboardInterrupt:
        click.echo(f"interrupted before the model and its report were written; what {folder} held is kept", err=True)
        if checkpoints is not None:
            click.echo(GOES_ON, err=True)
        return False
    click.echo(f"wrote {saved}\nwrote {page}")
    return not history.interrupted


def _replaced(saved: Path, path: Path) -> str:
    """A line where the run will put its model in place of one of another file of data."""
    try:
        before = read(saved).facts.get("provenance", {}).get("data", str(path)) if saved.is_file() else str(path)
    except CheckpointError:  # it is damaged, or not ours: nothing that is worth keeping
        return ""
    if before == str(path):
        return ""
    return f"note: {saved} is a model of {before}, and will be replaced by one of {path}. --out DIR writes elsewhere"


def _in_parts(path: Path, stream: bool | None, test: float | None, earlier: Earlier) -> tuple[bool, float]:
    """Is the file read in parts, as it was before where a run goes on; and the share of the rows to test on."""
    if stream is None:
        stream = bool(earlier.facts.get(OPTIONS, {}).get("--stream", is_too_large(path)))
    if not stream:
        return False, TEST if test is None else test
    if test:
        raise ValueError(
            f"--test: {test:g} was given, but {path} is read in parts, and then rows are held out for validation only. "
            "Mend: leave --test out, and bpnet evaluate the model on another file; or --no-stream"
        )
    return True, 0.0
