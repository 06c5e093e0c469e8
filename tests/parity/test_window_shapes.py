"""Convolution and pooling for drawn sizes, strides, paddings, dilations and groups, against PyTorch's autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bpnet import AveragePooling2D, Conv2D, DepthwiseConv2D, Input, Layer, MaxPooling2D
from bpnet.backend import Backend
from bpnet.nn.graph import Graph
from bpnet.nn.network import Network
from limits import LIMITS, relative
from parity.arrays import autograd, exact
from parity.torch_layers import average_pool, conv2d, depthwise, max_pool

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
SIZES = {"batch": st.integers(1, 3), "height": st.integers(1, 7), "width": st.integers(1, 7)}
COMMON: dict[str, Any] = {
    **SIZES,
    "kernel": PAIRS,
    "strides": PAIRS,
    "padding": st.sampled_from(["valid", "same"]),
    "seed": st.integers(0, 2**32 - 1),
}
drawn = settings(derandomize=True, deadline=None, max_examples=25)


def compare(
    backend: Backend, layer: Layer, reference: Callable[..., torch.Tensor], x: np.ndarray, parameters: dict[str, Any]
) -> None:
    node = Input(x.shape[1:])
    try:
        graph = Graph([node], [layer(node)])
    except ValueError as error:
        assert "is larger than its image" in str(error)  # noqa: PT017 - drawn so; there is nothing to compare
        assume(False)
    network = Network(graph, backend, "float64", lambda *_: np.random.default_rng(0))
    for name, value in parameters.items():
        getattr(network.p[0], name)[...] = backend.asarray(value, "float64")
    (y,), tape = graph.forward(network.p, [backend.asarray(x, "float64")], train=True)
    dy = np.cos(np.arange(np.prod(y.shape), dtype=np.float64)).reshape(y.shape)
    dx = graph.backward(network.p, tape, [backend.asarray(dy, "float64")], network.g, need_dinputs=True)
    found = [y, *dx, *(getattr(network.g[0], name) for name in parameters)]
    expected = autograd(reference, [x, *parameters.values()], dy)
    for ours, theirs in zip(found, [*expected["forward"], *expected["backward"]], strict=True):
        assert relative(backend.to_numpy(ours), theirs) <= LIMITS["float64"]


@drawn
@given(**COMMON, groups=st.integers(1, 3), each=st.tuples(st.integers(1, 2), st.integers(1, 2)), dilation=PAIRS)
def test_convolution(
    backend: Backend, batch: int, height: int, width: int, kernel: Any, strides: Any, padding: str, seed: int,
    groups: int, each: Any, dilation: Any,
) -> None:  # fmt: skip
    draw = np.random.default_rng(seed)
    channels, filters = groups * each[0], groups * each[1]
    x = exact(draw.normal(size=(batch, height, width, channels)))
    parameters = {"w": exact(draw.normal(size=(*kernel, each[0], filters))), "b": exact(draw.normal(size=filters))}
    layer = Conv2D(filters, kernel, strides, padding, dilation_rate=dilation, groups=groups)
    compare(backend, layer, lambda x, w, b: conv2d(x, w, b, strides, padding, dilation, groups), x, parameters)


@drawn
@given(**COMMON, channels=st.integers(1, 3), many=st.integers(1, 2))
def test_depthwise_convolution(
    backend: Backend, batch: int, height: int, width: int, kernel: Any, strides: Any, padding: str, seed: int,
    channels: int, many: int,
) -> None:  # fmt: skip
    draw = np.random.default_rng(seed)
    x = exact(draw.normal(size=(batch, height, width, channels)))
    shape = (*kernel, channels, many)
    parameters = {"w": exact(draw.normal(size=shape)), "b": exact(draw.normal(size=channels * many))}
    layer = DepthwiseConv2D(kernel, strides, padding, depth_multiplier=many)
    compare(backend, layer, lambda x, w, b: depthwise(x, w, b, padding, strides), x, parameters)


@pytest.mark.parametrize(("kind", "reference"), [(MaxPooling2D, max_pool), (AveragePooling2D, average_pool)])
@drawn
@given(**COMMON, channels=st.integers(1, 3))
def test_pooling(
    backend: Backend, kind: Any, reference: Any, batch: int, height: int, width: int, kernel: Any, strides: Any,
    padding: str, seed: int, channels: int,
) -> None:  # fmt: skip
    x = exact(np.random.default_rng(seed).normal(size=(batch, height, width, channels)))
    compare(backend, kind(kernel, strides, padding), lambda x: reference(x, kernel, strides, padding), x, {})
