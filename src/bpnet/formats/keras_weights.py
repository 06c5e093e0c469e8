"""Weights to and from the lists of Keras 3's `get_weights()`; arrays only, Keras is not imported.

Arrays have the same shapes and, layer by layer, the same order in both, so none is transposed:

| layer                       | Keras, in this order                          | bpnet                           |
|-----------------------------|-----------------------------------------------|---------------------------------|
| Dense                       | kernel (I, O), bias                           | w, b                            |
| Conv1D, Conv2D              | kernel (K, L, C/groups, F), bias              | w, b                            |
| DepthwiseConv2D             | kernel (K, L, C, M), bias                     | w, b                            |
| Embedding                   | embeddings (V, D)                             | w                               |
| BatchNormalization          | gamma, beta, moving_mean, moving_variance     | gamma, beta, mean, variance     |
| LayerNormalization          | gamma, beta                                   | gamma, beta                     |
| PReLU                       | alpha, 1 along shared axes                    | alpha                           |

Keras' gelu is the exact one unless `approximate=True`, and its leaky_relu and LeakyReLU have slopes of their own: these
are settings, and not among the weights. A functional Keras model with branches lists its layers by their depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpnet.formats.torch_weights import RULES, WithNetwork


def to_keras(model: WithNetwork) -> list[np.ndarray]:
    """The list for `keras_model.set_weights`. ValueError: a layer that Keras has not."""
    network = model.network
    return [np.array(network.backend.to_numpy(array)) for _, _, array in _arrays(model)]


def from_keras(model: WithNetwork, weights: Sequence[Any]) -> None:
    """Take what `keras_model.get_weights()` returned.

    ValueError, which names the layer and both shapes, where they do not fit; the model is then as it was.
    """
    own = _arrays(model)
    given = [np.asarray(array) for array in weights]
    for (layer, name, array), other in zip(own, given, strict=False):
        if tuple(array.shape) != other.shape:
            raise ValueError(
                f"layer {layer!r}: an array of shape {other.shape} came for its {name}, expected {tuple(array.shape)}. "
                "Mend: layers in the same order"
            )
    if len(own) != len(given):
        raise ValueError(f"weights: {len(given)} arrays came, but the model has {len(own)}")
    network = model.network
    for (_, _, array), other in zip(own, given, strict=True):
        array[...] = network.backend.asarray(other, network.dtype)


def _arrays(model: WithNetwork) -> list[tuple[str, str, Any]]:
    """The layer's name, the array's, and the array."""
    found = []
    for layer, p in zip(model.network.graph.layers, model.network.p, strict=True):
        arrays = {name: array for name, array in vars(p).items() if name != "key"}
        if arrays and type(layer) not in RULES:
            raise ValueError(
                f"layer {layer.name!r}: nothing is known of a {type(layer).__name__} in Keras. Mend: carry its arrays "
                "yourself, with get_weights and set_weights"
            )
        found += [(layer.name, name, array) for name, array in arrays.items()]
    return found
