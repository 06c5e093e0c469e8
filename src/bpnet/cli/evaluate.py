"""`bpnet evaluate MODEL DATA`."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path
from typing import Any

import click

from bpnet.cli.options import one_line_errors
from bpnet.cli.saved import model_and_data, table_model


@click.command()
@model_and_data
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in which null is a figure that cannot be said.")
def evaluate(model: Path, data: Path, backend: str | None, as_json: bool) -> None:
    """Compare MODEL's predictions for the rows of DATA with the target, which has to be in it.

    Figures, and the confusion matrix or how the errors are spread. MODEL is a file that `bpnet train DATA` wrote. Exit
    code 2: a file cannot be used.
    """
    with one_line_errors():
        from bpnet.cli.outcomes import details, lines, outcome_of
        from bpnet.report import Regression
        from bpnet.tables.measures import of_classes, of_numbers
        from bpnet.tables.stream_training import parts

        chosen = table_model(model, backend)
        outcome = outcome_of(chosen, parts(data, chosen.preprocessing.texts, share=0))
        if as_json:
            figures = (
                of_numbers(outcome.true, outcome.predicted)
                if isinstance(outcome, Regression)
                else of_classes(outcome.true, outcome.probabilities)
            )
            target = chosen.preprocessing.target
            facts = {"target": target.name, "task": target.task, "rows": len(outcome), **figures}
            if target.task != "regression":
                facts["classes"] = list(target.classes)
            click.echo(json.dumps({name: _plain(value) for name, value in facts.items()}, ensure_ascii=False))
            return
        click.echo(lines({outcome.target: outcome}))
        click.echo(details(outcome))


def _plain(value: Any) -> Any:
    """JSON has no NaN."""
    return None if isinstance(value, float) and not isfinite(value) else value
