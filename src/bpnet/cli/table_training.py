"""`bpnet train DATA`: from a file to a model, its figures on rows that it has not seen, and a report."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bpnet.callbacks.progress import ProgressBar
from bpnet.cli.checkpoints import CHECKPOINTS, GOES_ON, checkpointing, folder_for_checkpoints
from bpnet.cli.folders import require_drawing, writable_folder
from bpnet.cli.options import chosen_backend
from bpnet.cli.outcomes import details, lines
from bpnet.cli.restarted import goes_on
from bpnet.cli.table_data import InMemory, InParts, Sizes
from bpnet.formats.atomic import write_bytes
from bpnet.formats.container import Content, write
from bpnet.nn.lbfgs import LBFGS
from bpnet.report import Outcome
from bpnet.summary import table
from bpnet.tables import Preprocessing, TableModel
from bpnet.tables.earlier import Earlier, InCheckpoints
from bpnet.tables.settings import Settings
from bpnet.tables.stream_training import is_too_large
from bpnet.tables.training import early_stopping as stopping_for
from bpnet.training.callbacks import Callback

OPTIONS = "options"
"""The name of what the command was told, among the facts of a checkpoint."""
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
    activation: str,
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
    resume = resume or goes_on(out / CHECKPOINTS, rank)
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
    on, float_type = chosen_backend(backend, dtype, precision)
    folder = writable_folder(out) if rank == 0 else out
    click.echo(data.seen.describe())
    click.echo(f"{data.sizes}; backend {on.name}, device {on.device}, {float_type}, seed {seed}")
    checkpoints = folder_for_checkpoints(out, resume, checkpoint_every)

    stopping: list[Any] = stopping_for(settings, data.sizes.training) if data.sizes.validation else []
    told = [ShowsNetwork(), *([ProgressBar()] if shows else []), InCheckpoints({OPTIONS: options})]
    kept_on_disk = [] if checkpoints is None else [checkpointing(checkpoints, checkpoint_every)]
    start = time.perf_counter()
    model = TableModel.train(
        data.learned_from, data.name, task=data.task, hidden=hidden, activation=activation, optimizer=optimizer,
        learning_rate=learning_rate, dropout=dropout, batch_norm=batch_norm, epochs=epochs, batch_size=batch_size,
        validation=data.validation, early_stopping=False, class_weight=class_weight, seed=seed, backend=on,
        dtype=float_type, callbacks=[*told, *stopping, *kept_on_disk], verbose=0, stream=stream, resume=earlier.path,
        distributed="auto",
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
    kept = _kept(stopping, history.epoch, before, earlier)
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

    command = shlex.join(["bpnet", *sys.argv[1:]])
    content = model.model.content(command=command)
    facts = content.facts | {"table": model.preprocessing.facts()}
    run = TableRun(
        path, len(data.seen.summary.kinds) + 1, model, data.seen, data.sizes, outcomes, without, kept, seconds, seed,
        command, facts["provenance"],
    )  # fmt: skip
    from bpnet.cli.table_report import report_of
    from bpnet.report import html

    saved, page = folder / "model.safetensors", folder / "report.html"
    write(saved, Content("table", content.arrays, facts))
    write_bytes(page, html(report_of(run, saved), pictures=plot is not False).encode())
    click.echo(f"wrote {saved}\nwrote {page}")
    return not history.interrupted


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


def _kept(stopping: Sequence[Any], epochs: Sequence[int], before: int, earlier: Earlier) -> int | None:
    """The epoch, from 0, whose weights early stopping chose; of a run that had ended `before`, it chose then."""
    if not stopping or len(epochs) <= stopping[0].start_from_epoch:  # it looked at none, and has the last weights
        return None
    if len(epochs) > before:
        return int(stopping[0].best_epoch)
    states = (each["state"] for each in earlier.facts["run"]["callbacks"] if each["name"] == "EarlyStopping")
    return next((int(state["best_epoch"]) for state in states), None)
