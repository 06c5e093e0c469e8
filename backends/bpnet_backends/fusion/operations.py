"""Calls of a recorded step as operations on rows: each works on one row of its arrays at a time, or sums over rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bpnet_backends.fusion.expressions import FLOATING, TESTS, converted, expression
from bpnet_backends.fusion.operands import Operand, literal, operand, overlap, same_place
from bpnet_backends.on_numpy.costs import flop, name
from bpnet_backends.on_numpy.recording import Call

MAP, ROW, COLUMNS, TOTAL = "map", "row", "columns", "total"
"""An element from elements of the same place; a value a row from the row; a row, or one value, from all rows."""

COSTS = {**dict.fromkeys(FLOATING, 0.6), "divide": 0.1, "sqrt": 0.1, "power": 20.0}
"""Nanoseconds an element, about, where it is not PASS."""

PASS, JOIN = 0.04, 1.5
"""Nanoseconds an element of a simple operation, and of a reduction, which has to wait for the last element's result."""


@dataclass(eq=False)
class Operation:
    """What is done with row n, column k of the inputs."""

    kind: str
    inputs: tuple[Operand, ...]
    output: Operand
    text: str
    """The element as an expression of `{0}`, `{1}`, … of the inputs; for a sum, what is summed."""
    joined: str = ""
    """How a reduction joins elements: `add`, `maximum`, `minimum`, `argmax`."""
    table: Operand | None = None
    """The array that a gather reads: row {0} of it."""
    cost: float = PASS
    name: str = ""
    flop: int = 0
    """Of the call that it was; see `on_numpy.costs`."""

    @cached_property
    def owners(self) -> frozenset[int | None]:
        """Whose memory it touches."""
        table = () if self.table is None else (self.table,)
        return frozenset(x.owner for x in (*self.inputs, self.output, *table))

    def may_meet(self, other: Operation) -> bool:
        """May the two touch the same memory? Told by the owners alone."""
        return None in self.owners or None in other.owners or not self.owners.isdisjoint(other.owners)

    @property
    def rows(self) -> int:
        """How many rows it works on."""
        return self.inputs[0].rows if self.kind != MAP and self.inputs else self.output.rows

    @property
    def width(self) -> int:
        """How many elements a row has."""
        return self.inputs[0].width if self.kind != MAP and self.inputs else self.output.width


def operation(call: Call) -> Operation | None:
    """The call as an operation on rows; None where it is none, or where it reads what it has written of another row."""
    found = _operation(call)
    if found is None:
        return None
    found.name, found.flop = name(call), flop(call)
    out, kind = found.output, found.kind
    clash = any(overlap(x, out) and (kind != MAP or not same_place(x, out)) for x in found.inputs)
    return None if clash or (found.table is not None and overlap(found.table, out)) else found


def _operation(call: Call) -> Operation | None:
    if call.kind == "elementwise" and not call.options and len(call.outputs) == 1:
        return _elementwise(call.function.__name__, call.inputs, call.outputs[0])
    if call.kind in ("copy", "create"):
        return _map("{0}", (call.inputs[0],), call.outputs[0], None)
    if call.kind == "where":
        condition, a, b = call.inputs
        return _where(condition, a, b, call.outputs[0])
    if call.kind == "take":
        array, indices = call.inputs
        return _gather(array, indices, call.outputs[0])
    if call.kind == "reduce":
        return _reduction(call)
    if call.kind == "other" and call.function is np.argmax:
        return _argmax(call)
    return None


def _elementwise(name: str, inputs: tuple[Any, ...], out: np.ndarray) -> Operation | None:
    of = np.result_type(*inputs).name if name in TESTS else out.dtype.name
    text = expression(name, [f"{{{i}}}" for i in range(len(inputs))], of)
    if text is None:
        return None
    made = _map(text, inputs, out, of)
    if made is not None:
        made.cost = COSTS.get(name, made.cost)
    return made


def _map(text: str, inputs: tuple[Any, ...], out: np.ndarray, of: str | None) -> Operation | None:
    """An elementwise operation; arguments are converted to `of`, or the value to the type of `out` where it is None."""
    target = operand(out, out.shape)
    if target is None:
        return None
    operands: list[Operand] = []
    arguments = []
    for x in inputs:
        to = of or target.dtype
        if not isinstance(x, np.ndarray):
            arguments.append(literal(x, to))
            continue
        source = operand(x, out.shape)
        if source is None:
            return None
        arguments.append(converted(f"{{{len(operands)}}}", source.dtype, to))
        operands.append(source)
    return Operation(MAP, tuple(operands), target, text.format(*arguments))


def _where(condition: Any, a: Any, b: Any, out: np.ndarray) -> Operation | None:
    if not isinstance(condition, np.ndarray) or condition.dtype != np.bool_:
        return None
    chosen = operand(condition, out.shape)
    values = _map("({0}) : ({1})", (a, b), out, None)
    if chosen is None or values is None:
        return None
    first, second = values.text.split(" : ")
    shifted = [f"{{{i + 1}}}" for i in range(len(values.inputs))]
    text = f"({first.format(*shifted)} if {{0}} else {second.format(*shifted)})"
    return Operation(MAP, (chosen, *values.inputs), values.output, text)


def _gather(array: np.ndarray, indices: Any, out: np.ndarray) -> Operation | None:
    if not isinstance(indices, np.ndarray) or indices.ndim != 1 or not array.flags.c_contiguous:
        return None
    column = np.broadcast_to(indices.reshape((-1,) + (1,) * (out.ndim - 1)), out.shape)
    index, target, table = operand(indices, indices.shape), operand(out, out.shape), operand(array, array.shape)
    if index is None or target is None or table is None or array.dtype != out.dtype or not column.size:
        return None
    spread = Operand(index.address, index.dtype, target.rows, target.width, index.across, 0, indices)
    return Operation(MAP, (spread,), target, "{0}", table=table)


def _reduction(call: Call) -> Operation | None:
    (x,), (out,) = call.inputs, call.outputs
    joined = call.function.__self__.__name__
    if (
        joined not in ("add", "maximum", "minimum")
        or x.dtype != out.dtype
        or x.dtype.name not in ("float32", "float64")
    ):
        return None
    source = operand(x, x.shape)
    if source is None:
        return None
    axis = call.options.get("axis", 0)
    axes = set(range(x.ndim)) if axis is None else {i % x.ndim for i in (axis if isinstance(axis, tuple) else (axis,))}
    if axes == set(range(x.ndim)):
        target = operand(out, out.shape)
        return Operation(TOTAL, (source,), target, "{0}", joined, cost=JOIN) if target else None
    if axes == set(range(1, x.ndim)):
        target = operand(out.reshape(out.shape[0]), (out.shape[0],))
        kind = ROW if source.width > 1 else MAP
        return Operation(kind, (source,), target, "{0}", joined, cost=JOIN) if target else None
    if axes == {0} and joined == "add":
        target = operand(out, out.shape) if out.flags.c_contiguous else None
        return Operation(COLUMNS, (source,), target, "{0}", joined) if target else None
    return None


def _argmax(call: Call) -> Operation | None:
    args, options = call.inputs
    (x, *more), (out,) = args, call.outputs
    if more or set(options) != {"axis"} or x.ndim != 2 or options["axis"] not in (1, -1):
        return None
    source, target = operand(x, x.shape), operand(out, out.shape)
    if source is None or target is None or source.dtype not in ("float32", "float64"):
        return None
    if source.width == 1:
        return Operation(MAP, (), target, "np.int64(0)")
    return Operation(ROW, (source,), target, "{0}", "argmax", cost=JOIN)
