"""What a child process is told to time."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from bpnet_benchmarks.problem import ROWS, Problem, problem
from bpnet_benchmarks.workload import Workload, workload_from

MODES = {
    "step": "one training step",
    "fit": "one epoch of the library's own fit, with its progress bar",
    "predict": "one call that predicts the batch",
    "start": "from the start of the process to the end of the first step",
}


@dataclass(frozen=True)
class Job:
    """One contender on one workload at one batch size."""

    contender: str
    """Its name."""
    source: str
    """Where it is: `module:attribute`."""
    workload: Workload
    batch: int
    mode: str
    seconds: float
    """How long to time."""
    threads: int
    """Cores that the process may use."""
    started: float = 0.0
    """time.time() just before the process was started."""

    def problem(self) -> Problem:
        """The arrays to work on."""
        is_fit = self.mode == "fit"
        rows = self.workload.fit_rows() if is_fit else ROWS
        return problem(self.workload, self.batch, rows=rows, accuracy=is_fit)

    def to_json(self) -> str:
        """The job as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """What `to_json` wrote."""
        fields = json.loads(text)
        return cls(workload=workload_from(fields.pop("workload")), **fields)
