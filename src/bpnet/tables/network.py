"""The network for a table: dense layers on its numbers and on the vectors of its categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bpnet.models import Model
from bpnet.nn.activation import Activation
from bpnet.nn.dense import Dense
from bpnet.nn.dropout import Dropout
from bpnet.nn.embedding import Embedding
from bpnet.nn.graph import Input
from bpnet.nn.layer import Layer
from bpnet.nn.merging import Concatenate
from bpnet.nn.normalization import BatchNormalization
from bpnet.nn.reshaping import Flatten
from bpnet.sequential import Sequential
from bpnet.tables.preprocessing import Preprocessing, input_name

LOSSES = {
    "regression": "mse",
    "binary": "binary_crossentropy",
    "multi-class": "sparse_categorical_crossentropy",
}
METRICS = {"regression": "r2", "binary": "accuracy", "multi-class": "accuracy"}


def network_for(
    preprocessing: Preprocessing,
    hidden: Sequence[int],
    activation: str,
    dropout: float,
    batch_norm: bool,
    **where: Any,
) -> Model:
    """A model that is not compiled; `where` are its backend, dtype and seed."""
    layers = dense_layers(preprocessing, hidden, activation, dropout, batch_norm)
    embedded = preprocessing.embedded
    if not embedded:
        return Sequential([Input((preprocessing.numbers,)), *layers], **where)
    inputs, parts = [], []
    if preprocessing.numbers:
        inputs.append(Input((preprocessing.numbers,), name="numbers"))
        parts.append(inputs[0])
    for column in embedded:
        inputs.append(Input((1,), name=input_name(column)))
        parts.append(Flatten()(Embedding(len(column.categories) + 1, column.dimension)(inputs[-1])))
    node = Concatenate()(parts) if len(parts) > 1 else parts[0]
    for layer in layers:
        node = layer(node)
    return Model(inputs, node, **where)


def dense_layers(
    preprocessing: Preprocessing, hidden: Sequence[int], activation: str, dropout: float, batch_norm: bool
) -> list[Layer]:
    """The hidden layers and the task's own last one."""
    task = preprocessing.target.task
    layers: list[Layer] = []
    start = "glorot_uniform" if activation in ("linear", "sigmoid", "tanh", "softmax") else "he_normal"
    for units in hidden:
        if batch_norm:
            layers.append(Dense(units, use_bias=False, kernel_initializer=start))
            layers += [BatchNormalization(), Activation(activation)]
        else:
            layers.append(Dense(units, activation, kernel_initializer=start))
        if dropout:
            layers.append(Dropout(dropout))
    if task == "multi-class":
        return [*layers, Dense(len(preprocessing.target.classes), "softmax")]
    return [*layers, Dense(1, "sigmoid" if task == "binary" else None)]
