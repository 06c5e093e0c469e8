"""What a run on a table learns from and is judged by: the rows of a frame, or those of a file that is read in parts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bpnet.cli.outcomes import outcome_of, part_of, without_network
from bpnet.report import Outcome
from bpnet.tables import Preprocessing, TableError, TableModel, read_table
from bpnet.tables.frames import as_frame, column_of, named
from bpnet.tables.model import labels_to_split_by
from bpnet.tables.sources import source_of
from bpnet.tables.split import split_rows
from bpnet.tables.stream_training import Looked, look
from bpnet.tables.target import infer


@dataclass(frozen=True)
class Sizes:
    """The rows of each part; there may be none for `validation` and `test`."""

    training: int
    validation: int
    test: int

    def __str__(self) -> str:
        learned, held_out = f"{self.training:,} rows to learn from", f"{self.validation:,} to validate on"
        return f"{learned}, {held_out}, {self.test:,} to test on"


@dataclass(frozen=True)
class InMemory:
    """A frame, and the numbers of the rows of each part."""

    frame: Any
    name: str
    task: str
    training: np.ndarray
    held_out: np.ndarray
    test: np.ndarray
    validation: float
    """The share of the rows that are not for testing."""
    seen: Preprocessing
    """Of the whole table: the summary of the data."""

    @classmethod
    def of(
        cls, path: Path, target: str | None, task: str | None, validation: float, test: float, seed: int
    ) -> InMemory:
        """Read the file, and part its rows as `TableModel.train` will part those that it gets."""
        frame = read_table(path)
        name = _target(frame, target)
        if len(frame) < 4:
            raise TableError(
                f"table: {len(frame)} row{'s' * (len(frame) != 1)} came, expected 4 or more, to learn from, to "
                "validate and to test on"
            )
        goal = infer(name, column_of(frame, name), task)
        labels = labels_to_split_by(column_of(frame, name), name, goal.task)
        kept, out = np.arange(len(frame)), np.arange(0)
        if test:
            kept, out = split_rows(len(frame), test, seed, labels)
        rest, held_out = np.arange(len(kept)), np.arange(0)
        share = validation / (1 - test)
        if validation:
            rest, held_out = split_rows(len(kept), share, seed, None if labels is None else labels[kept])
        seen = Preprocessing.fit(frame, name, task=goal.task, rows=kept[rest])
        return cls(frame, name, goal.task, kept[rest], kept[held_out], out, share, seen)

    @property
    def learned_from(self) -> Any:
        """The rows that training gets."""
        return self.frame[np.sort(np.concatenate([self.training, self.held_out]))]

    @property
    def sizes(self) -> Sizes:
        """Of each part."""
        return Sizes(len(self.training), len(self.held_out), len(self.test))

    def outcomes(self, model: TableModel) -> tuple[dict[str, Outcome], Outcome]:
        """Those of the parts that have rows, the best judge first; and what that part gets without a network."""
        whole = outcome_of(model, [self.frame])
        rows = {"test": self.test, "validation": self.held_out, "training": self.training}
        found = {part: part_of(whole, numbers) for part, numbers in rows.items() if len(numbers)}
        return found, without_network(next(iter(found.values())), part_of(whole, self.training))


@dataclass(frozen=True)
class InParts:
    """A file of which a sample and the held-out rows are in memory."""

    learned_from: Looked
    validation: float

    @classmethod
    def of(
        cls, path: Path, target: str | None, task: str | None, validation: float, seed: int, *, show: bool
    ) -> InParts:
        """Go once over the file."""
        empty = as_frame({name: np.zeros(0) for name in source_of(path).names})
        return cls(look(path, _target(empty, target), task, validation, seed, show), validation)

    @property
    def name(self) -> str:
        """The target's."""
        return self.seen.target.name

    @property
    def task(self) -> str:
        """The target's."""
        return self.seen.target.task

    @property
    def seen(self) -> Preprocessing:
        """The summary of the data."""
        return self.learned_from.preprocessing

    @property
    def sizes(self) -> Sizes:
        """Of each part."""
        out = self.learned_from.held_out
        return Sizes(self.learned_from.rows, 0 if out is None else len(out), 0)

    def outcomes(self, model: TableModel) -> tuple[dict[str, Outcome], Outcome]:
        """Those of the held-out rows, where there are any, and of a sample of the others; and without a network."""
        rows = {"validation": self.learned_from.held_out, "training sample": self.learned_from.sample}
        found = {part: outcome_of(model, [frame]) for part, frame in rows.items() if frame is not None}
        return found, without_network(next(iter(found.values())), found["training sample"])


def _target(frame: Any, target: str | None) -> str:
    if target is None:
        listed = ", ".join(frame.columns[:20]) + (", …" if len(frame.columns) > 20 else "")
        raise TableError(f"--target: nothing was given, expected the column to predict. Columns: {listed}")
    return named(frame, target, "--target")
