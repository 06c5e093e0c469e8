"""`python -m bpnet_benchmarks.ranks.scaling PART…`: what several processes cost here, measured and predicted.

`predicted`: step times of 2 and 4 processes over gloo and MPI, and over simulated networks, against the cost model:
what the ranks take side by side, and a ring over the link that a sweep of all_reduce has given. `efficiency`: two
processes of one thread against one of two threads, in turn, so that a slow minute hits both. `overhead`: what a fit
that looks for ranks and finds none takes over one that does not look, in one process, and under each launcher.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bpnet_benchmarks.disturbance import Disturbance
from bpnet_benchmarks.machine import commit, machine, versions
from bpnet_benchmarks.ranks.cost import Link, exposed, fitted, ring
from bpnet_benchmarks.ranks.launch import launcher, lines
from bpnet_benchmarks.ranks.network import Network
from bpnet_benchmarks.ranks.network import run as over_network

CELLS = ("64-128-10:1024", "784-256-128-10:1024", "784-1024-1024-10:1024")
LARGE = ("64-128-10:16384", "784-1024-1024-10:4096")
SLICE = 1 << 20
"""Bytes of the least slice that is sent while backward goes on: `bpnet.training.overlap.LEAST`."""

FIGURES = ("step", "cpu", "apart", "without_overlap")

STEPS, OVERHEAD = "bpnet_benchmarks.ranks.steps", "bpnet_benchmarks.ranks.overhead"


@dataclass(frozen=True)
class Place:
    """Processes and what is between them."""

    name: str
    engine: str
    ranks: int
    network: Network | None = None


PLACES = (
    Place("this machine, gloo, 2", "gloo", 2),
    Place("this machine, MPI, 2", "mpi", 2),
    Place("this machine, gloo, 4", "gloo", 4),
    Place("this machine, MPI, 4", "mpi", 4),
    Place("1 ms, 1 Gbit/s, 2", "gloo", 2, Network(1e-3, 1e9)),
    Place("5 ms, 1 Gbit/s, 2", "gloo", 2, Network(5e-3, 1e9)),
    Place("1 ms, 0.2 Gbit/s, 4", "gloo", 4, Network(1e-3, 2e8)),
)


def predicted(seconds: float, rounds: int) -> Iterator[dict[str, Any]]:
    """For each place its link and, for each cell, the seconds of a step as measured and as the model has them: medians
    of the rounds, each in processes of its own.
    """
    for place in PLACES:
        disturbance = Disturbance()
        every = [_rows(place, seconds) for _ in range(rounds)]
        others = disturbance.cores()
        sweep = _sweep([row for rows in every for row in rows if "all_reduce" in row])
        link = fitted(place.ranks, [row["bytes"] for row in sweep], [row["all_reduce"] for row in sweep])
        nominal = None if place.network is None else Link(place.network.delay, 8 / place.network.rate)
        cells = [judged(_middle(rows), link, nominal) for rows in zip(*every, strict=True) if "net" in rows[0]]
        figures = {"link": asdict(link), "sweep": sweep, "cells": cells, "cores_of_others": others}
        yield {"place": place.name, "ranks": place.ranks, **figures}


def _rows(place: Place, seconds: float) -> list[dict[str, Any]]:
    """What rank 0 prints at this place."""
    own = ["--sweep", "--seconds", f"{seconds:g}", *CELLS]
    if place.network is None:
        return lines([*launcher(place.engine, place.ranks), STEPS, *own])
    text = over_network([sys.executable, "-m", STEPS, *own], place.ranks, place.network)
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def _sweep(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each size the median of all its times: links of a shared machine are not the same from minute to minute."""
    times: dict[int, list[float]] = {}
    for row in rows:
        times.setdefault(row["bytes"], []).append(row["all_reduce"])
    return [{"bytes": size, "all_reduce": median(found), "rounds": found} for size, found in times.items()]


