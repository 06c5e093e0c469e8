"""`bpnet search DATA`: the best candidate becomes a model as `bpnet train DATA` makes it, with its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from bpnet.backend import Backend
from bpnet.cli.outcomes import details, lines
from bpnet.cli.search_options import RANGES, Asked, different, folds_for, sizes_for, whole_numbers
from bpnet.cli.table_data import InMemory
from bpnet.cli.table_training import TableRun
from bpnet.data.split import parts_of
from bpnet.ensembles.ranking import ranking
from bpnet.ensembles.searching import Found, Search
from bpnet.ensembles.space import Space
from bpnet.formats.atomic import write_bytes
from bpnet.formats.container import Content
from bpnet.nn.lbfgs import LBFGS
from bpnet.nn.optimizers import optimizer as optimizer_named
from bpnet.tables import TableModel
from bpnet.tables.frames import column_of
from bpnet.tables.model import labels_to_split_by
from bpnet.tables.searching import DROPPED, TableSource, groups_of


class TableSearch:
    """The rows of a file; those to test on are no part of the search."""

    def __init__(self, path: Path, asked: Asked, on: Backend, dtype: str, given: Mapping[str, Any]) -> None:
        optimizer = optimizer_named(given["optimizer"])
        if isinstance(optimizer, LBFGS):
            raise ValueError(
                "--optimizer: 'lbfgs' was given, expected one that learns from batches. Mend: adam, sgd, …"
            )
        hidden = [units_of(text) for text in given["hidden"] or ("128,64",)]
        names = given["activation"]
        activation = [None] if names is None else [name.strip() for name in names.split(",")]
        different("--hidden", hidden)
        different("--activation", activation)
        if () in hidden:
            _require_hidden(asked, activation)
        different("--batch-size", asked.batch_sizes or ())
        test: float = given["test"]
        if asked.validation + test >= 1:
            raise ValueError(
                f"--validation and --test: {asked.validation:g} and {test:g} leave nothing to learn from. Mend: less"
            )
        self.path, self.seed = path, asked.seed
        self.data = InMemory.of(path, given["target"], given["task"], asked.validation, test, asked.seed)
        if given["class_weight"] is not None and self.data.task == "regression":
            raise ValueError(
                f"--class-weight: it was given, but the target {self.data.name!r} is a number, which has no classes"
            )
        parts = [(self.data.training, self.data.held_out)]
        kept, sizes = np.sort(np.concatenate(parts[0])), self.data.sizes
        told = f"{len(kept):,} rows in {asked.folds} folds, {sizes.test:,} to test on" if asked.folds else str(sizes)
        if asked.folds:
            labels = labels_to_split_by(column_of(self.data.frame, self.data.name), self.data.name, self.data.task)
            parts = parts_of(kept, asked.validation, asked.folds, asked.seed, labels)
            folds_for(asked.folds, None if labels is None else labels[kept])
        rows = len(parts[0][0])
        sizes_for(asked.batch_sizes or (), rows)
        others = optimizer, DROPPED if "dropout" in asked.ranges else 0.0, given["batch_norm"], given["class_weight"]
        groups, settings = groups_of(hidden, activation, asked.batch_sizes or (None,), rows, *others)
        where = {"backend": on, "dtype": dtype, "seed": asked.seed}
        self.source = TableSource(self.data.frame, self.data.name, self.data.task, parts, settings, where)
        self.search = Search(
            Space(groups, asked.ranges), self.source, asked.models, asked.epochs or settings[0].epochs_for(rows),
            lambda one: ranking(one, asked.rank_by, "--rank-by"), asked.seed, asked.refit, RANGES["dropout"],
        )  # fmt: skip
        if self.search.refit:
            self.data = replace(self.data, training=kept, held_out=kept[:0])
        self.title = f"{self.data.seen.describe()}\n{told}"

    def tell(self, found: Found) -> None:
        """The winner on the rows of each part."""
        self.model = TableModel(found.model, self.source.of_winner())
        found.model.history = found.history
        for note in self.model.preprocessing.notes:
            if note not in self.data.seen.notes:
                click.echo(f"note: {note}")
        self.outcomes, self.without = self.data.outcomes(self.model)
        click.echo(lines({**self.outcomes, "no network": self.without}))
        first, outcome = next(iter(self.outcomes.items()))
        click.echo(f"on the {first} rows:\n{details(outcome)}")

    def content(self, found: Found, command: str) -> Content:
        """Of the winner's file."""
        content = found.model.content(command=command)
        return Content("table", content.arrays, content.facts | {"table": self.model.preprocessing.facts()})

    def report(self, found: Found, content: Content, saved: Path, plot: bool | None) -> Path | None:
        """The report of the winner, beside its file."""
        from bpnet.cli.table_report import report_of
        from bpnet.report import html

        facts = content.facts["provenance"]
        run = TableRun(
            self.path, len(self.data.seen.summary.kinds) + 1, self.model, self.data.seen, self.data.sizes,
            self.outcomes, self.without, found.best.epoch - 1, found.seconds, self.seed, facts["command"], facts,
        )  # fmt: skip
        page = saved.with_name("report.html")
        write_bytes(page, html(report_of(run, saved), pictures=plot is not False).encode())
        return page


def _require_hidden(asked: Asked, activation: list[str | None]) -> None:
    """ValueError where something is searched that a network without a hidden layer, `--hidden 0`, does not have."""
    for option, searched in (("--dropout", "dropout" in asked.ranges), ("--activation", len(activation) > 1)):
        if searched:
            raise ValueError(
                f"--hidden: 0 was given with {option}, but a network without a hidden layer has nothing for it. Mend: "
                f"leave --hidden 0 out, or {option}"
            )


def units_of(text: str) -> tuple[int, ...]:
    """`128,64` as (128, 64); 0 is no hidden layer."""
    units = whole_numbers("--hidden", text, least=0)
    if units == (0,):
        return ()
    return whole_numbers("--hidden", text)
