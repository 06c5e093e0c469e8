"""A network as a table, a line a layer, and a model in one line."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from bpnet.constructor import text
from bpnet.nn.graph import Graph, Node
from bpnet.nn.network import Network
from bpnet.nn.optimizers import Optimizer
from bpnet.training.terms import Term


def table(network: Network) -> str:
    """Layer, its kind, the shape of its output, the number of its parameters; the totals below.

    Where the graph is no chain, the inputs have lines too, and a column says what each layer takes in: for a layer
    that is used at several places, `;` stands between these.
    """
    graph = network.graph
    rows = [["layer", "kind", "output shape", "parameters", "takes in"]]
    rows += [[name, "Input", _shape(node), "0", ""] for name, node in zip(graph.input_names, graph.inputs, strict=True)]
    for index, layer in enumerate(graph.layers):
        uses = graph.uses(layer)
        count = sum(prod(place.parameter.shape) for place in network.layout.places if place.layer == index)
        kind = type(layer).__name__
        if layer.activation is not None:
            kind += f" {layer.activation.name}"
        takes = "; ".join(", ".join(graph.name_of(source) for source in node.inputs) for node in uses)
        rows.append([layer.name, kind, _shape(uses[0]), f"{count:,}", takes])
    if _is_chain(graph):
        rows = [row[:-1] for row in (rows[0], *rows[2:])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_cells(row, widths)).rstrip() for row in rows]
    rule = "-" * max(map(len, lines))
    size = network.layout.size
    bytes_each = 4 if network.dtype == "float32" else 8
    total = (
        f"{size:,} parameters ({network.layout.decaying:,} of them weights), {size * bytes_each:,} bytes "
        f"in {network.dtype} on {network.backend.name}, {network.backend.device}"
    )
    return "\n".join([lines[0], rule, *lines[1:], rule, total])


def _is_chain(graph: Graph) -> bool:
    """One input, and then each node takes in the one before it alone."""
    (_, *nodes), sources = graph.nodes, graph.nodes[:-1]
    return all(node.inputs == (source,) for node, source in zip(nodes, sources, strict=True))


def _shape(node: Node) -> str:
    return "(" + ", ".join(["samples", *map(str, node.shape)]) + ")"


def _cells(row: list[str], widths: list[int]) -> list[str]:
    """Numbers stand on the right of their column."""
    aligned = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
    aligned[3] = row[3].rjust(widths[3])
    return aligned


def one_line(model: Any) -> str:
    """What a model maps to what, its size and place, and how it learns: what `repr` says of it.

    Only what is there already is looked at, also where a constructor has not come to its end.
    """
    own = vars(model)
    network, compiled, layers = own.get("_network"), own.get("_compiled"), own.get("_layers", ())
    parts = [f"{len(layers)} layer{'s' * (len(layers) != 1)}", "not built"]
    if network is not None:
        graph = network.graph
        sides = _named(graph.inputs, graph.input_names), _named(graph.outputs, graph.output_names)
        where = f"{network.dtype} on {network.backend.name}"
        parts = [" → ".join(sides), f"{network.layout.size:,} parameters", where]
    return f"{type(model).__name__}({', '.join(parts)}; {_learning(compiled)})"


def _named(nodes: Sequence[Node], names: Sequence[str]) -> str:
    """The shape of one, names and shapes of several."""
    if len(nodes) == 1:
        return str(nodes[0].shape)
    return "[" + ", ".join(f"{name} {node.shape}" for name, node in zip(names, nodes, strict=True)) + "]"


def _learning(compiled: tuple[Optimizer, Sequence[Term]] | None) -> str:
    """The optimizer, and of each output its loss and metrics."""
    if compiled is None:
        return "not compiled"
    optimizer, terms = compiled
    parts = [text(optimizer)]
    for term in terms:
        own = [text(term.loss), *(str(metric.name) for metric in term.metrics)]
        parts.append(", ".join(own) if len(terms) == 1 else f"{term.output}: {', '.join(own)}")
    return ", ".join(parts)
