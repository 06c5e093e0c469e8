"""`bpnet profile RECIPE`."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import click

from bpnet.backend import Backend, make
from bpnet.cli.options import chosen_backend, one_line_errors, run_options
from bpnet.peak import COPIES, SIDES, Peak, measure
from bpnet.profiling.profile import profile as profiled
from bpnet.profiling.table import table
from bpnet.profiling.trace import trace as traced
from bpnet.recipes import RECIPES, Options, recipe

SECONDS = 0.1
"""For each measurement of the machine's peak."""


@click.command()
@run_options
@click.option("--batch-size", type=click.IntRange(min=1), help="Samples a step; default: the recipe's.")
@click.option("--repeats", type=click.IntRange(min=1), default=10, show_default=True, help="Times a part is timed.")
@click.option(
    "--trace", metavar="FILE", type=click.Path(path_type=Path), help="Write the parts for chrome://tracing or Perfetto."
)
def profile(
    recipe_name: str,
    backend: str | None,
    dtype: str | None,
    seed: int,
    sizes: tuple[int, ...] | None,
    data: str | None,
    batch_size: int | None,
    repeats: int,
    trace: Path | None,
) -> None:
    """Take RECIPE's training step apart: the time, bytes and FLOP of each part, and its share of the machine's peak."""
    with one_line_errors():
        module = _trains_by_steps(recipe_name)
        if trace is not None:
            _require_writable(trace)
        on, float_type = chosen_backend(backend, dtype)
        options = Options(on, float_type, batch_size=batch_size, seed=seed, sizes=sizes, data=data)
        model, x, y = module.problem(options)
        usual: int = getattr(module, "BATCH_SIZE", len(x))
        size = batch_size or usual
        title = f"{recipe_name}, one training step, batch {size}: {on.name}, {on.device}, {float_type}"
        click.echo(title)
        found = profiled(model, x, y, size, _peak(on, float_type), repeats)
        click.echo(table(found))
        if trace is not None:
            trace.write_text(traced(found, title), encoding="utf-8")
            click.echo(f"wrote {trace}")


def _trains_by_steps(name: str) -> Any:
    """The recipe's module; ValueError, which names the others, where it trains no network."""
    module = recipe(name)
    if not hasattr(module, "problem"):
        others = ", ".join(each for each in RECIPES if hasattr(recipe(each), "problem"))
        raise ValueError(f"recipe: {name!r} trains no network step by step. Mend: profile one of {others}")
    return module


def _peak(backend: Backend, dtype: str) -> Peak:
    """Of the device; of the CPU as NumPy has it, on all threads that the backends may use."""
    if backend.device != "CPU":
        return measure(backend, SIDES["gpu"], COPIES, seconds=SECONDS, dtype=dtype)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = int(os.environ.get("BPNET_THREADS") or usable)
    return measure(make("numpy"), SIDES["cpu"], COPIES, seconds=SECONDS, threads=threads, dtype=dtype)


def _require_writable(path: Path) -> None:
    """Before anything is measured, not after."""
    try:
        if path.is_dir():
            raise IsADirectoryError("it is a folder")
        if path.exists():
            path.open("a").close()
        else:
            with TemporaryFile(dir=path.parent):
                pass
    except OSError as error:
        raise ValueError(f"--trace: cannot write to {str(path)!r} ({error}). Mend: name another file") from error
