"""The loss and the metrics of a network on data that it does not learn from."""

from __future__ import annotations

from bpnet.backend import Array
from bpnet.training.objective import Objective
from bpnet.training.totals import Totals


def measure(objective: Objective, x: Array, y: Array, weight: Array | None, batch_size: int = 1024) -> dict[str, float]:
    """The loss, penalty included, and the metrics; batch by batch, read once at the end.

    A "mean" loss is the mean over all samples, a "sum" loss the sum over them, however they fall into batches.
    """
    network = objective.network
    is_mean = objective.loss.reduction == "mean"
    samples = x.shape[0]
    totals = Totals(network.backend, objective.metrics)
    for start in range(0, samples, batch_size):
        stop = min(start + batch_size, samples)
        part_x, part_y = x[start:stop, ...], y[start:stop, ...]
        part_weight = None if weight is None else weight[start:stop]
        value, z = objective.value(part_x, part_y, part_weight)
        totals.add(value, stop - start if is_mean else 1, part_weight, objective.metric_sums(part_y, z, part_weight))
    logs = totals.read(samples if is_mean else 1, samples, weight is not None)
    if network.penalties:
        logs["loss"] += float(network.backend.to_numpy(network.penalty()))
    return logs
