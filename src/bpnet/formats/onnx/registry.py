"""Which function writes which layer, and which activation, as ONNX operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

import numpy as np

from bpnet.formats.onnx.graph import OnnxGraph
from bpnet.nn.activations import ActivationFunction, ElementwiseActivation
from bpnet.nn.graph import Shape
from bpnet.nn.layer import Layer


@dataclass(frozen=True)
class Place:
    """A layer where it stands in a graph: its arrays by name, and the shapes of samples that come in and go out."""

    layer: Any
    weights: Mapping[str, np.ndarray]
    inputs: tuple[Shape, ...]
    shape: Shape


LayerExporter: TypeAlias = Callable[..., str]
"""(graph, place, *values) → the value that the layer makes of them."""

ActivationExporter: TypeAlias = Callable[..., str]
"""(graph, z, **settings) → f(z); the settings are those of a `functools.partial` around the formula."""

F = TypeVar("F", bound=Callable[..., str])

LAYERS: dict[type[Layer], LayerExporter] = {}
ACTIVATIONS: dict[Any, ActivationExporter] = {}


def exporter(*kinds: type[Layer]) -> Callable[[F], F]:
    """Let the function write layers of these classes; a class derived from them needs one of its own.

    It is called with the graph, the `Place` and the names of the values that come in, in bpnet's order of the axes, and
    returns the name of what the layer makes of them at inference. `graph.add("Mul", x, 3.0)` adds an operator of opset
    17, whose attributes are keywords and whose numbers and arrays become constants, and returns the name of its output;
    `graph.constant("w", place.weights["w"])` makes a constant that uses of the layer share.
    """

    def register(function: F) -> F:
        LAYERS.update(dict.fromkeys(kinds, function))
        return function

    return register


def activation_exporter(formula: Any) -> Callable[[F], F]:
    """Let the function write the activation: `formula` is that of an ElementwiseActivation, or a class of activations.

    An elementwise one may be handed z with its axes in another order.
    """

    def register(function: F) -> F:
        ACTIVATIONS[formula] = function
        return function

    return register


def layer_exporter(layer: Layer) -> LayerExporter:
    """The function that writes this layer; ValueError where there is none."""
    kind = type(layer)
    if kind not in LAYERS:
        raise ValueError(
            f"layer {layer.name!r}: its class {kind.__name__} has no exporter to ONNX. Mend: write one, "
            f"@bpnet.formats.onnx.exporter({kind.__name__}) above a function (graph, place, x) → name of its output, "
            'as in bpnet/formats/onnx/layers.py: return graph.add("Mul", x, graph.constant("w", place.weights["w"]))'
        )
    return LAYERS[kind]


def activated(g: OnnxGraph, function: ActivationFunction | None, z: str) -> str:
    """f(z); ValueError where nobody has said what it is in ONNX."""
    if function is None:
        return z
    if not isinstance(function, ElementwiseActivation):
        return _activation_exporter(type(function), function.name)(g, z)
    formula: Any = function.formula
    settings: dict[str, Any] = {}
    if isinstance(formula, partial):
        formula, settings = formula.func, formula.keywords
    write = _activation_exporter(formula, function.name)
    return g.elementwise(lambda source: write(g, source, **settings), z)


def _activation_exporter(key: Any, name: str) -> ActivationExporter:
    if key not in ACTIVATIONS:
        raise ValueError(
            f"activation {name!r}: {getattr(key, '__name__', key)} has no exporter to ONNX. Mend: write one, "
            f"@bpnet.formats.onnx.activation_exporter({getattr(key, '__name__', key)}) above a function "
            '(graph, z) → name of f(z), as in bpnet/formats/onnx/activations.py: return graph.add("Tanh", z)'
        )
    return ACTIVATIONS[key]
