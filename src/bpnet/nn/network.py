"""A graph with its numbers: one vector of parameters, one of gradients, and views of both for every layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array, Backend
from bpnet.nn.graph import Graph, Node, Tape
from bpnet.nn.op import zeros
from bpnet.nn.parameters import Layout
from bpnet.nn.regularizers import add_penalty_grad, penalties, penalty


def layouts(graph: Graph) -> tuple[Layout, Layout]:
    """Where the parameters lie in theta, and the states in their vector; nothing is allocated for it."""
    nodes = [node for node in graph.nodes if node.layer is not None]
    first = {id(node.layer): tuple(x.shape for x in node.inputs) for node in reversed(nodes)}
    declared = [(layer, first[id(layer)]) for layer in graph.layers]
    parameters = Layout.of([layer.parameters(*shapes) for layer, shapes in declared])
    return parameters, Layout.of([layer.state(*shapes) for layer, shapes in declared])


class Network:
    """A graph on a backend, in one float type.

    `generator(layer, parameter)` returns the host's random generator for that parameter's first values.
    `theta`, `grad` and `state` are single vectors, `keys` one of int64: those of the layers' random streams. `p` are
    the layers' views of theta, state and keys, `g` those of grad.
    """

    def __init__(self, graph: Graph, backend: Backend, dtype: str, generator: Callable[[int, str], Any]) -> None:
        self.graph = graph
        self.backend = backend
        self.dtype = dtype
        for layer in graph.layers:
            layer.bind(backend)
        self.layout, self.state_layout = layouts(graph)
        self.theta = zeros(backend, (self.layout.size,), dtype)
        self.grad = zeros(backend, (self.layout.size,), dtype)
        self.state = zeros(backend, (self.state_layout.size,), dtype)
        self.keys = zeros(backend, (len(graph.layers),), "int64")
        self.p = [
            SimpleNamespace(**vars(own), **vars(state), key=backend.xp.reshape(self.keys[i : i + 1], ()))
            for i, (own, state) in enumerate(
                zip(self.layout.views(backend, self.theta), self.state_layout.views(backend, self.state), strict=True)
            )
        ]
        self.g = self.layout.views(backend, self.grad)
        self.penalties = penalties(
            [
                (place.start, place.stop, graph.layers[place.layer].penalty())
                for place in self.layout.places
                if place.parameter.decays
            ]
        )
        self.initialize(generator)

    def arrays(self) -> list[Array]:
        """The parameters and states of all layers, layer by layer; not the keys of their random streams."""
        return [array for layer in self.p for name, array in vars(layer).items() if name != "key"]

    def initialize(self, generator: Callable[[int, str], Any]) -> None:
        """Draw every parameter anew, and begin the states and the random streams."""
        for i, layer in enumerate(self.graph.layers):
            if layer.is_random:
                key = generator(i, "random").integers(-(1 << 63), (1 << 63) - 1, endpoint=True)
                self.keys[i : i + 1] = self.backend.asarray([int(key)], "int64")
        for place in (*self.layout.places, *self.state_layout.places):
            parameter = place.parameter
            draw = generator(place.layer, parameter.name)
            first = parameter.initializer(draw, parameter.shape, parameter.fan_in, parameter.fan_out)
            view = getattr(self.p[place.layer], parameter.name)
            view[...] = self.backend.asarray(first, self.dtype)

    def forward(self, inputs: Sequence[Array], *, train: bool, graph: Graph | None = None) -> tuple[list[Array], Tape]:
        """The outputs, and the tape that backward reads. `graph` is a twin of this network's, with the same layers."""
        return (graph or self.graph).forward(self.p, inputs, train=train)

    def backward(
        self,
        tape: Tape,
        doutputs: Sequence[Array],
        *,
        graph: Graph | None = None,
        finished: Callable[[int], None] | None = None,
    ) -> None:
        """Write the gradient of every parameter into `grad`; `finished` is told as in `Graph.backward`."""
        (graph or self.graph).backward(self.p, tape, doutputs, self.g, finished=finished)

    def penalty(self) -> Array | float:
        """The penalty on the weights, 0-d; 0.0 where no layer has one."""
        value: Array | float = 0.0
        for s in self.penalties:
            value = value + penalty(self.backend, self.theta[s.start : s.stop], s.l1, s.l2)
        return value

    def add_penalty_gradient(self) -> None:
        """Add the penalty's gradient to `grad`."""
        for s in self.penalties:
            add_penalty_grad(self.backend, self.theta[s.start : s.stop], self.grad[s.start : s.stop], s.l1, s.l2)

    def with_linear(self, outputs: Sequence[Node]) -> Graph:
        """The graph without the last activation of these outputs, bound to the same backend."""
        graph = self.graph.with_linear(outputs)
        for layer in graph.layers:
            layer.bind(self.backend)
        return graph
