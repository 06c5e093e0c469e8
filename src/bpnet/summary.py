"""A network as a table: a line a layer."""

from __future__ import annotations

from math import prod

from bpnet.nn.network import Network


def table(network: Network) -> str:
    """Layer, its kind, the shape of its output, the number of its parameters; the totals below."""
    rows = [("layer", "kind", "output shape", "parameters")]
    for index, layer in enumerate(network.graph.layers):
        node = network.graph.uses(layer)[0]
        count = sum(prod(place.parameter.shape) for place in network.layout.places if place.layer == index)
        shape = "(" + ", ".join(["samples", *map(str, node.shape)]) + ")"
        kind = type(layer).__name__
        if layer.activation is not None:
            kind += f" {layer.activation.name}"
        rows.append((layer.name, kind, shape, f"{count:,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}".rstrip() for a, b, c, d in rows]
    rule = "-" * max(map(len, lines))
    size = network.layout.size
    bytes_each = 4 if network.dtype == "float32" else 8
    total = (
        f"{size:,} parameters ({network.layout.decaying:,} of them weights), {size * bytes_each:,} bytes "
        f"in {network.dtype} on {network.backend.name}, {network.backend.device}"
    )
    return "\n".join([lines[0], rule, *lines[1:], rule, total])
