"""K networks of one graph as one: each array of a single network has a model axis before it.

theta and grad are (K, P), state (K, S), keys (K, layers); a weight is (K, I, O), a batch (K, N, …). The products of K
models are then one product of stacks, x (K, N, I) @ w (K, I, O) → (K, N, O), and an optimizer is one pass as before.
Nothing is summed over models, so each has the numbers that it would have alone.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array
from bpnet.nn.graph import Graph, Tape
from bpnet.nn.network import Network
from bpnet.nn.op import zeros
from bpnet.nn.stacked_layers import OneByOne, StackedDropout, StackedLayer, stacked_layer


class StackedNetwork:
    """K networks like `one`, whose graph, backend and float type they have; all their numbers begin as 0."""

    def __init__(self, one: Network, models: int) -> None:
        self.one = one
        self.models = models
        self.backend, self.dtype = one.backend, one.dtype
        self.layout, self.state_layout = one.layout, one.state_layout
        self.theta = zeros(self.backend, (models, self.layout.size), self.dtype)
        self.grad = zeros(self.backend, (models, self.layout.size), self.dtype)
        self.state = zeros(self.backend, (models, self.state_layout.size), self.dtype)
        self.keys = zeros(self.backend, (models, len(one.graph.layers)), "int64")
        self._at_work: dict[int, StackedLayer] = {}
        self.graph = self.stacked(one.graph)
        self.p = [
            layer.parameters(SimpleNamespace(**vars(own), **vars(state), key=self.keys[:, i]))
            for i, (layer, own, state) in enumerate(
                zip(
                    [self._at_work[id(layer)] for layer in one.graph.layers],
                    self.layout.views(self.backend, self.theta),
                    self.state_layout.views(self.backend, self.state),
                    strict=True,
                )
            )
        ]
        self.g = self.layout.views(self.backend, self.grad)

    def stacked(self, graph: Graph) -> Graph:
        """The same graph with its layers at work on stacks."""
        twin = copy.copy(graph)
        learning = _with_numbers(self.one)
        for number, layer in enumerate(graph.layers):
            if id(layer) not in self._at_work:
                self._at_work[id(layer)] = stacked_layer(layer, self.models, has_numbers=number in learning)
        layers: Any = [self._at_work[id(layer)] for layer in graph.layers]
        twin.layers = layers
        return twin

    def set_dropout(self, rates: Sequence[float]) -> None:
        """A rate for each model, in place of those of the Dropout layers."""
        for layer in self._at_work.values():
            if isinstance(layer, StackedDropout):
                layer.set_rates(rates)

    def forward(self, x: Array, *, train: bool, graph: Graph) -> tuple[Array, Tape]:
        """The output (K, N, …) of a graph that `stacked` made, for x (K, N, …), and the tape that backward reads."""
        (y,), tape = graph.forward(self.p, [x], train=train)
        return y, tape

    def backward(self, tape: Tape, dy: Array, *, graph: Graph) -> None:
        """Write the gradient of every model's parameters into `grad`."""
        graph.backward(self.p, tape, [dy], self.g)


def asks_in_turn(network: Network) -> bool:
    """Has it a layer that a stack of such networks would ask for one model after another?"""
    learning = _with_numbers(network)
    made = (stacked_layer(layer, 1, has_numbers=i in learning) for i, layer in enumerate(network.graph.layers))
    return any(isinstance(layer, OneByOne) for layer in made)


def _with_numbers(network: Network) -> set[int]:
    """The layers that have parameters or a state."""
    return {place.layer for place in (*network.layout.places, *network.state_layout.places)}
