"""The numbers of all models of an ensemble, on the host: what a stack takes up, trains and gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bpnet.data.random import generator
from bpnet.nn.network import Network, first_key
from bpnet.nn.stacked import StackedNetwork
from bpnet.nn.stacked_optimizer import StackedOptimizer

KEYS = 2
"""The place of the keys in `Numbers.arrays`."""


@dataclass
class Numbers:
    """theta (K, P), state (K, S), keys (K, layers), and what the optimizer keeps: vectors (K, P) and columns (K, 1)."""

    theta: np.ndarray
    state: np.ndarray
    keys: np.ndarray
    optimizer: list[np.ndarray]

    @classmethod
    def first(cls, network: Network, optimizer: Sequence[np.ndarray], seeds: Sequence[int]) -> Numbers:
        """Those that a single model with each of the seeds begins with; `optimizer` has its vectors, as they begin."""
        models, dtype = len(seeds), network.dtype
        made = cls(
            np.zeros((models, network.layout.size), dtype),
            np.zeros((models, network.state_layout.size), dtype),
            np.zeros((models, len(network.graph.layers)), np.int64),
            [np.repeat(vector.reshape(1, -1), models, axis=0) for vector in optimizer],
        )
        for k, seed in enumerate(seeds):
            draw = partial(generator, seed, "weights")
            for i, layer in enumerate(network.graph.layers):
                if layer.is_random:
                    made.keys[k, i] = first_key(i, draw)
            for vector, layout in ((made.theta, network.layout), (made.state, network.state_layout)):
                for place in layout.places:
                    vector[k, place.start : place.stop] = np.ravel(place.first(draw))
        return made

    def __len__(self) -> int:
        return len(self.theta)

    def arrays(self) -> list[np.ndarray]:
        """All of them, in one order."""
        return [self.theta, self.state, self.keys, *self.optimizer]


def device_arrays(network: StackedNetwork, optimizer: StackedOptimizer) -> list[Any]:
    """The same of a stack on its device."""
    return [network.theta, network.state, network.keys, *optimizer.vectors()]
