"""Every layer between two others against central differences, in float64.

Its own parameters' gradients are checked, and through what it hands back those of the layer before it.

Kinks (relu at 0, two largest elements under a window) are kept away: a step of 6e-6 moves what such a layer is given by
less than 1e-4, and the test makes sure that the nearest kink is 1e-3 away.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

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
    Sequential,
    Softmax,
    Subtract,
    UpSampling2D,
    ZeroPadding2D,
    gradient_check,
)
from bpnet.backend import Backend
from parity.arrays import normal

IMAGES, SIGNAL, ROWS = (5, 4, 2), (6, 3), (4,)
"""The shapes of a sample."""

KINK, FAR = 1e-3, 1e-4
"""How near a kink may be, and how far a step of the check may move what a layer is given."""

LAYERS: dict[str, tuple[Callable[[], Layer], tuple[int, ...]]] = {
    "Conv2D": (lambda: Conv2D(3, (3, 2), activation="tanh"), IMAGES),
    "Conv2D, same": (lambda: Conv2D(3, 2, strides=(2, 1), padding="same"), IMAGES),
    "Conv2D, dilated groups": (lambda: Conv2D(4, 2, dilation_rate=(2, 1), groups=2, use_bias=False), IMAGES),
    "Conv2D, as large as the image": (lambda: Conv2D(3, (5, 4)), IMAGES),
    "Conv1D": (lambda: Conv1D(3, 2, padding="same", activation="sigmoid"), SIGNAL),
    "DepthwiseConv2D": (lambda: DepthwiseConv2D(3, padding="same", depth_multiplier=2), IMAGES),
    "MaxPooling2D": (lambda: MaxPooling2D(2), IMAGES),
    "MaxPooling2D, overlapping": (lambda: MaxPooling2D(3, 1, "same"), IMAGES),
    "AveragePooling2D": (lambda: AveragePooling2D(2, padding="same"), IMAGES),
    "GlobalAveragePooling2D": (GlobalAveragePooling2D, IMAGES),
    "GlobalMaxPooling2D": (GlobalMaxPooling2D, IMAGES),
    "Flatten": (Flatten, IMAGES),
    "Reshape": (lambda: Reshape((4, -1)), IMAGES),
    "Permute": (lambda: Permute((3, 1, 2)), IMAGES),
    "ZeroPadding2D": (lambda: ZeroPadding2D(1), IMAGES),
    "UpSampling2D": (lambda: UpSampling2D(2), IMAGES),
    "BatchNormalization of images": (BatchNormalization, IMAGES),
    "BatchNormalization of rows": (BatchNormalization, ROWS),
    "BatchNormalization of another axis": (lambda: BatchNormalization(1), IMAGES),
    "LayerNormalization": (LayerNormalization, (3, 2, 5)),  # of two channels one is 1 and the other -1, whatever x is
    "Dropout": (lambda: Dropout(0.4), IMAGES),
    "GaussianNoise": (lambda: GaussianNoise(0.3), ROWS),
    "Dense": (lambda: Dense(3, "tanh"), ROWS),
    "Activation": (lambda: Activation("gelu"), ROWS),
    "ReLU": (ReLU, IMAGES),
    "LeakyReLU": (lambda: LeakyReLU(0.2), IMAGES),
    "PReLU": (PReLU, IMAGES),
    "ELU": (lambda: ELU(0.7), IMAGES),
    "Softmax": (Softmax, IMAGES),
}

ELSEWHERE = {Embedding, Add, Average, Concatenate, Maximum, Multiply, Subtract}
"""Checked below, and in test_graph_gradients."""


def before(shape: tuple[int, ...]) -> Layer:
    """A layer with weights that keeps the shape."""
    return {3: lambda: Conv2D(shape[-1], 1), 2: lambda: Conv1D(shape[-1], 1), 1: lambda: Dense(shape[-1])}[len(shape)]()


def model_of(layers: list[Any], backend: Backend) -> Sequential:
    model = Sequential([*layers, Flatten(), Dense(2)], backend=backend, dtype="float64", seed=5)
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str, batch: int, backend: Backend) -> None:
    make, shape = LAYERS[name]
    x, y = normal(f"layer gradients: {name}", batch, *shape), normal("layer gradients: y", batch, 2)
    layer = make()
    model = model_of([Input(shape), before(shape), layer], backend)
    if isinstance(layer, tuple(DISTANCES)):
        (distance,) = (how for kind, how in DISTANCES.items() if isinstance(layer, kind))
        w, b = model.get_weights()[:2]
        given = x @ w.reshape(shape[-1], shape[-1]) + b
        assert 6e-6 * max(1.0, float(np.abs(x).max())) < FAR
        assert distance(layer, given) > KINK
    report = gradient_check(model, x, y, elements=6)
    assert report.ok, report


def test_embedding(backend: Backend) -> None:
    """Rows 1 and 4 are used twice, row 2 not at all."""
    model = model_of([Input((3,)), Embedding(5, 2), Conv1D(2, 2)], backend)
    report = gradient_check(model, np.array([[1, 4, 0], [4, 1, 3]]), normal("layer gradients: y", 2, 2))
    assert report.ok, report


def test_no_layer_is_left_out() -> None:
    public = {value for value in vars(bpnet).values() if isinstance(value, type) and issubclass(value, Layer)}
    checked = {type(make()) for make, _ in LAYERS.values()}
    assert public - {Layer} == checked | ELSEWHERE


def of_zero(_: Layer, given: np.ndarray) -> float:
    """The distance of what lies nearest to 0."""
    return float(np.abs(given).min())


def of_the_largest(layer: Any, given: np.ndarray) -> float:
    """The least distance, over all places and channels, of the two largest elements under the window."""
    height, width = given.shape[1:3]
    size = getattr(layer, "pool_size", (height, width))
    strides = getattr(layer, "strides", (1, 1))
    if getattr(layer, "padding", "valid") == "same":
        pads = [((k - 1) // 2, k // 2) for k in size]
        given = np.pad(given, [(0, 0), *pads, (0, 0)], constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(given, size, axis=(1, 2))[:, :: strides[0], :: strides[1]]
    ranked = np.sort(windows.reshape(*windows.shape[:-2], -1), axis=-1)
    return float((ranked[..., -1] - ranked[..., -2]).min())


DISTANCES: dict[type, Callable[[Any, np.ndarray], float]] = {
    ReLU: of_zero,
    LeakyReLU: of_zero,
    PReLU: of_zero,
    ELU: of_zero,
    MaxPooling2D: of_the_largest,
    GlobalMaxPooling2D: of_the_largest,
}


def test_distances_of_kinks() -> None:
    x = np.array([[1.0, 5.0, 2.0, 4.5], [3.0, 0.0, 4.0, -0.25]]).reshape(1, 2, 4, 1)
    assert of_zero(ReLU(), x[:, 1:, 3:]) == 0.25
    assert of_the_largest(MaxPooling2D(2), x) == 0.5
    assert of_the_largest(GlobalMaxPooling2D(), x) == 0.5
    assert of_the_largest(MaxPooling2D((1, 2), (1, 1)), x) == min(
        abs(a - b) for r in x[0, :, :, 0] for a, b in pairwise(r)
    )
