"""Runs the contenders in turn, A B C A B C, each in its own process; and judges them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from bpnet_benchmarks.contenders import CONTENDERS, at
from bpnet_benchmarks.floor import measured
from bpnet_benchmarks.job import Job
from bpnet_benchmarks.judging import judge
from bpnet_benchmarks.machine import commit, machine, versions
from bpnet_benchmarks.plan import Plan
from bpnet_benchmarks.processes import ChildFailedError, run_job
from bpnet_benchmarks.record import Cell, LeftOut, Record
from bpnet_benchmarks.tables import duration
from bpnet_benchmarks.workload import Workload
from bpnet_benchmarks.workloads import KNOWN

Say = Callable[[str], None]


def run(plan: Plan, say: Say, keep: Callable[[Record], None]) -> Record:
    """Carry out the plan; `say` is told of every measurement as it comes, and `keep` is given what there is so far."""
    record = Record(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        commit=commit(),
        machine=machine(),
        threads=plan.threads,
        count_of_rounds=plan.rounds,
        seconds=plan.seconds,
        workloads={name: KNOWN[name] for name in (*plan.workloads, *plan.widths)},
        versions=versions(),
    )
    absent: set[str] = set()
    for mode, workload, batch in dict.fromkeys(plan.points()):
        cells: dict[str, Cell] = {}
        try:
            _point(plan, record, cells, absent, mode, workload, batch, say)
        finally:  # also after Ctrl-C
            record.cells += [cell for cell in cells.values() if cell.seconds or cell.thrown_out]
            keep(record)
    for device, on_gpu in (("cpu", False), ("gpu", True)):
        if any(cell.mode == "step" and cell.counts and cell.on_gpu == on_gpu for cell in record.cells):
            say(f"floor of the {device}")
            try:
                record.floors[device] = measured(device, plan.threads)
            except ChildFailedError as error:
                record.left_out.append(LeftOut("floor", device, str(error)))
            keep(record)
    return record


def _point(
    plan: Plan,
    record: Record,
    cells: dict[str, Cell],
    absent: set[str],
    mode: str,
    workload: Workload,
    batch: int,
    say: Say,
) -> None:
    """All contenders and rounds on one workload at one batch size, into `cells`."""
    where = f"{workload.name}, batch {batch}, {mode}"
    told: dict[str, list[Mapping[str, Any]]] = {}
    given_up: set[str] = set()
    for number in range(plan.rounds):
        for name in plan.contenders:
            if name in absent or name in given_up:
                continue
            contender = at(CONTENDERS[name])
            unfit = contender.unfit(workload, mode)
            if unfit is not None:
                given_up.add(name)
                left_out = LeftOut(name, f"{workload.name}, {mode}", unfit)
                record.left_out += [left_out] if left_out not in record.left_out else []
                continue
            job = Job(name, CONTENDERS[name], workload, batch, mode, plan.seconds, plan.threads)
            cell = cells.setdefault(name, Cell(mode, workload.name, batch, name, contender.on_gpu))
            try:
                figures = run_job(job)
            except ChildFailedError as error:
                cell.thrown_out = f"crashed: {error}"
                given_up.add(name)
                say(f"{where}: {name} {cell.thrown_out}")
                continue
            if "why_not" in figures:
                absent.add(name)
                record.left_out.append(LeftOut(name, "", figures["why_not"]))
                say(f"{name} cannot run here: {figures['why_not']}")
                continue
            told.setdefault(name, []).append(figures)
            _summarize(cell, told[name])
            cell.rounds.append([float(f"{each:.4g}") for each in figures["seconds"]])
            if figures["others"] is not None:
                cell.others.append(round(figures["others"], 3))
            record.versions |= figures["versions"]
            cell.thrown_out = judge(cell, figures, workload, contender.slack)
            say(f"{where}, round {number + 1}/{plan.rounds}: {name} {cell.thrown_out or duration(cell.median)}")
            if cell.thrown_out:
                given_up.add(name)


def _summarize(cell: Cell, all_figures: Sequence[Mapping[str, Any]]) -> None:
    """What the rounds say together."""
    last = all_figures[-1]
    cell.import_s = median(figures["import_s"] for figures in all_figures)
    cell.peak_memory_mib = max(figures["peak_memory_mib"] for figures in all_figures)
    cell.pools = last["pools"]
    cell.terminal = last.get("terminal")
    if "steps_s" in last:
        cell.steps_s = median(figures["steps_s"] for figures in all_figures)
