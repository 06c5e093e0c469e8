"""What a run of the benchmark is to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bpnet_benchmarks.workload import Workload
from bpnet_benchmarks.workloads import KNOWN, WIDTH_BATCH

FIT_BATCH = 32
"""The batch size of `fit` and `start` where none is asked for: that of Keras's `fit`."""


@dataclass(frozen=True)
class Plan:
    """What to run. Names are those of KNOWN, CONTENDERS and MODES."""

    workloads: Sequence[str]
    widths: Sequence[str]
    """Workloads of the sweep over widths, timed in mode `step` at its own batch size."""
    batches: Sequence[int]
    """For every workload; each one's own where there are none."""
    contenders: Sequence[str]
    modes: Sequence[str]
    rounds: int
    seconds: float
    threads: int

    def points(self) -> Iterator[tuple[str, Workload, int]]:
        """Mode, workload and batch size, in order."""
        for mode in self.modes:
            for name in self.workloads:
                workload = KNOWN[name]
                own = workload.batches
                if mode in ("fit", "start") and FIT_BATCH in own:
                    own = (FIT_BATCH,)
                for batch in self.batches or own:
                    yield mode, workload, batch
        for name in self.widths:
            yield "step", KNOWN[name], WIDTH_BATCH
