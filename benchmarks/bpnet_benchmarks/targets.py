"""What bpnet is to reach on a GPU, and whether it does.

`python -m bpnet_benchmarks.targets FOLDER` reads the JSON files of a run below FOLDER and prints a line a target.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bpnet_benchmarks import ensembles, microbenchmarks
from bpnet_benchmarks.record import Record, load
from bpnet_benchmarks.stages import IMAGES, LARGE, MIDDLE, SMALL
from bpnet_benchmarks.tables import Table, markdown, text
from bpnet_benchmarks.verdicts import (
    MISS,
    PASS,
    Alike,
    Faster,
    Figures,
    Later,
    NetSteps,
    OfCeiling,
    Target,
    Verdict,
    Within,
)

BACKENDS = ("bpnet-cupy", "bpnet-torch-cuda")

EAGER, COMPILED, GRAPH = "torch-cuda", "torch-compiled-cuda", "torch-graph"


def _of(name: str) -> list[Target]:
    """The targets of a backend. What is compared has the same precision, and the same number of steps a call.

    JAX's scan makes many steps a call, and so does what is compared with it.
    """
    many, tf32 = f"{name}-many", f"{name}-tf32"
    small: list[Target] = [
        Faster(f"{name}, eager PyTorch", SMALL, name, (EAGER,), 15),
        Faster(f"{name}, torch.compile", SMALL, name, (COMPILED,), 10),
        Faster(f"{name}, PyTorch in a CUDA graph", SMALL, name, (GRAPH,), 1.3),
        Faster(f"{many}, PyTorch with 16 steps in a graph", SMALL, many, ("torch-graph-many",), 1.3),
        Faster(f"{many}, JAX's scan", SMALL, many, ("jax-scan-cuda",), 2),
    ]
    middle: list[Target] = [
        Within(f"{tf32}, a step a call", MIDDLE, tf32, 25e-6),
        Within(f"{many}-tf32, many steps a call", MIDDLE, f"{many}-tf32", 25e-6),
    ]
    large: list[Target] = [
        Faster(f"{name}, PyTorch in float32", LARGE, name, (GRAPH, EAGER), 1),
        OfCeiling(f"{name}, the arithmetic", LARGE, name, "float32", 0.85),
        Faster(f"{tf32}, PyTorch in TF32", LARGE, tf32, (f"{GRAPH}-tf32", f"{EAGER}-tf32"), 1),
        OfCeiling(f"{tf32}, the arithmetic", LARGE, tf32, "tf32", 0.85),
    ]
    images: list[Target] = [Faster(f"{name}, PyTorch in a CUDA graph", where, name, (GRAPH,), 3) for where in IMAGES]
    return small + middle + large + images


TARGETS: tuple[Target, ...] = (
    *(target for name in BACKENDS for target in _of(name)),
    Alike("bpnet-cupy, bpnet-torch-cuda", SMALL, *BACKENDS, 0.05),
    Later("a net of width 64 in bfloat16", ("64-64-64-10", 2**18), "≥ 1e9 samples/s", "bpnet has no bfloat16 yet"),
    NetSteps("1,000 nets at once, cupy", SMALL, "cupy", 1e7),
    NetSteps("1,000 nets at once, torch", SMALL, "torch:cuda", 1e7),
    Later("1,000 nets at once, JAX's vmap", SMALL, "≥ 3×", "no contender trains many nets at once yet"),
)


def main() -> None:
    """Exit status 1 where no file could be read; targets that are missed are results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    try:
        figures = read(options.folder)
    except ValueError as error:
        sys.exit(str(error))
    found = [table([target.verdict(figures) for target in TARGETS])]
    print(markdown(found) if options.markdown else text(found))


def read(folder: Path) -> Figures:
    """The records and microbenchmarks below the folder. ValueError: there are none."""
    records: list[Record] = []
    ceilings: dict[str, float] = {}
    net_steps: dict[tuple[str, str, int], float] = {}
    for path in sorted(folder.rglob("*.json")):
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(fields, dict):
                raise ValueError(f"{str(path)!r} holds no object")
            if fields.get("kind") == microbenchmarks.KIND:
                ceilings |= microbenchmarks.ceilings(fields)
            elif fields.get("kind") == ensembles.KIND:
                net_steps |= ensembles.rates(fields)
            elif "cells" in fields:
                records.append(load(path))
        except (OSError, ValueError) as error:
            print(f"{path} cannot be read: {error}", file=sys.stderr)
    if not records and not ceilings and not net_steps:
        raise ValueError(
            f"{str(folder)!r} was given, expected a folder with the JSON files of bpnet bench, "
            "bpnet_benchmarks.sweep or bpnet_benchmarks.microbenchmarks"
        )
    return Figures(records, ceilings, net_steps)


def table(verdicts: Sequence[Verdict]) -> Table:
    """A row a target, and the count."""
    rows: list[Sequence[str]] = [[each.case, each.measured, each.target, each.outcome] for each in verdicts]
    passed, missed = (sum(each.outcome == outcome for each in verdicts) for outcome in (PASS, MISS))
    note = f"{passed} passed, {missed} missed, {len(verdicts) - passed - missed} not measured"
    return Table("targets on a GPU", ["case", "measured", "target", "outcome"], rows, [note])


if __name__ == "__main__":
    main()
