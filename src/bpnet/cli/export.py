"""`bpnet export MODEL FILE`."""

from __future__ import annotations

from pathlib import Path

import click

from bpnet.cli.options import one_line_errors


@click.command()
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--dtype", metavar="TYPE", help="float32 or float64; default: the model's own.")
def export(model: Path, file: Path, dtype: str | None) -> None:
    """Write the saved MODEL as an ONNX FILE, preprocessing included where it was trained on a table."""
    from bpnet.loading import load_model

    with one_line_errors():
        if file.exists() and model.exists() and file.samefile(model):
            raise ValueError(f"FILE: {str(file)!r} was given, which is the model itself. Mend: m.onnx, for instance")
        load_model(model, backend="numpy").export(file, dtype=dtype)
        click.echo(f"wrote {file}, {file.stat().st_size:,} bytes")
