"""Reductions over any axes of arrays of any strides and types: a thread, a warp or a block for each result."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from bpnet_backends.on_cuda.geometry import THREADS, WARP
from bpnet_backends.on_cuda.kernel import Kernel, Parameters
from bpnet_backends.on_cuda.strided import collapsed, indices, ordered, place, reach, strides_of
from bpnet_backends.on_cuda.translation import FLOATS, TYPES
from bpnet_backends.on_numpy.recording import Call

JOIN = {
    "add": "Add",
    "multiply": "Multiply",
    "maximum": "Maximum",
    "minimum": "Minimum",
    "logical_and": "And",
    "logical_or": "Or",
}
FIRST = {np.argmax: ("First_maximum", "least"), np.argmin: ("First_minimum", "greatest")}
"""How two are joined, and what the first is joined with."""

FEW, MANY = 16, 4096
"""Elements of a result up to which a thread computes it, and from which a whole block does."""


def reduction(call: Call) -> Kernel | None:
    """A kernel for a `reduce` call, or one of `argmax` and `argmin`; None where there is none."""
    (out,) = call.outputs
    if call.kind == "reduce":
        (x,), options = call.inputs, call.options
        join = JOIN.get(call.function.__self__.__name__)
        if join is None or not set(options) <= {"axis", "keepdims", "dtype"}:
            return None
        of = "bool" if join in ("And", "Or") else out.dtype.name
        kept = "float64" if of in FLOATS and join in ("Add", "Multiply") else of
        return _kernel(x, options.get("axis", 0), out, join, TYPES.get(kept, ""), f"{join}::first<{TYPES.get(kept)}>()")
    if call.function not in FIRST:
        return None
    (x, *more), options = call.inputs
    if more or not set(options) <= {"axis", "keepdims"} or x.dtype.name not in TYPES:
        return None
    join, end = FIRST[call.function]
    of = TYPES[x.dtype.name]
    begin = f"Placed<{of}>(Ends<{of}>::{end}(), {x.size}LL)"
    return _kernel(x, options.get("axis"), out, join, f"Placed<{of}>", begin)


def _kernel(x: np.ndarray, axis: Any, out: np.ndarray, join: str, kept: str, begin: str) -> Kernel | None:
    strides = strides_of(x, x.shape)
    if strides is None or out.dtype.name not in TYPES:
        return None
    given = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = {int(i) % x.ndim for i in given}
    left = [i for i in range(x.ndim) if i not in axes]
    target = out.reshape(tuple(x.shape[i] for i in left))
    of_target = strides_of(target, target.shape)
    if of_target is None or not np.may_share_memory(target, out):
        return None
    own = tuple(tuple(each[i] for i in left) for each in (strides,))
    shape, (to, start) = collapsed(*ordered(target.shape, [of_target, *own]))
    inner, (along,) = collapsed([x.shape[i] for i in sorted(axes)], [tuple(strides[i] for i in sorted(axes))])
    return _written(x, out, (shape, to, start), (inner, along), join, kept, begin)


def _written(
    x: np.ndarray,
    out: np.ndarray,
    results: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]],
    reduced: tuple[tuple[int, ...], tuple[int, ...]],
    join: str,
    kept: str,
    begin: str,
) -> Kernel:
    (shape, to, start), (inner, along) = results, reduced
    number, length = prod(shape), prod(inner)
    lanes = 1 if length <= FEW else WARP if length < MANY else THREADS
    rows = THREADS // lanes
    parameters = Parameters()
    source = parameters.read(x, x.ctypes.data, x.dtype.name)
    target = parameters.written(out, out.ctypes.data, out.dtype.name)
    of, of_inner = reach(shape), reach(inner)
    value = f"here_[{place('r', along)}]"
    value = f"{kept}({value}, r)" if kept.startswith("Placed") else f"{kept}({value})"
    result = f"over_group<{join}, {lanes}>(all, ({kept}*)shared){'.place' if kept.startswith('Placed') else ''}"
    body = [
        f"__shared__ double shared[{2 * WARP}];",
        f"const {of} e = {of}(blockIdx.x) * {rows} + threadIdx.y;",
        f"const bool here = e < {number};",
        *(indices("e", "k", shape, of) if shape else []),
        f"const {TYPES[x.dtype.name]}* here_ = {source} + {place('k', start)};",
        f"{kept} all = {begin};",
        f"for ({of_inner} r = threadIdx.x; here && r < {length}; r += {lanes}) {{",
        *(f"    {line}" for line in (indices("r", "r", inner, of_inner) if inner else [])),
        f"    all = {join}::join(all, {value});",
        "}",
        f"const {TYPES[out.dtype.name]} whole = {TYPES[out.dtype.name]}({result});",
        f"if (here && threadIdx.x == 0) {target}[{place('k', to)}] = whole;",
    ]
    entry, text = parameters.finished(body, THREADS)
    return Kernel(
        title=f"reduction ({join.lower()})",
        entry=entry,
        text=text,
        grid=(-(-number // rows), 1),
        block=(lanes, rows),
        arguments=parameters.arguments,
        reads=parameters.reads,
        outputs=parameters.outputs,
        shape=x.shape,
        bytes_read=x.nbytes,
        bytes_written=out.nbytes,
        flop=x.size if x.dtype.name in FLOATS else 0,
    )
