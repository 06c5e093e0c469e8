"""The stages of `stages` on a GPU: each contender in a process of its own, which times all its cells.

`python -m bpnet_benchmarks.sweep --out FILE.json --limit SECONDS` writes a record that `bpnet bench --report` shows; what
no time was left for is told there. Starting a process and its library takes seconds, and steps on a GPU leave the
host's threads alone, so that not every cell needs a process, as it does on a CPU.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Timer
from time import perf_counter
from typing import Any

from bpnet_benchmarks import child, microbenchmarks
from bpnet_benchmarks.contenders import CONTENDERS, at
from bpnet_benchmarks.job import Job
from bpnet_benchmarks.judging import judge
from bpnet_benchmarks.machine import commit, machine, usable_cores, versions
from bpnet_benchmarks.processes import LAST_LINES, environment, result_stream
from bpnet_benchmarks.record import Cell, LeftOut, Record
from bpnet_benchmarks.report import tables
from bpnet_benchmarks.stages import STAGES, Stage
from bpnet_benchmarks.tables import duration, text
from bpnet_benchmarks.workloads import KNOWN

MOST = 60.0
"""Seconds that a process may take, whatever is left."""

LEAST = 8.0
"""Seconds: with fewer left no process is started."""

NO_TIME = "no time was left"


def main() -> None:
    """Carry out the stages; with `--child JOBS` those jobs, in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for all of it")
    parser.add_argument("--microbenchmarks", type=Path, help="a file of theirs, for the floor")
    parser.add_argument("--child", metavar="JOBS")
    options = parser.parse_args()
    if options.child:
        _work(json.loads(options.child))
        return
    if options.out is None:
        parser.error("--out FILE.json is missing")
    record = empty_record(STAGES)
    floor = _floor(options.microbenchmarks)
    if floor is not None:
        record.floors["gpu"] = floor
    end = perf_counter() + options.limit
    for stage in STAGES:
        for name in stage.contenders:
            carry_out(record, stage, name, end)
            record.save(options.out)
    print(text(tables(record)))


def empty_record(stages: Sequence[Stage]) -> Record:
    """A record of this machine, without cells."""
    names = dict.fromkeys(name for stage in stages for name, _ in stage.cells)
    seconds = max(stage.seconds for stage in stages)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    workloads = {name: KNOWN[name] for name in names}
    return Record(now, commit(), machine(), usable_cores(), 1, seconds, workloads, versions())


def carry_out(record: Record, stage: Stage, name: str, end: float) -> None:
    """The stage's cells of one contender, into the record; until `end`, of the clock perf_counter, at most."""
    contender = at(CONTENDERS[name])
    jobs = [
        Job(name, CONTENDERS[name], KNOWN[workload], batch, "step", stage.seconds, record.threads)
        for workload, batch in stage.cells
        if contender.unfit(KNOWN[workload], "step") is None
    ]
    left = min(MOST, end - perf_counter())
    told = _told(jobs, left) if left >= LEAST else iter(())
    for job in jobs:
        cell = Cell("step", job.workload.name, job.batch, name, contender.on_gpu)
        figures = next(told, {"left_out": NO_TIME})
        if "left_out" in figures:
            record.left_out.append(LeftOut(name, f"{cell.workload}, batch {cell.batch}", figures["left_out"]))
        elif "crashed" in figures:
            cell.thrown_out = f"crashed: {figures['crashed']}"
            record.cells.append(cell)
        else:
            cell.rounds.append([float(f"{each:.4g}") for each in figures["seconds"]])
            cell.import_s, cell.peak_memory_mib = figures["import_s"], figures["peak_memory_mib"]
            cell.pools = figures["pools"]
            record.versions |= figures["versions"]
            cell.thrown_out = judge(cell, figures, job.workload, contender.slack)
            record.cells.append(cell)
        if cell.seconds or cell.thrown_out:
            outcome = cell.thrown_out or duration(cell.median)
            print(f"{cell.workload}, batch {cell.batch}: {name} {outcome}", file=sys.stderr, flush=True)


def _floor(path: Path | None) -> Any:
    """The floor of the file; None where it is not there."""
    if path is None or not path.exists():
        return None
    return microbenchmarks.floor(json.loads(path.read_text(encoding="utf-8")))


def _told(jobs: Sequence[Job], limit: float) -> Iterator[Mapping[str, Any]]:
    """The figures of each job as a process tells them; of those that it does not come to, why."""
    command = [sys.executable, "-m", "bpnet_benchmarks.sweep", "--child", json.dumps([job.to_json() for job in jobs])]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, env=environment(jobs[0].threads), stdout=subprocess.PIPE, stderr=errors, text=True
        )
        timer = Timer(limit, process.kill)
        timer.start()
        count = 0
        try:
            assert process.stdout is not None
            for line in process.stdout:
                count += 1
                yield json.loads(line)
        finally:
            timer.cancel()
            process.kill()
            code = process.wait()
        errors.seek(0)
        last = "\n".join(errors.read().rstrip().splitlines()[-LAST_LINES:])
    for _ in jobs[count:]:
        yield {"left_out": NO_TIME} if code == -9 else {"crashed": f"it ended with code {code}: {last}"}


def _work(jobs: Sequence[str]) -> None:
    """A line of JSON for each job. One that fails does not stop the next."""
    with result_stream() as out:
        for each in jobs:
            try:
                figures = child.run(Job.from_json(each))
            except Exception as error:  # whatever a library raises; the next cell may run
                figures = {"crashed": f"{type(error).__name__}: {error}"}
            if "why_not" in figures:
                figures = {"left_out": figures["why_not"]}
            print(json.dumps(figures), file=out, flush=True)


if __name__ == "__main__":
    main()
