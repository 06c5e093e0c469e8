"""`python -m bpnet_benchmarks.searches`: a grid of 36 candidates × 5 folds on the digits, by scikit-learn and by bpnet.

Each search is a process of its own, the contenders in turn; the figures are medians over the rounds. All have two
cores: two of joblib's processes with one thread each, or one process with two. The libraries, and bpnet's backend, are
loaded before the clock starts, but not in joblib's processes, whose start belongs to the search. The CPU seconds are
those of all processes of a search: they change less where other programs compute too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bpnet_benchmarks.disturbance import Disturbance
from bpnet_benchmarks.machine import commit, machine, versions
from bpnet_benchmarks.processes import run_json

GRID = {
    "hidden_layer_sizes": [(50,), (100,), (50, 50)],
    "alpha": [1e-4, 1e-2, 1.0],
    "learning_rate_init": [3e-4, 1e-3, 3e-3, 1e-2],
}
FOLDS = 5

CONTENDERS: dict[str, tuple[str, str, int, int]] = {
    "scikit-learn": ("GridSearchCV", "sklearn.neural_network", 2, 1),
    "GridSearchCV over bpnet": ("GridSearchCV", "bpnet.sklearn", 2, 1),
    "MLPSearchCV, two processes": ("MLPSearchCV", "bpnet.sklearn", 2, 1),
    "MLPSearchCV": ("MLPSearchCV", "bpnet.sklearn", 1, 2),
}
"""The search, whose estimator, how many processes, and how many threads each has."""

PATIENCE = 3600.0
"""Seconds for one search."""


def search(contender: str, given: argparse.Namespace) -> dict[str, Any]:
    """Search once in this process: seconds, CPU seconds, the best candidate, and the scores of all fits."""
    from importlib import import_module

    from sklearn.datasets import load_digits
    from sklearn.model_selection import GridSearchCV

    kind, library, processes, _ = CONTENDERS[contender]
    module = import_module(library)
    if library.startswith("bpnet"):
        import_module("bpnet").load()
    os.environ["PYTHONWARNINGS"] = "ignore"  # the processes of joblib: most candidates do not converge in so few epochs
    warnings.simplefilter("ignore")
    x, y = load_digits(return_X_y=True)
    estimator = module.MLPClassifier(max_iter=given.epochs, batch_size=given.batch or "auto", random_state=0)
    make = GridSearchCV if kind == "GridSearchCV" else module.MLPSearchCV
    searching = make(estimator, GRID, cv=FOLDS, n_jobs=processes, refit=False)
    start, used = time.perf_counter(), _cpu_seconds()
    searching.fit((x / 16).astype(given.dtype), y)
    seconds = time.perf_counter() - start
    if processes > 1:  # those of processes that have ended are counted
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True)
    results = searching.cv_results_
    scores = [results[f"split{number}_test_score"].tolist() for number in range(FOLDS)]
    best = searching.best_params_
    return {"seconds": seconds, "cpu": _cpu_seconds() - used, "best": best, "scores": scores}


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def compare(given: argparse.Namespace) -> dict[str, Any]:
    """Search in turn, print, and return the record."""
    runs: dict[str, list[Mapping[str, Any]]] = {name: [] for name in given.contender or CONTENDERS}
    options = ["--epochs", str(given.epochs), "--batch", str(given.batch), "--dtype", given.dtype]
    disturbance = Disturbance()
    for _ in range(given.rounds):
        for name, found in runs.items():
            command = [sys.executable, "-m", "bpnet_benchmarks.searches", "--run", name, *options]
            found.append(run_json(command, CONTENDERS[name][3], PATIENCE))
    others = disturbance.cores()
    first = next(iter(runs.values()))
    best, scores = first[0]["best"], np.array(first[0]["scores"])
    print(
        f"36 candidates × {FOLDS} folds, {given.epochs} epochs, batch {given.batch or 'auto'}, {given.dtype}; ", end=""
    )
    print(f"other programs used {others or 0:.1f} cores\nbest of {next(iter(runs))}: {best}")
    summary: dict[str, Any] = {}
    for name, found in runs.items():
        line = {key: median(run[key] for run in found) for key in ("seconds", "cpu")}
        of_first = {key: median(run[key] for run in first) for key in ("seconds", "cpu")}
        differing = np.array(found[0]["scores"]) != scores
        largest = float(np.abs(np.array(found[0]["scores"]) - scores).max())
        summary[name] = {
            **{key: round(value, 2) for key, value in line.items()},
            "same best": found[0]["best"] == best,
            "scores that differ": int(differing.sum()),
            "largest difference": largest,
        }
        print(
            f"  {name:28} {line['seconds']:7.1f} s ({of_first['seconds'] / line['seconds']:.1f} times as fast), CPU "
            f"{line['cpu']:7.1f} s ({of_first['cpu'] / line['cpu']:.1f}); "
            f"best candidate {'the same' if found[0]['best'] == best else found[0]['best']}, "
            f"{differing.sum()} of {scores.size} scores differ, at most by {largest:.2g}",
            flush=True,
        )
    times = {name: [{key: run[key] for key in ("seconds", "cpu")} for run in found] for name, found in runs.items()}
    settings = {"epochs": given.epochs, "batch": given.batch or "auto", "dtype": given.dtype, "folds": FOLDS}
    return {"grid": GRID, "settings": settings, "others": others, "best": best, "summary": summary, "runs": times}


def main() -> None:
    """Compare and record, or, in a process of its own, search once."""
    parser = argparse.ArgumentParser(prog="python -m bpnet_benchmarks.searches")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch", type=int, default=0, help="0: scikit-learn's own choice, 200")
    parser.add_argument("--dtype", default="float64", choices=["float32", "float64"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contender", action="append", choices=CONTENDERS, help="several times; default: all")
    parser.add_argument("--out", type=Path, help="the record; default: benchmarks/results/DATE-searches.json")
    parser.add_argument("--run", choices=CONTENDERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(search(given.run, given)))
        return
    now = datetime.now()
    path = given.out or Path(__file__).parents[1] / "results" / f"{now:%Y-%m-%dT%H%M%S}-searches.json"
    head = {"date": f"{now:%Y-%m-%dT%H:%M:%S}", "commit": commit(), "machine": machine(), "versions": versions()}
    path.write_text(json.dumps({**head, **compare(given)}, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
