"""The layers of a model and how they are joined, as JSON and back.

{"class": "Model" or "Sequential",
 "layers": [{"kind": …, "class": …, "settings": {…}, "name": "dense", "named": False}, …],
 "nodes": [{"input": [64], "name": None}, {"layer": 0, "inputs": [0]}, …], "inputs": [0], "outputs": [1]}

A layer that is used twice has two nodes. A node follows those that it reads. A chain whose input shape is not known yet
has no nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bpnet.formats.description import Custom, built, described
from bpnet.nn.graph import Graph, Input, Node
from bpnet.nn.layer import Layer

MOST = 4096
"""Layers or nodes of a model that is read from a file."""
MOST_JOINTS = 1 << 16
"""What its nodes read, counted as often as they do."""


@dataclass(frozen=True)
class Architecture:
    """Layers, and the nodes of the graph that they make; a chain without a known input shape has none."""

    is_chain: bool
    layers: Sequence[Layer]
    inputs: Sequence[Node]
    outputs: Sequence[Node]


def described_graph(graph: Graph, *, is_chain: bool, custom: Custom | None = None) -> dict[str, Any]:
    """The description of a graph."""
    numbers = {id(node): i for i, node in enumerate(graph.nodes)}
    layers = {id(layer): i for i, layer in enumerate(graph.layers)}
    nodes: list[dict[str, Any]] = []
    for node in graph.nodes:
        if node.layer is None:
            nodes.append({"input": list(node.shape), "name": node.name})
        else:
            sources = [numbers[id(source)] for source in node.inputs]
            nodes.append({"layer": layers[id(node.layer)], "inputs": sources})
    return {
        "class": "Sequential" if is_chain else "Model",
        "layers": described_layers(graph.layers, custom),
        "nodes": nodes,
        "inputs": [numbers[id(node)] for node in graph.inputs],
        "outputs": [numbers[id(node)] for node in graph.outputs],
    }


def described_chain(layers: Sequence[Layer], custom: Custom | None = None) -> dict[str, Any]:
    """The description of a chain whose input shape is not known yet."""
    return {
        "class": "Sequential",
        "layers": described_layers(layers, custom),
        "nodes": [],
        "inputs": [],
        "outputs": [],
    }


def described_layers(layers: Sequence[Layer], custom: Custom | None) -> list[dict[str, Any]]:
    """Each layer with its name, and whether the user has given that."""
    found = []
    for layer in layers:
        what = described(layer, f"layer {layer.name!r}", custom)
        found.append(what | {"name": layer.name, "named": layer.is_named})
    return found


def built_architecture(description: Any, custom: Custom | None = None) -> Architecture:
    """The inverse: new layers, in no model yet. Any error that a constructor may raise, where settings are wrong."""
    layers, nodes = description["layers"], description["nodes"]
    if max(len(layers), len(nodes)) > MOST:
        raise ValueError(f"{max(len(layers), len(nodes)):,} layers or nodes are described, expected at most {MOST:,}")
    if sum(len(node.get("inputs", ())) for node in nodes) > MOST_JOINTS:
        raise ValueError(f"the nodes read more than {MOST_JOINTS:,} others in all")
    is_chain = {"Sequential": True, "Model": False}[description["class"]]
    made = [_built_layer(layer, custom) for layer in layers]
    found: list[Node] = []
    for node in nodes:
        if "input" in node:
            found.append(Input(node["input"], name=node["name"]))
        else:
            found.append(made[_index(node["layer"])](*(found[_index(i)] for i in node["inputs"])))
    inputs, outputs = ([found[_index(i)] for i in description[side]] for side in ("inputs", "outputs"))
    if found and not (inputs and outputs):
        raise ValueError("the graph has no inputs or no outputs")
    return Architecture(is_chain, made, inputs, outputs)


def _built_layer(description: Any, custom: Custom | None) -> Layer:
    layer, name = built(description, custom), description["name"]
    if not isinstance(layer, Layer) or not isinstance(name, str):
        raise ValueError(f"{str(description)[:80]} is no layer")
    layer.name, layer.is_named = name, bool(description["named"])
    return layer


def _index(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError(f"{str(number)[:80]} is no place in a list")
    return number


def difference(saved: Any, own: Any) -> str | None:
    """Where the architecture of a file differs from a model's, in words; names and first weights do not count."""
    theirs, ours = saved["layers"], own["layers"]
    for i, (a, b) in enumerate(zip(theirs, ours, strict=False)):
        which = f"layer {i} ({b['name']!r})"
        if a["class"] != b["class"]:
            return f"{which} is {a['class']} in the file and {b['class']} in the model"
        told = settings_difference(which, a["settings"], b["settings"])
        if told:
            return told
    if len(theirs) != len(ours):
        return f"the file has {len(theirs)} layers and the model {len(ours)}"
    if own["nodes"] and saved["nodes"]:
        shapes = [[node["input"] for node in side["nodes"] if "input" in node] for side in (saved, own)]
        if shapes[0] != shapes[1]:
            return f"the inputs have the shapes {shapes[0]} in the file and {shapes[1]} in the model"
        joints = [
            ([node.get("inputs") for node in side["nodes"]], [node.get("layer") for node in side["nodes"]],
             side["inputs"], side["outputs"]) for side in (saved, own)
        ]  # fmt: skip
        if joints[0] != joints[1]:
            return "the layers are joined in another way"
    return None


def settings_difference(which: str, theirs: Any, ours: Any) -> str | None:
    """The first setting that differs, but for initializers, in words."""
    for name in theirs:
        a, b = theirs[name], ours.get(name, theirs[name])  # a setting may be newer than the file
        if a != b and not name.endswith("initializer"):
            return f"{name} of {which} is {_short(a)} in the file and {_short(b)} in the model"
    return None


def _short(value: Any) -> str:
    if isinstance(value, dict) and "settings" in value:
        settings = ", ".join(f"{name}={_short(item)}" for name, item in value["settings"].items())
        return f"{value.get('class') or value.get('function')}({settings})"
    return repr(value)[:80]
