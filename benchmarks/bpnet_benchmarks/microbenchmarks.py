"""What the GPU and the libraries on it do at best, each library in a process of its own, in turn.

`python -m bpnet_benchmarks.microbenchmarks --out FILE.json` writes the figures and prints the few that matter.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bpnet_benchmarks.floor import Floor
from bpnet_benchmarks.machine import machine, usable_cores
from bpnet_benchmarks.micro.measures import LIBRARIES
from bpnet_benchmarks.processes import ChildFailedError, result_stream, run_json
from bpnet_benchmarks.tables import Table, duration, text

KIND = "microbenchmarks"
"""What the file says that it is."""

LIMIT = 35.0
"""Seconds for a library."""


def main() -> None:
    """Measure all libraries; with `--child NAME` one of them, in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", choices=LIBRARIES)
    options = parser.parse_args()
    if options.child:
        with result_stream() as out:
            out.write(json.dumps(LIBRARIES[options.child]()) + "\n")
        return
    if options.out is None:
        parser.error("--out FILE.json is missing")
    found: dict[str, Any] = {"kind": KIND, "machine": machine()}
    for name in LIBRARIES:
        found[name] = _measured(name)
        options.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(text(tables(found)))


def _measured(name: str) -> Mapping[str, Any]:
    command = [sys.executable, "-m", "bpnet_benchmarks.microbenchmarks", "--child", name]
    try:
        return run_json(command, usable_cores(), LIMIT)
    except ChildFailedError as error:
        return {"why_not": str(error).splitlines()[-1].strip()}


def ceilings(found: Mapping[str, Any]) -> dict[str, float]:
    """By precision: FLOP a second of the fastest product."""
    best: dict[str, float] = {}
    for each in found.get("torch", {}).get("products", []):
        best[each["precision"]] = max(best.get(each["precision"], 0.0), each["flops"])
    return best


def floor(found: Mapping[str, Any]) -> Floor | None:
    """The floor that these figures give; None without a float32 product or a copy. A copy reads and writes."""
    copies = [
        (2 * each["bytes"], 2 * each["rate"])
        for each in found.get("torch", {}).get("copies", [])
        if each["copy"] == "on the device"
    ]
    flops = ceilings(found).get("float32")
    return Floor(flops, copies) if flops and copies else None


def tables(found: Mapping[str, Any]) -> list[Table]:
    """The few figures that matter."""
    nodes = Table("a node of a graph, a + b·n", ["library", "node", "b, device", "b, wall", "a, wall", "launch, host"])
    notes = Table("products and copies")
    for name in LIBRARIES:
        figures = found.get(name, {})
        if "why_not" in figures:
            nodes.notes.append(f"{name}: {figures['why_not']}")
        for kind, each in figures.get("nodes", {}).items():
            if "why_not" in each:
                nodes.notes.append(f"{name}, {kind}: {each['why_not']}")
                continue
            launch = duration(figures["launches"][kind]["launch"])
            device, wall = each["device"], each["wall"]
            nodes.rows.append([name, kind, *map(duration, (device["node"], wall["node"], wall["graph"])), launch])
    for each in found.get("torch", {}).get("products", []):
        notes.notes.append(f"{each['precision']} product, side {each['side']}: {each['flops'] / 1e12:.1f} TFLOP/s")
    for each in found.get("torch", {}).get("copies", []):
        size = f"{each['bytes'] / 2**20:g} MiB"
        notes.notes.append(f"copy {each['copy']}, {size}: {each['rate'] / 1e9:.3g} GB/s")
    return [table for table in (nodes, notes) if table.rows or table.notes]


if __name__ == "__main__":
    main()
