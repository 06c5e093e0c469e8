"""Every hand-written derivative against central differences, in float64, on every backend."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from bpnet import (
    L1,
    L1L2,
    L2,
    Activation,
    Dense,
    ElementwiseActivation,
    Elu,
    Input,
    LeakyRelu,
    Sequential,
    gradient_check,
)
from bpnet.backend import Backend
from bpnet.nn.activations import ACTIVATIONS, ActivationFunction, sigmoid
from bpnet.nn.gradient_check import LIMIT
from bpnet.nn.layer import Layer
from parity.arrays import normal
from parity.loss_cases import CASES as LOSSES
from parity.loss_cases import OWN_HEADS, TARGETS, WEIGHT, K, N

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
# Before a head of the user's own, a cross-entropy is differentiated from probabilities, and the head by itself.
HEADED = {
    **{name: (name, case.head) for name, case in LOSSES.items()},
    **{f"{name}, own head": (name, OWN_HEADS[case.head]) for name, case in LOSSES.items() if case.head},
}


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


@pytest.mark.parametrize("case", HEADED)
def test_loss(case: str, backend: Backend) -> None:
    name, head = HEADED[case]
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
