"""Did a contender do the work? One whose result is not that of NumPy in float64 is thrown out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from bpnet_benchmarks.problem import problem
from bpnet_benchmarks.record import Cell
from bpnet_benchmarks.reference import allowed, judged_loss, trained
from bpnet_benchmarks.workload import Workload

PREDICT_TOLERANCE = 1e-4
"""How far a predicted probability may be from the one in float64, absolute: float32 rounds a logit of 10 by 1e-6."""


def judge(cell: Cell, figures: Mapping[str, Any], workload: Workload, slack: float = 1.0) -> str | None:
    """Why the result is not that of this training; None where it is. `slack` is the contender's."""
    if "difference" in figures:
        difference = figures["difference"]
        if difference <= PREDICT_TOLERANCE:
            return None
        return f"wrong: a probability is off by {difference:.2g}, expected at most {PREDICT_TOLERANCE:g}"
    if "loss" not in figures:
        return None
    cell.loss = figures["loss"]
    if cell.mode == "fit":
        cell.reference = reference_loss(workload, cell.batch, 0)
        if cell.loss < cell.reference:
            return None
        return f"wrong: the loss after fit is {cell.loss:.6g}, expected less than the first one, {cell.reference:.6g}"
    cell.reference = reference_loss(workload, cell.batch, figures["checked_steps"])
    within = slack * allowed(cell.reference, reference_loss(workload, cell.batch, 0))
    if abs(cell.loss - cell.reference) <= within:
        return None
    return (
        f"wrong: the loss after {figures['checked_steps']} steps is {cell.loss:.8g}, expected {cell.reference:.8g} "
        f"within {within:.2g}"
    )


@cache
def reference_loss(workload: Workload, batch: int, steps: int) -> float:
    """The loss after `steps` steps in NumPy and float64."""
    work = problem(workload, batch)
    return judged_loss(work, trained(work, steps))
