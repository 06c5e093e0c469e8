"""From a graph of operators to the bytes of an ONNX file, which the checker of `onnx` has read."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np

from bpnet.formats.onnx.graph import TYPES, OnnxGraph, Port

OPSET = 17
"""The first in which ONNX Runtime has float64 kernels for PRelu, and the first with LayerNormalization."""

ML_OPSET = 2
"""Of the domain ai.onnx.ml, for LabelEncoder between any two types."""

IR_VERSION = 8
"""The one that came with OPSET: a newer one is refused by runtimes of that time."""

LARGEST = (1 << 31) - (1 << 20)
"""Bytes of constants: a protobuf message ends at 2 GiB."""


def require_onnx() -> Any:
    """The package `onnx`; ImportError that says how to get it."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError(f'export needs onnx ({error}). Mend: pip install ".[onnx]"') from error
    return onnx


def serialized(g: OnnxGraph, name: str, about: str = "", facts: dict[str, str] | None = None) -> bytes:
    """The file's bytes. ValueError: the graph is too large; onnx.checker.ValidationError: it is wrong, a bug."""
    onnx = require_onnx()
    operations = g.needed()
    used = {each for operation in operations for each in operation.inputs}
    constants = {key: array for key, array in g.constants.items() if key in used}
    if (size := sum(array.nbytes for array in constants.values())) > LARGEST:
        raise ValueError(f"export: the weights have {size:,} bytes, but an ONNX file ends at 2 GiB")
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node(each.op, each.inputs, [each.output], each.output, domain=each.domain, **each.settings)
            for each in operations
        ],
        name,
        [_declared(onnx, port) for port in g.inputs],
        [_declared(onnx, port) for port in g.outputs],
        [onnx.numpy_helper.from_array(_storable(array), key) for key, array in constants.items()],
        doc_string=about,
    )
    domains = {each.domain for each in operations}
    opsets = [onnx.helper.make_opsetid("", OPSET)]
    if "ai.onnx.ml" in domains:
        opsets.append(onnx.helper.make_opsetid("ai.onnx.ml", ML_OPSET))
    opsets += [onnx.helper.make_opsetid(domain, 1) for domain in sorted(domains - {"", "ai.onnx.ml"})]
    model = onnx.helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=IR_VERSION,
        producer_name="bpnet",
        producer_version=version("bpnet"),
    )
    onnx.helper.set_model_props(model, facts or {})
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def _declared(onnx: Any, port: Port) -> Any:
    shape = ["batch", *port.shape]
    return onnx.helper.make_tensor_value_info(port.name, TYPES[port.dtype], shape, doc_string=port.about)


def _storable(array: np.ndarray) -> np.ndarray:
    """Little rows, in order; strings as objects, as `onnx` wants them."""
    return np.ascontiguousarray(array).reshape(array.shape) if array.dtype.kind != "U" else array.astype(object)
