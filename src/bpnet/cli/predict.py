"""`bpnet predict MODEL DATA`."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

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
        require_another_file(output, MODEL=model, DATA=data)
        from bpnet.formats.atomic import write_with
        from bpnet.tables import TableError
        from bpnet.tables.stream_training import parts

        chosen = table_model(model, backend)
        if proba and chosen.task == "regression":
            raise TableError(f"--proba: {chosen.preprocessing.target.name!r} is a number, which has no classes")
        unknown = Unknown()
        tables = _tables(chosen, parts(data, chosen.preprocessing.texts, share=0), proba, keep, unknown)
        if output is None:
            for written in _lines(tables):
                click.echo(written, nl=False)
            unknown.tell()
        else:
            rows = 0

            def fill(file: BinaryIO) -> None:
                nonlocal rows
                rows = _write(tables, output, file)

            write_with(output, fill)
            unknown.tell()
            click.echo(f"wrote {output}: {rows:,} rows", err=True)


def require_another_file(output: Path | None, **given: Path) -> None:
    """ValueError where `output` is one of the files that are read, by whatever name or link."""
    for name, path in given.items():
        if output is not None and output.exists() and path.exists() and output.samefile(path):
            raise ValueError(f"--output: {str(output)!r} is {name}, and would be overwritten. Mend: another name")


class Unknown:
    """Categories that the model cannot tell apart: they were rare in training, or not there."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._shown: dict[str, list[str]] = {}

    def add(self, model: Any, frame: Any) -> None:
        """Those of a frame."""
        from bpnet.tables.frames import column_of
        from bpnet.tables.kinds import values_as

        for column in model.preprocessing.columns:
            if column.kind == "category":
                values = values_as(column.name, column_of(frame, column.name), column.kind).values
                known = {*column.categories, None}
                others = [value for value in values.to_pylist() if value not in known]
                if others:
                    self._rows[column.name] += len(others)
                    before = self._shown.get(column.name, [])
                    self._shown[column.name] = list(dict.fromkeys([*before, *others]))[:3]

    def tell(self) -> None:
        """On standard error, a line a column."""
        for name, rows in self._rows.items():
            shown = ", ".join(repr(value[:40]) for value in self._shown[name])
            told = f"were rare in training, or not there ({shown}); they are taken for any other"
            click.echo(f"note: column {name!r}: the categories of {rows:,} rows {told}", err=True)


def _tables(model: Any, frames: Iterable[Any], proba: bool, keep: bool, unknown: Unknown) -> Iterator[Any]:
    """What is written of each frame, as a table of Arrow."""
    for frame in frames:
        native = frame.to_arrow()
        given = dict(zip(frame.columns, native.columns, strict=True)) if keep else {}
        yield _table(given, _said(model, frame, proba))
        unknown.add(model, frame)


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


def _lines(tables: Iterator[Any]) -> Iterator[bytes]:
    """The tables, which have the same columns, as text with a first line of names."""
    from pyarrow import csv

    buffer, first = io.BytesIO(), True
    for table in tables:
        csv.write_csv(table, buffer, _text(",", header=first))
        yield buffer.getvalue()
        buffer, first = io.BytesIO(), False


def _write(tables: Iterator[Any], output: Path, file: BinaryIO) -> int:
    """The tables, one after another, as a file of the kind that `output` names; the number of rows."""
    from pyarrow import csv, parquet

    first = next(tables)
    if output.name.lower().endswith(".parquet"):
        writer: Any = parquet.ParquetWriter(file, first.schema)
    else:
        tab = output.name.lower().endswith(".tsv")
        writer = csv.CSVWriter(file, first.schema, write_options=_text("\t" if tab else ","))
    rows = 0
    with writer:
        for table in chain([first], tables):
            writer.write_table(table)
            rows += len(table)
    return rows


def _text(separator: str, *, header: bool = True) -> Any:
    from pyarrow import csv

    return csv.WriteOptions(include_header=header, delimiter=separator, quoting_style="needed", quoting_header="needed")
