"""`python -m bpnet_benchmarks.ranks.overhead NET:BATCH…`, in one process: a step of `fit` that looks for ranks or not.

The same model is fitted in turn with `distributed=None`, which looks at nothing, and with `distributed="auto"`, which
finds that the launcher has started this process alone. Both take turns within one process, because two processes of one
program differ by more than what is looked for: where their memory lies, and who else computes at the time.
"""

from __future__ import annotations

import argparse
import json

from bpnet_benchmarks.ranks.steps import Clock, problem

PAIRS = 100
"""Fits of each kind."""

STEPS = 20
"""Of a fit; what comes before and after them is not timed."""


def main() -> None:
    """Print a line of JSON a cell: the seconds of a step in each fit."""
    parser = argparse.ArgumentParser(prog="python -m bpnet_benchmarks.ranks.overhead")
    parser.add_argument("cells", nargs="+", metavar="NET:BATCH")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    given = parser.parse_args()
    for cell in given.cells:
        net, _, batch = cell.partition(":")
        print(json.dumps({"net": net, "batch": int(batch), **pairs(net, int(batch), given.pairs)}), flush=True)


def pairs(net: str, batch: int, number: int) -> dict[str, list[float]]:
    """The seconds of a step: `none` and `auto`, a figure for each pair of fits; every other pair begins with `auto`."""
    model, x, y = problem(net, batch)

    def step(which: str | None) -> float:
        clock = Clock()
        model.fit(x, y, batch_size=batch, verbose=0, steps_per_epoch=STEPS, distributed=which, callbacks=[clock])
        return clock.seconds[0] / STEPS

    step(None), step("auto")  # what is compiled is compiled
    found: dict[str, list[float]] = {"none": [], "auto": []}
    for turn in range(number):
        for which in (None, "auto") if turn % 2 == 0 else ("auto", None):
            found[which or "none"].append(step(which))
    return found


if __name__ == "__main__":
    main()
