"""How much other programs computed meanwhile: a thread that waits for one of theirs to end makes a step slow."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from time import perf_counter

STATISTICS = Path("/proc/stat")

BUSY = (0, 1, 2, 5, 6, 7)
"""Of the first line's numbers: user, nice, system, irq, softirq and steal. Idle and waiting for a disk are 3 and 4."""

QUIET = 0.1
"""Cores that others may use before a measurement counts as disturbed."""


class Disturbance:
    """From its making on: the cores that processes other than this one and its children have used."""

    def __init__(self) -> None:
        self._start = perf_counter()
        self._all = _all_seconds()
        self._own = _own_seconds()

    def cores(self) -> float | None:
        """CPU seconds of others over seconds; None where the system does not tell (it is not Linux)."""
        now = _all_seconds()
        if now is None or self._all is None:
            return None
        others = now - self._all - (_own_seconds() - self._own)
        return max(0.0, others / (perf_counter() - self._start))


def _all_seconds() -> float | None:
    """CPU seconds of all processes, and those that a hypervisor took away."""
    if not STATISTICS.exists():
        return None
    numbers = STATISTICS.read_text(encoding="ascii").splitlines()[0].split()[1:]
    return sum(int(numbers[i]) for i in BUSY) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    """CPU seconds of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
