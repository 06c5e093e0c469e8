"""Each layer at work on a stack of three models, against itself on one after another: forward, backward, state, key."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import bpnet
from backends_here import backend_named
from bpnet import (
    ELU,
    Activation,
    Add,
    Average,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Input,
    Layer,
    LayerNormalization,
    LeakyReLU,
    Maximum,
    MaxPooling2D,
    Multiply,
    Permute,
    PReLU,
    ReLU,
    Reshape,
    Softmax,
    Subtract,
    UpSampling2D,
    ZeroPadding2D,
)
from bpnet.data.random import generator
from bpnet.nn.activations import ACTIVATIONS
from bpnet.nn.graph import Graph
from bpnet.nn.network import Network
from bpnet.nn.stacked import StackedNetwork

MODELS, SAMPLES = 3, 4

LAYERS: list[tuple[Layer, Any]] = [
    (Dense(3, "gelu"), (5,)),
    (Dense(3, use_bias=False), (5,)),
    *[(Dense(3, name), (5,)) for name in ACTIVATIONS if name != "step"],
    (Activation("silu"), (2, 3)),
    (ReLU(), (5,)),
    (LeakyReLU(), (5,)),
    (ELU(), (5,)),
    (Softmax(), (5,)),
    (PReLU("normal", shared_axes=[1]), (2, 3)),
    (Dropout(0.4), (2, 3)),
    (Dropout(0.0), (5,)),
    (GaussianNoise(0.3), (5,)),
    (BatchNormalization(gamma_initializer="normal"), (2, 3)),
    (BatchNormalization(axis=1, unbiased=True), (2, 3)),
    (LayerNormalization(gamma_initializer="normal"), (5,)),
    (Embedding(6, 3), (4,)),
    (Conv2D(2, 2, activation="tanh"), (4, 4, 2)),
    (Conv1D(2, 3), (5, 2)),
    (DepthwiseConv2D(2), (4, 4, 2)),
    (MaxPooling2D(2), (4, 4, 2)),
    (AveragePooling2D(2), (4, 4, 2)),
    (GlobalAveragePooling2D(), (4, 4, 2)),
    (GlobalMaxPooling2D(), (4, 4, 2)),
    (Flatten(), (2, 3)),
    (Reshape((3, 2)), (2, 3)),
    (Permute((2, 1)), (2, 3)),
    (ZeroPadding2D(1), (2, 3, 1)),
    (UpSampling2D(2), (2, 3, 1)),
    (Add(), [(5,), (5,)]),
    (Subtract(), [(5,), (5,)]),
    (Average(), [(5,), (5,), (5,)]),
    (Multiply(), [(5,), (5,)]),
    (Maximum(), [(5,), (5,)]),
    (Concatenate(), [(5,), (3,)]),
]


def graph_of(layer: Layer, shape: Any) -> Graph:
    inputs = [Input(own) for own in (shape if isinstance(shape, list) else [shape])]
    return Graph(inputs, [layer(*inputs)])


def run(network: Any, graph: Graph, p: Any, g: Any, xs: Any, dy: Any) -> list[np.ndarray]:
    """y in training, dx, y at inference."""
    to_numpy = network.backend.to_numpy
    (y,), tape = graph.forward(p, xs, train=True)
    dxs = graph.backward(p, tape, [dy], g, need_dinputs=True)
    (inferred,), _ = graph.forward(p, xs, train=False)
    return [to_numpy(array) for array in (y, *[dx for dx in dxs if dx is not None], inferred)]


@pytest.mark.parametrize("spec", ["numpy", "strict"])
@pytest.mark.parametrize(("layer", "shape"), LAYERS)
def test_a_layer_on_a_stack_is_that_of_each_model(spec: str, layer: Layer, shape: Any) -> None:
    backend = backend_named(spec)
    graph = graph_of(copy.deepcopy(layer), shape)
    alone = [
        Network(graph, backend, "float64", lambda i, name, k=k: generator(k, "weights", i, name)) for k in range(MODELS)
    ]
    stack = StackedNetwork(alone[0], MODELS)
    for name in ("theta", "state", "keys"):
        getattr(stack, name)[...] = backend.xp.stack([getattr(network, name) for network in alone])
    draw = np.random.default_rng(1)
    shapes = [node.shape for node in graph.inputs]
    whole = isinstance(layer, Embedding)
    xs = [draw.integers(0, 6, (MODELS, SAMPLES, *own)) if whole else draw.normal(size=(MODELS, SAMPLES, *own))
          for own in shapes]  # fmt: skip
    dy = draw.normal(size=(MODELS, SAMPLES, *graph.outputs[0].shape))
    found = run(stack, stack.graph, stack.p, stack.g, [backend.asarray(x, "float64") for x in xs],
                backend.asarray(dy, "float64"))  # fmt: skip
    for k, network in enumerate(alone):
        own = [backend.asarray(x[k], "float64") for x in xs]
        expected = run(network, graph, network.p, network.g, own, backend.asarray(dy[k], "float64"))
        expected += [backend.to_numpy(getattr(network, name)) for name in ("grad", "state", "keys")]
        of_stack = found + [backend.to_numpy(getattr(stack, name)) for name in ("grad", "state", "keys")]
        for stacked, single in zip(of_stack, expected, strict=True):
            np.testing.assert_allclose(stacked[k], single, rtol=0, atol=1e-13)


def test_every_layer_is_tried() -> None:
    public = {value for value in vars(bpnet).values() if isinstance(value, type) and issubclass(value, Layer)}
    assert public - {Layer} == {type(layer) for layer, _ in LAYERS}


class Halved(Dense):
    """A user's own layer, whose formulas count axes from the front."""

    def forward(self, p: Any, *x: Any, train: bool) -> tuple[Any, Any]:
        """y of every feature, less that of the first sample."""
        y, saved = super().forward(p, *x, train=train)
        return y - y[:1, :], saved


def test_a_layer_of_the_users_own_is_asked_for_one_model_after_another() -> None:
    test_a_layer_on_a_stack_is_that_of_each_model("numpy", Halved(3), (5,))
