"""All that a record says, as tables: the machine, the times, the ratios, the growth, and what was left out."""

from __future__ import annotations

from bpnet_benchmarks.comparison import cells_of, comparison
from bpnet_benchmarks.growth import Growth, with_batch, with_width
from bpnet_benchmarks.job import MODES
from bpnet_benchmarks.record import Record
from bpnet_benchmarks.tables import Table, duration


def tables(record: Record, subject: str | None = None) -> list[Table]:
    """Everything, in the order of a first reading; ratios are to `subject`, or to bpnet's best backend."""
    found = [_machine(record)]
    for mode in MODES:
        for on_gpu in (False, True):
            found += comparison(record, mode, on_gpu, subject)
    found += [_fit(record), _start(record), _growth_with_batch(record), _growth_with_width(record)]
    found += [_floor(record), _processes(record), _left_out(record)]
    return [table for table in found if table.rows or table.notes]


def _machine(record: Record) -> Table:
    machine = record.machine
    busy = ", ".join(map(str, machine["load"]))
    return Table(
        f"bpnet bench, {record.date}, commit {record.commit or 'unknown'}",
        notes=[
            f"{machine['cpu']}, {machine['cores']} cores, {record.threads} used; load before the run {busy}",
            f"GPU: {'; '.join(machine['gpus']) or 'none'}",
            ", ".join(f"{name} {version}" for name, version in record.versions.items()),
            f"{record.count_of_rounds} rounds, {record.seconds:g} s a contender, round and cell",
        ],
    )


def _fit(record: Record) -> Table:
    """What `fit` takes on top of its steps."""
    table = Table("fit over its own steps", ["net", "batch", "contender", "fit", "steps", "fit / steps"])
    for cell in record.cells:
        if cell.mode == "fit" and cell.counts and cell.steps_s is not None:
            ratio = cell.median / cell.steps_s
            times = duration(cell.median), duration(cell.steps_s)
            table.rows.append([cell.workload, str(cell.batch), cell.contender, *times, f"{ratio:.2f}"])
    terminals = sorted({cell.terminal for cell in record.cells if cell.terminal})
    if terminals:
        table.notes.append(f"an epoch; the progress bar was drawn on {' and '.join(terminals)}")
    return table


def _start(record: Record) -> Table:
    """The import's share of `start`."""
    table = Table("import, of the start", ["net", "contender", "import", "first step at"])
    for cell in record.cells:
        if cell.mode == "start" and cell.counts and cell.import_s is not None:
            table.rows.append([cell.workload, cell.contender, duration(cell.import_s), duration(cell.median)])
    return table


def _growth_with_batch(record: Record) -> Table:
    table = Table("time of a step = a + b·N, N the batch size", ["net", "contender", "a", "b, a sample", "off by"])
    table.rows = [[*key, *_growth(found)] for key, found in with_batch(record).items()]
    if table.rows:
        table.notes.append("a: the overhead of a step; b: what a sample adds; off by: the worst point's relative error")
    return table


def _growth_with_width(record: Record) -> Table:
    table = Table("time of a step = a + b·W, 64-W-10, batch 32", ["contender", "a", "b, a hidden unit", "off by"])
    table.rows = [[name, *_growth(found)] for name, found in with_width(record).items()]
    if table.rows:
        table.notes.append("a: the overhead of a step; b: what a hidden unit with its 75 parameters adds")
    return table


def _growth(found: Growth) -> list[str]:
    return [duration(found.a) if found.a else "0", duration(found.b) if found.b else "0", f"{100 * found.worst:.0f}%"]


def _floor(record: Record) -> Table:
    table = Table("what the floor is made of")
    for device, floor in record.floors.items():
        copies = ", ".join(f"{size / 2**20:g} MiB {rate / 1e9:.3g}" for size, rate in floor.copies)
        table.notes.append(f"{device}: float32 product {floor.flops / 1e9:,.0f} GFLOP/s; copies in GB/s: {copies}")
    return table


def _processes(record: Record) -> Table:
    """Memory and threads, of the largest process of each contender."""
    table = Table("processes", ["contender", "peak memory, MiB", "thread pools"])
    for on_gpu in (False, True):
        cells = [cell for mode in MODES for cell in cells_of(record, mode, on_gpu)]
        for name in dict.fromkeys(cell.contender for cell in cells):
            own = [cell for cell in cells if cell.contender == name]
            known = [cell.peak_memory_mib for cell in own if cell.peak_memory_mib is not None]
            pools = sorted({pool for cell in own for pool in cell.pools})
            memory = f"{max(known):,.0f}" if known else "unknown"
            table.rows.append([name, memory, ", ".join(pools) or "none known"])
    return table


def _left_out(record: Record) -> Table:
    """What did not run, and what was thrown out, by the reason."""
    by_reason: dict[str, list[str]] = {}
    for each in record.left_out:
        by_reason.setdefault(each.reason, []).append(each.contender + (f" ({each.where})" if each.where else ""))
    for cell in record.cells:
        if cell.thrown_out:
            name = f"{cell.contender} ({cell.workload}, batch {cell.batch}, {cell.mode})"
            by_reason.setdefault(cell.thrown_out, []).append(name)
    return Table("left out", notes=[f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()])
