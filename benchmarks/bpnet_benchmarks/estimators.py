"""`python -m bpnet_benchmarks.estimators`: the fits of bpnet.sklearn against scikit-learn's, on two threads.

Each fit is made in a process of its own, the two libraries in turn, five times. Both libraries are loaded before the
clock starts, bpnet's with the backend that it will use (half a second, most of it Numba's import, once in a process). A
process fits twice: the first fit includes all that has to be prepared, kernels that are kept on the disk excepted; the
second shows what a search over parameters pays for each.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from statistics import median
from typing import Any

import numpy as np

from bpnet_benchmarks.disturbance import Disturbance
from bpnet_benchmarks.processes import run_json

TIMES = 5
THREADS = 2
PATIENCE = 600.0
"""Seconds for one process."""

LIBRARIES = {"scikit-learn": "sklearn.neural_network", "bpnet": "bpnet.sklearn"}

TASKS: dict[str, tuple[str, float]] = {
    "digits": ("64-128-10, batch 32, 50 epochs, adam, float32", 4.0),
    "wide": ("20,000×100, hidden (256, 128), batch 200, 10 epochs, adam", 2.0),
    "lbfgs": ("5,000×50, hidden (100,), 50 iterations of lbfgs", 1.5),
}
"""What each is, and how many times as fast bpnet is to be."""


def task(name: str) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """The parameters, X and y."""
    rng = np.random.default_rng(0)
    common: dict[str, Any] = {"random_state": 0, "tol": 0.0, "n_iter_no_change": 1000}
    if name == "digits":
        from sklearn.datasets import load_digits

        x, y = load_digits(return_X_y=True)
        return {**common, "hidden_layer_sizes": (128,), "batch_size": 32, "max_iter": 50}, (x / 16).astype("float32"), y
    if name == "wide":
        x = rng.normal(size=(20_000, 100))
        y = (x @ rng.normal(size=(100, 10))).argmax(axis=1)
        return {**common, "hidden_layer_sizes": (256, 128), "batch_size": 200, "max_iter": 10}, x, y
    x = rng.normal(size=(5_000, 50))
    y = (x @ rng.normal(size=(50, 5)) + rng.normal(size=(5_000, 5))).argmax(axis=1)
    return {**common, "solver": "lbfgs", "max_iter": 50}, x, y


def fit_twice(library: str, name: str) -> None:
    """Print the seconds of two fits, and the last loss, as JSON."""
    from importlib import import_module

    parameters, x, y = task(name)
    estimator = import_module(LIBRARIES[library]).MLPClassifier
    if library == "bpnet":
        import_module("bpnet").load()
    warnings.simplefilter("ignore")
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        fitted = estimator(**parameters).fit(x, y)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"first": seconds[0], "second": seconds[1], "loss": fitted.loss_}))


def compare(name: str) -> None:
    """Print the medians of both libraries, and their ratio."""
    found: dict[str, list[Any]] = {library: [] for library in LIBRARIES}
    disturbance = Disturbance()
    for _ in range(TIMES):
        for library, runs in found.items():
            command = [sys.executable, "-m", "bpnet_benchmarks.estimators", library, name]
            runs.append(run_json(command, THREADS, PATIENCE))
    what, wanted = TASKS[name]
    print(f"{name}: {what}; other programs used {disturbance.cores():.1f} cores", flush=True)
    for which in ("first", "second"):
        theirs, ours = (median(run[which] for run in runs) for runs in found.values())
        print(
            f"  {which} fit: scikit-learn {theirs:.3f} s, bpnet {ours:.3f} s: {theirs / ours:.1f} times as fast, "
            f"wanted {wanted:g}",
            flush=True,
        )
    print(
        "  last losses: " + ", ".join(f"{library} {runs[0]['loss']:.8g}" for library, runs in found.items()), flush=True
    )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        fit_twice(*sys.argv[1:])
    else:
        for each in sys.argv[1:] or TASKS:
            compare(each)
