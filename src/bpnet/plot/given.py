"""What pictures are made of, taken from what was given."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpnet.data.arrays import numeric
from bpnet.nn.graph import Node
from bpnet.nn.layer import Layer
from bpnet.nn.network import Network


def model_within(model: Any) -> Any:
    """The model itself, that of a table model, or that of an estimator of `bpnet.sklearn`; TypeError for anything else.

    RuntimeError where it is not built yet.
    """
    for candidate in (model, getattr(model, "model", None), getattr(model, "network_", None)):
        if isinstance(getattr(candidate, "network", None), Network):
            return candidate
    if isinstance(model, Node | Layer):
        raise TypeError(f"model: a {type(model).__name__} was given, expected a model. Mend: Model(inputs, outputs)")
    raise TypeError(f"model: {model!r} was given, expected a Model or Sequential")


def numbers(name: str, values: Any) -> np.ndarray:
    """The values as a vector: one number a sample, in an array (N,) or (N, 1)."""
    array = numeric(name, values)
    if array.ndim > 1 and array.size != len(array):
        raise ValueError(
            f"{name}: shape {array.shape} came, expected one number a sample, (N,). Mend: one output at a time, "
            f"{name}[:, 0]"
        )
    return np.asarray(array.reshape(-1), dtype=np.float64)


def pair_of_numbers(y_true: Any, y_predicted: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both as vectors of one length."""
    true, predicted = numbers("y_true", y_true), numbers("y_predicted", y_predicted)
    same_length(true, predicted)
    return true, predicted


def same_length(true: np.ndarray, predicted: np.ndarray) -> None:
    """ValueError where there is not one prediction for each sample."""
    if len(true) != len(predicted):
        raise ValueError(f"y_predicted: {len(predicted)} values came for {len(true)} in y_true, expected one for each")
