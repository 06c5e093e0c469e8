"""The physical floor of a step on this machine, from what it does at best: see `bpnet.peak`.

`python -m bpnet_benchmarks.floor cpu` (or gpu) measures, and prints JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bpnet.backend import Backend, make
from bpnet.peak import COPIES, SIDES, Peak
from bpnet.peak import measure as measure_peak
from bpnet_benchmarks.processes import run_json
from bpnet_benchmarks.workload import Workload

GPU_BACKENDS = ("torch:cuda", "cupy")
"""What a GPU is measured with: the first that runs."""

SECONDS = 0.2
"""For each measurement."""

LIMIT = 120.0


@dataclass(frozen=True)
class Floor(Peak):
    """What the device does at best, in float32."""

    def seconds(self, workload: Workload, batch: int) -> float:
        """max(FLOP / peak, bytes / bandwidth) of a step.

        The bandwidth is that of the fastest copy of at least a quarter of the step's bytes: a step touches its arrays
        several times each, so that they fill a fraction of what it moves.
        """
        moved = workload.bytes(batch)
        return max(workload.flop(batch) / self.flops, moved / self.bandwidth(moved / 4))


def measured(device: str, threads: int) -> Floor:
    """The floor of `cpu` or `gpu`, measured in a process of its own. ChildFailedError: it could not be."""
    command = [sys.executable, "-m", "bpnet_benchmarks.floor", device]
    return from_json(run_json(command, threads, LIMIT))


def from_json(fields: Mapping[str, Any]) -> Floor:
    """The floor that was written as JSON."""
    return Floor(fields["flops"], [(size, rate) for size, rate in fields["copies"]])


def measure(device: str) -> Floor:
    """Measure in this process, with the threads that its environment allows."""
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    peak = measure_peak(_backend(device), SIDES[device], COPIES, seconds=SECONDS, threads=threads)
    return Floor(peak.flops, peak.copies)


def _backend(device: str) -> Backend:
    if device == "cpu":
        return make("numpy")
    reasons = []
    for spec in GPU_BACKENDS:
        try:
            return make(spec)
        except (ImportError, RuntimeError) as error:
            reasons.append(f"{spec}: {error}")
    raise RuntimeError("; ".join(reasons))


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1]))))
