"""Pictures of a record. Every contender has a marker and a line style of its own, so they read without colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bpnet_benchmarks.comparison import cells_of
from bpnet_benchmarks.contenders import CONTENDERS, FLOOR
from bpnet_benchmarks.growth import Growth, with_width
from bpnet_benchmarks.record import Cell, Record
from bpnet_benchmarks.workloads import WIDTH_BATCH, WIDTHS, WORKLOADS, of_width

MARKERS = "osD^vP*Xd<>phH8+x"
STYLES = ("--", "-.", ":")
"""Of the other libraries; bpnet's own lines are solid."""

COLORS = ("C0", "C1", "C2", "C3", "C4", "C5", "C6", "C8", "C9")
"""Without grey, which is the floor's."""

Value = Callable[[Cell], float]


def draw(record: Record, folder: Path) -> list[Path]:
    """Write the pictures that the record has figures for; returns their paths."""
    found = []
    for device, on_gpu in (("cpu", False), ("gpu", True)):
        cells = [cell for cell in cells_of(record, "step", on_gpu) if cell.workload in WORKLOADS]
        if cells:
            found.append(_save(_throughput(record, cells, device), folder / f"throughput-{device}.png"))
        if cells and device in record.floors:
            found.append(_save(_over_floor(record, cells, device), folder / f"over-floor-{device}.png"))
    widths = with_width(record)
    if widths:
        found.append(_save(_growth(record, widths), folder / "width.png"))
    return found


def _throughput(record: Record, cells: Sequence[Cell], device: str) -> Any:
    """Samples a second against the batch size, a panel a net; the floor's as a grey line."""
    figure, axes = _panels(cells)
    for workload, axis in axes.items():
        own = [cell for cell in cells if cell.workload == workload]
        _lines(axis, own, lambda cell: cell.batch / cell.median)
        if device in record.floors:
            batches = sorted({cell.batch for cell in own})
            seconds = [record.floors[device].seconds(record.workloads[workload], batch) for batch in batches]
            rates = [batch / each for batch, each in zip(batches, seconds, strict=True)]
            axis.plot(batches, rates, color="grey", linewidth=3, alpha=0.5, label="physical limit")
        axis.set_ylabel("samples / s")
    return _finished(
        figure, axes, f"Training throughput, {device.upper()}, threads: {record.threads}; higher is better"
    )


def _over_floor(record: Record, cells: Sequence[Cell], device: str) -> Any:
    """Seconds of a step over its physical floor against the batch size, a panel a net."""
    figure, axes = _panels(cells)
    floor = record.floors[device]
    for workload, axis in axes.items():
        own = [cell for cell in cells if cell.workload == workload]
        _lines(axis, own, lambda cell: cell.median / floor.seconds(record.workloads[cell.workload], cell.batch))
        axis.axhline(1, color="grey", linewidth=3, alpha=0.5, label="physical limit")
        axis.set_ylabel("step time / floor")
    return _finished(figure, axes, f"Step time over its physical floor, {device.upper()}: lower is better")


def _growth(record: Record, found: dict[str, Growth]) -> Any:
    """Seconds of a step of 64-W-10 against W, with the fitted lines."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 5.5), dpi=120, layout="constrained")
    axis = figure.subplots()
    widths = {of_width(width).name: width for width in WIDTHS}
    cells = [cell for cell in record.cells if cell.workload in widths and cell.batch == WIDTH_BATCH and cell.counts]
    for name, growth in found.items():
        own = sorted((widths[cell.workload], cell.median) for cell in cells if cell.contender == name)
        sizes = [width for width, _ in own]
        marker, style, color = _look(name)
        axis.plot(sizes, [1e6 * each for _, each in own], marker, color=color, label=name, linestyle="none")
        axis.plot(sizes, [1e6 * (growth.a + growth.b * size) for size in sizes], style, color=color, linewidth=1)
    axis.set_xlabel("hidden width W (lines: a + b·W)")
    axis.set_ylabel("step, µs")
    return _finished(figure, {"64-W-10, batch 32": axis}, "Step time against the hidden width")


def _panels(cells: Sequence[Cell]) -> tuple[Any, dict[str, Any]]:
    """A figure with a panel for each workload."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(cell.workload for cell in cells))
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(6.5 * columns + 1.5, 4.5 * rows), dpi=120, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flat
    panels = dict(zip(names, axes, strict=False))
    for axis in list(axes)[len(names) :]:
        axis.axis("off")
    for axis in panels.values():
        axis.set_xlabel("batch size")
    return figure, panels


def _lines(axis: Any, cells: Sequence[Cell], value: Value) -> None:
    """A line a contender over the batch sizes."""
    for name in dict.fromkeys(cell.contender for cell in cells):
        points = sorted((cell.batch, value(cell)) for cell in cells if cell.contender == name)
        marker, style, color = _look(name)
        axis.plot(*zip(*points, strict=True), marker=marker, linestyle=style, color=color, label=name, markersize=6)


def _look(name: str) -> tuple[str, str, str]:
    """Marker, line style and colour, the same in every picture; bpnet's own are solid and black, the floor dotted."""
    if name == FLOOR:
        return "x", ":", "grey"
    names = [each for each in CONTENDERS if each != FLOOR]
    place = names.index(name) if name in names else len(names)
    if name.startswith("bpnet"):
        return MARKERS[place % len(MARKERS)], "-", "black"
    return MARKERS[place % len(MARKERS)], STYLES[place % len(STYLES)], COLORS[place % len(COLORS)]


def _finished(figure: Any, panels: dict[str, Any], title: str) -> Any:
    """Log scales, grids, titles, and one legend beside the panels."""
    entries: dict[str, Any] = {}
    for name, axis in panels.items():
        axis.set_title(name)
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_yscale("log")
        axis.grid(alpha=0.3, which="both")
        handles, labels = axis.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    figure.legend(entries.values(), entries.keys(), loc="outside right upper", frameon=False)
    figure.suptitle(title)
    return figure


def _save(figure: Any, path: Path) -> Path:
    figure.savefig(path)
    return path
