"""Keras 3, timed at its `fit` alone: a single step of its own is not what its users call."""

from __future__ import annotations

import os
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from bpnet_benchmarks.contenders.contender import Contender, Run, reason
from bpnet_benchmarks.problem import Problem
from bpnet_benchmarks.reference import BETA_1, BETA_2, EPSILON, RATE

BACKENDS = ("jax", "torch")
"""What it runs on where KERAS_BACKEND names nothing: the first that is installed."""


def use() -> Any:
    """Keras on the CPU."""
    installed = [name for name in BACKENDS if find_spec(name)]
    if find_spec("keras") is None or not (installed or "KERAS_BACKEND" in os.environ):
        raise ImportError("Keras 3 with jax or torch is not installed. Mend: pip install '.[peers]'")
    os.environ.setdefault("KERAS_BACKEND", installed[0] if installed else "")
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import keras

    return keras


class KerasRun(Run):
    """A compiled Sequential at the first weights."""

    def __init__(self, problem: Problem) -> None:
        keras = use()
        self._problem = problem
        workload = problem.workload
        activations = (layer.activation for layer in workload.layers)
        layers = map(keras.layers.Dense, workload.sizes[1:], activations)
        self._model = keras.Sequential([keras.Input(workload.input), *layers])
        self._model.set_weights(problem.weights)
        adam = keras.optimizers.Adam(RATE, beta_1=BETA_1, beta_2=BETA_2, epsilon=EPSILON)
        self._model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])

    def step(self) -> None:
        """Not timed."""
        raise NotImplementedError("keras is timed at fit alone")

    def synchronize(self) -> None:
        """`fit` returns when it is done."""

    def weights(self) -> list[np.ndarray]:
        """Copies."""
        return [np.asarray(array) for array in self._model.get_weights()]

    def fit(self, epochs: int) -> None:
        """`Model.fit` with its progress bar."""
        self._model.fit(self._problem.x, self._problem.y, batch_size=self._problem.batch, epochs=epochs, verbose=1)


class Keras(Contender):
    """Keras on JAX or PyTorch."""

    name = "keras"
    modes = ("fit",)
    no_images = "it is timed on dense nets alone"

    def why_not(self) -> str | None:
        """Keras or its backend is not installed."""
        return reason(use)

    def versions(self) -> dict[str, str]:
        """Keras's and its backend's."""
        backend = os.environ["KERAS_BACKEND"]
        return {"keras": f"{version('keras')} on {backend}", backend: version(backend)}

    def prepare(self, problem: Problem) -> Run:
        """A compiled model."""
        return KerasRun(problem)


KERAS = Keras()
