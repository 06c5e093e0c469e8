"""Processes of one run, started as a user starts them: by torchrun, by mpiexec, or alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bpnet_benchmarks.processes import ChildFailedError, environment

ENGINES = ("gloo", "mpi")


def launcher(engine: str, ranks: int, more: Sequence[str] = ()) -> list[str]:
    """The beginning of the command line, up to the module's name; "" is a process alone."""
    if engine == "":
        return [sys.executable, "-m"]
    if engine == "mpi":
        return [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks), *more, sys.executable, "-m"]
    here = ["--standalone", f"--nproc-per-node={ranks}"] if not any("standalone" in each for each in more) else []
    return [sys.executable, "-m", "torch.distributed.run", *here, *more, "-m"]


def lines(
    command: Sequence[str], threads: int = 1, limit: float = 300.0, more: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The JSON lines that the ranks print. ChildFailedError: it failed, or took too long; nothing is left running."""
    variables = {**environment(threads), **(more or {})}
    process = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired as error:
        raise ChildFailedError(f"it did not end within {limit:.0f} s") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode != 0:
        raise ChildFailedError(f"it ended with code {process.returncode}: {err[-2000:]}")
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]
