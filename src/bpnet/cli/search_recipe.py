"""`bpnet search RECIPE`: the rows that judge the candidates are of the recipe's training part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from bpnet.backend import Backend
from bpnet.callbacks.progress import describe
from bpnet.cli.search_options import RANGES, Asked, different, folds_for, sizes_for
from bpnet.data.split import parts_of
from bpnet.ensembles.random_search import OfArrays, classes_in
from bpnet.ensembles.ranking import ranking
from bpnet.ensembles.searching import Found, Search
from bpnet.ensembles.space import Space
from bpnet.formats.container import Content
from bpnet.recipes import RECIPES, Options, recipe


class RecipeSearch:
    """A recipe's network and rows."""

    def __init__(self, name: str, asked: Asked, on: Backend, dtype: str, data: str | None) -> None:
        module = recipe(name)
        if not hasattr(module, "held_out"):
            able = ", ".join(one for one in RECIPES if hasattr(recipe(one), "held_out"))
            raise ValueError(
                f"{name}: it has no rows that are held out of arrays to train on, so nothing would say which candidate "
                f"is good. Mend: {able}, or a table"
            )
        self.options = Options(on, dtype, asked.epochs, seed=asked.seed, data=data)
        self._module = module
        model, x, y = module.problem(self.options)
        sizes = asked.batch_sizes or (getattr(module, "BATCH_SIZE", len(x)),)
        different("--batch-size", sizes)
        labels = classes_in(y)
        parts = parts_of(np.arange(len(x)), asked.validation, asked.folds, asked.seed, labels)
        folds_for(asked.folds, labels)
        sizes_for(asked.batch_sizes or (), len(parts[0][0]))
        source = OfArrays([(model, size) for size in sizes], x, y, None, parts)
        space = Space([{"batch_size": size} for size in sizes], asked.ranges)
        self.search = Search(
            space, source, asked.models, asked.epochs or module.EPOCHS,
            lambda one: ranking(one, asked.rank_by, "--rank-by"), asked.seed, asked.refit, RANGES["dropout"],
        )  # fmt: skip
        rows = f"{asked.folds} folds" if asked.folds else f"{len(parts[0][1]):,} of them judge"
        self.title = f"{name}: {module.__doc__.splitlines()[0]}\n{len(x):,} rows to learn from, {rows}"

    def tell(self, found: Found) -> None:
        """The winner on the rows that the recipe holds out."""
        x, y = self._module.held_out(self.options)
        figures = found.model.evaluate(x, y, return_dict=True)
        click.echo(f"on {len(x):,} rows that no candidate has seen: {describe(figures)}")

    def content(self, found: Found, command: str) -> Any:
        """Of the winner's file."""
        return found.model.content(command=command)

    def report(self, found: Found, content: Content, saved: Path, plot: bool | None) -> Path | None:
        """There is none."""
        return None
