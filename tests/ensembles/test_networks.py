"""Whole networks of other layers: images, branches, shared layers."""

from __future__ import annotations

import numpy as np
import pytest

from backends_here import backend_named
from bpnet import (
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Ensemble,
    Flatten,
    Input,
    MaxPooling2D,
    Model,
    ReLU,
    Sequential,
)
from ensembles.alone import require_equal, singles

DRAW = np.random.default_rng(5)


@pytest.mark.parametrize("spec", ["numpy", "torch:cpu"])
def test_a_small_cnn_with_batch_norm(spec: str) -> None:
    x, y = DRAW.normal(size=(20, 6, 6, 1)), DRAW.integers(0, 3, size=20)
    layers = [Conv2D(3, 3, activation="relu"), BatchNormalization(), MaxPooling2D(2), Flatten(), Dropout(0.2)]
    model = Sequential(
        [Input((6, 6, 1)), *layers, Dense(3, "softmax")], backend=backend_named(spec), dtype="float64", seed=2
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    ensemble = Ensemble(model, 3, learning_rate=[1e-3, 1e-2, 3e-3], l2=0.01)
    alone = singles(ensemble, x, y, epochs=2, batch_size=8, validation_split=0.2)
    ensemble.fit(x, y, epochs=2, batch_size=8, validation_split=0.2, verbose=0)
    for k, single in enumerate(alone):
        require_equal(ensemble.member(k), single, x)


def test_branches_and_a_layer_that_stands_twice() -> None:
    x, y = DRAW.normal(size=(20, 4)), DRAW.normal(size=(20, 1))
    inputs, shared = Input((4,)), Dense(4, "tanh", name="shared")
    h = shared(inputs)
    outputs = Dense(1)(Add()([ReLU()(h), shared(h), BatchNormalization()(inputs)]))
    model = Model(inputs, outputs, backend="numpy", dtype="float64")
    model.compile("adam", "mse")
    ensemble = Ensemble(model, 3, seeds=[4, 4, 9], learning_rate=[0.1, 0.01, 0.01])
    alone = singles(ensemble, x, y, epochs=3, batch_size=8)
    ensemble.fit(x, y, epochs=3, batch_size=8, verbose=0)
    for k, single in enumerate(alone):
        require_equal(ensemble.member(k), single, x)
    assert len({float(ensemble.member(k).predict(x)[0, 0]) for k in range(3)}) == 3
