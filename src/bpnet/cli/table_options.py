"""What `bpnet train` may be told of a run on a table, and which options belong to the other kind of run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from bpnet.recipes import RECIPES

ENDINGS = (".csv", ".tsv", ".gz", ".parquet", ".npz", ".npy")

RECIPE_ONLY = ("sizes", "data")
TABLE_ONLY = (
    "target",
    "task",
    "hidden",
    "activation",
    "optimizer",
    "learning_rate",
    "dropout",
    "batch_norm",
    "validation",
    "test",
    "early_stopping",
    "class_weight",
    "stream",
)


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--target and what else only a run on a table takes."""
    share = click.FloatRange(min=0, max=1, max_open=True)
    decorators = [
        click.option("--target", metavar="COLUMN", help="The column to predict from the others."),
        click.option("--task", metavar="TASK", help="regression or classification; default: as it looks."),
        click.option("--hidden", metavar="N,N,…", callback=_units, default="128,64", show_default=True,
                     help="Units of the hidden layers; 0 for none."),
        click.option("--activation", metavar="NAME",
                     help="Of the hidden layers; default: tanh, or relu from 5,000 rows on."),
        click.option("--optimizer", metavar="NAME", default="adam", show_default=True),
        click.option("--lr", "learning_rate", metavar="RATE", type=float, help="Default: the optimizer's own."),
        click.option("--dropout", metavar="SHARE", type=float, default=0.0, show_default=True),
        click.option("--batch-norm", is_flag=True, help="Batch normalization in each hidden layer."),
        click.option("--validation", metavar="SHARE", type=share, default=0.2, show_default=True,
                     help="Of the rows, to stop early by; 0 for none."),
        click.option("--test", metavar="SHARE", type=share,
                     help="Of the rows, which training never sees, for the report; 0 for none. Default: 0.2, or 0 "
                     "where the file is read in parts."),
        click.option("--early-stopping/--no-early-stopping", default=True, show_default=True,
                     help="End when the validation loss falls no more; the weights of the epoch where it was lowest "
                     "are kept."),
        click.option("--class-weight", type=click.Choice(["balanced"]), help="All classes weigh the same."),
        click.option("--stream/--no-stream", default=None,
                     help="Read a .parquet or .npy file in parts; default: where it is too large for the memory."),
    ]  # fmt: skip
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def is_table(what: str) -> bool:
    """Does it name a file rather than a recipe? ValueError, with the nearest names, where it names neither."""
    path = Path(what)
    if what in RECIPES:
        return False
    if path.exists() or "/" in what or "\\" in what or path.suffix.lower() in ENDINGS:
        if not path.exists():
            raise ValueError(f"{what}: there is no such file.{_nearest(path)} Mend: check the path")
        if path.is_dir():
            raise ValueError(f"{what}: it is a folder, expected a recipe or a file with a table")
        return True
    near = _nearest(path) if not get_close_matches(what.lower(), RECIPES, n=1) else ""
    if near:
        raise ValueError(f"{what}: there is no such recipe, and no such file.{near} `bpnet recipes` lists the recipes")
    return False


def _nearest(path: Path) -> str:
    """The names in its folder that are most like it."""
    try:
        beside = [other.name for other in path.parent.iterdir() if other.suffix.lower() in ENDINGS]
    except OSError:
        return f" There is no folder {str(path.parent)!r}."
    near = get_close_matches(path.name, beside, n=3)
    return f" Did you mean {' or '.join(repr(str(path.parent / name)) for name in near)}?" if near else ""


def refuse(ctx: click.Context, what: str, names: Sequence[str], whose: str) -> None:
    """ValueError where an option was given that belongs to the other kind of run."""
    for parameter in ctx.command.params:
        source = ctx.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is click.core.ParameterSource.COMMANDLINE:
            raise ValueError(f"{parameter.opts[0]}: it is an option for {whose} ({what}). Mend: leave it out")


def _units(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        units = tuple(int(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} was given, expected whole numbers with commas: 128,64") from error
    if units == (0,):
        return ()
    if min(units) < 1:
        raise click.BadParameter(f"{value!r} was given, expected units of at least 1, or 0 for no hidden layer")
    return units
