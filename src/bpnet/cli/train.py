"""`bpnet train RECIPE`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile

import click

from bpnet.cli.checkpoints import checkpoint_options, checkpoints_in
from bpnet.cli.options import chosen_backend, one_line_errors, precision_option, run_options
from bpnet.recipes import Options, recipe
from bpnet.recipes.recipe import Draw


@click.command()
@run_options
@precision_option
@checkpoint_options
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs, or steps where a step takes all rows.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Samples a step.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Where pictures go; default: runs/RECIPE.")
@click.option("--plot/--no-plot", default=None, help="Draw pictures; default: where matplotlib is installed.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def train(
    recipe_name: str,
    backend: str | None,
    dtype: str | None,
    seed: int,
    sizes: tuple[int, ...] | None,
    data: str | None,
    precision: str | None,
    resume: bool,
    checkpoint_every: int | None,
    epochs: int | None,
    batch_size: int | None,
    out: Path | None,
    plot: bool | None,
    quiet: bool,
) -> None:
    """Train RECIPE, print what it ends with, and draw its pictures."""
    with one_line_errors():
        module = recipe(recipe_name)
        on, float_type = chosen_backend(backend, dtype, precision)
        out = out or Path("runs") / recipe_name
        folder = _folder(out, plot)
        click.echo(f"{recipe_name}: {module.__doc__.splitlines()[0]}")
        click.echo(f"backend {on.name}, device {on.device}, {float_type}, seed {seed}")
        checkpoints = checkpoints_in(out, module, resume, checkpoint_every)
        options = Options(on, float_type, epochs, batch_size, seed, 0 if quiet else 1, sizes=sizes, data=data)
        options = replace(options, checkpoints=checkpoints, checkpoint_every=checkpoint_every, resume=resume or None)
        outcome = module.run(options)
        history = outcome.model.history if outcome.model else None
        if history is not None and history.interrupted:
            click.echo("interrupted: what follows is of the weights at that point")
            if checkpoints is not None:
                click.echo("the same command with --resume goes on from here")
        if outcome.text:
            click.echo(outcome.text)
        for measured in outcome.measured:
            click.echo(str(measured))
        if folder is not None:
            for path in _draw(outcome.pictures, folder):
                click.echo(f"wrote {path}")
        elif plot is None and outcome.pictures:
            click.echo("no pictures: matplotlib is not installed. Mend: pip install matplotlib")


def _folder(folder: Path, plot: bool | None) -> Path | None:
    """Make the folder for pictures before training starts; None where none are to be drawn."""
    installed = find_spec("matplotlib") is not None
    if plot and not installed:
        raise ImportError("--plot was given, but matplotlib is not installed. Mend: pip install matplotlib")
    if plot is False or not installed:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise ValueError(f"--out: cannot write to {str(folder)!r} ({error}). Mend: name another folder") from error


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
