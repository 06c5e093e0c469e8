"""What is measured in each mode: a function of a contender, a problem and a job, which returns its figures.

All give `seconds`, a list. `loss` is the cross-entropy, in float64, of the weights after `checked_steps` steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from bpnet_benchmarks.contenders.contender import Contender, Run
from bpnet_benchmarks.job import Job
from bpnet_benchmarks.problem import Problem
from bpnet_benchmarks.reference import judged_loss, probabilities
from bpnet_benchmarks.terminal import on_terminal
from bpnet_benchmarks.timing import chunk_times

EPOCHS = 3
"""Epochs of one timed call of `fit`; its seconds are divided by so many."""


def step(contender: Contender, problem: Problem, job: Job) -> dict[str, Any]:
    """Seconds of a training step, a chunk each."""
    run = contender.prepare(problem)
    checked = _check(contender, problem, run, problem.workload.checked_steps(problem.batch))
    times = chunk_times(run.step, run.synchronize, job.seconds)
    return {"seconds": [each / run.steps_per_call for each in times], **checked}


def fit(contender: Contender, problem: Problem, job: Job) -> dict[str, Any]:
    """Seconds of an epoch; where `fit` is made of `step`, `steps_s` is what its steps alone take."""
    run = contender.prepare(problem)
    times: list[float] = []
    with on_terminal() as terminal:
        run.fit(1)  # compiles
        while sum(times) < job.seconds:
            start = time.perf_counter()
            run.fit(EPOCHS)
            times.append(time.perf_counter() - start)
    figures = {
        "seconds": [each / EPOCHS for each in times],
        "loss": judged_loss(problem, run.weights()),
        "terminal": terminal,
    }
    if contender.fit_is_steps:
        steps = chunk_times(run.step, run.synchronize, job.seconds / 2)
        figures["steps_s"] = median(steps) * problem.steps
    return figures


def predict(contender: Contender, problem: Problem, job: Job) -> dict[str, Any]:
    """Seconds of a call; `difference` is how far the probabilities are from those in float64, at most."""
    run = contender.prepare(problem)
    x = problem.x[: problem.batch]
    expected = probabilities(problem.workload, problem.weights, x)
    x = run.laid_out(x)
    difference = float(np.max(np.abs(run.predict(x) - expected)))
    times = chunk_times(lambda: run.predict(x), lambda: None, job.seconds)
    return {"seconds": times, "difference": difference}


def start(contender: Contender, problem: Problem, job: Job) -> dict[str, Any]:
    """Seconds from the start of the process to the end of the first step; `child` takes off what is not start-up."""
    run = contender.prepare(problem)
    run.step()
    run.synchronize()
    seconds = time.time() - job.started
    return {"seconds": [seconds], "loss": judged_loss(problem, run.weights()), "checked_steps": 1}


MEASURE: dict[str, Callable[[Contender, Problem, Job], dict[str, Any]]] = {
    "step": step,
    "fit": fit,
    "predict": predict,
    "start": start,
}


def _check(contender: Contender, problem: Problem, run: Run, steps: int) -> dict[str, Any]:
    """Make the first `steps` steps, or some more where a call makes many, and tell what they led to."""
    calls = -(-steps // run.steps_per_call)
    for _ in range(calls):
        run.step()
    run.synchronize()
    if not contender.is_judged:
        return {}
    return {"loss": judged_loss(problem, run.weights()), "checked_steps": calls * run.steps_per_call}
