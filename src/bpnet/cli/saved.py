"""A saved model and a table for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bpnet.cli.options import chosen_backend
from bpnet.formats import container
from bpnet.formats.container import CheckpointError

FILE = click.Path(path_type=Path)


def model_and_data(command: Callable[..., Any]) -> Callable[..., Any]:
    """MODEL, DATA and --backend."""
    decorators = [
        click.argument("model", metavar="MODEL", type=FILE),
        click.argument("data", metavar="DATA", type=FILE),
        click.option("--backend", metavar="SPEC", help="numba, numpy, cupy, …; default: BPNET_BACKEND or auto."),
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def table_model(path: Path, backend: str | None) -> Any:
    """The model of a file that `bpnet train DATA` wrote. CheckpointError where it is none."""
    from bpnet.loading import load_model

    content = container.read(path)
    if "table" not in content.facts:
        raise CheckpointError(
            f"path: {str(path)!r} holds a network without the preprocessing of a table, expected a model that `bpnet "
            f"train DATA` wrote. Mend: in Python, bpnet.load_model({str(path)!r}).predict(array)"
        )
    on, _ = chosen_backend(backend, None)
    return load_model(path, backend=on)
