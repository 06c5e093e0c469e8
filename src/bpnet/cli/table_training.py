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
from bpnet.cli.folders import require_drawing, writable_folder
from bpnet.cli.options import chosen_backend
from bpnet.cli.outcomes import details, lines, outcome_of, part_of, without_network
from bpnet.formats.atomic import write_bytes
from bpnet.formats.container import Content, write
from bpnet.nn.lbfgs import LBFGS
from bpnet.report import Outcome
from bpnet.summary import table
from bpnet.tables import Preprocessing, TableError, TableModel, read_table
from bpnet.tables.frames import column_of, named
from bpnet.tables.model import labels_to_split_by
from bpnet.tables.settings import Settings
from bpnet.tables.split import split_rows
from bpnet.tables.stream_training import is_too_large
from bpnet.tables.training import early_stopping as stopping_for
from bpnet.training.callbacks import Callback


@dataclass(frozen=True)
class Rows:
    """The numbers of the rows of each part; `validation` and `test` may be empty."""

    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def parts(self) -> dict[str, np.ndarray]:
        """Those that have rows, the best judge first."""
        found = {"test": self.test, "validation": self.validation, "training": self.training}
        return {name: rows for name, rows in found.items() if len(rows)}


@dataclass(frozen=True)
class TableRun:
    """All that a report tells of."""

    path: Path
    columns: int
    model: TableModel
    seen: Preprocessing
    """Of the whole table: the summary of the data."""
    rows: Rows
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
    test: float,
    early_stopping: bool,
    class_weight: str | None,
    backend: str | None,
    dtype: str | None,
    precision: str | None,
    seed: int,
    epochs: int | None,
    batch_size: int | None,
    out: Path | None,
    plot: bool | None,
    quiet: bool,
) -> bool:
    """Train, print, write; True where the run was not cut short."""
    layers = hidden, activation, optimizer, learning_rate, dropout, batch_norm
    settings = Settings.checked(*layers, epochs, batch_size, early_stopping, class_weight)
    if isinstance(settings.optimizer, LBFGS):
        raise ValueError("--optimizer: 'lbfgs' was given, expected one that learns from batches. Mend: adam, sgd, …")
    require_drawing(plot)
    if is_too_large(path):
        raise TableError(
            f"{path}: it is too large for the memory. Mend: in Python, bpnet.tables.TableModel.train(path, target, "
            "stream=True) reads it in parts"
        )
    frame = read_table(path)
    if target is None:
        listed = ", ".join(frame.columns[:20]) + (", …" if len(frame.columns) > 20 else "")
        raise TableError(f"--target: nothing was given, expected the column to predict. Columns: {listed}")
    name = named(frame, target, "--target")
    rows, task = _parts(frame, name, task, validation, test, seed)
    if class_weight is not None and task == "regression":
        raise ValueError(f"--class-weight: it was given, but the target {name!r} is a number, which has no classes")
    learned_from = frame[np.sort(np.concatenate([rows.training, rows.validation]))]
    seen = Preprocessing.fit(frame, name, task=task, rows=rows.training)
    on, float_type = chosen_backend(backend, dtype, precision)
    folder = writable_folder(out or Path("runs") / path.name.split(".")[0])
    click.echo(seen.describe())
    sizes = [f"{len(rows.training):,} rows to learn from", f"{len(rows.validation):,} to validate on",
             f"{len(rows.test):,} to test on"]  # fmt: skip
    click.echo(f"{', '.join(sizes)}; backend {on.name}, device {on.device}, {float_type}, seed {seed}")

    stopping: list[Any] = stopping_for(settings, len(rows.training)) if len(rows.validation) else []
    bar = [ProgressBar()] if not quiet and sys.stderr.isatty() else []
    start = time.perf_counter()
    model = TableModel.train(
        learned_from, name, task=task, hidden=hidden, activation=activation, optimizer=optimizer,
        learning_rate=learning_rate, dropout=dropout, batch_norm=batch_norm, epochs=epochs, batch_size=batch_size,
        validation=validation / (1 - test), early_stopping=False, class_weight=class_weight, seed=seed, backend=on,
        dtype=float_type, callbacks=[ShowsNetwork(), *bar, *stopping], verbose=0,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    history = model.history
    assert history is not None
    if not history.epoch:
        click.echo("interrupted before the first epoch had ended: nothing was written", err=True)
        return False
    for note in model.preprocessing.notes:
        if note not in seen.notes:
            click.echo(f"note: {note}")
    looked = bool(stopping) and len(history.epoch) > stopping[0].start_from_epoch  # else it has the last weights
    kept = stopping[0].best_epoch if looked else None
    whole = outcome_of(model, frame)
    outcomes = {part: part_of(whole, numbers) for part, numbers in rows.parts().items()}
    first, outcome = next(iter(outcomes.items()))
    without = without_network(outcome, part_of(whole, rows.training))
    if history.interrupted:
        click.echo("interrupted: what follows is of the weights at that point")
    ended = f"{len(history.epoch)} epochs in {seconds:.1f} s"
    click.echo(f"{ended}, the weights of epoch {kept + 1} are kept" if kept is not None else ended)
    click.echo(lines({**outcomes, "no network": without}))
    click.echo(f"on the {first} rows:\n{details(outcome)}")

    command = shlex.join(["bpnet", *sys.argv[1:]])
    content = model.model.content(command=command)
    facts = content.facts | {"table": model.preprocessing.facts()}
    run = TableRun(
        path, len(frame.columns), model, seen, rows, outcomes, without, kept, seconds, seed, command,
        facts["provenance"],
    )  # fmt: skip
    from bpnet.cli.table_report import report_of
    from bpnet.report import html

    saved, told = folder / "model.safetensors", folder / "report.html"
    write(saved, Content("table", content.arrays, facts))
    write_bytes(told, html(report_of(run, saved), pictures=plot is not False).encode())
    click.echo(f"wrote {saved}\nwrote {told}")
    return not history.interrupted


def _parts(frame: Any, name: str, task: str | None, validation: float, test: float, seed: int) -> tuple[Rows, str]:
    """Which rows are for what, and the task, which all rows tell."""
    from bpnet.tables.target import infer

    if validation + test >= 1:
        raise ValueError(f"--validation and --test: {validation:g} and {test:g} leave nothing to learn from")
    if len(frame) < 4:
        raise TableError(
            f"table: {len(frame)} rows came, expected 4 or more, to learn from, to validate and to test on"
        )
    goal = infer(name, column_of(frame, name), task)
    labels = labels_to_split_by(column_of(frame, name), name, goal.task)
    kept, out = np.arange(len(frame)), np.arange(0)
    if test:
        kept, out = split_rows(len(frame), test, seed, labels)
    rest, held_out = np.arange(len(kept)), np.arange(0)
    if validation:  # as TableModel.train will split the rows that it gets
        share = validation / (1 - test)
        rest, held_out = split_rows(len(kept), share, seed, None if labels is None else labels[kept])
    return Rows(kept[rest], kept[held_out], out), goal.task
