"""A run of the benchmark as data, and its JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bpnet_benchmarks.disturbance import QUIET
from bpnet_benchmarks.floor import Floor, from_json
from bpnet_benchmarks.workload import Workload, workload_from

FORMAT = 2
"""Of the files that are written; those of format 1, which knew dense nets alone, are read too."""


@dataclass
class Cell:
    """One contender on one workload at one batch size in one mode."""

    mode: str
    workload: str
    batch: int
    contender: str
    on_gpu: bool
    rounds: list[list[float]] = field(default_factory=list)
    """Seconds per step, epoch, call or start: a list a round, a number a chunk."""
    others: list[float] = field(default_factory=list)
    """Cores that other programs used during each round, where the system tells."""
    loss: float | None = None
    reference: float | None = None
    """What `loss` is compared with."""
    thrown_out: str | None = None
    """Why the times do not count."""
    import_s: float | None = None
    """From the start of the process until the library was imported; the median of the rounds."""
    steps_s: float | None = None
    """Of `fit`: what the steps of an epoch take by themselves; the median of the rounds."""
    peak_memory_mib: float | None = None
    pools: list[str] = field(default_factory=list)
    terminal: str | None = None
    """Of `fit`: where its progress bar was drawn."""

    @property
    def seconds(self) -> list[float]:
        """All chunks of all rounds."""
        return [each for times in self.rounds for each in times]

    @property
    def counts(self) -> bool:
        """There are times, and nothing is wrong with them."""
        return self.thrown_out is None and bool(self.seconds)

    @property
    def disturbed(self) -> bool:
        """Other programs computed during a round."""
        return any(cores > QUIET for cores in self.others)

    @property
    def median(self) -> float:
        """Of all chunks, in seconds."""
        return median(self.seconds)

    @property
    def spread(self) -> float:
        """The distance of the quartiles over the median."""
        low, high = np.percentile(self.seconds, [25, 75])
        return float(high - low) / self.median


@dataclass
class LeftOut:
    """What was not timed, and why."""

    contender: str
    where: str
    """`` (everywhere), a workload, or a workload and a batch size."""
    reason: str


@dataclass
class Record:
    """All that a run found."""

    date: str
    commit: str | None
    machine: dict[str, Any]
    threads: int
    count_of_rounds: int
    seconds: float
    """Asked for: per contender, round and cell."""
    workloads: dict[str, Workload]
    versions: dict[str, str] = field(default_factory=dict)
    floors: dict[str, Floor] = field(default_factory=dict)
    """Of the `cpu` and the `gpu`, where measured."""
    left_out: list[LeftOut] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write JSON, a line a cell."""
        fields = asdict(self)
        cells = ",\n".join(json.dumps(cell) for cell in fields.pop("cells"))
        head = json.dumps({"format": FORMAT, **fields}, indent=1)
        path.write_text(f'{head[:-2]},\n "cells": [\n{cells}\n ]\n}}\n', encoding="utf-8")


def load(path: Path) -> Record:
    """What `save` wrote. ValueError: the file is something else."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if fields.pop("format") not in (1, FORMAT):
            raise KeyError("format")
        fields["workloads"] = {name: workload_from(each) for name, each in fields["workloads"].items()}
        fields["floors"] = {name: from_json(each) for name, each in fields["floors"].items()}
        fields["left_out"] = [LeftOut(**each) for each in fields["left_out"]]
        fields["cells"] = [Cell(**each) for each in fields["cells"]]
        return Record(**fields)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"--report: {str(path)!r} was given, expected a JSON file that bpnet bench wrote, of format {FORMAT} "
            f"({type(error).__name__}: {error})"
        ) from error
