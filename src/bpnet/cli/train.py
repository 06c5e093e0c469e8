"""`bpnet train`: a network for a table of the user's, or a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bpnet.cli.checkpoints import (
    CHECKPOINTS,
    GOES_ON,
    checkpoint_options,
    checkpoints_in,
    in_words_of_the_command,
)
from bpnet.cli.folders import no_empty_folders, require_drawing, writable_folder
from bpnet.cli.options import FAILED, chosen_backend, one_line_errors, options_of_a_run, precision_option
from bpnet.cli.ranks import own_rank, together
from bpnet.cli.table_options import RECIPE_ONLY, TABLE_ONLY, is_table, refuse, table_options
from bpnet.cli.unfinished import is_resumed
from bpnet.recipes import Options, recipe
from bpnet.recipes.recipe import Draw
from bpnet.resume import newest_first

TEXT = """
\b
Options of a run on DATA (.csv .csv.gz .tsv .parquet .npz .npy):
  --target --task --hidden --activation --optimizer --lr --dropout --batch-norm
  --validation --test --early-stopping --class-weight --stream
Options of a run of a RECIPE (bpnet recipes lists them):
  --sizes --data
"""


@click.command(epilog=TEXT)
@click.argument("what", metavar="RECIPE|DATA")
@options_of_a_run
@precision_option
@checkpoint_options
@table_options
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs, or steps where a step takes all rows.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Samples a step.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Where files go; default: runs/NAME.")
@click.option("--plot/--no-plot", default=None, help="Draw pictures; default: where matplotlib is installed.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def train(ctx: click.Context, /, what: str, **given: Any) -> None:
    """Train a network on the table in the file DATA, or run RECIPE; write a model and a report, or pictures.

    A table's --target is predicted from its other columns. Exit code 1: the run failed or was interrupted, or a figure
    of the recipe is not as it should be; 2: what was given cannot be used.
    """
    folder = given["out"] or Path("runs") / Path(what).name.split(".")[0]
    with one_line_errors(), ExitStack() as at_the_end:
        rank = own_rank()
        if rank == 0:
            at_the_end.enter_context(no_empty_folders(folder / CHECKPOINTS))
        if is_table(what):
            refuse(ctx, what, RECIPE_ONLY, "a recipe, and this is a run on a table")
            from bpnet.cli.table_training import train_on_table

            done = train_on_table(Path(what), rank, **{name: given[name] for name in given if name not in RECIPE_ONLY})
        else:
            recipe(what)
            refuse(ctx, what, TABLE_ONLY, "a table, and this is a recipe")
            done = _run_recipe(what, rank, **{name: given[name] for name in given if name not in TABLE_ONLY})
    ctx.exit(0 if done else FAILED)


def _run_recipe(
    name: str,
    rank: int,
    *,
    backend: str | None,
    dtype: str | None,
    seed: int,
    sizes: tuple[int, ...] | None,
    data: str | None,
    precision: str | None,
    resume: bool,
    overwrite: bool,
    checkpoint_every: int | None,
    epochs: int | None,
    batch_size: int | None,
    out: Path | None,
    plot: bool | None,
    quiet: bool,
) -> bool:
    """Train, print what it ends with, draw its pictures; True where it was not cut short and its figures hold.

    Of several ranks the first alone writes files, and what the others print is not seen.
    """
    module = recipe(name)
    on, float_type = chosen_backend(backend, dtype, precision)
    out = out or Path("runs") / name
    if hasattr(module, "problem"):
        resume = is_resumed(out / CHECKPOINTS, rank, resume=resume, overwrite=overwrite)
    folder = _folder(out, plot if rank == 0 else False)
    click.echo(f"{name}: {module.__doc__.splitlines()[0]}")
    click.echo(f"backend {on.name}, device {on.device}, {float_type}, seed {seed}{together()}")
    checkpoints = checkpoints_in(out, module, resume, checkpoint_every, overwrite=overwrite)
    options = Options(on, float_type, epochs, batch_size, seed, 0 if quiet else 1, sizes=sizes, data=data)
    kept: dict[str, Any] = {"checkpoints": checkpoints, "checkpoint_every": checkpoint_every, "distributed": "auto"}
    with in_words_of_the_command(next(newest_first(out / CHECKPOINTS), None) if resume else None):
        outcome = module.run(replace(options, resume=resume or None, **kept))
    history = outcome.model.history if outcome.model else None
    interrupted = history is not None and history.interrupted
    if interrupted:
        click.echo("interrupted: what follows is of the weights at that point")
        if checkpoints is not None:
            click.echo(GOES_ON)
    if outcome.text:
        click.echo(outcome.text)
    for measured in outcome.measured:
        click.echo(str(measured))
    if folder is not None:
        for path in _draw(outcome.pictures, folder):
            click.echo(f"wrote {path}")
    elif plot is None and outcome.pictures and rank == 0:
        click.echo("no pictures: matplotlib is not installed. Mend: pip install matplotlib")
    return bool(outcome.holds) and not interrupted


def _folder(folder: Path, plot: bool | None) -> Path | None:
    """Make the folder for pictures before training starts; None where none are to be drawn."""
    installed = require_drawing(plot)
    return None if plot is False or not installed else writable_folder(folder)


def _draw(pictures: Mapping[str, Draw], folder: Path) -> list[Path]:
    """Each picture as a file of its name."""
    from matplotlib.figure import Figure

    paths = []
    for name, draw in pictures.items():
        figure = Figure(figsize=(8, 5.5), dpi=120, layout="constrained")
        draw(figure)
        figure.savefig(folder / name)
        paths.append(folder / name)
    return paths
