"""The same training run on every backend: the same batches, and loss curves that lie on one another."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from backends_here import backend_named
from bpnet import Dense, Input, Sequential
from bpnet.backend import Backend
from parity.table import PROPERTY, Measured

EPOCHS = 20
# Each of the 900 updates starts from the roundings of those before: room for libraries that add in another order.
LIMITS = {"float64": 1e-9, "float32": 1e-4}


@dataclass(frozen=True)
class Run:
    """What a run reported, and the order of the samples in each epoch."""

    history: dict[str, np.ndarray]
    orders: list[np.ndarray]


def test_digits(backend: Backend, dtype: str, record_property: Any, request: pytest.FixtureRequest) -> None:
    expected, here = _on_numpy(dtype), _run(backend, dtype)
    errors = {
        name: float(np.max(np.abs(here.history[name] - expected.history[name]) / expected.history[name]))
        for name in ("loss", "val_loss")
    }
    spec = request.node.callspec.params["backend"]
    for name, error in errors.items():
        measured = Measured("run", "digits, 20 epochs", name, spec, dtype, f"NumPy {dtype}", error, LIMITS[dtype])
        record_property(PROPERTY, tuple(measured))

    assert len(here.orders) == EPOCHS
    assert all((a == b).all() for a, b in zip(here.orders, expected.orders, strict=True))
    assert len({order.tobytes() for order in here.orders}) == EPOCHS
    assert here.history["loss"][-1] < 0.05 * here.history["loss"][0]
    assert here.history["val_accuracy"][-1] > 0.9
    assert max(errors.values()) <= LIMITS[dtype], errors


@cache
def _on_numpy(dtype: str) -> Run:
    return _run(backend_named("numpy"), dtype)


def _run(backend: Backend, dtype: str) -> Run:
    """64-128-10 on the digits, standardised; the last fifth is held out."""
    x, y = load_digits(return_X_y=True)
    x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-3)
    watched, orders = _watched(backend, rows=int(len(x) * 0.8))
    layers = [Input((64,)), Dense(128, "relu"), Dense(10, "softmax")]
    model = Sequential(layers, backend=watched, dtype=dtype, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, batch_size=32, epochs=EPOCHS, validation_split=0.2, verbose=0).history
    return Run({name: np.array(values) for name, values in history.items()}, orders)


def _watched(backend: Backend, rows: int) -> tuple[Backend, list[np.ndarray]]:
    """The backend, and a list of all permutations of `rows` rows that it is handed from now on."""
    watched: Any = copy.copy(backend)
    orders: list[np.ndarray] = []

    def asarray(x: Any, dtype: str) -> Any:
        if dtype == "int64" and np.array_equal(np.sort(np.ravel(x)), np.arange(rows)):
            orders.append(np.array(x))
        return backend.asarray(x, dtype)

    watched.asarray = asarray
    return watched, orders
