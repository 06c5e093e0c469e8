"""What the report of a run on a table says."""

from __future__ import annotations

import shlex
from pathlib import Path

from bpnet.cli.table_training import TableRun
from bpnet.report import Column, Report
from bpnet.report.outcome import number
from bpnet.summary import table
from bpnet.tables.network import LOSSES

CATEGORIES = 6
"""So many are named."""

JUDGED_ON = {
    "test": "The figures in front are of {rows:,} test rows, which neither training nor early stopping has seen.",
    "validation": "The figures in front are of {rows:,} validation rows: the weights were not learned from them, but "
    "early stopping chose the epoch by them, so they flatter a little.",
    "training": "The figures in front are of the {rows:,} rows that it learned from: they do not say how good it is on "
    "others.",
    "training sample": "The figures in front are of {rows:,} of the rows that it learned from: they do not say how "
    "good it is on others.",
}


def report_of(run: TableRun, saved: Path) -> Report:
    """The report; `saved` is the model's file."""
    target = run.model.preprocessing.target
    first, outcome = next(iter(run.outcomes.items()))
    features, learned = len(run.model.preprocessing.columns), run.rows.training
    history = run.model.history
    assert history is not None
    scale = "the logarithm of the target, standardised" if target.log else "the standardised target"
    loss = LOSSES[target.task].replace("mse", "mean squared error").replace("_", " ").replace("crossen", "cross-en")
    other, model = f"other{''.join(run.path.suffixes)}", shlex.quote(str(saved))
    return Report(
        title=f"{target.name}, predicted from {run.path.name}",
        lead=f"A network learned {target.name} ({target.task}) from {features} column{'s' * (features != 1)} of "
        f"{learned:,} rows. {JUDGED_ON[first].format(rows=len(outcome))}",
        parts=run.outcomes,
        without=run.without,
        notes=[*(["The run was interrupted: this is how far it came."] if history.interrupted else []),
               *run.model.preprocessing.notes],
        made=_made(run),
        columns=[*_columns(run), _target(run)],
        history=history.history,
        epochs=history.epoch,
        kept=run.kept,
        loss=f"{loss} of {scale}" if target.task == "regression" else loss,
        network=table(run.model.model.network),
        commands={
            "Predict the rows of another file:": f"bpnet predict {model} {shlex.quote(other)} -o predictions.csv",
            "See how good it is on rows whose target is known:": f"bpnet evaluate {model} {shlex.quote(other)}",
            "In Python:": f"import bpnet\nmodel = bpnet.load_model({str(saved)!r})\nmodel.predict({other!r})",
        },
    )  # fmt: skip


def _made(run: TableRun) -> dict[str, str]:
    rows = run.rows
    facts = run.provenance
    return {
        "data": f"{run.path}, {run.seen.summary.rows:,} rows, {run.columns} columns",
        "rows to learn from": f"{rows.training:,}",
        "rows to validate on": f"{rows.validation:,}",
        "rows to test on": f"{rows.test:,}",
        "seed": str(run.seed),
        "command": run.command,
        "training took": f"{run.seconds:.1f} s",
        "backend": f"{facts['backend']}, {facts['device']}, {run.model.model.dtype}",
        "versions": f"bpnet {facts['bpnet']}, Python {facts['python']}, NumPy {facts['numpy']}",
        "time": str(facts["time"]),
    }


def _columns(run: TableRun) -> list[Column]:
    used = {column.name: column for column in run.model.preprocessing.columns}
    survey = run.seen.summary
    return [
        Column(name, "input" if name in used else "left out", kind or "empty", survey.missing[name],
               _values(used[name]) if name in used else "")
        for name, kind in survey.kinds.items()
    ]  # fmt: skip


def _values(column: object) -> str:
    """What was learned of it from the training rows."""
    kind = getattr(column, "kind", "")
    if kind == "number":
        return f"mean {number(column.mean)}, standard deviation {number(column.std)}"  # type: ignore[attr-defined]
    if kind == "boolean":
        return "true or false"
    known = [category for category in column.categories if category is not None]  # type: ignore[attr-defined]
    shown = ", ".join(known[:CATEGORIES]) + (", …" if len(known) > CATEGORIES else "")
    vectors = f"; as vectors of {column.dimension}" if column.dimension else ""  # type: ignore[attr-defined]
    return f"{len(known)} categories: {shown}{vectors}"


def _target(run: TableRun) -> Column:
    target, survey = run.model.preprocessing.target, run.seen.summary
    if survey.quantiles:
        low, _, middle, _, high = survey.quantiles
        values = f"{number(low)} to {number(high)}, median {number(middle)}"
    else:
        pairs = zip(run.seen.target.classes, survey.counts, strict=True)
        shares = [f"{name} {count / survey.rows:.1%}" for name, count in pairs]
        values = ", ".join(shares[:CATEGORIES]) + (", …" if len(shares) > CATEGORIES else "")
    return Column(target.name, "target", target.task, 0, values)
