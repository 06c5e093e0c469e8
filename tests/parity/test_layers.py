"""Every layer: its output, and the gradients of its inputs and parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import isabstract

import numpy as np
import pytest
import torch

import bpnet
from bpnet import Activation, Add, Dense, Input, Layer, Maximum, Multiply
from bpnet.backend import Backend
from bpnet.nn.graph import Graph
from bpnet.nn.network import Network
from parity.arrays import Agree, Results, autograd, generator, host, normal

X = normal("layers: x", 23, 12)
W = normal("layers: w", 12, 17)
B = normal("layers: b", 17)
GATES = [normal(f"layers: gate {i}", 23, 12) for i in range(3)]


@dataclass
class Case:
    """A layer, the arrays that it is given, and the same in PyTorch."""

    layer: Callable[[], Layer]
    reference: Callable[..., torch.Tensor]
    inputs: list[np.ndarray]
    parameters: dict[str, np.ndarray] = field(default_factory=dict)


CASES = {
    "dense": Case(lambda: Dense(17), lambda x, w, b: x @ w + b, [X], {"w": W, "b": B}),
    "dense, no bias": Case(lambda: Dense(17, use_bias=False), lambda x, w: x @ w, [X], {"w": W}),
    "dense, tanh": Case(lambda: Dense(17, "tanh"), lambda x, w, b: (x @ w + b).tanh(), [X], {"w": W, "b": B}),
    "dense, softmax": Case(
        lambda: Dense(17, "softmax"), lambda x, w, b: (x @ w + b).softmax(-1), [X], {"w": W, "b": B}
    ),
    "dense, silu, no bias": Case(
        lambda: Dense(17, "silu", use_bias=False), lambda x, w: torch.nn.functional.silu(x @ w), [X], {"w": W}
    ),
    "activation": Case(lambda: Activation("sigmoid"), torch.sigmoid, [X]),
    "activation of (n, 3, 4)": Case(lambda: Activation("softmax"), lambda x: x.softmax(-1), [X.reshape(23, 3, 4)]),
    "add": Case(Add, lambda *x: x[0] + x[1] + x[2], GATES),
    "multiply": Case(Multiply, lambda *x: x[0] * x[1] * x[2], GATES),
    "maximum": Case(Maximum, lambda *x: torch.maximum(torch.maximum(x[0], x[1]), x[2]), GATES),
}


def test_every_layer_has_a_case() -> None:
    public = {
        kind
        for kind in vars(bpnet).values()
        if isinstance(kind, type) and issubclass(kind, Layer)
        if not isabstract(kind)
    }
    assert {type(case.layer()) for case in CASES.values()} == public


@pytest.mark.parametrize("name", CASES)
def test_layer(name: str, agree: Agree) -> None:
    case = CASES[name]
    nodes = [Input(x.shape[1:]) for x in case.inputs]
    dy = normal("layers: dy", len(X), *case.layer()(*nodes).shape)

    def run(backend: Backend, dtype: str) -> Results:
        graph = Graph(nodes, [case.layer()(*nodes)])
        network = Network(graph, backend, dtype, lambda *_: generator("unused"))
        (p,), (g,) = network.p, network.g
        assert vars(p).keys() == case.parameters.keys()
        for parameter, value in case.parameters.items():
            getattr(p, parameter)[...] = backend.asarray(value, dtype)
        (y,), tape = graph.forward(network.p, [backend.asarray(x, dtype) for x in case.inputs], train=True)
        dx = graph.backward(network.p, tape, [backend.asarray(dy, dtype)], network.g, need_dinputs=True)
        gradients = [*dx, *(getattr(g, parameter) for parameter in case.parameters)]
        return {"forward": host(backend, dtype, y), "backward": host(backend, dtype, *gradients)}

    agree("layer", name, run, lambda: autograd(case.reference, [*case.inputs, *case.parameters.values()], dy))
