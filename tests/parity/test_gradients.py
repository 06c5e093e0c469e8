"""Every hand-written derivative against central differences, in float64, on every backend."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from bpnet import (
    L1,
    L1L2,
    L2,
    Activation,
    Add,
    Dense,
    ElementwiseActivation,
    Elu,
    Input,
    LeakyRelu,
    Maximum,
    Model,
    Multiply,
    Sequential,
    gradient_check,
)
from bpnet.backend import Backend
from bpnet.nn.activations import ACTIVATIONS, ActivationFunction, sigmoid
from bpnet.nn.gradient_check import EPSILON, LIMIT, relative_distance
from bpnet.nn.graph import Graph, Node
from bpnet.nn.layer import Layer
from bpnet.nn.network import Network
from parity.arrays import generator, normal
from parity.loss_cases import CASES as LOSSES
from parity.loss_cases import HEADS, TARGETS, WEIGHT, K, N

X = normal("gradients: x", N, 4)
Y = normal("gradients: y", N, 3)

FUNCTIONS: dict[str, ActivationFunction] = {
    **{name: function for name, function in ACTIVATIONS.items() if name != "step"},
    "leaky_relu(0.05)": LeakyRelu(0.05),
    "elu(0.7)": Elu(0.7),
}
LAYERS: dict[str, Callable[[], list[Layer]]] = {
    "dense, no bias": lambda: [Dense(5, "tanh", use_bias=False), Dense(3)],
    "activation": lambda: [Dense(5), Activation("silu"), Dense(3), Activation("softmax")],
    "l1": lambda: [Dense(5, "tanh", kernel_regularizer=L1(0.1)), Dense(3)],
    "l2": lambda: [Dense(5, "tanh"), Dense(3, kernel_regularizer=L2(0.1))],
    "l1_l2": lambda: [Dense(5, "tanh", kernel_regularizer=L1L2(0.1, 0.2)), Dense(3, kernel_regularizer=L1(0.3))],
}
# With a head that is not its own, a cross-entropy is differentiated from probabilities, and the head by itself.
HEADED = [(name, case.head) for name, case in LOSSES.items()] + [
    (name, head) for name, case in LOSSES.items() for head in HEADS if case.head not in (None, head)
]


def model_of(layers: list[Layer], backend: Backend, loss: Any = "mse", dtype: str = "float64") -> Sequential:
    model = Sequential([Input((4,)), *layers], backend=backend, dtype=dtype, seed=3)
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize("name", FUNCTIONS)
def test_activation(name: str, backend: Backend) -> None:
    report = gradient_check(model_of([Dense(5, FUNCTIONS[name]), Dense(3)], backend), X, Y)
    assert report.ok, report


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, backend: Backend) -> None:
    report = gradient_check(model_of(LAYERS[name](), backend), X, Y)
    assert report.ok, report


@pytest.mark.parametrize(("name", "head"), HEADED, ids=[f"{name} of {head or 'linear'}" for name, head in HEADED])
def test_loss(name: str, head: str | None, backend: Backend) -> None:
    loss = LOSSES[name].loss()
    model = model_of([Dense(3, "tanh"), Dense(K, head)], backend, loss)
    report = gradient_check(model, X, TARGETS[loss.targets], elements=12)
    assert report.ok, report


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_sample_weights(reduction: str, backend: Backend) -> None:
    loss = LOSSES["categorical_crossentropy, logits"].loss(reduction=reduction)
    model = model_of([Dense(5, "tanh"), Dense(K)], backend, loss)
    weighted = gradient_check(model, X, TARGETS["one_hot"], sample_weight=WEIGHT, elements=12)
    assert weighted.ok, weighted


def test_a_model_in_float32_is_checked_in_float64(backend: Backend) -> None:
    model = model_of([Dense(5, "tanh"), Dense(3)], backend, dtype="float32")
    before = model.get_weights()
    assert gradient_check(model, X, Y).ok
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


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


def wrong_sigmoid(xp: Any, factor: float) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    f, df = sigmoid(xp)
    return f, lambda y: factor * df(y)


@pytest.mark.parametrize("factor", [-1.0, 1.001])
@pytest.mark.parametrize("place", [0, 1])
def test_a_wrong_derivative_is_found_and_placed(factor: float, place: int, backend: Backend) -> None:
    functions: list[ActivationFunction] = [FUNCTIONS["sigmoid"]] * 3
    functions[place] = ElementwiseActivation("wrong", partial(wrong_sigmoid, factor=factor))
    layers: list[Layer] = [Dense(4, function, name=f"layer {i}") for i, function in enumerate(functions)]
    report = gradient_check(model_of([*layers, Dense(3, name="out")], backend), X, Y)
    assert not report.ok
    assert "NOT within" in str(report)
    # What comes back through the wrong derivative is wrong; what does not is right.
    found = {distance.layer for distance in report.distances if distance.relative > LIMIT}
    assert found == {f"layer {i}" for i in range(place + 1)}
    assert report.worst.layer in found
    assert report.worst.relative > 1e-4
