"""The outputs of a network for batches that come from the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
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
        self._plan = lru_cache(MOST_PLANS)(partial(_new_plan, network))  # no cycle: its memory goes at once

    def __call__(self, batch: Sequence[Any]) -> list[Any]:
        """The outputs for arrays of the host, (N, …) for each input, as arrays of the host."""
        backend = self._network.backend
        inputs, outputs, forward = self._plan(len(batch[0]))
        for own, x in zip(inputs, batch, strict=True):
            own[...] = backend.asarray(x, self._network.dtype)
        forward()
        return [backend.to_numpy(y) for y in outputs]


def _new_plan(network: Network, size: int) -> tuple[list[Array], list[Array], Callable[[], None]]:
    inputs, outputs = (
        [zeros(network.backend, (size, *node.shape), network.dtype) for node in nodes]
        for nodes in (network.graph.inputs, network.graph.outputs)
    )

    def forward() -> None:
        found, _ = network.forward(inputs, train=False)
        for own, y in zip(outputs, found, strict=True):
            own[...] = y

    return inputs, outputs, network.backend.capture(forward)
