"""What a model expects of its data, read off its graph and the losses of its outputs."""

from __future__ import annotations

from collections.abc import Sequence

from bpnet.data.samples import ExpectedInput, ExpectedTarget
from bpnet.nn.graph import Graph
from bpnet.training.terms import Term


def expected_inputs(graph: Graph) -> tuple[ExpectedInput, ...]:
    """Shapes, and the tables that the numbers of an input name rows of, where it feeds these directly."""
    found = []
    for node, name in zip(graph.inputs, graph.input_names, strict=True):
        layers = [reader.layer for reader in graph.readers(node) if reader.layer is not None]
        tables = {layer.name: layer.table_rows for layer in layers if layer.table_rows is not None}
        found.append(ExpectedInput(name, node.shape, layers[0].name, tuple(tables.items())))
    return tuple(found)


def expected_targets(graph: Graph, terms: Sequence[Term]) -> tuple[ExpectedTarget, ...]:
    """What the losses take, and the shapes of the outputs."""
    pairs = zip(terms, graph.outputs, strict=True)
    return tuple(ExpectedTarget(term.output, term.loss.targets, node.shape) for term, node in pairs)
