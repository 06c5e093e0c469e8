"""Elementwise calls on arrays of any axes, strides and types: a thread for each element of the result."""

from __future__ import annotations

import re
from math import prod
from typing import Any

import numpy as np

from bpnet_backends.fusion.expressions import TESTS, converted, expression
from bpnet_backends.fusion.operands import literal
from bpnet_backends.on_cuda.geometry import THREADS
from bpnet_backends.on_cuda.kernel import Kernel, Parameters
from bpnet_backends.on_cuda.strided import collapsed, indices, ordered, place, reach, strides_of
from bpnet_backends.on_cuda.translation import FLOATS, TYPES, translated
from bpnet_backends.on_numpy.recording import Call

OF_FLOATS: dict[str, str] = {
    "rint": "np.rint({0})",
    "trunc": "np.trunc({0})",
    "arccos": "np.acos({0})",
    "arccosh": "np.acosh({0})",
    "arcsin": "np.asin({0})",
    "arcsinh": "np.asinh({0})",
    "arctan": "np.atan({0})",
    "arctan2": "np.atan2({0}, {1})",
    "arctanh": "np.atanh({0})",
    "copysign": "np.copysign({0}, {1})",
    "cosh": "np.cosh({0})",
    "hypot": "np.hypot({0}, {1})",
    "log10": "np.log10({0})",
    "log2": "np.log2({0})",
    "nextafter": "np.nextafter({0}, {1})",
    "sinh": "np.sinh({0})",
    "tan": "np.tan({0})",
    "floor_divide": (
        "({0} / {1} if {1} == {zero} else np.rint(({0} - np.fmod({0}, {1})) / {1})"
        " - (np.{of}(1) if np.fmod({0}, {1}) != {zero} and (np.fmod({0}, {1}) < {zero}) != ({1} < {zero}) else {zero}))"
    ),  # the quotient itself may be rounded up to a whole number
    "isinf": "abs({0}) == np.{of}(np.inf)",
}
"""What `expressions` leaves out because Numba's kernels do without."""

OF_INTEGERS: dict[str, str] = {
    "bitwise_and": "{0} & {1}",
    "bitwise_or": "{0} | {1}",
    "bitwise_xor": "{0} ^ {1}",
    "right_shift": "{0} >> {1}",
    "invert": "{0} ^ np.{of}(-1)",
}
OF_TRUTH: dict[str, str] = {
    "logical_xor": "({0} != {zero}) != ({1} != {zero})",
    "isinf": "{0} != {0}",
    "signbit": "{0} < {zero}",
}
"""Of any type but floats, with a truth value as result; `logical_xor` of floats too."""

BOOLEAN = {"maximum": "{0} or {1}", "minimum": "{0} and {1}", "multiply": "{0} and {1}", "add": "{0} or {1}"}

WITH_TRUTH = {*TESTS, *OF_TRUTH}
"""Those whose result is a truth value, whatever their arguments are."""


def elementwise(call: Call) -> Kernel | None:
    """A kernel for an `elementwise`, `where`, `copy` or `take` call; None where there is none."""
    (out,) = call.outputs
    if call.options:
        return None
    if call.kind == "take":
        table, numbers = call.inputs
        return _gather(table, numbers, out)
    if call.kind == "copy":
        return _kernel("copy", "{0}", call.inputs, (out.dtype.name,), out)
    if call.kind == "where":
        of = out.dtype.name
        return _kernel("where", "({1} if {0} else {2})", call.inputs, ("bool", of, of), out)
    name = call.function.__name__
    of = np.result_type(*call.inputs).name if name in WITH_TRUTH else out.dtype.name
    text = formula(name, len(call.inputs), of)
    if text is None:
        return None
    result = "bool" if name in WITH_TRUTH else of
    return _kernel(name, converted(f"({text})", result, out.dtype.name), call.inputs, (of,) * len(call.inputs), out)


def formula(name: str, inputs: int, of: str) -> str | None:
    """`name` of elements {0}, {1} of type `of`, as text; None where there is none."""
    arguments = [f"{{{i}}}" for i in range(inputs)]
    text = expression(name, arguments, of)
    if text is not None:
        return text
    tables = [OF_FLOATS if of in FLOATS else OF_INTEGERS if of != "bool" else BOOLEAN]
    tables += [] if of in FLOATS and name != "logical_xor" else [OF_TRUTH]
    zero = "False" if of == "bool" else f"np.{of}(0)"
    found = next((table[name] for table in tables if name in table), None)
    return None if found is None else found.format(*arguments, of=of, zero=zero)