def _middle(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The median of each figure over the rounds, and under `rounds` all of them."""
    there = [name for name in FIGURES if name in rows[0]]
    found = {**rows[0], **{name: median(row[name] for row in rows) for name in there}}
    return {**found, "rounds": {name: [row[name] for row in rows] for name in there}}


def judged(row: dict[str, Any], link: Link, nominal: Link | None) -> dict[str, Any]:
    """The row with its predictions: side by side + ring, and what slices beside backward leave of it."""
    size = 4 * row["parameters"]
    found = {**row, "predicted": row["apart"] + ring(link, row["ranks"], size)}
    found["predicted_overlap"] = row["apart"] + hidden(link, row["ranks"], row["net"], row["apart"])
    if nominal is not None:
        found["predicted_nominal"] = row["apart"] + ring(nominal, row["ranks"], size)
    return found


def hidden(link: Link, ranks: int, net: str, compute: float) -> float:
    """The exposed part of the reductions of a chain of dense layers, as `bpnet.training.overlap` cuts it into slices.

    A layer's share of backward is that of its weights, the last one's first; backward is two thirds of computing.
    """
    sizes = [int(each) for each in net.split("-")]
    weights = [4 * before * after for before, after in pairwise(sizes)]
    total, sent, done = sum(weights), 0, 0
    parts = []
    for place in reversed(range(len(weights))):
        done += weights[place]
        if place > 0 and done - sent >= SLICE:
            parts.append((done / total, ring(link, ranks, done - sent)))
            sent = done
    rest = 4 * sum(sizes[1:])
    parts.append((1.0, ring(link, ranks, total - sent + (0 if sent else rest))))
    if sent:
        parts.append((1.0, ring(link, ranks, rest)))
    return exposed(2 / 3 * compute, parts)


def in_turns(
    ways: dict[str, tuple[list[str], int]], cells: tuple[str, ...], rounds: int, seconds: float
) -> list[dict[str, Any]]:
    """For each cell and each way to launch it the seconds of a step in each round, and their median."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for turn in range(rounds):
        order = list(ways.items()) if turn % 2 == 0 else list(reversed(ways.items()))
        for way, (launched, threads) in order:
            for row in lines([*launched, STEPS, "--seconds", f"{seconds:g}", *cells], threads):
                found.setdefault((f"{row['net']}:{row['batch']}", way), []).append(row)
    return [
        {"cell": cell, "way": way, **{name: median(row[name] for row in rows) for name in FIGURES if name in rows[0]}}
        | {"rounds": [row["step"] for row in rows], "rounds_cpu": [row["cpu"] for row in rows]}
        for (cell, way), rows in found.items()
    ]


def overhead(rounds: int) -> list[dict[str, Any]]:
    """For each cell and launcher the medians of a step of both kinds of fit, and what looking adds: the median over the
    pairs of their ratio, less one, and its quartiles.
    """
    ways = {"alone": launcher("", 1), "torchrun": launcher("gloo", 1), "mpiexec": launcher("mpi", 1)}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for way, launched in ways.items():
            for row in lines([*launched, OVERHEAD, *CELLS[:2]], 2):
                found.setdefault((f"{row['net']}:{row['batch']}", way), []).append(row)
    rows = []
    for (cell, way), each in sorted(found.items()):
        none, auto = ([step for row in each for step in row[kind]] for kind in ("none", "auto"))
        low, middle, high = quantiles((b / a - 1 for a, b in zip(none, auto, strict=True)), n=4)
        figures = {"none": median(none), "auto": median(auto), "added": middle, "quartiles": [low, high]}
        rows.append({"cell": cell, "way": way, **figures, "rounds": [median(row["none"]) for row in each]})
    return rows


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(prog="python -m bpnet_benchmarks.ranks.scaling")
    parser.add_argument("parts", nargs="+", choices=["predicted", "efficiency", "overhead"])
    parser.add_argument("--seconds", type=float, default=1.0, help="of each figure, about")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="the record; default: benchmarks/results/DATE-scaling.json")
    given = parser.parse_args()
    now = datetime.now()
    record: dict[str, Any] = {"date": f"{now:%Y-%m-%dT%H:%M:%S}", "commit": commit(), "machine": machine()}
    record |= {"versions": versions(), "seconds": given.seconds}
    path = given.out or Path(__file__).parents[2] / "results" / f"{now:%Y-%m-%dT%H%M%S}-scaling.json"
    alone = launcher("", 1)
    two = {"one process, one thread": (alone, 1), "one process, two threads": (alone, 2)}
    two |= {f"two processes, {engine}": (launcher(engine, 2), 1) for engine in ("gloo", "mpi")}
    for part in given.parts:
        if part == "predicted":
            record[part] = []
            for place in predicted(given.seconds, given.rounds):
                record[part].append(place)
                _tell(place)
                _save(record, path)
        elif part == "overhead":
            record[part] = overhead(given.rounds)
            for row in record[part]:
                low, high = row["quartiles"]
                print(
                    f"{row['cell']:<24} {row['way']:<10} {1e3 * row['none']:9.3f} ms, looking for ranks "
                    f"{row['added']:+.2%} (quartiles {low:+.1%} to {high:+.1%})",
                    flush=True,
                )
        else:
            record[part] = in_turns(two, LARGE, given.rounds, given.seconds)
            for row in record[part]:
                print(
                    f"{row['cell']:<24} {row['way']:<26} {1e3 * row['step']:9.2f} ms, {1e3 * row['cpu']:.2f} of a core",
                    flush=True,
                )
        _save(record, path)
    print(f"wrote {path}")


def _save(record: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _tell(place: dict[str, Any]) -> None:
    link = place["link"]
    speed = f"{1e-6 / link['beta']:.0f} MB/s" if link["beta"] else "any"
    print(f"{place['place']}: α {1e3 * link['alpha']:.3f} ms, {speed}")
    for row in place["cells"]:
        error = row["predicted"] / row["without_overlap"] - 1
        print(
            f"  {row['net']}:{row['batch']}: side by side {1e3 * row['apart']:.1f} ms, measured "
            f"{1e3 * row['without_overlap']:.1f}, predicted {1e3 * row['predicted']:.1f} ({error:+.0%}); with overlap "
            f"{1e3 * row['step']:.1f}, predicted {1e3 * row['predicted_overlap']:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
