"""Nets and data that runs are compared on, small but with all that depends on a sample's place in its batch."""

from functools import partial

import numpy as np

from bpnet import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    Input,
    MaxPooling2D,
    Model,
    Sequential,
)
from bpnet.nn.regularizers import L2

_random = np.random.default_rng(8)
ROWS = _random.normal(size=(75, 12)), _random.integers(0, 4, 75)
IMAGES = _random.normal(size=(35, 6, 6, 1)), _random.integers(0, 4, 35)
"""No multiples of the batch size, so that the last batch is smaller."""


def net(spec="numpy", optimizer="adam", loss="sparse_categorical_crossentropy", **settings):
    """The net of the digits, dropout on, a penalty on its weights."""
    layers = [Dense(10, "relu", input_dim=12, kernel_regularizer=L2(1e-3)), Dropout(0.3), Dense(4, "softmax")]
    model = Sequential(layers, backend=spec, dtype="float64")
    model.compile(optimizer, loss, metrics=["accuracy"], **settings)
    return model


def cnn(spec="numpy", **normalization):
    """A convolution, batch normalization, dropout.

    No bias before the normalization: its gradient is 0 but for rounding, which Adam, dividing by its size, turns into
    steps of some 1e-11, other ones for every order of summation.
    """
    layers = [
        Conv2D(3, 3, use_bias=False, input_shape=(6, 6, 1)),
        BatchNormalization(momentum=0.8, **normalization),
        Activation("relu"),
        MaxPooling2D(2),
        Dropout(0.2),
        Flatten(),
        Dense(4, "softmax"),
    ]
    model = Sequential(layers, backend=spec, dtype="float64")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def forked(spec="numpy"):
    """Two inputs, two outputs with losses of their own, noise, and a layer that stands in two places."""
    a, b = Input((12,), name="a"), Input((12,), name="b")
    shared = Dense(6, "tanh")
    h, k = GaussianNoise(0.1)(shared(a)), shared(b)
    model = Model(
        [a, b], [Dense(4, "softmax", name="kind")(h), Dense(1, name="size")(k)], backend=spec, dtype="float64"
    )
    losses = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    model.compile("sgd", losses, loss_weights={"size": 0.5}, metrics={"kind": "accuracy"})
    return model


def of(make, *given, **settings):
    return partial(make, *given, **settings)
