"""What `bpnet search` may be told, and what of it belongs to a table or to a recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from bpnet.ensembles.ranges import Range, range_of

RECIPE_ONLY = ("data",)
TABLE_ONLY = ("target", "task", "hidden", "activation", "optimizer", "batch_norm", "test", "class_weight")

RANGES = {
    "learning_rate": "--lr",
    "l2": "--alpha",
    "weight_decay": "--weight-decay",
    "dropout": "--dropout",
    "seed": "--seeds",
}
"""The option of each setting that is searched within an architecture."""


def search_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What is searched, how long, and by what it is judged."""
    share = click.FloatRange(min=0, max=1, min_open=True, max_open=True)
    decorators = [
        click.option("--lr", "learning_rate", metavar="RANGE", help="Learning rate, log-uniform: 1e-4:1e-1."),
        click.option("--alpha", "--l2", "l2", metavar="RANGE",
                     help="L2, log-uniform: the loss has ALPHA times the sum of all squared weights added."),
        click.option("--weight-decay", metavar="RANGE", help="Decoupled, as AdamW has it; log-uniform."),
        click.option("--dropout", metavar="RANGE", help="Share of the units that are dropped; uniform: 0:0.5."),
        click.option("--seeds", metavar="RANGE",
                     help="Of first weights and order; 0:9 is one of ten. Default: --seed."),
        click.option("--batch-size", metavar="N,N,…", help="One, or some to choose from."),
        click.option("--models", type=click.IntRange(min=1), default=100, show_default=True, help="Candidates."),
        click.option("--epochs", type=click.IntRange(min=1),
                     help="Of each candidate; default: as many as bpnet train has."),
        click.option("--rank-by", metavar="FIGURE",
                     help="accuracy, r2, loss, …; default: the metric, if there is one."),
        click.option("--validation", metavar="SHARE", type=share, default=0.2, show_default=True,
                     help="Of the rows: they judge the candidates."),
        click.option("--folds", metavar="K", type=click.IntRange(min=2),
                     help="Each candidate is trained on each of K folds in place of --validation."),
        click.option("--refit", is_flag=True,
                     help="Train the best one once more, with the rows that judged; with --folds it always is."),
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of draw and splits."),
        click.option("--backend", metavar="SPEC", help="numba, numpy, cupy, …; default: BPNET_BACKEND or auto."),
        click.option("--dtype", metavar="TYPE", help="float32 or float64; default: BPNET_DTYPE or float32."),
        click.option("--out", metavar="DIR", type=click.Path(path_type=Path),
                     help="Where files go; default: runs/NAME-search."),
        click.option("--plot/--no-plot", default=None, help="Draw a picture; default: where matplotlib is installed."),
        click.option("--quiet", is_flag=True, help="No progress bar."),
        click.option("--target", metavar="COLUMN", help="The column to predict from the others."),
        click.option("--task", metavar="TASK", help="regression or classification; default: as it looks."),
        click.option("--hidden", metavar="N,N,…", multiple=True, help="Units of the hidden layers; may be given "
                     "several times, to choose from; 0 for none. Default: 128,64."),
        click.option("--activation", metavar="NAME,…",
                     help="Of the hidden layers; one, or some to choose from; default: as for train."),
        click.option("--optimizer", metavar="NAME", default="adam", show_default=True),
        click.option("--batch-norm", is_flag=True, help="Batch normalization in each hidden layer."),
        click.option("--test", metavar="SHARE", type=click.FloatRange(min=0, max=1, max_open=True), default=0.2,
                     show_default=True, help="Of the rows, which no candidate sees, for the winner; 0 for none."),
        click.option("--class-weight", type=click.Choice(["balanced"]), help="All classes weigh the same."),
        click.option("--data", metavar="PATH", help="linear-svm: .npz with x and y. cnn: mnist.npz or IDX files."),
    ]  # fmt: skip
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


@dataclass(frozen=True)
class Asked:
    """What both kinds of search are told, checked."""

    ranges: Mapping[str, Range]
    batch_sizes: tuple[int, ...] | None
    models: int
    epochs: int | None
    rank_by: str | None
    validation: float
    folds: int | None
    refit: bool
    seed: int

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Asked:
        """ValueError that names the option at fault."""
        ranges = {name: range_of(name, given[_argument(name)], option) for name, option in RANGES.items()
                  if given[_argument(name)] is not None}  # fmt: skip
        ranges.setdefault("seed", range_of("seed", given["seed"]))
        sizes = given["batch_size"]
        return cls(
            ranges, None if sizes is None else whole_numbers("--batch-size", sizes), given["models"], given["epochs"],
            given["rank_by"], given["validation"], given["folds"], given["refit"], given["seed"],
        )  # fmt: skip


def _argument(setting: str) -> str:
    return "seeds" if setting == "seed" else setting


def whole_numbers(option: str, text: str, least: int = 1) -> tuple[int, ...]:
    """`32,64` as (32, 64)."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < least:
        raise ValueError(f"{option}: {text!r} was given, expected whole numbers from {least} with commas: 32,64")
    return numbers


def different(option: str, values: Sequence[Any]) -> None:
    """ValueError where one of the choices stands there twice."""
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{option}: {value} stands there twice, expected choices that differ. Mend: leave one out")


def sizes_for(sizes: Sequence[int], rows: int) -> None:
    """A note where a batch takes all `rows`; ValueError where two sizes do, whose candidates would be the same."""
    whole = [size for size in sizes if size >= rows]
    if len(whole) > 1:
        raise ValueError(
            f"--batch-size: {' and '.join(map(str, whole))} were given for {rows:,} rows to learn from, and a step "
            "takes them all with each. Mend: leave all but one of them out"
        )
    if whole and whole[0] > rows:
        click.echo(
            f"note: --batch-size {whole[0]}: a step takes all {rows:,} rows to learn from, which are fewer", err=True
        )


def folds_for(folds: int | None, labels: Any) -> None:
    """A note where a class is missing in some folds; ValueError where each class is, as scikit-learn has it.

    `labels` are the classes (N,) of the rows that are parted; None for a regression.
    """
    if folds is None or labels is None:
        return
    counts = np.unique(labels, return_counts=True)[1].tolist()
    if max(counts) < folds:
        raise ValueError(
            f"--folds: {folds} was given, but no class has more than {max(counts)} rows, so each is missing in some "
            f"folds. Mend: at most {max(2, min(counts))}"
        )
    if min(counts) < folds:
        rows = f"{min(counts)} row{'s' * (min(counts) != 1)}"
        click.echo(f"note: the smallest class has {rows}, fewer than --folds {folds}: it is missing in some", err=True)
