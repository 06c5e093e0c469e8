"""From a frame to what the network takes in and learns, learned from the training part alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bpnet.tables import target as targets
from bpnet.tables.columns import Column, column_from, fit_column
from bpnet.tables.error import TableError
from bpnet.tables.frames import as_frame, column_of, named
from bpnet.tables.kinds import Values, values_as, values_of
from bpnet.tables.survey import Survey, survey
from bpnet.tables.target import Target


@dataclass(frozen=True)
class Preprocessing:
    """What was learned of each feature (`columns`) and of the `target`; `notes` say what was left out, and why."""

    columns: tuple[Column, ...]
    target: Target
    notes: tuple[str, ...] = ()
    summary: Survey = field(default_factory=Survey)
    """What the whole table looked like."""

    @classmethod
    def fit(cls, data: Any, target: str | int, *, task: str | None = None, rows: Any = None) -> Preprocessing:
        """Learn from the `rows` (numbers from 0; all by default) of `data` that are for training.

        What kind of values a column has, and the target's task and classes, are read off all rows; means, deviations,
        medians and categories off the training part.
        """
        frame = as_frame(data)
        if len(frame) < 2:
            raise TableError(f"table: {len(frame)} rows came, expected 2 or more")
        name = named(frame, target)
        column = column_of(frame, name)
        goal = targets.infer(name, column, task)
        rows = np.arange(len(frame)) if rows is None else np.asarray(rows)
        if goal.task == "regression":
            goal = targets.fit(goal, goal.numbers(column)[rows])
        found = {other: values_of(other, column_of(frame, other)) for other in frame.columns if other != name}
        kept, notes = _fit_columns(found, rows)
        if not kept:
            raise TableError(
                "table: no column is left to predict from, expected at least one. "
                + "; ".join(notes or ["there is none"])
            )
        return cls(tuple(kept), goal, tuple(notes), survey(goal, column, found, kept))

    def with_target(self, target: Target) -> Preprocessing:
        """The same but for the target."""
        return replace(self, target=target)

    def transform(self, data: Any) -> Any:
        """What the network takes in: an array (N, `numbers`), or a dictionary by `input_names` where there are tables.

        Columns may come in any order, and others beside them. TableError names those that are missing.
        """
        frame = as_frame(data, self.texts)
        absent = [column.name for column in self.columns if column.name not in frame.columns]
        if absent:
            raise TableError(
                f"table: the column{'s' if len(absent) > 1 else ''} {', '.join(map(repr, absent))} "
                f"{'are' if len(absent) > 1 else 'is'} missing, expected {len(self.columns)} as in training. "
                f"Columns: {', '.join(frame.columns[:20])}"
            )
        parts = {
            column.name: column.encode(values_as(column.name, column_of(frame, column.name), column.kind).values)
            for column in self.columns
        }
        numbers = [parts[column.name] for column in self.columns if not column.embedded]
        x = {"numbers": np.concatenate(numbers, axis=1)} if numbers else {}
        x |= {input_name(column): parts[column.name] for column in self.embedded}
        return x if self.embedded else x["numbers"]

    def transform_target(self, data: Any) -> np.ndarray:
        """What the network learns, (N,): scaled numbers, or the classes' numbers."""
        frame = as_frame(data, self.texts)
        return self.target.encode(column_of(frame, named(frame, self.target.name)))

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns, the target among them, that were text: so they are to be read from a file of rows to predict."""
        names = [column.name for column in self.columns if column.kind == "category"]
        if any(isinstance(one, str) for one in self.target.classes):
            names.append(self.target.name)
        return tuple(names)

    @property
    def embedded(self) -> list[Any]:
        """The columns that have a table of vectors."""
        return [column for column in self.columns if column.embedded]

    @property
    def numbers(self) -> int:
        """How many numbers a row becomes, beside those of categories that have a table."""
        return sum(column.width for column in self.columns if not column.embedded)

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        """The shapes of what `transform` gives, for a row."""
        numbers: list[tuple[int, ...]] = [(self.numbers,)] if self.numbers else []
        return [*numbers, *((1,) for _ in self.embedded)]

    def describe(self) -> str:
        """The summary of the data as text: rows, columns, kinds, missing values, the target's distribution, notes."""
        return self.summary.text(self.columns, self.target, self.notes)

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "columns": [column.facts() for column in self.columns],
            "target": self.target.facts(),
            "notes": list(self.notes),
            "summary": self.summary.facts(),
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Preprocessing:
        """The inverse of `facts`."""
        columns = tuple(column_from(column) for column in facts["columns"])
        return cls(columns, Target.of(facts["target"]), tuple(facts["notes"]), Survey.of(facts["summary"]))


def input_name(column: Column) -> str:
    """What the network's input for a category's numbers is called."""
    return f"category {column.name}"


def _fit_columns(found: Mapping[str, Values], rows: np.ndarray) -> tuple[list[Column], list[str]]:
    kept: list[Column] = []
    notes: list[str] = []
    counting = [name for name, values in found.items() if _counts_rows(values)]
    for name, values in found.items():
        if name in counting and len(found) > len(counting):
            notes.append(f"column {name!r} counts the rows; it is left out")
            continue
        column, note = fit_column(name, values.take(rows))
        notes += [said for said in (values.note if values.kind != "unknown" else "", note) if said]
        if column is not None:
            kept.append(column)
    return kept, notes


def _counts_rows(found: Values) -> bool:
    """Is it 0, 1, 2, … or 1, 2, 3, … over twenty rows or more, as an index is?"""
    values: Sequence[float] | np.ndarray = found.values
    if found.kind != "number" or len(values) < 20 or values[0] not in (0.0, 1.0):
        return False
    return bool((np.diff(values) == 1.0).all())
