"""`python -m bpnet_benchmarks.ranks.steps NET:BATCH…`, on each rank: the seconds of a step of bpnet's `fit`.

For each cell first the ranks side by side without a word to each other, each on its share of the batch: what computing
costs when all are at it. Then the batch together, with and without overlap. A process that is alone makes the batch.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from bpnet import Adam, Dense, Input, Sequential
from bpnet.distributed import communicator
from bpnet.training import overlap
from bpnet.training.callbacks import Callback
from bpnet.training.communicator import Communicator
from bpnet_benchmarks.ranks.sweep import SIZES, seconds

EPOCHS = 5
"""The first is not counted."""

LEAST_STEPS, MOST_STEPS = 20, 500
"""Of an epoch. At its end the ranks add up losses and agree, which is not to count as a part of a step."""


class Clock(Callback):
    """The seconds of each epoch, between what is done before it and after it; and of its processor time."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.cpu: list[float] = []

    def on_epoch_begin(self, epoch: int) -> None:
        """Start."""
        self._begun, self._cpu = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Stop: the totals were read, so that the device is done."""
        self.seconds.append(time.perf_counter() - self._begun)
        self.cpu.append(time.process_time() - self._cpu)


def main() -> None:
    """Rank 0 prints a line of JSON a cell, and before it one a size of `sweep` if `--sweep` is given."""
    parser = argparse.ArgumentParser(prog="python -m bpnet_benchmarks.ranks.steps")
    parser.add_argument("cells", nargs="+", metavar="NET:BATCH")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each figure, about")
    parser.add_argument("--sweep", action="store_true", help="time all_reduce before each cell")
    given = parser.parse_args()
    ranks = communicator()
    for cell in given.cells:
        if given.sweep and ranks is not None:
            for size in SIZES:
                _tell(ranks, {"bytes": size, "all_reduce": seconds(ranks, size, 0.3)})
        net, _, batch = cell.partition(":")
        _tell(ranks, {"net": net, "batch": int(batch), **_cell(net, int(batch), given.seconds, ranks)})
    if ranks is not None:
        ranks.barrier()
        ranks.close()


def _cell(net: str, batch: int, budget: float, ranks: Communicator | None) -> dict[str, Any]:
    size = 1 if ranks is None else ranks.size
    apart, cpu = _step(net, -(-batch // size), budget, ranks, None)
    found: dict[str, Any] = {"parameters": parameters(net)}
    if ranks is None:
        return {**found, "step": apart, "cpu": cpu}
    own = np.array([apart])
    ranks.all_reduce(own)
    found["apart"] = float(own[0]) / size
    usual = overlap.LEAST
    for name, beside in (("step", True), ("without_overlap", False)):
        overlap.LEAST = usual if beside else 1 << 60
        found[name], found["cpu"] = _step(net, batch, budget, ranks, ranks)
    return found


def parameters(net: str) -> int:
    """Of a chain of dense layers."""
    sizes = [int(each) for each in net.split("-")]
    return sum((before + 1) * after for before, after in pairwise(sizes))


def problem(net: str, batch: int) -> tuple[Sequential, np.ndarray, np.ndarray]:
    """A chain of dense layers, compiled, and a batch of random samples and classes."""
    sizes = [int(each) for each in net.split("-")]
    rng = np.random.default_rng(0)
    x = rng.random((batch, sizes[0]), np.float32)
    y = rng.integers(sizes[-1], size=batch)
    model = Sequential(
        [Input((sizes[0],)), *(Dense(each, "relu") for each in sizes[1:-1]), Dense(sizes[-1], "softmax")]
    )
    model.compile(optimizer=Adam(), loss="sparse_categorical_crossentropy")
    return model, x, y


def _step(
    net: str, batch: int, budget: float, ranks: Communicator | None, fit: Communicator | None
) -> tuple[float, float]:
    """The median of the epochs' seconds a step, of as many steps an epoch as the budget has room for; and of
    its processor time, which others on the machine change less.
    """
    model, x, y = problem(net, batch)
    arguments: dict[str, Any] = {"batch_size": batch, "verbose": 0, "distributed": fit}
    model.fit(x, y, steps_per_epoch=2, **arguments)  # what is compiled is compiled
    begun = time.perf_counter()
    model.fit(x, y, steps_per_epoch=5, **arguments)
    fitting = budget / EPOCHS / ((time.perf_counter() - begun) / 5)
    steps = np.array([max(LEAST_STEPS, min(MOST_STEPS, fitting))], float)
    if ranks is not None:
        ranks.broadcast(steps)
        ranks.barrier()
    clock = Clock()
    model.fit(x, y, steps_per_epoch=int(steps[0]), epochs=EPOCHS, callbacks=[clock], **arguments)
    return median(clock.seconds[1:]) / int(steps[0]), median(clock.cpu[1:]) / int(steps[0])


def _tell(ranks: Communicator | None, row: Mapping[str, Any]) -> None:
    if ranks is None or ranks.rank == 0:
        where = {"engine": "", "ranks": 1} if ranks is None else {"engine": ranks.name, "ranks": ranks.size}
        print(json.dumps({**where, **row}), flush=True)


if __name__ == "__main__":
    main()
