"""The stages of `stages` on a GPU: a process times several cells of a library.

`python -m bpnet_benchmarks.sweep --out FILE.json --limit SECONDS` writes a record that `bpnet bench --report` shows;
what no time was left for is told there. Starting a process and its library takes seconds, and steps on a GPU leave the
host's threads alone, so that not every cell needs a process, as it does on a CPU.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
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
        carry_out(record, stage, end)
        record.save(options.out)
    print(text(tables(record)))


def empty_record(stages: Sequence[Stage]) -> Record:
    """A record of this machine, without cells."""
    workloads = {name: KNOWN[name] for stage in stages for _, name, _ in stage.cells()}
    seconds = max(stage.seconds for stage in stages)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Record(now, commit(), machine(), usable_cores(), 1, seconds, workloads, versions())


def carry_out(record: Record, stage: Stage, end: float) -> None:
    """The stage's cells, into the record; until `end`, of the clock perf_counter, at most.

    They are judged when the process has ended: what is computed for that would disturb it.
    """
    absent = {each.contender for each in record.left_out if not each.where}
    jobs = [
        Job(name, CONTENDERS[name], KNOWN[workload], batch, "step", stage.seconds, record.threads)
        for name, workload, batch in stage.cells()
        if name not in absent
    ]
    left = min(MOST, end - perf_counter())
    told = _told(jobs, left) if jobs and left >= LEAST else [{"left_out": NO_TIME}] * len(jobs)
    for job, figures in zip(jobs, told, strict=True):
        where = f"{job.workload.name}, batch {job.batch}"
        if "why_not" in figures:
            left_out = LeftOut(job.contender, "", figures["why_not"])
            record.left_out += [left_out] if left_out not in record.left_out else []
            continue
        if "left_out" in figures:
            record.left_out.append(LeftOut(job.contender, where, figures["left_out"]))
            continue
        cell = _cell(job, figures)
        record.cells.append(cell)
        record.versions |= figures.get("versions", {})
        outcome = cell.thrown_out or duration(cell.median)
        print(f"{where}: {job.contender} {outcome}", file=sys.stderr, flush=True)


def _cell(job: Job, figures: Mapping[str, Any]) -> Cell:
    """With its times and the verdict on them."""
    contender = at(job.source)
    cell = Cell("step", job.workload.name, job.batch, job.contender, contender.on_gpu)
    if "crashed" in figures:
        cell.thrown_out = f"crashed: {figures['crashed']}"
        return cell
    cell.rounds.append([float(f"{each:.4g}") for each in figures["seconds"]])
    cell.peak_memory_mib, cell.pools = figures["peak_memory_mib"], figures["pools"]
    cell.thrown_out = judge(cell, figures, job.workload, contender.slack)
    return cell


def _floor(path: Path | None) -> Any:
    """The floor of the file; None where it is not there."""
    if path is None or not path.exists():
        return None
    return microbenchmarks.floor(json.loads(path.read_text(encoding="utf-8")))


def _told(jobs: Sequence[Job], limit: float) -> list[Mapping[str, Any]]:
    """The figures of each job as a process tells them; of those that it did not come to, why."""
    command = [sys.executable, "-m", "bpnet_benchmarks.sweep", "--child", json.dumps([job.to_json() for job in jobs])]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
    ):
        process = subprocess.Popen(command, env=environment(jobs[0].threads), stdout=out, stderr=errors)
        try:
            code: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            process.kill()
            process.wait()
        out.seek(0)
        errors.seek(0)
        told: list[Mapping[str, Any]] = [json.loads(line) for line in out if line.endswith("\n")]
        last = "\n".join(errors.read().rstrip().splitlines()[-LAST_LINES:])
    missing = {"left_out": NO_TIME} if code is None else {"crashed": f"it ended with code {code}: {last}"}
    return told + [missing] * (len(jobs) - len(told))


def _work(jobs: Sequence[str]) -> None:
    """A line of JSON for each job. One that fails does not stop the next."""
    with result_stream() as out:
        for each in jobs:
            try:
                figures = child.run(Job.from_json(each))
            except Exception as error:  # whatever a library raises; the next cell may run
                figures = {"crashed": f"{type(error).__name__}: {error}"}
            print(json.dumps(figures), file=out, flush=True)


if __name__ == "__main__":
    main()
