"""The outputs of a network for batches that come from the host."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from bpnet.backend import Array
from bpnet.nn.network import Network
from bpnet.nn.op import zeros

MOST_PLANS = 4
"""How many batch sizes are remembered: the usual one, the last and smaller one, and those of other callers."""


class Inference:
    """Forward through a network, last activation included; captured once for each batch size in use."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._plan = lru_cache(MOST_PLANS)(self._new_plan)

    def __call__(self, batch: Any) -> Any:
        """The outputs for a batch of the host, (N, …), as an array of the host."""
        backend = self._network.backend
        x, y, forward = self._plan(len(batch))
        x[...] = backend.asarray(batch, self._network.dtype)
        forward()
        return backend.to_numpy(y)

    def _new_plan(self, size: int) -> tuple[Array, Array, Callable[[], None]]:
        network = self._network
        (source,), (target,) = network.graph.inputs, network.graph.outputs
        x = zeros(network.backend, (size, *source.shape), network.dtype)
        y = zeros(network.backend, (size, *target.shape), network.dtype)

        def forward() -> None:
            (out,), _ = network.forward([x], train=False)
            y[...] = out

        return x, y, network.backend.capture(forward)
