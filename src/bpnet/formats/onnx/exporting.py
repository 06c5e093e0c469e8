"""A network as an ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bpnet.backend import float_dtype
from bpnet.formats.atomic import write_bytes
from bpnet.formats.onnx import activations, images, layers  # noqa: F401 - they register their exporters
from bpnet.formats.onnx.graph import OnnxGraph
from bpnet.formats.onnx.registry import Place, layer_exporter
from bpnet.formats.onnx.writing import require_onnx, serialized
from bpnet.nn.embedding import Embedding
from bpnet.nn.graph import Graph, Node
from bpnet.nn.network import Network


def export(network: Network, path: str | Path, *, dtype: str | None = None) -> None:
    """Write the network, at inference, as an ONNX file: opset 17, a dynamic first axis "batch", images channels last.

    Inputs and outputs have the names that the model gives them. An input that only `Embedding` layers read is of int64,
    all others and the outputs are of `dtype`, by default the network's. The file is checked and then written at once.
    """
    require_onnx()
    g = OnnxGraph(float_dtype(dtype or network.dtype))
    graph = network.graph
    inputs = [
        g.input(name, "int64" if names_rows(graph, node) else g.dtype, node.shape)
        for node, name in zip(graph.inputs, graph.input_names, strict=True)
    ]
    values = apply(g, network, inputs)
    for node, name, value in zip(graph.outputs, graph.output_names, values, strict=True):
        g.output(name, value, g.dtype, node.shape)
    write_bytes(path, serialized(g, "network"))


def names_rows(graph: Graph, node: Node) -> bool:
    """Do only tables of vectors read this input?"""
    return all(isinstance(reader.layer, Embedding) for reader in graph.readers(node))


def apply(g: OnnxGraph, network: Network, inputs: Sequence[str]) -> list[str]:
    """Write the layers; the outputs' values."""
    graph = network.graph
    for layer in graph.layers:
        layer_exporter(layer)
    numbers = {id(layer): number for number, layer in enumerate(graph.layers)}
    weights = [
        {name: host(network, array, g.dtype) for name, array in vars(own).items() if name != "key"} for own in network.p
    ]
    values = dict(zip(graph.inputs, inputs, strict=True))
    for node in graph.nodes:
        if node.layer is None:
            continue
        at = Place(node.layer, weights[numbers[id(node.layer)]], tuple(x.shape for x in node.inputs), node.shape)
        with g.scope(node.layer.name):
            values[node] = layer_exporter(node.layer)(g, at, *(values[x] for x in node.inputs))
    return [values[node] for node in graph.outputs]


def host(network: Network, array: object, dtype: str) -> np.ndarray:
    """A copy of an array of the network, on the host."""
    return np.array(network.backend.to_numpy(array), dtype=dtype)
