"""The command `bpnet`. A subcommand's module is imported only when it is asked for, so `--help` is quick."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from typing import Any

import click

from bpnet.distributed.launch import is_one_of_several

SUBCOMMANDS = {
    "train": "Train on a table of your own, or run a recipe.",
    "predict": "Say the target for the rows of a table.",
    "evaluate": "Say how good a model's predictions are.",
    "show": "Show what a saved model or checkpoint is.",
    "recipes": "List the recipes.",
    "gradcheck": "Check a recipe's hand-written derivatives against central differences.",
    "profile": "Take a recipe's training step apart: time, bytes and FLOP of each part.",
    "export": "Write a saved model as an ONNX file.",
    "doctor": "Show which backends run here, and why others do not.",
    "bench": "Time training steps side by side with other libraries.",
}


class Lazy(click.Group):
    """A group whose commands are functions `bpnet.cli.NAME:NAME`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of a first visit."""
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None where there is none of that name."""
        if cmd_name not in SUBCOMMANDS:
            return None
        command: click.Command = getattr(import_module(f"bpnet.cli.{cmd_name}"), cmd_name)
        return command

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """As click has it; but of several processes that were launched together, one alone speaks."""
        run: Any = super().main
        if not standalone_mode or not is_one_of_several():
            return run(*args, standalone_mode=standalone_mode, **extra)
        from bpnet.cli.ranks import as_a_rank

        sys.exit(as_a_rank(partial(run, *args, standalone_mode=False, **extra)))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list for `--help`, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))


@click.group(cls=Lazy)
@click.version_option(package_name="bpnet")
def main() -> None:
    """Networks with hand-written backpropagation: the same numbers on NumPy, CuPy and PyTorch.

    BPNET_BACKEND (auto, numba, numpy, cupy, torch, torch:cuda, …) chooses the backend, BPNET_DTYPE (float32, float64)
    the float type, BPNET_THREADS the threads of the CPU; BPNET_STRICT=1 makes a backend that cannot run an error.
    """
