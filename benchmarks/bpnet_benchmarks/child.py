"""`python -m bpnet_benchmarks.child JOB`: times one contender on one cell, alone in its process.

JOB is a `Job` as JSON. One line of JSON comes out on standard output; all else that is printed goes to standard error.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from bpnet_benchmarks.contenders import at
from bpnet_benchmarks.job import Job
from bpnet_benchmarks.measuring import MEASURE
from bpnet_benchmarks.processes import result_stream


def main() -> None:
    """Run the job of the command line."""
    with result_stream() as out:
        out.write(json.dumps(run(Job.from_json(sys.argv[1]))) + "\n")


def run(job: Job) -> dict[str, Any]:
    """The figures of the job, or `why_not` with the reason why there are none."""
    use_cores(job.threads)
    contender = at(job.source)
    why_not = contender.why_not()
    if why_not is not None:
        return {"why_not": why_not}
    imported = time.time()
    problem = job.problem()
    making = time.time() - imported
    figures = MEASURE[job.mode](contender, problem, job)
    if job.mode == "start":
        figures["seconds"] = [each - making for each in figures["seconds"]]
    return figures | {
        "import_s": imported - job.started,
        "peak_memory_mib": peak_memory_mib(),
        "pools": pools(),
        "versions": contender.versions(),
    }


def use_cores(threads: int) -> None:
    """Keep the process on its first `threads` cores: some libraries have no other way to be told."""
    if not hasattr(os, "sched_setaffinity"):
        return  # not Linux: the variables that the parent sets are all there is
    usable = sorted(os.sched_getaffinity(0))
    if threads < len(usable):
        os.sched_setaffinity(0, usable[:threads])


def peak_memory_mib() -> float:
    """The largest resident set that the process has had, MiB; on Linux `getrusage` would count that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def pools() -> list[str]:
    """The thread pools in the process: `openblas 2`. JAX's own is not among those that can be asked."""
    from threadpoolctl import threadpool_info

    return sorted({f"{pool['internal_api']} {pool['num_threads']}" for pool in threadpool_info()})


if __name__ == "__main__":
    main()
