"""When a device has no memory left: an error that says how large a batch may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from bpnet.nn.network import Network
from bpnet.nn.op import zeros
from bpnet.sklearn.objective import WeightedObjective
from bpnet.training.out_of_memory import OutOfMemoryError, free_memory, is_out_of_memory, largest, let_go


@contextmanager
def explained(estimator: Any, network: Network, samples: int) -> Iterator[None]:
    """OutOfMemoryError with a batch that fits, in place of the error of the device's library."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        given = min(200, samples) if estimator.batch_size == "auto" else min(estimator.batch_size, samples)
        free = free_memory(network.backend, error)
        let_go(error)
        fits = largest(given, partial(_learn, estimator, network))
        mend = "a smaller network; not even one sample fits" if fits is None else f"batch_size={fits} fits"
        raise OutOfMemoryError(
            f"batch_size: {given} samples at a time need more memory than {network.backend.device} has left. "
            f"Mend: {mend}",
            fits,
            free,
        ) from error


def _learn(estimator: Any, network: Network, samples: int) -> None:
    """What a step needs memory for, on zeros."""
    objective = WeightedObjective(network, estimator._loss_on(network.dtype), estimator.alpha)
    features, outputs = network.graph.inputs[0].shape[0], network.graph.outputs[0].shape[0]
    x = zeros(network.backend, (samples, features), network.dtype)
    shape = (samples,) if objective.target_type == "int64" else (samples, outputs)
    objective.learn(x, zeros(network.backend, shape, objective.target_type), None)
    network.backend.synchronize()
