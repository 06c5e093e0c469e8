"""Where PyTorch, which has the channels first, counts the features of a flattened image in another order.

(H, W, C) flattened is h, w, c in bpnet; PyTorch flattens (C, H, W) to c, h, w. What reads the features by their number,
as the rows of a dense layer do, has to be put in PyTorch's order, through all layers between that keep the order.
"""

from __future__ import annotations

import numpy as np

from bpnet.nn import (
    activation,
    convolution,
    depthwise,
    dropout,
    merging,
    normalization,
    pooling,
    reshaping,
)
from bpnet.nn.graph import Graph, Node

KEEPS_ORDER = (
    activation.Activation,
    activation.PReLU,
    dropout.Dropout,
    dropout.GaussianNoise,
    merging.Merge,
    merging.Concatenate,
    normalization.BatchNormalization,
    normalization.LayerNormalization,
)
MAKES_IMAGES = (
    convolution.Conv2D,
    depthwise.DepthwiseConv2D,
    pooling.MaxPooling2D,
    pooling.AveragePooling2D,
    reshaping.UpSampling2D,
    reshaping.ZeroPadding2D,
)


def channels_are_first(graph: Graph) -> set[Node]:
    """The nodes whose channels PyTorch has in front: images, and what convolutions make of anything.

    Inputs of three axes are images, and so is what Permute((2, 3, 1)) returns. What `Embedding` and `Reshape` return
    stands in PyTorch as it does in bpnet.
    """
    found: set[Node] = set()
    for node in graph.nodes:
        layer = node.layer
        first = len(node.shape) == 3 if layer is None else isinstance(layer, MAKES_IMAGES)
        if isinstance(layer, reshaping.Permute):
            first = layer.dims == (2, 3, 1)
        if isinstance(layer, KEEPS_ORDER):
            first = any(source in found for source in node.inputs)
        if first:
            found.add(node)
    return found


def feature_orders(graph: Graph) -> dict[Node, np.ndarray]:
    """For each node whose features have another order in PyTorch: the number in bpnet of each feature there.

    ValueError where a Reshape goes on from such features.
    """
    first = channels_are_first(graph)
    orders: dict[Node, np.ndarray] = {}
    for node in graph.nodes:
        if isinstance(node.layer, reshaping.Flatten) and node.inputs[0] in first:
            image = node.inputs[0].shape
            orders[node] = np.moveaxis(np.arange(node.shape[0]).reshape(image), -1, 0).reshape(-1)
        elif isinstance(node.layer, merging.Concatenate) and len(node.shape) == 1:
            parts = [orders.get(x, np.arange(x.shape[0])) for x in node.inputs]
            starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
            orders[node] = np.concatenate([part + start for part, start in zip(parts, starts, strict=True)])
        elif isinstance(node.layer, KEEPS_ORDER) and node.inputs[0] in orders:
            orders[node] = orders[node.inputs[0]]
        elif isinstance(node.layer, reshaping.Reshape) and node.inputs[0] in orders:
            if not isinstance(node.layer, reshaping.Flatten):
                raise ValueError(
                    f"layer {node.layer.name!r}: it reshapes the features of a flattened image, which PyTorch has in "
                    "another order. Mend: leave out the Flatten before it"
                )
            orders[node] = orders[node.inputs[0]]
    return {node: order for node, order in orders.items() if not np.array_equal(order, np.arange(len(order)))}
