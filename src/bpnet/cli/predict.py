"""`bpnet predict MODEL DATA`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import click
import numpy as np

from bpnet.cli.options import one_line_errors
from bpnet.cli.saved import FILE, model_and_data, table_model

ENDINGS = (".csv", ".tsv", ".parquet")


@click.command()
@model_and_data
@click.option("-o", "--output", metavar="FILE", type=FILE, help=".csv, .tsv or .parquet; default: standard output.")
@click.option("--proba", is_flag=True, help="A column for each class, with its probability.")
@click.option("--keep", is_flag=True, help="Write the columns of DATA before the prediction.")
def predict(model: Path, data: Path, backend: str | None, output: Path | None, proba: bool, keep: bool) -> None:
    """Write a line with the column `prediction` for each row of DATA, whose columns may come in any order.

    MODEL is a file that `bpnet train DATA` wrote. The target need not be known. The file is written whole or not at
    all. Exit code 2: a file cannot be used.
    """
    with one_line_errors():
        if output is not None and not output.name.lower().endswith(ENDINGS):
            raise ValueError(f"--output: {str(output)!r} was given, expected a name that ends in {', '.join(ENDINGS)}")
        from bpnet.formats.atomic import write_bytes
        from bpnet.tables import TableError, read_table

        chosen = table_model(model, backend)
        if proba and chosen.task == "regression":
            raise TableError(f"--proba: {chosen.preprocessing.target.name!r} is a number, which has no classes")
        frame: Any = read_table(data)
        native = frame.to_arrow()
        given = dict(zip(frame.columns, native.columns, strict=True)) if keep else {}
        table = _table(given, _said(chosen, frame, proba))
        written = _bytes(table, output)
        for note in _unknown(chosen, frame):
            click.echo(f"note: {note}", err=True)
        if output is None:
            click.echo(written, nl=False)
        else:
            write_bytes(output, written)
            click.echo(f"wrote {output}: {len(frame):,} rows", err=True)


def _said(model: Any, frame: Any, proba: bool) -> dict[str, np.ndarray]:
    """The columns that the model adds."""
    if not proba:
        return {"prediction": model.predict(frame)}
    classes = model.preprocessing.target.classes
    chances = model.predict_proba(frame)
    likeliest = np.array(classes)[chances.argmax(axis=1)]
    return {"prediction": likeliest} | {f"probability of {name}": chances[:, k] for k, name in enumerate(classes)}


def _unknown(model: Any, frame: Any) -> list[str]:
    """Categories that the model cannot tell apart: they were rare in training, or not there."""
    from bpnet.tables.frames import column_of
    from bpnet.tables.kinds import values_as

    notes = []
    for column in model.preprocessing.columns:
        if column.kind == "category":
            values = values_as(column.name, column_of(frame, column.name), column.kind).values
            known = {*column.categories, None}
            others = [value for value in values.to_pylist() if value not in known]
            if others:
                shown = ", ".join(repr(value[:40]) for value in list(dict.fromkeys(others))[:3])
                told = f"were rare in training, or not there ({shown}); they are taken for any other"
                notes.append(f"column {column.name!r}: the categories of {len(others):,} rows {told}")
    return notes


def _table(given: dict[str, Any], said: dict[str, np.ndarray]) -> Any:
    """A table of Arrow; ValueError where a column of the data has the name of one that is added."""
    import pyarrow

    taken = [name for name in said if name in given]
    if taken:
        raise ValueError(f"--keep: the data have a column {taken[0]!r} already. Mend: rename it, or leave --keep out")
    return pyarrow.table(given | {name: pyarrow.array(values) for name, values in said.items()})


def _bytes(table: Any, output: Path | None) -> bytes:
    """The table as a file."""
    from pyarrow import csv, parquet

    buffer = io.BytesIO()
    if output is not None and output.name.lower().endswith(".parquet"):
        parquet.write_table(table, buffer)
    else:
        tab = output is not None and output.name.lower().endswith(".tsv")
        options = csv.WriteOptions(delimiter="\t" if tab else ",", quoting_style="needed", quoting_header="needed")
        csv.write_csv(table, buffer, options)
    return buffer.getvalue()
