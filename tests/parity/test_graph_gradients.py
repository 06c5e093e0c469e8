"""The backward passes of merging layers, and of values with several uses, against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpnet import Activation, Add, Dense, Input, Maximum, Model, Multiply, gradient_check
from bpnet.backend import Backend
from bpnet.nn.gradient_check import EPSILON, LIMIT, relative_distance
from bpnet.nn.graph import Graph, Node
from bpnet.nn.layer import Layer
from bpnet.nn.network import Network
from parity.arrays import generator, normal

X = normal("gradients: x", 37, 4)
Y = normal("gradients: y", 37, 3)


def branches() -> Graph:
    """Every merging layer, and a value with three uses."""
    x = Input((4,))
    h = Dense(5, "tanh", name="h")(x)
    product = Multiply()(h, Dense(5, "sigmoid", name="gate")(x), Dense(5, name="third")(h))
    largest = Maximum()(product, Dense(5, name="rival")(x), Dense(5, name="other")(h))
    return Graph([x], [Dense(3, name="out")(Add()(largest, product, h))])


def test_graph_with_branches(backend: Backend) -> None:
    model = Model(backend=backend, dtype="float64", seed=3)
    model.build(branches())
    model.compile("sgd", "mse")
    report = gradient_check(model, X, Y)
    assert {distance.layer for distance in report.distances} == {"h", "gate", "third", "rival", "other", "out"}
    assert report.ok, report


def test_a_layer_that_is_used_twice_learns_from_both_uses(backend: Backend) -> None:
    """A twin network: one embedding of two inputs, and once more of what it made of the first."""
    x = Input((4,))
    shared, again = Dense(4, "tanh", name="shared"), Dense(4, "sigmoid", name="again")
    h = shared(x)
    twice = Add()(shared(again(h)), again(x), h)
    model = Model(backend=backend, dtype="float64", seed=5)
    model.build(Graph([x], [Dense(3, name="out")(twice)]))
    model.compile("sgd", "mse")
    assert [layer.name for layer in model.network.graph.layers] == ["shared", "again", "add", "out"]
    assert model.network.layout.size == 2 * (4 * 4 + 4) + 4 * 3 + 3
    report = gradient_check(model, X, Y)
    assert report.ok, report


def test_a_last_layer_that_is_used_before_too(backend: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    """Its softmax is needed inside the network, so it is not left to the loss; the summary has it once."""
    x = Input((3,))
    last = Dense(3, "softmax", name="last")
    model = Model(backend=backend, dtype="float64", seed=6)
    model.build(Graph([x], [last(Dense(3, "tanh", name="between")(last(x)))]))
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.bind()[0].fused == [False]
    report = gradient_check(model, X[:, :3], np.argmax(Y, axis=1))
    assert report.ok, report
    model.summary()
    printed = capsys.readouterr().out
    assert printed.count("last") == printed.count("between") == 1
    assert "24 parameters" in printed


@pytest.mark.parametrize("merge", [Add, Multiply, Maximum])
@pytest.mark.parametrize("count", [2, 3])
def test_inputs_of_a_merging_layer(merge: Callable[[], Layer], count: int, backend: Backend) -> None:
    nodes = [Input((3,)) for _ in range(count)]
    graph = Graph(nodes, [merge()(*nodes)])
    _check_inputs(graph, [normal(f"gradients: merged {i}", 4, 3) for i in range(count)], backend)


def test_inputs_of_a_graph_with_two_outputs(backend: Backend) -> None:
    a, b = Input((3,)), Input((3,))
    product = Multiply()(a, b)
    outputs: list[Node] = [product, Add()(Activation("tanh")(product), a)]
    _check_inputs(Graph([a, b], outputs), [normal("gradients: a", 4, 3), normal("gradients: b", 4, 3)], backend)


def test_an_output_given_twice_counts_twice(backend: Backend) -> None:
    a, b = Input((3,)), Input((3,))
    product = Multiply()(a, b)
    _check_inputs(
        Graph([a, b], [product, product]), [normal("gradients: a", 4, 3), normal("gradients: b", 4, 3)], backend
    )


def test_of_equal_inputs_the_first_gets_the_gradient(backend: Backend, dtype: str) -> None:
    nodes = [Input((4,)) for _ in range(3)]
    graph = Graph(nodes, [Maximum()(*nodes)])
    network = Network(graph, backend, dtype, lambda *_: generator("unused"))
    rows = [[1.0, 2.0, 5.0, 3.0]], [[1.0, 0.0, 5.0, 3.0]], [[0.0, 2.0, 6.0, 3.0]]
    _, tape = graph.forward(network.p, [backend.asarray(row, dtype) for row in rows], train=True)
    dy = backend.asarray([[7.0, 8.0, 9.0, -4.0]], dtype)
    gradients = graph.backward(network.p, tape, [dy], network.g, need_dinputs=True)
    expected = [[[7.0, 8.0, 0.0, -4.0]], [[0.0] * 4], [[0.0, 0.0, 9.0, 0.0]]]
    assert [backend.to_numpy(dx).tolist() for dx in gradients] == expected


def _check_inputs(graph: Graph, inputs: list[np.ndarray], backend: Backend) -> None:
    """The gradients of L = Σ dy ⊙ y with respect to the inputs."""
    network = Network(graph, backend, "float64", lambda *_: generator("unused"))
    doutputs = [normal(f"gradients: dy {i}", len(inputs[0]), *node.shape) for i, node in enumerate(graph.outputs)]

    def put(arrays: list[np.ndarray]) -> list[Any]:
        return [backend.asarray(array, "float64") for array in arrays]

    def value() -> float:
        outputs, _ = graph.forward(network.p, put(inputs), train=True)
        return sum(float(np.sum(backend.to_numpy(y) * dy)) for y, dy in zip(outputs, doutputs, strict=True))

    _, tape = graph.forward(network.p, put(inputs), train=True)
    gradients = graph.backward(network.p, tape, put(doutputs), network.g, need_dinputs=True)
    for x, dx in zip(inputs, gradients, strict=True):
        numeric = []
        for index in np.ndindex(*x.shape):
            here = x[index]
            x[index] = here + EPSILON
            above = value()
            x[index] = here - EPSILON
            below = value()
            x[index] = here
            numeric.append((above - below) / (2 * EPSILON))
        assert relative_distance(np.ravel(backend.to_numpy(dx)).tolist(), numeric) <= LIMIT
