"""A search on a table: what comes before the network is learned from the rows that the candidates learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bpnet.data.arrays import whole_number
from bpnet.data.split import parts_of
from bpnet.ensembles.ranges import range_of
from bpnet.ensembles.ranking import ranking
from bpnet.ensembles.searching import Found, Problem, Search
from bpnet.ensembles.space import Space
from bpnet.tables import target as targets
from bpnet.tables.frames import as_frame, column_of, named
from bpnet.tables.model import TableModel, labels_to_split_by
from bpnet.tables.preprocessing import Preprocessing
from bpnet.tables.settings import Settings
from bpnet.tables.training import Part, as_learned, compiled, part_of, with_better_target

Rows = tuple[np.ndarray, np.ndarray]
"""To learn from, and to measure on."""
DROPPED = 0.5
"""What the layers are made with for which each candidate has a share of its own."""


class TableSource:
    """The problems of a search on the rows of a frame: `parts` of them for each fold, `settings` for each group."""

    def __init__(
        self,
        frame: Any,
        name: str,
        task: str | None,
        parts: Sequence[Rows],
        settings: Sequence[Settings],
        where: Mapping[str, Any],
    ) -> None:
        self._frame, self._name, self._task = frame, name, task
        self._parts, self._settings, self._where = parts, settings, dict(where)
        self._column = column_of(frame, name)
        self._folds: dict[int, tuple[Preprocessing, Part]] = {}
        self._all: Preprocessing | None = None
        self.folds = len(parts)

    def problem(self, group: int, fold: int) -> Problem:
        """What a group's candidates learn from in a fold."""
        preprocessing, every = self._prepared(fold)
        train, held_out = (every.take(rows) for rows in self._parts[fold])
        return self._problem(preprocessing, group, train, held_out)

    def whole(self, group: int) -> Problem:
        """All rows of the folds."""
        rows = np.sort(np.concatenate(self._parts[0]))
        self._all = self._alike(Preprocessing.fit(self._frame, self._name, task=self._task, rows=rows), rows)
        return self._problem(self._all, group, part_of(self._all, self._frame, self._column).take(rows), None)

    def of_winner(self) -> Preprocessing:
        """What belongs before the network of `Found.model`."""
        return self._all or self._prepared(0)[0]

    def _problem(self, preprocessing: Preprocessing, group: int, train: Part, held_out: Part | None) -> Problem:
        settings = self._settings[group]
        data = as_learned(preprocessing, train, settings)
        x, y, *weight = data(train)
        return Problem(
            compiled(preprocessing, settings, self._where), x, y, weight[0] if weight else None,
            None if held_out is None else data(held_out), settings.size_for(len(train)),
        )  # fmt: skip

    def _prepared(self, fold: int) -> tuple[Preprocessing, Part]:
        """The first fold finds out whether the target is learned through its logarithm; the others do as it does."""
        if fold not in self._folds:
            kept, out = self._parts[fold]
            found = Preprocessing.fit(self._frame, self._name, task=self._task, rows=kept)
            if fold:
                found = self._alike(found, kept)
            else:
                every = part_of(found, self._frame, self._column)
                trial = replace(self._settings[0], dropout=0.0)
                found = with_better_target(found, every.take(kept), every.take(out), trial, self._where)
            self._folds[fold] = found, part_of(found, self._frame, self._column)
        return self._folds[fold]

    def _alike(self, found: Preprocessing, rows: np.ndarray) -> Preprocessing:
        if not self._prepared(0)[0].target.log:
            return found
        return found.with_target(targets.fit(found.target, found.target.numbers(self._column)[rows], log=True))


def groups_of(
    hidden: Sequence[Sequence[int]],
    activation: Sequence[str | None],
    batch_sizes: Sequence[int | None],
    rows: int,
    *others: Any,
) -> tuple[list[dict[str, Any]], list[Settings]]:
    """Each architecture with each batch size: how a table names it, and its settings; `others` are those after it.

    `others`: optimizer, dropout, batch_norm, class_weight.
    """
    optimizer, dropout, batch_norm, class_weight = others
    settings = [
        Settings.checked(units, function, optimizer, None, dropout, batch_norm, None, size, False, class_weight)
        for units in hidden
        for function in activation
        for size in batch_sizes
    ]
    named_groups = [
        {
            "hidden": ",".join(map(str, one.hidden)) or "0",
            "activation": one.activation_for(rows),
            "batch_size": one.size_for(rows),
        }
        for one in settings
    ]
    return named_groups, settings


def search_table(
    data: Any,
    target: str | int,
    *,
    task: str | None = None,
    hidden: Sequence[Sequence[int]] = ((128, 64),),
    activation: str | Sequence[str] | None = None,
    optimizer: str = "adam",
    batch_norm: bool = False,
    models: int = 100,
    epochs: int | None = None,
    batch_size: int | Sequence[int] | None = None,
    learning_rate: Any = None,
    l2: Any = None,
    weight_decay: Any = None,
    dropout: Any = None,
    seeds: Any = None,
    validation: float = 0.2,
    folds: int | None = None,
    rank_by: str | None = None,
    refit: bool = False,
    class_weight: Any = None,
    seed: int = 0,
    backend: Any = None,
    dtype: str | None = None,
    verbose: int | str = "auto",
) -> Found:
    """As `bpnet.ensembles.search`, on a table as `TableModel.train` takes it; the `model` it finds is a TableModel.

    hidden, activation and batch_size may be several, to choose from; by default activation, batch size and epochs are
    those of `TableModel.train`. There is no early stopping: the winner has the weights of its best epoch.
    """
    frame = as_frame(data)
    name = named(frame, target)
    given = {"learning_rate": learning_rate, "l2": l2, "weight_decay": weight_decay, "dropout": dropout, "seed": seeds}
    ranges = {one: range_of(one, value) for one, value in given.items() if value is not None}
    ranges.setdefault("seed", range_of("seed", seed))
    labels = labels_to_split_by(column_of(frame, name), name, task)
    every = np.arange(len(frame))
    parts = parts_of(every, validation, folds, seed, labels)
    functions = [activation] if activation is None or isinstance(activation, str) else activation
    sizes = list(batch_size) if isinstance(batch_size, Sequence) else [batch_size]
    others = optimizer, DROPPED if "dropout" in ranges else 0.0, batch_norm, class_weight
    groups, settings = groups_of(hidden, functions, sizes, len(parts[0][0]), *others)
    where = {"backend": backend, "dtype": dtype, "seed": seed}
    source = TableSource(frame, name, task, parts, settings, where)
    length = settings[0].epochs_for(len(parts[0][0])) if epochs is None else whole_number("epochs", epochs)
    count = whole_number("models", models)
    found = Search(Space(groups, ranges), source, count, length, lambda one: ranking(one, rank_by), seed, refit).run(
        verbose
    )
    found.model = TableModel(found.model, source.of_winner())
    return found
