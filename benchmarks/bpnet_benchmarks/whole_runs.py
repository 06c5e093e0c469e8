"""Whole training runs on the GPU's backends against the same runs on NumPy: how far their loss curves lie apart.

`python -m bpnet_benchmarks.whole_runs --out FILE.json` runs recipes, each in a process of its own. The figure is
maxₑ |loss(e) - NumPy's loss(e)| / NumPy's loss(e) over the epochs e, held-out losses included, in the same float type.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

from bpnet.backend import DTYPES, load
from bpnet.recipes import Options, recipe
from bpnet_benchmarks.machine import machine, usable_cores
from bpnet_benchmarks.processes import ChildFailedError, result_stream, run_json
from bpnet_benchmarks.tables import Table, duration, text

KIND = "whole runs"
"""What the file says that it is."""

EPOCHS = {"digits": 20, "cnn": 1}
"""Of each recipe."""

REFERENCE = "numpy"
BACKENDS = ("cupy", "torch:cuda")

# Each update starts from the roundings of those before, and libraries add in different orders. In `cnn` a rounding may
# also change which number of a window is the largest: after two epochs NumPy and PyTorch on the CPU were 7e-4 apart in
# float32, and 3e-16 in float64.
LIMITS = {
    ("digits", "float64"): 1e-9,
    ("digits", "float32"): 1e-4,
    ("cnn", "float64"): 1e-9,
    ("cnn", "float32"): 1e-2,
}

LIMIT = 55.0
"""Seconds for all runs; those that have not ended then are told as such."""

AT_ONCE = 6
"""Runs at a time: nothing is timed here. Each has its share of the cores, so that their threads do not fight."""


def main() -> None:
    """All runs; with `--child RECIPE BACKEND DTYPE` that one. Exit status 1 where one fails or is beyond its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--recipe", action="append", choices=EPOCHS, help="repeatable; default: all")
    parser.add_argument("--backend", action="append", help="repeatable; default: those of a GPU")
    parser.add_argument("--child", nargs=3, metavar=("RECIPE", "BACKEND", "DTYPE"))
    options = parser.parse_args()
    if options.child:
        with result_stream() as out:
            out.write(json.dumps(_run(*options.child)) + "\n")
        return
    if options.out is None:
        parser.error("--out FILE.json is missing")
    found: dict[str, Any] = {"kind": KIND, "machine": machine(), "runs": []}
    backends = (REFERENCE, *(options.backend or BACKENDS))
    recipes = sorted(options.recipe or EPOCHS)  # `cnn`, which takes longest, first
    asked = [(name, backend, dtype) for name in recipes for backend in backends for dtype in DTYPES]
    end = perf_counter() + LIMIT
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = dict(zip(asked, pool.map(lambda each: _told(each[0], each[1], each[2], end), asked), strict=True))
    for (name, backend, dtype), run in told.items():
        found["runs"].append(run if backend == REFERENCE else compared(run, told[name, REFERENCE, dtype]))
    options.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(text([table(found["runs"])]))
    sys.exit(not all(each.get("within", "why_not" not in each) for each in found["runs"]))


def compared(run: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Any]:
    """The run, with its largest relative `error` and whether it is `within` the limit; not a number is not."""
    if "why_not" in run or "why_not" in reference:
        return {**run, "why_not": run.get("why_not") or f"{REFERENCE} did not run"}
    pairs = [
        pair
        for name in ("loss", "val_loss")
        if name in reference["history"]
        for pair in zip(run["history"][name], reference["history"][name], strict=True)
    ]
    errors = [abs(here - there) / there for here, there in pairs]
    within = all(error <= LIMITS[run["recipe"], run["dtype"]] for error in errors)
    return {
        **run,
        "error": max(errors) if within else max(errors, key=lambda error: (error != error, error)),
        "within": within,
    }


def table(runs: list[dict[str, Any]]) -> Table:
    """A row a run."""
    found = Table(
        "whole runs against NumPy", ["recipe", "dtype", "backend", "seconds", "last loss", "error", "limit", ""]
    )
    for run in runs:
        row = [run["recipe"], run["dtype"], run["backend"]]
        if "why_not" in run:
            found.rows.append([*row, "-", "-", "-", "-", f"did not run: {run['why_not']}"])
            continue
        figures = [duration(run["seconds"]), f"{run['history']['loss'][-1]:.6g}"]
        if "error" in run:
            verdict = "pass" if run["within"] else "MISS"
            found.rows.append(
                [*row, *figures, f"{run['error']:.1e}", f"{LIMITS[run['recipe'], run['dtype']]:.0e}", verdict]
            )
        else:
            found.rows.append([*row, *figures, "-", "-", "reference"])
    return found


def _told(name: str, backend: str, dtype: str, end: float) -> dict[str, Any]:
    """What a process tells of the run, which has until `end`, of the clock perf_counter."""
    command = [sys.executable, "-m", "bpnet_benchmarks.whole_runs", "--child", name, backend, dtype]
    about = {"recipe": name, "backend": backend, "dtype": dtype}
    try:
        return {**about, **run_json(command, max(1, usable_cores() // AT_ONCE), max(0.1, end - perf_counter()))}
    except ChildFailedError as error:
        reason = str(error).splitlines()[-1].strip()
        return {**about, "why_not": reason.partition(" Mend:")[0]}


def _run(name: str, spec: str, dtype: str) -> dict[str, Any]:
    """The history of the recipe's own run, on exactly this backend, and what it took with whatever it compiles."""
    backend = load(spec, strict=True)
    start = perf_counter()
    outcome = recipe(name).run(Options(backend, dtype, epochs=EPOCHS[name]))
    seconds = perf_counter() - start
    model = outcome.model
    assert model is not None
    history = {key: [float(value) for value in values] for key, values in model.history.history.items()}
    return {"device": backend.device, "seconds": seconds, "history": history}


if __name__ == "__main__":
    main()
