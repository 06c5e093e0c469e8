"""Every measurement is made in a process of its own, whose threads are bounded from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TextIO

from bpnet_benchmarks.disturbance import Disturbance
from bpnet_benchmarks.job import Job

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "BPNET_THREADS",
)

PATIENCE = 300.0
"""Seconds that a process may take on top of ten times what it is to measure for."""

LAST_LINES = 12
"""Of the standard error of a process that failed."""


class ChildFailedError(RuntimeError):
    """A process ended with an error or not at all; the message has the end of what it wrote."""


def result_stream() -> TextIO:
    """What was standard output; from here on all that is printed goes to standard error, for libraries print too."""
    result = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(result, "w", encoding="utf-8")


def environment(threads: int) -> dict[str, str]:
    """This process's environment, with the number of threads bounded in every pool that reads a variable."""
    return {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}


def run_job(job: Job) -> Mapping[str, Any]:
    """What `bpnet_benchmarks.child` tells of the job, and `others`, the cores that other programs used meanwhile.

    ChildFailedError: it crashed or took too long.
    """
    command = [sys.executable, "-m", "bpnet_benchmarks.child"]
    job = replace(job, started=time.time())
    disturbance = Disturbance()
    figures = run_json([*command, job.to_json()], job.threads, PATIENCE + 10 * job.seconds)
    return {**figures, "others": disturbance.cores()}


def run_json(command: list[str], threads: int, limit: float) -> Mapping[str, Any]:
    """The JSON that `command` prints."""
    try:
        done = subprocess.run(
            command, env=environment(threads), capture_output=True, text=True, check=False, timeout=limit
        )
    except subprocess.TimeoutExpired as error:
        raise ChildFailedError(f"it did not end within {limit:.0f} s") from error
    if done.returncode != 0:
        end = "\n".join(done.stderr.rstrip().splitlines()[-LAST_LINES:])
        raise ChildFailedError(
            f"it ended with code {done.returncode}: {end or 'nothing was written to standard error'}"
        )
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found
