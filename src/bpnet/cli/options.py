"""What the commands share: options of a run, and errors as one line."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from bpnet.backend import Backend, BackendFallbackWarning, float_dtype, load, matrix_precision
from bpnet.training.history import TrainingDivergedError

FAILED, REFUSED = 1, 2
"""Exit codes: a run that failed, and what can be mended by giving something else."""


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """RECIPE, --backend, --dtype, --seed, --sizes and --data."""
    return click.argument("recipe_name", metavar="RECIPE")(options_of_a_run(command))


def options_of_a_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """--backend, --dtype, --seed, --sizes and --data."""
    decorators = [
        click.option(
            "--backend", metavar="SPEC", help="numba, numpy, cupy, torch:cpu, …; default: BPNET_BACKEND or auto."
        ),
        click.option("--dtype", metavar="TYPE", help="float32 or float64; default: BPNET_DTYPE or float32."),
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Weights and order."),
        click.option("--sizes", metavar="N,N,…", callback=_sizes, help="Layer sizes, for xor-any-depth."),
        click.option(
            "--data",
            metavar="PATH",
            help="linear-svm: .npz with x and y. cnn: mnist.npz or a folder of IDX files.",
        ),
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def precision_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """--precision."""
    text = "Of matrix products on a GPU: strict, tf32 or bf16; default: BPNET_PRECISION or strict."
    return click.option("--precision", metavar="TYPE", help=text)(command)


def chosen_backend(spec: str | None, dtype: str | None, precision: str | None = None) -> tuple[Backend, str]:
    """The backend and the float type; a fallback to the CPU is told loudly, on standard error."""
    float_type = float_dtype(dtype)
    matrix_precision(precision, float_type)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BackendFallbackWarning)
        backend = load(spec, precision=precision)
    for warning in caught:
        if issubclass(warning.category, BackendFallbackWarning):
            click.secho(f"WARNING: {warning.message}", fg="yellow", bold=True, err=True)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return backend, float_type


class Refused(click.ClickException):
    """What can be mended by giving something else."""

    exit_code = REFUSED


@contextmanager
def one_line_errors() -> Iterator[None]:
    """One line for what is no fault of bpnet's; anything else keeps its traceback.

    Exit code 2 for what was given and can be mended: an option, a file, a package that is missing. 1 for a run that
    failed: its loss diverged, memory or a device gave out.
    """
    try:
        yield
    except BrokenPipeError:  # whoever reads has read enough, which click knows
        raise
    except (ValueError, ImportError, OSError) as error:
        raise Refused(_line(error)) from error
    except (RuntimeError, MemoryError, TrainingDivergedError) as error:
        raise click.ClickException(_line(error)) from error


def _line(error: BaseException) -> str:
    """Its message and notes, on one line whatever they quote."""
    return " ".join(" ".join([str(error), *getattr(error, "__notes__", [])]).split())


def _sizes(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    try:
        sizes = tuple(int(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} was given, expected whole numbers with commas: 3,5,7,2") from error
    if min(sizes) < 1:
        raise click.BadParameter(f"{value!r} was given, expected sizes of at least 1")
    return sizes
