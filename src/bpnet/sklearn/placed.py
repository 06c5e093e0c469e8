"""The network of an estimator on its backend: made when it is needed, and never pickled.

The weights of an estimator are NumPy arrays, `coefs_` and `intercepts_`, which a user may change; they are written into
the network before it is used. theta holds all weights and then all biases, layer by layer, so it is these arrays in one
row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np

from bpnet.backend import Array, Backend, load
from bpnet.nn.activations import ActivationFunction, Elementwise, ElementwiseActivation
from bpnet.nn.dense import Dense
from bpnet.nn.dropout import Dropout
from bpnet.nn.graph import Input, Node
from bpnet.nn.layer import Layer
from bpnet.nn.network import Network
from bpnet.sequential import Sequential
from bpnet.sklearn.learner import Learner
from bpnet.sklearn.rows import by_rows, dense, parts
from bpnet.training.kept import KeptRuns

OUR_NAMES = {"identity": "linear", "logistic": "sigmoid"}
"""bpnet's names of scikit-learn's activations, where they differ."""


def exponential(xp: Any) -> tuple[Elementwise, Elementwise]:
    """f = exp z and f' = y."""

    def f(z: Array) -> Array:
        return xp.exp(z)

    def df(y: Array) -> Array:
        return y

    return f, df


EXP = ElementwiseActivation("exp", exponential)


@dataclass(frozen=True)
class Architecture:
    """What the network is made of, by scikit-learn's names or bpnet's own."""

    units: tuple[int, ...]
    """Features, hidden units, outputs."""
    activations: tuple[str | ActivationFunction, ...]
    """One for each hidden layer."""
    last: str
    dropout: float
    seed: int
    """Of the dropout."""

    def layers(self) -> list[Layer]:
        """Dense layers, with dropout after each hidden one."""
        layers: list[Layer] = []
        for units, activation in zip(self.units[1:-1], self.activations, strict=True):
            layers.append(_layer(units, activation))
            if self.dropout:
                layers.append(Dropout(self.dropout))
        return [*layers, _layer(self.units[-1], self.last)]


def _layer(units: int, activation: str | ActivationFunction) -> Dense:
    name = (
        EXP
        if activation == "exp"
        else OUR_NAMES.get(activation, activation)
        if isinstance(activation, str)
        else activation
    )
    return Dense(units, name, kernel_initializer="zeros")


class Placed:
    """The network in each float type that was asked for, on one backend."""

    def __init__(self, architecture: Architecture, backend: str | Backend | None) -> None:
        self.architecture = architecture
        self.spec = backend
        self._reset()

    def _reset(self) -> None:
        self._backend: Backend | None = None
        self._models: dict[tuple[str, str], Sequential] = {}
        self._making = Lock()
        self.kept = KeptRuns()

    @property
    def backend(self) -> Backend:
        """The backend, found when it is first asked for."""
        if self._backend is None:
            self._backend = load(self.spec)
        return self._backend

    def in_training(self, dtype: str) -> Learner:
        """The model that learns. Predictions are another's, so that one may be asked for while it learns."""
        model = self._model(dtype, "training")
        assert isinstance(model, Learner)
        return model

    def _model(self, dtype: str, purpose: str) -> Sequential:
        with self._making:  # a first prediction may be asked for in several threads
            if (dtype, purpose) not in self._models:
                layers: list[Layer | Node] = [Input((self.architecture.units[0],)), *self.architecture.layers()]
                kind = Learner if purpose == "training" else Sequential
                model = kind(layers, backend=self.backend, dtype=dtype, seed=self.architecture.seed)
                model.network  # noqa: B018 - it is made when it is first asked for
                self._models[dtype, purpose] = model
            return self._models[dtype, purpose]

    def with_weights(self, dtype: str, coefs: Sequence[np.ndarray], intercepts: Sequence[np.ndarray]) -> Sequential:
        """The model with these weights."""
        model = self._model(dtype, "predictions")
        write(model.network, packed(coefs, intercepts))
        return model

    def outputs(self, dtype: str, coefs: Sequence[np.ndarray], intercepts: Sequence[np.ndarray], x: Any) -> np.ndarray:
        """The outputs of the network for x, last activation included; of a sparse x in parts."""
        network = self.with_weights(dtype, coefs, intercepts).network
        x = by_rows(x)
        found = [forward(network, dense(x[part])) for part in parts(x)]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def __getstate__(self) -> dict[str, Any]:
        """What it is made of; a backend that was given as an object belongs to its process, and is found anew."""
        return {"architecture": self.architecture, "spec": self.spec if isinstance(self.spec, str) else None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()


def forward(network: Network, x: np.ndarray) -> np.ndarray:
    """The outputs for an array of the host, as one."""
    (y,), _ = network.forward((network.backend.asarray(x, network.dtype),), train=False)
    return np.asarray(network.backend.to_numpy(y))


def packed(coefs: Sequence[np.ndarray], intercepts: Sequence[np.ndarray]) -> np.ndarray:
    """All weights, then all biases, in one row."""
    return np.concatenate([np.ravel(array) for array in (*coefs, *intercepts)])


def unpacked(vector: np.ndarray, units: Sequence[int]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The weights (I, O) and the biases (O,) of each layer, with memory of their own."""
    shapes: list[tuple[int, ...]] = [*pairwise(units), *((size,) for size in units[1:])]
    stops = np.cumsum([np.prod(shape, dtype=int) for shape in shapes])
    found = [part.reshape(shape).copy() for part, shape in zip(np.split(vector, stops[:-1]), shapes, strict=True)]
    layers = len(units) - 1
    return found[:layers], found[layers:]


def write(network: Network, vector: np.ndarray) -> None:
    """Let theta be this."""
    network.theta[...] = network.backend.asarray(vector, network.dtype)


def read(network: Network) -> np.ndarray:
    """theta on the host."""
    return np.asarray(network.backend.to_numpy(network.theta))
