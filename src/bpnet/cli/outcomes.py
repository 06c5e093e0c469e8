"""What a table model does on the rows of a frame, as the report and the commands show it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from bpnet.report import Classification, Outcome, Regression
from bpnet.report.outcome import in_words
from bpnet.tables import TableModel
from bpnet.tables.frames import column_of, named

WRONG = 2.0


def outcome_of(model: TableModel, frames: Iterable[Any]) -> Outcome:
    """The predictions for all rows of frames, beside their target's column. TableError where one is missing."""
    target = model.preprocessing.target
    regression = target.task == "regression"
    truth, said = [], []
    for frame in frames:
        column = column_of(frame, named(frame, target.name))
        truth.append(target.numbers(column) if regression else target.labels(column))
        said.append(np.asarray(model.predict(frame) if regression else model.predict_proba(frame)))
    true, found = np.concatenate(truth), np.concatenate(said)
    if regression:
        return Regression(target.name, true, found)
    return Classification(target.name, [str(one) for one in target.classes], true, found)


def part_of(outcome: Outcome, rows: np.ndarray) -> Outcome:
    """The same of some rows."""
    if isinstance(outcome, Regression):
        return Regression(outcome.target, outcome.true[rows], outcome.predicted[rows])
    return Classification(outcome.target, outcome.classes, outcome.true[rows], outcome.probabilities[rows])


def without_network(outcome: Outcome, learned: Outcome) -> Outcome:
    """What the mean, or the most frequent class, of the rows `learned` from would do on the rows of `outcome`."""
    if isinstance(outcome, Regression):
        assert isinstance(learned, Regression)
        return outcome.baseline(float(learned.true.mean()))
    counts = np.bincount(learned.true, minlength=len(outcome.classes))
    return outcome.baseline([float(share) for share in counts / counts.sum()])


def gone_wrong(outcome: Outcome, without: Outcome) -> str:
    """What says that the network does more harm than chance could: an error of WRONG times that without it."""
    name = "root mean squared error" if isinstance(outcome, Regression) else "log loss"
    ours, theirs = outcome.figures[name], without.figures[name]
    if not theirs or ours < WRONG * theirs:
        return ""
    return f"its {name} is {ours:.4g}, and {theirs:.4g} without a network"


def lines(parts: dict[str, Outcome]) -> str:
    """A table: a row a figure, a column a part of the data."""
    said = {name: {"rows": f"{len(part):,}", **in_words(part.figures)} for name, part in parts.items()}
    first = next(iter(said.values()))
    head = max(map(len, first))
    widths = {name: max(map(len, [name, *each.values()])) for name, each in said.items()}
    rows = ["  ".join([" " * head, *(name.rjust(widths[name]) for name in said)])]
    rows += ["  ".join([key.ljust(head), *(each[key].rjust(widths[name]) for name, each in said.items())])
             for key in first]  # fmt: skip
    return "\n".join(rows)


def details(outcome: Outcome, most: int = 12) -> str:
    """The spread of the errors, or the confusion matrix; of more than `most` classes the most frequent mistakes."""
    if isinstance(outcome, Regression):
        said = ", ".join(f"{name} {value}" for name, value in in_words(outcome.residuals).items())
        return f"errors, predicted - true: {said}"
    if len(outcome.classes) > most:
        mistakes = [f"  {true} taken for {taken}: {count:,}" for true, taken, count in outcome.mistakes()]
        return "\n".join(["the most frequent mistakes:", *mistakes])
    names = [name if len(name) <= 16 else name[:15] + "…" for name in outcome.classes]
    cells = [[f"{count:,}" for count in row] for row in outcome.counts.tolist()]
    widths = [max(map(len, [name, *column])) for name, column in zip(names, zip(*cells, strict=True), strict=True)]
    first = max(map(len, ["true \\ predicted", *names]))
    rows = [["true \\ predicted", *names], *([name, *row] for name, row in zip(names, cells, strict=True))]
    return "\n".join(
        "  ".join([row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], widths, strict=True))])
        for row in rows
    )
