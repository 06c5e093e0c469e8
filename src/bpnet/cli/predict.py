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
        frame = read_table(data, chosen.preprocessing.texts)
        native: Any = frame.to_arrow()
        given = dict(zip(frame.columns, native.columns, strict=True)) if keep else {}
        table = _table(given, _said(chosen, frame, proba))
        written = _bytes(table, output)
        if output is None:
            click.get_binary_stream("stdout").write(written)
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
