"""A small model with running statistics, its data, and figures that are told instead of trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from bpnet import SGD, BatchNormalization, Callback, Dense, Input, Sequential
from bpnet.training.callbacks import told

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] + 0.3 * RNG.normal(size=60) > 0).astype(int)
FIGURES = {"loss": False, "accuracy": True, "mystery": None}
FIGURES |= {f"val_{name}": larger for name, larger in FIGURES.items()}


def model(backend: Any = "numpy", optimizer: Any = None, dtype: str = "float64") -> Sequential:
    layers = [Input((4,)), Dense(6, "tanh"), BatchNormalization(), Dense(2, "softmax")]
    made = Sequential(layers, backend=backend, dtype=dtype)
    made.compile(optimizer or SGD(0.1), "sparse_categorical_crossentropy", ["accuracy"])
    return made


class Rated(SimpleNamespace):
    """What a callback sees of a model: here a learning rate and the wish to stop."""

    def __init__(self, rate: float = 1.0) -> None:
        super().__init__(stop_training=False, learning_rate=rate)

    @property
    def initial_learning_rate(self) -> float:
        return float(self.learning_rate)


def told_values(callback: Callback, name: str, values: Sequence[float], rate: float = 1.0) -> list[float]:
    """The learning rate after each epoch whose figure `name` is the next of `values`, until the callback stops."""
    model, rates = Rated(rate), []
    with told([callback], model, len(values), 1, FIGURES):
        for epoch, value in enumerate(values):
            callback.on_epoch_begin(epoch)
            callback.on_epoch_end(epoch, {name: value})
            rates.append(model.learning_rate)
            if model.stop_training:
                break
    return rates


def through_a_file(state: dict[str, Any]) -> dict[str, Any]:
    """The state as a checkpoint keeps it: arrays in lists as they are, the rest as JSON without infinities."""
    arrays = {name: [np.array(each) for each in value] for name, value in state.items() if isinstance(value, list)}
    others = {name: value for name, value in state.items() if name not in arrays}
    return {**json.loads(json.dumps(others, allow_nan=False)), **arrays}
