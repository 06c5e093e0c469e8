"""Parameters and gradients are one vector each; what a layer holds are views of them."""

from __future__ import annotations

import numpy as np
import pytest

from bpnet import Dense, Input, Sequential
from bpnet.backend import Backend
from bpnet.nn.network import Network

SHAPES = {"w": [(3, 4), (4, 2), (2, 5)], "b": [(4,), (5,)]}
"""The weights of three layers, then the biases of the first and the last."""


def network_on(backend: Backend, dtype: str) -> Network:
    layers = [Dense(4, "tanh"), Dense(2, use_bias=False), Dense(5)]
    return Sequential([Input((3,)), *layers], backend=backend, dtype=dtype).network


@pytest.mark.parametrize(("vector", "views"), [("theta", "p"), ("grad", "g")])
def test_layers_see_the_vector(vector: str, views: str, backend: Backend, dtype: str) -> None:
    network = network_on(backend, dtype)
    whole, layers = getattr(network, vector), getattr(network, views)
    values = np.arange(40.0 - 1.0)
    assert whole.shape == values.shape
    assert str(whole.dtype).endswith(dtype)
    whole[...] = backend.asarray(values, dtype)
    start = 0
    for name, shapes in SHAPES.items():
        owners = [layer for layer in layers if name in vars(layer)]
        for layer, shape in zip(owners, shapes, strict=True):
            stop = start + int(np.prod(shape))
            expected = values[start:stop].reshape(shape)
            assert backend.to_numpy(getattr(layer, name)).tolist() == expected.tolist()
            start = stop
    assert start == len(values)


@pytest.mark.parametrize(("vector", "views"), [("theta", "p"), ("grad", "g")])
def test_the_vector_sees_the_layers(vector: str, views: str, backend: Backend, dtype: str) -> None:
    network = network_on(backend, dtype)
    for number, layer in enumerate(getattr(network, views)):
        layer.w[...] = 10.0 + number
        if "b" in vars(layer):
            layer.b[...] = 20.0 + number
    expected = [10.0] * 12 + [11.0] * 8 + [12.0] * 10 + [20.0] * 4 + [22.0] * 5
    assert backend.to_numpy(getattr(network, vector)).tolist() == expected


def test_backward_writes_into_the_vector(backend: Backend, dtype: str) -> None:
    network = network_on(backend, dtype)
    before, own = network.grad, [layer.w for layer in network.g]
    (y,), tape = network.forward([backend.asarray(np.ones((2, 3)), dtype)], train=True)
    network.backward(tape, [y])
    assert network.grad is before
    assert all(layer.w is w for layer, w in zip(network.g, own, strict=True))
    gradient = backend.to_numpy(network.grad)
    assert np.count_nonzero(gradient) > 0.9 * len(gradient)
    assert gradient[:12].reshape(3, 4).tolist() == backend.to_numpy(own[0]).tolist()
