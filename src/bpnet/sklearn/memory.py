"""When a device has no memory left: an error that says how large a batch may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bpnet.nn.network import Network
from bpnet.nn.op import zeros
from bpnet.sklearn.objective import WeightedObjective
from bpnet.training.out_of_memory import is_out_of_memory


@contextmanager
def explained(estimator: Any, network: Network, samples: int) -> Iterator[None]:
    """MemoryError with the largest batch that fits, in place of the error of the device's library."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        given = min(200, samples) if estimator.batch_size == "auto" else min(estimator.batch_size, samples)
        size, device = largest(estimator, network, given), network.backend.device
        mend = f"batch_size={size} fits" if size else "a smaller network; not even one sample fits"
        raise MemoryError(
            f"batch_size: {given} samples at a time need more memory than {device} has left. Mend: {mend}"
        ) from error


def largest(estimator: Any, network: Network, batch_size: int) -> int:
    """The first of batch_size/2, batch_size/4, … samples that can be learned from at once; 0 if there is none."""
    objective = WeightedObjective(network, estimator._loss_on(network.dtype), estimator.alpha)
    features, outputs = network.graph.inputs[0].shape[0], network.graph.outputs[0].shape[0]
    size = batch_size // 2
    while size:
        try:
            shape = (size,) if objective.target_type == "int64" else (size, outputs)
            x, y = (
                zeros(network.backend, (size, features), network.dtype),
                zeros(network.backend, shape, objective.target_type),
            )
            objective.learn(x, y, None)
            network.backend.synchronize()
            return size
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        size //= 2
    return 0
