"""MPI's start knows no time-out, and no thread of Python runs meanwhile: a process beside this one watches it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bpnet.distributed.launch import Launch

TURN = 2.0
"""Seconds that the ranks leave to the one before them: the launcher ends all as soon as one has ended."""

WATCHES = """
import os, signal, sys, threading

def end():
    print(sys.argv[3], file=sys.stderr, flush=True)
    os.kill(int(sys.argv[1]), getattr(signal, "SIGKILL", signal.SIGTERM))
    os._exit(0)

timer = threading.Timer(float(sys.argv[2]), end)
timer.daemon = True
timer.start()
sys.stdin.read()
os._exit(0)
"""
"""Until its standard input ends, which it does with the process that is watched."""


@contextmanager
def watched_start(launch: Launch, seconds: float) -> Iterator[None]:
    """Kill this process, and tell why, where it is in here for longer; rank 0 is the first to tell."""
    of = "" if launch.size is None else f" of {launch.size}"
    message = (
        f"Error: MPI's start: rank {launch.rank}{of} has waited for the other ranks for {seconds:g} s (BPNET_TIMEOUT): "
        "one has ended or hangs before it takes part. Mend: see what became of it, or give it more time with "
        "BPNET_TIMEOUT=SECONDS"
    )
    wait = seconds + TURN * min(launch.rank, 20)
    command = [sys.executable, "-I", "-S", "-c", WATCHES, str(os.getpid()), str(wait), message]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL):  # leaving ends its input
        yield
