"""Every layer: its output, and the gradients of its inputs and parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import isabstract

import numpy as np
import pytest
import torch

import bpnet
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
from bpnet.backend import Backend
from bpnet.nn.graph import Graph
from bpnet.nn.network import Network
from parity.arrays import Agree, Results, autograd, exact, generator, host, normal, off_zero
from parity.torch_layers import average_pool, conv1d, conv2d, depthwise, max_pool

X = normal("layers: x", 23, 12)
W = normal("layers: w", 12, 17)
B = normal("layers: b", 17)
IMAGES = normal("layers: images", 5, 7, 6, 3)
SIGNAL = normal("layers: signal", 5, 11, 4)
OFF_ZERO = off_zero("layers: off zero", 23, 4, 3)
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
    "relu layer": Case(ReLU, torch.relu, [OFF_ZERO]),
    "leaky relu layer": Case(LeakyReLU, lambda x: torch.nn.functional.leaky_relu(x, 0.3), [OFF_ZERO]),
    "elu layer": Case(ELU, torch.nn.functional.elu, [OFF_ZERO]),
    "softmax layer": Case(Softmax, lambda x: x.softmax(-1), [OFF_ZERO]),
    "prelu": Case(
        PReLU, lambda x, a: torch.where(x > 0, x, a * x), [OFF_ZERO], {"alpha": normal("layers: slopes", 4, 3)}
    ),
    "prelu, shared": Case(
        lambda: PReLU(shared_axes=(1,)),
        lambda x, a: torch.where(x > 0, x, a * x),
        [OFF_ZERO],
        {"alpha": normal("layers: shared slopes", 1, 3)},
    ),
    "conv2d": Case(
        lambda: Conv2D(4, (3, 2), (2, 1), "same", activation="tanh"),
        lambda x, w, b: conv2d(x, w, b, (2, 1), "same").tanh(),
        [IMAGES],
        {"w": normal("layers: kernel", 3, 2, 3, 4), "b": normal("layers: biases", 4)},
    ),
    "conv2d, groups": Case(
        lambda: Conv2D(6, 3, groups=3, use_bias=False),
        lambda x, w: conv2d(x, w, groups=3),
        [IMAGES],
        {"w": normal("layers: grouped kernel", 3, 3, 1, 6)},
    ),
    "conv2d, dilated": Case(
        lambda: Conv2D(2, 2, dilation_rate=(3, 2)),
        lambda x, w, b: conv2d(x, w, b, dilation=(3, 2)),
        [IMAGES],
        {"w": normal("layers: dilated kernel", 2, 2, 3, 2), "b": normal("layers: two biases", 2)},
    ),
    "conv2d, one filter": Case(
        lambda: Conv2D(1, 3),
        lambda x, w, b: conv2d(x, w, b),
        [IMAGES],
        {"w": normal("layers: one filter", 3, 3, 3, 1), "b": normal("layers: one bias", 1)},
    ),
    "conv1d": Case(
        lambda: Conv1D(3, 4, 2, "same"),
        lambda x, w, b: conv1d(x, w, b, 2, "same"),
        [SIGNAL],
        {"w": normal("layers: 1d kernel", 4, 4, 3), "b": normal("layers: 1d biases", 3)},
    ),
    "depthwise conv2d": Case(
        lambda: DepthwiseConv2D(3, padding="same", depth_multiplier=2),
        lambda x, w, b: depthwise(x, w, b, "same"),
        [IMAGES],
        {"w": normal("layers: depthwise kernel", 3, 3, 3, 2), "b": normal("layers: depthwise biases", 6)},
    ),
    "max pooling": Case(MaxPooling2D, lambda x: max_pool(x, (2, 2), (2, 2)), [IMAGES]),
    "max pooling, same": Case(
        lambda: MaxPooling2D(3, 2, "same"), lambda x: max_pool(x, (3, 3), (2, 2), "same"), [IMAGES]
    ),
    "average pooling": Case(AveragePooling2D, lambda x: average_pool(x, (2, 2), (2, 2)), [IMAGES]),
    "average pooling, same": Case(
        lambda: AveragePooling2D(3, 2, "same"), lambda x: average_pool(x, (3, 3), (2, 2), "same"), [IMAGES]
    ),
    "global average pooling": Case(GlobalAveragePooling2D, lambda x: x.mean((1, 2)), [IMAGES]),
    "global max pooling": Case(GlobalMaxPooling2D, lambda x: x.amax((1, 2)), [IMAGES]),
    "flatten": Case(Flatten, lambda x: x.reshape(5, -1), [IMAGES]),
    "reshape": Case(lambda: Reshape((9, -1)), lambda x: x.reshape(5, 9, 14), [IMAGES]),
    "permute": Case(lambda: Permute((3, 1, 2)), lambda x: x.permute(0, 3, 1, 2), [IMAGES]),
    "zero padding": Case(
        lambda: ZeroPadding2D(((1, 0), (2, 3))), lambda x: torch.nn.functional.pad(x, (0, 0, 2, 3, 1, 0)), [IMAGES]
    ),
    "up sampling": Case(
        lambda: UpSampling2D((2, 3)), lambda x: x.repeat_interleave(2, 1).repeat_interleave(3, 2), [IMAGES]
    ),
    "batch normalization": Case(
        BatchNormalization,
        lambda x, gamma, beta: torch.nn.functional.batch_norm(
            x.permute(0, 3, 1, 2), None, None, gamma, beta, training=True, eps=1e-3
        ).permute(0, 2, 3, 1),
        [IMAGES],
        {"gamma": normal("layers: gamma", 3), "beta": normal("layers: beta", 3)},
    ),
    "batch normalization of an axis": Case(
        lambda: BatchNormalization(1, scale=False),
        lambda x, beta: torch.nn.functional.batch_norm(x, None, None, None, beta, training=True, eps=1e-3),
        [IMAGES],
        {"beta": normal("layers: beta of an axis", 7)},
    ),
    "layer normalization": Case(
        LayerNormalization,
        lambda x, gamma, beta: torch.nn.functional.layer_norm(x, (3,), gamma, beta, eps=1e-3),
        [IMAGES],
        {"gamma": normal("layers: gamma", 3), "beta": normal("layers: beta", 3)},
    ),
    "dropout of nothing": Case(lambda: Dropout(0.0), lambda x: x * 1, [X]),
    "noise of nothing": Case(lambda: GaussianNoise(0.0), lambda x: x * 1, [X]),
    "embedding": Case(
        lambda: Embedding(6, 4),
        lambda x, w: torch.nn.functional.embedding(x.long(), w) + 0 * x[..., None],
        [exact(np.arange(15).reshape(5, 3) * 7 % 5)],
        {"w": normal("layers: table", 6, 4)},
    ),
    "subtract": Case(Subtract, lambda a, b: a - b, GATES[:2]),
    "average": Case(Average, lambda *x: (x[0] + x[1] + x[2]) / 3, GATES),
    "concatenate": Case(Concatenate, lambda *x: torch.cat(x, -1), GATES),
    "concatenate, rows": Case(lambda: Concatenate(1), lambda *x: torch.cat(x, 1), [IMAGES, IMAGES[:, :2]]),
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
    dy = normal("layers: dy", len(case.inputs[0]), *case.layer()(*nodes).shape)

    def run(backend: Backend, dtype: str) -> Results:
        graph = Graph(nodes, [case.layer()(*nodes)])
        network = Network(graph, backend, dtype, lambda *_: generator("unused"))
        (p,), (g,) = network.p, network.g
        assert vars(g).keys() == case.parameters.keys()
        for parameter, value in case.parameters.items():
            getattr(p, parameter)[...] = backend.asarray(value, dtype)
        (y,), tape = graph.forward(network.p, [backend.asarray(x, dtype) for x in case.inputs], train=True)
        dx = graph.backward(network.p, tape, [backend.asarray(dy, dtype)], network.g, need_dinputs=True)
        gradients = [*dx, *(getattr(g, parameter) for parameter in case.parameters)]
        return {"forward": host(backend, dtype, y), "backward": host(backend, dtype, *gradients)}

    agree("layer", name, run, lambda: autograd(case.reference, [*case.inputs, *case.parameters.values()], dy))
