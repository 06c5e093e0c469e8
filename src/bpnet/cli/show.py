"""`bpnet show MODEL`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bpnet.cli.options import one_line_errors
from bpnet.cli.saved import FILE


@click.command()
@click.argument("model", metavar="MODEL", type=FILE)
def show(model: Path) -> None:
    """Show a saved model or checkpoint: layers, parameters, preprocessing, where it came from, how training went.

    Exit code 2: the file is none, or none that this bpnet can read.
    """
    with one_line_errors():
        from bpnet.backend import load
        from bpnet.formats import container
        from bpnet.formats.container import CheckpointError
        from bpnet.loading import model_of
        from bpnet.summary import table
        from bpnet.tables import Preprocessing

        content = container.read(model)
        facts = content.facts
        try:
            found = model_of(content, backend=load("numpy"))
            told = [f"{model}: {content.kind}, {model.stat().st_size:,} bytes"]
            if found.can_build:
                told.append(table(found.network).rpartition(" on numpy")[0])
            if facts.get("compile"):
                told.append(f"optimizer {type(found.optimizer).__name__}, {facts['epochs_seen']} epochs seen")
            if "table" in facts:
                told.append(Preprocessing.of(facts["table"]).describe())
        except CheckpointError as error:
            raise CheckpointError(f"path: {str(model)!r}: {error}") from error
        told += _history(found.history)
        told += [f"{name}: {value}" for name, value in facts.get("provenance", {}).items()]
        click.echo("\n".join(told))


def _history(history: Any) -> list[str]:
    """The last epoch, the best by the validation loss where there is one, and which of them the weights are of."""
    if history is None or not history.epoch:
        return ["no history of a training"]
    by = "val_loss" if "val_loss" in history.history else "loss"
    rows = history.history[by]
    best = min(range(len(rows)), key=lambda at: (rows[at] != rows[at], rows[at]))
    shown = [("last", len(history.epoch) - 1), (f"lowest {by}", best)]
    told = [f"{name}: epoch {history.epoch[at] + 1}, {_figures(history, at)}" for name, at in shown]
    kept = history.epoch[-1] if history.kept is None else history.kept
    return told if history.diverged else [*told, f"weights: those of epoch {kept + 1}"]


def _figures(history: Any, at: int) -> str:
    whole = {name: rows for name, rows in history.history.items() if len(rows) == len(history.epoch)}
    return ", ".join(f"{name} {rows[at]:.4g}" for name, rows in whole.items())
