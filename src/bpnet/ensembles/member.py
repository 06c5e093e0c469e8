"""A model of an ensemble as a model of its own."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from bpnet.models import Model
from bpnet.nn.dropout import Dropout
from bpnet.nn.graph import Graph
from bpnet.nn.optimizers import ElementwiseOptimizer
from bpnet.sequential import Sequential


def twin(template: Model, seed: int, weight_decay: float | None, l2: float | None, dropout: float | None) -> Model:
    """A model made and compiled like the template, with these in place of its own; its numbers are its first."""
    graph: Graph = copy.deepcopy(template.network.graph)  # layers copy as they pickle: settings, no backend
    for layer in graph.layers:
        given: Any = layer
        if type(layer) is Dropout and dropout is not None:
            given.rate = dropout
        if l2 is not None and hasattr(layer, "kernel_regularizer"):
            given.kernel_regularizer = replace(given.kernel_regularizer, l1=0.0, l2=l2)
    how: dict[str, Any] = {"backend": template.backend, "dtype": template.dtype, "seed": seed}
    if isinstance(template, Sequential):
        model: Model = Sequential([graph.inputs[0], *graph.layers], **how)
    else:
        model = Model(graph.inputs, graph.outputs, **how)
    optimizer = copy.copy(template.optimizer)
    if weight_decay is not None and isinstance(optimizer, ElementwiseOptimizer):
        optimizer.weight_decay = weight_decay
    of_each = [(term.loss, list(term.metrics), term.weight) for term in template.terms]
    loss, metrics, weights = (list(column) for column in zip(*of_each, strict=True))
    model.compile(optimizer, loss, metrics, weights)
    return model


def fill(model: Model, arrays: list[np.ndarray]) -> None:
    """Give a model its numbers: theta, state, keys, and the optimizer's vectors."""
    network, optimizer = model.network, model.bind()[1]
    vectors = [network.theta, network.state, network.keys, *optimizer.vectors()]
    for vector, array in zip(vectors, arrays, strict=True):
        vector[...] = model.backend.asarray(array.reshape(tuple(vector.shape)), str(array.dtype))