def _kernel(title: str, text: str, inputs: tuple[Any, ...], types: tuple[str, ...], out: np.ndarray) -> Kernel | None:
    arrays = [x for x in inputs if isinstance(x, np.ndarray)]
    spread = [strides_of(x, out.shape) for x in (out, *arrays)]
    if any(strides is None for strides in spread):
        return None
    shape, strides = _axes(out.shape, [found for found in spread if found is not None])
    parameters = Parameters()
    names: dict[str, str] = {}
    values: list[str] = []
    lines: list[str] = []
    for x, of in zip(inputs, types, strict=True):
        if not isinstance(x, np.ndarray):
            values.append(literal(x, of) if of in ("bool", "int64", *FLOATS) else f"np.{of}({int(x)})")
            continue
        name = f"x{len(names)}"
        at = place("k", strides[len(names) + 1])
        names[name] = x.dtype.name
        lines.append(f"const {TYPES[x.dtype.name]} {name} = {_read(parameters, x)}[{at}];")
        values.append(converted(name, x.dtype.name, of))

    def constant(found: re.Match[str]) -> str:
        name = f"number_{len(names)}"  # a parameter is called c1
        names[name] = found[2]
        lines.append(f"const {TYPES[found[2]]} {name} = {parameters.number(float(found[1]), found[2])};")
        return name

    value = translated(re.sub("⟨(.+?):(.+?)⟩", constant, text.format(*values)), names)
    target = parameters.written(out, out.ctypes.data, out.dtype.name)
    lines.append(f"{target}[{place('k', strides[0])}] = {TYPES[out.dtype.name]}({value.text});")
    return _finished(title, parameters, shape, lines, arrays, out)


def _gather(table: np.ndarray, numbers: Any, out: np.ndarray) -> Kernel | None:
    """out[n, …] = table[numbers[n], …]."""
    if not isinstance(numbers, np.ndarray) or numbers.ndim != 1 or table.dtype != out.dtype:
        return None
    column = numbers.reshape((-1,) + (1,) * (out.ndim - 1))
    rest = table[:1].shape[1:]
    first = np.broadcast_to(table[:1], (1, *rest))
    spread = [strides_of(out, out.shape), strides_of(column, out.shape), strides_of(first, out.shape)]
    of_table = strides_of(table, table.shape)
    if any(strides is None for strides in (*spread, of_table)) or not table.size:
        return None
    shape, strides = _axes(out.shape, [found for found in spread if found is not None])
    parameters = Parameters()
    down = table.strides[0] // table.itemsize
    lines = [
        f"const int64 row = row_of({_read(parameters, numbers)}[{place('k', strides[1])}], {len(table)}LL);",
        f"{parameters.written(out, out.ctypes.data, out.dtype.name)}[{place('k', strides[0])}] = "
        f"{_read(parameters, table)}[row * ({down}LL) + {place('k', strides[2])}];",
    ]
    return _finished("take", parameters, shape, lines, [out, numbers], out)


def _axes(shape: tuple[int, ...], strides: list[tuple[int, ...]]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    return collapsed(*ordered(shape, strides))


def _read(parameters: Parameters, x: np.ndarray) -> str:
    return parameters.read(x, x.ctypes.data, x.dtype.name)


def _finished(
    title: str,
    parameters: Parameters,
    shape: tuple[int, ...],
    lines: list[str],
    arrays: list[np.ndarray],
    out: np.ndarray,
) -> Kernel:
    size, of = prod(shape), reach(shape)
    inside = [*indices("i", "k", shape, of), *lines] if shape else lines
    body = [
        f"const {of} i = {of}(blockIdx.x) * {THREADS} + threadIdx.x;",
        f"if (i < {size}) {{",
        *(f"    {line}" for line in inside),
        "}",
    ]
    entry, text = parameters.finished(body, THREADS)
    return Kernel(
        title=title,
        entry=entry,
        text=text,
        grid=(-(-size // THREADS), 1),
        block=(THREADS, 1),
        arguments=parameters.arguments,
        reads=parameters.reads,
        outputs=parameters.outputs,
        shape=out.shape,
        bytes_read=sum(x.nbytes for x in arrays),
        bytes_written=out.nbytes,
        flop=out.size if out.dtype.name in FLOATS and title not in ("copy", "take", "where") else 0,
    )
