"""A terminal to print to, as a user has one: progress bars draw less often on anything else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

COLUMNS = 100


@contextmanager
def on_terminal() -> Iterator[str]:
    """Standard output and error go to a pseudo-terminal, which `cat` empties; yields what they go to.

    Where the system has no pseudo-terminals they go to the null device.
    """
    if sys.platform == "win32":
        with open(os.devnull, "wb") as sink, _replaced(sink.fileno()):
            yield "the null device"
        return
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, COLUMNS))
    reader = subprocess.Popen(["cat"], stdin=ours, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(ours)
    try:
        with _replaced(theirs):
            yield "a pseudo-terminal"
    finally:
        os.close(theirs)
        reader.wait()


@contextmanager
def _replaced(descriptor: int) -> Iterator[None]:
    """Descriptors 1 and 2 are `descriptor` meanwhile."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in zip((1, 2), saved, strict=True):
            os.dup2(copy, number)
            os.close(copy)
