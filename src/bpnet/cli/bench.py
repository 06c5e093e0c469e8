"""`bpnet bench`: training steps timed side by side with other libraries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bpnet.cli.options import one_line_errors
from bpnet.names import look_up

if TYPE_CHECKING:
    from bpnet_benchmarks.record import Record

CHECKOUT = Path("benchmarks")
"""In a checkout the results go below this folder."""


NAMES = """
\b
NAME of --workload (default: all but those for GPUs where there is none):
  64-128-10, 784-256-128-10, 784-1024-1024-10, xor, 4096x4 (GPU);
  cnn, 28x28x1, three convolutions, and cnn-wide, 32x32x3, two of 32 and 64
  filters, both without scikit-learn, Keras and products;
  64-W-10 with W of 16, 32, 64, 256, 512 or 1024
NAME of --contender (default: all that run here):
  bpnet-numpy, bpnet-numba, bpnet-numba-mkl, bpnet-torch, torch, torch-compiled,
  jax, jax-scan, scikit-learn, scikit-learn-many, keras (fit alone), products
  (the matrix products alone);
  on a GPU bpnet-cupy, bpnet-torch-cuda, torch-cuda, torch-compiled-cuda,
  torch-graph, jax-cuda, jax-scan-cuda; with many steps a call bpnet-cupy-many,
  bpnet-torch-cuda-many, torch-graph-many; with products in TF32 bpnet-cupy-tf32,
  bpnet-torch-cuda-tf32, torch-cuda-tf32, torch-graph-tf32; with both
  bpnet-cupy-many-tf32, bpnet-torch-cuda-many-tf32
MODE:
  step     a training step: gather, forward, backward, Adam
  fit      an epoch of the library's own fit, with its progress bar
  predict  a call that predicts a batch
  start    from the start of the process to the end of the first step

pip install '.[cpu,peers]', in bpnet's folder, brings the other libraries. A quick look:
bpnet bench --workload 64-128-10 --batch 32 --seconds 0.3
"""


@click.command(epilog=NAMES)
@click.option("--workload", "workloads", metavar="NAME", multiple=True, help="A net to time; repeatable.")
@click.option("--width-sweep", is_flag=True, help="Time 64-W-10 for W of 16 to 1024 at batch 32 as well.")
@click.option("--batch", "batches", metavar="N", type=click.IntRange(min=1), multiple=True, help="Repeatable.")
@click.option("--contender", "contenders", metavar="NAME", multiple=True, help="Whom to time; repeatable.")
@click.option("--subject", metavar="NAME", help="Whose time the ratios are to; default: bpnet's best backend.")
@click.option("--mode", "modes", metavar="MODE", multiple=True, help="Repeatable; default: step.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Turns of each contender.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Measured for each contender, round, net and batch size.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Cores for each contender; default: all usable ones.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Where results and pictures go.")
@click.option("--plot/--no-plot", default=None, help="Draw pictures; default: where matplotlib is installed.")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown.")
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Run nothing: print and draw what this JSON file recorded.",
)
def bench(
    workloads: tuple[str, ...],
    width_sweep: bool,
    batches: tuple[int, ...],
    contenders: tuple[str, ...],
    subject: str | None,
    modes: tuple[str, ...],
    rounds: int,
    seconds: float,
    threads: int | None,
    out: Path | None,
    plot: bool | None,
    markdown: bool,
    report: Path | None,
) -> None:
    """Time training steps of bpnet and of other libraries, side by side on the same work.

    Every contender trains the same network on the same batches from the same weights, alone in its own process, in
    turn with the others. One whose loss is not that of NumPy in float64 is thrown out. The tables show the median
    times and how they compare to bpnet's; JSON, which grows as the run goes on, and pictures go to
    benchmarks/results in a checkout, to bench-results elsewhere.
    """
    with one_line_errors():
        _require_installed(plot)
        from bpnet_benchmarks import machine, side_by_side
        from bpnet_benchmarks.contenders import CONTENDERS
        from bpnet_benchmarks.job import MODES
        from bpnet_benchmarks.plan import Plan
        from bpnet_benchmarks.record import load
        from bpnet_benchmarks.workloads import KNOWN, WIDTHS, WORKLOADS, of_width

        if subject is not None:
            look_up("subject", subject, CONTENDERS)
        if report is not None:
            _show(load(report), subject, report.with_suffix(""), plot, markdown)
            return
        cores = machine.usable_cores()
        if threads is not None and threads > cores:
            raise ValueError(f"--threads: {threads} was given, expected at most {cores}, the cores of this process")
        plan = Plan(
            workloads=_named("workload", workloads, KNOWN, WORKLOADS),
            widths=[of_width(width).name for width in WIDTHS if width_sweep],
            batches=batches,
            contenders=_named("contender", contenders, CONTENDERS, CONTENDERS),
            modes=_named("mode", modes, MODES, ["step"]),
            rounds=rounds,
            seconds=seconds,
            threads=threads or cores,
        )
        folder = out or (CHECKOUT / "results" if (CHECKOUT / "bpnet_benchmarks").is_dir() else Path("bench-results"))
        _make(folder)
        path = _new(folder, f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}-{'-'.join(plan.modes)}")
        try:
            record = side_by_side.run(plan, lambda line: click.echo(line, err=True), lambda record: record.save(path))
        except KeyboardInterrupt:
            click.echo(f"interrupted: {path} has what was measured; --report shows it", err=True)
            raise
        click.echo(f"wrote {path}\n")
        _show(record, subject, path.with_suffix(""), plot, markdown)
        if not any(cell.counts for cell in record.cells):
            raise RuntimeError("nothing was measured: every contender was left out. Mend: see the reasons above")


def _require_installed(plot: bool | None) -> None:
    """ImportError, with the mend, where the benchmark or what draws is not there."""
    if find_spec("bpnet_benchmarks") is None:
        raise ImportError("the package bpnet_benchmarks is not installed. Mend: install bpnet anew (pip install .)")
    if plot and find_spec("matplotlib") is None:
        raise ImportError("--plot was given, but matplotlib is not installed. Mend: pip install matplotlib")


def _named(
    kind: str, names: Sequence[str], known: Mapping[str, object], default: Sequence[str] | Mapping[str, object]
) -> list[str]:
    """The names, each once, all of them known; `default` where there are none."""
    for name in names:
        look_up(kind, name, known)
    return list(dict.fromkeys(names or default))


def _new(folder: Path, name: str) -> Path:
    """A file of that name, numbered where there is one already."""
    names = (name, *(f"{name}-{number}" for number in range(2, 100)))
    return next(path for each in names if not (path := folder / f"{each}.json").exists())


def _make(folder: Path) -> None:
    """Before hours of measuring, not after."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--out: cannot write to {str(folder)!r} ({error}). Mend: name another folder") from error


def _show(record: Record, subject: str | None, pictures: Path, plot: bool | None, markdown: bool) -> None:
    """Print the tables, and draw into the folder `pictures` where that is wanted and can be."""
    from bpnet_benchmarks import report, tables

    found = report.tables(record, subject)
    click.echo(tables.markdown(found) if markdown else tables.text(found))
    if plot is False:
        return
    if find_spec("matplotlib") is None:
        click.echo("no pictures: matplotlib is not installed. Mend: pip install matplotlib")
        return
    from bpnet_benchmarks.pictures import draw

    _make(pictures)
    for path in draw(record, pictures):
        click.echo(f"wrote {path}")
