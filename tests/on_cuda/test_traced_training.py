"""Whole training runs whose steps are traced and replayed on NumPy: the bits of the numpy backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import bpnet
from backends_here import backend_named
from bpnet import Dense, Input, Sequential
from bpnet.backend import Backend, make
from on_cuda.interpreted import Interpreted

Layers = Callable[[], list[Any]]

IMAGES: dict[str, Layers] = {
    "convolution": lambda: [bpnet.Conv2D(4, 3, activation="relu"), bpnet.MaxPooling2D(2), bpnet.Flatten()],
    "strided, padded": lambda: [bpnet.Conv2D(4, 3, strides=2, padding="same"), bpnet.GlobalMaxPooling2D()],
    "depthwise": lambda: [bpnet.DepthwiseConv2D(3, activation="tanh"), bpnet.GlobalAveragePooling2D()],
    "resized": lambda: [bpnet.ZeroPadding2D(1), bpnet.UpSampling2D(2), bpnet.AveragePooling2D(3), bpnet.Flatten()],
    "normalized": lambda: [bpnet.Conv2D(3, 3), bpnet.BatchNormalization(), bpnet.ReLU(), bpnet.Flatten()],
    "permuted": lambda: [bpnet.Permute((2, 3, 1)), bpnet.Reshape((-1,))],
}

VECTORS: dict[str, Layers] = {
    "dense": lambda: [Dense(5, "tanh")],
    "dropped": lambda: [Dense(8, "relu"), bpnet.Dropout(0.4), bpnet.GaussianNoise(0.1)],
    "normalized": lambda: [Dense(8, "gelu"), bpnet.BatchNormalization(), bpnet.LayerNormalization()],
    "learned slopes": lambda: [Dense(6), bpnet.PReLU(), Dense(6), bpnet.ELU(), Dense(6), bpnet.LeakyReLU()],
    "penalties": lambda: [Dense(6, "silu", kernel_regularizer=bpnet.L1L2(0.01, 0.02))],
}

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "sgd": lambda: bpnet.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: bpnet.Adam(bpnet.ExponentialDecay(0.01, 3, 0.9)),
    "adam, clipped": lambda: bpnet.Adam(0.01, clipvalue=0.05, global_clipnorm=0.1),
    "adamw": lambda: bpnet.AdamW(0.01),
    "nadam": lambda: bpnet.Nadam(0.01),
    "rmsprop": lambda: bpnet.RMSprop(bpnet.CosineDecay(0.01, 10)),
    "adagrad": lambda: bpnet.Adagrad(0.01),
    "adadelta": lambda: bpnet.Adadelta(1.0),
    "lion": lambda: bpnet.Lion(0.001),
    "averaged": lambda: bpnet.Averaged(bpnet.SGD(bpnet.StepDecay(0.1, 2, 0.5))),
}

LOSSES = {
    "sparse_categorical_crossentropy": ("softmax", 3, ["accuracy", bpnet.TopKAccuracy(2)]),
    "mean_squared_error": (None, 2, [bpnet.R2()]),
    "mean_absolute_error": (None, 2, ["mse", "mae"]),
    "huber": (None, 1, []),
    "half_sum_of_squares": ("tanh", 2, []),
    "binary_crossentropy": ("sigmoid", 1, ["accuracy"]),
    "multiclass_hinge": (None, 3, ["accuracy"]),
}


def same_run(backend: Backend, build: Callable[[Any], Any], x: Any, y: Any, dtype: str, **fitting: Any) -> None:
    """`build` makes a compiled model on a backend; losses, metrics and weights are those of the numpy backend."""
    runs = []
    for each in (make("numpy"), backend):
        model = build(each)
        history = model.fit(x, y, batch_size=8, epochs=3, verbose=0, **fitting).history
        runs.append((history, model.get_weights(), model.predict(x)))
    (expected, weights, predicted), (found, own, also) = runs
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    for a, b in zip(weights, own, strict=True):
        assert a.dtype == dtype
        np.testing.assert_array_equal(b, a)
    np.testing.assert_array_equal(also, predicted)
    assert np.isfinite(found["loss"]).all()
    assert found["loss"][0] != found["loss"][-1]


def classifier(layers: Layers, shape: tuple[int, ...], dtype: str, optimizer: Any = None) -> Callable[[Any], Any]:
    def build(backend: Any) -> Any:
        model = Sequential([Input(shape), *layers(), Dense(3, "softmax")], backend=backend, dtype=dtype, seed=4)
        model.compile(optimizer() if optimizer else bpnet.Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
        return model

    return build


def labelled(*shape: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    return rng.normal(size=(20, *shape)), rng.integers(0, 3, size=20)


@pytest.mark.parametrize("net", IMAGES)
def test_nets_for_images(net: str, dtype: str) -> None:
    same_run(Interpreted(), classifier(IMAGES[net], (7, 6, 2), dtype), *labelled(7, 6, 2), dtype)


@pytest.mark.parametrize("net", VECTORS)
def test_nets_for_vectors(net: str, dtype: str) -> None:
    same_run(Interpreted(shortened=True), classifier(VECTORS[net], (4,), dtype), *labelled(4), dtype)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer: str, dtype: str) -> None:
    build = classifier(VECTORS["dense"], (4,), dtype, OPTIMIZERS[optimizer])
    same_run(Interpreted(shortened=True), build, *labelled(4), dtype, sample_weight=np.linspace(0.5, 1.5, 20))


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_and_metrics(loss: str, dtype: str) -> None:
    activation, units, metrics = LOSSES[loss]
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3 if units == 3 else 2, size=(20,) if units == 3 else (20, units))
    if activation is None and units < 3:
        y = rng.normal(size=(20, units))

    def build(backend: Any) -> Any:
        layers = [Input((4,)), Dense(5, "tanh"), Dense(units, activation)]
        model = Sequential(layers, backend=backend, dtype=dtype, seed=4)
        model.compile(bpnet.SGD(0.1), loss, metrics)
        return model

    same_run(Interpreted(), build, rng.normal(size=(20, 4)), y, dtype)


def test_a_graph_of_every_merging_layer_and_an_embedding(dtype: str) -> None:
    rng = np.random.default_rng(6)
    x = [rng.integers(0, 7, size=(20, 3)), rng.normal(size=(20, 6))]
    y = rng.integers(0, 3, size=20)

    def build(backend: Any) -> Any:
        words, numbers = Input((3,)), Input((6,))
        known = bpnet.Flatten()(bpnet.Embedding(7, 2)(words))
        merging = (bpnet.Add, bpnet.Average, bpnet.Maximum, bpnet.Multiply, bpnet.Subtract, bpnet.Concatenate)
        merged = bpnet.Concatenate()([merge()([known, numbers]) for merge in merging])
        model = bpnet.Model([words, numbers], Dense(3, "softmax")(merged), backend=backend, dtype=dtype, seed=2)
        model.compile(bpnet.Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
        return model

    same_run(Interpreted(), build, x, y, dtype)


def test_pytorch_within_roundings(dtype: str) -> None:
    """Its products add in another order than NumPy's; 9 updates of 5e-3 at most start from the roundings before."""
    build = classifier(IMAGES["normalized"], (7, 6, 2), dtype)
    x, y = labelled(7, 6, 2)
    histories = []
    for spec in ("numpy", "traced:torch"):
        histories.append(build(backend_named(spec)).fit(x, y, batch_size=8, epochs=3, verbose=0).history["loss"])
    np.testing.assert_allclose(histories[1], histories[0], rtol={"float64": 1e-10, "float32": 1e-4}[dtype])
