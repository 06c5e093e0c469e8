"""What a recorded call is called, and what it costs: bytes read and written, and operations on floating-point numbers.

A product (M, K) (K, N) has 2 M N K of these, an elementwise operation 1 an element, whatever it is, a reduction 1 an
element of what it reduces. Copies, gathers, choices, and all that is done with whole numbers have none.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np

from bpnet_backends.on_numpy.recording import Call

REDUCED = {"add": "sum", "maximum": "max", "minimum": "min", "multiply": "prod", "logical_and": "all"}
"""What the reductions of these ufuncs are called."""


def name(call: Call) -> str:
    """For people: `add`, `matmul K=64`, `sum`, `gather`."""
    if call.kind == "matmul":
        return f"matmul K={call.inputs[0].shape[-1]}"
    if call.kind == "reduce":
        joined = str(call.function.__self__.__name__)
        return REDUCED.get(joined, joined)
    if call.kind == "samples":
        return str(call.function.name)
    if call.kind in ("elementwise", "host", "other"):
        return str(getattr(call.function, "__name__", "call"))
    return {"take": "gather", "create": "copy"}.get(call.kind, call.kind)


def flop(call: Call) -> int:
    """Operations on floating-point numbers."""
    out = call.outputs[0]
    if call.kind == "matmul":
        return 2 * out.size * call.inputs[0].shape[-1] if out.dtype.kind == "f" else 0
    if call.kind == "samples":
        return int(call.function.flop) * len(call.inputs[0])
    if not any(array.dtype.kind == "f" for array in call.reads):
        return 0
    return {"elementwise": out.size, "reduce": call.reads[0].size}.get(call.kind, 0)


def moved(call: Call) -> int:
    """Bytes read and written; of the array that a gather reads, the rows that it takes."""
    reads = [*call.reads[1:], call.outputs[0]] if call.kind == "take" else call.reads
    return touched(reads) + touched(call.outputs)


def touched(arrays: Iterable[np.ndarray]) -> int:
    """Bytes of the arrays, the same one counted once, and so what is the same along an axis."""
    once = {(x.ctypes.data, x.shape, x.strides): x for x in arrays}
    return sum(
        x.itemsize * prod(length for length, stride in zip(x.shape, x.strides, strict=True) if stride)
        for x in once.values()
    )
