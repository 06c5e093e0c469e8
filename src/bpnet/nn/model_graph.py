"""The graph of a model, from the inputs and outputs that a user names; whatever is wrong with them is said here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from bpnet.names import distinct
from bpnet.nn.graph import Graph, Node
from bpnet.nn.layer import Layer

Nodes: TypeAlias = Node | Sequence[Node]
"""One node, or a list of them."""


def model_graph(inputs: Nodes | None, outputs: Nodes | None) -> Graph:
    """The graph from `inputs` to `outputs`; each of its layers gets a name of its own.

    TypeError: something is no node. ValueError: an input that is none, stands there twice, is missing, or leads to no
    output; an output that no layer makes; two layers or inputs that the user gave one name; a layer that stands at
    two places and cannot have the same parameters at both.
    """
    sources, results = _nodes("inputs", inputs), _nodes("outputs", outputs)
    for node in sources:
        if node.layer is not None:
            raise ValueError(f"inputs: what layer {node.layer.name!r} returns was given, expected an Input(shape)")
    for node in results:
        if node.layer is None:
            raise ValueError("outputs: an Input was given, expected what a layer makes. Mend: Activation('linear')(x)")
    if len(set(sources)) < len(sources):
        raise ValueError("inputs: one Input stands in them twice; make one for each, or use its node twice")
    graph = Graph(sources, results)
    for node, name in zip(sources, graph.input_names, strict=True):
        if not graph.readers(node):
            raise ValueError(f"inputs: no output depends on {name!r}. Mend: leave it out")
    layers = sorted(graph.layers, key=lambda layer: not layer.has_place)  # names in other models stay, if they can
    names = distinct("layers", [layer.name for layer in layers], [layer.is_named for layer in layers])
    for layer, name in zip(layers, names, strict=True):
        layer.name, layer.has_place = name, True
        _require_same_parameters(graph, layer)
    return graph


def _nodes(what: str, given: Nodes | None) -> list[Node]:
    """The nodes as a list, which has at least one."""
    nodes = [given] if isinstance(given, Node) else given
    if not isinstance(nodes, list | tuple) or not nodes:
        raise TypeError(f"{what}: {given!r} was given, expected a node or a list of nodes")
    for node in nodes:
        if not isinstance(node, Node):
            raise TypeError(f"{what}: {node!r} was given, expected a node: what Input(shape) or a layer called returns")
    return list(nodes)


def _require_same_parameters(graph: Graph, layer: Layer) -> None:
    """ValueError where the inputs of the layer's places ask for parameters of different shapes."""
    found = {}
    for node in graph.uses(layer):
        shapes = [source.shape for source in node.inputs]
        declared = [*layer.parameters(*shapes), *layer.state(*shapes)]
        found[tuple((parameter.name, parameter.shape) for parameter in declared)] = shapes
    if len(found) > 1:
        places = " and ".join(str(tuple(shapes)) for shapes in found.values())
        raise ValueError(
            f"layer {layer.name!r}: it is used on inputs of shapes {places}, which need different parameters. "
            "Mend: make a layer for each"
        )
