"""The tables of one mode on one device: times, and how often the subject's time each contender takes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import geometric_mean

from bpnet_benchmarks.contenders import CONTENDERS, FLOOR, SUBJECTS
from bpnet_benchmarks.disturbance import QUIET
from bpnet_benchmarks.job import MODES
from bpnet_benchmarks.record import Cell, Record
from bpnet_benchmarks.tables import Table
from bpnet_benchmarks.workloads import WORKLOADS

UNITS = {"step": ("µs", 1e-6), "predict": ("µs", 1e-6), "fit": ("ms", 1e-3), "start": ("ms", 1e-3)}

FASTER = "◄"
"""Marks a cell where the contender takes less time than the subject."""

DISTURBED = "~"
"""Marks a time that was taken while other programs computed."""


def cells_of(record: Record, mode: str, on_gpu: bool) -> list[Cell]:
    """Those that count."""
    return [cell for cell in record.cells if cell.mode == mode and cell.on_gpu == on_gpu and cell.counts]


def subject_of(cells: Sequence[Cell], asked: str | None) -> str | None:
    """`asked`, or the first of SUBJECTS, where it is among the cells; else the first of all."""
    there = _contenders(cells)
    return next((name for name in (asked, *SUBJECTS, *there) if name in there), None)


def comparison(record: Record, mode: str, on_gpu: bool, asked: str | None) -> list[Table]:
    """The table of times and the table of ratios; those of the sweep over widths apart."""
    where = "GPU" if on_gpu else f"CPU, {record.threads} thread{'s' if record.threads > 1 else ''}"
    all_cells = cells_of(record, mode, on_gpu)
    sweep = [cell for cell in all_cells if cell.workload not in WORKLOADS]
    tables = []
    for cells, title in (([cell for cell in all_cells if cell not in sweep], where), (sweep, f"{where}, other widths")):
        subject = subject_of(cells, asked)
        if subject is None:
            continue
        tables.append(_times(record, cells, mode, title))
        if len(_contenders(cells)) > 1:
            tables.append(_ratios(cells, subject, title, mode))
            if asked not in (None, subject):
                tables[-1].notes.append(f"{asked} was asked for as the subject, but has no times here")
    return tables


def ratios(cells: Sequence[Cell], subject: str) -> dict[tuple[str, int], dict[str, float]]:
    """By (workload, batch): each contender's median over the subject's; above 1 the subject is faster."""
    found = {}
    for row, by_name in _grid(cells).items():
        if subject in by_name:
            others = {name: cell for name, cell in by_name.items() if name != subject}
            found[row] = {name: cell.median / by_name[subject].median for name, cell in others.items()}
    return found


def _times(record: Record, cells: Sequence[Cell], mode: str, where: str) -> Table:
    unit, size = UNITS[mode]
    names = _contenders(cells)
    floor = record.floors.get("gpu" if cells[0].on_gpu else "cpu") if mode == "step" else None
    table = Table(f"{MODES[mode]}, {unit}: median (spread). {where}", ["net", "batch", *names])
    if floor is not None:
        table.header = [*table.header, "floor"]
        table.notes.append("floor: max(FLOP / fastest product, bytes / fastest copy) of the step on this machine")
    for (workload, batch), by_name in _grid(cells).items():
        row = [workload, str(batch), *(_time(by_name.get(name), size) for name in names)]
        if floor is not None:
            row.append(_figure(floor.seconds(record.workloads[workload], batch) / size))
        table.rows.append(row)
    disturbed = sum(cell.disturbed for cell in cells)
    if disturbed:
        table.notes.insert(
            0,
            f"{DISTURBED}: other programs used more than {QUIET:g} of a core meanwhile, in {disturbed} of {len(cells)} "
            "cells; do not rely on these times",
        )
    table.notes.insert(0, "spread: the distance of the quartiles, of the median, over all chunks of all rounds")
    return table


def _ratios(cells: Sequence[Cell], subject: str, where: str, mode: str) -> Table:
    found = ratios(cells, subject)
    names = [name for name in _contenders(cells) if name != subject]
    table = Table(f"{MODES[mode]}: time over that of {subject}. {where}", ["net", "batch", *names])
    workloads = list(dict.fromkeys(workload for workload, _ in found))
    for workload in workloads:
        rows = {batch: found[name, batch] for name, batch in found if name == workload}
        table.rows += [
            [workload, str(batch), *(_ratio(name, row.get(name)) for name in names)] for batch, row in rows.items()
        ]
        if len(rows) > 1 and len(workloads) > 1:
            table.rows.append(_means(names, list(rows.values()), workload))
    if len(found) > 1:
        table.rows.append(_means(names, list(found.values()), "all nets"))
    table.notes.append(f"above 1: {subject} is faster; {FASTER}: the contender is faster; all: geometric mean")
    for name in names:
        there = sum(name in row for row in found.values())
        if there < len(found):
            table.notes.append(f"{name}: the mean is of {there} of {len(found)} rows")
    if FLOOR in names:
        table.notes.append(f"{FLOOR}: the matrix products alone, with NumPy; no contender")
    return table


def _means(names: Sequence[str], rows: Sequence[dict[str, float]], title: str) -> list[str]:
    cells = []
    for name in names:
        there = [row[name] for row in rows if name in row]
        cells.append(_ratio(name, geometric_mean(there) if there else None))
    return [title, "all", *cells]


def _ratio(name: str, ratio: float | None) -> str:
    if ratio is None:
        return "-"
    return f"{ratio:.2f}" + (f" {FASTER}" if ratio < 1 and name != FLOOR else "")


def _time(cell: Cell | None, size: float) -> str:
    if cell is None:
        return "-"
    return f"{_figure(cell.median / size)} ({100 * cell.spread:.0f}%)" + (DISTURBED if cell.disturbed else "")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def _contenders(cells: Sequence[Cell]) -> list[str]:
    """Their names, in the order of the tables."""
    order = [*CONTENDERS]
    names = dict.fromkeys(cell.contender for cell in cells)
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def _grid(cells: Sequence[Cell]) -> dict[tuple[str, int], dict[str, Cell]]:
    """Cells by (workload, batch) and contender."""
    grid: dict[tuple[str, int], dict[str, Cell]] = {}
    for cell in cells:
        grid.setdefault((cell.workload, cell.batch), {})[cell.contender] = cell
    return grid
